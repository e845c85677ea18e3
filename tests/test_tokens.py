"""Tokens reach the template, or are refused if CDK would have to read them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from moorage import (
    Ami,
    Capacity,
    Cluster,
    Container,
    ContainerInstance,
    HealthCheck,
    Image,
    InstanceRequirements,
    LinuxParameters,
    Repository,
    RestartPolicy,
    Scaling,
    Service,
    ServiceConnect,
    Task,
    Volume,
    WarmPool,
)
from tests.conftest import imported_vpc, template

NUMBER: Any = cdk.Token.as_number({"Ref": "Number"})
TEXT = cdk.Token.as_string({"Ref": "Text"})
LOOKED_UP = "dummy-value-for-name"


def ebs(**arguments: Any) -> Volume:
    return Volume.ebs(**{"name": "data", "size_gib": 10, **arguments})


def ec2(name: str = "general", **arguments: Any) -> Capacity:
    return Capacity.ec2(name, max_instances=2, **arguments)


@pytest.mark.parametrize(
    ("define", "argument"),
    [
        (lambda: ebs(name=TEXT), "name"),
        (lambda: ebs(size_gib=NUMBER), "size_gib"),
        (lambda: ebs(volume_type=TEXT), "volume_type"),
        (lambda: ebs(snapshot_id="snap-1", initialization_rate_mib=NUMBER), "initialization_rate_mib"),
        (lambda: ebs(file_system_type=TEXT), "file_system_type"),
        (lambda: Container("redis:8", credential_spec=TEXT), "the word before ':' of credential_spec"),
        (lambda: Container("redis:8", docker_labels={TEXT: "1"}), "each name of docker_labels"),
        (lambda: Container("redis:8", gpus=NUMBER), "gpus"),
        (lambda: Container("redis:8", port_ranges=[(7000, NUMBER)]), "each port of port_ranges"),
        (lambda: Container.log_router({TEXT: "stdout"}), "each name of output"),
        (lambda: Container.log_router({"Name": "stdout"}, type=TEXT), "type"),
        (lambda: LinuxParameters(add_capabilities=TEXT), "each item of add_capabilities"),
        (lambda: LinuxParameters(drop_capabilities=[TEXT]), "each item of drop_capabilities"),
        (lambda: LinuxParameters(ulimits={TEXT: 1}), "each name of ulimits"),
        (lambda: Task(Container("redis:8"), pid_mode=TEXT), "pid_mode"),
        (lambda: Task(Container("redis:8"), ipc_mode=TEXT), "ipc_mode"),
        (lambda: WarmPool(min_instances=NUMBER), "min_instances"),
        (lambda: WarmPool(max_prepared_instances=NUMBER), "max_prepared_instances"),
        (lambda: Ami.from_ssm_parameter(TEXT), "parameter"),
        (lambda: ec2(TEXT, instance_types=["m7i.large"]), "name"),
        (lambda: Capacity.managed_instances(TEXT), "name"),
        (lambda: ServiceConnect(port=NUMBER), "port"),
        (lambda: ServiceConnect(protocol=TEXT), "protocol"),
        (lambda: Repository(cdk.Stack(), "Images", mutable_tags=[TEXT]), "each item of mutable_tags"),
        (lambda: Repository(cdk.Stack(), "Images", immutable_tags=[TEXT]), "each item of immutable_tags"),
    ],
)
def test_a_token_that_cdk_would_have_to_read_is_refused(define: Callable[[], object], argument: str) -> None:
    with pytest.raises(ValueError, match=r"must be known at synthesis \(got a token\); use a literal value") as raised:
        define()
    assert f": {argument} must be known at synthesis" in str(raised.value)


@pytest.mark.parametrize("argument", ["target", "build_args", "build_secrets"])
def test_tokens_in_build_arguments_are_refused(tmp_path: Path, argument: str) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    arguments: dict[str, Any] = {argument: TEXT if argument == "target" else {"VERSION": TEXT}}
    with pytest.raises(ValueError, match=f"{argument} must be known at synthesis"):
        Image.from_directory(tmp_path, **arguments)


def test_look_ups_are_accepted_in_the_first_pass() -> None:
    assert Ami.from_ssm_parameter(LOOKED_UP).parameter == LOOKED_UP
    assert ec2(LOOKED_UP, instance_types=["m7i.large"]).name == LOOKED_UP


def test_requirements_that_are_tokens_match_no_known_type() -> None:
    for vcpus, memory, gpus in (
        ((NUMBER, None), (1, None), 0),
        ((1, None), (NUMBER, None), 0),
        ((1, 8), (1, 8), NUMBER),
    ):
        requirements = InstanceRequirements(vcpus=vcpus, memory_mib=memory, gpus=gpus)
        assert requirements._matching_types() == ()
        assert ec2(requirements=requirements)


def test_other_tokens_reach_the_template(stack: cdk.Stack) -> None:
    tokens = iter(range(100))

    def number() -> Any:
        return cdk.Token.as_number({"Ref": f"Number{next(tokens)}"})

    def text() -> str:
        return cdk.Token.as_string({"Ref": f"Text{next(tokens)}"})

    container = Container(
        text(),
        name=text(),
        port=number(),
        cpu=number(),
        memory_mib=number(),
        memory_reservation_mib=number(),
        environment={text(): text()},
        command=text(),
        entry_point=text(),
        working_directory=text(),
        health_check=HealthCheck(text(), retries=number()),
        restart_policy=RestartPolicy(ignored_exit_codes=[number()]),
        user=text(),
        writable={text(): number()},
        mounts={text(): "data"},
        docker_labels={"version": text()},
        credential_spec=f"credentialspecdomainless:{text()}",
        linux_parameters=LinuxParameters(shared_memory_mib=number(), max_swap_mib=number(), ulimits={"core": number()}),
    )
    disk = Volume.ebs("data", 100, iops=number(), throughput_mib=number(), snapshot_id=text())
    requirements = InstanceRequirements(vcpus=(number(), number()), memory_mib=(number(), None), gpus=number())
    instance = ContainerInstance(volume_gib=number(), user_data=text())
    capacity = ec2(requirements=requirements, min_instances=number(), instance=instance)
    cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=[capacity])
    task = Task(container, cpu=number(), memory_mib=number(), volumes=disk)
    Service(stack, "Web", cluster=cluster, task=task, scaling=Scaling(number(), number(), cpu_percent=number()))
    written = json.dumps(template(stack).to_json())
    count = next(tokens)
    missing = {each for each in range(count) if f'"Number{each}"' not in written and f'"Text{each}"' not in written}
    assert not missing
    assert "Token[" not in written
