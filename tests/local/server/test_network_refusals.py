"""What AWS refuses of networks and load balancers is refused by the local AWS, and its mended twin is not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local.local_aws import NETWORK, Client, Deploy, attribute, load_balancer, ref, resource

Resources = dict[str, Any]

ANSWER = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
BUCKET_OF_LOGS = {"access_logs.s3.enabled": "true", "access_logs.s3.bucket": ref("Logs")}


def _elb(kind: str, **properties: Any) -> Resources:
    return resource(f"AWS::ElasticLoadBalancingV2::{kind}", **properties)


def _ec2(kind: str, **properties: Any) -> Resources:
    return resource(f"AWS::EC2::{kind}", **properties)


def _after(name: str, stated: Resources) -> Resources:
    return stated | {"DependsOn": [name]}


def _attributes(**attributes: Any) -> list[dict[str, Any]]:
    return [{"Key": key, "Value": value} for key, value in attributes.items()]


def _balancer(**properties: Any) -> Resources:
    return NETWORK | {"Edge": load_balancer(**properties)}


def _public() -> Resources:
    attached = _ec2("VPCGatewayAttachment", VpcId=ref("Vpc"), InternetGatewayId=ref("Gateway"))
    edge = _after("Attached", load_balancer(Scheme="internet-facing"))
    return NETWORK | {"Gateway": _ec2("InternetGateway"), "Attached": attached, "Edge": edge}


def _subnet(third: int = 0, /, **properties: Any) -> Resources:
    return _ec2("Subnet", **{"VpcId": ref("Vpc"), "CidrBlock": f"10.0.{third}.0/24", **properties})


def _group(**properties: Any) -> Resources:
    stated = {"VpcId": ref("Vpc"), "Port": 80, "Protocol": "HTTP", "TargetType": "ip"}
    return _elb("TargetGroup", **{**stated, **properties})


def _listener(**properties: Any) -> Resources:
    stated = {"LoadBalancerArn": ref("Edge"), "Port": 80, "Protocol": "HTTP", "DefaultActions": [ANSWER]}
    return _balancer() | {"Listener": _elb("Listener", **{**stated, **properties})}


def _forward(group: Any = None) -> list[dict[str, Any]]:
    return [{"Type": "forward", "TargetGroupArn": group or ref("Group")}]


def _rule(*values: str, **properties: Any) -> Resources:
    condition = {"Field": "path-pattern", "PathPatternConfig": {"Values": list(values or ["/"])}}
    stated = {"ListenerArn": ref("Listener"), "Priority": 1, "Conditions": [condition], "Actions": [ANSWER]}
    return _listener() | {"Rule": _elb("ListenerRule", **{**stated, **properties})}


def _secure(policy: str) -> Resources:
    certificate = "arn:aws:acm:eu-west-1:111111111111:certificate/a"
    return _listener(Protocol="HTTPS", Certificates=[{"CertificateArn": certificate}], SslPolicy=policy)


def _group_in(**properties: Any) -> Resources:
    return {"Vpc": NETWORK["Vpc"], "Group": _group(**properties)}


def _logged(*statements: dict[str, Any]) -> Resources:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    stack = _balancer(LoadBalancerAttributes=_attributes(**BUCKET_OF_LOGS)) | {
        "Logs": resource("AWS::S3::Bucket") | {"DeletionPolicy": "Retain"},  # a test file is in it
        "Policy": resource("AWS::S3::BucketPolicy", Bucket=ref("Logs"), PolicyDocument=document),
    }
    return stack | {"Edge": _after("Policy", stack["Edge"])}


def _writing(principal: dict[str, str]) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": principal,
        "Action": "s3:PutObject",
        "Resource": {"Fn::Sub": "${Logs.Arn}/AWSLogs/${AWS::AccountId}/*"},
    }


Case = tuple[Resources, str, Resources]
LISTED = {"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.0/8"]}}

LOAD_BALANCERS: dict[str, Case] = {
    "one subnet": (_balancer(Subnets=[ref("Subnet")]), "must have at least 2 items", _balancer()),
    "subnets of one zone": (
        {name: stated for name, stated in _balancer().items() if name != "OtherSubnet"}
        | {"OtherSubnet": _subnet(1, AvailabilityZone=attribute("Subnet", "AvailabilityZone"))},
        "InvalidConfigurationRequest: A load balancer cannot be attached to multiple subnets in the same",
        _balancer(),
    ),
    "group that does not exist": (
        _balancer(SecurityGroups=["sg-00000000000000000"]),
        "InvalidConfigurationRequest: One or more security groups are invalid",
        _balancer(SecurityGroups=[attribute("Vpc", "DefaultSecurityGroup")]),
    ),
    "public without a gateway": (
        _balancer(Scheme="internet-facing"),
        "InvalidSubnet: VPC vpc-",
        _public(),
    ),
    "name of 33 characters": (
        _balancer(Name="n" * 33),
        "cannot be longer than '32' characters",
        _balancer(Name="n" * 32),
    ),
    "name with a dot": (_balancer(Name="a.b"), "can only contain characters that are alphanumeric", _balancer()),
    "name of internal": (_balancer(Name="internal-a"), "cannot begin with 'internal-'", _balancer(Name="internal")),
    "idle timeout": (
        _balancer(LoadBalancerAttributes=_attributes(**{"idle_timeout.timeout_seconds": "4001"})),
        "ValidationError: Load balancer attribute 'idle_timeout.timeout_seconds' must be between 1 and 4000",
        _balancer(LoadBalancerAttributes=_attributes(**{"idle_timeout.timeout_seconds": 4000})),
    ),
    "bucket without a policy": (
        _logged(_writing({"AWS": "arn:aws:iam::111111111111:root"})),
        "Access Denied for bucket: ",
        _logged(_writing({"AWS": "arn:aws:iam::156460612806:root"})),
    ),
    "bucket for another service": (
        _logged(_writing({"Service": "s3.amazonaws.com"})),
        "Please check S3bucket permission",
        _logged(_writing({"Service": "logdelivery.elasticloadbalancing.amazonaws.com"})),
    ),
    "attribute of no load balancer": (
        _balancer(LoadBalancerAttributes=_attributes(**{"idle_timeout.seconds": "60"})),
        "attribute key 'idle_timeout.seconds' is not recognized",
        _balancer(LoadBalancerAttributes=_attributes(**{"waf.fail_open.enabled": "true"})),
    ),
    "attribute of another type": (
        _balancer(Type="network", LoadBalancerAttributes=_attributes(**{"idle_timeout.timeout_seconds": "60"})),
        "is not supported on load balancers with type 'network'",
        _balancer(Type="network", LoadBalancerAttributes=_attributes(**{"zonal_shift.config.enabled": "true"})),
    ),
}
TARGET_GROUPS: dict[str, Case] = {
    "timeout of the interval": (
        _group_in(HealthCheckIntervalSeconds=5),
        "ValidationError: Health check interval must be greater than the timeout",
        _group_in(HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=4),
    ),
    "timeout over that of TCP": (
        _group_in(Protocol="TCP", HealthCheckIntervalSeconds=10, HealthCheckTimeoutSeconds=11),
        "ValidationError: Health check interval must be greater than the timeout",
        _group_in(Protocol="TCP", HealthCheckIntervalSeconds=10, HealthCheckTimeoutSeconds=10),
    ),
    "VPC that does not exist": (
        _group_in(VpcId="vpc-00000000000000000"),
        "The VPC ID 'vpc-00000000000000000' is not found",
        _group_in(),
    ),
    "slow start": (
        _group_in(TargetGroupAttributes=_attributes(**{"slow_start.duration_seconds": "29"})),
        "must be 0 or between 30 and 900, not '29'",
        _group_in(TargetGroupAttributes=_attributes(**{"slow_start.duration_seconds": "30"})),
    ),
    "path": (_group_in(HealthCheckPath="up"), "must begin with a '/' character", _group_in(HealthCheckPath="/up")),
    "port": (
        _group_in(HealthCheckPort="web"),
        "must be an integer between 1 and 65535 or 'traffic-port'",
        _group_in(HealthCheckPort="8080"),
    ),
    "codes": (
        _group_in(Matcher={"HttpCode": "2xx"}),
        "HttpCode must be like 200 | 200-399 | 200,201",
        _group_in(Matcher={"HttpCode": "200-299,302"}),
    ),
    "name": (
        _group_in(Name="-shop"),
        "Target group name '-shop' cannot begin or end with a hyphen",
        _group_in(Name="shop"),
    ),
}
LISTENERS: dict[str, Case] = {
    "TLS without certificate": (_listener(Protocol="HTTPS"), "Certificates is required", _listener()),
    "TLS policy": (
        _secure("ELBSecurityPolicy-TLS13-1-2-2021-07"),
        "SSLPolicyNotFound: SSL policy 'ELBSecurityPolicy-TLS13-1-2-2021-07' not found",
        _secure("ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"),
    ),
    "TLS policy without TLS": (
        _listener(SslPolicy="ELBSecurityPolicy-2016-08"),
        "An SSL policy cannot be specified for HTTP listeners",
        _secure("ELBSecurityPolicy-2016-08"),
    ),
    "protocol of another type": (
        _listener(Protocol="TCP"),
        "ValidationError: Listener protocol 'TCP' must be one of 'HTTPS, HTTP'",
        _listener(),
    ),
    "group that does not exist": (
        _listener(DefaultActions=_forward("arn:aws:elasticloadbalancing:eu-west-1:111111111111:targetgroup/a/1")),
        "TargetGroupNotFound: Target groups 'arn:",
        _listener(DefaultActions=_forward()) | {"Group": _group()},
    ),
    "group of another VPC": (
        _listener(DefaultActions=_forward())
        | {"Group": _group(VpcId=ref("Other")), "Other": _ec2("VPC", CidrBlock="10.1.0.0/16")},
        "The following target groups are in a different VPC than load balancer arn:",
        _listener(DefaultActions=_forward()) | {"Group": _group()},
    ),
    "group of another protocol": (
        _listener(DefaultActions=_forward()) | {"Group": _group(Protocol="TCP")},
        "IncompatibleProtocols",
        _listener(DefaultActions=_forward()) | {"Group": _group(Protocol="HTTPS")},
    ),
    "code of a fixed response": (
        _listener(DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "999"}}]),
        "StatusCode must match",
        _listener(),
    ),
    "two ends": (_listener(DefaultActions=[ANSWER, {**ANSWER, "Order": 2}]), "An action must be", _listener()),
    "priority": (_rule(Priority=0), "property Priority must be at least 1, not '0'", _rule(Priority=50000)),
    "values": (
        _rule("/1", "/2", "/3", "/4", "/5", "/6"),
        "ValidationError: A rule can only have '5' condition values",
        _rule("/1", "/2", "/3", "/4", "/5"),
    ),
    "field": (_rule(Conditions=[{**LISTED, "Field": "source-port"}]), "must be one of", _rule(Conditions=[LISTED])),
    "address": (
        _rule(Conditions=[{**LISTED, "SourceIpConfig": {"Values": ["10.0.0.0/33"]}}]),
        "The source IP '10.0.0.0/33' must be in CIDR format",
        _rule(Conditions=[LISTED]),
    ),
}


VPC = {"Vpc": NETWORK["Vpc"]}
TABLE = VPC | {"Table": _ec2("RouteTable", VpcId=ref("Vpc"))}
GATEWAY = _ec2("InternetGateway")
ATTACHED = _ec2("VPCGatewayAttachment", VpcId=ref("Vpc"), InternetGatewayId=ref("Gateway"))
HOST_NAMES = {"Vpc": _ec2("VPC", CidrBlock="10.0.0.0/16", EnableDnsHostnames=True)}
OTHER_VPC = {"Other": _ec2("VPC", CidrBlock="10.1.0.0/16")}
SERVICE = "com.amazonaws.eu-west-1.ecr.api"


def _nat(**properties: Any) -> Resources:
    """A NAT gateway in a VPC with an internet gateway."""
    address = attribute("Address", "AllocationId")
    nat = _ec2("NatGateway", **{"SubnetId": ref("Subnet"), "AllocationId": address, **properties})
    parts = {"Subnet": _subnet(), "Address": _ec2("EIP", Domain="vpc"), "Nat": _after("Attached", nat)}
    return VPC | {"Gateway": GATEWAY, "Attached": ATTACHED} | parts


def _without(names: set[str], resources: Resources) -> Resources:
    kept = {name: dict(stated) for name, stated in resources.items() if name not in names}
    for stated in kept.values():
        stated.pop("DependsOn", None)
    return kept


def _route(**properties: Any) -> Resources:
    stated = {"RouteTableId": ref("Table"), "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": ref("Gateway")}
    route = _ec2("Route", **{**stated, **properties})
    return TABLE | {"Gateway": GATEWAY, "Attached": ATTACHED, "Route": _after("Attached", route)}


def _association(table: str) -> Resources:
    return _ec2("SubnetRouteTableAssociation", RouteTableId=ref(table), SubnetId=ref("Subnet"))


def _endpoint(**properties: Any) -> Resources:
    stated = {"VpcId": ref("Vpc"), "ServiceName": SERVICE, "VpcEndpointType": "Interface"}
    return _ec2("VPCEndpoint", **{**stated, **properties})


def _security_group(**properties: Any) -> Resources:
    stated = {"VpcId": ref("Vpc"), "GroupDescription": "a group"}
    return VPC | {"Group": _ec2("SecurityGroup", **{**stated, **properties})}


def _open(**rule: Any) -> Resources:
    stated = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": "10.0.0.0/8"}
    return _security_group(SecurityGroupIngress=[{**stated, **rule}])


NETWORKS: dict[str, Case] = {
    "VPC of /8": (
        {"Vpc": _ec2("VPC", CidrBlock="10.0.0.0/8")},
        "InvalidVpc.Range: The CIDR '10.0.0.0/8' is invalid.",
        {"Vpc": _ec2("VPC", CidrBlock="10.0.0.0/16")},
    ),
    "VPC of no CIDR": (
        {"Vpc": _ec2("VPC", CidrBlock="10.0.0/16")},
        "This is not a valid CIDR block.",
        {"Vpc": _ec2("VPC", CidrBlock="10.0.0.1/28")},
    ),
    "subnet over another": (
        VPC | {"A": _subnet(1), "B": _after("A", _subnet(CidrBlock="10.0.0.0/23"))},
        "InvalidSubnet.Conflict: The CIDR '10.0.0.0/23' conflicts with another subnet",
        VPC | {"A": _subnet(2), "B": _subnet(CidrBlock="10.0.0.0/23")},
    ),
    "subnet outside": (
        VPC | {"A": _subnet(CidrBlock="10.1.0.0/24")},
        "InvalidSubnet.Range: The CIDR '10.1.0.0/24' is invalid.",
        VPC | {"A": _subnet(255)},
    ),
    "subnet of /29": (
        VPC | {"A": _subnet(CidrBlock="10.0.0.0/29")},
        "InvalidSubnet.Range: The CIDR '10.0.0.0/29' is invalid.",
        VPC | {"A": _subnet(CidrBlock="10.0.0.0/28")},
    ),
    "subnet of another region": (
        VPC | {"A": _subnet(AvailabilityZone="us-east-1a")},
        "Value (us-east-1a) for parameter availabilityZone is invalid",
        VPC | {"A": _subnet(AvailabilityZone="eu-west-1a")},
    ),
    "subnet of no VPC": (
        {"A": _subnet(VpcId="vpc-00000000000000000")},
        "InvalidVpcID.NotFound: The vpc ID 'vpc-00000000000000000' does not exist",
        VPC | {"A": _subnet()},
    ),
    "NAT without internet": (
        _without({"Gateway", "Attached"}, _nat()),
        "has no Internet gateway attached",
        _nat(),
    ),
    "NAT without address": (
        _without({"Address"}, _nat(AllocationId=None)),
        "MissingParameter: The request must include the AllocationId parameter",
        _without({"Address", "Gateway", "Attached"}, _nat(AllocationId=None, ConnectivityType="private")),
    ),
    "route to a gateway apart": (
        _without({"Attached"}, _route()),
        "belong to different networks",
        _route(),
    ),
    "route that is there": (
        _route() | {"Again": _after("Route", _route()["Route"])},
        "RouteAlreadyExists: The route identified by 0.0.0.0/0 already exists.",
        _route(DestinationCidrBlock="10.1.0.0/16") | {"Again": _route()["Route"]},
    ),
    "route to nothing": (
        _route(GatewayId=None),
        "The request must contain exactly one of gatewayId, natGatewayId",
        _route(),
    ),
    "gateway attached twice": (
        _route()
        | OTHER_VPC
        | {
            "Again": _after(
                "Attached", ATTACHED | {"Properties": {"VpcId": ref("Other"), "InternetGatewayId": ref("Gateway")}}
            )
        },
        "is already attached to network vpc-",
        _route(),
    ),
    "two gateways of a VPC": (
        VPC
        | {
            "Gateway": GATEWAY,
            "Second": GATEWAY,
            "Attached": ATTACHED,
            "Again": _after(
                "Attached", _ec2("VPCGatewayAttachment", VpcId=ref("Vpc"), InternetGatewayId=ref("Second"))
            ),
        },
        "already has an internet gateway attached",
        VPC | {"Gateway": GATEWAY, "Second": GATEWAY, "Attached": ATTACHED},
    ),
    "two tables of a subnet": (
        TABLE
        | {
            "Subnet": _subnet(),
            "Second": TABLE["Table"],
            "A": _association("Table"),
            "B": _after("A", _association("Second")),
        },
        "conflicts with an existing association",
        TABLE | {"Subnet": _subnet(), "Second": TABLE["Table"], "A": _association("Table")},
    ),
    "endpoint in one zone twice": (
        VPC | {"A": _subnet(1), "B": _subnet(2), "Endpoint": _endpoint(SubnetIds=[ref("A"), ref("B")])},
        "DuplicateSubnetsInSameZone: Found another VPC endpoint subnet in the availability zone of subnet-",
        NETWORK | {"Endpoint": _endpoint(SubnetIds=[ref("Subnet"), ref("OtherSubnet")])},
    ),
    "private DNS without host names": (
        VPC | {"Endpoint": _endpoint(PrivateDnsEnabled=True)},
        "InvalidParameter: Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes",
        HOST_NAMES | {"Endpoint": _endpoint(PrivateDnsEnabled=True)},
    ),
    "private DNS twice": (
        HOST_NAMES | {"Endpoint": _endpoint(PrivateDnsEnabled=True), "Again": _endpoint(PrivateDnsEnabled=True)},
        "there is already a conflicting DNS domain",
        HOST_NAMES | {"Endpoint": _endpoint(PrivateDnsEnabled=True), "Again": _endpoint()},
    ),
    "gateway endpoint of an interface": (
        VPC | {"Endpoint": _endpoint(VpcEndpointType="Gateway")},
        "Endpoint type (Gateway) does not match available service types ([Interface]).",
        VPC | {"Endpoint": _endpoint(VpcEndpointType="Gateway", ServiceName="com.amazonaws.eu-west-1.s3")},
    ),
    "endpoint of another region": (
        VPC | {"Endpoint": _endpoint(ServiceName="com.amazonaws.eu-west-2.ecr.api")},
        "InvalidServiceName: The Vpc Endpoint Service 'com.amazonaws.eu-west-2.ecr.api' does not exist",
        VPC | {"Endpoint": _endpoint()},
    ),
    "sixth address": (
        {f"Address{number}": _ec2("EIP") for number in range(6)},
        "AddressLimitExceeded: The maximum number of addresses has been reached.",
        {f"Address{number}": _ec2("EIP") for number in range(5)},
    ),
}
SECURITY_GROUPS: dict[str, Case] = {
    "name of an id": (
        _security_group(GroupName="sg-shop"),
        "Value (sg-shop) for parameter GroupName is invalid. Group names may not be in the format sg-*.",
        _security_group(GroupName="shop-sg-"),
    ),
    "name that is there": (
        _security_group(GroupName="shop") | {"Again": _after("Group", _security_group(GroupName="shop")["Group"])},
        "InvalidGroup.Duplicate: The security group 'shop' already exists for VPC 'vpc-",
        _security_group(GroupName="shop")
        | OTHER_VPC
        | {"Again": _security_group(GroupName="shop", VpcId=ref("Other"))["Group"]},
    ),
    "range": (_open(CidrIp="10.0.0.0/33"), "CIDR block 10.0.0.0/33 is malformed", _open(CidrIp="10.0.0.1/32")),
    "address": (_open(CidrIp="10.0.0.1"), "CIDR block 10.0.0.1 is malformed", _open(CidrIp="0.0.0.0/0")),
    "rule twice": (
        _security_group(SecurityGroupIngress=[{"IpProtocol": "-1", "CidrIp": "10.0.0.0/8"}] * 2),
        "The same permission must not appear multiple times",
        _security_group(SecurityGroupIngress=[{"IpProtocol": "-1", "CidrIp": "10.0.0.0/8"}]),
    ),
    "umlaut": (
        _security_group(GroupDescription="für alle"),
        "Character sets beyond ASCII are not supported.",
        _security_group(GroupDescription="for all"),
    ),
    "ports": (_open(FromPort=81), "Invalid TCP port range (81:80)", _open(FromPort=0, ToPort=65535)),
    "protocol": (_open(IpProtocol="http"), "Invalid value 'http' for IP protocol", _open(IpProtocol="6")),
    "group that does not exist": (
        _open(CidrIp=None, SourceSecurityGroupId="sg-00000000000000000"),
        "InvalidGroup.NotFound: The security group 'sg-00000000000000000' does not exist",
        _open(CidrIp=None, SourceSecurityGroupId=attribute("Vpc", "DefaultSecurityGroup")),
    ),
    "rules": (
        _security_group(
            SecurityGroupIngress=[{"IpProtocol": "-1", "CidrIp": f"10.0.0.{host}/32"} for host in range(61)]
        ),
        "RulesPerSecurityGroupLimitExceeded",
        _security_group(
            SecurityGroupIngress=[{"IpProtocol": "-1", "CidrIp": f"10.0.0.{host}/32"} for host in range(60)]
        ),
    ),
}


def _cases(cases: dict[str, Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("faulty", "said", "mended"), cases.values(), ids=cases)


def _check(deploy: Deploy, faulty: Resources, said: str, mended: Resources) -> None:
    refused = deploy(faulty, "-faulty")
    assert refused["StackStatus"] == "ROLLBACK_COMPLETE"
    assert said in refused["Reason"]
    made = deploy(mended, "-mended")
    assert made["StackStatus"] == "CREATE_COMPLETE", made["Reason"]


@_cases(LOAD_BALANCERS)
def test_a_load_balancer_is_refused(deploy: Deploy, faulty: Resources, said: str, mended: Resources) -> None:
    _check(deploy, faulty, said, mended)


@_cases(TARGET_GROUPS)
def test_a_target_group_is_refused(deploy: Deploy, faulty: Resources, said: str, mended: Resources) -> None:
    _check(deploy, faulty, said, mended)


@_cases(LISTENERS)
def test_a_listener_or_a_rule_is_refused(deploy: Deploy, faulty: Resources, said: str, mended: Resources) -> None:
    _check(deploy, faulty, said, mended)


@_cases(NETWORKS)
def test_a_part_of_a_network_is_refused(deploy: Deploy, faulty: Resources, said: str, mended: Resources) -> None:
    _check(deploy, faulty, said, mended)


@_cases(SECURITY_GROUPS)
def test_a_security_group_is_refused(deploy: Deploy, faulty: Resources, said: str, mended: Resources) -> None:
    _check(deploy, faulty, said, mended)


def _balanced(groups: list[Any]) -> Resources:
    return _balancer(SecurityGroups=groups) | {"Group": _security_group()["Group"]}


def _peers(*names: str, rule: bool = False) -> Resources:
    groups = {name: _security_group()["Group"] for name in names}
    opened = _ec2("SecurityGroupIngress", GroupId=ref("A"), IpProtocol="-1", SourceSecurityGroupId=ref("B"))
    return VPC | groups | ({"Rule": opened} if rule else {})


CHANGES: dict[str, tuple[Resources, Resources]] = {
    "of what goes with its user": (_peers("A", "B", rule=True), _peers("A")),
    "of both groups": (_peers("A", "B", rule=True), VPC),
    "of a group no longer used": (
        _balanced([ref("Group")]),
        _without({"Group"}, _balanced([attribute("Vpc", "DefaultSecurityGroup")])),
    ),
    "of a load balancer with its network": (_balanced([ref("Group")]), VPC),
    "of a replaced group": (_security_group(), _security_group(GroupDescription="another")),
    "of a NAT gateway with its network": (_nat(), VPC),
    "to another table": (
        TABLE | {"Subnet": _subnet(), "Second": TABLE["Table"], "A": _association("Table")},
        TABLE | {"Subnet": _subnet(), "Second": TABLE["Table"], "A": _association("Second")},
    ),
    "to another VPC": (
        _without({"Route"}, _route()) | OTHER_VPC,
        _without({"Route"}, _route())
        | OTHER_VPC
        | {"Attached": _ec2("VPCGatewayAttachment", VpcId=ref("Other"), InternetGatewayId=ref("Gateway"))},
    ),
    "of a route": (_route(), _route(DestinationCidrBlock="10.1.0.0/16")),
    "of an endpoint": (
        HOST_NAMES | {"Endpoint": _endpoint(PrivateDnsEnabled=True)},
        NETWORK | HOST_NAMES | {"Endpoint": _endpoint(PrivateDnsEnabled=True, SubnetIds=[ref("Subnet")])},
    ),
}


@pytest.mark.parametrize(("before", "after"), CHANGES.values(), ids=CHANGES)
def test_a_change_leaves_nothing_behind(deploy: Deploy, before: Resources, after: Resources) -> None:
    made = deploy(before)
    assert made["StackStatus"] == "CREATE_COMPLETE", made["Reason"]
    changed = deploy(after)
    assert changed["StackStatus"] == "UPDATE_COMPLETE", changed["Reason"]
    assert changed["Reason"] == ""


def test_a_named_group_is_not_replaced(deploy: Deploy) -> None:
    before = _security_group(GroupName="shop")
    assert deploy(before)["StackStatus"] == "CREATE_COMPLETE"
    changed = deploy(_security_group(GroupName="shop", GroupDescription="another"))
    assert changed["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "The security group 'shop' already exists" in changed["Reason"]
    renamed = deploy(_security_group(GroupName="shop2", GroupDescription="another"))
    assert renamed["StackStatus"] == "UPDATE_COMPLETE", renamed["Reason"]


def _used_group(values: dict[str, str]) -> Resources:
    subnets = [values["Subnet"], values["OtherSubnet"]]
    return {"Edge": load_balancer(Subnets=subnets, SecurityGroups=[values["Group"]])}


def _used_gateway(values: dict[str, str]) -> Resources:
    address = attribute("Address", "AllocationId")
    nat = _ec2("NatGateway", SubnetId=values["Subnet"], AllocationId=address)
    return {"Address": _ec2("EIP", Domain="vpc"), "Nat": nat}


def _used_zone(values: dict[str, str]) -> Resources:
    record = {"Name": "www.shop.test.", "Type": "A", "TTL": "60", "ResourceRecords": ["10.0.0.1"]}
    return {"Record": resource("AWS::Route53::RecordSet", HostedZoneId=values["Zone"], **record)}


HELD: dict[str, tuple[Resources, Any, str]] = {
    "group": (NETWORK | _security_group(), _used_group, "DependencyViolation: resource sg-"),
    "peer": (
        _security_group(),
        lambda values: {
            "Peer": _ec2(
                "SecurityGroup",
                VpcId=values["Vpc"],
                GroupDescription="a peer",
                SecurityGroupIngress=[{"IpProtocol": "-1", "SourceSecurityGroupId": values["Group"]}],
            )
        },
        "has a dependent object: Peer of the stack",
    ),
    "gateway": (_without({"Address", "Nat"}, _nat()), _used_gateway, "has some mapped public address(es)"),
    "subnet": (
        VPC | {"Subnet": _subnet()},
        lambda values: {"Nat": _ec2("NatGateway", SubnetId=values["Subnet"], ConnectivityType="private")},
        "has dependencies and cannot be deleted",
    ),
    "zone": (
        {"Zone": resource("AWS::Route53::HostedZone", Name="shop.test")},
        _used_zone,
        "HostedZoneNotEmpty: The specified hosted zone contains non-required resource record sets",
    ),
}


@pytest.mark.parametrize(("owned", "using", "said"), HELD.values(), ids=HELD)
def test_what_another_stack_uses_is_not_deleted(
    client: Client, deploy: Deploy, owned: Resources, using: Any, said: str
) -> None:
    owner = deploy(owned, "-owner", **{name: ref(name) for name in owned})
    assert owner["StackStatus"] == "CREATE_COMPLETE", owner["Reason"]
    user = deploy(using(owner["Values"]), "-user")
    assert user["StackStatus"] == "CREATE_COMPLETE", user["Reason"]
    cloudformation = client("cloudformation")
    cloudformation.delete_stack(StackName=owner["StackName"])
    (left,) = cloudformation.describe_stacks(StackName=owner["StackName"])["Stacks"]
    assert left["StackStatus"] == "DELETE_FAILED"
    events = cloudformation.describe_stack_events(StackName=owner["StackName"])["StackEvents"]
    reasons = [each.get("ResourceStatusReason", "") for each in events if each["ResourceStatus"] == "DELETE_FAILED"]
    assert said in "".join(reasons)
