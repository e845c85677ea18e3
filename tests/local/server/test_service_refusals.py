"""What IAM and the services refuse, in their words, each beside its smallest mended twin, which deploys."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local.local_aws import ACCOUNT, NETWORK, Client, Deploy, attribute, ref, resource

Resources = dict[str, Any]

MANAGED = "arn:aws:iam::aws:policy/"
S3_READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}


def _trust(principal: Any, **changed: Any) -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal, **changed}]}


def _managed_policy(statement: dict[str, Any]) -> dict[str, Any]:
    return resource("AWS::IAM::ManagedPolicy", PolicyDocument={"Version": "2012-10-17", "Statement": [statement]})


def _role(*statements: dict[str, Any], trust: dict[str, Any] | None = None, **properties: Any) -> Resources:
    policies = [{"PolicyName": "own", "PolicyDocument": {"Statement": list(statements)}}] if statements else []
    document = trust or _trust({"Service": "lambda.amazonaws.com"})
    return {"Role": resource("AWS::IAM::Role", AssumeRolePolicyDocument=document, Policies=policies, **properties)}


def _managed(*names: str) -> Resources:
    return _role(ManagedPolicyArns=[f"{MANAGED}{name}" for name in names])


def _attached(statement: dict[str, Any], **properties: Any) -> Resources:
    document = {"Statement": [statement]}
    stated = {"PolicyName": "own", "PolicyDocument": document, "Roles": [ref("Role")], **properties}
    return {**_role(), "Policy": resource("AWS::IAM::Policy", **stated)}


def _long(characters: int) -> dict[str, Any]:
    return {**S3_READ, "Resource": "arn:aws:s3:::" + "a" * characters}


TEN = [f"AmazonEC2Policy{number}" for number in range(10)]

IAM: list[tuple[str, Resources, str, Resources]] = [
    (
        "service that is none",
        _role(trust=_trust({"Service": "ecs-task.amazonaws.com"})),
        'MalformedPolicyDocument: Invalid principal in policy: "SERVICE":"ecs-task.amazonaws.com"',
        _role(trust=_trust({"Service": "ecs-tasks.amazonaws.com"})),
    ),
    (
        "role that is not there",
        _role(trust=_trust({"AWS": f"arn:aws:iam::{ACCOUNT}:role/nobody"})),
        'Invalid principal in policy: "AWS":"arn:aws:iam::111111111111:role/nobody"',
        _role(trust=_trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"})),
    ),
    (
        "account's ARN misspelt",
        _role(trust=_trust({"AWS": f"arn:aws::iam::{ACCOUNT}:root"})),
        "Invalid principal in policy",
        _role(trust=_trust({"AWS": ACCOUNT})),
    ),
    (
        "trust with a resource",
        _role(trust=_trust("*", Resource="*")),
        "Has prohibited field Resource",
        _role(trust=_trust("*")),
    ),
    (
        "trust in another action",
        _role(trust=_trust("*", Action="s3:GetObject")),
        "AssumeRole policy may only specify STS AssumeRole actions.",
        _role(trust=_trust("*", Action=["sts:AssumeRole", "sts:TagSession"])),
    ),
    (
        "policy with a principal",
        _role({**S3_READ, "Principal": "*"}),
        "MalformedPolicyDocument: Policy document should not specify a principal.",
        _role(S3_READ),
    ),
    (
        "action without a service",
        _role({**S3_READ, "Action": "GetObject"}),
        "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        _role({**S3_READ, "Action": "nosuchservice:GetObject"}),
    ),
    (
        "action with two colons",
        _role({**S3_READ, "Action": "s3:Get:Object"}),
        "Actions/Condition can contain only one colon.",
        _role({**S3_READ, "Action": "*"}),
    ),
    (
        "resource that is no ARN",
        _role({**S3_READ, "Resource": "my-bucket"}),
        'Resource my-bucket must be in ARN format or "*".',
        _role({**S3_READ, "Resource": "arn:aws:s3:::my-bucket/*"}),
    ),
    (
        "resource of a partition that is none",
        _role({**S3_READ, "Resource": "arn:asw:s3:::my-bucket"}),
        'Partition "asw" is not valid for resource',
        _role({**S3_READ, "Resource": "arn:aws-cn:s3:::my-bucket"}),
    ),
    ("no effect", _role({**S3_READ, "Effect": "allow"}), "Syntax errors in policy.", _role(S3_READ)),
    (
        "condition operator unknown",
        _role({**S3_READ, "Condition": {"StringEqual": {"aws:PrincipalTag/a": "b"}}}),
        "Syntax errors in policy.",
        _role({**S3_READ, "Condition": {"ForAnyValue:StringEqualsIfExists": {"aws:TagKeys": ["b"]}}}),
    ),
    (
        "statement ids twice",
        _role({**S3_READ, "Sid": "A"}, {**S3_READ, "Sid": "A"}),
        "Statement IDs (SID) in a single policy must be unique.",
        _role({**S3_READ, "Sid": "A"}, {**S3_READ, "Sid": "B"}),
    ),
    (
        "inline policies too long",
        _role(_long(10240)),
        "Maximum policy size of 10240 bytes exceeded for role",
        _role(_long(10000)),
    ),
    (
        "11 managed policies",
        _managed(*TEN, "ReadOnlyAccess"),
        "LimitExceeded: Cannot exceed quota for PoliciesPerRole: 10",
        _managed(*TEN),
    ),
    (
        "managed policy under no path",
        _managed("AmazonECSTaskExecutionRolePolicy"),
        "NoSuchEntity: Policy arn:aws:iam::aws:policy/AmazonECSTaskExecutionRolePolicy does not exist",
        _managed("service-role/AmazonECSTaskExecutionRolePolicy"),
    ),
    (
        "managed policy unknown",
        _managed("NoSuchPolicy"),
        "does not exist or is not attachable",
        _managed("IAMFullAccess"),
    ),
    (
        "managed policy of the account unknown",
        _role(ManagedPolicyArns=[f"arn:aws:iam::{ACCOUNT}:policy/none"]),
        "does not exist or is not attachable",
        _role(),
    ),
    (
        "session of an hour less a second",
        _role(MaxSessionDuration=3599),
        "3600",
        _role(MaxSessionDuration=3600),
    ),
    ("session of more than 12 hours", _role(MaxSessionDuration=43201), "43200", _role(MaxSessionDuration="43200")),
    ("path without an end", _role(Path="/team"), "The specified value for path is invalid.", _role(Path="/team/")),
    (
        "attached policy with a principal",
        _attached({**S3_READ, "Principal": "*"}),
        "Policy document should not specify a principal.",
        _attached(S3_READ),
    ),
    ("attached to nobody", _attached(S3_READ, Roles=[]), "At least one of", _attached(S3_READ)),
    ("attached to a role that is not there", _attached(S3_READ, Roles=["nobody"]), "nobody", _attached(S3_READ)),
    (
        "managed policy too long",
        {"Policy": _managed_policy(_long(6144))},
        "Cannot exceed quota for PolicySize: 6144",
        {"Policy": _managed_policy(_long(6000))},
    ),
    (
        "managed policy without a version",
        {"Policy": resource("AWS::IAM::ManagedPolicy", PolicyDocument={"Statement": [S3_READ]})},
        "Policy document must be version 2012-10-17 or greater.",
        {"Policy": _managed_policy(S3_READ)},
    ),
]


def _bucket_policy(statement: dict[str, Any], **blocked: bool) -> Resources:
    stated = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": OBJECTS, **statement}
    block = {"PublicAccessBlockConfiguration": blocked} if blocked else {}
    return {
        "Bucket": resource("AWS::S3::Bucket", **block),
        "Policy": resource("AWS::S3::BucketPolicy", Bucket=ref("Bucket"), PolicyDocument={"Statement": [stated]}),
    }


def _queue_policy(**changed: Any) -> Resources:
    stated = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*", **changed}
    policy = resource("AWS::SQS::QueuePolicy", Queues=[ref("Queue")], PolicyDocument={"Statement": [stated]})
    return {"Queue": resource("AWS::SQS::Queue"), "Policy": policy}


def _topic_policy(**changed: Any) -> Resources:
    stated = {"Effect": "Allow", "Principal": "*", "Action": "sns:Publish", "Resource": "*", **changed}
    policy = resource("AWS::SNS::TopicPolicy", Topics=[ref("Topic")], PolicyDocument={"Statement": [stated]})
    return {"Topic": resource("AWS::SNS::Topic"), "Policy": policy}


def _key(principal: Any, action: str = "kms:*", **properties: Any) -> Resources:
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*"}
    return {"Key": resource("AWS::KMS::Key", KeyPolicy={"Statement": [statement]}, **properties)}


OBJECTS = {"Fn::Sub": "arn:aws:s3:::${Bucket}/*"}
LAMBDA = {"Service": "lambda.amazonaws.com"}
ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}

POLICIES: list[tuple[str, Resources, str, Resources]] = [
    (
        "bucket policy for nobody",
        _bucket_policy({"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/nobody"}}),
        "MalformedPolicy: Invalid principal in policy",
        _bucket_policy({"Principal": ROOT}),
    ),
    (
        "public bucket policy under the default block",
        _bucket_policy({}),
        "because public policies are prevented by the BlockPublicPolicy setting",
        _bucket_policy({}, BlockPublicAcls=True, BlockPublicPolicy=False),
    ),
    (
        "public bucket policy under a block",
        _bucket_policy({}, BlockPublicPolicy=True),
        "BlockPublicPolicy",
        _bucket_policy({"Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}}}, BlockPublicPolicy=True),
    ),
    (
        "bucket policy of another bucket",
        _bucket_policy({"Principal": ROOT, "Resource": "arn:aws:s3:::another/*"}),
        "Policy has invalid resource",
        _bucket_policy({"Principal": ROOT}),
    ),
    (
        "bucket policy in another action",
        _bucket_policy({"Principal": ROOT, "Action": "sqs:SendMessage"}),
        "Policy has invalid action",
        _bucket_policy({"Principal": ROOT, "Action": "S3:GetObject"}),
    ),
    (
        "objects read from a bucket",
        _bucket_policy({"Principal": ROOT, "Resource": attribute("Bucket", "Arn")}),
        "Action does not apply to any resource(s) in statement",
        _bucket_policy({"Principal": ROOT, "Action": "s3:ListBucket", "Resource": attribute("Bucket", "Arn")}),
    ),
    (
        "policy of a bucket that is not there",
        {
            "Policy": resource(
                "AWS::S3::BucketPolicy",
                Bucket="never-made",
                PolicyDocument={"Statement": [{**S3_READ, "Principal": ROOT, "Resource": "arn:aws:s3:::never-made/*"}]},
            )
        },
        "NoSuchBucket: The specified bucket does not exist",
        _bucket_policy({"Principal": ROOT}),
    ),
    (
        "queue policy for nobody",
        _queue_policy(Principal={"Service": "event.amazonaws.com"}),
        "InvalidAttributeValue: Invalid value for the parameter Policy.",
        _queue_policy(Principal={"Service": "events.amazonaws.com"}),
    ),
    (
        "queue policy of eight actions",
        _queue_policy(Action=[f"sqs:{name}" for name in "abcdefgh"]),
        "OverLimit: 8 Actions were found, maximum allowed is 7.",
        _queue_policy(Action=[f"sqs:{name}" for name in "abcdefg"]),
    ),
    (
        "topic policy in another action",
        _topic_policy(Action="sqs:SendMessage"),
        "Policy statement action out of service scope!",
        _topic_policy(Action="SNS:Publish"),
    ),
    (
        "topic policy for nobody",
        _topic_policy(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:user/nobody"}),
        "PrincipalNotFound",
        _topic_policy(Principal={"AWS": ACCOUNT}),
    ),
    (
        "key that nobody can change",
        _key(LAMBDA),
        "The new key policy will not allow you to update the key policy in the future.",
        _key(LAMBDA, BypassPolicyLockoutSafetyCheck=True),
    ),
    (
        "key that may only be used",
        _key(ROOT, "kms:Decrypt"),
        "The new key policy will not allow you to update the key policy in the future.",
        _key(ROOT, "kms:Put*"),
    ),
    (
        "key for nobody",
        _key({"AWS": [ROOT["AWS"], f"arn:aws:iam::{ACCOUNT}:role/nobody"]}),
        "Policy contains a statement with one or more invalid principals.",
        _key(ROOT),
    ),
]


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


READ = {"Effect": "Allow", "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:Get*"], "Resource": "*"}

FUNCTIONS: list[tuple[str, Resources, str, Resources]] = [
    ("timeout of 901 seconds", _function(Timeout=901), "900", _function(Timeout="900")),
    (
        "runtime unknown",
        _function(Runtime="python9"),
        "Runtime must be one of",
        _function(),
    ),
    (
        "code in no bucket",
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
        "network interfaces without rights",
        _in_vpc("AWSLambdaBasicExecutionRole"),
        "The provided execution role does not have permissions to call CreateNetworkInterface on EC2",
        _in_vpc("AWSLambdaVPCAccessExecutionRole"),
    ),
    (
        "concurrency of the whole account",
        _function(ReservedConcurrentExecutions=901),
        "below its minimum value of [100]",
        _function(ReservedConcurrentExecutions=900),
    ),
    (
        "queue without rights",
        _reading({}),
        "The function execution role does not have permissions to call ReceiveMessage on SQS",
        _reading({}, READ),
    ),
    (
        "queue hidden for less than the function runs",
        _reading({}, READ, timeout=31),
        "Queue visibility timeout: 30 seconds is less than Function timeout: 31 seconds",
        _reading({"VisibilityTimeout": 31}, READ, timeout=31),
    ),
    (
        "batch of 11 at once",
        _reading({}, READ, BatchSize=11),
        "Maximum batch window in seconds must be greater than 0",
        _reading({}, READ, BatchSize=11, MaximumBatchingWindowInSeconds=1),
    ),
    (
        "source of a function that is not there",
        _reading({}, READ, FunctionName="nobody"),
        "ResourceNotFoundException: Function not found",
        _reading({}, READ),
    ),
    (
        "permission for no service",
        _permission(Principal="event.amazonaws.com"),
        "The provided principal was invalid. Please check the principal and try again.",
        _permission(),
    ),
    (
        "permission in another action",
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
        "dead letters of a queue in a FIFO queue",
        _redriven("Fifo"),
        "Reason: Dead-letter queue must be same type of queue as the source.",
        _redriven("Plain"),
    ),
    (
        "dead letters of a FIFO queue in a queue",
        _redriven("Plain", FifoQueue=True),
        "Reason: Dead-letter queue must be same type of queue as the source.",
        _redriven("Fifo", FifoQueue=True),
    ),
    (
        "dead letters nowhere",
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
        "subscription by carrier",
        _subscribed(Protocol="carrier"),
        "Amazon SNS does not support this protocol string: carrier",
        _subscribed(),
    ),
    (
        "subscription of no address",
        _subscribed(Protocol="email", Endpoint="nobody"),
        "Invalid parameter: Email address",
        _subscribed(Protocol="email", Endpoint="ops@example.com"),
    ),
    (
        "subscription of a FIFO queue",
        _subscribed(Endpoint=attribute("Fifo", "Arn")),
        "FIFO SQS Queues can not be subscribed to standard SNS topics",
        _subscribed(),
    ),
    (
        "subscription to no topic",
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
        "schedule on a bus of one's own",
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
        "target in a FIFO queue without a group",
        _scheduled("rate(1 day)", {**TARGET, "Arn": attribute("Fifo", "Arn")}),
        "Parameter(s) MessageGroupId must be specified for target: Target0.",
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
        "target's role of another service",
        _scheduled("rate(1 day)", {**TARGET, "RoleArn": attribute("Role", "Arn")}),
        "cannot be assumed by principal 'events.amazonaws.com'.",
        {
            **_scheduled("rate(1 day)", {**TARGET, "RoleArn": attribute("Role", "Arn")}),
            **_role(trust=_trust({"Service": ["events.amazonaws.com", "lambda.amazonaws.com"]})),
        },
    ),
]


def _bucket(**properties: Any) -> Resources:
    return {"Bucket": resource("AWS::S3::Bucket", **properties)}


def _lifecycle(*rules: dict[str, Any]) -> Resources:
    return _bucket(LifecycleConfiguration={"Rules": [{"Status": "Enabled", **rule} for rule in rules]})


def _moved(days: int, kind: str = "STANDARD_IA") -> dict[str, Any]:
    return {"Transitions": [{"StorageClass": kind, "TransitionInDays": days}]}


def _notifying(principal: str, event: str = "s3:ObjectCreated:*") -> Resources:
    notified = {"QueueConfigurations": [{"Event": event, "Queue": attribute("Queue", "Arn")}]}
    bucket = resource("AWS::S3::Bucket", NotificationConfiguration=notified)
    return {**_queue_policy(Principal={"Service": principal}), "Bucket": {**bucket, "DependsOn": "Policy"}}


def _public(**blocked: bool) -> Resources:
    block = {"PublicAccessBlockConfiguration": blocked} if blocked else {}
    owned = {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    return _bucket(AccessControl="PublicRead", OwnershipControls=owned, **block)


def _table(*attributes: str, key: str = "id", **properties: Any) -> Resources:
    stated = {
        "AttributeDefinitions": [{"AttributeName": each, "AttributeType": "S"} for each in attributes],
        "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
        **properties,
    }
    return {"Table": resource("AWS::DynamoDB::Table", **stated)}


def _index(key: str) -> list[dict[str, Any]]:
    schema = [{"AttributeName": key, "KeyType": "HASH"}]
    return [{"IndexName": "other", "KeySchema": schema, "Projection": {"ProjectionType": "ALL"}}]


STORES: list[tuple[str, Resources, str, Resources]] = [
    (
        "notification of a queue that is closed",
        _notifying("sns.amazonaws.com"),
        "Unable to validate the following destination configurations",
        _notifying("s3.amazonaws.com"),
    ),
    (
        "notification of no event",
        _notifying("s3.amazonaws.com", "s3:Object"),
        "The event is not supported for notifications",
        _notifying("s3.amazonaws.com", "s3:ObjectRemoved:*"),
    ),
    ("moved after 29 days", _lifecycle(_moved(29)), "greater than or equal to 30", _lifecycle(_moved(30))),
    (
        "expired before it is moved",
        _lifecycle({**_moved(60), "ExpirationInDays": 60}),
        "must be greater than 'Days' in the Transition action",
        _lifecycle({**_moved(60), "ExpirationInDays": 61}),
    ),
    (
        "rule without an action",
        _lifecycle({"Prefix": "a/"}),
        "At least one action needs to be specified in a rule",
        _lifecycle({"Prefix": "a/", "ExpirationInDays": 1}),
    ),
    (
        "rules of one name",
        _lifecycle({"Id": "a", "ExpirationInDays": 1}, {"Id": "a", "ExpirationInDays": 2}),
        "Rule ID must be unique.",
        _lifecycle({"Id": "a", "ExpirationInDays": 1}, {"Id": "b", "ExpirationInDays": 2}),
    ),
    ("public under the default block", _public(), "cannot have public ACLs", _public(BlockPublicAcls=False)),
    (
        "logs in no bucket",
        _bucket(LoggingConfiguration={"DestinationBucketName": "never-made"}),
        "The target bucket for logging does not exist",
        _bucket(),
    ),
    (
        "key that is not defined",
        _table("id", key="name"),
        "Hash Key not specified in Attribute Definitions",
        _table("name", key="name"),
    ),
    ("attribute without a use", _table("id", "name"), "Some AttributeDefinitions are not used", _table("id")),
    (
        "index of an attribute that is not defined",
        _table("id", GlobalSecondaryIndexes=_index("name")),
        "name",
        _table("id", "name", GlobalSecondaryIndexes=_index("name")),
    ),
    ("table of two letters", _table("id", TableName="ab"), "at 'tableName'", _table("id", TableName="abc")),
]


def _alarm(**properties: Any) -> Resources:
    stated = {
        "ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1, "MetricName": "Errors",
        "Namespace": "Shop", "Period": 60, "Statistic": "Sum", "Threshold": 1,
    }  # fmt: skip
    return {"Topic": resource("AWS::SNS::Topic"), "Alarm": resource("AWS::CloudWatch::Alarm", **(stated | properties))}


def _math(expression: str) -> Resources:
    metric = {"Metric": {"MetricName": "Errors", "Namespace": "Shop"}, "Period": 60, "Stat": "Sum"}
    metrics = [{"Id": "e1", "Expression": expression}, {"Id": "m1", "MetricStat": metric, "ReturnData": False}]
    alarm = {"ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1, "Threshold": 1, "Metrics": metrics}
    return {"Alarm": resource("AWS::CloudWatch::Alarm", **alarm)}


def _filtered(pattern: str) -> Resources:
    metric = [{"MetricName": "Errors", "MetricNamespace": "Shop", "MetricValue": "1"}]
    properties = {"LogGroupName": ref("Group"), "FilterPattern": pattern, "MetricTransformations": metric}
    return {"Group": resource("AWS::Logs::LogGroup"), "Filter": resource("AWS::Logs::MetricFilter", **properties)}


def _encrypted(*more: dict[str, Any]) -> Resources:
    statement = {"Effect": "Allow", "Principal": ROOT, "Action": "kms:*", "Resource": "*"}
    return {
        "Key": resource("AWS::KMS::Key", KeyPolicy={"Statement": [statement, *more]}),
        "Group": resource("AWS::Logs::LogGroup", KmsKeyId=attribute("Key", "Arn")),
    }


def _forwarded(*depends: str) -> Resources:
    arn = attribute("Function", "Arn")
    properties = {"LogGroupName": ref("Group"), "FilterPattern": "", "DestinationArn": arn}
    subscription = resource("AWS::Logs::SubscriptionFilter", **properties)
    return {
        **_permission(Principal="logs.amazonaws.com" if depends else "events.amazonaws.com"),
        "Group": resource("AWS::Logs::LogGroup"),
        "Subscription": {**subscription, "DependsOn": ["Permission"]},
    }


def _parameter(value: str, **properties: Any) -> Resources:
    return {"Parameter": resource("AWS::SSM::Parameter", Type="String", Value=value, **properties)}


LOGS_USE = {
    "Effect": "Allow",
    "Principal": {"Service": "logs.eu-west-1.amazonaws.com"},
    "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
    "Resource": "*",
    "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:eu-west-1:{ACCOUNT}:*"}},
}

OPERATIONS: list[tuple[str, Resources, str, Resources]] = [
    ("action that is no ARN", _alarm(AlarmActions=["page"]), "Invalid arn syntax: page", _alarm()),
    (
        "action on a bucket",
        _alarm(OKActions=["arn:aws:s3:::bucket"]),
        "Invalid arn syntax",
        _alarm(OKActions=[ref("Topic")]),
    ),
    (
        "more than a day",
        _alarm(EvaluationPeriods=1441),
        "Metrics cannot be checked across more than a day",
        _alarm(EvaluationPeriods=1440),
    ),
    ("metric that is not there", _math("m1 + m2"), "m2", _math("IF(m1 > 5, m1, 0)")),
    ("pattern without an end", _filtered("{ $.level = "), "Invalid filter pattern", _filtered('{ $.level = "a" }')),
    ("pattern without a quote", _filtered('"a b'), "Invalid filter pattern", _filtered('?ERROR ?"a b"')),
    ("pattern of columns without an end", _filtered("[ip, user"), "Invalid filter pattern", _filtered("[ip, user]")),
    (
        "key that is closed to logs",
        _encrypted(),
        "The specified KMS key does not exist or is not allowed to be used with LogGroup",
        _encrypted(LOGS_USE),
    ),
    (
        "subscription of a function that is closed",
        _forwarded(),
        "Make sure you have given CloudWatch Logs permission to execute your function.",
        _forwarded("Permission"),
    ),
    (
        "alias of no key",
        {"Alias": resource("AWS::KMS::Alias", AliasName="alias/shop", TargetKeyId="nothing")},
        "NotFoundException: Key 'nothing' does not exist",
        {**_key(ROOT), "Alias": resource("AWS::KMS::Alias", AliasName="alias/shop", TargetKeyId=ref("Key"))},
    ),
    (
        "parameter of 4097 characters",
        _parameter("a" * 4097),
        "Standard tier parameters support a maximum parameter value of 4096 characters.",
        _parameter("a" * 4097, Tier="Advanced"),
    ),
    (
        "parameter against its pattern",
        _parameter("a", AllowedPattern="^b$"),
        "cannot be validated against allowedPattern: ^b$",
        _parameter("b", AllowedPattern="^b$"),
    ),
    (
        "parameter in half a path",
        _parameter("a", Name="shop/tag"),
        "Parameter name must be a fully qualified name.",
        _parameter("a", Name="/shop/tag"),
    ),
]


def _pairs(*tables: list[tuple[str, Resources, str, Resources]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("faulty", "says", "mended"), [pytest.param(*case[1:], id=case[0]) for table in tables for case in table]
    )


@_pairs(IAM, POLICIES, FUNCTIONS, MESSAGES, STORES, OPERATIONS)
def test_a_fault_is_refused_and_its_mended_twin_deploys(
    deploy: Deploy, faulty: Resources, says: str, mended: Resources
) -> None:
    refused = deploy(faulty)
    assert refused["StackStatus"] == "ROLLBACK_COMPLETE"
    assert says in refused["Reason"]
    made = deploy(mended, "-mended")
    assert made["StackStatus"] == "CREATE_COMPLETE", made["Reason"]


def test_a_policy_in_use_is_not_deleted(deploy: Deploy, client: Client) -> None:
    policy = _managed_policy(S3_READ)
    arn = deploy({"Policy": policy}, "-policy", Arn=ref("Policy"))["Values"]["Arn"]
    user = deploy(_role(ManagedPolicyArns=[arn]), "-role")
    assert user["StackStatus"] == "CREATE_COMPLETE", user["Reason"]
    changed = deploy({"Topic": resource("AWS::SNS::Topic")}, "-policy")
    assert "DeleteConflict: Cannot delete a policy attached to entities." in changed["Reason"]
    assert client("iam").get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1


def test_a_role_with_a_policy_from_elsewhere_is_not_deleted(deploy: Deploy, client: Client) -> None:
    name = deploy({**_role(), "Topic": resource("AWS::SNS::Topic")}, Name=ref("Role"))["Values"]["Name"]
    iam = client("iam")
    iam.attach_role_policy(RoleName=name, PolicyArn=f"{MANAGED}IAMFullAccess")
    changed = deploy({"Topic": resource("AWS::SNS::Topic")})
    assert "DeleteConflict: Cannot delete entity, must detach all policies first." in changed["Reason"]
    iam.detach_role_policy(RoleName=name, PolicyArn=f"{MANAGED}IAMFullAccess")


def test_a_role_is_brought_to_no_policy_that_is_malformed(deploy: Deploy) -> None:
    deploy(_role(S3_READ))
    changed = deploy(_role({**S3_READ, "Action": "GetObject"}))
    assert changed["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "Actions/Conditions must be prefaced by a vendor" in changed["Reason"]
    assert deploy(_role({**S3_READ, "Action": "s3:PutObject"}))["StackStatus"] == "UPDATE_COMPLETE"


def test_a_protected_table_is_not_deleted(deploy: Deploy, client: Client) -> None:
    topic = {"Topic": resource("AWS::SNS::Topic")}
    table = {**_table("id", DeletionProtectionEnabled=True), **topic}
    name = deploy(table, Name=ref("Table"))["Values"]["Name"]
    changed = deploy(topic)
    assert "Resource cannot be deleted as it is currently protected against deletion." in changed["Reason"]
    client("dynamodb").update_table(TableName=name, DeletionProtectionEnabled=False)
