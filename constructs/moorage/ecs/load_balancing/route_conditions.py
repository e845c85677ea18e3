"""The further conditions of a route: HTTP headers, methods, query strings and source addresses."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from moorage.workload import route_limits
from moorage.workload.problems import is_token

if TYPE_CHECKING:
    from moorage.workload.problems import Problems

_WILDCARD = re.compile(r"(?<!\\)[*?]")


class Condition(NamedTuple):
    """A condition of a rule apart from hosts and paths. One of its values must match.

    Args:
        argument: The argument of the route.
        name: The name of the header or the key of the query string, empty for other conditions.
        values: The values.
    """

    argument: str
    name: str
    values: tuple[str, ...]

    @property
    def has_wildcards(self) -> bool:
        """True if Elastic Load Balancing treats `*` and `?` in the values as wildcards."""
        return self.argument in {"http_header", "query_string"}

    @property
    def description(self) -> str:
        """The description for errors, such as "http_header 'X-Version' 'beta'"."""
        return " ".join(filter(None, [self.argument, self.name and repr(self.name), ", ".join(map(repr, self.values))]))

    @property
    def key(self) -> tuple[str, str, frozenset[str]]:
        """The condition without the order and, for headers and query strings, the case of its texts."""
        values = frozenset(each.lower() for each in self.values) if self.has_wildcards else frozenset(self.values)
        return self.argument, self.name.lower(), values


def conditions_of(
    http_header: Mapping[str, Sequence[str]],
    http_request_method: Sequence[str],
    query_string: Mapping[str, Sequence[str]],
    source_ip: Sequence[str],
) -> tuple[Condition, ...]:
    """Return the conditions of a route, in a constant order."""
    lists = {"http_request_method": http_request_method, "source_ip": source_ip}
    mappings = {"http_header": http_header, "query_string": query_string}
    conditions = [Condition(argument, "", tuple(values)) for argument, values in lists.items() if values]
    for argument, mapping in mappings.items():
        conditions += [Condition(argument, name, tuple(values)) for name, values in mapping.items()]
    return tuple(sorted(conditions))


def check_conditions(conditions: Iterable[Condition], problems: Problems) -> None:
    """Check that Elastic Load Balancing accepts the names and the values of conditions."""
    limits = {
        "http_header": route_limits.RULE_HEADER_VALUE,
        "http_request_method": route_limits.RULE_METHOD,
        "query_string": route_limits.RULE_QUERY_VALUE,
        "source_ip": route_limits.RULE_SOURCE,
    }
    for condition in conditions:
        argument = f"{condition.argument}[{condition.name!r}]" if condition.name else condition.argument
        if condition.argument == "http_header":
            problems.check(route_limits.RULE_HEADER, "each name of http_header", condition.name)
        elif condition.argument == "query_string":
            problems.check(route_limits.RULE_QUERY_KEY, "each key of query_string", condition.name)
        problems.check_filter(argument, condition.values, "all values")
        for value in condition.values:
            problems.check(limits[condition.argument], argument, value)


def count_wildcards(conditions: Iterable[Condition]) -> int:
    """Return the number of wildcards, without those after a backslash and those in tokens."""
    texts = [text for each in conditions if each.has_wildcards for text in (each.name, *each.values)]
    return sum(len(_WILDCARD.findall(text)) for text in texts if not is_token(text))


def implies(narrow: Iterable[Condition], wide: Iterable[Condition]) -> bool:
    """Return True if requests that fulfill `narrow` are known to fulfill `wide`."""
    keys = [each.key for each in narrow]
    return all(
        any((argument, name) == each[:2] and each[2] <= values for each in keys)
        for argument, name, values in (condition.key for condition in wide)
    )


def values_cover(wide: tuple[str, ...], narrow: tuple[str, ...]) -> bool:
    """Return True if the patterns of `wide` match all texts that those of `narrow` match; no pattern matches all."""
    if not wide:
        return True
    return bool(narrow) and all(any(_pattern_covers(pattern, each) for pattern in wide) for each in narrow)


def _pattern_covers(wide: str, narrow: str) -> bool:
    """Return True if `wide` matches all strings that `narrow` matches. An empty and a long text stand for `*`."""
    literal = wide.replace("[", "[[]")
    return all(fnmatch.fnmatchcase(narrow.replace("*", filler), literal) for filler in ("", "\0" * len(wide)))
