"""The progress that is shown has one line for each resource, with a correct count."""

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


def test_each_resource_is_shown_once() -> None:
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


def test_the_cleanup_of_an_update_does_not_change_the_count() -> None:
    assert _shown(
        _stack("0/3", "UPDATE_IN_PROGRESS"),
        _topic("1/3", "UPDATE_COMPLETE"),
        _stack("2/3", "UPDATE_COMPLETE_CLEANUP"),
        _topic("1/3", "DELETE_COMPLETE"),
        _stack("1/3", "UPDATE_COMPLETE"),
    ) == [_topic("1/2", "UPDATE_COMPLETE"), _topic("1/2", "DELETE_COMPLETE"), _stack("2/2", "UPDATE_COMPLETE")]


def test_the_last_count_leaves_out_resources_that_did_not_change() -> None:
    assert _shown(
        _stack("0/9", "UPDATE_IN_PROGRESS"), _topic("1/9", "UPDATE_COMPLETE"), _stack("2/9", "UPDATE_COMPLETE")
    ) == [_topic("1/8", "UPDATE_COMPLETE"), _stack("2/2", "UPDATE_COMPLETE")]


def test_a_failed_resource_is_shown_once_and_not_counted() -> None:
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


def test_a_resource_with_a_truncated_status_is_shown_once() -> None:
    shortened = _stack("1/3", "UPDATE_ROLLBACK_COMPLET")
    assert _shown(
        _stack("0/3", "UPDATE_IN_PROGRESS"), _stack("1/3", "UPDATE_ROLLBACK_IN_PROG"), shortened, shortened
    ) == [_stack("1/1", "UPDATE_ROLLBACK_COMPLET")]


def test_a_deletion_is_counted_without_a_total() -> None:
    assert _shown(
        _topic("  0", "DELETE_IN_PROGRESS"), _topic("  1", "DELETE_COMPLETE"), _stack("  2", "DELETE_COMPLETE")
    ) == [_topic("  1", "DELETE_COMPLETE"), _stack("  2", "DELETE_COMPLETE")]


def test_terminal_colors_are_kept() -> None:
    colored = (
        "Shop | 1/2 | 5:53:09 PM | \x1b[32mCREATE_COMPLETE \x1b[39m | AWS::SNS::Topic | \x1b[32m\x1b[1mNews\x1b[22m\n"
    )
    assert _shown(_stack("0/2", "CREATE_IN_PROGRESS"), colored) == [colored]


@pytest.mark.parametrize("line", ["", "\n", "Shop | 12\n", " ❌ Shop | failed\n", "1 | 2 | 3 | 4 | 5\n"])
def test_other_lines_are_shown_unchanged(line: str) -> None:
    assert _shown(line) == [line]
