"""Amazon ECS: the scheduling of tasks on container instances, and managed scaling of the instances.

Scaling, which takes minutes on AWS, happens at once: a group grows when a task fits on no instance, and shrinks when an
instance has no more tasks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.responses import json_response

from moorage.local.server.autoscaling import groups as groups_api
from moorage.local.server.autoscaling import instances as groups
from moorage.local.server.core.adapter import cloudformation, ecs
from moorage.local.server.core.calls import RefusedError, perform
from moorage.local.server.ecs import capacity_providers as capacity
from moorage.local.server.ecs import container_instances as instances
from moorage.local.server.ecs import placement
from moorage.local.server.ecs.container_instances import Record

_STEPS = 10_000


def runs_on_instances(owner: Mapping[str, Any]) -> bool:
    """Return whether the tasks of a service or of a RunTask request need container instances."""
    strategy = owner.get("capacityProviderStrategy")
    if strategy:
        return capacity.kind(strategy[0]["capacityProvider"]) == capacity.EC2
    return bool(owner.get("launchType", capacity.EC2) == capacity.EC2)


def admit(task: Record, owner: Mapping[str, Any]) -> None:
    """Give a new task its capacity provider, and make it wait if it needs a container instance.

    Args:
        task: ECS's record of the task, which is modified.
        owner: The service, or the input of RunTask.
    """
    strategy = owner.get("capacityProviderStrategy")
    if strategy:
        siblings = [
            other.get("capacityProviderName")
            for other in ecs.tasks.values()
            if other is not task
            and other["lastStatus"] in ecs.PRE_STOP_STATUSES
            and (other["group"], other["clusterArn"]) == (task["group"], task["clusterArn"])
            and other["_deployment_id"] == task["_deployment_id"]
        ]
        record = instances.by_arn(task["_pinned"]) if "_pinned" in task else None
        chosen = capacity.provider_of(record) if record else None
        task["capacityProviderName"] = chosen or placement.provider_for(strategy, siblings)
        task["launchType"] = capacity.kind(task["capacityProviderName"])
    if task["launchType"] != capacity.EC2:
        task["containerInstanceArn"] = None
        return
    revision = ecs.task_defs[ecs.resolve_td_key(task["taskDefinitionArn"])]
    task |= {
        "lastStatus": "PROVISIONING",
        "containerInstanceArn": None,
        "startedAt": None,
        "_need": instances.need(revision, owner),
        "_owner": owner,
    }
    for container in task["containers"]:
        container["lastStatus"] = "PENDING"


def place(task: Record) -> bool:
    """Place a waiting task on an existing or a new instance of its group, and return whether the task was placed."""
    cluster = ecs.cluster_name_from_arn(task["clusterArn"])
    if placement.place_on(task, placement.candidates(task, cluster)):
        return True
    group = capacity.group_of(task.get("capacityProviderName"))
    if group is None or task.get("_pinned") or not capacity.is_scaled(task["capacityProviderName"]):
        return False
    if len(group["Instances"]) >= group["MaxSize"]:
        return False
    before = group["DesiredCapacity"]
    try:
        groups.resize(group, len(group["Instances"]) + 1)
    except RefusedError:
        return False
    instances.refresh()
    _settle_daemons(cluster)
    newest = instances.of_ec2(group["Instances"][-1]["InstanceId"])
    if newest is not None and placement.place_on(task, [newest]):
        return True
    groups.terminate(group, group["Instances"][-1])
    group["DesiredCapacity"] = before
    instances.refresh()
    _settle_daemons(cluster)
    return False


def settle(cluster: str) -> None:
    """Start as many tasks of the cluster's services as the instances allow, then resize the groups to fit the tasks."""
    instances.refresh()
    _settle_daemons(cluster)
    for task in placement.waiting(cluster):
        place(task)
    for key, service in list(ecs.services.items()):
        if key.startswith(f"{cluster}/") and service["status"] == "ACTIVE" and runs_on_instances(service):
            ecs.reconcile_service_tasks(cluster, key)
    shrink()


def settle_all() -> None:
    """Settle every cluster of the account and region."""
    instances.refresh()
    for cluster in list(ecs.clusters):
        settle(cluster)


def _settle_daemons(cluster: str) -> None:
    for key, service in list(ecs.services.items()):
        if key.startswith(f"{cluster}/") and service["status"] == "ACTIVE" and _is_daemon(service):
            _reconcile_daemon(cluster, service)


def _is_daemon(service: Mapping[str, Any]) -> bool:
    return service.get("schedulingStrategy") == "DAEMON"


def _reconcile_daemon(cluster: str, service: Record) -> None:
    """Run one task of the primary deployment on every instance that the service can use."""
    group, primary = f"service:{service['serviceName']}", ecs.primary_deployment(service)
    revision = ecs.task_defs.get(ecs.resolve_td_key(service["taskDefinition"]))
    if primary is None or revision is None:
        return
    providers = [item["capacityProvider"] for item in service.get("capacityProviderStrategy") or ()]
    wanted = instances.need(revision, service)
    eligible = [
        record
        for record in instances.cluster_instances(cluster)
        if (not providers or capacity.provider_of(record) in providers) and instances.is_meant(record, wanted)
    ]
    mine = [
        task
        for task in ecs.tasks.values()
        if (task["group"], task["clusterArn"]) == (group, service["clusterArn"])
        and task["lastStatus"] in ecs.PRE_STOP_STATUSES
    ]
    kept = {}
    for task in mine:
        arn = task.get("_pinned")
        if task["_deployment_id"] == primary["id"] and arn in {each["containerInstanceArn"] for each in eligible}:
            kept[arn] = task
        else:
            stop(task, "Service scheduler replaced the daemon")
    for record in eligible:
        if record["containerInstanceArn"] not in kept:
            ecs.run_task(_daemon_request(cluster, service, primary, record))
    service["desiredCount"] = primary["desiredCount"] = len(eligible)
    ecs.refresh_service_state(cluster, group)
    ecs.recount_cluster(cluster)
    if primary["rolloutState"] == "IN_PROGRESS":
        ecs.complete_service_deployment(cluster, f"{cluster}/{service['serviceName']}")


def _daemon_request(cluster: str, service: Record, primary: Record, record: Record) -> Record:
    return {
        "cluster": cluster,
        "taskDefinition": service["taskDefinition"],
        "count": 1,
        "group": f"service:{service['serviceName']}",
        "startedBy": service["serviceName"],
        "launchType": service.get("launchType"),
        "capacityProviderStrategy": service.get("capacityProviderStrategy"),
        "networkConfiguration": service.get("networkConfiguration"),
        "enableExecuteCommand": service.get("enableExecuteCommand", False),
        "_deploymentId": primary["id"],
        "_pinned": record["containerInstanceArn"],
    }


def stop(task: Mapping[str, Any], reason: str) -> None:
    """Stop a task, and record the reason."""
    cluster = ecs.cluster_name_from_arn(task["clusterArn"])
    perform(ecs.stop_task, {"task": task["taskArn"], "cluster": cluster, "reason": reason})


def is_shifting(service: Mapping[str, Any]) -> bool:
    """Return whether a service's new tasks run beside all old tasks until the traffic has shifted."""
    return bool(service["deploymentConfiguration"].get("strategy", "ROLLING") != "ROLLING")


def _make_room(service: Record) -> bool:
    """Stop a task of an older deployment if minimumHealthyPercent allows it, and return whether a task was stopped."""
    primary, group = ecs.primary_deployment(service), f"service:{service['serviceName']}"
    if primary is None or primary["rolloutState"] != "IN_PROGRESS" or is_shifting(service):
        return False
    running = [
        task
        for task in ecs.tasks.values()
        if (task["group"], task["clusterArn"]) == (group, service["clusterArn"]) and task["lastStatus"] == "RUNNING"
    ]
    stale = [task for task in running if task["_deployment_id"] != primary["id"]]
    desired = service["desiredCount"]
    percent = int(service["deploymentConfiguration"].get("minimumHealthyPercent", 100))
    if not stale or len(running) <= math.ceil(desired * percent / 100):
        return False
    stop(stale[0], "Replaced by a newer deployment")
    return True


def _reconciling(reconcile: Callable[[str, str], None]) -> Callable[[str, str], None]:
    """Make the reconciliation of a service continue its rollout as far as the container instances allow."""

    def reconciled(cluster: str, key: str) -> None:
        service = ecs.services.get(key)
        if not service or service["status"] != "ACTIVE" or not runs_on_instances(service):
            reconcile(cluster, key)
            return
        instances.refresh()
        if _is_daemon(service):
            _reconcile_daemon(cluster, service)
            return
        for _ in range(_STEPS):
            reconcile(cluster, key)
            group = f"service:{service['serviceName']}"
            placed = [place(task) for task in placement.waiting(cluster) if task["group"] == group]
            ecs.refresh_service_state(cluster, group)
            if not any(placed) and not _make_room(service):
                break
        ecs.refresh_service_state(cluster, f"service:{service['serviceName']}")
        ecs.recount_cluster(cluster)
        ecs.complete_service_deployment(cluster, key)

    return reconciled


def shrink() -> None:
    """Scale the Auto Scaling groups to their target capacity by terminating idle instances or launching new ones.

    Do nothing while a stack is being deleted. On AWS, scale-in starts only after about 15 minutes, when the stack is
    already deleted.
    """
    if any(stack["StackStatus"] == "DELETE_IN_PROGRESS" for stack in cloudformation.stacks.values()):
        return
    for provider in list(ecs.capacity_providers):
        group = capacity.group_of(provider)
        if group is not None and capacity.is_scaled(provider):
            _fit(group, provider)


def _fit(group: groups.Group, provider: str) -> None:
    stated = ecs.capacity_providers[provider]["autoScalingGroupProvider"]
    spoken_for = stated["managedTerminationProtection"] == "ENABLED"  # then ECS itself protects and releases instances
    idle = [each for each in group["Instances"] if not _is_busy(each["InstanceId"])]
    busy = len(group["Instances"]) - len(idle)
    wanted = math.ceil(busy * 100 / stated["managedScaling"]["targetCapacity"])
    wanted = min(max(wanted, group["MinSize"]), group["MaxSize"])
    for instance in idle:
        if len(group["Instances"]) > wanted and (spoken_for or not instance["ProtectedFromScaleIn"]):
            groups.terminate(group, instance)
    groups.resize(group, max(len(group["Instances"]), wanted))
    instances.refresh()
    for cluster in list(ecs.clusters):
        _settle_daemons(cluster)


def _is_busy(instance_id: str) -> bool:
    record = instances.of_ec2(instance_id)
    return record is None or any("_pinned" not in task for task in instances.tasks_on(record))


def _counting(refresh: Callable[[str, str], None]) -> Callable[[str, str], None]:
    """Count tasks that wait for an instance as pending, as ECS does."""

    def refreshed(cluster: str, group: str) -> None:
        refresh(cluster, group)
        service = ecs.services.get(f"{cluster}/{(group or '').removeprefix('service:')}")
        if not service:
            return
        own = [task for task in placement.waiting(cluster) if task["group"] == group]
        service["pendingCount"] += len(own)
        for deployment in service["deployments"]:
            deployment["pendingCount"] += sum(1 for task in own if task["_deployment_id"] == deployment["id"])

    return refreshed


def then_shrink(operation: Callable[[Record], Any]) -> Callable[[Record], Any]:
    """Make an ECS operation place waiting tasks on the freed resources.

    If no deployment is running, the operation then also scales the Auto Scaling groups.
    """

    def done(parameters: Record) -> Any:
        answer = operation(parameters)
        for cluster in list(ecs.clusters):
            for task in placement.waiting(cluster):
                place(task)
                ecs.refresh_service_state(cluster, task["group"])
        if not any(_in_rollout(service) for service in ecs.services.values()):
            shrink()
        return answer

    return done


def _in_rollout(service: Mapping[str, Any]) -> bool:
    return service["status"] == "ACTIVE" and len(service["deployments"]) > 1


def _list_instances(parameters: Record) -> Any:
    cluster = ecs.resolve_cluster_name(parameters.get("cluster", "default"))
    found = instances.cluster_instances(cluster)
    status = parameters.get("status")
    return json_response(
        {"containerInstanceArns": [each["containerInstanceArn"] for each in found if status in (None, each["status"])]}
    )


def _describe_instances(parameters: Record) -> Any:
    cluster = ecs.resolve_cluster_name(parameters.get("cluster", "default"))
    known = {each["containerInstanceArn"]: each for each in instances.cluster_instances(cluster)}
    by_id = {arn.rsplit("/", maxsplit=1)[-1]: each for arn, each in known.items()}
    asked = parameters["containerInstances"]
    found = [known.get(name) or by_id.get(name) for name in asked]
    return json_response(
        {
            "containerInstances": [instances.shown(each, capacity.provider_of(each)) for each in found if each],
            "failures": [
                {"arn": name, "reason": "MISSING"} for name, each in zip(asked, found, strict=True) if not each
            ],
        }
    )


def install() -> None:
    """Add container instances, placement and managed scaling to ECS."""
    ecs.reconcile_service_tasks = _reconciling(ecs.reconcile_service_tasks)
    ecs.refresh_service_state = _counting(ecs.refresh_service_state)
    ecs.delete_service = then_shrink(ecs.delete_service)
    ecs.list_container_instances = _list_instances
    ecs.describe_container_instances = _describe_instances
    settings = ecs.list_account_settings
    ecs.ACTION_MAP |= {
        "DeleteService": ecs.delete_service,
        "DescribeContainerInstances": _describe_instances,
        "ListAccountSettings": lambda parameters: _trunking_off(settings(parameters)),
        "ListContainerInstances": _list_instances,
    }
    groups_api.changed.append(settle_all)


def _trunking_off(answer: Any) -> Any:
    """Show `awsvpcTrunking` as disabled until it is set, as AWS does."""
    status, headers, body = answer
    if "awsvpcTrunking" not in ecs.account_settings:
        body = body.replace(b'"name":"awsvpcTrunking","value":"enabled"', b'"name":"awsvpcTrunking","value":"disabled"')
    return status, headers, body
