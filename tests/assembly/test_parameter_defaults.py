"""References with the defaults of parameters, as in a first deployment."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.assembly.cloud_assembly import Stack
from moorage.assembly.references import References
from moorage.assembly.values import Unknown

SSM = "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>"


def references(parameters: dict[str, Any], *, parameter_defaults: bool = True) -> References:
    template = {
        "Parameters": parameters,
        "Conditions": {"Large": {"Fn::Equals": [{"Ref": "Size"}, "large"]}},
        "Resources": {},
    }
    stack = Stack("Shop", "Shop", None, "eu-west-1", template, ())
    return References([stack], parameter_defaults=parameter_defaults)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ({"Type": "String", "Default": "small"}, "small"),
        ({"Type": "Number", "Default": 2}, "2"),
        ({"Type": "CommaDelimitedList", "Default": "a, b"}, ("a", "b")),
        ({"Type": "List<AWS::EC2::Subnet::Id>", "Default": "subnet-1,subnet-2"}, ("subnet-1", "subnet-2")),
    ],
)
def test_a_parameter_has_its_default(parameter: dict[str, Any], value: Any) -> None:
    assert references({"Size": parameter}).value(0, {"Ref": "Size"}) == value


@pytest.mark.parametrize("parameter", [{"Type": "String"}, {"Type": SSM, "Default": "/aws/service/ecs/image_id"}])
def test_a_parameter_without_a_default_or_of_ssm_is_unknown(parameter: dict[str, Any]) -> None:
    assert isinstance(references({"Size": parameter}).value(0, {"Ref": "Size"}), Unknown)


def test_conditions_follow_from_defaults() -> None:
    small = references({"Size": {"Type": "String", "Default": "small"}})
    assert small.value(0, {"Fn::If": ["Large", 8, 1]}) == "1"
    assert small.is_never(0, "Large")


def test_without_defaults_no_parameter_is_known() -> None:
    found = references({"Size": {"Type": "String", "Default": "small"}}, parameter_defaults=False)
    assert isinstance(found.value(0, {"Ref": "Size"}), Unknown)
    assert not found.is_never(0, "Large")


def test_a_side_without_another_one_has_its_own_environment() -> None:
    assert references({}).environment(0) == (None, "eu-west-1")
