"""The limits of scaling; rows of the table in `limits`."""

from __future__ import annotations

import math

from moorage.workload.limit import Botocore, Limit, at_most, in_range, matching

TARGET_PERCENT = in_range(
    "target-percent",
    1,
    100,
    unit="%",
    hint="use a percentage such as 60",
    source="botocore application-autoscaling TargetTrackingScalingPolicyConfiguration.TargetValue (a percentage); no "
    "task uses more memory than its hard limit",
)
CPU_TARGET = Limit(
    id="cpu-target-percent",
    accepts=lambda percent: 1 <= percent < math.inf,
    rule="must be at least 1% and finite",
    hint="use a percentage such as 60; values above 100 are for tasks on instances, which can use more CPU than "
    "they reserve",
    source=Botocore(
        "application-autoscaling",
        "TargetTrackingScalingPolicyConfiguration",
        "TargetValue",
        "it won't accept values that are either too small or too large.",
        also="ECS developer guide, CloudWatch metrics: CPUUtilization may be above 100%",
    ),
    format=str,
)
POLICY_NAME = matching(
    "scaling-policy-name",
    r"[ -~]{1,249}",
    rule="must be 1 to 249 printable ASCII characters",
    hint="use a name such as 'Backlog'",
    source=Botocore("application-autoscaling", "PolicyName", also="249 leaves room for 'Metric ' before it"),
)
ACTION_NAME = matching(
    "scaling-name",
    r"(?! )(?!.* $)[^\x00-\x1f\x7f-\x9f:/|]{1,240}",
    rule="must be 1 to 240 characters without ':', '/', '|' and control characters, and not begin or end with a space",
    hint="use a name such as 'morning'",
    source=Botocore("application-autoscaling", "ScheduledActionName", also="240 leaves room for an id before it"),
)
SCALING_POLICIES = at_most(
    "scaling-policies",
    50,
    hint="use fewer targets, or one math expression of several metrics",
    source="Application Auto Scaling user guide, quotas: scaling policies per scalable target (not adjustable)",
)
SCHEDULED_ACTIONS = at_most(
    "scheduled-actions",
    200,
    hint="combine several schedules in one cron expression, with '*', ranges or lists",
    source="Application Auto Scaling user guide, quotas: scheduled actions per scalable target (not adjustable)",
)
