"""`python -m tools.review_oracle`: check the replacements of moorage review against those of the CDK CLI.

It changes each property of each type that this repository's programs and the corpus use, each value in their templates,
and draws random updates. Both say for each resource whether the change replaces it. Each kind of difference must be a
row of differences.toml, with the documented update behavior. Exit code: the number of kinds without a row, at most 99.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from moorage.assembly.cloud_assembly import Stack
from moorage.review.comparison import Replacement, compare
from moorage.review.replacement.replacement import replaced
from tools.review_oracle.changes import (
    NODE,
    ROOT,
    Change,
    as_json,
    corpus,
    each_value,
    programs,
    random_updates,
    single_properties,
)

TABLE = Path(__file__).with_name("differences.toml")
INSTALLED = ROOT / ".venv" / "tools" / "review_oracle"
SEED = 20261130


@attrs.frozen(order=True)
class Row:
    """A kind of difference.

    Args:
        type: The type of the resource.
        property: The property that decides, without positions in lists.
        moorage: The answer of moorage review: no, may or yes.
        cdk: The answer of the CDK CLI.
    """

    type: str
    property: str
    moorage: str
    cdk: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare the answers, print the kinds of differences without a row, and return their number."""
    parser = argparse.ArgumentParser(prog="python -m tools.review_oracle", description=__doc__)
    parser.add_argument("corpus", nargs="?", type=Path, help="a folder of cloud assemblies of other apps")
    parser.add_argument("--updates", type=int, default=200, help="the number of random updates")
    parser.add_argument("--seed", type=int, default=SEED, help="the same seed gives the same updates")
    given: Any = parser.parse_args(arguments)
    stacks = [*programs(), *(corpus(given.corpus) if given.corpus else ())]
    types = {resource.type for stack in stacks for resource in stack.resources}
    changes = [*single_properties(types), *each_value(stacks), *random_updates(given.updates, given.seed)]
    found = Counter[Row]()
    examples: dict[Row, str] = {}
    for change, other in zip(changes, answers_of_cdk(changes), strict=True):
        for row in differences(change, other):
            found[row] += 1
            examples.setdefault(row, change.name)
    known = set(rows())
    unknown = sorted(found.keys() - known)
    sys.stdout.write(
        f"{len(changes):,} changes of {len(types)} types: {sum(found.values()):,} answers of {len(found)} kinds differ "
        f"from those of the CDK CLI, {len(unknown)} without a row in {TABLE.name}\n"
    )
    for row in unknown:
        sys.stdout.write(f"{row.type} {row.property}: moorage {row.moorage}, CDK {row.cdk} ({examples[row]})\n")
    return len(unknown)


def rows() -> Iterator[Row]:
    """Yield the kinds of differences in the table."""
    for row in tomllib.loads(TABLE.read_text("utf-8"))["difference"]:
        yield Row(row["type"], row["property"], row["moorage"], row["cdk"])


def answers_of_cdk(changes: Iterable[Change]) -> Iterator[Mapping[str, tuple[str, list[str]]]]:
    """Yield the CDK CLI's answers for each change: for each replaced resource, the answer and deciding properties."""
    with tempfile.TemporaryFile("w+") as lines:
        lines.writelines(f"{as_json(change)}\n" for change in changes)
        lines.seek(0)
        done = subprocess.run(
            [NODE, INSTALLED / "diff.mjs"], stdin=lines, stdout=subprocess.PIPE, text=True, check=True, cwd=INSTALLED
        )
    for line in done.stdout.splitlines():
        yield json.loads(line)


def answers_of_moorage(change: Change) -> dict[str, tuple[str, list[str]]]:
    """Return moorage's answers for a change: for each replaced resource, the answer and the deciding properties."""
    base, head = (
        [Stack("Stack", "Stack", "111111111111", "eu-west-1", template, ())]
        for template in (change.before, change.after)
    )
    return {
        each.logical_id: (each.replacement.value, [reason.split()[1] for reason in each.reasons])
        for each in replaced(compare(base, head)).changes
        if each.replacement is not Replacement.NO
    }


def differences(change: Change, other: Mapping[str, tuple[str, list[str]]]) -> Iterator[Row]:
    """Yield the kinds of differences between the answers for one change."""
    own = answers_of_moorage(change)
    for logical_id in {*own, *other}:
        moorage, properties = own.get(logical_id, ("no", []))
        cdk, of_cdk = other.get(logical_id, ("no", []))
        if moorage != cdk:
            decides = sorted(set(properties or of_cdk))
            yield Row(change.after["Resources"][logical_id]["Type"], ", ".join(decides), moorage, cdk)


if __name__ == "__main__":
    raise SystemExit(min(main(), 99))
