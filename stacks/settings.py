"""The settings of the environments: frozen values that check themselves when they are made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import attrs

from moorage import Capacity, InstanceRequirements, Scaling

SERVICES = ("ui", "catalog", "carts", "orders", "checkout")
_NO_WEIGHTS: Mapping[str, int] = MappingProxyType({})
_CHECK = "check"
"""The key of a field's metadata with the function that returns the problem of a value, or None."""


class SettingError(ValueError):
    """A problem of one setting.

    Args:
        problem: The rest of the sentence that begins with the name of the setting.
        setting: The name of the setting within the value, with dots between nested names. Default: the value itself.
    """

    def __init__(self, problem: str, setting: str = "") -> None:
        super().__init__(problem)
        self.setting = setting


def _between(least: float, most: float) -> dict[str, Any]:
    """Return the metadata of a number, or of numbers, within two bounds."""

    def check(value: Any) -> str | None:
        numbers = value if isinstance(value, tuple) else (value,)
        shown = list(value) if isinstance(value, tuple) else value
        is_within = all(least <= each <= most for each in numbers)
        return None if is_within else f"must be between {least} and {most} (got {shown})"

    return {_CHECK: check}


def _matches(pattern: str, description: str, example: str) -> dict[str, Any]:
    """Return the metadata of a text, or of texts, that match a pattern."""

    def check(value: str | Sequence[str] | None) -> str | None:
        for each in [value] if isinstance(value, str) else value or ():
            if not re.fullmatch(pattern, each):
                return f'must be {description} (got "{each}"); for example "{example}"'
        return None

    return {_CHECK: check}


_A_REGION = _matches(r"[a-z]{2}(-[a-z]+)+-\d", "the name of a region", "eu-west-1")


@attrs.frozen(kw_only=True)
class _Settings:
    """Values that raise all problems of their settings together, as an exception group of `SettingError`s."""

    def __attrs_post_init__(self) -> None:
        problems = []
        for field in attrs.fields(type(self)):
            check: Callable[[Any], str | None] | None = field.metadata.get(_CHECK)
            if check and (problem := check(getattr(self, field.name))):
                problems.append(SettingError(problem, field.name))
        problems.extend(self._problems())
        if problems:
            raise ExceptionGroup("settings", problems)

    def _problems(self) -> Iterator[SettingError]:
        """Yield the problems that are not those of a single setting."""
        return iter(())


@attrs.frozen(kw_only=True)
class NetworkSettings(_Settings):
    """The VPC of an environment.

    Args:
        zones: The number of Availability Zones, 2 to 6. Default: 2.
        egress: The way from the private subnets to the internet: a NAT gateway in each zone, one NAT gateway, or only
            the VPC endpoints that the tasks need. Default: a NAT gateway in each zone.
        vpc_id: The ID of an existing VPC, in place of a new one. Default: a new VPC.
    """

    zones: int = attrs.field(default=2, metadata=_between(2, 6))
    egress: Literal["nat-gateway-per-zone", "one-nat-gateway", "endpoints"] = "nat-gateway-per-zone"
    vpc_id: str | None = attrs.field(
        default=None, metadata=_matches("vpc-[0-9a-f]{8,17}", "the ID of a VPC", "vpc-0a1b2c3d4e5f60718")
    )


@attrs.frozen(kw_only=True)
class FargateSettings(_Settings):
    """AWS Fargate.

    Args:
        kind: `fargate`, or `fargate-spot` for tasks that AWS can interrupt.
    """

    kind: Literal["fargate", "fargate-spot"]

    def capacity(self, _: str) -> Capacity:
        """Return the capacity."""
        return Capacity.fargate_spot() if self.kind == "fargate-spot" else Capacity.fargate()


@attrs.frozen(kw_only=True)
class InstanceSettings(_Settings):
    """EC2 instances in an Auto Scaling group.

    Args:
        kind: `ec2`.
        instance_types: The instance types.
        min_instances: The minimum number of instances. Default: 0.
        max_instances: The maximum number of instances.
        spot: Whether to launch Spot Instances. Default: False.
        termination_protection: Whether to protect instances with tasks from scale-in. Default: False.
    """

    kind: Literal["ec2"]
    instance_types: tuple[str, ...]
    min_instances: int = 0
    max_instances: int
    spot: bool = False
    termination_protection: bool = False

    def capacity(self, name: str) -> Capacity:
        """Return the capacity with a name."""
        return Capacity.ec2(
            name,
            instance_types=self.instance_types,
            min_instances=self.min_instances,
            max_instances=self.max_instances,
            spot=self.spot,
            termination_protection=self.termination_protection,
        )


@attrs.frozen(kw_only=True)
class ManagedInstanceSettings(_Settings):
    """ECS Managed Instances.

    Args:
        kind: `managed-instances`.
        vcpus: The least and the most vCPUs of an instance.
        memory_mib: The least and the most memory of an instance in MiB.
    """

    kind: Literal["managed-instances"]
    vcpus: tuple[int, int]
    memory_mib: tuple[int, int]

    def capacity(self, name: str) -> Capacity:
        """Return the capacity with a name."""
        requirements = InstanceRequirements(vcpus=self.vcpus, memory_mib=self.memory_mib)
        return Capacity.managed_instances(name, requirements=requirements)


CapacitySettings: TypeAlias = FargateSettings | InstanceSettings | ManagedInstanceSettings


@attrs.frozen(kw_only=True)
class ServiceSettings(_Settings):
    """The size of a service.

    Args:
        cpu: The CPU units of a task; 1,024 are a vCPU. Default: 1024.
        memory_mib: The memory of a task in MiB. Default: 2048.
        min_tasks: The minimum number of copies. Default: 2.
        max_tasks: The maximum number of copies. Default: 10.
        capacity: The weights of the capacities, by name. Default: the first capacity of the environment.
        digest: The digest of the image. Only one service can have it. Default: the image of the release's tag.
    """

    cpu: int = 1024
    memory_mib: int = 2048
    min_tasks: int = attrs.field(default=2, metadata=_between(1, 5000))
    max_tasks: int = attrs.field(default=10, metadata=_between(1, 5000))
    capacity: Mapping[str, int] = _NO_WEIGHTS
    digest: str | None = attrs.field(
        default=None, metadata=_matches("sha256:[0-9a-f]{64}", "the digest of an image", f"sha256:{'0a' * 32}")
    )

    @property
    def scaling(self) -> Scaling:
        """The number of copies, which follows the CPU utilization."""
        return Scaling(self.min_tasks, self.max_tasks, cpu_percent=60)

    def _problems(self) -> Iterator[SettingError]:
        if self.max_tasks < self.min_tasks:
            yield SettingError(f"must be at least min_tasks, {self.min_tasks} (got {self.max_tasks})", "max_tasks")


@attrs.frozen(kw_only=True)
class ServiceOverrides:
    """The settings in which one service differs from the others.

    Args:
        cpu: The CPU units of a task. Default: those of all services.
        memory_mib: The memory of a task in MiB. Default: that of all services.
        min_tasks: The minimum number of copies. Default: that of all services.
        max_tasks: The maximum number of copies. Default: that of all services.
        capacity: The weights of the capacities, by name. Default: those of all services.
        digest: The digest of the image. Default: the image of the release's tag.
    """

    cpu: int | None = None
    memory_mib: int | None = None
    min_tasks: int | None = None
    max_tasks: int | None = None
    capacity: Mapping[str, int] | None = None
    digest: str | None = None


@attrs.frozen(kw_only=True)
class AllServiceSettings(ServiceSettings):
    """The size of all services, and the differences of some.

    Args:
        ui: The differences of the web front end. Default: none.
        catalog: The differences of the catalog. Default: none.
        carts: The differences of the carts. Default: none.
        orders: The differences of the orders. Default: none.
        checkout: The differences of the checkout. Default: none.
    """

    ui: ServiceOverrides | None = None
    catalog: ServiceOverrides | None = None
    carts: ServiceOverrides | None = None
    orders: ServiceOverrides | None = None
    checkout: ServiceOverrides | None = None

    def of(self, service: str) -> ServiceSettings:
        """Return the settings of one service.

        Args:
            service: The name of the service, one of `SERVICES`.
        """
        overrides = getattr(self, service) or ServiceOverrides()
        fields = [field.name for field in attrs.fields(ServiceOverrides)]
        given = {name: getattr(overrides, name) for name in fields if getattr(overrides, name) is not None}
        return ServiceSettings(**{name: getattr(self, name) for name in fields} | given)

    def _problems(self) -> Iterator[SettingError]:
        yield from super()._problems()
        if self.digest:
            yield SettingError("must be that of one service; set it in a table such as [dev.services.ui]", "digest")
        for name in SERVICES:
            if getattr(self, name) is not None:
                try:
                    self.of(name)
                except ExceptionGroup as group:
                    for each in group.exceptions:
                        yield SettingError(str(each), f"{name}.{getattr(each, 'setting', '')}")


@attrs.frozen(kw_only=True)
class EntranceSettings(_Settings):
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
        default=None, metadata=_matches(r"/[\w./-]+", "the name of a parameter", "/shop/certificate-arn")
    )
    domain: str | None = None
    hosted_zone: str | None = None
    hosted_zone_id: str | None = None
    web_acl: str | None = attrs.field(
        default=None,
        metadata=_matches(
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
class DataSettings(_Settings):
    """The data stores of the services.

    Args:
        database_capacity: The least and the most Aurora capacity units of each database, 0 to 256 in steps of 0.5.
            With a least capacity of 0, a database pauses after some time without connections.
        database_readers: The number of readers of each database, in other zones, 0 to 15. Default: 0.
        cache_nodes: The number of nodes of the cache, in different zones, 1 to 6. Default: 1.
        cache_node_type: The node type of the cache. Default: "cache.t4g.micro".
        backup_days: The number of days for which backups are kept, 1 to 35. Default: 7.
    """

    database_capacity: tuple[float, float] = attrs.field(metadata=_between(0, 256))
    database_readers: int = attrs.field(default=0, metadata=_between(0, 15))
    cache_nodes: int = attrs.field(default=1, metadata=_between(1, 6))
    cache_node_type: str = attrs.field(
        default="cache.t4g.micro",
        metadata=_matches(r"cache\.\w+\.\w+", "a node type of ElastiCache", "cache.t4g.micro"),
    )
    backup_days: int = attrs.field(default=7, metadata=_between(1, 35))

    def _problems(self) -> Iterator[SettingError]:
        least, most = self.database_capacity
        if most < max(least, 1):
            yield SettingError(
                f"must end with at least {max(least, 1)} (got {most}); use [{least}, {max(least, 1)}]",
                "database_capacity",
            )
        if least % 0.5 or most % 0.5:
            yield SettingError(f"must be in steps of 0.5 (got [{least}, {most}])", "database_capacity")


@attrs.frozen(kw_only=True)
class RegistrySettings(_Settings):
    """The registry of the company.

    Args:
        caches: The public registries that are cached. Default: none.
        replicates_to: The environments to whose registries images are replicated. Default: none.
    """

    caches: tuple[Literal["ecr-public", "quay", "kubernetes"], ...] = ()
    replicates_to: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class _PlacedSettings(_Settings):
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
        default=None, metadata=_matches(r"\d{12}", "an account of 12 digits", "111111111111")
    )
    region: str | None = attrs.field(default=None, metadata=_A_REGION)
    removable: bool = False
    operators: tuple[str, ...] = attrs.field(
        default=(), metadata=_matches(r"[^@\s]+@[^@\s]+\.[^@\s]+", "a list of email addresses", "operators@example.com")
    )
    tags: Mapping[str, str] = attrs.field(factory=dict)
    permissions_boundary: str | None = None

    @property
    def place(self) -> tuple[str, str] | None:
        """The account and the region, or None if one of them is not set."""
        return (self.account, self.region) if self.account and self.region else None


@attrs.frozen(kw_only=True)
class ToolingSettings(_PlacedSettings):
    """The account of the company's tools.

    Args:
        registry: The registry of the company.
    """

    registry: RegistrySettings


@attrs.frozen(kw_only=True)
class EnvironmentSettings(_PlacedSettings):
    """An environment of the store.

    Args:
        recovery_region: The region in which to restore the environment if its region is lost. Default: none.
        network: The VPC. Default: a new VPC in two zones.
        capacity: The capacities of the cluster, by name. The first is the default of the services.
        services: The size of the services. Default: two to ten copies of 1 vCPU and 2 GiB.
        entrance: The public load balancer. Default: plain HTTP, if the environment is removable.
        data: The data stores. Default: none, so the services keep their data in memory.
    """

    recovery_region: str | None = attrs.field(default=None, metadata=_A_REGION)
    network: NetworkSettings = attrs.field(factory=NetworkSettings)
    capacity: Mapping[str, CapacitySettings]
    services: AllServiceSettings = attrs.field(factory=AllServiceSettings)
    entrance: EntranceSettings = attrs.field(factory=EntranceSettings)
    data: DataSettings | None = None

    def _problems(self) -> Iterator[SettingError]:
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
                f'must be another region than "{self.region}", that of the environment', "recovery_region"
            )
        yield from self._capacity_problems()

    def _capacity_problems(self) -> Iterator[SettingError]:
        if not self.capacity:
            yield SettingError("must have at least one table, such as [dev.capacity.fargate]", "capacity")
        for name, settings in self.capacity.items():
            try:
                settings.capacity(name)
            except ValueError as error:
                yield SettingError(f"cannot be used: {error}", f"capacity.{name}")
        for service in SERVICES:
            unknown = self.services.of(service).capacity.keys() - self.capacity.keys()
            if unknown:
                is_own = getattr(self.services, service) and getattr(self.services, service).capacity is not None
                yield SettingError(
                    f'must have names of capacities (got "{sorted(unknown)[0]}"); use {", ".join(self.capacity)}',
                    f"services.{service}.capacity" if is_own else "services.capacity",
                )
