"""An entrance shared by any number of services."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import jsii
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from moorage.ecs.network import Network
from moorage.ecs.route import clash_of
from moorage.ecs.values import anyone, duration, tcp
from moorage.workload import limits
from moorage.workload.durations import optional_seconds
from moorage.workload.faults import Faults, is_token

if TYPE_CHECKING:
    from aws_cdk import aws_certificatemanager as acm
    from aws_cdk import aws_route53 as route53

    from moorage.ecs.route import Route
    from moorage.workload.durations import Duration

_LOGS_KEPT_DAYS = 365
_OLD_VERSIONS_KEPT_DAYS = 30


@jsii.implements(ec2.IConnectable)
class LoadBalancer(Construct):
    """An Application Load Balancer over HTTPS that services share; what no service asks for is answered with 404.

    HTTP is redirected. Headers that are not valid are dropped, access is logged, and it cannot be deleted by mistake.

    Args:
        scope: Where it is defined.
        construct_id: Its id there.
        vpc: Its VPC, with subnets in two zones or more.
        public: Whether the internet reaches it; without it, only the VPC does.
        certificate: The certificate of its HTTPS listener, in the same region.
        plain_http: The reason why HTTP without a certificate is right here; kept in the template. A public load
            balancer needs this or a certificate; one that is not public serves HTTP when it has no certificate.
        zone: A Route 53 zone in which each host of a route becomes an alias of this load balancer; a host that cannot
            be a record there is warned of.
        ingress: Who may connect, none where it is empty; without it everyone when public, else the addresses of the
            VPC.
        test_ingress: Who may connect to the test listener, where rollouts that shift traffic (`Rollout.canary` and so
            on) show a new version before anybody else gets it; nobody without it. The listener is defined when a
            service first needs it.
        test_port: The port of the test listener; 8443, or 8080 without a certificate.
        vpc_subnets: The subnets it stands in, two or more; the public ones when public, else the private ones.
        idle_timeout: How long a connection may be idle, 1 to 4,000 s; 60 s without it.
        access_logs: Whether requests are logged, in a bucket of its own for a year.
        deletion_protection: Whether CloudFormation is refused when it deletes it.
        removal_policy: What becomes of the log bucket when the stack goes.

    Raises:
        ValueError: it is public without a certificate or a reason, or an argument is outside its limit.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        public: bool = False,
        certificate: acm.ICertificate | None = None,
        plain_http: str | None = None,
        zone: route53.IHostedZone | None = None,
        ingress: Sequence[ec2.IPeer] | None = None,
        test_ingress: Sequence[ec2.IPeer] = (),
        test_port: int | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        idle_timeout: Duration | None = None,
        access_logs: bool = True,
        deletion_protection: bool = True,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN,
    ) -> None:
        idle_seconds = optional_seconds(idle_timeout)
        faults = Faults(lambda: f"{scope.node.path}/{construct_id}")
        faults.keep(limits.IDLE_TIMEOUT, "idle_timeout", idle_seconds)
        faults.keep(limits.PORT, "test_port", test_port)
        if test_port in {80, 443}:
            faults.add(f"test_port is {test_port}, but that is the port of its other listeners; use another")
        _check_encryption(faults, certificate, plain_http, public=public)
        _check_subnets(faults, vpc, vpc_subnets, public=public)
        peers = tuple(ingress) if ingress is not None else (anyone() if public else _inside(vpc, faults),)
        faults.raise_found()

        super().__init__(scope, construct_id)
        self.vpc = vpc
        self.https = certificate is not None
        self._zone = zone
        self._routes: list[tuple[Route, Construct]] = []
        self._aliases: set[str] = set()
        self._opened: set[tuple[str, int, int]] = set()
        self._places: dict[cdk.Stack, tuple[Construct, ec2.ISecurityGroup]] = {}
        self._imported: dict[tuple[cdk.Stack, str], elbv2.IApplicationListener] = {}
        self._certificate = certificate
        self._test_ingress = tuple(test_ingress)
        self.test_port = test_port or (8443 if self.https else 8080)
        self.test_listener: elbv2.ApplicationListener | None = None
        self.security_group = ec2.SecurityGroup(
            self,
            "SecurityGroup",
            vpc=vpc,
            allow_all_outbound=False,
        )
        self.load_balancer = elbv2.ApplicationLoadBalancer(
            self,
            "Default",
            vpc=vpc,
            internet_facing=public,
            vpc_subnets=vpc_subnets,
            security_group=self.security_group,
            deletion_protection=deletion_protection,
            drop_invalid_header_fields=True,
            desync_mitigation_mode=elbv2.DesyncMitigationMode.DEFENSIVE,
            idle_timeout=duration(60 if idle_seconds is None else idle_seconds),
        )
        if plain_http:
            self.load_balancer.node.add_metadata("moorage:plain-http", plain_http)
        self.listener = self._listen(certificate)
        for peer in filter(None, peers):
            for port in (443, 80) if self.https else (80,):
                self.security_group.add_ingress_rule(peer, tcp(port), f"Clients on port {port}")
        self.log_bucket = self._log_access(removal_policy) if access_logs else None

    @property
    def connections(self) -> ec2.Connections:
        """Whom it may connect to, and who may connect to it."""
        return self.security_group.connections

    def check(self, route: Route, faults: Faults) -> None:
        """Note why `route` cannot stand beside the routes that services have on this load balancer already."""
        if route.protocol_version is not elbv2.ApplicationProtocolVersion.HTTP1 and not self.https:
            faults.add(
                f"route for {route.says} is {route.protocol_version.name}, which clients speak over HTTPS alone; "
                "give the load balancer a certificate="
            )
        for other, of in self._routes:
            if clash := clash_of(route, other, of):
                faults.add(clash)

    def claim(self, route: Route, service: Construct) -> None:
        """Record that `service` has `route`, and define the alias of each host that has none yet."""
        self._routes.append((route, service))
        if self._zone:
            for host in route.host:
                if _is_record_of(self._zone, host):
                    self._define_alias(self._zone, host)
                else:
                    cdk.Annotations.of(service).add_warning_v2(
                        "@moorage/ecs:alias",
                        f"host {host!r} cannot be a record of the load balancer's zone, so it has no alias; define one "
                        "in the zone that it is of, or acknowledge this",
                    )

    def listener_in(self, stack: cdk.Stack) -> elbv2.IApplicationListener:
        """The listener as services in `stack` see it: imported there, by its ARN, once.

        Whatever refers to both, the rules between the security groups among them, then stands in the stack of the
        service. That of the load balancer never refers to it, and no circle can come about (aws-cdk #3835, #26806).
        """
        return self._import(stack, "Listener", self.listener)

    def test_listener_in(self, stack: cdk.Stack) -> elbv2.IApplicationListener:
        """The test listener as services in `stack` see it; defined when a rollout that shifts traffic first needs it.

        It has a rule for each route of such a service, where a new version is reached before the others' traffic is.
        """
        if self.test_listener is None:
            self.test_listener = self._listen_for_tests()
        return self._import(stack, "TestListener", self.test_listener)

    def _import(self, stack: cdk.Stack, name: str, listener: elbv2.ApplicationListener) -> elbv2.IApplicationListener:
        if stack not in self._places:
            scope = Construct(stack, f"Entrance {self.node.addr}")
            group = ec2.SecurityGroup.from_security_group_id(
                scope, "SecurityGroup", self.security_group.security_group_id, allow_all_outbound=False
            )
            self._places[stack] = (scope, group)
        if (stack, name) not in self._imported:
            scope, group = self._places[stack]
            self._imported[stack, name] = elbv2.ApplicationListener.from_application_listener_attributes(
                scope, name, listener_arn=listener.listener_arn, security_group=group
            )
        return self._imported[stack, name]

    def open_to(self, instances: ec2.ISecurityGroup, first_port: int, last_port: int) -> None:
        """Let it reach these ports of instances, with rules in its own stack, once for all services that ask.

        Services of several stacks share the instances' security group; two that defined the same rule would clash.
        """
        asked = (instances.node.path, first_port, last_port)
        if asked not in self._opened:
            self._opened.add(asked)
            ports = ec2.Port.tcp_range(first_port, last_port)
            self.security_group.add_egress_rule(instances, ports, "Load balancer to tasks on instances")
            instances.add_ingress_rule(
                self.security_group, ports, "Load balancer to tasks on instances", remote_rule=True
            )

    def _listen(self, certificate: acm.ICertificate | None) -> elbv2.ApplicationListener:
        if certificate is None:
            return self.load_balancer.add_listener("Http", port=80, default_action=_not_found(), open=False)
        self.load_balancer.add_listener(
            "Http",
            port=80,
            default_action=elbv2.ListenerAction.redirect(protocol="HTTPS", port="443", permanent=True),
            open=False,
        )
        return self.load_balancer.add_listener(
            "Https",
            port=443,
            certificates=[certificate],
            ssl_policy=elbv2.SslPolicy.RECOMMENDED_TLS,
            default_action=_not_found(),
            open=False,
        )

    def _listen_for_tests(self) -> elbv2.ApplicationListener:
        for peer in self._test_ingress:
            self.security_group.add_ingress_rule(peer, tcp(self.test_port), f"Tests on port {self.test_port}")
        encrypted: dict[str, Any] = {"protocol": elbv2.ApplicationProtocol.HTTP}
        if self._certificate:
            encrypted = {"certificates": [self._certificate], "ssl_policy": elbv2.SslPolicy.RECOMMENDED_TLS}
            encrypted["protocol"] = elbv2.ApplicationProtocol.HTTPS
        return self.load_balancer.add_listener(
            "Test", port=self.test_port, default_action=_not_found(), open=False, **encrypted
        )

    def _log_access(self, removal_policy: cdk.RemovalPolicy) -> s3.Bucket:
        """Log requests to a bucket; by attributes, since `log_access_logs` fails in a stack without a region."""
        bucket = s3.Bucket(
            self,
            "AccessLogs",
            encryption=s3.BucketEncryption.S3_MANAGED,  # the only one that load balancers write with
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            versioned=True,
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=cdk.Duration.days(_LOGS_KEPT_DAYS),
                    noncurrent_version_expiration=cdk.Duration.days(_OLD_VERSIONS_KEPT_DAYS),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(1),
                )
            ],
            removal_policy=removal_policy,
        )
        granted = bucket.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("logdelivery.elasticloadbalancing.amazonaws.com")],
                actions=["s3:PutObject"],
                resources=[bucket.arn_for_objects(f"AWSLogs/{cdk.Aws.ACCOUNT_ID}/*")],
            )
        )
        self.load_balancer.set_attribute("access_logs.s3.enabled", "true")
        self.load_balancer.set_attribute("access_logs.s3.bucket", bucket.bucket_name)
        if granted.policy_dependable:
            self.load_balancer.node.add_dependency(granted.policy_dependable)
        return bucket

    def _define_alias(self, zone: route53.IHostedZone, host: str) -> None:
        from aws_cdk import aws_route53 as route53  # noqa: PLC0415  # loaded only where a zone is given
        from aws_cdk import aws_route53_targets as targets  # noqa: PLC0415

        if host in self._aliases:
            return
        self._aliases.add(host)
        route53.ARecord(
            self,
            f"Alias {host}",
            zone=zone,
            record_name=f"{host}.",
            target=route53.RecordTarget.from_alias(targets.LoadBalancerTarget(self.load_balancer)),
        )


def _not_found() -> elbv2.ListenerAction:
    return elbv2.ListenerAction.fixed_response(404, content_type="text/plain", message_body="Not found")


def _is_record_of(zone: route53.IHostedZone, host: str) -> bool:
    """Whether a zone can hold this name: one that ends with its own, with no wildcard but a whole first label."""
    try:
        of = zone.zone_name
    except RuntimeError:  # imported without its name
        of = ""
    if is_token((host, of)):
        return True
    named = host.removeprefix("*.")
    return not set("*?") & set(named) and (not of or f".{named}".endswith(f".{of.lower().rstrip('.')}"))


def _inside(vpc: ec2.IVpc, faults: Faults) -> ec2.IPeer | None:
    """The addresses of a VPC, as far as it says which they are."""
    try:
        return ec2.Peer.ipv4(vpc.vpc_cidr_block)
    except RuntimeError:  # imported without them
        faults.add(
            "ingress is not given, and the VPC does not say its addresses, to which it would open; "
            "use ingress=[ec2.Peer.ipv4(...)], or import the VPC with vpc_cidr_block="
        )
        return None


def _check_subnets(faults: Faults, vpc: ec2.IVpc, vpc_subnets: ec2.SubnetSelection | None, *, public: bool) -> None:
    if vpc_subnets is not None:
        if vpc_subnets.subnets is not None:
            faults.keep(limits.BALANCER_SUBNETS, "the number of subnets", len(vpc_subnets.subnets))
    elif Network.of(vpc) is None and not is_token(vpc.availability_zones):
        chosen = vpc.public_subnets if public else vpc.private_subnets or vpc.isolated_subnets
        kind = "public subnets of the VPC" if public else "private subnets of the VPC"
        faults.keep(limits.BALANCER_SUBNETS, f"the number of {kind}", len(chosen))


def _check_encryption(
    faults: Faults, certificate: acm.ICertificate | None, plain_http: str | None, *, public: bool
) -> None:
    if certificate is not None and plain_http is not None:
        faults.add("certificate and plain_http are both given, but it serves HTTPS or plain HTTP; leave one out")
    if plain_http is not None and not plain_http.strip():
        faults.add("plain_http is empty, but it is the reason that reviewers read; say why HTTP is right here")
    if public and certificate is None and plain_http is None:
        faults.add(
            "public=True without a certificate, so that everyone on the way reads and changes what it carries; "
            "use certificate=, or say why plain HTTP is right here with plain_http='the reason'"
        )
