"""The log group of a task's containers: given, or new with a retention."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import aws_cdk as cdk
from aws_cdk import aws_logs as logs

from moorage.scope.acknowledgements import LOG_GROUP_WITHOUT_KEY, acknowledge
from moorage.scope.place import check_place

if TYPE_CHECKING:
    from constructs import Construct

    from moorage.workload.problems import Problems

DEFAULT_LOG_RETENTION = logs.RetentionDays.ONE_YEAR


@attrs.frozen
class TaskLogs:
    """The log group of a task's containers.

    Args:
        log_group: The log group. Default: a new log group.
        retention: The retention of a new log group. Default: one year.
        removal_policy: The removal policy of a new log group. Default: `RETAIN`.
    """

    log_group: logs.ILogGroup | None = None
    retention: logs.RetentionDays | None = None
    removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN

    def check(self, problems: Problems, scope: Construct) -> None:
        """Check that tasks in the stack of `scope` can write to the log group."""
        check_place(problems, "log_group", self.log_group, scope)
        if self.log_group is not None and self.retention is not None:
            problems.add(
                "log_retention must not be used with log_group, since it applies only to a new log group (got "
                f"{self.retention.name}); set the retention of the log group itself, or leave log_group= out"
            )

    def define(self, scope: Construct) -> logs.ILogGroup:
        """Return the given log group, or define one in `scope`."""
        if self.log_group is not None:
            return self.log_group
        log_group = logs.LogGroup(
            scope, "Logs", retention=self.retention or DEFAULT_LOG_RETENTION, removal_policy=self.removal_policy
        )
        acknowledge(log_group, *LOG_GROUP_WITHOUT_KEY)
        return log_group


NEW_LOG_GROUP = TaskLogs()
