"""The home of one image and its tags."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from constructs import Construct

from moorage.stage import claim_name
from moorage.workload import limits
from moorage.workload.faults import Faults


class Repository(ecr.Repository):
    """A private repository with immutable tags, scanned on push, and retained. It is an `ecr.Repository`.

    Services need no grant: their execution role gets one from `Image.from_repository`.

    Args:
        scope: Where it is defined.
        construct_id: Its id there.
        name: Its name in the registry, 2 to 256 characters; CloudFormation chooses one without it.
        immutable_tags: Whether a tag that was pushed stays what it is.
        keep_images: How many images are kept, the newest; the others expire.
        expire_untagged: After how long an image without a tag expires.
        removal_policy: What becomes of it when the stack goes; with `DESTROY`, `empty_on_delete` deletes its images.
        empty_on_delete: Whether its images are deleted with it, which is refused otherwise.

    Raises:
        ValueError: ECR would not take the name, or an argument.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str | None = None,
        immutable_tags: bool = True,
        keep_images: int = 100,
        expire_untagged: cdk.Duration | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN,
        empty_on_delete: bool = False,
    ) -> None:
        faults = Faults(lambda: f"{scope.node.path}/{construct_id}")
        faults.keep(limits.REPOSITORY_NAME, "name", name)
        if keep_images < 1:
            faults.add(f"keep_images is {keep_images}, but an empty repository deploys nothing; use 1 or more")
        if empty_on_delete and removal_policy is not cdk.RemovalPolicy.DESTROY:
            faults.add(
                "empty_on_delete=True, but a repository that is retained is not deleted; "
                "use removal_policy=cdk.RemovalPolicy.DESTROY"
            )
        faults.raise_found()

        super().__init__(
            scope,
            construct_id,
            repository_name=name,
            image_tag_mutability=ecr.TagMutability.IMMUTABLE if immutable_tags else ecr.TagMutability.MUTABLE,
            image_scan_on_push=True,
            encryption=ecr.RepositoryEncryption.KMS,
            empty_on_delete=empty_on_delete,
            removal_policy=removal_policy,
            lifecycle_rules=[
                ecr.LifecycleRule(
                    description="Expire images without a tag",
                    rule_priority=1,
                    tag_status=ecr.TagStatus.UNTAGGED,
                    max_image_age=expire_untagged or cdk.Duration.days(14),
                ),
                ecr.LifecycleRule(
                    description=f"Keep the newest {keep_images}",
                    rule_priority=2,
                    tag_status=ecr.TagStatus.ANY,
                    max_image_count=keep_images,
                ),
            ],
        )
        self.immutable_tags = immutable_tags
        if name is not None:
            claim_name(self, "AWS::ECR::Repository", name)
