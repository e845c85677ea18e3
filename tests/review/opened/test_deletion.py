"""The resources and stacks that are no longer protected from deletion."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.assembly.cloud_assembly import Stack
from moorage.review.comparison import compare
from moorage.review.data import PROTECTED
from moorage.review.opened.deletion import deletable
from tests.review.templates import compared

BUCKET = "AWS::S3::Bucket"


def said(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [finding.sentence for finding in deletable(compared({"Shop": {"A": before}}, {"Shop": {"A": after}}))]


@pytest.mark.parametrize("type_", PROTECTED)
def test_a_resource_loses_its_protection(type_: str) -> None:
    name, value = PROTECTED[type_]

    def of(stated: Any) -> dict[str, Any]:
        return {"Type": type_, "Properties": {name: stated}}

    (sentence,) = said(of(value), {"Type": type_, "Properties": {}})
    assert sentence.endswith(" Shop/A is no longer protected from deletion.")
    assert said(of(value), of({"Ref": "Protected"})) == []
    assert said({"Type": type_, "Properties": {}}, of(value)) == []


@pytest.mark.parametrize(
    ("type_", "before", "after", "clause"),
    [
        (BUCKET, "Retain", "Delete", "instead of keeping it"),
        (BUCKET, "Retain", None, "instead of keeping it"),
        ("AWS::RDS::DBInstance", None, "Delete", "without a snapshot"),
        ("AWS::RDS::DBInstance", "Snapshot", "Retain", None),
        (BUCKET, "Delete", "Retain", None),
        (BUCKET, "Retain", "RetainExceptOnCreate", None),
        ("AWS::SNS::Topic", "Retain", "Delete", None),
    ],
)
def test_data_is_deleted_when_it_leaves_the_stack(
    type_: str, before: str | None, after: str | None, clause: str | None
) -> None:
    sides = ({"Type": type_, **({"DeletionPolicy": each} if each else {})} for each in (before, after))
    found = said(*sides)
    assert [clause in each for each in found] == ([True] if clause else []) if clause else found == []


def test_a_stack_loses_its_termination_protection() -> None:
    def side(*, protected: bool) -> list[Stack]:
        return [Stack("Shop", "Shop", None, None, {"Resources": {}}, (), termination_protection=protected)]

    (finding,) = deletable(compare(side(protected=True), side(protected=False)))
    assert finding.sentence == "The stack Shop is no longer protected from deletion (termination protection)."
    assert list(deletable(compare(side(protected=False), side(protected=True)))) == []
