"""The answers of an Application Load Balancer without a service: redirects and fixed responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from moorage.ecs.load_balancing.define_routes import rule_conditions
from moorage.ecs.load_balancing.request_load_balancer import RequestLoadBalancer
from moorage.ecs.load_balancing.route import Route
from moorage.ecs.load_balancing.usage import Usage
from moorage.workload import route_limits
from moorage.workload.door import door
from moorage.workload.problems import Problems


@door
class AnsweringLoadBalancer(RequestLoadBalancer):
    """An Application Load Balancer that answers requests itself, defined here or imported."""

    def add_action(
        self,
        action: elbv2.ListenerAction,
        *,
        host: str | Sequence[str] | None = None,
        path: str | Sequence[str] | None = None,
        http_header: Mapping[str, str | Sequence[str]] | None = None,
        http_request_method: str | Sequence[str] | None = None,
        query_string: Mapping[str, str | Sequence[str]] | None = None,
        source_ip: str | Sequence[str] | None = None,
        priority: int | None = None,
        listener_port: int | None = None,
    ) -> elbv2.ApplicationListenerRule:
        """Redirect requests, or answer requests with a fixed response, in place of a service.

        The conditions and the priority are those of a `Route`. The test listener does not get the rule. If the load
        balancer has a hosted zone, each host becomes an alias of the load balancer.

        Args:
            action: `elbv2.ListenerAction.redirect` or `elbv2.ListenerAction.fixed_response`.
            host: One or more host names, with `*` and `?`. Default: all hosts.
            path: One or more paths, with `*` and `?`. Default: all paths.
            http_header: The values of HTTP headers by name. Default: all headers.
            http_request_method: One or more HTTP methods in capital letters. Default: all methods.
            query_string: The values of parameters in the query string by key. Default: all.
            source_ip: One or more CIDR blocks of clients. Default: all addresses.
            priority: The priority of the rule, 1 to 50,000. Default: a number that follows from the conditions.
            listener_port: The port of the listener that gets the rule, as in `Route`. Default: the port of the main
                listener.

        Returns:
            The listener rule.

        Raises:
            ValueError: If Elastic Load Balancing would not accept the action or a condition, or the rule clashes with a
                route or another action.
        """
        given: dict[str, Any] = {} if priority is None else {"priority": priority}
        route = Route(
            self,
            host=host,
            path=path,
            http_header=http_header,
            http_request_method=http_request_method,
            query_string=query_string,
            source_ip=source_ip,
            listener_port=listener_port,
            **given,
        )
        problems = Problems(lambda: str(self.node.path))
        problems.check_known("priority", priority)
        _check_action(action, problems, https=self._https)
        self._check_listener_port(listener_port, problems)
        self._check(route, (), problems)
        problems.raise_any()
        self._claim(route, self)
        self._use(Usage(rules=1), self)
        return elbv2.ApplicationListenerRule(
            self,
            f"Rule{route._further_port or ''} {route.priority}",
            listener=self._listener_in(cdk.Stack.of(self), route._further_port, opens=True),
            priority=route.priority,
            conditions=rule_conditions(route),
            action=action,
        )


def _check_action(action: elbv2.ListenerAction, problems: Problems, *, https: bool) -> None:
    """Check that an action answers requests, and that Elastic Load Balancing accepts its settings."""
    rendered: list[Any] = action.render_actions()
    problems.check(route_limits.ACTION, "action", tuple(each.type for each in rendered))
    for each in rendered:
        if response := each.fixed_response_config:
            problems.check(route_limits.RESPONSE_CODE, "status_code of action", response.status_code)
            problems.check(route_limits.RESPONSE_TYPE, "content_type of action", response.content_type)
            problems.check(route_limits.RESPONSE_BODY, "message_body of action", response.message_body)
        redirect = each.redirect_config
        if redirect and https and redirect.protocol == "HTTP":
            problems.add(
                "action must not redirect HTTPS to HTTP, which Elastic Load Balancing refuses (got protocol 'HTTP'); "
                "leave protocol= out"
            )
