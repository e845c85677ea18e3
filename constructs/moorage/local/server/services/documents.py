"""The checks that IAM, and other services with policies, perform on policy documents.

The grammar is the IAM user guide's, "Grammar of the IAM JSON policy language". The messages and their order are those
that moto measured on AWS (moto, tests/test_iam/test_iam_policies.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator

from moorage.local.server.core.calls import RefusedError

_TEXTS = {"type": ["string", "array"], "items": {"type": ["string", "null"]}}
_PRINCIPALS = {"type": ["string", "object"]}
_OPERATOR = (
    r"(?i)^(ForAnyValue:|ForAllValues:)?"
    r"(String(Not)?(Equals|Like|EqualsIgnoreCase)|Numeric(Not)?Equals|Numeric(Less|Greater)Than(Equals)?"
    r"|Date(Not)?Equals|Date(Less|Greater)Than(Equals)?|Bool|BinaryEquals|(Not)?IpAddress|Arn(Not)?(Equals|Like)|Null)"
    r"(IfExists)?$"
)
_CONDITION = {
    "type": "object",
    "patternProperties": {
        _OPERATOR: {"type": "object", "additionalProperties": {"type": ["string", "boolean", "number", "array"]}}
    },
    "additionalProperties": {"type": "object", "maxProperties": 0},
}
_STATEMENT = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("Action", "NotAction", "Resource", "NotResource"), _TEXTS),
        **dict.fromkeys(("Principal", "NotPrincipal"), _PRINCIPALS),
        "Condition": _CONDITION,
        "Effect": {"enum": ["Allow", "Deny"]},
        "Sid": {"type": "string"},
    },
    "required": ["Effect"],
    "additionalProperties": False,
    "allOf": [{"not": {"required": [name, f"Not{name}"]}} for name in ("Action", "Resource", "Principal")],
}
_GRAMMAR = Draft202012Validator(
    {
        "properties": {
            "Id": {"type": "string"},
            "Statement": {"if": {"type": "array"}, "then": {"items": _STATEMENT, "minItems": 1}, "else": _STATEMENT},
            "Version": {"enum": ["2008-10-17", "2012-10-17"]},
        },
        "required": ["Statement"],
        "additionalProperties": False,
    }
)
_SYNTAX = "Syntax errors in policy."
_LEGACY = "The policy failed legacy parsing"
_DATE = re.compile(
    r"-?\d+(-(0?[1-9]|1[0-2])(-(0?[1-9]|[12]\d|3[01]))?)?"
    r"(T(([01]?\d|2[0-3])(:[0-5]?\d(:[0-5]?\d(\.\d{1,9})?)?)?(Z|[+-]\d{2}(:?\d{2})?)?)?)?|\$\{.*\}",
    re.IGNORECASE,
)
_SID = re.compile("[0-9A-Za-z]*")
_VENDOR = re.compile(r"[a-zA-Z0-9.*?-]+")
_PARTITION = re.compile(r"aws(-[a-z-]+)?|\*|\$\{.*")
_ARN_PARTS = 6
_IAM_PATHS = (
    *("user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/", "server-certificate/", "policy/"),
    *("sms-mfa/", "saml-provider/", "oidc-provider/", "report/", "access-report/"),
)

Statement = Mapping[str, Any]


def parsed(document: Any) -> dict[str, Any]:
    """Return a document as an object.

    Args:
        document: The document, as JSON text or an object.

    Raises:
        RefusedError: The document is not JSON or not an object.
    """
    try:
        found = json.loads(document) if isinstance(document, str) else document
    except ValueError as error:
        raise RefusedError(f"MalformedPolicyDocument: {_SYNTAX}") from error
    if not isinstance(found, dict):
        raise RefusedError(f"MalformedPolicyDocument: {_SYNTAX}")
    return found


def statements(document: Mapping[str, Any]) -> list[Statement]:
    """Return the statements of a document, whose `Statement` is a list or a single statement.

    Args:
        document: The parsed policy document.
    """
    return [each for each in several(document.get("Statement")) if isinstance(each, dict)]


def several(value: Any) -> list[Any]:
    """Return the values of an element as a list.

    Args:
        value: A value, a list of values, or None.
    """
    return list(value) if isinstance(value, list) else [] if value is None else [value]


def syntax_faults(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the errors that any service finds in a document.

    Args:
        document: The parsed policy document.
    """
    if not _GRAMMAR.is_valid(dict(document)):
        yield _SYNTAX
    names = [each["Sid"] for each in statements(document) if each.get("Sid")]
    if len(names) != len(set(names)):
        yield "Statement IDs (SID) in a single policy must be unique."


def action_faults(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the errors in actions. IAM accepts services and actions that do not exist.

    Args:
        document: The parsed policy document.
    """
    for action in (each for statement in statements(document) for each in _stated(statement, "Action")):
        vendor, colon, rest = str(action).partition(":")
        if action == "*":
            continue
        if not colon:
            yield "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
        elif ":" in rest:
            yield "Actions/Condition can contain only one colon."
        elif not _VENDOR.fullmatch(vendor):
            yield f"Vendor {vendor} is not valid"


def identity_faults(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the errors that IAM finds in a policy of a user, a group or a role.

    Args:
        document: The parsed policy document.
    """
    yield from syntax_faults(document)
    stated = statements(document)
    if not all(_SID.fullmatch(str(each.get("Sid", ""))) for each in stated):
        # IAM user guide, "IAM JSON policy elements: Sid"
        yield (
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression "
            "[0-9A-Za-z]*"
        )
    if any({"Principal", "NotPrincipal"} & set(each) for each in stated):
        yield "Policy document should not specify a principal."
    if not all(_DATE.fullmatch(str(each)) for statement in stated for each in _dates(statement)):
        yield _LEGACY
    if not all(_stated(each, "Action") for each in stated):
        yield "Policy statement must contain actions."
    for statement in stated:
        for resource in _stated(statement, "Resource"):
            yield from _arn_faults(str(resource))
    yield from action_faults(document)
    if not all(_stated(each, "Resource") for each in stated):
        yield "Policy statement must contain resources."


def _stated(statement: Statement, name: str) -> list[Any]:
    return [each for each in several(statement.get(name, statement.get(f"Not{name}"))) if each is not None]


def _dates(statement: Statement) -> Iterator[Any]:
    """Yield the dates in a statement's conditions."""
    for operator, keys in (statement.get("Condition") or {}).items():
        if operator.rpartition(":")[2].lower().startswith("date"):
            for value in keys.values():
                yield from several(value)


def _arn_faults(resource: str) -> Iterator[str]:
    if resource == "*":
        return
    parts = resource.split(":", maxsplit=_ARN_PARTS - 1)
    given = len(parts)
    _, partition, service, region, _, named = [*parts, *[""] * (_ARN_PARTS - given)]
    if given == 1:
        yield f'Resource {resource} must be in ARN format or "*".'
    elif not _PARTITION.fullmatch(partition):
        rest = ":".join([*parts[2:], *["*"] * (_ARN_PARTS - given)])
        yield f'Partition "{partition}" is not valid for resource "arn:{partition}:{rest}".'
    elif given == len(("arn", "aws")):
        yield "Resource vendor must be fully qualified and cannot contain regexes."
    elif not service or (given < _ARN_PARTS and "::" in resource):
        yield _LEGACY
    elif service == "s3" and region not in ("", "*") and not named.startswith("accesspoint"):
        yield f"Resource {resource} can not contain region information."
    elif service == "iam" and region not in ("", "*"):
        yield f"IAM resource {resource} cannot contain region information."
    elif service == "iam" and not named.startswith((*_IAM_PATHS, "*", "$")) and named != "root":
        yield f'IAM resource path must either be "*" or start with {", ".join(_IAM_PATHS)}.'


def refuse(faults: Iterator[str], code: str = "MalformedPolicyDocument") -> None:
    """Raise the first error, if there is one.

    Args:
        faults: The errors, with the service's messages.
        code: The service's error code. Default: `MalformedPolicyDocument`, IAM's code.

    Raises:
        RefusedError: There is an error.
    """
    fault = next(faults, None)
    if fault:
        raise RefusedError(f"{code}: {fault}")
