"""The structure of a template's sections, regardless of resource types.

The messages are CloudFormation's if users report them (aws-cloudformation/cfn-lint, whose rules name the same errors);
otherwise the rule is that of the CloudFormation template reference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

Template = Mapping[str, Any]

_VERSION = "2010-09-09"
_PARAMETER = frozenset(
    (
        *("AllowedPattern", "AllowedValues", "ConstraintDescription", "Default", "Description", "MaxLength"),
        *("MaxValue", "MinLength", "MinValue", "NoEcho", "Type"),
    )
)
_PLAIN_TYPES = ("CommaDelimitedList", "List<Number>", "List<String>", "Number", "String")
_SPECIFIC = ("AWS::", "List<AWS::")
_SNAPSHOTS = frozenset(
    (
        *("AWS::DocDB::DBCluster", "AWS::EC2::Volume", "AWS::ElastiCache::CacheCluster"),
        *("AWS::ElastiCache::ReplicationGroup", "AWS::Neptune::DBCluster", "AWS::RDS::DBCluster"),
        *("AWS::RDS::DBInstance", "AWS::Redshift::Cluster"),
    )
)
"""The types that support snapshots (template reference, "DeletionPolicy attribute")."""
_SIZES = {"Fn::If": 3, "Fn::Join": 2, "Fn::Select": 2, "Fn::Split": 2, "Fn::Equals": 2}
"""The length of the list that each function takes (template reference, "Intrinsic function reference")."""


def faults(template: Template) -> Iterator[str]:
    """Yield the errors in the structure of a template.

    Args:
        template: The template to check.
    """
    version = template.get("AWSTemplateFormatVersion", _VERSION)
    if str(version) != _VERSION:
        yield f"Template format error: {version} is not a supported value for AWSTemplateFormatVersion."
    if not isinstance(template.get("Description", ""), str):
        yield "Template format error: Every Description member must be a string."
    for name, parameter in (template.get("Parameters") or {}).items():
        yield from _parameter_faults(name, parameter)
    resources = template.get("Resources") or {}
    for name, resource in resources.items():
        if isinstance(resource, Mapping):
            yield from _resource_faults(name, resource)
    yield from _output_faults(template.get("Outputs") or {}, resources)
    for section in ("Conditions", "Outputs", "Resources"):
        yield from _function_faults(template.get(section))
    unknown = sorted({name for name in _references(template.get("Conditions")) if name in resources})
    if unknown:
        yield (
            f"Template format error: Unresolved dependencies [{', '.join(unknown)}]. Cannot reference resources in the "
            "Conditions block of the template"
        )


def _parameter_faults(name: str, parameter: Any) -> Iterator[str]:
    if not name.isascii() or not name.isalnum():
        yield f"Template format error: Parameter name {name} is non alphanumeric."
    if not isinstance(parameter, Mapping) or "Type" not in parameter:
        yield "Template format error: Every Parameters object must contain a Type member."
        return
    for each in sorted(set(parameter) - _PARAMETER):
        yield f"Invalid template parameter property '{each}'"
    kind = str(parameter["Type"])
    if kind not in _PLAIN_TYPES and not kind.startswith(_SPECIFIC):
        yield f"Template format error: Unrecognized parameter type: {kind}"


def _resource_faults(name: str, resource: Template) -> Iterator[str]:
    depends = resource.get("DependsOn") or []
    if name in ([depends] if isinstance(depends, str) else depends):
        yield f"Circular dependency between resources: [{name}]"
    for attribute in ("DeletionPolicy", "UpdateReplacePolicy"):
        if resource.get(attribute) == "Snapshot" and resource.get("Type") not in _SNAPSHOTS:
            yield f"Template error: resource type {resource.get('Type')} does not support {attribute} Snapshot"


def _output_faults(outputs: Template, resources: Template) -> Iterator[str]:
    exports: Counter[str] = Counter()
    for name, output in outputs.items():
        if not name.isascii() or not name.isalnum():
            yield f"Template format error: Output name {name} is non alphanumeric."
        if not isinstance(output, Mapping) or "Value" not in output:
            yield f"Template format error: Output {name} is malformed: every Outputs member must contain a Value object"
            continue
        export = (output.get("Export") or {}).get("Name")
        depending = sorted(set(_references(export)) & set(resources))
        if depending:  # user guide, "Get exported outputs from a deployed CloudFormation stack"
            yield f"Template format error: the export of output {name} cannot depend on resources: {depending[0]}"
        if isinstance(export, str):
            exports[export] += 1
    for name, count in exports.items():
        if count > 1:
            yield f"Template format error: the export {name} is defined more than once"


def _function_faults(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _function_faults(each)
    elif isinstance(value, Mapping):
        function, argument = next(iter(value.items())) if len(value) == 1 else ("", None)
        size = _SIZES.get(function)
        if size and not isinstance(argument, Mapping) and (not isinstance(argument, list) or len(argument) != size):
            yield f"Template error: {function} requires a list argument with {size} parameters"
        elif function == "Fn::Join" and isinstance(argument, list) and not isinstance(argument[1], list | Mapping):
            yield (
                "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list "
                "of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be "
                "joined."
            )
        for name, each in value.items():
            if name != "Metadata":
                yield from _function_faults(each)


def _references(value: Any) -> Iterator[str]:
    """Yield the names that a value refers to by `Ref` and `Fn::GetAtt`."""
    if isinstance(value, list):
        for each in value:
            yield from _references(each)
    elif isinstance(value, Mapping):
        for name, each in value.items():
            if name == "Ref":
                yield str(each)
            elif name == "Fn::GetAtt":
                yield each.split(".")[0] if isinstance(each, str) else str(each[0])
            else:
                yield from _references(each)
