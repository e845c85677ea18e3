"""The settings of the network, the load balancer and the data stores of an environment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import attrs

from stacks.settings.checks import A_HOST, SettingError, Settings, between, matches

_VPC = matches("vpc-[0-9a-f]{8,17}", "the ID of a VPC", "vpc-0a1b2c3d4e5f60718")
_WEB_ACL = matches(
    r"arn:[^:]+:wafv2:[^:]+:\d{12}:regional/webacl/.+",
    "the ARN of a regional web ACL",
    "arn:aws:wafv2:eu-west-1:111111111111:regional/webacl/shop/1a2b",
)


@attrs.frozen(kw_only=True)
class NetworkSettings(Settings):
    """The VPC of an environment.

    Args:
        zones: The number of Availability Zones, 2 to 6. Default: 2.
        egress: The way from the private subnets to the internet: a NAT gateway in each zone, one NAT gateway, or only
            the VPC endpoints that the tasks need. Default: a NAT gateway in each zone.
        vpc_id: The ID of an existing VPC, in place of a new one. Default: a new VPC.
        recovery_vpc_id: The ID of an existing VPC in the recovery region. Default: a new VPC.
    """

    zones: int = attrs.field(default=2, metadata=between(2, 6))
    egress: Literal["nat-gateway-per-zone", "one-nat-gateway", "endpoints"] = "nat-gateway-per-zone"
    vpc_id: str | None = attrs.field(default=None, metadata=_VPC)
    recovery_vpc_id: str | None = attrs.field(default=None, metadata=_VPC)


@attrs.frozen(kw_only=True)
class EntranceSettings(Settings):
    """The public load balancer.

    Args:
        certificate_parameter: The name of the SSM parameter with the ARN of the certificate. Default: none.
        domain: The host name of the store. Default: the host name of the load balancer.
        hosted_zone: The name of the Route 53 hosted zone that gets a record for `domain`, and in which a new
            certificate is validated. Default: none.
        hosted_zone_id: The ID of the hosted zone. Default: none.
        dns_record: Whether to define a record for `domain` in the hosted zone. Default: True.
        web_acl: The ARN of an existing AWS WAF web ACL. Default: none.
        recovery_web_acl: The ARN of an existing AWS WAF web ACL in the recovery region. Default: none.
    """

    certificate_parameter: str | None = attrs.field(
        default=None, metadata=matches(r"(/[\w.-]+)+", "the name of a parameter", "/shop/certificate-arn")
    )
    domain: str | None = attrs.field(default=None, metadata=A_HOST)
    hosted_zone: str | None = attrs.field(default=None, metadata=A_HOST)
    hosted_zone_id: str | None = attrs.field(
        default=None, metadata=matches("[A-Z0-9]{1,32}", "the ID of a hosted zone", "Z0123456789ABCDEFGHIJ")
    )
    dns_record: bool = True
    web_acl: str | None = attrs.field(default=None, metadata=_WEB_ACL)
    recovery_web_acl: str | None = attrs.field(default=None, metadata=_WEB_ACL)

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
