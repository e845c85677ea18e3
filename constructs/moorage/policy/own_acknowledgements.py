"""The acknowledgements of moorage's constructs, handed over to CDK for cdk-nag and for `moorage policy`."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam

from moorage.policy.issues import NAG_PACKS, OWN_NAMESPACE, issues
from moorage.scope.acknowledgements import OwnAcknowledgement, as_list, receive
from moorage.scope.per_construct import PerConstruct
from moorage.scope.stage_validation import add_stage_check

if TYPE_CHECKING:
    from constructs import Construct, IConstruct

_Policies: TypeAlias = iam.CfnRole | iam.CfnPolicy | iam.CfnManagedPolicy
"""Resources with policy documents."""
_SOLUTIONS, *_OTHER_PACKS = NAG_PACKS
"""cdk-nag's packs. Rules of `AwsSolutions` have names such as `ECS4`, and all other rules are named in words."""
_OF_SOLUTIONS = re.compile(r"[A-Z]+\d+")
_NAG = "nag:"
_EVERYBODY = ("0.0.0.0/0", "::/0")


_checked: PerConstruct[IConstruct, list[OwnAcknowledgement]] = PerConstruct()
"""The acknowledgements that depend on what users add, by the construct whose resources they are about."""


def hand_over(app: cdk.App) -> None:
    """Pass the acknowledgements of an app's constructs to CDK: existing ones at once, and later ones when made.

    Args:
        app: The app.

    Raises:
        TypeError: `app` is not a `cdk.App`.
    """
    if not isinstance(app, cdk.Stage) or app.node.scope:
        raise TypeError(f"app must be a cdk.App (got {type(app).__name__}); pass the app that you synthesize")
    receive(app, _receive)


def _receive(own: OwnAcknowledgement) -> None:
    if not (own.actions or own.rules or own.ports or own.variables or own.policies):
        for construct in _limited(own):
            _acknowledge(construct, dict.fromkeys(_ids(own.issue), own.reason))
        return
    owns = _checked.get_or_make(own.construct, list)
    if not owns:
        add_stage_check(cast("Construct", own.construct), functools.partial(_check, own.construct, owns))
    owns.append(own)


def _limited(own: OwnAcknowledgement) -> list[IConstruct]:
    """Return the constructs whose resources an acknowledgement is about."""
    if own.in_stack:
        children = [cdk.Stack.of(own.construct).node.try_find_child(each) for each in own.ids]
        return [child for child in children if child]
    if own.ids:
        return [each for each in own.construct.node.find_all() if each.node.id in own.ids]
    return [own.construct]


def _check(construct: IConstruct, owns: Sequence[OwnAcknowledgement]) -> list[str]:
    """Acknowledge moorage's own wildcards, policies, variables and rules. Return an empty list of problems."""
    groups = [own for own in owns if own.rules or own.ports]
    wildcards = [own for own in owns if own.actions]
    policies = [own for own in owns if own.policies]
    variables = [own for own in owns if own.variables]
    for resource in construct.node.find_all():
        if wildcards and isinstance(resource, iam.CfnRole | iam.CfnPolicy | iam.CfnManagedPolicy):
            _acknowledge(resource, _own_wildcards(resource, wildcards))
        if isinstance(resource, iam.CfnRole):
            for own in policies:
                _acknowledge(resource, _own_policies(resource, own))
        if variables and isinstance(resource, ecs.CfnTaskDefinition) and _sets_only(resource, variables):
            _acknowledge(resource, dict.fromkeys(_ids(variables[0].issue), variables[0].reason))
        if isinstance(resource, ec2.CfnSecurityGroup):
            for own in groups:
                if _opens_only(resource, own):
                    _acknowledge(resource, dict.fromkeys(_ids(own.issue), own.reason))
    return []


def _ids(issue: str) -> Iterator[str]:
    """Yield the IDs under which an issue is acknowledged: the issue's own, and those of cdk-nag's rules."""
    yield f"{OWN_NAMESPACE}::{issue}"
    for rule in issues()[issue].rules:
        if rule.startswith(_NAG):
            name = rule.removeprefix(_NAG)
            for pack in (_SOLUTIONS,) if _OF_SOLUTIONS.fullmatch(name) else _OTHER_PACKS:
                yield f"{pack}::{pack}-{name}"


def _acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    if reasons:
        cdk.Validations.of(construct).acknowledge(
            *(cdk.Acknowledgment(id=each, reason=reason) for each, reason in reasons.items())
        )


def _own_wildcards(resource: _Policies, owns: Sequence[OwnAcknowledgement]) -> dict[str, str]:
    """Return the reasons for wildcards in statements that have only the constructs' actions, by acknowledgement ID.

    If all wildcards are in such statements, the issue itself is also included.

    CDK can merge several statements for the same resources into one.
    """
    found: dict[str, str] = {}
    others: set[str] = set()
    for statement in _statements(resource):
        if statement is None:
            others.add("")  # it may have any wildcard
            continue
        actions = [
            _flat(action) for action in as_list(statement.get("Action", []))
        ]  # none with NotAction, which only users write
        for wildcard in _wildcards(statement):
            allowing = [own for own in owns if not (own.only_in_arns and wildcard == "Resource::*")]
            found[wildcard] = next((own.reason for own in allowing if own.actions.intersection(actions)), "")
            if not actions or not frozenset().union(*(own.actions for own in allowing)).issuperset(actions):
                others.add(wildcard)
    reasons = {f"{_SOLUTIONS}::{_SOLUTIONS}-IAM5[{each}]": found[each] for each in found if each not in others}
    if found and not others:
        reasons[f"{OWN_NAMESPACE}::{owns[0].issue}"] = next(iter(found.values()))
    return reasons


def _own_policies(role: iam.CfnRole, own: OwnAcknowledgement) -> dict[str, str]:
    """Return the reason for the AWS managed policies that a construct attaches to a role, by acknowledgement ID.

    If the role has no other managed policies, the issue itself is also included.
    """
    arns = [_flat(arn) for arn in cdk.Stack.of(role).resolve(role.managed_policy_arns) or []]
    accepted = [arn for arn in arns if arn.partition(":aws:policy/")[2] in own.policies]
    reasons = {f"{_SOLUTIONS}::{_SOLUTIONS}-IAM4[Policy::{arn}]": own.reason for arn in accepted}
    if accepted and accepted == arns:
        reasons[f"{OWN_NAMESPACE}::{own.issue}"] = own.reason
    return reasons


def _statements(resource: _Policies) -> Iterator[Mapping[str, Any] | None]:
    """Yield each Allow statement, and None for each statement that only CloudFormation computes, as with `Fn::If`."""
    stack = cdk.Stack.of(resource)
    if isinstance(resource, iam.CfnRole):
        policies = as_list(stack.resolve(resource.policies) or [])
        documents = [each.get("policyDocument", {}) for each in policies]
    else:
        documents = [stack.resolve(resource.policy_document)]
    for document in documents:
        for statement in as_list(document.get("Statement", {})):
            if statement.get("Effect") != "Deny":
                yield statement if statement.get("Effect") == "Allow" else None


def _wildcards(statement: Mapping[str, Any]) -> list[str]:
    """Return the findings of cdk-nag's rule IAM5 in a statement (cdk-nag 3.0.2, `IAMNoWildcardPermissions`)."""
    return [
        f"{element}::{value}"
        for element in ("Action", "Resource")
        for value in map(_flat, as_list(statement.get(element, [])))
        if "*" in value
    ]


def _flat(value: Any) -> str:
    """Return a value as the text that cdk-nag writes into its findings (cdk-nag 3.0.2, `flattenCfnReference`)."""
    match value:
        case str():
            return value.replace("${", "<").replace("}", ">")
        case {"Fn::Join": [delimiter, parts]}:
            return str(delimiter).join(map(_flat, parts))
        case {"Fn::GetAtt": [resource, attribute]}:
            return f"<{_flat(resource)}.{_flat(attribute)}>"
        case {"Ref": name}:
            return f"<{_flat(name)}>"
        case {"Fn::Sub": text} | {"Fn::ImportValue": text}:
            return _flat(text)
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _opens_only(group: ec2.CfnSecurityGroup, own: OwnAcknowledgement) -> bool:
    """Return whether only the construct's own rules open a security group to all addresses or to a token."""
    rules = as_list(cdk.Stack.of(group).resolve(group.security_group_ingress) or [])
    for rule in rules:
        if "ipProtocol" not in rule:  # CloudFormation computes the rule, as with `Fn::If`
            return False
        source = rule.get("cidrIp", rule.get("cidrIpv6"))
        is_computed = isinstance(source, Mapping)
        if is_computed or source in _EVERYBODY:
            port = rule.get("fromPort") if rule.get("fromPort") == rule.get("toPort") else None
            if not (is_computed and port in own.ports) and (rule.get("description"), port) not in own.rules:
                return False
    return True


def _sets_only(definition: ecs.CfnTaskDefinition, owns: Sequence[OwnAcknowledgement]) -> bool:
    """Return whether the containers have only environment variables that the constructs set."""
    known = frozenset().union(*(own.variables for own in owns))
    containers = as_list(cdk.Stack.of(definition).resolve(definition.container_definitions) or [])
    return all(
        isinstance(variable, Mapping) and variable.get("name") in known
        for container in containers
        for variable in as_list(container.get("environment") or [])
    )
