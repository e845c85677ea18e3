"""The command `moorage cost`: it reads an assembly, and prints or writes its estimate."""

from __future__ import annotations

import datetime as dt
import sys
from decimal import Decimal
from pathlib import Path

import attrs
from rich.console import Console

from moorage.assembly.cloud_assembly import AssemblyError, stacks_of
from moorage.assembly.named import ineffective_region, named_stacks, newer_elsewhere, origin, require_folder
from moorage.cost import json_form, terminal
from moorage.cost.amounts import Range
from moorage.cost.estimate import Estimate, estimate
from moorage.cost.money import money, number_of_option
from moorage.cost.usage import UsageError, read
from moorage.prices.book import PriceBook
from moorage.prices.price import PriceBookError
from moorage.prices.regions import region_doubt, region_problem

_PRINTED = Path("-")


class CostError(Exception):
    """The error for arguments that cannot be used. Its message is a sentence for the user."""


@attrs.frozen(kw_only=True)
class Request:
    """The arguments of an estimate.

    Args:
        assembly: The folder that `cdk synth` wrote.
        stacks: The construct paths of stacks, in which `*` is any text. Default: all stacks.
        usage: The usage file. Default: None; what depends on use has no amount.
        region: The region of stacks without a region. Default: None, for us-east-1.
        prices: The file of the price book, such as `moorage prices refresh` writes. Default: None, for that of moorage.
        budget: The largest monthly cost in USD, as the user typed it. Default: None.
        json: The file for JSON; `-` prints it instead of the tables. Default: None.
    """

    assembly: Path
    stacks: tuple[str, ...] = ()
    usage: Path | None = None
    region: str | None = None
    prices: Path | None = None
    budget: str | None = None
    json: Path | None = None


def run(request: Request) -> int:
    """Estimate the cost of an assembly, print or write it, and return the exit code.

    The exit code is 1 if the budget is exceeded, 2 if an input cannot be read, and 0 otherwise.

    Args:
        request: The arguments.
    """
    try:
        return _run(request)
    except (AssemblyError, UsageError, PriceBookError, CostError) as error:
        _complain(str(error))
    except BrokenPipeError:  # the command ends quietly
        raise
    except OSError as error:
        _complain(f"{error.filename}: {error.strerror}")
    return 2


def _run(request: Request) -> int:
    budget = None if request.budget is None else budget_of(request.budget)
    if request.region is not None and (wrong := region_problem(request.region, "--region", "--region {}")):
        raise CostError(wrong)
    if request.region and (doubt := region_doubt(request.region)):
        _complain(doubt)
    usage = read(request.usage)
    book = PriceBook.load(request.prices)
    require_folder(request.assembly, "moorage cost")
    stacks = stacks_of(request.assembly)
    named = named_stacks(stacks, request.stacks)
    found = estimate(stacks, book, usage, request.region).of(request.stacks)
    old = book.warning(dt.datetime.now(dt.UTC).date())
    warnings = [old] if old else []
    if request.json is not None:
        written = json_form.render(found, book, warnings)
        if request.json == _PRINTED:
            sys.stdout.write(written)
        else:
            _write(request.json, written)
    if request.json != _PRINTED:
        console = Console()
        width = console.width if console.is_terminal else 140
        page = terminal.render(found, warnings, origin=origin(request.assembly), width=width, color=console.is_terminal)
        sys.stdout.write(page)
        sys.stdout.flush()  # before what follows on stderr, also in a file of both
    for said in filter(None, (newer_elsewhere(request.assembly), ineffective_region(request.region, named))):
        _complain(said)
    return _exceeds(found, budget)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        raise CostError(f"--json {file} cannot be written ({error.strerror}); name a file in a folder") from error


def budget_of(stated: str) -> Decimal:
    """Return the amount of `--budget`.

    Args:
        stated: The text that the user typed.

    Raises:
        CostError: The text is not an amount in USD.
    """
    try:
        return number_of_option("--budget", stated, "an amount in USD, without $ and commas,", 125)
    except ValueError as error:
        raise CostError(str(error)) from error


def _exceeds(found: Estimate, budget: Decimal | None) -> int:
    """Say how the cost compares with the budget, and return 1 if the cost is over it.

    The cost is that at the least copies, with what the usage file states.
    """
    if budget is None:
        return 0
    is_over, assumed = found.total.total.least > budget, found.total.assumed.least
    rests = f"; ${money(Range.of(assumed))} of it rests on assumed prices" if assumed else ""
    _complain(
        f"${money(found.total.total)} a month is {'over' if is_over else 'within'} the budget of ${budget:,f}, which "
        f"is compared with the least number of copies{rests}"
    )
    return int(is_over)


def _complain(sentence: str) -> None:
    sys.stderr.write(f"moorage cost: {sentence}\n")
