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
    A_HOST,
    A_REGION,
    SettingError,
    Settings,
    between,
    differ_in_partition,
    matches,
    problems_of,
    quoted,
)
from stacks.settings.previews import PreviewSettings
from stacks.settings.services import SERVICES, AllServiceSettings, JobSettings

_TAG_CHARACTERS = "letters, digits, spaces and _ . : / = + - @"
_TAG_KEY = re.compile(r"(?!(?i:aws):)[\w .:/=+@-]{1,128}")
_TAG_VALUE = re.compile(r"[\w .:/=+@-]{0,256}")


@attrs.frozen(kw_only=True)
class NetworkSettings(Settings):
    """The VPC of an environment.

    Args:
        zones: The number of Availability Zones, 2 to 6. Default: 2.
        egress: The way from the private subnets to the internet: a NAT gateway in each zone, one NAT gateway, or only
            the VPC endpoints that the tasks need. Default: a NAT gateway in each zone.
        vpc_id: The ID of an existing VPC, in place of a new one. Default: a new VPC.
    """

    zones: int = attrs.field(default=2, metadata=between(2, 6))
    egress: Literal["nat-gateway-per-zone", "one-nat-gateway", "endpoints"] = "nat-gateway-per-zone"
    vpc_id: str | None = attrs.field(
        default=None, metadata=matches("vpc-[0-9a-f]{8,17}", "the ID of a VPC", "vpc-0a1b2c3d4e5f60718")
    )


@attrs.frozen(kw_only=True)
class EntranceSettings(Settings):
    """The public load balancer.

    Args:
        certificate_parameter: The name of the SSM parameter with the ARN of the certificate. Default: none.
        domain: The host name of the store. Default: the host name of the load balancer.
        hosted_zone: The name of the Route 53 hosted zone that gets a record for `domain`, and in which a new
            certificate is validated. Default: none.
        hosted_zone_id: The ID of the hosted zone. Default: none.
        web_acl: The ARN of an existing AWS WAF web ACL. Default: none.
    """

    certificate_parameter: str | None = attrs.field(
        default=None, metadata=matches(r"(/[\w.-]+)+", "the name of a parameter", "/shop/certificate-arn")
    )
    domain: str | None = attrs.field(default=None, metadata=A_HOST)
    hosted_zone: str | None = attrs.field(default=None, metadata=A_HOST)
    hosted_zone_id: str | None = attrs.field(
        default=None, metadata=matches("[A-Z0-9]{1,32}", "the ID of a hosted zone", "Z0123456789ABCDEFGHIJ")
    )
    web_acl: str | None = attrs.field(
        default=None,
        metadata=matches(
            r"arn:[^:]+:wafv2:[^:]+:\d{12}:regional/webacl/.+",
            "the ARN of a regional web ACL",
            "arn:aws:wafv2:eu-west-1:111111111111:regional/webacl/shop/1a2b",
        ),
    )

    @property
    def has_certificate(self) -> bool:
        """True if the load balancer serves HTTPS."""
        return bool(self.certificate_parameter or self.hosted_zone)

    def _problems(self) -> Iterator[SettingError]:
        zone = (self.hosted_zone, self.hosted_zone_id, self.domain)
        if self.hosted_zone and not all(zone):
            yield SettingError("needs domain and hosted_zone_id, too", "hosted_zone")
        if self.hosted_zone_id and not self.hosted_zone:
            yield SettingError("needs hosted_zone, the name of the zone, too", "hosted_zone_id")
        if self.hosted_zone and self.certificate_parameter:
            yield SettingError(
                "must be absent with hosted_zone, in which a certificate is validated; remove one of them",
                "certificate_parameter",
            )
        if self.domain and self.hosted_zone and not f".{self.domain}".endswith(f".{self.hosted_zone}"):
            yield SettingError(
                f'must be in the hosted zone {self.hosted_zone} (got "{self.domain}"); use "shop.{self.hosted_zone}"',
                "domain",
            )


@attrs.frozen(kw_only=True)
class DataSettings(Settings):
    """The data stores of the services.

    Args:
        database_capacity: The least and the most Aurora capacity units of each database, 0 to 256 in steps of 0.5.
            With a least capacity of 0, a database pauses after 30 minutes without connections, so not while its
            service runs.
        database_readers: The number of readers of each database, in other zones, 0 to 15. Default: 0.
        cache_nodes: The number of nodes of the cache, in different zones, 1 to 6. Default: 1.
        cache_node_type: The node type of the cache. Default: "cache.t4g.micro".
        backup_days: The number of days for which backups are kept, 1 to 35. Default: 7.
    """

    database_capacity: tuple[float, float] = attrs.field(metadata=between(0, 256))
    database_readers: int = attrs.field(default=0, metadata=between(0, 15))
    cache_nodes: int = attrs.field(default=1, metadata=between(1, 6))
    cache_node_type: str = attrs.field(
        default="cache.t4g.micro",
        metadata=matches(
            r"cache\.[a-z]\d[a-z]*\.(micro|small|medium|\d*x?large)", "a node type of ElastiCache", "cache.t4g.micro"
        ),
    )
    backup_days: int = attrs.field(default=7, metadata=between(1, 35))

    def _problems(self) -> Iterator[SettingError]:
        least, most = self.database_capacity
        if most < max(least, 1):
            yield SettingError(
                f"must end with at least {max(least, 1)} (got {most}); use [{least}, {max(least, 1)}]",
                "database_capacity",
            )
        if least % 0.5 or most % 0.5:
            yield SettingError(
                f"must be in steps of 0.5 (got [{least}, {most}]); round both to a multiple of 0.5", "database_capacity"
            )


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
    """

    registry: RegistrySettings


@attrs.frozen(kw_only=True)
class EnvironmentSettings(PlacedSettings):
    """An environment of the store.

    Args:
        recovery_region: The region in which to restore the environment if its region is lost. The company's own images
            are replicated there; backups of data are not. Default: none.
        network: The VPC. Default: a new VPC in two zones.
        capacity: The capacities of the cluster, by name. The first is the default of the services.
        services: The size of the services. Default: two to ten copies of 1 vCPU and 2 GiB.
        jobs: The size of the jobs and workers, which exist only with `data`. Default: up to five copies of a worker.
        exec_sessions: Whether to let operators open sessions in containers with ECS Exec. Default: False.
        container_insights: Whether to record metrics of each task and container with CloudWatch Container Insights,
            which AWS bills by the metric. The alarms and the dashboard do not need them. Default: True.
        entrance: The public load balancer, which needs a certificate unless the environment is removable. Default:
            plain HTTP.
        data: The data stores. Default: none, so the services keep their data in memory.
        previews: The previews of pull requests that this environment hosts. Default: none.
    """

    recovery_region: str | None = attrs.field(default=None, metadata=A_REGION)
    network: NetworkSettings = attrs.field(factory=NetworkSettings)
    capacity: Mapping[str, CapacitySettings]
    services: AllServiceSettings = attrs.field(factory=AllServiceSettings)
    jobs: JobSettings = attrs.field(factory=JobSettings)
    exec_sessions: bool = False
    container_insights: bool = True
    entrance: EntranceSettings = attrs.field(factory=EntranceSettings)
    data: DataSettings | None = None
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
        yield from self._web_acl_problems()
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

    def _web_acl_problems(self) -> Iterator[SettingError]:
        """Yield the problems of a web ACL that is in another account or region."""
        if self.entrance.web_acl:
            region, account = self.entrance.web_acl.split(":")[3:5]
            for name, own, other in (("account", self.account, account), ("region", self.region, region)):
                if own and own != other:
                    yield SettingError(
                        f"must be in the {name} of the environment, {own} (got {other}); use a web ACL of this {name}",
                        "entrance.web_acl",
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
