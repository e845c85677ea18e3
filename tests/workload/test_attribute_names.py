"""The methods and members of CDK's classes are answered with those of moorage."""

from __future__ import annotations

import inspect
import pickle
import re
from typing import Any

import attrs
import pytest

import moorage
from moorage import Capacity, Container, Image, Rollout, Schedule
from moorage.workload.argument_names import attributes_of_cdk
from tests.workload.test_cdk_names import arguments_in, arguments_of, function_named

PAIRS = [(kind, name, text) for kind, texts in attributes_of_cdk().items() for name, text in texts.items()]


@pytest.mark.parametrize(("kind", "name", "text"), PAIRS)
def test_each_answer_names_methods_that_exist(kind: str, name: str, text: str) -> None:
    with pytest.raises(AttributeError) as raised:
        getattr(getattr(moorage, kind), name)
    assert str(raised.value).startswith(f"{kind} has no {name}; {text}")
    called = re.findall(r"(?<![\w.])((?:scheduler\.)?[A-Z]\w*(?:\.\w+)?)\(", text)
    assert called
    for function in called:
        function_named(function)
    for function, argument in arguments_in(kind, text):
        assert argument in arguments_of(function_named(function))


def test_a_factory_method_of_cdk_is_answered() -> None:
    wrong: Any = Image
    with pytest.raises(
        AttributeError, match=r"^Image has no from_asset; use Image\.from_directory\(\.\.\.\)$"
    ) as raised:
        wrong.from_asset("../shop")
    assert raised.value.name is None, "Python would ask if from_registry is meant"
    schedule: Any = Schedule
    with pytest.raises(AttributeError, match=r"rate\(\.\.\.\) \(from aws_cdk import aws_scheduler as scheduler\)$"):
        schedule.rate()


def test_another_name_has_the_error_of_python() -> None:
    wrong: Any = Image
    with pytest.raises(AttributeError, match=r"^type object 'Image' has no attribute 'from_regisry'$") as raised:
        _ = wrong.from_regisry
    assert (raised.value.name, raised.value.obj) == ("from_regisry", Image)
    assert not hasattr(Image, "from_asset")
    assert not hasattr(Image, "__wrapped__")


def test_a_class_that_answers_is_like_any_other_class() -> None:
    assert "from_asset" not in dir(Image)
    assert list(inspect.signature(Capacity.fargate).parameters) == []
    rollout = Rollout.canary()
    assert pickle.loads(pickle.dumps(rollout)) == rollout  # noqa: S301  # pickled in the same line


@pytest.mark.parametrize(
    ("name", "answer"), [("port", "use attrs.evolve(value, port=...)"), ("prot", "see help(moorage.Container)")]
)
def test_a_value_that_cannot_change_says_how_to_copy_it(name: str, answer: str) -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError) as raised:
        setattr(Container("redis:8"), name, 80)
    assert raised.value.__notes__ == [f"{name} of a Container cannot be set; {answer}"]
