"""IAM's policy documents: what IAM and the services that take policies have against one.

The words of IAM are those of users' reports and of moto's tests, which were measured on AWS (moto,
tests/test_iam/test_iam_policies.py): the grammar is the IAM user guide's, "Grammar of the IAM JSON policy language".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from moorage.local.server.core.calls import RefusedError

_ELEMENTS = frozenset(("Id", "Statement", "Version"))
_PARTS = frozenset(
    (
        *("Action", "Condition", "Effect", "NotAction", "NotPrincipal", "NotResource", "Principal", "Resource"),
        "Sid",
    )
)
_VERSIONS = ("2008-10-17", "2012-10-17")
_SYNTAX = "Syntax errors in policy."
_OPERATOR = re.compile(
    r"(ForAnyValue:|ForAllValues:)?"
    r"(String(Not)?(Equals|Like|EqualsIgnoreCase)|Numeric(Not)?Equals|Numeric(Less|Greater)Than(Equals)?"
    r"|Date(Not)?Equals|Date(Less|Greater)Than(Equals)?|Bool|BinaryEquals|(Not)?IpAddress|Arn(Not)?(Equals|Like)|Null)"
    r"(IfExists)?",
    re.IGNORECASE,
)
_VENDOR = re.compile(r"[a-zA-Z0-9.*?-]+")
_PARTITION = re.compile(r"aws(-[a-z-]+)?|\*|\$\{.*")
_ARN_PARTS = 6

Statement = Mapping[str, Any]


def parsed(document: Any) -> dict[str, Any]:
    """A document as an object.

    Raises:
        RefusedError: It is not JSON.
    """
    try:
        found = json.loads(document) if isinstance(document, str) else document
    except ValueError as error:
        raise RefusedError(f"MalformedPolicyDocument: {_SYNTAX}") from error
    if not isinstance(found, dict):
        raise RefusedError(f"MalformedPolicyDocument: {_SYNTAX}")
    return found


def statements(document: Mapping[str, Any]) -> list[Statement]:
    """The statements of a document, of which it may state a single one without a list."""
    stated = document.get("Statement") or []
    return [each for each in (stated if isinstance(stated, list) else [stated]) if isinstance(each, dict)]


def several(value: Any) -> list[Any]:
    """What an element states, as a list."""
    return list(value) if isinstance(value, list) else [] if value is None else [value]


def syntax_faults(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the faults that any service finds in a document."""
    stated = several(document.get("Statement"))
    if (
        set(document) - _ELEMENTS
        or str(document.get("Version", _VERSIONS[0])) not in _VERSIONS
        or not stated
        or not all(isinstance(each, dict) and _is_statement(each) for each in stated)
    ):
        yield _SYNTAX
    names = [each["Sid"] for each in statements(document) if each.get("Sid")]
    if len(names) != len(set(names)):
        yield "Statement IDs (SID) in a single policy must be unique."


def _is_statement(statement: Statement) -> bool:
    pairs = [(name, f"Not{name}") for name in ("Action", "Resource", "Principal")]
    return (
        not set(statement) - _PARTS
        and statement.get("Effect") in ("Allow", "Deny")
        and not any(name in statement and other in statement for name, other in pairs)
        and all(_OPERATOR.fullmatch(each) for each in statement.get("Condition") or {})
    )


def action_faults(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the actions that name no service. IAM takes services and actions that do not exist."""
    for statement in statements(document):
        actions = [*several(statement.get("Action")), *several(statement.get("NotAction"))]
        if not actions:
            yield "Policy statement must contain actions."
        for action in actions:
            vendor, colon, rest = str(action).partition(":")
            if action == "*":
                continue
            if not colon:
                yield "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
            elif ":" in rest:
                yield "Actions/Condition can contain only one colon."
            elif not _VENDOR.fullmatch(vendor):
                yield f"Vendor {vendor} is not valid"


def resource_faults(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the resources that are no ARNs, as IAM does for the policies of users and roles."""
    for statement in statements(document):
        stated = statement.get("Resource", statement.get("NotResource"))
        if not several(stated):
            yield "Policy statement must contain resources."
        for resource in several(stated):
            yield from _arn_faults(str(resource))


def _arn_faults(resource: str) -> Iterator[str]:
    if resource == "*":
        return
    parts = resource.split(":", maxsplit=_ARN_PARTS - 1)
    if parts[0] not in ("arn", "*") or len(parts) == 1:
        yield f'Resource {resource} must be in ARN format or "*".'
    elif parts[0] == "arn" and not _PARTITION.fullmatch(parts[1]):
        rest = ":".join([*parts[2:], *["*"] * (_ARN_PARTS - len(parts))])
        yield f'Partition "{parts[1]}" is not valid for resource "arn:{parts[1]}:{rest}".'
    elif len(parts) == len(("arn", "aws")) or parts[2] == "":
        yield "Resource vendor must be fully qualified and cannot contain regexes."
    elif "::" in resource and len(parts) < _ARN_PARTS:
        yield "The policy failed legacy parsing"
    elif parts[2] == "s3" and len(parts) == _ARN_PARTS and parts[3] not in ("", "*") and "::" not in resource:
        if not parts[5].startswith("accesspoint"):
            yield f"Resource {resource} can not contain region information."
    elif parts[2] == "iam" and len(parts) == _ARN_PARTS and parts[3] not in ("", "*"):
        yield f"IAM resource {resource} cannot contain region information."


def refuse(faults: Iterator[str], code: str = "MalformedPolicyDocument") -> None:
    """Refuse the first of the faults, if there is one.

    Args:
        faults: In the service's words.
        code: The service's error code.

    Raises:
        RefusedError: With it.
    """
    fault = next(faults, None)
    if fault:
        raise RefusedError(f"{code}: {fault}")
