"""The settings of environments, and of the account of the company's tools."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal

import attrs
import aws_cdk as cdk

from moorage import Capacity, Strategy
from stacks.settings.capacities import CapacitySettings, FargateSettings
from stacks.settings.checks import (
    A_REGION,
    SettingError,
    Settings,
    differ_in_partition,
    matches,
    problems_of,
    quoted,
)
from stacks.settings.github import DeploymentSettings, RepositorySettings
from stacks.settings.infrastructure import DataSettings, EntranceSettings, NetworkSettings
from stacks.settings.previews import PreviewSettings
from stacks.settings.services import SERVICES, AllServiceSettings, ImageSettings, JobSettings

_TAG_CHARACTERS = "letters, digits, spaces and _ . : / = + - @"
_TAG_KEY = re.compile(r"(?!(?i:aws):)[\w .:/=+@-]{1,128}")
_TAG_VALUE = re.compile(r"[\w .:/=+@-]{0,256}")


@attrs.frozen(kw_only=True)
class RegistrySettings(Settings):
    """The registry of the company.

    Args:
        caches: The public registries that are cached. Default: none.
        replicates_to: The environments to whose registries images are replicated. Default: none.
    """

    caches: tuple[Literal["ecr-public", "quay", "kubernetes"], ...] = ()
    replicates_to: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class PlacedSettings(Settings):
    """The settings of everything that is deployed to an account and region.

    Args:
        account: The AWS account. Default: that of the credentials at deployment.
        region: The region. Default: that of the credentials at deployment.
        removable: Whether to let `cdk destroy` delete everything. Otherwise, data is retained, and stacks, databases
            and load balancers are protected from deletion. Default: False.
        operators: The email addresses to notify of failures and alarms. Default: none.
        tags: The tags of all resources. Default: none.
        permissions_boundary: The name of the IAM policy that limits the permissions of all roles. Default: none.
    """

    account: str | None = attrs.field(
        default=None, metadata=matches(r"\d{12}", "an account of 12 digits", "111111111111")
    )
    region: str | None = attrs.field(default=None, metadata=A_REGION)
    removable: bool = False
    operators: tuple[str, ...] = attrs.field(
        default=(), metadata=matches(r"[^@\s]+@[^@\s]+\.[^@\s]+", "a list of email addresses", "operators@example.com")
    )
    tags: Mapping[str, str] = attrs.field(factory=dict)
    permissions_boundary: str | None = attrs.field(
        default=None,
        metadata=matches(r"([\w+=,.@-]|\$\{[\w:]+\})+", "the name of an IAM policy, not its ARN", "developers"),
    )

    def _problems(self) -> Iterator[SettingError]:
        for key, value in self.tags.items():
            if not _TAG_KEY.fullmatch(key):
                yield SettingError(
                    f"must have a name of 1 to 128 {_TAG_CHARACTERS} that does not begin with aws:; rename the tag",
                    ("tags", key),
                )
            if not _TAG_VALUE.fullmatch(value):
                yield SettingError(
                    f"must have a value of at most 256 {_TAG_CHARACTERS} (got {len(value)} characters); use another "
                    "value",
                    ("tags", key),
                )

    @property
    def place(self) -> tuple[str, str] | None:
        """The account and the region, or None if one of them is not set."""
        return (self.account, self.region) if self.account and self.region else None

    @property
    def env(self) -> cdk.Environment:
        """The account and the region, as stages and stacks take them."""
        return cdk.Environment(account=self.account, region=self.region)

    @property
    def boundary(self) -> cdk.PermissionsBoundary | None:
        """The permissions boundary, as stages and stacks take it; None if no policy is named."""
        return cdk.PermissionsBoundary.from_name(self.permissions_boundary) if self.permissions_boundary else None

    @property
    def removal_policy(self) -> cdk.RemovalPolicy:
        """The removal policy of data: `DESTROY` if the environment is removable, otherwise `RETAIN`."""
        return cdk.RemovalPolicy.DESTROY if self.removable else cdk.RemovalPolicy.RETAIN


@attrs.frozen(kw_only=True)
class ToolingSettings(PlacedSettings):
    """The account of the company's tools.

    Args:
        registry: The registry of the company.
        github: The GitHub repository whose workflows deploy the environments. Default: none.
    """

    registry: RegistrySettings
    github: RepositorySettings | None = None


@attrs.frozen(kw_only=True)
class EnvironmentSettings(PlacedSettings):
    """An environment of the store.

    Args:
        recovery_region: The region in which to restore the environment if its region is lost. The company's own images
            are replicated there; data is not. Default: none.
        network: The VPC. Default: a new VPC in two zones.
        capacity: The capacities of the cluster, by name. The first is the default of the services.
        images: The images of the services, if they are promoted: each service runs the digest that a parameter in the
            account and region of the environment holds. Default: none, so the services run the images of a release.
        services: The size of the services. Default: two to ten copies of 1 vCPU and 2 GiB.
        jobs: The size of the jobs and workers, which exist only with `data`. Default: up to five copies of a worker.
        exec_sessions: Whether to let operators open sessions in containers with ECS Exec. Default: False.
        container_insights: Whether to record metrics of each task and container with CloudWatch Container Insights,
            which AWS bills by the metric. The alarms and the dashboard do not need them. Default: True.
        entrance: The public load balancer, which needs a certificate unless the environment is removable. Default:
            plain HTTP.
        data: The data stores. Default: none, so the services keep their data in memory.
        github: The deployment from GitHub Actions. Default: none, so no workflow can deploy the environment.
        previews: The previews of pull requests that this environment hosts. Default: none.
    """

    recovery_region: str | None = attrs.field(default=None, metadata=A_REGION)
    network: NetworkSettings = attrs.field(factory=NetworkSettings)
    capacity: Mapping[str, CapacitySettings]
    images: ImageSettings | None = None
    services: AllServiceSettings = attrs.field(factory=AllServiceSettings)
    jobs: JobSettings = attrs.field(factory=JobSettings)
    exec_sessions: bool = False
    container_insights: bool = True
    entrance: EntranceSettings = attrs.field(factory=EntranceSettings)
    data: DataSettings | None = None
    github: DeploymentSettings | None = None
    previews: PreviewSettings | None = None

    def _problems(self) -> Iterator[SettingError]:
        yield from super()._problems()
        if not self.removable and not self.entrance.has_certificate:
            yield SettingError(
                "must have a certificate unless removable is true; set certificate_parameter, or domain, hosted_zone "
                "and hosted_zone_id",
                "entrance",
            )
        if self.network.vpc_id and not self.place:
            yield SettingError("needs account and region, in which the VPC is looked up", "network.vpc_id")
        if self.recovery_region and self.recovery_region == self.region:
            yield SettingError(
                f'must differ from the region of the environment (got "{self.region}"); use another region',
                "recovery_region",
            )
        if differ_in_partition(self.region, self.recovery_region):
            yield SettingError(
                f'must be in the partition of {self.region} (got "{self.recovery_region}"), since images cannot be '
                "replicated to another partition; use another region",
                "recovery_region",
            )
        yield from self._recovery_problems()
        yield from self._web_acl_problems()
        yield from self._digest_problems()
        yield from self._capacity_problems()
        if self.previews:
            yield from self._preview_problems(self.previews)

    def _preview_problems(self, previews: PreviewSettings) -> Iterator[SettingError]:
        if not self.removable:
            yield SettingError(
                "must be absent unless removable is true, since the code of a pull request can change everything in "
                "the account; host previews in another environment",
                "previews",
            )
        if not any(each.kind == "fargate-spot" for each in self.capacity.values()):
            yield SettingError(
                "needs a capacity whose kind is fargate-spot, on which previews run; add a table such as "
                "[dev.capacity.fargate-spot]",
                "previews",
            )
        zone = self.entrance.hosted_zone
        if zone and not f".{previews.domain}".endswith(f".{zone}"):
            yield SettingError(
                f'must be in the hosted zone of the entrance, {zone} (got "{previews.domain}"); use "preview.{zone}"',
                "previews.domain",
            )

    @property
    def in_recovery_region(self) -> EnvironmentSettings | None:
        """The settings of the environment in its recovery region, or None if its account or that region is not set."""
        if not self.place or not self.recovery_region:
            return None
        web_acl, vpc_id = self.entrance.recovery_web_acl, self.network.recovery_vpc_id
        return attrs.evolve(
            self,
            region=self.recovery_region,
            recovery_region=None,
            previews=None,
            network=attrs.evolve(self.network, vpc_id=vpc_id, recovery_vpc_id=None),
            # a domain has one record, which the environment in the lost region keeps
            entrance=attrs.evolve(self.entrance, web_acl=web_acl, recovery_web_acl=None, dns_record=False),
        )

    def _recovery_problems(self) -> Iterator[SettingError]:
        """Yield the problems of resources in the recovery region."""
        pairs = {
            "network": (self.network.vpc_id, self.network.recovery_vpc_id, "vpc_id"),
            "entrance": (self.entrance.web_acl, self.entrance.recovery_web_acl, "web_acl"),
        }
        for table, (here, there, name) in pairs.items():
            if there and not self.recovery_region:
                yield SettingError("needs recovery_region, too; set it", f"{table}.recovery_{name}")
            if here and self.recovery_region and not there:
                yield SettingError(
                    f"exists only in the region of the environment; set recovery_{name}, too, or remove "
                    "recovery_region",
                    f"{table}.{name}",
                )

    def _digest_problems(self) -> Iterator[SettingError]:
        """Yield the problems of digests that promoted images replace."""
        for service in SERVICES:
            if self.images and self.services.of(service).digest:
                yield SettingError(
                    "has no effect, since the images are promoted; remove it, or the settings of images",
                    f"services.{service}.digest",
                )

    def _web_acl_problems(self) -> Iterator[SettingError]:
        """Yield the problems of a web ACL that is in another account or region."""
        for setting, own_region in (("web_acl", self.region), ("recovery_web_acl", self.recovery_region)):
            region, account = (getattr(self.entrance, setting) or ":::::").split(":")[3:5]
            for name, own, other in (("account", self.account, account), ("region", own_region, region)):
                if own and other and own != other:
                    yield SettingError(
                        f"must be in the {name} of the environment, {own} (got {other}); use a web ACL of this {name}",
                        f"entrance.{setting}",
                    )

    def _capacity_problems(self) -> Iterator[SettingError]:
        if not self.capacity:
            yield SettingError("must have at least one table, such as [dev.capacity.fargate]", "capacity")
        usable: dict[str, Capacity] = {}
        owners: dict[str, str] = {}
        for name, settings in self.capacity.items():
            try:
                usable[name] = settings.capacity(name)
            except ValueError as error:
                for problem in problems_of(error):
                    yield SettingError(f"cannot be used: {problem}", ("capacity", name))
            if isinstance(settings, FargateSettings) and (owner := owners.setdefault(settings.kind, name)) != name:
                yield SettingError(
                    f'must not be "{settings.kind}" again, which is the capacity {owner}; use that one',
                    ("capacity", name, "kind"),
                )
        for setting, weights in self._weights():
            for problem in self._weight_problems(weights, usable):
                yield SettingError(problem, setting)
        yield from self._size_problems()

    def _weight_problems(self, weights: Mapping[str, int], usable: Mapping[str, Capacity]) -> Iterator[str]:
        """Yield the problems of the weights of capacities.

        Args:
            weights: The weights.
            usable: The capacities without a problem.
        """
        if unknown := sorted(weights.keys() - self.capacity.keys()):
            known = ", ".join(self.capacity)
            yield f"must have names of capacities (got {quoted(unknown[0])}); the names are {known}"
        elif weights and not any(weights.values()):
            yield "must have a weight of 1 or more; raise the weight of a capacity"
        elif weights and weights.keys() <= usable.keys():
            try:
                Strategy({usable[name]: weight for name, weight in weights.items()})
            except ValueError as error:
                yield from (f"cannot be used: {problem}" for problem in problems_of(error))

    def _size_problems(self) -> Iterator[SettingError]:
        """Yield the problems of services on Fargate, as all previews are, with a size that Fargate does not offer."""
        found: set[tuple[str, ...]] = set()
        for service in SERVICES:
            size, overrides = self.services.of(service), getattr(self.services, service)
            names = [name for name, weight in size.capacity.items() if weight] or [*self.capacity][:1]
            is_on_fargate = any(isinstance(self.capacity.get(name), FargateSettings) for name in names)
            if (is_on_fargate or self.previews) and (problem := size.fargate_problem()):
                is_own = overrides and (overrides.cpu or overrides.memory_mib or overrides.capacity)
                setting = ("services", *([service] if is_own else []), *problem.setting)
                if setting not in found:
                    found.add(setting)
                    yield SettingError(str(problem), setting)

    def _weights(self) -> Iterator[tuple[str, Mapping[str, int]]]:
        """Yield the name of each setting with weights of capacities, and the weights."""
        yield "services.capacity", self.services.capacity
        yield "jobs.capacity", self.jobs.capacity
        for service in SERVICES:
            overrides = getattr(self.services, service)
            if overrides and overrides.capacity:
                yield f"services.{service}.capacity", overrides.capacity
