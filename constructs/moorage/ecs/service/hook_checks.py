"""The hooks of a rollout, checked for functions that ECS does not reach, for secrets in plain view and for time."""

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
"""The time limit of the hook that runs a pre-deployment task: an hour, and five minutes to stop it."""
_DEFAULT_PAUSE_SECONDS = 24 * 3600
"""ECS's own time limit of a hook (botocore DeploymentLifecycleHookTimeoutConfiguration)."""
_CLOUDFORMATION_SECONDS = 36 * 3600
"""CloudFormation's time limit of an ECS service (its schema, handlers.update.timeoutInMinutes)."""


def check_hooks(hooks: Iterable[LifecycleHook], scope: IConstruct, problems: Problems) -> None:
    """Note functions of another region than that of `scope`, and the values of secrets in details."""
    for hook in hooks:
        check_place(problems, "the function of a hook", hook.handler, scope, across_accounts=True)
        check_unwrapped(hook._plain_texts, lambda value: cdk.Stack.of(scope).resolve(value), problems)


def check_longest(rollout: Rollout, problems: Problems, *, connections: bool, pre_deployment: bool) -> None:
    """Note a rollout that CloudFormation does not wait for, with what its service adds.

    Args:
        rollout: The rollout.
        problems: The problems to add to.
        connections: Whether a network load balancer's traffic is shifted.
        pre_deployment: Whether a task runs before each deployment.
    """
    waits = rollout._network_load_balancer_wait if connections else 0
    if added_seconds := waits + pre_deployment * PRE_DEPLOYMENT_MINUTES * 60:
        rollout._check_longest(problems, added_seconds)


def long_pauses_warning(rollout: Rollout) -> str | None:
    """Describe pauses that together may last longer than CloudFormation waits, since ECS gives each a day."""
    longest = rollout._total_bake + rollout._longest_hooks(_DEFAULT_PAUSE_SECONDS)
    if longest <= _CLOUDFORMATION_SECONDS:
        return None
    return (
        f"the pauses of the rollout may last {longest // 3600} hours in all, since one without timeout= lasts a day, "
        "and CloudFormation gives the service up after 36; give each a timeout=, or acknowledge this"
    )
