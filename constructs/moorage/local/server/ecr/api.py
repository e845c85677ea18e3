"""The API of Amazon ECR: ministack's operations on repositories, and this package's other operations.

The input of this package's operations is checked against ECR's model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack.core.responses import get_account_id, get_region

from moorage.local.server.core import registry_tokens
from moorage.local.server.core.adapter import app, ecr
from moorage.local.server.core.adapter import iam_evaluator as iam
from moorage.local.server.core.calls import Operation, check, json_service, perform
from moorage.local.server.ecr import images as ecr_images
from moorage.local.server.ecr import lifecycle_checks, other_accounts
from moorage.local.server.ecr import registry as ecr_registry
from moorage.local.server.ecr import replication as ecr_replication
from moorage.local.server.ecr import repositories as ecr_repositories
from moorage.local.server.ecr import scanning as ecr_scanning

RENAMED = {
    "ImageTagMutabilityExclusionFilterType": "filterType",
    "ImageTagMutabilityExclusionFilterValue": "filter",
}
"""ECR's names for properties that have another name in CloudFormation."""


def _create_repository(parameters: dict[str, Any]) -> dict[str, Any]:
    return {"repository": ecr.repo_shape(ecr_repositories.create(parameters))}


def _delete_repository(parameters: dict[str, Any]) -> dict[str, Any]:
    answer = perform(ecr.delete_repository, parameters)
    for records in (ecr.layer_blobs, ecr.manifest_blobs, ecr.uploads):
        records.pop(parameters["repositoryName"], None)
    return answer


def _put_lifecycle_policy(parameters: dict[str, Any]) -> dict[str, Any]:
    lifecycle_checks.check(parameters.get("lifecyclePolicyText", ""))
    return perform(ecr.put_lifecycle_policy, parameters)


def _authorization_token(_: dict[str, Any]) -> dict[str, Any]:
    endpoint = f"https://{get_account_id()}.dkr.ecr.{get_region()}.amazonaws.com"
    return {"authorizationData": [{**registry_tokens.issue(), "proxyEndpoint": endpoint}]}


_OPERATIONS: Mapping[str, Operation] = {
    "CreateRepository": _create_repository,
    "DeleteRepository": _delete_repository,
    "GetAuthorizationToken": _authorization_token,
    "PutImageTagMutability": ecr_repositories.set_mutability,
    "PutLifecyclePolicy": _put_lifecycle_policy,
    "SetRepositoryPolicy": ecr_repositories.set_policy,
    **ecr_images.OPERATIONS,
    **ecr_registry.OPERATIONS,
    **ecr_replication.OPERATIONS,
    **ecr_scanning.OPERATIONS,
}


def call(operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Call an ECR operation in this process, and return its output.

    Args:
        operation: The operation, such as `PutImage`.
        parameters: The operation's input.

    Raises:
        RefusedError: ECR refuses the call; the message contains ECR's code and message.
    """
    check("ecr", operation, parameters)
    return other_accounts.serve(operation, parameters, _OPERATIONS[operation])


def _checked(operation: str) -> Operation:
    return lambda parameters: call(operation, parameters)


def install() -> None:
    """Answer ECR's requests before ministack, and show the exclusion filters that ministack leaves out."""
    answer = json_service({operation: _checked(operation) for operation in _OPERATIONS}, app.SERVICE_HANDLERS["ecr"])

    async def answered(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Any:
        # ministack records the caller only if it checks permissions itself.
        iam.caller.set(iam.request_caller_arn(headers, query))
        return await answer(method, path, headers, body, query)

    app.SERVICE_HANDLERS["ecr"] = answered
    ecr_images.install()
    shape = ecr.repo_shape

    def shown(repository: dict[str, Any]) -> dict[str, Any]:
        filters = repository.get("imageTagMutabilityExclusionFilters")
        return {**shape(repository), **({"imageTagMutabilityExclusionFilters": filters} if filters else {})}

    ecr.repo_shape = shown
