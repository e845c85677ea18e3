"""Amazon ECS: clusters, task definitions, and services whose tasks are counted, not run.

A service that could not pull an image, because its private registry is on this machine and lacks it, fails to deploy as
it does on AWS: the circuit breaker reports it, and the tasks of the last good revision stay.
"""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Mapping, Set
from typing import Any

from ministack.services import ec2, ecs
from ministack.services.cloudformation import provisioners

from .calls import RefusedError, members, perform, request
from .ecr import missing_image
from .resource import Made, Properties, Resource

_CLUSTER = {"ClusterSettings": "settings"}
_SERVICE = {"PlacementStrategies": "placementStrategy"}
_NOT_SHOWN = {"cluster", "service", "clientToken", "role"}  # part of a request, shown in other words
_NOT_UPDATED = ("Cluster", "DesiredCount", "LaunchType", "Role", "SchedulingStrategy", "ServiceName", "Tags")
_ROLLING = {"maximumPercent": 200, "minimumHealthyPercent": 100, "strategy": "ROLLING", "bakeTimeInMinutes": 0}
_BREAKER = "Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'."
_UNSTABLE = "Resource is not stabilized: the service's deployment cannot reach a steady state"
_DEFAULTS: Mapping[str, Any] = {
    "enableECSManagedTags": False,
    "enableExecuteCommand": False,
    "healthCheckGracePeriodSeconds": 0,
    "loadBalancers": [],
    "placementConstraints": [],
    "placementStrategy": [],
    "propagateTags": "NONE",
    "serviceRegistries": [],
}


class Cluster(Resource):
    """A cluster, which cannot be deleted while services run in it."""

    type = "AWS::ECS::Cluster"

    def create(self, properties: Properties, name: str) -> Made:
        wanted = request("ecs", "CreateCluster", {"ClusterName": name, **properties}, renamed=_CLUSTER)
        if wanted["clusterName"] in ecs._clusters:
            raise RefusedError(f"the cluster '{wanted['clusterName']}' already exists (AlreadyExists)")
        ecs._put_cluster(wanted)
        return self._made(wanted["clusterName"], wanted)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        wanted = request("ecs", "CreateCluster", new, renamed=_CLUSTER)
        perform(ecs._update_cluster, {"cluster": physical_id, "configuration": {}, "settings": [], **wanted})
        providers = ("capacityProviders", "defaultCapacityProviderStrategy")
        if any(old.get(name) != new.get(name) for name in ("CapacityProviders", "DefaultCapacityProviderStrategy")):
            perform(
                ecs._put_cluster_capacity_providers,
                {"cluster": physical_id} | {name: wanted.get(name, []) for name in providers},
            )
        _retag(ecs._clusters[physical_id]["clusterArn"], old, new)
        return self._made(physical_id, wanted)

    def delete(self, physical_id: str, properties: Properties) -> None:
        if physical_id not in ecs._clusters:
            return
        if any(
            key.startswith(f"{physical_id}/") and service["status"] == "ACTIVE"
            for key, service in ecs._services.items()
        ):
            raise RefusedError(f"ClusterContainsServicesException: services are active in the cluster '{physical_id}'")
        perform(ecs._delete_cluster, {"cluster": physical_id})

    def _made(self, name: str, wanted: Mapping[str, Any]) -> Made:
        cluster = ecs._clusters[name]
        if "serviceConnectDefaults" in wanted:
            cluster["serviceConnectDefaults"] = wanted["serviceConnectDefaults"]
        return Made(name, {"Arn": cluster["clusterArn"]})


class ClusterCapacityProviderAssociations(Resource):
    """Which capacity a cluster's tasks can run on; `Ref` returns the cluster's name."""

    type = "AWS::ECS::ClusterCapacityProviderAssociations"

    def create(self, properties: Properties, name: str) -> Made:
        wanted = request("ecs", "PutClusterCapacityProviders", properties)
        perform(ecs._put_cluster_capacity_providers, wanted)
        return Made(ecs._resolve_cluster_name(wanted["cluster"]))

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        return self.create(new, physical_id)

    def delete(self, physical_id: str, properties: Properties) -> None:
        if physical_id in ecs._clusters:
            empty = {"cluster": physical_id, "capacityProviders": [], "defaultCapacityProviderStrategy": []}
            perform(ecs._put_cluster_capacity_providers, empty)


class TaskDefinition(Resource):
    """A revision of a task definition, with everything the template says of it."""

    type = "AWS::ECS::TaskDefinition"

    def create(self, properties: Properties, name: str) -> Made:
        family = name.rsplit("-", maxsplit=1)[0]
        wanted = request("ecs", "RegisterTaskDefinition", {"Family": family, **properties})
        _require_shown(wanted, {"tags"} | members("ecs", "TaskDefinition"))
        arn = perform(ecs._register_task_definition, wanted)["taskDefinition"]["taskDefinitionArn"]
        record = ecs._task_defs[ecs._resolve_td_key(arn)]
        record.update({name: value for name, value in wanted.items() if name != "tags"})
        return Made(arn, {"TaskDefinitionArn": arn})

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        _retag(physical_id, old, new)
        return Made(physical_id, {"TaskDefinitionArn": physical_id})

    def delete(self, physical_id: str, properties: Properties) -> None:
        if ecs._resolve_td_key(physical_id) in ecs._task_defs:
            perform(ecs._deregister_task_definition, {"taskDefinition": physical_id})


class Service(Resource):
    """A service with as many running tasks as it wants, unless its image is not to be had."""

    type = "AWS::ECS::Service"

    def create(self, properties: Properties, name: str) -> Made:
        wanted = request("ecs", "CreateService", {"ServiceName": name, **properties}, renamed=_SERVICE)
        cluster = ecs._resolve_cluster_name(wanted.setdefault("cluster", "default"))
        if cluster not in ecs._clusters:
            raise RefusedError(f"ClusterNotFoundException: the cluster '{cluster}' does not exist")
        _require_shown(wanted, _NOT_SHOWN | members("ecs", "Service") | members("ecs", "Deployment"))
        self._fail_without_images(wanted)
        arn = perform(ecs._create_service, wanted)["service"]["serviceArn"]
        self._complete(ecs._services[f"{cluster}/{wanted['serviceName']}"], wanted)
        return self._made(arn)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        if old.get("LaunchType") != new.get("LaunchType"):
            raise RefusedError("property LaunchType cannot change in place")
        cluster, name = physical_id.split("/")[-2:]
        record = ecs._services[f"{cluster}/{name}"]
        stated = {key: value for key, value in new.items() if key not in _NOT_UPDATED}
        if "DesiredCount" in new and old.get("DesiredCount") != new["DesiredCount"]:
            stated["DesiredCount"] = new["DesiredCount"]
        wanted = request("ecs", "UpdateService", stated, renamed=_SERVICE)
        wanted |= {"cluster": cluster, "service": name}
        _require_shown(wanted, _NOT_SHOWN | members("ecs", "Service") | members("ecs", "Deployment"))
        self._fail_without_images(wanted, record)
        perform(ecs._update_service, wanted)
        _retag(physical_id, old, new)
        self._complete(record, wanted)
        return self._made(physical_id)

    def delete(self, physical_id: str, properties: Properties) -> None:
        cluster, name = physical_id.split("/")[-2:]
        key = f"{cluster}/{name}"
        if key not in ecs._services:
            return
        perform(ecs._delete_service, {"cluster": cluster, "service": name, "force": True})
        record = ecs._services.pop(key)
        group, cluster_arn = f"service:{name}", record["clusterArn"]
        for arn, task in list(ecs._tasks.items()):
            if task.get("group") == group and task.get("clusterArn") == cluster_arn:
                ecs._tasks.pop(arn)

    def _made(self, arn: str) -> Made:
        return Made(arn, {"ServiceArn": arn, "Name": arn.rsplit("/", maxsplit=1)[-1]})

    def _complete(self, record: dict[str, Any], wanted: Mapping[str, Any]) -> None:
        """Put what ministack drops into the service's record, in the words of DescribeServices."""
        of_service = members("ecs", "Service") - {"taskDefinition", "desiredCount", "tags", "launchType"}
        of_deployment = members("ecs", "Deployment") - of_service - {"taskDefinition", "desiredCount", "launchType"}
        stated = {**_DEFAULTS, **wanted}
        if record["launchType"] == "FARGATE" or any(
            item["capacityProvider"].startswith("FARGATE") for item in record["capacityProviderStrategy"] or ()
        ):
            stated = {"platformVersion": "LATEST", "platformFamily": "Linux", **stated}
        record.update({name: value for name, value in stated.items() if name in of_service})
        record["deploymentConfiguration"] = {**_ROLLING, **wanted.get("deploymentConfiguration", {})}
        record["deployments"][0].update({name: value for name, value in stated.items() if name in of_deployment})

    def _fail_without_images(self, wanted: Mapping[str, Any], record: dict[str, Any] | None = None) -> None:
        revision = ecs._task_defs.get(ecs._resolve_td_key(wanted.get("taskDefinition", "")), {})
        images = (container["image"] for container in revision.get("containerDefinitions", ()))
        reason = next(filter(None, map(missing_image, images)), None)
        if reason is None or wanted.get("desiredCount") == 0:
            return
        breaker = (wanted.get("deploymentConfiguration") or {}).get("deploymentCircuitBreaker") or {}
        if record is not None:
            self._record_failure(record, revision["taskDefinitionArn"], reason)
        raise RefusedError(f"{_BREAKER if breaker.get('enable') else _UNSTABLE} ({reason})")

    def _record_failure(self, record: dict[str, Any], revision_arn: str, reason: str) -> None:
        now = ecs._iso()
        failed = ecs._make_deployment(revision_arn, record["desiredCount"], status="INACTIVE")
        failed |= {"desiredCount": 0, "failedTasks": 3, "rolloutState": "FAILED", "rolloutStateReason": reason}
        record["deployments"] = [
            *(deployment for deployment in record["deployments"] if deployment["rolloutState"] != "FAILED"),
            failed,
        ]
        message = f"(service {record['serviceName']}) was unable to place a task. Reason: {reason}."
        record["events"].insert(0, {"id": failed["id"].removeprefix("ecs-svc/"), "createdAt": now, "message": message})


def _require_shown(wanted: Mapping[str, Any], shown: Set[str]) -> None:
    """Refuse what a request may say, but no description would show: it would vanish."""
    lost = sorted(set(wanted) - shown)
    if lost:
        raise RefusedError(
            f"property {', '.join(lost)} exists in CloudFormation, but the local AWS does not implement it"
        )


def _retag(arn: str, old: Properties, new: Properties) -> None:
    provisioners._reconcile_tag_list(ecs._tags.setdefault(arn, []), old, new, key="key", value="value")


def install() -> None:
    """Keep Docker out, and give a service's tasks what they inherit and where they are."""
    ecs._get_docker = lambda: None
    run_task = ecs._run_task

    def run_task_of_service(parameters: dict[str, Any]) -> Any:
        group = parameters.get("group", "")
        if not group.startswith("service:"):
            return run_task(parameters)
        name = group.removeprefix("service:")
        service = ecs._services[f"{ecs._resolve_cluster_name(parameters['cluster'])}/{name}"]
        answer = run_task(parameters | {"tags": _inherited(service)})
        for task in ecs._tasks.values():
            if task["group"] == group and task["clusterArn"] == service["clusterArn"]:
                _place(task, service)
        return answer

    ecs._run_task = run_task_of_service


def _inherited(service: Mapping[str, Any]) -> list[dict[str, str]]:
    """The tags that a service's tasks are started with."""
    tags: list[dict[str, str]] = []
    if service.get("enableECSManagedTags"):
        cluster = str(service["clusterArn"]).rsplit("/", maxsplit=1)[-1]
        managed = {"aws:ecs:clusterName": cluster, "aws:ecs:serviceName": service["serviceName"]}
        tags += [{"key": key, "value": value} for key, value in managed.items()]
    sources = {"SERVICE": service["serviceArn"], "TASK_DEFINITION": service["taskDefinition"]}
    return tags + list(ecs._tags.get(sources.get(service.get("propagateTags", "NONE"), ""), []))


def _place(task: dict[str, Any], service: Mapping[str, Any]) -> None:
    """Give a task an address in the least used of its service's subnets, by which its target groups know it."""
    configuration = (service.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}
    subnets = [ec2._subnets[subnet] for subnet in configuration.get("subnets", ()) if subnet in ec2._subnets]
    if task["attachments"] or not subnets:
        return
    details = [item for other in ecs._tasks.values() for place in other["attachments"] for item in place["details"]]
    used = [item["value"] for item in details]
    subnet = min(subnets, key=lambda candidate: used.count(candidate["SubnetId"]))
    # The first four addresses of a subnet are AWS's own.
    addresses = itertools.islice(ipaddress.ip_network(subnet["CidrBlock"]), 4, None)
    address = next(text for text in map(str, addresses) if text not in used)
    task["availabilityZone"] = subnet["AvailabilityZone"]
    task["attachments"] = [
        {
            "id": ecs.new_uuid(),
            "type": "ElasticNetworkInterface",
            "status": "ATTACHED",
            "details": [
                {"name": "subnetId", "value": subnet["SubnetId"]},
                {"name": "privateIPv4Address", "value": address},
            ],
        }
    ]
