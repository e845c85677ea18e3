"""Amazon ECR: repositories, and whether an image is in one."""

from __future__ import annotations

import re
from typing import Any

from ministack.core.responses import get_account_id, request_scope
from ministack.services import ecr
from ministack.services.cloudformation import provisioners

from .calls import perform, request
from .resource import Made, Properties, Resource

_URI = re.compile(
    r"(?P<account>\d{12})\.dkr[.-]ecr\.(?P<region>[a-z0-9-]+)\.(?:amazonaws\.com|on\.aws)(?:\.cn)?/"
    r"(?P<name>[^:@]+)(?::(?P<tag>[^@]+))?(?:@(?P<digest>.+))?"
)
_RENAMED = {
    "ImageTagMutabilityExclusionFilterType": "filterType",
    "ImageTagMutabilityExclusionFilterValue": "filter",
}
_OF_THE_REQUEST = (
    "EncryptionConfiguration", "ImageScanningConfiguration", "ImageTagMutability",
    "ImageTagMutabilityExclusionFilters", "RepositoryName", "Tags",
)  # fmt: skip


class Repository(Resource):
    """A private repository, which no second stack can take over."""

    type = "AWS::ECR::Repository"

    def create(self, properties: Properties, name: str) -> Made:
        wanted = self._request({"RepositoryName": name.lower(), **properties})
        repository = perform(ecr._create_repository, wanted)["repository"]["repositoryName"]
        ecr._repositories[repository].update(self._record(wanted))
        provisioners._ecr_repo_apply_policies(repository, properties)
        return self._made(repository)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        if physical_id not in ecr._repositories:
            return self.create(new, physical_id)
        repository = ecr._repositories[physical_id]
        defaults = {"imageTagMutability": "MUTABLE", "imageScanningConfiguration": {"scanOnPush": False}}
        repository.update(defaults | self._record(self._request(new)))
        provisioners._reconcile_tag_list(repository.setdefault("tags", []), old, new)
        provisioners._ecr_repo_apply_policies(physical_id, new)
        return self._made(physical_id)

    def delete(self, physical_id: str, properties: Properties) -> None:
        if physical_id in ecr._repositories:
            force = str(properties.get("EmptyOnDelete", False)).lower() == "true"
            perform(ecr._delete_repository, {"repositoryName": physical_id, "force": force})

    def _request(self, properties: Properties) -> dict[str, Any]:
        properties.get("EmptyOnDelete")  # kept in the template's words, for `delete`
        stated = {name: properties[name] for name in _OF_THE_REQUEST if name in properties}
        return request("ecr", "CreateRepository", stated, renamed=_RENAMED)

    def _record(self, wanted: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in wanted.items() if name.startswith("image")}

    def _made(self, name: str) -> Made:
        repository = ecr._repositories[name]
        return Made(name, {"Arn": repository["repositoryArn"], "RepositoryUri": repository["repositoryUri"]})


def missing_image(image: str) -> str | None:
    """Why no task could pull an image, or nothing if it could.

    Only private registries that are on this machine are looked into: the deploying account's, and any other account's
    that has a repository here.

    Args:
        image: The reference in a container definition.
    """
    reference = _URI.fullmatch(image)
    if reference is None:
        return None
    account, region, name = reference["account"], reference["region"], reference["name"]
    here = account == get_account_id() or any(key[0] == account for key in ecr._repositories._data)
    with request_scope(account, region):
        if not here:
            return None
        if name not in ecr._repositories:
            return f"CannotPullContainerError: the repository with name '{name}' does not exist in registry '{account}'"
        wanted = (
            {"imageDigest": reference["digest"]} if reference["digest"] else {"imageTag": reference["tag"] or "latest"}
        )
        if ecr._find_image(name, wanted) is None:
            return f"CannotPullContainerError: pull image manifest has been retried 1 time(s): {image}: not found"
    return None


def install() -> None:
    """Let ECR's own API show what ministack's records have no place for."""
    shape = ecr._repo_shape

    def shown(repository: dict[str, Any]) -> dict[str, Any]:
        filters = repository.get("imageTagMutabilityExclusionFilters")
        return {**shape(repository), **({"imageTagMutabilityExclusionFilters": filters} if filters else {})}

    ecr._repo_shape = shown
