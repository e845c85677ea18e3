"""Rollouts: how a new version replaces the old one, and how it is rolled back."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import botocore.session
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Match, Template
from hypothesis import given
from hypothesis import strategies as st

from moorage import (
    Capacity,
    CircuitBreaker,
    Cluster,
    Container,
    EarlySuccess,
    HealthCheck,
    LifecycleHook,
    LifecycleStage,
    LoadBalancer,
    Placement,
    PredictiveScaling,
    RollbackAlarms,
    Rollout,
    Route,
    Scaling,
    Service,
    ServiceConnect,
    TargetHealth,
    Task,
)
from moorage.testing import readable_template
from moorage.workload.estimate import Pace, estimate
from tests.conftest import all_warnings_of, imported_vpc, template
from tests.stand_ins import stand_in

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

WEB = Task(Container("public.ecr.aws/nginx/nginx:1.29", name="web", port=8080))
TEN_MINUTES = dt.timedelta(minutes=10)
HANDLER = stand_in("aws_lambda.IFunction")  # a hook is checked without its function


@pytest.fixture
def cluster(stack: cdk.Stack, vpc: ec2.IVpc) -> Cluster:
    return Cluster(stack, "Cluster", vpc=vpc)


@pytest.fixture
def edge(stack: cdk.Stack, vpc: ec2.IVpc) -> LoadBalancer:
    return LoadBalancer(stack, "Edge", vpc=vpc, access_logs=False)


def service(scope: cdk.Stack, cluster: Cluster, rollout: Rollout, **arguments: Any) -> Service:
    return Service(scope, "Web", cluster=cluster, task=WEB, rollout=rollout, **arguments)


def deployment(of: Template) -> dict[str, Any]:
    (found,) = of.find_resources("AWS::ECS::Service").values()
    configuration: dict[str, Any] = found["Properties"]["DeploymentConfiguration"]
    return configuration


@pytest.mark.parametrize(
    ("rollout", "said"),
    [
        (Rollout.blue_green(bake=TEN_MINUTES), {"Strategy": "BLUE_GREEN", "BakeTimeInMinutes": 10}),
        (
            Rollout.canary(percent=2.5, bake=TEN_MINUTES, final_bake=dt.timedelta(minutes=3)),
            {
                "Strategy": "CANARY",
                "BakeTimeInMinutes": 3,
                "CanaryConfiguration": {"CanaryPercent": 2.5, "CanaryBakeTimeInMinutes": 10},
            },
        ),
        (
            Rollout.linear(percent=20, bake=TEN_MINUTES),
            {
                "Strategy": "LINEAR",
                "BakeTimeInMinutes": 10,
                "LinearConfiguration": {"StepPercent": 20, "StepBakeTimeInMinutes": 10},
            },
        ),
    ],
)
def test_traffic_shifts_as_configured(
    stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer, rollout: Rollout, said: dict[str, Any]
) -> None:
    service(stack, cluster, rollout, route=Route(edge))
    found = deployment(template(stack))
    assert said.items() <= found.items()
    assert not found["DeploymentCircuitBreaker"]["Enable"]  # ECS supports it only for rolling deployments


@pytest.mark.parametrize(
    "rollout", [Rollout.blue_green(), Rollout.canary(), Rollout.linear(), Rollout.rolling(circuit_breaker=None)]
)
def test_no_rollout_warns(
    app: cdk.App, stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer, rollout: Rollout
) -> None:
    """`cdk synth --strict` fails for any warning, even for CDK's own about the circuit breaker."""
    service(stack, cluster, rollout, route=Route(edge))
    assert not [warning for warning in all_warnings_of(app, "Shop") if "aws-ec2" not in warning]


def test_a_traffic_shifting_rollout_has_a_second_target_group_a_test_rule_and_a_role(
    stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer
) -> None:
    service(stack, cluster, Rollout.canary(), route=Route(edge, host="a.example.com"))
    of = template(stack)
    groups = list(of.find_resources("AWS::ElasticLoadBalancingV2::TargetGroup"))
    assert len(groups) == 2
    rules = of.find_resources("AWS::ElasticLoadBalancingV2::ListenerRule")
    assert len(rules) == 2
    for rule in rules.values():
        targets = rule["Properties"]["Actions"][0]["ForwardConfig"]["TargetGroups"]
        assert [(each["TargetGroupArn"]["Ref"] in groups, each["Weight"]) for each in targets] == [
            (True, 100),
            (True, 0),
        ]
    production, test = (rule["Properties"] for rule in rules.values())
    assert production["ListenerArn"] != test["ListenerArn"]
    assert (production["Priority"], production["Conditions"]) == (test["Priority"], test["Conditions"])
    (found,) = of.find_resources("AWS::ECS::Service").values()
    (balancer,) = found["Properties"]["LoadBalancers"]
    turned = balancer["AdvancedConfiguration"]
    assert {turned["ProductionListenerRule"]["Ref"], turned["TestListenerRule"]["Ref"]} == set(rules)
    assert {balancer["TargetGroupArn"]["Ref"], turned["AlternateTargetGroupArn"]["Ref"]} == set(groups)


def test_both_target_groups_have_the_same_health_check_and_are_reached(
    stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer
) -> None:
    health = TargetHealth("/healthz", interval=dt.timedelta(seconds=7), unhealthy_threshold_count=4)
    service(stack, cluster, Rollout.linear(), route=Route(edge, health=health))
    of = template(stack)
    serving, alternate = of.find_resources("AWS::ElasticLoadBalancingV2::TargetGroup").values()
    assert serving == alternate
    assert serving["Properties"]["HealthCheckPath"] == "/healthz"
    for direction in ("Ingress", "Egress"):  # the tasks of both have one security group
        of.resource_properties_count_is(
            f"AWS::EC2::SecurityGroup{direction}", {"FromPort": 8080, "ToPort": 8080, "IpProtocol": "tcp"}, 1
        )


def test_service_connect_shifts_traffic_without_a_route(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cluster = Cluster(stack, "Cluster", vpc=vpc, namespace="shop")
    service(stack, cluster, Rollout.canary(alarms=None), connect=ServiceConnect())
    assert deployment(template(stack))["Strategy"] == "CANARY"
    template(stack).resource_count_is("AWS::ElasticLoadBalancingV2::TargetGroup", 0)
    with pytest.raises(ValueError, match="there is no traffic to shift without a route"):
        Service(
            stack, "Silent", cluster=cluster, task=Task(Container("redis:8")), connect=ServiceConnect(),
            rollout=Rollout.canary(alarms=None),
        )  # fmt: skip


def test_ecs_may_change_only_the_rules_of_this_service(stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer) -> None:
    service(stack, cluster, Rollout.blue_green(), route=Route(edge))
    of = template(stack)
    rules = set(of.find_resources("AWS::ElasticLoadBalancingV2::ListenerRule"))
    policies = of.find_resources("AWS::IAM::Policy")
    groups = set(of.find_resources("AWS::ElasticLoadBalancingV2::TargetGroup"))
    ((policy, found),) = ((name, each) for name, each in policies.items() if "InfrastructurePolicy" in name)
    for statement in found["Properties"]["PolicyDocument"]["Statement"]:
        if any("Describe" not in action for action in statement["Action"]):
            assert {each["Ref"] for each in statement["Resource"]} == rules | groups
    (of_service,) = of.find_resources("AWS::ECS::Service").values()
    assert policy in of_service["DependsOn"]  # created before it is used, and deleted after
    of.has_resource_properties(
        "AWS::IAM::Role",
        {
            "AssumeRolePolicyDocument": Match.object_like(
                {"Statement": [Match.object_like({"Principal": {"Service": "ecs.amazonaws.com"}})]}
            ),
            "ManagedPolicyArns": Match.absent(),
        },
    )


def test_the_test_listener_allows_nobody_by_default(stack: cdk.Stack, vpc: ec2.IVpc, cluster: Cluster) -> None:
    closed = LoadBalancer(stack, "Closed", vpc=vpc, access_logs=False)
    let_in = LoadBalancer(
        stack, "Open", vpc=vpc, access_logs=False, test_ingress=[ec2.Peer.ipv4("10.9.0.0/16")], test_port=8081
    )
    Service(stack, "A", cluster=cluster, task=WEB, route=Route(closed), rollout=Rollout.canary())
    Service(stack, "B", cluster=cluster, task=WEB, route=Route(let_in), rollout=Rollout.canary())
    found = json.dumps(template(stack).find_resources("AWS::EC2::SecurityGroup"))
    assert "Tests on port 8080" not in found
    assert "Tests on port 8081" in found
    assert "10.9.0.0/16" in found


def test_the_test_listener_exists_with_every_rollout(stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer) -> None:
    """It is exported, and an export in use cannot be removed with the last rollout that shifts traffic."""
    service(stack, cluster, Rollout.rolling(), route=Route(edge))
    template(stack).resource_count_is("AWS::ElasticLoadBalancingV2::Listener", 3)
    template(stack).resource_count_is("AWS::ElasticLoadBalancingV2::ListenerRule", 1)


def test_hooks_call_functions_and_pause_for_people(stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer) -> None:
    function = lambda_.Function(
        stack,
        "Check",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="index.handler",
        code=lambda_.Code.from_inline("def handler(event, context): return {'hookStatus': 'SUCCEEDED'}"),
    )
    asked = LifecycleHook.function(
        function,
        LifecycleStage.POST_TEST_TRAFFIC_SHIFT,
        details={"suite": "smoke"},
        timeout=TEN_MINUTES,
        continue_on_timeout=True,
    )
    paused = LifecycleHook.pause(LifecycleStage.PRE_PRODUCTION_TRAFFIC_SHIFT, timeout=dt.timedelta(hours=2))
    service(stack, cluster, Rollout.blue_green(hooks=[asked, paused]), route=Route(edge))
    first, second = deployment(template(stack))["LifecycleHooks"]
    assert first["TargetType"] == "AWS_LAMBDA"
    assert first["LifecycleStages"] == ["POST_TEST_TRAFFIC_SHIFT"]
    assert first["HookDetails"] == '{"suite": "smoke"}'  # CloudFormation expects a string
    assert first["TimeoutConfiguration"] == {"TimeoutInMinutes": 10, "Action": "CONTINUE"}
    assert second == {
        "TargetType": "PAUSE",
        "LifecycleStages": ["PRE_PRODUCTION_TRAFFIC_SHIFT"],
        "TimeoutConfiguration": {"TimeoutInMinutes": 120, "Action": "ROLLBACK"},
    }
    template(stack).has_resource_properties(
        "AWS::IAM::Policy",
        {
            "PolicyDocument": Match.object_like(
                {
                    "Statement": [
                        Match.object_like({"Action": "lambda:InvokeFunction", "Resource": first["HookTargetArn"]})
                    ]
                }
            )
        },
    )


def test_the_lifecycle_stages_are_those_of_ecs() -> None:
    model = botocore.session.get_session().get_service_model("ecs")
    known = model.shape_for("DeploymentLifecycleHookStage").enum
    assert {stage.value for stage in LifecycleStage} == set(known)
    assert {stage.value for stage in LifecycleStage if not stage._shifts_traffic} == {
        "RECONCILE_SERVICE",
        "PRE_SCALE_UP",
        "POST_SCALE_UP",
    }


def test_a_hook_that_times_out_rolls_back_by_default() -> None:
    asked = LifecycleHook.function(HANDLER, LifecycleStage.PRE_SCALE_UP, timeout=TEN_MINUTES)
    paused = LifecycleHook.pause(LifecycleStage.PRE_SCALE_UP)
    assert not asked.continue_on_timeout
    assert not paused.continue_on_timeout
    assert LifecycleHook.pause(LifecycleStage.PRE_SCALE_UP, continue_on_timeout=True).continue_on_timeout


def test_a_pause_needs_no_role_and_has_the_timeout_of_ecs_by_default(
    stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer
) -> None:
    pause = LifecycleHook.pause(LifecycleStage.POST_SCALE_UP, LifecycleStage.POST_TEST_TRAFFIC_SHIFT)
    service(stack, cluster, Rollout.blue_green(hooks=[pause]), route=Route(edge))
    of = template(stack)
    assert deployment(of)["LifecycleHooks"] == [
        {"TargetType": "PAUSE", "LifecycleStages": ["POST_SCALE_UP", "POST_TEST_TRAFFIC_SHIFT"]}
    ]
    assert not [name for name in of.find_resources("AWS::IAM::Role") if "HookRole" in name]


def test_alarms_and_topics_of_another_place_are_refused(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Shop", env=cdk.Environment(account="111111111111", region="eu-west-1"))
    vpc = imported_vpc(stack)
    edge, cluster = LoadBalancer(stack, "Edge", vpc=vpc, access_logs=False), Cluster(stack, "Cluster", vpc=vpc)
    arn = "arn:aws:cloudwatch:us-east-1:111111111111:alarm:checkout-fails"
    managed = sns.Topic(stack, "Topic", master_key=kms.Alias.from_alias_name(stack, "Key", "alias/aws/sns"))
    alarms = RollbackAlarms(extra_alarms=[cloudwatch.Alarm.from_alarm_arn(stack, "Mine", arn)], topic=managed)
    with pytest.raises(ValueError, match="Shop/Web: 2 problems") as raised:
        service(stack, cluster, Rollout.canary(alarms=alarms), route=Route(edge))
    assert "each item of extra_alarms must be in region eu-west-1" in str(raised.value)
    assert "topic of the rollout's alarms must not be encrypted with alias/aws/sns" in str(raised.value)


def test_alarms_cover_both_target_groups_of_each_route(stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer) -> None:
    topic = sns.Topic(stack, "Topic")
    mine = cloudwatch.Alarm.from_alarm_name(stack, "Mine", "checkout-fails")
    alarms = RollbackAlarms(
        errors_percent=1, latency=dt.timedelta(milliseconds=750), unhealthy_targets=2, extra_alarms=[mine], topic=topic
    )
    routes = [Route(edge, path="/a/*"), Route(edge, path="/b/*")]
    service(stack, cluster, Rollout.canary(alarms=alarms), route=routes)
    of = template(stack)
    found = of.find_resources("AWS::CloudWatch::Alarm")
    assert len(found) == 6
    groups = set(of.find_resources("AWS::ElasticLoadBalancingV2::TargetGroup"))
    for name, alarm in found.items():
        properties = alarm["Properties"]
        watched = {group for group in groups if group in json.dumps(properties["Metrics"])}
        assert len(watched) == 2
        assert len([each for each in properties["Metrics"] if "MetricStat" in each]) <= 10  # CloudWatch's limit
        assert properties["AlarmActions"] == [stack.resolve(topic.topic_arn)]
        assert properties["TreatMissingData"] == "notBreaching"
        asked = {
            (each["MetricStat"]["Metric"]["MetricName"], each["MetricStat"]["Stat"], each["MetricStat"]["Period"])
            for each in properties["Metrics"]
            if "MetricStat" in each
        }
        assert {
            each["MetricStat"]["Metric"]["Namespace"] for each in properties["Metrics"] if "MetricStat" in each
        } == {"AWS/ApplicationELB"}
        if "Latency" in name:
            assert asked == {("TargetResponseTime", "p99", 60)}
        elif "Unhealthy" in name:
            assert asked == {("UnHealthyHostCount", "Maximum", 60)}
        else:
            names = ("HTTPCode_Target_5XX_Count", "TargetConnectionErrorCount", "RequestCount")
            assert asked == {(metric, "Sum", 60) for metric in names}
        assert properties["Threshold"] == (1 if "Errors" in name else 0.75 if "Latency" in name else 1)
    errors = next(each["Properties"]["Metrics"] for name, each in found.items() if "Errors" in name)
    assert errors[-1]["Expression"] == "MAX([share0, share1])"  # a canary that fails completely is noticed
    named = deployment(of)["Alarms"]
    assert named == {
        "AlarmNames": [*({"Ref": name} for name in named_in_order(found, named)), "checkout-fails"],
        "Enable": True,
        "Rollback": True,
    }
    of.has_resource_properties(
        "AWS::SNS::TopicPolicy",
        {"PolicyDocument": {"Statement": [Match.object_like({"Principal": {"Service": "cloudwatch.amazonaws.com"}})]}},
    )


def test_a_new_version_that_fails_completely_is_noticed_despite_little_traffic(
    stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer
) -> None:
    """Each version has its own share of errors, since a failing version with 5 % of traffic causes only 5 % of all."""
    alarms = RollbackAlarms(latency=None, unhealthy_targets=None, evaluation_minutes=2)
    service(stack, cluster, Rollout.canary(percent=5, alarms=alarms), route=Route(edge))
    (alarm,) = template(stack).find_resources("AWS::CloudWatch::Alarm").values()
    assert alarm["Properties"]["EvaluationPeriods"] == 2
    assert alarm["Properties"]["ComparisonOperator"] == "GreaterThanThreshold"
    assert alarm["Properties"]["Threshold"] == 5
    queries = {each["Id"]: each for each in alarm["Properties"]["Metrics"]}
    errors = "(FILL(e1, 0) + FILL(c1, 0))"
    percent = f"IF({errors} > r1, 100, 100 * {errors} / r1)"
    assert queries["share1"]["Expression"] == f"IF(FILL(r1, 0) >= 20, {percent}, 0)"
    assert queries["share"]["Expression"] == "MAX([share0, share1])"
    assert [name for name, each in queries.items() if each["ReturnData"]] == ["share"]
    metrics = {name: each["MetricStat"]["Metric"] for name, each in queries.items() if "MetricStat" in each}
    names = ["HTTPCode_Target_5XX_Count", "TargetConnectionErrorCount", "RequestCount"]
    assert [metrics[name]["MetricName"] for name in ("e0", "c0", "r0")] == names
    for name in "01":  # each share is computed for one target group
        dimensions = [metrics[f"{kind}{name}"]["Dimensions"] for kind in "ecr"]
        assert dimensions == [dimensions[0]] * 3


@pytest.mark.parametrize(("start_period", "minutes"), [(None, 3), (120, 3), (180, 4), (300, 6)])
def test_a_slow_start_causes_no_rollback(
    stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer, start_period: int | None, minutes: int
) -> None:
    period = None if start_period is None else dt.timedelta(seconds=start_period)
    check = HealthCheck("true", start_period=period)
    task = Task(Container("public.ecr.aws/nginx/nginx:1.29", name="web", port=8080, health_check=check))
    Service(stack, "Web", cluster=cluster, task=task, route=Route(edge), rollout=Rollout.canary())
    found = template(stack).find_resources("AWS::CloudWatch::Alarm")
    periods = {"Unhealthy" in name: alarm["Properties"]["EvaluationPeriods"] for name, alarm in found.items()}
    assert periods == {True: minutes, False: 3}


def test_only_extra_alarms_need_no_route(stack: cdk.Stack, cluster: Cluster) -> None:
    mine = cloudwatch.Alarm.from_alarm_name(stack, "Mine", "checkout-fails")
    alarms = RollbackAlarms(errors_percent=None, latency=None, unhealthy_targets=None, extra_alarms=[mine])
    service(stack, cluster, Rollout.rolling(alarms=alarms))
    assert deployment(template(stack))["Alarms"]["AlarmNames"] == ["checkout-fails"]


def named_in_order(found: Mapping[str, Any], named: dict[str, Any]) -> list[str]:
    references = [each["Ref"] for each in named["AlarmNames"] if isinstance(each, dict)]
    assert sorted(references) == sorted(found)
    return references


def test_a_rolling_rollout_may_have_alarms(stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer) -> None:
    service(stack, cluster, Rollout.rolling(alarms=RollbackAlarms(latency=None)), route=Route(edge))
    found = template(stack).find_resources("AWS::CloudWatch::Alarm")
    assert len(found) == 2
    assert deployment(template(stack))["Alarms"]["Rollback"]


@pytest.mark.parametrize(
    ("alarms", "reads_requests", "has_alarm"),
    [
        (RollbackAlarms(), True, True),
        (RollbackAlarms(), False, True),
        (RollbackAlarms(unhealthy_targets=None), True, True),
        (RollbackAlarms(unhealthy_targets=None), False, False),
        (RollbackAlarms(errors_percent=None, latency=None), False, True),
        (RollbackAlarms(unhealthy_targets=None, extra_alarms=[stand_in("aws_cloudwatch.IAlarm")]), False, True),
    ],
)
def test_without_requests_only_unhealthy_targets_and_extra_alarms_are_watched(
    alarms: RollbackAlarms, *, reads_requests: bool, has_alarm: bool
) -> None:
    assert alarms._has_alarm(reads_requests=reads_requests) == has_alarm


def test_the_circuit_breaker_can_be_configured(stack: cdk.Stack, cluster: Cluster) -> None:
    breaker = CircuitBreaker.percent(25, bounded=False, reset_on_healthy_task=False)
    service(stack, cluster, Rollout.rolling(circuit_breaker=breaker))
    assert deployment(template(stack))["DeploymentCircuitBreaker"] == {
        "Enable": True,
        "Rollback": True,
        "ResetOnHealthyTask": False,
        "ThresholdConfiguration": {"Type": "UNBOUNDED_PERCENT", "Value": 25},
    }


def test_the_circuit_breaker_is_on_by_default_and_can_be_turned_off(stack: cdk.Stack, cluster: Cluster) -> None:
    service(stack, cluster, Rollout.rolling())
    Service(stack, "Patient", cluster=cluster, task=WEB, rollout=Rollout.rolling(circuit_breaker=None))
    Service(
        stack, "Forward", cluster=cluster, task=WEB,
        rollout=Rollout.rolling(circuit_breaker=CircuitBreaker.failures(5, rollback=False)),
    )  # fmt: skip
    found = {
        name[:3]: each["Properties"]["DeploymentConfiguration"].get("DeploymentCircuitBreaker")
        for name, each in template(stack).find_resources("AWS::ECS::Service").items()
    }
    assert found["Web"] == {"Enable": True, "Rollback": True}
    assert found["Pat"] == {"Enable": False, "Rollback": False}
    assert found["For"] == {
        "Enable": True, "Rollback": False, "ThresholdConfiguration": {"Type": "COUNT", "Value": 5},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("breaker", "copies", "failures"),
    [
        (CircuitBreaker(), 1, 3),
        (CircuitBreaker(), 7, 4),
        (CircuitBreaker(), 100, 50),
        (CircuitBreaker(), 202, 101),
        (CircuitBreaker(), 1000, 200),
        (CircuitBreaker.percent(10, bounded=False), 1000, 100),
        (CircuitBreaker.failures(7), 1000, 7),
    ],
)
def test_the_circuit_breaker_computes_its_number_of_failures(
    breaker: CircuitBreaker, copies: int, failures: int
) -> None:
    assert breaker.failures_for(copies) == failures


def test_a_rollout_may_have_early_success(stack: cdk.Stack, cluster: Cluster) -> None:
    early = EarlySuccess(60, remove_old_first=True)
    service(stack, cluster, Rollout.rolling(minimum_healthy_percent=50, early_success=early, bake=TEN_MINUTES))
    found = deployment(template(stack))
    assert found["EarlySuccessCriteria"] == {
        "Enable": True,
        "HealthyPercent": 60,
        "SourceServiceRevisionCleanup": "BLOCKING",
    }
    assert found["BakeTimeInMinutes"] == 10
    assert (found["MinimumHealthyPercent"], found["MaximumPercent"]) == (50, 200)


def test_zones_are_not_rebalanced_without_room_for_another_task(stack: cdk.Stack, cluster: Cluster) -> None:
    service(stack, cluster, Rollout.rolling(minimum_healthy_percent=50, maximum_percent=100))
    Service(
        stack, "Many", cluster=cluster, task=WEB, scaling=Scaling(100), rollout=Rollout.rolling(maximum_percent=101)
    )
    balanced = [
        each["Properties"]["AvailabilityZoneRebalancing"]
        for each in template(stack).find_resources("AWS::ECS::Service").values()
    ]
    assert balanced == ["DISABLED", "ENABLED"]


def test_two_hooks_with_the_same_arguments_are_two_hooks() -> None:
    assert len({LifecycleHook.pause(LifecycleStage.PRE_SCALE_UP) for _ in range(2)}) == 2


def test_the_details_of_a_hook_are_sorted_json() -> None:
    stage = LifecycleStage.PRE_SCALE_UP
    assert LifecycleHook.function(HANDLER, stage, details={"b": 1, "a": [2]})._details_json == '{"a": [2], "b": 1}'
    assert LifecycleHook.function(HANDLER, stage)._details_json is None


@pytest.mark.parametrize("stage", LifecycleStage)
def test_a_rollout_pauses_only_while_no_traffic_is_shifting(stage: LifecycleStage) -> None:
    if stage in {LifecycleStage.TEST_TRAFFIC_SHIFT, LifecycleStage.PRODUCTION_TRAFFIC_SHIFT}:
        with pytest.raises(ValueError, match=f"stages must not have {stage.name}"):
            LifecycleHook.pause(stage)
    else:
        assert LifecycleHook.pause(stage).stages == (stage,)
    assert LifecycleHook.function(HANDLER, stage).stages == (stage,)


def test_a_service_in_another_stack_shifts_traffic_of_a_shared_load_balancer(
    app: cdk.App, cluster: Cluster, edge: LoadBalancer, template_snapshot: SnapshotAssertion
) -> None:
    other = cdk.Stack(app, "Services")
    service(other, cluster, Rollout.blue_green(), route=Route(edge, path="/shop/*"))
    assert readable_template(other) == template_snapshot


def test_whole_template(
    stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer, template_snapshot: SnapshotAssertion
) -> None:
    service(
        stack,
        cluster,
        Rollout.canary(percent=10, bake=TEN_MINUTES),
        route=Route(edge),
        scaling=Scaling(3, 9, cpu_percent=60),
    )
    assert readable_template(stack) == template_snapshot


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (
            lambda: CircuitBreaker(value=3),
            "CircuitBreaker: threshold and value must be given together; use CircuitBreaker.failures(...) or "
            "percent(...)",
        ),
        (
            lambda: LifecycleHook.pause(LifecycleStage.PRODUCTION_TRAFFIC_SHIFT),
            "LifecycleHook.pause: stages must not have PRODUCTION_TRAFFIC_SHIFT, since ECS does not pause while "
            "traffic is shifting; use POST_PRODUCTION_TRAFFIC_SHIFT or an earlier stage",
        ),
        (
            LifecycleHook.pause,
            "LifecycleHook.pause: stages must not be empty (got none); "
            "use at least one stage, such as LifecycleStage.PRE_SCALE_UP",
        ),
        (
            lambda: LifecycleHook.function(HANDLER, LifecycleStage.PRE_SCALE_UP, details={"at": dt.date(2026, 11, 24)}),
            "LifecycleHook.function: details must be valid JSON (got Object of type date is not JSON serializable); "
            "use strings, numbers, lists and mappings",
        ),
        (
            lambda: LifecycleHook.function(HANDLER, LifecycleStage.PRE_SCALE_UP, details={"PASSWORD": "hunter2"}),
            "LifecycleHook.function: details must not contain 'PASSWORD', which looks like a secret, since "
            "everyone who can see the service can read the value; pass the name of a secret, which the function reads",
        ),
        (
            lambda: Rollout.rolling(hooks=[LifecycleHook.pause(LifecycleStage.POST_TEST_TRAFFIC_SHIFT)]),
            "Rollout.rolling: hooks must not have the stage POST_TEST_TRAFFIC_SHIFT, since a rolling rollout shifts no "
            "traffic; use a stage without a traffic shift, or Rollout.blue_green(...)",
        ),
        (
            lambda: RollbackAlarms(errors_percent=None, latency=None, unhealthy_targets=None),
            "RollbackAlarms: at least one alarm must be given (got none); use errors_percent=, latency=, "
            "unhealthy_targets= or extra_alarms=",
        ),
        (
            lambda: Rollout.linear(percent=3, bake=dt.timedelta(hours=1)),
            "Rollout.linear: the sum of all bake times must be at most 33 hours, the maximum that CloudFormation "
            "accepts (got 34); use a shorter bake= or final_bake=, or a larger percent= "
            "for fewer steps",
        ),
    ],
)
def test_an_invalid_value_is_refused(make: Any, says: str) -> None:
    with pytest.raises(ValueError, match=rf"\A{re.escape(says)}\Z"):
        make()


@pytest.mark.parametrize(
    ("rollout", "more", "says"),
    [
        (
            Rollout.canary(alarms=None),
            {},
            "rollout is CANARY, but there is no traffic to shift without a route; use route=Route(...), "
            "connect=ServiceConnect(...) with a port, or Rollout.rolling()",
        ),
        (
            Rollout.blue_green(),
            {},
            "rollout has alarms on the targets of routes, but there is no route; use alarms=None, or "
            "RollbackAlarms(errors_percent=None, latency=None, unhealthy_targets=None, extra_alarms=[...])",
        ),
        (
            Rollout.rolling(maximum_percent=120),
            {"scaling": Scaling(4)},
            "rollout must leave room to start or to stop a task (got 4 copies with minimum_healthy_percent=100, "
            "rounded up to 4, and maximum_percent=120, rounded down to 4); use a larger maximum_percent, "
            "a smaller minimum_healthy_percent or more copies",
        ),
    ],
)
def test_a_rollout_without_effect_is_refused(
    stack: cdk.Stack, cluster: Cluster, rollout: Rollout, more: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValueError, match="Shop/Web: ") as raised:
        service(stack, cluster, rollout, **more)
    assert str(raised.value) == f"Shop/Web: {says}"


def test_predictive_scaling_by_requests_is_refused_if_two_target_groups_alternate(
    stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer
) -> None:
    with pytest.raises(ValueError, match="predictive uses requests_per_task, which AWS forecasts for one target group"):
        service(
            stack,
            cluster,
            Rollout.canary(),
            route=Route(edge),
            scaling=Scaling(1, 9, cpu_percent=60, predictive=PredictiveScaling(requests_per_task=100)),
        )


def test_instances_must_hold_both_versions_at_once(stack: cdk.Stack) -> None:
    vpc = imported_vpc(stack)
    few = Capacity.ec2("few", instance_types=["m5.large"], max_instances=3)
    cluster = Cluster(stack, "Cluster", vpc=vpc, capacity=[few])
    edge = LoadBalancer(stack, "Edge", vpc=vpc, access_logs=False)
    service(stack, cluster, Rollout.blue_green(), route=Route(edge), scaling=Scaling(3))
    with pytest.raises(ValueError, match="the old version and the new one need 8 places at once, and there are 6"):
        Service(
            stack, "More", cluster=cluster, task=WEB, route=Route(edge, path="/x"), rollout=Rollout.blue_green(),
            scaling=Scaling(4),
        )  # fmt: skip


def test_a_daemon_with_a_traffic_shifting_rollout_is_refused(stack: cdk.Stack) -> None:
    general = Capacity.ec2("general", instance_types=["m7i.large"], max_instances=3)
    cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=[general])
    each = Placement.on_each_instance()
    with pytest.raises(
        ValueError, match="rollout is BLUE_GREEN, but a daemon is replaced on one instance after the other"
    ):
        service(stack, cluster, Rollout.blue_green(alarms=None), placement=each)
    with pytest.raises(ValueError, match="maximum_percent must be 100 for a daemon"):
        service(stack, cluster, Rollout.rolling(), placement=each)
    agent = service(stack, cluster, Rollout.rolling(minimum_healthy_percent=50, maximum_percent=100), placement=each)
    assert agent.estimate() is None  # the number of copies depends on the instances
    template(stack).has_resource_properties("AWS::ECS::Service", {"AvailabilityZoneRebalancing": "DISABLED"})


def test_the_estimate_agrees_with_the_documented_example_of_six_tasks_in_eight_places() -> None:
    found = estimate(
        Rollout.rolling(), 6, zones=3, pace=Pace(start=120, check_interval=30, drain=300, stop=0), places=8
    )
    assert found is not None
    assert found.seconds == 3 * 150 + 2 * 300 + 300  # waves of two, each drained before there is room for the next
    assert (found.least_healthy, found.most_running, found.left_without_a_zone) == (6, 8, 4)


def test_the_estimate_covers_the_defaults_of_moorage_and_cdk() -> None:
    ours = estimate(Rollout.rolling(), 6, zones=3, pace=Pace(check_interval=10, drain=30))
    patterns = estimate(
        Rollout.rolling(minimum_healthy_percent=50), 6, zones=3, pace=Pace(check_interval=30, drain=300)
    )
    assert ours is not None
    assert patterns is not None
    assert (ours.seconds, ours.least_healthy, ours.left_without_a_zone) == (105, 6, 4)
    assert (patterns.seconds, patterns.least_healthy, patterns.left_without_a_zone) == (395, 3, 2)


def test_a_traffic_shifting_rollout_adds_its_bake_times_and_needs_twice_the_room() -> None:
    canary = Rollout.canary(percent=10, bake=TEN_MINUTES, final_bake=dt.timedelta(minutes=5))
    found = estimate(canary, 4, zones=2, pace=Pace(check_interval=10, drain=30))
    assert found is not None
    assert (found.new_after, found.seconds) == (70 + 600, 70 + 600 + 300 + 35)
    assert (found.least_healthy, found.most_running, found.left_without_a_zone) == (4, 8, 2)


def test_a_rollout_without_progress_has_no_estimate() -> None:
    assert estimate(Rollout.rolling(), 6, zones=3, pace=Pace(), places=6) is None
    assert estimate(Rollout.rolling(minimum_healthy_percent=50), 6, zones=3, pace=Pace(), places=6) is not None


@pytest.mark.parametrize(("percent", "steps"), [(25, 3), (30, 3), (100, 0), (12.5, 7)])
def test_a_linear_rollout_bakes_after_each_step_but_the_last(percent: float, steps: int) -> None:
    """CloudFormation counts 100/step - 1 if that is an integer, otherwise the complete steps."""
    linear = Rollout.linear(percent=percent, bake=TEN_MINUTES, final_bake=dt.timedelta(minutes=1))
    found = estimate(linear, 2, zones=2, pace=Pace(start=0, check_interval=0, drain=0, stop=0))
    assert found is not None
    assert (found.new_after, found.seconds) == (600 * steps, 600 * steps + 60)


@given(
    copies=st.integers(1, 60),
    shares=st.tuples(st.integers(0, 100), st.integers(100, 200)).filter(lambda each: each != (100, 100)),
    zones=st.integers(1, 6),
    places=st.none() | st.integers(1, 150),
)
def test_the_estimate_agrees_with_a_simulation_of_waves(
    copies: int, shares: tuple[int, int], zones: int, places: int | None
) -> None:
    rollout = Rollout.rolling(minimum_healthy_percent=shares[0], maximum_percent=shares[1])
    found = estimate(
        rollout, copies, zones=zones, pace=Pace(start=50, check_interval=10, drain=20, stop=5), places=places
    )
    least = next(count for count in range(copies + 1) if count * 100 >= copies * shares[0])
    most = max(count for count in range(2 * copies + 1) if count * 100 <= copies * shares[1])
    room = min(most, most if places is None else max(places, copies))
    old, seconds, waves = copies, 0, 0
    while old > 0 and room > least:
        seconds += (25 if waves else 0) + 60  # the previous wave must have left
        old -= min(old, room - least)
        waves += 1
    if old:
        assert found is None
        return
    assert found is not None
    assert (found.new_after, found.seconds) == (seconds, seconds + 25)
    assert found.least_healthy == least
    spread = [least // zones + (zone < least % zones) for zone in range(zones)]
    assert found.left_without_a_zone == least - max(spread)


def test_a_service_estimates_its_own_rollout(stack: cdk.Stack, cluster: Cluster, edge: LoadBalancer) -> None:
    web = service(stack, cluster, Rollout.rolling(), route=Route(edge), scaling=Scaling(6, 12, cpu_percent=60))
    assert str(web.estimate()) == (
        "replacing 6 copies takes an estimated 105 s with 6 to 12 running; if one of 2 zones is lost, 3 copies remain"
    )
    slow = web.estimate(start=dt.timedelta(minutes=3))
    assert slow is not None
    assert slow.seconds == 225


@pytest.mark.parametrize(
    ("container", "seconds"),
    [
        (Container("redis:8"), 60 + 40 + 5),  # ECS's wait without a health check
        (Container("redis:8", health_check=HealthCheck("true", interval=dt.timedelta(seconds=15))), 60 + 15 + 5),
    ],
)
def test_without_a_route_the_estimate_includes_the_container_health_check(
    stack: cdk.Stack, cluster: Cluster, container: Container, seconds: int
) -> None:
    found = Service(stack, "Web", cluster=cluster, task=Task(container)).estimate()
    assert found is not None
    assert found.seconds == seconds


def test_a_rollout_takes_longer_on_instances_with_little_room(stack: cdk.Stack) -> None:
    few = Capacity.ec2("few", instance_types=["m5.large"], max_instances=4)
    cluster = Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=[few])
    web = service(stack, cluster, Rollout.rolling(), scaling=Scaling(6))
    found = web.estimate()
    assert found is not None
    assert (found.most_running, found.seconds) == (8, 3 * 100 + 2 * 5 + 5)  # two places beside six


def test_there_is_no_estimate_for_a_minimum_of_zero(stack: cdk.Stack, cluster: Cluster) -> None:
    assert service(stack, cluster, Rollout.rolling(), scaling=Scaling(0)).estimate() is None
