"""The default priority of a listener rule, which depends only on the rule's own hosts and paths.

The number of a rule is a hash of its conditions within the band of its kind, so that no other rule can change the
number. If one pattern covers another pattern, the order of the two matters as well, since the wide pattern would match
all requests of the narrow pattern:

- Wildcards in hosts and in the first segment of a path have levels at the end of the band.
- A path below another path, such as `/api/v2/*` below `/api/*`, keeps its hash if the hash is lower than the number of
the other path. Otherwise, the path gets a number shortly before the other path. In the same way, a list of paths that
includes `/api/*` comes after a rule for `/api/*`.

Hence the number is only a hash for each rule of plain hosts with paths of one segment, and for each rule whose hash is
in order.
"""

from __future__ import annotations

import enum
import hashlib
import posixpath
import re
from collections.abc import Sequence

_WINDOW = 1500
"""The size of the window before (or after) the number of one rule in which another rule gets its number."""
_CONDITIONS_WINDOW = 300
"""The size of the window in which rules with the same number of further conditions get their numbers."""
_LEVEL = 200
"""The size of a level at the end of a band."""
_WILDCARD = re.compile(r"[*?]")
_LABELS_OF_A_DOMAIN = 2


class _Band(enum.Enum):
    """The numbers for rules of one kind: the more conditions a rule has, the earlier it is evaluated."""

    HOST_AND_PATH = range(1, 20_001)
    HOST = range(20_001, 35_001)
    PATH = range(35_001, 50_000)
    ALL = range(50_000, 50_001)


_BANDS = {
    (True, True): _Band.HOST_AND_PATH,
    (True, False): _Band.HOST,
    (False, True): _Band.PATH,
    (False, False): _Band.ALL,
}
_LEVELS = ((1, False), (2, False), (0, True), (1, True), (2, True))
"""The levels at the end of a band, in order: the width of the hosts, and True if a path begins with a wildcard."""


def default_priority(hosts: tuple[str, ...], paths: tuple[str, ...]) -> int:
    """Return the priority of a rule, 1 to 50,000. Rules are evaluated from the lowest number to the highest.

    Args:
        hosts: The hosts of the rule, with wildcards; empty for any host.
        paths: The paths of the rule, with wildcards; empty for any path.
    """
    conditions = "\n".join([*sorted(hosts), "", *sorted(paths)])
    digest = hashlib.sha256(conditions.encode()).digest()
    numbers = _numbers(hosts, paths)
    own = numbers[int.from_bytes(digest[:8]) % len(numbers)]
    lower = max((default_priority(hosts, (path,)) for path in _covered(paths)), default=numbers.start - 1)
    covering = _covering(paths) if paths else None
    upper = numbers.stop if covering is None else default_priority(hosts, (covering,))
    if lower < own < upper:
        return own
    between = range(lower + 1, upper)
    window = between[:_WINDOW] if covering is None else between[-_WINDOW:]
    return window[int.from_bytes(digest[8:16]) % len(window)] if window else own


def priority_before(priority: int, conditions: Sequence[object]) -> int:
    """Return a priority for a rule with further conditions, shortly before that of the rule without these conditions.

    A rule with more conditions comes before a rule with fewer conditions, if both have the same hosts and paths.

    Args:
        priority: The priority of a rule with the same hosts and paths, and without further conditions.
        conditions: The further conditions, in a constant order. Without further conditions, `priority` is returned.
    """
    if not conditions:
        return priority
    end = priority - _CONDITIONS_WINDOW * (len(conditions) - 1)
    window = range(max(end - _CONDITIONS_WINDOW, 1), end)
    digest = hashlib.sha256(repr(list(conditions)).encode()).digest()
    return window[int.from_bytes(digest[:8]) % len(window)] if window else 1


def _numbers(hosts: tuple[str, ...], paths: tuple[str, ...]) -> range:
    """Return the numbers of a rule's level: the complete band, or a part at the end of it."""
    band = _BANDS[bool(hosts), bool(paths)].value
    host_level = max(map(_host_level, hosts), default=0)
    level = (host_level, any(map(_is_first_segment_wild, paths)))
    levels = [each for each in _LEVELS if bool(each[0]) <= bool(hosts) and each[1] <= bool(paths)]
    if level not in levels:
        return band
    start = band.stop - (len(levels) - levels.index(level)) * _LEVEL
    return range(start, start + _LEVEL)


def _host_level(host: str) -> int:
    """Return the width of a host: 0 without a wildcard, 1 for a wildcard in a subdomain, 2 in a domain."""
    if not _WILDCARD.search(host):
        return 0
    return 1 if len([label for label in host.split(".") if not _WILDCARD.search(label)]) > _LABELS_OF_A_DOMAIN else 2


def _is_first_segment_wild(path: str) -> bool:
    return re.match(r"/?[*?]", path) is not None


def _directory(path: str) -> str:
    """Return a path up to the last `/` before its first wildcard: `/api/` for `/api/*`, `/api/v2` and `/api/v*`."""
    segments = _WILDCARD.split(path)[0].lstrip("/").rpartition("/")[0]
    return f"/{segments}/" if segments else "/"


def _covering(paths: tuple[str, ...]) -> str | None:
    """Return the nearest other path `.../*` that covers all paths of a rule.

    Return None if only `/*` covers these paths and comes at a later level.
    """
    common = posixpath.commonpath([_directory(path) for path in paths]).rstrip("/")
    if f"{common}/*" in paths:
        if not common:
            return None
        common = common.rpartition("/")[0]
    if not common and not any(map(_is_first_segment_wild, paths)):
        return None
    return f"{common}/*"


def _covered(paths: tuple[str, ...]) -> list[str]:
    """Return each `.../*` that a rule covers but does not equal: `/api/*` for `/api*`, or for `/api` with `/api/*`."""
    stems = [path[:-1] for path in paths if path.endswith("*") and not _WILDCARD.search(path[:-1])]
    return [f"{stem.rstrip('/')}/*" for stem in stems if len(paths) > 1 or not stem.endswith("/")]
