"""The names of resources in the sentences of a review, and lists of names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from moorage.assembly.cloud_assembly import Resource, Stack

_SERVICES = {
    "ApiGateway": "API Gateway",
    "ApiGatewayV2": "API Gateway",
    "ApplicationAutoScaling": "",
    "AutoScaling": "",
    "Backup": "",
    "CertificateManager": "ACM",
    "CloudFormation": "",
    "DynamoDB": "DynamoDB",
    "ElastiCache": "ElastiCache",
    "ElasticLoadBalancingV2": "",
    "Events": "EventBridge",
    "Logs": "",
    "SSO": "IAM Identity Center",
    "SecretsManager": "Secrets Manager",
    "ServiceDiscovery": "Cloud Map",
    "StepFunctions": "Step Functions",
}
"""The names of services that differ from CloudFormation's namespace; empty if the name of the type is enough."""
_TYPES = {
    "AWS::ApiGateway::RestApi": "REST API",
    "AWS::ApiGatewayV2::Api": "API Gateway API",
    "AWS::AutoScaling::AutoScalingGroup": "Auto Scaling group",
    "AWS::EC2::EIP": "Elastic IP address",
    "AWS::EC2::VPC": "VPC",
    "AWS::EC2::NatGateway": "NAT gateway",
    "AWS::EC2::NetworkAcl": "network ACL",
    "AWS::EC2::TransitGateway": "transit gateway",
    "AWS::EC2::TransitGatewayAttachment": "transit gateway attachment",
    "AWS::EC2::TransitGatewayRouteTable": "transit gateway route table",
    "AWS::EC2::TransitGatewayVpcAttachment": "transit gateway attachment",
    "AWS::EC2::VPCPeeringConnection": "VPC peering connection",
    "AWS::ServiceDiscovery::HttpNamespace": "Cloud Map namespace",
    "AWS::ServiceDiscovery::PrivateDnsNamespace": "Cloud Map namespace",
    "AWS::WAFv2::WebACL": "web ACL",
    "AWS::EFS::FileSystem": "EFS file system",
    "AWS::Lambda::Url": "Lambda function URL",
    "AWS::RDS::DBCluster": "RDS DB cluster",
    "AWS::RDS::DBInstance": "RDS DB instance",
    "AWS::Serverless::Function": "Lambda function",
}
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z]|$|\d)|[A-Z]?[a-z0-9]+|[A-Z]+")
_CDK_PARTS = {"Resource", "Default", "Service"}


def noun(type_: str) -> str:
    """Return the name of a resource type in a sentence, such as `ECS service` for `AWS::ECS::Service`.

    Args:
        type_: The type in CloudFormation.
    """
    if type_ in _TYPES:
        return _TYPES[type_]
    _, service, *rest = f"{type_}::".split("::")
    if type_.startswith("Custom::") or not rest:
        return f"custom resource {type_}"
    words = [word if word.isupper() else word.lower() for word in _WORD.findall(rest[0])]
    return f"{_SERVICES.get(service, service)} {' '.join(words)}".strip()


def named(resource: Resource) -> str:
    """Return a resource's noun and the path of its construct, without the parts that CDK added at its end.

    Args:
        resource: The resource.
    """
    return f"{noun(resource.type)} {shown_path(resource.path)}"


def shown_path(path: str) -> str:
    """Return the path of a construct without the parts that CDK added at its end.

    Args:
        path: The construct path.
    """
    parts = path.split("/")
    while len(parts) > 2 and parts[-1] in _CDK_PARTS:  # noqa: PLR2004  # a stack and a construct
        parts.pop()
    return "/".join(parts)


def plural(noun: str) -> str:
    """Return the plural of a noun, such as `KMS keys` for `KMS key`, and `scaling policies` for `scaling policy`.

    Args:
        noun: The noun.
    """
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}{'es' if noun.endswith(('s', 'x', 'ch', 'sh')) else 's'}"


def placed(stack: Stack) -> str:
    """Return the path of a stack with its name, account and region, which distinguish two stacks with the same path."""
    place = [*([f"account {stack.account}"] if stack.account else []), *([stack.region] if stack.region else [])]
    name = [f"name {stack.name}"] if stack.name != stack.path.replace("/", "-") else []
    return f"{stack.path} ({', '.join([*name, *place])})" if name or place else stack.path


def capitalized(text: str) -> str:
    """Return a text with a capital first letter, unless it begins with an ARN."""
    return text if text.startswith("arn:") else text[:1].upper() + text[1:]


def listed(names: Sequence[str], most: int = 3, noun: str = "") -> str:
    """Return names as an enumeration: `a, b and c`, or `a, b and 4 more`.

    Args:
        names: The names to list.
        most: The largest number of names to list without leaving out any. Default: 3.
        noun: The plural noun for the names that are left out. Default: no noun.
    """
    shown = list(names)
    if len(shown) > most:
        rest = len(shown) - most + 1
        shown = [*shown[: most - 1], f"{rest} more {noun}".rstrip()]
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def shortened(names: Sequence[str], most: int) -> str:
    """Return the first `most` names, and the number of further names: `a, b and 4 more`.

    Args:
        names: The names to shorten.
        most: The largest number of names that are shown.
    """
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def changing(names: Sequence[str]) -> str:
    """Return a clause about properties that change: `TaskDefinition changes`, `A and B change`.

    Args:
        names: The names of the properties, at least one.
    """
    return f"{' and '.join(names)} change{'s' if len(names) == 1 else ''}"
