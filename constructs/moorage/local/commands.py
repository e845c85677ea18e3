"""The commands of the local AWS: deploy an app, show what is deployed and what would change, and delete the stacks."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import attrs
from botocore.exceptions import BotoCoreError, ClientError

from moorage.assembly.cloud_assembly import AssemblyError, Stack, stacks_of
from moorage.installation.programs import cdk_problem, node_problem
from moorage.installation.stated_app import app_problem
from moorage.local import imports
from moorage.local.account import Account, by_account
from moorage.local.clock import Clock
from moorage.local.environment import ACCOUNT, REGION
from moorage.local.images import in_turn
from moorage.local.lookups import UnansweredError
from moorage.local.mending import delete, mend
from moorage.local.next_steps import next_steps, options
from moorage.local.prerequisites import joined
from moorage.local.process import Home, LocalError, Server
from moorage.local.protection import take_away
from moorage.local.report.readback import TOOLKIT, is_deployed, left
from moorage.local.report.table import Row, table
from moorage.local.selection import chosen_stacks, named_stacks, with_dependents
from moorage.local.standing import (
    Difference,
    checkout,
    deployment_notes,
    identity,
    keep_report,
    standing_stacks,
    undefined_notes,
    undefined_stacks,
    undeployed_note,
)
from moorage.local.toolkit import DISCARD, Toolkit, bootstrap_stacks, tell
from moorage.local.unpushed import Unpushed

HOME = Path(".moorage")
_ENDING = (signal.SIGTERM, *([signal.SIGHUP] if sys.platform != "win32" else []))
"""The signals that are handled like Ctrl-C. By default, Python would exit and leave the cdk CLI running."""
_NOT_RUNNING = "The local AWS is not running."
_ENDED = {
    (True, True): "The local AWS is stopped and its stacks are discarded.",
    (True, False): "The local AWS was not responding; it is stopped, and its stacks are gone.",
    (False, True): _NOT_RUNNING,
    (False, False): _NOT_RUNNING,
}
"""The messages of a `down` that destroys no stacks. The keys: True if a server was stopped, True with `--discard`."""


@attrs.frozen
class Request:
    """A command of the local AWS with its arguments.

    Args:
        command: The command: `up`, `diff`, `status` or `down`.
        stacks: Construct paths of stacks, such as `Prod/Web`; `*` is a wildcard. Default: all stacks.
        app: The command that synthesizes the app, or the folder of a cloud assembly. Default: the `app` of `cdk.json`.
        port: The port on 127.0.0.1 to listen on, at most 65535. Default: a free port.
        discard: Whether to stop the local AWS without deleting its stacks first. Default: False.
        home: The folder for the state of the local AWS. Default: `.moorage` in the current folder.
        program: The program in the commands that are suggested. Default: `moorage`.
        show: A function that shows a difference and returns the exit code. Only `diff` calls the function. Default: a
            function that shows nothing and returns 0.
        cost: A function that returns a line about the cost of stacks on AWS, from the stacks and the folder of the
            assembly, and the construct paths. Only an `up` that deploys calls it. Default: a function without a line.
    """

    command: str
    stacks: Sequence[str] = ()
    app: str | None = None
    port: int | None = None
    discard: bool = False
    home: Path = HOME
    program: str = "moorage"
    show: Callable[[Difference], int] = lambda _: 0
    cost: Callable[[Sequence[Stack], Path, Sequence[str]], str] = lambda *_: ""


def out(text: str) -> None:
    """Print a text and flush it at once, so that it stays in order with the output of the cdk CLI."""
    sys.stdout.write(text)
    sys.stdout.flush()


def run(given: Request) -> int:
    """Run one command and return its exit code.

    If the command is interrupted or fails with an error that the user can act on, print a sentence and return 1.

    Args:
        given: The command with its arguments.
    """
    if given.discard and given.stacks:
        _complain(given, "--discard discards all stacks; use it only as `down --discard`")
        return 1
    before = {number: signal.signal(number, _interrupted) for number in _ENDING}
    try:
        home = Home(given.home)
        code = _COMMANDS[given.command](home, given)
    except (AssemblyError, LocalError) as error:
        _complain(given, str(error))
    except BrokenPipeError:  # a reader such as `head` closed the output; `moorage.cli` ends the command
        raise
    except OSError as error:
        where, reason = error.filename or given.home, error.strerror or error
        _complain(given, f"{where}: {reason}; fix the problem, or choose another folder with --home")
    except (BotoCoreError, ClientError) as error:
        _complain(given, f"a request to the local AWS failed: {error}; run up to repair the stacks")
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        _complain(given, "interrupted; run up to repair unfinished stacks, or down to delete them")
    else:
        return code or 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 1


def _complain(given: Request, sentence: str) -> None:
    sys.stderr.write(f"moorage {given.command}: {sentence}\n")


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def up(home: Home, given: Request) -> None:
    """Start the local AWS if it is not running, deploy the stacks that do not match their templates, and show them.

    Args:
        home: The home of the local AWS.
        given: The command with its arguments.

    Raises:
        UnansweredError: The app looks up resources that do not exist in the local AWS.
        LocalError: The app cannot be synthesized, an image was not pushed, or a stack cannot be deployed.
        AssemblyError: The assembly is invalid.
    """
    toolkit = Toolkit(home, given.app)
    _tell_copied(home)
    with home.exclusive():
        clock = Clock()
        stood = home.running() is not None
        try:
            stacks = stacks_of(toolkit.synthesize(lambda: _standing(home, given.port)))
            chosen = _chosen(home, given, stacks)
        except UnansweredError as error:
            _suggest(home, _standing(home, given.port), given, error.places)
            raise
        except (AssemblyError, LocalError):
            if not stood:
                home.stop()
            raise
        clock.reached("synthesis")
        server = _standing(home, given.port)
        _require_images(home, server, given, stacks, chosen)
        for line in mend(server.access, (*bootstrap_stacks(chosen), *chosen)):
            out(f"{line}\n")
        clock.reached("server")
        waiting = [stack for stack in chosen if not is_deployed(server.access, stack)]
        if waiting:
            _bootstrap(toolkit, server, waiting)
            for line in imports.put(server.access, home.assembly, chosen):
                out(line)
            clock.reached("bootstrap")
            for account, group in by_account(waiting):
                for part in in_turn(server.access, group):
                    toolkit.deploy(server, part, account)
            clock.reached("deployment")
        out("\n")
        _show(server, chosen)
        _tell_undefined(given, undefined_stacks(server.access, stacks))
        if waiting:
            is_named = len(named_stacks(stacks, given.stacks)) == len(chosen)
            out(given.cost(stacks, home.assembly, given.stacks if is_named else [stack.path for stack in chosen]))
            out(f"\nUp in {clock.total:.1f} s ({clock}).\n")
        else:
            out(f"\nNothing to do: every stack matches its template ({clock.total:.1f} s).\n")
        _suggest(home, server, given, _places(chosen))


def _require_images(
    home: Home, server: Server, given: Request, stacks: Sequence[Stack], chosen: Sequence[Stack]
) -> None:
    """Raise an error with the commands that push the images, if services need images that were not pushed."""
    app, own = options(given.app, None if given.home == HOME else given.home)
    if missing := list(Unpushed(server.access, stacks, f"{given.program} up{app}{own}").problems(chosen)):
        _suggest(home, server, given, _places(chosen))
        raise LocalError(joined(missing))


def diff(home: Home, given: Request) -> int:
    """Show what `up` would change, without changing a stack, and return the exit code of `Request.show`.

    Args:
        home: The home of the local AWS.
        given: The command with its arguments.

    Raises:
        UnansweredError: The app looks up resources that do not exist in the local AWS.
        LocalError: The local AWS is not running, or has no stack of the app, or the app cannot be synthesized.
        AssemblyError: The assembly is invalid.
    """
    if problems := list(filter(None, (app_problem(given.app), node_problem(), cdk_problem()))):
        raise LocalError(joined(problems))
    server = home.running()
    if server is None:
        raise LocalError(
            "the local AWS is not running, so there is nothing to compare the app with; deploy the app with up"
        )
    toolkit = Toolkit(home, given.app)
    folder = home.folder / "diff"
    with home.exclusive():
        shutil.rmtree(folder, ignore_errors=True)  # left by a command that was killed
        (folder / "standing").mkdir(mode=0o700, parents=True)
        try:
            return given.show(_difference(home, toolkit, server, given, folder))
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _difference(home: Home, toolkit: Toolkit, server: Server, given: Request, folder: Path) -> Difference:
    try:
        assembly = toolkit.preview(server, folder / "cdk.out")
    except UnansweredError as error:
        _suggest(home, server, given, error.places)
        raise
    defined = stacks_of(assembly, checkout(Path.cwd()))
    keep_report(home.assembly, folder / "standing")
    standing = standing_stacks(server.access, defined, _deployed(home), folder / "standing")
    if not standing:
        raise LocalError("nothing is deployed in the local AWS to compare the app with; deploy the app with up")
    own = {identity(stack) for stack in defined}
    chosen = chosen_stacks((*defined, *(stack for stack in standing if identity(stack) not in own)), given.stacks)
    names = {stack.name for stack in chosen}
    one, other = (tuple(stack for stack in stacks if stack.name in names) for stacks in (standing, defined))
    gone = [stack for stack in one if identity(stack) not in own]
    undeployed = () if given.stacks else undeployed_note(one, other)
    notes = (*undefined_notes(gone, _down(given)), *undeployed, *deployment_notes(server.access, other))
    return Difference(one, other, notes)


def down(home: Home, given: Request) -> None:
    """Destroy stacks, and stop the server if no stack is left. With `--discard`, only stop the server.

    Args:
        home: The home of the local AWS.
        given: The command with its arguments.

    Raises:
        LocalError: A stack cannot be destroyed.
    """
    home.require_near()
    if not home.folder.exists():
        out(f"{_NOT_RUNNING}\n")
        return
    _tell_copied(home)
    with home.exclusive():
        server = home.running()
        if server is None or given.discard:
            out(f"{_ENDED[home.stop(), given.discard]}\n")
            return
        defined = _deployed(home)
        undefined = undefined_stacks(server.access, defined)
        stacks = (*defined, *undefined)
        chosen = with_dependents(stacks, named_stacks(stacks, given.stacks)) if stacks else ()
        _delete_undefined(server, [stack for stack in undefined if stack in chosen])
        standing = left(server.access, chosen)
        if standing:
            if said := take_away(server.access, chosen):
                out(f"{said}\n")
            for account, group in by_account(stack for stack in reversed(chosen) if stack.path in standing):
                Toolkit(home, given.app).destroy(server, group, account)
        if remaining := left(server.access, chosen):
            raise LocalError(f"cdk destroy left {', '.join(remaining)}; {DISCARD}")
        if others := left(server.access, stacks):
            out(f"Destroyed. Still deployed: {', '.join(others)}.\n")
            return
        home.stop()
        out("All stacks are deleted; the local AWS is stopped.\n")


def status(home: Home, given: Request) -> None:
    """Show the deployed resources."""
    home.require_near()
    _tell_copied(home)
    server = home.running()
    if server is None:
        out(f"{_NOT_RUNNING}\n")
        return
    defined = _deployed(home)
    undefined = undefined_stacks(server.access, defined)
    stacks = (*defined, *undefined)
    chosen = chosen_stacks(stacks, given.stacks) if stacks else ()
    if not left(server.access, chosen):
        out("Nothing is deployed; deploy the app with up.\n")
        return
    _show(server, chosen)
    gone = [stack for stack in undefined if stack in chosen]
    _tell_undefined(given, gone)
    if len(gone) < len(chosen):
        _suggest(home, server, given, _places(chosen))


_COMMANDS: Mapping[str, Callable[[Home, Request], int | None]] = {
    "up": up,
    "diff": diff,
    "down": down,
    "status": status,
}


def _tell_copied(home: Home) -> None:
    if home.origin:
        out(f"{home.folder} was copied or moved from {home.origin}; its local AWS is not affected.\n")


def _deployed(home: Home) -> tuple[Stack, ...]:
    """Return the stacks of the last synthesized assembly; no stacks if the assembly has no manifest."""
    if not (home.assembly / "manifest.json").exists():
        return ()
    try:
        return stacks_of(home.assembly)
    except AssemblyError as error:
        raise LocalError(f"{error} with up; {DISCARD}") from error


def _standing(home: Home, port: int | None) -> Server:
    """Return the running server of a home. If no server responds, start one."""
    server = home.running()
    if server is None:
        if home.stop():
            out("The local AWS was not responding; restarting it.\n")
        else:
            tell("Starting the local AWS ...")
        return home.start(port)
    return server


def _places(stacks: Sequence[Stack]) -> list[tuple[str, str]]:
    return [(stack.account or ACCOUNT, stack.region or REGION) for stack in stacks]


def _bootstrap(toolkit: Toolkit, server: Server, stacks: Sequence[Stack]) -> None:
    for each in bootstrap_stacks(stacks):
        account = Account(server.access, each.account, each.region)
        if account.stack(each.name) is None:
            qualifier = each.name.removeprefix(TOOLKIT).removeprefix("-")
            toolkit.bootstrap(server, account.account, account.region, qualifier or None)


def _show(server: Server, stacks: Sequence[Stack]) -> None:
    rows = [Row("resource", "name", "state"), *table(server.access, stacks)]
    widths = [max(len(row.what) for row in rows), max(len(row.name) for row in rows)]
    for row in rows:
        out(f"{row.what:{widths[0]}}  {row.name:{widths[1]}}  {row.says}".rstrip() + "\n")


def _chosen(home: Home, given: Request, stacks: Sequence[Stack]) -> tuple[Stack, ...]:
    """Return the stacks to deploy. If no stack matches, name the deployed stacks that were renamed or removed."""
    try:
        return chosen_stacks(stacks, given.stacks)
    except LocalError:
        if server := home.running():
            _tell_undefined(given, undefined_stacks(server.access, stacks))
        raise


def _tell_undefined(given: Request, stacks: Sequence[Stack]) -> None:
    out("".join(f"{note}\n" for note in undefined_notes(stacks, _down(given))))


def _down(given: Request) -> str:
    """Return the beginning of the command that deletes stacks of this local AWS."""
    return f"{given.program} down{options(None, None if given.home == HOME else given.home)[1]}"


def _delete_undefined(server: Server, stacks: Sequence[Stack]) -> None:
    """Delete stacks that the app no longer defines, which cdk destroy does not know."""
    for stack in stacks:
        tell(f"Deleting {stack.path}, which is no longer in the app ...")
        for line in delete(server.access, stack):
            out(f"{line}\n")


def _suggest(home: Home, server: Server, given: Request, places: Sequence[tuple[str, str]]) -> None:
    """Print the commands to run next, with the same program, app, home and stacks as this command."""
    own = None if given.home == HOME else given.home
    out("".join(next_steps(given.program, given.app, own, given.stacks, home, server.access, places)))
