"""Amazon EC2: network ACLs, their entries and their subnets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ministack.core.responses import new_uuid

from moorage.local.server.core.adapter import ec2
from moorage.local.server.core.calls import RefusedError, request
from moorage.local.server.core.resource import Made, Properties, Resource
from moorage.local.server.services import ec2_checks
from moorage.local.server.services.ec2_operations import Operated, invoke


class NetworkAcl(Operated):
    """A network ACL of a VPC."""

    type = "AWS::EC2::NetworkAcl"
    made_by, removed_by = "CreateNetworkAcl", "DeleteNetworkAcl"
    record, identifier = "NetworkAcl", "NetworkAclId"

    def create(self, properties: Properties, name: str) -> Made:
        ec2_checks.known_vpc(properties["VpcId"])
        return super().create(properties, name)


class NetworkAclEntry(Resource):
    """A numbered rule of a network ACL for one direction."""

    type = "AWS::EC2::NetworkAclEntry"

    def create(self, properties: Properties, name: str) -> Made:
        wanted = self._request(properties)
        _list(wanted["NetworkAclId"])
        if any(True for _ in self._of(wanted)):
            raise RefusedError(
                f"NetworkAclEntryAlreadyExists: The network acl entry identified by {wanted['RuleNumber']} already "
                "exists."
            )
        invoke("CreateNetworkAclEntry", wanted)
        return Made(name, {"Id": name})

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        invoke("ReplaceNetworkAclEntry", self._request(new))
        return Made(physical_id, {"Id": physical_id})

    def delete(self, physical_id: str, properties: Properties) -> None:
        wanted = self._request(properties)
        if wanted["NetworkAclId"] in ec2.network_acls:
            kept = [each for each in _list(wanted["NetworkAclId"])["Entries"] if each not in list(self._of(wanted))]
            _list(wanted["NetworkAclId"])["Entries"] = kept

    def _request(self, properties: Properties) -> dict[str, Any]:
        stated = {"Egress": False, **{name: properties[name] for name in properties}}
        renamed = {"Icmp": "IcmpTypeCode"}
        return request("ec2", "CreateNetworkAclEntry", stated, renamed=renamed)

    def _of(self, wanted: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for entry in _list(wanted["NetworkAclId"])["Entries"]:
            if (entry["RuleNumber"], entry["Egress"]) == (wanted["RuleNumber"], wanted["Egress"]):
                yield entry


class SubnetNetworkAclAssociation(Resource):
    """The network ACL of a subnet, in place of the VPC's default network ACL."""

    type = "AWS::EC2::SubnetNetworkAclAssociation"

    def create(self, properties: Properties, name: str) -> Made:
        subnet = properties["SubnetId"]
        if subnet not in ec2.subnets:
            raise RefusedError(f"InvalidSubnetID.NotFound: The subnet ID '{subnet}' does not exist")
        wanted = _list(properties["NetworkAclId"])
        if wanted["VpcId"] != ec2.subnets[subnet]["VpcId"]:
            raise RefusedError(
                f"InvalidParameterValue: Network ACL {wanted['NetworkAclId']} and subnet {subnet} belong to different "
                "networks"
            )
        _forget(subnet)
        association = f"aclassoc-{new_uuid().replace('-', '')[:17]}"
        wanted["Associations"].append({"NetworkAclAssociationId": association, "SubnetId": subnet})
        return Made(association, {"AssociationId": association})

    def delete(self, physical_id: str, properties: Properties) -> None:
        _forget(properties["SubnetId"], only=physical_id)


def _forget(subnet: str, *, only: str | None = None) -> None:
    for each in ec2.network_acls.values():
        each["Associations"] = [
            held
            for held in each["Associations"]
            if held.get("SubnetId") != subnet or only not in (None, held["NetworkAclAssociationId"])
        ]


def _list(acl: str) -> dict[str, Any]:
    if acl not in ec2.network_acls:
        raise RefusedError(f"InvalidNetworkAclID.NotFound: The networkAcl ID '{acl}' does not exist")
    found: dict[str, Any] = ec2.network_acls[acl]
    return found
