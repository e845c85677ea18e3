"""The command `moorage advise`: it reads an assembly, and prints or writes the advice."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
from rich.console import Console

from moorage.advice.advice import Advice
from moorage.advice.assembly import json_form, terminal
from moorage.advice.assembly.workloads import Found, Skipped, workloads_of
from moorage.advice.assumptions import Assumptions
from moorage.advice.placed import advise_each, advise_together
from moorage.assembly.cloud_assembly import AssemblyError, stacks_of
from moorage.assembly.named import ineffective_region, newer_elsewhere, origin, require_folder
from moorage.cost.usage import UsageError, matches, read
from moorage.prices import PriceBook, PriceBookError
from moorage.prices.regions import region_doubt, region_problem

_PRINTED = Path("-")
_MOST_PATHS = 10
"""The most construct paths that an error names."""
_WIDTH = 160
"""The columns of a page that is not printed to a terminal."""


class AdviceError(Exception):
    """The error for arguments that cannot be used. Its message is a sentence for the user."""


@attrs.frozen(kw_only=True)
class Request:
    """A request for advice, and its form.

    Args:
        assembly: The folder that `cdk synth` wrote.
        pattern: The construct path of workloads, in which `*` is any text. Default: None, for all.
        usage: The usage file. Default: None.
        region: The region of stacks without a region. Default: None, for us-east-1.
        prices: The file of the price book, such as `moorage prices refresh` writes. Default: None, for that of moorage.
        json: The file for JSON; `-` prints it instead of the tables. Default: None.
        assumptions: The assumptions that the user states, by the names of `Assumptions`. Default: none.
    """

    assembly: Path
    pattern: str | None = None
    usage: Path | None = None
    region: str | None = None
    prices: Path | None = None
    json: Path | None = None
    assumptions: Mapping[str, Any] = attrs.field(factory=dict)


def run(request: Request) -> int:
    """Advise on the workloads of an assembly, print or write the advice, and return the exit code.

    The exit code is 2 if an input cannot be read, and 0 otherwise.

    Args:
        request: The request.
    """
    try:
        _run(request)
    except (AssemblyError, UsageError, PriceBookError, AdviceError) as error:
        sys.stderr.write(f"moorage advise: {error}\n")
        return 2
    except BrokenPipeError:  # the command ends quietly
        raise
    except OSError as error:
        sys.stderr.write(f"moorage advise: {error.filename}: {error.strerror}\n")
        return 2
    return 0


def _run(request: Request) -> None:
    assumptions = assumptions_of(request.assumptions)
    if request.region is not None and (wrong := region_problem(request.region, "--region", "--region {}")):
        raise AdviceError(wrong)
    if request.region and (doubt := region_doubt(request.region)):
        sys.stderr.write(f"moorage advise: {doubt}\n")
    usage = read(request.usage)
    require_folder(request.assembly, "moorage advise")
    stacks = stacks_of(request.assembly)
    everything = workloads_of(stacks, usage)
    pattern = request.pattern
    selected = [each for each in everything if pattern is None or _matches(each, pattern)]
    if pattern is not None and not selected:
        paths = ", ".join(each.path for each in everything[:_MOST_PATHS]) or "none"
        if everything[_MOST_PATHS:]:
            paths += f" and {len(everything) - _MOST_PATHS} more"
        raise AdviceError(f"no service, worker or job matches {pattern}; those of the app are {paths}")
    book = PriceBook.load(request.prices)
    found = [each for each in selected if isinstance(each, Found)]
    region = request.region
    advice = [advise_each(each, region=region, assumptions=assumptions, book=book) for each in found]
    advice += advise_together(found, region=region, assumptions=assumptions, book=book)
    notes = [f"no advice for {each.path}: {each.reason}." for each in selected if isinstance(each, Skipped)]
    notes += [each.note for each in found if each.note]
    constructs = {resource.path for stack in stacks for each in stack.walk() for resource in each.resources}
    notes += [f"{unmatched}." for unmatched in usage.unmatched(constructs)]
    if not selected:
        notes.append("the app has no ECS service, worker or job.")
    _write(advice, notes, request)
    for said in filter(None, (newer_elsewhere(request.assembly), ineffective_region(request.region, stacks))):
        sys.stderr.write(f"moorage advise: {said}\n")


def _matches(found: Found | Skipped, pattern: str) -> bool:
    return matches(found.path, pattern) or matches(found.resource_path, pattern)


def _write(advice: Sequence[Advice], notes: Sequence[str], request: Request) -> None:
    file = request.json
    if file == _PRINTED:
        sys.stdout.write(json_form.render(advice, notes))
        return
    if file is not None:
        file.write_text(json_form.render(advice, notes), "utf-8")
    console = Console()
    width = console.width if console.is_terminal else _WIDTH
    read_from = origin(request.assembly)
    sys.stdout.write(terminal.render(advice, notes, origin=read_from, width=width, color=console.is_terminal))


def assumptions_of(stated: Mapping[str, Any]) -> Assumptions:
    """Return the assumptions of options.

    Args:
        stated: The values, by the names of `Assumptions`. None stands for the default.

    Raises:
        AdviceError: A value is outside its limits. The error names the option.
    """
    try:
        return Assumptions(**{name: value for name, value in stated.items() if value is not None})
    except ValueError as error:
        sentence = str(error).removeprefix("the assumptions: ")
        for name in stated:
            sentence = sentence.replace(f"{name} must", f"--{name.replace('_', '-')} must")
        raise AdviceError(sentence) from error
