"""The local AWS as a process: started on a free port of 127.0.0.1, found again by its id, and stopped by it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import attrs

from moorage.local.environment import sealed

if sys.platform != "win32":
    import fcntl

READY_SECONDS = 60
STOP_SECONDS = 10
HOST = "127.0.0.1"


class LocalError(Exception):
    """Something that the user can act on, in a sentence."""


@attrs.frozen
class Server:
    """A running local AWS.

    Args:
        pid: Its process.
        port: Where it listens, on 127.0.0.1.
    """

    pid: int
    port: int

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def answers(self) -> bool:
        """Whether its process is alive and its port answers."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"{self.endpoint}/_ministack/health", timeout=5) as response:
                return response.status == HTTPStatus.OK and _is_server(self.pid)
        except OSError:
            return False


class Home:
    """The folder in which the local AWS of one app keeps its state, beside the app: `.moorage`.

    Args:
        folder: Where; made when it is missing, and ignored by git.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".gitignore").write_text("*\n")
        self._state = folder / "server.json"
        self.log = folder / "server.log"
        self.assembly = folder / "cdk.out"

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Hold this home for one command; another at the same time is told so.

        Raises:
            LocalError: another `up` or `down` holds it.
        """
        if sys.platform == "win32":
            raise LocalError("the local AWS needs Linux or macOS; use WSL")
        with (self.folder / "lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                holder = lock.read() or "unknown"
                raise LocalError(
                    f"another up or down is at work in {self.folder} (process {holder}); wait until it ends"
                ) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    def running(self) -> Server | None:
        """The server that was started here and still answers."""
        server = self._recorded()
        return server if server and server.answers else None

    def start(self, port: int | None = None) -> Server:
        """Start a server and wait until it answers.

        Raises:
            LocalError: the port is taken, or the server ends or stays silent; the log says why.
        """
        port = port or _free_port()
        _require_free(port)
        command = [sys.executable, "-m", "moorage.local.server", "--port", str(port)]
        with self.log.open("w") as log:
            process = subprocess.Popen(
                command,
                env=sealed(self.folder, f"http://{HOST}:{port}"),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                start_new_session=True,
            )
        server = Server(process.pid, port)
        try:
            self._state.write_text(json.dumps(attrs.asdict(server)))
            self._await(server, process)
        except BaseException:  # an interruption, or a full disk, must not leave a process that nobody can find again
            process.kill()
            process.wait()
            self._state.unlink(missing_ok=True)
            raise
        return server

    def _await(self, server: Server, process: subprocess.Popen[bytes]) -> None:
        until = time.monotonic() + READY_SECONDS
        while not server.answers:
            if process.poll() is not None:
                raise LocalError(f"the local AWS ended at once (exit code {process.returncode}); {self.log} says why")
            if time.monotonic() > until:
                raise LocalError(f"the local AWS did not answer within {READY_SECONDS} s; {self.log} says why")
            time.sleep(0.05)

    def stop(self) -> bool:
        """End the server that was started here, and forget what it held; whether there was one."""
        server = self._recorded()
        if server is None:
            return False
        ended = _end(server)
        self._state.unlink(missing_ok=True)
        return ended

    def _recorded(self) -> Server | None:
        try:
            return Server(**json.loads(self._state.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None


def _end(server: Server) -> bool:
    """End the process by its id, if it is still the one that was started: ids are used again."""
    if not _is_server(server.pid):
        return False
    until = time.monotonic() + STOP_SECONDS
    os.kill(server.pid, signal.SIGTERM)
    while _is_server(server.pid):
        if time.monotonic() > until:
            os.kill(server.pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):  # another command may have started it
            os.waitpid(server.pid, os.WNOHANG)
        time.sleep(0.02)
    return True


def _is_server(pid: int) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:  # there is no /proc on macOS, and a slim Linux has no ps
        if sys.platform == "linux":
            return False
        shown = subprocess.run(
            ["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
        command = shown.stdout
    return "moorage.local.server" in command


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or "ports end at 65535"
            raise LocalError(
                f"port {port} of {HOST} cannot be used ({reason}); leave --port out for a free one"
            ) from error
