"""Paths between networks, and assignments of permission sets."""

from __future__ import annotations

from typing import Any

import pytest

from tests.review.opened.openings import sentences


def of(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


VPC = {"Vpc": of("EC2::VPC"), "Table": of("EC2::RouteTable"), "Gateway": of("EC2::TransitGateway")}
ATTACHED = {
    **VPC,
    "Attached": of("EC2::TransitGatewayAttachment", VpcId={"Ref": "Vpc"}, TransitGatewayId={"Ref": "Gateway"}),
}


@pytest.mark.parametrize("kind", ["TransitGatewayAttachment", "TransitGatewayVpcAttachment"])
def test_a_vpc_that_is_attached_to_a_transit_gateway_is_an_opening(kind: str) -> None:
    head = {**VPC, "It": of(f"EC2::{kind}", VpcId={"Ref": "Vpc"}, TransitGatewayId={"Ref": "Gateway"})}
    said = "The VPC Shop/Vpc is now attached to the transit gateway Shop/Gateway."
    assert sentences(VPC, head) == [("network", said)]
    assert sentences(head, VPC) == []
    assert sentences({}, head) == [], "a new network"
    more = {
        **head,
        "It": of(f"EC2::{kind}", VpcId={"Ref": "Vpc"}, TransitGatewayId={"Ref": "Gateway"}, SubnetIds=["a"]),
    }
    assert sentences(head, more) == []


def test_a_route_between_networks_is_an_opening() -> None:
    def route(**target: Any) -> dict[str, Any]:
        return {
            **VPC,
            "It": of("EC2::Route", RouteTableId={"Ref": "Table"}, DestinationCidrBlock="10.9.0.0/16", **target),
        }

    peering = {"VpcPeeringConnectionId": "pcx-1"}
    said = "Subnets with the EC2 route table Shop/Table now have a route to 10.9.0.0/16 through "
    assert sentences(VPC, route(**peering)) == [("network", f"{said}pcx-1.")]
    assert sentences(VPC, route(TransitGatewayId={"Ref": "Gateway"})) == [("network", f"{said}Shop/Gateway.")]
    assert sentences(route(**peering), route(**peering)) == []
    assert sentences(VPC, route(NatGatewayId="nat-1")) == []
    assert sentences({}, route(**peering)) == [], "a new route table"


@pytest.mark.parametrize(
    ("kind", "properties", "said"),
    [
        (
            "TransitGatewayRoute",
            {"DestinationCidrBlock": "10.0.0.0/8"},
            "A transit gateway now routes 10.0.0.0/8 to the transit gateway attachment Shop/Attached.",
        ),
        (
            "TransitGatewayRouteTablePropagation",
            {},
            "The transit gateway route table tgw-rtb-1 now routes to the transit gateway attachment Shop/Attached.",
        ),
        (
            "TransitGatewayRouteTableAssociation",
            {},
            "The transit gateway attachment Shop/Attached may now reach other networks, which the transit gateway "
            "route table tgw-rtb-1 routes to.",
        ),
    ],
)
def test_a_route_of_a_transit_gateway_is_an_opening(kind: str, properties: Any, said: str) -> None:
    target = {"TransitGatewayAttachmentId": {"Ref": "Attached"}, "TransitGatewayRouteTableId": "tgw-rtb-1"}
    head = {**ATTACHED, "It": of(f"EC2::{kind}", **target, **properties)}
    assert sentences(ATTACHED, head) == [("network", said)]
    assert sentences(head, ATTACHED) == []
    assert len(sentences(VPC, head)) == 1, "the attachment is new, and is reported itself"


def test_a_route_that_drops_its_traffic_is_no_opening() -> None:
    target = {"TransitGatewayRouteTableId": "t", "DestinationCidrBlock": "10.0.0.0/8", "Blackhole": True}
    assert sentences(ATTACHED, {**ATTACHED, "It": of("EC2::TransitGatewayRoute", **target)}) == []


def test_a_transit_gateway_that_is_peered_is_an_opening() -> None:
    def peered(account: Any) -> dict[str, Any]:
        ids = {"TransitGatewayId": {"Ref": "Gateway"}, "PeerTransitGatewayId": "tgw-2", "PeerAccountId": account}
        return {**VPC, "It": of("EC2::TransitGatewayPeeringAttachment", **ids)}

    said = "The transit gateway Shop/Gateway is now peered with the transit gateway tgw-2"
    assert sentences(VPC, peered("111111111111")) == [("network", f"{said}.")]
    assert sentences(VPC, peered("222222222222")) == [("other-account", f"{said} of the account 222222222222.")]


def permissions(*managed: str, **properties: Any) -> dict[str, Any]:
    arns = [f"arn:aws:iam::aws:policy/{name}" for name in managed]
    return {"Set": of("SSO::PermissionSet", InstanceArn="arn", Name="Set", ManagedPolicies=arns, **properties)}


def inline(*actions: str) -> dict[str, Any]:
    return {"InlinePolicy": {"Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "arn:aws:s3:::b"}]}}


SET = "The IAM Identity Center permission set Shop/Set"


@pytest.mark.parametrize(
    ("before", "after", "rule", "said"),
    [
        (permissions("A"), permissions("A", "B"), "iam-broadened", "may now do what the managed policy B allows."),
        (
            permissions("A"),
            permissions("A", "AdministratorAccess"),
            "iam-admin",
            "may now call any action on any resource.",
        ),
        (
            permissions(**inline("s3:GetObject")),
            permissions(**inline("s3:PutObject", "s3:GetObject")),
            "iam-broadened",
            "may now call s3:PutObject on arn:aws:s3:::b.",
        ),
        (
            permissions(CustomerManagedPolicyReferences=[{"Name": "x"}]),
            permissions(CustomerManagedPolicyReferences=[{"Name": "x"}, {"Name": "y"}]),
            "iam-broadened",
            "may now do what the managed policy y allows.",
        ),
        (
            permissions("A", PermissionsBoundary={"ManagedPolicyArn": "arn"}),
            permissions("A"),
            "deny-removed",
            "",
        ),
    ],
)
def test_a_permission_set_with_more_permissions_is_an_opening(before: Any, after: Any, rule: str, said: str) -> None:
    ((found, sentence),) = sentences(before, after)
    boundary = f"No permissions boundary limits {SET.replace('The', 'the')} any more."
    assert (found, sentence) == (rule, f"{SET} {said}" if said else boundary)
    assert sentences(after, before) == []


def test_an_assignment_of_a_permission_set_is_an_opening() -> None:
    def assigned(target: str, *managed: str) -> dict[str, Any]:
        ids = {"PermissionSetArn": {"Fn::GetAtt": ["Set", "PermissionSetArn"]}, "TargetId": target}
        who = {"PrincipalType": "GROUP", "PrincipalId": "g-1", "TargetType": "AWS_ACCOUNT"}
        return {**permissions(*managed), "It": of("SSO::Assignment", InstanceArn="arn", **ids, **who)}

    base = permissions("ReadOnlyAccess")
    said = f"The group g-1 may now use {SET.replace('The', 'the')} in the account 222222222222."
    assert sentences(base, assigned("222222222222", "ReadOnlyAccess")) == [("iam-broadened", said)]
    assert sentences(assigned("222222222222", "ReadOnlyAccess"), base) == []
    admin = sentences(permissions("AdministratorAccess"), assigned("222222222222", "AdministratorAccess"))
    assert admin == [("iam-admin", said)]
    (own,) = sentences(base, assigned("111111111111", "ReadOnlyAccess"))
    assert own[1].endswith("in the stack's own account.")
