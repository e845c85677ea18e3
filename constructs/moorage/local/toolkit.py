"""The cdk CLI, run in an environment where it reaches only the local AWS."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from moorage.assembly.cloud_assembly import Stack, stacks_of
from moorage.assembly.stack_traces import tracing
from moorage.installation.app_python import app_python, is_folder
from moorage.installation.programs import cdk_problem, find, outdated_problem
from moorage.installation.stated_app import stated_app
from moorage.local import lookups, private
from moorage.local.display import Display
from moorage.local.environment import ACCOUNT, REGION, TRUST, sealed
from moorage.local.messages import Messages
from moorage.local.process import Home, LocalError, Server
from moorage.local.report.readback import TOOLKIT

_ALWAYS = ("--no-notices", "--no-ci", "--profile=", "--proxy=", "--ca-bundle-path=", "--role-arn=")
"""Arguments that override `cdk.json`, `~/.cdk.json` and variables such as `CDK_PROXY`, which could redirect the CLI.

Without `--no-ci`, the CLI would print its progress and errors to standard output if `CI` is set.
"""
DISCARD = "down --discard stops the local AWS without deleting its stacks"
"""The last resort, named in errors about stacks that cannot be deleted."""
_STANDARD_ERROR = 2
_AGAIN = "fix it and run up again"
_WATCH_SECONDS = 1.0
"""The interval at which to check that the server is running: the CLI itself retries for a minute and a half."""


def tell(text: str) -> None:
    """Print a line about the next step to standard error at once, since the step can last for seconds.

    Args:
        text: The line.
    """
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


class Toolkit:
    """A runner of the `cdk` command, on the PATH, beside the running Python or in `node_modules`.

    Args:
        home: The home of the local AWS, to which the assembly is written.
        app: The command that synthesizes the app, or the folder of a cloud assembly, as for `cdk --app`. None for the
            `app` of `cdk.json`.

    Raises:
        LocalError: There is no `cdk` command, or the assembly contains the home's assembly or is in it.
        AssemblyError: The folder is not an assembly.
    """

    def __init__(self, home: Home, app: str | None) -> None:
        program = find("cdk")
        if program is None:
            raise LocalError(str(cdk_problem()))
        self._program = program
        self._home = home
        self._app = stated_app(app)
        self._messages = Messages()
        self._given = Path(self._app) if self._app and is_folder(self._app) else None
        if self._given:
            self._require_apart(self._given)
            stacks_of(self._given)

    def _require_apart(self, assembly: Path) -> None:
        theirs, ours = assembly.resolve(), self._home.assembly.resolve()
        if theirs != ours and (theirs.is_relative_to(ours) or ours.is_relative_to(theirs)):
            raise LocalError(
                f"--app {assembly} and --home {self._home.folder} must be separate folders; choose a folder outside "
                "the assembly with --home"
            )

    def synthesize(self, standing: Callable[[], Server]) -> Path:
        """Synthesize the app, and return the folder of the assembly. The local AWS answers the lookups of the app.

        Args:
            standing: A function that returns the server, started if necessary. If the app is an assembly, the function
                is not called.

        Raises:
            UnansweredError: The local AWS cannot answer a lookup.
            LocalError: The app does not synthesize (its output is printed above), or an asset contains the home.
        """
        if self._given:
            return self._taken(self._given)
        server = standing()
        tell("Synthesizing the app ...")
        return self._synthesized(sealed(self._home.folder, server.access), self._home.assembly)

    def preview(self, server: Server, folder: Path) -> Path:
        """Synthesize the app into another folder, with stack traces, and return the folder.

        The assembly of the last deployment does not change.

        The cdk CLI and the app print to standard error, since the difference is printed to standard output.

        Args:
            server: The local AWS, which answers the lookups.
            folder: The folder in the home to synthesize into. If the app is an assembly, the folder of the app is
                returned.

        Raises:
            UnansweredError: The local AWS cannot answer a lookup.
            LocalError: The app does not synthesize (its output is printed above), or an asset contains the home.
        """
        if self._given:
            return self._given
        tell("Synthesizing the app ...")
        environment = sealed(self._home.folder, server.access)
        return self._synthesized(environment | tracing(environment), folder, printed=_STANDARD_ERROR)

    def _synthesized(self, environment: dict[str, str], assembly: Path, printed: int | None = None) -> Path:
        python = app_python(self._app).path
        environment |= {"CDK_DEFAULT_ACCOUNT": ACCOUNT, "CDK_DEFAULT_REGION": REGION, "PATH": python}
        app = ["--app", lookups.command(self._app)] if self._app else []
        arguments = ["synth", "--quiet", *app, "--output", str(assembly.resolve()), "--path-metadata"]
        # the app runs with the user's own umask, since it may write files of the user
        done = self._run(arguments, environment, umask=-1, folder=lookups.prepared(self._home.folder), printed=printed)
        private.restrict(self._home.folder)
        if self._contains_home(assembly):
            shutil.rmtree(assembly, ignore_errors=True)
            name = self._home.folder.resolve().name
            raise LocalError(
                f"an asset of the app contains {self._home.folder}, where the app is synthesized; exclude it from the "
                f"asset (exclude=['{name}']), or choose a folder outside the asset with --home"
            )
        if done:
            lookups.require_answered(assembly)
            reason = outdated_problem(assembly, ask=True) or app_python(self._app, failed=True).problem
            raise LocalError(reason or f"cdk synth failed (exit code {done}); see its output above")
        return assembly

    def _contains_home(self, assembly: Path) -> bool:
        """Return whether an asset contains the home. Such an asset changes in each synthesis, which might never end."""
        parts = self._home.folder.resolve().parts
        below = [Path(*parts[number:]) for number in range(1, len(parts))]
        assets = list(assembly.glob("asset.*"))
        return any((asset / home / Home.MARK).exists() for asset in assets for home in below)

    def _taken(self, assembly: Path) -> Path:
        """Copy the given assembly into the home, since `down` needs the assembly later, and return the copy."""
        if assembly.resolve() != self._home.assembly.resolve():
            shutil.rmtree(self._home.assembly, ignore_errors=True)
            shutil.copytree(assembly, self._home.assembly, ignore_dangling_symlinks=True)
        private.restrict(self._home.folder)
        return self._home.assembly

    def bootstrap(self, server: Server, account: str, region: str, qualifier: str | None = None) -> None:
        """Bootstrap an account and region.

        Args:
            server: The local AWS.
            account: The account to bootstrap.
            region: The region to bootstrap.
            qualifier: The qualifier of the resource names and of the bootstrap stack. Default: None, for CDK's default.

        Raises:
            LocalError: The bootstrap fails, or the server stops.
        """
        environment = sealed(self._home.folder, server.access, account=account, region=region)
        trust = [] if account == ACCOUNT else TRUST
        own = ["--qualifier", qualifier, "--toolkit-stack-name", f"{TOOLKIT}-{qualifier}"] if qualifier else []
        arguments = ["bootstrap", f"aws://{account}/{region}", *own, *trust, "--app", str(self._home.assembly)]
        tell(f"Bootstrapping {account} {region} ...")
        if done := self._run(arguments, environment, server):
            raise LocalError(self._reason(server, f"cdk bootstrap of {account} {region} failed", done, _AGAIN))

    def deploy(self, server: Server, stacks: Sequence[Stack], account: str) -> None:
        """Deploy stacks of the assembly and show the progress.

        Args:
            server: The local AWS.
            stacks: The stacks.
            account: The account of the CLI's credentials; a legacy synthesizer assumes no role in another account.

        Raises:
            LocalError: A stack fails to deploy and is rolled back, or the server stops.
        """
        options = ["--exclusively", "--require-approval", "never", "--progress", "events"]
        self._at(server, ["deploy", *options], stacks, account, "cdk deploy failed", _AGAIN)

    def destroy(self, server: Server, stacks: Sequence[Stack], account: str) -> None:
        """Destroy stacks of the assembly, in reverse deployment order.

        Args:
            server: The local AWS.
            stacks: The stacks.
            account: The account whose credentials the CLI uses, as for `deploy`.

        Raises:
            LocalError: A stack cannot be deleted, or the server stops.
        """
        options = ["--exclusively", "--force"]
        self._at(server, ["destroy", *options], stacks, account, "cdk destroy failed", DISCARD)

    def _at(
        self, server: Server, command: list[str], stacks: Sequence[Stack], account: str, failed: str, way_out: str
    ) -> None:
        environment = sealed(self._home.folder, server.access, account=account)
        arguments = [*command, *(stack.path for stack in stacks), "--app", str(self._home.assembly)]
        if done := self._run(arguments, environment, server, paths={stack.name: stack.path for stack in stacks}):
            outdated = outdated_problem(self._home.assembly, ask=True)
            raise LocalError(outdated or self._reason(server, failed, done, way_out))

    def _reason(self, server: Server, failed: str, code: int, way_out: str) -> str:
        """Return the error message for a failed command, or the message that the server has stopped."""
        if server.answers:
            return f"{failed} (exit code {code}); see the first error above; {way_out}"
        return self._gone()

    def _gone(self) -> str:
        return f"the local AWS stopped unexpectedly (see {self._home.log}); run up to restart it"

    def _run(
        self,
        arguments: Sequence[str],
        environment: dict[str, str],
        server: Server | None = None,
        *,
        umask: int = private.UMASK,
        folder: Path | None = None,
        printed: int | None = None,
        paths: Mapping[str, str] | None = None,
    ) -> int:
        """Run the CLI, show its progress and return its exit code. With a server, check that the server runs.

        Args:
            arguments: The arguments of the CLI.
            environment: The environment variables of the CLI.
            server: The local AWS that the CLI deploys to. Default: none, and all of standard output is shown.
            umask: The mask for the modes of the files that the CLI writes. Default: only the user can read the files.
            folder: The directory to run in. Default: the current directory.
            printed: The file descriptor for the CLI's standard output. Default: the standard output of this process.
            paths: A mapping from the names of stacks to their construct paths. Default: no stacks.

        Raises:
            LocalError: The server stopped.
        """
        # in a process group, so that an interruption also ends the app, which would keep writing the assembly
        command = [self._program, *arguments, *_ALWAYS]
        if sys.stderr.isatty():
            environment.setdefault("FORCE_COLOR", "1")
        output = subprocess.PIPE if server else printed
        kept = {"synth": self._messages.recorded, "deploy": self._messages.unseen}.get(arguments[0], iter)
        with (
            Display(paths or {}) as display,
            subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.PIPE,
                start_new_session=True,
                umask=umask,
                text=True,
                errors="replace",
            ) as cdk,
        ):
            try:
                readers = display.copy(cdk.stdout, sys.stdout), display.copy(cdk.stderr, sys.stderr, kept)
                while cdk.poll() is None and (reading := [each for each in readers if each.is_alive()]):
                    reading[0].join(_WATCH_SECONDS)
                    if server and not server.lives:
                        raise LocalError(self._gone())
                code = cdk.wait()
                for reader in readers:
                    reader.join(_WATCH_SECONDS)  # a process that the CLI started may keep the output open
            except BaseException:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(cdk.pid, signal.SIGKILL)
                cdk.wait()
                raise
            return code


def bootstrap_stacks(stacks: Sequence[Stack]) -> tuple[Stack, ...]:
    """Return the bootstrap stacks: one for each account, region and qualifier of the given stacks.

    Args:
        stacks: The stacks of an app.
    """
    places = {(stack.account or ACCOUNT, stack.region or REGION, stack.qualifier) for stack in stacks}
    names = sorted((f"{TOOLKIT}-{own}" if own else TOOLKIT, account, region) for account, region, own in places)
    return tuple(Stack(name, name, account, region, {}, ()) for name, account, region in names)
