"""Services in VPC Lattice."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk.assertions import Match

from moorage import Capacity, Cluster, Container, Lattice, NetworkMode, Rollout, Service, TargetHealth, Task
from moorage.testing import readable_template
from tests.conftest import imported_vpc, template

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

PREFIXES = "pl-0a1b2c3d"
GROUP = "arn:aws:vpc-lattice:eu-west-1:111111111111:targetgroup/tg-0123456789abcdef0"
SERVICE, TARGETS = "AWS::ECS::Service", "AWS::VpcLattice::TargetGroup"
WEB = Container("public.ecr.aws/nginx/nginx:1.29", name="Web", port=8080)


def service(stack: cdk.Stack, task: Task | None = None, **said: Any) -> Service:
    vpc = imported_vpc(stack)
    cluster = Cluster(stack, "Cluster", vpc=vpc, failure_events=False)
    return Service(stack, "Web", cluster=cluster, task=task or Task(WEB), **{"lattice": Lattice(PREFIXES), **said})


def test_whole_template(stack: cdk.Stack, template_snapshot: SnapshotAssertion) -> None:
    service(stack, lattice=Lattice(PREFIXES, health=TargetHealth("/healthz", codes="200-299")))
    assert readable_template(stack) == template_snapshot


def test_ecs_may_register_tasks_only_in_the_target_group_of_the_service(stack: cdk.Stack) -> None:
    (group,) = service(stack).lattice_target_groups
    made = template(stack)
    arn = stack.resolve(group.attr_arn)
    (said,) = next(iter(made.find_resources(SERVICE).values()))["Properties"]["VpcLatticeConfigurations"]
    assert (said["PortName"], said["TargetGroupArn"]) == ("web", arn)
    (policy,) = (
        each
        for each in made.find_resources("AWS::IAM::Policy").values()
        if "vpc-lattice:RegisterTargets" in str(each["Properties"]["PolicyDocument"])
    )
    of_lattice, reads = policy["Properties"]["PolicyDocument"]["Statement"]
    assert of_lattice["Resource"] == arn
    assert all(each.startswith("vpc-lattice:") for each in of_lattice["Action"])
    assert reads["Resource"] == "*"
    assert all(each.startswith("ec2:Describe") for each in reads["Action"])
    role = policy["Properties"]["Roles"][0]["Ref"]
    assert said["RoleArn"] == {"Fn::GetAtt": [role, "Arn"]}
    trusted = made.find_resources("AWS::IAM::Role")[role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert [each["Principal"] for each in trusted] == [{"Service": "ecs.amazonaws.com"}]


def test_the_service_is_deleted_before_the_role_that_deregisters_its_targets(stack: cdk.Stack) -> None:
    service(stack)
    (found,) = template(stack).find_resources(SERVICE).values()
    assert {"WebLatticeRole", "WebLatticeRoleDefaultPolicy"} <= {each[:-8] for each in found["DependsOn"]}


def test_tasks_allow_vpc_lattice_only_on_their_port(stack: cdk.Stack) -> None:
    service(stack)
    (rule,) = template(stack).find_resources("AWS::EC2::SecurityGroupIngress").values()
    properties = rule["Properties"]
    assert (properties["SourcePrefixListId"], properties["FromPort"], properties["ToPort"]) == (PREFIXES, 8080, 8080)


def test_tasks_have_time_to_start_before_failed_checks_count(stack: cdk.Stack) -> None:
    service(stack)
    template(stack).has_resource_properties(SERVICE, {"HealthCheckGracePeriodSeconds": 60})


def test_targets_are_addresses_with_a_health_check(stack: cdk.Stack) -> None:
    service(stack, lattice=Lattice(PREFIXES, health="/healthz"))
    check = {"Enabled": True, "Path": "/healthz", "Matcher": {"HttpCode": "200"}, "HealthCheckIntervalSeconds": 10}
    config = {"Port": 80, "Protocol": "HTTP", "VpcIdentifier": "vpc-1", "HealthCheck": Match.object_like(check)}
    template(stack).has_resource_properties(TARGETS, {"Type": "IP", "Config": config})


def test_another_container_port_replaces_no_target_group() -> None:
    """Config.Port is create-only: the listener would forward to a new target group without targets."""
    found = []
    for port in (8080, 9090):
        stack = cdk.Stack(cdk.App(), "Shop")
        service(stack, Task(Container("redis:8", name="web", port=port)))
        found.append(template(stack).find_resources(TARGETS))
    assert found[0] == found[1]


def test_an_existing_target_group_is_used(stack: cdk.Stack) -> None:
    assert service(stack, lattice=Lattice(PREFIXES, target_group_arn=GROUP)).lattice_target_groups == ()
    template(stack).resource_count_is(TARGETS, 0)
    template(stack).has_resource_properties(
        SERVICE, {"VpcLatticeConfigurations": [Match.object_like({"TargetGroupArn": GROUP})]}
    )


@pytest.mark.parametrize(("other", "removed"), [(GROUP, False), (GROUP, True), (GROUP[:-1] + "1", False)])
def test_an_existing_target_group_of_two_services_is_refused(
    app: cdk.App, stack: cdk.Stack, *, other: str, removed: bool
) -> None:
    first = service(stack, lattice=Lattice(PREFIXES, target_group_arn=GROUP))
    second_stack = cdk.Stack(app, "Second")
    lattice = Lattice(PREFIXES, target_group_arn=other)
    Service(second_stack, "Api", cluster=first._plan.launch.cluster, task=Task(WEB), lattice=lattice)
    if removed:
        stack.node.try_remove_child("Web")
    if other == GROUP and not removed:
        with pytest.raises(RuntimeError, match="Shop/Web and Second/Api are both in the target group .* one service"):
            app.synth()
    else:
        app.synth()


def test_each_container_may_have_a_target_group_of_its_own(stack: cdk.Stack) -> None:
    admin = Container("redis:8", name="admin", port=9090)
    both = [Lattice(PREFIXES), Lattice(PREFIXES, container="admin")]
    made = service(stack, Task(WEB, admin), lattice=both)
    assert [each.node.id for each in made.lattice_target_groups] == ["LatticeTargetGroup", "LatticeTargetGroup-admin"]
    (found,) = template(stack).find_resources(SERVICE).values()
    assert [each["PortName"] for each in found["Properties"]["VpcLatticeConfigurations"]] == ["web", "admin"]


def test_the_id_of_a_target_group_follows_from_its_container_and_not_from_the_order(stack: cdk.Stack) -> None:
    admin = Container("redis:8", name="admin", port=9090)
    others = [Lattice(PREFIXES, container="admin"), Lattice(PREFIXES), Lattice(PREFIXES)]
    made = service(stack, Task(WEB, admin), lattice=others)
    assert [each.node.id for each in made.lattice_target_groups] == [
        "LatticeTargetGroup-admin",
        "LatticeTargetGroup",
        "LatticeTargetGroup1",
    ]


def test_a_port_may_be_a_token(stack: cdk.Stack) -> None:
    port: Any = cdk.CfnParameter(stack, "Port", type="Number").value_as_number
    service(stack, Task(Container("redis:8", name="web", port=port)), lattice=Lattice(PREFIXES), egress=[port])
    assert "e+2" not in json.dumps(template(stack).to_json())


def test_a_target_group_of_another_region_is_refused(app: cdk.App) -> None:
    here = cdk.Stack(app, "Here", env=cdk.Environment(account="111111111111", region="us-east-1"))
    with pytest.raises(ValueError, match="target_group_arn of lattice must be in region us-east-1"):
        service(here, lattice=Lattice(PREFIXES, target_group_arn=GROUP))


def test_a_prefix_list_may_be_one_of_cdk(stack: cdk.Stack) -> None:
    assert Lattice(ec2.PrefixList.from_prefix_list_id(stack, "Lattice", PREFIXES)).prefix_list == PREFIXES


def test_a_service_without_lattice_has_no_lattice_resources(stack: cdk.Stack) -> None:
    assert service(stack, lattice=()).lattice_target_groups == ()
    (found,) = template(stack).find_resources(SERVICE).values()
    assert "VpcLatticeConfigurations" not in found["Properties"]
    template(stack).resource_count_is(TARGETS, 0)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (
            {"task": Task(Container("redis:8"))},
            "lattice requires a container with a port, and no container of the task has a port; use Cont",
        ),
        (
            {"lattice": Lattice(PREFIXES, container="api")},
            "container of lattice must be a container with a port (got 'api'); use 'W",
        ),
        (
            {"task": Task(Container("redis:8", name="x" * 65, port=80))},
            "since its port has the same name; use another Container(name=...)",
        ),
        (
            {"rollout": Rollout.blue_green()},
            "rollout must be Rollout.rolling() if lattice is given",
        ),
        (
            {"health_check_grace_period": cdk.Duration.seconds(90), "lattice": ()},
            "health_check_grace_period requires a health check",
        ),
    ],
)
def test_a_service_that_vpc_lattice_cannot_reach_is_refused(
    stack: cdk.Stack, said: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ValueError, match="Shop/Web: ") as raised:
        service(stack, **said)
    assert problem in str(raised.value)


def test_tasks_without_an_address_are_refused(stack: cdk.Stack) -> None:
    fleet = Capacity.ec2("fleet", instance_types=["m7i.large"], max_instances=2)
    cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=[fleet])
    task = Task(WEB, network_mode=NetworkMode.BRIDGE)
    with pytest.raises(
        ValueError,
        match="lattice requires network mode awsvpc .got bridge., since its targets are the IP addresses of tasks",
    ):
        Service(stack, "Web", cluster=cluster, task=task, lattice=Lattice(PREFIXES))


def test_health_for_an_existing_target_group_is_refused() -> None:
    with pytest.raises(
        ValueError,
        match="Lattice: health must not be used with target_group_arn, since the existing target group has its own",
    ):
        Lattice(PREFIXES, target_group_arn=GROUP, health="/healthz")


def test_tokens_pass(stack: cdk.Stack) -> None:
    listed, group = cdk.CfnParameter(stack, "List"), cdk.CfnParameter(stack, "Group")
    Lattice(listed.value_as_string, target_group_arn=group.value_as_string)


def test_a_service_of_any_cluster_may_be_in_vpc_lattice(stack: cdk.Stack) -> None:
    cluster = ecs.Cluster.from_cluster_attributes(stack, "Theirs", cluster_name="theirs", vpc=imported_vpc(stack))
    Service(stack, "Web", cluster=cluster, task=Task(WEB), lattice=Lattice(PREFIXES))
    template(stack).resource_count_is(TARGETS, 1)


def test_a_service_may_be_in_one_target_group_by_two_of_its_addresses(app: cdk.App, stack: cdk.Stack) -> None:
    twice = [Lattice(PREFIXES, target_group_arn=GROUP), Lattice("pl-1a2b3c4d", target_group_arn=GROUP)]
    service(stack, lattice=twice)
    app.synth()
