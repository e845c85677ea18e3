"""Resources that an app imports by ID or name, such as a VPC, a subnet, a cluster or a role.

Like AWS, the local AWS refuses an ID that does not exist. The app's AWS account has the imported resources, but the
local AWS does not. So `up` creates these resources in a separate stack and lists them. The imported resources are those
that templates name by a literal ID, ARN or name, and that no stack of the app creates. A resource that would have to be
in a VPC of the app cannot exist before that VPC, so it is not created, and the local AWS refuses its ID.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from moorage.assembly.cloud_assembly import Stack
from moorage.local.account import Account
from moorage.local.environment import Access
from moorage.local.literals import kind_of, literals, text_of
from moorage.local.process import LocalError

STACK = "moorage-imports"
_KINDS = {
    "vpc": ("Moorage::Local::Vpc", "describe_vpcs", "Vpcs", "VpcId"),
    "subnet": ("Moorage::Local::Subnet", "describe_subnets", "Subnets", "SubnetId"),
    "sg": ("Moorage::Local::SecurityGroup", "describe_security_groups", "SecurityGroups", "GroupId"),
    "rtb": ("Moorage::Local::RouteTable", "describe_route_tables", "RouteTables", "RouteTableId"),
    "loadbalancer": ("Moorage::Local::LoadBalancer", "describe_load_balancers", "LoadBalancers", "LoadBalancerArn"),
    "listener": ("Moorage::Local::Listener", "", "", ""),
    "targetgroup": ("Moorage::Local::TargetGroup", "describe_target_groups", "TargetGroups", "TargetGroupArn"),
}
"""For each kind of ID: the type that creates the resource, and the operation, list and member with existing IDs."""
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role(/(?:[!-.0-~]+/)*)([\w+=,.@-]+)")
_BOOTSTRAPPED = re.compile(
    r"cdk-[a-z0-9_-]+-(deploy|file-publishing|image-publishing|lookup|cfn-exec)-role-\d{12}-[a-z0-9-]+"
)
"""The name of a role that `cdk bootstrap` creates, which an app can name in a policy."""
_ZONE = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d(?:[a-z]|-[a-z]{3}-\d[a-z])")
"""An Availability Zone or a Local Zone (EC2 user guide, "Regions and Zones")."""
_TRUST = {
    "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}},
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {
                "Service": [
                    f"{service}.amazonaws.com"
                    for service in (
                        *("autoscaling", "ec2", "ecs", "ecs-tasks", "events", "lambda", "scheduler", "states"),
                        *("application-autoscaling", "vpc-flow-logs", "apigateway", "cloudformation", "pipes"),
                    )
                ]
            },
        },
    ]
}
_ZONES = "abc"
_ANY_VPC = "vpc-0imported"
"""The VPC of resources that an app imports without naming a VPC."""
_IMAGE = "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"

Resources = dict[str, Any]


@attrs.frozen
class Place:
    """An account and region, with the templates that are deployed there.

    Args:
        account: The account and region.
        templates: The templates of the stacks and nested stacks.
    """

    account: Account
    templates: tuple[Mapping[str, Any], ...]

    def made(self, resource_type: str, name: str) -> set[str]:
        """Return the literal values of a property in the resources of one type."""
        return {
            text
            for _, resource in self.resources(resource_type)
            for text in [self.text((resource.get("Properties") or {}).get(name))]
            if text
        }

    def resources(self, *types: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield the logical ID and the definition of each resource of the given types. Default: all types."""
        for template in self.templates:
            for name, resource in template.get("Resources", {}).items():
                if not types or resource.get("Type") in types:
                    yield name, resource

    def literals(self, value: Any) -> Iterator[str]:
        """Yield the literal values in a part of a template."""
        text = self.text(value)
        if text is not None:
            yield text
        elif isinstance(value, Mapping):
            for each in value.values():
                yield from self.literals(each)
        elif isinstance(value, list):
            for each in value:
                yield from self.literals(each)

    def text(self, value: Any) -> str | None:
        """Return a literal value of a template as text; None for any other value."""
        return text_of(value, self.account.account, self.account.region)


def put(access: Access, assembly: Path, stacks: Sequence[Stack]) -> Iterator[str]:
    """Create or update the resources that stacks import, and yield a line for each account and region with changes.

    Args:
        access: The local AWS.
        assembly: The folder of the assembly, which contains the templates of nested stacks.
        stacks: The stacks to deploy.

    Raises:
        LocalError: The resources cannot be created.
    """
    places: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for stack in stacks:
        account = Account(access, stack.account, stack.region)
        places.setdefault((account.account, account.region), []).extend(_templates(stack.template, assembly))
    for (account_id, region), templates in places.items():
        place = Place(Account(access, account_id, region), tuple(templates))
        resources = _resources(place)
        if resources and _deployed(place.account, resources):
            named = ", ".join(sorted(_shown(each) for each in resources.values() if _shown(each)))
            yield f"Created in {account_id} {region}, since the app expects it and does not define it: {named}.\n"


def _templates(template: Mapping[str, Any], assembly: Path) -> Iterator[Mapping[str, Any]]:
    yield template
    for resource in template.get("Resources", {}).values():
        name = (resource.get("Metadata") or {}).get("aws:asset:path")
        if resource.get("Type") == "AWS::CloudFormation::Stack" and name:
            for path in assembly.rglob(Path(name).name):
                yield from _templates(json.loads(path.read_text("utf-8")), assembly)


def _shown(resource: Mapping[str, Any]) -> str:
    properties = resource["Properties"]
    name = str(properties.get("Id") or properties.get("ClusterName") or properties.get("RoleName") or "")
    return "" if name == _ANY_VPC else name


def _deployed(account: Account, resources: Mapping[str, Any]) -> bool:
    """Create or update the stack of imports, and return whether anything changed."""
    client, stands = account.client("cloudformation"), account.stack(STACK) is not None
    template = {"Resources": resources}
    if stands and client.get_template(StackName=STACK)["TemplateBody"] == template:
        return False
    (client.update_stack if stands else client.create_stack)(
        StackName=STACK, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    status = str((account.stack(STACK) or {}).get("StackStatus"))
    if not status.endswith(("CREATE_COMPLETE", "UPDATE_COMPLETE")):
        events = client.describe_stack_events(StackName=STACK)["StackEvents"]
        failed = [each for each in events if each["ResourceStatus"].endswith("FAILED")]
        reason = failed[-1].get("ResourceStatusReason", "") if failed else status
        raise LocalError(f"the resources that the app imports cannot be created in the local AWS: {reason}")
    return True


def _resources(place: Place) -> Resources:
    """Return the resources to create for the imports in the templates of an account and region."""
    return {**_network(place), **_zones(place), **_clusters(place), **_roles(place)}


def _known(account: Account) -> set[str]:
    """Return the IDs that exist in an account and region of the local AWS, except those in the stack of imports."""
    clients = (account.client("ec2"), account.client("elbv2"))
    found = {
        each[identifier]
        for _, operation, answer, identifier in _KINDS.values()
        for client in clients
        if operation and hasattr(client, operation)
        for each in getattr(client, operation)()[answer]
    }
    return found.union(_listeners(account)) - _imported(account)


def _listeners(account: Account) -> Iterator[str]:
    client = account.client("elbv2")
    for balancer in client.describe_load_balancers()["LoadBalancers"]:
        for listener in client.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]:
            yield listener["ListenerArn"]


def _imported(account: Account) -> set[str]:
    return {each["PhysicalResourceId"] for each in account.resources(STACK)} if account.stack(STACK) else set()


def _network(place: Place) -> Resources:
    """Return a resource for each network ID that does not exist.

    A resource that templates name without a VPC is put in any imported VPC.
    """
    known = _known(place.account)
    found = literals(place.templates, place.account.account, place.account.region)
    named = [each for group in found.groups for each in group if kind_of(each) == "vpc"]
    resources: Resources = {}
    for group in found.groups:
        own = [each for each in group if kind_of(each) == "vpc"]
        vpc = (own or named or [_ANY_VPC])[0]
        balancers = {each: _balancer(each) for each in group if kind_of(each) == "listener"}
        for each in dict.fromkeys((vpc, *own, *balancers.values(), *group)):
            if each in known:
                continue
            kind = _KINDS[kind_of(each) or ""][0]
            stated = {"Id": each, **({} if kind_of(each) == "vpc" else {"VpcId": vpc})}
            if kind_of(each) == "subnet":
                number = sum("CidrBlock" in one["Properties"] for one in resources.values())
                zone = _ZONES[found.positions.get(each, 0) % len(_ZONES)]
                stated |= {
                    "AvailabilityZone": f"{place.account.region}{zone}",
                    "CidrBlock": f"10.0.{number % 256}.0/24",
                }
            needs = [one for one in (vpc, balancers.get(each)) if one and one != each and one not in known]
            resources[_logical_id(kind, each)] = {
                "Type": kind,
                "Properties": stated,
                "DependsOn": [_logical_id(_KINDS[kind_of(one) or ""][0], one) for one in needs],
            }
    return resources


def _balancer(listener: str) -> str:
    """Return the ARN of a listener's load balancer."""
    return listener.replace(":listener/", ":loadbalancer/").rpartition("/")[0]


def _logical_id(kind: str, name: str) -> str:
    return kind.rpartition("::")[2] + "".join(f"{ord(each):x}" if not each.isalnum() else each for each in name)


def _zones(place: Place) -> Resources:
    """Return a resource for each zone that AWS does not have: CDK's placeholders until zones are looked up."""
    kind = "Moorage::Local::AvailabilityZone"
    names = (place.text((each.get("Properties") or {}).get("AvailabilityZone")) for _, each in place.resources())
    return {
        _logical_id(kind, name): {"Type": kind, "Properties": {"Id": name}}
        for name in names
        if name and not _ZONE.fullmatch(name)
    }


def _clusters(place: Place) -> Resources:
    """Return the clusters and capacity providers that services import, with instances for the services' tasks."""
    made = place.made("AWS::ECS::Cluster", "ClusterName")
    providers = place.made("AWS::ECS::CapacityProvider", "Name")
    resources: Resources = {}
    for _, resource in place.resources("AWS::ECS::Service"):
        stated = resource.get("Properties") or {}
        name = (place.text(stated.get("Cluster")) or "").rpartition("/")[2]
        if not name or name in made:
            continue
        strategy = [place.text(each.get("CapacityProvider")) for each in stated.get("CapacityProviderStrategy") or ()]
        named = {each for each in strategy if each and not each.startswith("FARGATE") and each not in providers}
        _add_cluster(resources, name, named)
    return resources


def _add_cluster(resources: Resources, name: str, providers: set[str]) -> None:
    cluster = _logical_id("Cluster", name)
    resources[cluster] = {"Type": "AWS::ECS::Cluster", "Properties": {"ClusterName": name}}
    joined = resources.setdefault(
        f"{cluster}Providers",
        {
            "Type": "AWS::ECS::ClusterCapacityProviderAssociations",
            "Properties": {
                "Cluster": {"Ref": cluster},
                "CapacityProviders": ["FARGATE", "FARGATE_SPOT"],
                "DefaultCapacityProviderStrategy": [],
            },
        },
    )["Properties"]["CapacityProviders"]
    for provider in sorted(each for each in providers if f"{_logical_id(cluster, each)}Provider" not in resources):
        joined.append({"Ref": f"{_logical_id(cluster, provider)}Provider"})
        resources.update(_instances(cluster, name, provider))


def _instances(cluster: str, name: str, provider: str) -> Resources:
    """Return a capacity provider and the resources of its Auto Scaling group, which starts instances for tasks."""
    prefix = _logical_id(cluster, provider)
    script = base64.b64encode(f"#!/bin/bash\necho ECS_CLUSTER={name} >> /etc/ecs/ecs.config\n".encode()).decode()
    zones = [f"{prefix}Subnet{zone}" for zone in _ZONES]
    return {
        f"{prefix}Network": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.255.0.0/16"}},
        **{
            f"{prefix}Subnet{zone}": {
                "Type": "AWS::EC2::Subnet",
                "Properties": {
                    "VpcId": {"Ref": f"{prefix}Network"},
                    "CidrBlock": f"10.255.{number}.0/24",
                    "AvailabilityZone": {"Fn::Select": [number, {"Fn::GetAZs": ""}]},
                },
            }
            for number, zone in enumerate(_ZONES)
        },
        f"{prefix}Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": _TRUST,
                "ManagedPolicyArns": ["arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"],
            },
        },
        f"{prefix}Profile": {
            "Type": "AWS::IAM::InstanceProfile",
            "Properties": {"Roles": [{"Ref": f"{prefix}Role"}]},
        },
        f"{prefix}Template": {
            "Type": "AWS::EC2::LaunchTemplate",
            "Properties": {
                "LaunchTemplateData": {
                    "ImageId": f"{{{{resolve:ssm:{_IMAGE}}}}}",
                    "InstanceType": "m5.4xlarge",
                    "IamInstanceProfile": {"Arn": {"Fn::GetAtt": [f"{prefix}Profile", "Arn"]}},
                    "UserData": script,
                }
            },
        },
        f"{prefix}Group": {
            "Type": "AWS::AutoScaling::AutoScalingGroup",
            "Properties": {
                "MinSize": "0",
                "MaxSize": "20",
                "VPCZoneIdentifier": [{"Ref": each} for each in zones],
                "LaunchTemplate": {
                    "LaunchTemplateId": {"Ref": f"{prefix}Template"},
                    "Version": {"Fn::GetAtt": [f"{prefix}Template", "LatestVersionNumber"]},
                },
            },
        },
        f"{prefix}Provider": {
            "Type": "AWS::ECS::CapacityProvider",
            "Properties": {
                "Name": provider,
                "AutoScalingGroupProvider": {
                    "AutoScalingGroupArn": {"Ref": f"{prefix}Group"},
                    "ManagedScaling": {"Status": "ENABLED"},
                },
            },
        },
    }


def _roles(place: Place) -> Resources:
    """Return the roles that templates import. They have all permissions; any principal in `_TRUST` may assume them."""
    made = place.made("AWS::IAM::Role", "RoleName")
    found: Resources = {}
    for _, resource in place.resources():
        for text in place.literals(resource.get("Properties")):
            role = _ROLE.fullmatch(text)
            if role and role[2] not in made and not _BOOTSTRAPPED.fullmatch(role[2]):
                found[_logical_id("Role", role[2])] = {
                    "Type": "AWS::IAM::Role",
                    "Properties": {
                        "RoleName": role[2],
                        "Path": role[1],
                        "AssumeRolePolicyDocument": _TRUST,
                        "ManagedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"],
                    },
                }
    return found
