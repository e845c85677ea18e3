"""The repository for the image that an environment builds itself."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from moorage import Repository
from stacks.settings import EnvironmentSettings


class RegistryStack(cdk.Stack):
    """The repository for the image of the web front end, whose URI is an output."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: EnvironmentSettings) -> None:
        super().__init__(scope, construct_id, termination_protection=not settings.removable)
        ui = Repository(self, "Ui", removal_policy=settings.removal_policy, empty_on_delete=settings.removable)
        cdk.CfnOutput(self, "UiRepository", value=ui.repository_uri)
