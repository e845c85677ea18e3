"""ECS Exec sessions are recorded and encrypted, with the least permissions, in a network that reaches AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler

from moorage import Cluster, Container, Endpoints, ExecSessions, Image, Job, Network, Service, Task
from moorage.testing import readable_template
from tests.conftest import imported_vpc, template, warnings_of
from tests.ecs.task.test_task_definition import granted

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

KEY = "arn:aws:kms:eu-west-1:111111111111:key/1a2b"
CHANNELS = {f"ssmmessages:{verb}{way}" for verb in ("Create", "Open") for way in ("ControlChannel", "DataChannel")}
"""ECS developer guide, "ECS Exec", required permissions, and "Logging and auditing"."""
LOG = {"logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"}
OPEN = Task(Container("redis:8"), execute_command=True)


def private(stack: cdk.Stack, **given: Any) -> Task:
    """Return a task that starts without the internet."""
    images = ecr.Repository.from_repository_name(stack, "Images", "shop")
    return Task(Container(Image.from_repository(images, tag="1")), execute_command=True, **given)


def cluster_of(stack: cdk.Stack, **given: Any) -> Cluster:
    return Cluster(stack, "Cluster", vpc=imported_vpc(stack), failure_events=False, **given)


def configuration(stack: cdk.Stack) -> dict[str, Any] | None:
    (cluster,) = template(stack).find_resources("AWS::ECS::Cluster").values()
    found: dict[str, Any] | None = cluster["Properties"].get("Configuration")
    return found and found["ExecuteCommandConfiguration"]


def log_groups_of(stack: cdk.Stack, start: str) -> list[str]:
    return [name for name in template(stack).find_resources("AWS::Logs::LogGroup") if name.startswith(start)]


def test_a_session_is_recorded_in_the_log_group_of_its_service_by_default(stack: cdk.Stack) -> None:
    Service(stack, "Web", cluster=cluster_of(stack), task=OPEN)
    may = granted(stack, "TaskRole")
    assert may.keys() == CHANNELS | LOG | {"logs:DescribeLogGroups"}
    (group,) = log_groups_of(stack, "Web")
    for action in LOG:
        assert [each["Resource"] for each in may[action]] == [{"Fn::GetAtt": [group, "Arn"]}]
    assert configuration(stack) is None
    template(stack).resource_count_is("AWS::KMS::Key", 0)


def test_whole_template(stack: cdk.Stack, template_snapshot: SnapshotAssertion) -> None:
    Service(stack, "Web", cluster=cluster_of(stack, exec_sessions=ExecSessions()), task=OPEN)
    assert readable_template(stack) == template_snapshot


def test_sessions_of_a_cluster_have_a_log_group_and_a_key_of_their_own(stack: cdk.Stack) -> None:
    Service(stack, "Web", cluster=cluster_of(stack, exec_sessions=ExecSessions()), task=OPEN)
    (group,) = log_groups_of(stack, "ClusterSessions")
    (key,) = template(stack).find_resources("AWS::KMS::Key")
    assert configuration(stack) == {
        "KmsKeyId": {"Fn::GetAtt": [key, "Arn"]},
        "Logging": "OVERRIDE",
        "LogConfiguration": {"CloudWatchLogGroupName": {"Ref": group}, "CloudWatchEncryptionEnabled": True},
    }
    template(stack).has_resource(
        "AWS::Logs::LogGroup",
        {
            "DeletionPolicy": "Retain",
            "Properties": {"RetentionInDays": 365, "KmsKeyId": {"Fn::GetAtt": [key, "Arn"]}},
        },
    )
    may = granted(stack, "TaskRole")
    assert [each["Resource"] for each in may["kms:Decrypt"]] == [{"Fn::GetAtt": [key, "Arn"]}]
    assert [each["Resource"] for each in may["logs:PutLogEvents"]] == [{"Fn::GetAtt": [group, "Arn"]}]


def test_cloudwatch_logs_may_use_the_key_only_for_log_groups_of_the_stack(stack: cdk.Stack) -> None:
    cluster_of(stack, exec_sessions=ExecSessions())
    (key,) = template(stack).find_resources("AWS::KMS::Key").values()
    statements = key["Properties"]["KeyPolicy"]["Statement"]
    (of_logs,) = [each for each in statements if "Condition" in each]
    assert "logs." in str(of_logs["Principal"])
    context = of_logs["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]["Fn::Join"][1]
    assert context[-3:] == [":log-group:", {"Ref": "AWS::StackName"}, "-*"]


def test_a_given_key_or_log_group_is_used(stack: cdk.Stack) -> None:
    key = kms.Key.from_key_arn(stack, "Key", KEY)
    group = logs.LogGroup.from_log_group_name(stack, "Kept", "sessions")
    Service(stack, "Web", cluster=cluster_of(stack, exec_sessions=ExecSessions(key=key, log_group=group)), task=OPEN)
    template(stack).resource_count_is("AWS::KMS::Key", 0)
    assert log_groups_of(stack, "Cluster") == []
    found = configuration(stack)
    assert found
    assert found["LogConfiguration"]["CloudWatchLogGroupName"] == "sessions"
    assert [each["Resource"] for each in granted(stack, "TaskRole")["kms:Decrypt"]] == [KEY]


@pytest.mark.parametrize("sessions", [None, ExecSessions()])
def test_sessions_that_are_not_recorded_warn(app: cdk.App, sessions: ExecSessions | None) -> None:
    stack = cdk.Stack(app, "Here")
    routed = Task(Container("shop:1"), Container.log_router({"Name": "null"}), execute_command=True)
    cluster = cluster_of(stack, exec_sessions=sessions)
    Service(stack, "Web", cluster=cluster, task=routed)
    Service(stack, "Api", cluster=cluster, task=Task(Container("shop:1"), execute_command=True))
    warned = warnings_of(app, "Here")
    if sessions:
        assert warned == []
    else:
        (warning,) = warned
        assert "sessions in container 'app' may not be recorded" in warning
        assert "use Cluster(exec_sessions=ExecSessions())" in warning


def test_the_session_log_group_and_key_can_be_removed_with_the_stack(stack: cdk.Stack) -> None:
    cluster_of(stack, exec_sessions=ExecSessions(), removal_policy=cdk.RemovalPolicy.DESTROY)
    for kind in ("AWS::KMS::Key", "AWS::Logs::LogGroup"):
        template(stack).has_resource(kind, {"DeletionPolicy": "Delete"})


def test_the_key_of_a_given_log_group_is_deleted_after_a_failed_create(stack: cdk.Stack) -> None:
    log_group = logs.LogGroup.from_log_group_name(stack, "Group", "sessions")
    cluster_of(stack, exec_sessions=ExecSessions(log_group=log_group))
    template(stack).has_resource("AWS::KMS::Key", {"DeletionPolicy": "RetainExceptOnCreate"})


def test_the_key_and_log_group_must_be_in_the_region_of_the_cluster(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Shop", env=cdk.Environment(account="111111111111", region="us-east-1"))
    sessions = ExecSessions(
        key=kms.Key.from_key_arn(stack, "Key", KEY),
        log_group=logs.LogGroup.from_log_group_arn(stack, "Group", "arn:aws:logs:eu-west-1:111111111111:log-group:a"),
    )
    with pytest.raises(ValueError, match="Shop/Cluster: 2 problems") as raised:
        cluster_of(stack, exec_sessions=sessions)
    assert "key of exec_sessions must be in region us-east-1" in str(raised.value)
    assert "log_group of exec_sessions must be in region us-east-1" in str(raised.value)


def test_jobs_and_pre_deployment_tasks_have_the_same_session_permissions(stack: cdk.Stack) -> None:
    cluster = cluster_of(stack, exec_sessions=ExecSessions())
    Job(stack, "Nightly", cluster=cluster, task=OPEN, schedule=scheduler.ScheduleExpression.cron(hour="3"))
    Service(stack, "Web", cluster=cluster, task=Task(Container("redis:8")), pre_deployment_task=OPEN)
    assert len(granted(stack, "NightlyTaskDefinitionTaskRole")["kms:Decrypt"]) == 1
    assert len(granted(stack, "WebBeforeTaskDefinitionTaskRole")["kms:Decrypt"]) == 1
    assert not granted(stack, "WebTaskDefinitionTaskRole")


def test_cdk_services_on_the_cluster_have_the_same_sessions(stack: cdk.Stack) -> None:
    cluster = cluster_of(stack, exec_sessions=ExecSessions()).with_capacity
    definition = ecs.FargateTaskDefinition(stack, "Task")
    definition.add_container("app", image=ecs.ContainerImage.from_registry("redis:8"))
    ecs.FargateService(stack, "Old", cluster=cluster, task_definition=definition, enable_execute_command=True)
    assert {"kms:Decrypt", "logs:PutLogEvents"} <= granted(stack, "TaskTaskRole").keys()


@pytest.mark.parametrize(
    ("sessions", "endpoints", "says"),
    [
        (None, (), "its subnets cannot reach 'ssmmessages', which the task needs"),
        (
            ExecSessions(),
            ("ssmmessages",),
            "execute_command=True requires subnets that reach 'kms'",
        ),
    ],
)
def test_a_session_that_cannot_reach_its_endpoints_is_refused(
    stack: cdk.Stack, sessions: ExecSessions | None, endpoints: tuple[str, ...], says: str
) -> None:
    network = Network(
        stack, "Network", nat_gateways=0, endpoints=Endpoints("ecr.api", "ecr.dkr", "logs", "s3", *endpoints)
    )
    cluster = Cluster(stack, "Cluster", vpc=network.vpc, exec_sessions=sessions)
    with pytest.raises(ValueError, match=f"Shop/Web: .*{says}"):
        Service(stack, "Web", cluster=cluster, task=private(stack))


def test_the_computed_endpoints_are_enough_for_a_session(stack: cdk.Stack) -> None:
    task = private(stack, called_services="kms")
    network = Network(stack, "Network", nat_gateways=0, endpoints=Endpoints.for_tasks(task))
    cluster = Cluster(stack, "Cluster", vpc=network.vpc, exec_sessions=ExecSessions())
    assert Service(stack, "Web", cluster=cluster, task=task)
    assert {"ssmmessages", "logs", "kms"} <= set(network.endpoints.services)


def test_recording_a_session_needs_cloudwatch_logs_from_the_task() -> None:
    assert {"ssmmessages", "logs"} <= OPEN._needs_to_run
    assert Task(Container("redis:8"))._needs_to_run == frozenset()


def test_subnets_of_an_unknown_vpc_are_not_checked(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cluster = Cluster(stack, "Cluster", vpc=vpc, exec_sessions=ExecSessions())
    assert Service(stack, "Web", cluster=cluster, task=private(stack))
