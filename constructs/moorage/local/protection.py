"""The removal of deletion protection and contents that would prevent the deletion of stacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
from botocore.exceptions import ClientError

from moorage.assembly.cloud_assembly import Stack
from moorage.local.account import Account
from moorage.local.environment import Access

_NESTED = "AWS::CloudFormation::Stack"
_UNPROTECTED, _EMPTIED = "removed protection from", "emptied"
_MOST_DELETED = 100


@attrs.frozen
class _Kind:
    """A type of resource that can be protected or non-empty.

    Args:
        done: The action, as it is printed.
        noun: The kind of resource, as it is printed.
        free: A function that removes the protection or the contents, and returns whether there were any.
    """

    done: str
    noun: str
    free: Callable[[Account, str], bool]


def take_away(access: Access, stacks: Sequence[Stack]) -> str | None:
    """Remove the protection and the contents of resources in stacks.

    Args:
        access: The local AWS.
        stacks: The stacks to delete.

    Returns:
        A sentence about the changes; None if nothing changed.
    """
    done: Counter[tuple[str, str]] = Counter()
    for stack in stacks:
        account = Account(access, stack.account, stack.region)
        if account.stack(stack.name):
            _free_stack(account, stack.name, done)
    if not done:
        return None
    parts: dict[str, list[str]] = {}
    for (what, noun), count in sorted(done.items(), reverse=True):
        parts.setdefault(what, []).append(f"{count} {_plural(noun) if count > 1 else noun}")
    said = "; ".join(f"{what} {', '.join(nouns)}" for what, nouns in parts.items())
    return f"{said[0].upper()}{said[1:]}, since the local AWS is disposable."


def _plural(noun: str) -> str:
    return f"{noun.removesuffix('y')}ies" if noun.endswith("ry") else f"{noun}s"


def _free_stack(account: Account, name: str, done: Counter[tuple[str, str]]) -> None:
    if _stack(account, name):
        done[_UNPROTECTED, "stack"] += 1
    for resource in account.resources(name):
        physical_id = resource.get("PhysicalResourceId")
        if physical_id and resource["ResourceType"] == _NESTED:
            _free_stack(account, physical_id, done)
        kind = _KINDS.get(resource["ResourceType"])
        if kind and physical_id and _freed(kind, account, physical_id):
            done[kind.done, kind.noun] += 1


def _freed(kind: _Kind, account: Account, physical_id: str) -> bool:
    try:
        return kind.free(account, physical_id)
    except ClientError:  # it may be gone; if it blocks the deletion, CloudFormation reports it
        return False


def _stack(account: Account, name: str) -> bool:
    found = account.stack(name) or {}
    if found.get("EnableTerminationProtection"):
        client = account.client("cloudformation")
        client.update_termination_protection(StackName=name, EnableTerminationProtection=False)
    return bool(found.get("EnableTerminationProtection"))


def _load_balancer(account: Account, arn: str) -> bool:
    client, name = account.client("elbv2"), "deletion_protection.enabled"
    found = client.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
    protected = any(each["Key"] == name and each["Value"] == "true" for each in found)
    if protected:
        client.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[{"Key": name, "Value": "false"}])
    return protected


def _table(account: Account, name: str) -> bool:
    client = account.client("dynamodb")
    protected = bool(client.describe_table(TableName=name)["Table"].get("DeletionProtectionEnabled"))
    if protected:
        client.update_table(TableName=name, DeletionProtectionEnabled=False)
    return protected


def _user_pool(account: Account, name: str) -> bool:
    client = account.client("cognito-idp")
    protected: bool = client.describe_user_pool(UserPoolId=name)["UserPool"].get("DeletionProtection") == "ACTIVE"
    if protected:
        client.update_user_pool(UserPoolId=name, DeletionProtection="INACTIVE")
    return protected


def _database(kind: str) -> Callable[[Account, str], bool]:
    """Return the function that removes the deletion protection of a database instance or cluster.

    The operations for instances and clusters differ only in their names.
    """
    operation, identifier = {"Instance": ("db_instance", "DBInstance"), "Cluster": ("db_cluster", "DBCluster")}[kind]

    def free(account: Account, name: str) -> bool:
        client, named = account.client("rds"), {f"{identifier}Identifier": name}
        (found,) = getattr(client, f"describe_{operation}s")(**named)[f"{identifier}s"]
        if found.get("DeletionProtection"):
            getattr(client, f"modify_{operation}")(**named, DeletionProtection=False, ApplyImmediately=True)
        return bool(found.get("DeletionProtection"))

    return free


def _scaling_group(account: Account, name: str) -> bool:
    client = account.client("autoscaling")
    (found,) = client.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    protected = [each["InstanceId"] for each in found["Instances"] if each["ProtectedFromScaleIn"]]
    if protected:
        client.set_instance_protection(AutoScalingGroupName=name, InstanceIds=protected, ProtectedFromScaleIn=False)
    return bool(protected)


def _bucket(account: Account, name: str) -> bool:
    client = account.client("s3")
    pages = client.get_paginator("list_object_versions").paginate(Bucket=name)
    found = [each for page in pages for key in ("Versions", "DeleteMarkers") for each in page.get(key, ())]
    objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
    for first in range(0, len(objects), _MOST_DELETED):
        some = {"Objects": objects[first : first + _MOST_DELETED], "Quiet": True}
        client.delete_objects(Bucket=name, Delete=some, BypassGovernanceRetention=True)
    return bool(objects)


def _repository(service: str) -> Callable[[Account, str], bool]:
    def free(account: Account, name: str) -> bool:
        client = account.client(service)
        pages = client.get_paginator("describe_images").paginate(repositoryName=name)
        digests = {each["imageDigest"] for page in pages for each in page["imageDetails"]}
        if digests:
            images = [{"imageDigest": each} for each in sorted(digests)]
            client.batch_delete_image(repositoryName=name, imageIds=images)
        return bool(digests)

    return free


def _hosted_zone(account: Account, name: str) -> bool:
    client = account.client("route53")
    pages = client.get_paginator("list_resource_record_sets").paginate(HostedZoneId=name)
    apex = client.get_hosted_zone(Id=name)["HostedZone"]["Name"]
    found = [each for page in pages for each in page["ResourceRecordSets"]]
    others = [each for each in found if each["Name"] != apex or each["Type"] not in ("NS", "SOA")]
    changes: list[Mapping[str, Any]] = [{"Action": "DELETE", "ResourceRecordSet": each} for each in others]
    if changes:
        client.change_resource_record_sets(HostedZoneId=name, ChangeBatch={"Changes": changes})
    return bool(changes)


_KINDS = {
    "AWS::AutoScaling::AutoScalingGroup": _Kind(_UNPROTECTED, "Auto Scaling group", _scaling_group),
    "AWS::Cognito::UserPool": _Kind(_UNPROTECTED, "user pool", _user_pool),
    "AWS::DynamoDB::GlobalTable": _Kind(_UNPROTECTED, "table", _table),
    "AWS::DynamoDB::Table": _Kind(_UNPROTECTED, "table", _table),
    "AWS::ECR::PublicRepository": _Kind(_EMPTIED, "repository", _repository("ecr-public")),
    "AWS::ECR::Repository": _Kind(_EMPTIED, "repository", _repository("ecr")),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": _Kind(_UNPROTECTED, "load balancer", _load_balancer),
    "AWS::RDS::DBCluster": _Kind(_UNPROTECTED, "database cluster", _database("Cluster")),
    "AWS::RDS::DBInstance": _Kind(_UNPROTECTED, "database", _database("Instance")),
    "AWS::Route53::HostedZone": _Kind(_EMPTIED, "hosted zone", _hosted_zone),
    "AWS::S3::Bucket": _Kind(_EMPTIED, "bucket", _bucket),
}
