"""Application Auto Scaling, which ministack lacks: its API and its two CloudFormation types.

As on AWS, a service whose desired count is outside of the limits of its scalable target is scaled to the nearest limit.
Metrics do not change a count. An alarm whose action is a step scaling policy changes the count, as if the metric were
exactly at the alarm's threshold.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import zoneinfo
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region, new_uuid

from moorage.local.server.core.adapter import app, cloudwatch, ecs, router
from moorage.local.server.core.calls import RefusedError, json_service, members, perform, request
from moorage.local.server.core.resource import Made, Properties, Resource

_SERVICE = "application-autoscaling"
_TARGET = "AnyScaleFrontendService"
_ECS_METRICS = (
    "ALBRequestCountPerTarget", "ECSServiceAverageCPUUtilization", "ECSServiceAverageCPUUtilizationHighResolution",
    "ECSServiceAverageMemoryUtilization", "ECSServiceAverageMemoryUtilizationHighResolution",
)  # fmt: skip
"""The predefined metrics of ECS services (botocore application-autoscaling: MetricType)."""
_SCHEDULE = re.compile(
    r"at\(\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?\)|rate\([1-9]\d*\s?(minute|hour|day)s?\)|cron\(\S+(\s+\S+){4,6}\)"
)
"""The syntax of schedules (cdk-preflight 1.9.1, rules pf-appautoscaling-schedule-*, measured on AWS)."""
_ECS_COUNT = "ecs:service:DesiredCount"

_targets = AccountRegionScopedDict()
_policies = AccountRegionScopedDict()
_actions = AccountRegionScopedDict()
_tags = AccountRegionScopedDict()

Parameters = dict[str, Any]


def _key(parameters: Mapping[str, Any], *more: str) -> tuple[str, ...]:
    """Return the key of a target or, with a name, of one of its policies or scheduled actions."""
    names = ("ServiceNamespace", "ResourceId", "ScalableDimension", *more)
    return tuple(str(parameters[name]) for name in names)


def _now() -> float:
    return dt.datetime.now(dt.UTC).timestamp()


def _arn(kind: str) -> str:
    return f"arn:aws:{kind}:{get_region()}:{get_account_id()}"


def _missing(what: str) -> RefusedError:
    return RefusedError(f"ObjectNotFoundException: no {what} found for service namespace, resource ID and dimension")


def _register(parameters: Parameters) -> Parameters:
    key = _key(parameters)
    known: Parameters = _targets.get(key, {})
    if not known and not {"MinCapacity", "MaxCapacity"} <= parameters.keys():
        raise RefusedError("ValidationException: a new scalable target requires both MinCapacity and MaxCapacity")
    arn = known.get("ScalableTargetARN") or f"{_arn(_SERVICE)}:scalable-target/{new_uuid().replace('-', '')}"
    role = f"arn:aws:iam::{get_account_id()}:role/aws-service-role/{_SERVICE}/AWSServiceRoleForApplicationAutoScaling"
    shown = members(_SERVICE, "ScalableTarget")
    record = {"CreationTime": _now(), "RoleARN": role, **known, "ScalableTargetARN": arn}
    record |= {name: value for name, value in parameters.items() if name in shown}
    if record["MinCapacity"] > record["MaxCapacity"]:
        # cdk-preflight 1.9.1, rule pf-appautoscaling-min-max-capacity
        raise RefusedError("ValidationException: Maximum capacity cannot be less than minimum capacity")
    _keep_within(record)
    _targets[key] = record
    if "Tags" in parameters:
        _tags[arn] = parameters["Tags"]
    return {"ScalableTargetARN": arn}


def _keep_within(target: Parameters) -> None:
    """Bring an ECS service's desired count within the limits of its scalable target. Refuse an unknown service."""
    if target["ScalableDimension"] != _ECS_COUNT:
        return
    _, cluster, name = target["ResourceId"].split("/")
    service = ecs.services.get(f"{cluster}/{name}")
    if service is None or service["status"] != "ACTIVE":
        raise RefusedError(f"ValidationException: ECS service doesn't exist: {target['ResourceId']}")
    count = min(max(service["desiredCount"], target["MinCapacity"]), target["MaxCapacity"])
    if count != service["desiredCount"]:
        perform(ecs.update_service, {"cluster": cluster, "service": name, "desiredCount": count})


def _deregister(parameters: Parameters) -> Parameters:
    key = _key(parameters)
    if key not in _targets:
        raise _missing("scalable target")
    _tags.pop(_targets.pop(key)["ScalableTargetARN"], None)
    for records in (_policies, _actions):
        for other in [other for other in records if other[:3] == key]:
            records.pop(other)
    return {}


def _put_policy(parameters: Parameters) -> Parameters:
    if _key(parameters) not in _targets:
        raise _missing("scalable target")
    key = _key(parameters, "PolicyName")
    known: Parameters = _policies.get(key, {})
    namespace, resource_id, _, name = key
    _check_predefined(namespace, parameters)
    _check_metric(key, parameters)
    arn = known.get("PolicyARN") or (
        f"{_arn('autoscaling')}:scalingPolicy:{new_uuid()}:resource/{namespace}/{resource_id}:policyName/{name}"
    )
    stated = {"PolicyType": "StepScaling", "Alarms": [], "CreationTime": known.get("CreationTime", _now())}
    _policies[key] = {**stated, **parameters, "PolicyARN": arn}
    return {"PolicyARN": arn, "Alarms": []}


def _check_predefined(namespace: str, parameters: Parameters) -> None:
    """Refuse a predefined metric that ECS services do not have, and an ALB metric without a resource label."""
    stated = parameters.get("TargetTrackingScalingPolicyConfiguration") or {}
    metric = stated.get("PredefinedMetricSpecification") or {}
    kind = metric.get("PredefinedMetricType")
    if namespace == "ecs" and kind and kind not in _ECS_METRICS:
        raise RefusedError(  # cdk-preflight 1.9.1, rule pf-appautoscaling-predefined-metric-dimension
            f"ValidationException: Scalable dimension {_ECS_COUNT} only supports the following predefined metric "
            f"types: {', '.join(_ECS_METRICS)}"
        )
    if kind == "ALBRequestCountPerTarget" and not metric.get("ResourceLabel"):
        # cdk-preflight 1.9.1, rule pf-appautoscaling-alb-metric-requires-resource-label
        raise RefusedError(f"ValidationException: Resource label should be specified for predefined metric type {kind}")


def _check_metric(key: tuple[str, ...], parameters: Parameters) -> None:
    """Refuse a second policy that tracks the same metric of a target, even during a replacement of the first policy.

    The message is AWS's (cdklabs/cdk-ecs-service-extensions issue 35).
    """
    metric = _tracked(parameters)
    for other, policy in _policies.items():
        if metric is not None and other != key and other[:3] == key[:3] and _tracked(policy) == metric:
            raise RefusedError(
                "ValidationException: Only one TargetTrackingScaling policy for a given metric specification is "
                f"allowed; {policy['PolicyName']} already tracks it"
            )


def _tracked(policy: Mapping[str, Any]) -> Any:
    """Return the metric of a target tracking policy; None for other policies."""
    stated = policy.get("TargetTrackingScalingPolicyConfiguration") or {}
    return stated.get("PredefinedMetricSpecification") or stated.get("CustomizedMetricSpecification")


def _moving(dispatch: Callable[..., None]) -> Callable[..., None]:
    """Make alarms with enabled actions run the step scaling policies among their actions."""

    def dispatched(alarm: Parameters, old_state: str, new_state: str, reason: str) -> None:
        dispatch(alarm, old_state, new_state, reason)
        if alarm.get("ActionsEnabled", True):
            actions = alarm.get({"ALARM": "AlarmActions", "OK": "OKActions"}.get(new_state, ""), ())
            for key, policy in list(_policies.items()):
                if policy["PolicyARN"] in actions and policy["PolicyType"] == "StepScaling":
                    _move(_targets[key[:3]], policy["StepScalingPolicyConfiguration"])

    return dispatched


def _move(target: Parameters, steps: Mapping[str, Any]) -> None:
    """Apply a step scaling policy to a target's desired count, as if the metric were exactly at the threshold."""
    if target["ScalableDimension"] != _ECS_COUNT or target.get("SuspendedState", {}).get("DynamicScalingOutSuspended"):
        return
    _, cluster, name = target["ResourceId"].split("/")
    count = ecs.services[f"{cluster}/{name}"]["desiredCount"]
    step = min(steps["StepAdjustments"], key=_distance)["ScalingAdjustment"]
    if steps["AdjustmentType"] == "ExactCapacity":
        wanted = step
    else:
        part = steps["AdjustmentType"] == "PercentChangeInCapacity"
        change = math.floor(abs(count * step / 100)) or 1 if part else abs(step)
        wanted = count + int(math.copysign(max(change, steps.get("MinAdjustmentMagnitude", 0) if part else 0), step))
    wanted = min(max(wanted, target["MinCapacity"]), target["MaxCapacity"])
    if wanted != count:
        perform(ecs.update_service, {"cluster": cluster, "service": name, "desiredCount": wanted})


def _distance(adjustment: Mapping[str, Any]) -> float:
    """Return the distance between a step's interval and the threshold."""
    bounds = (
        adjustment.get("MetricIntervalLowerBound", -math.inf),
        adjustment.get("MetricIntervalUpperBound", math.inf),
    )
    return 0.0 if bounds[0] <= 0 <= bounds[1] else min(map(abs, bounds))


def _put_action(parameters: Parameters) -> Parameters:
    if _key(parameters) not in _targets:
        raise _missing("scalable target")
    if not _SCHEDULE.fullmatch(parameters.get("Schedule", "")):
        raise RefusedError(
            "ValidationException: Invalid schedule expression. Schedule expressions must have the following syntax: "
            r"rate(<number>\s?(minutes?|hours?|days?)), cron(<cron_expression>) or at(yyyy-MM-dd'T'HH:mm:ss)"
        )
    if parameters.get("Timezone", "UTC") not in zoneinfo.available_timezones():
        # cdk-preflight 1.9.1, rule pf-appautoscaling-scheduled-action-timezone-iana
        raise RefusedError(f"ValidationException: Invalid schedule timezone: {parameters['Timezone']}")
    key = _key(parameters, "ScheduledActionName")
    known: Parameters = _actions.get(key, {})
    namespace, resource_id, _, name = key
    arn = (
        f"{_arn('autoscaling')}:scheduledAction:{new_uuid()}"
        f":resource/{namespace}/{resource_id}:scheduledActionName/{name}"
    )
    _actions[key] = {"CreationTime": _now(), "ScheduledActionARN": arn, **known, **parameters}
    return {}


def _deleting(records: Any, name: str, what: str) -> Callable[[Parameters], Parameters]:
    def delete(parameters: Parameters) -> Parameters:
        if records.pop(_key(parameters, name), None) is None:
            raise _missing(what)
        return {}

    return delete


def _describing(records: Any, answer: str, **filters: str) -> Callable[[Parameters], Parameters]:
    """Return an operation that describes records.

    Args:
        records: The scalable targets, scaling policies or scheduled actions, by key.
        answer: The member of the output that lists the records.
        filters: For each input parameter that is a list, by name: the member of a record whose value must be in the
            list.
    """

    def describe(parameters: Parameters) -> Parameters:
        single = ("ServiceNamespace", "ResourceId", "ScalableDimension")
        wanted = {name: [parameters[name]] for name in single if name in parameters}
        wanted |= {member: parameters[name] for name, member in filters.items() if name in parameters}
        return {answer: [r for r in records.values() if all(r[name] in values for name, values in wanted.items())]}

    return describe


def _tag(parameters: Parameters) -> Parameters:
    _tags[parameters["ResourceARN"]] = _tags.get(parameters["ResourceARN"], {}) | parameters["Tags"]
    return {}


def _untag(parameters: Parameters) -> Parameters:
    tags = _tags.get(parameters["ResourceARN"], {})
    _tags[parameters["ResourceARN"]] = {key: value for key, value in tags.items() if key not in parameters["TagKeys"]}
    return {}


_OPERATIONS: Mapping[str, Callable[[Parameters], Parameters]] = {
    "RegisterScalableTarget": _register,
    "DeregisterScalableTarget": _deregister,
    "DescribeScalableTargets": _describing(_targets, "ScalableTargets", ResourceIds="ResourceId"),
    "PutScalingPolicy": _put_policy,
    "DeleteScalingPolicy": _deleting(_policies, "PolicyName", "scaling policy"),
    "DescribeScalingPolicies": _describing(_policies, "ScalingPolicies", PolicyNames="PolicyName"),
    "PutScheduledAction": _put_action,
    "DeleteScheduledAction": _deleting(_actions, "ScheduledActionName", "scheduled action"),
    "DescribeScheduledActions": _describing(_actions, "ScheduledActions", ScheduledActionNames="ScheduledActionName"),
    "DescribeScalingActivities": lambda _: {"ScalingActivities": []},
    "TagResource": _tag,
    "UntagResource": _untag,
    "ListTagsForResource": lambda parameters: {"Tags": _tags.get(parameters["ResourceARN"], {})},
}


def install() -> None:
    """Register the service with ministack."""
    router.SERVICE_PATTERNS[_SERVICE] = {"target_prefixes": [_TARGET], "host_patterns": [rf"{_SERVICE}\."]}
    app.SERVICE_HANDLERS[_SERVICE] = json_service(_OPERATIONS)
    cloudwatch.dispatch_alarm_actions = _moving(cloudwatch.dispatch_alarm_actions)


class ScalableTarget(Resource):
    """A scalable target, with its scheduled actions."""

    type = "AWS::ApplicationAutoScaling::ScalableTarget"

    def create(self, properties: Properties, name: str) -> Made:
        stated = {key: value for key, value in properties.items() if key not in ("ScheduledActions", "Tags")}
        parameters = request(_SERVICE, "RegisterScalableTarget", stated)
        if "Tags" in properties:
            parameters["Tags"] = {tag["Key"]: tag["Value"] for tag in properties["Tags"]}
        _register(parameters)
        identity = {key: parameters[key] for key in ("ServiceNamespace", "ResourceId", "ScalableDimension")}
        wanted = properties.get("ScheduledActions", [])
        for action in wanted:
            _put_action(request(_SERVICE, "PutScheduledAction", {**action, **identity}))
        names = {action["ScheduledActionName"] for action in wanted}
        for other in [other for other in _actions if other[:3] == _key(identity) and other[3] not in names]:
            _actions.pop(other)
        physical_id = "|".join(
            (parameters["ResourceId"], parameters["ScalableDimension"], parameters["ServiceNamespace"])
        )
        return Made(physical_id, {"Id": physical_id})

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        return self.create({"Tags": [], **new} if "Tags" in old else new, physical_id)

    def delete(self, physical_id: str, properties: Properties) -> None:
        identity = _identity(physical_id)
        if _key(identity) in _targets:
            _deregister(identity)


class ScalingPolicy(Resource):
    """A scaling policy of a scalable target."""

    type = "AWS::ApplicationAutoScaling::ScalingPolicy"

    def create(self, properties: Properties, name: str) -> Made:
        stated = {key: value for key, value in properties.items() if key != "ScalingTargetId"}
        if "ScalingTargetId" in properties:
            stated |= _identity(properties["ScalingTargetId"])
        arn = _put_policy(request(_SERVICE, "PutScalingPolicy", stated))["PolicyARN"]
        return Made(arn, {"Arn": arn})

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        return self.create(new, physical_id)

    def delete(self, physical_id: str, properties: Properties) -> None:
        for key in [key for key, policy in _policies.items() if policy["PolicyARN"] == physical_id]:
            _policies.pop(key)


def _identity(target_id: str) -> dict[str, str]:
    resource_id, dimension, namespace = target_id.split("|")
    return {"ServiceNamespace": namespace, "ResourceId": resource_id, "ScalableDimension": dimension}
