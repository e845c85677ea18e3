"""The table of the limits of AWS, each with its source.

`Problems.check` applies a row. For each row, `tests/workload/test_limits.py` has one definition within the limit and
one beyond the limit. A row without both definitions fails the test suite.

In the sources, `botocore` stands for the service model in that package (1.43.106), `CFN` for the CloudFormation
resource schemas in cfn-lint 1.58, and `ECS quotas` for the service quotas page of the Amazon ECS developer guide.
"""

from __future__ import annotations

from moorage.workload import (
    capacity_limits,
    command_limits,
    container_limits,
    daemon_limits,
    docker_option_limits,
    image_limits,
    job_limits,
    load_balancing_limits,
    platform_limits,
    port_limits,
    rollout_limits,
    route_limits,
    scaling_limits,
    service_limits,
    task_limits,
    volume_limits,
)
from moorage.workload.limit import Limit

_MODULES = (
    container_limits,
    port_limits,
    command_limits,
    docker_option_limits,
    image_limits,
    task_limits,
    volume_limits,
    platform_limits,
    daemon_limits,
    capacity_limits,
    service_limits,
    route_limits,
    load_balancing_limits,
    scaling_limits,
    rollout_limits,
    job_limits,
)

TABLE: tuple[Limit, ...] = tuple(row for module in _MODULES for row in vars(module).values() if isinstance(row, Limit))
