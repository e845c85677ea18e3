"""Further settings of a container or a task: for each limit, a setting that keeps it and a setting that breaks it."""

from __future__ import annotations

import attrs

from tools.fuzz.program import Code, Pick, call

_EVERYWHERE = frozenset({"fargate", "ec2", "managed"})


@attrs.frozen(kw_only=True)
class Way:
    """The arguments that a setting adds, or a complete task with the setting.

    Args:
        container: Arguments of the first container, as source text.
        task: Arguments of the task, as source text.
        beside: Additional containers.
        complete: A complete task, which replaces any other.
    """

    container: dict[str, Code] = attrs.field(factory=dict)
    task: dict[str, Code] = attrs.field(factory=dict)
    beside: tuple[Code, ...] = ()
    complete: Code | None = None


NOTHING = Way()


def drawn(pick: Pick, kind: str, mode: str) -> Way:
    """Return the setting that breaks the limit to be broken; otherwise a setting that keeps a limit, or `NOTHING`."""
    for row in sorted(pick.broken & FEATURES.keys()):
        return FEATURES[row][1]
    if mode != "awsvpc" or pick.broken or not pick.seldom():
        return NOTHING
    return pick.one_of(*(kept for kept, _, kinds in FEATURES.values() if kind in kinds))


def _container(**said: str) -> Way:
    return Way(container={name: Code(value) for name, value in said.items()})


def _task(**said: str) -> Way:
    return Way(task={name: Code(value) for name, value in said.items()})


def _linux(said: str) -> Way:
    return _container(linux_parameters=f"LinuxParameters({said})")


def _stored(*volumes: str) -> Way:
    paths = ", ".join(f"'/data{index}': {volume.split(chr(39))[1]!r}" for index, volume in enumerate(volumes))
    return Way(
        container={"mounts": Code(f"{{{paths}}}")},
        task={"volumes": Code(f"[{', '.join(f'Volume.{volume}' for volume in volumes)}]")},
    )


def _beside(*containers: str) -> Way:
    return Way(beside=tuple(map(Code, containers)))


def _whole(containers: str, **said: str) -> Way:
    return Way(complete=call("Task", Code(containers), **{name: Code(value) for name, value in said.items()}))


def _windows(containers: str = "Container('iis:1')", **said: str) -> Way:
    sized = {"cpu": "1024", "memory_mib": "2048", **said}
    return _whole(containers, operating_system_family="OperatingSystemFamily.WINDOWS_SERVER_2022_CORE", **sized)


def _waiting(condition: str, first: str = "") -> Way:
    waits = f"Container('b:1', name='b', depends_on={{'a': ContainerCondition.{condition}}})"
    return _whole(f"Container('a:1', name='a'{first}), {waits}")


_ROUTER = "Container.log_router({'Name': 'http', 'host': 'logs.example.com'}"
_EBS = "ebs('data', "
_SNAPSHOT = "snapshot_id='snap-05abe246af'"
_FARGATE = frozenset({"fargate"})
_INSTANCES = frozenset({"ec2"})
_MANAGED = frozenset({"managed"})

FEATURES: dict[str, tuple[Way, Way, frozenset[str]]] = {
    "start-timeout": (
        _container(start_timeout="timedelta(seconds=120)"),
        _container(start_timeout="timedelta(seconds=121)"),
        _FARGATE,
    ),
    "restart-exit-codes": (
        _container(restart_policy="RestartPolicy(ignored_exit_codes=range(50))"),
        _container(restart_policy="RestartPolicy(ignored_exit_codes=range(51))"),
        _EVERYWHERE,
    ),
    "restart-attempt-period": (
        _container(restart_policy="RestartPolicy(attempt_period=timedelta(seconds=60))"),
        _container(restart_policy="RestartPolicy(attempt_period=timedelta(seconds=59))"),
        _EVERYWHERE,
    ),
    "dependency-on-an-end": (_waiting("SUCCESS", ", essential=False"), _waiting("COMPLETE"), _FARGATE),
    "dependency-on-health": (_waiting("HEALTHY", ", health_check=HealthCheck('true')"), _waiting("HEALTHY"), _FARGATE),
    "task-family": (_task(family="stack.node.id"), _task(family="'a b'"), _EVERYWHERE),
    "environment-files": (
        _container(environment_files="[EnvironmentFile.from_bucket(bucket, f'{n}.env') for n in range(10)]"),
        _container(environment_files="[EnvironmentFile.from_bucket(bucket, f'{n}.env') for n in range(11)]"),
        _EVERYWHERE,
    ),
    "environment-file-name": (
        _container(environment_files="[EnvironmentFile.from_bucket(bucket, 'a/b.env')]"),
        _container(environment_files="[EnvironmentFile.from_bucket(bucket, 'a/b.txt')]"),
        _EVERYWHERE,
    ),
    "container-timeout": (
        _container(stop_timeout="timedelta(seconds=2)"),
        _container(stop_timeout="timedelta(seconds=-1)"),
        _EVERYWHERE,
    ),
    "command-variable": (
        _container(command="['sh', '-c', 'serve $PORT']"),
        _container(command="['serve', '$PORT']"),
        _EVERYWHERE,
    ),
    "command-blank": (_container(command="['serve']"), _container(command="['', 'serve']"), _EVERYWHERE),
    "entry-point": (
        _container(entry_point="''", command="['serve']"),
        _container(entry_point="''", command="None"),
        _EVERYWHERE,
    ),
    "user": (_container(user="'1000:1000'"), _container(user="' '"), _EVERYWHERE),
    "mount-paths": (
        _container(writable="{'/run/': 1}"),
        _container(writable="{'/run': 1, '/run/': 2}"),
        _EVERYWHERE,
    ),
    "command-words": (
        _container(command="'npm run start'", entry_point="['sh', '-c']"),
        _container(command="'npm run start'", entry_point="None"),
        _EVERYWHERE,
    ),
    "command-shell": (
        _container(command="['bash', '-c', 'npm start']"),
        _container(command="['bash', '-c', 'npm', 'start']", entry_point="None"),
        _EVERYWHERE,
    ),
    "command-operator": (
        _container(command="['sh', '-c', 'a && b']"),
        _container(command="['a', '&&', 'b']"),
        _EVERYWHERE,
    ),
    "command-form": (_container(command="['serve']"), _container(command="['CMD', 'serve']"), _EVERYWHERE),
    "working-directory": (
        _container(working_directory="'/srv/app'"),
        _container(working_directory="'srv/app'"),
        _EVERYWHERE,
    ),
    "environment-name": (
        _container(environment="{'a.b-C': 'd=e'}"),
        _container(environment="{'A=B': 'c', '': 'd'}"),
        _EVERYWHERE,
    ),
    "port-names-unique": (
        _whole("Container('a:1', name='A', port=80), Container('b:1', name='b', port=81)"),
        _whole("Container('a:1', name='A', port=80), Container('b:1', name='a', port=81)"),
        _FARGATE,
    ),
    "permission-resource": (
        _task(permissions="[PolicyStatement(actions=['s3:GetObject'], resources=['arn:aws:s3:::orders/*'])]"),
        _task(permissions="[PolicyStatement(actions=['s3:GetObject'], resources=['orders'])]"),
        _EVERYWHERE,
    ),
    "permission-size": (
        _task(permissions="[PolicyStatement(actions=['s3:GetObject'], resources=['arn:aws:s3:::' + 'o' * 5_000])]"),
        _task(permissions="[PolicyStatement(actions=['s3:GetObject'], resources=['arn:aws:s3:::' + 'o' * 11_000])]"),
        _EVERYWHERE,
    ),
    "permissions-size": (
        _task(permissions="[PolicyStatement(actions=['s3:GetObject'], resources=['*'])] * 9"),
        _task(
            permissions="[PolicyStatement(actions=['s3:GetObject'], resources=['arn:aws:s3:::' + 'o' * 9_000])] * 18"
        ),
        _EVERYWHERE,
    ),
    "mount-path": (
        _whole("Container('a:1', mounts={'/data': 'a'})", volumes="[Volume.bind_mount('a')]"),
        _whole("Container('a:1', mounts={'data': 'a'})", volumes="[Volume.bind_mount('a')]"),
        _EVERYWHERE,
    ),
    "linux-path": (
        _whole("Container('a:1', mounts={'/data': 'a'})", volumes="[Volume.bind_mount('a')]"),
        _whole(
            "Container('a:1', mounts={'C:/data': 'a'})".replace("/", 2 * chr(92)), volumes="[Volume.bind_mount('a')]"
        ),
        _FARGATE,
    ),
    "secret-version": (
        _container(secrets="{'A': version(version_stage='AWSCURRENT')}"),
        _container(secrets="{'A': version(version_stage='AWSPREVIOUS', version_id='1')}"),
        _EVERYWHERE,
    ),
    "memory-reservation": (
        _container(memory_mib="128", memory_reservation_mib="128"),
        _container(memory_mib="128", memory_reservation_mib="129"),
        _FARGATE,
    ),
    "port-ranges": (
        _container(port_ranges="[(n, n + 1) for n in range(40000, 40200, 2)]", port="80"),
        _container(port_ranges="[(n, n + 1) for n in range(40000, 40202, 2)]"),
        _EVERYWHERE,
    ),
    "port-range": (
        _container(port_ranges="[(60000, 65535)]", port="80"),
        _container(port_ranges="[(8000, 8000)]"),
        _EVERYWHERE,
    ),
    "port-ranges-apart": (
        _container(port="8080", port_ranges="[(8000, 8079), (8081, 8090)]"),
        _container(port="8080", port_ranges="[(8000, 8080)]"),
        _EVERYWHERE,
    ),
    "port-range-mode": (
        _container(port_ranges="[(8000, 8010)]", port="80"),
        Way(
            container={"port": Code("80"), "port_ranges": Code("[(8000, 8010)]")},
            task={"network_mode": Code("NetworkMode.HOST")},
        ),
        _INSTANCES,
    ),
    "none-mode-ports": (
        _whole("Container('redis:8')", network_mode="NetworkMode.NONE", memory_mib="128"),
        _whole("Container('redis:8', port=80)", network_mode="NetworkMode.NONE", memory_mib="128"),
        _INSTANCES,
    ),
    "ulimit-name": (_linux("ulimits={'nofile': 65536}"), _linux("ulimits={'files': 65536}"), _EVERYWHERE),
    "ulimit": (_linux("ulimits={'nofile': (1024, 4096)}"), _linux("ulimits={'nofile': (1024, -1)}"), _EVERYWHERE),
    "capability": (_linux("drop_capabilities='ALL'"), _linux("add_capabilities=['CAP_NET_ADMIN']"), _EVERYWHERE),
    "fargate-capabilities": (
        _linux("add_capabilities=['SYS_PTRACE']"),
        _linux("add_capabilities=['NET_ADMIN']"),
        _FARGATE,
    ),
    "fargate-ulimits": (_linux("ulimits={'nofile': 65536}"), _linux("ulimits={'core': 0, 'nofile': 1}"), _FARGATE),
    "fargate-devices": (_linux("init_process_enabled=True"), _linux("devices=[device]"), _FARGATE),
    "fargate-shared-memory": (_linux(""), _linux("shared_memory_mib=128"), _FARGATE),
    "fargate-swap": (_linux(""), _linux("max_swap_mib=0"), _FARGATE),
    "shared-memory": (_linux("shared_memory_mib=1"), _linux("shared_memory_mib=0"), _INSTANCES),
    "max-swap": (_linux("max_swap_mib=0"), _linux("max_swap_mib=-1"), _INSTANCES),
    "swappiness": (
        _linux("max_swap_mib=64, swappiness=100"),
        _linux("max_swap_mib=64, swappiness=101"),
        _INSTANCES,
    ),
    "swappiness-alone": (_linux("max_swap_mib=64, swappiness=10"), _linux("swappiness=10"), _INSTANCES),
    "pid-mode": (_task(pid_mode="'task'"), _task(pid_mode="'none'"), _EVERYWHERE),
    "fargate-pid-mode": (_task(pid_mode="'task'"), _task(pid_mode="'host'"), _FARGATE),
    "ipc-mode": (_task(ipc_mode="'none'"), _task(ipc_mode="'shared'"), _INSTANCES),
    "fargate-ipc-mode": (NOTHING, _task(ipc_mode="'task'"), _FARGATE),
    "managed-instances-ipc-mode": (NOTHING, _task(ipc_mode="'task'"), _MANAGED),
    "fault-injection-mode": (
        _task(enable_fault_injection="True"),
        _task(enable_fault_injection="True", network_mode="NetworkMode.BRIDGE"),
        _INSTANCES,
    ),
    "log-routers": (
        _beside(f"{_ROUTER})"),
        _beside(f"{_ROUTER})", f"{_ROUTER}, name='second')"),
        _FARGATE,
    ),
    "log-router": (
        _beside(f"{_ROUTER}, type='fluentd', image='fluentd:1')"),
        _beside(f"{_ROUTER}, type='vector')"),
        _FARGATE,
    ),
    "log-router-image": (
        _beside(f"{_ROUTER})"),
        _whole(f"Container('a:1', memory_mib=128), {_ROUTER}, type='fluentd')"),
        _FARGATE,
    ),
    "log-router-clients": (_beside(f"{_ROUTER})"), _whole(f"{_ROUTER})"), _FARGATE),
    "log-driver-router": (
        _beside(f"{_ROUTER})"),
        _whole("Container('a:1', logging=LogDrivers.firelens(options={}))"),
        _FARGATE,
    ),
    "fargate-log-router-config": (
        _beside(f"{_ROUTER}, config_file='/etc/extra.conf')"),
        _beside(f"{_ROUTER}, config_file='arn:aws:s3:::logs/extra.conf')"),
        _FARGATE,
    ),
    "fargate-log-driver": (
        _container(logging="LogDrivers.splunk(secret_token=field, url='https://logs.example.com')"),
        _container(logging="LogDrivers.json_file()"),
        _FARGATE,
    ),
    "credential-spec": (
        _container(credential_spec="'credentialspecdomainless:arn:aws:s3:::bucket/spec.json'"),
        _container(credential_spec="'arn:aws:s3:::bucket/spec.json'"),
        _FARGATE,
    ),
    "fargate-credential-spec": (
        _container(credential_spec="'credentialspecdomainless:arn:aws:s3:::bucket/spec.json'"),
        _container(credential_spec="'credentialspec:arn:aws:s3:::bucket/spec.json'"),
        _FARGATE,
    ),
    "volume-name": (_stored("bind_mount('a_b-C1')"), _stored("bind_mount('a b')"), _EVERYWHERE),
    "volume-names-unique": (
        _stored("bind_mount('a')", "bind_mount('b')"),
        _stored("bind_mount('a')", "bind_mount('a')"),
        _EVERYWHERE,
    ),
    "ebs-volumes-per-task": (
        _stored("ebs('a', 10)", "bind_mount('b')"),
        _stored("ebs('a', 10)", "ebs('b', 10)"),
        _FARGATE,
    ),
    "fargate-host-path": (_stored("bind_mount('a')"), _stored("bind_mount('a', host_path='/data')"), _FARGATE),
    "efs-root-directory": (
        _stored("efs('a', files, access_point=entrance)"),
        _stored("efs('a', files, access_point=entrance, root_directory='/shop')"),
        _FARGATE,
    ),
    "ebs-type": (_stored(f"{_EBS}10, volume_type='gp2')"), _stored(f"{_EBS}10, volume_type='gp4')"), _FARGATE),
    "fargate-ebs-type": (_stored(f"{_EBS}10)"), _stored(f"{_EBS}10, volume_type='standard')"), _FARGATE),
    "ebs-size": (_stored(f"{_EBS}65536)"), _stored(f"{_EBS}124, volume_type='st1')"), _FARGATE),
    "ebs-iops": (_stored(f"{_EBS}160, iops=80000)"), _stored(f"{_EBS}10, iops=2999)"), _FARGATE),
    "ebs-iops-given": (
        _stored(f"{_EBS}10, volume_type='io2', iops=100)"),
        _stored(f"{_EBS}10, volume_type='io2')"),
        _FARGATE,
    ),
    "ebs-throughput": (
        _stored(f"{_EBS}160, iops=80000, throughput_mib=2000)"),
        _stored(f"{_EBS}10, throughput_mib=125, volume_type='gp2')"),
        _FARGATE,
    ),
    "ebs-size-or-snapshot": (_stored(f"{_EBS}{_SNAPSHOT})"), _stored("ebs('data')"), _FARGATE),
    "ebs-snapshot": (_stored(f"{_EBS}{_SNAPSHOT})"), _stored(f"{_EBS}snapshot_id='nightly')"), _FARGATE),
    "ebs-initialization-rate": (
        _stored(f"{_EBS}{_SNAPSHOT}, initialization_rate_mib=300)"),
        _stored(f"{_EBS}10, initialization_rate_mib=300)"),
        _FARGATE,
    ),
    "file-system-type": (
        _stored(f"{_EBS}10, file_system_type='ext4')"),
        _stored(f"{_EBS}10, file_system_type='btrfs')"),
        _FARGATE,
    ),
    "windows-image": (
        _windows("Container('amazon/aws-for-fluent-bit:windowsservercore-stable')"),
        _windows("Container('amazon/aws-for-fluent-bit:stable')"),
        _FARGATE,
    ),
    "windows-linux-only": (_windows(), _windows("Container('iis:1', writable=['/tmp'])"), _FARGATE),
    "windows-volumes": (
        _windows("Container('iis:1', mounts={'/a': 'a'})", volumes="[Volume.bind_mount('a')]"),
        _windows("Container('iis:1', mounts={'/a': 'a'})", volumes="[Volume.efs('a', files)]"),
        _FARGATE,
    ),
    "windows-file-system": (
        _stored(f"{_EBS}10, file_system_type='ext3')"),
        _stored(f"{_EBS}10, file_system_type='ntfs')"),
        _FARGATE,
    ),
    "fargate-windows-volumes": (
        _windows(),
        _windows("Container('iis:1', mounts={'/a': 'a'})", volumes="[Volume.ebs('a', 10, file_system_type='ntfs')]"),
        _FARGATE,
    ),
    "windows-network-mode": (_windows(), _windows(network_mode="NetworkMode.BRIDGE"), _FARGATE),
    "windows-architecture": (_windows(), _windows(architecture="Architecture.ARM64"), _FARGATE),
    "fargate-windows-size": (
        _windows(cpu="2048", memory_mib="4096"),
        _windows(cpu="512", memory_mib="4096"),
        _FARGATE,
    ),
    "fargate-windows-least": (_windows(), _windows(memory_mib="1024"), _FARGATE),
    "fargate-windows-absent": (
        _windows(),
        _windows("Container('iis:1', restart_policy=RestartPolicy())"),
        _FARGATE,
    ),
    "fargate-spot-windows": (NOTHING, _windows(), _FARGATE),
    "managed-instances-system": (NOTHING, _windows(), _MANAGED),
}
WHOLE = tuple(row for row, (_, broken, _) in FEATURES.items() if broken.complete)
"""The limits that only a separate task breaks, which serves no route."""
