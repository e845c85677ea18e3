"""Public names that changed are gone, and the new ones exist."""

from __future__ import annotations

import ast
import inspect
import textwrap
import tomllib
from pathlib import Path

import pytest

import moorage

ROOT = Path(__file__).resolve().parents[2]
RENAMES = tomllib.loads((ROOT / "tools" / "renames.toml").read_text())
MEMBERS = [(word, old, new) for word, names in RENAMES["members"].items() for old, new in names.items()]
ARGUMENTS = [(word, old, new) for word, names in RENAMES["arguments"].items() for old, new in names.items()]


@pytest.mark.parametrize(("old", "new"), RENAMES["names"].items())
def test_a_renamed_class_has_only_its_new_name(old: str, new: str) -> None:
    assert new in moorage.__all__
    assert not hasattr(moorage, old)


@pytest.mark.parametrize(("word", "old", "new"), ARGUMENTS)
def test_a_renamed_argument_has_only_its_new_name(word: str, old: str, new: str) -> None:
    arguments = inspect.signature(getattr(moorage, word).__init__).parameters
    assert new in arguments
    assert old not in arguments


@pytest.mark.parametrize(("word", "old", "new"), MEMBERS)
def test_a_member_that_became_internal_has_only_its_new_name(word: str, old: str, new: str) -> None:
    assert old not in members(getattr(moorage, word))
    assert new == "" or new in members(getattr(moorage, word))


def members(class_: type) -> set[str]:
    """Return the methods and attributes of a class and of its base classes in this package."""
    names: set[str] = set()
    for base in (each for each in class_.__mro__ if each.__module__.startswith("moorage.")):
        for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(base)))):
            match node:
                case ast.FunctionDef(name=name) | ast.AnnAssign(target=ast.Name(id=name)):
                    names.add(name)
                case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
                    names.add(name)
    return names
