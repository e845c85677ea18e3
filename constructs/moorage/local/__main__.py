"""`python -m moorage.local up|down|status`: any CDK app, in an AWS that runs on this machine."""

from __future__ import annotations

import argparse
import fnmatch
import shlex
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from moorage.local import imports
from moorage.local.account import Account
from moorage.local.assembly import Stack, by_account, stacks_of
from moorage.local.diagram import draw
from moorage.local.environment import ACCOUNT, REGION
from moorage.local.images import push
from moorage.local.lookups import UnansweredError
from moorage.local.mending import mend
from moorage.local.process import Home, LocalError, Server
from moorage.local.protection import take_away
from moorage.local.report.readback import TOOLKIT, is_deployed, left
from moorage.local.report.table import Row, table
from moorage.local.shell import shell_lines
from moorage.local.toolkit import DISCARD, Toolkit

HOME = Path(".moorage")
_ENDING = (signal.SIGTERM, *([signal.SIGHUP] if sys.platform != "win32" else []))
"""What ends a command as Ctrl-C does: without a word, Python would leave the cdk CLI behind."""
_ENDED = {
    (True, True): "The local AWS is ended, and nothing is left.",
    (True, False): "The local AWS had stopped answering; it is ended, and nothing is left.",
    (False, True): "Nothing is up.",
    (False, False): "Nothing is up.",
}
"""The end of `down` where it destroys nothing, by whether a server was ended and whether it was to be discarded."""


def out(text: str) -> None:
    """Print in the order in which it happens, between what the cdk CLI prints."""
    sys.stdout.write(text)
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; what the user can act on is a sentence and exit code 1."""
    given = _parse(arguments)
    if given.discard and (given.command != "down" or given.stacks):
        sys.stderr.write("moorage.local: --discard ends the local AWS with all its stacks; type down --discard\n")
        return 1
    before = {number: signal.signal(number, _interrupted) for number in _ENDING}
    try:
        home = Home(given.home)
        command = {"up": up, "down": down, "status": status}[given.command]
        command(home, given)
    except LocalError as error:
        sys.stderr.write(f"moorage.local: {error}\n")
    except OSError as error:
        where, reason = error.filename or given.home, error.strerror or error
        sys.stderr.write(f"moorage.local: {where}: {reason}; make room there, or name a folder with --home\n")
    except (BotoCoreError, ClientError) as error:
        sys.stderr.write(f"moorage.local: the local AWS ended, or refused: {error}; up mends what is left half-done\n")
    except KeyboardInterrupt:
        sys.stderr.write(
            "\nmoorage.local: interrupted; the next up mends what was left half-done, and down removes it\n"
        )
    else:
        return 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 1


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def up(home: Home, given: argparse.Namespace) -> None:
    """Deploy the app, and show what stands; where all of it stands already, say so."""
    toolkit = Toolkit(home, given.app)
    _tell_copied(home)
    with home.exclusive():
        clock = _Clock()
        stood = home.running() is not None
        try:
            stacks = stacks_of(toolkit.synthesize(lambda: _standing(home, given.port)))
        except UnansweredError as error:
            _suggest(_standing(home, given.port), given, error.places)
            raise
        except LocalError:
            if not stood:
                home.stop()
            raise
        chosen = _chosen(stacks, given.stacks)
        clock.reached("synthesis")
        server = _standing(home, given.port)
        for line in mend(server.access, (*_toolkits(chosen), *chosen)):
            out(f"{line}\n")
        clock.reached("server")
        waiting = [stack for stack in chosen if not is_deployed(server.access, stack)]
        if waiting:
            _bootstrap(toolkit, server, waiting)
            for stack in waiting:
                push(server.access, stack)
            for line in imports.put(server.access, home.assembly, chosen):
                out(line)
            clock.reached("bootstrap")
            for account, group in by_account(waiting):
                toolkit.deploy(server, [stack.path for stack in group], account)
            clock.reached("deployment")
        _show(server, chosen)
        if waiting:
            out(f"\nUp in {clock.total:.1f} s ({clock}).\n\n{draw(chosen)}")
        else:
            out(f"\nNothing to do: all of it stands as its templates say ({clock.total:.1f} s).\n")
        _suggest(server, given, _places(chosen))


def down(home: Home, given: argparse.Namespace) -> None:
    """Destroy the app's stacks, check that none is left, and stop the server; or end it as it is."""
    if not home.folder.exists():
        out("Nothing is up.\n")
        return
    _tell_copied(home)
    with home.exclusive():
        server = home.running()
        if server is None or given.discard:
            out(f"{_ENDED[home.stop(), given.discard]}\n")
            return
        stacks = _deployed(home)
        chosen = _with_dependents(stacks, _named(stacks, given.stacks)) if stacks else ()
        standing = left(server.access, chosen)
        if standing:
            if said := take_away(server.access, chosen):
                out(f"{said}\n")
            for account, group in by_account(stack for stack in reversed(chosen) if stack.path in standing):
                Toolkit(home, given.app).destroy(server, [stack.path for stack in group], account)
        if remaining := left(server.access, chosen):
            raise LocalError(f"still there after the destruction: {', '.join(remaining)}; {DISCARD}")
        if others := left(server.access, stacks):
            out(f"Destroyed. Still up: {', '.join(others)}.\n")
            return
        home.stop()
        out("Nothing is left; the local AWS is stopped.\n")


def status(home: Home, given: argparse.Namespace) -> None:
    """Show what stands."""
    _tell_copied(home)
    server = home.running()
    if server is None:
        out("Nothing is up.\n")
        return
    stacks = _deployed(home)
    chosen = _chosen(stacks, given.stacks) if stacks else ()
    _show(server, chosen)
    _suggest(server, given, _places(chosen))


class _Clock:
    """How long each part took."""

    def __init__(self) -> None:
        self._marks = [time.monotonic()]
        self._names: list[str] = []

    def reached(self, name: str) -> None:
        self._names.append(name)
        self._marks.append(time.monotonic())

    @property
    def total(self) -> float:
        return self._marks[-1] - self._marks[0]

    def __str__(self) -> str:
        spans = zip(self._names, self._marks, self._marks[1:], strict=False)
        return ", ".join(f"{name} {end - start:.1f}" for name, start, end in spans)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m moorage.local", description=__doc__)
    parser.add_argument("command", choices=("up", "down", "status"))
    parser.add_argument("stacks", nargs="*", help="paths of stacks, with '*'; all of the app without them")
    parser.add_argument(
        "--app", help="the command that synthesizes, or a synthesized assembly; what cdk.json names without it"
    )
    parser.add_argument("--port", type=int, help="the port on 127.0.0.1 to listen on; a free one without it")
    parser.add_argument(
        "--discard", action="store_true", help="with down: end the local AWS with all that is in it, deletable or not"
    )
    parser.add_argument("--home", type=Path, default=HOME, help="the folder of its state (.moorage)")
    return parser.parse_intermixed_args(arguments)


def _tell_copied(home: Home) -> None:
    if home.origin:
        out(f"{home.folder} was made as {home.origin}, whose local AWS is left as it is; nothing is up here.\n")


def _deployed(home: Home) -> tuple[Stack, ...]:
    """The stacks of the assembly that was synthesized last; none where an interruption left none."""
    if not (home.assembly / "manifest.json").exists():
        return ()
    try:
        return stacks_of(home.assembly)
    except LocalError as error:
        raise LocalError(f"{error} with up; {DISCARD}") from error


def _chosen(stacks: Sequence[Stack], patterns: Sequence[str]) -> tuple[Stack, ...]:
    """The stacks that the patterns name, and those that they need, in the order in which they deploy."""
    names = _named(stacks, patterns)
    for stack in reversed(stacks):
        if stack.name in names:
            names |= set(stack.needs)
    return tuple(stack for stack in stacks if stack.name in names)


def _with_dependents(stacks: Sequence[Stack], names: set[str]) -> tuple[Stack, ...]:
    """The stacks of those names, and those that need them: they go together, as `cdk destroy` takes them."""
    for stack in stacks:
        if names & set(stack.needs):
            names.add(stack.name)
    return tuple(stack for stack in stacks if stack.name in names)


def _named(stacks: Sequence[Stack], patterns: Sequence[str]) -> set[str]:
    """The names of the stacks whose paths match; of all without a pattern."""
    named = {
        stack.name
        for stack in stacks
        if not patterns or any(fnmatch.fnmatch(stack.path, pattern) for pattern in patterns)
    }
    if stacks and not named:
        paths = ", ".join(stack.path for stack in stacks)
        raise LocalError(f"no stack is named {' or '.join(patterns)}; the app has {paths}")
    return named


def _standing(home: Home, port: int | None) -> Server:
    """The server of the home, started if it is not there."""
    server = home.running()
    if server is None:
        if home.stop():
            out("The local AWS had stopped answering; starting it anew.\n")
        return home.start(port)
    return server


def _places(stacks: Sequence[Stack]) -> list[tuple[str, str]]:
    return [(stack.account or ACCOUNT, stack.region or REGION) for stack in stacks]


def _toolkits(stacks: Sequence[Stack]) -> tuple[Stack, ...]:
    """The stack that bootstrapping makes, of each account and region."""
    places = {(stack.account or ACCOUNT, stack.region or REGION, stack.qualifier) for stack in stacks}
    names = sorted((f"{TOOLKIT}-{own}" if own else TOOLKIT, account, region) for account, region, own in places)
    return tuple(Stack(name, name, account, region, {}, ()) for name, account, region in names)


def _bootstrap(toolkit: Toolkit, server: Server, stacks: Sequence[Stack]) -> None:
    for each in _toolkits(stacks):
        account = Account(server.access, each.account, each.region)
        if account.stack(each.name) is None:
            qualifier = each.name.removeprefix(TOOLKIT).removeprefix("-")
            toolkit.bootstrap(server, account.account, account.region, qualifier or None)


def _show(server: Server, stacks: Sequence[Stack]) -> None:
    rows = [Row("what", "name", "state"), *table(server.access, stacks)]
    widths = [max(len(row.what) for row in rows), max(len(row.name) for row in rows)]
    out("\n")
    for row in rows:
        out(f"{row.what:{widths[0]}}  {row.name:{widths[1]}}  {row.says}".rstrip() + "\n")


def _suggest(server: Server, given: argparse.Namespace, places: Sequence[tuple[str, str]]) -> None:
    """Print the commands to type next, as they were typed just now: with this Python, this home and these stacks."""
    program = f"{shlex.quote(_relative(sys.executable))} -m moorage.local"
    home = "" if given.home == HOME else f" --home {shlex.quote(str(given.home))}"
    app = f" --app {shlex.quote(given.app)}" if given.app else ""
    stacks = "".join(f" {shlex.quote(pattern)}" for pattern in given.stacks)
    lines = {
        f"{program} status{home}{stacks}": "what stands now",
        f"{program} up{app}{home}{stacks}": "after a change: deploys what changed",
        f"{program} down{home}{stacks}": "removes it all",
    }
    width = max(map(len, lines))
    out("\nNext:\n" + "".join(f"  {line:{width}}  {says}\n" for line, says in lines.items()))
    for line in shell_lines(server.access, given.home / "secret", places):
        out(f"  {line}\n")


def _relative(program: str) -> str:
    """A program's path as short as it can be typed here."""
    here = Path.cwd()
    return str(Path(program).relative_to(here)) if Path(program).is_relative_to(here) else program


if __name__ == "__main__":
    raise SystemExit(main())
