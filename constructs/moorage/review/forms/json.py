"""A review as JSON, for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from moorage.review.comparison import ResourceChange
from moorage.review.finding import Finding
from moorage.review.forms.cost_section import cost_object
from moorage.review.review import Review

VERSION = 1
"""The version of the schema, `review.schema.json`. A new version removes a member or changes the meaning of one."""


def render(review: Review) -> str:
    """Render a review as JSON that `review.schema.json` describes.

    Args:
        review: The review to render.
    """
    found: Mapping[str, Any] = {
        "version": VERSION,
        "title": review.title,
        "base": review.base,
        "head": review.head,
        "notes": [*review.preface, *review.notes],
        "findings": [_finding(finding) for finding in review.findings],
        "cost": cost_object(review.cost),
        "changes": [_change(change) for change in review.comparison.changes],
    }
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def _finding(finding: Finding) -> Mapping[str, Any]:
    return {
        "kind": finding.kind.value,
        "rule": finding.rule,
        "stack": finding.stack,
        "path": finding.path,
        "logicalId": finding.resource.logical_id if finding.resource else None,
        "type": finding.resource.type if finding.resource else None,
        "file": finding.line.file if finding.line else None,
        "line": finding.line.number if finding.line else None,
        "sentence": finding.sentence,
        "details": list(finding.details),
    }


def _change(change: ResourceChange) -> Mapping[str, Any]:
    return {
        "stack": change.stack.path,
        "path": change.resource.path,
        "logicalId": change.logical_id,
        "type": change.type,
        "action": "add" if change.before is None else "remove" if change.after is None else "update",
        "replacement": change.replacement.value,
        "reasons": list(change.reasons),
        "properties": [
            {"path": list(each.path), "before": each.before, "after": each.after} for each in change.properties
        ],
    }
