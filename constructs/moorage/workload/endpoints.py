"""The VPC endpoints through which tasks reach AWS services without internet access."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import filterfalse
from typing import TYPE_CHECKING

import attrs

from moorage.workload.egress_prices import EgressPrice
from moorage.workload.endpoint_names import unknown_name_warning
from moorage.workload.problems import Problems, is_token
from moorage.workload.required_services import INSTANCE_NEEDS, INTERNET_NEEDS, Needs, check_services
from moorage.workload.value import value_class

if TYPE_CHECKING:
    from moorage.workload.task import Task

GATEWAY_SERVICES: Needs = frozenset({"s3", "dynamodb"})
"""The services with gateway endpoints, which are free (AWS PrivateLink guide, gateway endpoints)."""


@value_class
@attrs.frozen(init=False)
class Endpoints:
    """The VPC endpoints through which a network without NAT gateways reaches AWS services.

    Args:
        *services: The names of the services, as in the names of their endpoints: `ecr.api`, `ecr.dkr`, `s3`, `logs`,
            `secretsmanager`, `ssm`, `ssmmessages`, `kms`, `sqs` and so on. `s3` and `dynamodb` become gateway
            endpoints, which are free. All other endpoints are billed for each hour and Availability Zone. A name that
            CDK does not know causes a warning.

    Raises:
        ValueError: If a name is empty, contains a space or starts with `com.amazonaws.`.
    """

    services: tuple[str, ...]

    def __init__(self, *services: str) -> None:
        problems = Problems("Endpoints")
        check_services("services", services, problems)
        problems.raise_any()
        for warning in filter(None, map(unknown_name_warning, filterfalse(is_token, services))):
            problems.warn(warning)
        self.__attrs_init__(tuple(sorted(set(services))))  # pyright: ignore[reportAttributeAccessIssue]  # attrs makes it

    @classmethod
    def for_tasks(cls, *tasks: Task, instances: bool = False) -> Endpoints:
        """Return the smallest set of endpoints that tasks need for their images, logs, secrets and called services.

        Args:
            *tasks: The tasks that run in the network.
            instances: Whether to add the endpoints that container instances need to reach ECS. Default: False.

        Raises:
            ValueError: If a task needs internet access: an image is in a public registry, or the task calls `internet`.
                Copy the image to a `Repository`, or keep a NAT gateway.
        """
        problems = Problems("Endpoints")
        for task in tasks:
            if INTERNET_NEEDS.intersection(task.called_services):
                problems.add("called_services must not contain 'internet', which has no endpoint; keep a NAT gateway")
            for container in task.containers:
                if container.image._needs >= INTERNET_NEEDS:
                    problems.add(
                        f"image of container {container.name!r} must not be in a public registry, which no endpoint "
                        "reaches; push the image to a Repository and use Image.from_repository(...), or keep a NAT "
                        "gateway"
                    )
        problems.raise_any()
        return cls(*needs_of(tasks), *(INSTANCE_NEEDS if instances else ()))

    def monthly_price(self, *, zones: int, gib: float = 0) -> EgressPrice:
        """Return the monthly price of these endpoints, compared with NAT gateways for the same traffic.

        Args:
            zones: The number of Availability Zones of the network.
            gib: The monthly traffic in GiB to services other than S3 and DynamoDB: logs, secrets, image manifests.
                Default: 0.
        """
        return EgressPrice(interfaces=len(set(self.services) - GATEWAY_SERVICES), zones=zones, gib=gib)


def needs_of(tasks: Iterable[Task]) -> Needs:
    """Return the services that the tasks must reach to start and to run."""
    return frozenset().union(*(task._needs for task in tasks))
