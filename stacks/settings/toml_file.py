"""A TOML file of settings, read into attrs classes without converting values of another type."""

from __future__ import annotations

import datetime
import difflib
import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType, UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import attrs
import cattrs
from cattrs.errors import (
    AttributeValidationNote,
    BaseValidationError,
    ClassValidationError,
    ForbiddenExtraKeysError,
    IterableValidationError,
    IterableValidationNote,
)
from cattrs.gen import make_dict_structure_fn

from stacks.settings.checks import SettingError, quoted

Settings = TypeVar("Settings")

_BARE_NAME = re.compile(r"[A-Za-z0-9_-]+")
_PLACE = re.compile(r" \(at (line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")
_MAX_SHOWN = 80
_WAYS_OUT = {  # by the first word of the message of tomllib
    "Cannot": "write each table and each setting only once",
    "Invalid": "write texts in quotes, true and false in lower case, and other values as TOML has them",
}
_TYPES = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", dict: "a table"}


class SettingsFileError(SystemExit):
    """An error of a file of settings. It ends the program with its message, without a traceback."""


def read(file: str, kind: type[Settings], *, rest: str) -> Settings:
    """Return the settings in a TOML file.

    Args:
        file: The path of the file.
        kind: The attrs class of the settings. Each field is a table of the file.
        rest: The field with all tables that are not fields themselves, by name.

    Raises:
        SettingsFileError: The file cannot be read, or a setting is unknown, missing or wrong. The error lists all
            problems, each with its line.
    """
    text = _text(file)
    tables = _tables(file, text)
    named = {field.name for field in attrs.fields(kind)} - {rest}  # type: ignore[arg-type]  # it is an attrs class
    content = {name: tables.pop(name) for name in named & tables.keys()}
    try:
        return _Converter().structure({**content, rest: tables}, kind)
    except BaseValidationError as error:
        lines = _lines(text)
        problems = set()
        for setting, problem in _problems(error):
            name = setting[1:] if setting[:1] == (rest,) else setting
            problems.add((_line(name, lines), ".".join(map(_shown_name, name)), problem))
        found = "\n".join(f"{file}:{line}: {' '.join(filter(None, said))}" for line, *said in sorted(problems))
        raise SettingsFileError(found) from None


def _text(file: str) -> str:
    try:
        content = Path(file).read_bytes()
    except OSError as error:
        raise SettingsFileError(
            f"{file} cannot be read ({error.strerror}); write the settings into this file"
        ) from error
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")  # editors on Windows can write a byte order mark
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise SettingsFileError(f"{file}:{line}: is not a text in UTF-8; save the file in UTF-8") from error


def _tables(file: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise SettingsFileError(f"{file} has too many nested values; write each setting into its table") from error
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = _PLACE.search(message)
        line = (place and place["line"]) or text.rstrip("\n").count("\n") + 1
        column = f" (column {place['column']})" if place and place["column"] else ""
        way_out = _WAYS_OUT.get(message.partition(" ")[0], "correct this line")
        raise SettingsFileError(
            f"{file}:{line}: is not valid TOML: {_PLACE.sub('', message)}{column}; {way_out}"
        ) from error
    except ValueError as error:  # a number that Python does not convert
        raise SettingsFileError(f"{file} has a value that cannot be read ({error}); use a smaller number") from error


class _Converter(cattrs.Converter):
    """A converter that reports every value of the wrong type instead of converting it."""

    def __init__(self) -> None:
        super().__init__()
        self.register_structure_hook_factory(attrs.has, self._table_hook)
        for kind in (str, int, float, bool):
            self.register_structure_hook(kind, _of_type)
        self._register_origin(tuple, self._structure_list)
        self._register_origin(Mapping, self._structure_tables)
        self._register_origin(Literal, _structure_choice)
        self.register_structure_hook_func(_is_union_of_tables, self._structure_kind)

    def _register_origin(self, origin: object, hook: Callable[[Any, Any], Any]) -> None:
        self.register_structure_hook_func(lambda kind: bool(get_origin(kind) == origin), hook)

    def _table_hook(self, kind: Any) -> Callable[[Any, Any], Any]:
        structure: Callable[[Any, Any], Any] = make_dict_structure_fn(kind, self, _cattrs_forbid_extra_keys=True)
        return lambda value, _: structure(_of_type(value, dict), kind)

    def _structure_kind(self, value: Any, union: Any) -> Any:
        """Return a table as an instance of the class in a union whose literal field `kind` has the table's `kind`."""
        kinds = {name: each for each in get_args(union) for name in get_args(get_type_hints(each)["kind"])}
        name = _of_type(value, dict).get("kind")
        if not isinstance(name, str) or name not in kinds:
            raise SettingError(f"must be one of {', '.join(kinds)} (got {_shown(name)})", "kind")
        return self.structure(value, kinds[name])

    def _structure_list(self, value: Any, kind: Any) -> tuple[Any, ...]:
        first, *others = get_args(kind)
        kinds = [first] * len(value) if others == [...] and isinstance(value, list) else [first, *others]
        if not isinstance(value, list) or len(value) != len(kinds):
            number = "" if others == [...] else f" of {len(kinds)} items"
            raise SettingError(f"must be a list{number} (got {_shown(value)}){_hint(value, tuple)}")
        repeated = [each for index, each in enumerate(value) if others == [...] and each in value[:index]]
        if repeated:
            raise SettingError(f"must have each item only once (got {_shown(repeated[0])} again); remove one of them")
        return tuple(self.structure(each, each_kind) for each, each_kind in zip(value, kinds, strict=True))

    def _structure_tables(self, value: Any, kind: Any) -> Mapping[str, Any]:
        structured, errors, (_, kind_of_each) = {}, [], get_args(kind)
        for name, each in _of_type(value, dict).items():
            try:
                structured[name] = self.structure(each, kind_of_each)
            except (BaseValidationError, SettingError) as error:
                error.add_note(IterableValidationNote(f"In {name}", name, kind_of_each))
                errors.append(error)
        if errors:
            raise IterableValidationError("table", errors, kind)  # pyright: ignore[reportCallIssue]  # its own __new__
        return MappingProxyType(structured)


def _is_union_of_tables(kind: Any) -> bool:
    return get_origin(kind) is UnionType and all(attrs.has(each) for each in get_args(kind))


def _structure_choice(value: Any, kind: Any) -> Any:
    choices = get_args(kind)
    if value not in choices:
        raise SettingError(f"must be one of {', '.join(choices)} (got {_shown(value)})")
    return value


def _of_type(value: Any, kind: type[Any]) -> Any:
    accepted = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise SettingError(f"must be {_TYPES[kind]} (got {_shown(value)}){_hint(value, kind)}")
    return value


def _hint(value: Any, kind: type[Any]) -> str:
    if kind is str and isinstance(value, (int, float, datetime.date, datetime.time)):
        return "; write it in quotes"
    if kind is tuple and isinstance(value, str):
        return "; write it in brackets"
    if kind is dict and isinstance(value, list) and value and isinstance(value[0], dict):
        return "; write the name of a table in single brackets, such as [dev]"
    return "; write settings below the name of a table, such as [dev], or in braces" if kind is dict else ""


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    is_whole = isinstance(value, (str, list, dict, bool))
    text = json.dumps(value, ensure_ascii=False, default=str) if is_whole else str(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."


def _shown_name(name: str) -> str:
    return name if _BARE_NAME.fullmatch(name) else quoted(name)


def _problems(error: BaseException, setting: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each problem of an error, with its setting as the parts of a name."""
    if isinstance(error, (ClassValidationError, IterableValidationError)):
        noted, others = error.group_exceptions()
        for each, note in noted:
            name = note.name if isinstance(note, AttributeValidationNote) else str(note.index)
            yield from _problems(each, (*setting, name))
        for each in others:
            yield from _problems(each, setting)
    elif isinstance(error, ExceptionGroup):
        for each in error.exceptions:
            yield from _problems(each, setting)
    elif isinstance(error, ForbiddenExtraKeysError):
        names = [field.name for field in attrs.fields(error.cl)]
        for key in sorted(error.extra_fields):
            near = difflib.get_close_matches(key, names, n=1)
            way_out = f"did you mean {near[0]}?" if near else f"the settings are {', '.join(names)}"
            yield (*setting, key), f"is not a setting; {way_out}"
    elif isinstance(error, KeyError):
        yield setting, "is missing; add it"
    else:
        inner = error.setting if isinstance(error, SettingError) else ()
        yield (*setting, *inner), str(error)


def _lines(text: str) -> dict[tuple[str, ...], int]:
    """Return the line of each table and key of a valid TOML file."""
    lines: dict[tuple[str, ...], int] = {}
    parents: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    statement, start = "", 1
    for number, line in enumerate(text.split("\n"), 1):
        statement += f"{line}\n"
        try:
            paths = list(_paths(tomllib.loads(statement)))
        except tomllib.TOMLDecodeError:  # it continues on the next line
            continue
        if statement.lstrip().startswith("["):
            *outer, table = paths
            parents |= {path: start for path in outer if path not in parents}
            lines.setdefault(table, start)
        else:
            lines |= {(*table, *path): start for path in paths if (*table, *path) not in lines}
        statement, start = "", number + 1
    return parents | lines


def _paths(tables: Mapping[str, Any], parent: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the names of each table and key, the outer before the inner."""
    for name, value in tables.items():
        yield (*parent, name)
        if isinstance(value, dict):
            yield from _paths(value, (*parent, name))


def _line(setting: tuple[str, ...], lines: Mapping[tuple[str, ...], int]) -> int:
    """Return the line of a setting, or of the innermost table that should have it."""
    for length in range(len(setting), 0, -1):
        if setting[:length] in lines:
            return lines[setting[:length]]
    return 1
