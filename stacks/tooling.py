"""The account of the company's tools: its registry, and the role with which workflows push images to it."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from moorage import Registry
from stacks.company_registry import CompanyRegistryStack
from stacks.pipeline_roles import roles_left_out
from stacks.replication import left_out
from stacks.settings import Description


class Tooling(cdk.Stage):
    """The company's tools in one account and region.

    Args:
        scope: The app.
        description: The description of all environments, with the tooling.

    Attributes:
        registry: The registry of the company.
    """

    registry: Registry

    def __init__(self, scope: Construct, *, description: Description) -> None:
        settings = description.tooling
        if settings is None:
            raise ValueError("description must have settings of the tooling; add the table [tooling]")
        super().__init__(scope, "tooling", env=settings.env, permissions_boundary=settings.boundary)
        for name, value in settings.tags.items():
            cdk.Tags.of(self).add(name, value)
        stack = CompanyRegistryStack(self, "Registry", description=description, settings=settings)
        self.registry = stack.registry
        for name, text in left_out(description):
            cdk.Annotations.of(stack).add_warning_v2(f"retail:{name}-account", text)
        for name, text in roles_left_out(description):
            cdk.Annotations.of(stack).add_warning_v2(f"retail:{name}-github", text)
