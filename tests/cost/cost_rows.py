"""The rows of small templates, for the tests of single rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import attrs

from moorage.assembly.cloud_assembly import Stack
from moorage.cost.amounts import Range
from moorage.cost.estimate import Estimate, Row, estimate
from moorage.cost.parts import Kind
from moorage.cost.usage import Usage
from moorage.prices.book import PriceBook

BOOK = PriceBook.load()


class Resource(NamedTuple):
    """A resource of a template.

    Args:
        type: The type without `AWS::`.
        properties: The properties.
    """

    type: str
    properties: Mapping[str, Any] = {}


def stack_of(resources: Mapping[str, Resource], *, name: str = "Shop", **sections: Any) -> Stack:
    """Return a stack with these resources, by logical ID, and other sections of its template."""
    found = {
        logical_id: {"Type": f"AWS::{each.type}", "Properties": dict(each.properties)}
        for logical_id, each in resources.items()
    }
    region = sections.pop("region", "us-east-1")
    template = {"Resources": found, **sections}
    return Stack(name=name, path=name, account=None, region=region, template=template, needs=())


def estimated(*stacks: Stack, use: Mapping[str, float] | None = None, book: PriceBook = BOOK) -> Estimate:
    """Return the estimate of stacks, with the same use for all constructs."""
    usage = Usage({key: Decimal(str(value)) for key, value in (use or {}).items()})
    return estimate(stacks, book, usage)


def rows(resources: Mapping[str, Resource], **use: float) -> list[Row]:
    """Return the rows that are not free."""
    found = estimated(stack_of(resources), use=use)
    return [row for row in found.rows if row.kind is not Kind.FREE]


def quantities(found: Sequence[Row]) -> dict[str, tuple[str, str] | None]:
    """Return the least and the most quantity of each component, as texts; None for an unknown quantity."""
    return {row.component: _texts(row.quantity) for row in found}


def _texts(quantity: Range | None) -> tuple[str, str] | None:
    if quantity is None:
        return None
    least, most = (f"{each.normalize():f}" for each in attrs.astuple(quantity))
    return least, most


def one(amount: str) -> tuple[str, str]:
    """Return the texts of a quantity that does not depend on the number of copies."""
    return amount, amount
