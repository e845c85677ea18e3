"""The settings of a repository's images: tag mutability, lifecycle and encryption."""

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
    """How images are encrypted, and by whose key; defined by one of its methods.

    It cannot be changed: CloudFormation replaces the repository, and a retained one keeps its name.

    Args:
        cipher: How, in ECR's word.
        given_key: A key that exists; AWS's without it.
        defines_key: Whether a key is defined beside what it encrypts.
    """

    cipher: _Cipher
    given_key: kms.IKey | None = None
    defines_key: bool = False

    @staticmethod
    def aws_key(*, dual_layer: bool = False) -> Encryption:
        """By the key that AWS keeps for ECR in the account; it costs nothing, and its policy is AWS's.

        Args:
            dual_layer: Whether images are encrypted twice (DSSE), which ECR offers in AWS GovCloud.
        """
        return Encryption(_Cipher.KMS_DSSE if dual_layer else _Cipher.KMS)

    @staticmethod
    def own_key() -> Encryption:
        """By a key that is defined beside what it encrypts, and rotated; AWS bills each key by the month.

        It is retained as what it encrypts is. Its policy names none of those who pull and push: ECR uses it by grants
        of its own.
        """
        return Encryption(_Cipher.KMS, defines_key=True)

    @staticmethod
    def with_key(key: kms.IKey, *, dual_layer: bool = False) -> Encryption:
        """By a key that exists, of the repository's own region.

        Args:
            key: The key.
            dual_layer: As for `aws_key`.
        """
        return Encryption(_Cipher.KMS_DSSE if dual_layer else _Cipher.KMS, key)

    @staticmethod
    def aes256() -> Encryption:
        """By Amazon S3's own key: no call to AWS KMS, and no record of its use."""
        return Encryption(_Cipher.AES256)

    @property
    def _uses_kms(self) -> bool:
        """Return whether AWS KMS encrypts, with AWS's key or another."""
        return self.cipher is not _Cipher.AES256

    @property
    def _uses_customer_key(self) -> bool:
        """Return whether the key is the account's own, whose key policy must allow its use."""
        return self.defines_key or self.given_key is not None


@attrs.frozen
class TagMutability:
    """The tags of a repository that are immutable: all or none, except for patterns.

    Args:
        immutable: Whether tags are immutable unless a pattern excludes them; otherwise only excluded ones are.
        exclusions: Patterns of the tags for which the opposite is true.
    """

    immutable: bool
    exclusions: tuple[str, ...] = ()

    @classmethod
    def from_arguments(
        cls, problems: Problems, *, immutable_tags: bool | Sequence[str], mutable_tags: Sequence[str]
    ) -> TagMutability:
        """Make the tag mutability from a repository's arguments, and note their problems."""
        if not isinstance(immutable_tags, bool):
            if mutable_tags:
                problems.add(
                    "immutable_tags names tags and mutable_tags does too, but one is what the other leaves out; use one"
                )
            tags = cls(immutable=False, exclusions=tuple(immutable_tags))
        else:
            if mutable_tags and not immutable_tags:
                problems.add("mutable_tags is given with immutable_tags=False, where every tag moves; leave one out")
            tags = cls(immutable=immutable_tags, exclusions=tuple(mutable_tags))
        name = "mutable_tags" if tags.immutable else "immutable_tags"
        problems.check(repository_limits.EXCLUSION_FILTERS, f"the number of {name}", len(tags.exclusions))
        for pattern in tags.exclusions:
            problems.check(repository_limits.EXCLUSION_FILTER, f"each of {name}", pattern)
            problems.check(repository_limits.EXCLUSION_WILDCARDS, f"each of {name}", pattern)
            problems.check_known(f"each of {name}", pattern)
        return tags

    @property
    def setting(self) -> str:
        """Return the setting as ECR names it."""
        return ("IMMUTABLE" if self.immutable else "MUTABLE") + ("_WITH_EXCLUSION" if self.exclusions else "")

    def is_immutable(self, tag: str) -> bool:
        """Return whether `tag` can be pushed only once."""
        excluded = any(fnmatch.fnmatchcase(tag, pattern) for pattern in self.exclusions)
        return self.immutable != excluded


def _texts(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(texts)


def _statements(statements: Sequence[iam.PolicyStatement]) -> tuple[iam.PolicyStatement, ...]:
    return tuple(statements)


def _bool_or_texts(value: bool | Sequence[str]) -> bool | Sequence[str]:  # noqa: FBT001  # one or the other
    return value if isinstance(value, bool) else tuple(value)


def check_repository_policy(problems: Problems, argument: str, statements: Iterable[iam.PolicyStatement]) -> None:
    """Note statements without a principal, and with a resource, which ECR refuses (aws-cdk issue 3590)."""
    given = tuple(statements)
    if not all(each.has_principal for each in given):
        problems.add(f"{argument} must name a principal in each statement; use PolicyStatement(principals=[...])")
    if any(each.has_resource for each in given):
        problems.add(f"{argument} must name no resource, since it is of its repository only; leave resources= out")


@value_class
@attrs.frozen(kw_only=True)
class RepositorySettings:
    """The settings of repositories that ECR makes by itself, when images are replicated to, cached in or pushed to it.

    Args:
        immutable_tags: Whether a tag that was pushed stays what it is; or patterns of those that do.
        mutable_tags: Patterns of tags that move all the same, 5 at most: `latest`, `dev-*`.
        lifecycle: Which images stay; the newest 100 releases, and those without a tag for 14 days, without it.
        encryption: By whose key they are encrypted.
        policy: Who else may do what with them.
        tags: Tags of the repositories, for cost and access, 50 at most.

    Raises:
        ValueError: ECR would not take one of them.
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
        """Return the tag mutability of the repositories."""
        problems = Problems("RepositorySettings")
        return TagMutability.from_arguments(
            problems, immutable_tags=self.immutable_tags, mutable_tags=self.mutable_tags
        )

    @property
    def _description(self) -> str:
        """Return the settings as messages name them."""
        cipher = "a key of its own" if self.encryption._uses_customer_key else self.encryption.cipher.value
        return f"{self._tag_mutability.setting}, {cipher}, {len(self.lifecycle.rules)} lifecycle rules"
