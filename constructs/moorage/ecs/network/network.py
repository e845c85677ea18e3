"""A VPC for containers, and the services that tasks can reach from the subnets of any VPC."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct, IConstruct

from moorage.ecs.cdk_values import any_ipv4, any_ipv6
from moorage.ecs.network.subnets import find_subnets
from moorage.scope.acknowledgements import LOG_GROUP_WITHOUT_KEY, POLICY_OF_ONE_ROLE, acknowledge
from moorage.scope.exports import keep_exported
from moorage.scope.per_construct import PerConstruct
from moorage.scope.place import place_of
from moorage.workload import capacity_limits, service_limits
from moorage.workload.door import door
from moorage.workload.endpoints import GATEWAY_SERVICES, Endpoints
from moorage.workload.problems import Problems
from moorage.workload.required_services import Needs

if TYPE_CHECKING:
    from moorage.advice.monthly_cost import MonthlyCost

NO_ENDPOINTS = Endpoints()
UNREACHABLE_WARNING = "@moorage/ecs:reach"
_PRIVATE_SUBNET_MASK = 20
_PUBLIC_SUBNET_MASK = 24
_ENDPOINT_PORT = 443
_CLOSING_PROVIDER = "Custom::VpcRestrictDefaultSGCustomResourceProvider"
"""The ID of CDK's custom resource that closes default security groups."""


@door
class Network(Construct):
    """A VPC with a public subnet for load balancers and a private subnet for tasks in each of its Availability Zones.

    The subnets do not assign public IPv4 addresses to instances. By default, the VPC's default security group has no
    rules, and traffic is logged.
    """

    _is_exported = False

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        zones: int = 2,
        nat_gateways: int | None = None,
        endpoints: Endpoints = NO_ENDPOINTS,
        cidr: str = "10.0.0.0/16",
        ipv6: bool = False,
        flow_logs: bool = True,
        close_default_security_group: bool = True,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN,
    ) -> None:
        """Define a VPC with a public subnet for load balancers and a private subnet for tasks in each zone.

        By default, there are two zones with a NAT gateway each, the VPC's default security group has no rules, and
        traffic is logged.

        Args:
            scope: The scope in which to define this construct.
            construct_id: The ID of this construct in its scope.
            zones: The number of Availability Zones, 2 to 6. Unlike with `ec2.Vpc`, more than two are possible even if
                the account and region of the stack are not known. Most regions have three zones; us-east-1 has six,
                us-west-2 four and us-west-1 two. The account determines which zones are used. In us-east-1, one of the
                zones may be use1-az3, where Fargate is not available. Default: 2.
            nat_gateways: The number of NAT gateways through which the private subnets reach the internet, 0 to `zones`.
                Each NAT gateway has an Elastic IP address. A single NAT gateway costs less, but fails with its zone.
                With 0, the private subnets are isolated and reach only `endpoints`. Default: one in each zone.
            endpoints: The VPC endpoints: gateway endpoints for S3 and DynamoDB, and an interface endpoint in each zone
                for every other service. `Endpoints.for_tasks(...)` returns the endpoints that tasks need. Default:
                none.
            cidr: The IPv4 range of the VPC, a /16 to /28. Each private subnet takes a /20, and each public subnet a
                /24. Default: "10.0.0.0/16".
            ipv6: Whether to give the VPC and its subnets also IPv6 addresses. Private subnets then reach IPv6 addresses
                on the internet through an egress-only internet gateway, which lets no connection in; with
                `nat_gateways=0` they stay isolated. ECS gives tasks an IPv6 address if the account setting
                `dualStackIPv6` is on, which CloudFormation cannot set. Default: False.
            flow_logs: Whether to log accepted and rejected traffic for a year. AWS bills the logs by volume. Default:
                True.
            close_default_security_group: Whether to remove all rules from the VPC's default security group (Security
                Hub EC2.2). CDK does this with a custom resource, since CloudFormation cannot. Default: True.
            removal_policy: The removal policy of the flow logs. Default: `RETAIN`.

        Raises:
            ValueError: If `zones`, `nat_gateways` or `cidr` is outside its limits.
        """
        gateways = zones if nat_gateways is None else nat_gateways
        problems = Problems(lambda: f"{scope.node.path}/{construct_id}")
        problems.check(service_limits.ZONES, "zones", zones)
        problems.check(capacity_limits.ZONES_OF_REGION, "zones", (zones, place_of(scope)[1]))
        problems.check(service_limits.NETWORK_CIDR, "cidr", (cidr, zones))
        if not 0 <= gateways <= zones:
            problems.add(
                f"nat_gateways must be between 0 and {zones}, the number of zones (got {gateways}); use one for each "
                "zone"
            )
        problems.raise_any()
        _check_quotas(problems, scope, gateways)

        super().__init__(scope, construct_id)
        self.zones = zones
        self.nat_gateways = gateways
        self.endpoints = endpoints
        self.ipv6 = ipv6
        private_type = ec2.SubnetType.PRIVATE_WITH_EGRESS if gateways else ec2.SubnetType.PRIVATE_ISOLATED
        self.vpc = self._define_vpc(cidr, private_type, closes_group=close_default_security_group)
        _networks_by_vpc.set(self.vpc, self)
        if flow_logs:
            self._log_traffic(removal_policy)
        for service in endpoints.services:
            self._add_endpoint(service)

    def monthly_cost(self, *, region: str | None = None) -> MonthlyCost:
        """Return what AWS bills for the network in a month: NAT gateways with their addresses, and endpoints.

        Args:
            region: The region of the prices. Default: that of the stack, or us-east-1 if the stack does not state one.

        Returns:
            The cost at list prices with its parts and assumptions. Traffic and flow logs have only the price of a unit.

        Raises:
            ValueError: If the region is no code of a region.
        """
        from moorage.advice.region import stated_region  # noqa: PLC0415  # needed only by costs
        from moorage.ecs.network.network_cost import network_cost  # noqa: PLC0415  # needed only by costs

        own = place_of(self)[1]
        interfaces = len(set(self.endpoints.services) - GATEWAY_SERVICES)
        return network_cost(
            self.node.path,
            stated_region(region, lambda: self.node.path) or own or "us-east-1",
            zones=self.zones,
            nat_gateways=self.nat_gateways,
            interfaces=interfaces,
            flow_logs=hasattr(self, "flow_log_group"),
        )

    def _define_vpc(self, cidr: str, private_type: ec2.SubnetType, *, closes_group: bool) -> ec2.Vpc:
        zone_names = cdk.Fn.get_azs()
        vpc = ec2.Vpc(
            self,
            "Default",
            ip_addresses=ec2.IpAddresses.cidr(cidr),
            availability_zones=[cdk.Fn.select(zone, zone_names) for zone in range(self.zones)],
            nat_gateways=self.nat_gateways,
            ip_protocol=ec2.IpProtocol.DUAL_STACK if self.ipv6 else None,
            restrict_default_security_group=closes_group,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="Public",
                    subnet_type=ec2.SubnetType.PUBLIC,
                    cidr_mask=_PUBLIC_SUBNET_MASK,
                    map_public_ip_on_launch=False,
                    ipv6_assign_address_on_creation=False if self.ipv6 else None,  # load balancers need no such address
                ),
                ec2.SubnetConfiguration(name="Private", subnet_type=private_type, cidr_mask=_PRIVATE_SUBNET_MASK),
            ],
        )
        acknowledge(
            vpc,
            "vpc-igw-route",
            "the route makes the subnet public; by default, only load balancers and NAT gateways use the subnet",
            ids=["*/DefaultRoute", *(["*/DefaultRoute6"] if self.ipv6 else [])],
        )
        for subnet in [*vpc.private_subnets, *vpc.isolated_subnets] if self.ipv6 else ():
            acknowledge(
                subnet,
                "vpc-public-ip",
                "tasks get IPv6 addresses from the subnet, but no route lets the internet connect to them; the policy "
                "rule does not distinguish between IPv6 and public IPv4 addresses",
            )
        if closes_group:
            acknowledge(
                self,
                "helper-lambda",
                "CDK's function closes the default security group of the VPC, and runs only when the stack is deployed",
                ids=[_CLOSING_PROVIDER],
                in_stack=True,
            )
        return vpc

    @staticmethod
    def _of(vpc: ec2.IVpc) -> Network | None:
        """Return the network that defines a VPC, or None if the VPC belongs to no `Network`."""
        return _networks_by_vpc.get(vpc)

    def _missing(self, needs: Needs, subnets: ec2.SubnetSelection | None, *, public_address: bool) -> Needs | None:
        """Return the needed services that a task in these subnets cannot reach, or None if unknown for the selection.

        Args:
            needs: The services that the task must reach.
            subnets: The subnets of the task. Default: public subnets with a public address, otherwise private subnets.
            public_address: True if the task has a public address.
        """
        default_type = ec2.SubnetType.PUBLIC if public_address else ec2.SubnetType.PRIVATE_WITH_EGRESS
        subnet_type = (subnets.subnet_type if subnets else None) or default_type
        if subnets and subnets.subnets and self._are_public(subnets.subnets):
            subnet_type = ec2.SubnetType.PUBLIC
        elif subnets and (subnets.subnets or subnets.subnet_group_name or subnets.subnet_filters):
            return None
        reaches_internet = public_address if subnet_type is ec2.SubnetType.PUBLIC else self.nat_gateways > 0
        return frozenset() if reaches_internet else needs - set(self.endpoints.services)

    def _are_public(self, subnets: Sequence[ec2.ISubnet]) -> bool:
        public = {each.node.path for each in self.vpc.public_subnets}
        return all(each.node.path in public for each in subnets)

    @functools.cached_property
    def _stack(self) -> cdk.Stack:
        return cdk.Stack.of(self)

    def _export(self) -> None:
        """Export the values that other stacks may import: the IDs of the VPC and its subnets, and the CIDR block."""
        vpc = self.vpc
        subnets = [*vpc.public_subnets, *vpc.private_subnets, *vpc.isolated_subnets]
        keep_exported(self, [vpc.vpc_id, vpc.vpc_cidr_block, *(each.subnet_id for each in subnets)])
        self._is_exported = True

    def _log_traffic(self, removal_policy: cdk.RemovalPolicy) -> None:
        self.flow_log_group = logs.LogGroup(
            self, "FlowLogs", retention=logs.RetentionDays.ONE_YEAR, removal_policy=removal_policy
        )
        flow_log = self.vpc.add_flow_log(
            "FlowLog", destination=ec2.FlowLogDestination.to_cloud_watch_logs(self.flow_log_group)
        )
        acknowledge(self.flow_log_group, *LOG_GROUP_WITHOUT_KEY)
        acknowledge(flow_log, *POLICY_OF_ONE_ROLE)

    def _add_endpoint(self, service: str) -> None:
        construct_id = "".join(word.capitalize() for word in service.replace("-", ".").split("."))
        if service in GATEWAY_SERVICES:
            self.vpc.add_gateway_endpoint(construct_id, service=ec2.GatewayVpcEndpointAwsService(service))
        else:
            endpoint = self.vpc.add_interface_endpoint(
                construct_id, service=ec2.InterfaceVpcEndpointAwsService(service)
            )
            reason = (
                "only addresses of the VPC can connect; the policy rule cannot evaluate the CIDR block of a VPC that "
                "is not yet deployed"
            )
            for issue in ("alb-public", "open-ports"):
                acknowledge(endpoint, issue, reason, ports=[_ENDPOINT_PORT])


_networks_by_vpc: PerConstruct[ec2.IVpc, Network] = PerConstruct()
_gateways_by_place: PerConstruct[IConstruct, dict[str, list[int]]] = PerConstruct()


def _check_quotas(problems: Problems, scope: Construct, nat_gateways: int) -> None:
    """Check the number of VPCs and NAT gateways that the app defines in one account and region, with this network."""
    account, region = place_of(scope)
    place = f"{account}/{region}" if account and region else cdk.Stack.of(scope).node.path
    gateways = _gateways_by_place.get_or_make(scope.node.root, dict).setdefault(place, [])
    gateways.append(nat_gateways)
    problems.check(service_limits.VPCS, "the number of networks", len(gateways))
    problems.check(service_limits.NAT_ADDRESSES, "the number of NAT gateways", sum(gateways))


def vpc_of(network: Network | ec2.IVpc) -> ec2.IVpc:
    """Return the VPC of a `Network`, or the given VPC."""
    return network.vpc if isinstance(network, Network) else network


def keep_vpc_exported(vpc: ec2.IVpc, stack: cdk.Stack) -> None:
    """Export the values of a `Network`, and keep them exported, once a construct of another stack is in the VPC.

    Otherwise, CDK would remove an export when the last user of the value is removed, and CloudFormation refuses to
    delete an export in use. A change to `public=` of a load balancer or `vpc_subnets=` of a service can remove the last
    user of a subnet, and the last listener is the last user of the CIDR block.

    Args:
        vpc: The VPC. Nothing is exported unless a `Network` defines the VPC.
        stack: The stack of the construct.
    """
    network = Network._of(vpc)
    if network and stack is not network._stack and not network._is_exported and not stack.nested:
        network._export()


class Reach:
    """The AWS services that tasks can reach from the subnets of a VPC, read from CDK once for all tasks of a cluster.

    Args:
        vpc: The VPC. For a `Network`, the routes and endpoints are known. For any other VPC, only the types of subnets
            are known.
    """

    def __init__(self, vpc: ec2.IVpc) -> None:
        self.vpc = vpc
        self.network = Network._of(vpc)

    def missing(self, needs: Needs, subnets: ec2.SubnetSelection | None, *, public_address: bool) -> Needs | None:
        """Return the needed services that cannot be reached from the subnets, or None if unknown."""
        return self.network._missing(needs, subnets, public_address=public_address) if self.network else None

    def are_public(self, subnets: ec2.SubnetSelection | None) -> bool:
        """Return True if the selected subnets are known to be the public ones of a `Network`."""
        if not self.network or subnets is None:
            return False
        if subnets.subnets:
            return self.network._are_public(subnets.subnets)
        return subnets.subnet_type is ec2.SubnetType.PUBLIC

    @functools.cached_property
    def any_addresses(self) -> tuple[ec2.IPeer, ...]:
        """Any address that tasks and instances may connect to: also IPv6 in a `Network` with IPv6."""
        return (any_ipv4(), any_ipv6()) if self.network and self.network.ipv6 else (any_ipv4(),)

    def is_isolated(self, subnets: ec2.SubnetSelection | None) -> bool:
        """Return True if tasks without a public address are known not to reach the internet from these subnets."""
        if subnets is None or not subnets.subnet_type:
            return subnets is None and self._has_no_private_subnets
        return subnets.subnet_type in {ec2.SubnetType.PRIVATE_ISOLATED, ec2.SubnetType.PUBLIC}

    def check_selection(
        self,
        subnets: ec2.SubnetSelection | None,
        problems: Problems,
        *,
        argument: str = "vpc_subnets",
        public_address: bool = False,
    ) -> None:
        """Add a problem if CDK finds no subnets for a selection.

        Args:
            subnets: The selection. Default: public subnets with a public address, otherwise private subnets, which
                every `Network` has.
            problems: The problems to add to.
            argument: The name of the argument with the selection. Default: "vpc_subnets".
            public_address: True if tasks get a public address. Default: False.
        """
        if subnets is None and self.network:
            return
        if subnets is None and not public_address:
            if not self._has_any_subnets:
                problems.add(
                    "vpc must have subnets that CDK knows; import the VPC with private_subnet_ids=[...] or "
                    "public_subnet_ids=[...], or use Vpc.from_lookup(...)"
                )
            return
        public = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)
        find_subnets(argument, subnets or public, self.vpc, problems)

    @functools.cached_property
    def zones(self) -> int:
        """The number of Availability Zones of the VPC."""
        return self.network.zones if self.network else len(self.vpc.availability_zones)

    @functools.cached_property
    def _has_no_private_subnets(self) -> bool:
        return not self.vpc.private_subnets

    @functools.cached_property
    def _has_any_subnets(self) -> bool:
        return bool(self.vpc.private_subnets or self.vpc.isolated_subnets or self.vpc.public_subnets)


def describe_unreachable(missing: Needs, subject: str = "the task", *, in_public: bool = False) -> str:
    """Describe why `subject` cannot start in subnets that do not reach the `missing` services, and suggest fixes.

    Args:
        missing: The services.
        subject: The task or the instance, with its article. Default: "the task".
        in_public: True if it is a task in public subnets, which a NAT gateway does not help. Default: False.
    """
    if in_public:
        reached = "the internet" if "internet" in missing else ", ".join(map(repr, sorted(missing)))
        return (
            f"its subnets are public and its tasks have no public address, so they cannot reach {reached}; use "
            "assign_public_ip=True, or private subnets with a NAT gateway (leave vpc_subnets out)"
        )
    if "internet" in missing:
        return (
            "its subnets cannot reach the internet, which the task needs for an image or a service; use a NAT gateway "
            "(nat_gateways=1), or push the image to a Repository and use Image.from_repository(...)"
        )
    names = ", ".join(map(repr, sorted(missing)))
    argument = "" if subject == "the task" else ", instances=True"
    return (
        f"its subnets cannot reach {names}, which {subject} needs; "
        f"use Network(endpoints=Endpoints.for_tasks(...{argument})) with this task, or a NAT gateway (nat_gateways=1)"
    )
