"""The scanning of images, which is the same in the company's registry and in its replicas."""

from __future__ import annotations

from moorage import Scanning
from stacks.images import PREFIX
from stacks.settings import Description


def scanning(description: Description) -> Scanning:
    """Return enhanced scanning: continuous for the images that run, and on push for all others.

    Args:
        description: The description of all environments.
    """
    caches = description.tooling.registry.caches if description.tooling else ()
    return Scanning.enhanced(continuous=[f"{prefix}/*" for prefix in (PREFIX, *caches)], on_push=["*"])
