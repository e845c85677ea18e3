"""The note of `diff` about stacks that are not deployed."""

from __future__ import annotations

import pytest

from moorage.assembly.cloud_assembly import Stack
from moorage.local.standing import undeployed_note


def stacks(*paths: str) -> list[Stack]:
    return [Stack(path.replace("/", "-"), path, None, None, {}, ()) for path in paths]


def test_deployed_stacks_are_not_named() -> None:
    assert [*undeployed_note(stacks("dev/Web", "dev/Gone"), stacks("dev/Web"))] == []


@pytest.mark.parametrize(
    ("count", "named"),
    [(1, "a/0. "), (5, "a/0, a/1, a/2, a/3, a/4. "), (6, "a/0, a/1, a/2, a/3, a/4 and 1 more. ")],
)
def test_stacks_that_are_not_deployed_are_named(count: int, named: str) -> None:
    (note,) = undeployed_note(stacks("dev/Web"), stacks("dev/Web", *(f"a/{index}" for index in range(count))))
    assert note == (
        f"Not deployed, and shown as added: {named}To leave them out, name deployed stacks, such as dev/Web."
    )
