"""The tables of docs/reference/features.md contain only public names, and programs that use them."""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import re
from collections import defaultdict
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
    def uses(self) -> dict[str, set[str]]:
        """The names that the programs use, each with the arguments that they give it."""
        found: dict[str, set[str]] = defaultdict(set)
        for path in self.programs:
            for name, arguments in used(path).items():
                found[name] |= arguments
        return found


@functools.cache
def used(path: Path) -> dict[str, set[str]]:
    """Return the names that a program refers to, each with the keyword arguments of its calls."""
    found: dict[str, set[str]] = defaultdict(set)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Name | ast.Attribute):
            found[_last(node)] |= set()
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            found[_last(node.func)] |= {keyword.arg for keyword in node.keywords if keyword.arg}
    return found


def _last(node: ast.Name | ast.Attribute) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr


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
    uses = row.uses
    for name, given in row.named:
        last = name.rpartition(".")[2]
        assert last in uses, name
        assert set(given) <= uses[last], name


def test_every_program_is_in_a_row() -> None:
    assert {path for row in ROWS for path in row.programs} == set((ROOT / "examples").glob("*.py"))
