"""The stacks of a CDK cloud assembly, in deployment order, and their resources."""

from __future__ import annotations

import functools
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from moorage.local.environment import ACCOUNT
from moorage.local.process import LocalError

ANY_ACCOUNT, ANY_REGION = "unknown-account", "unknown-region"
_BOOTSTRAPPED = re.compile(r"/cdk-bootstrap/([^/]+)/version")
_QUALIFIER = "hnb659fds"
"""CDK's default qualifier (CDK guide, "Customize CDK bootstrapping")."""


@attrs.frozen(eq=False)
class Resource:
    """One resource of a template."""

    stack: str
    logical_id: str
    type: str
    properties: Mapping[str, Any]
    path: str

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
        name: The stack's name in CloudFormation.
        path: The path of the construct, by which the CLI selects the stack.
        account: The account that the stack is deployed to; None for the account of the credentials.
        region: The region that the stack is deployed to; None for the region of the credentials.
        template: The template of the stack.
        needs: The names of the stacks that must be deployed before this one.
        images: The image assets of the stack.
    """

    name: str
    path: str
    account: str | None
    region: str | None
    template: Mapping[str, Any]
    needs: tuple[str, ...]
    images: tuple[Image, ...] = ()

    @property
    def qualifier(self) -> str | None:
        """The bootstrap qualifier of the stack; None if it is CDK's default."""
        stated = (self.template.get("Parameters") or {}).get("BootstrapVersion") or {}
        found = _BOOTSTRAPPED.fullmatch(str(stated.get("Default")))
        return found[1] if found and found[1] != _QUALIFIER else None

    @functools.cached_property
    def resources(self) -> tuple[Resource, ...]:
        return tuple(
            Resource(
                self.name,
                logical_id,
                resource["Type"],
                resource.get("Properties", {}),
                resource.get("Metadata", {}).get("aws:cdk:path", f"{self.path}/{logical_id}"),
            )
            for logical_id, resource in self.template.get("Resources", {}).items()
        )


def stacks_of(assembly: Path) -> tuple[Stack, ...]:
    """Return every stack of an assembly and its stages, in deployment order.

    Args:
        assembly: The folder that `cdk synth` wrote.

    Raises:
        LocalError: One of its files is missing or broken.
    """
    try:
        found = {stack.name: stack for stack in _read(assembly)}
    except (AttributeError, KeyError, TypeError, ValueError, OSError) as error:
        reason = str(error) if isinstance(error, ValueError | OSError) else repr(error)
        if isinstance(error, FileNotFoundError):
            reason = f"{error.filename} is missing"
        raise LocalError(f"{assembly} is not a readable CDK cloud assembly ({reason}); synthesize it again") from error
    ordered: dict[str, Stack] = {}

    def place(stack: Stack) -> None:
        for name in stack.needs:
            if name in found and name not in ordered:
                place(found[name])
        ordered.setdefault(stack.name, stack)

    for stack in found.values():
        place(stack)
    return tuple(ordered.values())


def by_account(stacks: Iterable[Stack]) -> list[tuple[str, list[Stack]]]:
    """Group consecutive stacks of the same account, and keep their order.

    Args:
        stacks: Stacks of an assembly.
    """
    groups = itertools.groupby(stacks, key=lambda stack: stack.account or ACCOUNT)
    return [(account, list(group)) for account, group in groups]


def _read(assembly: Path) -> Iterator[Stack]:
    artifacts = _json(assembly / "manifest.json")["artifacts"]
    for name, artifact in artifacts.items():
        properties = artifact.get("properties", {})
        if artifact["type"] == "cdk:cloud-assembly":
            yield from _read(assembly / properties["directoryName"])
        elif artifact["type"] == "aws:cloudformation:stack":
            account, region = artifact["environment"].removeprefix("aws://").split("/")
            yield Stack(
                name=properties.get("stackName", name),
                path=artifact.get("displayName", name),
                account=None if account == ANY_ACCOUNT else account,
                region=None if region == ANY_REGION else region,
                template=_json(assembly / properties["templateFile"]),
                needs=tuple(_stack_name(artifacts, need) for need in artifact.get("dependencies", [])),
                images=tuple(
                    image for need in artifact.get("dependencies", []) for image in _images(assembly, artifacts[need])
                ),
            )


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path.name} is not valid JSON: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path.name} is not a JSON object")
    return found


def _images(assembly: Path, artifact: Mapping[str, Any]) -> Iterator[Image]:
    if artifact["type"] != "cdk:asset-manifest":
        return
    manifest = _json(assembly / artifact["properties"]["file"])
    for image in manifest.get("dockerImages", {}).values():
        for destination in image["destinations"].values():
            yield Image(destination["repositoryName"], destination["imageTag"])


def _stack_name(artifacts: Mapping[str, Any], name: str) -> str:
    stack_name: str = artifacts.get(name, {}).get("properties", {}).get("stackName", name)
    return stack_name
