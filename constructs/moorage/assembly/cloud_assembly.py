"""The stacks of a CDK cloud assembly, in deployment order, and their resources."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from moorage.assembly.asset_manifest import files, source_hashes
from moorage.assembly.stack_traces import Line, user_lines

VALIDATION_REPORT = "validation-report.json"
"""The file of an assembly in which CDK records what validation plugins report."""
OWN_ACKNOWLEDGED = "moorage:acknowledged"
"""The type of the metadata of the acknowledgements of moorage's constructs."""
ANY_ACCOUNT, ANY_REGION = "unknown-account", "unknown-region"
NEWEST_SCHEMA = 55
"""The newest version of the cloud assembly schema that moorage reads (aws-cdk 2.1148.1, `Manifest.version()`).

The cdk CLI also refuses newer versions.
"""
_BOOTSTRAPPED = re.compile(r"/cdk-bootstrap/([^/]+)/version")
_QUALIFIER = "hnb659fds"
"""CDK's default qualifier (CDK guide, "Customize CDK bootstrapping")."""
NESTED = "AWS::CloudFormation::Stack"
"""The type of the resource of a nested stack."""
_NESTED_PATH = re.compile(r"\.NestedStack/[^/]+\.NestedStackResource$")
"""The end of the path that CDK gives the resource of a nested stack."""


class AssemblyError(Exception):
    """The error for a cloud assembly that cannot be read. Its message is a sentence for the user."""


@attrs.frozen(eq=False)
class Resource:
    """A resource of a template.

    Args:
        stack: The name of the stack, as in `Stack.name`.
        logical_id: The logical ID.
        definition: The resource as it is in the template: `Type`, `Properties`, `DeletionPolicy` and so on.
        path: The path of the construct.
        line: The line of the user's program that defined the resource. Default: None, for an unknown line, for example
            if the app records no stack traces.
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
        return mapping(self.definition.get("Properties"))

    @property
    def name(self) -> str:
        """The last two parts of the construct path, without parts that CDK adds, such as `Resource`.

        If only one part is left, this is the logical ID.
        """
        parts = [part for part in self.path.split("/") if part not in {"Resource", "Default", "Service"}]
        return "/".join(parts[-2:]) if len(parts) > 1 else self.logical_id


@attrs.frozen
class Image:
    """The repository and the tag of an image asset. Both can contain placeholders such as `${AWS::Region}`."""

    repository: str
    tag: str


@attrs.frozen(eq=False)
class Stack:
    """A stack of an assembly.

    Args:
        name: The stack's name in CloudFormation; for a nested stack, the path of its resource.
        path: The path of the construct, by which the CLI selects the stack.
        account: The account that the stack is deployed to; None if the app does not specify an account.
        region: The region that the stack is deployed to; None if the app does not specify a region.
        template: The template of the stack.
        needs: The names of the stacks that must be deployed before this one.
        images: The image assets of the stack.
        assets: A mapping from the display name of each file or image asset to its source hash; for a nested stack, that
            of its top-level stack.
        termination_protection: True if CloudFormation refuses to delete the stack.
        nested: A mapping from the logical ID of each `AWS::CloudFormation::Stack` resource to its nested stack.
        lines: A mapping from the construct path of each resource to the line of the user's program that defined it;
            empty without stack traces.
        logical_ids: A mapping from construct path to logical ID, for the stack and its nested stacks.
        acknowledged: The policy rules that the app acknowledges: a mapping from construct path and rule ID to reason.
            A stack and its nested stacks have the same acknowledgements.
        own_acknowledged: The policy issues that moorage's constructs acknowledge: a mapping from construct path and
            issue to the reason and the digest of the judged properties. A stack and its nested stacks have the same
            acknowledgements.
        template_file: The file of the template. Default: None; the template was not read from a file.
        root: For a nested stack, the name of its top-level stack. Default: None; the stack is not nested.
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
    logical_ids: Mapping[str, str] = attrs.field(factory=dict)
    acknowledged: Mapping[str, Mapping[str, str]] = attrs.field(factory=dict)
    own_acknowledged: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)
    template_file: Path | None = None
    root: str | None = None

    @property
    def text(self) -> str:
        """The text of the template file, or the template as JSON if there is no file."""
        return self.template_file.read_text("utf-8") if self.template_file else json.dumps(self.template)

    @property
    def qualifier(self) -> str | None:
        """The bootstrap qualifier of the stack; None for CDK's default, and if the template names no qualifier."""
        stated = (self.template.get("Parameters") or {}).get("BootstrapVersion") or {}
        found = _BOOTSTRAPPED.fullmatch(str(stated.get("Default")))
        return found[1] if found and found[1] != _QUALIFIER else None

    @functools.cached_property
    def resources(self) -> tuple[Resource, ...]:
        """The resources of the stack's own template, without those of nested stacks and `Fn::ForEach` loops."""
        found = []
        for logical_id, resource in mapping(self.template.get("Resources")).items():
            if isinstance(resource, Mapping) and isinstance(resource.get("Type"), str):
                own = self._paths.get(logical_id, f"{self.path}/{logical_id}")
                path = str(mapping(resource.get("Metadata")).get("aws:cdk:path", own))
                found.append(Resource(self.name, logical_id, resource, path, self.lines.get(path)))
        return tuple(found)

    @functools.cached_property
    def _paths(self) -> Mapping[str, str]:
        """A mapping from logical ID to construct path, for templates without path metadata.

        The CDK CLI or the context of the app enables this metadata.
        """
        inside = [path for path in self.logical_ids if path.startswith(f"{self.path}/")]
        # a nested stack may have the logical ID too, and its paths are longer
        return {self.logical_ids[path]: path for path in sorted(inside, key=len, reverse=True)}

    def walk(self) -> Iterator[Stack]:
        """Yield the stack and, recursively, its nested stacks."""
        yield self
        for stack in self.nested.values():
            yield from stack.walk()


def stacks_of(assembly: Path, root: Path | None = None) -> tuple[Stack, ...]:
    """Return all stacks of an assembly, including those of its stages, in deployment order.

    A nested stack is in `nested` of its parent.

    Args:
        assembly: The folder that `cdk synth` wrote.
        root: The folder of the user's program. Paths of files in this folder become relative to the folder in
            `Stack.lines`. Default: None; the paths stay as they are in the stack traces.

    Raises:
        AssemblyError: A file of the assembly is missing or broken.
    """
    try:
        found = list(_read(assembly, root))
    except (AttributeError, KeyError, TypeError, ValueError, OSError, RecursionError) as error:
        raise _unreadable(assembly, error) from error
    return _ordered(found)


def _ordered(stacks: Sequence[Stack]) -> tuple[Stack, ...]:
    """Return the stacks in deployment order.

    A name in `needs` can mean several stacks, since stacks in different regions can have the same name.
    """
    named: dict[str, list[Stack]] = {}
    for stack in stacks:
        named.setdefault(stack.name, []).append(stack)
    ordered: list[Stack] = []
    seen: set[Stack] = set()

    def place(stack: Stack) -> None:
        if stack not in seen:
            seen.add(stack)
            for needed in stack.needs:
                for other in named.get(needed, ()):
                    place(other)
            ordered.append(stack)

    for stack in stacks:
        place(stack)
    return tuple(ordered)


def schema_of(assembly: Path) -> int:
    """Return the major version of the schema of an assembly; 0 if its manifest does not state one.

    Args:
        assembly: The folder that `cdk synth` wrote.

    Raises:
        AssemblyError: The manifest is missing or broken.
    """
    try:
        stated = str(_json(assembly / "manifest.json").get("version")).partition(".")[0]
    except (ValueError, OSError) as error:
        raise _unreadable(assembly, error) from error
    return int(stated) if stated.isdecimal() else 0


def entries(assembly: Path, kind: str) -> Iterator[tuple[str, Any]]:
    """Yield the construct path and the data of each metadata entry of one type in an assembly and its stages.

    Args:
        assembly: The folder that `cdk synth` wrote.
        kind: The type of the metadata, such as `aws:cdk:error`.
    """
    for artifact in _json(assembly / "manifest.json")["artifacts"].values():
        if artifact["type"] == "cdk:cloud-assembly":
            yield from entries(assembly / artifact["properties"]["directoryName"], kind)
        for path, found in _metadata(assembly, artifact).items():
            yield from ((path, entry.get("data")) for entry in found if entry["type"] == kind)


def _unreadable(assembly: Path, error: Exception) -> AssemblyError:
    reason = str(error)
    if isinstance(error, KeyError):
        reason = f"it has no {error.args[0]}"
    elif isinstance(error, AttributeError | TypeError):
        reason = "its manifest does not have the form of the schema"
    elif isinstance(error, RecursionError):
        reason = "it contains itself, or is nested too deeply"
    elif isinstance(error, FileNotFoundError):
        reason = f"{error.filename} is missing"
    elif isinstance(error, NotADirectoryError):
        reason = "it is not a folder"
    return AssemblyError(f"{assembly} is not a readable CDK cloud assembly ({reason}); synthesize it again")


def _read(assembly: Path, root: Path | None) -> Iterator[Stack]:
    artifacts = _json(assembly / "manifest.json")["artifacts"]
    for name, artifact in artifacts.items():
        properties = artifact.get("properties", {})
        if artifact["type"] == "cdk:cloud-assembly":
            yield from _read(assembly / properties["directoryName"], root)
        elif artifact["type"] == "aws:cloudformation:stack":
            account, region = artifact["environment"].removeprefix("aws://").split("/")
            manifests = [
                _json(assembly / artifacts[need]["properties"]["file"])
                for need in artifact.get("dependencies", [])
                if artifacts[need]["type"] == "cdk:asset-manifest"
            ]
            templates = {name: path for manifest in manifests for name, path in files(manifest)}
            file = assembly / properties["templateFile"]
            metadata = _metadata(assembly, artifact)
            stack = Stack(
                name=properties.get("stackName", name),
                path=artifact.get("displayName", name),
                account=None if account == ANY_ACCOUNT else account,
                region=None if region == ANY_REGION else region,
                template=_template(file),
                needs=tuple(_stack_name(artifacts, need) for need in artifact.get("dependencies", [])),
                images=tuple(image for manifest in manifests for image in _images(manifest)),
                assets={name: hashed for manifest in manifests for name, hashed in source_hashes(manifest)},
                termination_protection=bool(properties.get("terminationProtection")),
                lines=user_lines(metadata, root),
                logical_ids={path: ids[-1] for path, ids in _of_type(metadata, "aws:cdk:logicalId").items()},
                acknowledged=_merged(_of_type(metadata, "aws:cdk:acknowledged-rules")),
                own_acknowledged=_merged(_of_type(metadata, OWN_ACKNOWLEDGED)),
                template_file=file,
            )
            yield attrs.evolve(stack, nested=_nested(stack, file.parent, templates))


def _nested(parent: Stack, folder: Path, templates: Mapping[str, str]) -> dict[str, Stack]:
    """Return the nested stacks of a stack.

    If the CDK CLI ran the app, the metadata of the resource names the template file. Otherwise, the file is the asset
    whose name is in the template URL. Nested stacks without a file in the assembly are left out.
    """
    found = {}
    for resource in parent.resources:
        file = mapping(resource.definition.get("Metadata")).get("aws:asset:path")
        if file is None and resource.type == NESTED:
            url = json.dumps(resource.properties.get("TemplateURL"))
            file = next((path for name, path in templates.items() if name in url), None)
        if resource.type != NESTED or not isinstance(file, str) or not (folder / file).is_file():
            continue
        stack = nested_stack(parent, resource, _template(folder / file), folder / file)
        found[resource.logical_id] = attrs.evolve(stack, nested=_nested(stack, folder, templates))
    return found


def nested_stack(parent: Stack, resource: Resource, template: Mapping[str, Any], file: Path) -> Stack:
    """Return a nested stack, without the stacks that are nested in it.

    Args:
        parent: The stack that contains the resource.
        resource: The `AWS::CloudFormation::Stack` resource.
        template: The template of the nested stack.
        file: The file of this template.
    """
    return Stack(
        name=resource.path,
        path=_NESTED_PATH.sub("", resource.path),
        account=parent.account,
        region=parent.region,
        template=template,
        needs=(),
        lines=parent.lines,
        assets=parent.assets,
        logical_ids=parent.logical_ids,
        acknowledged=parent.acknowledged,
        own_acknowledged=parent.own_acknowledged,
        template_file=file,
        root=parent.root or parent.name,
    )


def mapping(value: Any) -> Mapping[str, Any]:
    """Return a value of a template if it is an object, else an empty object.

    Args:
        value: A value of a template. It can also be an intrinsic function, or a value of a wrong type.
    """
    return value if isinstance(value, Mapping) else {}


def _template(path: Path) -> dict[str, Any]:
    found = _json(path)
    if not isinstance(found.get("Resources", {}), dict):
        raise ValueError(f"the Resources of {path.name} are not a JSON object")
    return found


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path.name} is not valid JSON: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path.name} is not a JSON object")
    return found


def _images(manifest: Mapping[str, Any]) -> Iterator[Image]:
    for image in manifest.get("dockerImages", {}).values():
        for destination in image["destinations"].values():
            yield Image(destination["repositoryName"], destination["imageTag"])


def _metadata(assembly: Path, artifact: Mapping[str, Any]) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Return the metadata entries of a stack's constructs. Recent versions of CDK write them to a separate file."""
    file = artifact.get("additionalMetadataFile")
    extra = _json(assembly / file) if file else {}
    return {**artifact.get("metadata", {}), **extra}


def _of_type(metadata: Mapping[str, Sequence[Mapping[str, Any]]], kind: str) -> dict[str, list[Any]]:
    """Return a mapping from construct path to the data of the metadata entries of one type."""
    found: dict[str, list[Any]] = {}
    for path, entries_of_path in metadata.items():
        if data := [entry["data"] for entry in entries_of_path if entry["type"] == kind]:
            found[path.removeprefix("/")] = data
    return found


def _merged(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Merge the data of the entries of each construct path into one mapping."""
    return {path: {name: each for data in entries_ for name, each in data.items()} for path, entries_ in found.items()}


def _stack_name(artifacts: Mapping[str, Any], name: str) -> str:
    stack_name: str = artifacts.get(name, {}).get("properties", {}).get("stackName", name)
    return stack_name
