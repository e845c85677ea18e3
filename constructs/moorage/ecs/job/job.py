"""A task that runs on a schedule or on an event, and ends."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import aws_cdk as cdk
import jsii
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from moorage.delivery.dead_letters import define_alarm, define_dead_letters
from moorage.delivery.queue_uses import add_use
from moorage.ecs.capacity.capacity import CapacityKind
from moorage.ecs.cdk_values import stack_of
from moorage.ecs.job.job_starter import JobStarter
from moorage.ecs.job.triggers import EventRule, Schedule
from moorage.ecs.network.network import keep_vpc_exported
from moorage.ecs.task.run_task import TaskRun
from moorage.ecs.task.task_launch import DEFAULT_EGRESS, Launch, add_warning, connections_of
from moorage.ecs.task.volumes import open_file_systems
from moorage.scope.place import check_place
from moorage.workload import job_limits
from moorage.workload.door import door
from moorage.workload.durations import optional_seconds
from moorage.workload.problems import Problems

if TYPE_CHECKING:
    from aws_cdk import aws_events as events
    from aws_cdk import aws_logs as logs
    from aws_cdk import aws_scheduler as scheduler
    from aws_cdk import aws_stepfunctions as sfn

    from moorage.ecs.capacity.placement import Placement
    from moorage.ecs.capacity.strategy import CapacityChoice
    from moorage.workload.durations import Duration
    from moorage.workload.task import Task


class _Run(NamedTuple):
    """How a task is run: beside others, for how many seconds, and how often again if it fails."""

    overlap: bool
    timeout: int | None
    retries: int

    @property
    def needs_machine(self) -> bool:
        """Return whether a state machine runs it, since EventBridge cannot."""
        return not self.overlap or self.timeout is not None or self.retries != 0


@door
@jsii.implements(ec2.IConnectable, iam.IGrantable)
class Job(Construct):
    """A task that runs on a schedule or on an event, and ends; whoever starts it may do that and nothing else.

    What cannot be started is tried again, then kept for 14 days in an encrypted queue. Tasks have no public address,
    read-only file systems, a log group, and let out TCP 443 alone. It is a grantee (the task role) and a connectable
    (the tasks' security group, or the instances' where tasks have no interface of their own).
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cluster: ecs.ICluster,
        task: Task,
        schedule: scheduler.ScheduleExpression | Schedule | None = None,
        event: events.EventPattern | EventRule | None = None,
        overlap: bool = True,
        timeout: Duration | None = None,
        retries: int = 0,
        capacity: CapacityChoice | None = None,
        placement: Placement | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        assign_public_ip: bool = False,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
        egress: Sequence[int] = DEFAULT_EGRESS,
        log_group: logs.ILogGroup | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN,
    ) -> None:
        """Define a job.

        Args:
            scope: The scope in which to define it.
            construct_id: Its id in this scope.
            cluster: The cluster that runs the tasks: a `Cluster`, one of `Cluster.from_attributes`, or any other of
                CDK's.
            task: The task to run.
            schedule: The schedule that starts the task: a `ScheduleExpression` of aws_scheduler, in its time zone, or a
                `Schedule`. A job has a schedule or an event.
            event: The event that starts the task: an `EventPattern` of aws_events, or an `EventRule`. A job has a
                schedule or an event.
            overlap: Whether to start a task while another one of this job runs in the cluster, whoever started that. If
                False, a state machine looks for one, runs the task and waits for its end, so that it knows whether it
                failed (`state_machine.metric_failed()`). Two executions that look in the same second both find none.
                Default: True.
            timeout: The time after which a state machine stops the task; each retry has it anew, and what timed out is
                not run again. Default: until it ends.
            retries: The number of times that a state machine runs the task again if it fails. Those of the schedule or
                the rule are of starts that failed. Default: 0.
            capacity: The capacity of the tasks: one capacity of the cluster, weights over several, or a `Strategy` with
                a base. `cluster.default_strategy` follows the cluster's default, whatever it becomes. Default: the
                cluster's first capacity.
            placement: The instances of an Auto Scaling group that tasks go to. Default: any instance.
            vpc_subnets: The subnets of the tasks, up to 16. Default: the private subnets.
            assign_public_ip: Whether to give each task a public address, which a public subnet without NAT needs. Only
                on Fargate. Default: False.
            security_groups: The security groups of the tasks, 1 to 5. Default: a new one.
            egress: The TCP ports through which tasks may connect to any address. `connections` opens others to one peer
                each. Default: HTTPS (443), through which a task on Fargate pulls images, writes logs and calls AWS.
            log_group: The log group of the containers. Default: a new one, which keeps logs for a year.
            removal_policy: What to do with the log group and the queues that are defined here when the stack is
                deleted. Default: RETAIN.

        Raises:
            ValueError: with everything that this task, cluster and trigger cannot do together.
        """
        run = _Run(overlap, optional_seconds(timeout), retries)
        launch = Launch.of(
            task,
            cluster,
            capacity,
            vpc_subnets=vpc_subnets,
            assign_public_ip=assign_public_ip,
            security_groups=security_groups,
            egress=egress,
        )
        problems = Problems(lambda: f"{scope.node.path}/{construct_id}")
        triggers = _triggers(schedule, event)
        check_place(problems, "log_group", log_group, scope)
        _check(launch, triggers, run, placement, scope, problems)
        problems.raise_any()

        super().__init__(scope, construct_id)
        launch.warn(self)
        (trigger,) = triggers
        resources = launch.define(self, log_group=log_group, removal_policy=removal_policy)
        self.log_group = resources.log_group
        self.security_groups = resources.security_groups
        self.task_definition = resources.task_definition
        self._task_run = TaskRun(resources=resources, cluster=launch.cluster_view.with_capacity, placement=placement)
        self.state_machine = self._define_machine(trigger, run)
        self.dead_letter_queue = self._define_dead_letters(trigger, removal_policy)
        start = JobStarter(self._task_run, self.state_machine, self.dead_letter_queue)
        self.schedule = start.define_schedule(self, trigger) if isinstance(trigger, Schedule) else None
        self.rule = start.define_rule(self, trigger) if isinstance(trigger, EventRule) else None
        if task.volumes:
            open_file_systems(self, [task], self, self.connections if launch.has_own_interface else None)
        self.alarm = self._define_alarm(trigger)
        keep_vpc_exported(launch.reach.vpc, stack_of(scope))

    def _define_machine(self, trigger: Schedule | EventRule, run: _Run) -> sfn.StateMachine | None:
        """Define the state machine that runs the task, if EventBridge cannot run it itself."""
        if not run.needs_machine:
            return None
        return self._task_run.define_machine(
            self,
            overlap=run.overlap,
            timeout=run.timeout,
            retries=run.retries,
            pass_input=bool(trigger.environment),
        )

    def _define_dead_letters(self, trigger: Schedule | EventRule, removal_policy: cdk.RemovalPolicy) -> sqs.IQueue:
        """Define the queue, with the managed key of SQS if a role sends, or take the given one.

        That key admits the roles of its account, and no AWS service, as a rule is (SQS developer guide, key
        management).
        """
        if trigger.dead_letter_queue is not None:
            worker, _ = add_use(self, trigger.dead_letter_queue, drains=False)
            add_warning(self, "@moorage/ecs:drained-dead-letters", worker and _drained_letters_warning(worker))
            return trigger.dead_letter_queue
        sent_by_role = isinstance(trigger, Schedule)
        encryption = sqs.QueueEncryption.KMS_MANAGED if sent_by_role else sqs.QueueEncryption.SQS_MANAGED
        return define_dead_letters(self, "DeadLetters", encryption=encryption, removal_policy=removal_policy)

    def _define_alarm(self, trigger: Schedule | EventRule) -> cloudwatch.Alarm | None:
        if trigger.alarm_actions is None and trigger.topic is None:
            return None
        description = "The job could not be started: what was to start it is in its dead-letter queue"
        actions = trigger.alarm_actions or ()
        return define_alarm(self, "NotStarted", self.dead_letter_queue, actions, description, topic=trigger.topic)

    @property
    def connections(self) -> ec2.Connections:
        """The connections of its task: whom it may connect to, and who may connect to it."""
        return self._connections  # jsii sees no cached_property

    @functools.cached_property
    def _connections(self) -> ec2.Connections:
        return connections_of(self, self.security_groups)

    @property
    def grant_principal(self) -> iam.IPrincipal:
        """The task role, which the application in the task acts as."""
        return self.task_definition.task_role.grant_principal

    def grant_run(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let somebody start it by hand: its state machine where it has one, else the task in its cluster."""
        if self.state_machine is not None:
            return self.state_machine.grant_start_execution(grantee)
        return self._task_run.grant(grantee)

    def metric(
        self, metric_name: str, *, statistic: str | None = None, period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """A metric that Container Insights keeps of its task, as `CpuUtilized` in CPU units or `MemoryUtilized` in MiB.

        Averages over five minutes unless told otherwise.
        """
        return cloudwatch.Metric(
            namespace="ECS/ContainerInsights",
            metric_name=metric_name,
            dimensions_map={
                "ClusterName": self._task_run.cluster.cluster_name,
                "TaskDefinitionFamily": self.task_definition.family,
            },
            statistic=statistic,
            period=period,
        )

    def metric_not_started(self, *, period: cdk.Duration | None = None) -> cloudwatch.Metric:
        """How many starts that failed for good are in its dead-letter queue; the most over five minutes."""
        return self.dead_letter_queue.metric_approximate_number_of_messages_visible(statistic="Maximum", period=period)


def _drained_letters_warning(worker: str) -> str:
    return f"its dead_letter_queue is drained by {worker}, which gets starts that failed as work; leave it out"


def _check(
    launch: Launch,
    triggers: Sequence[Schedule | EventRule],
    run: _Run,
    placement: Placement | None,
    scope: Construct,
    problems: Problems,
) -> None:
    """Note what this task, cluster and trigger cannot do together."""
    check_place(problems, "cluster", launch.cluster, scope)
    _check_triggers(triggers, launch, run, scope, problems)
    launch.check(problems)
    _check_placement(launch, placement, problems)
    launch.task._check_without_service(problems)
    problems.check(job_limits.TASK_TIMEOUT, "timeout", run.timeout)
    problems.check(job_limits.TASK_RETRIES, "retries", run.retries)
    if not run.needs_machine:
        _check_target(launch, problems)


def _triggers(
    schedule: scheduler.ScheduleExpression | Schedule | None, event: events.EventPattern | EventRule | None
) -> list[Schedule | EventRule]:
    """List the triggers that were given, of which a job has exactly one."""
    triggers: list[Schedule | EventRule] = [] if schedule is None else [Schedule._of(schedule)]
    return triggers if event is None else [*triggers, EventRule._of(event)]


def _check_triggers(
    triggers: Sequence[Schedule | EventRule], launch: Launch, run: _Run, scope: Construct, problems: Problems
) -> None:
    if not triggers:
        problems.add(
            "neither schedule nor event is given, so nothing would start it; use schedule=ScheduleExpression.cron(...) "
            "or event=EventPattern(...)"
        )
    if len(triggers) > 1:
        problems.add(
            "schedule and event are both given, but one of them starts a job; leave one out, or define a second Job"
        )
    for trigger in triggers:
        trigger._check_overrides(launch.task, scope, problems)
        trigger._check_places(scope, problems)
        if isinstance(trigger, EventRule):
            arns = (launch.cluster.cluster_arn, launch.cluster_view.with_capacity.cluster_arn)
            trigger._check_in_place(
                scope, arns, problems, by_machine=run.needs_machine, has_group=run.timeout is not None
            )


def _check_placement(launch: Launch, placement: Placement | None, problems: Problems) -> None:
    """Note instances that hold no task of it, and placement that is not for it."""
    if launch.strategy._kind is not CapacityKind.FARGATE:
        from moorage.ecs.capacity import fit_checks  # noqa: PLC0415  # Fargate needs no instance types

        fit_checks.check_fit(launch.task, launch.strategy, problems)
    if placement is not None and placement.daemon:
        problems.add(
            "placement is a daemon's, which never ends, but a job runs once a start; use a Service for a daemon"
        )
    elif placement is not None:
        placement._check(launch.strategy, launch.cluster_view.capacities, launch.task, problems)


def _check_target(launch: Launch, problems: Problems) -> None:
    """Note what EventBridge would not take where it starts the task itself."""
    strategy = launch.strategy
    problems.check(job_limits.TARGET_STRATEGY_ITEMS, "the number of capacities", len(strategy.weights))
    on_demand = [each.name for each in strategy._used_capacities] == ["FARGATE"] and not strategy._follows_cluster
    if launch.assign_public_ip and strategy._kind is CapacityKind.FARGATE and not on_demand:
        problems.add(
            "assign_public_ip=True, but on Fargate Spot or by the cluster's default EventBridge gives a task no public "
            "address; use capacity=Capacity.fargate() alone, or overlap=False, with which Step Functions starts it"
        )
