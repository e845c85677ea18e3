"""What a container reads at its start, how ECS knows that it runs, and when it is started again."""

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
    """What a container has to have come to before another one starts."""

    START = "START"
    """It runs."""
    COMPLETE = "COMPLETE"
    """It has ended; it is not essential."""
    SUCCESS = "SUCCESS"
    """It has ended with exit code 0; it is not essential."""
    HEALTHY = "HEALTHY"
    """Its health check has passed."""

    @property
    def _waits_for_end(self) -> bool:
        """Return whether the condition is met only when the container has ended."""
        return self in {ContainerCondition.COMPLETE, ContainerCondition.SUCCESS}


@value_class
@attrs.frozen(kw_only=True)
class RestartPolicy:
    """That a container is started again when it ends, without a new task.

    Args:
        ignored_exit_codes: Exit codes after which it stays ended, 50 at most.
        attempt_period: How long it must have run to be started again, 60 to 1,800 s; else it stays ended.

    Raises:
        ValueError: one of them is outside what ECS takes (botocore `ContainerRestartPolicy`).
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
    """A file of variables, one `NAME=value` a line, that ECS reads from S3 when a task starts.

    Variables of `Container(environment=...)` come before it. It is no place for secrets: whoever may read the bucket
    reads it.

    Args:
        key: The object's key, or the path of a file here; it ends in `.env`.
        bucket: Where the object is; without it, the file is uploaded by `cdk deploy`.

    Raises:
        ValueError: it does not end in `.env`, or there is no such file here.
    """

    key: str
    bucket: s3.IBucket | None = None

    @classmethod
    def from_bucket(cls, bucket: s3.IBucket, key: str) -> EnvironmentFile:
        """An object of a bucket, which the execution role is granted to read."""
        return cls(key, bucket)

    @classmethod
    def from_asset(cls, path: str | Path) -> EnvironmentFile:
        """A file here, uploaded by `cdk deploy`."""
        return cls(str(path))

    def __attrs_post_init__(self) -> None:
        problems = Problems("EnvironmentFile")
        problems.check(container_limits.ENVIRONMENT_FILE_NAME, "key", self.key)
        if self.bucket is None and not is_token(self.key) and not Path(self.key).is_file():
            problems.add(f"key is {self.key!r}, but there is no such file here; use EnvironmentFile.from_bucket(...)")
        problems.raise_any()


@value_class
@attrs.frozen
class HealthCheck:
    """A command that ECS runs inside a container to learn whether it is healthy.

    Args:
        command: A line for the container's shell, or a list: `CMD` and the words of a command, or `CMD-SHELL` and a
            line. Exit code 0 means healthy. The program must be in the image.
        interval: Between two checks, 5 to 300 s.
        timeout: What a check may take, 2 to 60 s, and no longer than `interval`.
        retries: How many failures in a row make the container unhealthy, 1 to 10.
        start_period: After the start, how long failures do not count, 0 to 300 s; without it they count at once.

    Raises:
        ValueError: one of them is outside what ECS takes (botocore `HealthCheck`).
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
            problems.check(command_limits.COMMAND_VARIABLE, "command", self.command[1:])
        problems.check(container_limits.HEALTH_INTERVAL, "interval", self.interval)
        problems.check(container_limits.HEALTH_TIMEOUT, "timeout", self.timeout)
        problems.check(container_limits.HEALTH_TIMEOUT_SHORTER, "timeout", (self.timeout, self.interval))
        problems.check(container_limits.HEALTH_RETRIES, "retries", self.retries)
        problems.check(container_limits.HEALTH_START, "start_period", self.start_period)
        problems.raise_any()
