"""The checks that Amazon S3, SQS, SNS and AWS KMS perform on the policies of buckets, queues, topics and keys.

The messages are the services', as users report them: S3's in aws-cloudformation/cfn-lint issue 2412, SNS's in
hashicorp/terraform-provider-aws issue 26041 and serverless/serverless issue 5519, KMS's in
trussworks/terraform-aws-cloudtrail issue 178 and cloudposse/terraform-aws-vpc-flow-logs-s3-bucket pull request 27.
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ministack.core.responses import get_account_id

from moorage.local.server.core.adapter import cloudformation, s3, sns, sqs
from moorage.local.server.core.calls import RefusedError
from moorage.local.server.core.resource import Properties
from moorage.local.server.services import documents, principals
from moorage.local.server.services.guards import guard

_MALFORMED = "MalformedPolicy"
_MOST_BYTES = 20480
_MOST_SQS_ACTIONS = 7
_OBJECT_ACTIONS = frozenset(
    (
        *("abortmultipartupload", "deleteobject", "deleteobjectversion", "getobject", "getobjectacl"),
        *("getobjecttagging", "getobjectversion", "listmultipartuploadparts", "putobject", "putobjectacl"),
        "putobjecttagging",
    )
)
_BUCKET_ACTIONS = frozenset(
    (
        *("getbucketacl", "getbucketlocation", "getbucketpolicy", "listbucket", "listbucketmultipartuploads"),
        *("listbucketversions", "putbucketpolicy"),
    )
)
"""The actions on objects and on buckets (service authorization reference, "Actions defined by Amazon S3")."""
_PRINCIPALS = {"Principal", "NotPrincipal"}


def _check_bucket_policy(properties: Properties) -> None:
    bucket = str(properties.get("Bucket"))
    if s3.bucket_owner_account(bucket) is None:
        raise RefusedError("NoSuchBucket: The specified bucket does not exist")
    document = documents.parsed(properties.get("PolicyDocument"))
    documents.refuse(_bucket_faults(document, bucket), _MALFORMED)
    if len(json.dumps(document, separators=(",", ":"))) > _MOST_BYTES:
        raise RefusedError(
            f"PolicyTooLarge: Normalized policy document exceeds the maximum allowed size of {_MOST_BYTES} bytes."
        )
    if any(map(_is_public, documents.statements(document))) and _blocks_public_policies(bucket):
        raise RefusedError(
            f"AccessDenied: User: arn:aws:iam::{get_account_id()}:root is not authorized to perform: "
            f'"s3:PutBucketPolicy" on resource: "arn:aws:s3:::{bucket}" because public policies are prevented by the '
            "BlockPublicPolicy setting in S3 Block Public Access."
        )


def _bucket_faults(document: Mapping[str, Any], bucket: str) -> Iterator[str]:
    yield from documents.syntax_faults(document)
    for statement in documents.statements(document):
        if not _PRINCIPALS & set(statement):
            yield "Missing required field Principal"
        if any(principals.invalid(statement.get("Principal", "*"))):
            yield "Invalid principal in policy"
        actions = [str(each).lower() for each in documents.several(statement.get("Action"))]
        if any(each != "*" and each.partition(":")[0] != "s3" for each in actions):
            yield "Policy has invalid action"
        resources = [str(each) for each in documents.several(statement.get("Resource"))]
        if any(not _is_in(each, bucket) for each in resources):
            yield "Policy has invalid resource"
        if not resources and "NotResource" not in statement:
            yield "Missing required field Resource"
        if resources and not all(_applies(each.partition(":")[2], resources) for each in actions):
            yield "Action does not apply to any resource(s) in statement"


def _is_in(resource: str, bucket: str) -> bool:
    found = re.fullmatch(r"arn:aws[a-z-]*:s3:::([^/]*).*", resource)
    return resource == "*" or (found is not None and fnmatch.fnmatchcase(bucket, found[1]))


def _applies(action: str, resources: list[str]) -> bool:
    if action in _OBJECT_ACTIONS:
        return any("/" in each or each.endswith("*") for each in resources)
    return action not in _BUCKET_ACTIONS or any("/" not in each for each in resources)


def _is_public(statement: documents.Statement) -> bool:
    """Return whether a statement allows actions to everybody; False if it has a condition, which only S3 evaluates."""
    principal = statement.get("Principal")
    anyone = principal == "*" or (isinstance(principal, dict) and "*" in documents.several(principal.get("AWS")))
    return statement["Effect"] == "Allow" and anyone and not statement.get("Condition")


def _blocks_public_policies(bucket: str) -> bool:
    """Return whether a bucket blocks public policies, as is the default (S3 user guide, "Blocking public access")."""
    stated = s3.buckets[bucket].get("_public_access_block") if bucket in s3.buckets else ""
    return stated is None or "<BlockPublicPolicy>true" in str(stated)


def _check_queue_policy(properties: Properties) -> None:
    document = documents.parsed(properties.get("PolicyDocument"))
    for url in properties.get("Queues") or ():
        if url not in sqs.queues:
            raise RefusedError("AWS.SimpleQueueService.NonExistentQueue: The specified queue does not exist.")
    for statement in documents.statements(document):
        actions = documents.several(statement.get("Action"))
        if len(actions) > _MOST_SQS_ACTIONS:
            raise RefusedError(f"OverLimit: {len(actions)} Actions were found, maximum allowed is {_MOST_SQS_ACTIONS}.")
    if any(_service_faults(document, "sqs")):
        raise RefusedError("InvalidAttributeValue: Invalid value for the parameter Policy.")


def _check_topic_policy(properties: Properties) -> None:
    document = documents.parsed(properties.get("PolicyDocument"))
    for arn in properties.get("Topics") or ():
        if arn not in sns.topics:
            raise RefusedError("NotFound: Topic does not exist")
    documents.refuse(_service_faults(document, "sns"), "InvalidParameter")


def _service_faults(document: Mapping[str, Any], service: str) -> Iterator[str]:
    """Yield the errors that a service finds in the policy of a resource, with SNS's messages."""
    if any(documents.syntax_faults(document)):
        yield "Invalid parameter: Policy Error: null"
    for statement in documents.statements(document):
        if not _PRINCIPALS & set(statement):
            yield "Invalid parameter: Policy Error: null"
        if any(principals.invalid(statement.get("Principal", "*"))):
            yield "Invalid parameter: Policy Error: PrincipalNotFound"
        actions = documents.several(statement.get("Action"))
        if any(each != "*" and str(each).lower().partition(":")[0] != service for each in actions):
            yield "Invalid parameter: Policy statement action out of service scope!"


def check_key_policy(document: Any, *, bypass: bool) -> None:
    """Refuse a key policy that KMS does not accept.

    Args:
        document: The policy.
        bypass: Whether to skip the check that somebody can still change the policy.

    Raises:
        RefusedError: KMS does not accept the policy; the message is KMS's.
    """
    policy = documents.parsed(document)
    code = "MalformedPolicyDocumentException"
    documents.refuse(documents.syntax_faults(policy), code)
    stated = documents.statements(policy)
    if any(fault for each in stated for fault in principals.invalid(each.get("Principal", "*"))):
        raise RefusedError(f"{code}: Policy contains a statement with one or more invalid principals.")
    if not bypass and not any(map(_lets_change, stated)):
        raise RefusedError(f"{code}: The new key policy will not allow you to update the key policy in the future.")


def _lets_change(statement: documents.Statement) -> bool:
    actions = [str(each).lower() for each in documents.several(statement.get("Action"))]
    principal = statement.get("Principal")
    named = documents.several(principal.get("AWS") if isinstance(principal, dict) else principal)
    return (
        statement["Effect"] == "Allow"
        and ("NotAction" in statement or any(fnmatch.fnmatchcase("kms:putkeypolicy", each) for each in actions))
        and any(not _is_of_a_stack(str(each)) for each in named)
    )


def _is_of_a_stack(arn: str) -> bool:
    """Return whether a principal is a role that a stack defines, except the CDK bootstrap role that deploys stacks."""
    name = arn.rsplit("/", maxsplit=1)[-1]
    return ":role/" in arn and any(
        each.get("ResourceType") == "AWS::IAM::Role" and each.get("PhysicalResourceId") == name
        for stack in cloudformation.stacks.values()
        for each in stack.get("_resources", {}).values()
        if "cfn-exec-role" not in name
    )


def install() -> None:
    """Check the policies of buckets, queues and topics as the services do."""
    guard("AWS::S3::BucketPolicy", _check_bucket_policy)
    guard("AWS::SQS::QueuePolicy", _check_queue_policy)
    guard("AWS::SNS::TopicPolicy", _check_topic_policy)
