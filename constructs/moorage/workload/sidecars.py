"""The sidecar containers with AWS images: the log router and the OpenTelemetry collector."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs

from moorage.workload import container_limits, secret_sources
from moorage.workload.container_lifecycle import HealthCheck, RestartPolicy
from moorage.workload.plain_texts import PlainText, check_literals
from moorage.workload.problems import Problems, is_token

if TYPE_CHECKING:
    from aws_cdk import aws_ecs as ecs
    from aws_cdk import aws_secretsmanager as secretsmanager
    from aws_cdk import aws_ssm as ssm

    from moorage.workload.image import Image

COLLECTOR_IMAGE = "public.ecr.aws/aws-observability/aws-otel-collector:v0.43.1"
FLUENT_BIT_IMAGE = "public.ecr.aws/aws-observability/aws-for-fluent-bit:3.4.15"

_COLLECTOR_CONFIG_VARIABLE = "AOT_CONFIG_CONTENT"
"""The variable from which AWS's collector reads its configuration (aws-otel-collector, ECS set-up)."""

_XRAY_COLLECTOR_CONFIG = {
    "extensions": {"health_check": {}},
    "receivers": {
        "otlp": {
            "protocols": {"grpc": {"endpoint": "127.0.0.1:4317"}, "http": {"endpoint": "127.0.0.1:4318"}},
        },
        "awsxray": {"endpoint": "127.0.0.1:2000", "transport": "udp"},
    },
    "processors": {
        "resourcedetection": {"detectors": ["env", "system", "ecs"]},
        "batch": {"timeout": "1s", "send_batch_size": 50},
    },
    "exporters": {"awsxray": {}},
    "service": {
        "extensions": ["health_check"],
        "pipelines": {
            "traces": {
                "receivers": ["otlp", "awsxray"],
                "processors": ["resourcedetection", "batch"],
                "exporters": ["awsxray"],
            }
        },
    },
}

_COLLECTOR_PORTS = (4317, 4318, 13133)
"""The TCP ports of the default configuration: those of the OTLP receivers, and that of the health_check extension."""
_LOG_ROUTER_PORTS = (24224,)
"""The TCP port that FireLens configures for a log router (aws-samples/amazon-ecs-firelens-under-the-hood)."""
_XRAY_ACTIONS = (
    "xray:GetSamplingRules",
    "xray:GetSamplingStatisticSummaries",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
)
"""The actions of AWSXRayDaemonWriteAccess. None of them supports resource-level permissions."""

_SERVICE_BY_OUTPUT = {
    "cloudwatch": "logs",
    "cloudwatch_logs": "logs",
    "firehose": "kinesis-firehose",
    "kinesis_firehose": "kinesis-firehose",
    "kinesis": "kinesis-streams",
    "kinesis_streams": "kinesis-streams",
    "s3": "s3",
}
"""The services that Fluent Bit's output plugins for AWS call, as in the names of their endpoints."""


def _frozen(mapping: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return MappingProxyType(dict(mapping or {}))


@attrs.frozen(kw_only=True)
class FireLens:
    """The settings of a FireLens log router.

    Args:
        type: The kind of router: `fluentbit` or `fluentd`. Default: `fluentbit`.
        output: The options of the output plugin, including `Name`. Default: none.
        secret_output: The options that are secrets. The execution role is granted read access. Default: none.
        config_file: Further configuration: a path in the image, or the ARN of an S3 object. Default: none.
        enable_ecs_log_metadata: Whether to add the cluster, task and container to each log event. Default: True.

    Raises:
        ValueError: If `type` is not a kind of router that FireLens supports, `output` contains a secret, or an item of
            `secret_output` is neither a secret nor a parameter.
    """

    type: str = "fluentbit"
    output: Mapping[str, str] = attrs.field(converter=_frozen, default=None)
    secret_output: Mapping[str, secretsmanager.ISecret | ssm.IParameter | ecs.Secret] = attrs.field(
        converter=_frozen, default=None
    )
    config_file: str | None = None
    enable_ecs_log_metadata: bool = True

    def __attrs_post_init__(self) -> None:
        problems = Problems("FireLens")
        problems.check(container_limits.LOG_ROUTER, "type", self.type)
        problems.check_known("type", self.type)
        for option in self.output:
            problems.check_known("each name of output", option)
        check_literals(self._plain_texts, problems)
        secret_sources.check_secrets("secret_output", self.secret_output, problems)
        problems.raise_any()

    @property
    def _plain_texts(self) -> tuple[PlainText, ...]:
        """The options that anyone with access to the task definition can read."""
        return tuple(
            PlainText("output", name, value, f"use secret_output={{{name!r}: ...}}")
            for name, value in self.output.items()
        )

    @property
    def config_in_s3(self) -> bool:
        """True if configuration is read from S3. A token is taken to be an ARN, since a path is known at synthesis."""
        return self.config_file is not None and (self.config_file.startswith("arn:") or is_token(self.config_file))

    @property
    def called_services(self) -> tuple[str, ...]:
        """The AWS services that the router calls for its configuration and, if the plugin is known, for its output."""
        # Fluent Bit reads the names of options in any case
        services = {_SERVICE_BY_OUTPUT.get(value) for key, value in self.output.items() if key.lower() == "name"}
        if self.config_in_s3:
            services.add("s3")
        return tuple(sorted(filter(None, services)))


@attrs.frozen(kw_only=True)
class Sidecar:
    """The requirements of a sidecar container beyond its image.

    Args:
        called_services: The AWS services that the sidecar calls, as in the names of their endpoints. Default: none.
        actions: The IAM actions that the task role needs, on all resources. Default: none.
        ports: The TCP ports that the sidecar listens on, which no other container of the task can use. Default: none.
        firelens: The settings of a log router. Default: none, for other sidecars.
    """

    called_services: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    firelens: FireLens | None = None


def collector_arguments(config: str | ssm.IParameter | None) -> dict[str, Any]:
    """Return the arguments of a `Container` that runs AWS's collector.

    Args:
        config: The configuration, or None for the default configuration, whose requirements are then included.
    """
    arguments: dict[str, Any] = {
        "health_check": HealthCheck(["CMD", "/healthcheck"]),
        "restart_policy": _restart_policy(),
    }
    if config is None:
        needs = Sidecar(called_services=("xray",), actions=_XRAY_ACTIONS, ports=_COLLECTOR_PORTS)
        return {
            **arguments,
            "environment": {_COLLECTOR_CONFIG_VARIABLE: json.dumps(_XRAY_COLLECTOR_CONFIG)},
            "sidecar": needs,
        }
    arguments["sidecar"] = Sidecar()
    return {**arguments, "environment" if isinstance(config, str) else "secrets": {_COLLECTOR_CONFIG_VARIABLE: config}}


def log_router_arguments(image: Image | str | None, **options: Any) -> dict[str, Any]:
    """Return the arguments of a `Container` that routes logs.

    Args:
        image: The image of the router, or None for AWS's image of Fluent Bit.
        **options: The arguments of `FireLens`.

    Raises:
        ValueError: If an option is invalid, `output` has no plugin name for Fluent Bit, or the image does not match the
            router.
    """
    firelens = FireLens(**options)
    problems = Problems("FireLens")
    if firelens.type == "fluentbit" and not {"name"} & {key.lower() for key in firelens.output}:
        problems.add(
            "output must contain the 'Name' of an output plugin; add a name, such as {'Name': 'kinesis_firehose'}"
        )
    problems.check(container_limits.LOG_ROUTER_IMAGE, "image", (firelens.type, image or FLUENT_BIT_IMAGE))
    problems.raise_any()
    return {
        "image": image or FLUENT_BIT_IMAGE,
        "restart_policy": _restart_policy(),
        "sidecar": Sidecar(called_services=firelens.called_services, ports=_LOG_ROUTER_PORTS, firelens=firelens),
    }


def _restart_policy() -> RestartPolicy:
    return RestartPolicy(attempt_period=dt.timedelta(minutes=1))
