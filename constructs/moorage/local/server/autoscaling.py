"""Amazon EC2 Auto Scaling: the tags that a stack gives its groups."""

from __future__ import annotations

from typing import Any

from ministack.services.cloudformation import stacks


def install() -> None:
    """Let a group's instances inherit the stack's tags, which the schema wants said of each tag."""
    with_stack_tags = stacks._with_stack_tags

    def tagged(resource_type: str, *parameters: Any) -> dict[str, Any]:
        properties: dict[str, Any] = with_stack_tags(resource_type, *parameters)
        if resource_type == "AWS::AutoScaling::AutoScalingGroup":
            properties["Tags"] = [{"PropagateAtLaunch": True, **tag} for tag in properties["Tags"]]
        return properties

    stacks._with_stack_tags = tagged
