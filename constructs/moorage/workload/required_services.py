"""The services that a task must reach to start and to run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from moorage.workload.problems import Problems

Needs: TypeAlias = frozenset[str]
"""The names of AWS services, as in their endpoints (`ecr.api`), and `internet` for everything without an endpoint."""

INTERNET_NEEDS: Needs = frozenset({"internet"})
PRIVATE_IMAGE_NEEDS: Needs = frozenset({"ecr.api", "ecr.dkr", "s3"})
LOG_NEEDS: Needs = frozenset({"logs"})
INSTANCE_NEEDS: Needs = frozenset({"ecs", "ecs-agent", "ecs-telemetry"})
"""The services that the ECS agent calls to join its cluster (ECS developer guide, interface VPC endpoints)."""
SESSION_NEEDS: Needs = frozenset({"ssm", "ssmmessages"})
"""The services that instances call for Session Manager (Systems Manager user guide, VPC endpoints)."""
EXECUTE_COMMAND_NEEDS: Needs = frozenset({"ssmmessages", "logs"})
"""The services that tasks call for ECS Exec (ECS developer guide, ECS Exec)."""


def check_services(argument: str, services: Iterable[str], problems: Problems) -> None:
    """Check that no name is empty, contains a space or has the prefix `com.amazonaws.<region>.`."""
    for service in services:
        if not service or " " in service or service.startswith("com.amazonaws."):
            problems.add(
                f"each item of {argument} must not be empty, contain spaces or have the prefix "
                f"'com.amazonaws.<region>.' (got {service!r}); use a name such as 'ecr.api', 'logs' or 's3'"
            )
