"""Workloads with their places: their clusters, regions and Availability Zones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from moorage.advice.advice import Advice, advise
from moorage.advice.assumptions import MOST_ZONES, Assumptions
from moorage.advice.launch_type import LaunchType, refusals
from moorage.advice.workload import Workload
from moorage.prices import PriceBook
from moorage.workload.task import Architecture

UNKNOWN = "unknown"
"""The cluster of workloads whose cluster is not in the app."""


@attrs.frozen(kw_only=True)
class Placed:
    """A workload with its place.

    Args:
        workload: The workload.
        cluster: The construct path of its cluster, or `UNKNOWN`.
        region: The region of its stack; None if the app does not state it.
        zones: The number of Availability Zones of its subnets; None if it is unknown.
        current: The capacity that it runs on now.
        trunking: True if the instances of its cluster rely on the account setting `awsvpcTrunking`. Default: False.
    """

    workload: Workload
    cluster: str
    region: str | None
    zones: int | None
    current: str
    trunking: bool = False

    @property
    def heading(self) -> str:
        """The name of the workload with its kind, its capacity, and the number and size of its copies."""
        workload = self.workload
        copies = f"{workload.least}" if workload.least == workload.most else f"{workload.least} to {workload.most}"
        size = f"{workload.cpu / 1024:g} vCPU and {workload.memory_mib / 1024:g} GiB"
        many = "copy" if copies == "1" else "copies"
        return f"{workload.name} ({workload.kind.value} on {self.current}, {copies} {many} of {size})"

    def changed(self, *, trunking: bool | None, region: str | None) -> Placed:
        """Return the same with what is given in place of what the app states.

        Args:
            trunking: True if the account setting `awsvpcTrunking` is on. None for no change.
            region: The region of the prices. None for no change.
        """
        return attrs.evolve(
            self,
            trunking=self.trunking if trunking is None else trunking,
            region=region or self.region,
        )


def advise_each(
    placed: Placed, *, region: str | None = None, assumptions: Assumptions, book: PriceBook | None = None
) -> Advice:
    """Advise on a launch type for one workload.

    Args:
        placed: The workload with its place.
        region: The region of the prices if the app does not state it. Default: us-east-1.
        assumptions: The assumptions.
        book: The price book. Default: the one that moorage contains.
    """
    found = _in_place([placed], assumptions)
    of_region = placed.region or region
    return advise([placed.workload], heading=placed.heading, region=of_region, assumptions=found, book=book)


def advise_together(
    placed: Sequence[Placed], *, region: str | None = None, assumptions: Assumptions, book: PriceBook | None = None
) -> Iterator[Advice]:
    """Yield the advice for each cluster with several workloads that have a choice, and whose copies share instances.

    Args:
        placed: The workloads with their places.
        region: The region of the prices if the app does not state it. Default: us-east-1.
        assumptions: The assumptions.
        book: The price book. Default: the one that moorage contains.
    """
    clusters: dict[tuple[str, str | None, tuple[Architecture, ...]], list[Placed]] = {}
    for each in sorted(placed, key=lambda found: found.workload.name):
        workload = each.workload
        chooses = not refusals(workload, LaunchType.FARGATE, workload.architectures[0])
        if each.cluster != UNKNOWN and chooses and not workload.windows:
            clusters.setdefault((each.cluster, each.region, workload.architectures), []).append(each)
    for (cluster, own_region, _), members in clusters.items():
        if len(members) > 1:
            yield advise(
                [each.workload for each in members],
                subject=f"{cluster}, {len(members)} workloads together",
                region=own_region or region,
                assumptions=_in_place(members, assumptions),
                book=book,
            )


def _in_place(placed: Sequence[Placed], assumptions: Assumptions) -> Assumptions:
    """Return the assumptions with the zones and the account setting that are known of the places."""
    zones = [min(each.zones, MOST_ZONES) for each in placed if each.zones]
    return attrs.evolve(
        assumptions,
        zones=max(zones, default=assumptions.zones),
        trunking=assumptions.trunking or any(each.trunking for each in placed),
    )
