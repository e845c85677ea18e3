"""The names that must be unique in an account and region, and the constructs of an app that use them."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import attrs
import aws_cdk as cdk

from moorage.scope.per_construct import PerConstruct
from moorage.scope.place import Place, place_of, stage_path
from moorage.scope.stage_validation import add_stage_check
from moorage.workload.errors import ValidationError
from moorage.workload.problems import is_token

if TYPE_CHECKING:
    from constructs import Construct, IConstruct

_SAME_NAME_WARNING = "@moorage/scope:same-name"


@attrs.frozen
class _Claim:
    construct: Construct
    kind: str
    name: str
    within: str
    stack: str
    stage: str | None
    place: Place

    def is_of_same_place(self, other: _Claim) -> bool:
        return self.stack == other.stack or (None not in self.place and self.place == other.place)

    def may_be_of_same_place(self, other: _Claim) -> bool:
        """Return whether the places may be the same. Unknown places of different stages are assumed to differ."""
        pairs = zip(self.place, other.place, strict=True)
        return self.stage == other.stage and all(None in pair or pair[0] == pair[1] for pair in pairs)


_claims: PerConstruct[IConstruct, list[_Claim]] = PerConstruct()


def claim_name(construct: Construct, kind: str, name: str, within: str = "an account and region") -> None:
    """Record that `construct` uses a name that must be unique in its account and region.

    Using a name twice in one stack is an error at once, and in two stacks of one account and region an error at
    synthesis. If the account or region of a stack is not known, the app gets only a warning.

    Args:
        construct: The construct that uses the name.
        kind: The CloudFormation type of the named resource.
        name: The name. Tokens are not recorded.
        within: The part of the account and region in which the name must be unique, such as `the cluster Shop/Main`.

    Raises:
        ValueError: If another construct of the stack has the name.
    """
    if is_token(name):
        return
    stack = cdk.Stack.of(construct).node.path
    claim = _Claim(construct, kind, name, within, stack, stage_path(construct), place_of(construct))
    claims = _claims.get_or_make(construct.node.root, list)
    same_names = [each for each in claims if (each.kind, each.name, each.within) == (kind, name, within)]
    for earlier in same_names:
        if claim.stack == earlier.stack and exists(earlier.construct):
            raise ValidationError(
                f"{construct.node.path}: {earlier.construct.node.path} has the same name {name!r}, but the name of each"
                f" {kind} must be unique in {within}; use another name for one of these resources, or leave the name "
                "out"
            )
    claims.append(claim)
    for earlier in same_names:
        if claim.is_of_same_place(earlier):
            add_stage_check(construct, functools.partial(_conflict, earlier, claim))
            return
    for earlier in same_names:
        if claim.may_be_of_same_place(earlier):
            cdk.Annotations.of(construct).add_warning_v2(
                _SAME_NAME_WARNING,
                f"{earlier.construct.node.path} has the same name {name!r}, but the name of each {kind} must be unique "
                f"in {within}; use env= for both stacks if their accounts or regions differ, or another name for one "
                "of these resources",
            )
            return


def _conflict(earlier: _Claim, claim: _Claim) -> list[str]:
    if not (exists(earlier.construct) and exists(claim.construct)):
        return []
    paths = f"{earlier.construct.node.path} and {claim.construct.node.path}"
    return [
        f"{paths} have the same name {claim.name!r}, but the name of each {claim.kind} must be unique in "
        f"{claim.within}; use another name for one of these resources, or leave the name out"
    ]


def exists(construct: IConstruct) -> bool:
    """Return whether a construct and its scopes are still in the app. `try_remove_child` can remove them."""
    scope = construct.node.scope
    return scope is None or (scope.node.try_find_child(construct.node.id) is construct and exists(scope))
