"""The metrics of Container Insights, which AWS bills one by one.

The numbers follow from the lists of metrics with their sets of dimensions in the Amazon CloudWatch User Guide, "Amazon
ECS Container Insights metrics" and "Amazon ECS Container Insights with enhanced observability metrics": each set of
dimensions is a metric of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import attrs

from moorage.assembly.values import Value
from moorage.cost.amounts import NOTHING, Range
from moorage.cost.parts import Part, monthly
from moorage.cost.resources import Item, tables, text_of

_ENHANCED = "enhanced"
_ITEMS = {
    _ENHANCED: ("Container Insights (enhanced)", "cloudwatch.enhanced_metric_month"),
    "enabled": ("Container Insights", "cloudwatch.metric_month"),
}
_TASK = ("CpuUtilized", "CpuReserved", "MemoryUtilized", "MemoryReserved", "StorageReadBytes", "StorageWriteBytes")
"""The metrics of a cluster, of a service and of a task definition family; with enhanced observability, also of each
task, by its service and by its family."""
_TASK_NETWORK = ("NetworkRxBytes", "NetworkTxBytes")
"""Such metrics of tasks in the network modes `awsvpc` and `bridge`."""
_TASK_FARGATE = ("EphemeralStorageReserved", "EphemeralStorageUtilized")
"""Such metrics of tasks on Fargate with Linux."""
_MORE_TASK = ("ContainerCpuUtilization", "TaskCpuUtilization", "TaskMemoryUtilization")
_MORE_NETWORK = ("ContainerNetworkRxBytes", "ContainerNetworkTxBytes")
_MORE_FARGATE = ("TaskEphemeralStorageUtilization",)
"""The metrics that enhanced observability adds to each of the three."""
_CONTAINER = (
    "ContainerCpuUtilized",
    "ContainerCpuReserved",
    "ContainerMemoryUtilized",
    "ContainerMemoryReserved",
    "ContainerMemoryUtilization",
    "ContainerStorageReadBytes",
    "ContainerStorageWriteBytes",
)
"""The metrics that enhanced observability has of a cluster, and of each container of a service, of a family and of a
task, the last by its service and by its family. A container with a health check has one more."""
_SERVICE = ("DeploymentCount", "DesiredTaskCount", "PendingTaskCount", "RunningTaskCount", "TaskSetCount")
_CLUSTER = ("ServiceCount", "TaskCount")
_VOLUMES = 2
"""`EBSFilesystemSize` and `EBSFilesystemUtilized`: of a service, of a family, and of each volume of a family."""
_BOTH = 2
"""A service and a family; the metrics of a task exist by its service and by its family."""


@attrs.frozen
class _Counts:
    """The number of metrics by what they are of.

    Args:
        cluster: The metrics of the cluster.
        service: The metrics of the service and of its family.
        copy: The metrics of each copy.
    """

    cluster: int
    service: int
    copy: int


def level_of(cluster: Item | None) -> str | None:
    """Return `enhanced`, `enabled`, or None for a cluster without Container Insights.

    Args:
        cluster: The cluster; None if it is not in the app.

    Raises:
        NotInTemplateError: The level is known only at deployment.
    """
    settings = tables(cluster.list("ClusterSettings")) if cluster else ()
    value = next((each.get("Value") for each in settings if each.get("Name") == "containerInsights"), None)
    found = text_of(value, "containerInsights of the cluster", "disabled")
    return found if found in _ITEMS else None


def service_metrics(
    service: Item, definition: Item, cluster: Item | None, copies: Range, *, fargate: bool
) -> Iterator[Part]:
    """Yield the metrics of a service, of its task definition family and of its copies.

    Args:
        service: The service.
        definition: Its task definition.
        cluster: Its cluster; None if it is not in the app.
        copies: The number of copies.
        fargate: True if Fargate runs the copies.
    """
    level = level_of(cluster)
    if level is None:
        return
    counts = _counts(service, definition, level, fargate=fargate)
    component, item = _ITEMS[level]
    quantity = Range(*(counts.service + counts.copy * each if each else NOTHING for each in attrs.astuple(copies)))
    said = "the metrics in AWS's list, without those of containers that ECS adds, as for Service Connect"
    yield monthly(component, item, quantity, said)


def cluster_metrics(cluster: Item, services: Sequence[tuple[Item, Item, bool]]) -> Iterator[Part]:
    """Yield the metrics of a cluster that runs services.

    Args:
        cluster: The cluster.
        services: Its services, each with its task definition, and True if Fargate runs it.
    """
    level = level_of(cluster)
    if level is None or not services:
        return
    counts = [_counts(one, definition, level, fargate=fargate).cluster for one, definition, fargate in services]
    is_on_instances = not all(fargate for *_, fargate in services)
    quantity = max(counts) + len(_CLUSTER) + (1 if is_on_instances else 0)  # ContainerInstanceCount
    component, item = _ITEMS[level]
    yield monthly(component, item, Range.of(quantity), "the metrics of the cluster in AWS's list")


def _counts(service: Item, definition: Item, level: str, *, fargate: bool) -> _Counts:
    containers = list(tables(definition.list("ContainerDefinitions")))
    has_network = definition.text("NetworkMode", default="bridge") in {"awsvpc", "bridge"}
    system = str(definition.text("RuntimePlatform", "OperatingSystemFamily", default="LINUX"))
    has_storage = fargate and not system.upper().startswith("WINDOWS")
    parts = [(_TASK, _MORE_TASK, True), (_TASK_NETWORK, _MORE_NETWORK, has_network)]
    parts.append((_TASK_FARGATE, _MORE_FARGATE, has_storage))
    is_enhanced = level == _ENHANCED
    task = sum(len(some) + (len(more) if is_enhanced else 0) for some, more, has in parts if has)
    restarted = sum(_is_restarted(each) for each in containers)
    volumes = len(service.list("VolumeConfigurations"))
    task += bool(restarted) + (bool(volumes) and is_enhanced)  # RestartCount, TaskEBSFilesystemUtilization
    filesystems = _VOLUMES * (_BOTH + volumes) if volumes else 0
    if not is_enhanced:
        return _Counts(task, _BOTH * task + len(_SERVICE) + filesystems, 0)
    checked = sum("HealthCheck" in each for each in containers)
    inside = len(_CONTAINER) * len(containers) + checked + restarted
    return _Counts(
        task + len(_CONTAINER) + bool(checked),
        _BOTH * (task + inside) + len(_SERVICE) + filesystems,
        _BOTH * (task + inside),
    )


def _is_restarted(container: Mapping[str, Value]) -> bool:
    policy = container.get("RestartPolicy")
    return isinstance(policy, dict) and str(policy.get("Enabled")).lower() == "true"
