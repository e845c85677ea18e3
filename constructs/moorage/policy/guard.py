"""The 237 AWS Control Tower rules in the Guard language, which AWS publishes in the Guard plugin for CDK."""

from __future__ import annotations

import functools
import importlib.util
import json
import re
import tarfile
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cloudformation_validate import (
    CompositeEngine,
    CompositeEngineConfig,
    RuleOrigin,
    TemplateContent,
    ValidateConfig,
    file_to_external_rule_source,
)

from moorage.assembly.cloud_assembly import Stack
from moorage.policy.violation import Violation, path_of

_PLUGIN = "cdklabs.cdk_validator_cfnguard"
_RULES = "package/rules/control-tower/"
_INDENT = 1
_RULE = re.compile(r"^rule (\w+)(?![\w(])", re.MULTILINE)  # not a function, whose name a bracket follows


def violations(stack: Stack) -> Iterator[Violation]:
    """Yield a violation for each resource and each Control Tower rule that the resource fails.

    Args:
        stack: The stack to check.
    """
    engine, controls = _engine()
    text = json.dumps(stack.template, indent=_INDENT)
    report = engine.validate_template(TemplateContent(text, stack.name), ValidateConfig(disable_builtin_rules=True))
    found = {
        (diagnostic.rule_id, _logical_id(diagnostic, stack)): diagnostic.message
        for diagnostic in report.diagnostics
        if diagnostic.source is RuleOrigin.GUARD
    }
    placed = {rule for rule, logical_id in found if logical_id}
    for (rule, logical_id), message in found.items():
        if logical_id or rule not in placed:  # the engine repeats some findings without a resource
            yield Violation(f"guard:{rule}", path_of(stack, logical_id), controls.get(rule, message))


def _logical_id(diagnostic: Any, stack: Stack) -> str:
    """Return the logical ID of the resource of a finding; empty if the engine names neither a resource nor a line."""
    named = diagnostic.entity.logical_id if diagnostic.entity else None
    return named or _resource_at(diagnostic.start_line, stack.template)


def rules() -> Collection[str]:
    """Return the names of the rules."""
    return _engine()[1].keys()


def _resource_at(line: int | None, template: Mapping[str, Any]) -> str:
    """Return the logical ID of the resource at a line of a template; empty for a line without a resource.

    The engine names no resource for rules that select resources by a filter with a condition.

    Args:
        line: The number of the line, from 1, in the JSON text with `_INDENT`; None for a finding without a line.
        template: The template.
    """
    if line is None:
        return ""
    end = 1
    for section, value in template.items():
        if section == "Resources":
            end += 1  # the line of "Resources" itself
            for logical_id, resource in value.items():
                end += _lines(resource)
                if line <= end:
                    return str(logical_id)
            return ""
        end += _lines(value)
    return ""


def _lines(value: Any) -> int:
    return json.dumps(value, indent=_INDENT).count("\n") + 1


@functools.cache
def _engine() -> tuple[Any, Mapping[str, str]]:
    """Return the engine with the rules, and the title and ID of the control that each rule checks."""
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(_archive()) as archive:
            members = [member for member in archive.getmembers() if member.name.startswith(_RULES)]
            archive.extractall(folder, members=members, filter="data")
        files = sorted(Path(folder).rglob("*.guard"))
        rules = [file_to_external_rule_source(file) for file in files]
        return CompositeEngine(CompositeEngineConfig(guard_rules=rules)), _controls(Path(folder), files)


def _controls(folder: Path, files: Sequence[Path]) -> Mapping[str, str]:
    """Return the title and ID of the control that each rule checks: `Require ... (CT.ECS.PR.1)`."""
    titles = {file.name.partition(".")[0]: file for file in folder.rglob("*.metadata.json")}
    found = {}
    for file in files:
        title = json.loads(titles[file.stem].read_text("utf-8"))["DisplayName"]
        for rule in _RULE.findall(file.read_text("utf-8")):
            found[rule] = f"{title} ({file.stem.upper().replace('-', '.')})"
    return found


def _archive() -> Path:
    """Return the archive with the rules. The plugin itself is not imported, since jsii would start Node.js."""
    spec = importlib.util.find_spec(_PLUGIN)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"there is no module {_PLUGIN}", name=_PLUGIN)
    (archive,) = (Path(spec.origin).parent / "_jsii").glob("*.jsii.tgz")
    return archive
