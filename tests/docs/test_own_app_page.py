"""The pages for a new app: the app that they show is deployed to the local AWS, and its tests pass."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import syrupy
from click.testing import CliRunner

from moorage.cli.commands import moorage
from moorage.local.process import Home
from tests.docs.fences import Fence, fences_of
from tools.docs.pages import ROOT

OWN_APP, QUICKSTART = (ROOT / "docs" / name for name in ("your-own-app.md", "quickstart.md"))
STARTER = ROOT / "constructs" / "moorage" / "starter" / "files"


def files_of(page: Path) -> dict[str, Fence]:
    return {fence.title: fence for fence in fences_of(page) if fence.title}


def write(folder: Path) -> None:
    """Make the app, and write the files of the page as its reader does."""
    made = CliRunner().invoke(moorage, ["init", str(folder), "--name", "Shop"])
    assert made.exit_code == 0, made.output
    for name, fence in files_of(OWN_APP).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(fence.text)


def test_the_quickstart_shows_the_stack_that_init_writes() -> None:
    assert files_of(QUICKSTART)["web_stack.py"].text == (STARTER / "web_stack.py").read_text()


def test_the_page_lists_the_files_that_init_writes() -> None:
    shown = OWN_APP.read_text().partition("| file | what is in it |")[2].partition("\n\n")[0]
    kept = {".gitignore", "README.md"}
    names = {str(path.relative_to(STARTER)) for path in STARTER.rglob("*") if path.is_file()} - kept
    assert [name for name in names if name not in shown and "__pycache__" not in name] == []


@pytest.mark.slow
def test_an_app_with_a_database_a_worker_and_a_job_is_deployed_to_the_local_aws(tmp_path: Path) -> None:
    write(tmp_path)

    def local(*arguments: str) -> str:
        command = [sys.executable, "-m", "moorage.local", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    try:
        said = local("up", "ShopDev")
        table = said.partition("\nresource ")[2]
        for text in (
            "  schedule ",
            "  queue            ShopDev-Orders",
            "2 of 2 tasks running",
            "1 of 1 tasks running",
        ):
            assert text in table
        assert "AWS::RDS::DBInstance" in (tmp_path / ".moorage" / "cdk.out" / "ShopDev.template.json").read_text()
        assert "All stacks are deleted" in local("down")
    finally:
        Home(tmp_path / ".moorage").stop()


@pytest.mark.slow
def test_its_tests_pass_with_the_acknowledgements_of_the_page(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(pytester.path)
    monkeypatch.setenv("CDK_VALIDATION", "false")  # restored after the app's conftest.py sets it
    monkeypatch.setattr("shutil.which", lambda _: None)  # checkov takes seconds
    monkeypatch.setattr(syrupy, "_syrupy", None)  # the session of this run, which syrupy keeps there
    passed = pytester.runpytest_inprocess("-p", "no:cacheprovider", "--snapshot-update")
    passed.assert_outcomes(passed=2)
