"""CloudFormation's resource schemas, from cfn-lint, and the validation of properties against the schemas."""

from __future__ import annotations

import difflib
import functools
import importlib.util
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import regex
from jsonschema import Draft7Validator, TypeChecker, ValidationError, validators

Schema = Mapping[str, Any]
_Check = Callable[[Any, Any, Any, Schema], Iterator[ValidationError]]

_TRUTHS = ("true", "false")
_SHOWN = 100
_IN_WORDS_OF_THE_SERVICE = (("AWS::EC2::SecurityGroup", "GroupDescription"),)
"""Properties that CloudFormation does not check. According to users, the service refuses invalid values."""
_OF_ANY_CASE = (("AWS::EC2::FlowLog", "DestinationOptions"),)
"""Properties that CDK writes with the API's capitalization, which CloudFormation accepts (aws-cdk,
integ.vpc-flow-logs)."""
_PORTS = ("aws_ec2_securitygroup/all_to_and_from_ports", "aws_ec2_securitygroup/protocols_and_port_ranges_include")
_FUNCTION = "aws_lambda_function"
_SOURCE = "aws_lambda_eventsourcemapping"
_GROUP = "aws_elasticloadbalancingv2_targetgroup"
_TASK = "aws_ecs_taskdefinition"
_EXTENSIONS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "AWS::ApiGateway::RestApi": (("", "aws_apigateway_restapi/openapi_properties"),),
    "AWS::CloudWatch::Alarm": (("", "aws_cloudwatch_alarm/period"),),
    "AWS::DynamoDB::Table": (
        ("", "aws_dynamodb_table/billingmode_exclusive"),
        ("", "aws_dynamodb_table/billingmode_provisioned_dependent"),
    ),
    "AWS::EC2::LaunchTemplate": (
        ("LaunchTemplateData/BlockDeviceMappings/*/Ebs", "aws_ec2_instance/blockdevicemappings"),
    ),
    "AWS::EC2::SecurityGroup": tuple(
        (f"{rules}/*", name) for rules in ("SecurityGroupIngress", "SecurityGroupEgress") for name in _PORTS
    ),
    "AWS::EC2::SecurityGroupEgress": tuple(("", name) for name in _PORTS),
    "AWS::EC2::SecurityGroupIngress": tuple(("", name) for name in _PORTS),
    "AWS::ECS::Service": (("", "aws_ecs_service/fargate"),),
    "AWS::ECS::TaskDefinition": (
        ("", f"{_TASK}/fargate_cpu_memory"),
        ("", f"{_TASK}/fargate_properties"),
        ("ContainerDefinitions", f"{_TASK}/containerdefinitions_essential"),
        ("ContainerDefinitions/*/LogConfiguration", f"{_TASK}/logging_configuration"),
    ),
    "AWS::ElasticLoadBalancingV2::Listener": (("", "aws_elasticloadbalancingv2_listener/certificate"),),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": (("", "aws_elasticloadbalancingv2_loadbalancer/application_subnets"),),
    "AWS::ElasticLoadBalancingV2::TargetGroup": (
        ("", f"{_GROUP}/healthcheckprotocol_restrictions"),
        ("", f"{_GROUP}/protocol_restrictions"),
        ("", f"{_GROUP}/targettype_restrictions"),
    ),
    "AWS::Lambda::EventSourceMapping": (
        ("", f"{_SOURCE}/eventsourcearn_sqs_exclusive"),
        ("", f"{_SOURCE}/eventsourcearn_stream_inclusive"),
    ),
    "AWS::Lambda::Function": (
        ("", f"{_FUNCTION}/loglevel_logformat"),
        ("", f"{_FUNCTION}/packagetype_image_exclusions"),
        ("", f"{_FUNCTION}/zipfile_runtime_enum"),
        ("", f"{_FUNCTION}/zipfile_runtime_exists"),
        ("Environment/Variables", f"{_FUNCTION}/environment_variable_keys"),
    ),
    "AWS::S3::Bucket": (("", "aws_s3_bucket/ownershipcontrols"),),
    "AWS::SQS::Queue": (("", "aws_sqs_queue/properties"),),
}
"""For each type: the rules of cfn-lint with level error, each as the path of the properties and the schema's file."""


@functools.cache
def _directory() -> Path:
    # located without importing it: cfn-lint takes a second to import, and only its data is needed
    spec = importlib.util.find_spec("cfnlint")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("cfn-lint, which provides the resource schemas, is not installed; install moorage[local]")
    return Path(spec.submodule_search_locations[0]) / "data" / "schemas"


@functools.cache
def _types(region: str) -> Mapping[str, str]:
    providers = _directory() / "providers"
    path = providers / f"{region}.json"
    types: dict[str, str] = json.loads((path if path.exists() else providers / "us-east-1.json").read_text("utf-8"))
    return types


@functools.cache
def _read(digest: str) -> Schema:
    schema: Schema = json.loads((_directory() / "resources" / f"{digest}.json").read_text("utf-8"))
    return schema


def of(resource_type: str, region: str) -> Schema | None:
    """Return the schema of a type in a region.

    Args:
        resource_type: The CloudFormation type, such as `AWS::ECS::Service`.
        region: The region; for a region that cfn-lint does not know, the schemas of us-east-1 are used.

    Returns:
        The schema; None for a type without a schema (CDK's metadata, custom resources).
    """
    digest = _types(region).get(resource_type)
    return _read(digest) if digest else None


def create_only(resource_type: str) -> tuple[str, ...]:
    """Return the top-level properties whose change replaces a resource of a type."""
    paths = (of(resource_type, "us-east-1") or {}).get("createOnlyProperties", ())
    names = (path.removeprefix("/properties/") for path in paths)
    return tuple(name for name in names if "/" not in name)


def identifier(resource_type: str) -> str | None:
    """Return the property that identifies a resource of a type; None unless exactly one property identifies it."""
    schema = of(resource_type, "us-east-1") or {}
    paths = schema.get("primaryIdentifier", ())
    return str(paths[0]).removeprefix("/properties/") if len(paths) == 1 else None


def tag_property(resource_type: str) -> str | None:
    """Return the property of a type that takes the stack's tags as a list; None if there is no such property."""
    schema = of(resource_type, "us-east-1") or {}
    tagging = schema.get("tagging") or {}
    if not tagging.get("taggable"):
        return None
    name = str(tagging.get("tagProperty", "/properties/Tags")).removeprefix("/properties/")
    return name if schema["properties"].get(name, {}).get("type") == "array" else None


def faults(resource_type: str, properties: Mapping[str, Any], region: str) -> list[str]:
    """Return the errors in a resource's properties according to the schema of its type and cfn-lint's rules.

    CloudFormation validates properties before it calls the service (CloudFormation CLI user guide, "Resource type
    schema").

    Args:
        resource_type: The CloudFormation type.
        properties: The properties, without intrinsic functions.
        region: The region of the stack.
    """
    schema = of(resource_type, region)
    if schema is None:
        return []
    given = {path.removeprefix("/properties/") for path in schema.get("readOnlyProperties", ())} & set(properties)
    stated = _as_stated(properties)
    errors = (
        error
        for each in (schema, *_further(resource_type))
        for error in _Validator(each).iter_errors(stated)
        if (resource_type, *error.absolute_path) not in _IN_WORDS_OF_THE_SERVICE
        and (resource_type, *list(error.absolute_path)[:1]) not in _OF_ANY_CASE
    )
    texts = (text for error in errors for text in _texts(error))
    reserved = [key for key in _tag_keys(properties.get("Tags")) if key.lower().startswith("aws:")]
    return [
        *(f"property {name} is read-only" for name in sorted(given)),
        # CloudFormation template reference, "Resource tag"
        *(f"property Tags has the key {key}, but aws: prefixed tag keys are reserved for AWS" for key in reserved),
        *dict.fromkeys(texts),
    ]


def _tag_keys(tags: Any) -> list[str]:
    """Return the keys of tags, given as a map or as a list, except those that CloudFormation adds."""
    keys = tags if isinstance(tags, Mapping) else [each.get("Key") for each in tags or () if isinstance(each, Mapping)]
    return [str(key) for key in keys if not str(key).startswith("aws:cloudformation:")]


@functools.cache
def _further(resource_type: str) -> tuple[Schema, ...]:
    """Return cfn-lint's additional rules for a type, as schemas."""
    return tuple(_below(path, _extension(name)) for path, name in _EXTENSIONS.get(resource_type, ()))


def _extension(name: str) -> Schema:
    schema: Schema = _without_false(json.loads((_directory() / "extensions" / f"{name}.json").read_text("utf-8")))
    return schema


def _without_false(schema: Any) -> Any:
    """Return a schema with `{"not": {}}` in place of each `false`, for which jsonschema reports no path."""
    if isinstance(schema, Mapping):
        return {
            name: {each: {"not": {}} if of is False else _without_false(of) for each, of in value.items()}
            if name == "properties"
            else _without_false(value)
            for name, value in schema.items()
        }
    return [_without_false(each) for each in schema] if isinstance(schema, list) else schema


def _below(path: str, schema: Schema) -> Schema:
    """Return a schema that applies another schema at a path; `*` in the path means each item of a list."""
    for name in reversed(path.split("/") if path else []):
        schema = {"items": schema} if name == "*" else {"properties": {name: schema}}
    return schema


def _as_stated(value: Any) -> Any:
    """Return a value without parts that count as absent, and without the tags that CloudFormation adds."""
    if isinstance(value, Mapping):
        stated = {name: _as_stated(each) for name, each in value.items() if each is not None}
        return {name: each for name, each in stated.items() if each != [] or value[name] == []}
    if isinstance(value, list):
        return [_as_stated(each) for each in value if not _is_system_tag(each)]
    return value


def _is_system_tag(value: Any) -> bool:
    return isinstance(value, Mapping) and str(value.get("Key")).startswith("aws:cloudformation:")


def _texts(error: ValidationError) -> Iterator[str]:
    """Yield messages with the property's path; if all branches fail, those of the branch with the fewest errors."""
    if error.context:
        branches: dict[Any, list[ValidationError]] = {}
        for each in error.context:
            branches.setdefault(each.relative_schema_path[0], []).append(each)
        for each in min(branches.values(), key=len):
            yield from _texts(each)
        return
    message = "is not allowed with the other given properties" if error.validator == "not" else error.message
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
    yield f"property {path.removeprefix('.')} {message}" if path else f"the properties {message}"


def _is_kind(value: Any, kind: str) -> bool:
    """Return whether CloudFormation accepts a value for a type: strings, numbers and booleans are interchangeable."""
    if kind == "object":
        return isinstance(value, Mapping)
    if kind == "array":
        return isinstance(value, list)
    if isinstance(value, Mapping | list):
        return False
    if kind == "boolean":
        return str(value).lower() in _TRUTHS
    if kind in {"integer", "number"}:
        return _is_number(value) and (kind == "number" or float(value).is_integer())
    return kind != "null"


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return not isinstance(value, bool)


def _is_multiple(step: float, value: Any) -> bool:
    return abs(float(value) / step - round(float(value) / step)) < 1e-9  # noqa: PLR2004  # the rounding error of a division


def _is_text(value: Any) -> bool:
    return not isinstance(value, Mapping | list)


def _text(value: Any) -> str:
    """Return a value as CloudFormation converts it to a string."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _matches(pattern: str, value: Any) -> bool:
    try:
        return regex.search(pattern, _text(value)) is not None
    except regex.error:  # a pattern in another dialect
        return True


def _check_type(_: Any, kinds: str | list[str], value: Any, __: Schema) -> Iterator[ValidationError]:
    wanted = [kinds] if isinstance(kinds, str) else kinds
    if not any(_is_kind(value, kind) for kind in wanted):
        yield ValidationError(f"must be of type {' or '.join(wanted)}, not {value!r}")


def _check_names(_: Any, allowed: Any, value: Any, schema: Schema) -> Iterator[ValidationError]:
    properties = schema.get("properties")
    if allowed is not False or not properties or schema.get("patternProperties") or not isinstance(value, Mapping):
        return
    for name in value:
        if name not in properties:
            close = difflib.get_close_matches(name, properties, n=1)
            yield ValidationError(f"does not exist{f'; did you mean {close[0]}?' if close else ''}", path=[name])


def _check_patterns(validator: Any, patterns: Mapping[str, Schema], value: Any, _: Schema) -> Iterator[ValidationError]:
    if isinstance(value, Mapping):
        for pattern, schema in patterns.items():
            for name in value:
                if _matches(pattern, name):
                    yield from validator.descend(value[name], schema, path=name, schema_path=pattern)


def _check_required(_: Any, names: list[str], value: Any, __: Schema) -> Iterator[ValidationError]:
    if isinstance(value, Mapping):
        yield from (ValidationError("is required", path=[name]) for name in names if name not in value)


def _check_dependents(_: Any, needed: Schema, value: Any, __: Schema) -> Iterator[ValidationError]:
    if isinstance(value, Mapping):
        pairs = ((name, other) for name in needed if name in value for other in needed[name])
        yield from (ValidationError("is required", path=[other]) for _, other in pairs if other not in value)


def _check_one_of_names(_: Any, names: list[str], value: Any, __: Schema) -> Iterator[ValidationError]:
    given = [name for name in names if name in value] if isinstance(value, Mapping) else names[:1]
    if len(given) != 1:
        yield ValidationError(f"must have exactly one of {', '.join(names)}, not {' and '.join(given) or 'none'}")


def _check_any(validator: Any, branches: list[Schema], value: Any, _: Schema) -> Iterator[ValidationError]:
    """Yield the errors of all branches if none matches; several can match, since strings are accepted for numbers."""
    context = []
    for index, branch in enumerate(branches):
        errors = list(validator.descend(value, branch, schema_path=index))
        if not errors:
            return
        context += errors
    yield ValidationError("matches none of the allowed forms", context=context)


def _limit(applies: Callable[[Any], bool], keeps: Callable[[Any, Any], bool], rule: str) -> _Check:
    """Return the check of a keyword whose value is a limit.

    Args:
        applies: A function that returns whether the keyword applies to a value.
        keeps: A function that takes a limit and a value, and returns whether the value keeps the limit.
        rule: The rule, with `{}` in place of the limit.
    """

    def check(_: Any, limit: Any, value: Any, __: Schema) -> Iterator[ValidationError]:
        if applies(value) and not keeps(limit, value):
            stated = ", ".join(map(_text, limit)) if isinstance(limit, list) else limit
            yield ValidationError(f"must {rule.format(stated)}, not {str(value)[:_SHOWN]!r}")

    return check


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


_Validator = validators.extend(
    Draft7Validator,
    {
        "type": _check_type,
        "additionalProperties": _check_names,
        "patternProperties": _check_patterns,
        "required": _check_required,
        "anyOf": _check_any,
        "oneOf": _check_any,
        "enum": _limit(_is_text, lambda limit, value: _text(value) in map(_text, limit), "be one of {}"),
        "const": _limit(_is_text, lambda limit, value: _text(value) == _text(limit), "be {}"),
        "pattern": _limit(_is_text, _matches, "match {}"),
        "minLength": _limit(_is_text, lambda limit, value: len(_text(value)) >= limit, "have at least {} characters"),
        "maxLength": _limit(_is_text, lambda limit, value: len(_text(value)) <= limit, "have at most {} characters"),
        "minimum": _limit(_is_number, lambda limit, value: float(value) >= limit, "be at least {}"),
        "maximum": _limit(_is_number, lambda limit, value: float(value) <= limit, "be at most {}"),
        "exclusiveMinimum": _limit(_is_number, lambda limit, value: float(value) > limit, "be more than {}"),
        "exclusiveMaximum": _limit(_is_number, lambda limit, value: float(value) < limit, "be less than {}"),
        "multipleOf": _limit(_is_number, _is_multiple, "be a multiple of {}"),
        "minItems": _limit(_is_list, lambda limit, value: len(value) >= limit, "have at least {} items"),
        "maxItems": _limit(_is_list, lambda limit, value: len(value) <= limit, "have at most {} items"),
        "uniqueItems": _limit(
            _is_list,
            lambda limit, value: not limit or all(value.count(each) == 1 for each in value),
            "have unique items",
        ),
        "dependentRequired": _check_dependents,
        "requiredXor": _check_one_of_names,
    },
    type_checker=TypeChecker(
        {  # pyright: ignore[reportArgumentType]  # typeshed does not know that the checker is given, too
            kind: functools.partial(lambda _, value, kind: _is_kind(value, kind), kind=kind)
            for kind in ("array", "boolean", "integer", "null", "number", "object", "string")
        }
    ),
)
"""The validator: JSON Schema's keywords, with CloudFormation's type conversions and moorage's messages."""
