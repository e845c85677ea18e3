"""One account and region of the local AWS: its boto3 clients, stacks, templates and resources."""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import boto3
import yaml
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session

from moorage.assembly.cloud_assembly import Stack
from moorage.local.environment import ACCOUNT, REGION, Access, session_arguments

_QUICK = Config(retries={"max_attempts": 2, "mode": "standard"}, connect_timeout=2, read_timeout=30, proxies={})
_GONE = {"DELETE_COMPLETE"}
_NOTHING = {
    name: (None, None, default, conversion) for name, (_, _, default, conversion) in Session.SESSION_VARIABLES.items()
}
"""botocore's settings without their environment variables and configuration entries, which may be invalid."""
_FILES = dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))


@functools.cache
def _session() -> boto3.Session:
    return boto3.Session(botocore_session=Session(session_vars={**_NOTHING, **_FILES}))


class Account:
    """One account and region of the local AWS.

    Args:
        access: The local AWS.
        account: The account ID; None for the default account of the local AWS.
        region: The region; None for the default region of the local AWS.
    """

    def __init__(self, access: Access, account: str | None, region: str | None) -> None:
        self.account, self.region = account or ACCOUNT, region or REGION
        self._arguments = session_arguments(access, account=self.account, region=self.region)
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = _session().client(service, config=_QUICK, **self._arguments)
        return self._clients[service]

    def stack(self, name: str) -> Mapping[str, Any] | None:
        """Return a stack as DescribeStacks shows it; None if the stack does not exist or is deleted."""
        try:
            (found,) = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
        except ClientError:
            return None
        return None if found["StackStatus"] in _GONE else found

    def template(self, stack: str) -> dict[str, Any]:
        """Return the template of a stack, as it was deployed.

        Return an empty template if the template cannot be parsed, for example because of short forms such as `!Ref`.

        The cdk CLI sends the templates of a legacy synthesizer as YAML with the long forms.

        Args:
            stack: The name or the ID of the stack.
        """
        body = self.client("cloudformation").get_template(StackName=stack)["TemplateBody"]
        try:
            found = yaml.safe_load(body) if isinstance(body, str) else body
        except yaml.YAMLError:
            return {}
        return dict(found) if isinstance(found, Mapping) else {}

    def resources(self, stack: str) -> Sequence[Mapping[str, Any]]:
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
        return [each for page in pages for each in page["StackResourceSummaries"]]


def by_account(stacks: Iterable[Stack]) -> list[tuple[str, list[Stack]]]:
    """Return pairs of an account and stacks, one pair for each run of consecutive stacks with the same account.

    Args:
        stacks: Stacks of an assembly.
    """
    groups = itertools.groupby(stacks, key=lambda stack: stack.account or ACCOUNT)
    return [(account, list(group)) for account, group in groups]
