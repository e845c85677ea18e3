"""The instances that workloads need, and the share of an instance at which EC2 costs as much as Fargate."""

from __future__ import annotations

from decimal import Decimal

import pytest

from moorage.advice.assumptions import Assumptions
from moorage.advice.hosts import candidates, hosts_of, pack, parity, with_headroom
from moorage.advice.market import Market
from moorage.advice.workload import Workload
from moorage.prices import PriceBook
from moorage.workload.ec2_instances import InstanceType, instance_type
from moorage.workload.fit import Demand, Host
from moorage.workload.task import Architecture, NetworkMode

MARKET = Market.of(PriceBook.load(), "us-east-1")


def type_named(name: str) -> InstanceType:
    found = instance_type(name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("m6i.large", "0.82"),
        ("c6i.xlarge", "0.86"),
        ("m7g.large", "0.88"),
        ("r7g.large", "0.88"),
        ("c7g.xlarge", "0.92"),
        ("m8g.large", "0.96"),
    ],
)
def test_ec2_on_demand_is_cheaper_only_above_a_large_share_of_an_instance(name: str, share: str) -> None:
    found = parity(type_named(name), MARKET)
    assert found is not None
    assert found.quantize(Decimal("0.01")) == Decimal(share)


def test_the_parity_of_a_type_without_a_price_is_unknown() -> None:
    unpriced = InstanceType("z9z.large", 2, 8192, Architecture.X86_64, 0, 3, None)
    assert parity(unpriced, MARKET) is None


@pytest.mark.parametrize(
    ("name", "mode", "trunking", "copies", "limit"),
    [
        ("m5.large", NetworkMode.AWSVPC, False, 2, "network interfaces"),
        ("m6i.2xlarge", NetworkMode.AWSVPC, False, 3, "network interfaces"),
        ("t3.medium", NetworkMode.AWSVPC, False, 2, "network interfaces"),
        ("m5.large", NetworkMode.AWSVPC, True, 8, "CPU"),
        ("m6i.2xlarge", NetworkMode.AWSVPC, True, 32, "CPU"),
        ("t3.medium", NetworkMode.AWSVPC, True, 2, "network interfaces"),
        ("m5.large", NetworkMode.BRIDGE, False, 8, "CPU"),
        ("m6i.2xlarge", NetworkMode.BRIDGE, False, 32, "CPU"),
        ("t3.medium", NetworkMode.BRIDGE, False, 6, "memory"),
    ],
)
def test_the_copies_on_an_instance_and_what_limits_them(
    name: str, mode: NetworkMode, *, trunking: bool, copies: int, limit: str
) -> None:
    workload = Workload(name="web", cpu=256, memory_mib=512, network_mode=mode)
    hosts = hosts_of(type_named(name), [workload], MARKET, Assumptions(trunking=trunking))
    assert hosts is not None
    assert hosts.copies_each == copies
    assert limit in hosts.limiting_resources


HOST = Host.of(type_named("m7i.large"), trunking=True)  # 2,048 CPU units, and 9 interfaces
SMALL, LARGE = Demand(cpu=256, memory_mib=256), Demand(cpu=1024, memory_mib=1024)


@pytest.mark.parametrize(
    ("copies", "instances"),
    [
        ([(SMALL, 0)], 0),
        ([(SMALL, 8)], 1),
        ([(SMALL, 9)], 2),
        ([(SMALL, 4), (LARGE, 1)], 1),
        ([(SMALL, 5), (LARGE, 1)], 2),
        ([(SMALL, 8), (LARGE, 3)], 3),
        ([(LARGE, 2), (Demand(cpu=0, memory_mib=128), 7)], 1),
        ([(LARGE, 2), (Demand(cpu=0, memory_mib=128), 8)], 2),  # the tenth interface
        ([(Demand(cpu=4096, memory_mib=128), 1), (SMALL, 1)], None),
    ],
)
def test_different_copies_share_instances(copies: list[tuple[Demand, int]], instances: int | None) -> None:
    assert pack(copies, HOST) == instances


def test_copies_with_the_same_host_port_do_not_share_an_instance() -> None:
    web = Demand(cpu=256, memory_mib=256, interface=False, host_ports=(80,))
    other = Demand(cpu=256, memory_mib=256, interface=False, host_ports=(80,))
    assert pack([(web, 1), (other, 1)], HOST) == 2


@pytest.mark.parametrize(
    ("instances", "copies", "assumptions", "needed"),
    [
        (1, 1, Assumptions(), 1),
        (1, 2, Assumptions(), 2),  # one in each zone
        (1, 2, Assumptions(zones=1), 1),
        (3, 9, Assumptions(), 3),
        (0, 0, Assumptions(), 0),
        (9, 30, Assumptions(target_capacity_percent=90), 10),
        (4, 12, Assumptions(zones=3, survives_zone_loss=True), 6),
        (4, 12, Assumptions(zones=2, survives_zone_loss=True), 8),
    ],
)
def test_hosts_for_zones_and_spare_capacity(instances: int, copies: int, assumptions: Assumptions, needed: int) -> None:
    assert with_headroom(instances, copies, assumptions) == needed


def test_a_daemon_takes_its_part_of_each_instance() -> None:
    web = Workload(name="web", cpu=1024, memory_mib=1024, least=4)
    agent = Workload(name="agent", cpu=128, memory_mib=128, daemon=True, network_mode=NetworkMode.HOST)
    with_agent = hosts_of(type_named("m7i.large"), [web, agent], MARKET, Assumptions())
    without = hosts_of(type_named("m7i.large"), [web], MARKET, Assumptions())
    assert with_agent is not None
    assert without is not None
    assert (without.least, with_agent.least) == (2, 4)


def test_a_daemon_that_no_instance_holds_is_refused() -> None:
    agent = Workload(name="agent", cpu=4096, memory_mib=128, daemon=True)
    assert hosts_of(type_named("m7i.large"), [agent], MARKET, Assumptions()) is None


def test_types_whose_cpu_depends_on_credits_are_compared_only_on_request() -> None:
    def families(*, burstable: bool) -> set[str]:
        return {each.family for each in candidates(Architecture.X86_64, gpus=False, burstable=burstable)}

    assert families(burstable=False) == {"c7i", "m7i", "r7i"}
    assert families(burstable=True) == {"c7i", "m7i", "r7i", "t3"}


def test_types_with_gpus_are_compared_only_for_tasks_with_gpus() -> None:
    assert all(each.gpus for each in candidates(Architecture.X86_64, gpus=True, burstable=False) if each.name != "g6f")
    assert not any(each.gpus for each in candidates(Architecture.ARM64, gpus=False, burstable=True))


def test_a_host_has_a_root_volume() -> None:
    web = Workload(name="web", cpu=256, memory_mib=512)
    hosts = hosts_of(type_named("m7i.large"), [web], MARKET, Assumptions(host_volume_gib=73))
    assert hosts is not None
    assert hosts.hourly - hosts.instance_hourly == Decimal("0.008")  # 73 GiB at 0.08 a month


def test_prices_of_two_regions_are_never_mixed() -> None:
    elsewhere = Market.of(PriceBook.load(), "xx-nowhere-1")
    assert elsewhere.region == "us-east-1"
    assert "since it lacks prices of Fargate or EC2 in xx-nowhere-1" in elsewhere.assumption
    assert not isinstance(Market.of(PriceBook.load(), "eu-west-1").price("ec2.m7g.large"), str)
    assert Market.of(PriceBook.load(), "eu-west-1").region == "eu-west-1"
