"""Random scaling and rollouts, within their limits or just beyond."""

from __future__ import annotations

from typing import Any

from moorage.workload.lifecycle_hooks import LifecycleStage
from tools.fuzz.program import NONE, Code, Pick, call, seconds

PREDICTED = ("predicted-ahead", "predicted-above-maximum")
_NAMED = ("scaling-names-unique", "scaling-policy-name", "scaling-policies")
_PERCENT = ("target-percent", "cpu-target-percent")
_MOVED = (*_NAMED, *_PERCENT, "scaling-name", "scaling-range", "target-value", "scaling-cooldown")
BREAKER = ("breaker-count", "breaker-percent")
EARLY = ("early-success", "early-success-least")
ROLLING = (*BREAKER, *EARLY, "minimum-healthy", "maximum-percent", "rollout-room", "rollout-progress")
SHIFTING = ("canary-percent", "linear-percent", "rollout-duration")
ALARMS = ("alarm-threshold", "alarm-percent", "alarm-minutes")
HOOKS = ("hook-timeout", "function-timeout", "rollout-total")
_WAYS = {
    "rolling": ROLLING,
    "blue_green": (),
    "canary": ("canary-percent", "rollout-duration"),
    "linear": ("linear-percent", "rollout-duration"),
}
_DAY_MINUTES = 1440
_MINUTE = 60
# including names of policies that moorage itself defines
_NAMES = ("Depth", "Cpu", "Requests", "Backlog", "Waiting", "FromZero", "Predictive", "Target", "a b", "x" * 240)
_NO_POLICIES = ("", "Größe", "a\n", "x" * 250)
_NO_NAMES = ("", " a", "a ", "a/b", "8:00", "a|b", "a\n", "x" * 241)
_BEFORE_TRAFFIC = tuple(stage for stage in LifecycleStage if not stage._shifts_traffic)
_NO_PAUSE = (LifecycleStage.TEST_TRAFFIC_SHIFT, LifecycleStage.PRODUCTION_TRAFFIC_SHIFT)


def scaling(pick: Pick, *, routed: bool, most: int) -> Code:
    """Return a scaling with at most this number of copies, unless a limit of copies is to be broken."""
    low, high = sorted(int(pick.within("", 0, most)) for _ in range(2))
    if pick.breaks("rollout-progress"):
        low, high = 1, 1
    if pick.breaks("tasks-per-service"):
        low, high = pick.one_of((5001, 5001), (1, 5001))
    if pick.breaks("scaling-copies"):
        low, high = pick.one_of((-1, 3), (-1, -1))
    if pick.breaks("scaling-range"):
        low, high = 3, 2
    if pick.breaks("peak-copies"):
        return call("Scaling", Code("Scaling.surviving_zone_loss(peak=0, zones=3)"))
    moves = low != high or pick.breaks(*_MOVED, *PREDICTED)
    if moves and (pick.broken or pick.often()) and not pick.breaks("tasks-per-service", "scaling-copies"):
        low = max(low, 1)  # from 0 it would hardly ever scale out
    if moves and low >= high and not pick.breaks("scaling-range"):
        low = min(low, most - 1)
        high = low + 1
    timed = pick.when("scaling-name")
    schedules = [_schedule(pick, index, *sorted((low, high))) for index in range(pick.one_of(1, 2))] if timed else []
    metrics = [_metric(pick, name) for name in _names(pick)]
    targets = _targets(pick, routed=routed) if moves else {}
    listed = pick.breaks(*_NAMED) or (moves and pick.seldom())
    return call(
        "Scaling",
        low,
        high if moves or schedules else None,
        **targets,
        metrics=metrics if listed else None,
        schedules=schedules or None,
        predictive=_predictive(pick, routed=routed) if pick.breaks(*PREDICTED) or (moves and pick.seldom()) else None,
        high_resolution=pick.on(),
        scale_out_cooldown=_cooldown(pick),
        scale_in_cooldown=_cooldown(pick),
    )


def _names(pick: Pick) -> list[str]:
    if pick.breaks("scaling-names-unique"):
        return ["same", "same"]
    if pick.breaks("scaling-policies"):
        return [f"Metric {index}" for index in range(51)]
    if pick.breaks("scaling-policy-name"):
        return [pick.one_of(*_NO_POLICIES)]
    return list(dict.fromkeys(pick.one_of(*_NAMES) for _ in range(2)))


def _targets(pick: Pick, *, routed: bool) -> dict[str, Any]:
    percent = pick.one_of(0, -1) if pick.breaks(*_PERCENT) else pick.one_of(1, 60, 99.5, 100)
    above = pick.one_of(0, -1) if pick.breaks("target-value") else pick.one_of(0.5, 1, 1000)
    found: dict[str, Any] = {"cpu_percent": percent}
    if pick.breaks("target-percent") or pick.seldom():
        found["memory_percent"] = 101 if pick.breaks("target-percent") and pick.on() else percent
    if routed and pick.often():
        found["requests_per_task"] = above
    if pick.breaks("target-value") or pick.seldom():
        found |= {"backlog_per_task": above, "queue": Code("queue")}
    if len(found) > 1 and not pick.breaks(*_PERCENT):
        del found["cpu_percent"]
    return found


def _metric(pick: Pick, name: str) -> Code:
    return call("MetricTarget", name, Code(pick.one_of("metric", "expression")), pick.one_of(0.5, 100))


def _schedule(pick: Pick, index: int, low: int, high: int) -> Code:
    names = (f"Action {index}", f"morning{index}", "x" * 239 + str(index))
    name = pick.keeping("scaling-name", names, _NO_NAMES)
    when = pick.one_of(
        "ScheduleExpression.cron(hour='8', minute='0')",
        "ScheduleExpression.cron(hour='8', minute='0', time_zone=TimeZone.EUROPE_BERLIN)",
        "ScheduleExpression.rate(Duration.hours(1))",
        "ScheduleExpression.at(datetime(2030, 1, 1, tzinfo=UTC))",
    )
    ends = pick.one_of({"minimum": low}, {"maximum": high}, {"minimum": low, "maximum": high})
    return call("ScheduledAction", name, Code(when), **ends)


def _predictive(pick: Pick, *, routed: bool) -> Code:
    of = pick.one_of("cpu_percent", "memory_percent", "requests_per_task" if routed else "cpu_percent")
    above = "predicted-above-maximum"
    return call(
        "PredictiveScaling",
        **{of: 60},
        forecast_only=pick.on(),
        scheduling_buffer=seconds(pick.within("predicted-ahead", 0, 3599)),
        max_capacity_buffer_percent=pick.maybe(lambda: pick.within(above, 0, 100), above),
    )


def _cooldown(pick: Pick) -> Code | None:
    row = "scaling-cooldown"
    return pick.maybe(lambda: seconds(pick.within(row, 0, 3600, -1)), row)


def rollout(pick: Pick, *, routed: bool) -> Code:
    """Return a rollout of any kind, for a service with or without a route."""
    if pick.breaks("daemon-maximum"):
        return call("Rollout.rolling")
    ways = [way for way, rows in _WAYS.items() if pick.breaks(*rows)] or list(_WAYS)
    way = pick.one_of(*ways)
    if way == "rolling":
        return _rolling(pick, routed=routed)
    if way == "blue_green" or not routed:
        return _blue_green(pick, routed=routed)
    return _canary(pick) if way == "canary" else _linear(pick)


def _rolling(pick: Pick, *, routed: bool) -> Code:
    least = pick.within("minimum-healthy", 0, 100)
    most = pick.keeping("maximum-percent", (200, 150, 100 if least == 0 else 200), (99, 0, -1))
    if pick.breaks("rollout-room"):
        least, most = 100, 100
    if pick.breaks("rollout-progress"):
        least, most = 50, 150
    early: Code | None = None
    if pick.breaks("early-success-least"):
        least, early = 50, call("EarlySuccess", 49)
    elif pick.breaks("early-success") or (pick.seldom() and not pick.breaks("minimum-healthy")):
        share = pick.one_of(-1, 101, 99.5) if pick.breaks("early-success") else pick.one_of(least, 100)
        early = call("EarlySuccess", share, remove_old_first=pick.on())
    return call(
        "Rollout.rolling",
        minimum_healthy_percent=least,
        maximum_percent=most,
        bake=_bake(pick) if pick.when("bake-time") else None,
        circuit_breaker=_breaker(pick),
        early_success=early,
        alarms=_alarms(pick, routed=routed) if pick.when(*ALARMS) else None,
        hooks=_hooks(pick, _BEFORE_TRAFFIC),
    )


def _breaker(pick: Pick) -> Code | None:
    said = {"rollback": pick.off(), "reset_on_healthy_task": pick.off()}
    if pick.breaks("breaker-count"):
        return call("CircuitBreaker.failures", pick.one_of(0, -1), **said)
    if pick.breaks("breaker-percent"):
        return call("CircuitBreaker.percent", pick.one_of(0, 101), **said)
    return pick.one_of(
        None,
        NONE,
        call("CircuitBreaker", **said),
        call("CircuitBreaker.failures", pick.one_of(1, 1000), **said),
        call("CircuitBreaker.percent", pick.one_of(1, 100), bounded=pick.off(), **said),
    )


def _blue_green(pick: Pick, *, routed: bool) -> Code:
    return call("Rollout.blue_green", bake=_bake(pick), **_shifted(pick, routed=routed))


def _canary(pick: Pick) -> Code:
    percent = pick.keeping("canary-percent", (0.1, 5, 12.3, 100), (0, 0.05, 100.1, 5.55))
    return call("Rollout.canary", percent=percent, **_stepped(pick), **_shifted(pick, routed=True))


def _linear(pick: Pick) -> Code:
    percent = pick.keeping("linear-percent", (3, 10, 33.3, 100), (0, 2.9, 100.1, 3.05))
    if pick.breaks("rollout-duration"):
        percent = 10  # with one step, only the final bake time exists
    return call("Rollout.linear", percent=percent, **_stepped(pick), **_shifted(pick, routed=True))


def _stepped(pick: Pick) -> dict[str, Any]:
    if pick.breaks("rollout-duration"):
        return {"bake": seconds(1440 * _MINUTE), "final_bake": seconds(1440 * _MINUTE)}
    if pick.breaks("bake-time"):
        return {"bake": _bake(pick)}
    return {
        "bake": pick.one_of(None, seconds(0), seconds(10 * _MINUTE)),
        "final_bake": pick.maybe(lambda: seconds(pick.one_of(0, 60, 600) * _MINUTE)),
    }


def _shifted(pick: Pick, *, routed: bool) -> dict[str, Any]:
    alarms = _alarms(pick, routed=routed) if pick.when(*ALARMS) or not routed else pick.one_of(None, NONE)
    return {"alarms": alarms, "hooks": _hooks(pick, tuple(LifecycleStage))}


def _bake(pick: Pick) -> Code | None:
    return seconds(pick.within("bake-time", 0, _DAY_MINUTES, -1, _DAY_MINUTES + 1, 1.5) * _MINUTE)


def _alarms(pick: Pick, *, routed: bool) -> Code:
    if not routed and not pick.breaks(*ALARMS):
        none = dict.fromkeys(("errors_percent", "latency", "unhealthy_targets"), NONE)
        return pick.one_of(NONE, call("RollbackAlarms", **none, extra_alarms=[Code("alarm")]))
    threshold = pick.one_of(0, -1)
    broken = pick.breaks("alarm-threshold")
    targets = threshold if broken else pick.one_of(None, 1, 5, NONE)
    return call(
        "RollbackAlarms",
        errors_percent=pick.keeping("alarm-percent", (None, 0, 0.5, 99.9, NONE), (-1, 100)),
        latency=seconds(threshold if broken else pick.one_of(0.001, 1, 60)),
        unhealthy_targets=targets,
        evaluation_minutes=pick.within("alarm-minutes", 1, _DAY_MINUTES),
        extra_alarms=[Code("alarm")]
        if targets == NONE
        else pick.one_of(None, [Code("alarm")]),  # a network load balancer needs one of the two
        topic=pick.one_of(None, Code("topic")),
    )


def _hooks(pick: Pick, stages: tuple[LifecycleStage, ...]) -> list[Code] | None:
    if not pick.when(*HOOKS):
        return None
    goes_on = pick.on()
    function = call(
        "LifecycleHook.function",
        Code("function"),
        Code(str(pick.one_of(*stages))),
        details=pick.one_of(None, {"a": 1}),
        timeout=_timeout(pick, function=True),
        continue_on_timeout=goes_on,
    )
    pause = call(
        "LifecycleHook.pause",
        Code(str(pick.one_of(*(stage for stage in stages if stage not in _NO_PAUSE)))),
        timeout=_timeout(pick, function=False),
        continue_on_timeout=goes_on,
    )
    if pick.breaks(*HOOKS):
        return [function, pause]
    return pick.one_of([function], [pause], [function, pause], [function, function])


def _timeout(pick: Pick, *, function: bool) -> Code | None:
    """Return a time limit with which a rollout of any steps takes at most 33 hours, unless a limit is to be broken."""
    if pick.breaks("function-timeout") and function:
        return seconds((_DAY_MINUTES + 1) * _MINUTE)
    if pick.breaks("rollout-total") and not function:
        return seconds(20160 * _MINUTE)
    return pick.maybe(lambda: seconds(pick.within("hook-timeout", 1, 5, 0, 20161) * _MINUTE), "hook-timeout")
