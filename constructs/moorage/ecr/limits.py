"""The table of the limits of Amazon ECR; see `moorage.workload.limits`.

`moorage.workload.image_limits` has the limits of repository names, tags and digests, which tasks also use.
"""

from __future__ import annotations

from moorage.ecr import registry_limits, repository_limits
from moorage.workload.limit import Limit

TABLE: tuple[Limit, ...] = tuple(
    row for module in (repository_limits, registry_limits) for row in vars(module).values() if isinstance(row, Limit)
)
