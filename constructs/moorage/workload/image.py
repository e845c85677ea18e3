"""The sources of container images."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

import attrs

from moorage.workload import image_limits
from moorage.workload.attribute_names import AnswersNamesOfCdk
from moorage.workload.plain_texts import PlainText, check_literals
from moorage.workload.problems import Problems, is_token
from moorage.workload.required_services import INTERNET_NEEDS, PRIVATE_IMAGE_NEEDS, Needs
from moorage.workload.value import value_class

if TYPE_CHECKING:
    import aws_cdk as cdk
    from aws_cdk import aws_ecr as ecr
    from aws_cdk import aws_secretsmanager as secretsmanager
    from aws_cdk import aws_ssm as ssm

NO_IMAGE_YET = "none"
"""The value of the parameter that holds a tag or digest before the first image is pushed."""
_PRIVATE_REGISTRY_PATTERN = re.compile(
    r"\d{12}\.dkr(\.ecr(-fips)?\.[a-z0-9-]+\.amazonaws\.com(\.cn)?|-ecr(-fips)?\.[a-z0-9-]+\.on\.aws)/"
)


@value_class
@attrs.frozen
class Image(metaclass=AnswersNamesOfCdk):
    """The source of a container image, created by one of the `from_*` methods."""

    @property
    def _needs(self) -> Needs:
        """The services that a task must reach to pull the image."""
        raise NotImplementedError(f"{type(self).__name__} is not an image; use one of the Image.from_* methods")

    @property
    def _plain_texts(self) -> tuple[PlainText, ...]:
        """The texts that anyone with access to the image can read."""
        return ()

    @property
    def _credentials(self) -> secretsmanager.ISecret | None:
        """The secret with the credentials of the registry, or None if ECS needs no credentials."""
        return None

    @property
    def _mutable_reference(self) -> str | None:
        """The reference of a public image with the tag `latest`, explicitly or by default. None for other images."""
        return None

    @staticmethod
    def from_registry(reference: str, *, credentials: secretsmanager.ISecret | None = None) -> Image:
        """Use an image of a public registry, or of a private registry other than Amazon ECR.

        Args:
            reference: The reference as for `docker pull`: `public.ecr.aws/nginx/nginx:1.29`, `redis:8`,
                `ghcr.io/org/image@sha256:...`.
            credentials: The secret with the credentials of a private registry, JSON with the fields `username` and
                `password`. ECS reads the secret when it pulls the image, and the execution role is granted read access.
                Default: none, for a public image.

        Raises:
            ValueError: If the reference is invalid or names a private ECR registry, or credentials are given for an
                ECR registry. A task can pull from a private ECR registry only with the permissions that
                `from_repository` grants.
        """
        return RegistryImage(reference, credentials)

    @staticmethod
    def from_repository(
        repository: ecr.IRepository,
        *,
        tag: str | None = None,
        digest: str | None = None,
        parameter: str | ssm.IParameter | cdk.CfnParameter | None = None,
        digest_parameter: str | ssm.IParameter | cdk.CfnParameter | None = None,
        placeholder: str | None = None,
        pull_through: bool = False,
    ) -> Image:
        """Use an image of an ECR repository. The execution role of the task is granted permission to pull the image.

        Exactly one of `tag`, `digest`, `parameter` and `digest_parameter` must be given.

        Args:
            repository: A `moorage.Repository` or any other `ecr.IRepository`.
            tag: The tag of the image, 1 to 300 characters. `latest` is refused for a repository with immutable tags,
                since that tag could be pushed only once. Default: none.
            digest: The digest of the image, `sha256:...`. Default: none.
            parameter: The parameter that holds the tag, which CI sets: the name of an SSM parameter, an imported SSM
                parameter, or a parameter of the stack. Each deployment reads the current value. The app must not
                define the SSM parameter, since each update of that resource would restore its first value. Create
                the parameter once with `aws ssm put-parameter --name /shop/web/tag --type String --value none`.
                Default: none.
            digest_parameter: The parameter that holds the digest, `sha256:...`, with the same rules as `parameter`.
                The digest always names the same image, even if its tag is moved. Default: none.
            placeholder: A public image to run while the value of `parameter` or `digest_parameter` is `none`, before
                the first image is pushed. Default: none.
            pull_through: Whether to let the execution role import an image that a pull through cache has not cached
                yet, and create the repository. For a cache in another account, the policies there must grant this
                account the same permissions. Default: False.

        Raises:
            ValueError: If not exactly one of `tag`, `digest`, `parameter` and `digest_parameter` is given, the tag,
                digest or name of the parameter is invalid, the app defines the parameter, or `placeholder` is given
                without a parameter.
        """
        return RepositoryImage(repository, tag, digest, parameter, digest_parameter, placeholder, pull_through)

    @staticmethod
    def from_directory(
        path: str | Path,
        *,
        file: str = "Dockerfile",
        build_args: Mapping[str, str] | None = None,
        build_secrets: Mapping[str, str] | None = None,
        target: str | None = None,
    ) -> Image:
        """Build an image from a directory, as a Docker asset that `cdk deploy` pushes.

        Args:
            path: The directory that is the build context.
            file: The path of the Dockerfile, relative to `path`. Default: `Dockerfile`.
            build_args: The arguments of `docker build --build-arg`. The image contains the values, so secrets are
                refused. Default: none.
            build_secrets: The arguments of `docker build --secret`, such as `{"NPM_TOKEN": "env=NPM_TOKEN"}`. Each is
                an environment variable or a file (`src=...`) of the build machine. The image does not contain the
                values. Default: none.
            target: The build stage. Default: the last stage.

        Raises:
            ValueError: If the directory or the Dockerfile does not exist, `build_args` contains a secret, or an
                argument is known only at deployment.
        """
        return DirectoryImage(Path(path), file, dict(build_args or {}), dict(build_secrets or {}), target)


@attrs.frozen
class RegistryImage(Image):
    """An image of a registry other than private ECR; see `Image.from_registry`."""

    reference: str
    credentials: secretsmanager.ISecret | None = None

    def __attrs_post_init__(self) -> None:
        problems = Problems("Image")
        problems.check(image_limits.IMAGE_REFERENCE, "reference", self.reference)
        if _PRIVATE_REGISTRY_PATTERN.match(self.reference):
            problems.add(
                "reference must not be in a private registry, from which a task cannot pull without permissions "
                f"(got {self.reference!r}); use Image.from_repository(ecr.Repository.from_repository_arn(...), tag=...)"
            )
        elif self.credentials is not None:
            problems.check(image_limits.REGISTRY_CREDENTIALS, "reference", self.reference)
        problems.raise_any()

    @property
    def _needs(self) -> Needs:
        return INTERNET_NEEDS if self.credentials is None else INTERNET_NEEDS | {"secretsmanager"}

    @property
    def _credentials(self) -> secretsmanager.ISecret | None:
        return self.credentials

    @property
    def _mutable_reference(self) -> str | None:
        name = self.reference.rpartition("/")[2]
        _, separator, tag = name.partition(":")
        is_latest = tag == "latest" or not separator
        return self.reference if is_latest and "@" not in name and not is_token(self.reference) else None


@attrs.frozen
class RepositoryImage(Image):
    """An image of an ECR repository; see `Image.from_repository`."""

    repository: ecr.IRepository
    tag: str | None = None
    digest: str | None = None
    parameter: str | ssm.IParameter | cdk.CfnParameter | None = None
    digest_parameter: str | ssm.IParameter | cdk.CfnParameter | None = None
    placeholder: str | None = None
    pull_through: bool = False

    def __attrs_post_init__(self) -> None:
        problems = Problems("Image")
        sources = ("tag", "digest", "parameter", "digest_parameter")
        arguments = [name for name in sources if getattr(self, name) is not None]
        if len(arguments) != 1:
            problems.add(
                "exactly one of tag, digest, parameter and digest_parameter must be given "
                f"(got {' and '.join(arguments) or 'none'}); use tag=, digest=, or, for an image that CI sets, "
                "parameter= or digest_parameter="
            )
        if self.placeholder is not None and self.stored is None:
            problems.add(
                "placeholder must not be given without parameter or digest_parameter, since the placeholder is used "
                "while the value of the parameter is 'none'; use parameter= or digest_parameter=, or leave "
                "placeholder= out"
            )
        if self._defines_parameter:
            argument, kept = ("parameter", "tag") if self.holds_tag else ("digest_parameter", "digest")
            problems.add(
                f"{argument} must not be defined by this app (got {self.parameter_name!r}), since each update of the "
                f"parameter would overwrite the {kept} that CI set; create the parameter with aws ssm put-parameter, "
                f"and use {argument}='/its/name'"
            )
        problems.check(image_limits.IMAGE_TAG, "tag", self.tag)
        problems.check(image_limits.IMAGE_DIGEST, "digest", self.digest)
        for argument in ("parameter", "digest_parameter"):
            if isinstance(name := getattr(self, argument), str):
                problems.check(image_limits.PARAMETER_NAME, argument, name)
        if self.tag == "latest" and _tag_is_immutable(self.repository, self.tag):
            problems.add(
                "tag must not be 'latest' with a repository whose tags are immutable, since that tag could be pushed "
                "only once; use the tag of a release, or digest="
            )
        problems.raise_any()

    @property
    def holds_tag(self) -> bool:
        """True if the parameter holds a tag, and False if it holds a digest."""
        return self.parameter is not None

    @property
    def stored(self) -> str | ssm.IParameter | cdk.CfnParameter | None:
        """The parameter that holds the tag or digest, or None if no parameter holds it."""
        return self.parameter if self.holds_tag else self.digest_parameter

    @property
    def parameter_name(self) -> str | None:
        """The name of the SSM parameter that holds the tag or digest, or None if no SSM parameter holds it."""
        if self.stored is None or isinstance(self.stored, str):
            return self.stored
        return getattr(self.stored, "parameter_name", None)

    @property
    def _defines_parameter(self) -> bool:
        """True if the app defines the SSM parameter that holds the tag or digest."""
        if not hasattr(self.stored, "parameter_name"):
            return False
        return cast("ssm.IParameter", self.stored).node.default_child is not None

    @property
    def _needs(self) -> Needs:
        return PRIVATE_IMAGE_NEEDS | INTERNET_NEEDS if self.placeholder else PRIVATE_IMAGE_NEEDS


def _tag_is_immutable(repository: ecr.IRepository, tag: str) -> bool:
    """Return whether a tag of a repository is immutable. The tags of an imported repository count as mutable."""
    is_immutable = getattr(repository, "_tag_is_immutable", None)
    if is_immutable is not None:
        return bool(is_immutable(tag))
    resource = getattr(getattr(repository, "node", None), "default_child", None)
    return getattr(resource, "image_tag_mutability", None) == "IMMUTABLE"


@attrs.frozen
class DirectoryImage(Image):
    """An image built from a directory; see `Image.from_directory`."""

    path: Path
    file: str
    build_args: Mapping[str, str]
    build_secrets: Mapping[str, str]
    target: str | None

    def __attrs_post_init__(self) -> None:
        problems = Problems("Image")
        if not self.path.is_dir():
            problems.add(
                f"path must be a directory (got {str(self.path)!r}); use the directory that contains the Dockerfile"
            )
        elif not (self.path / self.file).is_file():
            problems.add(
                f"file must be a file in {str(self.path)!r} (got {self.file!r}); use the path of the Dockerfile "
                "in this directory"
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
    """Return `value` as an image; a string is passed to `Image.from_registry`."""
    return value if isinstance(value, Image) else Image.from_registry(value)
