"""Synthesize every example with the built wheel, on the oldest and newest Python and aws-cdk-lib that are supported.

Each pair runs with the feature flags of `cdk init` and without flags. An example fails if it does not synthesize. The
templates may differ between the versions, but logical IDs must not.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FLAGS = ROOT / "node_modules" / "aws-cdk" / "lib" / "init-templates" / ".recommended-feature-flags.json"
OLDEST = (3, 11)
_TIMEOUT = 120


def pythons() -> list[str]:
    """Return the oldest and the newest supported Python, from the PATH or pyenv."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    places = [*map(Path, os.environ["PATH"].split(os.pathsep)), *pyenv.glob("*/bin")]
    found = {}
    for program in {path.resolve() for place in places for path in place.glob("python3.[0-9][0-9]")}:
        command = [str(program), "-c", "import sys, venv; print(*sys.version_info[:3])"]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if not done.returncode and (version := tuple(map(int, done.stdout.split()))) >= OLDEST:
            found[version] = str(program)
    return [found[version] for version in sorted({min(found), max(found)})]


def lowest() -> list[str]:
    """Return the lowest version of each dependency that the wheel allows."""
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    return [each.partition(",")[0].replace(">=", "==") for each in dependencies]


def logical_ids(assembly: Path) -> dict[str, dict[str, str]]:
    """Return the type of each logical ID of each template in a cloud assembly."""
    return {
        path.name: {name: each["Type"] for name, each in json.loads(path.read_text()).get("Resources", {}).items()}
        for path in sorted(assembly.rglob("*.template.json"))
    }


def differences(first: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return the templates whose logical IDs are not the same in both."""
    return sorted(name for name in first.keys() | other.keys() if first.get(name) != other.get(name))


def main() -> int:
    """Run all examples in all environments, print the failures, and return 1 if there are any."""
    examples = sorted((ROOT / "examples").glob("*.py"))
    known: dict[tuple[bool, str], dict[str, dict[str, str]]] = {}
    failed = 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as threads:
        subprocess.run(["uv", "build", "--wheel", "--quiet", "--out-dir", folder], cwd=ROOT, check=True)
        (wheel,) = Path(folder).glob("*.whl")
        for name, python, context in environments(wheel, Path(folder)):
            sys.stdout.write(f"{name}, {'flags of cdk init' if context else 'no flags'}: {len(examples)} examples\n")
            ran = threads.map(functools.partial(run, python, context), examples)
            for example, (error, ids) in zip(examples, ran, strict=True):
                earlier = known.setdefault((bool(context), example.name), ids)
                others = "" if error else ", ".join(differences(earlier, ids))
                if problem := error or (others and f"other logical ids in {others}"):
                    failed += 1
                    sys.stdout.write(f"  {example.name}: {problem}\n")
            sys.stdout.flush()
    return bool(failed)


def environments(wheel: Path, folder: Path) -> Iterator[tuple[str, Path, Mapping[str, Any]]]:
    """Yield each environment's name, its Python, and the context to synthesize in."""
    flags = json.loads(FLAGS.read_text())
    for python in pythons():
        for pins in (lowest(), []):
            place = folder / f"{len(list(folder.iterdir()))}"
            subprocess.run(["uv", "venv", "--quiet", "--python", python, str(place)], check=True)
            install = ["uv", "pip", "install", "--quiet", "--python", str(place)]
            subprocess.run([*install, str(wheel), *pins], check=True)
            listed = subprocess.run(
                ["uv", "pip", "freeze", "--quiet", "--python", str(place)], check=True, capture_output=True, text=True
            ).stdout
            versions = re.findall(r"^(?:aws-cdk-lib|constructs|attrs)==.*", listed, re.MULTILINE)
            name = ", ".join([Path(python).name, *versions])
            yield name, place / "bin" / "python", flags
            yield name, place / "bin" / "python", {}


def run(python: Path, context: Mapping[str, Any], example: Path) -> tuple[str, dict[str, dict[str, str]]]:
    """Synthesize one example.

    Args:
        python: The Python of the environment.
        context: The context of the app.
        example: The program.

    Returns:
        The last line of the error (empty after a success), and the logical IDs of the templates.
    """
    with tempfile.TemporaryDirectory() as folder:
        program = shutil.copy(example, folder)
        environment = os.environ | {
            "CDK_OUTDIR": f"{folder}/cdk.out",
            "CDK_CONTEXT_JSON": json.dumps(context),
            "CDK_VALIDATION": "false",
        }
        environment.pop("PYTHONPATH", None)
        command = [str(python), "-W", "ignore", program]
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=_TIMEOUT
        )
        error = done.stderr.strip().splitlines()[-1:] if done.returncode else []
        return "".join(error), logical_ids(Path(folder, "cdk.out"))


if __name__ == "__main__":
    sys.exit(main())
