"""The folder in which the tests of `moorage init` run."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, which is empty."""
    place = tmp_path / "Shop"
    place.mkdir()
    monkeypatch.chdir(place)
    return place
