"""Amazon ECS: the checks that CreateService and UpdateService perform on a service and its task definition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from moorage.local.server.core.adapter import ecs
from moorage.local.server.core.calls import RefusedError
from moorage.local.server.ecs import capacity_providers as capacity
from moorage.local.server.ecs import container_instances as instances
from moorage.local.server.ecs import service_attachment_checks as attachments


def check(parameters: Mapping[str, Any], *, new: bool) -> None:
    """Refuse a service that ECS does not accept, for example because of its capacity, network or placement.

    Args:
        parameters: The input of CreateService or UpdateService.
        new: True if the operation is CreateService.

    Raises:
        RefusedError: ECS does not accept the service, or the local AWS does not support a placement constraint.
    """
    cluster = ecs.clusters.get(ecs.resolve_cluster_name(parameters.get("cluster", "default")))
    if cluster is None:
        return
    name = (ecs.resolve_service_ref(parameters.get("service", "")) or ("",))[0]
    known: Mapping[str, Any] = {} if new else ecs.services.get(f"{cluster['clusterName']}/{name}", {})
    stated = {**known, **parameters}
    strategy = stated.get("capacityProviderStrategy") or ()
    if not strategy and not stated.get("launchType") and new:
        strategy = cluster["defaultCapacityProviderStrategy"]
    capacity.check_strategy(strategy, [*map(capacity.name_of, cluster["capacityProviders"]), *capacity.scoped(cluster)])
    on = capacity.kind(strategy[0]["capacityProvider"]) if strategy else stated.get("launchType") or capacity.EC2
    revision = ecs.task_defs.get(ecs.resolve_td_key(stated.get("taskDefinition", "")), {})
    for item in [*(stated.get("placementConstraints") or ()), *revision.get("placementConstraints", ())]:
        if item["type"] == "memberOf":
            instances.check_expression(item["expression"])
    for item in stated.get("placementStrategy") or ():
        # botocore ecs PlacementStrategy.field: for binpack, cpu and memory; CDK writes both in capitals
        if item["type"] == "binpack" and str(item.get("field")).lower() not in {"cpu", "memory"}:
            raise RefusedError(f"binpack field '{item.get('field')}' is invalid")
    faults = (
        (
            on == capacity.FARGATE and bool(stated.get("placementStrategy")),
            "Placement strategies are not supported with FARGATE launch type.",
        ),
        (
            on == capacity.FARGATE and revision.get("networkMode", "awsvpc") != "awsvpc",
            "When networkMode is not awsvpc, the task definition does not support launch_type FARGATE.",
        ),
        (  # Cloud-CV/EvalAI issue 2419
            bool(parameters.get("taskDefinition")) and not revision,
            "ClientException: TaskDefinition not found.",
        ),
        (  # sil-org/ecs-deploy issue 134, about a task definition without a size
            on == capacity.FARGATE and bool(revision) and not (revision.get("cpu") and revision.get("memory")),
            "Task definition does not support launch_type FARGATE.",
        ),
        (int(parameters.get("desiredCount", 0)) < 0, "desiredCount must not be negative."),  # Service.desiredCount
        (
            on == capacity.EC2 and bool(revision) and "EC2" not in revision.get("requiresCompatibilities", ["EC2"]),
            "Task definition does not support launch_type EC2.",
        ),
        (
            revision.get("networkMode") == "awsvpc" and not stated.get("networkConfiguration"),
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        ),
        (
            revision.get("networkMode") in ("bridge", "host", "none") and bool(stated.get("networkConfiguration")),
            "Network Configuration is not valid for the given networkMode of this task definition.",
        ),
        (
            on == capacity.EC2 and bool(parameters.get("platformVersion")),
            "The platform version must be null when specifying an EC2 launch type.",
        ),
    )
    _check_ports(stated.get("loadBalancers") or (), revision)
    daemon = (
        (on == capacity.FARGATE, "The daemon scheduling strategy is not supported with Fargate."),
        (
            bool(stated.get("capacityProviderStrategy")),
            "Specifying a capacity provider strategy is not supported when you create a service using the DAEMON "
            "scheduling strategy.",
        ),
        (
            bool(parameters.get("desiredCount")),
            "The daemon scheduling strategy does not support a desired count for services. Remove the desired count "
            "value and try again.",
        ),
        (
            bool(stated.get("placementStrategy")),
            "The daemon scheduling strategy does not support placement strategies. Remove the placement strategy and "
            "try again.",
        ),
        (
            bool(stated.get("volumeConfigurations")),
            "volumeConfigurations is only supported for REPLICA service and not DAEMON service.",
        ),
    )
    for wrong, reason in (*faults, *(daemon if stated.get("schedulingStrategy") == "DAEMON" else ())):
        if wrong:
            raise RefusedError(reason)
    _check_role(parameters, revision, new=new)
    on_instances, on_fargate = on == capacity.EC2, on == capacity.FARGATE
    for fault in attachments.faults(stated, revision, cluster, on_instances=on_instances, on_fargate=on_fargate):
        raise RefusedError(fault)


def _check_role(parameters: Mapping[str, Any], revision: Mapping[str, Any], *, new: bool) -> None:
    """Refuse ECS Exec without a task role (aws/aws-toolkit-jetbrains issue 3649, about UpdateService)."""
    if parameters.get("enableExecuteCommand") and revision and not revision.get("taskRoleArn"):
        raise RefusedError(
            f"The service couldn't be {'created' if new else 'updated'} because a valid taskRoleArn is not being used. "
            "Specify a valid task role in your task definition and try again."
        )


def _check_ports(balancers: Iterable[Mapping[str, Any]], revision: Mapping[str, Any]) -> None:
    """Refuse a load balancer's container port that is mapped for both TCP and UDP (aws/amazon-ecs-agent issue 3428)."""
    containers = {each["name"]: each.get("portMappings") or () for each in revision.get("containerDefinitions", ())}
    for balancer in balancers:
        name, port = balancer.get("containerName", ""), balancer.get("containerPort")
        if Counter(mapping.get("containerPort") for mapping in containers.get(name, ()))[port] > 1:
            raise RefusedError(f"Container port {port} is used in more than one port mapping for container {name}")
