"""The services that a task must reach to start and to run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from moorage.workload.problems import Problems

Needs: TypeAlias = frozenset[str]
"""Names of AWS services as endpoints call them (`ecr.api`), and `internet` for what has no endpoint."""

INTERNET_NEEDS: Needs = frozenset({"internet"})
PRIVATE_IMAGE_NEEDS: Needs = frozenset({"ecr.api", "ecr.dkr", "s3"})
LOG_NEEDS: Needs = frozenset({"logs"})
INSTANCE_NEEDS: Needs = frozenset({"ecs", "ecs-agent", "ecs-telemetry"})
"""The services that an instance's agent calls to join its cluster (ECS developer guide, interface VPC endpoints)."""
SESSION_NEEDS: Needs = frozenset({"ssm", "ssmmessages"})
"""The services that Session Manager needs of an instance (Systems Manager user guide, VPC endpoints)."""
EXECUTE_COMMAND_NEEDS: Needs = frozenset({"ssmmessages", "logs"})
"""The services that carry and record a session in a container (ECS developer guide, ECS Exec)."""


def check_services(argument: str, services: Iterable[str], problems: Problems) -> None:
    """Note names that are not those of services as endpoints have them."""
    for service in services:
        if not service or " " in service or service.startswith("com.amazonaws."):
            problems.add(
                f"{argument} is {service!r}, but only what follows 'com.amazonaws.<region>.' is given; "
                "use 'ecr.api', 'logs', 's3'"
            )
