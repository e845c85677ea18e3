"""Jobs and a worker are deployed to the local AWS, started by hand, changed and destroyed."""

from __future__ import annotations

import datetime as dt
import json
import time
import zoneinfo
from collections.abc import Callable
from typing import Any

import pytest

from moorage.local.account import Account
from tests.local.test_local_lifecycle import Project

APP = """
import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_scheduler as scheduler
from moorage import (
    Capacity, Cluster, Container, EventRule, Job, Network, Scaling, Schedule, Strategy, Task, Worker, WorkQueue,
)

GONE = cdk.RemovalPolicy.DESTROY
app = cdk.App()
stack = cdk.Stack(app, "Jobs")
network = Network(stack, "Network", nat_gateways=1, removal_policy=GONE)
fargate, spot = Capacity.fargate(), Capacity.fargate_spot()
cluster = Cluster(stack, "Cluster", vpc=network.vpc, capacity=[fargate, spot])


def task(name, command):
    return Task(Container("public.ecr.aws/nginx/nginx:1.29", name=name, command=["sh", "-c", command]))


Job(
    stack,
    "Nightly",
    cluster=cluster,
    task=task("nightly", "exit 0"),
    capacity=Strategy({spot: 1}),
    schedule=Schedule(
        scheduler.ScheduleExpression.cron(hour="3", minute="0", time_zone=cdk.TimeZone.EUROPE_PARIS),
        flexible_window=cdk.Duration.minutes(15),
        environment={"DUE": scheduler.ContextAttribute.scheduled_time},
        retries=3,
        alarm_actions=[],
    ),
    removal_policy=GONE,
)
Job(
    stack,
    "Alone",
    cluster=cluster,
    task=task("alone", "sleep 3"),
    schedule=scheduler.ScheduleExpression.rate(cdk.Duration.days(1)),
    overlap=False,
    timeout=cdk.Duration.hours(1),
    removal_policy=GONE,
)
Job(
    stack,
    "Import",
    cluster=cluster,
    task=task("import", "exit 4"),
    event=EventRule(
        events.EventPattern(source=["shop"], detail_type=["order"]),
        environment={"KEY": events.EventField.from_path("$.detail.key")},
    ),
    removal_policy=GONE,
)
Worker(
    stack,
    "Mailer",
    cluster=cluster,
    task=task("mailer", "sleep infinity"),
    scaling=Scaling(0, 50, backlog_per_task=100),
    queue=WorkQueue(max_receives=4),
    removal_policy=GONE,
)
app.synth()
"""


class Shown:
    """The deployed resources, as each service's API shows them."""

    def __init__(self, of: Project) -> None:
        self.account = Account(of.server.access, None, None)
        self.ids: dict[str, dict[str, str]] = {
            kind: {
                each["LogicalResourceId"]: each["PhysicalResourceId"]
                for each in self.account.resources("Jobs")
                if each["ResourceType"] == kind
            }
            for kind in {each["ResourceType"] for each in self.account.resources("Jobs")}
        }
        (self.cluster,) = self.ids["AWS::ECS::Cluster"].values()

    def client(self, service: str) -> Any:
        return self.account.client(service)

    def one(self, kind: str, of: str) -> str:
        (found,) = [each for name, each in self.ids[kind].items() if name.startswith(of)]
        return found

    def schedule(self, of: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client("scheduler").get_schedule(Name=self.one("AWS::Scheduler::Schedule", of))
        return found

    def fire(self, of: str) -> None:
        """Make the time of a schedule come, now and in its own time zone."""
        found = self.schedule(of)
        kept = {name: found[name] for name in ("FlexibleTimeWindow", "Name", "ScheduleExpressionTimezone", "Target")}
        now = dt.datetime.now(zoneinfo.ZoneInfo(found["ScheduleExpressionTimezone"]))
        self.client("scheduler").update_schedule(**kept, ScheduleExpression=f"at({now:%Y-%m-%dT%H:%M:%S})")

    def tasks(self, container: str, status: str) -> list[dict[str, Any]]:
        ecs = self.client("ecs")
        arns = ecs.list_tasks(cluster=self.cluster, desiredStatus=status)["taskArns"]
        found = ecs.describe_tasks(cluster=self.cluster, tasks=arns, include=["TAGS"])["tasks"] if arns else []
        return [each for each in found if each["containers"][0]["name"] == container]

    def executions(self) -> list[dict[str, Any]]:
        (machine,) = self.ids["AWS::StepFunctions::StateMachine"].values()
        found: list[dict[str, Any]] = self.client("stepfunctions").list_executions(stateMachineArn=machine)[
            "executions"
        ]
        return found

    def states(self, execution: dict[str, Any]) -> list[str]:
        """Return the states that an execution entered."""
        arn = execution["executionArn"]
        told = self.client("stepfunctions").get_execution_history(executionArn=arn)["events"]
        return [each["stateEnteredEventDetails"]["name"] for each in told if "stateEnteredEventDetails" in each]

    def queue(self, of: str) -> dict[str, str]:
        asked = {"QueueUrl": self.one("AWS::SQS::Queue", of), "AttributeNames": ["All"]}
        found: dict[str, str] = self.client("sqs").get_queue_attributes(**asked)["Attributes"]
        return found


def until(what: Callable[[], Any]) -> Any:
    for _ in range(150):
        found = what()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("it did not come about")


def deploy(project: Project, *changes: tuple[str, str]) -> Shown:
    source = APP
    for old, new in changes:
        assert old in source
        source = source.replace(old, new)
    (project.folder / "app.py").write_text(source)
    done = project.up()
    assert done.returncode == 0, done.stdout + done.stderr
    return Shown(project)


def variables(task: dict[str, Any]) -> dict[str, str]:
    (override,) = task["overrides"]["containerOverrides"]
    return {each["name"]: each["value"] for each in override["environment"]}


@pytest.mark.oracle
@pytest.mark.slow
def test_jobs_and_a_worker_are_deployed_started_changed_and_destroyed(project: Project) -> None:
    shown = deploy(project)
    nightly = shown.schedule("Nightly")
    assert nightly["ScheduleExpressionTimezone"] == "Europe/Paris"
    assert nightly["FlexibleTimeWindow"] == {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}
    assert nightly["Target"]["RetryPolicy"]["MaximumRetryAttempts"] == 3
    assert nightly["Target"]["DeadLetterConfig"]["Arn"] == shown.queue("NightlyDeadLetters")["QueueArn"]
    assert shown.queue("NightlyDeadLetters")["KmsMasterKeyId"] == "alias/aws/sqs"
    shown.fire("Nightly")
    (ran,) = until(lambda: shown.tasks("nightly", "STOPPED"))
    assert ran["capacityProviderName"] == "FARGATE_SPOT"
    assert ran["containers"][0]["exitCode"] == 0
    assert dt.datetime.fromisoformat(variables(ran)["DUE"])

    starts_alone(shown)

    order = {"Source": "shop", "DetailType": "order", "Detail": json.dumps({"key": "in.csv"})}
    shown.client("events").put_events(Entries=[order])
    (ran,) = until(lambda: shown.tasks("import", "STOPPED"))
    assert variables(ran) == {"KEY": "in.csv"}
    assert ran["containers"][0]["exitCode"] == 4

    drains(shown, most=50)

    changed = [
        ('hour="3"', 'hour="4"'),
        ("retries=3", "retries=5"),
        ("Scaling(0, 50", "Scaling(0, 80"),
        ("exit 4", "exit 0"),
    ]
    shown = deploy(project, *changed)
    assert shown.schedule("Nightly")["ScheduleExpression"] == "cron(0 4 * * ? *)"
    assert shown.schedule("Nightly")["Target"]["RetryPolicy"]["MaximumRetryAttempts"] == 5
    shown.client("events").put_events(Entries=[order])
    codes = until(lambda: len(found := shown.tasks("import", "STOPPED")) == 2 and found)
    assert sorted(each["containers"][0]["exitCode"] for each in codes) == [0, 4]
    drains(shown, most=80)

    down = project.run("down")
    assert down.stdout.endswith("All stacks are deleted; the local AWS is stopped.\n"), down.stdout + down.stderr


def starts_alone(shown: Shown) -> None:
    """Check that a second start finds the running task and starts no other."""
    shown.fire("Alone")
    until(lambda: shown.tasks("alone", "RUNNING"))
    (machine,) = shown.ids["AWS::StepFunctions::StateMachine"].values()
    second = shown.client("stepfunctions").start_execution(stateMachineArn=machine)
    assert until(lambda: "Runs already" in shown.states(second))
    (ran,) = until(lambda: shown.tasks("alone", "STOPPED"))
    first = until(lambda: [each for each in shown.executions() if each["executionArn"] != second["executionArn"]])
    until(lambda: {each["status"] for each in shown.executions()} == {"SUCCEEDED"})
    assert [shown.states(each) for each in first] == [["List", "Any", "Run"]]
    assert ran["startedBy"] == "AWS Step Functions"


def drains(shown: Shown, *, most: int) -> None:
    """Check that the worker has its queue's URL, and that waiting messages change its number of tasks."""
    url = shown.one("AWS::SQS::Queue", "MailerQueue")
    queue = shown.queue("MailerQueue")
    assert json.loads(queue["RedrivePolicy"]) == {
        "deadLetterTargetArn": shown.queue("MailerDeadLetters")["QueueArn"],
        "maxReceiveCount": 4,
    }
    assert queue["VisibilityTimeout"] == "180"
    ecs = shown.client("ecs")
    (service,) = ecs.describe_services(cluster=shown.cluster, services=list(shown.ids["AWS::ECS::Service"].values()))[
        "services"
    ]
    definition = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    assert {"name": "QUEUE_URL", "value": url} in definition["containerDefinitions"][0]["environment"]
    scaling = shown.client("application-autoscaling")
    (target,) = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (0, most)
    policies = scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    tracked = {each["PolicyType"]: each for each in policies}
    assert set(tracked) == {"TargetTrackingScaling", "StepScaling"}
    followed = tracked["TargetTrackingScaling"]["TargetTrackingScalingPolicyConfiguration"]
    assert followed["TargetValue"] == 100
    assert queue["QueueArn"].split(":")[-1] in json.dumps(followed["CustomizedMetricSpecification"])
