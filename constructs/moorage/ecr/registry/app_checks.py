"""The checks of a registry that need the complete app. The checks read only records of registries and repositories."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import attrs

from moorage.ecr.registry.replication import Replication, ReplicationSource, replication_cycles

if TYPE_CHECKING:
    from moorage.ecr.repository.repository_record import RepositoryRecord
    from moorage.scope.place import Place


@attrs.frozen
class RegistryRecord:
    """The record of a registry for the checks.

    Args:
        path: The path of the construct.
        stack: The path of the registry's stack.
        stage: The path of the registry's stage, or None if there is no stage.
        place: The account and region.
        replication: The replication rules of the registry. Default: none.
        replicates_from: The registries from which the registry accepts images, in this app or in other apps.
            Default: none.
    """

    path: str
    stack: str
    stage: str | None
    place: Place
    replication: tuple[Replication, ...] = ()
    replicates_from: tuple[RegistryRecord | ReplicationSource, ...] = ()

    def accepts_copies(self, rule: Replication, source: RegistryRecord) -> bool:
        """Return whether this registry is defined to accept the images that `source` replicates by `rule`."""
        return any(
            origin == source
            or (
                isinstance(origin, ReplicationSource)
                and origin.account == source.place[0]
                and rule in origin.replication
            )
            for origin in self.replicates_from
        )


def find_second_registry(
    stack: str, stage: str | None, place: Place, registries: Sequence[RegistryRecord]
) -> tuple[str | None, str | None]:
    """Return the path of a registry in the same place, and the path of a registry that may be in the same place.

    A place is an account and region. Stages with an unknown place are assumed to be in different places. A path is
    None if there is no such registry.

    Args:
        stack: The path of the stack of the new registry.
        stage: The path of the stage of the new registry, or None if it has no stage.
        place: The account and region of the stack.
        registries: The existing registries of the app.
    """
    possible_path = None
    for registry in registries:
        if registry.stack == stack or (None not in place and registry.place == place):
            return registry.path, None
        may_be_same = registry.stage == stage and all(
            None in pair or pair[0] == pair[1] for pair in zip(registry.place, place, strict=True)
        )
        if None in (*registry.place, *place) and may_be_same:
            possible_path = registry.path
    return None, possible_path


def repositories_of(registry: RegistryRecord, repositories: Sequence[RepositoryRecord]) -> list[RepositoryRecord]:
    """Return the repositories of a registry, which are in its account, region and stage."""
    return [each for each in repositories if each.place == registry.place and each.stage == registry.stage]


def replication_errors(
    source: RegistryRecord, registries: Sequence[RegistryRecord], has_stack: Callable[[Place], bool]
) -> Iterator[str]:
    """Yield an error for each destination in this app that does not accept the images replicated to it.

    Args:
        source: The registry that replicates.
        registries: The registries of the app.
        has_stack: A function that returns whether the app has a stack in an account and region. The function is called
            only for a destination without a registry, since it reads the complete app.
    """
    for rule in source.replication:
        for replica in rule.to:
            place = replica._place_from(source.place)
            if None in place or replica.managed_elsewhere:
                continue
            destinations = [registry for registry in registries if registry.place == place]
            if not destinations and not has_stack(place):
                continue
            if not destinations:
                yield (
                    f"{source.path} replicates {rule._description} to {replica._description}, where this app has "
                    "stacks but no Registry, so ECR would refuse the images or create repositories with mutable tags; "
                    f"define Registry(replicates_from=[...]) in {replica._description}, or use "
                    "ReplicationDestination(managed_elsewhere=True) if another app defines the registry"
                )
            elif not any(registry.accepts_copies(rule, source) for registry in destinations):
                yield (
                    f"{source.path} replicates {rule._description} to {replica._description}, but replicates_from of "
                    f"{destinations[0].path} has no entry for {source.path}, or an entry with other settings; add "
                    f"{source.path} or its ReplicationSource(...) to replicates_from= of {destinations[0].path}"
                )


def tag_errors(source: RegistryRecord, repository: RepositoryRecord) -> Iterator[str]:
    """Yield an error for each replication rule that makes mutable tags of `repository` immutable at its destination."""
    for rule in source.replication:
        copied_mutability = rule.settings._tag_mutability
        if (
            rule._copies(repository.name)
            and copied_mutability.setting.startswith("IMMUTABLE")
            and repository.tag_mutability != copied_mutability
        ):
            mutable = [
                tag
                for tag in (*repository.tag_mutability.exclusions, "latest")
                if not repository.tag_mutability.is_immutable(tag) and copied_mutability.is_immutable(tag)
            ]
            if mutable:
                yield (
                    f"{repository.path} has mutable tags ({mutable[0]!r}), but {source.path} replicates the "
                    "repository with immutable tags, so a second image would arrive without its tag; "
                    f"use Replication(settings=RepositorySettings(mutable_tags=[{mutable[0]!r}]))"
                )


def cycle_errors(registry: RegistryRecord, registries: Sequence[RegistryRecord]) -> Iterator[str]:
    """Yield an error for each replication cycle that starts at this registry, so that each cycle is reported once."""
    located = [each for each in registries if None not in each.place]
    paths = {each.place: each.path for each in located}
    for cycle in replication_cycles([(each.place, each.replication) for each in located]):
        if cycle[0] == registry.place:
            yield (
                f"{' -> '.join(paths[place] for place in (*cycle, cycle[0]))} is a replication "
                "cycle: ECR does not replicate a replicated image again, and a tag that is pushed to two of these "
                "registries becomes two images; let one registry replicate to the other registries"
            )
