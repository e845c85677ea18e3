"""The instance types that moorage knows, and patterns of their names."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable

from moorage.workload.ec2_instances import DATE, InstanceType, instance_types, nearest_names
from moorage.workload.problems import Problems, is_token


def matches(type_: InstanceType, patterns: Iterable[str]) -> bool:
    """Return whether a type matches one of the patterns."""
    return any(fnmatch.fnmatchcase(type_.name, pattern) for pattern in patterns)


def matches_known_type(pattern: str) -> bool:
    """Return whether a type in the data matches a pattern."""
    return any(matches(each, [pattern]) for each in instance_types())


def check_known_type(argument: str, name: str, problems: Problems) -> None:
    """Add a problem for a misspelled type, or warn about a type that may be newer than the data."""
    if is_token(name) or matches_known_type(name):
        return
    family, dot, _ = name.lower().partition(".")
    if "*" not in name and (not dot or any(each.family == family for each in instance_types())):
        patterns = () if argument == "instance_types" else (f"{family}.*",)
        nearest = " or ".join(map(repr, nearest_names(name) or filter(matches_known_type, patterns)))
        problems.add(
            f"{argument} has {name!r}, which is not an instance type (data of {DATE}); use {nearest or 'another type'}"
        )
    else:
        problems.warn(
            f"{argument} has {name!r}, which is not in the data of {DATE}, so moorage cannot check that tasks fit on "
            "this type; check the spelling of the type"
        )
