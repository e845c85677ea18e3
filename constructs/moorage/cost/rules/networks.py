"""The components of networks: NAT gateways, endpoints, addresses, load balancers and VPC Lattice."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from moorage.cost.amounts import ONE, Range
from moorage.cost.parts import NotInTemplateError, Part, free, hourly, monthly, unknown, used
from moorage.cost.resources import Item, tables
from moorage.cost.usage import Use

_FEW_SUBNETS = "one address in each subnet; more when the load balancer scales"


def nat_gateway(item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::EC2::NatGateway`."""
    if item.text("AvailabilityMode", default="zonal") == "regional":
        yield unknown("NAT gateway (regional)", "AWS bills each zone that the gateway expands to, as subnets need it")
    else:
        yield hourly("NAT gateway", "nat.hour")
    yield used("NAT gateway data", "nat.gb", use, "nat_gb")


def elastic_ip(item: Item, _use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::EC2::EIP`."""
    if item.text("PublicIpv4Pool", default="amazon") != "amazon":
        yield free("Public IPv4 address", "AWS does not bill addresses that you bring")
    else:
        yield hourly("Public IPv4 address", "ipv4.hour")


def endpoint(item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::EC2::VPCEndpoint`."""
    kind = item.text("VpcEndpointType", default="Gateway")
    if kind == "Gateway":
        yield free("Gateway endpoint", "AWS does not bill gateway endpoints")
    elif kind in {"Interface", "GatewayLoadBalancer"}:
        if item.at("SubnetIds") is None:
            raise NotInTemplateError("the template has no SubnetIds, which an endpoint of this kind needs")
        zones = len(item.list("SubnetIds"))
        family = "endpoint" if kind == "Interface" else "gwlb_endpoint"
        yield hourly(f"{kind} endpoint", f"{family}.hour", Range.of(zones), "one network interface in each subnet")
        yield used(f"{kind} endpoint data", f"{family}.gb", use, "endpoint_gb")
    else:
        yield unknown(f"{kind} endpoint", "moorage has no rule for endpoints of this kind")


def load_balancer(item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::ElasticLoadBalancingV2::LoadBalancer`."""
    kind = item.text("Type", default="application")
    names = {"application": ("Application", "alb"), "network": ("Network", "nlb"), "gateway": ("Gateway", "gwlb")}
    name, family = names.get(kind, (kind, kind))
    yield hourly(f"{name} Load Balancer", f"{family}.hour")
    yield used("Load balancer capacity units", f"{family}.lcu_hour", use, "lcus", factor=730)
    if item.text("Scheme", default="internet-facing") == "internet-facing" and kind != "gateway":
        if item.text("IpAddressType", default="ipv4") != "dualstack-without-public-ipv4":
            yield from _public_addresses(item)
        yield used("Data to the internet", "data_transfer.out_gb", use, "transfer_gb")
    reserved = item.number("MinimumLoadBalancerCapacity", "CapacityUnits", default=None)
    if reserved is not None:
        yield hourly("Reserved capacity units", f"{family}.reserved_lcu_hour", Range.of(reserved))


def _public_addresses(item: Item) -> Iterator[Part]:
    mapped = list(tables(item.list("SubnetMappings")))
    subnets = len(mapped) or len(item.list("Subnets"))
    own = sum("AllocationId" in each for each in mapped)
    if own:
        yield free("Public IPv4 addresses", "billed as the Elastic IP addresses")
    if subnets - own:
        yield hourly("Public IPv4 addresses", "ipv4.hour", Range.of(subnets - own), _FEW_SUBNETS)


def classic_load_balancer(item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::ElasticLoadBalancing::LoadBalancer`."""
    yield hourly("Classic Load Balancer", "clb.hour")
    yield used("Load balancer data", "clb.gb", use, "transfer_gb")
    if item.text("Scheme", default="internet-facing") == "internet-facing":
        zones = len(item.list("Subnets")) or len(item.list("AvailabilityZones"))
        yield hourly("Public IPv4 addresses", "ipv4.hour", Range.of(zones), _FEW_SUBNETS)
        yield used("Data to the internet", "data_transfer.out_gb", use, "transfer_gb")


def trust_store(_item: Item, _use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::ElasticLoadBalancingV2::TrustStore`."""
    yield hourly("Trust store", "alb.trust_store_hour", ONE, "one load balancer uses it")


def lattice_service(_item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::VpcLattice::Service`."""
    yield hourly("VPC Lattice service", "lattice.hour")
    yield used("VPC Lattice data", "lattice.gb", use, "lattice_gb")
    yield used(
        "VPC Lattice requests", "lattice.request", use, "lattice_requests", "the first 300,000 of an hour are free"
    )


def flow_log(item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::EC2::FlowLog`."""
    to_logs = item.text("LogDestinationType", default="cloud-watch-logs") == "cloud-watch-logs"
    target = "logs.vended_gb" if to_logs else "logs.delivered_gb"
    yield used("Flow log data", target, use, "flow_log_gb")


def hosted_zone(_item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::Route53::HostedZone` and of private DNS namespaces, which create one."""
    yield monthly("Hosted zone", "route53.zone_month")
    yield used("DNS queries", "route53.query", use, "dns_queries")


def health_check(_item: Item, _use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::Route53::HealthCheck`."""
    yield monthly("Health check", "route53.health_check_month")


def gateway(item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::ECS::Gateway`."""
    shared = item.at("Configuration", "HostSharedAlb")
    if not isinstance(shared, dict):
        yield unknown("ECS gateway", "moorage has no rule for gateways without a shared load balancer")
        return
    yield hourly("Application Load Balancer", "alb.hour", ONE, "the gateway creates one load balancer")
    yield used("Load balancer capacity units", "alb.lcu_hour", use, "lcus", factor=730)
    if shared.get("Scheme") == "internet-facing":
        network = shared.get("NetworkConfiguration")
        subnets = network.get("Subnets") if isinstance(network, dict) else None
        if isinstance(subnets, tuple):
            yield hourly(
                "Public IPv4 addresses", "ipv4.hour", Range(Decimal(len(subnets)), Decimal(len(subnets))), _FEW_SUBNETS
            )


def transit_gateway_attachment(_item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::EC2::TransitGatewayAttachment` and `...TransitGatewayVpcAttachment`."""
    yield hourly("Transit gateway attachment", "transit_gateway.attachment_hour")
    yield used("Transit gateway data", "transit_gateway.gb", use, "transit_gb")
