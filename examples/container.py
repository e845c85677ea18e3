"""Most options of a container: its start, restarts, limits, secrets and environment files."""

import datetime as dt

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager

from moorage import (
    Cluster,
    Container,
    ContainerCondition,
    EnvironmentFile,
    Image,
    LinuxParameters,
    LogMode,
    Network,
    RestartPolicy,
    Service,
    Task,
)

app = cdk.App()
stack = cdk.Stack(app, "Catalog")
database = secretsmanager.Secret(
    stack,
    "Database",
    generate_secret_string=secretsmanager.SecretStringGenerator(
        secret_string_template='{"username": "catalog"}',  # noqa: S106  # a template, not a password
        generate_string_key="password",
    ),
)
# prerequisites: the settings bucket with catalog.env, the directory's bucket with catalog.json, and the secret with the
# username and password (an access token) of Docker Hub
hub = secretsmanager.Secret.from_secret_name_v2(stack, "Hub", "docker-hub")
settings = s3.Bucket.from_bucket_name(stack, "Settings", "catalog-settings")

migrate = Container(
    Image.from_registry("docker.io/library/python:3.13-slim", credentials=hub),
    name="migrate",
    command=["python", "-c", "import os; print('migrating as', os.environ['PGUSER'])"],
    secrets={"PGUSER": ecs.Secret.from_secrets_manager(database, "username")},
    start_timeout=dt.timedelta(minutes=2),
    essential=False,
)
catalog = Container(
    "public.ecr.aws/aws-containers/retail-store-sample-catalog:1.6.2",
    port=8080,
    environment_files=EnvironmentFile.from_bucket(settings, "catalog.env"),
    secrets={
        "DB_PASSWORD": ecs.Secret.from_secrets_manager(database, "password"),
        "DB_USERNAME": ecs.Secret.from_secrets_manager_version(
            database, ecs.SecretVersionInfo(version_stage="AWSCURRENT"), "username"
        ),
    },
    depends_on={"migrate": ContainerCondition.SUCCESS},
    restart_policy=RestartPolicy(ignored_exit_codes=[0]),
    linux_parameters=LinuxParameters(
        drop_capabilities="ALL", init_process_enabled=True, ulimits={"nofile": (8192, 65536)}
    ),
    system_controls={"net.ipv4.tcp_keepalive_time": "600"},
    docker_labels={"team": "catalog"},
    credential_spec="credentialspecdomainless:arn:aws:s3:::directory/catalog.json",
    version_consistency=False,
    log_mode=LogMode.non_blocking(max_buffer_mib=25),
    user="1000",
    writable=["/tmp"],
)
task = Task(
    catalog, migrate, cpu=512, memory_mib=1024, execute_command=True, pid_mode="task", enable_fault_injection=True
)
Service(stack, "Catalog", cluster=Cluster(stack, "Cluster", vpc=Network(stack, "Network").vpc), task=task)

boundary = iam.ManagedPolicy.from_managed_policy_name(stack, "Boundary", "developers")
iam.PermissionsBoundary.of(stack).apply(boundary)
app.synth()
