"""The contents of price books that tests break in one place."""

from __future__ import annotations

import copy
import datetime as dt
from typing import Any

TODAY = dt.date(2026, 11, 30)
_SOURCE = {
    "name": "AWS Fargate Pricing",
    "url": "https://aws.amazon.com/fargate/pricing/",
    "third_party": False,
    "effective": "2026-11-01",
    "fetched": "2026-11-30",
}
_BOOK: dict[str, Any] = {
    "version": "2026-11-30",
    "sources": {"fargate": _SOURCE},
    "tables": [
        {
            "source": "fargate",
            "unit": "vCPU-hour",
            "regions": ["us-east-1", "sa-east-1"],
            "prices": {
                "fargate.vcpu_hour.x86_64": ["0.04", "0.07"],
                "fargate.vcpu_hour.arm64": ["0.03", "0.05"],
                "fargate.windows_vcpu_hour": ["0.046", None],
            },
        },
        {"source": "fargate", "unit": "GB", "regions": ["us-east-1"], "prices": {"data_transfer.in_gb": ["0"]}},
    ],
    "unknown": {"fargate_spot.vcpu_hour": "Assume a discount."},
}


def book() -> dict[str, Any]:
    """Return the contents of a book without a problem, which the caller can change."""
    return copy.deepcopy(_BOOK)


def with_price(name: str, *cells: Any) -> dict[str, Any]:
    """Return a book with other prices of an item in us-east-1 and sa-east-1."""
    contents = book()
    contents["tables"][0]["prices"][name] = list(cells)
    return contents


def with_source(**members: Any) -> dict[str, Any]:
    """Return a book with other members of its source. None removes a member."""
    contents = book()
    source = {**contents["sources"]["fargate"], **members}
    contents["sources"]["fargate"] = {name: value for name, value in source.items() if value is not None}
    return contents
