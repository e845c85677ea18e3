"""The 237 AWS Control Tower rules in the Guard language, which AWS publishes in the Guard plugin for CDK."""

from __future__ import annotations

import functools
import importlib.util
import json
import re
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
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
_RULE = re.compile(r"^rule (\w+)", re.MULTILINE)


def violations(stack: Stack) -> Iterator[Violation]:
    """Yield the Control Tower rules that a template fails.

    Args:
        stack: The stack. Its template is checked as it is in the assembly.
    """
    engine, controls = _engine()
    report = engine.validate_template(
        TemplateContent(stack.text, stack.name), ValidateConfig(disable_builtin_rules=True)
    )
    for diagnostic in report.diagnostics:
        if diagnostic.source is RuleOrigin.GUARD:
            logical_id = diagnostic.entity.logical_id if diagnostic.entity else ""
            message = controls.get(diagnostic.rule_id, diagnostic.message)
            yield Violation(f"guard:{diagnostic.rule_id}", path_of(stack, logical_id), message)


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
