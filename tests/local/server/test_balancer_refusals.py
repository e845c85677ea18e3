"""Templates that Elastic Load Balancing refuses, each with a correction that deploys."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local.local_aws import NETWORK, Deploy, attribute, check_pair, load_balancer, ref, resource

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
        "Logs": resource("AWS::S3::Bucket") | {"DeletionPolicy": "Retain"},  # it contains a test file
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
    "two subnets in a zone": (
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
    "name that begins with internal": (
        _balancer(Name="internal-a"),
        "cannot begin with 'internal-'",
        _balancer(Name="internal"),
    ),
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
    "bucket policy for another service": (
        _logged(_writing({"Service": "s3.amazonaws.com"})),
        "Please check S3bucket permission",
        _logged(_writing({"Service": "logdelivery.elasticloadbalancing.amazonaws.com"})),
    ),
    "unknown attribute": (
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
    "timeout equal to the interval": (
        _group_in(HealthCheckIntervalSeconds=5),
        "ValidationError: Health check interval must be greater than the timeout",
        _group_in(HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=4),
    ),
    "timeout over the interval of TCP": (
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
    "health check path without a slash": (
        _group_in(HealthCheckPath="up"),
        "must begin with a '/' character",
        _group_in(HealthCheckPath="/up"),
    ),
    "health check port out of range": (
        _group_in(HealthCheckPort="web"),
        "must be an integer between 1 and 65535 or 'traffic-port'",
        _group_in(HealthCheckPort="8080"),
    ),
    "invalid HTTP codes": (
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
    "two final actions": (_listener(DefaultActions=[ANSWER, {**ANSWER, "Order": 2}]), "An action must be", _listener()),
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


def _cases(cases: dict[str, Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("faulty", "said", "mended"), cases.values(), ids=cases)


@_cases(LOAD_BALANCERS)
def test_faulty_load_balancer_is_refused_and_the_corrected_one_deploys(
    deploy: Deploy, faulty: Resources, said: str, mended: Resources
) -> None:
    check_pair(deploy, faulty, said, mended)


@_cases(TARGET_GROUPS)
def test_faulty_target_group_is_refused_and_the_corrected_one_deploys(
    deploy: Deploy, faulty: Resources, said: str, mended: Resources
) -> None:
    check_pair(deploy, faulty, said, mended)


@_cases(LISTENERS)
def test_faulty_listener_is_refused_and_the_corrected_one_deploys(
    deploy: Deploy, faulty: Resources, said: str, mended: Resources
) -> None:
    check_pair(deploy, faulty, said, mended)
