"""Amazon ECS: the creation and update of services, through CloudFormation or the API; each change is a deployment."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.concurrency import spawn_background
from ministack.core.responses import error_response_json, json_response

from moorage.local.server.core.adapter import ecs
from moorage.local.server.core.calls import RefusedError, members
from moorage.local.server.ecs import connect_names, controller_checks, scheduling, service_checks
from moorage.local.server.ecs import deployment_strategies as strategies
from moorage.local.server.ecs import deployments as rollout
from moorage.local.server.ecs import service_revisions as revisions
from moorage.local.server.ecs.container_instances import Record

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
_DEPLOYED = (
    "loadBalancers", "networkConfiguration", "platformVersion", "serviceConnectConfiguration", "serviceRegistries",
    "volumeConfigurations", "vpcLatticeConfigurations",
)  # fmt: skip
"""The parameters, besides the task definition, whose change starts a deployment (UpdateService's documentation)."""

_OF_EXTERNAL = ("desiredCount", "enableECSManagedTags", "healthCheckGracePeriodSeconds", "propagateTags")
"""The parameters that UpdateService changes for an external deployment controller (botocore ecs UpdateService)."""

Done = tuple[Record, rollout.Rollout | None]


def create(parameters: Record) -> Done:
    """Create a service without tasks. Return the service and the deployment that starts its tasks.

    The caller runs the deployment. The deployment is None for an external deployment controller.

    Args:
        parameters: The input of CreateService.

    Raises:
        RefusedError: ECS refuses the service.
    """
    service_checks.check(parameters, new=True)
    controller_checks.check(parameters, {})
    strategies.check(parameters)
    cluster = ecs.resolve_cluster_name(parameters.get("cluster", "default"))
    connect_names.check(parameters, ecs.clusters.get(cluster, {}), "")
    _answered(_create({**parameters, "desiredCount": 0}))
    service = ecs.services[f"{cluster}/{parameters['serviceName']}"]
    count = 0 if parameters.get("schedulingStrategy") == "DAEMON" else parameters.get("desiredCount", 1)
    service |= {"desiredCount": count, "_held": True}
    service["deployments"][0] |= {"desiredCount": count, "_image_resolution_disabled": count == 0}
    _complete(service, {**_DEFAULTS, **parameters})
    if _is_external(service):
        service.pop("_held")
        service |= {"deployments": [], "taskSets": []}
        return service, None
    return service, rollout.begin(cluster, service, parameters, None)


def update(parameters: Record) -> Done:
    """Update a service. Return the service and the deployment that the caller runs.

    The deployment is None if the update starts no deployment, or for an external deployment controller.

    Args:
        parameters: The input of UpdateService.

    Raises:
        RefusedError: ECS refuses the update.
    """
    service_checks.check(parameters, new=False)
    cluster = ecs.resolve_cluster_name(parameters.get("cluster", "default"))
    name = (ecs.resolve_service_ref(parameters.get("service", "")) or ("",))[0]
    key = f"{cluster}/{name}"
    service: Record | None = ecs.services.get(key)
    if service is None:
        raise RefusedError("ServiceNotFoundException: Service not found.")
    if _is_external(service):
        strategies.check({"deploymentController": service["deploymentController"], **parameters})
        service |= {name: parameters[name] for name in _OF_EXTERNAL if name in parameters}
        return service, None
    strategies.check({**service, "deploymentConfiguration": service.get("_stated", {}), **parameters})
    before = copy.deepcopy(service)
    latest = revisions.revision(service["deployments"][0].get("_revision"))
    controller_checks.check(parameters, {**latest, **service})
    connect_names.check(parameters, ecs.clusters[cluster], service["serviceArn"])
    stated = {**_changes(parameters, service, latest), "cluster": cluster, "service": name}
    if service.get("_rolling"):
        known = service["taskDefinition"]
        if stated.get("forceNewDeployment") or stated.get("taskDefinition", known) != known:
            raise RefusedError(
                "a deployment of the service is still in progress, and the local AWS cannot replace it with another; "
                "wait until it ends"
            )
        _answered(_update(stated))
        _complete(service, parameters)
        return service, None
    service["_held"] = True
    try:
        _answered(_update(stated))
        _complete(service, parameters)
        if before["deployments"][0]["id"] != service["deployments"][0]["id"]:
            kept = {each: latest[each] for each in latest if each in revisions.STATED and each not in service}
            return service, rollout.begin(cluster, service, {**kept, **parameters}, before)
    except RefusedError:
        service.pop("_held", None)
        raise
    service.pop("_held", None)
    ecs.reconcile_service_tasks(cluster, key)
    return service, None


def _is_external(service: Mapping[str, Any]) -> bool:
    """Return whether an external controller deploys a service by task sets. Such a service has no tasks here."""
    return bool(service["deploymentController"].get("type") == "EXTERNAL")


def _changes(parameters: Record, service: Mapping[str, Any], latest: Mapping[str, Any]) -> Record:
    """Return the parameters, with a forced deployment if a change requires new tasks."""
    known = {**latest, **service}
    if any(name in parameters and (parameters[name] or None) != (known.get(name) or None) for name in _DEPLOYED):
        return {**parameters, "forceNewDeployment": True}
    return parameters


def _complete(service: Record, stated: Mapping[str, Any]) -> None:
    """Complete a service's record with the parameters that ministack drops, in the format of DescribeServices."""
    of_service = members("ecs", "Service") - {"taskDefinition", "desiredCount", "tags", "launchType"}
    of_deployment = members("ecs", "Deployment") - of_service - {"taskDefinition", "desiredCount", "launchType"}
    if service["launchType"] == "FARGATE" or any(
        item["capacityProvider"].startswith("FARGATE") for item in service["capacityProviderStrategy"] or ()
    ):
        platform = {"platformVersion": service.get("platformVersion") or "LATEST", "platformFamily": "Linux"}
        stated = {**platform, **stated}
    service.update({name: value for name, value in stated.items() if name in of_service})
    daemon = service.get("schedulingStrategy") == "DAEMON"
    configuration = stated.get("deploymentConfiguration", service.get("_stated", {}))
    service["_stated"] = configuration
    service["deploymentConfiguration"] = strategies.completed(configuration, daemon=daemon)
    service["deployments"][0].update({name: value for name, value in stated.items() if name in of_deployment})


def _answered(answer: Any) -> None:
    status, _, body = answer
    if status >= 400:  # noqa: PLR2004  # HTTP status codes from 400 are errors
        raise RefusedError(f"{ecs.json.loads(body)['__type']}: {ecs.json.loads(body).get('message', '')}")


def _served(change: Callable[[Record], Done]) -> Callable[[Record], Any]:
    """Return the API operation for a change. With hooks, the operation responds before the deployment ends."""

    def served(parameters: Record) -> Any:
        try:
            service, started = change(parameters)
        except RefusedError as error:
            code, colon, message = str(error).partition("Exception: ")
            code, message = (f"{code}Exception", message) if colon else ("InvalidParameterException", str(error))
            return error_response_json(code, message, 400)
        answer = None
        if started and started.takes_long:
            answer = json_response({"service": ecs.sanitize(service)})
            spawn_background(_run, started, thread_name="ecs-deployment")
        elif started:
            _run(started)
        return answer or json_response({"service": ecs.sanitize(service)})

    return served


def _run(started: rollout.Rollout) -> None:
    try:
        started.run(patient=True)
    except RefusedError:
        return  # the service and its deployments show the error


_create: Callable[[Record], Any]
_update: Callable[[Record], Any]


def install() -> None:
    """Replace CreateService and UpdateService with the operations of this module."""
    global _create, _update  # ministack's own functions, before they are replaced
    _create, _update = ecs.create_service, ecs.update_service
    ecs.create_service = scheduling.then_shrink(_served(create))
    ecs.update_service = scheduling.then_shrink(_served(update))
    ecs.ACTION_MAP |= {"CreateService": ecs.create_service, "UpdateService": ecs.update_service}
