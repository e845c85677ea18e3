"""The records of ECR's repositories and images, with their tags and layers."""

from __future__ import annotations

import fnmatch
import json
import time
from typing import Any

from ministack.core.responses import get_account_id

from moorage.local.server.core.adapter import ecr
from moorage.local.server.core.calls import RefusedError, perform
from moorage.local.server.ecr import registry

Parameters = dict[str, Any]

_IMMUTABLE = ("IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION")
_OF_TEMPLATE = ("encryptionConfiguration", "imageTagMutability")
_FILTERS = "imageTagMutabilityExclusionFilters"


def create(parameters: Parameters) -> Parameters:
    """Create a repository and return its record. A name that exists is refused."""
    _check_filters(parameters)
    perform(ecr.create_repository, parameters)
    record: Parameters = ecr.repositories[parameters["repositoryName"]]
    record |= {name: value for name, value in parameters.items() if name.startswith("image")}
    return record


def create_for(name: str, purpose: str) -> Parameters:
    """Create a repository on the user's behalf, from the registry's creation template, and return its record.

    Args:
        name: The repository's name.
        purpose: The reason why ECR creates the repository, such as `REPLICATION`.
    """
    template = registry.template(name, purpose) or {}
    wanted = {key: template[key] for key in (*_OF_TEMPLATE, _FILTERS) if key in template}
    record = create({"repositoryName": name, "tags": template.get("resourceTags", []), **wanted})
    if "lifecyclePolicy" in template:
        ecr.lifecycle_policies[name] = template["lifecyclePolicy"]
    if "repositoryPolicy" in template:
        ecr.repo_policies[name] = template["repositoryPolicy"]
    return record


def set_mutability(parameters: Parameters) -> Parameters:
    """Change the tag mutability of a repository, and return the output of PutImageTagMutability."""
    record = repository_of(parameters)
    _check_filters(parameters)
    record["imageTagMutability"] = parameters["imageTagMutability"]
    record.pop(_FILTERS, None)
    if _FILTERS in parameters:
        record[_FILTERS] = parameters[_FILTERS]
    shown = ("repositoryName", "registryId", "imageTagMutability", _FILTERS)
    return {key: record[key] for key in shown if key in record}


def _check_filters(parameters: Parameters) -> None:
    mutability = parameters.get("imageTagMutability", "MUTABLE")
    exclusive = mutability.endswith("_WITH_EXCLUSION")
    if exclusive != bool(parameters.get(_FILTERS)):  # cdk-preflight 1.9.1, rule pf-ecr-image-tag-mutability-filters
        rule = "can't be null" if exclusive else "are not allowed"
        raise RefusedError(
            f"InvalidParameterException: ImageTagMutabilityExclusionFilters {rule} when imageTagMutability is set to "
            f"{mutability}"
        )


def set_policy(parameters: Parameters) -> Parameters:
    """Set the policy of a repository, and return the output of SetRepositoryPolicy.

    A policy without statements, or with a resource in a statement, is refused (aws/aws-cdk issue 24314).
    """
    try:
        stated = json.loads(parameters["policyText"]).get("Statement") or []
    except (ValueError, AttributeError):
        stated = []
    statements = stated if isinstance(stated, list) else [stated]
    if not statements or any("Resource" in each or "NotResource" in each for each in statements):
        raise RefusedError(
            "InvalidParameterException: Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid "
            "repository policy provided'"
        )
    return perform(ecr.set_repository_policy, parameters)


def repository_of(parameters: Parameters) -> Parameters:
    """Return the record of the repository that a request names, or refuse an unknown name."""
    name = parameters["repositoryName"]
    if name not in ecr.repositories:
        raise RefusedError(
            f"RepositoryNotFoundException: The repository with name '{name}' does not exist "
            f"in the registry with id '{get_account_id()}'"
        )
    record: Parameters = ecr.repositories[name]
    return record


def image_of(parameters: Parameters) -> Parameters:
    """Return the record of the image that a request names, or refuse an unknown image."""
    name = repository_of(parameters)["repositoryName"]
    image: Parameters | None = ecr.find_image(name, parameters["imageId"])
    if image is None:
        raise RefusedError(
            f"ImageNotFoundException: The image with imageId {json.dumps(parameters['imageId'])} does not exist "
            f"within the repository with name '{name}' in the registry with id '{get_account_id()}'"
        )
    return image


def is_fixed(repository: str, tag: str, digest: str) -> bool:
    """Return whether a tag is on another image and immutable.

    Args:
        repository: The repository's name.
        tag: The tag.
        digest: The digest of the image that would get the tag.
    """
    holder = ecr.find_image(repository, {"imageTag": tag})
    if holder is None or holder["imageDigest"] == digest:
        return False
    record = ecr.repositories[repository]
    mutability = record.get("imageTagMutability", "MUTABLE")
    excluded = any(fnmatch.fnmatchcase(tag, each["filter"]) for each in record.get(_FILTERS, ()))
    fixed: bool = (mutability in _IMMUTABLE) != excluded
    return fixed


def keep(repository: str, image: Parameters, tag: str | None) -> Parameters:
    """Put an image into a repository, or only its tag if the image is already there. Return the record of the image.

    Args:
        repository: The repository's name.
        image: The image's record, as ministack keeps it.
        tag: The tag, which is removed from any other image; None for no tag.
    """
    images = ecr.images.setdefault(repository, [])
    kept: Parameters | None = ecr.find_image(repository, {"imageDigest": image["imageDigest"]})
    if kept is None:
        identity = {"imageDigest": image["imageDigest"]}
        of_here = {"registryId": get_account_id(), "repositoryName": repository, "imagePushedAt": int(time.time())}
        kept = {**image, **of_here, "imageId": identity, "imageTags": []}
        images.append(kept)
    if tag is not None:
        for other in images:
            if tag in other["imageTags"]:
                other["imageTags"].remove(tag)
        kept["imageTags"].append(tag)
        kept["imageId"]["imageTag"] = tag
    return kept


def layers(manifest: str) -> dict[str, int]:
    """Return the sizes in bytes of the layers and of the configuration that a manifest names, by digest.

    Return an empty dict for a text that is not such a manifest.
    """
    try:
        document = json.loads(manifest)
        parts = [*document.get("layers", ()), *([document["config"]] if "config" in document else ())]
        return {part["digest"]: int(part.get("size", 0)) for part in parts}
    except (ValueError, TypeError, KeyError, AttributeError):
        return {}
