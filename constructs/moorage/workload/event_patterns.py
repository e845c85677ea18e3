"""The validation of event patterns, and the check whether a pattern may match an event.

Sources: EventBridge user guide, "Creating Amazon EventBridge event patterns" and "Comparison operators for use in event
patterns"; aws/event-ruler, README. A value that CloudFormation fills in can be anything.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from moorage.workload import job_limits
from moorage.workload.limit import minimum_length
from moorage.workload.problems import Problems, is_token

ANY: Final = object()
"""An unknown value of an event, which every comparison may match."""


class Beginning(str):
    """The known beginning of a string in an event. The rest of the string is unknown."""

    __slots__ = ()


_OR = "$or"
_IGNORE_CASE = "equals-ignore-case"
_BOUNDS = {"=": ("=",), ">": ("<", "<="), ">=": ("<", "<="), "<": (), "<=": ()}
"""The comparisons of `numeric`, each with the comparisons that can follow."""


def check_pattern(argument: str, pattern: Mapping[str, Any], problems: Problems) -> None:
    """Add a problem for each part of an event pattern that EventBridge does not accept."""
    for path, error in _errors((), pattern):
        problems.add(f"{argument} {'.'.join(path)!r} {error}")


def check_length(pattern: Mapping[str, Any], problems: Problems) -> None:
    """Check the length of a pattern against the limit of EventBridge and the default quota."""
    length = minimum_length(pattern)
    longest = job_limits.EVENT_PATTERN if length > job_limits.LONGEST_EVENT_PATTERN else job_limits.EVENT_PATTERN_QUOTA
    problems.check(longest, "pattern", length)


def may_match(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Return whether a valid pattern may match an event.

    Args:
        pattern: The pattern. A field that the event does not have is matched only by `{"exists": false}`.
        event: The known parts of the event. A list holds the possible values of a field; `ANY` is an unknown value.
    """
    for name, wanted in pattern.items():
        if name == _OR and _is_or(wanted):
            if not any(may_match(each, event) for each in wanted):
                return False
        elif isinstance(wanted, Mapping):
            inner = event.get(name, {})
            if inner is not ANY and not may_match(wanted, inner):
                return False
        elif not _field_may_match(wanted, event.get(name)):
            return False
    return True


def _field_may_match(wanted: Sequence[Any], value: Any) -> bool:
    if value is None:
        return any(isinstance(each, Mapping) and each.get("exists") is False for each in wanted)
    values = value if isinstance(value, list) else [value]
    return any(_is(each, one) for each in wanted for one in values)


def _is(matcher: Any, value: Any) -> bool:
    """Return whether a matcher may match a value of an event.

    A token matches only the same token. A matcher matches a `Beginning` only if it matches every string with this
    beginning. The matchers `numeric` and `cidr` match nothing.
    """
    if value is ANY or matcher == value:
        return True
    if not isinstance(matcher, Mapping) or _is_filled_in(matcher):
        return False
    ((operator, wanted),) = matcher.items()
    if isinstance(value, Beginning):
        return _is_for_each_rest(operator, wanted, value)
    if operator == "exists":
        return bool(wanted)
    compare = _COMPARED.get(operator)
    return compare is not None and isinstance(value, str) and compare(value, wanted)


def _is_for_each_rest(operator: str, wanted: Any, beginning: Beginning) -> bool:
    """Return whether a matcher matches every string with this beginning."""
    if operator == "anything-but":
        heads = map(_head, _exceptions(wanted))
        return not any(head.startswith(beginning) or beginning.startswith(head) for head in heads)
    compare = _COMPARED.get(operator)
    if operator not in {"prefix", "wildcard", "exists"} or compare is None or not compare(str(beginning), wanted):
        return False
    return operator != "wildcard" or wanted.endswith("*")


def _exceptions(wanted: Any) -> list[tuple[str, Any]]:
    """Return the exceptions of `anything-but`, each as an operator and a value. Exact values have an empty operator."""
    operator, values = "", wanted
    if isinstance(wanted, Mapping) and not _is_filled_in(wanted):
        ((operator, values),) = wanted.items()
    return [(operator, each) for each in (values if isinstance(values, list | tuple) else [values])]


def _head(exception: tuple[str, Any]) -> str:
    """Return the known beginning of all strings that an exception matches."""
    operator, value = exception
    if operator == "suffix" or not isinstance(value, str) or is_token(value):
        return ""
    return value.partition("*")[0] if operator == "wildcard" else value


def _ignores_case(compare: Callable[[str, str], bool]) -> Callable[[str, Any], bool]:
    """Extend a comparison of strings to `{"equals-ignore-case": ...}`."""
    return lambda value, wanted: (
        compare(value.lower(), wanted[_IGNORE_CASE].lower()) if isinstance(wanted, Mapping) else compare(value, wanted)
    )


def _is_but(value: str, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        ((operator, inner),) = wanted.items()
        return not any(_is({operator: each}, value) for each in (inner if isinstance(inner, list) else [inner]))
    return value not in (wanted if isinstance(wanted, list) else [wanted])


_COMPARED: Mapping[str, Callable[[str, Any], bool]] = {
    "prefix": _ignores_case(str.startswith),
    "suffix": _ignores_case(str.endswith),
    _IGNORE_CASE: lambda value, wanted: value.lower() == wanted.lower(),
    "wildcard": lambda value, wanted: re.fullmatch(".*".join(map(re.escape, wanted.split("*"))), value) is not None,
    "anything-but": _is_but,
    "exists": lambda _, wanted: bool(wanted),
}
"""The operators that match strings, with their comparisons."""


def _is_or(value: Any) -> bool:
    return isinstance(value, Sequence) and len(value) > 1 and all(isinstance(each, Mapping) for each in value)


def _errors(path: tuple[str, ...], pattern: Mapping[str, Any]) -> list[tuple[tuple[str, ...], str]]:
    errors: list[tuple[tuple[str, ...], str]] = []
    for name, value in pattern.items():
        inner = (*path, str(name))
        if _is_filled_in(value):
            continue
        if name == _OR:
            errors += _or_errors(inner, value)
        elif isinstance(value, Mapping) and value:
            errors += _errors(inner, value)
        elif isinstance(value, list | tuple) and value:
            errors += [(inner, error) for each in value if (error := _value_error(each))]
        elif isinstance(value, Mapping | list | tuple):
            errors.append(
                (inner, f"must not be empty (got {value!r}); leave the field out, or list its possible values")
            )
        else:
            errors.append((inner, f"must be a list of values, or a mapping (got {value!r}); use [{value!r}]"))
    return errors


def _or_errors(path: tuple[str, ...], value: Any) -> list[tuple[tuple[str, ...], str]]:
    if not _is_or(value):
        return [(path, f"must be a list of two patterns or more (got {value!r}); add patterns, or leave {_OR} out")]
    return [error for each in value for error in _errors(path, each)]


def _value_error(matcher: Any) -> str | None:
    """Return the error in one value of a field, or None if the value is valid."""
    if not isinstance(matcher, Mapping):
        if matcher is None or isinstance(matcher, str | int | float):
            return None
        return (
            f"must have strings, numbers, true, false, null or comparisons (got {matcher!r}); use values such as 'prod'"
        )
    if _is_filled_in(matcher):
        return None
    if len(matcher) != 1 or next(iter(matcher)) not in _OPERATORS:
        return (
            f"must have only comparisons that EventBridge supports, one in each mapping (got {dict(matcher)!r}); use "
            f"one of {', '.join(_OPERATORS)}"
        )
    ((operator, value),) = matcher.items()
    takes, what, example = _OPERATORS[operator]
    if is_token(value) or _is_filled_in(value) or takes(value):
        return None
    return f"must have {what} for {operator!r} (got {value!r}); use a form such as {{{operator!r}: {example}}}"


def _is_filled_in(value: Any) -> bool:
    """Return whether CloudFormation fills in a value: a token, or an intrinsic function to which a token resolves."""
    if isinstance(value, Mapping):
        return len(value) == 1 and str(next(iter(value))).startswith(("Ref", "Fn::", "${Token["))
    return isinstance(value, str) and is_token(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text_or_any_case(value: Any) -> bool:
    return _is_text(value) or (
        isinstance(value, Mapping) and set(value) == {_IGNORE_CASE} and _is_text(*value.values())
    )


def _is_glob(value: Any) -> bool:
    return _is_text(value) and "**" not in value


def _is_block(value: Any) -> bool:
    try:
        return bool(_is_text(value) and "/" in value and ipaddress.ip_network(value, strict=False))
    except ValueError:
        return False


def _is_span(value: Any) -> bool:
    """Return whether a value is one comparison with a number, or a lower bound followed by an upper bound."""
    if not isinstance(value, list | tuple) or len(value) not in {2, 4}:
        return False
    signs, numbers = value[::2], value[1::2]
    if not all(_is_text(sign) and sign in _BOUNDS for sign in signs) or not all(map(_is_number, numbers)):
        return False
    return len(signs) == 1 or (signs[1] in _BOUNDS[signs[0]] and numbers[0] < numbers[1])


def _is_exception(value: Any) -> bool:
    if isinstance(value, Mapping):
        takes = _EXCEPTIONS.get(next(iter(value), ""))
        ((_, inner),) = value.items() if len(value) == 1 else ((None, ()),)
        values = inner if isinstance(inner, list | tuple) else [inner]
        return takes is not None and bool(values) and all(map(takes, values))
    if isinstance(value, list | tuple):
        return bool(value) and (all(map(_is_text, value)) or all(map(_is_number, value)))
    return _is_text(value) or _is_number(value)


_EXCEPTIONS: Mapping[str, Callable[[Any], bool]] = {
    "prefix": _is_text,
    "suffix": _is_text,
    _IGNORE_CASE: _is_text,
    "wildcard": _is_glob,
}
"""The operators that `anything-but` accepts, each with a check of its operand."""
_OPERATORS: Mapping[str, tuple[Callable[[Any], bool], str, str]] = {
    "prefix": (_is_text_or_any_case, f"a string, or {{'{_IGNORE_CASE}': a string}}", "'prod/'"),
    "suffix": (_is_text_or_any_case, f"a string, or {{'{_IGNORE_CASE}': a string}}", "'.json'"),
    _IGNORE_CASE: (_is_text, "a string", "'prod'"),
    "anything-but": (
        _is_exception,
        f"strings, numbers, or one of {', '.join(_EXCEPTIONS)} with strings",
        "['prod', 'test']",
    ),
    "numeric": (_is_span, "one or two bounds", "['>=', 0, '<', 5]"),
    "cidr": (_is_block, "a CIDR block", "'10.0.0.0/24'"),
    "exists": (lambda value: isinstance(value, bool), "true or false", "True"),
    "wildcard": (_is_glob, "a string without '**'", "'prod/*'"),
}
"""The operators, each with a check of its operand, a description of valid operands and an example."""
