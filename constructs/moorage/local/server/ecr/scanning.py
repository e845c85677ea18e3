"""ECR's basic and enhanced scans: their configuration and their findings.

No scanner runs here. A scan returns the findings in the annotation `moorage.local/findings` of the image's manifest: a
JSON list of findings with `name` and `severity`. A scan is complete as soon as it starts.
"""

from __future__ import annotations

import datetime as dt
import fnmatch
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region

from moorage.local.server.core.adapter import ecr
from moorage.local.server.core.calls import Operation, RefusedError
from moorage.local.server.ecr import registry, repositories
from moorage.local.server.ecr import scan_and_image_events as events

Parameters = dict[str, Any]

ANNOTATION = "moorage.local/findings"
_DEFAULT: Mapping[str, Any] = {"scanType": "BASIC", "rules": []}
_ORDER = ("CONTINUOUS_SCAN", "SCAN_ON_PUSH", "MANUAL")
_INDEX = "application/vnd.oci.image.index.v1+json"
_scans = AccountRegionScopedDict()


def _configuration() -> Parameters:
    return registry.setting("scanning", dict(_DEFAULT))


def _frequency(repository: str, configuration: Mapping[str, Any]) -> tuple[str, list[Parameters]]:
    """Return how often a repository is scanned, and the filters that match its name. The highest frequency applies."""
    for frequency in _ORDER:
        for rule in configuration["rules"]:
            filters = [each for each in rule["repositoryFilters"] if _matches(repository, each["filter"])]
            if rule["scanFrequency"] == frequency and filters:
                return frequency, filters
    own = ecr.repositories[repository].get("imageScanningConfiguration", {}).get("scanOnPush", False)
    return ("SCAN_ON_PUSH" if own and configuration["scanType"] == "BASIC" else "MANUAL"), []


def _matches(repository: str, wildcard: str) -> bool:
    """Return whether a filter matches a name: a filter without a wildcard matches every name that contains it."""
    return fnmatch.fnmatchcase(repository, wildcard if "*" in wildcard else f"*{wildcard}*")


def after_push(repository: str, image: Parameters) -> None:
    """Scan a new image if its repository is scanned on push or continuously."""
    if _frequency(repository, _configuration())[0] != "MANUAL" and _index_type(image) is None:
        _scan(repository, image)


def _index_type(image: Parameters) -> str | None:
    """Return the media type of an image index, which ECR does not scan; None for another image."""
    try:
        manifest = json.loads(image["imageManifest"])
        return str(manifest.get("mediaType", _INDEX)) if "manifests" in manifest else None
    except (ValueError, TypeError, AttributeError):
        return None


def forget(repository: str, digest: str) -> None:
    """Delete the scan of a deleted image."""
    _scans.pop((repository, digest), None)


def shown(repository: str, digest: str) -> Parameters:
    """Return the scan of an image as DescribeImages shows it; empty if the image was not scanned."""
    scan = _scans.get((repository, digest))
    if scan is None:
        return {}
    summary = {name: value for name, value in scan["findings"].items() if not name.lower().endswith("findings")}
    return {"imageScanStatus": scan["status"], "imageScanFindingsSummary": summary}


def _scan(repository: str, image: Parameters) -> Parameters:
    arn = ecr.repositories[repository]["repositoryArn"]
    found = _stated_findings(image)
    counts = dict(Counter(each["severity"] for each in found))
    now = dt.datetime.now(dt.UTC).timestamp()
    findings = {"imageScanCompletedAt": now, "vulnerabilitySourceUpdatedAt": now, "findingSeverityCounts": counts}
    if _configuration()["scanType"] == "ENHANCED":
        enhanced = [_enhanced(each, arn, image, now) for each in found]
        status = {"status": "ACTIVE", "description": "Continuous scan is selected for image."}
        scan = {"status": status, "findings": {**findings, "enhancedFindings": enhanced}}
        _scans[repository, image["imageDigest"]] = scan
        events.enhanced_scan(arn, image, counts, [_in_event(each) for each in enhanced])
    else:
        status = {"status": "COMPLETE", "description": "The scan was completed successfully."}
        scan = {"status": status, "findings": {**findings, "findings": found}}
        _scans[repository, image["imageDigest"]] = scan
        events.scan(arn, image, counts)
    return scan


def _stated_findings(image: Parameters) -> list[Parameters]:
    try:
        annotations = json.loads(image["imageManifest"]).get("annotations") or {}
        return [{"severity": "UNDEFINED", **each} for each in json.loads(annotations.get(ANNOTATION, "[]"))]
    except (ValueError, TypeError, AttributeError):
        return []


def _enhanced(finding: Parameters, repository_arn: str, image: Parameters, now: float) -> Parameters:
    digest, name = image["imageDigest"], finding.get("name", "")
    container = {
        "architecture": "amd64",
        "imageHash": digest,
        "imageTags": list(image["imageTags"]),
        "platform": "LINUX",
        "pushedAt": image["imagePushedAt"],
        "registry": get_account_id(),
        "repositoryName": image["repositoryName"],
    }
    return {
        "awsAccountId": get_account_id(),
        "description": finding.get("description", name),
        "findingArn": f"arn:aws:inspector2:{get_region()}:{get_account_id()}:finding/{digest[7:39]}",
        "firstObservedAt": now,
        "lastObservedAt": now,
        "packageVulnerabilityDetails": {
            "vulnerabilityId": name,
            "source": "NVD",
            "sourceUrl": finding.get("uri", f"https://nvd.nist.gov/vuln/detail/{name}"),
            "vendorSeverity": finding["severity"],
            "vulnerablePackages": [],
        },
        "remediation": {"recommendation": {"text": "None Provided"}},
        "resources": [
            {
                "details": {"awsEcrContainerImage": container},
                "id": f"{repository_arn}/{digest}",
                "tags": {},
                "type": "AWS_ECR_CONTAINER_IMAGE",
            }
        ],
        "severity": finding["severity"],
        "status": "ACTIVE",
        "title": name,
        "type": "PACKAGE_VULNERABILITY",
        "updatedAt": now,
        "fixAvailable": "NO",
        "exploitAvailable": "NO",
    }


def _in_event(finding: Parameters) -> Parameters:
    """Return a finding as an event contains it, with times in Inspector's format."""
    times = ("firstObservedAt", "lastObservedAt", "updatedAt")
    return {**finding, **{name: dt.datetime.fromtimestamp(finding[name], dt.UTC).ctime() for name in times}}


def _answer(parameters: Parameters, image: Parameters, **more: Any) -> Parameters:
    digest = {"imageDigest": image["imageDigest"]}
    name = parameters["repositoryName"]
    return {
        "registryId": get_account_id(),
        "repositoryName": name,
        "imageId": {**parameters["imageId"], **digest},
        **more,
    }


def _start(parameters: Parameters) -> Parameters:
    image = repositories.image_of(parameters)
    if _configuration()["scanType"] == "ENHANCED":
        raise RefusedError("ValidationException: This feature is disabled: the registry is scanned by Inspector")
    index = _index_type(image)
    if index is not None:
        raise RefusedError(
            f"UnsupportedImageTypeException: An artifact with media type '{index}' cannot be scanned. For more "
            "information, see the Amazon ECR documentation."
        )
    _scan(parameters["repositoryName"], image)
    return _answer(parameters, image, imageScanStatus={"status": "IN_PROGRESS"})


def _findings(parameters: Parameters) -> Parameters:
    image = repositories.image_of(parameters)
    scan = _scans.get((parameters["repositoryName"], image["imageDigest"]))
    if scan is None:
        raise RefusedError(f"ScanNotFoundException: Image scan does not exist for the image {image['imageDigest']}")
    return _answer(parameters, image, imageScanStatus=scan["status"], imageScanFindings=scan["findings"])


def _put(parameters: Parameters) -> Parameters:
    before = _configuration()
    wanted = {"scanType": parameters.get("scanType", before["scanType"]), "rules": parameters.get("rules", [])}
    frequencies = [rule["scanFrequency"] for rule in wanted["rules"]]
    # botocore ecr: RegistryScanningRule.scanFrequency; cdk-preflight 1.9.1, rule pf-ecr-registry-scanning-configuration
    for kind, unsupported in (("BASIC", "CONTINUOUS_SCAN"), ("ENHANCED", "MANUAL")):
        if wanted["scanType"] == kind and unsupported in frequencies:
            raise RefusedError(f"InvalidParameterException: Invalid scan frequency for scanType {kind}: {unsupported}")
    for frequency in frequencies:
        if frequencies.count(frequency) > 1:
            raise RefusedError(
                f"InvalidParameterException: Invalid input. Contains duplicate scan frequencies: [{frequency}]"
            )
    registry.put("scanning", wanted)
    _tell(before, wanted)
    return {"registryScanningConfiguration": wanted}


def _tell(before: Parameters, after: Parameters) -> None:
    """Send the event of changed scan frequencies if scans are enhanced."""
    changed = []
    for name, repository in ecr.repositories.items():
        old, new = _frequency(name, before)[0], _frequency(name, after)[0]
        if old != new:
            changed.append(
                {
                    "repository-name": name,
                    "repository-arn": repository["repositoryArn"],
                    "scan-frequency": new,
                    "previous-scan-frequency": old,
                }
            )
    if changed and after["scanType"] == "ENHANCED":
        events.scan_frequencies(after["scanType"], changed)


def _of_repositories(parameters: Parameters) -> Parameters:
    found, failures = [], []
    for name in parameters["repositoryNames"]:
        if name not in ecr.repositories:
            failures.append({"repositoryName": name, "failureCode": "REPOSITORY_NOT_FOUND"})
            continue
        frequency, filters = _frequency(name, _configuration())
        found.append(
            {
                "repositoryArn": ecr.repositories[name]["repositoryArn"],
                "repositoryName": name,
                "scanOnPush": frequency == "SCAN_ON_PUSH",
                "scanFrequency": frequency,
                "appliedScanFilters": filters,
            }
        )
    return {"scanningConfigurations": found, "failures": failures}


OPERATIONS: Mapping[str, Operation] = {
    "BatchGetRepositoryScanningConfiguration": _of_repositories,
    "DescribeImageScanFindings": _findings,
    "GetRegistryScanningConfiguration": lambda _: {
        "registryId": get_account_id(),
        "scanningConfiguration": _configuration(),
    },
    "PutRegistryScanningConfiguration": _put,
    "StartImageScan": _start,
}
"""The ECR API operations on scans."""
