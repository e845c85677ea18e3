"""Amazon EC2 Auto Scaling: groups with instances, instance refreshes, warm pools and lifecycle hooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region, new_uuid, now_iso

from moorage.local.server.autoscaling import instances
from moorage.local.server.autoscaling.instances import Group
from moorage.local.server.core.adapter import alb, autoscaling, ec2, provisioners, sns
from moorage.local.server.core.calls import RefusedError, request
from moorage.local.server.core.resource import Made, Properties, Resource
from moorage.local.server.services import elb

PROTECTED = "Could not scale to desired capacity because all remaining instances are protected from scale-in."
"""The status message of a scaling activity that cannot terminate a group's instances."""

changed: list[Callable[[], None]] = []
"""The functions that are called when groups have changed."""

_GROUP = (
    "AvailabilityZoneDistribution", "AvailabilityZoneImpairmentPolicy", "CapacityRebalance",
    "CapacityReservationSpecification", "Context", "DefaultInstanceWarmup", "DesiredCapacity", "DesiredCapacityType",
    "HealthCheckGracePeriod", "HealthCheckType", "InstanceMaintenancePolicy", "LaunchConfigurationName",
    "LaunchTemplate", "LoadBalancerNames", "MaxInstanceLifetime", "MaxSize", "MinSize", "MixedInstancesPolicy",
    "NewInstancesProtectedFromScaleIn", "PlacementGroup", "ServiceLinkedRoleARN", "TargetGroupARNs",
    "TerminationPolicies",
)  # fmt: skip
_ROLLED = ("LaunchTemplate", "LaunchConfigurationName", "MixedInstancesPolicy")
_METRICS = (
    "GroupMinSize", "GroupMaxSize", "GroupDesiredCapacity", "GroupInServiceInstances", "GroupPendingInstances",
    "GroupStandbyInstances", "GroupTerminatingInstances", "GroupTotalInstances",
)  # fmt: skip
_LIFETIMES = range(86400, 31536001)
_WHILE_ROLLING = "Refresh"
notifications = AccountRegionScopedDict()


class AutoScalingGroup(Resource):
    """A group of EC2 instances, which cannot be deleted while an instance is protected from scale-in."""

    type = "AWS::AutoScaling::AutoScalingGroup"

    def create(self, properties: Properties, name: str) -> Made:
        name = str(properties.get("AutoScalingGroupName", name))
        if name in autoscaling.asgs:
            raise RefusedError(f"AutoScalingGroup {name} already exists (AlreadyExists)")
        kind = f"autoscaling:{get_region()}:{get_account_id()}:autoScalingGroup"
        group = {
            "AutoScalingGroupName": name,
            "AutoScalingGroupARN": f"arn:aws:{kind}:{new_uuid()}:autoScalingGroupName/{name}",
            "CreatedTime": now_iso(),
            "Instances": [],
            **self._settings(properties),
        }
        instances.next_launch(group)
        autoscaling.asgs[name] = group
        self._surround(group, {}, properties)
        try:
            instances.resize(group, group["DesiredCapacity"])
        except RefusedError:
            group["NewInstancesProtectedFromScaleIn"] = False
            self.delete(name, properties)
            raise
        notify()
        return self._made(name)

    def update_under(self, policy: Properties, physical_id: str, old: Properties, new: Properties) -> Made:
        group = autoscaling.asgs[physical_id]
        settings = self._settings(new)
        if "DesiredCapacity" not in new:
            settings["DesiredCapacity"] = min(max(group["DesiredCapacity"], settings["MinSize"]), settings["MaxSize"])
        instances.next_launch({**group, **dict.fromkeys(_ROLLED), **settings})
        roll = _policy(policy, old, new)
        if roll is not None:
            require_replaceable(group, roll)
        for name in _ROLLED:
            group.pop(name, None)
        group.update(settings)
        self._surround(group, old, new)
        instances.resize(group, settings["DesiredCapacity"])
        if roll is not None:
            refresh(group, roll)
        notify()
        return self._made(physical_id)

    def delete(self, physical_id: str, properties: Properties) -> None:
        group = autoscaling.asgs.get(physical_id)
        if group is None:
            return
        group |= {"MinSize": 0, "MaxSize": 0, "WarmPoolConfiguration": None}
        instances.resize(group, 0)
        if group["Instances"]:
            notify()
            protected = ", ".join(instance["InstanceId"] for instance in group["Instances"])
            raise RefusedError(f"{PROTECTED} AutoScalingGroup {physical_id} did not stabilize ({protected})")
        provisioners.asg_delete(physical_id, properties)
        notifications.pop(physical_id, None)
        notify()

    def _settings(self, properties: Properties) -> dict[str, Any]:
        stated = {name: properties[name] for name in _GROUP if name in properties}
        subnets = list(properties.get("VPCZoneIdentifier", ()))
        for subnet in subnets:
            if subnet not in ec2.subnets:  # hashicorp/terraform issue 471
                raise RefusedError(f"ValidationError: The subnet ID '{subnet}' does not exist")
        vpcs = {ec2.subnets[subnet]["VpcId"] for subnet in subnets}
        if len(vpcs) > 1:  # Amazon EC2 Auto Scaling user guide, "Considerations when choosing VPC subnets"
            raise RefusedError(f"ValidationError: The subnets are in several VPCs: {', '.join(sorted(vpcs))}")
        wanted = request("autoscaling", "CreateAutoScalingGroup", stated)
        lifetime = wanted.get("MaxInstanceLifetime", 0)
        if lifetime and lifetime not in _LIFETIMES:  # cdk-preflight 1.9.1, rule pf-asg-max-instance-lifetime-range
            raise RefusedError(
                f"ValidationError: maxInstanceLifetime must be between {_LIFETIMES[0]} and {_LIFETIMES[-1]} seconds "
                "(inclusive)"
            )
        _check_balancing(wanted)
        if len([name for name in _ROLLED if name in wanted]) != 1:
            raise RefusedError(
                "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or "
                "MixedInstancesPolicy parameter"
            )
        least, most = wanted["MinSize"], wanted["MaxSize"]
        desired = wanted.setdefault("DesiredCapacity", least)
        if not least <= desired <= most:
            raise RefusedError(
                f"Desired capacity:{desired} must be between the specified min size:{least} and max size:{most}"
            )
        zones = [ec2.subnets[name]["AvailabilityZone"] for name in subnets]
        tags = [
            {
                "ResourceType": "auto-scaling-group",
                **tag,
                "PropagateAtLaunch": str(tag["PropagateAtLaunch"]).lower() == "true",
            }
            for tag in properties.get("Tags", ())
        ]
        return {
            "AvailabilityZoneDistribution": {"CapacityDistributionStrategy": "balanced-best-effort"},
            "DefaultCooldown": int(properties.get("Cooldown", 300)),
            "HealthCheckGracePeriod": 0,
            "HealthCheckType": "EC2",
            "NewInstancesProtectedFromScaleIn": False,
            "TerminationPolicies": ["Default"],
            **wanted,
            "AvailabilityZones": sorted(set(zones)),
            "EnabledMetrics": _metrics(properties.get("MetricsCollection", ())),
            "Tags": tags,
            "VPCZoneIdentifier": ",".join(subnets),
        }

    def _surround(self, group: Group, old: Properties, properties: Properties) -> None:
        """Record the tags, notifications and lifecycle hooks of a group. Refuse a topic that does not exist."""
        name = group["AutoScalingGroupName"]
        gone = {tag["Key"] for tag in old.get("Tags", ())}
        kept = [tag for tag in autoscaling.tags.get(name, ()) if tag["Key"] not in gone]
        stated = [{**tag, "ResourceId": name} for tag in group["Tags"]]
        group["Tags"] = autoscaling.tags[name] = stated + [
            tag for tag in kept if tag["Key"] not in {each["Key"] for each in stated}
        ]
        single = properties.get("NotificationConfiguration")
        wanted = [*properties.get("NotificationConfigurations", ()), *([single] if single else [])]
        notifications[name] = [
            {"AutoScalingGroupName": name, "TopicARN": topic, "NotificationType": kind}
            for each in wanted
            for topic in ([each["TopicARN"]] if isinstance(each["TopicARN"], str) else each["TopicARN"])
            for kind in each.get("NotificationTypes", ())
        ]
        for topic in {each["TopicARN"] for each in notifications[name]}:
            if topic not in sns.topics:
                raise RefusedError(f"Unable to publish test message to notification target {topic}")
        for hook in properties.get("LifecycleHookSpecificationList", ()):
            record = autoscaling.hook_record(name, hook["LifecycleHookName"], hook)
            autoscaling.hooks[f"{name}/{hook['LifecycleHookName']}"] = record

    def _made(self, name: str) -> Made:
        return Made(name, {"AutoScalingGroupARN": autoscaling.asgs[name]["AutoScalingGroupARN"]})


def _check_balancing(wanted: Properties) -> None:
    """Refuse target groups and Classic Load Balancers that do not exist."""
    for arn in wanted.get("TargetGroupARNs") or ():
        if arn not in alb.tgs:
            raise RefusedError(f"ValidationError: The target group '{arn}' does not exist")
    for name in wanted.get("LoadBalancerNames") or ():
        if name not in elb.balancers:
            raise RefusedError(f"ValidationError: The load balancer '{name}' does not exist")


def _metrics(collections: Any) -> list[dict[str, str]]:
    return [
        {"Metric": metric, "Granularity": each["Granularity"]}
        for each in collections
        for metric in each.get("Metrics") or _METRICS
    ]


def _policy(policy: Properties, old: Properties, new: Properties) -> Properties | None:
    """Return the preferences of the instance refresh that an update starts; None if the update replaces no instance."""
    refresh, rolling = policy.get("AutoScalingInstanceRefresh"), policy.get("AutoScalingRollingUpdate")
    if (policy.get("AutoScalingReplacingUpdate") or {}).get("WillReplace"):
        raise RefusedError(
            "the local AWS does not implement the UpdatePolicy AutoScalingReplacingUpdate; use AutoScalingRollingUpdate"
        )
    names = (*_ROLLED, "VPCZoneIdentifier") if rolling else _ROLLED
    if all(old.get(name) == new.get(name) for name in names):
        return None
    if refresh:
        if refresh.get("Strategy", "Rolling") != "Rolling":
            raise RefusedError(
                f"instance refreshes with Strategy {refresh['Strategy']} are not implemented by the local AWS"
            )
        preferences: Properties = {"SkipMatching": False, **refresh.get("Preferences", {})}
        return preferences
    if rolling is None:
        return None
    if str(rolling.get("WaitOnResourceSignals", False)).lower() == "true":
        raise RefusedError("WaitOnResourceSignals is not implemented by the local AWS, whose instances send no signals")
    if int(rolling.get("MinInstancesInService", 0)) >= int(new["MaxSize"]):
        raise RefusedError("MinInstancesInService must be less than the autoscaling group's MaxSize")
    return {"SkipMatching": False}


def require_replaceable(group: Group, preferences: Mapping[str, Any]) -> None:
    """Refuse an instance refresh that would wait for protected instances and fail.

    The source is botocore autoscaling: RefreshPreferences.ScaleInProtectedInstances.
    """
    protected = [instance["InstanceId"] for instance in group["Instances"] if instance["ProtectedFromScaleIn"]]
    stated = preferences.get("ScaleInProtectedInstances", "Wait")
    if protected and stated not in (_WHILE_ROLLING, "Ignore"):
        raise RefusedError(
            f"The instances {', '.join(protected)} are protected from scale-in: the instance refresh would wait for "
            "one hour and then fail; use ScaleInProtectedInstances Refresh to replace them, or Ignore to keep them"
        )


def refresh(group: Group, preferences: Mapping[str, Any]) -> str:
    """Replace a group's instances, and return the ID of the instance refresh.

    Protected instances are kept unless `ScaleInProtectedInstances` is `Refresh`. With `SkipMatching`, instances with
    the group's launch template are kept. Each new instance is launched before an old instance is terminated.
    """
    name = group["AutoScalingGroupName"]
    replaced = [
        instance
        for instance in group["Instances"]
        if not instance["ProtectedFromScaleIn"] or preferences.get("ScaleInProtectedInstances") == _WHILE_ROLLING
    ]
    if str(preferences.get("SkipMatching", False)).lower() == "true":
        template = instances.next_launch({**group, "Instances": []}).template
        replaced = [instance for instance in replaced if instance.get("LaunchTemplate") != template]
    for instance in replaced:
        if instance not in group["Instances"]:
            continue  # scaled in after another instance was replaced
        instances.launch(group)
        instances.terminate(group, instance)
        notify()
    record = {
        "InstanceRefreshId": new_uuid(), "AutoScalingGroupName": name, "Status": "Successful", "StatusReason": "",
        "StartTime": now_iso(), "EndTime": now_iso(), "PercentageComplete": 100, "InstancesToUpdate": 0,
        "Preferences": dict(preferences), "Strategy": "Rolling",
    }  # fmt: skip
    group.setdefault("InstanceRefreshes", []).insert(0, record)
    return str(record["InstanceRefreshId"])


class WarmPool(Resource):
    """The warm pool of a group; `Ref` returns the group's name."""

    type = "AWS::AutoScaling::WarmPool"

    def create(self, properties: Properties, name: str) -> Made:
        group = group_named(properties["AutoScalingGroupName"])
        if group.get("WarmPoolConfiguration"):
            raise RefusedError("AlreadyExists: The group already has a warm pool")
        return self._put(properties)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        return self._put(new)

    def delete(self, physical_id: str, properties: Properties) -> None:
        group = autoscaling.asgs.get(physical_id)
        if group is not None:
            group["WarmPoolConfiguration"] = None
            instances.resize(group, group["DesiredCapacity"])

    def _put(self, properties: Properties) -> Made:
        wanted = request("autoscaling", "PutWarmPool", properties)
        group = group_named(wanted.pop("AutoScalingGroupName"))
        group["WarmPoolConfiguration"] = {"MinSize": 0, "PoolState": "Stopped", **wanted}
        instances.resize(group, group["DesiredCapacity"])
        return Made(group["AutoScalingGroupName"])


class LifecycleHook(Resource):
    """A lifecycle hook of a group; no instance waits for the hook here."""

    type = "AWS::AutoScaling::LifecycleHook"

    def create(self, properties: Properties, name: str) -> Made:
        group = group_named(properties["AutoScalingGroupName"])["AutoScalingGroupName"]
        hook = str(properties.get("LifecycleHookName", name))
        stated = request("autoscaling", "PutLifecycleHook", {**properties, "LifecycleHookName": hook})
        autoscaling.hooks[f"{group}/{hook}"] = autoscaling.hook_record(group, hook, stated)
        return Made(hook, {"LifecycleHookName": hook})

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        return self.create({**new, "LifecycleHookName": physical_id}, physical_id)

    def delete(self, physical_id: str, properties: Properties) -> None:
        autoscaling.hooks.pop(f"{properties['AutoScalingGroupName']}/{physical_id}", None)


def group_named(name: str) -> Group:
    """Return the group with a name, or refuse an unknown name."""
    if name not in autoscaling.asgs:
        raise RefusedError(f"ValidationError: AutoScalingGroup name not found - AutoScalingGroup {name} not found")
    group: Group = autoscaling.asgs[name]
    return group


def notify() -> None:
    """Call the functions in `changed`."""
    for each in changed:
        each()
