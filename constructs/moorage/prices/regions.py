"""The code of a region that a user states: its form, and the codes that are probably mistyped."""

from __future__ import annotations

import difflib
import re

from moorage.prices.price import FALLBACK_REGION

REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d+")
"""The code of a region."""
_ZONE = re.compile(rf"({REGION.pattern})[a-z]")
_AREAS = (
    *("af-south", "ap-east", "ap-northeast", "ap-south", "ap-southeast", "ca-central", "ca-west"),
    *("eu-central", "eu-north", "eu-south", "eu-west", "il-central", "me-central", "me-south", "mx-central"),
    *("sa-east", "us-east", "us-west", "cn-north", "cn-northwest", "us-gov-east", "us-gov-west", "eusc-de-east"),
)
"""The codes of regions without their number. Source: botocore, endpoints.json."""


def region_problem(region: str, argument: str, form: str) -> str:
    """Return the sentence about a text that is no code of a region; empty for a code.

    Args:
        region: The text.
        argument: The argument or the option, such as `--region`.
        form: The argument as it is written, with `{}` for the code, such as `--region {}`.
    """
    if REGION.fullmatch(region):
        return ""
    if zone := _ZONE.fullmatch(region):
        return f"{argument} must be the code of a region, and {region} is a zone; write {form.format(zone[1])}"
    meant = region.strip().lower().replace("_", "-")
    if REGION.fullmatch(meant):
        return f"{argument} must be the code of a region (got {region!r}); write {form.format(meant)}"
    return f"{argument} must be the code of a region (got {region!r}); write one, such as {form.format('eu-west-1')}"


def region_doubt(region: str) -> str | None:
    """Return a sentence about a code that is probably mistyped, or whose partition has other prices; None for others.

    Args:
        region: The code, whose form is right.
    """
    area = region.rpartition("-")[0]
    if area not in _AREAS:
        near = difflib.get_close_matches(area, _AREAS, n=1, cutoff=0.7)
        meant = f"; did you mean {near[0]}-{region.rpartition('-')[2]}?" if near else ""
        return f"moorage knows no region {region}{meant}"
    if area.startswith(("cn-", "us-gov-")):
        billed = ", where AWS bills in CNY" if area.startswith("cn-") else ""
        return f"the price book has no prices of {region}{billed}: the amounts are those of {FALLBACK_REGION}"
    return None
