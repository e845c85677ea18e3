"""The limits of `make bench` that a test can count: messages between Python and node, and callbacks into Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.bench.__main__ import MESSAGES_LIMIT, MESSAGES_OPTION

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("kind", MESSAGES_LIMIT)
def test_a_service_needs_few_messages_and_no_callback(kind: str, tmp_path: Path) -> None:
    counts = [count(services, kind, tmp_path) for services in (2, 6)]
    assert (counts[1]["messages"] - counts[0]["messages"]) / 4 <= MESSAGES_LIMIT[kind]
    assert counts[1]["callbacks"] == 0


def count(services: int, kind: str, out: Path) -> dict[str, int]:
    command = [
        sys.executable,
        "-m",
        "tools.bench.messages",
        str(services),
        *MESSAGES_OPTION[kind],
    ]
    environment = {**os.environ, "CDK_OUTDIR": str(out)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    counts: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return counts
