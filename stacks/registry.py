"""The repositories for the images of the store."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from moorage import Repository


class RegistryStack(cdk.Stack):
    """The repositories, one for each image that is built here."""

    def __init__(self, scope: Construct, construct_id: str, *, removable: bool) -> None:
        super().__init__(scope, construct_id)
        ui = Repository(
            self,
            "Ui",
            removal_policy=cdk.RemovalPolicy.DESTROY if removable else cdk.RemovalPolicy.RETAIN,
            empty_on_delete=removable,
        )
        cdk.CfnOutput(self, "UiRepository", value=ui.repository_uri)
