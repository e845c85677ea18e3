"""The requirements of a new app name moorage by the place from which it was installed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.starter.starting import contents, fill, init, refused

pytestmark = pytest.mark.usefixtures("folder")


def installed_from(origin: Mapping[str, Any] | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let moorage be installed from somewhere: the content of its `direct_url.json`."""

    class Installed(metadata.PathDistribution):
        version = "1.2.3"
        requires: ClassVar = [
            "aws-cdk-lib<3,>=2.275.0",
            'pytest<10,>=9.0; extra == "testing"',
            'pytest-cov; extra == "x"',
        ]

        def __init__(self) -> None:
            super().__init__(Path())

        def read_text(self, _: Any) -> str | None:
            return None if origin is None else json.dumps(origin)

    found = metadata.distribution
    monkeypatch.setattr(metadata, "distribution", lambda name: Installed() if name == "moorage" else found(name))


COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = {"vcs": "git", "commit_id": COMMIT, "requested_revision": "main"}


@pytest.mark.parametrize(
    ("origin", "line", "is_said"),
    [
        (None, "moorage[local,review,testing]==1.2.3", False),
        (
            {"url": "file:///clones/moorage", "dir_info": {"editable": True}},
            "moorage[local,review,testing] @ file:///clones/moorage",
            True,
        ),
        (
            {"url": "file:///my%20files/moorage-1.2.3-py3-none-any.whl", "archive_info": {}},
            "moorage[local,review,testing] @ file:///my%20files/moorage-1.2.3-py3-none-any.whl",
            True,
        ),
        (
            {"url": "https://git.example/moorage.git", "vcs_info": REPOSITORY, "subdirectory": "python"},
            f"moorage[local,review,testing] @ git+https://git.example/moorage.git@{COMMIT}#subdirectory=python",
            False,
        ),
        (
            {"url": "file:///clones/moorage", "vcs_info": REPOSITORY},
            f"moorage[local,review,testing] @ git+file:///clones/moorage@{COMMIT}",
            True,
        ),
        (
            {"url": "https://example.com/moorage-1.2.3-py3-none-any.whl", "archive_info": {}},
            "moorage[local,review,testing] @ https://example.com/moorage-1.2.3-py3-none-any.whl",
            False,
        ),
        (
            {"url": "{folder}/wheels/moorage-1.2.3-py3-none-any.whl", "archive_info": {}},
            "./wheels/moorage-1.2.3-py3-none-any.whl[local,review,testing]",
            False,
        ),
    ],
    ids=["index", "folder", "wheel", "repository", "repository here", "address", "wheel of the app"],
)
def test_the_requirements_name_moorage_by_its_origin(
    folder: Path, monkeypatch: pytest.MonkeyPatch, origin: dict[str, Any] | None, line: str, *, is_said: bool
) -> None:
    if origin:
        origin["url"] = origin["url"].replace("{folder}", folder.as_uri())
    installed_from(origin, monkeypatch)
    said = init().output
    *pins, own = (folder / "requirements.txt").read_text().splitlines()[1:]
    assert own == line
    assert pins == [f"{name}=={metadata.version(name)}" for name in ("aws-cdk-lib", "constructs", "pytest")]
    assert ("which only this machine has" in " ".join(said.split())) == is_said


def test_a_wheel_for_other_machines_is_made_from_a_folder_and_copied_from_a_wheel(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = folder.parent / "my clone"
    fill(clone, "moorage.whl")
    installed_from({"url": clone.as_uri(), "dir_info": {}}, monkeypatch)
    assert f"run `pip wheel --no-deps -w wheels '{clone}'`" in " ".join(init("one").output.split())
    installed_from({"url": (clone / "moorage.whl").as_uri(), "archive_info": {}}, monkeypatch)
    assert f"run `mkdir wheels && cp '{clone / 'moorage.whl'}' wheels/`" in " ".join(init("two").output.split())


def test_a_package_that_is_not_installed_gets_the_versions_that_moorage_permits(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def version(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    installed_from(None, monkeypatch)
    monkeypatch.setattr(metadata, "version", version)
    init()
    lines = (folder / "requirements.txt").read_text().splitlines()
    assert {"aws-cdk-lib<3,>=2.275.0", "pytest<10,>=9.0", "constructs"} <= set(lines)


def test_moorage_that_is_not_installed_cannot_be_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)
    refused(init(), "moorage must be installed, so that requirements.txt can name it; install it with pip")
    assert contents(folder) == {}
