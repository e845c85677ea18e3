"""An Application Load Balancer that any number of services share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs
import aws_cdk as cdk
import jsii
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from moorage.ecs.cdk_values import define_security_group, duration, stack_of, tcp
from moorage.ecs.identity import Identity
from moorage.ecs.load_balancing.access_logs import APPLICATION_LOG_WRITER
from moorage.ecs.load_balancing.alias import check_alias, define_alias, is_record_of
from moorage.ecs.load_balancing.answering_load_balancer import AnsweringLoadBalancer
from moorage.ecs.load_balancing.application_listeners import (
    HTTP_PORT,
    HTTPS_PORT,
    check_listener_ports,
    define_listeners,
)
from moorage.ecs.load_balancing.load_balancer_plan import LoadBalancerPlan
from moorage.ecs.load_balancing.route import Route
from moorage.ecs.load_balancing.shared_load_balancer import IPV4, Entry
from moorage.ecs.network.network import Network, keep_vpc_exported, vpc_of
from moorage.scope.acknowledgements import acknowledge
from moorage.scope.exports import keep_exported
from moorage.scope.place import check_place
from moorage.workload import port_limits, route_limits
from moorage.workload.door import door
from moorage.workload.durations import optional_seconds
from moorage.workload.problems import Problems, is_token

if TYPE_CHECKING:
    import datetime as dt

    from aws_cdk import aws_certificatemanager as acm
    from aws_cdk import aws_route53 as route53
    from aws_cdk import aws_s3 as s3
    from aws_cdk import aws_wafv2 as wafv2

    from moorage.ecs.load_balancing.imported_load_balancer import ImportedLoadBalancer


@attrs.frozen(kw_only=True, eq=False)
class _Plan(LoadBalancerPlan):
    """The arguments of an Application Load Balancer, which are checked together."""

    subnet_limit = route_limits.BALANCER_SUBNETS
    plain_http: str | None
    test_port: int | None
    test_ingress: Sequence[ec2.IPeer]
    listener_ports: tuple[int, ...]
    idle_seconds: int | None
    web_acl: str | wafv2.CfnWebACL | None
    zone: route53.IHostedZone | None

    def check(self, problems: Problems) -> None:
        """Check all arguments."""
        problems.check(route_limits.IDLE_TIMEOUT, "idle_timeout", self.idle_seconds)
        problems.check(port_limits.PORT, "test_port", self.test_port)
        check_place(problems, "zone", self.zone, self.scope, across_regions=True)
        if self.test_port in {80, 443}:
            problems.add(f"test_port must not be 80 or 443, which other listeners use (got {self.test_port}); use 8443")
        check_listener_ports(self.listener_ports, self.test_listener_port, problems)
        peers = len(self.client_ports) * (1 if self.ingress is None else len(self.ingress)) + len(self.test_ingress)
        argument = "the number of inbound security group rules for ingress and test_ingress"
        problems.check(route_limits.GROUP_RULES, argument, peers)
        self._check_encryption(problems)
        super().check(problems)
        if self.web_acl is not None:
            from moorage.ecs.load_balancing.web_acl import check_web_acl  # noqa: PLC0415  # loads aws_cdk.aws_wafv2

            check_web_acl(self.web_acl, self.scope, problems)

    @property
    def test_listener_port(self) -> int:
        """The port of the test listener."""
        return self.test_port or (8080 if self.certificate is None else 8443)

    @property
    def client_ports(self) -> tuple[int, ...]:
        """The ports that clients may connect to."""
        own_ports = (HTTP_PORT,) if self.certificate is None else (HTTPS_PORT, HTTP_PORT)
        return (*own_ports, *self.listener_ports)

    def _check_encryption(self, problems: Problems) -> None:
        if self.certificate is not None and self.plain_http is not None:
            problems.add(
                "certificate and plain_http must not be given together, since a load balancer serves either HTTPS or "
                "HTTP; leave one of them out"
            )
        if self.plain_http is not None and not self.plain_http.strip():
            problems.add(
                "plain_http must not be empty (got ''), since reviewers read the reason; state why HTTP is acceptable"
            )
        if self.public and self.certificate is None and self.plain_http is None:
            problems.add(
                "public=True without a certificate lets anyone on the network path read and change the traffic; use "
                "certificate=, or plain_http='the reason why HTTP is acceptable'"
            )


@door
@jsii.implements(ec2.IConnectable)
class LoadBalancer(AnsweringLoadBalancer):
    """An Application Load Balancer with HTTPS that services share. Requests without a route or an action get 404.

    HTTP is redirected to HTTPS. Invalid headers are dropped, access is logged, and deletion protection is on.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: Network | ec2.IVpc,
        public: bool = False,
        certificate: acm.ICertificate | None = None,
        plain_http: str | None = None,
        zone: route53.IHostedZone | None = None,
        ingress: Sequence[ec2.IPeer] | None = None,
        test_ingress: Sequence[ec2.IPeer] = (),
        test_port: int | None = None,
        listener_ports: Sequence[int] = (),
        vpc_subnets: ec2.SubnetSelection | None = None,
        idle_timeout: cdk.Duration | dt.timedelta | None = None,
        web_acl: str | wafv2.CfnWebACL | None = None,
        ip_address_type: elbv2.IpAddressType = IPV4,
        zonal_shift: bool = True,
        access_logs: bool = True,
        deletion_protection: bool = True,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN,
        auto_delete_objects: bool = False,
    ) -> None:
        """Define an Application Load Balancer with HTTPS that services share.

        By default, only clients in the VPC can connect, access is logged, and deletion protection is on.

        Args:
            scope: The scope in which to define this construct.
            construct_id: The ID of this construct in its scope.
            vpc: The VPC of the load balancer, with subnets in at least two Availability Zones.
            public: Whether to make the load balancer reachable from the internet. A change replaces the load balancer.
                If other stacks import it, define a second load balancer, move the services, then remove the first.
                Default: False, for clients in the VPC.
            certificate: The certificate of the HTTPS listeners, in the region of the load balancer. Default: none.
            plain_http: The reason why HTTP without a certificate is acceptable, kept in the template. A public load
                balancer needs a certificate or this reason. An internal load balancer serves HTTP if it has no
                certificate. Default: none.
            zone: A Route 53 hosted zone in which each host of a route becomes an alias of the load balancer. A host
                that does not belong to the zone causes a warning. Default: none.
            ingress: The peers that may connect to the listeners. An empty list allows nobody. Default: everyone if
                `public`, otherwise the addresses of the VPC.
            test_ingress: The peers that may connect to the test listener, on which rollouts that shift traffic
                (`Rollout.canary`, `Rollout.linear`, `Rollout.blue_green`) serve a new version first. Default: nobody.
            test_port: The port of the test listener, 1 to 65535, except for 80 and 443. Default: 8443, or 8080 without
                a certificate.
            listener_ports: The ports of further listeners, for `Route(listener_port=)`, with the same certificate and
                clients, 1 to 65535, except for 80, 443 and the test port. To remove a port that another stack uses,
                first remove its routes in a deployment of their own. Default: none.
            vpc_subnets: The subnets of the load balancer, at least two. Default: the public subnets if `public`,
                otherwise the private subnets.
            idle_timeout: The time that a connection may be idle, 1 to 4,000 seconds. Default: 60 seconds.
            web_acl: A web ACL of AWS WAF with the scope REGIONAL in the region of the load balancer, by its ARN or as a
                `CfnWebACL`. AWS charges for web ACLs. Default: none.
            ip_address_type: The IP address type of the load balancer. Every type but `IPV4` needs subnets with IPv6,
                as in `Network(ipv6=True)`. An internal load balancer then needs `ingress` for clients with IPv6.
                Default: `IPV4`.
            zonal_shift: Whether to allow traffic to be shifted away from an impaired Availability Zone (Application
                Recovery Controller). The setting is free, and has no effect until somebody starts a shift. Default:
                True.
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
            plain_http=plain_http,
            ingress=ingress,
            test_port=test_port,
            test_ingress=test_ingress,
            listener_ports=tuple(listener_ports),
            vpc_subnets=vpc_subnets,
            idle_seconds=optional_seconds(idle_timeout),
            web_acl=web_acl,
            zone=zone,
            ip_address_type=ip_address_type,
            zonal_shift=zonal_shift,
            deletion_protection=deletion_protection,
            access_logs=access_logs,
            removal_policy=removal_policy,
            auto_delete_objects=auto_delete_objects,
        )
        plan.raise_problems(construct_id)

        super().__init__(scope, construct_id)
        self.vpc = plan.vpc
        self._public = public
        self._subnets = plan.known_subnets
        self._https = certificate is not None
        self._zone = zone
        self._ip_address_type = ip_address_type
        self.certificate = certificate
        self._test_ingress = tuple(test_ingress)
        self.test_port = plan.test_listener_port
        self.security_group = define_security_group(self, plan.vpc, Identity.in_scope(scope, construct_id).path)
        self.load_balancer = self._define_load_balancer(plan)
        self.listener = self._define_listeners(plan)
        self._allow_clients(plan.clients, plan.client_ports)
        self.log_bucket = self._define_log_bucket(plan) if access_logs else None
        self._associate_web_acl(web_acl)

    @classmethod
    def from_attributes(
        cls,
        scope: Construct,
        construct_id: str,
        *,
        listener_arn: str,
        security_group_id: str,
        vpc: Network | ec2.IVpc,
        https: bool = True,
        test_listener_arn: str | None = None,
    ) -> ImportedLoadBalancer:
        """Import an existing Application Load Balancer, for routes of services in this app.

        Args:
            scope: The scope in which to import the load balancer.
            construct_id: The ID of this construct in its scope.
            listener_arn: The ARN of the listener to which services add the rules of their routes. The priorities of
                existing rules are unknown to moorage. Use `Route(priority=)` to choose a free priority. For routes on
                another listener, import that listener with another `from_attributes`.
            security_group_id: The ID of the security group of the load balancer. Services add a rule for each of their
                ports to this group.
            vpc: The VPC of the load balancer.
            https: Whether to treat the listener as an HTTPS listener, which routes for HTTP/2 and gRPC need. Default:
                True.
            test_listener_arn: The ARN of the listener on which rollouts that shift traffic serve a new version first.
                Default: none.

        Returns:
            The load balancer, for the `load_balancer` of a `Route`.

        Raises:
            ValueError: If an ARN or ID does not have the form of its resource type, an ARN has another account or
                region than `scope`, or `test_listener_arn` is not another listener of the same load balancer.
        """
        from moorage.ecs.load_balancing.imported_load_balancer import ImportedLoadBalancer  # noqa: PLC0415  # needed only by imports

        return ImportedLoadBalancer(
            scope,
            construct_id,
            listener_arn=listener_arn,
            security_group_id=security_group_id,
            vpc=vpc_of(vpc),
            https=https,
            test_listener_arn=test_listener_arn,
        )

    @property
    def url(self) -> str:
        """The URL of the load balancer, with its DNS name. A certificate for other names is not valid for this name."""
        return f"{self._scheme}://{self.load_balancer.load_balancer_dns_name}"

    @property
    def _full_name(self) -> str:
        """The name of the load balancer in CloudWatch."""
        return self.load_balancer.load_balancer_full_name

    def _claim(self, route: Entry, service: Construct) -> None:
        """Record that `service` has `route`, and define aliases for the route's hosts if there is a hosted zone."""
        super()._claim(route, service)
        if self._zone and isinstance(route, Route):
            for host in route._hosts:
                if is_record_of(self._zone, host):
                    self._define_alias(self._zone, host, route, service)
                else:
                    cdk.Annotations.of(service).add_warning_v2(
                        "@moorage/ecs:alias",
                        f"host {host!r} does not belong to the hosted zone of the load balancer, so moorage defines no "
                        "alias for this host; define an alias record in the zone of the host, or acknowledge this "
                        "warning",
                    )

    def _check(self, entry: Entry, beside: Sequence[Entry], problems: Problems) -> None:
        """Check that `entry` clashes neither with existing routes nor with the aliases of other load balancers."""
        super()._check(entry, beside, problems)
        if self._zone and isinstance(entry, Route):
            for host in entry._hosts:
                check_alias(self, "host", self._zone, host, problems)

    def _define_alias(self, zone: route53.IHostedZone, host: str, route: Route, service: Construct) -> None:
        """Define an alias in the scope of the load balancer, or in the scope of the service if the host is a token."""
        scope, construct_id = (service, f"of route{route._id_suffix}") if is_token(host) else (self, host)
        define_alias(
            self,
            scope,
            construct_id,
            zone=zone,
            host=host,
            target=self.load_balancer,
            ip_address_type=self._ip_address_type,
        )

    def _listener_in(self, stack: cdk.Stack, port: int | None, /, *, opens: bool) -> elbv2.IApplicationListener:
        """Return a listener, imported into `stack` by its ARN. All services in the stack share one import."""
        if port is None:
            return self._import_listener(stack, "Listener", self.listener, opens=opens)
        return self._import_listener(stack, f"Listener{port}", self._further_listeners[port], opens=opens)

    def _test_listener_in(self, stack: cdk.Stack, *, opens: bool) -> elbv2.IApplicationListener:
        """Return the test listener, imported into `stack` by its ARN. All services in the stack share one import.

        The test listener has a rule for each route whose rollouts shift traffic. The rule serves a new version before
        that version gets production traffic.
        """
        return self._import_listener(stack, "TestListener", self.test_listener, opens=opens)

    def _define_load_balancer(self, plan: _Plan) -> elbv2.ApplicationLoadBalancer:
        load_balancer = elbv2.ApplicationLoadBalancer(
            self,
            "Default",
            vpc=plan.vpc,
            internet_facing=plan.public,
            vpc_subnets=plan.selected_subnets,
            security_group=self.security_group,
            deletion_protection=plan.deletion_protection,
            drop_invalid_header_fields=True,
            desync_mitigation_mode=elbv2.DesyncMitigationMode.DEFENSIVE,
            idle_timeout=duration(60 if plan.idle_seconds is None else plan.idle_seconds),
            ip_address_type=plan.optional_ip_address_type,
        )
        self._warn_without_ipv6(plan.ip_address_type, plan.vpc_subnets, public=plan.public)
        if plan.zonal_shift:
            load_balancer.set_attribute("zonal_shift.config.enabled", "true")
        if plan.plain_http:
            load_balancer.node.add_metadata("moorage:plain-http", plan.plain_http)
        return load_balancer

    def _allow_clients(self, clients: Sequence[ec2.IPeer], ports: Sequence[int]) -> None:
        for client in clients:
            for port in ports:
                self.security_group.add_ingress_rule(client, tcp(port), f"Clients on port {port}")
        rules = [(client, "tcp", port) for client in clients for port in ports]
        rules += [(peer, "tcp", self.test_port) for peer in self._test_ingress]
        reason = "the user chooses the clients of the load balancer with public= and ingress="
        acknowledge(self.security_group, "alb-public", reason, rules=rules)
        reason = (
            "only the ports of the listeners are open; the policy rule cannot evaluate the CIDR block of a VPC that is "
            "not yet deployed"
        )
        acknowledge(self.security_group, "open-ports", reason, rules=rules)

    def _define_listeners(self, plan: _Plan) -> elbv2.ApplicationListener:
        """Define all listeners. Return the listener that has the rules of routes by default."""
        for peer in self._test_ingress:
            self.security_group.add_ingress_rule(peer, tcp(self.test_port), f"Tests on port {self.test_port}")
        listeners = define_listeners(self.load_balancer, plan.certificate, self.test_port, plan.listener_ports)
        keep_exported(self, [self.security_group.security_group_id, self._full_name, *listeners.arns])
        keep_vpc_exported(self.vpc, stack_of(plan.scope))
        self.test_listener, self._further_listeners = listeners.test, listeners.further
        self._main_port = HTTPS_PORT if self._https else HTTP_PORT
        return listeners.https if self._https else listeners.http

    def _define_log_bucket(self, plan: _Plan) -> s3.Bucket:
        policy, empties = plan.removal_policy, plan.auto_delete_objects
        return self._log_to_bucket(self.load_balancer, APPLICATION_LOG_WRITER, policy, auto_delete_objects=empties)

    def _associate_web_acl(self, web_acl: str | wafv2.CfnWebACL | None) -> None:
        if web_acl is None:
            acknowledge(
                self.load_balancer,
                "alb-waf",
                "a web ACL costs money, and its rules depend on the application; users who want a web ACL pass it as "
                "web_acl=",
            )
        else:
            from moorage.ecs.load_balancing.web_acl import associate_web_acl  # noqa: PLC0415  # loads aws_cdk.aws_wafv2

            associate_web_acl(self, web_acl, self.load_balancer.load_balancer_arn)
