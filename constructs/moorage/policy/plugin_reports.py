"""The report in which CDK records the findings of the validation plugins of an app, such as cdk-nag."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from moorage.assembly.cloud_assembly import VALIDATION_REPORT, AssemblyError, Stack
from moorage.policy.issues import NAG_PACKS
from moorage.policy.violation import APP, Violation

_FAILED = "failed"
"""The name of the rule for a plugin that fails without a violation. Its findings are not known."""


def reported(stacks: Iterable[Stack]) -> frozenset[Violation]:
    """Return the violations that CDK's validation plugins, such as cdk-nag, reported during the synthesis.

    A plugin that failed without a violation is a violation itself.

    Args:
        stacks: The stacks of an assembly.

    Raises:
        AssemblyError: The report is not the JSON that CDK writes.
    """
    return frozenset(violation for _, found in _plugins(stacks) for violation in found)


def plugins_of(stacks: Iterable[Stack]) -> frozenset[str]:
    """Return the names of the plugins that ran, as in the prefixes of rules; `nag` for all packs of cdk-nag.

    Args:
        stacks: The stacks of an assembly.

    Raises:
        AssemblyError: The report is not the JSON that CDK writes.
    """
    return frozenset(name for name, _ in _plugins(stacks))


def has_failed(violation: Violation) -> bool:
    """Return whether a violation means that a plugin failed, so that the plugin's findings are not known.

    Args:
        violation: The violation to check.
    """
    return violation.path == APP and violation.rule.endswith(f":{_FAILED}")


def _plugins(stacks: Iterable[Stack]) -> list[tuple[str, list[Violation]]]:
    """Return the name of each plugin with its violations. CDK writes one report, for the complete app."""
    folders = {_root_of(folder) for folder in {stack.template_file.parent for stack in stacks if stack.template_file}}
    found = []
    for file in (folder / VALIDATION_REPORT for folder in folders):
        if file.is_file():
            try:
                report = json.loads(file.read_text("utf-8"))
                found += [(_engine(plugin), list(_violations(plugin))) for plugin in report["pluginReports"]]
            except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
                raise AssemblyError(
                    f"{file} is not a validation report of CDK ({error!r}); synthesize again"
                ) from error
    return found


def _root_of(assembly: Path) -> Path:
    """Return the folder of the complete app's assembly, whose manifest names the assemblies of the app's stages."""
    folder = assembly.resolve()
    with contextlib.suppress(AttributeError, KeyError, TypeError, ValueError, OSError, RecursionError):
        manifest = json.loads((folder.parent / "manifest.json").read_text("utf-8"))
        for artifact in manifest["artifacts"].values():
            if artifact["type"] == "cdk:cloud-assembly" and artifact["properties"]["directoryName"] == folder.name:
                return _root_of(folder.parent)
    return assembly


def _engine(plugin: Mapping[str, Any]) -> str:
    name = str(plugin["pluginName"])
    return "nag" if name in NAG_PACKS else name


def _violations(plugin: Mapping[str, Any]) -> Iterator[Violation]:
    engine, violations, prefix = _engine(plugin), plugin["violations"], f"{plugin['pluginName']}-"
    for violation in violations:
        rule = f"{engine}:{violation['ruleName'].removeprefix(prefix)}"
        message = str(violation.get("description") or "")
        paths = {each["constructPath"] or APP for each in violation["violatingConstructs"]} or {APP}
        yield from (Violation(rule, path, message) for path in paths)
    error = (plugin.get("metadata") or {}).get("error")
    if error or (plugin.get("conclusion") == "failure" and not violations):
        yield Violation(
            f"{engine}:{_FAILED}", APP, str(error or f"the plugin {engine} failed and reported no violation")
        )
