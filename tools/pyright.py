"""Check the types of package, examples and stacks with pyright, and compare the errors with a list.

jsii generates classes whose parameters have other names than those of the interfaces that they implement, so pyright
does not accept a `Key` as an `IKey`; mypy does. `pyright_jsii.toml` lists the places, each with the interface that is
declared there. A finding that is not listed fails; so does an entry without a finding.
"""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "tools" / "pyright_jsii.toml"
_PROGRAM = ROOT / "node_modules" / "pyright" / "index.js"
_MISMATCH = re.compile(
    r'(?:Argument of type|Type) "(?P<given>.+?)" (?:cannot be assigned|is not assignable) to '
    r'(?:parameter "(?P<parameter>\w+)" of type|(?P<target>return|declared) type) "(?P<declared>.+?)"'
)


@attrs.frozen(order=True)
class Finding:
    """An error that pyright reports.

    Args:
        file: The file, from the root of the repository.
        line: The line of the error.
        message: The first line of the message.
    """

    file: str
    line: int = attrs.field(order=False, eq=False)
    message: str

    @property
    def entry(self) -> tuple[str, str, str] | None:
        """The file, the parameter and the type that is declared there; None for another kind of error."""
        found = _MISMATCH.match(self.message)
        return found and (self.file, found["parameter"] or found["target"], found["declared"])

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


def findings(output: Mapping[str, Any], root: Path = ROOT) -> list[Finding]:
    """Return the errors and warnings in pyright's JSON output."""
    return [
        Finding(
            str(Path(each["file"]).relative_to(root)),
            each["range"]["start"]["line"] + 1,
            each["message"].partition("\n")[0],
        )
        for each in output["generalDiagnostics"]
    ]


def problems(found: Iterable[Finding], entries: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the findings without an entry, the entries without a finding, and the invalid entries.

    Args:
        found: The errors of pyright.
        entries: Tables with `file`, `parameter` (or `return`, `declared`), `declared`, `interface`, and optionally
            `times`.
    """
    left: Counter[tuple[str, str, str] | None] = Counter()
    for entry in entries:
        key = (entry["file"], entry["parameter"], entry["declared"])
        left[key] += entry.get("times", 1)
        module, _, name = entry["interface"].rpartition(".")
        if not module.startswith("aws_cdk") or not hasattr(importlib.import_module(module), name):
            yield f"{LIST.name}: {entry['interface']} is not an interface of aws_cdk"
        if name not in entry["declared"]:
            yield f"{LIST.name}: {entry['declared']} does not name {name} ({entry['file']})"
    for finding in sorted(found):
        if left[finding.entry]:
            left[finding.entry] -= 1
        else:
            yield str(finding)
    for stale, times in left.items():
        if stale and times:
            yield f"{LIST.name}: nothing matches {', '.join(stale)}; delete the entry, or lower its times by {times}"


def main() -> int:
    """Run pyright and print the problems. Return 1 if there are any, or 2 if pyright fails."""
    command = ["node", str(_PROGRAM), "--project", str(ROOT), "--outputjson"]
    output = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if not output.stdout.startswith("{"):
        sys.stderr.write(output.stdout + output.stderr)
        return 2
    listed = tomllib.loads(LIST.read_text())["mismatch"]
    found = list(problems(findings(json.loads(output.stdout)), listed))
    sys.stdout.writelines(f"{each}\n" for each in found)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
