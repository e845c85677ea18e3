"""The preview of a pull request: beside an environment, under its own name, with one copy on Spot, until its time."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import TYPE_CHECKING, Any

import attrs
import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from moorage.testing import readable_template
from stacks.environment import define_environments
from stacks.previews import PreviewError
from stacks.settings import DataSettings, Description, EnvironmentSettings
from stacks.settings.capacities import CapacitySettings, FargateSettings, InstanceSettings
from stacks.settings.environments import RegistrySettings, ToolingSettings
from stacks.settings.infrastructure import EntranceSettings, NetworkSettings
from stacks.settings.previews import PreviewSettings
from stacks.settings.services import AllServiceSettings, ServiceOverrides
from tests.conftest import template

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

FARGATE, SPOT = FargateSettings(kind="fargate"), FargateSettings(kind="fargate-spot")
HOST = EnvironmentSettings(
    removable=True,
    capacity={"fargate": FARGATE, "spot": SPOT},
    services=AllServiceSettings(cpu=512, memory_mib=1024),
    previews=PreviewSettings(domain="preview.example.com"),
)
ZONE = EntranceSettings(domain="dev.example.com", hosted_zone="example.com", hosted_zone_id="Z0123456789ABCDEFGHIJ")
NOW = dt.datetime.now(dt.UTC)
UNTIL = f"{NOW + dt.timedelta(hours=10):%Y-%m-%dT%H:%M:%S}"
SERVICES = {"ui", "catalog", "carts", "orders", "checkout"}


def stages(settings: EnvironmentSettings | None = HOST, **context: Any) -> dict[str, dict[str, cdk.Stack]]:
    app = cdk.App(analytics_reporting=False, context={name.replace("_", "-"): each for name, each in context.items()})
    environments = {"dev": settings} if settings else {}
    define_environments(app, Description(environments=environments | {"test": attrs.evolve(HOST, previews=None)}))
    return {
        stage.node.id: {stack.node.id: stack for stack in stage.node.children if isinstance(stack, cdk.Stack)}
        for stage in app.node.children
        if isinstance(stage, cdk.Stage)
    }


def preview(settings: EnvironmentSettings = HOST, number: int = 123, until: str | None = UNTIL) -> Template:
    found = stages(settings, preview=number, **({"preview_until": until} if until else {}))
    return template(found[f"preview-{number}"]["Services"])


def of_type(found: Template, kind: str) -> list[dict[str, Any]]:
    return [each["Properties"] for each in found.find_resources(f"AWS::{kind}").values()]


@pytest.fixture(scope="module")
def made() -> Template:
    return preview()


def test_whole_template(template_snapshot: SnapshotAssertion) -> None:
    (found,) = [readable_template(preview())]
    text = json.dumps(found).replace(UNTIL, "2026-12-03T10:00:00")
    assert json.loads(text) == template_snapshot


def test_without_a_number_nothing_changes_but_the_exports_of_the_host() -> None:
    hosting, plain = stages(), stages(attrs.evolve(HOST, previews=None))
    assert hosting.keys() == {"dev", "test"}
    shared: dict[tuple[str, str, str], Any] = {}
    for stage, stacks in plain.items():
        for name, stack in stacks.items():
            found, expected = (template(each).to_json() for each in (hosting[stage][name], stack))
            outputs = found.get("Outputs", {}).keys() - expected.get("Outputs", {}).keys()
            shared |= {(stage, name, output): found["Outputs"].pop(output) for output in outputs}
            assert found == expected
    names = {"SharedCluster", "SharedListener", "SharedSecurityGroup", "SharedSubnets", "SharedVpc"}
    assert shared.keys() == {("dev", "Platform", name) for name in names}


def test_a_preview_changes_no_template_of_the_environments() -> None:
    found, expected = stages(preview="7"), stages()
    assert found.keys() - expected.keys() == {"preview-7"}
    assert found["preview-7"].keys() == {"Services"}
    for stage, stacks in expected.items():
        for name, stack in stacks.items():
            assert template(found[stage][name]).to_json() == template(stack).to_json()


def test_it_imports_exactly_what_its_host_exports(made: Template) -> None:
    outputs = template(stages()["dev"]["Platform"]).to_json()["Outputs"].values()
    exported = {each["Export"]["Name"] for each in outputs if "Export" in each}
    imported = set(re.findall(r'"Fn::ImportValue": "([^"]+)"', json.dumps(made.to_json())))
    assert imported == {each for each in exported if each.startswith("retail-dev:")}
    subnets = made.to_json()["Resources"]
    (ui,) = (each for name, each in subnets.items() if name.startswith("UiService"))
    assert len(ui["Properties"]["NetworkConfiguration"]["AwsvpcConfiguration"]["Subnets"]) == 2


def test_each_service_has_one_copy_on_fargate_spot() -> None:
    instances = InstanceSettings(kind="ec2", instance_types=("m7i.large",), max_instances=4)
    services = AllServiceSettings(
        cpu=512,
        memory_mib=1024,
        min_tasks=3,
        capacity={"pool": 1},
        ui=ServiceOverrides(cpu=1024, memory_mib=2048, min_tasks=4, max_tasks=8, capacity={"fargate": 1}),
    )
    capacity: dict[str, CapacitySettings] = {"fargate": FARGATE, "pool": instances, "spot": SPOT}
    data = DataSettings(database_capacity=(0, 2))
    found = preview(attrs.evolve(HOST, capacity=capacity, services=services, data=data, exec_sessions=True))
    shown = of_type(found, "ECS::Service")
    assert len(shown) == 5
    for each in shown:
        assert each["DesiredCount"] == 1
        assert each["CapacityProviderStrategy"] == [{"CapacityProvider": "FARGATE_SPOT", "Weight": 1}]
        assert "EnableExecuteCommand" not in each
    tasks = {each["ContainerDefinitions"][0]["Name"]: each for each in of_type(found, "ECS::TaskDefinition")}
    assert tasks.keys() == SERVICES
    assert (tasks["ui"]["Cpu"], tasks["carts"]["Cpu"]) == ("1024", "512")
    providers = {
        each["Value"]
        for task in tasks.values()
        for each in task["ContainerDefinitions"][0].get("Environment", ())
        if each["Name"].endswith("PROVIDER")
    }
    assert providers == {"in-memory"}
    for kind in ("ApplicationAutoScaling::ScalableTarget", "CloudWatch::Alarm", "CloudWatch::Dashboard"):
        assert of_type(found, kind) == []


def test_names_of_services_are_only_those_of_the_preview(made: Template) -> None:
    ((identifier, namespace),) = made.find_resources("AWS::ServiceDiscovery::HttpNamespace").items()
    assert namespace["Properties"]["Name"] == "retail-preview-123"
    for each in of_type(made, "ECS::Service"):
        assert each["ServiceConnectConfiguration"]["Namespace"] == {"Fn::GetAtt": [identifier, "Arn"]}


@pytest.mark.parametrize(("number", "priority"), [(1, 1), (123, 123), (20_000, 20_000), (20_001, 1), (999_999, 19_999)])
def test_its_host_name_and_the_priority_of_its_rule_follow_from_its_number(number: int, priority: int) -> None:
    found = preview(number=number)
    (rule,) = of_type(found, "ElasticLoadBalancingV2::ListenerRule")
    (condition,) = rule["Conditions"]
    assert condition["HostHeaderConfig"] == {"Values": [f"pr-{number}.preview.example.com"]}
    assert rule["Priority"] == priority
    assert found.to_json()["Outputs"]["Address"]["Value"] == f"http://pr-{number}.preview.example.com"


@pytest.mark.parametrize("entrance", [EntranceSettings(), EntranceSettings(domain="dev.example.com")])
def test_no_preview_has_the_priority_of_its_host(entrance: EntranceSettings) -> None:
    services = template(stages(attrs.evolve(HOST, entrance=entrance))["dev"]["Services"])
    (rule,) = of_type(services, "ElasticLoadBalancingV2::ListenerRule")
    assert rule["Priority"] > 20_000


def test_a_schedule_deletes_only_this_stack_at_the_given_time(made: Template) -> None:
    (schedule,) = of_type(made, "Scheduler::Schedule")
    assert schedule["ScheduleExpression"] == f"at({UNTIL})"
    assert schedule["ScheduleExpressionTimezone"] == "Etc/UTC"
    target = schedule["Target"]
    assert target["Arn"]["Fn::Join"][1][-1] == ":scheduler:::aws-sdk:cloudformation:deleteStack"
    assert target["Input"] == {"Fn::Join": ["", ['{"StackName":"', {"Ref": "AWS::StackId"}, '"}']]}
    (policy,) = of_type(made, "IAM::ManagedPolicy")
    assert policy["PolicyDocument"]["Statement"] == [
        {"Action": "cloudformation:DeleteStack", "Effect": "Allow", "Resource": {"Ref": "AWS::StackId"}}
    ]
    assert {"Ref": target["RoleArn"]["Fn::GetAtt"][0]} in policy["Roles"]


@pytest.mark.parametrize("hours", [1, 72])
def test_by_default_it_lives_as_long_as_the_settings_say(hours: int) -> None:
    settings = attrs.evolve(HOST, previews=PreviewSettings(domain="preview.example.com", hours=hours))
    (schedule,) = of_type(preview(settings, until=None), "Scheduler::Schedule")
    end = dt.datetime.fromisoformat(schedule["ScheduleExpression"][3:-1]).replace(tzinfo=dt.UTC)
    assert dt.timedelta(0) <= end - NOW - dt.timedelta(hours=hours) < dt.timedelta(minutes=10)


def test_a_time_in_another_zone_is_converted_to_utc() -> None:
    zone = dt.timezone(dt.timedelta(hours=2))
    until = (NOW + dt.timedelta(hours=5)).astimezone(zone).isoformat(timespec="seconds")
    (schedule,) = of_type(preview(until=until), "Scheduler::Schedule")
    assert schedule["ScheduleExpression"] == f"at({NOW + dt.timedelta(hours=5):%Y-%m-%dT%H:%M:%S})"


def test_nothing_of_it_is_retained_or_protected(made: Template) -> None:
    stack = stages(preview=123)["preview-123"]["Services"]
    assert not stack.termination_protection
    for name, resource in made.to_json()["Resources"].items():
        assert resource.get("DeletionPolicy", "Delete") == "Delete", name
    assert len(of_type(made, "Logs::LogGroup")) == 5


def test_its_resources_have_the_tags_of_the_host_and_its_number() -> None:
    found = preview(attrs.evolve(HOST, tags={"team": "shop"}, permissions_boundary="limits"))
    for each in of_type(found, "ECS::Service"):
        assert each["Tags"] == [{"Key": "preview", "Value": "123"}, {"Key": "team", "Value": "shop"}]
    assert all("policy/limits" in json.dumps(each["PermissionsBoundary"]) for each in of_type(found, "IAM::Role"))


def test_a_hosted_zone_gets_a_wildcard_record_and_the_certificate_the_name() -> None:
    settings = attrs.evolve(HOST, entrance=ZONE)
    platform = template(stages(settings)["dev"]["Platform"])
    (certificate,) = of_type(platform, "CertificateManager::Certificate")
    assert certificate["SubjectAlternativeNames"] == ["*.preview.example.com"]
    assert {each["Name"] for each in of_type(platform, "Route53::RecordSet")} == {
        "*.preview.example.com.",
        "dev.example.com.",
    }
    found = preview(settings)
    assert of_type(found, "Route53::RecordSet") == []
    assert found.to_json()["Outputs"]["Address"]["Value"] == "https://pr-123.preview.example.com"
    (certificate,) = of_type(
        template(stages(attrs.evolve(settings, previews=None))["dev"]["Platform"]), "CertificateManager::Certificate"
    )
    assert "SubjectAlternativeNames" not in certificate


def test_an_existing_vpc_is_looked_up_and_not_exported() -> None:
    settings = attrs.evolve(
        HOST, account="111111111111", region="eu-west-1", network=NetworkSettings(vpc_id="vpc-0a1b2c3d")
    )
    outputs = template(stages(settings)["dev"]["Platform"]).to_json()["Outputs"]
    assert {each for each in outputs if each.startswith("Shared")} == {
        "SharedCluster",
        "SharedListener",
        "SharedSecurityGroup",
    }
    (ui,) = (each for each in of_type(preview(settings), "ECS::Service") if each.get("LoadBalancers"))
    subnets = ui["NetworkConfiguration"]["AwsvpcConfiguration"]["Subnets"]
    assert all(each.startswith("p-") for each in subnets)  # CDK's placeholders until the lookup


def test_subnets_without_a_nat_gateway_are_shared_too() -> None:
    place: dict[str, Any] = {"account": "111111111111", "region": "eu-west-1"}
    settings = attrs.evolve(HOST, **place, network=NetworkSettings(zones=3, egress="endpoints"))
    tooling = ToolingSettings(**place, registry=RegistrySettings(caches=("ecr-public",)))
    app = cdk.App(analytics_reporting=False, context={"preview": 5})
    define_environments(app, Description(environments={"dev": settings}, tooling=tooling))
    stack: Any = app.node.find_child("preview-5").node.find_child("Services")
    for each in of_type(template(stack), "ECS::Service"):
        subnets = each["NetworkConfiguration"]["AwsvpcConfiguration"]["Subnets"]
        assert [subnet["Fn::Select"][0] for subnet in subnets] == [0, 1, 2]
    platform: Any = app.node.find_child("dev").node.find_child("Platform")
    exported = template(platform).to_json()["Outputs"]["SharedSubnets"]["Value"]["Fn::Join"][1]
    assert ["Private" in each["Ref"] for each in exported] == [True, True, True]


@pytest.mark.parametrize("number", ["0", "-1", "01", "1000000", "1.5", "pr-1", "", "True", "1\n", "\u0661"])
def test_a_wrong_number_is_one_sentence(number: str) -> None:
    with pytest.raises(PreviewError) as raised:
        stages(preview=number)
    assert str(raised.value) == (
        f"preview must be the number of a pull request, 1 to 999999 (got {number!r}); use -c preview=123"
    )


def test_without_a_host_a_preview_is_refused() -> None:
    with pytest.raises(PreviewError) as raised:
        stages(None, preview=1)
    assert str(raised.value) == (
        "preview is 1, but no environment hosts previews; add a table such as [dev.previews] to environments.toml"
    )


@pytest.mark.parametrize(
    ("until", "said"),
    [
        ("tomorrow", "must be a time in UTC (got 'tomorrow'); use -c preview-until=20"),
        ("", "must be a time in UTC (got ''); use -c preview-until=20"),
        ("9999-12-31T23:59:59-05:00", "must be a time in UTC (got '9999-12-31T23:59:59-05:00'); use -c preview-unti"),
        ("2026-01-01T10:00:00", "must be a time in the future, at most 720 hours from now (got '2026-01-01T10:00:00')"),
        ("2126-01-01T10:00:00", "must be a time in the future, at most 720 hours from now (got '2126-01-01T10:00:00')"),
    ],
)
def test_a_wrong_time_is_one_sentence(until: str, said: str) -> None:
    with pytest.raises(PreviewError) as raised:
        stages(preview=1, preview_until=until)
    message = str(raised.value)
    assert message.startswith(f"preview-until {said}")
    example = message.rpartition("=")[2]
    assert "Services" in stages(preview=1, preview_until=example)["preview-1"]
