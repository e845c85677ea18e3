"""The site builds without a warning, and a browser shows it without asking anything else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.browser import browsed
from tools.docs.pages import build, zensical

PAGES = ["", "quickstart/", "reference/api/services/"]
WIDTHS = [360, 1280]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if zensical() is None:
        pytest.skip("zensical is not installed; `make docs` installs it")
    folder = tmp_path_factory.mktemp("docs")
    build(folder / "site", stage=folder / "stage")
    return folder / "site"


@pytest.mark.slow
def test_the_site_asks_a_browser_for_nothing_else_and_shows_its_pages(site: Path, tmp_path: Path) -> None:
    address, seen = browsed(site, tmp_path, PAGES, WIDTHS)
    assert seen["errors"] == []
    assert [url for url in seen["requests"] if not url.startswith((address, "data:", "blob:"))] == []
    assert len(seen["views"]) == len(PAGES) * len(WIDTHS)
    for view in seen["views"]:
        assert view["heading"], view
        assert view["navigation"], view
        assert view["overflow"] <= 0, view
    assert [result for result in seen["results"] if re.match(r"Service\b.*\nReference\nAPI\n", result)]
