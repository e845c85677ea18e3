"""Progress as the cdk CLI prints it, and as it is shown: one line for each resource, with a count that is right."""

from __future__ import annotations

import pytest

from moorage.local.progress import Progress


def _event(count: str, status: str, kind: str, name: str, reason: str = "") -> str:
    return f"Shop | {count} | 5:53:09 PM | {status:23} | {kind:26} | {name} {reason}\n"


def _stack(count: str, status: str) -> str:
    return _event(count, status, "AWS::CloudFormation::Stack", "Shop")


def _topic(count: str, status: str, name: str = "News/Topic (News12AB)", reason: str = "") -> str:
    return _event(count, status, "AWS::SNS::Topic", name, reason)


def _shown(*printed: str) -> list[str]:
    progress = Progress()
    return [line for each in printed for line in progress.lines(each)]


def test_each_resource_is_told_once() -> None:
    assert _shown(
        "Shop: deploying... [1/1]\n",
        _stack("0/3", "CREATE_IN_PROGRESS"),
        _topic("0/3", "CREATE_IN_PROGRESS"),
        _topic("1/3", "CREATE_COMPLETE"),
        _topic("1/3", "CREATE_IN_PROGRESS", "News/Other topic (Other34)"),
        _topic("2/3", "CREATE_COMPLETE", "News/Other topic (Other34)"),
        _stack("3/3", "CREATE_COMPLETE"),
    ) == [
        "Shop: deploying... [1/1]\n",
        _topic("1/3", "CREATE_COMPLETE"),
        _topic("2/3", "CREATE_COMPLETE", "News/Other topic (Other34)"),
        _stack("3/3", "CREATE_COMPLETE"),
    ]


def test_an_update_is_not_counted_twice_and_a_replacement_not_undone() -> None:
    assert _shown(
        _stack("0/3", "UPDATE_IN_PROGRESS"),
        _topic("1/3", "UPDATE_COMPLETE"),
        _stack("2/3", "UPDATE_COMPLETE_CLEANUP"),
        _topic("1/3", "DELETE_COMPLETE"),
        _stack("1/3", "UPDATE_COMPLETE"),
    ) == [_topic("1/2", "UPDATE_COMPLETE"), _topic("1/2", "DELETE_COMPLETE"), _stack("2/2", "UPDATE_COMPLETE")]


def test_what_may_change_and_does_not_is_not_missing_at_the_end() -> None:
    assert _shown(
        _stack("0/9", "UPDATE_IN_PROGRESS"), _topic("1/9", "UPDATE_COMPLETE"), _stack("2/9", "UPDATE_COMPLETE")
    ) == [_topic("1/8", "UPDATE_COMPLETE"), _stack("2/2", "UPDATE_COMPLETE")]


def test_what_fails_is_told_once_and_counts_for_nothing() -> None:
    failed = _topic("1/3", "CREATE_FAILED", reason="no such key")
    assert _shown(
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
        _topic("1/3", "CREATE_COMPLETE", "Other"),
        failed,
        _topic("1/3", "DELETE_COMPLETE", "Other"),
        _stack("1/3", "ROLLBACK_COMPLETE"),
        "\n",
        "\n",
        "❌  Shop failed\n",
    ]


def test_a_status_that_the_cli_shortens_is_told_once() -> None:
    shortened = _stack("1/3", "UPDATE_ROLLBACK_COMPLET")
    assert _shown(
        _stack("0/3", "UPDATE_IN_PROGRESS"), _stack("1/3", "UPDATE_ROLLBACK_IN_PROG"), shortened, shortened
    ) == [_stack("1/1", "UPDATE_ROLLBACK_COMPLET")]


def test_a_deletion_has_no_end_to_count_to() -> None:
    assert _shown(
        _topic("  0", "DELETE_IN_PROGRESS"), _topic("  1", "DELETE_COMPLETE"), _stack("  2", "DELETE_COMPLETE")
    ) == [_topic("  1", "DELETE_COMPLETE"), _stack("  2", "DELETE_COMPLETE")]


def test_colors_of_a_terminal_stay() -> None:
    colored = (
        "Shop | 1/2 | 5:53:09 PM | \x1b[32mCREATE_COMPLETE \x1b[39m | AWS::SNS::Topic | \x1b[32m\x1b[1mNews\x1b[22m\n"
    )
    assert _shown(_stack("0/2", "CREATE_IN_PROGRESS"), colored) == [colored]


@pytest.mark.parametrize("line", ["", "\n", "Shop | 12\n", " ❌ Shop | failed\n", "1 | 2 | 3 | 4 | 5\n"])
def test_everything_else_is_shown_as_it_is(line: str) -> None:
    assert _shown(line) == [line]
