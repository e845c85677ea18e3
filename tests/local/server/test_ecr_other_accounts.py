"""Pulls from the registry of another account, which the policies of both accounts must allow, in the local AWS."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.local_aws import (
    ACCOUNT,
    NETWORK,
    REGION,
    Client,
    Deploy,
    attribute,
    fargate,
    ref,
    resource,
    role,
)

OTHER, STRANGER = "222222222222", "333333333333"
OWN = "retail/ui"
CACHED = "ecr-public/nginx/nginx"
PULL = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
IMPORT = ["ecr:BatchImportUpstreamImage"]
CREATE = ["ecr:CreateRepository"]


def statement(actions: list[str], effect: str = "Allow", **more: str) -> dict[str, Any]:
    return {"Effect": effect, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": actions, **more}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def registry_policy(ecr: Any, actions: list[str]) -> None:
    arn = f"arn:aws:ecr:{REGION}:{OTHER}:repository/ecr-public/*"
    ecr.put_registry_policy(policyText=policy(statement(actions, Resource=arn)))


@pytest.fixture
def theirs(client: Client) -> Iterator[Any]:
    """Yield ECR's client of the other account, whose registry has an image and a cache without an image."""
    ecr = client("ecr", OTHER)
    ecr.create_repository(repositoryName=OWN)
    ecr.put_image(repositoryName=OWN, imageManifest=json.dumps({"schemaVersion": 2}), imageTag="1")
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="ecr-public", upstreamRegistryUrl="public.ecr.aws")
    yield ecr
    for each in ecr.describe_repositories()["repositories"]:
        ecr.delete_repository(repositoryName=each["repositoryName"], force=True)
    ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="ecr-public")
    with contextlib.suppress(ecr.exceptions.RegistryPolicyNotFoundException):
        ecr.delete_registry_policy()


def pull(client: Client, name: str, account: str = ACCOUNT) -> Any:
    """Pull an image from the registry of the other account, and return the image or the message of the refusal."""
    try:
        answer = client("ecr", account).batch_get_image(
            registryId=OTHER, repositoryName=name, imageIds=[{"imageTag": "1"}]
        )
    except ClientError as error:
        return "{Code}: {Message}".format_map(error.response["Error"])
    return answer["images"][0]["registryId"]


def denied(name: str, action: str) -> str:
    return (
        f"AccessDeniedException: User: arn:aws:iam::{ACCOUNT}:root is not authorized to perform: {action} on resource: "
        f"arn:aws:ecr:{REGION}:{OTHER}:repository/{name} because no resource-based policy allows the {action} action"
    )


def test_another_account_pulls_only_what_the_policy_of_the_repository_allows(client: Client, theirs: Any) -> None:
    assert pull(client, OWN) == denied(OWN, "ecr:BatchGetImage")
    theirs.set_repository_policy(repositoryName=OWN, policyText=policy(statement(PULL)))
    assert pull(client, OWN) == OTHER
    assert STRANGER in pull(client, OWN, account=STRANGER)
    assert pull(client, OWN, account=OTHER) == OTHER, "an account needs no policy in its own registry"
    everything = f"arn:aws:ecr:{REGION}:{OTHER}:repository/*"
    theirs.put_registry_policy(policyText=policy(statement(PULL, "Deny", Resource=everything)))
    assert pull(client, OWN) == denied(OWN, "ecr:BatchGetImage")


def test_another_account_needs_more_permissions_for_an_image_that_is_not_cached_yet(
    client: Client, theirs: Any
) -> None:
    registry_policy(theirs, [*IMPORT, *CREATE])
    assert pull(client, CACHED) == denied(CACHED, "ecr:BatchGetImage")
    registry_policy(theirs, [*PULL, *CREATE])
    assert pull(client, CACHED) == denied(CACHED, "ecr:BatchImportUpstreamImage")
    registry_policy(theirs, [*PULL, *IMPORT])
    assert pull(client, CACHED) == denied(CACHED, "ecr:CreateRepository")
    registry_policy(theirs, [*PULL, *IMPORT, *CREATE])
    assert pull(client, CACHED) == OTHER
    theirs.delete_registry_policy()
    theirs.set_repository_policy(repositoryName=CACHED, policyText=policy(statement(PULL)))
    assert pull(client, CACHED) == OTHER, "the image is cached"


def test_the_policy_of_a_cached_repository_is_enough_if_it_exists(client: Client, theirs: Any) -> None:
    theirs.create_repository(repositoryName=CACHED)
    theirs.set_repository_policy(repositoryName=CACHED, policyText=policy(statement(PULL)))
    assert pull(client, CACHED) == denied(CACHED, "ecr:BatchImportUpstreamImage")
    theirs.set_repository_policy(repositoryName=CACHED, policyText=policy(statement([*PULL, *IMPORT])))
    assert pull(client, CACHED) == OTHER


def service(image: str, *granted: str) -> dict[str, Any]:
    """Return a service with an execution role that has these permissions for all repositories."""
    statements = [{"Effect": "Allow", "Action": list(granted), "Resource": "*"}] if granted else []
    network = {"AwsvpcConfiguration": {"Subnets": [ref("Subnet")]}}
    return NETWORK | {
        "Cluster": resource("AWS::ECS::Cluster"),
        "Execution": role("ecs-tasks.amazonaws.com", *statements),
        "Task": fargate("web", Image=image, task={"ExecutionRoleArn": attribute("Execution", "Arn")}),
        "Service": resource(
            "AWS::ECS::Service",
            Cluster=ref("Cluster"),
            LaunchType="FARGATE",
            TaskDefinition=ref("Task"),
            NetworkConfiguration=network,
            DeploymentConfiguration={"DeploymentCircuitBreaker": {"Enable": True, "Rollback": True}},
        ),
    }


def test_a_task_pulls_from_another_account_only_with_the_permission_of_both(deploy: Deploy, theirs: Any) -> None:
    host = f"{OTHER}.dkr.ecr.{REGION}.amazonaws.com"
    image = f"{host}/{CACHED}:1"
    theirs.create_repository(repositoryName=CACHED)
    allowed = policy(statement([*PULL, *IMPORT]))
    refused = (
        f"CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {image}: "
        f"pulling from host {host} failed with status code [manifests 1]: 403 Forbidden"
    )
    assert refused in deploy(service(image, *PULL, *IMPORT), "-no-policy")["Reason"]
    theirs.set_repository_policy(repositoryName=CACHED, policyText=allowed)
    assert refused in deploy(service(image, *PULL), "-no-import")["Reason"]
    stack = deploy(service(image, *PULL, *IMPORT), "-allowed")
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    assert theirs.list_images(repositoryName=CACHED)["imageIds"][0]["imageTag"] == "1"


def test_an_image_of_an_account_that_is_not_here_is_not_checked(deploy: Deploy) -> None:
    stack = deploy(service(f"{STRANGER}.dkr.ecr.{REGION}.amazonaws.com/base/app:1"))
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
