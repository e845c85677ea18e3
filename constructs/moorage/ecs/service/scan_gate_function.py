"""The function that ECS asks before a deployment: it refuses images with findings or without a scan.

The template contains this text, so it is short and imports nothing of moorage.
"""

import json
import time
from collections import Counter
from fnmatch import fnmatchcase
from os import environ
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

NO, WAIT, YES = "FAILED", "IN_PROGRESS", "SUCCEEDED"  # in this order, so that the smallest counts


def handler(event: Any, _context: Any) -> dict[str, Any]:
    """Judge each image of the new version (ECS developer guide, "Lambda hooks")."""
    config = Config(connect_timeout=3, read_timeout=8, retries={"total_max_attempts": 2})
    ecs, ecr = (boto3.client(each, config=config) for each in ("ecs", "ecr"))
    state = {"stopAt": int(time.time()) + int(environ["STOP_AFTER"]), **(event.get("hookDetails") or {})}
    arn = event["executionDetails"]["targetServiceRevisionArn"]
    try:
        found = ecs.describe_service_revisions(serviceRevisionArns=[arn]).get("serviceRevisions", ())
        verdict = min((_judge(ecr, each) for one in found for each in one.get("containerImages", ())), default=WAIT)
    except (BotoCoreError, ClientError) as error:  # such as a throttled call
        verdict = _say(WAIT, arn, f"could not be checked: {error}")
    if verdict == WAIT and time.time() < state["stopAt"]:
        return {"hookStatus": WAIT, "callBackDelay": 10, "hookDetails": state}
    return {"hookStatus": YES if verdict == YES else NO}


def _say(verdict: str, image: str, reason: str) -> str:
    print(f"{verdict}: {image} {reason}.")
    return verdict


def _judge(ecr: Any, container: Any) -> str:
    image = container["image"]
    if any(fnmatchcase(image, each) for each in environ["UNSCANNED"].split()):
        return _say(YES, image, "may run without a scan")
    host, _, rest = image.partition("/")
    if host not in environ["REGISTRIES"].split():
        return _say(NO, image, "is not in ECR in this account and region")
    path, _, digest = rest.partition("@")
    name, _, tag = path.partition(":")
    digest = digest or container.get("imageDigest")  # ECS resolves a tag only when the first task starts
    wanted = {"imageDigest": digest} if digest else {"imageTag": tag or "latest"}
    try:
        found = ecr.batch_get_image(repositoryName=name, imageIds=[wanted])["images"]
    except ecr.exceptions.RepositoryNotFoundException:
        found = []
    if not found:
        return _say(NO, image, "does not exist")
    # ECR scans the images of an index, not the index; BuildKit's attestations have the platform unknown
    parts = json.loads(found[0]["imageManifest"]).get("manifests", [{"digest": found[0]["imageId"]["imageDigest"]}])
    kept = [each["digest"] for each in parts if each.get("platform", {}).get("os") != "unknown"]
    return min((_scan(ecr, f"{image} ({each})", name, {"imageDigest": each}) for each in kept), default=NO)


def _scan(ecr: Any, image: str, name: str, image_id: Any) -> str:
    status, counts, of = "", Counter[str](), {"repositoryName": name}
    try:
        for page in ecr.get_paginator("describe_image_scan_findings").paginate(imageId=image_id, **of):
            status = page["imageScanStatus"]["status"]
            counts |= Counter(page.get("imageScanFindings", {}).get("findingSeverityCounts", {}))
    except ecr.exceptions.ScanNotFoundException:
        pushed = ecr.describe_images(imageIds=[image_id], **of)["imageDetails"][0]["imagePushedAt"]
        is_old = time.time() - pushed.timestamp() > int(environ["STOP_AFTER"])
        return _say(NO if is_old else WAIT, image, "has no scan")
    if status not in ("COMPLETE", "ACTIVE"):  # basic, enhanced
        return _say(WAIT if status in ("IN_PROGRESS", "PENDING") else NO, image, f"has the scan status {status}")
    grave = [f"{counts[each]} {each}" for each in environ["SEVERITIES"].split() if counts[each]]
    return _say(NO if grave else YES, image, f"has refused findings: {', '.join(grave) or 'none'}")
