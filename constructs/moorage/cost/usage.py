"""The usage file, which states the numbers that templates do not have, such as requests and gigabytes."""

from __future__ import annotations

import difflib
import fnmatch
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs

from moorage.cost.money import LARGEST

_UNQUOTED = re.compile(r"^\[constructs\.([\w-]+[/ ][^\]\"]*)\]", re.MULTILINE)
"""A table whose construct path has no quotes."""
KEYS: Mapping[str, str] = {
    "average_acus": "the average Aurora capacity units of each serverless instance; replaces the range",
    "average_copies": "the average number of copies of a service; replaces the range",
    "average_instances": "the average number of instances of an Auto Scaling group; replaces the range",
    "backup_gb": "GB of backups beyond the free ones, and GB of continuous backups of a DynamoDB table",
    "cache_gb": "the average GB in a serverless cache",
    "cache_requests": "ElastiCache processing units a month of a serverless cache",
    "config_evaluations": "evaluations a month of an AWS Config rule",
    "config_items": "configuration items a month that AWS Config records",
    "data_events": "CloudTrail data events a month",
    "database_gb": "GB in a database or a DynamoDB table",
    "database_ios": "requests a month to the storage of an Aurora cluster",
    "database_reads": "read request units a month of a DynamoDB table",
    "database_writes": "write request units a month of a DynamoDB table",
    "dns_queries": "DNS queries a month to a hosted zone",
    "endpoint_gb": "GB a month through an interface endpoint, in all of its zones together",
    "events": "custom events a month, to an event bus of your own or a schedule",
    "express_gb_hours": "GB-hours of memory a month of an express workflow",
    "file_gb": "GB in a file system",
    "file_read_gb": "GB a month read from a file system with elastic throughput",
    "file_write_gb": "GB a month written to a file system with elastic throughput",
    "filter_metrics": "metrics that a metric filter of a log group publishes, on average",
    "firehose_gb": "GB a month into a Firehose stream",
    "flow_log_gb": "GB a month of a flow log",
    "image_gb": "GB of images in a repository",
    "image_scans": "images scanned a month by Amazon Inspector",
    "insights_events": "management events a month that CloudTrail Insights analyzes",
    "insights_metrics": "metrics of Container Insights for tasks outside services, on average",
    "key_requests": "requests a month to a KMS key",
    "lambda_requests": "invocations a month of a function",
    "lambda_seconds": "seconds that one invocation of a function takes, on average",
    "lattice_gb": "GB a month through a VPC Lattice service",
    "lattice_requests": "requests a month to a VPC Lattice service",
    "lcus": "load balancer capacity units, on average",
    "log_gb": "GB a month into a log group",
    "log_storage_gb": "GB that a log group keeps",
    "management_events": "management events a month of a further CloudTrail trail in a region",
    "nat_gb": "GB a month through a NAT gateway",
    "queue_requests": "requests a month to a queue",
    "run_minutes": "minutes that one run of a job takes",
    "runs": "runs a month of a job; replaces those of its schedule",
    "secret_requests": "requests a month for a secret",
    "spot_discount_percent": "the percentage that Spot costs less than On-Demand; 50 if nothing states it",
    "state_transitions": "state transitions a month of a standard state machine",
    "storage_gb": "GB in a bucket",
    "topic_requests": "requests a month to a topic",
    "transfer_gb": "GB a month from a load balancer to the internet",
    "transit_gb": "GB a month through a transit gateway attachment",
    "waf_requests": "requests a month that a web ACL inspects",
}
"""The keys of a usage file, each with the quantity that it states."""
_MOST_PERCENT = 100
_DEFAULTS, _CONSTRUCTS = "defaults", "constructs"
_HEADER = re.compile(r"\s*\[(?P<name>[^\[\]]+(?:\[[^\]]*\][^\[\]]*)*)\]\s*(?:#.*)?$")
_ASSIGNED = re.compile(r"\s*(?:\"(?P<quoted>[^\"]*)\"|'(?P<literal>[^']*)'|(?P<bare>[\w-]+))\s*=")


class UsageError(Exception):
    """The error for a usage file that cannot be used. Its message lists all problems, each with its line."""


@attrs.frozen
class Usage:
    """The use that a file states.

    Args:
        defaults: The values for all constructs. Default: none.
        constructs: A mapping from the pattern of construct paths to values, in the order of the file. Default: none.
    """

    defaults: Mapping[str, Decimal] = attrs.field(factory=dict)
    constructs: Mapping[str, Mapping[str, Decimal]] = attrs.field(factory=dict)

    def of(self, path: str) -> Use:
        """Return the use of a construct. Of several tables that match its path, the last one decides.

        Args:
            path: The construct path of a resource.
        """
        found = dict(self.defaults)
        for pattern, values in self.constructs.items():
            if matches(path, pattern):
                found |= values
        return Use(found)

    def unmatched(self, paths: Collection[str]) -> Iterator[str]:
        """Yield a sentence for each table that matches none of the paths of constructs.

        Args:
            paths: The construct paths of an app.
        """
        for pattern in self.constructs:
            if not any(matches(path, pattern) for path in paths):
                yield f'[constructs."{pattern}"] of the usage file matches no construct'


@attrs.frozen
class Use:
    """The use of one construct.

    Args:
        values: A mapping from key to value.
    """

    values: Mapping[str, Decimal]
    asked: set[str] = attrs.field(init=False, factory=set, eq=False)

    def get(self, key: str) -> Decimal | None:
        """Return a value, or None if the usage file does not state it.

        Args:
            key: The key, one of `KEYS`.

        Raises:
            KeyError: The key is not in `KEYS`.
        """
        KEYS[key]
        self.asked.add(key)
        return self.values.get(key)


def matches(path: str, pattern: str) -> bool:
    """Return whether a pattern matches a construct, or a construct that contains it.

    Args:
        path: The construct path.
        pattern: A construct path, in which `*` is any text and `?` any character.
    """
    return fnmatch.fnmatchcase(path, pattern) or fnmatch.fnmatchcase(path, f"{pattern}/*")


def read(file: Path | None) -> Usage:
    """Return the use that a file states.

    Args:
        file: The TOML file, with a table `[defaults]` and tables `[constructs."PATH"]`. None for no use.

    Raises:
        UsageError: The file cannot be read, is not valid TOML, or has an unknown key or a wrong value. The error lists
            all problems, each with its line.
    """
    if file is None:
        return Usage()
    try:
        text = file.read_text("utf-8-sig")  # editors on Windows can write a byte order mark
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"{file} cannot be read ({reason}); name another usage file") from error
    try:
        content = tomllib.loads(text, parse_float=Decimal)
    except RecursionError as error:
        raise UsageError(f"{file} is not valid TOML: it is nested too deeply") from error
    except ValueError as error:  # also of a number with thousands of digits
        raise UsageError(f"{file} is not valid TOML: {error}; {_way_out(text)}") from error
    lines = _lines(text)
    problems = [f"{file}:{lines.get(place, 1)}: {problem}" for place, problem in _problems(content)]
    if problems:
        raise UsageError("\n".join(problems))
    constructs = content.get(_CONSTRUCTS, {})
    return Usage(_decimals(content.get(_DEFAULTS, {})), {name: _decimals(of) for name, of in constructs.items()})


def _way_out(text: str) -> str:
    """Return what to write, for a text that is not valid TOML."""
    if path := _UNQUOTED.search(text):
        return f'a construct path needs quotes: [constructs."{path[1]}"]'
    return "a line is a key and a number without a unit, such as nat_gb = 50"


def _decimals(values: Mapping[str, Any]) -> dict[str, Decimal]:
    return {key: Decimal(value) for key, value in values.items()}


def _problems(content: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the place and the sentence of each problem."""
    for name, table in content.items():
        if name not in (_DEFAULTS, _CONSTRUCTS):
            yield (name,), f'{name} is not a table of a usage file; use [defaults] or [constructs."PATH"]'
        elif not isinstance(table, dict):
            yield (name,), f"{name} must be a table (got {table!r}); write [{name}] on a line of its own"
        elif name == _DEFAULTS:
            yield from _wrong_values((name,), table)
        else:
            yield from _wrong_constructs(table)


def _wrong_constructs(tables: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    for path, values in tables.items():
        place = (_CONSTRUCTS, path)
        if not isinstance(values, dict):
            yield place, f'{path} must be a table of keys (got {values!r}); write [constructs."PATH"] before {path}'
        elif path != path.strip("/") or not path:
            yield place, f'a construct path must not be empty or begin or end with "/" (got {path!r}); leave out "/"'
        else:
            yield from _wrong_values(place, values)


def _wrong_values(place: tuple[str, ...], values: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    for key, value in values.items():
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, n=1)
            way_out = f"did you mean {near[0]}?" if near else f"the keys are {', '.join(KEYS)}"
            quoted = ' (a construct path needs quotes: [constructs."Shop/Web"])' if isinstance(value, dict) else ""
            yield (*place, key), f"{key} is not a key of a usage file{quoted}; {way_out}"
        elif isinstance(value, bool) or not isinstance(value, int | Decimal) or not Decimal(value).is_finite():
            yield (*place, key), f"{key} must be a number (got {_shown(value)}); write {key} = 10 for {KEYS[key]}"
        elif key == "spot_discount_percent" and value > _MOST_PERCENT:
            yield (
                (*place, key),
                f"{key} must be at most {_MOST_PERCENT} (got {value}); write {key} = 50 for half the price",
            )
        elif value > LARGEST:
            yield (*place, key), f"{key} must be at most {LARGEST:,} (got {value}); write {key} = 10 for {KEYS[key]}"
        elif value < 0:
            yield (*place, key), f"{key} must be at least 0 (got {value}); write {key} = 0 for no use"


def _shown(value: Any) -> str:
    return str(value) if isinstance(value, Decimal) else repr(value)


def _lines(text: str) -> dict[tuple[str, ...], int]:
    """Return the line of each table and key, as far as they are on lines of their own."""
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = tuple(_names(header["name"]))
            found.setdefault(table, number)
        elif assigned := _ASSIGNED.match(line):
            name = next(each for each in assigned.groups() if each is not None)
            found.setdefault((*table, name), number)
    return found


def _names(dotted: str) -> Iterator[str]:
    for found in re.finditer(r"\"([^\"]*)\"|'([^']*)'|([^.\s\"']+)", dotted):
        yield next(each for each in found.groups() if each is not None)
