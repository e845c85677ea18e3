"""The services, workers and jobs of a cloud assembly."""

from __future__ import annotations

import collections
import math
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import attrs

from moorage.advice.assembly.capacities import (
    FARGATE,
    architecture_of,
    is_spot,
    name_of,
    own_types,
    providers,
    zones_of,
)
from moorage.advice.assembly.duty import hours_at_most
from moorage.advice.assembly.workers import is_worker
from moorage.advice.placed import UNKNOWN, Placed
from moorage.advice.workload import Runs, Workload, WorkloadKind
from moorage.assembly.cloud_assembly import Stack
from moorage.assembly.values import Value
from moorage.cost.parts import NotInTemplateError
from moorage.cost.resources import Item, Resources, number_of, tables
from moorage.cost.rules.jobs import StartedTask, started_tasks
from moorage.cost.rules.services import SERVICE, TASK_DEFINITION, beyond_scaling, cluster_of, copies_of, strategy_of
from moorage.cost.rules.tasks import size_of
from moorage.cost.usage import Usage, Use
from moorage.workload.task import Architecture, NetworkMode

_STARTERS = ("AWS::Scheduler::Schedule", "AWS::Events::Rule", "AWS::StepFunctions::StateMachine")


@attrs.frozen(kw_only=True)
class Found(Placed):
    """A workload of an assembly.

    Args:
        workload: The workload.
        cluster: The construct path of its cluster, or `UNKNOWN`.
        region: The region of its stack; None if the app does not state it.
        zones: The number of Availability Zones of its subnets; None if it is unknown.
        current: The capacity that it runs on now.
        trunking: False, since no template states it.
        resource_path: The construct path of the service, or of what starts the job.
        note: A sentence about a value of the usage file that cannot be right. Default: none.
    """

    resource_path: str
    note: str = ""

    @property
    def path(self) -> str:
        """The construct path of the service, worker or job."""
        return self.workload.name


@attrs.frozen
class Skipped:
    """A workload on which no advice is possible.

    Args:
        path: The construct path of the service, or of what starts the job.
        reason: The reason.
    """

    path: str
    reason: str

    @property
    def resource_path(self) -> str:
        """The construct path of the service, or of what starts the job."""
        return self.path


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
    return tuple(_distinct(found))


def _distinct(found: Sequence[Found | Skipped]) -> Iterator[Found | Skipped]:
    """Yield the workloads, with the path of the resource for each of those with the same name."""
    names = collections.Counter(each.path for each in found)
    for each in found:
        if isinstance(each, Found) and names[each.path] > 1:
            yield attrs.evolve(each, workload=attrs.evolve(each.workload, name=each.resource_path))
        else:
            yield each


def _service(item: Item, use: Use) -> Found | Skipped:
    try:
        definition = item.target("TaskDefinition")
        if definition is None or definition.type != TASK_DEFINITION:
            raise NotInTemplateError("its task definition is not in the app")
        daemon = item.text("SchedulingStrategy", default="REPLICA") == "DAEMON"
        copies, _ = copies_of(item, use)
        cluster = cluster_of(item.target("Cluster"))
        launch = item.text("LaunchType", default=None)
        on = (launch,) if launch else providers(strategy_of(item.list("CapacityProviderStrategy"), cluster))
        workload = Workload(
            name=_short(item),
            kind=WorkloadKind.WORKER if is_worker(item, definition) else WorkloadKind.SERVICE,
            least=1 if daemon else math.ceil(copies.least),
            most=1 if daemon else math.ceil(copies.most),
            hours_at_most=hours_at_most(item, copies),
            daemon=daemon,
            ebs_volumes=bool(item.list("VolumeConfigurations")),
            interruptible=any(is_spot(each, item.all) for each in on),
            **_facts(definition, own_types(on, cluster, item.all), on),
        )
        subnets = item.list("NetworkConfiguration", "AwsvpcConfiguration", "Subnets")
        beyond = beyond_scaling(item, use)
        note = beyond and f"average_copies of {_short(item)} in the usage file {beyond}."
        return attrs.evolve(_found(workload, item, cluster, on, subnets), note=note)
    except (NotInTemplateError, ValueError) as error:
        return Skipped(_short(item), str(error))


def _jobs(item: Item, use: Use) -> Iterator[Found | Skipped]:
    try:
        for started in started_tasks(item, use):
            yield _job(item, started, use)
    except (NotInTemplateError, ValueError) as error:
        yield Skipped(_short(item), str(error))


def _job(item: Item, started: StartedTask, use: Use) -> Found:
    if started.definition is None:
        raise NotInTemplateError("its task definition is not in the app")
    minutes = use.get("run_minutes")
    on = (started.launch_type,) if started.launch_type else providers(started.strategy)
    workload = Workload(
        name=_path_of_job(item, started.definition),
        kind=WorkloadKind.JOB,
        least=math.ceil(started.copies),
        runs=Runs.of(started.runs, minutes),
        interruptible=any(is_spot(each, item.all) for each in on),
        **_facts(started.definition, own_types(on, started.cluster, item.all), on),
    )
    return _found(workload, item, started.cluster, on, started.subnets)


def _found(
    workload: Workload, item: Item, cluster: Item | None, on: Sequence[Value], subnets: Sequence[Value]
) -> Found:
    names = dict.fromkeys(name_of(each, item.all) for each in on)
    return Found(
        workload=workload,
        resource_path=item.path,
        cluster=cluster.path if cluster else UNKNOWN,
        region=_stack_of(item).region,
        zones=zones_of(subnets, on, cluster, item.all),
        current=" and ".join(names) or "EC2",
    )


def _facts(definition: Item, types: tuple[tuple[str, ...], ...], on: Sequence[Value]) -> dict[str, Any]:
    """Return the arguments of a workload that its task definition and its instance types state."""
    containers = tuple(tables(definition.list("ContainerDefinitions")))
    system = str(definition.text("RuntimePlatform", "OperatingSystemFamily", default="LINUX")).upper()
    architecture = definition.text("RuntimePlatform", "CpuArchitecture", default=None)
    of_instances = Architecture.X86_64 if FARGATE.intersection(filter(_is_text, on)) else architecture_of(types)
    mode = str(definition.text("NetworkMode", default="bridge"))
    storage = definition.number("EphemeralStorage", "SizeInGiB", default=Decimal(20))
    return {
        "cpu": _reserved(definition, containers, "Cpu", "Cpu"),
        "memory_mib": _reserved(definition, containers, "Memory", "MemoryReservation", "Memory"),
        "architectures": (Architecture(architecture.upper()) if architecture else of_instances,),
        "network_mode": NetworkMode(mode) if mode != "default" else NetworkMode.AWSVPC,
        "host_ports": tuple(_host_ports(containers, mode)),
        "gpus": sum(_gpus(each) for each in containers),
        "privileged": any(each.get("Privileged") == "true" for each in containers),
        "host_volumes": any(_has_host_path(each) for each in tables(definition.list("Volumes"))),
        "ephemeral_storage_gib": int(storage),
        "windows": system.startswith("WINDOWS"),
        "instance_types": types,
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


def _short(item: Item) -> str:
    """Return the construct path of a service without the parts that CDK and moorage add at its end."""
    parts = item.path.split("/")
    while len(parts) > _depth(item) + 1 and parts[-1] in {"Service", "Default"}:
        parts.pop()
    return "/".join(parts)


def _path_of_job(item: Item, definition: Item) -> str:
    """Return the path of the construct that has both the starter of a job and its task definition.

    If only the stack has both, return the path of the starter.
    """
    shared = posixpath.commonpath([item.path, definition.path])
    return shared if len(shared.split("/")) > _depth(item) else item.path


def _stack_of(item: Item) -> Stack:
    return item.all.all_stacks[item.place.stack]


def _depth(item: Item) -> int:
    return len(_stack_of(item).path.split("/"))


def _is_text(value: Value) -> bool:
    return isinstance(value, str)
