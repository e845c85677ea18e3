"""`python -m moorage.local.server --port N`: run the local AWS on the loopback address until it is stopped."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from hypercorn.asyncio import serve
from hypercorn.config import Config

from moorage.local.server.core.adapter import app, lambda_svc

_SERVICES = (
    "autoscaling.application_auto_scaling", "autoscaling.launch_configurations", "autoscaling.groups",
    "autoscaling.api", "services.cloudtrail", "services.cloudwatch", "services.ec2", "ecr.repository_type",
    "services.ec2_address_ranges", "services.ec2_connections", "services.ec2_access_lists", "services.ec2_instances",
    "services.ec2_attachments", "services.ec2_endpoint_services", "services.imported", "services.servicediscovery",
    "ecr.api", "ecr.public", "ecr.registry_types", "ecs.clusters", "ecs.capacity_providers",
    "ecs.gateways", "ecs.daemons",
    "ecs.service_revisions", "ecs.deployments", "ecs.scheduling", "ecs.services", "ecs.event_targets",
    "services.elb", "services.elbv2", "services.events", "services.iam", "services.kms", "services.lambda_functions",
    "services.function_processes", "services.custom_resources",
    "services.logs", "services.s3", "services.scheduler", "services.secretsmanager", "services.sns",
    "services.ssm", "services.stepfunctions", "services.ec2_routes", "services.route53", "services.identities",
    "services.resource_policies", "services.function_checks", "services.message_checks",
    "services.javascript_sdk", "services.apigateway", "services.kinesis", "services.tables",
    "services.kept_properties", "services.recorded_types", "services.identity_types", "services.api_types",
    "services.batch", "services.certificates", "services.pipes", "services.event_types",
    "services.cognito", "services.codebuild", "services.caches", "services.databases",
    "services.database_types",
    "services.inline_policies", "services.deployment_command",
    "services.bucket_checks", "services.log_checks", "services.table_checks",
)  # fmt: skip
_ENVIRONMENT = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "BIND_HOST": "127.0.0.1",
    "DOCKER_HOST": "unix:///nonexistent/docker.sock",  # keeps ministack from using and cleaning up a real Docker daemon
    "IOT_MTLS_ENABLED": "0",
    "MINISTACK_HOST": "127.0.0.1",
    "PERSIST_STATE": "0",
    "SFTP_ENABLED": "0",
}
_LEVELS = ("CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG")
_WATCH_SECONDS = 1.0
_RECORD_SECONDS = 60.0
"""The seconds after which a server ends if the home has no record of the server."""
SECRET = "AWS_SECRET_ACCESS_KEY"  # noqa: S105  # the variable's name
"""The variable with the secret that signs requests. Other users of the machine cannot read its value."""
_OWN = (
    "LANG", "LC_ALL", "LC_CTYPE", "NODE_COMPILE_CACHE", "NODE_PATH", "PATH", "PYTHONPATH", "TMPDIR", "TZ",
)  # fmt: skip
"""The variables that the server keeps. The user's tokens are excluded, since the server runs code from templates."""


def main() -> None:
    """Parse the arguments and run the server."""
    parser = argparse.ArgumentParser(prog="python -m moorage.local.server", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="the port on 127.0.0.1 to listen on")
    parser.add_argument(
        "--log-level", default="WARNING", choices=_LEVELS, help="what to write to standard error (default: WARNING)"
    )
    parser.add_argument(
        "--home", type=Path, help="the folder with the record of this server; the server ends when the record is gone"
    )
    parser.add_argument("--descriptor", type=int, help="a file descriptor that already listens on the port")
    arguments = parser.parse_args()
    secret = os.environ.get(SECRET)
    if not secret:
        sys.exit(f"{SECRET} is not set; set it to the secret that requests must be signed with")
    address = f"127.0.0.1:{arguments.port}" if arguments.descriptor is None else f"fd://{arguments.descriptor}"
    data = tempfile.mkdtemp(prefix="moorage-data-")
    _prepare_environment(arguments.port, arguments.log_level, secret, data)
    try:
        asyncio.run(_serve(address, arguments.log_level, arguments.home, lambda: shutil.rmtree(data)))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        sys.exit(f"the local AWS cannot listen on 127.0.0.1:{arguments.port}: {reason}")


def _prepare_environment(port: int, log_level: str, secret: str, data: str) -> None:
    """Set the variables that ministack reads when it is imported, and remove all others except those in `_OWN`.

    The secret stays in the environment, since ministack verifies presigned URLs with it. ministack reads files,
    including scripts, from its data folders; every user of the machine can write to the default folders.
    """
    for name in [name for name in os.environ if name not in _OWN]:
        del os.environ[name]
    os.environ.update(_ENVIRONMENT, GATEWAY_PORT=str(port), LOG_LEVEL=log_level, S3_DATA_DIR=data, STATE_DIR=data)
    os.environ[SECRET] = secret


async def _serve(address: str, log_level: str, home: Path | None, clean_up: Callable[[], None]) -> None:
    application = _extended()
    config = Config()
    config.bind = [address]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 0.2
    config.shutdown_timeout = 1
    config.loglevel = log_level
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)

    watch = asyncio.create_task(_end_without(home, ended)) if home else None

    async def until_told() -> None:
        await ended.wait()
        if watch:
            watch.cancel()

    await serve(application, config, shutdown_trigger=until_told)  # type: ignore[arg-type]  # hypercorn has its own types
    lambda_svc.reset()  # ends the functions' processes and removes their files
    clean_up()
    sys.stderr.flush()
    os._exit(0)  # a waiting thread must not keep the process alive


async def _end_without(home: Path, ended: asyncio.Event) -> None:
    """End the server if its record in the home disappears, or is not there after 60 seconds.

    No command could find such a server.
    """
    recorded = False
    until = time.monotonic() + _RECORD_SECONDS
    while recorded or time.monotonic() < until:
        try:
            named = json.loads((home / "server.json").read_text("utf-8")).get("pid") == os.getpid()
        except (OSError, ValueError, AttributeError):
            named = False
        if recorded and not named:
            break
        recorded = named
        await asyncio.sleep(_WATCH_SECONDS)
    ended.set()


def _extended() -> object:
    """Return ministack's application, extended with this package's types, checks and authentication."""
    from moorage.local.server.core import authentication, engine, own_listeners  # noqa: PLC0415  # they import ministack

    for name in _SERVICES:
        service = importlib.import_module(f"{__package__}.{name}")
        if hasattr(service, "install"):
            service.install()
    engine.install()
    own_listeners.install()
    app.collect_scripts = lambda *_: []  # no script of this machine may run
    return authentication.authenticated(app.app)


if __name__ == "__main__":
    main()
