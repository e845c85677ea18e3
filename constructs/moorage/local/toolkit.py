"""The cdk CLI, run where it sees the local AWS and no other."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from moorage.local import lookups, private
from moorage.local.environment import ACCOUNT, REGION, TRUST, sealed
from moorage.local.process import Home, LocalError, Server

TOOLKIT = "CDKToolkit"
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

    def synthesize(self, standing: Callable[[], Server]) -> Path:
        """Write the app's assembly, for which the local AWS answers what the app looks up.

        Args:
            standing: What starts the local AWS if it is not there; an assembly that is given needs none.

        Raises:
            UnansweredError: the app looks up what is not there.
            LocalError: the app does not synthesize; what it printed stands above.
        """
        if self._app and (Path(self._app) / "manifest.json").exists():
            return self._taken(Path(self._app))
        environment = sealed(self._home.folder, standing().access)
        environment |= {"CDK_DEFAULT_ACCOUNT": ACCOUNT, "CDK_DEFAULT_REGION": REGION}
        app = ["--app", lookups.command(self._app)] if self._app else []
        arguments = ["synth", "--quiet", *app, "--output", str(self._home.assembly.resolve()), "--path-metadata"]
        # the app runs with the user's own mask: it may write files of the user's
        done = self._run(arguments, environment, umask=-1, folder=lookups.prepared(self._home.folder))
        private.restrict(self._home.folder)
        if done:
            lookups.require_answered(self._home.assembly)
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
        if done := self._run(arguments, environment):
            raise LocalError(self._reason(server, f"bootstrapping {account} in {region} failed", done))

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
        self._at(server, arguments, "deploying failed", account)

    def destroy(self, server: Server, paths: Sequence[str], account: str) -> None:
        """Destroy stacks of the assembly, those that need others first.

        Args:
            server: The local AWS.
            paths: The stacks' paths.
            account: As for `deploy`.
        """
        self._at(server, ["destroy", *paths, "--exclusively", "--force"], "destroying failed", account)

    def _at(self, server: Server, arguments: list[str], failed: str, account: str) -> None:
        environment = sealed(self._home.folder, server.access, account=account)
        if done := self._run([*arguments, "--app", str(self._home.assembly)], environment):
            raise LocalError(self._reason(server, failed, done))

    def _reason(self, server: Server, failed: str, code: int) -> str:
        """What failed, with where to look; a server that is gone is the reason for all that cdk prints."""
        if server.answers:
            return f"{failed} (cdk ended with {code}): the first reason stands above; run it again when it is mended"
        return f"{failed}: the local AWS ended meanwhile ({self._home.log} may say why); up starts it anew"

    def _run(
        self,
        arguments: Sequence[str],
        environment: dict[str, str],
        *,
        umask: int = private.UMASK,
        folder: Path | None = None,
    ) -> int:
        # a group of its own, so that an interruption ends the app too, which would go on writing the assembly
        command = [self._program, *arguments, *_ALWAYS]
        with subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, start_new_session=True, umask=umask
        ) as cdk:
            try:
                return cdk.wait()
            except BaseException:
                os.killpg(cdk.pid, signal.SIGKILL)
                cdk.wait()
                raise
