"""The commands of the workflow that deploys a preview of a pull request and removes it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.ci.runner import Runner, workflow
from tests.ci.test_review_workflow import stub

SETTINGS = {"PREVIEW_ROLE_ARN": "arn:aws:iam::222222222222:role/Preview", "PREVIEW_REGION": "eu-west-1"}
CREDENTIALS = "aws-actions/configure-aws-credentials"
CDK = """
printf '%s\\n' "$@" > {folder}/arguments
for each; do
    test "$before" != --outputs-file || echo '{{"preview-5-Services": {{"Address": "{url}"}}}}' > "$each"
    before=$each
done
exit {code}
"""
URL = "https://pr-5.preview.example.com"


def event(action: str, repository: str = "shop/app") -> dict[str, Any]:
    head = {"sha": "0" * 40, "ref": "$(touch pwned)", "repo": {"full_name": repository}}
    return {"action": action, "pull_request": {"number": 5, "head": head}}


def run(
    folder: Path, happened: Mapping[str, Any], settings: Mapping[str, str] = SETTINGS, code: int = 0
) -> tuple[bool, Runner, list[str]]:
    """Run the job, and return whether it succeeded, its runner, and the arguments of cdk."""
    programs, temp = folder / "bin", folder / "temp"
    temp.mkdir()
    stub(programs, "make", f'test "$*" = setup-synth; mkdir -p .venv/bin; cp {programs}/installed-cdk .venv/bin/cdk')
    stub(programs, "installed-cdk", CDK.format(folder=folder, url=URL, code=code))
    given: dict[str, Mapping[str, str]] = {}

    def keep(name: str) -> Any:
        return lambda inputs: given.update({name: inputs}) or {}

    runner = Runner(
        folder,
        temp,
        happened,
        uses={name: keep(name) for name in ("actions/checkout", CREDENTIALS)},
        environment={"PATH": os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]])},
        settings=settings,
    )
    passed = runner.job(workflow("preview")["jobs"]["preview"])
    if given:
        assert given["actions/checkout"]["ref"] == "0" * 40
        assert given[CREDENTIALS] == {"role-to-assume": SETTINGS["PREVIEW_ROLE_ARN"], "aws-region": "eu-west-1"}
    arguments = folder / "arguments"
    return passed, runner, arguments.read_text().splitlines() if arguments.exists() else []


@pytest.mark.parametrize("action", ["opened", "synchronize", "reopened"])
def test_each_push_deploys_only_the_preview_and_shows_its_address(tmp_path: Path, action: str) -> None:
    passed, runner, arguments = run(tmp_path, event(action))
    assert passed, runner.log
    assert arguments[:4] == ["deploy", "preview-5/*", "--context", "preview=5"]
    assert "never" in arguments
    assert runner.url == URL
    assert not (tmp_path / "pwned").exists()


def test_a_closed_pull_request_removes_its_preview(tmp_path: Path) -> None:
    passed, runner, arguments = run(tmp_path, event("closed"))
    assert passed, runner.log
    assert arguments == ["destroy", "preview-5/*", "--context", "preview=5", "--force"]
    assert runner.url == ""


def test_a_deployment_that_fails_fails_the_job_and_shows_no_address(tmp_path: Path) -> None:
    passed, runner, _ = run(tmp_path, event("opened"), code=1)
    assert not passed
    assert runner.url == ""


@pytest.mark.parametrize(
    ("repository", "settings"), [("fork/app", SETTINGS), ("shop/app", {}), ("fork/app", {})], ids=str
)
def test_forks_and_repositories_without_a_role_are_skipped(
    tmp_path: Path, repository: str, settings: Mapping[str, str]
) -> None:
    passed, _, arguments = run(tmp_path, event("opened", repository), settings)
    assert (passed, arguments) == (True, [])


def test_it_is_one_deployment_at_a_time_and_none_is_interrupted() -> None:
    stated = workflow("preview")
    assert stated["on"]["pull_request"]["types"] == ["opened", "synchronize", "reopened", "closed"]
    assert "github.event.pull_request.number" in stated["concurrency"]["group"]
    assert stated["concurrency"]["cancel-in-progress"] == "false"
