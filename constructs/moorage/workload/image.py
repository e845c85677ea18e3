"""Where a container image comes from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

import attrs

from moorage.workload import image_limits
from moorage.workload.plain_texts import PlainText, check_literals
from moorage.workload.problems import Problems, is_token
from moorage.workload.required_services import INTERNET_NEEDS, PRIVATE_IMAGE_NEEDS, Needs
from moorage.workload.value import value_class

if TYPE_CHECKING:
    import aws_cdk as cdk
    from aws_cdk import aws_ecr as ecr
    from aws_cdk import aws_ssm as ssm

NO_IMAGE_TAG = "none"
"""The value of a parameter before the first image is pushed."""
_PRIVATE_REGISTRY_PATTERN = re.compile(
    r"\d{12}\.dkr(\.ecr(-fips)?\.[a-z0-9-]+\.amazonaws\.com(\.cn)?|-ecr(-fips)?\.[a-z0-9-]+\.on\.aws)/"
)


@value_class
@attrs.frozen
class Image:
    """Where a container image comes from; defined by one of the `from_*` methods."""

    @property
    def _needs(self) -> Needs:
        """Return the services that a task must reach to pull the image."""
        raise NotImplementedError(f"{type(self).__name__} is not an image; use one of the Image.from_* methods")

    @property
    def _plain_texts(self) -> tuple[PlainText, ...]:
        """Return the texts that whoever has the image reads."""
        return ()

    @property
    def _mutable_reference(self) -> str | None:
        """Return the reference if its tag is `latest`, written or implied, so that it may later mean another image."""
        return None

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
    def from_repository(
        repository: ecr.IRepository,
        *,
        tag: str | None = None,
        digest: str | None = None,
        parameter: str | ssm.IParameter | cdk.CfnParameter | None = None,
        placeholder: str | None = None,
    ) -> Image:
        """An image of an ECR repository; the execution role of the task is granted to pull it.

        Args:
            repository: A `moorage.Repository`, or any other of CDK's.
            tag: The image's tag, 1 to 300 characters. A tag that moves (`latest`) cannot be pushed twice to a
                repository with immutable tags, so it is refused for one.
            digest: Instead of a tag: `sha256:...`, which never moves.
            parameter: Instead of a tag: what holds it when the stack is deployed, and CI sets: the name of an SSM
                parameter, one that CDK imports, or a parameter of the stack. A deployment reads it anew, so that it
                puts no old tag back. The app must not define the SSM parameter: each update of that resource would
                write its first value back. Make it once:
                `aws ssm put-parameter --name /shop/web/tag --type String --value none`.
            placeholder: With `parameter`: an image of a public registry that runs while the parameter's value is
                `none`, before the first image was pushed.

        Raises:
            ValueError: not exactly one of tag, digest and parameter is given, or one that ECR would not take.
        """
        return RepositoryImage(repository, tag, digest, parameter, placeholder)

    @staticmethod
    def from_directory(
        path: str | Path,
        *,
        file: str = "Dockerfile",
        build_args: Mapping[str, str] | None = None,
        build_secrets: Mapping[str, str] | None = None,
        target: str | None = None,
    ) -> Image:
        """An image built from a directory and pushed by `cdk deploy`, as a Docker asset.

        Args:
            path: The build context.
            file: The Dockerfile, relative to it.
            build_args: What `docker build --build-arg` gets. The image keeps them, so a secret is refused.
            build_secrets: What `docker build --secret` gets, as in `{"NPM_TOKEN": "env=NPM_TOKEN"}`: a variable or a
                file (`src=...`) of the machine that builds, which the image does not keep.
            target: The stage to build; the last one without it.

        Raises:
            ValueError: there is no such directory, no Dockerfile in it, or a secret in `build_args`.
        """
        return DirectoryImage(Path(path), file, dict(build_args or {}), dict(build_secrets or {}), target)


@attrs.frozen
class RegistryImage(Image):
    """See `Image.from_registry`."""

    reference: str

    def __attrs_post_init__(self) -> None:
        problems = Problems("Image")
        problems.check(image_limits.IMAGE_REFERENCE, "reference", self.reference)
        if _PRIVATE_REGISTRY_PATTERN.match(self.reference):
            problems.add(
                f"reference is {self.reference!r}, a private registry, from which a task cannot pull without a grant; "
                "use Image.from_repository(ecr.Repository.from_repository_arn(...), tag=...)"
            )
        problems.raise_any()

    @property
    def _needs(self) -> Needs:
        return INTERNET_NEEDS

    @property
    def _mutable_reference(self) -> str | None:
        name = self.reference.rpartition("/")[2]
        _, separator, tag = name.partition(":")
        is_latest = tag == "latest" or not separator
        return self.reference if is_latest and "@" not in name and not is_token(self.reference) else None


@attrs.frozen
class RepositoryImage(Image):
    """See `Image.from_repository`."""

    repository: ecr.IRepository
    tag: str | None = None
    digest: str | None = None
    parameter: str | ssm.IParameter | cdk.CfnParameter | None = None
    placeholder: str | None = None

    def __attrs_post_init__(self) -> None:
        problems = Problems("Image")
        arguments = [name for name in ("tag", "digest", "parameter") if getattr(self, name) is not None]
        if len(arguments) != 1:
            usage = f"{' and '.join(arguments)} are given" if arguments else "none is given"
            problems.add(f"tag, digest and parameter: {usage}, but an image has one of them; use one")
        if self.placeholder is not None and self.parameter is None:
            problems.add(
                "placeholder is given without parameter, whose value 'none' it stands for; use parameter=, "
                "or leave it out"
            )
        if self._defines_parameter:
            problems.add(
                f"parameter must not be defined by this app (got {self.parameter_name!r}), since each update of it "
                "would write its first value over the tag that CI set; make it once with aws ssm put-parameter, and "
                "use parameter='/its/name'"
            )
        problems.check(image_limits.IMAGE_TAG, "tag", self.tag)
        problems.check(image_limits.IMAGE_DIGEST, "digest", self.digest)
        if self.tag == "latest" and _tag_is_immutable(self.repository, self.tag):
            problems.add(
                "tag is 'latest', but the repository's tags are immutable, so it could be pushed once and never again; "
                "use a release's tag or its digest="
            )
        problems.raise_any()

    @property
    def parameter_name(self) -> str | None:
        """Return the name of the SSM parameter that holds the tag, or None if no SSM parameter holds it."""
        if self.parameter is None or isinstance(self.parameter, str):
            return self.parameter
        return getattr(self.parameter, "parameter_name", None)

    @property
    def _defines_parameter(self) -> bool:
        """Return whether the app defines the SSM parameter that holds the tag."""
        if not hasattr(self.parameter, "parameter_name"):
            return False
        return cast("ssm.IParameter", self.parameter).node.default_child is not None

    @property
    def _needs(self) -> Needs:
        return PRIVATE_IMAGE_NEEDS | INTERNET_NEEDS if self.placeholder else PRIVATE_IMAGE_NEEDS


def _tag_is_immutable(repository: ecr.IRepository, tag: str) -> bool:
    """Return whether a tag of a repository is immutable, as far as the app defines the repository."""
    is_immutable = getattr(repository, "_tag_is_immutable", None)
    if is_immutable is not None:
        return bool(is_immutable(tag))
    resource = getattr(getattr(repository, "node", None), "default_child", None)
    return getattr(resource, "image_tag_mutability", None) == "IMMUTABLE"


@attrs.frozen
class DirectoryImage(Image):
    """See `Image.from_directory`."""

    path: Path
    file: str
    build_args: Mapping[str, str]
    build_secrets: Mapping[str, str]
    target: str | None

    def __attrs_post_init__(self) -> None:
        problems = Problems("Image")
        if not self.path.is_dir():
            problems.add(
                f"path is {str(self.path)!r}, but there is no such directory; name the one with the Dockerfile"
            )
        elif not (self.path / self.file).is_file():
            problems.add(
                f"file is {self.file!r}, but there is none in {str(self.path)!r}; name the Dockerfile with file="
            )
        check_literals(self._plain_texts, problems)
        for argument in ("build_args", "build_secrets"):
            for text in (text for pair in getattr(self, argument).items() for text in pair):
                problems.check_known(argument, text)
        problems.check_known("target", self.target)
        problems.raise_any()

    @property
    def _plain_texts(self) -> tuple[PlainText, ...]:
        return tuple(
            PlainText("build_args", name, value, f"use build_secrets={{{name!r}: 'env={name}'}}", "has the image")
            for name, value in self.build_args.items()
        )

    @property
    def _needs(self) -> Needs:
        return PRIVATE_IMAGE_NEEDS


def as_image(value: Image | str) -> Image:
    """Return an image, which a string names as for `Image.from_registry`."""
    return value if isinstance(value, Image) else Image.from_registry(value)
