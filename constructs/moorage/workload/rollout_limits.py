"""The limits of rollouts, of the number of copies and of its scaling; rows of the table in `limits`."""

from __future__ import annotations

import math

from moorage.workload.limit import Botocore, Limit, at_least, in_range, unique, whole_minutes, with_commas

_LONGEST_ROLLOUT_SECONDS = 33 * 3600

COPIES = Limit(
    id="scaling-copies",
    accepts=lambda count: count >= 0 and not count % 1,
    rule="must be a whole number of tasks, 0 or more",
    hint="use a whole number such as 2, or 0 for no tasks",
    source=Botocore(
        "ecs",
        "CreateServiceRequest",
        "desiredCount",
        "The number of instantiations of the specified task definition to place and keep running in your service.",
    ),
    format=str,
)
TASKS = Limit(
    id="tasks-per-service",
    accepts=lambda count: count <= 5000,
    rule="should be at most 5,000 tasks, a quota that AWS can raise",
    hint="use fewer tasks, or ask for a higher quota before the deployment",
    source="ECS quotas (adjustable)",
    format=with_commas,
    confirmed=False,
)
SCALING_COOLDOWN = at_least(
    "scaling-cooldown",
    0,
    unit="seconds",
    hint="use datetime.timedelta(0) for no cooldown",
    source=Botocore(
        "application-autoscaling",
        "TargetTrackingScalingPolicyConfiguration",
        "ScaleInCooldown",
        "The amount of time, in seconds, after a scale-in activity completes",
    ),
)
SCALING_RANGE = Limit(
    id="scaling-range",
    accepts=lambda ends: ends[0] <= ends[1],
    rule="must not exceed maximum",
    hint="use a smaller minimum or a larger maximum",
    source=Botocore(
        "application-autoscaling",
        "RegisterScalableTargetRequest",
        "MaxCapacity",
        "The maximum value that you plan to scale out to.",
    ),
    format=lambda ends: f"{ends[0]} with maximum={ends[1]}",
)
TARGET_VALUE = Limit(
    id="target-value",
    accepts=lambda target: target > 0,
    rule="must be above 0",
    hint="use a target value such as 100",
    source=Botocore(
        "application-autoscaling",
        "TargetTrackingScalingPolicyConfiguration",
        "TargetValue",
        "it won't accept values that are either too small or too large.",
    ),
    format=str,
)
UNIQUE_SCALING_NAMES = unique(
    "scaling-names-unique",
    rule="must be unique",
    hint="use another name= for one of the duplicates",
    source=Botocore(
        "application-autoscaling",
        "PutScheduledActionRequest",
        "ScheduledActionName",
        "This name must be unique among all other scheduled actions on the specified scalable target.",
    ),
)
PEAK = at_least(
    "peak-copies",
    1,
    hint="use the number of copies that the peak needs",
    source="AWS containers blog, Amazon ECS availability best practices",
)
PREDICTED_AHEAD = in_range(
    "predicted-ahead",
    0,
    3599,
    unit="seconds",
    hint="use the time that a copy needs to start, such as cdk.Duration.minutes(5)",
    source=Botocore(
        "application-autoscaling",
        "PredictiveScalingPolicyConfiguration",
        "SchedulingBufferTime",
        "The value must be less than the forecast interval duration of 3600 seconds (60 minutes).",
    ),
)
PREDICTED_ABOVE = in_range(
    "predicted-above-maximum",
    0,
    100,
    unit="%",
    hint="use a percentage such as 10",
    source=Botocore("application-autoscaling", "PredictiveScalingMaxCapacityBuffer"),
)
BAKE = whole_minutes(
    "bake-time",
    0,
    1440,
    source="CFN AWS::ECS::Service BakeTimeInMinutes, CanaryBakeTimeInMinutes, StepBakeTimeInMinutes",
)
ROLLOUT_DURATION = Limit(
    id="rollout-duration",
    accepts=lambda time: time <= _LONGEST_ROLLOUT_SECONDS,
    rule="must be at most 33 hours, the maximum that CloudFormation accepts",
    hint="use a shorter bake= or final_bake=",
    source="CFN AWS::ECS::Service CanaryConfiguration, LinearConfiguration",
    format=lambda time: f"{round(time / 3600, 2):g}",
)
ROLLOUT_TOTAL = Limit(
    id="rollout-total",
    accepts=lambda time: time <= _LONGEST_ROLLOUT_SECONDS,
    rule="must be at most 33 hours, which leaves 3 of CloudFormation's 36 hours to start and stop tasks",
    hint="use shorter hook timeouts or shorter bake times",
    source="CFN AWS::ECS::Service handlers.update.timeoutInMinutes (2,160), CanaryConfiguration, LinearConfiguration",
    format=lambda time: f"{round(time / 3600, 2):g}",
)
FEWER_STEPS = ", or a larger percent= for fewer steps"
"""An addition to the hints of `ROLLOUT_DURATION` and `ROLLOUT_TOTAL` for linear rollouts."""
HOOK_TIMEOUT = whole_minutes("hook-timeout", 1, 20160, source=Botocore("ecs", "DeploymentLifecycleHookDuration"))
FUNCTION_TIMEOUT = Limit(
    id="function-timeout",
    accepts=lambda time: time // 60 <= 1440 or time // 60 > 20160,  # HOOK_TIMEOUT refuses more
    rule="should be at most 1,440 minutes, the maximum for Lambda hooks in the ECS developer guide",
    hint="use cdk.Duration.hours(24) or less, or LifecycleHook.pause(...)",
    source="ECS developer guide, Lambda hooks for Amazon ECS service deployments; botocore has 20,160",
    format=lambda time: f"{time / 60:,g}",
    confirmed=False,
)
MINIMUM_HEALTHY = in_range(
    "minimum-healthy",
    0,
    100,
    unit="%",
    hint="use a percentage such as 100 or 50",
    source=Botocore(
        "ecs",
        "DeploymentConfiguration",
        "minimumHealthyPercent",
        "the desiredCount multiplied by the minimumHealthyPercent/100",
    ),
)
MAXIMUM_PERCENT = at_least(
    "maximum-percent",
    100,
    hint="use a percentage such as 200",
    source="botocore DeploymentConfiguration.maximumPercent",
)
ROLLOUT_ROOM = Limit(
    id="rollout-room",
    accepts=lambda shares: shares[0] < 100 or shares[1] > 100,
    rule="must be above 100 if minimum_healthy_percent is 100, so that a task can start",
    hint="use a larger maximum_percent or a smaller minimum_healthy_percent",
    source="ECS API DeploymentConfiguration",
    format=lambda shares: f"{shares[1]} with minimum_healthy_percent={shares[0]}",
)
ROLLOUT_PROGRESS = Limit(
    id="rollout-progress",
    accepts=lambda values: not values[0] or _startable(*values) + _stoppable(*values) >= 1,
    rule="must leave room to start or to stop a task",
    hint="use a larger maximum_percent, a smaller minimum_healthy_percent or more copies",
    source="ECS API DeploymentConfiguration: the minimum is rounded up and the maximum down",
    format=lambda values: (
        f"{values[0]} {'copy' if values[0] == 1 else 'copies'} with minimum_healthy_percent={values[1]}, "
        f"rounded up to {values[0]}, and maximum_percent={values[2]}, rounded down to {values[0]}"
    ),
)
DAEMON_MAXIMUM = Limit(
    id="daemon-maximum",
    accepts=lambda percent: percent == 100,
    rule="must be 100 for a daemon, which never runs twice on an instance",
    hint="use Rollout.rolling(minimum_healthy_percent=0, maximum_percent=100)",
    source="CDK Ec2Service.maxHealthyPercent; botocore DeploymentConfiguration.maximumPercent",
    format=str,
)
_TENTHS_TOLERANCE = 1e-9


def _in_tenths(value: float) -> bool:
    return abs(value * 10 - round(value * 10)) < _TENTHS_TOLERANCE


CANARY_PERCENT = Limit(
    id="canary-percent",
    accepts=lambda percent: 0.1 <= percent <= 100 and _in_tenths(percent),
    rule="must be between 0.1 and 100 in steps of 0.1",
    hint="use a value such as 5 or 2.5",
    source="CFN AWS::ECS::Service CanaryConfiguration.CanaryPercent",
    format=str,
)
LINEAR_PERCENT = Limit(
    id="linear-percent",
    accepts=lambda percent: 3 <= percent <= 100 and _in_tenths(percent),
    rule="must be between 3 and 100 in steps of 0.1",
    hint="use a value such as 10 or 12.5",
    source="CFN AWS::ECS::Service LinearConfiguration.StepPercent",
    format=str,
)
BREAKER_COUNT = at_least(
    "breaker-count",
    1,
    hint="use a number such as 3, or circuit_breaker=None for no circuit breaker",
    source=Botocore(
        "ecs", "ThresholdConfiguration", "value", "When type is COUNT, this value is the failure threshold itself."
    ),
)
BREAKER_PERCENT = Limit(
    id="breaker-percent",
    accepts=lambda percent: 1 <= percent <= 100,
    rule="should be between 1 and 100",
    hint="use a percentage such as 50",
    source="none found: botocore ThresholdConfiguration.value names no range",
    format=str,
    confirmed=False,
)
EARLY_SUCCESS = in_range(
    "early-success",
    0,
    100,
    unit="%",
    hint="use a percentage between minimum_healthy_percent and 100",
    source=Botocore("ecs", "DeploymentEarlySuccessCriteria", "healthyPercent", "must be an integer between 0 and 100."),
)
EARLY_SUCCESS_LEAST = Limit(
    id="early-success-least",
    accepts=lambda shares: shares[0] >= shares[1],
    rule="must be at least minimum_healthy_percent",
    hint="use a larger healthy_percent=, or a smaller minimum_healthy_percent=",
    source=Botocore(
        "ecs",
        "DeploymentEarlySuccessCriteria",
        "healthyPercent",
        "This value must be greater than or equal to the minimumHealthyPercent value.",
    ),
    format=lambda shares: f"{shares[0]} with minimum_healthy_percent={shares[1]}",
)
ALARM_COUNT = Limit(
    id="alarm-threshold",
    accepts=lambda threshold: threshold > 0,
    rule="must be above 0, or the alarm would always be in ALARM state",
    hint="use a larger value, or None for no alarm",
    source="botocore cloudwatch PutMetricAlarm.Threshold",
    format=str,
)
ALARM_PERCENT = Limit(
    id="alarm-percent",
    accepts=lambda percent: 0 <= percent < 100,
    rule="must be at least 0 and below 100, since the alarm triggers above this percentage",
    hint="use a percentage such as 5 or 0.5, 0 for any error, or None for no alarm",
    source="botocore cloudwatch PutMetricAlarm.ComparisonOperator (GreaterThanThreshold), Threshold",
    format=str,
)
ALARM_MINUTES = in_range(
    "alarm-minutes",
    1,
    1440,
    unit="minutes",
    hint="use a number of minutes such as 3",
    source=Botocore(
        "cloudwatch",
        "PutMetricAlarmInput",
        "Period",
        "the total evaluation period can't be longer than one day (86,400 seconds).",
        also="86,400 seconds are 1,440 minutes",
    ),
)


def _startable(copies: int, _least: int, most: int) -> int:
    return copies * most // 100 - copies


def _stoppable(copies: int, least: int, _most: int) -> int:
    return copies - math.ceil(copies * least / 100)
