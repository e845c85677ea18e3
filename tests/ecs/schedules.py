"""Schedules that tests of jobs and of scaling share."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_scheduler as scheduler


class Hourly(scheduler.ScheduleExpression):
    """A schedule of a user's own, without a time zone."""

    @property
    def expression_string(self) -> str:
        return "rate(1 hour)"

    @property
    def time_zone(self) -> cdk.TimeZone | None:
        return None
