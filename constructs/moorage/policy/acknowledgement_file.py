"""The file in which a team keeps its acknowledgements of policy findings."""

from __future__ import annotations

import datetime
import difflib
import os
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from moorage.assembly.stack_traces import Line
from moorage.policy.acknowledgements import ENGINES, Acknowledgement
from moorage.policy.issues import NAG_PACKS, OWN_NAMESPACE, issues
from moorage.policy.violation import PolicyError

FILE = Path("acknowledged.toml")
"""The file that is read by default, in the current folder."""
_TABLE = "acknowledged"
_HEADER = re.compile(rf"\s*\[\[\s*{_TABLE}\s*\]\]")
_KEYS = ("id", "path", "reason", "until")
_IN_PACK = re.compile(rf"(?:\w+:)?(?:{'|'.join(map(re.escape, NAG_PACKS))})-(?P<rule>\S+)")
"""A rule of cdk-nag with its pack, such as `AwsSolutions-SQS3`."""


def read(file: Path | None, root: Path | None = None) -> tuple[Acknowledgement, ...]:
    """Return the acknowledgements in a file; none if `file` is None and `acknowledged.toml` does not exist.

    Args:
        file: The TOML file. Each acknowledgement is a table `[[acknowledged]]` with `id`, `path`, `reason` and,
            optionally, `until`. None for `acknowledged.toml` in the current folder, if it exists.
        root: The folder to which the path of the file becomes relative in `place`, if the file is in that folder.
            Default: None; the path does not change.

    Raises:
        PolicyError: The file cannot be read, is not valid TOML or has other contents, or an entry has a missing or
            unknown key, an unknown rule or a wrong value. The error lists all problems of the entries, each with its
            line.
    """
    if file is None and not os.path.lexists(FILE):
        return ()
    path = file or FILE
    here = path.absolute()
    place = here.relative_to(root).as_posix() if root and here.is_relative_to(root) else str(path)
    return parse(path, str(path), place)


def parse(file: Path, name: str, place: str) -> tuple[Acknowledgement, ...]:
    """Return the acknowledgements in a file, as `read` does.

    Args:
        file: The TOML file.
        name: The name of the file in errors.
        place: The path of the file for `place` of each acknowledgement.

    Raises:
        PolicyError: The same as for `read`.
    """
    try:
        text = file.read_text("utf-8-sig")  # editors on Windows can write a byte order mark
        content = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise PolicyError(f"{name} cannot be read ({reason}); name another file of acknowledgements") from error
    except RecursionError as error:
        raise PolicyError(f"{name} is not valid TOML: it is nested too deeply") from error
    except ValueError as error:  # also of a number with thousands of digits
        raise PolicyError(f"{name} is not valid TOML: {error}") from error
    entries = content.get(_TABLE, [])
    if set(content) - {_TABLE} or not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        others = ", ".join(sorted(set(content) - {_TABLE})) or f"{_TABLE} = {entries!r}"
        raise PolicyError(f"{name} must contain only tables [[{_TABLE}]] (got {others}); remove everything else")
    numbers = [number for number, line in enumerate(text.splitlines(), 1) if _HEADER.match(line)]
    if len(numbers) != len(entries):  # the tables are written in another way, as an array
        numbers = [1] * len(entries)
    problems = [
        f"{name}:{number}: {problem}"
        for number, entry in zip(numbers, entries, strict=True)
        for problem in _problems(entry)
    ]
    if problems:
        raise PolicyError("\n".join(problems))
    return tuple(
        Acknowledgement(**entry, place=Line(place, number)) for number, entry in zip(numbers, entries, strict=True)
    )


def _problems(entry: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(entry.keys() - set(_KEYS)):
        yield f"{key} is not a key of an acknowledgement; use only {', '.join(_KEYS)}"
    for key in _KEYS:
        value = entry.get(key)
        if key == "until":
            if value is not None and (not isinstance(value, datetime.date) or isinstance(value, datetime.datetime)):
                shown = repr(value) if isinstance(value, str) else value
                yield f"until must be a date without quotes (got {shown}); write a date such as until = 2027-01-31"
        elif not isinstance(value, str) or not value.strip():
            said = "is missing" if value is None else f"must be a string that is not empty (got {value!r})"
            yield f'{key} {said}; write {key} = "..."'
        elif key == "path" and value != value.strip("/"):
            yield f'path must not begin or end with "/" (got {value!r}); write path = "{value.strip("/") or "*"}"'
        elif key == "id" and not _is_known(value):
            yield f"{value} is not a known issue or rule; {_way_out(value)}"


def _is_known(name: str) -> bool:
    if name in issues():
        return True
    engine, _, rule = name.partition(":")
    if not rule or rule.startswith((":", " ")) or _IN_PACK.fullmatch(name):
        return False
    if engine not in ENGINES:  # a plugin of the app; its entry is stale if the plugin reports nothing
        return engine not in (OWN_NAMESPACE, *NAG_PACKS)
    known = _rules(engine)
    return not known or rule in known


def _rules(engine: str) -> Collection[str]:
    """Return the rules of an engine; empty for checkov and cdk-nag, whose rules are not known here."""
    if engine == "guard":
        from moorage.policy import guard  # noqa: PLC0415  # loads 237 rules

        return guard.rules()
    if engine == "cfn-lint":
        from moorage.policy import cloudformation_lint  # noqa: PLC0415  # slow; needed only for its own rules

        return cloudformation_lint.rules()
    return ()


def _way_out(name: str) -> str:
    """Return the hint for an unknown ID: the ID that is probably meant, or the form of an ID."""
    namespace, _, acknowledged = name.partition("::")  # as in CDK's own acknowledgements
    if packed := _IN_PACK.fullmatch(acknowledged or name):
        return f"did you mean nag:{packed['rule']}?"
    if acknowledged:
        return f"did you mean {acknowledged if namespace == OWN_NAMESPACE else f'{namespace}:{acknowledged}'}?"
    engine, _, rule = name.partition(":")
    if rule and engine in (OWN_NAMESPACE, *NAG_PACKS):
        return f"did you mean {rule if engine == OWN_NAMESPACE else f'nag:{rule}'}?"
    if near := difflib.get_close_matches(rule or name, _rules(engine) if rule else issues(), n=1):
        return f"did you mean {f'{engine}:{near[0]}' if rule else near[0]}?"
    return f"write the name of an issue, or a rule with its engine ({', '.join(ENGINES)}): nag:ECS4"
