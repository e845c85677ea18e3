"""The sample events of the ECS documentation, unchanged.

From https://docs.aws.amazon.com/AmazonECS/latest/developerguide/: `ecs_task_events.html` (the fields of the task that
patterns may use), `ecs_service_events.html`, `ecs_service_deployment_events.html`. The task of the first is running;
stopped tasks are the same with the stop codes and reasons of `stopped-task-error-codes.html`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CLUSTER = "arn:aws:ecs:us-west-2:111122223333:cluster/default"
SERVICES = "arn:aws:ecs:us-west-2:111122223333:service/default/"


def _event(kind: str, resource: str, detail: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "ddca6449-b258-46c0-8653-e0e3aEXAMPLE",
        "detail-type": kind,
        "source": "aws.ecs",
        "account": "111122223333",
        "time": "2020-05-23T12:31:14Z",
        "region": "us-west-2",
        "resources": [f"arn:aws:ecs:us-west-2:111122223333:{resource}"],
        "detail": dict(detail),
    }


def task(**changed: Any) -> dict[str, Any]:
    """Return the documented event of a task, with the cluster of the other samples."""
    detail = {
        "availabilityZone": "us-west-2c",
        "clusterArn": CLUSTER,
        "containers": [{"lastStatus": "RUNNING", "name": "FargateApp", "cpu": "0"}],
        "launchType": "FARGATE",
        "desiredStatus": "RUNNING",
        "group": "family:sample-fargate",
        "lastStatus": "RUNNING",
        "taskDefinitionArn": "arn:aws:ecs:us-west-2:111122223333:task-definition/sample-fargate:1",
        "version": 4,
        "platformVersion": "1.3.0",
    }
    return _event("ECS Task State Change", "task/default/c13b4cb40f1f4fe4a2971f76ae5a47ad", {**detail, **changed})


def stopped_task(code: str, reason: str, *exits: int | None, group: str = "service:servicetest") -> dict[str, Any]:
    """Return the event of the task after it stopped; a container that never ran has no exit code."""
    containers = [
        {"lastStatus": "STOPPED", "name": f"App{index}", **({} if each is None else {"exitCode": each})}
        for index, each in enumerate(exits or (0,))
    ]
    return task(
        lastStatus="STOPPED",
        desiredStatus="STOPPED",
        stopCode=code,
        stoppedReason=reason,
        containers=containers,
        group=group,
    )


def _action(severity: str, name: str, **more: Any) -> dict[str, Any]:
    detail = {"eventType": severity, "eventName": name, "clusterArn": CLUSTER, "createdAt": "2019-11-19T19:55:38.725Z"}
    return _event("ECS Service Action", "service/default/servicetest", {**detail, **more})


def _deployment(severity: str, name: str, reason: str) -> dict[str, Any]:
    detail = {
        "eventType": severity,
        "eventName": name,
        "deploymentId": "ecs-svc/123",
        "updatedAt": "2020-05-23T11:11:11Z",
        "reason": reason,
    }
    return _event("ECS Deployment State Change", "service/default/servicetest", detail)


SAMPLES: Mapping[str, dict[str, Any]] = {
    "running": task(),
    "steady": _action("INFO", "SERVICE_STEADY_STATE"),
    "capacity steady": _action(
        "INFO",
        "CAPACITY_PROVIDER_STEADY_STATE",
        capacityProviderArns=["arn:aws:ecs:us-west-2:111122223333:capacity-provider/ASG-tutorial-capacity-provider"],
    ),
    "start impaired": _action("WARN", "SERVICE_TASK_START_IMPAIRED"),
    "no place": _action(
        "ERROR",
        "SERVICE_TASK_PLACEMENT_FAILURE",
        capacityProviderArns=["arn:aws:ecs:us-west-2:111122223333:capacity-provider/FARGATE_SPOT"],
        reason="RESOURCE:FARGATE",
    ),
    "deploying": _deployment("INFO", "SERVICE_DEPLOYMENT_IN_PROGRESS", "ECS deployment deploymentId in progress."),
    "deployed": _deployment("INFO", "SERVICE_DEPLOYMENT_COMPLETED", "ECS deployment deploymentID completed."),
    "deployment failed": _deployment(
        "ERROR", "SERVICE_DEPLOYMENT_FAILED", "ECS deployment circuit breaker: task failed to start."
    ),
}
