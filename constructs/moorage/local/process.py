"""The server process of the local AWS: start it on a port of 127.0.0.1, find it by its process ID, and stop it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import attrs
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from moorage.installation import mark
from moorage.local import private
from moorage.local.environment import ACCOUNT, REGION, Access, sealed
from moorage.local.ports import HOST, PortError, listening
from moorage.local.prerequisites import WINDOWS

if sys.platform != "win32":
    import fcntl

READY_SECONDS = 60
ANSWER_SECONDS = 5
STOP_SECONDS = 5


class LocalError(Exception):
    """An error that the user can act on. Its message is a sentence."""


@attrs.frozen
class Server:
    """A running local AWS.

    Args:
        pid: The process ID.
        port: The port on 127.0.0.1 that the server listens on.
        secret: The secret access key that signs requests.
    """

    pid: int
    port: int
    secret: str = attrs.field(repr=False)

    @property
    def access(self) -> Access:
        """The endpoint and the secret for a client."""
        return Access(f"http://{HOST}:{self.port}", self.secret)

    @property
    def lives(self) -> bool:
        """True while the process exists, even if it does not respond."""
        return _is_server(self)

    @property
    def answers(self) -> bool:
        """True if the process exists and the server answers a request that is signed with the secret."""
        request = AWSRequest("POST", f"{self.access.endpoint}/", data="Action=GetCallerIdentity&Version=2011-06-15")
        request.headers["Content-Type"] = "application/x-www-form-urlencoded"
        SigV4Auth(Credentials(ACCOUNT, self.secret), "sts", REGION).add_auth(request)
        sent = urllib.request.Request(request.url, request.data.encode(), dict(request.headers.items()))  # noqa: S310  # an http URL, made here
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(sent, timeout=ANSWER_SECONDS) as response:
                return response.status == HTTPStatus.OK and self.lives
        except OSError:
            return False


class Home:
    """The folder with the state of the local AWS of one app; by default, `.moorage` in the current folder.

    Nothing is written before `exclusive` is entered. Only the owner can read the folder and its contents.

    Args:
        folder: A folder that an earlier command created, an empty folder, or a folder that does not exist yet.

    Raises:
        LocalError: The path is not a folder, the folder belongs to another user or contains a symbolic link, or
            moorage.local did not create the folder.
    """

    MARK = mark.FILE
    """The file that marks the folder as created by moorage.local."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._state = folder / "server.json"
        self._secret = folder / "secret"
        self.log = folder / "server.log"
        self.assembly = folder / "cdk.out"
        self._require_own()

    def require_near(self) -> None:
        """Raise an error if an app in a folder above was deployed, and none in this folder.

        Raises:
            LocalError: The home does not exist, and a folder above has one.
        """
        place = self.folder.absolute().parent
        above = next((each for each in place.parents if mark.is_marked(each / self.folder.name)), None)
        if above and not self.folder.exists():
            raise LocalError(f"no app was deployed from {place}, but from {above}; run this there")

    def _require_own(self) -> None:
        if sys.platform == "win32" or not (self.folder.exists() or self.folder.is_symlink()):
            return
        if not self.folder.is_dir():
            raise LocalError(f"{self.folder} is not a folder; choose a new or empty folder with --home")
        if self.folder.stat().st_uid != os.getuid():
            raise LocalError(f"{self.folder} belongs to another user; choose another folder with --home")
        if any(self.folder.iterdir()) and not mark.is_marked(self.folder):
            raise LocalError(
                f"{self.folder} is not empty, and moorage.local did not create it; choose a new or empty folder with "
                "--home, or remove this folder if an earlier version created it"
            )
        for path in self.folder.iterdir():
            if path.is_symlink():
                raise LocalError(f"{path} is a symbolic link, which moorage.local did not create; remove it")

    def _make(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        if not mark.is_marked(self.folder):
            private.write(self.folder / mark.FILE, f"{mark.TEXT}\n*\n")

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Lock this home for one command, and create the folder if it does not exist.

        Raises:
            LocalError: Another `up`, `down` or `diff` holds the lock, or this machine runs Windows.
        """
        if sys.platform == "win32":
            raise LocalError(WINDOWS)
        self._make()
        with private.opened(self.folder / "lock", "a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                holder = lock.read() or "unknown"
                raise LocalError(
                    f"another up, down or diff is running in {self.folder} (process {holder}); wait until it ends"
                ) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            self._forget_other()
            yield

    def _forget_other(self) -> None:
        """Delete the record and the secret of another server, which came with a folder that was copied or moved."""
        if self.origin:
            self._state.unlink()
            self._secret.unlink(missing_ok=True)

    @property
    def origin(self) -> str | None:
        """The folder that this folder was copied or moved from; None if it was neither copied nor moved."""
        recorded = self._record().get("home", self._here)
        return None if recorded == self._here else str(recorded)

    @property
    def _here(self) -> str:
        return str(self.folder.resolve())

    def running(self) -> Server | None:
        """Return the server that was started in this home; None if it does not answer."""
        server = self._recorded()
        return server if server and server.answers else None

    def start(self, port: int | None = None) -> Server:
        """Start a server, wait until it answers, and return it.

        Args:
            port: The port to listen on, at most 65535. Default: a free port.

        Raises:
            LocalError: The port cannot be used, or the server exits or does not answer within 60 seconds.
        """
        try:
            listener = listening(port or 0)
        except PortError as error:
            raise LocalError(str(error)) from error
        port = int(listener.getsockname()[1])
        secret = self._own_secret()
        shutil.rmtree(self.folder / "tmp", ignore_errors=True)  # left by Lambda functions whose server was killed
        command = [sys.executable, "-m", "moorage.local.server", "--port", str(port), "--home", self._here]
        command += ["--descriptor", str(listener.fileno())]
        with listener, private.opened(self.log, "w") as log:
            process = subprocess.Popen(
                command,
                env=sealed(self.folder, Access(f"http://{HOST}:{port}", secret)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                start_new_session=True,
                umask=private.UMASK,
                pass_fds=[listener.fileno()],
            )
        server = Server(process.pid, port, secret)
        try:
            private.write(self._state, json.dumps({"pid": server.pid, "port": server.port, "home": self._here}))
            self._await(server, process)
        except BaseException:  # after an interruption or on a full disk, leave no process that cannot be found again
            process.kill()
            process.wait()
            self._state.unlink(missing_ok=True)
            raise
        process.returncode = 0  # it outlives this command; otherwise Popen would warn that it still runs
        return server

    def _own_secret(self) -> str:
        """Return this home's secret, which outlives the server, so that the variables in a shell stay valid."""
        if not self._secret.exists() or not self._secret.read_text():  # a full disk leaves the file empty
            private.write(self._secret, secrets.token_urlsafe(30))
        return self._secret.read_text()

    def _await(self, server: Server, process: subprocess.Popen[bytes]) -> None:
        until = time.monotonic() + READY_SECONDS
        while not server.answers:
            if process.poll() is not None:
                raise LocalError(f"the local AWS exited at startup (exit code {process.returncode}); see {self.log}")
            if time.monotonic() > until:
                raise LocalError(f"the local AWS did not answer within {READY_SECONDS} s; see {self.log}")
            time.sleep(0.05)

    def stop(self) -> bool:
        """Stop the server of this home and its Lambda functions. Return whether the server was running."""
        server = self._recorded()
        ended = _end(server) if server else False
        for pid in _functions(self.folder.resolve()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._state.unlink(missing_ok=True)
        return ended

    def _record(self) -> dict[str, Any]:
        """Return the record of the server; an empty record if it does not exist or cannot be read."""
        try:
            recorded = json.loads(self._state.read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return recorded if isinstance(recorded, dict) else {}

    def _recorded(self) -> Server | None:
        recorded = self._record()
        try:
            secret = self._secret.read_text()
            return None if self.origin else Server(int(recorded["pid"]), int(recorded["port"]), secret)
        except (FileNotFoundError, KeyError, ValueError, TypeError):
            return None


def _end(server: Server) -> bool:
    """Stop a server, and return whether it was running. Another process that reuses the process ID is not stopped."""
    if not server.lives:
        return False
    until = time.monotonic() + STOP_SECONDS
    os.kill(server.pid, signal.SIGTERM)
    while server.lives:
        if time.monotonic() > until:
            os.kill(server.pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):  # another command may have started it
            os.waitpid(server.pid, os.WNOHANG)
        time.sleep(0.02)
    return True


def _functions(home: Path) -> Iterator[int]:
    """Yield the IDs of the processes that Lambda functions left behind when the server was killed.

    `LAMBDA_TASK_ROOT`, Lambda's environment variable for the folder of the code, identifies these processes and their
    child processes. Only Linux shows the variables of a process, so nothing is yielded on other platforms.

    Args:
        home: The home folder of the server.
    """
    mark = f"LAMBDA_TASK_ROOT={home}/".encode()
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if any(variable.startswith(mark) for variable in environment.read_bytes().split(b"\0")):
                yield int(environment.parent.name)


def _is_server(server: Server) -> bool:
    """Return whether the process with a server's ID is that server. Another process can have the ID later."""
    try:
        command = Path(f"/proc/{server.pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:  # macOS has no /proc, and a slim Linux has no ps
        if sys.platform == "linux":
            return False
        shown = subprocess.run(
            ["ps", "-ww", "-o", "args=", "-p", str(server.pid)], capture_output=True, text=True, check=False
        )
        command = shown.stdout
    return f"moorage.local.server --port {server.port} " in f"{command} "
