"""The image assets of an app. No container runs here, so each asset is treated as built and pushed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from moorage.assembly.cloud_assembly import Stack
from moorage.local.account import Account
from moorage.local.environment import Access
from moorage.local.process import LocalError


def in_turn(access: Access, stacks: Sequence[Stack]) -> Iterator[list[Stack]]:
    """Put the image assets of stacks into the repositories, and yield the stacks in groups.

    Deploy each group before the next one is asked for: the repository of an asset can be in an earlier stack.

    Args:
        access: The local AWS.
        stacks: The stacks, in deployment order.

    Raises:
        LocalError: No earlier stack has the repository of an image asset.
    """
    group: list[Stack] = []
    for stack in stacks:
        if group and _missing(access, stack):
            yield group
            group = []
        if missing := _missing(access, stack):
            raise LocalError(
                f"the images of stack {stack.path} are pushed to the repository {missing!r}, which does not exist "
                "before the stack is deployed; define the repository in another stack, and use add_stack_dependency"
            )
        _push(access, stack)
        group.append(stack)
    if group:
        yield group


def _missing(access: Access, stack: Stack) -> str | None:
    """Return the first repository of a stack's image assets that does not exist, or None if all of them exist."""
    account = Account(access, stack.account, stack.region)
    ecr = account.client("ecr")
    for image in stack.images:
        name = _name(image.repository, account)
        try:
            ecr.describe_repositories(repositoryNames=[name])
        except ecr.exceptions.RepositoryNotFoundException:
            return name
    return None


def _name(repository: str, account: Account) -> str:
    return repository.replace("${AWS::AccountId}", account.account).replace("${AWS::Region}", account.region)


def _push(access: Access, stack: Stack) -> None:
    """Put placeholders for a stack's image assets into the repositories, so that the cdk CLI does not run Docker.

    Docker would push to the real registry, since it has no setting for another endpoint.
    """
    account = Account(access, stack.account, stack.region)
    for image in stack.images:
        repository = _name(image.repository, account)
        ecr = account.client("ecr")
        found = ecr.describe_images(repositoryName=repository)["imageDetails"]
        if all(image.tag not in each["imageTags"] for each in found):
            manifest = json.dumps({"schemaVersion": 2, "annotations": {"asset": image.tag}})
            ecr.put_image(repositoryName=repository, imageTag=image.tag, imageManifest=manifest)
