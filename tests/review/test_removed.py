"""The addresses of clients that an update removes."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.review.interrupted import interrupted
from moorage.review.removed import removed
from moorage.review.replacement.replacement import replaced
from tests.review.templates import compared

BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
RECORD = "AWS::Route53::RecordSet"
GATEWAY = "AWS::EC2::NatGateway"


def of(type_: str, **properties: Any) -> dict[str, Any]:
    return {"Type": type_, "Properties": properties}


def listener(port: Any, balancer: str = "Balancer") -> dict[str, Any]:
    return of(LISTENER, LoadBalancerArn={"Ref": balancer}, Port=port)


def record(name: Any) -> dict[str, Any]:
    return of(RECORD, HostedZoneId="Z", Name=name, Type="A")


def sentences(base: dict[str, Any], head: dict[str, Any]) -> list[str]:
    return [finding.sentence for finding in removed(replaced(compared({"Shop": base}, {"Shop": head})))]


@pytest.mark.parametrize(
    ("resource", "said"),
    [
        (of(BALANCER), "The load balancer Shop/Thing is removed: clients of its DNS name fail."),
        (of(GATEWAY), "The NAT gateway Shop/Thing is removed: connections through it are cut."),
        (listener(443), "The listener Shop/Thing is removed: clients of its port 443 fail."),
        (
            record("a.example.com."),
            "The Route53 record set Shop/Thing is removed: clients no longer find its name a.example.com.",
        ),
    ],
)
def test_a_removed_address_is_said(resource: dict[str, Any], said: str) -> None:
    assert sentences({"Thing": resource, "Topic": of("AWS::SNS::Topic")}, {"Topic": of("AWS::SNS::Topic")}) == [said]


def test_an_instance_of_a_database_cluster_goes_with_its_cluster_or_is_said() -> None:
    instance = of("AWS::RDS::DBInstance", DBClusterIdentifier={"Ref": "Cluster"})
    base = {"Cluster": of("AWS::RDS::DBCluster"), "One": instance}
    assert sentences(base, {"Cluster": base["Cluster"]}) == [
        "The RDS DB instance Shop/One is removed: connections to it are cut; its data is in the cluster."
    ]
    assert sentences(base, {"Topic": of("AWS::SNS::Topic")}) == []
    assert sentences({"One": of("AWS::RDS::DBInstance")}, {}) == []  # its data is lost


def rule(path: str, *, listener: str = "Https", group: str = "Group") -> dict[str, Any]:
    condition = {"Field": "path-pattern", "PathPatternConfig": {"Values": [path]}}
    actions = [{"Type": "forward", "TargetGroupArn": {"Ref": group}}]
    return of(f"{LISTENER}Rule", ListenerArn={"Ref": listener}, Priority=7, Conditions=[condition], Actions=actions)


def test_requests_of_a_removed_rule_go_elsewhere() -> None:
    base = {"Https": listener(443), "Rule": rule("/a/*"), "Group": of("AWS::ElasticLoadBalancingV2::TargetGroup")}
    head = {name: base[name] for name in ("Https", "Group")}
    assert sentences(base, head) == [
        "The listener rule Shop/Rule is removed: its requests reach another rule or the default action of the listener."
    ]
    assert sentences(base, {**head, "Other": rule("/a/*", group="New")}) == []
    assert len(sentences(base, {**head, "Other": rule("/b/*")})) == 1


def test_a_rule_goes_with_its_listener_or_its_service() -> None:
    service = of("AWS::ECS::Service", LoadBalancers=[{"TargetGroupArn": {"Ref": "Group"}}])
    base = {"Https": listener(443), "Rule": rule("/a/*"), "Web": service}
    assert sentences(base, {"Https": listener(443)}) == []
    assert sentences(base, {"Web": service}) == ["The listener Shop/Https is removed: clients of its port 443 fail."]


@pytest.mark.parametrize("policy", ["Retain", "RetainExceptOnCreate"])
def test_a_kept_resource_still_serves(policy: str) -> None:
    assert sentences({"Thing": {**of(BALANCER), "DeletionPolicy": policy}}, {}) == []


def test_a_listener_and_an_address_go_with_what_uses_them() -> None:
    base = {
        "Balancer": of(BALANCER),
        "Http": listener(80),
        "Gateway": of(GATEWAY, AllocationId={"Fn::GetAtt": ["Address", "AllocationId"]}),
        "Address": of("AWS::EC2::EIP"),
    }
    assert [sentence.split(" is ")[0] for sentence in sentences(base, {})] == [
        "The load balancer Shop/Balancer",
        "The NAT gateway Shop/Gateway",
    ]


def test_the_port_of_a_listener_changes() -> None:
    balancer = {"Balancer": of(BALANCER)}
    assert sentences({**balancer, "L": listener(80)}, {**balancer, "L": listener("8080")}) == [
        "The port of the listener Shop/L changes from 80 to 8080: clients of the old port 80 fail."
    ]


def test_the_name_of_a_record_changes() -> None:
    assert sentences({"R": record("a.example.com")}, {"R": record("b.example.com")}) == [
        "The name of the Route53 record set Shop/R changes from a.example.com to b.example.com: clients no longer find "
        "the old name a.example.com."
    ]


@pytest.mark.parametrize(
    ("before", "after"), [(80, "80"), (80, {"Ref": "Port"}), ({"Ref": "Port"}, 80), ({"Ref": "Port"}, {"Ref": "Other"})]
)
def test_a_port_that_is_equal_or_not_known_does_not_change(before: Any, after: Any) -> None:
    assert sentences({"L": listener(before)}, {"L": listener(after)}) == []


def test_a_port_that_another_listener_takes_still_answers() -> None:
    assert sentences({"L": listener(80)}, {"L": listener(8080), "Other": listener(80)}) == []


def test_an_address_that_the_template_computes_is_not_shown() -> None:
    (sentence,) = sentences({"R": record({"Fn::Sub": "${Zone}"})}, {})
    assert sentence.endswith("is removed: clients no longer find its name.")


def test_properties_that_a_macro_writes_are_not_read() -> None:
    types = (LISTENER, BALANCER, "AWS::EC2::Instance", "AWS::ECS::Service")
    base = {type_[-5:]: {"Type": type_, "Properties": {"Fn::Transform": {"Name": "A"}}} for type_ in types}
    head = {type_[-5:]: {"Type": type_, "Properties": {"Fn::Transform": {"Name": "B"}}} for type_ in types}
    comparison = replaced(compared({"Shop": base}, {"Shop": head}))
    assert list(removed(comparison)) == []
    assert all(finding.sentence for finding in interrupted(comparison))


DELIVERS = {
    "AWS::Events::Rule": (
        "Targets",
        [{"Id": "a", "Arn": {"Ref": "Topic"}, "RoleArn": {"Ref": "Role"}}],
        "its targets get no more events",
    ),
    "AWS::SNS::Subscription": ("Endpoint", {"Ref": "Topic"}, "its endpoint gets no more messages"),
    "AWS::Scheduler::Schedule": (
        "Target",
        {"Arn": {"Ref": "Topic"}, "RoleArn": {"Ref": "Role"}},
        "its target is no longer called",
    ),
    "AWS::Lambda::EventSourceMapping": ("FunctionName", {"Ref": "Topic"}, "its function gets no more events"),
}


@pytest.mark.parametrize("type_", sorted(DELIVERS))
def test_what_delivers_to_a_target_that_stays_is_said(type_: str) -> None:
    name, target, consequence = DELIVERS[type_]
    topic, role = {"Topic": of("AWS::SNS::Topic")}, {"Role": of("AWS::IAM::Role")}
    properties = {name: target}
    base = {**topic, **role, "Thing": of(type_, **properties)}
    (said,) = sentences(base, topic)
    assert said.endswith(f" Shop/Thing is removed: {consequence}.")
    assert sentences(base, {}) == [], "its target goes too"
    assert sentences(base, {**topic, "Other": of(type_, **properties, Name="other")}) == [], "another one replaces it"
    assert sentences({**base, "Thing": of(type_, **properties, State="DISABLED")}, topic) == []


@pytest.mark.parametrize("type_", ["AWS::ApiGateway::DomainName", "AWS::ApiGatewayV2::DomainName"])
def test_a_removed_domain_name_is_said(type_: str) -> None:
    said = "The API Gateway domain name Shop/Thing is removed: clients of its name fail."
    assert sentences({"Thing": of(type_), "Topic": of("AWS::SNS::Topic")}, {"Topic": of("AWS::SNS::Topic")}) == [said]


def forwarding(*hosts: str, listener: str = "Https", **conditions: str) -> dict[str, Any]:
    stated = [{"Field": "host-header", "HostHeaderConfig": {"Values": list(hosts)}}]
    stated += [{"Field": "path-pattern", "PathPatternConfig": {"Values": [path]}} for path in conditions.values()]
    return of(
        "AWS::ElasticLoadBalancingV2::ListenerRule",
        ListenerArn={"Ref": listener},
        Conditions=stated,
        Actions=[{"Type": "forward", "TargetGroupArn": {"Ref": "Targets"}}],
    )


@pytest.mark.parametrize(
    ("after", "is_said"),
    [
        ([forwarding("www.example.com", "example.com")], False),
        ([forwarding("*.example.com")], False),
        ([forwarding("WWW.example.com")], False),
        ([forwarding("example.com")], True),
        ([forwarding("www.example.com", path="/api")], True),
        ([forwarding("www.example.com", listener="Other")], True),
    ],
)
def test_a_rule_that_matches_all_its_requests_takes_over(after: list[dict[str, Any]], *, is_said: bool) -> None:
    head = {f"Rule{number}": each for number, each in enumerate(after)}
    assert bool(sentences({"Rule": forwarding("www.example.com")}, head)) is is_said


def test_several_rules_take_over_the_hosts_of_one() -> None:
    base = {"Rule": forwarding("a.example.com", "b.example.com")}
    one, other = forwarding("a.example.com"), forwarding("b.example.com")
    assert not sentences(base, {"One": one, "Other": other})
    assert sentences(base, {"One": one})


@pytest.mark.parametrize(
    ("before", "after", "is_said"),
    [
        ("HTTPS", "HTTP", True),
        ("HTTP", "HTTPS", True),
        ("TLS", "TCP", True),
        ("TCP", "UDP", False),
        ("HTTP", "HTTP", False),
    ],
)
def test_a_listener_that_expects_another_protocol_fails_its_clients(before: str, after: str, *, is_said: bool) -> None:
    base, head = (
        {"Listener": of(LISTENER, LoadBalancerArn={"Ref": "Balancer"}, Port=443, Protocol=each)}
        for each in (before, after)
    )
    said = f"The listener Shop/Listener expects {after} on port 443 (before: {before}): clients that use {before} fail."
    assert sentences(base, head) == ([said] if is_said else [])


def test_the_recipient_of_a_new_subscription_must_confirm_it() -> None:
    def mail(to: str, protocol: str = "email") -> dict[str, Any]:
        return of("AWS::SNS::Subscription", TopicArn={"Ref": "Topic"}, Protocol=protocol, Endpoint=to)

    def details(head: dict[str, Any]) -> list[tuple[str, ...]]:
        comparison = replaced(compared({"Shop": {"Old": mail("old@example.com")}}, {"Shop": head}))
        return [finding.details for finding in removed(comparison)]

    line = "The new SNS subscription Shop/New gets messages only after its recipient confirms it."
    assert details({"New": mail("new@example.com")}) == [(line,)]
    assert details({"New": mail("arn", "sqs")}) == [()]
    assert details({}) == [()]
