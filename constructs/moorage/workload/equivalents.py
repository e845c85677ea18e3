"""The values of moorage that correspond to values of a wrong type, such as objects of CDK and names of AWS."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from moorage.workload.cdk_types import names_of
from moorage.workload.problems import is_token

Equivalent: TypeAlias = Callable[[str, Any], str | None]
"""A function from an argument, with its class, and a value to what to use instead, or None if nothing corresponds."""

SCHEDULER = "(from aws_cdk import aws_scheduler as scheduler)"
_EXPRESSION = re.compile(r"(at|cron|rate)\([^()]*\)")
_INSTANCE_TYPE = re.compile(r"[a-z0-9-]+\.[a-z0-9-]+")
_CAPACITIES = {"FARGATE": "Capacity.fargate()", "FARGATE_SPOT": "Capacity.fargate_spot()"}
_IMAGES = {
    "aws_ecs.AssetImage": "Image.from_directory(...)",
    "aws_ecs.EcrImage": "Image.from_repository(repository, tag=...)",
    "aws_ecs.RepositoryImage": "the name of the image as a string, such as 'redis:8'",
    "aws_ecr.IRepository": "Image.from_repository(repository, tag=...)",
    "aws_ecr_assets.DockerImageAsset": "Image.from_directory(...)",
}
"""The values to use in place of images of CDK."""


def equivalent(argument: str, kinds: list[str], value: Any) -> str | None:
    """Return what to use in place of a value of a wrong type, or None if nothing in moorage corresponds to the value.

    Args:
        argument: The argument, with its class or method.
        kinds: The types that the argument allows.
        value: The value.
    """
    for name, find in _BY_ARGUMENT.items():
        if argument.endswith(f".{name}") and (found := find(argument, value)):
            return found
    matching = (find for kind, find in _BY_KIND.items() if any(kind in re.split(r"[^\w.]+", each) for each in kinds))
    return next((found for find in matching if (found := find(argument, value))), None)


def instance_type(value: Any) -> str | None:
    """Return the name of an instance type, such as `t3.small`, or None for any other value."""
    text = value.to_string() if "aws_ec2.InstanceType" in names_of(value) else value
    return text if isinstance(text, str) and _INSTANCE_TYPE.fullmatch(text) else None


def _schedule(_: str, value: Any) -> str | None:
    """Return the expression of EventBridge Scheduler for a text, a duration, or a `Schedule` of another service."""
    expression = "scheduler.ScheduleExpression"
    if isinstance(value, str) and _EXPRESSION.fullmatch(value) and not is_token(value):
        return f"{expression}.expression({value!r})"
    names = names_of(value)
    if names & {"aws-cdk-lib.Duration", "timedelta"}:
        return f"{expression}.rate(...)"
    if any(name.startswith("aws_") and name.endswith(".Schedule") for name in names):
        found = _EXPRESSION.match(str(getattr(value, "expression_string", "")))
        return f"{expression}.{found[1] if found else 'cron'}(...)"
    return None


def _image(_: str, value: Any) -> str | None:
    if isinstance(value, os.PathLike):
        return f"Image.from_directory({os.fspath(value)!r})"
    names = names_of(value)
    found = (text for name, text in _IMAGES.items() if name in names)
    fallback = "Image.from_directory(...) or another Image.from_* method" if "aws_ecs.ContainerImage" in names else None
    return next(found, fallback)


def _capacity(_: str, value: Any) -> str | None:
    """Return the capacities for the names of capacity providers, or for the strategies of CDK."""
    if isinstance(value, str):
        return _CAPACITIES.get(value.upper())
    if isinstance(value, Mapping):
        weights = [(name, weight) for name, weight in value.items() if isinstance(weight, int)]
    else:
        values = value if isinstance(value, (list, tuple)) else [value]
        if values and all(isinstance(each, str) for each in values):
            texts = [_CAPACITIES.get(each.upper()) for each in values]
            return f"[{', '.join(map(str, texts))}]" if all(texts) else None
        weights = [
            (each.capacity_provider, each.weight or 1)
            for each in values
            if "aws_ecs.CapacityProviderStrategy" in names_of(each)
        ]
    known = [f"{_CAPACITIES[name]}: {weight}" for name, weight in weights if name in _CAPACITIES]
    return f"{{{', '.join(known)}}}" if known and len(known) == len(weights) else None


def _scaling(argument: str, value: Any) -> str | None:
    """Return the scaling with a number of copies, or with a range."""
    numbers = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    if not all(isinstance(each, int) and not isinstance(each, bool) for each in numbers):
        return None
    of_worker = argument.startswith("Worker.")
    target = "backlog_per_task=10" if of_worker else "cpu_percent=60"
    match numbers:
        case (copies,):
            return f"Scaling(0, {copies}, {target})" if of_worker else f"Scaling({copies})"
        case (least, most) if least < most:
            return f"Scaling({least}, {most}, {target})"
    return None


def _permissions(_: str, value: Any) -> str | None:
    values = value if isinstance(value, (list, tuple)) else [value]
    if any("aws_iam.IManagedPolicy" in names_of(each) for each in values):
        return (
            "service.task_definition.task_role.add_managed_policy(policy), or "
            "task_role=iam.Role(..., managed_policies=[policy])"
        )
    return None


def _instance_types(_: str, value: Any) -> str | None:
    values = [instance_type(each) for each in (value if isinstance(value, (list, tuple)) else [value])]
    return repr(values) if all(values) else None


def _reason(argument: str, value: Any) -> str | None:
    """Return how to give the reason for a setting that programs take for a switch."""
    name = argument.rpartition(".")[2]
    return f"the reason as a string, such as {name}='internal traffic only'" if value is True else None


_BY_ARGUMENT: Mapping[str, Equivalent] = {
    "instance_types": _instance_types,
    "permissions": _permissions,
    "plain_http": _reason,
}
_BY_KIND: Mapping[str, Equivalent] = {
    "scheduler.ScheduleExpression": _schedule,
    "Image": _image,
    "Capacity": _capacity,
    "Scaling": _scaling,
}
