"""The delivery mode of the logs of a container."""

from __future__ import annotations

import attrs

from moorage.workload import container_limits
from moorage.workload.attribute_names import AnswersNamesOfCdk
from moorage.workload.problems import Problems
from moorage.workload.value import value_class

_DEFAULT_BUFFER_MIB = 10
"""ECS's default size of the buffer (botocore LogConfiguration.options, max-buffer-size)."""


@value_class
@attrs.frozen
class LogMode(metaclass=AnswersNamesOfCdk):
    """The delivery mode of the logs of a container, for the time in which CloudWatch Logs does not take them.

    Blocking mode loses no logs, but the application stops when it writes the next line, and can fail its health checks.
    Non-blocking mode keeps the application running, but loses the logs that do not fit into a buffer in memory. ECS's
    own default is non-blocking mode since June 25, 2025, unless the account setting `defaultLogDriverMode` is
    `blocking` (botocore `LogConfiguration`).

    Create a mode with `blocking` or `non_blocking`.

    Args:
        max_buffer_mib: The size of the buffer in MiB, or None for blocking mode.

    Raises:
        ValueError: If the size of the buffer is below 1 MiB.
    """

    max_buffer_mib: int | None

    def __attrs_post_init__(self) -> None:
        problems = Problems("LogMode")
        problems.check(container_limits.LOG_BUFFER, "max_buffer_mib", self.max_buffer_mib)
        problems.raise_any()

    @staticmethod
    def blocking() -> LogMode:
        """Stop the application while its logs cannot be delivered, so that no logs are lost."""
        return LogMode(None)

    @staticmethod
    def non_blocking(max_buffer_mib: int = _DEFAULT_BUFFER_MIB) -> LogMode:
        """Keep the application running while its logs cannot be delivered, and lose logs that do not fit into a buffer.

        Args:
            max_buffer_mib: The size of the buffer in MiB, 1 or more. The buffer uses memory of the task in addition to
                the memory that the application uses. Default: 10.

        Raises:
            ValueError: If the size of the buffer is below 1 MiB.
        """
        return LogMode(max_buffer_mib)
