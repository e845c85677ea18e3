"""The instances of Auto Scaling groups: their settings, and their launch and termination in EC2."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from moorage.local.server.autoscaling.launch_configurations import data_of
from moorage.local.server.core.adapter import alb, autoscaling, ec2
from moorage.local.server.core.calls import RefusedError, query
from moorage.local.server.services import ec2 as templates
from moorage.local.server.services import ec2_instances
from moorage.local.server.services.ssm import architecture
from moorage.workload.ec2_instances import InstanceType, instance_type, instance_types

Group = dict[str, Any]

_RUNNING = "InService"
_TAGGED = (("id", "LaunchTemplateId"), ("version", "Version"))


@attrs.frozen(kw_only=True)
class Launch:
    """The settings that a new instance is launched with.

    Args:
        template: The launch template's ID, name and version number; empty for a launch configuration.
        data: The data of this version, or the settings of the launch configuration in the same form.
        type: The instance type.
        spot: Whether to launch a Spot Instance.
    """

    template: Mapping[str, str]
    data: Mapping[str, Any]
    type: InstanceType
    spot: bool


def next_launch(group: Group) -> Launch:
    """Return the settings of a group's next instance.

    On-Demand Instances have the first of the group's types. Spot Instances have each of the types in turn.

    Args:
        group: The record of the group.

    Raises:
        RefusedError: The group cannot launch an instance.
    """
    policy = group.get("MixedInstancesPolicy")
    instances = group["Instances"]
    if not policy:
        configuration = group.get("LaunchConfigurationName")
        template, data = (
            ({}, data_of(configuration)) if configuration else ec2_instances.template_version(group["LaunchTemplate"])
        )
        market = data.get("InstanceMarketOptions", {}).get("MarketType")
        return _checked(Launch(template=template, data=data, type=_types(data, {})[0], spot=market == "spot"))
    spot = _is_spot(policy.get("InstancesDistribution", {}), instances)
    offered = [
        Launch(template=template, data=data, type=type_, spot=spot)
        for override in policy["LaunchTemplate"].get("Overrides") or [{}]
        for template, data in [_template_of(policy["LaunchTemplate"], override)]
        for type_ in _types(data, override)
    ]
    running_spot = sum(1 for instance in instances if instance["_launch"].spot)
    return _checked(offered[running_spot % len(offered) if spot else 0])


def _is_spot(distribution: Mapping[str, Any], instances: Sequence[Mapping[str, Any]]) -> bool:
    base = distribution.get("OnDemandBaseCapacity", 0)
    percent = distribution.get("OnDemandPercentageAboveBaseCapacity", 100)
    wanted = min(base, len(instances) + 1) + math.ceil(max(0, len(instances) + 1 - base) * percent / 100)
    on_demand = [instance for instance in instances if not instance["_launch"].spot]
    return bool(len(on_demand) >= wanted)


def _template_of(policy: Mapping[str, Any], override: Mapping[str, Any]) -> tuple[Mapping[str, str], Mapping[str, Any]]:
    return ec2_instances.template_version(
        override.get("LaunchTemplateSpecification") or policy["LaunchTemplateSpecification"]
    )


def _types(data: Mapping[str, Any], override: Mapping[str, Any]) -> list[InstanceType]:
    """Return the instance type that an override names, or the types that meet its requirements, the smallest first.

    If the override states neither a type nor requirements, those of the launch template apply.

    Args:
        data: The data of the launch template.
        override: The override; empty if there is no override.

    Raises:
        RefusedError: The instance type is unknown, or no type meets the requirements.
    """
    named = override.get("InstanceType")
    required = override.get("InstanceRequirements")
    if not named and not required:
        named, required = data.get("InstanceType"), data.get("InstanceRequirements")
    if "WeightedCapacity" in override:
        raise RefusedError(
            "property WeightedCapacity exists in CloudFormation, but the local AWS does not implement it"
        )
    if required:
        return _matching(required, architecture(data.get("ImageId", "")))
    found = instance_type(named or "")
    if found is None:
        raise RefusedError(
            "You must use a valid fully-formed launch template. "
            + (f"The instance type '{named}' is not known" if named else "It names no instance type")
        )
    return [found]


def _matching(required: Mapping[str, Any], built_for: str | None) -> list[InstanceType]:
    accelerators = required.get("AcceleratorCount", {})
    found = [
        type_
        for type_ in instance_types()
        if _within(type_.vcpus, required.get("VCpuCount", {}))
        and _within(type_.memory_mib, required.get("MemoryMiB", {}))
        and (_within(type_.gpus, accelerators) if accelerators.get("Min") else not type_.accelerated)
        and (not type_.burstable or required.get("BurstablePerformance", "excluded") != "excluded")
        and (not type_.bare_metal or required.get("BareMetal", "excluded") != "excluded")
        and built_for in (None, type_.architecture.value.lower())
        and any(fnmatch.fnmatch(type_.name, each) for each in required.get("AllowedInstanceTypes") or ["*"])
        and not any(fnmatch.fnmatch(type_.name, each) for each in required.get("ExcludedInstanceTypes", ()))
    ]
    if not found:
        raise RefusedError("No instance type satisfies the InstanceRequirements")
    return sorted(found, key=lambda type_: (type_.vcpus, type_.memory_mib, type_.name))


def _within(value: int, bounds: Mapping[str, int]) -> bool:
    return bounds.get("Min", 0) <= value <= bounds.get("Max", value)


def _checked(launch: Launch) -> Launch:
    """Return the settings of an instance, or refuse an instance that EC2 does not launch."""
    image_id = launch.data.get("ImageId", "")
    if not image_id.startswith("ami-"):
        raise RefusedError(f"You must use a valid fully-formed launch template. '{image_id}' is not an AMI ID")
    built_for, has = architecture(image_id), launch.type.architecture.value.lower()
    if built_for not in (None, has):
        raise RefusedError(
            f"You must use a valid fully-formed launch template. The architecture '{has}' of the specified instance "
            f"type does not match the architecture '{built_for}' of the specified AMI. Specify an instance type and "
            "an AMI that have matching architectures, and try again"
        )
    _check_profile(launch.data)
    return launch


def _check_profile(data: Mapping[str, Any]) -> None:
    try:
        ec2_instances.profile(data)
    except RefusedError as error:
        raise RefusedError(f"You must use a valid fully-formed launch template. {error}") from error


def groups() -> Iterator[Group]:
    """Yield the groups whose instances exist in EC2: those with a launch template or a launch configuration."""
    yield from (group for group in autoscaling.asgs.values() if has_template(group))


def has_template(group: Group) -> bool:
    """Return whether a group has a launch template or a launch configuration."""
    return any(group.get(each) for each in ("LaunchTemplate", "MixedInstancesPolicy", "LaunchConfigurationName"))


def launch(group: Group) -> dict[str, Any]:
    """Launch an instance in the zone with the fewest instances of the group, and return its record in the group.

    The instance becomes a target of the group's target groups.
    """
    wanted = next_launch(group)
    zones = [instance["AvailabilityZone"] for instance in group["Instances"]]
    subnet = min(_subnets(group), key=lambda item: zones.count(item["AvailabilityZone"]))
    instance = _start(group, wanted, subnet, "running")
    shown = {
        "InstanceId": instance["InstanceId"],
        "InstanceType": wanted.type.name,
        "AvailabilityZone": subnet["AvailabilityZone"],
        "LifecycleState": _RUNNING,
        "HealthStatus": "Healthy",
        "ProtectedFromScaleIn": group["NewInstancesProtectedFromScaleIn"],
        **_source(group, wanted),
        "ImageId": wanted.data.get("ImageId"),
        "_launch": wanted,
    }
    group["Instances"].append(shown)
    for targets in _target_lists(group):
        targets.append({"Id": shown["InstanceId"]})
    return shown


def _target_lists(group: Group) -> Iterator[list[dict[str, Any]]]:
    """Yield the list of targets of each target group to which an Auto Scaling group is attached."""
    for arn in group.get("TargetGroupARNs") or ():
        if arn in alb.tgs:
            yield alb.targets.setdefault(arn, [])


def _source(group: Group, wanted: Launch) -> dict[str, Any]:
    """Return the launch template or launch configuration for the record of a group's instance."""
    if wanted.template:
        return {"LaunchTemplate": dict(wanted.template)}
    return {"LaunchConfigurationName": group["LaunchConfigurationName"]}


def _subnets(group: Group) -> list[dict[str, Any]]:
    names = [name for name in group["VPCZoneIdentifier"].split(",") if name]
    missing = [name for name in names if name not in ec2.subnets]
    if missing or not names:
        raise RefusedError(f"The subnet ID '{', '.join(missing)}' does not exist (InvalidSubnetID.NotFound)")
    return [ec2.subnets[name] for name in names]


def _start(group: Group, wanted: Launch, subnet: Mapping[str, Any], state: str) -> dict[str, Any]:
    data = wanted.data
    launched: list[dict[str, Any]] = ec2.launch_instances_internal(
        image_id=data["ImageId"],
        instance_type=wanted.type.name,
        subnet_id=subnet["SubnetId"],
        count=1,
        key_name=data.get("KeyName", ""),
        user_data=data.get("UserData", ""),
        sg_ids=templates.security_groups(data),
        requested_private_ip=ec2_instances.free_address(subnet),
        iam_profile=ec2_instances.profile(data),
    )
    (instance,) = launched
    instance["Placement"]["AvailabilityZone"] = subnet["AvailabilityZone"]
    instance["Architecture"] = wanted.type.architecture.value.lower()
    instance["Monitoring"]["State"] = "enabled" if data.get("Monitoring", {}).get("Enabled") else "disabled"
    instance["PublicIpAddress"] = instance["PublicDnsName"] = ""
    if state == "stopped":
        instance["State"] = {"Code": 80, "Name": "stopped"}
    instance["_shown"] = {
        "MetadataOptions": {"State": "applied", **data.get("MetadataOptions", {})},
        **({"InstanceLifecycle": "spot"} if wanted.spot else {}),
    }
    ec2_instances.attach(instance, data.get("BlockDeviceMappings", ()))
    _tag(group, instance, wanted)
    return instance


def _tag(group: Group, instance: Mapping[str, Any], wanted: Launch) -> None:
    tags = {
        "aws:autoscaling:groupName": group["AutoScalingGroupName"],
        **{f"aws:ec2launchtemplate:{name}": wanted.template[key] for name, key in _TAGGED if wanted.template},
    }
    stated = [item for item in wanted.data.get("TagSpecifications", ()) if item["ResourceType"] == "instance"]
    tags |= {tag["Key"]: tag["Value"] for item in stated for tag in item["Tags"]}
    tags |= {tag["Key"]: tag["Value"] for tag in group["Tags"] if tag["PropagateAtLaunch"]}
    ec2.tags[instance["InstanceId"]] = [{"Key": key, "Value": value} for key, value in tags.items()]


def terminate(group: Group, instance: Mapping[str, Any]) -> None:
    """Terminate an instance of a group, even if it is protected from scale-in.

    The instance is removed from the target groups, and its volumes are deleted.
    """
    group["Instances"].remove(instance)
    for targets in _target_lists(group):
        targets[:] = [each for each in targets if each["Id"] != instance["InstanceId"]]
    end(instance["InstanceId"])


def end(instance_id: str) -> None:
    """Terminate an instance in EC2, and delete its volumes."""
    query(ec2.terminate_instances, InstanceId=[instance_id])
    for mapping in ec2.instances[instance_id]["BlockDeviceMappings"]:
        ec2.volumes.pop(mapping["Ebs"]["VolumeId"], None)


def resize(group: Group, size: int) -> None:
    """Scale a group to a size, and adjust its warm pool. Instances that are protected from scale-in are kept."""
    group["DesiredCapacity"] = size
    while len(group["Instances"]) < size:
        launch(group)
    while len(group["Instances"]) > size:
        victim = _victim(group)
        if victim is None:
            break
        terminate(group, victim)
    _warm(group)


def _victim(group: Group) -> Mapping[str, Any] | None:
    """Return the instance to terminate in a scale-in; None if all instances are protected from scale-in.

    This is the oldest unprotected instance in the Availability Zone with the most instances.
    """
    free = [instance for instance in group["Instances"] if not instance["ProtectedFromScaleIn"]]
    zones = [instance["AvailabilityZone"] for instance in group["Instances"]]
    return max(free, key=lambda instance: zones.count(instance["AvailabilityZone"]), default=None)


def _warm(group: Group) -> None:
    """Launch or terminate instances of the group's warm pool, so that it has the required size."""
    pool = group.get("WarmPoolConfiguration")
    prepared = group.setdefault("_warm", [])
    most = -1 if pool is None else pool.get("MaxGroupPreparedCapacity", -1)
    least = 0 if pool is None else pool.get("MinSize", 0)
    wanted = 0 if pool is None else max(least, (group["MaxSize"] if most < 0 else most) - group["DesiredCapacity"])
    while len(prepared) > wanted:
        end(prepared.pop()["InstanceId"])
    while len(prepared) < wanted:
        state = (pool or {}).get("PoolState", "Stopped")
        launched = next_launch(group)
        subnet = min(_subnets(group), key=lambda item: [each["_zone"] for each in prepared].count(item["SubnetId"]))
        instance = _start(group, launched, subnet, state.lower())
        prepared.append(
            {
                "InstanceId": instance["InstanceId"],
                "InstanceType": launched.type.name,
                "AvailabilityZone": subnet["AvailabilityZone"],
                "LifecycleState": f"Warmed:{state}",
                "HealthStatus": "Healthy",
                "ProtectedFromScaleIn": False,
                **_source(group, launched),
                "_zone": subnet["SubnetId"],
            }
        )
    group["WarmPoolSize"] = len(prepared)
