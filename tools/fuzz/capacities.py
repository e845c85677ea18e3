"""Random capacities for tasks, within their limits or just beyond, and the placement on them."""

from __future__ import annotations

from typing import Any

import attrs

from tools.fuzz.features import FEATURES
from tools.fuzz.program import Code, Pick, call, seconds

GROUP = (
    "instances-range",
    "instances-per-cluster",
    "on-demand-base",
    "warm-pool",
    "managed-scaling-target",
    "managed-scaling-step",
    "managed-scaling-warmup",
    "instance-volume",
    "instance-user-data",
    "instance-types",
    "instance-types-unique",
    "capacity-name",
    "reserved-memory",
    "instance-range",
)
MANAGED = (
    "managed-instances-volume",
    "managed-instances-scale-in-delay",
    "managed-instances-type",
    "managed-instances-types",
    "managed-instances-network-mode",
    "capacity-reservation-preference",
    "capacity-reservation-group",
)
PLACED = ("placement-strategies", "placement-constraints", "placement-expression", "daemon-maximum")
_BRIDGED = ("host-port", "host-port-ephemeral", "host-ports-unique")
CLUSTERS = ("cluster-name", "cluster-arn")
_EXISTING = (
    *("strategy-items", "capacity-providers-per-cluster", "capacity-provider-name", "ecs-target-strategy-items"),
    *CLUSTERS,
)
_STRATEGIES = ("strategy-weight", "strategy-weights", "strategy-base", "strategy-one-base")
_FARGATE = (
    "fargate-size",
    "fargate-gpus",
    "fargate-privileged",
    "fargate-network-mode",
    "ephemeral-storage",
    "stop-timeout",
)
_OF_INTERFACES = ("container-ports-unique", "host-port-same", "awsvpc-subnets", "awsvpc-security-groups")
_PROCESSORS = {"ARM64": ["m7g.large", "m6g.large"], "X86_64": ["m7i.large", "m6i.large"]}
_MANY = 21


@attrs.frozen(kw_only=True)
class Ground:
    """The capacity of a service.

    Args:
        kind: `fargate`, `ec2` or `managed`, which determines the tasks.
        lines: The lines of the program that define the capacities.
        offered: The names of the cluster's capacities.
        chosen: The argument `capacity=` of the service; None if it is left out.
        mode: The network mode of the tasks.
        architecture: The CPU architecture of the tasks.
        gpus: The number of GPUs of an instance.
        most: The number of copies that fit.
        exists: True if all capacity is imported, so that the cluster can be imported too.
    """

    kind: str
    lines: tuple[str, ...]
    offered: tuple[str, ...]
    chosen: Code | None = None
    mode: str = "awsvpc"
    architecture: str = "X86_64"
    gpus: int = 0
    most: int = 5000
    exists: bool = False


def ground(pick: Pick) -> Ground:
    """Return the capacity that the limits to break require, or else a random capacity."""
    kinds = [kind for kind, rows in _FORCED.items() if pick.breaks(*rows)]
    kind = kinds[0] if kinds else pick.one_of("fargate", "fargate", "fargate", "ec2", "managed", "existing")
    return {"fargate": _fargate, "ec2": _group, "managed": _managed, "existing": _existing}[kind](pick)


_FORCED = {
    "fargate": (
        *_FARGATE,
        *_STRATEGIES,
        "strategy-one-kind",
        *(row for row, (_, _, kinds) in FEATURES.items() if kinds == {"fargate"}),
    ),
    "ec2": (
        *GROUP,
        *PLACED,
        *_BRIDGED,
        *(row for row, (_, _, kinds) in FEATURES.items() if kinds == {"ec2"}),
    ),
    "managed": (*MANAGED, *(row for row, (_, _, kinds) in FEATURES.items() if kinds == {"managed"})),
    "existing": _EXISTING,
}


def _fargate(pick: Pick) -> Ground:
    lines = ("fargate = Capacity.fargate()", "spot = Capacity.fargate_spot()")
    mode = pick.one_of("bridge", "host") if pick.breaks("fargate-network-mode") else "awsvpc"
    architecture = pick.one_of("X86_64", "ARM64")
    of: dict[str, Any] = {"kind": "fargate", "mode": mode, "architecture": architecture}
    if pick.breaks("fargate-spot-windows"):
        return Ground(lines=lines, offered=("spot",), **of)
    if pick.breaks("strategy-one-kind"):
        group = "general = Capacity.ec2('general', instance_types=['m7i.large'], max_instances=2)"
        chosen = Code("{fargate: 1, general: 1}")
        return Ground(lines=(*lines, group), offered=("fargate", "spot", "general"), chosen=chosen, **of)
    if not pick.when(*_STRATEGIES):
        return Ground(lines=lines[:1], offered=("fargate",), exists=True, **of)
    chosen = _strategy(pick, "fargate", "spot")
    return Ground(lines=lines, offered=("fargate", "spot"), chosen=chosen, exists=True, **of)


def _strategy(pick: Pick, one: str, other: str) -> Code:
    row = "strategy-weight"
    weights = {Code(one): pick.within(row, 1, 1000, -1, 1001), Code(other): pick.within(row, 0, 1000, 1001)}
    if pick.breaks("strategy-weights"):
        weights = dict.fromkeys(weights, 0)
    base = {Code(one): pick.within("strategy-base", 0, 100000)}
    if pick.breaks("strategy-one-base"):
        base = dict.fromkeys(weights, 1)
    return call("Strategy", weights, base=base if pick.when("strategy-base", "strategy-one-base") else None)


def _existing(pick: Pick) -> Ground:
    count = pick.one_of(1, 2, 20)
    if pick.breaks("strategy-items", "capacity-providers-per-cluster"):
        count = _MANY
    if pick.breaks("ecs-target-strategy-items"):
        count = 7
    names = [f"provider{index}" for index in range(count)]
    if pick.breaks("capacity-provider-name"):
        names[0] = pick.one_of("aws-a", "Fargate1", "ECS", "a b", "", "x" * 256)
    kind = "ec2" if pick.broken else pick.one_of("ec2", "ec2", "managed")  # a new cluster takes no managed ones
    managed = kind == "managed" or None
    lines = tuple(
        f"c{index} = {call('Capacity.from_provider_name', name, managed_instances=managed)}"
        for index, name in enumerate(names)
    )
    offered = tuple(f"c{index}" for index in range(count))
    weights = dict.fromkeys(map(Code, offered), 1)
    plain = pick.breaks("strategy-items")  # then CDK's cluster, where no list of capacities is too long first
    offered = () if plain else offered
    return Ground(kind=kind, lines=lines, offered=offered, chosen=call("Strategy", weights), exists=True)


def _group(pick: Pick) -> Ground:
    architecture = pick.one_of(*_PROCESSORS)
    mode = pick.one_of("awsvpc", "awsvpc", "bridge", "host")
    if pick.breaks(*_BRIDGED):
        mode = "bridge"
    if pick.breaks(*FEATURES, *_OF_INTERFACES):
        mode = "awsvpc"
    gpus = pick.one_of(0, 0, 0, 1)
    types = ["g4dn.xlarge"] if gpus else _PROCESSORS[architecture]
    architecture = "X86_64" if gpus else architecture
    most: Any = 3
    least: Any = pick.one_of(0, 1, most)
    if pick.breaks("instance-types"):
        types = [f"m{index}z.large" for index in range(41)]
    if pick.breaks("instance-types-unique"):
        types = [*types, types[0]]
    if pick.breaks("instances-range"):
        least, most = pick.one_of((4, 3), (-1, 3), (0, 0))
    if pick.breaks("instances-per-cluster"):
        most = 5001
    spot = True if pick.breaks("on-demand-base") or pick.seldom() else None
    named = pick.breaks("instance-types", "instance-types-unique")
    broad = pick.breaks("instance-range") or (pick.seldom() and not gpus and not named)
    group = call(
        "Capacity.ec2",
        pick.one_of("a b", "", "x" * 129) if pick.breaks("capacity-name") else pick.one_of("general", "ecs-1"),
        instance_types=None if broad else types,
        requirements=_requirements(pick, architecture) if broad else None,
        min_instances=least,
        max_instances=most,
        spot=spot,
        on_demand_base=pick.within("on-demand-base", 0, int(most), -1, int(most) + 1) if spot else None,
        instance=pick.maybe(lambda: _instance(pick), "instance-volume", "instance-user-data", "reserved-memory"),
        scaling=pick.maybe(lambda: _managed_scaling(pick), *(row for row in GROUP if row.startswith("managed"))),
        warm_pool=_warm_pool(pick, most) if pick.breaks("warm-pool") or (not spot and pick.seldom()) else None,
        termination_protection=pick.on(),
        trunking=pick.on() if mode == "awsvpc" and not broad else None,
    )
    return Ground(
        kind="ec2",
        lines=(f"general = {group}",),
        offered=("general",),
        chosen=pick.one_of(None, Code("general"), Code("cluster.default_strategy")),
        mode=mode,
        architecture=architecture,
        gpus=gpus,
        most=2,
    )


def _requirements(pick: Pick, architecture: str) -> Code:
    least, most = pick.one_of((8, 2), (-1, 4)) if pick.breaks("instance-range") else pick.one_of((2, 8), (4, 4))
    ends = Code(f"({least}, {most})")
    return call(
        "InstanceRequirements",
        vcpus=ends,
        memory_mib=Code("(4096, None)"),
        architecture=Code(f"Architecture.{architecture}"),
        burstable=pick.on(),
    )


def _instance(pick: Pick) -> Code:
    return call(
        "ContainerInstance",
        ami=pick.one_of(None, call("Ami.bottlerocket"), call("Ami.from_ssm_parameter", "/golden/ecs")),
        volume_gib=pick.within("instance-volume", 30, 65536, 0, 65537),
        user_data=Code("'x' * 15001") if pick.breaks("instance-user-data") else None,
        reserved_memory_mib=pick.one_of(-1) if pick.breaks("reserved-memory") else pick.one_of(None, 0, 512),
        ssm_access=pick.on(),
        detailed_monitoring=pick.off(),
    )


def _managed_scaling(pick: Pick) -> Code:
    return call(
        "ManagedScaling",
        target_percent=pick.within("managed-scaling-target", 1, 100),
        maximum_scaling_step_size=pick.within("managed-scaling-step", 1, 10000),
        instance_warmup=seconds(pick.within("managed-scaling-warmup", 0, 10000)),
    )


def _warm_pool(pick: Pick, most: int) -> Code:
    waiting = pick.one_of(-1, most + 1) if pick.breaks("warm-pool") else pick.one_of(0, 1)
    return call("WarmPool", min_instances=waiting, max_prepared_instances=pick.one_of(None, most))


def _managed(pick: Pick) -> Ground:
    types = pick.keeping("managed-instances-type", (["m7i.*"], ["c7i.large", "m*"]), (["m5.bogus!"], ["x" * 31], [""]))
    if pick.breaks("managed-instances-types"):
        types = ["m7i.*"] * 401
    delay = "managed-instances-scale-in-delay"
    reservations = pick.maybe(
        lambda: _reservations(pick), "capacity-reservation-preference", "capacity-reservation-group"
    )
    capacity = call(
        "Capacity.managed_instances",
        "managed",
        allowed_instance_types=types if pick.when("managed-instances-type", "managed-instances-types") else None,
        spot=None if reservations else pick.on(),  # they hold On-Demand capacity
        reservations=reservations,
        volume_gib=pick.one_of(0, -5) if pick.breaks("managed-instances-volume") else pick.one_of(None, 1, 500),
        scale_in_delay=pick.maybe(lambda: seconds(pick.within(delay, -1, 3600)), delay),
        detailed_monitoring=pick.off(),
    )
    mode = "bridge" if pick.breaks("managed-instances-network-mode") else pick.one_of("awsvpc", "host")
    if pick.breaks(*FEATURES, *_OF_INTERFACES):
        mode = "awsvpc"
    return Ground(kind="managed", lines=(f"managed = {capacity}",), offered=("managed",), mode=mode)


def _reservations(pick: Pick) -> Code:
    preference = pick.keeping(
        "capacity-reservation-preference",
        ("RESERVATIONS_FIRST", "RESERVATIONS_ONLY", "RESERVATIONS_EXCLUDED"),
        ("RESERVATIONS_NEVER", "", "reservations-first"),
    )
    arn = "arn:aws:resource-groups:eu-west-1:111111111111:group"
    group = pick.keeping("capacity-reservation-group", (None, f"{arn}/gpus"), (arn, f"{arn}/", "gpus", ""))
    return call("CapacityReservations", preference, group_arn=group)


def placement(pick: Pick) -> Code | None:
    """Return the placement of tasks on the instances of a group; None for the default placement."""
    if pick.breaks("daemon-maximum"):
        return call("Placement.on_each_instance")
    if not pick.when(*PLACED):
        return None
    ways = ("PlacementStrategy.spread_across_instances()", "PlacementStrategy.packed_by_cpu()")
    strategies: list[Any] = [Code(pick.one_of(*ways))] * pick.one_of(0, 1, 5)
    constraints: list[Any] = [Code("PlacementConstraint.member_of('attribute:a == b')")] * pick.one_of(0, 1, 10)
    if pick.breaks("placement-strategies"):
        strategies = [Code(ways[0])] * 6
    if pick.breaks("placement-constraints"):
        constraints = [Code("PlacementConstraint.distinct_instances()")] * 11
    if pick.breaks("placement-expression"):
        constraints = [Code("PlacementConstraint.member_of('attribute:ecs.instance-type = m7i.large')")]
    made = call("Placement", strategies=strategies or None, constraints=constraints or None)
    if pick.broken:  # by a setting that a daemon cannot have
        return made
    return pick.one_of(made, call("Placement.packed_by_memory"), call("Placement.on_each_instance"))
