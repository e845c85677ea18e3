"""The queue of a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import aws_cdk as cdk
from aws_cdk import aws_sqs as sqs

from moorage.delivery.dead_letters import MAXIMUM_RETENTION_DAYS
from moorage.delivery.keys import retained_except_on_create
from moorage.ecs.cdk_values import duration
from moorage.scope.acknowledgements import acknowledge
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
    """The encrypted queue of a worker, which accepts only requests over TLS, with a dead-letter queue of the same kind.

    Args:
        visibility_timeout: The time that a message is hidden from other tasks while a task processes it, up to 12
            hours, and longer than a task takes to stop. Default: six times the stop timeout of the task, or 3 minutes
            with ECS's default stop timeout of 30 seconds. For Lambda functions, AWS recommends the same factor.
        max_receives: The number of times that a message is received before it goes to the dead-letter queue, 1 to
            1,000. A receive by a task that is stopped before it deletes the message counts as well. Default: 5.
        retention: The time for which a message is kept, 60 seconds to 14 days. A dead letter is kept for 14 days after
            the message was sent. Default: 4 days.
        fifo: Whether to process the messages of a group in order, one at a time. Default: False.
        content_based_deduplication: Whether to drop a message of a FIFO queue that has the same body as another message
            of the last five minutes. Default: False.
        encryption_key: The KMS key of both queues. AWS bills the use of the key, and senders need permission to use the
            key. Default: a key that SQS owns (SSE-SQS), at no charge.

    Raises:
        ValueError: If an argument is outside the range that SQS accepts, or `content_based_deduplication` is used
            without `fifo`.
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
            problems.add(
                "content_based_deduplication requires a FIFO queue; use fifo=True, or leave "
                "content_based_deduplication= out"
            )
        problems.raise_any()

    def _visibility_seconds(self, stop_seconds: int) -> int:
        """Return the visibility timeout in seconds, for tasks that take `stop_seconds` to stop."""
        if self.visibility_timeout is not None:
            return self.visibility_timeout
        return min(_VISIBILITY_PER_STOP_TIMEOUT * stop_seconds, _MAX_VISIBILITY_SECONDS)

    def _define(
        self, scope: Construct, stop_seconds: int, removal_policy: cdk.RemovalPolicy
    ) -> tuple[sqs.Queue, sqs.Queue]:
        """Define the queue and its dead-letter queue, for tasks that take `stop_seconds` to stop."""
        removal_policy = retained_except_on_create(removal_policy)
        dead_letters = sqs.Queue(
            scope,
            "DeadLetters",
            encryption=self._encryption,
            encryption_master_key=self.encryption_key,
            enforce_ssl=True,
            fifo=self.fifo or None,
            retention_period=cdk.Duration.days(MAXIMUM_RETENTION_DAYS),
            # explicit, since this queue is only for dead letters; to allow only one source would be a cyclic reference
            redrive_allow_policy=sqs.RedriveAllowPolicy(redrive_permission=sqs.RedrivePermission.ALLOW_ALL),
            removal_policy=removal_policy,
        )
        acknowledge(dead_letters, "sqs-dlq", "the queue is a dead-letter queue itself")
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
