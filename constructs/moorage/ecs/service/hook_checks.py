"""Checks of a rollout's hooks: the region of functions, secrets in plain text, and the time limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk

from moorage.scope.place import check_place
from moorage.workload.plain_texts import check_unwrapped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from constructs import IConstruct

    from moorage.workload.lifecycle_hooks import LifecycleHook
    from moorage.workload.problems import Problems
    from moorage.workload.rollout import Rollout

PRE_DEPLOYMENT_MINUTES = 65
"""The timeout of the hook that runs a pre-deployment task, in minutes: an hour, and five minutes to stop the task."""
_DEFAULT_PAUSE_SECONDS = 24 * 3600
"""ECS's default timeout of a hook (botocore DeploymentLifecycleHookTimeoutConfiguration)."""
_CLOUDFORMATION_SECONDS = 36 * 3600
"""CloudFormation's timeout for an update of AWS::ECS::Service (its schema, handlers.update.timeoutInMinutes)."""


def check_hooks(hooks: Iterable[LifecycleHook], scope: IConstruct, problems: Problems) -> None:
    """Check that functions are in the region of `scope`, and that details contain no values of secrets."""
    for hook in hooks:
        check_place(problems, "the function of a hook", hook.handler, scope, across_accounts=True)
        check_unwrapped(hook._plain_texts, lambda value: cdk.Stack.of(scope).resolve(value), problems)


def check_longest(rollout: Rollout, problems: Problems, *, connections: bool, pre_deployment: bool) -> None:
    """Check that CloudFormation waits long enough for the rollout, including the time that the service adds.

    Args:
        rollout: The rollout.
        problems: The problems to add to.
        connections: True if the rollout shifts the traffic of a Network Load Balancer.
        pre_deployment: True if a task runs before each deployment.
    """
    waits = rollout._network_load_balancer_wait if connections else 0
    if added_seconds := waits + pre_deployment * PRE_DEPLOYMENT_MINUTES * 60:
        rollout._check_longest(problems, added_seconds)


def long_pauses_warning(rollout: Rollout) -> str | None:
    """Return a warning about pauses that together may last longer than CloudFormation waits, or None."""
    longest = rollout._total_bake + rollout._longest_hooks(_DEFAULT_PAUSE_SECONDS)
    if longest <= _CLOUDFORMATION_SECONDS:
        return None
    return (
        f"the pauses of the rollout may last {longest // 3600} hours in total, since a pause without timeout= may last "
        "a day, but CloudFormation stops waiting for a service after 36 hours; give each pause a timeout="
    )
