"""Amounts in USD as texts, and the amounts that users type."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from moorage.cost.amounts import Range

LARGEST = Decimal(10**12)
"""The largest number that a user can state. Products with it stay in the range of `Decimal`."""
_CENT = Decimal("0.01")
_NUMBER = re.compile(r"(\d+|\d{1,3}(,\d{3})+)(\.\d+)?")
"""A number, with or without a comma after each thousand."""
_SIGNS = re.compile(r"[$%\s]|USD")


def cents(amount: Decimal) -> Decimal:
    """Return an amount, rounded to cents.

    Args:
        amount: The amount in USD.
    """
    return amount.quantize(_CENT, ROUND_HALF_UP)


def rounded(amount: Range) -> Range:
    """Return a range of amounts, each rounded to cents.

    Args:
        amount: The range in USD.
    """
    return Range(cents(amount.least), cents(amount.most))


def money(amount: Range) -> str:
    """Return an amount in USD, rounded to cents, as a range if it differs with the copies.

    Args:
        amount: The amount.
    """
    least, most = (f"{cents(each):,}" for each in (amount.least, amount.most))
    return least if least == most else f"{least} to {most}"


def signed(amount: Decimal, currency: str = "") -> str:
    """Return a difference in USD, rounded to cents, with its sign. A difference of 0 has no sign.

    Args:
        amount: The difference.
        currency: The sign of the currency. Default: none.
    """
    shown = cents(amount)
    sign = "-" if shown < 0 else "+" if shown else ""
    return f"{sign}{currency}{abs(shown):,}"


def number_of_option(option: str, stated: str, noun: str, example: int) -> Decimal:
    """Return the number that a user typed for an option.

    Args:
        option: The option, such as `--budget`.
        stated: The text that the user typed.
        noun: The kind of number in the error, such as `an amount in USD`.
        example: A number for the way out.

    Raises:
        ValueError: The text is not a number from 0 to `LARGEST`.
    """
    try:
        number = Decimal(stated)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or number < 0:
        plain = _SIGNS.sub("", stated)
        shown = plain.replace(",", "") if _NUMBER.fullmatch(plain) else example
        raise ValueError(f"{option} must be {noun} of at least 0 (got {stated!r}); write {option} {shown}")
    if number > LARGEST:
        raise ValueError(f"{option} must be {noun} of at most {LARGEST:,} (got {stated!r}); write {option} {example}")
    return abs(number)  # -0 is 0
