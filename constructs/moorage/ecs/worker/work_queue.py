"""What the queue of a worker is like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import aws_cdk as cdk
from aws_cdk import aws_sqs as sqs

from moorage.delivery.dead_letters import MAXIMUM_RETENTION_DAYS
from moorage.delivery.keys import retained_except_on_create
from moorage.ecs.cdk_values import duration
from moorage.workload import job_limits
from moorage.workload.durations import default_seconds, optional_seconds, seconds
from moorage.workload.problems import Problems
from moorage.workload.value import value_class

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from constructs import Construct

_MAX_POLL_SECONDS = 20
_VISIBILITY_PER_STOP_TIMEOUT = 6
_MAX_VISIBILITY_SECONDS = 12 * 3600
_DAY_SECONDS = 24 * 3600


@value_class
@attrs.frozen(kw_only=True)
class WorkQueue:
    """The queue that is defined for a worker: encrypted, over TLS alone, with a dead-letter queue of the same kind.

    Args:
        visibility_timeout: How long a message is hidden from other tasks while one works on it, up to 12 h, and longer
            than a task takes to stop. Six times that without it, the proportion that AWS advises for functions:
            3 minutes with ECS's own stop timeout of 30 s.
        max_receives: How often a message is given out before it goes to the dead-letter queue, 1 to 1,000. A task that
            is stopped while it works counts too.
        retention: How long a message waits at most, 60 s to 14 days; a dead letter is kept for 14 days from when it
            was sent.
        fifo: Whether messages of a group are worked on in their order, one at a time.
        content_based_deduplication: Whether messages of a FIFO queue with the same body are one for five minutes.
        encryption_key: The KMS key of both queues, billed by use, that senders must be let to use; the key that SQS
            manages (SSE-SQS), at no cost, without it.

    Raises:
        ValueError: one of them is outside what SQS takes.
    """

    visibility_timeout: int | None = attrs.field(converter=optional_seconds, default=None)
    max_receives: int = 5
    retention: int = attrs.field(converter=seconds, default=default_seconds(4 * _DAY_SECONDS))
    fifo: bool = False
    content_based_deduplication: bool = False
    encryption_key: kms.IKey | None = None

    def __attrs_post_init__(self) -> None:
        problems = Problems("WorkQueue")
        problems.check(job_limits.VISIBILITY_TIMEOUT, "visibility_timeout", self.visibility_timeout)
        problems.check(job_limits.MAX_RECEIVES, "max_receives", self.max_receives)
        problems.check(job_limits.MESSAGE_RETENTION, "retention", self.retention)
        if self.content_based_deduplication and not self.fifo:
            problems.add("content_based_deduplication is given, but only FIFO queues have it; use fifo=True")
        problems.raise_any()

    def _visibility_seconds(self, stop_seconds: int) -> int:
        """Return the number of seconds for which a message is hidden, for tasks that take `stop_seconds` to stop."""
        if self.visibility_timeout is not None:
            return self.visibility_timeout
        return min(_VISIBILITY_PER_STOP_TIMEOUT * stop_seconds, _MAX_VISIBILITY_SECONDS)

    def _define(
        self, scope: Construct, stop_seconds: int, removal_policy: cdk.RemovalPolicy
    ) -> tuple[sqs.Queue, sqs.Queue]:
        """Define the queue and its dead-letter queue, for tasks that take so many seconds to stop."""
        removal_policy = retained_except_on_create(removal_policy)
        dead_letters = sqs.Queue(
            scope,
            "DeadLetters",
            encryption=self._encryption,
            encryption_master_key=self.encryption_key,
            enforce_ssl=True,
            fifo=self.fifo or None,
            retention_period=cdk.Duration.days(MAXIMUM_RETENTION_DAYS),
            # given, since the queue is only for dead letters; to admit only one source would be a circle of the two
            redrive_allow_policy=sqs.RedriveAllowPolicy(redrive_permission=sqs.RedrivePermission.ALLOW_ALL),
            removal_policy=removal_policy,
        )
        queue = sqs.Queue(
            scope,
            "Queue",
            encryption=self._encryption,
            encryption_master_key=self.encryption_key,
            enforce_ssl=True,
            fifo=self.fifo or None,
            content_based_deduplication=self.content_based_deduplication or None,
            visibility_timeout=duration(self._visibility_seconds(stop_seconds)),
            receive_message_wait_time=duration(_MAX_POLL_SECONDS),
            retention_period=duration(self.retention),
            dead_letter_queue=sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=self.max_receives),
            removal_policy=removal_policy,
        )
        return queue, dead_letters

    @property
    def _encryption(self) -> sqs.QueueEncryption:
        return sqs.QueueEncryption.KMS if self.encryption_key else sqs.QueueEncryption.SQS_MANAGED
