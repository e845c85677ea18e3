"""Synthesize all programs of a tree: `python -P programs.py TREE OUT`, with TREE on PYTHONPATH.

Each program writes a cloud assembly to a folder of OUT with its name. They share one process because importing aws_cdk
takes seconds. This file imports nothing from its own tree, so it works for any revision.
"""

from __future__ import annotations

import functools
import importlib
import json
import re
import runpy
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

OWN_PACKAGES = {"moorage", "stacks", "tests", "tools"}
DEFINES_JOBS = re.compile(r"^JOBS\b.*=", re.MULTILINE)


def main() -> None:
    """Run app.py, every example and every policy job."""
    tree, out = (Path(argument).resolve() for argument in sys.argv[1:])
    importlib.import_module("moorage")
    refuse_other_trees(tree)
    run(out / "app", lambda: run_script(tree / "app.py"), app_context(tree))
    for example in sorted((tree / "examples").glob("*.py")):
        run(out / f"example {example.stem}", functools.partial(run_script, example), {})
    for name, define in policy_jobs(tree).items():
        run(out / f"job {name}", functools.partial(run_job, define), {})
    refuse_other_trees(tree)


def refuse_other_trees(tree: Path) -> None:
    """Refuse modules of another tree: an editable install would otherwise replace a missing module."""
    for name, module in sorted(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name.partition(".")[0] in OWN_PACKAGES and file and not Path(file).resolve().is_relative_to(tree):
            raise SystemExit(f"{name} must come from {tree} (got {file})")


def run(assembly: Path, program: Callable[[], object], context: Mapping[str, Any]) -> None:
    """Run a program so that its `cdk.App` writes to the assembly. A program that synthesizes nothing is an error."""
    import aws_cdk as cdk  # noqa: PLC0415  # it takes seconds, and modules of another tree are refused first

    try:
        with mock.patch.object(cdk, "App", functools.partial(cdk.App, outdir=str(assembly), context=context)):
            program()
    except Exception as error:
        error.add_note(f"in {assembly.name}")
        raise
    if not (assembly / "manifest.json").is_file():
        raise SystemExit(f"{assembly.name} synthesizes nothing")


def run_script(path: Path) -> None:
    """Run a file as `python` would."""
    runpy.run_path(str(path), run_name="__main__")


def run_job(define: Callable[[Any], None]) -> None:
    """Synthesize an app that a policy job defines."""
    import aws_cdk as cdk  # noqa: PLC0415  # modules of another tree are refused first

    app = cdk.App()
    define(app)
    app.synth()


def app_context(tree: Path) -> dict[str, Any]:
    """Return the context that the CDK CLI passes to app.py."""
    context: dict[str, Any] = json.loads((tree / "cdk.json").read_text())["context"]
    return context


def policy_jobs(tree: Path) -> dict[str, Callable[[Any], None]]:
    """Return JOBS from the only module under tests/ that defines it."""
    paths = [path for path in sorted((tree / "tests").rglob("*.py")) if DEFINES_JOBS.search(path.read_text())]
    if len(paths) != 1:
        found = ", ".join(str(path.relative_to(tree)) for path in paths) or "none"
        raise SystemExit(f"exactly one module under tests/ must define JOBS (got {found})")
    (path,) = paths
    module = importlib.import_module(".".join(path.relative_to(tree).with_suffix("").parts))
    jobs: dict[str, Callable[[Any], None]] = module.JOBS
    return jobs


if __name__ == "__main__":
    main()
