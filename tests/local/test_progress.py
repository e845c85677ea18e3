"""The progress that is shown has one line for each resource, with a correct count."""

from __future__ import annotations

import io
import re
import sys

import pytest

from moorage.local.display import Display
from moorage.local.progress import Progress


def _event(count: str, status: str, kind: str, name: str, reason: str = "") -> str:
    return f"Shop | {count} | 5:53:09 PM | {status:23} | {kind:26} | {name} {reason}\n"


def _stack(count: str, status: str) -> str:
    return _event(count, status, "AWS::CloudFormation::Stack", "Shop")


def _topic(count: str, status: str, name: str = "News/Topic (News12AB)", reason: str = "") -> str:
    return _event(count, status, "AWS::SNS::Topic", name, reason)


def _read(*printed: str) -> list[tuple[str, str, str] | str]:
    progress = Progress(["Shop", "dev/Shop"])
    found = [each for line in printed for each in progress.read(line)]
    return [each if isinstance(each, str) else (each.count, each.status, each.resource) for each in found]


def test_each_resource_is_shown_once() -> None:
    assert _read(
        _stack("0/3", "CREATE_IN_PROGRESS"),
        _topic("0/3", "CREATE_IN_PROGRESS"),
        _topic("1/3", "CREATE_COMPLETE"),
        _topic("1/3", "CREATE_IN_PROGRESS", "News/Other topic (Other34)"),
        _topic("2/3", "CREATE_COMPLETE", "News/Other topic (Other34)"),
        _stack("3/3", "CREATE_COMPLETE"),
    ) == [
        ("1/2", "CREATE_COMPLETE", "News/Topic"),
        ("2/2", "CREATE_COMPLETE", "News/Other topic"),
        ("", "CREATE_COMPLETE", "Shop"),
    ]


def test_a_resource_is_shown_by_the_path_of_its_construct() -> None:
    names = ["News/Resource (News12)", "Network/Default (Net34)", "Plain"]
    assert [each[2] for each in _read(*(_topic("1/3", "CREATE_COMPLETE", name) for name in names))] == [
        "News", "Network", "Plain"
    ]  # fmt: skip


def test_the_cleanup_of_an_update_does_not_change_the_count() -> None:
    assert _read(
        _stack("0/3", "UPDATE_IN_PROGRESS"),
        _topic("1/3", "UPDATE_COMPLETE"),
        _stack("2/3", "UPDATE_COMPLETE_CLEANUP"),
        _topic("1/3", "DELETE_COMPLETE"),
        _stack("1/3", "UPDATE_COMPLETE"),
    ) == [
        ("1/1", "UPDATE_COMPLETE", "News/Topic"),
        ("", "DELETE_COMPLETE", "News/Topic"),
        ("", "UPDATE_COMPLETE", "Shop"),
    ]


def test_the_last_count_leaves_out_resources_that_did_not_change() -> None:
    assert _read(
        _stack("0/9", "UPDATE_IN_PROGRESS"), _topic("1/9", "UPDATE_COMPLETE"), _stack("2/9", "UPDATE_COMPLETE")
    ) == [("1/7", "UPDATE_COMPLETE", "News/Topic"), ("", "UPDATE_COMPLETE", "Shop")]
    progress = Progress([])
    for line in (_stack("0/9", "UPDATE_IN_PROGRESS"), _topic("1/9", "UPDATE_COMPLETE")):
        list(progress.read(line))
    (last,) = progress.read(_stack("2/9", "UPDATE_COMPLETE"))
    assert not isinstance(last, str)
    assert (last.done, last.total) == (1, 1)


def test_the_total_is_known_if_the_start_of_the_stack_was_not_printed() -> None:
    assert _read(_topic("38/96", "CREATE_COMPLETE")) == [("1/95", "CREATE_COMPLETE", "News/Topic")]


def test_a_failed_resource_is_shown_once_with_its_reason_and_not_counted() -> None:
    failed = _topic("1/3", "CREATE_FAILED", reason="no such key (of the topic)")
    assert _read(
        _stack("0/3", "CREATE_IN_PROGRESS"),
        _topic("1/3", "CREATE_COMPLETE", "Other"),
        failed,
        _topic("0/3", "DELETE_COMPLETE", "Other"),
        _stack("1/3", "ROLLBACK_COMPLETE"),
        "\n",
        "Failed resources:\n",
        failed.replace("1/3 | ", ""),
        "\n",
        "❌  Shop failed\n",
    ) == [
        ("1/2", "CREATE_COMPLETE", "Other"),
        ("1/2", "CREATE_FAILED", "News/Topic (News12AB) no such key (of the topic)"),
        ("", "DELETE_COMPLETE", "Other"),
        ("", "ROLLBACK_COMPLETE", "Shop"),
        "❌  Shop failed\n",
    ]


def test_a_resource_with_a_truncated_status_is_shown_once() -> None:
    shortened = _stack("1/3", "UPDATE_ROLLBACK_COMPLET")
    assert _read(
        _stack("0/3", "UPDATE_IN_PROGRESS"), _stack("1/3", "UPDATE_ROLLBACK_IN_PROG"), shortened, shortened
    ) == [("", "UPDATE_ROLLBACK_COMPLETE", "Shop")]


def test_a_deletion_is_counted_without_a_total() -> None:
    assert _read(
        _topic("  0", "DELETE_IN_PROGRESS"), _topic("  1", "DELETE_COMPLETE"), _stack("  2", "DELETE_COMPLETE")
    ) == [("1", "DELETE_COMPLETE", "News/Topic"), ("", "DELETE_COMPLETE", "Shop")]


def test_events_in_color_are_read() -> None:
    colored = (
        "Shop | 1/2 | 5:53:09 PM | \x1b[32mCREATE_COMPLETE \x1b[39m | AWS::SNS::Topic | \x1b[32m\x1b[1mNews\x1b[22m\n"
    )
    assert _read(_stack("0/2", "CREATE_IN_PROGRESS"), colored) == [("1/1", "CREATE_COMPLETE", "News")]


@pytest.mark.parametrize("line", ["Shop | 12\n", " ❌ Shop | failed\n", "1 | 2 | 3 | 4 | 5\n", "[Warning] Shop: a\n"])
def test_other_lines_are_shown_unchanged(line: str) -> None:
    assert _read(line) == [line]


STEPS = """
 ⏳  Bootstrapping environment aws://000000000000/us-east-1...
Trusted accounts for deployment: (none)
Using default execution policy of 'arn:aws:iam::aws:policy/AdministratorAccess'. Pass '...' to customize.
\x1b[32m ✅  Environment aws://000000000000/us-east-1 bootstrapped.\x1b[39m
Successfully synthesized to /project/.moorage/cdk.out
Supply a stack id (Shop, Other) to display its template.
85 feature flags are not configured. Run 'cdk flags --unstable=flags' to learn more.
✨  Synthesis time: 0.01s
Shop: start: Building Shop Template
dev/Shop
Shop: creating CloudFormation changeset...
Outputs:
Shop.Url = http://example.com
Stack ARN:
arn:aws:cloudformation:us-east-1:000000000000:stack/Shop/52ccf608
"""


def test_the_steps_of_the_cli_itself_are_left_out() -> None:
    assert _read(*STEPS.splitlines(keepends=True)) == []


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("\x1b[1mShop\x1b[22m: deploying... [1/2]\n", "Shop: deploying ...\n"),
        ("dev/Shop (dev-Shop): destroying... [1/1]\n", "dev/Shop: destroying ...\n"),
    ],
)
def test_the_start_of_a_stack_is_shown_at_once(printed: str, shown: str) -> None:
    assert _read(printed) == [shown]


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _displayed(monkeypatch: pytest.MonkeyPatch, stream: type[io.StringIO]) -> str:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", stream())
    monkeypatch.setattr(sys, "stderr", stream())
    printed = [
        _stack("0/3", "CREATE_IN_PROGRESS"),
        _topic("1/3", "CREATE_COMPLETE"),
        _topic("1/3", "CREATE_FAILED", "Other", f"Other: {'long ' * 30}reason"),
        _stack("1/3", "ROLLBACK_COMPLETE"),
        "a warning\n",
    ]
    with Display({"Shop": "dev/Shop"}) as display:
        display.copy(io.StringIO("".join(printed)), sys.stderr).join()
    assert isinstance(sys.stderr, io.StringIO)
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", sys.stderr.getvalue())


def test_a_terminal_shows_each_resource_with_its_status_type_and_path(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = _displayed(monkeypatch, _Terminal)
    line = next(line for line in shown.splitlines() if "News/Topic" in line)
    assert line.split() == ["1/2", "CREATE_COMPLETE", "AWS::SNS::Topic", "dev/Shop/News/Topic"]
    assert "long reason" in " ".join(shown.split())
    assert "a warning\n" in shown


def test_a_pipe_gets_only_stacks_failures_and_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _displayed(monkeypatch, io.StringIO).splitlines() == [
        f"dev/Shop: CREATE_FAILED AWS::SNS::Topic Other Other: {'long ' * 30}reason",
        "dev/Shop: ROLLBACK_COMPLETE",
        "a warning",
    ]
