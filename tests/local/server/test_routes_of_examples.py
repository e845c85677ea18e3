"""The local AWS deploys the examples of ports, of conditions, of a gateway and of a daemon."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.conftest import synthesize
from tests.local.local_aws import Client, Deploy

EXAMPLES = Path(__file__).parents[3] / "examples"


def resources(example: str, folder: Path) -> dict[str, Any]:
    """Return the resources of an example, without assets, access logs and protection from deletion."""
    synthesize(EXAMPLES / f"{example}.py", folder)
    (path,) = folder.glob("*.template.json")
    found: dict[str, Any] = json.loads(path.read_text())["Resources"]
    for each in found.values():
        each.pop("DeletionPolicy", None)
        if each["Type"].endswith("::LoadBalancer"):
            del each["Properties"]["LoadBalancerAttributes"]
    return {name: each for name, each in found.items() if "RestrictDefaultS" not in f"{name} {each['Type']}"}


def target_groups(made: Any, client: Client) -> list[dict[str, Any]]:
    shown = client("cloudformation").list_stack_resources(StackName=made["StackId"])["StackResourceSummaries"]
    arns = [each["PhysicalResourceId"] for each in shown if each["ResourceType"].endswith("::TargetGroup")]
    found: list[dict[str, Any]] = client("elbv2").describe_target_groups(TargetGroupArns=arns)["TargetGroups"]
    return found


def test_ports(deploy: Deploy, client: Client, tmp_path: Path) -> None:
    made = deploy(resources("ports", tmp_path))
    assert made["StackStatus"] == "CREATE_COMPLETE", made["Reason"]
    groups = {group["Protocol"]: group for group in target_groups(made, client)}
    assert sorted(groups) == ["HTTP", "TCP"]
    (balancer,) = groups["HTTP"]["LoadBalancerArns"]
    listeners = client("elbv2").describe_listeners(LoadBalancerArn=balancer)["Listeners"]
    arns = {each["Port"]: each["ListenerArn"] for each in listeners}
    assert sorted(arns) == [80, 443, 8080, 15672]
    rules = client("elbv2").describe_rules(ListenerArn=arns[15672])["Rules"]
    assert sorted(each["Priority"] for each in rules) == ["50000", "default"]


def test_conditions(deploy: Deploy, client: Client, tmp_path: Path) -> None:
    made = deploy(resources("conditions", tmp_path))
    assert made["StackStatus"] == "CREATE_COMPLETE", made["Reason"]
    found = {
        (each["Protocol"], each["HealthCheckProtocol"], each["HealthCheckPort"]) for each in target_groups(made, client)
    }
    assert found == {("HTTPS", "HTTPS", "traffic-port"), ("HTTP", "HTTP", "8686")}


def test_a_gateway(deploy: Deploy, client: Client, tmp_path: Path) -> None:
    made = deploy(resources("gateway", tmp_path))
    assert made["StackStatus"] == "CREATE_COMPLETE", made["Reason"]
    shown = client("cloudformation").list_stack_resources(StackName=made["StackId"])["StackResourceSummaries"]
    kinds = [each["ResourceType"] for each in shown]
    assert kinds.count("AWS::ECS::Service") == 2
    assert {"AWS::ECS::Gateway", "AWS::ECS::GatewayClusterAssociations"} <= set(kinds)


def test_a_connector_without_a_gateway_is_refused(deploy: Deploy, tmp_path: Path) -> None:
    found = {
        name: each
        for name, each in resources("gateway", tmp_path).items()
        if each["Type"] != "AWS::ECS::GatewayClusterAssociations" and not name.startswith("Queues")
    }
    for each in found.values():
        waits = each.get("DependsOn", [])
        each["DependsOn"] = [other for other in ([waits] if isinstance(waits, str) else waits) if other in found]
    found = {name: each for name, each in found.items() if "Queues" not in json.dumps(each)}
    made = deploy(found)
    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "gatewayConnectors were specified but no gateways are associated with cluster" in made["Reason"]


def test_a_daemon(deploy: Deploy, client: Client, tmp_path: Path) -> None:
    made = deploy(resources("daemon", tmp_path))
    assert made["StackStatus"] == "CREATE_COMPLETE", made["Reason"]
    shown = client("cloudformation").list_stack_resources(StackName=made["StackId"])["StackResourceSummaries"]
    ids = {each["ResourceType"]: each["PhysicalResourceId"] for each in shown}
    assert ":daemon-task-definition/ShopAgentTaskDefinition" in ids["AWS::ECS::DaemonTaskDefinition"]
    assert ids["AWS::ECS::Daemon"].endswith("/Shop-Agent-798C7EA4")


def test_a_daemon_outside_of_managed_instances_is_refused(deploy: Deploy, tmp_path: Path) -> None:
    found = resources("daemon", tmp_path)
    found["Agent"]["Properties"]["CapacityProviderArns"] = ["FARGATE"]
    made = deploy(found)
    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "the capacity provider 'FARGATE' is not one of ECS Managed Instances" in made["Reason"]
