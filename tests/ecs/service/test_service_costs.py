"""The monthly cost of a service, and the advice on its launch type, without an assembly."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_scheduler as scheduler

from moorage import (
    Architecture,
    Capacity,
    Cluster,
    Container,
    Network,
    Placement,
    Scaling,
    Service,
    Strategy,
    Task,
    Volume,
)
from moorage.advice.launch_type import LaunchType
from moorage.advice.monthly_cost import MonthlyCost
from moorage.assembly.cloud_assembly import stacks_of
from moorage.cost.amounts import Range
from moorage.cost.estimate import estimate
from moorage.prices.book import PriceBook
from moorage.workload.scaling_targets import ScheduledAction
from moorage.workload.task import OperatingSystemFamily

HALF: dict[str, Any] = {"cpu": 512, "memory_mib": 1024}
NGINX = Container("public.ecr.aws/nginx/nginx-unprivileged:1.29", port=8080, writable=["/tmp"])
VCPU, MEMORY = Decimal("0.04048"), Decimal("0.004445")


def service(stack: cdk.Stack, vpc: ec2.IVpc, *, capacity: Any = None, **arguments: Any) -> Service:
    capacities = list(capacity.weights) if isinstance(capacity, Strategy) else [capacity or Capacity.fargate()]
    cluster = Cluster(stack, "Cluster", vpc=vpc, capacity=capacities)
    arguments = {"task": Task(NGINX, **HALF), **arguments}
    return Service(stack, "Web", cluster=cluster, capacity=capacity, **arguments)


def cost_of(found: Service, **arguments: Any) -> MonthlyCost:
    cost = found.monthly_cost(**arguments)
    assert cost is not None
    return cost


def test_the_cost_is_that_of_the_least_to_the_most_copies(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cost = cost_of(service(stack, vpc, scaling=Scaling(2, 6, cpu_percent=60)))
    one = 730 * (VCPU / 2 + MEMORY)
    assert (cost.least, cost.most) == (2 * one, 6 * one)
    assert str(cost) == (
        "Shop/Web costs $36.04 to 108 a month in us-east-1:\n"
        "- Fargate vCPU: $29.55 to 88.65\n"
        "- Fargate memory: $6.49 to 19.47\n"
        f"{cost.assumptions[0]}\n"
        "Load balancers, volumes, Container Insights, state machines, queues, logs and traffic are not part of the "
        "cost."
    )


@pytest.mark.parametrize(
    "sizes",
    [
        HALF,
        {**HALF, "architecture": Architecture.ARM64, "ephemeral_storage_gib": 50},
        {"cpu": 2048, "memory_mib": 16384},
    ],
)
def test_the_components_cost_what_the_command_estimates(
    app: cdk.App, stack: cdk.Stack, vpc: ec2.IVpc, sizes: dict[str, Any]
) -> None:
    ours = cost_of(service(stack, vpc, task=Task(NGINX, **sizes), scaling=Scaling(2, 6, cpu_percent=60)))
    rows = {row.component: row.month for row in estimate(stacks_of(Path(app.synth().directory)), PriceBook.load()).rows}
    assert len(ours.parts) >= 2
    for part in ours.parts:
        assert rows[part.part.name] == Range(part.least, part.most)


def test_schedules_widen_the_range(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    night = ScheduledAction("night", scheduler.ScheduleExpression.cron(hour="20"), minimum=1, maximum=1)
    day = ScheduledAction("day", scheduler.ScheduleExpression.cron(hour="8"), minimum=8, maximum=9)
    cost = cost_of(service(stack, vpc, scaling=Scaling(2, schedules=[night, day])))
    assert cost.most == 9 * cost.least


def test_the_region_is_that_of_the_stack_unless_another_is_given(app: cdk.App) -> None:
    stack = cdk.Stack(app, "There", env=cdk.Environment(account="111111111111", region="sa-east-1"))
    there = service(stack, ec2.Vpc(stack, "Vpc"))
    assert cost_of(there).region == "sa-east-1"
    assert cost_of(there).least > cost_of(there, region="us-east-1").least
    advice = there.advise()
    assert advice is not None
    assert advice.region == "sa-east-1"


def test_a_region_without_prices_is_an_assumption(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cost = cost_of(service(stack, vpc), region="xx-nowhere-1")
    assert "The price of Fargate vCPU is that of us-east-1." in cost.assumptions


def test_storage_graviton_and_windows_have_their_own_prices(app: cdk.App, vpc: ec2.IVpc) -> None:
    def cost(name: str, task: Task) -> MonthlyCost:
        return cost_of(service(cdk.Stack(app, name), vpc, task=task, scaling=Scaling(1)))

    plain = cost("Plain", Task(NGINX, **HALF))
    assert cost("Stored", Task(NGINX, **HALF, ephemeral_storage_gib=30)).least - plain.least == 730 * Decimal("0.00111")
    arm = cost("Arm", Task(NGINX, **HALF, architecture=Architecture.ARM64))
    assert arm.least == 730 * (Decimal("0.03238") / 2 + Decimal("0.00356"))
    image = Container("mcr.microsoft.com/windows/servercore/iis:latest", port=80)
    windows = Task(
        image, cpu=1024, memory_mib=2048, operating_system_family=OperatingSystemFamily.WINDOWS_SERVER_2022_CORE
    )
    assert "Fargate Windows license" in {each.part.name for each in cost("Windows", windows).parts}


def test_spot_is_unknown_and_its_share_of_the_copies_is_left_out(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    general, spot = Capacity.fargate(), Capacity.fargate_spot()
    strategy = Strategy({general: 1, spot: 3}, base={general: 2})
    cost = cost_of(service(stack, vpc, capacity=strategy, scaling=Scaling(2, 10, cpu_percent=60)))
    assert cost.unknown == ("Fargate Spot vCPU", "Fargate Spot memory")
    assert cost.most == 2 * cost.least  # two, and a quarter of the other eight
    assert ", without Fargate Spot vCPU and Fargate Spot memory:" in str(cost)
    assert any("assume a discount" in sentence for sentence in cost.assumptions)


def test_a_capacity_without_copies_is_left_out(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    strategy = Strategy({Capacity.fargate(): 1, Capacity.fargate_spot(): 0})
    assert cost_of(service(stack, vpc, capacity=strategy)).unknown == ()


def test_volumes_of_the_host_need_instances(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    capacity = Capacity.ec2("general", instance_types=["m7i.large"], max_instances=4)
    mounted = Task(
        attrs.evolve(NGINX, mounts={"/data": "data"}), **HALF, volumes=Volume.bind_mount("data", host_path="/data")
    )
    advice = service(stack, vpc, capacity=capacity, task=mounted).advise()
    assert advice is not None
    assert "Fargate has no folders of a host." in advice.reason


def test_public_addresses_are_billed(app: cdk.App, vpc: ec2.IVpc) -> None:
    addressed = service(cdk.Stack(app, "Addressed"), vpc, assign_public_ip=True, scaling=Scaling(2))
    private = service(cdk.Stack(app, "Private"), vpc, scaling=Scaling(2))
    assert cost_of(addressed).least - cost_of(private).least == 2 * 730 * Decimal("0.005")


def test_tasks_on_instances_have_no_cost_of_their_own(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    capacity = Capacity.ec2("general", instance_types=["m7i.large"], max_instances=4)
    cost = cost_of(service(stack, vpc, capacity=capacity))
    assert cost.least == 0
    assert "- Tasks on EC2 instances: no cost of its own (AWS bills the instances of the cluster)" in str(cost)


def test_the_fee_of_managed_instances_is_unknown(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cost = cost_of(service(stack, vpc, capacity=Capacity.managed_instances("managed")))
    assert cost.unknown == ("ECS Managed Instances",)
    assert "- ECS Managed Instances: unknown (AWS chooses the types)" in str(cost)


def test_the_advice_of_a_service_is_that_of_its_task(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    advice = service(stack, vpc, scaling=Scaling(2, 6, cpu_percent=60)).advise()
    assert advice is not None
    assert advice.advised is not None
    assert advice.advised.launch_type is LaunchType.FARGATE
    assert str(advice).startswith("Shop/Web (service on Fargate, 2 to 6 copies of 0.5 vCPU and 1 GiB)\noption ")
    assert "\nSources:\n- " in str(advice)
    (workload,) = advice.workloads
    assert (workload.cpu, workload.memory_mib, workload.least, workload.most) == (512, 1024, 2, 6)


def test_a_service_on_spot_can_be_interrupted(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    found = service(stack, vpc, capacity=Capacity.fargate_spot())
    for interruptible, launch_type in ((None, LaunchType.FARGATE_SPOT), (False, LaunchType.FARGATE)):
        advice = found.advise(interruptible=interruptible)
        assert advice is not None
        assert advice.advised is not None
        assert advice.advised.launch_type is launch_type


def test_a_daemon_has_an_advice(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    capacity = Capacity.ec2("general", instance_types=["m7i.large"], max_instances=4)
    found = service(stack, vpc, capacity=capacity, placement=Placement(daemon=True))
    advice = found.advise()
    assert advice is not None
    assert advice.reason.startswith("A daemon")
    assert cost_of(found).most == 0


def test_a_number_of_copies_that_is_known_only_at_deployment_has_no_cost(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    copies = cdk.CfnParameter(stack, "Copies", type="Number").value_as_number
    found = service(stack, vpc, scaling=Scaling(copies))  # type: ignore[arg-type]  # a token is a float
    assert found.monthly_cost() is None
    assert found.advise() is None


def test_wrong_numbers_are_refused(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    found = service(stack, vpc)
    with pytest.raises(ValueError, match=re.escape("savings_plan_percent must be between 0 and 100 (got 120)")):
        found.advise(savings_plan_percent=120)
    with pytest.raises(ValueError, match=re.escape("upkeep_hours must be at least 0 (got -1)")):
        found.advise(upkeep_hours=-1)


def test_a_wrong_assumption_names_the_construct(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    found, cluster = costed(stack, vpc)
    with pytest.raises(ValueError, match="^Shop/Web: savings_plan_percent must be"):
        found.advise(savings_plan_percent=120)
    with pytest.raises(ValueError, match="^Shop/Cluster: savings_plan_percent must be"):
        cluster.advise(savings_plan_percent=120)


def test_a_region_that_is_no_code_is_refused(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    found, cluster = costed(stack, vpc)
    network = Network(stack, "Network")
    for method in (found.monthly_cost, found.advise, cluster.advise, network.monthly_cost):
        for wrong in ("nowhere", ""):
            said = f'region must be the code of a region (got {wrong!r}); write one, such as region="eu-west-1"'
            with pytest.raises(ValueError, match=rf"^Shop/\w+: {re.escape(said)}$"):
                method(region=wrong)


def costed(stack: cdk.Stack, vpc: ec2.IVpc) -> tuple[Service, Cluster]:
    cluster = Cluster(stack, "Cluster", vpc=vpc)
    return Service(stack, "Web", cluster=cluster, task=Task(NGINX, **HALF)), cluster
