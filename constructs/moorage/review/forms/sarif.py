"""A review as SARIF 2.1.0, which GitHub code scanning shows at the lines of the user's program."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from moorage.review.finding import Finding, Kind
from moorage.review.forms.cost_section import cost_object
from moorage.review.review import RULES, Review

_LEVELS: Mapping[Kind, str] = {Kind.LOST: "error", Kind.REFUSED: "error", Kind.DEPLOYED: "note"}
_APP = "cdk.json"
"""The file of a finding without a line: code scanning refuses a result without a location (GitHub documentation, "SARIF
support for code scanning")."""


def render(review: Review) -> str:
    """Render the findings of a review as SARIF. The cost is no result, but a property of the run.

    Args:
        review: The review to render.
    """
    rules = sorted({finding.rule for finding in review.findings})
    log: Mapping[str, Any] = {
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "moorage",
                        "version": importlib.metadata.version("moorage"),
                        "rules": [{"id": rule, "shortDescription": {"text": RULES.get(rule, rule)}} for rule in rules],
                    }
                },
                **({"properties": {"cost": cost_object(review.cost)}} if review.cost else {}),
                "results": [
                    _result(finding, rules, fingerprint)
                    for finding, fingerprint in zip(review.findings, _fingerprints(review.findings), strict=True)
                ],
            }
        ],
    }
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _result(finding: Finding, rules: list[str], fingerprint: str) -> Mapping[str, Any]:
    line = finding.line
    physical: dict[str, Any] = {"artifactLocation": {"uri": line.file if line else _APP}}
    if line:
        physical["region"] = {"startLine": line.number}
    return {
        "ruleId": finding.rule,
        "ruleIndex": rules.index(finding.rule),
        "level": _LEVELS.get(finding.kind, "warning"),
        "message": {"text": " ".join((finding.sentence, *finding.details))},
        "locations": [
            {
                "physicalLocation": physical,
                "logicalLocations": [{"fullyQualifiedName": finding.path, "kind": "resource"}],
            }
        ],
        "partialFingerprints": {"moorage/v1": fingerprint},
    }


def _fingerprints(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield a text for each finding that identifies it in later runs, even if its line has moved.

    Code scanning shows only one of several findings with the same text. If the text of a finding is already used, the
    sentence of the finding is added.
    """
    seen = set()
    for finding in findings:
        names = [finding.rule, finding.path, *([] if finding.resource else [finding.sentence])]
        while " ".join(names) in seen:
            names.append(finding.sentence)
        seen.add(" ".join(names))
        yield hashlib.sha256(" ".join(names).encode()).hexdigest()[:32]
