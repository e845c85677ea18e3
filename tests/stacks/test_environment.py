"""The environments of this repository's app."""

from __future__ import annotations

import json
import math
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from moorage.testing import readable_template
from stacks.environment import define_environments
from stacks.settings import Description
from tests.conftest import template
from tests.test_examples import wrong_containers

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

ROOT = Path(__file__).resolve().parents[2]
STACKS = [
    ("Registry", "tooling"),
    *((each, "dev") for each in ("Platform", "Registry", "Services")),
    *((each, "staging") for each in ("Platform", "Registry", "Data", "Services", "Jobs")),
    *((each, "production") for each in ("Platform", "Registry", "Data", "Services", "Jobs")),
]


@pytest.fixture(scope="module")
def stages() -> dict[str, dict[str, Template]]:
    app = cdk.App(analytics_reporting=False)
    define_environments(app, Description.read(str(ROOT / "environments.toml")))
    return {
        stage.node.id: {stack.node.id: template(stack) for stack in stage.node.children if isinstance(stack, cdk.Stack)}
        for stage in app.node.children
        if isinstance(stage, cdk.Stage)
    }


def test_these_are_all_stacks(stages: dict[str, dict[str, Template]]) -> None:
    assert [(stack, stage) for stage, stacks in stages.items() for stack in stacks] == STACKS


@pytest.mark.parametrize(("stack", "stage"), STACKS)
def test_whole_template(
    stages: dict[str, dict[str, Template]], stage: str, stack: str, template_snapshot: SnapshotAssertion
) -> None:
    assert readable_template(stages[stage][stack]) == template_snapshot


def test_dev_can_be_destroyed_completely(stages: dict[str, dict[str, Template]]) -> None:
    for stack in stages["dev"].values():
        for name, resource in stack.to_json()["Resources"].items():
            assert resource.get("DeletionPolicy", "Delete") == "Delete", name
            assert resource["Type"] != "AWS::S3::Bucket", "access logs would keep it"
    (balancer,) = stages["dev"]["Platform"].find_resources("AWS::ElasticLoadBalancingV2::LoadBalancer").values()
    attributes = {each["Key"]: each["Value"] for each in balancer["Properties"]["LoadBalancerAttributes"]}
    assert attributes["deletion_protection.enabled"] == "false"


def test_every_container_runs_as_specified(stages: dict[str, dict[str, Template]]) -> None:
    for stacks in stages.values():
        assert [each for stack in stacks.values() for each in wrong_containers(stack.to_json())] == []


def test_production_is_in_three_zones(stages: dict[str, dict[str, Template]]) -> None:
    stages["production"]["Platform"].resource_count_is("AWS::EC2::NatGateway", 3)
    stages["production"]["Platform"].resource_count_is("AWS::EC2::Subnet", 6)


def test_the_cdk_cli_deploys_these_environments(stages: dict[str, dict[str, Template]], tmp_path: Path) -> None:
    """The command of cdk.json, run as the CLI runs it."""
    command = shlex.split(json.loads((ROOT / "cdk.json").read_text())["app"])
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(command, cwd=ROOT, env={**os.environ, "PATH": path, "CDK_OUTDIR": str(tmp_path)}, check=True)
    for stage, stacks in stages.items():
        written = readable_template(tmp_path / f"assembly-{stage}")
        assert written == {f"{stage}/{name}": readable_template(each) for name, each in stacks.items()}


SERVICES = ("Catalog", "Carts", "Orders", "Checkout", "Ui")
REASONS = {
    **{
        f"{direction} Ui to {service} on port 8080": "the web front end gets its data from the other services"
        for service in SERVICES[:-1]
        for direction in ("Egress", "Ingress")
    },
    "Egress Checkout to Orders on port 8080": "a checkout creates an order",
    "Ingress Checkout to Orders on port 8080": "a checkout creates an order",
    "Ingress Load balancer to target": "requests from the internet and health checks reach the web front end",
    "Egress Load balancer to target": "the same, on the side of the load balancer",
    **{f"Egress of {service}: Tasks to port 443": "images, logs and AWS APIs" for service in SERVICES},
    "Ingress of Entrance: Clients on port 80": "customers, who are redirected to HTTPS if there is a certificate",
    "Egress of Entrance: Disallow all traffic": "a rule for no traffic, since EC2 otherwise adds one for all traffic",
}
WITH_CERTIFICATE = {"Ingress of Entrance: Clients on port 443": "customers"}
WITH_INSTANCES = {"Egress of Cluster: Instances to port 443": "images, logs and AWS APIs"}
WITH_DATA = {
    f"{direction} {service} to its data on port {port}": "each service reaches only its own store"
    for service, port in (("Catalog", 3306), ("Orders", 5432), ("Checkout", 6379))
    for direction in ("Egress", "Ingress")
} | {
    f"Egress of {service}: Disallow all traffic": "a rule for no traffic, since EC2 otherwise adds one for all traffic"
    for service in ("Catalog", "Orders", "Checkout")
}
OF_ENVIRONMENTS = {
    "tooling": {},
    "dev": REASONS,
    "staging": REASONS | WITH_INSTANCES | WITH_DATA,
    "production": REASONS | WITH_CERTIFICATE | WITH_INSTANCES | WITH_DATA,
}


def test_every_open_path_has_its_reason(stages: dict[str, dict[str, Template]]) -> None:
    for name, stage in stages.items():
        found = []
        for resource in (each for stack in stage.values() for each in stack.to_json()["Resources"].values()):
            kind, properties = resource["Type"].removeprefix("AWS::EC2::SecurityGroup"), resource.get("Properties", {})
            if kind in {"Ingress", "Egress"}:
                found.append(f"{kind} {properties['Description']}")
            elif kind == "":
                of = properties["GroupDescription"].split("/")[2]
                for way in ("Ingress", "Egress"):
                    stated = properties.get(f"SecurityGroup{way}", ())
                    found += [f"{way} of {of}: {rule['Description']}" for rule in stated]
                    for rule in (each for each in stated if each["IpProtocol"] == "tcp"):
                        assert str(rule["FromPort"]) == str(rule["ToPort"]) == rule["Description"].split()[-1]
        assert set(found) == OF_ENVIRONMENTS[name].keys()


def replacement_seconds(
    resources: dict[str, Any], tasks: int, *, boot: int = 60, app_stop: int = 5
) -> tuple[int, float]:
    """Estimate the time in which ECS replaces `tasks` tasks, and the share of them that serves meanwhile.

    A rolling deployment is modeled as batches of the tasks that can start beside old tasks or in place of them. A new
    target waits for one health check, and an old one drains for the deregistration delay. The start of a task (`boot`)
    and the stop after SIGTERM are assumptions, since no template contains them.
    """
    (group,) = of_type(resources, "AWS::ElasticLoadBalancingV2::TargetGroup")
    (service,) = (each for each in of_type(resources, "AWS::ECS::Service") if each.get("LoadBalancers"))
    percents = service["DeploymentConfiguration"]
    least = math.ceil(tasks * percents["MinimumHealthyPercent"] / 100)
    most = math.floor(tasks * percents["MaximumPercent"] / 100)
    at_once = (most - tasks) + (tasks - least)
    assert at_once >= 1, "the deployment could never start"
    waves = math.ceil(tasks / at_once)
    delays = {each["Key"]: each["Value"] for each in group["TargetGroupAttributes"]}
    drain = int(delays["deregistration_delay.timeout_seconds"]) + app_stop
    up = waves * (boot + group["HealthCheckIntervalSeconds"]) + (waves - 1) * drain
    return up + drain, least / tasks


def of_type(resources: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [resource["Properties"] for resource in resources.values() if resource["Type"] == kind]


def test_six_tasks_are_replaced_in_105_seconds_without_losing_any(stages: dict[str, dict[str, Template]]) -> None:
    for stage in (each for each in stages.values() if "Services" in each):
        resources = stage["Services"].to_json()["Resources"]
        assert replacement_seconds(dict(resources), 6) == (105, 1.0)


def test_the_model_matches_the_known_values_of_aws_ecs_patterns() -> None:
    resources = {
        "Service": {
            "Type": "AWS::ECS::Service",
            "Properties": {
                "LoadBalancers": [{}],
                "DeploymentConfiguration": {"MinimumHealthyPercent": 50, "MaximumPercent": 200},
            },
        },
        "Group": {
            "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
            "Properties": {
                "HealthCheckIntervalSeconds": 30,
                "TargetGroupAttributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": "300"}],
            },
        },
    }
    assert replacement_seconds(resources, 6) == (395, 0.5)
