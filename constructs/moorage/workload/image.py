"""Where a container image comes from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from moorage.workload import limits
from moorage.workload.faults import Faults
from moorage.workload.needs import INTERNET, PRIVATE_IMAGES, Needs

if TYPE_CHECKING:
    from aws_cdk import aws_ecr as ecr

_PRIVATE_REGISTRY = re.compile(
    r"\d{12}\.dkr(\.ecr(-fips)?\.[a-z0-9-]+\.amazonaws\.com(\.cn)?|-ecr(-fips)?\.[a-z0-9-]+\.on\.aws)/"
)


@attrs.frozen
class Image:
    """Where a container image comes from; defined by one of the `from_*` methods."""

    @property
    def needs(self) -> Needs:
        """What a task must reach to pull it."""
        raise NotImplementedError(f"{type(self).__name__} is not an image; use one of the Image.from_* methods")

    @staticmethod
    def from_registry(reference: str) -> Image:
        """An image of a public registry, as `docker pull` takes it.

        Args:
            reference: `public.ecr.aws/nginx/nginx:1.29`, `redis:8`, `ghcr.io/org/image@sha256:...`.

        Raises:
            ValueError: the reference is none, or names a private ECR registry, from which a task could not pull
                without the grant that `from_repository` makes.
        """
        return RegistryImage(reference)

    @staticmethod
    def from_repository(repository: ecr.IRepository, *, tag: str | None = None, digest: str | None = None) -> Image:
        """An image of an ECR repository; the execution role of the task is granted to pull it.

        Args:
            repository: A `moorage.Repository`, or any other of CDK's.
            tag: The image's tag, 1 to 300 characters. A tag that moves (`latest`) cannot be pushed twice to a
                repository with immutable tags, so it is refused for one.
            digest: Instead of a tag: `sha256:...`, which never moves.

        Raises:
            ValueError: both tag and digest are given, or neither, or one that ECR would not take.
        """
        return RepositoryImage(repository, tag, digest)

    @staticmethod
    def from_directory(
        path: str | Path,
        *,
        file: str = "Dockerfile",
        build_args: Mapping[str, str] | None = None,
        target: str | None = None,
    ) -> Image:
        """An image built from a directory and pushed by `cdk deploy`, as a Docker asset.

        Args:
            path: The build context.
            file: The Dockerfile, relative to it.
            build_args: What `docker build --build-arg` gets.
            target: The stage to build; the last one without it.

        Raises:
            ValueError: there is no such directory, or no Dockerfile in it.
        """
        return DirectoryImage(Path(path), file, dict(build_args or {}), target)


@attrs.frozen
class RegistryImage(Image):
    """See `Image.from_registry`."""

    reference: str

    def __attrs_post_init__(self) -> None:
        faults = Faults("Image")
        faults.keep(limits.IMAGE_REFERENCE, "reference", self.reference)
        if _PRIVATE_REGISTRY.match(self.reference):
            faults.add(
                f"reference is {self.reference!r}, a private registry, from which a task cannot pull without a grant; "
                "use Image.from_repository(ecr.Repository.from_repository_arn(...), tag=...)"
            )
        faults.raise_found()

    @property
    def needs(self) -> Needs:
        return INTERNET


@attrs.frozen
class RepositoryImage(Image):
    """See `Image.from_repository`."""

    repository: ecr.IRepository
    tag: str | None
    digest: str | None

    def __attrs_post_init__(self) -> None:
        faults = Faults("Image")
        if (self.tag is None) == (self.digest is None):
            given = "neither is given" if self.tag is None else f"both are given ({self.tag!r} and {self.digest!r})"
            faults.add(f"tag and digest: {given}, but an image has one of them; use tag= or digest=")
        faults.keep(limits.IMAGE_TAG, "tag", self.tag)
        faults.keep(limits.IMAGE_DIGEST, "digest", self.digest)
        if self.tag == "latest" and _keeps_tags(self.repository):
            faults.add(
                "tag is 'latest', but the repository's tags are immutable, so it could be pushed once and never again; "
                "use a release's tag or its digest="
            )
        faults.raise_found()

    @property
    def needs(self) -> Needs:
        return PRIVATE_IMAGES


@attrs.frozen
class DirectoryImage(Image):
    """See `Image.from_directory`."""

    path: Path
    file: str
    build_args: Mapping[str, str]
    target: str | None

    def __attrs_post_init__(self) -> None:
        faults = Faults("Image")
        if not self.path.is_dir():
            faults.add(f"path is {str(self.path)!r}, but there is no such directory; name the one with the Dockerfile")
        elif not (self.path / self.file).is_file():
            faults.add(
                f"file is {self.file!r}, but there is none in {str(self.path)!r}; name the Dockerfile with file="
            )
        faults.raise_found()

    @property
    def needs(self) -> Needs:
        return PRIVATE_IMAGES


def _keeps_tags(repository: ecr.IRepository) -> bool:
    """Whether all tags of a repository are immutable, as far as it says: any of this app's does."""
    known: bool | None = getattr(repository, "immutable_tags", None)
    if known is None:
        resource = getattr(getattr(repository, "node", None), "default_child", None)
        known = getattr(resource, "image_tag_mutability", None) == "IMMUTABLE"
    return known


def image(given: Image | str) -> Image:
    """An image, where a string means `Image.from_registry`.

    Raises:
        TypeError: it is neither; a repository has no tag of its own.
    """
    if not isinstance(given, (Image, str)):
        raise TypeError(
            f"{given!r} is not an image; use Image.from_repository(..., tag=...) or the name of a public one"
        )
    return given if isinstance(given, Image) else Image.from_registry(given)
