"""The stacks of a CDK cloud assembly, in deployment order, and their resources."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

ANY_ACCOUNT, ANY_REGION = "unknown-account", "unknown-region"
_BOOTSTRAPPED = re.compile(r"/cdk-bootstrap/([^/]+)/version")
_QUALIFIER = "hnb659fds"
"""CDK's default qualifier (CDK guide, "Customize CDK bootstrapping")."""
_FRAME = re.compile(r"\(?(?P<file>[^()\s][^()]*?):(?P<line>\d+)(?::\d+)?\)?$")
_OF_LIBRARIES = ("/site-packages/", "/dist-packages/", "/node_modules/", "/lib/python3", "/constructs/moorage/")
"""Folders whose frames in a stack trace are not the user's."""
_NESTED = "AWS::CloudFormation::Stack"


class AssemblyError(Exception):
    """A cloud assembly cannot be read. The message is a sentence for the user."""


@attrs.frozen(order=True)
class Line:
    """A line of the user's program.

    Args:
        file: The path of the file, as in the stack trace.
        number: The number of the line, from 1.
    """

    file: str
    number: int

    def __str__(self) -> str:
        return f"{self.file}:{self.number}"


@attrs.frozen(eq=False)
class Resource:
    """One resource of a template.

    Args:
        stack: The name of the stack in CloudFormation.
        logical_id: The logical ID.
        definition: The resource as it is in the template: `Type`, `Properties`, `DeletionPolicy` and so on.
        path: The path of the construct.
        line: The line of the user's program that defined the resource. Default: None, the assembly has no stack traces.
    """

    stack: str
    logical_id: str
    definition: Mapping[str, Any]
    path: str
    line: Line | None = None

    @property
    def type(self) -> str:
        return str(self.definition["Type"])

    @property
    def properties(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.definition.get("Properties") or {}
        return found

    @property
    def name(self) -> str:
        """The last parts of the resource's construct path, without the parts that CDK adds."""
        parts = [part for part in self.path.split("/") if part not in {"Resource", "Default", "Service"}]
        return "/".join(parts[-2:]) if len(parts) > 1 else self.logical_id


@attrs.frozen
class Image:
    """The repository and tag of an image asset. They can contain placeholders such as `${AWS::Region}`."""

    repository: str
    tag: str


@attrs.frozen(eq=False)
class Stack:
    """One stack of an assembly.

    Args:
        name: The stack's name in CloudFormation; for a nested stack, the path of its resource.
        path: The path of the construct, by which the CLI selects the stack.
        account: The account that the stack is deployed to; None for the account of the credentials.
        region: The region that the stack is deployed to; None for the region of the credentials.
        template: The template of the stack.
        needs: The names of the stacks that must be deployed before this one.
        images: The image assets of the stack.
        assets: The source hashes of the file and image assets of the stack, by their names in the assembly.
        termination_protection: True if CloudFormation refuses to delete the stack.
        nested: The nested stacks, by the logical IDs of their `AWS::CloudFormation::Stack` resources.
        lines: The line of the user's program that defined each resource, by logical ID; empty without stack traces.
        template_file: The file of the template. Default: None, the template is not from a file.
        root: For a nested stack, the name of the stack that the CLI deploys. Default: None, the stack is not nested.
    """

    name: str
    path: str
    account: str | None
    region: str | None
    template: Mapping[str, Any]
    needs: tuple[str, ...]
    images: tuple[Image, ...] = ()
    assets: Mapping[str, str] = attrs.field(factory=dict)
    termination_protection: bool = False
    nested: Mapping[str, Stack] = attrs.field(factory=dict)
    lines: Mapping[str, Line] = attrs.field(factory=dict)
    template_file: Path | None = None
    root: str | None = None

    @property
    def qualifier(self) -> str | None:
        """The bootstrap qualifier of the stack; None if it is CDK's default."""
        stated = (self.template.get("Parameters") or {}).get("BootstrapVersion") or {}
        found = _BOOTSTRAPPED.fullmatch(str(stated.get("Default")))
        return found[1] if found and found[1] != _QUALIFIER else None

    @functools.cached_property
    def resources(self) -> tuple[Resource, ...]:
        """The resources of the stack's own template, without those of its nested stacks."""
        return tuple(
            Resource(
                self.name,
                logical_id,
                resource,
                (resource.get("Metadata") or {}).get("aws:cdk:path", f"{self.path}/{logical_id}"),
                self.lines.get(logical_id),
            )
            for logical_id, resource in (self.template.get("Resources") or {}).items()
        )

    def walk(self) -> Iterator[Stack]:
        """Yield the stack and, recursively, its nested stacks."""
        yield self
        for stack in self.nested.values():
            yield from stack.walk()


def stacks_of(assembly: Path) -> tuple[Stack, ...]:
    """Return every stack of an assembly and its stages, in deployment order. Nested stacks are within their parents.

    Args:
        assembly: The folder that `cdk synth` wrote.

    Raises:
        AssemblyError: One of its files is missing or broken.
    """
    try:
        found = {stack.name: stack for stack in _read(assembly)}
    except (AttributeError, KeyError, TypeError, ValueError, OSError) as error:
        reason = str(error) if isinstance(error, ValueError | OSError) else repr(error)
        if isinstance(error, FileNotFoundError):
            reason = f"{error.filename} is missing"
        raise AssemblyError(
            f"{assembly} is not a readable CDK cloud assembly ({reason}); synthesize it again"
        ) from error
    ordered: dict[str, Stack] = {}

    def place(stack: Stack) -> None:
        for name in stack.needs:
            if name in found and name not in ordered:
                place(found[name])
        ordered.setdefault(stack.name, stack)

    for stack in found.values():
        place(stack)
    return tuple(ordered.values())


def _read(assembly: Path) -> Iterator[Stack]:
    artifacts = _json(assembly / "manifest.json")["artifacts"]
    for name, artifact in artifacts.items():
        properties = artifact.get("properties", {})
        if artifact["type"] == "cdk:cloud-assembly":
            yield from _read(assembly / properties["directoryName"])
        elif artifact["type"] == "aws:cloudformation:stack":
            account, region = artifact["environment"].removeprefix("aws://").split("/")
            manifests = [
                _json(assembly / artifacts[need]["properties"]["file"])
                for need in artifact.get("dependencies", [])
                if artifacts[need]["type"] == "cdk:asset-manifest"
            ]
            file = assembly / properties["templateFile"]
            stack = Stack(
                name=properties.get("stackName", name),
                path=artifact.get("displayName", name),
                account=None if account == ANY_ACCOUNT else account,
                region=None if region == ANY_REGION else region,
                template=_json(file),
                needs=tuple(_stack_name(artifacts, need) for need in artifact.get("dependencies", [])),
                images=tuple(image for manifest in manifests for image in _images(manifest)),
                assets={name: hashed for manifest in manifests for name, hashed in _assets(manifest)},
                termination_protection=bool(properties.get("terminationProtection")),
                lines=_lines(_metadata(assembly, artifact)),
                template_file=file,
            )
            yield attrs.evolve(stack, nested=_nested(stack, file.parent))


def _nested(parent: Stack, folder: Path) -> dict[str, Stack]:
    """Return the nested stacks of a stack. CDK names the file of each in the metadata of its resource."""
    found = {}
    for resource in parent.resources:
        file = (resource.definition.get("Metadata") or {}).get("aws:asset:path")
        if resource.type != _NESTED or not file or not (folder / file).is_file():
            continue
        path = resource.path.removesuffix(".NestedStackResource").removesuffix(f"/{resource.path.rpartition('/')[2]}")
        stack = Stack(
            name=resource.path,
            path=path,
            account=parent.account,
            region=parent.region,
            template=_json(folder / file),
            needs=(),
            lines=parent.lines,
            template_file=folder / file,
            root=parent.root or parent.name,
        )
        found[resource.logical_id] = attrs.evolve(stack, nested=_nested(stack, folder))
    return found


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path.name} is not valid JSON: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path.name} is not a JSON object")
    return found


def _images(manifest: Mapping[str, Any]) -> Iterator[Image]:
    for image in manifest.get("dockerImages", {}).values():
        for destination in image["destinations"].values():
            yield Image(destination["repositoryName"], destination["imageTag"])


def _assets(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for kind in ("files", "dockerImages"):
        for hashed, asset in manifest.get(kind, {}).items():
            yield asset.get("displayName", hashed), hashed


def _metadata(assembly: Path, artifact: Mapping[str, Any]) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Return the metadata of a stack's constructs, which recent versions of CDK write to a file of its own."""
    file = artifact.get("additionalMetadataFile")
    extra = _json(assembly / file) if file else {}
    return {**artifact.get("metadata", {}), **extra}


def _lines(metadata: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Line]:
    """Return the user's line for each logical ID, from the stack traces that `CDK_DEBUG` adds."""
    found = {}
    for entries in metadata.values():
        identity = next((entry for entry in entries if entry["type"] == "aws:cdk:logicalId"), None)
        if identity is None:
            continue
        stacks = [entry["data"] for entry in entries if entry["type"] == "aws:cdk:creationStack"]
        frames = stacks[0] if stacks else identity.get("trace", [])
        if line := user_line(frames):
            found[str(identity["data"])] = line
    return found


def user_line(frames: Sequence[str]) -> Line | None:
    """Return the innermost frame of a stack trace that is in the user's program; None if all are in libraries.

    Args:
        frames: The frames as CDK writes them, innermost first: `make (/app/app.py:5)` or `at f (/app/app.ts:5:3)`.
    """
    for frame in frames:
        found = _FRAME.search(frame.strip())
        if found and not frame.startswith("...") and not any(folder in found["file"] for folder in _OF_LIBRARIES):
            return Line(found["file"].removeprefix("at "), int(found["line"]))
    return None


def _stack_name(artifacts: Mapping[str, Any], name: str) -> str:
    stack_name: str = artifacts.get(name, {}).get("properties", {}).get("stackName", name)
    return stack_name
