"""ECS refuses invalid changes of a service, and accepts the corrected ones."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local.local_aws import NETWORK, Client, Deploy, attribute, fargate, ref, resource

NAMESPACE = {"Namespace": resource("AWS::ServiceDiscovery::HttpNamespace", Name="shop")}
OTHER = {"Elsewhere": resource("AWS::ServiceDiscovery::HttpNamespace", Name="elsewhere")}


def connection(*services: dict[str, Any], namespace: str = "Namespace") -> dict[str, Any]:
    return {"Enabled": True, "Namespace": attribute(namespace, "Arn"), "Services": list(services)}


def service(name: str, **properties: Any) -> dict[str, Any]:
    """Return a service with a named port."""
    return resource(
        "AWS::ECS::Service",
        **{
            "ServiceName": name,
            "Cluster": ref("Cluster"),
            "TaskDefinition": ref("Task"),
            "LaunchType": "FARGATE",
            "DesiredCount": 1,
            "NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": [ref("Subnet")]}},
            **properties,
        },
    )


def resources(**services: dict[str, Any]) -> dict[str, Any]:
    ports = [{"ContainerPort": 80, "Name": "web"}]
    task = fargate("web", PortMappings=ports)
    return {
        **NETWORK,
        **NAMESPACE,
        **OTHER,
        "Cluster": resource("AWS::ECS::Cluster"),
        "Task": {**task, "Properties": task["Properties"] | {"RequiresCompatibilities": ["EC2", "FARGATE"]}},
        "Newer": fargate("web", PortMappings=ports, Environment=[{"Name": "VERSION", "Value": "2"}]),
        **services,
    }


WEB = {"PortName": "web", "ClientAliases": [{"Port": 80}]}
API = {**WEB, "DiscoveryName": "api"}
TAKEN = "SC service is already used by arn:aws:servicediscovery:"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (service("old", ServiceConnectConfiguration=connection(WEB)),
         service("new", ServiceConnectConfiguration=connection(WEB)), TAKEN),
        (service("old", ServiceConnectConfiguration=connection(WEB)),
         service("new", ServiceConnectConfiguration=connection(API)), ""),
        (service("old", ServiceConnectConfiguration=connection(WEB)),
         service("new", ServiceConnectConfiguration=connection(WEB, namespace="Elsewhere")), ""),
        (service("old", ServiceConnectConfiguration=connection()),
         service("new", ServiceConnectConfiguration=connection()), ""),
        (service("old", ServiceConnectConfiguration=connection(WEB)),
         service("old", ServiceConnectConfiguration=connection(WEB), DesiredCount=2), ""),
        (service("old", ServiceConnectConfiguration=connection(WEB)),
         service("old", ServiceConnectConfiguration=connection(API)), ""),
        (service("old"), service("old", LaunchType="EC2"), "already exists"),
        (service("old"), service("new", LaunchType="EC2", DesiredCount=0), ""),
        (service("old"), service("old", SchedulingStrategy="DAEMON", LaunchType="EC2", DesiredCount=0), "already exi"),
    ],
    ids=[
        "renamed", "renamed with another name", "renamed in another namespace", "renamed client", "scaled",
        "another name", "launch type", "launch type and name", "scheduling strategy",
    ],
)  # fmt: skip
def test_a_replaced_service_cannot_keep_its_name(
    deploy: Deploy, before: dict[str, Any], after: dict[str, Any], said: str
) -> None:
    assert deploy(resources(Service=before))["StackStatus"] == "CREATE_COMPLETE"
    stack = deploy(resources(Service=after))
    assert said in stack["Reason"]
    assert stack["StackStatus"] == ("UPDATE_ROLLBACK_COMPLETE" if said else "UPDATE_COMPLETE"), stack["Reason"]


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (connection(WEB), TAKEN),
        (connection({**API, "DiscoveryName": "web"}), TAKEN),
        (connection(API), ""),
        (connection(WEB, namespace="Elsewhere"), ""),
        ({**connection(WEB), "Enabled": False}, ""),
    ],
    ids=["same port name", "same discovery name", "another name", "another namespace", "not enabled"],
)
def test_a_service_connect_name_belongs_to_one_service(deploy: Deploy, second: dict[str, Any], said: str) -> None:
    first = service("first", ServiceConnectConfiguration=connection(WEB))
    later = service("second", ServiceConnectConfiguration=second) | {"DependsOn": "First"}
    stack = deploy(resources(First=first, Second=later))
    assert said in stack["Reason"]
    assert stack["StackStatus"] == ("ROLLBACK_COMPLETE" if said else "CREATE_COMPLETE"), stack["Reason"]


def test_a_changed_launch_type_replaces_a_service_without_a_name(client: Client, deploy: Deploy) -> None:
    outputs = {"cluster": ref("Cluster"), "service": attribute("Service", "Name")}
    unnamed = {"ServiceName": {"Ref": "AWS::NoValue"}, "DesiredCount": 0}
    before = deploy(resources(Service=service("", **unnamed)), **outputs)["Values"]
    stack = deploy(resources(Service=service("", **unnamed, LaunchType="EC2")), **outputs)
    assert stack["StackStatus"] == "UPDATE_COMPLETE", stack["Reason"]
    after = stack["Values"]["service"]
    assert after.rsplit("-", maxsplit=1)[0] == before["service"].rsplit("-", maxsplit=1)[0]
    found = client("ecs").list_services(cluster=before["cluster"])["serviceArns"]
    assert [each.rsplit("/", maxsplit=1)[-1] for each in found] == [after]


def test_a_service_connect_name_is_free_after_its_service_is_deleted(deploy: Deploy) -> None:
    first = service("first", ServiceConnectConfiguration=connection(WEB))
    second = service("second", ServiceConnectConfiguration=connection(WEB))
    deploy(resources(First=first))
    deploy(resources())
    assert deploy(resources(Second=second))["StackStatus"] == "UPDATE_COMPLETE"


BY_CODE_DEPLOY = {"DeploymentController": {"Type": "CODE_DEPLOY"}}
NETWORKED = {"AwsvpcConfiguration": {"Subnets": [ref("OtherSubnet")]}}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"TaskDefinition": ref("Newer")}, "Unable to update task definition on services with a CODE_DEPLOY"),
        ({"NetworkConfiguration": NETWORKED}, "Unable to update network parameters on services with a CODE_DEPLOY"),
        ({"PlatformVersion": "1.4.0"}, "Unable to update network parameters on services with a CODE_DEPLOY"),
        ({"DesiredCount": 2}, ""),
        ({"HealthCheckGracePeriodSeconds": 30}, ""),
        ({"EnableECSManagedTags": True}, ""),
        ({"DeploymentConfiguration": {"MaximumPercent": 150}}, ""),
    ],
    ids=lambda each: next(iter(each)) if isinstance(each, dict) else "",
)
def test_only_codedeploy_changes_its_parameters(deploy: Deploy, change: dict[str, Any], said: str) -> None:
    before = deploy(resources(Service=service("shop", **BY_CODE_DEPLOY)))
    assert before["StackStatus"] == "CREATE_COMPLETE", before["Reason"]
    stack = deploy(resources(Service=service("shop", **BY_CODE_DEPLOY, **change)))
    assert said in stack["Reason"]
    assert stack["StackStatus"] == ("UPDATE_ROLLBACK_COMPLETE" if said else "UPDATE_COMPLETE"), stack["Reason"]


def test_the_api_refuses_with_the_same_message(client: Client, deploy: Deploy) -> None:
    made = resources(Service=service("shop", **BY_CODE_DEPLOY))
    values = deploy(made, cluster=ref("Cluster"), newer=ref("Newer"))["Values"]
    ecs, named = client("ecs"), {"cluster": values["cluster"], "service": "shop"}
    with pytest.raises(ecs.exceptions.InvalidParameterException, match="Unable to update task definition on services"):
        ecs.update_service(**named, taskDefinition=values["newer"])
    assert ecs.update_service(**named, desiredCount=2)["service"]["desiredCount"] == 2


@pytest.mark.parametrize(
    ("left_out", "said"),
    [
        ((), "TaskDefinition must be blank."),
        (("TaskDefinition",), "NetworkConfiguration must be null."),
    ],
    ids=["task definition", "network"],
)
def test_an_external_controller_forbids_the_parameters_of_task_sets(
    deploy: Deploy, left_out: tuple[str, ...], said: str
) -> None:
    external = service("shop", DeploymentController={"Type": "EXTERNAL"})
    for name in left_out:
        external["Properties"].pop(name)
    stack = deploy(resources(Service=external))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert said in stack["Reason"]
