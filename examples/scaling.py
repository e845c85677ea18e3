"""Scaling by CPU every 20 seconds, by requests, by schedules, by a forecast and by a custom metric."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_scheduler as scheduler

from moorage import (
    Cluster,
    Container,
    LoadBalancer,
    MetricTarget,
    Network,
    PredictiveScaling,
    Route,
    Scaling,
    ScheduledAction,
    Service,
    Task,
)

app = cdk.App()
stack = cdk.Stack(app, "Shop")
network = Network(stack, "Network")
edge = LoadBalancer(stack, "Edge", vpc=network.vpc)
morning = scheduler.ScheduleExpression.cron(hour="7", minute="30", time_zone=cdk.TimeZone.EUROPE_BERLIN)
sessions = cloudwatch.Metric(namespace="Shop", metric_name="SessionsPerTask")

Service(
    stack,
    "Web",
    cluster=Cluster(stack, "Cluster", vpc=network.vpc),
    task=Task(Container("public.ecr.aws/nginx/nginx:1.29", port=80, writable=["/var/cache/nginx", "/run"])),
    route=Route(edge),
    scaling=Scaling(
        2,
        40,
        cpu_percent=60,
        memory_percent=70,
        requests_per_task=1000,
        high_resolution=True,
        metrics=[MetricTarget("Sessions", sessions, 200)],
        schedules=[ScheduledAction("morning", morning, minimum=6)],
        predictive=PredictiveScaling(cpu_percent=60, forecast_only=True),
    ),
)
app.synth()
