"""The numbers that users type as options."""

from __future__ import annotations

from typing import Any

import attrs
import click


@attrs.frozen
class Number(click.ParamType[float]):
    """A number as an option.

    Args:
        noun: The kind of number in the error, such as `a percentage`.
        example: A number for the error.
    """

    noun: str
    example: str
    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number, or end the command with an error that names the option."""
        try:
            return float(value)
        except ValueError:
            self.fail(f"must be {self.noun} such as {self.example} (got {value!r})", param, ctx)
