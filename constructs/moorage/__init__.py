"""Constructs for containers on AWS: clusters, services, and the registries of their images.

This module provides all public names. Each name is loaded when it is first used, so importing moorage loads no service
module of `aws_cdk`.
"""

from __future__ import annotations

import gc
import importlib
import inspect
import os
import sys
from types import ModuleType
from typing import Any

_HOMES = {
    "Ami": "moorage.ecs.capacity.container_instance",
    "ApiCall": "moorage.ecr.registry.registry_metrics",
    "Architecture": "moorage.workload.task",
    "ArgumentTypeError": "moorage.workload.errors",
    "AuditTrail": "moorage.ecr.registry.audit_trail",
    "Capacity": "moorage.ecs.capacity.capacity",
    "CapacityReservations": "moorage.ecs.capacity.capacity_reservations",
    "CircuitBreaker": "moorage.workload.circuit_breaker",
    "Cluster": "moorage.ecs.cluster.cluster",
    "Container": "moorage.workload.container",
    "ContainerCondition": "moorage.workload.container_lifecycle",
    "ContainerInstance": "moorage.ecs.capacity.container_instance",
    "Daemon": "moorage.ecs.service.daemon",
    "Dashboard": "moorage.ecs.monitoring.dashboard",
    "EarlySuccess": "moorage.workload.rollout",
    "Encryption": "moorage.ecr.repository.repository_settings",
    "Endpoints": "moorage.workload.endpoints",
    "EnvironmentFile": "moorage.workload.container_lifecycle",
    "EventRule": "moorage.ecs.job.triggers",
    "FailureEvents": "moorage.ecs.cluster.failure_events",
    "Gateway": "moorage.ecs.load_balancing.gateway",
    "GatewayConnector": "moorage.ecs.load_balancing.gateway_connector",
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
    "LogMode": "moorage.workload.log_mode",
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
    "PushedImage": "moorage.ecr.repository.pushed_image",
    "Registry": "moorage.ecr.registry.registry",
    "ReplicationDestination": "moorage.ecr.registry.replication",
    "Replication": "moorage.ecr.registry.replication",
    "Repository": "moorage.ecr.repository.repository",
    "RepositorySettings": "moorage.ecr.repository.repository_settings",
    "RepositoryTemplate": "moorage.ecr.registry.repository_templates",
    "RestartPolicy": "moorage.workload.container_lifecycle",
    "RollbackAlarms": "moorage.workload.rollback_alarms",
    "Rollout": "moorage.workload.rollout",
    "Route": "moorage.ecs.load_balancing.route",
    "Scaling": "moorage.workload.scaling",
    "ScanGate": "moorage.ecs.service.scan_gate",
    "Scanning": "moorage.ecr.registry.scanning",
    "ScanningRule": "moorage.ecr.registry.scanning",
    "Schedule": "moorage.ecs.job.triggers",
    "ScheduledAction": "moorage.workload.scaling_targets",
    "Service": "moorage.ecs.service.service",
    "ServiceAlarms": "moorage.ecs.monitoring.service_alarms",
    "ServiceConnect": "moorage.ecs.service.service_connect",
    "ServiceConnectTls": "moorage.ecs.service.service_connect",
    "ExecSessions": "moorage.ecs.cluster.exec_sessions",
    "Severity": "moorage.workload.severity",
    "SigningRule": "moorage.ecr.registry.repository_templates",
    "ReplicationSource": "moorage.ecr.registry.replication",
    "Strategy": "moorage.ecs.capacity.strategy",
    "TargetHealth": "moorage.ecs.load_balancing.target_health",
    "Task": "moorage.workload.task",
    "ValidationError": "moorage.workload.errors",
    "Volume": "moorage.workload.volumes",
    "WarmPool": "moorage.ecs.capacity.managed_scaling",
    "WorkQueue": "moorage.ecs.worker.work_queue",
    "Worker": "moorage.ecs.worker.worker",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605  # pyright: ignore[reportUnsupportedDunderAll]  # the stub lists them


def __getattr__(name: str) -> Any:
    if name == "policy":  # for `moorage.policy.acknowledge(app)` after `import moorage`
        return importlib.import_module("moorage.policy")
    if name not in _HOMES:
        raise AttributeError(f"module 'moorage' has no attribute {name!r}")
    word = getattr(_loaded(_HOMES[name]), name)
    if type(word) is not type and "__init__" in vars(word):  # jsii's metaclass hides the arguments otherwise
        _self, *arguments = inspect.signature(word.__init__).parameters.values()
        word.__signature__ = inspect.Signature(arguments)
    elif "__attrs_attrs__" in vars(word):
        _show_computed_defaults(word.__init__)
    return word


def _show_computed_defaults(initializer: Any) -> None:
    """Show a default that follows from other arguments as `...`, and not as the `NOTHING` of attrs."""
    from attrs import NOTHING  # noqa: PLC0415  # an import of moorage needs no attrs

    signature = inspect.signature(initializer)
    shown = [each.replace(default=...) if each.default is NOTHING else each for each in signature.parameters.values()]
    initializer.__signature__ = signature.replace(parameters=shown)


def _loaded(module: str) -> ModuleType:
    """Import a module. Disable garbage collection meanwhile if the cdk CLI runs the program.

    Such a program is short-lived, and modules are never garbage. Traversing their objects repeatedly, and again when
    Python exits, takes more than 10 % of the CPU time of a synth. In other processes, and if the program has disabled
    the garbage collector, nothing changes.
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
    return list(__all__)


if "CDK_CLI_VERSION" in os.environ:  # the CDK CLI sets it for the app that it runs, and nothing else does
    importlib.import_module("moorage.workload.excepthook").install()
