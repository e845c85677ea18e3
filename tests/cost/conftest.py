"""The assemblies of this repository's environments and examples, each synthesized once in a session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from moorage.assembly.cloud_assembly import Stack, stacks_of
from moorage.prices.book import PriceBook
from tests.conftest import synthesize

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = ("dev", "staging", "production", "tooling")

Synthesized = Callable[[str], tuple[Path, Sequence[Stack]]]
"""A function from the name of an environment or an example to its assembly and stacks."""


@pytest.fixture(scope="session")
def book() -> PriceBook:
    return PriceBook.load()


@pytest.fixture(scope="session")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    found: dict[str, Path] = {}

    def stacks(name: str) -> tuple[Path, Sequence[Stack]]:
        program = ROOT / ("app.py" if name in ENVIRONMENTS else f"examples/{name}.py")
        if program.stem not in found:
            found[program.stem] = tmp_path_factory.mktemp(program.stem)
            synthesize(program, found[program.stem])
        folder = found[program.stem] / (f"assembly-{name}" if name in ENVIRONMENTS else "")
        return folder, stacks_of(folder)

    return stacks
