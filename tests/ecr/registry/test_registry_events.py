"""The events of a registry: their patterns, and the dead-letter queues of their targets."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import botocore.session
import pytest
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Match

from moorage import ApiCall, Registry, Repository, Scanning, Severity
from moorage.ecr import registry_limits
from moorage.ecr.api_operations import OPERATIONS
from moorage.ecr.registry import registry_patterns
from moorage.testing import readable_template
from tests.conftest import template
from tests.ecr.ecr_events import SAMPLES
from tests.event_patterns import matches

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

RULE, QUEUE = "AWS::Events::Rule", "AWS::SQS::Queue"


@pytest.mark.parametrize(
    ("pattern", "samples"),
    [
        (registry_patterns.push_pattern(), {"push"}),
        (registry_patterns.push_pattern(["my-*"], ["latest"]), {"push"}),
        (registry_patterns.push_pattern(["prod/*"]), set()),
        (registry_patterns.push_pattern(["my-repository-name"], ["v*"]), set()),
        (registry_patterns.deletion_pattern(), {"delete"}),
        (registry_patterns.archive_pattern(), {"archive"}),
        (registry_patterns.replication_pattern(), {"replication"}),
        (registry_patterns.replication_pattern(["docker-hub/*"]), {"replication"}),
        (registry_patterns.replication_pattern(result="FAILED"), {"failed replication"}),
        (registry_patterns.pull_through_pattern(), {"pull through"}),
        (registry_patterns.pull_through_pattern(["docker-hub/*"]), {"pull through"}),
        (registry_patterns.pull_through_pattern(status="FAILED"), set()),
        (registry_patterns.scan_pattern(), {"basic scan"}),
        (registry_patterns.scan_pattern(["my-repository-name"]), {"basic scan"}),
        (registry_patterns.scan_pattern(by_inspector=True), {"inspector scan"}),
        (registry_patterns.scan_pattern(["amazon/*"], by_inspector=True), {"inspector scan"}),
        (registry_patterns.scan_pattern(["amazon"], by_inspector=True), set()),
        (registry_patterns.finding_pattern(Severity.CRITICAL), {"basic scan"}),
        (registry_patterns.finding_pattern(Severity.LOW), {"basic scan"}),
        (registry_patterns.finding_pattern(Severity.LOW, ["other"]), set()),
        (registry_patterns.finding_pattern(Severity.MEDIUM, by_inspector=True), {"inspector finding"}),
        (registry_patterns.finding_pattern(Severity.MEDIUM, ["amazon/*"], by_inspector=True), {"inspector finding"}),
        (registry_patterns.finding_pattern(Severity.MEDIUM, ["other"], by_inspector=True), set()),
        (registry_patterns.finding_pattern(Severity.HIGH, by_inspector=True), set()),
    ],
)
def test_a_pattern_matches_only_its_documented_events(pattern: registry_patterns.Pattern, samples: set[str]) -> None:
    assert {name for name, event in SAMPLES.items() if matches(pattern, event)} == samples


def test_a_scan_without_findings_of_a_severity_does_not_match() -> None:
    scan = {**SAMPLES["basic scan"]["detail"], "finding-severity-counts": {"MEDIUM": 9}}
    event = {**SAMPLES["basic scan"], "detail": scan}
    assert not matches(registry_patterns.finding_pattern(Severity.HIGH), event)
    assert matches(registry_patterns.finding_pattern(Severity.MEDIUM), event)


def test_the_alternatives_of_severities_have_no_sibling_key() -> None:
    """EventBridge was observed to refuse `$or` beside another key, although event-ruler's README shows it."""
    detail = registry_patterns.finding_pattern(Severity.HIGH, repositories=["shop/web"])["detail"]
    assert set(detail) == {"scan-status", "repository-name", "finding-severity-counts"}
    assert list(detail["finding-severity-counts"]) == ["$or"]


def test_the_pattern_of_api_calls_matches_events_of_cloudtrail() -> None:
    event = {
        "source": "aws.ecr",
        "detail-type": "AWS API Call via CloudTrail",
        "detail": {"eventSource": "ecr.amazonaws.com", "eventName": "DeleteRepository"},
    }
    assert matches(registry_patterns.api_call_pattern(["DeleteRepository"]), event)
    assert matches(registry_patterns.api_call_pattern(["PutImage", "Delete*"]), event)
    assert not matches(registry_patterns.api_call_pattern(["PutImage"]), event)


ALL_CALLS = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"


@pytest.mark.parametrize(
    ("calls", "state"),
    [
        (["DeleteRepository", "BatchDeleteImage"], "ENABLED"),
        (["DescribeRepositories"], ALL_CALLS),
        (["PutImage", "BatchGetImage"], ALL_CALLS),
        (["GetAuthorizationToken"], ALL_CALLS),
        (["ListImages"], ALL_CALLS),
        (["*"], ALL_CALLS),
    ],
)
def test_a_rule_for_read_only_calls_has_the_state_that_includes_them(
    stack: cdk.Stack, calls: list[str], state: str
) -> None:
    Registry(stack, "Registry").on_api_call("Rule", calls=calls)
    assert told(stack)["State"] == state


def test_every_operation_of_botocore_is_known() -> None:
    operations = botocore.session.get_session().get_service_model("ecr").operation_names
    assert all(registry_limits.API_CALL.accepts(each) for each in operations)
    assert sorted(operations) == sorted(OPERATIONS)
    reads = {each for each in operations if registry_patterns.reads(each)}
    assert all(each.startswith(("Batch", "Describe", "Get", "List", "Validate")) for each in reads)
    assert not reads & {"BatchDeleteImage", "PutImage", "DeleteRepository", "UploadLayerPart"}


@pytest.mark.parametrize(
    ("call", "way_out"),
    [
        ("DeleteRepositry", "use 'DeleteRepository'"),
        ("DescribeImageTags", "use 'DescribeImages'"),
        ("RunTask", "use an operation of the ECR API"),
        ("Remove*", "use an operation of the ECR API"),
    ],
)
def test_an_unknown_operation_warns(stack: cdk.Stack, call: str, way_out: str) -> None:
    with pytest.warns(UserWarning, match=f"Rule: each item of calls should be an API operation .*{re.escape(way_out)}"):
        Registry(stack, "Registry").on_api_call("Rule", calls=["PutImage", call])


def told(stack: cdk.Stack) -> dict[str, Any]:
    (rule,) = template(stack).find_resources(RULE).values()
    properties: dict[str, Any] = rule["Properties"]
    return properties


def test_whole_template(stack: cdk.Stack, template_snapshot: SnapshotAssertion) -> None:
    registry = Registry(stack, "Registry", scanning=Scanning.enhanced())
    topic = sns.Topic(stack, "Findings", master_key=registry.event_key, enforce_ssl=True)
    registry.on_scan_finding("Critical", severity=Severity.CRITICAL, target=targets.SnsTopic(topic))
    registry.add_dashboard("Dashboard", repositories=[Repository(stack, "Web")])
    registry.alarm_near_quota("PutImage", call=ApiCall.PUT_IMAGE, topic=topic)
    assert readable_template(stack) == template_snapshot


@pytest.mark.parametrize(
    ("tell", "pattern"),
    [
        (
            lambda registry, **to: registry.on_push("Rule", tags=["v*"], **to),
            registry_patterns.push_pattern([], ["v*"]),
        ),
        (lambda registry, **to: registry.on_delete("Rule", **to), registry_patterns.deletion_pattern()),
        (lambda registry, **to: registry.on_archive("Rule", **to), registry_patterns.archive_pattern()),
        (lambda registry, **to: registry.on_scan_completed("Rule", **to), registry_patterns.scan_pattern()),
        (
            lambda registry, **to: registry.on_scan_finding("Rule", severity=Severity.HIGH, **to),
            registry_patterns.finding_pattern(Severity.HIGH),
        ),
        (
            lambda registry, **to: registry.on_replicated("Rule", repositories=["a"], **to),
            registry_patterns.replication_pattern(["a"]),
        ),
        (
            lambda registry, **to: registry.on_replicated("Rule", failed=True, **to),
            registry_patterns.replication_pattern(result="FAILED"),
        ),
        (lambda registry, **to: registry.on_pull_through("Rule", **to), registry_patterns.pull_through_pattern()),
        (
            lambda registry, **to: registry.on_api_call("Rule", calls=["PutImage"], **to),
            registry_patterns.api_call_pattern(["PutImage"]),
        ),
    ],
)
def test_each_event_is_a_rule_with_its_pattern_and_a_dead_letter_queue(
    stack: cdk.Stack, tell: Any, pattern: registry_patterns.Pattern
) -> None:
    tell(Registry(stack, "Registry"), target=targets.SqsQueue(sqs.Queue(stack, "Target")))
    assert told(stack)["EventPattern"] == pattern
    (target,) = told(stack)["Targets"]
    assert target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0].startswith("RegistryDeadLetters")


def test_findings_of_enhanced_scanning_come_from_inspector(stack: cdk.Stack) -> None:
    registry = Registry(stack, "Registry", scanning=Scanning.enhanced())
    registry.on_scan_finding("Rule", severity=Severity.HIGH)
    assert told(stack)["EventPattern"]["source"] == ["aws.inspector2"]


def test_more_repositories_than_fit_into_a_pattern_are_refused(stack: cdk.Stack) -> None:
    registry = Registry(stack, "Registry")
    names = [f"team/{index:0>10}" for index in range(240)]
    with pytest.warns(UserWarning, match="pattern should be at most 2,048 characters as JSON, the default quota"):
        registry.on_push("Some", repositories=names[:200])
    with pytest.raises(ValueError, match="Shop/Registry/All: pattern must be at most 4,096 .*use fewer values"):
        registry.on_push("All", repositories=names)
    assert registry.node.try_find_child("All") is None


def test_names_that_cloudformation_chooses_do_not_count_in_the_length(stack: cdk.Stack) -> None:
    chosen = [cdk.CfnParameter(stack, f"Name{index}").value_as_string for index in range(200)]
    Registry(stack, "Registry").on_push("Some", repositories=chosen)


def test_the_dead_letter_queue_is_encrypted_and_allows_eventbridge(stack: cdk.Stack) -> None:
    registry = Registry(stack, "Registry")
    for name in ("One", "Two"):
        registry.on_push(name, target=targets.SqsQueue(sqs.Queue(stack, name)))
    made = template(stack)
    made.resource_count_is("AWS::KMS::Key", 1)
    made.has_resource_properties(QUEUE, {"KmsMasterKeyId": Match.any_value(), "MessageRetentionPeriod": 1209600})
    (key,) = made.find_resources("AWS::KMS::Key").values()
    assert "events.amazonaws.com" in json.dumps(key["Properties"]["KeyPolicy"])
    allowed = [
        statement
        for policy in made.find_resources("AWS::SQS::QueuePolicy").values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if "DeadLetters" in json.dumps(statement["Resource"]) and statement["Effect"] == "Allow"
    ]
    assert [statement["Principal"] for statement in allowed] == [{"Service": "events.amazonaws.com"}]
    assert allowed[0]["Condition"].keys() == {"ArnLike"}
    assert allowed[0]["Condition"]["ArnLike"].keys() == {"aws:SourceArn"}


def test_a_target_keeps_its_own_dead_letter_queue(stack: cdk.Stack) -> None:
    own = sqs.Queue(stack, "Own")
    registry = Registry(stack, "Registry")
    registry.on_push("Rule", target=targets.SqsQueue(sqs.Queue(stack, "Target"), dead_letter_queue=own))
    (target,) = told(stack)["Targets"]
    assert target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0].startswith("Own")
    template(stack).resource_count_is("AWS::KMS::Key", 0)


def test_a_given_event_key_is_used(stack: cdk.Stack) -> None:
    key = kms.Key.from_key_arn(stack, "Key", "arn:aws:kms:eu-west-1:111111111111:key/1a2b")
    registry = Registry(stack, "Registry", event_key=key)
    registry.on_push("Rule", target=targets.SqsQueue(sqs.Queue(stack, "Target")))
    template(stack).has_resource_properties(QUEUE, {"KmsMasterKeyId": key.key_arn})


def test_an_event_without_a_target_defines_no_queue(stack: cdk.Stack) -> None:
    Registry(stack, "Registry").on_push("Rule")
    template(stack).resource_count_is(QUEUE, 0)


def test_calls_are_counted_by_operation(stack: cdk.Stack) -> None:
    metric = Registry(stack, "Registry").metric_calls(ApiCall.GET_AUTHORIZATION_TOKEN)
    assert (metric.namespace, metric.metric_name) == ("AWS/Usage", "CallCount")
    assert metric.dimensions == {"Service": "ECR", "Type": "API", "Resource": "GetAuthorizationToken", "Class": "None"}


def test_the_alarm_compares_with_the_quota(stack: cdk.Stack) -> None:
    Registry(stack, "Registry").alarm_near_quota("Alarm", call=ApiCall.BATCH_GET_IMAGE, percent=90)
    template(stack).has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {
            "Threshold": 90,
            "Metrics": Match.array_with(
                [Match.object_like({"Expression": "batch_get_image/SERVICE_QUOTA(batch_get_image)*100"})]
            ),
        },
    )


def test_a_percentage_of_a_quota_is_above_0_and_at_most_100(stack: cdk.Stack) -> None:
    with pytest.raises(ValueError, match=r"Shop/Registry/Alarm: percent must be above 0 and at most 100 \(got 0\)"):
        Registry(stack, "Registry").alarm_near_quota("Alarm", call=ApiCall.PUT_IMAGE, percent=0)


def test_the_dashboard_shows_calls_quotas_and_pulls(stack: cdk.Stack) -> None:
    Registry(stack, "Registry").add_dashboard("Dashboard", repositories=[Repository(stack, "Web")])
    (dashboard,) = template(stack).find_resources("AWS::CloudWatch::Dashboard").values()
    said = json.dumps(dashboard)
    for shown in ("PutImage", "SERVICE_QUOTA(get_authorization_token)", "RepositoryPullCount"):
        assert shown in said


def test_an_alarm_allows_cloudwatch_to_publish_to_its_topic(stack: cdk.Stack) -> None:
    topic = sns.Topic(stack, "Topic", master_key=kms.Key(stack, "Key"), enforce_ssl=True)
    other = sns.Topic(stack, "Other")
    Registry(stack, "Registry").alarm_near_quota(
        "Alarm", call=ApiCall.PUT_IMAGE, topic=topic, actions=[actions.SnsAction(other)]
    )
    (alarm,) = template(stack).find_resources("AWS::CloudWatch::Alarm").values()
    assert len(alarm["Properties"]["AlarmActions"]) == 2
    documents = [
        found["Properties"][document]
        for kind, document in (("AWS::SNS::TopicPolicy", "PolicyDocument"), ("AWS::KMS::Key", "KeyPolicy"))
        for found in template(stack).find_resources(kind).values()
    ]
    assert len(documents) == 3
    for each in documents:
        assert {"Service": "cloudwatch.amazonaws.com"} in [statement["Principal"] for statement in each["Statement"]]


def test_a_topic_counts_as_one_of_the_five_actions(stack: cdk.Stack) -> None:
    registry = Registry(stack, "Registry")
    topics = [sns.Topic(stack, f"Topic{index}") for index in range(6)]
    five = [actions.SnsAction(each) for each in topics[1:]]
    with pytest.raises(ValueError, match=r"the number of actions and topic together must be at most 5 \(got 6\)"):
        registry.alarm_near_quota("Alarm", call=ApiCall.PUT_IMAGE, topic=topics[0], actions=five)
    registry.alarm_near_quota("Alarm", call=ApiCall.PUT_IMAGE, actions=five)


def test_unreachable_targets_are_refused(stack: cdk.Stack) -> None:
    registry = Registry(stack, "Registry")
    managed_sns = kms.Alias.from_alias_name(stack, "Sns", "alias/aws/sns")
    topic = sns.Topic(stack, "Topic", master_key=managed_sns)
    queue = sqs.Queue(stack, "Queue", encryption=sqs.QueueEncryption.KMS_MANAGED)
    with pytest.raises(
        ValueError, match="Shop/Registry/Rule: the topic of target must not be encrypted with alias/aws/"
    ):
        registry.on_push("Rule", target=targets.SnsTopic(topic))
    with pytest.raises(
        ValueError, match="Shop/Registry/Rule: the queue of target must not be encrypted with alias/aws/"
    ):
        registry.on_delete("Rule", target=targets.SqsQueue(queue))
    with pytest.raises(ValueError, match="Shop/Registry/Alarm: topic must not be encrypted with alias/aws/sns"):
        registry.alarm_near_quota("Alarm", call=ApiCall.PUT_IMAGE, topic=topic)
    managed_sqs = kms.Alias.from_alias_name(stack, "Sqs", "alias/aws/sqs")
    with pytest.raises(ValueError, match="event_key must not be alias/aws/sqs"):
        Registry(cdk.Stack(stack.node.root, "Other"), "Registry", event_key=managed_sqs)  # type: ignore[arg-type]  # an app


def test_targets_in_another_account_or_region_are_refused(app: cdk.App) -> None:
    here, there = (
        cdk.Stack(app, name, env=cdk.Environment(account="111111111111", region=region))
        for name, region in (("Here", "eu-west-1"), ("There", "us-east-1"))
    )
    registry = Registry(here, "Registry")
    topic = sns.Topic.from_topic_arn(here, "Topic", "arn:aws:sns:us-east-1:111111111111:operators")
    with pytest.raises(ValueError, match="Here/Registry/Rule: the topic of target must be in region eu-west-1"):
        registry.on_push("Rule", target=targets.SnsTopic(topic))
    with pytest.raises(ValueError, match="Here/Registry/Rule: the queue of target must be in region eu-west-1"):
        registry.on_push("Rule", target=targets.SqsQueue(sqs.Queue(there, "Queue")))
    with pytest.raises(ValueError, match="Here/Registry/Alarm: topic must be in region eu-west-1"):
        registry.alarm_near_quota("Alarm", call=ApiCall.PUT_IMAGE, topic=topic)
    with pytest.raises(ValueError, match="Here/Registry/Board: each item of repositories must be in region eu-west-1"):
        registry.add_dashboard("Board", repositories=[Repository(here, "Web"), Repository(there, "Web")])
    key = kms.Key.from_key_arn(here, "Key", "arn:aws:kms:eu-west-1:111111111111:key/1a2b")
    with pytest.raises(ValueError, match="There/Registry: event_key must be in region us-east-1"):
        Registry(there, "Registry", event_key=key)


def test_a_given_event_key_allows_eventbridge(stack: cdk.Stack) -> None:
    registry = Registry(stack, "Registry", event_key=kms.Key(stack, "Key"))
    registry.on_push("Rule", target=targets.SqsQueue(sqs.Queue(stack, "Target")))
    (key,) = template(stack).find_resources("AWS::KMS::Key").values()
    said = [each["Principal"] for each in key["Properties"]["KeyPolicy"]["Statement"]]
    assert {"Service": "events.amazonaws.com"} in said


def test_a_single_name_is_accepted_as_a_list(stack: cdk.Stack) -> None:
    registry = Registry(stack, "Registry")
    one: Any = "prod"
    registry.on_push("Rule", repositories=one, tags=one)
    assert told(stack)["EventPattern"] == registry_patterns.push_pattern(["prod"], ["prod"])


@pytest.mark.parametrize(
    "tell",
    [
        lambda registry: registry.on_push("Rule", repositories=[]),
        lambda registry: registry.on_push("Rule", tags=[]),
        lambda registry: registry.on_delete("Rule", repositories=[]),
        lambda registry: registry.on_archive("Rule", repositories=[]),
        lambda registry: registry.on_scan_completed("Rule", repositories=[]),
        lambda registry: registry.on_scan_finding("Rule", severity=Severity.HIGH, repositories=[]),
        lambda registry: registry.on_replicated("Rule", repositories=[]),
        lambda registry: registry.on_pull_through("Rule", repositories=[]),
    ],
)
def test_an_empty_list_of_repositories_is_refused(stack: cdk.Stack, tell: Any) -> None:
    registry = Registry(stack, "Registry")
    with pytest.raises(
        ValueError,
        match=r"Rule: (repositories|tags) must not be empty \(got \[\]\); leave (repositories|tags)= out for all",
    ):
        tell(registry)


def test_a_wrong_type_is_named(stack: cdk.Stack) -> None:
    registry = Registry(stack, "Registry")
    wrong: Any = 3
    with pytest.raises(
        TypeError, match=r"on_push: repositories must be of type Sequence\[str\] or None \(got 3 of type int\)"
    ):
        registry.on_push("Rule", repositories=wrong)
    with pytest.raises(TypeError, match="alarm_near_quota: topic must be of type sns.ITopic or None"):
        registry.alarm_near_quota("Alarm", call=ApiCall.PUT_IMAGE, topic=wrong)


def test_a_dashboard_without_repositories_shows_no_pulls(stack: cdk.Stack) -> None:
    Registry(stack, "Registry").add_dashboard("Dashboard")
    (dashboard,) = template(stack).find_resources("AWS::CloudWatch::Dashboard").values()
    said = json.dumps(dashboard)
    assert "Logins, pushes and pulls" in said
    assert "Pulls by repository" not in said
