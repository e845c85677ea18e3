"""A service's place on a load balancer: which requests reach it, and how its targets are watched."""

from __future__ import annotations

import enum
import fnmatch
import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import attrs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from moorage.workload import route_limits
from moorage.workload.durations import default_seconds, seconds
from moorage.workload.problems import Problems, is_token
from moorage.workload.value import value_class

if TYPE_CHECKING:
    from constructs import Construct

    from moorage.ecs.load_balancing.request_load_balancer import RequestLoadBalancer
    from moorage.ecs.load_balancing.shared_load_balancer import Entry

_MAX_PATTERN_LENGTH = 128


class _PriorityBand(enum.Enum):
    """The priorities that rules of one kind get: the more a rule asks for, the earlier it is tried."""

    HOST_AND_PATH = range(1, 20_001)
    HOST = range(20_001, 35_001)
    PATH = range(35_001, 50_000)
    ALL = range(50_000, 50_001)


def _values(values: str | Sequence[str] | None) -> tuple[str, ...]:
    if values is None:
        return ()
    return (values,) if isinstance(values, str) else tuple(values)


def _hosts(hosts: str | Sequence[str] | None) -> tuple[str, ...]:
    return tuple(host if is_token(host) else host.lower() for host in _values(hosts))


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


@value_class
@attrs.frozen(eq=False)
class Route:
    """Which requests of a load balancer reach a service. With neither host nor path, all that nobody else gets.

    A rule's priority is worked out from what it asks for, never from the order of definition, so that a new service
    changes no rule of another: host and path before host, host before path, path before all.

    Args:
        load_balancer: The entrance; any number of services share it, from any stack of the app. One that exists already
            is a `LoadBalancer.from_attributes`.
        host: One or more host names, with `*` and `?`.
        path: One or more paths, with `*` and `?`. The container sees the path as it was requested.
        health: The path of the health check, or a `TargetHealth`.
        container: The name of the container that serves; the first with a port without it.
        protocol_version: HTTP/1.1, HTTP/2 or gRPC between load balancer and task; the last two need HTTPS before it.
        priority: In place of the one worked out, 1 to 50,000, the smaller the earlier.
        deregistration_delay: How long a task that leaves may finish its requests, 0 to 3,600 s. ECS waits that long
            for each task it replaces, idle or not.

    Raises:
        ValueError: with all that Elastic Load Balancing would not take.
    """

    _noun: ClassVar[str] = "route"
    _reads_requests: ClassVar[bool] = True
    """True, since its load balancer knows of requests: their number, their errors and their latency."""

    load_balancer: RequestLoadBalancer
    host: tuple[str, ...] = attrs.field(converter=_hosts, default=None, kw_only=True)
    path: tuple[str, ...] = attrs.field(converter=_values, default=None, kw_only=True)
    health: TargetHealth = attrs.field(converter=health_of, factory=TargetHealth, kw_only=True)
    container: str | None = attrs.field(default=None, kw_only=True)
    protocol_version: elbv2.ApplicationProtocolVersion = attrs.field(
        default=elbv2.ApplicationProtocolVersion.HTTP1, kw_only=True
    )
    priority: int = attrs.field(kw_only=True)
    deregistration_delay: int = attrs.field(converter=seconds, default=default_seconds(30), kw_only=True)

    @priority.default
    def _default_priority(self) -> int:
        band = {
            (True, True): _PriorityBand.HOST_AND_PATH,
            (True, False): _PriorityBand.HOST,
            (False, True): _PriorityBand.PATH,
            (False, False): _PriorityBand.ALL,
        }[bool(self.host), bool(self.path)].value
        conditions = "\n".join([*sorted(self.host), "", *sorted(self.path)])
        return band[int.from_bytes(hashlib.sha256(conditions.encode()).digest()[:8]) % len(band)]

    def __attrs_post_init__(self) -> None:
        problems = Problems("Route" + "".join(f" {value!r}" for value in (*self.host, *self.path)))
        for host in self.host:
            problems.check(route_limits.RULE_HOST, "host", host)
        for path in self.path:
            problems.check(route_limits.RULE_PATH, "path", path)
        problems.check(route_limits.RULE_VALUES, "the number of hosts and paths", len(self.host) + len(self.path))
        problems.check(route_limits.RULE_PRIORITY, "priority", self.priority)
        problems.check(route_limits.DEREGISTRATION_DELAY, "deregistration_delay", self.deregistration_delay)
        if self._is_grpc:
            problems.check(route_limits.TARGET_GRPC_PATH, "health path", self.health.path)
            problems.check(route_limits.TARGET_GRPC_CODES, "health codes", self.health.codes)
        else:
            problems.check(route_limits.TARGET_CODES, "health codes", self.health.codes)
        if is_token((*self.host, *self.path)) and self.priority == self._default_priority():
            problems.add(
                "host or path is known only at deployment, so no priority can be worked out that stays the same; "
                "use priority="
            )
        problems.raise_any()

    @property
    def _is_grpc(self) -> bool:
        return self.protocol_version is elbv2.ApplicationProtocolVersion.GRPC

    @property
    def _description(self) -> str:
        """The route in words, for errors."""
        parts = [
            f"{name} {', '.join(map(repr, values))}"
            for name, values in (("host", self.host), ("path", self.path))
            if values
        ]
        return " and ".join(parts) or "all requests"

    def _reached_ports(self, ports: tuple[int, int]) -> list[tuple[int, int, bool]]:
        """Return the ports of a target to which the load balancer connects: first, last, whether by UDP."""
        return [(*ports, False)]

    def _check(self, problems: Problems) -> None:
        """Note why it cannot be on its load balancer, or beside the routes that services have there already."""
        if not self.load_balancer._reads_requests:
            problems.add(
                f"route for {self._description} is of {self.load_balancer.node.path}, a network load balancer, which "
                "reads no requests; use Listener(..., port), or a LoadBalancer"
            )
            return
        if self.protocol_version is not elbv2.ApplicationProtocolVersion.HTTP1 and not self.load_balancer._https:
            problems.add(
                f"route for {self._description} is {self.protocol_version.name}, which clients speak over HTTPS alone; "
                "give the load balancer a certificate="
            )
        self.load_balancer._check(self, problems)

    def _hides(self, other: Route) -> bool:
        """Tell whether this route matches every request that `other` matches."""
        return _values_cover(self.host, other.host) and _values_cover(self.path, other.path)

    def _clash(self, other: Entry, owner: Construct | None) -> str | None:
        """Describe why it cannot be on one listener with `other`; None if it can.

        Args:
            other: The route or listener that is there already.
            owner: The service that has `other`; None if it is the same service.
        """
        if not isinstance(other, Route):
            return None
        tried_first, tried_second = (other, self) if other.priority <= self.priority else (self, other)
        if (set(other.host), set(other.path)) == (set(self.host), set(self.path)):
            reason = "clash: they ask for the same, and the second would get nothing; ask for something else"
        elif other.priority == self.priority:
            reason = f"have the same priority {self.priority}; set priority= on one of them"
        elif not is_token((*self.host, *self.path, *other.host, *other.path)) and tried_first._hides(tried_second):
            reason = (
                f"clash: the one with priority {tried_first.priority} is asked first and leaves the one with "
                f"{tried_second.priority} nothing; set priority= on one of them, or ask for something else"
            )
        else:
            return None
        return f"route for {self._description} and that of {describe_service(owner)} for {other._description} {reason}"


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
        fnmatch.fnmatchcase(narrow.replace("*", filler).replace("?", "\0"), literal)
        for filler in ("", "\0" * (_MAX_PATTERN_LENGTH + 1))
    )
