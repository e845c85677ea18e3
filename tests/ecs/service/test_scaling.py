"""The scaling of a service."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Match
from hypothesis import given
from hypothesis import strategies as st

from moorage import (
    Capacity,
    Cluster,
    Container,
    LoadBalancer,
    MetricTarget,
    PredictiveScaling,
    Rollout,
    Route,
    Scaling,
    ScheduledAction,
    Service,
    Task,
)
from moorage.testing import readable_template
from tests.conftest import imported_vpc, template
from tests.ecs.schedules import Hourly

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

WEB = Task(Container("public.ecr.aws/nginx/nginx:1.29", name="web", port=8080))
EIGHT = scheduler.ScheduleExpression.cron(hour="8", minute="0", time_zone=cdk.TimeZone.EUROPE_BERLIN)


@pytest.fixture
def cluster(stack: cdk.Stack, vpc: ec2.IVpc) -> Cluster:
    return Cluster(stack, "Cluster", vpc=vpc)


@pytest.fixture
def queue(stack: cdk.Stack) -> sqs.Queue:
    return sqs.Queue(stack, "Queue")


def service(scope: cdk.Stack, cluster: Cluster, scaling: Scaling, **arguments: Any) -> Service:
    return Service(scope, "Web", cluster=cluster, task=WEB, scaling=scaling, **arguments)


def policies(stack: cdk.Stack) -> dict[str, dict[str, Any]]:
    found = template(stack).find_resources("AWS::ApplicationAutoScaling::ScalingPolicy").values()
    return {str(each["Properties"]["PolicyName"]): dict(each["Properties"]) for each in found}


def queries(policy: dict[str, Any]) -> dict[str, Any]:
    configuration = policy["TargetTrackingScalingPolicyConfiguration"]
    return {each["Id"]: each for each in configuration["CustomizedMetricSpecification"]["Metrics"]}


@given(peak=st.integers(1, 500), zones=st.integers(2, 6))
def test_the_smallest_number_that_survives_the_loss_of_a_zone_is_correct(peak: int, zones: int) -> None:
    least = Scaling.surviving_zone_loss(peak=peak, zones=zones)
    assert Scaling(least).left_without_a_zone(zones) >= peak
    assert Scaling(least - 1).left_without_a_zone(zones) < peak


def test_a_deployment_does_not_reset_a_scaled_number_of_copies(stack: cdk.Stack, cluster: Cluster) -> None:
    service(stack, cluster, Scaling(2, schedules=[ScheduledAction("morning", EIGHT, minimum=4, maximum=8)]))
    template(stack).has_resource_properties("AWS::ECS::Service", {"DesiredCount": Match.absent()})


def test_a_schedule_changes_the_range_in_its_own_time_zone(stack: cdk.Stack, cluster: Cluster) -> None:
    service(stack, cluster, Scaling(2, schedules=[ScheduledAction("morning", EIGHT, minimum=4, maximum=8)]))
    template(stack).has_resource_properties(
        "AWS::ApplicationAutoScaling::ScalableTarget",
        {
            "MinCapacity": 2,
            "MaxCapacity": 2,
            "ScheduledActions": [
                {
                    "ScheduledActionName": "morning",
                    "Schedule": "cron(0 8 * * ? *)",
                    "Timezone": "Europe/Berlin",
                    "ScalableTargetAction": {"MinCapacity": 4, "MaxCapacity": 8},
                }
            ],
        },
    )


def test_utilization_is_tracked_every_20_seconds_on_request(stack: cdk.Stack, cluster: Cluster) -> None:
    service(stack, cluster, Scaling(1, 9, cpu_percent=60, memory_percent=70, high_resolution=True))
    metrics = [
        each["TargetTrackingScalingPolicyConfiguration"]["PredefinedMetricSpecification"]["PredefinedMetricType"]
        for each in policies(stack).values()
    ]
    assert sorted(metrics) == [
        "ECSServiceAverageCPUUtilizationHighResolution",
        "ECSServiceAverageMemoryUtilizationHighResolution",
    ]
    template(stack).has_resource_properties(
        "AWS::ECS::Service",
        {
            "Monitoring": {
                "MetricConfigurations": [
                    {"MetricNames": ["CPUUtilization", "MemoryUtilization"], "ResolutionSeconds": 20}
                ]
            }
        },
    )


def test_a_backlog_is_divided_by_the_running_tasks(stack: cdk.Stack, cluster: Cluster, queue: sqs.Queue) -> None:
    service(stack, cluster, Scaling(0, 9, backlog_per_task=100, queue=queue))
    backlog = policies(stack)["Backlog"]
    assert backlog["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 100
    found = queries(backlog)
    assert found["each"]["Expression"] == "(waiting + working) / IF(FILL(samples, 0) > 1, FILL(samples, 0), 1)"
    assert [each["Id"] for each in found.values() if each["ReturnData"]] == ["each"]
    metrics = {name: each["MetricStat"]["Metric"]["MetricName"] for name, each in found.items() if "MetricStat" in each}
    assert {name: each["MetricStat"]["Stat"] for name, each in found.items() if "MetricStat" in each} == {
        "waiting": "Average",
        "working": "Average",
        "samples": "SampleCount",  # one sample a minute from each running task
    }
    assert backlog["PolicyType"] == "TargetTrackingScaling"
    assert metrics == {
        "waiting": "ApproximateNumberOfMessagesVisible",
        "working": "ApproximateNumberOfMessagesNotVisible",
        "samples": "CPUUtilization",
    }


def test_the_first_task_starts_if_messages_wait_and_no_task_runs(
    stack: cdk.Stack, cluster: Cluster, queue: sqs.Queue
) -> None:
    service(stack, cluster, Scaling(0, 9, backlog_per_task=100, queue=queue))
    assert policies(stack)["FromZero"]["PolicyType"] == "StepScaling"
    step = policies(stack)["FromZero"]["StepScalingPolicyConfiguration"]
    assert step["AdjustmentType"] == "ChangeInCapacity"
    assert step["StepAdjustments"] == [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}]
    (name, alarm), *others = template(stack).find_resources("AWS::CloudWatch::Alarm").items()
    assert not others, name
    (action,) = alarm["Properties"]["AlarmActions"]
    assert action["Ref"] in template(stack).find_resources("AWS::ApplicationAutoScaling::ScalingPolicy")
    expression = alarm["Properties"]["Metrics"][-1]["Expression"]
    assert expression == "IF(FILL(waiting, 0) > 0 AND FILL(samples, 0) < 1, 1, 0)"


def test_there_is_no_step_policy_if_a_task_always_runs(stack: cdk.Stack, cluster: Cluster, queue: sqs.Queue) -> None:
    service(stack, cluster, Scaling(1, 9, backlog_per_task=100, queue=queue))
    assert set(policies(stack)) == {"Backlog"}


def test_any_metric_and_any_expression_can_be_tracked(stack: cdk.Stack, cluster: Cluster, queue: sqs.Queue) -> None:
    age = queue.metric_approximate_age_of_oldest_message()
    each = cloudwatch.MathExpression(
        expression="jobs / 4", using_metrics={"jobs": queue.metric("NumberOfMessagesSent")}
    )
    service(stack, cluster, Scaling(1, 9, metrics=[MetricTarget("Age", age, 30), MetricTarget("Jobs", each, 10)]))
    found = policies(stack)
    followed = queries(found["Metric Age"])["tracked"]["MetricStat"]["Metric"]
    assert followed["MetricName"] == "ApproximateAgeOfOldestMessage"
    jobs = queries(found["Metric Jobs"])
    assert (jobs["tracked"]["Expression"], jobs["tracked"]["ReturnData"]) == ("jobs / 4", True)
    assert jobs["jobs"]["ReturnData"] is False


def test_requests_are_counted_over_both_alternating_target_groups(
    stack: cdk.Stack, vpc: ec2.IVpc, cluster: Cluster
) -> None:
    edge = LoadBalancer(stack, "Edge", vpc=vpc, access_logs=False)
    scaling = Scaling(1, 9, requests_per_task=500)
    service(stack, cluster, scaling, route=Route(edge), rollout=Rollout.canary(alarms=None))
    found = queries(policies(stack)["Requests"])
    groups = [found[name]["MetricStat"]["Metric"]["Dimensions"][1]["Value"] for name in ("r0", "r1")]
    assert groups[0] != groups[1]
    assert found["each"]["Expression"].startswith("(FILL(r0, 0) + FILL(r1, 0)) / IF(")


def test_copies_start_before_a_predicted_load(stack: cdk.Stack, cluster: Cluster) -> None:
    predictive = PredictiveScaling(
        memory_percent=70, scheduling_buffer=dt.timedelta(minutes=10), max_capacity_buffer_percent=20
    )
    service(stack, cluster, Scaling(2, 9, cpu_percent=60, predictive=predictive))
    assert policies(stack)["Predictive"]["PolicyType"] == "PredictiveScaling"
    assert policies(stack)["Predictive"]["PredictiveScalingPolicyConfiguration"] == {
        "MetricSpecifications": [
            {
                "TargetValue": 70,
                "PredefinedMetricPairSpecification": {"PredefinedMetricType": "ECSServiceMemoryUtilization"},
            }
        ],
        "Mode": "ForecastAndScale",
        "SchedulingBufferTime": 600,
        "MaxCapacityBreachBehavior": "IncreaseMaxCapacity",
        "MaxCapacityBuffer": 20,
    }


def test_a_forecast_of_requests_names_the_target_group(stack: cdk.Stack, vpc: ec2.IVpc, cluster: Cluster) -> None:
    edge = LoadBalancer(stack, "Edge", vpc=vpc, access_logs=False)
    foretold = PredictiveScaling(requests_per_task=500, forecast_only=True)
    service(stack, cluster, Scaling(2, 9, cpu_percent=60, predictive=foretold), route=Route(edge))
    configuration = policies(stack)["Predictive"]["PredictiveScalingPolicyConfiguration"]
    (specification,) = configuration["MetricSpecifications"]
    assert specification["PredefinedMetricPairSpecification"]["PredefinedMetricType"] == "ALBRequestCount"
    assert "ResourceLabel" in specification["PredefinedMetricPairSpecification"]
    assert configuration["Mode"] == "ForecastOnly"


def test_whole_template(
    stack: cdk.Stack, cluster: Cluster, queue: sqs.Queue, template_snapshot: SnapshotAssertion
) -> None:
    service(stack, cluster, Scaling(0, 50, backlog_per_task=100, queue=queue))
    assert readable_template(stack) == template_snapshot


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (
            lambda: PredictiveScaling(cpu_percent=50, memory_percent=50),
            "PredictiveScaling: exactly one target must be given (got 2); "
            "use one of cpu_percent=, memory_percent= and requests_per_task=",
        ),
        (
            lambda: Scaling(1, 4, cpu_percent=60, schedules=[ScheduledAction("morning", EIGHT, minimum=6)]),
            "Scaling(1, 4): minimum of schedule 'morning' must be at most the highest maximum, 4 (got 6); "
            "use a higher maximum= in this schedule, or a lower minimum=",
        ),
        (
            lambda: Scaling(1, 4, predictive=PredictiveScaling(cpu_percent=50)),
            "Scaling(1, 4): predictive must be used only with a target or schedules, since a forecast never removes "
            "copies; use cpu_percent= or another target",
        ),
        (
            lambda: ScheduledAction("night", EIGHT),
            "ScheduledAction 'night': minimum or maximum must be given (got neither); use minimum= or maximum=",
        ),
        (
            lambda: Scaling(1, 5, predictive=PredictiveScaling(cpu_percent=50)),
            "Scaling(1, 5): predictive must be used only with a target or schedules, since a forecast never removes "
            "copies; use cpu_percent= or another target",
        ),
        (
            lambda: Scaling(5, cpu_percent=50),
            "Scaling(5, 5): with a target, maximum must be above minimum (got 5 for both); "
            "use a larger maximum, or no target",
        ),
        (
            lambda: Scaling(2, 8, cpu_percent=50, schedules=[ScheduledAction("sale", EIGHT, minimum=12)]),
            "Scaling(2, 8): minimum of schedule 'sale' must be at most the highest maximum, 8 (got 12); "
            "use a higher maximum= in this schedule, or a lower minimum=",
        ),
        (
            lambda: Scaling(2, 8, cpu_percent=50, schedules=[ScheduledAction("night", EIGHT, maximum=1)]),
            "Scaling(2, 8): maximum of schedule 'night' must be at least the lowest minimum, 2 (got 1); "
            "use a lower minimum= in this schedule, or a higher maximum=",
        ),
        (
            lambda: Scaling(1, 5, predictive=PredictiveScaling(cpu_percent=50, forecast_only=True)),
            "Scaling(1, 5): a range must have a target or schedules (got 1 to 5 with neither); use cpu_percent=, "
            "memory_percent=, requests_per_task= or another target, or a fixed number",
        ),
    ],
)
def test_scaling_without_effect_is_refused(make: Any, says: str) -> None:
    with pytest.raises(ValueError, match=rf"\A{re.escape(says)}\Z"):
        make()


def test_one_schedule_may_extend_the_range_for_another() -> None:
    before = ScheduledAction("before", EIGHT, maximum=20)
    sale = ScheduledAction("sale", EIGHT, minimum=12)
    after = ScheduledAction("after", EIGHT, minimum=0)
    night = ScheduledAction("night", EIGHT, maximum=1)
    assert Scaling(2, 8, cpu_percent=50, schedules=[before, sale, after, night])._changes_count


def test_a_metric_may_have_the_name_of_a_target(stack: cdk.Stack, cluster: Cluster, queue: sqs.Queue) -> None:
    names = ("Cpu", "Memory", "Target", "Backlog", "Predictive")
    metrics = [MetricTarget(name, queue.metric("NumberOfMessagesSent"), 10) for name in names]
    foretold = PredictiveScaling(cpu_percent=50)
    service(
        stack,
        cluster,
        Scaling(1, 9, cpu_percent=60, memory_percent=60, high_resolution=True, metrics=metrics, predictive=foretold),
    )
    assert set(policies(stack)) == {*(f"Metric {name}" for name in names), "Cpu", "Memory", "Predictive"}


def test_utilization_is_tracked_every_minute_by_default(stack: cdk.Stack, cluster: Cluster) -> None:
    slow = dt.timedelta(minutes=10)
    service(stack, cluster, Scaling(1, 9, cpu_percent=60, memory_percent=70, scale_in_cooldown=slow))
    found = [each["TargetTrackingScalingPolicyConfiguration"] for each in policies(stack).values()]
    metrics = {
        each["PredefinedMetricSpecification"]["PredefinedMetricType"]: (
            each["TargetValue"], each["ScaleOutCooldown"], each["ScaleInCooldown"]
        ) for each in found
    }  # fmt: skip
    assert metrics == {
        "ECSServiceAverageCPUUtilization": (60, 60, 600),
        "ECSServiceAverageMemoryUtilization": (70, 60, 600),
    }
    template(stack).has_resource_properties("AWS::ECS::Service", {"Monitoring": Match.absent()})


def test_tasks_are_counted_once_even_with_metrics_every_20_seconds(
    stack: cdk.Stack, cluster: Cluster, queue: sqs.Queue
) -> None:
    scaling = Scaling(1, 9, cpu_percent=60, backlog_per_task=100, queue=queue, high_resolution=True)
    service(stack, cluster, scaling)
    tasks = "(FILL(samples, 0) / 3)"
    assert queries(policies(stack)["Backlog"])["each"]["Expression"].endswith(f"/ IF({tasks} > 1, {tasks}, 1)")


@pytest.mark.parametrize("target", ["requests_per_task", "backlog_per_task"])
def test_high_resolution_without_a_target_for_it_warns(target: str) -> None:
    other: dict[str, Any] = {target: 10}
    with pytest.warns(
        UserWarning, match=r"Scaling\(1, 3\): high_resolution should be used only with cpu_percent or memory"
    ):
        Scaling(1, 3, **other, high_resolution=True)
    assert Scaling(1, 3, **other, cpu_percent=60, high_resolution=True)
    assert Scaling(1, 3, **other, memory_percent=60, high_resolution=True)
    assert Scaling(1, 3, **other, metrics=[MetricTarget("Depth", metric(), 5)], high_resolution=True)
    assert Scaling(2, high_resolution=True)  # for dashboards


def test_predictive_scaling_by_requests_needs_a_route(stack: cdk.Stack, cluster: Cluster) -> None:
    with pytest.raises(
        ValueError, match="requests_per_task of predictive requires a Route, since only routes count requests"
    ):
        service(stack, cluster, Scaling(1, 9, cpu_percent=60, predictive=PredictiveScaling(requests_per_task=500)))


def test_a_deployment_sets_a_fixed_number_of_copies(stack: cdk.Stack, cluster: Cluster) -> None:
    service(stack, cluster, Scaling(3))
    template(stack).has_resource_properties("AWS::ECS::Service", {"DesiredCount": 3})
    template(stack).resource_count_is("AWS::ApplicationAutoScaling::ScalableTarget", 0)


def test_a_backlog_without_a_queue_is_refused(stack: cdk.Stack, cluster: Cluster) -> None:
    with pytest.raises(ValueError, match="backlog_per_task requires a queue"):
        service(stack, cluster, Scaling(0, 9, backlog_per_task=100))


def test_a_queue_without_a_backlog_target_is_refused(queue: sqs.Queue) -> None:
    with pytest.raises(ValueError, match="queue must not be given without backlog_per_task"):
        Scaling(1, 9, cpu_percent=60, queue=queue)


PLACE = cdk.Environment(account="111111111111", region="eu-west-1")


@pytest.fixture
def placed(app: cdk.App) -> Cluster:
    stack = cdk.Stack(app, "Placed", env=PLACE)
    return Cluster(stack, "Cluster", vpc=ec2.Vpc(stack, "Vpc"), failure_events=False)


def metric(**place: Any) -> cloudwatch.Metric:
    return cloudwatch.Metric(namespace="Shop", metric_name="Depth", **place)


@pytest.mark.parametrize(
    ("followed", "says"),
    [
        (metric(region="us-east-1"), "must be in region eu-west-1, .* another region .got us-east-1"),
        (metric(account="222222222222"), "must be in account 111111111111"),
        (
            cloudwatch.MathExpression(
                expression="a / b", using_metrics={"a": metric(), "b": metric(region="us-east-1")}
            ),
            "must be in region eu-west-1",
        ),
    ],
)
def test_a_metric_of_another_place_is_refused(placed: Cluster, followed: cloudwatch.IMetric, says: str) -> None:
    scaling = Scaling(1, 2, metrics=[MetricTarget("Depth", followed, 5)])
    with pytest.raises(ValueError, match=f"Placed/Web: metric 'Depth' {says}"):
        Service(placed.stack, "Web", cluster=placed, task=WEB, scaling=scaling)


def test_a_metric_of_the_same_place_is_accepted(placed: Cluster) -> None:
    own = metric(region="eu-west-1", account="111111111111")
    Service(
        placed.stack, "Web", cluster=placed, task=WEB, scaling=Scaling(1, 2, metrics=[MetricTarget("8:00", own, 5)])
    )


@pytest.mark.parametrize("place", ["us-east-1:111111111111", "eu-west-1:222222222222"])
def test_a_queue_of_another_place_is_refused(placed: Cluster, place: str) -> None:
    queue = sqs.Queue.from_queue_arn(placed, "Mails", f"arn:aws:sqs:{place}:mails")
    with pytest.raises(ValueError, match="Placed/Web: queue of scaling must be in"):
        Service(placed.stack, "Web", cluster=placed, task=WEB, scaling=Scaling(1, 2, backlog_per_task=1, queue=queue))


@pytest.mark.parametrize(
    "scaling",
    [
        Scaling(1, 2, cpu_percent=101),
        Scaling(1, 2, memory_percent=50, predictive=PredictiveScaling(cpu_percent=101)),
    ],
)
def test_tasks_use_more_cpu_than_they_reserve_only_on_instances(app: cdk.App, scaling: Scaling) -> None:
    stack = cdk.Stack(app, "Some")
    general = Capacity.ec2("general", instance_types=["m7i.large"], max_instances=3)
    cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=[general, Capacity.fargate()])
    Service(stack, "Web", cluster=cluster, task=WEB, scaling=scaling)
    with pytest.raises(ValueError, match="must be at most 100% on Fargate"):
        Service(stack, "Small", cluster=cluster, task=WEB, scaling=scaling, capacity=cluster.capacities[1])


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("cron(0 8 * * *)", "schedule must have six fields"),
        ("cron(0 25 * * ? *)", "schedule must have 0 to 23 as hours"),
        ("rate(30 seconds)", "schedule must be 1 or more whole minutes"),
        ("at eight", "schedule must be at"),
    ],
)
def test_an_invalid_schedule_is_refused(expression: str, says: str) -> None:
    with pytest.raises(ValueError, match=f"ScheduledAction 'day': {says}"):
        ScheduledAction("day", scheduler.ScheduleExpression.expression(expression), minimum=1)


def test_an_invalid_time_zone_is_refused() -> None:
    nowhere = scheduler.ScheduleExpression.cron(hour="8", minute="0", time_zone=cdk.TimeZone.of("Europe/Atlantis"))
    with pytest.raises(ValueError, match="the time_zone of schedule must be the name of a time zone"):
        ScheduledAction("day", nowhere, minimum=1)


def test_a_schedule_without_a_time_zone_is_taken(stack: cdk.Stack, cluster: Cluster) -> None:
    action = ScheduledAction("hourly", Hourly(), minimum=3)
    service(stack, cluster, Scaling(2, 4, cpu_percent=60, schedules=[action]))
    (target,) = template(stack).find_resources("AWS::ApplicationAutoScaling::ScalableTarget").values()
    (written,) = target["Properties"]["ScheduledActions"]
    assert written["Schedule"] == "rate(1 hour)"


SEARCH = cloudwatch.SearchExpression(expression="SEARCH('{AWS/SQS,QueueName} Depth', 'Average')")


@pytest.mark.parametrize(
    "metric",
    [
        SEARCH,
        cloudwatch.MathExpression(expression="AVG(depths)", using_metrics={"depths": SEARCH}),
        cloudwatch.MathExpression(expression="SUM(SEARCH('{AWS/SQS,QueueName} Depth', 'Average'))"),
    ],
    ids=["search", "used", "called"],
)
def test_a_search_for_metrics_moves_nothing(stack: cdk.Stack, cluster: Cluster, metric: cloudwatch.IMetric) -> None:
    with pytest.raises(
        ValueError, match="Shop/Web: metric 'depth' must not contain a SEARCH expression, which returns"
    ):
        service(stack, cluster, Scaling(1, 4, metrics=[MetricTarget("depth", metric, 5)]))
