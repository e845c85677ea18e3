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

if TYPE_CHECKING:
    from constructs import Construct

    from moorage.ecs.load_balancing.usage import Usage
    from moorage.ecs.task.task_launch import Launch
    from moorage.workload.limit import Limit


class RequestLoadBalancer(SharedLoadBalancer):
    """An Application Load Balancer with its routes, defined here or imported."""

    _https: bool
    _has_test_listener: bool = True

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
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
    def _listener_in(self, stack: cdk.Stack, *, opens: bool) -> elbv2.IApplicationListener:
        """Return the listener, as imported into `stack` by its ARN, once for all services.

        Args:
            stack: The stack of the services.
            opens: Whether to let CDK define the rules between the security groups of the load balancer and the tasks.
        """

    @abc.abstractmethod
    def _test_listener_in(self, stack: cdk.Stack, *, opens: bool) -> elbv2.IApplicationListener | None:
        """Return the test listener, as imported into `stack`, on which rollouts serve a new version first, or None."""

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
