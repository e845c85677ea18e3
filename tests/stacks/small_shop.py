"""A small environment with data stores, jobs, and a service for each store."""

from __future__ import annotations

from typing import Any

import attrs
import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Template

from moorage import Container, Scaling, Service, Task
from stacks import store
from stacks.data import DataStack
from stacks.jobs import JobsStack
from stacks.platform import PlatformStack
from stacks.settings import DataSettings, EnvironmentSettings
from stacks.settings.capacities import FargateSettings
from stacks.settings.infrastructure import EntranceSettings
from tests.conftest import template

NO_STORE = store.Store()
ENTRANCE = EntranceSettings(certificate_parameter="/shop/certificate-arn")
REMOVABLE = EnvironmentSettings(
    removable=True, capacity={"fargate": FargateSettings(kind="fargate")}, data=DataSettings(database_capacity=(0, 2))
)
PROTECTED = EnvironmentSettings(
    capacity={"fargate": FargateSettings(kind="fargate")},
    entrance=ENTRANCE,
    data=DataSettings(database_capacity=(0.5, 8), database_readers=2, cache_nodes=2, backup_days=35),
)


@attrs.frozen
class Shop:
    """The stacks of an environment, and their templates by name."""

    data: DataStack
    jobs: JobsStack
    services: cdk.Stack
    templates: dict[str, Template]

    def resources(self, stack: str, kind: str) -> dict[str, dict[str, Any]]:
        """Return the properties of the resources of a type, by logical ID."""
        return {
            name: found["Properties"] for name, found in self.templates[stack].find_resources(f"AWS::{kind}").items()
        }

    def whole(self, stack: str) -> dict[str, Any]:
        found: dict[str, Any] = self.templates[stack].to_json()["Resources"]
        return found


def made(settings: EnvironmentSettings) -> Shop:
    app = cdk.App(analytics_reporting=False)
    platform = PlatformStack(app, "Platform", settings=settings, namespace="shop")
    data = DataStack(app, "Data", settings=settings, vpc=platform.vpc)
    services = cdk.Stack(app, "Services")
    for name, each in {**data.stores, "ui": NO_STORE}.items():
        container = Container("redis:8", name=name, environment=each.environment, secrets=each.secrets)
        task = Task(container, called_services=each.called_services)
        each.open_to(Service(services, name.title(), cluster=platform.cluster, task=task, scaling=Scaling(1)))
    jobs = JobsStack(app, "Jobs", settings=settings, platform=platform, data=data)
    stacks = {each.stack_name: each for each in (platform, data, services, jobs)}
    return Shop(data, jobs, services, {name: template(stack) for name, stack in stacks.items()})


def data_in(**subnets: Any) -> Template:
    """Return the template of the data stores in a VPC with these subnets."""
    app = cdk.App(analytics_reporting=False)
    vpc = ec2.Vpc.from_vpc_attributes(
        cdk.Stack(app, "Platform"), "Vpc", vpc_id="vpc-1", availability_zones=["eu-west-1a", "eu-west-1b"], **subnets
    )
    return template(DataStack(app, "Data", settings=REMOVABLE, vpc=vpc))


def statements_of(shop: Shop, stack: str, role: str) -> list[dict[str, Any]]:
    """Return the statements of the policies of a role, which its logical ID begins with."""
    return [
        statement
        for policy in shop.resources(stack, "IAM::Policy").values()
        for each in policy["Roles"]
        if each["Ref"].startswith(role)
        for statement in policy["PolicyDocument"]["Statement"]
    ]
