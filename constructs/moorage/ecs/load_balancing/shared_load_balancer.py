"""The common part of Application and Network Load Balancers: services, quotas, clients, rules and log bucket."""

from __future__ import annotations

import abc
import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from moorage.ecs.cdk_values import any_ipv4, select_subnets
from moorage.ecs.group_rules import is_first
from moorage.ecs.load_balancing.access_logs import define_log_bucket
from moorage.scope.claimed_names import exists
from moorage.scope.place import stage_path
from moorage.workload.problems import Problems

if TYPE_CHECKING:
    from aws_cdk import aws_certificatemanager as acm
    from aws_cdk import aws_s3 as s3

    from moorage.ecs.load_balancing.usage import Usage
    from moorage.ecs.task.task_launch import Launch
    from moorage.workload.limit import Limit


IPV4 = elbv2.IpAddressType.IPV4
WITHOUT_PUBLIC_IPV4 = elbv2.IpAddressType.DUAL_STACK_WITHOUT_PUBLIC_IPV4


class Entry(Protocol):
    """The part of a route or a listener that its load balancer uses."""

    def _clash(self, other: Any, owner: Construct | None, entries: Sequence[Any], /) -> str | None:
        """Describe why the entry and `other` of `owner` cannot share a load balancer. Return None if they can."""


class SharedLoadBalancer(Construct):
    """A load balancer that services of any stack use.

    Resources that refer to both the load balancer and a service, such as security group rules, belong to the stack of
    the service. The stack of the load balancer never refers to services, so that there are no cyclic references
    (aws-cdk #3835, #26806).
    """

    _public: bool
    vpc: ec2.IVpc
    security_group: ec2.ISecurityGroup
    certificate: acm.ICertificate | None = None
    _subnets: ec2.SubnetSelection | None = None
    """The subnets of the load balancer, or None if it is imported."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self._import_scopes: dict[cdk.Stack, tuple[Construct, ec2.ISecurityGroup]] = {}
        self._entries: list[tuple[Entry, Construct]] = []
        """The routes and listeners of services on the load balancer."""
        self._usages: list[tuple[Usage, Construct]] = []
        """The part of the load balancer's quotas that each service uses."""
        self._warned_quotas: set[str] = set()
        """The quotas for which there was a warning."""

    @functools.cached_property
    def _id(self) -> str:
        """The part of IDs that follows from the load balancer: its path in its stage."""
        return self.node.path.removeprefix(f"{stage_path(self)}/")

    @functools.cached_property
    def _replaceable_id(self) -> str:
        """The `_id`, with the property whose change replaces the load balancer.

        The IDs of target groups contain this ID. A target group can belong to only one load balancer (ELB:
        TargetGroupAssociationLimit), so the target groups are replaced together with the load balancer.
        """
        return f"{self._id} {'public' if self._public else 'internal'}"

    def _check(self, entry: Entry, beside: Sequence[Entry], problems: Problems) -> None:
        """Check that `entry` does not clash with the existing routes and listeners of this load balancer.

        Args:
            entry: The route or listener.
            beside: The other routes and listeners of the same service.
            problems: The problems to add to.
        """
        owned: list[tuple[Entry, Construct | None]] = [*self._entries, *((each, None) for each in beside)]
        entries = [each for each, _ in owned]
        for other, owner in owned:
            clash = entry._clash(other, owner, entries)
            if clash and (owner is None or exists(owner)):
                problems.add(clash)

    def _claim(self, entry: Entry, service: Construct, /) -> None:
        """Record that `service` has `entry`."""
        self._entries.append((entry, service))

    @abc.abstractmethod
    def _quotas(self, usage: Usage, launch: Launch, /) -> list[tuple[Limit, str, int]]:
        """Return each quota, with the name of the counted resources and their number.

        Args:
            usage: The part of the quotas that all services on the load balancer use.
            launch: A task of a service, with its network.
        """

    def _use(self, usage: Usage, service: Construct) -> None:
        """Record the part of the quotas that `service` uses."""
        self._usages.append((usage, service))

    @property
    def _used(self) -> list[Usage]:
        """The parts of the quotas that services use, including removed services."""
        return [usage for usage, _ in self._usages]

    def _used_by_those_that_exist(self) -> list[Usage]:
        """Return the parts of the quotas that existing services use. The call costs round trips to Node.js."""
        return [usage for usage, owner in self._usages if exists(owner)]

    @property
    def connections(self) -> ec2.Connections:
        """The connections of the load balancer, to allow traffic from and to it."""
        return self.security_group.connections

    @property
    @abc.abstractmethod
    def _full_name(self) -> str:
        """The name of the load balancer in CloudWatch."""

    def _place_in(self, stack: cdk.Stack) -> tuple[Construct, ec2.ISecurityGroup]:
        """Return the scope in `stack` for imports of the load balancer, and the imported security group."""
        if stack not in self._import_scopes:
            scope = Construct(stack, f"Entrance {self.node.addr}")
            security_group = ec2.SecurityGroup.from_security_group_id(
                scope, "SecurityGroup", self.security_group.security_group_id, allow_all_outbound=False
            )
            self._import_scopes[stack] = (scope, security_group)
        return self._import_scopes[stack]

    def _open_to(self, instances: ec2.ISecurityGroup, first_port: int, last_port: int, *, udp: bool = False) -> None:
        """Let the load balancer reach ports of instances.

        The rules are in the stack of the load balancer, once for all services. Services of several stacks share the
        instances' security group. If two stacks defined the same rule, EC2 would refuse the second rule.
        """
        ids = (self.security_group.security_group_id, instances.security_group_id)
        if is_first(cdk.Stack.of(self), *ids, first_port, last_port, udp):
            ports = (ec2.Port.udp_range if udp else ec2.Port.tcp_range)(first_port, last_port)
            self.security_group.add_egress_rule(instances, ports, "Load balancer to tasks on instances")
            instances.add_ingress_rule(
                self.security_group, ports, "Load balancer to tasks on instances", remote_rule=True
            )

    def _open_to_given(
        self, groups: Iterable[ec2.ISecurityGroup], stack: cdk.Stack, ports: ec2.Port, description: str, *rule: int
    ) -> None:
        """Let the load balancer reach tasks in given security groups.

        The rules are in `stack`, unless another stack of the stage already has them.

        Args:
            groups: The security groups, which other services may share.
            stack: The stack of the service.
            ports: The ports of the tasks.
            description: The description of the rules.
            *rule: The numbers that identify these ports.
        """
        _, own_group = self._place_in(stack)
        for group in groups:
            if is_first(stack, self.security_group.security_group_id, group.security_group_id, *rule):
                own_group.connections.allow_to(group, ports, description)

    def _warn_without_ipv6(
        self, ip_address_type: elbv2.IpAddressType, vpc_subnets: ec2.SubnetSelection | None, *, public: bool
    ) -> None:
        """Warn if clients use IPv6 and a subnet that this app defines has no IPv6 addresses, as far as CDK knows."""
        if ip_address_type is IPV4:
            return
        kind = ec2.SubnetType.PUBLIC if public else None
        subnets = select_subnets(self.vpc, vpc_subnets or ec2.SubnetSelection(subnet_type=kind)).subnets
        resources = {subnet.node.path: subnet.node.default_child for subnet in subnets}
        without_ipv6 = [
            path
            for path, resource in resources.items()
            if isinstance(resource, ec2.CfnSubnet) and not resource.ipv6_cidr_block
        ]
        if without_ipv6:
            cdk.Annotations.of(self).add_warning_v2(
                "@moorage/ecs:ipv6",
                f"subnets {', '.join(without_ipv6)} have no IPv6 addresses, as far as CDK knows, so AWS would reject "
                "this ip_address_type; use an ec2.Vpc(ip_protocol=ec2.IpProtocol.DUAL_STACK), leave ip_address_type= "
                "out, or acknowledge this warning",
            )

    def _log_to_bucket(
        self,
        load_balancer: elbv2.BaseLoadBalancer,
        writer: str,
        removal_policy: cdk.RemovalPolicy,
        conditions: Mapping[str, Any] | None = None,
        *,
        auto_delete_objects: bool,
    ) -> s3.Bucket:
        """Define a bucket for access logs, and enable the logs.

        The attributes are set directly, since CDK's `log_access_logs` fails in a stack without a region.

        Args:
            load_balancer: The load balancer that logs.
            writer: The AWS service that writes the logs.
            removal_policy: The removal policy of the bucket.
            conditions: The conditions under which the service may write. Default: none.
            auto_delete_objects: Whether to empty the bucket when the bucket is deleted.
        """
        bucket, policy = define_log_bucket(
            self, writer, removal_policy, conditions, auto_delete_objects=auto_delete_objects
        )
        load_balancer.set_attribute("access_logs.s3.enabled", "true")
        load_balancer.set_attribute("access_logs.s3.bucket", bucket.bucket_name)
        # with auto_delete_objects the load balancer is deleted first, so that it writes nothing to the emptied bucket
        first = bucket if auto_delete_objects else policy
        load_balancer.node.add_dependency(first)
        return bucket


def allowed_clients(
    vpc: ec2.IVpc, ingress: Sequence[ec2.IPeer] | None, ip_address_type: elbv2.IpAddressType, *, public: bool
) -> tuple[ec2.IPeer, ...]:
    """Return the peers that may connect. By default: everyone if `public`, otherwise the addresses of the VPC."""
    if ingress is not None:
        return tuple(ingress)
    if not public:
        return (ec2.Peer.ipv4(vpc.vpc_cidr_block),)
    return (any_ipv4(),) if ip_address_type is IPV4 else (any_ipv4(), ec2.Peer.any_ipv6())


def check_clients(vpc: ec2.IVpc, ingress: Sequence[ec2.IPeer] | None, problems: Problems, *, public: bool) -> None:
    """Check that the CIDR block of the VPC is known if it is the default of `ingress`."""
    if ingress is not None or public:
        return
    try:
        _ = vpc.vpc_cidr_block
    except RuntimeError:  # the VPC was imported without its CIDR block
        problems.add(
            "ingress must be given, since the CIDR block of the VPC, the default of ingress, is not known; use "
            "ingress=[ec2.Peer.ipv4(...)], or import the VPC with vpc_cidr_block="
        )
