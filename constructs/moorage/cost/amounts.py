"""Amounts from the least to the most number of copies."""

from __future__ import annotations

from decimal import Decimal

import attrs

NOTHING = Decimal(0)


@attrs.frozen
class Range:
    """An amount at the least number of copies, and at the most.

    Args:
        least: The amount at the least number of copies.
        most: The amount at the most number of copies.
    """

    least: Decimal
    most: Decimal

    @classmethod
    def of(cls, amount: Decimal | int) -> Range:
        """Return a range of one amount.

        Args:
            amount: The amount.
        """
        return cls(Decimal(amount), Decimal(amount))

    def __add__(self, other: Range) -> Range:
        return Range(self.least + other.least, self.most + other.most)

    def __sub__(self, other: Range) -> Range:
        return Range(self.least - other.least, self.most - other.most)

    def __mul__(self, factor: Decimal | int) -> Range:
        return Range(self.least * factor, self.most * factor)

    @property
    def is_one(self) -> bool:
        """True if both amounts are the same."""
        return self.least == self.most


ZERO = Range.of(0)
ONE = Range.of(1)
