"""The interruptions that a client sees."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import botocore
import pytest

from moorage.assembly.cloud_assembly import Stack
from moorage.local.server.core import schema
from moorage.review.comparison import Comparison, Replacement
from moorage.review.ecs_services import STARTS_DEPLOYMENT, Service
from moorage.review.finding import Finding, Kind
from moorage.review.interrupted import _RESTARTS, _SEEN, interrupted
from moorage.review.template.side import Side
from tests.review.templates import compared

SUBNETS = [{"Ref": "One"}, {"Ref": "Two"}]
ZONES = {
    name: {"Type": "AWS::EC2::Subnet", "Properties": {"AvailabilityZone": {"Fn::Select": [index, {"Fn::GetAZs": ""}]}}}
    for index, name in enumerate(["One", "Two", "Three"])
}


def service(**properties: Any) -> dict[str, Any]:
    network = {"AwsvpcConfiguration": {"Subnets": properties.pop("subnets", SUBNETS)}}
    return {
        "Type": "AWS::ECS::Service",
        "Properties": {"NetworkConfiguration": network, "DesiredCount": 2, **properties},
    }


def task(image: str) -> dict[str, Any]:
    return {"Type": "AWS::ECS::TaskDefinition", "Properties": {"ContainerDefinitions": [{"Image": image}]}}


def app(web: Mapping[str, Any], **resources: Any) -> dict[str, dict[str, Any]]:
    return {"Shop": {**ZONES, "Web": dict(web), **resources}}


def found(
    base: dict[str, Any], head: dict[str, Any], replacements: Mapping[str, Replacement] | None = None
) -> list[Finding]:
    return list(interrupted(with_replacements(compared(base, head), replacements or {})))


def with_replacements(comparison: Comparison, replacements: Mapping[str, Replacement]) -> Comparison:
    for stack in comparison.stacks:
        stack.changes = tuple(
            attrs.evolve(change, replacement=replacements[change.logical_id], reasons=("its Name is create-only",))
            if change.logical_id in replacements
            else change
            for change in stack.changes
        )
    return comparison


def of(web: dict[str, Any], **resources: Any) -> Service:
    (stack,) = [Stack(name, name, None, None, {"Resources": each}, ()) for name, each in app(web, **resources).items()]
    (resource,) = [each for each in stack.resources if each.logical_id == "Web"]
    return Service(Side.of_stacks((stack,)), stack, resource)


def test_a_removed_service_answers_no_more() -> None:
    (finding,) = found(app(service(LoadBalancers=[{}])), {"Shop": ZONES})
    assert (finding.kind, finding.rule) == (Kind.INTERRUPTED, "interrupted/service-removed")
    assert (
        finding.sentence == "The ECS service Shop/Web is removed with its 2 copies: its clients get no more responses."
    )


def test_a_removed_service_without_clients_does_its_work_no_more() -> None:
    worker = service(ServiceConnectConfiguration={"Enabled": True})
    scaling = target(0)
    scaling["Properties"]["MaxCapacity"] = 10
    (finding,) = [each for each in found(app(worker, Target=scaling), {"Shop": ZONES}) if "removed" in each.rule]
    assert finding.sentence == (
        "The ECS service Shop/Web is removed with its 0 to 10 copies: nothing does its work any more."
    )
    named = service(ServiceConnectConfiguration={"Enabled": True, "Services": [{"PortName": "web"}]})
    assert "clients" in found(app(named), {"Shop": ZONES})[0].sentence


def test_a_replaced_service_is_said_with_its_reason() -> None:
    findings = found(app(service()), app(service(LaunchType="EC2")), {"Web": Replacement.YES})
    assert findings[0].sentence.startswith("The ECS service Shop/Web is replaced because its Name is create-only: ")
    (possible,) = found(app(service()), app(service(LaunchType="EC2")), {"Web": Replacement.MAY})
    assert "may be replaced" in possible.sentence


def test_a_service_with_fewer_copies_says_what_a_lost_zone_leaves() -> None:
    (finding,) = found(app(service()), app(service(DesiredCount=1)))
    assert finding.rule == "interrupted/fewer-copies"
    assert finding.sentence == (
        "The ECS service Shop/Web keeps at least 1 copy (before: 2); if one of 2 zones is lost, 0 remain (before: 1)."
    )
    assert found(app(service()), app(service(DesiredCount=3))) == []
    assert found(app(service()), app(service(DesiredCount={"Ref": "Count"}))) == []


def test_a_service_without_copies_stops() -> None:
    (finding,) = found(app(service()), app(service(DesiredCount=0)))
    assert finding.rule == "interrupted/no-copies"


def target(least: Any) -> dict[str, Any]:
    resource = {"Fn::Join": ["", ["service/c/", {"Fn::GetAtt": ["Web", "Name"]}]]}
    return {
        "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
        "Properties": {"ResourceId": resource, "MinCapacity": least},
    }


def test_the_minimum_of_the_scaling_counts() -> None:
    (finding,) = found(app(service(), Target=target(4)), app(service(), Target=target(3)))
    assert "keeps at least 3 copies (before: 4)" in finding.sentence
    assert of(service(), Target=target("4")).copies == 4
    assert of(service(), Target=target({"Ref": "Least"})).copies is None


def test_a_new_task_definition_starts_a_deployment() -> None:
    web = service(TaskDefinition={"Ref": "Task"})
    base, head = app(web, Task=task("web:1")), app(web, Task=task("web:2"))
    (finding,) = found(base, head, {"Task": Replacement.YES})
    assert finding.sentence == (
        "The ECS service Shop/Web replaces its tasks in a rolling deployment: 2 copies in an estimated 105 s, with at "
        "least 2 healthy."
    )
    assert (finding.kind, finding.rule) == (Kind.DEPLOYED, "deployed/service")
    assert finding.details[0] == "Its task definition changes: ContainerDefinitions.Image."


def test_added_zones_start_a_deployment() -> None:
    more = [*SUBNETS, {"Ref": "Three"}]
    (finding,) = found(app(service(DesiredCount=3)), app(service(DesiredCount=3, subnets=more)))
    assert finding.rule == "deployed/service"
    assert "if one of 3 zones is lost, 2 remain (before: 1 with 2 zones)" in finding.sentence


def test_a_deployment_that_keeps_fewer_copies_interrupts() -> None:
    def web(least: int, version: str = "1.3.0") -> dict[str, Any]:
        room = {"MinimumHealthyPercent": least, "MaximumPercent": 200}
        return app(service(DeploymentConfiguration=room, PlatformVersion=version))

    (finding,) = found(web(50), web(50, "1.4.0"))
    assert (finding.kind, finding.rule) == (Kind.INTERRUPTED, "interrupted/deployment")
    (finding,) = found(web(100), web(100, "1.4.0"))
    assert finding.kind is Kind.DEPLOYED


def test_a_lower_minimum_counts_at_the_next_deployment() -> None:
    def web(least: int, copies: int = 1) -> dict[str, Any]:
        room = {"MinimumHealthyPercent": least, "MaximumPercent": 200}
        return app(service(DesiredCount=copies, DeploymentConfiguration=room))

    (finding,) = found(web(100), web(0))
    assert finding.sentence == (
        "The next deployment of the ECS service Shop/Web keeps at least 0 of 1 copy healthy (before: 1)."
    )
    assert found(web(0), web(100)) == []
    assert found(web(100), web(51)) == []


@pytest.mark.parametrize(
    ("properties", "keeps"),
    [
        ({}, True),
        ({"DeploymentConfiguration": {"MinimumHealthyPercent": 99}}, False),
        ({"SchedulingStrategy": "DAEMON"}, False),
        ({"SchedulingStrategy": "DAEMON", "DeploymentConfiguration": {"MinimumHealthyPercent": 100}}, True),
    ],
)
def test_a_service_without_a_known_number_of_copies_may_keep_all(properties: dict[str, Any], *, keeps: bool) -> None:
    def web(version: str) -> dict[str, Any]:
        return app(service(DesiredCount={"Ref": "Count"}, PlatformVersion=version, **properties))

    (finding,) = found(web("1.3.0"), web("1.4.0"))
    assert finding.kind is (Kind.DEPLOYED if keeps else Kind.INTERRUPTED)


def test_a_deployment_without_room_is_stuck() -> None:
    percents = {"MinimumHealthyPercent": 100, "MaximumPercent": 100}
    base = app(service())
    (finding,) = found(base, app(service(DeploymentConfiguration=percents, PlatformVersion="1.4.0")))
    assert finding.rule == "interrupted/stuck"
    (later,) = found(base, app(service(DeploymentConfiguration=percents)))
    assert later.sentence.startswith("The next deployment of the ECS service Shop/Web cannot make progress: ")
    assert found(app(service(DeploymentConfiguration=percents)), app(service(DeploymentConfiguration=percents))) == []
    room = {"MinimumHealthyPercent": 50, "MaximumPercent": 100}
    (finding,) = found(base, app(service(DeploymentConfiguration=room, PlatformVersion="1.4.0")))
    assert "with at least 1 healthy" in finding.sentence


@pytest.mark.parametrize(
    ("configuration", "kind", "seconds"),
    [
        ({}, "rolling", 45 + 60),
        ({"BakeTimeInMinutes": 5}, "rolling", 45 + 60 + 300),
        ({"Strategy": "BLUE_GREEN", "BakeTimeInMinutes": 5}, "blue/green", 45 + 60 + 300),
        ({"Strategy": "CANARY", "CanaryConfiguration": {"CanaryBakeTimeInMinutes": 10}}, "canary", 45 + 60 + 600),
        (
            {"Strategy": "LINEAR", "LinearConfiguration": {"StepPercent": 30, "StepBakeTimeInMinutes": 2}},
            "linear",
            45 + 60 + 3 * 120,
        ),
        ({"Fn::If": ["A", {}, {}]}, "rolling", 45 + 60),
    ],
)
def test_each_kind_of_deployment_has_an_estimate(configuration: dict[str, Any], kind: str, seconds: int) -> None:
    web = of(service(DeploymentConfiguration=configuration))
    estimate = web.estimate()
    assert estimate is not None
    assert (web.kind, estimate.seconds) == (kind, seconds)


def test_the_target_group_sets_the_pace() -> None:
    group = {
        "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
        "Properties": {
            "HealthCheckIntervalSeconds": 10,
            "TargetGroupAttributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": "30"}],
        },
    }
    web = service(LoadBalancers=[{"TargetGroupArn": {"Ref": "Group"}}])
    estimates = [of(web, Group=each).estimate() for each in (group, {**group, "Properties": {}})]
    assert [estimate.seconds for estimate in estimates if estimate] == [60 + 10 + 30 + 5, 60 + 30 + 300 + 5]


def test_subnets_in_one_zone_are_one_zone() -> None:
    assert of(service(subnets=[{"Ref": "One"}, {"Ref": "One"}])).zones == 1
    assert of(service(subnets=["subnet-1", "subnet-2"])).zones == 2
    assert of(service(subnets={"Fn::Split": [",", "a,b"]})).zones is None


def test_zones_are_found_through_exports() -> None:
    network = {"Resources": ZONES, "Outputs": {"S": {"Value": {"Ref": "One"}, "Export": {"Name": "N:One"}}}}
    imported = {"Fn::ImportValue": "N:One"}
    stacks = [
        Stack("N", "N", None, None, network, ()),
        Stack("S", "S", None, None, {"Resources": {"Web": service(subnets=[imported, imported])}}, ()),
    ]
    web = Service(Side.of_stacks(stacks), stacks[1], stacks[1].resources[0])
    assert web.zones == 1


def test_clients_of_a_replaced_load_balancer_lose_its_name() -> None:
    balancer = "AWS::ElasticLoadBalancingV2::LoadBalancer"
    base, head = ({"Shop": {"Edge": {"Type": balancer, "Properties": {"Scheme": each}}}} for each in ("a", "b"))
    (finding,) = found(base, head, {"Edge": Replacement.YES})
    assert finding.sentence == (
        "The load balancer Shop/Edge is replaced because its Name is create-only: its DNS name changes, and clients of "
        "the old name fail."
    )
    assert found(base, head) == []


def test_a_replaced_instance_of_a_database_cluster_is_said() -> None:
    def app(identifier: str, **properties: Any) -> dict[str, Any]:
        own = {"DBInstanceIdentifier": identifier, **properties}
        return {"Shop": {"D": {"Type": "AWS::RDS::DBInstance", "Properties": own}}}

    (finding,) = found(app("a", DBClusterIdentifier="c"), app("b", DBClusterIdentifier="c"), {"D": Replacement.YES})
    assert finding.rule == "interrupted/replaced"
    assert finding.sentence.endswith(": connections to the old one are cut; its data is in the cluster.")
    assert found(app("a"), app("b"), {"D": Replacement.YES}) == []


def test_an_update_with_some_interruptions_restarts() -> None:
    database = "AWS::RDS::DBInstance"
    base, head = ({"Shop": {"D": {"Type": database, "Properties": {"DBInstanceClass": each}}}} for each in "ab")
    (finding,) = found(base, head)
    assert finding.rule == "interrupted/restarted"


def test_the_verb_agrees_with_the_number_of_changed_properties() -> None:
    database = "AWS::RDS::DBInstance"
    base, head = (
        {"Shop": {"D": {"Type": database, "Properties": {"DBInstanceClass": each, "EngineVersion": each}}}}
        for each in "ab"
    )
    (finding,) = found(base, head)
    assert finding.sentence.endswith(" is restarted, since DBInstanceClass and EngineVersion change.")


@pytest.mark.parametrize("value", [None, [], "x", 1, {"Fn::If": ["A", {}, {}]}])
@pytest.mark.parametrize("name", ["NetworkConfiguration", "DeploymentConfiguration", "LoadBalancers", "DesiredCount"])
def test_strange_services_are_read(name: str, value: Any) -> None:
    found(app(service()), app({"Type": "AWS::ECS::Service", "Properties": {name: value, "PlatformVersion": "1"}}))


def test_the_properties_that_start_a_deployment_are_those_of_the_ecs_model() -> None:
    """Botocore documents for each parameter of UpdateService whether it triggers a new deployment."""
    folder = Path(botocore.__file__).parent / "data" / "ecs"
    (file,) = folder.glob("*/service-2.json.gz")
    members = json.loads(gzip.decompress(file.read_bytes()))["shapes"]["UpdateServiceRequest"]["members"]
    triggers = {
        name
        for name, member in members.items()
        if re.search(r"triggers a new service deployment", member.get("documentation", ""))
    }
    ours = {name[0].lower() + name[1:] for name in STARTS_DEPLOYMENT}
    assert ours - {"forceNewDeployment"} == triggers
    assert not ours - set(members)


def test_the_types_and_properties_exist() -> None:
    for type_ in (*_SEEN, *_RESTARTS):
        assert schema.of(type_, "us-east-1"), type_
    for type_, names in _RESTARTS.items():
        assert names <= set((schema.of(type_, "us-east-1") or {})["properties"])


def test_another_generated_value_of_a_secret_is_reported() -> None:
    def secret(**properties: Any) -> dict[str, Any]:
        return {"Shop": {"Secret": {"Type": "AWS::SecretsManager::Secret", "Properties": properties}}}

    base, head = (secret(GenerateSecretString={"PasswordLength": length}) for length in (30, 32))
    (finding,) = found(base, head)
    assert (finding.rule, finding.sentence) == (
        "interrupted/secret",
        "The Secrets Manager secret Shop/Secret gets another generated value, since GenerateSecretString changes: "
        "programs and databases that have the old one may refuse it.",
    )
    assert found(base, secret(GenerateSecretString={"PasswordLength": 30}, Description="a")) == []
    assert found(secret(), head) == []
