"""The cdk CLI, run where it sees the local AWS and no other."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from moorage.local import private
from moorage.local.environment import ACCOUNT, REGION, TRUST, Access, sealed
from moorage.local.process import HOST, Home, LocalError, Server

_ALWAYS = ("--no-notices", "--profile=", "--proxy=", "--ca-bundle-path=", "--role-arn=")
"""Arguments outweigh `cdk.json`, `~/.cdk.json` and variables such as `CDK_PROXY`, each of which may lead elsewhere."""


class Toolkit:
    """Runs the `cdk` that the PATH names.

    Args:
        home: Where the assembly is written.
        app: The command that synthesizes, or a synthesized assembly, as `cdk --app` takes them; what `cdk.json` names
            without it.
    """

    def __init__(self, home: Home, app: str | None) -> None:
        program = shutil.which("cdk")
        if program is None:
            raise LocalError("there is no cdk on the PATH; install it with `npm install -g aws-cdk@2`")
        self._program = program
        self._home = home
        self._app = app

    def synthesize(self) -> Path:
        """Write the app's assembly; it sees no account while it does.

        Raises:
            LocalError: the app does not synthesize; what it printed stands above.
        """
        if self._app and (Path(self._app) / "manifest.json").exists():
            return self._taken(Path(self._app))
        nowhere = sealed(self._home.folder, Access(f"http://{HOST}:9", "none"))  # the port that discards
        nowhere |= {"CDK_DEFAULT_ACCOUNT": ACCOUNT, "CDK_DEFAULT_REGION": REGION}
        app = ["--app", self._app] if self._app else []
        target = str(self._home.assembly)
        # the app runs with the user's own mask: it may write files of the user's
        done = self._run(["synth", "--quiet", *app, "--output", target, "--path-metadata"], nowhere, umask=-1)
        private.restrict(self._home.folder)
        if done:
            raise LocalError(f"the app does not synthesize (cdk ended with {done}); what it printed stands above")
        return self._home.assembly

    def _taken(self, assembly: Path) -> Path:
        """Keep a copy of what is deployed, which `down` needs.

        Raises:
            LocalError: one of the two folders is inside the other.
        """
        theirs, ours = assembly.resolve(), self._home.assembly.resolve()
        if theirs != ours:
            if theirs.is_relative_to(ours) or ours.is_relative_to(theirs):
                raise LocalError(f"--app {assembly} and --home {self._home.folder} must not be inside each other")
            shutil.rmtree(self._home.assembly, ignore_errors=True)
            shutil.copytree(assembly, self._home.assembly)
        private.restrict(self._home.folder)
        return self._home.assembly

    def bootstrap(self, server: Server, account: str, region: str) -> None:
        """Give an account and region what `cdk deploy` needs of it."""
        environment = sealed(self._home.folder, server.access, account=account, region=region)
        trust = [] if account == ACCOUNT else TRUST
        arguments = ["bootstrap", f"aws://{account}/{region}", *trust, "--app", str(self._home.assembly)]
        if done := self._run(arguments, environment):
            raise LocalError(self._reason(server, f"bootstrapping {account} in {region} failed", done))

    def deploy(self, server: Server, paths: Sequence[str]) -> None:
        """Deploy stacks of the assembly, with progress.

        Raises:
            LocalError: a stack does not deploy; the reason stands above, and CloudFormation rolled it back.
        """
        arguments = ["deploy", *paths, "--require-approval", "never", "--progress", "events"]
        self._at(server, arguments, "deploying failed")

    def destroy(self, server: Server, paths: Sequence[str]) -> None:
        """Destroy stacks of the assembly, those that need others first."""
        self._at(server, ["destroy", *paths, "--force"], "destroying failed")

    def _at(self, server: Server, arguments: list[str], failed: str) -> None:
        environment = sealed(self._home.folder, server.access)
        if done := self._run([*arguments, "--app", str(self._home.assembly)], environment):
            raise LocalError(self._reason(server, failed, done))

    def _reason(self, server: Server, failed: str, code: int) -> str:
        """What failed, with where to look; a server that is gone is the reason for all that cdk prints."""
        if server.answers:
            return f"{failed} (cdk ended with {code}): the first reason stands above; run it again when it is mended"
        return f"{failed}: the local AWS ended meanwhile ({self._home.log} may say why); up starts it anew"

    def _run(self, arguments: Sequence[str], environment: dict[str, str], *, umask: int = private.UMASK) -> int:
        # a group of its own, so that an interruption ends the app too, which would go on writing the assembly
        command = [self._program, *arguments, *_ALWAYS]
        with subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, start_new_session=True, umask=umask
        ) as cdk:
            try:
                return cdk.wait()
            except BaseException:
                os.killpg(cdk.pid, signal.SIGKILL)
                cdk.wait()
                raise
