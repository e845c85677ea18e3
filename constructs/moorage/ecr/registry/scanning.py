"""The scanning of a registry's images for vulnerabilities."""

from __future__ import annotations

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


@value_class
@attrs.frozen
class ScanningRule:
    """The scan frequency of some repositories.

    Args:
        frequency: The scan frequency: `SCAN_ON_PUSH`, or with enhanced scanning also `CONTINUOUS_SCAN`, which scans
            images again when new vulnerabilities become known.
        filters: The names of the repositories, or patterns with `*`. A name without `*` matches every repository whose
            name contains this text.

    Raises:
        ValueError: If the frequency is unknown, or ECR would not accept a filter.
    """

    frequency: str
    filters: tuple[str, ...] = attrs.field(converter=_as_filters)

    def __attrs_post_init__(self) -> None:
        problems = Problems("ScanningRule")
        if self.frequency not in {_ON_PUSH, _CONTINUOUS}:
            problems.add(
                f"frequency must be {_ON_PUSH!r} or {_CONTINUOUS!r} (got {self.frequency!r}); use "
                "Scanning.basic(...) or Scanning.enhanced(...), which set the frequency"
            )
        problems.check(registry_limits.SCANNING_FILTERS, "the number of filters", len(self.filters))
        for pattern in self.filters:
            problems.check(registry_limits.SCANNING_FILTER, "each item of filters", pattern)
        problems.raise_any()


def _as_rules(rules: Sequence[ScanningRule]) -> tuple[ScanningRule, ...]:
    return tuple(rules)


@value_class
@attrs.frozen
class Scanning:
    """The scanning of all images in a registry, created by `basic` or `enhanced`.

    Args:
        kind: The scan type: `BASIC`, or `ENHANCED`, with which Amazon Inspector also scans packages of programming
            languages. Enhanced scanning turns on Inspector for the images of the account, and is billed per image.
        rules: The rules: at most two, with different frequencies. Images that match no rule are scanned only by hand
            with basic scanning, and not at all with enhanced scanning.

    Raises:
        ValueError: If the scan type is unknown, there are too many rules, two rules have the same frequency, or basic
            scanning is continuous.
    """

    kind: str
    rules: tuple[ScanningRule, ...] = attrs.field(converter=_as_rules)

    def __attrs_post_init__(self) -> None:
        problems = Problems("Scanning")
        frequencies = [rule.frequency for rule in self.rules]
        problems.check(registry_limits.SCANNING_RULES, "the number of rules", len(self.rules))
        problems.check(registry_limits.SCANNING_FREQUENCIES, "the frequency of each rule", frequencies)
        if self.kind not in {_BASIC_SCANNING, _ENHANCED_SCANNING}:
            problems.add(
                f"kind must be 'BASIC' or 'ENHANCED' (got {self.kind!r}); use Scanning.basic() or Scanning.enhanced()"
            )
        if self.kind == _BASIC_SCANNING:
            problems.check(registry_limits.SCANNING_BASIC, "the frequency of basic scanning", frequencies)
        problems.raise_any()

    @staticmethod
    def basic(on_push: str | Sequence[str] = _ALL_REPOSITORIES) -> Scanning:
        """Scan packages of the operating system, free of charge.

        Args:
            on_push: The repositories whose images are scanned on push. With `()`, images are scanned only by hand.
                Default: all repositories.

        Raises:
            ValueError: If ECR would not accept a filter.
        """
        return Scanning(_BASIC_SCANNING, _scanning_rules({_ON_PUSH: on_push}))

    @staticmethod
    def enhanced(continuous: str | Sequence[str] = _ALL_REPOSITORIES, on_push: str | Sequence[str] = ()) -> Scanning:
        """Scan packages of the operating system and of programming languages with Amazon Inspector.

        CloudFormation turns on Inspector for the images of the account. When the registry is deleted or changes to
        `basic`, CloudFormation calls `inspector2:Disable`, which may also turn off scanning of other images in the
        account and region. If other applications rely on Inspector, check its settings afterwards.

        Args:
            continuous: The repositories whose images are scanned again when new vulnerabilities become known.
                Default: all repositories.
            on_push: The repositories whose images are scanned once, on push. A repository that also matches
                `continuous` is scanned continuously. Default: none.

        Raises:
            ValueError: If ECR would not accept a filter.
        """
        return Scanning(_ENHANCED_SCANNING, _scanning_rules({_CONTINUOUS: continuous, _ON_PUSH: on_push}))

    @property
    def _by_inspector(self) -> bool:
        """True if Amazon Inspector scans and reports the findings."""
        return self.kind == _ENHANCED_SCANNING

    def _unmatched_filters(self, repositories: Sequence[str]) -> list[str]:
        """Return the filters that match none of the repositories."""
        return [
            pattern
            for rule in self.rules
            for pattern in rule.filters
            if not any(_matches(pattern, name) for name in repositories)
        ]


def _matches(pattern: str, repository: str) -> bool:
    """Return whether a filter matches a repository. A filter without `*` matches all names that contain the filter."""
    return fnmatch.fnmatchcase(repository, pattern if "*" in pattern else f"*{pattern}*")


def _scanning_rules(filters_by_frequency: dict[str, str | Sequence[str]]) -> tuple[ScanningRule, ...]:
    return tuple(ScanningRule(frequency, filters) for frequency, filters in filters_by_frequency.items() if filters)
