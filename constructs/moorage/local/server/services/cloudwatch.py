"""Amazon CloudWatch: alarms, including those on metric math, composite alarms and dashboards.

Metric math is kept and shown, but not evaluated: alarms on metric math change their state only by `SetAlarmState`. An
action fails if its topic or the topic's key does not let CloudWatch use it; the alarm's history has the reason.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

from moorage.local.server.core import policies
from moorage.local.server.core.adapter import cloudwatch, provisioners, sns
from moorage.local.server.core.calls import RefusedError, perform, request
from moorage.local.server.core.resource import Made, Properties, Resource, shortened

_SERVICE = "cloudwatch.amazonaws.com"
_LONGEST = 255
_ACTIONS = {"ALARM": "AlarmActions", "INSUFFICIENT_DATA": "InsufficientDataActions", "OK": "OKActions"}
_ACTION = re.compile(r"arn:aws[a-z-]*:(aiops|automate|autoscaling|lambda|sns|ssm|ssm-incidents|swf):")
"""The services whose resources an alarm's actions can name (CloudWatch API reference, PutMetricAlarm, AlarmActions)."""
_MOST_ACTIONS = 5
_DAY, _WEEK, _HOUR = 86400, 7 * 86400, 3600
_STRING, _IDENTIFIER = re.compile(r"'[^']*'|\"[^\"]*\""), re.compile(r"(?<![\w.])[a-z]\w*(?!\w|\s*\()")
_SHOWN = {"ActionsEnabled": True, "AlarmActions": [], "Dimensions": [], "InsufficientDataActions": [], "OKActions": []}
_STATE = ("StateReason", "StateUpdatedTimestamp", "StateValue")


class Alarm(Resource):
    """An alarm on a metric or on metric math; an update does not change its state."""

    type = "AWS::CloudWatch::Alarm"

    def create(self, properties: Properties, name: str) -> Made:
        alarm = str(properties.get("AlarmName") or shortened(name, _LONGEST))
        if alarm in cloudwatch.alarms:
            raise RefusedError(f"{alarm} already exists (AlreadyExists)")
        return self._put(alarm, properties)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        return self._put(physical_id, new)

    def delete(self, physical_id: str, properties: Properties) -> None:
        provisioners.cw_metric_alarm_delete(physical_id, properties)

    def _put(self, name: str, properties: Properties) -> Made:
        now = int(time.time())
        stated = request("cloudwatch", "PutMetricAlarm", {**properties, "AlarmName": name})
        tags = stated.pop("Tags", [])
        _check(stated)
        known = cloudwatch.alarms.get(name)
        unchecked = {
            "StateReason": "Unchecked: Initial alarm creation", "StateUpdatedTimestamp": now,
            "StateValue": "INSUFFICIENT_DATA",
        }  # fmt: skip
        record = {
            **_SHOWN,
            **stated,
            **({key: known[key] for key in _STATE} if known else unchecked),
            "AlarmArn": _arn(name),
            "AlarmConfigurationUpdatedTimestamp": now,
        }
        cloudwatch.cloudformation_put_metric_alarm(record)
        cloudwatch.cloudformation_set_metric_alarm_tags(name, tags)
        return Made(name, {"Arn": record["AlarmArn"]})


def _check(alarm: Properties) -> None:
    # cdk-preflight 1.9.1, rule pf-cloudwatch-metric-query-returndata: an alarm on a band returns the metric too
    returning, words = (2, "two elements") if "ThresholdMetricId" in alarm else (1, "one element")
    if "Metrics" in alarm and [each.get("ReturnData", True) for each in alarm["Metrics"]].count(True) != returning:
        raise RefusedError(f"ValidationError: Exactly {words} of the metrics list should return data.")
    if alarm.get("DatapointsToAlarm", 1) > alarm.get("EvaluationPeriods", 1):
        # cdk-preflight 1.9.1, rule pf-cloudwatch-datapoints-evaluation
        raise RefusedError("ValidationError: DatapointsToAlarm must be less than or equal to EvaluationPeriods")
    if not {"EvaluationCriteria", "Threshold", "ThresholdMetricId"} & set(alarm):
        # cdk-preflight 1.9.1, rule pf-cloudwatch-alarm-threshold
        raise RefusedError("ValidationError: PutMetricAlarm request should have valid Threshold parameter")
    if "Statistic" in alarm and "ExtendedStatistic" in alarm:
        raise RefusedError("ValidationError: an alarm on a metric has a Statistic or an ExtendedStatistic, not both")
    period = alarm.get("Period", 0)
    if period * alarm.get("EvaluationPeriods", 1) > (_WEEK if period >= _HOUR else _DAY):
        raise RefusedError(
            "ValidationError: Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= "
            f"{_DAY}), or a week for periods of an hour and more"
        )
    known = {each["Id"] for each in alarm.get("Metrics", ())}
    for each in alarm.get("Metrics", ()):
        expression = _STRING.sub("", each.get("Expression", ""))
        unknown = (
            []
            if expression.upper().startswith("SELECT")
            else set(_IDENTIFIER.findall(expression)) - known - {"and", "or"}
        )
        for name in sorted(unknown):
            raise RefusedError(f"ValidationError: Invalid metrics list: {name} in {each['Expression']} is undefined")
    _check_actions(alarm)


def _check_actions(alarm: Properties) -> None:
    """Refuse too many actions for a state, invalid ARNs, and actions in another region (PutMetricAlarm)."""
    for name in ("AlarmActions", "InsufficientDataActions", "OKActions"):
        if len(alarm.get(name) or ()) > _MOST_ACTIONS:
            raise RefusedError(
                f"ValidationError: {name} must have length less than or equal to {_MOST_ACTIONS} (got "
                f"{len(alarm[name])})"
            )
    here = cloudwatch.get_region()
    regions = {arn.split(":")[3] for name in _ACTIONS.values() for arn in alarm.get(name, ()) if arn.startswith("arn:")}
    for arn in (each for name in _ACTIONS.values() for each in alarm.get(name, ())):
        if not _ACTION.match(arn):
            raise RefusedError(f"ValidationError: Invalid arn syntax: {arn}")
    for region in sorted(regions - {here, ""}):
        raise RefusedError(f"ValidationError: Invalid region {region} specified. Only {here} is supported.")


def _arn(name: str) -> str:
    return f"arn:aws:cloudwatch:{cloudwatch.get_region()}:{cloudwatch.get_account_id()}:alarm:{name}"


class CompositeAlarm(Resource):
    """A composite alarm."""

    type = "AWS::CloudWatch::CompositeAlarm"

    def create(self, properties: Properties, name: str) -> Made:
        return self._put(str(properties.get("AlarmName") or shortened(name, _LONGEST)), properties)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        return self._put(physical_id, new)

    def delete(self, physical_id: str, properties: Properties) -> None:
        if physical_id in cloudwatch.composite_alarms:
            perform(
                lambda data: cloudwatch.delete_alarms({}, data, is_cbor=False, is_json=True),
                {"AlarmNames": [physical_id]},
            )

    def _put(self, name: str, properties: Properties) -> Made:
        stated = request("cloudwatch", "PutCompositeAlarm", {**properties, "AlarmName": name})
        tags = stated.pop("Tags", [])
        perform(lambda data: cloudwatch.put_composite_alarm({}, data, is_cbor=False, is_json=True), stated)
        cloudwatch.composite_alarms[name] |= stated
        cloudwatch.cloudformation_set_metric_alarm_tags(name, tags)
        return Made(name, {"Arn": _arn(name)})


class Dashboard(Resource):
    """A dashboard, with its tags."""

    type = "AWS::CloudWatch::Dashboard"

    def create(self, properties: Properties, name: str) -> Made:
        return self._put(str(properties.get("DashboardName") or shortened(name, _LONGEST)), {}, properties)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        return self._put(physical_id, old, new)

    def delete(self, physical_id: str, properties: Properties) -> None:
        cloudwatch.cloudformation_delete_dashboard(physical_id)

    def _put(self, name: str, old: Properties, new: Properties) -> Made:
        body = new["DashboardBody"]
        try:
            json.loads(body)
        except ValueError as error:
            raise RefusedError(f"InvalidParameterInput: The body of the dashboard is not JSON: {error}") from error
        arn = cloudwatch.cloudformation_put_dashboard(name, body)
        provisioners.reconcile_tag_map(cloudwatch.resource_tags.setdefault(arn, {}), old, new)
        return Made(name)


def _asking(dispatch: Callable[..., None]) -> Callable[..., None]:
    """Omit actions whose SNS topics CloudWatch cannot publish to, and record SNS actions in the alarm's history."""

    def dispatched(alarm: dict[str, Any], old_state: str, new_state: str, reason: str) -> None:
        field = _ACTIONS.get(new_state, "")
        faults = {arn: _fault(arn, alarm["AlarmArn"]) for arn in alarm.get(field) or () if ":sns:" in arn}
        for arn, fault in faults.items() if alarm.get("ActionsEnabled", True) else ():
            _note(alarm, arn, fault)
        taken = [arn for arn in alarm.get(field) or () if not faults.get(arn)]
        dispatch({**alarm, field: taken}, old_state, new_state, reason)

    return dispatched


def _fault(topic_arn: str, alarm_arn: str) -> str | None:
    """Return the reason why CloudWatch cannot publish to a topic; None if CloudWatch can publish.

    The messages are those of an alarm's history (AWS re:Post, "Why didn't I receive an SNS notification for my
    CloudWatch alarm trigger?").
    """
    topic = sns.topics.get(topic_arn)
    if topic is None:
        return f"Topic does not exist: {topic_arn}"
    attributes, owner = topic["attributes"], {"aws:sourceowner": cloudwatch.get_account_id()}
    if not policies.allows(attributes.get("Policy"), _SERVICE, "sns:Publish", topic_arn, alarm_arn, **owner):
        return f"Resource: {alarm_arn} is not authorized to perform: SNS:Publish on resource: {topic_arn}"
    use = ("kms:GenerateDataKey", "kms:Decrypt")
    fault = policies.unusable_key(attributes.get("KmsMasterKeyId"), _SERVICE, alarm_arn, *use)
    reason = "CloudWatch Alarms does not have authorization to access the SNS topic encryption key."
    return f"{reason} ({fault})" if fault else None


def _note(alarm: dict[str, Any], action: str, fault: str | None) -> None:
    """Write the result of an action into the alarm's history."""
    done = f"Failed to execute action {action}. Received error: {fault}" if fault else None
    data = {"actionState": "Failed" if fault else "Succeeded", "notificationResource": action, "error": fault}
    cloudwatch.history_entries().append(
        {
            "AlarmName": alarm["AlarmName"],
            "AlarmType": "CompositeAlarm" if "AlarmRule" in alarm else "MetricAlarm",
            "Timestamp": cloudwatch.ts_iso(time.time()),
            "HistoryItemType": "Action",
            "HistorySummary": done or f"Successfully executed action {action}",
            "HistoryData": json.dumps({name: value for name, value in data.items() if value}),
        }
    )


def install() -> None:
    """Make alarms check that CloudWatch can publish to their SNS topics."""
    cloudwatch.dispatch_alarm_actions = _asking(cloudwatch.dispatch_alarm_actions)
