"""Values that a program looks up are unknown in the first pass of `cdk synth`, which asks for their context."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_ssm as ssm

import moorage
from moorage import (
    Capacity,
    Cluster,
    Container,
    Encryption,
    Lattice,
    LoadBalancer,
    NetworkLoadBalancer,
    Repository,
    Route,
    Service,
    ServiceConnectTls,
    Task,
)
from moorage.workload.look_ups import stand_in
from tests.conftest import imported_vpc
from tests.look_up_uses import USES, World
from tests.test_door import callables

PLACE = cdk.Environment(account="111111111111", region="eu-west-1")


def test_a_program_with_look_ups_asks_for_all_of_them_in_one_pass(tmp_path: Path) -> None:
    app = cdk.App(outdir=str(tmp_path))
    stack = cdk.Stack(app, "Shop", env=PLACE)
    vpc = ec2.Vpc.from_lookup(stack, "Vpc", is_default=True)
    group = ec2.SecurityGroup.from_lookup_by_name(stack, "Group", "web", vpc)
    listener = elbv2.ApplicationListener.from_lookup(stack, "Listener", load_balancer_tags={"name": "edge"})
    gate = elbv2.NetworkLoadBalancer.from_lookup(stack, "Gate", load_balancer_tags={"name": "gate"})
    prefixes = ec2.PrefixList.from_lookup(stack, "Prefixes", prefix_list_name="com.amazonaws.eu-west-1.vpc-lattice")
    zone = route53.HostedZone.from_lookup(stack, "Zone", domain_name="example.com")
    key = kms.Key.from_lookup(stack, "Key", alias_name="alias/images")
    tag = ssm.StringParameter.value_from_lookup(stack, "/shop/tag")
    host = ssm.StringParameter.value_from_lookup(stack, "/shop/host")
    domain = ssm.StringParameter.value_from_lookup(stack, "/shop/provider")

    edge = LoadBalancer.from_attributes(
        stack, "Edge", listener_arn=listener.listener_arn, security_group_id=group.security_group_id, vpc=vpc
    )
    NetworkLoadBalancer.from_attributes(
        stack, "Door", load_balancer_arn=gate.load_balancer_arn, security_group_id=group.security_group_id, vpc=vpc
    )
    LoadBalancer(stack, "Own", vpc=vpc, zone=zone)
    Repository(stack, "Images", encryption=Encryption.with_key(key))
    cluster = Cluster(stack, "Cluster", vpc=vpc, capacity=[Capacity.fargate(), Capacity.from_provider_name(domain)])
    Service(
        stack,
        "Web",
        cluster=Cluster.from_attributes(stack, "Imported", cluster_name=domain, vpc=vpc),
        task=Task(Container(f"public.ecr.aws/nginx/nginx-unprivileged:{tag}", port=8080)),
        route=Route(edge, host=host, priority=5),
        lattice=Lattice(prefix_list=prefixes),
        security_groups=[group],
    )
    Service(stack, "Other", cluster=cluster, task=Task(Container("public.ecr.aws/docker/library/redis:8")))
    app.synth()
    missing = json.loads((tmp_path / "manifest.json").read_text())["missing"]
    assert {each["provider"] for each in missing} == {
        *("vpc-provider", "security-group", "load-balancer-listener", "load-balancer", "hosted-zone", "key-provider"),
        *("ssm", "cc-api-provider"),
    }


NOT_LOOKED_UP = {
    **dict.fromkeys(
        (
            "Ami.parameter",
            "AuditTrail.name_or_arn",
            "Capacity.name",
            "EnvironmentFile.key",
            "FailureEvents.log_policy",
            *(f"LifecyclePolicy.{each}.images" for each in ("archives", "expires", "keeps", "outcome")),
            "Scanning.kind",
            "ScanningRule.frequency",
            "ScanningRule.filters",
            "Volume.name",
            *(f"PullThrough.{each}" for each in ("upstream", "url", "prefix", "upstream_prefix", "account")),
        ),
        "the class has other constructors, or is defined by another",
    ),
    **dict.fromkeys(
        (
            *(f"{each}.advise.region" for each in ("Cluster", "Job", "Service", "Worker")),
            *(f"{each}.monthly_cost.region" for each in ("Job", "Network", "Service", "Worker")),
        ),
        "it chooses prices, and defines nothing",
    ),
    **dict.fromkeys(
        (
            "EnvironmentFile.from_asset.path",
            *(f"Image.from_directory.{each}" for each in ("path", "file", "build_args", "build_secrets", "target")),
            "PublicRepository.logo",
            *(f"PushedImage.{each}" for each in ("tags", "part_of")),
        ),
        "it belongs to a file, a build or a test on the machine that synthesizes",
    ),
    **dict.fromkeys(
        (
            *(f"{each}.container" for each in ("GatewayConnector", "Lattice", "Listener", "Route")),
            *(
                f"{each}.container_port"
                for each in ("GatewayConnector", "Lattice", "Listener", "Route", "ServiceConnect")
            ),
            *(f"Container.{each}" for each in ("depends_on", "executable", "mounts", "not_secret", "volumes_from")),
            "Mount.volume",
        ),
        "it names something that the program itself defines",
    ),
}
"""String arguments that no program looks up, each with the reason."""
BESIDE: dict[str, dict[str, Any]] = {
    "Cluster.from_attributes.namespace": {"cluster_name": "shop"},
    "Service.from_attributes.service_arn": {"service_name": None},
    "Image.from_repository.placeholder": {"parameter": "/shop/tag"},
    **{
        f"{name}.{each}": {"priority": 5}
        for name in ("LoadBalancer.add_action", "Route")
        for each in ("http_header", "http_request_method", "query_string", "source_ip")
    },
}
"""The arguments that a string argument needs beside it."""
KEYS = {"Container.system_controls": "net.core.somaxconn", "Container.extra_hosts": "database"}
"""The keys of mappings that do not take every key."""


def texts() -> Iterator[tuple[str, inspect.Parameter, Callable[..., Any]]]:
    """Yield each string argument of a public class."""
    for name, function, has_self in callables():
        for parameter in list(inspect.signature(function).parameters.values())[int(has_self) :]:
            is_text = re.search(r"\bstr\b(?! *,)", str(parameter.annotation))
            if is_text and parameter.name != "construct_id" and f"{name}.{parameter.name}" not in NOT_LOOKED_UP:
                yield name, parameter, getattr(moorage, name) if has_self and "." not in name else function


@pytest.mark.parametrize(
    ("name", "parameter", "function"),
    [pytest.param(*each, id=f"{each[0]}.{each[1].name}") for each in texts()],
)
def test_each_string_argument_can_be_looked_up(
    name: str, parameter: inspect.Parameter, function: Callable[..., Any], tmp_path: Path
) -> None:
    app = cdk.App(analytics_reporting=False, outdir=str(tmp_path))
    stack = cdk.Stack(app, "Shop", env=PLACE)
    text: Any = ssm.StringParameter.value_from_lookup(stack, f"/{parameter.name}")
    if re.search(r"Mapping\[str, (str|Any)\b", str(parameter.annotation)):
        text = {KEYS.get(f"{name}.{parameter.name}", "NAME"): text}

    def make(*positional: Any, **named: Any) -> Any:
        if parameter.kind is parameter.VAR_POSITIONAL:
            return function(*positional, text, **named)
        named |= BESIDE.get(f"{name}.{parameter.name}", {})
        if parameter.name == "host" and name == "NetworkLoadBalancer":
            named["zone"] = route53.HostedZone.from_lookup(stack, "Zone", domain_name="example.com")
        value = [text, text] if parameter.name == "allocation_ids" else text  # one for each subnet
        return function(*positional, **{**named, parameter.name: value})

    USES.get(f"{name}.{parameter.name}", USES[name])(make, World(stack, imported_vpc(stack)))
    app.synth()
    missing = json.loads((tmp_path / "manifest.json").read_text())["missing"]
    parameters = [each["props"].get("parameterName") for each in missing]
    assert list(filter(None, parameters)) == [f"/{parameter.name}"]


def test_different_look_ups_stay_different() -> None:
    app = cdk.App()
    stack = cdk.Stack(app, "Shop", env=PLACE)
    first, second = (ssm.StringParameter.value_from_lookup(stack, f"/shop/{each}/listener-arn") for each in "ab")
    vpc = imported_vpc(stack)
    edge = LoadBalancer.from_attributes(
        stack, "Edge", listener_arn=first, test_listener_arn=second, security_group_id="sg-1", vpc=vpc
    )
    priorities = {Route(edge, host=host).priority for host in (first, second, f"a.{first}")}
    assert len(priorities) == 3


@pytest.mark.parametrize(
    ("name", "kept"),
    [("a" * 13, "a" * 13), ("a" * 14, "a" * 14), ("a" * 15, "ef2df0b539c6c2"), ("/Shop/Vpc/", "shop-vpc")],
)
def test_a_name_of_up_to_14_characters_stays_in_a_placeholder(name: str, kept: str) -> None:
    assert stand_in("Cluster.namespace", f"dummy-value-for-{name}") == f"dummy-value-for-{kept}"


def test_a_value_that_was_looked_up_is_checked() -> None:
    with pytest.raises(ValueError, match="authority_arn must be"):
        ServiceConnectTls(authority_arn="arn:aws:s3:::shop")
