"""The names of CDK's arguments are answered with names of moorage that exist."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_ecs_patterns as patterns
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs

import moorage
from moorage import Container, Scaling, Task
from moorage.workload.argument_names import names_of_cdk

PAIRS = [(function, name, text) for function, texts in names_of_cdk().items() for name, text in texts.items()]
PAGE = Path(__file__).parents[2] / "docs" / "migrating" / "from-aws-ecs-patterns.md"
SCHEDULER = "(from aws_cdk import aws_scheduler as scheduler)"
WITHOUT_AN_ANSWER = {
    *("force_new_deployment", "task_definition_revision"),
    *("proxy_configuration", "disable_networking", "hostname", "inference_accelerator_resources", "rule_name"),
    *("managed_storage_configuration", "lifecycle_registry_id"),
    *("cross_stack_scope", "description", "inference_accelerators", "inference_accelerator_overrides", "key", "role"),
    *("desync_mitigation_mode", "default_action", "preserve_host_header", "preserve_xff_client_port", "waf_fail_open"),
    *("http2_enabled", "minimum_capacity_unit", "deny_all_igw_traffic", "client_keep_alive", "client_routing_policy"),
    *("x_amzn_tls_version_and_cipher_suite_headers", "xff_header_processing_mode", "disable_security_groups"),
    *("enable_prefix_for_ipv6_source_nat", "enforce_security_group_inbound_rules_on_private_link_traffic"),
    *("slow_start", "load_balancing_algorithm_type", "enable_anomaly_mitigation", "target_group_health", "target_type"),
    *("multi_value_headers_enabled", "cross_zone_enabled", "create_internet_gateway", "default_instance_tenancy"),
    *("connection_termination", "proxy_protocol_v2", "enabled", "reserved_azs", "subnet_configuration", "vpc_name"),
    *("enable_dns_hostnames", "enable_dns_support", "nat_gateway_provider", "nat_gateway_subnets", "vpn_connections"),
    *("vpn_gateway", "vpn_gateway_asn", "vpn_route_propagation", "data_key_reuse", "deduplication_scope"),
    *("delivery_delay", "fifo_throughput_limit", "max_message_size_bytes", "receive_message_wait_time"),
    *("redrive_allow_policy", "target", "targets"),
}
"""The arguments of CDK that moorage has no equivalent for."""


def function_named(name: str) -> Callable[..., Any]:
    start: object = {"scheduler": scheduler}.get(name.split(".", maxsplit=1)[0], moorage)
    found: object = functools.reduce(getattr, name.removeprefix("scheduler.").split("."), start)
    assert callable(found)
    return found


def arguments_of(function: Callable[..., Any]) -> set[str]:
    return set(inspect.signature(function).parameters)


def arguments_in(function: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield each argument that a text shows, with the function whose call the text shows it in."""
    calls = [function]
    for name, sign in re.findall(r"([\w.]*)([(=)])", text):
        if sign == "(":
            calls.append(name)
        elif sign == ")":
            calls.pop()
        else:
            yield calls[-1], name


@pytest.mark.parametrize(("function", "name", "text"), PAIRS)
def test_each_answer_names_arguments_and_classes_that_exist(function: str, name: str, text: str) -> None:
    assert name not in arguments_of(function_named(function)), "an argument that exists needs no answer"
    shown = list(arguments_in(function, text))
    classes = re.findall(r"(?<![\w.])((?:scheduler\.)?[A-Z]\w*(?:\.\w+)?)\(", text)
    whole = ("leave it out, since", "use one Job for each task", "use cdk.Tags.of(construct)")
    assert shown or classes or any(each in text for each in whole)
    for called in classes:
        function_named(called)
    for called, argument in shown:
        assert argument in arguments_of(function_named(called)), f"{called} has no {argument}"


@pytest.mark.parametrize(
    ("function", "definitions"),
    [
        (
            "Service",
            (
                patterns.ApplicationLoadBalancedFargateService,
                patterns.NetworkLoadBalancedFargateService,
                patterns.ApplicationMultipleTargetGroupsFargateService,
                ecs.FargateService,
            ),
        ),
        ("Worker", (patterns.QueueProcessingFargateService,)),
        ("Job", (patterns.ScheduledFargateTask, scheduler.Schedule, events.Rule, targets.EcsTask)),
        ("Schedule", (scheduler.Schedule,)),
        ("Task", (ecs.FargateTaskDefinition,)),
        ("Container", (ecs.ContainerDefinitionOptions, patterns.ApplicationLoadBalancedTaskImageOptions)),
        ("Cluster", (ecs.Cluster,)),
        ("Repository", (ecr.Repository,)),
        ("LifecycleRule", (ecr.LifecycleRule,)),
        ("LoadBalancer", (elbv2.ApplicationLoadBalancer,)),
        ("NetworkLoadBalancer", (elbv2.NetworkLoadBalancer,)),
        ("Route", (elbv2.ApplicationTargetGroup, elbv2.AddApplicationTargetsProps)),
        ("Listener", (elbv2.NetworkTargetGroup, elbv2.AddNetworkTargetsProps)),
        ("TargetHealth", (elbv2.HealthCheck,)),
        ("Network", (ec2.Vpc,)),
        ("WorkQueue", (sqs.Queue,)),
    ],
)
def test_each_argument_of_cdk_has_an_answer(function: str, definitions: tuple[Any, ...]) -> None:
    theirs = set().union(*(inspect.signature(each.__init__).parameters for each in definitions))
    answered = arguments_of(function_named(function)) | set(names_of_cdk()[function])
    assert theirs - {"self", "scope", "id"} - answered <= WITHOUT_AN_ANSWER


def test_each_property_of_the_migrating_page_has_an_answer() -> None:
    table = PAGE.read_text("utf-8").split("| property | moorage |")[1].split("\n\n")[0]
    first_cells = [line.split("|")[1] for line in table.splitlines()[2:]]
    properties = {name for cell in first_cells for name in re.findall(r"`(?:task_image_options\.)?(\w+)`", cell)}
    assert len(properties) > 40
    functions = [moorage.Service, moorage.Worker, moorage.Job, moorage.Container]
    answered = set().union(*map(arguments_of, functions), *(names_of_cdk()[each.__name__] for each in functions))
    assert properties <= answered


def test_a_name_of_cdk_is_answered_with_the_value_if_it_is_a_number() -> None:
    task: Any = functools.partial(Task, Container("redis:8"))
    for arguments, message in (
        ({"memory_limit_mib": 2048}, "Task() takes no memory_limit_mib; use memory_mib=2048"),
        ({"memory_limit_mib": "2048"}, "Task() takes no memory_limit_mib; use memory_mib=..."),
        ({"enable_execute_command": True}, "Task() takes no enable_execute_command; use execute_command=True"),
    ):
        with pytest.raises(moorage.ArgumentTypeError) as raised:
            task(**arguments)
        assert str(raised.value) == message


def test_a_secret_is_not_shown() -> None:
    container: Any = Container
    with pytest.raises(TypeError, match=r"^Container\(\) takes no env; use environment=\.\.\.$"):
        container("redis:8", env={"PASSWORD": "hunter2"})


def test_the_method_that_has_no_such_argument_is_named() -> None:
    rolling: Any = moorage.Rollout.rolling
    with pytest.raises(TypeError) as raised:
        rolling(max_healthy_percent=150, percentage=10)
    assert str(raised.value) == (
        "Rollout.rolling: 2 problems\n"
        "  - Rollout.rolling() takes no max_healthy_percent; use maximum_percent=150\n"
        "  - Rollout.rolling() takes no percentage; see help(moorage.Rollout.rolling)"
    )
    scaling: Any = Scaling
    with pytest.raises(TypeError, match=r"^Scaling\(\) takes no cpu_percents; did you mean cpu_percent=\?$"):
        scaling(1, 5, cpu_percents=60)


def answers(function: Callable[..., Any], name: str, *arguments: Any) -> str:
    with pytest.raises(TypeError) as raised:
        function(*arguments, **{name: "a value"})
    (answer,) = re.findall(rf"\w+\(\) takes no {name}; (.*)", str(raised.value))
    return str(answer)


@pytest.mark.parametrize(
    ("function", "name", "answer"),
    [
        (moorage.Route, "host_header", "use host=..."),
        (moorage.Route, "path_pattern", "use path=..."),
        (moorage.Route, "path_patterns", "use path=..."),
        (moorage.Route, "health_check", "use health=..."),
        (moorage.Route, "health_check_path", "use health=..."),
        (moorage.Network, "max_azs", "use zones=..."),
        (moorage.Network, "ip_addresses", "use cidr=..."),
        (moorage.Job, "schedule_expression", f"use schedule=scheduler.ScheduleExpression.cron(...) {SCHEDULER}"),
        (moorage.Job, "cron", f"use schedule=scheduler.ScheduleExpression.cron(...) {SCHEDULER}"),
        (moorage.Job, "rate", f"use schedule=scheduler.ScheduleExpression.rate(...) {SCHEDULER}"),
        (moorage.Job, "event_bus", "use event=EventRule(..., bus=...)"),
        (moorage.InstanceRequirements, "memory_min", "use memory_mib=(..., None)"),
    ],
)
def test_a_name_of_cdk_is_answered_with_the_name_of_moorage(
    function: Callable[..., Any], name: str, answer: str
) -> None:
    assert answers(function, name) == answer


@pytest.mark.parametrize(
    ("function", "name", "meant"),
    [
        (moorage.Container, "heath_check", "health_check"),
        (moorage.Container, "memorymib", "memory_mib"),
        (moorage.Container, "commands", "command"),
        (moorage.Service, "vpc_subnet", "vpc_subnets"),
        (moorage.Route, "http_headers", "http_header"),
        (moorage.Network, "nat_gateway", "nat_gateways"),
        (Scaling, "scale_in_cool_down", "scale_in_cooldown"),
        (moorage.Container, "ephemeral_start_timeout", None),
        (moorage.Route, "hosts_header", None),
        (moorage.Network, "vpn_gateway", None),
        (moorage.Volume.efs, "file_system_arn", "file_system"),
        (moorage.ManagedScaling, "minimum_scaling_step_size", None),
        (moorage.Container, "memory_gib", None),
        (moorage.LoadBalancer, "deny_protection", None),
        (moorage.Cluster, "event_bus", None),
        (moorage.ServiceConnect, "in_timeout", None),
        (moorage.Service, "service", None),
        (moorage.Worker, "queue_type", None),
        (moorage.Service.advise, "savings_plan", "savings_plan_percent"),
        (moorage.Container, "start", None),
    ],
)
def test_a_similar_name_is_offered_only_if_its_words_are_similar(
    function: Callable[..., Any], name: str, meant: str | None
) -> None:
    answer = answers(function, name)
    assert answer == f"did you mean {meant}=?" if meant else answer.startswith("see help(moorage.")


@pytest.mark.parametrize(
    ("function", "name", "port", "answer"),
    [
        (moorage.LoadBalancer, "listener_port", 80, "leave it out, since the load balancer always listens on port 80"),
        (
            moorage.LoadBalancer,
            "port",
            443,
            "use certificate=..., with which the load balancer listens on ports 443 and 80",
        ),
        (
            moorage.LoadBalancer,
            "listener_port",
            8080,
            "use certificate=... for ports 443 and 80, or listener_ports=[8080] for further ports",
        ),
        (moorage.Service, "listener_port", 80, "use route=Route(LoadBalancer(...)), which always listens on port 80"),
        (
            moorage.Service,
            "listener_port",
            443,
            "use route=Route(LoadBalancer(..., certificate=...)), which listens on ports 443 and 80",
        ),
        (
            moorage.Service,
            "listener_port",
            6379,
            "use route=Route(LoadBalancer(..., certificate=...)) for ports 443 and 80, or "
            "route=Listener(NetworkLoadBalancer(...), 6379)",
        ),
    ],
)
def test_a_port_that_is_always_open_is_not_offered_as_a_further_port(
    function: Callable[..., Any], name: str, port: int, answer: str
) -> None:
    with pytest.raises(TypeError) as raised:
        function(**{name: port})
    assert f"{function.__name__}() takes no {name}; {answer}\n" in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value", "answer"),
    [
        ("min_scaling_capacity", 1, "use scaling=Scaling(1, ..., cpu_percent=60)"),
        ("max_scaling_capacity", 4, "use scaling=Scaling(..., 4, cpu_percent=60)"),
        ("platform_version", "LATEST", "leave it out, since Fargate tasks run on the latest platform version"),
        ("tags", {}, "use cdk.Tags.of(construct).add(...)"),
    ],
)
def test_a_service_answers_the_arguments_of_other_services(name: str, value: Any, answer: str) -> None:
    make: Any = moorage.Service
    with pytest.raises(TypeError) as raised:
        make(**{name: value})
    assert f"Service() takes no {name}; {answer}\n" in str(raised.value)
