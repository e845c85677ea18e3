"""The consequences for clients and data of a construct that gets another path."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.review.finding import Finding
from moorage.review.interrupted import interrupted
from moorage.review.lost import lost
from moorage.review.renamed import renamed
from moorage.review.replacement.replacement import replaced
from tests.review.templates import compared


def of(type_: str, path: str, policy: str | None = None, **properties: Any) -> dict[str, Any]:
    stated = {"Type": type_, "Properties": {"One": 1, "Two": 2, "Three": 3, **properties}}
    return stated | {"Metadata": {"aws:cdk:path": path}} | ({"DeletionPolicy": policy} if policy else {})


def moved(type_: str, policy: str | None = None, **properties: Any) -> list[Finding]:
    """Return the findings about a resource that moves from Shop/Thing to Shop/New/Thing."""
    base = {"A": of(type_, "Shop/Thing/Resource", policy, **properties)}
    head = {"B": of(type_, "Shop/New/Thing/Resource", policy, **properties)}
    comparison = replaced(compared({"Shop": base}, {"Shop": head}))
    return [*lost(comparison), *interrupted(comparison), *renamed(comparison)]


@pytest.mark.parametrize(
    ("type_", "consequence"),
    [
        ("AWS::ElasticLoadBalancingV2::LoadBalancer", "its DNS name changes, and clients of the old name fail"),
        ("AWS::EC2::Instance", "the old instance is terminated, by default with its root volume"),
        ("AWS::ApiGateway::RestApi", "its URL changes, and clients of the old URL fail"),
        (
            "AWS::SNS::Topic",
            "its ARN changes, and publishers and subscribers outside of the app have to use the new one",
        ),
        ("AWS::Route53::HostedZone", "its name servers change, and the names in the old one are no longer found"),
        ("AWS::ECS::Service", "a second service starts, and the old one stops with its tasks"),
        ("AWS::AutoScaling::AutoScalingGroup", "the instances of the old one are terminated with the tasks on them"),
    ],
)
def test_clients_lose_a_moved_resource(type_: str, consequence: str) -> None:
    said, rename = moved(type_)
    assert said.rule == "interrupted/moved"
    assert said.sentence.endswith(f" Shop/Thing is replaced because it gets another logical ID: {consequence}.")
    assert rename.sentence.startswith("Shop/Thing is now Shop/New/Thing: its resource gets another logical ID")


@pytest.mark.parametrize("type_", ["AWS::EC2::SecurityGroup", "AWS::IAM::Role"])
def test_clients_do_not_see_every_moved_resource(type_: str) -> None:
    assert [finding.rule for finding in moved(type_)] == ["renamed/id"]


def test_clients_keep_a_moved_resource_that_is_kept() -> None:
    balancer = "AWS::ElasticLoadBalancingV2::LoadBalancer"
    assert [finding.rule for finding in moved(balancer, "Retain")] == ["renamed/id"]


@pytest.mark.parametrize(
    ("policy", "rule", "end"),
    [
        ("Retain", "lost/kept", "the new one is empty; the old one is kept with its items, billed, and in no stack."),
        (None, "lost/replaced", "the new one is empty, and the old one is deleted with its items."),
    ],
)
def test_a_moved_table_is_a_new_and_empty_one(policy: str | None, rule: str, end: str) -> None:
    said, _ = moved("AWS::DynamoDB::Table", policy)
    assert said.rule == rule
    assert said.sentence == (f"The DynamoDB table Shop/Thing is replaced because it gets another logical ID: {end}")


def test_a_person_must_confirm_a_moved_subscription() -> None:
    said, _ = moved("AWS::SNS::Subscription", Protocol="email")
    assert "gets no more messages until the new subscription is confirmed" in said.sentence
    assert [finding.rule for finding in moved("AWS::SNS::Subscription", Protocol="sqs")] == ["renamed/id"]


def test_a_renamed_topic_loses_its_subscribers_outside() -> None:
    def shop(name: str) -> dict[str, Any]:
        topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}}
        mail = {"TopicArn": {"Ref": "Topic"}, "Protocol": "email", "Endpoint": "ops@example.com"}
        return {"Topic": topic, "Mail": {"Type": "AWS::SNS::Subscription", "Properties": mail}}

    said = [finding.sentence for finding in interrupted(replaced(compared({"Shop": shop("a")}, {"Shop": shop("b")})))]
    assert len(said) == 2
    assert said[0].startswith("The SNS topic Shop/Topic is replaced because its TopicName changes: its ARN changes")


def test_several_moved_constructs_are_named() -> None:
    def shop(parent: str, start: str) -> dict[str, Any]:
        return {
            f"{start}Api": of("AWS::IAM::Role", f"{parent}/Api/Resource"),
            f"{start}Web": of("AWS::IAM::User", f"{parent}/Web/Resource"),
        }

    base, head = shop("Shop", ""), shop("Shop/New", "New")
    (there,), (back,) = (
        renamed(compared({"Shop": one}, {"Shop": other})) for one, other in ((base, head), (head, base))
    )
    assert there.sentence.startswith(
        "Shop/Api and Shop/Web are now under Shop/New: their 2 resources get other logical IDs"
    )
    assert back.sentence.startswith("Shop/New/Api and Shop/New/Web are now under Shop: ")


def test_a_construct_leaves_a_parent_that_stays() -> None:
    base = {
        "A": of("AWS::IAM::Role", "Shop/One/Role/Resource"),
        "B": of("AWS::IAM::User", "Shop/One/User/Resource"),
    }
    head = {
        "C": of("AWS::IAM::Role", "Shop/Two/Role/Resource"),
        "B": of("AWS::IAM::User", "Shop/One/User/Resource"),
    }
    (finding,) = renamed(compared({"Shop": base}, {"Shop": head}))
    assert finding.sentence.startswith("Shop/One/Role is now Shop/Two/Role: ")


def test_a_lesser_loss_is_behind_a_database() -> None:
    def removed(*types: str) -> list[str]:
        base = {str(number): of(type_, f"Shop/{number}/Resource") for number, type_ in enumerate(types)}
        found = lost(replaced(compared({"Shop": base}, {"Shop": {}})))
        return [finding.resource.type for finding in found if finding.resource]

    secret, database, table = "AWS::SecretsManager::Secret", "AWS::RDS::DBInstance", "AWS::DynamoDB::Table"
    assert removed(secret, database) == [database, secret]  # the database leaves a snapshot
    assert removed(secret, table) == [table, secret]


def test_a_queue_is_before_its_dead_letters() -> None:
    queue = "AWS::SQS::Queue"
    target = {"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}, "maxReceiveCount": 3}
    base = {"Dead": of(queue, "Shop/Dead/Resource"), "Queue": of(queue, "Shop/Queue/Resource", RedrivePolicy=target)}
    found = lost(replaced(compared({"Shop": base}, {"Shop": {}})))
    assert [finding.path for finding in found] == ["Shop/Queue/Resource", "Shop/Dead/Resource"]
