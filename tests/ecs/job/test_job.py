"""The template of a job."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from unittest.mock import ANY

import aws_cdk as cdk
import hypothesis
import pytest
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_efs as efs
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Match, Template
from hypothesis import strategies as st

from moorage import (
    Architecture,
    Capacity,
    Cluster,
    Container,
    EventRule,
    Job,
    Network,
    NetworkMode,
    Placement,
    Schedule,
    Strategy,
    Task,
    Volume,
)
from moorage.testing import readable_template
from tests.conftest import imported_vpc, template, warnings_of
from tests.ecs.schedules import Hourly

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

REPORT = Task(Container("public.ecr.aws/docker/library/report:1.0", name="report"))
EVERY_DAY = scheduler.ScheduleExpression.rate(cdk.Duration.days(1))
OBJECTS = events.EventPattern(source=["aws.s3"], detail_type=["Object Created"])


@pytest.fixture
def cluster(stack: cdk.Stack, vpc: ec2.IVpc) -> Cluster:
    return Cluster(stack, "Cluster", vpc=vpc, failure_events=False)


def nightly() -> scheduler.ScheduleExpression:
    return scheduler.ScheduleExpression.cron(hour="3", minute="0", time_zone=cdk.TimeZone.EUROPE_PARIS)


def written(expression: str) -> scheduler.ScheduleExpression:
    return scheduler.ScheduleExpression.expression(expression)


def once() -> scheduler.ScheduleExpression:
    return written("at(2127-01-01T03:00:00)")


def wrong(given: Any) -> Any:
    """Return a value of a wrong type, which the type checker would refuse."""
    return given


def target(stack: cdk.Stack) -> dict[str, Any]:
    """Return the target of the only schedule or rule of a stack."""
    (schedule,) = template(stack).find_resources("AWS::Scheduler::Schedule").values() or ({},)
    if schedule:
        found: dict[str, Any] = schedule["Properties"]["Target"]
        return found
    (rule,) = template(stack).find_resources("AWS::Events::Rule").values()
    (found,) = rule["Properties"]["Targets"]
    return found


def machine(stack: cdk.Stack) -> dict[str, Any]:
    """Return the definition of the only state machine, with `<...>` in place of references."""
    (found,) = template(stack).find_resources("AWS::StepFunctions::StateMachine").values()
    parts = found["Properties"]["DefinitionString"]["Fn::Join"][1]
    definition: dict[str, Any] = json.loads("".join(part if isinstance(part, str) else "<...>" for part in parts))
    return definition


def statements(role: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the statements of a role's inline policy, by their first action."""
    (policy,) = role["Properties"]["Policies"]
    found = policy["PolicyDocument"]["Statement"]
    return {one["Action"] if isinstance(one["Action"], str) else one["Action"][0]: one for one in found}


def role(stack: cdk.Stack, service: str) -> Mapping[str, Any]:
    """Return the only role that a service assumes."""
    trusted = {"Action": "sts:AssumeRole", "Principal": {"Service": f"{service}.amazonaws.com"}}
    trust = {"AssumeRolePolicyDocument": {"Statement": [Match.object_like(trusted)]}}
    (found,) = template(stack).find_resources("AWS::IAM::Role", {"Properties": trust}).values()
    return found


def flat(value: Any) -> str:
    """Return an ARN as text, with the names of its references."""
    if isinstance(value, str):
        return value
    if "Fn::Join" in value:
        return "".join(map(flat, value["Fn::Join"][1]))
    return f"<{value['Ref']}>" if "Ref" in value else f"<{'.'.join(value['Fn::GetAtt'])}>"


def test_whole_template_of_a_schedule(stack: cdk.Stack, cluster: Cluster, template_snapshot: SnapshotAssertion) -> None:
    topic = sns.Topic.from_topic_arn(stack, "Topic", "arn:aws:sns:eu-west-1:111111111111:alarms")
    start = Schedule(
        nightly(),
        flexible_window=dt.timedelta(minutes=15),
        start=dt.datetime(2127, 1, 1, tzinfo=dt.UTC),
        retries=3,
        max_event_age=dt.timedelta(hours=1),
        alarm_actions=[actions.SnsAction(topic)],
    )
    Job(stack, "Nightly", cluster=cluster, task=REPORT, schedule=start)
    assert readable_template(stack) == template_snapshot


def test_whole_template_of_an_event_without_overlap(
    stack: cdk.Stack, cluster: Cluster, template_snapshot: SnapshotAssertion
) -> None:
    rule = EventRule(OBJECTS, environment={"KEY": events.EventField.from_path("$.detail.object.key")})
    timeout = dt.timedelta(hours=2)
    Job(stack, "Import", cluster=cluster, task=REPORT, event=rule, overlap=False, timeout=timeout)
    assert readable_template(stack) == template_snapshot


def test_a_schedule_starts_one_task_in_its_time_zone_with_a_capacity_provider_strategy(
    stack: cdk.Stack, cluster: Cluster
) -> None:
    Job(stack, "Nightly", cluster=cluster, task=REPORT, schedule=nightly())
    template(stack).has_resource_properties(
        "AWS::Scheduler::Schedule",
        {
            "ScheduleExpression": "cron(0 3 * * ? *)",
            "ScheduleExpressionTimezone": "Europe/Paris",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "State": "ENABLED",
            "Target": {
                "EcsParameters": {
                    "CapacityProviderStrategy": [{"CapacityProvider": "FARGATE", "Weight": 1}],
                    "LaunchType": Match.absent(),
                    "TaskCount": 1,
                    "PropagateTags": "TASK_DEFINITION",
                    "EnableECSManagedTags": True,
                }
            },
        },
    )


def test_tasks_have_no_public_address_and_connect_only_by_https(stack: cdk.Stack, cluster: Cluster) -> None:
    Job(stack, "Nightly", cluster=cluster, task=REPORT, schedule=nightly())
    interface = target(stack)["EcsParameters"]["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert interface["AssignPublicIp"] == "DISABLED"
    assert interface["Subnets"] == ["subnet-1", "subnet-2"]
    (group,) = template(stack).find_resources("AWS::EC2::SecurityGroup").values()
    assert [(rule["FromPort"], rule["ToPort"]) for rule in group["Properties"]["SecurityGroupEgress"]] == [(443, 443)]


def test_failed_starts_are_kept_encrypted_and_sent_over_tls(stack: cdk.Stack, cluster: Cluster) -> None:
    Job(stack, "Nightly", cluster=cluster, task=REPORT, schedule=nightly())
    (name,) = template(stack).find_resources("AWS::SQS::Queue")
    template(stack).has_resource(
        "AWS::SQS::Queue",
        {
            "DeletionPolicy": "RetainExceptOnCreate",
            "Properties": {"KmsMasterKeyId": "alias/aws/sqs", "MessageRetentionPeriod": 14 * 24 * 3600},
        },
    )
    denied = {"Effect": "Deny", "Action": "sqs:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    template(stack).has_resource_properties(
        "AWS::SQS::QueuePolicy", {"PolicyDocument": {"Statement": [Match.object_like(denied)]}}
    )
    assert target(stack)["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": [name, "Arn"]}}
    assert flat(statements(role(stack, "scheduler"))["sqs:SendMessage"]["Resource"]) == f"<{name}.Arn>"


def test_a_rule_may_send_to_its_queue_which_has_no_key_managed_by_aws(stack: cdk.Stack, cluster: Cluster) -> None:
    Job(stack, "Import", cluster=cluster, task=REPORT, event=OBJECTS)
    (rule,) = template(stack).find_resources("AWS::Events::Rule")
    template(stack).has_resource_properties(
        "AWS::SQS::Queue", {"SqsManagedSseEnabled": True, "KmsMasterKeyId": Match.absent()}
    )
    allowed = {
        "Action": "sqs:SendMessage",
        "Principal": {"Service": "events.amazonaws.com"},
        "Condition": {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": [rule, "Arn"]}}},
    }
    template(stack).has_resource_properties(
        "AWS::SQS::QueuePolicy",
        {"PolicyDocument": {"Statement": [Match.any_value(), Match.object_like(allowed)]}},
    )


def test_an_alarm_is_defined_on_request(stack: cdk.Stack, cluster: Cluster) -> None:
    topic = sns.Topic(stack, "Topic")
    start = Schedule(nightly(), alarm_actions=[actions.SnsAction(topic)])
    job = Job(stack, "Nightly", cluster=cluster, task=REPORT, schedule=start)
    Job(stack, "Silent", cluster=cluster, task=REPORT, schedule=nightly())
    template(stack).resource_count_is("AWS::CloudWatch::Alarm", 1)
    template(stack).has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {
            "MetricName": "ApproximateNumberOfMessagesVisible",
            "Threshold": 1,
            "AlarmActions": [Match.any_value()],
            "TreatMissingData": "ignore",  # SQS sends no metrics of an unused queue, even with messages
        },
    )
    assert job.alarm is not None


@pytest.mark.parametrize(
    "made", [lambda topic: Schedule(nightly(), topic=topic), lambda topic: EventRule(OBJECTS, topic=topic)]
)
def test_a_topic_is_notified_of_failed_starts_and_allows_cloudwatch(
    stack: cdk.Stack, cluster: Cluster, made: Any
) -> None:
    topic = sns.Topic(stack, "Topic", enforce_ssl=True)
    trigger = made(topic)
    given: dict[str, Any] = {"schedule": trigger} if isinstance(trigger, Schedule) else {"event": trigger}
    Job(stack, "Job", cluster=cluster, task=REPORT, **given)
    of = template(stack)
    of.has_resource_properties("AWS::CloudWatch::Alarm", {"AlarmActions": [stack.resolve(topic.topic_arn)]})
    (policy,) = of.find_resources("AWS::SNS::TopicPolicy").values()
    assert {"Service": "cloudwatch.amazonaws.com"} in [
        each["Principal"] for each in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


PLACE = cdk.Environment(account="111111111111", region="eu-west-1")


@pytest.fixture
def placed(app: cdk.App) -> cdk.Stack:
    return cdk.Stack(app, "Placed", env=PLACE)


def started(stack: cdk.Stack, thing: str, place: str) -> dict[str, Any]:
    """Return a trigger with a resource of a place."""
    things: dict[str, tuple[str, Callable[[], Any]]] = {
        "schedule queue": ("dead_letter_queue", lambda: sqs.Queue.from_queue_arn(stack, "Q", f"arn:aws:sqs:{place}:q")),
        "rule queue": ("dead_letter_queue", lambda: sqs.Queue.from_queue_arn(stack, "Q", f"arn:aws:sqs:{place}:q")),
        "schedule topic": ("topic", lambda: sns.Topic.from_topic_arn(stack, "T", f"arn:aws:sns:{place}:t")),
        "schedule group": (
            "group",
            lambda: scheduler.ScheduleGroup.from_schedule_group_arn(
                stack, "G", f"arn:aws:scheduler:{place}:schedule-group/g"
            ),
        ),
        "rule bus": (
            "bus",
            lambda: events.EventBus.from_event_bus_arn(stack, "B", f"arn:aws:events:{place}:event-bus/b"),
        ),
    }
    name, imported = things[thing]
    given: dict[str, Any] = {name: imported()}
    if thing.startswith("rule"):
        return {"event": EventRule(OBJECTS, **given)}
    return {"schedule": Schedule(nightly(), **given)}


@pytest.mark.parametrize("thing", ["schedule queue", "rule queue", "schedule topic", "schedule group", "rule bus"])
def test_resources_of_another_region_are_refused(placed: cdk.Stack, thing: str) -> None:
    cluster = Cluster(placed, "Cluster", vpc=ec2.Vpc(placed, "Vpc"), failure_events=False)
    with pytest.raises(ValueError, match=r"Placed/Job: \w+ must be in region eu-west-1"):
        Job(placed, "Job", cluster=cluster, task=REPORT, **started(placed, thing, "us-east-1:111111111111"))


@pytest.mark.parametrize("thing", ["schedule queue", "rule queue", "schedule topic", "rule bus"])
def test_resources_that_aws_accepts_from_another_account_are_accepted(placed: cdk.Stack, thing: str) -> None:
    cluster = Cluster(placed, "Cluster", vpc=ec2.Vpc(placed, "Vpc"), failure_events=False)
    Job(placed, "Job", cluster=cluster, task=REPORT, **started(placed, thing, "eu-west-1:222222222222"))


def test_a_group_of_another_account_and_a_cluster_of_another_region_are_refused(
    app: cdk.App, placed: cdk.Stack
) -> None:
    cluster = Cluster(placed, "Cluster", vpc=ec2.Vpc(placed, "Vpc"), failure_events=False)
    with pytest.raises(ValueError, match="group must be in account 111111111111"):
        Job(placed, "Job", cluster=cluster, task=REPORT, **started(placed, "schedule group", "eu-west-1:222222222222"))
    there = cdk.Stack(app, "There", env=cdk.Environment(account="111111111111", region="us-east-1"))
    with pytest.raises(ValueError, match="cluster must be in region us-east-1"):
        Job(there, "Job", cluster=cluster, task=REPORT, schedule=nightly())


@pytest.mark.parametrize("encryption", [sqs.QueueEncryption.SQS_MANAGED, sqs.QueueEncryption.KMS])
@pytest.mark.parametrize("kind", ["schedule", "event"])
def test_the_dead_letter_queue_may_belong_to_another_stack(
    app: cdk.App, stack: cdk.Stack, cluster: Cluster, kind: str, encryption: sqs.QueueEncryption
) -> None:
    queue = sqs.Queue(cdk.Stack(app, "Shared"), "Dead", encryption=encryption)
    trigger: dict[str, Any] = {"schedule": Schedule(nightly(), dead_letter_queue=queue)}
    if kind == "event":
        trigger = {"event": EventRule(OBJECTS, dead_letter_queue=queue)}
    Job(stack, "Job", cluster=cluster, task=REPORT, **trigger)
    app.synth()


def test_a_dead_letter_queue_of_a_rule_with_the_key_managed_by_aws_is_refused(
    stack: cdk.Stack, cluster: Cluster
) -> None:
    queue = sqs.Queue(stack, "Dead", encryption=sqs.QueueEncryption.KMS_MANAGED)
    with pytest.raises(ValueError, match="dead_letter_queue must not be encrypted with alias/aws/sqs"):
        Job(stack, "Job", cluster=cluster, task=REPORT, event=EventRule(OBJECTS, dead_letter_queue=queue))
    Job(stack, "Nightly", cluster=cluster, task=REPORT, schedule=Schedule(nightly(), dead_letter_queue=queue))


@pytest.mark.parametrize(("service", "given"), [("scheduler", {"schedule": True}), ("events", {"event": OBJECTS})])
def test_the_starting_role_may_only_run_this_task_in_this_cluster_and_pass_its_roles(
    stack: cdk.Stack, cluster: Cluster, service: str, given: dict[str, Any]
) -> None:
    job = Job(
        stack,
        "Job",
        cluster=cluster,
        task=REPORT,
        schedule=nightly() if "schedule" in given else None,
        event=given.get("event"),
    )
    family = job.task_definition.family
    may = statements(role(stack, service))
    assert set(may) == {"ecs:RunTask", "ecs:TagResource", "iam:PassRole"} | (
        {"sqs:SendMessage"} if service == "scheduler" else set()
    )
    assert flat(may["ecs:RunTask"]["Resource"]).endswith(f":task-definition/{family}:*")
    (associations,) = template(stack).find_resources("AWS::ECS::ClusterCapacityProviderAssociations")
    assert flat(may["ecs:RunTask"]["Condition"]["ArnEquals"]["ecs:cluster"]).endswith(f":cluster/<{associations}>")
    assert may["ecs:TagResource"]["Condition"] == {"StringEquals": {"ecs:CreateAction": "RunTask"}}
    assert flat(may["ecs:TagResource"]["Resource"]).endswith(f":task/<{associations}>/*")
    assert may["iam:PassRole"]["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    (definition,) = template(stack).find_resources("AWS::ECS::TaskDefinition").values()
    assert sorted(map(flat, may["iam:PassRole"]["Resource"])) == sorted(
        flat(definition["Properties"][name]) for name in ("TaskRoleArn", "ExecutionRoleArn")
    )


@pytest.mark.parametrize(
    ("service", "source"),
    [("scheduler", ":schedule-group/default"), ("events", ":rule/*"), ("states", ":stateMachine:*")],
)
def test_services_assume_the_roles_only_for_this_account(
    stack: cdk.Stack, cluster: Cluster, service: str, source: str
) -> None:
    by_event = service == "events"
    Job(
        stack,
        "Job",
        cluster=cluster,
        task=REPORT,
        schedule=None if by_event else nightly(),
        event=OBJECTS if by_event else None,
        overlap=False,
    )
    (trust,) = role(stack, service)["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert flat(trust["Condition"]["StringEquals"]["aws:SourceAccount"]) == "<AWS::AccountId>"
    assert flat(trust["Condition"]["ArnLike"]["aws:SourceArn"]).endswith(source)


def test_the_role_of_a_schedule_trusts_its_schedule_group(stack: cdk.Stack, cluster: Cluster) -> None:
    group = scheduler.ScheduleGroup(stack, "Group")
    Job(stack, "Nightly", cluster=cluster, task=REPORT, schedule=Schedule(nightly(), group=group, enabled=False))
    (name,) = template(stack).find_resources("AWS::Scheduler::ScheduleGroup")
    (trust,) = role(stack, "scheduler")["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert flat(trust["Condition"]["ArnLike"]["aws:SourceArn"]) == f"<{name}.Arn>"
    template(stack).has_resource_properties(
        "AWS::Scheduler::Schedule", {"GroupName": "Shop-Group-C7B65814", "State": "DISABLED"}
    )


def test_weights_and_a_base_reach_the_schedule(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    fargate, spot = Capacity.fargate(), Capacity.fargate_spot()
    cluster = Cluster(stack, "Cluster", vpc=vpc, capacity=[fargate, spot])
    strategy = Strategy({fargate: 1, spot: 3}, base={fargate: 1})
    Job(stack, "Nightly", cluster=cluster, task=REPORT, schedule=nightly(), capacity=strategy)
    assert target(stack)["EcsParameters"]["CapacityProviderStrategy"] == [
        {"CapacityProvider": "FARGATE", "Weight": 1, "Base": 1},
        {"CapacityProvider": "FARGATE_SPOT", "Weight": 3},
    ]


def test_the_default_strategy_of_the_cluster_can_be_followed(stack: cdk.Stack, cluster: Cluster) -> None:
    Job(stack, "Nightly", cluster=cluster, task=REPORT, schedule=nightly(), capacity=cluster.default_strategy)
    told = target(stack)["EcsParameters"]
    assert not {"CapacityProviderStrategy", "LaunchType"} & told.keys()


def test_a_public_address_uses_the_launch_type_that_eventbridge_requires(stack: cdk.Stack, cluster: Cluster) -> None:
    Job(stack, "Nightly", cluster=cluster, task=REPORT, schedule=nightly(), assign_public_ip=True)
    told = target(stack)["EcsParameters"]
    assert told["LaunchType"] == "FARGATE"
    assert "CapacityProviderStrategy" not in told
    assert told["NetworkConfiguration"]["AwsvpcConfiguration"] == {
        "AssignPublicIp": "ENABLED",
        "SecurityGroups": [ANY],
        "Subnets": ["subnet-3", "subnet-4"],
    }


def test_a_job_on_instances_has_placement_and_no_interface_of_its_own(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    general = Capacity.ec2("general", instance_types=["m7g.large"], max_instances=2)
    cluster = Cluster(stack, "Cluster", vpc=vpc, capacity=[general])
    task = Task(Container("report:1"), architecture=Architecture.ARM64, network_mode=NetworkMode.BRIDGE)
    where = Placement(
        strategies=[ecs.PlacementStrategy.packed_by_memory()],
        constraints=[ecs.PlacementConstraint.member_of("attribute:ecs.instance-type == m7g.large")],
    )
    job = Job(stack, "Nightly", cluster=cluster, task=task, schedule=nightly(), placement=where)
    told = target(stack)["EcsParameters"]
    assert "NetworkConfiguration" not in told
    assert told["PlacementStrategy"] == [{"Type": "binpack", "Field": "memory"}]
    assert [each["Type"] for each in told["PlacementConstraints"]] == ["memberOf"]
    assert job.connections.security_groups


def test_fields_of_an_event_become_variables_of_each_container(stack: cdk.Stack, cluster: Cluster) -> None:
    task = Task(Container("import:1", name="import"), Container("otel:1", name="otel", essential=False))
    rule = EventRule(OBJECTS, environment={"KEY": events.EventField.from_path("$.detail.object.key"), "MODE": "all"})
    Job(stack, "Import", cluster=cluster, task=task, event=rule)
    passed = target(stack)["InputTransformer"]
    assert passed["InputPathsMap"] == {"detail-object-key": "$.detail.object.key"}
    assert json.loads(passed["InputTemplate"].replace("<detail-object-key>", '"in.csv"')) == {
        "containerOverrides": [
            {"name": name, "environment": [{"name": "KEY", "value": "in.csv"}, {"name": "MODE", "value": "all"}]}
            for name in ("import", "otel")
        ]
    }


def test_an_event_without_passed_fields_is_not_used_as_overrides(stack: cdk.Stack, cluster: Cluster) -> None:
    Job(stack, "Import", cluster=cluster, task=REPORT, event=OBJECTS)
    assert target(stack)["Input"] == "{}"


def test_a_rule_has_the_given_bus_and_pattern(stack: cdk.Stack, cluster: Cluster) -> None:
    bus = events.EventBus.from_event_bus_name(stack, "Bus", "orders")
    rule = EventRule(
        events.EventPattern(detail_type=["Placed"], detail={"total": events.Match.greater_than(100)}),
        bus=bus,
        retries=5,
        max_event_age=dt.timedelta(minutes=10),
    )
    Job(stack, "Import", cluster=cluster, task=REPORT, event=rule)
    template(stack).has_resource_properties(
        "AWS::Events::Rule",
        {
            "EventBusName": "orders",
            "EventPattern": {"detail-type": ["Placed"], "detail": {"total": [{"numeric": [">", 100]}]}},
            "State": "ENABLED",
        },
    )
    assert target(stack)["RetryPolicy"] == {"MaximumRetryAttempts": 5, "MaximumEventAgeInSeconds": 600}


def test_a_schedule_passes_the_scheduled_time_to_the_task(stack: cdk.Stack, cluster: Cluster) -> None:
    start = Schedule(nightly(), environment={"DUE": scheduler.ContextAttribute.scheduled_time})
    Job(stack, "Nightly", cluster=cluster, task=REPORT, schedule=start)
    assert json.loads(target(stack)["Input"])["containerOverrides"] == [
        {"name": "report", "environment": [{"name": "DUE", "value": "<aws.scheduler.scheduled-time>"}]}
    ]


def test_without_overlap_a_state_machine_looks_for_other_tasks_then_runs_and_waits(
    stack: cdk.Stack, cluster: Cluster
) -> None:
    job = Job(stack, "Nightly", cluster=cluster, task=REPORT, schedule=nightly(), overlap=False)
    states = machine(stack)["States"]
    assert machine(stack)["StartAt"] == "List"
    assert states["List"]["Resource"].endswith(":states:::aws-sdk:ecs:listTasks")
    assert states["List"]["Parameters"]["Family"] == job.task_definition.family
    assert states["List"]["Parameters"]["DesiredStatus"] == "RUNNING"
    (found,) = states["Any"]["Choices"]
    assert states["Any"]["Default"] == "Run"
    assert (found["Variable"], states[found["Next"]]["Type"]) == ("$.TaskArns[0]", "Succeed")
    assert states["Run"]["Resource"].endswith(":states:::ecs:runTask.sync")
    assert states["Run"]["Parameters"]["CapacityProviderStrategy"] == [{"CapacityProvider": "FARGATE", "Weight": 1}]
    assert "LaunchType" not in states["Run"]["Parameters"]
    assert "States.TaskFailed" not in states["Run"]["Retry"][0]["ErrorEquals"]
    (name,) = template(stack).find_resources("AWS::StepFunctions::StateMachine")
    started = target(stack)
    assert started["Arn"] == {"Ref": name}
    assert "EcsParameters" not in started
    assert flat(statements(role(stack, "scheduler"))["states:StartExecution"]["Resource"]) == f"<{name}>"


def test_the_state_machine_is_logged_and_traced(stack: cdk.Stack, cluster: Cluster) -> None:
    Job(stack, "Nightly", cluster=cluster, task=REPORT, schedule=nightly(), overlap=False)
    template(stack).has_resource_properties(
        "AWS::StepFunctions::StateMachine",
        {"LoggingConfiguration": {"Level": "ALL"}, "TracingConfiguration": {"Enabled": True}},
    )


def test_the_state_machine_finds_and_stops_only_tasks_of_this_cluster(stack: cdk.Stack, cluster: Cluster) -> None:
    Job(stack, "Nightly", cluster=cluster, task=REPORT, schedule=nightly(), overlap=False)
    may = statements(role(stack, "states"))
    (associations,) = template(stack).find_resources("AWS::ECS::ClusterCapacityProviderAssociations")
    assert flat(may["ecs:DescribeTasks"]["Resource"]).endswith(f":task/<{associations}>/*")
    assert flat(may["ecs:ListTasks"]["Condition"]["ArnEquals"]["ecs:cluster"]).endswith(f"<{associations}>")
    assert flat(may["events:DescribeRule"]["Resource"]).endswith(":rule/StepFunctionsGetEventsForECSTaskRule")


@pytest.mark.parametrize("overlap", [True, False])
def test_a_task_is_stopped_after_its_timeout(stack: cdk.Stack, cluster: Cluster, *, overlap: bool) -> None:
    timeout = dt.timedelta(hours=2)
    Job(stack, "Nightly", cluster=cluster, task=REPORT, schedule=nightly(), timeout=timeout, overlap=overlap)
    states = machine(stack)["States"]
    assert machine(stack)["StartAt"] == ("Run" if overlap else "List")
    assert states["Run"]["TimeoutSeconds"] == 7200
    assert states["Run"]["Parameters"]["Group.$"] == "$$.Execution.Name"
    assert states["Run"]["Catch"] == [{"ErrorEquals": ["States.Timeout"], "Next": "List running"}]
    assert states["List running"]["Resource"].endswith(":aws-sdk:ecs:listTasks")
    assert states["List running"]["Next"] == "Stop own"
    own = states["Stop own"]["ItemProcessor"]["States"]
    assert own["Own"]["Choices"] == [
        {
            "And": [
                {"Variable": "$.Tasks[0].Group", "IsPresent": True},
                {"Variable": "$.Tasks[0].Group", "StringEqualsPath": "$$.Execution.Name"},
            ],
            "Next": "Stop",
        }
    ]
    assert own["Stop"]["Resource"].endswith(":aws-sdk:ecs:stopTask")
    assert own["Stop"]["Parameters"]["Task.$"] == "$.Tasks[0].TaskArn"
    assert states[states["Stop own"]["Next"]]["Type"] == "Fail"
    may = statements(role(stack, "states"))
    assert may["ecs:DescribeTasks"]["Action"] == ["ecs:DescribeTasks", "ecs:StopTask"]
    assert "ecs:ListTasks" in may


def test_without_a_timeout_no_task_is_stopped_and_the_group_is_the_family(stack: cdk.Stack, cluster: Cluster) -> None:
    Job(stack, "Nightly", cluster=cluster, task=REPORT, schedule=nightly(), overlap=False)
    assert list(machine(stack)["States"]) == ["List", "Any", "Runs already", "Run"]
    assert not {"Group.$", "Catch"} & {*machine(stack)["States"]["Run"], *machine(stack)["States"]["Run"]["Parameters"]}


def test_a_task_that_failed_is_retried_on_request(stack: cdk.Stack, cluster: Cluster) -> None:
    Job(stack, "Nightly", cluster=cluster, task=REPORT, schedule=Schedule(nightly(), retries=5), retries=2)
    start, run = machine(stack)["States"]["Run"]["Retry"]
    assert (start["ErrorEquals"][0], start["MaxAttempts"]) == ("ECS.AmazonECSException", 6)
    assert (run["ErrorEquals"], run["MaxAttempts"]) == (["States.TaskFailed"], 2)
    assert target(stack)["RetryPolicy"] == {"MaximumRetryAttempts": 5}


@pytest.mark.parametrize(
    "path", ["detail.object.key", "", "$.detail['object']", '$["detail"].object', "$.detail." + "x" * 248]
)
def test_a_field_that_is_not_a_json_path_is_refused(path: str) -> None:
    fields = {"FINE": events.EventField.source, "KEY": f"s3://{events.EventField.from_path(path)}"}
    with pytest.raises(
        ValueError, match=r"EventRule: each field in environment must be a JSON path in dot notation that starts with"
    ):
        EventRule(OBJECTS, environment=fields)


def test_at_most_a_hundred_fields_of_an_event_are_passed() -> None:
    fields = {f"F{number}": events.EventField.from_path(f"$.detail.f{number}") for number in range(101)}
    with pytest.raises(ValueError, match="the number of fields in environment must be at most 100"):
        EventRule(OBJECTS, environment=fields)
    twice = {**fields, "F100": fields["F0"], "TEXT": "$.detail is a field"}
    assert EventRule(OBJECTS, environment=twice)


def test_a_path_in_plain_text_warns() -> None:
    with pytest.warns(
        UserWarning, match=r"environment\['KEY'\] is the text '\$.detail.key', .*from_path\('\$.detail.k"
    ):
        EventRule(OBJECTS, environment={"KEY": "$.detail.key"})


def test_overrides_pass_through_the_state_machine(stack: cdk.Stack, cluster: Cluster) -> None:
    rule = EventRule(OBJECTS, environment={"KEY": events.EventField.from_path("$.detail.object.key")})
    Job(stack, "Import", cluster=cluster, task=REPORT, event=rule, overlap=False)
    said = target(stack)["InputTransformer"]["InputTemplate"].replace("<detail-object-key>", '"in.csv"')
    assert json.loads(said) == {
        "ContainerOverrides": [{"Name": "report", "Environment": [{"Name": "KEY", "Value": "in.csv"}]}]
    }
    assert machine(stack)["States"]["Run"]["Parameters"]["Overrides.$"] == "$$.Execution.Input"


@pytest.mark.parametrize(
    ("overlap", "granted"),
    [(True, {"ecs:RunTask", "ecs:TagResource", "iam:PassRole"}), (False, {"states:StartExecution"})],
)
def test_grant_run_allows_only_the_state_machine_or_the_task(
    stack: cdk.Stack, cluster: Cluster, *, overlap: bool, granted: set[str]
) -> None:
    operator = iam.Role(stack, "Operator", assumed_by=iam.AccountRootPrincipal())
    job = Job(stack, "Nightly", cluster=cluster, task=REPORT, schedule=nightly(), overlap=overlap)
    job.grant_run(operator)
    (policy,) = [
        each for name, each in template(stack).find_resources("AWS::IAM::Policy").items() if "Operator" in name
    ]
    found = policy["Properties"]["PolicyDocument"]["Statement"]
    assert {one["Action"] for one in found} == granted
    assert all("Condition" in one or one["Action"] == "states:StartExecution" for one in found)


def test_grants_go_to_the_task_role_and_connections_to_its_security_group(stack: cdk.Stack, cluster: Cluster) -> None:
    job = Job(stack, "Nightly", cluster=cluster, task=REPORT, schedule=nightly())
    s3.Bucket(stack, "Reports").grant_put(job)
    job.connections.allow_to(ec2.Peer.ipv4("10.1.0.0/16"), ec2.Port.tcp(5432))
    (policy,) = [
        each for name, each in template(stack).find_resources("AWS::IAM::Policy").items() if "TaskRole" in name
    ]
    assert "s3:PutObject" in str(policy)
    (group,) = template(stack).find_resources("AWS::EC2::SecurityGroup").values()
    assert {rule["FromPort"] for rule in group["Properties"]["SecurityGroupEgress"]} == {443, 5432}


def test_metrics_cover_the_tasks_and_the_dead_letters(stack: cdk.Stack, cluster: Cluster) -> None:
    job = Job(stack, "Nightly", cluster=cluster, task=REPORT, schedule=nightly())
    memory = job.metric("MemoryUtilized", statistic="max")
    assert memory.dimensions is not None
    assert memory.dimensions["TaskDefinitionFamily"] == job.task_definition.family
    assert job.metric_not_started().metric_name == "ApproximateNumberOfMessagesVisible"


def test_schedules_and_rules_have_different_logical_ids(stack: cdk.Stack) -> None:
    """CloudFormation: "Update of resource type is not permitted"."""
    changed = cdk.Stack(cdk.App(), stack.stack_name)
    kinds = []
    for version, trigger in ((stack, {"schedule": EVERY_DAY}), (changed, {"event": OBJECTS})):
        cluster = Cluster(version, "Cluster", vpc=imported_vpc(version))
        Job(version, "Job", cluster=cluster, task=REPORT, **trigger)
        kinds.append({name: each["Type"] for name, each in template(version).to_json()["Resources"].items()})
    before, after = kinds
    assert "AWS::Scheduler::Schedule" in before.values()
    assert "AWS::Events::Rule" in after.values()
    assert all(before[name] == after[name] for name in before.keys() & after.keys())


@pytest.mark.parametrize("name", ["", "A=B"])
@pytest.mark.parametrize(("kind", "start"), [(Schedule, EVERY_DAY), (EventRule, OBJECTS)])
def test_a_variable_of_a_trigger_needs_a_valid_name(kind: Any, start: Any, name: str) -> None:
    with pytest.raises(ValueError, match="each name of environment must "):
        kind(start, environment={name: "x"})
    kind(start, environment={"A_B": "x"})


def test_a_given_dead_letter_queue_is_used_with_its_key(stack: cdk.Stack, cluster: Cluster) -> None:
    queue = sqs.Queue(stack, "Central", encryption_master_key=kms.Key(stack, "Key"))
    job = Job(stack, "Nightly", cluster=cluster, task=REPORT, schedule=Schedule(nightly(), dead_letter_queue=queue))
    template(stack).resource_count_is("AWS::SQS::Queue", 1)
    assert job.dead_letter_queue is queue
    (policy,) = [
        each for name, each in template(stack).find_resources("AWS::IAM::Policy").items() if "NightlyRole" in name
    ]
    assert "kms:GenerateDataKey*" in str(policy)


def test_inner_resources_are_attributes(stack: cdk.Stack, cluster: Cluster) -> None:
    nightly_job = Job(stack, "Nightly", cluster=cluster, task=REPORT, schedule=nightly(), overlap=False)
    by_event = Job(stack, "Import", cluster=cluster, task=REPORT, event=OBJECTS)
    assert nightly_job.node.default_child is nightly_job.schedule
    assert by_event.node.default_child is by_event.rule
    assert nightly_job.state_machine is not None
    assert by_event.state_machine is None


def test_the_log_group_and_queue_can_be_removed_with_the_stack(stack: cdk.Stack, cluster: Cluster) -> None:
    Job(stack, "Nightly", cluster=cluster, task=REPORT, schedule=nightly(), removal_policy=cdk.RemovalPolicy.DESTROY)
    for kept in ("AWS::Logs::LogGroup", "AWS::SQS::Queue"):
        template(stack).has_resource(kept, {"DeletionPolicy": "Delete"})


def test_a_job_runs_in_any_cluster_of_cdk_and_from_another_stack(app: cdk.App, stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cluster = ecs.Cluster(stack, "Plain", vpc=vpc, enable_fargate_capacity_providers=True)
    jobs = cdk.Stack(app, "Jobs")
    Job(jobs, "Nightly", cluster=cluster, task=REPORT, schedule=nightly())
    Template.from_stack(jobs).resource_count_is("AWS::Scheduler::Schedule", 1)


def test_a_job_reports_all_problems_together_with_its_path(stack: cdk.Stack, cluster: Cluster) -> None:
    with pytest.raises(ValueError, match="Shop/Nightly: 5 problems") as raised:
        Job(
            stack,
            "Nightly",
            cluster=cluster,
            task=Task(Container("redis:8"), cpu=1000, memory_mib=1024, network_mode=NetworkMode.BRIDGE),
            schedule=Schedule(nightly(), environment={"TEXT": "x" * 8192}),
            event=OBJECTS,
            placement=Placement.on_each_instance(),
        )
    for said in (
        "schedule and event must not be given together",
        "environment must be at most 8,192 characters as JSON",
        "must be a size that Fargate offers",
        "network_mode must be 'awsvpc' on Fargate (got 'bridge')",
        "placement of a job must not have daemon=True",
    ):
        assert said in str(raised.value)
    assert stack.node.try_find_child("Nightly") is None


def state_machine_of(stack: cdk.Stack) -> dict[str, dict[str, Any]]:
    """Return the states of the only state machine of a stack, with `X` for each value that a template fills in."""
    (machine,) = template(stack).find_resources("AWS::StepFunctions::StateMachine").values()
    text = machine["Properties"]["DefinitionString"]
    parts = text["Fn::Join"][1] if isinstance(text, dict) else [text]
    definition = json.loads("".join(each if isinstance(each, str) else "X" for each in parts))
    states: dict[str, dict[str, Any]] = definition["States"]
    return states


def test_a_job_without_a_trigger_runs_on_request(stack: cdk.Stack, cluster: Cluster) -> None:
    job = Job(stack, "Backfill", cluster=cluster, task=REPORT)
    assert list(state_machine_of(stack)) == ["Run"]
    made = {each["Type"] for each in template(stack).to_json()["Resources"].values()}
    assert not made & {"AWS::Scheduler::Schedule", "AWS::Events::Rule", "AWS::SQS::Queue", "AWS::CloudWatch::Alarm"}
    assert (job.schedule, job.rule, job.dead_letter_queue, job.alarm) == (None, None, None, None)
    assert isinstance(job.node.default_child, ecs.CfnTaskDefinition)
    with pytest.raises(ValueError, match="Shop/Backfill: metric_not_started requires a schedule or an event"):
        job.metric_not_started()


def test_a_role_may_start_a_job_without_a_trigger_and_nothing_else(stack: cdk.Stack, cluster: Cluster) -> None:
    role = iam.Role(stack, "Ci", assumed_by=iam.AccountRootPrincipal())
    Job(stack, "Backfill", cluster=cluster, task=REPORT).grant_run(role)
    policies = template(stack).find_resources("AWS::IAM::Policy")
    (statement,) = next(
        policy["Properties"]["PolicyDocument"]["Statement"]
        for name, policy in policies.items()
        if name.startswith("Ci")
    )
    assert statement == {"Effect": "Allow", "Action": "states:StartExecution", "Resource": {"Ref": ANY}}


def test_overlap_needs_a_trigger(stack: cdk.Stack, cluster: Cluster) -> None:
    with pytest.raises(ValueError, match=r"Shop/Backfill: overlap must not be False without schedule or event"):
        Job(stack, "Backfill", cluster=cluster, task=REPORT, overlap=False)


def test_a_job_without_a_trigger_has_the_settings_of_a_run(stack: cdk.Stack, cluster: Cluster) -> None:
    minutes = cdk.Duration.minutes(5)
    Job(stack, "Backfill", cluster=cluster, task=REPORT, timeout=minutes, retries=2)
    assert state_machine_of(stack)["Run"]["TimeoutSeconds"] == 300


@pytest.mark.parametrize(
    ("interval", "written"),
    [
        (None, {"IntervalSeconds": 10, "BackoffRate": 2, "MaxDelaySeconds": 600, "JitterStrategy": "FULL"}),
        (dt.timedelta(minutes=20), {"IntervalSeconds": 1200, "BackoffRate": 1}),
    ],
)
def test_a_failed_task_waits_before_it_runs_again(
    stack: cdk.Stack, cluster: Cluster, interval: dt.timedelta | None, written: dict[str, Any]
) -> None:
    Job(stack, "Backfill", cluster=cluster, task=REPORT, retries=3, retry_interval=interval)
    assert state_machine_of(stack)["Run"]["Retry"][-1] == {
        "ErrorEquals": ["States.TaskFailed"],
        "MaxAttempts": 3,
        **written,
    }


def test_an_interval_without_retries_is_refused(stack: cdk.Stack, cluster: Cluster) -> None:
    with pytest.raises(ValueError, match="retry_interval must not be given without retries"):
        Job(stack, "Backfill", cluster=cluster, task=REPORT, retry_interval=dt.timedelta(minutes=5))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (
            lambda: Schedule(wrong(events.Schedule.rate(cdk.Duration.days(1)))),
            "use scheduler.ScheduleExpression.rate(...) (from aws_cdk import aws_scheduler as scheduler)",
        ),
        (lambda: Schedule(wrong("rate(1 day)")), "(got 'rate(1 day)' of type str)"),
        (
            lambda: Schedule(nightly(), start=dt.datetime(2127, 1, 1)),
            "start must have a time zone (got 2127-01-01 00:00:00)",
        ),
        (
            lambda: Schedule(
                nightly(), start=dt.datetime(2127, 1, 2, tzinfo=dt.UTC), end=dt.datetime(2127, 1, 1, tzinfo=dt.UTC)
            ),
            "end must be later than start",
        ),
        (
            lambda: Schedule(nightly(), start=dt.datetime.now(dt.UTC) - dt.timedelta(minutes=6)),
            "start must not be in the past",
        ),
        (lambda: Schedule(EVERY_DAY, end=dt.datetime.now(dt.UTC)), "end must not be in the past"),
        (lambda: Schedule(once(), start=dt.datetime(2126, 1, 1, tzinfo=dt.UTC)), "start has no effect on 'at(2127"),
        (lambda: Schedule(once(), end=dt.datetime(2128, 1, 1, tzinfo=dt.UTC)), "end has no effect on 'at(2127"),
        (
            lambda: Schedule(EVERY_DAY, flexible_window=dt.timedelta(minutes=1441)),
            "flexible_window must not be longer than the time between two starts",
        ),
        (lambda: Schedule(written("cron(0 3 * * *)")), "expression must have six fields"),
        (lambda: Schedule(written("every day")), "expression must be at(...), cron(...) or rate(...)"),
        (
            lambda: Schedule(scheduler.ScheduleExpression.cron(hour="3", time_zone=cdk.TimeZone.of("Europe/Atlantis"))),
            "the time_zone of expression must be the name of a time zone",
        ),
        (lambda: EventRule(wrong({"source": ["aws.s3"]})), "pattern must be of type events.EventPattern"),
        (lambda: EventRule(events.EventPattern(detail={"total": 100})), "pattern 'detail.total' must be a list"),
        (lambda: EventRule(events.EventPattern(source=[])), "pattern 'source' must not be empty"),
        (lambda: EventRule(events.EventPattern()), "pattern must not be empty"),
    ],
)
def test_a_trigger_that_never_starts_a_job_is_refused(make: Any, says: str) -> None:
    with pytest.raises((TypeError, ValueError), match=re.escape(says)):
        make()


def test_a_pattern_that_is_too_long_is_refused_even_with_cdk_matches(stack: cdk.Stack, cluster: Cluster) -> None:
    fits = events.EventPattern(source=events.Match.prefix("x" * 4000))
    with pytest.warns(UserWarning, match="Shop/Some: pattern should be at most 2,048 characters as JSON"):
        Job(stack, "Some", cluster=cluster, task=REPORT, event=fits)
    long = events.Match.prefix("x" * 4090)
    with pytest.raises(ValueError, match="Shop/All: pattern must be at most 4,096 characters"):
        Job(stack, "All", cluster=cluster, task=REPORT, event=events.EventPattern(source=long))


def test_a_start_five_minutes_ago_and_a_window_as_long_as_the_rate_are_accepted() -> None:
    now = dt.datetime.now(dt.UTC)
    start, end = now - dt.timedelta(minutes=4), now + dt.timedelta(minutes=1)
    schedule = Schedule(EVERY_DAY, start=start, end=end, flexible_window=dt.timedelta(minutes=1440))
    assert (schedule.start, schedule.end) == (start, end)


def test_dates_are_written_with_milliseconds_in_utc(stack: cdk.Stack, cluster: Cluster) -> None:
    zone = dt.timezone(dt.timedelta(hours=2))
    start = dt.datetime(2127, 1, 1, 1, 30, 5, 999999, tzinfo=zone)
    schedule = Schedule(nightly(), start=start, end=dt.datetime(2128, 1, 1, tzinfo=zone))
    Job(stack, "Nightly", cluster=cluster, task=REPORT, schedule=schedule)
    dates = {"StartDate": "2126-12-31T23:30:05.000Z", "EndDate": "2127-12-31T22:00:00.000Z"}
    template(stack).has_resource_properties("AWS::Scheduler::Schedule", dates)


TASK_CHANGES: dict[str, Any] = {"source": ["aws.ecs"], "detail_type": ["ECS Task State Change"]}


@pytest.mark.parametrize(
    "pattern",
    [
        TASK_CHANGES,
        {"source": ["aws.ecs"]},
        {"account": ["111111111111"]},
        {**TASK_CHANGES, "detail": {"lastStatus": ["STOPPED"], "launchType": ["FARGATE"]}},
        {**TASK_CHANGES, "detail": {"clusterArn": "its own"}},
        {**TASK_CHANGES, "detail": {"clusterArn": "with capacity"}},
        {"detail_type": events.Match.prefix("ECS Task")},
        {**TASK_CHANGES, "detail": {"group": events.Match.anything_but("service:web"), "lastStatus": ["STOPPED"]}},
        {**TASK_CHANGES, "detail": {"group": events.Match.prefix("family:")}},
    ],
)
def test_a_pattern_that_matches_events_of_the_jobs_own_tasks_is_refused(
    stack: cdk.Stack, cluster: Cluster, pattern: dict[str, Any]
) -> None:
    if "clusterArn" in pattern.get("detail", {}):
        one = {"its own": cluster, "with capacity": cluster.with_capacity}[pattern["detail"]["clusterArn"]]
        pattern = {**pattern, "detail": {"clusterArn": [one.cluster_arn]}}
    with pytest.raises(ValueError, match="Shop/Loop: pattern matches the 'ECS Task State Change'.* own runs"):
        Job(stack, "Loop", cluster=cluster, task=REPORT, event=events.EventPattern(**pattern))


def test_a_pattern_that_matches_the_jobs_own_api_calls_is_refused(stack: cdk.Stack, cluster: Cluster) -> None:
    calls = events.EventPattern(source=["aws.ecs"], detail={"eventName": ["RunTask"]})
    with pytest.raises(ValueError, match="pattern matches the 'AWS API Call via CloudTrail' events .*'UpdateService'"):
        Job(stack, "Loop", cluster=cluster, task=REPORT, event=calls)


def test_a_pattern_that_matches_executions_is_refused_only_with_a_state_machine(
    stack: cdk.Stack, cluster: Cluster
) -> None:
    failed = events.EventPattern(source=["aws.states"], detail={"status": ["FAILED"]})
    Job(stack, "OnOthers", cluster=cluster, task=REPORT, event=failed)
    with pytest.raises(ValueError, match="matches the 'Step Functions Execution Status Change' events .*stateMachineA"):
        Job(stack, "Loop", cluster=cluster, task=REPORT, event=failed, retries=1)


def test_a_pattern_that_matches_several_own_events_is_one_problem(stack: cdk.Stack, cluster: Cluster) -> None:
    everything = events.EventPattern(account=["111111111111"])
    kinds = "'ECS Task State Change' and 'Step Functions Execution Status Change' and 'AWS API Call via CloudTrail'"
    with pytest.raises(ValueError, match=f"Shop/Loop: pattern matches the {kinds} events of .*, such as detail_type="):
        Job(stack, "Loop", cluster=cluster, task=REPORT, event=everything, overlap=False)


def test_a_run_with_a_timeout_has_a_group_of_its_own(stack: cdk.Stack, cluster: Cluster) -> None:
    other = events.EventPattern(**TASK_CHANGES, detail={"group": events.Match.anything_but_prefix("family:")})
    Job(stack, "Job", cluster=cluster, task=REPORT, event=other)
    with pytest.raises(ValueError, match="pattern matches the 'ECS Task State Change' events"):
        Job(stack, "Loop", cluster=cluster, task=REPORT, event=other, timeout=cdk.Duration.hours(1))


def test_a_pattern_may_contain_null(stack: cdk.Stack, cluster: Cluster) -> None:
    detail = {
        "a": [None],
        "$or": [{"b": {"c": [None, "x", {"prefix": "y"}]}}, {"d": [1]}],
        "e": [{"anything-but": [2]}],
    }
    Job(stack, "Job", cluster=cluster, task=REPORT, event=events.EventPattern(source=["shop"], detail=detail))
    (rule,) = template(stack).find_resources("AWS::Events::Rule").values()
    assert rule["Properties"]["EventPattern"] == {"source": ["shop"], "detail": detail}


def test_a_pattern_on_a_custom_bus_never_matches_own_events(stack: cdk.Stack, cluster: Cluster) -> None:
    bus = events.EventBus(stack, "Bus")
    rule = EventRule(events.EventPattern(account=["111111111111"]), bus=bus)
    Job(stack, "Job", cluster=cluster, task=REPORT, event=rule)


@pytest.mark.parametrize(
    "detail",
    [
        {"group": ["service:web"]},
        {"clusterArn": ["arn:aws:ecs:eu-west-1:111111111111:cluster/other"]},
        {"containers": {"exitCode": [{"anything-but": 0}]}},
    ],
)
def test_a_pattern_for_events_of_other_tasks_is_accepted(
    stack: cdk.Stack, cluster: Cluster, detail: dict[str, Any]
) -> None:
    Job(stack, "Job", cluster=cluster, task=REPORT, event=events.EventPattern(**TASK_CHANGES, detail=detail))


@hypothesis.given(
    retries=st.integers(-5, 200), age=st.integers(0, 90_000), window=st.integers(-60, 90_000) | st.just(None)
)
def test_a_schedule_is_accepted_only_within_its_limits(retries: int, age: int, window: int | None) -> None:
    fits = 0 <= retries <= 185 and 60 <= age <= 86400 and (window is None or window in range(60, 86401, 60))

    def make() -> Schedule:
        flexible = None if window is None else dt.timedelta(seconds=window)
        return Schedule(EVERY_DAY, retries=retries, max_event_age=dt.timedelta(seconds=age), flexible_window=flexible)

    if fits:
        assert make().retries == retries
    else:
        with pytest.raises(ValueError, match="Schedule: "):
            make()


def test_a_single_time_may_have_a_flexible_window() -> None:
    # the Scheduler user guide, "Configuring flexible time windows", excludes no type of schedule
    assert Schedule(once(), flexible_window=dt.timedelta(minutes=5)).flexible_window == 300


def test_a_fifo_dead_letter_queue_is_refused(stack: cdk.Stack) -> None:
    queue = sqs.Queue(stack, "Central", fifo=True)
    with pytest.raises(ValueError, match="dead_letter_queue must be a standard queue"):
        Schedule(nightly(), dead_letter_queue=queue)


def test_a_public_address_on_fargate_spot_is_refused_without_a_state_machine(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    spot = Capacity.fargate_spot()
    cluster = Cluster(stack, "Cluster", vpc=vpc, capacity=[spot])
    with pytest.raises(ValueError, match="assign_public_ip=True is not possible on Fargate Spot"):
        Job(stack, "Nightly", cluster=cluster, task=REPORT, schedule=nightly(), assign_public_ip=True)
    Job(stack, "Alone", cluster=cluster, task=REPORT, schedule=nightly(), assign_public_ip=True, overlap=False)


def test_more_than_six_capacities_need_a_state_machine(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    many: dict[Capacity, int] = {Capacity.from_provider_name(f"capacity-{index}"): 1 for index in range(7)}
    cluster = Cluster(stack, "Cluster", vpc=vpc, capacity=list(many))
    Job(stack, "Nightly", cluster=cluster, task=REPORT, schedule=nightly(), capacity=many, overlap=False)
    assert len(machine(stack)["States"]["Run"]["Parameters"]["CapacityProviderStrategy"]) == 7


def test_a_task_that_fits_on_no_instance_is_refused(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    general = Capacity.ec2("general", instance_types=["m7g.large"], max_instances=2)
    cluster = Cluster(stack, "Cluster", vpc=vpc, capacity=[general])
    task = Task(Container("report:1"), memory_mib=16384, architecture=Architecture.ARM64)
    with pytest.raises(ValueError, match="no instance type of capacity 'general' has enough"):
        Job(stack, "Nightly", cluster=cluster, task=task, schedule=nightly())


def test_a_job_that_cannot_reach_its_needs_is_refused(app: cdk.App, stack: cdk.Stack) -> None:
    closed = Cluster(stack, "Closed", vpc=Network(stack, "Network", nat_gateways=0).vpc)
    with pytest.raises(ValueError, match="cannot reach the internet, which the task needs"):
        Job(stack, "Nightly", cluster=closed, task=REPORT, schedule=nightly())
    other = cdk.Stack(app, "Other")
    unknown = Cluster(other, "Cluster", vpc=imported_vpc(other, isolated=True))
    Job(other, "Nightly", cluster=unknown, task=REPORT, schedule=nightly())
    (warning,) = warnings_of(app, "Other")
    assert "no route to the internet, as far as CDK knows" in warning


@pytest.mark.parametrize("overlap", [True, False])
def test_jobs_support_exec_sessions(stack: cdk.Stack, cluster: Cluster, *, overlap: bool) -> None:
    task = Task(Container("report:1"), execute_command=True)
    Job(stack, "Nightly", cluster=cluster, task=task, schedule=nightly(), overlap=overlap)
    told = target(stack)["EcsParameters"] if overlap else machine(stack)["States"]["Run"]["Parameters"]
    assert told["EnableExecuteCommand"] is True


def test_the_file_system_of_a_job_allows_its_task(stack: cdk.Stack, vpc: ec2.IVpc, cluster: Cluster) -> None:
    files = efs.FileSystem(stack, "Files", vpc=vpc)
    task = Task(Container("report:1", mounts={"/data": "files"}), volumes=Volume.efs("files", files))
    Job(stack, "Nightly", cluster=cluster, task=task, schedule=nightly())
    opened = template(stack).find_resources("AWS::EC2::SecurityGroupIngress").values()
    assert [each["Properties"]["FromPort"] for each in opened] == [2049]
    (waits,) = [each["DependsOn"] for each in template(stack).find_resources("AWS::Scheduler::Schedule").values()]
    assert set(template(stack).find_resources("AWS::EFS::MountTarget")) <= set(waits)


def test_a_job_with_an_ebs_volume_is_refused(stack: cdk.Stack, cluster: Cluster) -> None:
    task = Task(Container("report:1", mounts={"/data": "scratch"}), volumes=Volume.ebs("scratch", 100))
    with pytest.raises(ValueError, match=r"volumes must not have a Volume.ebs\(...\) in a task without a service"):
        Job(stack, "Nightly", cluster=cluster, task=task, schedule=nightly())


def looks_secret(stack: cdk.Stack) -> dict[str, str]:
    return {
        "DB_PASSWORD": "hunter2",
        "URL": "postgres://shop:hunter2@db/shop",
        "REFERENCE": "{{resolve:secretsmanager:shop:SecretString:password}}",
        "UNWRAPPED": secretsmanager.Secret(stack, "Secret").secret_value.unsafe_unwrap(),
    }


@pytest.mark.parametrize("name", ["DB_PASSWORD", "URL", "REFERENCE", "UNWRAPPED"])
@pytest.mark.parametrize("kind", ["schedule", "event"])
def test_a_secret_in_the_environment_of_a_trigger_is_refused(
    stack: cdk.Stack, cluster: Cluster, kind: str, name: str
) -> None:
    passed = {name: looks_secret(stack)[name]}
    made = Schedule(nightly(), environment=passed) if kind == "schedule" else EventRule(OBJECTS, environment=passed)
    given: dict[str, Any] = {kind: made}
    with pytest.raises(
        ValueError, match=f"Shop/Job: environment must not contain '{name}', which looks like a secret"
    ) as refused:
        Job(stack, "Job", cluster=cluster, task=REPORT, **given)
    assert "hunter2" not in str(refused.value)


def test_a_variable_that_is_declared_not_secret_is_passed(stack: cdk.Stack, cluster: Cluster) -> None:
    reason = {"PAGE_TOKEN": "a place in a list"}
    task = Task(Container("report:1", environment={"PAGE_TOKEN": "first"}, not_secret=reason))
    passed = {
        "PAGE_TOKEN": "next",
        "KEY": events.EventField.from_path("$.detail.object.key"),
        "STACK": stack.stack_name,
    }
    Job(stack, "Job", cluster=cluster, task=task, event=EventRule(OBJECTS, environment=passed))


def test_a_variable_of_a_start_is_no_secret_of_a_container(stack: cdk.Stack, cluster: Cluster) -> None:
    secret = secretsmanager.Secret.from_secret_name_v2(stack, "Secret", "shop")
    task = Task(Container("redis:8", secrets={"PASSWORD": secret}))
    start = Schedule(nightly(), environment={"PASSWORD": cdk.Token.as_string({"Ref": "Password"})})
    with pytest.raises(ValueError, match="environment must not have 'PASSWORD', which is a secret of container 'app'"):
        Job(stack, "Nightly", cluster=cluster, task=task, schedule=start)


def test_a_job_may_start_by_a_schedule_without_a_time_zone(stack: cdk.Stack, cluster: Cluster) -> None:
    Job(stack, "Hourly", cluster=cluster, task=REPORT, schedule=Hourly())
    (schedule,) = template(stack).find_resources("AWS::Scheduler::Schedule").values()
    assert schedule["Properties"]["ScheduleExpression"] == "rate(1 hour)"
    assert "ScheduleExpressionTimezone" not in schedule["Properties"]
