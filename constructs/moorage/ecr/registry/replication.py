"""The replication of images to other registries, and the settings of the repositories at the destinations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import attrs

from moorage.ecr import registry_limits
from moorage.ecr.filters import as_filters
from moorage.ecr.repository.repository_settings import RepositorySettings
from moorage.workload.problems import Problems, is_token
from moorage.workload.value import value_class

if TYPE_CHECKING:
    from moorage.scope.place import Place


@value_class
@attrs.frozen
class ReplicationDestination:
    """A registry to which images are replicated.

    Args:
        region: The region code, such as `eu-central-1`.
        account: The account ID, 12 digits. Default: the account of the source.
        managed_elsewhere: Whether to leave the registry to another app, although this app has stacks in the same
            account and region. Default: False.

    Raises:
        ValueError: If the region or the account is invalid.
    """

    region: str
    account: str | None = attrs.field(default=None, kw_only=True)
    managed_elsewhere: bool = attrs.field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        problems = Problems("ReplicationDestination")
        problems.check(registry_limits.REGION, "region", self.region)
        problems.check(registry_limits.ACCOUNT, "account", self.account)
        problems.raise_any()

    def _place_from(self, source: Place) -> Place:
        """Return the account and region of the destination, by default the account of `source`. None if unknown."""
        account = source[0] if self.account is None else self.account
        return (None if account is None or is_token(account) else account, self.region)

    @property
    def _description(self) -> str:
        """The region, and the account if it is given, for messages."""
        return f"{self.region} of account {self.account}" if self.account else self.region


def _as_destinations(
    destinations: str | ReplicationDestination | Sequence[str | ReplicationDestination],
) -> tuple[ReplicationDestination, ...]:
    entries = (destinations,) if isinstance(destinations, (str, ReplicationDestination)) else destinations
    return tuple(each if isinstance(each, ReplicationDestination) else ReplicationDestination(each) for each in entries)


@value_class
@attrs.frozen
class Replication:
    """A replication rule: the repositories whose images are replicated, the destinations, and the settings there.

    ECR replicates an image once, when it is pushed. ECR does not replicate existing images, deletions, or images that
    are themselves replicas. The same value defines the rule at the source and, with `Registry(replicates_from=[...])`,
    the permissions and the settings at each destination.

    Args:
        prefix: The prefixes of the names of repositories, such as `prod/`. Default: all repositories.
        to: The destinations: regions, or a `ReplicationDestination` for another account.
        settings: The settings of the repositories that ECR creates at the destinations. Default: those of a
            `Repository`.

    Raises:
        ValueError: If there is no destination, a destination is given twice, or ECR would not accept an argument.
    """

    prefix: tuple[str, ...] | None = attrs.field(default=None, converter=as_filters, kw_only=True)
    to: tuple[ReplicationDestination, ...] = attrs.field(converter=_as_destinations, kw_only=True)
    settings: RepositorySettings = attrs.field(factory=RepositorySettings, kw_only=True)

    def __attrs_post_init__(self) -> None:
        problems = Problems("Replication")
        problems.check_filter("prefix", self.prefix, "all repositories")
        problems.check(registry_limits.REPLICATION_FILTERS, "the number of prefixes", len(self._prefixes))
        for prefix in self._prefixes:
            problems.check(registry_limits.REPLICATION_FILTER, "each prefix", prefix)
        problems.check(registry_limits.REPLICATION_DESTINATIONS, "the number of destinations", len(self.to))
        for replica in sorted({each._description for each in self.to if self.to.count(each) > 1}):
            problems.add(f"to must name each destination once (got {replica} more than once); remove the repetitions")
        problems.raise_any()

    @property
    def _prefixes(self) -> tuple[str, ...]:
        """The prefixes; empty if all repositories are replicated."""
        return self.prefix or ()

    def _copies(self, repository: str) -> bool:
        """Return whether images of a repository are replicated."""
        return repository.startswith(self.prefix or "")

    def _unmatched_prefixes(self, repositories: Sequence[str]) -> list[str]:
        """Return the prefixes that match none of the repositories."""
        return [prefix for prefix in self._prefixes if not any(name.startswith(prefix) for name in repositories)]

    @property
    def _template_prefixes(self) -> tuple[str, ...]:
        """The prefixes of creation templates at the destinations, each for the repositories below the prefix."""
        below = (prefix.rstrip("/") for prefix in self._prefixes)
        return (
            tuple(each for each in below if registry_limits.TEMPLATE_PREFIX.accepts(each)) if self.prefix else ("ROOT",)
        )

    @property
    def _prefixes_without_template(self) -> tuple[str, ...]:
        """The prefixes that also match repositories without a creation template."""
        return tuple(prefix for prefix in self._prefixes if not prefix.endswith("/"))

    @property
    def _description(self) -> str:
        """The repositories that are replicated, for messages."""
        return f"prefix {', '.join(map(repr, self.prefix))}" if self.prefix else "all repositories"


def _as_rules(rules: Replication | Sequence[Replication]) -> tuple[Replication, ...]:
    return (rules,) if isinstance(rules, Replication) else tuple(rules)


@value_class
@attrs.frozen
class ReplicationSource:
    """A registry in another app that replicates images to this registry.

    Args:
        account: The account ID of the source, 12 digits.
        replication: The `Replication` values of the source's `Registry`.

    Raises:
        ValueError: If the account is invalid, or there is no `Replication`.
    """

    account: str
    replication: tuple[Replication, ...] = attrs.field(converter=_as_rules)

    def __attrs_post_init__(self) -> None:
        problems = Problems("ReplicationSource")
        problems.check(registry_limits.ACCOUNT, "account", self.account)
        if not self.replication:
            problems.add("replication must not be empty (got none); pass the replication= of the source's Registry")
        problems.raise_any()


def check_rules(rules: Sequence[Replication], place: Place, problems: Problems) -> None:
    """Check that a registry in the account and region `place` can have these rules together."""
    problems.check(registry_limits.REPLICATION_RULES, "the number of rules in replication", len(rules))
    places = {replica._place_from(place) for rule in rules for replica in rule.to}
    problems.check(
        registry_limits.REPLICATION_UNIQUE_DESTINATIONS, "the number of destinations of all rules", len(places)
    )
    rule_keys: set[tuple[frozenset[str], frozenset[Place]]] = set()
    for rule in rules:
        destinations = [replica._place_from(place) for replica in rule.to]
        for region in (each.region for each in rule.to if _are_of_two_partitions(each.region, place[1])):
            problems.add(
                f"replication of {rule._description} must stay in the partition of {place[1]} (got {region}); use "
                "regions of this partition"
            )
        if place in destinations and None not in place:
            problems.add(
                f"replication of {rule._description} must not go to this registry itself (got {place[1]}); use "
                "another region or account"
            )
        twice = sorted({each.region for each in rule.to if destinations.count((place[0], each.region)) > 1})
        if twice:
            problems.add(
                f"replication of {rule._description} must name each destination once (got {', '.join(twice)} both with "
                f"account {place[0]} and without an account, which is the same); remove one of them"
            )
        rule_key = (frozenset(rule._prefixes), frozenset(destinations))
        if rule_key in rule_keys:
            problems.add(
                f"replication of {rule._description} must not be given twice for the same destinations (got two "
                "such rules); remove one of the rules"
            )
        rule_keys.add(rule_key)


def rules_for_destination(rules: Sequence[Replication], source: Place, place: Place) -> tuple[Replication, ...]:
    """Return the rules of a source that replicate to a registry at `place`. An unknown account matches any account."""
    return tuple(rule for rule in rules if any(_may_match(replica._place_from(source), place) for replica in rule.to))


def _may_match(place: Place, other_place: Place) -> bool:
    return all(
        part is None or other_part is None or part == other_part
        for part, other_part in zip(place, other_place, strict=True)
    )


def replication_cycles(registries: Sequence[tuple[Place, Sequence[Replication]]]) -> Iterator[tuple[Place, ...]]:
    """Yield each cycle of registries in which a repository is replicated back to the first registry.

    Each prefix is tried as the name of a repository: two rules can apply to the same repository only if a prefix of one
    rule starts with a prefix of the other rule.
    """
    prefixes = sorted({prefix for _, rules in registries for rule in rules for prefix in rule.prefix or ("",)})
    reported: set[frozenset[Place]] = set()
    for name in prefixes:
        destinations = {
            place: [replica._place_from(place) for rule in rules if rule._copies(name) for replica in rule.to]
            for place, rules in registries
        }
        for start in destinations:
            cycle = _shortest_cycle(start, destinations)
            if cycle and frozenset(cycle) not in reported:
                reported.add(frozenset(cycle))
                yield cycle


def _shortest_cycle(start: Place, destinations: dict[Place, list[Place]]) -> tuple[Place, ...]:
    paths: list[tuple[Place, ...]] = [(start,)]
    visited: set[Place] = set()
    while paths:
        path = paths.pop(0)
        for place in destinations.get(path[-1], ()):
            if place == start:
                return path
            if place not in visited and place in destinations:
                visited.add(place)
                paths.append((*path, place))
    return ()


def _are_of_two_partitions(region: str, other: str | None) -> bool:
    """Return whether two regions are known to be in different partitions, which share nothing (General Reference)."""
    if other is None or is_token((region, other)):
        return False
    return _partition(region) != _partition(other)


def _partition(region: str) -> str:
    return next((prefix for prefix in ("cn-", "us-gov-", "us-iso", "eusc-") if region.startswith(prefix)), "aws")
