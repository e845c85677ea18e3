"""The inputs of an advice that no app states, with their defaults."""

from __future__ import annotations

from decimal import Decimal

import attrs

from moorage.workload.problems import Problems

LARGEST_SAVINGS_PLAN = 72
"""The largest discount of an EC2 Instance Savings Plan, in percent (AWS Savings Plans user guide)."""
_ALL = 100
MOST_ZONES = 6
"""The most Availability Zones over which hosts are spread: those of us-east-1."""
_PERCENTAGES = (
    "savings_plan_percent",
    "ec2_savings_plan_percent",
    "fargate_spot_percent",
    "ec2_spot_percent",
    "managed_instances_fee_percent",
    "margin_percent",
)


def _number(value: Decimal | float) -> Decimal:
    """Return a number that sentences show without a fraction of 0, as in 20.0."""
    number = Decimal(str(value))
    return Decimal(int(number)) if number.is_finite() and number == int(number) else number


def _optional(value: Decimal | float | None) -> Decimal | None:
    return None if value is None else _number(value)


@attrs.frozen(kw_only=True)
class Assumptions:
    """The assumptions of an advice about prices and people.

    Args:
        savings_plan_percent: The discount of a Compute Savings Plan on Fargate and EC2, 0 to 100 percent. Savings Plans
            do not apply to Spot. Default: 0, the list price.
        ec2_savings_plan_percent: The discount on EC2 if it differs, as with an EC2 Instance Savings Plan. Default:
            `savings_plan_percent`.
        fargate_spot_percent: The discount of Fargate Spot on Fargate, 0 to 100 percent. Default: unknown.
        ec2_spot_percent: The discount of EC2 Spot on EC2 on demand, 0 to 100 percent. Default: unknown.
        managed_instances_fee_percent: The fee of ECS Managed Instances, in percent of the price of the instance on
            demand. Default: unknown.
        interruptible: Whether to treat all workloads as interruptible, or none. Default: those that use Spot already.
        upkeep_hours: The hours a month that people spend on the hosts of a cluster: new AMIs, types, alarms. Default:
            2.
        hourly_rate: The cost of an hour of upkeep, in USD. Default: 50.
        margin_percent: The percentage by which instances must be cheaper than Fargate, including upkeep. Default: 10.
        zones: The number of Availability Zones over which hosts are spread. Default: 2.
        survives_zone_loss: Whether to keep enough hosts for all tasks when a zone is lost. Default: False, so ECS
            launches new hosts then.
        target_capacity_percent: The target of managed scaling, 1 to 100. Below 100, spare hosts are kept. Default: 100.
        trunking: True if the account setting `awsvpcTrunking` is on. Default: False, as in a new account.
        scales_to_zero: True if the hosts of a job stop between its runs. Default: True, with managed scaling.
        burstable: Whether to consider the T families, whose CPU performance depends on credits. Default: False.
        idle_minutes: The minutes that a host of a job runs longer than a run, until managed scaling stops it. Default:
            15, an assumption.
        reserved_memory_mib: The memory of each instance that is withheld from tasks, in MiB. Default: 256.
        host_volume_gib: The size of the gp3 root volume of a host, in GiB. Default: 30.
        subject: The construct path, or another name, with which an error begins. Default: `the assumptions`.

    Raises:
        ValueError: If a number is outside its limits.
    """

    savings_plan_percent: Decimal = attrs.field(default=Decimal(0), converter=_number)
    ec2_savings_plan_percent: Decimal | None = attrs.field(default=None, converter=_optional)
    fargate_spot_percent: Decimal | None = attrs.field(default=None, converter=_optional)
    ec2_spot_percent: Decimal | None = attrs.field(default=None, converter=_optional)
    managed_instances_fee_percent: Decimal | None = attrs.field(default=None, converter=_optional)
    interruptible: bool | None = None
    upkeep_hours: Decimal = attrs.field(default=Decimal(2), converter=_number)
    hourly_rate: Decimal = attrs.field(default=Decimal(50), converter=_number)
    margin_percent: Decimal = attrs.field(default=Decimal(10), converter=_number)
    zones: int = 2
    survives_zone_loss: bool = False
    target_capacity_percent: int = 100
    trunking: bool = False
    scales_to_zero: bool = True
    burstable: bool = False
    idle_minutes: int = 15
    reserved_memory_mib: int = 256
    host_volume_gib: int = 30
    subject: str = attrs.field(default="the assumptions", eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        problems = Problems(self.subject)
        for argument in _PERCENTAGES:
            value = getattr(self, argument)
            if value is not None and not (value.is_finite() and 0 <= value <= _ALL):
                problems.add(f"{argument} must be between 0 and 100 (got {value:.6g}); use a percentage")
        for argument in ("upkeep_hours", "hourly_rate", "idle_minutes", "reserved_memory_mib", "host_volume_gib"):
            value = Decimal(getattr(self, argument))
            if not (value.is_finite() and value >= 0):
                problems.add(f"{argument} must be at least 0 (got {value:.6g}); use 0 or more")
        if not 1 <= self.zones <= MOST_ZONES:
            problems.add(f"zones must be between 1 and 6 (got {self.zones}); use the zones of the network")
        if self.survives_zone_loss and self.zones == 1:
            problems.add("survives_zone_loss needs zones of at least 2 (got 1); use zones=2 or more")
        if not 1 <= self.target_capacity_percent <= _ALL:
            problems.add(
                f"target_capacity_percent must be between 1 and 100 (got {self.target_capacity_percent}); use the "
                "target of the managed scaling"
            )
        problems.raise_any()

    @property
    def upkeep(self) -> Decimal:
        """The cost of the upkeep of hosts, in USD a month."""
        return self.upkeep_hours * self.hourly_rate

    @property
    def fargate_factor(self) -> Decimal:
        """The part of the list price of Fargate that is paid."""
        return 1 - self.savings_plan_percent / 100

    @property
    def ec2_factor(self) -> Decimal:
        """The part of the list price of instances that is paid."""
        own = self.ec2_savings_plan_percent
        return 1 - (self.savings_plan_percent if own is None else own) / 100

    @property
    def margin_factor(self) -> Decimal:
        """The part of the cost of Fargate that instances must stay below."""
        return 1 - self.margin_percent / 100
