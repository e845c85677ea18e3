"""The failure events of a cluster, checked with the sample events that AWS documents."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns

from moorage import Cluster, FailureEvents
from moorage.ecs.cluster import failure_events
from moorage.testing import readable_template
from tests.conftest import imported_vpc, template, warnings_of
from tests.ecs.ecs_events import CLUSTER, SAMPLES, SERVICES, stopped_task
from tests.event_patterns import matches

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from tests.local.local_aws import Client, Deploy

RULE, GROUP, POLICY = "AWS::Events::Rule", "AWS::Logs::LogGroup", "AWS::Logs::ResourcePolicy"
STOPPED = failure_events.stopped_pattern(CLUSTER)
IN_SERVICES = failure_events.service_pattern(CLUSTER, SERVICES)


@pytest.mark.parametrize(
    ("pattern", "samples"),
    [
        (STOPPED, set()),
        (IN_SERVICES, {"deployment failed", "start impaired", "no place"}),
        (
            failure_events.service_pattern(CLUSTER.replace("default", "other"), SERVICES.replace("default", "other")),
            set(),
        ),
        (failure_events.service_pattern(f"{CLUSTER}-2", SERVICES.replace("default", "default-2")), set()),
    ],
)
def test_a_pattern_matches_only_the_intended_sample_events(pattern: Any, samples: set[str]) -> None:
    assert {name for name, event in SAMPLES.items() if matches(pattern, event)} == samples


def nodes(pattern: Any) -> Iterator[dict[str, Any]]:
    """Yield every object in a pattern."""
    if isinstance(pattern, dict):
        yield pattern
    for each in pattern.values() if isinstance(pattern, dict) else pattern if isinstance(pattern, list) else ():
        yield from nodes(each)


@pytest.mark.parametrize("pattern", [STOPPED, IN_SERVICES])
def test_or_has_no_key_beside_it(pattern: Any) -> None:
    alternatives = [node for node in nodes(pattern) if "$or" in node]
    assert [len(node) for node in alternatives] == [1]  # cdk-preflight, pf-events-pattern-or-exclusive


@pytest.mark.parametrize(
    "event",
    [
        stopped_task("TaskFailedToStart", "CannotPullContainerError: pull image manifest has been retried", None),
        stopped_task("EssentialContainerExited", "Essential container in task exited", 1),
        stopped_task("EssentialContainerExited", "Essential container in task exited", 0),
        stopped_task("EssentialContainerExited", "OutOfMemoryError: Container killed", 137, group="family:report"),
        stopped_task("EssentialContainerExited", "Essential container in task exited", 0, 1, group="family:report"),
        stopped_task("ServiceSchedulerInitiated", "Task failed ELB health checks in (target-group arn:aws:e)"),
        stopped_task("ServiceSchedulerInitiated", "Task failed container health checks"),
        stopped_task("SpotInterruption", "Your Spot Task was interrupted."),
        stopped_task("TerminationNotice", "Host EC2 (instance i-1) terminated."),
        stopped_task("InfrastructureHealth", "The infrastructure of the task is not healthy"),
        stopped_task("UserInitiated", "Task stopped by user"),
    ],
)
def test_a_task_that_stops_unexpectedly_is_kept(event: dict[str, Any]) -> None:
    assert matches(STOPPED, event)


@pytest.mark.parametrize(
    "event",
    [
        stopped_task("ServiceSchedulerInitiated", "Scaling activity initiated by (deployment ecs-svc/123)"),
        stopped_task("EssentialContainerExited", "Essential container in task exited", 0, group="family:report"),
    ],
)
def test_tasks_of_deployments_scale_ins_and_successful_jobs_are_not_kept(event: dict[str, Any]) -> None:
    assert not matches(STOPPED, event)


def test_a_task_without_a_stop_code_is_kept() -> None:
    event = stopped_task("", "unknown")
    del event["detail"]["stopCode"]
    assert matches(STOPPED, event)


def test_the_pattern_is_short_enough_for_the_longest_names() -> None:
    name = "c" * 255
    longest = [f"arn:aws-us-gov:ecs:us-gov-east-1:111122223333:{kind}/{name}" for kind in ("cluster", "service")]
    assert len(json.dumps(failure_events.stopped_pattern(longest[0]), separators=(",", ":"))) <= 2048
    assert len(json.dumps(failure_events.service_pattern(*longest), separators=(",", ":"))) <= 2048


def test_a_cluster_keeps_its_failures_for_a_year_by_default(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    Cluster(stack, "Cluster", vpc=vpc)
    Cluster(stack, "Quiet", vpc=vpc, failure_events=False)
    found = template(stack)
    found.resource_count_is(RULE, 2)
    found.has_resource(GROUP, {"DeletionPolicy": "Retain", "Properties": {"RetentionInDays": 365}})


def test_clusters_of_a_stack_share_a_policy_and_a_key_and_can_share_a_log_group(
    stack: cdk.Stack, vpc: ec2.IVpc
) -> None:
    first = Cluster(stack, "Cluster", vpc=vpc)
    Cluster(stack, "Second", vpc=vpc)
    assert first.failure_events
    other = ecs.Cluster.from_cluster_attributes(stack, "Other", cluster_name="other", vpc=vpc)
    FailureEvents(cdk.Stack(stack, "Nested"), "Seen", cluster=other, log_group=first.failure_events.log_group)
    template(stack).resource_count_is(POLICY, 1)
    template(stack).resource_count_is("AWS::KMS::Key", 1)
    template(stack).resource_count_is(GROUP, 2)
    nested = template(stack.node.find_child("Nested"))  # type: ignore[arg-type]  # the child is a stack
    nested.resource_count_is(RULE, 2)
    nested.resource_count_is(POLICY, 0)


def test_a_topic_is_notified_and_allows_eventbridge(
    stack: cdk.Stack, vpc: ec2.IVpc, template_snapshot: SnapshotAssertion
) -> None:
    Cluster(stack, "Cluster", vpc=vpc, failure_topic=sns.Topic(stack, "Topic"))
    made = template(stack)
    (topic,) = made.find_resources("AWS::SNS::Topic")
    (queue,) = made.find_resources("AWS::SQS::Queue")
    letters = {"Arn": {"Fn::GetAtt": [queue, "Arn"]}}
    for rule in made.find_resources(RULE).values():
        assert [each["Id"] for each in rule["Properties"]["Targets"]] == ["Logs", "Topic"]
        assert all(each["DeadLetterConfig"] == letters for each in rule["Properties"]["Targets"])
    (policy,) = made.find_resources("AWS::SNS::TopicPolicy").values()
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Principal"], statement["Resource"]) == ({"Service": "events.amazonaws.com"}, {"Ref": topic})
    assert "Condition" not in statement  # EventBridge sends SNS no context (EventBridge guide, resource-based policies)
    assert readable_template(made) == template_snapshot


def test_the_key_of_a_topic_allows_eventbridge_without_a_condition(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    topic = sns.Topic(stack, "Topic", master_key=kms.Key(stack, "Key"))
    Cluster(stack, "Cluster", vpc=vpc, failure_topic=topic)
    keys = template(stack).find_resources("AWS::KMS::Key").values()
    assert len(keys) == 2
    for key in keys:
        statement = key["Properties"]["KeyPolicy"]["Statement"][-1]
        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
        assert statement["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
        assert "Condition" not in statement


def test_a_topic_that_eventbridge_cannot_reach_is_refused(app: cdk.App, stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    managed = kms.Alias.from_alias_name(stack, "Managed", "alias/aws/sns")
    with pytest.raises(ValueError, match="Shop/Cluster: failure_topic must not be encrypted with alias/aws/sns"):
        Cluster(stack, "Cluster", vpc=vpc, failure_topic=sns.Topic(stack, "Topic", master_key=managed))
    with pytest.raises(ValueError, match="Shop/Cluster: failure_topic must be a standard topic"):
        Cluster(stack, "Cluster", vpc=vpc, failure_topic=sns.Topic(stack, "Fifo", fifo=True))
    there = cdk.Stack(app, "There", env=cdk.Environment(account="111111111111", region="us-east-1"))
    here = cdk.Stack(app, "Here", env=cdk.Environment(account="111111111111", region="eu-west-1"))
    with pytest.raises(ValueError, match="Here/Cluster: failure_topic must be in region eu-west-1"):
        Cluster(here, "Cluster", vpc=imported_vpc(here), failure_topic=sns.Topic(there, "Topic"))


RETAINED = {"Retain", "RetainExceptOnCreate"}


@pytest.mark.parametrize(
    ("policies", "retained"),
    [
        ([cdk.RemovalPolicy.RETAIN], True),
        ([cdk.RemovalPolicy.DESTROY], False),
        ([cdk.RemovalPolicy.DESTROY, cdk.RemovalPolicy.RETAIN], True),
        ([cdk.RemovalPolicy.RETAIN, cdk.RemovalPolicy.DESTROY], True),
    ],
)
def test_the_key_is_retained_with_the_queues_that_it_encrypts(
    *, stack: cdk.Stack, vpc: ec2.IVpc, policies: list[cdk.RemovalPolicy], retained: bool
) -> None:
    for index, policy in enumerate(policies):
        Cluster(stack, f"Cluster{index}", vpc=vpc, removal_policy=policy)
    (key,) = template(stack).find_resources("AWS::KMS::Key").values()
    queues = template(stack).find_resources("AWS::SQS::Queue").values()
    assert any(queue["DeletionPolicy"] in RETAINED for queue in queues) is retained
    assert key["DeletionPolicy"] == ("RetainExceptOnCreate" if retained else "Delete")


def test_a_policy_serves_the_log_groups_of_all_stacks(app: cdk.App) -> None:
    platform, shop = cdk.Stack(app, "Platform"), cdk.Stack(app, "Shop")
    policy = FailureEvents.define_log_policy(platform, "EventLogs", log_groups="Shop-*")
    Cluster(shop, "Cluster", vpc=imported_vpc(shop), failure_log_policy=policy)
    Cluster(shop, "Second", vpc=imported_vpc(cdk.Stack(app, "Other")), failure_log_policy="events-of-the-account")
    template(platform).resource_count_is(POLICY, 1)
    (defined,) = template(platform).find_resources(POLICY).values()
    assert "log-group:Shop-*:*" in json.dumps(defined)
    template(shop).resource_count_is(POLICY, 0)
    assert shop.dependencies == [platform]


def test_the_ninth_policy_of_an_account_warns(app: cdk.App) -> None:
    def define(number: int) -> None:
        stack = cdk.Stack(app, f"Shop{number}")
        Cluster(stack, "Cluster", vpc=imported_vpc(stack))

    elsewhere = cdk.Stack(app, "There", env=cdk.Environment(account="111111111111", region="us-east-1"))
    Cluster(elsewhere, "Cluster", vpc=imported_vpc(elsewhere))
    for number in range(1, 10):
        define(number)
    assert [len(warnings_of(app, f"Shop{number}")) for number in (8, 9)] == [0, 1]
    (warning,) = warnings_of(app, "Shop9")
    assert "this is log resource policy 9 of this app in one account and region, and CloudWatch Logs allows" in warning


def test_a_topic_without_failure_events_is_refused(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    with pytest.raises(ValueError, match="Shop/Cluster: failure_topic must not be used with failure_events=False"):
        Cluster(stack, "Cluster", vpc=vpc, failure_events=False, failure_topic=sns.Topic(stack, "Topic"))


def test_a_stopped_task_appears_in_the_log_group(client: Client, deploy: Deploy) -> None:
    app = cdk.App(analytics_reporting=False)
    stack = cdk.Stack(app, "Shop")
    cluster = ecs.Cluster.from_cluster_attributes(
        stack, "Cluster", cluster_name="default", vpc=imported_vpc(stack), cluster_arn=CLUSTER
    )
    FailureEvents(stack, "Seen", cluster=cluster)
    resources = template(stack).to_json()["Resources"]
    (group,) = (name for name, each in resources.items() if each["Type"] == GROUP)
    for resource in resources.values():
        if resource["Type"] == RULE and "source" in resource["Properties"]["EventPattern"]:
            resource["Properties"]["EventPattern"]["source"] = ["shop"]  # EventBridge accepts aws.ecs only from ECS
    made = deploy(resources, group={"Ref": group})
    assert made["StackStatus"] == "CREATE_COMPLETE", made["Reason"]
    for code, reason in (
        ("TaskFailedToStart", "no such image"),
        ("ServiceSchedulerInitiated", "Scaling activity initiated by (deployment ecs-svc/123)"),
    ):
        detail = json.dumps(stopped_task(code, reason)["detail"])
        entry = {"Source": "shop", "DetailType": "ECS Task State Change", "Detail": detail}
        assert client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0
    events = client("logs").filter_log_events(logGroupName=made["Values"]["group"])["events"]
    assert [json.loads(each["message"])["detail"]["stoppedReason"] for each in events] == ["no such image"]
