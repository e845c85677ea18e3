"""The private names under which services reach each other, and the paths that are open between them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import attrs
import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam

from moorage.ecs.cdk_values import optional_duration
from moorage.ecs.load_balancing.define_routes import HANDED_OUT
from moorage.ecs.task.task_definition import port_name
from moorage.scope.per_construct import PerConstruct
from moorage.workload import container_limits, service_limits
from moorage.workload.durations import optional_seconds
from moorage.workload.problems import Problems, is_token
from moorage.workload.task import NetworkMode

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_logs as logs
    from constructs import Construct, IConstruct, Node

    from moorage.ecs.cluster.cluster import Cluster
    from moorage.ecs.cluster.imported_cluster import ImportedCluster
    from moorage.ecs.load_balancing.target import Target
    from moorage.ecs.task.task_launch import Launch
    from moorage.workload.container import Container
    from moorage.workload.task import Task

_HTTP = 80
_MOST_DISCOVERED = 64
_WITH_KEY = ("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyPair")
"""What AWS's policy for proxies that encrypt does not have: the use of a key of one's own (ECS guide, TLS)."""
_AMONG_INSTANCES = "Service Connect from instances to instances"


@attrs.frozen(kw_only=True)
class ServiceConnectTls:
    """Encryption between the proxies of Service Connect, with certificates that AWS renews.

    Args:
        authority_arn: The ARN of an AWS Private CA that issues them; priced, and so are its short-lived certificates.
        key: Encrypts their private keys; AWS's own key without it. One that is imported must let IAM decide, as the
            default policy of a key does.
        role: Lets ECS ask for them, and use the key; one with AWS's managed policy for it is defined without it.

    Raises:
        ValueError: the authority is no ARN of a Private CA.
    """

    authority_arn: str
    key: kms.IKey | None = None
    role: iam.IRole | None = None

    def __attrs_post_init__(self) -> None:
        problems = Problems("ServiceConnectTls")
        problems.check(service_limits.AUTHORITY_ARN, "authority_arn", self.authority_arn)
        problems.raise_any()


@attrs.frozen(kw_only=True)
class ServiceConnect:
    """A service's name in its cluster's namespace: `http://<name>` for every other service that connects to it.

    A proxy beside each task finds the others, spreads requests over them and takes failing ones out. It uses the
    task's CPU and memory: 256 CPU units and 64 MiB more are what AWS recommends.

    Args:
        name: Its name for others, 1 to 127 characters as host names have, and no other service's in the namespace; that
            of its first container with a port without it. Cloud Map has it with hyphens in place of dots. Not used by a
            service without a port, which only connects to others.
        port: The port under that name, 80 without it, so that `http://<name>` is enough.
        idle_timeout: After how long an idle connection is closed; an hour without it, never where it is 0.
        tls: Encryption between the proxies.
        access_logs: Whether the proxy logs each request, as JSON and without its query, into the service's log group.

    Raises:
        ValueError: with all that ECS would not take.
    """

    name: str | None = None
    port: int = _HTTP
    idle_timeout: int | None = attrs.field(converter=optional_seconds, default=None)
    tls: ServiceConnectTls | None = None
    access_logs: bool = False

    def __attrs_post_init__(self) -> None:
        problems = Problems("ServiceConnect")
        problems.check(service_limits.CONNECT_NAME, "name", self.name)
        problems.check(container_limits.PORT, "port", self.port)
        problems.raise_any()

    def name_for(self, task: Task) -> str | None:
        """Its name for others; None where the task has no port to connect to."""
        return None if task._front_container is None else self.name or task._front_container.name

    def url_for(self, task: Task) -> str:
        """Where others reach it."""
        return f"http://{self.name_for(task)}" + ("" if self.port == _HTTP else f":{self.port}")

    def check(self, task: Task, known: Cluster | ImportedCluster, problems: Problems) -> None:
        """Note why a service of this task could not have this place in the namespace of a cluster."""
        name = self.name_for(task)
        if known.namespace is None:
            problems.add(
                "connect is given, but the cluster has no namespace in which services have names; "
                "use Cluster(namespace='...'), or of one that exists already Cluster.from_attributes(namespace='...')"
            )
        elif name is not None and (other := _names_in(known).get(_discovered(name))):
            problems.add(
                f"its name for others is {name!r}, but {other.node.path} is found under {_discovered(name)!r} in that "
                "namespace, and a name is there once; use ServiceConnect(name=...) with another"
            )
        if task._on_windows:
            problems.add(
                f"connect is given, but on {task.operating_system_family.value} ECS starts no proxy; leave it out, and "
                "use cloud_map_options=, or a route"
            )
        front = task._front_container
        if task.network_mode not in {NetworkMode.AWSVPC, NetworkMode.BRIDGE}:
            problems.add(
                f"connect is given in {task.network_mode.value} mode, but the proxy needs a network of the task's own; "
                "use network_mode=NetworkMode.AWSVPC or NetworkMode.BRIDGE"
            )
        elif front is not None:
            problems.check(service_limits.CONNECT_NAME, "the name for others", self.name_for(task))
            if port_name(task, front) is None:
                problems.add(
                    f"connect is given, but a port is named after its container, and {front.name!r} is no name of one; "
                    "use Container(name=...) with 1 to 64 letters, digits, '_' and '-', not first '-'"
                )
        elif self.name is not None:
            problems.add(
                f"connect has name {self.name!r}, but the task has no port that others could connect to; "
                "use Container(..., port=...), or leave the name out"
            )

    def define(
        self,
        scope: Construct,
        task: Task,
        known: Cluster | ImportedCluster,
        log_group: logs.ILogGroup,
    ) -> dict[str, Any]:
        """What CDK's services take for it."""
        front, namespace = task._front_container, known.namespace
        if namespace is None:
            return {}
        served = [] if front is None else [self._served(scope, front)]
        if front is not None:
            _names_in(known)[_discovered(self.name or front.name)] = scope
        logged = ecs.ServiceConnectAccessLogConfiguration(format=ecs.ServiceConnectAccessLogFormat.JSON)
        return {
            "service_connect_configuration": ecs.ServiceConnectProps(
                namespace=namespace if isinstance(namespace, str) else namespace.namespace_arn,
                services=served,
                log_driver=ecs.LogDrivers.aws_logs(stream_prefix="service-connect", log_group=log_group),
                access_log_configuration=logged if self.access_logs else None,
            )
        }

    def _served(self, scope: Construct, front: Container) -> ecs.ServiceConnectService:
        name = self.name or front.name
        return ecs.ServiceConnectService(
            port_mapping_name=front.name.lower(),
            discovery_name=_discovered(name),
            dns_name=name,
            port=self.port,
            idle_timeout=optional_duration(self.idle_timeout),
            tls=self._encrypted(scope) if self.tls else None,
        )

    def _encrypted(self, scope: Construct) -> ecs.ServiceConnectTlsConfiguration | None:
        if self.tls is None:
            return None
        key = self.tls.key
        may_use = key and iam.PolicyStatement(actions=list(_WITH_KEY), resources=[key.key_arn])
        role = self.tls.role or iam.Role(
            scope,
            "ConnectRole",
            inline_policies={"Key": iam.PolicyDocument(statements=[may_use])} if may_use else None,
            assumed_by=iam.ServicePrincipal("ecs.amazonaws.com"),
            managed_policies=[
                iam.ManagedPolicy.from_aws_managed_policy_name(
                    "service-role/AmazonECSInfrastructureRolePolicyForServiceConnectTransportLayerSecurity"
                )
            ],
        )
        return ecs.ServiceConnectTlsConfiguration(aws_pca_authority_arn=self.tls.authority_arn, kms_key=key, role=role)


_names: PerConstruct[Any, dict[str, Construct]] = PerConstruct()
"""The services that are found in each namespace, by the names under which they are."""


def _names_in(known: Cluster | ImportedCluster) -> dict[str, Construct]:
    """Those of a cluster's namespace, or of the cluster where that is known by a name alone."""
    return _names.get_or_make(known if isinstance(known.namespace, str) else known.namespace, dict)


def _discovered(name: str) -> str:
    """What Cloud Map calls a name for others: 64 characters, none of them a dot (botocore `discoveryName`)."""
    return name if is_token(name) else name.replace(".", "-")[:_MOST_DISCOVERED].rstrip("-")


def apart(one: Cluster | ImportedCluster, other: Cluster | ImportedCluster) -> bool:
    """Whether the namespaces of two clusters are known to be two."""
    from aws_cdk import aws_servicediscovery as servicediscovery  # noqa: PLC0415  # loads aws_cdk.aws_servicediscovery

    mine, its = one.namespace, other.namespace
    if isinstance(mine, str) and isinstance(its, str):
        return not is_token((mine, its)) and mine != its and mine.startswith("arn:") is its.startswith("arn:")
    defined = [isinstance(each, servicediscovery.HttpNamespace) for each in (mine, its)]  # and not imported
    return all(defined) and mine is not its


@attrs.frozen(eq=False, repr=False)
class ConnectedService:
    """One end of the paths between services.

    Args:
        construct: The construct in which its rules are defined; errors name it.
        service: The service itself.
        launch: How its tasks are started.
        security_groups: The security groups of its tasks.
        targets: Its target groups.
    """

    construct: Construct
    service: ecs.BaseService
    launch: Launch
    security_groups: tuple[ec2.ISecurityGroup, ...]
    targets: tuple[Target, ...]

    @property
    def node(self) -> Node:
        """The node of its construct."""
        return self.construct.node

    @property
    def stack(self) -> cdk.Stack:
        """The stack of its construct."""
        return cdk.Stack.of(self.construct)


_paths: PerConstruct[ConnectedService, list[ConnectedService]] = PerConstruct()
"""Which services connect to which others."""
_opened: PerConstruct[cdk.Stack, set[tuple[str, str, int]]] = PerConstruct()
"""Between which security groups each stack has rules, and from which port on; EC2 takes each rule once."""


def open_path(client: ConnectedService, server: ConnectedService, port: int) -> None:
    """Let a service's tasks connect to another's on one port, or in bridge mode on those that proxies are handed out.

    Where the one that connects has interfaces of its own, both rules stand in its stack, and the stack of the other
    never refers to it: no circle of stacks comes about but by connecting back. Instances are shared by services of
    several stacks, so rules of theirs stand in the stack of the other, or of the instances.

    Args:
        client: The service that connects.
        server: That which it connects to.
        port: The port of the other's container.

    Raises:
        ValueError: a service of the other's stack connects to one of this stack, directly or by others.
    """
    here, there = client.stack, server.stack
    back = _stacks_way(there, here, server) if here is not there else None
    if back:
        raise ValueError(
            f"{client.node.path}: it connects to {server.node.path}, and {back}, so that neither stack could be "
            "deployed before the other; define both services in one stack"
        )
    if client is not server and not _leads(server, client):  # of two that connect to each other one must start first
        client.service.node.add_dependency(server.service)
    _paths.get_or_make(client, list).append(server)
    mine, its = client.launch, server.launch
    ports = (port, port) if its.own_interface else HANDED_OUT  # (botocore ServiceConnectService.ingressPortOverride)
    from_groups = client.security_groups if mine.own_interface else mine.instance_groups()
    into_groups = server.security_groups if its.own_interface else its.instance_groups()
    for index, (one, other) in enumerate(itertools.product(from_groups, into_groups)):
        suffix = f" {index}" if index else ""
        if mine.own_interface and its.own_interface:
            said = f"{client.node.id} to {server.node.id} on port {port}"
            _define_rules(client.construct, f"{server.node.addr[-8:]} {port}{suffix}", one, other, ports, said)
        elif mine.own_interface:
            said = f"{client.node.id} to instances"
            _define_rules(client.construct, f"{other.node.addr[-8:]} instances{suffix}", one, other, ports, said)
        elif its.own_interface:
            said = f"Instances to {server.node.id} on port {port}"
            _define_rules(server.construct, f"{one.node.addr[-8:]} {port}{suffix}", one, other, ports, said)
        else:
            opened = ec2.Port.tcp_range(*ports)
            one.add_egress_rule(other, opened, _AMONG_INSTANCES)
            other.add_ingress_rule(one, opened, _AMONG_INSTANCES, remote_rule=True)


def _define_rules(
    scope: Construct,
    named: str,
    mine: ec2.ISecurityGroup,
    its: ec2.ISecurityGroup,
    ports: tuple[int, int],
    said: str,
) -> None:
    """Define in `scope` what lets one group connect to another, unless its stack has that already."""
    first, last = ports
    opened = _opened.get_or_make(cdk.Stack.of(scope), set)
    client, server = mine.security_group_id, its.security_group_id
    asked = (client, server, first)
    if asked in opened:
        return
    opened.add(asked)
    rule: dict[str, Any] = {"ip_protocol": "tcp", "from_port": first, "to_port": last, "description": said}
    ec2.CfnSecurityGroupEgress(scope, f"To {named}", group_id=client, destination_security_group_id=server, **rule)
    ec2.CfnSecurityGroupIngress(scope, f"Into {named}", group_id=server, source_security_group_id=client, **rule)


def _leads(start: ConnectedService, goal: ConnectedService) -> bool:
    """Whether a service connects to another, directly or by others."""
    ways, seen = [start], {start}
    while ways:
        for following in _paths.get(ways.pop()) or ():
            if following is goal:
                return True
            if following not in seen:
                seen.add(following)
                ways.append(following)
    return False


def _stacks_way(start: cdk.Stack, goal: cdk.Stack, server: ConnectedService) -> str | None:
    """By which services one stack needs another, `server` among them; None where it does not."""
    following: dict[cdk.Stack, list[tuple[cdk.Stack, str]]] = {}
    paths = dict(_paths.items())
    for client, servers in paths.items():
        for each in servers:
            said = f"{client.node.path} connects to {each.node.path}"
            following.setdefault(client.stack, []).append((each.stack, said))
    for service in dict.fromkeys([*itertools.chain(paths, *paths.values()), server]):
        for what in _needed(service):
            way = (cdk.Stack.of(what), f"{service.node.path} needs {what.node.path}")
            following.setdefault(service.stack, []).append(way)
    ways: list[tuple[cdk.Stack, tuple[str, ...]]] = [(start, ())]
    seen = {start}
    while ways:
        stack, walked = ways.pop()
        for other, said in following.get(stack, ()):
            if other is goal:
                return ", ".join([*walked, said])
            if other not in seen:
                seen.add(other)
                ways.append((other, (*walked, said)))
    return None


def _needed(service: ConnectedService) -> Iterator[IConstruct]:
    """The cluster and the load balancers of a service, of which those that are imported need no stack."""
    if isinstance(service.launch.cluster, ecs.Cluster):
        yield service.launch.cluster
    for target in service.targets:
        entrance = target.route.load_balancer
        if isinstance(entrance.security_group, ec2.SecurityGroup):
            yield entrance
