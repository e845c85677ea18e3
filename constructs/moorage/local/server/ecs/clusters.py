"""Amazon ECS: clusters, task definitions and services, whose tasks are counted but not run.

A service whose image is missing in a private registry of the local AWS fails to deploy, as on AWS. The circuit breaker
reports the reason, and the tasks of the last successful revision keep running. The module `deployments` describes how a
deployment proceeds, and `task_runs` describes how a task ends.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from typing import Any

from ministack.core.responses import json_response

from moorage.local.server.core.adapter import ecs, provisioners
from moorage.local.server.core.calls import RefusedError, members, perform, request
from moorage.local.server.core.resource import Made, Properties, Resource, generated_name
from moorage.local.server.ecs import container_instances as instances
from moorage.local.server.ecs import deployment_strategies as strategies
from moorage.local.server.ecs import event_targets as targets
from moorage.local.server.ecs import gateways, placement, scheduling, services, task_definition_checks
from moorage.local.server.ecs import service_revisions as revisions
from moorage.local.server.ecs import task_runs as runs
from moorage.local.server.ecs.deployments import Rollout

_NAME = re.compile(r"[a-zA-Z0-9\-_]{1,255}", re.ASCII)
_PROVIDERS = ("capacityProviders", "defaultCapacityProviderStrategy")
_CLUSTER = {"ClusterSettings": "settings"}
_SERVICE = {"PlacementStrategies": "placementStrategy"}
_TASK = {"ProxyConfigurationProperties": "properties"}
_NOT_SHOWN = {
    "cluster",
    "service",
    "clientToken",
    "forceNewDeployment",
    "role",
}  # parts of a request that responses show under other names
_ONLY_IN_TEMPLATES = ("ForceNewDeployment", "GatewayConnectors")
"""The properties without a parameter of CreateService in botocore."""
_NOT_UPDATED = (
    *_ONLY_IN_TEMPLATES, "Cluster", "DesiredCount", "LaunchType", "Role", "SchedulingStrategy", "ServiceName", "Tags",
)  # fmt: skip
_INSIGHTS = ("enhanced", "enabled", "disabled")
_EMPTIED: Mapping[str, Any] = {"loadBalancers": [], "serviceRegistries": [], "capacityProviderStrategy": []}


class Cluster(Resource):
    """A cluster, which cannot be deleted while it has active services or container instances."""

    type = "AWS::ECS::Cluster"

    def create(self, properties: Properties, name: str) -> Made:
        wanted = request("ecs", "CreateCluster", {"ClusterName": name, **properties}, renamed=_CLUSTER)
        _check_name("Cluster", wanted["clusterName"])
        _check_settings(wanted)
        if wanted["clusterName"] in ecs.clusters:
            raise RefusedError(f"the cluster '{wanted['clusterName']}' already exists (AlreadyExists)")
        providers = {name: wanted.pop(name, []) for name in _PROVIDERS}
        ecs.put_cluster(wanted)
        perform(ecs.put_cluster_capacity_providers, {"cluster": wanted["clusterName"]} | providers)
        return self._made(wanted["clusterName"], wanted)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        wanted = request("ecs", "CreateCluster", new, renamed=_CLUSTER)
        _check_settings(wanted)
        perform(ecs.update_cluster, {"cluster": physical_id, "configuration": {}, "settings": [], **wanted})
        if any(old.get(name) != new.get(name) for name in ("CapacityProviders", "DefaultCapacityProviderStrategy")):
            perform(
                ecs.put_cluster_capacity_providers,
                {"cluster": physical_id} | {name: wanted.get(name, []) for name in _PROVIDERS},
            )
        _retag(ecs.clusters[physical_id]["clusterArn"], old, new)
        return self._made(physical_id, wanted)

    def delete(self, physical_id: str, properties: Properties) -> None:
        if physical_id not in ecs.clusters:
            return
        if any(
            key.startswith(f"{physical_id}/") and service["status"] == "ACTIVE" for key, service in ecs.services.items()
        ):
            raise RefusedError(f"ClusterContainsServicesException: services are active in the cluster '{physical_id}'")
        if instances.cluster_instances(physical_id):
            raise RefusedError(
                "ClusterContainsContainerInstancesException: The Cluster cannot be deleted while Container Instances "
                f"are active or draining ('{physical_id}')"
            )
        perform(ecs.delete_cluster, {"cluster": physical_id})

    def _made(self, name: str, wanted: Mapping[str, Any]) -> Made:
        cluster = ecs.clusters[name]
        if "serviceConnectDefaults" in wanted:
            cluster["serviceConnectDefaults"] = wanted["serviceConnectDefaults"]
        return Made(name, {"Arn": cluster["clusterArn"]})


def _check_settings(cluster: Mapping[str, Any]) -> None:
    """Refuse invalid cluster settings, and invalid logging of ECS Exec.

    Source: ECS API, ClusterSetting and ExecuteCommandConfiguration.
    """
    for setting in cluster.get("settings") or ():
        if setting.get("name") != "containerInsights" or setting.get("value") not in _INSIGHTS:
            raise RefusedError(
                f"InvalidParameterException: the cluster setting {setting.get('name')} cannot be "
                f"'{setting.get('value')}'; containerInsights can be {', '.join(_INSIGHTS)}"
            )
    commands = (cluster.get("configuration") or {}).get("executeCommandConfiguration") or {}
    if commands.get("logging") == "OVERRIDE" and not commands.get("logConfiguration"):
        raise RefusedError("InvalidParameterException: logConfiguration is required when logging is OVERRIDE")


class TaskDefinition(Resource):
    """A revision of a task definition, with all properties of the template."""

    type = "AWS::ECS::TaskDefinition"

    def create(self, properties: Properties, name: str) -> Made:
        family = name.rsplit("-", maxsplit=1)[0]
        wanted = request("ecs", "RegisterTaskDefinition", {"Family": family, **properties}, renamed=_TASK)
        _require_shown(wanted, {"tags"} | members("ecs", "TaskDefinition"))
        task_definition_checks.check(wanted)
        arn = perform(ecs.register_task_definition, wanted)["taskDefinition"]["taskDefinitionArn"]
        record = ecs.task_defs[ecs.resolve_td_key(arn)]
        record.update({name: value for name, value in wanted.items() if name != "tags"})
        return Made(arn, {"TaskDefinitionArn": arn})

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        _retag(physical_id, old, new)
        return Made(physical_id, {"TaskDefinitionArn": physical_id})

    def delete(self, physical_id: str, properties: Properties) -> None:
        if ecs.resolve_td_key(physical_id) in ecs.task_defs:
            perform(ecs.deregister_task_definition, {"taskDefinition": physical_id})


class Service(Resource):
    """A service with its desired number of running tasks; changes are deployed with its deployment strategy."""

    type = "AWS::ECS::Service"

    def create(self, properties: Properties, name: str) -> Made:
        stated = {key: value for key, value in properties.items() if key not in _ONLY_IN_TEMPLATES}
        wanted = request("ecs", "CreateService", {"ServiceName": name, **stated}, renamed=_SERVICE)
        _check_name("Service", wanted["serviceName"])
        cluster = ecs.resolve_cluster_name(wanted.setdefault("cluster", "default"))
        if cluster not in ecs.clusters:
            raise RefusedError(f"ClusterNotFoundException: the cluster '{cluster}' does not exist")
        gateways.check_connectors(properties.get("GatewayConnectors") or [], cluster, wanted.get("taskDefinition", ""))
        known = ecs.services.get(f"{cluster}/{wanted['serviceName']}", {})
        if known.get("status") == "ACTIVE":
            # aws/aws-cdk issue 13678, about a service that is replaced
            raise RefusedError(
                f"Resource of type '{self.type}' with identifier '{known['serviceArn']}' already exists."
            )
        self._check(wanted)
        record, rollout = services.create(wanted)
        try:
            self._run(rollout, cluster)
        except RefusedError:
            self.delete(record["serviceArn"], properties)
            raise
        return self._made(record["serviceArn"])

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        cluster, name = physical_id.split("/")[-2:]
        if _is_replaced(old, new):
            stack, _, logical_id = name.rpartition("-")[0].rpartition("-")
            return self.create(new, generated_name(stack, logical_id))
        stated = {key: value for key, value in new.items() if key not in _NOT_UPDATED}
        if "DesiredCount" in new and old.get("DesiredCount") != new["DesiredCount"]:
            stated["DesiredCount"] = new["DesiredCount"]
        wanted = request("ecs", "UpdateService", stated, renamed=_SERVICE)
        wanted |= {"cluster": cluster, "service": name}
        gateways.check_connectors(new.get("GatewayConnectors") or [], cluster, wanted.get("taskDefinition", ""))
        wanted |= {gone: empty for gone, empty in _EMPTIED.items() if gone in _words(old) and gone not in wanted}
        force = new.get("ForceNewDeployment") or {}
        if force != (old.get("ForceNewDeployment") or {}):
            wanted["forceNewDeployment"] = str(force.get("EnableForceNewDeployment")).lower() == "true"
        if old.get("CapacityProviderStrategy") != new.get("CapacityProviderStrategy"):
            wanted["forceNewDeployment"] = True
        self._check(wanted)
        _, rollout = services.update(wanted)
        self._run(rollout, cluster)
        _retag(physical_id, old, new)
        return self._made(physical_id)

    def delete(self, physical_id: str, properties: Properties) -> None:
        cluster, name = physical_id.split("/")[-2:]
        key = f"{cluster}/{name}"
        if key not in ecs.services:
            return
        perform(ecs.delete_service, {"cluster": cluster, "service": name, "force": True})
        record = ecs.services.pop(key)
        revisions.forget(record["serviceArn"])
        group, cluster_arn = f"service:{name}", record["clusterArn"]
        for arn, task in list(ecs.tasks.items()):
            if task.get("group") == group and task.get("clusterArn") == cluster_arn:
                ecs.tasks.pop(arn)

    def _made(self, arn: str) -> Made:
        return Made(arn, {"ServiceArn": arn, "Name": arn.rsplit("/", maxsplit=1)[-1]})

    def _check(self, wanted: Mapping[str, Any]) -> None:
        shown = members("ecs", "Service") | members("ecs", "Deployment") | revisions.STATED
        _require_shown(wanted, _NOT_SHOWN | shown)
        configuration = wanted.get("deploymentConfiguration", {})
        strategies.check_stack(strategies.completed(configuration, daemon=False))

    def _run(self, rollout: Rollout | None, cluster: str) -> None:
        if rollout:
            rollout.run()
        scheduling.settle(cluster)


def _is_replaced(old: Properties, new: Properties) -> bool:
    """Return whether an update replaces the service: UpdateService cannot change one launch type to another.

    A change from a launch type to capacity providers, or back, is made in place (botocore ecs UpdateService,
    capacityProviderStrategy).
    """
    launch_types = [old.get("LaunchType"), new.get("LaunchType")]
    return None not in launch_types and launch_types[0] != launch_types[1]


def _check_name(what: str, name: str) -> None:
    """Refuse an invalid name (botocore ecs CreateCluster.clusterName, CreateService.serviceName).

    The message is that of DescribeServices (awslabs/amazon-ecs-nodejs-microservices issue 18).
    """
    if not _NAME.fullmatch(name):
        raise RefusedError(f"InvalidParameterException: {what} must match ^{_NAME.pattern}$, but was {name}")


def _require_shown(wanted: Mapping[str, Any], shown: Set[str]) -> None:
    """Refuse properties of a request that the description of the resource would not return."""
    lost = sorted(set(wanted) - shown)
    if lost:
        raise RefusedError(
            f"property {', '.join(lost)} exists in CloudFormation, but the local AWS does not implement it"
        )


def _words(properties: Properties) -> set[str]:
    return {name[0].lower() + name[1:] for name in properties}


def _retag(arn: str, old: Properties, new: Properties) -> None:
    provisioners.reconcile_tag_list(ecs.tags.setdefault(arn, []), old, new, key="key", value="value")


def install() -> None:
    """Disable Docker, and make RunTask give tasks their tags, capacity, instance and address."""
    ecs.get_docker = lambda: None
    run_task = ecs.run_task

    def run_task_somewhere(parameters: dict[str, Any]) -> Any:
        cluster, group = ecs.resolve_cluster_name(parameters.get("cluster", "default")), parameters.get("group", "")
        service = ecs.services.get(f"{cluster}/{group.removeprefix('service:')}") if group else None
        owner = service or _owner(parameters, cluster)
        known = set(ecs.tasks)
        if not group and "taskDefinition" in parameters:
            parameters = {**parameters, "group": targets.task_family(parameters["taskDefinition"])}
        answer = run_task(parameters | ({"tags": _inherited(service)} if service else {}))
        made = [task for arn, task in ecs.tasks.items() if arn not in known]
        for task in made:
            if "_pinned" in parameters:
                task["_pinned"] = parameters["_pinned"]
            scheduling.admit(task, owner)
            if task["lastStatus"] == "PROVISIONING":
                scheduling.place(task)
            else:
                placement.give_address(task, owner)
        if service or not made:
            return answer
        answer = _ran(made)
        for task in made:
            if task["lastStatus"] == "RUNNING":
                runs.started(task)
        return answer

    ecs.run_task = ecs.ACTION_MAP["RunTask"] = run_task_somewhere


def _owner(parameters: Mapping[str, Any], cluster: str) -> dict[str, Any]:
    launch_type, strategy, _ = ecs.launch_choice(parameters, ecs.clusters.get(cluster))
    return {**parameters, "launchType": launch_type, "capacityProviderStrategy": strategy}


def _ran(tasks: Sequence[dict[str, Any]]) -> Any:
    """Return RunTask's response. A task that has no capacity provider and cannot be placed is returned as a failure."""
    failures = []
    for task in [task for task in tasks if task["lastStatus"] == "PROVISIONING" and not task["capacityProviderName"]]:
        found = [(each, instances.why_not(each, task["_need"], task["group"])) for each in _instances_of(task)]
        failures.append(
            {"arn": found[0][0]["containerInstanceArn"], "reason": found[0][1]} if found else {"reason": "RESOURCE:*"}
        )
        ecs.tasks.pop(task["taskArn"])
    started = [ecs.sanitize(task) for task in tasks if task["taskArn"] in ecs.tasks]
    return json_response({"tasks": started, "failures": failures})


def _instances_of(task: Mapping[str, Any]) -> list[dict[str, Any]]:
    return instances.cluster_instances(ecs.cluster_name_from_arn(task["clusterArn"]))


def _inherited(service: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the tags that a service's tasks inherit."""
    tags: list[dict[str, str]] = []
    if service.get("enableECSManagedTags"):
        cluster = str(service["clusterArn"]).rsplit("/", maxsplit=1)[-1]
        managed = {"aws:ecs:clusterName": cluster, "aws:ecs:serviceName": service["serviceName"]}
        tags += [{"key": key, "value": value} for key, value in managed.items()]
    sources = {"SERVICE": service["serviceArn"], "TASK_DEFINITION": service["taskDefinition"]}
    return tags + list(ecs.tags.get(sources.get(service.get("propagateTags", "NONE"), ""), []))
