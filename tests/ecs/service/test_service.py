"""The template of a service."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk.assertions import Match

from moorage import (
    Architecture,
    Capacity,
    Cluster,
    Container,
    Endpoints,
    HealthCheck,
    Image,
    LoadBalancer,
    Network,
    Repository,
    Rollout,
    Route,
    Scaling,
    Service,
    Task,
)
from moorage.testing import readable_template
from tests.conftest import imported_vpc, template, warnings_of

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

WEB = Task(Container("public.ecr.aws/nginx/nginx:1.29", name="web", port=8080))


@pytest.fixture
def cluster(stack: cdk.Stack, vpc: ec2.IVpc) -> Cluster:
    return Cluster(stack, "Cluster", vpc=vpc)


@pytest.fixture
def edge(stack: cdk.Stack, vpc: ec2.IVpc) -> LoadBalancer:
    return LoadBalancer(stack, "Edge", vpc=vpc)


def test_whole_template(
    stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer, template_snapshot: SnapshotAssertion
) -> None:
    secret = secretsmanager.Secret.from_secret_name_v2(stack, "Secret", "database")
    Service(
        stack,
        "Web",
        cluster=cluster,
        task=Task(
            Container(
                "public.ecr.aws/nginx/nginx:1.29",
                name="web",
                port=8080,
                environment={"MODE": "fast"},
                secrets={"DB_PASSWORD": ecs.Secret.from_secrets_manager(secret, "password")},
                health_check=HealthCheck("curl -f localhost:8080", start_period=dt.timedelta(seconds=20)),
                stop_timeout=dt.timedelta(seconds=60),
                user="1000",
                writable=["/tmp"],
                depends_on="otel",
            ),
            Container("public.ecr.aws/aws-observability/aws-otel-collector:v0.43.1", name="otel", memory_mib=128),
            cpu=512,
            memory_mib=1024,
            architecture=Architecture.ARM64,
        ),
        scaling=Scaling(3, 30, cpu_percent=60, memory_percent=70, requests_per_task=1000),
        route=Route(edge, host="shop.example.com", path="/v1/*", health="/healthz"),
    )
    assert readable_template(stack) == template_snapshot


def test_tasks_have_no_public_address_and_connect_only_by_https(stack: cdk.Stack, cluster: Cluster) -> None:
    Service(stack, "Web", cluster=cluster, task=WEB)
    result = template(stack)
    result.has_resource_properties(
        "AWS::ECS::Service",
        {
            "NetworkConfiguration": {
                "AwsvpcConfiguration": {"AssignPublicIp": "DISABLED", "Subnets": ["subnet-1", "subnet-2"]}
            }
        },
    )
    result.has_resource_properties(
        "AWS::EC2::SecurityGroup",
        {
            "SecurityGroupEgress": [
                Match.object_like({"CidrIp": "0.0.0.0/0", "FromPort": 443, "ToPort": 443, "IpProtocol": "tcp"})
            ],
            "SecurityGroupIngress": Match.absent(),
        },
    )


def test_other_egress_ports_can_be_opened(stack: cdk.Stack, cluster: Cluster) -> None:
    web = Service(stack, "Web", cluster=cluster, task=WEB, egress=[5432])
    web.connections.allow_from(ec2.Peer.ipv4("10.1.0.0/16"), ec2.Port.tcp(8080))
    template(stack).has_resource_properties(
        "AWS::EC2::SecurityGroup",
        {
            "SecurityGroupEgress": [Match.object_like({"FromPort": 5432, "ToPort": 5432})],
            "SecurityGroupIngress": [Match.object_like({"CidrIp": "10.1.0.0/16", "FromPort": 8080})],
        },
    )


@pytest.mark.parametrize(("name", "says"), [("Web-App", "web-app"), ("w" * 65, Match.absent())])
def test_a_port_has_a_name_that_service_connect_accepts(
    stack: cdk.Stack, cluster: Cluster, name: str, says: Any
) -> None:
    Service(stack, "Web", cluster=cluster, task=Task(Container("redis:8", name=name, port=8080)))
    mapping = Match.object_like({"ContainerPort": 8080, "Name": says})
    template(stack).has_resource_properties(
        "AWS::ECS::TaskDefinition",
        {"ContainerDefinitions": [Match.object_like({"Name": name, "PortMappings": [mapping]})]},
    )


@pytest.mark.parametrize(("egress", "warned"), [([5432], 1), ([], 1), ([5432, 443], 0)])
def test_egress_without_https_warns(
    app: cdk.App, stack: cdk.Stack, cluster: Cluster, egress: list[int], warned: int
) -> None:
    Service(stack, "Web", cluster=cluster, task=WEB, egress=egress)
    warnings = warnings_of(app, "Shop")
    assert len(warnings) == warned
    assert all("egress should contain 443" in each for each in warnings)


def test_a_load_balancer_in_another_vpc_is_refused(stack: cdk.Stack, edge: LoadBalancer) -> None:
    network, other = Network(stack, "Network"), Network(stack, "Other")
    known = ec2.Vpc.from_vpc_attributes(
        stack, "Known", vpc_id="vpc-2", availability_zones=["a"], private_subnet_ids=["subnet-5"]
    )
    for name, vpc, entrance in (
        ("Web", other.vpc, LoadBalancer(stack, "Inner", vpc=network.vpc)),
        ("Api", known, edge),
    ):
        cluster = Cluster(stack, f"{name}Cluster", vpc=vpc)
        with pytest.raises(ValueError, match=f"got {entrance.node.path} in another VPC"):
            Service(stack, name, cluster=cluster, task=WEB, route=Route(entrance))


def test_a_vpc_that_two_stacks_import_is_the_same_vpc(app: cdk.App, edge: LoadBalancer) -> None:
    other = cdk.Stack(app, "Other")
    Service(other, "Web", cluster=Cluster(other, "Cluster", vpc=imported_vpc(other)), task=WEB, route=Route(edge))
    template(other).resource_count_is("AWS::ECS::Service", 1)


def test_a_rollout_keeps_all_tasks_and_rolls_back_by_default(stack: cdk.Stack, cluster: Cluster) -> None:
    Service(stack, "Web", cluster=cluster, task=WEB)
    template(stack).has_resource_properties(
        "AWS::ECS::Service",
        {
            "AvailabilityZoneRebalancing": "ENABLED",
            "DeploymentConfiguration": {
                "DeploymentCircuitBreaker": {"Enable": True, "Rollback": True},
                "MinimumHealthyPercent": 100,
                "MaximumPercent": 200,
            },
            "PropagateTags": "SERVICE",
        },
    )


@pytest.mark.parametrize(("slow", "grace"), [(0, 60), (60, 60), (240, 240)])
def test_the_grace_period_is_at_least_the_start_period_of_a_container(
    stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer, slow: int, grace: int
) -> None:
    check = HealthCheck("true", start_period=dt.timedelta(seconds=slow))
    task = Task(Container("redis:8", port=6379, health_check=check))
    Service(stack, "Web", cluster=cluster, task=task, route=Route(edge))
    template(stack).has_resource_properties("AWS::ECS::Service", {"HealthCheckGracePeriodSeconds": grace})


def test_a_service_has_a_capacity_provider_strategy_and_no_launch_type(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    fargate, spot = Capacity.fargate(), Capacity.fargate_spot()
    cluster = Cluster(stack, "Cluster", vpc=vpc, capacity=[fargate, spot])
    Service(stack, "Web", cluster=cluster, task=WEB, capacity={fargate: 1, spot: 3})
    template(stack).has_resource_properties(
        "AWS::ECS::Service",
        {
            "LaunchType": Match.absent(),
            "CapacityProviderStrategy": [
                {"CapacityProvider": "FARGATE", "Weight": 1},
                {"CapacityProvider": "FARGATE_SPOT", "Weight": 3},
            ],
        },
    )


def test_a_service_is_defined_after_the_capacities_of_its_cluster(stack: cdk.Stack, cluster: Cluster) -> None:
    Service(stack, "Web", cluster=cluster, task=WEB)
    associations = next(iter(template(stack).find_resources("AWS::ECS::ClusterCapacityProviderAssociations")))
    template(stack).has_resource_properties("AWS::ECS::Service", {"Cluster": {"Ref": associations}})


def test_a_deployment_does_not_reset_a_scaled_number_of_copies(stack: cdk.Stack, cluster: Cluster) -> None:
    Service(stack, "Web", cluster=cluster, task=WEB, scaling=Scaling(2, 20, cpu_percent=60))
    template(stack).has_resource_properties("AWS::ECS::Service", {"DesiredCount": Match.absent()})
    template(stack).has_resource_properties(
        "AWS::ApplicationAutoScaling::ScalableTarget", {"MinCapacity": 2, "MaxCapacity": 20}
    )


def test_two_copies_run_by_default(stack: cdk.Stack, cluster: Cluster) -> None:
    Service(stack, "Web", cluster=cluster, task=WEB)
    template(stack).has_resource_properties("AWS::ECS::Service", {"DesiredCount": 2})
    template(stack).resource_count_is("AWS::ApplicationAutoScaling::ScalableTarget", 0)


def test_containers_are_read_only_logged_and_bounded(stack: cdk.Stack, cluster: Cluster) -> None:
    Service(stack, "Web", cluster=cluster, task=WEB)
    template(stack).has_resource_properties(
        "AWS::ECS::TaskDefinition",
        {
            "ContainerDefinitions": [
                Match.object_like(
                    {"ReadonlyRootFilesystem": True, "Memory": 512, "LogConfiguration": Match.any_value()}
                )
            ]
        },
    )
    template(stack).has_resource(
        "AWS::Logs::LogGroup", {"DeletionPolicy": "Retain", "Properties": {"RetentionInDays": 365}}
    )


def test_each_role_has_only_what_the_task_uses(stack: cdk.Stack, cluster: Cluster) -> None:
    Service(stack, "Web", cluster=cluster, task=WEB)
    policies = list(template(stack).find_resources("AWS::IAM::Policy").values())
    assert [statements(policy) for policy in policies] == [["logs:CreateLogStream", "logs:PutLogEvents"]]


def test_only_the_execution_role_may_read_images_and_secrets(stack: cdk.Stack, cluster: Cluster) -> None:
    images = Repository(stack, "Images")
    secret = secretsmanager.Secret(stack, "Secret")
    task = Task(Container(Image.from_repository(images, tag="1.4.2"), secrets={"DB_PASSWORD": secret}))
    Service(stack, "Web", cluster=cluster, task=task)
    policies = template(stack).find_resources("AWS::IAM::Policy")
    assert len(policies) == 1
    (name,) = policies
    assert "ExecutionRole" in name
    granted = statements(policies[name])
    assert {"ecr:BatchGetImage", "secretsmanager:GetSecretValue"} <= set(granted)


def test_permissions_and_grants_go_to_the_task_role(stack: cdk.Stack, cluster: Cluster) -> None:
    may = iam.PolicyStatement(actions=["ses:SendEmail"], resources=["arn:aws:ses:eu-west-1:111111111111:identity/shop"])
    web = Service(stack, "Web", cluster=cluster, task=Task(Container("redis:8"), permissions=[may]))
    table = dynamodb.Table(
        stack, "Table", partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING)
    )
    table.grant_read_data(web)
    (policy,) = [p for n, p in template(stack).find_resources("AWS::IAM::Policy").items() if "TaskRole" in n]
    assert {"ses:SendEmail", "dynamodb:GetItem"} <= set(statements(policy))


def test_a_service_connects_to_another_on_one_port(stack: cdk.Stack, cluster: Cluster) -> None:
    web, api = (Service(stack, name, cluster=cluster, task=WEB) for name in ("Web", "Api"))
    web.connections.allow_to(api, ec2.Port.tcp(8080))
    template(stack).resource_count_is("AWS::EC2::SecurityGroupIngress", 1)
    template(stack).has_resource_properties("AWS::EC2::SecurityGroupIngress", {"FromPort": 8080, "ToPort": 8080})


def test_metrics_have_the_dimensions_of_the_service(stack: cdk.Stack, cluster: Cluster) -> None:
    web = Service(stack, "Web", cluster=cluster, task=WEB)
    assert web.metric_cpu_utilization().metric_name == "CPUUtilization"
    assert web.metric_memory_utilization(statistic="max").statistic == "Maximum"
    assert web.metric("RunningTaskCount", period=cdk.Duration.minutes(1)).period.to_seconds() == 60


def test_inner_resources_are_attributes(stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer) -> None:
    web = Service(stack, "Web", cluster=cluster, task=WEB, route=Route(edge), scaling=Scaling(1, 2, cpu_percent=50))
    assert web.node.default_child is web.service
    assert isinstance(web.task_definition, ecs.FargateTaskDefinition)
    assert [type(group) for group in web.target_groups] == [elbv2.ApplicationTargetGroup]
    assert web.scalable_task_count is not None


def test_a_service_runs_in_any_cluster_of_cdk(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cluster = ecs.Cluster(stack, "Plain", vpc=vpc, enable_fargate_capacity_providers=True)
    Service(stack, "Web", cluster=cluster, task=WEB)
    template(stack).has_resource_properties(
        "AWS::ECS::Service", {"CapacityProviderStrategy": [{"CapacityProvider": "FARGATE", "Weight": 1}]}
    )


def test_given_security_groups_and_log_groups_are_used(stack: cdk.Stack, cluster: Cluster) -> None:
    group = ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-1")
    kept = logs.LogGroup.from_log_group_name(stack, "Kept", "kept")
    Service(stack, "Web", cluster=cluster, task=WEB, security_groups=[group], log_group=kept)
    template(stack).resource_count_is("AWS::EC2::SecurityGroup", 0)
    assert not [each for each in template(stack).find_resources("AWS::Logs::LogGroup") if each.startswith("Web")]


def test_a_route_may_lead_to_a_sidecar(stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer) -> None:
    task = Task(Container("app:1", name="app", port=80), Container("proxy:1", name="proxy", port=8080))
    Service(stack, "Web", cluster=cluster, task=task, route=Route(edge, container="proxy"))
    template(stack).has_resource_properties(
        "AWS::ECS::Service", {"LoadBalancers": [Match.object_like({"ContainerName": "proxy", "ContainerPort": 8080})]}
    )


def test_a_service_reports_all_problems_together_with_its_path(stack: cdk.Stack, cluster: Cluster) -> None:
    with pytest.raises(ValueError, match="Shop/Web: 4 problems") as raised:
        Service(
            stack,
            "Web",
            cluster=cluster,
            task=Task(Container("redis:8", stop_timeout=dt.timedelta(seconds=180)), cpu=1000, memory_mib=1024),
            scaling=Scaling(1, 2, requests_per_task=10),
            capacity=Capacity.fargate_spot(),
        )
    assert str(raised.value) == (
        "Shop/Web: 4 problems\n"
        "  - cpu and memory_mib must be a size that Fargate offers (got cpu=1000, memory_mib=1024); "
        "use cpu=1024, memory_mib=2048 or cpu=512, memory_mib=1024\n"
        "  - stop_timeout of container 'app' must be between 2 and 120 seconds on Fargate (got 180); "
        "use a duration such as cdk.Duration.seconds(30)\n"
        "  - capacity 'FARGATE_SPOT' must be one of the cluster's capacities ('FARGATE'); "
        "add this capacity to capacity=[...] of Cluster(...) or Cluster.from_attributes(...)\n"
        "  - requests_per_task requires a Route, since only routes count requests (got 10); "
        "use route=Route(...), or another target such as cpu_percent="
    )


@pytest.mark.parametrize(
    ("task", "route", "says"),
    [
        (Task(Container("redis:8")), {}, "route for all requests requires a container with a port"),
        (WEB, {"container": "api"}, "must be a container with a port .got 'api'.; use 'web'"),
    ],
)
def test_a_route_needs_a_container_with_a_port(
    stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer, task: Task, route: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        Service(stack, "Web", cluster=cluster, task=task, route=Route(edge, **route))


def test_isolated_subnets_without_endpoints_are_refused_with_their_names(stack: cdk.Stack) -> None:
    network = Network(stack, "Network", nat_gateways=0, endpoints=Endpoints("ecr.api", "logs"))
    task = Task(Container(Image.from_repository(Repository(stack, "Images"), tag="1")))
    with pytest.raises(
        ValueError, match=r"cannot reach 'ecr.dkr', 's3', which the task needs; use Network\(endpoints="
    ):
        Service(stack, "Web", cluster=Cluster(stack, "Cluster", vpc=network.vpc), task=task)


def test_the_computed_endpoints_are_enough_for_a_task(stack: cdk.Stack) -> None:
    task = Task(Container(Image.from_repository(Repository(stack, "Images"), tag="1")))
    network = Network(stack, "Network", nat_gateways=0, endpoints=Endpoints.for_tasks(task))
    Service(stack, "Web", cluster=Cluster(stack, "Cluster", vpc=network.vpc), task=task)
    template(stack).resource_count_is("AWS::EC2::NatGateway", 0)
    template(stack).resource_count_is("AWS::EC2::VPCEndpoint", 4)


def test_a_public_image_needs_the_internet(stack: cdk.Stack) -> None:
    network = Network(stack, "Network", nat_gateways=0)
    with pytest.raises(ValueError, match="cannot reach the internet, which the task needs for an image or a service"):
        Service(stack, "Web", cluster=Cluster(stack, "Cluster", vpc=network.vpc), task=WEB)


@pytest.mark.parametrize("public_address", [True, False])
def test_public_subnets_reach_the_internet_only_with_a_public_address(
    stack: cdk.Stack, *, public_address: bool
) -> None:
    cluster = Cluster(stack, "Cluster", vpc=Network(stack, "Network").vpc)
    public = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)

    def define() -> None:
        Service(stack, "Web", cluster=cluster, task=WEB, vpc_subnets=public, assign_public_ip=public_address)

    if public_address:
        define()
    else:
        with pytest.raises(ValueError, match="cannot reach the internet"):
            define()


def test_isolated_subnets_of_an_unknown_vpc_warn(app: cdk.App) -> None:
    for name, acknowledged in (("Loud", False), ("Quiet", True)):
        stack = cdk.Stack(app, name)
        cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack, isolated=True))
        web = Service(stack, "Web", cluster=cluster, task=WEB)
        if acknowledged:
            cdk.Annotations.of(web).acknowledge_warning("@moorage/ecs:reach")
    (warning,) = warnings_of(app, "Loud")
    assert "no route to the internet, as far as CDK knows, so tasks may not reach internet, logs" in warning
    assert not warnings_of(app, "Quiet")


def test_subnets_with_a_route_to_the_internet_do_not_warn(app: cdk.App, stack: cdk.Stack, cluster: Cluster) -> None:
    Service(stack, "Web", cluster=cluster, task=WEB)
    assert not warnings_of(app, "Shop")


def test_the_log_group_can_be_removed_with_the_stack(stack: cdk.Stack, cluster: Cluster) -> None:
    Service(stack, "Web", cluster=cluster, task=WEB, removal_policy=cdk.RemovalPolicy.DESTROY)
    template(stack).has_resource("AWS::Logs::LogGroup", {"DeletionPolicy": "Delete"})


def statements(policy: Mapping[str, Any]) -> list[str]:
    found = policy["Properties"]["PolicyDocument"]["Statement"]
    return [
        action
        for statement in found
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    ]


@pytest.mark.parametrize(("given", "written"), [(dt.timedelta(seconds=90), 90), (None, None)])
def test_a_grace_period_applies_to_container_health_checks(
    stack: cdk.Stack, cluster: Cluster, given: dt.timedelta | None, written: int | None
) -> None:
    task = Task(Container("redis:8", health_check=HealthCheck("redis-cli ping")))
    Service(stack, "Web", cluster=cluster, task=task, health_check_grace_period=given)
    (service,) = template(stack).find_resources("AWS::ECS::Service").values()
    assert service["Properties"].get("HealthCheckGracePeriodSeconds") == written


def test_a_service_shows_the_way_in_which_it_is_replaced(stack: cdk.Stack, cluster: Cluster) -> None:
    rollout = Rollout.rolling(minimum_healthy_percent=50)
    service = Service(stack, "Web", cluster=cluster, task=WEB, rollout=rollout)
    assert service.rollout == rollout


def test_the_security_groups_of_tasks_are_given_or_defined(stack: cdk.Stack, cluster: Cluster, vpc: ec2.IVpc) -> None:
    group = ec2.SecurityGroup(stack, "Group", vpc=vpc)
    with pytest.raises(ValueError, match="since egress applies only to a new"):
        Service(stack, "Web", cluster=cluster, task=WEB, security_groups=[group], egress=[5432])
