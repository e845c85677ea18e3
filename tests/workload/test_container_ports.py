"""The named ports of a container."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import aws_cdk as cdk
import pytest

from moorage import Container, NetworkMode, Task
from moorage.workload.ports import find_port, missing_port

RABBIT = Container("rabbitmq:4", name="rabbit", ports={"amqp": 5672, "admin": 15672})
WEB = Container("nginx:1", name="Web", port=8080, ports={"metrics": 9090})
TOKEN: Any = cdk.Token.as_string({"Ref": "Name"})


def number(container: str | None, port: str | int | None) -> int | None:
    found = find_port([RABBIT, WEB], container, port)
    return found.number if found else None


def test_the_port_comes_first_and_has_the_name_of_the_container() -> None:
    assert list(WEB._ports.items()) == [("web", 8080), ("metrics", 9090)]
    assert list(RABBIT._ports.items()) == [("amqp", 5672), ("admin", 15672)]
    assert Container("redis:8")._ports == {}


def test_ports_do_not_change_and_can_be_copied() -> None:
    given = {"amqp": 5672}
    rabbit = Container("rabbitmq:4", ports=given)
    given["admin"] = 15672
    assert rabbit.ports == {"amqp": 5672}
    assert copy.deepcopy(rabbit) == rabbit == pickle.loads(pickle.dumps(rabbit))  # noqa: S301  # our own bytes


@pytest.mark.parametrize(
    ("container", "port", "expected"),
    [
        (None, None, 5672),
        ("Web", None, 8080),
        (None, "metrics", 9090),
        (None, 9090, 9090),
        (None, "web", 8080),
        ("rabbit", "admin", 15672),
        ("rabbit", "metrics", None),
        ("missing", None, None),
        (None, 1, None),
    ],
)
def test_a_port_is_found_by_name_or_number(container: str | None, port: str | int | None, expected: int | None) -> None:
    assert number(container, port) == expected


def test_errors_name_the_ports_that_exist() -> None:
    containers = [RABBIT, WEB]
    assert missing_port(containers, None, "metrics", "lattice") is None
    assert missing_port(containers, "rabbit", "console", "lattice") == (
        "container_port of lattice must be a port of container 'rabbit' (got 'console'); use 'amqp' (5672) or 'admin' "
        "(15672)"
    )
    assert missing_port(containers, None, 80, "lattice") == (
        "container_port of lattice must be a port of the task (got 80); use 'amqp' (5672) or 'admin' (15672) or 'web' "
        "(8080) or 'metrics' (9090)"
    )
    assert missing_port(containers, "web", None, "lattice") == (
        "container of lattice must be a container with a port (got 'web'); use 'rabbit' or 'Web'"
    )


def test_a_name_of_a_port_is_not_that_of_its_container() -> None:
    with pytest.raises(ValueError, match="ports must not have the name of the container"):
        Container("nginx:1", name="Web", port=8080, ports={"web": 9090})
    assert Container("nginx:1", name="web", ports={"web": 9090})._ports == {"web": 9090}


def test_a_name_is_known_at_synthesis() -> None:
    with pytest.raises(ValueError, match="each name of ports must be known at synthesis"):
        Container("nginx:1", ports={TOKEN: 80})


def test_a_number_is_a_port() -> None:
    with pytest.raises(ValueError, match=r"ports\['web'\] must be between 1 and 65535 \(got 0\)"):
        Container("nginx:1", ports={"web": 0})


def test_ports_do_not_overlap_a_range() -> None:
    with pytest.raises(ValueError, match="port_ranges must not overlap"):
        Container("nginx:1", ports={"web": 8005}, port_ranges=[(8000, 8010)])


def test_containers_share_no_port() -> None:
    other = Container("nginx:1", name="other", port=15672)
    with pytest.raises(ValueError, match="port must be unique in a task"):
        Task(RABBIT, other)
    assert Task(RABBIT, other, network_mode=NetworkMode.BRIDGE)._host_ports == ()
    with pytest.raises(ValueError, match="ports of the task must not overlap"):
        Task(RABBIT, Container("nginx:1", name="other", port_ranges=[(15000, 16000)]))


def test_each_port_of_host_mode_is_a_port_of_the_instance() -> None:
    assert Task(RABBIT, network_mode=NetworkMode.HOST)._host_ports == (5672, 15672)
    assert Task(RABBIT)._host_ports == ()
    with pytest.raises(ValueError, match="port must not be 22"):
        Task(Container("nginx:1", ports={"web": 80, "ssh": 22}), network_mode=NetworkMode.HOST)


def test_a_container_with_ports_receives_connections() -> None:
    port = find_port([Container("redis:8", name="cache"), RABBIT], None, None)
    assert port
    assert port.container is RABBIT
