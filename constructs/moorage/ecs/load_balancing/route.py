"""The route of a service on an Application Load Balancer: the requests that it gets, and its targets."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, cast

import attrs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from moorage.ecs.load_balancing.priorities import default_priority, priority_before
from moorage.ecs.load_balancing.route_conditions import (
    Condition,
    check_conditions,
    conditions_of,
    count_wildcards,
    implies,
    values_cover,
)
from moorage.ecs.load_balancing.target_health import TargetHealth, health_of
from moorage.workload import port_limits, route_limits
from moorage.workload.durations import default_seconds, optional_seconds, seconds
from moorage.workload.problems import Problems, is_token
from moorage.workload.value import value_class

if TYPE_CHECKING:
    from constructs import Construct

    from moorage.ecs.load_balancing.request_load_balancer import RequestLoadBalancer
    from moorage.ecs.load_balancing.shared_load_balancer import Entry

_LAST_PRIORITY = 50_000


def _as_paths(paths: str | Sequence[str] | None) -> tuple[str, ...] | None:
    return (paths,) if isinstance(paths, str) else None if paths is None else tuple(paths)


def _as_hosts(hosts: str | Sequence[str] | None) -> tuple[str, ...] | None:
    given = _as_paths(hosts)
    return given and tuple(host if is_token(host) else host.lower() for host in given)


def check_name(name: str | None, problems: Problems) -> None:
    """Check the name of a route or a listener, which becomes a part of IDs."""
    if name is not None and not re.fullmatch("[A-Za-z0-9-]{1,64}", name):
        problems.add(f"name must be 1 to 64 letters, digits and '-' (got {name!r}); use a name such as 'beta'")


def port_suffix(container: str | None, container_port: str | int | None) -> str:
    """Return the part of IDs that follows from the container and port of a route, empty for the defaults."""
    return container or "" if container_port is None else f"{container or ''}:{container_port}"


def _as_lists(mapping: Mapping[str, str | Sequence[str]] | None) -> Mapping[str, tuple[str, ...]]:
    given = mapping or {}
    return MappingProxyType({name: (each,) if isinstance(each, str) else tuple(each) for name, each in given.items()})


def _default_priority(route: Route) -> int:
    return priority_before(default_priority(route._hosts, route._paths), route._conditions)


@value_class
@attrs.frozen(eq=False)
class Route:
    """The requests of an Application Load Balancer that go to a service, by host, path and further conditions.

    The priority of a rule follows from its conditions, never from the order of definition, so that a new service
    changes no rule of another service. Rules with a host and a path come first, then rules with only a host, then rules
    with only a path, then rules with neither. Within each of these kinds, a path comes before its parent path
    (`/api/v2/*` before `/api/*`), and a host before a pattern of hosts. A rule with further conditions comes shortly
    before the rule for the same hosts and paths. If two rules still have the same priority, the error names a free
    priority.

    A priority can be used only once on a listener. Therefore a service that is renamed or moved to another stack cannot
    keep its routes in the same deployment. CloudFormation creates the new rule before it deletes the old one, Elastic
    Load Balancing refuses the new rule with `PriorityInUse`, and the old service keeps serving. Remove the old service
    in an earlier deployment, or give the route another `priority=` for one deployment. Alternatively, use `cdk
    refactor`, which moves resources only if nothing else in the app changes.

    The ID of a target group follows from `name`, otherwise from the shortest path, or without paths from `container`
    and `container_port`. Other paths and hosts can be added and removed without a new target group. A new target group
    is empty until ECS has replaced the tasks, but CloudFormation changes the rule earlier: requests get 503 in between.
    Therefore these changes need two deployments: adding a first path, changing the shortest path, adding `name`,
    `container` or `container_port`, and changing `protocol` or `protocol_version`. First add a second route with a
    `name` and a path that nobody requests yet. Then give the second route the host and path of the first route, and
    remove the first route. To change the `network_mode` of the task, use a second service in the same way. If rollouts
    shift traffic, a new rule forwards to the first target group, so change hosts and paths while the first target group
    serves.

    Args:
        load_balancer: The load balancer, which any number of services in the app can share. For an existing load
            balancer, use `LoadBalancer.from_attributes`.
        host: One or more host names, with `*` and `?`. Default: all hosts.
        path: One or more paths, with `*` and `?`. The container gets the path as it was requested. Hosts, paths
            and the values of further conditions are together at most five. Default: all paths.
        http_header: The values of HTTP headers by name, with `*` and `?`, such as `{"X-Version": "beta"}`. A request
            must have one of the values of each header. Case is ignored. Default: all headers.
        http_request_method: One or more HTTP methods in capital letters. Default: all methods.
        query_string: The values of parameters in the query string by key, with `*` and `?`, such as
            `{"version": "beta"}`. A request must have one of the values of each key. Case is ignored. Default: all.
        source_ip: One or more CIDR blocks of clients, or of the proxies through which they connect. Default: all
            addresses.
        health: The path of the health check, or a `TargetHealth`. Default: `TargetHealth()`.
        health_port: The port of the container for health checks, 1 to 65535. Default: the port that serves.
        container: The name of the container that serves. Default: the first container with the port.
        container_port: The port of the container that serves, by name or number. If two routes of a service lead to one
            of several ports of a container, both routes need `container_port`. Default: the first port.
        protocol_version: The protocol between load balancer and task: HTTP1, HTTP2 or GRPC. The last two need HTTPS on
            the load balancer. Default: `HTTP1`.
        protocol: The protocol between load balancer and task: HTTP or HTTPS, also for health checks. The load balancer
            does not validate the certificate of the task. Default: `HTTP`.
        stickiness_cookie_duration: The time in which the load balancer sends the requests of a client to the same task,
            by a cookie, 1 second to 7 days. Requires `Rollout.rolling`, and not supported with gRPC. Default: no sticky
            sessions; with `stickiness_cookie_name`, 1 day.
        stickiness_cookie_name: The name of a cookie of the application that starts a sticky session. Default: the load
            balancer's own cookie, which starts with the first request.
        priority: The priority of the rule, 1 to 50,000. Lower numbers are evaluated first. Default: a number that
            follows from host and path, and shortly before this number for a route with further conditions.
        name: The name in the IDs of the target groups in place of the path, so that the target groups stay when the
            path changes. The name has 1 to 64 letters, digits and hyphens, and is unique in a service. A route whose
            hosts and paths are tokens needs a name if the service has other routes. Two routes with the same shortest
            path share target groups unless one route has a name. The same applies to two routes without paths to the
            same port. Default: none.
        listener_port: The port of the listener that gets the rule, one of the `listener_ports` of the load balancer.
            Rules of different listeners do not clash, except on the test listener of rollouts that shift traffic.
            Default: the main listener, on port 443, or 80 without a certificate.
        deregistration_delay: The time in which a deregistered task may finish its requests, 0 to 3,600 seconds. ECS
            waits this long for each task that it replaces, even without requests. More than 1,800 seconds cause a
            warning, since CloudFormation waits at most 30 minutes for the deletion of a service. Default: 30 seconds.

    Raises:
        ValueError: If Elastic Load Balancing would not accept an argument. The error lists all problems.
    """

    _noun: ClassVar[str] = "route"
    _reads_requests: ClassVar[bool] = True
    """True: an Application Load Balancer reads requests and has metrics for their number, errors and latency."""
    _protocols: ClassVar[frozenset[str]] = frozenset({"TCP"})
    """The protocols with which the load balancer connects to the port of a container."""

    load_balancer: RequestLoadBalancer
    host: tuple[str, ...] | None = attrs.field(converter=_as_hosts, default=None, kw_only=True)
    path: tuple[str, ...] | None = attrs.field(converter=_as_paths, default=None, kw_only=True)
    http_header: Mapping[str, tuple[str, ...]] = attrs.field(converter=_as_lists, default=None, kw_only=True)
    http_request_method: tuple[str, ...] | None = attrs.field(converter=_as_paths, default=None, kw_only=True)
    query_string: Mapping[str, tuple[str, ...]] = attrs.field(converter=_as_lists, default=None, kw_only=True)
    source_ip: tuple[str, ...] | None = attrs.field(converter=_as_paths, default=None, kw_only=True)
    health: TargetHealth = attrs.field(converter=health_of, default=TargetHealth(), kw_only=True)
    health_port: int | None = attrs.field(default=None, kw_only=True)
    container: str | None = attrs.field(default=None, kw_only=True)
    container_port: str | int | None = attrs.field(default=None, kw_only=True)
    protocol_version: elbv2.ApplicationProtocolVersion = attrs.field(
        default=elbv2.ApplicationProtocolVersion.HTTP1, kw_only=True
    )
    protocol: elbv2.ApplicationProtocol = attrs.field(default=elbv2.ApplicationProtocol.HTTP, kw_only=True)
    stickiness_cookie_duration: int | None = attrs.field(converter=optional_seconds, default=None, kw_only=True)
    stickiness_cookie_name: str | None = attrs.field(default=None, kw_only=True)
    priority: int = attrs.field(default=attrs.Factory(_default_priority, takes_self=True), kw_only=True)
    deregistration_delay: int = attrs.field(converter=seconds, default=default_seconds(30), kw_only=True)
    name: str | None = attrs.field(default=None, kw_only=True)
    listener_port: int | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        asked = (*self._hosts, *self._paths)
        problems = Problems("Route" + "".join(f" {value!r}" for value in asked))
        problems.check_filter("host", self.host, "all hosts")
        problems.check_filter("path", self.path, "all paths")
        for host in self._hosts:
            problems.check(route_limits.RULE_HOST, "host", host)
        for path in self._paths:
            problems.check(route_limits.RULE_PATH, "path", path)
        self._check_conditions(problems)
        further = [value for condition in self._conditions for value in condition.values]
        noun = "the number of hosts, paths and other values" if further else "the number of hosts and paths"
        problems.check(route_limits.RULE_VALUES, noun, len(asked) + len(further))
        wildcards = sum(each.count("*") + each.count("?") for each in asked if not is_token(each))
        wildcards += count_wildcards(self._conditions)
        problems.check(route_limits.RULE_WILDCARDS, "the number of wildcards", wildcards)
        problems.check(route_limits.RULE_WILDCARDS_OF_GUIDE, "the number of wildcards", wildcards)
        problems.check(route_limits.RULE_PRIORITY, "priority", self.priority)
        problems.check(route_limits.DEREGISTRATION_DELAY, "deregistration_delay", self.deregistration_delay)
        problems.check(route_limits.DELETION_DELAY, "deregistration_delay", self.deregistration_delay)
        check_name(self.name, problems)
        problems.check_known("container_port", self.container_port)
        problems.check_known("listener_port", self.listener_port)
        self._check_target(problems)
        if self._is_grpc:
            problems.check(route_limits.TARGET_GRPC_PATH, "path of health", self.health.path)
            problems.check(route_limits.TARGET_GRPC_CODES, "codes of health", self.health.codes)
        else:
            problems.check(route_limits.TARGET_CODES, "codes of health", self.health.codes)
        if is_token([*asked, *further]) and self.priority == _default_priority(self):
            problems.add(
                "host, path or another condition is known only at deployment, so moorage cannot derive a constant "
                "priority; use priority="
            )
        problems.raise_any()

    def _check_conditions(self, problems: Problems) -> None:
        problems.check_filter("http_request_method", self.http_request_method, "all methods")
        problems.check_filter("source_ip", self.source_ip, "all addresses")
        for name in (*self.http_header, *self.query_string):
            problems.check_known("each name of http_header and query_string", name)
        check_conditions(self._conditions, problems)

    def _check_target(self, problems: Problems) -> None:
        """Check the settings of the target group, apart from its health check."""
        problems.check(port_limits.PORT, "health_port", self.health_port)
        problems.check(route_limits.STICKINESS_DURATION, "stickiness_cookie_duration", self.stickiness_cookie_duration)
        problems.check(route_limits.STICKINESS_COOKIE, "stickiness_cookie_name", self.stickiness_cookie_name)
        if self._is_grpc and self._is_sticky:
            problems.add(
                "stickiness is not supported with protocol_version GRPC, since gRPC clients do not keep cookies; leave "
                "stickiness_cookie_duration= and stickiness_cookie_name= out"
            )

    @property
    def _conditions(self) -> tuple[Condition, ...]:
        """The conditions apart from hosts and paths."""
        return conditions_of(self.http_header, self.http_request_method or (), self.query_string, self.source_ip or ())

    @property
    def _is_sticky(self) -> bool:
        return self.stickiness_cookie_duration is not None or self.stickiness_cookie_name is not None

    @property
    def _hosts(self) -> tuple[str, ...]:
        """The hosts, or an empty tuple for all hosts."""
        return self.host or ()

    @property
    def _paths(self) -> tuple[str, ...]:
        """The paths, or an empty tuple for all paths."""
        return self.path or ()

    @property
    def _further_port(self) -> int | None:
        """The port of the listener, or None for the main listener."""
        port = self.listener_port
        return None if port is None or port == self.load_balancer._main_port else port

    @property
    def _listener_key(self) -> tuple[str, int | None]:
        return self.load_balancer._id, self._further_port

    @property
    def _is_grpc(self) -> bool:
        return self.protocol_version is elbv2.ApplicationProtocolVersion.GRPC

    @property
    def _description(self) -> str:
        """The description of the route in errors."""
        parts = [
            f"{name} {', '.join(map(repr, values))}"
            for name, values in (("host", self._hosts), ("path", self._paths))
            if values
        ]
        parts += [condition.description for condition in self._conditions]
        return " and ".join(parts) or "all requests"

    @property
    def _is_known(self) -> bool:
        """True unless all hosts and paths of the route are tokens."""
        asked = (*self._hosts, *self._paths, *(each.values[0] for each in self._conditions if each.values))
        return not asked or any(not is_token(each) for each in asked)

    @property
    def _id_suffix(self) -> str:
        """The part of the IDs of the target groups that follows from the route: its name, shortest path or port.

        It includes no hosts and at most one path. Hosts and other paths can therefore change without a new target
        group, which is empty at first. The path keeps its `/*`, so that `/a` and `/a/*` can be two routes with
        different containers or rollouts.
        """
        paths = [path for path in self._paths if not is_token(path)]
        least_path = min(paths, key=lambda path: (len(path), path), default=None)
        return f" {self.name or least_path or port_suffix(self.container, self.container_port)}".rstrip()

    @property
    def _target_settings(self) -> tuple[object, ...]:
        """The settings of the target group. Routes to one container with the same settings can share a target group."""
        stickiness = (self.stickiness_cookie_duration, self.stickiness_cookie_name)
        return (
            self.protocol,
            self.protocol_version,
            self.health,
            self.health_port,
            self.deregistration_delay,
            stickiness,
        )

    def _reached_ports(self, ports: tuple[int, int]) -> list[tuple[int, int, bool]]:
        """Return the ports of a target that the load balancer reaches, for requests and health checks.

        Each item has the first port, the last port, and True for UDP.
        """
        health_ports = ports if self.health_port is None else (self.health_port, self.health_port)
        return [(*each, False) for each in dict.fromkeys([ports, health_ports])]

    def _number_of_rules(self, *, shifts: bool) -> int:
        """Return the number of rules that the route needs: 2 with a test listener and `shifts`, otherwise 1."""
        return 2 if shifts and self.load_balancer._has_test_listener else 1

    def _check(self, beside: Sequence[Entry], problems: Problems) -> None:
        """Check that the route can be added to its load balancer, given the existing routes.

        Args:
            beside: The other routes of the same service on the load balancer.
            problems: The problems to add to.
        """
        if self.protocol_version is not elbv2.ApplicationProtocolVersion.HTTP1 and not self.load_balancer._https:
            problems.add(
                f"route for {self._description} with protocol_version {self.protocol_version.name} requires HTTPS; "
                "pass certificate= to the load balancer"
            )
        self.load_balancer._check_listener_port(self.listener_port, problems)
        self.load_balancer._check(self, beside, problems)

    def _hides(self, other: Route) -> bool:
        """Return True if this route is known to match every request that `other` matches."""
        if is_token((*self._hosts, *self._paths, *other._hosts, *other._paths)):
            return False
        if not implies(other._conditions, self._conditions):
            return False
        return values_cover(self._hosts, other._hosts) and values_cover(self._paths, other._paths)

    def _clash(self, other: Entry, owner: Construct | None, entries: Sequence[Entry]) -> str | None:
        """Describe why the route cannot be on the same listener as `other`, or return None if both can.

        Args:
            other: The existing route or listener.
            owner: The service that has `other`; None if `other` belongs to the service of this route.
            entries: All existing routes and listeners.
        """
        other = cast("Route", other)  # a load balancer of requests has no listeners of services
        if other._further_port != self._further_port:
            return None
        routes = [each for each in entries if isinstance(each, Route) and each._further_port == self._further_port]
        return self._clash_on_one_listener(other, owner, routes)

    def _clash_on_one_listener(self, other: Route, owner: Construct | None, routes: Sequence[Route]) -> str | None:
        tried_first, tried_second = sorted((other, self), key=lambda route: route.priority)
        if other._asked == self._asked:
            reason = (
                "clash: their conditions are the same, so the second route would get no requests; change the host or "
                "path of one route"
            )
        elif other.priority == self.priority:
            reason = f"have the same priority {self.priority}; {self._way_out(routes)}"
        elif tried_first._hides(tried_second):
            reason = (
                f"clash: the route with priority {tried_first.priority} is evaluated first and leaves no requests for "
                f"the route with priority {tried_second.priority}; {self._way_out(routes)}, or change the host or "
                "path of one route"
            )
        else:
            return None
        return (
            f"route for {self._description} and the route of {describe_service(owner)} for {other._description} "
            f"{reason}"
        )

    @property
    def _asked(self) -> tuple[set[str], set[str], set[tuple[object, ...]]]:
        """All conditions, without their order."""
        return set(self._hosts), set(self._paths), {condition.key for condition in self._conditions}

    def _way_out(self, routes: Sequence[Route]) -> str:
        """Suggest the free priority that is nearest to that of the route and in order with the existing routes."""
        taken = {each.priority for each in routes}
        first = max((each.priority for each in routes if self._hides(each)), default=0) + 1
        end = min((each.priority for each in routes if each._hides(self)), default=_LAST_PRIORITY + 1)
        free = min(set(range(first, end)) - taken, key=lambda each: abs(each - self.priority), default=None)
        way_out = "set priority= on one of the routes"
        return way_out if free is None else f"{way_out}: priority={free} is free for the new route"


def describe_service(service: Construct | None) -> str:
    """Return the path of a service for errors, or "this service" for None."""
    return service.node.path if service else "this service"
