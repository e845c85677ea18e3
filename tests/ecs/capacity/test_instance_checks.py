"""Tasks that their instances do not support are refused before anything is defined."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_efs as efs

from moorage import (
    Ami,
    Capacity,
    Cluster,
    Container,
    ContainerInstance,
    InstanceRequirements,
    LinuxParameters,
    OperatingSystemFamily,
    Placement,
    Service,
    ServiceConnect,
    Task,
    Volume,
)
from tests.ecs.task.test_task_definition import containers_of

BOTTLEROCKET = ContainerInstance(ami=Ami.bottlerocket())
WINDOWS = ContainerInstance(ami=Ami.windows())
CORE = OperatingSystemFamily.WINDOWS_SERVER_2022_CORE
DISK = Task(Container("redis:8", port=6379, mounts={"/data": "data"}), volumes=Volume.ebs("data", 10))


def capacity(**arguments: Any) -> Capacity:
    return Capacity.ec2("general", **{"instance_types": ["m7i.large"], "max_instances": 10, **arguments})


def cluster_of(stack: cdk.Stack, vpc: ec2.IVpc, **arguments: Any) -> Cluster:
    return Cluster(stack, "Cluster", vpc=vpc, capacity=[capacity(**arguments), Capacity.fargate()], namespace="shop")


def refusal(cluster: Cluster, task: Task, **arguments: Any) -> str:
    with pytest.raises(ValueError, match="Shop/Web: ") as raised:
        Service(cluster.stack, "Web", cluster=cluster, task=task, **arguments)
    return str(raised.value)


def test_bottlerocket_does_not_support_efs_or_ebs_volumes(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cluster = cluster_of(stack, vpc, instance=BOTTLEROCKET)
    files = efs.FileSystem(stack, "Files", vpc=vpc)
    mounted = Task(Container("redis:8", mounts={"/data": "data"}), volumes=Volume.efs("data", files))
    reason = "volume 'data' must not be used on capacity 'general', since Bottlerocket's ECS agent does not support"
    assert reason in refusal(cluster, mounted)
    assert reason in refusal(cluster, DISK)
    Service(stack, "Web", cluster=cluster, task=mounted, capacity=cluster.capacities[1])


def test_bottlerocket_does_not_support_service_connect(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cluster = cluster_of(stack, vpc, instance=BOTTLEROCKET)
    task = Task(Container("redis:8", port=6379))
    assert "connect=ServiceConnect(...) must not be used on capacity 'general'" in refusal(
        cluster, task, connect=ServiceConnect()
    )
    Service(stack, "Web", cluster=cluster, task=task)


def test_an_ebs_volume_needs_nitro_instances(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cluster = cluster_of(stack, vpc, instance_types=["m7i.large", "m4.large"])
    assert "but capacity 'general' launches m4.large; use Nitro-based instance types" in refusal(cluster, DISK)
    Service(stack, "Web", cluster=cluster, task=Task(Container("redis:8")))


@pytest.mark.parametrize(
    "types",
    [
        {"instance_types": ["m5.large"]},
        {"instance_types": None, "requirements": InstanceRequirements(vcpus=(2, 4), memory_mib=(4096, None))},
    ],
)
def test_an_ebs_volume_is_accepted_on_nitro_instances(stack: cdk.Stack, vpc: ec2.IVpc, types: dict[str, Any]) -> None:
    Service(stack, "Web", cluster=cluster_of(stack, vpc, **types), task=DISK)


def test_amazon_linux_2023_does_not_support_swappiness(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    task = Task(Container("redis:8", linux_parameters=LinuxParameters(max_swap_mib=64, swappiness=10)))
    assert "swappiness of container 'app' is not supported by Amazon Linux 2023" in refusal(
        cluster_of(stack, vpc), task
    )


def test_a_daemon_cannot_have_an_ebs_volume(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cluster = cluster_of(stack, vpc)
    refused = refusal(cluster, DISK, placement=Placement.on_each_instance())
    assert "volume 'data' is an EBS volume, which ECS does not support for a daemon" in refused


def test_windows_containers_share_the_size_of_their_task(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cluster = cluster_of(stack, vpc, instance=WINDOWS)
    said = Container("iis:1", name="said", cpu=512, memory_mib=1024)
    rest = [Container("iis:1", name=name) for name in ("one", "other")]
    task = Task(said, *rest, cpu=1024, memory_mib=4096, operating_system_family=CORE)
    Service(stack, "Web", cluster=cluster, task=task)
    sizes = {name: (each["Cpu"], each["Memory"]) for name, each in containers_of(stack).items()}
    assert sizes == {"said": (512, 1024), "one": (256, 1536), "other": (256, 1536)}


def test_an_ebs_volume_on_windows_uses_ntfs(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    container = Container("iis:1", mounts={"/data": "data"})
    volume = Volume.ebs("data", 10, file_system_type="ntfs")
    task = Task(container, cpu=1024, memory_mib=2048, operating_system_family=CORE, volumes=volume)
    Service(stack, "Web", cluster=cluster_of(stack, vpc, instance=WINDOWS), task=task)


@pytest.mark.parametrize(
    ("cpu", "of_containers", "without"),
    [(None, [None], "app0"), (None, [256, None], "app1"), (256, [256, None], "app1"), (256, [0], "app0")],
)
def test_a_windows_container_without_cpu_is_refused(
    stack: cdk.Stack, vpc: ec2.IVpc, cpu: int | None, of_containers: list[int | None], without: str
) -> None:
    containers = [Container("iis:1", name=f"app{index}", cpu=each) for index, each in enumerate(of_containers)]
    task = Task(*containers, cpu=cpu, memory_mib=2048, operating_system_family=CORE)
    assert f"cpu of container '{without}' must be given on Windows instances" in refusal(
        cluster_of(stack, vpc, instance=WINDOWS), task
    )


@pytest.mark.parametrize(
    ("cpu", "of_containers", "system", "copies"),
    [
        (None, [512, 512], CORE, 2),
        (None, [512, 512], OperatingSystemFamily.LINUX, 2),
        (1024, [None, None], CORE, 2),
        (None, [None], OperatingSystemFamily.LINUX, 7),
    ],
)
def test_the_copies_that_fit_agree_with_the_reservations_that_ecs_counts(
    cpu: int | None, of_containers: list[int | None], system: OperatingSystemFamily, copies: int
) -> None:
    containers = [Container("iis:1", name=f"app{index}", cpu=each) for index, each in enumerate(of_containers)]
    task = Task(*containers, cpu=cpu, memory_mib=1024, operating_system_family=system)
    (fit,) = capacity(instance_types=["m7i.4xlarge"] if copies == 7 else ["m7i.large"]).fit(task)
    assert fit.copies == copies
