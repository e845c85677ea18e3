"""The comparison of two values. The values are equal, they differ, or the answer is known only at deployment."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs

from moorage.assembly.values import Choice, Function, Joined, Reference, Unknown, Value, assumed, within
from moorage.review.comparison import Replacement
from moorage.review.replacement.provider_schemas import Node

MOST_CONDITIONS = 4
"""The largest number of conditions for which all combinations are tried."""
_INJECTIVE = {"Fn::Base64", "Fn::ToJsonString", "Fn::GetAZs"}
"""Intrinsic functions that return different values for different arguments."""
ADDED, REMOVED = "is added", "is removed"
_LATER = "changes to a value that is known only at deployment"
_RANK = {Replacement.NO: 0, Replacement.MAY: 1, Replacement.YES: 2}


@attrs.frozen
class Difference:
    """The answer to whether two values differ.

    Args:
        answer: `YES` if the values differ, `NO` if they are equal, `MAY` if that is known only at deployment.
        causes: The reasons, each as the end of a clause whose subject is the property: `changes`.
    """

    answer: Replacement = Replacement.NO
    causes: tuple[str, ...] = ()

    def __or__(self, other: Difference) -> Difference:
        """Combine the differences of two parts of a value into the difference of the value."""
        if _RANK[other.answer] == _RANK[self.answer]:
            return Difference(self.answer, tuple(dict.fromkeys((*self.causes, *other.causes))))
        return max(self, other, key=lambda each: _RANK[each.answer])


SAME = Difference()


def may(*causes: str) -> Difference:
    return Difference(Replacement.MAY, causes)


def yes(*causes: str) -> Difference:
    return Difference(Replacement.YES, causes)


@attrs.define(eq=False)
class Comparer:
    """A comparison of values under an assumption about which resources are replaced.

    Args:
        of_reference: A function that returns whether the value of a reference changes.
        type_of: A function that returns the type of a referenced resource; None if there is no such resource.
    """

    of_reference: Callable[[Reference], Difference]
    type_of: Callable[[Reference], str | None]
    _ways: Mapping[type, Callable[[Any, Any, Node], Difference]] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._ways = {
            dict: self._objects,
            tuple: self._lists,
            Reference: self._references,
            Joined: self._joined,
            Function: self._functions,
        }

    def difference(self, before: Value, after: Value, node: Node) -> Difference:
        """Return whether two values differ.

        Args:
            before: The value in the base.
            after: The value in the head.
            node: The schema of the value.
        """
        if before == after:
            # most values are equal, and then only references can differ
            references = {each for each in within(after) if isinstance(each, Reference)}
            if _any(map(self.of_reference, references)).answer is Replacement.NO:
                return SAME
        conditions = {each.condition: each for value in (before, after) for each in _choices(value)}
        if len(conditions) > MOST_CONDITIONS:
            return may(*sorted({f"depends on the condition {each.name}" for each in conditions.values()}))
        found: list[Difference] = []
        for truths in itertools.product((True, False), repeat=len(conditions)):
            one, other = before, after
            for condition, truth in zip(conditions, truths, strict=True):
                one, other = assumed(one, condition, truth=truth), assumed(other, condition, truth=truth)
            found.append(self._plain(one, other, node))
        if len({each.answer for each in found}) == 1:
            return _any(found)
        return may(*(f"depends on the condition {each.name}" for each in conditions.values()))

    def _plain(self, before: Value, after: Value, node: Node) -> Difference:
        """Return whether two values that do not depend on conditions differ."""
        if before is None or after is None:
            return _with_absent(before, after)
        if isinstance(before, str) and isinstance(after, str):
            return _texts(before, after, node)
        kind = type(before)
        if kind is type(after) and kind in self._ways:
            return self._ways[kind](before, after, node)
        return SAME if isinstance(before, Unknown) and before == after else _unlike(before, after)

    def _objects(self, before: Mapping[str, Value], after: Mapping[str, Value], node: Node) -> Difference:
        names = [*after, *(name for name in before if name not in after)]
        return _any(self._plain(before.get(name), after.get(name), node.member(name)) for name in names)

    def _joined(self, before: Joined, after: Joined, _: Node) -> Difference:
        if _aligned(before.parts, after.parts):
            pairs = zip(before.parts, after.parts, strict=True)
            found = [self._plain(one, other, _ANY) for one, other in pairs]
            if not {each.answer for each in found} >= {Replacement.MAY, Replacement.YES}:
                return _any(found)
        return _unlike(before, after)

    def _functions(self, before: Function, after: Function, _: Node) -> Difference:
        if before.name != after.name:
            return may(_LATER)
        found = self._plain(before.argument, after.argument, _ANY)
        if found.answer is Replacement.NO or before.name in _INJECTIVE:
            return found
        return may(*found.causes) if before == after else may(_LATER)

    def _lists(self, before: Sequence[Value], after: Sequence[Value], node: Node) -> Difference:
        in_order = self._in_order(before, after, node)
        if in_order.answer is Replacement.NO or not (node.is_unordered or node.is_unique):
            return in_order
        rest = list(after)
        left = [each for each in before if not self._taken(each, rest, node)]
        if left or rest:
            return self._in_order(left, rest, node) if len(left) == len(rest) else in_order
        return SAME if node.is_unordered else may("changes only in its order")

    def _taken(self, one: Value, rest: list[Value], node: Node) -> bool:
        """Remove from a list the first item that equals `one` and causes no replacement.

        Return whether there was such an item.
        """
        for index, other in enumerate(rest):
            if one == other and self._plain(one, other, node.item).answer is Replacement.NO:
                del rest[index]
                return True
        return False

    def _in_order(self, before: Sequence[Value], after: Sequence[Value], node: Node) -> Difference:
        if len(before) != len(after):
            return yes("changes")
        return _any(self._plain(one, other, node.item) for one, other in zip(before, after, strict=True))

    def _references(self, before: Reference, after: Reference, _: Node) -> Difference:
        if before == after:
            return self.of_reference(after)
        alike = before.attribute == after.attribute and self.type_of(before) == self.type_of(after)
        if before.place != after.place and alike and self.type_of(after) is not None:
            return yes("changes") if after.attribute is None or is_identity(after.attribute) else may(_LATER)
        return may(_LATER)


def is_identity(attribute: str) -> bool:
    """Return whether an attribute names the resource: an update in place keeps its value, a replacement changes it."""
    last = attribute.rpartition(".")[2].lower()
    return last.endswith(("arn", "id", "name", "url", "uri", "endpoint", "address")) and not last.endswith("zoneid")


_ANY = Node({}, {})


def _any(found: Iterable[Difference]) -> Difference:
    answer = SAME
    for each in found:
        if each.answer is not Replacement.NO:
            answer = answer | each if answer is not SAME else each
    return answer


def _choices(value: Value) -> list[Choice]:
    return [each for each in within(value) if isinstance(each, Choice)]


def _with_absent(before: Value, after: Value) -> Difference:
    if before is None and after is None:
        return SAME
    present = after if before is None else before
    if present in ((), {}):
        return may("is empty on one side and absent on the other")
    if isinstance(present, tuple) and all(each is None for each in present):
        return SAME
    return yes(ADDED if before is None else REMOVED)


def _texts(before: str, after: str, node: Node) -> Difference:
    if before == after:
        return SAME
    if "boolean" in node.kinds and before.lower() == after.lower():
        return SAME
    if {"integer", "number"} & set(node.kinds) and _number(before) == _number(after):
        return SAME
    if "{{resolve:" in before or "{{resolve:" in after:
        return may(_LATER)
    return yes("changes")


def _number(value: str) -> Any:
    try:
        return float(value)
    except ValueError:
        return value


def _aligned(before: Sequence[Value], after: Sequence[Value]) -> bool:
    kinds = ([isinstance(part, str) for part in parts] for parts in (before, after))
    one, other = kinds
    return one == other


def _unlike(before: Value, after: Value) -> Difference:
    """Return whether two values that are written in different forms differ."""
    one, other = (value.parts if isinstance(value, Joined) else (value,) for value in (before, after))
    starts, ends = (one[0], other[0]), (one[-1], other[-1])
    if all(isinstance(each, str) for each in starts) and not _one_begins(*starts):
        return yes("changes")
    if all(isinstance(each, str) for each in ends) and not _one_begins(ends[0][::-1], ends[1][::-1]):
        return yes("changes")
    parameters = [
        each.name
        for value in (after, before)
        for each in within(value)
        if isinstance(each, Unknown) and each.kind == "parameter"
    ]
    return may(f"depends on the parameter {parameters[0]}" if parameters else _LATER)


def _one_begins(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)
