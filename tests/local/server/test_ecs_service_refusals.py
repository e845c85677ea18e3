"""ECS refuses invalid services, and services whose tasks cannot start; the corrected services deploy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.local.local_aws import (
    ACCOUNT,
    NETWORK,
    REGION,
    Deploy,
    attribute,
    check_pair,
    fargate,
    load_balancer,
    ref,
    resource,
    role,
)

Resources = dict[str, Any]
EXECUTION: Resources = {"ExecutionRoleArn": attribute("Role", "Arn")}
BASE: Resources = NETWORK | {"Cluster": resource("AWS::ECS::Cluster")}
PARAMETER = resource("AWS::SSM::Parameter", Name="/shop/token", Type="String", Value="secret")
GROUP = resource("AWS::Logs::LogGroup", LogGroupName="orders")
OPTIONS = {"awslogs-group": "orders", "awslogs-region": REGION, "awslogs-stream-prefix": "web"}
LOGS: Resources = {"LogConfiguration": {"LogDriver": "awslogs", "Options": OPTIONS}}


def _service(task: Resources | None = None, *, groups: int = 0, **stated: Any) -> Resources:
    subnets = stated.pop("subnets", [ref("Subnet")])
    network = {"Subnets": subnets} | ({"SecurityGroups": [ref(f"G{i}") for i in range(groups)]} if groups else {})
    service = resource(
        "AWS::ECS::Service",
        **{
            "Cluster": ref("Cluster"),
            "TaskDefinition": ref("Task"),
            "LaunchType": "FARGATE",
            "NetworkConfiguration": {"AwsvpcConfiguration": network},
            "DesiredCount": 1,
            **stated,
        },
    )
    group = resource("AWS::EC2::SecurityGroup", GroupDescription="members", VpcId=ref("Vpc"))
    return BASE | {"Task": task or fargate("web"), "Service": service} | {f"G{i}": group for i in range(groups)}


def _many(count: int) -> Resources:
    subnets = {
        f"S{number}": resource("AWS::EC2::Subnet", VpcId=ref("Vpc"), CidrBlock=f"10.0.{100 + number}.0/24")
        for number in range(count)
    }
    return _service(subnets=[ref(name) for name in subnets]) | subnets


def _rolling(least: int, most: int) -> Resources:
    return _service(DeploymentConfiguration={"MinimumHealthyPercent": least, "MaximumPercent": most})


def _balanced(**target: Any) -> Resources:
    group = resource(
        "AWS::ElasticLoadBalancingV2::TargetGroup", VpcId=ref("Vpc"), Port=80, Protocol="HTTP", TargetType="ip"
    )
    forward = {"Type": "forward", "TargetGroupArn": ref("Targets")}
    listener = resource(
        "AWS::ElasticLoadBalancingV2::Listener",
        LoadBalancerArn=ref("Edge"),
        Port=80,
        Protocol="HTTP",
        DefaultActions=[forward],
    )
    balancer = {"ContainerName": "web", "ContainerPort": 80, "TargetGroupArn": ref("Targets"), **target}
    made = _service(fargate("web", PortMappings=[{"ContainerPort": 80}]), LoadBalancers=[balancer])
    made["Service"] |= {"DependsOn": "Listener"}
    return made | {"Edge": load_balancer(), "Targets": group, "Listener": listener}


def _sized(**size: str) -> Resources:
    container = {"Name": "web", "Image": "public.ecr.aws/nginx/nginx:1", "Memory": 512}
    return _service(
        resource("AWS::ECS::TaskDefinition", NetworkMode="awsvpc", ContainerDefinitions=[container], **size)
    )


def _reading(name: str, *statements: Resources, **more: Resources) -> Resources:
    secret = {"Secrets": [{"Name": "TOKEN", "ValueFrom": name}]}
    return (
        _service(fargate("web", task=EXECUTION, **secret))
        | {"Role": role("ecs-tasks.amazonaws.com", *statements)}
        | more
    )


def _may(action: str) -> Resources:
    return {"Effect": "Allow", "Action": action, "Resource": "*"}


SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:nothing-AbCdEf"
ELSEWHERE = f"arn:aws:secretsmanager:{REGION}:333333333333:secret:token-AbCdEf"
READ = _may("ssm:GetParameters")

SERVICES: dict[str, tuple[Resources, str, Resources]] = {
    "missing task definition": (_service(TaskDefinition="nothing:1"), "TaskDefinition not found.", _service()),
    "Fargate without a task size": (
        _sized(),
        "Task definition does not support launch_type FARGATE.",
        _sized(Cpu="256", Memory="512"),
    ),
    "negative desired count": (
        _service(DesiredCount=-1),
        "desiredCount must not be negative.",
        _service(DesiredCount=0),
    ),
    "17 subnets": (_many(17), "subnets can have at most 16 items.", _many(16)),
    "6 security groups": (_service(groups=6), "securityGroups can have at most 5 items.", _service(groups=5)),
    "100 percent minimum and maximum": (
        _rolling(100, 100),
        "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments",
        _rolling(50, 100),
    ),
    "two kinds of load balancer": (
        _balanced(LoadBalancerName="classic"),
        "loadBalancerName and targetGroupArn cannot both be specified.",
        _balanced(),
    ),
    "missing parameter": (
        _reading("/shop/token", READ),
        "invalid ssm parameters: /shop/token",
        _reading("/shop/token", READ, Parameter=PARAMETER),
    ),
    "parameter that the role cannot read": (
        _reading("/shop/token", Parameter=PARAMETER),
        "is not authorized to perform: ssm:GetParameters on resource: arn:aws:ssm:",
        _reading(f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/shop/token", READ, Parameter=PARAMETER),
    ),
    "missing secret": (
        _reading(SECRET, _may("secretsmanager:GetSecretValue")),
        "Secrets Manager can't find the specified secret.",
        _reading(ELSEWHERE, _may("secretsmanager:GetSecretValue")),
    ),
    "logs that the role cannot write": (
        _service(fargate("web", task=EXECUTION, **LOGS)) | {"Role": role("ecs-tasks.amazonaws.com"), "Group": GROUP},
        "is not authorized to perform: logs:CreateLogStream",
        _service(fargate("web", task=EXECUTION, **LOGS))
        | {"Role": role("ecs-tasks.amazonaws.com", _may("logs:CreateLogStream")), "Group": GROUP},
    ),
}


@pytest.mark.parametrize(("faulty", "says", "mended"), SERVICES.values(), ids=SERVICES)
def test_an_invalid_service_is_refused(deploy: Deploy, faulty: Resources, says: str, mended: Resources) -> None:
    check_pair(deploy, faulty, says, mended)


def test_a_service_waits_for_a_policy_that_is_created_after_it(deploy: Deploy, remove: Callable[[str], None]) -> None:
    late = resource(
        "AWS::IAM::Policy",
        PolicyName="late",
        PolicyDocument={"Statement": [READ, _may("logs:CreateLogStream")]},
        Roles=[ref("Role")],
    )
    stack = deploy(_reading("/shop/token", Parameter=PARAMETER, Late=late | {"DependsOn": "Service"}))
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    remove(stack["StackName"])
