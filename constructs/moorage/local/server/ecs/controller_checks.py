"""Amazon ECS: the parameters that a service with an external or CodeDeploy deployment controller cannot have or change.

The rules are those of UpdateService (botocore ecs UpdateService: "For services using the blue/green (CODE_DEPLOY)
deployment controller, only ..."; "For services using an external deployment controller, you can update only ..."). The
messages are ECS's, as users report them. CodeDeploy: boto/boto3 issue 1936, hashicorp/terraform-provider-aws issue
13473 and kayac/ecspresso issue 393. External controllers: aws/aws-cdk issues 6245 and 16981 and
hashicorp/terraform-provider-aws issue 27291.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from moorage.local.server.core.adapter import ecs
from moorage.local.server.core.calls import RefusedError

_BY_CODE_DEPLOY = {
    "taskDefinition": "task definition",
    "networkConfiguration": "network parameters",
    "platformVersion": "network parameters",
    "loadBalancers": "load balancers",
    "serviceRegistries": "service registries",
}
_BY_TASK_SETS = {
    "taskDefinition": "TaskDefinition must be blank.",
    "networkConfiguration": "NetworkConfiguration must be null.",
    "loadBalancers": "LoadBalancers must be empty or null.",
}

Record = Mapping[str, Any]


def check(parameters: Record, known: Record) -> None:
    """Refuse parameters that the service's deployment controller does not allow.

    Args:
        parameters: The input of CreateService or UpdateService.
        known: The existing service; empty for a new service.

    Raises:
        RefusedError: A parameter is not allowed; the message is ECS's.
    """
    for fault in _faults(parameters, known):
        raise RefusedError(f"InvalidParameterException: {fault}")


def _faults(parameters: Record, known: Record) -> Iterator[str]:
    stated = parameters.get("deploymentController") or known.get("deploymentController") or {}
    controller = stated.get("type", "ECS")
    if controller == "EXTERNAL":
        yield from (fault for name, fault in _BY_TASK_SETS.items() if parameters.get(name))
    if controller == "CODE_DEPLOY" and known:
        for name, said in _BY_CODE_DEPLOY.items():
            if name in parameters and _value(name, parameters) != _value(name, known):
                yield (
                    f"Unable to update {said} on services with a CODE_DEPLOY deployment controller. Use AWS CodeDeploy "
                    "to trigger a new deployment."
                )


def _value(name: str, record: Record) -> Any:
    value = record.get(name) or None
    return ecs.resolve_td_key(value) if value and name == "taskDefinition" else value
