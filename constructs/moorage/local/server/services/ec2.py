"""Amazon EC2: VPCs, addresses, NAT gateways, flow logs, security groups and launch templates."""

from __future__ import annotations

import base64
import binascii
import re
import time
from collections.abc import Callable, Mapping
from html import escape
from typing import Any, ClassVar

from moorage.local.server.core.adapter import ec2, provisioners
from moorage.local.server.core.calls import RefusedError, query, request, text, xml
from moorage.local.server.core.resource import Made, Properties, Resource, shortened
from moorage.local.server.services import ec2_checks
from moorage.local.server.services.guards import guard

Answer = tuple[int, dict[str, str], bytes]

_IMAGE = re.compile("ami-([0-9a-f]{8}|[0-9a-f]{17})")
_USER_DATA = 16 * 1024
_RULE = (
    "CidrIp", "CidrIpv6", "Description", "FromPort", "IpProtocol", "ToPort",
    "SourcePrefixListId", "SourceSecurityGroupId", "SourceSecurityGroupOwnerId",
    "DestinationPrefixListId", "DestinationSecurityGroupId",
)  # fmt: skip


class Vpc(Resource):
    """A VPC whose default security group allows traffic between its members, as on AWS."""

    type = "AWS::EC2::VPC"

    def create(self, properties: Properties, name: str) -> Made:
        ec2_checks.check_vpc(properties)
        ec2_checks.check_vpcs()
        vpc_id, _ = provisioners.ec2_vpc_create(name, properties, name)
        group_id = ec2.vpcs[vpc_id]["DefaultSecurityGroupId"]
        rule = {
            "IpProtocol": "-1",
            "SourceSecurityGroupId": group_id,
            "SourceSecurityGroupOwnerId": ec2.vpcs[vpc_id]["OwnerId"],
        }
        ec2.security_groups[group_id]["IpPermissions"] = provisioners.ec2_sg_permissions([rule])
        return self._made(vpc_id)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        ec2_checks.check_vpc(new)
        vpc_id, _ = provisioners.ec2_vpc_update(physical_id, old, new, physical_id, physical_id)
        return self._made(vpc_id)

    def delete(self, physical_id: str, properties: Properties) -> None:
        provisioners.ec2_vpc_delete(physical_id, properties)

    def _made(self, vpc_id: str) -> Made:
        vpc = ec2.vpcs[vpc_id]
        return Made(
            vpc_id,
            {
                "VpcId": vpc_id,
                "CidrBlock": vpc["CidrBlock"],
                "CidrBlockAssociations": [f"vpc-cidr-assoc-{vpc_id.removeprefix('vpc-')}"],
                "DefaultNetworkAcl": vpc["DefaultNetworkAclId"],
                "DefaultSecurityGroup": vpc["DefaultSecurityGroupId"],
                "Ipv6CidrBlocks": [],
            },
        )


class Eip(Resource):
    """An Elastic IP address, which cannot be released while it is associated."""

    type = "AWS::EC2::EIP"

    def create(self, properties: Properties, name: str) -> Made:
        ec2_checks.check_addresses()
        allocation = text(query(ec2.allocate_address, Domain=properties.get("Domain", "vpc")), "allocationId")
        provisioners.ec2_apply_tags(allocation, properties)
        return self._made(allocation)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        allocation = self._allocation(physical_id)
        if allocation is None or old.get("Domain", "vpc") != new.get("Domain", "vpc"):
            return self.create(new, physical_id)
        provisioners.ec2_apply_tags(allocation, new, old)
        return self._made(allocation)

    def delete(self, physical_id: str, properties: Properties) -> None:
        allocation = self._allocation(physical_id)
        if allocation is None:
            return
        if ec2.addresses[allocation]["AssociationId"]:
            raise RefusedError(f"InvalidIPAddress.InUse: the address {physical_id} is in use")
        query(ec2.release_address, AllocationId=allocation)

    def _allocation(self, public_ip: str) -> str | None:
        return next((key for key, address in ec2.addresses.items() if address["PublicIp"] == public_ip), None)

    def _made(self, allocation: str) -> Made:
        public_ip = ec2.addresses[allocation]["PublicIp"]
        return Made(public_ip, {"AllocationId": allocation, "PublicIp": public_ip})


class NatGateway(Resource):
    """A NAT gateway in a subnet; its address stays associated until the gateway is deleted."""

    type = "AWS::EC2::NatGateway"

    def create(self, properties: Properties, name: str) -> Made:
        ec2_checks.check_nat_gateway(properties)
        subnet_id = properties["SubnetId"]
        allocation = properties.get("AllocationId")
        address = ec2.addresses.get(allocation) if allocation else None
        if allocation and (address is None or address["AssociationId"]):
            raise RefusedError(f"the address {allocation} does not exist or is already associated")
        kind = properties.get("ConnectivityType", "public")
        answer = query(ec2.create_nat_gateway, SubnetId=subnet_id, AllocationId=allocation, ConnectivityType=kind)
        gateway_id = text(answer, "natGatewayId")
        if address is not None:
            address["AssociationId"] = f"eipassoc-{gateway_id.removeprefix('nat-')}"
            shown = f"<allocationId>{allocation}</allocationId><publicIp>{address['PublicIp']}</publicIp>"
            ec2.nat_gateways[gateway_id]["_shown"] = (
                f"<natGatewayAddressSet><item>{shown}</item></natGatewayAddressSet>"
            )
        provisioners.ec2_apply_tags(gateway_id, properties)
        return Made(gateway_id, {"NatGatewayId": gateway_id})

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        provisioners.ec2_apply_tags(physical_id, new, old)
        return Made(physical_id, {"NatGatewayId": physical_id})

    def delete(self, physical_id: str, properties: Properties) -> None:
        gateway = ec2.nat_gateways.pop(physical_id, None)
        ec2.tags.pop(physical_id, None)
        address = ec2.addresses.get(gateway["AllocationId"]) if gateway else None
        if address:
            address["AssociationId"] = None


class FlowLog(Resource):
    """A flow log of a VPC, a subnet or a network interface."""

    type = "AWS::EC2::FlowLog"
    _shown = (
        ("DeliverLogsPermissionArn", "deliverLogsPermissionArn"),
        ("LogGroupName", "logGroupName"),
        ("LogFormat", "logFormat"),
        ("MaxAggregationInterval", "maxAggregationInterval"),
    )

    def create(self, properties: Properties, name: str) -> Made:
        answer = query(
            ec2.create_flow_logs,
            ResourceId=[properties["ResourceId"]],
            ResourceType=properties["ResourceType"],
            TrafficType=properties.get("TrafficType"),
            LogDestinationType=properties.get("LogDestinationType"),
            LogDestination=properties.get("LogDestination"),
        )
        flow_log_id = text(answer, "flowLogIdSet/item")
        values = [(tag, properties.get(key)) for key, tag in self._shown]
        options = {
            name[0].upper() + name[1:]: value for name, value in (properties.get("DestinationOptions") or {}).items()
        }
        stated = request("ec2", "CreateFlowLogs", {"DestinationOptions": options})["DestinationOptions"]
        ec2.flow_logs[flow_log_id]["_shown"] = (
            "<deliverLogsStatus>SUCCESS</deliverLogsStatus>"
            + "".join(f"<{tag}>{escape(str(value))}</{tag}>" for tag, value in values if value is not None)
            + (
                f"<destinationOptions>{xml('ec2', 'DestinationOptionsResponse', stated)}</destinationOptions>"
                if options
                else ""
            )
        )
        provisioners.ec2_apply_tags(flow_log_id, properties)
        return Made(flow_log_id, {"Id": flow_log_id})

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        provisioners.ec2_apply_tags(physical_id, new, old)
        return Made(physical_id, {"Id": physical_id})

    def delete(self, physical_id: str, properties: Properties) -> None:
        query(ec2.delete_flow_logs, FlowLogId=[physical_id])


class SecurityGroup(Resource):
    """A security group, with the rules among its properties."""

    type = "AWS::EC2::SecurityGroup"

    def create(self, properties: Properties, name: str) -> Made:
        ec2_checks.check_security_group(properties)
        stated = {"GroupName": shortened(name, 255)} | properties
        return Made(*provisioners.ec2_sg_create(name, stated, name))

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        ec2_checks.check_security_group(new, physical_id)
        kept = new | {"GroupName": ec2.security_groups[physical_id]["GroupName"]}
        return Made(*provisioners.ec2_sg_update(physical_id, old, kept, physical_id, physical_id))

    def delete(self, physical_id: str, properties: Properties) -> None:
        ec2_checks.check_group_unused(physical_id)
        provisioners.ec2_sg_delete(physical_id, properties)


class _SecurityGroupRule(Resource):
    """A security group rule that is a separate resource."""

    direction: ClassVar[str]

    def create(self, properties: Properties, name: str) -> Made:
        group_id = properties.get("GroupId")
        group = ec2.security_groups.get(group_id) if group_id else None
        if group is None:
            raise RefusedError(f"InvalidGroup.NotFound: the security group '{group_id}' does not exist")
        rule = self._rule(properties)
        if any(ec2.rules_match(rule, other) for other in group[self.direction]):
            raise RefusedError(f"InvalidPermission.Duplicate: the security group '{group_id}' has this rule already")
        rule["SecurityGroupRuleId"] = ec2.sg_rule_id(group_id, self.direction == "IpPermissionsEgress", rule)
        group[self.direction].append(rule)
        return Made(rule["SecurityGroupRuleId"], {"Id": rule["SecurityGroupRuleId"]})

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        for rule in self._of(physical_id, new):
            rule.update(self._rule(new))
        return Made(physical_id, {"Id": physical_id})

    def delete(self, physical_id: str, properties: Properties) -> None:
        rules = ec2.security_groups.get(properties.get("GroupId"), {}).get(self.direction, [])
        rules[:] = [rule for rule in rules if rule.get("SecurityGroupRuleId") != physical_id]

    def _rule(self, properties: Properties) -> dict[str, Any]:
        stated = {name: properties[name] for name in _RULE if name in properties}
        ec2_checks.check_group_rule(stated, ec2.security_groups[properties["GroupId"]]["VpcId"])
        rule: dict[str, Any] = provisioners.ec2_sg_permissions([stated])[0]
        return rule

    def _of(self, rule_id: str, properties: Properties) -> list[dict[str, Any]]:
        rules = ec2.security_groups.get(properties["GroupId"], {}).get(self.direction, [])
        return [rule for rule in rules if rule.get("SecurityGroupRuleId") == rule_id]


class SecurityGroupIngress(_SecurityGroupRule):
    """An inbound rule of a security group."""

    type = "AWS::EC2::SecurityGroupIngress"
    direction = "IpPermissions"


class SecurityGroupEgress(_SecurityGroupRule):
    """An outbound rule of a security group."""

    type = "AWS::EC2::SecurityGroupEgress"
    direction = "IpPermissionsEgress"


class LaunchTemplate(Resource):
    """A launch template; each change of its data adds a version, and the first version remains the default."""

    type = "AWS::EC2::LaunchTemplate"

    def create(self, properties: Properties, name: str) -> Made:
        wanted = self._request({"LaunchTemplateName": shortened(name, 128), **properties})
        if any(item["LaunchTemplateName"] == wanted["LaunchTemplateName"] for item in ec2.launch_templates.values()):
            raise RefusedError(f"Launch template name already in use: {wanted['LaunchTemplateName']} (AlreadyExists)")
        template_id = ec2.new_lt_id()
        ec2.launch_templates[template_id] = {
            "LaunchTemplateId": template_id,
            "LaunchTemplateName": wanted["LaunchTemplateName"],
            "CreateTime": _now(),
            "DefaultVersionNumber": 1,
            "LatestVersionNumber": 0,
            "Versions": [],
        }
        self._add_version(template_id, wanted)
        return self._made(template_id, wanted)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        name = ec2.launch_templates[physical_id]["LaunchTemplateName"]
        wanted = self._request({"LaunchTemplateName": name, **new})
        if any(old.get(key) != new.get(key) for key in ("LaunchTemplateData", "VersionDescription")):
            self._add_version(physical_id, wanted)
        return self._made(physical_id, wanted)

    def delete(self, physical_id: str, properties: Properties) -> None:
        ec2.launch_templates.pop(physical_id, None)
        ec2.tags.pop(physical_id, None)

    def _request(self, properties: Properties) -> dict[str, Any]:
        wanted = request("ec2", "CreateLaunchTemplate", properties)
        _check_template(wanted["LaunchTemplateData"])
        return wanted

    def _add_version(self, template_id: str, wanted: Mapping[str, Any]) -> None:
        template = ec2.launch_templates[template_id]
        template["LatestVersionNumber"] += 1
        version = {key: template[key] for key in ("LaunchTemplateId", "LaunchTemplateName")}
        version |= {
            "VersionNumber": template["LatestVersionNumber"],
            "VersionDescription": wanted.get("VersionDescription", ""),
            "DefaultVersion": template["LatestVersionNumber"] == template["DefaultVersionNumber"],
            "CreateTime": _now(),
            "LaunchTemplateData": wanted["LaunchTemplateData"],
        }
        template["Versions"].append(version)

    def _made(self, template_id: str, wanted: Mapping[str, Any]) -> Made:
        template = ec2.launch_templates[template_id]
        tags = [tag for each in wanted.get("TagSpecifications", ()) for tag in each["Tags"]]
        template["Tags"] = ec2.tags[template_id] = tags
        numbers = ("DefaultVersionNumber", "LatestVersionNumber")
        return Made(template_id, {"LaunchTemplateId": template_id} | {name: str(template[name]) for name in numbers})


def _check_template(data: Mapping[str, Any]) -> None:
    if "InstanceType" in data and "InstanceRequirements" in data:
        raise RefusedError(
            "InvalidParameterCombination: InstanceType and InstanceRequirements cannot be specified together"
        )
    if "InstanceType" in data and not ec2_checks.is_instance_type(data["InstanceType"]):
        raise RefusedError(f"InvalidInstanceType: the instance type '{data['InstanceType']}' is not known")
    image = str(data.get("ImageId", "resolve:"))
    if not image.startswith("resolve:") and not _IMAGE.fullmatch(image):
        # RequestLaunchTemplateData.ImageId; it is not known here which images exist
        raise RefusedError(f'InvalidAMIID.Malformed: Invalid id: "{image}" (expecting "ami-...")')
    if "SecurityGroupIds" in data and any("Groups" in item for item in data.get("NetworkInterfaces", ())):
        raise RefusedError(
            "InvalidParameterCombination: Network interfaces and an instance-level security groups may not be "
            "specified on the same request"
        )
    for group in security_groups(data):
        if group not in ec2.security_groups:
            raise RefusedError(f"InvalidGroup.NotFound: the security group '{group}' does not exist")
    try:
        script = base64.b64decode(data.get("UserData", ""), validate=True)
    except binascii.Error as error:
        raise RefusedError("InvalidUserData.Malformed: Invalid BASE64 encoding of user data.") from error
    if len(script) > _USER_DATA:
        raise RefusedError(f"InvalidParameterValue: User data is limited to {_USER_DATA} bytes")


def security_groups(data: Mapping[str, Any]) -> list[str]:
    """Return the security groups in the data of a launch template."""
    stated = [group for item in data.get("NetworkInterfaces", ()) for group in item.get("Groups", ())]
    return list(data.get("SecurityGroupIds") or stated)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def install() -> None:
    """Make the EC2 API show properties that ministack lacks, and refuse to delete route tables in use."""
    guard("AWS::EC2::RouteTable", deletion=lambda table, _: ec2_checks.check_table_unused(table))
    ec2.lt_data_xml = lambda data: xml("ec2", "ResponseLaunchTemplateData", data)
    show_group: Callable[[dict[str, Any]], str] = ec2.sg_xml
    ec2.sg_xml = lambda group: show_group({**group, "Description": escape(group["Description"])})
    show_instance: Callable[[dict[str, Any]], str] = ec2.instance_xml

    def shown(instance: dict[str, Any]) -> str:
        more = xml("ec2", "Instance", instance.get("_shown", {}))
        return re.sub("</item>$", f"{more}</item>", show_instance(instance))

    ec2.instance_xml = shown
    _show("DescribeNatGateways", "natGatewayId", ec2.nat_gateways, instead_of="<natGatewayAddressSet/>")
    _show("DescribeFlowLogs", "flowLogId", ec2.flow_logs)


def _show(operation: str, key: str, records: Mapping[str, Any], *, instead_of: str = "") -> None:
    describe: Callable[[dict[str, Any]], Answer] = ec2.ACTION_MAP[operation]
    pattern = re.compile(f"<{key}>([^<]+)</{key}>(.*?){instead_of}", re.DOTALL)

    def more(found: re.Match[str]) -> str:
        return found[0].removesuffix(instead_of) + str(records[found[1]].get("_shown", instead_of))

    def described(parameters: dict[str, Any]) -> Answer:
        status, headers, body = describe(parameters)
        return status, headers, pattern.sub(more, body.decode("utf-8")).encode("utf-8")

    ec2.ACTION_MAP[operation] = described
