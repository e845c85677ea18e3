"""The components of jobs: tasks that schedules, events and state machines start."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import attrs

from moorage.advice.schedules import runs_a_month
from moorage.assembly.values import Joined, Value, at
from moorage.cost.amounts import Range
from moorage.cost.parts import Kind, NotInTemplateError, Part, free, unknown, used
from moorage.cost.resources import Item, number_of, tables
from moorage.cost.rules.services import TASK_DEFINITION, cluster_of, shares, strategy_of
from moorage.cost.rules.tasks import FARGATE, Time, on_fargate, on_provider
from moorage.cost.usage import Use

_RULE, _SCHEDULE = "AWS::Events::Rule", "AWS::Scheduler::Schedule"
_MINUTES = 60
_LEAST_MINUTES = Decimal(1)
"""The minutes that Fargate bills at least for a task with Linux (AWS Fargate pricing)."""


@attrs.frozen
class _Runs:
    """The runs of a job in a month.

    Args:
        count: The number; None if it depends on use.
        reason: The origin of the number.
    """

    count: Decimal | None
    reason: str


def rule(item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::Events::Rule`: the tasks that it starts."""
    has_task = False
    for target in tables(item.list("Targets")):
        stated = target.get("EcsParameters")
        if isinstance(stated, dict):
            has_task = True
            definition = item.all.first(stated.get("TaskDefinitionArn"))
            cluster = item.all.first(target.get("Arn"))
            yield from _runs_of(definition, stated, cluster, _time(_runs(item, use), use))
    if not has_task:
        yield free("Rule", "AWS does not bill rules, nor events of AWS services")


def schedule(item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::Scheduler::Schedule`: its starts, and the tasks that it starts."""
    runs = _runs(item, use)
    quantity = None if runs.count is None else Range.of(runs.count)
    yield Part(
        component="Schedule invocations",
        kind=Kind.USE,
        item="scheduler.invocation",
        quantity=quantity,
        assumptions=(runs.reason, "the first 14 million of an account are free"),
    )
    stated = item.at("Target", "EcsParameters")
    if isinstance(stated, dict):
        definition = item.all.first(stated.get("TaskDefinitionArn"))
        yield from _runs_of(definition, stated, item.target("Target", "Arn"), _time(runs, use))


def state_machine(item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::StepFunctions::StateMachine`: transitions, and the tasks that it starts."""
    if item.text("StateMachineType", default="STANDARD") == "EXPRESS":
        runs = _started(item, use)
        yield Part(
            component="Express workflow requests",
            kind=Kind.USE,
            item="step_functions.express_request",
            quantity=None if runs.count is None else Range.of(runs.count),
            assumptions=(runs.reason,),
        )
        yield used("Express workflow duration", "step_functions.express_gb_hour", use, "express_gb_hours")
    else:
        yield used(
            "State transitions",
            "step_functions.transition",
            use,
            "state_transitions",
            "the free tier is not subtracted",
        )
    definition = item.at("DefinitionString")
    if definition is None or item.at("DefinitionSubstitutions") is not None:
        yield unknown("Tasks of the state machine", "its definition is not in the template as one text")
        return
    states, values = _parsed(definition)
    for parameters in _task_runs(states):
        stated = _restored(parameters, values)
        found = item.all.first(stated.get("TaskDefinition"))
        yield from _runs_of(found, stated, item.all.first(stated.get("Cluster")), _time(_started(item, use), use))


def _runs_of(definition: Item | None, stated: Mapping[str, Value], cluster: Item | None, time: Time) -> Iterator[Part]:
    if definition is None or definition.type != TASK_DEFINITION:
        yield unknown("Tasks", "the task definition of the job is not in the app")
        return
    tasks = number_of(stated.get("TaskCount") or stated.get("Count"), "TaskCount", Decimal(1))
    if tasks != 1:
        time = attrs.evolve(time, assumptions=(*time.assumptions, f"each run starts {tasks} tasks"))
    launch = stated.get("LaunchType")
    if launch == "FARGATE":
        yield from _on_fargate(definition, stated, time.of(tasks), spot=False)
        return
    strategy: Sequence[Value] = () if launch else strategy_of(_sequence(stated), cluster_of(cluster))
    if launch or not strategy:
        yield free("Tasks on EC2 instances", "billed as the instances of the cluster")
        return
    for provider, count in shares(strategy, Range.of(tasks)):
        if provider in FARGATE:
            yield from _on_fargate(definition, stated, time.of(count.most), spot=provider == "FARGATE_SPOT")
        else:
            yield from on_provider(provider, definition, time.of(count.most))


def _on_fargate(definition: Item, stated: Mapping[str, Value], time: Time, *, spot: bool) -> Iterator[Part]:
    yield from on_fargate(definition, time, spot=spot)
    network = at(stated.get("NetworkConfiguration"), ("AwsvpcConfiguration",))
    network = network or at(stated.get("NetworkConfiguration"), ("AwsVpcConfiguration",))  # the name in rules
    if at(network, ("AssignPublicIp",)) == "ENABLED":
        yield time.part("Public IPv4 address", "ipv4.hour", Decimal(1), "one for each task")


def _sequence(stated: Mapping[str, Value]) -> Sequence[Value]:
    found = stated.get("CapacityProviderStrategy")
    return found if isinstance(found, tuple | list) else ()


def _time(runs: _Runs, use: Use) -> Time:
    minutes = use.get("run_minutes")
    said = "run_minutes of the usage file"
    if minutes is None:
        said = "the duration of a run depends on use; run_minutes in a usage file states it"
    elif minutes < _LEAST_MINUTES:
        minutes, said = _LEAST_MINUTES, f"AWS bills at least {_LEAST_MINUTES} minute of a run"
    hours = None if runs.count is None or minutes is None else Range.of(runs.count * minutes / _MINUTES)
    return Time(hours=hours, kind=Kind.USE, assumptions=(runs.reason, said), unit="run-hour")


def _runs(item: Item, use: Use) -> _Runs:
    """Return the runs of a rule or a schedule."""
    if (stated := use.get("runs")) is not None:
        return _Runs(stated, "runs of the usage file")
    if item.text("State", default="ENABLED") == "DISABLED":
        return _Runs(Decimal(0), "the schedule is disabled")
    expression = item.text("ScheduleExpression", default=None)
    if expression is None:
        return _Runs(None, "the number of events depends on use; runs in a usage file states it")
    count = runs_a_month(expression)
    if count is None:
        return _Runs(None, f"{expression} starts no regular runs; runs in a usage file states them")
    return _Runs(count, f"{round(count, 2).normalize():f} runs a month from {expression}")


def _started(item: Item, use: Use) -> _Runs:
    """Return the runs of a state machine, from the schedules and rules that start it."""
    if (stated := use.get("runs")) is not None:
        return _Runs(stated, "runs of the usage file")
    starters = [*item.by(_SCHEDULE, "Target"), *item.by(_RULE, "Targets")]
    if not starters:
        return _Runs(None, "nothing in the app starts the state machine regularly; runs in a usage file states it")
    found = [_runs(each, use) for each in starters]
    if any(each.count is None for each in found):
        return next(each for each in found if each.count is None)
    total = sum((each.count for each in found if each.count is not None), Decimal(0))
    return _Runs(total, " and ".join(each.reason for each in found))


_BEGIN, _END = "\ue000", "\ue001"
"""Private characters around the position of a value in the text of a definition."""


def _parsed(definition: Value) -> tuple[Any, dict[str, Value]]:
    """Return a definition in Amazon States Language, with a token for each value that is known only at deployment.

    Args:
        definition: The resolved definition.

    Raises:
        NotInTemplateError: The definition is not a JSON text.
    """
    parts = definition.parts if isinstance(definition, Joined) else (definition,)
    texts, values = [], {}
    for position, part in enumerate(parts):
        if isinstance(part, str):
            texts.append(part)
        else:
            token = f"{_BEGIN}{position}"
            values[token] = part
            texts.append(f"{token}{_END}")
    try:
        return json.loads("".join(texts)), values
    except (ValueError, RecursionError) as error:
        raise NotInTemplateError("the definition of the state machine is not a JSON text") from error


def _task_runs(states: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the parameters of each state that runs a task."""
    if isinstance(states, list):
        for each in states:
            yield from _task_runs(each)
    elif isinstance(states, dict):
        if (
            str(states.get("Resource", ""))
            .removesuffix(".sync")
            .endswith(("ecs:runTask", "ecs:runTask.waitForTaskToken"))
        ):
            stated = states.get("Parameters", states.get("Arguments"))
            if isinstance(stated, dict):
                yield stated
        for each in states.values():
            yield from _task_runs(each)


def _restored(value: Any, values: Mapping[str, Value]) -> Any:
    """Return a value of a definition with the values in place of texts that are only their tokens, and as tuples."""
    if isinstance(value, dict):
        return {name: _restored(each, values) for name, each in value.items()}
    if isinstance(value, list):
        return tuple(_restored(each, values) for each in value)
    if isinstance(value, str):
        tokens = [token for token in values if f"{token}{_END}" in value]
        if len(tokens) == 1 and value == f"{tokens[0]}{_END}":
            return values[tokens[0]]
        return Joined(tuple(values[token] for token in tokens)) if tokens else value
    return value if value is None or isinstance(value, bool) else str(value)


@attrs.frozen(kw_only=True)
class StartedTask:
    """A task that a schedule, a rule or a state machine starts.

    Args:
        definition: The task definition; None if it is not in the app.
        cluster: The cluster; None if it is not in the app.
        strategy: The resolved capacity provider strategy, by default that of the cluster.
        launch_type: The launch type; None if the strategy decides.
        copies: The number of tasks that a run starts.
        runs: The number of runs a month; None if it depends on use.
        subnets: The resolved subnets of the tasks. Default: none, for tasks without a network interface of their own.
    """

    definition: Item | None
    cluster: Item | None
    strategy: Sequence[Value]
    launch_type: str | None
    copies: Decimal
    runs: Decimal | None
    subnets: Sequence[Value] = ()


def started_tasks(item: Item, use: Use) -> Iterator[StartedTask]:
    """Yield the tasks that a schedule, a rule or a state machine starts.

    Args:
        item: The schedule, rule or state machine.
        use: Its use.

    Raises:
        NotInTemplateError: The templates do not state what is started.
    """
    if item.type == _RULE:
        for target in tables(item.list("Targets")):
            if isinstance(target.get("EcsParameters"), dict):
                cluster = item.all.first(target.get("Arn"))
                yield _started_task(item, target["EcsParameters"], cluster, _runs(item, use))
    elif item.type == _SCHEDULE:
        stated = item.at("Target", "EcsParameters")
        if isinstance(stated, dict):
            yield _started_task(item, stated, item.target("Target", "Arn"), _runs(item, use))
    elif item.at("DefinitionString") is not None:
        states, values = _parsed(item.at("DefinitionString"))
        for parameters in _task_runs(states):
            stated = _restored(parameters, values)
            yield _started_task(item, stated, item.all.first(stated.get("Cluster")), _started(item, use))


def _started_task(item: Item, stated: Mapping[str, Value], cluster: Item | None, runs: _Runs) -> StartedTask:
    launch = stated.get("LaunchType")
    found = item.all.first(stated.get("TaskDefinitionArn") or stated.get("TaskDefinition"))
    return StartedTask(
        definition=found if found and found.type == TASK_DEFINITION else None,
        cluster=cluster_of(cluster),
        strategy=() if launch else strategy_of(_sequence(stated), cluster_of(cluster)),
        launch_type=None if launch is None else str(launch),
        copies=number_of(stated.get("TaskCount") or stated.get("Count"), "TaskCount", Decimal(1)),
        runs=runs.count,
        subnets=_subnets(stated),
    )


def _subnets(stated: Mapping[str, Value]) -> Sequence[Value]:
    network = stated.get("NetworkConfiguration")
    for name in ("AwsvpcConfiguration", "AwsVpcConfiguration"):  # rules spell it in their own way
        found = at(network, (name, "Subnets"))
        if isinstance(found, tuple | list):
            return found
    return ()
