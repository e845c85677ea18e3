"""What AWS accepts of the number of copies and of rollouts; rows of the table in `limits`."""

from __future__ import annotations

import math

from moorage.workload.limit import Limit, in_range, matching, whole_minutes

TASKS = in_range("tasks-per-service", 0, 5000, unit="tasks", of="a service's number of copies", source="ECS quotas")
SCALING_COOLDOWN = Limit(
    id="scaling-cooldown",
    accepts=lambda cooldown: cooldown >= 0,
    rule="nothing is waited for less than 0 s",
    hint="use datetime.timedelta(0) to wait for nothing",
    source="botocore application-autoscaling TargetTrackingScalingPolicyConfiguration.ScaleInCooldown",
    format=lambda cooldown: f"{cooldown} s",
)
SCALING_RANGE = Limit(
    id="scaling-range",
    accepts=lambda ends: ends[0] <= ends[1],
    rule="the range is the wrong way round",
    hint="write the smaller number first",
    source="botocore application-autoscaling ScalableTarget.MaxCapacity",
    format=lambda ends: f"{ends[0]} to {ends[1]}",
)
TARGET_PERCENT = in_range(
    "target-percent", 1, 100, unit="%", of="the share of what the tasks reserve",
    source="botocore application-autoscaling TargetTrackingScalingPolicyConfiguration.TargetValue (a percentage)",
    whole=False,
)  # fmt: skip
TARGET_VALUE = Limit(
    id="target-value",
    accepts=lambda target: 0 < target < math.inf,
    rule="a target is above 0, and has an end",
    hint="use a larger number that has one",
    source="botocore application-autoscaling TargetTrackingScalingPolicyConfiguration.TargetValue",
)
SCALING_NAME = matching(
    "scaling-name", r"(?! )(?!.* $)[^\x00-\x1f\x7f-\x9f:/|]{1,240}",
    rule="a name is 1 to 240 characters without ':', '/', '|' and spaces at its ends", hint="use another name",
    source="botocore application-autoscaling PutScheduledAction.ScheduledActionName, PutScalingPolicy.PolicyName (256, "
    "less what stands before it)",
)  # fmt: skip
UNIQUE_SCALING_NAMES = Limit(
    id="scaling-names-unique",
    accepts=lambda names: len(set(names)) == len(names),
    rule="each names one of a service",
    hint="give each a name of its own",
    source="botocore application-autoscaling PutScalingPolicy.PolicyName, PutScheduledAction.ScheduledActionName",
    format=lambda names: ", ".join(map(repr, names)),
)
PEAK = Limit(
    id="peak-copies",
    accepts=lambda copies: copies >= 1,
    rule="a peak is served by 1 copy or more",
    hint="use the number of copies that serve the most that is asked",
    source="AWS containers blog, Amazon ECS availability best practices",
)
PREDICTED_AHEAD = in_range(
    "predicted-ahead", 0, 3599, unit="s", of="how long before the load copies start",
    source="botocore application-autoscaling PredictiveScalingPolicyConfiguration.SchedulingBufferTime",
)  # fmt: skip
PREDICTED_ABOVE = in_range(
    "predicted-above-maximum", 0, 100, unit="%", of="what the forecast may add to the maximum",
    source="botocore application-autoscaling PredictiveScalingPolicyConfiguration.MaxCapacityBuffer",
)  # fmt: skip
BAKE = whole_minutes(
    "bake-time", 0, 1440, of="the time that a version is watched",
    source="CFN AWS::ECS::Service BakeTimeInMinutes, CanaryBakeTimeInMinutes, StepBakeTimeInMinutes",
)  # fmt: skip
ROLLOUT_DURATION = Limit(
    id="rollout-duration",
    accepts=lambda time: time <= 33 * 3600,
    rule="CloudFormation refuses a rollout that takes more than 33 hours",
    hint="use shorter bake times or larger steps",
    source="CFN AWS::ECS::Service CanaryConfiguration, LinearConfiguration",
    format=lambda time: f"{time / 3600:.1f} h",
)
HOOK_TIMEOUT = whole_minutes(
    "hook-timeout", 1, 1440, of="the time that a function has to answer",
    source="ECS developer guide, Lambda hooks for Amazon ECS service deployments",
)  # fmt: skip
PAUSE_TIMEOUT = whole_minutes(
    "pause-timeout", 1, 20160, of="the time that a rollout pauses",
    source="CFN AWS::ECS::Service HookTimeoutConfig",
)  # fmt: skip
MINIMUM_HEALTHY = in_range(
    "minimum-healthy", 0, 100, unit="%", of="the share that stays healthy",
    source="botocore DeploymentConfiguration.minimumHealthyPercent",
)  # fmt: skip
MAXIMUM_PERCENT = Limit(
    id="maximum-percent",
    accepts=lambda percent: percent >= 100,
    rule="the share that may run at once is 100 % or more",
    hint="use 100 or more",
    source="botocore DeploymentConfiguration.maximumPercent",
    format=lambda percent: f"{percent} %",
)
ROLLOUT_ROOM = Limit(
    id="rollout-room",
    accepts=lambda shares: shares[0] < 100 or shares[1] > 100,
    rule="none may start before one stops, and none may stop",
    hint="use a larger maximum_percent or a smaller minimum_healthy_percent",
    source="ECS API DeploymentConfiguration",
    format=lambda shares: f"{shares[1]} % with {shares[0]} % that stay healthy",
)
ROLLOUT_PROGRESS = Limit(
    id="rollout-progress",
    accepts=lambda given: not given[0] or _startable(*given) + _stoppable(*given) >= 1,
    rule="no task may start and none may stop",
    hint="use a larger maximum_percent, a smaller minimum_healthy_percent or more copies",
    source="ECS API DeploymentConfiguration: the minimum is rounded up and the maximum down",
    format=lambda given: (
        f"{given[1]} % of {given[0]} that stay, rounded up to {given[0] - _stoppable(*given)}, "
        f"and {given[2]} % that may run, rounded down to {given[0] + _startable(*given)}"
    ),
)
DAEMON_MAXIMUM = Limit(
    id="daemon-maximum",
    accepts=lambda percent: percent == 100,
    rule="a daemon never runs twice on an instance",
    hint="use Rollout.rolling(minimum_healthy_percent=0, maximum_percent=100)",
    source="CDK Ec2Service.maxHealthyPercent; botocore DeploymentConfiguration.maximumPercent",
    format=lambda percent: f"{percent} %",
)
_TENTHS = 1e-9


def _in_tenths(value: float) -> bool:
    return abs(value * 10 - round(value * 10)) < _TENTHS


CANARY_PERCENT = Limit(
    id="canary-percent",
    accepts=lambda percent: 0.1 <= percent <= 100 and _in_tenths(percent),
    rule="the first share of the traffic is 0.1 to 100 % by tenths",
    hint="use a value such as 5 or 2.5",
    source="CFN AWS::ECS::Service CanaryConfiguration.CanaryPercent",
    format=lambda percent: f"{percent} %",
)
LINEAR_PERCENT = Limit(
    id="linear-percent",
    accepts=lambda percent: 3 <= percent <= 100 and _in_tenths(percent),
    rule="a step of the traffic is 3 to 100 % by tenths",
    hint="use a value such as 10 or 12.5",
    source="CFN AWS::ECS::Service LinearConfiguration.StepPercent",
    format=lambda percent: f"{percent} %",
)
BREAKER_COUNT = Limit(
    id="breaker-count",
    accepts=lambda count: count >= 1,
    rule="a rollout is given up after 1 failed task or more",
    hint="use a larger number, or circuit_breaker=None for never",
    source="botocore ThresholdConfiguration.value",
)
BREAKER_PERCENT = Limit(
    id="breaker-percent",
    accepts=lambda percent: 1 <= percent <= 100,
    rule="a rollout is given up after 1 to 100 % of the copies failed",
    hint="use a value from 1 to 100",
    source="none found: botocore ThresholdConfiguration.value names no range",
    format=lambda percent: f"{percent} %",
    confirmed=False,
)
EARLY_SUCCESS = in_range(
    "early-success", 0, 100, unit="%", of="the share of new tasks that must be healthy",
    source="botocore DeploymentEarlySuccessCriteria.healthyPercent",
)  # fmt: skip
EARLY_SUCCESS_LEAST = Limit(
    id="early-success-least",
    accepts=lambda shares: shares[0] >= shares[1],
    rule="it may not count as done before as many are healthy as must stay so",
    hint="use a larger share, or a smaller minimum_healthy_percent",
    source="botocore DeploymentEarlySuccessCriteria.healthyPercent",
    format=lambda shares: f"{shares[0]} % with a minimum of {shares[1]} %",
)
ALARM_COUNT = Limit(
    id="alarm-threshold",
    accepts=lambda threshold: threshold > 0,
    rule="an alarm of 0 would always ring",
    hint="use a larger value, or None for no alarm",
    source="botocore cloudwatch PutMetricAlarm.Threshold",
)
ALARM_PERCENT = Limit(
    id="alarm-percent",
    accepts=lambda percent: 0 <= percent < 100,
    rule="an alarm rings above a share from 0 to less than 100 %, of which there is never more",
    hint="use a share such as 5 or 0.5, 0 for any error, or None for no alarm",
    source="botocore cloudwatch PutMetricAlarm.ComparisonOperator (GreaterThanThreshold), Threshold",
    format=lambda percent: f"{percent} %",
)
ALARM_MINUTES = in_range(
    "alarm-minutes", 1, 1440, unit="minutes", of="the time that an alarm looks at",
    source="botocore cloudwatch PutMetricAlarm.EvaluationPeriods (a day at most)",
)  # fmt: skip


def _startable(copies: int, _least: int, most: int) -> int:
    return copies * most // 100 - copies


def _stoppable(copies: int, least: int, _most: int) -> int:
    return copies - math.ceil(copies * least / 100)
