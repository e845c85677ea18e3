"""Constructs for containers on AWS: clusters, services, and the registries of their images.

This module has all public names. Each is loaded when it is first used, so that importing moorage loads no service
module of `aws_cdk`.
"""

from __future__ import annotations

import gc
import importlib
import inspect
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

    from moorage.ecr.registry.audit_trail import AuditTrail as AuditTrail
    from moorage.ecr.registry.pull_through import PullThrough as PullThrough
    from moorage.ecr.registry.registry import Registry as Registry
    from moorage.ecr.registry.registry_metrics import ApiCall as ApiCall
    from moorage.ecr.registry.replication import Replication as Replication
    from moorage.ecr.registry.replication import ReplicationDestination as ReplicationDestination
    from moorage.ecr.registry.replication import ReplicationSource as ReplicationSource
    from moorage.ecr.registry.repository_templates import RepositoryTemplate as RepositoryTemplate
    from moorage.ecr.registry.repository_templates import SigningRule as SigningRule
    from moorage.ecr.registry.scanning import Scanning as Scanning
    from moorage.ecr.registry.scanning import ScanningRule as ScanningRule
    from moorage.ecr.registry.scanning import Severity as Severity
    from moorage.ecr.repository.lifecycle_policy import LifecyclePolicy as LifecyclePolicy
    from moorage.ecr.repository.lifecycle_policy import LifecycleRule as LifecycleRule
    from moorage.ecr.repository.lifecycle_policy import PushedImage as PushedImage
    from moorage.ecr.repository.public_repository import PublicRepository as PublicRepository
    from moorage.ecr.repository.repository import Repository as Repository
    from moorage.ecr.repository.repository_settings import Encryption as Encryption
    from moorage.ecr.repository.repository_settings import RepositorySettings as RepositorySettings
    from moorage.ecs.capacity.capacity import Capacity as Capacity
    from moorage.ecs.capacity.container_instance import Ami as Ami
    from moorage.ecs.capacity.container_instance import ContainerInstance as ContainerInstance
    from moorage.ecs.capacity.managed_scaling import ManagedScaling as ManagedScaling
    from moorage.ecs.capacity.managed_scaling import WarmPool as WarmPool
    from moorage.ecs.capacity.placement import Placement as Placement
    from moorage.ecs.capacity.strategy import Strategy as Strategy
    from moorage.ecs.cluster.cluster import Cluster as Cluster
    from moorage.ecs.cluster.exec_sessions import ExecSessions as ExecSessions
    from moorage.ecs.cluster.failure_events import FailureEvents as FailureEvents
    from moorage.ecs.job.job import Job as Job
    from moorage.ecs.job.triggers import EventRule as EventRule
    from moorage.ecs.job.triggers import Schedule as Schedule
    from moorage.ecs.load_balancing.listener import Listener as Listener
    from moorage.ecs.load_balancing.load_balancer import LoadBalancer as LoadBalancer
    from moorage.ecs.load_balancing.network_load_balancer import NetworkLoadBalancer as NetworkLoadBalancer
    from moorage.ecs.load_balancing.route import Route as Route
    from moorage.ecs.load_balancing.route import TargetHealth as TargetHealth
    from moorage.ecs.monitoring.dashboard import Dashboard as Dashboard
    from moorage.ecs.monitoring.service_alarms import ServiceAlarms as ServiceAlarms
    from moorage.ecs.network.network import Network as Network
    from moorage.ecs.service.lattice import Lattice as Lattice
    from moorage.ecs.service.service import Service as Service
    from moorage.ecs.service.service_connect import ServiceConnect as ServiceConnect
    from moorage.ecs.service.service_connect import ServiceConnectTls as ServiceConnectTls
    from moorage.ecs.worker.work_queue import WorkQueue as WorkQueue
    from moorage.ecs.worker.worker import Worker as Worker
    from moorage.workload.circuit_breaker import CircuitBreaker as CircuitBreaker
    from moorage.workload.container import Container as Container
    from moorage.workload.container_lifecycle import ContainerCondition as ContainerCondition
    from moorage.workload.container_lifecycle import EnvironmentFile as EnvironmentFile
    from moorage.workload.container_lifecycle import HealthCheck as HealthCheck
    from moorage.workload.container_lifecycle import RestartPolicy as RestartPolicy
    from moorage.workload.ec2_instances import InstanceRequirements as InstanceRequirements
    from moorage.workload.endpoints import Endpoints as Endpoints
    from moorage.workload.image import Image as Image
    from moorage.workload.lifecycle_hooks import LifecycleHook as LifecycleHook
    from moorage.workload.lifecycle_hooks import LifecycleStage as LifecycleStage
    from moorage.workload.linux_parameters import LinuxParameters as LinuxParameters
    from moorage.workload.rollout import EarlySuccess as EarlySuccess
    from moorage.workload.rollout import RollbackAlarms as RollbackAlarms
    from moorage.workload.rollout import Rollout as Rollout
    from moorage.workload.scaling import Scaling as Scaling
    from moorage.workload.scaling_targets import MetricTarget as MetricTarget
    from moorage.workload.scaling_targets import PredictiveScaling as PredictiveScaling
    from moorage.workload.scaling_targets import ScheduledAction as ScheduledAction
    from moorage.workload.task import Architecture as Architecture
    from moorage.workload.task import NetworkMode as NetworkMode
    from moorage.workload.task import OperatingSystemFamily as OperatingSystemFamily
    from moorage.workload.task import Task as Task
    from moorage.workload.volumes import Mount as Mount
    from moorage.workload.volumes import Volume as Volume

_HOMES = {
    "Ami": "moorage.ecs.capacity.container_instance",
    "ApiCall": "moorage.ecr.registry.registry_metrics",
    "Architecture": "moorage.workload.task",
    "AuditTrail": "moorage.ecr.registry.audit_trail",
    "Capacity": "moorage.ecs.capacity.capacity",
    "CircuitBreaker": "moorage.workload.circuit_breaker",
    "Cluster": "moorage.ecs.cluster.cluster",
    "Container": "moorage.workload.container",
    "ContainerCondition": "moorage.workload.container_lifecycle",
    "ContainerInstance": "moorage.ecs.capacity.container_instance",
    "Dashboard": "moorage.ecs.monitoring.dashboard",
    "EarlySuccess": "moorage.workload.rollout",
    "Encryption": "moorage.ecr.repository.repository_settings",
    "Endpoints": "moorage.workload.endpoints",
    "EnvironmentFile": "moorage.workload.container_lifecycle",
    "EventRule": "moorage.ecs.job.triggers",
    "FailureEvents": "moorage.ecs.cluster.failure_events",
    "HealthCheck": "moorage.workload.container_lifecycle",
    "Image": "moorage.workload.image",
    "InstanceRequirements": "moorage.workload.ec2_instances",
    "Job": "moorage.ecs.job.job",
    "Lattice": "moorage.ecs.service.lattice",
    "LifecyclePolicy": "moorage.ecr.repository.lifecycle_policy",
    "LifecycleHook": "moorage.workload.lifecycle_hooks",
    "LifecycleRule": "moorage.ecr.repository.lifecycle_policy",
    "LifecycleStage": "moorage.workload.lifecycle_hooks",
    "LinuxParameters": "moorage.workload.linux_parameters",
    "Listener": "moorage.ecs.load_balancing.listener",
    "LoadBalancer": "moorage.ecs.load_balancing.load_balancer",
    "ManagedScaling": "moorage.ecs.capacity.managed_scaling",
    "MetricTarget": "moorage.workload.scaling_targets",
    "Mount": "moorage.workload.volumes",
    "Network": "moorage.ecs.network.network",
    "NetworkLoadBalancer": "moorage.ecs.load_balancing.network_load_balancer",
    "NetworkMode": "moorage.workload.task",
    "OperatingSystemFamily": "moorage.workload.task",
    "Placement": "moorage.ecs.capacity.placement",
    "PredictiveScaling": "moorage.workload.scaling_targets",
    "PublicRepository": "moorage.ecr.repository.public_repository",
    "PullThrough": "moorage.ecr.registry.pull_through",
    "PushedImage": "moorage.ecr.repository.lifecycle_policy",
    "Registry": "moorage.ecr.registry.registry",
    "ReplicationDestination": "moorage.ecr.registry.replication",
    "Replication": "moorage.ecr.registry.replication",
    "Repository": "moorage.ecr.repository.repository",
    "RepositorySettings": "moorage.ecr.repository.repository_settings",
    "RepositoryTemplate": "moorage.ecr.registry.repository_templates",
    "RestartPolicy": "moorage.workload.container_lifecycle",
    "RollbackAlarms": "moorage.workload.rollout",
    "Rollout": "moorage.workload.rollout",
    "Route": "moorage.ecs.load_balancing.route",
    "Scaling": "moorage.workload.scaling",
    "Scanning": "moorage.ecr.registry.scanning",
    "ScanningRule": "moorage.ecr.registry.scanning",
    "Schedule": "moorage.ecs.job.triggers",
    "ScheduledAction": "moorage.workload.scaling_targets",
    "Service": "moorage.ecs.service.service",
    "ServiceAlarms": "moorage.ecs.monitoring.service_alarms",
    "ServiceConnect": "moorage.ecs.service.service_connect",
    "ServiceConnectTls": "moorage.ecs.service.service_connect",
    "ExecSessions": "moorage.ecs.cluster.exec_sessions",
    "Severity": "moorage.ecr.registry.scanning",
    "SigningRule": "moorage.ecr.registry.repository_templates",
    "ReplicationSource": "moorage.ecr.registry.replication",
    "Strategy": "moorage.ecs.capacity.strategy",
    "TargetHealth": "moorage.ecs.load_balancing.route",
    "Task": "moorage.workload.task",
    "Volume": "moorage.workload.volumes",
    "WarmPool": "moorage.ecs.capacity.managed_scaling",
    "WorkQueue": "moorage.ecs.worker.work_queue",
    "Worker": "moorage.ecs.worker.worker",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605  # ruff reads only literals

if not TYPE_CHECKING:  # mypy would accept any name otherwise

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module 'moorage' has no attribute {name!r}")
        word = getattr(_loaded(_HOMES[name]), name)
        if type(word) is not type and "__init__" in vars(word):  # jsii's metaclass hides the arguments otherwise
            _self, *arguments = inspect.signature(word.__init__).parameters.values()
            word.__signature__ = inspect.Signature(arguments)
        return word

    def _loaded(module: str) -> ModuleType:
        """Import a module, without garbage collection if the cdk CLI runs the program, which is short-lived.

        Modules are never garbage. Traversing their objects repeatedly, and again when Python exits, is more than 10 %
        of the CPU time of a synth. In other processes, and if the program has disabled the garbage collector, nothing
        changes.
        """
        if module in sys.modules or "CDK_OUTDIR" not in os.environ or not gc.isenabled():
            return importlib.import_module(module)
        gc.disable()
        try:
            return importlib.import_module(module)
        finally:
            gc.freeze()
            gc.enable()

    def __dir__() -> list[str]:
        return sorted({*globals(), *_HOMES})
