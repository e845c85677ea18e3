"""The place of a construct: the account and region that it is deployed to."""

from __future__ import annotations

from typing import TypeAlias

import aws_cdk as cdk
from constructs import Construct

from moorage.workload.problems import is_token

Place: TypeAlias = tuple[str | None, str | None]
"""An account and a region, each None if it is not known before deployment."""


def place_of(construct: Construct) -> Place:
    """Return the account and region of a construct's stack."""
    stack = cdk.Stack.of(construct)
    account, region = (None if is_token(each) else each for each in (stack.account, stack.region))
    return account, region


def stage_path(construct: Construct) -> str | None:
    """Return the path of a construct's stage, or None if it has no stage."""
    stage = cdk.Stage.of(construct)
    return None if stage is None else stage.node.path


def has_stack(construct: Construct, place: Place) -> bool:
    """Return whether the app of `construct` has a stack in this account and region."""
    return any(isinstance(each, cdk.Stack) and place_of(each) == place for each in construct.node.root.node.find_all())
