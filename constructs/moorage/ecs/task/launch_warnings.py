"""The warnings about a task with its capacity and network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk

from moorage.ecs.capacity.capacity import CapacityKind
from moorage.ecs.network.network import UNREACHABLE_WARNING
from moorage.workload import secret_sources
from moorage.workload.problems import is_token

if TYPE_CHECKING:
    from constructs import Construct

    from moorage.ecs.task.task_launch import Launch
    from moorage.workload.task import Task

_HTTPS_PORT = 443


def warn_of_launch(construct: Construct, launch: Launch) -> None:
    """Warn about tasks that may not start, secrets, sessions that may not be recorded, and images that may change.

    Args:
        construct: The construct that starts the task.
        launch: The task with its capacity and network.
    """
    add_warning(construct, "@moorage/ecs:no-https", _without_https_warning(launch))
    add_warning(construct, "@moorage/ecs:latest", _moving_image_warning(launch.task))
    add_warning(construct, "@moorage/ecs:secret-json", _complete_secret_warning(launch.task))
    if launch.task.execute_command:
        add_warning(construct, "@moorage/ecs:sessions", _unrecorded_sessions_warning(launch))
    if launch.task.volumes:
        from moorage.ecs.task.volumes import few_mount_targets_warning  # noqa: PLC0415  # needed only by volumes

        selections = [selection for _, selection in launch.task_subnets]
        warning = few_mount_targets_warning(launch.task, selections, launch.reach.vpc)
        add_warning(construct, "@moorage/ecs:mount-targets", warning)
    if launch.may_not_reach_services:
        add_warning(construct, UNREACHABLE_WARNING, _unreachable_warning(launch.task))


def add_warning(construct: Construct, name: str, warning: str | None) -> None:
    """Add a warning that users can acknowledge by its name, unless `warning` is None."""
    if warning:
        cdk.Annotations.of(construct).add_warning_v2(name, f"{warning}; or acknowledge this warning")


def _unreachable_warning(task: Task) -> str:
    return (
        "the subnets of the tasks have no route to the internet, as far as CDK knows, so tasks may not reach "
        f"{', '.join(sorted(task._needs))}; use a Network, whose routes and endpoints are known"
    )


def _moving_image_warning(task: Task) -> str | None:
    """Return a warning about an image without a fixed version, which a rollback cannot restore, or None."""
    moving_images = [image._mutable_reference for each in task.containers if (image := each.image)._mutable_reference]
    if not moving_images:
        return None
    return (
        f"image {moving_images[0]!r} has no fixed version, so it can change without a deployment and cannot be "
        "rolled back; use the tag of a release, or a digest"
    )


def _complete_secret_warning(task: Task) -> str | None:
    """Return a warning about a variable with the complete JSON of a database secret, or None."""
    secrets = [(each, *secret) for each in task.containers for secret in each.secrets.items()]
    complete = [(name, container.name) for container, name, secret in secrets if secret_sources.is_json(secret)]
    if not complete:
        return None
    name, container = complete[0]
    return (
        f"secret {name!r} of container {container!r} is the complete JSON of a database secret, not only the password; "
        "use ecs.Secret.from_secrets_manager(secret, 'password') for one field"
    )


def _unrecorded_sessions_warning(launch: Launch) -> str | None:
    """Return a warning about a container whose sessions ECS may not record, due to its log driver, or None."""
    sessions = launch.cluster_view.exec_sessions
    if sessions and sessions.log_group:
        return None
    router = launch.task._log_router
    routed = [each.name for each in launch.task.containers if each.logging or (router and each is not router)]
    if not routed:
        return None
    return (
        f"sessions in container {routed[0]!r} may not be recorded, since its logs do not go to the log group of "
        "the task; use Cluster(exec_sessions=ExecSessions())"
    )


def _without_https_warning(launch: Launch) -> str | None:
    """Return a warning about tasks on Fargate that may not start, or None.

    On instances, the ECS agent uses the network interface of the instance.
    """
    has_new_group = launch.has_own_interface and launch.security_groups is None
    if not has_new_group or launch.strategy._kind is not CapacityKind.FARGATE:
        return None
    if _HTTPS_PORT in launch.egress or is_token(tuple(launch.egress)):
        return None
    return (
        f"egress should contain {_HTTPS_PORT} (got {list(launch.egress)}), since a task on Fargate pulls its image, "
        f"reads secrets and writes logs through this port; use egress={[_HTTPS_PORT, *launch.egress]}, or allow "
        f"port {_HTTPS_PORT} to these services with connections"
    )
