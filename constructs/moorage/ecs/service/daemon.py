"""A daemon: a task that ECS runs once on each of its Managed Instances, before other tasks."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import attrs
import aws_cdk as cdk
import jsii
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct

from moorage.ecs.capacity.strategy import Strategy
from moorage.ecs.cdk_values import arn, stack_of
from moorage.ecs.identity import Identity
from moorage.ecs.network.network import keep_vpc_exported
from moorage.ecs.task.launch_warnings import warn_of_launch
from moorage.ecs.task.task_launch import Launch, connections_of
from moorage.ecs.task.task_logs import TaskLogs
from moorage.scope.place import place_of
from moorage.workload import daemon_limits
from moorage.workload.door import door
from moorage.workload.platform_checks import check_daemon
from moorage.workload.problems import Problems

if TYPE_CHECKING:
    from aws_cdk import aws_logs as logs

    from moorage.ecs.capacity.capacity import Capacity
    from moorage.workload.task import Task

_MAX_NAME_LENGTH = 255
"""The maximum length of the name of a daemon (botocore ecs CreateDaemon.daemonName)."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class _DaemonLaunch(Launch):
    """A task with its capacities. Its network is that of the instances, behind a bridge of its own."""

    @property
    def has_own_interface(self) -> bool:
        """False, since a daemon has no network interface (ECS developer guide, daemon_bridge)."""
        return False


@door
@jsii.implements(ec2.IConnectable, iam.IGrantable)
class Daemon(Construct):
    """A daemon on ECS Managed Instances: a task that ECS runs once on each instance, before other tasks.

    Use a daemon for agents that monitor, trace or protect an instance. A new version of the task replaces the
    instances, a part at a time. A daemon has no ports and no network interface. The ECS developer guide says how other
    tasks reach it. By default, its containers have a read-only root file system and a log group. A daemon is an
    `IGrantable` (the task role) and an `IConnectable` (the security groups of the instances).
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cluster: ecs.ICluster,
        task: Task,
        capacity: Capacity | Sequence[Capacity],
        critical: bool = True,
        log_group: logs.ILogGroup | None = None,
        log_retention: logs.RetentionDays | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN,
    ) -> None:
        """Define a daemon: a task that ECS runs once on each ECS Managed Instance, before other tasks.

        By default, its containers have a read-only root file system and a log group.

        Args:
            scope: The scope in which to define this construct.
            construct_id: The ID of this construct in its scope.
            cluster: The cluster whose instances run the daemon: a `Cluster`, a cluster that `Cluster.from_attributes`
                returned, or any other `ecs.ICluster`.
            task: The task to run. Its `architecture` is that of the instances. With `pid_mode="host"`, the daemon
                shares the process namespace of the instance. Ports, GPUs, volumes other than bind mounts and the
                other settings that a daemon task definition does not have are refused.
            capacity: The capacities whose instances run the daemon: one or several `Capacity.managed_instances` of the
                cluster.
            critical: Whether to drain an instance and stop its other tasks if the daemon fails there. If False,
                instances start and run other tasks without the daemon. Default: True.
            log_group: The log group of the containers. Default: a new log group.
            log_retention: The time for which a new log group keeps logs. Default: a year.
            removal_policy: The removal policy of a new log group. Default: `RETAIN`.

        Raises:
            ValueError: If the task, cluster and capacities do not work together. The error lists all problems.
        """
        capacities = tuple(capacity) if isinstance(capacity, Sequence) else (capacity,)
        problems = Problems(lambda: f"{scope.node.path}/{construct_id}")
        _check_settings(task, capacities, scope, problems)
        task_logs = TaskLogs(log_group, log_retention, removal_policy)
        task_logs.check(problems, scope)
        problems.raise_any()
        launch = _DaemonLaunch.of(task, cluster, Strategy(dict.fromkeys(capacities, 1)))
        launch.check(problems)
        problems.raise_any()

        super().__init__(scope, construct_id)
        warn_of_launch(self, launch)
        identity = Identity.in_scope(scope, construct_id)
        resources = launch.define(self, identity, task_logs)
        self.log_group = resources.log_group
        self.security_groups = resources.security_groups
        self.task_role = resources.task_definition.task_role
        self.task_definition = _as_daemon(resources.task_definition, task)
        self.daemon_name = identity.unique_name(_MAX_NAME_LENGTH) or _generated_name(self)
        self.daemon = self._define_daemon(launch, resources.task_definition, critical=critical)
        self.daemon_arn = self.daemon.attr_daemon_arn
        keep_vpc_exported(launch.reach.vpc, stack_of(scope))

    @property
    def connections(self) -> ec2.Connections:
        """The connections of the instances on which the daemon runs, to allow traffic from and to it."""
        return self._connections  # jsii does not see a cached_property

    @functools.cached_property
    def _connections(self) -> ec2.Connections:
        return connections_of(self, self.security_groups)

    @property
    def grant_principal(self) -> iam.IPrincipal:
        """The task role, with which the containers call AWS."""
        return self.task_role.grant_principal

    def _define_daemon(self, launch: Launch, definition: ecs.TaskDefinition, *, critical: bool) -> ecs.CfnDaemon:
        daemon = ecs.CfnDaemon(
            self,
            "Default",
            daemon_name=self.daemon_name,
            cluster_arn=launch.cluster.cluster_arn,
            capacity_provider_arns=[
                arn("ecs", f"capacity-provider/{launch.cluster_view._provider_name(each)}")
                for each in launch.strategy.weights
            ],
            daemon_task_definition_arn=self.task_definition.attr_daemon_task_definition_arn,
            critical=None if critical else False,
            enable_ecs_managed_tags=True,
            enable_execute_command=launch.task.execute_command or None,
            propagate_tags="DAEMON",
        )
        roles = (definition.task_role, definition.execution_role)
        daemon.node.add_dependency(*(each for each in roles if each is not None))  # with their policies
        if not critical:
            _acknowledge_new_property(daemon)
        return daemon


def _acknowledge_new_property(daemon: ecs.CfnDaemon) -> None:
    """Acknowledge that CDK's validation does not know `Critical` yet, which `cdk init` makes an error (2.275)."""
    cdk.Validations.of(daemon).acknowledge(
        cdk.Acknowledgment(
            id="CloudFormation-Validate::F3002",
            reason="Critical is newer than the schemas in this release of aws-cdk-lib",
        )
    )


def _check_settings(task: Task, capacities: Sequence[Capacity], scope: Construct, problems: Problems) -> None:
    """Check what would otherwise be lost, or checked as if the task belonged to a service."""
    check_daemon(task, problems)
    names = [each.name for each in capacities]
    problems.check(daemon_limits.DAEMON_CAPACITIES, "capacity", names)
    kinds = [(each.name, each.kind.value) for each in capacities]
    problems.check(daemon_limits.DAEMON_CAPACITY_KIND, "capacity", kinds)
    problems.check(daemon_limits.DAEMON_CAPACITIES_UNIQUE, "capacity", names)
    problems.check(daemon_limits.DAEMON_REGION, "the region of the stack", place_of(scope)[1])


def _as_daemon(definition: ecs.TaskDefinition, task: Task) -> ecs.CfnDaemonTaskDefinition:
    """Replace the resource of a task definition by a daemon task definition with the same containers and roles.

    CDK renders the containers of both types under the same names. A daemon's containers have fewer, which
    `check_daemon` makes sure are not used.
    """
    regular = cast("ecs.CfnTaskDefinition", definition.node.default_child)
    definition.node.try_remove_child(regular.node.id)
    daemon_definition = ecs.CfnDaemonTaskDefinition(
        definition,
        regular.node.id,
        family=regular.family,
        container_definitions=cast("cdk.IResolvable", regular.container_definitions),
        cpu=regular.cpu,
        memory=regular.memory,
        volumes=cast("cdk.IResolvable", regular.volumes) if task.volumes else None,
        pid_mode="shared" if task.pid_mode else None,
        task_role_arn=regular.task_role_arn,
        execution_role_arn=regular.execution_role_arn,
    )
    if task.retain_revisions:
        daemon_definition.cfn_options.update_replace_policy = cdk.CfnDeletionPolicy.RETAIN
    return daemon_definition


def _generated_name(daemon: Daemon) -> str:
    """Return a name with the name of the stack, which CDK's names already begin with."""
    return cdk.Names.unique_resource_name(daemon, max_length=_MAX_NAME_LENGTH, separator="-")
