"""Amazon EventBridge Pipes: a pipe keeps the records that it cannot process here.

ministack delivers records of DynamoDB streams unchanged to topics and state machines. Here, a pipe that filters,
enriches or transforms records keeps them, as ministack keeps records for other targets.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from moorage.local.server.core.adapter import pipes

_LOGGER = logging.getLogger(__name__)


def install() -> None:
    """Deliver records only through pipes that do not change them."""
    pipes.deliver_batch = _as_stated(pipes.deliver_batch)


def _as_stated(deliver: Callable[[Mapping[str, Any], list[Any]], bool]) -> Callable[..., bool]:
    def delivered(pipe: Mapping[str, Any], batch: list[Any]) -> bool:
        changes = {
            "Enrichment": pipe.get("Enrichment"),
            "FilterCriteria": (pipe.get("SourceParameters") or {}).get("FilterCriteria"),
            "InputTemplate": (pipe.get("TargetParameters") or {}).get("InputTemplate"),
        }
        unknown = [name for name, value in changes.items() if value]
        if unknown:
            _LOGGER.warning(
                "pipe %s holds %d records: the local AWS does not implement its %s",
                pipe.get("Name"), len(batch), ", ".join(unknown),
            )  # fmt: skip
            return False
        return deliver(pipe, batch)

    return delivered
