"""Values that belong to constructs which cannot hold them themselves."""

from __future__ import annotations

from collections.abc import Callable, ItemsView
from typing import Generic, TypeVar

Owner = TypeVar("Owner")
Value = TypeVar("Value")


class PerConstruct(Generic[Owner, Value]):
    """One value for each construct, found by the identity of its Python object.

    A value and its owner stay in memory until the process ends. jsii keeps every object that Python creates for that
    long in any case, because it cannot know which of them JavaScript still refers to. An attribute of the construct
    would not do: the proxies that jsii returns for imported resources, as `Vpc.from_lookup` does, take none.

    Each time that jsii returns an imported resource, it makes a new proxy. A value is found only by the proxy that it
    was set for.
    """

    def __init__(self) -> None:
        self._values: dict[Owner, Value] = {}

    def get(self, owner: Owner) -> Value | None:
        """Return the value of a construct, or None if it has none."""
        return self._values.get(owner)

    def set(self, owner: Owner, value: Value) -> None:
        """Set the value of a construct, in place of any other."""
        self._values[owner] = value

    def get_or_make(self, owner: Owner, make: Callable[[], Value]) -> Value:
        """Return the value of a construct; make it first if there is none."""
        if owner not in self._values:
            self._values[owner] = make()
        return self._values[owner]

    def items(self) -> ItemsView[Owner, Value]:
        """Return each construct with its value, in the order in which they first had one."""
        return self._values.items()
