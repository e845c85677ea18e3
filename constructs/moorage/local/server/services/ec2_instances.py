"""Amazon EC2: instances, with their addresses, instance profiles and volumes."""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from moorage.local.server.core.adapter import ec2, ecs, provisioners
from moorage.local.server.core.calls import RefusedError, query
from moorage.local.server.core.resource import Made, Properties, Resource
from moorage.local.server.services import ec2_checks
from moorage.local.server.services.ssm import resolved_image

_DEFAULT_VERSION = "$Default"
_BUILT_IN = "t2.micro"  # botocore ec2 RunInstancesRequest.InstanceType: m1.small, which is no longer offered


class Instance(Resource):
    """An EC2 instance; no machine is started."""

    type = "AWS::EC2::Instance"

    def create(self, properties: Properties, name: str) -> Made:
        stated = self._stated(properties)
        subnet = self._subnet(stated)
        groups = self._groups(stated)
        self._check(stated, subnet, groups)
        (instance,) = ec2.launch_instances_internal(
            image_id=stated.get("ImageId", ""),
            instance_type=stated.get("InstanceType", _BUILT_IN),
            subnet_id=subnet["SubnetId"],
            count=1,
            key_name=stated.get("KeyName", ""),
            user_data=stated.get("UserData", ""),
            sg_ids=groups or [ec2.vpcs[subnet["VpcId"]]["DefaultSecurityGroupId"]],
            requested_private_ip=stated.get("PrivateIpAddress") or free_address(subnet),
            iam_profile=profile(stated),
        )
        instance["Placement"]["AvailabilityZone"] = subnet["AvailabilityZone"]
        if not self._is_public(stated, subnet):
            instance["PublicIpAddress"] = instance["PublicDnsName"] = ""
        attach(instance, stated.get("BlockDeviceMappings") or ())
        self._describe(instance, stated)
        provisioners.ec2_apply_tags(instance["InstanceId"], properties)
        return self._made(instance)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        stated = self._stated(new)
        instance = ec2.instances[physical_id]
        instance["InstanceType"] = stated.get("InstanceType", _BUILT_IN)
        groups = self._groups(stated)
        if groups:
            instance["SecurityGroups"] = [
                {"GroupId": group, "GroupName": ec2.security_groups[group]["GroupName"]} for group in groups
            ]
        self._describe(instance, stated)
        provisioners.ec2_apply_tags(physical_id, new, old)
        return self._made(instance)

    def delete(self, physical_id: str, properties: Properties) -> None:
        if str(properties.get("DisableApiTermination")).lower() == "true":
            raise RefusedError(
                f"OperationNotPermitted: The instance '{physical_id}' may not be terminated. Modify its "
                "'disableApiTermination' instance attribute and try again."
            )
        if physical_id in ec2.instances:
            query(ec2.terminate_instances, InstanceId=[physical_id])

    def _stated(self, properties: Properties) -> dict[str, Any]:
        """Return the data of the launch template, overridden by the properties of the instance."""
        own = {name: properties[name] for name in properties}
        role = own.pop("IamInstanceProfile", None)
        if role:
            own["IamInstanceProfile"] = {"Arn" if str(role).startswith("arn:") else "Name": role}
        return {**(template_version(own["LaunchTemplate"])[1] if "LaunchTemplate" in own else {}), **own}

    def _interface(self, stated: Mapping[str, Any]) -> Mapping[str, Any]:
        interfaces: Sequence[Mapping[str, Any]] = stated.get("NetworkInterfaces") or [{}]
        return interfaces[0]

    def _subnet(self, stated: Mapping[str, Any]) -> Mapping[str, Any]:
        ec2.ensure_defaults_initialized()
        subnet = stated.get("SubnetId") or self._interface(stated).get("SubnetId") or ec2.DEFAULT_SUBNET_ID
        if subnet not in ec2.subnets:
            raise RefusedError(f"InvalidSubnetID.NotFound: The subnet ID '{subnet}' does not exist")
        found: Mapping[str, Any] = ec2.subnets[subnet]
        return found

    def _groups(self, stated: Mapping[str, Any]) -> list[str]:
        interface = self._interface(stated)
        return list(stated.get("SecurityGroupIds") or interface.get("GroupSet") or interface.get("Groups") or ())

    def _check(self, stated: Mapping[str, Any], subnet: Mapping[str, Any], groups: Sequence[str]) -> None:
        kind = stated.get("InstanceType", _BUILT_IN)
        if not stated.get("ImageId"):
            raise RefusedError("MissingParameter: The request must contain the parameter ImageId")
        if not str(stated["ImageId"]).startswith("ami-"):
            raise RefusedError(f'InvalidAMIID.Malformed: Invalid id: "{stated["ImageId"]}" (expecting "ami-...")')
        if not ec2_checks.is_instance_type(kind):
            raise RefusedError(f"InvalidParameterValue: Invalid value '{kind}' for InstanceType.")
        for group in groups:
            if group not in ec2.security_groups:
                raise RefusedError(f"InvalidGroup.NotFound: The security group '{group}' does not exist")
            if ec2.security_groups[group]["VpcId"] != subnet["VpcId"]:
                raise RefusedError(
                    f"InvalidParameter: Security group {group} and subnet {subnet['SubnetId']} belong to different "
                    "networks."
                )

    def _is_public(self, stated: Mapping[str, Any], subnet: Mapping[str, Any]) -> bool:
        asked = self._interface(stated).get("AssociatePublicIpAddress")
        return subnet["MapPublicIpOnLaunch"] if asked is None else str(asked).lower() == "true"

    def _describe(self, instance: dict[str, Any], stated: Mapping[str, Any]) -> None:
        instance["SourceDestCheck"] = str(stated.get("SourceDestCheck", True)).lower() == "true"
        instance["_shown"] = {"MetadataOptions": {"State": "applied", **(stated.get("MetadataOptions") or {})}}

    def _made(self, instance: Mapping[str, Any]) -> Made:
        return Made(
            instance["InstanceId"],
            {
                "AvailabilityZone": instance["Placement"]["AvailabilityZone"],
                "InstanceId": instance["InstanceId"],
                "PrivateDnsName": instance["PrivateDnsName"],
                "PrivateIp": instance["PrivateIpAddress"],
                "PublicDnsName": instance["PublicDnsName"],
                "PublicIp": instance["PublicIpAddress"],
                "VpcId": instance["VpcId"],
            },
        )


def profile(data: Mapping[str, Any]) -> Any:
    """Return the instance profile that a launch template names; the instance profile must exist.

    Args:
        data: The data of the launch template.

    Raises:
        RefusedError: The instance profile does not exist.
    """
    stated = data.get("IamInstanceProfile", {})
    found, fault = ec2.resolve_iam_instance_profile(stated.get("Arn", ""), stated.get("Name", ""))
    if fault:
        raise RefusedError(
            f"Value ({stated.get('Arn') or stated.get('Name')}) for parameter iamInstanceProfile is invalid"
        )
    return found


def template_version(specification: Mapping[str, Any]) -> tuple[Mapping[str, str], Mapping[str, Any]]:
    """Return the ID, name and number of a launch template's version, and its data.

    Args:
        specification: The reference to the version, from a group or an instance.

    Raises:
        RefusedError: The version does not exist, or its image is a parameter that does not exist.
    """
    found = next(
        (
            template
            for template in ec2.launch_templates.values()
            if specification.get("LaunchTemplateId") == template["LaunchTemplateId"]
            or specification.get("LaunchTemplateName") == template["LaunchTemplateName"]
        ),
        None,
    )
    if found is None:
        named = specification.get("LaunchTemplateId") or specification.get("LaunchTemplateName")
        raise RefusedError(f"ValidationError: The specified launch template, with template ID {named}, does not exist.")
    version = specification.get("Version", _DEFAULT_VERSION)
    aliases = {_DEFAULT_VERSION: found["DefaultVersionNumber"], "$Latest": found["LatestVersionNumber"]}
    number = str(aliases.get(version, version))
    data = next((item for item in found["Versions"] if str(item["VersionNumber"]) == number), None)
    if data is None:
        raise RefusedError(
            f"ValidationError: Could not find launch template version {number} of {found['LaunchTemplateId']}"
        )
    names = {key: found[key] for key in ("LaunchTemplateId", "LaunchTemplateName")}
    stated = data["LaunchTemplateData"]
    image = {"ImageId": resolved_image(stated["ImageId"])} if "ImageId" in stated else {}
    return names | {"Version": number}, {**stated, **image}


def attach(instance: dict[str, Any], mappings: Sequence[Mapping[str, Any]]) -> None:
    """Attach the volumes of a launch template to an instance; a mapping of the root device changes the root volume.

    Args:
        instance: The record of the instance.
        mappings: The block device mappings of the launch template.
    """
    (root,) = instance["BlockDeviceMappings"]
    made = ec2.volumes[root["Ebs"]["VolumeId"]]
    made["AvailabilityZone"] = instance["Placement"]["AvailabilityZone"]
    for mapping in mappings:
        stated = mapping.get("Ebs", {})
        settings = {
            key: stated[name]
            for key, name in (
                ("Size", "VolumeSize"), ("VolumeType", "VolumeType"), ("Encrypted", "Encrypted"), ("Iops", "Iops"),
                ("Throughput", "Throughput"), ("KmsKeyId", "KmsKeyId"),
            )
            if name in stated
        }  # fmt: skip
        if mapping["DeviceName"] == root["DeviceName"]:
            made.update(settings)
            continue
        volume_id = ec2.new_volume_id()
        attached = {**made["Attachments"][0], "VolumeId": volume_id, "Device": mapping["DeviceName"]}
        ec2.volumes[volume_id] = {**made, **settings, "VolumeId": volume_id, "Attachments": [attached]}
        shown = {**root["Ebs"], "VolumeId": volume_id}
        instance["BlockDeviceMappings"].append({"DeviceName": mapping["DeviceName"], "Ebs": shown})


def free_address(subnet: Mapping[str, Any]) -> str:
    """Return an address of a subnet that no instance and no task has.

    Args:
        subnet: The record of the subnet.
    """
    running = (item for item in ec2.instances.values() if item["State"]["Name"] != "terminated")
    used = {item["PrivateIpAddress"] for item in running}
    tasks = (task for task in ecs.tasks.values() if task["lastStatus"] != "STOPPED")
    used |= {item["value"] for task in tasks for place in task["attachments"] for item in place["details"]}
    # AWS reserves the first four addresses of a subnet.
    addresses = itertools.islice(ipaddress.ip_network(subnet["CidrBlock"]), 4, None)
    return next(text for text in map(str, addresses) if text not in used)
