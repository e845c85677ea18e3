"""The checks that CloudFormation makes before a change: names, references, conditions and parameters of a template.

The messages are CloudFormation's, as users report them: unresolved resources, including those with a false condition
(serverless/serverless issue 4535), and parameters that do not exist (aws-samples/amazon-ec2-image-builder-samples issue
18, aws/aws-toolkit-azure-devops issue 75). If there is no report, the rule is the template reference's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

import yaml

from moorage.local.server.core import template_shape
from moorage.local.server.core.adapter import changesets, ec2, engine, handlers, helpers, ssm, stacks

Template = Mapping[str, Any]

_SECTIONS = frozenset(
    (
        *("AWSTemplateFormatVersion", "Conditions", "Description", "Hooks", "Mappings", "Metadata", "Outputs"),
        *("Parameters", "Resources", "Rules", "Transform"),
    )
)
_ATTRIBUTES = frozenset(
    (
        *("Condition", "CreationPolicy", "DeletionPolicy", "DependsOn", "Metadata", "Properties", "Type"),
        *("UpdatePolicy", "UpdateReplacePolicy"),
    )
)
"""The attributes of a resource in a template (CloudFormation template reference, "Resource attributes")."""
_BUCKET = re.compile(r"https://([a-z0-9][a-z0-9.-]+)\.s3[.-][a-z0-9.-]*amazonaws\.com(?:\.cn)?/(.+)")
"""A virtual-hosted-style URL (S3 user guide, "Virtual hosting of general purpose buckets")."""
_POLICIES = {"Delete", "Retain", "RetainExceptOnCreate", "Snapshot"}
_UNRESOLVED_CONDITION = "Template format error: Unresolved condition dependency {} in the {} block of the template"
_EXISTING: Mapping[str, Callable[[], Any]] = {
    "AWS::EC2::KeyPair::KeyName": lambda: ec2.key_pairs,
    "AWS::EC2::SecurityGroup::Id": lambda: ec2.security_groups,
    "AWS::EC2::Subnet::Id": lambda: ec2.subnets,
    "AWS::EC2::VPC::Id": lambda: ec2.vpcs,
    "AWS::SSM::Parameter::Name": lambda: ssm.parameters,
}
_VARIABLE = re.compile(r"\$\{(?!!)([^}]+)\}")


def install() -> None:
    """Add this module's checks to ministack's, and resolve the operands of conditions like all other values."""
    for module in (engine, handlers, changesets, stacks):
        module.evaluate_conditions = evaluate
    helpers.resolve_document = _at_host(helpers.resolve_document)
    for module in (handlers, changesets):
        module.validate_template_support = _checked(module.validate_template_support)
        module.resolve_parameters = _knowing(module.resolve_parameters)
    engine.CfnLoader = _fast(engine.CfnLoader)
    handlers.capabilities_enforced = lambda: True  # ministack requires capabilities only if it checks permissions


def _fast(loader: type[yaml.SafeLoader]) -> Any:
    """Return a template loader that uses libyaml, which is ten times as fast; `loader` if libyaml is missing."""
    if not yaml.__with_libyaml__:
        return loader
    kept = ("yaml_constructors", "yaml_implicit_resolvers")
    return type(loader.__name__, (yaml.CSafeLoader,), {name: getattr(loader, name) for name in kept})


def _at_host(resolve: Callable[..., Any]) -> Callable[..., Any]:
    """Find template documents at virtual-hosted-style URLs; ministack expects the bucket in the path."""

    def resolved(parameters: dict[str, Any], body: str, address: str, label: str) -> Any:
        stated = parameters.get(address)
        text = str(stated[0] if isinstance(stated, list) and stated else stated or "")
        found = _BUCKET.match(text)
        if found:
            parameters = {**parameters, address: [f"https://s3.amazonaws.com/{found[1]}/{unquote(found[2])}"]}
        return resolve(parameters, body, address, label)

    return resolved


def _checked(validate: Callable[..., None]) -> Callable[..., None]:
    def validated(template: dict[str, Any], conditions: dict[str, bool], **options: Any) -> None:
        fault = next(faults(template, conditions), None)
        if fault:
            raise ValueError(fault)
        validate(template, conditions, **options)

    return validated


def _knowing(resolve: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Refuse parameters that the template does not declare, and values that name resources that do not exist."""

    def resolved(template: dict[str, Any], given: list[dict[str, Any]], *rest: Any, **named: Any) -> dict[str, Any]:
        declared = template.get("Parameters") or {}
        unknown = [each["Key"] for each in given if "Key" in each and each["Key"] not in declared]
        if unknown and not declared:
            raise ValueError("Parameter values specified for a template which does not require them.")
        if unknown:
            raise ValueError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
        values = resolve(template, given, *rest, **named)
        for name, each in declared.items():
            _check_existing(name, str(each.get("Type")), values.get(name))
        return values

    return resolved


def _check_existing(name: str, kind: str, resolved: Any) -> None:
    """Refuse a parameter whose type requires an existing value, if the value does not exist. Other types are accepted.

    The types are those of the template reference, "CloudFormation-supplied parameter types".
    """
    known = _EXISTING.get(kind.removeprefix("List<").removesuffix(">"))
    if known is None:
        return
    ec2.ensure_defaults_initialized()
    stated = resolved.get("Value") if isinstance(resolved, Mapping) else resolved
    values = stated if isinstance(stated, list) else str(stated or "").split(",")
    for value in (str(each).strip() for each in values):
        if value and value not in known():
            raise ValueError(
                f"Parameter validation failed: parameter value {value} for parameter name {name} does not exist"
            )


def faults(template: Template, conditions: Mapping[str, bool]) -> Iterator[str]:
    """Yield the errors in a template, regardless of resource types.

    Args:
        template: The template to check, after the expansion of any transform.
        conditions: The value of each condition.
    """
    unknown = sorted(set(template) - _SECTIONS)
    if unknown:
        yield f"Invalid template property or properties [{', '.join(unknown)}]"
    if template.get("Transform"):
        return
    resources = template.get("Resources") or {}
    if not resources:
        yield "Template format error: At least one Resources member must be defined."
    for name, resource in resources.items():
        yield from _resource_faults(name, resource)
    yield from template_shape.faults(template)
    yield from _unknown_conditions(template)
    parameters = template.get("Parameters") or {}
    for block in ("Resources", "Outputs"):
        parts = _standing(template.get(block), conditions)
        depended = [name for part in parts.values() for name in _depended(part)]
        referred = dict.fromkeys(name for part in parts.values() for name in _referred(part, conditions))
        missing = [name for name in referred if name not in {*_standing(resources, conditions), *parameters}]
        missing += [name for name in depended if name not in resources]
        if missing:
            yield (
                f"Template format error: Unresolved resource dependencies [{', '.join(missing)}] in the {block} block "
                "of the template"
            )
            return
    try:
        engine.topological_sort(dict(resources), dict(conditions))
    except ValueError as error:  # ministack's message ends with the resources
        yield f"Circular dependency between resources: [{str(error).rpartition(': ')[2]}]"


def _standing(block: Mapping[str, Any] | None, conditions: Mapping[str, bool]) -> dict[str, Any]:
    """Return the members of a block that have no condition, or whose condition is true."""
    return {name: part for name, part in (block or {}).items() if conditions.get(part.get("Condition"), True)}


def _resource_faults(name: str, resource: Any) -> Iterator[str]:
    if not name.isascii() or not name.isalnum():
        yield f"Template format error: Resource name {name} is non alphanumeric."
    if not isinstance(resource, Mapping):
        yield f"Template format error: [/Resources/{name}] resource definition is malformed"
        return
    if "Type" not in resource:
        yield f"Template format error: [/Resources/{name}] Every Resources object must contain a Type member."
    for attribute in sorted(set(resource) - _ATTRIBUTES):
        yield f"Invalid template resource property '{attribute}'"
    for attribute in ("DeletionPolicy", "UpdateReplacePolicy"):
        policy = resource.get(attribute)
        if isinstance(policy, str) and policy not in _POLICIES:
            yield f"Template format error: Unrecognized {attribute} {policy} for resource {name}"


def _depended(resource: Mapping[str, Any]) -> list[str]:
    stated = resource.get("DependsOn") or []
    return [stated] if isinstance(stated, str) else list(stated)


def _referred(value: Any, conditions: Mapping[str, bool]) -> Iterator[str]:
    """Yield the resources and parameters that a part of a template refers to, without unselected `Fn::If` branches."""
    if isinstance(value, list):
        for each in value:
            yield from _referred(each, conditions)
    if not isinstance(value, Mapping):
        return
    function: str
    argument: Any
    function, argument = next(iter(value.items())) if len(value) == 1 else ("", None)
    if function == "Ref":
        yield from [] if str(argument).startswith("AWS::") else [str(argument)]
    elif function == "Fn::GetAtt":
        yield argument.split(".")[0] if isinstance(argument, str) else str(argument[0])
    elif function == "Fn::Sub":
        text, variables = (argument, {}) if isinstance(argument, str) else argument
        named = (each.strip().split(".")[0] for each in _VARIABLE.findall(text) if each not in variables)
        yield from (each for each in named if not each.startswith("AWS::"))
        yield from _referred(variables, conditions)
    elif function == "Fn::If" and isinstance(argument, list) and len(argument) == len(("condition", "then", "else")):
        yield from _referred(argument[1 if conditions.get(argument[0]) else 2], conditions)
    else:
        for name, each in value.items():
            if name != "Metadata":
                yield from _referred(each, conditions)


def _unknown_conditions(template: Template) -> Iterator[str]:
    known = template.get("Conditions") or {}
    for block in ("Resources", "Outputs"):
        used = [
            each["Condition"]
            for each in (template.get(block) or {}).values()
            if isinstance(each, Mapping) and isinstance(each.get("Condition"), str)
        ]
        used += [name for each in (template.get(block) or {}).values() for name in _chosen_by(each)]
        for name in used:
            if name not in known:
                yield _UNRESOLVED_CONDITION.format(name, block)
    for each in known.values():
        for name in _conditions_in(each):
            if name not in known:
                yield _UNRESOLVED_CONDITION.format(name, "Conditions")


def _chosen_by(value: Any) -> Iterator[str]:
    """Yield the conditions of each `Fn::If` in a part of a template."""
    if isinstance(value, list):
        for each in value:
            yield from _chosen_by(each)
    elif isinstance(value, Mapping):
        choice = value.get("Fn::If")
        if len(value) == 1 and isinstance(choice, list) and choice and isinstance(choice[0], str):
            yield choice[0]
        for each in value.values():
            yield from _chosen_by(each)


def _conditions_in(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _conditions_in(each)
    elif isinstance(value, Mapping):
        if set(value) == {"Condition"} and isinstance(value["Condition"], str):
            yield value["Condition"]
        for each in value.values():
            yield from _conditions_in(each)


def evaluate(template: Template, parameters: dict[str, Any]) -> dict[str, bool]:
    """Return the value of each condition of a template.

    Args:
        template: The template with the conditions.
        parameters: The values of the template's parameters, as ministack resolves them.
    """
    stated = template.get("Conditions") or {}
    known: dict[str, bool] = {}

    def of(name: str) -> bool:
        if name not in known:
            known[name] = name in stated and holds(stated[name])
        return known[name]

    def resolved(value: Any) -> str:
        found = engine.resolve_refs(value, {}, parameters, known, template.get("Mappings") or {}, "", "")
        return str(found).lower() if isinstance(found, bool) else str(found)

    functions: Mapping[str, Callable[[Any], bool]] = {
        "Condition": of,
        "Fn::And": lambda parts: all(map(holds, parts)),
        "Fn::Equals": lambda pair: resolved(pair[0]) == resolved(pair[1]),
        "Fn::Not": lambda parts: not holds(parts[0]),
        "Fn::Or": lambda parts: any(map(holds, parts)),
    }

    def holds(expression: Any) -> bool:
        name, argument = next(iter(expression.items())) if isinstance(expression, Mapping) else ("", expression)
        return functions[name](argument) if name in functions else resolved(expression).lower() == "true"

    return {name: of(name) for name in stated}
