"""An environment: its platform, its registry, its data and its services."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from stacks.platform import PlatformStack
from stacks.registry import RegistryStack
from stacks.services import ServicesStack
from stacks.settings import Description


class Environment(cdk.Stage):
    """The complete retail store in one account and region.

    Args:
        scope: The app.
        construct_id: The name of the environment.
        description: The description with the settings of the environment.
    """

    def __init__(self, scope: Construct, construct_id: str, *, description: Description) -> None:
        settings = description.environments[construct_id]
        super().__init__(scope, construct_id, env=settings.env, permissions_boundary=settings.boundary)
        for key, value in settings.tags.items():
            cdk.Tags.of(self).add(key, value)
        platform = PlatformStack(self, "Platform", settings=settings, namespace=f"retail-{construct_id}")
        RegistryStack(self, "Registry", settings=settings)
        ServicesStack(self, "Services", settings=settings, platform=platform)


def define_environments(app: cdk.App, description: Description) -> None:
    """Define a stage for each environment of a description.

    Args:
        app: The app.
        description: The description.
    """
    for name in description.environments:
        Environment(app, name, description=description)
