"""The task definition of a task, and the permissions of its roles."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm
from aws_cdk.assertions import Match

from moorage import (
    Ami,
    Capacity,
    Cluster,
    Container,
    ContainerCondition,
    ContainerInstance,
    EnvironmentFile,
    HealthCheck,
    LinuxParameters,
    LogMode,
    Mount,
    NetworkMode,
    OperatingSystemFamily,
    RestartPolicy,
    Service,
    Task,
    Volume,
)
from moorage.testing import readable_template
from tests.conftest import template

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

SPEC = "arn:aws:s3:::bucket/shop.json"


@pytest.fixture
def cluster(stack: cdk.Stack, vpc: ec2.IVpc) -> Cluster:
    return Cluster(stack, "Cluster", vpc=vpc)


def containers_of(stack: cdk.Stack) -> dict[str, dict[str, Any]]:
    """Return the container definitions of the only task definition in a stack, by name."""
    (definition,) = template(stack).find_resources("AWS::ECS::TaskDefinition").values()
    return {each["Name"]: each for each in definition["Properties"]["ContainerDefinitions"]}


def granted(stack: cdk.Stack, role: str) -> dict[str, list[Any]]:
    """Return the resources that a role of the only task in a stack may use, by action."""
    found: dict[str, list[Any]] = {}
    for name, policy in template(stack).find_resources("AWS::IAM::Policy").items():
        if role in name:
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
                actions = statement["Action"]
                for action in actions if isinstance(actions, list) else [actions]:
                    found.setdefault(action, []).append(statement)
    return found


def test_whole_template(stack: cdk.Stack, cluster: Cluster, template_snapshot: SnapshotAssertion) -> None:
    bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "shop")
    app = Container(
        "shop:1",
        port=8080,
        port_ranges=[(9000, 9010)],
        environment_files=EnvironmentFile.from_bucket(bucket, "web.env"),
        memory_reservation_mib=256,
        restart_policy=RestartPolicy(ignored_exit_codes=[0]),
        start_timeout=dt.timedelta(seconds=90),
        linux_parameters=LinuxParameters(drop_capabilities=["NET_RAW"], ulimits={"nofile": (1024, 4096)}),
        docker_labels={"team": "shop"},
        version_consistency=False,
        depends_on={"migrate": ContainerCondition.SUCCESS, "otel": None},
        writable=["/tmp"],
        mounts={"/shared": "shared"},
    )
    migrate = Container("migrate:1", name="migrate", essential=False, mounts={"/in": Mount("shared", read_only=True)})
    task = Task(
        app,
        migrate,
        Container.otel_collector(),
        cpu=1024,
        memory_mib=2048,
        volumes=[Volume.bind_mount("shared")],
        execute_command=True,
        pid_mode="task",
        enable_fault_injection=True,
    )
    Service(stack, "Web", cluster=cluster, task=task)
    assert readable_template(stack) == template_snapshot


def test_a_task_on_fargate_has_the_smallest_size_that_holds_its_containers(stack: cdk.Stack, cluster: Cluster) -> None:
    web = Container("web:1", name="web", cpu=400, memory_mib=1200)
    task = Task(web, Container.otel_collector(), cpu=None, memory_mib=None)
    Service(stack, "Web", cluster=cluster, task=task)
    template(stack).has_resource_properties("AWS::ECS::TaskDefinition", {"Cpu": "512", "Memory": "2048"})
    assert {name: each["Memory"] for name, each in containers_of(stack).items()} == {"web": 1200, "otel": 128}


def test_a_container_is_restarted_without_a_new_task(stack: cdk.Stack, cluster: Cluster) -> None:
    policy = RestartPolicy(ignored_exit_codes=[0, 143], attempt_period=dt.timedelta(minutes=2))
    Service(stack, "Web", cluster=cluster, task=Task(Container("redis:8", restart_policy=policy)))
    assert containers_of(stack)["app"]["RestartPolicy"] == {
        "Enabled": True,
        "IgnoredExitCodes": [0, 143],
        "RestartAttemptPeriod": 120,
    }


def test_optional_properties_are_left_out_by_default(stack: cdk.Stack, cluster: Cluster) -> None:
    Service(stack, "Web", cluster=cluster, task=Task(Container("redis:8")))
    assert containers_of(stack)["app"].keys() == {
        "Essential", "Image", "LogConfiguration", "Memory", "Name", "ReadonlyRootFilesystem",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("mode", "name", "expected"),
    [
        (NetworkMode.AWSVPC, "Web", "web"),
        (NetworkMode.BRIDGE, "web", "web"),
        (NetworkMode.HOST, "web", None),
        (NetworkMode.AWSVPC, "-web", None),
    ],
)
def test_a_port_has_a_name_that_service_connect_accepts(
    stack: cdk.Stack, vpc: ec2.IVpc, mode: NetworkMode, name: str, expected: str | None
) -> None:
    general = Capacity.ec2("general", instance_types=["m7i.large", "m6i.large"], max_instances=4)
    cluster = Cluster(stack, "Cluster", vpc=vpc, capacity=[general])
    Service(stack, "Web", cluster=cluster, task=Task(Container("shop:1", name=name, port=8080), network_mode=mode))
    assert containers_of(stack)[name]["PortMappings"][0].get("Name") == expected


def test_containers_wait_for_their_dependencies(stack: cdk.Stack, cluster: Cluster) -> None:
    checked = HealthCheck("true")
    task = Task(
        Container("a:1", depends_on={"b": ContainerCondition.COMPLETE, "c": ContainerCondition.START, "d": None}),
        Container("b:1", name="b", essential=False),
        Container("c:1", name="c", health_check=checked),
        Container("d:1", name="d", health_check=checked),
    )
    Service(stack, "Web", cluster=cluster, task=task)
    assert containers_of(stack)["app"]["DependsOn"] == [
        {"ContainerName": "b", "Condition": "COMPLETE"},
        {"ContainerName": "c", "Condition": "START"},
        {"ContainerName": "d", "Condition": "HEALTHY"},
    ]


def test_linux_parameters_are_those_of_the_container(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    golden = ContainerInstance(ami=Ami.from_ssm_parameter("/golden/ecs"))
    general = Capacity.ec2("general", instance_types=["m7i.large", "m6i.large"], max_instances=4, instance=golden)
    linux = LinuxParameters(
        add_capabilities="NET_ADMIN",
        drop_capabilities=["ALL"],
        init_process_enabled=True,
        ulimits={"nofile": 65536, "memlock": -1},
        devices=[ecs.Device(host_path="/dev/fuse")],
        shared_memory_mib=128,
        max_swap_mib=64,
        swappiness=10,
    )
    cluster = Cluster(stack, "Cluster", vpc=vpc, capacity=[general])
    task = Task(Container("redis:8", linux_parameters=linux, writable={"/tmp": 8}), ipc_mode="task")
    Service(stack, "Web", cluster=cluster, task=task)
    container = containers_of(stack)["app"]
    assert container["LinuxParameters"] == {
        "Capabilities": {"Add": ["NET_ADMIN"], "Drop": ["ALL"]},
        "Devices": [{"HostPath": "/dev/fuse"}],
        "InitProcessEnabled": True,
        "MaxSwap": 64,
        "SharedMemorySize": 128,
        "Swappiness": 10,
        "Tmpfs": [{"ContainerPath": "/tmp", "Size": 8}],
    }
    assert container["Ulimits"] == [
        {"Name": "nofile", "SoftLimit": 65536, "HardLimit": 65536},
        {"Name": "memlock", "SoftLimit": -1, "HardLimit": -1},
    ]
    template(stack).has_resource_properties("AWS::ECS::TaskDefinition", {"IpcMode": "task"})


def test_the_options_of_docker_run_are_those_of_the_container(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    general = Capacity.ec2("general", instance_types=["m7i.large"], max_instances=2)
    cluster = Cluster(stack, "Cluster", vpc=vpc, capacity=[general])
    web = Container(
        "shop:1",
        system_controls={"net.core.somaxconn": 1024, "kernel.sem": "250 32000 100 128"},
        docker_security_options="no-new-privileges",
        dns_servers=["10.0.0.2", "fd00::2"],
        dns_search_domains="shop.internal",
        extra_hosts={"db.shop.internal": "10.0.0.10"},
        interactive=True,
        pseudo_terminal=True,
    )
    Service(stack, "Web", cluster=cluster, task=Task(web, network_mode=NetworkMode.BRIDGE))
    assert (
        containers_of(stack)["app"].items()
        >= {
            "SystemControls": [
                {"Namespace": "net.core.somaxconn", "Value": "1024"},
                {"Namespace": "kernel.sem", "Value": "250 32000 100 128"},
            ],
            "DockerSecurityOptions": ["no-new-privileges"],
            "DnsServers": ["10.0.0.2", "fd00::2"],
            "DnsSearchDomains": ["shop.internal"],
            "ExtraHosts": [{"Hostname": "db.shop.internal", "IpAddress": "10.0.0.10"}],
            "Interactive": True,
            "PseudoTerminal": True,
        }.items()
    )


def test_a_container_mounts_the_volumes_of_other_containers(stack: cdk.Stack, cluster: Cluster) -> None:
    read_only = ecs.VolumeFrom(source_container="web", read_only=True)
    web = Container("shop:1", name="web", mounts={"/data": "data"})
    task = Task(
        web,
        Container("scan:1", name="scan", volumes_from=["web"]),
        Container("copy:1", name="copy", volumes_from=[read_only, "scan"]),
        volumes=Volume.bind_mount("data"),
    )
    Service(stack, "Web", cluster=cluster, task=task)
    containers = containers_of(stack)
    assert containers["scan"]["VolumesFrom"] == [{"SourceContainer": "web", "ReadOnly": False}]
    assert containers["copy"]["VolumesFrom"] == [
        {"SourceContainer": "web", "ReadOnly": True},
        {"SourceContainer": "scan", "ReadOnly": False},
    ]
    assert "VolumesFrom" not in containers["web"]


def test_writable_paths_are_executable_only_if_declared(stack: cdk.Stack, cluster: Cluster) -> None:
    container = Container("shop:1", writable={"/tmp": 64, "/plugins": 32}, executable="/plugins")
    Service(stack, "Web", cluster=cluster, task=Task(container))
    assert containers_of(stack)["app"]["LinuxParameters"]["Tmpfs"] == [
        {"ContainerPath": "/tmp", "Size": 64},
        {"ContainerPath": "/plugins", "Size": 32, "MountOptions": ["exec"]},
    ]
    with pytest.raises(ValueError, match=r"executable must name only paths of writable \(got '/bin'\)"):
        Container("shop:1", executable=["/bin"])


def test_only_the_execution_role_may_read_environment_files(stack: cdk.Stack, cluster: Cluster) -> None:
    bucket = s3.Bucket(stack, "Bucket", encryption_key=kms.Key(stack, "Key"))
    task = Task(Container("redis:8", environment_files=[EnvironmentFile.from_bucket(bucket, "shop/web.env")]))
    Service(stack, "Web", cluster=cluster, task=task)
    may = granted(stack, "ExecutionRole")
    assert may["s3:GetObject"][0]["Resource"]["Fn::Join"][1][1] == "/shop/web.env"
    assert may["s3:GetBucketLocation"][0]["Resource"]["Fn::GetAtt"][1] == "Arn"
    assert "kms:Decrypt" in may
    assert not granted(stack, "TaskRole")
    assert containers_of(stack)["app"]["EnvironmentFiles"][0]["Type"] == "s3"


def test_local_environment_files_are_uploaded(stack: cdk.Stack, cluster: Cluster, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("one.env", "two.env")]
    for file in files:
        file.write_text(f"NAME={file.stem}\n")
    task = Task(Container("redis:8", environment_files=[EnvironmentFile.from_asset(file) for file in files]))
    Service(stack, "Web", cluster=cluster, task=task)
    assert len(containers_of(stack)["app"]["EnvironmentFiles"]) == 2
    assert len(granted(stack, "ExecutionRole")["s3:GetObject"]) == 2


def test_secrets_may_have_fields_and_versions(stack: cdk.Stack, cluster: Cluster) -> None:
    secret = secretsmanager.Secret.from_secret_complete_arn(
        stack, "Secret", "arn:aws:secretsmanager:eu-west-1:111111111111:secret:db-AbCdEf"
    )
    former = ecs.SecretVersionInfo(version_stage="AWSPREVIOUS")
    task = Task(
        Container(
            "redis:8",
            secrets={
                "PASSWORD": ecs.Secret.from_secrets_manager(secret, "password"),
                "FORMER": ecs.Secret.from_secrets_manager_version(secret, former, "password"),
            },
        )
    )
    Service(stack, "Web", cluster=cluster, task=task)
    arn = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:db-AbCdEf"
    assert containers_of(stack)["app"]["Secrets"] == [
        {"Name": "PASSWORD", "ValueFrom": f"{arn}:password::"},
        {"Name": "FORMER", "ValueFrom": f"{arn}:password:AWSPREVIOUS:"},
    ]


@pytest.mark.parametrize("field", [False, True])
def test_a_secret_of_another_region_is_refused(app: cdk.App, *, field: bool) -> None:
    stack = cdk.Stack(app, "Here", env=cdk.Environment(account="111111111111", region="eu-west-1"))
    arn = "arn:aws:secretsmanager:{}:111111111111:secret:db-AbCdEf"
    near, far = (
        secretsmanager.Secret.from_secret_complete_arn(stack, region, arn.format(region))
        for region in ("eu-west-1", "us-east-1")
    )
    cluster = Cluster(stack, "Cluster", vpc=ec2.Vpc(stack, "Vpc"))

    def define(secret: secretsmanager.ISecret, name: str) -> None:
        given = ecs.Secret.from_secrets_manager(secret, "password") if field else secret
        Service(stack, name, cluster=cluster, task=Task(Container("redis:8", secrets={"PASSWORD": given})))

    define(near, "Near")
    with pytest.raises(ValueError, match="'PASSWORD' of container 'app' must be in region eu-west-1, the"):
        define(far, "Far")


def test_a_parameter_of_another_region_is_accepted(stack: cdk.Stack, cluster: Cluster) -> None:
    parameter = ssm.StringParameter.from_string_parameter_arn(
        stack, "Parameter", "arn:aws:ssm:us-east-1:111111111111:parameter/shop"
    )
    assert Service(stack, "Web", cluster=cluster, task=Task(Container("redis:8", secrets={"A": parameter})))


@pytest.mark.parametrize("execute_command", [False, True])
def test_sessions_need_exec_on_the_service_and_permissions(
    stack: cdk.Stack, cluster: Cluster, *, execute_command: bool
) -> None:
    Service(stack, "Web", cluster=cluster, task=Task(Container("redis:8"), execute_command=execute_command))
    asked = True if execute_command else Match.absent()
    template(stack).has_resource_properties("AWS::ECS::Service", {"EnableExecuteCommand": asked})
    assert bool(granted(stack, "TaskRole")) is execute_command


def test_a_session_in_a_read_only_container_has_writable_volumes(stack: cdk.Stack, cluster: Cluster) -> None:
    task = Task(
        Container("a:1", name="locked"),
        Container("b:1", name="open", read_only=False),
        Container("c:1", name="partly", writable=["/var/log"]),
        execute_command=True,
    )
    Service(stack, "Web", cluster=cluster, task=task)
    containers = containers_of(stack)
    paths = {name: [each["ContainerPath"] for each in at.get("MountPoints", [])] for name, at in containers.items()}
    assert paths == {
        "locked": ["/managed-agents", "/var/lib/amazon/ssm", "/var/log/amazon/ssm"],
        "open": [],
        "partly": ["/managed-agents", "/var/lib/amazon/ssm"],
    }
    assert containers["locked"]["ReadonlyRootFilesystem"] is True
    assert containers["locked"]["LinuxParameters"]["InitProcessEnabled"] is True
    (definition,) = template(stack).find_resources("AWS::ECS::TaskDefinition").values()
    named = [volume["Name"] for volume in definition["Properties"]["Volumes"]]
    mounted = [point["SourceVolume"] for at in containers.values() for point in at.get("MountPoints", [])]
    assert sorted(named) == sorted(mounted)
    assert len(set(named)) == 5


def test_a_session_on_instances_mounts_only_paths_that_the_agent_does_not_mount(
    stack: cdk.Stack, vpc: ec2.IVpc
) -> None:
    general = Capacity.ec2("general", instance_types=["m7i.large"], max_instances=10)
    cluster = Cluster(stack, "Cluster", vpc=vpc, capacity=[general])
    Service(stack, "Web", cluster=cluster, task=Task(Container("redis:8"), execute_command=True))
    (container,) = containers_of(stack).values()
    assert [each["ContainerPath"] for each in container["MountPoints"]] == ["/var/lib/amazon/ssm"]
    assert container["LinuxParameters"]["InitProcessEnabled"] is True


@pytest.mark.parametrize(
    ("container", "argument"),
    [
        (Container("redis:8", writable=["/var/log/amazon/ssm"]), "writable"),
        (Container("redis:8", mounts={"/var/log/amazon/ssm": "log"}, read_only=False), "mounts"),
    ],
)
def test_the_log_directory_of_sessions_on_instances_is_refused_as_a_mount(
    stack: cdk.Stack, vpc: ec2.IVpc, container: Container, argument: str
) -> None:
    general = Capacity.ec2("general", instance_types=["m7i.large"], max_instances=10)
    cluster = Cluster(stack, "Cluster", vpc=vpc, capacity=[general, Capacity.fargate()])
    volumes = [Volume.bind_mount("log")] if container.mounts else []
    task = Task(container, volumes=volumes, execute_command=True)
    with pytest.raises(ValueError, match=f"{argument} of container 'app' must not have '/var/log/amazon/ssm', which"):
        Service(stack, "Web", cluster=cluster, task=task)
    Service(stack, "OnFargate", cluster=cluster, task=task, capacity=cluster.capacities[1])


def test_a_session_on_managed_instances_needs_a_writable_container(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cluster = Cluster(stack, "Cluster", vpc=vpc, capacity=[Capacity.managed_instances("managed")])
    task = Task(Container("redis:8"), execute_command=True)
    with pytest.raises(ValueError, match="read_only of container 'app' must be False with execute_command=True"):
        Service(stack, "Web", cluster=cluster, task=task)
    Service(stack, "Web", cluster=cluster, task=Task(Container("redis:8", read_only=False), execute_command=True))
    assert "MountPoints" not in containers_of(stack)["app"]


def test_windows_containers_have_no_linux_parameters(stack: cdk.Stack, cluster: Cluster) -> None:
    task = Task(
        Container("iis:1", port=80),
        cpu=1024,
        memory_mib=2048,
        operating_system_family=OperatingSystemFamily.WINDOWS_SERVER_2022_CORE,
        execute_command=True,
    )
    Service(stack, "Web", cluster=cluster, task=task)
    assert not containers_of(stack)["app"].keys() & {"ReadonlyRootFilesystem", "LinuxParameters", "MountPoints"}
    template(stack).has_resource_properties(
        "AWS::ECS::TaskDefinition",
        {"RuntimePlatform": {"CpuArchitecture": "X86_64", "OperatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}},
    )


@pytest.mark.parametrize("retain", [False, True])
def test_earlier_revisions_are_retained_only_on_request(*, stack: cdk.Stack, cluster: Cluster, retain: bool) -> None:
    Service(stack, "Web", cluster=cluster, task=Task(Container("redis:8"), retain_revisions=retain))
    (definition,) = template(stack).find_resources("AWS::ECS::TaskDefinition").values()
    assert definition.get("UpdateReplacePolicy") == ("Retain" if retain else None)
    assert "DeletionPolicy" not in definition


def test_a_task_may_have_no_network(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    general = Capacity.ec2("general", instance_types=["m7i.large", "m6i.large"], max_instances=4)
    task = Task(Container("batch:1"), network_mode=NetworkMode.NONE)
    Service(stack, "Batch", cluster=Cluster(stack, "Cluster", vpc=vpc, capacity=[general]), task=task)
    template(stack).has_resource_properties("AWS::ECS::TaskDefinition", {"NetworkMode": "none"})
    template(stack).has_resource_properties("AWS::ECS::Service", {"NetworkConfiguration": Match.absent()})


def test_the_execution_role_may_read_the_credential_spec(stack: cdk.Stack, cluster: Cluster) -> None:
    task = Task(Container("shop:1", credential_spec=f"credentialspecdomainless:{SPEC}"))
    Service(stack, "Web", cluster=cluster, task=task)
    assert containers_of(stack)["app"]["CredentialSpecs"] == [f"credentialspecdomainless:{SPEC}"]
    assert [each["Resource"] for each in granted(stack, "ExecutionRole")["s3:GetObject"]] == [SPEC]


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        (None, {}),
        (LogMode.blocking(), {"mode": "blocking"}),
        (LogMode.non_blocking(), {"mode": "non-blocking", "max-buffer-size": "10485760b"}),
        (LogMode.non_blocking(25), {"mode": "non-blocking", "max-buffer-size": "26214400b"}),
    ],
)
def test_the_delivery_of_logs_is_that_of_the_account_unless_given(
    stack: cdk.Stack, cluster: Cluster, mode: LogMode | None, options: dict[str, str]
) -> None:
    Service(stack, "Web", cluster=cluster, task=Task(Container("shop:1", log_mode=mode)))
    written = containers_of(stack)["app"]["LogConfiguration"]["Options"]
    assert {name: written[name] for name in written if not name.startswith("awslogs-")} == options


def test_a_cdk_log_driver_has_a_mode_of_its_own() -> None:
    driver = ecs.LogDrivers.json_file()
    with pytest.raises(ValueError, match="log_mode must not be given with logging"):
        Container("shop:1", logging=driver, log_mode=LogMode.blocking())


def test_a_cdk_log_driver_replaces_the_log_group(stack: cdk.Stack, cluster: Cluster) -> None:
    token = secretsmanager.Secret.from_secret_name_v2(stack, "Token", "splunk")
    splunk = ecs.LogDrivers.splunk(
        secret_token=ecs.Secret.from_secrets_manager(token), url="https://splunk.example.com"
    )
    Service(stack, "Web", cluster=cluster, task=Task(Container("redis:8", logging=splunk)))
    assert containers_of(stack)["app"]["LogConfiguration"]["LogDriver"] == "splunk"
