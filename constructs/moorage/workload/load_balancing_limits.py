"""What Elastic Load Balancing and AWS WAF accept; rows of the table in `limits`.

`NLB guide` is the user guide for Network Load Balancers.
"""

from __future__ import annotations

import re

from moorage.workload.limit import Limit, at_least, at_most, in_range, matching


def within_codes(codes: str, low: int, high: int) -> bool:
    """Whether codes and ranges of them, as a health check names them, are between two."""
    if not re.fullmatch(r"\d+(-\d+)?(,\d+(-\d+)?)*", codes):
        return False
    ranges = ([int(end) for end in each.split("-")] for each in codes.split(","))
    return all(low <= ends[0] <= ends[-1] <= high for ends in ranges)


ROUTES = at_most(
    "target-groups-per-service",
    5,
    hint="let one Route have several hosts or paths",
    source="botocore Service.loadBalancers; ECS quotas",
)
BALANCER_SUBNETS = at_least(
    "load-balancer-subnets",
    2,
    hint="use a VPC that has them in different zones, such as a Network, or select them with vpc_subnets=",
    source="botocore elbv2 CreateLoadBalancer.Subnets",
)
IDLE_TIMEOUT = in_range(
    "idle-timeout",
    1,
    4000,
    unit="seconds",
    source="CDK aws-elasticloadbalancingv2 ApplicationLoadBalancer.idleTimeout",
)
TARGET_INTERVAL = in_range(
    "target-health-interval",
    5,
    300,
    unit="seconds",
    source="botocore elbv2 CreateTargetGroup.HealthCheckIntervalSeconds",
)
TARGET_TIMEOUT = in_range(
    "target-health-timeout",
    2,
    120,
    unit="seconds",
    source="botocore elbv2 CreateTargetGroup.HealthCheckTimeoutSeconds",
)
TARGET_TIMEOUT_SHORTER = Limit(
    id="target-health-timeout-shorter",
    accepts=lambda pair: pair[0] < pair[1],
    rule="must be shorter than interval",
    hint="use a shorter timeout= or a longer interval=",
    source="CFN AWS::ElasticLoadBalancingV2::TargetGroup (cfn-lint E3049 and ELB's own validation)",
    format=lambda pair: f"{pair[0]} with interval={pair[1]}, in seconds",
)
TARGET_THRESHOLD = in_range(
    "target-health-threshold",
    2,
    10,
    source="botocore elbv2 CreateTargetGroup.HealthyThresholdCount",
)
TARGET_PATH = Limit(
    id="target-health-path",
    accepts=lambda path: path.startswith("/") and 1 <= len(path) <= 1024,
    rule="must start with '/' and have at most 1024 characters",
    hint="write it as in health='/healthz'",
    source="botocore elbv2 CreateTargetGroup.HealthCheckPath",
)
TARGET_GRPC_PATH = matching(
    "target-health-grpc-path",
    r"/[\w.]+/\w+",
    rule="must be /package.service/method for gRPC",
    hint="use a method, as in '/grpc.health.v1.Health/Check'",
    source="botocore elbv2 CreateTargetGroup.HealthCheckPath",
)
TARGET_CODES = Limit(
    id="target-health-codes",
    accepts=lambda codes: within_codes(codes, 200, 499),
    rule="must be HTTP codes between 200 and 499",
    hint="write them as in '200', '200,204' or '200-299'",
    source="botocore elbv2 Matcher.HttpCode",
)
TARGET_GRPC_CODES = Limit(
    id="target-health-grpc-codes",
    accepts=lambda codes: within_codes(codes, 0, 99),
    rule="must be gRPC codes between 0 and 99",
    hint="write them as in '0', '0,12' or '0-5'",
    source="botocore elbv2 Matcher.GrpcCode",
)
DEREGISTRATION_DELAY = in_range(
    "deregistration-delay",
    0,
    3600,
    unit="seconds",
    source="botocore elbv2 TargetGroupAttribute deregistration_delay.timeout_seconds",
)
RULE_PRIORITY = in_range(
    "rule-priority",
    1,
    50000,
    source="botocore elbv2 CreateRule.Priority",
)
RULE_VALUES = at_most(
    "rule-condition-values",
    5,
    hint="use a second Route, or a pattern with '*'",
    source="Elastic Load Balancing quotas: condition values per rule",
)
RULE_HOST = matching(
    "rule-host",
    r"(?=.{1,128}$)[A-Za-z0-9\-*?.]*\.[A-Za-z*?]+",
    rule="must be 1 to 128 letters, digits, '-', '.', '*' and '?', with letters after the last '.'",
    hint="write it as in 'api.example.com' or '*.example.com'",
    source="botocore elbv2 HostHeaderConditionConfig.Values",
)
RULE_PATH = matching(
    "rule-path",
    r"(?=.{1,128}$)[/*?][A-Za-z0-9_\-.$/~\"'@:+&*?]*",
    rule="must start with '/' and be 1 to 128 letters, digits and _ - . $ / ~ \" ' @ : + & * ?",
    hint="write it as in '/v1/*'",
    source="botocore elbv2 RuleCondition.Values",
)
_HEX = "[0-9a-f]+"
_ARN = r"arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:\d{12}:"

NETWORK_SUBNETS = at_least(
    "network-load-balancer-subnets",
    1,
    hint="use a VPC that has them in different zones, such as a Network, or select them with vpc_subnets=",
    source="botocore elbv2 CreateLoadBalancer.Subnets",
)
NETWORK_CODES = Limit(
    id="network-target-health-codes",
    accepts=lambda codes: within_codes(codes, 200, 599),
    rule="must be HTTP codes between 200 and 599",
    hint="write them as in '200', '200,204' or '200-299'",
    source="botocore elbv2 Matcher.HttpCode",
)
LISTENER_PROTOCOL = Limit(
    id="listener-protocol",
    accepts=lambda protocol: getattr(protocol, "value", None) in {"TCP", "TLS", "UDP", "TCP_UDP"},
    rule="must be TCP, TLS, UDP or TCP_UDP",
    hint="use elbv2.Protocol.TCP or another of these, or a LoadBalancer for HTTP and HTTPS",
    source="botocore elbv2 CreateListener.Protocol; NLB guide: create a listener",
    format=lambda protocol: getattr(protocol, "value", repr(protocol)),
)
LISTENER_IDLE = in_range(
    "listener-idle-timeout",
    60,
    6000,
    unit="seconds",
    source="botocore elbv2 ListenerAttribute tcp.idle_timeout.seconds; NLB guide: update the TCP idle timeout",
)
ZONAL_SHIFT_PROTOCOL = Limit(
    id="zonal-shift-protocol",
    accepts=lambda protocol: getattr(protocol, "value", None) in {"TCP", "TLS"},
    rule="should be TCP or TLS with cross_zone and zonal_shift",
    hint="leave out one of the two if AWS refuses it",
    source="ARC guide: Network Load Balancers; the NLB guide's document history of 2026-09-24 lets UDP in",
    format=lambda protocol: getattr(protocol, "value", repr(protocol)),
    confirmed=False,
)
ALLOCATION_ID = matching(
    "elastic-ip-allocation-id",
    r"eipalloc-[0-9a-f]+",
    rule="must be the allocation id of an Elastic IP address",
    hint="write it as in 'eipalloc-0a1b2c3d'",
    source="botocore elbv2 SubnetMapping.AllocationId; ec2 Address.AllocationId",
)
LISTENER_ARN = matching(
    "listener-arn",
    _ARN + rf"listener/app/[\w-]+/{_HEX}/{_HEX}",
    rule="must be the ARN of a listener of an application load balancer",
    hint="copy it from the console, or from `aws elbv2 describe-listeners`",
    source="IAM service authorization reference: Elastic Load Balancing V2, listener/app",
)
NETWORK_ARN = matching(
    "network-load-balancer-arn",
    _ARN + rf"loadbalancer/net/[\w-]+/{_HEX}",
    rule="must be the ARN of a network load balancer",
    hint="copy it from the console, or from `aws elbv2 describe-load-balancers`",
    source="IAM service authorization reference: Elastic Load Balancing V2, loadbalancer/net",
)
SECURITY_GROUP_ID = matching(
    "security-group-id",
    r"sg-[0-9a-z]+",
    rule="must be the id of a security group",
    hint="write it as in 'sg-0a1b2c3d'",
    source="botocore ec2 SecurityGroup.GroupId",
)
WEB_ACL_ARN = matching(
    "web-acl-arn",
    r"arn:aws[a-z-]*:wafv2:[a-z0-9-]+:\d{12}:regional/webacl/[^/]+/[^/]+",
    rule="must be the ARN of a WAFv2 web ACL with the scope REGIONAL",
    hint="use one in the load balancer's region; the ARNs of CloudFront's have 'global/'",
    source="botocore wafv2 AssociateWebACL.WebACLArn",
)
