"""Advice as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from moorage.advice.advice import Advice
from moorage.advice.offers import Cost, Offer
from moorage.cost.money import cents


def render(advice: Sequence[Advice], notes: Sequence[str] = ()) -> str:
    """Render advice as JSON.

    Args:
        advice: The advice.
        notes: Further sentences. Default: none.
    """
    content = {"advice": [_advice(each) for each in advice], "notes": list(notes)}
    return f"{json.dumps(content, indent=2)}\n"


def _advice(advice: Advice) -> dict[str, Any]:
    return {
        "subject": advice.subject,
        "workloads": [each.name for each in advice.workloads],
        "region": advice.region,
        "advised": _key(advice.advised),
        "reason": advice.reason,
        "flips": list(advice.flips),
        "assumptions": list(advice.assumptions),
        "sources": list(advice.sources),
        "options": [_option(each) for each in advice.options],
    }


def _key(offer: Offer | None) -> dict[str, str] | None:
    return None if offer is None else {"launch_type": offer.launch_type.value, "architecture": offer.architecture.value}


def _option(offer: Offer) -> dict[str, Any]:
    hosts = offer.hosts
    return {
        **(_key(offer) or {}),
        "fits": offer.fits,
        "refusals": [{"reason": each.reason, "source": each.source} for each in offer.refusals],
        "conditions": list(offer.conditions),
        "instances": hosts
        and {
            "type": hosts.instance_type,
            "least": hosts.least,
            "most": hosts.most,
            "copies_each": hosts.copies_each,
            "limited_by": list(hosts.limiting_resources),
        },
        "usd_a_month": _cost(offer.cost),
        "list_usd_a_month": _cost(offer.list_cost),
        "upkeep_usd_a_month": str(cents(offer.upkeep)),
        "unknown": list(offer.unknown),
    }


def _cost(cost: Cost | None) -> dict[str, str] | None:
    if cost is None:
        return None
    return {name: str(cents(getattr(cost, name))) for name in ("least", "most", "expected")}
