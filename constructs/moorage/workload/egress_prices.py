"""The monthly prices of VPC endpoints and NAT gateways in us-east-1, from AWS's pricing pages of 2025."""

from __future__ import annotations

import attrs

_HOURS_PER_MONTH = 730
_ENDPOINT_ZONE_PRICE = 0.01 * _HOURS_PER_MONTH  # an interface endpoint in one zone (AWS PrivateLink pricing)
_ENDPOINT_GIB_PRICE = 0.01
_NAT_GATEWAY_PRICE = (0.045 + 0.005) * _HOURS_PER_MONTH  # with its public IPv4 address (Amazon VPC pricing)
_NAT_GATEWAY_GIB_PRICE = 0.045


@attrs.frozen(kw_only=True)
class EgressPrice:
    """The monthly price of endpoints, compared with NAT gateways for the same traffic, in USD in us-east-1.

    Args:
        interfaces: The number of interface endpoints. The gateway endpoints of S3 and DynamoDB are free.
        zones: The number of Availability Zones of each endpoint.
        gib: The monthly traffic in GiB to services other than S3 and DynamoDB.
    """

    interfaces: int
    zones: int
    gib: float

    @property
    def endpoints(self) -> float:
        """The price of the endpoints."""
        return self.interfaces * self.zones * _ENDPOINT_ZONE_PRICE + self.gib * _ENDPOINT_GIB_PRICE

    @property
    def nat_gateway_per_zone(self) -> float:
        """The price of a NAT gateway in each Availability Zone."""
        return self.zones * _NAT_GATEWAY_PRICE + self.gib * _NAT_GATEWAY_GIB_PRICE

    @property
    def one_nat_gateway(self) -> float:
        """The price of a single NAT gateway, which fails with its Availability Zone."""
        return _NAT_GATEWAY_PRICE + self.gib * _NAT_GATEWAY_GIB_PRICE

    def __str__(self) -> str:
        return (
            f"{self.interfaces} interface endpoints in {self.zones} zones cost about ${self.endpoints:,.0f} a month; "
            f"one NAT gateway in each zone costs ${self.nat_gateway_per_zone:,.0f}, and a single NAT gateway "
            f"${self.one_nat_gateway:,.0f}"
        )
