"""Sessions in containers with ECS Exec, recorded in a log group and encrypted with a KMS key."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from moorage import Cluster, Container, ExecSessions, Network, Service, Task

app = cdk.App()
stack = cdk.Stack(app, "Shop")
network = Network(stack, "Network")
cluster = Cluster(stack, "Cluster", vpc=network.vpc, exec_sessions=ExecSessions())
cache = Container("public.ecr.aws/docker/library/redis:8", port=6379)
Service(stack, "Cache", cluster=cluster, task=Task(cache, execute_command=True))

# users who open sessions also need permission for the key
operators = iam.Role(stack, "Operators", assumed_by=iam.AccountRootPrincipal())
if cluster.exec_sessions and cluster.exec_sessions.key:
    cluster.exec_sessions.key.grant(operators, "kms:GenerateDataKey")
app.synth()
