"""The checks that AWS IAM performs on roles, users, groups and policies, and on the deletion of roles and policies.

The error codes and ranges are those of IAM's model in botocore. The quotas are those of the IAM user guide, "IAM and
AWS STS quotas". The messages are those of users' reports, if there are any.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from moorage.local.server.core.adapter import iam, provisioners
from moorage.local.server.core.calls import RefusedError
from moorage.local.server.core.resource import Properties
from moorage.local.server.services import documents, managed_policies, principals
from moorage.local.server.services.guards import guard

_SESSION_SECONDS = (3600, 43200)
_MOST_MANAGED = {"Role": 25, "User": 20, "Group": 10}
"""The highest quotas of attached policies (cdk-preflight 1.9.1, rule pf-iam-managed-policy-count)."""
_MOST_INLINE = {"Role": 10240, "User": 2048, "Group": 5120}
_MOST_MANAGED_CHARACTERS = 6144
_MOST_TRUST_CHARACTERS = 8192
"""The highest quota of a trust policy's length (pytorch/test-infra, issue 5825, comment of 2026-05-05)."""
_NAME = re.compile(r"[\w+=,.@-]+", re.ASCII)
_PATH = re.compile(r"/|/[\x21-\x7e]+/")
_ENTITIES = (("Roles", "role", iam.roles), ("Users", "user", iam.users), ("Groups", "group", iam.groups))


def _check_role(properties: Properties) -> None:
    _check_names(properties, "RoleName", 64)
    _check_session(properties.get("MaxSessionDuration"))
    trust = documents.parsed(properties.get("AssumeRolePolicyDocument"))
    documents.refuse(_trust_faults(trust))
    if _size(trust) > _MOST_TRUST_CHARACTERS:
        raise RefusedError(f"LimitExceeded: Cannot exceed quota for ACLSizePerRole: {_MOST_TRUST_CHARACTERS}")
    _check_identity(properties, "Role", properties.get("RoleName") or "")


def _check_user(properties: Properties) -> None:
    _check_names(properties, "UserName", 64)
    _check_identity(properties, "User", properties.get("UserName") or "")
    for group in properties.get("Groups") or ():
        if group not in iam.groups:
            raise RefusedError(f"NoSuchEntity: The group with name {group} cannot be found.")


def check_group(properties: Properties) -> None:
    """Check a group as IAM does.

    Args:
        properties: The properties in the template, resolved.

    Raises:
        RefusedError: IAM does not accept the group.
    """
    _check_names(properties, "GroupName", 128)
    _check_identity(properties, "Group", properties.get("GroupName") or "")


def text(document: Any) -> str:
    """Return a policy document as text, as the API requires it.

    Args:
        document: The document in the template, an object or text.
    """
    return document if isinstance(document, str) else json.dumps(document)


def _check_names(properties: Properties, name: str, longest: int) -> None:
    stated, path = properties.get(name), properties.get("Path", "/")
    kind = name[:1].lower() + name[1:]
    if stated is not None and not _NAME.fullmatch(str(stated)):
        raise RefusedError(
            f"ValidationError: The specified value for {kind} is invalid. It must contain only alphanumeric characters "
            "and/or the following: +=,.@_-"
        )
    if stated is not None and len(str(stated)) > longest:
        raise RefusedError(
            f"ValidationError: 1 validation error detected: Value '{stated}' at '{kind}' failed to satisfy constraint: "
            f"Member must have length less than or equal to {longest}"
        )
    if not _PATH.fullmatch(str(path)):
        raise RefusedError(
            "ValidationError: The specified value for path is invalid. It must begin and end with / and contain only "
            "alphanumeric characters and/or / characters."
        )


def _check_session(stated: Any) -> None:
    least, most = _SESSION_SECONDS
    if stated is not None and not least <= int(stated) <= most:
        rule = f"greater than or equal to {least}" if int(stated) < least else f"less than or equal to {most}"
        raise RefusedError(
            f"ValidationError: 1 validation error detected: Value '{stated}' at 'maxSessionDuration' failed to satisfy "
            f"constraint: Member must have value {rule}"
        )


def _trust_faults(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the errors that IAM finds in a trust policy."""
    yield from documents.syntax_faults(document)
    yield from documents.action_faults(document)
    for statement in documents.statements(document):
        if {"Resource", "NotResource"} & set(statement):
            yield "Has prohibited field Resource"
        if not {"Principal", "NotPrincipal"} & set(statement):
            yield "Missing required field Principal"
        for action in documents.several(statement.get("Action")):
            if str(action).partition(":")[0].lower() not in ("sts", "*"):
                yield "AssumeRole policy may only specify STS AssumeRole actions."
        for name in principals.invalid(statement.get("Principal", "*")):
            yield f"Invalid principal in policy: {name}"


def _check_identity(properties: Properties, kind: str, name: str) -> None:
    """Check the policies of a role, a user or a group."""
    total = 0
    stated = properties.get("Policies") or []
    for policy in stated:
        document = documents.parsed(policy.get("PolicyDocument"))
        documents.refuse(documents.identity_faults(document))
        _check_names({"PolicyName": policy.get("PolicyName")}, "PolicyName", 128)
        total += _size(document)
    names = [policy.get("PolicyName") for policy in stated]
    if len(names) != len(set(names)):  # IAM user guide, "IAM and AWS STS quotas", "IAM name requirements"
        raise RefusedError(f"InvalidInput: {kind} has two inline policies with the same name")
    if total > _MOST_INLINE[kind]:
        raise RefusedError(
            f"LimitExceeded: Maximum policy size of {_MOST_INLINE[kind]} bytes exceeded for {kind.lower()} {name}"
        )
    attached = properties.get("ManagedPolicyArns") or []
    for arn in [*attached, *documents.several(properties.get("PermissionsBoundary"))]:
        _check_managed(str(arn))
    if len(set(attached)) > _MOST_MANAGED[kind]:
        raise RefusedError(f"LimitExceeded: Cannot exceed quota for PoliciesPer{kind}: {_MOST_MANAGED[kind]}")


def _check_managed(arn: str) -> None:
    if not re.fullmatch(r"arn:aws[a-z-]*:iam::(\d{12}|aws):policy/.+", arn):
        raise RefusedError(f"ValidationError: ARN {arn} is not valid.")
    known = managed_policies.may_exist(arn) if ":iam::aws:" in arn else arn in iam.policies
    if not known:
        raise RefusedError(f"NoSuchEntity: Policy {arn} does not exist or is not attachable.")


def _check_policy(properties: Properties) -> None:
    """Check an inline policy of roles, users or groups, together with their other policies."""
    _check_names({"PolicyName": properties.get("PolicyName")}, "PolicyName", 128)
    document = documents.parsed(properties.get("PolicyDocument"))
    documents.refuse(documents.identity_faults(document))
    named = [(kind, each) for kind, _, _ in _ENTITIES for each in properties.get(kind) or ()]
    if not named:
        raise RefusedError("InvalidRequest: At least one of [Groups,Roles,Users] must be non-empty.")
    _check_entities(properties)
    for kind, name in named:
        most = _MOST_INLINE[kind[:-1]]
        others = iam.roles[name]["InlinePolicies"] if kind == "Roles" else {}
        rest = [text for other, text in others.items() if other != properties.get("PolicyName")]
        if _size(document) + sum(_size(documents.parsed(text)) for text in rest) > most:
            raise RefusedError(
                f"LimitExceeded: Maximum policy size of {most} bytes exceeded for {kind[:-1].lower()} {name}"
            )


def _check_managed_policy(properties: Properties) -> None:
    _check_names({**properties, "PolicyName": properties.get("ManagedPolicyName")}, "PolicyName", 128)
    document = documents.parsed(properties.get("PolicyDocument"))
    documents.refuse(documents.identity_faults(document))
    if document.get("Version") != "2012-10-17":  # Bayer-Group/cloudformation-template-generator pull request 90
        raise RefusedError("MalformedPolicyDocument: Policy document must be version 2012-10-17 or greater.")
    if _size(document) > _MOST_MANAGED_CHARACTERS:
        raise RefusedError(f"LimitExceeded: Cannot exceed quota for PolicySize: {_MOST_MANAGED_CHARACTERS}")
    _check_entities(properties)


def _check_entities(properties: Properties) -> None:
    for name, kind, kept in _ENTITIES:
        for each in properties.get(name) or ():
            if each not in kept:
                raise RefusedError(f"NoSuchEntity: The {kind} with name {each} cannot be found.")


def _size(document: Mapping[str, Any]) -> int:
    """Return the number of characters of a document as IAM counts them, without white space."""
    return len(json.dumps(document, separators=(",", ":"), ensure_ascii=False))


def _bounded(handler: dict[str, Any]) -> None:
    """Make the handler of roles store the permissions boundary, which ministack's CloudFormation drops."""
    for operation in ("create", "update"):
        handler[operation] = _keeping_boundary(handler[operation], 0 if operation == "create" else 1)


def _keeping_boundary(call: Callable[..., Any], stated: int) -> Callable[..., Any]:
    def called(name: str, *rest: Any) -> Any:
        made = call(name, *rest)
        iam.roles[made[0]]["PermissionsBoundary"] = rest[stated].get("PermissionsBoundary")
        return made

    return called


def _check_role_deletion(name: str, properties: Properties) -> None:
    role = iam.roles.get(name)
    if role is None:
        return
    if any(name in profile.get("Roles", ()) for profile in iam.instance_profiles.values()):
        raise RefusedError("DeleteConflict: Cannot delete entity, must remove roles from instance profile first.")
    own = {each.get("PolicyName") for each in properties.get("Policies") or ()}
    if set(role["AttachedPolicies"]) - set(properties.get("ManagedPolicyArns") or ()):
        raise RefusedError("DeleteConflict: Cannot delete entity, must detach all policies first.")
    if set(role["InlinePolicies"]) - own:
        raise RefusedError("DeleteConflict: Cannot delete entity, must delete policies first.")


def _check_policy_deletion(arn: str, properties: Properties) -> None:
    for name, _, kept in _ENTITIES:
        own = set(properties.get(name) or ())
        holders = {each for each, entity in kept.items() if arn in entity.get("AttachedPolicies", ())}
        if holders - own:
            raise RefusedError("DeleteConflict: Cannot delete a policy attached to entities.")


def install() -> None:
    """Check roles, users and policies as IAM does."""
    _bounded(provisioners.RESOURCE_HANDLERS["AWS::IAM::Role"])
    guard("AWS::IAM::Role", _check_role, deletion=_check_role_deletion)
    guard("AWS::IAM::User", _check_user)
    guard("AWS::IAM::Policy", _check_policy)
    guard("AWS::IAM::ManagedPolicy", _check_managed_policy, deletion=_check_policy_deletion)
