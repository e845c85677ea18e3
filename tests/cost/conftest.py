"""The assemblies of this repository's environments and examples, which all tests of a session share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from moorage.assembly.cloud_assembly import Stack, stacks_of
from moorage.prices.book import PriceBook

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = ("dev", "staging", "production", "tooling")

Synthesized = Callable[[str], tuple[Path, Sequence[Stack]]]
"""A function from the name of an environment or an example to its assembly and stacks."""


@pytest.fixture(scope="session")
def book() -> PriceBook:
    return PriceBook.load()


@pytest.fixture(scope="session")
def synthesized(programs: Path) -> Synthesized:
    def stacks(name: str) -> tuple[Path, Sequence[Stack]]:
        folder = programs / "out" / (f"app/assembly-{name}" if name in ENVIRONMENTS else f"example {name}")
        return folder, stacks_of(folder)

    return stacks
