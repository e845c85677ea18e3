"""A violation of a policy rule, and the error for policy engines and acknowledgements."""

from __future__ import annotations

import attrs

from moorage.assembly.cloud_assembly import Stack

APP = "the app"
"""The path of a violation for which a plugin names no construct."""


class PolicyError(Exception):
    """The error for a policy engine that fails or a file of acknowledgements that is wrong."""


@attrs.frozen(order=True)
class Violation:
    """A rule that a resource violates.

    Args:
        rule: The rule with its engine: `nag:ECS4`, `cfn-lint:W3005`, `checkov:CKV_AWS_1`.
        path: The path of the construct; `APP` if a plugin names no construct.
        message: The engine's own sentence; empty if it has none.
    """

    rule: str
    path: str
    message: str = attrs.field(default="", eq=False)


def path_of(stack: Stack, logical_id: str) -> str:
    """Return the construct path of a resource; the path of the stack if the stack has no such resource.

    Args:
        stack: The stack.
        logical_id: The logical ID, as an engine names it.
    """
    return next((resource.path for resource in stack.resources if resource.logical_id == logical_id), stack.path)
