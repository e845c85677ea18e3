"""Amazon ECS: the checks that CreateService and UpdateService perform on networks, targets, registries and namespaces.

The messages are ECS's, as users report them, with the report beside each. If there is no report, the rule is the API
reference's, with the name of the structure beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from moorage.local.server.core.adapter import alb, ec2, servicediscovery

_PLATFORMS = {"LATEST", "1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0"}
"""The platform versions of Fargate (ECS developer guide, "Fargate platform versions")."""
_MOST_SUBNETS, _MOST_GROUPS = 16, 5  # AwsVpcConfiguration
_NOT_BOTH = "Specify a value for either 'port' or the 'containerName' and 'containerPort' combination, but not both"

Record = Mapping[str, Any]


def faults(stated: Record, revision: Record, cluster: Record, *, on_instances: bool, on_fargate: bool) -> Iterator[str]:
    """Yield the errors in a service's platform version, network, load balancers, registries and Service Connect.

    Args:
        stated: The new state of the service.
        revision: The task definition; empty if it does not exist.
        cluster: The cluster of the service.
        on_instances: True if the tasks run on container instances.
        on_fargate: True if the tasks run on Fargate.
    """
    version = stated.get("platformVersion")
    if on_fargate and version and version not in _PLATFORMS:
        # jenkinsci/amazon-ecs-plugin issue 218
        yield "PlatformUnknownException: The specified platform does not exist."
    network = (stated.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}
    yield from _network_faults(network)
    if on_instances and network.get("assignPublicIp") == "ENABLED":
        yield "Assign public IP is not supported for this launch type."  # aws/amazon-ecs-cli issue 627
    connection = stated.get("serviceConnectConfiguration") or {}
    if connection.get("enabled") and not connection.get("namespace") and not cluster.get("serviceConnectDefaults"):
        # ServiceConnectConfiguration.namespace
        yield "Service Connect needs a namespace: neither the service nor its cluster specifies one."
    if not revision:
        return
    mode = revision.get("networkMode") or "bridge"
    for balancer in stated.get("loadBalancers") or ():
        yield from _balancer_faults(balancer, revision, mode)
    for registry in stated.get("serviceRegistries") or ():
        yield from _registry_faults(registry, mode)
    if connection.get("enabled"):
        named = {each.get("name") for mappings in _mappings(revision).values() for each in mappings}
        for service in connection.get("services") or ():
            if service["portName"] not in named:  # ServiceConnectService.portName
                yield f"No port mapping in the task definition has the name '{service['portName']}' (portName)."


def _mappings(revision: Record) -> dict[str, list[Record]]:
    return {each["name"]: each.get("portMappings") or [] for each in revision.get("containerDefinitions", ())}


def _network_faults(network: Record) -> Iterator[str]:
    subnets, groups = network.get("subnets") or (), network.get("securityGroups") or ()
    for kind, stated, most in (("subnets", subnets, _MOST_SUBNETS), ("securityGroups", groups, _MOST_GROUPS)):
        if len(stated) > most:
            yield f"{kind} can have at most {most} items."  # opensearch-project/opensearch-migrations issue 1430
    for subnet in subnets:
        if subnet not in ec2.subnets:
            yield (  # eddmann/serverless-fargate issue 20
                f"Error retrieving subnet information for [{', '.join(subnets)}]: The subnet ID '{subnet}' does not "
                "exist (ErrorCode: InvalidSubnetID.NotFound)"
            )
            return
    for group in groups:
        if group not in ec2.security_groups:
            yield (
                f"Error retrieving security group information for [{', '.join(groups)}]: The security group '{group}' "
                "does not exist (ErrorCode: InvalidGroup.NotFound)"
            )
            return
    networks = {ec2.subnets[subnet]["VpcId"] for subnet in subnets}
    if len(networks) > 1:
        yield "All specified subnets must be from the same VPC."  # AwsVpcConfiguration.subnets
    for group in groups:
        if networks and ec2.security_groups[group]["VpcId"] not in networks:
            # AwsVpcConfiguration.securityGroups
            yield f"The security group '{group}' does not belong to the same VPC as the specified subnets."


def _balancer_faults(balancer: Record, revision: Record, mode: str) -> Iterator[str]:
    mappings = _mappings(revision)
    container, port = balancer.get("containerName"), balancer.get("containerPort")
    if container is not None and container not in mappings:
        # aws/amazon-ecs-agent issue 1276
        yield f"The container {container} does not exist in the task definition."
    elif container is not None and port is not None and not any(_has(each, port) for each in mappings[container]):
        # pulumi/pulumi-awsx issue 1172
        yield f"The container {container} did not have a container port {port} defined."
    arn = balancer.get("targetGroupArn")
    if arn is None:
        return
    if balancer.get("loadBalancerName"):
        yield "loadBalancerName and targetGroupArn cannot both be specified."  # LoadBalancer.loadBalancerName
    group = alb.tgs.get(arn)
    if group is None:
        return
    if not any(arn in str(rule["Actions"]) for rule in alb.rules.values()):
        # Bayer-Group/cloudformation-template-generator issue 181; rules of listeners that do not exist here count too
        yield f"The target group with targetGroupArn {arn} does not have an associated load balancer."
    kind = group.get("TargetType", "instance")
    if (kind == "ip") != (mode == "awsvpc"):
        yield (  # riboseinc/terraform-aws-ecs-gitlab issue 5
            f"The provided target group {arn} has target type {kind}, which is incompatible with the {mode} network "
            "mode specified in the task definition."
        )


def _has(mapping: Record, port: int) -> bool:
    first, _, last = str(mapping.get("containerPortRange", "")).partition("-")
    in_range = first.isdecimal() and last.isdecimal() and int(first) <= port <= int(last)
    return mapping.get("containerPort") == port or in_range


def _registry_faults(registry: Record, mode: str) -> Iterator[str]:
    container = registry.get("containerName") is not None and registry.get("containerPort") is not None
    port = registry.get("port") is not None
    if container and port:
        yield _NOT_BOTH  # trussworks/terraform-aws-ecs-service pull request 344
    if mode in ("bridge", "host") and not container:
        yield (  # ServiceRegistry.containerName
            f"When specifying '{mode}' for networkMode, values for 'containerName' and 'containerPort' must be "
            "specified in 'serviceRegistries'."
        )
    identifier = str(registry.get("registryArn", "")).rsplit("/", maxsplit=1)[-1]
    service = servicediscovery.services.get(identifier)
    if service is None or mode != "awsvpc":
        return
    types = {each.get("Type") for each in (service.get("DnsConfig") or {}).get("DnsRecords") or ()}
    if "SRV" in types and not container and not port:
        # ServiceRegistry.port
        yield "A service registry with SRV records needs a value for 'port' or for 'containerName' and 'containerPort'."
    if types and "SRV" not in types and container:
        yield (  # umotif-public/terraform-aws-ecs-fargate issue 25
            "The values specified for serviceRegistries do not require a value for 'containerPort'. Remove the value "
            "and retry."
        )
