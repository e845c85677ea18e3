"""The policy engines, run over the stacks of an assembly."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from moorage.assembly.cloud_assembly import Stack
from moorage.policy.plugin_reports import plugins_of, reported
from moorage.policy.violation import PolicyError, Violation, path_of

_REGION = "us-east-1"
"""The region whose resource schemas apply to a stack without a region."""
_VERSIONED = ("moorage", "cfn-lint", "cloudformation-validate", "cdklabs.cdk-validator-cfnguard")
_OF_CDK = ("W3005",)
"""The rules of cfn-lint to ignore. CDK's templates often fail W3005, since CDK writes a `DependsOn` that a reference
already implies.
"""

_UNREADABLE = "cfn-lint:E0002"
"""cfn-lint's own rule for an error while it processes a template."""


Checked = Callable[[Stack], None]
"""A function that is called after cfn-lint and Guard checked a stack."""


def all_violations(stacks: Sequence[Stack], checked: Checked = lambda _: None) -> frozenset[Violation]:
    """Return the findings of the engines in stacks, and those that CDK's validation plugins reported.

    Args:
        stacks: The stacks, including the nested stacks.
        checked: A function that is called after each stack without a cached result. Default: nothing is called.

    Raises:
        PolicyError: checkov fails, or prints no JSON.
        AssemblyError: The report of a validation plugin is not the JSON that CDK writes.
    """
    return violations(stacks, checked) | reported(stacks)


def unchecked(stacks: Iterable[Stack]) -> list[Stack]:
    """Return the stacks that have no cached result, one of those with equal templates.

    Args:
        stacks: The stacks, including the nested stacks.
    """
    found = {_key(stack): stack for stack in stacks}
    return [stack for stack in found.values() if not ((file := _file(stack)) and file.is_file())]


def engines_of(stacks: Iterable[Stack]) -> frozenset[str]:
    """Return the names of the engines that check an app. These names are the prefixes of rules.

    Args:
        stacks: The stacks of the app.
    """
    optional = {"checkov"} if shutil.which("checkov") else set()
    return frozenset({"cfn-lint", "guard"} | optional | plugins_of(stacks))


def violations(stacks: Iterable[Stack], checked: Checked = lambda _: None) -> frozenset[Violation]:
    """Return the findings of cfn-lint and the Guard rules in stacks, and those of checkov if it is installed.

    The results of cfn-lint and Guard are cached for each template.

    Args:
        stacks: The stacks, including the nested stacks.
        checked: A function that is called after each stack without a cached result. Default: nothing is called.

    Raises:
        PolicyError: checkov fails, or prints no JSON.
    """
    templates = list(stacks)
    found = {violation for stack in templates for violation in _kept(stack, checked)}
    if program := shutil.which("checkov"):
        found |= {violation for _, violation in checkov(templates, program)}
    return frozenset(found)


def _kept(stack: Stack, checked: Checked) -> list[Violation]:
    """Return the results for a template from the cache, or run cfn-lint and Guard, and cache the results."""
    file = _file(stack)
    if file and file.is_file():
        with contextlib.suppress(TypeError, ValueError):  # another program wrote the file
            return [_restored(*each) for each in json.loads(file.read_text("utf-8"))]
    with ThreadPoolExecutor(max_workers=1) as pool:  # Guard's engine is native code, and runs beside that of cfn-lint
        guarded = pool.submit(lambda: list(_guard(stack)))
        found = sorted({*_cfn_lint(stack), *guarded.result()})
    if file:
        _write(file, json.dumps([[each.rule, each.path, each.message] for each in found]))
    checked(stack)
    return found


def _file(stack: Stack) -> Path | None:
    """Return the file with the cached result of a stack, which may not exist; None without a folder for the cache."""
    folder = _cache()
    return folder / f"{_key(stack)}.json" if folder else None


def _key(stack: Stack) -> str:
    """Return the key of a cached result. It depends on all that decides about the result."""
    key = "\n".join((*map(_version, _VERSIONED), stack.region or _REGION, stack.path, stack.text))
    return hashlib.sha256(key.encode()).hexdigest()


def _restored(*parts: object) -> Violation:
    """Return a violation from the cache. Raise a `TypeError` unless it has three texts."""
    match parts:
        case (str() as rule, str() as path, str() as message):
            return Violation(rule, path, message)
    raise TypeError(f"not a violation: {parts!r}")


def _cache() -> Path | None:
    """Return the folder for cached results; None if the environment names neither a cache nor a home folder."""
    stated = os.environ.get("XDG_CACHE_HOME")
    home = os.environ.get("HOME") or os.environ.get("LOCALAPPDATA")
    if not stated and not home:
        return None
    return (Path(stated) if stated else Path(str(home)) / ".cache") / "moorage" / "policy"


def _write(file: Path, text: str) -> None:
    """Write a file completely or not at all. A full disk or a missing permission is not an error."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=file.parent, delete=False) as written:
            written.write(text)
        Path(written.name).replace(file)
    except OSError:
        return


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _cfn_lint(stack: Stack) -> Iterator[Violation]:
    from moorage.policy.cloudformation_lint import matches  # noqa: PLC0415  # slow; not needed for cached results

    try:
        found = matches(stack.text, stack.region or _REGION, include=("W", "E"), ignore=_OF_CDK)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:  # of a malformed template
        yield Violation(_UNREADABLE, stack.path, f"cfn-lint cannot read the template: {error}")
        return
    for match in found:
        place = [*map(str, getattr(match, "path", ())), "", ""]  # none if cfn-lint refuses the complete template
        path = path_of(stack, place[1] if place[0] == "Resources" else "")
        yield Violation(f"cfn-lint:{match.rule.id}", path, match.message)


def _guard(stack: Stack) -> Iterator[Violation]:
    from moorage.policy import guard  # noqa: PLC0415  # loads 237 rules; not needed for cached results

    yield from guard.violations(stack)


def checkov(stacks: Sequence[Stack], program: str) -> Iterator[tuple[Stack, Violation]]:
    """Yield each finding of checkov with its stack. One run checks all stacks that were read from files.

    Args:
        stacks: The stacks to check.
        program: The path of the checkov executable.

    Raises:
        PolicyError: checkov fails, or prints no JSON.
    """
    templates = {str(stack.template_file.resolve()): stack for stack in stacks if stack.template_file}
    if not templates:
        return
    command = [program, "--framework", "cloudformation", "--output", "json", "--quiet", "--compact", "--soft-fail"]
    for file in templates:
        command += ["--file", file]
    environment = {**os.environ, "BC_SKIP_MAPPING": "TRUE", "LOG_LEVEL": "ERROR"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    try:
        done.check_returncode()
        checks = json.loads(done.stdout).get("results", {}).get("failed_checks", ())
    except (subprocess.CalledProcessError, ValueError, AttributeError) as error:
        said = (done.stderr.strip().splitlines() or ["it printed no JSON"])[-1]
        raise PolicyError(f"{program} failed ({said}); repair checkov, or remove it from the PATH") from error
    for failed in checks:
        stack = templates[failed["file_abs_path"]]
        path = path_of(stack, failed["resource"].partition(".")[2])
        yield stack, Violation(f"checkov:{failed['check_id']}", path, failed["check_name"])
