"""The repositories of the company's registry, from which other accounts pull."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from moorage import Repository, RepositorySettings
from stacks.images import cached, image_names, own

_PULL_ACTIONS = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
_IMPORT_ACTION = "ecr:BatchImportUpstreamImage"


def shared_settings(accounts: iam.PrincipalBase | None, *, is_cache: bool = False) -> RepositorySettings:
    """Return the settings of repositories that ECR creates.

    Args:
        accounts: The other accounts, which can pull; None for no other account.
        is_cache: True for the repositories of a cache. Their tags are mutable, since many upstream tags move. Default:
            False.
    """
    actions = [*_PULL_ACTIONS, *([_IMPORT_ACTION] if is_cache else [])]
    policy = [iam.PolicyStatement(actions=actions, principals=[accounts])] if accounts else []
    return RepositorySettings(immutable_tags=not is_cache, policy=policy)


def define_repositories(scope: Construct, *, accounts: iam.PrincipalBase | None, removable: bool) -> list[Repository]:
    """Define and return a repository for each image that the company builds.

    Args:
        scope: The stack.
        accounts: The other accounts, which can pull; None for no other account.
        removable: Whether to delete the repositories with the stack.
    """
    repositories = [
        Repository(
            scope,
            image.title(),
            name=own(image),
            removal_policy=cdk.RemovalPolicy.DESTROY if removable else cdk.RemovalPolicy.RETAIN,
            empty_on_delete=removable,
        )
        for image in image_names()
    ]
    if accounts:
        for repository in repositories:
            repository.grant_pull(accounts)
    return repositories


def define_cached_repositories(scope: Construct, *, accounts: iam.PrincipalBase | None) -> list[Repository]:
    """Define and return the cache's repository of each released image, before the first pull from another account.

    The policy that lets another account pull begins to apply when the repository exists. The tags are immutable, so
    that the image of a release changes only with its tag.

    Args:
        scope: The stack.
        accounts: The other accounts, which can pull, and import an image that is not cached yet; None for no other
            account.
    """
    repositories = [
        Repository(
            scope,
            f"Cached {image.title()}",
            name=cached(image),
            removal_policy=cdk.RemovalPolicy.DESTROY,
            empty_on_delete=True,
        )
        for image in image_names()
    ]
    if accounts:
        for repository in repositories:
            repository.grant(accounts, *_PULL_ACTIONS, _IMPORT_ACTION)
    return repositories
