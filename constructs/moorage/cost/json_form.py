"""An estimate as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from moorage.cost.amounts import Range
from moorage.cost.estimate import Estimate, Row, Sum
from moorage.prices.book import PriceBook
from moorage.prices.price import HOURS


def render(estimate: Estimate, book: PriceBook, warnings: Sequence[str] = ()) -> str:
    """Render an estimate as JSON. Amounts are texts, so that no digit is lost.

    Args:
        estimate: The estimate to render.
        book: The prices that it is based on.
        warnings: Further sentences, such as that the prices are old. Default: none.
    """
    content = {
        "currency": "USD",
        "hours": int(HOURS),
        "prices": book.version.isoformat(),
        "total": sum_of(estimate.total),
        "stacks": [{"stack": stack, **sum_of(sum_)} for stack, sum_ in estimate.stacks.items()],
        "constructs": [
            {"stack": stack, "construct": construct, **sum_of(sum_)}
            for (stack, construct), sum_ in estimate.constructs.items()
        ],
        "rows": [_row(row) for row in estimate.rows],
        "unknown_types": dict(estimate.unknown_types),
        "free_resources": estimate.free_resources,
        "notes": [*estimate.notes, *warnings],
    }
    return json.dumps(content, indent=2) + "\n"


def sum_of(sum_: Sum) -> dict[str, Any]:
    """Return a sum as an object of texts.

    Args:
        sum_: The sum.
    """
    return {"fixed": range_of(sum_.fixed), "use": _text(sum_.use), "assumed": range_of(sum_.assumed)}


def _row(row: Row) -> dict[str, Any]:
    return {
        "stack": row.stack,
        "construct": row.construct,
        "path": row.path,
        "type": row.type,
        "component": row.component,
        "kind": row.kind.value,
        "region": row.region,
        "item": row.item or None,
        "quantity": range_of(row.quantity) if row.quantity else None,
        "unit": row.unit or None,
        "price": _text(row.price) if row.price is not None else None,
        "month": range_of(row.month) if row.month else None,
        "assumptions": list(row.assumptions),
        "source": row.source or None,
        "price_region": row.price_region or None,
        "assumed": row.assumed,
    }


def range_of(amount: Range) -> dict[str, str]:
    """Return an amount as an object of texts.

    Args:
        amount: The amount.
    """
    return {"least": _text(amount.least), "most": _text(amount.most)}


def _text(number: Decimal) -> str:
    return f"{number.normalize():f}"
