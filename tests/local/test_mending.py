"""Only stacks that are unfinished or lack resources are deleted, and the stacks that import from them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from moorage.assembly.cloud_assembly import Stack
from moorage.local.mending import mend
from moorage.local.process import LocalError
from moorage.local.protection import take_away
from tests.local.local_aws import ACCOUNT, REGION, Client, access, attribute, ref, resource
from tests.local.server.test_functions import ANSWER, custom

QUEUE = resource("AWS::SQS::Queue")
BROKEN = resource("AWS::SQS::Queue", DelaySeconds=-1)
RETAINED = {**resource("AWS::Logs::LogGroup", LogGroupName="kept"), "DeletionPolicy": "Retain"}
Make = Callable[..., None]


@pytest.fixture
def make(client: Client, remove: Callable[[str], None]) -> Any:
    """Return a function that creates a stack, and delete the stack at the end."""
    made: list[str] = []

    def created(name: str, resources: dict[str, Any], **more: Any) -> None:
        body = json.dumps({"Resources": resources, **more})
        client("cloudformation").create_stack(StackName=name, TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
        made.append(name)

    yield created
    for name in reversed(made):
        remove(name)


def _stack(name: str) -> Stack:
    return Stack(name, f"path/{name}", ACCOUNT, REGION, {}, ())


def _standing(client: Client) -> set[str]:
    found = client("cloudformation").describe_stacks()["Stacks"]
    return {each["StackName"] for each in found if each["StackStatus"] != "DELETE_COMPLETE"}


def _mended(server: tuple[int, int], *names: str) -> list[str]:
    return list(mend(access(server[1]), [_stack(name) for name in names]))


def test_a_complete_stack_is_not_changed(client: Client, server: tuple[int, int], make: Make) -> None:
    make("Whole", {"Queue": QUEUE})
    assert _mended(server, "Whole", "Never") == []
    assert "Whole" in _standing(client)


def test_a_failed_stack_is_deleted_and_its_retained_resources_are_named(
    client: Client, server: tuple[int, int], make: Make
) -> None:
    make("Other", {"Queue": QUEUE})
    make("Failed", {"Broken": {**BROKEN, "DependsOn": "Kept"}, "Kept": RETAINED})
    said = _mended(server, "Other", "Failed")
    assert said == [
        "path/Failed was left in ROLLBACK_COMPLETE; deleting and redeploying only this stack.",
        "Left behind, as on AWS: Kept (AWS::Logs::LogGroup kept). Its DeletionPolicy retains it, or it cannot be "
        "deleted.",
    ]
    assert "Failed" not in _standing(client)
    assert "Other" in _standing(client)
    client("logs").delete_log_group(logGroupName="kept")


def test_stacks_that_import_from_a_broken_stack_are_deleted_first(
    client: Client, server: tuple[int, int], make: Make
) -> None:
    exported = {"Queue": {"Value": attribute("Queue", "QueueName"), "Export": {"Name": "queue"}}}
    make("Platform", {"Queue": QUEUE}, Outputs=exported)
    importing = resource("AWS::SSM::Parameter", Type="String", Value={"Fn::ImportValue": "queue"})
    make("Services", {"Parameter": importing})
    make("Bystander", {"Queue": QUEUE})
    sqs = client("sqs")
    (queue,) = [each for each in sqs.list_queues()["QueueUrls"] if "Platform" in each]
    sqs.delete_queue(QueueUrl=queue)
    assert _mended(server, "Platform", "Services", "Bystander") == [
        "path/Platform lacks Queue (AWS::SQS::Queue); deleting and redeploying only this stack.",
        "Services imports from Platform and is deleted first; up redeploys Services.",
    ]
    assert _standing(client) & {"Platform", "Services", "Bystander"} == {"Bystander"}


def test_an_operation_of_an_earlier_command_is_awaited(client: Client, server: tuple[int, int], make: Make) -> None:
    slow = f"{ANSWER}\nimport time\ndef handler(event, context): time.sleep(1); answer(event)"
    make("Slow", custom(slow, Timeout=20))
    said = _mended(server, "Slow")
    assert said in ([], ["Slow is still CREATE_IN_PROGRESS from an earlier command; waiting."])
    (stack,) = client("cloudformation").describe_stacks(StackName="Slow")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"


def test_resources_that_cannot_be_deleted_are_left_behind(client: Client, server: tuple[int, int], make: Make) -> None:
    refusing = f"{ANSWER}\ndef handler(event, context):\n    if event['RequestType'] == 'Delete': raise ValueError\n"
    make("Stuck", custom(f"{refusing}    answer(event)", Timeout=20))
    assert _mended(server, "Stuck")[1:] == []  # until its creation has ended
    client("cloudformation").delete_stack(StackName="Stuck")
    (stack,) = client("cloudformation").describe_stacks(StackName="Stuck")["Stacks"]
    assert stack["StackStatus"] == "DELETE_FAILED"
    first, *others = _mended(server, "Stuck")
    assert first == "path/Stuck was left in DELETE_FAILED; deleting and redeploying only this stack."
    assert "Left behind, as on AWS: Custom (Custom::Probe made)" in others[-1]
    assert "Stuck" not in _standing(client)


def test_protection_is_removed_before_the_deletion(client: Client, server: tuple[int, int], make: Make) -> None:
    key = [{"AttributeName": "id", "KeyType": "HASH"}]
    table = resource(
        "AWS::DynamoDB::Table",
        KeySchema=key,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        DeletionProtectionEnabled=True,
    )
    make("Protected", {"Table": table, "Zone": resource("AWS::Route53::HostedZone", Name="shop.example")}, Outputs={
        "Table": {"Value": ref("Table")}, "Zone": {"Value": ref("Zone")}
    })  # fmt: skip
    (stack,) = client("cloudformation").describe_stacks(StackName="Protected")["Stacks"]
    zone = next(each["OutputValue"] for each in stack["Outputs"] if each["OutputKey"] == "Zone")
    record = {"Name": "a.shop.example", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    changes = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    client("route53").change_resource_record_sets(HostedZoneId=zone, ChangeBatch=changes)
    said = take_away(access(server[1]), [_stack("Protected"), _stack("Never")])
    assert said == "Removed protection from 1 table; emptied 1 hosted zone, since the local AWS is disposable."
    assert take_away(access(server[1]), [_stack("Protected")]) is None


def test_a_stack_that_cannot_be_deleted_is_reported(
    server: tuple[int, int], make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("Failed", {"Broken": BROKEN})
    monkeypatch.setattr("moorage.local.mending._await_end", lambda *_: None)
    monkeypatch.setattr("moorage.local.mending._status", lambda *_: "DELETE_FAILED")
    with pytest.raises(LocalError, match="path/Failed cannot be deleted: .*; down --discard stops the local AWS"):
        _mended(server, "Failed")
