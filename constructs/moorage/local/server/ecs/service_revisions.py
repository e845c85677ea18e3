"""Amazon ECS: service revisions and service deployments, and the API that describes them."""

from __future__ import annotations

import secrets
import string
import time
from collections.abc import Iterable, Mapping
from typing import Any

from ministack.core.responses import AccountRegionScopedDict

from moorage.local.server.core.adapter import ecs
from moorage.local.server.core.calls import RefusedError, members
from moorage.local.server.ecr.repository_type import digest_of
from moorage.local.server.ecs.capacity_providers import answering
from moorage.local.server.ecs.container_instances import Record

STATED: frozenset[str] = members("ecs", "ServiceRevision")
"""The properties of a service that a revision records."""

_MOST_ASKED = 20
_OFF = "disabled"
_NAMES = string.ascii_letters + string.digits

_revisions = AccountRegionScopedDict()
_deployments = AccountRegionScopedDict()


def revise(service: Record, stated: Mapping[str, Any]) -> Record:
    """Record a revision of a service, and return the record.

    Args:
        service: The new state of the service, whose newest deployment deploys the revision.
        stated: The input of the operation, with parameters that the description of the service lacks.
    """
    revision = ecs.task_defs.get(ecs.resolve_td_key(service["taskDefinition"]), {})
    arn = _arn(service, "service-revision", str(secrets.randbelow(9 * 10**18) + 10**18))
    images = [
        {"containerName": each["name"], "image": each["image"]} for each in revision.get("containerDefinitions", ())
    ]
    kept = {name: value for name, value in {**service, **stated}.items() if name in STATED and value is not None}
    record = {
        **kept,
        "serviceRevisionArn": arn,
        "serviceArn": service["serviceArn"],
        "clusterArn": service["clusterArn"],
        "taskDefinition": service["taskDefinition"],
        "containerImages": images,
        "createdAt": time.time(),
    }
    _revisions[arn] = record
    service["deployments"][0]["_revision"] = arn
    return record


def resolve_images(service: Mapping[str, Any]) -> None:
    """Record the digests of the images of a service's newest revision, as ECS does when the first task has started.

    ECS resolves no tag of a container without version consistency (botocore ecs ContainerDefinition).
    """
    definition = ecs.task_defs.get(ecs.resolve_td_key(service["taskDefinition"]), {})
    tagged = {
        each["name"] for each in definition.get("containerDefinitions", ()) if each.get("versionConsistency") == _OFF
    }
    for image in revision(service["deployments"][0].get("_revision")).get("containerImages", ()):
        digest = None if image["containerName"] in tagged else digest_of(image["image"])
        if digest:
            image["imageDigest"] = digest


def revision(arn: str | None) -> Record:
    """Return the revision with an ARN; empty if there is no such revision."""
    found: Record = _revisions.get(arn or "", {})
    return found


def open_deployment(service: Record, sources: Iterable[str]) -> Record:
    """Record the start of a service's newest deployment, and return the record.

    Args:
        service: The service.
        sources: The ARNs of the revisions that already run.
    """
    arn = _arn(service, "service-deployment", "".join(secrets.choice(_NAMES) for _ in range(21)))
    configuration = service["deploymentConfiguration"]
    alarms, breaker = configuration.get("alarms", {}), configuration.get("deploymentCircuitBreaker", {})
    now = time.time()
    record: Record = {
        "serviceDeploymentArn": arn,
        "serviceArn": service["serviceArn"],
        "clusterArn": service["clusterArn"],
        "createdAt": now,
        "startedAt": now,
        "updatedAt": now,
        "status": "IN_PROGRESS",
        "deploymentConfiguration": configuration,
        "lifecycleHookDetails": [],
        "deploymentCircuitBreaker": {
            "status": "MONITORING" if breaker.get("enable") else "DISABLED",
            "failureCount": 0,
            "threshold": ecs.circuit_breaker_threshold(service),
        },
        "alarms": {
            "status": "MONITORING" if alarms.get("enable") else "DISABLED",
            "alarmNames": list(alarms.get("alarmNames", ())),
            "triggeredAlarmNames": [],
        },
        "_target": service["deployments"][0]["_revision"],
        "_sources": list(sources),
        "_weights": {"test": {}, "production": {}},
    }
    _deployments[arn] = record
    service["currentServiceDeployment"] = arn
    return record


def close_deployment(service: Record, record: Record, status: str, reason: str | None = None) -> None:
    """Record the end of a service's deployment."""
    now = time.time()
    record |= {"status": status, "finishedAt": now, "updatedAt": now}
    if reason:
        record["statusReason"] = reason
    for monitor in ("deploymentCircuitBreaker", "alarms"):
        if record[monitor]["status"] == "MONITORING":
            record[monitor]["status"] = "MONITORING_COMPLETE"
    service.pop("currentServiceDeployment", None)


def deployment(arn: str) -> Record:
    """Return a service deployment.

    Args:
        arn: The ARN of the service deployment.

    Raises:
        RefusedError: The service deployment does not exist.
    """
    found: Record | None = _deployments.get(arn)
    if found is None:
        raise RefusedError(f"ServiceDeploymentNotFoundException: there is no service deployment {arn}")
    return found


def forget(service_arn: str) -> None:
    """Delete the revisions and deployments of a deleted service."""
    for records in (_revisions, _deployments):
        for arn in [arn for arn, record in records.items() if record["serviceArn"] == service_arn]:
            records.pop(arn)


def counted(service: Record) -> None:
    """Update a service's list of its current revisions."""
    service["currentServiceRevisions"] = [
        {
            "arn": each["_revision"],
            "requestedTaskCount": each["desiredCount"],
            "runningTaskCount": each["runningCount"],
            "pendingTaskCount": each["pendingCount"],
        }
        for each in service["deployments"]
        if "_revision" in each and each["status"] != "INACTIVE"
    ]


def _arn(service: Mapping[str, Any], kind: str, name: str) -> str:
    return f"{str(service['serviceArn']).replace(':service/', f':{kind}/', 1)}/{name}"


def _summary(record: Record, arn: str) -> Record:
    cluster, name = record["serviceArn"].split("/")[-2:]
    service = ecs.services.get(f"{cluster}/{name}", {"deployments": []})
    found = next((each for each in service["deployments"] if each.get("_revision") == arn), None)
    counts = {"requestedTaskCount": 0, "runningTaskCount": 0, "pendingTaskCount": 0}
    if found:
        counts = dict(zip(counts, (found["desiredCount"], found["runningCount"], found["pendingCount"]), strict=True))
    weights = {
        f"requested{kind.title()}TrafficWeight": weight
        for kind, shares in record["_weights"].items()
        for weight in [shares.get(arn)]
        if weight is not None
    }
    return {"arn": arn, **counts, **weights}


def _described(record: Record) -> Record:
    return {
        **{name: value for name, value in record.items() if not name.startswith("_")},
        "targetServiceRevision": _summary(record, record["_target"]),
        "sourceServiceRevisions": [_summary(record, arn) for arn in record["_sources"]],
    }


def _describe_deployments(parameters: Record) -> Record:
    asked = parameters["serviceDeploymentArns"][:_MOST_ASKED]
    return {
        "serviceDeployments": [_described(_deployments[arn]) for arn in asked if arn in _deployments],
        "failures": [{"arn": arn, "reason": "MISSING"} for arn in asked if arn not in _deployments],
    }


def _list_deployments(parameters: Record) -> Record:
    cluster = ecs.resolve_cluster_name(parameters.get("cluster", "default"))
    name = (ecs.resolve_service_ref(parameters["service"]) or ("",))[0]
    service = ecs.services.get(f"{cluster}/{name}")
    if service is None:
        raise RefusedError("ServiceNotFoundException: Service not found.")
    wanted, made = parameters.get("status"), parameters.get("createdAt", {})
    brief = members("ecs", "ServiceDeploymentBrief")
    found = [
        {**{key: value for key, value in each.items() if key in brief}, "targetServiceRevisionArn": each["_target"]}
        for each in reversed(list(_deployments.values()))
        if each["serviceArn"] == service["serviceArn"]
        and (not wanted or each["status"] in wanted)
        and made.get("after", 0) <= each["createdAt"] <= made.get("before", time.time())
    ]
    return {"serviceDeployments": found[: parameters.get("maxResults", _MOST_ASKED)]}


def _describe_revisions(parameters: Record) -> Record:
    asked = parameters["serviceRevisionArns"][:_MOST_ASKED]
    return {
        "serviceRevisions": [_revisions[arn] for arn in asked if arn in _revisions],
        "failures": [{"arn": arn, "reason": "MISSING"} for arn in asked if arn not in _revisions],
    }


def install() -> None:
    """Add the operations that describe service revisions and service deployments to ECS's API."""
    ecs.ACTION_MAP |= {
        "DescribeServiceDeployments": answering(_describe_deployments),
        "ListServiceDeployments": answering(_list_deployments),
        "DescribeServiceRevisions": answering(_describe_revisions),
    }
