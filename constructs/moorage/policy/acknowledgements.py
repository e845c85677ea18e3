"""The policy findings that a team has acknowledged: in one file, or in the app with CDK's `Validations`."""

from __future__ import annotations

import datetime
import difflib
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from moorage.assembly.cloud_assembly import Stack
from moorage.assembly.stack_traces import Line
from moorage.policy.issues import OWN_NAMESPACE, issues, issues_of
from moorage.policy.violation import PolicyError, Violation

FILE = Path("acknowledged.toml")
"""The file that is read by default, in the current folder."""
_TABLE = "acknowledged"
_HEADER = re.compile(rf"\s*\[\[\s*{_TABLE}\s*\]\]")
_KEYS = ("id", "path", "reason", "until")
_ENGINES = ("nag", "cfn-lint", "guard", "checkov")


@attrs.frozen
class Acknowledgement:
    """An acknowledgement of policy findings, with its reason.

    Args:
        id: The name of an issue, such as `log-kms`, or a rule with its engine, such as `cfn-lint:W3010`.
        path: The path of the construct; `*` matches any characters. Findings in constructs below it are also covered.
        reason: The reason why the findings are accepted.
        until: The last day on which the acknowledgement is valid. Default: None; it does not expire.
        place: The line in the file of acknowledgements. Default: None, for an acknowledgement in the app.
    """

    id: str
    path: str
    reason: str
    until: datetime.date | None = None
    place: Line | None = None

    def covers(self, violation: Violation) -> bool:
        """Return whether this acknowledgement accepts a violation.

        Args:
            violation: The violation.
        """
        names = {violation.rule, violation.rule.partition("[")[0], *(issue.name for issue in issues_of(violation.rule))}
        pattern = ".*".join(map(re.escape, self.path.split("*")))
        return self.id in names and bool(re.fullmatch(f"{pattern}(/.*)?", violation.path))


@attrs.frozen
class Verdict:
    """The findings that remain, and the acknowledgements that are of no use.

    Args:
        left: The findings that nothing acknowledges.
        accepted: The number of findings that are acknowledged.
        stale: The acknowledgements of a file that match no finding.
        expired: The acknowledgements of a file that have expired.
    """

    left: frozenset[Violation]
    accepted: int
    stale: tuple[Acknowledgement, ...]
    expired: tuple[Acknowledgement, ...]


def judge(
    found: Iterable[Violation], acknowledgements: Sequence[Acknowledgement], today: datetime.date | None = None
) -> Verdict:
    """Separate findings that are acknowledged from the others.

    Args:
        found: The findings.
        acknowledgements: The acknowledgements. Expired ones acknowledge nothing.
        today: The current day. Default: today.
    """
    today = today or datetime.datetime.now().astimezone().date()
    expired = [each for each in acknowledgements if each.until and each.until < today]
    valid = [each for each in acknowledgements if each not in expired]
    violations = frozenset(found)
    used: set[Acknowledgement] = set()
    left = set()
    for violation in violations:
        covering = [each for each in valid if each.covers(violation)]
        used.update(covering)
        if not covering:
            left.add(violation)
    return Verdict(
        left=frozenset(left),
        accepted=len(violations) - len(left),
        stale=tuple(each for each in valid if each.place and each not in used),
        expired=tuple(expired),
    )


def of_app(stacks: Iterable[Stack]) -> tuple[Acknowledgement, ...]:
    """Return the acknowledgements in an app, made with CDK's `Validations.of(construct).acknowledge(...)`.

    The ID `moorage::log-kms` acknowledges an issue, and `cfn-lint::W3010` acknowledges a rule. CDK itself applies
    acknowledgements of the rules of its plugins, such as cdk-nag.

    Args:
        stacks: The stacks of the app, including the nested stacks.
    """
    return tuple(
        Acknowledgement(name if engine == OWN_NAMESPACE else f"{engine}:{name}", path, reason)
        for stack in stacks
        for path, reasons in stack.acknowledged.items()
        for given, reason in reasons.items()
        for engine, _, name in [given.partition("::")]
    )


def read(file: Path | None) -> tuple[Acknowledgement, ...]:
    """Read a file of acknowledgements.

    Args:
        file: The TOML file. Each acknowledgement is a table `[[acknowledged]]` with `id`, `path`, `reason` and,
            optionally, `until`. None for `acknowledged.toml` in the current folder, if it exists.

    Raises:
        PolicyError: The file cannot be read, or an entry has an unknown key, an unknown rule or a wrong value. The
            error lists all problems, each with its line.
    """
    if file is None:
        if not FILE.exists():
            return ()
        file = FILE
    try:
        text = file.read_text("utf-8-sig")  # editors on Windows can write a byte order mark
        content = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise PolicyError(f"{file} cannot be read ({reason}); give the file with --acknowledged") from error
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"{file} is not valid TOML: {error}") from error
    entries = content.get(_TABLE, [])
    if set(content) - {_TABLE} or not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        others = ", ".join(sorted(set(content) - {_TABLE})) or f"{_TABLE} = {entries!r}"
        raise PolicyError(f"{file} must contain only tables [[{_TABLE}]] (got {others}); remove the others")
    lines = text.splitlines()
    numbers = [number for number, line in enumerate(lines, 1) if _HEADER.match(line)]
    if len(numbers) != len(entries):  # the tables are written in another way, as an array
        numbers = [1] * len(entries)
    problems = [
        f"{file}:{number}: {problem}"
        for number, entry in zip(numbers, entries, strict=True)
        for problem in _problems(entry)
    ]
    if problems:
        raise PolicyError("\n".join(problems))
    return tuple(
        Acknowledgement(**entry, place=Line(str(file), number)) for number, entry in zip(numbers, entries, strict=True)
    )


def _problems(entry: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(entry.keys() - set(_KEYS)):
        yield f"{key} is not a key; the keys are {', '.join(_KEYS)}"
    for key in _KEYS:
        value = entry.get(key)
        if key == "until":
            if value is not None and (not isinstance(value, datetime.date) or isinstance(value, datetime.datetime)):
                yield f"until must be a date without quotes (got {value!r}); write until = 2027-01-31"
        elif not isinstance(value, str) or not value.strip():
            said = "is missing" if value is None else f"must be a text (got {value!r})"
            yield f'{key} {said}; write {key} = "..."'
    if isinstance(entry.get("id"), str) and entry["id"].strip() and not _is_known(entry["id"]):
        yield f"{entry['id']} is not a known issue or rule{_near(entry['id'])}"


def _is_known(name: str) -> bool:
    if name in issues():
        return True
    engine, _, rule = name.partition(":")
    if engine not in _ENGINES or not rule or rule[0].isspace():
        return False
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


def _near(name: str) -> str:
    engine, _, rule = name.partition(":")
    near = difflib.get_close_matches(rule or name, _rules(engine) if rule else issues(), n=1)
    if near:
        return f"; did you mean {f'{engine}:{near[0]}' if rule else near[0]}?"
    return f"; write the name of an issue, or a rule with its engine ({', '.join(_ENGINES)}): nag:ECS4"
