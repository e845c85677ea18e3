"""One run of a review: read the sides, compare them, and write the review."""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

import attrs

from moorage.assembly.cloud_assembly import AssemblyError, Stack
from moorage.assembly.synthesis import SynthesisError
from moorage.cost.usage import UsageError
from moorage.installation.commands import install_moorage
from moorage.policy.acknowledgement_file import read as read_acknowledgements
from moorage.policy.violation import PolicyError
from moorage.prices.price import PriceBookError
from moorage.review.cost import CostOptions, CostReader
from moorage.review.finding import Kind
from moorage.review.pages import require_writable, write
from moorage.review.progress import shown
from moorage.review.review import Review, policy_review, review
from moorage.review.sides.revisions import ReviewError
from moorage.review.sides.sides import read

FOUND, FAILED = 1, 2
"""The exit codes: 1 for a finding of a kind in `--fail-on` or a cost over a limit, 2 for an error, such as a side that
cannot be read.
"""
_INTERRUPTED = 130
_ENDING = (signal.SIGTERM, *([signal.SIGHUP] if sys.platform != "win32" else []))
"""The signals that are handled like Ctrl-C. By default, Python would exit without removing the worktrees."""


@attrs.frozen
class Options:
    """The settings of a run: its forms, its policy engines, and the findings and costs for which it fails.

    Args:
        files: A mapping from the name of each form to write to its file. Default: none; the page is printed.
        fail_on: The kinds of findings for which the exit code is 1. Default: none.
        policy: Whether to run the policy engines, which take seconds. Default: True.
        acknowledged: The file of acknowledged policy findings. Default: `acknowledged.toml` if it exists.
        cost: The usage file and the limits of the cost. Default: none.
    """

    files: Mapping[str, Path] = attrs.field(factory=dict)
    fail_on: Collection[Kind] = ()
    policy: bool = True
    acknowledged: Path | None = None
    cost: CostOptions = attrs.field(factory=CostOptions)


def run(base: str | None, head: str, options: Options, app: str | None = None) -> int:
    """Write the review of the change from one side to the other, and return the exit code.

    The exit code is 0, 1 for a finding of a kind in `options.fail_on` or a cost over a limit, 2 for an error, or 130
    after an interruption.

    Args:
        base: The assembly or the revision before the change; None to review the head as a new app.
        head: The assembly or the revision after the change; `.` for the working tree.
        options: The settings of the run.
        app: The command that synthesizes the app. Default: None; the `app` of `cdk.json` on each side.
    """

    def reviewed() -> Review:
        require_writable(options.files)
        costs = CostReader.of(options.cost)
        with read(base, head, app, options.acknowledged) as (one, other):
            found = review(
                one.stacks if one else None,
                other.stacks or (),
                policy=options.policy,
                acknowledged=other.acknowledged,
                acknowledged_before=one.acknowledged if one else (),
                base_name=one.name if one else None,
                head_name=other.name,
                watch=shown,
            )
            found = _with_cost(found, costs)
            write(found, options.files)
        return found

    return _ended(reviewed, "moorage review", options.fail_on)


def show(
    base: Sequence[Stack],
    head: Sequence[Stack],
    options: Options,
    *,
    command: str,
    names: tuple[str, str],
    notes: Sequence[str] = (),
) -> int:
    """Write the review of the change from the stacks of `base` to those of `head`, and return the exit code.

    The exit code is 0, 1 for a finding of a kind in `options.fail_on` or a cost over a limit, 2 for an error, or 130
    after an interruption.

    Args:
        base: The stacks before the change.
        head: The stacks after the change.
        options: The settings of the run.
        command: The name of the command in errors.
        names: The names of the base and the head on the page.
        notes: Sentences about the two sides, for below the title. Default: none.
    """

    def reviewed() -> Review:
        base_name, head_name = names
        costs = CostReader.of(options.cost)
        given = read_acknowledgements(options.acknowledged)
        found = review(
            base,
            head,
            policy=options.policy,
            acknowledged=given,
            acknowledged_before=given,
            base_name=base_name,
            head_name=head_name,
            complete=False,  # a user can select stacks
            watch=shown,
        )
        found = _with_cost(attrs.evolve(found, preface=tuple(notes)), costs)
        write(found, options.files)
        return found

    return _ended(reviewed, command, options.fail_on)


def check(assembly: str, options: Options, app: str | None = None) -> int:
    """Write the policy findings of an app that are not acknowledged, and return the exit code.

    The exit code is 0 for no finding, 1 for any finding, 2 for an error, and 130 after an interruption.

    Args:
        assembly: The assembly, or the revision to synthesize; `.` for the working tree.
        options: The settings of the run. `fail_on` is ignored.
        app: The command that synthesizes the app. Default: None; the `app` of `cdk.json`.
    """

    def reviewed() -> Review:
        require_writable(options.files)
        with read(None, assembly, app, options.acknowledged) as (_, side):
            found = policy_review(side.stacks or (), side.acknowledged, side.name, shown)
            write(found, options.files)
        return found

    return _ended(reviewed, "moorage policy", None)


def _with_cost(found: Review, costs: CostReader) -> Review:
    """Return a review with the cost of its change. What a usage file states in vain is a note of the page."""
    cost = costs.reviewed(found.comparison)
    unused = (f"{note[0].upper()}{note[1:]}." for note in cost.difference.unused)
    return attrs.evolve(found, cost=cost, notes=(*found.notes, *unused))


def _ended(reviewed: Callable[[], Review], command: str, fail_on: Collection[Kind] | None) -> int:
    """Make a review, and return the exit code. Print a known error as a sentence, another error with its traceback.

    Without kinds in `fail_on`, which is None for a command that has no such option, the exit code is 1 for any finding.
    """
    before = {number: signal.signal(number, _interrupted) for number in _ENDING}
    try:
        found = reviewed()
    except (AssemblyError, PolicyError, ReviewError, UsageError, PriceBookError) as error:
        if isinstance(error, SynthesisError) and error.output:
            sys.stderr.write(f"{error.output}\n\n")
        sys.stderr.write("".join(f"{command}: {line}\n" for line in str(error).splitlines()))
    except (OSError, RecursionError) as error:
        sys.stderr.write(f"{command}: {_reason(error)}\n")
    except KeyboardInterrupt:
        sys.stderr.write(f"\n{command}: interrupted; no worktree is left\n")
        return _INTERRUPTED
    except ModuleNotFoundError as error:
        if str(error.name).startswith("moorage"):
            raise
        install = install_moorage("review")
        sys.stderr.write(f"{command} needs moorage[review], which installs {error.name}: {install}\n")
    except Exception:  # Python's own exit code, 1, would mean that something was found
        traceback.print_exc()
    else:
        reasons = [*_failing(found, fail_on or ()), *(found.cost.exceeded if found.cost else ())]
        sys.stderr.write("".join(f"{command}: {reason}\n" for reason in reasons))
        return FOUND if reasons or (fail_on is None and found.findings) else 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return FAILED


def _failing(found: Review, fail_on: Collection[Kind]) -> Iterator[str]:
    """Yield a line with the number of findings of each kind for which the run fails; nothing without findings."""
    counts = [(len(found.of_kind(kind)), kind.value) for kind in Kind if kind in fail_on and found.of_kind(kind)]
    if counts:
        (count, kind), *others = counts
        parts = [f"{count} finding{'' if count == 1 else 's'} of kind {kind}", *(f"{n} of kind {k}" for n, k in others)]
        yield f"{', '.join(parts)} (--fail-on)"


def _reason(error: OSError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return "a template is nested too deeply; flatten it"
    return f"{error.filename or 'a file'}: {error.strerror or error}"


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt
