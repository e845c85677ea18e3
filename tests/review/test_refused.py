"""The updates that CloudFormation or a service refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import pytest

from moorage.assembly.cloud_assembly import Stack
from moorage.local.server.core import schema
from moorage.review.claims import NAMES
from moorage.review.comparison import Comparison, Replacement, compare
from moorage.review.finding import Finding, Kind
from moorage.review.refused import refused
from moorage.review.replacement.replacement import replaced
from tests.review.templates import compared

RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
TABLE = "AWS::DynamoDB::Table"


def of(type_: str, **properties: Any) -> dict[str, Any]:
    return {"Type": type_, "Properties": properties}


def rule(priority: Any, listener: str = "Https", **attributes: Any) -> dict[str, Any]:
    return {**of(RULE, ListenerArn={"Ref": listener}, Priority=priority), **attributes}


def found(
    base: Mapping[str, Any], head: Mapping[str, Any], replacements: Mapping[str, Replacement] | None = None
) -> list[Finding]:
    comparison = compared({"Shop": base}, {"Shop": head})
    return list(refused(with_replacements(comparison, replacements or {})))


def with_replacements(comparison: Comparison, replacements: Mapping[str, Replacement]) -> Comparison:
    for stack in comparison.stacks:
        stack.changes = tuple(
            attrs.evolve(
                change,
                replacement=replacements.get(change.logical_id, Replacement.NO),
                reasons=("its Type is create-only",),
            )
            for change in stack.changes
        )
    return comparison


def rules(findings: list[Finding]) -> list[str]:
    return [finding.rule for finding in findings]


def test_a_replaced_resource_needs_another_custom_name() -> None:
    base, head = of(TABLE, TableName="t", KeySchema=["a"]), of(TABLE, TableName="t", KeySchema=["b"])
    (finding,) = found({"T": base}, {"T": head}, {"T": Replacement.YES})
    assert (finding.kind, finding.rule) == (Kind.REFUSED, "refused/name")
    assert finding.sentence == (
        "The DynamoDB table Shop/T is replaced because its Type is create-only, and CloudFormation does not replace a "
        "resource with a custom name (name t)."
    )
    renamed = of(TABLE, TableName="u", KeySchema=["b"])
    assert found({"T": base}, {"T": renamed}, {"T": Replacement.YES}) == []
    unnamed = of(TABLE, KeySchema=["b"])
    assert found({"T": of(TABLE, KeySchema=["a"])}, {"T": unnamed}, {"T": Replacement.YES}) == []
    assert found({"T": base}, {"T": head}) == []


def test_a_custom_name_under_another_id_is_still_taken() -> None:
    named = of(TABLE, TableName="t")
    (finding,) = found({"T": named}, {"U": named})
    assert finding.rule == "refused/in-use"
    assert finding.sentence == (
        "The DynamoDB table Shop/U is refused: name t belongs to the DynamoDB table Shop/T, which CloudFormation "
        "deletes only after it has created the new resources."
    )


def test_names_in_two_regions_do_not_clash() -> None:
    template = {"Resources": {"T": of(TABLE, TableName="t")}}
    base = Stack("Here", "Here", None, "eu-west-1", template, ())
    there = Stack("There", "There", None, "us-east-1", template, ())
    assert list(refused(compare([base], [base, there]))) == []
    again = Stack("Again", "Again", None, "eu-west-1", template, ())
    assert rules(list(refused(compare([base], [base, again])))) == ["refused/in-use"]


def test_names_that_belong_to_no_region_clash_across_regions() -> None:
    template = {"Resources": {"R": of("AWS::IAM::Role", RoleName="r")}}
    base = Stack("Here", "Here", None, "eu-west-1", template, ())
    there = Stack("There", "There", None, "us-east-1", template, ())
    assert rules(list(refused(compare([base], [base, there])))) == ["refused/in-use"]


def test_a_name_moved_to_another_stack_may_be_free_by_then() -> None:
    named = {"T": of(TABLE, TableName="t")}
    (finding,) = refused(compared({"A": named, "B": {}}, {"A": {}, "B": named}))
    assert "may be refused" in finding.sentence
    assert "unless A is deployed first" in finding.sentence


def test_a_priority_in_use_is_refused() -> None:
    (finding,) = found({"A": rule(10)}, {"A": rule(10), "B": rule(10)})
    assert finding.rule == "refused/in-use"
    assert "priority 10 of its listener belongs to the listener rule Shop/A, which keeps it" in finding.sentence
    assert rules(found({"A": rule(10)}, {"B": rule(10)})) == ["refused/in-use"]
    assert found({"A": rule(10)}, {"A": rule(10), "B": rule(11)}) == []
    assert found({"A": rule(10)}, {"A": rule(10), "B": rule(10, "Http")}) == []


def test_two_priorities_that_are_swapped_are_refused() -> None:
    findings = found({"A": rule(10), "B": rule(20)}, {"A": rule(20), "B": rule(10)})
    assert rules(findings) == ["refused/in-use"] * 2
    assert all("is refused" in finding.sentence for finding in findings)


def test_a_priority_that_another_update_frees_may_be_refused() -> None:
    (finding,) = found({"A": rule(10)}, {"A": rule(20), "B": rule(10)})
    assert "may be refused" in finding.sentence
    ordered = found({"A": rule(10)}, {"A": rule(20), "B": rule(10, DependsOn="A")})
    assert ordered == []


def test_the_priorities_of_a_replaced_listener_are_free() -> None:
    replacements = {"Https": Replacement.YES}
    base = {"Https": of(LISTENER, Port=443), "A": rule(10)}
    head = {"Https": of(LISTENER, Port=444), "B": rule(10)}
    assert found(base, head, replacements) == []
    assert rules(found(base, head)) == ["refused/in-use"]


def edge(port: int) -> dict[str, Any]:
    output = {"Value": {"Ref": "Https"}, "Export": {"Name": "Edge:Https"}}
    return {"Resources": {"Https": of(LISTENER, Port=port)}, "Outputs": {"Https": output}}


def rules_of_two_stacks(port: int, base: Mapping[str, Any], head: Mapping[str, Any], how: Replacement) -> list[str]:
    """Return the rules about a stack whose listener rules are on the listener of another stack."""
    sides = [
        [Stack("Edge", "Edge", None, None, edge(number), ()), Stack("Web", "Web", None, None, {"Resources": each}, ())]
        for number, each in ((443, base), (port, head))
    ]
    findings = refused(with_replacements(compare(*sides), {"Https": how, "A": how}))
    return [finding.rule for finding in findings if finding.stack == "Web"]


@pytest.mark.parametrize("how", [Replacement.YES, Replacement.MAY])
def test_the_priorities_of_a_listener_that_is_replaced_in_another_stack_are_free(how: Replacement) -> None:
    imported = of(RULE, ListenerArn={"Fn::ImportValue": "Edge:Https"}, Priority=50000)
    weak = {"Fn::GetStackOutput": {"StackName": "Edge", "OutputName": "Https"}}
    base, head = {"A": imported}, {"A": {**imported, "DependsOn": []}}
    assert rules_of_two_stacks(444, base, head, how) == []
    assert rules_of_two_stacks(443, base, head, how) == ["refused/in-use"], "the listener stays, and the rule does not"
    other = {"B": of(RULE, ListenerArn=weak, Priority=50000)}
    assert rules_of_two_stacks(444, base, other, how) == []
    assert rules_of_two_stacks(443, base, other, how) == ["refused/in-use"]


def test_a_port_of_a_load_balancer_is_taken() -> None:
    base, head = (
        of(LISTENER, LoadBalancerArn={"Ref": "B"}, Port=443),
        of(LISTENER, LoadBalancerArn={"Ref": "B"}, Port=443),
    )
    assert rules(found({"Old": base}, {"New": head})) == ["refused/in-use"]


def test_a_service_connect_name_cannot_move_to_a_new_service() -> None:
    connect = {"Enabled": True, "Namespace": "shop", "Services": [{"PortName": "http", "DiscoveryName": "web"}]}
    service = of("AWS::ECS::Service", ServiceConnectConfiguration=connect)
    (finding,) = found({"Web": service}, {"Front": service})
    assert "Service Connect name web belongs to the ECS service Shop/Web" in finding.sentence
    assert found({"Web": service}, {"Web": service}) == []


def test_a_rule_of_a_security_group_under_another_id_is_a_duplicate() -> None:
    ingress = of("AWS::EC2::SecurityGroupIngress", GroupId={"Ref": "G"}, IpProtocol="tcp", FromPort=80, ToPort=80)
    other = of("AWS::EC2::SecurityGroupIngress", GroupId={"Ref": "G"}, IpProtocol="tcp", FromPort=81, ToPort=81)
    assert rules(found({"A": ingress}, {"B": ingress})) == ["refused/in-use"]
    assert found({"A": ingress}, {"B": other}) == []


@pytest.mark.parametrize("value", [{"Fn::If": ["A", 1, 2]}, {"Ref": "P"}, None, [], "x"])
def test_strange_values_are_compared_and_nothing_more(value: Any) -> None:
    assert found({"A": rule(value)}, {"A": rule(value)}) == []
    strange = {"A": {"Type": "AWS::ECS::Service", "Properties": {"ServiceConnectConfiguration": value}}}
    assert found({}, strange) == []


def exporting(value: Any, *, name: str = "Shop:Vpc", **resources: Any) -> dict[str, Any]:
    return {"Resources": resources, "Outputs": {"V": {"Value": value, "Export": {"Name": name}}}}


def stacks(producer: Mapping[str, Any], consumer: Mapping[str, Any]) -> list[Stack]:
    return [Stack("Shop", "Shop", None, None, producer, ()), Stack("Web", "Web", None, None, consumer, ("Shop",))]


IMPORTING = {"Resources": {"T": of("AWS::SNS::Topic", DisplayName={"Fn::ImportValue": "Shop:Vpc"})}}
NOTHING: dict[str, Any] = {"Resources": {}}


def test_an_export_in_use_can_be_neither_removed_nor_changed() -> None:
    base = stacks(exporting({"Ref": "V"}), IMPORTING)
    (finding,) = refused(compare(base, stacks(NOTHING, NOTHING)))
    assert finding.rule == "refused/export"
    assert finding.sentence == "The update of Shop is refused: its export Shop:Vpc is removed, but Web imports it."
    (changed,) = refused(compare(base, stacks(exporting("other"), IMPORTING)))
    assert "may be refused: its export Shop:Vpc changes" in changed.sentence
    assert list(refused(compare(base, stacks(exporting({"Ref": "V"}), NOTHING)))) == []


def test_an_export_that_nobody_imports_can_go() -> None:
    assert list(refused(compare(stacks(exporting("v"), NOTHING), stacks(NOTHING, NOTHING)))) == []


def test_the_export_of_a_replaced_resource_changes() -> None:
    base = stacks(exporting({"Ref": "V"}, V=of("AWS::EC2::VPC", CidrBlock="a")), IMPORTING)
    head = stacks(exporting({"Ref": "V"}, V=of("AWS::EC2::VPC", CidrBlock="b")), IMPORTING)
    assert list(refused(compare(base, head))) == []
    (finding,) = refused(with_replacements(compare(base, head), {"V": Replacement.YES}))
    assert "changes, because the VPC Shop/V is replaced, but Web imports it" in finding.sentence
    assert finding.details == (
        "The value changes with the replacement: define the new VPC under another id beside the old one, deploy Shop, "
        "then Web, and then remove the old one.",
    )
    (possible,) = refused(with_replacements(compare(base, head), {"V": Replacement.MAY}))
    assert "may be refused" in possible.sentence


def test_exports_of_one_resource_are_one_finding() -> None:
    names = ("Shop:A", "Shop:B", "Shop:C")

    def app(cidr: str) -> list[Stack]:
        outputs = {name[-1]: {"Value": {"Fn::GetAtt": ["V", name[-1]]}, "Export": {"Name": name}} for name in names}
        importing = {
            name[-1]: of("AWS::SNS::Topic", DisplayName={"Fn::ImportValue": name}) for name in (*names, "Shop:D")
        }
        outputs["D"] = {"Value": {"Ref": "W"}, "Export": {"Name": "Shop:D"}}
        vpcs = {"V": of("AWS::EC2::VPC", CidrBlock=cidr), "W": of("AWS::EC2::VPC", CidrBlock=cidr)}
        return stacks({"Resources": vpcs, "Outputs": outputs}, {"Resources": importing})

    comparison = with_replacements(compare(app("a"), app("b")), {"V": Replacement.YES, "W": Replacement.YES})
    first, other = refused(comparison)
    assert first.sentence == (
        "The update of Shop is refused: its exports Shop:A, Shop:B and Shop:C change, because the VPC Shop/V is "
        "replaced, but Web imports them."
    )
    assert "its export Shop:D changes, because the VPC Shop/W is" in other.sentence


def test_the_way_out_of_a_removed_export_keeps_it_and_of_a_changed_one_does_not() -> None:
    base = stacks(exporting({"Ref": "V"}), IMPORTING)
    (removed,) = refused(compare(base, stacks(NOTHING, NOTHING)))
    (changed,) = refused(compare(base, stacks(exporting("other"), IMPORTING)))
    assert removed.details[0].endswith("otherwise keep the export with `export_value` until it is deployed.")
    assert changed.details == (
        "Export the new value under another name beside the old one, deploy Shop, then Web with the new name, and then "
        "remove the old export.",
    )
    (gone,) = refused(compare(base, stacks(exporting("other"), IMPORTING)[:1]))
    assert gone.details == ("Destroy Web with the base first (`cdk destroy -e Web`).",)


def test_a_target_group_stays_with_the_old_load_balancer() -> None:
    def app(scheme: str, port: int = 80) -> dict[str, Any]:
        action = [{"Type": "forward", "TargetGroupArn": {"Ref": "G"}}]
        return {
            "B": of(BALANCER, Scheme=scheme),
            "L": of(LISTENER, LoadBalancerArn={"Ref": "B"}, Port=443, X=scheme),
            "R": {
                **rule(10, "L", X=scheme),
                "Properties": {**rule(10, "L")["Properties"], "Actions": action, "X": scheme},
            },
            "G": of(GROUP, Port=port),
        }

    every = dict.fromkeys("BLR", Replacement.YES)
    (finding,) = found(app("internal"), app("internet-facing"), every)
    assert finding.rule == "refused/target-group"
    assert "the target group Shop/G still belongs to the old load balancer" in finding.sentence
    assert found(app("internal"), app("internet-facing", 81), {**every, "G": Replacement.YES}) == []


def test_a_logical_id_keeps_its_type() -> None:
    (finding,) = refused(replaced(compared({"Shop": {"A": of(TABLE)}}, {"Shop": {"A": of("AWS::SNS::Topic")}})))
    assert finding.rule == "refused/type"
    assert finding.sentence == (
        "The logical ID A changes from AWS::DynamoDB::Table to AWS::SNS::Topic, which CloudFormation does not permit."
    )


@pytest.mark.parametrize(("count", "expected"), [(500, []), (501, ["refused/size"])])
def test_a_template_has_at_most_500_resources(count: int, expected: list[str]) -> None:
    resources = {f"T{number}": of("AWS::SNS::Topic") for number in range(count)}
    assert rules(found({}, resources)) == expected


def test_a_template_has_at_most_a_megabyte() -> None:
    def app(length: int) -> dict[str, Any]:
        return {"T": of("AWS::SNS::Topic", DisplayName="x" * length)}

    assert found({}, app(999_000)) == []
    assert rules(found({}, app(1_000_000))) == ["refused/size"]


@pytest.mark.parametrize("type_", NAMES)
def test_a_custom_name_is_create_only(type_: str) -> None:
    assert NAMES[type_] in schema.create_only(type_)


def test_a_custom_resource_keeps_its_service_token() -> None:
    base, head = (
        of("Custom::Thing", ServiceToken=f"arn:aws:lambda:eu-west-1:111111111111:function:{name}") for name in "ab"
    )
    (finding,) = refused(replaced(compared({"Shop": {"C": base}}, {"Shop": {"C": head}})))
    assert finding.rule == "refused/update"
    assert finding.sentence == (
        "The update of the custom resource Custom::Thing Shop/C is refused because its ServiceToken changes, which "
        "CloudFormation does not support."
    )


def table(*indexes: str) -> dict[str, Any]:
    return of(TABLE, GlobalSecondaryIndexes=[{"IndexName": index} for index in indexes])


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (table(), table("a"), 0),
        (table(), table("a", "b"), 1),
        (table("a"), table("b"), 1),
        (table("a", "b"), table("a"), 0),
        (table("a"), of(TABLE, GlobalSecondaryIndexes={"Fn::If": ["C", [], []]}), 0),
    ],
)
def test_an_update_of_a_table_adds_or_removes_one_index(before: Any, after: Any, expected: int) -> None:
    assert rules(found({"T": before}, {"T": after})) == ["refused/update"] * expected


def test_a_replaced_table_has_all_its_indexes() -> None:
    assert found({"T": table()}, {"T": table("a", "b")}, {"T": Replacement.YES}) == []


def test_a_name_that_a_condition_computes_may_be_another() -> None:
    parameter = {"Env": {"Type": "String", "Default": "prod"}}
    condition = {"IsProd": {"Fn::Equals": [{"Ref": "Env"}, "prod"]}}
    queue = of("AWS::SQS::Queue", QueueName={"Fn::If": ["IsProd", "prod", "dev"]})
    base, head = (
        Stack(
            "Shop",
            "Shop",
            None,
            None,
            {
                "Parameters": {"Env": {**parameter["Env"], "Default": default}},
                "Conditions": condition,
                "Resources": {"Q": queue},
            },
            (),
        )
        for default in ("prod", "dev")
    )
    assert list(refused(replaced(compare([base], [head])))) == []


@pytest.mark.parametrize(("policy", "verb"), [("Retain", "is"), ("Delete", "may be")])
def test_a_name_stays_with_what_another_stack_keeps(policy: str, verb: str) -> None:
    kept = {**of(TABLE, TableName="orders"), "DeletionPolicy": policy}
    (finding,) = refused(compared({"A": {"T": kept}, "B": {}}, {"A": {}, "B": {"T": kept}}))
    assert finding.sentence.startswith(f"The DynamoDB table B/T {verb} refused: name orders belongs to the DynamoDB")


POOL = "AWS::Cognito::UserPool"


def pool(**properties: Any) -> dict[str, Any]:
    return {"Users": of(POOL, **properties)}


@pytest.mark.parametrize(
    ("before", "after", "verb"),
    [
        ({"UsernameAttributes": ["email"]}, {"UsernameAttributes": ["email", "phone_number"]}, "is"),
        ({"UsernameAttributes": ["email"]}, {}, "may be"),
        ({}, {"UsernameAttributes": ["email"]}, "is"),
        ({"UsernameAttributes": ["email", "phone_number"]}, {"UsernameAttributes": ["phone_number", "email"]}, ""),
        ({"UsernameAttributes": []}, {}, ""),
        ({"UsernameAttributes": ["email"]}, {"UsernameAttributes": {"Ref": "Attributes"}}, ""),
    ],
)
def test_the_sign_in_of_a_user_pool_does_not_change(before: Any, after: Any, verb: str) -> None:
    sentences = [each.sentence for each in found(pool(**before), pool(**after))]
    assert sentences == [
        f"The update of the Cognito user pool Shop/Users {verb} refused: its UsernameAttributes changes, which Amazon "
        "Cognito accepts only when it creates a user pool."
        for _ in range(bool(verb))
    ]


@pytest.mark.parametrize("name", ["AliasAttributes", "UsernameConfiguration"])
def test_aliases_and_the_case_of_user_names_do_not_change(name: str) -> None:
    case, alias = [{"CaseSensitive": True}, {"CaseSensitive": False}], [["email"], ["phone_number"]]
    old, new = case if name == "UsernameConfiguration" else alias
    (finding,) = found(pool(**{name: old}), pool(**{name: new}))
    assert f"its {name} changes" in finding.sentence
    assert found(pool(**{name: old, "MfaConfiguration": "OFF"}), pool(**{name: old, "MfaConfiguration": "ON"})) == []


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        ({"Name": "plan", "AttributeDataType": "Number"}, "is refused: it changes the attribute plan, and an existing"),
        ({"Name": "team"}, "may be refused: it removes the attribute plan, and an existing attribute"),
        ({"Name": "custom:plan"}, ""),
        ({"Name": "plan", "AttributeDataType": "String", "Mutable": "true"}, ""),
        ({"Name": {"Ref": "Name"}}, ""),
    ],
)
def test_an_attribute_of_a_user_pool_is_neither_changed_nor_removed(attribute: Any, expected: str) -> None:
    base = pool(Schema=[{"Name": "plan", "AttributeDataType": "String", "Mutable": True}])
    sentences = [each.sentence for each in found(base, pool(Schema=[attribute]))]
    assert len(sentences) == bool(expected)
    assert all(expected in sentence for sentence in sentences)


def test_an_attribute_can_be_added_to_a_user_pool_if_it_is_not_required() -> None:
    plan = {"Name": "plan", "AttributeDataType": "String"}
    assert found(pool(Schema=[plan]), pool(Schema=[plan, {"Name": "team", "AttributeDataType": "String"}])) == []
    (finding,) = found(pool(Schema=[plan]), pool(Schema=[plan, {"Name": "email", "Required": True}]))
    assert "is refused: it requires the attribute email" in finding.sentence
    assert found(pool(Schema=[plan]), pool()) == []


def replicas(*regions: str) -> dict[str, Any]:
    return {"T": of("AWS::DynamoDB::GlobalTable", Replicas=[{"Region": region} for region in regions])}


def test_a_global_table_gets_or_loses_one_replica_at_a_time() -> None:
    base = replicas("eu-west-1", "eu-central-1")
    (finding,) = found(base, replicas("eu-west-1", "us-east-1"))
    assert "it adds or removes 2 replicas (eu-central-1, us-east-1)" in finding.sentence
    assert found(base, replicas("eu-west-1")) == []
    assert found(base, replicas("eu-west-1", "us-east-1", "eu-central-1")) == []


def test_the_replica_in_the_region_of_the_stack_stays() -> None:
    (finding,) = found(replicas("eu-west-1", "eu-central-1"), replicas("eu-central-1"))
    assert "it removes the replica in eu-west-1, the Region of its stack" in finding.sentence


def test_another_attribute_of_the_time_to_live_is_refused() -> None:
    def table(name: str, *, enabled: bool = True) -> dict[str, Any]:
        return {"T": of(TABLE, TimeToLiveSpecification={"AttributeName": name, "Enabled": enabled})}

    (finding,) = found(table("expires"), table("until"))
    assert "the attribute of its time to live changes from expires to until" in finding.sentence
    assert found(table("expires", enabled=False), table("until")) == []
    assert found(table("expires"), table("until", enabled=False)) == []


@pytest.mark.parametrize("name", ["KeySpec", "KeyUsage", "MultiRegion", "Origin"])
def test_a_property_that_a_key_is_created_with_does_not_change(name: str) -> None:
    (finding,) = found({"K": of("AWS::KMS::Key")}, {"K": of("AWS::KMS::Key", **{name: "OTHER"})})
    assert finding.sentence == (
        f"The update of the KMS key Shop/K is refused: its {name} changes, which AWS KMS does not permit."
    )
    same = {"KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT", "MultiRegion": False, "Origin": "AWS_KMS"}
    assert found({"K": of("AWS::KMS::Key")}, {"K": of("AWS::KMS::Key", **{name: same[name]})}) == []
    assert found({"K": of("AWS::KMS::Key")}, {"K": of("AWS::KMS::Key", **{name: {"Ref": "A"}})}) == []


def test_a_volume_does_not_shrink() -> None:
    large, small = ({"V": of("AWS::EC2::Volume", Size=size)} for size in (100, "50"))
    (finding,) = found(large, small)
    assert finding.sentence == (
        "The update of the EC2 volume Shop/V is refused: its size shrinks from 100 to 50 GiB, and a volume can only "
        "grow."
    )
    assert found(small, large) == []
    assert found(large, {"V": of("AWS::EC2::Volume", Size="100", VolumeType="gp3")}) == []
    assert found(large, {"V": of("AWS::EC2::Volume", Size={"Ref": "Size"})}) == []


def two_stacks(needs: Mapping[str, str] | None = None, *, gone: bool = False) -> list[Finding]:
    """Return the findings about a named queue that moves from the stack A to the stack B."""

    def side(**resources: Any) -> list[Stack]:
        return [
            Stack(name, name, None, None, {"Resources": each}, tuple(filter(None, [(needs or {}).get(name)])))
            for name, each in resources.items()
        ]

    queue = {"Q": of("AWS::SQS::Queue", QueueName="q")}
    head = side(B=queue) if gone else side(A={}, B=queue)
    return list(refused(compare(side(A=queue, B={}), head)))


def test_the_order_of_stacks_decides_about_a_name_that_moves() -> None:
    (any_order,) = two_stacks()
    assert "may be refused" in any_order.sentence
    assert any_order.sentence.endswith("unless A is deployed first.")
    assert two_stacks({"B": "A"}) == []
    (later,) = two_stacks({"A": "B"})
    assert "is refused" in later.sentence
    assert later.sentence.endswith("which A deletes only later, since it depends on B.")
    (stays,) = two_stacks(gone=True)
    assert stays.sentence.endswith("which `cdk deploy` does not delete, since A is no longer in the app.")


def test_the_way_says_that_a_deleted_resource_loses_its_data() -> None:
    table, topic = of(TABLE, TableName="t"), of("AWS::SNS::Topic", TopicName="t")
    (data,), (plain,) = (found({"A": each}, {"B": each}) for each in (table, topic))
    assert data.details[0].endswith("if you delete it first, you lose its items.")
    assert plain.details == ("Use another value, or delete the old resource in a separate deployment first.",)
    base, head = of(TABLE, TableName="t", KeySchema=["a"]), of(TABLE, TableName="t", KeySchema=["b"])
    (same,) = found({"T": base}, {"T": head}, {"T": Replacement.YES})
    assert same.details == ("Give it another name, and copy its items to the new one.",)


def test_an_export_to_a_stack_that_leaves_the_app_is_destroyed_first() -> None:
    output = {"Outputs": {"O": {"Value": "v", "Export": {"Name": "name"}}}}
    importing = {"Resources": {"P": of("AWS::SSM::Parameter", Value={"Fn::ImportValue": "name"})}}
    base = [
        Stack("A", "A", None, None, {"Resources": {}, **output}, ()),
        Stack("B", "B", None, None, importing, ("A",)),
    ]
    (finding,) = refused(compare(base, [Stack("A", "A", None, None, {"Resources": {}}, ())]))
    assert finding.details[0].startswith("Destroy B with the base first (`cdk destroy -e B`)")
