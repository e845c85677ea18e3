"""The jobs of the example for GitLab: their commands review an app, and write one note."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from moorage.review.forms.markdown import MARKER
from tests.ci.runner import ROOT, load
from tests.review.apps import App

PIPELINE = load(ROOT / "examples" / "ci" / "gitlab-ci.yml")
PAGE = f"{MARKER}\n## Review: 1 lost\n@everybody\n"
ME, OTHER = {"id": 1}, {"id": 2}


class GitLab(BaseHTTPRequestHandler):
    """GitLab's API, as far as notes need it, with two notes a page."""

    notes: list[dict[str, Any]]
    written: list[tuple[str, str, str | None]]

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if address.path.endswith("/user"):
            self.answer(ME)
            return
        page = int(parse_qs(address.query)["page"][0])
        more = len(self.notes) > 2 * page
        self.answer(self.notes[2 * page - 2 : 2 * page], {"x-next-page": str(page + 1) if more else ""})

    def write(self) -> None:
        value = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.written.append((self.command, self.path, self.headers["PRIVATE-TOKEN"]))
        self.answer(value)
        self.notes.append({"id": 99, "author": ME, "body": value["body"]})

    do_POST = do_PUT = write  # noqa: N815  # names of the library

    def answer(self, value: Any, headers: dict[str, str] | None = None) -> None:
        self.send_response(200)
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(json.dumps(value).encode())

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def gitlab() -> Iterator[tuple[type[GitLab], str]]:
    """Return the stand-in for GitLab, and the address of its API."""

    class Own(GitLab):
        notes, written = [], []

    server = ThreadingHTTPServer(("127.0.0.1", 0), Own)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Own, f"http://127.0.0.1:{server.server_port}/api/v4"
    server.shutdown()
    thread.join()
    server.server_close()


def run(job: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the script of a job as GitLab's runner does: all its lines in one shell that ends at the first error."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", "\n".join(PIPELINE[job]["script"])],
        cwd=folder,
        env={**os.environ, "PATH": path, **PIPELINE[job].get("variables", {}), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_the_job_reviews_from_the_merge_base_and_writes_its_artifacts(tmp_path: Path) -> None:
    app = App(tmp_path / "shop")
    app.commit()
    app.set(name="new")
    app.commit()
    base, head = (app.git("rev-parse", each).strip() for each in ("HEAD~1", "HEAD"))
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = run("review", app.folder, CI_MERGE_REQUEST_DIFF_BASE_SHA=base, CI_COMMIT_SHA=head, **cache)
    assert done.returncode == 0, done.stderr
    artifacts = PIPELINE["review"]["artifacts"]
    for name in (*artifacts["paths"], artifacts["reports"]["junit"]):
        assert (app.folder / name).stat().st_size


def note(folder: Path, address: str, page: str = PAGE) -> subprocess.CompletedProcess[str]:
    if not (folder / "review.md").is_symlink():
        (folder / "review.md").write_text(page)
    of_the_job = {"CI_MERGE_REQUEST_PROJECT_ID": "7", "CI_MERGE_REQUEST_IID": "5", "MOORAGE_NOTE_TOKEN": "token"}
    return run("note", folder, CI_API_V4_URL=address, no_proxy="127.0.0.1", **of_the_job)


def test_the_page_becomes_one_note_that_is_updated(gitlab: tuple[type[GitLab], str], tmp_path: Path) -> None:
    server, address = gitlab
    server.notes += [{"id": 1, "author": OTHER, "body": PAGE}, {"id": 2, "author": ME, "body": "another note"}]
    for _ in range(2):
        done = note(tmp_path, address)
        assert done.returncode == 0, done.stderr
    notes = "/api/v4/projects/7/merge_requests/5/notes"
    assert server.written == [("POST", notes, "token"), ("PUT", f"{notes}/99", "token")]
    assert server.notes[-1]["body"].startswith(f"{MARKER}\n## Review")
    assert "@everybody" not in server.notes[-1]["body"]


def test_no_note_is_written_without_a_review(gitlab: tuple[type[GitLab], str], tmp_path: Path) -> None:
    server, address = gitlab
    done = run("note", tmp_path, CI_API_V4_URL=address)
    assert (done.returncode, server.written) == (1, [])
    assert "there is no review" in done.stderr


@pytest.mark.parametrize("target", ["/proc/self/environ", "page"])
def test_a_link_is_not_followed(gitlab: tuple[type[GitLab], str], tmp_path: Path, target: str) -> None:
    server, address = gitlab
    (tmp_path / "page").write_text(PAGE)
    (tmp_path / "review.md").symlink_to(target)
    done = note(tmp_path, address)
    assert (done.returncode, server.written) == (1, [])
    assert "review.md must be a file" in done.stderr


@pytest.mark.parametrize(
    ("page", "said"), [(f"# x\n{PAGE}", "is not what moorage writes"), (PAGE + "x" * 1_000_000, "must be a file of")]
)
def test_another_file_is_no_review(gitlab: tuple[type[GitLab], str], tmp_path: Path, page: str, said: str) -> None:
    server, address = gitlab
    done = note(tmp_path, address, page)
    assert (done.returncode, server.written) == (1, [])
    assert said in done.stderr


def test_a_module_beside_the_page_is_not_run(gitlab: tuple[type[GitLab], str], tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('of the merge request')")
    assert note(tmp_path, gitlab[1]).returncode == 0


def test_a_note_mentions_nobody_and_has_no_command(gitlab: tuple[type[GitLab], str], tmp_path: Path) -> None:
    server, address = gitlab
    text = "&#64;octocat @&#x6f;ctocat &commat;octocat\n/close\n\n  /merge\r\n/label ~x\r/assign me\na/b\n"
    assert note(tmp_path, address, PAGE + text).returncode == 0
    body = server.notes[-1]["body"]
    assert "@octocat" not in unescape(body)
    assert not [line for line in body.splitlines() if line.strip().startswith("/")]
    assert "\na/b\n" in body


def test_the_job_with_the_token_runs_no_code_of_the_merge_request_and_only_with_a_token() -> None:
    note_job, review_job = PIPELINE["note"], PIPELINE["review"]
    assert note_job["variables"]["GIT_STRATEGY"] == "none"
    assert "$MOORAGE_NOTE_TOKEN" in note_job["rules"][0]["if"]
    assert "TOKEN" not in str(review_job)
