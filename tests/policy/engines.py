"""The policy engines, run over cloud assemblies with their findings in one form."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import aws_cdk as cdk
import cdk_nag
from cloudformation_validate import CompositeEngine, CompositeEngineConfig, RuleOrigin, TemplateContent
from cloudformation_validate import file_to_external_rule_source as guard_file

from tools.cloudformation_lint import matches

ROOT = Path(__file__).resolve().parents[2]
CHECKOV = ROOT / ".venv" / "tools" / "checkov" / "bin" / "checkov"
GUARD = ROOT / "node_modules" / "@cdklabs" / "cdk-validator-cfnguard" / "rules" / "control-tower"
NAG_PACKS = (
    cdk_nag.AwsSolutionsChecks,
    cdk_nag.NIST80053R4Checks,
    cdk_nag.NIST80053R5Checks,
    cdk_nag.HIPAASecurityChecks,
    cdk_nag.PCIDSS321Checks,
    cdk_nag.ServerlessChecks,
)


@attrs.frozen(order=True)
class Finding:
    """A rule that a resource fails. `rule` includes the engine, and `resource` is the path of the construct."""

    rule: str
    resource: str


def findings(apps: Mapping[str, cdk.App]) -> dict[str, set[Finding]]:
    """Synthesize apps and run cdk-nag's six packs, cfn-lint, checkov and the Control Tower Guard rules over them.

    All apps are checked at once, since checkov takes four seconds to start.
    """
    assemblies = {name: _synthesized(app) for name, app in apps.items()}
    templates = {name: sorted(assembly.glob("**/*.template.json")) for name, assembly in assemblies.items()}
    checkov = _checkov([path for paths in templates.values() for path in paths])
    guard = CompositeEngine(
        CompositeEngineConfig(guard_rules=[guard_file(file) for file in sorted(GUARD.glob("**/*.guard"))])
    )
    found = {name: set(_nag(assembly)) for name, assembly in assemblies.items()}
    for name, paths in templates.items():
        for path in paths:
            found[name] |= {*checkov[path], *_cfn_lint(path), *_guard(guard, path)}
    return found


def _synthesized(app: cdk.App) -> Path:
    for pack in NAG_PACKS:
        cdk.Validations.of(app).add_plugins(pack(app))
    try:
        app.synth()
    except RuntimeError as error:  # of a failed validation, whose report is read below
        if "ValidationFailed" not in str(error):
            raise
    return Path(app.outdir)


def _nag(assembly: Path) -> Iterator[Finding]:
    report = json.loads((assembly / "validation-report.json").read_text())
    for plugin in report["pluginReports"]:
        for violation in plugin["violations"]:
            # The name of the pack precedes that of the rule, and several packs have the same rule.
            rule = violation["ruleName"].removeprefix(f"{plugin['pluginName']}-")
            for construct in violation["violatingConstructs"]:
                yield Finding(f"nag:{rule}", construct["constructPath"])


def _cfn_lint(path: Path) -> Iterator[Finding]:
    template = json.loads(path.read_text())
    for match in matches(path.read_text(), "eu-west-1", include=("W", "E")):
        where = list(match.path)
        resource = where[1] if len(where) > 1 and where[0] == "Resources" else ""
        yield Finding(f"cfn-lint:{match.rule.id}", _construct(template, str(resource)))


def _checkov(templates: list[Path]) -> dict[Path, list[Finding]]:
    command = [str(CHECKOV), "--framework", "cloudformation", "--output", "json", "--quiet", "--compact", "--soft-fail"]
    for path in templates:
        command += ["--file", str(path)]
    environment = {**os.environ, "BC_SKIP_MAPPING": "TRUE", "LOG_LEVEL": "ERROR"}
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    found: dict[Path, list[Finding]] = {path: [] for path in templates}
    for failed in json.loads(printed)["results"]["failed_checks"]:
        path = Path(failed["file_abs_path"])
        construct = _construct(json.loads(path.read_text()), failed["resource"].partition(".")[2])
        found[path].append(Finding(f"checkov:{failed['check_id']}", construct))
    return found


def _guard(engine: CompositeEngine, path: Path) -> Iterator[Finding]:
    template = json.loads(path.read_text())
    report = engine.validate_template(TemplateContent(path.read_text(), path.name))
    for diagnostic in report.diagnostics:
        if diagnostic.source is not RuleOrigin.GUARD:  # the built-in rules are those of cfn-lint, which runs separately
            continue
        yield Finding(
            f"guard:{diagnostic.rule_id}",
            _construct(template, diagnostic.entity.logical_id if diagnostic.entity else ""),
        )


def _construct(template: dict[str, Any], logical_id: str) -> str:
    resource = template["Resources"].get(logical_id, {})
    return str(resource.get("Metadata", {}).get("aws:cdk:path", logical_id))
