"""The lifecycle hooks that run at the stages of a rollout."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs

from moorage.workload import rollout_limits
from moorage.workload.durations import optional_seconds
from moorage.workload.plain_texts import PlainText, check_literals
from moorage.workload.problems import Problems
from moorage.workload.value import value_class

if TYPE_CHECKING:
    import datetime as dt

    import aws_cdk as cdk
    from aws_cdk import aws_lambda as lambda_


class LifecycleStage(enum.Enum):
    """A stage of a rollout at which a hook can run.

    Only rollouts that shift traffic have the last five stages. The ECS developer guide describes the stages in
    "Lifecycle hooks for Amazon ECS service deployments".
    """

    RECONCILE_SERVICE = "RECONCILE_SERVICE"
    PRE_SCALE_UP = "PRE_SCALE_UP"
    POST_SCALE_UP = "POST_SCALE_UP"
    TEST_TRAFFIC_SHIFT = "TEST_TRAFFIC_SHIFT"
    POST_TEST_TRAFFIC_SHIFT = "POST_TEST_TRAFFIC_SHIFT"
    PRE_PRODUCTION_TRAFFIC_SHIFT = "PRE_PRODUCTION_TRAFFIC_SHIFT"
    PRODUCTION_TRAFFIC_SHIFT = "PRODUCTION_TRAFFIC_SHIFT"
    POST_PRODUCTION_TRAFFIC_SHIFT = "POST_PRODUCTION_TRAFFIC_SHIFT"

    @property
    def _shifts_traffic(self) -> bool:
        """True if only rollouts that shift traffic have this stage."""
        return self.value.endswith("TRAFFIC_SHIFT")

    @property
    def _is_of_each_shift(self) -> bool:
        """True if canary and linear rollouts reach this stage at each step (botocore DeploymentLifecycleHook)."""
        return self.value.endswith("PRODUCTION_TRAFFIC_SHIFT") and not self.value.startswith("POST")


_STAGES_WITHOUT_PAUSE = (LifecycleStage.TEST_TRAFFIC_SHIFT, LifecycleStage.PRODUCTION_TRAFFIC_SHIFT)


@value_class
@attrs.frozen(eq=False)
class LifecycleHook:
    """A Lambda function that ECS invokes, or a pause, at the stages of each rollout.

    Create a hook with `LifecycleHook.function` or `LifecycleHook.pause`.

    Args:
        stages: The stages at which the hook runs.
        handler: The function, or None for a pause.
        details: The value that the function receives as `hookDetails`.
        timeout: The time that ECS waits for a response, in seconds, or None for the default of 24 hours.
        continue_on_timeout: Whether to continue the rollout after the timeout instead of rolling back.
    """

    stages: tuple[LifecycleStage, ...]
    handler: lambda_.IFunction | None
    details: Mapping[str, Any]
    timeout: int | None
    continue_on_timeout: bool

    @classmethod
    def function(
        cls,
        handler: lambda_.IFunction,
        *stages: LifecycleStage,
        details: Mapping[str, Any] | None = None,
        timeout: cdk.Duration | dt.timedelta | None = None,
        continue_on_timeout: bool = False,
    ) -> LifecycleHook:
        """Invoke a Lambda function that returns `{"hookStatus": "SUCCEEDED"}`, `"FAILED"` or `"IN_PROGRESS"`.

        Args:
            handler: The function. The ECS developer guide describes its event and its result in "Lambda hooks".
            *stages: The stages at which the function is invoked, at least one.
            details: The value that the function receives as `hookDetails`. Anyone who can read the service can read
                this value. Default: none.
            timeout: The time that ECS waits for `SUCCEEDED` or `FAILED`, 1 to 20,160 whole minutes. More than 1,440
                minutes cause a warning, since the ECS developer guide gives this maximum for functions. The hooks, bake
                times and shifts of a rollout can take 33 hours in total. Default: 24 hours.
            continue_on_timeout: Whether to continue the rollout after the timeout instead of rolling back.
                Default: False.

        Raises:
            ValueError: If there is no stage, the timeout is outside its limit, or `details` is not valid JSON or
                contains a secret.
        """
        return cls._create(stages, handler, details, timeout, continue_on_timeout)

    @classmethod
    def pause(
        cls,
        *stages: LifecycleStage,
        timeout: cdk.Duration | dt.timedelta | None = None,
        continue_on_timeout: bool = False,
    ) -> LifecycleHook:
        """Pause until ECS's ContinueServiceDeployment continues or rolls back the rollout, or until the timeout.

        Args:
            *stages: The stages at which the rollout pauses, at least one. A rollout cannot pause while traffic shifts.
            timeout: The time that ECS waits, 1 to 20,160 whole minutes (14 days). The hooks, bake times and shifts of a
                rollout can take 33 hours in total. Default: 24 hours.
            continue_on_timeout: Whether to continue the rollout after the timeout instead of rolling back.
                Default: False.

        Raises:
            ValueError: If there is no stage, ECS cannot pause at a stage, or the timeout is outside its limit.
        """
        return cls._create(stages, None, None, timeout, continue_on_timeout)

    @classmethod
    def _create(
        cls,
        stages: tuple[LifecycleStage, ...],
        handler: lambda_.IFunction | None,
        details: Mapping[str, Any] | None,
        timeout: cdk.Duration | dt.timedelta | None,
        continue_on_timeout: bool,  # noqa: FBT001  # private, and a keyword argument of both public methods
    ) -> LifecycleHook:
        """Create a hook, after a check of the arguments; `function` and `pause` document the errors."""
        given_details, seconds = dict(details or {}), optional_seconds(timeout)
        problems = Problems("LifecycleHook.function" if handler else "LifecycleHook.pause")
        if not stages:
            problems.add(
                "stages must not be empty (got none); use at least one stage, such as LifecycleStage.PRE_SCALE_UP"
            )
        for stage in stages:
            if handler is None and stage in _STAGES_WITHOUT_PAUSE:
                problems.add(
                    f"stages must not have {stage.name}, since ECS does not pause while traffic is shifting; "
                    f"use POST_{stage.name} or an earlier stage"
                )
        problems.check(rollout_limits.HOOK_TIMEOUT, "timeout", seconds)
        if handler:
            problems.check(rollout_limits.FUNCTION_TIMEOUT, "timeout", seconds)
        try:
            json.dumps(given_details)
        except TypeError as error:
            problems.add(f"details must be valid JSON (got {error}); use strings, numbers, lists and mappings")
        check_literals(_plain_texts(given_details), problems)
        problems.raise_any()
        return cls(stages, handler, MappingProxyType(given_details), seconds, continue_on_timeout)

    @property
    def _plain_texts(self) -> list[PlainText]:
        """The texts that anyone with access to the service can read."""
        return _plain_texts(self.details)

    @property
    def _details_json(self) -> str | None:
        """The details in the form of CloudFormation: a JSON object in a string, or None if there are no details."""
        return json.dumps(dict(self.details), sort_keys=True) if self.details else None


def _plain_texts(details: Mapping[str, Any]) -> list[PlainText]:
    way_out = "pass the name of a secret, which the function reads"
    return [PlainText("details", name, value, way_out, "can see the service") for name, value in details.items()]
