"""ECS refuses invalid task definitions; the corrected definitions deploy."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local.local_aws import (
    ACCOUNT,
    REGION,
    Deploy,
    attribute,
    fargate,
    resource,
    role,
)

Resources = dict[str, Any]
EXECUTION: Resources = {"ExecutionRoleArn": attribute("Role", "Arn")}
LOGS: Resources = {
    "LogConfiguration": {
        "LogDriver": "awslogs",
        "Options": {"awslogs-group": "shop", "awslogs-region": REGION, "awslogs-stream-prefix": "web"},
    }
}
SECRET: Resources = {"Secrets": [{"Name": "TOKEN", "ValueFrom": f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/token"}]}
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/shop:1"


def _refused(deploy: Deploy, resources: Resources, said: str) -> None:
    stack = deploy(resources, "-faulty")
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert said in stack["Reason"]


def _taken(deploy: Deploy, resources: Resources) -> None:
    stack = deploy(resources, "-mended")
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]


def _ec2(*containers: Resources, mode: str = "bridge", **task: Any) -> Resources:
    stated = [{"Name": f"c{i}", "Image": "nginx", "Memory": 64} | each for i, each in enumerate(containers)]
    return resource("AWS::ECS::TaskDefinition", NetworkMode=mode, ContainerDefinitions=stated, **task)


def _ports(*mappings: tuple[int, int | None, str]) -> Resources:
    stated = [
        {"ContainerPort": inside, "Protocol": protocol} | ({"HostPort": outside} if outside is not None else {})
        for inside, outside, protocol in mappings
    ]
    return {"PortMappings": stated}


def _waits(name: str, condition: str = "START") -> Resources:
    return {"DependsOn": [{"ContainerName": name, "Condition": condition}]}


def _mounted(volume: str) -> Resources:
    return {"MountPoints": [{"SourceVolume": volume, "ContainerPath": "/data"}]}


def _healthy(**stated: int) -> Resources:
    return {"HealthCheck": {"Command": ["CMD-SHELL", "true"], **stated}}


def _routed() -> Resources:
    return {"LogConfiguration": {"LogDriver": "awsfirelens"}}


ROUTER: Resources = {"FirelensConfiguration": {"Type": "fluentbit"}}


def _efs(**stated: Any) -> Resources:
    volume = {"FilesystemId": "fs-12345678", "TransitEncryption": "ENABLED"} | stated
    return _ec2({}, Volumes=[{"Name": "data", "EFSVolumeConfiguration": volume}])


def _capable(*added: str) -> Resources:
    return fargate("web", LinuxParameters={"Capabilities": {"Add": list(added), "Drop": ["NET_RAW"]}})


TASKS: dict[str, tuple[Resources, str, Resources]] = {
    "family with a space": (
        _ec2({}, Family="my shop"),
        "ClientException: Family contains invalid characters.",
        _ec2({}, Family="my-shop_1"),
    ),
    "eleven containers": (_ec2(*[{}] * 11), "ClientException: Too many containers.", _ec2(*[{}] * 10)),
    "container name with a space": (
        _ec2({"Name": "my web"}),
        "Container.name contains invalid characters.",
        _ec2({"Name": "my_Web-1"}),
    ),
    "no essential container": (
        _ec2({"Essential": False}),
        "property ContainerDefinitions",
        _ec2({"Essential": False}, {}),
    ),
    "bridge network mode on Fargate": (
        _ec2({}, RequiresCompatibilities=["FARGATE"], Cpu="256", Memory="512"),
        "property NetworkMode must be one of awsvpc",
        fargate("web"),
    ),
    "shared IPC on Fargate": (
        fargate("web", task={"IpcMode": "task"}),
        "Tasks using the Fargate launch type do not support ipcMode.",
        _ec2({}, IpcMode="task"),
    ),
    "two containers that depend on each other": (
        _ec2(_waits("c1"), _waits("c0")),
        "Container dependencies should not have a cycle: c0, c1",
        _ec2(_waits("c1"), {}),
    ),
    "container that depends on itself": (_ec2(_waits("c0")), "should not have a cycle: c0", _ec2({})),
    "dependency on a missing container": (
        _ec2(_waits("c9")),
        "Cannot depend on container + 'c9' because it does not exist",
        _ec2(_waits("c1"), {}),
    ),
    "dependency on the end of an essential container": (
        _ec2(_waits("c1", "SUCCESS"), {}),
        "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container",
        _ec2(_waits("c1", "SUCCESS"), {"Essential": False}),
    ),
    "other host port with awsvpc": (
        fargate("web", **_ports((80, 8080, "tcp"))),
        "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
        fargate("web", **_ports((80, 80, "tcp"), (81, 0, "tcp"), (82, None, "tcp"))),
    ),
    "other host port with host": (
        _ec2(_ports((80, 8080, "tcp")), mode="host"),
        "When networkMode=host, the host ports and container ports in port mappings must match.",
        _ec2(_ports((80, 8080, "tcp"))),
    ),
    "duplicate host port": (
        _ec2(_ports((80, 8080, "tcp")), _ports((81, 8080, "tcp"))),
        "TCP host port '8080' is mapped multiple times in task.",
        _ec2(_ports((80, 8080, "tcp"), (80, 8080, "udp")), _ports((80, 0, "tcp")), _ports((80, None, "tcp"))),
    ),
    "port mapping without a port": (
        _ec2({"PortMappings": [{"HostPort": 80}]}),
        "Invalid 'containerPort' setting for container 'c0'.",
        _ec2({"PortMappings": [{"ContainerPortRange": "80-90"}]}),
    ),
    "hostname with awsvpc": (
        _ec2({"Hostname": "web"}, mode="awsvpc"),
        "hostname is not supported on container when networkMode=awsvpc.",
        _ec2({"Hostname": "web"}),
    ),
    "logs without an execution role": (
        fargate("web", **LOGS),
        "Fargate requires task definition to have execution role ARN to support log driver awslogs.",
        fargate("web", task=EXECUTION, **LOGS),
    ),
    "ECR image without an execution role": (
        fargate("web", Image=IMAGE),
        "Fargate requires task definition to have execution role ARN to support ECR images.",
        fargate("web", task=EXECUTION, Image=IMAGE),
    ),
    "secret without an execution role": (
        _ec2(SECRET),
        "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
        _ec2(SECRET, **EXECUTION),
    ),
    "unknown log driver": (
        _ec2({"LogConfiguration": {"LogDriver": "papertrail"}}),
        "ClientException: Log driver 'papertrail' is not supported by ECS.",
        _ec2({"LogConfiguration": {"LogDriver": "gelf"}}, {"LogConfiguration": {"LogDriver": "none"}}),
    ),
    "no memory": (
        _ec2({"Memory": 0}),
        "Invalid setting for container 'c0'. At least one of 'memory' or 'memoryReservation' must be specified.",
        _ec2({"Memory": 0, "MemoryReservation": 64}),
    ),
    "container larger than its task": (
        fargate("web", Memory=513),
        "The 'memory' setting for container 'web' is greater than for the task.",
        fargate("web", Memory=512),
    ),
    "containers larger than their task": (
        _ec2({"MemoryReservation": 60}, {"MemoryReservation": 50}, {}, Memory=".1 GB"),
        "The sum of all container 'memoryReservation' values cannot be greater than the value of the task 'memory'.",
        _ec2({"MemoryReservation": 60}, {"MemoryReservation": 40}, {}, Memory=".1 GB"),
    ),
    "too little storage": (
        fargate("web", task={"EphemeralStorage": {"SizeInGiB": 20}}),
        "EphemeralStorage size should be at least 21",
        fargate("web", task={"EphemeralStorage": {"SizeInGiB": 21}}),
    ),
    "too much storage": (
        fargate("web", task={"EphemeralStorage": {"SizeInGiB": 201}}),
        "EphemeralStorage size should be at most 200",
        fargate("web", task={"EphemeralStorage": {"SizeInGiB": 200}}),
    ),
    "capability": (
        _capable("SYS_PTRACE", "NET_ADMIN"),
        "Tasks launched on Fargate only support adding the SYS_PTRACE kernel capability, not NET_ADMIN",
        _capable("SYS_PTRACE"),
    ),
    "root directory with an access point": (
        _efs(AuthorizationConfig={"AccessPointId": "fsap-1"}, RootDirectory="/data"),
        "Root directory of volume 'data' must either be omitted or set to /",
        _efs(AuthorizationConfig={"AccessPointId": "fsap-1"}, RootDirectory="/"),
    ),
    "access point without encryption": (
        _efs(AuthorizationConfig={"AccessPointId": "fsap-1"}, TransitEncryption="DISABLED"),
        "Transit encryption of volume 'data' must be turned on",
        _efs(RootDirectory="/data", TransitEncryption="DISABLED"),
    ),
    "invalid role ARN": (
        _ec2({}, TaskRoleArn=f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/app/1"),
        "ClientException: Role is not valid",
        _ec2({}, TaskRoleArn="app"),
    ),
    "mount of a missing volume": (
        _ec2(_mounted("other"), Volumes=[{"Name": "data"}]),
        "Unknown volume 'other'.",
        _ec2(_mounted("data"), Volumes=[{"Name": "data"}]),
    ),
    "secret with the name of a variable": (
        _ec2(SECRET | {"Environment": [{"Name": "TOKEN", "Value": "x"}]}, **EXECUTION),
        "The secret name must be unique and not shared with any new or existing environment variables set on",
        _ec2(SECRET | {"Environment": [{"Name": "OTHER", "Value": "x"}]}, **EXECUTION),
    ),
    "health check interval too short": (
        _ec2(_healthy(Interval=4)),
        "The interval of the health check of container 'c0' must be 5 to 300, not 4.",
        _ec2(_healthy(Interval=5, Timeout=2, Retries=1, StartPeriod=0)),
    ),
    "health check timeout too long": (
        _ec2(_healthy(Timeout=61)),
        "The timeout of the health check of container 'c0' must be 2 to 60, not 61.",
        _ec2(_healthy(Interval=300, Timeout=60, Retries=10, StartPeriod=300)),
    ),
    "awsfirelens without a log router": (
        _ec2(_routed()),
        "a firelens configuration object must be configured in one of the containers.",
        _ec2(_routed(), ROUTER),
    ),
    "log router without awsfirelens": (
        _ec2({}, ROUTER),
        "at least one container has to be configured with the awsfirelens log driver.",
        _ec2(_routed(), ROUTER),
    ),
    "memory limit below the reservation": (
        _ec2({"Memory": 63, "MemoryReservation": 64}),
        "The 'memory' of container 'c0' must not be less than its 'memoryReservation'.",
        _ec2({"Memory": 64, "MemoryReservation": 64}),
    ),
    "containers with more CPU than the task": (
        _ec2({"Cpu": 200}, {"Cpu": 57}, Cpu="256"),
        "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.",
        _ec2({"Cpu": 200}, {"Cpu": 56}, Cpu="256"),
    ),
    "links with awsvpc": (
        _ec2({"Links": ["c1"]}, {}, mode="awsvpc"),
        "Links of container 'c0' are not supported when networkMode=awsvpc.",
        _ec2({"Links": ["c1"]}, {}),
    ),
    "ports without a network": (
        _ec2(_ports((80, None, "tcp")), mode="none"),
        "Port mappings of container 'c0' are not supported when networkMode=none.",
        _ec2({}, mode="none"),
    ),
    "host pidMode on Fargate": (
        fargate("web", task={"PidMode": "host"}),
        "Tasks using the Fargate launch type do not support pidMode 'host'.",
        fargate("web", task={"PidMode": "task"}),
    ),
    "host volume on Fargate": (
        fargate("web", task={"Volumes": [{"Name": "data", "Host": {"SourcePath": "/data"}}]}),
        "Fargate compatible task definitions do not support sourcePath",
        fargate("web", task={"Volumes": [{"Name": "data", "Host": {}}]}),
    ),
    "privileged container on Fargate": (
        fargate("web", Privileged=True),
        "Fargate compatible task definitions do not support privileged",
        fargate("web", Privileged=False, LinuxParameters={"InitProcessEnabled": True}),
    ),
    "shared memory size on Fargate": (
        fargate("web", LinuxParameters={"SharedMemorySize": 64}),
        "Fargate compatible task definitions do not support sharedMemorySize",
        _ec2({"LinuxParameters": {"SharedMemorySize": 64}, "Privileged": True}),
    ),
}


@pytest.mark.parametrize(("faulty", "said", "mended"), TASKS.values(), ids=TASKS)
def test_an_invalid_task_definition_is_refused(deploy: Deploy, faulty: Resources, said: str, mended: Resources) -> None:
    execution = {"Role": role("ecs-tasks.amazonaws.com")}
    _refused(deploy, execution | {"Task": faulty}, said)
    _taken(deploy, execution | {"Task": mended})
