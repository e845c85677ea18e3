"""The cdk CLI, run where it sees the local AWS and no other."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from moorage.local import lookups, private
from moorage.local.assembly import stacks_of
from moorage.local.environment import ACCOUNT, REGION, TRUST, sealed
from moorage.local.process import Home, LocalError, Server
from moorage.local.progress import Progress
from moorage.local.report.readback import TOOLKIT

_ALWAYS = ("--no-notices", "--no-ci", "--profile=", "--proxy=", "--ca-bundle-path=", "--role-arn=")
"""Arguments outweigh `cdk.json`, `~/.cdk.json` and variables such as `CDK_PROXY`, each of which may lead elsewhere.

With `CI` set, the CLI prints its progress and its errors to standard output; here they stand in one place.
"""
DISCARD = "down --discard ends the local AWS whatever stands"
"""The way out that is always open."""
_AGAIN = "run it again when it is mended"
_WATCH_SECONDS = 1.0
"""How often to look whether the server is still there: the CLI's own SDK tries again for a minute and a half."""


class Toolkit:
    """Runs the `cdk` that the PATH names.

    Args:
        home: Where the assembly is written.
        app: The command that synthesizes, or a synthesized assembly, as `cdk --app` takes them; what `cdk.json` names
            without it.

    Raises:
        LocalError: there is no `cdk`, the folder has no assembly, or the assembly and the home are inside each other.
    """

    def __init__(self, home: Home, app: str | None) -> None:
        program = shutil.which("cdk")
        if program is None:
            raise LocalError("there is no cdk on the PATH; install it with `npm install -g aws-cdk@2`")
        self._program = program
        self._home = home
        self._app = app
        self._given = Path(app) if app and _is_folder(app) else None
        if self._given:
            self._require_apart(self._given)
            stacks_of(self._given)

    def _require_apart(self, assembly: Path) -> None:
        theirs, ours = assembly.resolve(), self._home.assembly.resolve()
        if theirs != ours and (theirs.is_relative_to(ours) or ours.is_relative_to(theirs)):
            raise LocalError(
                f"--app {assembly} and --home {self._home.folder} must not be inside each other; name a folder outside "
                "of the assembly with --home"
            )

    def synthesize(self, standing: Callable[[], Server]) -> Path:
        """Write the app's assembly, for which the local AWS answers what the app looks up.

        Args:
            standing: What starts the local AWS if it is not there; an assembly that is given needs none.

        Raises:
            UnansweredError: the app looks up what is not there.
            LocalError: the app does not synthesize; what it printed stands above.
        """
        if self._given:
            return self._taken(self._given)
        environment = sealed(self._home.folder, standing().access)
        environment |= {"CDK_DEFAULT_ACCOUNT": ACCOUNT, "CDK_DEFAULT_REGION": REGION}
        app = ["--app", lookups.command(self._app)] if self._app else []
        arguments = ["synth", "--quiet", *app, "--output", str(self._home.assembly.resolve()), "--path-metadata"]
        # the app runs with the user's own mask: it may write files of the user's
        done = self._run(arguments, environment, umask=-1, folder=lookups.prepared(self._home.folder))
        private.restrict(self._home.folder)
        if self._contains_home():
            shutil.rmtree(self._home.assembly, ignore_errors=True)
            name = self._home.folder.resolve().name
            raise LocalError(
                f"an asset of the app contains {self._home.folder}, where the app is synthesized; leave it out of the "
                f"asset (exclude=['{name}']), or name a folder outside of the asset with --home"
            )
        if done:
            lookups.require_answered(self._home.assembly)
            raise LocalError(f"the app does not synthesize (cdk ended with {done}); what it printed stands above")
        return self._home.assembly

    def _contains_home(self) -> bool:
        """Return whether an asset was copied from a folder around the home: it differs each time, if it ever ends."""
        parts = self._home.folder.resolve().parts
        below = [Path(*parts[number:]) for number in range(1, len(parts))]
        assets = list(self._home.assembly.glob("asset.*"))
        return any((asset / home / Home.MARK).exists() for asset in assets for home in below)

    def _taken(self, assembly: Path) -> Path:
        """Keep a copy of what is deployed, which `down` needs."""
        if assembly.resolve() != self._home.assembly.resolve():
            shutil.rmtree(self._home.assembly, ignore_errors=True)
            shutil.copytree(assembly, self._home.assembly, ignore_dangling_symlinks=True)
        private.restrict(self._home.folder)
        return self._home.assembly

    def bootstrap(self, server: Server, account: str, region: str, qualifier: str | None = None) -> None:
        """Give an account and region what `cdk deploy` needs of it.

        Args:
            server: The local AWS.
            account: The account.
            region: The region.
            qualifier: The qualifier of its resources' names, if the app states one; its stack is named by it too.
        """
        environment = sealed(self._home.folder, server.access, account=account, region=region)
        trust = [] if account == ACCOUNT else TRUST
        own = ["--qualifier", qualifier, "--toolkit-stack-name", f"{TOOLKIT}-{qualifier}"] if qualifier else []
        arguments = ["bootstrap", f"aws://{account}/{region}", *own, *trust, "--app", str(self._home.assembly)]
        if done := self._run(arguments, environment, server):
            raise LocalError(self._reason(server, f"bootstrapping {account} in {region} failed", done, _AGAIN))

    def deploy(self, server: Server, paths: Sequence[str], account: str) -> None:
        """Deploy stacks of the assembly, with progress.

        Args:
            server: The local AWS.
            paths: The stacks' paths.
            account: The account whose credentials the CLI has; a legacy synthesizer takes no role of another.

        Raises:
            LocalError: a stack does not deploy; the reason stands above, and CloudFormation rolled it back.
        """
        arguments = ["deploy", *paths, "--exclusively", "--require-approval", "never", "--progress", "events"]
        self._at(server, arguments, account, "deploying failed", _AGAIN)

    def destroy(self, server: Server, paths: Sequence[str], account: str) -> None:
        """Destroy stacks of the assembly, those that need others first.

        Args:
            server: The local AWS.
            paths: The stacks' paths.
            account: As for `deploy`.

        Raises:
            LocalError: a stack cannot be deleted; the reason stands above.
        """
        self._at(server, ["destroy", *paths, "--exclusively", "--force"], account, "destroying failed", DISCARD)

    def _at(self, server: Server, arguments: list[str], account: str, failed: str, way_out: str) -> None:
        environment = sealed(self._home.folder, server.access, account=account)
        if done := self._run([*arguments, "--app", str(self._home.assembly)], environment, server):
            raise LocalError(self._reason(server, failed, done, way_out))

    def _reason(self, server: Server, failed: str, code: int, way_out: str) -> str:
        """What failed, with where to look; a server that is gone is the reason for all that cdk prints."""
        if server.answers:
            return f"{failed} (cdk ended with {code}): the first reason stands above; {way_out}"
        return self._gone()

    def _gone(self) -> str:
        return f"the local AWS ended meanwhile ({self._home.log} may say why); up starts it anew"

    def _run(
        self,
        arguments: Sequence[str],
        environment: dict[str, str],
        server: Server | None = None,
        *,
        umask: int = private.UMASK,
        folder: Path | None = None,
    ) -> int:
        """Run the CLI; with a server, watch it, and show of the output what is progress.

        Raises:
            LocalError: the server ended.
        """
        # a group of its own, so that an interruption ends the app too, which would go on writing the assembly
        command = [self._program, *arguments, *_ALWAYS]
        if server and sys.stderr.isatty():
            environment.setdefault("FORCE_COLOR", "1")
        output = subprocess.PIPE if server else None
        with subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            umask=umask,
            text=True,
            errors="replace",
        ) as cdk:
            try:
                readers = _showing(cdk.stdout, sys.stdout), _showing(cdk.stderr, sys.stderr)
                while cdk.poll() is None and (reading := [each for each in readers if each.is_alive()]):
                    reading[0].join(_WATCH_SECONDS)
                    if server and not server.lives:
                        raise LocalError(self._gone())
                code = cdk.wait()
                for reader in readers:
                    reader.join(_WATCH_SECONDS)  # not for ever: what the CLI started may hold its output open
            except BaseException:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(cdk.pid, signal.SIGKILL)
                cdk.wait()
                raise
            return code


def _is_folder(app: str) -> bool:
    try:
        return Path(app).is_dir()
    except (OSError, ValueError):  # a command may be longer than any name
        return False


def _showing(printed: IO[str] | None, shown: IO[str]) -> threading.Thread:
    """Show what is printed, as far as it is to be seen, until its end."""

    def show() -> None:
        progress = Progress()
        for line in printed or ():
            for text in progress.lines(line):
                shown.write(text)
                shown.flush()

    reader = threading.Thread(target=show, daemon=True)
    reader.start()
    return reader
