"""The destinations of a registry's images, and the settings that these need."""

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
    """A registry that images are copied to.

    Args:
        region: Its region.
        account: Its account; the source's own without it.
        managed_elsewhere: Whether another app defines it, although this one has stacks in its account and region.

    Raises:
        ValueError: it is no region, or no account.
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
        """Return its account and region, as seen from the account and region of the source."""
        account = source[0] if self.account is None else self.account
        return (None if account is None or is_token(account) else account, self.region)

    @property
    def _description(self) -> str:
        """Return the region, and the account if it is given, as messages name them."""
        return f"{self.region} of account {self.account}" if self.account else self.region


def _as_destinations(
    destinations: str | ReplicationDestination | Sequence[str | ReplicationDestination],
) -> tuple[ReplicationDestination, ...]:
    entries = (destinations,) if isinstance(destinations, (str, ReplicationDestination)) else destinations
    return tuple(each if isinstance(each, ReplicationDestination) else ReplicationDestination(each) for each in entries)


@value_class
@attrs.frozen
class Replication:
    """Which images of a registry are copied, where to, and how the repositories are set up there.

    Images are copied when they are pushed, once: what was there before is not, nor are deletions, and a copy is not
    copied further. The same value makes the rule at the source and, with `Registry(replicates_from=[...])`, the
    permission and the settings at each destination.

    Args:
        prefix: Beginnings of the names of repositories, as `prod/`; all repositories without it.
        to: Regions, or `ReplicationDestination`s of other accounts.
        settings: How ECR sets up the repositories that it makes there; as a `Repository` is by default.

    Raises:
        ValueError: there is no destination, one twice, or more than ECR takes.
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
            problems.add(f"to names {replica} twice, but an image is copied there once; name it once")
        problems.raise_any()

    @property
    def _prefixes(self) -> tuple[str, ...]:
        """Return the prefixes, none for all repositories."""
        return self.prefix or ()

    def _copies(self, repository: str) -> bool:
        """Return whether images of a repository are copied."""
        return repository.startswith(self.prefix or "")

    @property
    def _template_prefixes(self) -> tuple[str, ...]:
        """Return the prefixes of creation templates that apply to the copies, each to the repositories below it."""
        below = (prefix.rstrip("/") for prefix in self._prefixes)
        return (
            tuple(each for each in below if registry_limits.TEMPLATE_PREFIX.accepts(each)) if self.prefix else ("ROOT",)
        )

    @property
    def _prefixes_without_template(self) -> tuple[str, ...]:
        """Return the prefixes of repositories to some of which no creation template applies."""
        return tuple(prefix for prefix in self._prefixes if not prefix.endswith("/"))

    @property
    def _description(self) -> str:
        """Return the repositories that are copied, as messages name them."""
        return f"prefix {', '.join(map(repr, self.prefix))}" if self.prefix else "all repositories"


def _as_rules(rules: Replication | Sequence[Replication]) -> tuple[Replication, ...]:
    return (rules,) if isinstance(rules, Replication) else tuple(rules)


@value_class
@attrs.frozen
class ReplicationSource:
    """A registry of another app that copies images here, with the replication that it was given there.

    Args:
        account: Its account.
        replication: The same `Replication` values as the source's registry has.

    Raises:
        ValueError: it is no account, or nothing is replicated.
    """

    account: str
    replication: tuple[Replication, ...] = attrs.field(converter=_as_rules)

    def __attrs_post_init__(self) -> None:
        problems = Problems("ReplicationSource")
        problems.check(registry_limits.ACCOUNT, "account", self.account)
        if not self.replication:
            problems.add("replication is empty, so nothing would come; give what the source's registry is given")
        problems.raise_any()


def check_rules(rules: Sequence[Replication], place: Place, problems: Problems) -> None:
    """Note why a registry at `place` cannot have these rules together."""
    problems.check(registry_limits.REPLICATION_RULES, "the number of replication rules", len(rules))
    places = {replica._place_from(place) for rule in rules for replica in rule.to}
    problems.check(
        registry_limits.REPLICATION_UNIQUE_DESTINATIONS, "the number of destinations of all rules", len(places)
    )
    rule_keys: set[tuple[frozenset[str], frozenset[Place]]] = set()
    for rule in rules:
        destinations = [replica._place_from(place) for replica in rule.to]
        for region in (each.region for each in rule.to if _are_of_two_partitions(each.region, place[1])):
            problems.add(
                f"replication of {rule._description} must stay in the partition of {place[1]} (got {region}); name "
                "regions of that partition"
            )
        if place in destinations and None not in place:
            problems.add(
                f"replication of {rule._description} goes to {place[1]}, which is this registry itself; name another "
                "region or account"
            )
        if len(set(destinations)) < len(set(rule.to)):
            problems.add(
                f"replication of {rule._description} names this account with and without its number; "
                "name each region once"
            )
        rule_key = (frozenset(rule._prefixes), frozenset(destinations))
        if rule_key in rule_keys:
            problems.add(
                f"replication of {rule._description} is given twice, with the same destinations; leave one out"
            )
        rule_keys.add(rule_key)


def rules_for_destination(rules: Sequence[Replication], source: Place, place: Place) -> tuple[Replication, ...]:
    """Return the rules of a source that copy to a registry at `place`; an account that is not known may be any."""
    return tuple(rule for rule in rules if any(_may_match(replica._place_from(source), place) for replica in rule.to))


def _may_match(place: Place, other_place: Place) -> bool:
    return all(
        part is None or other_part is None or part == other_part
        for part, other_part in zip(place, other_place, strict=True)
    )


def replication_circles(registries: Sequence[tuple[Place, Sequence[Replication]]]) -> Iterator[tuple[Place, ...]]:
    """Yield each circle of registries in which an image would be copied back to the registry that it was pushed to.

    Two rules apply to a repository if its name begins with a prefix of each; the prefixes are the names that are tried.
    """
    prefixes = sorted({prefix for _, rules in registries for rule in rules for prefix in rule.prefix or ("",)})
    reported: set[frozenset[Place]] = set()
    for name in prefixes:
        destinations = {
            place: [replica._place_from(place) for rule in rules if rule._copies(name) for replica in rule.to]
            for place, rules in registries
        }
        for start in destinations:
            circle = _shortest_circle(start, destinations)
            if circle and frozenset(circle) not in reported:
                reported.add(frozenset(circle))
                yield circle


def _shortest_circle(start: Place, destinations: dict[Place, list[Place]]) -> tuple[Place, ...]:
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
    """Tell whether two regions are known to be of two partitions, which share nothing (AWS General Reference)."""
    if other is None or is_token((region, other)):
        return False
    return _partition(region) != _partition(other)


def _partition(region: str) -> str:
    return next((prefix for prefix in ("cn-", "us-gov-", "us-iso", "eusc-") if region.startswith(prefix)), "aws")
