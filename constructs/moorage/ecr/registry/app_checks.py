"""The checks of a registry that need its app: pure functions over records of its registries and repositories."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import attrs

from moorage.ecr.registry.replication import Replication, ReplicationSource, replication_circles

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

    def accepts_copies(self, rule: Replication, source: RegistryRecord) -> bool:
        """Return whether this registry is defined to accept the images that `source` copies by `rule`."""
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
    """Return the path of a registry that is of the same account and region, and of one that may be.

    Stages whose account or region is not known are taken to be of different ones, as an app means them to be.

    Args:
        stack: The path of the stack that a registry is to be added to.
        stage: The path of its stage.
        place: The account and region of the stack.
        registries: The registries of the app so far.
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
    """Return the repositories of a registry: those of its account, region and stage."""
    return [each for each in repositories if each.place == registry.place and each.stage == registry.stage]


def replication_errors(
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
            destinations = [registry for registry in registries if registry.place == place]
            if not destinations and not has_stack(place):
                continue
            if not destinations:
                yield (
                    f"{source.path} copies {rule._description} to {replica._description}, where this app has stacks "
                    "and no registry, so that ECR would refuse the copies or make repositories with moving tags; "
                    "define Registry(replicates_from=[...]) there, or say "
                    "ReplicationDestination(managed_elsewhere=True) where another app does"
                )
            elif not any(registry.accepts_copies(rule, source) for registry in destinations):
                yield (
                    f"{source.path} copies {rule._description} to {replica._description}, but {destinations[0].path} "
                    "is not told of it, or of other settings; give it replicates_from=[the registry that copies]"
                )


def tag_errors(source: RegistryRecord, repository: RepositoryRecord) -> Iterator[str]:
    """Yield the errors of tags that are mutable in `repository` and immutable where `source` copies it to."""
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
                    f"{repository.path} has tags that move ({mutable[0]!r}), and {source.path} copies it to "
                    "where they do not, so a second image would arrive without its tag; use "
                    f"Replication(settings=RepositorySettings(mutable_tags=[{mutable[0]!r}]))"
                )


def circle_errors(registry: RegistryRecord, registries: Sequence[RegistryRecord]) -> Iterator[str]:
    """Yield the errors of circles that begin at this registry, so that each is reported once."""
    located = [each for each in registries if None not in each.place]
    paths = {each.place: each.path for each in located}
    for circle in replication_circles([(each.place, each.replication) for each in located]):
        if circle[0] == registry.place:
            yield (
                f"{' copies to '.join(paths[place] for place in (*circle, circle[0]))}, which is a circle: a copy is "
                "not copied further, and a tag that is pushed to two of them becomes two images; let one copy to the "
                "others"
            )
