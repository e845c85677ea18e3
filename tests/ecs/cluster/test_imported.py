"""Imported clusters work like those of the app, and stacks never depend on each other in a cycle."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_efs as efs
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_servicediscovery as servicediscovery
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

from moorage import (
    Capacity,
    Cluster,
    Container,
    Dashboard,
    ExecSessions,
    FailureEvents,
    Job,
    Lattice,
    Listener,
    LoadBalancer,
    NetworkLoadBalancer,
    NetworkMode,
    Placement,
    Rollout,
    Route,
    Scaling,
    Service,
    ServiceAlarms,
    ServiceConnect,
    Strategy,
    Task,
    Volume,
    Worker,
)
from moorage.testing import readable_template
from tests.conftest import imported_vpc, template

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

ARN = "arn:aws:ecs:eu-west-1:111111111111:cluster/theirs"
IRELAND = cdk.Environment(account="111111111111", region="eu-west-1")
WEB = Task(Container("redis:8", name="web", port=6379))
BRIDGED = Task(Container("redis:8", name="web", port=6379), network_mode=NetworkMode.BRIDGE)
GENERAL = Capacity.from_provider_name("general")
NIGHTLY = scheduler.ScheduleExpression.cron(hour="3", minute="0")


def existing(stack: cdk.Stack, **given: Any) -> ecs.ICluster:
    return Cluster.from_attributes(stack, "Theirs", **{"cluster_name": "theirs", "vpc": imported_vpc(stack), **given})


def properties(stack: cdk.Stack, resource_type: str) -> dict[str, Any]:
    (found,) = template(stack).find_resources(resource_type).values()
    return dict(found["Properties"])


def test_whole_template(app: cdk.App, template_snapshot: SnapshotAssertion) -> None:
    stack = cdk.Stack(app, "Shop", env=IRELAND)
    cluster = existing(stack, cluster_name=None, cluster_arn=ARN, namespace="store")
    Service(stack, "Web", cluster=cluster, task=WEB, connect=ServiceConnect())
    assert readable_template(stack) == template_snapshot


def test_every_construct_accepts_an_imported_cluster(stack: cdk.Stack) -> None:
    cluster = existing(stack, namespace="store")
    edge = LoadBalancer(stack, "Edge", vpc=cluster.vpc)
    web = Service(
        stack, "Web", cluster=cluster, task=WEB, route=Route(edge), connect=ServiceConnect(), rollout=Rollout.canary()
    )
    worker = Worker(
        stack,
        "Mailer",
        cluster=cluster,
        task=Task(Container("redis:8")),
        scaling=Scaling(0, 2, backlog_per_task=9),
        connect=ServiceConnect(),
    )
    Job(stack, "Nightly", cluster=cluster, task=Task(Container("redis:8")), schedule=NIGHTLY, overlap=False)
    assert worker.service.connect_to(web) == "http://web"
    FailureEvents(stack, "Seen", cluster=cluster)
    ServiceAlarms(stack, "Alarms", service=web, topic=sns.Topic(stack, "Topic"))
    Dashboard(stack, "Dashboard", services=[web, worker])
    found = template(stack)
    found.resource_count_is("AWS::ECS::Cluster", 0)
    found.all_resources_properties("AWS::ECS::Service", {"Cluster": "theirs"})
    found.resource_count_is("AWS::ECS::Service", 2)
    assert "What failed" in json.dumps(properties(stack, "AWS::CloudWatch::Dashboard"))
    alarms = json.dumps(found.find_resources("AWS::CloudWatch::Alarm"))
    assert '{"Name": "ClusterName", "Value": "theirs"}' in alarms


def test_failure_events_and_dashboards_of_an_imported_cluster_need_no_vpc(stack: cdk.Stack) -> None:
    cluster = Cluster.from_attributes(stack, "Theirs", cluster_arn=ARN)
    FailureEvents(stack, "Seen", cluster=cluster)
    for rule in template(stack).find_resources("AWS::Events::Rule").values():
        assert ARN in json.dumps(rule["Properties"]["EventPattern"])


@pytest.mark.parametrize("define", [Cluster.from_attributes, ecs.Cluster.from_cluster_arn])
def test_a_task_without_a_known_vpc_is_refused_with_the_way_out(stack: cdk.Stack, define: Any) -> None:
    given = {"cluster_arn": ARN}
    cluster = define(stack, "Theirs", **given) if define == Cluster.from_attributes else define(stack, "Theirs", ARN)
    with pytest.raises(ValueError, match="the VPC of this imported cluster is not known") as refused:
        Service(stack, "Web", cluster=cluster, task=WEB)
    assert str(refused.value) == (
        "Shop/Theirs: the VPC of this imported cluster is not known, but tasks need a VPC; "
        "use Cluster.from_attributes(..., vpc=...)"
    )


def test_a_cluster_name_may_be_a_token(stack: cdk.Stack) -> None:
    told = cdk.CfnParameter(stack, "ClusterArn").value_as_string
    cluster = existing(stack, cluster_name=None, cluster_arn=told)
    Service(stack, "Web", cluster=cluster, task=WEB)
    name = {"Fn::Select": [1, {"Fn::Split": [":cluster/", {"Ref": "ClusterArn"}]}]}
    assert properties(stack, "AWS::ECS::Service")["Cluster"] == name


def test_service_connect_needs_the_namespace_of_the_imported_cluster(stack: cdk.Stack) -> None:
    with pytest.raises(
        ValueError, match=r"with a namespace; .* existing cluster Cluster.from_attributes\(namespace='...'\)"
    ):
        Service(stack, "Web", cluster=existing(stack), task=WEB, connect=ServiceConnect())


def test_a_namespace_may_be_a_name_an_arn_or_a_construct(stack: cdk.Stack) -> None:
    namespace = servicediscovery.PrivateDnsNamespace.from_private_dns_namespace_attributes(
        stack, "Names", namespace_arn="arn:names", namespace_id="ns-1", namespace_name="store"
    )
    cluster = existing(stack, namespace=namespace)
    Service(stack, "Web", cluster=cluster, task=WEB, connect=ServiceConnect())
    Service(stack, "Api", cluster=cluster, task=WEB, cloud_map_options=ecs.CloudMapOptions(name="api"))
    template(stack).has_resource_properties(
        "AWS::ECS::Service", {"ServiceConnectConfiguration": {"Namespace": "arn:names"}}
    )
    template(stack).has_resource_properties("AWS::ServiceDiscovery::Service", {"NamespaceId": "ns-1"})


def test_the_first_capacity_is_the_default_of_services(stack: cdk.Stack) -> None:
    spot = Capacity.fargate_spot()
    cluster = existing(stack, capacity=[GENERAL, spot, managed := managed_instances()])
    Service(stack, "Web", cluster=cluster, task=WEB)
    Service(stack, "Api", cluster=cluster, task=WEB, capacity=Strategy(spot))
    Service(stack, "Old", cluster=cluster, task=WEB, capacity=managed)
    found = template(stack).find_resources("AWS::ECS::Service").values()
    used = [each["Properties"]["CapacityProviderStrategy"][0]["CapacityProvider"] for each in found]
    assert used == ["general", "FARGATE_SPOT", "managed"]
    compatible = template(stack).find_resources("AWS::ECS::TaskDefinition").values()
    assert [each["Properties"]["RequiresCompatibilities"] for each in compatible] == [
        ["EC2"],
        ["FARGATE"],
        ["MANAGED_INSTANCES"],
    ]


def managed_instances() -> Capacity:
    return Capacity.from_provider_name("managed", managed_instances=True)


def test_a_capacity_that_the_imported_cluster_lacks_is_refused(stack: cdk.Stack) -> None:
    cluster = existing(stack, capacity=[GENERAL])
    with pytest.raises(
        ValueError,
        match=r"'FARGATE' must be one of the cluster's capacities \('general'\); add this capacity to capacity=",
    ):
        Service(stack, "Web", cluster=cluster, task=WEB, capacity=Capacity.fargate())


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"cluster_name": None}, r"exactly one of cluster_name and cluster_arn must be given \(got neither\)"),
        ({"cluster_arn": ARN}, r"exactly one of cluster_name and cluster_arn must be given \(got both\)"),
        (
            {"cluster_name": None, "cluster_arn": ARN.replace("eu-west-1", "us-east-1")},
            r"cluster_arn must be in the stack's region eu-west-1 \(got us-east-1\), since tasks run where their "
            r"cluster is; use a stack with env=Environment\(region='us-east-1'\)",
        ),
        (
            {"cluster_name": None, "cluster_arn": ARN.replace("1" * 12, "2" * 12)},
            r"cluster_arn must be in the stack's account 111111111111 \(got 222222222222\)",
        ),
        ({"capacity": []}, "capacity must not be empty"),
        ({"capacity": [GENERAL, GENERAL]}, r"names of capacities must be unique \(got 'general', 'general'\)"),
        (
            {"capacity": [Capacity.ec2("ours", instance_types=["m7i.large"], max_instances=2)]},
            r"capacity 'ours' must exist already, .*; use Capacity.from_provider_name\(...\)",
        ),
    ],
)
def test_arguments_that_identify_no_cluster_are_refused(app: cdk.App, given: dict[str, Any], says: str) -> None:
    stack = cdk.Stack(app, "Here", env=IRELAND)
    with pytest.raises(ValueError, match=f"Here/Theirs: {says}"):
        existing(stack, **given)


def test_a_load_balancer_reaches_the_instances_through_their_security_group(stack: cdk.Stack) -> None:
    group = ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-1")
    edge = LoadBalancer(stack, "Edge", vpc=imported_vpc(cdk.Stack(stack, "Net")), access_logs=False)
    cluster = existing(stack, capacity=[GENERAL], security_groups=[group])
    web = Service(stack, "Web", cluster=cluster, task=BRIDGED, route=Route(edge))
    web.connections.allow_from(ec2.Peer.ipv4("10.1.0.0/16"), ec2.Port.tcp(6379))
    opened = template(stack).find_resources("AWS::EC2::SecurityGroupIngress").values()
    assert {each["Properties"]["GroupId"] for each in opened} == {"sg-1"}
    assert sorted(each["Properties"]["FromPort"] for each in opened) == [6379, 32768]


def test_a_rule_for_instances_with_an_unknown_security_group_is_refused(stack: cdk.Stack) -> None:
    cluster = existing(stack, capacity=[GENERAL], namespace="store")
    edge = LoadBalancer(stack, "Edge", vpc=imported_vpc(cdk.Stack(stack, "Net")), access_logs=False)
    with pytest.raises(
        ValueError, match=r"or pass the security group to Cluster.from_attributes\(security_groups=\[...\]\)"
    ):
        Service(stack, "Web", cluster=cluster, task=BRIDGED, route=Route(edge))
    web = Service(stack, "Web", cluster=cluster, task=BRIDGED, connect=ServiceConnect())
    api = Service(stack, "Api", cluster=cluster, task=WEB, connect=ServiceConnect(name="api"))
    with pytest.raises(ValueError, match="Shop/Web: the security groups of the cluster's instances are not known"):
        web.connections.allow_from_any_ipv4(ec2.Port.tcp(6379))
    with pytest.raises(ValueError, match="Shop/Web runs on instances whose security group is not known"):
        api.connect_to(web)


def test_a_daemon_on_an_imported_cluster_must_name_all_its_capacities(stack: cdk.Stack) -> None:
    other = Capacity.from_provider_name("other")
    cluster = existing(stack, capacity=[GENERAL, other, Capacity.fargate()])
    daemon = Placement.on_each_instance()
    with pytest.raises(
        ValueError,
        match=r"a daemon cannot be limited to the instances of capacity 'general', .* and in Cluster.from_attributes",
    ):
        Service(stack, "Agent", cluster=cluster, task=WEB, placement=daemon)
    Service(stack, "Agent", cluster=cluster, task=WEB, placement=daemon, capacity={GENERAL: 1, other: 1})
    service = properties(stack, "AWS::ECS::Service")
    assert (service["SchedulingStrategy"], "PlacementConstraints" in service) == ("DAEMON", False)


def test_the_task_role_may_record_sessions_of_an_imported_cluster(stack: cdk.Stack) -> None:
    sessions = ExecSessions(
        key=kms.Key.from_key_arn(stack, "Key", "arn:aws:kms:eu-west-1:111111111111:key/1a2b"),
        log_group=logs.LogGroup.from_log_group_name(stack, "Kept", "their-sessions"),
    )
    task = Task(Container("redis:8"), execute_command=True)
    Service(stack, "Web", cluster=existing(stack, exec_sessions=sessions), task=task)
    policies = json.dumps(template(stack).find_resources("AWS::IAM::Policy"))
    assert "their-sessions" in policies
    assert '"Action": "kms:Decrypt", "Effect": "Allow", "Resource": "arn:aws:kms:eu-west-1' in policies
    template(stack).resource_count_is("AWS::KMS::Key", 0)


def test_a_vpc_from_a_lookup_works_with_every_construct() -> None:
    key = "vpc-provider:account=111111111111:filter.vpc-id=vpc-1:region=eu-west-1:returnAsymmetricSubnets=true"
    app = cdk.App(analytics_reporting=False, context={key: LOOKED_UP})
    stack = cdk.Stack(app, "Shop", env=IRELAND)
    vpc = ec2.Vpc.from_lookup(stack, "Vpc", vpc_id="vpc-1")
    instances = Capacity.ec2("general", instance_types=["m7i.large"], max_instances=2)
    cluster = Cluster(stack, "Cluster", vpc=vpc, capacity=[Capacity.fargate(), instances])
    edge = LoadBalancer(stack, "Edge", vpc=vpc)
    web = Service(stack, "Web", cluster=cluster, task=WEB, route=Route(edge))
    Service(stack, "Old", cluster=cluster, task=BRIDGED, route=Route(edge, path="/old/*"), capacity=instances)
    Worker(
        stack,
        "Mailer",
        cluster=cluster,
        task=Task(Container("redis:8")),
        scaling=Scaling(0, 2, backlog_per_task=9),
        capacity=Capacity.fargate(),
    )
    Job(stack, "Nightly", cluster=cluster, task=Task(Container("redis:8")), schedule=NIGHTLY)
    template(stack).has_resource_properties(
        "AWS::ECS::Service",
        {"NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": ["subnet-1", "subnet-2"]}}},
    )
    estimate = web.estimate()
    assert estimate
    assert estimate.zones == 2


LOOKED_UP = {
    "vpcId": "vpc-1",
    "vpcCidrBlock": "10.0.0.0/16",
    "availabilityZones": [],
    "subnetGroups": [
        {
            "name": kind,
            "type": kind,
            "subnets": [
                {
                    "subnetId": f"subnet-{first + index}",
                    "cidr": f"10.0.{first + index}.0/24",
                    "availabilityZone": f"eu-west-1{zone}",
                    "routeTableId": f"rtb-{first + index}",
                }
                for index, zone in enumerate("ab")
            ],
        }
        for kind, first in (("Private", 1), ("Public", 3))
    ],
}


def test_services_of_other_stacks_do_not_depend_on_their_platform_in_a_cycle(app: cdk.App) -> None:
    """Pass constructs of a platform's stack to a service: each might make the platform depend on the service."""
    platform = cdk.Stack(app, "Platform", env=IRELAND)
    first, second = (cdk.Stack(app, name, env=IRELAND) for name in ("First", "Second"))
    key = kms.Key(platform, "Key")
    topic = sns.Topic(platform, "Topic", master_key=key)
    instances = Capacity.ec2("general", instance_types=["m7i.large", "m6i.large"], max_instances=9)
    cluster = Cluster(
        platform,
        "Cluster",
        vpc=imported_vpc(platform),
        capacity=[Capacity.fargate(), instances],
        namespace="store",
        failure_topic=topic,
        exec_sessions=ExecSessions(key=key),
    )
    edge = LoadBalancer(platform, "Edge", vpc=cluster.vpc)
    gate = NetworkLoadBalancer(platform, "Gate", vpc=cluster.vpc)
    secret = secretsmanager.Secret(platform, "Secret", encryption_key=key)
    files = efs.FileSystem(platform, "Files", vpc=cluster.vpc)
    queue = sqs.Queue(platform, "Queue", encryption_master_key=key, visibility_timeout=cdk.Duration.minutes(2))
    api = Service(
        first,
        "Api",
        cluster=cluster,
        task=Task(
            Container("redis:8", name="api", port=6379, secrets={"PASSWORD": secret}, mounts={"/files": "files"}),
            volumes=Volume.efs("files", files),
            execute_command=True,
        ),
        connect=ServiceConnect(),
        route=[Route(edge, path="/api/*"), Listener(gate, 6379, test_port=6380)],
        rollout=Rollout.canary(),
    )
    api.redeploy_on_rotation()
    old = Service(
        first, "Old", cluster=cluster, task=BRIDGED, capacity=instances, connect=ServiceConnect(name="old"),
        route=Route(edge, path="/old/*"),
    )  # fmt: skip
    web = Service(
        second, "Web", cluster=cluster, task=WEB, connect=ServiceConnect(), route=[Route(edge), Listener(gate, 9000)],
        lattice=Lattice("pl-0a1b2c3d"),
    )  # fmt: skip
    Worker(second, "Mailer", cluster=cluster, task=WEB, queue=queue, scaling=Scaling(0, 2, backlog_per_task=9))
    Job(second, "Nightly", cluster=cluster, task=Task(Container("redis:8")), schedule=NIGHTLY, overlap=False)
    ServiceAlarms(second, "Alarms", service=web, topic=topic)
    Dashboard(second, "Dashboard", services=[web, api])
    for other in (api, old):
        web.connect_to(other)
    old.connect_to(api)
    web.connections.allow_to(edge, ec2.Port.tcp(443))
    app.synth()
    needed = {stack.stack_name: {each.stack_name for each in stack.dependencies} for stack in (platform, first, second)}
    assert needed == {"Platform": set(), "First": {"Platform"}, "Second": {"Platform", "First"}}


def test_the_arguments_of_an_imported_cluster_must_be_in_its_region(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Shop", env=IRELAND)
    elsewhere = "us-east-1:111111111111"
    key = kms.Key.from_key_arn(stack, "Key", f"arn:aws:kms:{elsewhere}:key/1a2b")
    namespace = f"arn:aws:servicediscovery:{elsewhere}:namespace/ns-1a2b"
    with pytest.raises(ValueError, match="Shop/Theirs: 2 problems") as error:
        existing(stack, exec_sessions=ExecSessions(key=key), namespace=namespace)
    for argument in ("namespace", "key of exec_sessions"):
        assert f"{argument} must be in region eu-west-1" in str(error.value)
