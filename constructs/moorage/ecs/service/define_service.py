"""The resources of a service, as its plan says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from moorage.ecs.capacity.capacity import CapacityKind
from moorage.ecs.cdk_values import optional_duration
from moorage.ecs.service.autoscaling import HIGH_RESOLUTION_MONITORING
from moorage.ecs.service.autoscaling import define_scaling as define_scaling_policies
from moorage.ecs.service.deployment import define_deployment_properties, deployment_arguments
from moorage.ecs.service.service_plan import ServicePlan
from moorage.workload.task import NetworkMode

if TYPE_CHECKING:
    from aws_cdk import aws_vpclattice as vpclattice

    from moorage.ecs.capacity.strategy import Strategy
    from moorage.ecs.load_balancing.target import Target
    from moorage.ecs.task.task_launch import TaskResources
    from moorage.workload.task import Task

_SERVICE_CLASSES: Mapping[CapacityKind, type[ecs.FargateService] | type[ecs.Ec2Service]] = {
    CapacityKind.FARGATE: ecs.FargateService,
    CapacityKind.INSTANCES: ecs.Ec2Service,
    CapacityKind.MANAGED_INSTANCES: ecs.FargateService,  # CDK uses it for Managed Instances as well
}


def define_service(
    scope: Construct, plan: ServicePlan, resources: TaskResources
) -> ecs.FargateService | ecs.Ec2Service:
    """Define and return the ECS service, with Service Connect and its connector to gateways.

    Args:
        scope: The construct of the service.
        plan: The plan of the service.
        resources: The task definition, the log group and the security groups.
    """
    launch = plan.launch
    if launch.strategy._kind is CapacityKind.INSTANCES:
        launch.cluster_view._claim(scope, plan.task, launch.strategy, plan.copies)
    connect = plan.connect._define(scope, plan.task, launch.cluster_view, resources.log_group) if plan.connect else {}
    service = _SERVICE_CLASSES[launch.strategy._kind](
        scope,
        "Default",
        cluster=launch.cluster_view.with_capacity,
        service_name=plan.service_name,
        task_definition=resources.task_definition,
        desired_count=None if plan.scaling._changes_count else plan.copies,
        capacity_provider_strategies=None if plan.placement.daemon else resources.strategies,
        health_check_grace_period=optional_duration(plan.grace_period),
        propagate_tags=ecs.PropagatedTagSource.SERVICE,
        enable_ecs_managed_tags=True,
        **resources.network_arguments,
        **plan.placement._service_arguments(launch.strategy),
        **deployment_arguments(plan.rollout, plan.placement),
        **connect,
        cloud_map_options=plan.cloud_map_options,
    )
    # the resource is read only where it is changed: each read is two messages to Node.js
    for property_name in _unwanted_properties(plan.task, launch.strategy):
        _resource_of(service).add_property_deletion_override(property_name)
    for index, field in plan.placement._packed_fields.items():
        _resource_of(service).add_property_override(f"PlacementStrategies.{index}.Field", field)
    if plan.task.execute_command:
        _resource_of(service).add_property_override("EnableExecuteCommand", value=True)
    if plan.gateway:
        plan.gateway._define(service, launch, resources.security_groups)
    return service


def define_lattices(
    scope: Construct, plan: ServicePlan, service: ecs.BaseService, connections: Callable[[], ec2.Connections]
) -> tuple[vpclattice.CfnTargetGroup, ...]:
    """Define and return the target groups of VPC Lattice.

    Args:
        scope: The construct of the service.
        plan: The plan of the service.
        service: The ECS service.
        connections: A function that returns the connections of the tasks, which only VPC Lattice needs.
    """
    if not plan.lattices:
        return ()
    from moorage.ecs.service import lattice  # noqa: PLC0415  # loads aws_cdk.aws_vpclattice

    resource = _resource_of(service)
    return lattice.define_lattices(scope, service, resource, plan.lattices, plan.launch, connections=connections())


def attach_volumes(scope: Construct, plan: ServicePlan, service: ecs.BaseService) -> None:
    """Attach the volumes of the tasks to the service.

    Args:
        scope: The construct of the service.
        plan: The plan of the service.
        service: The ECS service.
    """
    if not any(task.volumes for task in plan.tasks):
        return
    from moorage.ecs.task import volumes  # noqa: PLC0415  # needed only by volumes

    own_connections = service.connections if plan.launch.has_own_interface else None
    volumes.attach_volumes(scope, plan.tasks, service, own_connections)


def define_deployment(
    scope: Construct,
    plan: ServicePlan,
    service: ecs.BaseService,
    resources: TaskResources,
    targets: Sequence[Target],
) -> ecs.TaskDefinition | None:
    """Define the hooks and alarms of rollouts. Return the definition of the pre-deployment task, or None.

    Args:
        scope: The construct of the service.
        plan: The plan of the service.
        service: The ECS service.
        resources: The resources of the service, whose log group and security groups the pre-deployment task shares.
        targets: The targets of the routes.
    """
    hooks = list(plan.rollout.hooks)
    task_definition = None
    if plan.pre_deployment_launch:
        from moorage.ecs.service.pre_deployment_task import define_pre_deployment_task  # noqa: PLC0415  # loads aws_cdk.aws_lambda

        cluster = plan.launch.cluster_view.with_capacity
        pre_deployment_resources, hook = define_pre_deployment_task(
            scope, plan.pre_deployment_launch, resources, cluster, plan.task_logs
        )
        task_definition = pre_deployment_resources.task_definition
        hooks.insert(0, hook)
    arguments = (plan.rollout, targets, hooks, plan._start_period)
    for path, value in define_deployment_properties(scope, service, *arguments).items():
        _resource_of(service).add_property_override(f"DeploymentConfiguration.{path}", value)
    return task_definition


def define_scaling(
    plan: ServicePlan, service: ecs.BaseService, targets: Sequence[Target]
) -> ecs.ScalableTaskCount | None:
    """Define the scaling of the service. Return the scalable number of tasks, or None for a fixed number.

    Args:
        plan: The plan of the service.
        service: The ECS service.
        targets: The targets of the routes.
    """
    if plan.scaling.high_resolution:
        _resource_of(service).add_property_override("Monitoring", HIGH_RESOLUTION_MONITORING)
    return define_scaling_policies(service, plan.scaling, targets) if plan.scaling._changes_count else None


def _unwanted_properties(task: Task, strategy: Strategy) -> list[str]:
    """Return the properties to delete from CDK's resource.

    CDK writes a launch type if there is no strategy, and a network configuration even if tasks do not have their own
    network interface.
    """
    launch_type = ["LaunchType"] if strategy._follows_cluster else []
    without_own_network = (
        task.network_mode is not NetworkMode.AWSVPC and strategy._kind is CapacityKind.MANAGED_INSTANCES
    )
    return [*launch_type, "NetworkConfiguration"] if without_own_network else launch_type


def _resource_of(service: ecs.BaseService) -> cdk.CfnResource:
    return cast("cdk.CfnResource", service.node.default_child)
