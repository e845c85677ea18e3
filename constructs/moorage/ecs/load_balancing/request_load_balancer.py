"""The base class of Application Load Balancers, with everything that a `Route` uses."""

from __future__ import annotations

import abc
import functools
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from moorage.ecs.load_balancing.shared_load_balancer import SharedLoadBalancer
from moorage.workload import route_limits
from moorage.workload.problems import is_token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs import Construct

    from moorage.ecs.load_balancing.shared_load_balancer import Entry
    from moorage.ecs.load_balancing.usage import Usage
    from moorage.ecs.task.task_launch import Launch
    from moorage.workload.limit import Limit
    from moorage.workload.problems import Problems


class RequestLoadBalancer(SharedLoadBalancer):
    """An Application Load Balancer with its routes, defined here or imported."""

    _https: bool
    _has_test_listener: bool = True
    _main_port: int | None = None
    """The port of the listener that has the rules of routes by default, or None if the load balancer is imported."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self._further_listeners: Mapping[int, elbv2.ApplicationListener] = {}
        """The listeners on further ports, by port."""
        self._test_entries: list[tuple[Entry, Construct]] = []
        """The routes of services that have a rule on the test listener."""
        self._imported_listeners: dict[tuple[cdk.Stack, str, bool], elbv2.IApplicationListener] = {}

    @property
    def _scheme(self) -> str:
        """The scheme of the URLs of the listener."""
        return "https" if self._https else "http"

    @property
    @abc.abstractmethod
    def url(self) -> str:
        """The URL of the load balancer."""

    @abc.abstractmethod
    def _listener_in(self, stack: cdk.Stack, port: int | None, /, *, opens: bool) -> elbv2.IApplicationListener:
        """Return a listener, as imported into `stack` by its ARN, once for all services.

        Args:
            stack: The stack of the services.
            port: The further port of the listener, or None for the main listener.
            opens: Whether to let CDK define the rules between the security groups of the load balancer and the tasks.
        """

    @abc.abstractmethod
    def _test_listener_in(self, stack: cdk.Stack, *, opens: bool) -> elbv2.IApplicationListener | None:
        """Return the test listener, as imported into `stack`, on which rollouts serve a new version first, or None."""

    def _check_listener_port(self, port: int | None, problems: Problems) -> None:
        """Check that the load balancer has a listener for routes on `port`; None is the main listener."""
        if port is None or port == self._main_port or port in self._further_listeners or is_token(port):
            return
        if self._main_port is None:
            problems.add(
                f"listener_port must not be given for an imported load balancer (got {port}), whose routes are on the "
                "listener of listener_arn; import the other listener with another LoadBalancer.from_attributes()"
            )
        else:
            ports = ", ".join(map(str, [self._main_port, *self._further_listeners]))
            problems.add(
                f"listener_port must be a port of {self.node.path} that has routes, one of {ports} (got {port}); use "
                f"one of these ports, or add {port} to listener_ports= of the load balancer"
            )

    def _quotas(self, usage: Usage, _launch: Launch) -> list[tuple[Limit, str, int]]:
        return [
            (route_limits.TARGET_GROUPS, "target groups", usage.target_groups),
            (route_limits.RULES, "listener rules", usage.rules),
            (route_limits.TARGETS, "targets", usage.targets),
        ]

    def _import_listener(
        self, stack: cdk.Stack, name: str, listener: str | elbv2.IApplicationListener, *, opens: bool
    ) -> elbv2.IApplicationListener:
        key = (stack, name, opens)
        if key not in self._imported_listeners:
            scope, security_group = self._place_in(stack)
            arn = listener if isinstance(listener, str) else listener.listener_arn
            self._imported_listeners[key] = elbv2.ApplicationListener.from_application_listener_attributes(
                scope,
                name if opens else f"{name} that opens nothing",
                listener_arn=arn,
                security_group=security_group if opens else self._group_in_no_template,
            )
        return self._imported_listeners[key]

    @functools.cached_property
    def _group_in_no_template(self) -> ec2.ISecurityGroup:
        """A stand-in for the load balancer's security group, in an app that is never synthesized.

        CDK adds its security group rules to the stand-in, where they have no effect. Otherwise, CDK would define the
        rules for each target, and again in each stack.
        """
        stack = cdk.Stack(cdk.App(auto_synth=False), "Nowhere")
        return ec2.SecurityGroup.from_security_group_id(stack, "SecurityGroup", "sg-0", allow_all_outbound=False)
