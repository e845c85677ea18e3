"""The uses of queues in an app: what drains one, and whose dead letters go there."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from moorage.scope.inventory import register, still_registered

if TYPE_CHECKING:
    from aws_cdk import aws_sqs as sqs
    from constructs import Construct


class _Use(NamedTuple):
    """The record of a use: the queue, the path of what uses it, and whether that drains it."""

    queue_arn: str
    path: str
    drains: bool


def add_use(construct: Construct, queue: sqs.IQueue, *, drains: bool) -> tuple[str | None, str | None]:
    """Record a use of a queue, and return the paths of what drains it and of what has its dead letters there already.

    Args:
        construct: The construct that uses the queue.
        queue: The queue.
        drains: Whether it drains the queue, or leaves dead letters there.
    """
    own = _Use(queue.queue_arn, construct.node.path, drains)
    uses = still_registered(construct, _Use, lambda each: each.queue_arn == own.queue_arn)
    others = {each.drains: each.path for each in uses}
    register(construct, own)
    return others.get(True), others.get(False)
