"""The replacements of an update, property by property and through references."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

import attrs
import pytest

from moorage.assembly.cloud_assembly import Stack
from moorage.review.comparison import Comparison, Replacement, ResourceChange, compare
from moorage.review.replacement.provider_schemas import provider_schema
from moorage.review.replacement.replacement import replaced
from moorage.review.replacement.update_behaviors import TABLE
from tests.review.templates import compared

NO, MAY, YES = Replacement.NO, Replacement.MAY, Replacement.YES
VPC = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}
OTHER_VPC = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.1.0.0/16"}}


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def group(**properties: Any) -> dict[str, Any]:
    """Return a log group, whose LogGroupName is create-only and whose RetentionInDays is not."""
    return resource("Logs::LogGroup", **properties)


def balancer(scheme: Any) -> dict[str, Any]:
    return resource("ElasticLoadBalancingV2::LoadBalancer", Scheme=scheme)


def listener(balancer: Any) -> dict[str, Any]:
    return resource("ElasticLoadBalancingV2::Listener", LoadBalancerArn=balancer, Port=80)


def security_group(vpc: Any) -> dict[str, Any]:
    return resource("EC2::SecurityGroup", GroupDescription="d", VpcId=vpc)


def template(resources: Mapping[str, Any], **sections: Any) -> dict[str, Any]:
    return {"Resources": resources, **sections}


def of_templates(base: Mapping[str, Any], head: Mapping[str, Any], region: str | None = "eu-west-1") -> Comparison:
    """Compare complete templates, by the names of their stacks."""

    def side(templates: Mapping[str, Any]) -> list[Stack]:
        return [Stack(name, name, "111111111111", region, templates[name], ()) for name in templates]

    return replaced(compare(side(base), side(head)))


def changes(base: Mapping[str, Any], head: Mapping[str, Any]) -> dict[str, ResourceChange]:
    """Return the changes of one stack, by logical ID."""
    return by_id(of_templates({"Shop": template(base)}, {"Shop": template(head)}))


def by_id(comparison: Comparison) -> dict[str, ResourceChange]:
    return {change.logical_id: change for change in comparison.changes}


def answers(comparison: Comparison) -> dict[str, Replacement]:
    return {name: change.replacement for name, change in by_id(comparison).items()}


def of_value(before: Any, after: Any, **sections: Any) -> Replacement:
    """Return the answer for a create-only property with two values, in one stack."""
    resources = [{"Vpc": VPC, "Other": VPC, "Group": group(LogGroupName=name)} for name in (before, after)]
    base, head = (template(each, **sections) for each in resources)
    found = answers(of_templates({"Shop": base}, {"Shop": head}))
    return found.get("Group", NO)


def test_a_create_only_property_replaces_the_resource() -> None:
    change = changes({"Group": group(LogGroupName="a")}, {"Group": group(LogGroupName="b")})["Group"]
    assert (change.replacement, change.reasons) == (YES, ("its LogGroupName changes",))


def test_another_property_updates_the_resource_in_place() -> None:
    change = changes({"Group": group(RetentionInDays=1)}, {"Group": group(RetentionInDays=3)})["Group"]
    assert (change.replacement, change.reasons) == (NO, ())
    assert [each.path for each in change.properties] == [("RetentionInDays",)]


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ({}, {"LogGroupName": "a"}, "its LogGroupName is added"),
        ({"LogGroupName": "a"}, {}, "its LogGroupName is removed"),
    ],
)
def test_a_create_only_property_that_is_added_or_removed_replaces_the_resource(
    before: dict[str, Any], after: dict[str, Any], reason: str
) -> None:
    change = changes({"Group": group(**before)}, {"Group": group(**after)})["Group"]
    assert (change.replacement, change.reasons) == (YES, (reason,))


def test_only_the_create_only_part_of_a_property_replaces_the_resource() -> None:
    def provider(group: str, target: int) -> dict[str, Any]:
        scaling = {"TargetCapacity": target}
        given = {"AutoScalingGroupArn": group, "ManagedScaling": scaling}
        return {"Provider": resource("ECS::CapacityProvider", AutoScalingGroupProvider=given)}

    change = changes(provider("a", 1), provider("b", 1))["Provider"]
    reason = "its AutoScalingGroupProvider.AutoScalingGroupArn changes"
    assert (change.replacement, change.reasons) == (YES, (reason,))
    assert changes(provider("a", 1), provider("a", 2))["Provider"].replacement is NO


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ({"EncryptionType": "KMS"}, {"EncryptionType": "AES256"}, "its EncryptionConfiguration.EncryptionType changes"),
        (
            {"EncryptionType": "KMS"},
            {"EncryptionType": "KMS", "KmsKey": "a"},
            "its EncryptionConfiguration.KmsKey is added",
        ),
        (
            {"EncryptionType": "KMS", "KmsKey": "a"},
            {"EncryptionType": "AES256"},
            "its EncryptionConfiguration changes",
        ),
        (None, {"EncryptionType": "KMS"}, "its EncryptionConfiguration is added"),
    ],
)
def test_a_reason_names_the_innermost_property_that_differs(before: Any, after: Any, reason: str) -> None:
    def repository(encryption: Any) -> dict[str, Any]:
        given = {} if encryption is None else {"EncryptionConfiguration": encryption}
        return {"Repository": resource("ECR::Repository", **given)}

    assert changes(repository(before), repository(after))["Repository"].reasons == (reason,)


def test_a_conditionally_create_only_property_may_replace_the_resource() -> None:
    def service(kind: str) -> dict[str, Any]:
        return resource("ECS::Service", LaunchType=kind)

    change = changes({"Service": service("EC2")}, {"Service": service("FARGATE")})["Service"]
    assert change.replacement is MAY
    assert change.reasons[0].startswith("its LaunchType changes")


def test_an_auto_scaling_group_is_replaced_only_by_its_policy() -> None:
    def scaling(subnet: str, **policy: Any) -> dict[str, Any]:
        return {**resource("AutoScaling::AutoScalingGroup", VPCZoneIdentifier=[subnet]), **policy}

    replacing = {"UpdatePolicy": {"AutoScalingReplacingUpdate": {"WillReplace": True}}}
    unknown = {"UpdatePolicy": {"AutoScalingReplacingUpdate": {"WillReplace": {"Ref": "P"}}}}
    rolling = {"UpdatePolicy": {"AutoScalingReplacingUpdate": {"WillReplace": False}}}
    assert changes({"G": scaling("a")}, {"G": scaling("b")})["G"].replacement is NO
    assert changes({"G": scaling("a", **rolling)}, {"G": scaling("b", **rolling)})["G"].replacement is NO
    assert changes({"G": scaling("a", **replacing)}, {"G": scaling("b", **replacing)})["G"].replacement is YES
    assert changes({"G": scaling("a", **unknown)}, {"G": scaling("b", **unknown)})["G"].replacement is MAY


def test_a_replaced_load_balancer_replaces_its_listener_and_the_rules_of_it() -> None:
    def resources(scheme: str) -> dict[str, Any]:
        rule = resource("ElasticLoadBalancingV2::ListenerRule", ListenerArn={"Ref": "Listener"}, Priority=1)
        return {"Rule": rule, "Listener": listener({"Ref": "Balancer"}), "Balancer": balancer(scheme)}

    found = changes(resources("internal"), resources("internet-facing"))
    assert list(found) == ["Rule", "Listener", "Balancer"], "in the order of the template"
    assert {change.replacement for change in found.values()} == {YES}
    assert found["Listener"].reasons == ("its LoadBalancerArn refers to Shop/Balancer, which is replaced",)
    assert found["Listener"].properties == ()
    assert found["Listener"].before is not None
    assert found["Listener"].after is not None


def test_what_refers_to_a_replaced_resource_in_another_property_is_not_replaced() -> None:
    def resources(scheme: str) -> dict[str, Any]:
        alarm = resource("CloudWatch::Alarm", Dimensions=[{"Name": "n", "Value": {"Ref": "Balancer"}}])
        return {"Balancer": balancer(scheme), "Alarm": alarm}

    assert set(changes(resources("internal"), resources("internet-facing"))) == {"Balancer"}


def test_what_refers_to_a_resource_that_may_be_replaced_may_be_replaced() -> None:
    def resources(choice: Any) -> dict[str, Any]:
        return {"Balancer": balancer(choice), "Listener": listener({"Ref": "Balancer"})}

    base = template(resources("internal"), Parameters={"P": {"Type": "String"}})
    head = template(resources({"Ref": "P"}), Parameters={"P": {"Type": "String"}})
    found = by_id(of_templates({"Shop": base}, {"Shop": head}))
    assert found["Balancer"].reasons == ("its Scheme depends on the parameter P",)
    assert found["Listener"].replacement is MAY
    assert found["Listener"].reasons == ("its LoadBalancerArn refers to Shop/Balancer, which may be replaced",)


@pytest.mark.parametrize(
    "reference",
    [
        {"Fn::Sub": "${Balancer}"},
        {"Fn::Sub": ["${name}", {"name": {"Ref": "Balancer"}}]},
        {"Fn::Join": ["", ["a", {"Ref": "Balancer"}]]},
        {"Fn::Select": [0, [{"Ref": "Balancer"}]]},
        {"Fn::GetAtt": ["Balancer", "LoadBalancerArn"]},
        {"Fn::GetAtt": "Balancer.LoadBalancerArn"},
        {"Fn::Sub": "x-${Balancer.LoadBalancerArn}"},
        {"Fn::If": ["Yes", {"Ref": "Balancer"}, {"Ref": "Balancer"}]},
        {"Fn::Base64": {"Ref": "Balancer"}},
    ],
    ids=str,
)
def test_a_replacement_is_followed_through_intrinsic_functions(reference: Any) -> None:
    def resources(scheme: str) -> dict[str, Any]:
        return {"Balancer": balancer(scheme), "Listener": listener(reference)}

    assert changes(resources("internal"), resources("internet-facing"))["Listener"].replacement is YES


def test_an_attribute_that_a_replacement_need_not_change_may_replace() -> None:
    def resources(scheme: str) -> dict[str, Any]:
        zone = {"Fn::GetAtt": ["Balancer", "CanonicalHostedZoneID"]}
        return {"Balancer": balancer(scheme), "Group": group(LogGroupName=zone)}

    found = changes(resources("internal"), resources("internet-facing"))["Group"]
    assert (found.replacement, found.reasons) == (
        MAY,
        ("its LogGroupName refers to CanonicalHostedZoneID of Shop/Balancer, which is replaced",),
    )


def test_an_attribute_that_is_a_property_changes_only_with_it() -> None:
    def resources(cidr: str, tenancy: str) -> dict[str, Any]:
        vpc = resource("EC2::VPC", CidrBlock=cidr, Ipv4NetmaskLength=tenancy)
        return {"Vpc": vpc, "Group": group(LogGroupName={"Fn::GetAtt": ["Vpc", "CidrBlock"]})}

    before = resources("10.0.0.0/16", "1")
    assert set(changes(before, resources("10.0.0.0/16", "2"))) == {"Vpc"}
    assert changes(before, resources("10.0.0.0/16", "2"))["Vpc"].replacement is YES
    assert changes(before, resources("10.1.0.0/16", "1"))["Group"].replacement is YES


def test_an_attribute_that_is_a_property_changes_with_what_it_refers_to() -> None:
    def resources(cidr: str) -> dict[str, Any]:
        vpc = resource("EC2::VPC", CidrBlock=cidr)
        of_group = {"Fn::GetAtt": ["Group", "VpcId"]}
        return {"Vpc": vpc, "Group": security_group({"Ref": "Vpc"}), "Other": security_group(of_group)}

    found = changes(resources("10.0.0.0/16"), resources("10.1.0.0/16"))
    assert {change.replacement for change in found.values()} == {YES}


def test_resources_that_refer_to_each_other_raise_nothing() -> None:
    def resources(days: int) -> dict[str, Any]:
        one = group(LogGroupName={"Fn::GetAtt": ["B", "LogGroupName"]}, RetentionInDays=days)
        return {"A": one, "B": group(LogGroupName={"Fn::GetAtt": ["A", "LogGroupName"]})}

    assert set(changes(resources(1), resources(3))) == {"A"}


def test_an_update_in_place_keeps_the_identity_and_may_change_other_attributes() -> None:
    def resources(days: int, attribute: str) -> dict[str, Any]:
        template_ = resource("EC2::LaunchTemplate", LaunchTemplateData={"ImageId": str(days)})
        return {"Template": template_, "Group": group(LogGroupName={"Fn::GetAtt": ["Template", attribute]})}

    assert set(changes(resources(1, "LaunchTemplateId"), resources(2, "LaunchTemplateId"))) == {"Template"}
    found = changes(resources(1, "LatestVersionNumber"), resources(2, "LatestVersionNumber"))["Group"]
    assert (found.replacement, found.reasons) == (
        MAY,
        ("its LogGroupName refers to LatestVersionNumber of Shop/Template, which may change",),
    )


def test_a_reference_to_another_resource_of_the_type_replaces() -> None:
    base = {"A": VPC, "B": OTHER_VPC, "Group": security_group({"Ref": "A"})}
    assert changes(base, base | {"Group": security_group({"Ref": "B"})})["Group"].replacement is YES
    removed = {"B": VPC, "Group": security_group({"Ref": "B"})}
    assert changes(base, removed)["Group"].replacement is YES


def test_a_reference_to_a_resource_of_another_type_may_be_the_same_value() -> None:
    base = {"A": VPC, "B": group(), "Group": security_group({"Ref": "A"})}
    assert changes(base, base | {"Group": security_group({"Ref": "B"})})["Group"].replacement is MAY


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a-b", {"Fn::Join": ["-", ["a", "b"]]}),
        ({"Ref": "Vpc"}, {"Fn::Join": ["", [{"Ref": "Vpc"}]]}),
        ({"Ref": "Vpc"}, {"Fn::Sub": "${Vpc}"}),
        ({"Fn::Join": ["/", ["a", {"Ref": "Vpc"}, "b"]]}, {"Fn::Sub": "a/${Vpc}/b"}),
        ({"Fn::GetAtt": ["Vpc", "VpcId"]}, {"Fn::GetAtt": "Vpc.VpcId"}),
        ("${a}", {"Fn::Sub": "${!a}"}),
        ("eu-west-1/111111111111", {"Fn::Sub": "${AWS::Region}/${AWS::AccountId}"}),
        ("arn:aws:x", {"Fn::Sub": "arn:${AWS::Partition}:x"}),
        ("Shop.amazonaws.com", {"Fn::Sub": "${AWS::StackName}.${AWS::URLSuffix}"}),
        (True, "true"),
        (1, "1"),
        (1.0, 1),
        ("b", {"Fn::Select": [1, ["a", "b"]]}),
        ("b", {"Fn::Select": ["1", {"Fn::Split": [",", "a,b"]}]}),
        ("c", {"Fn::FindInMap": ["M", "a", "b"]}),
        ("x", {"Fn::If": ["True", "x", "y"]}),
        ("y", {"Fn::If": ["False", "x", "y"]}),
        ({"Fn::If": ["Maybe", "x", "y"]}, {"Fn::If": ["Same", "x", "y"]}),
        ({"Fn::If": ["Maybe", "x", "y"]}, {"Fn::If": ["Not", "y", "x"]}),
        (None, {"Ref": "AWS::NoValue"}),
        (None, {"Fn::If": ["True", {"Ref": "AWS::NoValue"}, "x"]}),
        ({"b": 1, "a": 2}, {"a": "2", "b": "1", "c": {"Ref": "AWS::NoValue"}}),
        ({"Fn::GetAZs": ""}, {"Fn::GetAZs": {"Ref": "AWS::Region"}}),
    ],
    ids=str,
)
def test_another_form_of_the_same_value_is_no_change(before: Any, after: Any) -> None:
    sections = {
        "Parameters": {"P": {"Type": "String"}},
        "Mappings": {"M": {"a": {"b": "c"}}},
        "Conditions": {
            "True": {"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-west-1"]},
            "False": {"Fn::Or": [{"Fn::Equals": ["a", "b"]}, {"Fn::Not": [{"Condition": "True"}]}]},
            "Maybe": {"Fn::Equals": [{"Ref": "P"}, "a"]},
            "Same": {"Fn::And": [{"Fn::Equals": [{"Ref": "P"}, "a"]}, {"Condition": "True"}]},
            "Not": {"Fn::Not": [{"Condition": "Maybe"}]},
        },
    }
    resources = [{"Vpc": VPC, "Group": group(LogGroupName=name)} for name in (before, after)]
    base, head = ({"Shop": template(each, **sections)} for each in resources)
    found = of_templates(base, head)
    assert list(found.changes) == []


@pytest.mark.parametrize(
    ("before", "after", "answer"),
    [
        ({"Fn::Sub": "a-${P}"}, {"Fn::Sub": "b-${P}"}, YES),
        ({"Fn::Sub": "a-${P}"}, {"Fn::Sub": "b-${Q}"}, YES),
        ({"Fn::Sub": "${P}-a"}, {"Fn::Sub": "${Q}-b"}, YES),
        ({"Fn::Sub": "a-${P}"}, {"Fn::Sub": "a-${Q}"}, MAY),
        ({"Fn::Sub": "a-${P}"}, "a-x", MAY),
        ({"Fn::Sub": "a-${P}"}, "b-x", YES),
        ({"Ref": "P"}, {"Ref": "Q"}, MAY),
        ({"Ref": "P"}, "x", MAY),
        ({"Ref": "Vpc"}, "vpc-1", MAY),
        ({"Ref": "Vpc"}, {"Ref": "Other"}, YES),
        ({"Fn::GetAtt": ["Vpc", "VpcId"]}, {"Fn::GetAtt": ["Other", "VpcId"]}, YES),
        ({"Fn::GetAtt": ["Vpc", "DefaultNetworkAcl"]}, {"Fn::GetAtt": ["Other", "DefaultNetworkAcl"]}, MAY),
        ({"Fn::If": ["C", "x", "y"]}, {"Fn::If": ["C", "x", "z"]}, MAY),
        ({"Fn::If": ["C", "x", "y"]}, {"Fn::If": ["C", "y", "x"]}, YES),
        ({"Fn::If": ["C", "x", "y"]}, {"Fn::If": ["D", "x", "y"]}, MAY),
        ({"Fn::If": ["Never", "x", "y"]}, "y", NO),
        ({"Fn::If": ["Always", "x", "y"]}, "x", NO),
        ({"Fn::If": ["Both", "x", "y"]}, {"Fn::If": ["C", "x", "y"]}, MAY),
        ({"Fn::Join": ["/", ["a", {"Ref": "Vpc"}, {"Ref": "P"}]]}, {"Fn::Sub": "a/${Other}/${Q}"}, MAY),
        ("x", {"Fn::If": ["C", "x", "y"]}, MAY),
        ("z", {"Fn::If": ["C", "x", "y"]}, YES),
        ("x", {"Fn::If": ["C", "x", {"Ref": "AWS::NoValue"}]}, MAY),
        ("x", {"Fn::If": ["Nowhere", "x", "y"]}, MAY),
        ("{{resolve:ssm:/a}}", "{{resolve:ssm:/b}}", MAY),
        ("{{resolve:ssm:/a}}", "{{resolve:ssm:/a}}", NO),
        ({"Fn::ImportValue": "a"}, {"Fn::ImportValue": "a"}, NO),
        ({"Fn::ImportValue": "a"}, {"Fn::ImportValue": "b"}, MAY),
        ({"Fn::ImportValue": "a"}, {"Fn::GetStackOutput": {"StackName": "A", "OutputName": "b"}}, MAY),
        ({"Fn::Base64": "a"}, {"Fn::Base64": "b"}, YES),
        ({"Fn::Cidr": ["a", 1, 2]}, {"Fn::Cidr": ["b", 1, 2]}, MAY),
        ({"Fn::Select": [0, {"Fn::GetAZs": ""}]}, "eu-west-1a", MAY),
        (["a"], [], YES),
        (None, [], MAY),
        (["a", "b"], ["b", "a"], YES),
    ],
    ids=str,
)
def test_a_value_that_is_not_known_is_not_compared_as_if_it_were(before: Any, after: Any, answer: Replacement) -> None:
    sections = {
        "Parameters": {"P": {"Type": "String"}, "Q": {"Type": "String"}},
        "Conditions": {
            "C": {"Fn::Equals": [{"Ref": "P"}, "a"]},
            "D": {"Fn::Equals": [{"Ref": "Q"}, "a"]},
            "Both": {"Fn::And": [{"Condition": "C"}, {"Condition": "D"}]},
            "Never": {"Fn::And": [{"Condition": "C"}, {"Fn::Equals": ["a", "b"]}]},
            "Always": {"Fn::Or": [{"Condition": "C"}, {"Fn::Equals": ["a", "a"]}]},
        },
    }
    assert of_value(before, after, **sections) is answer


def test_a_condition_is_named_as_the_reason() -> None:
    sections = {"Conditions": {"C": {"Fn::Equals": [{"Ref": "P"}, "a"]}}, "Parameters": {"P": {"Type": "String"}}}
    resources = [{"Group": group(LogGroupName=name)} for name in ("x", {"Fn::If": ["C", "x", "y"]})]
    base, head = ({"Shop": template(each, **sections)} for each in resources)
    found = by_id(of_templates(base, head))["Group"]
    assert found.reasons == ("its LogGroupName depends on the condition C",)


@pytest.mark.parametrize(("key", "answer"), [("b", YES), ({"Ref": "P"}, MAY), ("c", NO)])
def test_another_value_in_a_mapping_is_a_change(key: Any, answer: Replacement) -> None:
    resources = {"Group": group(LogGroupName={"Fn::FindInMap": ["M", "a", key]})}
    base, head = (
        {"Shop": template(resources, Mappings={"M": {"a": {"b": value, "c": "z"}}}, Parameters={"P": {}})}
        for value in "xy"
    )
    assert answers(of_templates(base, head)).get("Group", NO) is answer


def test_a_new_default_of_a_parameter_may_be_a_new_value() -> None:
    resources = {"Group": group(LogGroupName={"Ref": "P"})}
    base, head = (template(resources, Parameters={"P": {"Type": "String", "Default": each}}) for each in "ab")
    found = by_id(of_templates({"Shop": base}, {"Shop": head}))["Group"]
    assert (found.replacement, found.reasons) == (MAY, ("its LogGroupName depends on the parameter P",))
    assert answers(of_templates({"Shop": base}, {"Shop": base})) == {}


def test_the_region_of_an_agnostic_stack_is_not_known() -> None:
    resources = [{"Group": group(LogGroupName=name)} for name in ("eu-west-1", {"Ref": "AWS::Region"})]
    base, head = ({"Shop": template(each)} for each in resources)
    assert answers(of_templates(base, head, region=None)) == {"Group": MAY}
    assert answers(of_templates(base, head)) == {}


def test_a_region_that_one_side_knows_is_that_of_both() -> None:
    def side(name: Any, region: str | None) -> list[Stack]:
        return [Stack("Shop", "Shop", None, region, template({"Group": group(LogGroupName=name)}), ())]

    found = replaced(compare(side({"Ref": "AWS::Region"}, None), side("eu-west-1", "eu-west-1")))
    assert answers(found) == {}


def test_the_record_of_used_constructs_is_not_replaced() -> None:
    def record(used: str) -> dict[str, Any]:
        return {"CDKMetadata": {"Type": "AWS::CDK::Metadata", "Properties": {"Analytics": used}}}

    assert changes(record("a"), record("b")) == {}


def test_the_order_of_a_set_is_no_change() -> None:
    def balanced(*subnets: str) -> dict[str, Any]:
        return resource("ElasticLoadBalancingV2::LoadBalancer", SecurityGroups=list(subnets))

    assert changes({"B": balanced("a", "b")}, {"B": balanced("b", "a")}) == {}
    assert set(changes({"B": balanced("a", "b")}, {"B": balanced("b", "c")})) == {"B"}


def test_the_order_of_unique_items_may_matter() -> None:
    def options(*servers: str) -> dict[str, Any]:
        return {"Options": resource("EC2::DHCPOptions", DomainNameServers=list(servers))}

    found = changes(options("a", "b"), options("b", "a"))["Options"]
    assert (found.replacement, found.reasons) == (MAY, ("its DomainNameServers changes only in its order",))
    assert changes(options("a", "b"), options("b", "c"))["Options"].replacement is YES


@pytest.mark.parametrize(
    ("name", "before", "after", "answer"),
    [
        ("StorageEncrypted", "True", True, NO),
        ("StorageEncrypted", "True", False, YES),
        ("CharacterSetName", "True", "true", YES),
        ("AllocatedStorage", "1", 1, NO),
    ],
)
def test_a_boolean_is_compared_without_its_capitalization(
    name: str, before: Any, after: Any, answer: Replacement
) -> None:
    sides = ({"Database": resource("RDS::DBInstance", **{name: value})} for value in (before, after))
    found = changes(*sides)
    assert (found["Database"].replacement if found else NO) is answer


@pytest.mark.parametrize(("before", "after", "answer"), [("80", "80.0", NO), ("80", "81", YES), ("80", "x", YES)])
def test_a_number_is_compared_as_a_number(before: str, after: str, answer: Replacement) -> None:
    sides = ({"Rule": resource("EC2::SecurityGroupIngress", FromPort=value)} for value in (before, after))
    found = changes(*sides)
    assert (found["Rule"].replacement if found else NO) is answer


def test_the_reason_inside_of_a_function_is_kept() -> None:
    def resources(scheme: str) -> dict[str, Any]:
        cidr = {"Fn::Cidr": [{"Ref": "Balancer"}, 1, 2]}
        return {"Balancer": balancer(scheme), "Group": group(LogGroupName=cidr)}

    found = changes(resources("internal"), resources("internet-facing"))["Group"]
    assert (found.replacement, found.reasons) == (MAY, ("its LogGroupName refers to Shop/Balancer, which is replaced",))


def test_stacks_with_one_name_are_told_apart_by_their_regions() -> None:
    def side(scheme: str) -> list[Stack]:
        output = {"Fn::GetStackOutput": {"StackName": "Platform", "OutputName": "Arn", "Region": "eu-west-2"}}
        platforms = [
            (region, template({"Balancer": balancer(each)}, Outputs={"Arn": {"Value": {"Ref": "Balancer"}}}))
            for region, each in (("eu-west-1", scheme), ("eu-west-2", "internal"))
        ]
        shop = Stack("Shop", "Shop", "1", "eu-west-1", template({"Listener": listener(output)}), ())
        return [*(Stack("Platform", "Platform", "1", region, each, ()) for region, each in platforms), shop]

    assert answers(replaced(compare(side("internal"), side("internet-facing")))) == {"Balancer": YES}


def test_the_name_of_a_nested_stack_is_not_known() -> None:
    def side(name: Any) -> list[Stack]:
        inner = Stack("Shop/Inner", "Shop/Inner", None, "eu-west-1", template({"Group": group(LogGroupName=name)}), ())
        outer = template({"Inner": {"Type": "AWS::CloudFormation::Stack"}})
        return [Stack("Shop", "Shop", None, "eu-west-1", outer, (), nested={"Inner": inner})]

    assert answers(replaced(compare(side("Shop/Inner"), side({"Ref": "AWS::StackName"})))) == {"Group": MAY}


def test_only_properties_that_differ_are_left() -> None:
    before = group(LogGroupName={"Fn::Join": ["", ["a"]]}, RetentionInDays=1, Tags=[{"Key": "a", "Value": "b"}])
    after = group(LogGroupName="a", RetentionInDays=3, Tags=[{"Key": {"Fn::Sub": "a"}, "Value": "c"}])
    (change,) = changes({"Group": before}, {"Group": after}).values()
    assert [each.path for each in change.properties] == [("RetentionInDays",), ("Tags", "0", "Value")]


@pytest.mark.parametrize(
    "attribute",
    [
        {"UpdateReplacePolicy": "Retain"},
        {"DeletionPolicy": "Retain"},
        {"UpdatePolicy": {}},
        {"CreationPolicy": {}},
        {"DependsOn": ["Vpc"]},
        {"Condition": "C"},
    ],
    ids=str,
)
def test_a_change_beside_the_properties_replaces_nothing(attribute: dict[str, Any]) -> None:
    base = {"Vpc": VPC, "Group": group(LogGroupName="a")}
    found = changes(base, base | {"Group": {**group(LogGroupName="a"), **attribute}})
    assert {name: change.replacement for name, change in found.items()} == {"Group": NO}


def test_metadata_and_the_order_of_dependencies_are_no_change() -> None:
    base = {"Group": {**group(), "DependsOn": ["A", "B"], "Metadata": {"a": 1}}}
    head = {"Group": {**group(), "DependsOn": ["B", "A"], "Metadata": {"a": 2}}}
    assert changes(base, head) == {}
    assert changes({"G": {**group(), "DependsOn": "A"}}, {"G": {**group(), "DependsOn": ["A"]}}) == {}


def test_another_type_is_refused() -> None:
    change = changes({"A": resource("SNS::Topic")}, {"A": resource("SQS::Queue")})["A"]
    reason = "its type changes from AWS::SNS::Topic to AWS::SQS::Queue"
    assert (change.replacement, change.reasons, change.refusals) == (YES, (reason,), (reason,))


def test_what_refers_to_a_resource_of_another_type_is_replaced() -> None:
    def resources(kind: str) -> dict[str, Any]:
        return {"A": resource(kind), "Group": group(LogGroupName={"Ref": "A"})}

    assert changes(resources("SNS::Topic"), resources("SQS::Queue"))["Group"].replacement is YES


@pytest.mark.parametrize("kind", ["Custom::Thing", "AWS::CloudFormation::CustomResource"])
def test_the_handler_of_a_custom_resource_decides(kind: str) -> None:
    def custom(token: str, name: str) -> dict[str, Any]:
        return {"Type": kind, "Properties": {"ServiceToken": token, "Name": name}}

    change = changes({"A": custom("t", "a")}, {"A": custom("t", "b")})["A"]
    assert (change.replacement, change.reasons) == (MAY, ("its Name changes, and its handler decides",))
    assert change.refusals == ()
    refused = changes({"A": custom("t", "a")}, {"A": custom("u", "a")})["A"]
    assert (refused.replacement, refused.refusals) == (NO, ("its ServiceToken changes",))


def test_a_replaced_handler_refuses_the_custom_resource() -> None:
    def resources(name: str) -> dict[str, Any]:
        function = resource("Lambda::Function", FunctionName=name)
        token = {"Fn::GetAtt": ["Handler", "Arn"]}
        return {"Handler": function, "A": {"Type": "Custom::Thing", "Properties": {"ServiceToken": token}}}

    found = changes(resources("a"), resources("b"))["A"]
    assert found.refusals == ("its ServiceToken refers to Shop/Handler, which is replaced",)
    assert found.replacement is NO


def test_the_attributes_of_an_updated_custom_resource_may_change() -> None:
    def resources(name: str) -> dict[str, Any]:
        custom = {"Type": "Custom::Thing", "Properties": {"ServiceToken": "t", "Name": name}}
        return {"A": custom, "Group": group(LogGroupName={"Fn::GetAtt": ["A", "Arn"]})}

    found = changes(resources("a"), resources("b"))["Group"]
    assert (found.replacement, found.reasons) == (
        MAY,
        ("its LogGroupName refers to Arn of Shop/A, which may be replaced",),
    )


def test_a_type_without_a_schema_may_be_replaced_if_a_property_differs() -> None:
    def unknown(value: Any, **beside: Any) -> dict[str, Any]:
        return {"Type": "Acme::Thing::Thing", "Properties": {"A": value}, **beside}

    change = changes({"A": unknown("a")}, {"A": unknown("b")})["A"]
    reason = "CloudFormation publishes no schema of its type Acme::Thing::Thing"
    assert (change.replacement, change.reasons) == (MAY, (reason,))
    assert changes({"A": unknown("a")}, {"A": unknown("a", DeletionPolicy="Retain")})["A"].replacement is NO
    assert changes({"A": unknown("a")}, {"A": unknown({"Fn::Sub": "a"})}) == {}


def test_a_replacement_is_followed_through_exports() -> None:
    def apps(scheme: str) -> dict[str, Any]:
        export = {"Arn": {"Value": {"Ref": "Balancer"}, "Export": {"Name": "Platform:Arn"}}}
        imported = {"Fn::ImportValue": {"Fn::Sub": "Platform:Arn"}}
        return {
            "Platform": template({"Balancer": balancer(scheme)}, Outputs=export),
            "Shop": template({"Listener": listener(imported)}),
        }

    found = by_id(of_templates(apps("internal"), apps("internet-facing")))
    assert found["Listener"].replacement is YES
    assert found["Listener"].stack.path == "Shop"
    assert found["Listener"].reasons == ("its LoadBalancerArn refers to Platform/Balancer, which is replaced",)


def test_a_replacement_is_followed_through_outputs_of_stacks() -> None:
    def apps(scheme: str) -> dict[str, Any]:
        output = {"Fn::GetStackOutput": {"StackName": "Platform", "OutputName": "Arn"}}
        return {
            "Platform": template({"Balancer": balancer(scheme)}, Outputs={"Arn": {"Value": {"Ref": "Balancer"}}}),
            "Shop": template({"Listener": listener(output)}),
        }

    found = by_id(of_templates(apps("internal"), apps("internet-facing")))
    assert found["Listener"].replacement is YES


def test_another_way_to_the_same_resource_is_no_change() -> None:
    def apps(reference: Any) -> dict[str, Any]:
        output = {"Arn": {"Value": {"Ref": "Balancer"}, "Export": {"Name": "Arn"}}}
        return {
            "Platform": template({"Balancer": balancer("internal")}, Outputs=output),
            "Shop": template({"Listener": listener(reference)}),
        }

    strong = {"Fn::ImportValue": "Arn"}
    weak = {"Fn::GetStackOutput": {"StackName": "Platform", "OutputName": "Arn"}}
    assert answers(of_templates(apps(strong), apps(weak))) == {}


def nested(scheme: str, *, inner_first: bool) -> list[Stack]:
    """Return a stack with a nested one: the outer or the inner of the two has the load balancer."""
    stack = {"Type": "AWS::CloudFormation::Stack"}
    if inner_first:
        inner = template({"Balancer": balancer(scheme)}, Outputs={"Arn": {"Value": {"Ref": "Balancer"}}})
        outer = template({"Inner": stack, "Listener": listener({"Fn::GetAtt": ["Inner", "Outputs.Arn"]})})
    else:
        inner = template({"Listener": listener({"Ref": "Arn"})}, Parameters={"Arn": {"Type": "String"}})
        given = {**stack, "Properties": {"Parameters": {"Arn": {"Ref": "Balancer"}}}}
        outer = template({"Balancer": balancer(scheme), "Inner": given})
    child = Stack("Shop/Inner", "Shop/Inner", None, "eu-west-1", inner, ())
    return [Stack("Shop", "Shop", None, "eu-west-1", outer, (), nested={"Inner": child})]


@pytest.mark.parametrize("inner_first", [True, False], ids=["outputs", "parameters"])
def test_a_replacement_is_followed_through_nested_stacks(inner_first: bool) -> None:  # noqa: FBT001  # a parameter of pytest
    sides = [nested(scheme, inner_first=inner_first) for scheme in ("internal", "internet-facing")]
    found = answers(replaced(compare(*sides)))
    assert found["Listener"] is YES


def test_added_and_removed_resources_are_not_replaced() -> None:
    found = changes({"A": group(LogGroupName="a")}, {"B": group(LogGroupName="b")})
    assert {name: change.replacement for name, change in found.items()} == {"B": NO, "A": NO}


def test_an_app_without_a_base_has_no_replacements() -> None:
    found = replaced(compared(None, {"Shop": {"Vpc": VPC}}))
    assert answers(found) == {"Vpc": NO}


def test_the_answers_are_the_same_if_asked_again() -> None:
    comparison = of_templates(
        {"Shop": template({"B": balancer("internal"), "L": listener({"Ref": "B"})})},
        {"Shop": template({"B": balancer("internet-facing"), "L": listener({"Ref": "B"})})},
    )
    first = [attrs.astuple(change, recurse=False)[3:] for change in comparison.changes]
    again = [attrs.astuple(change, recurse=False)[3:] for change in replaced(comparison).changes]
    assert first == again


STRANGE: list[Any] = [
    {"Fn::If": ["C"]},
    {"Fn::If": "C"},
    {"Fn::If": [["C"], "a", "b"]},
    {"Fn::Sub": 1},
    {"Fn::Sub": ["${", 1]},
    {"Fn::Sub": "${}${.}${AWS::}"},
    {"Fn::Join": "a"},
    {"Fn::Join": [{"Ref": "P"}, {"Ref": "P"}]},
    {"Fn::Select": [9, ["a"]]},
    {"Fn::Select": [{"Ref": "P"}, ["a"]]},
    {"Fn::Split": ["", "a"]},
    {"Fn::FindInMap": "a"},
    {"Fn::FindInMap": ["M", {"Ref": "P"}, "b", {"DefaultValue": "d"}]},
    {"Fn::GetAtt": 1},
    {"Fn::GetAtt": ["A"]},
    {"Fn::GetAtt": ["A", {"Ref": "P"}]},
    {"Fn::GetAtt": "A"},
    {"Fn::GetStackOutput": "x"},
    {"Fn::GetStackOutput": {"StackName": ["a"]}},
    {"Fn::ImportValue": {"a": ["b"]}},
    {"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": "s3://a"}}},
    {"Fn::Unheard": None},
    {"Fn::ToJsonString": {"a": {"Ref": "P"}}},
    {"Ref": 1},
    {"Ref": {"Ref": "P"}},
    {"Ref": "Nowhere"},
    {"Ref": "Around"},
    [{"Fn::If": ["C", {"Ref": "AWS::NoValue"}, "a"]}],
    {"a": {"Fn::If": ["C", {"b": ["c"]}, {"Ref": "AWS::NoValue"}]}},
    [None],
    1e400,
]


@pytest.mark.parametrize("strange", STRANGE, ids=str)
def test_strange_values_raise_nothing(strange: Any) -> None:
    sections = {
        "Parameters": {"P": {"Type": "String"}, "Q": None},
        "Conditions": {"C": {"Condition": "D"}, "D": {"Condition": "C"}},
        "Mappings": {"M": {"a": {"b": ["c"]}}},
        "Outputs": {"O": None, "E": {"Export": {"Name": strange}, "Value": strange}, "N": {"Export": 1}},
    }
    for before, after in ((strange, "a"), ("a", strange), (strange, strange), (None, strange)):
        found = [
            template(
                {
                    "Group": group(LogGroupName=value, Tags=value),
                    "Service": resource("ECS::Service", NetworkConfiguration=value, LaunchType=value),
                    "Template": resource("ECS::TaskDefinition", ContainerDefinitions=value, Volumes=value),
                    "Repository": resource("ECR::Repository", EncryptionConfiguration=value),
                    "Inner": {"Type": "AWS::CloudFormation::Stack", "Properties": {"Parameters": value}},
                    "Custom": {"Type": "Custom::A", "Properties": {"ServiceToken": value}},
                },
                **sections,
            )
            for value in (before, after)
        ]
        of_templates({"Shop": found[0]}, {"Shop": found[1]})


def test_strange_resources_raise_nothing() -> None:
    strange: dict[str, Any] = {
        "Fn::ForEach::Topics": ["T", ["a"], {"Topic${T}": {"Type": "AWS::SNS::Topic"}}],
        "NoProperties": {"Type": "AWS::SNS::Topic"},
        "NullProperties": {"Type": "AWS::SNS::Topic", "Properties": None},
        "Module": {"Type": "Acme::S3::Bucket::MODULE", "Properties": {"A": {"Ref": "Topica"}}},
        "Group": {**group(LogGroupName={"Ref": "Topica"}), "DependsOn": "NoProperties"},
        "Scaling": {"Type": "AWS::AutoScaling::AutoScalingGroup", "UpdatePolicy": {"Fn::If": ["C", {}, {}]}},
        "Serverless": {"Type": "AWS::Serverless::Function", "Properties": {"Timeout": 1}},
    }
    changed = {name: {**of, "Metadata": {"a": 1}} if isinstance(of, dict) else of for name, of in strange.items()}
    assert changes(strange, changed) == {}
    assert set(changes(strange, {})) == set(strange) - {"Fn::ForEach::Topics"}


def test_many_conditions_raise_nothing_and_say_may() -> None:
    conditions = {f"C{i}": {"Fn::Equals": [{"Ref": f"P{i}"}, "a"]} for i in range(9)}
    parameters = {f"P{i}": {"Type": "String"} for i in range(9)}
    value = {f"K{i}": {"Fn::If": [f"C{i}", "x", "y"]} for i in range(9)}
    sections = {"Conditions": conditions, "Parameters": parameters}
    assert of_value(value, value, **sections) is NO
    assert of_value(value, {**value, "K0": "x"}, **sections) is MAY


def test_a_property_whose_documentation_disagrees_with_its_schema_may_replace() -> None:
    change = changes({"Ip": resource("EC2::EIP", Domain="vpc")}, {"Ip": resource("EC2::EIP", Domain="standard")})["Ip"]
    assert change.replacement is MAY
    assert change.reasons == ("its Domain changes, which replaces it by AWS's documentation, but not by its schema",)


def test_each_row_of_the_documented_behaviors_disagrees_with_the_schema() -> None:
    rows = tomllib.loads(TABLE.read_text("utf-8"))["behavior"]
    assert len({(row["type"], row["property"]) for row in rows}) == len(rows)
    for row in rows:
        schema = provider_schema(row["type"])
        assert schema is not None, row
        pointer = tuple(row["property"].split("."))
        assert pointer[0] in schema.document["properties"], row
        assert pointer not in {*schema.create_only, *schema.read_only}, row
        assert row["schema"] in ("in place", "under certain conditions"), row
        assert (pointer in schema.conditionally_create_only) is (row["schema"] == "under certain conditions"), row
        assert row["url"].startswith("https://docs.aws.amazon.com/AWSCloudFormation/"), row


def test_another_key_replaces_a_table() -> None:
    def table(kind: str, *keys: str) -> dict[str, Any]:
        return resource(f"DynamoDB::{kind}", KeySchema=[{"AttributeName": key, "KeyType": "HASH"} for key in keys])

    for kind in ("Table", "GlobalTable"):
        change = changes({"T": table(kind, "customer")}, {"T": table(kind, "order")})["T"]
        assert (change.replacement, change.reasons) == (YES, ("its KeySchema changes",))
        assert changes({"T": table(kind, "order")}, {"T": table(kind, "order")}) == {}
    indexed = resource("DynamoDB::GlobalTable", LocalSecondaryIndexes=[{"IndexName": "byDate"}])
    assert changes({"T": resource("DynamoDB::GlobalTable")}, {"T": indexed})["T"].replacement is YES


def test_another_type_of_an_attribute_may_replace_a_table_and_a_new_attribute_does_not() -> None:
    def table(**types: str) -> dict[str, Any]:
        attributes = [{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()]
        return resource("DynamoDB::Table", AttributeDefinitions=attributes)

    change = changes({"T": table(customer="S", order="S")}, {"T": table(order="N", customer="S")})["T"]
    assert change.replacement is MAY
    assert change.reasons == (
        "its AttributeDefinitions.order changes, which replaces it by AWS's documentation, but not by its schema",
    )
    for other in (table(customer="S"), table(order="S", customer="S", date="S")):
        assert changes({"T": table(customer="S", order="S")}, {"T": other})["T"].replacement is NO
