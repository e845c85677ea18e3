"""Amazon EC2: VPN connections, VPC peering connections, DHCP options and prefix lists."""

from __future__ import annotations

from typing import Any

from ministack.core.responses import get_account_id

from moorage.local.server.core.adapter import ec2
from moorage.local.server.core.calls import RefusedError
from moorage.local.server.core.resource import Made, Properties, Resource
from moorage.local.server.services import ec2_checks
from moorage.local.server.services.ec2_operations import Operated, invoke


class CustomerGateway(Operated):
    """A customer gateway, the customer's end of a VPN connection."""

    type = "AWS::EC2::CustomerGateway"
    made_by, removed_by = "CreateCustomerGateway", "DeleteCustomerGateway"
    record, identifier = "CustomerGateway", "CustomerGatewayId"


class VpnGateway(Operated):
    """A virtual private gateway, AWS's end of a VPN connection."""

    type = "AWS::EC2::VPNGateway"
    made_by, removed_by = "CreateVpnGateway", "DeleteVpnGateway"
    record, identifier = "VpnGateway", "VpnGatewayId"


class VpnConnection(Operated):
    """A VPN connection; no tunnel is up here."""

    type = "AWS::EC2::VPNConnection"
    made_by, removed_by = "CreateVpnConnection", "DeleteVpnConnection"
    record, identifier = "VpnConnection", "VpnConnectionId"
    _options = (
        "EnableAcceleration", "LocalIpv4NetworkCidr", "LocalIpv6NetworkCidr", "OutsideIpAddressType",
        "RemoteIpv4NetworkCidr", "RemoteIpv6NetworkCidr", "StaticRoutesOnly", "TransportTransitGatewayAttachmentId",
        "TunnelInsideIpVersion",
    )  # fmt: skip

    def _stated(self, properties: Properties) -> dict[str, Any]:
        options = {name: properties[name] for name in self._options if name in properties}
        tunnels = properties.get("VpnTunnelOptionsSpecifications")
        if tunnels:
            options["TunnelOptions"] = tunnels
        rest = {
            name: properties[name]
            for name in properties
            if name not in (*self._options, "VpnTunnelOptionsSpecifications")
        }
        return super()._stated({**rest, **({"Options": options} if options else {})})


class VpnConnectionRoute(Resource):
    """A static route of a VPN connection."""

    type = "AWS::EC2::VPNConnectionRoute"

    def create(self, properties: Properties, name: str) -> Made:
        connection, block = properties["VpnConnectionId"], properties["DestinationCidrBlock"]
        invoke("CreateVpnConnectionRoute", {"VpnConnectionId": connection, "DestinationCidrBlock": block})
        return Made(f"{connection}|{block}")

    def delete(self, physical_id: str, properties: Properties) -> None:
        connection, _, block = physical_id.partition("|")
        if connection in ec2.vpn_connections:
            invoke("DeleteVpnConnectionRoute", {"VpnConnectionId": connection, "DestinationCidrBlock": block})


class VpnGatewayRoutePropagation(Resource):
    """The propagation of a virtual private gateway's routes to route tables."""

    type = "AWS::EC2::VPNGatewayRoutePropagation"

    def create(self, properties: Properties, name: str) -> Made:
        gateway = properties["VpnGatewayId"]
        if gateway not in ec2.vpn_gateways:
            raise RefusedError(f"InvalidVpnGatewayID.NotFound: The vpnGateway ID '{gateway}' does not exist")
        for table in properties["RouteTableIds"]:
            invoke("EnableVgwRoutePropagation", {"RouteTableId": table, "GatewayId": gateway})
        return Made(name)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        self.delete(physical_id, old)
        return Made(physical_id, self.create(new, physical_id).attributes)

    def delete(self, physical_id: str, properties: Properties) -> None:
        for table in properties["RouteTableIds"]:
            if table in ec2.route_tables:
                invoke("DisableVgwRoutePropagation", {"RouteTableId": table, "GatewayId": properties["VpnGatewayId"]})


class VpcPeeringConnection(Operated):
    """A VPC peering connection, which is active at once if both VPCs are in this account and region."""

    type = "AWS::EC2::VPCPeeringConnection"
    made_by, removed_by = "CreateVpcPeeringConnection", "DeleteVpcPeeringConnection"
    record, identifier = "VpcPeeringConnection", "VpcPeeringConnectionId"

    def create(self, properties: Properties, name: str) -> Made:
        ec2_checks.known_vpc(properties["VpcId"])
        made = super().create(properties, name)
        if properties.get("PeerOwnerId", get_account_id()) == get_account_id() and not properties.get("PeerRegion"):
            ec2_checks.known_vpc(properties["PeerVpcId"])
            invoke("AcceptVpcPeeringConnection", {"VpcPeeringConnectionId": made.physical_id})
        return made

    def _stated(self, properties: Properties) -> dict[str, Any]:
        properties.get("PeerRoleArn")  # for the acceptance in another account
        return super()._stated({name: properties[name] for name in properties if name != "PeerRoleArn"})


class DhcpOptions(Operated):
    """A set of DHCP options."""

    type = "AWS::EC2::DHCPOptions"
    made_by, removed_by = "CreateDhcpOptions", "DeleteDhcpOptions"
    record, identifier = "DhcpOptions", "DhcpOptionsId"
    _keys = (
        ("DomainName", "domain-name"),
        ("DomainNameServers", "domain-name-servers"),
        ("Ipv6AddressPreferredLeaseTime", "ipv6-address-preferred-lease-time"),
        ("NetbiosNameServers", "netbios-name-servers"),
        ("NetbiosNodeType", "netbios-node-type"),
        ("NtpServers", "ntp-servers"),
    )

    def _stated(self, properties: Properties) -> dict[str, Any]:
        values = ((key, properties[name]) for name, key in self._keys if name in properties)
        listed = [{"Key": key, "Values": value if isinstance(value, list) else [str(value)]} for key, value in values]
        return {"DhcpConfigurations": listed}


class VpcDhcpOptionsAssociation(Resource):
    """The association of a set of DHCP options with a VPC."""

    type = "AWS::EC2::VPCDHCPOptionsAssociation"

    def create(self, properties: Properties, name: str) -> Made:
        invoke("AssociateDhcpOptions", {each: properties[each] for each in ("DhcpOptionsId", "VpcId")})
        return Made(f"{properties['DhcpOptionsId']}|{properties['VpcId']}")

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        return self.create(new, physical_id)

    def delete(self, physical_id: str, properties: Properties) -> None:
        if properties["VpcId"] in ec2.vpcs:
            invoke("AssociateDhcpOptions", {"DhcpOptionsId": "default", "VpcId": properties["VpcId"]})


class PrefixList(Operated):
    """A managed prefix list."""

    type = "AWS::EC2::PrefixList"
    made_by, removed_by = "CreateManagedPrefixList", "DeleteManagedPrefixList"
    record, identifier = "PrefixList", "PrefixListId"
    attributes = ("AddressFamily", "MaxEntries", "OwnerId", "Version")

    def create(self, properties: Properties, name: str) -> Made:
        made = super().create(properties, name)
        return Made(made.physical_id, {**made.attributes, "Arn": ec2.prefix_lists[made.physical_id]["PrefixListArn"]})

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        wanted = self._stated(new)
        ec2.prefix_lists[physical_id] |= {
            name: wanted[name] for name in ("Entries", "MaxEntries", "PrefixListName") if name in wanted
        }
        return super().update(physical_id, old, new)

    def _stated(self, properties: Properties) -> dict[str, Any]:
        entries = properties.get("Entries") or ()
        most = properties.get("MaxEntries", max(len(entries), 1))  # PrefixList: required only without entries
        return super()._stated({**{name: properties[name] for name in properties}, "MaxEntries": most})
