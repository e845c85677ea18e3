"""A rule that a resource fails."""

from __future__ import annotations

import attrs


@attrs.frozen(order=True)
class Violation:
    """A rule that a resource fails.

    Args:
        rule: The rule with its engine: `nag:ECS4`, `cfn-lint:W3005`, `checkov:CKV_AWS_1`.
        path: The path of the construct.
        message: The engine's own sentence; empty if it has none.
    """

    rule: str
    path: str
    message: str = attrs.field(default="", eq=False)
