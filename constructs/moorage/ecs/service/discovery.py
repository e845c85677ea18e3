"""The names of services in Cloud Map, from `cloud_map_options` and from Service Connect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_servicediscovery as servicediscovery

from moorage.scope.claimed_names import claim_name
from moorage.scope.place import check_place
from moorage.workload import service_limits
from moorage.workload.ports import ports_of
from moorage.workload.problems import is_token
from moorage.workload.task import NetworkMode

if TYPE_CHECKING:
    from aws_cdk import aws_ecs as ecs
    from constructs import Construct

    from moorage.ecs.task.task_launch import Launch
    from moorage.workload.problems import Problems
    from moorage.workload.task import Task

_ADDRESSES = {servicediscovery.DnsRecordType.A, servicediscovery.DnsRecordType.AAAA}


def check_discovery(options: ecs.CloudMapOptions, launch: Launch, problems: Problems) -> None:
    """Check that a service can be registered in Cloud Map with these options."""
    check_place(problems, "cloud_map_options", options.cloud_map_namespace, launch.cluster)
    problems.check(service_limits.CLOUD_MAP_NAME, "name of cloud_map_options", options.name)
    namespace = options.cloud_map_namespace or launch.cluster.default_cloud_map_namespace
    if namespace is None:
        problems.add(
            "cloud_map_options must have a namespace, since the cluster has no default namespace; use "
            "CloudMapOptions(cloud_map_namespace=...)"
        )
    elif namespace.type == servicediscovery.NamespaceType.HTTP:
        problems.add(
            f"namespace of cloud_map_options must have DNS (got {namespace.node.path}, an HTTP namespace); use a "
            "PrivateDnsNamespace, or connect=ServiceConnect(...) with Cluster(namespace='...')"
        )
    mode = launch.task.network_mode
    if options.dns_record_type in _ADDRESSES and mode is not NetworkMode.AWSVPC:
        problems.add(
            f"dns_record_type of cloud_map_options must not be A or AAAA in {mode.value} mode, where tasks have no IP "
            "address of their own; use DnsRecordType.SRV"
        )
    elif options.dns_record_type not in _ADDRESSES and (options.dns_record_type or mode is not NetworkMode.AWSVPC):
        _check_port(options, launch.task, problems)


def _check_port(options: ecs.CloudMapOptions, task: Task, problems: Problems) -> None:
    """Check that the first essential container, which CDK uses for the record, has the port of the record."""
    container = next(each for each in task.containers if each.essential)
    ports = ports_of([container])
    numbers = [port.number for port in ports]
    if not ports:
        problems.add(
            f"container {container.name!r}, the first essential container, must have a port for the SRV record of "
            "cloud_map_options; use Container(..., port=...), or DnsRecordType.A in awsvpc mode"
        )
    elif options.container_port not in {None, *numbers} and not is_token([options.container_port, *numbers]):
        listed, article = " or ".join(map(str, numbers)), "the" if len(numbers) == 1 else "a"
        problems.add(
            f"container_port of cloud_map_options must be {listed}, {article} port of container {container.name!r} "
            f"(got {options.container_port}); use container_port={numbers[0]}, or leave container_port= out"
        )


def claim_discovery_name(
    service: Construct, name: str | None, namespace: servicediscovery.INamespace | str | None
) -> None:
    """Record the name of a service in Cloud Map, which must be unique in its namespace.

    DNS names must differ in more than case (botocore servicediscovery CreateServiceRequest.Name), and names in Service
    Connect have only lower case.

    Args:
        service: The service.
        name: The name of the service, or None for a name that CloudFormation generates.
        namespace: The namespace, or its name or ARN.
    """
    if name is not None and namespace is not None and not is_token(name):
        claim_name(service, "AWS::ServiceDiscovery::Service", name.lower(), f"the namespace {_key(namespace)}")


def _key(namespace: servicediscovery.INamespace | str) -> str:
    """Return the name or the ID of a namespace, or its path if this app defines it."""
    if not isinstance(namespace, str):
        namespace_id = namespace.namespace_id
        return namespace.node.path if is_token(namespace_id) else namespace_id
    return namespace.rpartition("/")[2]
