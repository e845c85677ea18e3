"""Templates that Amazon EC2 and Auto Scaling refuse, except for CIDR blocks, each with a correction that deploys."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local.local_aws import NETWORK, Deploy, attribute, check_pair, ref, resource

Resources = dict[str, Any]

OTHER: Resources = {
    "Other": resource("AWS::EC2::VPC", CidrBlock="10.1.0.0/16"),
    "Afar": resource("AWS::EC2::Subnet", VpcId=ref("Other"), CidrBlock="10.1.0.0/24"),
    "Strange": resource("AWS::EC2::SecurityGroup", GroupDescription="strange", VpcId=ref("Other")),
    "Known": resource("AWS::EC2::SecurityGroup", GroupDescription="known", VpcId=ref("Vpc")),
}
TABLE = resource("AWS::EC2::RouteTable", VpcId=ref("Vpc"))
RECOMMENDED = "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"
S3, ECR = "com.amazonaws.eu-west-1.s3", "com.amazonaws.eu-west-1.ecr.api"


def _vpc(**properties: Any) -> Resources:
    return {"Vpc": resource("AWS::EC2::VPC", CidrBlock="10.0.0.0/16", **properties)}


def _vpcs(count: int) -> Resources:
    return {f"V{number}": resource("AWS::EC2::VPC", CidrBlock=f"10.{number}.0.0/16") for number in range(count)}


def _subnet(zone: str) -> Resources:
    placed = resource("AWS::EC2::Subnet", VpcId=ref("Vpc"), CidrBlock="10.0.9.0/24", AvailabilityZone=zone)
    return NETWORK | {"Placed": placed}


def _private(**properties: Any) -> Resources:
    address = resource("AWS::EC2::EIP", Domain="vpc")
    gateway = resource("AWS::EC2::NatGateway", SubnetId=ref("Subnet"), ConnectivityType="private", **properties)
    return NETWORK | {"Address": address, "Nat": gateway}


def _group(**properties: Any) -> Resources:
    stated = {"GroupDescription": "shop", "VpcId": ref("Vpc"), **properties}
    return NETWORK | OTHER | {"Group": resource("AWS::EC2::SecurityGroup", **stated)}


def _from(source: str) -> Resources:
    return _group(SecurityGroupIngress=[{"IpProtocol": "-1", "SourceSecurityGroupId": ref(source)}])


def _opened(source: str) -> Resources:
    rule = resource(
        "AWS::EC2::SecurityGroupIngress", GroupId=ref("Known"), IpProtocol="-1", SourceSecurityGroupId=ref(source)
    )
    return NETWORK | OTHER | {"Rule": rule}


def _endpoint(kind: str, service: str, **properties: Any) -> Resources:
    stated = {"VpcId": ref("Vpc"), "VpcEndpointType": kind, "ServiceName": service, **properties}
    return NETWORK | OTHER | {"Table": TABLE, "Endpoint": resource("AWS::EC2::VPCEndpoint", **stated)}


def _twice(table: str) -> Resources:
    second = _endpoint("Gateway", S3, RouteTableIds=[ref(table)])["Endpoint"] | {"DependsOn": "Endpoint"}
    return _endpoint("Gateway", S3, RouteTableIds=[ref("Table")]) | {"Second": second, "Free": TABLE}


def _policy(effect: str) -> Resources:
    statement = {"Effect": effect, "Principal": "*", "Action": "*", "Resource": "*"}
    return _endpoint("Gateway", S3, PolicyDocument={"Statement": [statement]})


def _instances(*subnets: str, image: str = "ami-1a2b3c4d", **group: Any) -> Resources:
    data = {"ImageId": image, "InstanceType": "m5.large"}
    template = resource("AWS::EC2::LaunchTemplate", LaunchTemplateData=data)
    launched = {"LaunchTemplateId": ref("Template"), "Version": attribute("Template", "LatestVersionNumber")}
    scaled = resource(
        "AWS::AutoScaling::AutoScalingGroup",
        MinSize="0",
        MaxSize="1",
        VPCZoneIdentifier=[ref(name) for name in subnets or ("Subnet",)],
        LaunchTemplate=launched,
        **group,
    )
    return NETWORK | OTHER | {"Template": template, "Scaled": scaled}


CASES: dict[str, tuple[Resources, str, Resources]] = {
    "DNS hostnames without DNS support": (
        _vpc(EnableDnsHostnames=True, EnableDnsSupport=False),
        "DNS hostnames can be enabled only if DNS support is enabled",
        _vpc(EnableDnsHostnames=True),
    ),
    "five VPCs beside the default one": (_vpcs(5), "VpcLimitExceeded", _vpcs(4)),
    "unknown zone": (
        _subnet("eu-west-1z"),
        "Value (eu-west-1z) for parameter availabilityZone is invalid",
        _subnet("eu-west-1c"),
    ),
    "unknown Wavelength Zone": (
        _subnet("eu-west-1-wl1-dub-wlz-1a"),
        "Value (eu-west-1-wl1-dub-wlz-1a) for parameter availabilityZone is invalid",
        _subnet("eu-west-1-wl1-dub-wlz-1"),
    ),
    "unknown Local Zone": (
        _subnet("eu-west-1-dub-1"),
        "Value (eu-west-1-dub-1) for parameter availabilityZone is invalid",
        _subnet("eu-west-1-dub-1b"),
    ),
    "address of a private NAT gateway": (
        _private(AllocationId=attribute("Address", "AllocationId")),
        "A private NAT gateway cannot have an Elastic IP address",
        _private(),
    ),
    "group name of 256 characters": (
        _group(GroupName="a" * 256),
        "Group names may not have more than 255 characters",
        _group(GroupName="a" * 255),
    ),
    "rule for a group of another VPC": (_from("Strange"), "InvalidGroup.NotFound", _from("Known")),
    "separate rule for a group of another VPC": (_opened("Strange"), "InvalidGroup.NotFound", _opened("Known")),
    "group of another VPC": (
        _endpoint("Interface", ECR, SubnetIds=[ref("Subnet")], SecurityGroupIds=[ref("Strange")]),
        "does not belong to the VPC",
        _endpoint("Interface", ECR, SubnetIds=[ref("Subnet")], SecurityGroupIds=[ref("Known")]),
    ),
    "subnets of a gateway endpoint": (
        _endpoint("Gateway", S3, SubnetIds=[ref("Subnet")]),
        "Subnet IDs are only supported for Interface type VPC Endpoint.",
        _endpoint("Gateway", S3),
    ),
    "route tables of an interface endpoint": (
        _endpoint("Interface", ECR, RouteTableIds=[ref("Table")]),
        "Route table IDs are only supported for Gateway type VPC Endpoint.",
        _endpoint("Interface", ECR),
    ),
    "two gateway endpoints in a route table": (_twice("Table"), "RouteAlreadyExists", _twice("Free")),
    "unknown policy": (_policy("Maybe"), "InvalidPolicyDocument", _policy("Allow")),
    "group with subnets of two VPCs": (
        _instances("Subnet", "Afar"),
        "The subnets are in several VPCs",
        _instances("Subnet", "OtherSubnet"),
    ),
    "unknown image": (
        _instances(image="ami-nothing"),
        'Invalid id: "ami-nothing" (expecting "ami-...")',
        _instances(image="ami-0abcdef1234567890"),
    ),
    "image of a parameter that does not exist": (
        _instances(image="resolve:ssm:/golden/image", DesiredCapacity="1"),
        "The parameter '/golden/image' of the image id 'resolve:ssm:/golden/image' does not exist",
        _instances(image=f"resolve:ssm:{RECOMMENDED}", DesiredCapacity="1"),
    ),
    "instance lifetime of a minute": (
        _instances(MaxInstanceLifetime=60),
        "maxInstanceLifetime must be between 86400 and 31536000 seconds (inclusive)",
        _instances(MaxInstanceLifetime=86400),
    ),
}


@pytest.mark.parametrize(("faulty", "says", "mended"), CASES.values(), ids=CASES)
def test_faulty_template_is_refused_and_the_corrected_one_deploys(
    deploy: Deploy, faulty: Resources, says: str, mended: Resources
) -> None:
    check_pair(deploy, faulty, says, mended)
