"""Amazon EventBridge Pipes: what a pipe here cannot do to its records keeps them from its target.

ministack takes records from DynamoDB streams to topics and state machines as they are. A pipe that would filter, enrich
or transform them holds them, as ministack's does with those for other targets.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from moorage.local.server.core.adapter import pipes

_LOGGER = logging.getLogger(__name__)


def install() -> None:
    """Deliver only what is delivered as it is on AWS."""
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
