"""Random updates: for each error that the library once had, the update that CloudFormation would refuse is found."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import SUMMARY_PROPERTY
from tools.fuzz import updates
from tools.fuzz.__main__ import SEED
from tools.fuzz.deployment import update_problems
from tools.fuzz.updates import KINDS, UpdateReport, run_updates

ELB = "AWS::ElasticLoadBalancingV2::"
Stacks = dict[str, dict[str, Any]]


def resource(resource_type: str, **properties: Any) -> dict[str, Any]:
    return {"Type": resource_type, "Properties": properties}


def ref(logical_id: str) -> dict[str, str]:
    return {"Ref": logical_id}


def rule(listener: Any, priority: int, *groups: str) -> dict[str, Any]:
    forward = [{"TargetGroupArn": ref(group)} for group in groups]
    action = {"Type": "forward", "ForwardConfig": {"TargetGroups": forward}}
    return resource(f"{ELB}ListenerRule", ListenerArn=listener, Priority=priority, Actions=[action])


def group(port: int = 80, **properties: Any) -> dict[str, Any]:
    return resource(f"{ELB}TargetGroup", Port=port, VpcId="vpc-1", **properties)


def shop() -> Stacks:
    """Return two stacks: a load balancer and a cluster, and a service with two routes and a Service Connect name."""
    exported = {"Export": {"Name": "Platform:Https"}, "Value": ref("Https")}
    imported = {"Fn::ImportValue": "Platform:Https"}
    connect = {"Namespace": "shop", "Services": [{"PortName": "web", "DiscoveryName": "web"}]}
    return {
        "Platform": {
            "Resources": {
                "Edge": resource(f"{ELB}LoadBalancer", Scheme="internal"),
                "Gate": resource(f"{ELB}LoadBalancer", Type="network"),
                "Https": resource(f"{ELB}Listener", LoadBalancerArn=ref("Edge"), Port=443),
                "Own": group(),
                "OwnRule": rule(ref("Https"), 10, "Own"),
                "Mqtt": resource(f"{ELB}Listener", LoadBalancerArn=ref("Gate"), Port=1883),
                "Other": resource(f"{ELB}Listener", LoadBalancerArn=ref("Gate"), Port=8883),
                "Alarm": resource("AWS::CloudWatch::Alarm", AlarmName="errors"),
            },
            "Outputs": {"Https": exported},
        },
        "Shop": {
            "Resources": {
                "First": group(),
                "Second": group(),
                "Rule": rule(imported, 1, "First"),
                "Rule2": rule(imported, 2, "Second"),
                "Web": resource("AWS::ECS::Service", Cluster="shop", ServiceConnectConfiguration=connect),
                "Open": resource("AWS::EC2::SecurityGroupIngress", GroupId="sg-1", IpProtocol="tcp", FromPort=80),
            }
        },
    }


def number_routes(stacks: Stacks) -> None:
    """Identify routes by their position in the list, and remove the first."""
    resources = stacks["Shop"]["Resources"]
    resources["Rule"]["Properties"]["Priority"] = 2
    del resources["Rule2"]


def number_listeners(stacks: Stacks) -> None:
    resources = stacks["Platform"]["Resources"]
    resources["Mqtt"]["Properties"]["Port"] = 8883
    resources["Other"]["Properties"]["Port"] = 1883


def give_the_container_port_to_the_target_group(stacks: Stacks) -> None:
    stacks["Shop"]["Resources"]["First"]["Properties"]["Port"] = 8080


def name_the_target_group_after_its_host(stacks: Stacks) -> None:
    resources = stacks["Shop"]["Resources"]
    resources["FirstapiexamplecomAB"] = resources.pop("First")
    resources["Rule"] = rule({"Fn::ImportValue": "Platform:Https"}, 1, "FirstapiexamplecomAB")


def keep_the_target_groups_of_a_new_load_balancer(stacks: Stacks) -> None:
    stacks["Platform"]["Resources"]["Edge"]["Properties"]["Scheme"] = "internet-facing"
    del stacks["Shop"]


def remove_an_export(stacks: Stacks) -> None:
    del stacks["Platform"]["Outputs"]["Https"]


def replace_what_is_exported(stacks: Stacks) -> None:
    resources, outputs = stacks["Platform"]["Resources"], stacks["Platform"]["Outputs"]
    resources["Http"] = resources.pop("Https")
    resources["Http"]["Properties"]["Port"] = 80
    resources["OwnRule"]["Properties"]["ListenerArn"] = ref("Http")
    outputs["Https"]["Value"] = ref("Http")


def write_a_name_twice(stacks: Stacks) -> None:
    resources = stacks["Platform"]["Resources"]
    resources["Alarm2"] = copy.deepcopy(resources["Alarm"])


def rename_what_has_a_written_name(stacks: Stacks) -> None:
    resources = stacks["Platform"]["Resources"]
    resources["Renamed"] = resources.pop("Alarm")


def move_a_service_to_another_stack(stacks: Stacks) -> None:
    old = stacks.pop("Shop")
    moved = {name: old["Resources"].pop(name) for name in ("First", "Rule")}
    stacks |= {"Moved": {"Resources": moved}, "Shop": old}


def replace_a_connected_service(stacks: Stacks) -> None:
    stacks["Shop"]["Resources"]["Web"]["Properties"]["SchedulingStrategy"] = "REPLICA"


def let_a_stack_in_twice(stacks: Stacks) -> None:
    opening = copy.deepcopy(stacks["Shop"]["Resources"]["Open"])
    opening["Properties"]["Description"] = "the same again"
    stacks["Moved"] = {"Resources": {"Open": opening}}


def give_an_id_to_another_type(stacks: Stacks) -> None:
    stacks["Platform"]["Resources"]["Alarm"]["Type"] = "AWS::CloudWatch::CompositeAlarm"


FAULTS: dict[Callable[[Stacks], None], str] = {
    number_routes: 'priority ["AWS::ElasticLoadBalancingV2::ListenerRule", "<Platform.Https@0>", 2] is still',
    number_listeners: 'port ["AWS::ElasticLoadBalancingV2::Listener", "<Platform.Gate@0>", 8883] is still that of',
    give_the_container_port_to_the_target_group: "Shop/Rule stays and leads only to new target groups: <Shop.First@1>",
    name_the_target_group_after_its_host: "Shop/Rule stays and leads only to new target groups: <Shop.Firstapi",
    keep_the_target_groups_of_a_new_load_balancer: "target group <Platform.Own@0> is behind more than one load",
    remove_an_export: 'export "Platform:Https" is removed while Shop uses it',
    replace_what_is_exported: 'export "Platform:Https" changes while Shop uses it',
    write_a_name_twice: 'Alarm2: name ["AWS::CloudWatch::Alarm", "errors"] is still that of Platform/Alarm',
    rename_what_has_a_written_name: 'Renamed: name ["AWS::CloudWatch::Alarm", "errors"] is still that of',
    move_a_service_to_another_stack: "Moved/Rule: priority",
    replace_a_connected_service: 'Service Connect name ["shop", "web"] is still that of Shop/Web',
    let_a_stack_in_twice: "Moved/Open: security group rule",
    give_an_id_to_another_type: "Platform/Alarm: type AWS::CloudWatch::Alarm becomes AWS::CloudWatch::CompositeAlarm",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_an_error_that_is_reintroduced_is_found(fault: Callable[[Stacks], None]) -> None:
    changed = shop()
    fault(changed)
    assert any(FAULTS[fault] in problem for problem in update_problems(shop(), changed)), update_problems(
        shop(), changed
    )


def add_and_remove_routes(stacks: Stacks) -> None:
    resources = stacks["Shop"]["Resources"]
    resources["Third"] = group(8080)
    resources["Rule3"] = rule({"Fn::ImportValue": "Platform:Https"}, 3, "Third")
    del resources["Rule"], resources["First"]


def turn_one_target_group(stacks: Stacks) -> None:
    resources = stacks["Shop"]["Resources"]
    resources["Alternate"] = group()
    resources["Rule"] = rule({"Fn::ImportValue": "Platform:Https"}, 1, "First", "Alternate")


def replace_the_load_balancer_with_its_target_group(stacks: Stacks) -> None:
    resources = stacks["Platform"]["Resources"]
    resources["Edge"]["Properties"]["Scheme"] = "internet-facing"
    resources["OwnPublic"] = resources.pop("Own")
    resources["OwnRule"] = rule(ref("Https"), 10, "OwnPublic")
    del stacks["Shop"]


@pytest.mark.parametrize(
    "change", [add_and_remove_routes, turn_one_target_group, replace_the_load_balancer_with_its_target_group]
)
def test_a_harmless_update_is_no_finding(change: Callable[[Stacks], None]) -> None:
    changed = shop()
    change(changed)
    before = shop() if "Shop" in changed else {"Platform": shop()["Platform"]}
    assert update_problems(before, changed) == []


@pytest.mark.slow
def test_random_updates_take_nothing_from_existing_resources(record_property: Callable[[str, object], None]) -> None:
    report = run_updates(3 * len(KINDS), SEED)
    record_property(SUMMARY_PROPERTY, str(report))
    assert "\n\n".join(report.failures) == ""
    assert min(report.checked[kind] for kind in KINDS) >= 2


def test_a_kind_that_is_rarely_drawn_fails_a_run() -> None:
    drawn = dict.fromkeys(KINDS, 60)
    assert UpdateReport(Counter({**drawn, "names": 24})).failures == ["names was drawn 24 times"]
    assert UpdateReport(Counter({**drawn, "names": 25})).failures == []


def test_a_failing_update_is_shown_with_both_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(updates, "update_problems", lambda *_: ["Shop/Rule: priority 1 is still that of Shop/Other"])
    report = run_updates(1, SEED)
    (finding,) = report.findings
    assert str(report).endswith("1 go wrong")
    assert str(finding).startswith("update of route order: Shop/Rule: priority 1 is still")
    assert str(finding).count("cluster = Cluster(platform, ") == 2
