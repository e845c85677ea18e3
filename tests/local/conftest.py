"""The fixture that the lifecycle tests share, and the check that no test leaves a server behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.test_local_lifecycle import project  # noqa: F401  # pytest finds a fixture by its name


@pytest.fixture(scope="session", autouse=True)
def nothing_is_left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fail if a server that a test of this process started is still running at the end."""
    yield
    base = str(tmp_path_factory.getbasetemp()).encode()
    left = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            told = command.read_bytes()
        except OSError:
            continue
        if b"moorage.local.server" in told and base in told:
            left.append(told.replace(b"\0", b" ").decode())
    assert left == []
