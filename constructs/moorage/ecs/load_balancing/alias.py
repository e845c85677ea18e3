"""The alias records of load balancers in Route 53 hosted zones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from moorage.ecs.load_balancing.shared_load_balancer import IPV4, WITHOUT_PUBLIC_IPV4
from moorage.scope.claimed_names import exists
from moorage.scope.per_construct import PerConstruct
from moorage.workload.problems import is_token

if TYPE_CHECKING:
    from aws_cdk import aws_route53 as route53
    from constructs import Construct, IConstruct

    from moorage.workload.problems import Problems

_owners: PerConstruct[IConstruct, dict[tuple[str, str], Construct]] = PerConstruct()
"""For each app: the load balancer of each alias, by zone ID and host."""


def _owners_of(scope: Construct) -> dict[tuple[str, str], Construct]:
    return _owners.get_or_make(scope.node.root, dict)


def check_alias(scope: Construct, argument: str, zone: route53.IHostedZone, host: str, problems: Problems) -> None:
    """Check that no other load balancer than `scope` has this alias, since a hosted zone has each name only once."""
    zone_id = zone.hosted_zone_id
    owner = _owners_of(scope).get((zone_id, host))
    # until a zone is looked up, its ID is DUMMY
    if owner is not None and owner is not scope and "DUMMY" not in zone_id and exists(owner):
        problems.add(
            f"{argument} is {host!r}, which is already an alias of {owner.node.path} in the same zone; use another "
            "host, or leave zone= out of one of the load balancers"
        )


def define_alias(
    load_balancer: Construct,
    scope: Construct,
    construct_id: str,
    *,
    zone: route53.IHostedZone,
    host: str,
    target: elbv2.ILoadBalancerV2,
    ip_address_type: elbv2.IpAddressType,
) -> None:
    """Define the alias records for the IPv4 and IPv6 addresses that a load balancer has, unless they exist already.

    Args:
        load_balancer: The load balancer that gets the alias.
        scope: The scope in which to define the records.
        construct_id: The part of the records' IDs that is different for each alias in this scope.
        zone: The hosted zone of the records.
        host: The name of the records.
        target: The load balancer, as CDK's construct.
        ip_address_type: The IP address type of the load balancer.
    """
    from aws_cdk import aws_route53 as route53  # noqa: PLC0415  # loads aws_cdk.aws_route53
    from aws_cdk import aws_route53_targets as targets  # noqa: PLC0415  # loads aws_cdk.aws_route53_targets

    key, owners = (zone.hosted_zone_id, host), _owners_of(load_balancer)
    if owners.get(key) is load_balancer:
        return
    owners[key] = load_balancer
    record_target = route53.RecordTarget.from_alias(targets.LoadBalancerTarget(target))
    if ip_address_type is not WITHOUT_PUBLIC_IPV4:
        route53.ARecord(scope, f"Alias {construct_id}", zone=zone, record_name=f"{host}.", target=record_target)
    if ip_address_type is not IPV4:
        route53.AaaaRecord(scope, f"Alias6 {construct_id}", zone=zone, record_name=f"{host}.", target=record_target)


def is_record_of(zone: route53.IHostedZone, host: str) -> bool:
    """Return True if a zone can have a record for a host.

    The host must end with the name of the zone, if this name is known. Only the first label of the host may be `*`.
    """
    try:
        zone_name = zone.zone_name
    except RuntimeError:  # imported without its name
        zone_name = ""
    if is_token((host, zone_name)):
        return True
    name = host.removeprefix("*.")
    return not set("*?") & set(name) and (not zone_name or f".{name}".endswith(f".{zone_name.lower().rstrip('.')}"))
