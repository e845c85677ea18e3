"""A service's place on a load balancer: which requests reach it, and how its targets are watched."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

import attrs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from moorage.ecs.load_balancing.priorities import default_priority
from moorage.workload import route_limits
from moorage.workload.durations import default_seconds, seconds
from moorage.workload.problems import Problems, is_token
from moorage.workload.value import value_class

if TYPE_CHECKING:
    from constructs import Construct

    from moorage.ecs.load_balancing.request_load_balancer import RequestLoadBalancer
    from moorage.ecs.load_balancing.shared_load_balancer import Entry

_MAX_PATTERN_LENGTH = 128
_LAST_PRIORITY = 50_000


def _as_paths(paths: str | Sequence[str] | None) -> tuple[str, ...] | None:
    return (paths,) if isinstance(paths, str) else None if paths is None else tuple(paths)


def _as_hosts(hosts: str | Sequence[str] | None) -> tuple[str, ...] | None:
    given = _as_paths(hosts)
    return given and tuple(host if is_token(host) else host.lower() for host in given)


@value_class
@attrs.frozen
class TargetHealth:
    """How a load balancer learns whether a task can serve.

    Args:
        path: What it requests; with gRPC, the method it calls as `/package.service/method`. Of a `Listener` without
            one, whether it can connect is enough.
        codes: The answers that mean healthy: `200`, `200,204`, `200-299`; with gRPC, 0 to 99.
        interval: Between two checks, 5 to 300 s. A new task waits for one check before it serves.
        timeout: What an answer may take, 2 to 120 s and less than the interval.
        healthy_threshold_count: How many good answers bring a task back, 2 to 10.
        unhealthy_threshold_count: How many bad ones take it out, 2 to 10.

    Raises:
        ValueError: one of them is outside what Elastic Load Balancing takes (botocore elbv2 `CreateTargetGroup`).
    """

    path: str | None = None
    codes: str | None = attrs.field(default=None, kw_only=True)
    interval: int = attrs.field(converter=seconds, default=default_seconds(10), kw_only=True)
    timeout: int = attrs.field(converter=seconds, default=default_seconds(5), kw_only=True)
    healthy_threshold_count: int = attrs.field(default=2, kw_only=True)
    unhealthy_threshold_count: int = attrs.field(default=2, kw_only=True)

    def __attrs_post_init__(self) -> None:
        problems = Problems("TargetHealth")
        problems.check(route_limits.TARGET_PATH, "path", self.path)
        problems.check(route_limits.TARGET_INTERVAL, "interval", self.interval)
        problems.check(route_limits.TARGET_TIMEOUT, "timeout", self.timeout)
        problems.check(route_limits.TARGET_TIMEOUT_SHORTER, "timeout", (self.timeout, self.interval))
        problems.check(route_limits.TARGET_THRESHOLD, "healthy_threshold_count", self.healthy_threshold_count)
        problems.check(route_limits.TARGET_THRESHOLD, "unhealthy_threshold_count", self.unhealthy_threshold_count)
        problems.raise_any()


def health_of(health: TargetHealth | str) -> TargetHealth:
    """Return the health argument of a route or a listener as a `TargetHealth`."""
    return health if isinstance(health, TargetHealth) else TargetHealth(health)


def check_name(name: str | None, problems: Problems) -> None:
    """Note a name of a route or a listener that ids could not keep."""
    if name is not None and not re.fullmatch("[A-Za-z0-9-]{1,64}", name):
        problems.add(f"name must be 1 to 64 letters, digits and '-' (got {name!r}); write it as in name='beta'")


def _default_priority(route: Route) -> int:
    return default_priority(route._hosts, route._paths)


@value_class
@attrs.frozen(eq=False)
class Route:
    """Which requests of a load balancer reach a service. With neither host nor path, all that nobody else gets.

    A rule's priority is worked out from what it asks for, never from the order of definition, so that a new service
    changes no rule of another: host and path before host, host before path, path before all, and within these a path
    before the one above it (`/api/v2/*` before `/api/*`) and a host before a pattern of hosts. Two rules can still come
    to the same number, which is an error that names a free one.

    A listener has each number once. So a service that is renamed or moved to another stack cannot take its routes along
    in one deployment: CloudFormation creates the new rule before it deletes the old one, and Elastic Load Balancing
    refuses it with `PriorityInUse`, while the old service serves on. Remove the old service in a deployment of its own,
    give the route another `priority=` for one deployment, or use `cdk refactor`, which moves resources only if the app
    changes in nothing else.

    The id of a target group follows from `name`, or else from the least of the paths, the shortest first, or without
    paths from `container`: other paths and hosts come and go without a new one. A new one is empty until ECS has
    replaced the tasks, and CloudFormation turns the rule to it before: requests get 503 meanwhile. So these need two
    deployments: a first path where there was none, another least path, `name` or `container` given later, and another
    `protocol_version`. Add a second route with a `name` and a path that nobody requests yet; then give it what the
    first one asks for, and remove the first. Another `network_mode` of the task needs a second service in the same way.
    Where rollouts shift traffic, a new rule leads to the first target group, so change hosts and paths while that one
    serves.

    Args:
        load_balancer: The entrance; any number of services share it, from any stack of the app. One that exists already
            is a `LoadBalancer.from_attributes`.
        host: One or more host names, with `*` and `?`.
        path: One or more paths, with `*` and `?`. The container sees the path as it was requested.
        health: The path of the health check, or a `TargetHealth`.
        container: The name of the container that serves; the first with a port without it.
        protocol_version: HTTP/1.1, HTTP/2 or gRPC between load balancer and task; the last two need HTTPS before it.
        priority: In place of the one worked out, 1 to 50,000, the smaller the earlier.
        name: A name that is kept in the ids of its target groups in place of its path, so that they stay when the path
            changes: letters, digits and hyphens, once in a service. A route whose hosts and paths are known only at
            deployment needs one beside a second route. So does one of two routes with the same least path, or without
            paths to the same container, if each is to have target groups of its own. Default: none.
        deregistration_delay: How long a task that leaves may finish its requests, 0 to 3,600 s. ECS waits that long
            for each task it replaces, idle or not. More than 1,800 s is a warning: CloudFormation gives up the deletion
            of a service after 30 minutes.

    Raises:
        ValueError: with all that Elastic Load Balancing would not take.
    """

    _noun: ClassVar[str] = "route"
    _reads_requests: ClassVar[bool] = True
    """True, since its load balancer knows of requests: their number, their errors and their latency."""
    _protocols: ClassVar[frozenset[str]] = frozenset({"TCP"})
    """The protocols by which its load balancer connects to the port of a container."""

    load_balancer: RequestLoadBalancer
    host: tuple[str, ...] | None = attrs.field(converter=_as_hosts, default=None, kw_only=True)
    path: tuple[str, ...] | None = attrs.field(converter=_as_paths, default=None, kw_only=True)
    health: TargetHealth = attrs.field(converter=health_of, default=TargetHealth(), kw_only=True)
    container: str | None = attrs.field(default=None, kw_only=True)
    protocol_version: elbv2.ApplicationProtocolVersion = attrs.field(
        default=elbv2.ApplicationProtocolVersion.HTTP1, kw_only=True
    )
    priority: int = attrs.field(default=attrs.Factory(_default_priority, takes_self=True), kw_only=True)
    deregistration_delay: int = attrs.field(converter=seconds, default=default_seconds(30), kw_only=True)
    name: str | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        asked = (*self._hosts, *self._paths)
        problems = Problems("Route" + "".join(f" {value!r}" for value in asked))
        problems.check_filter("host", self.host, "all hosts")
        problems.check_filter("path", self.path, "all paths")
        for host in self._hosts:
            problems.check(route_limits.RULE_HOST, "host", host)
        for path in self._paths:
            problems.check(route_limits.RULE_PATH, "path", path)
        problems.check(route_limits.RULE_VALUES, "the number of hosts and paths", len(asked))
        wildcards = sum(each.count("*") + each.count("?") for each in asked if not is_token(each))
        problems.check(route_limits.RULE_WILDCARDS, "the number of wildcards", wildcards)
        problems.check(route_limits.RULE_WILDCARDS_OF_GUIDE, "the number of wildcards", wildcards)
        problems.check(route_limits.RULE_PRIORITY, "priority", self.priority)
        problems.check(route_limits.DEREGISTRATION_DELAY, "deregistration_delay", self.deregistration_delay)
        problems.check(route_limits.DELETION_DELAY, "deregistration_delay", self.deregistration_delay)
        check_name(self.name, problems)
        if self._is_grpc:
            problems.check(route_limits.TARGET_GRPC_PATH, "health path", self.health.path)
            problems.check(route_limits.TARGET_GRPC_CODES, "health codes", self.health.codes)
        else:
            problems.check(route_limits.TARGET_CODES, "health codes", self.health.codes)
        if is_token(asked) and self.priority == _default_priority(self):
            problems.add(
                "host or path is known only at deployment, so no priority can be worked out that stays the same; "
                "use priority="
            )
        problems.raise_any()

    @property
    def _hosts(self) -> tuple[str, ...]:
        """The hosts, none for all of them."""
        return self.host or ()

    @property
    def _paths(self) -> tuple[str, ...]:
        """The paths, none for all of them."""
        return self.path or ()

    @property
    def _is_grpc(self) -> bool:
        return self.protocol_version is elbv2.ApplicationProtocolVersion.GRPC

    @property
    def _description(self) -> str:
        """The route in words, for errors."""
        parts = [
            f"{name} {', '.join(map(repr, values))}"
            for name, values in (("host", self._hosts), ("path", self._paths))
            if values
        ]
        return " and ".join(parts) or "all requests"

    @property
    def _is_known(self) -> bool:
        """True if more than tokens tells it from other routes."""
        asked = (*self._hosts, *self._paths)
        return not asked or any(not is_token(each) for each in asked)

    @property
    def _id_suffix(self) -> str:
        """The part of the ids of its target groups that is of the route: its name, its least path or its container.

        Never its hosts, and one path, so that others come and go without a new target group, which is empty at first.
        It keeps its `/*`, so that `/a` and `/a/*` can be two routes, with a container or a rollout of their own.
        """
        paths = [path for path in self._paths if not is_token(path)]
        least_path = min(paths, key=lambda path: (len(path), path), default=None)
        return f" {self.name or least_path or self.container or ''}".rstrip()

    @property
    def _target_settings(self) -> tuple[object, ...]:
        """The settings of its target group; routes to one container with the same settings can share one."""
        return (self.protocol_version, self.health, self.deregistration_delay)

    def _reached_ports(self, ports: tuple[int, int]) -> list[tuple[int, int, bool]]:
        """Return the ports of a target to which the load balancer connects: first, last, whether by UDP."""
        return [(*ports, False)]

    def _number_of_rules(self, *, shifts: bool) -> int:
        """Return the number of rules that it needs: one more if rollouts show a new version first."""
        return 2 if shifts and self.load_balancer._has_test_listener else 1

    def _check(self, beside: Sequence[Entry], problems: Problems) -> None:
        """Note why it cannot be on its load balancer, or beside the routes that are there already.

        Args:
            beside: The other routes of its service on that load balancer.
            problems: The problems to add to.
        """
        if self.protocol_version is not elbv2.ApplicationProtocolVersion.HTTP1 and not self.load_balancer._https:
            problems.add(
                f"route for {self._description} is {self.protocol_version.name}, which clients speak over HTTPS alone; "
                "give the load balancer a certificate="
            )
        self.load_balancer._check(self, beside, problems)

    def _hides(self, other: Route) -> bool:
        """Tell whether this route is known to match every request that `other` matches."""
        if is_token((*self._hosts, *self._paths, *other._hosts, *other._paths)):
            return False
        return _values_cover(self._hosts, other._hosts) and _values_cover(self._paths, other._paths)

    def _clash(self, other: Entry, owner: Construct | None, entries: Sequence[Entry]) -> str | None:
        """Describe why it cannot be on one listener with `other`; None if it can.

        Args:
            other: The route or listener that is there already.
            owner: The service that has `other`; None if it is the same service.
            entries: All routes and listeners that are there already.
        """
        other = cast("Route", other)  # a load balancer of requests has no listeners of services
        tried_first, tried_second = (other, self) if other.priority <= self.priority else (self, other)
        if (set(other._hosts), set(other._paths)) == (set(self._hosts), set(self._paths)):
            reason = "clash: they ask for the same, and the second would get nothing; ask for something else"
        elif other.priority == self.priority:
            reason = f"have the same priority {self.priority}; {self._way_out(entries)}"
        elif tried_first._hides(tried_second):
            reason = (
                f"clash: the one with priority {tried_first.priority} is asked first and leaves the one with "
                f"{tried_second.priority} nothing; {self._way_out(entries)}, or ask for something else"
            )
        else:
            return None
        return f"route for {self._description} and that of {describe_service(owner)} for {other._description} {reason}"

    def _way_out(self, entries: Sequence[Entry]) -> str:
        """Name the free priority that is nearest to its own, and in order with the routes that are there."""
        routes = [each for each in entries if isinstance(each, Route)]
        taken = {each.priority for each in routes}
        first = max((each.priority for each in routes if self._hides(each)), default=0) + 1
        end = min((each.priority for each in routes if each._hides(self)), default=_LAST_PRIORITY + 1)
        free = min(set(range(first, end)) - taken, key=lambda each: abs(each - self.priority), default=None)
        way_out = "set priority= on one of them"
        return way_out if free is None else f"{way_out}: priority={free} is free for the new one"


def describe_service(service: Construct | None) -> str:
    """Return the path of a service, for errors; None stands for the service that is being defined."""
    return service.node.path if service else "this service"


def _values_cover(wide: tuple[str, ...], narrow: tuple[str, ...]) -> bool:
    if not wide:
        return True
    return bool(narrow) and all(any(_pattern_covers(pattern, each) for pattern in wide) for each in narrow)


def _pattern_covers(wide: str, narrow: str) -> bool:
    """Tell whether `wide` matches all that `narrow` does, tried on its shortest and on too long a match of it."""
    literal = wide.replace("[", "[[]")
    return all(
        fnmatch.fnmatchcase(narrow.replace("*", filler), literal) for filler in ("", "\0" * (_MAX_PATTERN_LENGTH + 1))
    )
