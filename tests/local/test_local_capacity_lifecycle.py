"""Services on EC2 instances are deployed to the local AWS, changed in every way that rolls, protected and destroyed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from moorage.local.account import Account
from tests.local.test_local_lifecycle import Project

ROOT = Path(__file__).resolve().parents[2]
DAEMON = """
from moorage import NetworkMode, Placement

agent = Container("public.ecr.aws/docker/library/busybox:1.36", name="agent")
Service(
    stack,
    "Agent",
    cluster=cluster,
    task=Task(agent, cpu=None, memory_mib=64, architecture=Architecture.ARM64, network_mode=NetworkMode.HOST),
    capacity=general,
    placement=Placement.on_each_instance(),
    removal_policy=GONE,
)
"""
APP = (ROOT / "examples" / "ec2_removable.py").read_text().replace("\napp.synth()", f"{DAEMON}app.synth()")
AMI = "/aws/service/ecs/optimized-ami/amazon-linux-2023/arm64/recommended/image_id"


class Shown:
    """The deployed resources, as each service's API shows them."""

    def __init__(self, of: Project) -> None:
        self.account = Account(of.server.access, None, None)
        ecs = self.account.client("ecs")
        (cluster,) = ecs.describe_clusters(clusters=ecs.list_clusters()["clusterArns"])["clusters"]
        self.associated: list[str] = cluster["capacityProviders"]
        found = ecs.describe_capacity_providers(capacityProviders=self.associated)["capacityProviders"]
        self.providers = {_capacity(each["name"]): each for each in found}
        groups = self.account.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
        self.groups = {_capacity(each["AutoScalingGroupName"]): each for each in groups}
        arns = ecs.list_services(cluster=cluster["clusterArn"])["serviceArns"]
        described = ecs.describe_services(cluster=cluster["clusterArn"], services=arns)["services"]
        self.daemon, self.service = sorted(described, key=lambda each: str(each["schedulingStrategy"]))
        of_daemon = ecs.describe_task_definition(taskDefinition=self.daemon["taskDefinition"])["taskDefinition"]
        self.agent = str(of_daemon["containerDefinitions"][0]["image"]).partition("library/")[2]

    def instances(self, capacity: str) -> list[dict[str, Any]]:
        ids = [each["InstanceId"] for each in self.groups[capacity]["Instances"]]
        found = self.account.client("ec2").describe_instances(InstanceIds=ids)["Reservations"] if ids else []
        return [each for reservation in found for each in reservation["Instances"]]

    @property
    def weights(self) -> dict[str, int]:
        return {
            _capacity(each["capacityProvider"]): each["weight"] for each in self.service["capacityProviderStrategy"]
        }


def _capacity(name: str) -> str:
    return next(word for word in ("general", "spot", "batch") if word in name)


def deploy(project: Project, *changes: tuple[str, str]) -> Shown:
    source = APP
    for old, new in changes:
        assert old in source
        source = source.replace(old, new)
    (project.folder / "app.py").write_text(source)
    done = project.up()
    assert done.returncode == 0, done.stdout + done.stderr
    return Shown(project)


@pytest.mark.oracle
@pytest.mark.slow
def test_instances_are_deployed_changed_and_destroyed(project: Project) -> None:
    shown = deploy(project)
    assert shown.groups.keys() == shown.providers.keys() == {"general", "spot"}
    assert len(shown.associated) == 2
    assert shown.weights == {"general": 1, "spot": 1}
    assert shown.service["runningCount"] == 2
    first = shown.instances("general")
    assert {each["InstanceType"] for each in first} == {"m7g.large"}
    assert shown.daemon["schedulingStrategy"] == "DAEMON"
    assert (shown.agent, shown.daemon["runningCount"]) == ("busybox:1.36", len(first))

    bigger = ('"general", instance_types=["m7g.large", "m6g.large"]', '"general", instance_types=["m7g.xlarge"]')
    shown = deploy(project, bigger, ("busybox:1.36", "busybox:1.37"))
    second = shown.instances("general")
    assert {each["InstanceType"] for each in second} == {"m7g.xlarge"}
    assert not {each["InstanceId"] for each in first} & {each["InstanceId"] for each in second}

    assert (shown.agent, shown.daemon["runningCount"]) == ("busybox:1.37", len(second))

    shown.account.client("ssm").put_parameter(Name=AMI, Value="ami-0123456789abcdef0", Type="String", Overwrite=True)
    shown = deploy(project, bigger, ("spot: 1", "spot: 3"))
    assert {each["ImageId"] for each in shown.instances("general")} == {"ami-0123456789abcdef0"}
    assert shown.weights == {"general": 1, "spot": 3}

    batch = ("cluster =", 'batch = Capacity.ec2("batch", instance_types=["m7g.large"], max_instances=2)\ncluster =')
    shown = deploy(project, bigger, batch, ("capacity=[general, spot]", "capacity=[general, spot, batch]"))
    assert shown.groups.keys() == shown.providers.keys() == {"general", "spot", "batch"}

    off_spot = ("capacity={general: 1, spot: 1},", "")
    assert deploy(project, off_spot).weights == {"general": 1}
    shown = deploy(project, off_spot, ("capacity=[general, spot]", "capacity=[general]"))
    assert shown.groups.keys() == shown.providers.keys() == {"general"}
    assert shown.weights == {"general": 1}
    assert shown.service["runningCount"] == 2

    down = project.run("down")
    assert down.stdout.endswith("All stacks are deleted; the local AWS is stopped.\n"), down.stdout + down.stderr


@pytest.mark.oracle
@pytest.mark.slow
def test_a_protected_group_is_deleted_only_by_the_two_steps_of_its_output(project: Project) -> None:
    protected = ("max_instances=4)\nspot", "max_instances=4, termination_protection=True)\nspot")
    shown = deploy(project, protected)
    outputs = (shown.account.stack("Trial") or {})["Outputs"]
    assert any("set-instance-protection --no-protected-from-scale-in" in each["OutputValue"] for each in outputs)
    shown = deploy(project)
    cloudformation = shown.account.client("cloudformation")
    cloudformation.delete_stack(StackName="Trial")
    refused = shown.account.stack("Trial") or {}
    assert refused["StackStatus"] == "DELETE_FAILED"
    events = cloudformation.describe_stack_events(StackName="Trial")["StackEvents"]
    assert any("instances are protected from scale-in" in each.get("ResourceStatusReason", "") for each in events)

    group = shown.groups["general"]
    shown.account.client("autoscaling").set_instance_protection(
        AutoScalingGroupName=group["AutoScalingGroupName"],
        InstanceIds=[each["InstanceId"] for each in group["Instances"]],
        ProtectedFromScaleIn=False,
    )
    cloudformation.delete_stack(StackName="Trial")
    assert shown.account.stack("Trial") is None
    down = project.run("down")
    assert down.stdout.endswith("All stacks are deleted; the local AWS is stopped.\n"), down.stdout + down.stderr
