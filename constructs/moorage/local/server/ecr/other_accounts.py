"""The access of other accounts to a registry of Amazon ECR, by the policies of the registry and of its repositories.

The registry policy applies to all actions (ECR guide, "Private registry permissions": version 2, the default). Before a
repository exists, only the registry policy can allow another account to pull it through a cache.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ministack.core.responses import get_account_id, get_region, request_scope

from moorage.local.server.core.adapter import ecr
from moorage.local.server.core.adapter import iam_evaluator as iam
from moorage.local.server.core.calls import Operation, RefusedError
from moorage.local.server.ecr import registry
from moorage.local.server.services.iam import require

Parameters = dict[str, Any]

REFERENCE = re.compile(
    r"(?P<account>\d{12})\.dkr[.-]ecr\.(?P<region>[a-z0-9-]+)\.(?:amazonaws\.com|on\.aws)(?:\.cn)?/"
    r"(?P<name>[^:@]+)(?::(?P<tag>[^@]+))?(?:@(?P<digest>.+))?"
)
"""The reference of an image in a private registry."""
_PULL = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
"""The actions with which ECS pulls an image (ECR guide, "Using Amazon ECR images with Amazon ECS")."""


def serve(operation: str, parameters: Parameters, run: Operation) -> Parameters:
    """Perform an operation in the registry that it names, if that registry allows the caller, and return its output.

    Args:
        operation: The operation, such as `BatchGetImage`.
        parameters: The operation's input.
        run: The function that performs the operation.

    Raises:
        RefusedError: The registry belongs to another account, and no policy there allows the caller an action.
    """
    account, caller = get_account_id(), iam.caller_arn()
    owner, name = parameters.get("registryId", account), parameters.get("repositoryName")
    if owner == account or name is None:
        return run(parameters)
    with request_scope(owner, get_region()):
        pulled = parameters["imageIds"] if operation == "BatchGetImage" else ()
        for action in (f"ecr:{operation}", *_import_actions(name, pulled)):
            if _is_allowed(name, action, account, caller):
                continue
            raise RefusedError(  # aws/containers-roadmap issue 2053
                f"AccessDeniedException: User: {caller} is not authorized to perform: {action} on resource: "
                f"{ecr.repo_arn(name)} because no resource-based policy allows the {action} action"
            )
        return run(parameters)


def may_pull(image: str, role_arn: str) -> bool:
    """Return whether a role can pull an image; True for an image that is in no other account of the local AWS.

    Both the policies of the role and those of the registry must allow the pull (IAM guide, "Cross-account policy
    evaluation logic").

    Args:
        image: The image of a container definition.
        role_arn: The ARN of a role in this account.
    """
    reference = REFERENCE.fullmatch(image)
    if reference is None or reference["account"] == get_account_id():
        return True
    account, name, digest = get_account_id(), reference["name"], reference["digest"]
    image_id = {"imageDigest": digest} if digest else {"imageTag": reference["tag"] or "latest"}
    with request_scope(reference["account"], reference["region"]):
        if name not in ecr.repositories and registry.cache_rule(name) is None:
            return True
        arn, actions = ecr.repo_arn(name), [*_PULL, *_import_actions(name, [image_id])]
        if any(not _is_allowed(name, action, account, role_arn) for action in actions):
            return False
    try:
        for action in actions:
            require(role_arn, action, arn)
    except RefusedError:
        return False
    return True


def _is_allowed(repository: str, action: str, account: str, principal: str) -> bool:
    """Return whether the policy of a repository of this registry or the registry policy allows an action.

    Args:
        repository: The name of the repository, which need not exist.
        action: The action.
        account: The account of the principal.
        principal: The ARN of the principal.
    """
    asked = iam.EvalContext(
        principal_arn=principal,
        principal_type="Root" if principal.endswith(":root") else "AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=ecr.repo_arn(repository),
        region=get_region(),
        secure_transport=True,
    )
    policies = [ecr.repo_policies.get(repository), registry.policy()]
    decisions = {iam.evaluate_resource_policy(text, asked).decision for text in policies if text}
    return "Allow" in decisions and "Deny" not in decisions


def _import_actions(repository: str, image_ids: Iterable[Parameters]) -> list[str]:
    """Return the further actions for images that a cache of this registry does not have yet.

    The source is the ECR guide, "IAM permissions required to sync an upstream registry".
    """
    if registry.cache_rule(repository) is None:
        return []
    if repository not in ecr.repositories:
        return ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"]
    missing = any(ecr.find_image(repository, image_id) is None for image_id in image_ids)
    return ["ecr:BatchImportUpstreamImage"] if missing else []
