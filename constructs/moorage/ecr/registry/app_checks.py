"""The checks of a registry that need its app: pure functions over records of its registries and repositories."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import attrs

from moorage.ecr.registry.replication import Replication, ReplicationSource, circles

if TYPE_CHECKING:
    from moorage.ecr.repository.repository_record import RepositoryRecord
    from moorage.scope.place import Place


@attrs.frozen
class RegistryRecord:
    """A registry as the checks read it.

    Args:
        path: The path of the construct.
        stack: The path of its stack.
        stage: The path of its stage, or None if it has no stage.
        place: The account and region.
        replication: The rules by which it copies.
        replicates_from: The registries that it takes copies from: of this app, or of others.
    """

    path: str
    stack: str
    stage: str | None
    place: Place
    replication: tuple[Replication, ...] = ()
    replicates_from: tuple[RegistryRecord | ReplicationSource, ...] = ()

    def takes(self, rule: Replication, source: RegistryRecord) -> bool:
        """Return whether this registry is defined to take what `source` copies by `rule`."""
        return any(
            origin == source
            or (
                isinstance(origin, ReplicationSource)
                and origin.account == source.place[0]
                and rule in origin.replication
            )
            for origin in self.replicates_from
        )


def second_of(stack: str, place: Place, registries: Sequence[RegistryRecord]) -> tuple[str | None, str | None]:
    """Return the path of a registry that is of the same account and region, and of one that may be.

    Args:
        stack: The path of the stack that a registry is to be added to.
        place: The account and region of the stack.
        registries: The registries of the app so far.
    """
    perhaps = None
    for registry in registries:
        if registry.stack == stack or (None not in place and registry.place == place):
            return registry.path, None
        same = all(None in pair or pair[0] == pair[1] for pair in zip(registry.place, place, strict=True))
        if None in (*registry.place, *place) and same:
            perhaps = registry.path
    return None, perhaps


def beside(registry: RegistryRecord, repositories: Sequence[RepositoryRecord]) -> list[RepositoryRecord]:
    """Return the repositories of a registry: those of its account, region and stage."""
    return [each for each in repositories if each.place == registry.place and each.stage == registry.stage]


def out_of_step(
    source: RegistryRecord, registries: Sequence[RegistryRecord], has_stack: Callable[[Place], bool]
) -> Iterator[str]:
    """Yield the errors of destinations that this app can see and that do not take what is copied to them.

    Args:
        source: The registry that copies.
        registries: The registries of the app.
        has_stack: Returns whether the app has a stack in an account and region; called only for a destination
            without a registry, since it reads the complete app.
    """
    for rule in source.replication:
        for replica in rule.to:
            place = replica._place_from(source.place)
            if None in place or replica.managed_elsewhere:
                continue
            there = [registry for registry in registries if registry.place == place]
            if not there and not has_stack(place):
                continue
            if not there:
                yield (
                    f"{source.path} copies {rule._description} to {replica._description}, where this app has stacks "
                    "and no registry, so that ECR would refuse the copies or make repositories with moving tags; "
                    "define Registry(replicates_from=[...]) there, or say "
                    "ReplicationDestination(managed_elsewhere=True) where another app does"
                )
            elif not any(registry.takes(rule, source) for registry in there):
                yield (
                    f"{source.path} copies {rule._description} to {replica._description}, but {there[0].path} is not "
                    "told of it, or of other settings; give it replicates_from=[the registry that copies]"
                )


def tags_out_of_step(source: RegistryRecord, repository: RepositoryRecord) -> Iterator[str]:
    """Yield the errors of tags that are mutable in `repository` and immutable where `source` copies it to."""
    for rule in source.replication:
        theirs = rule.settings._tag_mutability
        if rule._copies(repository.name) and theirs.setting.startswith("IMMUTABLE") and repository.tags != theirs:
            mutable = [
                tag
                for tag in (*repository.tags.exclusions, "latest")
                if not repository.tags.fix(tag) and theirs.fix(tag)
            ]
            if mutable:
                yield (
                    f"{repository.path} has tags that move ({mutable[0]!r}), and {source.path} copies it to "
                    "where they do not, so a second image would arrive without its tag; use "
                    f"Replication(settings=RepositorySettings(mutable_tags=[{mutable[0]!r}]))"
                )


def in_circles(registry: RegistryRecord, registries: Sequence[RegistryRecord]) -> Iterator[str]:
    """Yield the errors of circles that begin at this registry, so that each is reported once."""
    known = [each for each in registries if None not in each.place]
    paths = {each.place: each.path for each in known}
    for way in circles([(each.place, each.replication) for each in known]):
        if way[0] == registry.place:
            yield (
                f"{' copies to '.join(paths[place] for place in (*way, way[0]))}, which is a circle: a copy is not "
                "copied further, and a tag that is pushed to two of them becomes two images; let one copy to the others"
            )
