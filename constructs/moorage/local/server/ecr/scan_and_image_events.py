"""The events that ECR and, for enhanced scanning, Inspector send to the default event bus of an account and region.

Their structure is that of the sample events in the ECR and Inspector user guides.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from moorage.local.server.core.adapter import eventbridge
from moorage.local.server.core.calls import perform


def emit(source: str, detail_type: str, resources: Sequence[str], detail: Mapping[str, Any]) -> None:
    """Put an event of a service on the default event bus of the request's account and region.

    Args:
        source: The service, such as `aws.ecr`.
        detail_type: The type of the event.
        resources: The ARNs of the resources that the event concerns.
        detail: The detail of the event; values of None are left out.
    """
    eventbridge.ensure_default_bus()
    entry = {
        "Source": source,
        "DetailType": detail_type,
        "Resources": list(resources),
        "Detail": json.dumps({name: value for name, value in detail.items() if value is not None}),
    }
    perform(lambda data: eventbridge.put_events(data, allow_aws_source=True), {"Entries": [entry]})


def image_action(action: str, repository: str, digest: str, tag: str | None) -> None:
    """Send the event of a `PUSH` or `DELETE` of an image or of one of its tags."""
    detail = {
        "result": "SUCCESS",
        "repository-name": repository,
        "image-digest": digest,
        "action-type": action,
        "image-tag": tag,
    }
    emit("aws.ecr", "ECR Image Action", (), detail)


def replication(repository_arn: str, digest: str, tag: str | None, source: tuple[str, str], *, result: str) -> None:
    """Send the event of a successful or failed replication of an image to a destination."""
    detail = {
        "result": result,
        "repository-name": _name(repository_arn),
        "image-digest": digest,
        "source-account": source[0],
        "action-type": "REPLICATE",
        "source-region": source[1],
        "image-tag": tag,
    }
    emit("aws.ecr", "ECR Replication Action", [repository_arn], detail)


def pull_through(
    repository_arn: str, rule: Mapping[str, Any], digest: str | None, tag: str | None, failure: str
) -> None:
    """Send the event of a pull from an upstream registry.

    Args:
        repository_arn: The ARN of the repository for the image.
        rule: The pull-through cache rule.
        digest: The image's digest, if it is known.
        tag: The requested tag, if a tag was requested.
        failure: The reason for a failure; empty after a success.
    """
    detail = {
        "rule-version": "1",
        "sync-status": "FAILURE" if failure else "SUCCESS",
        "ecr-repository-prefix": rule["ecrRepositoryPrefix"],
        "repository-name": _name(repository_arn),
        "upstream-registry-url": rule["upstreamRegistryUrl"],
        "image-tag": tag,
        "image-digest": digest,
        "failure-code": "UPSTREAM_UNAVAILABLE" if failure else None,
        "failure-reason": failure or None,
    }
    emit("aws.ecr", "ECR Pull Through Cache Action", [repository_arn], detail)


def scan(repository_arn: str, image: Mapping[str, Any], counts: Mapping[str, int]) -> None:
    """Send the event of a completed basic scan."""
    detail = {
        "scan-status": "COMPLETE",
        "repository-name": _name(repository_arn),
        "finding-severity-counts": dict(counts),
        "image-digest": image["imageDigest"],
        "image-tags": list(image["imageTags"]),
    }
    emit("aws.ecr", "ECR Image Scan", [repository_arn], detail)


def enhanced_scan(
    repository_arn: str, image: Mapping[str, Any], counts: Mapping[str, int], findings: Sequence[Mapping[str, Any]]
) -> None:
    """Send Inspector's event of a completed initial scan, and one event for each finding."""
    detail = {
        "version": "1.0",
        "scan-status": "INITIAL_SCAN_COMPLETE",
        "repository-name": repository_arn,
        "finding-severity-counts": {**counts, "TOTAL": sum(counts.values())},
        "image-digest": image["imageDigest"],
        "image-tags": list(image["imageTags"]),
    }
    emit("aws.inspector2", "Inspector2 Scan", [repository_arn], detail)
    for finding in findings:
        emit("aws.inspector2", "Inspector2 Finding", [f"{repository_arn}/{image['imageDigest']}"], finding)


def scan_frequencies(scan_type: str, changed: Sequence[Mapping[str, str]]) -> None:
    """Send the event of changed scan frequencies."""
    detail = {
        "action-type": "SCAN_FREQUENCY_CHANGE",
        "repositories": list(changed),
        "resource-type": "REPOSITORY",
        "scan-type": scan_type,
    }
    emit("aws.ecr", "ECR Scan Resource Change", [each["repository-arn"] for each in changed], detail)


def _name(repository_arn: str) -> str:
    return repository_arn.partition(":repository/")[2]
