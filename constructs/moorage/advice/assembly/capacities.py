"""The capacities of the workloads of an assembly: capacity providers, instance types and Availability Zones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from moorage.assembly.values import Value
from moorage.cost.parts import NotInTemplateError
from moorage.cost.resources import Item, Resources, tables
from moorage.cost.rules.instances import types_of
from moorage.cost.rules.services import providers_of
from moorage.cost.rules.tasks import GROUP, PROVIDER
from moorage.workload.ec2_instances import instance_type
from moorage.workload.task import Architecture

FARGATE = frozenset({"FARGATE", "FARGATE_SPOT"})
_NAMES = {"FARGATE": "Fargate", "FARGATE_SPOT": "Fargate Spot", "EC2": "EC2", "EXTERNAL": "external instances"}


def providers(strategy: Sequence[Value]) -> tuple[Value, ...]:
    """Return the capacity providers of a strategy.

    Args:
        strategy: The resolved strategy.
    """
    return tuple(each.get("CapacityProvider") for each in tables(strategy))


def is_spot(provider: Value, resources: Resources) -> bool:
    """Return whether AWS can interrupt the tasks on a capacity provider.

    Args:
        provider: The resolved name of the capacity provider.
        resources: The resources of the assembly.
    """
    if provider in FARGATE:
        return bool(provider == "FARGATE_SPOT")
    found = resources.first(provider)
    if found is None or found.type != PROVIDER:
        return False
    launch = found.at("ManagedInstancesProvider", "InstanceLaunchTemplate", "CapacityOptionType")
    group = found.target(GROUP, "AutoScalingGroupArn")
    if group is None:
        return bool(launch == "SPOT")
    share = group.at("MixedInstancesPolicy", "InstancesDistribution", "OnDemandPercentageAboveBaseCapacity")
    template = group.target("LaunchTemplate")
    market = template.at("LaunchTemplateData", "InstanceMarketOptions", "MarketType") if template else None
    return share == "0" or market == "spot"


def name_of(provider: Value, resources: Resources) -> str:
    """Return the name of what a capacity provider runs tasks on.

    Args:
        provider: The resolved name of the capacity provider, or a launch type.
        resources: The resources of the assembly.
    """
    if isinstance(provider, str):
        return _NAMES.get(provider, provider)
    found = resources.first(provider)
    if found is None or found.type != PROVIDER:
        return "a capacity provider"
    base = "EC2" if found.at(GROUP) else "ECS Managed Instances"
    return f"{base} Spot" if is_spot(provider, resources) else base


def own_types(on: Sequence[Value], cluster: Item | None, resources: Resources) -> tuple[tuple[str, ...], ...]:
    """Return the instance types of each capacity of a workload, otherwise those of each capacity of its cluster.

    Args:
        on: The resolved capacity providers of the workload, or its launch type.
        cluster: The cluster; None if it is not in the app.
        resources: The resources of the assembly.
    """
    return _types(on, resources) or (_types(providers_of(cluster), resources) if cluster else ())


def _types(on: Sequence[Value], resources: Resources) -> tuple[tuple[str, ...], ...]:
    return tuple(filter(None, (_launched(resources.first(each)) for each in on)))


def _launched(provider: Item | None) -> tuple[str, ...]:
    """Return the instance types of a capacity provider, or none if EC2 or ECS chooses them."""
    group = provider.target(GROUP, "AutoScalingGroupArn") if provider and provider.type == PROVIDER else None
    if group is None:
        return ()
    try:
        return types_of(group)
    except NotInTemplateError:
        return ()


def architecture_of(capacities: Sequence[Sequence[str]]) -> Architecture:
    """Return the architecture of tasks that state none: that of the instances they run on, and otherwise x86-64.

    Args:
        capacities: The names of the instance types of each capacity.
    """
    known = (instance_type(name) for types in capacities for name in types)
    found = {each.architecture for each in known if each}
    return found.pop() if len(found) == 1 else Architecture.X86_64


def zones_of(subnets: Sequence[Value], on: Sequence[Value], cluster: Item | None, resources: Resources) -> int | None:
    """Return the number of Availability Zones of a workload; None if it is unknown.

    The zone of a subnet that is not in the app is unknown. Such subnets count as one zone each.

    Args:
        subnets: The resolved subnets of the tasks, or none if they use the network interfaces of their instances.
        on: The resolved capacity providers of the workload, or its launch type.
        cluster: The cluster, whose instances run tasks that name no capacity provider; None if it is not in the app.
        resources: The resources of the assembly.
    """
    chosen = providers_of(cluster) if cluster and tuple(on) == ("EC2",) else on
    used = {repr(_zone(each, resources)) for each in subnets or _instance_subnets(chosen, resources)}
    return len(used) or None


def _zone(subnet: Value, resources: Resources) -> Value:
    found = resources.first(subnet)
    return (found.at("AvailabilityZone") if found else None) or subnet


def _instance_subnets(on: Sequence[Value], resources: Resources) -> Iterator[Value]:
    for each in on:
        provider = resources.first(each)
        group = provider.target(GROUP, "AutoScalingGroupArn") if provider and provider.type == PROVIDER else None
        if group:
            yield from group.list("VPCZoneIdentifier")
