"""ECS's deployment configuration for a rollout, with its hooks and alarms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam

from moorage.delivery.alarm_topic import let_alarms_publish
from moorage.ecs.cdk_values import duration, ecs_principal
from moorage.scope.acknowledgements import POLICY_OF_ONE_ROLE, acknowledge
from moorage.workload.rollout import Rollout, Shift

if TYPE_CHECKING:
    from constructs import Construct

    from moorage.ecs.capacity.placement import Placement
    from moorage.ecs.load_balancing.target import Target
    from moorage.workload.circuit_breaker import CircuitBreaker
    from moorage.workload.lifecycle_hooks import LifecycleHook

DEFAULT_ROLLOUT = Rollout.rolling()
DAEMON_ROLLOUT = Rollout.rolling(minimum_healthy_percent=0, maximum_percent=100)
"""The default for daemons: on each instance, the old task stops before the new task starts."""

_DEPLOYMENT_STRATEGIES: Mapping[Shift, ecs.DeploymentStrategy] = {
    Shift.BLUE_GREEN: ecs.DeploymentStrategy.BLUE_GREEN,
    Shift.CANARY: ecs.DeploymentStrategy.CANARY,
    Shift.LINEAR: ecs.DeploymentStrategy.LINEAR,
}


def deployment_arguments(rollout: Rollout, placement: Placement) -> dict[str, Any]:
    """Return the rollout and the zone rebalancing, which depends on the placement, as arguments of CDK's services."""
    rebalancing = ecs.AvailabilityZoneRebalancing
    # Zone rebalancing starts a task before it stops another, so it needs a maximum above 100%.
    rebalances = placement._spreads_over_zones_first and rollout.maximum_percent > 100  # noqa: PLR2004  # percent
    arguments: dict[str, Any] = {
        "min_healthy_percent": rollout.minimum_healthy_percent,
        "max_healthy_percent": rollout.maximum_percent,
        "availability_zone_rebalancing": rebalancing.ENABLED if rebalances else rebalancing.DISABLED,
    }
    breaker = rollout.circuit_breaker
    arguments["circuit_breaker"] = (
        ecs.DeploymentCircuitBreaker(rollback=breaker.rollback)
        if breaker
        else ecs.DeploymentCircuitBreaker(enable=False)  # otherwise CDK warns, even for a rollout without breakers
    )
    if rollout.final_bake is not None:
        arguments["bake_time"] = duration(rollout.final_bake)
    if rollout._shifts_traffic:
        arguments["deployment_strategy"] = _DEPLOYMENT_STRATEGIES[rollout.shift]
    if rollout.bake is not None:
        steps = ecs.TrafficShiftConfig(step_percent=rollout.percent, step_bake_time=duration(rollout.bake))
        arguments[f"{rollout.shift.value.lower()}_configuration"] = steps
    return arguments


def define_deployment_properties(
    scope: Construct,
    service: ecs.BaseService,
    rollout: Rollout,
    targets: Sequence[Target],
    hooks: Sequence[LifecycleHook],
    start_period: int,
) -> dict[str, Any]:
    """Define the alarms and the hook role of a rollout.

    Return the properties to override in `DeploymentConfiguration`, by property path.
    """
    properties: dict[str, Any] = {}
    if rollout.circuit_breaker:
        properties |= _circuit_breaker_properties(rollout.circuit_breaker)
    if rollout.early_success:
        properties["EarlySuccessCriteria"] = {
            "Enable": True,
            "HealthyPercent": rollout.early_success.healthy_percent,
            "SourceServiceRevisionCleanup": "BLOCKING" if rollout.early_success.remove_old_first else "DEFERRED",
        }
    if rollout.alarms:
        from moorage.ecs.service.rollback_alarms import define_rollback_alarms  # noqa: PLC0415  # loads aws_cdk.aws_cloudwatch

        if rollout.alarms.topic is not None:
            let_alarms_publish(rollout.alarms.topic, scope)
        in_order = sorted(targets, key=lambda target: target.suffix)  # independent of the order of the routes
        alarm_names = [
            name
            for target in in_order
            for name in define_rollback_alarms(scope, rollout.alarms, target, start_period=start_period)
        ]
        all_alarm_names = [*alarm_names, *(alarm.alarm_name for alarm in rollout.alarms.extra_alarms)]
        properties["Alarms"] = {"AlarmNames": all_alarm_names, "Enable": True, "Rollback": True}
    if hooks:
        role = _define_hook_role(scope, service, hooks)
        properties["LifecycleHooks"] = [_hook_property(hook, role) for hook in hooks]
    return properties


def _circuit_breaker_properties(breaker: CircuitBreaker) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    if breaker.threshold:
        properties["DeploymentCircuitBreaker.ThresholdConfiguration"] = {
            "Type": breaker.threshold.value,
            "Value": breaker.value,
        }
    if not breaker.reset_on_healthy_task:
        properties["DeploymentCircuitBreaker.ResetOnHealthyTask"] = False
    return properties


def _define_hook_role(scope: Construct, service: ecs.BaseService, hooks: Sequence[LifecycleHook]) -> iam.Role | None:
    functions = [hook.handler for hook in hooks if hook.handler]
    if not functions:
        return None
    role = iam.Role(scope, "HookRole", assumed_by=ecs_principal())
    for function in functions:
        role.add_to_policy(iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[function.function_arn]))
    acknowledge(role, *POLICY_OF_ONE_ROLE)
    service.node.add_dependency(role)
    return role


def _hook_property(hook: LifecycleHook, role: iam.Role | None) -> dict[str, Any]:
    hook_property: dict[str, Any] = {
        "TargetType": "AWS_LAMBDA" if hook.handler else "PAUSE",
        "LifecycleStages": [stage.value for stage in hook.stages],
    }
    if hook.handler and role:
        hook_property |= {"HookTargetArn": hook.handler.function_arn, "RoleArn": role.role_arn}
    if hook._details_json:
        hook_property["HookDetails"] = hook._details_json
    if hook.timeout is not None or hook.continue_on_timeout:
        timeout = {} if hook.timeout is None else {"TimeoutInMinutes": hook.timeout // 60}
        hook_property["TimeoutConfiguration"] = {
            **timeout,
            "Action": "CONTINUE" if hook.continue_on_timeout else "ROLLBACK",
        }
    return hook_property
