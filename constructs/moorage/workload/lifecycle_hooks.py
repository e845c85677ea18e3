"""What runs, or waits, at the stages of a rollout."""

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
    from aws_cdk import aws_lambda as lambda_

    from moorage.workload.durations import Duration


class LifecycleStage(enum.Enum):
    """A stage of a rollout at which a hook may run; the last five are of rollouts that shift traffic.

    AWS says what each means in the ECS developer guide, "Lifecycle hooks for Amazon ECS service deployments".
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
        """Return whether only a rollout that shifts traffic has this stage."""
        return self.value.endswith("TRAFFIC_SHIFT")

    @property
    def _is_of_each_shift(self) -> bool:
        """Return whether canary and linear rollouts have it at each step (botocore DeploymentLifecycleHook)."""
        return self.value.endswith("PRODUCTION_TRAFFIC_SHIFT") and not self.value.startswith("POST")


_STAGES_WITHOUT_PAUSE = (LifecycleStage.TEST_TRAFFIC_SHIFT, LifecycleStage.PRODUCTION_TRAFFIC_SHIFT)


@value_class
@attrs.frozen(eq=False)
class LifecycleHook:
    """A function that ECS asks, or a pause in which it waits for a person, at a stage of each rollout.

    Made by `LifecycleHook.function` or `LifecycleHook.pause`.

    Args:
        stages: When.
        handler: What is asked; None for a pause.
        details: What the function gets as `hookDetails`.
        timeout: How long ECS waits for an answer, in seconds; None for its own 24 hours.
        continue_on_timeout: Whether the rollout goes on when there was no answer in time, in place of going back.
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
        timeout: Duration | None = None,
        continue_on_timeout: bool = False,
    ) -> LifecycleHook:
        """A Lambda function that answers `{"hookStatus": "SUCCEEDED"}`, or `"FAILED"`, or `"IN_PROGRESS"`.

        Args:
            handler: The function. What it is given and may answer: ECS developer guide, "Lambda hooks".
            stages: When it is asked, one stage at least.
            details: What it gets as `hookDetails` besides; everyone who may see the service reads it.
            timeout: How long ECS waits for `SUCCEEDED` or `FAILED`, 1 to 20,160 whole minutes. More than 1,440 is a
                warning, since AWS's guide ends there. CloudFormation waits 33 hours for all of a rollout. Default: a
                day.
            continue_on_timeout: Whether the rollout goes on when there was no answer in time; it goes back without it.

        Raises:
            ValueError: there is no stage, the timeout is outside its limit, or the details are no JSON.
        """
        return cls._create(stages, handler, details, timeout, continue_on_timeout)

    @classmethod
    def pause(
        cls, *stages: LifecycleStage, timeout: Duration | None = None, continue_on_timeout: bool = False
    ) -> LifecycleHook:
        """A pause until somebody calls ECS's ContinueServiceDeployment, to go on or back.

        Args:
            stages: When, one stage at least; not while traffic is shifting.
            timeout: How long ECS waits, 1 to 20,160 whole minutes (14 days). CloudFormation waits 33 hours for all of a
                rollout. Default: a day.
            continue_on_timeout: Whether the rollout goes on when nobody called in time; it goes back without it.

        Raises:
            ValueError: there is no stage, or one at which ECS does not pause, or the timeout is outside its limit.
        """
        return cls._create(stages, None, None, timeout, continue_on_timeout)

    @classmethod
    def _create(
        cls,
        stages: tuple[LifecycleStage, ...],
        handler: lambda_.IFunction | None,
        details: Mapping[str, Any] | None,
        timeout: Duration | None,
        continue_on_timeout: bool,  # noqa: FBT001  # private, and always given by name at the two public places
    ) -> LifecycleHook:
        """Make a hook if its arguments are valid."""
        seconds = optional_seconds(timeout)
        problems = Problems("LifecycleHook.function" if handler else "LifecycleHook.pause")
        if not stages:
            problems.add("it names no stage, so it would never run; use LifecycleStage.PRE_SCALE_UP or another")
        for stage in stages:
            if handler is None and stage in _STAGES_WITHOUT_PAUSE:
                problems.add(
                    f"stage is {stage.name}, but ECS does not pause while traffic is shifting; "
                    f"use POST_{stage.name} or the stage before"
                )
        problems.check(rollout_limits.HOOK_TIMEOUT, "timeout", seconds)
        if handler:
            problems.check(rollout_limits.FUNCTION_TIMEOUT, "timeout", seconds)
        try:
            json.dumps(dict(details or {}))
        except TypeError as error:
            problems.add(f"details cannot be said in JSON ({error}); use texts, numbers, lists and mappings of them")
        check_literals(_plain_texts(details or {}), problems)
        problems.raise_any()
        return cls(stages, handler, MappingProxyType(dict(details or {})), seconds, continue_on_timeout)

    @property
    def _plain_texts(self) -> list[PlainText]:
        """Return the texts that are read with the service."""
        return _plain_texts(self.details)

    @property
    def _details_json(self) -> str | None:
        """Return the details as CloudFormation takes them: an object in a string."""
        return json.dumps(dict(self.details), sort_keys=True) if self.details else None


def _plain_texts(details: Mapping[str, Any]) -> list[PlainText]:
    way_out = "give the function the name of a secret, which it reads itself"
    return [PlainText("details", name, value, way_out, "may see the service") for name, value in details.items()]
