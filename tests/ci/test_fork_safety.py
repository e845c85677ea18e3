"""The job that runs the code of a pull request can only read, and the one that writes runs none of it.

Workflows in the documentation are held to the same rules, and to GitHub's schemas and zizmor.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.ci.runner import ACTIONS, ROOT, WORKFLOWS, load
from tests.docs.fences import PAGES, fences_of

FILES = sorted(WORKFLOWS.glob("*.yml"))
SHOWN = [fence for page in PAGES for fence in fences_of(page) if (fence.title or "").startswith(".github/workflows/")]
CASES = [
    *(pytest.param(path.read_text(), id=path.name) for path in FILES),
    *(pytest.param(fence.text, id=fence.place) for fence in SHOWN),
]
ACTION_FILES = sorted(ACTIONS.glob("*/action.yml"))
TEXTS = [*CASES, *(pytest.param(path.read_text(), id=path.parent.name) for path in ACTION_FILES)]
WELL_KEPT = {"actions", "github", "aws-actions"}


def parsed(text: str) -> Any:
    return yaml.load(text, yaml.BaseLoader)  # noqa: S506  # a safe loader, and the simplest


def steps(value: Any) -> Iterator[Any]:
    """Yield the steps of a workflow or an action."""
    for job in value.get("jobs", {}).values():
        yield from job.get("steps", [])
    yield from value.get("runs", {}).get("steps", [])


def triggers(workflow: Any) -> set[str]:
    return set(workflow["on"]) if isinstance(workflow["on"], dict | list) else {workflow["on"]}


def test_there_are_workflows_here_and_in_the_documentation() -> None:
    assert len(FILES) >= 2
    assert len(SHOWN) >= 3


@pytest.mark.parametrize("text", CASES)
def test_the_jobs_of_a_pull_request_can_only_read(text: str) -> None:
    workflow = parsed(text)
    assert "pull_request_target" not in triggers(workflow)
    if "pull_request" in triggers(workflow):
        assert workflow["permissions"] == {}
        assert not re.search(r"\bsecrets\b|github\.token", str(workflow))
        for job in workflow["jobs"].values():
            if "environment" in job:
                check_that_forks_are_excluded(job)
            else:
                assert job["permissions"] == {"contents": "read"}


def check_that_forks_are_excluded(job: Any) -> None:
    """Check a job that gets credentials of AWS, but only for the branches of people who can write to the repository."""
    assert job["permissions"] == {"contents": "read", "id-token": "write"}
    condition = job["if"].split("&&")
    assert "github.event.pull_request.head.repo.full_name == github.repository" in {each.strip() for each in condition}
    assert "||" not in job["if"]
    uses = [step.get("uses", "").partition("@")[0] for step in job["steps"]]
    installs = [number for number, step in enumerate(job["steps"]) if "make setup" in step.get("run", "")]
    assert max(installs) < uses.index("aws-actions/configure-aws-credentials"), "packages would get the credentials"


@pytest.mark.parametrize("text", TEXTS)
def test_what_can_write_to_a_pull_request_runs_none_of_its_code(text: str) -> None:
    value = parsed(text)
    if "workflow_run" in value.get("on", ()) or value.get("name") == "publish a moorage review":
        assert not any("run" in step for step in steps(value))
        assert not any(step["uses"].startswith(("actions/checkout", "./")) for step in steps(value))
        assert not re.search(r"\bsecrets\b", str(value))


@pytest.mark.parametrize("text", TEXTS)
def test_each_action_of_others_is_pinned_by_its_commit_with_the_version(text: str) -> None:
    for line in re.findall(r"uses: .*", text):
        if not line.startswith("uses: $/"):
            assert re.fullmatch(r"uses: [\w./-]+@[0-9a-f]{40} # v?[\d.]+.*", line), line
    for step in steps(parsed(text)):
        name = step.get("uses", "$/").partition("@")[0]
        assert name.startswith(("$/", "OWNER/moorage/")) or name.split("/")[0] in WELL_KEPT, name


@pytest.mark.parametrize("text", TEXTS)
def test_no_checkout_leaves_a_credential_and_no_script_contains_an_expression(text: str) -> None:
    for step in steps(parsed(text)):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] == "false"
        assert "${{" not in step.get("run", "") + step.get("with", {}).get("script", "")


def test_the_same_action_has_the_same_commit_everywhere() -> None:
    commits: dict[str, set[str]] = {}
    for parameter in TEXTS:
        for name, commit in re.findall(r"uses: ([\w./-]+)@([0-9a-f]{40}) #", str(parameter.values[0])):
            commits.setdefault(name, set()).add(commit)
    assert {name: found for name, found in commits.items() if len(found) > 1} == {}


def test_a_newer_commit_of_a_pull_request_cancels_its_review() -> None:
    concurrency = load(WORKFLOWS / "review.yml")["concurrency"]
    assert "github.event.pull_request.number" in concurrency["group"]
    assert concurrency["cancel-in-progress"] == "true"


@pytest.mark.parametrize("fence", SHOWN, ids=lambda fence: fence.place)
def test_a_workflow_of_the_documentation_keeps_the_schema_and_zizmor_finds_nothing(fence: Any, tmp_path: Path) -> None:
    path = tmp_path / fence.title
    path.parent.mkdir(parents=True)
    path.write_text(fence.text)
    programs = Path(sys.executable).parent
    checks = (
        [programs / "check-jsonschema", "--builtin-schema", "vendor.github-workflows", path],
        [programs / "zizmor", "--offline", "--quiet", path],
    )
    for check in checks:
        done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{fence.place}\n{done.stdout}{done.stderr}"
