"""Amazon EC2: key pairs and placement groups, and the volumes, network interfaces and addresses of instances."""

from __future__ import annotations

from typing import Any

from moorage.local.server.core.adapter import ec2, ssm
from moorage.local.server.core.calls import RefusedError
from moorage.local.server.core.resource import Made, Properties, Resource, shortened
from moorage.local.server.services.ec2_instances import free_address
from moorage.local.server.services.ec2_operations import Operated, invoke


class KeyPair(Resource):
    """A key pair. If the key is not imported, the private key is stored in Parameter Store, as on AWS."""

    type = "AWS::EC2::KeyPair"

    def create(self, properties: Properties, name: str) -> Made:
        key, material = properties["KeyName"], properties.get("PublicKeyMaterial")
        if key in ec2.key_pairs:
            raise RefusedError(f"InvalidKeyPair.Duplicate: The keypair already exists: {key}")
        kind = {"KeyType": properties.get("KeyType", "rsa"), "KeyFormat": properties.get("KeyFormat", "pem")}
        if material:
            invoke("ImportKeyPair", {"KeyName": key, "PublicKeyMaterial": str(material).encode()})
        made = {} if material else invoke("CreateKeyPair", {"KeyName": key, **kind})
        record = ec2.key_pairs[key]
        record |= kind
        ec2.tags[record["KeyPairId"]] = list(properties.get("Tags") or ())
        if made:  # AWS::EC2::KeyPair: "/ec2/keypair/key-..."
            stored = {"Name": self._parameter(record), "Type": "SecureString", "Value": made["KeyMaterial"]}
            ssm.put_parameter(stored)
        return Made(key, {"KeyPairId": record["KeyPairId"], "KeyFingerprint": record["KeyFingerprint"]})

    def delete(self, physical_id: str, properties: Properties) -> None:
        record = ec2.key_pairs.pop(physical_id, None)
        if record:
            ssm.parameters.pop(self._parameter(record), None)

    def _parameter(self, record: dict[str, Any]) -> str:
        return f"/ec2/keypair/{record['KeyPairId']}"


class PlacementGroup(Resource):
    """A placement group."""

    type = "AWS::EC2::PlacementGroup"

    def create(self, properties: Properties, name: str) -> Made:
        name = str(properties.get("GroupName", shortened(name, 255)))
        settings = ("PartitionCount", "SpreadLevel", "Strategy")
        stated: Properties = {each: properties[each] for each in settings if each in properties}
        invoke("CreatePlacementGroup", {"GroupName": name, **stated})
        ec2.tags[name] = list(properties.get("Tags") or ())
        return Made(name, {"GroupName": name})

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        ec2.tags[physical_id] = list(new.get("Tags") or ())
        return Made(physical_id, {"GroupName": physical_id})

    def delete(self, physical_id: str, properties: Properties) -> None:
        if physical_id in ec2.placement_groups:
            invoke("DeletePlacementGroup", {"GroupName": physical_id})


class EipAssociation(Resource):
    """The association of an Elastic IP address with an instance or a network interface."""

    type = "AWS::EC2::EIPAssociation"

    def create(self, properties: Properties, name: str) -> Made:
        stated = properties.get("AllocationId")
        address = ec2.addresses.get(stated) or next(
            (each for each in ec2.addresses.values() if each["PublicIp"] == properties.get("EIP")), None
        )
        if address is None:
            raise RefusedError(
                f"InvalidAllocationID.NotFound: The allocation ID '{stated or properties.get('EIP')}' does not exist"
            )
        instance = properties.get("InstanceId")
        if instance and instance not in ec2.instances:
            raise RefusedError(f"InvalidInstanceID.NotFound: The instance ID '{instance}' does not exist")
        interface = properties.get("NetworkInterfaceId")
        if interface and interface not in ec2.network_interfaces:
            raise RefusedError(
                f"InvalidNetworkInterfaceID.NotFound: The networkInterface ID '{interface}' does not exist"
            )
        properties.get("PrivateIpAddress")  # no effect: a network interface has a single address here
        target = {"InstanceId": instance} if instance else {"NetworkInterfaceId": interface}
        association = invoke("AssociateAddress", {"AllocationId": address["AllocationId"], **target})["AssociationId"]
        if instance:
            ec2.instances[instance]["PublicIpAddress"] = address["PublicIp"]
        return Made(association, {"Id": association})

    def delete(self, physical_id: str, properties: Properties) -> None:
        for address in ec2.addresses.values():
            if address["AssociationId"] == physical_id:
                address["AssociationId"] = None


class Volume(Operated):
    """An EBS volume."""

    type = "AWS::EC2::Volume"
    made_by, removed_by = "CreateVolume", "DeleteVolume"
    record, identifier = "", "VolumeId"
    _kept = ("Encrypted", "Iops", "KmsKeyId", "MultiAttachEnabled", "Size", "Throughput", "VolumeType")

    def create(self, properties: Properties, name: str) -> Made:
        stated = self._stated(properties)
        volume = invoke(self.made_by, stated)["VolumeId"]
        return self._put(volume, {}, properties)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        return self._put(physical_id, old, new)

    def _stated(self, properties: Properties) -> dict[str, Any]:
        properties.get("AutoEnableIO")  # no effect: no volume has inconsistent data here
        return super()._stated({name: properties[name] for name in properties if name != "AutoEnableIO"})

    def _put(self, volume: str, old: Properties, properties: Properties) -> Made:
        wanted = self._stated(properties)
        ec2.volumes[volume] |= {name: wanted[name] for name in self._kept if name in wanted}
        return super().update(volume, old, properties)


class VolumeAttachment(Resource):
    """The attachment of a volume to an instance."""

    type = "AWS::EC2::VolumeAttachment"

    def create(self, properties: Properties, name: str) -> Made:
        stated = {each: properties[each] for each in ("InstanceId", "VolumeId")}
        device = properties.get("Device", "/dev/sdf")
        invoke("AttachVolume", {**stated, "Device": device})
        return Made(f"{stated['VolumeId']}|{stated['InstanceId']}")

    def delete(self, physical_id: str, properties: Properties) -> None:
        volume, _, _ = physical_id.partition("|")
        if volume in ec2.volumes:
            invoke("DetachVolume", {"VolumeId": volume})


class NetworkInterface(Resource):
    """A network interface in a subnet."""

    type = "AWS::EC2::NetworkInterface"

    def create(self, properties: Properties, name: str) -> Made:
        subnet = properties["SubnetId"]
        if subnet not in ec2.subnets:
            raise RefusedError(f"InvalidSubnetID.NotFound: The subnet ID '{subnet}' does not exist")
        groups = list(properties.get("GroupSet") or ())
        for group in groups:
            if group not in ec2.security_groups:
                raise RefusedError(f"InvalidGroup.NotFound: The security group '{group}' does not exist")
        made = invoke("CreateNetworkInterface", {"SubnetId": subnet, **({"Groups": groups} if groups else {})})
        record = ec2.network_interfaces[made["NetworkInterface"]["NetworkInterfaceId"]]
        record["PrivateIpAddress"] = properties.get("PrivateIpAddress") or free_address(ec2.subnets[subnet])
        return self._put(record, properties)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        record = ec2.network_interfaces[physical_id]
        record["Groups"] = [
            {"GroupId": group, "GroupName": ec2.security_groups[group]["GroupName"]}
            for group in new.get("GroupSet") or ()
        ] or record["Groups"]
        return self._put(record, new)

    def delete(self, physical_id: str, properties: Properties) -> None:
        if physical_id in ec2.network_interfaces:
            invoke("DeleteNetworkInterface", {"NetworkInterfaceId": physical_id})

    def _put(self, record: dict[str, Any], properties: Properties) -> Made:
        identifier = record["NetworkInterfaceId"]
        record["Description"] = properties.get("Description", "")
        record["SourceDestCheck"] = str(properties.get("SourceDestCheck", True)).lower() == "true"
        ec2.tags[identifier] = list(properties.get("Tags") or ())
        address = record["PrivateIpAddress"]
        return Made(identifier, {"Id": identifier, "PrimaryPrivateIpAddress": address, "VpcId": record["VpcId"]})
