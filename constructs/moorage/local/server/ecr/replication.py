"""ECR's replication: an image that is pushed is copied to each destination region and account of the registry's rules.

It is over when the push answers. What was there before a rule is not copied, deletions are not, and a copy goes no
further. The destination is asked as on AWS: another account's registry policy must allow it.
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
    """Copy an image that was pushed to where this registry's rules say.

    Args:
        repository: Its repository's name.
        image: ministack's record of it.
        tag: The tag that it was pushed with.
    """
    for rule in registry.replication_rules():
        filters = rule.get("repositoryFilters") or []
        if filters and not any(repository.startswith(each["filter"]) for each in filters):
            continue
        for destination in rule["destinations"]:
            _send(repository, image, tag, destination)


def forget(repository: str, digest: str) -> None:
    """Drop what is known of the copies of an image that is gone."""
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
        # AWS's guide does not say which side hears of a failure: here it is the one that can act on it.
        events.replication(ecr.repo_arn(repository), digest, tag, source, result="FAILED")
    status = {"region": destination["region"], "registryId": destination["registryId"]}
    status |= {"status": "COMPLETE"} if arrived else {"status": "FAILED", "failureCode": _DENIED}
    known = _statuses.setdefault((repository, digest), {})
    known[destination["registryId"], destination["region"]] = status


class _Content:
    """What belongs to an image beside its record: its manifest's bytes and its layers."""

    def __init__(self, repository: str, digest: str) -> None:
        self.manifest = ecr.manifest_blobs.get(repository, {}).get(digest)
        self.layers = dict(ecr.layer_blobs.get(repository, {}))

    def of(self, manifest: str) -> dict[str, bytes]:
        """The layers that a manifest names."""
        return {digest: blob for digest, blob in self.layers.items() if digest in repositories.layers(manifest)}


def _keep(repository: str, image: Parameters, tag: str | None, content: _Content) -> Parameters:
    digest = image["imageDigest"]
    ecr.layer_blobs.setdefault(repository, {}).update(content.of(image["imageManifest"]))
    if content.manifest is not None:
        ecr.manifest_blobs.setdefault(repository, {})[digest] = content.manifest
    # A tag that is immutable at the destination stays where it is: the copy comes without it.
    taken = tag is not None and repositories.is_fixed(repository, tag, digest)
    return repositories.keep(repository, copy.deepcopy(image), None if taken else tag)


def _may(source: str, action: str, repository_arn: str) -> bool:
    """Whether this registry's policy lets another account do something; its own account needs no policy."""
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
"""The operations of ECR's API on replication."""
