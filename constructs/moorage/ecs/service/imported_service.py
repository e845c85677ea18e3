"""Services that exist already, for metrics, alarms, dashboards and connections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import aws_cdk as cdk
import jsii
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from moorage.ecs.cluster.cluster import cluster_view_of
from moorage.ecs.load_balancing.target import ImportedTarget
from moorage.ecs.service.service_metrics import ServiceMetrics
from moorage.scope.place import check_place
from moorage.workload import load_balancing_limits, port_limits, service_limits
from moorage.workload.problems import Problems, is_token

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch

    from moorage.ecs.service.service_connect import ServiceConnect
    from moorage.ecs.service.service_connect_paths import ConnectedService


@jsii.implements(ec2.IConnectable)
class ImportedService(ServiceMetrics):
    """The result of `Service.from_attributes`: a service that another stack or another tool defines.

    The import defines no resources. `ServiceAlarms`, `Dashboard` and `Service.connect_to` accept it.
    """

    queue = None
    """The queue whose backlog changes the number of tasks, which is not known."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cluster: ecs.ICluster,
        service_name: str | None,
        service_arn: str | None,
        load_balancer_arn: str | None,
        target_group_arns: str | Sequence[str],
        connect: ServiceConnect | None,
        port: int | None,
        security_groups: Sequence[ec2.ISecurityGroup],
    ) -> None:
        """Import a service. `Service.from_attributes` documents the arguments and the error."""
        groups = (target_group_arns,) if isinstance(target_group_arns, str) else tuple(target_group_arns)
        problems = Problems(lambda: f"{scope.node.path}/{construct_id}")
        check_place(problems, "cluster", cluster, scope)
        _check_name(service_name, service_arn, cluster, scope, problems)
        _check_targets(load_balancer_arn, groups, scope, problems)
        _check_connect(connect, port, security_groups, cluster, scope, problems)
        problems.raise_any()

        super().__init__(scope, construct_id)
        self.cluster = cluster
        self.security_groups = tuple(security_groups)
        self.service = ecs.FargateService.from_fargate_service_attributes(
            self, "Default", cluster=cluster, service_name=service_name or _name_in(service_arn or "")
        )
        self._connect, self._port = connect, port
        self._targets = (ImportedTarget(load_balancer_arn, groups),) if load_balancer_arn and groups else ()

    @property
    def connections(self) -> ec2.Connections:
        """The connections of the tasks, to allow traffic from and to the tasks."""
        return ec2.Connections(security_groups=list(self.security_groups))

    @property
    def _connected(self) -> ConnectedService:
        from moorage.ecs.service.service_connect_paths import ConnectedService  # noqa: PLC0415  # needed only by Service Connect

        connect = self._connect
        return ConnectedService(
            self,
            cluster_view=cluster_view_of(self.cluster),
            connect=connect,
            url=connect._url_of(connect.name) if connect and connect.name else None,
            port=self._port,
            has_own_interface=True,
            security_groups=self.security_groups,
        )

    def _metric(self, metric_name: str, statistic: str | None, period: cdk.Duration | None) -> cloudwatch.Metric:
        from aws_cdk import aws_cloudwatch as cloudwatch  # noqa: PLC0415  # loads aws_cdk.aws_cloudwatch

        return cloudwatch.Metric(
            namespace="AWS/ECS",
            metric_name=metric_name,
            dimensions_map={"ClusterName": self.cluster.cluster_name, "ServiceName": self.service.service_name},
            statistic=statistic,
            period=period,
        )


def _name_in(arn: str) -> str:
    """Return the name of a service from its ARN. Old ARNs do not contain the cluster."""
    return cdk.Fn.select(2, cdk.Fn.split("/", arn)) if cdk.Token.is_unresolved(arn) else arn.rpartition("/")[2]


def _check_name(name: str | None, arn: str | None, cluster: ecs.ICluster, scope: Construct, problems: Problems) -> None:
    """Check that exactly one of name and ARN is given, and that the ARN is that of a service of the cluster."""
    if (name is None) == (arn is None):
        given = "neither" if name is None else "both"
        problems.add(
            f"exactly one of service_name and service_arn must be given (got {given}); use service_name= for a service "
            "of the cluster, or service_arn="
        )
    problems.check(service_limits.SERVICE_NAME, "service_name", name)
    problems.check(service_limits.SERVICE_ARN, "service_arn", arn)
    if arn is None or is_token(arn) or problems.messages:
        return
    check_place(problems, "service_arn", arn, scope)
    own_cluster, cluster_name = arn.split("/")[1:-1], cluster.cluster_name
    if own_cluster and not is_token(cluster_name) and own_cluster != [cluster_name]:
        problems.add(
            f"service_arn must be that of a service in the cluster {cluster_name!r} (got one in {own_cluster[0]!r}); "
            "pass the cluster of the service as cluster="
        )


def _check_targets(load_balancer_arn: str | None, groups: Sequence[str], scope: Construct, problems: Problems) -> None:
    """Check the ARNs of a load balancer and of its target groups."""
    if (load_balancer_arn is None) == bool(groups):
        problems.add(
            "load_balancer_arn and target_group_arns must be given together, since the metrics of targets name both; "
            "add the other one, or leave both out"
        )
    if len(groups) > ImportedTarget.MAX_GROUPS:
        problems.add(
            f"target_group_arns must have at most {ImportedTarget.MAX_GROUPS} items, the target groups between which "
            f"rollouts of one route alternate (got {len(groups)}); import the service once for each route"
        )
    problems.check(load_balancing_limits.BALANCER_ARN, "load_balancer_arn", load_balancer_arn)
    check_place(problems, "load_balancer_arn", load_balancer_arn, scope)
    for group in groups:
        problems.check(load_balancing_limits.TARGET_GROUP_ARN, "each item of target_group_arns", group)
        check_place(problems, "each item of target_group_arns", group, scope)


def _check_connect(
    connect: ServiceConnect | None,
    port: int | None,
    security_groups: Sequence[ec2.ISecurityGroup],
    cluster: ecs.ICluster,
    scope: Construct,
    problems: Problems,
) -> None:
    """Check that other services can find the service and be allowed to connect to it."""
    problems.check(port_limits.PORT, "port", port)
    for group in security_groups:
        check_place(problems, "each item of security_groups", group, scope)
    if connect is None:
        return
    if connect.name is None:
        problems.add(
            "connect of an existing service must have its name, which moorage does not know; use "
            "ServiceConnect(name='...')"
        )
    if port is None or not security_groups:
        problems.add(
            "connect requires the port and the security groups of the tasks, which connect_to opens; use port= and "
            "security_groups=[...]"
        )
    if cluster_view_of(cluster).namespace is None:
        problems.add(
            "connect requires a cluster with a namespace; use Cluster(namespace='...'), or for an existing cluster "
            "Cluster.from_attributes(namespace='...')"
        )
