"""Amazon ECS: the deployment strategies, their defaults, and the configurations that ECS refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moorage.local.server.core.adapter import alb
from moorage.local.server.core.calls import RefusedError
from moorage.local.server.ecs import lifecycle_hooks as hooks
from moorage.local.server.services import elbv2, iam

ROLLING = "ROLLING"

_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    ROLLING: {"bakeTimeInMinutes": 0},
    "BLUE_GREEN": {"bakeTimeInMinutes": 15},
    "CANARY": {
        "bakeTimeInMinutes": 15,
        "canaryConfiguration": {"canaryPercent": 5.0, "canaryBakeTimeInMinutes": 10},
    },
    "LINEAR": {
        "bakeTimeInMinutes": 15,
        "linearConfiguration": {"stepPercent": 10.0, "stepBakeTimeInMinutes": 6},
    },
}
_OWN = {"canaryConfiguration": "CANARY", "linearConfiguration": "LINEAR", "earlySuccessCriteria": ROLLING}
_MOST_MINUTES = 1440
_MOST_MINUTES_OF_A_STACK = 33 * 60
_LEAST_PERCENT = {"canaryPercent": 0.1, "stepPercent": 3.0}


def completed(stated: Mapping[str, Any], *, daemon: bool) -> dict[str, Any]:
    """Return a deployment configuration with ECS's defaults.

    Args:
        stated: The configuration, in the API's format.
        daemon: True for a daemon service, whose old task on an instance may stop before the new task starts.
    """
    strategy = stated.get("strategy", ROLLING)
    percent = {"maximumPercent": 100 if daemon else 200, "minimumHealthyPercent": 0 if daemon else 100}
    result: dict[str, Any] = {**percent, "strategy": strategy, **_DEFAULTS[strategy], **stated}
    for name, value in _DEFAULTS[strategy].items():
        if isinstance(value, Mapping):
            result[name] = {**value, **stated.get(name, {})}
    return result


def steps(configuration: Mapping[str, Any]) -> list[float]:
    """Return the successive shares of production traffic, in percent, for the new revision."""
    if configuration["strategy"] == "CANARY":
        return sorted({configuration["canaryConfiguration"]["canaryPercent"], 100.0})
    if configuration["strategy"] == "LINEAR":
        step = configuration["linearConfiguration"]["stepPercent"]
        return [*(round(step * number, 1) for number in range(1, int(-(-100 // step)))), 100.0]
    return [100.0]


def check(service: Mapping[str, Any]) -> None:
    """Refuse a service with a deployment configuration that ECS does not accept.

    Args:
        service: The service, in the API's format.

    Raises:
        RefusedError: ECS does not accept the configuration.
    """
    configuration = service.get("deploymentConfiguration") or {}
    strategy = configuration.get("strategy", ROLLING)
    if service.get("deploymentController", {}).get("type", "ECS") != "ECS":
        for name in ("alarms", "lifecycleHooks", "deploymentCircuitBreaker", "bakeTimeInMinutes", "strategy"):
            if name in configuration:
                raise RefusedError(f"{name} is supported only with the ECS deployment controller.")
        return
    _check_numbers(configuration, strategy)
    _check_breaker(configuration.get("deploymentCircuitBreaker", {}))
    alarms = configuration.get("alarms", {})
    if alarms.get("enable") and not alarms.get("alarmNames"):
        raise RefusedError("At least one alarm name must be specified when deployment alarms are enabled.")
    if strategy != ROLLING:
        _check_shifting(service, strategy)
    hooks.check(configuration.get("lifecycleHooks", ()))
    for balancer in service.get("loadBalancers") or ():
        if "advancedConfiguration" in balancer:
            _check_advanced(balancer, balancer["advancedConfiguration"])


def _check_numbers(configuration: Mapping[str, Any], strategy: str) -> None:
    if strategy == ROLLING and configuration.get("minimumHealthyPercent") == configuration.get("maximumPercent") == 100:  # noqa: PLR2004  # percent
        # DeploymentConfiguration: no task may stop before another starts, and none may start before one stops
        raise RefusedError("Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments")
    for name, owner in _OWN.items():
        if name in configuration and strategy != owner:
            raise RefusedError(f"{name} is valid only with the deployment strategy {owner}, not with {strategy}.")
    bakes = {"bakeTimeInMinutes": configuration.get("bakeTimeInMinutes", 0)}
    shares = {**configuration.get("canaryConfiguration", {}), **configuration.get("linearConfiguration", {})}
    bakes |= {name: value for name, value in shares.items() if name.endswith("Minutes")}
    for name, minutes in bakes.items():
        if not 0 <= minutes <= _MOST_MINUTES:
            raise RefusedError(f"{name} must be between 0 and {_MOST_MINUTES} minutes, not {minutes}.")
    for name, least in _LEAST_PERCENT.items():
        percent = shares.get(name, least)
        if not least <= percent <= 100 or round(percent, 1) != percent:  # noqa: PLR2004  # percent
            raise RefusedError(f"{name} must be a multiple of 0.1 from {least} to 100.0, not {percent}.")
    early = configuration.get("earlySuccessCriteria", {})
    least_healthy = configuration.get("minimumHealthyPercent", 100)
    if not least_healthy <= early.get("healthyPercent", 100) <= 100:  # noqa: PLR2004  # percent
        raise RefusedError(
            f"healthyPercent of the early success criteria must be between minimumHealthyPercent ({least_healthy}) "
            f"and 100, not {early['healthyPercent']}."
        )


def _check_breaker(breaker: Mapping[str, Any]) -> None:
    threshold = breaker.get("thresholdConfiguration", {})
    kind, value = threshold.get("type", "BOUNDED_PERCENT"), threshold.get("value", 1)
    if value < 1 or (kind == "BOUNDED_PERCENT" and value > 100):  # noqa: PLR2004  # percent
        raise RefusedError(f"The value {value} of the deployment circuit breaker's threshold is not valid for {kind}.")


def _check_shifting(service: Mapping[str, Any], strategy: str) -> None:
    if service.get("schedulingStrategy") == "DAEMON":
        raise RefusedError(f"The DAEMON scheduling strategy does not support the deployment strategy {strategy}.")
    balancers = service.get("loadBalancers") or ()
    if any("advancedConfiguration" not in balancer for balancer in balancers):
        raise RefusedError(
            f"advancedConfiguration must be specified for every load balancer with the deployment strategy {strategy}."
        )
    connected = (service.get("serviceConnectConfiguration") or {}).get("enabled")
    if strategy in ("CANARY", "LINEAR") and not balancers and not connected:
        raise RefusedError(f"The deployment strategy {strategy} needs a load balancer or Service Connect.")


def _check_advanced(balancer: Mapping[str, Any], advanced: Mapping[str, Any]) -> None:
    groups = [balancer.get("targetGroupArn"), advanced["alternateTargetGroupArn"]]
    for group in groups:
        if group not in alb.tgs:
            raise RefusedError(f"The specified target group does not exist: {group}.")
    if groups[0] == groups[1]:
        raise RefusedError("alternateTargetGroupArn must not be the same target group as targetGroupArn.")
    if "productionListenerRule" not in advanced:
        raise RefusedError("productionListenerRule must be specified in advancedConfiguration.")
    if "roleArn" not in advanced:
        raise RefusedError("roleArn must be specified in advancedConfiguration.")
    if not iam.is_trusted(advanced["roleArn"], "ecs.amazonaws.com"):
        raise RefusedError(
            f"Unable to assume role and validate the specified targetGroupArn: {advanced['roleArn']}. Please verify "
            "that the ECS service role being passed has the proper permissions."
        )
    for name in ("productionListenerRule", "testListenerRule"):
        if name in advanced and not set(groups) & set(elbv2.weights(advanced[name])):
            raise RefusedError(f"{name} forwards to neither of the service's target groups: {advanced[name]}.")


def check_stack(configuration: Mapping[str, Any]) -> None:
    """Refuse a deployment whose bake times total more than 33 hours, as CloudFormation does.

    CloudFormation itself times out after 36 hours (template reference, "AWS::ECS::Service CanaryConfiguration").

    Args:
        configuration: The deployment configuration with ECS's defaults.

    Raises:
        RefusedError: The bake times total more than 33 hours.
    """
    minutes = configuration["bakeTimeInMinutes"]
    if configuration["strategy"] == "CANARY":
        minutes += configuration["canaryConfiguration"]["canaryBakeTimeInMinutes"]
    if configuration["strategy"] == "LINEAR":
        bakes = len(steps(configuration)) - 1
        minutes += configuration["linearConfiguration"]["stepBakeTimeInMinutes"] * bakes
    if minutes > _MOST_MINUTES_OF_A_STACK:
        raise RefusedError(f"the calculated deployment time of {minutes} minutes exceeds 33 hours")
