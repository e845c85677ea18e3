"""The commands that make a shell use the local AWS, with either version of the AWS CLI and with boto3."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from moorage.local.environment import ACCOUNT, REGION, Access


def shell_lines(access: Access, secret: Path, places: Sequence[tuple[str, str]]) -> list[str]:
    """Return the commands to type: one line for each account and region, and an example to run after such a line.

    Version 1 of the CLI and boto3 read `AWS_DEFAULT_REGION`; version 2 prefers `AWS_REGION` (their user guides,
    "Environment variables"). The session token is emptied; otherwise, a token of other credentials would be sent.

    Args:
        access: The local AWS.
        secret: The file that contains the secret of the local AWS.
        places: The deployed accounts and regions.
    """
    read = f'"$(cat {shlex.quote(str(secret))})"'
    lines = [
        f"export AWS_ACCESS_KEY_ID={account} AWS_SECRET_ACCESS_KEY={read} AWS_SESSION_TOKEN= AWS_REGION={region} "
        f"AWS_DEFAULT_REGION={region} AWS_ENDPOINT_URL={access.endpoint}"
        for account, region in dict.fromkeys(places) or {(ACCOUNT, REGION): None}
    ]
    return [*lines, 'aws ecs list-clusters  # or boto3.client("ecs").list_clusters()']
