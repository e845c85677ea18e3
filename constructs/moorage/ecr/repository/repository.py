"""The home of one image and its tags."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from constructs import Construct

from moorage.delivery.keys import retained_except_on_create
from moorage.ecr import repository_limits
from moorage.ecr.repository.encryption_keys import encryption_key_for
from moorage.ecr.repository.lifecycle_policy import LifecyclePolicy
from moorage.ecr.repository.repository_record import RepositoryRecord
from moorage.ecr.repository.repository_settings import Encryption, TagMutability
from moorage.scope.claimed_names import claim_name
from moorage.scope.inventory import register
from moorage.scope.place import check_place, place_of, stage_path
from moorage.workload import image_limits
from moorage.workload.door import door
from moorage.workload.durations import optional_seconds
from moorage.workload.problems import Problems

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_kms as kms

    from moorage.workload.durations import Duration

DEFAULT_ENCRYPTION = Encryption.aws_key()
_NAME_REFUSED_BY_CDK = re.compile("--|__")
"""The separators of a repository name that ECR accepts (botocore ecr RepositoryName) and CDK's construct refuses."""


@door
class Repository(ecr.Repository):
    """A private repository with immutable tags, encrypted by AWS KMS, scanned on push, and retained.

    It is an `ecr.Repository`. Services need no grant: their execution role gets one from `Image.from_repository`.
    Others get one from `grant_pull`, `grant_push`, `grant_pull_push` and `grant_read`: a role, an account
    (`iam.AccountPrincipal`) or an organization (`iam.OrganizationPrincipal`). None of them needs the key of the images,
    which ECR uses by grants of its own.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str | None = None,
        immutable_tags: bool | Sequence[str] = True,
        mutable_tags: Sequence[str] = (),
        keep_releases: int | None = None,
        release_tags: str = "*",
        expire_untagged: Duration | None = None,
        lifecycle: LifecyclePolicy | None = None,
        encryption: Encryption = DEFAULT_ENCRYPTION,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN,
        empty_on_delete: bool = False,
    ) -> None:
        """Define a repository.

        Args:
            scope: Where it is defined.
            construct_id: Its id there.
            name: Its name in the registry, 2 to 256 characters; CloudFormation chooses one without it.
            immutable_tags: Whether a tag that was pushed stays what it is; or patterns of the tags that do, as `v*`.
            mutable_tags: Patterns of tags that move although others do not, 5 at most: `latest`, `dev-*`.
            keep_releases: The number of newest releases to keep, 2 or more; the others expire. Default: 100.
            release_tags: What the tag of a release looks like, with `*`: `v*`. Images with other tags do not expire.
            expire_untagged: After how long an image without a tag expires; 14 days without it.
            lifecycle: Instead of the three: rules of one's own, `LifecyclePolicy(LifecycleRule(...), ...)`.
            encryption: By whose key images are encrypted; a change replaces the repository.
            removal_policy: What becomes of it when the stack goes; with `DESTROY`, `empty_on_delete` deletes its
                images. One that is retained is deleted if its first deployment fails, so that its name is free again.
            empty_on_delete: Whether its images are deleted with it, which is refused otherwise.

        Raises:
            ValueError: ECR would not take the name, or an argument.
        """
        problems = Problems(lambda: f"{scope.node.path}/{construct_id}")
        problems.check(image_limits.REPOSITORY_NAME, "name", name)
        tag_mutability = TagMutability.from_arguments(
            problems, immutable_tags=immutable_tags, mutable_tags=mutable_tags
        )
        check_place(problems, "encryption", encryption.given_key, scope, across_accounts=True)
        _check_lifecycle(problems, lifecycle, keep_releases, release_tags, expire_untagged)
        if empty_on_delete and removal_policy is not cdk.RemovalPolicy.DESTROY:
            problems.add(
                "empty_on_delete=True, but a repository that is retained is not deleted; "
                "use removal_policy=cdk.RemovalPolicy.DESTROY"
            )
        problems.raise_any()

        refused_by_cdk = name is not None and _NAME_REFUSED_BY_CDK.search(name) is not None
        super().__init__(
            scope,
            construct_id,
            repository_name=None if refused_by_cdk else name,
            image_tag_mutability=ecr.TagMutability(tag_mutability.setting),
            image_tag_mutability_exclusion_filters=[
                ecr.ImageTagMutabilityExclusionFilter.wildcard(pattern) for pattern in tag_mutability.exclusions
            ]
            or None,
            image_scan_on_push=True,
            empty_on_delete=empty_on_delete,
            removal_policy=retained_except_on_create(removal_policy),
        )
        self._tag_mutability = tag_mutability
        self.encryption_key: kms.IKey | None = encryption_key_for(self, encryption, removal_policy)
        self.lifecycle = lifecycle or LifecyclePolicy.releases(
            100 if keep_releases is None else keep_releases, tags=release_tags, expire_untagged=expire_untagged
        )
        self.name = name
        self._complete_resource(encryption, name if refused_by_cdk else None)
        if name is not None:
            claim_name(self, "AWS::ECR::Repository", name)
            register(self, RepositoryRecord(self.node.path, name, place_of(self), stage_path(self), tag_mutability))

    def _complete_resource(self, encryption: Encryption, refused_name: str | None) -> None:
        """Set on CDK's resource what its construct does not take, or not as ECR does."""
        resource: ecr.CfnRepository = self.node.default_child  # type: ignore[assignment]  # as CDK names it
        resource.lifecycle_policy = ecr.CfnRepository.LifecyclePolicyProperty(lifecycle_policy_text=self.lifecycle.text)
        resource.encryption_configuration = ecr.CfnRepository.EncryptionConfigurationProperty(
            encryption_type=encryption.cipher.value,
            kms_key=self.encryption_key.key_arn if self.encryption_key else None,
        )
        if refused_name is not None:
            resource.repository_name = refused_name

    def _tag_is_immutable(self, tag: str) -> bool:
        """Return whether `tag` can be pushed only once."""
        return self._tag_mutability.is_immutable(tag)

    def metric_pull_count(self, **options: Any) -> cloudwatch.Metric:
        """How often images were pulled from it, by the minute; takes what `cloudwatch.Metric` does."""
        from moorage.ecr.repository.repository_metrics import pull_count  # noqa: PLC0415  # loads aws_cdk.aws_cloudwatch

        return pull_count(self.repository_name, **options)

    def add_lifecycle_rule(self, *_: Any, **__: Any) -> NoReturn:
        """Refused: the rules are checked together, so they are named when the repository is made."""
        raise ValueError(
            f"{self.node.path}: add_lifecycle_rule would add a rule that is not checked with the others; "
            "use Repository(lifecycle=LifecyclePolicy(LifecycleRule(...), ...))"
        )


def _check_lifecycle(
    problems: Problems,
    lifecycle: LifecyclePolicy | None,
    keep_releases: int | None,
    release_tags: str,
    expire_untagged: Duration | None,
) -> None:
    problems.check(repository_limits.LIFECYCLE_ROLLBACK, "keep_releases", keep_releases)
    problems.check(repository_limits.IMAGES, "keep_releases", keep_releases)
    problems.check(repository_limits.LIFECYCLE_WILDCARDS, "release_tags", release_tags)
    problems.check(repository_limits.LIFECYCLE_DAYS, "expire_untagged", optional_seconds(expire_untagged))
    has_simple_settings = keep_releases is not None or expire_untagged is not None or release_tags != "*"
    if lifecycle is not None and has_simple_settings:
        problems.add(
            "lifecycle is given with keep_releases, release_tags or expire_untagged, which it stands instead of; "
            "leave one of them out"
        )
