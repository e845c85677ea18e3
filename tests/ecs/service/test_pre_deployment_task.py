"""A task that runs once before each deployment."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from botocore.exceptions import ClientError

from moorage import (
    Capacity,
    Cluster,
    Container,
    LifecycleHook,
    LifecycleStage,
    NetworkMode,
    Rollout,
    Service,
    Task,
)
from moorage.ecs.service import pre_deployment_function
from moorage.testing import readable_template
from tests.conftest import imported_vpc, template

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

WEB = Task(Container("public.ecr.aws/nginx/nginx:1.29", name="web", port=8080))
MIGRATION = Task(
    Container("public.ecr.aws/docker/library/flyway:11", name="migrate", command=["migrate"]),
    Container("public.ecr.aws/docker/library/busybox:1.37", name="helper", essential=False),
)
EVENT = {"resourceArn": "arn:aws:ecs:eu-west-1:111111111111:service-deployment/c/s/1"}


@pytest.fixture
def cluster(stack: cdk.Stack, vpc: ec2.IVpc) -> Cluster:
    return Cluster(stack, "Cluster", vpc=vpc)


def define(stack: cdk.Stack, cluster: Cluster) -> Service:
    return Service(stack, "Web", cluster=cluster, task=WEB, pre_deployment_task=MIGRATION)


def test_ecs_calls_the_function_before_it_starts_tasks_and_waits_until_the_task_is_stopped(
    stack: cdk.Stack, cluster: Cluster
) -> None:
    define(stack, cluster)
    (service,) = template(stack).find_resources("AWS::ECS::Service").values()
    (hook,) = service["Properties"]["DeploymentConfiguration"]["LifecycleHooks"]
    assert hook["LifecycleStages"] == ["PRE_SCALE_UP"]
    assert hook["TimeoutConfiguration"] == {"TimeoutInMinutes": 65, "Action": "ROLLBACK"}
    (function,) = template(stack).find_resources("AWS::Lambda::Function").values()
    assert function["Properties"]["Environment"]["Variables"]["STOP_AFTER"] == "3600"


def test_the_task_has_the_capacity_and_network_of_the_service(stack: cdk.Stack, cluster: Cluster) -> None:
    service = define(stack, cluster)
    of = template(stack)
    of.resource_count_is("AWS::EC2::SecurityGroup", 1)
    (function,) = of.find_resources("AWS::Lambda::Function").values()
    request = json.dumps(function["Properties"]["Environment"]["Variables"]["RUN_TASK"]).replace("\\", "")
    assert '"capacityProviderStrategy":[{"capacityProvider":"FARGATE","weight":1}]' in request
    assert '"networkConfiguration":{"awsvpcConfiguration":{"' in request
    assert '"assignPublicIp":"DISABLED"' in request
    assert '"subnets":["subnet-1","subnet-2"]' in request
    assert stack.resolve(service.security_groups[0].security_group_id)["Fn::GetAtt"][0] in request
    assert '"propagateTags":"TASK_DEFINITION"' in request
    assert "enableExecuteCommand" not in request
    assert function["Properties"]["Environment"]["Variables"]["MAIN"] == "migrate"


def test_a_pre_deployment_task_supports_exec_sessions(stack: cdk.Stack, cluster: Cluster) -> None:
    opened = Task(*MIGRATION.containers, execute_command=True)
    Service(stack, "Web", cluster=cluster, task=WEB, pre_deployment_task=opened)
    (function,) = template(stack).find_resources("AWS::Lambda::Function").values()
    request = json.dumps(function["Properties"]["Environment"]["Variables"]["RUN_TASK"]).replace("\\", "")
    assert '"enableExecuteCommand":true' in request


def test_the_task_runs_in_subnets_that_are_known_only_by_their_ids(stack: cdk.Stack, cluster: Cluster) -> None:
    subnets = [ec2.Subnet.from_subnet_id(stack, f"Subnet{index}", f"subnet-{index}") for index in (7, 8)]
    Service(
        stack,
        "Web",
        cluster=cluster,
        task=WEB,
        pre_deployment_task=MIGRATION,
        vpc_subnets=ec2.SubnetSelection(subnets=subnets),
    )
    (function,) = template(stack).find_resources("AWS::Lambda::Function").values()
    request = json.dumps(function["Properties"]["Environment"]["Variables"]["RUN_TASK"]).replace("\\", "")
    assert '"subnets":["subnet-7","subnet-8"]' in request


def test_the_function_may_only_run_this_task_in_this_cluster(stack: cdk.Stack, cluster: Cluster) -> None:
    service = define(stack, cluster)
    of = template(stack)
    (statements,) = (
        each["Properties"]["PolicyDocument"]["Statement"]
        for name, each in of.find_resources("AWS::IAM::Policy").items()
        if "FunctionRole" in name
    )
    by_action = {str(each["Action"]): each for each in statements}
    assert service.before_task_definition is not None
    family = f":task-definition/{service.before_task_definition.family}:*"
    assert by_action["ecs:RunTask"]["Resource"]["Fn::Join"][1][-1] == family
    assert "ecs:cluster" in by_action["ecs:RunTask"]["Condition"]["ArnEquals"]
    for action in ("['ecs:DescribeTasks', 'ecs:StopTask']", "ecs:TagResource"):
        assert by_action[action]["Resource"]["Fn::Join"][1][-3:][::2] == [":task/", "/*"]
    passed = by_action["iam:PassRole"]
    assert passed["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    assert len(passed["Resource"]) == 2
    assert set(by_action) == {
        "ecs:RunTask",
        "['ecs:DescribeTasks', 'ecs:StopTask']",
        "ecs:TagResource",
        "iam:PassRole",
        "['logs:CreateLogStream', 'logs:PutLogEvents']",
    }


def test_the_task_runs_before_other_hooks_with_the_same_role(stack: cdk.Stack, cluster: Cluster) -> None:
    own = lambda_.Function.from_function_arn(stack, "Own", "arn:aws:lambda:eu-west-1:111111111111:function:own")
    asked = Rollout.rolling(hooks=[LifecycleHook.function(own, LifecycleStage.PRE_SCALE_UP)])
    Service(stack, "Web", cluster=cluster, task=WEB, pre_deployment_task=MIGRATION, rollout=asked)
    of = template(stack)
    (service,) = of.find_resources("AWS::ECS::Service").values()
    ours, theirs = service["Properties"]["DeploymentConfiguration"]["LifecycleHooks"]
    (name,) = of.find_resources("AWS::Lambda::Function")
    assert ours["HookTargetArn"] == {"Fn::GetAtt": [name, "Arn"]}
    assert theirs["HookTargetArn"] == own.function_arn
    assert ours["RoleArn"] == theirs["RoleArn"]
    resources = [
        statement["Resource"]
        for each in of.find_resources("AWS::IAM::Policy").values()
        for statement in each["Properties"]["PolicyDocument"]["Statement"]
        if statement["Action"] == "lambda:InvokeFunction"
    ]
    assert resources == [ours["HookTargetArn"], theirs["HookTargetArn"]]


def hooked(stack: cdk.Stack, arn: str, **details: str) -> Rollout:
    function = lambda_.Function.from_function_arn(stack, "Asked", arn)
    return Rollout.rolling(hooks=[LifecycleHook.function(function, LifecycleStage.PRE_SCALE_UP, details=details)])


def test_a_hook_function_of_another_region_is_refused_and_of_another_account_accepted(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Here", env=cdk.Environment(account="111111111111", region="eu-west-1"))
    cluster = Cluster(stack, "Cluster", vpc=ec2.Vpc(stack, "Vpc"))
    near = hooked(stack, "arn:aws:lambda:eu-west-1:222222222222:function:asked")
    Service(stack, "Web", cluster=cluster, task=WEB, rollout=near)
    far = hooked(cdk.Stack(stack, "Far"), "arn:aws:lambda:us-east-1:111111111111:function:asked")
    with pytest.raises(ValueError, match="Here/Shop: the function of a hook must be in region eu-west-1"):
        Service(stack, "Shop", cluster=cluster, task=WEB, rollout=far)


def test_a_secret_in_the_details_of_a_hook_is_refused(stack: cdk.Stack, cluster: Cluster) -> None:
    arn = "arn:aws:lambda:eu-west-1:111111111111:function:asked"
    with pytest.raises(
        ValueError, match="details must not contain 'password', which looks like a secret, since everyone who can see"
    ):
        hooked(stack, arn, password="hunter2")  # noqa: S106  # the test needs it
    value = secretsmanager.Secret(stack, "Secret").secret_value.unsafe_unwrap()
    with pytest.raises(ValueError, match="Shop/Web: details must not contain 'value', which looks like a secret"):
        Service(stack, "Web", cluster=cluster, task=WEB, rollout=hooked(cdk.Stack(stack, "In"), arn, value=value))


def test_its_logs_are_kept_for_a_year_and_can_be_removed_with_the_stack(stack: cdk.Stack, cluster: Cluster) -> None:
    gone = cdk.RemovalPolicy.DESTROY
    web = Service(stack, "Web", cluster=cluster, task=WEB, pre_deployment_task=MIGRATION, removal_policy=gone)
    of = template(stack)
    found = of.find_resources("AWS::Logs::LogGroup")
    groups = {name: each for name, each in found.items() if name.startswith("Web")}
    assert {each["Properties"]["RetentionInDays"] for each in groups.values()} == {365}
    assert {each["DeletionPolicy"] for each in groups.values()} == {"Delete"}
    assert len(groups) == 2  # one of the service and its task, one of the function
    written = {
        container["LogConfiguration"]["Options"]["awslogs-group"]["Ref"]
        for each in of.find_resources("AWS::ECS::TaskDefinition").values()
        for container in each["Properties"]["ContainerDefinitions"]
    }
    assert written == {stack.resolve(web.log_group.log_group_name)["Ref"]}


def test_the_task_runs_on_the_instances_of_the_service(stack: cdk.Stack) -> None:
    general = Capacity.ec2("general", instance_types=["m7i.large"], max_instances=3)
    cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=[general])
    bridged = Task(Container("redis:8"), network_mode=NetworkMode.BRIDGE)
    Service(stack, "Web", cluster=cluster, task=bridged, pre_deployment_task=bridged)
    (function,) = template(stack).find_resources("AWS::Lambda::Function").values()
    request = json.dumps(function["Properties"]["Environment"]["Variables"]["RUN_TASK"])
    assert "capacityProvider" in request
    assert "networkConfiguration" not in request  # tasks use the interface of the instance


def test_problems_of_the_task_name_its_argument(stack: cdk.Stack, cluster: Cluster) -> None:
    with pytest.raises(
        ValueError,
        match=r"Shop/Web: pre_deployment_task: cpu and memory_mib must .*\(got cpu=1000, memory_mib=512\)",
    ):
        Service(stack, "Web", cluster=cluster, task=WEB, pre_deployment_task=Task(Container("redis:8"), cpu=1000))


def test_whole_template(stack: cdk.Stack, cluster: Cluster, template_snapshot: SnapshotAssertion) -> None:
    define(stack, cluster)
    assert readable_template(stack) == template_snapshot


class Ecs:
    """A stand-in for the part of ECS that the function uses."""

    def __init__(self, *tasks: dict[str, Any], failures: list[str] | None = None, refuses: str | None = None) -> None:
        self.tasks = list(tasks)
        self.failures = failures or []
        self.refuses = refuses
        self.asked: list[dict[str, Any]] = []
        self.stopped: list[str] = []

    def run_task(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        if self.refuses:
            raise ClientError({"Error": {"Code": "ClientException", "Message": self.refuses}}, "RunTask")
        return {"tasks": [] if self.failures else [{"taskArn": "task/1"}], "failures": self.failures}

    def describe_tasks(self, **_: Any) -> dict[str, Any]:
        return {"tasks": self.tasks}

    def stop_task(self, *, task: str, **_: Any) -> None:
        self.stopped.append(task)


def ended(**codes: int | None) -> dict[str, Any]:
    containers = [{"name": name} | ({} if code is None else {"exitCode": code}) for name, code in codes.items()]
    return {"lastStatus": "STOPPED", "stoppedReason": "Essential container in task exited", "containers": containers}


NOW = 1_800_000_000
LATER = {"stopAt": NOW + 3600, "task": "task/1"}


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("RUN_TASK", '{"cluster": "c", "taskDefinition": "t:1"}')
    monkeypatch.setenv("MAIN", "migrate")
    monkeypatch.setenv("STOP_AFTER", "3600")
    module = sys.modules[pre_deployment_function.__name__]

    def asked(ecs: Ecs, details: dict[str, Any] | None = None, *, now: int = NOW) -> dict[str, Any]:
        monkeypatch.setattr(
            module,
            "boto3",
            SimpleNamespace(client=lambda _, config: ecs),  # noqa: ARG005  # the name in boto3
        )
        monkeypatch.setattr(module, "time", SimpleNamespace(time=lambda: now))
        return pre_deployment_function.handler({**EVENT, "hookDetails": details}, None)

    return asked


def test_the_task_is_started_once_for_each_deployment(ask: Any) -> None:
    ecs = Ecs()
    answer = ask(ecs)
    assert answer == {"hookStatus": "IN_PROGRESS", "callBackDelay": 10, "hookDetails": LATER}
    ask(ecs)  # as if the first answer was lost
    first, second = ecs.asked
    assert first == second
    assert len(first["clientToken"]) <= 64


def test_the_hook_continues_while_the_task_runs(ask: Any) -> None:
    assert ask(Ecs({"lastStatus": "RUNNING"}), LATER, now=NOW + 3599)["hookStatus"] == "IN_PROGRESS"


def test_a_task_that_runs_for_an_hour_is_stopped(ask: Any) -> None:
    ecs = Ecs({"lastStatus": "RUNNING"})
    assert ask(ecs, LATER, now=NOW + 3600) == {"hookStatus": "FAILED"}
    assert ecs.stopped == ["task/1"]
    over = Ecs(ended(migrate=0))
    assert ask(over, LATER, now=NOW + 3600) == {"hookStatus": "SUCCEEDED"}
    assert over.stopped == []


@pytest.mark.parametrize(
    ("task", "status"),
    [
        (ended(migrate=0), "SUCCEEDED"),
        (ended(migrate=0, second=143, helper=137), "SUCCEEDED"),  # ECS stops the other containers after the main one
        (ended(migrate=143, second=1), "FAILED"),
        (ended(migrate=1, second=0), "FAILED"),
        (ended(migrate=None, second=0), "FAILED"),  # its image could not be pulled
        (ended(), "FAILED"),
    ],
)
def test_the_deployment_continues_if_the_main_container_succeeds(ask: Any, task: Any, status: str) -> None:
    assert ask(Ecs(task), LATER) == {"hookStatus": status}


@pytest.mark.parametrize(
    ("ecs", "tokens"),
    [
        (Ecs(failures=["RESOURCE:MEMORY"]), 30),  # each with a new token, or ECS would repeat its answer
        (Ecs(refuses="Capacity is unavailable at this time. Please try again"), 1),  # ECS may have started one
    ],
)
def test_a_start_that_fails_is_retried_for_five_minutes(ask: Any, ecs: Ecs, tokens: int) -> None:
    answer, asked = ask(ecs), 1
    while answer["hookStatus"] == "IN_PROGRESS":
        answer, asked = ask(ecs, answer["hookDetails"]), asked + 1
    assert answer == {"hookStatus": "FAILED"}
    assert asked == 30
    assert len({each["clientToken"] for each in ecs.asked}) == tokens
    assert ask(Ecs(), {"stopAt": NOW + 3600, "failures": 29})["hookDetails"]["task"] == "task/1"


def test_a_call_that_fails_is_retried(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def throttled(*_: Any, **__: Any) -> None:
        raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, "DescribeTasks")

    ecs = Ecs({"lastStatus": "RUNNING"})
    monkeypatch.setattr(ecs, "describe_tasks", throttled)
    assert ask(ecs, LATER)["hookDetails"] == {**LATER, "errors": 1}
    assert ask(ecs, {**LATER, "errors": 29}) == {"hookStatus": "FAILED"}


def test_a_task_that_is_missing_for_a_minute_fails_the_deployment(ask: Any) -> None:
    answer = ask(Ecs(), LATER)
    assert answer["hookDetails"] == {**LATER, "misses": 1}
    assert ask(Ecs({"lastStatus": "RUNNING"}), answer["hookDetails"])["hookDetails"] == {
        **LATER,
        "misses": 0,
        "errors": 0,
    }
    assert ask(Ecs(), {**LATER, "misses": 4})["hookStatus"] == "IN_PROGRESS"
    assert ask(Ecs(), {**LATER, "misses": 5}) == {"hookStatus": "FAILED"}
