"""Every argument of what is public, with its default, in one file: `__snapshots__/test_signatures.ambr`.

Its difference is the release note of a change of the interface: an argument that goes, moves or has another default.
`pytest -n 0 tests/test_signatures.py --snapshot-update` writes it again.
"""

from __future__ import annotations

import enum
import inspect
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs
import pytest

import moorage
import moorage.policy
import moorage.testing

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

ADDRESS = re.compile(r" at 0x[0-9a-f]+")


@pytest.mark.parametrize("name", moorage.__all__)
def test_arguments_and_their_defaults(name: str, snapshot: SnapshotAssertion) -> None:
    assert sorted(signatures(getattr(moorage, name))) == snapshot


def test_arguments_of_what_tests_use(snapshot: SnapshotAssertion) -> None:
    words = {name: getattr(module, name) for module in (moorage.testing, moorage.policy) for name in module.__all__}
    assert [f"{name}{arguments(word, {})}" for name, word in words.items() if inspect.isfunction(word)] == snapshot
    assert [name for name, word in words.items() if not inspect.isfunction(word)] == ["template_snapshot"]


def signatures(class_: Any) -> Iterator[str]:
    """List the class and its public methods as they are called; the members of an enum."""
    if issubclass(class_, enum.Enum):
        yield from class_.__members__
        return
    yield f"{class_.__name__}{arguments(class_, defaults_of(class_))}"
    for owner in class_.__mro__:
        for name, member in vars(owner).items():
            function = getattr(member, "__func__", member)
            if owner.__module__.startswith("moorage") and not name.startswith("_") and inspect.isfunction(function):
                yield f".{name}{arguments(getattr(class_, name), {})}"


def arguments(function: Any, defaults: dict[str, Any]) -> str:
    parameters = [each for each in inspect.signature(function).parameters.values() if each.name != "self"]
    shown = [
        each.replace(
            annotation=each.empty,
            default=each.empty if each.default is each.empty else Shown(defaults.get(each.name, each.default)),
        )
        for each in parameters
    ]
    return str(inspect.Signature(shown))


def defaults_of(class_: Any) -> dict[str, Any]:
    """Return the defaults of a value as its fields hold them, converted, which a signature does not show."""
    held = {}
    for each in attrs.fields(class_) if attrs.has(class_) else ():
        default = each.default
        if default is attrs.NOTHING:
            continue
        if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # a class, though typed as a function
            if default.takes_self:
                held[each.alias] = "worked out"
                continue
            default = default.factory()
        held[each.alias] = default if each.converter is None else each.converter(default)
    return held


@attrs.frozen
class Shown:
    """A default as it reads in every process."""

    value: Any

    def __repr__(self) -> str:
        return ADDRESS.sub("", repr(dict(self.value) if isinstance(self.value, Mapping) else self.value))
