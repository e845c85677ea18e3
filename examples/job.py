"""A task that runs every night in a time zone, one that runs for each object put into a bucket, and one on request."""

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler

from moorage import Cluster, Container, EventRule, Job, Network, Schedule, Task

app = cdk.App()
stack = cdk.Stack(app, "Reports")
cluster = Cluster(stack, "Cluster", vpc=Network(stack, "Network").vpc)
orders = s3.Bucket(stack, "Orders", event_bridge_enabled=True, enforce_ssl=True)
python = "public.ecr.aws/docker/library/python:3.13-slim"

nightly = Job(
    stack,
    "Nightly",
    cluster=cluster,
    task=Task(
        Container(python, command=["python", "-c", "print('the report')"], writable=["/tmp"]), cpu=512, memory_mib=1024
    ),
    schedule=Schedule(
        scheduler.ScheduleExpression.cron(hour="3", minute="0", time_zone=cdk.TimeZone.EUROPE_PARIS),
        flexible_window=cdk.Duration.minutes(15),
    ),
    overlap=False,
    timeout=cdk.Duration.hours(2),
    retries=3,
)
imported = Job(
    stack,
    "Import",
    cluster=cluster,
    task=Task(Container(python, command=["python", "-c", "import os; print(os.environ['KEY'])"])),
    event=EventRule(
        events.EventPattern(
            source=["aws.s3"], detail_type=["Object Created"], detail={"bucket": {"name": [orders.bucket_name]}}
        ),
        environment={"KEY": events.EventField.from_path("$.detail.object.key")},
    ),
)
backfill = Job(
    stack,
    "Backfill",
    cluster=cluster,
    task=Task(Container(python, command=["python", "-c", "print('the reports of last year')"])),
    retries=2,
    retry_interval=cdk.Duration.minutes(5),
)
backfill.grant_run(iam.Role(stack, "Operator", assumed_by=iam.AccountRootPrincipal()))
orders.grant_read(nightly)
orders.grant_read(imported)
app.synth()
