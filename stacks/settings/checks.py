"""Checks of settings, and the error of a setting."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import attrs
from aws_cdk import region_info

_CHECK = "check"
"""The key of a field's metadata with the function that returns the problem of a value, or None."""


class SettingError(ValueError):
    """A problem of one setting.

    Args:
        problem: The rest of the sentence that begins with the name of the setting.
        setting: The name of the setting within the value, with dots between nested names, or a list of the nested
            names, which can have dots themselves. Default: the value itself.
    """

    def __init__(self, problem: str, setting: str | Sequence[str] = "") -> None:
        super().__init__(problem)
        nested = setting.split(".") if isinstance(setting, str) and setting else setting
        self.setting = tuple(nested)


def raise_all(problems: Sequence[SettingError]) -> None:
    """Raise problems together, as an exception group, if there are any.

    Args:
        problems: The problems.

    Raises:
        ExceptionGroup: There is a problem.
    """
    if problems:
        raise ExceptionGroup("settings", problems)


def problems_of(error: ValueError) -> list[str]:
    """Return the problems that moorage lists in one error, without the name of the value that has them.

    Args:
        error: The error of a value, such as a capacity.
    """
    first, *listed = str(error).split("\n  - ")
    return listed or [first.partition(": ")[2] or first]


def quoted(text: str) -> str:
    """Return a text as TOML has it, on one line."""
    return json.dumps(text, ensure_ascii=False)


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
            if not re.fullmatch(pattern, each, re.ASCII):
                return f'must be {description} (got {quoted(each)}); for example "{example}"'
        return None

    return {_CHECK: check}


A_HOST = matches(
    r"(?=.{1,128}$)([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]+", "a host name in lower case", "shop.example.com"
)
"""The metadata of a host name."""


def _check_region(value: str | None) -> str | None:
    names = [each.name for each in region_info.RegionInfo.regions]
    if value is None or value in names:
        return None
    near = difflib.get_close_matches(value, names, n=1) or ["eu-west-1"]
    way_out = f'for example "{near[0]}", or update aws-cdk-lib for a region that is new'
    return f"must be the name of a region (got {quoted(value)}); {way_out}"


A_REGION = {_CHECK: _check_region}
"""The metadata of the name of a region that CDK knows."""


def differ_in_partition(*regions: str | None) -> bool:
    """Return whether regions are in different partitions of AWS. A region that is not set can be in any partition."""
    partitions = {region_info.RegionInfo.get(each).partition for each in regions if each}
    return len(partitions - {None}) > 1


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
