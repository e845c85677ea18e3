"""The health check of the targets of a load balancer."""

from __future__ import annotations

import attrs

from moorage.workload import route_limits
from moorage.workload.durations import default_seconds, seconds
from moorage.workload.problems import Problems
from moorage.workload.value import value_class


@value_class
@attrs.frozen
class TargetHealth:
    """The health check of a load balancer's targets.

    Args:
        path: The path of the request, which starts with `/` and has at most 1,024 characters; with gRPC, the method as
            `/package.service/method`. Default: `/`; with gRPC, `/AWS.ALB/healthcheck`; with a `Listener`, a connection
            without a request.
        codes: The codes of a healthy response, such as `200`, `200,204` or `200-299`: HTTP codes from 200 to 499, with
            a `Listener` up to 599; gRPC codes from 0 to 99. Default: 200; with gRPC, 12; with a `Listener`, AWS's
            default.
        interval: The time between two checks, 5 to 300 seconds. A new task waits for one check before it serves.
            Default: 10 seconds.
        timeout: The time without a response after which a check fails, 2 to 120 seconds and less than the interval.
            Default: 5 seconds.
        healthy_threshold_count: The number of successful checks that make an unhealthy task healthy, 2 to 10.
            Default: 2.
        unhealthy_threshold_count: The number of failed checks that make a healthy task unhealthy, 2 to 10. Default: 2.

    Raises:
        ValueError: If an argument is outside the range that Elastic Load Balancing accepts (botocore elbv2
            `CreateTargetGroup`).
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
    """Return the `health` argument of a route or a listener as a `TargetHealth`."""
    return health if isinstance(health, TargetHealth) else TargetHealth(health)
