"""The checks that AWS Lambda performs on functions, aliases, permissions, event source mappings and destinations.

The error codes are those of Lambda's model in botocore. The messages are Lambda's, as users report them: for network
interfaces in amazon-connect/amazon-connect-salesforce-lambda issue 29, for queues in mongodb/docs-worker-pool pull
request 878, for the environment in aws-samples/aws-genai-llm-chatbot issue 583, and for concurrency in
aws-samples/siem-on-amazon-opensearch-service issue 175.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from moorage.local.server.core.adapter import dynamodb, ec2, provisioners, s3, sqs
from moorage.local.server.core.adapter import lambda_svc as functions
from moorage.local.server.core.calls import RefusedError
from moorage.local.server.core.resource import Properties
from moorage.local.server.services import iam, principals
from moorage.local.server.services.guards import guard

_CODE = "InvalidParameterValueException"
_LIMITS = (("Timeout", 900, 5400), ("MemorySize", 10240, 32768))
"""The maximum of each property, usually and on Lambda Managed Instances (botocore lambda: CreateFunctionRequest)."""
_MOST_ENVIRONMENT_BYTES = 4096
_CONCURRENCY, _LEAST_UNRESERVED = 1000, 100
"""The concurrent executions of an account, and the number that must stay unreserved (Lambda developer guide, "Lambda
quotas")."""
_ENI_ACTIONS = ("CreateNetworkInterface", "DescribeNetworkInterfaces", "DeleteNetworkInterface")
_SOURCES = {
    "sqs": ("SQS", ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")),
    "kinesis": ("Kinesis", ("GetRecords", "GetShardIterator")),
    "dynamodb": ("DynamoDB", ("GetRecords", "GetShardIterator", "DescribeStream", "ListStreams")),
}
"""The actions that each source requires (Lambda developer guide, "Process messages from event source services").

The Serverless Framework deploys roles that describe a Kinesis stream with DescribeStream and ListStreams, or with
DescribeStreamSummary and ListShards (serverless/serverless, lib/plugins/aws/package/compile/events/stream.js).
"""
_DESTINATIONS = {"events": "PutEvents", "lambda": "InvokeFunction", "sns": "Publish", "sqs": "SendMessage"}
_MOST_UNWINDOWED = 10
_MOST_FIFO = 10


def check(function: Properties, name: str) -> None:
    """Refuse a function that Lambda does not accept.

    Args:
        function: The properties in the template.
        name: The name of an existing function, whose present reserved concurrency is not counted; empty for a new
            function.

    Raises:
        RefusedError: Lambda does not accept the function; the message is Lambda's.
    """
    fault = next(_faults(function, name), None)
    if fault:
        raise RefusedError(f"{_CODE}: {fault}")


def _faults(function: Properties, name: str) -> Iterator[str]:
    for key, usual, managed in _LIMITS:
        most = managed if function.get("CapacityProviderConfig") else usual
        if int(function.get(key, 0)) > most:
            at = key[:1].lower() + key[1:]
            yield (
                f"1 validation error detected: Value '{function[key]}' at '{at}' failed to satisfy constraint: Member "
                f"must have value less than or equal to {most}"
            )
    code = function.get("Code") or {}
    zipped = "ImageUri" not in code and function.get("PackageType") != "Image"
    if zipped and not (function.get("Runtime") and function.get("Handler")):
        yield "Runtime and Handler are mandatory parameters for functions created with deployment package."
    yield from _code_faults(code)
    variables = (function.get("Environment") or {}).get("Variables") or {}
    if len(json.dumps(variables, separators=(",", ":"), ensure_ascii=False).encode()) > _MOST_ENVIRONMENT_BYTES:
        yield (
            "Lambda was unable to configure your environment variables because the environment variables you have "
            "provided exceeded the 4KB limit."
        )
    yield from _network_faults(function)
    target = str((function.get("DeadLetterConfig") or {}).get("TargetArn", ""))
    for service, action in (("sqs", "SendMessage"), ("sns", "Publish")):
        if f":{service}:" in target and not iam.grants(str(function["Role"]), f"{service}:{action}"):
            yield f"The provided execution role does not have permissions to call {action} on {service.upper()}"
    reserved = int(function.get("ReservedConcurrentExecutions") or 0)
    others = sum(each.get("concurrency") or 0 for key, each in functions.functions.items() if key != name)
    if reserved and reserved + others > _CONCURRENCY - _LEAST_UNRESERVED:
        yield (
            f"Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
            f"below its minimum value of [{_LEAST_UNRESERVED}]."
        )


def _code_faults(code: Properties) -> Iterator[str]:
    bucket, key = code.get("S3Bucket"), code.get("S3Key")
    if not bucket:
        return
    error = "Error occurred while GetObject. S3 Error Code: {}. S3 Error Message: The specified {} does not exist."
    if s3.bucket_owner_account(bucket) is None:
        yield error.format("NoSuchBucket", "bucket")
    elif functions.fetch_code_from_s3(bucket, key, version_id=code.get("S3ObjectVersion")) is None:
        yield error.format("NoSuchKey", "key")


def _network_faults(function: Properties) -> Iterator[str]:
    network = function.get("VpcConfig") or {}
    subnets, groups = network.get("SubnetIds") or (), network.get("SecurityGroupIds") or ()
    if not subnets:
        return
    for action in _ENI_ACTIONS:
        if not iam.grants(str(function["Role"]), f"ec2:{action}"):
            yield f"The provided execution role does not have permissions to call {action} on EC2"
    for each in subnets:
        if each not in ec2.subnets:
            yield (
                "Error occurred while DescribeSubnets. EC2 Error Code: InvalidSubnetID.NotFound. EC2 Error Message: "
                f"The subnet ID '{each}' does not exist"
            )
    for each in groups:
        if each not in ec2.security_groups:
            yield (
                "Error occurred while DescribeSecurityGroups. EC2 Error Code: InvalidGroup.NotFound. EC2 Error "
                f"Message: The security group '{each}' does not exist"
            )
    vpcs = {ec2.subnets[each]["VpcId"] for each in subnets} | {ec2.security_groups[each]["VpcId"] for each in groups}
    if len(vpcs) > 1:
        yield "Security Groups and Subnets must belong to the same VPC."


def _check_source(mapping: Properties) -> None:
    """Check an event source mapping against the role and the timeout of its function."""
    function = _function(mapping)
    arn = str(mapping.get("EventSourceArn") or "")
    service = arn.split(":")[2] if arn.startswith("arn:") else ""
    if service not in _SOURCES:
        return
    called, actions = _SOURCES[service]
    for action in actions:
        if not iam.grants(function["config"]["Role"], f"{service}:{action}"):
            raise RefusedError(
                f"{_CODE}: The function execution role does not have permissions to call {action} on {called}"
            )
    if service == "sqs":
        _check_queue(mapping, function["config"], arn)
    if service == "dynamodb" and arn not in {each.get("LatestStreamArn") for each in dynamodb.tables.values()}:
        raise RefusedError(f"{_CODE}: Stream not found: {arn}")


def _check_new_source(mapping: Properties) -> None:
    """Refuse a second mapping of a source to a function (CreateEventSourceMapping, ResourceConflictException)."""
    function, arn = _function(mapping)["config"], str(mapping.get("EventSourceArn") or "")
    if not arn or mapping["FunctionName"] not in (function["FunctionName"], function["FunctionArn"]):
        return  # each version and alias may have its own mapping
    for other in functions.esms.values():
        if (other["EventSourceArn"], other["FunctionArn"]) == (arn, function["FunctionArn"]):
            raise RefusedError(
                f"ResourceConflictException: An event source mapping with event source arn ({arn}) and function "
                f"({function['FunctionName']}) already exists. Please update or delete the existing mapping with UUID "
                f"{other['UUID']}"
            )


def _check_queue(mapping: Properties, function: dict[str, Any], arn: str) -> None:
    queue = sqs.queue_by_arn(arn)
    if queue is None:
        raise RefusedError(
            f"{_CODE}: Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
            "SQS Error Message: The specified queue does not exist."
        )
    visible, timeout = int(queue["attributes"]["VisibilityTimeout"]), int(function["Timeout"])
    if visible < timeout:
        raise RefusedError(
            f"{_CODE}: Queue visibility timeout: {visible} seconds is less than Function timeout: {timeout} seconds"
        )
    size, window = int(mapping.get("BatchSize", 10)), int(mapping.get("MaximumBatchingWindowInSeconds", 0))
    if queue["is_fifo"] and size > _MOST_FIFO:
        raise RefusedError(f"{_CODE}: Batch size must be less than or equal to {_MOST_FIFO} for FIFO queues")
    if queue["is_fifo"] and window:
        raise RefusedError(f"{_CODE}: Batching window is not supported for FIFO queues.")
    if size > _MOST_UNWINDOWED and not window:
        raise RefusedError(
            f"{_CODE}: Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than "
            f"{_MOST_UNWINDOWED}"
        )


def _check_permission(permission: Properties) -> None:
    _function(permission)
    principal = str(permission.get("Principal"))
    known = principals.is_service(principal) if "amazon" in principal else principals.exists(principal)
    if not known:
        raise RefusedError(f"{_CODE}: The provided principal was invalid. Please check the principal and try again.")


def _check_reference(properties: Properties) -> None:
    _function(properties)


def _check_alias(alias: Properties) -> None:
    function, version = _function(alias), str(alias.get("FunctionVersion"))
    if version != "$LATEST" and version not in function["versions"]:
        arn = function["config"]["FunctionArn"]
        raise RefusedError(f"ResourceNotFoundException: Function not found: {arn}:{version}")


def _check_destinations(configuration: Properties) -> None:
    """Check that a function's role may send to the destinations of its invocations (PutFunctionEventInvokeConfig)."""
    role = _function(configuration)["config"]["Role"]
    for each in (configuration.get("DestinationConfig") or {}).values():
        arn = str((each or {}).get("Destination", ""))
        service = arn.split(":")[2] if arn.startswith("arn:") else ""
        if service in _DESTINATIONS and not iam.grants(role, f"{service}:{_DESTINATIONS[service]}"):
            raise RefusedError(
                f"{_CODE}: The function's execution role does not have permissions to call {_DESTINATIONS[service]} on "
                f"{arn}"
            )


def _function(properties: Properties) -> dict[str, Any]:
    stated = str(properties.get("FunctionName") or properties.get("TargetFunctionArn"))
    found, *_ = provisioners.lambda_function_for_cfn_ref(stated)
    if found is None:
        raise RefusedError(f"ResourceNotFoundException: Function not found: {stated}")
    record: dict[str, Any] = found
    return record


def install() -> None:
    """Check aliases, versions, permissions, event source mappings, URLs and destinations as Lambda does."""
    guard("AWS::Lambda::Alias", _check_alias)
    guard("AWS::Lambda::EventInvokeConfig", _check_destinations)
    guard("AWS::Lambda::EventSourceMapping", _check_source, creation=_check_new_source)
    guard("AWS::Lambda::Permission", _check_permission)
    guard("AWS::Lambda::Url", _check_reference)
    guard("AWS::Lambda::Version", _check_reference)
