"""Two pull requests get previews beside one environment in the local AWS, and lose them again."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import aws_cdk as cdk
import pytest

from stacks.environment import define_environments
from stacks.settings import Description, EnvironmentSettings
from stacks.settings.capacities import FargateSettings
from stacks.settings.previews import PreviewSettings
from tests.conftest import template
from tests.local.local_aws import Client

DOMAIN = "preview.example.com"
HOST = EnvironmentSettings(
    removable=True,
    capacity={"fargate-spot": FargateSettings(kind="fargate-spot")},
    previews=PreviewSettings(domain=DOMAIN),
)
NEEDS_ASSETS = "VpcRestrictDefaultSG"
"""A part of the IDs and types of CDK's function that closes the default security group. Its code is not uploaded."""


def templates(**context: Any) -> dict[str, str]:
    """Return the templates of the stacks of `dev`, or of the preview in the context, by the name of the stack."""
    app = cdk.App(analytics_reporting=False, context={name.replace("_", "-"): each for name, each in context.items()})
    define_environments(app, Description(environments={"dev": HOST}))
    stage = app.node.children[-1]
    found = {}
    for stack in (each for each in stage.node.children if isinstance(each, cdk.Stack)):
        body = dict(template(stack).to_json())
        del body["Parameters"]["BootstrapVersion"], body["Rules"]  # no account is bootstrapped
        resources = body["Resources"].items()
        body["Resources"] = {name: each for name, each in resources if NEEDS_ASSETS not in name + each["Type"]}
        found[stack.stack_name] = json.dumps(body, separators=(",", ":"))
    return found


class Previews:
    """The local AWS with the platform of `dev`."""

    def __init__(self, client: Client) -> None:
        self.client, self.cloudformation = client, client("cloudformation")

    def deploy(self, stacks: Mapping[str, str], *, exists: bool = False) -> None:
        change = self.cloudformation.update_stack if exists else self.cloudformation.create_stack
        for name, body in stacks.items():
            change(StackName=name, TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"])
            assert self.settled(name) == ("UPDATE_COMPLETE" if exists else "CREATE_COMPLETE")

    def status(self, name: str) -> str:
        shown = self.cloudformation.describe_stacks()["Stacks"]
        (found,) = [each["StackStatus"] for each in shown if each["StackName"] == name] or ["gone"]
        return str(found)

    def settled(self, name: str) -> str:
        """Return the status of a stack once no operation is in progress."""
        until = time.monotonic() + 60
        while (found := self.status(name)).endswith("_IN_PROGRESS") and time.monotonic() < until:
            time.sleep(0.05)
        return found

    def delete(self, name: str) -> str:
        self.cloudformation.delete_stack(StackName=name)
        return self.settled(name)

    def targets(self) -> dict[str, list[str]]:
        """Return the states of the targets of each host that the load balancer knows."""
        elb = self.client("elbv2")
        (balancer,) = elb.describe_load_balancers()["LoadBalancers"]
        found = {}
        for listener in elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]:
            for rule in elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]:
                for host in (each for condition in rule["Conditions"] for each in condition.get("Values", ())):
                    group = rule["Actions"][0]["TargetGroupArn"]
                    healths = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
                    found[host] = [each["TargetHealth"]["State"] for each in healths]
        return found

    def namespaces(self) -> set[str]:
        return {each["Name"] for each in self.client("servicediscovery").list_namespaces()["Namespaces"]}

    def services(self) -> list[str]:
        (cluster,) = self.client("ecs").list_clusters()["clusterArns"]
        found: list[str] = self.client("ecs").list_services(cluster=cluster, maxResults=100)["serviceArns"]
        return found


@pytest.fixture
def previews(client: Client) -> Iterator[Previews]:
    made = Previews(client)
    made.deploy({name: body for name, body in templates().items() if name == "dev-Platform"})
    yield made
    made.delete("dev-Platform")


def test_two_previews_are_deployed_beside_dev_and_removed_by_hand_and_by_their_time(previews: Previews) -> None:
    for number in (1, 20_000):
        previews.deploy(templates(preview=number))
    assert previews.targets() == {f"pr-{number}.{DOMAIN}": ["healthy"] for number in (1, 20_000)}
    assert previews.namespaces() == {"retail-dev", "retail-preview-1", "retail-preview-20000"}
    assert len(previews.services()) == 10
    assert previews.delete("dev-Platform") == "CREATE_COMPLETE"  # the previews import from it

    ((name, body),) = templates(preview=20_001).items()  # its rule would have the priority of that of number 1
    previews.cloudformation.create_stack(StackName=name, TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"])
    assert previews.settled(name) == "ROLLBACK_COMPLETE"
    assert len(previews.services()) == 10
    assert previews.delete(name) == "gone"

    assert previews.delete("preview-20000-Services") == "gone"
    assert previews.targets().keys() == {f"pr-1.{DOMAIN}"}

    soon = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=8)
    previews.deploy(templates(preview=1, preview_until=soon.isoformat()), exists=True)
    until = time.monotonic() + 30
    while previews.status("preview-1-Services") != "gone" and time.monotonic() < until:
        time.sleep(0.1)
    assert previews.status("preview-1-Services") == "gone"
    assert dt.datetime.now(dt.UTC) >= soon.replace(microsecond=0)
    assert previews.targets() == {}
    assert previews.namespaces() == {"retail-dev"}
    assert previews.services() == []
    assert previews.delete("dev-Platform") == "gone"
