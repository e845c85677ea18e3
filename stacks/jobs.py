"""The worker of new orders, and the job that counts the carts every night."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as cloudwatch_actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from moorage import Container, Job, Scaling, Schedule, Task, Worker
from stacks import store
from stacks.data import DataStack
from stacks.platform import PlatformStack
from stacks.settings import EnvironmentSettings

IMAGE = "public.ecr.aws/aws-cli/aws-cli:2.32.9"
DRAIN = """
set -e
trap stopped=1 TERM
while [ -z "$stopped" ]; do
  order=$(aws sqs receive-message --queue-url "$QUEUE_URL" --wait-time-seconds 20 \\
    --query 'Messages[0].ReceiptHandle' --output text)
  [ "$order" = None ] || aws sqs delete-message --queue-url "$QUEUE_URL" --receipt-handle "$order"
done
"""
COUNT = """
set -e -o pipefail
carts=$(aws dynamodb scan --table-name "$TABLE" --index-name "$INDEX" --projection-expression customerId \\
  --query 'Items[].customerId.S' --output text | tr '\\t' '\\n' | sed '/^$/d;/^None$/d' | sort -u | wc -l)
aws cloudwatch put-metric-data --namespace "$NAMESPACE" --metric-name Carts --unit Count --value "$carts"
"""


class JobsStack(cdk.Stack):
    """A worker that drains the queue of orders, a job that counts the carts, and an alarm for failed counts."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: EnvironmentSettings,
        platform: PlatformStack,
        data: DataStack,
    ) -> None:
        super().__init__(scope, construct_id, termination_protection=not settings.removable)
        cluster, operators, capacity = platform.cluster, platform.operators, platform.strategy(settings.jobs.capacity)
        Worker(
            self,
            "Orders",
            cluster=cluster,
            task=_task(DRAIN),
            queue=data.order_messages,
            capacity=capacity,
            scaling=Scaling(0, settings.jobs.max_tasks, backlog_per_task=100),
            topic=operators,
            removal_policy=settings.removal_policy,
        )
        namespace = f"RetailStore/{self.stack_name}"
        names = {"TABLE": data.carts.table_name, "INDEX": store.CARTS_INDEX, "NAMESPACE": namespace}
        carts = Job(
            self,
            "Carts",
            cluster=cluster,
            capacity=capacity,
            task=_task(COUNT, "dynamodb", "monitoring", **names),
            schedule=Schedule(scheduler.ScheduleExpression.cron(hour="3", minute="0"), topic=operators),
            overlap=False,
            timeout=cdk.Duration.minutes(30),
            retries=2,
            removal_policy=settings.removal_policy,
        )
        in_namespace = {"StringEquals": {"cloudwatch:namespace": namespace}}  # metrics have no ARN
        put = iam.PolicyStatement(actions=["cloudwatch:PutMetricData"], resources=["*"], conditions=in_namespace)
        index_arn = f"{data.carts.table_arn}/index/{store.CARTS_INDEX}"
        scan = iam.PolicyStatement(actions=["dynamodb:Scan"], resources=[index_arn])
        for statement in (scan, store.use_of_key(data.key, "dynamodb", "Decrypt"), put):
            carts.grant_principal.add_to_principal_policy(statement)
        assert carts.state_machine is not None  # noqa: S101  # it is there because of overlap=False
        cloudwatch.Alarm(
            self,
            "CartsFailed",
            alarm_description="The carts were not counted",
            metric=carts.state_machine.metric_failed(),
            threshold=1,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        ).add_alarm_action(cloudwatch_actions.SnsAction(operators))


def _task(script: str, *called_services: str, **environment: str) -> Task:
    """Return the task that runs a script with the AWS CLI."""
    variables = {**store.IN_REGION, **environment}
    container = Container(
        IMAGE, entry_point=["sh", "-c"], command=script, user="1000", writable=["/tmp"], environment=variables
    )
    return Task(container, cpu=256, memory_mib=512, called_services=called_services)
