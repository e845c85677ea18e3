"""The checks that a resource has an issue only because of moorage's definition, and not because of a user's change."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2

from moorage.assembly.cloud_assembly import mapping
from moorage.policy.issues import NAG_PACKS
from moorage.scope.acknowledgements import OwnAcknowledgement, as_list

_Judgement: TypeAlias = tuple[dict[str, str], str]
"""A mapping from the ID of each accepted finding of cdk-nag to the reason, and the reason for accepting the complete
issue. The second reason is empty if the complete issue is not accepted."""
Judge: TypeAlias = Callable[[cdk.CfnResource, Mapping[str, Any], Sequence[OwnAcknowledgement]], _Judgement]
_SOLUTIONS = f"{NAG_PACKS[0]}::{NAG_PACKS[0]}"
_EVERYBODY = ("0.0.0.0/0", "::/0")
_ROOT = ("0", "root")
_CREATE_GRANT = "kms:creategrant"


def _all(owns: Sequence[OwnAcknowledgement], *, accepted: bool) -> _Judgement:
    return {}, owns[0].reason if accepted else ""


def _wildcards(
    resource: cdk.CfnResource, properties: Mapping[str, Any], owns: Sequence[OwnAcknowledgement]
) -> _Judgement:
    """Accept the wildcards of the constructs' own statements. CDK can merge several statements into one."""
    stack = cdk.Stack.of(resource)
    own_reasons = {cell: own.reason for own in owns for cell in _own_cells(own, stack)}
    found: dict[str, str] = {}
    others: set[str] = set()
    for statement in _statements(properties):
        if statement is None or "NotAction" in statement or "NotResource" in statement:
            others.add("")  # it may have any wildcard, and only users write it
            continue
        for action, place, condition in _cells(statement):
            reason = own_reasons.get((action, place, condition))
            for wildcard in _findings(action, place):
                found.setdefault(wildcard, reason or "")
                if reason is None:
                    others.add(wildcard)
    reasons = {f"{_SOLUTIONS}-IAM5[{each}]": found[each] for each in found if each not in others}
    return reasons, next(iter(found.values())) if found and not others else ""


def _own_cells(own: OwnAcknowledgement, stack: cdk.Stack) -> Iterator[tuple[str, str, str]]:
    yield from ((action, "*", "") for action in own.actions)
    for statement in own.statements:
        yield from _cells(stack.resolve(statement))


def _cells(statement: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield each action of a statement with each resource and the condition."""
    condition = json.dumps(statement["Condition"], sort_keys=True) if statement.get("Condition") else ""
    for action in as_list(statement.get("Action", [])):
        yield from ((_flat(action), _flat(place), condition) for place in as_list(statement.get("Resource", [])))


def _findings(action: str, place: str) -> list[str]:
    """Return the findings of cdk-nag's rule IAM5 (cdk-nag 3.0.2, `IAMNoWildcardPermissions`)."""
    named = {"Action": action, "Resource": place}
    return [f"{element}::{value}" for element, value in named.items() if "*" in value]


def _statements(properties: Mapping[str, Any]) -> Iterator[Mapping[str, Any] | None]:
    """Yield the statements that allow something, and None for each statement in an intrinsic function."""
    documents = [mapping(each).get("PolicyDocument", {}) for each in as_list(properties.get("Policies") or [])]
    for document in [*documents, *as_list(properties.get("PolicyDocument") or [])]:
        for statement in as_list(mapping(document).get("Statement", {})):
            effect = mapping(statement).get("Effect")
            if effect != "Deny":
                yield statement if effect == "Allow" else None


def _managed_policies(
    _: cdk.CfnResource, properties: Mapping[str, Any], owns: Sequence[OwnAcknowledgement]
) -> _Judgement:
    """Accept the AWS managed policies that the constructs attach to a role."""
    own_reasons = {name: own.reason for own in owns for name in own.policies}
    arns = [_flat(arn) for arn in as_list(properties.get("ManagedPolicyArns") or [])]
    names = {arn: arn.partition(":aws:policy/")[2] for arn in arns}
    reasons = {
        f"{_SOLUTIONS}-IAM4[Policy::{arn}]": own_reasons[name] for arn, name in names.items() if name in own_reasons
    }
    return reasons, next(iter(reasons.values())) if reasons and len(reasons) == len(names) else ""


def _group_rules(
    resource: cdk.CfnResource, properties: Mapping[str, Any], owns: Sequence[OwnAcknowledgement]
) -> _Judgement:
    """Accept a security group if only the constructs' own rules open it to everyone or to a token."""
    stack = cdk.Stack.of(resource)
    own_rules = {
        (json.dumps(stack.resolve(peer.to_ingress_rule_config()), sort_keys=True), protocol, stack.resolve(port))
        for own in owns
        for peer, protocol, port in own.rules
    }
    ports = frozenset().union(*(own.ports for own in owns))
    if isinstance(resource, ec2.CfnSecurityGroupIngress):
        return _all(owns, accepted=_is_own_rule(properties, own_rules, ports))
    rules = as_list(properties.get("SecurityGroupIngress") or [])
    return _all(
        owns,
        accepted=isinstance(resource, ec2.CfnSecurityGroup)
        and all(_is_own_rule(mapping(rule), own_rules, ports) for rule in rules),
    )


def _is_own_rule(rule: Mapping[str, Any], own_rules: set[tuple[str, str, Any]], ports: frozenset[int]) -> bool:
    """Return whether a rule belongs to the constructs, or lets only named clients connect."""
    if "IpProtocol" not in rule:  # CloudFormation computes the rule, as with `Fn::If`
        return False
    source = rule.get("CidrIp", rule.get("CidrIpv6"))
    if not isinstance(source, Mapping) and source not in _EVERYBODY:
        return True
    port = rule.get("FromPort") if rule.get("FromPort") == rule.get("ToPort") else None
    if isinstance(source, Mapping) and port in ports and rule["IpProtocol"] == "tcp":
        return True
    peer = {"cidrIp" if "CidrIp" in rule else "cidrIpv6": source}
    return (json.dumps(peer, sort_keys=True), rule["IpProtocol"], port) in own_rules


def _public_routes(resource: cdk.CfnResource, _: Mapping[str, Any], owns: Sequence[OwnAcknowledgement]) -> _Judgement:
    return _all(owns, accepted=isinstance(resource.node.scope, ec2.PublicSubnet))


def _variables(_: cdk.CfnResource, properties: Mapping[str, Any], owns: Sequence[OwnAcknowledgement]) -> _Judgement:
    """Accept a task definition if its containers have only the environment variables of the constructs."""
    known = frozenset().union(*(own.variables for own in owns))
    variables = [
        mapping(variable).get("Name")
        for container in as_list(properties.get("ContainerDefinitions") or [])
        for variable in as_list(mapping(container).get("Environment") or [])
    ]
    return _all(owns, accepted="ContainerDefinitions" in properties and known.issuperset(variables))


def _users(_: cdk.CfnResource, properties: Mapping[str, Any], owns: Sequence[OwnAcknowledgement]) -> _Judgement:
    """Accept a task definition if only containers of the constructs have no user, and none runs as root."""
    known = frozenset().union(*(own.containers for own in owns))
    containers = [mapping(each) for each in as_list(properties.get("ContainerDefinitions") or [])]
    return _all(
        owns,
        accepted=bool(containers)
        and all(
            each.get("Name") in known
            if "User" not in each
            else isinstance(each["User"], str) and each["User"].partition(":")[0] not in _ROOT
            for each in containers
        ),
    )


def _grants(resource: cdk.CfnResource, properties: Mapping[str, Any], owns: Sequence[OwnAcknowledgement]) -> _Judgement:
    """Accept a key if only the administrators of its account and AWS services may create grants."""
    stack = cdk.Stack.of(resource)
    # the partition is a literal in a stack with a region (CDK's flag @aws-cdk/core:enablePartitionLiterals)
    partition, account = (_flat(stack.resolve(each)) for each in (stack.partition, stack.account))
    administrators = {"AWS": f"arn:{partition}:iam::{account}:root"}
    policy = mapping(properties.get("KeyPolicy"))
    statements = as_list(policy.get("Statement") or [])
    return _all(
        owns, accepted=bool(statements) and all(_limits_grants(mapping(each), administrators) for each in statements)
    )


def _limits_grants(statement: Mapping[str, Any], administrators: Mapping[str, str]) -> bool:
    if statement.get("Effect") == "Deny":
        return True
    actions = [_flat(action).lower() for action in as_list(statement.get("Action", []))]
    if actions and not any(fnmatch.fnmatchcase(_CREATE_GRANT, action) for action in actions):
        return statement.get("Effect") == "Allow"
    principal = mapping(statement.get("Principal"))
    return {kind: _flat(each) for kind, each in principal.items()} == administrators or set(principal) == {"Service"}


def _redirects(_: cdk.CfnResource, properties: Mapping[str, Any], owns: Sequence[OwnAcknowledgement]) -> _Judgement:
    actions = as_list(properties.get("DefaultActions") or [])
    return _all(owns, accepted=bool(actions) and all(mapping(each).get("Type") == "redirect" for each in actions))


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


JUDGES: Mapping[str, Judge] = {
    "alb-public": _group_rules,
    "open-ports": _group_rules,
    "http-redirect-listener": _redirects,
    "iam-wildcard": _wildcards,
    "kms-grants": _grants,
    "managed-policy": _managed_policies,
    "nonroot-user": _users,
    "task-env-vars": _variables,
    "vpc-igw-route": _public_routes,
}
"""A mapping from issue to its check. All other issues are accepted in the constructs' own resources."""
