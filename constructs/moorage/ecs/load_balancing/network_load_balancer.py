"""A Network Load Balancer, for connections other than HTTP, that any number of services share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs
import aws_cdk as cdk
import jsii
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from moorage.ecs.cdk_values import define_security_group, select_subnets
from moorage.ecs.identity import Identity
from moorage.ecs.load_balancing.alias import check_alias, define_alias, is_record_of
from moorage.ecs.load_balancing.connection_load_balancer import ConnectionLoadBalancer, check_encryption
from moorage.ecs.load_balancing.imported_load_balancer import ImportedNetworkLoadBalancer
from moorage.ecs.load_balancing.load_balancer_plan import LoadBalancerPlan
from moorage.ecs.load_balancing.shared_load_balancer import IPV4
from moorage.ecs.network.network import Network, keep_vpc_exported, vpc_of
from moorage.ecs.network.subnets import find_subnets
from moorage.scope.exports import is_of_stack, keep_exported
from moorage.scope.place import check_place
from moorage.workload import load_balancing_limits
from moorage.workload.door import door
from moorage.workload.problems import Problems

if TYPE_CHECKING:
    from aws_cdk import aws_certificatemanager as acm
    from aws_cdk import aws_route53 as route53

_LOG_DELIVERY_SERVICE = "delivery.logs.amazonaws.com"
"""The service that writes the access logs of Network Load Balancers."""


@attrs.frozen(kw_only=True, eq=False)
class _Plan(LoadBalancerPlan):
    """The arguments of a Network Load Balancer, which are checked together."""

    subnet_limit = load_balancing_limits.NETWORK_SUBNETS
    without_tls: str | None
    zone: route53.IHostedZone | None
    hosts: tuple[str, ...]
    allocation_ids: Sequence[str]
    cross_zone: bool

    def check(self, problems: Problems) -> None:
        """Check all arguments."""
        super().check(problems)
        check_encryption(problems, self.certificate, self.without_tls, public=self.public)
        self._check_names(problems)
        self._check_allocations(problems)
        if self.ip_address_type not in {IPV4, elbv2.IpAddressType.DUAL_STACK}:
            problems.add(
                f"ip_address_type must be IPV4 or DUAL_STACK for a Network Load Balancer (got "
                f"{self.ip_address_type.name}); use DUAL_STACK"
            )

    @property
    def subnet_mappings(self) -> list[elbv2.SubnetMapping] | None:
        """The subnets with their Elastic IP addresses, or None if AWS assigns the addresses."""
        if not self.allocation_ids:
            return None
        subnets = select_subnets(self.vpc, self._public_subnets).subnets
        return [
            elbv2.SubnetMapping(subnet=subnet, allocation_id=each)
            for subnet, each in zip(subnets, self.allocation_ids, strict=False)  # empty before the look-up
        ]

    @property
    def _public_subnets(self) -> ec2.SubnetSelection:
        return self.vpc_subnets or ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)

    @property
    def _number_of_subnets(self) -> int | None:
        """The number of subnets. None before CDK's look-up, or if there are no subnets.

        Another check reports missing subnets.
        """
        network = Network._of(self.vpc)
        if self.vpc_subnets is None and network is not None:
            return network.zones
        subnets = find_subnets("vpc_subnets", self._public_subnets, self.vpc, Problems("Subnets"))
        return None if subnets is None else len(subnets)

    def _check_names(self, problems: Problems) -> None:
        if self.zone is not None and not self.hosts:
            problems.add(
                "zone requires host, the name of the alias record; use host='mqtt.example.com', or leave zone= out"
            )
        if self.zone is None and self.hosts:
            problems.add("host requires zone, the hosted zone of the alias record; pass zone=, or leave host= out")
        for host in self.hosts:
            if self.zone is not None and not is_record_of(self.zone, host):
                problems.add(
                    f"host must end with the name of the hosted zone (got {host!r}); use another host=, or the hosted "
                    "zone of this host"
                )
            if self.zone is not None:
                check_alias(self.scope, "host", self.zone, host, problems)
        check_place(problems, "zone", self.zone, self.scope, across_regions=True)

    def _check_allocations(self, problems: Problems) -> None:
        if not self.allocation_ids:
            return
        for each in self.allocation_ids:
            problems.check(load_balancing_limits.ALLOCATION_ID, "each item of allocation_ids", each)
        problems.check(load_balancing_limits.ADDRESSES, "the number of allocation_ids", len(self.allocation_ids))
        problems.check(load_balancing_limits.ALLOCATION_IDS, "allocation_ids", self.allocation_ids)
        if not self.public:
            problems.add(
                "allocation_ids require public=True, since an internal load balancer has no public addresses; leave "
                "allocation_ids= out, or use public=True"
            )
            return
        subnets = self._number_of_subnets
        if subnets is not None and subnets != len(self.allocation_ids):
            problems.add(
                f"the number of allocation_ids must be {subnets}, the number of subnets (got "
                f"{len(self.allocation_ids)}); use one Elastic IP address for each subnet, or select other subnets "
                "with vpc_subnets="
            )


@door
@jsii.implements(ec2.IConnectable)
class NetworkLoadBalancer(ConnectionLoadBalancer):
    """A Network Load Balancer that services share. Each port forwards to one service over TLS, TCP or UDP (`Listener`).

    Connections to other ports are dropped. The load balancer has a security group, distributes connections over all
    zones, and has deletion protection. AWS writes access logs only for TLS listeners.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: Network | ec2.IVpc,
        public: bool = False,
        certificate: acm.ICertificate | None = None,
        without_tls: str | None = None,
        zone: route53.IHostedZone | None = None,
        host: str | Sequence[str] = (),
        ingress: Sequence[ec2.IPeer] | None = None,
        test_ingress: Sequence[ec2.IPeer] = (),
        vpc_subnets: ec2.SubnetSelection | None = None,
        allocation_ids: Sequence[str] = (),
        ip_address_type: elbv2.IpAddressType = IPV4,
        cross_zone: bool = True,
        zonal_shift: bool = False,
        access_logs: bool = True,
        deletion_protection: bool = True,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN,
        auto_delete_objects: bool = False,
    ) -> None:
        """Define a Network Load Balancer that services share. Each port forwards to one service (`Listener`).

        By default, only clients in the VPC can connect, TLS connections are logged, and deletion protection is on.

        Args:
            scope: The scope in which to define this construct.
            construct_id: The ID of this construct in its scope.
            vpc: The VPC of the load balancer. Use subnets in at least two Availability Zones, so that the load balancer
                survives the loss of a zone.
            public: Whether to make the load balancer reachable from the internet. A change replaces the load balancer.
                If other stacks import it, define a second load balancer, move the services, then remove the first.
                Default: False, for clients in the VPC.
            certificate: The certificate of the TLS listeners, in the region of the load balancer. Default: none.
            without_tls: The reason why a public load balancer may have listeners that do not terminate TLS, kept in the
                template: for example, the tasks terminate TLS themselves or use UDP. A public load balancer needs a
                certificate or this reason. Default: none.
            zone: A Route 53 hosted zone in which `host` becomes an alias of the load balancer. Default: none.
            host: One or more names in `zone`. Default: none.
            ingress: The peers that may connect to the listeners. An empty list allows nobody. Default: everyone if
                `public`, otherwise the addresses of the VPC.
            test_ingress: The peers that may connect to the test ports of listeners (`Listener(test_port=)`). Default:
                nobody.
            vpc_subnets: The subnets of the load balancer. Default: the public subnets if `public`, otherwise the
                private subnets.
            allocation_ids: The allocation IDs of Elastic IP addresses for a public load balancer, one for each subnet,
                in the order of the subnets. Default: none, so AWS assigns addresses, which stay as long as the load
                balancer exists.
            ip_address_type: The IP address type of the load balancer: `IPV4`, or `DUAL_STACK` for clients with IPv6,
                only with TCP and TLS. `DUAL_STACK` needs subnets with IPv6, as in `Network(ipv6=True)`. An
                internal load balancer then needs `ingress` for clients with IPv6. Default: `IPV4`.
            cross_zone: Whether to distribute the connections of each zone over the tasks of all zones. AWS charges for
                traffic between zones. With False, the tasks of a zone can be overloaded if the zone has only a few
                tasks. Default: True.
            zonal_shift: Whether to allow traffic to be shifted away from an impaired Availability Zone (Application
                Recovery Controller). With `cross_zone`, connections to unhealthy tasks then stay open. UDP listeners
                cause a warning, since the AWS documentation is inconsistent about their support for zonal shift.
                Default: False.
            access_logs: Whether to keep access logs for a year in a separate bucket. Default: True.
            deletion_protection: Whether to protect the load balancer from deletion, even when a first deployment fails
                and is rolled back. To delete it, deploy `deletion_protection=False` first, or turn the protection off
                with `aws elbv2 modify-load-balancer-attributes`. Default: True.
            removal_policy: The removal policy of the log bucket. Default: `RETAIN`.
            auto_delete_objects: Whether to empty the log bucket when the bucket is deleted. CDK adds a custom resource.
                `RemovalPolicy.DESTROY` requires True. Default: False.

        Raises:
            ValueError: If the load balancer is public without a certificate or a reason, or an argument is outside its
                limits. The error lists all problems.
        """
        plan = _Plan(
            scope=scope,
            vpc=vpc_of(vpc),
            public=public,
            certificate=certificate,
            without_tls=without_tls,
            zone=zone,
            hosts=(host,) if isinstance(host, str) else tuple(host),
            ingress=ingress,
            vpc_subnets=vpc_subnets,
            allocation_ids=allocation_ids,
            ip_address_type=ip_address_type,
            cross_zone=cross_zone,
            zonal_shift=zonal_shift,
            deletion_protection=deletion_protection,
            access_logs=access_logs,
            removal_policy=removal_policy,
            auto_delete_objects=auto_delete_objects,
        )
        plan.raise_problems(construct_id)

        super().__init__(scope, construct_id)
        self.vpc = plan.vpc
        self.certificate = certificate
        self._public = public
        self._subnets = plan.known_subnets
        self._clients = plan.clients
        self._test_clients = tuple(test_ingress)
        self._cross_zone = cross_zone
        self._zonal_shift = zonal_shift
        self._dual_stack = ip_address_type is not IPV4
        self._requires_tls = public and without_tls is None
        self.security_group = define_security_group(self, plan.vpc, Identity.in_scope(scope, construct_id).path)
        self.load_balancer: elbv2.NetworkLoadBalancer = self._define_load_balancer(plan)  # pyright: ignore[reportIncompatibleVariableOverride]  # nobody assigns to it
        self._keep_exported()
        self.log_bucket = self._define_log_bucket(plan) if access_logs else None
        self._define_aliases(plan)

    @classmethod
    def from_attributes(
        cls,
        scope: Construct,
        construct_id: str,
        *,
        load_balancer_arn: str,
        security_group_id: str,
        vpc: Network | ec2.IVpc,
        public: bool = False,
        certificate: acm.ICertificate | None = None,
        without_tls: str | None = None,
        ingress: Sequence[ec2.IPeer] | None = None,
        test_ingress: Sequence[ec2.IPeer] = (),
    ) -> ImportedNetworkLoadBalancer:
        """Import an existing Network Load Balancer, for listeners of services in this app.

        Args:
            scope: The scope in which to import the load balancer.
            construct_id: The ID of this construct in its scope.
            load_balancer_arn: The ARN of the load balancer. The ports of existing listeners are unknown to moorage.
            security_group_id: The ID of the security group of the load balancer. Services add rules for each listener
                and for each port of a task to this group. A load balancer that was created without a security group
                cannot get one later.
            vpc: The VPC of the load balancer.
            public: Whether to treat the load balancer as reachable from the internet. Default: False.
            certificate: The certificate of TLS listeners that are defined in this app. Default: none.
            without_tls: The reason why a public load balancer may have listeners that do not terminate TLS. Default:
                none.
            ingress: The peers that may connect to listeners of this app. An empty list allows nobody. Default: everyone
                if `public`, otherwise the addresses of the VPC.
            test_ingress: The peers that may connect to the test ports of these listeners. Default: nobody.

        Returns:
            The load balancer, for the `load_balancer` of a `Listener`.

        Raises:
            ValueError: If an ARN or ID does not have the form of its resource type, an ARN has another account or
                region than `scope`, or the default of `ingress` is not known. A public load balancer also needs a
                certificate or a reason.
        """
        return ImportedNetworkLoadBalancer(
            scope,
            construct_id,
            load_balancer_arn=load_balancer_arn,
            security_group_id=security_group_id,
            vpc=vpc_of(vpc),
            public=public,
            certificate=certificate,
            without_tls=without_tls,
            ingress=ingress,
            test_ingress=test_ingress,
        )

    @property
    def _full_name(self) -> str:
        """The name of the load balancer in CloudWatch."""
        return self.load_balancer.load_balancer_full_name

    def _define_load_balancer(self, plan: _Plan) -> elbv2.NetworkLoadBalancer:
        load_balancer = elbv2.NetworkLoadBalancer(
            self,
            "Default",
            vpc=plan.vpc,
            internet_facing=plan.public,
            vpc_subnets=None if plan.allocation_ids else plan.selected_subnets,
            subnet_mappings=plan.subnet_mappings,
            security_groups=[self.security_group],
            ip_address_type=plan.optional_ip_address_type,
            cross_zone_enabled=plan.cross_zone,
            zonal_shift=plan.zonal_shift,
            deletion_protection=plan.deletion_protection,
        )
        self._warn_without_ipv6(plan.ip_address_type, plan.vpc_subnets, public=plan.public)
        if plan.without_tls:
            load_balancer.node.add_metadata("moorage:without-tls", plan.without_tls)
        return load_balancer

    def _keep_exported(self) -> None:
        """Export the values that services of other stacks may import, even if no service imports them yet."""
        arn = self.load_balancer.load_balancer_arn
        keep_exported(self, [self.security_group.security_group_id, self._full_name, arn])
        keep_vpc_exported(self.vpc, cdk.Stack.of(self))
        if self.certificate and is_of_stack(self.certificate.certificate_arn, self):
            keep_exported(self, [self.certificate.certificate_arn])

    def _define_aliases(self, plan: _Plan) -> None:
        target, kinds = self.load_balancer, plan.ip_address_type
        if plan.zone is None:
            return
        for host in plan.hosts:
            define_alias(self, self, host, zone=plan.zone, host=host, target=target, ip_address_type=kinds)

    def _define_log_bucket(self, plan: _Plan) -> s3.Bucket:
        own_account = {"StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID}}  # the service writes for all accounts
        bucket = self._log_to_bucket(
            self.load_balancer,
            _LOG_DELIVERY_SERVICE,
            plan.removal_policy,
            own_account,
            auto_delete_objects=plan.auto_delete_objects,
        )
        bucket.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal(_LOG_DELIVERY_SERVICE)],
                actions=["s3:GetBucketAcl"],  # required before the service writes (NLB guide: enable access logs)
                resources=[bucket.bucket_arn],
                conditions=own_account,
            )
        )
        return bucket
