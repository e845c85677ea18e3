"""Amazon ECS: the reasons why a task can never start, such as a missing image, secret value or mount."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from moorage.local.server.core.adapter import secretsmanager
from moorage.local.server.ecr.repository_type import missing_image
from moorage.local.server.ecs import task_permissions as permissions

_AGENTS_LOGS = "/var/log/amazon/ssm"
"""The directory that the agent of a container instance mounts for ECS Exec (aws/amazon-ecs-agent,
agent/engine/execcmd/manager_init_task_linux.go)."""
_UNREAD = "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secret from asm:"


def why_not(revision: Mapping[str, Any], *, on_instances: bool, executes: bool) -> str | None:
    """Return the stopped reason of a task that can never start; None if the task can start.

    Args:
        revision: The task definition.
        on_instances: True if the task runs on container instances, where Docker refuses duplicate mount points.
        executes: True if ECS Exec is enabled.
    """
    return next(_faults(revision, on_instances=on_instances, executes=executes), None)


def _faults(revision: Mapping[str, Any], *, on_instances: bool, executes: bool) -> Iterator[str]:
    yield from permissions.faults(revision, on_instances=on_instances)
    for container in revision.get("containerDefinitions") or ():
        yield from filter(None, [missing_image(container["image"])])
        log = container.get("logConfiguration") or {}
        for secret in [*(container.get("secrets") or ()), *(log.get("secretOptions") or ())]:
            yield from filter(None, [_missing_secret(secret["valueFrom"])])
        if on_instances:
            yield from _mounted_twice(container, [_AGENTS_LOGS] if executes else [])


def _missing_secret(value_from: str) -> str | None:
    """Return the reason why a secret's value cannot be read.

    Return None if the value can be read, or if the secret does not exist here.
    """
    parts = value_from.split(":")
    arn, (key, stage, version) = ":".join(parts[:7]), (*parts[7:], "", "", "")[:3]
    if parts[2:3] != ["secretsmanager"] or secretsmanager.resolve(arn)[1] is None:
        return None
    value = secretsmanager.resolve_secret_string(arn, stage or "AWSCURRENT", version or None)
    if value is None:
        lacking = f"VersionId: {version}" if version else f"staging label: {stage or 'AWSCURRENT'}"
        fault = f"Secrets Manager can't find the specified secret value for {lacking}"
        return f"{_UNREAD} ResourceNotFoundException: {fault}"
    if not key:
        return None
    try:
        found = json.loads(value)
    except ValueError:
        return f"{_UNREAD} the secret {arn} is not JSON, so it has no key {key}"
    if not isinstance(found, dict) or key not in found:
        return f"{_UNREAD} retrieved secret from Secrets Manager did not contain json key {key}"
    return None


def _mounted_twice(container: Mapping[str, Any], agents: list[str]) -> Iterator[str]:
    stated = [str(each.get("containerPath", "")).rstrip("/") for each in container.get("mountPoints") or ()]
    for path, count in Counter([*stated, *agents]).items():
        if count > 1:
            yield f"CannotCreateContainerError: Error response from daemon: Duplicate mount point: {path}"
