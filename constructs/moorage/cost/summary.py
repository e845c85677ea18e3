"""An estimate as one line, for the end of a deployment into the local AWS."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from moorage.assembly.cloud_assembly import Stack
from moorage.cost.amounts import Range
from moorage.cost.estimate import estimate
from moorage.cost.money import money
from moorage.cost.parts import Kind
from moorage.prices.book import PriceBook


def summary(stacks: Sequence[Stack], assembly: Path, patterns: Sequence[str], program: str = "moorage") -> str:
    """Return a line with the least monthly cost of stacks, its assumed part, and the command that shows the details.

    The text is empty if the cost cannot be estimated, or if everything depends on use.

    Args:
        stacks: The stacks of the assembly.
        assembly: The folder of the assembly.
        patterns: The construct paths of the stacks to estimate, in which `*` is any text; empty for all stacks.
        program: The beginning of the command. Default: `moorage`.
    """
    try:
        found = estimate(stacks, PriceBook.load()).of(patterns)
    except Exception:  # an estimate must never fail the deployment that it follows
        return ""
    least = found.total.fixed.least
    if not least:
        return ""
    unknown = sum(row.kind is Kind.UNKNOWN for row in found.rows)
    without = f", without {unknown} component{'' if unknown == 1 else 's'} whose cost is unknown" if unknown else ""
    assumed = found.total.assumed.least
    rests = f", of which ${money(Range.of(assumed))} rests on assumed prices" if assumed else ""
    command = " ".join([program, "cost", *(shlex.quote(each) for each in (str(assembly), *patterns))])
    return f"On AWS, this costs at least ${money(Range.of(least))} a month{rests}{without} ({command})\n"
