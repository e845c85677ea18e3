"""The settings of repositories: tag mutability, lifecycle policy, encryption, policy and tags."""

from __future__ import annotations

import enum
import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from moorage.ecr import repository_limits
from moorage.ecr.repository.lifecycle_policy import LifecyclePolicy
from moorage.workload.problems import Problems
from moorage.workload.value import value_class

if TYPE_CHECKING:
    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_kms as kms


class _Cipher(enum.Enum):
    AES256 = "AES256"
    KMS = "KMS"
    KMS_DSSE = "KMS_DSSE"


@value_class
@attrs.frozen
class Encryption:
    """The encryption of images, created by one of its methods.

    A change makes CloudFormation replace the repository. A retained repository keeps its name, so the replacement needs
    another name.

    Args:
        cipher: The encryption type, as ECR names it.
        given_key: An existing KMS key. Default: none.
        defines_key: Whether to define a KMS key beside the repository. Default: False.
    """

    cipher: _Cipher
    given_key: kms.IKey | None = None
    defines_key: bool = False

    @staticmethod
    def aws_key(*, dual_layer: bool = False) -> Encryption:
        """Encrypt with the AWS managed key for ECR, which is free and whose policy cannot be changed.

        Args:
            dual_layer: Whether to encrypt with two layers (DSSE), which ECR offers in AWS GovCloud. Default: False.
        """
        return Encryption(_Cipher.KMS_DSSE if dual_layer else _Cipher.KMS)

    @staticmethod
    def own_key() -> Encryption:
        """Encrypt with a KMS key that is defined beside the repository and rotated. AWS bills each key by the month.

        The key has the removal policy of the repository. Principals that pull and push need no permissions for the key,
        since ECR uses the key with its own grants.
        """
        return Encryption(_Cipher.KMS, defines_key=True)

    @staticmethod
    def with_key(key: kms.IKey, *, dual_layer: bool = False) -> Encryption:
        """Encrypt with an existing KMS key.

        Args:
            key: The key, in the region of the repository.
            dual_layer: Whether to encrypt with two layers (DSSE), as for `aws_key`. Default: False.
        """
        return Encryption(_Cipher.KMS_DSSE if dual_layer else _Cipher.KMS, key)

    @staticmethod
    def aes256() -> Encryption:
        """Encrypt with keys that Amazon S3 manages (AES-256), without AWS KMS and without records of key use."""
        return Encryption(_Cipher.AES256)

    @property
    def _uses_kms(self) -> bool:
        """True if AWS KMS encrypts the images, with an AWS managed or a customer managed key."""
        return self.cipher is not _Cipher.AES256

    @property
    def _uses_customer_key(self) -> bool:
        """True if the key belongs to the account, so that the key policy must allow its use."""
        return self.defines_key or self.given_key is not None


@attrs.frozen
class TagMutability:
    """The tag mutability of a repository.

    Args:
        immutable: Whether to make tags immutable, except for the exclusions.
        exclusions: The patterns of the tags for which the opposite applies. Default: none.
    """

    immutable: bool
    exclusions: tuple[str, ...] = ()

    @classmethod
    def from_arguments(
        cls, problems: Problems, *, immutable_tags: bool | Sequence[str], mutable_tags: Sequence[str]
    ) -> TagMutability:
        """Return the tag mutability that arguments of a repository define, and add the problems of these arguments."""
        if not isinstance(immutable_tags, bool):
            if mutable_tags:
                problems.add(
                    "immutable_tags and mutable_tags must not both name tags, since all tags that one argument does "
                    "not name belong to the other; use only one of these arguments"
                )
            tags = cls(immutable=False, exclusions=tuple(immutable_tags))
        else:
            if mutable_tags and not immutable_tags:
                problems.add(
                    "mutable_tags must not be given with immutable_tags=False, which makes every tag mutable; "
                    "leave one of the two arguments out"
                )
            tags = cls(immutable=immutable_tags, exclusions=tuple(mutable_tags))
        name = "mutable_tags" if tags.immutable else "immutable_tags"
        problems.check(repository_limits.EXCLUSION_FILTERS, f"the number of {name}", len(tags.exclusions))
        for pattern in tags.exclusions:
            problems.check(repository_limits.EXCLUSION_FILTER, f"each item of {name}", pattern)
            problems.check(repository_limits.EXCLUSION_WILDCARDS, f"each item of {name}", pattern)
            problems.check_known(f"each item of {name}", pattern)
        return tags

    @property
    def setting(self) -> str:
        """The setting as ECR names it."""
        return ("IMMUTABLE" if self.immutable else "MUTABLE") + ("_WITH_EXCLUSION" if self.exclusions else "")

    def is_immutable(self, tag: str) -> bool:
        """Return whether a tag can be pushed only once."""
        excluded = any(fnmatch.fnmatchcase(tag, pattern) for pattern in self.exclusions)
        return self.immutable != excluded


def _texts(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(texts)


def _statements(statements: Sequence[iam.PolicyStatement]) -> tuple[iam.PolicyStatement, ...]:
    return tuple(statements)


def _bool_or_texts(value: bool | Sequence[str]) -> bool | Sequence[str]:  # noqa: FBT001  # one or the other
    return value if isinstance(value, bool) else tuple(value)


def check_repository_policy(problems: Problems, argument: str, statements: Iterable[iam.PolicyStatement]) -> None:
    """Check that each statement has a principal and no resource, since ECR refuses a resource (aws-cdk #3590)."""
    given = tuple(statements)
    if not all(each.has_principal for each in given):
        problems.add(f"{argument} must name a principal in each statement; use PolicyStatement(principals=[...])")
    resources = [name for each in given if each.has_resource for name in each.resources or each.not_resources]
    if resources:
        problems.add(
            f"{argument} must not name a resource (got {', '.join(resources)}), since the policy applies to its own "
            "repository; leave resources= out"
        )


@value_class
@attrs.frozen(kw_only=True)
class RepositorySettings:
    """The settings of repositories that ECR itself creates for replicated, cached or pushed images.

    Args:
        immutable_tags: Whether to make tags immutable, or the patterns of the tags that are immutable. Default: True.
        mutable_tags: The patterns of tags that are mutable although other tags are not, at most 5, such as `latest` or
            `dev-*`. Default: none.
        lifecycle: The lifecycle policy. Default: `LifecyclePolicy.releases()`, which keeps the newest 100 releases, and
            images without a tag for 14 days.
        encryption: The encryption of images. Default: `Encryption.aws_key()`.
        policy: The statements of the repository policy. Default: none.
        tags: The AWS tags of the repositories, at most 50. Default: none.

    Raises:
        ValueError: If ECR would not accept an argument.
    """

    immutable_tags: bool | Sequence[str] = attrs.field(default=True, converter=_bool_or_texts)
    mutable_tags: Sequence[str] = attrs.field(default=(), converter=_texts)
    lifecycle: LifecyclePolicy = attrs.field(factory=LifecyclePolicy.releases)
    encryption: Encryption = attrs.field(factory=Encryption.aws_key)
    policy: Sequence[iam.PolicyStatement] = attrs.field(default=(), converter=_statements)
    tags: Mapping[str, str] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        problems = Problems("RepositorySettings")
        TagMutability.from_arguments(problems, immutable_tags=self.immutable_tags, mutable_tags=self.mutable_tags)
        problems.check(repository_limits.REPOSITORY_TAGS, "the number of tags", len(self.tags))
        for key, value in self.tags.items():
            problems.check(repository_limits.REPOSITORY_TAG_KEY, "each key of tags", key)
            problems.check(repository_limits.REPOSITORY_TAG_VALUE, f"tags[{key!r}]", value)
        check_repository_policy(problems, "policy", self.policy)
        problems.raise_any()

    @property
    def _tag_mutability(self) -> TagMutability:
        """The tag mutability of the repositories."""
        problems = Problems("RepositorySettings")
        return TagMutability.from_arguments(
            problems, immutable_tags=self.immutable_tags, mutable_tags=self.mutable_tags
        )

    @property
    def _description(self) -> str:
        """The settings, for messages."""
        cipher = "a key of its own" if self.encryption._uses_customer_key else self.encryption.cipher.value
        return f"{self._tag_mutability.setting}, {cipher}, {len(self.lifecycle.rules)} lifecycle rules"
