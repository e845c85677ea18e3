"""Amazon ECS: the Service Connect names in a namespace, which must be unique.

A replacement of a service is created before the old service is deleted, so it cannot have the same name. The message is
ECS's, as users report it for such updates (aws/copilot-cli issues 4659 and 5431).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moorage.local.server.core.adapter import ecs, servicediscovery
from moorage.local.server.core.calls import RefusedError

Record = Mapping[str, Any]


def check(parameters: Record, cluster: Record, own: str) -> None:
    """Refuse a Service Connect name that another service has in the same namespace.

    Args:
        parameters: The input of CreateService or UpdateService.
        cluster: The service's cluster.
        own: The ARN of the service; empty for a new service.

    Raises:
        RefusedError: The name is taken; the message is ECS's.
    """
    wanted = _names(parameters.get("serviceConnectConfiguration"), cluster)
    for service in ecs.services.values():
        if service["status"] != "ACTIVE" or service["serviceArn"] == own:
            continue
        stated = service["deployments"][0].get("serviceConnectConfiguration")
        for namespace, _ in sorted(wanted & _names(stated, _cluster(service))):
            raise RefusedError(f"InvalidParameterException: SC service is already used by {namespace}")


def _cluster(service: Record) -> Record:
    found: Record = ecs.clusters.get(str(service["clusterArn"]).rsplit("/", maxsplit=1)[-1], {})
    return found


def _names(connection: Record | None, cluster: Record) -> set[tuple[str, str]]:
    """Return the names of a service, each with its namespace; a service that is only a client has no names."""
    if not connection or not connection.get("enabled"):
        return set()
    stated = connection.get("namespace") or (cluster.get("serviceConnectDefaults") or {}).get("namespace")
    namespace = _namespace(str(stated or ""))
    # ServiceConnectService.discoveryName: "If the discoveryName isn't specified, the port mapping name ... is used"
    services = connection.get("services") or ()
    return {(namespace, str(each.get("discoveryName") or each["portName"])) for each in services}


def _namespace(name_or_arn: str) -> str:
    """Return the ARN of a namespace, given its ARN, name or ID."""
    for each in servicediscovery.namespaces.values():
        if name_or_arn in (each.get("Name"), each.get("Arn"), each.get("Id")):
            return str(each["Arn"])
    return name_or_arn
