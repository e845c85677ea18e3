"""The capacity that tasks and instances lose."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.review.interrupted import interrupted
from moorage.review.refused import refused
from moorage.review.replacement.replacement import replaced
from tests.review.templates import compared

TARGET, GROUP = "AWS::ApplicationAutoScaling::ScalableTarget", "AWS::AutoScaling::AutoScalingGroup"
SERVICE = "AWS::ECS::Service"


def of(type_: str, **properties: Any) -> dict[str, Any]:
    return {"Type": type_, "Properties": properties}


def sentences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    comparison = replaced(compared({"Shop": {"A": before}}, {"Shop": {"A": after}}))
    return [finding.sentence for finding in interrupted(comparison)]


def test_a_lower_maximum_stops_tasks_and_instances() -> None:
    assert sentences(of(TARGET, MaxCapacity=20), of(TARGET, MaxCapacity=4)) == [
        "The scalable target Shop/A permits at most 4 tasks (before: 20): tasks above that are stopped."
    ]
    assert sentences(of(GROUP, MaxSize="10"), of(GROUP, MaxSize="2")) == [
        "The Auto Scaling group Shop/A permits at most 2 instances (before: 10): instances above that are terminated."
    ]
    assert sentences(of(GROUP, MaxSize="2"), of(GROUP, MaxSize="10")) == []
    other = {"ServiceNamespace": "dynamodb"}
    assert sentences(of(TARGET, MaxCapacity=20, **other), of(TARGET, MaxCapacity=4, **other)) == []


def strategy(*providers: tuple[str, int]) -> dict[str, Any]:
    return of(
        SERVICE, CapacityProviderStrategy=[{"CapacityProvider": each, "Weight": weight} for each, weight in providers]
    )


@pytest.mark.parametrize(
    ("before", "after", "is_said"),
    [
        (strategy(("FARGATE", 1)), strategy(("FARGATE_SPOT", 1)), True),
        (strategy(("FARGATE", 1)), strategy(("FARGATE", 0), ("FARGATE_SPOT", 1)), True),
        (strategy(("FARGATE", 1)), strategy(("FARGATE", 1), ("FARGATE_SPOT", 4)), False),
        (strategy(("FARGATE_SPOT", 1)), strategy(("FARGATE_SPOT", 2)), False),
        (strategy(("FARGATE_SPOT", 1)), strategy(("FARGATE", 1)), False),
    ],
)
def test_a_service_only_on_spot_can_be_stopped(before: dict[str, Any], after: dict[str, Any], *, is_said: bool) -> None:
    said = "runs its tasks only on Fargate Spot"
    assert any(said in each for each in sentences(before, after)) is is_said


def test_a_capacity_provider_in_use_stays_in_the_cluster() -> None:
    def shop(associated: list[str], used: str) -> dict[str, Any]:
        providers = [{"Ref": each} for each in associated]
        service = of(SERVICE, CapacityProviderStrategy=[{"CapacityProvider": {"Ref": used}, "Weight": 1}])
        associations = of("AWS::ECS::ClusterCapacityProviderAssociations", CapacityProviders=providers)
        return {
            "One": of("AWS::ECS::CapacityProvider"),
            "Two": of("AWS::ECS::CapacityProvider"),
            "All": associations,
            "Web": service,
        }

    def said(base: dict[str, Any], head: dict[str, Any]) -> list[str]:
        return [finding.sentence for finding in refused(replaced(compared({"Shop": base}, {"Shop": head})))]

    assert said(shop(["One", "Two"], "One"), shop(["Two"], "Two")) == [
        "The update of the ECS cluster capacity provider associations Shop/All may be refused: it removes the ECS "
        "capacity provider Shop/One from the cluster, which ECS does not permit while tasks run on it."
    ]
    assert said(shop(["One", "Two"], "Two"), shop(["Two"], "Two")) == []
    assert said(shop(["One"], "One"), shop(["One", "Two"], "Two")) == []


def test_a_function_without_concurrency_is_off() -> None:
    function = "AWS::Lambda::Function"
    (said,) = sentences(of(function, ReservedConcurrentExecutions=10), of(function, ReservedConcurrentExecutions=0))
    assert said == "The Lambda function Shop/A is turned off: Lambda refuses all its invocations."
    assert len(sentences(of(function), of(function, ReservedConcurrentExecutions=0))) == 1
    assert sentences(of(function, ReservedConcurrentExecutions=10), of(function, ReservedConcurrentExecutions=1)) == []


@pytest.mark.parametrize(
    ("cpu", "memory", "compatibility", "count"),
    [
        ("256", "512", "FARGATE", 0),
        ("256", "4096", "FARGATE", 1),
        (512, 4096, "FARGATE", 0),
        (512, 4097, "FARGATE", 1),
        ("256", "4096", "EC2", 0),
        ({"Ref": "Cpu"}, "4096", "FARGATE", 0),
    ],
)
def test_a_task_has_a_size_of_fargate(cpu: Any, memory: Any, compatibility: str, count: int) -> None:
    def task(cpu: Any, memory: Any) -> dict[str, Any]:
        return of("AWS::ECS::TaskDefinition", Cpu=cpu, Memory=memory, RequiresCompatibilities=[compatibility])

    base, head = ({"Shop": {"A": each}} for each in (task("1024", "2048"), task(cpu, memory)))
    findings = list(refused(replaced(compared(base, head))))
    assert len(findings) == count
    if cpu == "256" and count:
        assert findings[0].sentence == (
            "The ECS task definition Shop/A is refused: Fargate offers no task with 256 CPU units and 4096 MiB."
        )
        assert findings[0].details == (
            "The nearest sizes: 512 CPU units with 4096 MiB or 256 CPU units with 2048 MiB.",
        )
