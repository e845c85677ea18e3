"""The monthly prices of endpoints and NAT gateways in us-east-1, as AWS's pages gave them in 2025."""

from __future__ import annotations

import attrs

_HOURS_PER_MONTH = 730
_ENDPOINT_ZONE_PRICE = 0.01 * _HOURS_PER_MONTH  # an interface endpoint in one zone (AWS PrivateLink pricing)
_ENDPOINT_GIB_PRICE = 0.01
_NAT_GATEWAY_PRICE = (0.045 + 0.005) * _HOURS_PER_MONTH  # with the public address that each has (Amazon VPC pricing)
_NAT_GATEWAY_GIB_PRICE = 0.045


@attrs.frozen(kw_only=True)
class EgressPrice:
    """What endpoints cost in a month beside the NAT gateways that would do the same, in USD, in us-east-1.

    Args:
        interfaces: How many interface endpoints there are; those of S3 and DynamoDB are routes, and free.
        zones: In how many zones each has an interface.
        gib: How much passes in a month to services other than those two.
    """

    interfaces: int
    zones: int
    gib: float

    @property
    def endpoints(self) -> float:
        """Return the price of the endpoints."""
        return self.interfaces * self.zones * _ENDPOINT_ZONE_PRICE + self.gib * _ENDPOINT_GIB_PRICE

    @property
    def nat_gateway_per_zone(self) -> float:
        """Return the price of a NAT gateway in each zone."""
        return self.zones * _NAT_GATEWAY_PRICE + self.gib * _NAT_GATEWAY_GIB_PRICE

    @property
    def one_nat_gateway(self) -> float:
        """Return the price of a single NAT gateway, which fails with its zone."""
        return _NAT_GATEWAY_PRICE + self.gib * _NAT_GATEWAY_GIB_PRICE

    def __str__(self) -> str:
        return (
            f"{self.interfaces} interface endpoints in {self.zones} zones cost about ${self.endpoints:,.0f} a month; "
            f"NAT gateways ${self.nat_gateway_per_zone:,.0f}, or ${self.one_nat_gateway:,.0f} for one alone"
        )
