"""The cost of the tasks of services and jobs."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from moorage.advice.schedules import runs_a_month
from moorage.cost.amounts import Range
from moorage.cost.parts import Kind
from tests.cost.cost_rows import Resource, estimated, one, quantities, rows, stack_of

VCPU, MEMORY = "Fargate vCPU", "Fargate memory"
SPOT_VCPU = "Fargate Spot vCPU"


def definition(**properties: Any) -> Resource:
    return Resource("ECS::TaskDefinition", {"Cpu": "512", "Memory": "1024", **properties})


def service(**properties: Any) -> Resource:
    return Resource(
        "ECS::Service",
        {"TaskDefinition": {"Ref": "Task"}, "LaunchType": "FARGATE", "DesiredCount": 2, **properties},
    )


def on(strategy: list[dict[str, Any]], **properties: Any) -> Resource:
    stated = {**service(**properties).properties, "CapacityProviderStrategy": strategy}
    del stated["LaunchType"]
    return Resource("ECS::Service", stated)


def target(least: int, most: int, **properties: Any) -> Resource:
    name = {"Fn::Join": ["/", ["service", "cluster", {"Fn::GetAtt": ["Web", "Name"]}]]}
    return Resource(
        "ApplicationAutoScaling::ScalableTarget",
        {"ResourceId": name, "MinCapacity": least, "MaxCapacity": most, **properties},
    )


def test_a_fargate_task_is_billed_by_vcpu_and_memory_for_each_hour_and_copy() -> None:
    found = rows({"Task": definition(), "Web": service()})
    assert quantities(found) == {VCPU: one("730"), MEMORY: one("1460")}
    assert [row.unit for row in found] == ["vCPU-hour", "GB-hour"]
    assert found[0].month is not None
    assert found[0].month.least == Decimal("0.04048") * 730


def test_a_service_without_a_count_has_one_copy() -> None:
    stated = dict(service().properties)
    del stated["DesiredCount"]
    assert quantities(rows({"Task": definition(), "Web": Resource("ECS::Service", stated)}))[VCPU] == one("365")


def test_arm_tasks_have_their_own_price() -> None:
    arm = definition(RuntimePlatform={"CpuArchitecture": "ARM64", "OperatingSystemFamily": "LINUX"})
    assert rows({"Task": arm, "Web": service()})[0].price == Decimal("0.03238")


def test_windows_tasks_pay_for_the_license() -> None:
    windows = definition(RuntimePlatform={"OperatingSystemFamily": "WINDOWS_SERVER_2022_CORE"})
    assert quantities(rows({"Task": windows, "Web": service()})) == {
        "Fargate Windows vCPU": one("730"),
        "Fargate Windows memory": one("1460"),
        "Windows license": one("730"),
    }


@pytest.mark.parametrize(("size", "expected"), [(20, None), (21, one("1460")), (30, one("14600"))])
def test_only_ephemeral_storage_above_20_gb_is_billed(size: int, expected: tuple[str, str] | None) -> None:
    found = rows({"Task": definition(EphemeralStorage={"SizeInGiB": size}), "Web": service()})
    assert quantities(found).get("Fargate ephemeral storage") == expected


def test_sizes_can_have_units() -> None:
    found = rows({"Task": definition(Cpu="1 vCPU", Memory="2 GB"), "Web": service(DesiredCount=1)})
    assert quantities(found) == {VCPU: one("730"), MEMORY: one("1460")}


def test_a_size_that_cannot_be_read_is_unknown() -> None:
    (row,) = rows({"Task": definition(Cpu="much"), "Web": service()})
    assert (row.kind, row.assumptions) == (Kind.UNKNOWN, ("Cpu of Shop/Task is not a size (got 'much')",))


def test_scaling_gives_a_range_of_copies() -> None:
    found = rows({"Task": definition(), "Web": service(), "Target": target(1, 4)})
    assert quantities(found)[VCPU] == ("365", "1460")
    assert "from the least to the most copies of the scaling" in found[0].assumptions


def test_scheduled_actions_widen_the_range() -> None:
    actions = [
        {"ScalableTargetAction": {"MinCapacity": 0, "MaxCapacity": 0}},
        {"ScalableTargetAction": {"MaxCapacity": 8}},
        {"ScalableTargetAction": {"MinCapacity": 2}},
    ]
    found = rows({"Task": definition(), "Web": service(), "Target": target(1, 4, ScheduledActions=actions)})
    assert quantities(found)[VCPU] == ("0", "2920")


def test_an_average_of_the_usage_file_replaces_the_range() -> None:
    found = rows({"Task": definition(), "Web": service(), "Target": target(1, 4)}, average_copies=2.5)
    assert quantities(found)[VCPU] == one("912.5")
    assert found[0].assumptions == ("average_copies of the usage file",)


@pytest.mark.parametrize(
    ("average", "target_", "clause"),
    [
        (1, target(1, 8), ""),
        (8, target(1, 8), ""),
        (20, target(1, 8), ", which is 20, although its scaling has at most 8 copies"),
        (0.5, target(1, 8), ", which is 0.5, although its scaling has at least 1 copy"),
        (20, target(8, 8), ", which is 20, although its scaling has at most 8 copies"),
        (20, None, ""),
    ],
)
def test_an_average_that_the_scaling_cannot_give_is_said(average: float, target_: Resource | None, clause: str) -> None:
    resources = {"Task": definition(), "Web": service(), **({"Target": target_} if target_ else {})}
    found = rows(resources, average_copies=average)
    assert found[0].assumptions == (f"average_copies of the usage file{clause}",)


@pytest.mark.parametrize(
    ("least", "most", "expected"),
    [
        (1, 1, {VCPU: one("365")}),
        (3, 3, {VCPU: one("730"), SPOT_VCPU: one("365")}),
        (2, 10, {VCPU: ("730", "1460"), SPOT_VCPU: ("0", "2190")}),
    ],
)
def test_a_strategy_places_bases_first_and_then_by_weight(least: int, most: int, expected: Any) -> None:
    strategy = [
        {"CapacityProvider": "FARGATE", "Base": 2, "Weight": 1},
        {"CapacityProvider": "FARGATE_SPOT", "Weight": 3},
    ]
    found = rows({"Task": definition(), "Web": on(strategy), "Target": target(least, most)})
    assert {name: each for name, each in quantities(found).items() if "vCPU" in name} == expected


def test_a_single_provider_without_a_weight_gets_all_copies() -> None:
    found = rows({"Task": definition(), "Web": on([{"CapacityProvider": "FARGATE"}])})
    assert quantities(found)[VCPU] == one("730")


def test_the_default_strategy_of_the_cluster_applies() -> None:
    associations = Resource(
        "ECS::ClusterCapacityProviderAssociations",
        {
            "Cluster": {"Ref": "Cluster"},
            "DefaultCapacityProviderStrategy": [{"CapacityProvider": "FARGATE_SPOT", "Weight": 1}],
        },
    )
    for cluster in ("Cluster", "Associations"):
        web = on([], Cluster={"Ref": cluster})
        found = rows(
            {"Cluster": Resource("ECS::Cluster"), "Associations": associations, "Task": definition(), "Web": web}
        )
        assert quantities(found)[SPOT_VCPU] == one("730")


def test_spot_has_an_assumed_discount_that_a_usage_file_changes() -> None:
    resources = {"Task": definition(), "Web": on([{"CapacityProvider": "FARGATE_SPOT", "Weight": 1}])}
    assumed, stated = rows(resources)[0], rows(resources, spot_discount_percent=70)[0]
    assert assumed.price == Decimal("0.02024")
    assert "as an assumption" in assumed.assumptions[-1]
    assert stated.price == Decimal("0.012144")
    assert "as spot_discount_percent of the usage file states" in stated.assumptions[-1]


def test_tasks_on_instances_of_the_app_are_billed_as_instances() -> None:
    provider = Resource(
        "ECS::CapacityProvider", {"AutoScalingGroupProvider": {"AutoScalingGroupArn": {"Ref": "Group"}}}
    )
    group = Resource("AutoScaling::AutoScalingGroup", {"MinSize": "1", "MaxSize": "1"})
    web = on([{"CapacityProvider": {"Ref": "Provider"}, "Weight": 1}])
    found = estimated(stack_of({"Group": group, "Provider": provider, "Task": definition(), "Web": web}))
    (row,) = [row for row in found.rows if row.type == "AWS::ECS::Service"]
    assert (row.kind, row.assumptions) == (Kind.FREE, ("billed as the instances of Shop/Group",))


@pytest.mark.parametrize(
    ("web", "reason"),
    [
        (on([{"CapacityProvider": "general"}]), "the capacity provider general is not in the app"),
        (on([], Cluster="platform"), "the cluster, whose default strategy"),
        (service(TaskDefinition="web:1"), "the task definition of the service is not in the app"),
        (service(DesiredCount={"Ref": "Count"}), "DesiredCount refers to Count"),
        (service(LaunchType="EXTERNAL"), "AWS bills each external instance"),
        (service(LaunchType="MANAGED_INSTANCES"), "starts instances that the template does not contain"),
    ],
)
def test_a_service_without_what_it_refers_to_is_unknown(web: Resource, reason: str) -> None:
    (row,) = rows({"Task": definition(), "Web": web})
    assert row.kind is Kind.UNKNOWN
    assert reason in row.assumptions[0]
    assert row.month is None


def test_tasks_on_managed_instances_are_unknown() -> None:
    provider = Resource("ECS::CapacityProvider", {"ManagedInstancesProvider": {"PropagateTags": "NONE"}})
    web = on([{"CapacityProvider": {"Ref": "Provider"}}])
    found = rows({"Provider": provider, "Task": definition(), "Web": web})
    assert [row.kind for row in found] == [Kind.UNKNOWN, Kind.UNKNOWN]


def test_daemons_and_launch_type_ec2_are_billed_as_instances() -> None:
    for web in (service(LaunchType="EC2"), service(LaunchType="EC2", SchedulingStrategy="DAEMON")):
        assert rows({"Task": definition(), "Web": web}) == []


def test_each_public_task_has_an_address() -> None:
    network = {"AwsvpcConfiguration": {"AssignPublicIp": "ENABLED", "Subnets": ["subnet-1"]}}
    found = rows({"Task": definition(), "Web": service(NetworkConfiguration=network), "Target": target(1, 3)})
    assert quantities(found)["Public IPv4 address"] == ("730", "2190")
    network["AwsvpcConfiguration"]["AssignPublicIp"] = "DISABLED"
    assert "Public IPv4 address" not in quantities(
        rows({"Task": definition(), "Web": service(NetworkConfiguration=network)})
    )


def test_each_task_has_its_volume() -> None:
    managed = {"SizeInGiB": 10, "VolumeType": "gp3", "Iops": 3500, "Throughput": 200}
    web = service(VolumeConfigurations=[{"Name": "data", "ManagedEBSVolume": managed}])
    found = quantities(rows({"Task": definition(), "Web": web}))
    assert found["EBS volume (gp3)"] == one("20")
    assert found["EBS IOPS (gp3)"] == one("1000")
    assert found["EBS throughput (gp3)"] == one("150")


def test_references_lead_through_other_stacks_and_parameters() -> None:
    platform = stack_of(
        {"Task": definition(Cpu={"Ref": "Cpu"})},
        name="Platform",
        Parameters={"Cpu": {"Type": "Number", "Default": 1024}},
        Outputs={"Task": {"Value": {"Ref": "Task"}, "Export": {"Name": "task"}}},
    )
    web = {"Web": service(TaskDefinition={"Fn::ImportValue": "task"}, DesiredCount={"Fn::If": ["Large", 8, 1]})}
    conditions = {"Large": {"Fn::Equals": ["small", "large"]}}
    shop = stack_of(web, Conditions=conditions)
    found = [row for row in estimated(platform, shop).rows if row.component == VCPU]
    assert [row.quantity and row.quantity.least for row in found] == [Decimal(730)]


def test_a_resource_under_an_open_condition_costs_from_nothing() -> None:
    shop = stack_of({"Task": definition(), "Web": service()}, Conditions={"On": {"Fn::Equals": [{"Ref": "On"}, "yes"]}})
    shop.template["Resources"]["Web"]["Condition"] = "On"
    shop.template["Parameters"] = {"On": {"Type": "String"}}  # type: ignore[index]  # the template of this test
    (row, _) = [row for row in estimated(shop).rows if row.type == "AWS::ECS::Service"]
    assert row.quantity is not None
    assert row.quantity == Range(Decimal(0), Decimal(730))
    assert "exists only under a condition" in row.assumptions[-1]


def test_a_resource_whose_condition_is_false_costs_nothing() -> None:
    shop = stack_of(
        {"Task": definition(), "Web": service()},
        Parameters={"On": {"Type": "String", "Default": "no"}},
        Conditions={"On": {"Fn::Equals": [{"Ref": "On"}, "yes"]}},
    )
    shop.template["Resources"]["Web"]["Condition"] = "On"
    assert [row.type for row in estimated(shop).rows] == ["AWS::ECS::TaskDefinition"]


RUN = {"TaskDefinitionArn": {"Ref": "Task"}, "LaunchType": "FARGATE"}


def test_a_scheduled_task_is_billed_by_run_hours() -> None:
    schedule = Resource(
        "Scheduler::Schedule",
        {"ScheduleExpression": "rate(1 hour)", "Target": {"Arn": "arn:cluster", "EcsParameters": RUN}},
    )
    resources = {"Task": definition(), "Nightly": schedule}
    unknown, known = rows(resources), rows(resources, run_minutes=6)
    assert quantities(unknown) == {"Schedule invocations": one("730"), VCPU: None, MEMORY: None}
    assert (unknown[1].unit, unknown[1].price, unknown[1].kind) == ("run-hour", Decimal("0.02024"), Kind.USE)
    assert quantities(known)[VCPU] == one("73")
    assert quantities(rows(resources, run_minutes=6, runs=10))[VCPU] == one("1")


@pytest.mark.parametrize(("minutes", "hours"), [(0.5, "1"), (1, "1"), (1.5, "1.5")])
def test_a_run_is_billed_for_at_least_a_minute(minutes: float, hours: str) -> None:
    rule = Resource("Events::Rule", {"EventPattern": {}, "Targets": [{"Arn": "arn:cluster", "EcsParameters": RUN}]})
    assert quantities(rows({"Task": definition(), "Rule": rule}, run_minutes=minutes, runs=60))[VCPU] == one(hours)


def test_a_rule_starts_as_many_tasks_as_it_states() -> None:
    target_ = {"Arn": "arn:cluster", "EcsParameters": {**RUN, "TaskCount": 3}}
    rule = Resource("Events::Rule", {"ScheduleExpression": "cron(0 3 * * ? *)", "Targets": [target_]})
    found = rows({"Task": definition(), "Rule": rule}, run_minutes=60)
    assert found[0].quantity is not None
    assert round(found[0].quantity.least, 2) == Decimal("91.25")


def test_a_rule_for_events_does_not_know_its_runs() -> None:
    target_ = {"Arn": "arn:cluster", "EcsParameters": RUN}
    rule = Resource("Events::Rule", {"EventPattern": {"source": ["shop"]}, "Targets": [target_]})
    assert quantities(rows({"Task": definition(), "Rule": rule}, run_minutes=60)) == {VCPU: None, MEMORY: None}
    assert quantities(rows({"Task": definition(), "Rule": rule}, run_minutes=60, runs=5))[VCPU] == one("5")


def test_a_disabled_schedule_runs_nothing() -> None:
    target_ = {"Arn": "arn:cluster", "EcsParameters": RUN}
    rule = Resource("Events::Rule", {"ScheduleExpression": "rate(1 day)", "State": "DISABLED", "Targets": [target_]})
    assert quantities(rows({"Task": definition(), "Rule": rule}, run_minutes=60))[VCPU] == one("0")


def machine(**parameters: Any) -> Resource:
    state = {"Type": "Task", "Resource": "arn:aws:states:::ecs:runTask.sync", "Parameters": parameters, "End": True}
    before, after = json.dumps({"StartAt": "Run", "States": {"Run": state}}).split("TASK")
    return Resource(
        "StepFunctions::StateMachine", {"DefinitionString": {"Fn::Join": ["", [before, {"Ref": "Task"}, after]]}}
    )


def test_a_state_machine_runs_as_often_as_its_schedules_start_it() -> None:
    schedules = {
        name: Resource("Scheduler::Schedule", {"ScheduleExpression": expression, "Target": {"Arn": {"Ref": "Machine"}}})
        for name, expression in (("Day", "rate(2 hours)"), ("Night", "rate(1 hour)"))
    }
    resources = {"Task": definition(), "Machine": machine(TaskDefinition="TASK", LaunchType="FARGATE"), **schedules}
    found = rows(resources, run_minutes=60)
    assert quantities(found)[VCPU] == one("1095")
    assert quantities(found)["State transitions"] is None


def test_a_state_machine_that_nothing_starts_does_not_know_its_runs() -> None:
    resources = {"Task": definition(), "Machine": machine(TaskDefinition="TASK", LaunchType="FARGATE")}
    assert quantities(rows(resources, run_minutes=60))[VCPU] is None


@pytest.mark.parametrize(
    ("expression", "runs"),
    [
        ("rate(1 day)", "30.42"),
        ("rate(5 minutes)", "8760.00"),
        ("cron(0 3 * * ? *)", "30.42"),
        ("cron(0/15 * * * ? *)", "2920.00"),
        ("cron(0 9-17 ? * MON-FRI *)", "195.75"),
        ("cron(30 6,18 1 * ? *)", "2.00"),
        ("cron(0 0 L * ? *)", "1.00"),
        ("cron(0 0 L-2 JAN,JUL ? *)", "0.17"),
        ("cron(0 0 15W * ? *)", "1.00"),
        ("cron(0 0 ? * FRI#2 *)", "1.00"),
        ("cron(0 0 ? * 6L *)", "1.00"),
        ("cron(0 0 ? * L *)", "4.33"),
        ("cron(0 0 ? * FRI-MON *)", "17.42"),
    ],
)
def test_runs_of_a_month_are_a_twelfth_of_those_of_a_year(expression: str, runs: str) -> None:
    found = runs_a_month(expression)
    assert found is not None
    assert f"{found:.2f}" == runs


@pytest.mark.parametrize("expression", ["at(2030-01-01T00:00:00)", "cron(x * * * ? *)", "cron(0 3 * *)", "weekly"])
def test_other_expressions_have_no_regular_runs(expression: str) -> None:
    assert runs_a_month(expression) is None
