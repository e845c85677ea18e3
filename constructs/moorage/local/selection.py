"""The stacks that a command of the local AWS selects, by the patterns that the user gives."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence

from moorage.assembly.cloud_assembly import Stack
from moorage.local.process import LocalError


def chosen_stacks(stacks: Sequence[Stack], patterns: Sequence[str]) -> tuple[Stack, ...]:
    """Return the stacks that match the patterns and the stacks that they depend on, in deployment order."""
    names = named_stacks(stacks, patterns)
    for stack in reversed(stacks):
        if stack.name in names:
            names |= set(stack.needs)
    return tuple(stack for stack in stacks if stack.name in names)


def with_dependents(stacks: Sequence[Stack], names: set[str]) -> tuple[Stack, ...]:
    """Return the named stacks and the stacks that depend on them, which must also be deleted."""
    for stack in stacks:
        if names & set(stack.needs):
            names.add(stack.name)
    return tuple(stack for stack in stacks if stack.name in names)


def named_stacks(stacks: Sequence[Stack], patterns: Sequence[str]) -> set[str]:
    """Return the names of the stacks whose paths match a pattern; the names of all stacks if there is no pattern."""
    named = {
        stack.name
        for stack in stacks
        if not patterns or any(fnmatch.fnmatch(stack.path, pattern) for pattern in patterns)
    }
    if stacks and not named:
        paths = ", ".join(stack.path for stack in stacks)
        raise LocalError(f"no stack matches {' or '.join(patterns)}; the paths of the app's stacks are {paths}")
    return named
