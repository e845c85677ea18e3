"""The components of EC2 instances: Auto Scaling groups, their volumes, addresses and warm pools."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

import attrs

from moorage.assembly.values import Value, at, places
from moorage.cost.amounts import ONE, Range
from moorage.cost.parts import NotInTemplateError, Part, hourly, monthly, unknown
from moorage.cost.resources import Item, list_of, number_of, tables, text_of
from moorage.cost.rules.volumes import volume
from moorage.cost.usage import Use

DETAILED_METRICS = 7
"""The metrics of detailed monitoring of an instance (Amazon CloudWatch pricing, "Amazon EC2 detailed monitoring")."""
_ROOTS = {"/dev/xvda", "/dev/sda1", None}
"""The device names of root volumes (Amazon EC2 user guide, "Device names for volumes"). None is not stated here."""
_CONFIGURATION = "AWS::AutoScaling::LaunchConfiguration"
_POLICY = "MixedInstancesPolicy"
_GROUP_PROPERTY = "AutoScalingGroupName"


@attrs.frozen(kw_only=True)
class _Launch:
    """The instances that a group launches.

    Args:
        data: The resolved launch template or launch configuration.
        types: The instance types, the preferred one first.
        base: The On-Demand Instances before the percentage applies.
        percentage: The percentage of On-Demand Instances above the base.
        has_monitoring: True if the instances have detailed monitoring.
    """

    data: Mapping[str, Value]
    types: tuple[str, ...]
    base: Decimal
    percentage: Decimal
    has_monitoring: bool


def group(item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::AutoScaling::AutoScalingGroup`."""
    launch = _launch_of(item)
    _check_tenancy(at(launch.data, ("Placement", "Tenancy")) or launch.data.get("PlacementTenancy"))
    sizes, assumptions = _sizes(item, use)
    on_demand = Range(*(_on_demand(launch, count) for count in (sizes.least, sizes.most)))
    spot = Range(sizes.least - on_demand.least, sizes.most - on_demand.most)
    system = _family(launch.data)
    name = launch.types[0]
    if len(launch.types) > 1:
        assumptions = (*assumptions, f"all instances are {name}, the first of {len(launch.types)} types")
    if on_demand.least or on_demand.most:
        yield hourly(f"EC2 On-Demand {name}", f"{system}.{name}", on_demand, *assumptions)
    if spot.least or spot.most:
        part = hourly(f"EC2 Spot {name}", "ec2.spot_hour", spot, *assumptions)
        yield attrs.evolve(part, on_demand=f"{system}.{name}")
    yield from _beside(launch, sizes, assumptions)
    yield from _addresses(launch.data, item, "VPCZoneIdentifier", sizes, *assumptions)
    yield from _warm_pool(item, launch, sizes)


def _family(data: Mapping[str, Value]) -> str:
    """Return the items of the book for the operating system of an image, as far as its name or parameter says it."""
    return "ec2_windows" if "windows" in repr(data.get("ImageId")).lower() else "ec2"


def _beside(launch: _Launch, sizes: Range, assumptions: tuple[str, ...]) -> Iterator[Part]:
    yield from _volumes(launch, sizes, assumptions)
    if launch.has_monitoring:
        reason = f"{DETAILED_METRICS} metrics of each instance"
        yield monthly("Detailed monitoring", "cloudwatch.metric_month", sizes * DETAILED_METRICS, reason, *assumptions)


def _addresses(data: Mapping[str, Value], item: Item, subnets: str, copies: Range, *assumptions: str) -> Iterator[Part]:
    """Yield the public addresses of instances. Without a statement of their own, the subnet decides."""
    interfaces = list(tables(list_of(data.get("NetworkInterfaces"), "NetworkInterfaces")))
    name = "AssociatePublicIpAddress"
    stated = {text_of(each.get(name), name, "subnet") for each in interfaces or [data]}
    found = [
        item.all.items.get(place)
        for place in places((item.at(subnets), *(each.get("SubnetId") for each in interfaces)))
    ]
    maps = any(each and each.type == "AWS::EC2::Subnet" and each.is_true("MapPublicIpOnLaunch") for each in found)
    if "true" in stated or ("subnet" in stated and maps):
        yield hourly("Public IPv4 address", "ipv4.hour", copies, "one for each instance", *assumptions)


def _check_tenancy(stated: Value) -> None:
    if text_of(stated, "Tenancy", "default") != "default":
        raise NotInTemplateError(f"the price book has no prices of instances with the tenancy {stated}")


def _volumes(launch: _Launch, count: Range, assumptions: tuple[str, ...]) -> Iterator[Part]:
    yield from _mapped(list_of(launch.data.get("BlockDeviceMappings"), "BlockDeviceMappings"), count, *assumptions)


def _mapped(mappings: Sequence[Value], count: Range, *assumptions: str) -> Iterator[Part]:
    """Yield the volumes of block device mappings, by default gp2."""
    devices = set()
    for each in tables(mappings):
        if isinstance(each.get("Ebs"), dict):
            devices.add(each.get("DeviceName"))
            yield from volume(each["Ebs"], count, *assumptions, default="gp2")
    if not devices & _ROOTS:
        yield unknown("EBS root volume", "the image determines the size of the volume")


def _warm_pool(item: Item, launch: _Launch, sizes: Range) -> Iterator[Part]:
    for pool in item.by("AWS::AutoScaling::WarmPool", _GROUP_PROPERTY):
        stated = pool.text("MaxGroupPreparedCapacity", default="-1")  # -1 stands for MaxSize
        most = sizes.most if stated == "-1" else number_of(stated, "MaxGroupPreparedCapacity")
        least = pool.number("MinSize", default=Decimal(0))
        count = Range(*(max(least, most - running) for running in (sizes.least, sizes.most)))
        reason = "the warm pool, whose instances are prepared beside those that run"
        yield from _volumes(launch, count, (reason,))
        if pool.text("PoolState", default="Stopped") == "Running":
            yield hourly(f"EC2 On-Demand {launch.types[0]}", f"{_family(launch.data)}.{launch.types[0]}", count, reason)


def _sizes(item: Item, use: Use) -> tuple[Range, tuple[str, ...]]:
    average = use.get("average_instances")
    if average is not None:
        return Range.of(average), ("average_instances of the usage file",)
    least, most = [item.number("MinSize")], [item.number("MaxSize")]
    for action in item.by("AWS::AutoScaling::ScheduledAction", _GROUP_PROPERTY):
        least.append(action.number("MinSize", default=least[0]))
        most.append(action.number("MaxSize", default=most[0]))
    found = Range(min(least), max(most))
    managed = any(
        provider.text("AutoScalingGroupProvider", "ManagedScaling", "Status", default="DISABLED") == "ENABLED"
        for provider in item.by("AWS::ECS::CapacityProvider", "AutoScalingGroupProvider", "AutoScalingGroupArn")
    )
    said = "from MinSize to MaxSize of the group"
    if managed:
        said += "; the least copies of its tasks can need more than MinSize"
    return found, () if found.is_one else (said,)


def _on_demand(launch: _Launch, count: Decimal) -> Decimal:
    """Return the number of On-Demand Instances. EC2 rounds the percentage up, in favor of On-Demand."""
    base = min(launch.base, count)
    above = (count - base) * launch.percentage / 100
    is_average = count != count.to_integral_value()
    return base + (above if is_average else math.ceil(above))


def _launch_of(item: Item) -> _Launch:
    source = item.target(_POLICY, "LaunchTemplate", "LaunchTemplateSpecification") or item.target("LaunchTemplate")
    configuration = item.target("LaunchConfigurationName")
    if source is None and configuration is None:
        raise NotInTemplateError("the launch template of the group is not in the app")
    if source is None and configuration is not None:
        data = {name: configuration.at(name) for name in configuration.resource.properties}
        is_spot = data.get("SpotPrice") is not None
        monitoring = text_of(data.get("InstanceMonitoring"), "InstanceMonitoring", "true")
    else:
        found = source.at("LaunchTemplateData") if source else None
        data = found if isinstance(found, dict) else {}
        is_spot = at(data, ("InstanceMarketOptions", "MarketType")) == "spot"
        monitoring = text_of(at(data, ("Monitoring", "Enabled")), "Monitoring", "false")
    distribution = item.at(_POLICY, "InstancesDistribution")
    stated: Mapping[str, Value] = distribution if isinstance(distribution, dict) else {}
    above = Decimal(0 if is_spot else 100)
    return _Launch(
        data=data,
        types=_types(item, data),
        base=number_of(stated.get("OnDemandBaseCapacity"), "OnDemandBaseCapacity", Decimal(0)),
        percentage=number_of(
            stated.get("OnDemandPercentageAboveBaseCapacity"), "OnDemandPercentageAboveBaseCapacity", above
        ),
        has_monitoring=monitoring == "true",
    )


def types_of(group: Item) -> tuple[str, ...]:
    """Return the instance types of an Auto Scaling group, the preferred one first.

    Args:
        group: The group.

    Raises:
        NotInTemplateError: The types are not in the templates.
    """
    return _launch_of(group).types


def _types(item: Item, data: Mapping[str, Value]) -> tuple[str, ...]:
    overrides: Sequence[Value] = item.list(_POLICY, "LaunchTemplate", "Overrides")
    names = []
    for each in tables(overrides):
        if "InstanceRequirements" in each:
            raise NotInTemplateError("EC2 chooses the instance types by requirements when it launches instances")
        if text_of(each.get("WeightedCapacity"), "WeightedCapacity", "1") != "1":
            raise NotInTemplateError("the number of instances follows from their weights when EC2 launches them")
        names.append(text_of(each.get("InstanceType"), "InstanceType"))
    if names:
        return tuple(names)
    if "InstanceRequirements" in data:
        raise NotInTemplateError("EC2 chooses the instance types by requirements when it launches instances")
    return (text_of(data.get("InstanceType"), "InstanceType of the launch template"),)


def instance(item: Item, _use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::EC2::Instance`."""
    template = item.target("LaunchTemplate")
    data = {name: item.at(name) for name in item.resource.properties}
    found = template.at("LaunchTemplateData") if template else None
    data = (found if isinstance(found, dict) else {}) | data
    name = text_of(data.get("InstanceType"), "InstanceType")
    _check_tenancy(data.get("Tenancy") or at(data.get("Placement"), ("Tenancy",)))
    yield hourly(f"EC2 On-Demand {name}", f"{_family(data)}.{name}", ONE, "it is never stopped")
    yield from _mapped(list_of(data.get("BlockDeviceMappings"), "BlockDeviceMappings"), ONE)
    yield from _addresses(data, item, "SubnetId", ONE)
    monitoring = data.get("Monitoring")
    if (
        text_of(at(monitoring, ("Enabled",)) if isinstance(monitoring, dict) else monitoring, "Monitoring", "false")
        == "true"
    ):
        yield monthly("Detailed monitoring", "cloudwatch.metric_month", ONE * DETAILED_METRICS)
