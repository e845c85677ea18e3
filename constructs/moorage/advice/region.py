"""The region of prices that a user states."""

from __future__ import annotations

from collections.abc import Callable

from moorage.prices.regions import region_problem
from moorage.workload.problems import Problems, is_token


def stated_region(region: str | None, subject: str | Callable[[], str]) -> str | None:
    """Return the region that a user states, or None for none and for a token, which only CloudFormation knows.

    Args:
        region: The region that the user states.
        subject: The path of the construct, or a function that returns it.

    Raises:
        ValidationError: If the region is no code of a region.
    """
    if region is None or is_token(region):
        return None
    problems = Problems(subject)
    if problem := region_problem(region, "region", 'region="{}"'):
        problems.add(problem)
    problems.raise_any()
    return region
