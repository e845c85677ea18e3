"""The private repository."""

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
from moorage.workload.errors import ValidationError
from moorage.workload.problems import Problems
from moorage.workload.refused import refused

if TYPE_CHECKING:
    import datetime as dt
    from typing import Unpack

    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_kms as kms

    from moorage.ecr.repository.repository_metrics import MetricOptions

DEFAULT_ENCRYPTION = Encryption.aws_key()
_NAME_REFUSED_BY_CDK = re.compile("--|__")
"""The separators of repository names that ECR accepts (botocore ecr RepositoryName) but CDK's construct refuses."""


@door
class Repository(ecr.Repository):
    """A private repository. By default, tags are immutable, AWS KMS encrypts images, and the repository is retained.

    A `Repository` is an `ecr.Repository`. `Image.from_repository` grants the execution roles of services permission to
    pull. Grant permissions to other roles, accounts (`iam.AccountPrincipal`) or organizations
    (`iam.OrganizationPrincipal`) with `grant_pull`, `grant_push`, `grant_pull_push` and `grant_read`. These principals
    need no permissions for the KMS key, which ECR uses with its own grants.
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
        expire_untagged: cdk.Duration | dt.timedelta | None = None,
        lifecycle: LifecyclePolicy | None = None,
        encryption: Encryption = DEFAULT_ENCRYPTION,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN,
        empty_on_delete: bool = False,
    ) -> None:
        """Define a private ECR repository.

        By default, tags are immutable, AWS KMS encrypts images, and the repository is retained.

        Args:
            scope: The scope in which to define this construct.
            construct_id: The ID of the construct in its scope.
            name: The name in the registry, 2 to 256 characters. Default: CloudFormation chooses a name.
            immutable_tags: Whether to make tags immutable, or the patterns of tags that are immutable, such as `v*`.
                Default: True.
            mutable_tags: The patterns of tags that are mutable although other tags are not, at most 5, such as `latest`
                or `dev-*`. Default: none.
            keep_releases: The number of newest releases to keep, 2 or more. Older releases expire. Default: 100.
            release_tags: The pattern of the tags of releases, such as `v*`, with up to four `*`. Images with other tags
                do not expire. Default: `*`, any tag.
            expire_untagged: The time after which an image without a tag expires, in whole days. Default: 14 days.
            lifecycle: The lifecycle policy, in place of the three arguments above. Default: the policy that these
                arguments define.
            encryption: The encryption of images. A change replaces the repository. Default: `Encryption.aws_key()`.
            removal_policy: The removal policy. `DESTROY` with `empty_on_delete` also deletes the images. With `RETAIN`,
                the repository is still deleted if its first deployment fails, so that its name is available again.
                Default: `RETAIN`.
            empty_on_delete: Whether to delete the images with the repository. Otherwise, ECR refuses to delete a
                repository that has images. Default: False.

        Raises:
            ValueError: If ECR would not accept an argument, or arguments contradict each other.
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
                "empty_on_delete must be used only with removal_policy=DESTROY, since the repository is otherwise "
                "retained; use removal_policy=cdk.RemovalPolicy.DESTROY"
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
        """Set the properties that CDK's construct does not support, or supports differently from ECR."""
        resource: ecr.CfnRepository = self.node.default_child  # type: ignore[assignment]  # the default child of CDK's Repository
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

    def metric_pull_count(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return the metric of the number of pulls per minute.

        Args:
            **options: The options of `cloudwatch.Metric`, such as `statistic` and `period`.
        """
        from moorage.ecr.repository.repository_metrics import pull_count  # noqa: PLC0415  # loads aws_cdk.aws_cloudwatch

        return pull_count(self.repository_name, **options)

    @refused
    def add_lifecycle_rule(self, *_: Any, **__: Any) -> NoReturn:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]  # no call is valid
        """Raise an error, since rules must be checked together when the repository is defined.

        Raises:
            ValueError: Always.
        """
        raise ValidationError(
            f"{self.node.path}: add_lifecycle_rule is not supported, since all rules are checked together; "
            "use Repository(lifecycle=LifecyclePolicy(LifecycleRule(...), ...))"
        )


def _check_lifecycle(
    problems: Problems,
    lifecycle: LifecyclePolicy | None,
    keep_releases: int | None,
    release_tags: str,
    expire_untagged: cdk.Duration | dt.timedelta | None,
) -> None:
    problems.check(repository_limits.LIFECYCLE_ROLLBACK, "keep_releases", keep_releases)
    problems.check(repository_limits.IMAGES, "keep_releases", keep_releases)
    problems.check(repository_limits.LIFECYCLE_WILDCARDS, "release_tags", release_tags)
    problems.check(repository_limits.LIFECYCLE_DAYS, "expire_untagged", optional_seconds(expire_untagged))
    has_simple_settings = keep_releases is not None or expire_untagged is not None or release_tags != "*"
    if lifecycle is not None and has_simple_settings:
        problems.add(
            "lifecycle must not be given with keep_releases, release_tags or expire_untagged, which lifecycle "
            "replaces; leave lifecycle= or these arguments out"
        )
