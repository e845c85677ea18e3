"""Tasks may decrypt the secrets that they read, without cyclic references between stacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm

from moorage import Cluster, Container, Image, Service, Task
from tests.conftest import imported_vpc, template
from tests.ecs.task.test_task_definition import containers_of, granted

KEY = "arn:aws:kms:eu-west-1:111111111111:key/1a2b"
ARN = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:db-AbCdEf"


def read(stack: cdk.Stack, secret: Any) -> None:
    cluster = Cluster.from_attributes(stack, "Cluster", cluster_name="shop", vpc=imported_vpc(stack))
    Service(stack, "Web", cluster=cluster, task=Task(Container("redis:8", secrets={"PASSWORD": secret})))


GENERATED = secretsmanager.SecretStringGenerator(
    secret_string_template="{}",  # noqa: S106  # a template, no password
    generate_string_key="password",
)


def encrypted(stack: cdk.Stack) -> secretsmanager.Secret:
    return secretsmanager.Secret(
        stack, "Secret", encryption_key=kms.Key(stack, "Key"), generate_secret_string=GENERATED
    )


def attached(stack: cdk.Stack) -> secretsmanager.ISecret:
    database = rds.DatabaseCluster.from_database_cluster_attributes(stack, "Database", cluster_identifier="shop")
    return encrypted(stack).attach(database)


def managed(stack: cdk.Stack) -> secretsmanager.ISecret:
    """Return the secret in which RDS manages the password of a cluster."""
    cluster = rds.DatabaseCluster(
        stack,
        "Database",
        engine=rds.DatabaseClusterEngine.aurora_postgres(version=rds.AuroraPostgresEngineVersion.VER_17_9),
        vpc=imported_vpc(stack),
        writer=rds.ClusterInstance.serverless_v2("Writer"),
        manage_master_user_password=True,
        credentials=rds.Credentials.from_username("shop", encryption_key=kms.Key(stack, "Key")),
    )
    assert cluster.secret is not None
    return cluster.secret


def test_a_key_of_the_same_stack_allows_the_reader_in_its_policy(stack: cdk.Stack) -> None:
    read(stack, encrypted(stack))
    (key,) = template(stack).find_resources("AWS::KMS::Key").values()
    assert any("ExecutionRole" in str(each["Principal"]) for each in key["Properties"]["KeyPolicy"]["Statement"])
    assert granted(stack, "ExecutionRole").keys() >= {"secretsmanager:GetSecretValue"}


@pytest.mark.parametrize(
    ("secret", "behind"),
    [
        (encrypted, ""),
        (attached, ""),
        (managed, ""),
        (lambda stack: ecs.Secret.from_secrets_manager(encrypted(stack), "password"), ":password::"),
        (lambda stack: ecs.Secret.from_secrets_manager(attached(stack), "password"), ":password::"),
        (lambda stack: ecs.Secret.from_secrets_manager(managed(stack), "password"), ":password::"),
        (
            lambda stack: ecs.Secret.from_secrets_manager_version(
                encrypted(stack), ecs.SecretVersionInfo(version_stage="AWSCURRENT")
            ),
            "::AWSCURRENT:",
        ),
    ],
)
def test_a_key_of_another_stack_is_granted_only_to_the_reader(
    app: cdk.App, secret: Callable[[cdk.Stack], Any], behind: str
) -> None:
    platform, services = cdk.Stack(app, "Platform"), cdk.Stack(app, "Services")
    read(services, secret(platform))
    app.synth()
    assert [each.stack_name for each in services.dependencies] == ["Platform"]
    assert platform.dependencies == []
    (decrypts,) = granted(services, "ExecutionRole")["kms:Decrypt"]
    assert decrypts["Condition"]["StringEquals"].keys() == {"kms:ViaService"}
    assert "ExportsOutputFnGetAttKey" in str(decrypts["Resource"])
    assert "secretsmanager:GetSecretValue" in granted(services, "ExecutionRole")
    (told,) = containers_of(services)["app"]["Secrets"]
    assert behind in str(told["ValueFrom"])


def test_a_secret_without_a_key_of_its_own_needs_no_further_grant(app: cdk.App) -> None:
    platform, services = cdk.Stack(app, "Platform"), cdk.Stack(app, "Services")
    secret = secretsmanager.Secret(platform, "Secret", generate_secret_string=GENERATED)
    read(services, ecs.Secret.from_secrets_manager(secret, "password"))
    assert "kms:Decrypt" not in granted(services, "ExecutionRole")


def test_an_imported_key_is_granted_to_the_reader(stack: cdk.Stack) -> None:
    key = kms.Key.from_key_arn(stack, "Key", KEY)
    read(stack, secretsmanager.Secret.from_secret_attributes(stack, "S", secret_complete_arn=ARN, encryption_key=key))
    (decrypts,) = granted(stack, "ExecutionRole")["kms:Decrypt"]
    assert decrypts["Resource"] == KEY
    assert containers_of(stack)["app"]["Secrets"] == [{"Name": "PASSWORD", "ValueFrom": ARN}]


def test_the_key_of_a_parameter_is_granted_to_the_reader(stack: cdk.Stack) -> None:
    key = kms.Key.from_key_arn(stack, "Key", KEY)
    read(
        stack,
        ssm.StringParameter.from_secure_string_parameter_attributes(
            stack, "Parameter", parameter_name="/shop/password", encryption_key=key
        ),
    )
    may = granted(stack, "ExecutionRole")
    assert [each["Resource"] for each in may["kms:Decrypt"]] == [KEY]
    assert "ssm:GetParameters" in may


def pull(stack: cdk.Stack, credentials: secretsmanager.ISecret) -> dict[str, Any]:
    """Define a service with an image of a private registry, and return the credentials in its task definition."""
    cluster = Cluster.from_attributes(stack, "Cluster", cluster_name="shop", vpc=imported_vpc(stack))
    image = Image.from_registry("ghcr.io/shop/web:1.4", credentials=credentials)
    Service(stack, "Web", cluster=cluster, task=Task(Container(image)))
    container = containers_of(stack)["app"]
    assert container["Image"] == "ghcr.io/shop/web:1.4"
    found: dict[str, Any] = container["RepositoryCredentials"]
    return found


def test_only_the_execution_role_may_read_the_credentials_of_a_registry(stack: cdk.Stack) -> None:
    assert pull(stack, secretsmanager.Secret.from_secret_complete_arn(stack, "S", ARN)) == {"CredentialsParameter": ARN}
    (reads,) = granted(stack, "ExecutionRole")["secretsmanager:GetSecretValue"]
    assert reads["Resource"] == ARN
    assert "secretsmanager:GetSecretValue" not in granted(stack, "TaskRole")


def test_the_key_of_credentials_is_granted_without_a_cycle(app: cdk.App) -> None:
    platform, services = cdk.Stack(app, "Platform"), cdk.Stack(app, "Services")
    pull(services, encrypted(platform))
    app.synth()
    assert platform.dependencies == []
    (decrypts,) = granted(services, "ExecutionRole")["kms:Decrypt"]
    assert "ExportsOutputFnGetAttKey" in str(decrypts["Resource"])


def test_credentials_may_be_in_another_region_and_account(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Services", env=cdk.Environment(account="222222222222", region="us-east-1"))
    assert pull(stack, secretsmanager.Secret.from_secret_complete_arn(stack, "S", ARN)) == {"CredentialsParameter": ARN}


def test_credentials_are_of_the_same_stage(app: cdk.App) -> None:
    elsewhere = cdk.Stack(cdk.Stage(app, "Elsewhere"), "Platform")
    with pytest.raises(ValueError, match="credentials of the image of container 'app' must be"):
        pull(cdk.Stack(app, "Services"), encrypted(elsewhere))
