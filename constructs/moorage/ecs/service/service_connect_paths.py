"""The security group rules and dependencies that let the services of a namespace connect to each other."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

import attrs
import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs

from moorage.ecs.cluster.imported_cluster import ImportedCluster
from moorage.ecs.group_rules import is_first
from moorage.ecs.load_balancing.define_routes import EPHEMERAL_PORTS
from moorage.ecs.task.launch_warnings import add_warning
from moorage.scope.per_construct import PerConstruct
from moorage.workload.errors import ValidationError
from moorage.workload.problems import Problems, is_token

if TYPE_CHECKING:
    from constructs import Construct, IConstruct, Node

    from moorage.ecs.cluster.cluster import Cluster
    from moorage.ecs.load_balancing.shared_load_balancer import SharedLoadBalancer
    from moorage.ecs.service.service_connect import ServiceConnect

_INSTANCE_RULE_DESCRIPTION = "Service Connect from instances to instances"


def _have_different_namespaces(
    first_cluster: Cluster | ImportedCluster, second_cluster: Cluster | ImportedCluster
) -> bool:
    """Return True if the namespaces of two clusters are known to differ."""
    from aws_cdk import aws_servicediscovery as servicediscovery  # noqa: PLC0415  # loads aws_cdk.aws_servicediscovery

    first_namespace, second_namespace = first_cluster.namespace, second_cluster.namespace
    if isinstance(first_namespace, str) and isinstance(second_namespace, str):
        return (
            not is_token((first_namespace, second_namespace))
            and first_namespace != second_namespace
            and first_namespace.startswith("arn:") is second_namespace.startswith("arn:")
        )
    namespaces = (first_namespace, second_namespace)
    are_defined_here = all(isinstance(each, servicediscovery.HttpNamespace) for each in namespaces)  # and not imported
    return are_defined_here and first_namespace is not second_namespace


@attrs.frozen(eq=False, repr=False)
class ConnectedService:
    """One end of a path between services.

    Args:
        construct: The construct in which the security group rules are defined, and that errors name.
        cluster_view: Moorage's view of the cluster of the service.
        connect: The name of the service in the namespace, or None for a service without a name.
        url: The URL of the service, or None for a service without a name or a port.
        port: The port of the container that other services connect to, or None without such a port.
        has_own_interface: True if each task has its own network interface.
        security_groups: The security groups of the tasks.
        service: The CDK construct of the service. Default: None, for a service that exists already.
        instance_security_groups: A function that returns the security groups of the instances, if tasks use these.
            Default: none.
        cluster: The cluster of the service. Default: None, for a service that exists already.
        load_balancers: The load balancers of the service. Default: none.
    """

    construct: Construct
    cluster_view: Cluster | ImportedCluster
    connect: ServiceConnect | None
    url: str | None
    port: int | None
    has_own_interface: bool
    security_groups: tuple[ec2.ISecurityGroup, ...]
    service: ecs.BaseService | None = None
    instance_security_groups: Callable[[], Sequence[ec2.ISecurityGroup]] = list
    cluster: ecs.ICluster | None = None
    load_balancers: tuple[SharedLoadBalancer, ...] = ()

    @property
    def node(self) -> Node:
        """The construct node of the service."""
        return self.construct.node

    @property
    def stack(self) -> cdk.Stack:
        """The stack of the service."""
        return cdk.Stack.of(self.construct)


_servers_by_client: PerConstruct[ConnectedService, list[ConnectedService]] = PerConstruct()
"""The services that each service connects to."""


def connect(client: ConnectedService, server: ConnectedService) -> str:
    """Open the path from one service to another, and return the URL of the other service.

    Args:
        client: The service that connects.
        server: The service that the client connects to.

    Raises:
        ValueError: If a service has no `connect` or no known security group, the namespaces differ, the other service
            has no port, or the stacks would depend on each other in a cycle.
    """
    problems = Problems(lambda: str(client.node.path))
    for service in (client, server):
        if service.connect is None:
            problems.add(
                f"{service.node.path} has no name in a namespace, so it can neither find other services nor be found; "
                f"use {_ways_to_a_name(service)}"
            )
        if not service.security_groups and service.service is not None:
            problems.add(
                f"{service.node.path} runs on instances whose security group is not known, so moorage cannot allow "
                "connections; use Cluster.from_attributes(..., security_groups=[...])"
            )
    both_connect = client.connect and server.connect
    if both_connect and _have_different_namespaces(client.cluster_view, server.cluster_view):
        problems.add(
            f"{server.node.path} must have its name in the namespace of this service, whose proxy finds no services of "
            "other namespaces; define both services in one cluster, or in clusters that share a namespace"
        )
    if server.port is None and server.service is not None:
        problems.add(f"{server.node.path} has no port to connect to; use Container(..., port=...) in its task")
    problems.raise_any()
    if server.service is not None:
        _deploy_after(client, server)
    _open_path(client, server, cast("int", server.port))  # a missing port or connect is reported above
    return cast("str", server.url)


def _ways_to_a_name(service: ConnectedService) -> str:
    """Return the arguments that give a service a name, and its cluster a namespace if the cluster has none."""
    name = "Service.from_attributes(connect=...)" if service.service is None else "Service(connect=ServiceConnect())"
    if service.cluster_view.namespace is not None:
        return name
    is_imported = isinstance(service.cluster_view, ImportedCluster)
    return f"{'Cluster.from_attributes' if is_imported else 'Cluster'}(namespace='...') and {name}"


def _deploy_after(client: ConnectedService, server: ConnectedService) -> None:
    """Deploy a service after another service of the app, unless the other service already connects to it.

    Args:
        client: The service that connects.
        server: The service that the client connects to.

    Raises:
        ValueError: If a service of the server's stack connects to a service of the client's stack, even through other
            services.
    """
    client_service, server_service = cast("ecs.BaseService", client.service), cast("ecs.BaseService", server.service)
    client_stack, server_stack = client.stack, server.stack
    dependency = _stack_dependency(server_stack, client_stack, server) if client_stack is not server_stack else None
    if dependency:
        raise ValidationError(
            f"{client.node.path}: this service connects to {server.node.path}, but {dependency}, so neither stack "
            "could be deployed before the other; define both services in one stack"
        )
    if client is not server and _is_path(server, client):  # if two services connect to each other, one starts first
        add_warning(
            client.construct,
            f"@moorage/ecs:connect-circle-{server.node.addr[-8:]}",
            f"this service connects to {server.node.path}, which connects back and therefore starts later, so the "
            "proxy of this service finds the other service only after another deployment; deploy this service again "
            "after the first deployment, for example with aws ecs update-service --force-new-deployment",
        )
    elif client is not server:
        client_service.node.add_dependency(server_service)
    _servers_by_client.get_or_make(client, list).append(server)


def _open_path(client: ConnectedService, server: ConnectedService, port: int) -> None:
    """Let a service connect to one port of another service, or in bridge mode to all ports that ECS assigns.

    If the tasks of the client have their own network interfaces, both rules belong to the client's stack. The server's
    stack never refers to the client's stack, so only a connection in the other direction can close a cycle of stacks.
    Services of several stacks share instances, so the rules of a client on instances belong to the server's stack, or
    to the stack of the instances.

    Args:
        client: The service that connects.
        server: The service that the client connects to.
        port: The port of the server's container.
    """
    # botocore ecs ServiceConnectService.ingressPortOverride: in bridge mode, ECS assigns the port of the proxy
    ports = (port, port) if server.has_own_interface else EPHEMERAL_PORTS
    client_groups = client.security_groups if client.has_own_interface else client.instance_security_groups()
    server_groups = server.security_groups if server.has_own_interface else server.instance_security_groups()
    for index, (client_group, server_group) in enumerate(itertools.product(client_groups, server_groups)):
        suffix = f" {index}" if index else ""
        if client.has_own_interface and server.has_own_interface:
            scope, peer = client.construct, f"{server.node.addr[-8:]} {port}"
            description = f"{client.node.id} to {server.node.id} on port {port}"
        elif client.has_own_interface:
            scope, peer = client.construct, f"{server_group.node.addr[-8:]} instances"
            description = f"{client.node.id} to instances"
        elif server.has_own_interface:
            scope, peer = server.construct, f"{client_group.node.addr[-8:]} {port}"
            description = f"Instances to {server.node.id} on port {port}"
        else:
            port_range = ec2.Port.tcp_range(*ports)
            client_group.add_egress_rule(server_group, port_range, _INSTANCE_RULE_DESCRIPTION)
            server_group.add_ingress_rule(client_group, port_range, _INSTANCE_RULE_DESCRIPTION, remote_rule=True)
            continue
        _define_rules(scope, f"{peer}{suffix}", client_group, server_group, ports, description)


def _define_rules(
    scope: Construct,
    id_suffix: str,
    client_group: ec2.ISecurityGroup,
    server_group: ec2.ISecurityGroup,
    ports: tuple[int, int],
    description: str,
) -> None:
    """Define the rules in `scope` that let one group connect to another, unless the stage already has these rules."""
    first_port, last_port = ports
    client, server = client_group.security_group_id, server_group.security_group_id
    if not is_first(cdk.Stack.of(scope), client, server, first_port, last_port):
        return
    rule: dict[str, Any] = {
        "ip_protocol": "tcp",
        "from_port": first_port,
        "to_port": last_port,
        "description": description,
    }
    ec2.CfnSecurityGroupEgress(scope, f"To {id_suffix}", group_id=client, destination_security_group_id=server, **rule)
    ec2.CfnSecurityGroupIngress(scope, f"Into {id_suffix}", group_id=server, source_security_group_id=client, **rule)


def _is_path(start: ConnectedService, goal: ConnectedService) -> bool:
    """Return True if a service connects to another service, directly or through other services."""
    queue, seen = [start], {start}
    while queue:
        for server in _servers_by_client.get(queue.pop()) or ():
            if server is goal:
                return True
            if server not in seen:
                seen.add(server)
                queue.append(server)
    return False


def _stack_dependency(start: cdk.Stack, goal: cdk.Stack, server: ConnectedService) -> str | None:
    """Describe how `start` depends on `goal`, with `server` among the services. Return None without a dependency."""
    needed_stacks: dict[cdk.Stack, list[tuple[cdk.Stack, str]]] = {}
    servers_by_client = dict(_servers_by_client.items())
    for client, servers in servers_by_client.items():
        for connected in servers:
            reason = f"{client.node.path} connects to {connected.node.path}"
            needed_stacks.setdefault(client.stack, []).append((connected.stack, reason))
    for service in dict.fromkeys([*itertools.chain(servers_by_client, *servers_by_client.values()), server]):
        for required in _required_constructs(service):
            step = (cdk.Stack.of(required), f"{service.node.path} needs {required.node.path}")
            needed_stacks.setdefault(service.stack, []).append(step)
    routes: list[tuple[cdk.Stack, tuple[str, ...]]] = [(start, ())]
    visited = {start}
    while routes:
        stack, reasons = routes.pop()
        for needed_stack, reason in needed_stacks.get(stack, ()):
            if needed_stack is goal:
                return ", ".join([*reasons, reason])
            if needed_stack not in visited:
                visited.add(needed_stack)
                routes.append((needed_stack, (*reasons, reason)))
    return None


def _required_constructs(service: ConnectedService) -> Iterator[IConstruct]:
    """Yield the cluster and the load balancers of a service. Leave out imported resources, which no stack creates."""
    if isinstance(service.cluster, ecs.Cluster):
        yield service.cluster
    for load_balancer in service.load_balancers:
        if isinstance(load_balancer.security_group, ec2.SecurityGroup):
            yield load_balancer
