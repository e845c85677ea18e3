"""A container of a task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs

from moorage.workload import command_limits, container_limits, secret_sources
from moorage.workload.container_checks import check_command, check_paths, clean_path, clean_paths
from moorage.workload.durations import optional_seconds
from moorage.workload.image import Image, as_image
from moorage.workload.plain_texts import PlainText, check_literals
from moorage.workload.problems import Problems
from moorage.workload.value import value_class

if TYPE_CHECKING:
    from aws_cdk import aws_ecs as ecs
    from aws_cdk import aws_secretsmanager as secretsmanager
    from aws_cdk import aws_ssm as ssm

    from moorage.workload.container_lifecycle import ContainerCondition, EnvironmentFile, HealthCheck, RestartPolicy
    from moorage.workload.linux_parameters import LinuxParameters
    from moorage.workload.required_services import Needs
    from moorage.workload.sidecars import FireLens, Sidecar
    from moorage.workload.volumes import Mount


DEFAULT_WRITABLE_MIB = 64
"""The size of a writable path by default."""


def _as_arguments(arguments: str | Sequence[str] | None) -> tuple[str, ...] | None:
    if arguments is None:
        return None
    return (arguments,) if isinstance(arguments, str) else tuple(arguments) or None


def _as_names(names: Iterable[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def _as_paths(paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(clean_path, _as_names(paths)))


def _frozen(mapping: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return MappingProxyType(dict(mapping or {}))


def _frozen_texts(mapping: Mapping[str, str] | None) -> Mapping[str, str]:
    return MappingProxyType(dict(mapping or {}))


def _writable_sizes(paths: Mapping[str, int] | Sequence[str]) -> Mapping[str, int]:
    return clean_paths(paths if isinstance(paths, Mapping) else dict.fromkeys(_as_names(paths), DEFAULT_WRITABLE_MIB))


def _dependency_conditions(
    dependencies: str | Iterable[str] | Mapping[str, ContainerCondition | None],
) -> Mapping[str, ContainerCondition | None]:
    return MappingProxyType(
        dict(dependencies) if isinstance(dependencies, Mapping) else dict.fromkeys(_as_names(dependencies))
    )


def _as_files(files: EnvironmentFile | Iterable[EnvironmentFile]) -> tuple[EnvironmentFile, ...]:
    return tuple(files) if isinstance(files, Iterable) else (files,)


def _as_mounts(mounts: Mapping[str, str | Mount] | None) -> Mapping[str, Mount]:
    if not mounts:
        return MappingProxyType({})
    from moorage.workload.volumes import Mount  # noqa: PLC0415  # needed only by volumes

    return clean_paths({path: Mount(mount) if isinstance(mount, str) else mount for path, mount in mounts.items()})


def _as_ranges(ranges: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    return tuple(tuple(pair) for pair in ranges)  # type: ignore[misc]  # PORT_RANGE checks that they are pairs


@value_class
@attrs.frozen
class Container:
    """An image, its port, and how it is started, watched, configured and stopped.

    Its root file system is read-only; what must be writable is named.

    Args:
        image: An `Image`, or the name of a public one as `docker pull` takes it.
        name: 1 to 255 letters, digits, `_` and `-`, once per task.
        port: The port it listens on, 1 to 65535; without it nothing connects to the container.
        port_ranges: More ports that it listens on, each as the first and the last, in awsvpc and bridge mode.
        cpu: The share of the task's CPU units it is sure of; without it, what the others leave.
        memory_mib: Above this it is killed, in MiB. Without it, all containers together have the task's memory; on
            instances of Windows, which ignore that, each has an even share of what the others leave.
        memory_reservation_mib: What it is sure of when memory is short, below `memory_mib`.
        environment: Variables in plain text, readable by all who may see the task definition.
        environment_files: Files of such variables in S3, 10 at most in a task, which the execution role is granted to
            read.
        secrets: Variables that ECS reads at the start of each task, which gets the grant: a Secrets Manager secret,
            an SSM parameter, of which ECS reads the latest version, or `ecs.Secret` for a field or version of a secret.
        command: What the image runs, in place of its own `CMD`: a list of words, as `["npm", "run", "start"]`. A line
            for a shell goes behind `entry_point=["sh", "-c"]`.
        entry_point: In place of the image's own `ENTRYPOINT`, a list of words too.
        working_directory: In place of the image's own `WORKDIR`, an absolute path.
        health_check: How ECS knows it is healthy; without it, only that it runs.
        restart_policy: When it is started again without a new task; without it, never.
        start_timeout: How long containers that depend on it wait for it, 2 to 120 s on Fargate.
        stop_timeout: From SIGTERM to SIGKILL, 2 to 120 s on Fargate; 30 s without it.
        user: The user it runs as, in place of the image's own: `1000`, `1000:1000` or a name.
        writable: Paths it may write to, each a tmpfs of 64 MiB, or a mapping of each path to its MiB. They are
            memory of the container, empty at each start, and writable by any user (mode 1777). On instances no program
            runs from them (`noexec,nosuid,nodev`).
        executable: Those of `writable` that programs run from.
        mounts: The task's volumes by the path where it sees them: a volume's name, or a `Mount` to read only.
        read_only: False makes the whole root file system writable.
        essential: Whether the task ends when it ends.
        depends_on: Names of containers to start first: healthy ones where they have a health check, else started; or a
            mapping of each name to its `ContainerCondition`.
        not_secret: Variables of `environment` that look like a secret and are none, each with the reason.
        host_port: On instances in bridge mode, the port of the instance that leads to `port`, below 32,768; only one
            copy then fits on an instance. Without it, or as 0, ECS finds a free one for each copy.
        gpus: How many GPUs of the instance it has for itself; none on Fargate.
        privileged: Whether it has the rights of the instance's root; never on Fargate. Leaves Security Hub ECS.4 unmet.
        linux_parameters: Capabilities, an init process, ulimits, devices, shared memory and swap.
        docker_labels: Labels that tools beside it on an instance read.
        version_consistency: Whether all tasks of a deployment run the image that its tag meant when it began.
        credential_spec: The group Managed Service Account that it is in Active Directory, which the execution role is
            granted to read: `credentialspecdomainless:` and the ARN of an SSM parameter or an object in S3.
        logging: A log driver of CDK's (`ecs.LogDrivers`) in place of the log router or the log group.
        sidecar: What `otel_collector` and `log_router` say of themselves.

    Raises:
        ValueError: with all the problems of this container.
    """

    image: Image = attrs.field(converter=as_image)
    name: str = attrs.field(default="app", kw_only=True)
    port: int | None = attrs.field(default=None, kw_only=True)
    port_ranges: tuple[tuple[int, int], ...] = attrs.field(converter=_as_ranges, default=(), kw_only=True)
    cpu: int | None = attrs.field(default=None, kw_only=True)
    memory_mib: int | None = attrs.field(default=None, kw_only=True)
    memory_reservation_mib: int | None = attrs.field(default=None, kw_only=True)
    environment: Mapping[str, str] = attrs.field(converter=_frozen, default=None, kw_only=True)
    environment_files: tuple[EnvironmentFile, ...] = attrs.field(converter=_as_files, default=(), kw_only=True)
    secrets: Mapping[str, secretsmanager.ISecret | ssm.IParameter | ecs.Secret] = attrs.field(
        converter=_frozen, default=None, kw_only=True
    )
    command: tuple[str, ...] | None = attrs.field(converter=_as_arguments, default=None, kw_only=True)
    entry_point: tuple[str, ...] | None = attrs.field(converter=_as_arguments, default=None, kw_only=True)
    working_directory: str | None = attrs.field(default=None, kw_only=True)
    health_check: HealthCheck | None = attrs.field(default=None, kw_only=True)
    restart_policy: RestartPolicy | None = attrs.field(default=None, kw_only=True)
    start_timeout: int | None = attrs.field(converter=optional_seconds, default=None, kw_only=True)
    stop_timeout: int | None = attrs.field(converter=optional_seconds, default=None, kw_only=True)
    user: str | None = attrs.field(default=None, kw_only=True)
    writable: Mapping[str, int] = attrs.field(converter=_writable_sizes, default={}, kw_only=True)
    executable: tuple[str, ...] = attrs.field(converter=_as_paths, default=(), kw_only=True)
    mounts: Mapping[str, Mount] = attrs.field(converter=_as_mounts, default=None, kw_only=True)
    read_only: bool = attrs.field(default=True, kw_only=True)
    essential: bool = attrs.field(default=True, kw_only=True)
    depends_on: Mapping[str, ContainerCondition | None] = attrs.field(
        converter=_dependency_conditions, default={}, kw_only=True
    )
    not_secret: Mapping[str, str] = attrs.field(converter=_frozen_texts, default=None, kw_only=True)
    host_port: int | None = attrs.field(default=None, kw_only=True)
    gpus: int = attrs.field(default=0, kw_only=True)
    privileged: bool = attrs.field(default=False, kw_only=True)
    linux_parameters: LinuxParameters | None = attrs.field(default=None, kw_only=True)
    docker_labels: Mapping[str, str] = attrs.field(converter=_frozen_texts, default=None, kw_only=True)
    version_consistency: bool = attrs.field(default=True, kw_only=True)
    credential_spec: str | None = attrs.field(default=None, kw_only=True)
    logging: ecs.LogDriver | None = attrs.field(default=None, kw_only=True)
    sidecar: Sidecar | None = attrs.field(default=None, kw_only=True)

    @staticmethod
    def otel_collector(
        *,
        config: str | ssm.IParameter | None = None,
        name: str = "otel",
        image: Image | str | None = None,
        memory_mib: int = 128,
    ) -> Container:
        """AWS's OpenTelemetry collector beside an application, with what it needs to send traces to X-Ray.

        It listens on localhost, which containers share in awsvpc and host mode: for OTLP on ports 4317 (gRPC) and 4318
        (HTTP), where OpenTelemetry's SDKs send to unasked, and for X-Ray's own SDKs on UDP port 2000. The task goes on
        without it, and it is started again.

        Args:
            config: A configuration of the collector, as text or in an SSM parameter. With it, what the collector calls
                and may do is said by `Task(called_services=..., permissions=...)`. Without it, traces go to X-Ray.
            name: The container's name.
            image: The collector's image; AWS's from the public registry without it, so that a network without a way to
                the internet needs one of a `Repository`.
            memory_mib: Above this it is started again, in MiB.
        """
        from moorage.workload import sidecars  # noqa: PLC0415  # needed only by sidecars

        arguments = sidecars.collector_arguments(config)
        return Container(
            image or sidecars.COLLECTOR_IMAGE, name=name, memory_mib=memory_mib, essential=False, **arguments
        )

    @staticmethod
    def log_router(
        output: Mapping[str, str],
        *,
        secret_output: Mapping[str, secretsmanager.ISecret | ssm.IParameter | ecs.Secret] | None = None,
        config_file: str | None = None,
        type: str = "fluentbit",  # noqa: A002  # FireLens's own word
        name: str = "log-router",
        image: Image | str | None = None,
        memory_mib: int = 128,
    ) -> Container:
        """A FireLens log router, through which the logs of all the other containers of its task go.

        Its own logs go to the service's log group. Where its output is in AWS, the task role needs the grant:
        `stream.grant_put_records(service)`.

        Args:
            output: Options of the output plugin, as in `{"Name": "kinesis_firehose", "delivery_stream": ...}`.
            secret_output: Options that are secrets, as an API key.
            config_file: More configuration: a path in the image or, but not on Fargate, the ARN of an object in S3.
            type: `fluentbit`, or `fluentd`, which needs an `image` of it.
            name: The container's name.
            image: The router's image. Default: AWS's image of Fluent Bit from the public registry.
            memory_mib: Above this it is started again, in MiB.

        Raises:
            ValueError: FireLens has no such router.
        """
        from moorage.workload import sidecars  # noqa: PLC0415  # needed only by sidecars

        arguments = sidecars.log_router_arguments(
            image, type=type, output=output, secret_output=secret_output, config_file=config_file
        )
        return Container(name=name, memory_mib=memory_mib, **arguments)

    @property
    def _firelens(self) -> FireLens | None:
        """Return how it routes the logs of the task's other containers, or None if it routes none."""
        return self.sidecar.firelens if self.sidecar else None

    @property
    def _all_secrets(self) -> tuple[tuple[str, Any], ...]:
        """Return its secrets by name, and those of the output of a log router."""
        output = self._firelens.secret_output if self._firelens else {}
        return (*self.secrets.items(), *output.items())

    @property
    def _needs_to_start(self) -> Needs:
        """Return the services of AWS that its secrets, files and credential spec are read from when it starts."""
        services = {secret_sources.source_service(secret) for _, secret in self._all_secrets}
        if self.credential_spec:
            services.add("ssm" if ":ssm:" in self.credential_spec else "s3")
        return frozenset(services | {"s3"} if self.environment_files else services)

    @property
    def _plain_texts(self) -> tuple[PlainText, ...]:
        """Return the texts that are read with the task definition or with the image."""
        output = self._firelens._plain_texts if self._firelens else ()
        return (*self._own_plain_texts, *output, *self.image._plain_texts)

    @property
    def _own_plain_texts(self) -> tuple[PlainText, ...]:
        variables = (
            PlainText(
                "environment",
                name,
                value,
                f"use secrets={{{name!r}: ...}}, or say why it is none with not_secret={{{name!r}: 'the reason'}}",
            )
            for name, value in self.environment.items()
            if not self.not_secret.get(name, "").strip()
        )
        words = {
            "command": self.command,
            "entry_point": self.entry_point,
            "docker_labels": self.docker_labels.values(),
            "health_check": self.health_check and self.health_check.command,
        }
        way_out = "use secrets={'NAME': ...}, and read the variable NAME there"
        texts = (PlainText(argument, None, each, way_out) for argument in words for each in words[argument] or ())
        return (*variables, *texts)

    def __attrs_post_init__(self) -> None:
        problems = Problems(f"Container {self.name!r}")
        problems.check(container_limits.CONTAINER_NAME, "name", self.name)
        problems.check(container_limits.PORT, "port", self.port)
        if self.host_port:
            problems.check(container_limits.PORT, "host_port", self.host_port)
            if self.port is None:
                problems.add(f"host_port is {self.host_port}, but it leads to no port; use port=, or leave it out")
        problems.check(container_limits.INSTANCE_GPUS, "gpus", self.gpus)
        problems.check_known("gpus", self.gpus)
        problems.check(container_limits.CONTAINER_CPU_LEAST, "cpu", self.cpu)
        problems.check(container_limits.CONTAINER_MEMORY_LEAST, "memory_mib", self.memory_mib)
        for argument in ("start_timeout", "stop_timeout"):
            problems.check(container_limits.CONTAINER_TIMEOUT, argument, getattr(self, argument))
        if self.memory_reservation_mib is not None and self.memory_mib is not None:
            reserved = (self.memory_reservation_mib, self.memory_mib)
            problems.check(container_limits.MEMORY_RESERVATION, "memory_reservation_mib", reserved)
        self._check_port_ranges(problems)
        for path, size in self.writable.items():
            problems.check(container_limits.WRITABLE_LEAST, f"writable {path!r}", size)
            if self.memory_mib is not None:
                problems.check(container_limits.WRITABLE_SIZE, f"writable {path!r}", (size, self.memory_mib))
        check_paths(self.writable, self.mounts, self.executable, problems)
        check_command(self.entry_point, self.command, problems)
        problems.check(command_limits.WORKING_DIRECTORY, "working_directory", self.working_directory)
        problems.check(command_limits.USER, "user", self.user)
        problems.check(container_limits.CREDENTIAL_SPEC, "credential_spec", self.credential_spec)
        kind, _, _ = (self.credential_spec or "").partition(":")
        problems.check_known("the word before ':' of credential_spec", kind)
        for label in self.docker_labels:
            problems.check_known("each name of docker_labels", label)
        self._check_environment(problems)
        secret_sources.check_secrets("secrets", self.secrets, problems)
        if self.name in self.depends_on:
            problems.add(f"depends_on names {self.name!r} itself, so it would never start; leave it out")
        problems.raise_any()

    def _check_port_ranges(self, problems: Problems) -> None:
        problems.check(container_limits.PORT_RANGES, "the number of port_ranges", len(self.port_ranges))
        for port_range in self.port_ranges:
            problems.check(container_limits.PORT_RANGE, "port_ranges", port_range)
            for port in port_range:
                problems.check_known("each port of port_ranges", port)
        if self.port_ranges and not problems.messages:
            single_ports = ((self.port, self.port),) if self.port is not None else ()
            problems.check(container_limits.PORT_RANGES_APART, "port_ranges", (*single_ports, *self.port_ranges))

    def _check_environment(self, problems: Problems) -> None:
        for argument in ("environment", "secrets"):
            for name in getattr(self, argument):
                problems.check(command_limits.ENVIRONMENT_NAME, f"each name of {argument}", name)
        problems.check(
            container_limits.ENVIRONMENT_FILES, "the number of environment_files", len(self.environment_files)
        )
        for name, value in self.environment.items():
            if not isinstance(value, str):
                problems.add(
                    f"environment[{name!r}] must be of type str (got {value!r} of type {type(value).__name__}); "
                    f"write it as in {{{name!r}: {str(value)!r}}}"
                )
        check_literals(self._own_plain_texts, problems)
        for name in sorted(self.environment.keys() & self.secrets.keys()):
            problems.add(
                f"{name!r} is in environment and in secrets, but a variable has one value; leave it out of one of them"
            )
        for name in sorted(self.not_secret.keys() - self.environment.keys()):
            problems.add(f"not_secret has {name!r}, but environment does not; leave it out")
