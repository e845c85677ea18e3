"""The tables of docs/reference/features.md contain only public names, and programs that use them."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import attrs
import pytest

import moorage

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "features.md"
NAMED = re.compile(r"`([\w.]+)(?:\(([\w=, ]*)\))?`")
NO_NAMES = {"None"}


@attrs.frozen
class Row:
    """A row of the tables: a feature, the public names for it, and the programs that show it."""

    what: str
    here: str
    programs: tuple[Path, ...]

    @property
    def named(self) -> list[tuple[str, tuple[str, ...]]]:
        """The public names for the feature, each with its arguments."""
        found = NAMED.findall(self.here)
        return [(name, tuple(re.findall(r"(\w+)=", given))) for name, given in found if name not in NO_NAMES]

    @property
    def source(self) -> str:
        return "\n".join(path.read_text() for path in self.programs)


def rows() -> list[Row]:
    found = []
    for line in re.findall(r"^\| (?!feature |-)(.*) \|$", PAGE.read_text(), re.MULTILINE):
        what, here, programs = (cell.strip() for cell in f"{line} ".split(" | "))
        links = re.findall(r"\((\.\./\.\./examples/\w+\.py)\)", programs)
        found.append(Row(what, here, tuple((PAGE.parent / link).resolve() for link in links)))
    return found


ROWS = rows()


def looked_up(name: str) -> Any:
    """Return the object of a name in the tables: moorage's, or CDK's with its module before it."""
    first, *rest = name.split(".")
    found = getattr(moorage, first) if first in moorage.__all__ else importlib.import_module(f"aws_cdk.aws_{first}")
    for each in rest:
        found = getattr(found, each) if hasattr(found, each) else None
    return found


def arguments_of(found: Any) -> set[str]:
    return set(inspect.signature(found.__init__ if inspect.isclass(found) else found).parameters)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.what)
def test_the_names_of_a_row_are_public(row: Row) -> None:
    for name, given in row.named:
        found = looked_up(name)
        assert found is not None, name
        assert not given or set(given) <= arguments_of(found), (name, given)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.what)
def test_the_names_of_a_row_are_used_by_its_programs(row: Row) -> None:
    assert all(path.is_file() for path in row.programs)
    assert row.programs or row.here.startswith("—")
    for name, given in row.named:
        assert re.search(rf"\b{name.split('.')[-1]}\b", row.source), name
        for argument in given:
            assert re.search(rf"\b{argument}=", row.source), argument


def test_every_program_is_in_a_row() -> None:
    assert {path for row in ROWS for path in row.programs} == set((ROOT / "examples").glob("*.py"))
