"""Random triggers of jobs and queues of workers, within their limits or just beyond."""

from __future__ import annotations

from typing import Any

from tools.fuzz.program import Code, Pick, call, seconds

SCHEDULED = ("flexible-time-window",)
EVENTS = ("event-pattern", "event-pattern-quota", "event-field", "event-fields")
JOBS = (
    *("target-retries", "target-event-age", "task-overrides", "ecs-target-strategy-items"),
    *("task-timeout", "task-retries", "task-retry-interval", *SCHEDULED, *EVENTS),
)
WORKERS = ("visibility-timeout", "visibility-after-stop", "max-receives", "message-retention")
MOST_OF_A_TARGET = 6
_LONGEST_STOP = 120


def job(pick: Pick, capacities: int) -> dict[str, Any]:
    """Return the arguments of a job in a cluster with this number of capacities."""
    age = "target-event-age"
    said = {
        "environment": {"TEXT": Code("'x' * 8192")} if pick.breaks("task-overrides") else pick.one_of(None, {"C": "d"}),
        "retries": pick.maybe(lambda: pick.within("target-retries", 0, 185), "target-retries"),
        "max_event_age": pick.maybe(lambda: seconds(pick.within(age, 60, 86400)), age),
        "alarm_actions": pick.one_of(None, ()),
        "enabled": pick.off(),
    }
    direct = pick.breaks("ecs-target-strategy-items")
    machine = capacities > MOST_OF_A_TARGET and not direct
    timed = pick.breaks("task-timeout") or (not direct and pick.seldom())
    interval = "task-retry-interval"
    again = pick.breaks("task-retries", interval) or (not direct and pick.seldom())
    retries = pick.within("task-retries", 0, 99999999) if again else None
    later = pick.breaks(interval) or (retries and pick.on())
    return {
        **(_event(pick, said) if _by_event(pick) else _schedule(pick, said)),
        "overlap": False if machine else None if direct else pick.off(),
        "timeout": seconds(pick.within("task-timeout", 1, 99999999)) if timed else None,
        "retries": retries,
        "retry_interval": seconds(pick.within(interval, 1, 99999999)) if later else None,
    }


def _by_event(pick: Pick) -> bool:
    return pick.breaks(*EVENTS) or not (pick.breaks(*SCHEDULED) or pick.often())


def _schedule(pick: Pick, said: dict[str, Any]) -> dict[str, Any]:
    when = pick.one_of("cron(hour='3', minute='0', time_zone=TimeZone.EUROPE_BERLIN)", "rate(Duration.days(1))")
    minutes = pick.one_of(0, 1.5, 1441) if pick.breaks("flexible-time-window") else pick.one_of(None, 1, 1440)
    window = None if minutes is None else seconds(minutes * 60)
    return {"schedule": call("Schedule", Code(f"ScheduleExpression.{when}"), flexible_window=window, **said)}


def _event(pick: Pick, said: dict[str, Any]) -> dict[str, Any]:
    long = 4096 if pick.breaks("event-pattern") else 2048 if pick.breaks("event-pattern-quota") else 0
    source = Code(f"'x' * {long}") if long else "aws.s3"
    fields = 101 if pick.breaks("event-fields") else 1 if pick.breaks("event-field") else 0
    if fields:
        path = "detail.key" if pick.breaks("event-field") else "$.detail.key"
        environment = f"{{f'KEY{{n}}': EventField.from_path(f'{path}{{n}}') for n in range({fields})}}"
        said = {**said, "environment": Code(environment)}
    return {"event": call("EventRule", call("EventPattern", source=[source]), **said)}


def worker(pick: Pick, most: int) -> dict[str, Any]:
    """Return the queue and scaling of a worker, for at most this number of copies."""
    hidden, kept = "visibility-timeout", "message-retention"
    timeout = pick.within(hidden, _LONGEST_STOP + 1, 43200, 43201, -1)
    if pick.breaks("visibility-after-stop"):
        timeout = pick.one_of(0, 1, 2)
    fifo = pick.on()
    queue = call(
        "WorkQueue",
        visibility_timeout=pick.maybe(lambda: seconds(timeout), hidden, "visibility-after-stop"),
        max_receives=pick.maybe(lambda: pick.within("max-receives", 1, 1000), "max-receives"),
        retention=pick.maybe(lambda: seconds(pick.within(kept, 60, 1209600)), kept),
        fifo=fifo,
        content_based_deduplication=pick.on() if fifo else None,
    )
    return {
        "scaling": call("Scaling", pick.one_of(0, 1), max(2, min(most, 50)), backlog_per_task=pick.one_of(0.5, 100)),
        "queue": queue if pick.breaks(*WORKERS) or pick.often() else None,
    }
