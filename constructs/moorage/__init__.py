"""Constructs for containers on AWS: their clusters, their services and the registries that hold their images.

Every public name is here, and loaded when it is first used, so that importing moorage loads no service module of
`aws_cdk`.
"""

from __future__ import annotations

import gc
import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

    from moorage.ecr.audit import AuditTrail as AuditTrail
    from moorage.ecr.lifecycle import Lifecycle as Lifecycle
    from moorage.ecr.lifecycle import LifecycleRule as LifecycleRule
    from moorage.ecr.lifecycle import PushedImage as PushedImage
    from moorage.ecr.metrics import ApiCall as ApiCall
    from moorage.ecr.public_repository import PublicRepository as PublicRepository
    from moorage.ecr.pull_through import PullThrough as PullThrough
    from moorage.ecr.registry import Registry as Registry
    from moorage.ecr.replication import Replica as Replica
    from moorage.ecr.replication import Replication as Replication
    from moorage.ecr.replication import Source as Source
    from moorage.ecr.repository import Repository as Repository
    from moorage.ecr.scanning import Scanning as Scanning
    from moorage.ecr.scanning import ScanningRule as ScanningRule
    from moorage.ecr.scanning import Severity as Severity
    from moorage.ecr.settings import Encryption as Encryption
    from moorage.ecr.settings import RepositorySettings as RepositorySettings
    from moorage.ecr.templates import RepositoryTemplate as RepositoryTemplate
    from moorage.ecr.templates import Signing as Signing
    from moorage.ecs.capacity import Capacity as Capacity
    from moorage.ecs.cluster import Cluster as Cluster
    from moorage.ecs.container_instance import Ami as Ami
    from moorage.ecs.container_instance import ContainerInstance as ContainerInstance
    from moorage.ecs.dashboard import Dashboard as Dashboard
    from moorage.ecs.forensics import Forensics as Forensics
    from moorage.ecs.instance_capacity import ManagedScaling as ManagedScaling
    from moorage.ecs.instance_capacity import WarmPool as WarmPool
    from moorage.ecs.job import Job as Job
    from moorage.ecs.lattice import Lattice as Lattice
    from moorage.ecs.listener import Listener as Listener
    from moorage.ecs.load_balancer import LoadBalancer as LoadBalancer
    from moorage.ecs.network import Network as Network
    from moorage.ecs.network_load_balancer import NetworkLoadBalancer as NetworkLoadBalancer
    from moorage.ecs.placement import Placement as Placement
    from moorage.ecs.route import Route as Route
    from moorage.ecs.route import TargetHealth as TargetHealth
    from moorage.ecs.service import Service as Service
    from moorage.ecs.service_alarms import ServiceAlarms as ServiceAlarms
    from moorage.ecs.service_connect import ServiceConnect as ServiceConnect
    from moorage.ecs.service_connect import ServiceConnectTls as ServiceConnectTls
    from moorage.ecs.sessions import Sessions as Sessions
    from moorage.ecs.strategy import Strategy as Strategy
    from moorage.ecs.trigger import EventRule as EventRule
    from moorage.ecs.trigger import Schedule as Schedule
    from moorage.ecs.work_queue import WorkQueue as WorkQueue
    from moorage.ecs.worker import Worker as Worker
    from moorage.workload.container import Container as Container
    from moorage.workload.image import Image as Image
    from moorage.workload.instances import InstanceRequirements as InstanceRequirements
    from moorage.workload.lifecycle import LifecycleHook as LifecycleHook
    from moorage.workload.lifecycle import LifecycleStage as LifecycleStage
    from moorage.workload.linux import LinuxParameters as LinuxParameters
    from moorage.workload.needs import Endpoints as Endpoints
    from moorage.workload.rollout import CircuitBreaker as CircuitBreaker
    from moorage.workload.rollout import EarlySuccess as EarlySuccess
    from moorage.workload.rollout import RollbackAlarms as RollbackAlarms
    from moorage.workload.rollout import Rollout as Rollout
    from moorage.workload.scaling import Scaling as Scaling
    from moorage.workload.scaling_targets import MetricTarget as MetricTarget
    from moorage.workload.scaling_targets import Predictive as Predictive
    from moorage.workload.scaling_targets import ScheduledAction as ScheduledAction
    from moorage.workload.start import ContainerCondition as ContainerCondition
    from moorage.workload.start import EnvironmentFile as EnvironmentFile
    from moorage.workload.start import HealthCheck as HealthCheck
    from moorage.workload.start import RestartPolicy as RestartPolicy
    from moorage.workload.task import Architecture as Architecture
    from moorage.workload.task import NetworkMode as NetworkMode
    from moorage.workload.task import OperatingSystemFamily as OperatingSystemFamily
    from moorage.workload.task import Task as Task
    from moorage.workload.volumes import Mount as Mount
    from moorage.workload.volumes import Volume as Volume

_HOMES = {
    "Ami": "moorage.ecs.container_instance",
    "ApiCall": "moorage.ecr.metrics",
    "Architecture": "moorage.workload.task",
    "AuditTrail": "moorage.ecr.audit",
    "Capacity": "moorage.ecs.capacity",
    "CircuitBreaker": "moorage.workload.rollout",
    "Cluster": "moorage.ecs.cluster",
    "Container": "moorage.workload.container",
    "ContainerCondition": "moorage.workload.start",
    "ContainerInstance": "moorage.ecs.container_instance",
    "Dashboard": "moorage.ecs.dashboard",
    "EarlySuccess": "moorage.workload.rollout",
    "Encryption": "moorage.ecr.settings",
    "Endpoints": "moorage.workload.needs",
    "EnvironmentFile": "moorage.workload.start",
    "EventRule": "moorage.ecs.trigger",
    "Forensics": "moorage.ecs.forensics",
    "HealthCheck": "moorage.workload.start",
    "Image": "moorage.workload.image",
    "InstanceRequirements": "moorage.workload.instances",
    "Job": "moorage.ecs.job",
    "Lattice": "moorage.ecs.lattice",
    "Lifecycle": "moorage.ecr.lifecycle",
    "LifecycleHook": "moorage.workload.lifecycle",
    "LifecycleRule": "moorage.ecr.lifecycle",
    "LifecycleStage": "moorage.workload.lifecycle",
    "LinuxParameters": "moorage.workload.linux",
    "Listener": "moorage.ecs.listener",
    "LoadBalancer": "moorage.ecs.load_balancer",
    "ManagedScaling": "moorage.ecs.instance_capacity",
    "MetricTarget": "moorage.workload.scaling_targets",
    "Mount": "moorage.workload.volumes",
    "Network": "moorage.ecs.network",
    "NetworkLoadBalancer": "moorage.ecs.network_load_balancer",
    "NetworkMode": "moorage.workload.task",
    "OperatingSystemFamily": "moorage.workload.task",
    "Placement": "moorage.ecs.placement",
    "Predictive": "moorage.workload.scaling_targets",
    "PublicRepository": "moorage.ecr.public_repository",
    "PullThrough": "moorage.ecr.pull_through",
    "PushedImage": "moorage.ecr.lifecycle",
    "Registry": "moorage.ecr.registry",
    "Replica": "moorage.ecr.replication",
    "Replication": "moorage.ecr.replication",
    "Repository": "moorage.ecr.repository",
    "RepositorySettings": "moorage.ecr.settings",
    "RepositoryTemplate": "moorage.ecr.templates",
    "RestartPolicy": "moorage.workload.start",
    "RollbackAlarms": "moorage.workload.rollout",
    "Rollout": "moorage.workload.rollout",
    "Route": "moorage.ecs.route",
    "Scaling": "moorage.workload.scaling",
    "Scanning": "moorage.ecr.scanning",
    "ScanningRule": "moorage.ecr.scanning",
    "Schedule": "moorage.ecs.trigger",
    "ScheduledAction": "moorage.workload.scaling_targets",
    "Service": "moorage.ecs.service",
    "ServiceAlarms": "moorage.ecs.service_alarms",
    "ServiceConnect": "moorage.ecs.service_connect",
    "ServiceConnectTls": "moorage.ecs.service_connect",
    "Sessions": "moorage.ecs.sessions",
    "Severity": "moorage.ecr.scanning",
    "Signing": "moorage.ecr.templates",
    "Source": "moorage.ecr.replication",
    "Strategy": "moorage.ecs.strategy",
    "TargetHealth": "moorage.ecs.route",
    "Task": "moorage.workload.task",
    "Volume": "moorage.workload.volumes",
    "WarmPool": "moorage.ecs.instance_capacity",
    "WorkQueue": "moorage.ecs.work_queue",
    "Worker": "moorage.ecs.worker",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605  # ruff reads literals alone

if not TYPE_CHECKING:  # mypy would accept any name otherwise

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module 'moorage' has no attribute {name!r}")
        return getattr(_loaded(_HOMES[name]), name)

    def _loaded(module: str) -> ModuleType:
        """A module, with the garbage collector at rest, and then told that what is there stays.

        Modules are never garbage: looking through all that they define, time and again and once more when Python
        ends, is more than a tenth of a synth's CPU time. A program that has turned the collector off is left alone.
        """
        if module in sys.modules or not gc.isenabled():
            return importlib.import_module(module)
        gc.disable()
        try:
            return importlib.import_module(module)
        finally:
            gc.freeze()
            gc.enable()

    def __dir__() -> list[str]:
        return sorted({*globals(), *_HOMES})
