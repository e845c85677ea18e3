"""The error for an argument of a wrong type says what to write instead, in names that exist."""

from __future__ import annotations

import ast
import datetime as dt
import enum
import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_applicationautoscaling as appscaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_events as events
from aws_cdk import aws_secretsmanager as secretsmanager

import moorage
from moorage import (
    Architecture,
    Cluster,
    Container,
    HealthCheck,
    Job,
    LifecycleHook,
    LifecycleRule,
    LifecycleStage,
    LoadBalancer,
    Rollout,
    Route,
    ScheduledAction,
    Service,
    Task,
    Worker,
)
from moorage.workload.cdk_types import full_name, public_name
from moorage.workload.type_problems import EXAMPLES, way_out
from tests.conftest import imported_vpc
from tests.test_door import callables
from tools.docs.api import arguments_of, doc_of

CONTAINER = Container("public.ecr.aws/docker/library/redis:8")
SCHEDULER = "(from aws_cdk import aws_scheduler as scheduler)"
NAMESPACES = {
    "cdk": "aws_cdk",
    "cloudwatch_actions": "aws_cdk.aws_cloudwatch_actions",
    "datetime": "datetime",
    "pathlib": "pathlib",
    "targets": "aws_cdk.aws_events_targets",
}
"""The modules of names that errors show, if their names are not those of `full_name`."""


def named(name: str) -> Any:
    """Return the class, the function or the value with a name, as programs write it."""
    module, dot, rest = name.partition(".")
    found: Any = moorage
    if dot and module[0].islower():
        found = importlib.import_module(NAMESPACES.get(module) or f"aws_cdk.{full_name(f'{module}.X')[:-2]}")
    else:
        rest = name
    for part in rest.split("."):
        found = getattr(found, part)
    return found


def arguments() -> Iterator[tuple[str, str, str]]:
    """Yield each argument of what is public: the class or method, the argument and its annotation."""
    for function, member, _ in callables():
        for each in inspect.signature(member).parameters.values():
            if each.annotation is not each.empty and "Unpack" not in str(each.annotation):
                yield function, each.name, str(each.annotation)


@pytest.mark.parametrize("example", EXAMPLES.values())
def test_an_example_exists(example: str) -> None:
    tree = ast.parse(example, mode="eval").body
    names = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)] or [example]
    assert all(named(name) is not None for name in names)
    for call in ast.walk(tree):
        if isinstance(call, ast.Call):
            called = named(ast.unparse(call.func))
            known = inspect.signature(called.__init__ if inspect.isclass(called) else called).parameters
            assert {each.arg for each in call.keywords} <= known.keys()


@pytest.mark.parametrize("kind", EXAMPLES)
def test_an_example_is_for_an_argument_that_exists(kind: str) -> None:
    kinds = {f"{function}.{name}" for function, name, _ in arguments()}
    assert kind in kinds or any(re.search(rf"\b{re.escape(kind)}\b", each) for *_, each in arguments())


def test_no_way_out_is_an_interface_or_an_enum_without_a_member() -> None:
    for function, name, annotation in arguments():
        text = way_out(function, name, annotation)
        assert not re.search(r"\.I[A-Z][a-z]", text), f"{function}({name}=): {text}"
        for kind in re.findall(r"(?<![\w.])an? ([\w.]+[A-Z]\w*)(?!\.)", text):
            member = named(kind) if hasattr(moorage, kind) or "." in kind else None
            is_enum = isinstance(member, type) and issubclass(member, enum.Enum)
            assert not is_enum or re.search(rf"{re.escape(kind)}\.[A-Z]", text), f"{function}({name}=): {text}"


def error_of(make: Callable[..., Any], *positional: Any, **named_arguments: Any) -> str:
    with pytest.raises(TypeError) as raised:
        make(*positional, **named_arguments)
    return str(raised.value)


@pytest.mark.parametrize(
    ("make", "argument", "value", "units"),
    [
        (lambda **given: Container("redis:8", **given), "stop_timeout", 30, "seconds({0})={0}"),
        (lambda **given: HealthCheck("true", **given), "interval", 7.0, "seconds({0})={0}"),
        (Rollout.canary, "bake", 10, "minutes({0})={0}"),
        (Rollout.blue_green, "bake", 0, "minutes({0})={0}"),
        (LifecycleHook.pause, "timeout", 5, "minutes({0})={0}"),
        (LifecycleRule, "older_than", 30, "days({0})={0}"),
        (Rollout.canary, "bake", "10 minutes", "minutes(...)=..."),
        (Rollout.canary, "bake", -1, "minutes(...)=..."),
        (Rollout.canary, "bake", True, "minutes(...)=..."),
        (lambda **given: HealthCheck("true", **given), "interval", 1.5, "seconds(...)=..."),
        (lambda **given: HealthCheck("true", **given), "interval", float("inf"), "seconds(...)=..."),
    ],
)
def test_a_number_is_shown_as_a_duration_in_the_unit_of_the_argument(
    make: Callable[..., Any], argument: str, value: Any, units: str
) -> None:
    count = int(value) if "{0}" in units else "..."
    unit = units.partition("(")[0]
    error = error_of(make, **{argument: value})
    assert error.endswith(f"; use cdk.Duration.{unit}({count}) or datetime.timedelta({unit}={count})"), error


def test_the_unit_of_a_duration_is_that_of_its_documentation() -> None:
    for function, name, annotation in arguments():
        if annotation.startswith("cdk.Duration | dt.timedelta"):
            owner, _, method = function.partition(".")
            found = getattr(moorage, owner)
            documented = doc_of(getattr(found, method)).arguments if method else arguments_of(found)
            text = documented[name]
            unit = re.search(r"whole (minutes|days)|Default: \d+ (days)", text)
            shown = way_out(function, name, annotation)
            expected = next(filter(None, unit.groups())) if unit else "seconds"
            assert shown == f"cdk.Duration.{expected}(...) or datetime.timedelta({expected}=...)", (
                f"{function}({name}=)"
            )


@pytest.mark.parametrize(
    ("value", "got", "instead"),
    [
        (lambda: events.Schedule.cron(hour="2"), "a value of type events.Schedule", "cron(...)"),
        (lambda: appscaling.Schedule.cron(hour="2"), "a value of type applicationautoscaling.Schedule", "cron(...)"),
        (lambda: events.Schedule.rate(cdk.Duration.days(1)), "a value of type events.Schedule", "rate(...)"),
        (
            lambda: appscaling.Schedule.rate(cdk.Duration.days(1)),
            "a value of type applicationautoscaling.Schedule",
            "rate(...)",
        ),
        (
            lambda: appscaling.Schedule.at(dt.datetime(2030, 1, 1, tzinfo=dt.UTC)),
            "a value of type applicationautoscaling.Schedule",
            "at(...)",
        ),
        (lambda: "cron(0 2 * * ? *)", "'cron(0 2 * * ? *)' of type str", "expression('cron(0 2 * * ? *)')"),
        (lambda: dt.timedelta(hours=1), "a value of type timedelta", "rate(...)"),
        (lambda: cdk.Duration.hours(1), "a value of type cdk.Duration", "rate(...)"),
    ],
)
def test_a_schedule_of_another_kind_is_answered_with_the_expression(
    stack: cdk.Stack, value: Callable[[], Any], got: str, instead: str
) -> None:
    cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack))
    given = value()
    assert error_of(Job, stack, "Report", cluster=cluster, task=Task(CONTAINER), schedule=given) == (
        "Shop/Report: schedule must be of type scheduler.ScheduleExpression, Schedule or None "
        f"(got {got}); use scheduler.ScheduleExpression.{instead} {SCHEDULER}"
    )
    assert error_of(ScheduledAction, "night", given).endswith(
        f"; use scheduler.ScheduleExpression.{instead} {SCHEDULER}"
    )


def test_a_text_that_is_no_expression_is_answered_in_general() -> None:
    wrong: Any = "0 2 * * *"
    instead = "a scheduler.ScheduleExpression such as scheduler.ScheduleExpression.cron(...)"
    assert error_of(ScheduledAction, "night", wrong).endswith(
        f"(got '0 2 * * *' of type str); use {instead} {SCHEDULER}"
    )


def test_a_class_of_cdk_is_named_as_programs_name_it(stack: cdk.Stack) -> None:
    class Own(ec2.Vpc):
        """A class of a user."""

    looked_up = ec2.Vpc.from_vpc_attributes(stack, "Vpc", vpc_id="vpc-1", availability_zones=["a"])
    names = {
        "ec2.IVpc": looked_up,
        "ec2.Volume": ec2.Volume(stack, "Disk", availability_zone="a", size=cdk.Size.gibibytes(1)),
        "events.Schedule": events.Schedule.rate(cdk.Duration.days(1)),
        "cdk.RemovalPolicy": cdk.RemovalPolicy.DESTROY,
        "cdk.Stack": stack,
        "Own": Own(stack, "Own"),
        "Container": CONTAINER,
        "Architecture": Architecture.ARM64,
        "list": [],
    }
    assert {name: public_name(value) for name, value in names.items()} == {name: name for name in names}


def test_a_proxy_of_jsii_is_in_no_message(stack: cdk.Stack) -> None:
    secret: Any = secretsmanager.Secret.from_secret_name_v2(stack, "Secret", "shop")
    proxy: Any = events.Schedule.rate(cdk.Duration.days(1))
    for error in (
        error_of(Task, secret),
        error_of(Container, "redis:8", port=proxy),
        error_of(Container, "redis:8", docker_labels={"a": proxy}),
        error_of(Container, "redis:8", dns_servers=[proxy]),
        error_of(Container, "redis:8", extra_hosts={proxy: "a"}),
    ):
        assert "Proxy" not in error
        assert re.search(r"(events.Schedule|secretsmanager.ISecret)\b", error)
    with pytest.raises(ValueError, match=r"got a value of type events.Schedule"):
        Container("redis:8", secrets={"PASSWORD": proxy})


@pytest.mark.parametrize(
    ("make", "instead"),
    [
        (
            lambda stack, wrong: LoadBalancer(stack, "Edge", vpc=imported_vpc(stack), certificate=wrong),
            "acm.Certificate.from_certificate_arn(...)",
        ),
        (
            lambda stack, wrong: moorage.Network(stack, "Network", removal_policy=wrong),
            "a cdk.RemovalPolicy such as cdk.RemovalPolicy.DESTROY",
        ),
        (
            lambda stack, wrong: Service(stack, "Web", **web(stack), log_retention=wrong),
            "a logs.RetentionDays such as logs.RetentionDays.ONE_MONTH",
        ),
        (lambda _, wrong: Container("redis:8", health_check=wrong), "HealthCheck('curl -f http://localhost')"),
        (lambda stack, wrong: Service(stack, "Web", **{**web(stack), "task": wrong}), "Task(container)"),
        (
            lambda stack, wrong: Worker(stack, "Work", **web(stack), scaling=wrong),
            "Scaling(0, 10, backlog_per_task=10)",
        ),
        (
            lambda stack, wrong: LoadBalancer(stack, "Edge", vpc=imported_vpc(stack), ingress=wrong),
            "a list such as [ec2.Peer.ipv4('10.0.0.0/8')]",
        ),
        (lambda _, wrong: moorage.ExecSessions(key=wrong), "a kms.Key"),
        (lambda _, wrong: Task(CONTAINER, volumes=wrong), "a Volume such as Volume.efs(...)"),
        (lambda _, wrong: Task(CONTAINER, called_services=wrong), "a string"),
        (
            lambda stack, wrong: Service(stack, "Web", **web(stack), route=wrong),
            "Route(load_balancer), Listener(network_load_balancer, 443) or a GatewayConnector",
        ),
    ],
)
def test_the_way_out_is_something_to_write(
    stack: cdk.Stack, make: Callable[[cdk.Stack, Any], object], instead: str
) -> None:
    assert error_of(make, stack, CONTAINER).endswith(f"(got a value of type Container); use {instead}")


def web(stack: cdk.Stack) -> dict[str, Any]:
    return {"cluster": Cluster(stack, "Cluster", vpc=imported_vpc(stack)), "task": Task(CONTAINER)}


def test_the_scaling_of_a_worker_is_asked_for_with_a_backlog(stack: cdk.Stack) -> None:
    make: Any = Worker
    assert error_of(make, stack, "Work", **web(stack)) == (
        "Shop/Work: scaling= is required; use Scaling(0, 10, backlog_per_task=10)"
    )


def test_a_secret_is_asked_for_with_a_field() -> None:
    wrong: Any = {"DB_PASSWORD": "hunter2"}
    with pytest.raises(ValueError, match=r"or ecs.Secret.from_secrets_manager\(secret, 'password'\)$") as raised:
        Container("redis:8", secrets=wrong)
    assert "hunter2" not in str(raised.value)


def test_a_hook_stage_is_shown_as_a_member() -> None:
    wrong: Any = "PRE_SCALE_UP"
    error = error_of(LifecycleHook.pause, wrong)
    assert error.endswith(f"; use a LifecycleStage such as LifecycleStage.{LifecycleStage.PRE_SCALE_UP.name}")
    assert error_of(Route, wrong).endswith("; use a LoadBalancer, or Listener(...) for a NetworkLoadBalancer")
