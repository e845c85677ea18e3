"""Random services, as complete programs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import attrs
from hypothesis import strategies as st

from moorage.workload import limits
from moorage.workload.limit import Limit
from tools.fuzz import entrances, jobs
from tools.fuzz.capacities import CLUSTERS, Ground, ground, placement
from tools.fuzz.features import WHOLE
from tools.fuzz.program import Code, Pick, call, seconds
from tools.fuzz.rollouts import ALARMS, SHIFTING, rollout, scaling
from tools.fuzz.tasks import PORTS, TaskOf

TABLE = limits.TABLE
"""The limits of everything except registries, which services do not have."""
ELSEWHERE = {
    "cloud-map-name": "a program uses no cloud_map_options",
    **dict.fromkeys(
        ("daemon-capacities", "daemon-capacities-unique", "daemon-capacity-kind", "daemon-region", "daemon-settings"),
        "a program has no daemon",
    ),
    "dashboard-name": "a program defines no dashboard",
    "dashboard-widgets": "a service has few of them; only hundreds of services have too many",
    "load-balancer-arn": "a program imports no service",
    "service-arn": "a program imports no service",
    "target-group-arn": "a program imports no service",
    "scheduled-actions": "200 of them test nothing that one does not",
    "ami-architecture": "a program names no public AMI by its parameter",
    "ami-id": "a program names no public AMI by its parameter",
    "ami-system": "a program names no public AMI by its parameter",
    "alarm-actions": "an alarm with more than five actions tests nothing that one with one does not",
    "discovered-tasks": "a service of more than 1,000 tasks does not fit in the cluster",
    "elastic-ip-addresses": "its VPC has fewer subnets",
    "gateway-connectors": "a program has no gateway",
    "gateway-region": "a program has no gateway",
    "gateway-subnets": "a program has no gateway",
    "gateways-per-cluster": "a program has no gateway",
    "lattice-region": "the region of its stack is unknown",
    "listeners-per-application-load-balancer": "48 further ports test nothing that two do not",
    "listeners-per-network-load-balancer": "many services",
    "nat-gateway-addresses": "a program has one network with two zones",
    "rules-per-load-balancer": "many services",
    "rules-per-security-group": "many services",
    "target-groups-per-load-balancer": "many services",
    "targets-per-load-balancer": "many services",
    "targets-per-zone": "many services",
    "vpcs-per-region": "a program has one network with two zones",
    "zones-of-region": "the region of its stack is unknown",
}
"""The limits that a single service, worker or job cannot break, each with the reason."""
_NAMESPACE = Code("stack.node.id")
"""A unique name for each program of a batch, since a name must be unique in an account."""
ROWS: tuple[Limit, ...] = tuple(row for row in TABLE if row.id not in ELSEWHERE)
"""The limits that such programs can break."""
_BREAKABLE = tuple(row.id for row in ROWS)
_TOGETHER = (
    jobs.JOBS,
    jobs.WORKERS,
    tuple(row for row in _BREAKABLE if row not in {*jobs.JOBS, *jobs.WORKERS}),
)
_ENTERED = (*entrances.HEALTH, *entrances.REQUESTS, *entrances.CONNECTIONS, *entrances.EITHER)
_ROUTED = (*_ENTERED, "health-check-grace-period", *SHIFTING, *ALARMS)
_LATTICE = ("prefix-list", "lattice-target-group", "lattice-target-groups")
_CONNECTED = ("service-connect-name", "service-connect-protocol", "service-connect-timeout", "private-ca-arn")
_NETWORK = ("zones", "network-cidr")
_PLAIN = call("PlainCluster", Code("stack"), "Cluster", vpc=Code("vpc"))


@attrs.frozen
class Definition:
    """A program that defines one service, and the limits that it breaks on purpose."""

    source: str
    broken: frozenset[str]


@st.composite
def definitions(draw: Callable[[st.SearchStrategy[Any]], Any], *rows: str, several: bool = False) -> Definition:
    """Draw a program that defines a service, a worker or a job, and keeps all limits except the given ones.

    Args:
        draw: Hypothesis's `draw`.
        rows: The IDs of the limits to break.
        several: Whether to break two more limits of the same kind of construct. Default: False.
    """
    some = [draw(st.sampled_from(_BREAKABLE))] if several else []
    some += [draw(st.sampled_from(group)) for group in _TOGETHER if set(some) & set(group)]
    broken = frozenset((*rows, *some))
    return Definition(_program(Pick(draw, broken)), broken)


def _program(pick: Pick) -> str:
    under = ground(pick)
    network = _own_network(pick)
    lines = [*([f"vpc = {network}.vpc"] if network else []), *_own_repository(pick), *under.lines]
    what = _what(pick)
    if what == "Service":
        return "\n".join([*lines, *_service(pick, under, own=network is not None)])
    cluster = _cluster(pick, under, namespace=None)
    task = _other_task(pick, under)
    said = jobs.job(pick, len(under.offered)) if what == "Job" else jobs.worker(pick, under.most)
    where = _network(pick, under) if under.mode == "awsvpc" and not network else {}
    made = call(what, Code("stack"), what, cluster=Code("cluster"), task=task, capacity=under.chosen, **said, **where)
    return "\n".join([*lines, f"cluster = {cluster}", made])


def _what(pick: Pick) -> str:
    """Return the kind of construct to define: nearly always a service, or the construct whose limit is broken."""
    if pick.broken:
        return "Job" if pick.breaks(*jobs.JOBS) else "Worker" if pick.breaks(*jobs.WORKERS) else "Service"
    return pick.one_of(*["Service"] * 6, "Worker", "Job")


def _service(pick: Pick, under: Ground, *, own: bool) -> list[str]:
    routed = not pick.breaks(*WHOLE) and (pick.breaks(*_ROUTED) or pick.often())
    served = routed or pick.breaks(*PORTS, *_LATTICE, *_CONNECTED)
    task = TaskOf(pick, under.kind, under.mode, under.architecture, under.gpus, served).code()
    where = placement(pick) if under.kind == "ec2" and under.offered else None
    daemon = where == "Placement.on_each_instance()"
    connect = _connect(pick, served=served) if pick.when(*_CONNECTED) and not daemon else None
    how = rollout(pick, routed=routed) if pick.breaks("daemon-maximum") or not daemon else None
    shifts = re.search("blue_green|canary|linear", how or "") is not None
    entry = entrances.entry(pick, under.mode, shifts=shifts) if routed else None
    arguments = {
        "cluster": Code("cluster"),
        "task": task,
        "scaling": None if daemon else _scaling(pick, under, requests=entry is not None and entry.requests),
        "route": entry and entry.routes,
        "rollout": how,
        "pre_deployment_task": _other_task(pick, under) if pick.seldom() and not daemon else None,
        "connect": connect,
        "capacity": under.chosen,
        "placement": where,
        "health_check_grace_period": _grace(pick) if routed else None,
        "service_name": _service_name(pick) if pick.breaks("service-name") or not pick.broken else None,
        **(_network(pick, under) if under.mode == "awsvpc" and not own else {}),
    }
    if pick.breaks(*_LATTICE) or (served and not shifts and under.mode == "awsvpc" and pick.seldom()):
        arguments["lattice"] = _lattice(pick)
    return [
        f"cluster = {_cluster(pick, under, namespace=_NAMESPACE if connect else None)}",
        *([f"edge = {entry.edge}", *entry.answers] if entry else []),
        str(call("Service", Code("stack"), "Web", **arguments)),
    ]


def _cluster(pick: Pick, under: Ground, *, namespace: Code | str | None) -> Code:
    """Return a cluster that the program defines or imports."""
    if pick.breaks("namespace-name"):
        namespace = pick.one_of("the shop", "", "x" * 1025, "arn:aws:servicediscovery:eu-west-1:1:namespace/ns-1")
    said: dict[str, Any] = {
        "vpc": Code("vpc"),
        "capacity": [Code(each) for each in under.offered],
        "namespace": namespace,
    }
    if not (pick.breaks(*CLUSTERS) or (under.exists and not pick.broken and pick.often())):
        return call("Cluster", Code("stack"), "Cluster", **said) if under.offered else _PLAIN
    arn = "arn:aws:ecs:eu-west-1:111111111111:cluster/shop"
    if pick.breaks("cluster-arn") or (not pick.breaks("cluster-name") and pick.seldom()):
        said["cluster_arn"] = pick.keeping("cluster-arn", (arn,), (arn.replace("cluster", "service"), "shop", ""))
    else:
        said["cluster_name"] = pick.keeping("cluster-name", ("shop", "a_B-1"), ("cluster/shop", "a b", "", "x" * 256))
    return call("Cluster.from_attributes", Code("stack"), "Cluster", **said)


def _own_network(pick: Pick) -> Code | None:
    """Return a network that is defined in the program instead of the imported network."""
    if not (pick.breaks(*_NETWORK) or (not pick.broken and pick.seldom() and pick.seldom())):
        return None
    zones = pick.within("zones", 2, 6, 0, 1, 7)
    blocks = pick.keeping(
        "network-cidr", (None, "10.0.0.0/17", "192.168.0.0/16"), ("10.0.0.0/21", "10.0.0.0/15", "10.0", "")
    )
    return call("Network", Code("stack"), "Network", zones=zones, cidr=blocks, nat_gateways=pick.one_of(0, 1))


def _own_repository(pick: Pick) -> list[str]:
    """Return a repository with an invalid name; with valid names, the programs of a stack would collide."""
    if not pick.breaks("repository-name"):
        return []
    name = pick.one_of("Shop", "a", "a//b", "-a", "x" * 257)
    return [f"repository = {call('Repository', Code('stack'), 'Repository', name=name)}"]


def _scaling(pick: Pick, under: Ground, *, requests: bool) -> Code | None:
    rows = {row for row in _BREAKABLE if row in _SCALED}
    return pick.maybe(lambda: scaling(pick, routed=requests, most=under.most), *rows)


_SCALED = {
    *(
        "tasks-per-service",
        "scaling-copies",
        "scaling-cooldown",
        "scaling-range",
        "target-percent",
        "target-value",
        "peak-copies",
        "cpu-target-percent",
        "scaling-policies",
        "scaling-policy-name",
    ),
    *("scaling-names-unique", "scaling-name", "predicted-ahead", "predicted-above-maximum", "rollout-progress"),
}


def _other_task(pick: Pick, under: Ground) -> Code:
    """Return a task that keeps all limits, for a pre-deployment task, a job or a worker."""
    whole = attrs.evolve(pick, broken=frozenset())
    return TaskOf(whole, under.kind, under.mode, under.architecture, of_service=False).code()


def _connect(pick: Pick, *, served: bool) -> Code:
    arn = "arn:aws:acm-pca:eu-west-1:111111111111:certificate-authority/12345678-1234-1234-1234-123456789012"
    authority = pick.keeping("private-ca-arn", (arn,), (arn.replace("acm-pca", "acm"), "shop", ""))
    names = pick.keeping(
        "service-connect-name", (None, "catalog") if served else (None,), ("Catalog", "a b", "-a", "x" * 128, "")
    )
    protocol = pick.keeping("service-connect-protocol", (None, "http", "http2", "grpc"), ("tcp", "HTTP", ""))
    timeout = pick.maybe(
        lambda: seconds(pick.within("service-connect-timeout", 0, 2147483647)), "service-connect-timeout"
    )
    return call(
        "ServiceConnect",
        name=names,
        protocol=protocol,
        idle_timeout=timeout,
        request_timeout=pick.one_of(None, seconds(0), seconds(60)) if protocol else None,
        access_logs=pick.on(),
        tls=pick.maybe(lambda: call("ServiceConnectTls", authority_arn=authority), "private-ca-arn"),
    )


def _lattice(pick: Pick) -> Any:
    listed = pick.keeping("prefix-list", ("pl-0a1b2c3d", "pl-0123456789abcdef0"), ("", "pl-", "com.amazonaws.x"))
    arn = "arn:aws:vpc-lattice:eu-west-1:111111111111:targetgroup/tg-"
    own_arn = Code(f"{arn!r} + stack.node.addr[-17:]")  # unique in the batch
    wrong = (f"{arn}0123456789abcdef", "tg-0123456789abcdef0", "")
    group = pick.keeping("lattice-target-group", (None, own_arn), wrong)
    health = pick.one_of(None, "/healthz") if group is None else None
    one = call("Lattice", listed, target_group_arn=group, health=health)
    return [one] * 6 if pick.breaks("lattice-target-groups") else one


def _service_name(pick: Pick) -> Any:
    return pick.keeping("service-name", (None, Code("stack.node.id")), ("a b", "", "x" * 256))


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
