"""Amazon Cognito: the tags of identity pools, which are a list in a template and a map in the API."""

from __future__ import annotations

from moorage.local.server.core.adapter import cognito, provisioners
from moorage.local.server.core.resource import Properties
from moorage.local.server.services.guards import complete

_POOL = "AWS::Cognito::IdentityPool"


def install() -> None:
    """Give identity pools the stack's tags, as CloudFormation does."""
    provisioners.STACK_TAG_PROPERTY[_POOL] = ("IdentityPoolTags", "list")
    complete(_POOL, _complete)


def _complete(pool: str, _old: Properties, new: Properties) -> None:
    cognito.identity_pools[pool]["IdentityPoolTags"] = provisioners.tag_map(new.get("IdentityPoolTags"))
