"""An image in a repository of Amazon ECR: its tags, when it was pushed, and what its scan found."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import attrs

from moorage.assembly.image_references import GeneratedName, Repository
from moorage.promotion.calls import Account, DeniedError
from moorage.promotion.problems import PromotionError

_SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNDEFINED", "UNTRIAGED")
_SCANNED = {"COMPLETE": "basic", "ACTIVE": "enhanced"}
"""The states of a finished scan (botocore ecr ScanStatus): Amazon Inspector keeps an image in `ACTIVE`."""
_ARCHIVED = {"ARCHIVED", "ACTIVATING"}


@attrs.frozen
class PushedImage:
    """An image in a repository.

    Args:
        digest: The digest.
        tags: The tags.
        pushed: The time of the push; None if ECR does not return the time.
        findings: The number of findings of each severity, or the state of the scan.
        is_archived: True if ECS cannot pull the image, since it is in archive storage.
    """

    digest: str
    tags: tuple[str, ...]
    pushed: dt.datetime | None
    findings: str
    is_archived: bool = False


def repository_name(place: Account, repository: Repository) -> str:
    """Return the name of a repository. If CloudFormation generated the name, CloudFormation is asked.

    Args:
        place: The account and the region of the stack.
        repository: The repository.

    Raises:
        PromotionError: The stack is not deployed, or CloudFormation refuses to tell the name.
    """
    name = repository.name
    if not isinstance(name, GeneratedName):
        return name
    answer = place.call(
        "cloudformation",
        "DescribeStackResource",
        name.stack,
        missing={"ValidationError"},  # there is no such stack, or no such resource
        StackName=name.stack,
        LogicalResourceId=name.logical_id,
    )
    if answer is None:
        raise PromotionError(
            f"CloudFormation names the repository {name.logical_id} of {name.stack}, which is not deployed in {place}; "
            "deploy the stack of the repository first, or give the repository a name"
        )
    return str(answer["StackResourceDetail"]["PhysicalResourceId"])


def described(place: Account, repository: Repository, name: str, wanted: str) -> PushedImage | None:
    """Return an image of a repository; None if the repository or the image does not exist.

    Args:
        place: The account of the credentials, and the region of the repository.
        repository: The repository.
        name: The name of the repository.
        wanted: The digest, or the tag with a colon before it.

    Raises:
        PromotionError: ECR refuses to describe the image.
    """
    identity = {"imageTag": wanted[1:]} if wanted.startswith(":") else {"imageDigest": wanted}
    owner = {"registryId": repository.account} if repository.account else {}
    answer = place.call(
        "ecr",
        "DescribeImages",
        f"the repository {name}",
        missing={"ImageNotFoundException", "RepositoryNotFoundException"},
        repositoryName=name,
        imageIds=[identity],
        **owner,
    )
    details = (answer or {}).get("imageDetails")
    if not details:
        return None
    image: Mapping[str, Any] = details[0]
    return PushedImage(
        image["imageDigest"],
        tuple(sorted(image.get("imageTags", ()))),
        image.get("imagePushedAt"),
        _findings(place, name, image["imageDigest"], owner),
        is_archived=image.get("imageStatus") in _ARCHIVED,
    )


def _findings(place: Account, name: str, digest: str, owner: Mapping[str, str]) -> str:
    """Return what a scan found. `DescribeImages` has no results of basic scans (botocore ecr DescribeImages)."""
    try:
        answer = place.call(
            "ecr",
            "DescribeImageScanFindings",
            f"the repository {name}",
            missing={"ScanNotFoundException", "ImageNotFoundException"},
            repositoryName=name,
            imageId={"imageDigest": digest},
            **owner,
        )
    except DeniedError:
        return "unknown (ecr:DescribeImageScanFindings is denied)"
    status = (answer or {}).get("imageScanStatus", {}).get("status")
    if answer is None or status is None:
        return "not scanned"
    if status not in _SCANNED:
        return f"scan: {status.lower().replace('_', ' ')}"
    found = answer.get("imageScanFindings", {})
    kind = "enhanced" if "enhancedFindings" in found else _SCANNED[status]
    counts = found.get("findingSeverityCounts", {})
    said = [f"{counts[severity]} {severity.lower()}" for severity in _SEVERITIES if counts.get(severity)]
    return f"{', '.join(said) or 'no findings'} ({kind} scan)"
