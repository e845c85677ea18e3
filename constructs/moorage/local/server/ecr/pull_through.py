"""ECR's pull-through cache: an image under a rule's prefix is fetched from the upstream registry and kept.

An upstream registry of ECR is looked up in the local AWS. Other registries are not contacted: each is assumed to have
every image, and the image that is kept is a manifest without layers that names the source.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ministack.core.responses import request_scope

from moorage.local.server.core.adapter import ecr
from moorage.local.server.ecr import registry, repositories, scanning
from moorage.local.server.ecr import scan_and_image_events as events

Parameters = dict[str, Any]

_PRIVATE = re.compile(r"(?P<account>\d{12})\.dkr[.-]ecr\.(?P<region>[a-z0-9-]+)\..+")
_MEDIA_TYPE = "application/vnd.oci.image.manifest.v1+json"


def fetch(repository: str, image_id: Parameters) -> Parameters | None:
    """Return the image that a pull requests, fetched from upstream if a rule applies; None if the image does not exist.

    Args:
        repository: The repository's name in this registry.
        image_id: The image identifier, which has the member `imageTag` or `imageDigest`.
    """
    rule = registry.cache_rule(repository)
    here = ecr.find_image(repository, image_id) if repository in ecr.repositories else None
    if here is not None or rule is None:
        return here
    arn, tag = ecr.repo_arn(repository), image_id.get("imageTag")
    upstream = _upstream(repository, rule, image_id)
    if upstream is None:
        events.pull_through(arn, rule, image_id.get("imageDigest"), tag, "the upstream registry has no such image")
        return None
    if repository not in ecr.repositories:
        repositories.create_for(repository, "PULL_THROUGH_CACHE")
    kept = repositories.keep(repository, upstream, tag)
    events.pull_through(arn, rule, kept["imageDigest"], tag, "")
    scanning.after_push(repository, kept)
    return kept


def _upstream(repository: str, rule: Parameters, image_id: Parameters) -> Parameters | None:
    prefix, theirs = rule["ecrRepositoryPrefix"], rule["upstreamRepositoryPrefix"]
    name = repository if prefix == "ROOT" else repository.removeprefix(f"{prefix.rstrip('/')}/")
    name = name if theirs == "ROOT" else f"{theirs.rstrip('/')}/{name}"
    private = _PRIVATE.fullmatch(rule["upstreamRegistryUrl"])
    if private:
        with request_scope(private["account"], private["region"]):
            found: Parameters | None = ecr.find_image(name, image_id)
            return found
    source = f"{rule['upstreamRegistryUrl']}/{name}"
    stated = image_id.get("imageDigest") or image_id.get("imageTag", "latest")
    manifest = json.dumps(
        {"schemaVersion": 2, "mediaType": _MEDIA_TYPE, "layers": [], "annotations": {"source": f"{source}:{stated}"}}
    )
    digest = image_id.get("imageDigest") or ecr.image_digest(manifest)
    return {"imageDigest": digest, "imageManifest": manifest, "imageManifestMediaType": _MEDIA_TYPE}
