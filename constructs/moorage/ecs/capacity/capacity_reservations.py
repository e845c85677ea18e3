"""The Capacity Reservations of ECS Managed Instances."""

from __future__ import annotations

import attrs

from moorage.workload import capacity_limits
from moorage.workload.problems import Problems
from moorage.workload.value import value_class


@value_class
@attrs.frozen
class CapacityReservations:
    """The use of EC2 Capacity Reservations by ECS Managed Instances, created by one of its methods.

    Args:
        preference: The preference in ECS (botocore `CapacityReservationRequest.reservationPreference`).
        group_arn: The ARN of the resource group with the reservations. Default: all open reservations that match.

    Raises:
        ValueError: If `group_arn` is not the ARN of a resource group.
    """

    preference: str
    group_arn: str | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        problems = Problems("CapacityReservations")
        problems.check(capacity_limits.RESERVATION_PREFERENCE, "preference", self.preference)
        problems.check(capacity_limits.RESERVATION_GROUP, "group_arn", self.group_arn)
        problems.raise_any()

    @staticmethod
    def first(*, group_arn: str | None = None) -> CapacityReservations:
        """Return a preference for reserved capacity: without a matching reservation, launch On-Demand Instances.

        Args:
            group_arn: The ARN of the resource group with the reservations. Default: all open reservations that match.

        Raises:
            ValueError: If `group_arn` is not the ARN of a resource group.
        """
        return CapacityReservations("RESERVATIONS_FIRST", group_arn=group_arn)

    @staticmethod
    def only(*, group_arn: str | None = None) -> CapacityReservations:
        """Return the use of only reserved capacity: without a matching reservation, no instance is launched.

        Args:
            group_arn: The ARN of the resource group with the reservations. Default: all open reservations that match.

        Raises:
            ValueError: If `group_arn` is not the ARN of a resource group.
        """
        return CapacityReservations("RESERVATIONS_ONLY", group_arn=group_arn)

    @staticmethod
    def excluded() -> CapacityReservations:
        """Return the use of only On-Demand Instances, so that open reservations are left to other workloads."""
        return CapacityReservations("RESERVATIONS_EXCLUDED")
