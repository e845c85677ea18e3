"""An environment in its recovery region, with the images that were promoted to it."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from stacks.environment import define_environments
from stacks.settings import Description, EnvironmentSettings, ToolingSettings
from stacks.settings.capacities import FargateSettings
from stacks.settings.environments import RegistrySettings
from stacks.settings.infrastructure import DataSettings, EntranceSettings, NetworkSettings
from stacks.settings.services import SERVICES, ImageSettings
from tests.conftest import template

TOOLING, PRODUCTION = "111111111111", "444444444444"
IRELAND, FRANKFURT = "eu-west-1", "eu-central-1"
ACL = "arn:aws:wafv2:{}:444444444444:regional/webacl/shop/1a2b"
ENTRANCE = EntranceSettings(
    domain="shop.example.com",
    hosted_zone="example.com",
    hosted_zone_id="Z1",
    web_acl=ACL.format(IRELAND),
    recovery_web_acl=ACL.format(FRANKFURT),
)


def described(**settings: Any) -> Description:
    """Return a description of production, with its company's registry."""
    place: dict[str, Any] = {"account": PRODUCTION, "region": IRELAND, "recovery_region": FRANKFURT}
    production = EnvironmentSettings(
        **place | settings,
        capacity={"fargate": FargateSettings(kind="fargate")},
        entrance=ENTRANCE,
        data=DataSettings(database_capacity=(0.5, 2)),
    )
    registry = RegistrySettings(replicates_to=("production",))
    return Description(
        environments={"production": production},
        tooling=ToolingSettings(account=TOOLING, region=IRELAND, registry=registry),
    )


def stages(description: Description) -> dict[str, dict[str, cdk.Stack]]:
    app = cdk.App(analytics_reporting=False)
    define_environments(app, description)
    return {
        stage.node.id: {stack.node.id: stack for stack in stage.node.children if isinstance(stack, cdk.Stack)}
        for stage in app.node.children
        if isinstance(stage, cdk.Stage)
    }


@pytest.fixture(scope="module")
def promoted() -> dict[str, dict[str, cdk.Stack]]:
    return stages(described(images=ImageSettings(refused_severity="high")))


@pytest.fixture(scope="module")
def services(promoted: dict[str, dict[str, cdk.Stack]]) -> Template:
    return template(promoted["production"]["Services"])


def test_the_recovery_region_has_the_stacks_of_the_environment(promoted: dict[str, dict[str, cdk.Stack]]) -> None:
    stacks = promoted["production-recovery"]
    assert set(stacks) == set(promoted["production"]) - {"Replica", "RecoveryReplica"}
    for name, stack in stacks.items():
        assert (stack.account, stack.region) == (PRODUCTION, FRANKFURT)
        assert stack.termination_protection
        there, here = (template(each).to_json()["Resources"] for each in (stack, promoted["production"][name]))
        # a domain has one record, which the environment in the lost region keeps
        kinds = Counter(each["Type"] for each in here.values() if each["Type"] != "AWS::Route53::RecordSet")
        assert Counter(each["Type"] for each in there.values()) == kinds
        assert IRELAND not in json.dumps(there)


def test_the_record_of_the_domain_stays_with_the_environment(promoted: dict[str, dict[str, cdk.Stack]]) -> None:
    for stage, count in (("production", 1), ("production-recovery", 0)):
        found = [
            each
            for stack in promoted[stage].values()
            for each in template(stack).find_resources("AWS::Route53::RecordSet")
        ]
        assert len(found) == count
        certificates = template(promoted[stage]["Platform"]).find_resources("AWS::CertificateManager::Certificate")
        assert len(certificates) == 1


def test_the_web_acl_is_that_of_the_region(promoted: dict[str, dict[str, cdk.Stack]]) -> None:
    for stage, region in (("production", IRELAND), ("production-recovery", FRANKFURT)):
        (association,) = template(promoted[stage]["Platform"]).find_resources("AWS::WAFv2::WebACLAssociation").values()
        assert association["Properties"]["WebACLArn"] == ACL.format(region)


@pytest.mark.parametrize("stage", ["production", "production-recovery"])
def test_each_service_runs_the_promoted_digest(promoted: dict[str, dict[str, cdk.Stack]], stage: str) -> None:
    found = template(promoted[stage]["Services"]).to_json()
    names = {each["Default"] for each in found["Parameters"].values() if each["Type"].startswith("AWS::SSM")}
    assert names >= {f"/retail/production/{service}/digest" for service in SERVICES}
    images = json.dumps(
        [
            container["Image"]
            for each in found["Resources"].values()
            if each["Type"] == "AWS::ECS::TaskDefinition"
            for container in each["Properties"]["ContainerDefinitions"]
        ]
    )
    region = IRELAND if stage == "production" else FRANKFURT
    assert images.count(f"{PRODUCTION}.dkr.ecr.{region}.") == len(SERVICES)
    assert f"/retail/{'cart'}@" in images


def test_a_gate_stops_each_rollout_of_a_promoted_image(services: Template) -> None:
    for service in services.find_resources("AWS::ECS::Service").values():
        (hook,) = service["Properties"]["DeploymentConfiguration"]["LifecycleHooks"]
        assert hook["LifecycleStages"] == ["PRE_SCALE_UP"]
    assert "HIGH" in json.dumps(services.find_resources("AWS::Lambda::Function"))


@pytest.mark.parametrize("missing", ["account", "region"])
def test_without_a_place_there_is_neither_recovery_nor_promotion(missing: str) -> None:
    found = stages(described(images=ImageSettings(), **{missing: None}))
    assert set(found) == {"tooling", "production"}
    rendered = template(found["production"]["Services"]).to_json()
    assert "public.ecr.aws/aws-containers" in json.dumps(rendered)
    assert "LifecycleHooks" not in json.dumps(rendered)
    (warning,) = [entry.data for entry in found["tooling"]["Registry"].node.metadata if entry.type == "aws:cdk:warning"]
    assert "are not set, so images are neither replicated nor promoted to it; set both" in warning or missing in warning


def test_an_existing_vpc_is_that_of_the_recovery_region() -> None:
    network = NetworkSettings(vpc_id="vpc-11111111", recovery_vpc_id="vpc-22222222")
    settings = described(network=network, images=ImageSettings()).environments["production"].in_recovery_region
    assert settings
    assert (settings.network.vpc_id, settings.network.recovery_vpc_id) == ("vpc-22222222", None)
