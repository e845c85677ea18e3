"""The monthly cost of a network."""

from __future__ import annotations

from decimal import Decimal

import aws_cdk as cdk

from moorage import Endpoints, Network


def test_a_network_costs_its_nat_gateways_and_their_addresses(stack: cdk.Stack) -> None:
    cost = Network(stack, "Network").monthly_cost()
    assert cost.least == cost.most == 2 * 730 * (Decimal("0.045") + Decimal("0.005"))
    assert str(cost).startswith("Shop/Network costs $73.00 a month in us-east-1:\n- NAT gateways (2): $65.70\n")
    assert "- Traffic through NAT gateways: $0.045 per GB" in str(cost)
    assert "- Flow logs: $0.50 per GB" in str(cost)


def test_each_endpoint_is_billed_in_each_zone_and_gateway_endpoints_are_free(stack: cdk.Stack) -> None:
    network = Network(
        stack, "Network", zones=3, nat_gateways=0, endpoints=Endpoints("s3", "ecr.api", "logs"), flow_logs=False
    )
    cost = network.monthly_cost()
    assert cost.least == 2 * 3 * 730 * Decimal("0.01")
    assert [each.part.name for each in cost.parts] == ["Interface endpoints (2)", "Traffic through endpoints"]


def test_a_network_without_gateways_endpoints_and_logs_is_free(stack: cdk.Stack) -> None:
    network = Network(stack, "Network", nat_gateways=0, flow_logs=False)
    assert network.monthly_cost().parts == ()


def test_the_region_is_that_of_the_stack_unless_another_is_given(app: cdk.App) -> None:
    stack = cdk.Stack(app, "There", env=cdk.Environment(account="111111111111", region="sa-east-1"))
    network = Network(stack, "Network")
    assert network.monthly_cost().region == "sa-east-1"
    assert network.monthly_cost().least > network.monthly_cost(region="us-east-1").least
