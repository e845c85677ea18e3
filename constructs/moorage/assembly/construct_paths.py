"""The construct paths of resources, in the form that a user writes."""

from __future__ import annotations

from moorage.assembly.cloud_assembly import Resource


def short_path(resource: Resource) -> str:
    """Return the construct path of a resource without `Resource` and `Default`, which CDK adds at its end.

    Args:
        resource: The resource.
    """
    parts = resource.path.split("/")
    while len(parts) > 1 and parts[-1] in {"Resource", "Default"}:
        parts.pop()
    return "/".join(parts)
