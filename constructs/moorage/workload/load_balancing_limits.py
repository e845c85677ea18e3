"""The limits of Network Load Balancers, imported load balancers, gateways and web ACLs; rows of the table in `limits`.

`NLB guide` is the user guide for Network Load Balancers.
"""

from __future__ import annotations

from moorage.workload.limit import Botocore, Limit, at_least, at_most, in_range, matching, quota, unique
from moorage.workload.route_limits import within_codes

_REGIONS_WITHOUT_GATEWAY = frozenset(
    (
        *("ap-northeast-3", "ap-south-2", "ap-southeast-6", "ap-southeast-7", "cn-north-1", "cn-northwest-1"),
        *("eu-west-3", "me-central-1", "us-gov-east-1", "us-gov-west-1"),
    )
)
_HEX_PATTERN = "[0-9a-f]+"
_ARN_PREFIX_PATTERN = r"arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:\d{12}:"

NETWORK_SUBNETS = at_least(
    "network-load-balancer-subnets",
    1,
    hint="use a VPC with subnets in different zones, such as a Network, or select such subnets with vpc_subnets=",
    source=Botocore(
        "elbv2", "CreateLoadBalancerInput", "Subnets", "You can specify subnets from one or more Availability Zones."
    ),
)
ALLOCATION_IDS = unique(
    "elastic-ip-allocation-ids-unique",
    rule="must be unique",
    hint="use one Elastic IP address for each subnet",
    source=Botocore(
        "elbv2", "CreateLoadBalancerInput", "SubnetMappings", "You can specify one Elastic IP address per subnet"
    ),
)
_NLB_QUOTAS = "NLB guide, Quotas for your Network Load Balancers"

LISTENERS = at_most(
    "listeners-per-network-load-balancer",
    50,
    hint="use another NetworkLoadBalancer for some services",
    source=f"{_NLB_QUOTAS} (not adjustable)",
)
ZONE_TARGETS = quota(
    "targets-per-zone",
    500,
    hint="ask for a higher quota before the deployment, or use fewer copies of the task (a rollout runs up to twice "
    "as many)",
    source=f"{_NLB_QUOTAS}: targets per availability zone, or in all zones with cross-zone load balancing",
)
ADDRESSES = quota(
    "elastic-ip-addresses",
    5,
    hint="ask for a higher quota before the deployment, or use fewer subnets",
    source="Amazon VPC quotas: Elastic IP addresses per Region",
)
NETWORK_CODES = Limit(
    id="network-target-health-codes",
    accepts=lambda codes: within_codes(codes, 200, 599),
    rule="must be HTTP codes between 200 and 599",
    hint="use a form such as '200', '200,204' or '200-299'",
    source=Botocore(
        "elbv2", "Matcher", "HttpCode", "For Network Load Balancers, you can specify values between 200 and 599"
    ),
)
LISTENER_PROTOCOL = Limit(
    id="listener-protocol",
    accepts=lambda protocol: getattr(protocol, "value", None) in {"TCP", "TLS", "UDP", "TCP_UDP"},
    rule="must be TCP, TLS, UDP or TCP_UDP",
    hint="use a protocol such as elbv2.Protocol.TCP, or a LoadBalancer for HTTP and HTTPS",
    source=Botocore(
        "elbv2",
        "CreateListenerInput",
        "Protocol",
        "the supported protocols are TCP, TLS, UDP, TCP_UDP, QUIC, and TCP_QUIC.",
        also="NLB guide: create a listener",
    ),
    format=lambda protocol: getattr(protocol, "value", repr(protocol)),
)
LISTENER_IDLE = in_range(
    "listener-idle-timeout",
    60,
    6000,
    unit="seconds",
    hint="use a duration such as cdk.Duration.seconds(350)",
    source=Botocore(
        "elbv2",
        "ListenerAttribute",
        "Key",
        "The valid range is 60-6000 seconds.",
        also="NLB guide: update the TCP idle timeout",
    ),
)
ZONAL_SHIFT_PROTOCOL = Limit(
    id="zonal-shift-protocol",
    accepts=lambda protocol: getattr(protocol, "value", None) in {"TCP", "TLS"},
    rule="should be TCP or TLS if cross_zone and zonal_shift are True",
    hint="use cross_zone=False, or leave zonal_shift= out, if AWS refuses the listener",
    source="ARC guide: Network Load Balancers; the NLB guide's document history of 2026-09-24 lets UDP in",
    format=lambda protocol: getattr(protocol, "value", repr(protocol)),
    confirmed=False,
)
ALLOCATION_ID = matching(
    "elastic-ip-allocation-id",
    r"eipalloc-[0-9a-f]+",
    rule="must be the allocation ID of an Elastic IP address",
    hint="use an ID such as 'eipalloc-0a1b2c3d'",
    source=Botocore(
        "elbv2",
        "SubnetMapping",
        "AllocationId",
        "The allocation ID of the Elastic IP address for an internet-facing load balancer.",
    ),
)
LISTENER_ARN = matching(
    "listener-arn",
    _ARN_PREFIX_PATTERN + rf"listener/app/[\w-]+/{_HEX_PATTERN}/{_HEX_PATTERN}",
    rule="must be the ARN of a listener of an Application Load Balancer",
    hint="copy the ARN from the console, or from `aws elbv2 describe-listeners`",
    source="IAM service authorization reference: Elastic Load Balancing V2, listener/app",
)
NETWORK_ARN = matching(
    "network-load-balancer-arn",
    _ARN_PREFIX_PATTERN + rf"loadbalancer/net/[\w-]+/{_HEX_PATTERN}",
    rule="must be the ARN of a Network Load Balancer",
    hint="copy the ARN from the console, or from `aws elbv2 describe-load-balancers`",
    source="IAM service authorization reference: Elastic Load Balancing V2, loadbalancer/net",
)
BALANCER_ARN = matching(
    "load-balancer-arn",
    _ARN_PREFIX_PATTERN + rf"loadbalancer/(app|net)/[\w-]+/{_HEX_PATTERN}",
    rule="must be the ARN of an Application or Network Load Balancer",
    hint="copy the ARN from the console, or from `aws elbv2 describe-load-balancers`",
    source="IAM service authorization reference: Elastic Load Balancing V2, loadbalancer/app and loadbalancer/net",
)
TARGET_GROUP_ARN = matching(
    "target-group-arn",
    _ARN_PREFIX_PATTERN + rf"targetgroup/[\w-]+/{_HEX_PATTERN}",
    rule="must be the ARN of a target group",
    hint="copy the ARN from the console, or from `aws elbv2 describe-target-groups`",
    source="IAM service authorization reference: Elastic Load Balancing V2, TargetGroup",
)
SECURITY_GROUP_ID = matching(
    "security-group-id",
    r"sg-[0-9a-z]+",
    rule="must be the ID of a security group",
    hint="use an ID such as 'sg-0a1b2c3d'",
    source=Botocore("ec2", "SecurityGroup", "GroupId", "The ID of the security group."),
)
WEB_ACL_ARN = matching(
    "web-acl-arn",
    r"arn:aws[a-z-]*:wafv2:[a-z0-9-]+:\d{12}:regional/webacl/[^/]+/[^/]+",
    rule="must be the ARN of a WAFv2 web ACL with the scope REGIONAL",
    hint="use a web ACL in the load balancer's region; an ARN with 'global/' is that of a web ACL for CloudFront",
    source="botocore wafv2 AssociateWebACL.WebACLArn",
)
GATEWAYS = at_most(
    "gateways-per-cluster",
    5,
    hint="remove the cluster from clusters= of another Gateway, or let services share a Gateway",
    source="ECS API reference, AssociateGatewayWithCluster: a cluster can be associated with up to 5 gateways",
)
CONNECTORS = at_most(
    "gateway-connectors",
    1,
    hint="pass both gateways to one GatewayConnector, or use two services",
    source="ECS API reference, GatewayConnector: a service can have at most one gateway connector",
)
GATEWAY_SUBNETS = at_least(
    "gateway-subnets",
    2,
    hint="use a VPC with subnets in different zones, such as a Network, or select such subnets with vpc_subnets=",
    source="CFN AWS::ECS::Gateway Subnets (minItems)",
)
GATEWAY_REGION = Limit(
    id="gateway-region",
    accepts=lambda region: region not in _REGIONS_WITHOUT_GATEWAY,
    rule="should be a region that offered Amazon ECS Gateway in November 2026",
    hint="use a LoadBalancer",
    source="CFN schemas of each region: AWS::ECS::Gateway",
    confirmed=False,
)
