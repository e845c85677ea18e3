"""Further settings of a container or a task: for each limit, a setting that keeps it and a setting that breaks it."""

from __future__ import annotations

from tools.fuzz.machines import MACHINES
from tools.fuzz.program import Pick
from tools.fuzz.ways import (
    EBS,
    EVERYWHERE,
    FARGATE,
    NOTHING,
    ROUTER,
    SNAPSHOT,
    Way,
    beside,
    container,
    stored,
    task,
    waiting,
    whole,
)


def drawn(pick: Pick, kind: str, mode: str, *, of_service: bool) -> Way:
    """Return the setting that breaks the limit to be broken; otherwise a setting that keeps a limit, or `NOTHING`."""
    for row in sorted(pick.broken & FEATURES.keys()):
        return FEATURES[row][1]
    if mode != "awsvpc" or pick.broken or not pick.seldom():
        return NOTHING
    return pick.one_of(
        *(kept for kept, _, kinds in FEATURES.values() if kind in kinds and (of_service or not kept.is_of_service))
    )


FEATURES: dict[str, tuple[Way, Way, frozenset[str]]] = {
    **MACHINES,
    "start-timeout": (
        container(start_timeout="timedelta(seconds=120)"),
        container(start_timeout="timedelta(seconds=121)"),
        FARGATE,
    ),
    "restart-exit-codes": (
        container(restart_policy="RestartPolicy(ignored_exit_codes=range(50))"),
        container(restart_policy="RestartPolicy(ignored_exit_codes=range(51))"),
        EVERYWHERE,
    ),
    "restart-attempt-period": (
        container(restart_policy="RestartPolicy(attempt_period=timedelta(seconds=60))"),
        container(restart_policy="RestartPolicy(attempt_period=timedelta(seconds=59))"),
        EVERYWHERE,
    ),
    "dependency-on-an-end": (waiting("SUCCESS", ", essential=False"), waiting("COMPLETE"), FARGATE),
    "dependency-on-health": (waiting("HEALTHY", ", health_check=HealthCheck('true')"), waiting("HEALTHY"), FARGATE),
    "task-family": (task(family="stack.node.id"), task(family="'a b'"), EVERYWHERE),
    "environment-files": (
        container(environment_files="[EnvironmentFile.from_bucket(bucket, f'{n}.env') for n in range(10)]"),
        container(environment_files="[EnvironmentFile.from_bucket(bucket, f'{n}.env') for n in range(11)]"),
        EVERYWHERE,
    ),
    "environment-file-name": (
        container(environment_files="[EnvironmentFile.from_bucket(bucket, 'a/b.env')]"),
        container(environment_files="[EnvironmentFile.from_bucket(bucket, 'a/b.txt')]"),
        EVERYWHERE,
    ),
    "container-timeout": (
        container(stop_timeout="timedelta(seconds=2)"),
        container(stop_timeout="timedelta(seconds=-1)"),
        EVERYWHERE,
    ),
    "command-variable": (
        container(command="['sh', '-c', 'serve $PORT']"),
        container(command="['serve', '$PORT']"),
        EVERYWHERE,
    ),
    "command-blank": (container(command="['serve']"), container(command="['', 'serve']"), EVERYWHERE),
    "entry-point": (
        container(entry_point="''", command="['serve']"),
        container(entry_point="''", command="None"),
        EVERYWHERE,
    ),
    "user": (container(user="'1000:1000'"), container(user="' '"), EVERYWHERE),
    "mount-paths": (
        container(writable="{'/run/': 1}"),
        container(writable="{'/run': 1, '/run/': 2}"),
        EVERYWHERE,
    ),
    "command-words": (
        container(command="'npm run start'", entry_point="['sh', '-c']"),
        container(command="'npm run start'", entry_point="None"),
        EVERYWHERE,
    ),
    "command-shell": (
        container(command="['bash', '-c', 'npm start']"),
        container(command="['bash', '-c', 'npm', 'start']", entry_point="None"),
        EVERYWHERE,
    ),
    "command-operator": (
        container(command="['sh', '-c', 'a && b']"),
        container(command="['a', '&&', 'b']"),
        EVERYWHERE,
    ),
    "command-form": (container(command="['serve']"), container(command="['CMD', 'serve']"), EVERYWHERE),
    "working-directory": (
        container(working_directory="'/srv/app'"),
        container(working_directory="'srv/app'"),
        EVERYWHERE,
    ),
    "environment-name": (
        container(environment="{'a.b-C': 'd=e'}"),
        container(environment="{'A=B': 'c', '': 'd'}"),
        EVERYWHERE,
    ),
    "port-names-unique": (
        whole("Container('a:1', name='A', port=80), Container('b:1', name='b', port=81)"),
        whole("Container('a:1', name='A', port=80), Container('b:1', name='a', port=81)"),
        FARGATE,
    ),
    "permission-resource": (
        task(permissions="[PolicyStatement(actions=['s3:GetObject'], resources=['arn:aws:s3:::orders/*'])]"),
        task(permissions="[PolicyStatement(actions=['s3:GetObject'], resources=['orders'])]"),
        EVERYWHERE,
    ),
    "permission-size": (
        task(permissions="[PolicyStatement(actions=['s3:GetObject'], resources=['arn:aws:s3:::' + 'o' * 5_000])]"),
        task(permissions="[PolicyStatement(actions=['s3:GetObject'], resources=['arn:aws:s3:::' + 'o' * 11_000])]"),
        EVERYWHERE,
    ),
    "permissions-size": (
        task(permissions="[PolicyStatement(actions=['s3:GetObject'], resources=['*'])] * 9"),
        task(permissions="[PolicyStatement(actions=['s3:GetObject'], resources=['arn:aws:s3:::' + 'o' * 9_000])] * 18"),
        EVERYWHERE,
    ),
    "mount-path": (
        whole("Container('a:1', mounts={'/data': 'a'})", volumes="[Volume.bind_mount('a')]"),
        whole("Container('a:1', mounts={'data': 'a'})", volumes="[Volume.bind_mount('a')]"),
        EVERYWHERE,
    ),
    "linux-path": (
        whole("Container('a:1', mounts={'/data': 'a'})", volumes="[Volume.bind_mount('a')]"),
        whole(
            "Container('a:1', mounts={'C:/data': 'a'})".replace("/", 2 * chr(92)), volumes="[Volume.bind_mount('a')]"
        ),
        FARGATE,
    ),
    "secret-version": (
        container(secrets="{'A': version(version_stage='AWSCURRENT')}"),
        container(secrets="{'A': version(version_stage='AWSPREVIOUS', version_id='1')}"),
        EVERYWHERE,
    ),
    "memory-reservation": (
        container(memory_mib="128", memory_reservation_mib="128"),
        container(memory_mib="128", memory_reservation_mib="129"),
        FARGATE,
    ),
    "port-ranges": (
        container(port_ranges="[(n, n + 1) for n in range(40000, 40200, 2)]", port="80"),
        container(port_ranges="[(n, n + 1) for n in range(40000, 40202, 2)]"),
        EVERYWHERE,
    ),
    "port-range": (
        container(port_ranges="[(60000, 65535)]", port="80"),
        container(port_ranges="[(8000, 8000)]"),
        EVERYWHERE,
    ),
    "port-ranges-apart": (
        container(port="8080", port_ranges="[(8000, 8079), (8081, 8090)]"),
        container(port="8080", port_ranges="[(8000, 8080)]"),
        EVERYWHERE,
    ),
    "port-name": (
        container(port="80", ports="{'admin-a_1': 8081}"),
        container(port="80", ports="{'Admin': 8081}"),
        EVERYWHERE,
    ),
    "container-ports-once": (
        container(port="8080", ports="{'admin': 8081}"),
        container(port="8080", ports="{'admin': 8080}"),
        EVERYWHERE,
    ),
    "named-ports-unique": (
        whole("Container('a:1', name='A', port=80), Container('b:1', name='b', ports={'c': 81})"),
        whole("Container('a:1', name='A', port=80), Container('b:1', name='b', ports={'a': 81})"),
        FARGATE,
    ),
    "log-buffer": (
        container(log_mode="LogMode.non_blocking(1)"),
        container(log_mode="LogMode.non_blocking(0)"),
        EVERYWHERE,
    ),
    "log-buffer-memory": (
        container(log_mode="LogMode.non_blocking(5)"),
        container(log_mode="LogMode.non_blocking(999_999)"),
        EVERYWHERE,
    ),
    "log-routers": (
        beside(f"{ROUTER})"),
        beside(f"{ROUTER})", f"{ROUTER}, name='second')"),
        FARGATE,
    ),
    "log-router": (
        beside(f"{ROUTER}, type='fluentd', image='fluentd:1')"),
        beside(f"{ROUTER}, type='vector')"),
        FARGATE,
    ),
    "log-router-image": (
        beside(f"{ROUTER})"),
        whole(f"Container('a:1', memory_mib=128), {ROUTER}, type='fluentd')"),
        FARGATE,
    ),
    "log-router-clients": (beside(f"{ROUTER})"), whole(f"{ROUTER})"), FARGATE),
    "log-driver-router": (
        beside(f"{ROUTER})"),
        whole("Container('a:1', logging=LogDrivers.firelens(options={}))"),
        FARGATE,
    ),
    "fargate-log-router-config": (
        beside(f"{ROUTER}, config_file='/etc/extra.conf')"),
        beside(f"{ROUTER}, config_file='arn:aws:s3:::logs/extra.conf')"),
        FARGATE,
    ),
    "fargate-log-driver": (
        container(logging="LogDrivers.splunk(secret_token=field, url='https://logs.example.com')"),
        container(logging="LogDrivers.json_file()"),
        FARGATE,
    ),
    "credential-spec": (
        container(credential_spec="'credentialspecdomainless:arn:aws:s3:::bucket/spec.json'"),
        container(credential_spec="'arn:aws:s3:::bucket/spec.json'"),
        FARGATE,
    ),
    "fargate-credential-spec": (
        container(credential_spec="'credentialspecdomainless:arn:aws:s3:::bucket/spec.json'"),
        container(credential_spec="'credentialspec:arn:aws:s3:::bucket/spec.json'"),
        FARGATE,
    ),
    "volume-name": (stored("bind_mount('a_b-C1')"), stored("bind_mount('a b')"), EVERYWHERE),
    "volume-names-unique": (
        stored("bind_mount('a')", "bind_mount('b')"),
        stored("bind_mount('a')", "bind_mount('a')"),
        EVERYWHERE,
    ),
    "ebs-volumes-per-task": (
        stored("ebs('a', 10)", "bind_mount('b')"),
        stored("ebs('a', 10)", "ebs('b', 10)"),
        FARGATE,
    ),
    "fargate-host-path": (stored("bind_mount('a')"), stored("bind_mount('a', host_path='/data')"), FARGATE),
    "efs-root-directory": (
        stored("efs('a', files, access_point=entrance)"),
        stored("efs('a', files, access_point=entrance, root_directory='/shop')"),
        FARGATE,
    ),
    "ebs-type": (stored(f"{EBS}10, volume_type='gp2')"), stored(f"{EBS}10, volume_type='gp4')"), FARGATE),
    "fargate-ebs-type": (stored(f"{EBS}10)"), stored(f"{EBS}10, volume_type='standard')"), FARGATE),
    "ebs-size": (stored(f"{EBS}65536)"), stored(f"{EBS}124, volume_type='st1')"), FARGATE),
    "ebs-iops": (stored(f"{EBS}160, iops=80000)"), stored(f"{EBS}10, iops=2999)"), FARGATE),
    "ebs-iops-given": (
        stored(f"{EBS}10, volume_type='io2', iops=100)"),
        stored(f"{EBS}10, volume_type='io2')"),
        FARGATE,
    ),
    "ebs-throughput": (
        stored(f"{EBS}160, iops=80000, throughput_mib=2000)"),
        stored(f"{EBS}10, throughput_mib=125, volume_type='gp2')"),
        FARGATE,
    ),
    "ebs-size-or-snapshot": (stored(f"{EBS}{SNAPSHOT})"), stored("ebs('data')"), FARGATE),
    "ebs-snapshot": (stored(f"{EBS}{SNAPSHOT})"), stored(f"{EBS}snapshot_id='nightly')"), FARGATE),
    "ebs-initialization-rate": (
        stored(f"{EBS}{SNAPSHOT}, initialization_rate_mib=300)"),
        stored(f"{EBS}10, initialization_rate_mib=300)"),
        FARGATE,
    ),
    "file-system-type": (
        stored(f"{EBS}10, file_system_type='ext4')"),
        stored(f"{EBS}10, file_system_type='btrfs')"),
        FARGATE,
    ),
    "windows-file-system": (
        stored(f"{EBS}10, file_system_type='ext3')"),
        stored(f"{EBS}10, file_system_type='ntfs')"),
        FARGATE,
    ),
}
WHOLE = tuple(row for row, (_, broken, _) in FEATURES.items() if broken.complete)
"""The limits that only a separate task breaks, which serves no route."""
