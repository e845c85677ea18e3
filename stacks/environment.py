"""An environment: its platform, its registry and its services."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from stacks.platform import PlatformStack
from stacks.registry import RegistryStack
from stacks.services import ServicesStack


class Environment(cdk.Stage):
    """The complete retail store in one account and region.

    Args:
        scope: The app.
        construct_id: The name of the environment.
        env: The account and region. Default: those of the AWS credentials at deployment.
        zones: The number of Availability Zones. Default: 2.
        certificate_parameter: The name of the SSM parameter with the ARN of the load balancer's certificate.
            Default: none, so the load balancer serves plain HTTP.
        removable: Whether to let `cdk destroy` delete everything: no deletion protection, no access logs, no retained
            resources, and only one NAT gateway. Default: False.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        env: cdk.Environment | None = None,
        zones: int = 2,
        certificate_parameter: str | None = None,
        removable: bool = False,
    ) -> None:
        super().__init__(scope, construct_id, env=env)
        platform = PlatformStack(
            self,
            "Platform",
            namespace=f"retail-{construct_id}",
            zones=zones,
            certificate_parameter=certificate_parameter,
            removable=removable,
        )
        RegistryStack(self, "Registry", removable=removable)
        ServicesStack(self, "Services", platform=platform, removable=removable)
