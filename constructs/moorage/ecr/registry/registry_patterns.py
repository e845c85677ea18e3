"""The event patterns of the events that ECR and Amazon Inspector send to EventBridge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from moorage.workload.severity import Severity

Pattern: TypeAlias = Mapping[str, Any]
"""An event pattern in the JSON form of EventBridge."""

_ECR, _INSPECTOR = "aws.ecr", "aws.inspector2"
_READING_PREFIXES = ("BatchCheck", "BatchGet", "Describe", "Get", "List", "Validate")


def push_pattern(repositories: Sequence[str] | None = None, tags: Sequence[str] | None = None) -> Pattern:
    """Return the pattern of pushed images (ECR guide: event for a completed image push)."""
    return _image_action_pattern("PUSH", repositories, tags)


def deletion_pattern(repositories: Sequence[str] | None = None) -> Pattern:
    """Return the pattern of images deleted by a user or a lifecycle policy (ECR guide: event for an image deletion)."""
    return _image_action_pattern("DELETE", repositories, None)


def archive_pattern(repositories: Sequence[str] | None = None) -> Pattern:
    """Return the pattern of archived images (ECR guide: event for an image archival action)."""
    pattern = _image_action_pattern("UPDATE_STORAGE_CLASS", repositories, None)
    return {**pattern, "detail": {**pattern["detail"], "target-storage-class": ["ARCHIVE"]}}


def replication_pattern(repositories: Sequence[str] | None = None, *, result: str = "SUCCESS") -> Pattern:
    """Return the pattern of replication events, sent by the destination (ECR guide: completed, failed replication)."""
    detail = {"action-type": ["REPLICATE"], "result": [result], **_repository_detail(repositories)}
    return {"source": [_ECR], "detail-type": ["ECR Replication Action"], "detail": detail}


def pull_through_pattern(repositories: Sequence[str] | None = None, *, status: str | None = None) -> Pattern:
    """Return the pattern of pull through cache actions (ECR guide: event for a pull through cache action)."""
    detail = {**({"sync-status": [status]} if status else {}), **_repository_detail(repositories)}
    pattern = {"source": [_ECR], "detail-type": ["ECR Pull Through Cache Action"]}
    return {**pattern, "detail": detail} if detail else pattern


def scan_pattern(repositories: Sequence[str] | None = None, *, by_inspector: bool = False) -> Pattern:
    """Return the pattern of completed scans. Inspector sends an event only for the first scan of an image."""
    if by_inspector:
        detail = {"scan-status": ["INITIAL_SCAN_COMPLETE"], **_repository_detail(repositories, in_arn=True)}
        return {"source": [_INSPECTOR], "detail-type": ["Inspector2 Scan"], "detail": detail}
    detail = {"scan-status": ["COMPLETE"], **_repository_detail(repositories)}
    return {"source": [_ECR], "detail-type": ["ECR Image Scan"], "detail": detail}


def finding_pattern(
    severity: Severity, repositories: Sequence[str] | None = None, *, by_inspector: bool = False
) -> Pattern:
    """Return the pattern of findings with this severity or a higher severity.

    Basic scanning sends an event for each scan, with the number of findings of each severity. Inspector sends an event
    when a finding is created, and whenever it changes.
    """
    if by_inspector:
        image: dict[str, Any] = {"type": ["AWS_ECR_CONTAINER_IMAGE"]}
        if repositories:
            image["details"] = {"awsEcrContainerImage": {"repositoryName": _name_patterns(repositories)}}
        detail: dict[str, Any] = {"severity": list(severity._and_graver), "status": ["ACTIVE"], "resources": image}
        return {"source": [_INSPECTOR], "detail-type": ["Inspector2 Finding"], "detail": detail}
    counts = [{name: [{"numeric": [">", 0]}]} for name in severity._and_graver]
    any_of_them = (
        counts[0] if len(counts) == 1 else {"$or": counts}
    )  # "$or" must be the only key: PutRule was observed to refuse another
    return {
        "source": [_ECR],
        "detail-type": ["ECR Image Scan"],
        "detail": {
            "scan-status": ["COMPLETE"],
            **_repository_detail(repositories),
            "finding-severity-counts": any_of_them,
        },
    }


def api_call_pattern(calls: Sequence[str]) -> Pattern:
    """Return the pattern of ECR API calls that a trail records (ECR guide: logging with CloudTrail)."""
    detail = {"eventSource": ["ecr.amazonaws.com"], "eventName": _name_patterns(calls)}
    return {"source": [_ECR], "detail-type": ["AWS API Call via CloudTrail"], "detail": detail}


def _image_action_pattern(action: str, repositories: Sequence[str] | None, tags: Sequence[str] | None) -> Pattern:
    detail = {"action-type": [action], "result": ["SUCCESS"], **_repository_detail(repositories)}
    if tags:
        detail["image-tag"] = _name_patterns(tags)
    return {"source": [_ECR], "detail-type": ["ECR Image Action"], "detail": detail}


def _repository_detail(repositories: Sequence[str] | None, *, in_arn: bool = False) -> dict[str, Any]:
    if not repositories:
        return {}
    names = [f"*:repository/{name}" for name in repositories] if in_arn else repositories
    return {"repository-name": _name_patterns(names)}


def _name_patterns(names: Sequence[str]) -> list[Any]:
    return [{"wildcard": name} if "*" in name else name for name in names]


def reads(call: str) -> bool:
    """Return whether EventBridge may treat a call as read-only.

    A rule receives read-only management events only if the state of the rule includes them (botocore events RuleState;
    EventBridge guide, filtering management events). The prefixes are those of ECR's read and list actions (service
    authorization reference).
    """
    return call.startswith(_READING_PREFIXES) or "*" in call
