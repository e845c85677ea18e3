"""The sentences about the scaling of a service that is added, removed, or limited otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.review.interrupted import interrupted
from moorage.review.replacement.replacement import replaced
from tests.review.templates import compared

RESOURCE = {"Fn::Join": ["", ["service/c/", {"Fn::GetAtt": ["Web", "Name"]}]]}
LOWEST, MOST = "MinCapacity", "MaxCapacity"


def app(
    least: Any = None,
    most: Any = None,
    *,
    policy: bool = False,
    desired: Any = None,
    target: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a service, its scaling if `least` is given, and its number of copies if `desired` is given."""
    stated = {} if desired is None else {"DesiredCount": desired}
    found: dict[str, Any] = {"Web": {"Type": "AWS::ECS::Service", "Properties": stated}}
    if least is not None:
        limits = {"ResourceId": RESOURCE, LOWEST: least, MOST: most}
        found["Target"] = {
            "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
            "Properties": limits,
            **(target or {}),
        }
    if policy:
        own = {"ScalingTargetId": {"Ref": "Target"}, "PolicyType": "TargetTrackingScaling"}
        found["Policy"] = {"Type": "AWS::ApplicationAutoScaling::ScalingPolicy", "Properties": own}
    return found


def said(base: dict[str, Any], head: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the rule and the sentence of each finding, without the beginning that all have."""
    comparison = replaced(compared({"Shop": base}, {"Shop": head}))
    return [
        (each.rule, " ".join((each.sentence, *each.details)).replace("The ECS service Shop/Web ", ""))
        for each in interrupted(comparison)
    ]


@pytest.mark.parametrize(
    ("base", "head", "expected"),
    [
        # removed
        (
            app(2, 6),
            app(desired=2),
            ("interrupted/scaling", "no longer scales: it always keeps 2 copies (before: 2 to 6)."),
        ),
        (
            app(2, 6),
            app(desired=1),
            ("interrupted/scaling", "no longer scales: it always keeps 1 copy (before: 2 to 6)."),
        ),
        (
            app(2, 6),
            app(desired=6),
            ("deployed/scaling", "no longer scales: it always keeps 6 copies (before: 2 to 6)."),
        ),
        (app(2, 6), app(desired=0), ("interrupted/no-copies", "no longer scales and runs no copies (before: 2 to 6).")),
        (
            app(2, 6),
            app(),
            (
                "interrupted/scaling",
                "no longer scales: it keeps the number of copies that it has then (before: 2 to 6).",
            ),
        ),
        (app(2, 6), app(desired={"Ref": "N"}), ("interrupted/scaling", "no longer scales (before: 2 to 6).")),
        (app({"Ref": "N"}, 6), app(desired=2), ("interrupted/scaling", "no longer scales: it always keeps 2 copies.")),
        (app(2, 6), app(2, 2), ("interrupted/scaling", "no longer scales: it always keeps 2 copies (before: 2 to 6).")),
        (
            app(2, 6, policy=True),
            app(2, 6),
            (
                "interrupted/scaling",
                "no longer scales: its scaling policies are removed, and it keeps the number of copies that it has "
                "then, from 2 to 6.",
            ),
        ),
        # added
        (app(desired=2), app(2, 6, policy=True), ("deployed/scaling", "now scales from 2 to 6 copies (before: 2).")),
        (
            app(desired=2),
            app(1, 6),
            (
                "interrupted/fewer-copies",
                "keeps at least 1 copy (before: 2). It now scales from 1 to 6 copies (before: 2).",
            ),
        ),
        # other limits
        (app(2, 6), app(3, 6), ("deployed/scaling", "now scales from 3 to 6 copies (before: 2 to 6).")),
        (app(2, 6), app(2, 9), ("deployed/scaling", "now scales from 2 to 9 copies (before: 2 to 6).")),
        (app(2, 2), app(3, 3), ("deployed/scaling", "now keeps 3 copies (before: 2).")),
        (app(2, 6), app(2, 4), ("interrupted/maximum", "runs at most 4 copies (before: 6): more are stopped.")),
        (app(2, 6), app(1, 6), ("interrupted/fewer-copies", "keeps at least 1 copy (before: 2).")),
        (app(2, {"Ref": "N"}), app(1, 6), ("interrupted/fewer-copies", "keeps at least 1 copy (before: 2).")),
        (
            app({"Ref": "N"}, 6),
            app(2, 4),
            ("interrupted/maximum", "runs at most 4 copies (before: 6): more are stopped."),
        ),
        # no other number of copies
        (app(2, 2), app(desired=2), None),
        (app(2, 2), app(), None),
        (app(desired=2), app(2, 2), None),
        (app(2, 6, target={"DeletionPolicy": "Retain"}), app(), None),
        (app(2, 6), app(2, 6, policy=True), None),
        (app(2, 6, policy=True), app(2, 6, policy=True), None),
    ],
)
def test_a_change_of_the_scaling_is_one_sentence(
    base: dict[str, Any], head: dict[str, Any], expected: tuple[str, str] | None
) -> None:
    assert said(base, head) == ([expected] if expected else [])


def test_both_limits_can_be_lower() -> None:
    assert said(app(2, 6), app(1, 4)) == [
        ("interrupted/maximum", "runs at most 4 copies (before: 6): more are stopped."),
        (
            "interrupted/fewer-copies",
            "keeps at least 1 copy (before: 2). It now scales from 1 to 4 copies (before: 2 to 6).",
        ),
    ]


def test_scheduled_actions_scale_too() -> None:
    schedule = {"ResourceId": RESOURCE, LOWEST: 2, MOST: 6, "ScheduledActions": [{"ScheduledActionName": "a"}]}
    assert said(app(2, 6, policy=True), app(2, 6, target={"Properties": schedule})) == []


def test_a_target_of_no_service_of_the_stack_has_its_own_sentence() -> None:
    base, head = app(2, 6), app(2, 4)
    del base["Web"], head["Web"]
    assert said(base, head) == [
        (
            "interrupted/maximum",
            "The scalable target Shop/Target permits at most 4 tasks (before: 6): tasks above that are stopped.",
        )
    ]
