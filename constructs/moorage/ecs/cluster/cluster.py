"""An ECS cluster in a VPC."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from moorage.ecs.capacity.capacity import Capacity, CapacityKind
from moorage.ecs.capacity.strategy import Strategy
from moorage.ecs.cluster.cluster_checks import (
    check_capacities,
    check_default_strategy,
    check_failure_topic,
    check_names,
)
from moorage.ecs.cluster.failure_events import FailureEvents
from moorage.ecs.cluster.refusing_cluster import RefusingCluster
from moorage.ecs.network.network import UNREACHABLE_WARNING, Network, Reach, keep_vpc_exported, vpc_of
from moorage.scope.acknowledgements import acknowledge
from moorage.scope.claimed_names import claim_name
from moorage.scope.exports import keep_exported
from moorage.scope.stage_validation import add_stage_check
from moorage.workload.door import door
from moorage.workload.errors import ValidationError
from moorage.workload.problems import Problems

if TYPE_CHECKING:
    from aws_cdk import aws_logs as logs
    from aws_cdk import aws_servicediscovery as servicediscovery
    from aws_cdk import aws_sns as sns

    from moorage.ecs.capacity.fit_checks import Claim
    from moorage.ecs.capacity.instances import Instances
    from moorage.ecs.cluster.exec_sessions import ExecSessions
    from moorage.ecs.cluster.imported_cluster import ImportedCluster
    from moorage.workload.fit import Fit
    from moorage.workload.task import Task

_ENHANCED_INSIGHTS = (
    "container-insights",
    "'enhanced' includes the metrics of 'enabled', but the Control Tower rule accepts only 'enabled'",
)


@door
class Cluster(RefusingCluster):
    """An ECS cluster in a VPC, with the capacities that its services may use.

    A `Cluster` is an `ecs.Cluster`, but CDK's methods that add capacity or a namespace raise an error, since a cluster
    has arguments for them. Pass `cluster.with_capacity` to CDK's own constructs (`ecs.Ec2Service`, `ecs_patterns`). The
    `connections` of the cluster are the connections of the instances that it defines.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: Network | ec2.IVpc,
        capacity: Sequence[Capacity] | None = None,
        default_strategy: Capacity | Mapping[Capacity, int] | Strategy | None = None,
        namespace: str | None = None,
        container_insights: ecs.ContainerInsights = ecs.ContainerInsights.ENHANCED,
        failure_events: bool = True,
        failure_topic: sns.ITopic | None = None,
        failure_log_policy: logs.CfnResourcePolicy | logs.ResourcePolicy | str | None = None,
        exec_sessions: ExecSessions | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN,
        cluster_name: str | None = None,
    ) -> None:
        """Define an ECS cluster in a VPC, with the capacities that its services may use, by default Fargate.

        By default, Container Insights is on, and failures are kept in a log group for a year.

        Args:
            scope: The scope in which to define this construct.
            construct_id: The ID of this construct in its scope.
            vpc: The VPC of the tasks and instances: a `Network` or any other VPC.
            capacity: The capacities of the cluster, at most 20. To remove a capacity, first remove it from the services
                and deploy, then remove it from the cluster. ECS does not remove a capacity that a service uses.
                Default: the capacities of `default_strategy`, otherwise Fargate.
            default_strategy: The strategy of tasks whose service or job names no capacity.
                This is also the default capacity provider strategy of the cluster in ECS: one capacity of the cluster,
                several capacities with weights, or a `Strategy` with a base. Default: the first capacity.
            namespace: The name of a new Service Connect namespace for the services, 1 to 1,024 characters. Default:
                none.
            container_insights: The level of CloudWatch Container Insights. `ENHANCED` includes metrics of containers;
                `DISABLED` costs nothing and fails Security Hub control ECS.12. Default: `ENHANCED`.
            failure_events: Whether to keep failures in a log group for a year (`FailureEvents`). Failures are
                stopped tasks, failed deployments and placement failures. Default: True.
            failure_topic: The SNS topic to notify of each of these failures (`FailureEvents(topic=)`). Default: none.
            failure_log_policy: A policy that lets EventBridge write to the log group of the failures. An account may
                have ten such policies in a region; `FailureEvents.define_log_policy(...)` defines one for all stacks.
                Default: a policy per stack.
            exec_sessions: The recording and encryption of ECS Exec sessions (`Task(execute_command=True)`). Default:
                sessions are recorded in the log group of the service, and encrypted by TLS.
            removal_policy: The removal policy of the log groups, queue and keys of the failure events and the sessions.
                Default: `RETAIN`.
            cluster_name: The name of the cluster, by which scripts and metrics find it: 1 to 255 letters, digits,
                hyphens and underscores, unique in an account and region. moorage does not add the name of the stack. A
                change of the name replaces the cluster and its services. Default: CloudFormation generates a name.

        Raises:
            ValueError: If there is no capacity, or a capacity is given twice or cannot reach ECS; if the default
                strategy has other capacities; if another argument is invalid or belongs to another account or region;
                if a topic is given without failure_events.
        """
        strategy = None if default_strategy is None else Strategy._of(default_strategy)
        capacities = tuple(capacity if capacity is not None else strategy.weights if strategy else [Capacity.fargate()])
        reach = Reach(vpc_of(vpc))
        problems = Problems(lambda: f"{scope.node.path}/{construct_id}")
        check_capacities(capacities, reach, exec_sessions, scope, problems)
        check_default_strategy(strategy, capacities, problems)
        check_names(cluster_name, namespace, problems)
        check_failure_topic(failure_topic, scope, problems, failure_events=failure_events)
        problems.raise_any()

        super().__init__(
            scope, construct_id, vpc=reach.vpc, cluster_name=cluster_name, container_insights_v2=container_insights
        )
        self._claim_name(cluster_name)
        self._acknowledge(container_insights)
        self.capacities = capacities
        self._task_strategy = strategy or Strategy(capacities[0])
        self.namespace = None if namespace is None else self._define_namespace(namespace)
        self.exec_sessions = self._define_sessions(exec_sessions, removal_policy) if exec_sessions else None
        self._reach = reach
        self._instances: Mapping[Capacity, Instances] = self._define_all_instances()
        self._claims: dict[Capacity, list[Claim]] = {}
        self._members = []
        self.associations = self._associate_capacities()
        self.with_capacity = self._import_with_capacity()
        self._keep_exported()
        self.failure_events: FailureEvents | None = None
        if failure_events:
            self.failure_events = FailureEvents(
                self,
                "Forensics",
                cluster=self,
                topic=failure_topic,
                log_policy=failure_log_policy,
                removal_policy=removal_policy,
            )

    @staticmethod
    def from_attributes(
        scope: Construct,
        construct_id: str,
        *,
        cluster_name: str | None = None,
        cluster_arn: str | None = None,
        vpc: Network | ec2.IVpc | None = None,
        capacity: Sequence[Capacity] | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] = (),
        namespace: servicediscovery.INamespace | str | None = None,
        exec_sessions: ExecSessions | None = None,
    ) -> ecs.ICluster:
        """Import a cluster that another stack or another tool defines, for any construct that needs a cluster.

        Only the given arguments are checked. If a construct needs another argument, the construct's error names this
        argument.

        Args:
            scope: The scope in which to import the cluster.
            construct_id: The ID of this construct in its scope.
            cluster_name: The name of the cluster, in the account and region of the stack. Default: the name in
                `cluster_arn`.
            cluster_arn: The ARN of the cluster, in place of its name. Default: the ARN of the cluster `cluster_name`.
            vpc: The VPC of the tasks. Only `FailureEvents` and `Dashboard` do not need the VPC. Default: unknown.
            capacity: The capacities of the cluster (`Capacity.fargate()`, `Capacity.from_provider_name("general")`).
                The first capacity is the default of services. Default: unknown, so services use Fargate.
            security_groups: The security groups of the instances, for tasks without their own network interface.
                Default: unknown.
            namespace: The Service Connect namespace of the services: a name, an ARN, or CDK's construct.
                `cloud_map_options` requires the construct. Default: none.
            exec_sessions: The key and the log group of the ECS Exec sessions. Default: none.

        Returns:
            The cluster.

        Raises:
            ValueError: If both or neither of cluster_name and cluster_arn are given, the cluster is in another account
                or region than the stack, or a capacity is one that only a `Cluster` can define.
        """
        from moorage.ecs.cluster.imported_cluster import import_cluster  # noqa: PLC0415  # needed only by imported clusters

        return import_cluster(
            scope,
            construct_id,
            cluster_name=cluster_name,
            cluster_arn=cluster_arn,
            vpc=None if vpc is None else vpc_of(vpc),
            capacity=capacity,
            security_groups=security_groups,
            namespace=namespace,
            exec_sessions=exec_sessions,
        )

    @property
    def default_strategy(self) -> Strategy:
        """The strategy for services that follow the cluster's default strategy, even after that strategy changes."""
        return self._task_strategy._following_cluster

    def capacity(self, capacity: Capacity) -> Instances:
        """Return the construct that defines the instances, the capacity provider and the roles of a capacity.

        Args:
            capacity: The capacity, made by `Capacity.ec2` or `Capacity.managed_instances`.

        Raises:
            ValueError: If the cluster defines no instances for this capacity.
        """
        if capacity not in self._instances:
            raise ValidationError(
                f"{self.node.path}: this cluster defines no instances for capacity {capacity.name!r}; use "
                f"{' or '.join(repr(each.name) for each in self._instances) or 'a capacity made by Capacity.ec2'}"
            )
        return self._instances[capacity]

    def fit(self, task: Task) -> dict[str, tuple[Fit, ...]]:
        """Return how many copies of a task fit on one instance of each type, and which resources limit the number.

        Args:
            task: The task to fit.

        Returns:
            For each capacity, by name: one result for each instance type. An existing capacity provider has no
            results. Fargate and ECS Managed Instances are left out.
        """
        return {each.name: each.fit(task) for each in self.capacities if each.kind is CapacityKind.INSTANCES}

    def _provider_name(self, capacity: Capacity) -> str:
        """Return the name of a capacity's provider in ECS."""
        return capacity.name if capacity._exists_already else self.capacity(capacity).provider_name

    def _knows_security_group_of(self, capacity: Capacity) -> bool:
        """Return True if the security group of a capacity's instances is known."""
        return not capacity._exists_already

    def _instance_security_groups(
        self, capacities: Iterable[Capacity], stack: cdk.Stack | None = None
    ) -> list[ec2.ISecurityGroup]:
        """Return the security groups of the instances that this cluster defines for capacities.

        Args:
            capacities: The capacities whose instances have the groups.
            stack: The stack to import the groups into, so that the rules of the stack's services belong to the stack.
                Default: none.
        """
        instances = [self.capacity(each) for each in capacities if not each._exists_already]
        return [each.security_group_in(stack) if stack else each.security_group for each in instances]

    def _claim(self, service: Construct, task: Task, strategy: Strategy, minimum: int | None) -> None:
        """Record the tasks that `service` always runs on its only capacity, for a check that all services fit together.

        The tasks of a service with several capacities are not recorded.
        """
        from moorage.ecs.capacity.fit_checks import Claim  # noqa: PLC0415  # Fargate needs no instance types

        if not self._claims:
            add_stage_check(self, self._find_overcommitments)
        if len(strategy._used_capacities) == 1:
            claims = self._claims.setdefault(strategy._used_capacities[0], [])
            claims.append(Claim(lambda: str(service.node.path), task, minimum))

    def _find_overcommitments(self) -> list[str]:
        from moorage.ecs.capacity.fit_checks import overcommitment_problem  # noqa: PLC0415  # Fargate needs no instance types

        return [problem for each, claims in self._claims.items() if (problem := overcommitment_problem(each, claims))]

    def _define_all_instances(self) -> dict[Capacity, Instances]:
        defined = {each: self._define_instances(each) for each in self.capacities if not each._exists_already}
        if defined:  # CDK does this in its own methods that add capacity
            self.connections.add_security_group(*(each.security_group for each in defined.values()))
        return defined

    def _acknowledge(self, container_insights: ecs.ContainerInsights) -> None:
        if container_insights is ecs.ContainerInsights.ENHANCED:
            acknowledge(self, *_ENHANCED_INSIGHTS, ids=["Resource"])

    def _claim_name(self, cluster_name: str | None) -> None:
        if cluster_name is not None:
            claim_name(self, "AWS::ECS::Cluster", cluster_name)

    def _define_namespace(self, name: str) -> servicediscovery.HttpNamespace:
        from aws_cdk import aws_servicediscovery as servicediscovery  # noqa: PLC0415  # loads aws_cdk.aws_servicediscovery

        claim_name(self, "AWS::ServiceDiscovery::HttpNamespace", name)
        return servicediscovery.HttpNamespace(self, "Namespace", name=name)

    def _define_sessions(self, exec_sessions: ExecSessions, removal_policy: cdk.RemovalPolicy) -> ExecSessions:
        defined_sessions = exec_sessions._define(self, removal_policy)
        defined_sessions._configure(cast("ecs.CfnCluster", self.node.default_child))
        return defined_sessions

    def _associate_capacities(self) -> ecs.CfnClusterCapacityProviderAssociations:
        names = {each: self._provider_name(each) for each in self.capacities}
        return ecs.CfnClusterCapacityProviderAssociations(
            self,
            "Capacity",
            cluster=self.cluster_name,
            # A provider of Managed Instances belongs to its cluster from its creation, and ECS refuses to associate it.
            capacity_providers=[
                name for each, name in names.items() if each.kind is not CapacityKind.MANAGED_INSTANCES
            ],
            default_capacity_provider_strategy=[
                ecs.CfnClusterCapacityProviderAssociations.CapacityProviderStrategyProperty(**item)
                for item in self._task_strategy._items(names.__getitem__)
            ],
        )

    def _import_with_capacity(self) -> ecs.ICluster:
        """Import the cluster by the Ref of the associations, which is the cluster's name.

        Resources that use this name are created after the associations and deleted before them: ECS does not remove a
        capacity from a cluster while a service uses the capacity.
        """
        return ecs.Cluster.from_cluster_attributes(
            self,
            "WithCapacity",
            cluster_name=self.associations.ref,
            vpc=self.vpc,
            execute_command_configuration=self.exec_sessions._configuration if self.exec_sessions else None,
        )

    def _keep_exported(self) -> None:
        """Export the values that services of other stacks may import, even if no service imports them yet."""
        instances = self._instances.values()
        values = [
            self.cluster_name,
            self.cluster_arn,
            self.associations.ref,
            *(each.provider_name for each in instances),
            *(each.security_group.security_group_id for each in instances),
        ]
        if self.namespace:
            values.append(self.namespace.namespace_arn)
        if self.exec_sessions:
            values += self.exec_sessions._arns_in(self.stack)
        keep_exported(self, values)
        keep_vpc_exported(self.vpc, self.stack)

    def _define_instances(self, capacity: Capacity) -> Instances:
        from moorage.ecs.capacity.define_instances import define_instances  # noqa: PLC0415  # Fargate needs no instance types

        instances = define_instances(self, capacity)
        is_isolated = not capacity._has_public_addresses and self._reach.is_isolated(capacity._vpc_subnets)
        if not self._reach.network and is_isolated:
            cdk.Annotations.of(instances).add_warning_v2(
                UNREACHABLE_WARNING,
                "the subnets of these instances have no route to the internet, as far as CDK knows, so the instances "
                f"may not reach {', '.join(sorted(capacity._agent_needs))}; use a Network, whose routes are known, or "
                "acknowledge this warning if the instances reach all of these services",
            )
        return instances


def cluster_view_of(cluster: ecs.ICluster) -> Cluster | ImportedCluster:
    """Return moorage's view of a cluster: the cluster itself if it is a `Cluster`, otherwise an `ImportedCluster`."""
    if isinstance(cluster, Cluster):
        return cluster
    from moorage.ecs.cluster.imported_cluster import ImportedCluster  # noqa: PLC0415  # needed only by imported clusters

    return ImportedCluster.of(cluster)
