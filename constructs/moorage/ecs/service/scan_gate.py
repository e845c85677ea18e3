"""A lifecycle hook that refuses images with findings."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from moorage.ecs.cdk_values import arn, pseudo_parameters
from moorage.ecs.service.hook_function import define_hook_function
from moorage.scope.acknowledgements import LOG_GROUP_WITHOUT_KEY, POLICY_OF_ONE_ROLE, acknowledge
from moorage.scope.exports import keep_exported
from moorage.workload import rollout_limits
from moorage.workload.door import door
from moorage.workload.durations import optional_seconds
from moorage.workload.lifecycle_hooks import LifecycleHook, LifecycleStage
from moorage.workload.problems import Problems, is_token

if TYPE_CHECKING:
    import datetime as dt

    from moorage.workload.severity import Severity

_FUNCTION_FILE = Path(__file__).with_name("scan_gate_function.py")
_FUNCTION_TIMEOUT_SECONDS = 60
_DEFAULT_SECONDS = 15 * 60
_SECONDS_TO_ANSWER = 20
"""The seconds before the timeout of the hook at which the function refuses images that are still not scanned."""
_PATTERN = re.compile(r"\S+")
_INSPECTOR_ACTIONS = ("inspector2:ListCoverage", "inspector2:ListFindings")
"""The actions that reading the findings of enhanced scanning needs beside those of ECR (ECR user guide, "IAM
permissions required for enhanced scanning in Amazon ECR", which limits them to no resource)."""


@door
class ScanGate(Construct):
    """A lifecycle hook that refuses a deployment whose images have findings, or were not scanned by Amazon ECR.

    One gate serves any number of services in its account and region. Pass `gate.hook` to the rollout of each:
    `Rollout.rolling(hooks=[gate.hook])`. The gate checks all containers of the service's task, and all platforms of an
    image for several platforms. It does not check a pre-deployment task.

    The check comes before the first task of a new version starts. Until then, a mutable tag can be moved to another
    image, so use digests or immutable tags.

    Attributes:
        hook: The hook.
        function: The function that ECS invokes.
        log_group: The log group of the function, which has a line with the reason for each image.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        severity: Severity,
        unscanned_images: str | Sequence[str] = (),
        timeout: cdk.Duration | dt.timedelta | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN,
    ) -> None:
        """Define a lifecycle hook that refuses a deployment whose images have findings or were not scanned.

        Pass `gate.hook` to the rollout of each service: `Rollout.rolling(hooks=[gate.hook])`.

        Args:
            scope: The scope in which to define this construct.
            construct_id: The ID of the construct in its scope.
            severity: The lowest severity that is refused. Findings of this severity or a higher one end the
                deployment.
            unscanned_images: The images that may run without a scan, as patterns with `*`, such as
                `public.ecr.aws/aws-observability/*`. ECR scans only private repositories, and the gate reads only the
                scans of its own account and region. Default: none, and such images are refused.
            timeout: The time to wait for scans that are not complete, 1 to 1,440 whole minutes. After this time, the
                deployment is refused. Default: 15 minutes.
            removal_policy: The removal policy of the log group. Default: `RETAIN`.

        Raises:
            ValueError: If a pattern is empty or contains a space, or the timeout is outside its limit.
        """
        patterns = (unscanned_images,) if isinstance(unscanned_images, str) else tuple(unscanned_images)
        seconds = optional_seconds(timeout)
        problems = Problems(lambda: f"{scope.node.path}/{construct_id}")
        _check(patterns, seconds, problems)
        problems.raise_any()

        super().__init__(scope, construct_id)
        limit = _DEFAULT_SECONDS if seconds is None else int(seconds)
        self.log_group = logs.LogGroup(
            self, "Logs", retention=logs.RetentionDays.ONE_YEAR, removal_policy=removal_policy
        )
        acknowledge(self.log_group, *LOG_GROUP_WITHOUT_KEY)
        self.function = _define_function(
            self,
            self.log_group,
            SEVERITIES=" ".join(severity._and_graver),
            UNSCANNED=" ".join(patterns),
            REGISTRIES=" ".join(_registries()),
            STOP_AFTER=str(limit - _SECONDS_TO_ANSWER),
        )
        keep_exported(self, [self.function.function_arn])
        self.hook = LifecycleHook.function(
            self.function, LifecycleStage.PRE_SCALE_UP, timeout=cdk.Duration.seconds(limit)
        )


def _check(patterns: Sequence[str], seconds: int | None, problems: Problems) -> None:
    for pattern in patterns:
        problems.check_known("each item of unscanned_images", pattern)
        if not is_token(pattern) and not _PATTERN.fullmatch(pattern):
            problems.add(
                f"each item of unscanned_images must be a pattern without spaces (got {pattern!r}); use a pattern such "
                "as 'public.ecr.aws/aws-observability/*'"
            )
    problems.check(rollout_limits.HOOK_TIMEOUT, "timeout", seconds)
    problems.check(rollout_limits.FUNCTION_TIMEOUT, "timeout", seconds)


def _define_function(scope: Construct, log_group: logs.ILogGroup, **environment: str) -> lambda_.Function:
    role = iam.Role(scope, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    log_group.grant_write(role)
    acknowledge(role, *POLICY_OF_ONE_ROLE)
    statements = _statements()
    for statement in statements:
        role.add_to_policy(iam.PolicyStatement.from_json(statement))
    acknowledge(
        role,
        "iam-wildcard",
        "the gate only reads, and does not know the images of services that use it later",
        actions=_INSPECTOR_ACTIONS,
        statements=statements,
    )
    return define_hook_function(
        scope,
        _FUNCTION_FILE,
        description="Refuses new versions of services whose images have findings",
        timeout_seconds=_FUNCTION_TIMEOUT_SECONDS,
        role=role,
        log_group=log_group,
        environment=environment,
        purpose="read the scans of their images; no variable is a secret",
    )


def _statements() -> list[Mapping[str, Any]]:
    """Return the permissions of the function."""
    images = ["ecr:BatchGetImage", "ecr:DescribeImageScanFindings", "ecr:DescribeImages"]
    return [
        _allow(["ecs:DescribeServiceRevisions"], arn("ecs", "service-revision/*")),
        _allow(images, arn("ecr", "repository/*")),
        _allow(list(_INSPECTOR_ACTIONS), "*"),
    ]


def _allow(actions: list[str], resource: str) -> Mapping[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


@functools.cache
def _registries() -> tuple[str, ...]:
    """Return the host names of the private registry of the account and region of the stack.

    ECR user guide: "Amazon ECR endpoints", with those for IPv4 and IPv6 and for FIPS.
    """
    _, region, account = pseudo_parameters()
    return tuple(
        f"{account}.{host}"
        for suffix in ("", "-fips")
        for host in (f"dkr.ecr{suffix}.{region}.{cdk.Aws.URL_SUFFIX}", f"dkr-ecr{suffix}.{region}.on.aws")
    )
