"""The limits of schedules, event rules, task overrides, retries and queues; rows of the table in `limits`."""

from __future__ import annotations

from moorage.workload.limit import Botocore, Limit, at_most, in_range, matching, whole_minutes, with_commas

TARGET_RETRIES = in_range(
    "target-retries",
    0,
    185,
    hint="use 0 for no retries, or a number such as 3",
    source=Botocore(
        "events",
        "RetryPolicy",
        "MaximumRetryAttempts",
        "The maximum number of retry attempts to make before the request fails.",
    ),
)
EVENT_AGE = in_range(
    "target-event-age",
    60,
    86400,
    unit="seconds",
    hint="use a duration such as cdk.Duration.hours(1)",
    source=Botocore(
        "events",
        "RetryPolicy",
        "MaximumEventAgeInSeconds",
        "The maximum amount of time, in seconds, to continue to make retry attempts.",
    ),
)
FLEXIBLE_WINDOW = whole_minutes(
    "flexible-time-window",
    1,
    1440,
    hint="use a duration such as cdk.Duration.minutes(15), or leave flexible_window= out to start at once",
    source=Botocore(
        "scheduler",
        "FlexibleTimeWindow",
        "MaximumWindowInMinutes",
        "The maximum time window during which a schedule can be invoked.",
    ),
)
TASK_OVERRIDES = at_most(
    "task-overrides",
    8192,
    unit="characters as JSON, including the container names",
    hint="pass an ID with which the task reads the values, or put constant values into Container(environment=...)",
    source=Botocore(
        "ecs",
        "RunTaskRequest",
        "overrides",
        "A total of 8192 characters are allowed for overrides.",
        also="botocore events Target.Input",
    ),
)
EVENT_FIELDS = at_most(
    "event-fields",
    100,
    unit="for the target of one rule",
    hint="use fewer fields, or pass an ID with which the task reads the other values",
    source=Botocore(
        "events", "InputTransformer", "InputPathsMap", "You can have as many as 100 key-value pairs.", also="CFN"
    ),
)
EVENT_FIELD = matching(
    "event-field",
    r"""(?=.{1,256}$)\$(?!.*\[['"]).*""",
    rule="must be a JSON path in dot notation that starts with '$' and has at most 256 characters",
    hint="use a field such as EventField.from_path('$.detail.name')",
    source="botocore events InputTransformer.InputPathsMap (a valid JSON path, in JSON dot notation, not bracket "
    "notation) and TargetInputPath; EventBridge user guide, input transformation",
)
TARGET_STRATEGY_ITEMS = at_most(
    "ecs-target-strategy-items",
    6,
    unit="for EventBridge",
    hint="use fewer capacity providers, or overlap=False, with which Step Functions starts the task",
    source=Botocore(
        "events", "EcsParameters", "CapacityProviderStrategy", "The capacity provider strategy to use for the task."
    ),
)
TASK_TIMEOUT = in_range(
    "task-timeout",
    1,
    99999999,
    unit="seconds",
    hint="use a duration such as cdk.Duration.hours(1)",
    source="Step Functions developer guide, Task state: TimeoutSeconds (default 99999999); CreateStateMachine answers "
    "'Maximum value is 99999999' above it",
)
TASK_RETRIES = in_range(
    "task-retries",
    0,
    99999999,
    hint="use 0 for no retries, or a number such as 3",
    source="Step Functions developer guide, error handling: MaxAttempts (a non-negative integer; maximum 99999999)",
)
TASK_RETRY_INTERVAL = in_range(
    "task-retry-interval",
    1,
    99999999,
    unit="seconds",
    hint="use a duration such as cdk.Duration.minutes(5)",
    source="Step Functions developer guide, error handling: IntervalSeconds (a positive integer; maximum 99999999)",
)
VISIBILITY_TIMEOUT = in_range(
    "visibility-timeout",
    0,
    43200,
    unit="seconds",
    hint="use a duration such as cdk.Duration.minutes(5)",
    source=Botocore("sqs", "SetQueueAttributesRequest", "Attributes", "An integer from 0 to 43,200 (12 hours)."),
)
VISIBLE_AFTER_STOP = Limit(
    id="visibility-after-stop",
    accepts=lambda pair: pair[0] > pair[1],
    rule="must be longer than the stop_timeout of the task, or two tasks could process the same message",
    hint="use a longer visibility_timeout=, or a shorter stop_timeout=",
    source="SQS developer guide, visibility timeout; botocore ecs ContainerDefinition.stopTimeout",
    format=lambda pair: f"{pair[0]} with stop_timeout={pair[1]}, in seconds",
)
MAX_RECEIVES = in_range(
    "max-receives",
    1,
    1000,
    hint="use the number of receives after which a message goes to the dead-letter queue, such as 3",
    source="SQS CreateQueue answers 'valid values are from 1 to 1000 both inclusive' outside of it; "
    "AWS modern-data-architecture-accelerator QueueDlqProps.maxReceiveCount",
)
MESSAGE_RETENTION = in_range(
    "message-retention",
    60,
    1209600,
    unit="seconds",
    hint="use a duration such as cdk.Duration.days(4)",
    source=Botocore(
        "sqs",
        "SetQueueAttributesRequest",
        "Attributes",
        "An integer representing seconds, from 60 (1 minute) to 1,209,600 (14 days).",
    ),
)
LONGEST_EVENT_PATTERN = 4096
_SHORTER_PATTERN = (
    "use fewer values, or replace several values with one pattern ('*', or events.Match.wildcard in an EventPattern)"
)
EVENT_PATTERN = at_most(
    "event-pattern",
    LONGEST_EVENT_PATTERN,
    unit="characters as JSON",
    hint=_SHORTER_PATTERN,
    source=Botocore("events", "EventPattern"),
)
EVENT_PATTERN_QUOTA = Limit(
    id="event-pattern-quota",
    accepts=lambda length: length <= 2048,
    rule="should be at most 2,048 characters as JSON, the default quota",
    hint=f"{_SHORTER_PATTERN}, or request a higher quota",
    source="EventBridge user guide, quotas: event pattern size (2,048, adjustable)",
    format=with_commas,
    confirmed=False,
)
