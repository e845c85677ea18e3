"""The components of monitoring, logs and audit."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from moorage.assembly.values import at
from moorage.cost.amounts import ONE, Range
from moorage.cost.parts import Part, free, monthly, used
from moorage.cost.resources import Item, list_of, number_of, tables, text_of
from moorage.cost.usage import Use

_HIGH_RESOLUTION_SECONDS = 60
"""The period below which an alarm is a high-resolution alarm (Amazon CloudWatch pricing, "Alarms")."""
_ANOMALY_METRICS = 3
"""The metrics that an alarm on an anomaly detection band evaluates: the metric and both bounds."""


def alarm(item: Item, _use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::CloudWatch::Alarm`. AWS bills each metric that an alarm evaluates."""
    queries = list(tables(item.list("Metrics")))
    found = [each["MetricStat"] for each in queries if isinstance(each.get("MetricStat"), dict)]
    insights = sum("SELECT" in str(each.get("Expression", "")).upper() for each in queries)
    metrics = len(found) + insights if queries else 1
    periods = [number_of(each.get("Period"), "Period", Decimal(_HIGH_RESOLUTION_SECONDS)) for each in found]
    periods.append(item.number("Period", default=Decimal(_HIGH_RESOLUTION_SECONDS)))
    is_high = min(periods) < _HIGH_RESOLUTION_SECONDS
    name, unit = (
        ("high resolution", "cloudwatch.high_resolution_alarm_month")
        if is_high
        else (
            "standard resolution",
            "cloudwatch.standard_alarm_month",
        )
    )
    assumptions = [f"AWS bills each of the {metrics} metrics of the expression"] if metrics > 1 else []
    if item.at("ThresholdMetricId") is not None:
        metrics *= _ANOMALY_METRICS
        assumptions = ["AWS bills an anomaly detection alarm as three metrics"]
    yield monthly(f"Alarm ({name})", unit, Range.of(metrics), *assumptions, "the first 10 of an account are free")


def scaling_policy(item: Item, _use: Use) -> Iterator[Part]:
    """Yield the components of scaling policies: the alarms that AWS creates for target tracking."""
    tracking = item.at("TargetTrackingScalingPolicyConfiguration") or item.at("TargetTrackingConfiguration")
    if not isinstance(tracking, dict):
        yield free("Scaling policy", "AWS bills the alarms that start it")
        return
    one_way = text_of(tracking.get("DisableScaleIn"), "DisableScaleIn", "false") == "true"
    queries = list_of(at(tracking, ("CustomizedMetricSpecification", "Metrics")), "Metrics")
    metrics = sum("MetricStat" in each for each in tables(queries)) or 1
    alarms = metrics * (1 if one_way else 2)
    reason = "AWS creates an alarm to scale out, and one to scale in"
    yield monthly("Alarms of target tracking", "cloudwatch.standard_alarm_month", Range.of(alarms), reason)


def composite_alarm(_item: Item, _use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::CloudWatch::CompositeAlarm`."""
    yield monthly("Composite alarm", "cloudwatch.composite_alarm_month")


def dashboard(_item: Item, _use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::CloudWatch::Dashboard`."""
    reason = "the first 3 dashboards of an account, with at most 50 metrics each, are free and not subtracted"
    yield monthly("Dashboard", "cloudwatch.dashboard_month", ONE, reason)


def log_group(item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::Logs::LogGroup`."""
    is_infrequent = item.text("LogGroupClass", default="STANDARD") == "INFREQUENT_ACCESS"
    if any(item.by("AWS::EC2::FlowLog", name) for name in ("LogGroupName", "LogDestination")):
        yield free("Log data", "billed as the data of the flow log")
    else:
        yield used("Log data", "logs.infrequent_ingested_gb" if is_infrequent else "logs.ingested_gb", use, "log_gb")
    yield used("Log storage", "logs.stored_gb_month", use, "log_storage_gb", "GB after compression")


def trail(item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::CloudTrail::Trail`."""
    region = item.all.all_stacks[item.place.stack].region
    trails = (each for each in item.all.of_type(item.type) if item.all.all_stacks[each.place.stack].region == region)
    if next(trails) is item:
        yield free("Management events", "the first copy of the management events of a region is free")
    else:
        said = "the first trail of the app in a region is free"
        yield used("Management events", "cloudtrail.management_event", use, "management_events", said)
    has_data = any("DataResources" in each for each in tables(item.list("EventSelectors")))
    advanced = tables(item.list("AdvancedEventSelectors"))
    if has_data or any("Management" not in repr(each.get("FieldSelectors")) for each in advanced):
        yield used("Data events", "cloudtrail.data_event", use, "data_events")
    if item.list("InsightSelectors"):
        yield used("Insights events", "cloudtrail.insights_event", use, "insights_events", "events that are analyzed")


def metric_filter(_item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::Logs::MetricFilter`: the custom metrics that it publishes."""
    said = "AWS bills each metric, and each set of values of its dimensions, in the hours with data"
    yield used("Metrics of the filter", "cloudwatch.metric_month", use, "filter_metrics", said)


def configuration_recorder(_item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::Config::ConfigurationRecorder`."""
    yield used("Configuration items", "config.item", use, "config_items")


def configuration_rule(_item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::Config::ConfigRule`."""
    yield used("Rule evaluations", "config.rule_evaluation", use, "config_evaluations")
