"""An estimate as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from moorage.cost.amounts import HOURS, Range
from moorage.cost.estimate import Estimate, Row, Sum
from moorage.prices.book import PriceBook


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
        "total": _sum(estimate.total),
        "stacks": [{"stack": stack, **_sum(sum_)} for stack, sum_ in estimate.stacks.items()],
        "constructs": [
            {"stack": stack, "construct": construct, **_sum(sum_)}
            for (stack, construct), sum_ in estimate.constructs.items()
        ],
        "rows": [_row(row) for row in estimate.rows],
        "unknown_types": dict(estimate.unknown_types),
        "free_resources": estimate.free_resources,
        "notes": [*estimate.notes, *warnings],
    }
    return json.dumps(content, indent=2) + "\n"


def _sum(sum_: Sum) -> dict[str, Any]:
    return {"fixed": _range(sum_.fixed), "use": _text(sum_.use)}


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
        "quantity": _range(row.quantity) if row.quantity else None,
        "unit": row.unit or None,
        "price": _text(row.price) if row.price is not None else None,
        "month": _range(row.month) if row.month else None,
        "assumptions": list(row.assumptions),
        "source": row.source or None,
    }


def _range(amount: Range) -> dict[str, str]:
    return {"least": _text(amount.least), "most": _text(amount.most)}


def _text(number: Decimal) -> str:
    return f"{number.normalize():f}"
