"""Amazon ElastiCache: the checks of replication groups, and the names of their endpoints. No cache runs here."""

from __future__ import annotations

import re
from typing import Any

from ministack.core.responses import get_region

from moorage.local.server.core.adapter import elasticache
from moorage.local.server.core.calls import RefusedError
from moorage.local.server.core.resource import Properties
from moorage.local.server.services.guards import complete, guard

_GROUP = "AWS::ElastiCache::ReplicationGroup"
_TOKEN = re.compile(r"[A-Za-z0-9!&#$^<>-]{16,128}")
"""An AUTH token (Amazon ElastiCache user guide, "Authenticating with the Valkey and Redis OSS AUTH command")."""
_SHARDED = ("NodeGroupConfiguration", "NumNodeGroups", "PrimaryClusterId", "ReplicasPerNodeGroup")
_SUFFIX = "0a1b2c"
"""The part of an address that tells the caches of an account apart; it is the same for all caches here."""


def install() -> None:
    """Check replication groups as ElastiCache does, and give them addresses in ElastiCache's format."""
    guard(_GROUP, _check)
    complete(_GROUP, _complete)


def _check(group: Properties) -> None:
    token = group.get("AuthToken")
    if token and not _TOKEN.fullmatch(str(token)):
        # magenx/Magento-2-aws-cluster-terraform issue 43
        raise RefusedError("InvalidParameterValue: Invalid AuthToken provided.")
    fails_over = str(group.get("AutomaticFailoverEnabled", False)).lower() == "true"
    if fails_over and not any(group.get(each) for each in _SHARDED) and int(group.get("NumCacheClusters") or 1) == 1:
        # ministryofjustice/cloud-platform-environments pull request 5719
        raise RefusedError(
            "InvalidParameterCombination: When using automatic failover, there must be at least 2 cache clusters in "
            "the replication group."
        )


def _complete(name: str, _old: Properties, new: Properties) -> Properties:
    """Name the endpoints, since ministack gives all caches the name of one container, and store the nodes.

    Return the attributes for `Fn::GetAtt`.
    """
    record = elasticache.replication_groups[name]
    if record.get("ConfigurationEndpoint"):  # of several shards
        return {}
    port = int(new.get("Port") or 6379)
    (shard,) = record["NodeGroups"]
    primary, reader = _addresses(name, encrypted=record["TransitEncryptionEnabled"])
    shard |= {"PrimaryEndpoint": _endpoint(primary, port), "ReaderEndpoint": _endpoint(reader, port)}
    for node in shard["NodeGroupMembers"]:
        node["ReadEndpoint"] = _endpoint(f"{node['CacheClusterId']}.{name}.{_domain()}", port)
    _list_nodes(record, shard["NodeGroupMembers"])
    replicas = [each["ReadEndpoint"] for each in shard["NodeGroupMembers"] if each["CurrentRole"] == "replica"]
    addresses, ports = [each["Address"] for each in replicas], [str(port) for _ in replicas]
    return {
        "PrimaryEndPoint.Address": primary,
        "PrimaryEndPoint.Port": str(port),
        "ReaderEndPoint.Address": reader,
        "ReaderEndPoint.Port": str(port),
        "ReadEndPoint.Addresses": ",".join(addresses),
        "ReadEndPoint.AddressesList": addresses,
        "ReadEndPoint.Ports": ",".join(ports),
        "ReadEndPoint.PortsList": ports,
    }


def _list_nodes(group: dict[str, Any], nodes: list[dict[str, Any]]) -> None:
    """Store each node of a group for DescribeCacheClusters; ministack stores only the nodes that a new group has."""
    names = [each["CacheClusterId"] for each in nodes]
    first = elasticache.clusters[names[0]]
    for gone in set(group["MemberClusters"]) - set(names):
        elasticache.clusters.pop(gone, None)
    group["MemberClusters"] = names
    for node, name in zip(nodes, names, strict=True):
        arn = first["CacheClusterArn"].replace(first["CacheClusterId"], name)
        zone = node["PreferredAvailabilityZone"]
        known = elasticache.clusters.get(name) or {**first, "CacheClusterId": name, "CacheClusterArn": arn}
        inner = [
            {**each, "Endpoint": node["ReadEndpoint"], "CustomerAvailabilityZone": zone} for each in known["CacheNodes"]
        ]
        elasticache.clusters[name] = {**known, "PreferredAvailabilityZone": zone, "CacheNodes": inner}


def _addresses(name: str, *, encrypted: bool) -> tuple[str, str]:
    """Return the primary and the reader address (Amazon ElastiCache user guide, "Finding connection endpoints")."""
    if encrypted:
        return f"master.{name}.{_domain()}", f"replica.{name}.{_domain()}"
    domain = _domain("ng.0001.")
    return f"{name}.{domain}", f"{name}-ro.{domain}"


def _domain(shard: str = "") -> str:
    """Return the end of an address, with the short form of the region, such as `euw1`."""
    *area, direction, number = get_region().split("-")
    short = "".join(area) + "".join(re.findall("^.|(?<=north|south).", direction)) + number
    return f"{_SUFFIX}.{shard}{short}.cache.amazonaws.com"


def _endpoint(address: str, port: int) -> dict[str, Any]:
    return {"Address": address, "Port": port}
