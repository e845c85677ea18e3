"""Openings between two templates, as texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moorage.review.finding import Finding
from moorage.review.opened.opened import opened
from tests.review.templates import compared

Resources = Mapping[str, Any]


def findings(base: Resources | None, head: Resources) -> list[Finding]:
    """Return what opens between two sets of resources of one stack; of a new app if there is no base."""
    return list(opened(compared(None if base is None else {"Shop": base}, {"Shop": head})))


def sentences(base: Resources | None, head: Resources) -> list[tuple[str, str]]:
    """Return the rule, without its kind, and the sentence of each finding."""
    return [(each.rule.removeprefix("opened/"), each.sentence) for each in findings(base, head)]
