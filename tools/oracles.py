"""`make oracles`: check more random services by independent rules than `make test` has time for.

It runs cfn-lint and cdk-preflight over the templates of random services that keep all limits. It fails on any finding,
and prints the smallest program for each rule.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from hypothesis import Phase

from tools.fuzz.__main__ import SEED, explore
from tools.fuzz.services import definitions
from tools.fuzz.trial import Problem, Trial
from tools.preflight import rules


def main(arguments: list[str] | None = None) -> int:
    """Run the rules, print the findings, and return the number of rules with findings."""
    parser = argparse.ArgumentParser(prog="python -m tools.oracles", description=__doc__)
    parser.add_argument("--services", type=int, default=500, help="the number of random services")
    parser.add_argument("--seed", type=int, default=SEED, help="the same seed gives the same services")
    given: Any = parser.parse_args(arguments)
    trial, started = Trial(), time.monotonic()
    explore(trial.answer, (definitions(), given.services, given.seed), (Phase.generate,))
    trial.finish()
    found = by_rule(trial.problems)
    sys.stdout.write(
        f"{trial.accepted:,} random services in {time.monotonic() - started:.0f} s, seed {given.seed}: "
        f"cfn-lint and the {len(rules()):,} rules of cdk-preflight find {len(found)}\n"
    )
    for rule, problem in found.items():
        sys.stdout.write(f"\n{rule}: {problem.says}\n\n{problem.definition.source}\n")
    return len(found)


def by_rule(problems: list[Problem]) -> dict[str, Problem]:
    """Return the problem with the shortest program for each rule."""
    found: dict[str, Problem] = {}
    for problem in sorted(problems, key=lambda each: len(each.definition.source)):
        for line in problem.says.splitlines():
            found.setdefault(line.split(" ", 1)[0].rstrip(":"), problem)
    return found


if __name__ == "__main__":
    raise SystemExit(min(main(), 99))
