"""Amazon EventBridge: rules, and the delivery of their events.

An event goes to the dead-letter queue of its target at once if the target does not exist, or if the target's policy or
key does not let EventBridge use it. AWS does not retry after such errors either.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from ministack.core.arn import ArnParseError, parse_arn
from ministack.core.responses import get_account_id, get_region, new_uuid

from moorage.local.server.core import policies
from moorage.local.server.core.adapter import cloudwatch_logs as logs
from moorage.local.server.core.adapter import eventbridge, lambda_svc, provisioners, sns, sqs
from moorage.local.server.core.calls import RefusedError, check, perform, request
from moorage.local.server.core.resource import Made, Properties, Resource, shortened
from moorage.local.server.services import event_checks
from moorage.local.server.services.guards import guard

Record = dict[str, Any]

_SERVICE = "events.amazonaws.com"
_RENAMED = {"TagList": "Tags"}
_LONGEST = 64
_NOT_FOUND = "RESOURCE_NOT_FOUND"
_NO_PERMISSIONS = "NO_PERMISSIONS"


class Rule(Resource):
    """An EventBridge rule and its targets; an existing name is refused.

    The physical ID includes the event bus unless it is the default event bus.
    """

    type = "AWS::Events::Rule"

    def create(self, properties: Properties, name: str) -> Made:
        rule = str(properties.get("Name") or shortened(name, _LONGEST))
        if eventbridge.rule_key(rule, self._bus(properties)) in eventbridge.rules:
            raise RefusedError(
                f"Resource of type '{self.type}' with identifier '{rule}' already exists (AlreadyExists)"
            )
        try:
            return self._put(rule, {}, properties)
        except RefusedError:
            self._remove(rule, self._bus(properties))
            raise

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        rule = physical_id.rpartition("|")[2]
        if self._bus(old) != self._bus(new):
            self._remove(rule, self._bus(old))
            return self._put(rule, {}, new)
        return self._put(rule, old, new)

    def delete(self, physical_id: str, properties: Properties) -> None:
        self._remove(physical_id.rpartition("|")[2], self._bus(properties))

    def _put(self, rule: str, old: Properties, new: Properties) -> Made:
        eventbridge.ensure_default_bus()
        bus = self._bus(new)
        kept = ("Description", "EventPattern", "RoleArn", "ScheduleExpression", "State")
        stated = {"Description": "", "State": "ENABLED", **{key: new[key] for key in kept if key in new}}
        wanted = request("events", "PutRule", {"Name": rule, "EventBusName": bus, **stated})
        if not {"EventPattern", "ScheduleExpression"} & stated.keys():
            raise RefusedError("ValidationException: A rule requires an EventPattern or a ScheduleExpression")
        check("events", "PutRule", wanted)
        event_checks.check_schedule(stated.get("ScheduleExpression"), bus)
        arn = perform(eventbridge.put_rule, wanted)["RuleArn"]
        event_checks.check_role(arn, stated.get("RoleArn"))
        provisioners.eb_rule_apply_tags(arn, old.get("Tags") or [], new.get("Tags") or [])
        self._put_targets({"Rule": rule, "EventBusName": bus}, old, new)
        return Made(rule if bus == "default" else f"{bus}|{rule}", {"Arn": arn, "RuleName": rule})

    def _put_targets(self, rule: Properties, old: Properties, new: Properties) -> None:
        targets = new.get("Targets") or []
        gone = {each["Id"] for each in old.get("Targets") or []} - {each["Id"] for each in targets}
        if gone:
            perform(eventbridge.remove_targets, {**rule, "Ids": sorted(gone)})
        if targets:
            wanted = request("events", "PutTargets", {**rule, "Targets": targets}, renamed=_RENAMED)
            check("events", "PutTargets", wanted)
            event_checks.check_targets(wanted["Targets"])
            perform(eventbridge.put_targets, wanted)

    def _bus(self, properties: Properties) -> str:
        name, error = eventbridge.event_bus_name_from_ref(properties.get("EventBusName") or "default")
        if error:
            raise RefusedError(": ".join(error))
        return str(name)

    def _remove(self, rule: str, bus: str) -> None:
        provisioners.eb_rule_delete(rule, {"EventBusName": bus})


def _check_unused(bus: str, _properties: Properties) -> None:
    """Refuse to delete an event bus that has rules (DeleteEventBus)."""
    left = [rule["Name"] for rule in eventbridge.rules.values() if rule.get("EventBusName") == bus]
    if left:
        raise RefusedError(f"ValidationException: Event bus {bus} cannot be deleted while it has rules: {left[0]}")


def install() -> None:
    """Make rules deliver events as EventBridge does, and refuse to delete an event bus that has rules."""
    guard("AWS::Events::EventBus", deletion=_check_unused)
    invoke: Callable[..., None] = eventbridge.invoke_target

    def invoked(target: Record, event: Record, rule: Record, view: Any = None) -> None:
        if ":rule/" not in rule.get("Arn", ""):  # a schedule uses a role instead of the policies of its targets
            invoke(target, event, rule, view)
            return
        seen = view or eventbridge.pattern_event_view(event)
        try:
            service = _open_to(target, rule["Arn"])
            if service == "logs":
                _write(target, rule, seen)
            else:
                invoke(target, event, rule, seen)
        except RefusedError as error:
            put_aside(target, json.dumps(seen.event_with_detail()), rule["Arn"], error)

    eventbridge.invoke_target = invoked


def _open_to(target: Record, rule_arn: str) -> str:
    """Check that a target allows a rule to deliver events, and return the service of the target.

    Args:
        target: The target, as a parameter of `PutTargets`.
        rule_arn: The ARN of the rule.

    Raises:
        RefusedError: The target does not exist, or does not allow the rule to deliver events.
    """
    try:
        spec = parse_arn(target["Arn"])
    except ArnParseError as error:
        raise RefusedError(f"{_NOT_FOUND}: {target['Arn']} is not an ARN") from error
    here = (get_account_id(), get_region()) == (spec.account_id, spec.region)
    asked = _ASKED.get(spec.service)
    if asked is not None and not here:
        raise RefusedError(f"{_NO_PERMISSIONS}: {target['Arn']} is in another account or region")
    if asked is not None and "RoleArn" not in target:
        asked(target["Arn"], rule_arn)
    return str(spec.service)


def _ask_queue(arn: str, rule_arn: str) -> None:
    _ask_encrypted(sqs.queue_by_arn(arn), "sqs:SendMessage", arn, rule_arn)


def _ask_topic(arn: str, _rule_arn: str) -> None:
    """Check a topic's policy without the rule and its account, which EventBridge does not send to Amazon SNS.

    Conditions on the rule or the account are never met (Amazon EventBridge user guide, "Using resource-based policies",
    note on Amazon SNS).
    """
    _ask_encrypted(sns.topics.get(arn), "sns:Publish", arn, None)


def _ask_encrypted(found: Record | None, action: str, arn: str, rule_arn: str | None) -> None:
    """Check the policy of a queue or a topic, and that of the key that encrypts it."""
    if found is None:
        raise RefusedError(f"{_NOT_FOUND}: {arn} does not exist")
    attributes = found["attributes"]
    _ask(attributes.get("Policy"), action, arn, rule_arn)
    use = ("kms:GenerateDataKey", "kms:Decrypt")
    fault = policies.unusable_key(attributes.get("KmsMasterKeyId"), _SERVICE, rule_arn, *use)
    if fault:
        raise RefusedError(f"{_NO_PERMISSIONS}: {fault}")


def _ask_function(arn: str, rule_arn: str) -> None:
    function, _, _ = lambda_svc.get_func_record_for_ref(arn)
    if not function:
        raise RefusedError(f"{_NOT_FOUND}: the function {arn} does not exist")
    _ask(function["policy"], "lambda:InvokeFunction", arn, rule_arn)


def _ask_group(arn: str, rule_arn: str) -> None:
    group = _group_name(arn)
    if group not in logs.log_groups:
        raise RefusedError(f"{_NOT_FOUND}: the log group {group} does not exist")
    wanted = f"{arn.removesuffix(':*')}:*"
    for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
        documents = [each["policyDocument"] for each in logs.resource_policies.values()]
        if not any(policies.allows(each, _SERVICE, action, wanted, rule_arn) for each in documents):
            raise RefusedError(
                f"{_NO_PERMISSIONS}: no resource policy allows {_SERVICE} to perform {action} in {group}"
            )


_ASKED: dict[str, Callable[[str, str], None]] = {
    "lambda": _ask_function,
    "logs": _ask_group,
    "sns": _ask_topic,
    "sqs": _ask_queue,
}


def _ask(policy: Any, action: str, arn: str, rule_arn: str | None) -> None:
    if not policies.allows(policy, _SERVICE, action, arn, rule_arn):
        raise RefusedError(f"{_NO_PERMISSIONS}: the policy of {arn} does not allow {_SERVICE} to perform {action}")


def _group_name(arn: str) -> str:
    return arn.partition(":log-group:")[2].removesuffix(":*")


def _write(target: Record, rule: Record, view: Any) -> None:
    """Write an event into a new log stream of a log group, as EventBridge does."""
    group, stream, event = _group_name(target["Arn"]), new_uuid(), view.event_with_detail()
    entry = {"message": json.dumps(event)}
    if "InputTransformer" in target:
        entry |= json.loads(eventbridge.apply_input_transformer(target["InputTransformer"], rule, view))
    stated = str(entry.get("timestamp", ""))
    moment = int(stated) if stated.isdigit() else int(time.time() * 1000)
    perform(logs.create_log_stream, {"logGroupName": group, "logStreamName": stream})
    perform(
        logs.put_log_events,
        {"logGroupName": group, "logStreamName": stream, "logEvents": [{**entry, "timestamp": moment}]},
    )


def put_aside(target: Record, text: str, rule_arn: str, error: RefusedError) -> None:
    """Send an undeliverable event to its target's dead-letter queue, if the queue's policy and key allow it.

    Args:
        target: The target, with its `DeadLetterConfig`.
        text: The event.
        rule_arn: The rule's ARN.
        error: The error, which begins with a code.
    """
    queue_arn = target.get("DeadLetterConfig", {}).get("Arn")
    if not queue_arn:
        return
    try:
        _ask_queue(queue_arn, rule_arn)
    except RefusedError:
        return
    code, _, message = str(error).partition(": ")
    said = {
        "ERROR_CODE": code, "ERROR_MESSAGE": message, "RETRY_ATTEMPTS": "0", "RULE_ARN": rule_arn,
        "TARGET_ARN": target["Arn"],
    }  # fmt: skip
    attributes = {
        name: {"DataType": "Number" if name == "RETRY_ATTEMPTS" else "String", "StringValue": value}
        for name, value in said.items()
    }
    sqs.act_send_message({"MessageBody": text, "MessageAttributes": attributes}, sqs.queue_by_arn(queue_arn)["url"])
