"""The tests in the guide to testing pass, and fail with the messages that it shows."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import syrupy

from tests.docs.fences import fences_of
from tools.docs.pages import ROOT

GUIDE = ROOT / "docs" / "guides" / "testing.md"
TEXTS = [fence.text for fence in fences_of(GUIDE) if fence.language == "text"]
Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs pytest on the guide's files, in this process, since jsii takes seconds to start."""
    for fence in fences_of(GUIDE):
        if fence.title:
            (pytester.path / fence.title).write_text(fence.text)
    monkeypatch.setenv("CDK_VALIDATION", "false")  # as before this process, and restored after the guide sets it
    monkeypatch.setattr("shutil.which", lambda _: None)  # checkov takes seconds

    def runs(*arguments: str) -> pytest.RunResult:
        with monkeypatch.context() as patched:
            patched.setattr(syrupy, "_syrupy", None)  # the session of this run, which syrupy keeps there
            return pytester.runpytest_inprocess("-p", "no:cacheprovider", *arguments)

    return runs


def change(folder: Path) -> None:
    (difference,) = (fence.text for fence in fences_of(GUIDE) if fence.language == "diff")
    subprocess.run(["git", "apply"], cwd=folder, input=difference, check=True, capture_output=True, text=True)


def said(result: pytest.RunResult) -> Iterator[str]:
    """Yield the lines of the error, as pytest prints them."""
    return (line for line in result.outlines if line.startswith("E  "))


def test_the_snapshots_of_the_guide_fail_as_it_shows(run: Run, pytester: pytest.Pytester) -> None:
    files = ("test_shop.py", "test_production.py")
    run("--snapshot-update", *files).assert_outcomes(passed=2)
    assert (pytester.path / "__snapshots__" / "test_shop" / "test_template.json").is_file()
    run(*files).assert_outcomes(passed=2)
    change(pytester.path)
    changed = run("-vv", "test_shop.py")
    changed.assert_outcomes(failed=1)
    assert list(said(changed)) == TEXTS[0].splitlines()


def test_the_findings_of_the_guide_are_those_that_it_shows(run: Run) -> None:
    failed = run("test_shop_policy.py")
    failed.assert_outcomes(failed=1)
    assert list(said(failed)) == TEXTS[1].splitlines()
