"""What a task must reach to start and to run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from moorage.workload.problems import Problems

Needs: TypeAlias = frozenset[str]
"""Names of AWS services as endpoints call them (`ecr.api`), and `internet` for what has no endpoint."""

INTERNET: Needs = frozenset({"internet"})
PRIVATE_IMAGES: Needs = frozenset({"ecr.api", "ecr.dkr", "s3"})
LOGS: Needs = frozenset({"logs"})
INSTANCES: Needs = frozenset({"ecs", "ecs-agent", "ecs-telemetry"})
"""What the agent of an instance must reach to join its cluster (ECS developer guide, interface VPC endpoints)."""
SESSIONS: Needs = frozenset({"ssm", "ssmmessages"})
"""What Session Manager needs of an instance (Systems Manager user guide, VPC endpoints)."""
EXECUTE_COMMAND: Needs = frozenset({"ssmmessages", "logs"})
"""What a session in a container goes through, and is recorded in (ECS developer guide, ECS Exec)."""


def check_services(argument: str, services: Iterable[str], problems: Problems) -> None:
    """Note what is no name of a service as endpoints have it."""
    for service in services:
        if not service or " " in service or service.startswith("com.amazonaws."):
            problems.add(
                f"{argument} is {service!r}, but only what follows 'com.amazonaws.<region>.' is given; "
                "use 'ecr.api', 'logs', 's3'"
            )
