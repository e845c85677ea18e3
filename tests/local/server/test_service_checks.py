"""ECS refuses invalid services, and services whose tasks can never start, in the local AWS."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local.local_aws import (
    NETWORK,
    REGION,
    Client,
    Deploy,
    attribute,
    fargate,
    load_balancer,
    ref,
    resource,
    role,
)

Resources = dict[str, Any]

ROLE = {"Statement": [{"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}}]}
FARGATE: Resources = NETWORK | {
    "Cluster": resource("AWS::ECS::Cluster"),
    "Capacity": resource(
        "AWS::ECS::ClusterCapacityProviderAssociations",
        Cluster=ref("Cluster"),
        CapacityProviders=["FARGATE"],
        DefaultCapacityProviderStrategy=[{"CapacityProvider": "FARGATE", "Weight": 1}],
    ),
}

READ = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
READING: Resources = FARGATE | {"Execution": role("ecs-tasks.amazonaws.com", READ)}
EXECUTION: Resources = {"ExecutionRoleArn": attribute("Execution", "Arn")}


def _service(task: Resources, **properties: Any) -> Resources:
    network = {"AwsvpcConfiguration": {"Subnets": [ref("Subnet")]}}
    return {
        "Task": task,
        "Service": resource(
            "AWS::ECS::Service",
            Cluster=ref("Cluster"),
            TaskDefinition=ref("Task"),
            NetworkConfiguration=network,
            DeploymentConfiguration={"DeploymentCircuitBreaker": {"Enable": True, "Rollback": True}},
            **properties,
        )
        | {"DependsOn": "Capacity"},
    }


def _balanced(*protocols: str, ports: tuple[int, ...] = (53,)) -> Resources:
    mappings = [{"ContainerPort": port, "Protocol": each} for each in protocols for port in ports]
    balancer = {"ContainerName": "dns", "ContainerPort": 53, "TargetGroupArn": ref("Group")}
    group = resource(
        "AWS::ElasticLoadBalancingV2::TargetGroup", VpcId=ref("Vpc"), Port=53, Protocol="UDP", TargetType="ip"
    )
    listener = resource(
        "AWS::ElasticLoadBalancingV2::Listener",
        LoadBalancerArn=ref("Edge"),
        Port=53,
        Protocol="UDP",
        DefaultActions=[{"Type": "forward", "TargetGroupArn": ref("Group")}],
    )
    edge = {"Group": group, "Edge": load_balancer(Type="network"), "Listener": listener}
    stated = _service(fargate("dns", PortMappings=mappings), LoadBalancers=[balancer])
    stated["Service"]["DependsOn"] = ["Capacity", "Listener"]
    return FARGATE | edge | stated


def test_a_load_balancer_needs_a_port_that_is_mapped_once(deploy: Deploy) -> None:
    stack = deploy(_balanced("tcp", "udp"))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "Container port 53 is used in more than one port mapping for container dns" in stack["Reason"]


def test_a_port_that_an_update_maps_twice_is_refused(deploy: Deploy) -> None:
    stack = deploy(_balanced("udp", ports=(53, 54)))
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    changed = deploy(_balanced("tcp", "udp"))
    assert changed["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "Container port 53 is used in more than one port mapping" in changed["Reason"]


def test_a_port_without_a_load_balancer_can_have_two_protocols(deploy: Deploy) -> None:
    mappings = [{"ContainerPort": 53, "Protocol": each} for each in ("tcp", "udp")]
    stack = deploy(FARGATE | _service(fargate("dns", PortMappings=mappings)))
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]


def _secret(suffix: str, **secret: Any) -> Resources:
    value_from = {"Fn::Join": ["", [ref("Secret"), suffix]]}
    task = fargate("web", task=EXECUTION, Secrets=[{"Name": "PASSWORD", "ValueFrom": value_from}])
    return READING | {"Secret": resource("AWS::SecretsManager::Secret", **secret)} | _service(task)


PLAIN = {"GenerateSecretString": {"PasswordLength": 20, "ExcludePunctuation": True}}
JSON = {"GenerateSecretString": {"SecretStringTemplate": '{"user": "shop"}', "GenerateStringKey": "password"}}


@pytest.mark.parametrize(
    ("suffix", "secret"),
    [("", PLAIN), ("", JSON), (":password::", JSON), (":user::", JSON), (":user:AWSCURRENT:", JSON)],
)
def test_a_secret_is_read_by_its_key_and_version_stage(deploy: Deploy, suffix: str, secret: Resources) -> None:
    stack = deploy(_secret(suffix, **secret))
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]


@pytest.mark.parametrize(
    ("suffix", "secret", "said"),
    [
        (":password::", PLAIN, "is not JSON, so it has no key password"),
        (":token::", JSON, "retrieved secret from Secrets Manager did not contain json key token"),
        ("::AWSPREVIOUS:", JSON, "can't find the specified secret value for staging label: AWSPREVIOUS"),
        (":::1234", PLAIN, "can't find the specified secret value for VersionId: 1234"),
    ],
)
def test_a_task_without_its_secret_value_never_starts(
    deploy: Deploy, suffix: str, secret: Resources, said: str
) -> None:
    stack = deploy(_secret(suffix, **secret))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "ResourceInitializationError: unable to pull secrets or registry auth" in stack["Reason"]
    assert said in stack["Reason"]


@pytest.mark.parametrize("allowed", [True, False])
def test_a_task_needs_the_credentials_of_its_registry(deploy: Deploy, *, allowed: bool) -> None:
    task = fargate("web", task=EXECUTION, RepositoryCredentials={"CredentialsParameter": ref("Secret")})
    execution = {} if allowed else {"Execution": role("ecs-tasks.amazonaws.com")}
    stack = deploy(READING | execution | {"Secret": resource("AWS::SecretsManager::Secret", **JSON)} | _service(task))
    assert (stack["StackStatus"] == "CREATE_COMPLETE") is allowed, stack["Reason"]
    assert ("not authorized to perform: secretsmanager:GetSecretValue" in stack["Reason"]) is not allowed


def test_a_secret_that_does_not_exist_here_is_not_checked(deploy: Deploy) -> None:
    elsewhere = f"arn:aws:secretsmanager:{REGION}:333333333333:secret:shop-AbCdEf:password::"
    task = fargate("web", task=EXECUTION, Secrets=[{"Name": "PASSWORD", "ValueFrom": elsewhere}])
    stack = deploy(READING | _service(task))
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]


def test_ref_of_a_secret_returns_its_arn_and_it_is_updated_in_place(client: Client, deploy: Deploy) -> None:
    def secret(**properties: Any) -> Resources:
        return {"Secret": resource("AWS::SecretsManager::Secret", **properties)}

    outputs = {"ref": ref("Secret"), "id": attribute("Secret", "Id")}
    made = deploy(secret(Description="first", **PLAIN), **outputs)["Values"]
    assert made["ref"] == made["id"]
    assert made["ref"].startswith(f"arn:aws:secretsmanager:{REGION}:")
    changed = deploy(secret(Description="second", **PLAIN), **outputs)
    assert changed["StackStatus"] == "UPDATE_COMPLETE", changed["Reason"]
    assert changed["Values"] == made
    secrets = client("secretsmanager")
    assert secrets.describe_secret(SecretId=made["ref"])["Description"] == "second"
    deploy({"Topic": resource("AWS::SNS::Topic")})
    assert secrets.list_secrets()["SecretList"] == []


def _instances(**properties: Any) -> Resources:
    """Return a cluster with one instance and a service on it."""
    user_data = {"Fn::Base64": {"Fn::Sub": "#!/bin/bash\necho ECS_CLUSTER=${Cluster} >> /etc/ecs/ecs.config\n"}}
    data = {"ImageId": "ami-12345678", "InstanceType": "m5.large", "UserData": user_data}
    template = {"LaunchTemplateId": ref("Template"), "Version": attribute("Template", "LatestVersionNumber")}
    return NETWORK | {
        "App": role("ecs-tasks.amazonaws.com"),
        "Cluster": resource("AWS::ECS::Cluster"),
        "Template": resource("AWS::EC2::LaunchTemplate", LaunchTemplateData=data),
        "Capacity": resource(
            "AWS::AutoScaling::AutoScalingGroup",
            MinSize="1",
            MaxSize="1",
            VPCZoneIdentifier=[ref("Subnet")],
            LaunchTemplate=template,
        ),
        "Task": resource(
            "AWS::ECS::TaskDefinition",
            NetworkMode="bridge",
            RequiresCompatibilities=["EC2"],
            TaskRoleArn=attribute("App", "Arn"),
            ContainerDefinitions=[
                {
                    "Name": "web",
                    "Image": "public.ecr.aws/nginx/nginx:1",
                    "Memory": 128,
                    "MountPoints": [
                        {"SourceVolume": "data", "ContainerPath": path} for path in properties.pop("paths", ())
                    ],
                }
            ],
            Volumes=properties.pop("volumes", [{"Name": "data"}]),
        ),
        "Service": resource(
            "AWS::ECS::Service",
            Cluster=ref("Cluster"),
            TaskDefinition=ref("Task"),
            LaunchType="EC2",
            DeploymentConfiguration={"DeploymentCircuitBreaker": {"Enable": True, "Rollback": True}},
            **properties,
        )
        | {"DependsOn": "Capacity"},
    }


@pytest.mark.parametrize(
    ("paths", "executes", "twice"),
    [
        (("/tmp", "/var/log/amazon/ssm"), True, "/var/log/amazon/ssm"),
        (("/tmp", "/var/log/amazon/ssm"), False, None),
        (("/var/lib/amazon/ssm",), True, None),
        (("/tmp", "/tmp/"), False, "/tmp"),
    ],
)
def test_docker_refuses_duplicate_mount_points(
    deploy: Deploy, paths: tuple[str, ...], *, executes: bool, twice: str | None
) -> None:
    stack = deploy(_instances(paths=paths, EnableExecuteCommand=executes))
    if twice is None:
        assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    else:
        assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
        assert f"Duplicate mount point: {twice})" in stack["Reason"]


@pytest.mark.parametrize(("strategy", "refused"), [("DAEMON", True), ("REPLICA", False)])
def test_a_daemon_cannot_have_an_ebs_volume(deploy: Deploy, strategy: str, *, refused: bool) -> None:
    volume = {"Name": "data", "ManagedEBSVolume": {"RoleArn": attribute("Infrastructure", "Arn"), "SizeInGiB": 10}}
    stack = deploy(
        {"Infrastructure": role("ecs.amazonaws.com")}
        | _instances(
            volumes=[{"Name": "data", "ConfiguredAtLaunch": True}],
            paths=("/data",),
            SchedulingStrategy=strategy,
            VolumeConfigurations=[volume],
        )
    )
    assert (stack["StackStatus"] == "ROLLBACK_COMPLETE") == refused, stack["Reason"]
    assert ("only supported for REPLICA service and not DAEMON service" in stack["Reason"]) == refused


@pytest.mark.parametrize(("field", "refused"), [("DISK", True), ("MEMORY", False), ("memory", False)])
def test_binpack_needs_cpu_or_memory(deploy: Deploy, field: str, *, refused: bool) -> None:
    stack = deploy(_instances(PlacementStrategies=[{"Type": "binpack", "Field": field}]))
    assert (stack["StackStatus"] == "ROLLBACK_COMPLETE") == refused, stack["Reason"]
    assert ("binpack field 'DISK' is invalid" in stack["Reason"]) == refused


def _managed(*, associated: bool = False, default: bool = False) -> Resources:
    strategy = [{"CapacityProvider": ref("Managed"), "Weight": 1}]
    return NETWORK | {
        "Cluster": resource("AWS::ECS::Cluster"),
        "Members": resource("AWS::EC2::SecurityGroup", GroupDescription="members", VpcId=ref("Vpc")),
        "Role": resource("AWS::IAM::Role", AssumeRolePolicyDocument=ROLE),
        "Profile": resource("AWS::IAM::InstanceProfile", Roles=[ref("Role")]),
        "Managed": resource(
            "AWS::ECS::CapacityProvider",
            ClusterName=ref("Cluster"),
            ManagedInstancesProvider={
                "InfrastructureRoleArn": attribute("Role", "Arn"),
                "InstanceLaunchTemplate": {
                    "Ec2InstanceProfileArn": attribute("Profile", "Arn"),
                    "NetworkConfiguration": {"Subnets": [ref("Subnet")], "SecurityGroups": [ref("Members")]},
                },
            },
        ),
        "Capacity": resource(
            "AWS::ECS::ClusterCapacityProviderAssociations",
            Cluster=ref("Cluster"),
            CapacityProviders=["FARGATE", *([ref("Managed")] if associated else [])],
            DefaultCapacityProviderStrategy=strategy if default else [],
        )
        | {"DependsOn": "Managed"},
    }


def test_a_default_strategy_can_name_managed_instances(client: Client, deploy: Deploy) -> None:
    stack = deploy(_managed(default=True), cluster=ref("Cluster"), managed=ref("Managed"))
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    (cluster,) = client("ecs").describe_clusters(clusters=[stack["Values"]["cluster"]])["clusters"]
    (item,) = cluster["defaultCapacityProviderStrategy"]
    assert item["capacityProvider"] == stack["Values"]["managed"]
    changed = deploy(_managed(default=True, associated=True))
    assert changed["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"


@pytest.mark.parametrize("by", ["association", "cluster"])
def test_a_managed_instances_provider_cannot_be_associated(deploy: Deploy, by: str) -> None:
    if by == "association":
        stack = deploy(_managed(associated=True, default=True))
    else:
        first = deploy(_managed(), "-first", managed=ref("Managed"))
        providers = ["FARGATE", first["Values"]["managed"]]
        stack = deploy({"Cluster": resource("AWS::ECS::Cluster", CapacityProviders=providers)})
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "Cannot associate Managed Instances capacity provider to clusters using this API" in stack["Reason"]
