"""The scanning of a registry's images for vulnerabilities, and the severities of findings."""

from __future__ import annotations

import enum
import fnmatch
from collections.abc import Sequence

import attrs

from moorage.ecr import registry_limits
from moorage.workload.problems import Problems
from moorage.workload.value import value_class

_ON_PUSH, _CONTINUOUS = "SCAN_ON_PUSH", "CONTINUOUS_SCAN"
_BASIC_SCANNING, _ENHANCED_SCANNING = "BASIC", "ENHANCED"
_ALL_REPOSITORIES = ("*",)


def _as_filters(filters: str | Sequence[str]) -> tuple[str, ...]:
    return (filters,) if isinstance(filters, str) else tuple(filters)


class Severity(enum.Enum):
    """How grave a finding is, in the words that basic and enhanced scanning share, the gravest first."""

    CRITICAL = "CRITICAL"
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"
    INFORMATIONAL = "INFORMATIONAL"

    @property
    def _and_graver(self) -> tuple[str, ...]:
        """Return the names of this severity and of graver ones, the gravest first."""
        names = [each.value for each in Severity]
        return tuple(names[: names.index(self.value) + 1])


@value_class
@attrs.frozen
class ScanningRule:
    """When images of some repositories are scanned.

    Args:
        frequency: `SCAN_ON_PUSH`, or `CONTINUOUS_SCAN` with enhanced scanning: again whenever a new vulnerability
            becomes known.
        filters: Which repositories: names with `*`; a name without one means every repository that contains it.

    Raises:
        ValueError: ECR would not take a filter.
    """

    frequency: str
    filters: tuple[str, ...] = attrs.field(converter=_as_filters)

    def __attrs_post_init__(self) -> None:
        problems = Problems("ScanningRule")
        if self.frequency not in {_ON_PUSH, _CONTINUOUS}:
            problems.add(f"frequency is {self.frequency!r}, but ECR knows two; use {_ON_PUSH!r} or {_CONTINUOUS!r}")
        problems.check(registry_limits.SCANNING_FILTERS, "the number of filters", len(self.filters))
        for pattern in self.filters:
            problems.check(registry_limits.SCANNING_FILTER, "each of filters", pattern)
        problems.raise_any()


def _as_rules(rules: Sequence[ScanningRule]) -> tuple[ScanningRule, ...]:
    return tuple(rules)


@value_class
@attrs.frozen
class Scanning:
    """How a registry scans images, made by `basic` or `enhanced`; a registry has one way for all its repositories.

    Args:
        kind: `BASIC`, or `ENHANCED`: Amazon Inspector scans, languages' packages too. That turns Inspector
            on for the account's images, and it is priced by image.
        rules: When which repositories are scanned, two rules at most, one a frequency. What no rule matches is
            scanned when asked to, or with enhanced scanning not at all.

    Raises:
        ValueError: there are more rules than ECR takes, two of one frequency, or basic scanning is to be continuous.
    """

    kind: str
    rules: tuple[ScanningRule, ...] = attrs.field(converter=_as_rules)

    def __attrs_post_init__(self) -> None:
        problems = Problems("Scanning")
        frequencies = [rule.frequency for rule in self.rules]
        problems.check(registry_limits.SCANNING_RULES, "the number of rules", len(self.rules))
        problems.check(registry_limits.SCANNING_FREQUENCIES, "the frequency of rules", frequencies)
        if self.kind not in {_BASIC_SCANNING, _ENHANCED_SCANNING}:
            problems.add(
                f"kind is {self.kind!r}, but ECR scans in two ways; use Scanning.basic() or Scanning.enhanced()"
            )
        if self.kind == _BASIC_SCANNING:
            problems.check(registry_limits.SCANNING_BASIC, "the frequency of basic scanning", frequencies)
        problems.raise_any()

    @staticmethod
    def basic(on_push: str | Sequence[str] = _ALL_REPOSITORIES) -> Scanning:
        """Packages of the operating system, when an image is pushed; free of charge.

        Args:
            on_push: Which repositories; all without it, and none with `()`: then images are scanned when asked to.
        """
        return Scanning(_BASIC_SCANNING, _scanning_rules({_ON_PUSH: on_push}))

    @staticmethod
    def enhanced(continuous: str | Sequence[str] = _ALL_REPOSITORIES, on_push: str | Sequence[str] = ()) -> Scanning:
        """By Amazon Inspector: packages of the operating system and of programming languages.

        CloudFormation turns Inspector on for the account's images. When the registry is destroyed, or goes back to
        `basic`, it may turn Inspector off again, also for images that others scan in the account and region: its
        handlers call `inspector2:Disable`. If others rely on it, check Inspector afterwards.

        Args:
            continuous: Which repositories are scanned again when a vulnerability becomes known; all without it.
            on_push: Which are scanned once, when an image is pushed. A repository that both match is continuous.
        """
        return Scanning(_ENHANCED_SCANNING, _scanning_rules({_CONTINUOUS: continuous, _ON_PUSH: on_push}))

    @property
    def _by_inspector(self) -> bool:
        """Return whether Amazon Inspector scans, and reports its findings."""
        return self.kind == _ENHANCED_SCANNING

    def _unmatched_filters(self, repositories: Sequence[str]) -> list[str]:
        """Return the filters that none of these repositories matches."""
        return [
            pattern
            for rule in self.rules
            for pattern in rule.filters
            if not any(_matches(pattern, name) for name in repositories)
        ]


def _matches(pattern: str, repository: str) -> bool:
    """Return whether ECR applies a filter to a repository; without a `*`, to every name that contains it."""
    return fnmatch.fnmatchcase(repository, pattern if "*" in pattern else f"*{pattern}*")


def _scanning_rules(filters_by_frequency: dict[str, str | Sequence[str]]) -> tuple[ScanningRule, ...]:
    return tuple(ScanningRule(frequency, filters) for frequency, filters in filters_by_frequency.items() if filters)
