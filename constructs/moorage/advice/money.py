"""Amounts in USD as sentences have them."""

from __future__ import annotations

from decimal import Decimal

_WITHOUT_CENTS = 100


def usd(amount: Decimal) -> str:
    """Return an amount in USD, with cents below 100.

    Args:
        amount: The amount.
    """
    if not amount:
        return "$0"
    return f"${amount:,.0f}" if round(amount) >= _WITHOUT_CENTS else f"${amount:,.2f}"


def usd_of_unit(price: Decimal) -> str:
    """Return the price of a unit with all of its digits, and at least cents.

    Args:
        price: The price.
    """
    digits = -int(price.normalize().as_tuple().exponent)
    return f"${price:,.{max(digits, 2)}f}"


def usd_range(least: Decimal, most: Decimal) -> str:
    """Return two amounts as a range, or one amount if both are the same.

    Args:
        least: The smaller amount.
        most: The larger amount.
    """
    first, last = usd(least), usd(most)
    return first if first == last else f"{first} to {last.removeprefix('$')}"
