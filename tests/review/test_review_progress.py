"""The line about the policy engines on standard error, and the bar on a terminal."""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

import pytest

from moorage.policy import engines
from moorage.review import policy
from moorage.review.progress import shown
from tests.review.templates import compared, stacks

LINE = "Checking 2 new templates with the policy engines, which takes about 5 s; the results are kept ...\n"
QUEUE = {"Type": "AWS::SQS::Queue"}


class Stream(io.StringIO):
    """A standard error stream that counts how often it is flushed."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self.terminal, self.flushed = terminal, 0

    def isatty(self) -> bool:
        return self.terminal

    def flush(self) -> None:
        self.flushed += 1


@pytest.fixture(autouse=True)
def _no_engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cache results in a folder of this test, and let the engines find nothing."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    for name in ("_cfn_lint", "_guard"):
        monkeypatch.setattr(engines, name, lambda _: iter(()))


def printed(monkeypatch: pytest.MonkeyPatch, *, terminal: bool, resources: int = 1) -> Stream:
    """Return what a review of a new stack beside an old one prints to standard error."""
    stream = Stream(terminal=terminal)
    monkeypatch.setattr(sys, "stderr", stream)
    head = {"Shop": {f"Q{each}": QUEUE for each in range(resources)}, "Old": {"Q": QUEUE}}
    policy.policy_findings(compared({"Old": {"Q": QUEUE}}, head), watch=shown)
    return stream


def test_a_pipe_gets_one_line_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = printed(monkeypatch, terminal=False)
    assert stream.getvalue() == LINE
    assert stream.flushed


def test_a_terminal_also_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = printed(monkeypatch, terminal=True)
    assert stream.getvalue().startswith(LINE)
    assert "Templates" in stream.getvalue()


def test_the_time_grows_with_the_resources(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "which takes about 25 s; " in printed(monkeypatch, terminal=False, resources=1000).getvalue()


def test_cached_results_need_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    printed(monkeypatch, terminal=False)
    assert printed(monkeypatch, terminal=False).getvalue() == ""


def test_checkov_runs_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: "checkov")
    monkeypatch.setattr(engines, "checkov", lambda *_: iter(()))
    assert printed(monkeypatch, terminal=False).getvalue() == (
        "Checking 2 new templates with the policy engines, which takes about 15 s; the results are kept, except those "
        "of checkov ...\n"
    )
    assert printed(monkeypatch, terminal=False).getvalue() == (
        "Checking the templates with checkov, which takes about 10 s each time ...\n"
    )


def test_equal_templates_are_checked_once() -> None:
    (stack,) = stacks({"Shop": {"Q": QUEUE}})
    assert engines.unchecked([stack, stack]) == [stack]
    engines.violations([stack])
    assert engines.unchecked([stack]) == []
