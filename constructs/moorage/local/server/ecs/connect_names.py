"""Amazon ECS: the names that services have in a namespace of Service Connect, each of one service.

A service that replaces another is made before the other is gone, so that it cannot take its name: the words are ECS's,
as users report them of such updates (aws/copilot-cli issues 4659 and 5431).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moorage.local.server.core.adapter import ecs, servicediscovery
from moorage.local.server.core.calls import RefusedError

Record = Mapping[str, Any]


def check(parameters: Record, cluster: Record, own: str) -> None:
    """Refuse a name of Service Connect that another service has in the same namespace.

    Args:
        parameters: Of CreateService or UpdateService.
        cluster: The service's cluster.
        own: The ARN of the service; empty if it is being made.

    Raises:
        RefusedError: In ECS's words.
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
    """Return the names that a service takes, each with its namespace; one that is only a client takes none."""
    if not connection or not connection.get("enabled"):
        return set()
    stated = connection.get("namespace") or (cluster.get("serviceConnectDefaults") or {}).get("namespace")
    namespace = _namespace(str(stated or ""))
    # ServiceConnectService.discoveryName: "If the discoveryName isn't specified, the port mapping name ... is used"
    services = connection.get("services") or ()
    return {(namespace, str(each.get("discoveryName") or each["portName"])) for each in services}


def _namespace(name_or_arn: str) -> str:
    """Return the ARN of a namespace that is named either way."""
    for each in servicediscovery.namespaces.values():
        if name_or_arn in (each.get("Name"), each.get("Arn"), each.get("Id")):
            return str(each["Arn"])
    return name_or_arn
