"""What AWS accepts of what starts a task and of the queues that it works on; rows of the table in `limits`."""

from __future__ import annotations

from moorage.workload.limit import Limit, in_range

TARGET_RETRIES = in_range(
    "target-retries", 0, 185, of="how often EventBridge tries again",
    source="botocore scheduler, events RetryPolicy.MaximumRetryAttempts",
)  # fmt: skip
EVENT_AGE = in_range(
    "target-event-age", 60, 86400, unit="s", of="how long EventBridge tries",
    source="botocore scheduler, events RetryPolicy.MaximumEventAgeInSeconds",
)  # fmt: skip
FLEXIBLE_WINDOW = Limit(
    id="flexible-time-window",
    accepts=lambda window: window % 60 == 0 and 1 <= window // 60 <= 1440,
    rule="a flexible time window is 1 to 1,440 whole minutes",
    hint="use cdk.Duration.minutes(...), or leave it out to start at once",
    source="botocore scheduler FlexibleTimeWindow.MaximumWindowInMinutes",
    format=lambda window: f"{window} s",
)
TASK_OVERRIDES = Limit(
    id="task-overrides",
    accepts=lambda size: size <= 8192,
    rule="what is passed to a task is 8,192 characters at most, all its JSON counted",
    hint="pass where it is to be read from, or put what never changes into Container(environment=...)",
    source="botocore events Target.Input; ecs RunTask.overrides",
    format=lambda size: f"{size} characters",
)
TARGET_STRATEGY_ITEMS = Limit(
    id="ecs-target-strategy-items",
    accepts=lambda count: count <= 6,
    rule="EventBridge takes 6 at most",
    hint="name fewer, or use overlap=False, with which Step Functions starts the task",
    source="botocore scheduler, events EcsParameters.CapacityProviderStrategy",
)
TASK_TIMEOUT = in_range(
    "task-timeout", 1, 99999999, unit="s", of="how long Step Functions lets a task run",
    source="Step Functions developer guide, Task state: TimeoutSeconds",
)  # fmt: skip
VISIBILITY_TIMEOUT = in_range(
    "visibility-timeout", 0, 43200, unit="s", of="how long SQS hides a message that is worked on",
    source="botocore sqs SetQueueAttributes.Attributes (VisibilityTimeout)",
)  # fmt: skip
VISIBLE_AFTER_STOP = Limit(
    id="visibility-after-stop",
    accepts=lambda pair: pair[0] > pair[1],
    rule="a task that is stopped while it works would still do so when another gets its message",
    hint="use a longer visibility_timeout=, or a shorter stop_timeout=",
    source="SQS developer guide, visibility timeout; botocore ecs ContainerDefinition.stopTimeout",
    format=lambda pair: f"{pair[0]} s with a stop_timeout of {pair[1]} s",
)
MAX_RECEIVES = in_range(
    "max-receives", 1, 1000, of="how often SQS gives a message out before it goes to the dead-letter queue",
    source="AWS modern-data-architecture-accelerator QueueDlqProps.maxReceiveCount; the SQS console",
)  # fmt: skip
MESSAGE_RETENTION = in_range(
    "message-retention", 60, 1209600, unit="s", of="how long SQS keeps a message",
    source="botocore sqs SetQueueAttributes.Attributes (MessageRetentionPeriod)",
)  # fmt: skip
