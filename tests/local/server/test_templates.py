"""CloudFormation refuses an invalid template before it changes anything, and accepts a valid one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.local_aws import Client, attribute, ref, resource, role

QUEUE = resource("AWS::SQS::Queue")
NEVER = {"Never": {"Fn::Equals": ["a", "b"]}, "Always": {"Fn::Not": [{"Condition": "Never"}]}}
Template = dict[str, Any]


def _topic(name: Any) -> Template:
    return resource("AWS::SNS::Topic", DisplayName=name)


def _declaring(name: str, **parameter: str) -> Template:
    return {"Parameters": {name: {"Default": "a", **parameter}}, "Resources": {"Queue": QUEUE}}


def _exporting(*names: str) -> Template:
    outputs = {f"Name{number}": {"Value": "a", "Export": {"Name": name}} for number, name in enumerate(names)}
    return {"Resources": {"Queue": QUEUE}, "Outputs": outputs}


SHAPES: dict[str, tuple[Template, str, Template]] = {
    "another format version": (
        {"AWSTemplateFormatVersion": "2020-01-01", "Resources": {"Queue": QUEUE}},
        "2020-01-01 is not a supported value for AWSTemplateFormatVersion",
        {"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Queue": QUEUE}},
    ),
    "a description that is not a string": (
        {"Description": ["a shop"], "Resources": {"Queue": QUEUE}},
        "Every Description member must be a string.",
        {"Description": "a shop", "Resources": {"Queue": QUEUE}},
    ),
    "a parameter with a hyphen": (
        _declaring("a-b", Type="String"),
        "Parameter name a-b is non alphanumeric.",
        _declaring("ab", Type="String"),
    ),
    "a parameter of an unknown type": (
        _declaring("Name", Type="Text"),
        "Unrecognized parameter type: Text",
        _declaring("Name", Type="CommaDelimitedList"),
    ),
    "a parameter with an unknown property": (
        _declaring("Name", Type="String", Pattern="a"),
        "Invalid template parameter property 'Pattern'",
        _declaring("Name", Type="String", AllowedPattern="a"),
    ),
    "a resource that depends on itself": (
        {"Resources": {"Queue": QUEUE | {"DependsOn": ["Queue"]}}},
        "Circular dependency between resources: [Queue]",
        {"Resources": {"Queue": QUEUE | {"DependsOn": []}}},
    ),
    "two resources that depend on each other": (
        {"Resources": {"Queue": QUEUE | {"DependsOn": "Topic"}, "Topic": _topic(ref("Queue"))}},
        "Circular dependency between resources: [Queue, Topic]",
        {"Resources": {"Queue": QUEUE, "Topic": _topic(ref("Queue"))}},
    ),
    "a snapshot policy of a queue": (
        {"Resources": {"Queue": QUEUE | {"DeletionPolicy": "Snapshot"}}},
        "resource type AWS::SQS::Queue does not support DeletionPolicy Snapshot",
        {"Resources": {"Queue": QUEUE | {"DeletionPolicy": "RetainExceptOnCreate"}}},
    ),
    "an output with a hyphen": (
        {"Resources": {"Queue": QUEUE}, "Outputs": {"a-b": {"Value": "a"}}},
        "Output name a-b is non alphanumeric.",
        {"Resources": {"Queue": QUEUE}, "Outputs": {"ab": {"Value": "a"}}},
    ),
    "an output without a value": (
        {"Resources": {"Queue": QUEUE}, "Outputs": {"Name": {"Description": "a"}}},
        "every Outputs member must contain a Value object",
        {"Resources": {"Queue": QUEUE}, "Outputs": {"Name": {"Description": "a", "Value": "a"}}},
    ),
    "an export name that depends on a resource": (
        {"Resources": {"Queue": QUEUE}, "Outputs": {"Name": {"Value": "a", "Export": {"Name": ref("Queue")}}}},
        "the export of output Name cannot depend on resources: Queue",
        {"Resources": {"Queue": QUEUE}, "Outputs": {"Name": {"Value": "a", "Export": {"Name": ref("AWS::StackName")}}}},
    ),
    "a duplicate export name": (
        _exporting("shop", "shop"),
        "the export shop is defined more than once",
        _exporting("shop", "stores"),
    ),
    "an Fn::If with one value": (
        {"Conditions": NEVER, "Resources": {"Topic": _topic({"Fn::If": ["Never", "a"]})}},
        "Fn::If requires a list argument with 3 parameters",
        {"Conditions": NEVER, "Resources": {"Topic": _topic({"Fn::If": ["Never", "a", "b"]})}},
    ),
    "an Fn::Join of a string": (
        {"Resources": {"Topic": _topic({"Fn::Join": ["-", "a"]})}},
        "every Fn::Join object requires two parameters",
        {"Resources": {"Topic": _topic({"Fn::Join": ["-", {"Fn::GetAZs": ""}]})}},
    ),
    "a condition that refers to a resource": (
        {"Conditions": {"Is": {"Fn::Equals": [ref("Queue"), "a"]}}, "Resources": {"Queue": QUEUE}},
        "Cannot reference resources in the Conditions block of the template",
        {"Conditions": {"Is": {"Fn::Equals": [ref("AWS::Region"), "a"]}}, "Resources": {"Queue": QUEUE}},
    ),
}
"""Errors in the members of a template, in the format of `FAULTS`."""
FAULTS: dict[str, tuple[Template, str, Template]] = SHAPES | {
    "a Ref to a missing resource": (
        {"Resources": {"Topic": _topic(ref("Queue"))}},
        "Unresolved resource dependencies [Queue] in the Resources block",
        {"Resources": {"Topic": _topic(ref("Queue")), "Queue": QUEUE}},
    ),
    "a GetAtt of a missing resource": (
        {"Resources": {"Topic": _topic(attribute("Queue", "QueueName"))}},
        "Unresolved resource dependencies [Queue] in the Resources block",
        {"Resources": {"Topic": _topic(attribute("Queue", "QueueName")), "Queue": QUEUE}},
    ),
    "a Sub variable of a missing resource": (
        {"Resources": {"Topic": _topic({"Fn::Sub": "${AWS::Region} ${Queue.QueueName} ${!Literal}"})}},
        "Unresolved resource dependencies [Queue] in the Resources block",
        {"Resources": {"Topic": _topic({"Fn::Sub": ["${Queue} ${!Literal}", {"Queue": "a"}]})}},
    ),
    "a dependency on a missing resource": (
        {"Resources": {"Queue": QUEUE | {"DependsOn": ["Other"]}}},
        "Unresolved resource dependencies [Other] in the Resources block",
        {"Resources": {"Queue": QUEUE | {"DependsOn": "Other"}, "Other": QUEUE}},
    ),
    "an output of a missing resource": (
        {"Resources": {"Queue": QUEUE}, "Outputs": {"Name": {"Value": ref("Other")}}},
        "Unresolved resource dependencies [Other] in the Outputs block",
        {"Resources": {"Queue": QUEUE}, "Outputs": {"Name": {"Value": ref("Queue")}}},
    ),
    "a Ref to a resource whose condition is false": (
        {"Conditions": NEVER, "Resources": {"Queue": QUEUE | {"Condition": "Never"}, "Topic": _topic(ref("Queue"))}},
        "Unresolved resource dependencies [Queue] in the Resources block",
        {
            "Conditions": NEVER,
            "Resources": {
                "Queue": QUEUE | {"Condition": "Never"},
                "Topic": _topic({"Fn::If": ["Never", ref("Queue"), "none"]}) | {"DependsOn": "Queue"},
            },
        },
    ),
    "a missing condition": (
        {"Resources": {"Queue": QUEUE | {"Condition": "Always"}}},
        "Unresolved condition dependency Always in the Resources block",
        {"Conditions": NEVER, "Resources": {"Queue": QUEUE | {"Condition": "Always"}}},
    ),
    "an Fn::If with a missing condition": (
        {"Resources": {"Topic": _topic({"Fn::If": ["Always", "a", "b"]})}},
        "Unresolved condition dependency Always in the Resources block",
        {"Conditions": NEVER, "Resources": {"Topic": _topic({"Fn::If": ["Always", "a", "b"]})}},
    ),
    "a condition that refers to a missing condition": (
        {"Conditions": {"Always": {"Fn::Not": [{"Condition": "Never"}]}}, "Resources": {"Queue": QUEUE}},
        "Unresolved condition dependency Never in the Conditions block",
        {"Conditions": NEVER, "Resources": {"Queue": QUEUE}},
    ),
    "an unknown section": (
        {"Resources": {"Queue": QUEUE}, "Output": {}},
        "Invalid template property or properties [Output]",
        {"Resources": {"Queue": QUEUE}, "Outputs": {}},
    ),
    "an unknown attribute of a resource": (
        {"Resources": {"Queue": QUEUE | {"Dependson": "Other"}}},
        "Invalid template resource property 'Dependson'",
        {"Resources": {"Queue": QUEUE | {"Metadata": {"Dependson": ref("nothing")}}}},
    ),
    "an unknown deletion policy": (
        {"Resources": {"Queue": QUEUE | {"DeletionPolicy": "Keep"}}},
        "Unrecognized DeletionPolicy Keep for resource Queue",
        {"Resources": {"Queue": QUEUE | {"DeletionPolicy": "Delete"}}},
    ),
    "a logical id with a hyphen": (
        {"Resources": {"A-Queue": QUEUE}},
        "Resource name A-Queue is non alphanumeric",
        {"Resources": {"AQueue": QUEUE}},
    ),
    "no resources": (
        {"Resources": {}},
        "At least one Resources member must be defined",
        {"Resources": {"Queue": QUEUE}},
    ),
}
"""Templates with an error, each with CloudFormation's message and the smallest corrected template."""


@pytest.fixture
def stand(client: Client, remove: Callable[[str], None], request: pytest.FixtureRequest) -> Any:
    """Return a function that creates a stack from a complete template."""
    cloudformation = client("cloudformation")
    name = re.sub("[^A-Za-z0-9]+", "-", request.node.name)[:100].strip("-")

    def created(template: Template, **options: Any) -> dict[str, Any]:
        cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template), **options)
        stack: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        return stack

    yield created
    remove(name)


@pytest.mark.parametrize(("faulty", "says", "mended"), FAULTS.values(), ids=FAULTS)
def test_an_invalid_template_is_refused_and_the_corrected_one_deploys(
    stand: Callable[..., dict[str, Any]], faulty: Template, says: str, mended: Template
) -> None:
    with pytest.raises(ClientError) as refused:
        stand(faulty)
    assert refused.value.response["Error"]["Code"] == "ValidationError"
    assert says in refused.value.response["Error"]["Message"]
    assert stand(mended)["StackStatus"] == "CREATE_COMPLETE"


def test_a_parameter_that_the_template_does_not_declare_is_refused(stand: Callable[..., dict[str, Any]]) -> None:
    given = [{"ParameterKey": "Name", "ParameterValue": "a"}]
    with pytest.raises(ClientError, match="Parameter values specified for a template which does not require them"):
        stand({"Resources": {"Queue": QUEUE}}, Parameters=given)
    other = {"Other": {"Type": "String", "Default": "b"}}
    with pytest.raises(ClientError, match=r"Parameters: \[Name\] do not exist in the template"):
        stand({"Parameters": other, "Resources": {"Queue": QUEUE}}, Parameters=given)
    named = {"Parameters": {"Name": {"Type": "String"}}, "Resources": {"Topic": _topic(ref("Name"))}}
    assert stand(named, Parameters=given)["StackStatus"] == "CREATE_COMPLETE"


def test_roles_and_named_roles_need_capabilities(stand: Callable[..., dict[str, Any]]) -> None:
    named = role("lambda.amazonaws.com")
    named["Properties"]["RoleName"] = "acknowledged"
    faults: tuple[tuple[Template, list[str], str], ...] = (
        ({"Resources": {"Role": role("lambda.amazonaws.com")}}, [], "CAPABILITY_IAM"),
        ({"Resources": {"Role": named}}, ["CAPABILITY_IAM"], "CAPABILITY_NAMED_IAM"),
    )
    for template, given, missing in faults:
        with pytest.raises(ClientError, match=rf"Requires capabilities : \[{missing}\]") as refused:
            stand(template, Capabilities=given)
        assert refused.value.response["Error"]["Code"] == "InsufficientCapabilitiesException"
    assert stand({"Resources": {"Role": named}}, Capabilities=[missing])["StackStatus"] == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    ("kind", "nothing"),
    [
        ("AWS::EC2::VPC::Id", "vpc-0123456789abcdef0"),
        ("List<AWS::EC2::Subnet::Id>", "subnet-0123456789abcdef0"),
        ("AWS::EC2::SecurityGroup::Id", "sg-0123456789abcdef0"),
        ("AWS::EC2::KeyPair::KeyName", "nothing"),
        ("AWS::SSM::Parameter::Name", "/nothing"),
    ],
)
def test_a_parameter_must_name_an_existing_resource(
    stand: Callable[..., dict[str, Any]], kind: str, nothing: str
) -> None:
    template = {"Parameters": {"Place": {"Type": kind}}, "Resources": {"Queue": QUEUE}}
    with pytest.raises(ClientError, match=f"parameter value {nothing} for parameter name Place does not exist"):
        stand(template, Parameters=[{"ParameterKey": "Place", "ParameterValue": nothing}])


def test_a_parameter_can_name_the_existing_vpc(stand: Callable[..., dict[str, Any]], client: Client) -> None:
    vpc = client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    template = {"Parameters": {"Place": {"Type": "AWS::EC2::VPC::Id"}}, "Resources": {"Queue": QUEUE}}
    given = [{"ParameterKey": "Place", "ParameterValue": vpc}]
    assert stand(template, Parameters=given)["StackStatus"] == "CREATE_COMPLETE"


def test_conditions_compare_the_values_of_functions(stand: Callable[..., dict[str, Any]]) -> None:
    """CDK's bootstrap template joins a list that is empty by default."""
    joined = {"Fn::Join": ["", ref("Names")]}
    mapped = {"Fn::FindInMap": ["ByRegion", {"Ref": "AWS::Region"}, "Small"]}
    template = {
        "Parameters": {"Names": {"Type": "CommaDelimitedList", "Default": ""}},
        "Mappings": {"ByRegion": {"eu-west-1": {"Small": "yes"}}},
        "Conditions": {
            "IsNamed": {"Fn::Not": [{"Fn::Equals": ["", joined]}]},
            "IsSmall": {"Fn::Equals": [mapped, "yes"]},
            "IsHere": {"Fn::Equals": [{"Fn::Sub": "in ${AWS::Region}"}, "in eu-west-1"]},
        },
        "Resources": {"Queue": QUEUE},
        "Outputs": {name: {"Value": "x", "Condition": name} for name in ("IsNamed", "IsSmall", "IsHere")},
    }
    assert {each["OutputKey"] for each in stand(template)["Outputs"]} == {"IsSmall", "IsHere"}
