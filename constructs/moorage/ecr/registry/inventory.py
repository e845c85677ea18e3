"""What only a whole app shows of its registries and repositories, across its stages."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING

import attrs
import aws_cdk as cdk

from moorage.ecr.registry.replication import Place, circles
from moorage.workload.problems import is_token

if TYPE_CHECKING:
    from constructs import Construct, IConstruct

    from moorage.ecr.registry.registry import Registry
    from moorage.ecr.repository.repository import Repository

UNMATCHED = "@moorage/ecr:filter-unmatched"
SECOND = "@moorage/ecr:second-registry"
OUT_OF_REACH = "@moorage/ecr:template-reach"


@attrs.define
class _Known:
    """The registries and the named repositories of one app."""

    registries: list[Registry] = attrs.field(factory=list)
    repositories: list[Repository] = attrs.field(factory=list)


_apps: weakref.WeakKeyDictionary[IConstruct, _Known] = weakref.WeakKeyDictionary()


def _known(construct: Construct) -> _Known:
    return _apps.setdefault(construct.node.root, _Known())


def place_of(construct: Construct) -> Place:
    """The account and region of a construct's stack, each None where it is not known before deployment."""
    stack = cdk.Stack.of(construct)
    account, region = (None if is_token(each) else each for each in (stack.account, stack.region))
    return account, region


def add_repository(repository: Repository) -> None:
    """Record a repository that has a name of its own, so that filters and replication can be held against it."""
    _known(repository).repositories.append(repository)


def add_registry(registry: Registry) -> None:
    """Record the one registry of its account and region."""
    _known(registry).registries.append(registry)


def second_of(scope: Construct, place: Place) -> tuple[str | None, str | None]:
    """The path of a registry that certainly is of the same account and region, and of one that perhaps is."""
    perhaps = None
    for registry in _known(scope).registries:
        if cdk.Stack.of(registry) is cdk.Stack.of(scope) or (None not in place and registry.place == place):
            return registry.node.path, None
        same = all(None in pair or pair[0] == pair[1] for pair in zip(registry.place, place, strict=True))
        if None in (*registry.place, *place) and same:
            perhaps = registry.node.path
    return None, perhaps


def beside(registry: Registry) -> list[Repository]:
    """The named repositories of a registry: of its account and region, or of its stage where neither is known."""
    return [
        each
        for each in _known(registry).repositories
        if place_of(each) == registry.place and cdk.Stage.of(each) is cdk.Stage.of(registry)
    ]


def out_of_step(source: Registry) -> Iterator[str]:
    """What is wrong with the destinations of a registry that this app can see, and with the ways back from them."""
    known = _known(source)
    for rule in source.replication:
        for replica in rule.to:
            place = replica.place(source.place)
            if None in place or replica.elsewhere:
                continue
            there = [registry for registry in known.registries if registry.place == place]
            if not there and not _has_stack(source.node.root, place):
                continue
            if not there:
                yield (
                    f"{source.node.path} copies {rule.says} to {replica.says}, where this app has stacks and no "
                    "registry, so that ECR would refuse the copies or make repositories with moving tags; define "
                    "Registry(replicates_from=[...]) there, or say Replica(elsewhere=True) where another app does"
                )
            elif not any(registry.takes(rule, source) for registry in there):
                yield (
                    f"{source.node.path} copies {rule.says} to {replica.says}, but {there[0].node.path} is not told of "
                    "it, or of other settings; give it replicates_from=[the registry that copies]"
                )
    for repository in beside(source):
        yield from _torn(source, repository)


def _torn(source: Registry, repository: Repository) -> Iterator[str]:
    """Tags that move at the source and not at the replica lose their image there."""
    for rule in source.replication:
        theirs = rule.settings.mutability
        if rule.copies(str(repository.name)) and theirs.setting.startswith("IMMUTABLE") and repository.tags != theirs:
            moves = [
                tag for tag in (*repository.tags.exclusions, "latest") if not repository.fixes(tag) and theirs.fix(tag)
            ]
            if moves:
                yield (
                    f"{repository.node.path} has tags that move ({moves[0]!r}), and {source.node.path} copies it to "
                    "where they do not, so a second image would arrive without its tag; use "
                    f"Replication(settings=RepositorySettings(mutable_tags=[{moves[0]!r}]))"
                )


def in_circles(registry: Registry) -> Iterator[str]:
    """The circles of which this registry is the first, so that each is told once."""
    known = [each for each in _known(registry).registries if None not in each.place]
    paths = {each.place: each.node.path for each in known}
    for way in circles([(each.place, each.replication) for each in known]):
        if way[0] == registry.place:
            yield (
                f"{' copies to '.join(paths[place] for place in (*way, way[0]))}, which is a circle: a copy is not "
                "copied further, and a tag that is pushed to two of them becomes two images; let one copy to the others"
            )


def _has_stack(root: IConstruct, place: Place) -> bool:
    return any(isinstance(each, cdk.Stack) and place_of(each) == place for each in root.node.find_all())
