"""Templates for functions and messages that are refused, each with the smallest correction, which deploys."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local.local_aws import ACCOUNT, NETWORK, Deploy, attribute, check_pair, ref, resource

Resources = dict[str, Any]
MANAGED = "arn:aws:iam::aws:policy/"


def _trust(principal: Any, **changed: Any) -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal, **changed}]}


def _role(*statements: dict[str, Any], trust: dict[str, Any] | None = None, **properties: Any) -> Resources:
    policies = [{"PolicyName": "own", "PolicyDocument": {"Statement": list(statements)}}] if statements else []
    document = trust or _trust({"Service": "lambda.amazonaws.com"})
    return {"Role": resource("AWS::IAM::Role", AssumeRolePolicyDocument=document, Policies=policies, **properties)}


def _function(*statements: dict[str, Any], managed: tuple[str, ...] = (), **properties: Any) -> Resources:
    code = {"ZipFile": "def handler(event, context): ..."}
    stated = {"Runtime": "python3.13", "Handler": "index.handler", "Code": code, **properties}
    return {
        **_role(*statements, ManagedPolicyArns=[f"{MANAGED}service-role/{name}" for name in managed]),
        "Function": resource("AWS::Lambda::Function", Role=attribute("Role", "Arn"), **stated),
    }


def _in_vpc(*managed: str) -> Resources:
    network = {"SubnetIds": [ref("Subnet")], "SecurityGroupIds": [attribute("Vpc", "DefaultSecurityGroup")]}
    return {**NETWORK, **_function(managed=managed, VpcConfig=network)}


def _reading(queue: dict[str, Any], *statements: dict[str, Any], timeout: int = 3, **mapping: Any) -> Resources:
    stated = {"FunctionName": ref("Function"), "EventSourceArn": attribute("Queue", "Arn"), **mapping}
    return {
        **_function(*statements, Timeout=timeout),
        "Queue": resource("AWS::SQS::Queue", **queue),
        "Mapping": resource("AWS::Lambda::EventSourceMapping", **stated),
    }


def _permission(**properties: Any) -> Resources:
    stated = {"Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com", "FunctionName": ref("Function")}
    return {**_function(), "Permission": resource("AWS::Lambda::Permission", **(stated | properties))}


def _streaming(*actions: str) -> Resources:
    stated = {"FunctionName": ref("Function"), "EventSourceArn": attribute("Stream", "Arn")}
    allowed = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return {
        **_function(allowed),
        "Stream": resource("AWS::Kinesis::Stream", ShardCount=1),
        "Mapping": resource("AWS::Lambda::EventSourceMapping", StartingPosition="LATEST", **stated),
    }


MANAGED_INSTANCES = {
    "LambdaManagedInstancesCapacityProviderConfig": {
        "CapacityProviderArn": f"arn:aws:lambda:eu-west-1:{ACCOUNT}:capacity-provider:shop"
    }
}
READ = {"Effect": "Allow", "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:Get*"], "Resource": "*"}
FUNCTIONS: list[tuple[str, Resources, str, Resources]] = [
    ("timeout of 901 seconds", _function(Timeout=901), "900", _function(Timeout="900")),
    (
        "memory of 10241 MB",
        _function(MemorySize=10241),
        "Value '10241' at 'memorySize' failed to satisfy constraint",
        _function(MemorySize=32768, Timeout=5400, CapacityProviderConfig=MANAGED_INSTANCES),
    ),
    (
        "unknown runtime",
        _function(Runtime="python9"),
        "Runtime must be one of",
        _function(),
    ),
    (
        "code in a bucket that does not exist",
        _function(Code={"S3Bucket": "never-made", "S3Key": "code.zip"}),
        "S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does not exist",
        _function(),
    ),
    (
        "environment over 4 KB",
        _function(Environment={"Variables": {"A": "a" * 4089}}),
        "exceeded the 4KB limit",
        _function(Environment={"Variables": {"A": "a" * 4088}}),
    ),
    (
        "VPC without permissions for network interfaces",
        _in_vpc("AWSLambdaBasicExecutionRole"),
        "The provided execution role does not have permissions to call CreateNetworkInterface on EC2",
        _in_vpc("AWSLambdaVPCAccessExecutionRole"),
    ),
    (
        "concurrency of the complete account",
        _function(ReservedConcurrentExecutions=901),
        "below its minimum value of [100]",
        _function(ReservedConcurrentExecutions=900),
    ),
    (
        "queue without permissions",
        _reading({}),
        "The function execution role does not have permissions to call ReceiveMessage on SQS",
        _reading({}, READ),
    ),
    (
        "stream without permissions",
        _streaming("kinesis:GetRecords", "kinesis:DescribeStream"),
        "The function execution role does not have permissions to call GetShardIterator on Kinesis",
        _streaming("kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:DescribeStreamSummary"),
    ),
    (
        "visibility timeout below the function timeout",
        _reading({}, READ, timeout=31),
        "Queue visibility timeout: 30 seconds is less than Function timeout: 31 seconds",
        _reading({"VisibilityTimeout": 31}, READ, timeout=31),
    ),
    (
        "batch of 11 without a window",
        _reading({}, READ, BatchSize=11),
        "Maximum batch window in seconds must be greater than 0",
        _reading({}, READ, BatchSize=11, MaximumBatchingWindowInSeconds=1),
    ),
    (
        "source of a function that does not exist",
        _reading({}, READ, FunctionName="nobody"),
        "ResourceNotFoundException: Function not found",
        _reading({}, READ),
    ),
    (
        "permission for an unknown service",
        _permission(Principal="event.amazonaws.com"),
        "The provided principal was invalid. Please check the principal and try again.",
        _permission(),
    ),
    (
        "permission for an action of another service",
        _permission(Action="s3:GetObject"),
        "property Action must match",
        _permission(Action="lambda:*"),
    ),
]


def _redriven(target: str, **properties: Any) -> Resources:
    arn = {"Fn::GetAtt": [target, "Arn"]} if target.isalpha() else target
    return {
        "Plain": resource("AWS::SQS::Queue"),
        "Fifo": resource("AWS::SQS::Queue", FifoQueue=True),
        "Queue": resource(
            "AWS::SQS::Queue", RedrivePolicy={"deadLetterTargetArn": arn, "maxReceiveCount": 3}, **properties
        ),
    }


def _queue(**properties: Any) -> Resources:
    return {"Queue": resource("AWS::SQS::Queue", **properties)}


def _subscribed(**properties: Any) -> Resources:
    stated = {"TopicArn": ref("Topic"), "Protocol": "sqs", "Endpoint": attribute("Queue", "Arn"), **properties}
    return {
        "Queue": resource("AWS::SQS::Queue"),
        "Fifo": resource("AWS::SQS::Queue", FifoQueue=True),
        "Topic": resource("AWS::SNS::Topic"),
        "Subscription": resource("AWS::SNS::Subscription", **stated),
    }


def _scheduled(expression: str, *targets: dict[str, Any], **properties: Any) -> Resources:
    stated = {"ScheduleExpression": expression, "Targets": list(targets), **properties}
    return {
        **_role(),
        "Queue": resource("AWS::SQS::Queue"),
        "Fifo": resource("AWS::SQS::Queue", FifoQueue=True),
        "Rule": resource("AWS::Events::Rule", **stated),
    }


TARGET = {"Id": "Target0", "Arn": attribute("Queue", "Arn")}
BUS = {"Bus": resource("AWS::Events::EventBus", Name="orders")}
MESSAGES: list[tuple[str, Resources, str, Resources]] = [
    (
        "FIFO dead-letter queue of a standard queue",
        _redriven("Fifo"),
        "Reason: Dead-letter queue must be same type of queue as the source.",
        _redriven("Plain"),
    ),
    (
        "standard dead-letter queue of a FIFO queue",
        _redriven("Plain", FifoQueue=True),
        "Reason: Dead-letter queue must be same type of queue as the source.",
        _redriven("Fifo", FifoQueue=True),
    ),
    (
        "dead-letter queue that does not exist",
        _redriven(f"arn:aws:sqs:eu-west-1:{ACCOUNT}:nowhere"),
        "Reason: Dead letter target does not exist.",
        _redriven("Plain"),
    ),
    ("visibility of 43201 seconds", _queue(VisibilityTimeout=43201), "43200", _queue(VisibilityTimeout=43200)),
    ("queue named with a space", _queue(QueueName="a b"), "1 to 80 in length", _queue(QueueName="a_b")),
    (
        "queue encrypted twice",
        _queue(KmsMasterKeyId="alias/aws/sqs", SqsManagedSseEnabled=True),
        "You can use one type of server-side encryption (SSE) at one time.",
        _queue(KmsMasterKeyId="alias/aws/sqs"),
    ),
    (
        "subscription with an unknown protocol",
        _subscribed(Protocol="carrier"),
        "Amazon SNS does not support this protocol string: carrier",
        _subscribed(),
    ),
    (
        "subscription with an invalid address",
        _subscribed(Protocol="email", Endpoint="nobody"),
        "Invalid parameter: Email address",
        _subscribed(Protocol="email", Endpoint="ops@example.com"),
    ),
    (
        "subscription of a FIFO queue to a standard topic",
        _subscribed(Endpoint=attribute("Fifo", "Arn")),
        "FIFO SQS Queues can not be subscribed to standard SNS topics",
        _subscribed(),
    ),
    (
        "subscription to a topic that does not exist",
        _subscribed(TopicArn=f"arn:aws:sns:eu-west-1:{ACCOUNT}:nowhere"),
        "NotFound: Topic does not exist",
        _subscribed(),
    ),
    (
        "filter of a bare value",
        _subscribed(FilterPolicy={"kind": "order"}),
        '"kind" must be an object or an array',
        _subscribed(FilterPolicy={"kind": ["order"]}),
    ),
    (
        "schedule on a custom event bus",
        {**BUS, **_scheduled("rate(1 hour)", EventBusName=ref("Bus"))},
        "ScheduleExpression is supported only on the default event bus.",
        _scheduled("rate(1 hour)", EventBusName="default"),
    ),
    ("rate of one hours", _scheduled("rate(1 hours)"), "ScheduleExpression is not valid", _scheduled("rate(2 hours)")),
    (
        "six targets",
        _scheduled("rate(1 day)", *({**TARGET, "Id": f"{number}"} for number in range(6))),
        "at most 5 items",
        _scheduled("rate(1 day)", *({**TARGET, "Id": f"{number}"} for number in range(5))),
    ),
    (
        "FIFO target without a message group",
        _scheduled("rate(1 day)", {**TARGET, "Arn": attribute("Fifo", "Arn")}),
        "Parameter(s) SqsParameters must be specified for target: Target0.",
        _scheduled(
            "rate(1 day)", {**TARGET, "Arn": attribute("Fifo", "Arn"), "SqsParameters": {"MessageGroupId": "all"}}
        ),
    ),
    (
        "target with two inputs",
        _scheduled("rate(1 day)", {**TARGET, "Input": "{}", "InputPath": "$.detail"}),
        "Only one of Input, InputPath, or InputTransformer must be provided for target Target0.",
        _scheduled("rate(1 day)", {**TARGET, "Input": "{}"}),
    ),
    (
        "rule role of another service",
        _scheduled("rate(1 day)", TARGET, RoleArn=attribute("Role", "Arn")),
        "cannot be assumed by principal 'events.amazonaws.com'.",
        {
            **_scheduled("rate(1 day)", TARGET, RoleArn=attribute("Role", "Arn")),
            **_role(trust=_trust({"Service": ["events.amazonaws.com", "lambda.amazonaws.com"]})),
        },
    ),
    (
        "rule role of another service, unlike a target role",
        _scheduled("rate(1 day)", TARGET, RoleArn=attribute("Role", "Arn")),
        "cannot be assumed by principal 'events.amazonaws.com'.",
        _scheduled("rate(1 day)", {**TARGET, "RoleArn": attribute("Role", "Arn")}),
    ),
]


def _pairs(*tables: list[tuple[str, Resources, str, Resources]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("faulty", "says", "mended"), [pytest.param(*case[1:], id=case[0]) for table in tables for case in table]
    )


@_pairs(FUNCTIONS, MESSAGES)
def test_faulty_template_is_refused_and_the_corrected_one_deploys(
    deploy: Deploy, faulty: Resources, says: str, mended: Resources
) -> None:
    check_pair(deploy, faulty, says, mended)
