"""The table of what Amazon ECR accepts, as `moorage.workload.limits` for the rest.

`image_limits` there has what tasks need of ECR: the name of a repository, a tag, a digest.
"""

from __future__ import annotations

from moorage.ecr import registry_limits, repository_limits
from moorage.workload.limit import Limit

TABLE: tuple[Limit, ...] = tuple(
    row for module in (repository_limits, registry_limits) for row in vars(module).values() if isinstance(row, Limit)
)
