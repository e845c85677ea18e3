"""The arguments that Application and Network Load Balancers share, checked together."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs
import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from moorage.ecs.cdk_values import zone_of
from moorage.ecs.load_balancing.shared_load_balancer import IPV4, WITHOUT_PUBLIC_IPV4, allowed_clients, check_clients
from moorage.ecs.network.network import Network
from moorage.ecs.network.subnets import find_subnets
from moorage.scope.place import check_in_vpc, check_place
from moorage.workload import route_limits
from moorage.workload.problems import Problems, is_token

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_certificatemanager as acm
    from constructs import Construct

    from moorage.workload.limit import Limit


@attrs.frozen(kw_only=True, eq=False)
class LoadBalancerPlan:
    """The arguments of a load balancer of either kind, which are checked together."""

    subnet_limit: ClassVar[Limit]
    """The limit on the number of subnets for this type of load balancer."""
    scope: Construct
    vpc: ec2.IVpc
    public: bool
    certificate: acm.ICertificate | None
    ingress: Sequence[ec2.IPeer] | None
    vpc_subnets: ec2.SubnetSelection | None
    ip_address_type: elbv2.IpAddressType
    zonal_shift: bool
    deletion_protection: bool
    access_logs: bool
    removal_policy: cdk.RemovalPolicy
    auto_delete_objects: bool

    def raise_problems(self, construct_id: str) -> None:
        """Raise a `ValueError` that lists every problem of the arguments, if there is any."""
        problems = Problems(lambda: f"{self.scope.node.path}/{construct_id}")
        self.check(problems)
        problems.raise_any()

    def check(self, problems: Problems) -> None:
        """Check the accounts and regions, subnets, addresses, clients and logs."""
        check_place(problems, "vpc", self.vpc, self.scope, across_accounts=True)  # a VPC can be shared
        check_place(problems, "certificate", self.certificate, self.scope)
        self._check_logs(problems)
        self._check_subnets(problems)
        self._check_addresses(problems)
        check_clients(self.vpc, self.ingress, problems, public=self.public)

    @property
    def clients(self) -> tuple[ec2.IPeer, ...]:
        """The peers that may connect to the load balancer."""
        return allowed_clients(self.vpc, self.ingress, self.ip_address_type, public=self.public)

    @property
    def optional_ip_address_type(self) -> elbv2.IpAddressType | None:
        """The address type for the template, or None for IPv4, which is AWS's default."""
        return None if self.ip_address_type is IPV4 else self.ip_address_type

    def _check_subnets(self, problems: Problems) -> None:
        """Check that there are enough subnets, as far as CDK knows the VPC."""
        if self.vpc_subnets is not None:
            self._check_selected_subnets(self.vpc_subnets, problems)
        elif Network._of(self.vpc) is None and not is_token(self.vpc.availability_zones):
            vpc = self.vpc
            subnets = vpc.public_subnets if self.public else vpc.private_subnets or vpc.isolated_subnets
            kind = "public subnets of the VPC" if self.public else "private subnets of the VPC"
            problems.check(self.subnet_limit, f"the number of {kind}", len(subnets))

    @property
    def selected_subnets(self) -> ec2.SubnetSelection | None:
        """The subnets to pass to CDK: the given subnets, or one in each zone. None for CDK's default in a `Network`."""
        if self.vpc_subnets is not None or Network._of(self.vpc) is not None:
            return self.vpc_subnets
        return ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC if self.public else None, one_per_az=True)

    @property
    def known_subnets(self) -> ec2.SubnetSelection:
        """The subnets of the load balancer, as a selection even if CDK's default applies."""
        default_type = ec2.SubnetType.PUBLIC if self.public else None
        return self.selected_subnets or ec2.SubnetSelection(subnet_type=default_type)

    def _check_selected_subnets(self, selection: ec2.SubnetSelection, problems: Problems) -> None:
        subnets = find_subnets("vpc_subnets", selection, self.vpc, problems)
        if subnets is not None:
            self._check_own_subnets(subnets, problems)

    def _check_own_subnets(self, subnets: Sequence[ec2.ISubnet], problems: Problems) -> None:
        """Check the number, VPC, region, type and zones of subnets (ELB: one subnet for each zone)."""
        problems.check(self.subnet_limit, "the number of subnets", len(subnets))
        check_in_vpc(problems, "each subnet of vpc_subnets", subnets, self.vpc)
        for subnet in subnets:
            check_place(problems, "each subnet of vpc_subnets", subnet, self.scope, across_accounts=True)
        hidden = [each.node.path for each in subnets if isinstance(each, ec2.PrivateSubnet)] if self.public else []
        if hidden:
            problems.add(
                f"vpc_subnets must be public subnets if public=True (got {', '.join(hidden)}), since clients on the "
                "internet cannot reach private subnets; leave vpc_subnets= out, or use public=False"
            )
        zones = [zone for zone in (zone_of(each) or each.subnet_id for each in subnets) if not is_token(zone)]
        problems.check(route_limits.SUBNET_ZONES, "the Availability Zones of vpc_subnets", zones)

    def _check_logs(self, problems: Problems) -> None:
        """Check that CloudFormation can delete the log bucket, and that `auto_delete_objects` has an effect.

        Elastic Load Balancing writes a test file to the bucket at once, so the bucket is never empty.
        """
        goes = self.access_logs and self.removal_policy is cdk.RemovalPolicy.DESTROY
        if goes and not self.auto_delete_objects:
            problems.add(
                "removal_policy=DESTROY cannot delete the access log bucket, since CloudFormation deletes only "
                "empty buckets; use auto_delete_objects=True, access_logs=False or RemovalPolicy.RETAIN"
            )
        if self.auto_delete_objects and not goes:
            problems.add(
                "auto_delete_objects=True has no effect, since no access log bucket is deleted with the stack; leave "
                "auto_delete_objects= out, or use access logs with removal_policy=cdk.RemovalPolicy.DESTROY"
            )

    def _check_addresses(self, problems: Problems) -> None:
        """Check that the VPC is not known to lack IPv6, and that only public load balancers leave out public IPv4."""
        if self.ip_address_type is IPV4:
            return
        network = Network._of(self.vpc)
        if network is not None and not network.ipv6:
            problems.add(
                "ip_address_type must be IPV4 in a Network whose subnets have only IPv4 addresses (got "
                f"{self.ip_address_type.name}); leave ip_address_type= out, or use Network(ipv6=True)"
            )
        if self.ip_address_type is WITHOUT_PUBLIC_IPV4 and not self.public:
            problems.add(
                f"ip_address_type={self.ip_address_type.name} requires public=True, since an internal load balancer "
                "has no public addresses; use DUAL_STACK, or public=True"
            )
