"""For each row of `task_limits`, a definition within it and one beyond it, which `test_limits` runs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager

from moorage import (
    Architecture,
    Capacity,
    Cluster,
    Container,
    ContainerCondition,
    Daemon,
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
from tests.conftest import imported_vpc
from tests.stand_ins import stand_in

Define = Callable[[cdk.Stack], object]
FILE_SYSTEM = stand_in("aws_efs.IFileSystem")
ACCESS_POINT = stand_in("aws_efs.IAccessPoint")
BUCKET = stand_in("aws_s3.IBucket")
WINDOWS = OperatingSystemFamily.WINDOWS_SERVER_2022_CORE
WINDOWS_TASK: dict[str, Any] = {"operating_system_family": WINDOWS, "cpu": 1024, "memory_mib": 2048}


def seconds(count: int) -> dt.timedelta:
    return dt.timedelta(seconds=count)


def container(**arguments: Any) -> Define:
    return lambda _: Container("redis:8", **arguments)


def linux(**arguments: Any) -> Define:
    return lambda _: LinuxParameters(**arguments)


def task(*containers: Container, **arguments: Any) -> Define:
    return lambda _: Task(*(containers or (Container("redis:8"),)), **arguments)


def ebs(*arguments: Any, **more: Any) -> Define:
    return lambda _: Volume.ebs("data", *arguments, **more)


def on(capacity: Capacity, *containers: Container, **arguments: Any) -> Define:
    """Define a service on one capacity."""

    def define(stack: cdk.Stack) -> object:
        cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=[capacity])
        what = Task(*(containers or (Container("redis:8"),)), **arguments)
        return Service(stack, "Web", cluster=cluster, task=what)

    return define


def fargate(*containers: Container, **arguments: Any) -> Define:
    return on(Capacity.fargate(), *containers, **arguments)


def managed(*containers: Container, **arguments: Any) -> Define:
    return on(Capacity.managed_instances("managed"), *(containers or [Container("redis:8")]), **arguments)


def tuned(name: str) -> Container:
    return Container("redis:8", name=name, system_controls={"net.core.somaxconn": 1024})


def kernel(**arguments: Any) -> Container:
    return Container("redis:8", linux_parameters=LinuxParameters(**arguments))


def windows(**arguments: Any) -> Define:
    return task(Container("iis:1", **arguments), operating_system_family=WINDOWS)


def mounted(*volumes: Volume, **arguments: Any) -> Define:
    paths = {f"/data{index}": volume.name for index, volume in enumerate(volumes)}
    return task(Container("redis:8", mounts=paths), volumes=volumes, **arguments)


def stored(volume: Volume, **arguments: Any) -> Define:
    """Define a service on Fargate whose container mounts one volume."""
    return fargate(Container("redis:8", mounts={"/data": Mount(volume.name)}), volumes=[volume], **arguments)


def waiting(condition: ContainerCondition, **arguments: Any) -> Define:
    first = Container("a:1", name="first", **arguments)
    return task(Container("b:1", name="second", depends_on={"first": condition}), first)


def version(**arguments: Any) -> Define:
    def define(stack: cdk.Stack) -> object:
        secret = secretsmanager.Secret(stack, "Secret")
        named = ecs.Secret.from_secrets_manager_version(secret, ecs.SecretVersionInfo(**arguments), "password")
        return Container("redis:8", secrets={"PASSWORD": named})

    return define


def logging(make: Callable[[], ecs.LogDriver]) -> Define:
    def define(stack: cdk.Stack) -> object:
        return fargate(Container("redis:8", logging=make()))(stack)

    return define


ROUTER = {"Name": "http", "host": "logs.example.com"}
ENV = [EnvironmentFile.from_bucket(BUCKET, f"{index}.env") for index in range(11)]

APPLICATION = Container("a:1", memory_mib=128)


def allowing(*resources: str) -> Define:
    return lambda _: Task(
        APPLICATION, permissions=[iam.PolicyStatement(actions=["s3:GetObject"], resources=[each]) for each in resources]
    )


def daemon(*capacities: Capacity, region: str | None = None, **arguments: Any) -> Define:
    """Define a daemon on capacities of its cluster, in a stack of its own in a region."""

    def define(stack: cdk.Stack) -> object:
        place = cdk.Stack(cdk.App(), "There", env=cdk.Environment(region=region)) if region else stack
        cluster = Cluster(place, "Cluster", vpc=imported_vpc(place), capacity=[*dict.fromkeys(capacities)] or None)
        own = Task(Container("redis:8", **arguments))
        return Daemon(place, "Agent", cluster=cluster, capacity=capacities, task=own)

    return define


MANAGED, OTHER = Capacity.managed_instances("managed"), Capacity.managed_instances("other")

CASES: dict[str, tuple[Define, Define]] = {
    "windows-image": (
        task(Container("amazon/aws-for-fluent-bit:windowsservercore-stable"), **WINDOWS_TASK),
        task(Container("public.ecr.aws/aws-observability/aws-for-fluent-bit:3.4.15"), **WINDOWS_TASK),
    ),
    "container-timeout": (container(stop_timeout=seconds(0)), container(stop_timeout=seconds(-1))),
    "command-variable": (
        container(entry_point=["tini", "--", "/bin/sh", "-c"], command="serve $PORT"),
        container(command=["serve", "--port=${PORT}"]),
    ),
    "command-blank": (container(command="serve"), container(command="")),
    "entry-point": (container(entry_point="", command="serve"), container(entry_point="")),
    "user": (container(user="1000:1000"), container(user="  ")),
    "mount-paths": (
        container(mounts={"/data/": "a", "/data2": "b"}),
        container(mounts={"/data": "a", "/data/": "b"}),
    ),
    "command-words": (container(command=["npm", "run", "start"]), container(command="npm run start")),
    "command-shell": (
        container(command=["sh", "-c", "npm run start"]),
        container(entry_point=["sh", "-c"], command=["npm", "run", "start"]),
    ),
    "command-operator": (
        container(command=["sh", "-c", "migrate && serve"]),
        container(command=["migrate", "&&", "serve"]),
    ),
    "command-form": (container(command=["curl", "-f", "x"]), container(command=["CMD-SHELL", "curl -f x"])),
    "working-directory": (container(working_directory="/srv"), container(working_directory="srv")),
    "environment-name": (container(environment={"A.b-1": "="}), container(environment={"A=B": "c"})),
    "port-names-unique": (
        task(Container("a:1", name="Web", port=80), Container("b:1", name="web")),
        task(Container("a:1", name="Web", port=80), Container("b:1", name="web", port=81)),
    ),
    "port-name": (container(ports={"a" * 64: 80}), container(ports={"a" * 65: 80})),
    "container-ports-once": (
        container(port=8080, ports={"admin": 8081}),
        container(port=8080, ports={"admin": 8080}),
    ),
    "named-ports-unique": (
        task(Container("a:1", name="A", port=80), Container("b:1", name="b", ports={"c": 81})),
        task(Container("a:1", name="A", port=80), Container("b:1", name="b", ports={"a": 81})),
    ),
    "log-router-image": (
        lambda _: Container.log_router(ROUTER, type="fluentd", image="fluentd:1"),
        lambda _: Container.log_router(ROUTER, type="fluentd"),
    ),
    "log-router-clients": (task(APPLICATION, Container.log_router(ROUTER)), task(Container.log_router(ROUTER))),
    "log-driver-router": (
        lambda _: Task(
            Container("a:1", memory_mib=128, logging=ecs.LogDrivers.firelens(options=ROUTER)),
            Container.log_router(ROUTER),
        ),
        lambda _: Task(Container("a:1", logging=ecs.LogDrivers.firelens(options=ROUTER))),
    ),
    "linux-path": (
        task(Container("a:1", mounts={"/data": "a"}), volumes=[Volume.bind_mount("a")]),
        task(Container("a:1", mounts={"C:\\data": "a"}), volumes=[Volume.bind_mount("a")]),
    ),
    "permission-resource": (allowing("arn:aws:s3:::orders/*"), allowing("orders")),
    "permission-size": (allowing(f"arn:aws:s3:::{0:0>10150}"), allowing(f"arn:aws:s3:::{0:0>10180}")),
    "permissions-size": (
        allowing(*[f"arn:aws:s3:::{0:0>9920}" for _ in range(16)]),
        allowing(*[f"arn:aws:s3:::{0:0>9920}" for _ in range(17)]),
    ),
    "start-timeout": (
        fargate(Container("redis:8", start_timeout=seconds(120))),
        fargate(Container("redis:8", start_timeout=seconds(121))),
    ),
    "health-timeout-shorter": (
        lambda _: HealthCheck("true", timeout=seconds(10), interval=seconds(10)),
        lambda _: HealthCheck("true", timeout=seconds(11), interval=seconds(10)),
    ),
    "restart-exit-codes": (
        lambda _: RestartPolicy(ignored_exit_codes=range(50)),
        lambda _: RestartPolicy(ignored_exit_codes=range(51)),
    ),
    "restart-attempt-period": (
        lambda _: RestartPolicy(attempt_period=seconds(1800)),
        lambda _: RestartPolicy(attempt_period=seconds(59)),
    ),
    "dependency-on-an-end": (
        waiting(ContainerCondition.SUCCESS, essential=False),
        waiting(ContainerCondition.COMPLETE),
    ),
    "dependency-on-health": (
        waiting(ContainerCondition.HEALTHY, health_check=HealthCheck("true")),
        waiting(ContainerCondition.HEALTHY),
    ),
    "environment-files": (container(environment_files=ENV[:10]), container(environment_files=ENV)),
    "environment-file-name": (
        lambda _: EnvironmentFile.from_bucket(BUCKET, "shop/web.env"),
        lambda _: EnvironmentFile.from_bucket(BUCKET, "shop/web.txt"),
    ),
    "secret-version": (version(version_stage="AWSPREVIOUS"), version(version_stage="AWSPREVIOUS", version_id="1")),
    "memory-reservation": (
        container(memory_mib=128, memory_reservation_mib=128),
        container(memory_mib=128, memory_reservation_mib=129),
    ),
    "port-ranges": (
        container(port_ranges=[(port, port + 1) for port in range(1000, 1200, 2)]),
        container(port_ranges=[(port, port + 1) for port in range(1000, 1202, 2)]),
    ),
    "port-range": (container(port_ranges=[(8000, 65535)]), container(port_ranges=[(8000, 8000)])),
    "port-ranges-apart": (
        container(port=8080, port_ranges=[(8000, 8079), (8081, 8090)]),
        container(port=8080, port_ranges=[(8000, 8080)]),
    ),
    "port-range-mode": (
        task(Container("redis:8", port_ranges=[(8000, 8010)]), network_mode=NetworkMode.BRIDGE),
        task(Container("redis:8", port_ranges=[(8000, 8010)]), network_mode=NetworkMode.HOST),
    ),
    "none-mode-ports": (
        task(network_mode=NetworkMode.NONE),
        task(Container("redis:8", port=6379), network_mode=NetworkMode.NONE),
    ),
    "ulimit-name": (linux(ulimits={"nofile": 65536}), linux(ulimits={"files": 65536})),
    "ulimit": (linux(ulimits={"nofile": (-1, -1)}), linux(ulimits={"nofile": (1024, -1)})),
    "capability": (linux(drop_capabilities="ALL"), linux(add_capabilities=["CAP_NET_ADMIN"])),
    "fargate-capabilities": (
        fargate(kernel(add_capabilities=["SYS_PTRACE"], drop_capabilities=["ALL"])),
        fargate(kernel(add_capabilities=["NET_ADMIN"])),
    ),
    "fargate-ulimits": (fargate(kernel(ulimits={"nofile": 65536})), fargate(kernel(ulimits={"nproc": 64}))),
    "fargate-devices": (fargate(kernel()), fargate(kernel(devices=[ecs.Device(host_path="/dev/fuse")]))),
    "fargate-shared-memory": (fargate(kernel()), fargate(kernel(shared_memory_mib=128))),
    "fargate-swap": (fargate(kernel()), fargate(kernel(max_swap_mib=0))),
    "shared-memory": (linux(shared_memory_mib=1), linux(shared_memory_mib=0)),
    "max-swap": (linux(max_swap_mib=0), linux(max_swap_mib=-1)),
    "swappiness": (linux(max_swap_mib=64, swappiness=100), linux(max_swap_mib=64, swappiness=101)),
    "swappiness-alone": (linux(max_swap_mib=64, swappiness=10), linux(swappiness=10)),
    "system-control": (
        container(system_controls={"net.core.somaxconn": 1024, "kernel.shm_rmid_forced": 1, "fs.mqueue.msg_max": "10"}),
        container(system_controls={"kernel.shm_rmid": 1}),
    ),
    "docker-security-option": (
        container(docker_security_options=["no-new-privileges", "apparmor:shop", "label:user:shop"]),
        container(docker_security_options="seccomp:unconfined"),
    ),
    "extra-host": (
        container(extra_hosts={"db.shop_1": "10.0.0.1"}),
        container(extra_hosts={"db:10.0.0.1": "10.0.0.1"}),
    ),
    "ip-address": (container(dns_servers=["10.0.0.2", "fd00::2"]), container(dns_servers="dns.example.com")),
    "dns-mode": (
        task(Container("redis:8", dns_servers="10.0.0.2"), network_mode=NetworkMode.HOST),
        task(Container("redis:8", dns_servers="10.0.0.2")),
    ),
    "network-controls-mode": (
        task(Container("redis:8", system_controls={"fs.mqueue.msg_max": 10}), network_mode=NetworkMode.HOST),
        task(Container("redis:8", system_controls={"net.core.somaxconn": 1024}), network_mode=NetworkMode.HOST),
    ),
    "ipc-controls-mode": (
        task(Container("redis:8", system_controls={"net.core.somaxconn": 1024}), ipc_mode="host"),
        task(Container("redis:8", system_controls={"kernel.msgmax": 65536}), ipc_mode="host"),
    ),
    "shared-network-controls": (
        task(tuned("a"), Container("redis:8", name="b", system_controls={"kernel.msgmax": 65536})),
        task(tuned("a"), tuned("b")),
    ),
    "fargate-security-options": (
        fargate(Container("shop:1")),
        fargate(Container("shop:1", docker_security_options="no-new-privileges")),
    ),
    "managed-instances-security-options": (
        managed(Container("shop:1", docker_security_options="no-new-privileges")),
        managed(Container("shop:1", docker_security_options="label:user:shop")),
    ),
    "windows-security-options": (
        windows(docker_security_options="credentialspec:file://shop.json"),
        windows(docker_security_options="no-new-privileges"),
    ),
    "daemon-settings": (daemon(MANAGED), daemon(MANAGED, port=6379)),
    "daemon-capacities": (daemon(MANAGED, OTHER), daemon()),
    "daemon-capacity-kind": (daemon(MANAGED), daemon(Capacity.fargate())),
    "daemon-capacities-unique": (daemon(MANAGED), daemon(MANAGED, MANAGED)),
    "daemon-region": (daemon(MANAGED, region="eu-west-3"), daemon(MANAGED, region="me-central-1")),
    "pid-mode": (task(pid_mode="host"), task(pid_mode="none")),
    "fargate-pid-mode": (fargate(pid_mode="task"), fargate(pid_mode="host")),
    "ipc-mode": (task(ipc_mode="none"), task(ipc_mode="shared")),
    "fargate-ipc-mode": (fargate(), fargate(ipc_mode="task")),
    "managed-instances-ipc-mode": (managed(), managed(ipc_mode="task")),
    "fault-injection-mode": (
        task(enable_fault_injection=True, network_mode=NetworkMode.HOST),
        task(enable_fault_injection=True, network_mode=NetworkMode.BRIDGE),
    ),
    "log-buffer": (lambda _: LogMode.non_blocking(1), lambda _: LogMode.non_blocking(0)),
    "log-buffer-memory": (
        task(Container("redis:8", log_mode=LogMode.non_blocking(511))),
        task(Container("redis:8", log_mode=LogMode.non_blocking(512))),
    ),
    "log-routers": (
        task(Container("redis:8"), Container.log_router(ROUTER)),
        task(Container("redis:8"), Container.log_router(ROUTER), Container.log_router(ROUTER, name="second")),
    ),
    "log-router": (
        lambda _: Container.log_router(ROUTER, type="fluentd", image="fluentd:1"),
        lambda _: Container.log_router(ROUTER, type="vector"),
    ),
    "fargate-log-router-config": (
        fargate(Container("redis:8"), Container.log_router(ROUTER, config_file="/etc/extra.conf")),
        fargate(Container("redis:8"), Container.log_router(ROUTER, config_file="arn:aws:s3:::logs/extra.conf")),
    ),
    "fargate-log-driver": (
        fargate(
            Container("a:1", memory_mib=128, logging=ecs.LogDrivers.firelens(options=ROUTER)),
            Container.log_router(ROUTER),
        ),
        logging(ecs.LogDrivers.json_file),
    ),
    "credential-spec": (
        container(credential_spec="credentialspecdomainless:arn:aws:s3:::bucket/spec.json"),
        container(credential_spec="arn:aws:s3:::bucket/spec.json"),
    ),
    "fargate-credential-spec": (
        fargate(Container("shop:1", credential_spec="credentialspecdomainless:arn:aws:s3:::bucket/spec.json")),
        fargate(Container("shop:1", credential_spec="credentialspec:arn:aws:s3:::bucket/spec.json")),
    ),
    "volume-name": (lambda _: Volume.bind_mount("a_b-C1"), lambda _: Volume.bind_mount("a b")),
    "volume-names-unique": (
        mounted(Volume.bind_mount("a"), Volume.bind_mount("b")),
        mounted(Volume.bind_mount("a"), Volume.bind_mount("a")),
    ),
    "ebs-volumes-per-task": (
        mounted(Volume.ebs("a", 10), Volume.bind_mount("b")),
        mounted(Volume.ebs("a", 10), Volume.ebs("b", 10)),
    ),
    "fargate-host-path": (stored(Volume.bind_mount("a")), stored(Volume.bind_mount("a", host_path="/data"))),
    "efs-root-directory": (
        lambda _: Volume.efs("a", FILE_SYSTEM, access_point=ACCESS_POINT),
        lambda _: Volume.efs("a", FILE_SYSTEM, access_point=ACCESS_POINT, root_directory="/shop"),
    ),
    "ebs-type": (ebs(10, volume_type="gp2"), ebs(10, volume_type="gp4")),
    "fargate-ebs-type": (stored(Volume.ebs("a", 10)), stored(Volume.ebs("a", 10, volume_type="standard"))),
    "ebs-size": (ebs(65536), ebs(124, volume_type="st1")),
    "ebs-iops": (ebs(32, iops=16000), ebs(31, iops=16000)),
    "ebs-iops-given": (ebs(10, volume_type="io2", iops=100), ebs(10, volume_type="io2")),
    "ebs-throughput": (ebs(10, throughput_mib=750), ebs(10, throughput_mib=751)),
    "ebs-size-or-snapshot": (ebs(snapshot_id="snap-05abe246af"), ebs()),
    "ebs-snapshot": (ebs(snapshot_id="snap-05abe246af"), ebs(snapshot_id="nightly")),
    "ebs-initialization-rate": (
        ebs(snapshot_id="snap-05abe246af", initialization_rate_mib=300),
        ebs(10, initialization_rate_mib=300),
    ),
    "file-system-type": (ebs(10, file_system_type="ntfs"), ebs(10, file_system_type="btrfs")),
    "windows-linux-only": (windows(), windows(writable=["/tmp"])),
    "windows-volumes": (
        mounted(Volume.ebs("a", 10, file_system_type="ntfs"), operating_system_family=WINDOWS),
        mounted(Volume.efs("a", FILE_SYSTEM), operating_system_family=WINDOWS),
    ),
    "windows-file-system": (
        mounted(Volume.ebs("a", 10, file_system_type="ntfs"), operating_system_family=WINDOWS),
        mounted(Volume.ebs("a", 10), operating_system_family=WINDOWS),
    ),
    "fargate-windows-volumes": (
        stored(Volume.bind_mount("a"), **WINDOWS_TASK),
        stored(Volume.ebs("a", 10, file_system_type="ntfs"), **WINDOWS_TASK),
    ),
    "windows-network-mode": (
        windows(),
        task(operating_system_family=WINDOWS, network_mode=NetworkMode.BRIDGE),
    ),
    "windows-architecture": (windows(), task(operating_system_family=WINDOWS, architecture=Architecture.ARM64)),
    "fargate-windows-size": (
        fargate(operating_system_family=WINDOWS, cpu=2048, memory_mib=4096),
        fargate(operating_system_family=WINDOWS, cpu=512, memory_mib=4096),
    ),
    "fargate-windows-least": (
        fargate(operating_system_family=WINDOWS, cpu=1024, memory_mib=2048),
        fargate(operating_system_family=WINDOWS, cpu=1024, memory_mib=1024),
    ),
    "fargate-windows-absent": (
        fargate(Container("iis:1"), operating_system_family=WINDOWS, cpu=1024, memory_mib=2048),
        fargate(
            Container("iis:1", restart_policy=RestartPolicy()),
            operating_system_family=WINDOWS,
            cpu=1024,
            memory_mib=2048,
        ),
    ),
    "fargate-spot-windows": (
        on(Capacity.fargate_spot()),
        on(Capacity.fargate_spot(), operating_system_family=WINDOWS, cpu=1024, memory_mib=2048),
    ),
    "managed-instances-system": (
        managed(),
        managed(operating_system_family=WINDOWS, cpu=1024, memory_mib=2048),
    ),
}
