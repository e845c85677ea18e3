"""Amazon ECS: daemons of ECS Managed Instances and their task definitions. Only CloudFormation shows them.

The local AWS launches no Managed Instances, so no daemon runs.
"""

from __future__ import annotations

from typing import Any

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region

from moorage.local.server.core.adapter import ecs
from moorage.local.server.core.calls import RefusedError, request
from moorage.local.server.core.resource import Made, Properties, Resource
from moorage.local.server.ecs import capacity_providers as providers

_revisions: Any = AccountRegionScopedDict()
"""The last revision of each family."""
_definitions: Any = AccountRegionScopedDict()
"""The active daemon task definitions by ARN, as the input of `RegisterDaemonTaskDefinition`."""
_daemons: Any = AccountRegionScopedDict()
"""The daemons by ARN, as the input of `CreateDaemon`."""


class DaemonTaskDefinition(Resource):
    """A revision of a daemon task definition. It has no more properties than the API (CFN schema and botocore)."""

    type = "AWS::ECS::DaemonTaskDefinition"

    def create(self, properties: Properties, name: str) -> Made:
        family = name.rsplit("-", maxsplit=1)[0]
        wanted = request("ecs", "RegisterDaemonTaskDefinition", {"Family": family, **properties})
        family = wanted["family"]
        if not any(each.get("essential", True) for each in wanted["containerDefinitions"]):
            # ECS developer guide, "Daemon task definitions"; the message is not known
            raise RefusedError("ClientException: a daemon task definition must have an essential container")
        _revisions[family] = _revisions.get(family, 0) + 1
        place = f"{get_region()}:{get_account_id()}"
        arn = f"arn:aws:ecs:{place}:daemon-task-definition/{family}:{_revisions[family]}"
        _definitions[arn] = wanted
        return self._made(arn)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:  # only tags can change
        return self._made(physical_id)

    def delete(self, physical_id: str, properties: Properties) -> None:
        _definitions.pop(physical_id, None)

    def _made(self, arn: str) -> Made:
        return Made(arn, {"DaemonTaskDefinitionArn": arn})


class Daemon(Resource):
    """A daemon, which runs nowhere, since no Managed Instances are launched."""

    type = "AWS::ECS::Daemon"

    def create(self, properties: Properties, name: str) -> Made:
        wanted = request("ecs", "CreateDaemon", {"DaemonName": name, **properties})
        cluster = ecs.resolve_cluster_name(wanted.get("clusterArn", "default"))
        self._check(wanted, cluster)
        daemon = wanted["daemonName"]
        arn = f"arn:aws:ecs:{get_region()}:{get_account_id()}:daemon/{cluster}/{daemon}"
        if arn in _daemons:
            raise RefusedError(f"Resource of type '{self.type}' with identifier '{arn}' already exists.")
        _daemons[arn] = wanted
        return self._made(arn)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        wanted = request("ecs", "CreateDaemon", {"DaemonName": _daemons[physical_id]["daemonName"], **new})
        self._check(wanted, ecs.resolve_cluster_name(wanted.get("clusterArn", "default")))
        _daemons[physical_id] = wanted
        return self._made(physical_id)

    def delete(self, physical_id: str, properties: Properties) -> None:
        _daemons.pop(physical_id, None)

    def _made(self, arn: str) -> Made:
        return Made(arn, {"DaemonArn": arn, "DaemonStatus": "ACTIVE"})

    def _check(self, wanted: Properties, cluster: str) -> None:
        """Refuse a daemon whose cluster, task definition or capacity providers ECS would refuse.

        The messages are not known; the conditions are those of API_CreateDaemon.
        """
        if cluster not in ecs.clusters:
            raise RefusedError(f"ClusterNotFoundException: the cluster '{cluster}' does not exist")
        if wanted["daemonTaskDefinitionArn"] not in _definitions:
            raise RefusedError(
                "InvalidParameterException: the daemon task definition "
                f"'{wanted['daemonTaskDefinitionArn']}' does not exist"
            )
        for provider in wanted["capacityProviderArns"]:
            if providers.kind(provider) != providers.MANAGED:
                raise RefusedError(
                    f"InvalidParameterException: the capacity provider '{provider}' is not one of ECS Managed Instances"
                )
