"""The roles that a user gives to a task."""

from __future__ import annotations

import json
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_secretsmanager as secretsmanager

from moorage import Cluster, Container, Job, Service, Task
from tests.conftest import imported_vpc, template

TASKS = iam.ServicePrincipal("ecs-tasks.amazonaws.com")
ROLE_ARN = "arn:aws:iam::111111111111:role/web"
PLACE = cdk.Environment(account="111111111111", region="eu-west-1")


@pytest.fixture
def stack(app: cdk.App) -> cdk.Stack:
    return cdk.Stack(app, "Shop", env=PLACE)


def cluster_in(stack: cdk.Stack) -> ecs.ICluster:
    return Cluster.from_attributes(stack, "Cluster", cluster_name="shop", vpc=imported_vpc(stack))


def serve(stack: cdk.Stack, **arguments: Any) -> Service:
    return Service(stack, "Web", cluster=cluster_in(stack), task=Task(Container("redis:8"), **arguments))


def definition_of(stack: cdk.Stack) -> dict[str, Any]:
    (definition,) = template(stack).find_resources("AWS::ECS::TaskDefinition").values()
    properties: dict[str, Any] = definition["Properties"]
    return properties


def policies_of(stack: cdk.Stack) -> list[str]:
    return [json.dumps(each) for each in template(stack).find_resources("AWS::IAM::Policy").values()]


def test_given_roles_of_the_app_get_the_permissions_of_the_task(stack: cdk.Stack) -> None:
    task_role = iam.Role(stack, "Task", assumed_by=TASKS)
    execution_role = iam.Role(stack, "Execution", assumed_by=TASKS)
    web = serve(stack, task_role=task_role, execution_role=execution_role)
    s3.Bucket(stack, "Files").grant_read(web)
    assert list(template(stack).find_resources("AWS::IAM::Role")) == [
        stack.get_logical_id(each.node.default_child)  # type: ignore[arg-type]  # the resource of a role
        for each in (task_role, execution_role)
    ]
    assert web.grant_principal is task_role
    logs, files = sorted(policies_of(stack), key=lambda policy: "s3:" in policy)
    assert "logs:PutLogEvents" in logs
    assert "s3:GetObject*" in files


def test_imported_roles_get_policies_in_the_stack_of_the_task(stack: cdk.Stack) -> None:
    role = iam.Role.from_role_arn(stack, "Role", ROLE_ARN)
    serve(stack, task_role=role, execution_role=role, permissions=[_LIST_BUCKETS])
    assert definition_of(stack)["TaskRoleArn"] == definition_of(stack)["ExecutionRoleArn"] == ROLE_ARN
    (policy,) = policies_of(stack)
    assert "s3:ListAllMyBuckets" in policy
    assert "logs:PutLogEvents" in policy
    assert '"Roles": ["web"]' in policy


_LIST_BUCKETS = iam.PolicyStatement(actions=["s3:ListAllMyBuckets"], resources=["*"])


def test_roles_without_policy_updates_stay_as_they_are(stack: cdk.Stack) -> None:
    role = iam.Role.from_role_arn(stack, "Role", ROLE_ARN, mutable=False)
    serve(stack, task_role=role, execution_role=role, permissions=[_LIST_BUCKETS])
    assert policies_of(stack) == []


def test_roles_of_another_stack_refer_to_nothing_in_the_stack_of_the_task(app: cdk.App, stack: cdk.Stack) -> None:
    roles = cdk.Stack(app, "Roles", env=PLACE)
    role = iam.Role(roles, "Role", assumed_by=TASKS)
    secret = secretsmanager.Secret(stack, "Secret")
    for construct_id in ("Web", "Api"):
        task = Task(Container("redis:8", secrets={"PASSWORD": secret}), task_role=role, execution_role=role)
        cluster = stack.node.try_find_child("Cluster") or cluster_in(stack)
        Service(stack, construct_id, cluster=cluster, task=task)  # type: ignore[arg-type]  # the cluster
    app.synth()
    assert len(policies_of(stack)) == 2
    assert template(roles).find_resources("AWS::IAM::Policy") == {}
    assert stack.dependencies == [roles]


def test_a_role_with_a_path_keeps_its_policies_in_its_own_stack(app: cdk.App, stack: cdk.Stack) -> None:
    roles = cdk.Stack(app, "Roles", env=PLACE)
    role = iam.Role(roles, "Role", assumed_by=TASKS, path="/shop/")
    bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "reports")
    bucket.grant_read(serve(stack, task_role=role))
    assert template(roles).find_resources("AWS::IAM::Policy")  # an import would need an ARN that ends with the name


def test_a_job_passes_given_roles(stack: cdk.Stack) -> None:
    role = iam.Role.from_role_arn(stack, "Role", ROLE_ARN)
    task = Task(Container("redis:8"), task_role=role, execution_role=role)
    hourly = scheduler.ScheduleExpression.rate(cdk.Duration.hours(1))
    Job(stack, "Report", cluster=cluster_in(stack), task=task, schedule=hourly)
    (starter,) = template(stack).find_resources("AWS::IAM::Role").values()
    assert ROLE_ARN in json.dumps(starter)


@pytest.mark.parametrize("argument", ["task_role", "execution_role"])
def test_a_role_that_does_not_trust_tasks_is_refused(argument: str, stack: cdk.Stack) -> None:
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("ecs.amazonaws.com"))
    with pytest.raises(ValueError, match=rf"Shop/Web: {argument} must trust ecs-tasks.amazonaws.com.*got Shop/Role"):
        serve(stack, **{argument: role})


@pytest.mark.parametrize(
    "principal",
    [
        TASKS,
        iam.AnyPrincipal(),
        iam.CompositePrincipal(iam.ServicePrincipal("ec2.amazonaws.com"), TASKS),
        iam.AccountRootPrincipal(),
    ],
)
def test_a_role_that_may_trust_tasks_is_accepted(principal: iam.IPrincipal, stack: cdk.Stack) -> None:
    serve(stack, task_role=iam.Role(stack, "Role", assumed_by=principal))


@pytest.mark.parametrize("argument", ["task_role", "execution_role"])
def test_a_role_of_another_account_is_refused(argument: str, stack: cdk.Stack) -> None:
    role = iam.Role.from_role_arn(stack, "Role", ROLE_ARN.replace("1111", "2222", 1))
    with pytest.raises(ValueError, match=rf"{argument} must be in account 111111111111"):
        serve(stack, **{argument: role})
