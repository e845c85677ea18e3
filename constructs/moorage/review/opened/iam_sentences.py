"""Phrases for the statements of IAM policies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from moorage.review.nouns import listed
from moorage.review.opened.iam_statements import Among, Statement
from moorage.review.opened.two_sides import Sides
from moorage.review.template.side import Constraint, Given

_MOST = 3
"""The largest number of actions or resources that a sentence names."""
_ANY = "any resource"
_VERBS = {
    "bool": "is",
    "stringequals": "is",
    "stringequalsignorecase": "is",
    "stringlike": "matches",
    "arnequals": "matches",
    "arnlike": "matches",
    "ipaddress": "is in",
    "stringnotequals": "is not",
    "stringnotlike": "does not match",
    "arnnotequals": "does not match",
    "arnnotlike": "does not match",
    "notipaddress": "is not in",
}


def calls(sides: Sides, pieces: Sequence[Statement]) -> str:
    """Return a phrase for the API calls that statements allow: `call s3:GetObject on Shop/Images/*`.

    Args:
        sides: The two sides of the comparison.
        pieces: The statements, each with one action and one resource.
    """
    actions = sorted({_actions(piece) for piece in pieces})
    resources = sorted({_resources(sides, piece.resources) for piece in pieces})
    return f"call {listed(actions, _MOST, 'actions')} on {listed(resources, _MOST, 'resources')}"


def called(pieces: Sequence[Statement]) -> str:
    """Return a phrase that names the actions of statements, but not the resources: `call s3:GetObject`."""
    return f"call {listed(sorted({_actions(piece) for piece in pieces}), _MOST, 'actions')}"


def call_details(
    sides: Sides, pieces: Sequence[Statement], *, shown: bool = True, of_resource: bool = False
) -> Iterator[str]:
    """Yield a line for each group of statements that differ only in their actions or only in their resources.

    Args:
        sides: The two sides of the comparison.
        pieces: The statements, each with one action and one resource.
        shown: True if the sentence names the actions and resources. A single group then needs no line. Default: True.
        of_resource: True for a resource-based policy, in which `*` means the resource itself. Default: False.
    """
    by_resource: dict[tuple[Given, str], set[str]] = defaultdict(set)
    for piece in pieces:
        by_resource[piece.given, _resources(sides, piece.resources)].add(_actions(piece))
    by_actions: dict[tuple[Given, tuple[str, ...]], set[str]] = defaultdict(set)
    for (given, resource), actions in by_resource.items():
        by_actions[given, tuple(sorted(actions))].add(resource)
    for (given, names), resources in by_actions.items():
        short = len(names) <= _MOST and len(resources) <= _MOST
        line = f"{listed(names, 1000)} on {listed(sorted(resources), 1000)}"
        if of_resource and resources == {_ANY}:
            line = listed(names, 1000)
        if given:
            yield f"{line}, only if {conditions(sides, given)}"
        elif not (shown and short and len(by_actions) == 1):
            yield line


def conditions(sides: Sides, given: Given) -> str:
    """Return the conditions of a statement as a clause."""
    return listed(sorted(_condition(sides, each) for each in given), 1000)


def _condition(sides: Sides, constraint: Constraint) -> str:
    values = " or ".join(sorted(sides.readable(value) for value in constraint.values))
    if constraint.operator == "fn::if":
        return f"the template's condition {constraint.name} is {values}"
    if not constraint.values:
        return f"a condition holds that is not known ({constraint.operator})"
    plain = constraint.operator.rpartition(":")[2].removesuffix("ifexists")
    suffix = ", if it is present," if constraint.operator.endswith("ifexists") else ""
    return f"{constraint.name}{suffix} {_VERBS.get(plain, constraint.operator)} {values}"


def _actions(piece: Statement) -> str:
    names = sorted(piece.names.get(each, each) for each in piece.actions.values)
    if piece.actions.excluded:
        return f"any action but {listed(names)}"
    return "any action" if names == ["*"] else listed(names)


def _resources(sides: Sides, resources: Among) -> str:
    names = sorted(sides.readable(each) for each in resources.values)
    if resources.excluded:
        return f"any resource but {listed(names)}"
    return _ANY if names == ["*"] else listed(names)
