"""Amazon ECS: gateways and their clusters. botocore does not have their API yet, so only CloudFormation shows them.

No load balancer is created, and no service gets a host name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region

from moorage.local.server.core.adapter import ecs
from moorage.local.server.core.calls import RefusedError
from moorage.local.server.core.resource import Made, Properties, Resource

_MOST_GATEWAYS = 5  # API_AssociateGatewayWithCluster
_gateways: Any = AccountRegionScopedDict()
"""The ARNs of the gateways by name."""
_clusters: Any = AccountRegionScopedDict()
"""The ARNs of the gateways of each cluster, by the name of the cluster."""


class Gateway(Resource):
    """A gateway, whose settings have no effect."""

    type = "AWS::ECS::Gateway"

    def create(self, properties: Properties, name: str) -> Made:  # the template must have a name
        name = properties["GatewayName"]
        if name in _gateways:  # API_CreateGateway: the name must be unique within the account
            raise RefusedError(f"Resource of type '{self.type}' with identifier '{name}' already exists.")
        _gateways[name] = f"arn:aws:ecs:{get_region()}:{get_account_id()}:gateway/{name}"
        return self.update(_gateways[name], properties, properties)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:  # nothing has an effect
        settings = dict(new)["Configuration"]["HostSharedAlb"]
        if (settings.get("Port", 443), settings.get("Protocol", "HTTPS")) != (443, "HTTPS"):
            # API_HostSharedAlbConfiguration.port and protocol; the message is not known
            raise RefusedError("InvalidParameterException: a gateway supports only HTTPS at port 443")
        access = "PRIVATE" if settings.get("Scheme") == "internal" else "PUBLIC"
        return Made(physical_id, {"Arn": physical_id, "Status": "ACTIVE", "AccessType": access})

    def delete(self, physical_id: str, properties: Properties) -> None:
        if any(physical_id in gateways for gateways in _clusters.values()):
            # API_DeleteGateway; the message is not known
            raise RefusedError(f"InvalidParameterException: the gateway {physical_id} has cluster associations")
        _gateways.pop(properties["GatewayName"], None)


class GatewayClusterAssociation(Resource):
    """The association of a gateway with a cluster, without which ECS refuses services with a connector."""

    type = "AWS::ECS::GatewayClusterAssociations"

    def create(self, properties: Properties, name: str) -> Made:  # an association has no name
        arn, cluster = _gateway_arn(properties["Gateway"]), ecs.resolve_cluster_name(properties["Cluster"])
        if cluster not in ecs.clusters:
            raise RefusedError(f"ClusterNotFoundException: the cluster '{cluster}' does not exist")
        gateways = _clusters.setdefault(cluster, [])
        if len(gateways) >= _MOST_GATEWAYS:
            raise RefusedError(f"LimitExceededException: the cluster '{cluster}' has {_MOST_GATEWAYS} gateways")
        if arn not in gateways:
            gateways.append(arn)
        cluster_arn = ecs.clusters[cluster]["clusterArn"]
        attributes = {"GatewayArn": arn, "ClusterArn": cluster_arn, "Status": "ACTIVE"}
        return Made(f"{properties['Gateway']}|{properties['Cluster']}", attributes)

    def delete(self, physical_id: str, properties: Properties) -> None:  # the properties have both
        gateways = _clusters.get(ecs.resolve_cluster_name(properties["Cluster"]), [])
        arn = _gateways.get(properties["Gateway"], properties["Gateway"])
        if arn in gateways:
            gateways.remove(arn)


def _gateway_arn(gateway: str) -> str:
    arn: str = _gateways.get(gateway, gateway)
    if arn not in _gateways.values():
        raise RefusedError(f"GatewayNotFoundException: the gateway '{gateway}' does not exist")
    return arn


def check_connectors(connectors: list[Mapping[str, Any]], cluster: str, task_definition: str) -> None:
    """Refuse connectors that ECS cannot use.

    Args:
        connectors: The property GatewayConnectors of a service.
        cluster: The name of the cluster.
        task_definition: The task definition of the service, by its ARN or its family.

    Raises:
        RefusedError: No gateway is associated with the cluster, or the task definition lacks the network mode or port.
    """
    if not connectors:
        return
    if not _clusters.get(cluster):  # ECS developer guide, "Troubleshoot a gateway"
        raise RefusedError(
            "InvalidParameterException: gatewayConnectors were specified but no gateways are associated with cluster"
        )
    revision = ecs.task_defs.get(ecs.resolve_td_key(task_definition), {})
    if revision.get("networkMode") != "awsvpc":  # ECS developer guide, "Connect Amazon ECS services to a gateway"
        raise RefusedError("InvalidParameterException: gatewayConnectors require the network mode awsvpc")
    containers = revision.get("containerDefinitions", ())
    named = {mapping.get("name") for each in containers for mapping in each.get("portMappings") or ()}
    for connector in connectors:
        if connector["PortName"] not in named:  # GatewayConnector.portName
            raise RefusedError(
                f"No port mapping in the task definition has the name '{connector['PortName']}' (portName)."
            )
