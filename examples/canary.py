"""A canary deployment: a tenth of the traffic first, checked by a function, approved by a person, with alarms."""

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_

from moorage import (
    Cluster,
    Container,
    LifecycleHook,
    LifecycleStage,
    LoadBalancer,
    Network,
    RollbackAlarms,
    Rollout,
    Route,
    Service,
    Task,
)

app = cdk.App()
stack = cdk.Stack(app, "Shop")
# prerequisite: a certificate in this account and region; replace this ARN
certificate = acm.Certificate.from_certificate_arn(
    stack, "Certificate", "arn:aws:acm:eu-west-1:111111111111:certificate/1a2b"
)
network = Network(stack, "Network")
office = ec2.Peer.ipv4("198.51.100.0/24")
edge = LoadBalancer(
    stack, "Edge", vpc=network.vpc, public=True, certificate=certificate, test_ingress=[office]
)  # the office tests a new version on port 8443 before it gets traffic
# prerequisite: the function that returns {"hookStatus": "SUCCEEDED"} or "FAILED" to the hook
smoke_test = lambda_.Function.from_function_name(stack, "SmokeTest", "smoke-test")

web = Service(
    stack,
    "Web",
    cluster=Cluster(stack, "Cluster", vpc=network.vpc),
    task=Task(Container("public.ecr.aws/nginx/nginx:1.29", port=80, writable=["/var/cache/nginx", "/run"])),
    route=Route(edge),
    rollout=Rollout.canary(
        percent=10,
        bake=cdk.Duration.minutes(10),
        alarms=RollbackAlarms(errors_percent=1, latency=cdk.Duration.millis(800)),
        hooks=[
            LifecycleHook.function(smoke_test, LifecycleStage.POST_TEST_TRAFFIC_SHIFT),
            LifecycleHook.pause(LifecycleStage.PRE_PRODUCTION_TRAFFIC_SHIFT, timeout=cdk.Duration.hours(2)),
        ],
    ),
)
print(web.estimate())
app.synth()
