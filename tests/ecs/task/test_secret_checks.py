"""Secrets have the fields and versions that tasks read, and never appear in plain text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm

from moorage import Cluster, Container, HealthCheck, Image, Service, Task
from tests.conftest import imported_vpc, warnings_of
from tests.ecs.task.test_task_definition import containers_of

PREVIOUS = ecs.SecretVersionInfo(version_stage="AWSPREVIOUS")
CURRENT = ecs.SecretVersionInfo(version_stage="AWSCURRENT")
GENERATED = secretsmanager.SecretStringGenerator(
    secret_string_template='{"username": "shop"}',  # noqa: S106  # a template, no password
    generate_string_key="password",
)


def secret(stack: cdk.Stack, **arguments: Any) -> secretsmanager.Secret:
    return secretsmanager.Secret(stack, "Secret", **arguments)


def service(stack: cdk.Stack, *containers: Container) -> Service:
    cluster = Cluster.from_attributes(stack, "Cluster", cluster_name="shop", vpc=imported_vpc(stack))
    return Service(stack, "Web", cluster=cluster, task=Task(*containers))


UNWRAPPED: dict[str, Callable[[cdk.Stack], str]] = {
    "a secret": lambda stack: secret(stack).secret_value.unsafe_unwrap(),
    "a field of a secret": lambda stack: f"postgres://{secret(stack).secret_value_from_json('url').unsafe_unwrap()}",
    "a secure parameter": lambda _: cdk.SecretValue.ssm_secure("/shop/password").unsafe_unwrap(),
    "a secret as text": lambda _: cdk.SecretValue.secrets_manager("shop").to_string(),
    "an access key": lambda stack: iam.AccessKey(
        stack, "Key", user=iam.User(stack, "User")
    ).secret_access_key.unsafe_unwrap(),
    "a client's secret": lambda stack: (
        cognito.CfnUserPoolClient(stack, "Client", user_pool_id="eu-west-1_a", generate_secret=True).attr_client_secret
    ),
    "a reference as text": lambda _: "{{resolve:secretsmanager:shop:SecretString:password}}",
}
PLACES: dict[str, Callable[[str], Container]] = {
    "environment": lambda text: Container("redis:8", environment={"MODE": text}),
    "command": lambda text: Container("redis:8", command=["redis-server", f"--pass={text}"]),
    "entry_point": lambda text: Container("redis:8", entry_point=["redis-server", text]),
    "docker_labels": lambda text: Container("redis:8", docker_labels={"mode": text}),
    "health_check": lambda text: Container("redis:8", health_check=HealthCheck(f"redis-cli -a {text}")),
    "output": lambda text: Container.log_router({"Name": "http", "format": text}),
}


@pytest.mark.parametrize("unwrapped", UNWRAPPED)
def test_the_value_of_a_secret_in_a_variable_is_refused(stack: cdk.Stack, unwrapped: str) -> None:
    with pytest.raises(
        ValueError, match=r"environment must not contain 'MODE', which looks like a secret, .*use secrets={'MODE'"
    ):
        service(stack, PLACES["environment"](UNWRAPPED[unwrapped](stack)))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("unwrapped", ["a secret", "a reference as text"])
def test_the_value_of_a_secret_in_another_argument_is_refused(stack: cdk.Stack, place: str, unwrapped: str) -> None:
    with pytest.raises(
        ValueError, match=f"{place} must not contain .* secret, since everyone who can see the task definition can"
    ):
        service(stack, Container("redis:8", name="other", memory_mib=64), PLACES[place](UNWRAPPED[unwrapped](stack)))


def test_a_variable_that_is_declared_not_secret_is_accepted(stack: cdk.Stack) -> None:
    text = UNWRAPPED["a secret"](stack)
    service(stack, Container("redis:8", environment={"MODE": text}, not_secret={"MODE": "it is a flag"}))


def test_other_tokens_are_accepted_in_variables(stack: cdk.Stack) -> None:
    parameter = ssm.StringParameter.from_string_parameter_attributes(
        stack, "Parameter", parameter_name="/shop/mode", force_dynamic_reference=True
    )
    values = {"REGION": cdk.Aws.REGION, "SECRET_NAME": secret(stack).secret_name, "MODE": parameter.string_value}
    service(stack, Container("redis:8", environment=values))
    assert len(containers_of(stack)["app"]["Environment"]) == 3


def test_a_password_in_the_options_of_a_log_router_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"output must not contain 'apikey', which looks like a secret, .*use secret_output="
    ):
        Container.log_router({"Name": "datadog", "apikey": "0123"})


@pytest.mark.parametrize("arguments", [{"NPM_TOKEN": "0123"}, {"MODE": "{{resolve:ssm-secure:/shop/token}}"}])
def test_a_password_in_build_arguments_is_refused(tmp_path: Any, arguments: dict[str, str]) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    with pytest.raises(
        ValueError, match="which looks like a secret, since everyone who has the image can read the value; use build"
    ):
        Image.from_directory(tmp_path, build_args=arguments)
    Image.from_directory(tmp_path, build_args={"NODE_ENV": "production"}, build_secrets={"NPM_TOKEN": "env=NPM_TOKEN"})


def of(name: str, **arguments: Any) -> Callable[[cdk.Stack], ecs.Secret]:
    return lambda stack: ecs.Secret.from_secrets_manager(secret(stack, **arguments), name)


@pytest.mark.parametrize(
    ("read", "says"),
    [
        (
            of("password"),
            r"must not refer to a field \(got 'password'\), since the secret is plain text .*; use the secret itself",
        ),
        (
            of("pass", generate_secret_string=GENERATED),
            r"must refer to a field of the secret \(got 'pass'\); use one of the fields 'password', 'username', or",
        ),
        (
            of("a", secret_object_value={"b": cdk.SecretValue.unsafe_plain_text("c")}),
            r"must refer to a field of the secret \(got 'a'\); use one of the fields 'b', or",
        ),
        (
            lambda stack: ecs.Secret.from_secrets_manager_version(secret(stack), PREVIOUS),
            r"must refer to a version that a new secret has \(got version_stage='AWSPREVIOUS'\)",
        ),
        (
            lambda stack: ecs.Secret.from_secrets_manager_version(
                secret(stack), ecs.SecretVersionInfo(version_stage="BLUE")
            ),
            r"must refer to a version that a new secret has \(got version_stage='BLUE'\)",
        ),
    ],
)
def test_a_field_or_version_that_a_secret_of_this_app_lacks_is_refused(
    stack: cdk.Stack, read: Callable[[cdk.Stack], ecs.Secret], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        service(stack, Container("redis:8", secrets={"PASSWORD": read(stack)}))


@pytest.mark.parametrize(
    "read",
    [
        of("password", generate_secret_string=GENERATED),
        of("username", generate_secret_string=GENERATED),
        of("host", generate_secret_string=GENERATED),
        of("b", secret_object_value={"b": cdk.SecretValue.unsafe_plain_text("c")}),
        lambda stack: ecs.Secret.from_secrets_manager(
            rds.DatabaseSecret(stack, "Database", username="shop"), "password"
        ),
        lambda stack: ecs.Secret.from_secrets_manager_version(secret(stack), CURRENT),
        lambda stack: ecs.Secret.from_secrets_manager_version(
            secretsmanager.Secret.from_secret_name_v2(stack, "Theirs", "shop"), PREVIOUS, "password"
        ),
    ],
)
def test_a_field_that_a_secret_of_this_app_has_is_accepted(
    stack: cdk.Stack, read: Callable[[cdk.Stack], ecs.Secret]
) -> None:
    service(stack, Container("redis:8", secrets={"PASSWORD": read(stack)}))
    assert len(containers_of(stack)["app"]["Secrets"]) == 1


@pytest.mark.parametrize("place", ["environment", "command"])
def test_a_secret_that_cdk_refuses_to_write_out_is_refused_in_our_words(place: str) -> None:
    app = cdk.App(context={"@aws-cdk/core:checkSecretUsage": True}, analytics_reporting=False)
    stack = cdk.Stack(app, "Shop")
    plain = cdk.Token.as_string({"Ref": "AWS::Region"})
    unsafe = PLACES[place](secret(stack).secret_value.to_string())
    beside = Container("redis:8", name="beside", environment={"REGION": plain})
    with pytest.raises(ValueError, match=rf"Shop/Web: .*{place}") as refused:
        service(stack, beside, unsafe)
    assert "REGION" not in str(refused.value)


@pytest.mark.parametrize("text", ["hunter2", "[1, 2]", '"text"'])
def test_a_secret_that_is_no_object_has_no_fields(stack: cdk.Stack, text: str) -> None:
    plain = of("password", secret_string_value=cdk.SecretValue.unsafe_plain_text(text))
    with pytest.raises(ValueError, match=r"\(got 'password'\), since the secret is plain text without fields; use"):
        service(stack, Container("redis:8", secrets={"PASSWORD": plain(stack)}))


def test_a_secret_whose_fields_are_known_only_at_deployment_is_read(stack: cdk.Stack) -> None:
    later = of(
        "password", secret_string_value=cdk.SecretValue.cfn_parameter(cdk.CfnParameter(stack, "P", no_echo=True))
    )
    service(stack, Container("redis:8", secrets={"PASSWORD": later(stack)}))
    assert len(containers_of(stack)["app"]["Secrets"]) == 1


def database_secret(stack: cdk.Stack) -> Any:
    return rds.DatabaseInstance(
        stack,
        "Database",
        engine=rds.DatabaseInstanceEngine.postgres(version=rds.PostgresEngineVersion.VER_17),
        vpc=ec2.Vpc(stack, "DatabaseVpc"),
    ).secret


JSON: dict[str, Callable[[cdk.Stack], Any]] = {
    "of a database": database_secret,
    "for a database": lambda stack: rds.DatabaseSecret(stack, "Secret", username="shop"),
}
NOT_KNOWN_AS_JSON: dict[str, Callable[[cdk.Stack], Any]] = {
    "a field of JSON": lambda stack: ecs.Secret.from_secrets_manager(database_secret(stack), "password"),
    "a text": secret,
    "imported": lambda stack: secretsmanager.Secret.from_secret_name_v2(stack, "Secret", "shop"),
    "a parameter": lambda stack: ssm.StringParameter(stack, "Parameter", string_value="a"),
}


def warnings_about_json(stack: cdk.Stack, given: Any) -> list[str]:
    service(stack, Container("redis:8", secrets={"DB_PASSWORD": given}))
    app = stack.node.root
    assert isinstance(app, cdk.App)
    return [each for each in warnings_of(app, stack.stack_name) if "@moorage/ecs:secret-json" in each]


@pytest.mark.parametrize("kind", JSON)
def test_a_variable_with_the_complete_json_of_a_database_secret_warns(stack: cdk.Stack, kind: str) -> None:
    (warning,) = warnings_about_json(stack, JSON[kind](stack))
    assert warning.startswith(
        "secret 'DB_PASSWORD' of container 'app' is the complete JSON of a database secret, not only the password; use "
        "ecs.Secret.from_secrets_manager(secret, 'password') for one field; or acknowledge this warning"
    )


@pytest.mark.parametrize("kind", NOT_KNOWN_AS_JSON)
def test_a_variable_with_another_secret_does_not_warn_about_json(stack: cdk.Stack, kind: str) -> None:
    assert warnings_about_json(stack, NOT_KNOWN_AS_JSON[kind](stack)) == []
