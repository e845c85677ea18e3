"""ECR's replication: a pushed image is copied to each destination region and account of the registry's rules.

Replication is complete when the push returns. As on AWS, images that are older than a rule are not copied, deletions
are not replicated, and a copy is not copied again. The registry policy of another account must allow the replication.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region, request_scope

from moorage.local.server.core.adapter import ecr
from moorage.local.server.core.adapter import iam_evaluator as iam
from moorage.local.server.core.calls import Operation
from moorage.local.server.ecr import registry, repositories, scanning
from moorage.local.server.ecr import scan_and_image_events as events

Parameters = dict[str, Any]

_DENIED = "AccessDenied"
_statuses = AccountRegionScopedDict()


def after_push(repository: str, image: Parameters, tag: str | None) -> None:
    """Copy a pushed image to the destinations of this registry's rules.

    Args:
        repository: The name of the image's repository.
        image: ministack's record of the image.
        tag: The tag that the image was pushed with; None for a push by digest.
    """
    for rule in registry.replication_rules():
        filters = rule.get("repositoryFilters") or []
        if filters and not any(repository.startswith(each["filter"]) for each in filters):
            continue
        for destination in rule["destinations"]:
            _send(repository, image, tag, destination)


def forget(repository: str, digest: str) -> None:
    """Delete the replication statuses of a deleted image."""
    _statuses.pop((repository, digest), None)


def _send(repository: str, image: Parameters, tag: str | None, destination: Mapping[str, str]) -> None:
    source, digest = (get_account_id(), get_region()), image["imageDigest"]
    content = _Content(repository, digest)
    with request_scope(destination["registryId"], destination["region"]):
        arn = ecr.repo_arn(repository)
        arrived = _may(source[0], "ecr:ReplicateImage", arn) and (
            repository in ecr.repositories or _may(source[0], "ecr:CreateRepository", arn)
        )
        if arrived:
            if repository not in ecr.repositories:
                repositories.create_for(repository, "REPLICATION")
            copied = _keep(repository, image, tag, content)
            events.replication(arn, digest, tag, source, result="SUCCESS")
            scanning.after_push(repository, copied)
    if not arrived:
        # AWS's guide does not say which registry gets the event of a failure. Here the source gets it.
        events.replication(ecr.repo_arn(repository), digest, tag, source, result="FAILED")
    status = {"region": destination["region"], "registryId": destination["registryId"]}
    status |= {"status": "COMPLETE"} if arrived else {"status": "FAILED", "failureCode": _DENIED}
    known = _statuses.setdefault((repository, digest), {})
    known[destination["registryId"], destination["region"]] = status


class _Content:
    """The bytes of an image's manifest, and the layers of its repository."""

    def __init__(self, repository: str, digest: str) -> None:
        self.manifest = ecr.manifest_blobs.get(repository, {}).get(digest)
        self.layers = dict(ecr.layer_blobs.get(repository, {}))

    def of(self, manifest: str) -> dict[str, bytes]:
        """Return the layers that a manifest names."""
        return {digest: blob for digest, blob in self.layers.items() if digest in repositories.layers(manifest)}


def _keep(repository: str, image: Parameters, tag: str | None, content: _Content) -> Parameters:
    digest = image["imageDigest"]
    ecr.layer_blobs.setdefault(repository, {}).update(content.of(image["imageManifest"]))
    if content.manifest is not None:
        ecr.manifest_blobs.setdefault(repository, {})[digest] = content.manifest
    # A tag that is immutable at the destination stays on its image: the copy has no tag.
    taken = tag is not None and repositories.is_fixed(repository, tag, digest)
    return repositories.keep(repository, copy.deepcopy(image), None if taken else tag)


def _may(source: str, action: str, repository_arn: str) -> bool:
    """Return whether the registry policy allows an account to perform an action.

    The account of the registry needs no policy.
    """
    if source == get_account_id():
        return True
    context = iam.EvalContext(
        principal_arn=f"arn:aws:iam::{source}:root",
        principal_type="Root",
        principal_account=source,
        action=action,
        resource_arn=repository_arn,
        region=get_region(),
        secure_transport=True,
    )
    allowed: bool = iam.resource_policy_allows(registry.policy(), context, same_account=False)
    return allowed


def _status(parameters: Parameters) -> Parameters:
    name, image = parameters["repositoryName"], repositories.image_of(parameters)
    known = _statuses.get((name, image["imageDigest"]), {})
    wanted = {**parameters["imageId"], "imageDigest": image["imageDigest"]}
    return {"repositoryName": name, "imageId": wanted, "replicationStatuses": list(known.values())}


OPERATIONS: Mapping[str, Operation] = {"DescribeImageReplicationStatus": _status}
"""The ECR API operations on replication."""
