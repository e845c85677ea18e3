"""The asset manifest of a stack, in which CDK lists the files and images to upload."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def source_hashes(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the name and the source hash of each asset. An asset without a display name has the hash as its name.

    Args:
        manifest: The asset manifest.
    """
    for kind in ("files", "dockerImages"):
        for hashed, asset in manifest.get(kind, {}).items():
            yield asset.get("displayName", hashed), hashed


def files(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the object key in the staging bucket, and the path in the assembly, for each destination of a file asset.

    Args:
        manifest: The asset manifest.
    """
    for asset in manifest.get("files", {}).values():
        path = (asset.get("source") or {}).get("path")
        for destination in (asset.get("destinations") or {}).values():
            if isinstance(path, str) and "objectKey" in destination:
                yield destination["objectKey"], path
