"""Known and unknown names of VPC endpoints."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from aws_cdk import aws_ec2 as ec2

from moorage import Endpoints
from moorage.workload.endpoint_names import KNOWN_NAMES


def test_the_known_names_are_those_of_cdk() -> None:
    interface, gateway = ec2.InterfaceVpcEndpointAwsService, ec2.GatewayVpcEndpointAwsService
    services: list[Any] = [getattr(interface, name) for name in dir(interface) if name.isupper()]
    regional = {each.short_name for each in services if each.name.startswith("${Token[")}  # without a prefix
    gateways = {getattr(gateway, name).name.rpartition(".")[2] for name in dir(gateway) if name.isupper()}
    assert regional | gateways == KNOWN_NAMES


def test_an_unknown_endpoint_warns_with_similar_names() -> None:
    for name, near in (("ecr-api", "'ecr.api'"), ("secretmanager", "'secretsmanager'"), ("s4", "'s3'")):
        with pytest.warns(UserWarning, match=rf"Endpoints: each service should have .* \(got {name!r}\); use .*{near}"):
            assert Endpoints(name).services == (name,)
    with pytest.warns(UserWarning, match=r"\(got 'qqqqqq'\); look up the name with aws ec2 describe-vpc-endpoint-"):
        Endpoints("qqqqqq")


def test_an_endpoint_with_another_prefix_warns() -> None:
    """The prefixes are `com.amazonaws.iam` without a region, and `aws.sagemaker.<region>.notebook`."""
    for name in ("iam", "notebook"):
        with pytest.warns(UserWarning, match=rf"\(got {name!r}\)"):
            Endpoints(name)


def test_endpoints_that_cdk_knows_do_not_warn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Endpoints("s3", "ecr.api", "logs", "cassandra", "s3express", "ecs-agent", "ecs-telemetry", "ssmmessages", "kms")
