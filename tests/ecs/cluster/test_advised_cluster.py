"""The advice on all workloads of a cluster, in code."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_events as events
from aws_cdk import aws_scheduler as scheduler

from moorage import (
    Architecture,
    Capacity,
    Cluster,
    Container,
    Job,
    Placement,
    Scaling,
    Schedule,
    ScheduledAction,
    Service,
    Task,
    Worker,
)
from moorage.advice.advice import Advice
from moorage.advice.launch_type import LaunchType
from moorage.advice.offers import Offer
from moorage.advice.workload import Workload, WorkloadKind

NGINX = Container("public.ecr.aws/nginx/nginx-unprivileged:1.29", port=8080, writable=["/tmp"])
SMALL: dict[str, Any] = {"task": Task(NGINX, cpu=256, memory_mib=512)}
NIGHTLY = scheduler.ScheduleExpression.cron(hour="3", minute="0")


def workload_of(advice: Advice | None) -> Workload:
    assert advice is not None
    (workload,) = advice.workloads
    return workload


def option(advice: Advice | None, launch_type: LaunchType) -> Offer:
    assert advice is not None
    own = advice.workloads[0].architectures[0]
    (found,) = [each for each in advice.options if (each.launch_type, each.architecture) == (launch_type, own)]
    return found


def test_small_tasks_of_a_cluster_share_instances_and_their_upkeep(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cluster = Cluster(stack, "Cluster", vpc=vpc)
    Service(stack, "Web", cluster=cluster, **SMALL)
    Service(stack, "Api", cluster=cluster, **SMALL)
    *each, together = cluster.advise(trunking=True)
    assert [advice.subject for advice in each] == ["Shop/Web", "Shop/Api"]
    assert together.subject == "Shop/Cluster, 2 workloads together"
    for advice in (*each, together):
        offer = option(advice, LaunchType.EC2)
        assert offer.hosts is not None
        assert (offer.hosts.least, int(offer.upkeep)) == (2, 100)


def test_each_construct_of_a_cluster_has_advice(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cluster = Cluster(stack, "Cluster", vpc=vpc)
    Service(stack, "Web", cluster=cluster, **SMALL)
    Worker(stack, "Mailer", cluster=cluster, scaling=Scaling(0, 9, backlog_per_task=10), **SMALL)
    Job(stack, "Report", cluster=cluster, schedule=NIGHTLY, **SMALL)
    kinds = {advice.subject: workload_of(advice).kind for advice in cluster.advise()[:3]}
    assert kinds == {
        "Shop/Web": WorkloadKind.SERVICE,
        "Shop/Mailer": WorkloadKind.WORKER,
        "Shop/Report": WorkloadKind.JOB,
    }


def test_architectures_are_compared_apart_and_what_cannot_choose_is_not(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    general = Capacity.ec2("general", instance_types=["m7i.large"], max_instances=9)
    cluster = Cluster(stack, "Cluster", vpc=vpc, capacity=[Capacity.fargate(), general])
    for name in ("Web", "Api"):
        Service(stack, name, cluster=cluster, **SMALL)
    arm = Task(NGINX, cpu=256, memory_mib=512, architecture=Architecture.ARM64)
    Service(stack, "Arm", cluster=cluster, task=arm)
    Service(stack, "Agent", cluster=cluster, capacity=general, placement=Placement(daemon=True), **SMALL)
    assert [advice.subject for advice in cluster.advise()] == [
        *("Shop/Web", "Shop/Api", "Shop/Arm", "Shop/Agent"),
        "Shop/Cluster, 2 workloads together",
    ]


def test_a_cluster_without_services_has_no_advice(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    assert Cluster(stack, "Cluster", vpc=vpc).advise() == ()


def test_what_is_removed_or_known_only_at_deployment_is_left_out(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cluster = Cluster(stack, "Cluster", vpc=vpc)
    Service(stack, "Removed", cluster=cluster, **SMALL)
    stack.node.try_remove_child("Removed")
    copies: Any = cdk.CfnParameter(stack, "Copies", type="Number").value_as_number
    Service(stack, "Unknown", cluster=cluster, scaling=Scaling(copies), **SMALL)
    with pytest.raises(ValueError, match="scaling"):
        Worker(stack, "Wrong", cluster=cluster, scaling=Scaling(1, 2, requests_per_task=5), **SMALL)
    assert cluster.advise() == ()


def test_services_of_an_imported_cluster_have_advice_of_their_own(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cluster = Cluster.from_attributes(stack, "Cluster", cluster_name="shop", vpc=vpc)
    assert workload_of(Service(stack, "Web", cluster=cluster, **SMALL).advise()).least == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"savings_plan_percent": 101}, "savings_plan_percent must be between 0 and 100 (got 101); use a percentage"),
        ({"ec2_spot_percent": -1}, "ec2_spot_percent must be between 0 and 100 (got -1); use a percentage"),
        ({"upkeep_hours": -1}, "upkeep_hours must be at least 0 (got -1); use 0 or more"),
        (
            {"savings_plan_percent": "20"},
            "Cluster.advise: savings_plan_percent must be of type float (got '20' of type",
        ),
        ({"hourly_rate": float("nan")}, "Cluster.advise: hourly_rate must be of type float (got nan of type float)"),
        ({"trunking": 1}, "Cluster.advise: trunking must be of type bool or None (got 1 of type int)"),
    ],
)
def test_wrong_arguments_are_one_sentence(
    stack: cdk.Stack, vpc: ec2.IVpc, arguments: dict[str, Any], sentence: str
) -> None:
    with pytest.raises((ValueError, TypeError), match=re.escape(sentence)):
        Cluster(stack, "Cluster", vpc=vpc).advise(**arguments)


def test_a_token_is_refused_in_one_short_sentence(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    percent = cdk.CfnParameter(stack, "Percent", type="Number").value_as_number
    with pytest.raises(ValueError, match=r"savings_plan_percent must be between 0 and 100 \(got -1.\d+e\+289\)"):
        Cluster(stack, "Cluster", vpc=vpc).advise(savings_plan_percent=percent)


def test_the_region_can_be_a_token(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    service = Service(stack, "Web", cluster=Cluster(stack, "Cluster", vpc=vpc), **SMALL)
    assert service.advise(region=stack.region) == service.advise()
    cost = service.monthly_cost(region=stack.region)
    assert cost is not None
    assert cost.region == "us-east-1"


def test_a_region_without_prices_is_said(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    advice = Service(stack, "Web", cluster=Cluster(stack, "Cluster", vpc=vpc), **SMALL).advise(region="xx-nowhere-1")
    assert "since it lacks prices of Fargate or EC2 in xx-nowhere-1." in str(advice)


def test_the_schedules_of_a_service_decide_how_long_its_most_copies_run(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    day = ScheduledAction("day", scheduler.ScheduleExpression.cron(hour="8", minute="0"), minimum=10, maximum=10)
    night = ScheduledAction("night", scheduler.ScheduleExpression.cron(hour="20", minute="0"), minimum=2, maximum=2)
    once = ScheduledAction("sale", scheduler.ScheduleExpression.expression("at(2030-01-01T00:00:00)"), maximum=10)
    cluster = Cluster(stack, "Cluster", vpc=vpc)
    for name, schedules in (("Web", [day, night]), ("Sale", [day, night, once])):
        service = Service(stack, name, cluster=cluster, scaling=Scaling(2, schedules=schedules), **SMALL)
        assert workload_of(service.advise()).hours_at_most == 365
    alone = Service(stack, "Once", cluster=cluster, scaling=Scaling(2, schedules=[once]), **SMALL)
    assert workload_of(alone.advise()).hours_at_most is None


@pytest.mark.parametrize(
    ("trigger", "arguments", "count", "minutes", "assumed"),
    [
        ({"schedule": NIGHTLY}, {}, "30.4", 15, True),
        ({"schedule": NIGHTLY}, {"run_minutes": 60}, "30.4", 60, False),
        ({"schedule": NIGHTLY}, {"run_minutes": 60, "runs_per_month": 4}, "4", 60, False),
        ({"schedule": Schedule(NIGHTLY, enabled=False)}, {"run_minutes": 60}, "0", 60, False),
        ({"schedule": scheduler.ScheduleExpression.expression("rate(1 hour)")}, {}, "730", 15, True),
        ({"schedule": scheduler.ScheduleExpression.expression("at(2030-01-01T00:00:00)")}, {}, "30", 15, True),
        ({"event": events.EventPattern(source=["shop"])}, {"run_minutes": 1}, "30", 1, True),
        ({}, {"runs_per_month": 1.5, "run_minutes": 0.5}, "1.5", 0.5, False),
    ],
)
def test_the_runs_of_a_job(
    stack: cdk.Stack,
    vpc: ec2.IVpc,
    trigger: dict[str, Any],
    arguments: dict[str, Any],
    count: str,
    minutes: float,
    *,
    assumed: bool,
) -> None:
    job = Job(stack, "Report", cluster=Cluster(stack, "Cluster", vpc=vpc), **trigger, **SMALL)
    runs = workload_of(job.advise(**arguments)).runs
    assert runs is not None
    assert (round(runs.count, 1), float(runs.hours * 60), runs.assumed) == (Decimal(count), minutes, assumed)
    cost = job.monthly_cost(**arguments)
    assert cost is not None
    hours = runs.count * max(Decimal(str(minutes)), Decimal(1)) / 60
    assert round(cost.least, 9) == round(hours * (Decimal("0.04048") / 4 + Decimal("0.004445") / 2), 9)
    assert cost.assumptions[-1] == f"The job {runs}."
    assert ("an assumption" in cost.assumptions[-1]) is assumed


def test_negative_runs_are_refused(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    job = Job(stack, "Report", cluster=Cluster(stack, "Cluster", vpc=vpc), **SMALL)
    sentence = "Shop/Report: run_minutes must be at least 0 (got -1); use 0 or more"
    with pytest.raises(ValueError, match=re.escape(sentence)):
        job.monthly_cost(run_minutes=-1)
    with pytest.raises(TypeError, match=re.escape("Job.advise: runs_per_month must be of type float or None (got '9'")):
        job.advise(runs_per_month="9")  # type: ignore[arg-type]  # the test


def test_a_worker_has_the_cost_of_its_service_and_its_own_name(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cluster = Cluster(stack, "Cluster", vpc=vpc)
    worker = Worker(stack, "Mailer", cluster=cluster, scaling=Scaling(1, 3, backlog_per_task=10), **SMALL)
    cost = worker.monthly_cost()
    assert cost is not None
    assert cost.subject == "Shop/Mailer"
    assert cost.most == 3 * cost.least == 3 * 730 * (Decimal("0.04048") / 4 + Decimal("0.004445") / 2)
    with pytest.raises(TypeError, match=re.escape("Worker.monthly_cost: region must be of type str or None (got 5")):
        worker.monthly_cost(region=5)  # type: ignore[arg-type]  # the test


def test_a_size_that_the_containers_decide_is_that_on_fargate(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    sized = Task(
        Container("public.ecr.aws/docker/library/redis:8", cpu=300, memory_mib=1100), cpu=None, memory_mib=None
    )
    service = Service(stack, "Cache", cluster=Cluster(stack, "Cluster", vpc=vpc), task=sized, scaling=Scaling(1))
    workload = workload_of(service.advise())
    assert (workload.cpu, workload.memory_mib) == (512, 2048)
    cost = service.monthly_cost()
    assert cost is not None
    assert cost.least == 730 * (Decimal("0.04048") / 2 + 2 * Decimal("0.004445"))


def test_a_size_that_is_a_token_has_no_cost(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    size: Any = cdk.CfnParameter(stack, "Size", type="Number").value_as_number
    cluster = Cluster(stack, "Cluster", vpc=vpc)
    for name, sizes in {"Memory": {"memory_mib": size}, "Disk": {"ephemeral_storage_gib": size}}.items():
        task = Task(NGINX, **{"cpu": 256, "memory_mib": 512, **sizes})
        service = Service(stack, name, cluster=cluster, task=task)
        assert (service.advise(), service.monthly_cost()) == (None, None)
        job = Job(stack, f"{name}Job", cluster=cluster, task=task)
        assert (job.advise(), job.monthly_cost()) == (None, None)


def test_ec2_is_compared_on_the_types_of_the_cluster(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    general = Capacity.ec2("general", instance_types=["m6i.xlarge", "m7i.large"], max_instances=9, trunking=True)
    cluster = Cluster(stack, "Cluster", vpc=vpc, capacity=[Capacity.fargate(), general])
    for name, capacity in (("Here", general), ("There", Capacity.fargate())):
        chosen = capacity if capacity is general else cluster.capacities[0]
        advice = Service(stack, name, cluster=cluster, capacity=chosen, **SMALL).advise()
        hosts = option(advice, LaunchType.EC2).hosts
        assert hosts is not None
        assert (hosts.instance_type, hosts.copies_each) == ("m6i.xlarge", 16)  # with trunking, as the capacity states
        assert advice is not None
        sentence = "EC2 on demand is compared only on the instance types of the cluster: m6i.xlarge, m7i.large."
        assert sentence in advice.assumptions
        assert any(flip.endswith("on m6i.xlarge, a type of the cluster.") for flip in advice.flips)


def test_the_zones_are_those_of_the_subnets(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Shop", env=cdk.Environment(account="111111111111", region="eu-west-1"))
    three = ec2.Vpc.from_vpc_attributes(
        stack,
        "Three",
        vpc_id="vpc-1",
        availability_zones=["eu-west-1a", "eu-west-1b", "eu-west-1c"],
        private_subnet_ids=["subnet-1", "subnet-2", "subnet-3"],
    )
    cluster = Cluster(stack, "Cluster", vpc=three)
    one = ec2.SubnetSelection(availability_zones=["eu-west-1b"])
    lonely = ec2.SubnetSelection(subnets=[ec2.Subnet.from_subnet_id(stack, "Subnet", "subnet-9")])
    for name, subnets, zones in (("All", None, 3), ("One", one, 1), ("Lonely", lonely, 1)):
        service = Service(stack, name, cluster=cluster, scaling=Scaling(6), vpc_subnets=subnets, **SMALL)
        advice = service.advise()
        assert advice is not None
        assert any(f"spread over {zones} zone" in each for each in advice.assumptions)
