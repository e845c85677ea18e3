"""A value of a wrong type is answered with the value of moorage that corresponds to it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm

from moorage import (
    Capacity,
    Cluster,
    Container,
    Image,
    LoadBalancer,
    Mount,
    Rollout,
    Service,
    Strategy,
    Task,
    Worker,
)
from tests.conftest import imported_vpc

IMAGE = "public.ecr.aws/nginx/nginx:1.29"
TASK = Task(Container(IMAGE, port=80))
MANAGED_POLICY = (
    "service.task_definition.task_role.add_managed_policy(policy), or "
    "task_role=iam.Role(..., managed_policies=[policy])"
)


def way_out(make: Callable[..., Any], *positional: Any, **given: Any) -> str:
    """Return the end of the only problem of a wrong call."""
    with pytest.raises((TypeError, ValueError)) as raised:
        make(*positional, **given)
    (found,) = re.findall(r"\); (.*)", str(raised.value))
    return str(found)


def service(stack: cdk.Stack, **given: Any) -> Service:
    return Service(
        stack, "Web", **{"cluster": Cluster(stack, "Cluster", vpc=imported_vpc(stack)), "task": TASK, **given}
    )


@pytest.mark.parametrize(
    ("image", "instead"),
    [
        (lambda _: ecs.ContainerImage.from_asset("docs"), "Image.from_directory(...)"),
        (
            lambda _: ecs.ContainerImage.from_registry("redis:8"),
            "the name of the image as a string, such as 'redis:8'",
        ),
        (
            lambda stack: ecs.ContainerImage.from_ecr_repository(ecr.Repository(stack, "Shop")),
            "Image.from_repository(repository, tag=...)",
        ),
        (lambda stack: ecr.Repository(stack, "Shop"), "Image.from_repository(repository, tag=...)"),
        (
            lambda stack: ecr.Repository.from_repository_name(stack, "Shop", "shop"),
            "Image.from_repository(repository, tag=...)",
        ),
        (
            lambda _: ecs.ContainerImage.from_tarball("README.md"),
            "Image.from_directory(...) or another Image.from_* method",
        ),
        (lambda _: Path("shop/web"), "Image.from_directory('shop/web')"),
        (lambda _: 8, "an Image such as Image.from_repository(..., tag=...) or a string"),
    ],
)
def test_an_image_of_cdk_is_answered_with_an_image(
    stack: cdk.Stack, image: Callable[[cdk.Stack], Any], instead: str
) -> None:
    assert way_out(Container, image(stack)) == f"use {instead}"


@pytest.mark.parametrize(
    ("capacity", "instead"),
    [
        ("FARGATE_SPOT", "Capacity.fargate_spot()"),
        ("fargate", "Capacity.fargate()"),
        (["FARGATE", "FARGATE_SPOT"], "[Capacity.fargate(), Capacity.fargate_spot()]"),
        ({"FARGATE": 1, "FARGATE_SPOT": 3}, "{Capacity.fargate(): 1, Capacity.fargate_spot(): 3}"),
        (
            [ecs.CapacityProviderStrategy(capacity_provider="FARGATE_SPOT", weight=2)],
            "{Capacity.fargate_spot(): 2}",
        ),
        (ecs.CapacityProviderStrategy(capacity_provider="FARGATE"), "{Capacity.fargate(): 1}"),
        ("general", "a Capacity such as Capacity.fargate(), a dict or a Strategy"),
        (["FARGATE", "general"], "a Capacity such as Capacity.fargate(), a dict or a Strategy"),
        ({"FARGATE": 1, "general": 1}, "a Capacity such as Capacity.fargate(), a dict or a Strategy"),
        ([], "a Capacity such as Capacity.fargate(), a dict or a Strategy"),
    ],
)
def test_the_name_of_a_capacity_provider_is_answered_with_the_capacity(
    stack: cdk.Stack, capacity: Any, instead: str
) -> None:
    assert way_out(service, stack, capacity=capacity) == f"use {instead}"


def test_the_strategy_of_cdk_is_answered_with_a_capacity(stack: cdk.Stack) -> None:
    with pytest.raises(TypeError) as raised:
        service(stack, capacity_provider_strategies=[])
    answer = "use capacity=Strategy({Capacity.fargate_spot(): 1}), and give the cluster the same capacity"
    assert str(raised.value).endswith(f"takes no capacity_provider_strategies; {answer}")
    wrong: Any = {"FARGATE": 1}
    assert way_out(Strategy, wrong) == "use {Capacity.fargate(): 1}"


@pytest.mark.parametrize(
    ("make", "scaling", "instead"),
    [
        (Service, 3, "Scaling(3)"),
        (Service, (2, 10), "Scaling(2, 10, cpu_percent=60)"),
        (Service, (2, 10, 20), "Scaling(2, 10, cpu_percent=60)"),
        (Service, [3, 3], "Scaling(2, 10, cpu_percent=60)"),
        (Service, True, "Scaling(2, 10, cpu_percent=60)"),
        (Worker, 3, "Scaling(0, 3, backlog_per_task=10)"),
        (Worker, [1, 5], "Scaling(1, 5, backlog_per_task=10)"),
    ],
)
def test_a_number_of_copies_is_answered_with_the_scaling(
    stack: cdk.Stack, make: Callable[..., Any], scaling: Any, instead: str
) -> None:
    cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack))
    assert way_out(make, stack, "Web", cluster=cluster, task=TASK, scaling=scaling) == f"use {instead}"


def test_a_reason_is_not_a_switch(stack: cdk.Stack) -> None:
    def edge(**given: Any) -> LoadBalancer:
        return LoadBalancer(stack, "Edge", vpc=imported_vpc(stack), **given)

    instead = "use the reason as a string, such as plain_http='internal traffic only'"
    assert way_out(edge, plain_http=True) == instead


@pytest.mark.parametrize(
    ("function", "argument", "instead"),
    [
        (lambda **given: Container(IMAGE, **given), "restart_policy", "RestartPolicy()"),
        (Rollout.rolling, "alarms", "RollbackAlarms()"),
        (Rollout.rolling, "circuit_breaker", "CircuitBreaker()"),
    ],
)
def test_true_is_answered_with_the_value_with_its_defaults(
    function: Callable[..., Any], argument: str, instead: str
) -> None:
    assert way_out(function, **{argument: True}) == f"use {instead}"


def test_service_connect_is_not_a_switch(stack: cdk.Stack) -> None:
    assert way_out(service, stack, connect=True) == "use ServiceConnect()"


@pytest.mark.parametrize(
    ("types", "instead"),
    [
        (ec2.InstanceType("t3.small"), "['t3.small']"),
        ([ec2.InstanceType("t3.small"), "m7i.large"], "['t3.small', 'm7i.large']"),
        ([ec2.InstanceType("t3.small"), 3], "a list of str"),
    ],
)
def test_an_instance_type_of_cdk_is_answered_with_its_name(types: Any, instead: str) -> None:
    assert way_out(Capacity.ec2, "general", instance_types=types, max_instances=2) == f"use {instead}"


@pytest.mark.parametrize(
    ("given", "shown"),
    [(ec2.InstanceType("t3.small"), "'t3.small'"), ("m7i.large", "'m7i.large'"), ("a secret", "...")],
)
def test_the_argument_of_cdk_is_answered_with_the_instance_type(given: Any, shown: str) -> None:
    make: Any = Capacity.ec2
    with pytest.raises(TypeError) as raised:
        make("general", instance_type=given, max_instances=2)
    assert str(raised.value) == f"Capacity.ec2() takes no instance_type; use instance_types=[{shown}]"


def test_a_managed_policy_is_answered_with_the_role(stack: cdk.Stack) -> None:
    of_aws: Any = iam.ManagedPolicy.from_aws_managed_policy_name("AmazonS3ReadOnlyAccess")
    assert way_out(Task, Container(IMAGE), permissions=[of_aws]) == f"use {MANAGED_POLICY}"
    statement = iam.PolicyStatement(actions=["s3:GetObject"], resources=["*"])
    own: Any = iam.ManagedPolicy(stack, "Policy", statements=[statement])
    assert way_out(Task, Container(IMAGE), permissions=own) == f"use {MANAGED_POLICY}"
    with pytest.raises(TypeError, match=r"\(got a list with a value of type iam\.IManagedPolicy\)"):
        Task(Container(IMAGE), permissions=[of_aws])
    web = service(stack)
    web.task_definition.task_role.add_managed_policy(of_aws)


@pytest.mark.parametrize(
    ("value", "got"),
    [
        (ecs.Secret.from_secrets_manager, "ecs.Secret"),
        (lambda secret: secret, "secretsmanager.Secret"),
        (lambda secret: secret.secret_value, "cdk.SecretValue"),
        (
            lambda secret: secretsmanager.Secret.from_secret_name_v2(secret, "Named", "shop"),
            "secretsmanager.ISecret",
        ),
        (lambda secret: ssm.StringParameter(secret, "Parameter", string_value="a"), "ssm.StringParameter"),
    ],
)
def test_a_secret_in_the_environment_is_answered_with_secrets(
    stack: cdk.Stack, value: Callable[[Any], Any], got: str
) -> None:
    wrong = value(secretsmanager.Secret(stack, "Secret"))
    with pytest.raises(ValueError, match=r"^Container 'app': ") as raised:
        Container(IMAGE, environment={"DB_PASSWORD": wrong})
    assert str(raised.value) == (
        f"Container 'app': environment['DB_PASSWORD'] must be of type str (got a value of type {got}); "
        "use secrets={'DB_PASSWORD': ...}"
    )


@pytest.mark.parametrize(
    ("value", "instead"),
    [
        (80, "{'A': '80'}"),
        (0.5, "{'A': '0.5'}"),
        (True, "{'A': 'True'}"),
        (None, "a string"),
        (["hunter2"], "a string"),
        (object(), "a string"),
        (Image.from_registry("redis:8"), "a string"),
    ],
)
def test_only_a_number_or_boolean_is_shown_as_a_string(value: Any, instead: str) -> None:
    assert way_out(Container, IMAGE, environment={"A": value}) == f"use {instead}"


def test_a_map_of_strings_is_asked_for_strings() -> None:
    wrong: Any = {"A": object()}
    assert way_out(Container, IMAGE, docker_labels=wrong) == "use a dict of strings"


@pytest.mark.parametrize("mount", ["/data", Mount("/data", read_only=True)])
def test_a_mount_with_path_and_volume_swapped_is_told_so(mount: Any) -> None:
    with pytest.raises(ValueError, match=r"^Container 'app': ") as raised:
        Container(IMAGE, mounts={"files": mount})
    assert str(raised.value) == (
        "Container 'app': mounts must name each volume by its path (got the path '/data' by the volume 'files'); "
        "use mounts={'/data': 'files'}"
    )
    with pytest.raises(ValueError, match="each path of mounts must be an absolute path"):
        Container(IMAGE, mounts={"data": "files"})
