"""A mapping of constructs to values that cannot be attributes of the constructs."""

from __future__ import annotations

from collections.abc import Callable, ItemsView
from typing import Generic, TypeVar

Owner = TypeVar("Owner")
Value = TypeVar("Value")


class PerConstruct(Generic[Owner, Value]):
    """A mapping of constructs to values. Constructs are compared by the identity of their Python objects.

    A value and its owner stay in memory until the process ends. jsii keeps every object that Python creates just as
    long, because it cannot know which objects JavaScript still refers to. An attribute of the construct could not hold
    the value, since the proxies of imported resources, such as those of `Vpc.from_lookup`, do not accept attributes.

    jsii creates a new proxy each time that it returns an imported resource. A value is found only by the proxy for
    which it was set.
    """

    def __init__(self) -> None:
        self._values: dict[Owner, Value] = {}

    def get(self, owner: Owner) -> Value | None:
        """Return the value of a construct, or None if no value is set."""
        return self._values.get(owner)

    def set(self, owner: Owner, value: Value) -> None:
        """Set the value of a construct, replacing any previous one."""
        self._values[owner] = value

    def get_or_make(self, owner: Owner, make: Callable[[], Value]) -> Value:
        """Return the value of a construct. If no value is set, set the result of `make` first."""
        if owner not in self._values:
            self._values[owner] = make()
        return self._values[owner]

    def items(self) -> ItemsView[Owner, Value]:
        """Return each construct with its value, in the order in which the values were first set."""
        return self._values.items()
