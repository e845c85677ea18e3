"""The images of the services, and where each environment pulls them from."""

from __future__ import annotations

import attrs
from aws_cdk import aws_ecr as ecr
from aws_cdk import region_info
from constructs import Construct

from moorage import Image, Rollout, ScanGate, Severity
from stacks.settings import Description, EnvironmentSettings
from stacks.settings.services import SERVICES

RELEASE = "1.6.2"
PREFIX = "retail"
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


def own(image: str) -> str:
    """Return the name of an image's repository in the company's registry and its replicas."""
    return f"{PREFIX}/{image}"


def has_cache(description: Description) -> bool:
    """Return whether the company's registry caches Amazon ECR Public."""
    return description.tooling is not None and _CACHE in description.tooling.registry.caches


@attrs.frozen
class Images:
    """The images of the services in one environment.

    Promoted images come from the company's registry, or from its replica in the account and region of the environment.
    Other images come from the cache of Amazon ECR Public in the company's registry. Without such a cache, they come
    from Amazon ECR Public itself. So do all images if the account of the environment, or the account or region of the
    company's registry, is not set.

    Args:
        description: The description of all environments.
        environment: The name of the environment.
    """

    description: Description
    environment: str

    @property
    def _settings(self) -> EnvironmentSettings:
        return self.description.environments[self.environment]

    @property
    def _place(self) -> tuple[str, str] | None:
        """The account and the region of the company's registry, or None if one of them is not set."""
        return self.description.tooling.place if self.description.tooling else None

    @property
    def are_promoted(self) -> bool:
        """True if each service runs the digest that was promoted to the environment."""
        return bool(self._settings.images and self._settings.place and self._place)

    def of(self, scope: Construct, service: str) -> Image:
        """Return the image of a service.

        Args:
            scope: The scope in which to import the image's repository.
            service: The name of the service.
        """
        image, construct_id = _IMAGES.get(service, service), f"{service.title()}Image"
        if self.are_promoted:
            repository = ecr.Repository.from_repository_name(scope, construct_id, own(image))
            return Image.from_repository(repository, digest_parameter=f"/{PREFIX}/{self.environment}/{service}/digest")
        digest = self._settings.services.of(service).digest
        place = self._place if has_cache(self.description) else None
        if not place or not self._settings.account:
            version = f"@{digest}" if digest else f":{RELEASE}"
            return Image.from_registry(f"{_PUBLIC_REGISTRY}/{upstream(image)}{version}")
        account, region = place
        partition = region_info.RegionInfo.get(region).partition
        cache = ecr.Repository.from_repository_attributes(
            scope,
            construct_id,
            repository_arn=f"arn:{partition}:ecr:{region}:{account}:repository/{cached(image)}",
            repository_name=cached(image),
        )
        return Image.from_repository(cache, tag=None if digest else RELEASE, digest=digest, pull_through=True)

    def define_rollout(self, scope: Construct) -> Rollout:
        """Define and return the rollout of the services, which stops if a promoted image has grave findings.

        Args:
            scope: The stack of the services.
        """
        settings = self._settings.images
        if not settings or not self.are_promoted:
            return Rollout.rolling()
        severity = Severity[settings.refused_severity.upper()]
        gate = ScanGate(scope, "ScanGate", severity=severity, removal_policy=self._settings.removal_policy)
        return Rollout.rolling(hooks=[gate.hook])
