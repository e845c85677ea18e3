"""The processes that run the code of templates: their environment, their timeout and their end.

ministack starts them with the server's environment and kills only the process that it started. Here, each process leads
a process group. The process gets the variables that Lambda documents (Lambda developer guide, "Defined runtime
environment variables") and the function's own variables, and is killed with all its descendants. There is no container:
`/tmp` is the machine's.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import os
import secrets
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from moorage.local.server.core.adapter import glue, lambda_runtime, lambda_svc, node_pool, sts

_ALWAYS = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "LANG": "en_US.UTF-8",
    "NO_PROXY": "127.0.0.1,localhost",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "TZ": ":UTC",
    "npm_config_offline": "true",
}
"""Lambda's own values. The variables for files and metadata keep SDKs from using the credentials of the server's user.
With npm offline, the function of CDK's `AwsCustomResource` uses the available SDK instead of installing the newest."""
_INHERITED = ("NODE_PATH",)
_MARK = "AWS_LAMBDA_LOG_STREAM_NAME"
"""A Lambda variable with a different value in each process, which the descendants of the process inherit."""
_INIT_SECONDS = 10
"""The time limit of a function's initialization, which is then retried within the function's timeout (Lambda developer
guide, "Understanding the Lambda execution environment lifecycle")."""
_TIMED_OUT = type("Sandbox.Timedout", (RuntimeError,), {})
"""An exception whose class name is the error type that ministack returns."""

_stated: contextvars.ContextVar[Mapping[str, str]] = contextvars.ContextVar("the function's variables")
_sessions: dict[tuple[str, str], dict[str, str]] = {}
_lock = threading.Lock()


def install() -> None:
    """Make ministack run Lambda functions, other JavaScript code and Glue jobs through this module."""
    processes: Any = SimpleNamespace(**{**vars(subprocess), "Popen": _Process, "run": _run})
    for module in (lambda_runtime, lambda_svc, node_pool, glue):
        module.subprocess = processes
    for module in (lambda_runtime, lambda_svc):
        module.execution_credentials = credentials
    worker, provided = lambda_runtime.Worker, lambda_runtime.ProvidedWorker
    worker._spawn, provided._spawn = _stating(_timed(worker._spawn)), _stating(provided._spawn)


def credentials(config: Mapping[str, Any]) -> dict[str, str]:
    """Return credentials that only this server knows, for a session of a function's role.

    Args:
        config: The function's configuration, as Lambda describes it.
    """
    function, role = str(config.get("FunctionArn", "")), str(config.get("Role", ""))
    with _lock:
        if (function, role) not in _sessions:
            _sessions[function, role] = _session(config, role.rsplit("/", maxsplit=1)[-1])
        return dict(_sessions[function, role])


def _session(config: Mapping[str, Any], role: str) -> dict[str, str]:
    account, _ = lambda_runtime.account_region_from_function_config(config)
    name = str(config.get("FunctionName", "function"))[:64]
    keys = {
        "AWS_ACCESS_KEY_ID": f"ASIA{secrets.token_hex(8).upper()}",
        "AWS_SECRET_ACCESS_KEY": secrets.token_urlsafe(30),
        "AWS_SESSION_TOKEN": secrets.token_urlsafe(60),
    }
    session = {
        "Arn": f"arn:aws:sts::{account}:assumed-role/{role}/{name}",
        "UserId": f"{role}:{name}",
        "SecretAccessKey": keys["AWS_SECRET_ACCESS_KEY"],
        "SessionToken": keys["AWS_SESSION_TOKEN"],
    }
    sts.register_session(keys["AWS_ACCESS_KEY_ID"], session)
    return keys


class _Process(subprocess.Popen[Any]):
    """A process that leads a process group, without the server's environment, and is killed with its descendants."""

    def __init__(self, command: Sequence[str], **settings: Any) -> None:
        environment = _environment(settings.pop("env", None) or {}, settings.get("cwd"))
        self._mark = environment.get(_MARK, "")
        self._gone = False
        program = _program(command[0])
        super().__init__([program, *command[1:]], **settings, env=environment, start_new_session=True)

    def terminate(self) -> None:
        """Kill the group at once: Lambda does not notify a function without extensions before it ends the function."""
        self._end_others()
        super().kill()

    kill = terminate

    def poll(self) -> int | None:
        """Return the exit code, and kill the remaining processes of the group; return None while the process runs."""
        code = super().poll()
        if code is not None:
            self._end_others()
        return code

    def wait(self, timeout: float | None = None) -> int:
        """Wait until the process ends, kill the remaining processes of the group, and return the exit code."""
        code = super().wait(timeout)
        self._end_others()
        return code

    def _end_others(self) -> None:
        if self._gone:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        if self._mark:
            _end_marked(self._mark)
        self._gone = self.returncode is not None  # the ID can belong to another group now


def _end_marked(mark: str) -> None:
    """Kill the processes whose environment has a mark, including those in other groups. This works only on Linux."""
    named = f"{_MARK}={mark}".encode()
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if named in environment.read_bytes().split(b"\0"):
                os.kill(int(environment.parent.name), signal.SIGKILL)


def _run(command: Sequence[str], **settings: Any) -> subprocess.CompletedProcess[Any]:
    """Run a command in a process of this module, and return the result, as `subprocess.run` does."""
    given, timeout = settings.pop("input", None), settings.pop("timeout", None)
    if settings.pop("capture_output", False):
        settings |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    if given is not None:
        settings["stdin"] = subprocess.PIPE
    with _Process(command, **settings) as process:
        try:
            output, errors = process.communicate(given, timeout=timeout)
        except BaseException:
            process.kill()
            raise
        return subprocess.CompletedProcess(command, process.returncode, output, errors)


def _environment(given: Mapping[str, str], folder: str | None) -> dict[str, str]:
    """Return the environment variables of a function's process.

    These are Lambda's variables and the function's own variables. Of the server's variables, only those in `_INHERITED`
    are kept.
    """
    own = {name: value for name, value in given.items() if os.environ.get(name) != value}
    kept = {name: given[name] for name in _INHERITED if name in given}
    if folder and Path(folder).name == "code":  # this process's own folder, which is deleted when the process ends
        temporary = Path(folder).parent / "tmp"
        temporary.mkdir(mode=0o700, exist_ok=True)
        kept["TMPDIR"] = str(temporary)
    return {**_ALWAYS, **kept, **_stated.get({}), **own}


@functools.cache
def _program(name: str) -> str:
    """Return the path of a program on the server's PATH, since the process has Lambda's PATH."""
    path = shutil.which(name)
    if path is None:
        raise RuntimeError(f"{name}, which runs the function, is not on the PATH of this machine; install it")
    with Path(path).open("rb") as file:
        is_script = file.read(2) == b"#!"
    if name != "node" or not is_script:
        return path
    # The script of a version manager finds the real program with variables that the process does not get.
    asked = subprocess.run([path, "-p", "process.execPath"], capture_output=True, text=True, check=False, timeout=10)
    return asked.stdout.strip() or path


def _stating(spawn: Callable[..., None]) -> Callable[..., None]:
    """Make a process start with the Lambda environment variables that ministack leaves out."""

    @functools.wraps(spawn)
    def spawned(worker: Any, *rest: Any, **named: Any) -> None:
        before = _stated.set(_variables(worker.config))
        try:
            spawn(worker, *rest, **named)
        finally:
            _stated.reset(before)

    return spawned


def _timed(spawn: Callable[..., None]) -> Callable[..., None]:
    """Limit the time of a function's initialization; ministack does so only for custom runtimes."""

    @functools.wraps(spawn)
    def spawned(worker: Any) -> None:
        timeout = float(worker.config.get("Timeout") or 3)
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            if worker._proc is not None:
                worker._proc.kill()

        timer = threading.Timer(max(_INIT_SECONDS, timeout), expire)
        timer.daemon = True
        timer.start()
        try:
            spawn(worker)
        except RuntimeError as error:
            if expired.is_set():
                raise _TIMED_OUT(f"Task timed out after {timeout:.2f} seconds") from error
            error.args = (str(error).removeprefix("Worker init failed: "),)
            raise
        finally:
            timer.cancel()

    return spawned


def _variables(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the Lambda environment variables that ministack leaves out."""
    logged = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config.get('FunctionName', '')}"
    return {
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{config.get('Runtime', '')}",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": logged,
        "_HANDLER": str(config.get("Handler", "")),
    }
