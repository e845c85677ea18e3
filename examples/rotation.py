"""Secrets by field and version, a parameter, and a new deployment when one of them changes."""

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm

from moorage import Cluster, Container, Network, Service, Task

app = cdk.App()
stack = cdk.Stack(app, "Shop")
key = kms.Key(stack, "Key", enable_key_rotation=True)
database = secretsmanager.Secret(
    stack,
    "Database",
    encryption_key=key,
    generate_secret_string=secretsmanager.SecretStringGenerator(
        secret_string_template='{"username": "shop"}',  # noqa: S106  # a template, not a password
        generate_string_key="password",
    ),
)
current = ecs.SecretVersionInfo(version_stage="AWSCURRENT")  # AWSPREVIOUS exists after the first rotation
# prerequisite: aws ssm put-parameter --name /shop/features --type String --value none
features = ssm.StringParameter.from_string_parameter_name(stack, "Features", "/shop/features")

network = Network(stack, "Network")
web = Service(
    stack,
    "Web",
    cluster=Cluster(stack, "Cluster", vpc=network.vpc),
    task=Task(
        Container(
            "public.ecr.aws/docker/library/python:3.13-slim",
            port=8000,
            command=["python", "-m", "http.server"],
            secrets={
                "DB_PASSWORD": ecs.Secret.from_secrets_manager(database, "password"),
                "DB_USERNAME": ecs.Secret.from_secrets_manager_version(database, current, "username"),
                "FEATURES": features,
            },
        )
    ),
)
web.redeploy_on_rotation()
app.synth()
