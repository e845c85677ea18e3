"""The stacks that define the security group rules which several services share: EC2 accepts each rule only once."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import aws_cdk as cdk

from moorage.scope.per_construct import PerConstruct

if TYPE_CHECKING:
    from constructs import IConstruct

Rule: TypeAlias = tuple[str | int | bool, ...]
"""The IDs of the groups (or tokens for them), the ports, and True for UDP."""

_stacks_by_rule: PerConstruct[IConstruct, dict[Rule, cdk.Stack]] = PerConstruct()
"""For each stage: the stack that defines each rule."""


def is_first(stack: cdk.Stack, *rule: str | int | bool) -> bool:
    """Return True if `stack` must define a rule, since it is the first stack of its stage that needs the rule.

    Make any other stack depend on the first stack. Otherwise, the tasks of the other stack could start before
    the rule exists, for example, before the load balancer can reach them.
    """
    stage = cdk.Stage.of(stack) or stack.node.root
    stacks = _stacks_by_rule.get_or_make(stage, dict)
    if rule not in stacks:
        stacks[rule] = stack
        return True
    if stacks[rule] is not stack:
        stack.add_stack_dependency(stacks[rule])
    return False
