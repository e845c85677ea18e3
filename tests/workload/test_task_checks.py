"""The checks of commands, and of the containers of a task together."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from moorage import (
    Container,
    EnvironmentFile,
    HealthCheck,
    NetworkMode,
    OperatingSystemFamily,
    Task,
    Volume,
)
from tests.stand_ins import stand_in

OUTPUT = {"Name": "http", "host": "logs.example.com"}
BUCKET = stand_in("aws_s3.IBucket")
WINDOWS = OperatingSystemFamily.WINDOWS_SERVER_2022_CORE
APPLICATION = Container("a:1", memory_mib=64)


def files(count: int, name: str) -> Container:
    return Container(
        "a:1", name=name, environment_files=[EnvironmentFile.from_bucket(BUCKET, f"{n}.env") for n in range(count)]
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"command": "npm run start"}, r"use \['npm', 'run', 'start'\], or a shell: entry_point=\['sh', '-c'\]"),
        ({"command": ["python manage.py migrate"]}, "command must be a list of words"),
        ({"entry_point": "java -jar app.jar"}, "entry_point must be a list of words"),
        (
            {"command": ["sh", "-c", "curl", "-f", "localhost"]},
            r"entry_point=\['sh', '-c'\], command=\['curl -f localhost'\]",
        ),
        ({"entry_point": ["/bin/bash", "-c"], "command": ["npm", "start"]}, "must have one string after 'sh -c'"),
        ({"command": ["CMD-SHELL", "npm start"]}, "must start with a program, not with CMD or CMD-SHELL"),
        ({"command": ["CMD", "npm", "start"]}, "must start with a program, not with CMD or CMD-SHELL"),
        ({"working_directory": "app"}, "working_directory must be an absolute path"),
        ({"working_directory": "./app"}, "working_directory must be an absolute path"),
        ({"environment": {"": "a"}}, r"each name in environment must not be empty or contain '=' \(got ''\)"),
        ({"environment": {"A=B": "c"}}, r"or contain '=' \(got 'A=B'\)"),
    ],
)
def test_commands_that_would_not_run_as_written_are_refused(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Container("a:1", **arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"command": "start"},
        {"command": ["npm", "run", "start"]},
        {"command": "npm run start && true", "entry_point": ["sh", "-c"]},
        {"command": "New-Item -Path C:\\a", "entry_point": ["powershell", "-Command"]},
        {"command": ["sh", "-c", 'exec "$0" "$@"', "npm", "start"]},
        {"command": ["sh", "-c", "npm start", "ignored"]},
        {"command": ["bash", "script.sh", "-c", "x"]},
        {"entry_point": "C:\\Program Files\\app.exe"},
        {"command": cdk.Fn.import_value("Command")},
        {"working_directory": "/"},
        {"working_directory": "C:\\app"},
        {"working_directory": "\\app"},
        {"environment": {"a.b-C": "=", "1": ""}},
    ],
)
def test_valid_commands_are_accepted(arguments: dict[str, Any]) -> None:
    Container("a:1", **arguments)


@pytest.mark.parametrize(
    "command",
    [
        ["CMD-SHELL", "curl", "-f", "localhost"],
        ["CMD-SHELL", "curl", "localhost"],
        ["CMD", "curl -f localhost"],
        ["CMD", "sh", "-c", "curl", "-f", "localhost"],
        ["CMD", ""],
    ],
)
def test_health_checks_that_would_not_run_as_written_are_refused(command: list[str]) -> None:
    with pytest.raises(ValueError, match="command must be CMD followed by a program and its arguments, or CMD-SHELL"):
        HealthCheck(command)


@pytest.mark.parametrize(
    "command", ["curl -f localhost || exit 1", ["CMD-SHELL", "curl -f x"], ["CMD", "curl", "-f", "x"], ["CMD", "true"]]
)
def test_valid_health_checks_are_accepted(command: Any) -> None:
    HealthCheck(command)


def test_a_health_check_with_a_variable_is_told_to_use_a_string() -> None:
    with pytest.warns(UserWarning, match=r"use the string 'curl localhost:\$PORT', which a shell runs"):
        HealthCheck(["CMD", "curl", "localhost:$PORT"])


def test_a_task_has_at_most_ten_environment_files() -> None:
    Task(files(5, "a"), files(5, "b"))
    with pytest.raises(ValueError, match=r"environment_files of all containers must be at most 10 \(got 11\)"):
        Task(files(5, "a"), files(6, "b"))


def test_environment_files_are_refused_on_windows() -> None:
    with pytest.raises(ValueError, match="environment_files of container 'app' must be left out on Windows"):
        Task(files(1, "app"), operating_system_family=WINDOWS)


@pytest.mark.parametrize(
    ("containers", "says"),
    [
        ((Container.otel_collector(), Container.otel_collector(name="second")), "got 13133, 4317, 4318 more than once"),
        ((Container("a:1", name="b", port=4318), Container.otel_collector()), "got 4318 more than once"),
        ((Container("a:1", name="b", port=24224), Container.log_router(OUTPUT)), "got 24224 more than once"),
    ],
)
def test_ports_of_sidecars_must_be_unique(containers: tuple[Container, ...], says: str) -> None:
    with pytest.raises(ValueError, match=f"port must be unique in a task, .*{says}"):
        Task(APPLICATION, *containers)


def test_ports_of_sidecars_can_repeat_in_bridge_mode() -> None:
    Task(APPLICATION, Container.otel_collector(), Container.otel_collector(name="b"), network_mode=NetworkMode.BRIDGE)


def test_names_of_ports_ignore_case() -> None:
    with pytest.raises(ValueError, match="name must be unique regardless of case"):
        Task(Container("a:1", name="Web", port=80), Container("a:1", name="WEB", port=81))
    Task(Container("a:1", name="Web", port=80), Container("a:1", name="web"))


def test_a_log_router_needs_logs_to_route() -> None:
    with pytest.raises(ValueError, match="log_router must route the logs of another container in the task"):
        Task(Container.log_router(OUTPUT))
    own = Container("a:1", memory_mib=64, logging=ecs.LogDrivers.aws_logs(stream_prefix="a"))
    with pytest.warns(UserWarning, match="log_router should route the logs of another container"):
        Task(own, Container.log_router(OUTPUT))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Task(own, Container("a:1", name="b", memory_mib=64), Container.log_router(OUTPUT))


def test_a_firelens_driver_needs_an_explicit_log_router() -> None:
    driven = Container("a:1", memory_mib=64, logging=ecs.LogDrivers.firelens(options=OUTPUT))
    with pytest.raises(
        ValueError, match=r"must be used with a log router in the same task .*add Container.log_router\("
    ):
        Task(driven)
    Task(driven, Container.log_router(OUTPUT))


@pytest.mark.parametrize("image", [None, "public.ecr.aws/aws-observability/aws-for-fluent-bit:3.4.15"])
def test_fluentd_needs_its_own_image(image: str | None) -> None:
    with pytest.raises(ValueError, match=r"image must be a Fluentd image if type='fluentd' \(got '.*fluent-bit"):
        Container.log_router(OUTPUT, type="fluentd", image=image)
    Container.log_router(OUTPUT, type="fluentd", image="public.ecr.aws/docker/library/fluentd:v1.18")


@pytest.mark.parametrize("path", ["C:\\data", "D:\\", "c:\\my data\\x"])
def test_windows_paths_are_accepted_only_on_windows(path: str) -> None:
    mounted, volume = Container("a:1", mounts={path: "data"}), Volume.bind_mount("data")
    Task(mounted, volumes=volume, operating_system_family=WINDOWS)
    with pytest.raises(ValueError, match="mounts of container 'app' must start with '/' on Linux"):
        Task(mounted, volumes=volume)


@pytest.mark.parametrize("path", ["C:data", "C:\\\\data", "data", "C:"])
def test_invalid_paths_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match="each path of mounts must be an absolute path"):
        Container("a:1", mounts={path: "data"})


def allowing(*resources: str, **arguments: Any) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=["s3:GetObject"], resources=list(resources) or None, **arguments)


@pytest.mark.parametrize(
    "statement",
    [
        lambda: allowing("orders"),
        lambda: allowing("arn:aws:s3:::orders", "orders/*"),
        lambda: allowing("arn:aws:s3"),
        lambda: allowing(not_resources=["orders"]),
    ],
)
def test_resources_of_permissions_must_be_arns(statement: Callable[[], iam.PolicyStatement]) -> None:
    with pytest.raises(ValueError, match=r"resources= in permissions must be an ARN or '\*'"):
        Task(APPLICATION, permissions=[statement()])


def test_a_token_passes_as_an_arn(stack: cdk.Stack) -> None:
    bucket = s3.Bucket(stack, "Bucket")
    some = [
        bucket.bucket_arn,
        bucket.arn_for_objects("*"),
        f"arn:aws:s3:::{bucket.bucket_name}/*",
        "arn:aws:s3:::*",
        "*",
    ]
    Task(APPLICATION, permissions=[allowing(*some)])


def test_the_size_of_a_task_definition_is_that_of_its_json() -> None:
    """Check that many short variables count with their JSON."""
    variables = {f"V{index}": "x" for index in range(2400)}
    assert sum(len(name) + len(value) for name, value in variables.items()) < 32 * 1024
    with pytest.raises(
        ValueError, match=r"the task definition must be at most 65,536 bytes .*got at least [67]\d,\d\d\d"
    ):
        Task(Container("a:1", environment=variables))
    Task(Container("a:1", environment={f"V{index}": "x" for index in range(2200)}))


def test_only_writable_paths_are_executable() -> None:
    with pytest.raises(ValueError, match=r"executable must name only paths of writable \(got '/bin'\)"):
        Container("a:1", writable={"/tmp": 64}, executable=["/tmp", "/bin"])
    Container("a:1", writable={"/tmp": 64}, executable=["/tmp"])


@pytest.mark.parametrize(
    ("arguments", "size"),
    [
        ({"command": ["start"]}, len('"start"')),
        ({"entry_point": ["start"]}, len('"start"')),
        ({"port_ranges": [(8000, 8009)]}, len('{"containerPort":0,"protocol":"tcp"},')),
    ],
)
def test_each_part_of_a_container_counts_for_the_size(arguments: dict[str, Any], size: int) -> None:
    with pytest.raises(ValueError, match="the task definition must be at most 65,536 bytes") as larger:
        Task(Container("a:1", environment={"TEXT": "x" * 65536}, **arguments))
    with pytest.raises(ValueError, match="the task definition must be at most 65,536 bytes") as smaller:
        Task(Container("a:1", environment={"TEXT": "x" * (65536 + size)}))
    assert str(larger.value) == str(smaller.value)
