"""The hooks of a rollout, checked for functions that ECS does not reach and for secrets in plain view."""

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


def check_hooks(hooks: Iterable[LifecycleHook], scope: IConstruct, problems: Problems) -> None:
    """Note functions of another region than that of `scope`, and the values of secrets in details."""
    for hook in hooks:
        check_place(problems, "the function of a hook", hook.handler, scope, across_accounts=True)
        check_unwrapped(hook._plain_texts, lambda value: cdk.Stack.of(scope).resolve(value), problems)
