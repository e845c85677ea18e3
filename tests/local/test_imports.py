"""Resources that an app imports are created in the local AWS, except those that must be in a VPC of the app."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from moorage.assembly.cloud_assembly import Stack
from moorage.local import imports
from moorage.local.account import Account
from moorage.local.literals import literals, text_of
from tests.local.local_aws import ACCOUNT, REGION, access, ref, resource, server

Resources = dict[str, Any]

__all__ = ["server"]
VPC, SUBNETS, GROUP = "vpc-0a1b2c3d", ["subnet-0a1b2c3d", "subnet-1a2b3c4d"], "sg-0a1b2c3d"
LISTENER = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:listener/app/edge/50dc6c495c0c9188/f2f7dc8efc522ab2"


def _groups(resources: Resources) -> list[tuple[str, ...]]:
    return [tuple(sorted(each)) for each in literals([{"Resources": resources}], ACCOUNT, REGION).groups]


def _balancer(**properties: Any) -> Resources:
    return resource("AWS::ElasticLoadBalancingV2::LoadBalancer", **properties)


def _own(**properties: Any) -> Resources:
    """Return a VPC of the template with a security group in it, and a load balancer with that group."""
    return {
        "Vpc": resource("AWS::EC2::VPC", CidrBlock="10.0.0.0/16"),
        "Group": resource("AWS::EC2::SecurityGroup", VpcId=ref("Vpc"), GroupDescription="own"),
        "Edge": _balancer(SecurityGroups=[ref("Group")], **properties),
    }


def test_ids_that_one_resource_names_are_in_the_same_vpc() -> None:
    edge = _balancer(Subnets=SUBNETS, SecurityGroups=[ref("Group")])
    group = resource("AWS::EC2::SecurityGroup", VpcId=VPC, GroupDescription="edge")
    other = _balancer(Subnets=["subnet-9"])
    assert _groups({"Edge": edge, "Group": group, "Other": other}) == [tuple(sorted([VPC, *SUBNETS])), ("subnet-9",)]


def test_ids_in_a_vpc_of_the_app_are_not_imported() -> None:
    assert _groups(_own(Subnets=SUBNETS)) == []


def test_ids_that_can_be_in_a_peered_vpc_are_imported() -> None:
    rule = resource("AWS::EC2::SecurityGroupIngress", GroupId=ref("Group"), SourceSecurityGroupId=GROUP)
    peering = resource("AWS::EC2::VPCPeeringConnection", VpcId=ref("Vpc"), PeerVpcId=VPC)
    assert sorted(_groups({**_own(), "Rule": rule, "Peering": peering})) == [(GROUP,), (VPC,)]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        ({"Ref": "AWS::AccountId"}, ACCOUNT),
        (
            {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":iam::", {"Ref": "AWS::AccountId"}]]},
            f"arn:aws:iam::{ACCOUNT}",
        ),
        ({"Fn::Sub": "${AWS::Region}-a"}, f"{REGION}-a"),
        ({"Fn::Sub": "${Name}-a"}, None),
        ({"Fn::Join": ["", ["a", {"Ref": "Name"}]]}, None),
        (ref("Name"), None),
    ],
)
def test_only_texts_without_references_to_resources_are_literals(value: Any, text: str | None) -> None:
    assert text_of(value, ACCOUNT, REGION) == text


def _stack(resources: Resources) -> Stack:
    return Stack("Shop", "Shop", ACCOUNT, REGION, {"Resources": resources}, ())


def _deployed(account: Account, resources: Resources) -> str:
    client = account.client("cloudformation")
    client.create_stack(
        StackName="Shop", TemplateBody=json.dumps({"Resources": resources}), Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    (stack,) = client.describe_stacks(StackName="Shop")["Stacks"]
    events = client.describe_stack_events(StackName="Shop")["StackEvents"]
    failed = [each["ResourceStatusReason"] for each in events if each["ResourceStatus"].endswith("CREATE_FAILED")]
    client.delete_stack(StackName="Shop")
    return failed[-1] if failed else str(stack["StackStatus"])


def _shop() -> Resources:
    container = {"Name": "app", "Image": "public.ecr.aws/nginx/nginx:1", "Memory": 256}
    return {
        "Group": resource("AWS::EC2::SecurityGroup", VpcId=VPC, GroupDescription="shop"),
        "Edge": _balancer(Subnets=SUBNETS, SecurityGroups=[ref("Group"), GROUP]),
        "Inner": resource("AWS::EC2::Subnet", VpcId=VPC, CidrBlock="192.168.3.0/24", AvailabilityZone="dummy1a"),
        "Rule": resource(
            "AWS::ElasticLoadBalancingV2::ListenerRule",
            ListenerArn=LISTENER,
            Priority=1,
            Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/"]}}],
            Actions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}],
        ),
        "Task": resource(
            "AWS::ECS::TaskDefinition",
            ContainerDefinitions=[container],
            TaskRoleArn=f"arn:aws:iam::{ACCOUNT}:role/team/shop-task",
        ),
        "Service": resource(
            "AWS::ECS::Service",
            Cluster=f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/platform",
            TaskDefinition=ref("Task"),
            CapacityProviderStrategy=[{"CapacityProvider": "general", "Weight": 1}],
        ),
    }


def test_an_app_deploys_only_after_its_imports_are_created(server: tuple[int, int], tmp_path: Path) -> None:
    reached, stack = access(server[1]), _stack(_shop())
    account = Account(reached, ACCOUNT, REGION)
    assert "does not exist" in _deployed(account, _shop())
    (line,) = imports.put(reached, tmp_path, [stack])
    for name in (VPC, *SUBNETS, GROUP, LISTENER, "platform", "shop-task", "dummy1a"):
        assert name in line
    assert _deployed(account, _shop()) == "CREATE_COMPLETE"
    assert list(imports.put(reached, tmp_path, [stack])) == [], "nothing changed"


def test_resources_that_exist_in_the_local_aws_are_not_imported(server: tuple[int, int], tmp_path: Path) -> None:
    reached = access(server[1])
    ec2 = Account(reached, ACCOUNT, REGION).client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    group = resource("AWS::EC2::SecurityGroup", VpcId=vpc, GroupDescription="shop")
    assert not any(vpc in line for line in imports.put(reached, tmp_path, [_stack({"Group": group})]))


def test_roles_of_the_bootstrap_stack_are_not_imported(server: tuple[int, int], tmp_path: Path) -> None:
    kinds = ("deploy", "file-publishing", "image-publishing", "lookup", "cfn-exec")
    names = [f"cdk-{each}-{kind}-role-{ACCOUNT}-{REGION}" for each in ("hnb659fds", "shop-1") for kind in kinds]
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Resource": [f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in (*names, "cdk-team-role")],
    }
    policy = resource("AWS::IAM::ManagedPolicy", PolicyDocument={"Version": "2012-10-17", "Statement": [statement]})
    (line,) = imports.put(access(server[1]), tmp_path, [_stack({"Policy": policy})])
    assert line.startswith(f"Created in {ACCOUNT} {REGION}, since the app expects it and does not define it: ")
    assert line.endswith(": cdk-team-role.\n")


def test_a_zone_of_another_region_stays_refused(server: tuple[int, int], tmp_path: Path) -> None:
    reached = access(server[1])
    subnet = resource("AWS::EC2::Subnet", VpcId=ref("Vpc"), CidrBlock="10.0.0.0/24", AvailabilityZone="us-east-1a")
    resources = {"Vpc": resource("AWS::EC2::VPC", CidrBlock="10.0.0.0/16"), "Subnet": subnet}
    assert not any("us-east-1a" in line for line in imports.put(reached, tmp_path, [_stack(resources)]))
    assert "us-east-1a" in _deployed(Account(reached, ACCOUNT, REGION), resources)
