"""The monthly cost of a network."""

from __future__ import annotations

from moorage.advice.monthly_cost import CostPart, MonthlyCost, monthly_cost
from moorage.prices.price import HOURS


def network_cost(
    path: str, region: str, *, zones: int, nat_gateways: int, interfaces: int, flow_logs: bool
) -> MonthlyCost:
    """Return the monthly cost of a network.

    Args:
        path: The construct path of the network.
        region: The region of the prices.
        zones: The number of Availability Zones of each endpoint.
        nat_gateways: The number of NAT gateways.
        interfaces: The number of interface endpoints.
        flow_logs: True if traffic is logged.
    """
    parts = []
    if nat_gateways:
        hours = nat_gateways * HOURS
        parts += [
            CostPart(name=f"NAT gateways ({nat_gateways})", item="nat.hour", least=hours),
            CostPart(name="Public IPv4 addresses", item="ipv4.hour", least=hours, note="one for each NAT gateway"),
            CostPart(name="Traffic through NAT gateways", item="nat.gb", by_use=True),
        ]
    if interfaces:
        parts += [
            CostPart(
                name=f"Interface endpoints ({interfaces})",
                item="endpoint.hour",
                least=interfaces * zones * HOURS,
                note=f"each in {zones} zones",
            ),
            CostPart(name="Traffic through endpoints", item="endpoint.gb", by_use=True),
        ]
    if flow_logs:
        parts.append(CostPart(name="Flow logs", item="logs.vended_gb", by_use=True))
    return monthly_cost(path, parts, region)
