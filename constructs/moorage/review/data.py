"""The types that have data, what happens to the data of a deleted resource, and what is protected from deletion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from moorage.assembly.cloud_assembly import Resource, mapping
from moorage.review.claims import NAMES


@attrs.frozen
class Data:
    """The data in the resources of a type, and what happens to the data.

    Args:
        contents: The noun for the data, such as `objects`.
        only_if_empty: True if AWS refuses to delete a resource that contains data.
        new: The clause about a new resource that replaces an old one. Default: `the new one is empty`.
        loss: The clause about the data of a deleted resource. Default: `its objects are deleted`, with the noun.
    """

    contents: str
    only_if_empty: bool = False
    new: str = "the new one is empty"
    loss: str = attrs.field(default=attrs.Factory(lambda data: f"its {data.contents} are deleted", takes_self=True))


_QUEUE = "AWS::SQS::Queue"
_DATABASE = "its database is deleted"
DATA: Mapping[str, Data] = {
    "AWS::Backup::BackupVault": Data("recovery points", only_if_empty=True),
    "AWS::Cassandra::Table": Data("rows"),
    "AWS::Cognito::UserPool": Data("users"),
    "AWS::DocDB::DBCluster": Data("database", loss=_DATABASE),
    "AWS::DocDBElastic::Cluster": Data("database", loss=_DATABASE),
    "AWS::DynamoDB::GlobalTable": Data("items"),
    "AWS::DynamoDB::Table": Data("items"),
    "AWS::EC2::Volume": Data("data", loss="its data is deleted"),
    "AWS::ECR::PublicRepository": Data("images"),
    "AWS::ECR::Repository": Data("images", only_if_empty=True),
    "AWS::EFS::FileSystem": Data("files"),
    "AWS::ElastiCache::CacheCluster": Data("data", loss="its data is deleted"),
    "AWS::ElastiCache::ReplicationGroup": Data("data", loss="its data is deleted"),
    "AWS::ElastiCache::ServerlessCache": Data("data", loss="its data is deleted"),
    "AWS::Events::Archive": Data("events"),
    "AWS::FSx::FileSystem": Data("files"),
    "AWS::KMS::Key": Data(
        "key material",
        new="the new one cannot decrypt what the old one encrypted",
        loss="no data that it encrypted can be decrypted after its waiting period",
    ),
    "AWS::Kinesis::Stream": Data("records"),
    "AWS::Logs::LogGroup": Data("log events"),
    "AWS::MSK::Cluster": Data("messages"),
    "AWS::MemoryDB::Cluster": Data("data", loss="its data is deleted"),
    "AWS::Neptune::DBCluster": Data("database", loss=_DATABASE),
    "AWS::OpenSearchService::Domain": Data("indexes"),
    "AWS::RDS::DBCluster": Data("database", loss=_DATABASE),
    "AWS::RDS::DBInstance": Data("database", loss=_DATABASE),
    "AWS::Redshift::Cluster": Data("database", loss=_DATABASE),
    "AWS::S3::Bucket": Data("objects", only_if_empty=True),
    _QUEUE: Data("messages"),
    "AWS::SecretsManager::Secret": Data("value", new="the new one has another value", loss="its value is deleted"),
    "AWS::Timestream::Table": Data("records"),
}
"""The types with contents. S3 and ECR delete only an empty resource (CloudFormation template reference,
`DeletionPolicy` and `AWS::ECR::Repository`, `EmptyOnDelete`); so does AWS Backup (AWS Backup API reference,
DeleteBackupVault)."""
PROTECTED: Mapping[str, tuple[str, Any]] = {
    "AWS::Cognito::UserPool": ("DeletionProtection", "ACTIVE"),
    "AWS::DocDB::DBCluster": ("DeletionProtection", True),
    "AWS::DynamoDB::Table": ("DeletionProtectionEnabled", True),
    "AWS::EC2::Instance": ("DisableApiTermination", True),
    "AWS::Logs::LogGroup": ("DeletionProtectionEnabled", True),
    "AWS::Neptune::DBCluster": ("DeletionProtection", True),
    "AWS::RDS::DBCluster": ("DeletionProtection", True),
    "AWS::RDS::DBInstance": ("DeletionProtection", True),
}
"""The property that protects a type from deletion, and its value. A test compares it with CloudFormation's schemas."""
_BALANCER, _BALANCER_PROTECTION = "AWS::ElasticLoadBalancingV2::LoadBalancer", "deletion_protection.enabled"
_SNAPSHOT_BY_DEFAULT = {"AWS::RDS::DBCluster", "AWS::RDS::DBInstance"}
"""The types whose default policy is `Snapshot`, except an instance of a cluster (CloudFormation template reference,
`DeletionPolicy`)."""
_INSTANCE = "AWS::RDS::DBInstance"
_LESSER = {
    "AWS::ECR::PublicRepository",
    "AWS::ECR::Repository",
    "AWS::Events::Archive",
    "AWS::Logs::LogGroup",
    _QUEUE,
    "AWS::SecretsManager::Secret",
}
"""The types whose contents are seldom the only copy, or are soon used up."""


def data_of(resource: Resource) -> Data | None:
    """Return the data in a resource; None if it has no data, or if its data is in its cluster.

    Args:
        resource: The resource.
    """
    return None if is_member(resource) else DATA.get(resource.type)


def is_member(resource: Resource) -> bool:
    """Return whether a database instance belongs to a cluster, which has its data, its backups and its protection.

    Args:
        resource: The resource.
    """
    return resource.type == _INSTANCE and bool(resource.properties.get("DBClusterIdentifier"))


def is_lesser(resource: Resource) -> bool:
    """Return whether the loss of a resource is less serious than that of a database that leaves a snapshot.

    Args:
        resource: The resource that is lost.
    """
    return resource.type in _LESSER


def is_dead_letter_queue(resource: Resource, among: Iterable[Resource]) -> bool:
    """Return whether a queue gets the messages that another queue could not deliver.

    Args:
        resource: The queue.
        among: The resources of its stack.
    """
    if resource.type != _QUEUE:
        return False
    policies = (str(each.properties.get("RedrivePolicy")) for each in among if each.type == _QUEUE)
    return any(f"'{resource.logical_id}'" in policy for policy in policies)


def in_the_way(resource: Resource) -> Iterator[str]:
    """Yield a sentence about the custom name of a kept resource, which no other resource can have; none without a name.

    Args:
        resource: The resource that is kept.
    """
    name = resource.properties.get(NAMES.get(resource.type, ""))
    if isinstance(name, str):
        yield f"While it exists, no other resource can be created with the name {name}."


def is_protected(resource: Resource) -> bool:
    """Return whether a resource is protected from deletion.

    Args:
        resource: The resource to delete.
    """
    if resource.type == _BALANCER:
        attributes = resource.properties.get("LoadBalancerAttributes")
        return any(
            each.get("Key") == _BALANCER_PROTECTION and str(each.get("Value")).lower() == "true"
            for each in map(mapping, attributes if isinstance(attributes, list) else ())
        )
    name, value = PROTECTED.get(resource.type, ("", None))
    return bool(name) and not is_member(resource) and str(resource.properties.get(name)).lower() == str(value).lower()


def deletion_policy(resource: Resource) -> str:
    """Return what CloudFormation does with a resource that leaves its stack: `Delete`, `Retain` or `Snapshot`.

    Args:
        resource: The resource that leaves the stack.
    """
    by_default = "Delete"
    if resource.type in _SNAPSHOT_BY_DEFAULT and not is_member(resource):
        by_default = "Snapshot"
    return str(resource.definition.get("DeletionPolicy") or by_default)
