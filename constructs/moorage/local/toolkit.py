"""The cdk CLI, run where it sees the local AWS and no other."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from moorage.local.environment import ACCOUNT, REGION, TRUST, sealed
from moorage.local.process import HOST, Home, LocalError, Server

_OFFLINE = ("--no-notices",)


class Toolkit:
    """Runs the `cdk` that the PATH names.

    Args:
        home: Where the assembly is written.
        app: The command that synthesizes, as `cdk --app` takes it; that of `cdk.json` without it.
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
        nowhere = sealed(self._home.folder, f"http://{HOST}:9")  # the port that discards: nothing answers there
        nowhere |= {"CDK_DEFAULT_ACCOUNT": ACCOUNT, "CDK_DEFAULT_REGION": REGION}
        app = ["--app", self._app] if self._app else []
        target = str(self._home.assembly)
        done = self._run(["synth", "--quiet", *app, "--output", target, "--path-metadata"], nowhere)
        if done:
            raise LocalError(f"the app does not synthesize (cdk ended with {done}); what it printed stands above")
        return self._home.assembly

    def bootstrap(self, server: Server, account: str, region: str) -> None:
        """Give an account and region what `cdk deploy` needs of it."""
        environment = sealed(self._home.folder, server.endpoint, account=account, region=region)
        trust = [] if account == ACCOUNT else TRUST
        arguments = ["bootstrap", f"aws://{account}/{region}", *trust, "--app", str(self._home.assembly)]
        if done := self._run(arguments, environment):
            raise LocalError(
                f"bootstrapping {account} in {region} failed (cdk ended with {done}); {self._home.log} says why"
            )

    def deploy(self, server: Server, paths: Sequence[str]) -> None:
        """Deploy stacks of the assembly, with progress.

        Raises:
            LocalError: a stack does not deploy; CloudFormation's reason stands above, and it was rolled back.
        """
        arguments = ["deploy", *paths, "--require-approval", "never", "--progress", "events"]
        self._at(
            server,
            arguments,
            "deploying failed: the first reason above is CloudFormation's, and the stack was rolled back",
        )

    def destroy(self, server: Server, paths: Sequence[str]) -> None:
        """Destroy stacks of the assembly, those that need others first."""
        self._at(
            server, ["destroy", *paths, "--force"], "destroying failed: the first reason above is CloudFormation's"
        )

    def _at(self, server: Server, arguments: list[str], failed: str) -> None:
        environment = sealed(self._home.folder, server.endpoint)
        if done := self._run([*arguments, "--app", str(self._home.assembly)], environment):
            raise LocalError(f"{failed} (cdk ended with {done})")

    def _run(self, arguments: Sequence[str], environment: dict[str, str]) -> int:
        return subprocess.run([self._program, *arguments, *_OFFLINE], env=environment, check=False).returncode
