"""A workload: its needs, and the part of the month in which it runs."""

from __future__ import annotations

import enum
import math
from decimal import Decimal
from typing import TYPE_CHECKING

import attrs

from moorage.prices.price import HOURS
from moorage.workload.fit import Demand
from moorage.workload.problems import Problems
from moorage.workload.shares import reserved_cpu, reserved_memory_mib
from moorage.workload.task import Architecture, NetworkMode

if TYPE_CHECKING:
    from moorage.workload.task import Task


DEFAULT_RUN_MINUTES = Decimal(15)
"""The assumed duration of a run of a job, since no template states it."""
DEFAULT_RUNS = Decimal(30)
"""The assumed runs a month of a job that events or people start."""
_MINUTES = 60


class WorkloadKind(enum.Enum):
    """A kind of workload."""

    SERVICE = "service"
    WORKER = "worker"
    JOB = "job"


@attrs.frozen(kw_only=True)
class Runs:
    """The runs of a job.

    Args:
        count: The number of runs a month.
        hours: The duration of a run, in hours.
        assumed: True if a number is an assumption. Default: False.

    Raises:
        ValueError: If a number is negative.
    """

    count: Decimal
    hours: Decimal
    assumed: bool = False

    @classmethod
    def of(cls, count: Decimal | None, minutes: Decimal | None) -> Runs:
        """Return the runs of a job, with assumptions for what is not known.

        Args:
            count: The number of runs a month; None for 30, an assumption.
            minutes: The minutes that a run takes; None for 15, an assumption.
        """
        return cls(
            count=DEFAULT_RUNS if count is None else count,
            hours=(DEFAULT_RUN_MINUTES if minutes is None else minutes) / _MINUTES,
            assumed=count is None or minutes is None,
        )

    @property
    def billed_hours(self) -> Decimal:
        """The hours a month that Fargate bills: each run is at least one minute (AWS Fargate pricing)."""
        return self.count * max(self.hours, Decimal(1) / _MINUTES)

    def __str__(self) -> str:
        times, minutes = _rounded(self.count), _rounded(self.hours * _MINUTES)
        return f"runs {times} times a month for {minutes} minutes{', an assumption' if self.assumed else ''}"

    def __attrs_post_init__(self) -> None:
        problems = Problems("Runs")
        for argument in ("count", "hours"):
            _check_not_negative(argument, getattr(self, argument), problems)
        problems.raise_any()


@attrs.frozen(kw_only=True)
class Workload:
    """A task, the number of its copies, and what it needs from its launch type.

    Args:
        name: The name of the service, worker or job.
        kind: The kind of workload. Default: a service.
        cpu: The CPU units that a copy reserves. 0 reserves no CPU on an instance.
        memory_mib: The memory that a copy reserves, in MiB.
        least: The least number of copies. Default: 1.
        most: The most number of copies. Default: `least`.
        hours_at_most: The hours a month with the most copies; in the other hours, the least copies run. Default:
            unknown, so the advice assumes half of the month.
        runs: The runs of a job. Default: none, for a service or worker, which is kept running.
        architectures: The processor architectures that the images are built for. Default: x86-64.
        network_mode: The network mode. Default: `NetworkMode.AWSVPC`, in which each copy has a network interface.
        host_ports: The fixed ports of the instance, in bridge and host mode. Default: none.
        gpus: The number of GPUs. Default: 0.
        privileged: True if a container is privileged. Default: False.
        daemon: True if a copy runs on each instance. Default: False.
        host_volumes: True if a volume is a folder of the instance. Default: False.
        ebs_volumes: True if each copy has an EBS volume. Default: False.
        ephemeral_storage_gib: The ephemeral storage on Fargate, in GiB. Default: 20, which Fargate does not bill.
        windows: True if the containers run on Windows. Default: False.
        start_seconds: The time in which a copy must start, in seconds. Default: no limit.
        interruptible: True if AWS can stop a copy with a notice of two minutes. Default: False.
        instance_types: The instance types of each capacity of its cluster, in order of preference. EC2 is compared on
            the first type of each capacity that holds the copies. Default: none, for all compared types.

    Raises:
        ValueError: If an argument is outside its limit.
    """

    name: str
    kind: WorkloadKind = WorkloadKind.SERVICE
    cpu: int
    memory_mib: int
    least: int = 1
    most: int = attrs.field(default=attrs.Factory(lambda self: self.least, takes_self=True))
    hours_at_most: Decimal | None = None
    runs: Runs | None = None
    architectures: tuple[Architecture, ...] = (Architecture.X86_64,)
    network_mode: NetworkMode = NetworkMode.AWSVPC
    host_ports: tuple[int, ...] = ()
    gpus: int = 0
    privileged: bool = False
    daemon: bool = False
    host_volumes: bool = False
    ebs_volumes: bool = False
    ephemeral_storage_gib: int = 20
    windows: bool = False
    start_seconds: int | None = None
    interruptible: bool = False
    instance_types: tuple[tuple[str, ...], ...] = ()

    def __attrs_post_init__(self) -> None:
        problems = Problems(f"Workload {self.name!r}")
        for argument in ("cpu", "least", "gpus"):
            _check_not_negative(argument, getattr(self, argument), problems)
        if self.memory_mib < 1:
            problems.add(f"memory_mib must be at least 1 (got {self.memory_mib}); use the memory that a copy reserves")
        if self.most < self.least:
            problems.add(f"most must be at least {self.least}, the least copies (got {self.most}); use a larger most")
        if self.hours_at_most is not None and not 0 <= self.hours_at_most <= HOURS:
            problems.add(
                f"hours_at_most must be between 0 and {HOURS}, the hours of a month (got {self.hours_at_most}); use "
                "the hours with the most copies"
            )
        if (self.kind is WorkloadKind.JOB) is not (self.runs is not None):
            problems.add("runs must be given for a job, and only for a job; use kind=WorkloadKind.JOB with runs=")
        if not self.architectures:
            problems.add("architectures must not be empty (got ()); use the architectures of the images")
        problems.raise_any()

    @classmethod
    def of(cls, name: str, task: Task, **facts: object) -> Workload:
        """Return the workload of a task.

        Args:
            name: The name of the service, worker or job.
            task: The task.
            **facts: The arguments that the task does not know, such as `least` and `most`.
        """
        known: dict[str, object] = {
            "cpu": reserved_cpu(task),
            "memory_mib": reserved_memory_mib(task),
            "architectures": (task.architecture,),
            "network_mode": task.network_mode,
            "host_ports": task._host_ports,
            "gpus": task._gpus,
            "privileged": any(each.privileged for each in task.containers),
            "host_volumes": any(getattr(each, "host_path", None) is not None for each in task.volumes),
            "ebs_volumes": any(each._per_task for each in task.volumes),
            "ephemeral_storage_gib": task.ephemeral_storage_gib or 20,
            "windows": task._on_windows,
        }
        return cls(name=name, **{**known, **facts})  # type: ignore[arg-type]  # attrs checks nothing, the callers do

    @property
    def at_once(self) -> int:
        """The number of runs of a job that overlap on average, at least 1; 1 for a service."""
        return max(1, math.ceil(self.runs.count * self.runs.hours / HOURS)) if self.runs else 1

    @property
    def share_at_most(self) -> Decimal:
        """The share of the month with the most copies."""
        if self.least == self.most:
            return Decimal(1)
        return Decimal("0.5") if self.hours_at_most is None else self.hours_at_most / HOURS

    def demand(self, architecture: Architecture) -> Demand:
        """Return the resources of an instance that a copy uses.

        Args:
            architecture: The architecture of the instance.
        """
        own_interface = self.network_mode is NetworkMode.AWSVPC
        return Demand(
            cpu=self.cpu,
            memory_mib=self.memory_mib,
            gpus=self.gpus,
            host_ports=() if own_interface else self.host_ports,
            interface=own_interface,
            architecture=architecture,
        )


def _rounded(number: Decimal) -> str:
    return f"{round(number, 1).normalize():f}"


def _check_not_negative(argument: str, value: Decimal | int, problems: Problems) -> None:
    if value < 0:
        problems.add(f"{argument} must be at least 0 (got {value}); use 0 or more")
