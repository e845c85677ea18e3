"""Monitoring: alarms on a service, failure events of its cluster, a dashboard, and encrypted logs."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns

from moorage import Cluster, Container, Dashboard, Network, Service, ServiceAlarms, Task

app = cdk.App()
stack = cdk.Stack(app, "Shop")
key = kms.Key(stack, "Key", enable_key_rotation=True)
for service in ("cloudwatch", "events", f"logs.{stack.region}"):
    key.grant_encrypt_decrypt(iam.ServicePrincipal(f"{service}.amazonaws.com"))
topic = sns.Topic(stack, "Operators", master_key=key, enforce_ssl=True)

network = Network(stack, "Network")
cluster = Cluster(stack, "Cluster", vpc=network.vpc, failure_topic=topic)
cache = Service(
    stack,
    "Cache",
    cluster=cluster,
    task=Task(Container("public.ecr.aws/docker/library/redis:8", port=6379)),
    log_group=logs.LogGroup(stack, "Logs", encryption_key=key, retention=logs.RetentionDays.THREE_MONTHS),
)
ServiceAlarms(stack, "CacheAlarms", service=cache, topic=topic, cpu_percent=80)
Dashboard(stack, "Dashboard", services=[cache])

full = cache.metric_memory_utilization(period=cdk.Duration.minutes(1)).create_alarm(
    stack, "Full", threshold=90, evaluation_periods=15
)
busy = cluster.metric_cpu_utilization().create_alarm(stack, "Busy", threshold=80, evaluation_periods=3)
for alarm in (full, busy):
    alarm.add_alarm_action(actions.SnsAction(topic))
app.synth()
