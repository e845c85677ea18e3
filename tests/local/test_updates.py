"""Updates of a platform stack and a services stack in the local AWS: which succeed and which are refused.

They run with both kinds of references between stacks. `strong`, CDK's default, creates exports, which CloudFormation
neither changes nor deletes while they are imported. `weak`, which `cdk init` writes, creates none.
"""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import aws_cdk as cdk
import pytest
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2

from moorage import Cluster, Container, LoadBalancer, Network, Rollout, Route, Service, Task
from moorage.assembly.cloud_assembly import Stack, stacks_of
from tests.local.local_aws import ACCOUNT, REGION, Client

REFERENCES = "@aws-cdk/core:defaultCrossStackReferences"
CERTIFICATE = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/12345678-1234-1234-1234-123456789012"
ROLLOUTS = {"canary": Rollout.canary(bake=cdk.Duration.minutes(1)), "rolling": Rollout.rolling()}

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("references", ["strong", "weak"])]


@attrs.frozen(kw_only=True)
class Shop:
    """The definition of the stacks.

    Args:
        https: Whether to give the load balancer a certificate.
        public: Whether to make it reachable from the internet.
        rollout: The kind of rollout of the first service.
        paths: The paths of the first service.
        port: The port of its container.
        tag: The tag of its image.
        name: Its construct id.
        cart_stack: The stack of the second service.
        cart_path: Whether to give the second service a route.
        platform_stack: The stack of the load balancer and the cluster.
        network_stack: The stack of a `Network`; if empty, CDK's `Vpc` is defined beside the load balancer.
        public_tasks: Whether to run tasks in public subnets.
    """

    https: bool = False
    public: bool = False
    rollout: str = "canary"
    paths: tuple[str, ...] = ("/web/*", "/static/*")
    port: int = 8080
    tag: str = "1.28"
    name: str = "Web"
    cart_stack: str = "Shop"
    cart_path: bool = True
    platform_stack: str = "Platform"
    network_stack: str = ""
    public_tasks: bool = False

    def define(self, app: cdk.App) -> None:
        """Define the stacks."""
        stacks = {
            name: cdk.Stack(app, name, synthesizer=cdk.DefaultStackSynthesizer(generate_bootstrap_version_rule=False))
            for name in dict.fromkeys((self.network_stack, self.platform_stack, self.cart_stack, "Shop"))
            if name
        }
        platform, shop = stacks[self.platform_stack], stacks["Shop"]
        vpc: ec2.IVpc
        if self.network_stack:
            network = stacks[self.network_stack]
            vpc = Network(network, "Network", nat_gateways=1, flow_logs=False, close_default_security_group=False).vpc
        else:
            vpc = ec2.Vpc(platform, "Vpc", max_azs=2, nat_gateways=1, restrict_default_security_group=False)
        cluster = Cluster(platform, "Cluster", vpc=vpc)
        edge = LoadBalancer(
            platform,
            "Edge",
            vpc=vpc,
            access_logs=False,
            certificate=acm.Certificate.from_certificate_arn(platform, "Imported", CERTIFICATE) if self.https else None,
            deletion_protection=False,
            plain_http="tried on this machine" if self.public and not self.https else None,
            public=self.public,
        )
        Service(
            shop,
            self.name,
            cluster=cluster,
            assign_public_ip=self.public_tasks,
            rollout=ROLLOUTS[self.rollout],
            route=[Route(edge, path=path) for path in self.paths],
            task=Task(Container(f"public.ecr.aws/nginx/nginx:{self.tag}", port=self.port)),
        )
        Service(
            stacks[self.cart_stack],
            "Cart",
            assign_public_ip=self.public_tasks,
            cluster=cluster,
            route=[Route(edge, path="/cart/*")] if self.cart_path else [],
            task=Task(Container("public.ecr.aws/docker/library/cart:1.0", port=50051)),
        )


@functools.cache
def _synthesized(shop: Shop, references: str) -> tuple[Stack, ...]:
    with tempfile.TemporaryDirectory() as out:
        context = {REFERENCES: references, "aws:cdk:enable-path-metadata": True}
        app = cdk.App(outdir=out, context=context, analytics_reporting=False)
        shop.define(app)
        return stacks_of(Path(app.synth().directory))


class Local:
    """The stacks in the local AWS.

    Args:
        client: A function that returns boto3's client of a service.
        references: The kind of references between the stacks.
    """

    def __init__(self, client: Client, references: str) -> None:
        self._client, self._references = client, references
        self._made: list[str] = []

    def deploy(self, shop: Shop) -> str:
        """Deploy the stacks in order, up to the first that fails, and return the reason from CloudFormation."""
        cloudformation = self._client("cloudformation")
        for stack in _synthesized(shop, self._references):
            change = cloudformation.update_stack if stack.name in self._made else cloudformation.create_stack
            body = json.dumps(stack.template, separators=(",", ":"))
            try:
                change(StackName=stack.name, TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"])
            except cloudformation.exceptions.ClientError as error:
                assert "No updates are to be performed" in str(error)  # noqa: PT017  # no other error is expected
                continue
            if stack.name not in self._made:
                self._made.append(stack.name)
            status = cloudformation.describe_stacks(StackName=stack.name)["Stacks"][0]["StackStatus"]
            if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
                events = cloudformation.describe_stack_events(StackName=stack.name)["StackEvents"]
                said = [each.get("ResourceStatusReason", "") for each in events if "FAILED" in each["ResourceStatus"]]
                return f"{stack.name} {status}: {' '.join(said)}"
        return ""

    def update(self, shop: Shop) -> None:
        """Deploy successfully, and check that each path still has targets."""
        assert self.deploy(shop) == ""
        expected = {*shop.paths, *(["/cart/*"] if shop.cart_path else [])}
        assert self.serving() == dict.fromkeys(expected, 2)

    def serving(self) -> dict[str, int]:
        """Return the smallest number of targets in the target groups of each path."""
        elbv2 = self._client("elbv2")
        found: dict[str, int] = {}
        for balancer in elbv2.describe_load_balancers()["LoadBalancers"]:
            test_ports = (8080, 8443)
            for listener in elbv2.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]:
                if listener["Port"] in test_ports:
                    continue
                for rule in elbv2.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]:
                    for condition in rule["Conditions"]:
                        targets = [self._targets(group) for action in rule["Actions"] for group in _served(action)]
                        found |= dict.fromkeys(condition["PathPatternConfig"]["Values"], min(targets))
        return found

    def _targets(self, group: str) -> int:
        return len(self._client("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"])

    def groups(self) -> set[str]:
        """Return the target groups."""
        return {each["TargetGroupArn"] for each in self._client("elbv2").describe_target_groups()["TargetGroups"]}

    def remove(self) -> None:
        """Delete the stacks in reverse order."""
        cloudformation = self._client("cloudformation")
        for name in reversed(self._made):
            stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
            cloudformation.delete_stack(StackName=name)
            described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
            assert described["StackStatus"] == "DELETE_COMPLETE", described


def _served(action: dict[str, Any]) -> list[str]:
    groups = action.get("ForwardConfig", {}).get("TargetGroups") or [{"TargetGroupArn": action.get("TargetGroupArn")}]
    return [each["TargetGroupArn"] for each in groups if each.get("Weight", 1)]


@pytest.fixture
def local(client: Client, references: str) -> Iterator[Local]:
    made = Local(client, references)
    yield made
    made.remove()


@pytest.mark.parametrize(
    "changed",
    [
        Shop(rollout="rolling"),
        Shop(paths=("/static/*", "/web/*")),
        Shop(paths=("/static/*",)),
        Shop(cart_path=False),
        Shop(paths=(), rollout="rolling", cart_path=False),
        Shop(port=9090),
    ],
    ids=[
        "rolling",
        "routes swapped",
        "first route removed",
        "a service's only route removed",
        "last route removed",
        "port changed",
    ],
)
def test_the_platform_and_the_shop_can_change_and_change_back(local: Local, changed: Shop) -> None:
    local.update(Shop())
    local.update(changed)
    local.update(Shop())


def test_a_certificate_can_be_added_and_removed(local: Local) -> None:
    local.update(Shop())
    local.update(Shop(https=True))
    local.update(Shop(https=True, rollout="rolling"))
    local.update(Shop())


def test_a_canary_becomes_rolling_while_its_other_target_group_serves(local: Local) -> None:
    local.update(Shop())
    local.update(Shop(tag="1.29"))
    local.update(Shop(tag="1.30", rollout="rolling"))
    local.update(Shop(tag="1.31", rollout="rolling"))
    local.update(Shop(tag="1.32"))
    local.update(Shop(tag="1.33"))


def test_the_port_changes_in_the_same_target_groups(local: Local) -> None:
    local.update(Shop())
    before = local.groups()
    local.update(Shop(port=9090))
    assert local.groups() == before


def test_a_load_balancer_in_the_same_stack_can_become_public(local: Local) -> None:
    local.update(Shop(platform_stack="Shop"))
    local.update(Shop(platform_stack="Shop", public=True))
    local.update(Shop(platform_stack="Shop"))


@pytest.mark.parametrize(
    "changed",
    [
        Shop(platform_stack="Shop", network_stack="Network", public=True),
        Shop(platform_stack="Shop", network_stack="Network", public_tasks=True),
    ],
    ids=["load balancer", "services"],
)
def test_tasks_in_a_network_of_another_stack_can_change_subnets(local: Local, changed: Shop) -> None:
    local.update(Shop(platform_stack="Shop", network_stack="Network"))
    local.update(changed)
    local.update(Shop(platform_stack="Shop", network_stack="Network"))


def test_a_shared_load_balancer_becomes_public_only_if_exports_can_change(local: Local, references: str) -> None:
    local.update(Shop())
    before = local.serving()
    if references == "weak":
        local.update(Shop(public=True))
        local.update(Shop())
        return
    said = local.deploy(Shop(public=True))
    assert said.startswith("Platform UPDATE_ROLLBACK_COMPLETE")
    assert "xport" in said
    assert "as it is in use by Shop" in said
    assert local.serving() == before
    local.update(Shop())


@pytest.mark.parametrize(
    ("changed", "stack"),
    [(Shop(name="Site"), "Shop UPDATE_ROLLBACK_COMPLETE"), (Shop(cart_stack="Cart"), "Cart ROLLBACK_COMPLETE")],
    ids=["renamed", "moved to another stack"],
)
def test_a_service_that_takes_over_a_rule_is_refused_and_the_old_serves(
    local: Local, changed: Shop, stack: str
) -> None:
    local.update(Shop())
    before = local.serving()
    said = local.deploy(changed)
    assert said.startswith(stack)
    assert "PriorityInUse: Priority" in said
    assert "it belongs to Shop/" in said
    assert "delete that resource in a separate deployment first, or move it with `cdk refactor`" in said
    assert local.serving() == before
