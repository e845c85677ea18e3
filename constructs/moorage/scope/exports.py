"""Values that stay exported from a stack when no other stack imports them any more."""

from __future__ import annotations

from collections.abc import Iterable

import aws_cdk as cdk
from constructs import Construct

from moorage.workload.problems import is_token

_STRENGTH_CONTEXT = "@aws-cdk/core:defaultCrossStackReferences"


def keep_exported(construct: Construct, values: Iterable[str]) -> None:
    """Export values from the stack of `construct`, under the names that CDK derives, before and after they are used.

    CDK exports only what is imported. A stack that stops importing a value is deployed after the one that exports it,
    which CloudFormation refuses to change then: the export is in use (aws-cdk #7602). Weak references, which `cdk init`
    sets, read outputs and export nothing.

    Args:
        construct: The construct whose stack exports them.
        values: Attributes of resources of that stack.
    """
    if construct.node.try_get_context(_STRENGTH_CONTEXT) == "weak":
        return
    stack = cdk.Stack.of(construct)
    if stack.nested:  # its exports would be those of its parent, which CDK makes as they are needed
        return
    for value in values:
        stack.export_value(value)


def is_of_stack(value: str, construct: Construct) -> bool:
    """Tell whether a value is an attribute or a parameter of the stack of `construct`, so that it can export it."""
    if not is_token(value):
        return False
    reference = cdk.Tokenization.reverse_complete_string(value)
    return isinstance(reference, cdk.Reference) and cdk.Stack.of(reference.target) is cdk.Stack.of(construct)
