"""Templates in a readable form for snapshots, without values that change but have no meaning."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
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
_ASSET = re.compile(r"(?<!sha256:)(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
"""The hash of an asset. The digest of an image has the same form, and a prefix."""
_VERSION = re.compile(r"(?<=[0-9A-F]{8})[0-9a-f]{32}(?![0-9a-zA-Z])")
"""The end of the logical ID of a Lambda version or an API Gateway deployment: a hash of the contents of the version or
the deployment.
"""


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
        return _readable(app.to_json())
    stacks = {stack.path: _of_stack(stack) for stack in stacks_in(app, "readable_template")}
    return stacks.popitem()[1] if isinstance(app, cdk.Stack) else stacks


def _of_stack(stack: Stack) -> dict[str, Any]:
    template = _readable(stack.template)
    for logical_id, nested in stack.nested.items():
        template["Resources"][_without_hashes(logical_id)]["Properties"]["TemplateURL"] = _of_stack(nested)
    return template


def _readable(template: Mapping[str, Any]) -> dict[str, Any]:
    kept = {section: _kept(section, content) for section, content in template.items()}
    readable: dict[str, Any] = json.loads(
        _without_hashes(json.dumps({name: each for name, each in kept.items() if each}))
    )
    return readable


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


def _without_hashes(text: str) -> str:
    return _VERSION.sub("<hash>", _ASSET.sub("<asset>", text))
