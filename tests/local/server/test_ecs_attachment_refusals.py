"""ECS, Application Auto Scaling, ECR and CloudTrail refuse invalid settings; the corrected templates deploy."""

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
    fargate,
    load_balancer,
    ref,
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


NAMED: Resources = {"PortMappings": [{"ContainerPort": 80, "Name": "http"}]}
WEB = fargate("web", **NAMED)
BASE: Resources = NETWORK | {
    "Cluster": resource("AWS::ECS::Cluster"),
    "Namespace": resource("AWS::ServiceDiscovery::PrivateDnsNamespace", Name="shop.local", Vpc=ref("Vpc")),
    "Elsewhere": resource("AWS::EC2::VPC", CidrBlock="10.9.0.0/16"),
    "Afar": resource("AWS::EC2::Subnet", VpcId=ref("Elsewhere"), CidrBlock="10.9.0.0/24"),
    "Strange": resource("AWS::EC2::SecurityGroup", GroupDescription="strange", VpcId=ref("Elsewhere")),
    "Members": resource("AWS::EC2::SecurityGroup", GroupDescription="members", VpcId=ref("Vpc")),
}


def _service(
    task: Resources = WEB, *, more: Resources | None = None, launch: str = "FARGATE", **stated: Any
) -> Resources:
    network = {"Subnets": [ref("Subnet")]} | stated.pop("network", {})
    vpc = {"NetworkConfiguration": {"AwsvpcConfiguration": network}}
    service = resource(
        "AWS::ECS::Service",
        Cluster=ref("Cluster"),
        TaskDefinition=ref("Task"),
        LaunchType=launch,
        **(vpc if task["Properties"]["NetworkMode"] == "awsvpc" else {}),
        **{"DesiredCount": 1 if launch == "FARGATE" else 0, **stated},
    )
    return BASE | {"Task": task, "Service": service | {"DependsOn": list(more or ())}} | (more or {})


def _balanced(
    kind: str = "ip", *, container: str = "web", port: int = 80, forwarded: bool = True, **service: Any
) -> Resources:
    group = resource(
        "AWS::ElasticLoadBalancingV2::TargetGroup", VpcId=ref("Vpc"), Port=80, Protocol="HTTP", TargetType=kind
    )
    listener = resource(
        "AWS::ElasticLoadBalancingV2::Listener",
        LoadBalancerArn=ref("Edge"),
        Port=80,
        Protocol="HTTP",
        DefaultActions=[{"Type": "forward", "TargetGroupArn": ref("Group")}],
    )
    edge = {"Group": group} | ({"Edge": load_balancer(), "Listener": listener} if forwarded else {})
    target = {"ContainerName": container, "ContainerPort": port, "TargetGroupArn": ref("Group")}
    return _service(more=edge, LoadBalancers=[target], **service)


def _registered(type_: str, task: Resources = WEB, launch: str = "FARGATE", **registry: Any) -> Resources:
    records = {"DnsRecords": [{"Type": type_, "TTL": 10}]}
    found = resource("AWS::ServiceDiscovery::Service", NamespaceId=ref("Namespace"), DnsConfig=records)
    stated = [{"RegistryArn": attribute("Registry", "Arn"), **registry}]
    return _service(task, launch=launch, more={"Registry": found}, ServiceRegistries=stated)


def _connected(port: str = "http", **connection: Any) -> Resources:
    services = [{"PortName": port, "ClientAliases": [{"Port": 80}]}]
    return _service(ServiceConnectConfiguration={"Enabled": True, "Services": services, **connection})


BRIDGE = _ec2({"Name": "web", **NAMED})
INTERFACE = _ec2({"Name": "web", **NAMED}, mode="awsvpc")
BY_NAME: Resources = {"ContainerName": "web", "ContainerPort": 80}
PUBLIC = {"AssignPublicIp": "ENABLED"}
SERVICES: dict[str, tuple[Resources, str, Resources]] = {
    "awsvpc with an instance target group": (
        _balanced("instance"),
        "has target type instance, which is incompatible with the awsvpc network mode specified in the task definition",
        _balanced("ip"),
    ),
    "bridge with an ip target group": (
        _balanced("ip", task=BRIDGE, launch="EC2"),
        "has target type ip, which is incompatible with the bridge network mode specified in the task definition",
        _balanced("instance", task=BRIDGE, launch="EC2"),
    ),
    "target group without a load balancer": (
        _balanced(forwarded=False),
        "does not have an associated load balancer.",
        _balanced(),
    ),
    "port that is not mapped": (
        _balanced(port=81),
        "The container web did not have a container port 81 defined.",
        _balanced(task=fargate("web", PortMappings=[{"ContainerPortRange": "80-82"}]), port=81),
    ),
    "missing container": (
        _balanced(container="app"),
        "The container app does not exist in the task definition.",
        _balanced(task=fargate("app", **NAMED), container="app"),
    ),
    "subnets of two VPCs": (
        _service(network={"Subnets": [ref("Subnet"), ref("Afar")]}),
        "All specified subnets must be from the same VPC.",
        _service(network={"Subnets": [ref("Subnet"), ref("OtherSubnet")]}),
    ),
    "missing subnet": (
        _service(network={"Subnets": ["subnet-0123456789abcdef0"]}),
        "The subnet ID 'subnet-0123456789abcdef0' does not exist (ErrorCode: InvalidSubnetID.NotFound)",
        _service(),
    ),
    "missing security group": (
        _service(network={"SecurityGroups": ["sg-0123456789abcdef0"]}),
        "The security group 'sg-0123456789abcdef0' does not exist (ErrorCode: InvalidGroup.NotFound)",
        _service(network={"SecurityGroups": [ref("Members")]}),
    ),
    "security group of another VPC": (
        _service(network={"SecurityGroups": [ref("Strange")]}),
        "does not belong to the same VPC as the specified subnets",
        _service(network={"SecurityGroups": [ref("Strange")], "Subnets": [ref("Afar")]}),
    ),
    "public address on an instance": (
        _service(INTERFACE, launch="EC2", network=PUBLIC),
        "Assign public IP is not supported for this launch type.",
        _service(network=PUBLIC),
    ),
    "unknown platform version": (
        _service(PlatformVersion="1.4"),
        "PlatformUnknownException: The specified platform does not exist.",
        _service(PlatformVersion="1.4.0"),
    ),
    "daemon on Fargate": (
        _service(SchedulingStrategy="DAEMON", DesiredCount=0),
        "property SchedulingStrategy must be REPLICA",
        _service(SchedulingStrategy="REPLICA"),
    ),
    "ECS Exec without a task role": (
        _service(EnableExecuteCommand=True),
        "The service couldn't be created because a valid taskRoleArn is not being used.",
        _service(fargate("web", task={"TaskRoleArn": "arn:aws:iam::333333333333:role/app"}), EnableExecuteCommand=True),
    ),
    "Service Connect without a namespace": (
        _connected(),
        "Service Connect needs a namespace: neither the service nor its cluster",
        _connected(Namespace="shop.local"),
    ),
    "Service Connect with an unknown port name": (
        _connected("web", Namespace="shop.local"),
        "No port mapping in the task definition has the name 'web' (portName).",
        _connected() | {"Cluster": resource("AWS::ECS::Cluster", ServiceConnectDefaults={"Namespace": "shop.local"})},
    ),
    "SRV record without a port": (
        _registered("SRV"),
        "A service registry with SRV records needs a value for 'port'",
        _registered("SRV", Port=80),
    ),
    "SRV record with two ports": (
        _registered("SRV", Port=80, **BY_NAME),
        "Specify a value for either 'port' or the 'containerName' and 'containerPort' combination, but not both",
        _registered("SRV", **BY_NAME),
    ),
    "A record with a port": (
        _registered("A", **BY_NAME),
        "The values specified for serviceRegistries do not require a value for 'containerPort'. Remove the value",
        _registered("A"),
    ),
    "registry in bridge mode without a container": (
        _registered("SRV", BRIDGE, "EC2", Port=80),
        "When specifying 'bridge' for networkMode, values for 'containerName' and 'containerPort' must be specified",
        _registered("SRV", BRIDGE, "EC2", **BY_NAME),
    ),
}


@pytest.mark.parametrize(("faulty", "said", "mended"), SERVICES.values(), ids=SERVICES)
def test_a_service_with_invalid_attachments_is_refused(
    deploy: Deploy, faulty: Resources, said: str, mended: Resources
) -> None:
    _refused(deploy, faulty, said)
    _taken(deploy, mended)


READ: Resources = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": ref("Secret")}
PLAIN: Resources = {"GenerateSecretString": {"PasswordLength": 20}}
MANAGED = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
NOBODY = f"arn:aws:iam::{ACCOUNT}:role/nobody"
UNASSUMED = "ECS was unable to assume the role 'arn:aws:iam::"


def _started(
    *statements: Resources, trusted: str = "ecs-tasks", more: Resources | None = None, **task: Any
) -> Resources:
    trusting = role(f"{trusted}.amazonaws.com", *statements)
    trusting["Properties"]["ManagedPolicyArns"] = [MANAGED]
    container = task.pop("container", {})
    return {**_service(fargate("web", task=task, **container)), "Role": trusting, **(more or {})}


def _secret(*statements: Resources, **more: Resources) -> Resources:
    secrets = {"Secrets": [{"Name": "TOKEN", "ValueFrom": ref("Secret")}]}
    secret = {"Secret": resource("AWS::SecretsManager::Secret", **PLAIN)}
    return _started(*statements, more=secret | more, container=secrets, **EXECUTION)


def _logged(*, created: str = "false", **more: Resources) -> Resources:
    options = LOGS["LogConfiguration"]["Options"] | {"awslogs-create-group": created}
    return _started(
        container={"LogConfiguration": {"LogDriver": "awslogs", "Options": options}}, more=more, **EXECUTION
    )


TASK_ROLE: Resources = {"TaskRoleArn": attribute("Role", "Arn")}
LATE = resource(
    "AWS::IAM::Policy",
    PolicyName="late",
    PolicyDocument={"Statement": [READ]},
    Roles=[ref("Role")],
) | {"DependsOn": "Service"}
GROUP = resource("AWS::Logs::LogGroup", LogGroupName="shop")
STARTS: dict[str, tuple[Resources, str, list[Resources]]] = {
    "task role that ECS cannot assume": (
        _started(trusted="ec2", **TASK_ROLE),
        UNASSUMED,
        [_started(**TASK_ROLE), _started(TaskRoleArn="arn:aws:iam::333333333333:role/app")],
    ),
    "missing task role": (_started(TaskRoleArn=NOBODY), UNASSUMED, [_started()]),
    "execution role that ECS cannot assume": (_started(trusted="ecs", **EXECUTION), UNASSUMED, [_started(**EXECUTION)]),
    "secret that the role cannot read": (
        _secret(),
        "is not authorized to perform: secretsmanager:GetSecretValue on resource: arn:aws:secretsmanager",
        [_secret(READ), _secret(Late=LATE)],
    ),
    "missing log group": (
        _logged(),
        "ResourceInitializationError: failed to initialize logging driver",
        [_logged(created="true"), _logged(Group=GROUP), _logged(Group=GROUP | {"DependsOn": "Service"})],
    ),
}


@pytest.mark.parametrize(("faulty", "said", "mended"), STARTS.values(), ids=STARTS)
def test_a_service_whose_task_can_never_start_fails(
    deploy: Deploy, remove: Callable[[str], None], faulty: Resources, said: str, mended: list[Resources]
) -> None:
    _refused(deploy, faulty, said)
    for number, resources in enumerate(mended):
        stack = deploy(resources, f"-mended{number}")
        assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
        remove(stack["StackName"])


def _named(name: str) -> Resources:
    return {"Cluster": resource("AWS::ECS::Cluster", ClusterName=name)}


def _tracking(*metrics: str, labels: tuple[str | None, ...] = (None, None)) -> Resources:
    target = resource(
        "AWS::ApplicationAutoScaling::ScalableTarget",
        MinCapacity=1,
        MaxCapacity=2,
        ResourceId={"Fn::Join": ["/", ["service", ref("Cluster"), attribute("Service", "Name")]]},
        ScalableDimension="ecs:service:DesiredCount",
        ServiceNamespace="ecs",
        RoleARN=f"arn:aws:iam::{ACCOUNT}:role/scaling",
    )
    policies = {
        f"Policy{number}": resource(
            "AWS::ApplicationAutoScaling::ScalingPolicy",
            PolicyName=f"policy-{number}",
            PolicyType="TargetTrackingScaling",
            ScalingTargetId=ref("Target"),
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": 50,
                "PredefinedMetricSpecification": {"PredefinedMetricType": metric}
                | ({"ResourceLabel": label} if label else {}),
            },
        )
        for number, (metric, label) in enumerate(zip(metrics, labels, strict=True))
    }
    return _service() | {"Target": target} | policies


def _repository(**statement: Any) -> Resources:
    pull = {"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage", **statement}
    policy = {"Version": "2012-10-17", "Statement": [pull]}
    return {"Images": resource("AWS::ECR::Repository", RepositoryPolicyText=policy)}


def _group(subnet: Any) -> Resources:
    data = {"ImageId": "ami-12345678", "InstanceType": "m5.large"}
    template = {"LaunchTemplateId": ref("Template"), "Version": attribute("Template", "LatestVersionNumber")}
    return NETWORK | {
        "Template": resource("AWS::EC2::LaunchTemplate", LaunchTemplateData=data),
        "Fleet": resource(
            "AWS::AutoScaling::AutoScalingGroup",
            MinSize="0",
            MaxSize="1",
            VPCZoneIdentifier=[subnet],
            LaunchTemplate=template,
        ),
    }


CPU, MEMORY = "ECSServiceAverageCPUUtilization", "ECSServiceAverageMemoryUtilization"
REQUESTS = "ALBRequestCountPerTarget"
OTHERS: dict[str, tuple[Resources, str, Resources]] = {
    "cluster name with a dot": (
        _named("my.shop"),
        "InvalidParameterException: Cluster must match",
        _named("my_Shop-1"),
    ),
    "service name with a dot": (
        _service(ServiceName="my.web"),
        "InvalidParameterException: Service must match",
        _service(ServiceName="my_Web-1"),
    ),
    "one metric tracked twice": (
        _tracking(CPU, CPU),
        "ValidationException: Only one TargetTrackingScaling policy for a given metric specification is allowed",
        _tracking(CPU, MEMORY),
    ),
    "one target group tracked twice": (
        _tracking(REQUESTS, REQUESTS, labels=("app/a/1/targetgroup/b/2", "app/a/1/targetgroup/b/2")),
        "Only one TargetTrackingScaling policy for a given metric specification is allowed",
        _tracking(REQUESTS, REQUESTS, labels=("app/a/1/targetgroup/b/2", "app/a/1/targetgroup/c/3")),
    ),
    "repository policy with a resource": (
        _repository(Resource="*"),
        "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'",
        _repository(),
    ),
    "Auto Scaling group in a missing subnet": (
        _group("subnet-0123456789abcdef0"),
        "ValidationError: The subnet ID 'subnet-0123456789abcdef0' does not exist",
        _group(ref("Subnet")),
    ),
}


@pytest.mark.parametrize(("faulty", "said", "mended"), OTHERS.values(), ids=OTHERS)
def test_an_invalid_name_target_registry_or_log_group_is_refused(
    deploy: Deploy, faulty: Resources, said: str, mended: Resources
) -> None:
    _refused(deploy, faulty, said)
    _taken(deploy, mended)


def test_a_replacement_policy_cannot_track_the_metric_of_the_old_policy(deploy: Deploy) -> None:
    before = _tracking(CPU, MEMORY)
    assert deploy(before)["StackStatus"] == "CREATE_COMPLETE"
    renamed = {**before["Policy0"], "Properties": before["Policy0"]["Properties"] | {"PolicyName": "other"}}
    changed = deploy(before | {"Policy0": renamed})
    assert changed["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "Only one TargetTrackingScaling policy" in changed["Reason"]
    configuration = renamed["Properties"]["TargetTrackingScalingPolicyConfiguration"] | {"TargetValue": 60}
    kept = before["Policy0"]["Properties"] | {"TargetTrackingScalingPolicyConfiguration": configuration}
    changed = deploy(before | {"Policy0": {**before["Policy0"], "Properties": kept}})
    assert changed["StackStatus"] == "UPDATE_COMPLETE", changed["Reason"]
