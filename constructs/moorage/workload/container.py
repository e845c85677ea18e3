"""A container of a task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from moorage.workload import command_limits, container_limits, converters, port_limits, secret_sources
from moorage.workload.container_checks import check_command, check_docker_options, check_paths, check_ports
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
    from moorage.workload.log_mode import LogMode
    from moorage.workload.required_services import Needs
    from moorage.workload.sidecars import FireLens, Sidecar
    from moorage.workload.volumes import Mount


@value_class
@attrs.frozen
class Container:
    """A container of a task: its image, its ports, its command, its configuration and its health check.

    The root file system is read-only, apart from the paths in `writable`.

    Args:
        image: The image, or the name of a public image as for `docker pull`.
        name: The name: 1 to 255 letters, digits, `_` and `-`, unique in the task. Default: `app`.
        port: The port that the container listens on, 1 to 65535. In ECS, the port has the name of the container.
            Default: none, so nothing connects to the container unless there are `ports`.
        ports: Further ports by name, such as `{"admin": 15672}`, for the `container_port` of routes and others.
            Each name has 1 to 64 lowercase letters, digits, `_` and `-`, does not start with `-`, and is unique
            in the task. Without `port`, the first of these ports is the default. Default: none.
        port_ranges: Further ranges of ports that the container listens on, each as a first and a last port. Port ranges
            need awsvpc or bridge mode. Default: none.
        cpu: The CPU units reserved for the container, 0 or more. Default: a share of the CPU units that other
            containers do not reserve.
        memory_mib: The hard memory limit in MiB, 6 or more. Default: the containers share the task's memory. Windows
            instances ignore the task's memory, so on these instances the default is an even share of the memory that
            other containers do not reserve.
        memory_reservation_mib: The soft memory limit in MiB, from 6 to `memory_mib`. Default: none.
        environment: Environment variables in plain text. Anyone who can read the task definition can read the
            variables. Default: none.
        environment_files: Files of environment variables in S3, at most 10. The execution role is granted read access.
            Default: none.
        secrets: Environment variables that ECS reads when a task starts. The execution role is granted read access.
            Each is a Secrets Manager secret, an SSM parameter (ECS reads the latest version), or an `ecs.Secret` for a
            field or version of a secret. Default: none.
        command: The command as a list of words, such as `["npm", "run", "start"]`; a text is a single word. For a shell
            command, use `entry_point=["sh", "-c"]`. Default: the `CMD` of the image.
        entry_point: The entry point as a list of words. Default: the `ENTRYPOINT` of the image.
        working_directory: The working directory, an absolute path. Default: the `WORKDIR` of the image.
        health_check: The health check that ECS runs. Default: none, so a running container counts as healthy.
        restart_policy: The policy by which ECS restarts the container without a new task. Default: no restarts.
        start_timeout: The time that ECS waits for the container to meet the conditions of containers that depend on it,
            2 to 120 s on Fargate. Default: that of ECS, which AWS does not document.
        stop_timeout: The time between SIGTERM and SIGKILL, 2 to 120 s on Fargate. Default: 30 s.
        user: The user to run as: `1000`, `1000:1000` or a name. Default: the user of the image.
        writable: The paths that the container can write to, as a list, or as a mapping of each path to its size in MiB.
            Each path is a tmpfs, by default of 64 MiB. A tmpfs uses the container's memory, is empty at each start, and
            is writable by any user (mode 1777). On instances, programs cannot run from a tmpfs (`noexec,nosuid,nodev`).
            Default: none.
        executable: The paths of `writable` from which programs can run. Default: none.
        mounts: The volumes of the task by mount path, each as the name of a volume or as a `Mount`. Default: none.
        read_only: Whether to make the root file system read-only. Default: True.
        essential: Whether to stop the task when the container stops. Default: True.
        depends_on: The containers to wait for, as names or as a mapping of names to a `ContainerCondition`. The
            default condition is `HEALTHY` for containers with a health check, otherwise `START`. Default: none.
        not_secret: The variables of `environment` that look like secrets but are not, each with a reason.
            Default: none.
        host_port: The port of the instance that maps to `port` in bridge mode, 1 to 65535. Only one copy then fits on
            an instance. A port above 32767 causes a warning. Default: a free port for each copy.
        gpus: The number of GPUs reserved for the container. Not supported on Fargate. Default: 0.
        privileged: Whether to give the container root access to the instance. Not supported on Fargate.
            True fails Security Hub control ECS.4. Default: False.
        linux_parameters: The Linux options: capabilities, init process, ulimits, devices, shared memory and swap.
            Default: none.
        docker_labels: The Docker labels. Default: none.
        version_consistency: Whether to run the same image in all tasks of a deployment, even if the tag is moved.
            This is the image that the tag pointed to when the deployment began. Default: True.
        credential_spec: The credential spec of a group Managed Service Account in Active Directory:
            `credentialspec:` or `credentialspecdomainless:`, followed by the ARN of an SSM parameter or S3 object. The
            execution role is granted read access. Default: none.
        system_controls: The kernel parameters of the container by name, such as
            `{"net.ipv4.tcp_keepalive_time": "600"}`: names that begin with `net.` or `fs.mqueue.`, and the `kernel.`
            parameters of IPC. In awsvpc mode, containers share the `net.` parameters. Default: none.
        volumes_from: The containers of the task whose volumes this container mounts too, each as a name or as an
            `ecs.VolumeFrom`, which can be read-only. ECS starts the container after these containers. Default: none.
        docker_security_options: The options of `docker run --security-opt`: `no-new-privileges`, `apparmor:PROFILE`,
            `label:VALUE` or `credentialspec:PATH`. Not supported on Fargate. Instances need `ECS_APPARMOR_CAPABLE=true`
            or `ECS_SELINUX_CAPABLE=true` in the configuration of the ECS agent for `apparmor:` or `label:`.
            Default: none.
        dns_servers: The IP addresses of the DNS servers. Not supported in awsvpc mode. Default: the DNS servers of the
            instance.
        dns_search_domains: The DNS search domains. Not supported in awsvpc mode. Default: those of the instance.
        extra_hosts: The entries to add to `/etc/hosts`, as IP addresses by host name. Not supported in awsvpc mode.
            Default: none.
        interactive: Whether to keep the standard input open. Default: False.
        pseudo_terminal: Whether to allocate a terminal (TTY). Default: False.
        logging: A log driver (`ecs.LogDrivers`). Default: a driver that sends the logs to the log router of the task,
            or to a log group if the task has no log router.
        log_mode: The delivery mode of logs that go to a log group: `LogMode.blocking()` loses no logs, and
            `LogMode.non_blocking()` never stops the application. Default: the `defaultLogDriverMode` of the account,
            or non-blocking if the account has none.
        sidecar: The settings that only `otel_collector` and `log_router` set. Default: none.

    Raises:
        ValueError: If an argument is outside its limits, contradicts another argument, or contains a secret in plain
            text. The error lists all problems of the container.
    """

    image: Image = attrs.field(converter=as_image)
    name: str = attrs.field(default="app", kw_only=True)
    port: int | None = attrs.field(default=None, kw_only=True)
    ports: Mapping[str, int] = attrs.field(converter=converters.frozen_ports, default=None, kw_only=True)
    port_ranges: tuple[tuple[int, int], ...] = attrs.field(converter=converters.as_ranges, default=(), kw_only=True)
    cpu: int | None = attrs.field(default=None, kw_only=True)
    memory_mib: int | None = attrs.field(default=None, kw_only=True)
    memory_reservation_mib: int | None = attrs.field(default=None, kw_only=True)
    environment: Mapping[str, str] = attrs.field(converter=converters.frozen_environment, default=None, kw_only=True)
    environment_files: tuple[EnvironmentFile, ...] = attrs.field(
        converter=converters.as_files, default=(), kw_only=True
    )
    secrets: Mapping[str, secretsmanager.ISecret | ssm.IParameter | ecs.Secret] = attrs.field(
        converter=converters.frozen, default=None, kw_only=True
    )
    command: tuple[str, ...] | None = attrs.field(converter=converters.as_arguments, default=None, kw_only=True)
    entry_point: tuple[str, ...] | None = attrs.field(converter=converters.as_arguments, default=None, kw_only=True)
    working_directory: str | None = attrs.field(default=None, kw_only=True)
    health_check: HealthCheck | None = attrs.field(default=None, kw_only=True)
    restart_policy: RestartPolicy | None = attrs.field(default=None, kw_only=True)
    start_timeout: int | None = attrs.field(converter=optional_seconds, default=None, kw_only=True)
    stop_timeout: int | None = attrs.field(converter=optional_seconds, default=None, kw_only=True)
    user: str | None = attrs.field(default=None, kw_only=True)
    writable: Mapping[str, int] = attrs.field(converter=converters.writable_sizes, default={}, kw_only=True)
    executable: tuple[str, ...] = attrs.field(converter=converters.as_paths, default=(), kw_only=True)
    mounts: Mapping[str, Mount] = attrs.field(converter=converters.as_mounts, default=None, kw_only=True)
    read_only: bool = attrs.field(default=True, kw_only=True)
    essential: bool = attrs.field(default=True, kw_only=True)
    depends_on: Mapping[str, ContainerCondition | None] = attrs.field(
        converter=converters.dependency_conditions, default={}, kw_only=True
    )
    not_secret: Mapping[str, str] = attrs.field(converter=converters.frozen_texts, default=None, kw_only=True)
    host_port: int | None = attrs.field(default=None, kw_only=True)
    gpus: int = attrs.field(default=0, kw_only=True)
    privileged: bool = attrs.field(default=False, kw_only=True)
    linux_parameters: LinuxParameters | None = attrs.field(default=None, kw_only=True)
    docker_labels: Mapping[str, str] = attrs.field(converter=converters.frozen_texts, default=None, kw_only=True)
    version_consistency: bool = attrs.field(default=True, kw_only=True)
    credential_spec: str | None = attrs.field(default=None, kw_only=True)
    system_controls: Mapping[str, str] = attrs.field(
        converter=converters.as_system_controls, default=None, kw_only=True
    )
    volumes_from: tuple[str | ecs.VolumeFrom, ...] = attrs.field(
        converter=converters.as_volumes_from, default=(), kw_only=True
    )
    docker_security_options: tuple[str, ...] = attrs.field(converter=converters.as_names, default=(), kw_only=True)
    dns_servers: tuple[str, ...] = attrs.field(converter=converters.as_names, default=(), kw_only=True)
    dns_search_domains: tuple[str, ...] = attrs.field(converter=converters.as_names, default=(), kw_only=True)
    extra_hosts: Mapping[str, str] = attrs.field(converter=converters.frozen_texts, default=None, kw_only=True)
    interactive: bool = attrs.field(default=False, kw_only=True)
    pseudo_terminal: bool = attrs.field(default=False, kw_only=True)
    logging: ecs.LogDriver | None = attrs.field(default=None, kw_only=True)
    log_mode: LogMode | None = attrs.field(default=None, kw_only=True)
    sidecar: Sidecar | None = attrs.field(default=None, kw_only=True)

    @staticmethod
    def otel_collector(
        *,
        config: str | ssm.IParameter | None = None,
        name: str = "otel",
        image: Image | str | None = None,
        memory_mib: int = 128,
    ) -> Container:
        """Create a sidecar that runs the AWS Distro for OpenTelemetry collector and sends traces to X-Ray.

        The collector listens on localhost, which containers share in awsvpc and host mode: on ports 4317 (gRPC) and
        4318 (HTTP) for OTLP, the default of OpenTelemetry SDKs, and on UDP port 2000 for X-Ray SDKs. The container is
        not essential, and ECS restarts it when it stops.

        Args:
            config: The configuration of the collector, as a string or an SSM parameter. Give the services that the
                collector then calls and the permissions that it needs in `Task(called_services=..., permissions=...)`.
                Default: a configuration that sends traces to X-Ray, with the permission to do so.
            name: The name of the container. Default: `otel`.
            image: The image of the collector. A network without internet access needs an image in a `Repository`.
                Default: AWS's image in the public registry.
            memory_mib: The hard memory limit in MiB. Default: 128.

        Raises:
            ValueError: If an argument is outside its limits, or `config` contains a secret in plain text.
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
        """Create a FireLens log router, which routes the logs of the other containers in its task.

        Logs of containers with another driver in `logging` are not routed. The router's own logs go to the log group of
        the service or job. For an output in AWS, grant the task role access, for example with
        `stream.grant_put_records(service)`.

        Args:
            output: The options of the output plugin, such as `{"Name": "kinesis_firehose", "delivery_stream": ...}`.
            secret_output: The options that are secrets, such as an API key. Default: none.
            config_file: Further configuration: a path in the image or, except on Fargate, the ARN of an S3 object.
                Default: none.
            type: The kind of router: `fluentbit`, or `fluentd`, which needs an `image`. Default: `fluentbit`.
            name: The name of the container. Default: `log-router`.
            image: The image of the router. Default: AWS's image of Fluent Bit in the public registry.
            memory_mib: The hard memory limit in MiB. Default: 128.

        Raises:
            ValueError: If an argument is outside its limits, the image does not match `type`, `output` contains a
                secret or, for Fluent Bit, no plugin name, or an item of `secret_output` is not a secret.
        """
        from moorage.workload import sidecars  # noqa: PLC0415  # needed only by sidecars

        arguments = sidecars.log_router_arguments(
            image, type=type, output=output, secret_output=secret_output, config_file=config_file
        )
        return Container(name=name, memory_mib=memory_mib, **arguments)

    @property
    def _ports(self) -> Mapping[str, int]:
        """The ports by name, except for port ranges. The first port is the default of routes and others."""
        return self.ports if self.port is None else {self.name.lower(): self.port, **self.ports}

    @property
    def _firelens(self) -> FireLens | None:
        """The settings of the log router, or None for any other container."""
        return self.sidecar.firelens if self.sidecar else None

    @property
    def _volume_sources(self) -> Mapping[str, bool]:
        """The containers whose volumes this container mounts too, each with whether the volumes are read-only."""
        return {
            each if isinstance(each, str) else each.source_container: not isinstance(each, str) and each.read_only
            for each in self.volumes_from
        }

    @property
    def _all_secrets(self) -> tuple[tuple[str, Any], ...]:
        """The secrets, each with its name, including those in the output options of a log router."""
        output = self._firelens.secret_output if self._firelens else {}
        return (*self.secrets.items(), *output.items())

    @property
    def _needs_to_start(self) -> Needs:
        """The AWS services from which secrets, environment files and the credential spec are read at start."""
        services = {secret_sources.source_service(secret) for _, secret in self._all_secrets}
        if self.credential_spec:
            services.add("ssm" if ":ssm:" in self.credential_spec else "s3")
        return frozenset(services | {"s3"} if self.environment_files else services)

    @property
    def _plain_texts(self) -> tuple[PlainText, ...]:
        """The texts that anyone with access to the task definition or the image can read."""
        output = self._firelens._plain_texts if self._firelens else ()
        return (*self._own_plain_texts, *output, *self.image._plain_texts)

    @property
    def _own_plain_texts(self) -> tuple[PlainText, ...]:
        variables = (
            PlainText(
                "environment",
                name,
                value,
                f"use secrets={{{name!r}: ...}}, or not_secret={{{name!r}: 'the reason'}} if it is not a secret",
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
        way_out = "use secrets={'NAME': ...}, and read the variable NAME instead"
        texts = (PlainText(argument, None, each, way_out) for argument in words for each in words[argument] or ())
        return (*variables, *texts)

    def __attrs_post_init__(self) -> None:
        problems = Problems(f"Container {self.name!r}")
        problems.check(container_limits.CONTAINER_NAME, "name", self.name)
        check_ports(self.name, self.port, self.ports, self.port_ranges, problems)
        if self.host_port:
            problems.check(port_limits.PORT, "host_port", self.host_port)
            if self.port is None:
                problems.add(
                    f"host_port must not be given without port (got {self.host_port}); use port=, or leave "
                    "host_port= out"
                )
        problems.check(container_limits.INSTANCE_GPUS, "gpus", self.gpus)
        problems.check_known("gpus", self.gpus)
        problems.check(container_limits.CONTAINER_CPU_LEAST, "cpu", self.cpu)
        problems.check(container_limits.CONTAINER_MEMORY_LEAST, "memory_mib", self.memory_mib)
        for argument in ("start_timeout", "stop_timeout"):
            problems.check(container_limits.CONTAINER_TIMEOUT, argument, getattr(self, argument))
        if self.memory_reservation_mib is not None and self.memory_mib is not None:
            reserved = (self.memory_reservation_mib, self.memory_mib)
            problems.check(container_limits.MEMORY_RESERVATION, "memory_reservation_mib", reserved)
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
        check_docker_options(
            self.system_controls, self.docker_security_options, self.dns_servers, self.extra_hosts, problems
        )
        self._check_environment(problems)
        secret_sources.check_secrets("secrets", self.secrets, problems)
        self._check_others(problems)
        problems.raise_any()

    def _check_others(self, problems: Problems) -> None:
        """Check the log mode, and the names of other containers."""
        if self.log_mode is not None and self.logging is not None:
            problems.add(
                "log_mode must not be given with logging, since the driver has a mode of its own; use mode= of the "
                "driver, or leave one of them out"
            )
        for argument, names in (("depends_on", self.depends_on), ("volumes_from", self._volume_sources)):
            if self.name in names:
                problems.add(
                    f"{argument} must not name the container itself (got {self.name!r}); remove {self.name!r} from "
                    f"{argument}="
                )

    def _check_environment(self, problems: Problems) -> None:
        for argument in ("environment", "secrets"):
            for name in getattr(self, argument):
                problems.check(command_limits.ENVIRONMENT_NAME, f"each name in {argument}", name)
        problems.check(
            container_limits.ENVIRONMENT_FILES, "the number of environment_files", len(self.environment_files)
        )
        for name, value in self.environment.items():
            if not isinstance(value, str):
                problems.add(secret_sources.wrong_variable(name, value))
        check_literals(self._own_plain_texts, problems)
        for name in sorted(self.environment.keys() & self.secrets.keys()):
            problems.add(
                f"environment and secrets must not have the same variable (got {name!r}); remove {name!r} from "
                "one of them"
            )
        for name in sorted(self.not_secret.keys() - self.environment.keys()):
            problems.add(
                f"not_secret must name only variables of environment (got {name!r}); remove {name!r} from not_secret="
            )
