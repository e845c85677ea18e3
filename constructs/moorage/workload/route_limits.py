"""The limits of a load balancer, its routes and their targets; rows of the table in `limits`."""

from __future__ import annotations

import ipaddress
import re

from moorage.workload.limit import (
    Botocore,
    Limit,
    at_least,
    at_most,
    characters,
    comma_separated,
    in_range,
    matching,
    one_of,
    quota,
    unique,
    with_commas,
)


def within_codes(codes: str, low: int, high: int) -> bool:
    """Return whether `codes` lists codes and ranges of codes, such as '200,300-302', all between `low` and `high`."""
    if not re.fullmatch(r"\d+(-\d+)?(,\d+(-\d+)?)*", codes):
        return False
    ranges = ([int(end) for end in each.split("-")] for each in codes.split(","))
    return all(low <= ends[0] <= ends[-1] <= high for ends in ranges)


def _is_cidr(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return "/" in text


_ALB_QUOTAS = "ALB guide, Quotas for your Application Load Balancers"
TARGET_GROUPS = at_most(
    "target-groups-per-load-balancer",
    100,
    hint="use another LoadBalancer for some services, or Rollout.rolling(), with one target group per route",
    source=f"{_ALB_QUOTAS} (not adjustable); botocore TooManyUniqueTargetGroupsPerLoadBalancerException",
)
RULES = quota(
    "rules-per-load-balancer",
    100,
    hint="ask for a higher quota before the deployment, or use another LoadBalancer for some services",
    source=_ALB_QUOTAS,
)
TARGETS = quota(
    "targets-per-load-balancer",
    1000,
    hint="ask for a higher quota before the deployment, or use fewer copies of the task (a rollout runs up to twice "
    "as many)",
    source=_ALB_QUOTAS,
)
LISTENER_PORT = in_range(
    "listener-port",
    1,
    65535,
    show=str,
    hint="use a port such as 9443",
    source=Botocore("elbv2", "Port"),
)
LISTENER_PORTS = unique(
    "listener-ports-unique",
    rule="must be unique",
    hint="use each port once",
    source="Elastic Load Balancing API reference, CreateListener (DuplicateListener)",
)
REQUEST_LISTENERS = quota(
    "listeners-per-application-load-balancer",
    50,
    hint="ask for a higher quota before the deployment, or use another LoadBalancer for some ports",
    source=_ALB_QUOTAS,
)
GROUP_RULES = quota(
    "rules-per-security-group",
    60,
    hint="ask for a higher quota before the deployment, or use another load balancer for some services or clients",
    source="Amazon VPC quotas: inbound or outbound rules per security group",
)
ROUTES = at_most(
    "target-groups-per-service",
    5,
    hint="use several hosts or paths in one Route",
    source="botocore Service.loadBalancers; ECS quotas",
)
BALANCER_SUBNETS = at_least(
    "load-balancer-subnets",
    2,
    hint="use a VPC with subnets in different zones, such as a Network, or select such subnets with vpc_subnets=",
    source=Botocore(
        "elbv2", "CreateLoadBalancerInput", "Subnets", "You must specify subnets from at least two Availability Zones."
    ),
)
SUBNET_ZONES = unique(
    "load-balancer-zones",
    rule="must be unique",
    hint="use one subnet in each zone",
    source=Botocore(
        "elbv2", "CreateLoadBalancerInput", "Subnets", "You can specify only one subnet per Availability Zone."
    ),
)
IDLE_TIMEOUT = in_range(
    "idle-timeout",
    1,
    4000,
    unit="seconds",
    hint="use a duration such as cdk.Duration.seconds(60)",
    source="CDK aws-elasticloadbalancingv2 ApplicationLoadBalancer.idleTimeout",
)
TARGET_INTERVAL = in_range(
    "target-health-interval",
    5,
    300,
    unit="seconds",
    hint="use a duration such as cdk.Duration.seconds(30)",
    source=Botocore("elbv2", "CreateTargetGroupInput", "HealthCheckIntervalSeconds", "The range is 5-300."),
)
TARGET_TIMEOUT = in_range(
    "target-health-timeout",
    2,
    120,
    unit="seconds",
    hint="use a duration such as cdk.Duration.seconds(5)",
    source=Botocore("elbv2", "CreateTargetGroupInput", "HealthCheckTimeoutSeconds", "The range is 2\u2013120 seconds."),
)
TARGET_TIMEOUT_SHORTER = Limit(
    id="target-health-timeout-shorter",
    accepts=lambda pair: pair[0] < pair[1],
    rule="must be shorter than interval",
    hint="use a shorter timeout= or a longer interval=",
    source=(
        "ELB's own answer: 'Health check interval must be greater than the timeout' (aws-cdk #3703); CDK "
        "ApplicationTargetGroup.validateTargetGroup"
    ),
    format=lambda pair: f"{pair[0]} with interval={pair[1]}, in seconds",
)
TARGET_THRESHOLD = in_range(
    "target-health-threshold",
    2,
    10,
    hint="use a number of checks such as 3",
    source=Botocore("elbv2", "CreateTargetGroupInput", "HealthyThresholdCount", "The range is 2-10."),
)
TARGET_PATH = Limit(
    id="target-health-path",
    accepts=lambda path: path.startswith("/") and len(path) <= 1024,
    rule="must start with '/' and have at most 1,024 characters",
    hint="use a path such as '/healthz'",
    source=Botocore("elbv2", "Path"),
)
TARGET_GRPC_PATH = matching(
    "target-health-grpc-path",
    r"/[\w.]+/\w+",
    rule="must have the form /package.service/method for gRPC",
    hint="use a path such as '/grpc.health.v1.Health/Check'",
    source=Botocore(
        "elbv2",
        "CreateTargetGroupInput",
        "HealthCheckPath",
        "The path of a custom health check method with the format /package.service/method.",
    ),
)
TARGET_CODES = Limit(
    id="target-health-codes",
    accepts=lambda codes: within_codes(codes, 200, 499),
    rule="must be HTTP codes between 200 and 499",
    hint="use a form such as '200', '200,204' or '200-299'",
    source=Botocore(
        "elbv2", "Matcher", "HttpCode", "For Application Load Balancers, you can specify values between 200 and 499"
    ),
)
TARGET_GRPC_CODES = Limit(
    id="target-health-grpc-codes",
    accepts=lambda codes: within_codes(codes, 0, 99),
    rule="must be gRPC codes between 0 and 99",
    hint="use a form such as '0', '0,12' or '0-5'",
    source=Botocore("elbv2", "Matcher", "GrpcCode", "You can specify values between 0 and 99."),
)
DEREGISTRATION_DELAY = in_range(
    "deregistration-delay",
    0,
    3600,
    unit="seconds",
    hint="use a duration such as cdk.Duration.seconds(300)",
    source=Botocore("elbv2", "TargetGroupAttribute", "Key", "The range is 0-3600 seconds."),
)
DELETION_DELAY = Limit(
    id="deregistration-delay-at-deletion",
    accepts=lambda delay: delay <= 1800 or delay > 3600,  # DEREGISTRATION_DELAY refuses more
    rule="should be at most 1,800 seconds, since CloudFormation waits at most 30 minutes for the deletion of a service",
    hint="use a shorter time, or delete the service by hand before its stack",
    source="CFN AWS::ECS::Service handlers.delete.timeoutInMinutes (30)",
    format=with_commas,
    confirmed=False,
)
RULE_PRIORITY = in_range(
    "rule-priority",
    1,
    50000,
    hint="use a priority that no other rule of the listener has",
    source=Botocore("elbv2", "RulePriority"),
)
RULE_VALUES = at_most(
    "rule-condition-values",
    5,
    hint="use a second Route, or a pattern with '*'",
    source="Elastic Load Balancing quotas: condition values per rule",
)
RULE_WILDCARDS = at_most(
    "rule-wildcards",
    6,
    hint="use a second Route, or fewer '*' and '?'",
    source="Elastic Load Balancing quotas: condition wildcards per rule (not adjustable)",
)
RULE_WILDCARDS_OF_GUIDE = Limit(
    id="rule-wildcards-of-guide",
    accepts=lambda count: count != 6,
    rule="should be at most 5, the limit in translations of the ELB user guide",
    hint="use a second Route, or fewer '*' and '?'",
    source="ALB guide in Chinese, quotas: condition wildcards per rule",
    format=str,
    confirmed=False,
)
RULE_HEADER = matching(
    "rule-header",
    r"(?!(?i:host)$)[A-Za-z0-9!#$%&'+.^_`|~-]{1,40}",
    rule="must be 1 to 40 characters of an HTTP header name, and not be 'Host'",
    hint="use a name such as 'X-Version', or host= for the host",
    source=Botocore(
        "elbv2",
        "HttpHeaderConditionConfig",
        "HttpHeaderName",
        "The maximum length is 40 characters.",
        also="wildcards are not supported, and the host header needs a host condition",
    ),
)
RULE_HEADER_VALUE = matching(
    "rule-header-value",
    r".{1,128}",
    rule="must be 1 to 128 characters",
    hint="use a shorter value, or a pattern with '*'",
    source=Botocore(
        "elbv2", "HttpHeaderConditionConfig", "Values", "The maximum length of each string is 128 characters."
    ),
)
RULE_METHOD = matching(
    "rule-method",
    r"[A-Z_-]{1,40}",
    rule="must be 1 to 40 capital letters, '-' and '_', without wildcards",
    hint="use a method such as 'POST'",
    source=Botocore(
        "elbv2",
        "HttpRequestMethodConditionConfig",
        "Values",
        "The maximum length is 40 characters.",
    ),
)
RULE_QUERY_KEY = matching(
    "rule-query-key",
    r".{1,128}",
    rule="must be 1 to 128 characters",
    hint="use a key such as 'version'",
    source=Botocore(
        "elbv2", "QueryStringConditionConfig", "Values", "The maximum length of each string is 128 characters."
    ),
)
RULE_QUERY_VALUE = matching(
    "rule-query-value",
    r".{1,128}",
    rule="must be 1 to 128 characters",
    hint="use a shorter value, or a pattern with '*'",
    source=Botocore(
        "elbv2", "QueryStringConditionConfig", "Values", "The maximum length of each string is 128 characters."
    ),
)
RULE_SOURCE = Limit(
    id="rule-source",
    accepts=_is_cidr,
    rule="must be an IPv4 or IPv6 block in CIDR format",
    hint="use a block such as '203.0.113.0/24', or '203.0.113.7/32' for one address",
    source=Botocore("elbv2", "SourceIpConditionConfig", "Values", "The source IP addresses, in CIDR format."),
)
STICKINESS_DURATION = in_range(
    "stickiness-cookie-duration",
    1,
    604800,
    unit="seconds",
    hint="use a duration such as cdk.Duration.hours(1)",
    source=Botocore("elbv2", "TargetGroupAttribute", "Key", "The range is 1 second to 1 week (604800 seconds)."),
)
STICKINESS_COOKIE = matching(
    "stickiness-cookie-name",
    r"(?!(?i:AWSALB)).+",
    rule="must not be empty or start with 'AWSALB', the names of the load balancer's own cookies",
    hint="use the name of a cookie that the application sets",
    source=Botocore(
        "elbv2",
        "TargetGroupAttribute",
        "Key",
        "Names that start with the following prefixes are not allowed: AWSALB, AWSALBAPP, and AWSALBTG",
    ),
)
RULE_HOST = matching(
    "rule-host",
    r"(?=.{1,128}$)[A-Za-z0-9\-*?.]*\.[A-Za-z]+",
    rule="must be 1 to 128 letters, digits, '-', '.', '*' and '?', with a '.' and only letters after the last '.'",
    hint="use a host such as 'api.example.com' or '*.example.com'",
    source=Botocore(
        "elbv2", "HostHeaderConditionConfig", "Values", "The maximum length of each string is 128 characters."
    ),
)
RULE_PATH = matching(
    "rule-path",
    r"(?=.{1,128}$)[/*?][A-Za-z0-9_\-.$/~\"'@:+&*?]*",
    rule="must start with '/', '*' or '?', and be 1 to 128 letters, digits and _ - . $ / ~ \" ' @ : + & * ?",
    hint="use a path such as '/v1/*'",
    source=Botocore(
        "elbv2", "PathPatternConditionConfig", "Values", "The maximum length of each string is 128 characters."
    ),
)
ACTION = Limit(
    id="listener-action",
    accepts=lambda types: types in {("redirect",), ("fixed-response",)},
    rule="must be a redirect or a fixed response",
    hint="use elbv2.ListenerAction.redirect(...) or fixed_response(...), or a Route to forward requests to a service",
    source="ALB guide, Listener rules: each rule must include exactly one of forward, redirect and fixed-response",
    format=comma_separated,
)
RESPONSE_CODE = matching(
    "fixed-response-code",
    r"[245]\d\d",
    rule="must be a 2XX, 4XX or 5XX code",
    hint="use a code such as 503, or elbv2.ListenerAction.redirect(...) for 301 and 302",
    source=Botocore("elbv2", "FixedResponseActionStatusCode"),
)
RESPONSE_TYPE = one_of(
    "fixed-response-type",
    ("text/plain", "text/css", "text/html", "application/javascript", "application/json"),
    hint="use content_type='text/plain'",
    source=Botocore(
        "elbv2",
        "FixedResponseActionConfig",
        "ContentType",
        "Valid Values: text/plain | text/css | text/html | application/javascript | application/json",
    ),
)
RESPONSE_BODY = characters(
    "fixed-response-body",
    1024,
    hint="use a shorter message_body=, or a service for larger pages",
    source=Botocore("elbv2", "FixedResponseActionMessage"),
)
