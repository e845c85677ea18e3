"""Daemons of ECS Managed Instances."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager

from moorage import (
    Capacity,
    Cluster,
    Container,
    Daemon,
    Endpoints,
    HealthCheck,
    Image,
    LinuxParameters,
    Mount,
    Network,
    NetworkMode,
    OperatingSystemFamily,
    Repository,
    Service,
    Task,
    Volume,
)
from moorage.testing import readable_template
from tests.conftest import imported_vpc, template

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

MANAGED = Capacity.managed_instances("managed")
AGENT = Container("redis:8.2", name="agent")
DEFINITION, DAEMON = "AWS::ECS::DaemonTaskDefinition", "AWS::ECS::Daemon"


def cluster_in(stack: cdk.Stack, *capacities: Capacity) -> Cluster:
    return Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=capacities or [MANAGED], failure_events=False)


def daemon(stack: cdk.Stack, *containers: Container, of: dict[str, Any] | None = None, **said: Any) -> Daemon:
    cluster = said.pop("cluster", None) or cluster_in(stack)
    task = Task(*(containers or (AGENT,)), **(of or {}))
    return Daemon(stack, "Agent", **{"cluster": cluster, "task": task, "capacity": MANAGED, **said})


def only(stack: cdk.Stack, kind: str) -> dict[str, Any]:
    (found,) = template(stack).find_resources(kind).values()
    return dict(found)


def test_only_a_daemon_task_definition_is_defined(stack: cdk.Stack) -> None:
    made = daemon(stack)
    template(stack).resource_count_is("AWS::ECS::TaskDefinition", 0)
    definition = only(stack, DEFINITION)["Properties"]
    assert (definition["Cpu"], definition["Memory"]) == ("256", "512")
    assert definition["Family"] == "ShopAgentTaskDefinitionCD60CB9F"
    (container,) = definition["ContainerDefinitions"]
    assert container["ReadonlyRootFilesystem"] is True
    assert container["LogConfiguration"]["Options"]["awslogs-group"] == stack.resolve(made.log_group.log_group_name)
    assert not {"Volumes", "PidMode"} & definition.keys()


def test_a_daemon_runs_on_the_capacity_of_its_cluster(stack: cdk.Stack) -> None:
    other = Capacity.managed_instances("other")
    made = daemon(stack, cluster=cluster_in(stack, MANAGED, other), capacity=[MANAGED, other])
    properties = only(stack, DAEMON)["Properties"]
    first, second = ("".join(map(str, each["Fn::Join"][1])) for each in properties["CapacityProviderArns"])
    assert ":capacity-provider/{'Ref': 'ClustermanagedinstancesProvider" in first
    assert ":capacity-provider/{'Ref': 'ClusterotherinstancesProvider" in second
    assert properties["ClusterArn"] == {"Fn::GetAtt": ["ClusterEB0386A7", "Arn"]}
    assert properties["DaemonTaskDefinitionArn"] == stack.resolve(made.task_definition.attr_daemon_task_definition_arn)
    assert properties["DaemonName"] == stack.resolve(made.daemon_name) == "Shop-Agent-798C7EA4"
    assert "Critical" not in properties
    assert made.node.default_child is made.daemon


def test_a_daemon_that_is_not_critical(stack: cdk.Stack) -> None:
    daemon(stack, critical=False)
    assert only(stack, DAEMON)["Properties"]["Critical"] is False


def test_what_a_daemon_task_definition_has_is_rendered(stack: cdk.Stack) -> None:
    secret = secretsmanager.Secret(stack, "Key")
    repository = Repository(stack, "Images", name="shop/agent")
    container = Container(
        Image.from_repository(repository, tag="1"),
        name="agent",
        command=["run"],
        entry_point=["agent"],
        cpu=64,
        environment={"LEVEL": "info"},
        secrets={"KEY": secret},
        health_check=HealthCheck("agent health"),
        user="1000",
        privileged=True,
        mounts={"/host": Mount("root", read_only=True)},
        linux_parameters=LinuxParameters(add_capabilities="NET_ADMIN", ulimits={"nofile": 1024}),
        system_controls={"net.core.somaxconn": "1024"},
        stop_timeout=cdk.Duration.seconds(9),
    )
    logs = Volume.bind_mount("root", host_path="/var/log")
    daemon(stack, container, of={"volumes": logs, "pid_mode": "host", "retain_revisions": True})
    definition = only(stack, DEFINITION)
    properties = definition["Properties"]
    assert definition["UpdateReplacePolicy"] == "Retain"
    assert properties["PidMode"] == "shared"
    assert properties["Volumes"] == [{"Name": "root", "Host": {"SourcePath": "/var/log"}}]
    (rendered,) = properties["ContainerDefinitions"]
    assert rendered["MountPoints"] == [{"ContainerPath": "/host", "ReadOnly": True, "SourceVolume": "root"}]
    assert (rendered["Command"], rendered["EntryPoint"]) == (["run"], ["agent"])
    assert rendered["HealthCheck"]["Command"] == ["CMD-SHELL", "agent health"]
    assert rendered["Secrets"] == [{"Name": "KEY", "ValueFrom": {"Ref": "Key961B73FD"}}]
    assert (rendered["User"], rendered["Privileged"], rendered["StopTimeout"]) == ("1000", True, 9)
    assert rendered["LinuxParameters"]["Capabilities"]["Add"] == ["NET_ADMIN"]
    assert rendered["SystemControls"] == [{"Namespace": "net.core.somaxconn", "Value": "1024"}]
    statements = [
        statement
        for policy in template(stack).find_resources("AWS::IAM::Policy").values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]
    actions = json.dumps([each["Action"] for each in statements])
    for action in ("secretsmanager:GetSecretValue", "ecr:BatchGetImage", "logs:PutLogEvents"):
        assert f'"{action}"' in actions


def test_a_daemon_is_defined_after_the_policies_of_its_roles(stack: cdk.Stack) -> None:
    made = daemon(stack)
    s3.Bucket(stack, "Traces").grant_write(made)
    policies = template(stack).find_resources("AWS::IAM::Policy")
    own = {name for name in policies if name.startswith("Agent")}
    assert len(own) == 2
    assert own <= set(only(stack, DAEMON)["DependsOn"])


def test_one_error_lists_all_settings_that_a_daemon_has_not(stack: cdk.Stack) -> None:
    container = Container(
        "redis:8.2",
        name="agent",
        port=6379,
        ports={"admin": 8080},
        gpus=1,
        docker_labels={"team": "shop"},
        docker_security_options="no-new-privileges",
        dns_servers="10.0.0.2",
        extra_hosts={"db": "10.0.0.1"},
        version_consistency=False,
        mounts={"/data": "data"},
        linux_parameters=LinuxParameters(shared_memory_mib=64, max_swap_mib=0, swappiness=1),
    )
    of = {
        "network_mode": NetworkMode.HOST,
        "volumes": Volume.ebs("data", 10),
        "ephemeral_storage_gib": 30,
        "pid_mode": "task",
        "ipc_mode": "host",
        "enable_fault_injection": True,
    }
    with pytest.raises(ValueError) as raised:  # noqa: PT011  # the complete message is compared
        daemon(stack, container, of=of)
    assert str(raised.value) == (
        "Shop/Agent: task must have only settings of a daemon task definition (got network_mode='host', "
        "ephemeral_storage_gib=30, enable_fault_injection=True, pid_mode='task', ipc_mode='host', volume 'data', which "
        "is no bind mount, port of container 'agent', ports of container 'agent', gpus of container 'agent', "
        "docker_labels of container 'agent', docker_security_options of container 'agent', dns_servers of container "
        "'agent', extra_hosts of container 'agent', version_consistency of container 'agent', shared_memory_mib of "
        "container 'agent', max_swap_mib of container 'agent', swappiness of container 'agent'); remove these "
        "settings, or run the task as a Service"
    )


def test_windows_is_refused(stack: cdk.Stack) -> None:
    system = OperatingSystemFamily.WINDOWS_SERVER_2022_CORE
    with pytest.raises(ValueError, match="operating_system_family='WINDOWS_SERVER_2022_CORE'"):
        daemon(stack, of={"operating_system_family": system, "cpu": 1024, "memory_mib": 2048})


def test_settings_that_are_left_out_are_not_listed(stack: cdk.Stack) -> None:
    daemon(stack, of={"cpu": None, "network_mode": NetworkMode.AWSVPC})
    assert "Cpu" not in only(stack, DEFINITION)["Properties"]


@pytest.mark.parametrize(
    ("capacity", "said"),
    [
        (Capacity.fargate(), "capacity must be ECS Managed Instances (got 'FARGATE': Fargate)"),
        (
            [MANAGED, Capacity.from_provider_name("own")],
            "capacity must be ECS Managed Instances (got 'own': Auto Scaling group)",
        ),
        ([], "capacity must contain at least one capacity (got []); use"),
        ([MANAGED, MANAGED], "capacity must be unique (got 'managed' more than once)"),
        (Capacity.managed_instances("other"), "capacity 'other' must be one of the cluster's capacities"),
    ],
)
def test_capacities_that_cannot_run_a_daemon(stack: cdk.Stack, capacity: Any, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        daemon(stack, capacity=capacity)


def test_an_imported_cluster_has_daemons(stack: cdk.Stack) -> None:
    existing = Capacity.from_provider_name("managed", managed_instances=True)
    vpc = imported_vpc(stack)
    cluster = Cluster.from_attributes(stack, "Cluster", cluster_name="shop", vpc=vpc, capacity=[existing])
    daemon(stack, cluster=cluster, capacity=existing)
    (provider,) = only(stack, DAEMON)["Properties"]["CapacityProviderArns"]
    assert provider["Fn::Join"][1][-1] == ":capacity-provider/managed"


def test_the_subnets_of_the_instances_must_reach_the_image(stack: cdk.Stack) -> None:
    stored = Task(Container(Image.from_repository(Repository(stack, "Images", name="shop/agent"), tag="1")))
    endpoints = Endpoints.for_tasks(stored, instances=True)
    vpc = Network(stack, "Network", nat_gateways=0, endpoints=endpoints).vpc
    cluster = Cluster(stack, "Cluster", vpc=vpc, capacity=[MANAGED])
    Daemon(stack, "Stored", cluster=cluster, task=stored, capacity=MANAGED)
    with pytest.raises(ValueError, match="its subnets cannot reach the internet"):
        daemon(stack, cluster=cluster)


def test_a_session_needs_a_writable_file_system(stack: cdk.Stack) -> None:
    daemon(stack, Container("redis:8.2", read_only=False), of={"execute_command": True})
    assert only(stack, DAEMON)["Properties"]["EnableExecuteCommand"] is True
    other = cdk.Stack(cdk.App(), "Other")
    with pytest.raises(ValueError, match="read_only of container 'agent' must be False"):
        daemon(other, of={"execute_command": True})


def test_a_daemon_beside_a_service(stack: cdk.Stack) -> None:
    cluster = cluster_in(stack)
    daemon(stack, cluster=cluster)
    Service(stack, "Web", cluster=cluster, task=Task(Container("redis:8.2", port=6379)))
    template(stack).resource_count_is("AWS::ECS::TaskDefinition", 1)


def test_a_removable_log_group(stack: cdk.Stack) -> None:
    daemon(stack, removal_policy=cdk.RemovalPolicy.DESTROY)
    assert only(stack, "AWS::Logs::LogGroup")["DeletionPolicy"] == "Delete"


def test_whole_template(stack: cdk.Stack, template_snapshot: SnapshotAssertion) -> None:
    daemon(stack)
    assert readable_template(stack) == template_snapshot


def test_the_role_may_be_given(stack: cdk.Stack) -> None:
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
    made = daemon(stack, of={"task_role": role})
    assert made.task_role is role
    assert isinstance(made.task_definition, ecs.CfnDaemonTaskDefinition)


def test_cdk_does_not_refuse_a_property_that_is_newer_than_its_schemas(tmp_path: Path) -> None:
    context = json.dumps({"@aws-cdk/core:validateAgainstDefaultRules": True})
    environment = {**os.environ, "CDK_VALIDATION": "true", "CDK_CONTEXT_JSON": context, "CDK_OUTDIR": str(tmp_path)}
    program = Path(__file__).parents[3] / "examples" / "daemon.py"
    done = subprocess.run([sys.executable, program], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Agent" not in done.stderr
