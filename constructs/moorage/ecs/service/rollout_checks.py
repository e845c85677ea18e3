"""Checks of a rollout against the routes, the alarms and the scaling of its service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from moorage.ecs.load_balancing.route import Route
from moorage.ecs.service.hook_checks import check_hooks, check_longest
from moorage.workload import rollout_limits
from moorage.workload.rollout import Shift

if TYPE_CHECKING:
    from aws_cdk import aws_ecs as ecs

    from moorage.ecs.load_balancing.listener import Listener
    from moorage.workload.problems import Problems
    from moorage.workload.rollout import Rollout
    from moorage.workload.scaling import Scaling


def check_rollout(
    rollout: Rollout,
    routes: Sequence[Route | Listener],
    scaling: Scaling,
    cluster: ecs.ICluster,
    problems: Problems,
    *,
    daemon: bool,
    has_traffic: bool,
    pre_deployment: bool,
) -> None:
    """Check a rollout against the other arguments of its service.

    Args:
        rollout: The rollout.
        routes: The routes and listeners of the service.
        scaling: The scaling of the service.
        cluster: The cluster of the service.
        problems: The problems to add to.
        daemon: True if the service runs once on each instance.
        has_traffic: True if the service has traffic that a rollout can shift.
        pre_deployment: True if a task runs before each deployment.
    """
    check_hooks(rollout.hooks, cluster, problems)
    connections = not all(route._reads_requests for route in routes)
    check_longest(rollout, problems, connections=connections, pre_deployment=pre_deployment)
    if daemon:
        _check_daemon_rollout(rollout, problems)
        return
    if rollout.shift in {Shift.CANARY, Shift.LINEAR} and not has_traffic:
        problems.add(
            f"rollout is {rollout.shift.value}, but there is no traffic to shift without a route; "
            "use route=Route(...), connect=ServiceConnect(...) with a port, or Rollout.rolling()"
        )
    _check_rollback_alarms(rollout, routes, cluster, problems)
    for route in routes:
        if not rollout._shifts_traffic and not isinstance(route, Route) and route.test_port is not None:
            problems.add(
                f"test_port of the listener for {route._description} has no effect with a rolling rollout, which "
                "does not test a new version first; leave test_port= out, or use Rollout.blue_green(), canary() "
                "or linear()"
            )
    predictive = scaling.predictive
    if rollout._shifts_traffic and predictive and predictive.requests_per_task is not None:
        problems.add(
            "predictive uses requests_per_task, which AWS forecasts for one target group, but with this rollout "
            "two target groups alternate; use PredictiveScaling(cpu_percent=...), or Rollout.rolling()"
        )
    problems.check(
        rollout_limits.ROLLOUT_PROGRESS,
        "rollout",
        (scaling.minimum, rollout.minimum_healthy_percent, rollout.maximum_percent),
    )


def _check_daemon_rollout(rollout: Rollout, problems: Problems) -> None:
    if rollout._shifts_traffic:
        problems.add(
            f"rollout is {rollout.shift.value}, but a daemon is replaced on one instance after the other; "
            "use Rollout.rolling(minimum_healthy_percent=0, maximum_percent=100)"
        )
    else:
        problems.check(rollout_limits.DAEMON_MAXIMUM, "maximum_percent", rollout.maximum_percent)


def _check_rollback_alarms(
    rollout: Rollout, routes: Sequence[Route | Listener], cluster: ecs.ICluster, problems: Problems
) -> None:
    alarms = rollout.alarms
    if alarms and (alarms.extra_alarms or alarms.topic is not None):
        from moorage.ecs.service.rollback_alarms import check_places  # noqa: PLC0415  # loads aws_cdk.aws_cloudwatch

        check_places(alarms, cluster, problems)
    if alarms and alarms._watches_targets and not routes:
        problems.add(
            "rollout has alarms on the targets of routes, but there is no route; use alarms=None, or "
            "RollbackAlarms(errors_percent=None, latency=None, unhealthy_targets=None, extra_alarms=[...])"
        )
    elif alarms and not alarms._has_alarm(reads_requests=any(route._reads_requests for route in routes)):
        problems.add(
            "rollout has only alarms on errors and latency, which a Network Load Balancer does not measure; "
            "use RollbackAlarms(unhealthy_targets=1), or extra_alarms=[...]"
        )
