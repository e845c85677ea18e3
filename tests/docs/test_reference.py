"""The reference has every public name, with the arguments and defaults that Python says."""

from __future__ import annotations

import ast
import datetime as dt
import enum
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import moorage
import moorage.policy
import moorage.testing
from tools.docs import api, tables
from tools.docs.pages import ROOT
from tools.docs.reference import REFERENCE, generated

GENERATED = dict(generated())
VALUES = [name for name in moorage.__all__ if not issubclass(getattr(moorage, name), enum.Enum)]


@pytest.mark.parametrize("path", GENERATED, ids=lambda path: str(path.relative_to(REFERENCE)))
def test_a_generated_page_is_up_to_date(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == GENERATED[path], f"{path.relative_to(ROOT)}: run `make reference`"


def test_every_public_name_is_on_one_page() -> None:
    listed = [name for group in api.GROUPS.values() for name in group.names]
    assert sorted(listed) == list(moorage.__all__)


@pytest.mark.parametrize("name", VALUES)
def test_a_page_has_the_arguments_and_defaults_of_the_signature(name: str) -> None:
    page = GENERATED[REFERENCE / "api" / f"{api.PAGE_OF[name]}.md"]
    (section,) = re.findall(rf"^## {name}$(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL)
    documented = list(declarations(section))
    parameters = inspect.signature(getattr(moorage, name)).parameters
    assert [each for each, _ in documented] == list(parameters)
    for argument, default in documented:
        assert is_default(default, parameters[argument].default), argument


def declarations(section: str) -> Iterator[tuple[str, str | None]]:
    """Yield each argument of a section, and the text of its default."""
    for listed in re.findall(r"^\*\*(?:Keyword a|A)rguments\*\*\n\n((?:- .*\n)+)", section, re.MULTILINE):
        for declared in re.findall(r"^- `(.*?)`(?=:| See|$)", listed, re.MULTILINE):
            name = re.match(r"\**(\w+)", declared)
            assert name
            _, _, default = declared.partition(" = ")
            yield name[1], default or None


def is_default(text: str | None, value: Any) -> bool:
    """Tell whether a page shows a default: a literal or a member as Python writes it, `...` for anything else."""
    if text is None:
        return value is inspect.Parameter.empty
    if isinstance(value, dt.timedelta):
        return bool(eval(text, {"timedelta": dt.timedelta}) == value)  # noqa: S307  # of our own page
    if text == "...":
        return not isinstance(value, str | int | float | bool | None)
    if isinstance(value, enum.Enum):
        return text.endswith(f"{type(value).__name__}.{value.name}")
    return bool(ast.literal_eval(text) == value)


@pytest.mark.parametrize("name", VALUES)
def test_every_argument_has_a_docstring(name: str) -> None:
    word = getattr(moorage, name)
    meanings = api.arguments_of(word)
    missing = [argument for argument in inspect.signature(word).parameters if not meanings.get(argument)]
    assert missing == [], place_of(word)
    assert list(undocumented_members(word)) == [], place_of(word)


@pytest.mark.parametrize(
    ("module", "name"),
    [(module, name) for module in (moorage.policy, moorage.testing) for name in module.__all__],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_the_page_of_a_module_has_its_names_and_arguments(module: ModuleType, name: str) -> None:
    page = GENERATED[REFERENCE / "api" / f"{module.__name__.rpartition('.')[2]}.md"]
    (section,) = re.findall(rf"^## {name}$(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL)
    word = getattr(module, name)
    parameters = inspect.signature(word).parameters if inspect.isfunction(word) else {}
    documented = dict(declarations(section))
    assert list(documented) == list(parameters)
    for argument, default in documented.items():
        assert is_default(default, parameters[argument].default), argument
        assert api.doc_of(word).arguments[argument]


def undocumented_members(word: type) -> Iterator[str]:
    """Yield each public method that has an argument without a meaning."""
    for name, owner in api.members(word).items():
        member = vars(owner)[name]
        function = member.__func__ if isinstance(member, classmethod | staticmethod) else member
        if inspect.isfunction(function):
            named = set(inspect.signature(function).parameters) - {"self", "cls"}
            if not named <= {argument for argument, meaning in api.doc_of(function).arguments.items() if meaning}:
                yield f"{word.__name__}.{name}"


def place_of(subject: Callable[..., Any]) -> str:
    """Return the file and the line that define a class."""
    _, line = inspect.getsourcelines(subject)
    return f"{inspect.getsourcefile(subject)}:{line}"


def test_every_warning_has_a_text() -> None:
    assert {name for name, texts in tables.warnings().items() if not texts} == set()
    assert len(tables.warnings()) > 20


def test_no_title_has_the_anchor_of_a_public_name() -> None:
    """A link to `scaling.md#scaling` would lead to the first heading of that name."""
    assert not {group.title.lower() for group in api.GROUPS.values()} & {name.lower() for name in moorage.__all__}
