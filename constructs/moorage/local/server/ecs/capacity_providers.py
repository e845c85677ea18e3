"""Amazon ECS: capacity providers, their associations with clusters, and capacity provider strategies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ministack.core.responses import error_response_json, get_account_id, get_region, json_response

from moorage.local.server.autoscaling.instances import Group
from moorage.local.server.core.adapter import autoscaling, ecs, provisioners
from moorage.local.server.core.calls import RefusedError, perform, request
from moorage.local.server.core.resource import Made, Properties, Resource, generated_name

Record = dict[str, Any]

EC2 = "EC2"
FARGATE = "FARGATE"
MANAGED = "MANAGED_INSTANCES"

_RESERVED = ("aws", "ecs", "fargate")
_SCALING = {
    "status": "DISABLED",
    "targetCapacity": 100,
    "minimumScalingStepSize": 1,
    "maximumScalingStepSize": 10000,
    "instanceWarmupPeriod": 300,
}
_UNPROTECTED = (
    "The managed termination protection setting for the capacity provider is invalid. To enable managed termination "
    "protection for a capacity provider, "
)
_MIXED = (
    "A capacity provider strategy cannot contain a mix of capacity providers using Auto Scaling groups and Fargate "
    "providers. Specify one or the other and try again."
)
_NOT_OF_CLUSTER = (
    "The specified capacity provider strategy cannot contain a capacity provider that is not associated with the "
    "cluster. Associate the capacity provider with the cluster and try again."
)
_MANAGED_ASSOCIATED = (
    "Cannot associate Managed Instances capacity provider to clusters using this API. Managed Instances capacity "
    "providers are already associated with the cluster that they were created for."
)
"""Reported in hashicorp/terraform-provider-aws issue 44783; the end of the second sentence is paraphrased."""


def kind(provider: str) -> str:
    """Return the kind of a provider's capacity: `FARGATE`, `MANAGED` or, for every other provider, `EC2`."""
    if provider in ecs.FARGATE_PROVIDERS:
        return FARGATE
    return MANAGED if "managedInstancesProvider" in ecs.capacity_providers.get(name_of(provider), {}) else EC2


def name_of(provider: str) -> str:
    """Return the name of a provider, given its name or ARN, or an empty string if the provider does not exist."""
    return str(ecs.resolve_capacity_provider_name(provider) or "")


def group_of(provider: str | None) -> Group | None:
    """Return the Auto Scaling group of a provider; None for a provider without a group."""
    stated = ecs.capacity_providers.get(name_of(provider or ""), {}).get("autoScalingGroupProvider", {})
    return _group(stated.get("autoScalingGroupArn", ""))


def _group(name_or_arn: str) -> Group | None:
    return next(
        (
            group
            for group in autoscaling.asgs.values()
            if name_or_arn in (group["AutoScalingGroupARN"], group["AutoScalingGroupName"])
        ),
        None,
    )


def is_scaled(provider: str) -> bool:
    """Return whether a provider has managed scaling, by which ECS sets the size of its Auto Scaling group."""
    stated = ecs.capacity_providers[name_of(provider)]["autoScalingGroupProvider"]
    return bool(stated["managedScaling"]["status"] == "ENABLED")


def provider_of(record: Mapping[str, Any]) -> str | None:
    """Return the capacity provider that a container instance belongs to; None if its cluster has no such provider."""
    known = ecs.clusters.get(record["_cluster"], {}).get("capacityProviders", ())
    return next((name for name in known if (group_of(name) or {}).get("AutoScalingGroupARN") == record["_group"]), None)


class CapacityProvider(Resource):
    """An Auto Scaling group or ECS Managed Instances as capacity for tasks; `Ref` returns the provider's name."""

    type = "AWS::ECS::CapacityProvider"

    def create(self, properties: Properties, name: str) -> Made:
        wanted = request(
            "ecs", "CreateCapacityProvider", {"Name": name, **properties}, renamed={"ClusterName": "cluster"}
        )
        perform(ecs.create_capacity_provider, wanted)
        return self._made(wanted["name"])

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        groups = [(item.get("AutoScalingGroupProvider") or {}).get("AutoScalingGroupArn") for item in (old, new)]
        if groups[0] != groups[1]:
            if "Name" in new:
                raise RefusedError(
                    "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
                    f"Rename {new['Name']} and update the stack again."
                )
            stack, _, _ = physical_id.rpartition("-")
            return self.create(new, generated_name(*stack.rsplit("-", maxsplit=1)))
        wanted = request(
            "ecs", "CreateCapacityProvider", {"Name": physical_id, **new}, renamed={"ClusterName": "cluster"}
        )
        wanted.get("autoScalingGroupProvider", {}).pop("autoScalingGroupArn", None)
        perform(ecs.update_capacity_provider, wanted)
        tags = ecs.tags.setdefault(ecs.capacity_providers[physical_id]["capacityProviderArn"], [])
        provisioners.reconcile_tag_list(tags, old, new, key="key", value="value")
        return self._made(physical_id)

    def delete(self, physical_id: str, properties: Properties) -> None:
        if physical_id in ecs.capacity_providers:
            perform(ecs.delete_capacity_provider, {"capacityProvider": physical_id})

    def _made(self, name: str) -> Made:
        return Made(name, {"Arn": ecs.capacity_providers[name]["capacityProviderArn"]})


class ClusterCapacityProviderAssociations(Resource):
    """The capacity providers of a cluster; `Ref` returns the cluster's name."""

    type = "AWS::ECS::ClusterCapacityProviderAssociations"

    def create(self, properties: Properties, name: str) -> Made:
        wanted = request("ecs", "PutClusterCapacityProviders", properties)
        perform(ecs.put_cluster_capacity_providers, wanted)
        return Made(ecs.resolve_cluster_name(wanted["cluster"]))

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        return self.create(new, physical_id)

    def delete(self, physical_id: str, properties: Properties) -> None:
        if physical_id in ecs.clusters:
            empty = {"cluster": physical_id, "capacityProviders": [], "defaultCapacityProviderStrategy": []}
            perform(ecs.put_cluster_capacity_providers, empty)


def _create(parameters: Record) -> Record:
    name = parameters["name"]
    if name.lower().startswith(_RESERVED):
        raise RefusedError(
            f"The specified capacity provider name '{name}' is invalid: a name cannot be prefixed with aws, ecs, or "
            "fargate. Specify a valid name and try again."
        )
    if name in ecs.capacity_providers:
        raise RefusedError(
            "The specified capacity provider already exists. To change the configuration of an existing capacity "
            "provider, update the capacity provider."
        )
    record: Record = {
        "capacityProviderArn": f"arn:aws:ecs:{get_region()}:{get_account_id()}:capacity-provider/{name}",
        "name": name,
        "status": "ACTIVE",
        "updateStatus": "CREATE_COMPLETE",
    }
    if "managedInstancesProvider" in parameters:
        cluster = ecs.resolve_cluster_name(parameters.get("cluster", ""))
        if cluster not in ecs.clusters:
            raise RefusedError(f"The cluster '{cluster}' of the capacity provider does not exist")
        record |= {
            "cluster": cluster,
            "type": MANAGED,
            "managedInstancesProvider": parameters["managedInstancesProvider"],
        }
    else:
        record |= {"type": "EC2_AUTOSCALING", "autoScalingGroupProvider": _group_provider(parameters)}
    ecs.capacity_providers[name] = record
    ecs.tags[record["capacityProviderArn"]] = list(parameters.get("tags", ()))
    return {"capacityProvider": record}


def _group_provider(parameters: Mapping[str, Any]) -> Record:
    stated = parameters["autoScalingGroupProvider"]
    group = _group(stated["autoScalingGroupArn"])
    if group is None:
        raise RefusedError(f"The specified Auto Scaling group '{stated['autoScalingGroupArn']}' does not exist")
    arn = group["AutoScalingGroupARN"]
    taken = (each.get("autoScalingGroupProvider", {}) for each in ecs.capacity_providers.values())
    if any(each.get("autoScalingGroupArn") == arn for each in taken):
        raise RefusedError(
            "The specified Auto Scaling group ARN is already being used by another capacity provider. Specify a unique "
            "Auto Scaling group ARN and try again."
        )
    record = _checked({"managedDraining": "ENABLED", **stated, "autoScalingGroupArn": arn}, group)
    managed = {"Key": "AmazonECSManaged", "Value": "", "ResourceId": group["AutoScalingGroupName"]}
    if record["managedScaling"]["status"] == "ENABLED" and not any(t["Key"] == managed["Key"] for t in group["Tags"]):
        group["Tags"].append({**managed, "ResourceType": "auto-scaling-group", "PropagateAtLaunch": True})
    return record


def _checked(stated: Mapping[str, Any], group: Group) -> Record:
    record = {"managedTerminationProtection": "DISABLED", **stated}
    record["managedScaling"] = {**_SCALING, **stated.get("managedScaling", {})}
    if record["managedTerminationProtection"] == "ENABLED":
        if record["managedScaling"]["status"] != "ENABLED":
            raise RefusedError(f"{_UNPROTECTED}managed scaling must be enabled.")
        if not group["NewInstancesProtectedFromScaleIn"]:
            raise RefusedError(
                f"{_UNPROTECTED}the Auto Scaling group must have instance protection from scale in enabled."
            )
    return record


def _update(parameters: Record) -> Record:
    record = _known(parameters["name"])
    if "managedInstancesProvider" in parameters:
        record["managedInstancesProvider"] = parameters["managedInstancesProvider"]
    if "autoScalingGroupProvider" in parameters:
        known = record["autoScalingGroupProvider"]
        group = _group(known["autoScalingGroupArn"])
        assert group is not None  # noqa: S101  # a group with a provider exists as long as the stack that has both
        merged = {**known, **parameters["autoScalingGroupProvider"]}
        merged["managedScaling"] = {**known["managedScaling"], **merged.get("managedScaling", {})}
        record["autoScalingGroupProvider"] = _checked(merged, group)
    record["updateStatus"] = "UPDATE_COMPLETE"
    return {"capacityProvider": record}


def _known(name_or_arn: str) -> Record:
    found: Record | None = ecs.capacity_providers.get(name_of(name_or_arn))
    if found is None:
        raise RefusedError(
            f"The specified capacity provider '{name_or_arn}' was not found. Specify a valid name or ARN and try again."
        )
    return found


def _delete(parameters: Record) -> Record:
    record = _known(parameters["capacityProvider"])
    name = record["name"]
    for cluster in ecs.clusters.values():
        if name in map(name_of, cluster["capacityProviders"]):
            raise RefusedError(
                f"The capacity provider cannot be deleted because it is associated with cluster: "
                f"{cluster['clusterName']}. Remove the capacity provider from the cluster and try again."
            )
        _require_unused(cluster, [name])
    ecs.capacity_providers.pop(name)
    ecs.tags.pop(record["capacityProviderArn"], None)
    return {"capacityProvider": {**record, "status": "INACTIVE", "updateStatus": "DELETE_COMPLETE"}}


def _require_unused(cluster: Mapping[str, Any], providers: Iterable[str]) -> None:
    """Refuse an operation if a service or task of the cluster uses one of the providers."""
    services = (
        item["capacityProvider"]
        for service in ecs.services.values()
        if service["status"] == "ACTIVE" and service["clusterArn"] == cluster["clusterArn"]
        for item in service.get("capacityProviderStrategy") or ()
    )
    tasks = (
        task.get("capacityProviderName")
        for task in ecs.tasks.values()
        if task["clusterArn"] == cluster["clusterArn"] and task["lastStatus"] in ecs.PRE_STOP_STATUSES
    )
    if {name_of(item or "") for item in (*services, *tasks)} & set(providers):
        raise RefusedError("ResourceInUseException: The specified capacity provider is in use and cannot be removed.")


def _associate(parameters: Record) -> Record:
    cluster = ecs.clusters.get(ecs.resolve_cluster_name(parameters.get("cluster", "default")))
    if cluster is None:
        raise RefusedError("ClusterNotFoundException: Cluster not found.")
    providers = [_existing(item) for item in parameters["capacityProviders"]]
    if MANAGED in map(kind, providers):
        raise RefusedError(_MANAGED_ASSOCIATED)
    strategy = [
        {**item, "capacityProvider": _existing(item["capacityProvider"])}
        for item in parameters["defaultCapacityProviderStrategy"]
    ]
    check_strategy(strategy, [*providers, *scoped(cluster)])
    _require_unused(cluster, set(map(name_of, cluster["capacityProviders"])) - set(providers))
    cluster |= {"capacityProviders": providers, "defaultCapacityProviderStrategy": strategy}
    return {"cluster": cluster}


def _existing(provider: str) -> str:
    return provider if provider in ecs.FARGATE_PROVIDERS else str(_known(provider)["name"])


def scoped(cluster: Mapping[str, Any]) -> list[str]:
    """Return the providers that were created for the cluster: those of ECS Managed Instances."""
    return [each["name"] for each in ecs.capacity_providers.values() if each.get("cluster") == cluster["clusterName"]]


def check_strategy(strategy: Iterable[Mapping[str, Any]], known: Iterable[str]) -> None:
    """Refuse a capacity provider strategy that ECS does not accept.

    Args:
        strategy: The strategy, in the API's format.
        known: The providers of the cluster.

    Raises:
        RefusedError: ECS does not accept the strategy; the message is ECS's.
    """
    items, has = list(strategy), set(known)
    if len({kind(item["capacityProvider"]) for item in items}) > 1:
        raise RefusedError(_MIXED)
    if any(name_of(item["capacityProvider"]) not in has for item in items):
        raise RefusedError(_NOT_OF_CLUSTER)
    if len([item for item in items if item.get("base", 0)]) > 1:
        raise RefusedError("A capacity provider strategy can have only one capacity provider with a base.")
    if items and not any(item.get("weight", 0) for item in items):
        raise RefusedError("A capacity provider strategy needs one capacity provider with a weight greater than zero.")


def answering(operation: Callable[[Record], Record]) -> Callable[[Record], Any]:
    """Make an operation return its result or its error as an ECS API response."""

    def answered(parameters: Record) -> Any:
        try:
            return json_response(operation(parameters))
        except RefusedError as error:
            code, colon, message = str(error).partition("Exception: ")
            if not colon:
                return error_response_json("InvalidParameterException", str(error), 400)
            return error_response_json(f"{code}Exception", message, 400)

    return answered


def install() -> None:
    """Replace ECS's operations on capacity providers with those of this module."""
    ecs.create_capacity_provider = answering(_create)
    ecs.update_capacity_provider = answering(_update)
    ecs.delete_capacity_provider = answering(_delete)
    ecs.put_cluster_capacity_providers = answering(_associate)
    ecs.ACTION_MAP |= {
        "CreateCapacityProvider": ecs.create_capacity_provider,
        "UpdateCapacityProvider": ecs.update_capacity_provider,
        "DeleteCapacityProvider": ecs.delete_capacity_provider,
        "PutClusterCapacityProviders": ecs.put_cluster_capacity_providers,
    }
