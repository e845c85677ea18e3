"""`make corpus CORPUS=dir`: deploy each cloud assembly of a folder to the local AWS, and print which ones deploy.

Each assembly gets its own local AWS, which is discarded afterwards. The corpus is not in this repository: it can be any
folder of cloud assemblies as `cdk synth` writes them.
"""

from __future__ import annotations

import argparse
import datetime as dt
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import attrs

_TIMEOUT_SECONDS = 300
_FAILED = re.compile(r": (?:CREATE|UPDATE)_FAILED \S+ (?P<reason>.+)")
_SAID = re.compile(r"^moorage\.local: (?P<reason>.+)", re.MULTILINE)


@attrs.frozen
class Result:
    """The outcome for one assembly.

    Args:
        name: The name of the assembly's folder.
        seconds: The duration of the deployment.
        reason: The reason why the assembly does not deploy; None if it deploys.
    """

    name: str
    seconds: float
    reason: str | None

    def __str__(self) -> str:
        return f"{self.name}: {self.reason or f'deploys ({self.seconds:.1f} s)'}"


def main() -> int:
    """Deploy every assembly of a folder, and return 1 if fewer deploy than `--at-least`."""
    parser = argparse.ArgumentParser(prog="python -m tools.corpus", description=__doc__)
    parser.add_argument("corpus", type=Path, help="a folder of cloud assemblies")
    parser.add_argument("--at-least", type=int, default=0, help="the number that must deploy (default: 0)")
    given = parser.parse_args()
    assemblies = sorted(each.parent for each in given.corpus.glob("*/manifest.json"))
    if not assemblies:
        sys.exit(f"{given.corpus} has no folders with a manifest.json; name a folder of cloud assemblies")
    deployed = 0
    for assembly in assemblies:
        result = deploy(assembly)
        deployed += result.reason is None
        sys.stdout.write(f"{result}\n")
        sys.stdout.flush()
    sys.stdout.write(f"\n{dt.date.today()}: {deployed} of {len(assemblies)} deploy\n")
    return int(deployed < given.at_least)


def deploy(assembly: Path) -> Result:
    """Deploy an assembly to its own local AWS, delete it there, and return the outcome."""
    with tempfile.TemporaryDirectory(prefix="moorage-corpus-") as folder:
        home = Path(folder) / "home"
        started = time.monotonic()
        try:
            up = _local("up", "--app", str(assembly.resolve()), "--home", str(home))
            reason = None if up.returncode == 0 else _reason(up.stdout + up.stderr)
        except subprocess.TimeoutExpired:
            reason = f"not deployed within {_TIMEOUT_SECONDS} s"
        took = time.monotonic() - started
        _local("down", "--home", str(home))
    return Result(assembly.name, took, reason)


def _local(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "moorage.local", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=_TIMEOUT_SECONDS)


def _reason(output: str) -> str:
    """Return the first failed resource with its reason; otherwise the last message of `moorage.local`."""
    failed = _FAILED.search(output)
    said = [match["reason"] for match in _SAID.finditer(output)]
    return " ".join((failed["reason"] if failed else said[-1] if said else output[-200:]).split())


if __name__ == "__main__":
    sys.exit(main())
