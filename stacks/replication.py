"""The places to which the company's images are replicated, and warnings about accounts and regions that are not set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs

from moorage import Replication, ReplicationDestination
from stacks.images import PREFIX, has_cache
from stacks.settings import Description


@attrs.frozen
class Replica:
    """A registry to which images are replicated.

    Args:
        environment: The name of the environment that defines the registry.
        account: The account.
        region: The region.
        is_recovery: True if the region is the recovery region of the environment.
    """

    environment: str
    account: str
    region: str
    is_recovery: bool


def replicas(description: Description) -> tuple[Replica, ...]:
    """Return one replica for each account and region, except for those of the company's registry itself."""
    tooling = description.tooling.place if description.tooling else None
    if tooling is None:
        return ()
    found: dict[tuple[str, str], Replica] = {}
    for is_recovery in (False, True):
        for name, settings in description.destinations.items():
            region = settings.recovery_region if is_recovery else settings.region
            if settings.place and region and (settings.place[0], region) != tooling:
                replica = Replica(name, settings.place[0], region, is_recovery)
                found.setdefault((replica.account, replica.region), replica)
    return tuple(found.values())


def replications(description: Description) -> list[Replication]:
    """Return the replication of the company's images: one rule, or none without a replica."""
    to = [ReplicationDestination(each.region, account=each.account) for each in replicas(description)]
    return [Replication(prefix=f"{PREFIX}/", to=to)] if to else []


def pulling_accounts(description: Description) -> tuple[str, ...]:
    """Return the other accounts whose tasks pull from the company's registry."""
    own = description.tooling.account if description.tooling else None
    accounts = (settings.account for settings in description.environments.values())
    return tuple(sorted({each for each in accounts if each and each != own}))


def left_out(description: Description) -> Iterator[tuple[str, str]]:
    """Yield a name and the text of a warning for the tooling and each environment whose place is needed and not set.

    Without any account and region, as in a new checkout, nothing is forgotten, and `environments.toml` says what is
    left out.
    """
    tooling = description.tooling
    places = (tooling, *description.environments.values())
    if not any(each and (each.account or each.region) for each in places):
        return
    if tooling and not tooling.place:
        effect = "no image is replicated, and all tasks pull from Amazon ECR Public"
        yield "tooling", missing_keys({"tooling.account": tooling.account, "tooling.region": tooling.region}, effect)
    for name, settings in description.environments.items():
        keys, effects = {f"{name}.account": settings.account}, []
        if name in description.destinations and not settings.place:
            keys[f"{name}.region"] = settings.region
            effects.append(
                "images are neither replicated nor promoted to it"
                if settings.images
                else "images are not replicated there"
            )
        if has_cache(description) and tooling and tooling.place and not settings.account:
            effects.append("its tasks pull from Amazon ECR Public")
        if effects:
            yield name, missing_keys(keys, ", and ".join(effects))


def missing_keys(keys: Mapping[str, str | None], effect: str) -> str:
    """Return the text of a warning about keys of `environments.toml` that are not set.

    Args:
        keys: The values of the keys that are needed, by key; at least one is not set.
        effect: The consequence, such as what is left out.
    """
    missing = [key for key, value in keys.items() if not value]
    are, way_out = ("are", "set both") if len(missing) > 1 else ("is", "set it")
    return f"environments.toml: {' and '.join(missing)} {are} not set, so {effect}; {way_out}"
