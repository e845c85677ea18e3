"""The CloudFormation type of Amazon ECR's private repositories, and the check that an image exists."""

from __future__ import annotations

import json
import re
from typing import Any

from ministack.core.responses import get_account_id, request_scope

from moorage.local.server.core.adapter import ecr, provisioners
from moorage.local.server.core.calls import RefusedError, request
from moorage.local.server.core.resource import Made, Properties, Resource
from moorage.local.server.ecr.api import RENAMED, call
from moorage.local.server.ecr.other_accounts import REFERENCE
from moorage.local.server.ecr.pull_through import fetch

_OF_THE_REQUEST = (
    "EncryptionConfiguration", "ImageScanningConfiguration", "ImageTagMutability",
    "ImageTagMutabilityExclusionFilters", "RepositoryName", "Tags",
)  # fmt: skip
_MUTABILITY = ("imageTagMutability", "imageTagMutabilityExclusionFilters", "repositoryName")


class Repository(Resource):
    """A private repository; an existing name is refused."""

    type = "AWS::ECR::Repository"

    def create(self, properties: Properties, name: str) -> Made:
        wanted = self._request({"RepositoryName": name.lower(), **properties})
        repository = call("CreateRepository", wanted)["repository"]["repositoryName"]
        try:
            self._apply_policies(repository, properties)
        except RefusedError:
            self.delete(repository, {})
            raise
        return self._made(repository)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        if physical_id not in ecr.repositories:
            return self.create(new, physical_id)
        wanted = {"imageTagMutability": "MUTABLE", "imageScanningConfiguration": {"scanOnPush": False}}
        wanted |= {"repositoryName": physical_id, **self._request(new)}
        repository = ecr.repositories[physical_id]
        call("PutImageTagMutability", {name: value for name, value in wanted.items() if name in _MUTABILITY})
        repository["imageScanningConfiguration"] = wanted["imageScanningConfiguration"]
        provisioners.reconcile_tag_list(repository.setdefault("tags", []), old, new)
        self._apply_policies(physical_id, new)
        return self._made(physical_id)

    def delete(self, physical_id: str, properties: Properties) -> None:
        if physical_id in ecr.repositories:
            force = str(properties.get("EmptyOnDelete", False)).lower() == "true"
            call("DeleteRepository", {"repositoryName": physical_id, "force": force})

    def _request(self, properties: Properties) -> dict[str, Any]:
        properties.get("EmptyOnDelete")  # only `delete` needs it
        stated = {name: properties[name] for name in _OF_THE_REQUEST if name in properties}
        return request("ecr", "CreateRepository", stated, renamed=RENAMED)

    def _apply_policies(self, repository: str, properties: Properties) -> None:
        lifecycle = (properties.get("LifecyclePolicy") or {}).get("LifecyclePolicyText")
        ecr.lifecycle_policies.pop(repository, None)
        if lifecycle:
            call("PutLifecyclePolicy", {"repositoryName": repository, "lifecyclePolicyText": lifecycle})
        policy = properties.get("RepositoryPolicyText")
        ecr.repo_policies.pop(repository, None)
        if policy:
            text = policy if isinstance(policy, str) else json.dumps(policy)
            call("SetRepositoryPolicy", {"repositoryName": repository, "policyText": text})

    def _made(self, name: str) -> Made:
        repository = ecr.repositories[name]
        return Made(name, {"Arn": repository["repositoryArn"], "RepositoryUri": repository["repositoryUri"]})


def missing_image(image: str) -> str | None:
    """Return the reason why no task can pull an image; None if tasks can pull the image.

    Only private registries in the local AWS are checked: that of the deploying account, and those of other accounts
    that have a repository here.

    Args:
        image: The image of a container definition.
    """
    reference = REFERENCE.fullmatch(image)
    if reference is None:
        return None
    account, region, name = reference["account"], reference["region"], reference["name"]
    here = account == get_account_id() or any(key[0] == account for key in ecr.repositories._data)
    with request_scope(account, region):
        if not here:
            return None
        found = fetch(name, _image_id(reference))
        if name not in ecr.repositories:
            return f"CannotPullContainerError: the repository with name '{name}' does not exist in registry '{account}'"
        if found is None:
            return f"CannotPullContainerError: pull image manifest has been retried 1 time(s): {image}: not found"
    return None


def digest_of(image: str) -> str | None:
    """Return the digest of the image that a task pulls; None if only a registry outside the local AWS knows it.

    Args:
        image: The image of a container definition.
    """
    _, _, pinned = image.partition("@")
    reference = REFERENCE.fullmatch(image)
    if pinned or reference is None:
        return pinned or None
    with request_scope(reference["account"], reference["region"]):
        found = ecr.find_image(reference["name"], _image_id(reference))
        return str(found["imageDigest"]) if found else None


def _image_id(reference: re.Match[str]) -> dict[str, str]:
    digest, tag = reference["digest"], reference["tag"]
    return {"imageDigest": digest} if digest else {"imageTag": tag or "latest"}
