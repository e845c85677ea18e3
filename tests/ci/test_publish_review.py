"""The workflow that publishes a review: which pull request it writes to, and what it takes from the artifact."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import unescape
from pathlib import Path
from typing import Any

import attrs
import pytest

from moorage.review.forms.markdown import MARKER
from tests.ci.runner import Runner, workflow

HEAD = "1" * 40
FORK = {"id": 7, "owner": {"login": "stranger"}}
RUN = {
    "id": 11,
    "event": "pull_request",
    "conclusion": "success",
    "head_sha": HEAD,
    "head_branch": "main",
    "head_repository": FORK,
    "pull_requests": [],
    "html_url": "https://github.example/runs/11",
}
PULL = {"number": 5, "head": {"sha": HEAD, "repo": {"id": 7}}}
ARTIFACT = {"id": 21, "expired": False, "size_in_bytes": 1000}
PAGE = f"{MARKER}\n## Review: 1 lost\n"
SARIF: dict[str, Any] = {
    "version": "2.1.0",
    "runs": [
        {
            "tool": {
                "driver": {
                    "name": "moorage",
                    "version": "1",
                    "rules": [{"id": "lost/replaced", "shortDescription": {"text": "It is lost."}}],
                }
            },
            "results": [
                {
                    "ruleId": "lost/replaced",
                    "ruleIndex": 0,
                    "level": "error",
                    "message": {"text": "Shop/Orders is replaced."},
                    "locations": [
                        {
                            "physicalLocation": {
                                "artifactLocation": {"uri": "app.py"},
                                "region": {"startLine": 7},
                            },
                            "logicalLocations": [{"fullyQualifiedName": "Shop/Orders", "kind": "resource"}],
                        }
                    ],
                    "partialFingerprints": {"moorage/v1": "12ab"},
                }
            ],
        }
    ],
}
BOT = "github-actions[bot]"
WRITES = {"issues.createComment", "issues.updateComment"}


@attrs.define
class Published:
    """One run of the workflow: its requests, uploads and downloads."""

    passed: bool
    runner: Runner
    uploads: list[Mapping[str, str]]
    downloads: list[Mapping[str, str]]

    @property
    def writes(self) -> list[tuple[str, Mapping[str, Any]]]:
        return [(name, given) for name, given in self.runner.calls if name in WRITES]

    @property
    def comment(self) -> str:
        ((_, given),) = self.writes
        return str(given["body"])


def publish(
    tmp_path: Path,
    *,
    run: Mapping[str, Any] | None = None,
    pulls: list[Any] | None = None,
    comments: list[Any] | None = None,
    artifacts: list[Any] | None = None,
    files: Mapping[str, str] | None = None,
) -> Published:
    """Run the job of `publish-review.yml` after a review, by default of a pull request from a fork."""
    files = {"review.md": PAGE, "review.sarif": json.dumps(SARIF)} if files is None else files
    downloads: list[Mapping[str, str]] = []
    uploads: list[Mapping[str, str]] = []

    def download(given: Mapping[str, str]) -> Mapping[str, str]:
        downloads.append(given)
        folder = Path(given["path"])
        folder.mkdir()
        for name, text in files.items():
            if text.startswith("-> "):
                (folder / name).symlink_to(text[3:])
            else:
                (folder / name).write_text(text)
        return {}

    def upload(given: Mapping[str, str]) -> Mapping[str, str]:
        uploads.append({**given, "text": Path(given["sarif_file"]).read_text()})
        return {}

    runner = Runner(
        tmp_path,
        tmp_path,
        {"workflow_run": {**RUN, **(run or {})}},
        answers={
            "pulls.list": [PULL] if pulls is None else pulls,
            "actions.listWorkflowRunArtifacts": [ARTIFACT] if artifacts is None else artifacts,
            "issues.listComments": comments or [],
        },
        uses={"actions/download-artifact": download, "github/codeql-action/upload-sarif": upload},
    )
    job = workflow("publish-review")["jobs"]["publish"]
    passed = bool(runner.value(job["if"], {})) and runner.job(job)
    return Published(passed, runner, uploads, downloads)


def test_the_page_becomes_a_comment_on_the_pull_request_of_the_event(tmp_path: Path) -> None:
    done = publish(tmp_path)
    ((name, given),) = done.writes
    assert (done.passed, name, given["issue_number"]) == (True, "issues.createComment", 5)
    assert given["body"].startswith(f"{MARKER}\n_The code of the pull request made this page")
    assert "## Review: 1 lost" in given["body"]
    assert HEAD in given["body"]
    assert ("pulls.list", "stranger:main") in [(name, given.get("head")) for name, given in done.runner.calls]
    assert done.downloads[0]["run-id"] == "11"
    assert done.downloads[0]["artifact-ids"] == "21"


def test_the_comment_is_updated_in_place(tmp_path: Path) -> None:
    comments = [
        {"id": 1, "user": {"login": "stranger"}, "body": PAGE},  # anybody can write the marker
        {"id": 2, "user": {"login": BOT}, "body": f"of another workflow, {MARKER}"},
        {"id": 3, "user": {"login": BOT}, "body": PAGE},
    ]
    ((name, given),) = publish(tmp_path, comments=comments).writes
    assert (name, given["comment_id"]) == ("issues.updateComment", 3)


def test_the_comment_of_somebody_else_is_not_changed(tmp_path: Path) -> None:
    ((name, _),) = publish(tmp_path, comments=[{"id": 1, "user": {"login": "stranger"}, "body": PAGE}]).writes
    assert name == "issues.createComment"


@pytest.mark.parametrize(
    "pulls",
    [
        [],
        [{"number": 6, "head": {"sha": "2" * 40, "repo": {"id": 7}}}],
        [{"number": 6, "head": {"sha": HEAD, "repo": {"id": 8}}}],
        [{"number": 6, "head": {"sha": HEAD, "repo": None}}],
    ],
    ids=["closed", "newer commits", "another fork", "deleted fork"],
)
def test_nothing_is_written_unless_an_open_pull_request_has_the_commit(tmp_path: Path, pulls: list[Any]) -> None:
    done = publish(tmp_path, pulls=pulls)
    assert (done.writes, done.uploads, done.downloads) == ([], [], [])
    assert "nothing is written" in done.runner.notices[0]


TWO_BASES = [PULL, {**PULL, "number": 6}]


def test_each_pull_request_of_a_branch_gets_its_own_review(tmp_path: Path) -> None:
    done = publish(tmp_path, pulls=TWO_BASES, files={"review.md": PAGE, "pull-request": "6\n"})
    ((_, given),) = done.writes
    assert given["issue_number"] == 6


@pytest.mark.parametrize(
    "files", [{}, {"pull-request": "7"}, {"pull-request": "6 5"}, {"pull-request": "-> /etc/passwd"}]
)
def test_the_artifact_chooses_only_between_pull_requests_of_its_commit(
    tmp_path: Path, files: Mapping[str, str]
) -> None:
    done = publish(tmp_path, pulls=TWO_BASES, files={"review.md": PAGE, "review.sarif": json.dumps(SARIF), **files})
    assert (done.writes, done.uploads) == ([], [])
    assert "nothing is written" in done.runner.notices[-1]


def test_the_artifact_does_not_choose_if_there_is_only_one_pull_request(tmp_path: Path) -> None:
    ((_, given),) = publish(tmp_path, files={"review.md": PAGE, "pull-request": "6"}).writes
    assert given["issue_number"] == 5


@pytest.mark.parametrize("run", [{"event": "push"}, {"conclusion": "cancelled"}, {"conclusion": "skipped"}])
def test_the_job_runs_only_for_finished_runs_of_pull_requests(tmp_path: Path, run: Mapping[str, str]) -> None:
    condition = workflow("publish-review")["jobs"]["publish"]["if"]
    assert not Runner(tmp_path, tmp_path, {"workflow_run": {**RUN, **run}}).value(condition, {})


def test_the_action_publishes_no_other_run_in_a_workflow_without_that_condition(tmp_path: Path) -> None:
    runner = Runner(tmp_path, tmp_path, {"workflow_run": {**RUN, "event": "push"}}, answers={"pulls.list": [PULL]})
    passed, outputs = runner.action("publish-review")
    assert (passed, outputs["pull-request"], runner.calls) == (True, "", [])


def test_a_fork_that_was_deleted_is_not_published(tmp_path: Path) -> None:
    assert publish(tmp_path, run={"head_repository": None}).runner.calls == []


def test_findings_are_uploaded_for_the_commit_of_the_event(tmp_path: Path) -> None:
    (given,) = publish(tmp_path).uploads
    assert (given["ref"], given["sha"], given["category"]) == ("refs/pull/5/head", HEAD, "moorage-review")
    assert json.loads(given["text"]) == SARIF
    assert given["checkout_path"] == str(tmp_path)


def test_findings_cannot_pretend_to_be_of_another_tool(tmp_path: Path) -> None:
    text = json.dumps(SARIF).replace('"moorage"', '"CodeQL"')
    done = publish(tmp_path, files={"review.sarif": text})
    assert (done.passed, done.uploads) == (False, [])


def test_only_members_that_moorage_writes_are_uploaded(tmp_path: Path) -> None:
    hidden = {"suppressions": [{"kind": "external"}], "baselineState": "absent", "fixes": [], "hostedViewerUri": "x"}
    (result,), tool = SARIF["runs"][0]["results"], SARIF["runs"][0]["tool"]["driver"]
    rule = {**tool["rules"][0], "help": {"text": "x", "markdown": "[x](https://shop.example)"}, "helpUri": "x"}
    result = {**result, **hidden, "message": {**result["message"], "markdown": "[x](https://shop.example)"}}
    driver = {"driver": {**tool, "rules": [rule]}, "extensions": [{"name": "CodeQL"}]}
    run = {"tool": driver, "results": [result], "automationDetails": {"id": "codeql"}}
    done = publish(
        tmp_path, files={"review.sarif": json.dumps({**SARIF, "runs": [run], "inlineExternalProperties": []})}
    )
    assert json.loads(done.uploads[0]["text"]) == SARIF


@pytest.mark.parametrize(
    "change",
    [
        ('"app.py"', '"https://shop.example/app.py"'),
        ('"app.py"', '"//shop.example/app.py"'),
        ('"error"', '"none"'),
        ('"Shop/Orders is replaced."', "{}"),
        ("7", '"7"'),
        ('"12ab"', "null"),
    ],
)
def test_findings_with_other_values_are_not_uploaded(tmp_path: Path, change: tuple[str, str]) -> None:
    done = publish(tmp_path, files={"review.sarif": json.dumps(SARIF).replace(*change)})
    assert (done.passed, done.uploads) == (False, [])
    assert "is not what moorage writes" in done.runner.notices[-1]


@pytest.mark.parametrize("text", ["", "{", "{}", "[]", '{"version": "2.1.0", "runs": []}', "null"])
def test_findings_that_are_no_sarif_are_not_uploaded(tmp_path: Path, text: str) -> None:
    done = publish(tmp_path, files={"review.sarif": text})
    assert (done.passed, done.uploads) == (False, [])


def test_links_in_the_artifact_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(f"{PAGE}secret")
    findings = tmp_path / "findings"
    findings.write_text(json.dumps(SARIF))
    done = publish(tmp_path, files={"review.md": f"-> {secret}", "review.sarif": f"-> {findings}"})
    assert (done.writes, done.uploads) == ([], [])


def test_a_page_without_the_marker_is_not_written(tmp_path: Path) -> None:
    assert publish(tmp_path, files={"review.md": "# Buy this\n"}).writes == []


def test_a_page_mentions_nobody(tmp_path: Path) -> None:
    done = publish(tmp_path, files={"review.md": f"{PAGE}@everybody/team and a@b\n"})
    assert "@everybody" not in done.comment
    assert "a@b" not in done.comment


@pytest.mark.parametrize("text", ["&#64;octocat", "&#x40;octocat", "&#064;octocat", "@&#x6f;ctocat", "&commat;octocat"])
def test_a_page_mentions_nobody_by_an_entity(tmp_path: Path, text: str) -> None:
    comment = publish(tmp_path, files={"review.md": f"{PAGE}hi {text} &amp; &lt;b>\n"}).comment
    assert "@octocat" not in unescape(comment)
    assert "&amp; &lt;b>" in comment


@pytest.mark.parametrize(
    "text", ["x" * 70_000, "\U0001f600" * 40_000, "\U0001f600\n" * 30_000, "x" + "\U0001f600" * 40_000]
)
def test_a_page_is_cut_to_the_length_of_a_comment(tmp_path: Path, text: str) -> None:
    comment = publish(tmp_path, files={"review.md": PAGE + text}).comment
    assert 60_000 < len(comment.encode("utf-16-le")) // 2 <= 65_536
    assert comment.endswith("_The comment is cut to the length that GitHub permits._\n")
    assert "\ufffd" not in comment


def test_an_enormous_artifact_is_not_read(tmp_path: Path) -> None:
    done = publish(tmp_path, artifacts=[{**ARTIFACT, "size_in_bytes": 50_000_001}])
    assert (done.downloads, done.writes) == ([], [])


def test_the_newest_artifact_of_a_run_is_read(tmp_path: Path) -> None:
    older, expired = {**ARTIFACT, "id": 20}, {**ARTIFACT, "id": 22, "expired": True}
    assert publish(tmp_path, artifacts=[older, ARTIFACT, expired]).downloads[0]["artifact-ids"] == "21"


def test_a_workflow_that_failed_before_the_review_says_so(tmp_path: Path) -> None:
    done = publish(tmp_path, artifacts=[], run={"conclusion": "failure"})
    assert "## There is no review" in done.comment
    assert done.uploads == []


def test_a_workflow_without_a_review_writes_nothing(tmp_path: Path) -> None:
    assert publish(tmp_path, artifacts=[]).writes == []


def test_comment_and_findings_can_be_left_out(tmp_path: Path) -> None:
    for name, inputs in {"neither": {"comment": "false", "sarif": "false"}, "comment": {"sarif": "false"}}.items():
        folder = tmp_path / name
        (folder / "moorage-review-untrusted").mkdir(parents=True)
        (folder / "moorage-review-untrusted" / "review.md").write_text(PAGE)
        (folder / "moorage-review-untrusted" / "review.sarif").write_text(json.dumps(SARIF))
        answers = {"pulls.list": [PULL], "actions.listWorkflowRunArtifacts": [ARTIFACT], "issues.listComments": []}
        uploads: list[Mapping[str, str]] = []
        uses = {"github/codeql-action/upload-sarif": lambda given, to=uploads: to.append(given) or {}}
        runner = Runner(folder, folder, {"workflow_run": RUN}, answers=answers, uses=uses)
        passed, outputs = runner.action("publish-review", **inputs)
        written = [called for called, _ in runner.calls if called in WRITES]
        assert (passed, outputs["pull-request"], len(written), uploads) == (True, "5", int(name == "comment"), [])
