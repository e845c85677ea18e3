"""Settings of a task that depend on its machine: kernel, operating system, and modes of namespaces."""

from __future__ import annotations

from tools.fuzz.program import Code
from tools.fuzz.ways import (
    EVERYWHERE,
    FARGATE,
    INSTANCES,
    MANAGED,
    NOTHING,
    Way,
    container,
    linux,
    task,
    whole,
    windows,
)

_TUNED = "Container('a:1', system_controls={'net.core.somaxconn': 1024}"

MACHINES: dict[str, tuple[Way, Way, frozenset[str]]] = {
    "port-range-mode": (
        container(port_ranges="[(8000, 8010)]", port="80"),
        Way(
            container={"port": Code("80"), "port_ranges": Code("[(8000, 8010)]")},
            task={"network_mode": Code("NetworkMode.HOST")},
        ),
        INSTANCES,
    ),
    "none-mode-ports": (
        whole("Container('redis:8')", network_mode="NetworkMode.NONE", memory_mib="128"),
        whole("Container('redis:8', port=80)", network_mode="NetworkMode.NONE", memory_mib="128"),
        INSTANCES,
    ),
    "ulimit-name": (linux("ulimits={'nofile': 65536}"), linux("ulimits={'files': 65536}"), EVERYWHERE),
    "ulimit": (linux("ulimits={'nofile': (1024, 4096)}"), linux("ulimits={'nofile': (1024, -1)}"), EVERYWHERE),
    "capability": (linux("drop_capabilities='ALL'"), linux("add_capabilities=['CAP_NET_ADMIN']"), EVERYWHERE),
    "fargate-capabilities": (
        linux("add_capabilities=['SYS_PTRACE']"),
        linux("add_capabilities=['NET_ADMIN']"),
        FARGATE,
    ),
    "fargate-ulimits": (linux("ulimits={'nofile': 65536}"), linux("ulimits={'core': 0, 'nofile': 1}"), FARGATE),
    "fargate-devices": (linux("init_process_enabled=True"), linux("devices=[device]"), FARGATE),
    "fargate-shared-memory": (linux(""), linux("shared_memory_mib=128"), FARGATE),
    "fargate-swap": (linux(""), linux("max_swap_mib=0"), FARGATE),
    "shared-memory": (linux("shared_memory_mib=1"), linux("shared_memory_mib=0"), INSTANCES),
    "max-swap": (linux("max_swap_mib=0"), linux("max_swap_mib=-1"), INSTANCES),
    "swappiness": (
        linux("max_swap_mib=64, swappiness=100"),
        linux("max_swap_mib=64, swappiness=101"),
        INSTANCES,
    ),
    "swappiness-alone": (linux("max_swap_mib=64, swappiness=10"), linux("swappiness=10"), INSTANCES),
    "system-control": (
        container(system_controls="{'net.core.somaxconn': 1024, 'kernel.shm_rmid_forced': 1}"),
        container(system_controls="{'kernel.shm_rmid': 1}"),
        EVERYWHERE,
    ),
    "network-controls-mode": (
        container(system_controls="{'net.core.somaxconn': 1024}"),
        Way(
            container={"system_controls": Code("{'net.core.somaxconn': 1024}")},
            task={"network_mode": Code("NetworkMode.HOST")},
        ),
        INSTANCES,
    ),
    "ipc-controls-mode": (
        Way(
            container={"system_controls": Code("{'net.core.somaxconn': 1024}")},
            task={"ipc_mode": Code("'host'")},
        ),
        Way(
            container={"system_controls": Code("{'kernel.msgmax': 65536}")},
            task={"ipc_mode": Code("'host'")},
        ),
        INSTANCES,
    ),
    "shared-network-controls": (
        whole(f"{_TUNED}, name='a'), Container('b:1', name='b', system_controls={{'kernel.msgmax': 65536}})"),
        whole(f"{_TUNED}, name='a'), {_TUNED}, name='b')"),
        FARGATE,
    ),
    "docker-security-option": (
        container(docker_security_options="['no-new-privileges']"),
        container(docker_security_options="'seccomp:unconfined'"),
        frozenset({"ec2", "managed"}),
    ),
    "fargate-security-options": (NOTHING, container(docker_security_options="['no-new-privileges']"), FARGATE),
    "managed-instances-security-options": (
        container(docker_security_options="'no-new-privileges'"),
        container(docker_security_options="['label:user:shop', 'apparmor:shop']"),
        MANAGED,
    ),
    "windows-security-options": (
        NOTHING,
        windows("Container('iis:1', docker_security_options='no-new-privileges')"),
        INSTANCES,
    ),
    "extra-host": (NOTHING, container(extra_hosts="{'db:10.0.0.1': '10.0.0.1'}"), EVERYWHERE),
    "ip-address": (NOTHING, container(dns_servers="['dns.example.com']"), EVERYWHERE),
    "dns-mode": (NOTHING, container(dns_servers="'10.0.0.2'"), EVERYWHERE),
    "pid-mode": (task(pid_mode="'task'"), task(pid_mode="'none'"), EVERYWHERE),
    "fargate-pid-mode": (task(pid_mode="'task'"), task(pid_mode="'host'"), FARGATE),
    "ipc-mode": (task(ipc_mode="'none'"), task(ipc_mode="'shared'"), INSTANCES),
    "fargate-ipc-mode": (NOTHING, task(ipc_mode="'task'"), FARGATE),
    "managed-instances-ipc-mode": (NOTHING, task(ipc_mode="'task'"), MANAGED),
    "fault-injection-mode": (
        task(enable_fault_injection="True"),
        task(enable_fault_injection="True", network_mode="NetworkMode.BRIDGE"),
        INSTANCES,
    ),
    "windows-image": (
        windows("Container('amazon/aws-for-fluent-bit:windowsservercore-stable')"),
        windows("Container('amazon/aws-for-fluent-bit:stable')"),
        FARGATE,
    ),
    "windows-linux-only": (windows(), windows("Container('iis:1', writable=['/tmp'])"), FARGATE),
    "windows-volumes": (
        windows("Container('iis:1', mounts={'/a': 'a'})", volumes="[Volume.bind_mount('a')]"),
        windows("Container('iis:1', mounts={'/a': 'a'})", volumes="[Volume.efs('a', files)]"),
        FARGATE,
    ),
    "fargate-windows-volumes": (
        windows(),
        windows("Container('iis:1', mounts={'/a': 'a'})", volumes="[Volume.ebs('a', 10, file_system_type='ntfs')]"),
        FARGATE,
    ),
    "windows-network-mode": (windows(), windows(network_mode="NetworkMode.BRIDGE"), FARGATE),
    "windows-architecture": (windows(), windows(architecture="Architecture.ARM64"), FARGATE),
    "fargate-windows-size": (
        windows(cpu="2048", memory_mib="4096"),
        windows(cpu="512", memory_mib="4096"),
        FARGATE,
    ),
    "fargate-windows-least": (windows(), windows(memory_mib="1024"), FARGATE),
    "fargate-windows-absent": (
        windows(),
        windows("Container('iis:1', restart_policy=RestartPolicy())"),
        FARGATE,
    ),
    "fargate-spot-windows": (NOTHING, windows(), FARGATE),
    "managed-instances-system": (NOTHING, windows(), MANAGED),
}
"""For each limit, a way to keep it, a way to break it, and the kinds of capacity that can keep it."""
