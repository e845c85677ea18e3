"""What Elastic Load Balancing and AWS WAF accept of what not every service has, a row each, with where it says so.

As `moorage.workload.limits`, which has the rows of routes and of what is checked of their targets. `NLB guide` is the
user guide for Network Load Balancers.
"""

from __future__ import annotations

from moorage.workload.limit import Limit, in_range, matching
from moorage.workload.limits import within_codes

_HEX = "[0-9a-f]+"
_ARN = r"arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:\d{12}:"

NETWORK_SUBNETS = Limit(
    id="network-load-balancer-subnets",
    accepts=lambda count: count >= 1,
    rule="a network load balancer stands in one or more, each in a zone of its own",
    hint="use a VPC that has them, as a Network does, or name them with vpc_subnets=",
    source="botocore elbv2 CreateLoadBalancer.Subnets",
)
NETWORK_CODES = Limit(
    id="network-target-health-codes",
    accepts=lambda codes: within_codes(codes, 200, 599),
    rule="a network load balancer takes codes from 200 to 599",
    hint="write them as in '200', '200,204' or '200-299'",
    source="botocore elbv2 Matcher.HttpCode",
)
LISTENER_PROTOCOL = Limit(
    id="listener-protocol",
    accepts=lambda protocol: getattr(protocol, "value", None) in {"TCP", "TLS", "UDP", "TCP_UDP"},
    rule="a network load balancer with security groups listens for TCP, TLS, UDP or TCP_UDP",
    hint="use elbv2.Protocol.TCP or another of them; HTTP and HTTPS are a LoadBalancer's",
    source="botocore elbv2 CreateListener.Protocol; NLB guide: create a listener",
    format=lambda protocol: getattr(protocol, "value", repr(protocol)),
)
LISTENER_IDLE = in_range(
    "listener-idle-timeout", 60, 6000, unit="s", of="how long a TCP connection may be idle",
    source="botocore elbv2 ListenerAttribute tcp.idle_timeout.seconds; NLB guide: update the TCP idle timeout",
)  # fmt: skip
ZONAL_SHIFT_PROTOCOL = Limit(
    id="zonal-shift-protocol",
    accepts=lambda protocol: getattr(protocol, "value", None) in {"TCP", "TLS"},
    rule="with cross_zone and zonal_shift AWS may take TCP and TLS alone",
    hint="leave one of the two out if it does",
    source="ARC guide: Network Load Balancers; the NLB guide's document history of 2026-09-24 lets UDP in",
    format=lambda protocol: getattr(protocol, "value", repr(protocol)),
    confirmed=False,
)
ALLOCATION_ID = matching(
    "elastic-ip-allocation-id", r"eipalloc-[0-9a-f]+",
    rule="it is the id of an Elastic IP's allocation", hint="write it as in 'eipalloc-0a1b2c3d'",
    source="botocore elbv2 SubnetMapping.AllocationId; ec2 Address.AllocationId",
)  # fmt: skip
LISTENER_ARN = matching(
    "listener-arn", _ARN + rf"listener/app/[\w-]+/{_HEX}/{_HEX}",
    rule="it is the ARN of an application load balancer's listener",
    hint="copy it from the console, or `aws elbv2 describe-listeners`",
    source="IAM service authorization reference: Elastic Load Balancing V2, listener/app",
)  # fmt: skip
NETWORK_ARN = matching(
    "network-load-balancer-arn", _ARN + rf"loadbalancer/net/[\w-]+/{_HEX}",
    rule="it is the ARN of a network load balancer",
    hint="copy it from the console, or `aws elbv2 describe-load-balancers`",
    source="IAM service authorization reference: Elastic Load Balancing V2, loadbalancer/net",
)  # fmt: skip
SECURITY_GROUP_ID = matching(
    "security-group-id", r"sg-[0-9a-z]+",
    rule="it is a security group's id", hint="write it as in 'sg-0a1b2c3d'",
    source="botocore ec2 SecurityGroup.GroupId",
)  # fmt: skip
WEB_ACL_ARN = matching(
    "web-acl-arn", r"arn:aws[a-z-]*:wafv2:[a-z0-9-]+:\d{12}:regional/webacl/[^/]+/[^/]+",
    rule="a load balancer takes a web ACL of WAFv2 with the scope REGIONAL",
    hint="use the ARN of one, in the load balancer's region; those of CloudFront begin with 'global/'",
    source="botocore wafv2 AssociateWebACL.WebACLArn",
)  # fmt: skip

TABLE: tuple[Limit, ...] = tuple(row for row in list(globals().values()) if isinstance(row, Limit))
