"""Constructs as connectables, grantees and dependencies of CDK's own methods."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from moorage import (
    Capacity,
    Cluster,
    Container,
    Daemon,
    Gateway,
    Job,
    LoadBalancer,
    NetworkLoadBalancer,
    NetworkMode,
    Scaling,
    Service,
    Task,
    Worker,
)
from tests.conftest import template

IMAGE = "public.ecr.aws/docker/library/report:1.0"
TASK = Task(Container(IMAGE, name="report"))
BRIDGED = Task(Container(IMAGE, name="report"), cpu=256, memory_mib=512, network_mode=NetworkMode.BRIDGE)
EVERY_HOUR = scheduler.ScheduleExpression.rate(cdk.Duration.hours(1))
GENERAL = Capacity.ec2("general", instance_types=["m7i.large"], max_instances=2)
MANAGED = Capacity.managed_instances("managed")
LISTENER_ARN = "arn:aws:elasticloadbalancing:eu-west-1:111111111111:listener/app/edge/50dc6c495c0c9188/f2f7dc8efc522ab2"
NETWORK_ARN = "arn:aws:elasticloadbalancing:eu-west-1:111111111111:loadbalancer/net/gate/50dc6c495c0c9188"

Define = Callable[[cdk.Stack, ec2.IVpc], Any]


def cluster(stack: cdk.Stack, vpc: ec2.IVpc, *capacity: Capacity) -> Cluster:
    return Cluster(stack, "Cluster", vpc=vpc, failure_events=False, capacity=capacity or None)


def service(stack: cdk.Stack, vpc: ec2.IVpc) -> Service:
    return Service(stack, "It", cluster=cluster(stack, vpc), task=TASK)


def bridged_service(stack: cdk.Stack, vpc: ec2.IVpc) -> Service:
    return Service(stack, "It", cluster=cluster(stack, vpc, GENERAL), task=BRIDGED)


def worker(stack: cdk.Stack, vpc: ec2.IVpc) -> Worker:
    return Worker(stack, "It", cluster=cluster(stack, vpc), task=TASK, scaling=Scaling(0, 9, backlog_per_task=100))


def job(stack: cdk.Stack, vpc: ec2.IVpc) -> Job:
    return Job(stack, "It", cluster=cluster(stack, vpc), task=TASK, schedule=EVERY_HOUR)


def bridged_job(stack: cdk.Stack, vpc: ec2.IVpc) -> Job:
    return Job(stack, "It", cluster=cluster(stack, vpc, GENERAL), task=BRIDGED, schedule=EVERY_HOUR)


def imported_load_balancer(stack: cdk.Stack, vpc: ec2.IVpc) -> Any:
    return LoadBalancer.from_attributes(
        stack, "It", listener_arn=LISTENER_ARN, security_group_id="sg-0a1b2c3d4e5f60718", vpc=vpc
    )


def imported_network_load_balancer(stack: cdk.Stack, vpc: ec2.IVpc) -> Any:
    return NetworkLoadBalancer.from_attributes(
        stack, "It", load_balancer_arn=NETWORK_ARN, security_group_id="sg-0a1b2c3d4e5f60718", vpc=vpc
    )


def imported_service(stack: cdk.Stack, vpc: ec2.IVpc) -> Any:
    group = ec2.SecurityGroup.from_security_group_id(stack, "Tasks", "sg-0a1b2c3d4e5f60718")
    own_cluster = cluster(stack, vpc)
    return Service.from_attributes(stack, "It", cluster=own_cluster, service_name="web", security_groups=[group])


DEFINED: dict[str, Define] = {
    "Cluster": lambda stack, vpc: cluster(stack, vpc, GENERAL, MANAGED),
    "Daemon": lambda stack, vpc: Daemon(
        stack, "It", cluster=cluster(stack, vpc, MANAGED), capacity=MANAGED, task=Task(Container("redis:8"))
    ),
    "Gateway": lambda stack, vpc: Gateway(stack, "It", clusters=cluster(stack, vpc), access_logs=False),
    "ImportedLoadBalancer": imported_load_balancer,
    "ImportedNetworkLoadBalancer": imported_network_load_balancer,
    "ImportedService": imported_service,
    "InstanceGroup": lambda stack, vpc: cluster(stack, vpc, GENERAL).capacity(GENERAL),
    "Job": job,
    "Job in bridge mode": bridged_job,
    "LoadBalancer": lambda stack, vpc: LoadBalancer(stack, "It", vpc=vpc, access_logs=False),
    "ManagedInstances": lambda stack, vpc: cluster(stack, vpc, MANAGED).capacity(MANAGED),
    "NetworkLoadBalancer": lambda stack, vpc: NetworkLoadBalancer(stack, "It", vpc=vpc, access_logs=False),
    "Service": service,
    "Service in bridge mode": bridged_service,
    "Worker": worker,
}
"""A definition of each connectable and grantee, by class, some of them in several variants."""
GRANTEES = [name for name in DEFINED if name.split()[0] in {"Daemon", "Job", "Service", "Worker"}]


def interfaces(kind: type) -> list[type]:
    """Return the CDK interfaces that a class implements."""
    return [each for base in kind.__mro__ for each in vars(base).get("__jsii_ifaces__", [])]


def offers(kind: type, member: str) -> bool:
    return any(member in vars(each) for each in interfaces(kind))


def classes() -> set[type]:
    """Return all classes of this package that implement an interface, except for base classes."""
    found = {
        value
        for package in ("moorage", "moorage.ecs", "moorage.ecr")
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}.")
        if not module.ispkg and module.name != "moorage.ecs.run_once"  # the code of a Lambda function
        for value in vars(importlib.import_module(module.name)).values()
        if isinstance(value, type) and value.__module__.startswith("moorage.") and interfaces(value)
    }
    return found - {base for each in found for base in each.mro()[1:]}


@pytest.fixture
def database(stack: cdk.Stack, vpc: ec2.IVpc) -> ec2.Connections:
    """Return the connections of a database."""
    group = ec2.SecurityGroup(stack, "Database", vpc=vpc, allow_all_outbound=False)
    return ec2.Connections(security_groups=[group], default_port=ec2.Port.tcp(5432))


def group_ids(stack: cdk.Stack, of: Any) -> list[Any]:
    return [stack.resolve(each.security_group_id) for each in of.connections.security_groups]


def rules(stack: cdk.Stack, kind: str, port: int) -> list[tuple[Any, Any]]:
    """Return the rules for one port: the group of each rule, and its peer."""
    peer = "SourceSecurityGroupId" if kind == "Ingress" else "DestinationSecurityGroupId"
    return [
        (rule["Properties"]["GroupId"], rule["Properties"][peer])
        for rule in template(stack).find_resources(f"AWS::EC2::SecurityGroup{kind}").values()
        if rule["Properties"]["FromPort"] == rule["Properties"]["ToPort"] == port and peer in rule["Properties"]
    ]


def test_every_connectable_and_grantee_is_tested() -> None:
    found = [each for each in classes() if issubclass(each, Construct)]
    connectables = {each.__name__ for each in found if offers(each, "connections")}
    grantees = {each.__name__ for each in found if offers(each, "grant_principal")}
    assert connectables | grantees == {name.split()[0] for name in DEFINED}
    assert grantees == {name.split()[0] for name in GRANTEES}


def test_jsii_sees_every_member_of_the_implemented_interfaces() -> None:
    """jsii sees functions and properties of a class, but no `cached_property` and no attributes of instances."""
    unseen = {
        f"{each.__name__}.{member}"
        for each in classes()
        for interface in interfaces(each)
        for member in vars(interface)
        if not member.startswith("_")
        and not inspect.isfunction(found := inspect.getattr_static(each, member, None))
        and not inspect.isdatadescriptor(found)
    }
    assert unseen == set()


@pytest.mark.parametrize("name", DEFINED)
def test_a_database_can_allow_each_connectable(
    name: str, stack: cdk.Stack, vpc: ec2.IVpc, database: ec2.Connections
) -> None:
    it = DEFINED[name](stack, vpc)
    database.allow_default_port_from(it)
    database.allow_from(it, ec2.Port.tcp(5433))
    (own,) = group_ids(stack, database)
    theirs = group_ids(stack, it)
    assert theirs
    for port in (5432, 5433):
        assert sorted(rules(stack, "Ingress", port), key=str) == sorted([(own, each) for each in theirs], key=str)


@pytest.mark.parametrize("name", DEFINED)
def test_a_database_can_connect_to_each_connectable(
    name: str, stack: cdk.Stack, vpc: ec2.IVpc, database: ec2.Connections
) -> None:
    it = DEFINED[name](stack, vpc)
    database.allow_to(it, ec2.Port.tcp(5434))
    (own,) = group_ids(stack, database)
    theirs = group_ids(stack, it)
    assert theirs
    assert sorted(rules(stack, "Ingress", 5434), key=str) == sorted([(each, own) for each in theirs], key=str)
    assert sorted(rules(stack, "Egress", 5434), key=str) == sorted([(own, each) for each in theirs], key=str)


@pytest.mark.parametrize("name", GRANTEES)
def test_a_grant_to_each_grantee_is_a_statement_of_its_task_role(name: str, stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    it = DEFINED[name](stack, vpc)
    key = dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING)
    dynamodb.Table(stack, "Table", partition_key=key).grant_write_data(it)
    s3.Bucket(stack, "Bucket").grant_read(it)
    sqs.Queue(stack, "Mail").grant_send_messages(it)
    role = stack.resolve(it.grant_principal.role_name)
    statements = [
        statement
        for policy in template(stack).find_resources("AWS::IAM::Policy").values()
        if role in policy["Properties"]["Roles"]
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]
    for action, of in {"dynamodb:PutItem": "Table", "s3:GetObject*": "Bucket", "sqs:SendMessage": "Mail"}.items():
        (granted,) = [each for each in statements if action in each["Action"]]
        assert granted["Effect"] == "Allow"
        assert of in str(granted["Resource"])


@pytest.mark.parametrize("name", DEFINED)
def test_a_dependency_on_a_construct_waits_for_all_its_resources(name: str, stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    it = DEFINED[name](stack, vpc)
    later = cdk.CfnResource(stack, "Later", type="AWS::CloudFormation::WaitConditionHandle")
    later.node.add_dependency(it)
    defined = {stack.resolve(each.logical_id) for each in it.node.find_all() if isinstance(each, cdk.CfnResource)}
    (after,) = template(stack).find_resources(later.cfn_resource_type).values()
    assert set(after.get("DependsOn", ())) == defined
    assert bool(defined) is not name.startswith("Imported")
