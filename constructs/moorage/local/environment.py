"""The environment variables with which programs reach only the local AWS."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from moorage.installation.programs import search_path
from moorage.local import private

ACCOUNT = "000000000000"
REGION = "us-east-1"
_FOREIGN = ("AWS_", "CDK_DEFAULT_", "AMAZON_", "BOTO_")
_PROXIES = {"http_proxy", "https_proxy", "all_proxy", "no_proxy", "ftp_proxy"}


TRUST = ("--trust", ACCOUNT, "--cloudformation-execution-policies", "arn:aws:iam::aws:policy/AdministratorAccess")
"""The options with which other accounts of the local AWS are bootstrapped, so that `ACCOUNT` can deploy to them."""


@attrs.frozen
class Access:
    """The endpoint and the secret of a local AWS.

    Args:
        endpoint: The URL of the local AWS.
        secret: The secret access key that signs requests, for all accounts.
    """

    endpoint: str
    secret: str = attrs.field(repr=False)


def sealed(home: Path, access: Access, *, account: str = ACCOUNT, region: str = REGION) -> dict[str, str]:
    """Return this process's environment, changed so that programs reach only the local AWS.

    Profiles, SSO, credential processes and endpoints come from variables and from files. The variables are dropped, and
    the files are replaced by empty ones. Instance metadata credentials and proxies are disabled.

    Args:
        home: A folder for the empty files and for the files that the programs write.
        access: The local AWS.
        account: The account that programs act in. The local AWS takes a 12-digit access key ID as the account ID.
            Default: `ACCOUNT`.
        region: The region that programs act in. Default: `REGION`.
    """
    home = home.resolve()
    empty, temporary = home / "no-profiles", home / "tmp"
    private.write(empty, "")
    temporary.mkdir(mode=0o700, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if _harmless(name)}
    return {
        **kept,
        "AWS_ENDPOINT_URL": access.endpoint,
        "AWS_ENDPOINT_URL_S3": access.endpoint,
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": access.secret,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_CONFIG_FILE": str(empty),
        "AWS_SHARED_CREDENTIALS_FILE": str(empty),
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_HOME": str(home / "cdk"),  # where the CLI caches the account of an access key
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_DISABLE_VERSION_CHECK": "true",
        "NODE_COMPILE_CACHE": str(home / "node"),
        "NODE_PATH": str(Path.cwd() / "node_modules"),  # the SDK that Lambda's Node.js runtimes include
        "NO_PROXY": "*",
        "PATH": search_path(),
        "TMPDIR": str(temporary),
    }


def session_arguments(access: Access, *, account: str = ACCOUNT, region: str = REGION) -> Mapping[str, Any]:
    """Return the arguments with which a boto3 client needs nothing from the environment."""
    return {
        "endpoint_url": access.endpoint,
        "aws_access_key_id": account,
        "aws_secret_access_key": access.secret,
        "region_name": region,
    }


def _harmless(name: str) -> bool:
    return not name.startswith(_FOREIGN) and name.lower() not in _PROXIES
