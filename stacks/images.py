"""The images of the services, and where each environment pulls them from."""

from __future__ import annotations

import attrs
from aws_cdk import aws_ecr as ecr
from aws_cdk import region_info
from constructs import Construct

from moorage import Image
from stacks.settings import Description
from stacks.settings.services import SERVICES

RELEASE = "1.6.2"
_PUBLIC_REGISTRY = "public.ecr.aws"
_CACHE = "ecr-public"
_IMAGES = {"carts": "cart"}
"""The images whose name is not that of their service."""


def image_names() -> tuple[str, ...]:
    """Return the names of the images of all services."""
    return tuple(_IMAGES.get(service, service) for service in SERVICES)


def upstream(image: str) -> str:
    """Return the name of an image's repository in Amazon ECR Public."""
    return f"aws-containers/retail-store-sample-{image}"


def cached(image: str) -> str:
    """Return the name of an image's repository in the cache of Amazon ECR Public."""
    return f"{_CACHE}/{upstream(image)}"


def has_cache(description: Description) -> bool:
    """Return whether the company's registry caches Amazon ECR Public."""
    return description.tooling is not None and _CACHE in description.tooling.registry.caches


@attrs.frozen
class Images:
    """The images of the services in one environment.

    The images come from the cache of Amazon ECR Public in the company's registry. Without such a cache, they come from
    Amazon ECR Public itself. So do they if the account of the environment, or the account or region of the company's
    registry, is not set.

    Args:
        description: The description of all environments.
        environment: The name of the environment.
    """

    description: Description
    environment: str

    def of(self, scope: Construct, service: str) -> Image:
        """Return the image of a service.

        Args:
            scope: The scope in which to import the image's repository.
            service: The name of the service.
        """
        image, settings = _IMAGES.get(service, service), self.description.environments[self.environment]
        digest = settings.services.of(service).digest
        place = self.description.tooling.place if self.description.tooling and has_cache(self.description) else None
        if not place or not settings.account:
            version = f"@{digest}" if digest else f":{RELEASE}"
            return Image.from_registry(f"{_PUBLIC_REGISTRY}/{upstream(image)}{version}")
        account, region = place
        partition = region_info.RegionInfo.get(region).partition
        repository = ecr.Repository.from_repository_attributes(
            scope,
            f"{service.title()}Image",
            repository_arn=f"arn:{partition}:ecr:{region}:{account}:repository/{cached(image)}",
            repository_name=cached(image),
        )
        return Image.from_repository(repository, tag=None if digest else RELEASE, digest=digest, pull_through=True)
