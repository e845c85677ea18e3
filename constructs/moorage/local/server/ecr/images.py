"""Pushes, pulls, descriptions and deletions of images in ECR, with layers, events, scans, copies and signatures."""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ministack.core.responses import get_account_id, new_uuid

from moorage.local.server.core.adapter import ecr, signer
from moorage.local.server.core.adapter import iam_evaluator as iam
from moorage.local.server.core.calls import Operation, RefusedError
from moorage.local.server.ecr import pull_through, registry, replication, repositories, scanning
from moorage.local.server.ecr import scan_and_image_events as events

Parameters = dict[str, Any]

_DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
_PART = 10 * 1024 * 1024


def _arrived(repository: str, image: Parameters, tag: str | None) -> None:
    events.image_action("PUSH", repository, image["imageDigest"], tag)
    scanning.after_push(repository, image)
    replication.after_push(repository, image, tag)


def _put(parameters: Parameters) -> Parameters:
    name, manifest, tag = parameters["repositoryName"], parameters["imageManifest"], parameters.get("imageTag")
    if name not in ecr.repositories and registry.template(name, "CREATE_ON_PUSH"):
        repositories.create_for(name, "CREATE_ON_PUSH")
    repositories.repository_of(parameters)
    digest = ecr.image_digest(manifest)
    if parameters.get("imageDigest", digest) != digest:
        raise RefusedError(
            "ImageDigestDoesNotMatchException: The image digest does not match the digest of the manifest"
        )
    there = ecr.find_image(name, {"imageDigest": digest})
    if there and (tag is None or tag in there["imageTags"]):
        raise RefusedError(
            f"ImageAlreadyExistsException: Image with digest '{digest}' and tag '{tag}' already exists "
            f"in the repository with name '{name}'"
        )
    _refuse_fixed(name, tag, digest)
    media_type = parameters.get("imageManifestMediaType", _DOCKER)
    record = {"imageDigest": digest, "imageManifest": manifest, "imageManifestMediaType": media_type}
    image = repositories.keep(name, record, tag)
    _arrived(name, image, tag)
    return {"image": _shown(image, {"imageDigest": digest, **({"imageTag": tag} if tag else {})})}


def _refuse_fixed(repository: str, tag: str | None, digest: str) -> None:
    if tag is not None and repositories.is_fixed(repository, tag, digest):
        raise RefusedError(
            f"ImageTagAlreadyExistsException: The image tag '{tag}' already exists in the '{repository}' repository "
            "and cannot be overwritten because the tag is immutable."
        )


def _shown(image: Parameters, image_id: Parameters) -> Parameters:
    return {
        "registryId": get_account_id(),
        "repositoryName": image["repositoryName"],
        "imageId": image_id,
        "imageManifest": image["imageManifest"],
        "imageManifestMediaType": image.get("imageManifestMediaType", _DOCKER),
    }


def pulled(repository: str, image_id: Parameters) -> Parameters | None:
    """Return the image that a pull requests, fetched from upstream if necessary; None if the image does not exist.

    Record the time of the pull unless the caller is excluded.
    """
    image = pull_through.fetch(repository, image_id)
    if image is not None and not registry.excludes(iam.caller_arn()):
        image["lastRecordedPullTime"] = time.time()
    return image


def _get(parameters: Parameters) -> Parameters:
    name = parameters["repositoryName"]
    images, failures = [], []
    for image_id in parameters["imageIds"]:
        image = pulled(name, image_id)
        if image is None:
            failures.append(_not_found(image_id))
        else:
            images.append(_shown(image, {**image_id, "imageDigest": image["imageDigest"]}))
    repositories.repository_of(parameters)
    return {"images": images, "failures": failures}


def _not_found(image_id: Parameters) -> Parameters:
    return {"imageId": image_id, "failureCode": "ImageNotFound", "failureReason": "Requested image not found"}


def _delete(parameters: Parameters) -> Parameters:
    repositories.repository_of(parameters)
    name, deleted, failures = parameters["repositoryName"], [], []
    for image_id in parameters["imageIds"]:
        image = ecr.find_image(name, image_id)
        if image is None:
            failures.append(_not_found(image_id))
            continue
        tags = [image_id["imageTag"]] if "imageTag" in image_id else list(image["imageTags"])
        for tag in tags or [None]:
            deleted.append({"imageDigest": image["imageDigest"], **({"imageTag": tag} if tag else {})})
            events.image_action("DELETE", name, image["imageDigest"], tag)
        image["imageTags"] = [tag for tag in image["imageTags"] if tag not in tags]
        if not image["imageTags"]:
            _drop(name, image)
    return {"imageIds": deleted, "failures": failures}


def _drop(repository: str, image: Parameters) -> None:
    ecr.images[repository].remove(image)
    ecr.manifest_blobs.get(repository, {}).pop(image["imageDigest"], None)
    scanning.forget(repository, image["imageDigest"])
    replication.forget(repository, image["imageDigest"])


def _list(parameters: Parameters) -> Parameters:
    repositories.repository_of(parameters)
    status = parameters.get("filter", {}).get("tagStatus", "ANY")
    found = [
        {"imageDigest": image["imageDigest"], **({"imageTag": tag} if tag else {})}
        for image in _selected(parameters["repositoryName"], status)
        for tag in image["imageTags"] or [None]
    ]
    return {"imageIds": found}


def _selected(repository: str, tag_status: str) -> Iterator[Parameters]:
    for image in ecr.images.get(repository, ()):
        if tag_status == "ANY" or (tag_status == "TAGGED") == bool(image["imageTags"]):
            yield image


def _describe(parameters: Parameters) -> Parameters:
    repositories.repository_of(parameters)
    name, status = parameters["repositoryName"], parameters.get("filter", {}).get("tagStatus", "ANY")
    wanted = parameters.get("imageIds")
    found = (
        [repositories.image_of({"repositoryName": name, "imageId": image_id}) for image_id in wanted]
        if wanted
        else _selected(name, status)
    )
    return {"imageDetails": [_details(image) for image in found]}


def _details(image: Parameters) -> Parameters:
    name, digest = image["repositoryName"], image["imageDigest"]
    media_type = image.get("imageManifestMediaType", _DOCKER)
    details = {
        "registryId": get_account_id(),
        "repositoryName": name,
        "imageDigest": digest,
        "imageSizeInBytes": sum(repositories.layers(image["imageManifest"]).values()) or len(image["imageManifest"]),
        "imagePushedAt": image["imagePushedAt"],
        "imageManifestMediaType": media_type,
        "artifactMediaType": media_type,
        "imageStatus": "ACTIVE",
        **scanning.shown(name, digest),
    }
    if image["imageTags"]:
        details["imageTags"] = list(image["imageTags"])
    if "lastRecordedPullTime" in image:
        details["lastRecordedPullTime"] = image["lastRecordedPullTime"]
    return details


def _signing_status(parameters: Parameters) -> Parameters:
    image, name = repositories.image_of(parameters), parameters["repositoryName"]
    statuses = []
    for rule in registry.signing_rules():
        filters = rule.get("repositoryFilters") or [{"filter": "*"}]
        if any(fnmatch.fnmatchcase(name, each["filter"]) for each in filters):
            statuses.append(_signed(rule["signingProfileArn"]))
    wanted = {**parameters["imageId"], "imageDigest": image["imageDigest"]}
    return {
        "registryId": get_account_id(), "repositoryName": name, "imageId": wanted, "signingStatuses": statuses,
    }  # fmt: skip


def _signed(profile_arn: str) -> Parameters:
    profile = next((each for each in signer.profiles.values() if each["arn"] == profile_arn), None)
    if profile is not None and profile.get("status", "Active") == "Active":
        return {"signingProfileArn": profile_arn, "status": "COMPLETE"}
    reason = "The signing profile was not found or was canceled"
    return {
        "signingProfileArn": profile_arn, "status": "FAILED", "failureCode": "InvalidProfile", "failureReason": reason,
    }  # fmt: skip


def _initiate_upload(parameters: Parameters) -> Parameters:
    repositories.repository_of(parameters)
    upload = new_uuid()
    ecr.uploads.setdefault(parameters["repositoryName"], {})[upload] = bytearray()
    return {"uploadId": upload, "partSize": _PART}


def _upload_of(parameters: Parameters) -> bytearray:
    repositories.repository_of(parameters)
    upload = ecr.uploads.get(parameters["repositoryName"], {}).get(parameters["uploadId"])
    if upload is None:
        raise RefusedError(f"UploadNotFoundException: The upload '{parameters['uploadId']}' was not found")
    content: bytearray = upload
    return content


def _upload(parameters: Parameters) -> Parameters:
    content = _upload_of(parameters)
    if parameters["partFirstByte"] != len(content):
        raise RefusedError(f"InvalidLayerPartException: The part must begin at byte {len(content)}")
    content.extend(base64.b64decode(parameters["layerPartBlob"]))
    shown = {name: parameters[name] for name in ("repositoryName", "uploadId")}
    return {**shown, "registryId": get_account_id(), "lastByteReceived": len(content) - 1}


def _complete_upload(parameters: Parameters) -> Parameters:
    content, name = bytes(_upload_of(parameters)), parameters["repositoryName"]
    if not content:
        raise RefusedError("EmptyUploadException: The upload has no parts")
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if digest not in parameters["layerDigests"]:
        raise RefusedError(f"InvalidLayerException: The layer's digest is {digest}")
    kept = ecr.layer_blobs.setdefault(name, {})
    if digest in kept:
        raise RefusedError(f"LayerAlreadyExistsException: Layer with digest '{digest}' already exists")
    kept[digest] = content
    ecr.uploads[name].pop(parameters["uploadId"])
    return {
        "registryId": get_account_id(), "repositoryName": name, "uploadId": parameters["uploadId"],
        "layerDigest": digest,
    }  # fmt: skip


def _availability(parameters: Parameters) -> Parameters:
    repositories.repository_of(parameters)
    kept = ecr.layer_blobs.get(parameters["repositoryName"], {})
    shown = [
        {"layerDigest": digest, "layerAvailability": "AVAILABLE", "layerSize": len(kept[digest])}
        if digest in kept
        else {"layerDigest": digest, "layerAvailability": "UNAVAILABLE", "layerSize": 0}
        for digest in parameters["layerDigests"]
    ]
    return {"layers": shown, "failures": []}


def install() -> None:
    """Give the requests of `docker push` and `docker pull` the same effects as the API operations."""
    put, get, head = ecr.v2_put_manifest, ecr.v2_get_manifest, ecr.v2_head_manifest

    def pushed(name: str, reference: str, headers: Mapping[str, str], body: bytes) -> Any:
        tag = None if reference.startswith("sha256:") else reference
        if name not in ecr.repositories and registry.template(name, "CREATE_ON_PUSH"):
            repositories.create_for(name, "CREATE_ON_PUSH")
        if tag and name in ecr.repositories and repositories.is_fixed(name, tag, ecr.content_digest(body)):
            return ecr.registry_error(400, "TAG_INVALID", f"tag '{tag}' is immutable", {"tag": tag})
        answer = put(name, reference, headers, body)
        if answer[0] < 300:  # noqa: PLR2004  # HTTP status codes below 300 mean success
            image = ecr.find_image(name, {"imageDigest": ecr.content_digest(body)})
            _arrived(name, image, tag)
        return answer

    def fetching(answer: Callable[[str, str], Any]) -> Callable[[str, str], Any]:
        def fetched(name: str, reference: str) -> Any:
            pulled(name, {"imageDigest" if reference.startswith("sha256:") else "imageTag": reference})
            return answer(name, reference)

        return fetched

    ecr.v2_put_manifest = pushed
    ecr.v2_get_manifest, ecr.v2_head_manifest = fetching(get), fetching(head)


OPERATIONS: Mapping[str, Operation] = {
    "BatchCheckLayerAvailability": _availability,
    "BatchDeleteImage": _delete,
    "BatchGetImage": _get,
    "CompleteLayerUpload": _complete_upload,
    "DescribeImageSigningStatus": _signing_status,
    "DescribeImages": _describe,
    "InitiateLayerUpload": _initiate_upload,
    "ListImages": _list,
    "PutImage": _put,
    "UploadLayerPart": _upload,
}
"""The ECR API operations on images."""
