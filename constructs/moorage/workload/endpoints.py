"""The VPC endpoints that bring a task to AWS without the internet."""

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
"""The services whose endpoint is a route and costs nothing (AWS PrivateLink guide, gateway endpoints)."""


@value_class
@attrs.frozen(init=False)
class Endpoints:
    """The VPC endpoints through which a network without NAT reaches AWS.

    Args:
        services: Services as AWS names them in an endpoint: `ecr.api`, `ecr.dkr`, `s3`, `logs`, `secretsmanager`,
            `ssm`, `ssmmessages`, `kms`, `sqs` and so on. `s3` and `dynamodb` become gateway endpoints, which cost
            nothing; each other one is billed by the hour and zone. One that CDK does not know is a warning.

    Raises:
        ValueError: a service's name has a space, or starts with `com.amazonaws.`, which is added.
    """

    services: tuple[str, ...]

    def __init__(self, *services: str) -> None:
        problems = Problems("Endpoints")
        check_services("service", services, problems)
        problems.raise_any()
        for warning in filter(None, map(unknown_name_warning, filterfalse(is_token, services))):
            problems.warn(warning)
        self.__attrs_init__(tuple(sorted(set(services))))  # pyright: ignore[reportAttributeAccessIssue]  # attrs makes it

    @classmethod
    def for_tasks(cls, *tasks: Task, instances: bool = False) -> Endpoints:
        """The least set of endpoints with which these tasks start and run: images, logs, secrets, and what they call.

        Args:
            tasks: What runs in the network.
            instances: Whether it runs on instances, whose agent must reach ECS.

        Raises:
            ValueError: a task pulls from a public registry, which has no endpoint; copy the image to a `Repository`,
                or keep a NAT gateway. Or it calls the internet.
        """
        problems = Problems("Endpoints")
        for task in tasks:
            if INTERNET_NEEDS.intersection(task.called_services):
                problems.add("a task calls 'internet', which no endpoint reaches; keep a NAT gateway")
            for container in task.containers:
                if container.image._needs >= INTERNET_NEEDS:
                    problems.add(
                        f"container {container.name!r} comes from a public registry, which no endpoint reaches; "
                        "push the image to a Repository and use Image.from_repository(...), or keep a NAT gateway"
                    )
        problems.raise_any()
        return cls(*needs_of(tasks), *(INSTANCE_NEEDS if instances else ()))

    def monthly_price(self, *, zones: int, gib: float = 0) -> EgressPrice:
        """What these endpoints cost in a month, beside the NAT gateways that would do the same.

        Args:
            zones: In how many zones the network is.
            gib: How much passes in a month to services other than S3 and DynamoDB: logs, secrets, image manifests.
        """
        return EgressPrice(interfaces=len(set(self.services) - GATEWAY_SERVICES), zones=zones, gib=gib)


def needs_of(tasks: Iterable[Task]) -> Needs:
    """Return the services that the tasks must reach to start and to run."""
    return frozenset().union(*(task._needs for task in tasks))
