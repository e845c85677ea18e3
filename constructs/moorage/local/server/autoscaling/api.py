"""The Amazon EC2 Auto Scaling API operations that ministack lacks or answers incompletely."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from moorage.local.server.autoscaling import groups as types
from moorage.local.server.autoscaling import instances
from moorage.local.server.autoscaling.instances import Group
from moorage.local.server.core.adapter import autoscaling, ec2, provisioners, stacks
from moorage.local.server.core.calls import RefusedError, xml

Answer = tuple[int, dict[str, str], bytes]
Parameters = dict[str, Any]

_GONE = {"State": {"Name": "terminated"}}


def _listed(parameters: Parameters, name: str) -> list[str]:
    return [str(item) for item in autoscaling.parse_member_list(parameters, name)]


def _result(operation: str, inside: str = "") -> Answer:
    result = f"<{operation}Result>{inside}</{operation}Result>"
    answer: Answer = autoscaling.xml(200, f"{operation}Response", result)
    return answer


def _shown(group: Mapping[str, Any]) -> str:
    stated = {name: value for name, value in group.items() if value not in ({}, "")}
    return f"<member>{xml('autoscaling', 'AutoScalingGroup', stated)}</member>"


def _describe_groups(parameters: Parameters) -> Answer:
    names = _listed(parameters, "AutoScalingGroupNames")
    found = "".join(_shown(group) for name, group in autoscaling.asgs.items() if not names or name in names)
    return _result("DescribeAutoScalingGroups", f"<AutoScalingGroups>{found}</AutoScalingGroups>")


def _describe_notifications(parameters: Parameters) -> Answer:
    names = _listed(parameters, "AutoScalingGroupNames")
    found = [item for name, items in types.notifications.items() if not names or name in names for item in items]
    inside = xml("autoscaling", "DescribeNotificationConfigurationsAnswer", {"NotificationConfigurations": found})
    return _result("DescribeNotificationConfigurations", inside)


def _describe_hooks(parameters: Parameters) -> Answer:
    name = autoscaling.p(parameters, "AutoScalingGroupName")
    found = [
        {key: value for key, value in hook.items() if value != ""}
        for hook in autoscaling.hooks.values()
        if hook["AutoScalingGroupName"] == name
    ]
    return _result(
        "DescribeLifecycleHooks", xml("autoscaling", "DescribeLifecycleHooksAnswer", {"LifecycleHooks": found})
    )


def _describe_warm_pool(parameters: Parameters) -> Answer:
    group = types.group_named(autoscaling.p(parameters, "AutoScalingGroupName"))
    shown = {"WarmPoolConfiguration": group.get("WarmPoolConfiguration"), "Instances": group.get("_warm", [])}
    return _result("DescribeWarmPool", xml("autoscaling", "DescribeWarmPoolAnswer", shown))


def _describe_refreshes(parameters: Parameters) -> Answer:
    group = types.group_named(autoscaling.p(parameters, "AutoScalingGroupName"))
    shown = {"InstanceRefreshes": group.get("InstanceRefreshes", [])}
    return _result("DescribeInstanceRefreshes", xml("autoscaling", "DescribeInstanceRefreshesAnswer", shown))


def _start_refresh(parameters: Parameters) -> Answer:
    group = types.group_named(autoscaling.p(parameters, "AutoScalingGroupName"))
    preferences = autoscaling.parse_nested(parameters, "Preferences")
    types.require_replaceable(group, preferences)
    return _result(
        "StartInstanceRefresh", f"<InstanceRefreshId>{types.refresh(group, preferences)}</InstanceRefreshId>"
    )


def _protect(parameters: Parameters) -> Answer:
    group = types.group_named(autoscaling.p(parameters, "AutoScalingGroupName"))
    wanted = _listed(parameters, "InstanceIds")
    known = {instance["InstanceId"]: instance for instance in group["Instances"]}
    for name in wanted:
        if name not in known:
            raise RefusedError(
                f"The instance {name} is not part of Auto Scaling group {group['AutoScalingGroupName']}."
            )
        known[name]["ProtectedFromScaleIn"] = autoscaling.p(parameters, "ProtectedFromScaleIn") == "true"
    return _result("SetInstanceProtection")


def _delete_group(parameters: Parameters) -> Answer:
    name = autoscaling.p(parameters, "AutoScalingGroupName")
    group = types.group_named(name)
    forced = autoscaling.p(parameters, "ForceDelete") == "true"
    if group["Instances"] and not forced:
        raise RefusedError(
            "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) "
            "still in the group."
        )
    for instance in list(group["Instances"]):
        instances.terminate(group, instance)
    provisioners.asg_delete(name, {})
    return _result("DeleteAutoScalingGroup")


def _mended(terminate: Callable[[Parameters], Answer]) -> Callable[[Parameters], Answer]:
    """Make groups replace the instances that are terminated in EC2."""

    def terminated(parameters: Parameters) -> Answer:
        answer = terminate(parameters)
        for group in instances.groups():
            lost = [each for each in group["Instances"] if not _runs(each["InstanceId"])]
            for instance in lost:
                group["Instances"].remove(instance)
            if lost:
                instances.resize(group, group["DesiredCapacity"])
        types.notify()
        return answer

    return terminated


def _runs(instance_id: str) -> bool:
    return bool(ec2.instances.get(instance_id, _GONE)["State"]["Name"] == "running")


def _answering(operation: Callable[[Parameters], Answer]) -> Callable[[Parameters], Answer]:
    """Convert an operation's error into an error response. After a success, call the functions in `groups.changed`."""

    def answered(parameters: Parameters) -> Answer:
        try:
            answer = operation(parameters)
            types.notify()
        except RefusedError as error:
            refused: Answer = autoscaling.error("ValidationError", str(error).removeprefix("ValidationError: "))
            return refused
        return answer

    return answered


def install() -> None:
    """Make groups run instances in EC2, pass the stack's tags to the instances, and replace API operations."""
    reconcile: Callable[[Group], None] = autoscaling.reconcile_instances

    def reconciled(group: Group) -> None:
        if instances.has_template(group):
            instances.resize(group, group["DesiredCapacity"])
        else:
            reconcile(group)

    autoscaling.reconcile_instances = reconciled
    actions = autoscaling.ACTION_MAP
    actions |= {
        "DescribeAutoScalingGroups": _describe_groups,
        "DescribeInstanceRefreshes": _describe_refreshes,
        "DescribeLifecycleHooks": _describe_hooks,
        "DescribeNotificationConfigurations": _describe_notifications,
        "DescribeWarmPool": _describe_warm_pool,
        "DeleteAutoScalingGroup": _delete_group,
        "SetInstanceProtection": _protect,
        "StartInstanceRefresh": _start_refresh,
    }
    for name, operation in actions.items():
        if not name.startswith("Describe") or operation.__module__ == __name__:
            actions[name] = _answering(operation)
    ec2.ACTION_MAP["TerminateInstances"] = _mended(ec2.terminate_instances)
    with_stack_tags = stacks.with_stack_tags

    def tagged(resource_type: str, *parameters: Any) -> dict[str, Any]:
        properties: dict[str, Any] = with_stack_tags(resource_type, *parameters)
        if resource_type == "AWS::AutoScaling::AutoScalingGroup":
            properties["Tags"] = [{"PropagateAtLaunch": True, **tag} for tag in properties["Tags"]]
        return properties

    stacks.with_stack_tags = tagged
