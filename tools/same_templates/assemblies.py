"""Read cloud assemblies as plain values, to compare those of two revisions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

Stacks: TypeAlias = dict[str, dict[str, Any]]
"""The template of each stack of a program."""
Programs: TypeAlias = dict[str, Stacks]

METADATA_IN_USE = {
    "AWS::CloudFormation::Authentication",
    "AWS::CloudFormation::Init",
    "AWS::CloudFormation::Interface",
}
"""The metadata that CloudFormation and its helper scripts read. CDK's metadata contains paths and traces."""


def read_programs(out: Path) -> Programs:
    """Return the stacks of every assembly in a folder, by the name of the program."""
    return {assembly.name: dict(_stacks(assembly)) for assembly in sorted(out.iterdir())}


def _stacks(assembly: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    artifacts = json.loads((assembly / "manifest.json").read_text())["artifacts"]
    digests = _asset_digests(assembly)
    for name, artifact in artifacts.items():
        if artifact["type"] == "cdk:cloud-assembly":
            yield from _stacks(assembly / artifact["properties"]["directoryName"])
        elif artifact["type"] == "aws:cloudformation:stack":
            text = (assembly / artifact["properties"]["templateFile"]).read_text()
            for asset, digest in digests.items():
                text = text.replace(asset, f"<asset {digest}>")
            template = without_unused_metadata(json.loads(text))
            yield artifact.get("displayName", name), {"Stack": _settings(name, artifact), **template}


def _settings(name: str, artifact: dict[str, Any]) -> dict[str, Any]:
    """Return the settings in the manifest that affect a deployment but are not in the template."""
    properties = artifact["properties"]
    return {
        "Name": properties.get("stackName", name),
        "Environment": artifact["environment"],
        "TerminationProtection": properties.get("terminationProtection", False),
        "Tags": properties.get("tags", {}),
        "Dependencies": sorted(artifact.get("dependencies", [])),
    }


def without_unused_metadata(template: dict[str, Any]) -> dict[str, Any]:
    """Return a template without the metadata that CloudFormation does not use."""
    resources = {name: _with_metadata_in_use(resource) for name, resource in template.get("Resources", {}).items()}
    return {**_with_metadata_in_use(template), "Resources": resources}


def _with_metadata_in_use(holder: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in holder.get("Metadata", {}).items() if name in METADATA_IN_USE}
    rest = {name: value for name, value in holder.items() if name != "Metadata"}
    return {**rest, "Metadata": kept} if kept else rest


def _asset_digests(assembly: Path) -> dict[str, str]:
    """Return the digest of each asset's content by its hash, which also depends on how CDK computes it."""
    digests = {}
    for manifest in assembly.glob("*.assets.json"):
        assets = json.loads(manifest.read_text())
        for name, asset in {**assets.get("files", {}), **assets.get("dockerImages", {})}.items():
            source = asset["source"]
            path = source.get("path") or source.get("directory")
            if path:  # an asset that an executable creates has no content here
                digests[name] = content_digest(assembly / path)
    return digests


def content_digest(path: Path) -> str:
    """Return a digest of the names and contents of all files of an asset."""
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            digest.update(f"{file.relative_to(path)}\0{file.stat().st_size}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
