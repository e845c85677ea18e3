"""The command `moorage promote`: read the app, check and show the promotion, ask, and write."""

from __future__ import annotations

import contextlib
import shlex
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import attrs

from moorage.assembly.cloud_assembly import AssemblyError, Stack, stacks_of
from moorage.assembly.synthesis import SETTINGS, Program, SynthesisError, synthesizing
from moorage.promotion.calls import Clients, from_profile
from moorage.promotion.plan import SOURCE_PROFILE, TARGET_PROFILE, Change, Request, plan
from moorage.promotion.problems import REFUSED, USAGE, PromotionError, RequestError
from moorage.promotion.table import table
from moorage.promotion.writes import write

_INTERRUPTED = 130
_ENDING = (signal.SIGTERM, *([signal.SIGHUP] if sys.platform != "win32" else []))
"""The signals that are handled like Ctrl-C. By default, Python would exit between two writes."""


@attrs.frozen
class Opened:
    """An app, and the access to the accounts that it is deployed to.

    Args:
        stacks: The stacks of the app.
        source: The clients for the account of the source.
        target: The clients for the account of the target.
    """

    stacks: Sequence[Stack]
    source: Clients
    target: Clients


@attrs.frozen
class Options:
    """The settings of a run.

    Args:
        deploy: The command that deploys stacks, without the stacks.
        yes: Whether to promote without a question. Default: False.
        dry_run: Whether to only show the promotion. Default: False.
    """

    deploy: str
    yes: bool = False
    dry_run: bool = False


def run(request: Request, opened: AbstractContextManager[Opened], options: Options) -> int:
    """Promote images, and return the exit code: 0, 1 if refused or declined, 2 for a wrong command, or 130.

    Args:
        request: The services, the source and the target.
        opened: The app and the access to its accounts.
        options: The settings of the run.
    """
    before = {number: signal.signal(number, _interrupted) for number in _ENDING}
    try:
        _require_answer(options)
        with opened as given:
            changes = plan(request, given.stacks, given.source, given.target)
            return _promoted(changes, request, options)
    except PromotionError as error:
        _say(*error.problems)
        return error.exit_code
    except AssemblyError as error:
        if isinstance(error, SynthesisError) and error.output:
            sys.stderr.write(f"{error.output}\n\n")
        _say(str(error))
    except BrokenPipeError:  # the command ends quietly
        raise
    except OSError as error:
        _say(f"{error.filename or 'a file'}: {error.strerror or error}; fix this and try again")
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        _say("interrupted; nothing was written")
        return _INTERRUPTED
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return USAGE


@contextlib.contextmanager
def on_aws(app: str | None, profile: str | None, source_profile: str | None) -> Iterator[Opened]:
    """Read or synthesize an app, and yield it with the access to its accounts by AWS profiles.

    Args:
        app: The command that synthesizes the app, or the folder of a cloud assembly; None for the `app` of `cdk.json`.
        profile: The AWS profile for the target; None for the default credentials.
        source_profile: The AWS profile for the source; None for that of the target.

    Raises:
        RequestError: There is no such profile, or no app.
        AssemblyError: The app does not synthesize, or the assembly cannot be read.
    """
    target = from_profile(profile, TARGET_PROFILE)
    source = from_profile(source_profile, SOURCE_PROFILE) if source_profile else target
    yield Opened(_stacks(app), source, target)


def _stacks(app: str | None) -> tuple[Stack, ...]:
    if app and Path(app).is_dir():
        return stacks_of(Path(app))
    program = Program.of("the app", Path.cwd(), app)
    if program is None:
        raise RequestError(
            f"there is no {SETTINGS} that defines an app; run moorage in the folder of the app, or use --app to give "
            "the command that synthesizes the app or the folder of a cloud assembly"
        )
    with tempfile.TemporaryDirectory(prefix="moorage-promote-") as folder:
        temporary = Path(folder).resolve()
        with synthesizing(program, Path.cwd(), temporary / "cdk.out", temporary / "log") as synthesis:
            return stacks_of(synthesis.finish())


def _require_answer(options: Options) -> None:
    if not (options.yes or options.dry_run or sys.stdin.isatty()):
        raise RequestError("there is no terminal to ask for confirmation; promote with --yes, or look with --dry-run")


def _promoted(changes: Sequence[Change], request: Request, options: Options) -> int:
    sys.stdout.write(table(changes))
    needed = {change.image.parameter for change in changes if change.is_needed}
    if not needed:
        sys.stdout.write(f"\nNothing to do: {request.target} has these digests already.\n")
    elif options.dry_run:
        sys.stdout.write(f"\nNothing is written, because of --dry-run. {_count(needed)} would change.\n")
        return 0
    elif not (options.yes or _confirmed()):
        sys.stdout.write("Nothing is promoted.\n")
        return REFUSED
    else:
        write(changes)
        sys.stdout.write(f"\nPromoted to {request.target}: {_count(needed)} changed.\n")
    stacks = dict.fromkeys(shlex.quote(change.image.stack) for change in changes)
    sys.stdout.write(f"\nThe images run after the next deployment:\n  {options.deploy} {' '.join(stacks)}\n")
    return 0


def _confirmed() -> bool:
    sys.stdout.write("\nPromote? [y/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _count(parameters: set[tuple[str | None, str | None, str]]) -> str:
    return f"{len(parameters)} SSM parameter{'s' if len(parameters) > 1 else ''}"


def _say(*sentences: str) -> None:
    for sentence in sentences:
        sys.stderr.write(f"moorage promote: {sentence}\n")


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt
