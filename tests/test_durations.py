"""Negative durations are refused by every value and method."""

from __future__ import annotations

import datetime as dt
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import aws_cdk as cdk
import pytest
from aws_cdk import aws_events as events
from aws_cdk import aws_scheduler as scheduler

import moorage
from moorage import HealthCheck, LifecycleStage, LoadBalancer, NetworkLoadBalancer, RollbackAlarms
from moorage.workload.durations import optional_milliseconds
from moorage.workload.estimate import Pace
from tests.conftest import imported_vpc
from tests.stand_ins import stand_in
from tests.test_door import callables

NEGATIVE = dt.timedelta(days=-1)
SERVICES = {"Job", "LoadBalancer", "Service", "Service.estimate", "ServiceAlarms"}
"""The classes and methods that need a cluster or a service; the tests of limits cover their durations."""
REQUIRED: dict[str, Callable[[cdk.Stack], tuple[Any, ...]]] = {
    "Capacity.managed_instances": lambda _: ("general",),
    "Container": lambda _: ("redis:8",),
    "EventRule": lambda _: (events.EventPattern(source=["shop"]),),
    "HealthCheck": lambda _: ("true",),
    "LifecycleHook.function": lambda _: (stand_in("aws_lambda.IFunction"), LifecycleStage.PRE_SCALE_UP),
    "LifecycleHook.pause": lambda _: (LifecycleStage.PRE_SCALE_UP,),
    "LifecyclePolicy.releases": lambda _: (3,),
    "Listener": lambda stack: (NetworkLoadBalancer(stack, "Edge", vpc=imported_vpc(stack)), 80),
    "Repository": lambda stack: (stack, "Images"),
    "Route": lambda stack: (LoadBalancer(stack, "Edge", vpc=imported_vpc(stack), plain_http="on purpose"),),
    "Scaling": lambda _: (1, 3),
    "ScanGate": lambda stack: (stack, "Gate"),
    "Schedule": lambda _: (scheduler.ScheduleExpression.rate(cdk.Duration.hours(1)),),
}
"""The arguments that they need beside the duration."""
NAMED: dict[str, dict[str, Any]] = {"ScanGate": {"severity": moorage.Severity.CRITICAL}}
"""Their required keyword arguments."""


def durations() -> Iterator[Any]:
    for name, function, has_self in callables():
        for argument, parameter in inspect.signature(function).parameters.items():
            if str(parameter.annotation).startswith("cdk.Duration | dt.timedelta") and name not in SERVICES:
                define = getattr(moorage, name) if has_self else function
                yield pytest.param(name, define, argument, id=f"{name}-{argument}")


@pytest.mark.filterwarnings("ignore:LifecycleRule")
@pytest.mark.parametrize(("name", "define", "argument"), list(durations()))
def test_a_negative_duration_is_refused(stack: cdk.Stack, name: str, define: Callable[..., Any], argument: str) -> None:
    rule = f"{'older_than' if argument == 'expire_untagged' and name != 'Repository' else argument} must be "
    with pytest.raises(ValueError, match=rf"{rule}[^\n]*\(got -"):
        define(*(REQUIRED[name](stack) if name in REQUIRED else ()), **{**NAMED.get(name, {}), argument: NEGATIVE})


@pytest.mark.parametrize("argument", ["start", "stop"])
def test_a_negative_time_of_an_estimate_is_refused(argument: str) -> None:
    make: Any = Pace
    with pytest.raises(ValueError, match=rf"estimate: {argument} must be at least 0 seconds \(got -1\)"):
        make(**{argument: -1})
    assert make(**{argument: 0})


def test_a_call_in_an_editor_shows_durations_by_the_types_that_users_pass() -> None:
    for name, function, _ in callables():
        for argument, parameter in inspect.signature(function).parameters.items():
            assert not re.search("Seconds|Milliseconds|(?<![.])Duration", str(parameter.annotation)), (name, argument)
            if "cdk.Duration" in str(parameter.annotation) and argument != "period":  # of CDK's metrics
                assert str(parameter.annotation).removesuffix(" | None") == "cdk.Duration | dt.timedelta"


def test_the_field_of_a_value_is_a_duration_for_another_value() -> None:
    check: Any = HealthCheck("true", interval=dt.timedelta(seconds=7))
    alarms: Any = RollbackAlarms(latency=check.interval)
    assert alarms.latency == 7000
    assert HealthCheck("true", timeout=check.interval).timeout == 7
    assert HealthCheck("true", interval=alarms.latency).interval == 7
    assert attrs.evolve(check, retries=2).interval == 7
    with pytest.raises(ValueError, match="HealthCheck: interval must be a whole number of seconds"):
        HealthCheck("true", interval=RollbackAlarms(latency=dt.timedelta(seconds=7.5)).latency)  # type: ignore[arg-type]  # a number of a value


def test_milliseconds_are_read_once() -> None:
    assert optional_milliseconds(None) is None
    read = optional_milliseconds(dt.timedelta(seconds=1.5))
    assert read == 1500
    converted: Any = read
    assert optional_milliseconds(converted) is read
    assert optional_milliseconds(cdk.Duration.millis(1500)) == 1500
