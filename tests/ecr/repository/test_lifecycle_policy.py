"""Lifecycle policies: their effect on lists of images, and their form in ECR."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import attrs
import aws_cdk as cdk
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage import LifecyclePolicy, LifecycleRule, PushedImage

NOW = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)


def ago(days: float) -> dt.datetime:
    return NOW - dt.timedelta(days=days)


def days(count: float) -> dt.timedelta:
    return dt.timedelta(days=count)


def test_the_newest_releases_and_other_tags_are_kept() -> None:
    lifecycle = LifecyclePolicy.releases(2, tags="v*")
    images = [("v1.0.0", ago(90)), ("v1.1.0", ago(60)), ("v1.2.0", ago(30)), ("nightly", ago(400))]
    assert lifecycle.keeps(images, at=NOW) == ["v1.1.0", "v1.2.0", "nightly"]
    assert lifecycle.expires(images, at=NOW) == ["v1.0.0"]


def test_an_untagged_image_of_a_kept_index_is_kept() -> None:
    lifecycle = LifecyclePolicy(LifecycleRule(untagged=True, older_than=days(14)), LifecycleRule(tags="*.0.0", keep=1))
    index = PushedImage("2.0.0", ago(30))
    for_arm = PushedImage((), ago(30), part_of="2.0.0")
    lost = PushedImage((), ago(30))
    old = PushedImage("1.0.0", ago(60))
    old_for_arm = PushedImage((), ago(60), part_of="1.0.0")
    outcome = dict(lifecycle.outcome([index, for_arm, lost, old, old_for_arm], at=NOW))
    assert outcome == {index: "keep", for_arm: "keep", lost: "expire", old: "expire", old_for_arm: "expire"}


def test_a_rule_protects_its_images_from_later_rules() -> None:
    lifecycle = LifecyclePolicy(LifecycleRule(tags="prod*", keep=5), LifecycleRule(older_than=days(10)))
    assert lifecycle.keeps([("prod-1", ago(100)), ("dev-1", ago(100)), ("dev-2", ago(5))], at=NOW) == [
        "prod-1",
        "dev-2",
    ]


def test_a_later_rule_counts_the_images_of_an_earlier_rule() -> None:
    """Check an evaluation rule of the ECR guide: images marked by another rule are still counted."""
    lifecycle = LifecyclePolicy(LifecycleRule(tags="prod*", keep=1), LifecycleRule(keep=2))
    images = [("prod-2", ago(1)), ("prod-1", ago(2)), ("dev-2", ago(3)), ("dev-1", ago(4))]
    assert lifecycle.keeps(images, at=NOW) == ["prod-2"]


def test_an_image_must_match_all_patterns_of_a_rule() -> None:
    lifecycle = LifecyclePolicy(LifecycleRule(tags=["v*", "*-rc"], older_than=days(10)))
    images = [(["v1", "1-rc"], ago(20)), ("v1-rc", ago(20)), ("v2", ago(20))]
    assert lifecycle.keeps(images, at=NOW) == ["v2"]


def test_prefixes_are_literal_and_patterns_match_the_whole_tag() -> None:
    images = [("v.1", ago(20)), ("vx1", ago(20)), ("av.1", ago(20))]
    assert LifecyclePolicy(LifecycleRule(prefixes="v.", older_than=days(10))).keeps(images, at=NOW) == ["vx1", "av.1"]
    assert LifecyclePolicy(LifecycleRule(tags="v.*", older_than=days(10))).keeps(images, at=NOW) == ["vx1", "av.1"]


def test_unpulled_images_are_archived_then_deleted() -> None:
    lifecycle = LifecyclePolicy(
        LifecycleRule(unpulled_for=days(90), archive=True), LifecycleRule(archived_for=days(180), prefixes="v")
    )
    pulled = PushedImage("v3", ago(400), pulled=ago(10))
    forgotten = PushedImage("v2", ago(400))
    restored = PushedImage("v4", ago(400), pulled=ago(300), restored=ago(20))
    archived = PushedImage("v1", ago(400), archived=ago(100))
    oldest = PushedImage("v0", ago(400), archived=ago(200))
    images = [pulled, forgotten, restored, archived, oldest]
    assert lifecycle.keeps(images, at=NOW) == ["v3", "v4"]
    assert lifecycle.archives(images, at=NOW) == ["v2", "v1"]
    assert lifecycle.expires(images, at=NOW) == ["v0"]


A_SECOND = 1 / 86_400
"""In days."""


@pytest.mark.parametrize(
    ("rule", "image"),
    [
        (LifecycleRule(older_than=days(90)), lambda age: PushedImage("v1", ago(age))),
        (LifecycleRule(older_than=days(90)), lambda age: PushedImage("v1", ago(400), restored=ago(age))),
        (LifecycleRule(unpulled_for=days(90), archive=True), lambda age: PushedImage("v1", ago(age))),
        (LifecycleRule(unpulled_for=days(90), archive=True), lambda age: PushedImage("v1", ago(400), pulled=ago(age))),
        (
            LifecycleRule(unpulled_for=days(90), archive=True),
            lambda age: PushedImage("v1", ago(400), pulled=ago(300), restored=ago(age)),
        ),
        (
            LifecycleRule(unpulled_for=days(90), archive=True),
            lambda age: PushedImage("v1", ago(400), restored=ago(300), pulled=ago(age)),
        ),
        (LifecycleRule(archived_for=days(90)), lambda age: PushedImage("v1", ago(400), archived=ago(age))),
    ],
    ids=["pushed", "restored", "never pulled", "pulled", "restored after a pull", "pulled after", "archived"],
)
def test_an_image_goes_when_it_is_older_than_its_rule_says(
    rule: LifecycleRule, image: Callable[[float], PushedImage]
) -> None:
    (outcome,) = LifecyclePolicy(rule).outcome([image(90)], at=NOW)
    assert outcome[1] == ("archive" if rule.archived_for else "keep")
    (outcome,) = LifecyclePolicy(rule).outcome([image(90 + A_SECOND)], at=NOW)
    assert outcome[1] == ("archive" if rule.archive else "expire")


def test_the_newest_images_are_those_pushed_or_restored_last() -> None:
    restored = PushedImage("v1", ago(90), restored=ago(1))
    assert LifecyclePolicy.releases(2).keeps([restored, ("v2", ago(80)), ("v3", ago(70))], at=NOW) == ["v1", "v3"]


def test_dates_without_a_time_or_time_zone_are_utc() -> None:
    lifecycle = LifecyclePolicy(LifecycleRule(older_than=days(10)))
    assert lifecycle.keeps([("1", dt.date(2026, 11, 1)), ("2", dt.date(2026, 11, 20))], at=NOW) == ["2"]
    assert lifecycle.keeps([("1", dt.datetime(2020, 1, 1)), ("2", dt.datetime.now())]) == ["2"]


def test_a_policy_that_would_delete_a_deployed_image_is_noticed() -> None:
    """Check that a test of the deployed tag notices a policy that keeps too few releases."""
    deployed, images = "1.4.2", [(f"1.4.{number}", ago(10 - number)) for number in range(10)]
    assert deployed not in LifecyclePolicy.releases(3).keeps(images, at=NOW)
    assert deployed in LifecyclePolicy.releases(8).keeps(images, at=NOW)


@given(count=st.integers(1, 40), keep=st.integers(2, 40))
def test_only_the_newest_images_are_kept(count: int, keep: int) -> None:
    images = [(f"v{number}", ago(count - number)) for number in range(count)]
    kept = LifecyclePolicy.releases(keep).keeps(images, at=NOW)
    assert kept == [tag for tag, _ in images][-keep:]


def test_the_policy_has_the_form_of_ecr() -> None:
    lifecycle = LifecyclePolicy(
        LifecycleRule(untagged=True, older_than=cdk.Duration.days(14)),
        LifecycleRule(tags=["v*"], keep=30),
        LifecycleRule(unpulled_for=days(90), archive=True),
        LifecycleRule(archived_for=days(365), priority=9, description="Out"),
    )
    expected = [
        (
            1,
            {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 14},
            {"type": "expire"},
        ),
        (
            2,
            {"tagStatus": "tagged", "tagPatternList": ["v*"], "countType": "imageCountMoreThan", "countNumber": 30},
            {"type": "expire"},
        ),
        (
            3,
            {"tagStatus": "any", "countType": "sinceImagePulled", "countUnit": "days", "countNumber": 90},
            {"type": "transition", "targetStorageClass": "archive"},
        ),
        (
            9,
            {
                "tagStatus": "any",
                "storageClass": "archive",
                "countType": "sinceImageTransitioned",
                "countUnit": "days",
                "countNumber": 365,
            },
            {"type": "expire"},
        ),
    ]
    rules = json.loads(lifecycle.text)["rules"]
    assert [(rule["rulePriority"], rule["selection"], rule["action"]) for rule in rules] == expected
    assert [rule["description"] for rule in rules] == [
        "Expire images without a tag pushed more than 14 days ago",
        "Keep the newest 30 images tagged v*",
        "Archive images not pulled for 90 days",
        "Out",
    ]


def test_a_hundred_releases_and_two_weeks_are_the_default() -> None:
    assert LifecyclePolicy.releases() == LifecyclePolicy.releases(100, tags="*", expire_untagged=days(14))
    assert LifecyclePolicy.releases() == LifecyclePolicy(
        LifecycleRule(untagged=True, older_than=days(14)), LifecycleRule(tags="*", keep=100)
    )


@pytest.mark.parametrize("number", [1, 30, 100_000])
def test_days_are_written_as_they_are_given(number: int) -> None:
    (rule,) = json.loads(LifecyclePolicy(LifecycleRule(older_than=days(number))).text)["rules"]
    assert rule["selection"]["countNumber"] == number
    assert rule["description"] == f"Expire images pushed more than {number} days ago"


def test_equal_policies_compare_as_equal() -> None:
    assert LifecyclePolicy.releases(5, expire_untagged=days(1)) == LifecyclePolicy.releases(
        5, expire_untagged=cdk.Duration.days(1)
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"unpulled_for": days(90)}, "ECR does not delete images by their last pull"),
        ({"archived_for": days(90), "archive": True}, "which selects archived images"),
    ],
)
def test_a_rule_that_ecr_does_not_support_is_refused(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        LifecycleRule(**arguments)


def test_all_problems_of_a_policy_are_reported_together() -> None:
    with pytest.raises(ValueError, match="LifecyclePolicy: 4 problems") as raised:
        LifecyclePolicy(
            LifecycleRule(keep=1),
            LifecycleRule(untagged=True, keep=2),
            LifecycleRule(untagged=True, older_than=days(2), priority=2),
        )
    for says in (
        "so that a rollback finds the previous image",
        "priority must be unique in a policy",
        "must have at most one rule for images with any tag status",
        "untagged=True must be at most 1",
    ):
        assert says in str(raised.value)


def test_problems_of_stored_images_come_before_those_of_archived_images() -> None:
    archived = [LifecycleRule(archived_for=days(count), prefixes="a") for count in (90, 91)]
    stored = [LifecycleRule(older_than=days(count), prefixes="s") for count in (1, 2)]
    with pytest.raises(ValueError, match=r"(?s)LifecyclePolicy: 2 problems.*'s\*'.*'a\*'"):
        LifecyclePolicy(*archived, *stored)


def test_a_pattern_has_at_most_four_wildcards() -> None:
    with pytest.raises(
        ValueError, match=r"LifecycleRule: each item of tags must have at most 4 '\*' \(got '\*a\*b\*c\*d\*'\)"
    ):
        LifecycleRule(tags=["*", "*a*b*c*d*"], keep=2)
    assert LifecycleRule(tags=["*", "*a*b*c*"], keep=2)


@pytest.mark.parametrize("selection", [{}, {"tags": "*"}, {"prefixes": ""}])
def test_a_rollback_finds_its_image_with_any_tags(selection: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="keep must be at least 2 .*so that a rollback finds the previous image"):
        LifecyclePolicy(LifecycleRule(**selection, keep=1))
    assert LifecyclePolicy(LifecycleRule(**selection, keep=2))
    assert LifecyclePolicy(LifecycleRule(**selection, keep=1, archive=True))


@pytest.mark.parametrize(
    "make", [lambda tags: LifecycleRule(tags=tags, keep=10), lambda tags: LifecycleRule(prefixes=tags, keep=10)]
)
def test_an_empty_list_of_tags_is_refused(make: Callable[[list[str] | None], LifecycleRule]) -> None:
    with pytest.raises(
        ValueError, match=r"(tags|prefixes) must not be empty \(got \[\]\); leave (tags|prefixes)= out for all images"
    ):
        make([])
    assert make(None) == attrs.evolve(LifecycleRule(keep=9), keep=10)


def test_one_release_is_too_few() -> None:
    with pytest.raises(ValueError, match=r"LifecyclePolicy.releases: keep must be at least 2 .*\(got 1\)"):
        LifecyclePolicy.releases(1, tags="v*")
    assert LifecyclePolicy.releases(2, tags="v*")


@pytest.mark.parametrize("tags", ["", [], ["v*", ""]])
def test_releases_have_tags(tags: str | list[str]) -> None:
    with pytest.raises(ValueError, match=r"tags must not be empty .*; use '\*' for any"):
        LifecyclePolicy.releases(3, tags=tags)
