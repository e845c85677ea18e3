"""The sidecars of AWS: one argument gives a task everything that they need."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import attrs
import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm

from moorage import (
    Capacity,
    Cluster,
    Container,
    Endpoints,
    Image,
    Network,
    OperatingSystemFamily,
    RestartPolicy,
    Service,
    Task,
)
from moorage.workload.sidecars import FireLens, Sidecar
from tests.conftest import template
from tests.ecs.task.test_task_definition import containers_of, granted
from tests.stand_ins import stand_in

WINDOWS: dict[str, Any] = {
    "operating_system_family": OperatingSystemFamily.WINDOWS_SERVER_2022_CORE,
    "cpu": 1024,
    "memory_mib": 2048,
}
APP = Container("shop:1", port=8080)
REPOSITORY = stand_in("aws_ecr.IRepository")
FIREHOSE = {"Name": "kinesis_firehose", "region": "eu-west-1", "delivery_stream": "logs"}


def ports_of(container: Container) -> tuple[int, ...]:
    assert container.sidecar
    return container.sidecar.ports


@pytest.fixture
def cluster(stack: cdk.Stack, vpc: ec2.IVpc) -> Cluster:
    return Cluster(stack, "Cluster", vpc=vpc)


def test_traces_go_to_x_ray_with_one_argument(stack: cdk.Stack, cluster: Cluster) -> None:
    Service(stack, "Web", cluster=cluster, task=Task(APP, Container.otel_collector()))
    otel = containers_of(stack)["otel"]
    (variable,) = otel["Environment"]
    pipeline = json.loads(variable["Value"])["service"]["pipelines"]["traces"]
    assert (pipeline["receivers"], pipeline["exporters"]) == (["otlp", "awsxray"], ["awsxray"])
    assert otel["Essential"] is False
    assert otel["ReadonlyRootFilesystem"] is True
    assert ":v" in otel["Image"]
    may = granted(stack, "TaskRole")
    assert {"xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules"} <= may.keys()
    assert all(action.startswith("xray:") for action in may)


def test_every_part_of_the_collectors_pipelines_is_configured() -> None:
    config = json.loads(Container.otel_collector().environment["AOT_CONFIG_CONTENT"])
    assert set(config["service"]["extensions"]) <= config["extensions"].keys()
    for pipeline in config["service"]["pipelines"].values():
        for kind, names in pipeline.items():
            assert set(names) <= config[kind].keys()


def test_the_collector_has_the_ports_of_its_configuration_and_of_its_health_check() -> None:
    otel = Container.otel_collector()
    config = json.loads(otel.environment["AOT_CONFIG_CONTENT"])
    otlp = config["receivers"]["otlp"]["protocols"].values()
    assert [each["endpoint"] for each in otlp] == ["127.0.0.1:4317", "127.0.0.1:4318"]
    assert config["receivers"]["awsxray"] == {"endpoint": "127.0.0.1:2000", "transport": "udp"}
    assert config["processors"]["batch"] == {"timeout": "1s", "send_batch_size": 50}
    assert ports_of(otel) == (4317, 4318, 13133)
    assert ports_of(Container.otel_collector(config="receivers: {}")) == ()


def test_a_log_router_listens_on_the_port_of_firelens() -> None:
    assert ports_of(Container.log_router(FIREHOSE)) == (24224,)


@pytest.mark.parametrize("sidecar", [Container.otel_collector(), Container.log_router(FIREHOSE)])
def test_a_sidecar_restarts_if_it_ran_for_a_minute(sidecar: Container) -> None:
    assert sidecar.restart_policy == RestartPolicy(attempt_period=dt.timedelta(seconds=60))


@pytest.mark.parametrize("make", [FireLens, Sidecar])
def test_the_arguments_of_a_sidecar_are_named(make: Callable[..., object]) -> None:
    with pytest.raises(TypeError, match="takes 1 positional argument"):
        make("fluentbit")


def test_the_collector_listens_only_on_localhost() -> None:
    config = Container.otel_collector().environment["AOT_CONFIG_CONTENT"]
    assert "0.0.0.0" not in config  # noqa: S104  # the test searches for it
    assert config.count("127.0.0.1:") == 3


def test_a_collector_with_its_own_configuration_has_the_given_permissions(stack: cdk.Stack, cluster: Cluster) -> None:
    parameter = ssm.StringParameter.from_string_parameter_name(stack, "Parameter", "/shop/otel")
    task = Task(APP, Container.otel_collector(config=parameter))
    Service(stack, "Web", cluster=cluster, task=task)
    assert [each["Name"] for each in containers_of(stack)["otel"]["Secrets"]] == ["AOT_CONFIG_CONTENT"]
    assert not granted(stack, "TaskRole")
    assert "xray" not in task._needs
    assert Container.otel_collector(config="receivers: {}").environment["AOT_CONFIG_CONTENT"] == "receivers: {}"


def test_all_logs_but_those_of_the_router_go_through_the_router(stack: cdk.Stack, cluster: Cluster) -> None:
    key = secretsmanager.Secret.from_secret_name_v2(stack, "Key", "logs")
    router = Container.log_router({"Name": "datadog", "Host": "intake.example.com"}, secret_output={"apikey": key})
    Service(stack, "Web", cluster=cluster, task=Task(APP, Container.otel_collector(), router, memory_mib=1024, cpu=512))
    containers = containers_of(stack)
    assert containers.keys() == {"app", "otel", "log-router"}, "CDK must not add a router of its own"
    drivers = {name: at["LogConfiguration"]["LogDriver"] for name, at in containers.items()}
    assert drivers == {"app": "awsfirelens", "otel": "awsfirelens", "log-router": "awslogs"}
    assert containers["app"]["LogConfiguration"]["Options"] == {"Name": "datadog", "Host": "intake.example.com"}
    assert [each["Name"] for each in containers["app"]["LogConfiguration"]["SecretOptions"]] == ["apikey"]
    assert containers["log-router"]["FirelensConfiguration"] == {
        "Type": "fluentbit",
        "Options": {"enable-ecs-log-metadata": "true"},
    }
    assert containers["log-router"]["Essential"] is True
    assert "secretsmanager:GetSecretValue" in granted(stack, "ExecutionRole")
    assert not any(action.startswith("logs:") for action in granted(stack, "TaskRole"))


def test_a_router_reads_additional_configuration_from_its_image_or_s3(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    general = Capacity.ec2("general", instance_types=["m7i.large", "m6i.large"], max_instances=4)
    cluster = Cluster(stack, "Cluster", vpc=vpc, capacity=[general])
    router = Container.log_router(FIREHOSE, config_file="arn:aws:s3:::shop/extra.conf")
    task = Task(APP, router)
    Service(stack, "Web", cluster=cluster, task=task)
    assert containers_of(stack)["log-router"]["FirelensConfiguration"]["Options"] == {
        "enable-ecs-log-metadata": "true",
        "config-file-type": "s3",
        "config-file-value": "arn:aws:s3:::shop/extra.conf",
    }
    may = granted(stack, "ExecutionRole")
    assert [each["Resource"] for each in may["s3:GetObject"]] == ["arn:aws:s3:::shop/extra.conf"]
    assert "s3" in task._needs


def test_secret_options_of_a_router_must_be_secrets() -> None:
    with pytest.raises(
        TypeError, match=r"secret_output must be of type .* \(got a dict with a value of type str for 'apikey'\)"
    ):
        Container.log_router({"Name": "datadog"}, secret_output={"apikey": "k"})  # type: ignore[dict-item]  # the test


@pytest.mark.parametrize(
    ("task", "more"),
    [
        (Task(APP), set()),
        (Task(APP, called_services=["sqs", "dynamodb"]), {"sqs", "dynamodb"}),
        (Task(APP, called_services="kms"), {"kms"}),
        (Task(APP, execute_command=True), {"ssmmessages"}),
        (Task(APP, Container.otel_collector()), {"xray"}),
        (Task(APP, Container.log_router(FIREHOSE)), {"kinesis-firehose"}),
        (Task(APP, Container.log_router({"Name": "cloudwatch_logs"})), set()),
        (Task(Container("shop:1", credential_spec="credentialspec:arn:aws:ssm:eu-west-1:1:parameter/x")), {"ssm"}),
    ],
)
def test_the_needs_of_a_task_include_the_services_that_it_calls(task: Task, more: set[str]) -> None:
    assert task._needs == {"internet", "logs"} | more


def test_a_task_that_cannot_reach_a_called_service_is_refused(stack: cdk.Stack) -> None:
    repository = ecr.Repository.from_repository_name(stack, "Images", "shop")
    private = Container(Image.from_repository(repository, tag="1"))
    plain, calling = Task(private), Task(private, called_services="sqs", execute_command=True)
    cluster = Cluster(stack, "Cluster", vpc=Network(stack, "Net", nat_gateways=0, endpoints=for_tasks(plain)).vpc)
    with pytest.raises(ValueError, match="cannot reach 'sqs', 'ssmmessages', which the task needs"):
        Service(stack, "Web", cluster=cluster, task=calling)
    assert {"sqs", "ssmmessages"} == set(for_tasks(calling).services) - set(for_tasks(plain).services)


def test_a_called_service_has_the_name_of_its_endpoint() -> None:
    with pytest.raises(
        ValueError,
        match=r"each item of called_services must not be empty, .* \(got 'com.amazonaws.eu-west-1.sqs'\)",
    ):
        Task(APP, called_services=["com.amazonaws.eu-west-1.sqs"])


def test_no_endpoint_reaches_the_internet() -> None:
    with pytest.raises(ValueError, match="called_services must not contain 'internet', .*; keep a NAT gateway"):
        Endpoints.for_tasks(Task(Container(Image.from_repository(REPOSITORY, tag="1")), called_services="internet"))


def for_tasks(task: Task) -> Endpoints:
    return Endpoints.for_tasks(task)


def test_the_logs_of_a_sidecar_go_to_the_log_group_of_the_service(stack: cdk.Stack, cluster: Cluster) -> None:
    Service(stack, "Web", cluster=cluster, task=Task(APP, Container.otel_collector()))
    groups = template(stack).find_resources("AWS::Logs::LogGroup")
    assert len([name for name in groups if name.startswith("Web")]) == 1


def test_tasks_on_instances_start_from_the_instances_and_call_from_their_own_subnets(stack: cdk.Stack) -> None:
    general = Capacity.ec2("general", instance_types=["m7i.large", "m6i.large"], max_instances=4)
    cluster = Cluster(stack, "Cluster", vpc=Network(stack, "Net").vpc, capacity=[general])
    public = ec2.SubnetSelection(
        subnet_type=ec2.SubnetType.PUBLIC
    )  # no NAT gateway, and no public address on instances
    assert Service(stack, "Silent", cluster=cluster, task=Task(APP), vpc_subnets=public)
    with pytest.raises(ValueError, match="cannot reach 'sqs', which the task needs"):
        Service(stack, "Calling", cluster=cluster, task=Task(APP, called_services="sqs"), vpc_subnets=public)


@pytest.mark.parametrize(
    "sidecar",
    [Container.otel_collector(), Container.otel_collector(config="receivers: {}"), Container.log_router(FIREHOSE)],
)
def test_aws_sidecars_without_a_windows_build_are_refused_on_windows(sidecar: Container) -> None:
    with pytest.raises(ValueError, match=f"image of container '{sidecar.name}' must run on Windows"):
        Task(APP, sidecar, **WINDOWS)


def test_a_windows_collector_with_a_restart_policy_is_refused_on_fargate(stack: cdk.Stack, cluster: Cluster) -> None:
    otel = Container.otel_collector(config="receivers: {}", image="otel-of-windows:1")
    with pytest.raises(
        ValueError, match="restart_policy of container 'otel' must be left out for Windows tasks on Fargate"
    ):
        Service(stack, "Web", cluster=cluster, task=Task(APP, otel, **WINDOWS))
    Service(stack, "Api", cluster=cluster, task=Task(APP, attrs.evolve(otel, restart_policy=None), **WINDOWS))
    assert "RestartPolicy" not in containers_of(stack)["otel"]


def test_a_log_router_on_windows_is_refused_only_on_fargate(stack: cdk.Stack, cluster: Cluster) -> None:
    router = Container.log_router(FIREHOSE, image="fluent-bit-of-windows:1")
    with pytest.raises(ValueError, match=r"Web: log_router of container 'log-router' must .* \(got 'fluentbit'\)"):
        Service(stack, "Web", cluster=cluster, task=Task(APP, router, **WINDOWS))


def test_a_log_router_is_told_a_plugin() -> None:
    with pytest.raises(
        ValueError, match="FireLens: output must contain the 'Name' of an output plugin; add a name, such as"
    ):
        Container.log_router({"region": "eu-west-1"})


@pytest.mark.parametrize("option", ["Name", "name", "NAME"])
def test_the_service_of_an_output_is_known_in_any_case(option: str) -> None:
    sidecar = Container.log_router({option: "s3"}).sidecar
    assert sidecar is not None
    assert sidecar.called_services == ("s3",)
