"""Templates in a readable form for snapshots, without values that change but have no meaning."""

from __future__ import annotations

import collections
import json
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moorage.assembly.cloud_assembly import Stack, mapping
from moorage.testing.synthesis import stacks_in

if TYPE_CHECKING:
    import aws_cdk as cdk
    from aws_cdk.assertions import Template

_BOOTSTRAP = {"Parameters": "BootstrapVersion", "Rules": "CheckBootstrapVersion"}
"""The parameter and the rule with which CDK checks the version of the bootstrap stack."""
_USAGE = {"Conditions": "CDKMetadataAvailable"}
_USAGE_TYPE = "AWS::CDK::Metadata"
"""The type of the resource by which AWS counts the libraries that apps use. `_USAGE` is the condition of this resource.
"""
_TOOLS = ("aws:cdk:", "aws:asset:")
"""The prefixes of metadata of the CDK CLI."""
_HASH = r"[0-9a-f]{64}"
_ASSETS = re.compile(rf"AssetParameters({_HASH})|container-assets-[^\"\s]*:({_HASH})|(?<![0-9a-f:])({_HASH})\.[a-z]")
"""The hashes of assets in a template without an asset manifest: of parameters, images and files."""
_VERSIONS = ("AWS::Lambda::Version", "AWS::ApiGateway::Deployment")
"""The types of versions, whose logical IDs end with a hash of the versioned content."""
_VERSION = re.compile(r"(?<=[0-9A-F]{8})[0-9a-f]{32}$")

_Replaced = Mapping[re.Pattern[str], str]
"""A mapping from the pattern of a part of a text or key to the text that replaces this part."""


def readable_template(app: cdk.Stack | cdk.Stage | Template | str | Path) -> dict[str, Any]:
    """Return the template of a stack for a snapshot, without hashes and without CDK's own parts.

    Hashes of assets become `<asset>`, and hashes in logical IDs become `<hash>`. The check of the bootstrap version and
    the metadata of CDK and its CLI are left out. The template of a nested stack replaces its `TemplateURL`.

    Args:
        app: The stack. For an app, a stage or the folder of a cloud assembly, the result has the template of each
            stack, by the stack's path. A `Template` of `aws_cdk.assertions` works too, but does not contain the
            templates of nested stacks.

    Raises:
        TypeError: If `app` is of another type.
        ValueError: If `app` is a stack that is not in an app.
        AssemblyError: If the folder is not a readable cloud assembly.
        RuntimeError: If CDK cannot synthesize the app.
    """
    import aws_cdk as cdk  # noqa: PLC0415  # naming the plugin must load neither aws_cdk nor jsii
    from aws_cdk.assertions import Template  # noqa: PLC0415  # the same

    if isinstance(app, Template):
        template = app.to_json()
        return _readable(template, {each for found in _ASSETS.findall(json.dumps(template)) for each in found if each})
    tops = stacks_in(app, "readable_template")
    hashes = {hashed for top in tops for stack in top.walk() for hashed in _hashes(stack)}
    stacks = {stack.path: _of_stack(stack, hashes) for stack in tops}
    return stacks.popitem()[1] if isinstance(app, cdk.Stack) else stacks


def _hashes(stack: Stack) -> Iterator[str]:
    """Yield the hashes of a stack's assets, including the parameters that older synthesizers add for them."""
    yield from stack.assets.values()
    for name in mapping(stack.template.get("Parameters")):
        yield from (found for found, *_ in _ASSETS.findall(name) if found)


def _of_stack(stack: Stack, hashes: Collection[str]) -> dict[str, Any]:
    template = _readable(stack.template, hashes)
    replaced = _replaced(stack.template, hashes)
    for logical_id, nested in stack.nested.items():
        template["Resources"][_text(logical_id, replaced)]["Properties"]["TemplateURL"] = _of_stack(nested, hashes)
    return template


def _readable(template: Mapping[str, Any], hashes: Collection[str]) -> dict[str, Any]:
    kept = {section: _kept(section, content) for section, content in template.items()}
    readable: dict[str, Any] = _without(
        {name: each for name, each in kept.items() if each}, _replaced(template, hashes)
    )
    return readable


def _replaced(template: Mapping[str, Any], hashes: Collection[str]) -> _Replaced:
    """Return a mapping from patterns to their replacements: for hashes of assets, and for logical IDs of versions."""
    replaced: dict[re.Pattern[str], str] = {}
    if hashes:
        assets = "|".join(map(re.escape, sorted(hashes)))
        replaced[re.compile(rf"(?<!sha256:)(?<![0-9a-f])({assets})(?![0-9a-f])")] = "<asset>"
    seen: collections.Counter[str] = collections.Counter()
    for logical_id, resource in mapping(template.get("Resources")).items():
        if mapping(resource).get("Type") in _VERSIONS and (found := _VERSION.search(logical_id)):
            start = logical_id[: found.start()]
            seen[start] += 1
            number = f" {seen[start]}" if seen[start] > 1 else ""
            replaced[re.compile(rf"{re.escape(logical_id)}(?![0-9a-zA-Z])")] = f"{start}<hash{number}>"
    return replaced


def _without(value: Any, replaced: _Replaced) -> Any:
    """Return a value without hashes. Keys that would become equal keep their hashes."""
    if isinstance(value, str):
        return _text(value, replaced)
    if isinstance(value, list):
        return [_without(each, replaced) for each in value]
    if isinstance(value, Mapping):
        names = {name: _text(name, replaced) for name in value}
        counts = collections.Counter(names.values())
        return {name if counts[shown] > 1 else shown: _without(value[name], replaced) for name, shown in names.items()}
    return value


def _text(text: str, replaced: _Replaced) -> str:
    for pattern, shown in replaced.items():
        text = pattern.sub(shown, text)
    return text


def _kept(section: str, content: Any) -> Any:
    """Return a section of a template without the check of the bootstrap version and the metadata of CDK and its CLI."""
    if not isinstance(content, Mapping):
        return content
    added = {_BOOTSTRAP.get(section), _USAGE.get(section)}
    named = {name: each for name, each in content.items() if name not in added}
    if section != "Resources":
        return named
    return {name: _defined(each) for name, each in named.items() if mapping(each).get("Type") != _USAGE_TYPE}


def _defined(resource: Any) -> Any:
    """Return a resource without the metadata of the CDK CLI."""
    metadata = mapping(mapping(resource).get("Metadata"))
    kept = {name: value for name, value in metadata.items() if not name.startswith(_TOOLS)}
    if len(kept) == len(metadata):
        return resource
    return {name: value for name, value in resource.items() if name != "Metadata"} | (
        {"Metadata": kept} if kept else {}
    )
