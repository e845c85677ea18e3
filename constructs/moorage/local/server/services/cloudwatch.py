"""Amazon CloudWatch: alarms, of metric math too, composite alarms and dashboards.

Metric math is kept and shown, not worked out: an alarm of it changes its state when `SetAlarmState` says so.
"""

from __future__ import annotations

import json
import time

from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

from moorage.local.server.core.calls import RefusedError, perform, request
from moorage.local.server.core.resource import Made, Properties, Resource, shortened

_LONGEST = 255
_SHOWN = {"ActionsEnabled": True, "AlarmActions": [], "Dimensions": [], "InsufficientDataActions": [], "OKActions": []}
_STATE = ("StateReason", "StateUpdatedTimestamp", "StateValue")


class Alarm(Resource):
    """An alarm of one metric or of an expression of several; it keeps its state when it changes."""

    type = "AWS::CloudWatch::Alarm"

    def create(self, properties: Properties, name: str) -> Made:
        alarm = str(properties.get("AlarmName") or shortened(name, _LONGEST))
        if alarm in cloudwatch._alarms:
            raise RefusedError(f"{alarm} already exists (AlreadyExists)")
        return self._put(alarm, properties)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        return self._put(physical_id, new)

    def delete(self, physical_id: str, properties: Properties) -> None:
        provisioners._cw_metric_alarm_delete(physical_id, properties)

    def _put(self, name: str, properties: Properties) -> Made:
        now = int(time.time())
        stated = request("cloudwatch", "PutMetricAlarm", {**properties, "AlarmName": name})
        tags = stated.pop("Tags", [])
        _check(stated)
        known = cloudwatch._alarms.get(name)
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
    for name in ("ComparisonOperator", "EvaluationPeriods"):
        if name not in alarm:
            raise RefusedError(f"ValidationError: an alarm needs {name}")
    if ("Metrics" in alarm) == ("MetricName" in alarm):
        raise RefusedError("ValidationError: an alarm has either MetricName or Metrics")
    if "Metrics" in alarm and [each.get("ReturnData", True) for each in alarm["Metrics"]].count(True) != 1:
        raise RefusedError("ValidationError: exactly one element of the metrics list should return data")
    if alarm.get("DatapointsToAlarm", 1) > alarm["EvaluationPeriods"]:
        raise RefusedError("ValidationError: DatapointsToAlarm is more than EvaluationPeriods")
    if "Threshold" not in alarm and "ThresholdMetricId" not in alarm:
        raise RefusedError("ValidationError: an alarm has a Threshold or a ThresholdMetricId")


def _arn(name: str) -> str:
    return f"arn:aws:cloudwatch:{cloudwatch.get_region()}:{cloudwatch.get_account_id()}:alarm:{name}"


class CompositeAlarm(Resource):
    """An alarm of other alarms."""

    type = "AWS::CloudWatch::CompositeAlarm"

    def create(self, properties: Properties, name: str) -> Made:
        return self._put(str(properties.get("AlarmName") or shortened(name, _LONGEST)), properties)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        return self._put(physical_id, new)

    def delete(self, physical_id: str, properties: Properties) -> None:
        if physical_id in cloudwatch._composite_alarms:
            perform(
                lambda data: cloudwatch._delete_alarms({}, data, is_cbor=False, is_json=True),
                {"AlarmNames": [physical_id]},
            )

    def _put(self, name: str, properties: Properties) -> Made:
        stated = request("cloudwatch", "PutCompositeAlarm", {**properties, "AlarmName": name})
        tags = stated.pop("Tags", [])
        perform(lambda data: cloudwatch._put_composite_alarm({}, data, is_cbor=False, is_json=True), stated)
        cloudwatch._composite_alarms[name] |= stated
        cloudwatch.cloudformation_set_metric_alarm_tags(name, tags)
        return Made(name, {"Arn": _arn(name)})


class Dashboard(Resource):
    """A dashboard and its tags."""

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
            raise RefusedError(f"InvalidParameterInput: the dashboard's body is not JSON: {error}") from error
        arn = cloudwatch.cloudformation_put_dashboard(name, body)
        provisioners._reconcile_tag_map(cloudwatch._resource_tags.setdefault(arn, {}), old, new)
        return Made(name)
