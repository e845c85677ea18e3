"""Imported load balancers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import aws_cdk as cdk
import jsii
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from moorage.ecs.cdk_values import stack_of
from moorage.ecs.load_balancing.answering_load_balancer import AnsweringLoadBalancer
from moorage.ecs.load_balancing.connection_load_balancer import ConnectionLoadBalancer, check_encryption
from moorage.ecs.load_balancing.shared_load_balancer import IPV4, Entry, allowed_clients, check_clients
from moorage.ecs.load_balancing.target import full_name_of
from moorage.scope.per_construct import PerConstruct
from moorage.scope.place import check_place
from moorage.workload import load_balancing_limits
from moorage.workload.errors import ValidationError
from moorage.workload.problems import Problems, is_token

if TYPE_CHECKING:
    from aws_cdk import aws_certificatemanager as acm
    from constructs import Construct, IConstruct

    from moorage.ecs.load_balancing.usage import Usage


@jsii.implements(ec2.IConnectable)
class ImportedLoadBalancer(AnsweringLoadBalancer):
    """The result of `LoadBalancer.from_attributes`: an imported load balancer to whose listeners services add rules.

    The rules, the target groups and the security group rules belong to the stack of each service. The import itself
    defines no resources, and the load balancer does not change.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        listener_arn: str,
        security_group_id: str,
        vpc: ec2.IVpc,
        https: bool,
        test_listener_arn: str | None,
    ) -> None:
        """Import an Application Load Balancer.

        Args:
            scope: The scope in which to import the load balancer.
            construct_id: The ID of the construct in its scope.
            listener_arn: The ARN of the listener to which services add the rules of their routes.
            security_group_id: The ID of the security group of the load balancer.
            vpc: The VPC of the load balancer.
            https: True if the protocol of the listener is HTTPS.
            test_listener_arn: The ARN of the listener on which rollouts that shift traffic serve a new version first.

        Raises:
            ValueError: If an ARN or ID does not have the form of its resource type, an ARN has another account or
                region, or `test_listener_arn` is not another listener of the same load balancer.
        """
        problems = Problems(lambda: f"{scope.node.path}/{construct_id}")
        problems.check(load_balancing_limits.SECURITY_GROUP_ID, "security_group_id", security_group_id)
        for argument, arn in (("listener_arn", listener_arn), ("test_listener_arn", test_listener_arn)):
            problems.check(load_balancing_limits.LISTENER_ARN, argument, arn)
        if not problems.messages:
            _check_place("listener_arn", listener_arn, stack_of(scope), problems)
        if test_listener_arn is not None and test_listener_arn == listener_arn:
            problems.add(
                "test_listener_arn must differ from listener_arn, since a new version would get all traffic before it "
                "is tested; use another listener of the load balancer, or leave test_listener_arn= out"
            )
        if test_listener_arn is not None and not problems.messages and not is_token((listener_arn, test_listener_arn)):
            names = full_name_of(test_listener_arn), full_name_of(listener_arn)
            if names[0] != names[1]:
                problems.add(
                    f"test_listener_arn must belong to the load balancer of listener_arn, {names[1]} (got {names[0]}), "
                    f"since a target group belongs to one load balancer; use another listener of {names[1]}, or leave "
                    "test_listener_arn= out"
                )
        problems.raise_any()

        super().__init__(scope, construct_id)
        self.vpc = vpc
        self._https = https
        self._id = self._replaceable_id = _id_of(self, listener_arn)
        self._entries, self._usages = _claims_of(self, listener_arn)
        self._has_test_listener = test_listener_arn is not None
        self._test_entries, _ = _claims_of(self, f"tests on {test_listener_arn}")
        self.listener_arn = listener_arn
        self.test_listener_arn = test_listener_arn
        self.security_group = ec2.SecurityGroup.from_security_group_id(
            self, "SecurityGroup", security_group_id, allow_all_outbound=False
        )

    @property
    def url(self) -> str:
        """Raise a `ValueError`: an import by the ARN of a listener does not know the DNS name."""
        raise ValidationError(
            f"{self.node.path}: the DNS name of an imported load balancer is not known, so it has no url; use a route "
            "with a host, as in Route(load_balancer, host='shop.example.com')"
        )

    @property
    def _full_name(self) -> str:
        """The name of the load balancer in CloudWatch."""
        return full_name_of(self.listener_arn)

    def _listener_in(self, stack: cdk.Stack, _port: int | None, /, *, opens: bool) -> elbv2.IApplicationListener:
        """Return the listener, as imported into `stack` for its services. An import has no further ports."""
        return self._import_listener(stack, "Listener", self.listener_arn, opens=opens)

    def _test_listener_in(self, stack: cdk.Stack, *, opens: bool) -> elbv2.IApplicationListener | None:
        """Return the test listener, as imported into `stack` for its services, or None if there is no test listener."""
        arn = self.test_listener_arn
        return self._import_listener(stack, "TestListener", arn, opens=opens) if arn else None


@jsii.implements(ec2.IConnectable)
class ImportedNetworkLoadBalancer(ConnectionLoadBalancer):
    """The result of `NetworkLoadBalancer.from_attributes`: an imported load balancer to which services add listeners.

    The listeners, target groups and security group rules belong to the stack of each service. The import itself defines
    no resources.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        load_balancer_arn: str,
        security_group_id: str,
        vpc: ec2.IVpc,
        public: bool,
        certificate: acm.ICertificate | None,
        without_tls: str | None,
        ingress: Sequence[ec2.IPeer] | None,
        test_ingress: Sequence[ec2.IPeer],
    ) -> None:
        """Import a Network Load Balancer.

        Args:
            scope: The scope in which to import the load balancer.
            construct_id: The ID of the construct in its scope.
            load_balancer_arn: The ARN of the load balancer.
            security_group_id: The ID of the security group of the load balancer.
            vpc: The VPC of the load balancer.
            public: True if the load balancer is reachable from the internet.
            certificate: The certificate of TLS listeners that this app defines.
            without_tls: The reason why a public load balancer may have listeners that do not terminate TLS.
            ingress: The peers that may connect to the listeners that this app defines.
            test_ingress: The peers that may connect to the test ports of these listeners.

        Raises:
            ValueError: If an ARN or ID does not have the form of its resource type, an ARN has another account or
                region, or the default of `ingress` is not known. A public load balancer also needs a certificate or a
                reason.
        """
        problems = Problems(lambda: f"{scope.node.path}/{construct_id}")
        problems.check(load_balancing_limits.SECURITY_GROUP_ID, "security_group_id", security_group_id)
        problems.check(load_balancing_limits.NETWORK_ARN, "load_balancer_arn", load_balancer_arn)
        if not problems.messages:
            _check_place("load_balancer_arn", load_balancer_arn, stack_of(scope), problems)
        check_place(problems, "certificate", certificate, scope)
        check_encryption(problems, certificate, without_tls, public=public)
        check_clients(vpc, ingress, problems, public=public)
        problems.raise_any()

        super().__init__(scope, construct_id)
        self.vpc = vpc
        self.certificate = certificate
        self.load_balancer_arn = load_balancer_arn
        self._id = self._replaceable_id = _id_of(self, load_balancer_arn)
        self._entries, self._usages = _claims_of(self, load_balancer_arn)
        self._clients = allowed_clients(vpc, ingress, IPV4, public=public)
        self._test_clients = tuple(test_ingress)
        self._requires_tls = public and without_tls is None
        self._cross_zone = self._zonal_shift = self._dual_stack = False  # assumed, since they are not known
        self.load_balancer = elbv2.NetworkLoadBalancer.from_network_load_balancer_attributes(
            self, "Default", load_balancer_arn=load_balancer_arn, vpc=vpc
        )
        if without_tls:
            self.node.add_metadata("moorage:without-tls", without_tls)
        self.security_group = ec2.SecurityGroup.from_security_group_id(
            self, "SecurityGroup", security_group_id, allow_all_outbound=False
        )

    @property
    def _full_name(self) -> str:
        """The name of the load balancer in CloudWatch."""
        return full_name_of(self.load_balancer_arn)


_Claims: TypeAlias = tuple[list[tuple[Entry, "Construct"]], list[tuple["Usage", "Construct"]]]
_claims_by_arn: PerConstruct[IConstruct, dict[str, _Claims]] = PerConstruct()
"""The routes, listeners and used quotas of imported load balancers, by ARN. An app can import a load balancer twice."""


def _claims_of(load_balancer: Construct, arn: str) -> _Claims:
    return _claims_by_arn.get_or_make(load_balancer.node.root, dict).setdefault(arn, ([], []))


def _id_of(load_balancer: Construct, arn: str) -> str:
    """Return the load balancer's part of IDs: the name in the ARN, or the path if the ARN is a token."""
    return load_balancer.node.path if is_token(arn) else arn.split("/", 1)[1]


def _check_place(argument: str, arn: str, stack: cdk.Stack, problems: Problems) -> None:
    """Check the account and region of an ARN: Elastic Load Balancing does not let other accounts define rules."""
    if is_token(arn):
        return
    region, account = arn.split(":")[3:5]
    for kind, arn_value, stack_value in (("account", account, stack.account), ("region", region, stack.region)):
        if not is_token(stack_value) and arn_value != stack_value:
            problems.add(
                f"{argument} must be in the stack's {kind} {stack_value} (got {arn_value}), since listeners, rules and "
                f"target groups belong to the {kind} of their load balancer; use a load balancer in {kind} "
                f"{stack_value}, or define the service in {kind} {arn_value}"
            )
