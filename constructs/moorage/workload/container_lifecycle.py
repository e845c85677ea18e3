"""The dependency conditions, environment files, health check and restarts of a container."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from moorage.workload import command_limits, container_limits
from moorage.workload.durations import default_seconds, optional_seconds, seconds
from moorage.workload.problems import Problems, is_token
from moorage.workload.value import value_class

if TYPE_CHECKING:
    from aws_cdk import aws_s3 as s3


def _as_exit_codes(codes: Iterable[int]) -> tuple[int, ...]:
    return tuple(codes)


def _as_health_command(command: str | Sequence[str]) -> tuple[str, ...]:
    return ("CMD-SHELL", command) if isinstance(command, str) else tuple(command)


class ContainerCondition(enum.Enum):
    """The state that a container must reach before containers that depend on it start."""

    START = "START"
    """The container is running."""
    COMPLETE = "COMPLETE"
    """The container has stopped. It must not be essential."""
    SUCCESS = "SUCCESS"
    """The container has stopped with exit code 0. It must not be essential."""
    HEALTHY = "HEALTHY"
    """The container's health check has passed."""

    @property
    def _waits_for_end(self) -> bool:
        """True if the condition is met only after the container has stopped."""
        return self in {ContainerCondition.COMPLETE, ContainerCondition.SUCCESS}


@value_class
@attrs.frozen(kw_only=True)
class RestartPolicy:
    """The policy by which ECS restarts a container that stops, without a new task.

    Args:
        ignored_exit_codes: The exit codes after which the container is not restarted, at most 50. Default: none.
        attempt_period: The time that a container must run before it can be restarted, 60 to 1,800 s. Default: 300 s.

    Raises:
        ValueError: If an argument is outside the limits of ECS (botocore `ContainerRestartPolicy`).
    """

    ignored_exit_codes: tuple[int, ...] = attrs.field(converter=_as_exit_codes, default=())
    attempt_period: int = attrs.field(converter=seconds, default=default_seconds(300))

    def __attrs_post_init__(self) -> None:
        problems = Problems("RestartPolicy")
        problems.check(
            container_limits.RESTART_EXIT_CODES, "the number of ignored_exit_codes", len(self.ignored_exit_codes)
        )
        problems.check(container_limits.RESTART_PERIOD, "attempt_period", self.attempt_period)
        problems.raise_any()


@value_class
@attrs.frozen
class EnvironmentFile:
    """A file of environment variables, one `NAME=value` per line, that ECS reads from S3 when a task starts.

    Variables of `Container(environment=...)` take precedence. Do not put secrets in the file: anyone who can read the
    bucket can read the file.

    Args:
        key: The key of the object or the path of a local file, ending in `.env`.
        bucket: The bucket of the object. Default: none, so `cdk deploy` uploads the local file.

    Raises:
        ValueError: If `key` does not end in `.env`, or the local file does not exist.
    """

    key: str
    bucket: s3.IBucket | None = None

    @classmethod
    def from_bucket(cls, bucket: s3.IBucket, key: str) -> EnvironmentFile:
        """Use an object of a bucket. The execution role is granted read access.

        Args:
            bucket: The bucket.
            key: The key of the object, ending in `.env`.

        Raises:
            ValueError: If the key does not end in `.env`.
        """
        return cls(key, bucket)

    @classmethod
    def from_asset(cls, path: str | Path) -> EnvironmentFile:
        """Use a local file, which `cdk deploy` uploads.

        Args:
            path: The path of the file, ending in `.env`.

        Raises:
            ValueError: If the path does not end in `.env`, or the file does not exist.
        """
        return cls(str(path))

    def __attrs_post_init__(self) -> None:
        problems = Problems("EnvironmentFile")
        problems.check(container_limits.ENVIRONMENT_FILE_NAME, "key", self.key)
        if self.bucket is None and not is_token(self.key) and not Path(self.key).is_file():
            problems.add(
                f"key must be a local file (got {self.key!r}); for an S3 object, use EnvironmentFile.from_bucket(...)"
            )
        problems.raise_any()


@value_class
@attrs.frozen
class HealthCheck:
    """A command that ECS runs inside a container to determine whether the container is healthy.

    Args:
        command: A command line for the container's shell, or a list: `CMD` followed by a program and its arguments, or
            `CMD-SHELL` followed by a command line. Exit code 0 means healthy. The program must be in the image.
        interval: The time between two checks, 5 to 300 s. Default: 10 s.
        timeout: The time that a check can take, 2 to 60 s, and at most `interval`. Default: 5 s.
        retries: The number of consecutive failures after which the container is unhealthy, 1 to 10. Default: 3.
        start_period: The time after the start in which failures do not count, 0 to 300 s. Default: none.

    Raises:
        ValueError: If an argument is outside the limits of ECS (botocore `HealthCheck`).
    """

    command: tuple[str, ...] = attrs.field(converter=_as_health_command)
    interval: int = attrs.field(converter=seconds, default=default_seconds(10), kw_only=True)
    timeout: int = attrs.field(converter=seconds, default=default_seconds(5), kw_only=True)
    retries: int = attrs.field(default=3, kw_only=True)
    start_period: int | None = attrs.field(converter=optional_seconds, default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        problems = Problems("HealthCheck")
        problems.check(command_limits.HEALTH_COMMAND, "command", self.command)
        if self.command[:1] == ("CMD",):
            words = self.command[1:]
            hint = f"use the string {' '.join(words)!r}, which a shell runs"
            problems.check(command_limits.COMMAND_VARIABLE._replace(hint=hint), "command", words)
        problems.check(container_limits.HEALTH_INTERVAL, "interval", self.interval)
        problems.check(container_limits.HEALTH_TIMEOUT, "timeout", self.timeout)
        problems.check(container_limits.HEALTH_TIMEOUT_SHORTER, "timeout", (self.timeout, self.interval))
        problems.check(container_limits.HEALTH_RETRIES, "retries", self.retries)
        problems.check(container_limits.HEALTH_START, "start_period", self.start_period)
        problems.raise_any()
