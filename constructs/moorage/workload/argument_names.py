"""The problems of a call whose arguments have wrong names, are missing or are too many."""

from __future__ import annotations

import difflib
import functools
import inspect
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from moorage.workload.equivalents import instance_type
from moorage.workload.type_problems import with_import

_CDK_NAMES = Path(__file__).with_name("cdk_names.toml")
_SIMILAR = 0.7
"""The least similarity of a misspelled name, in the measure of `difflib`."""
_SIMILAR_WORDS = 0.8
"""The least similarity of the words that only one of the names has, since `host_header` does not mean `http_header`. If
only one name has such words, the least similarity of the names, since `event_bus` does not mean `event`."""
_OWN = ("self", "cls")
_BY_POSITION = inspect.Parameter.POSITIONAL_OR_KEYWORD


def unknown_names(function: Callable[..., Any], subject: str, given: Mapping[str, Any]) -> list[str]:
    """Return the problems of arguments that a function does not have.

    Args:
        function: The function.
        subject: The public name of the function, such as `Service` or `Rollout.rolling`.
        given: The arguments by name. Only numbers and booleans are shown, since other values may be secret.
    """
    parameters = inspect.signature(function).parameters
    if any(each.kind is each.VAR_KEYWORD for each in parameters.values()):
        return []
    rest = _rest_of(parameters.values())
    unknown = [name for name in given if name not in parameters or name == rest]
    known = {name: _as_written(subject, each, parameters) for name, each in parameters.items() if name not in _OWN}
    return [f"{subject}() takes no {name}; {_way_out(subject, name, given[name], known)}" for name in unknown]


def _rest_of(parameters: Iterable[inspect.Parameter]) -> str | None:
    return next((each.name for each in parameters if each.kind is each.VAR_POSITIONAL), None)


def _as_written(subject: str, parameter: inspect.Parameter, parameters: Mapping[str, inspect.Parameter]) -> str:
    """Return the question or hint that names a parameter. `*containers` has no name in calls."""
    if parameter.kind is not parameter.VAR_POSITIONAL:
        return f"did you mean {parameter.name}=?"
    before = [name for name, each in parameters.items() if each.kind is _BY_POSITION and name not in _OWN]
    return f"use {subject}({', '.join((*before, parameter.name.removesuffix('s'), '...'))})"


def _way_out(subject: str, name: str, value: Any, known: Mapping[str, str]) -> str:
    texts = names_of_cdk().get(subject, {})
    instead = texts.get(f"{name}={value!r}" if isinstance(value, int) else name) or texts.get(name)
    if instead:
        return with_import(instead.replace("VALUE", _shown(value)))
    similar = max(known, key=functools.partial(_similarity, name), default="")
    if _similarity(name, similar):
        return known[similar]
    longer = [each for each in known if "_" in name and each.startswith(f"{name}_")]
    return known[longer[0]] if len(longer) == 1 else f"see help(moorage.{subject})"


def _shown(value: Any) -> str:
    """Return a number, a boolean or the type of an instance as code. Other values may be secret."""
    if isinstance(value, (bool, int)):
        return repr(value)
    return repr(found) if (found := instance_type(value)) else "..."


def _similarity(name: str, known: str) -> float:
    """Return the similarity of two names, or 0 if their meanings differ."""
    names, knowns = name.split("_"), known.split("_")
    words = "_".join(each for each in names if each not in knowns)
    others = "_".join(each for each in knowns if each not in names)
    similarity = _ratio(name, known)
    of_words = _ratio(words, others) if words and others else similarity
    return similarity if similarity >= _SIMILAR and of_words >= _SIMILAR_WORDS else 0


def _ratio(text: str, other: str) -> float:
    return difflib.SequenceMatcher(None, text, other).ratio()


def names_of_cdk() -> Mapping[str, Mapping[str, str]]:
    """Return what moorage has in place of the arguments of CDK, by the public name of the function."""
    return _table("group")


def attributes_of_cdk() -> Mapping[str, Mapping[str, str]]:
    """Return what moorage has in place of the methods and members of CDK's classes, by the public name of the class."""
    return _table("attribute")


def _table(key: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for group in tomllib.loads(_CDK_NAMES.read_text("utf-8"))[key]:
        for owner in group["of"]:
            found.setdefault(owner, {}).update(group["names"])
    return found


def binding_problems(
    function: Callable[..., Any],
    subject: str,
    args: tuple[Any, ...],
    names: Collection[str],
    hint: Callable[[str, str, str], str],
) -> dict[str, str]:
    """Return the problems of arguments that Python cannot bind to the parameters of a function, each by its argument.

    Args:
        function: The function.
        subject: The public name of the function.
        args: The arguments by position.
        names: The names of the other arguments. Names that the function does not have are ignored.
        hint: A function from the public name, an argument and its annotation to the way out.
    """
    parameters = inspect.signature(function).parameters.values()
    by_position = [each.name for each in parameters if each.kind is _BY_POSITION]
    filled = by_position[: len(args)]
    problems = {
        name: f"{name} is given twice, by position and by name; use it once" for name in filled if name in names
    }
    if len(args) > len(by_position) and not any(each.kind is each.VAR_POSITIONAL for each in parameters):
        own = len(set(by_position) & set(_OWN))
        allowed = len(by_position) - own
        problems[""] = (
            f"{subject}() takes {allowed} argument{'' if allowed == 1 else 's'} by position (got {len(args) - own}); "
            "use names for the others"
        )
    missing = [each for each in parameters if _is_required(each) and each.name not in {*filled, *names, *_OWN}]
    return problems | {
        each.name: f"{each.name}= is required; use {hint(subject, each.name, str(each.annotation))}" for each in missing
    }


def _is_required(parameter: inspect.Parameter) -> bool:
    return parameter.default is parameter.empty and parameter.kind in {_BY_POSITION, parameter.KEYWORD_ONLY}
