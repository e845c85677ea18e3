"""Public names that changed are gone, and the new ones exist."""

from __future__ import annotations

import inspect
import re
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
    sources = "".join(
        inspect.getsource(base) for base in getattr(moorage, word).__mro__ if base.__module__.startswith("moorage.")
    )
    assert not re.search(rf"def {old}\(|self\.{old}\b[^(.]* = |^    {old}: ", sources, re.MULTILINE)
    assert new == "" or re.search(rf"def {new}\(|self\.{new}\b|^    {new}\b", sources, re.MULTILINE)
