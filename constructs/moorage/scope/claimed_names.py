"""The names that an account and region has once, and what takes them in an app."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import attrs
import aws_cdk as cdk

from moorage.scope.per_construct import PerConstruct
from moorage.scope.place import Place, place_of, stage_path
from moorage.scope.stage_validation import add_stage_check
from moorage.workload.problems import is_token

if TYPE_CHECKING:
    from constructs import Construct, IConstruct

_SAME_NAME_WARNING = "@moorage/scope:same-name"


@attrs.frozen
class _Claim:
    construct: Construct
    kind: str
    name: str
    stack: str
    stage: str | None
    place: Place

    def is_of_same_place(self, other: _Claim) -> bool:
        return self.stack == other.stack or (None not in self.place and self.place == other.place)

    def may_be_of_same_place(self, other: _Claim) -> bool:
        """Return whether the places may be the same; stages of an app differ unless they say otherwise."""
        pairs = zip(self.place, other.place, strict=True)
        return self.stage == other.stage and all(None in pair or pair[0] == pair[1] for pair in pairs)


_claims: PerConstruct[IConstruct, list[_Claim]] = PerConstruct()


def claim_name(construct: Construct, kind: str, name: str) -> None:
    """Record that `construct` takes a name that its account and region have once.

    Two of one account and region are an error of the app. Two of stacks whose account and region are not known may be
    of different ones, so they are a warning.

    Args:
        construct: The construct that takes the name.
        kind: The CloudFormation type that the name is of.
        name: The name; one that CloudFormation chooses, or a token, is not recorded.
    """
    if is_token(name):
        return
    stack = cdk.Stack.of(construct).node.path
    claim = _Claim(construct, kind, name, stack, stage_path(construct), place_of(construct))
    claims = _claims.get_or_make(construct.node.root, list)
    same_names = [each for each in claims if (each.kind, each.name) == (kind, name)]
    claims.append(claim)
    for earlier in same_names:
        if claim.is_of_same_place(earlier):
            add_stage_check(construct, functools.partial(_conflict, earlier, claim))
            return
    for earlier in same_names:
        if claim.may_be_of_same_place(earlier):
            cdk.Annotations.of(construct).add_warning_v2(
                _SAME_NAME_WARNING,
                f"{earlier.construct.node.path} is the {kind} {name!r} too, and an account and region has one of that "
                "name; give their stacks env= where these differ, or one of them another name",
            )
            return


def _conflict(earlier: _Claim, claim: _Claim) -> list[str]:
    if not (exists(earlier.construct) and exists(claim.construct)):
        return []
    paths = f"{earlier.construct.node.path} and {claim.construct.node.path}"
    return [
        f"{paths} are both the {claim.kind} {claim.name!r} of one account and region, and AWS keeps it for "
        "the first; give one of them another name, or leave the name out"
    ]


def exists(construct: IConstruct) -> bool:
    """Return whether a construct and all around it are still in their app: `try_remove_child` removes one."""
    scope = construct.node.scope
    return scope is None or (scope.node.try_find_child(construct.node.id) is construct and exists(scope))
