"""The components of queues, topics, functions, state machines, keys, secrets and web ACLs."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import attrs

from moorage.assembly.values import at
from moorage.cost.amounts import ONE, Range
from moorage.cost.parts import Kind, Part, free, hourly, monthly, unknown, used
from moorage.cost.resources import Item, architecture_of, tables
from moorage.cost.usage import Use
from moorage.prices.price import HOURS

_LIKE_SYMMETRIC = ("SYMMETRIC", "HMAC", "RSA_2048")
"""The key specs whose requests have the price of symmetric keys (AWS KMS pricing)."""
_BILLED_GROUPS = ("AWSManagedRulesACFP", "AWSManagedRulesATP", "AWSManagedRulesAntiDDoS", "AWSManagedRulesBotControl")
"""The beginnings of AWS's managed rule groups with a fee of their own (AWS WAF pricing)."""
_MIB_OF_A_GB = 1024
_FREE_FUNCTION_MIB = 512
"""The MiB of ephemeral storage of a function that AWS does not bill (AWS Lambda pricing)."""


def queue(item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::SQS::Queue`."""
    is_fifo = item.is_true("FifoQueue")
    said = "the first million requests of an account are free"
    yield used("Queue requests", "sqs.fifo_request" if is_fifo else "sqs.request", use, "queue_requests", said)


def topic(item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::SNS::Topic`."""
    is_fifo = item.is_true("FifoTopic")
    said = "deliveries are left out: those to queues and functions are free"
    yield used("Topic requests", "sns.fifo_request" if is_fifo else "sns.request", use, "topic_requests", said)


def event_bus(_item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::Events::EventBus`."""
    yield used("Custom events", "events.event", use, "events")


def delivery_stream(_item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::KinesisFirehose::DeliveryStream`."""
    yield used("Firehose data", "firehose.gb", use, "firehose_gb", "each record is rounded up to 5 KB")


def function(item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::Lambda::Function`."""
    architecture = architecture_of(next((str(each) for each in item.list("Architectures")), "x86_64"))
    memory = item.number("MemorySize", default=Decimal(128)) / _MIB_OF_A_GB
    requests, seconds = use.get("lambda_requests"), use.get("lambda_seconds")
    yield used("Function requests", "lambda.request", use, "lambda_requests", "the free tier is not subtracted")
    known = requests is not None and seconds is not None
    quantity = Range.of((requests or 0) * (seconds or 0) * memory) if known else None
    said = "depends on use; lambda_requests and lambda_seconds in a usage file state it"
    duration = Part(
        component="Function duration",
        kind=Kind.USE,
        item="lambda.gb_second",
        quantity=quantity,
        assumptions=("lambda_requests and lambda_seconds of the usage file" if known else said,),
        architecture=architecture,
    )
    yield duration
    storage = item.number("EphemeralStorage", "Size", default=Decimal(_FREE_FUNCTION_MIB)) - _FREE_FUNCTION_MIB
    if storage > 0:
        amount = (requests or 0) * (seconds or 0) * storage / _MIB_OF_A_GB
        yield attrs.evolve(
            duration,
            component="Function storage",
            item="lambda.storage_gb_second",
            quantity=Range.of(amount) if known else None,
        )


def function_version(item: Item, _use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::Lambda::Version` and `AWS::Lambda::Alias`: provisioned concurrency."""
    count = item.number("ProvisionedConcurrencyConfig", "ProvisionedConcurrentExecutions", default=Decimal(0))
    if not count:
        yield free("Version", "AWS bills the function")
        return
    found = item.target("FunctionName")
    memory = (found.number("MemorySize", default=Decimal(128)) if found else Decimal(128)) / _MIB_OF_A_GB
    yield monthly("Provisioned concurrency", "lambda.provisioned_gb_second", Range.of(count * memory * HOURS * 3600))


def key(item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::KMS::Key`."""
    rotates = item.is_true("EnableKeyRotation")
    said = ["each of the first two rotations adds one key's price a month"] if rotates else []
    yield monthly("KMS key", "kms.key_month", ONE, *said)
    spec = item.text("KeySpec", default="SYMMETRIC_DEFAULT")
    if spec.startswith(_LIKE_SYMMETRIC):
        yield used("KMS requests", "kms.request", use, "key_requests", "the first 20,000 of an account are free")
    else:
        yield used("KMS requests (asymmetric)", "kms.asymmetric_request", use, "key_requests")


def replica_key(_item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::KMS::ReplicaKey`."""
    yield monthly("KMS replica key", "kms.key_month")
    yield used("KMS requests", "kms.request", use, "key_requests", "the first 20,000 of an account are free")


def secret(item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::SecretsManager::Secret`."""
    copies = 1 + len(item.list("ReplicaRegions"))
    said = ["each replica is billed as a secret"] if copies > 1 else []
    yield monthly("Secret", "secrets.secret_month", Range.of(copies), *said)
    yield used("Secret requests", "secrets.request", use, "secret_requests")


def parameter(item: Item, _use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::SSM::Parameter`."""
    if item.text("Tier", default="Standard") == "Advanced":
        yield monthly("Advanced parameter", "ssm.advanced_parameter_month")
    else:
        yield free("Parameter", "AWS does not bill standard parameters")


def web_acl(item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::WAFv2::WebACL`."""
    rules = list(tables(item.list("Rules")))
    yield monthly("Web ACL", "waf.acl_month")
    if rules:
        yield monthly(
            "Web ACL rules", "waf.rule_month", Range.of(len(rules)), "a managed rule group counts as one rule"
        )
    yield used("Web ACL requests", "waf.request", use, "waf_requests")
    for rule in rules:
        managed = at(rule, ("Statement", "ManagedRuleGroupStatement"))
        name = str(managed.get("Name")) if isinstance(managed, dict) else ""
        if isinstance(managed, dict) and (managed.get("VendorName") != "AWS" or name.startswith(_BILLED_GROUPS)):
            yield unknown(f"Managed rule group {name}", "it has a fee of its own, which the price book does not have")


def certificate(item: Item, _use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::CertificateManager::Certificate`."""
    if item.at("CertificateAuthorityArn") is not None:
        yield unknown("Private certificate", "AWS Private CA bills it, and the price book has no price of it")
    elif item.text("CertificateExport", default="DISABLED") == "ENABLED":
        yield monthly("Exportable certificate", "acm.exportable_certificate")
    else:
        yield free("Certificate", "AWS does not bill public certificates that cannot be exported")


def nested_stack(item: Item, _use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::CloudFormation::Stack`. The resources of a template in the assembly have rows."""
    if item.resource.logical_id in item.all.all_stacks[item.place.stack].nested:
        yield free("Nested stack", "AWS bills its resources, which are estimated")
    else:
        yield unknown("Resources of the nested stack", "its template is not in the assembly")


def kubernetes_cluster(_item: Item, _use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::EKS::Cluster`."""
    yield hourly("EKS cluster", "eks.hour", ONE, "standard support")
