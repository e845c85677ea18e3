"""One environment: its platform, its registry and its services."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from stacks.platform import PlatformStack
from stacks.registry import RegistryStack
from stacks.services import ServicesStack


class Environment(cdk.Stage):
    """The retail store, whole, in one account and region.

    Args:
        scope: The app.
        construct_id: The environment's name.
        env: Account and region; without it, those of whoever deploys.
        zones: The number of availability zones.
        certificate_parameter: The SSM parameter that holds the ARN of the load balancer's certificate; without it
            the entrance speaks plain HTTP.
        removable: Whether the environment can be destroyed in one go, and leaves nothing: no deletion protection, no
            access logs, nothing retained, and one NAT gateway instead of one per zone.
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
