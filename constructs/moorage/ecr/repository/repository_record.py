"""The record of a repository for the checks of its registry, without CDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from moorage.ecr.repository.repository_settings import TagMutability
    from moorage.scope.place import Place


@attrs.frozen
class RepositoryRecord:
    """The record of a repository with a physical name.

    Args:
        path: The path of the construct.
        name: The name in the registry.
        place: The account and region.
        stage: The path of the repository's stage, or None if there is no stage.
        tag_mutability: The tag mutability of the repository.
    """

    path: str
    name: str
    place: Place
    stage: str | None
    tag_mutability: TagMutability
