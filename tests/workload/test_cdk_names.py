"""The names of CDK's arguments are answered with names of moorage that exist."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_ecs_patterns as patterns

import moorage
from moorage import Container, Scaling, Task
from moorage.workload.argument_names import names_of_cdk

PAIRS = [(function, name, text) for function, texts in names_of_cdk().items() for name, text in texts.items()]
PAGE = Path(__file__).parents[2] / "docs" / "migrating" / "from-aws-ecs-patterns.md"
WITHOUT_AN_ANSWER = {
    *("availability_zone_rebalancing", "force_new_deployment", "platform_version", "task_definition_revision"),
    *("proxy_configuration", "disable_networking", "hostname", "inference_accelerator_resources", "rule_name", "tags"),
    *("managed_storage_configuration", "lifecycle_registry_id"),
}
"""The arguments of CDK that moorage has no equivalent for."""


def function_named(name: str) -> Callable[..., Any]:
    found: object = functools.reduce(getattr, name.split("."), moorage)
    assert callable(found)
    return found


def arguments_of(function: Callable[..., Any]) -> set[str]:
    return set(inspect.signature(function).parameters)


def arguments_in(function: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield each argument that a text shows, with the function whose call the text shows it in."""
    calls = [function]
    for name, sign in re.findall(r"([\w.]*)([(=)])", text):
        if sign == "(":
            calls.append(name)
        elif sign == ")":
            calls.pop()
        else:
            yield calls[-1], name


@pytest.mark.parametrize(("function", "name", "text"), PAIRS)
def test_each_answer_names_arguments_and_classes_that_exist(function: str, name: str, text: str) -> None:
    assert name not in arguments_of(function_named(function)), "an argument that exists needs no answer"
    shown = list(arguments_in(function, text))
    classes = re.findall(r"\b([A-Z]\w*(?:\.\w+)?)\(", text)
    assert shown or classes or "leave it out, since" in text or "use one Job for each task" in text
    for called in classes:
        function_named(called)
    for called, argument in shown:
        assert argument in arguments_of(function_named(called)), f"{called} has no {argument}"


@pytest.mark.parametrize(
    ("function", "definitions"),
    [
        (
            "Service",
            (
                patterns.ApplicationLoadBalancedFargateService,
                patterns.NetworkLoadBalancedFargateService,
                patterns.ApplicationMultipleTargetGroupsFargateService,
                ecs.FargateService,
            ),
        ),
        ("Worker", (patterns.QueueProcessingFargateService,)),
        ("Job", (patterns.ScheduledFargateTask,)),
        ("Task", (ecs.FargateTaskDefinition,)),
        ("Container", (ecs.ContainerDefinitionOptions, patterns.ApplicationLoadBalancedTaskImageOptions)),
        ("Cluster", (ecs.Cluster,)),
        ("Repository", (ecr.Repository,)),
    ],
)
def test_each_argument_of_cdk_has_an_answer(function: str, definitions: tuple[Any, ...]) -> None:
    theirs = set().union(*(inspect.signature(each.__init__).parameters for each in definitions))
    answered = arguments_of(function_named(function)) | set(names_of_cdk()[function])
    assert theirs - {"self", "scope", "id"} - answered <= WITHOUT_AN_ANSWER


def test_each_property_of_the_migrating_page_has_an_answer() -> None:
    table = PAGE.read_text("utf-8").split("| property | moorage |")[1].split("\n\n")[0]
    first_cells = [line.split("|")[1] for line in table.splitlines()[2:]]
    properties = {name for cell in first_cells for name in re.findall(r"`(?:task_image_options\.)?(\w+)`", cell)}
    assert len(properties) > 40
    functions = [moorage.Service, moorage.Worker, moorage.Job, moorage.Container]
    answered = set().union(*map(arguments_of, functions), *(names_of_cdk()[each.__name__] for each in functions))
    assert properties <= answered


def test_a_name_of_cdk_is_answered_with_the_value_if_it_is_a_number() -> None:
    task: Any = functools.partial(Task, Container("redis:8"))
    for arguments, message in (
        ({"memory_limit_mib": 2048}, "Task() takes no memory_limit_mib; use memory_mib=2048"),
        ({"memory_limit_mib": "2048"}, "Task() takes no memory_limit_mib; use memory_mib=..."),
        ({"enable_execute_command": True}, "Task() takes no enable_execute_command; use execute_command=True"),
    ):
        with pytest.raises(moorage.ArgumentTypeError) as raised:
            task(**arguments)
        assert str(raised.value) == message


def test_a_secret_is_not_shown() -> None:
    container: Any = Container
    with pytest.raises(TypeError, match=r"^Container\(\) takes no env; use environment=\.\.\.$"):
        container("redis:8", env={"PASSWORD": "hunter2"})


def test_the_method_that_has_no_such_argument_is_named() -> None:
    rolling: Any = moorage.Rollout.rolling
    with pytest.raises(TypeError) as raised:
        rolling(max_healthy_percent=150, percentage=10)
    assert str(raised.value) == (
        "Rollout.rolling: 2 problems\n"
        "  - Rollout.rolling() takes no max_healthy_percent; use maximum_percent=150\n"
        "  - Rollout.rolling() takes no percentage; see help(moorage.Rollout.rolling)"
    )
    scaling: Any = Scaling
    with pytest.raises(TypeError, match=r"^Scaling\(\) takes no cpu_percents; did you mean cpu_percent=\?$"):
        scaling(1, 5, cpu_percents=60)
