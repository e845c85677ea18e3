"""The services, workers and jobs of a cloud assembly."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import attrs

from moorage.advice.assembly.duty import hours_at_most
from moorage.advice.workload import Runs, Workload, WorkloadKind
from moorage.assembly.cloud_assembly import Stack
from moorage.assembly.values import Value, places
from moorage.cost.parts import NotInTemplateError
from moorage.cost.resources import Item, Resources, number_of, tables
from moorage.cost.rules.jobs import StartedTask, started_tasks
from moorage.cost.rules.services import SERVICE, TASK_DEFINITION, cluster_of, copies_of, strategy_of
from moorage.cost.rules.tasks import GROUP, PROVIDER, size_of
from moorage.cost.usage import Usage, Use
from moorage.workload.task import Architecture, NetworkMode

DEFAULT_RUN_MINUTES = Decimal(15)
"""The assumed duration of a run of a job, since no template states it."""
DEFAULT_RUNS = Decimal(30)
"""The assumed runs a month of a job that events or people start."""
UNKNOWN = "unknown"
"""The cluster of workloads whose cluster is not in the app."""
_STARTERS = ("AWS::Scheduler::Schedule", "AWS::Events::Rule", "AWS::StepFunctions::StateMachine")
_MINUTES = 60
_FARGATE = frozenset({"FARGATE", "FARGATE_SPOT"})


@attrs.frozen(kw_only=True)
class Found:
    """A workload of an assembly.

    Args:
        workload: The workload.
        path: The construct path of the service, or of what starts the job.
        cluster: The construct path of its cluster, or `UNKNOWN`.
        region: The region of its stack; None if the app does not state it.
        current: The capacity that it runs on now.
    """

    workload: Workload
    path: str
    cluster: str
    region: str | None
    current: str


@attrs.frozen
class Skipped:
    """A workload on which no advice is possible.

    Args:
        path: The construct path.
        reason: The reason.
    """

    path: str
    reason: str


def workloads_of(stacks: Sequence[Stack], usage: Usage | None = None) -> tuple[Found | Skipped, ...]:
    """Return the services, workers and jobs of an assembly.

    Args:
        stacks: The stacks, as `stacks_of` returns them.
        usage: The use that templates do not state: `average_copies`, `runs` and `run_minutes`. Default: none.
    """
    resources = Resources(stacks)
    stated = usage or Usage()
    found: list[Found | Skipped] = []
    for service in resources.of_type(SERVICE):
        found.append(_service(service, stated.of(service.path)))
    for type_ in _STARTERS:
        for starter in resources.of_type(type_):
            found.extend(_jobs(starter, stated.of(starter.path)))
    return tuple(found)


def _service(item: Item, use: Use) -> Found | Skipped:
    try:
        definition = item.target("TaskDefinition")
        if definition is None or definition.type != TASK_DEFINITION:
            raise NotInTemplateError("its task definition is not in the app")
        daemon = item.text("SchedulingStrategy", default="REPLICA") == "DAEMON"
        copies, _ = copies_of(item, use)
        cluster = cluster_of(item.target("Cluster"))
        launch = item.text("LaunchType", default=None)
        on = (launch,) if launch else _providers(strategy_of(item.list("CapacityProviderStrategy"), cluster))
        is_worker = not item.list("LoadBalancers") and _reads_queue(definition)
        workload = Workload(
            name=_short(item.path),
            kind=WorkloadKind.WORKER if is_worker else WorkloadKind.SERVICE,
            least=1 if daemon else math.ceil(copies.least),
            most=1 if daemon else math.ceil(copies.most),
            hours_at_most=hours_at_most(item, copies),
            daemon=daemon,
            ebs_volumes=bool(item.list("VolumeConfigurations")),
            interruptible=any(_is_spot(each, item.all) for each in on),
            **_facts(definition),
        )
    except (NotInTemplateError, ValueError) as error:
        return Skipped(_short(item.path), str(error))
    return _found(workload, item, cluster, on)


def _jobs(item: Item, use: Use) -> Iterator[Found | Skipped]:
    try:
        for started in started_tasks(item, use):
            yield _job(item, started, use)
    except (NotInTemplateError, ValueError) as error:
        yield Skipped(_short(item.path), str(error))


def _job(item: Item, started: StartedTask, use: Use) -> Found:
    if started.definition is None:
        raise NotInTemplateError("its task definition is not in the app")
    minutes = use.get("run_minutes")
    runs = Runs(
        count=DEFAULT_RUNS if started.runs is None else started.runs,
        hours=(DEFAULT_RUN_MINUTES if minutes is None else minutes) / _MINUTES,
        assumed=minutes is None or started.runs is None,
    )
    on = (started.launch_type,) if started.launch_type else _providers(started.strategy)
    workload = Workload(
        name=_short(item.path),
        kind=WorkloadKind.JOB,
        least=math.ceil(started.copies),
        runs=runs,
        interruptible=any(_is_spot(each, item.all) for each in on),
        **_facts(started.definition),
    )
    return _found(workload, item, started.cluster, on)


def _found(workload: Workload, item: Item, cluster: Item | None, on: Sequence[Value]) -> Found:
    stack = item.all.all_stacks[item.place.stack]
    names = dict.fromkeys(_name(each, item.all) for each in on)
    return Found(
        workload=workload,
        path=_short(item.path),
        cluster=cluster.path if cluster else UNKNOWN,
        region=stack.region,
        current=" and ".join(names) or "EC2",
    )


def _facts(definition: Item) -> dict[str, Any]:
    """Return the arguments of a workload that its task definition states."""
    containers = tuple(tables(definition.list("ContainerDefinitions")))
    system = str(definition.text("RuntimePlatform", "OperatingSystemFamily", default="LINUX")).upper()
    architecture = str(definition.text("RuntimePlatform", "CpuArchitecture", default="X86_64")).upper()
    mode = str(definition.text("NetworkMode", default="bridge"))
    storage = definition.number("EphemeralStorage", "SizeInGiB", default=Decimal(20))
    return {
        "cpu": _reserved(definition, containers, "Cpu", "Cpu"),
        "memory_mib": _reserved(definition, containers, "Memory", "MemoryReservation", "Memory"),
        "architectures": (Architecture(architecture),),
        "network_mode": NetworkMode(mode) if mode != "default" else NetworkMode.AWSVPC,
        "host_ports": tuple(_host_ports(containers, mode)),
        "gpus": sum(_gpus(each) for each in containers),
        "privileged": any(each.get("Privileged") == "true" for each in containers),
        "host_volumes": any(_has_host_path(each) for each in tables(definition.list("Volumes"))),
        "ephemeral_storage_gib": int(storage),
        "windows": system.startswith("WINDOWS"),
    }


def _reserved(definition: Item, containers: Sequence[Mapping[str, Value]], name: str, *of_containers: str) -> int:
    """Return what a copy reserves: the size of the task, otherwise the sum of its containers."""
    if definition.at(name) is not None:
        return int(size_of(definition, name) * 1024)
    found = 0
    for each in containers:
        stated = next((each[key] for key in of_containers if each.get(key) is not None), "0")
        found += int(number_of(stated, f"{name} of a container"))
    if name == "Memory" and not found:
        raise NotInTemplateError("neither the task nor its containers state their memory")
    return found


def _host_ports(containers: Sequence[Mapping[str, Value]], mode: str) -> Iterator[int]:
    if mode == "awsvpc":
        return
    for each in containers:
        for mapping in tables(each.get("PortMappings") or ()):
            port = mapping.get("ContainerPort") if mode == "host" else mapping.get("HostPort")
            if isinstance(port, str) and port.isdecimal() and int(port):
                yield int(port)


def _gpus(container: Mapping[str, Value]) -> int:
    requirements = tables(container.get("ResourceRequirements") or ())
    return sum(int(number_of(each.get("Value"), "GPU")) for each in requirements if each.get("Type") == "GPU")


def _has_host_path(volume: Mapping[str, Value]) -> bool:
    host = volume.get("Host")
    return isinstance(host, dict) and host.get("SourcePath") is not None


def _reads_queue(definition: Item) -> bool:
    """Return whether a container has the URL or the name of a queue of the app in its environment."""
    for each in tables(definition.list("ContainerDefinitions")):
        named = (definition.all.items.get(place) for place in places(each.get("Environment")))
        if any(target is not None and target.type == "AWS::SQS::Queue" for target in named):
            return True
    return False


def _short(path: str) -> str:
    """Return a construct path without the parts that CDK and moorage add at its end."""
    parts = path.split("/")
    while len(parts) > 1 and parts[-1] in {"Service", "Default"}:
        parts.pop()
    return "/".join(parts)


def _providers(strategy: Sequence[Value]) -> tuple[Value, ...]:
    return tuple(each.get("CapacityProvider") for each in tables(strategy))


def _is_spot(provider: Value, resources: Resources) -> bool:
    if provider in _FARGATE:
        return bool(provider == "FARGATE_SPOT")
    found = resources.first(provider)
    if found is None or found.type != PROVIDER:
        return False
    launch = found.at("ManagedInstancesProvider", "InstanceLaunchTemplate", "CapacityOptionType")
    group = found.target(GROUP, "AutoScalingGroupArn")
    if group is None:
        return bool(launch == "SPOT")
    share = group.at("MixedInstancesPolicy", "InstancesDistribution", "OnDemandPercentageAboveBaseCapacity")
    template = group.target("LaunchTemplate")
    market = template.at("LaunchTemplateData", "InstanceMarketOptions", "MarketType") if template else None
    return share == "0" or market == "spot"


def _name(provider: Value, resources: Resources) -> str:
    known = {"FARGATE": "Fargate", "FARGATE_SPOT": "Fargate Spot", "EC2": "EC2", "EXTERNAL": "external instances"}
    if isinstance(provider, str):
        return known.get(provider, provider)
    found = resources.first(provider)
    if found is None or found.type != PROVIDER:
        return "a capacity provider"
    base = "EC2" if found.at(GROUP) else "ECS Managed Instances"
    return f"{base} Spot" if _is_spot(provider, resources) else base
