"""The description of all environments, and its file."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin, get_type_hints

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

from stacks.settings import CapacitySettings, EnvironmentSettings, SettingError, ToolingSettings

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_TABLE = re.compile(r"""\s*\[(?P<name>[\w."'-]+)\]""")
_KEY = re.compile(r"""\s*(?P<name>[\w."'-]+)\s*=""")
_KINDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", dict: "a table"}


class DescriptionError(SystemExit):
    """An error of the description. It ends the program with its message, without a traceback."""


@attrs.frozen
class Description:
    """The description of all environments.

    Args:
        environments: The settings of each environment, by name.
        tooling: The settings of the account of the company's tools. Default: none.
    """

    environments: Mapping[str, EnvironmentSettings]
    tooling: ToolingSettings | None = None

    def __attrs_post_init__(self) -> None:
        problems = [*self._name_problems(), *self._replication_problems(), *self._domain_problems()]
        if problems:
            raise ExceptionGroup("settings", problems)

    @staticmethod
    def read(file: str) -> Description:
        """Read a description from a TOML file.

        Args:
            file: The path of the file. Its table `[tooling]` has the settings of the company's tools, and each other
                table those of an environment.

        Raises:
            DescriptionError: If the file cannot be read, or a setting is unknown, missing or wrong. The error lists all
                problems, each with its line.
        """
        try:
            text = Path(file).read_text("utf-8-sig")  # editors on Windows can write a byte order mark
            environments = tomllib.loads(text)
        except OSError as error:
            raise DescriptionError(f"{file} cannot be read ({error.strerror}); describe the environments in it") from error
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise DescriptionError(f"{file} is not valid TOML: {error}") from error
        tooling = environments.pop("tooling", None)
        try:
            return _converter().structure({"environments": environments, "tooling": tooling}, Description)
        except BaseValidationError as error:
            lines = _lines(text)
            found = {(_line(setting, lines), ".".join(setting), problem) for setting, problem in _problems(error)}
            message = "\n".join(f"{file}:{line}: {setting} {problem}" for line, setting, problem in sorted(found))
            raise DescriptionError(message) from None

    @property
    def destinations(self) -> Mapping[str, EnvironmentSettings]:
        """The environments to whose registries images are replicated, by name."""
        names = self.tooling.registry.replicates_to if self.tooling else ()
        return {name: self.environments[name] for name in names}

    def _name_problems(self) -> Iterator[SettingError]:
        if not self.environments:
            yield SettingError("must have a table for at least one environment, such as [dev]")
        for name in self.environments:
            if not _NAME.fullmatch(name):
                yield SettingError("must have a name of letters, digits and hyphens that begins with a letter", name)

    def _replication_problems(self) -> Iterator[SettingError]:
        tooling_place = self.tooling.place if self.tooling else None
        owners: dict[tuple[str, str] | None, str] = {None: "", tooling_place: ""}
        for name in self.tooling.registry.replicates_to if self.tooling else ():
            problem = None
            if name not in self.environments:
                problem = f'must have names of environments (got "{name}"); use {", ".join(self.environments)}'
            elif owner := owners.setdefault(self.environments[name].place, name):
                if owner != name:
                    problem = (
                        f'must not have both "{owner}" and "{name}", which are in one account and region and would '
                        "both define its registry; remove one of them"
                    )
            if problem:
                yield SettingError(problem, "tooling.registry.replicates_to")

    def _domain_problems(self) -> Iterator[SettingError]:
        owners: dict[str, str] = {}
        for name, settings in self.environments.items():
            domain = settings.entrance.domain
            if domain and (owner := owners.setdefault(domain, name)) != name:
                yield SettingError(f'must not be that of {owner} (got "{domain}")', f"{name}.entrance.domain")


def _converter() -> cattrs.Converter:
    """Return a converter of TOML's values that accepts only values of the right type, and no unknown keys."""
    converter = cattrs.Converter()

    @converter.register_structure_hook_factory(attrs.has)
    def structure_table(cls: type[Any]) -> Any:
        structure = make_dict_structure_fn(cls, converter, _cattrs_forbid_extra_keys=True)
        return lambda value, _: structure(_of_type(value, dict), cls)

    def structure_items(value: Any, kind: Any) -> Any:
        kinds = get_args(kind)
        if not isinstance(value, list) or (... not in kinds and len(value) != len(kinds)):
            number = "" if ... in kinds else f"of {len(kinds)} items "
            raise SettingError(f"must be a list {number}(got {_shown(value)})")
        return tuple(
            converter.structure(each, kinds[0] if ... in kinds else kinds[index]) for index, each in enumerate(value)
        )

    def structure_literal(value: Any, kind: Any) -> Any:
        if value not in get_args(kind):
            raise SettingError(f"must be one of {', '.join(get_args(kind))} (got {_shown(value)})")
        return value

    def structure_capacity(value: Any, _: Any) -> Any:
        classes = {name: each for each in get_args(CapacitySettings) for name in get_args(get_type_hints(each)["kind"])}
        kind = _of_type(value, dict).get("kind")
        if kind not in classes:
            raise SettingError(f"must be one of {', '.join(classes)} (got {_shown(kind)})", "kind")
        return converter.structure(value, classes[kind])

    def structure_mapping(value: Any, kind: Any) -> Any:
        structured, errors, (_, kind_of_each) = {}, [], get_args(kind)
        for name, each in _of_type(value, dict).items():
            try:
                structured[name] = converter.structure(each, kind_of_each)
            except (BaseValidationError, SettingError) as error:
                error.add_note(IterableValidationNote(f"In {name}", name, kind_of_each))
                errors.append(error)
        if errors:
            raise IterableValidationError("table", errors, kind)
        return MappingProxyType(structured)

    for each in (str, int, float, bool):
        converter.register_structure_hook(each, _of_type)
    converter.register_structure_hook_func(lambda kind: get_origin(kind) is tuple, structure_items)
    converter.register_structure_hook_func(lambda kind: get_origin(kind) is Literal, structure_literal)
    converter.register_structure_hook_func(lambda kind: get_origin(kind) is Mapping, structure_mapping)
    converter.register_structure_hook_func(lambda kind: kind == CapacitySettings, structure_capacity)
    return converter


def _of_type(value: Any, kind: type[Any]) -> Any:
    accepted = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        hint = "; write it in quotes" if kind is str and isinstance(value, (int, float)) else ""
        raise SettingError(f"must be {_KINDS[kind]} (got {_shown(value)}){hint}")
    return value


def _shown(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def _problems(error: Exception, setting: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each problem of an error, with its setting as the parts of a name."""
    if isinstance(error, (ClassValidationError, IterableValidationError)):
        noted, others = error.group_exceptions()
        for each, note in noted:
            name = note.name if isinstance(note, AttributeValidationNote) else str(note.index)
            is_outermost = error.cl is Description and name == "environments"  # its tables are the file's own
            yield from _problems(each, setting if is_outermost else (*setting, name))
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
        yield setting, "is missing; set it"
    else:
        name = error.setting.split(".") if isinstance(error, SettingError) and error.setting else ()
        yield (*setting, *name), str(error)


def _lines(text: str) -> dict[tuple[str, ...], int]:
    """Return the line of each table and key of a TOML file."""
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if found := _TABLE.match(line):
            table = _parts(found["name"])
            lines.setdefault(table, number)
        elif found := _KEY.match(line):
            lines.setdefault((*table, *_parts(found["name"])), number)
    return lines


def _parts(name: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in name.split("."))


def _line(setting: tuple[str, ...], lines: Mapping[tuple[str, ...], int]) -> int:
    """Return the line of a setting, or of the innermost table that should have it."""
    for length in range(len(setting), 0, -1):
        if setting[:length] in lines:
            return lines[setting[:length]]
    return 1
