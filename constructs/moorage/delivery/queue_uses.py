"""The uses of queues in an app: the constructs that drain them or send dead letters to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from moorage.scope.inventory import register, still_registered

if TYPE_CHECKING:
    from aws_cdk import aws_sqs as sqs
    from constructs import Construct


class _Use(NamedTuple):
    """The record of a use: the queue, the path of the construct, and whether the construct drains the queue."""

    queue_arn: str
    path: str
    drains: bool


def add_use(construct: Construct, queue: sqs.IQueue, *, drains: bool) -> tuple[str | None, str | None]:
    """Record a use of a queue, and return its earlier uses.

    Args:
        construct: The construct that uses the queue.
        queue: The queue that the construct uses.
        drains: True if the construct drains the queue, False if it sends dead letters to the queue.

    Returns:
        The path of a construct that already drains the queue, and the path of a construct that already sends dead
        letters to the queue, each None if there is no such construct.
    """
    own = _Use(queue.queue_arn, construct.node.path, drains)
    uses = still_registered(construct, _Use, lambda each: each.queue_arn == own.queue_arn)
    others = {each.drains: each.path for each in uses}
    register(construct, own)
    return others.get(True), others.get(False)
