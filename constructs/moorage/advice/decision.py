"""The choice between options: hard constraints first, then the cost, then a margin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

import attrs

from moorage.advice.assumptions import Assumptions
from moorage.advice.launch_type import LaunchType
from moorage.advice.offers import Offer

_SPOT = {LaunchType.FARGATE: LaunchType.FARGATE_SPOT, LaunchType.EC2: LaunchType.EC2_SPOT}


@attrs.frozen(kw_only=True)
class Decision:
    """The option that is advised, and those that decided it.

    Args:
        advised: The option; None if no known price decides.
        fargate: The cheapest option on Fargate with a known price; None without such an option.
        hosted: The cheapest option on instances with a known price; None without such an option.
    """

    advised: Offer | None
    fargate: Offer | None
    hosted: Offer | None

    @property
    def hosts_win(self) -> bool:
        """True if instances are cheaper than Fargate by the margin, or if only instances fit."""
        return self.advised is not None and not self.advised.launch_type.is_fargate


def decide(options: Sequence[Offer], assumptions: Assumptions) -> Decision:
    """Choose one of the options.

    Args:
        options: The options.
        assumptions: The assumptions.
    """
    known = [each for each in options if each.fits and each.total is not None]
    fargate = cheapest(each for each in known if each.launch_type.is_fargate)
    hosted = cheapest(each for each in known if not each.launch_type.is_fargate)
    chosen = fargate or hosted
    if fargate and hosted and _total(hosted) < _total(fargate) * assumptions.margin_factor:
        chosen = hosted
    return Decision(advised=chosen and _with_spot(chosen, options, assumptions), fargate=fargate, hosted=hosted)


def cheapest(options: Iterable[Offer]) -> Offer | None:
    """Return the cheapest of options whose costs are known; None for no options.

    Args:
        options: The options.
    """
    return min(options, key=_total, default=None)


def _total(offer: Offer) -> Decimal:
    return Decimal(0) if offer.total is None else offer.total


def _with_spot(chosen: Offer, options: Sequence[Offer], assumptions: Assumptions) -> Offer:
    """Return the same on Spot if the workload allows it and its price is unknown, since Spot costs less.

    With a Savings Plan, which does not apply to Spot, it may cost more.
    """
    if (assumptions.fargate_factor if chosen.launch_type.is_fargate else assumptions.ec2_factor) < 1:
        return chosen
    wanted = _SPOT.get(chosen.launch_type), chosen.architecture
    spot = next((each for each in options if (each.launch_type, each.architecture) == wanted), None)
    return spot if spot and spot.fits and spot.total is None and spot.list_cost is not None else chosen
