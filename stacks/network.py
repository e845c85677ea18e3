"""The VPC of an environment."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2

from moorage import Endpoints, Network
from stacks.settings import EnvironmentSettings

# gateway endpoints are free, and a NAT gateway bills each GB of image layers, which are in S3, and of carts
GATEWAY_ENDPOINTS = Endpoints("dynamodb", "s3")
# the services that the tasks, the instances and the sessions call
ENDPOINTS = Endpoints(
    *("dynamodb", "ecr.api", "ecr.dkr", "ecs", "ecs-agent", "ecs-telemetry", "kms", "logs", "monitoring", "s3"),
    *("secretsmanager", "sqs", "ssm", "ssmmessages"),
)
NAT_GATEWAYS = {"nat-gateway-per-zone": None, "one-nat-gateway": 1, "endpoints": 0}


def define_vpc(stack: cdk.Stack, settings: EnvironmentSettings) -> ec2.IVpc:
    """Define and return the VPC of an environment, or look up the existing VPC that the settings name.

    Args:
        stack: The stack.
        settings: The settings of the environment.
    """
    network = settings.network
    if network.vpc_id:
        return ec2.Vpc.from_lookup(stack, "Vpc", vpc_id=network.vpc_id)
    return Network(
        stack,
        "Network",
        zones=network.zones,
        nat_gateways=NAT_GATEWAYS[network.egress],
        endpoints=ENDPOINTS if network.egress == "endpoints" else GATEWAY_ENDPOINTS,
        removal_policy=settings.removal_policy,
    ).vpc
