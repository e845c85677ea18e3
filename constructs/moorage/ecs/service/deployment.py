"""What a rollout becomes: ECS's deployment configuration, its hooks and its alarms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam

from moorage.ecs.cdk_values import duration, ecs_itself
from moorage.workload.rollout import Rollout, Shift

if TYPE_CHECKING:
    from constructs import Construct

    from moorage.ecs.capacity.placement import Placement
    from moorage.ecs.load_balancing.target import Target
    from moorage.workload.lifecycle_hooks import LifecycleHook
    from moorage.workload.rollout import CircuitBreaker

ROLLING = Rollout.rolling()
DAEMON = Rollout.rolling(minimum_healthy_percent=0, maximum_percent=100)
"""Of a daemon each task stops before the next starts in its place."""

_STRATEGIES: Mapping[Shift, ecs.DeploymentStrategy] = {
    Shift.BLUE_GREEN: ecs.DeploymentStrategy.BLUE_GREEN,
    Shift.CANARY: ecs.DeploymentStrategy.CANARY,
    Shift.LINEAR: ecs.DeploymentStrategy.LINEAR,
}


def deployment(rollout: Rollout, placement: Placement) -> dict[str, Any]:
    """How a new version replaces the old one, as arguments of CDK's services."""
    zones = ecs.AvailabilityZoneRebalancing
    # Zone rebalancing starts a task before it stops one, so it needs room for more than all of them.
    balanced = placement.zones_first and rollout.maximum_percent > 100  # noqa: PLR2004  # percent
    given: dict[str, Any] = {
        "min_healthy_percent": rollout.minimum_healthy_percent,
        "max_healthy_percent": rollout.maximum_percent,
        "availability_zone_rebalancing": zones.ENABLED if balanced else zones.DISABLED,
    }
    if rollout.circuit_breaker:
        given["circuit_breaker"] = ecs.DeploymentCircuitBreaker(rollback=rollout.circuit_breaker.rollback)
    if rollout.final_bake is not None:
        given["bake_time"] = duration(rollout.final_bake)
    if rollout._shifts_traffic:
        given["deployment_strategy"] = _STRATEGIES[rollout.shift]
    if rollout.bake is not None:
        steps = ecs.TrafficShiftConfig(step_percent=rollout.percent, step_bake_time=duration(rollout.bake))
        given[f"{rollout.shift.value.lower()}_configuration"] = steps
    return given


def complete(
    scope: Construct,
    service: ecs.BaseService,
    rollout: Rollout,
    targets: Sequence[Target],
    hooks: Sequence[LifecycleHook],
) -> dict[str, Any]:
    """Define alarms and hooks; returns what CDK does not take of a deployment, by its path."""
    found: dict[str, Any] = {}
    if rollout.circuit_breaker:
        found |= _breaker(rollout.circuit_breaker)
    if rollout.early_success:
        found["EarlySuccessCriteria"] = {
            "Enable": True,
            "HealthyPercent": rollout.early_success.healthy_percent,
            "SourceServiceRevisionCleanup": "BLOCKING" if rollout.early_success.remove_old_first else "DEFERRED",
        }
    if rollout.alarms:
        from moorage.ecs.service.rollback_alarms import define_alarms  # noqa: PLC0415  # loads aws_cdk.aws_cloudwatch

        defined = [name for target in targets for name in define_alarms(scope, rollout.alarms, target)]
        names = [*defined, *(alarm.alarm_name for alarm in rollout.alarms.extra_alarms)]
        found["Alarms"] = {"AlarmNames": names, "Enable": True, "Rollback": True}
    if hooks:
        role = _role_to_invoke(scope, service, hooks)
        found["LifecycleHooks"] = [_rendered(hook, role) for hook in hooks]
    return found


def _breaker(breaker: CircuitBreaker) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if breaker.threshold:
        found["DeploymentCircuitBreaker.ThresholdConfiguration"] = {
            "Type": breaker.threshold.value,
            "Value": breaker.value,
        }
    if not breaker.reset_on_healthy_task:
        found["DeploymentCircuitBreaker.ResetOnHealthyTask"] = False
    return found


def _role_to_invoke(scope: Construct, service: ecs.BaseService, hooks: Sequence[LifecycleHook]) -> iam.Role | None:
    functions = [hook.handler for hook in hooks if hook.handler]
    if not functions:
        return None
    role = iam.Role(scope, "HookRole", assumed_by=ecs_itself())
    for function in functions:
        role.add_to_policy(iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[function.function_arn]))
    service.node.add_dependency(role)
    return role


def _rendered(hook: LifecycleHook, role: iam.Role | None) -> dict[str, Any]:
    rendered: dict[str, Any] = {
        "TargetType": "AWS_LAMBDA" if hook.handler else "PAUSE",
        "LifecycleStages": [stage.value for stage in hook.stages],
    }
    if hook.handler and role:
        rendered |= {"HookTargetArn": hook.handler.function_arn, "RoleArn": role.role_arn}
    if hook._details_json:
        rendered["HookDetails"] = hook._details_json
    if hook.timeout is not None or hook.continue_on_timeout:
        waits = {} if hook.timeout is None else {"TimeoutInMinutes": hook.timeout // 60}
        rendered["TimeoutConfiguration"] = {**waits, "Action": "CONTINUE" if hook.continue_on_timeout else "ROLLBACK"}
    return rendered
