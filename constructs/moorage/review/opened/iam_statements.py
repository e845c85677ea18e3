"""The statements of IAM policies as sets of principals, actions, resources and conditions that can be compared.

Sources: IAM user guide, "IAM JSON policy elements: Action" (the prefix and the name are case insensitive; `*` and `?`),
"… NotAction" and "… NotPrincipal" (all except the listed), "… Resource" (`*` expands beyond a slash), "… Principal"
(an account is its root ARN or its ID), "Conditions with multiple context keys or values" (AND between operators and
keys, OR between values, NOR between the values of a negated operator).
"""

from __future__ import annotations

import functools
import ipaddress
import json
import re
from collections.abc import Callable, Iterator, Mapping
from operator import eq
from typing import Any

import attrs

from moorage.assembly.cloud_assembly import Resource, mapping
from moorage.assembly.values import is_function
from moorage.review.template.side import ALWAYS, Constraint, Given, Scope, root

_ACCOUNT = re.compile(r"(?:arn:aws[\w-]*:(?:iam|sts)::)?(\d{12}|\$\{AWS::AccountId\})(?::(.*))?", re.DOTALL)
_PATTERNS = ("stringlike", "arnlike", "arnequals")
"""The operators that compare with wildcards ("IAM JSON policy elements: Condition operators")."""
_EQUALS = {"stringequals": "stringlike", "arnequals": "arnlike", "stringequalsifexists": "stringlikeifexists"}
"""Operators, each with a wider operator that matches at least the same values."""


@attrs.frozen
class Principal:
    """Someone who may make API calls, named in a trust policy or in the policy of a resource.

    Args:
        kind: `AWS`, `Service`, `Federated`, `CanonicalUser`, or `*` for anyone.
        text: The canonical text of the principal.
        account: The account of an `AWS` principal; None if there is no account or it is not known.
    """

    kind: str
    text: str
    account: str | None = None

    @property
    def is_account(self) -> bool:
        return self.account is not None and self.text.endswith(":root")

    def covers(self, other: Principal) -> bool:
        """Return whether another principal is equal to this principal or a part of it."""
        return self == other or self.kind == "*" or (self.is_account and self.account == other.account)


ANYONE = Principal("*", "*")


@attrs.frozen
class Among:
    """A set of the given values, or of all values except the given ones.

    Args:
        values: The patterns or principals.
        excluded: True if the set contains every value except `values`. Default: False.
    """

    values: frozenset[Any]
    excluded: bool = False

    def covers(self, other: Among, within: Callable[[Any, Any], bool], meet: Callable[[Any, Any], bool]) -> bool:
        """Return whether every value of another set is certainly in this set.

        Args:
            other: The other set.
            within: A function that returns whether its first argument covers its second.
            meet: A function that returns whether its arguments have something in common.
        """
        if not self.excluded and not other.excluded:
            return all(any(within(mine, each) for mine in self.values) for each in other.values)
        if self.excluded and not other.excluded:
            return not any(meet(mine, each) for mine in self.values for each in other.values)
        if self.excluded:
            return all(any(within(theirs, mine) for theirs in other.values) for mine in self.values)
        return any(mine in ("*", ANYONE) for mine in self.values)

    def single(self) -> Iterator[Among]:
        """Yield the set in pieces of one value; a set of excluded values is one piece."""
        if self.excluded:
            yield self
        else:
            for value in sorted(self.values, key=str):
                yield Among(frozenset({value}))


EVERYTHING = Among(frozenset({"*"}))


@attrs.frozen
class Statement:
    """A statement of a policy.

    Args:
        allows: True for an Allow statement, False for a Deny statement.
        principals: The principals; anyone for an identity-based policy, which names no principals.
        actions: The actions in lower case.
        resources: The canonical texts of the resources.
        given: The conditions, which must all be met.
        names: A mapping from the lower-case form of each action to the action as the policy writes it.
        source: The resource that contains the policy.
    """

    allows: bool
    principals: Among
    actions: Among
    resources: Among
    given: Given = ALWAYS
    names: Mapping[str, str] = attrs.field(factory=dict, eq=False)
    source: Resource | None = attrs.field(default=None, eq=False)

    def covers(self, other: Statement, *, conditions: bool = True) -> bool:
        """Return whether this statement applies to everything that another statement applies to.

        Args:
            other: The other statement.
            conditions: Whether to compare the conditions as well. Default: True.
        """
        return (
            self.allows == other.allows
            and (not conditions or implied(self.given, other.given))
            and self.actions.covers(other.actions, pattern_covers, patterns_meet)
            and self.resources.covers(other.resources, pattern_covers, patterns_meet)
            and self.principals.covers(other.principals, Principal.covers, _principals_meet)
        )

    def single(self) -> Iterator[Statement]:
        """Yield the statement in pieces of one principal, one action and one resource."""
        for principals in self.principals.single():
            for actions in self.actions.single():
                for resources in self.resources.single():
                    yield attrs.evolve(self, principals=principals, actions=actions, resources=resources)


@functools.lru_cache(maxsize=65536)
def pattern_covers(pattern: str, other: str) -> bool:
    """Return whether every text that matches `other` also matches `pattern`."""
    return pattern in (other, "*") or (("*" in pattern or "?" in pattern) and bool(_compiled(pattern).fullmatch(other)))


@functools.lru_cache(maxsize=8192)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Return the regular expression of a pattern. A `?` does not match the `*` of another pattern."""
    parts = {"*": ".*", "?": "[^*]"}
    return re.compile("".join(parts.get(each) or re.escape(each) for each in re.sub(r"\*+", "*", pattern)), re.DOTALL)


@functools.lru_cache(maxsize=65536)
def patterns_meet(one: str, other: str) -> bool:
    """Return whether a text exists that matches both patterns."""
    states = {(0, 0)}
    seen = set(states)
    while states:
        left, right = states.pop()
        if left == len(one) and right == len(other):
            return True
        a, b = one[left : left + 1], other[right : right + 1]
        following = set()
        if a == "*":
            following |= {(left + 1, right), *({(left, right + 1)} if b else ())}
        if b == "*":
            following |= {(left, right + 1), *({(left + 1, right)} if a else ())}
        if a and b and "*" not in (a, b) and (a == b or "?" in (a, b)):
            following.add((left + 1, right + 1))
        states |= following - seen
        seen |= following
    return False


def _principals_meet(one: Principal, other: Principal) -> bool:
    return one.covers(other) or other.covers(one)


def implied(wanted: Given, given: Given) -> bool:
    """Return whether all `wanted` constraints are certainly met if all `given` constraints are met."""
    return all(any(_implies(each, constraint) for each in given) for constraint in wanted)


def _implies(given: Constraint, wanted: Constraint) -> bool:
    """Return whether the `wanted` constraint is certainly met if the `given` constraint is met."""
    operators = {given.operator, f"{given.operator}ifexists", _EQUALS.get(given.operator)}
    if given == wanted or given.key != wanted.key or wanted.operator not in operators:
        return given == wanted
    if not given.values or not wanted.values:
        return False
    plain = wanted.operator.rpartition(":")[2].removesuffix("ifexists")
    if "not" in plain:
        return wanted.values <= given.values
    covers = _comparison(plain)
    return all(any(covers(wide, value) for wide in wanted.values) for value in given.values)


def _comparison(operator: str) -> Callable[[str, str], bool]:
    """Return the function that decides for a condition operator whether one value covers another."""
    if operator in _PATTERNS:
        return pattern_covers
    return {"ipaddress": range_covers, **_BOUNDS}.get(operator, eq)


def _below(limit: str, other: str) -> bool:
    """Return whether `other` is at most `limit`; texts that are not numbers must be equal."""
    try:
        return float(other) <= float(limit)
    except ValueError:
        return other == limit


def _above(limit: str, other: str) -> bool:
    """Return whether `other` is at least `limit`; texts that are not numbers must be equal."""
    try:
        return float(other) >= float(limit)
    except ValueError:
        return other == limit


_BOUNDS: Mapping[str, Callable[[str, str], bool]] = {
    "numericlessthan": _below,
    "numericlessthanequals": _below,
    "numericgreaterthan": _above,
    "numericgreaterthanequals": _above,
}


def range_covers(wide: str, narrow: str) -> bool:
    """Return whether one IP address range contains another; texts that are not ranges must be equal."""
    if wide == narrow:
        return True
    try:
        outer, inner = ipaddress.ip_network(wide, strict=False), ipaddress.ip_network(narrow, strict=False)
    except ValueError:
        return False
    if isinstance(outer, ipaddress.IPv4Network) and isinstance(inner, ipaddress.IPv4Network):
        return inner.subnet_of(outer)
    return (
        isinstance(outer, ipaddress.IPv6Network) and isinstance(inner, ipaddress.IPv6Network) and inner.subnet_of(outer)
    )


def statements_of(
    scope: Scope, document: Any, source: Resource, *, identity: bool, given: Given = ALWAYS
) -> Iterator[Statement]:
    """Yield the statements of a policy document. Unknown parts, such as intrinsic functions, are left out.

    Args:
        scope: The stack of the policy.
        document: The document: an object, a text in JSON, or an intrinsic function.
        source: The resource that contains the policy.
        identity: True for an identity-based policy, which has no principals.
        given: The conditions under which the policy exists. Default: it always exists.
    """
    for holds, each in scope.items(document, given | scope.given(source)):
        content = _parsed(each)
        for condition, statement in scope.items(content.get("Statement"), holds):
            found = statement_of(scope, statement, source, identity=identity, given=condition)
            if found:
                yield found


def statement_of(
    scope: Scope, statement: Any, source: Resource, *, identity: bool, given: Given = ALWAYS
) -> Statement | None:
    """Return a statement of a template; None if its effect, its actions or its principals are not known.

    Args:
        scope: The stack of the policy.
        statement: The statement in the template.
        source: The resource that contains the policy.
        identity: True for an identity-based policy, which has no principals.
        given: The conditions under which the statement exists. Default: it always exists.
    """
    if not isinstance(statement, Mapping) or statement.get("Effect") not in ("Allow", "Deny"):
        return None
    written = scope.texts(statement.get("Action", statement.get("NotAction")))
    principals = Among(frozenset({ANYONE})) if identity else _principals(scope, statement)
    if not written or not principals.values:
        return None
    resources = scope.texts(statement.get("Resource", statement.get("NotResource")))
    conditions = _constraints(scope, statement.get("Condition"))
    return Statement(
        allows=statement["Effect"] == "Allow",
        principals=principals,
        actions=Among(frozenset(each.lower() for each in written), "Action" not in statement),
        resources=Among(resources, "Resource" not in statement) if resources else EVERYTHING,
        given=given | conditions,
        names={each.lower(): each for each in written},
        source=source,
    )


def _parsed(document: Any) -> Mapping[str, Any]:
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            return {}
    return mapping(document)


def _principals(scope: Scope, statement: Mapping[str, Any]) -> Among:
    stated = statement.get("Principal", statement.get("NotPrincipal"))
    found: set[Principal] = set()
    for _, each in scope.items(stated):
        if isinstance(each, Mapping) and not is_function(each):
            for kind, values in each.items():
                found |= {principal(scope, str(kind), value) for value in scope.texts(values)}
        else:
            found.add(principal(scope, "AWS", scope.text(each)))
    return Among(frozenset(found), "Principal" not in statement)


def principal(scope: Scope, kind: str, text: str) -> Principal:
    """Return the principal that a canonical text names.

    Args:
        scope: The stack of the policy.
        kind: The key of the principal in the policy: `AWS`, `Service` and so on.
        text: The canonical text.
    """
    if text == "*" and kind in ("*", "AWS"):
        return ANYONE
    if kind != "AWS":
        return Principal(kind, text)
    if found := _ACCOUNT.fullmatch(text):
        return Principal(kind, f"arn:aws:iam::{found[1]}:{found[2] or 'root'}", found[1])
    owner = scope.side.found(text)
    return Principal(kind, root(text) if owner else text, own_account(owner[0]) if owner else None)


def own_account(scope: Scope) -> str:
    """Return the account of a stack; the token of the pseudo parameter if it is not known."""
    return scope.text({"Ref": "AWS::AccountId"})


def _constraints(scope: Scope, condition: Any) -> Given:
    found: set[Constraint] = set()
    for holds, block in scope.items(condition):
        found |= holds
        for operator, keys in block.items() if isinstance(block, Mapping) else ():
            if not isinstance(keys, Mapping) or is_function(keys):
                found.add(Constraint(str(operator).lower(), scope.text(keys), frozenset(), "a value that is not known"))
                continue
            for key, values in keys.items():
                texts = {"true": "true", "false": "false"}
                found.add(
                    Constraint(
                        str(operator).lower(),
                        str(key).lower(),
                        frozenset(texts.get(each.lower(), each) for each in scope.texts(values)),
                        str(key),
                    )
                )
    return frozenset(found)
