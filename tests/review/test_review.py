"""The contents of a review: the findings of all judges, in order, and notes about the comparison."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from moorage.assembly.cloud_assembly import Stack
from moorage.review import review as reviewing
from moorage.review.comparison import Comparison
from moorage.review.finding import Finding, Kind
from moorage.review.review import review


def stacks(*names: str) -> tuple[Stack, ...]:
    template: dict[str, Any] = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    return tuple(Stack(name, name, None, None, template, ()) for name in names)


def opened_then_lost(comparison: Comparison) -> Iterator[Finding]:
    for kind, rule in ((Kind.OPENED, "opened/a"), (Kind.LOST, "lost/a"), (Kind.OPENED, "opened/b")):
        yield Finding(kind, rule, comparison.stacks[0].path, None, "It happens.")


def lost(comparison: Comparison) -> Iterator[Finding]:
    yield Finding(Kind.LOST, "lost/z", comparison.stacks[0].path, None, "It happens.")


def test_findings_are_sorted_by_kind_and_keep_the_order_of_their_judges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reviewing, "_JUDGES", (opened_then_lost,))
    monkeypatch.setattr(reviewing, "policy_findings", lambda comparison, *_, **__: (list(lost(comparison)), 3))
    found = review(stacks("Shop"), stacks("Shop"))
    assert [finding.rule for finding in found.findings] == ["lost/a", "lost/z", "opened/a", "opened/b"]
    assert [finding.rule for finding in found.of_kind(Kind.LOST)] == ["lost/a", "lost/z"]


def test_policy_engines_can_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reviewing, "_JUDGES", (opened_then_lost,))
    monkeypatch.setattr(reviewing, "policy_findings", lambda comparison, *_, **__: (list(lost(comparison)), 3))
    assert review(stacks("Shop"), stacks("Shop")).notes == (
        "3 policy findings of the base are still in the head; they are not shown.",
    )
    found = review(stacks("Shop"), stacks("Shop"), policy=False)
    assert found.notes == ()
    assert "lost/z" not in {finding.rule for finding in found.findings}


def test_the_names_of_both_sides_are_in_the_title() -> None:
    found = review(stacks("Shop"), stacks("Shop"), base_name="main", head_name="HEAD", policy=False)
    assert (found.title, found.base, found.head) == ("Review of HEAD against main", "main", "HEAD")


def test_an_app_without_a_base_is_reviewed_as_new() -> None:
    found = review(None, stacks("Shop"), head_name="cdk.out", policy=False)
    assert (found.title, found.base, found.comparison.new, found.notes) == ("Review of cdk.out", None, True, ())
    assert [(change.before, change.logical_id) for change in found.comparison.changes] == [(None, "Topic")]


def test_a_note_says_if_the_base_has_no_app_yet() -> None:
    found = review(None, stacks("Shop"), base_name="main", head_name="HEAD")
    assert (found.title, found.notes) == ("Review of HEAD", ("main has no app in this folder: everything is new.",))


def test_a_note_says_if_the_two_sides_have_no_stack_in_common() -> None:
    found = review(
        stacks("Bank"), stacks("Shop", "Data", "Web", "Mail"), base_name="a.out", head_name="b.out", policy=False
    )
    assert found.notes == (
        "a.out and b.out have no stack in common (Bank in the base, Shop, Data, Web and 1 more in the head): are they "
        "the same app? Every stack is shown as removed or added.",
    )


@pytest.mark.parametrize(
    ("base", "head"),
    [(("Bank", "Shop"), ("Shop",)), ((), ("Shop",)), (("Shop",), ())],
    ids=["common", "new", "removed"],
)
def test_there_is_no_note_if_a_stack_is_in_common_or_a_side_has_none(
    base: tuple[str, ...], head: tuple[str, ...]
) -> None:
    assert review(stacks(*base), stacks(*head)).notes == ()


def test_the_same_stacks_of_another_account_are_told_apart() -> None:
    def shop(account: str | None) -> tuple[Stack, ...]:
        return (Stack("Shop", "Shop", account, "eu-west-1", {"Resources": {}}, ()),)

    (note,) = review(shop("111111111111"), shop("222222222222"), policy=False).notes
    assert "(Shop (account 111111111111, eu-west-1) in the base, Shop (account 222222222222, eu-west-1) in" in note


def test_the_title_has_the_beginning_of_a_hash() -> None:
    found = review([], [], policy=False, base_name="0123456789ab" * 3 + "cdef", head_name="main")
    assert found.title == "Review of main against 0123456789ab"
    assert found.base == "0123456789ab" * 3 + "cdef"


def test_a_loss_that_a_refusal_prevents_is_not_among_the_losses() -> None:
    def side(logical_id: str, **properties: str) -> tuple[Stack, ...]:
        table = {"Type": "AWS::DynamoDB::Table", "Properties": {"One": 1, "Two": 2, **properties}}
        template = {"Resources": {logical_id: {**table, "DeletionPolicy": "Retain"}}}
        return (Stack("Shop", "Shop", None, None, template, ()),)

    named = review(side("A", TableName="orders"), side("B", TableName="orders"), policy=False)
    assert [finding.rule for finding in named.findings] == ["refused/in-use", "renamed/id"]
    assert named.findings[0].details[-1].startswith("Without the refusal: The DynamoDB table Shop/A is replaced")
    unnamed = review(side("A", Three="3"), side("B", Three="3"), policy=False)
    assert [finding.rule for finding in unnamed.findings] == ["lost/kept", "renamed/id"]
