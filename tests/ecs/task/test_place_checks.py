"""The arguments of a service must belong to its account, region, stage and VPC, as far as these are known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_servicediscovery as servicediscovery
from constructs import Construct

from moorage import Cluster, Container, Image, Network, Service, Task

HERE = cdk.Environment(account="111111111111", region="eu-west-1")
THERE = cdk.Environment(account="111111111111", region="us-east-1")
THEIRS = cdk.Environment(account="222222222222", region="eu-west-1")


def serve(stack: cdk.Stack, *, image: Any = "redis:8", secret: Any = None, **arguments: Any) -> Service:
    container = Container(image, port=6379, secrets={} if secret is None else {"PASSWORD": secret})
    cluster = arguments.pop("cluster", None) or Cluster(stack, "Cluster", vpc=Network(stack, "Network").vpc)
    return Service(stack, "Web", cluster=cluster, task=Task(container), **arguments)


def group(stack: cdk.Stack) -> dict[str, Any]:
    return {"log_group": logs.LogGroup(stack, "Logs")}


def cluster(stack: cdk.Stack) -> dict[str, Any]:
    return {"cluster": Cluster(stack, "Cluster", vpc=Network(stack, "Network").vpc)}


def secret(stack: cdk.Stack) -> dict[str, Any]:
    return {"secret": secretsmanager.Secret(stack, "Secret")}


def field(stack: cdk.Stack) -> dict[str, Any]:
    return {"secret": ecs.Secret.from_secrets_manager(secretsmanager.Secret(stack, "Secret"))}


def security_group(stack: cdk.Stack) -> dict[str, Any]:
    return {"security_groups": [ec2.SecurityGroup(stack, "Group", vpc=Network(stack, "Network").vpc)]}


def names(stack: cdk.Stack) -> dict[str, Any]:
    namespace = servicediscovery.HttpNamespace(stack, "Names", name="shop")
    return {"cloud_map_options": ecs.CloudMapOptions(cloud_map_namespace=namespace)}


@pytest.mark.parametrize(
    ("make", "argument"),
    [
        (cluster, "cluster"),
        (group, "log_group"),
        (secret, "secret 'PASSWORD' of container 'app'"),
        (field, "secret 'PASSWORD' of container 'app'"),
        (security_group, "each item of security_groups"),
        (names, "cloud_map_options"),
    ],
)
def test_resources_of_another_region_are_refused(
    app: cdk.App, make: Callable[[cdk.Stack], dict[str, Any]], argument: str
) -> None:
    given = make(cdk.Stack(app, "There", env=THERE))
    with pytest.raises(ValueError, match=rf"{argument} must be in region eu-west-1, .*\(got region us-east-1\)"):
        serve(cdk.Stack(app, "Here", env=HERE), **given)


@pytest.mark.parametrize(
    ("make", "argument"),
    [(cluster, "cluster"), (group, "log_group"), (security_group, "each item of security_groups")],
)
def test_resources_of_another_account_are_refused(
    app: cdk.App, make: Callable[[cdk.Stack], dict[str, Any]], argument: str
) -> None:
    given = make(cdk.Stack(app, "Theirs", env=THEIRS))
    with pytest.raises(
        ValueError, match=rf"{argument} must be in account 111111111111, .*\(got account 222222222222\)"
    ):
        serve(cdk.Stack(app, "Here", env=HERE), **given)


@pytest.mark.parametrize(
    ("make", "argument"),
    [
        (cluster, "cluster"),
        (secret, "secret 'PASSWORD' of container 'app'"),
        (
            lambda stack: {"image": Image.from_repository(ecr.Repository(stack, "Images"), tag="1")},
            "image of container",
        ),
    ],
)
def test_resources_of_another_stage_are_refused(
    app: cdk.App, make: Callable[[cdk.Stack], dict[str, Any]], argument: str
) -> None:
    def stack_of(stage: str) -> cdk.Stack:
        return cdk.Stack(cdk.Stage(app, stage), "Shop")

    with pytest.raises(ValueError, match=rf"{argument}.* must be in the stage 'production', .*\(got stage 'dev'\)"):
        serve(stack_of("production"), **make(stack_of("dev")))


def test_resources_that_aws_accepts_from_elsewhere_are_accepted(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Here", env=HERE)
    theirs = ecr.Repository.from_repository_arn(stack, "Theirs", "arn:aws:ecr:us-east-1:222222222222:repository/web")
    database = secretsmanager.Secret.from_secret_complete_arn(
        stack, "Database", "arn:aws:secretsmanager:eu-west-1:222222222222:secret:db-AbCdEf"
    )
    serve(stack, image=Image.from_repository(theirs, tag="1"), secret=database)


def imported(stack: cdk.Stack, vpc_id: str = "vpc-2") -> ec2.IVpc:
    return ec2.Vpc.from_vpc_attributes(
        stack, vpc_id, vpc_id=vpc_id, availability_zones=["a", "b"], private_subnet_ids=["subnet-1", "subnet-2"]
    )


def in_group(vpc: ec2.IVpc, scope: Construct) -> dict[str, Any]:
    return {"security_groups": [ec2.SecurityGroup(scope, "Group", vpc=vpc)]}


def in_subnets(vpc: ec2.IVpc, _scope: Construct) -> dict[str, Any]:
    return {"vpc_subnets": ec2.SubnetSelection(subnets=vpc.private_subnets)}


@pytest.mark.parametrize(("place", "argument"), [(in_group, "security_groups"), (in_subnets, "vpc_subnets")])
@pytest.mark.parametrize("other", [imported, lambda stack: Network(stack, "Other").vpc])
@pytest.mark.parametrize("own", [lambda stack: imported(stack, "vpc-1"), lambda stack: Network(stack, "Own").vpc])
def test_resources_of_another_vpc_are_refused(
    stack: cdk.Stack,
    own: Callable[[cdk.Stack], ec2.IVpc],
    place: Callable[[ec2.IVpc, Construct], dict[str, Any]],
    argument: str,
    other: Callable[[cdk.Stack], ec2.IVpc],
) -> None:
    with pytest.raises(ValueError, match=f"each item of {argument} must be in the VPC "):
        serve(stack, cluster=Cluster(stack, "Cluster", vpc=own(stack)), **place(other(stack), stack))


@pytest.mark.parametrize("place", [in_group, in_subnets])
def test_resources_of_the_same_vpc_are_accepted(
    stack: cdk.Stack, place: Callable[[ec2.IVpc, Construct], dict[str, Any]]
) -> None:
    vpc = imported(stack)
    serve(stack, cluster=Cluster(stack, "Cluster", vpc=vpc), **place(imported(cdk.Stack(stack, "Again")), stack))


def test_a_vpc_whose_id_is_a_token_is_accepted(stack: cdk.Stack) -> None:
    unknown = ec2.Vpc.from_vpc_attributes(
        stack, "Unknown", vpc_id=cdk.Fn.import_value("Vpc"), availability_zones=["a"], private_subnet_ids=["subnet-1"]
    )
    serve(stack, cluster=Cluster(stack, "Cluster", vpc=imported(stack)), **in_group(unknown, stack))


def test_resources_that_are_known_only_by_their_id_are_accepted(stack: cdk.Stack) -> None:
    subnets = ec2.SubnetSelection(subnets=[ec2.Subnet.from_subnet_id(stack, "Subnet", "subnet-9")])
    groups = [ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-9")]
    serve(stack, vpc_subnets=subnets, security_groups=groups)
