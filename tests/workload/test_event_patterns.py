"""The validation of event patterns, and the events that they match."""

from __future__ import annotations

import contextlib
from typing import Any

import aws_cdk as cdk
import pytest

from moorage.workload import event_patterns
from moorage.workload.problems import Problems

FILLED_IN = "${Token[Value.1]}"
NUMBER: Any = cdk.Token.as_number({"Ref": "Number"})


def problems_of(pattern: dict[str, Any]) -> list[str]:
    problems = Problems("EventRule")
    event_patterns.check_pattern("pattern", pattern, problems)
    return problems.messages


@pytest.mark.parametrize(
    "matcher",
    [
        *("text", "", 1, 1.5, True, None, FILLED_IN, {"Ref": "Bucket"}, {"Fn::GetAtt": ["Bucket", "Arn"]}),
        *(
            {"prefix": "a"},
            {"suffix": {"equals-ignore-case": ".PNG"}},
            {"equals-ignore-case": "a"},
            {"prefix": FILLED_IN},
            {"prefix": {"Ref": "Prefix"}},
        ),
        *({"anything-but": "a"}, {"anything-but": 1}, {"anything-but": ["a", "b"]}, {"anything-but": [1, 2]}),
        *({"anything-but": {"prefix": "a"}}, {"anything-but": {"suffix": ["a", "b"]}}),
        *({"anything-but": {"equals-ignore-case": "a"}}, {"anything-but": {"wildcard": "*/lib/*"}}),
        *({"numeric": ["=", 5]}, {"numeric": [">", 0, "<=", 5]}, {"cidr": "10.0.0.0/24"}, {"cidr": "2001:db8::/32"}),
        *({"exists": False}, {"wildcard": "dir/*.png"}, {"numeric": [">", NUMBER]}, {"cidr": "10.0.0.5/24"}),
    ],
)
def test_patterns_of_the_user_guide_are_accepted(matcher: Any) -> None:
    assert problems_of({"detail": {"deep": {"field": ["x", matcher]}}}) == []


def test_a_part_that_is_filled_in_at_deployment_is_accepted() -> None:
    assert problems_of({"source": FILLED_IN, "detail": {"Ref": "Detail"}}) == []


def test_a_part_after_one_that_is_filled_in_is_checked() -> None:
    (problem,) = problems_of({"source": FILLED_IN, "detail": {"Ref": "Detail"}, "region": "eu-west-1"})
    assert problem.startswith("pattern 'region' must be a list of values")


@pytest.mark.parametrize(
    ("length", "limit"), [(2048, None), (2049, "should be at most 2,048"), (4096, "should be at most 2,048")]
)
def test_a_pattern_may_be_as_long_as_the_quota_can_be_raised(length: int, limit: str | None) -> None:
    problems = Problems("EventRule")
    with pytest.warns(UserWarning, match=limit) if limit else contextlib.nullcontext():
        event_patterns.check_length(of_length(length), problems)
    assert problems.messages == []


def test_a_longer_pattern_is_refused() -> None:
    problems = Problems("EventRule")
    event_patterns.check_length(of_length(4097), problems)
    (problem,) = problems.messages
    assert problem.startswith("pattern must be at most 4,096 characters as JSON (got 4,097)")


def of_length(length: int) -> dict[str, Any]:
    return {"source": ["x" * (length - len('{"source":[""]}'))]}


@pytest.mark.parametrize(
    "matcher",
    [
        *({"startswith": "a"}, {"prefix": "a", "suffix": "b"}, {}, ["a"]),
        *({"prefix": 1}, {"suffix": ["a"]}, {"prefix": {"wildcard": "a*"}}, {"equals-ignore-case": ["a"]}),
        *({"anything-but": []}, {"anything-but": ["a", 1]}, {"anything-but": {"numeric": [">", 1]}}),
        *({"anything-but": {"prefix": []}}, {"anything-but": {"prefix": "a", "suffix": "b"}}, {"anything-but": True}),
        *({"numeric": 5}, {"numeric": [">", "0"]}, {"numeric": ["=>", 5]}, {"numeric": [">", 5, "<", 5]}),
        *(
            {"numeric": ["<", 5, ">", 1]},
            {"numeric": ["=", 1, "<", 5]},
            {"numeric": [">", 1, "<"]},
            {"numeric": [">", True]},
        ),
        *({"cidr": "10.0.0/24"}, {"cidr": "10.0.0.1"}, {"exists": "true"}, {"wildcard": "a**b"}),
    ],
)
def test_unknown_comparisons_are_refused_at_any_depth(matcher: Any) -> None:
    (problem,) = problems_of({"detail": {"deep": {"field": ["x", matcher]}}})
    assert problem.startswith("pattern 'detail.deep.field' must ")


@pytest.mark.parametrize("value", ["aws.s3", 100, True, None, [], {}, ()])
def test_values_that_are_not_lists_are_refused(value: Any) -> None:
    (problem,) = problems_of({"source": ["aws.s3"], "detail": {"total": value}})
    assert problem.startswith("pattern 'detail.total' must ")


def test_alternatives_are_at_least_two_patterns() -> None:
    assert problems_of({"source": ["a"], "$or": [{"detail": {"a": [1]}}, {"detail": {"b": [{"exists": True}]}}]}) == []
    (single,) = problems_of({"$or": [{"a": [1]}]})
    assert single.startswith("pattern '$or' must be a list of two patterns or more")
    (inner,) = problems_of({"$or": [{"a": [1]}, {"b": 1}]})
    assert inner.startswith("pattern '$or.b' must be a list of values")


EVENT = {
    "source": "aws.ecs",
    "account": event_patterns.ANY,
    "detail": {"status": ["RUNNING", "STOPPED"], "group": event_patterns.Beginning("family:")},
}


@pytest.mark.parametrize(
    "pattern",
    [
        {"source": ["aws.ecs"]},
        {"source": [{"prefix": "aws."}], "account": ["111111111111"]},
        {"source": [{"prefix": "aws."}, {"prefix": "shop."}]},
        {"source": [{"equals-ignore-case": "AWS.ECS"}]},
        {"source": [{"anything-but": {"prefix": ["shop.", "my."]}}]},
        {"source": [{"anything-but": "aws.s3"}], "detail": {"status": ["STOPPED"]}},
        {"source": [{"wildcard": "*.ecs"}], "detail": {"status": [{"anything-but": {"prefix": "STOP"}}]}},
        {"source": [{"suffix": {"equals-ignore-case": ".ECS"}}, "x"], "detail": {"other": [{"exists": False}]}},
        {"$or": [{"source": ["aws.s3"]}, {"source": [{"exists": True}]}]},
        *(
            {"detail": {"group": [matcher]}}
            for matcher in (
                *({"anything-but": "service:web"}, {"anything-but": ["service:web", "service:api"]}),
                *({"anything-but": {"prefix": "service:"}}, {"anything-but": {"wildcard": ["service:*"]}}),
                *({"prefix": "fam"}, {"prefix": "family:"}, {"wildcard": "*amily:*"}, {"exists": True}),
                {"prefix": {"equals-ignore-case": "FAMILY"}},
            )
        ),
    ],
)
def test_patterns_that_may_match_are_recognized(pattern: dict[str, Any]) -> None:
    assert event_patterns.may_match(pattern, EVENT)


@pytest.mark.parametrize(
    "pattern",
    [
        {"source": ["aws.s3"]},
        {"source": [{"anything-but": ["aws.ecs"]}]},
        {"source": [{"anything-but": {"prefix": "aws."}}]},
        {"source": [{"anything-but": {"prefix": ["shop.", "aws."]}}]},
        {"source": [{"equals-ignore-case": "AWS.S3"}]},
        {"detail": {"status": ["PENDING"]}},
        {"detail": {"group": ["service:web"]}},
        {"detail": {"deep": {"field": [{"exists": True}]}}},
        {"source": [{"Ref": "Source"}]},
        *(
            {"detail": {"group": [matcher]}}
            for matcher in (
                *({"anything-but": ["service:web", "family:job"]}, {"anything-but": {"prefix": ["family:job"]}}),
                *({"anything-but": {"suffix": "job"}}, {"anything-but": {"wildcard": "*job"}}),
                *({"anything-but": {"Ref": "Group"}}, {"anything-but": [FILLED_IN]}, {"anything-but": {"prefix": "f"}}),
                *("family:job", {"prefix": "family:job"}, {"wildcard": "*:"}, {"exists": False}, {"suffix": ":"}),
            )
        ),
        {"$or": [{"source": ["aws.s3"]}, {"detail": {"status": [{"numeric": [">", 1]}]}}]},
    ],
)
def test_patterns_that_do_not_match_are_recognized(pattern: dict[str, Any]) -> None:
    assert not event_patterns.may_match(pattern, EVENT)


def test_a_pattern_for_an_existing_field_matches_every_value() -> None:
    assert event_patterns._is({"exists": True}, 5)
    assert event_patterns._is({"exists": True}, "5")
    assert not event_patterns._is({"exists": False}, 5)
