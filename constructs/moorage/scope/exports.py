"""The values that a stack exports even if no other stack imports them any more."""

from __future__ import annotations

from collections.abc import Iterable

import aws_cdk as cdk
from constructs import Construct

from moorage.workload.problems import is_token

_STRENGTH_CONTEXT = "@aws-cdk/core:defaultCrossStackReferences"


def keep_exported(construct: Construct, values: Iterable[str]) -> None:
    """Export values from the stack of `construct`, even if no other stack imports them.

    CDK exports only values that other stacks import. A stack that stops importing a value is deployed after the stack
    that exports it. CloudFormation then refuses to remove the export, which is still in use (aws-cdk #7602). Weak
    references, which `cdk init` configures, read outputs and export nothing.

    Args:
        construct: The construct whose stack exports the values.
        values: The attributes of resources of that stack.
    """
    if construct.node.try_get_context(_STRENGTH_CONTEXT) == "weak":
        return
    stack = cdk.Stack.of(construct)
    if stack.nested:  # the exports would be those of its parent stack, which CDK creates as needed
        return
    for value in values:
        stack.export_value(value)


def is_of_stack(value: str, construct: Construct) -> bool:
    """Return whether a value is an attribute or parameter that the stack of `construct` can export."""
    if not is_token(value):
        return False
    reference = cdk.Tokenization.reverse_complete_string(value)
    return isinstance(reference, cdk.Reference) and cdk.Stack.of(reference.target) is cdk.Stack.of(construct)
