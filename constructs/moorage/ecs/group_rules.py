"""Who defines a rule of a security group that several services share: EC2 takes each rule once."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import aws_cdk as cdk

from moorage.scope.per_construct import PerConstruct

if TYPE_CHECKING:
    from constructs import IConstruct

Rule: TypeAlias = tuple[str | int | bool, ...]
"""The ids of the groups, or tokens for them, the ports, and whether they are of UDP."""

_stacks_by_rule: PerConstruct[IConstruct, dict[Rule, cdk.Stack]] = PerConstruct()
"""The stack that defines each rule of a stage."""


def is_first(stack: cdk.Stack, *rule: str | int | bool) -> bool:
    """Tell whether `stack` is the one that is to define a rule: the first of its stage that asks for it.

    Every other stack is deployed after that one, or its tasks would start before the rule lets anyone reach them.
    """
    stage = cdk.Stage.of(stack) or stack.node.root
    stacks = _stacks_by_rule.get_or_make(stage, dict)
    if rule not in stacks:
        stacks[rule] = stack
        return True
    if stacks[rule] is not stack:
        stack.add_stack_dependency(stacks[rule])
    return False
