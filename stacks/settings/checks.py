"""Checks of settings, and the error of a setting."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import attrs

_CHECK = "check"
"""The key of a field's metadata with the function that returns the problem of a value, or None."""


class SettingError(ValueError):
    """A problem of one setting.

    Args:
        problem: The rest of the sentence that begins with the name of the setting.
        setting: The name of the setting within the value, with dots between nested names. Default: the value itself.
    """

    def __init__(self, problem: str, setting: str = "") -> None:
        super().__init__(problem)
        self.setting = setting


def raise_all(problems: Sequence[SettingError]) -> None:
    """Raise problems together, as an exception group, if there are any.

    Args:
        problems: The problems.

    Raises:
        ExceptionGroup: There is a problem.
    """
    if problems:
        raise ExceptionGroup("settings", problems)


def between(least: float, most: float) -> dict[str, Any]:
    """Return the metadata of a number, or of numbers, within two bounds."""

    def check(value: Any) -> str | None:
        numbers = value if isinstance(value, tuple) else (value,)
        shown = list(value) if isinstance(value, tuple) else value
        is_within = all(least <= each <= most for each in numbers)
        return None if is_within else f"must be between {least} and {most} (got {shown})"

    return {_CHECK: check}


def matches(pattern: str, description: str, example: str) -> dict[str, Any]:
    """Return the metadata of a text, or of texts, that match a pattern."""

    def check(value: str | Sequence[str] | None) -> str | None:
        for each in [value] if isinstance(value, str) else value or ():
            if not re.fullmatch(pattern, each):
                return f'must be {description} (got "{each}"); for example "{example}"'
        return None

    return {_CHECK: check}


A_REGION = matches(r"[a-z]{2}(-[a-z]+)+-\d", "the name of a region", "eu-west-1")


@attrs.frozen(kw_only=True)
class Settings:
    """Values that raise all problems of their settings together, as an exception group of `SettingError`s."""

    def __attrs_post_init__(self) -> None:
        problems = []
        for field in attrs.fields(type(self)):
            check: Callable[[Any], str | None] | None = field.metadata.get(_CHECK)
            if check and (problem := check(getattr(self, field.name))):
                problems.append(SettingError(problem, field.name))
        raise_all([*problems, *self._problems()])

    def _problems(self) -> Iterator[SettingError]:
        """Yield the problems that are not those of a single setting."""
        return iter(())
