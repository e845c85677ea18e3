"""A VPC made for containers, and what tasks reach from the subnets of any VPC."""

from __future__ import annotations

import functools

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct, IConstruct

from moorage.ecs.network.subnets import find_subnets
from moorage.scope.exports import keep_exported
from moorage.scope.per_construct import PerConstruct
from moorage.scope.place import place_of
from moorage.workload import capacity_limits, service_limits
from moorage.workload.door import door
from moorage.workload.endpoints import GATEWAY_SERVICES, Endpoints
from moorage.workload.problems import Problems
from moorage.workload.required_services import Needs

NO_ENDPOINTS = Endpoints()
UNREACHABLE_WARNING = "@moorage/ecs:reach"
_PRIVATE_SUBNET_MASK = 20
_PUBLIC_SUBNET_MASK = 24


@door
class Network(Construct):
    """A VPC with public subnets for entrances and private ones for tasks, in each of its zones.

    Nothing in it gets a public address unless asked, its default security group is closed and its traffic logged.
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
        flow_logs: bool = True,
        close_default_security_group: bool = True,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN,
    ) -> None:
        """Define a network.

        Args:
            scope: Where it is defined.
            construct_id: Its id there.
            zones: The number of availability zones, 2 to 6: the same in a stack with an account and without one. A
                region has three, but us-east-1 six, us-west-2 four and us-west-1 two. Which ones, the account says: in
                us-east-1 one may be use1-az3, where Fargate does not run.
            nat_gateways: The number of NAT gateways that the private subnets reach the internet through, each with an
                Elastic IP address. One costs less and fails with its zone; 0 leaves the private subnets isolated, with
                only `endpoints`. Default: one in each zone.
            endpoints: VPC endpoints, each service with an interface per zone (S3 and DynamoDB with a route):
                `Endpoints.for_tasks(...)` works out the least.
            cidr: The addresses of the VPC, a /16 to /28; private subnets take a /20 each, public ones a /24.
            flow_logs: Whether rejected and accepted traffic is logged, for a year; priced by volume.
            close_default_security_group: Whether CDK's custom resource empties the VPC's default security group
                (Security Hub EC2.2), which CloudFormation cannot.
            removal_policy: What becomes of the flow logs when the stack goes.

        Raises:
            ValueError: the zones, gateways or addresses are outside their limits.
        """
        gateways = zones if nat_gateways is None else nat_gateways
        problems = Problems(lambda: f"{scope.node.path}/{construct_id}")
        problems.check(service_limits.ZONES, "zones", zones)
        problems.check(capacity_limits.ZONES_OF_REGION, "zones", (zones, place_of(scope)[1]))
        problems.check(service_limits.NETWORK_CIDR, "cidr", (cidr, zones))
        if not 0 <= gateways <= zones:
            problems.add(
                f"nat_gateways must be between 0 and {zones}, the number of zones (got {gateways}); use one a zone"
            )
        problems.raise_any()
        _check_quotas(problems, scope, gateways)

        super().__init__(scope, construct_id)
        self.zones = zones
        self.nat_gateways = gateways
        self.endpoints = endpoints
        private_type = ec2.SubnetType.PRIVATE_WITH_EGRESS if gateways else ec2.SubnetType.PRIVATE_ISOLATED
        zone_names = cdk.Fn.get_azs()
        self.vpc = ec2.Vpc(
            self,
            "Default",
            ip_addresses=ec2.IpAddresses.cidr(cidr),
            availability_zones=[cdk.Fn.select(zone, zone_names) for zone in range(zones)],
            nat_gateways=gateways,
            restrict_default_security_group=close_default_security_group,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="Public",
                    subnet_type=ec2.SubnetType.PUBLIC,
                    cidr_mask=_PUBLIC_SUBNET_MASK,
                    map_public_ip_on_launch=False,
                ),
                ec2.SubnetConfiguration(name="Private", subnet_type=private_type, cidr_mask=_PRIVATE_SUBNET_MASK),
            ],
        )
        _networks_by_vpc.set(self.vpc, self)
        if flow_logs:
            self._log_traffic(removal_policy)
        for service in endpoints.services:
            self._add_endpoint(service)

    @staticmethod
    def _of(vpc: ec2.IVpc) -> Network | None:
        """Return the network that defines a VPC; None if something else does."""
        return _networks_by_vpc.get(vpc)

    def _missing(self, needs: Needs, subnets: ec2.SubnetSelection | None, *, public_address: bool) -> Needs | None:
        """Return the needs that a task in these subnets does not reach; None if that is not known of the selection.

        Args:
            needs: The services that the task must reach.
            subnets: The subnets of the task. Default: the public subnets with a public address, else the private ones.
            public_address: Whether the task gets a public address.
        """
        default_type = ec2.SubnetType.PUBLIC if public_address else ec2.SubnetType.PRIVATE_WITH_EGRESS
        subnet_type = (subnets.subnet_type if subnets else None) or default_type
        if subnets and (subnets.subnets or subnets.subnet_group_name or subnets.subnet_filters):
            return None
        reaches_internet = public_address if subnet_type is ec2.SubnetType.PUBLIC else self.nat_gateways > 0
        return frozenset() if reaches_internet else needs - set(self.endpoints.services)

    @functools.cached_property
    def _stack(self) -> cdk.Stack:
        return cdk.Stack.of(self)

    def _export(self) -> None:
        """Export what other stacks import: its id, its addresses and its subnets, whichever they use at a time."""
        vpc = self.vpc
        subnets = [*vpc.public_subnets, *vpc.private_subnets, *vpc.isolated_subnets]
        keep_exported(self, [vpc.vpc_id, vpc.vpc_cidr_block, *(each.subnet_id for each in subnets)])
        self._is_exported = True

    def _log_traffic(self, removal_policy: cdk.RemovalPolicy) -> None:
        self.flow_log_group = logs.LogGroup(
            self, "FlowLogs", retention=logs.RetentionDays.ONE_YEAR, removal_policy=removal_policy
        )
        self.vpc.add_flow_log("FlowLog", destination=ec2.FlowLogDestination.to_cloud_watch_logs(self.flow_log_group))

    def _add_endpoint(self, service: str) -> None:
        construct_id = "".join(word.capitalize() for word in service.replace("-", ".").split("."))
        if service in GATEWAY_SERVICES:
            self.vpc.add_gateway_endpoint(construct_id, service=ec2.GatewayVpcEndpointAwsService(service))
        else:
            self.vpc.add_interface_endpoint(construct_id, service=ec2.InterfaceVpcEndpointAwsService(service))


_networks_by_vpc: PerConstruct[ec2.IVpc, Network] = PerConstruct()
_gateways_by_place: PerConstruct[IConstruct, dict[str, list[int]]] = PerConstruct()


def _check_quotas(problems: Problems, scope: Construct, nat_gateways: int) -> None:
    """Count a network to those that its app defines in the account and region of a scope."""
    account, region = place_of(scope)
    place = f"{account}/{region}" if account and region else cdk.Stack.of(scope).node.path
    gateways = _gateways_by_place.get_or_make(scope.node.root, dict).setdefault(place, [])
    gateways.append(nat_gateways)
    problems.check(service_limits.VPCS, "the number of networks", len(gateways))
    problems.check(service_limits.NAT_ADDRESSES, "the number of NAT gateways", sum(gateways))


def keep_vpc_exported(vpc: ec2.IVpc, stack: cdk.Stack) -> None:
    """Keep what a `Network` hands out exported, from the first construct of another stack that is in its VPC.

    Subnets come and go with `public=` of a load balancer and with `vpc_subnets=` of a service, the addresses of the VPC
    with its last listener.

    Args:
        vpc: The VPC; nothing is exported unless a `Network` defines it.
        stack: The stack of what is in it.
    """
    network = Network._of(vpc)
    if network and stack is not network._stack and not network._is_exported and not stack.nested:
        network._export()


class Reach:
    """The services that tasks reach from the subnets of one VPC; asks CDK once, for all the services of a cluster.

    Args:
        vpc: The VPC. Of a `Network`'s the routes and endpoints are known; of any other, which subnets are isolated.
    """

    def __init__(self, vpc: ec2.IVpc) -> None:
        self.vpc = vpc
        self.network = Network._of(vpc)

    def missing(self, needs: Needs, subnets: ec2.SubnetSelection | None, *, public_address: bool) -> Needs | None:
        """Return the needs that are out of reach; None if that is not known."""
        return self.network._missing(needs, subnets, public_address=public_address) if self.network else None

    def is_isolated(self, subnets: ec2.SubnetSelection | None) -> bool:
        """Tell whether tasks without a public address have no way to the internet there, as far as CDK says."""
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
        """Note a selection of subnets that CDK knows none of.

        Args:
            subnets: The selection. Default: the public subnets with a public address, else the private ones, of which a
                `Network` has some.
            problems: The problems to add to.
            argument: The name of the argument that takes the selection.
            public_address: Whether tasks get a public address.
        """
        if subnets is None and self.network:
            return
        if subnets is None and not public_address:
            if not self._has_any_subnets:
                problems.add(
                    "vpc has no subnets, as far as CDK knows, so nothing has a place in it; import it with "
                    "private_subnet_ids=[...] or public_subnet_ids=[...], or use Vpc.from_lookup(...)"
                )
            return
        public = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)
        find_subnets(argument, subnets or public, self.vpc, problems)

    @functools.cached_property
    def zones(self) -> int:
        """The number of availability zones over which its subnets are spread."""
        return self.network.zones if self.network else len(self.vpc.availability_zones)

    @functools.cached_property
    def _has_no_private_subnets(self) -> bool:
        return not self.vpc.private_subnets

    @functools.cached_property
    def _has_any_subnets(self) -> bool:
        return bool(self.vpc.private_subnets or self.vpc.isolated_subnets or self.vpc.public_subnets)


def describe_unreachable(missing: Needs, subject: str = "the task") -> str:
    """Describe why `subject` would not start in subnets that do not reach what is `missing`, and the ways out."""
    if "internet" in missing:
        return (
            "its subnets cannot reach the internet, where an image of the task or what it calls is; use a NAT gateway "
            "(nat_gateways=1), or push the image to a Repository and use Image.from_repository(...)"
        )
    names = ", ".join(map(repr, sorted(missing)))
    argument = "" if subject == "the task" else ", instances=True"
    return (
        f"its subnets cannot reach {names}, which {subject} needs; "
        f"use Network(endpoints=Endpoints.for_tasks(...{argument})) with this task, or a NAT gateway (nat_gateways=1)"
    )
