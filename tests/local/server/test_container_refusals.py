"""ECS refuses invalid containers in task definitions; the corrected definitions deploy."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local.local_aws import REGION, Deploy, attribute, check_pair, fargate, resource, role

Resources = dict[str, Any]

CHECKED: Resources = {"HealthCheck": {"Command": ["CMD-SHELL", "true"]}}
EXECUTION: Resources = {"ExecutionRoleArn": attribute("Role", "Arn")}


def _ec2(*containers: Resources, mode: str = "bridge", **task: Any) -> Resources:
    stated = [{"Name": f"c{i}", "Image": "nginx", "Memory": 64} | each for i, each in enumerate(containers)]
    return resource("AWS::ECS::TaskDefinition", NetworkMode=mode, ContainerDefinitions=stated, **task)


def _logged(**options: str) -> Resources:
    stated = {"awslogs-group": "shop", "awslogs-region": REGION, **options}
    log = {"LogDriver": "awslogs", "Options": stated}
    return fargate("web", task=EXECUTION, LogConfiguration=log)


def _environment(value: str) -> Resources:
    return fargate("web", task=EXECUTION, EnvironmentFiles=[{"Type": "s3", "Value": value}])


def _platform(system: str, cpu: str, memory: str, architecture: str = "X86_64") -> Resources:
    container = {"Name": "web", "Image": "public.ecr.aws/nginx/nginx:1"}
    return resource(
        "AWS::ECS::TaskDefinition",
        Cpu=cpu,
        Memory=memory,
        NetworkMode="awsvpc",
        RequiresCompatibilities=["FARGATE"],
        ContainerDefinitions=[container],
        RuntimePlatform={"OperatingSystemFamily": system, "CpuArchitecture": architecture},
    )


def _after(condition: str) -> Resources:
    return {"DependsOn": [{"ContainerName": "c0", "Condition": condition}]}


def _tuned(name: str) -> Resources:
    return {"SystemControls": [{"Namespace": name, "Value": "64"}]}


WINDOWS = "WINDOWS_SERVER_2022_CORE"
CREDENTIALS = {"CredentialsParameter": f"arn:aws:secretsmanager:{REGION}:333333333333:secret:ghcr-AbCdEf"}
GPU: Resources = {"ResourceRequirements": [{"Type": "GPU", "Value": "1"}]}
DOCKER: Resources = {"Volumes": [{"Name": "data", "DockerVolumeConfiguration": {"Scope": "task"}}]}

TASKS: dict[str, tuple[Resources, str, Resources]] = {
    "image name with a space": (
        fargate("web", Image="hello world"),
        "Container.image contains invalid characters.",
        fargate("web", Image=f"public.ecr.aws/nginx/nginx:1.0@sha256:{'a' * 64}"),
    ),
    "3 MiB of memory": (_ec2({"Memory": 3}), "'memory' must be at least 4 MiB", _ec2({"Memory": 4})),
    "port above 65535": (
        fargate("web", PortMappings=[{"ContainerPort": 65536}]),
        "Invalid 'containerPort' setting for container 'web'.",
        fargate("web", PortMappings=[{"ContainerPort": 65535}]),
    ),
    "volumes from a missing container": (
        _ec2({}, {"VolumesFrom": [{"SourceContainer": "c9"}]}),
        "Invalid 'volumesFrom' setting. Unknown container: 'c9'",
        _ec2({}, {"VolumesFrom": [{"SourceContainer": "c0"}]}),
    ),
    "link to a missing container": (
        _ec2({}, {"Links": ["c9:db"]}),
        "Container 'c1' links to 'c9', which does not exist.",
        _ec2({}, {"Links": ["c0:db"]}),
    ),
    "environment file that is not an object ARN": (
        _environment("settings"),
        "must be the ARN of an S3 object with extension .env",
        _environment("arn:aws:s3:::settings/shop.env"),
    ),
    "environment file with another extension": (
        _environment("arn:aws:s3:::settings/shop.txt"),
        "must be the ARN of an S3 object with extension .env",
        _environment("arn:aws:s3:::settings/a/shop.env"),
    ),
    "HEALTHY condition without a health check": (
        _ec2({}, _after("HEALTHY")),
        "A dependency container with HEALTHY condition must have a health check configured.",
        _ec2(CHECKED, _after("HEALTHY")),
    ),
    "GPU on Fargate": (
        fargate("web", **GPU),
        "Fargate compatible task definitions do not support GPU",
        _ec2(GPU),
    ),
    "extra hosts on Fargate": (
        fargate("web", ExtraHosts=[{"Hostname": "db", "IpAddress": "10.0.0.9"}]),
        "Extra hosts are not supported on container when networkMode=awsvpc",
        _ec2({"ExtraHosts": [{"Hostname": "db", "IpAddress": "10.0.0.9"}]}),
    ),
    "security options on Fargate": (
        fargate("web", DockerSecurityOptions=["no-new-privileges"]),
        "Fargate compatible task definitions do not support dockerSecurityOptions",
        _ec2({"DockerSecurityOptions": ["no-new-privileges"]}),
    ),
    "DNS servers in awsvpc mode": (
        _ec2({"DnsServers": ["10.0.0.2"]}, mode="awsvpc"),
        "DNS servers are not supported on container when networkMode=awsvpc",
        _ec2({"DnsServers": ["10.0.0.2"]}),
    ),
    "kernel parameter that no namespace has": (
        _ec2(_tuned("vm.max_map_count")),
        "The systemControls namespace 'vm.max_map_count' of container 'c0' is not valid.",
        _ec2(_tuned("kernel.msgmax")),
    ),
    "network parameter in host mode": (
        _ec2(_tuned("net.core.somaxconn"), mode="host"),
        "systemControls 'net.core.somaxconn' of container 'c0' needs another networkMode than host.",
        _ec2(_tuned("net.core.somaxconn"), mode="awsvpc"),
    ),
    "IPC parameter in the IPC mode of the host": (
        _ec2(_tuned("fs.mqueue.msg_max"), IpcMode="host"),
        "systemControls 'fs.mqueue.msg_max' of container 'c0' needs another ipcMode than host.",
        _ec2(_tuned("net.core.somaxconn"), IpcMode="host"),
    ),
    "long stop timeout on Fargate": (
        fargate("web", StopTimeout=121),
        "The stopTimeout of container 'web' must be at most 120 on Fargate.",
        fargate("web", StopTimeout=120),
    ),
    "logs on Fargate without a stream prefix": (
        _logged(),
        "Fargate requires log configuration options to include awslogs-stream-prefix",
        _logged(**{"awslogs-stream-prefix": "web"}),
    ),
    "credentials of a registry without an execution role": (
        fargate("web", RepositoryCredentials=CREDENTIALS),
        "When you are specifying repositoryCredentials, you must also specify a value for 'executionRoleArn'.",
        fargate("web", task=EXECUTION, RepositoryCredentials=CREDENTIALS),
    ),
    "unknown log mode": (
        _logged(**{"awslogs-stream-prefix": "web", "mode": "nonblocking"}),
        "The log mode of container 'web' must be blocking or non-blocking, not nonblocking.",
        _logged(**{"awslogs-stream-prefix": "web", "mode": "non-blocking"}),
    ),
    "Docker volume on Fargate": (
        fargate("web", task=DOCKER),
        "Fargate compatible task definitions do not support dockerVolumeConfiguration",
        _ec2({}, **DOCKER),
    ),
    "Windows with half a vCPU": (
        _platform(WINDOWS, "512", "1024"),
        "Windows containers on Fargate need at least 1 vCPU",
        _platform(WINDOWS, "1024", "2048"),
    ),
    "Windows on ARM64": (
        _platform(WINDOWS, "1024", "2048", "ARM64"),
        "Windows containers do not run on the cpuArchitecture ARM64.",
        _platform("LINUX", "512", "1024", "ARM64"),
    ),
}


@pytest.mark.parametrize(("faulty", "says", "mended"), TASKS.values(), ids=TASKS)
def test_a_container_is_refused(deploy: Deploy, faulty: Resources, says: str, mended: Resources) -> None:
    execution = {"Role": role("ecs-tasks.amazonaws.com")}
    check_pair(deploy, execution | {"Task": faulty}, says, execution | {"Task": mended})
