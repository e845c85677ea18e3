"""An application load balancer as routes see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from moorage.ecs.load_balancing.shared_load_balancer import SharedLoadBalancer

if TYPE_CHECKING:
    import aws_cdk as cdk
    from constructs import Construct


class RequestLoadBalancer(SharedLoadBalancer):
    """An application load balancer and the routes on it, whether it is defined here or exists already."""

    _reads_requests = True
    _https: bool

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self._imported_listeners: dict[tuple[cdk.Stack, str], elbv2.IApplicationListener] = {}

    def _listener_in(self, stack: cdk.Stack) -> elbv2.IApplicationListener:
        """Return the listener as services in `stack` see it: imported there once, by its ARN."""
        raise NotImplementedError

    def _test_listener_in(self, stack: cdk.Stack) -> elbv2.IApplicationListener | None:
        """Return the test listener as services in `stack` see it: it reaches a new version before traffic does."""
        raise NotImplementedError

    def _import_listener(
        self, stack: cdk.Stack, name: str, listener: str | elbv2.IApplicationListener
    ) -> elbv2.IApplicationListener:
        if (stack, name) not in self._imported_listeners:
            scope, security_group = self._place_in(stack)
            arn = listener if isinstance(listener, str) else listener.listener_arn
            self._imported_listeners[stack, name] = elbv2.ApplicationListener.from_application_listener_attributes(
                scope, name, listener_arn=arn, security_group=security_group
            )
        return self._imported_listeners[stack, name]
