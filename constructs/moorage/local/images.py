"""The image assets of an app. No container runs here, so each asset is treated as built and pushed."""

from __future__ import annotations

import json

from moorage.assembly.cloud_assembly import Stack
from moorage.local.account import Account
from moorage.local.environment import Access


def push(access: Access, stack: Stack) -> None:
    """Put placeholders for a stack's image assets into the repositories, so that the cdk CLI does not run Docker.

    Docker would push to the real registry, since it has no setting for another endpoint.
    """
    account = Account(access, stack.account, stack.region)
    for image in stack.images:
        repository = image.repository.replace("${AWS::AccountId}", account.account)
        repository = repository.replace("${AWS::Region}", account.region)
        ecr = account.client("ecr")
        found = ecr.describe_images(repositoryName=repository)["imageDetails"]
        if all(image.tag not in each["imageTags"] for each in found):
            manifest = json.dumps({"schemaVersion": 2, "annotations": {"asset": image.tag}})
            ecr.put_image(repositoryName=repository, imageTag=image.tag, imageManifest=manifest)
