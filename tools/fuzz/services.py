"""Whole services at random, as programs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import attrs
from hypothesis import strategies as st

from moorage.workload import limits
from moorage.workload.limit import Limit
from tools.fuzz.capacities import Ground, ground, placement
from tools.fuzz.features import WHOLE
from tools.fuzz.program import Code, Pick, call, seconds
from tools.fuzz.rollouts import ALARMS, SHIFTING, rollout, scaling
from tools.fuzz.tasks import PORTS, TaskOf

ELSEWHERE = frozenset(
    {
        *("zones", "network-cidr", "load-balancer-subnets", "idle-timeout"),  # of networks and load balancers
        *("target-retries", "target-event-age", "flexible-time-window", "event-pattern", "task-overrides"),  # of jobs
        *("ecs-target-strategy-items", "task-timeout"),  # likewise
        *("visibility-timeout", "visibility-after-stop", "max-receives", "message-retention"),  # of workers
        *("repository-name", "private-ca-arn", "dashboard-widgets", "cluster-name", "cluster-arn"),
    }
)
"""Rows that nothing a service is given can break."""
ROWS: tuple[Limit, ...] = tuple(row for row in limits.TABLE if row.id not in ELSEWHERE)
"""The rows that a service can break."""
_BREAKABLE = tuple(row.id for row in ROWS)
_HEALTH = (
    "target-health-interval",
    "target-health-timeout",
    "target-health-timeout-shorter",
    "target-health-threshold",
    "target-health-path",
    "target-health-grpc-path",
    "target-health-codes",
    "target-health-grpc-codes",
)
_ROUTED = (
    *_HEALTH,
    *("deregistration-delay", "rule-priority", "rule-condition-values", "rule-host", "rule-path"),
    *("target-groups-per-service", "health-check-grace-period", *SHIFTING, *ALARMS),
)
_LATTICE = ("prefix-list", "lattice-target-group", "lattice-target-groups")
_PLAIN = call("PlainCluster", Code("stack"), "Cluster", vpc=Code("vpc"))


@attrs.frozen
class Definition:
    """A program that defines one service, and the rows that it is to break."""

    source: str
    broken: frozenset[str]


@st.composite
def definitions(draw: Callable[[st.SearchStrategy[Any]], Any], *rows: str, several: bool = False) -> Definition:
    """Programs that define a service, in all limits but these.

    Args:
        draw: Hypothesis's own.
        rows: The ids of the rows that each is to break.
        several: Whether each breaks two rows more, whichever.
    """
    some = [draw(st.sampled_from(_BREAKABLE)) for _ in range(2)] if several else []
    broken = frozenset((*rows, *some))
    return Definition(_program(Pick(draw, broken)), broken)


def _program(pick: Pick) -> str:
    under = ground(pick)
    routed = not pick.breaks(*WHOLE) and (pick.breaks(*_ROUTED) or pick.often())
    served = routed or pick.breaks(*PORTS, *_LATTICE, "service-connect-name")
    task = TaskOf(pick, under.kind, under.mode, under.architecture, under.gpus, served).code()
    where = placement(pick) if under.kind == "ec2" and under.offered else None
    daemon = where == "Placement.on_each_instance()"
    connect = _connect(pick) if pick.when("service-connect-name") and not daemon else None
    cluster = {"vpc": Code("vpc"), "capacity": [Code(each) for each in under.offered], "namespace": connect and "shop"}
    arguments = {
        "cluster": Code("cluster"),
        "task": task,
        "scaling": None if daemon else _scaling(pick, routed, under),
        "route": _routes(pick) if routed else None,
        "rollout": rollout(pick, routed=routed) if pick.breaks("daemon-maximum") or not daemon else None,
        "before": _before(pick, under) if pick.seldom() and not daemon else None,
        "connect": connect,
        "capacity": under.chosen,
        "placement": where,
        "health_check_grace_period": _grace(pick) if routed else None,
        **(_network(pick, under) if under.mode == "awsvpc" else {}),
    }
    rolls = not re.search("blue_green|canary|linear", arguments["rollout"] or "")
    if pick.breaks(*_LATTICE) or (served and rolls and under.mode == "awsvpc" and pick.seldom()):
        arguments["lattice"] = _lattice(pick)
    ours = call("Cluster", Code("stack"), "Cluster", **cluster)
    edge = call("LoadBalancer", Code("stack"), "Edge", vpc=Code("vpc"), access_logs=False, certificate=Code("issued"))
    lines = [
        *under.lines,
        f"cluster = {ours if under.offered else _PLAIN}",
        *([f"edge = {edge}"] if routed else []),
        str(call("Service", Code("stack"), "Web", **arguments)),
    ]
    return "\n".join(lines)


def _scaling(pick: Pick, routed: bool, under: Ground) -> Code | None:  # noqa: FBT001  # private, of one call
    rows = {row for row in _BREAKABLE if row in _SCALED}
    return pick.maybe(lambda: scaling(pick, routed=routed, most=under.most), *rows)


_SCALED = {
    *("tasks-per-service", "scaling-cooldown", "scaling-range", "target-percent", "target-value", "peak-copies"),
    *("scaling-names-unique", "scaling-name", "predicted-ahead", "predicted-above-maximum", "rollout-progress"),
}


def _before(pick: Pick, under: Ground) -> Code:
    whole = attrs.evolve(pick, broken=frozenset())
    return TaskOf(whole, under.kind, under.mode, under.architecture).code()


def _connect(pick: Pick) -> Code:
    names = pick.keeping("service-connect-name", (None, "catalog"), ("Catalog", "a b", "-a", "x" * 128, ""))
    return call(
        "ServiceConnect",
        name=names,
        idle_timeout=pick.one_of(None, seconds(0), seconds(60)),
        access_logs=pick.on(),
    )


def _lattice(pick: Pick) -> Any:
    listed = pick.keeping("prefix-list", ("pl-0a1b2c3d", "pl-0123456789abcdef0"), ("", "pl-", "com.amazonaws.x"))
    arn = "arn:aws:vpc-lattice:eu-west-1:111111111111:targetgroup/tg-0123456789abcdef0"
    group = pick.keeping("lattice-target-group", (None, arn), (arn[:-1], "tg-0123456789abcdef0", ""))
    health = pick.one_of(None, "/healthz") if group is None else None
    one = call("Lattice", listed, target_group_arn=group, health=health)
    return [one] * 6 if pick.breaks("lattice-target-groups") else one


def _grace(pick: Pick) -> Code | None:
    row = "health-check-grace-period"
    return pick.maybe(lambda: seconds(pick.within(row, 0, 2147483647)), row)


def _network(pick: Pick, under: Ground) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if pick.when("awsvpc-subnets"):
        count = pick.within("awsvpc-subnets", 1, 16, 17)
        found["vpc_subnets"] = Code(f"SubnetSelection(subnets=subnets[:{count}])")
    if pick.when("awsvpc-security-groups"):
        count = pick.within("awsvpc-security-groups", 1, 5, 6, 0)
        found["security_groups"] = Code(f"groups[:{count}]")
    elif pick.seldom():
        found["egress"] = pick.one_of([], [443, 5432], [1, 65535])
    if under.kind == "fargate" and not found.get("vpc_subnets") and pick.seldom():
        found["assign_public_ip"] = True
    return found


def _routes(pick: Pick) -> Any:
    if pick.breaks("target-groups-per-service"):
        return [call("Route", Code("edge"), path=f"/{index}/*") for index in range(6)]
    if pick.breaks(*_ROUTED) or pick.often():
        return _route(pick)
    return [call("Route", Code("edge"), path=f"/{index}/*") for index in range(pick.one_of(2, 5))]


def _route(pick: Pick) -> Code:
    grpc = pick.breaks("target-health-grpc-path", "target-health-grpc-codes")
    grpc = grpc or (not pick.breaks("target-health-codes", "target-health-path") and pick.seldom())
    hosts = pick.keeping(
        "rule-host",
        (None, "api.example.com", "*.example.com", ["A.example.com", "b.example.com"]),
        ("example", "a b.com", "", "x" * 125 + ".com"),
    )
    paths = pick.keeping("rule-path", (None, "/v1/*", ["/a", "/b?"]), ("v1", "", "/a b", "/" + "x" * 128))
    if pick.breaks("rule-condition-values"):
        hosts, paths = None, [f"/{index}" for index in range(6)]
    row = "rule-priority"
    version = pick.one_of("HTTP2", "HTTP1")
    return call(
        "Route",
        Code("edge"),
        host=hosts,
        path=paths,
        health=_target_health(pick, grpc=grpc) if pick.breaks(*_HEALTH) or grpc or pick.often() else None,
        protocol_version=Code(f"ApplicationProtocolVersion.{'GRPC' if grpc else version}"),
        priority=pick.maybe(lambda: pick.within(row, 1, 50000), row),
        deregistration_delay=pick.maybe(
            lambda: seconds(pick.within("deregistration-delay", 0, 3600)), "deregistration-delay"
        ),
    )


def _target_health(pick: Pick, *, grpc: bool) -> Code:
    interval = pick.within("target-health-interval", 5, 300)
    timeout = min(pick.within("target-health-timeout", 2, 120, 1, 121), 121)
    if pick.breaks("target-health-timeout-shorter"):
        interval = timeout = pick.one_of(5, 60, 120)
    elif not pick.breaks("target-health-timeout", "target-health-interval"):
        timeout = max(2, min(timeout, interval - 1))
    if grpc:
        path = pick.keeping("target-health-grpc-path", ("/grpc.health.v1.Health/Check",), ("/healthz", "/a/b/c"))
        codes = pick.keeping("target-health-grpc-codes", (None, "0", "0,12-99"), ("100", "a", ""))
    else:
        path = pick.keeping(
            "target-health-path", ("/", "/healthz?a=b", "/" + "x" * 1023), ("healthz", "", "/" + "x" * 1024)
        )
        codes = pick.keeping("target-health-codes", (None, "200", "200,300-499"), ("500", "199", "299-200", "ok", ""))
    return call(
        "TargetHealth",
        path,
        codes=codes,
        interval=seconds(interval),
        timeout=seconds(timeout),
        healthy=pick.within("target-health-threshold", 2, 10),
        unhealthy=pick.within("target-health-threshold", 2, 10),
    )
