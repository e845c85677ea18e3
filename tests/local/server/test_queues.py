"""Queues in the local AWS, and workers that scale with the backlog of their queue."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.local.local_aws import NETWORK, Client, Deploy, attribute, fargate, ref, resource

Resources = dict[str, Any]

COUNT = {"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}


def _queues(**changed: Any) -> Resources:
    return {
        "Dead": resource("AWS::SQS::Queue", MessageRetentionPeriod=1209600, SqsManagedSseEnabled=True),
        "Allowed": resource(
            "AWS::SQS::Queue",
            RedriveAllowPolicy={"redrivePermission": "byQueue", "sourceQueueArns": [attribute("Work", "Arn")]},
        ),
        "Work": resource(
            "AWS::SQS::Queue",
            **{
                "KmsMasterKeyId": "alias/aws/sqs",
                "KmsDataKeyReusePeriodSeconds": 300,
                "RedrivePolicy": {"deadLetterTargetArn": attribute("Dead", "Arn"), "maxReceiveCount": 3},
                "VisibilityTimeout": 120,
                **changed,
            },
        ),
        "Closed": resource(
            "AWS::SQS::QueuePolicy",
            Queues=[ref("Work")],
            PolicyDocument={
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "sqs:*",
                        "Resource": attribute("Work", "Arn"),
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    }
                ],
            },
        ),
    }


def test_queue_keeps_its_encryption_policies_and_dead_letter_queue(client: Client, deploy: Deploy) -> None:
    stack = deploy(_queues(), work=ref("Work"), allowed=ref("Allowed"), dead=attribute("Dead", "Arn"))
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    sqs, values = client("sqs"), stack["Values"]

    def kept(name: str) -> dict[str, str]:
        found: dict[str, str] = sqs.get_queue_attributes(QueueUrl=values[name], AttributeNames=["All"])["Attributes"]
        return found

    work = kept("work")
    assert (work["VisibilityTimeout"], work["KmsMasterKeyId"]) == ("120", "alias/aws/sqs")
    assert json.loads(work["RedrivePolicy"])["deadLetterTargetArn"] == values["dead"]
    assert json.loads(work["Policy"])["Statement"][0]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert json.loads(kept("allowed")["RedriveAllowPolicy"])["sourceQueueArns"] == [work["QueueArn"]]

    sqs.send_message(QueueUrl=values["work"], MessageBody="stays")
    changed = deploy(_queues(VisibilityTimeout=60), work=ref("Work"))
    assert changed["Values"]["work"] == values["work"]
    assert kept("work")["VisibilityTimeout"] == "60"
    assert kept("work")["ApproximateNumberOfMessages"] == "1"


def _worker(**policies: Resources) -> Resources:
    return NETWORK | {
        "Cluster": resource("AWS::ECS::Cluster"),
        "Task": fargate("mailer"),
        "Service": resource(
            "AWS::ECS::Service",
            Cluster=ref("Cluster"),
            TaskDefinition=ref("Task"),
            LaunchType="FARGATE",
            DesiredCount=0,
            NetworkConfiguration={"AwsvpcConfiguration": {"Subnets": [ref("Subnet")]}},
        ),
        "Target": resource(
            "AWS::ApplicationAutoScaling::ScalableTarget",
            ResourceId={"Fn::Sub": "service/${Cluster}/${Service.Name}"},
            MinCapacity=0,
            MaxCapacity=5,
            ScheduledActions=[
                {
                    "ScheduledActionName": "morning",
                    "Schedule": "cron(0 7 ? * MON-FRI *)",
                    "Timezone": "Europe/Berlin",
                    "ScalableTargetAction": {"MinCapacity": 1},
                }
            ],
            **COUNT,
        ),
        **{
            name: resource(
                "AWS::ApplicationAutoScaling::ScalingPolicy", PolicyName=name, ScalingTargetId=ref("Target"), **stated
            )
            for name, stated in policies.items()
        },
    }


def _metric(name: str, namespace: str) -> Resources:
    return {"Metric": {"MetricName": name, "Namespace": namespace}, "Stat": "Average"}


BACKLOG: Resources = {
    "PolicyType": "TargetTrackingScaling",
    "TargetTrackingScalingPolicyConfiguration": {
        "TargetValue": "100",
        "CustomizedMetricSpecification": {
            "Metrics": [
                {"Id": "waiting", "MetricStat": _metric("Visible", "AWS/SQS"), "ReturnData": False},
                {"Id": "running", "MetricStat": _metric("RunningTaskCount", "ECS"), "ReturnData": False},
                {"Id": "backlog", "Expression": "waiting / running", "Label": "backlog per task"},
            ]
        },
    },
}
PREDICTIVE: Resources = {
    "PolicyType": "PredictiveScaling",
    "PredictiveScalingPolicyConfiguration": {
        "Mode": "ForecastAndScale",
        "MetricSpecifications": [
            {
                "TargetValue": 60,
                "PredefinedMetricPairSpecification": {"PredefinedMetricType": "ECSServiceCPUUtilization"},
            }
        ],
    },
}


def _step(adjustment: str, *steps: Resources, **more: Any) -> Resources:
    configuration = {"AdjustmentType": adjustment, "StepAdjustments": list(steps), "Cooldown": 60, **more}
    return {"PolicyType": "StepScaling", "StepScalingPolicyConfiguration": configuration}


def test_scaling_policies_and_scheduled_actions_are_described_as_in_the_template(
    client: Client, deploy: Deploy
) -> None:
    stack = deploy(_worker(Backlog=BACKLOG, Forecast=PREDICTIVE), backlog=ref("Backlog"))
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    scaling = client("application-autoscaling")
    policies = {
        each["PolicyName"]: each
        for each in scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    }
    assert policies["Backlog"]["PolicyARN"] == stack["Values"]["backlog"]
    tracked = policies["Backlog"]["TargetTrackingScalingPolicyConfiguration"]
    assert tracked["TargetValue"] == 100
    assert tracked["CustomizedMetricSpecification"]["Metrics"][2]["Expression"] == "waiting / running"
    assert policies["Forecast"]["PredictiveScalingPolicyConfiguration"]["Mode"] == "ForecastAndScale"
    (action,) = scaling.describe_scheduled_actions(ServiceNamespace="ecs")["ScheduledActions"]
    assert (action["Timezone"], action["ScalableTargetAction"]) == ("Europe/Berlin", {"MinCapacity": 1})


def test_time_zone_must_exist(deploy: Deploy) -> None:
    resources = _worker()
    resources["Target"]["Properties"]["ScheduledActions"][0]["Timezone"] = "Europe/Bonn"
    stack = deploy(resources)
    assert "Invalid schedule timezone: Europe/Bonn" in stack["Reason"]


@pytest.mark.parametrize(
    ("policy", "counts"),
    [
        (_step("ExactCapacity", {"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}), [1, 1]),
        (_step("ChangeInCapacity", {"MetricIntervalLowerBound": 0, "ScalingAdjustment": 2}), [2, 4, 5]),
        (
            _step(
                "PercentChangeInCapacity",
                {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 9, "ScalingAdjustment": 50},
                {"MetricIntervalLowerBound": 9, "ScalingAdjustment": 400},
                MinAdjustmentMagnitude=2,
            ),
            [2, 4, 5],
        ),
    ],
    ids=["exact", "change", "percent"],
)
def test_alarm_changes_the_count_by_its_step_scaling_policy_within_the_limits(
    client: Client, deploy: Deploy, policy: Resources, counts: list[int]
) -> None:
    alarm = resource(
        "AWS::CloudWatch::Alarm",
        AlarmActions=[ref("FromZero")],
        AlarmName="waiting",
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        MetricName="ApproximateNumberOfMessagesVisible",
        Namespace="AWS/SQS",
        Period=60,
        Statistic="Maximum",
        Threshold=0,
    )
    stack = deploy(
        _worker(FromZero=policy) | {"Waiting": alarm},
        cluster=ref("Cluster"),
        service=ref("Service"),
        alarm=ref("Waiting"),
    )
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    values, cloudwatch = stack["Values"], client("cloudwatch")
    seen = []
    for _ in counts:
        for state in ("ALARM", "OK"):
            cloudwatch.set_alarm_state(AlarmName=values["alarm"], StateValue=state, StateReason="test")
        found = client("ecs").describe_services(cluster=values["cluster"], services=[values["service"]])["services"][0]
        assert found["runningCount"] == found["desiredCount"]
        seen.append(found["runningCount"])
    assert seen == counts
