"""The maximum duration of a rollout, and CloudFormation's timeout for an ECS service."""

from __future__ import annotations

import datetime as dt
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2

from moorage import (
    Cluster,
    Container,
    LifecycleHook,
    LifecycleStage,
    Listener,
    LoadBalancer,
    NetworkLoadBalancer,
    Rollout,
    Route,
    Service,
    Task,
)
from moorage.workload.estimate import Pace, estimate
from moorage.workload.rollout import Shift
from tests.conftest import warnings_of
from tests.stand_ins import stand_in

HANDLER = stand_in("aws_lambda.IFunction")
WEB = Task(Container("public.ecr.aws/nginx/nginx-unprivileged:1.29", name="web", port=8080))
ONE_MINUTE = dt.timedelta(minutes=1)
AT_ONCE = Pace(start=0, check_interval=0, drain=0, stop=0, network_load_balancer=True)
STAGE = LifecycleStage


def hours(count: float) -> dt.timedelta:
    return dt.timedelta(hours=count)


def serve(stack: cdk.Stack, vpc: ec2.IVpc, rollout: Rollout, *, connections: bool, **arguments: Any) -> Service:
    edge: Any = (NetworkLoadBalancer if connections else LoadBalancer)(stack, "Edge", vpc=vpc)
    cluster = Cluster(stack, "Cluster", vpc=vpc)
    route = Listener(edge, port=80) if connections else Route(edge)
    return Service(stack, "Web", cluster=cluster, task=WEB, route=route, rollout=rollout, **arguments)


@pytest.mark.parametrize(
    ("rollout", "bakes", "shifts"),
    [
        (Rollout.blue_green(bake=ONE_MINUTE, alarms=None), 1, 1),
        (Rollout.canary(bake=ONE_MINUTE, alarms=None), 2, 2),
        (Rollout.linear(percent=25, bake=ONE_MINUTE, alarms=None), 4, 4),
        (Rollout.linear(percent=30, bake=ONE_MINUTE, alarms=None), 4, 4),
        (Rollout.linear(percent=100, bake=ONE_MINUTE, alarms=None), 1, 1),
    ],
)
def test_a_network_load_balancer_takes_ten_minutes_at_each_shift(rollout: Rollout, bakes: int, shifts: int) -> None:
    found = estimate(rollout, 2, zones=2, pace=AT_ONCE)
    assert found is not None
    assert found.seconds == 60 * bakes + 600 * (1 + shifts)  # test traffic is shifted once


def test_a_rolling_rollout_shifts_no_traffic() -> None:
    found = estimate(Rollout.rolling(), 2, zones=2, pace=AT_ONCE)
    assert found is not None
    assert found.seconds == 0


@pytest.mark.parametrize(("connections", "minutes"), [(True, 187), (False, 188)])
def test_the_shifts_of_a_network_load_balancer_count(
    stack: cdk.Stack, vpc: ec2.IVpc, minutes: int, *, connections: bool
) -> None:
    """10 bakes of 187 minutes and 11 shifts are 33 hours."""
    each = dt.timedelta(minutes=187)
    last = dt.timedelta(minutes=minutes)
    rollout = Rollout.linear(percent=10, bake=each, final_bake=last, alarms=None)
    serve(stack, vpc, rollout, connections=connections)


def test_the_shifts_of_a_network_load_balancer_make_a_rollout_too_long(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    each, last = dt.timedelta(minutes=187), dt.timedelta(minutes=188)
    rollout = Rollout.linear(percent=10, bake=each, final_bake=last, alarms=None)
    with pytest.raises(ValueError, match=r"Shop/Web: the sum .* shifts must be at most 33 hours, .*\(got 33\.02\)"):
        serve(stack, vpc, rollout, connections=True)


@pytest.mark.parametrize(
    ("rollout", "shifts", "bake"),
    [
        (Rollout.rolling(), 0, 0),
        (Rollout.rolling(bake=hours(1)), 0, 3600),
        (Rollout.blue_green(bake=hours(1)), 1, 3600),
        (Rollout.canary(bake=hours(1), final_bake=hours(2)), 2, 3 * 3600),
        (Rollout.linear(percent=25, bake=hours(1), final_bake=hours(2)), 4, 5 * 3600),
        (Rollout.linear(percent=24.9, bake=hours(1)), 5, 5 * 3600),
        (Rollout.linear(percent=100, bake=hours(1)), 1, 3600),
        (Rollout(shift=Shift.ROLLING, bake=60), 0, 0),
        (Rollout(shift=Shift.CANARY), 2, 0),
        (Rollout(shift=Shift.LINEAR), 2, 0),
    ],
)
def test_shifts_and_bake_times_are_counted_as_cloudformation_does(rollout: Rollout, shifts: int, bake: int) -> None:
    assert (rollout._traffic_shifts, rollout._total_bake) == (shifts, bake)
    assert rollout._network_load_balancer_wait == (600 * (1 + shifts) if shifts else 0)


def test_a_pause_without_a_timeout_has_the_given_one() -> None:
    rollout = Rollout.rolling(
        hooks=[
            LifecycleHook.pause(STAGE.PRE_SCALE_UP),
            LifecycleHook.pause(STAGE.POST_SCALE_UP, timeout=hours(2)),
            LifecycleHook.function(HANDLER, STAGE.PRE_SCALE_UP, STAGE.POST_SCALE_UP),
            LifecycleHook.function(HANDLER, STAGE.PRE_SCALE_UP, timeout=hours(1)),
        ]
    )
    assert rollout._longest_hooks() == 3 * 3600
    assert rollout._longest_hooks(60) == 3 * 3600 + 60


@pytest.mark.parametrize(
    "hook",
    [
        LifecycleHook.function(HANDLER, STAGE.PRE_SCALE_UP, timeout=hours(24)),
        LifecycleHook.pause(STAGE.PRE_SCALE_UP, timeout=hours(24)),
    ],
)
def test_hooks_count_with_bakes(hook: LifecycleHook) -> None:
    Rollout.blue_green(bake=hours(9), hooks=[hook])
    with pytest.raises(ValueError, match=r"bake times and shifts must be at most 33 hours.*\(got 33\.02\)"):
        Rollout.blue_green(bake=hours(9) + ONE_MINUTE, hooks=[hook])
    with pytest.raises(ValueError, match=r"\(got 48\)"):
        Rollout.rolling(hooks=[hook, hook])


@pytest.mark.parametrize(
    ("stage", "times"),
    [
        (STAGE.PRE_SCALE_UP, 1),
        (STAGE.POST_SCALE_UP, 1),
        (STAGE.PRE_PRODUCTION_TRAFFIC_SHIFT, 4),
        (STAGE.POST_PRODUCTION_TRAFFIC_SHIFT, 1),
    ],
)
def test_a_hook_at_each_step_counts_for_each_step(stage: LifecycleStage, times: int) -> None:
    """Botocore `DeploymentLifecycleHook`: this stage is invoked before every traffic shift step."""
    bakes: dict[str, Any] = {"percent": 25, "bake": dt.timedelta(0)}
    Rollout.linear(**bakes, hooks=[LifecycleHook.pause(stage, timeout=hours(33) / times)])
    with pytest.raises(ValueError, match="must be at most 33 hours"):
        Rollout.linear(**bakes, hooks=[LifecycleHook.pause(stage, timeout=hours(33) / times + ONE_MINUTE)])


def test_a_function_may_take_as_long_as_botocore_allows() -> None:
    with pytest.warns(
        UserWarning, match="timeout should be at most 1,440 minutes, the maximum for Lambda hooks .* \\(got 2,880\\)"
    ):
        hook = LifecycleHook.function(HANDLER, STAGE.PRE_SCALE_UP, timeout=hours(48))
    with pytest.raises(ValueError, match=r"must be at most 33 hours, .*\(got 48\)"):
        Rollout.rolling(hooks=[hook])
    with pytest.raises(ValueError, match="timeout must be a whole number of minutes between 1 and 20,160"):
        LifecycleHook.function(HANDLER, STAGE.PRE_SCALE_UP, timeout=hours(336) + ONE_MINUTE)


def test_a_pre_deployment_task_counts(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    pause = LifecycleHook.pause(STAGE.PRE_SCALE_UP, timeout=hours(33) - dt.timedelta(minutes=64))
    with pytest.raises(ValueError, match=r"must be at most 33 hours, .*\(got 33\.02\)"):
        serve(stack, vpc, Rollout.rolling(hooks=[pause]), connections=False, pre_deployment_task=WEB)


@pytest.mark.parametrize(("pauses", "warned"), [(1, False), (2, True)])
def test_pauses_of_a_day_each_warn(app: cdk.App, stack: cdk.Stack, vpc: ec2.IVpc, pauses: int, *, warned: bool) -> None:
    hooks = [LifecycleHook.pause(STAGE.POST_SCALE_UP)] * pauses
    serve(stack, vpc, Rollout.blue_green(alarms=None, hooks=hooks), connections=False)
    found = [each for each in warnings_of(app, "Shop") if "may last 48 hours in total" in each]
    assert bool(found) is warned
