"""Tasks that end in the local AWS, started by hand, by a schedule, by an event or by a state machine."""

from __future__ import annotations

import datetime as dt
import json
import time
import zoneinfo
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import aws_cdk as cdk
import pytest

from moorage.assembly.cloud_assembly import Stack
from moorage.ecs.task.run_task import TaskRun
from moorage.local.report.readback import why_not_standing
from moorage.local.report.table import table
from tests.local.local_aws import (
    ACCOUNT,
    NETWORK,
    REGION,
    Client,
    Deploy,
    access,
    attribute,
    fargate,
    ref,
    resource,
    role,
)

Resources = dict[str, Any]

SUBNETS = {"AwsvpcConfiguration": {"Subnets": [ref("Subnet")], "AssignPublicIp": "DISABLED"}}


RUN: Resources = {
    "Effect": "Allow",
    "Action": "ecs:RunTask",
    "Resource": ref("Task"),
    "Condition": {"ArnEquals": {"ecs:cluster": attribute("Cluster", "Arn")}},
}
LOG: Resources = {
    "Effect": "Allow",
    "Action": "logs:CreateLogDelivery",
    "Resource": "*",
}
PASS: Resources = {
    "Effect": "Allow",
    "Action": "iam:PassRole",
    "Resource": attribute("Execution", "Arn"),
    "Condition": {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
}


def _task(*command: str) -> Resources:
    return NETWORK | {
        "Cluster": resource("AWS::ECS::Cluster"),
        "Capacity": resource(
            "AWS::ECS::ClusterCapacityProviderAssociations",
            Cluster=ref("Cluster"),
            CapacityProviders=["FARGATE", "FARGATE_SPOT"],
            DefaultCapacityProviderStrategy=[{"CapacityProvider": "FARGATE", "Weight": 1}],
        ),
        "Execution": role("ecs-tasks.amazonaws.com"),
        "Task": fargate(
            "report",
            Command=list(command),
            task={"Family": "nightly", "ExecutionRoleArn": attribute("Execution", "Arn")},
        ),
        "Dead": resource("AWS::SQS::Queue", SqsManagedSseEnabled=True),
    }


def _schedule(expression: str = "cron(0 3 * * ? *)", **target: Any) -> Resources:
    return resource(
        "AWS::Scheduler::Schedule",
        FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15},
        GroupName=ref("Jobs"),
        ScheduleExpression=expression,
        ScheduleExpressionTimezone="Europe/Berlin",
        Target={
            "Arn": attribute("Cluster", "Arn"),
            "RoleArn": attribute("Caller", "Arn"),
            "DeadLetterConfig": {"Arn": attribute("Dead", "Arn")},
            "RetryPolicy": {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 3600},
            "EcsParameters": {
                "TaskDefinitionArn": ref("Task"),
                "TaskCount": 1,
                "CapacityProviderStrategy": [{"CapacityProvider": "FARGATE_SPOT", "Weight": 1}],
                "NetworkConfiguration": SUBNETS,
                "PropagateTags": "TASK_DEFINITION",
            },
            **target,
        },
    ) | {"DependsOn": "Capacity"}


OUTPUTS = {
    "cluster": ref("Cluster"),
    "task": ref("Task"),
    "group": ref("Jobs"),
    "job": ref("Job"),
    "dead": ref("Dead"),
    "subnet": ref("Subnet"),
    "role": attribute("Caller", "Arn"),
}


class Seen:
    """The deployed resources, as each service's API shows them."""

    def __init__(self, client: Client, values: dict[str, str]) -> None:
        self.client, self.values = client, values

    def ran(self, number: int = 1) -> list[dict[str, Any]]:
        """Return the tasks that ended, once there are this many."""
        ecs, cluster = self.client("ecs"), self.values["cluster"]
        for _ in range(100):
            arns = ecs.list_tasks(cluster=cluster, desiredStatus="STOPPED")["taskArns"]
            if len(arns) >= number:
                return list(ecs.describe_tasks(cluster=cluster, tasks=arns, include=["TAGS"])["tasks"])
            time.sleep(0.1)
        raise AssertionError(f"{len(arns)} of {number} tasks ran")

    def aside(self) -> dict[str, Any]:
        """Return the message in the dead-letter queue."""
        for _ in range(100):
            asked = {"QueueUrl": self.values["dead"], "MessageAttributeNames": ["All"]}
            found = self.client("sqs").receive_message(**asked).get("Messages", ())
            if found:
                said = {name: each["StringValue"] for name, each in found[0]["MessageAttributes"].items()}
                return {"Body": found[0]["Body"], **said}
            time.sleep(0.1)
        raise AssertionError("nothing was put aside")

    def fire(self) -> None:
        """Make the time of a schedule come, now and in its own time zone."""
        scheduler = self.client("scheduler")
        found = scheduler.get_schedule(Name=self.values["job"], GroupName=self.values["group"])
        kept = ("FlexibleTimeWindow", "GroupName", "Name", "ScheduleExpressionTimezone", "Target")
        now = dt.datetime.now(dt.UTC).astimezone(zoneinfo.ZoneInfo(found["ScheduleExpressionTimezone"]))
        scheduler.update_schedule(
            **{key: found[key] for key in kept}, ScheduleExpression=f"at({now:%Y-%m-%dT%H:%M:%S})"
        )


@pytest.fixture
def stand(client: Client, deploy: Deploy) -> Callable[..., Seen]:
    """Return a function that deploys a template and returns the deployed resources."""

    def stood(resources: Resources, **outputs: Any) -> Seen:
        names = {
            "cluster": "Cluster",
            "task": "Task",
            "group": "Jobs",
            "job": "Job",
            "dead": "Dead",
            "subnet": "Subnet",
        }
        shown = {name: value for name, value in OUTPUTS.items() if names.get(name, "Caller") in resources}
        stack = deploy(resources, **shown, **outputs)
        assert stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), stack["Reason"]
        return Seen(client, stack["Values"])

    return stood


def _by_hand(seen: Seen, **more: Any) -> dict[str, Any]:
    started = seen.client("ecs").run_task(
        cluster=seen.values["cluster"],
        taskDefinition=seen.values["task"],
        networkConfiguration={"awsvpcConfiguration": {"subnets": [seen.values["subnet"]]}},
        **more,
    )
    (task,) = started["tasks"]
    return dict(task)


@pytest.mark.parametrize(
    ("command", "code"),
    [((), 0), (("sh", "-c", "work && exit 7"), 7), (("sleep", "0"), 0)],
    ids=["plain", "exit", "sleep"],
)
def test_a_task_ends_with_the_exit_code_of_its_command(
    stand: Callable[..., Seen], command: tuple[str, ...], code: int
) -> None:
    seen = stand(_task(*command))
    assert _by_hand(seen)["group"].startswith("family:")
    (task,) = seen.ran()
    assert (task["lastStatus"], task["stopCode"]) == ("STOPPED", "EssentialContainerExited")
    assert task["stoppedReason"] == "Essential container in task exited"
    assert task["containers"][0]["exitCode"] == code
    assert task["capacityProviderName"] == "FARGATE"


def test_a_task_runs_as_long_as_its_command_sleeps(stand: Callable[..., Seen]) -> None:
    seen = stand(_task("sleep", "infinity"))
    ecs, cluster = seen.client("ecs"), seen.values["cluster"]
    endless = _by_hand(seen)["taskArn"]
    short = {"containerOverrides": [{"name": "report", "command": ["sh", "-c", "sleep 1; exit 4"]}]}
    brief = _by_hand(seen, overrides=short)["taskArn"]
    assert set(ecs.list_tasks(cluster=cluster)["taskArns"]) == {endless, brief}
    (task,) = seen.ran()
    assert (task["taskArn"], task["containers"][0]["exitCode"]) == (brief, 4)
    ecs.stop_task(cluster=cluster, task=endless, reason="enough")
    stopped = ecs.describe_tasks(cluster=cluster, tasks=[endless])["tasks"][0]
    assert (stopped["stopCode"], stopped["stoppedReason"]) == ("UserInitiated", "enough")


def test_a_task_with_a_missing_image_does_not_start(stand: Callable[..., Seen]) -> None:
    resources = _task() | {"Images": resource("AWS::ECR::Repository", RepositoryName="jobs/report", EmptyOnDelete=True)}
    image = {"Fn::Sub": "${AWS::AccountId}.dkr.ecr.${AWS::Region}.amazonaws.com/${Images}:1"}
    resources["Task"]["Properties"]["ContainerDefinitions"][0]["Image"] = image
    seen = stand(resources)
    _by_hand(seen)
    (task,) = seen.ran()
    assert task["stopCode"] == "TaskFailedToStart"
    assert "not found" in task["stoppedReason"]
    assert "exitCode" not in task["containers"][0]


def test_a_schedule_is_shown_and_runs_its_task_on_time(client: Client, stand: Callable[..., Seen]) -> None:
    seen = stand(
        _task()
        | {
            "Caller": role("scheduler.amazonaws.com", RUN, PASS),
            "Jobs": resource("AWS::Scheduler::ScheduleGroup"),
            "Job": _schedule(Input=json.dumps({"containerOverrides": [{"name": "report", "command": ["exit 5"]}]})),
        }
    )
    found = client("scheduler").get_schedule(Name=seen.values["job"], GroupName=seen.values["group"])
    assert (found["ScheduleExpression"], found["ScheduleExpressionTimezone"]) == ("cron(0 3 * * ? *)", "Europe/Berlin")
    assert found["FlexibleTimeWindow"] == {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}
    assert found["Target"]["RetryPolicy"] == {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 3600}
    seen.fire()
    (task,) = seen.ran()
    assert task["containers"][0]["exitCode"] == 5
    assert task["capacityProviderName"] == "FARGATE_SPOT"
    assert task["startedBy"].startswith("chronos-schedule/")
    assert task["attachments"][0]["details"][0] == {"name": "subnetId", "value": seen.values["subnet"]}
    time.sleep(1.5)
    assert len(seen.ran()) == 1


@pytest.mark.parametrize(
    ("allowed", "denied"), [((PASS,), "ecs:RunTask"), ((RUN,), "iam:PassRole")], ids=["run", "pass"]
)
def test_a_schedule_without_permission_sends_the_event_to_its_dlq(
    stand: Callable[..., Seen], allowed: tuple[Resources, ...], denied: str
) -> None:
    seen = stand(
        _task()
        | {
            "Caller": role("scheduler.amazonaws.com", *allowed),
            "Jobs": resource("AWS::Scheduler::ScheduleGroup"),
            "Job": _schedule(),
        }
    )
    seen.fire()
    said = seen.aside()
    assert said["ERROR_CODE"] == "AccessDeniedException"
    assert f"not authorized to perform: {denied}" in said["ERROR_MESSAGE"]
    assert said["SCHEDULE_ARN"].endswith(f"{seen.values['group']}/{seen.values['job']}")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"RoleArn": attribute("Execution", "Arn")}, "must allow AWS EventBridge Scheduler to assume the role"),
        ({"RetryPolicy": {"MaximumRetryAttempts": 186}}, "must be at most 185"),
        ({"EcsParameters": {"TaskDefinitionArn": ref("Task"), "TaskCount": 11}}, "TaskCount must be at most 10"),
        ({"Arn": "arn:aws:scheduler:::aws-sdk:ecs:runTask"}, "does not implement schedules with the target"),
    ],
)
def test_an_invalid_schedule_is_refused_as_on_aws(deploy: Deploy, changed: Resources, said: str) -> None:
    base = _task() | {"Caller": role("scheduler.amazonaws.com", RUN, PASS)}
    stack = deploy(base | {"Jobs": resource("AWS::Scheduler::ScheduleGroup"), "Job": _schedule(**changed)})
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert said in stack["Reason"]


@pytest.mark.parametrize("expression", ["cron(0 3 * *)", "rate(0 days)", "at(tomorrow)", "3 o'clock"])
def test_an_invalid_schedule_expression_is_refused(deploy: Deploy, expression: str) -> None:
    base = _task() | {"Caller": role("scheduler.amazonaws.com", RUN, PASS)}
    stack = deploy(base | {"Jobs": resource("AWS::Scheduler::ScheduleGroup"), "Job": _schedule(expression)})
    assert f"Invalid Schedule Expression {expression}" in stack["Reason"]


@pytest.mark.parametrize(
    "expression", ["cron(0 3 * * ?)", "CRON(0 3 * * ? *)", "Rate(2 day)", "AT(2100-01-01T00:00:00)"]
)
def test_schedule_can_omit_the_year_and_have_capitals(deploy: Deploy, expression: str) -> None:
    base = _task() | {"Caller": role("scheduler.amazonaws.com", RUN, PASS)}
    stack = deploy(base | {"Jobs": resource("AWS::Scheduler::ScheduleGroup"), "Job": _schedule(expression)})
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]


def _dated(**dates: Any) -> Resources:
    schedule = _schedule()
    schedule["Properties"] |= dates
    base = _task() | {"Caller": role("scheduler.amazonaws.com", RUN, PASS)}
    return base | {"Jobs": resource("AWS::Scheduler::ScheduleGroup"), "Job": schedule}


@pytest.mark.parametrize(
    ("dates", "said"),
    [
        ({"StartDate": "2100-01-01T00:00:00Z"}, "StartDate needs to follow the format yyyy-MM-ddTHH:mm:ss.SSSZ"),
        ({"EndDate": "2100-01-01T00:00:00Z"}, "EndDate needs to follow the format yyyy-MM-ddTHH:mm:ss.SSSZ"),
        ({"StartDate": "2020-01-01T00:00:00.000Z"}, "The StartDate you specify cannot be earlier than 5 minutes ago"),
        (
            {"StartDate": "2100-01-01T00:00:00.000Z", "EndDate": "2100-01-01T00:00:00.000Z"},
            "The StartDate you specify must come before the EndDate",
        ),
        (
            {"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}},
            "MaximumWindowInMinutes must be provided when FlexibleTimeWindowMode is set to FLEXIBLE.",
        ),
        (
            {"FlexibleTimeWindow": {"Mode": "OFF", "MaximumWindowInMinutes": 5}},
            "MaximumWindowInMinutes must not be provided when FlexibleTimeWindowMode is set to OFF.",
        ),
    ],
)
def test_dates_and_window_of_a_schedule_must_be_valid(deploy: Deploy, dates: dict[str, Any], said: str) -> None:
    stack = deploy(_dated(**dates))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert said in stack["Reason"]


def test_a_schedule_can_have_a_start_and_an_end(deploy: Deploy) -> None:
    stack = deploy(_dated(StartDate="2100-01-01T00:00:00.000Z", EndDate="2100-01-01T00:00:00.001Z"))
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]


def _event_rule(**target: Any) -> Resources:
    return resource(
        "AWS::Events::Rule",
        EventPattern={"source": ["shop"]},
        Targets=[
            {
                "Id": "job",
                "Arn": attribute("Cluster", "Arn"),
                "RoleArn": attribute("Caller", "Arn"),
                "DeadLetterConfig": {"Arn": attribute("Dead", "Arn")},
                "InputTransformer": {
                    "InputPathsMap": {"code": "$.detail.code"},
                    "InputTemplate": '{"containerOverrides": [{"name": "report", "command": ["exit <code>"]}]}',
                },
                "EcsParameters": {
                    "TaskDefinitionArn": ref("Task"),
                    "TaskCount": 2,
                    "LaunchType": "FARGATE",
                    "PlatformVersion": "1.4.0",
                    "NetworkConfiguration": {"AwsVpcConfiguration": SUBNETS["AwsvpcConfiguration"]},
                    "TagList": [{"Key": "team", "Value": "shop"}],
                },
                **target,
            }
        ],
    )


def _happen(client: Client) -> None:
    client("events").put_events(Entries=[{"Source": "shop", "DetailType": "sale", "Detail": '{"code": 6}'}])


def test_an_event_runs_tasks_with_its_values(client: Client, stand: Callable[..., Seen]) -> None:
    resources = _task() | {"Caller": role("events.amazonaws.com", RUN, PASS), "Rule": _event_rule()}
    seen = stand(resources, rule=ref("Rule"))
    (target,) = client("events").list_targets_by_rule(Rule=seen.values["rule"])["Targets"]
    configuration = target["EcsParameters"]["NetworkConfiguration"]["awsvpcConfiguration"]
    assert configuration == {"Subnets": [seen.values["subnet"]], "AssignPublicIp": "DISABLED"}
    _happen(client)
    tasks = seen.ran(2)
    assert [task["containers"][0]["exitCode"] for task in tasks] == [6, 6]
    assert {"key": "team", "value": "shop"} in tasks[0]["tags"]
    assert tasks[0]["launchType"] == "FARGATE"


def test_an_event_without_permission_to_run_its_task_goes_to_the_dlq(
    client: Client, stand: Callable[..., Seen]
) -> None:
    seen = stand(_task() | {"Caller": role("events.amazonaws.com", PASS), "Rule": _event_rule()})
    _happen(client)
    said = seen.aside()
    assert said["ERROR_CODE"] == "AccessDeniedException"
    assert json.loads(said["Body"])["detail"] == {"code": 6}


LIST: Resources = {
    "Effect": "Allow",
    "Action": "ecs:ListTasks",
    "Resource": "*",
    "Condition": {"ArnEquals": {"ecs:cluster": attribute("Cluster", "Arn")}},
}
MACHINE = {
    "StartAt": "List",
    "States": {
        "List": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:ecs:listTasks",
            "Parameters": {"Cluster": "${cluster}", "Family": "nightly", "DesiredStatus": "RUNNING"},
            "ResultPath": "$.running",
            "Next": "Runs",
        },
        "Runs": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.running.TaskArns[0]", "IsPresent": True, "Next": "Busy"}],
            "Default": "Run",
        },
        "Busy": {"Type": "Succeed", "OutputPath": "$.running"},
        "Run": {
            "Type": "Task",
            "Resource": "arn:aws:states:::ecs:runTask.sync",
            "Parameters": {
                "Cluster": "${cluster}",
                "TaskDefinition": "${task}",
                "CapacityProviderStrategy": [{"CapacityProvider": "FARGATE", "Weight": 1}],
                "NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": ["${subnet}"]}},
            },
            "Next": "Pause",
        },
        "Pause": {"Type": "Wait", "Seconds": 30, "OutputPath": "$.Containers[0].ExitCode", "End": True},
    },
}


def _machine(*allowed: Resources) -> Resources:
    return {
        "Caller": role("states.amazonaws.com", LOG, *allowed),
        "Logs": resource("AWS::Logs::LogGroup", RetentionInDays=7),
        "Job": resource(
            "AWS::StepFunctions::StateMachine",
            DefinitionString=json.dumps(MACHINE),
            DefinitionSubstitutions={
                "cluster": attribute("Cluster", "Arn"),
                "task": ref("Task"),
                "subnet": ref("Subnet"),
            },
            LoggingConfiguration={
                "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": attribute("Logs", "Arn")}}],
                "IncludeExecutionData": True,
                "Level": "ALL",
            },
            RoleArn=attribute("Caller", "Arn"),
            TracingConfiguration={"Enabled": True},
        )
        | {"DependsOn": "Capacity"},
    }


def _execution(client: Client, seen: Seen) -> dict[str, Any]:
    """Run the state machine and return the finished execution."""
    states = client("stepfunctions")
    arn = states.start_execution(stateMachineArn=seen.values["job"], input="{}")["executionArn"]
    for _ in range(100):
        found: dict[str, Any] = states.describe_execution(executionArn=arn)
        if found["status"] != "RUNNING":
            return found
        time.sleep(0.1)
    raise AssertionError("the execution did not end")


def test_a_state_machine_keeps_its_logging_and_tracing(client: Client, stand: Callable[..., Seen]) -> None:
    seen = stand(_task() | _machine(RUN, PASS, LIST))
    found = client("stepfunctions").describe_state_machine(stateMachineArn=seen.values["job"])
    assert found["tracingConfiguration"] == {"enabled": True}
    assert found["loggingConfiguration"]["level"] == "ALL"
    assert found["loggingConfiguration"]["destinations"][0]["cloudWatchLogsLogGroup"]["logGroupArn"].endswith(":*")


def test_a_state_machine_runs_a_task_and_waits_for_it(client: Client, stand: Callable[..., Seen]) -> None:
    seen = stand(_task() | _machine(RUN, PASS, LIST))
    started = time.monotonic()
    ended = _execution(client, seen)
    assert ended["status"] == "SUCCEEDED", ended["cause"]
    assert ended["output"] == "0"
    assert time.monotonic() - started < 10
    (task,) = seen.ran()
    assert task["startedBy"] == "AWS Step Functions"


def test_a_failed_task_fails_the_execution(client: Client, stand: Callable[..., Seen]) -> None:
    seen = stand(_task("exit 2") | _machine(RUN, PASS, LIST))
    ended = _execution(client, seen)
    assert (ended["status"], ended["error"]) == ("FAILED", "States.TaskFailed")
    assert json.loads(ended["cause"])["Containers"][0]["ExitCode"] == 2


STOP: Resources = {"Effect": "Allow", "Action": ["ecs:DescribeTasks", "ecs:StopTask"], "Resource": "*"}


def _job_machine(**settings: Any) -> str:
    """Return the definition of a job's state machine, with the values that a template would fill in."""
    task = SimpleNamespace(task_definition_arn="${task}", family="nightly")
    interface = {"subnets": ["${subnet}"]}
    resources: Any = SimpleNamespace(
        task_definition=task,
        network_interface=interface,
        strategy_items=[{"capacity_provider": "FARGATE", "weight": 1}],
        launch=SimpleNamespace(task=SimpleNamespace(execute_command=False)),
    )
    cluster: Any = SimpleNamespace(cluster_arn="${cluster}")
    states = TaskRun(resources=resources, cluster=cluster, placement=None).machine_states(**settings)
    definition = json.dumps({"StartAt": next(iter(states)), "States": states})
    return definition.replace(cdk.Aws.PARTITION, "aws")


def test_only_the_task_of_an_execution_that_timed_out_is_stopped(client: Client, stand: Callable[..., Seen]) -> None:
    machine = _machine(RUN, PASS, LIST, STOP)
    machine["Job"]["Properties"]["DefinitionString"] = _job_machine(
        overlap=True, timeout=1, retries=0, pass_input=False
    )
    seen = stand(_task("sleep", "infinity") | machine)
    other = _by_hand(seen)["taskArn"]
    ended = _execution(client, seen)
    assert (ended["status"], ended["error"]) == ("FAILED", "Timeout"), ended["cause"]
    (task,) = seen.ran()
    assert (task["stopCode"], task["stoppedReason"]) == ("UserInitiated", "It ran longer than the job's timeout")
    ecs = seen.client("ecs")
    assert ecs.list_tasks(cluster=seen.values["cluster"])["taskArns"] == [other]
    ecs.stop_task(cluster=seen.values["cluster"], task=other)


@pytest.mark.parametrize("interval", [None, 60])
def test_a_failed_task_is_retried(client: Client, stand: Callable[..., Seen], interval: int | None) -> None:
    machine = _machine(RUN, PASS, LIST, STOP)
    machine["Job"]["Properties"]["DefinitionString"] = _job_machine(
        overlap=False, timeout=None, retries=2, retry_interval=interval, pass_input=False
    )
    seen = stand(_task("exit 3") | machine)
    ended = _execution(client, seen)
    assert (ended["status"], ended["error"]) == ("FAILED", "States.TaskFailed")
    arns = seen.client("ecs").list_tasks(cluster=seen.values["cluster"], desiredStatus="STOPPED")["taskArns"]
    assert len(arns) == 3


@pytest.mark.parametrize("allowed", [True, False])
def test_a_state_machine_runs_that_of_a_job(client: Client, stand: Callable[..., Seen], *, allowed: bool) -> None:
    machine = _machine(RUN, PASS, LIST, STOP)
    machine["Backfill"] = machine.pop("Job")
    machine["Backfill"]["Properties"]["DefinitionString"] = _job_machine(
        overlap=True, timeout=None, retries=0, pass_input=False
    )
    step = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": "${backfill}", "Input.$": "$"},
        "End": True,
    }
    start = {"Effect": "Allow", "Action": "states:StartExecution", "Resource": ref("Backfill")}
    machine["Parent"] = role("states.amazonaws.com", *([start] if allowed else []))
    machine["Job"] = resource(
        "AWS::StepFunctions::StateMachine",
        DefinitionString=json.dumps({"StartAt": "Step", "States": {"Step": step}}),
        DefinitionSubstitutions={"backfill": ref("Backfill")},
        RoleArn=attribute("Parent", "Arn"),
    )
    seen = stand(_task() | machine)
    ended = _execution(client, seen)
    assert ended["status"] == ("SUCCEEDED" if allowed else "FAILED"), ended["cause"]
    assert len(seen.ran(int(allowed))) == allowed
    assert allowed or "not authorized to perform: states:StartExecution" in ended["cause"]


@pytest.mark.parametrize(
    ("allowed", "denied"),
    [((PASS, LIST), "ecs:RunTask"), ((RUN, LIST), "iam:PassRole"), ((RUN, PASS), "ecs:ListTasks")],
)
def test_an_execution_can_do_only_what_its_role_allows(
    client: Client, stand: Callable[..., Seen], allowed: tuple[Resources, ...], denied: str
) -> None:
    ended = _execution(client, stand(_task() | _machine(*allowed)))
    assert ended["status"] == "FAILED"
    assert f"not authorized to perform: {denied}" in ended["cause"]


def test_a_schedule_starts_a_state_machine(stand: Callable[..., Seen]) -> None:
    machine = _machine(RUN, PASS, LIST)
    machine["Machine"] = machine.pop("Job")
    start = {"Effect": "Allow", "Action": "states:StartExecution", "Resource": ref("Machine")}
    target = {"Arn": ref("Machine"), "RoleArn": attribute("Starter", "Arn"), "Input": "{}"}
    job = _schedule()
    job["Properties"]["Target"] = target
    seen = stand(
        _task()
        | machine
        | {
            "Starter": role("scheduler.amazonaws.com", start),
            "Jobs": resource("AWS::Scheduler::ScheduleGroup"),
            "Job": job,
        }
    )
    seen.fire()
    (task,) = seen.ran()
    assert task["startedBy"] == "AWS Step Functions"


def test_a_state_machine_with_a_missing_state_is_refused(deploy: Deploy) -> None:
    lost = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}}
    machine = resource(
        "AWS::StepFunctions::StateMachine", DefinitionString=json.dumps(lost), RoleArn=attribute("Caller", "Arn")
    )
    stack = deploy({"Caller": role("states.amazonaws.com"), "Job": machine})
    assert "MISSING_TRANSITION_TARGET: state A leads to a state that does not exist: B" in stack["Reason"]


def test_the_table_shows_queues_schedules_machines_and_rollouts(
    client: Client, deploy: Deploy, server: tuple[int, int]
) -> None:
    machine = _machine(RUN, PASS, LIST)
    machine["Machine"] = machine.pop("Job")
    service = resource(
        "AWS::ECS::Service",
        Cluster=ref("Cluster"),
        TaskDefinition=ref("Task"),
        LaunchType="FARGATE",
        DesiredCount=1,
        NetworkConfiguration=SUBNETS,
    )
    jobs = {"Jobs": resource("AWS::Scheduler::ScheduleGroup"), "Job": _schedule(), "Service": service}
    callers = {"Caller": role(["states.amazonaws.com", "scheduler.amazonaws.com"], LOG, RUN, PASS, LIST)}
    resources = _task() | machine | jobs | callers
    deployed = deploy(resources, group=ref("Jobs"), job=ref("Job"))
    assert deployed["StackStatus"] == "CREATE_COMPLETE", deployed["Reason"]
    reached, name = access(server[1]), deployed["StackName"]
    stack = Stack(path=name, name=name, account=ACCOUNT, region=REGION, template={}, needs=())
    rows = {row.what.strip(): row.says for row in table(reached, [stack])}
    assert rows["rollout"] == "rolling, minimum healthy 100%, maximum 200%"
    assert rows["estimate"] == (
        "replacing 1 copy takes an estimated 105 s with 1 to 2 running; if the only zone is lost, 0 copies remain"
    )
    assert rows["schedule"].startswith("cron(0 3 * * ? *) Europe/Berlin starts nightly:")
    assert (rows["queue"], rows["state machine"]) == ("0 messages waiting", "ACTIVE")
    assert why_not_standing(reached, stack) is None
    values = deployed["Values"]
    client("scheduler").delete_schedule(Name=values["job"], GroupName=values["group"])
    assert "lacks Job (AWS::Scheduler::Schedule)" in str(why_not_standing(reached, stack))
