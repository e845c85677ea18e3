"""Patterns, conditions and IP address ranges that cover each other."""

from __future__ import annotations

import itertools
import re

import hypothesis
import pytest
from hypothesis import strategies

from moorage.review.opened.iam_statements import implied, pattern_covers, patterns_meet, range_covers
from moorage.review.template.side import Constraint

PATTERNS = strategies.text(alphabet="ab*?", max_size=4)
TEXTS = ["".join(letters) for length in range(6) for letters in itertools.product("abc", repeat=length)]


def matching(pattern: str) -> set[str]:
    expression = re.compile("".join({"*": ".*", "?": "."}.get(each, each) for each in pattern))
    return {text for text in TEXTS if expression.fullmatch(text)}


@hypothesis.given(PATTERNS, PATTERNS)
@hypothesis.settings(max_examples=300)
def test_a_pattern_that_covers_another_matches_all_that_it_matches(pattern: str, other: str) -> None:
    if pattern_covers(pattern, other):
        assert matching(other) <= matching(pattern)


@hypothesis.given(PATTERNS, PATTERNS)
@hypothesis.settings(max_examples=300)
def test_two_patterns_meet_if_a_text_matches_both(one: str, other: str) -> None:
    common = matching(one) & matching(other)
    assert patterns_meet(one, other) or not common
    assert common or not patterns_meet(one, other) or "*" in one + other or "?" in one + other


@pytest.mark.parametrize(
    ("pattern", "other", "covers"),
    [
        ("*", "s3:Get*", True),
        ("s3:*", "s3:Get*", True),
        ("s3:Get*", "s3:*", False),
        ("s3:Get*", "s3:GetObject", True),
        ("s3:Get?", "s3:Get*", False),
        ("s3:Get*", "s3:Get?", True),
        ("s3:Get?", "s3:Get?", True),
        ("a.c", "abc", False),
        ("a**b", "a*b", True),
    ],
)
def test_wildcards_are_understood(pattern: str, other: str, covers: bool) -> None:  # noqa: FBT001  # the expected value
    assert pattern_covers(pattern, other) is covers


@pytest.mark.parametrize(
    ("wanted", "given", "met"),
    [
        (("stringequals", "a b"), ("stringequals", "a"), True),
        (("stringequals", "a"), ("stringequals", "a b"), False),
        (("stringlike", "a*"), ("stringequals", "ab"), True),
        (("stringequals", "a*"), ("stringlike", "a*"), False),
        (("stringnotequals", "a"), ("stringnotequals", "a b"), True),
        (("stringnotequals", "a b"), ("stringnotequals", "a"), False),
        (("bool", "true"), ("bool", "false"), False),
        (("stringequalsifexists", "a"), ("stringequals", "a"), True),
        (("stringequals", "a"), ("stringequalsifexists", "a"), False),
        (("foranyvalue:stringlike", "a*"), ("foranyvalue:stringlike", "ab"), True),
        (("forallvalues:stringlike", "a*"), ("foranyvalue:stringlike", "ab"), False),
        (("numericlessthan", "10"), ("numericlessthan", "10"), True),
        (("numericlessthan", "10"), ("numericlessthan", "9"), True),
        (("numericlessthan", "9"), ("numericlessthan", "10"), False),
        (("numericgreaterthanequals", "9"), ("numericgreaterthanequals", "10"), True),
        (("numericgreaterthan", "10"), ("numericgreaterthan", "9"), False),
        (("numericlessthan", "${A}"), ("numericlessthan", "9"), False),
        (("ipaddress", "10.0.0.0/8"), ("ipaddress", "10.1.0.0/16"), True),
        (("ipaddress", "10.1.0.0/16"), ("ipaddress", "10.0.0.0/8"), False),
    ],
)
def test_a_condition_is_met_if_a_stricter_one_is(wanted: tuple[str, str], given: tuple[str, str], met: bool) -> None:  # noqa: FBT001  # the expected value
    one, other = (Constraint(name, "key", frozenset(values.split())) for name, values in (wanted, given))
    assert implied(frozenset({one}), frozenset({other})) is met
    assert not implied(frozenset({one}), frozenset())
    assert implied(frozenset(), frozenset({other}))
    assert not implied(frozenset({one}), frozenset({Constraint(one.operator, "other key", one.values)}))


@pytest.mark.parametrize(
    ("wide", "narrow", "covers"),
    [
        ("0.0.0.0/0", "10.0.0.0/8", True),
        ("10.0.0.0/8", "10.0.0.0/8", True),
        ("10.0.0.0/9", "10.0.0.0/8", False),
        ("0.0.0.0/0", "::/0", False),
        ("::/0", "2001:db8::/32", True),
        ("10.0.0.0/8", "${0|Range}", False),
        ("${0|Range}", "${0|Range}", True),
    ],
)
def test_ranges_of_one_version_cover_their_parts(wide: str, narrow: str, covers: bool) -> None:  # noqa: FBT001  # the expected value
    assert range_covers(wide, narrow) is covers
