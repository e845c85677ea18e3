"""Run tests in forks of one process that has loaded all modules that no mutation changes.

A fork starts in a tenth of the time of a new process. A mutation changes a module of `moorage`, so neither `moorage`
nor the tests are loaded before the fork. The first run records which functions of the module each test runs. Later runs
begin with the tests of the changed function.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType

import pytest

from tools.mutate import order

_OPTIONS = ["-q", "-x", "-n", "0", "-p", "no:cacheprovider", "--hypothesis-seed=0", "--no-header", "--tb=line"]
TIMED_OUT = 124
FIRST_LIMIT = 1800.0
LEAST_LIMIT = 60.0
SLOWER = 5


def main(address: str, limit: str, module: str, *tests: str) -> None:
    """Listen at a socket; run `tests` for each connection, and answer with their status and output.

    Args:
        address: The path of the socket.
        limit: The time limit of the first run in seconds. The first run is without a mutation, and sets the limit of
            later runs: a mutation that takes several times as long is an endless loop.
        module: The path of the module that is mutated.
        tests: The test files.
    """
    _load(tests)
    kept = {path.name for path in Path(tempfile.gettempdir()).iterdir()}  # node's own files among them
    seconds = float(limit)
    Path(address).unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        while True:
            connection, _ = listener.accept()
            with connection:
                start = time.monotonic()
                status, output = _run(tests, seconds, Path(module).absolute(), Path(address).with_name("record"))
                if seconds == FIRST_LIMIT:
                    seconds = max(LEAST_LIMIT, SLOWER * (time.monotonic() - start))
                with contextlib.suppress(OSError):
                    connection.sendall(json.dumps([status, output]).encode())
            _remove_others(kept)
            if status == TIMED_OUT:  # it may have been killed in the middle of a word with node
                again = [sys.executable, "-m", "tools.mutate.warm", address, str(seconds), module, *tests]
                os.execv(sys.executable, again)  # noqa: S606  # itself


def _load(tests: tuple[str, ...]) -> None:
    pytest.main([*_OPTIONS, "--collect-only", "-qq", *tests])
    here = str(Path.cwd() / "")
    for name in [name for name, module in sys.modules.items() if name != "__main__" and _is_below(module, here)]:
        del sys.modules[name]


def _is_below(module: ModuleType, folder: str) -> bool:
    file = getattr(module, "__file__", None)
    places = [file] if file else getattr(module, "__path__", ())  # a folder of tests has no file
    return any(str(place).startswith(folder) for place in places)


def _remove_others(kept: set[str]) -> None:
    """Remove the temporary files that a fork left behind, since a fork ends without running exit handlers."""
    for path in Path(tempfile.gettempdir()).iterdir():
        if path.name not in kept:
            shutil.rmtree(path, ignore_errors=True)
            path.unlink(missing_ok=True)


def _run(tests: tuple[str, ...], seconds: float, module: Path, record: Path) -> tuple[int, str]:
    with tempfile.TemporaryFile("w+") as output:
        child = os.fork()
        if not child:
            os.setsid()
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
            _test(tests, module, record)
        status = _wait(child, seconds)
        output.seek(0)
        return status, output.read()[-2000:]


def _test(tests: tuple[str, ...], module: Path, record: Path) -> None:
    status = 1
    with contextlib.suppress(BaseException):
        plugin = (order.Sorter if record.exists() else order.Recorder)(module, record)
        status = int(pytest.main([*_OPTIONS, *tests], plugins=[plugin]))
    sys.stdout.flush()
    os._exit(status)  # without the handlers of exit, which would stop the node of the parent


def _wait(child: int, seconds: float) -> int:
    descriptor = os.pidfd_open(child)
    try:
        if not select.select([descriptor], [], [], seconds)[0]:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return TIMED_OUT
    finally:
        os.close(descriptor)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    main(*sys.argv[1:])
