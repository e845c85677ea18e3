"""A container of a task."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs

from moorage.workload import limits
from moorage.workload.durations import default_seconds, optional_seconds, seconds
from moorage.workload.faults import Faults, is_token
from moorage.workload.image import Image, image

if TYPE_CHECKING:
    from aws_cdk import aws_ecs as ecs
    from aws_cdk import aws_secretsmanager as secretsmanager
    from aws_cdk import aws_ssm as ssm


WRITABLE_MIB = 64
"""How much a writable path holds when nothing else is said."""

_SECRET_NAME = re.compile(
    r"((^|_)(PASS|PASSWD|PWD|SECRET|TOKEN|API_?KEY|ACCESS_KEY(_ID)?|CREDENTIALS?"
    r"|(PRIVATE|SECRET|ENCRYPTION|SIGNING|MASTER)_?KEY(_BASE)?)|PASSWORD|PASSPHRASE)$"
)
_SECRET_VALUE = re.compile(
    r"\b(AKIA|ASIA)[A-Z0-9]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY-----|://[^/\s:@]*:[^/\s:@]+@"
    r"|\b(gh[opsu]_|github_pat_|glpat-|xox[abprs]-|[rs]k_live_)\w{8}"
)
_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])|[^A-Za-z0-9]+")


def _words(given: str | Sequence[str] | None) -> tuple[str, ...] | None:
    if given is None:
        return None
    return (given,) if isinstance(given, str) else tuple(given) or None


def _names(given: Iterable[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _frozen(given: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return MappingProxyType(dict(given or {}))


def _writable(given: Mapping[str, int] | Sequence[str]) -> Mapping[str, int]:
    if isinstance(given, Mapping):
        return MappingProxyType(dict(given))
    return MappingProxyType(dict.fromkeys(_names(given), WRITABLE_MIB))


def _shell(command: str | Sequence[str]) -> tuple[str, ...]:
    return ("CMD-SHELL", command) if isinstance(command, str) else tuple(command)


@attrs.frozen
class HealthCheck:
    """A command that ECS runs inside a container to learn whether it is healthy.

    Args:
        command: A line for the container's shell, or a list that starts with `CMD` or `CMD-SHELL`. Exit code 0
            means healthy. The program must be in the image.
        interval: Between two checks, 5 to 300 s.
        timeout: What a check may take, 2 to 60 s.
        retries: How many failures in a row make the container unhealthy, 1 to 10.
        start_period: After the start, how long failures do not count, 0 to 300 s; without it they count at once.

    Raises:
        ValueError: one of them is outside what ECS takes (botocore `HealthCheck`).
    """

    command: tuple[str, ...] = attrs.field(converter=_shell)
    interval: int = attrs.field(converter=seconds, default=default_seconds(10), kw_only=True)
    timeout: int = attrs.field(converter=seconds, default=default_seconds(5), kw_only=True)
    retries: int = attrs.field(default=3, kw_only=True)
    start_period: int | None = attrs.field(converter=optional_seconds, default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        faults = Faults("HealthCheck")
        faults.keep(limits.HEALTH_COMMAND, "command", self.command)
        faults.keep(limits.HEALTH_INTERVAL, "interval", self.interval)
        faults.keep(limits.HEALTH_TIMEOUT, "timeout", self.timeout)
        faults.keep(limits.HEALTH_RETRIES, "retries", self.retries)
        faults.keep(limits.HEALTH_START, "start_period", self.start_period)
        faults.raise_found()


@attrs.frozen
class Container:
    """An image, its port, and how it is started, watched, configured and stopped.

    Its root file system is read-only; what must be writable is named.

    Args:
        image: An `Image`, or the name of a public one as `docker pull` takes it.
        name: 1 to 255 letters, digits, `_` and `-`, once per task.
        port: The port it listens on, 1 to 65535; without it nothing connects to the container.
        cpu: The share of the task's CPU units it is sure of; without it, what the others leave.
        memory_mib: Above this it is killed, in MiB; without it, an even share of what the others leave.
        environment: Variables in plain text, readable by all who may see the task definition.
        secrets: Variables that ECS reads at the start of each task, which gets the grant: a Secrets Manager secret,
            an SSM parameter, or `ecs.Secret` for one field of a secret.
        command: What the image runs, in place of its own `CMD`.
        entry_point: In place of the image's own `ENTRYPOINT`.
        working_directory: In place of the image's own `WORKDIR`.
        health_check: How ECS knows it is healthy; without it, only that it runs.
        stop_timeout: From SIGTERM to SIGKILL, 2 to 120 s on Fargate; 30 s without it.
        user: The user it runs as, in place of the image's own: `1000`, `1000:1000` or a name.
        writable: Paths it may write to, each a tmpfs of 64 MiB, or a mapping of each path to its MiB. They are
            memory of the container, empty at each start, and writable by any user (mode 1777).
        read_only: False makes the whole root file system writable.
        essential: Whether the task ends when it ends.
        depends_on: Names of containers to start first: healthy ones where they have a health check, else started.
        not_secret: Variables of `environment` that look like a secret and are none, each with the reason.
        host_port: On instances in bridge mode, the port of the instance that leads to `port`, below 32,768; only one
            copy then fits on an instance. Without it, or as 0, ECS finds a free one for each copy.
        gpus: How many GPUs of the instance it has for itself; none on Fargate.
        privileged: Whether it has the rights of the instance's root; never on Fargate. Leaves Security Hub ECS.4 unmet.

    Raises:
        ValueError: with all the faults of this container.
    """

    image: Image = attrs.field(converter=image)
    name: str = attrs.field(default="app", kw_only=True)
    port: int | None = attrs.field(default=None, kw_only=True)
    cpu: int | None = attrs.field(default=None, kw_only=True)
    memory_mib: int | None = attrs.field(default=None, kw_only=True)
    environment: Mapping[str, str] = attrs.field(converter=_frozen, default=None, kw_only=True)
    secrets: Mapping[str, secretsmanager.ISecret | ssm.IParameter | ecs.Secret] = attrs.field(
        converter=_frozen, default=None, kw_only=True
    )
    command: tuple[str, ...] | None = attrs.field(converter=_words, default=None, kw_only=True)
    entry_point: tuple[str, ...] | None = attrs.field(converter=_words, default=None, kw_only=True)
    working_directory: str | None = attrs.field(default=None, kw_only=True)
    health_check: HealthCheck | None = attrs.field(default=None, kw_only=True)
    stop_timeout: int | None = attrs.field(converter=optional_seconds, default=None, kw_only=True)
    user: str | None = attrs.field(default=None, kw_only=True)
    writable: Mapping[str, int] = attrs.field(converter=_writable, default=(), kw_only=True)
    read_only: bool = attrs.field(default=True, kw_only=True)
    essential: bool = attrs.field(default=True, kw_only=True)
    depends_on: tuple[str, ...] = attrs.field(converter=_names, default=(), kw_only=True)
    not_secret: Mapping[str, str] = attrs.field(converter=_frozen, default=None, kw_only=True)
    host_port: int | None = attrs.field(default=None, kw_only=True)
    gpus: int = attrs.field(default=0, kw_only=True)
    privileged: bool = attrs.field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        faults = Faults(f"Container {self.name!r}")
        faults.keep(limits.CONTAINER_NAME, "name", self.name)
        faults.keep(limits.PORT, "port", self.port)
        if self.host_port:
            faults.keep(limits.PORT, "host_port", self.host_port)
            if self.port is None:
                faults.add(f"host_port is {self.host_port}, but it leads to no port; use port=, or leave it out")
        faults.keep(limits.INSTANCE_GPUS, "gpus", self.gpus)
        faults.keep(limits.CONTAINER_CPU_LEAST, "cpu", self.cpu)
        faults.keep(limits.CONTAINER_MEMORY_LEAST, "memory_mib", self.memory_mib)
        for path, size in self.writable.items():
            faults.keep(limits.MOUNT_PATH, "writable", path)
            faults.keep(limits.WRITABLE_LEAST, f"writable {path!r}", size)
            if self.memory_mib is not None:
                faults.keep(limits.WRITABLE_SIZE, f"writable {path!r}", (size, self.memory_mib))
        self._check_environment(faults)
        if self.name in self.depends_on:
            faults.add(f"depends_on names {self.name!r} itself, so it would never start; leave it out")
        faults.raise_found()

    def _check_environment(self, faults: Faults) -> None:
        for name, value in self.environment.items():
            if not isinstance(value, str):
                faults.add(
                    f"environment has {name!r} as {value!r}, a {type(value).__name__}, but a variable is a text; "
                    f"write it as in {{{name!r}: {str(value)!r}}}"
                )
                continue
            looks_secret = _SECRET_NAME.search(_WORDS.sub("_", name).upper()) or _SECRET_VALUE.search(value)
            if value and looks_secret and not is_token(value) and not self.not_secret.get(name, "").strip():
                faults.add(
                    f"environment has {name!r}, which looks like a secret, "
                    "and everyone who may see the task definition reads it; "
                    f"use secrets={{{name!r}: ...}}, or say why it is none with not_secret={{{name!r}: 'the reason'}}"
                )
        for name in sorted(self.environment.keys() & self.secrets.keys()):
            faults.add(
                f"{name!r} is in environment and in secrets, but a variable has one value; leave it out of one of them"
            )
        for name in sorted(self.not_secret.keys() - self.environment.keys()):
            faults.add(f"not_secret has {name!r}, but environment does not; leave it out")
