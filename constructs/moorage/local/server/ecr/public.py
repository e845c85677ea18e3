"""Amazon ECR Public, which ministack lacks: its API, only in us-east-1, and its CloudFormation type."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from typing import Any

from ministack.core.responses import AccountScopedDict, get_account_id, get_region

from moorage.local.server.core.adapter import app, ecr, provisioners, router
from moorage.local.server.core.calls import Operation, RefusedError, check, json_service, request
from moorage.local.server.core.resource import Made, Properties, Resource

Parameters = dict[str, Any]

_SERVICE = "ecr-public"
_HOME = "us-east-1"
_CATALOG = {"RepositoryDescription": "description"}
_DOCKER = "application/vnd.docker.distribution.manifest.v2+json"

_repositories = AccountScopedDict()


def _alias() -> str:
    """Return the registry's default alias, which AWS assigns: here eight characters made from the account ID."""
    return base64.b32encode(get_account_id().encode("ascii")).decode("ascii").lower()[-9:-1].replace("=", "0")


def _of(parameters: Parameters) -> Parameters:
    name = parameters["repositoryName"]
    if name not in _repositories:
        raise RefusedError(
            f"RepositoryNotFoundException: The repository with name '{name}' does not exist "
            f"in the registry with id '{get_account_id()}'"
        )
    record: Parameters = _repositories[name]
    return record


def _create(parameters: Parameters) -> Parameters:
    name = parameters["repositoryName"]
    if name in _repositories:
        raise RefusedError(
            f"RepositoryAlreadyExistsException: The repository with name '{name}' already exists "
            f"in the registry with id '{get_account_id()}'"
        )
    shown = {
        "repositoryArn": f"arn:aws:ecr-public::{get_account_id()}:repository/{name}",
        "registryId": get_account_id(),
        "repositoryName": name,
        "repositoryUri": f"public.ecr.aws/{_alias()}/{name}",
        "createdAt": time.time(),
    }
    record = {"shown": shown, "tags": parameters.get("tags", []), "images": [], "policy": None}
    _repositories[name] = {**record, "catalog": _catalog(parameters.get("catalogData", {}), name)}
    return {"repository": shown, "catalogData": _repositories[name]["catalog"]}


def _catalog(stated: Parameters, name: str) -> Parameters:
    catalog = {key: value for key, value in stated.items() if key != "logoImageBlob"}
    if "logoImageBlob" in stated:
        catalog["logoUrl"] = f"https://logo.public.ecr.aws/{_alias()}/{name}"
    return catalog


def _delete(parameters: Parameters) -> Parameters:
    record, name = _of(parameters), parameters["repositoryName"]
    if record["images"] and not parameters.get("force"):
        raise RefusedError(f"RepositoryNotEmptyException: The repository with name '{name}' has images")
    _repositories.pop(name)
    return {"repository": record["shown"]}


def _describe(parameters: Parameters) -> Parameters:
    names = parameters.get("repositoryNames") or list(_repositories)
    return {"repositories": [_of({"repositoryName": name})["shown"] for name in names]}


def _put_catalog(parameters: Parameters) -> Parameters:
    record = _of(parameters)
    record["catalog"] = _catalog(parameters["catalogData"], parameters["repositoryName"])
    return {"catalogData": record["catalog"]}


def _set_policy(parameters: Parameters) -> Parameters:
    record = _of(parameters)
    record["policy"] = parameters["policyText"]
    return _policy(parameters)


def _policy(parameters: Parameters) -> Parameters:
    record, name = _of(parameters), parameters["repositoryName"]
    if record["policy"] is None:
        raise RefusedError(
            f"RepositoryPolicyNotFoundException: Repository policy does not exist for the repository '{name}'"
        )
    return {"registryId": get_account_id(), "repositoryName": name, "policyText": record["policy"]}


def _delete_policy(parameters: Parameters) -> Parameters:
    answer = _policy(parameters)
    _of(parameters)["policy"] = None
    return answer


def _put_image(parameters: Parameters) -> Parameters:
    record, manifest, tag = _of(parameters), parameters["imageManifest"], parameters.get("imageTag")
    digest = ecr.image_digest(manifest)
    for other in record["images"]:
        other["imageTags"] = [each for each in other["imageTags"] if each != tag]
    image = next((each for each in record["images"] if each["imageDigest"] == digest), None)
    if image is None:
        media_type = parameters.get("imageManifestMediaType", _DOCKER)
        image = {
            "registryId": get_account_id(), "repositoryName": parameters["repositoryName"], "imageDigest": digest,
            "imageTags": [], "imageSizeInBytes": len(manifest), "imagePushedAt": time.time(),
            "imageManifestMediaType": media_type, "artifactMediaType": media_type,
        }  # fmt: skip
        record["images"].append(image)
    image["imageTags"] += [tag] if tag else []
    image_id = {"imageDigest": digest, **({"imageTag": tag} if tag else {})}
    shown = {key: image[key] for key in ("registryId", "repositoryName", "imageManifestMediaType")}
    return {"image": {**shown, "imageId": image_id, "imageManifest": manifest}}


def _registries(_: Parameters) -> Parameters:
    alias = {"name": _alias(), "status": "ACTIVE", "primaryRegistryAlias": True, "defaultRegistryAlias": True}
    registry = {
        "registryId": get_account_id(),
        "registryArn": f"arn:aws:ecr-public::{get_account_id()}:registry/{get_account_id()}",
        "registryUri": f"public.ecr.aws/{_alias()}",
        "verified": False,
        "aliases": [alias],
    }
    return {"registries": [registry]}


def _token(_: Parameters) -> Parameters:
    token = base64.b64encode(b"AWS:local").decode("ascii")
    return {"authorizationData": {"authorizationToken": token, "expiresAt": time.time() + 43200}}


def _tagged(parameters: Parameters) -> Parameters:
    return _of({"repositoryName": parameters["resourceArn"].partition(":repository/")[2]})


def _tag(parameters: Parameters) -> Parameters:
    record, keys = _tagged(parameters), {tag["Key"] for tag in parameters["tags"]}
    record["tags"] = [tag for tag in record["tags"] if tag["Key"] not in keys] + parameters["tags"]
    return {}


def _untag(parameters: Parameters) -> Parameters:
    record = _tagged(parameters)
    record["tags"] = [tag for tag in record["tags"] if tag["Key"] not in parameters["tagKeys"]]
    return {}


_OPERATIONS: Mapping[str, Operation] = {
    "CreateRepository": _create,
    "DeleteRepository": _delete,
    "DeleteRepositoryPolicy": _delete_policy,
    "DescribeImages": lambda parameters: {"imageDetails": _of(parameters)["images"]},
    "DescribeRegistries": _registries,
    "DescribeRepositories": _describe,
    "GetAuthorizationToken": _token,
    "GetRepositoryCatalogData": lambda parameters: {"catalogData": _of(parameters)["catalog"]},
    "GetRepositoryPolicy": _policy,
    "ListTagsForResource": lambda parameters: {"tags": _tagged(parameters)["tags"]},
    "PutImage": _put_image,
    "PutRepositoryCatalogData": _put_catalog,
    "SetRepositoryPolicy": _set_policy,
    "TagResource": _tag,
    "UntagResource": _untag,
}


def _call(operation: str, parameters: Parameters) -> Parameters:
    if get_region() != _HOME:
        raise RefusedError(f"UnsupportedCommandException: ECR Public is not available in {get_region()}; use {_HOME}")
    check(_SERVICE, operation, parameters)
    return _OPERATIONS[operation](parameters)


def _answering(operation: str) -> Operation:
    return lambda parameters: _call(operation, parameters)


def install() -> None:
    """Register the service with ministack."""
    router.SERVICE_PATTERNS[_SERVICE] = {
        "target_prefixes": ["SpencerFrontendService"],
        "host_patterns": [r"api\.ecr-public\."],
        "credential_scope": _SERVICE,
    }
    app.SERVICE_HANDLERS[_SERVICE] = json_service({operation: _answering(operation) for operation in _OPERATIONS})


class PublicRepository(Resource):
    """A public repository."""

    type = "AWS::ECR::PublicRepository"

    def create(self, properties: Properties, name: str) -> Made:
        repository = str(properties.get("RepositoryName") or name.lower())
        stated = {"RepositoryName": repository, "Tags": properties.get("Tags", [])}
        stated["CatalogData"] = properties.get("RepositoryCatalogData") or {}
        made = _call("CreateRepository", request(_SERVICE, "CreateRepository", stated, renamed=_CATALOG))
        self._set_policy(repository, properties)
        return Made(repository, {"Arn": made["repository"]["repositoryArn"]})

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        stated = {"RepositoryName": physical_id, "CatalogData": new.get("RepositoryCatalogData") or {}}
        _call("PutRepositoryCatalogData", request(_SERVICE, "PutRepositoryCatalogData", stated, renamed=_CATALOG))
        self._set_policy(physical_id, new)
        record = _repositories[physical_id]
        provisioners.reconcile_tag_list(record["tags"], old, new)
        return Made(physical_id, {"Arn": record["shown"]["repositoryArn"]})

    def delete(self, physical_id: str, properties: Properties) -> None:
        if physical_id in _repositories:
            _call("DeleteRepository", {"repositoryName": physical_id})

    def _set_policy(self, repository: str, properties: Properties) -> None:
        policy = properties.get("RepositoryPolicyText")
        _repositories[repository]["policy"] = None
        if policy:
            text = policy if isinstance(policy, str) else json.dumps(policy)
            _call("SetRepositoryPolicy", {"repositoryName": repository, "policyText": text})
