"""The values of a container, its lifecycle and its image."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import aws_cdk as cdk
import pytest

from moorage import Container, EnvironmentFile, HealthCheck
from tests.stand_ins import stand_in

BUCKET = stand_in("aws_s3.IBucket")


@pytest.mark.parametrize("words", [["$HOME/check"], ["check", "$PORT"]])
def test_a_health_command_without_a_shell_should_have_no_variables(words: list[str]) -> None:
    with pytest.warns(
        UserWarning,
        match=re.escape(f"command should not contain shell variables, since no shell expands them (got {words})"),
    ):
        HealthCheck(["CMD", *words])


@pytest.mark.parametrize("command", ["check $PORT", ["CMD-SHELL", "check $PORT"], ["CMD", "check"]])
def test_a_health_command_with_a_shell_may_have_variables(command: Any) -> None:
    assert HealthCheck(command)


def test_a_local_environment_file_exists(tmp_path: Any) -> None:
    file = tmp_path / "web.env"
    with pytest.raises(ValueError, match="key must be a local file"):
        EnvironmentFile.from_asset(file)
    file.write_text("A=b")
    assert EnvironmentFile.from_asset(file).bucket is None
    assert EnvironmentFile.from_bucket(BUCKET, "missing.env").key == "missing.env"
    assert EnvironmentFile.from_asset("${Token[File.1]}.env")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"writable": {"/tmp": 0}}, "writable '/tmp' must be 1 MiB or more"),
        ({"writable": {"/tmp": 64}, "memory_mib": 64}, "writable '/tmp' must be smaller than the memory"),
        ({"host_port": 80}, r"host_port must not be given without port \(got 80\)"),
        ({"host_port": 65536, "port": 80}, "host_port must be between 1 and 65535"),
        ({"stop_timeout": dt.timedelta(seconds=-1)}, "stop_timeout must be at least 0 seconds"),
        (
            {"memory_reservation_mib": 129, "memory_mib": 128},
            "memory_reservation_mib must be between 6 MiB and memory_mib",
        ),
        ({"port_ranges": [(80, 90)], "port": 80}, "port_ranges must not overlap"),
        ({"environment": {"A=B": "x"}}, "each name in environment must"),
        (
            {"environment": {"A": "x"}, "secrets": {"A": stand_in("aws_ssm.IParameter")}},
            "must not have the same variable",
        ),
        ({"environment": {"A": "x"}, "not_secret": {"B": "a reason"}}, "not_secret must name only variables"),
        ({"depends_on": "app"}, "depends_on must not name the container itself"),
        ({"volumes_from": ["app"]}, "volumes_from must not name the container itself"),
        (
            {"system_controls": {"net.core.somaxconn": " "}},
            r"system_controls\['net.core.somaxconn'\] must not be empty",
        ),
        (
            {"system_controls": {cdk.Token.as_string({"Ref": "Name"}): "1"}},
            "each name of system_controls must be known",
        ),
        ({"extra_hosts": {"db": "db.internal"}}, r"extra_hosts\['db'\] must be an IP address"),
        ({"extra_hosts": {cdk.Token.as_string({"Ref": "Name"}): "10.0.0.1"}}, "each name of extra_hosts must be known"),
    ],
)
def test_a_container_refuses(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Container("shop:1", **arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"writable": {"/tmp": 64}},
        {"writable": {"/tmp": 63}, "memory_mib": 64},
        {"port": 80, "host_port": 80},
        {"memory_reservation_mib": 129},
        {"memory_mib": 128},
        {"port_ranges": [(81, 90)], "port": 80},
        {"port_ranges": [(80, 90)]},
        {"environment": {"A": "x"}, "not_secret": {"A": "a reason"}},
        {"system_controls": {"net.core.somaxconn": cdk.Token.as_string({"Ref": "Backlog"})}},
        {"dns_servers": cdk.Token.as_string({"Ref": "Server"})},
        {"extra_hosts": {"db": "fd00::10"}},
    ],
)
def test_a_container_accepts(arguments: dict[str, Any]) -> None:
    assert Container("shop:1", **arguments)


@pytest.mark.parametrize(
    ("arguments", "services"),
    [
        ({}, set()),
        ({"environment_files": [EnvironmentFile.from_bucket(BUCKET, "a.env")]}, {"s3"}),
        ({"credential_spec": "credentialspec:arn:aws:ssm:::parameter/a"}, {"ssm"}),
        ({"credential_spec": "credentialspec:arn:aws:s3:::bucket/a"}, {"s3"}),
    ],
)
def test_a_container_needs_the_services_of_what_it_reads_at_start(
    arguments: dict[str, Any], services: set[str]
) -> None:
    assert Container("shop:1", **arguments)._needs_to_start == services
