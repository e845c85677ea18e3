"""cdk-preflight's rules for many templates: errors that its authors saw in real deployments.

The construct of cdk-preflight runs the rules during synthesis. Here, the same rules run in the engine that also runs
Control Tower's rules, which takes 50 ms for a template and needs no aws_cdk.
"""

from __future__ import annotations

import functools
import importlib.metadata
import json
import re
import tarfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
from cloudformation_validate import (
    EngineConfig,
    ExternalRuleSource,
    PseudoParameterOverrides,
    RegoEngine,
    TemplateContent,
    ValidateConfig,
)

_ACKNOWLEDGED = Path(__file__).with_name("preflight_acknowledged.toml")
_BUNDLE = "package/lib/rules.generated.js"
_HEADER = "package cdk_preflight\n\nimport rego.v1\n"
_OWN_HEADER = re.compile(r"^(?:package|import)\s.*\n", re.MULTILINE)


@attrs.frozen(order=True)
class Finding:
    """A resource that breaks a rule.

    Args:
        rule: The ID of the rule.
        resource: The path of the resource's construct, or its logical ID.
        property: The property that the rule is about.
        message: The message of the rule.
        source: The AWS documentation page that the rule cites.
    """

    rule: str
    resource: str
    property: str
    message: str
    source: str


def assembly_findings(assembly: Path) -> Iterator[Finding]:
    """Yield the findings in each template of a cloud assembly, including those of its stages."""
    artifacts = json.loads((assembly / "manifest.json").read_text())["artifacts"].values()
    for artifact in artifacts:
        properties = artifact.get("properties", {})
        if artifact["type"] == "cdk:cloud-assembly":
            yield from assembly_findings(assembly / properties["directoryName"])
        elif artifact["type"] == "aws:cloudformation:stack":
            account, _, region = artifact["environment"].removeprefix("aws://").partition("/")
            yield from findings((assembly / properties["templateFile"]).read_text(), region, account)


def findings(text: str, region: str = "unknown-region", account: str = "unknown-account") -> list[Finding]:
    """Return the findings in a template.

    Args:
        text: The text of the template.
        region: The region of the stack. Default: unknown, so that rules about regions find nothing.
        account: The account of the stack. Default: unknown, so that rules about accounts find nothing.
    """
    template = json.loads(text)
    known = PseudoParameterOverrides(
        region=None if region.startswith("unknown") else region,
        account_id=None if account.startswith("unknown") else account,
    )
    config = ValidateConfig(disable_builtin_rules=True, pseudo_parameter_overrides=known)
    report = _engine(known.region, known.account_id).validate_template(TemplateContent(text, "template.json"), config)
    return sorted(_finding(template, each) for each in report.diagnostics)


def _finding(template: dict[str, Any], diagnostic: Any) -> Finding:
    logical_id = diagnostic.entity.logical_id if diagnostic.entity else ""
    resource = template["Resources"].get(logical_id, {})
    path = resource.get("Metadata", {}).get("aws:cdk:path", logical_id)
    return Finding(
        diagnostic.rule_id,
        str(path),
        str(diagnostic.property_path or ""),
        diagnostic.message,
        diagnostic.documentation_url or "",
    )


@functools.cache
def acknowledgements() -> list[dict[str, str]]:
    """Return the findings that AWS's documentation contradicts, each with a quotation."""
    entries: list[dict[str, str]] = tomllib.loads(_ACKNOWLEDGED.read_text())["acknowledged"]
    return entries


def acknowledgement(program: str, finding: Finding) -> dict[str, str] | None:
    """Return the acknowledgement of a finding in a program; None for a finding without an acknowledgement."""
    for entry in acknowledgements():
        given = {"program": program, "resource": finding.resource, "message": finding.message}
        if entry["rule"] == finding.rule and all(re.fullmatch(entry[name], of) for name, of in given.items()):
            return entry
    return None


@functools.cache
def rules() -> dict[str, dict[str, Any]]:
    """Return the rules of the package, by ID."""
    return {rule["id"]: rule for rule in _exported("BUNDLED_RULES")}


@functools.cache
def _engine(region: str | None, account: str | None) -> RegoEngine:
    """Return an engine with the rules, compiled by service as in cdk-preflight.

    A separate module for each rule takes six times as long.
    """
    modules = {f"library {each['name']}": each["rego"] for each in _exported("BUNDLED_LIBS")}
    for rule in rules().values():
        module = f"service {rule['service']}"
        modules[module] = modules.get(module, _HEADER) + _OWN_HEADER.sub("", rule["rego"])
    deployed = {"deploy_region": region, "deploy_account": account}
    modules["environment"] = _HEADER + "".join(f"{name} := {json.dumps(of)}\n" for name, of in deployed.items() if of)
    return RegoEngine(
        EngineConfig(custom_rules=[ExternalRuleSource(name=name, content=rego) for name, rego in modules.items()])
    )


def _exported(name: str) -> list[dict[str, Any]]:
    """Return one of the two lists in the package's JavaScript, which are written as JSON."""
    text, export = _bundle(), f"exports.{name} = ["
    found: list[dict[str, Any]] = json.JSONDecoder().raw_decode(text, text.index(export) + len(export) - 1)[0]
    return found


@functools.cache
def _bundle() -> str:
    package = importlib.metadata.distribution("cdk-preflight")
    (archive,) = [file for file in package.files or [] if file.suffix == ".tgz"]
    with tarfile.open(str(package.locate_file(archive))) as members:
        bundle = members.extractfile(_BUNDLE)
        if bundle is None:
            raise FileNotFoundError(_BUNDLE)
        return bundle.read().decode()
