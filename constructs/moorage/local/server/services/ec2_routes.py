"""Amazon EC2: subnets, routes, gateways and endpoints, checked against their VPC.

The messages are those of the API, as users report them (binlab/terraform-aws-vault-ha-raft issue 54,
terraform-aws-modules/terraform-aws-vpc issue 583). Otherwise the code is the API's and the rule is that of the
operation's page (EC2 API reference).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ministack.core.responses import get_region

from moorage.local.server.core import owners
from moorage.local.server.core.adapter import ec2, provisioners
from moorage.local.server.core.calls import RefusedError
from moorage.local.server.core.resource import Made, Properties, Resource
from moorage.local.server.services import documents, ec2_checks
from moorage.local.server.services import ec2_address_ranges as ranges

_PREFIXES = range(16, 29)
_GATEWAY_SERVICES = ("dynamodb", "s3", "s3express")
_ENDPOINT_ZONE = "Z7HUB22UULQXV"
_ZONE = r"([a-f]|-[a-z]+-\d[a-z]|-wl\d-[a-z]+-wlz-\d)"
"""The names of Availability Zones, Local Zones and Wavelength Zones after the region (EC2 user guide, "Regions and
Zones"; AWS Wavelength developer guide, "Available Wavelength Zones")."""
_REGIONAL = re.compile(r"com\.amazonaws\.([a-z]{2}(?:-[a-z]+)+-\d)\.(.+)")


class Subnet(Resource):
    """A subnet. Its CIDR block is within a CIDR block of the VPC and does not overlap with that of another subnet."""

    type = "AWS::EC2::Subnet"

    def create(self, properties: Properties, name: str) -> Made:
        self._check(properties)
        subnet_id, attributes = provisioners.ec2_subnet_create(name, properties, name)
        try:
            return self._made(subnet_id, attributes, properties)
        except RefusedError:
            provisioners.ec2_subnet_delete(subnet_id, properties)
            raise

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        subnet_id, attributes = provisioners.ec2_subnet_update(physical_id, old, new, physical_id, physical_id)
        return self._made(subnet_id, attributes, new)

    def _made(self, subnet_id: str, attributes: Mapping[str, Any], properties: Properties) -> Made:
        subnet = ec2.subnets[subnet_id]
        ranges.assign(subnet, properties)
        ipv6 = [subnet["_ipv6"]] if "_ipv6" in subnet else []
        acls = ec2.vpcs[subnet["VpcId"]].get("DefaultNetworkAclId", "")
        further = {"VpcId": subnet["VpcId"], "CidrBlock": subnet["CidrBlock"], "Ipv6CidrBlocks": ipv6}
        return Made(subnet_id, {**further, "NetworkAclAssociationId": acls.replace("acl", "aclassoc"), **attributes})

    def delete(self, physical_id: str, properties: Properties) -> None:
        ec2_checks.check_subnet_unused(physical_id)
        provisioners.ec2_subnet_delete(physical_id, properties)

    def _check(self, properties: Properties) -> None:
        vpc = ec2_checks.known_vpc(properties["VpcId"])
        zone = properties.get("AvailabilityZone")
        if zone and not re.fullmatch(get_region() + _ZONE, str(zone)) and zone not in ec2_checks.placeholders:
            raise RefusedError(
                f"InvalidParameterValue: Value ({zone}) for parameter availabilityZone is invalid. Subnets can "
                f"currently only be created in the availability zones of {get_region()}."
            )
        cidr = properties.get("CidrBlock")
        if cidr is None:
            return
        block = ec2_checks.network(cidr, "cidrBlock")
        wholes = (ec2_checks.network(each, "cidrBlock") for each in ranges.blocks(vpc))
        inside = any(
            block.version == whole.version and whole.supernet_of(block)  # type: ignore[arg-type]  # one version
            for whole in wholes
        )
        if block.prefixlen not in _PREFIXES or not (inside or vpc.get("_imported")):
            raise RefusedError(f"InvalidSubnet.Range: The CIDR '{cidr}' is invalid.")
        for other in ec2.subnets.values():
            if other.get("_imported"):
                continue  # its CIDR block is not known here
            if other["VpcId"] == vpc["VpcId"] and block.overlaps(ec2_checks.network(other["CidrBlock"], "cidrBlock")):
                raise RefusedError(
                    f"InvalidSubnet.Conflict: The CIDR '{cidr}' conflicts with another subnet: "
                    f"{owners.owner(other['SubnetId'])}"
                )


class SubnetRouteTableAssociation(Resource):
    """The association of a subnet with its only route table."""

    type = "AWS::EC2::SubnetRouteTableAssociation"

    def create(self, properties: Properties, name: str) -> Made:
        table, subnet = _table(properties["RouteTableId"]), _subnet(properties["SubnetId"])
        if table["VpcId"] != subnet["VpcId"]:
            raise RefusedError(
                f"InvalidParameterValue: Route table {table['RouteTableId']} and subnet {subnet['SubnetId']} belong "
                "to different networks"
            )
        taken = [
            each["RouteTableAssociationId"]
            for other in ec2.route_tables.values()
            for each in other["Associations"]
            if each.get("SubnetId") == subnet["SubnetId"]
        ]
        if any(not owners.replaces(name, each) for each in taken):
            raise RefusedError(
                "Resource.AlreadyAssociated: the specified association for route table "
                f"{table['RouteTableId']} conflicts with an existing association: "
                f"{owners.owner(taken[0])}"
            )
        association, _ = provisioners.ec2_subnet_rtb_assoc_create(name, properties, name)
        return Made(association, {"Id": association})

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        return Made(physical_id, {"Id": physical_id})

    def delete(self, physical_id: str, properties: Properties) -> None:
        provisioners.ec2_subnet_rtb_assoc_delete(physical_id, properties)


def _table(table_id: str) -> Mapping[str, Any]:
    if table_id not in ec2.route_tables:
        raise RefusedError(f"InvalidRouteTableID.NotFound: The routeTable ID '{table_id}' does not exist")
    found: Mapping[str, Any] = ec2.route_tables[table_id]
    return found


def _subnet(subnet_id: str) -> Mapping[str, Any]:
    ec2.ensure_defaults_initialized()
    if subnet_id not in ec2.subnets:
        raise RefusedError(f"InvalidSubnetID.NotFound: The subnet ID '{subnet_id}' does not exist")
    found: Mapping[str, Any] = ec2.subnets[subnet_id]
    return found


class Route(Resource):
    """A route to a single target."""

    type = "AWS::EC2::Route"

    def create(self, properties: Properties, name: str) -> Made:
        self._check(properties)
        kind, destination = provisioners.ec2_route_destination(properties)
        if any(route.get(kind) == destination for route in _table(properties["RouteTableId"])["Routes"]):
            raise RefusedError(f"RouteAlreadyExists: The route identified by {destination} already exists.")
        route, _ = provisioners.ec2_route_create(name, properties, name)
        return self._made(route, properties)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        self._check(new)
        route, _ = provisioners.ec2_route_update(physical_id, old, new, physical_id, physical_id)
        return self._made(route, new)

    def delete(self, physical_id: str, properties: Properties) -> None:
        provisioners.ec2_route_delete(physical_id, properties)

    def _made(self, route: str, properties: Properties) -> Made:
        return Made(route, {"CidrBlock": provisioners.ec2_route_destination(properties)[1]})

    def _check(self, properties: Properties) -> None:
        table = _table(properties["RouteTableId"])
        for name in ("DestinationCidrBlock", "DestinationIpv6CidrBlock"):
            if properties.get(name):
                ec2_checks.network(properties[name], name[0].lower() + name[1:])
        targets = [name for name in provisioners.EC2_ROUTE_TARGETS if properties.get(name)]
        if len(targets) != 1:
            raise RefusedError(
                "InvalidParameterCombination: The request must contain exactly one of "
                f"{', '.join(name[0].lower() + name[1:] for name in provisioners.EC2_ROUTE_TARGETS)}"
            )
        gateway = str(properties.get("GatewayId", ""))
        if gateway.startswith("igw-") and gateway not in ec2.internet_gateways:
            raise RefusedError(f"InvalidInternetGatewayID.NotFound: The internetGateway ID '{gateway}' does not exist")
        if gateway.startswith("igw-") and gateway not in ec2_checks.internet_gateways(table["VpcId"]):
            raise RefusedError(
                f"InvalidParameterValue: route table {table['RouteTableId']} and network gateway {gateway} belong to "
                "different networks"
            )
        nat = properties.get("NatGatewayId")
        if nat and nat not in ec2.nat_gateways:
            raise RefusedError(f"InvalidNatGatewayID.NotFound: The NatGateway ID '{nat}' does not exist")


class VpcGatewayAttachment(Resource):
    """The attachment of an internet gateway or a virtual private gateway to a VPC.

    An internet gateway can be attached to only one VPC, and a VPC can have only one internet gateway.
    """

    type = "AWS::EC2::VPCGatewayAttachment"

    def create(self, properties: Properties, name: str) -> Made:
        self._check(properties, name)
        attachment, _ = provisioners.ec2_vpc_gw_attach_create(name, properties, name, replacing=True)
        return Made(attachment, {"AttachmentType": attachment.partition("|")[0]})

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        attachment, _ = provisioners.ec2_vpc_gw_attach_update(physical_id, old, new, physical_id, physical_id)
        return Made(attachment, {"AttachmentType": attachment.partition("|")[0]})

    def delete(self, physical_id: str, properties: Properties) -> None:
        if properties.get("InternetGatewayId"):
            ec2_checks.check_addresses_unmapped(physical_id, properties["VpcId"])
        provisioners.ec2_vpc_gw_attach_delete(physical_id, properties)

    def _check(self, properties: Properties, name: str) -> None:
        vpc, gateway = properties["VpcId"], properties.get("InternetGatewayId")
        ec2_checks.known_vpc(vpc)
        if not gateway:
            return
        if gateway not in ec2.internet_gateways:
            raise RefusedError(f"InvalidInternetGatewayID.NotFound: The internetGateway ID '{gateway}' does not exist")
        for attachment in ec2.internet_gateways[gateway]["Attachments"]:
            if not owners.replaces(name, f"IGW|{attachment['VpcId']}"):
                raise RefusedError(
                    f"Resource.AlreadyAssociated: resource {gateway} is already attached to network "
                    f"{attachment['VpcId']}"
                )
        if ec2_checks.internet_gateways(vpc):
            raise RefusedError(f"InvalidParameterValue: Network {vpc} already has an internet gateway attached")


class VpcEndpoint(Resource):
    """A VPC endpoint: a gateway endpoint with routes, or an interface endpoint with at most one subnet in each zone."""

    type = "AWS::EC2::VPCEndpoint"

    def create(self, properties: Properties, name: str) -> Made:
        self._check(properties, None)
        return self._made(provisioners.ec2_vpc_endpoint_create(name, properties, name), properties)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        self._check(new, physical_id)
        return self._made(provisioners.ec2_vpc_endpoint_update(physical_id, old, new, physical_id), new)

    def delete(self, physical_id: str, properties: Properties) -> None:
        provisioners.ec2_vpc_endpoint_delete(physical_id, properties)

    def _made(self, result: tuple[str, Mapping[str, Any]], properties: Properties) -> Made:
        """Return an endpoint with the network interfaces and DNS names of an interface endpoint."""
        endpoint, attributes = result
        if properties.get("VpcEndpointType") != "Interface":
            return Made(endpoint, attributes)
        label = endpoint.removeprefix("vpce-")
        service = str(properties["ServiceName"]).rsplit(".", maxsplit=1)[-1]
        names = [f"{endpoint}-{label[:8]}.{service}.{get_region()}.vpce.amazonaws.com"]
        if str(properties.get("PrivateDnsEnabled")).lower() == "true":
            names.append(f"{service}.{get_region()}.amazonaws.com")
        interfaces = [f"eni-{label[:-2]}{number:02x}" for number, _ in enumerate(properties.get("SubnetIds") or ())]
        further = {"DnsEntries": [f"{_ENDPOINT_ZONE}:{name}" for name in names], "NetworkInterfaceIds": interfaces}
        return Made(endpoint, {**attributes, **further})

    def _check(self, properties: Properties, endpoint_id: str | None) -> None:
        vpc = ec2_checks.known_vpc(properties["VpcId"])
        self._check_service(properties)
        subnets = [_subnet(subnet) for subnet in properties.get("SubnetIds") or ()]
        zones = [subnet["AvailabilityZone"] for subnet in subnets]
        for number, subnet in enumerate(subnets):
            if subnet["VpcId"] != vpc["VpcId"]:
                raise RefusedError(
                    f"InvalidParameter: The subnet {subnet['SubnetId']} does not belong to the VPC {vpc['VpcId']}"
                )
            if zones[number] in zones[:number]:
                raise RefusedError(
                    "DuplicateSubnetsInSameZone: Found another VPC endpoint subnet in the availability zone of "
                    f"{subnet['SubnetId']}. VPC endpoint subnets should be in different availability zones supported "
                    "by the VPC endpoint service."
                )
        for group in properties.get("SecurityGroupIds") or ():
            if group not in ec2.security_groups:
                raise RefusedError(f"InvalidGroup.NotFound: The security group '{group}' does not exist")
            if ec2.security_groups[group]["VpcId"] != vpc["VpcId"]:  # CreateVpcEndpoint, SecurityGroupIds
                raise RefusedError(
                    f"InvalidParameter: The security group {group} does not belong to the VPC {vpc['VpcId']}"
                )
        self._check_tables(properties, endpoint_id)
        if properties.get("PolicyDocument"):
            documents.refuse(
                documents.syntax_faults(documents.parsed(properties["PolicyDocument"])), "InvalidPolicyDocument"
            )
        if str(properties.get("PrivateDnsEnabled")).lower() == "true":
            self._check_private_dns(properties, vpc, endpoint_id)

    def _check_tables(self, properties: Properties, endpoint_id: str | None) -> None:
        """Refuse subnets and security groups of gateway endpoints, and route tables of other endpoints.

        A route table can have only one gateway endpoint for each service.
        """
        gateway = properties.get("VpcEndpointType", "Gateway") == "Gateway"
        tables = properties.get("RouteTableIds") or ()
        if not gateway and tables:
            raise RefusedError(  # ansible-collections/amazon.aws issue 576
                "InvalidParameter: Route table IDs are only supported for Gateway type VPC Endpoint."
            )
        if gateway and (properties.get("SubnetIds") or properties.get("SecurityGroupIds")):
            # CreateVpcEndpoint, SubnetIds and SecurityGroupIds
            raise RefusedError("InvalidParameter: Subnet IDs are only supported for Interface type VPC Endpoint.")
        for table in tables:
            _table(table)
            for other in ec2.vpc_endpoints.values():
                same = other["ServiceName"] == properties.get("ServiceName") and table in other.get("RouteTableIds", ())
                if same and other["VpcEndpointId"] != endpoint_id:  # eksctl-io/eksctl issue 2510
                    raise RefusedError(
                        f"RouteAlreadyExists: route table {table} already has a route to {other['ServiceName']}: "
                        f"{owners.owner(other['VpcEndpointId'])}"
                    )

    def _check_service(self, properties: Properties) -> None:
        regional = _REGIONAL.fullmatch(str(properties.get("ServiceName", "")))
        if regional is None:
            return
        if regional[1] != get_region() and "ServiceRegion" not in properties:
            raise RefusedError(
                f"InvalidServiceName: The Vpc Endpoint Service '{properties['ServiceName']}' does not exist"
            )
        if properties.get("VpcEndpointType", "Gateway") == "Gateway" and regional[2] not in _GATEWAY_SERVICES:
            raise RefusedError(
                "InvalidParameter: Endpoint type (Gateway) does not match available service types ([Interface])."
            )

    def _check_private_dns(self, properties: Properties, vpc: Mapping[str, Any], endpoint_id: str | None) -> None:
        vpc_id = vpc["VpcId"]
        if not vpc.get("EnableDnsSupport", True) or not vpc.get("EnableDnsHostnames", vpc.get("IsDefault")):
            raise RefusedError(
                "InvalidParameter: Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC "
                f"attributes set to true for {vpc_id}"
            )
        for other in ec2.vpc_endpoints.values():
            if other["VpcEndpointId"] != endpoint_id and (
                (other["VpcId"], other["ServiceName"]) == (vpc_id, properties.get("ServiceName"))
                and str(other["PrivateDnsEnabled"]).lower() == "true"
            ):
                raise RefusedError(
                    "InvalidParameter: private-dns-enabled cannot be set because there is already a conflicting DNS "
                    f"domain for {other['ServiceName']} in the VPC {vpc_id}: "
                    f"{owners.owner(other['VpcEndpointId'])}"
                )
