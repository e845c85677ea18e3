"""A task that runs on a schedule, on an event or on request, and ends."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
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
from moorage.ecs.job.job_costs import JobCosts
from moorage.ecs.job.job_starter import JobStarter
from moorage.ecs.job.triggers import EventRule, Schedule
from moorage.ecs.network.network import keep_vpc_exported
from moorage.ecs.task.launch_warnings import add_warning, warn_of_launch
from moorage.ecs.task.run_task import TaskRun
from moorage.ecs.task.task_launch import DEFAULT_EGRESS, Launch, connections_of
from moorage.ecs.task.task_logs import TaskLogs
from moorage.ecs.task.volumes import open_file_systems
from moorage.scope.place import check_place
from moorage.workload import job_limits
from moorage.workload.door import door
from moorage.workload.durations import optional_seconds
from moorage.workload.errors import ValidationError
from moorage.workload.problems import Problems

if TYPE_CHECKING:
    import datetime as dt

    from aws_cdk import aws_events as events
    from aws_cdk import aws_logs as logs
    from aws_cdk import aws_scheduler as scheduler
    from aws_cdk import aws_stepfunctions as sfn

    from moorage.ecs.capacity.capacity import Capacity
    from moorage.ecs.capacity.placement import Placement
    from moorage.ecs.capacity.strategy import Strategy
    from moorage.workload.task import Task


class _Run(NamedTuple):
    """The settings of a run.

    Args:
        overlap: True if the task may run while another task of the job runs.
        timeout: The timeout in seconds, or None for no timeout.
        retries: The number of retries.
        retry_interval: The time before each retry in seconds, or None for intervals that grow.
        has_trigger: True if a schedule or an event starts the job.
    """

    overlap: bool
    timeout: int | None
    retries: int
    retry_interval: int | None
    has_trigger: bool

    @property
    def needs_machine(self) -> bool:
        """True if a state machine must run the task, since EventBridge cannot or there is no trigger."""
        return not self.overlap or self.timeout is not None or self.retries != 0 or not self.has_trigger


@door
@jsii.implements(ec2.IConnectable, iam.IGrantable)
class Job(JobCosts):
    """A task that runs on a schedule, on an event or on request, and ends.

    The role that starts the task has no other permissions. A start by a schedule or an event that fails is retried, and
    then kept for 14 days in an encrypted dead-letter queue. A job with neither has a state machine, which `grant_run`
    lets others start, also another state machine with `StepFunctionsStartExecution` of CDK. By default, tasks have no
    public address, a read-only root file system and a log group, and may connect only to TCP 443. A job is an
    `IGrantable` (the task role) and an `IConnectable` (the security group of the tasks, or of the instances if tasks do
    not have their own network interface).
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
        timeout: cdk.Duration | dt.timedelta | None = None,
        retries: int = 0,
        retry_interval: cdk.Duration | dt.timedelta | None = None,
        capacity: Capacity | Mapping[Capacity, int] | Strategy | None = None,
        placement: Placement | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        assign_public_ip: bool = False,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
        egress: Sequence[int] = DEFAULT_EGRESS,
        log_group: logs.ILogGroup | None = None,
        log_retention: logs.RetentionDays | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN,
    ) -> None:
        """Define a job: a task that runs on a schedule, on an event or on request, and ends.

        A start by a schedule or an event that fails is retried, and then kept in a dead-letter queue. By default, tasks
        have no public address, a read-only root file system and a log group, and may connect only to TCP 443.

        Args:
            scope: The scope in which to define this construct.
            construct_id: The ID of this construct in its scope.
            cluster: The cluster that runs the tasks: a `Cluster`, a cluster that `Cluster.from_attributes` returned, or
                any other `ecs.ICluster`.
            task: The task to run.
            schedule: The schedule that starts the task: a `ScheduleExpression` of aws_scheduler with its time zone, or
                a `Schedule`. A job has a schedule, an event or neither. Default: none.
            event: The event that starts the task: an `EventPattern` of aws_events, or an `EventRule`. Default: none.
            overlap: Whether to start a task while another task of this job runs in the cluster, even a task that was
                started manually. If False, a state machine looks for such a task, runs the task and waits for its end,
                so that `state_machine.metric_failed()` counts failures. Two executions that look in the same second may
                both start a task. Requires `schedule` or `event`. Default: True.
            timeout: The time after which a state machine stops the task, 1 to 99,999,999 seconds. Each retry has the
                same time, and a task that timed out is not retried. Default: none.
            retries: The number of times that a state machine runs a failed task again, 0 to 99,999,999. The retries of
                the schedule or the rule are for starts that failed. Default: 0.
            retry_interval: The time before each retry, 1 to 99,999,999 seconds. Requires `retries`. Default: a random
                time of at most 10 seconds, a limit that doubles with each retry up to 10 minutes.
            capacity: The capacity of the tasks: one capacity of the cluster, several capacities with weights, or a
                `Strategy` with a base. `cluster.default_strategy` follows the cluster's default, even if the default
                changes. Default: `Cluster(default_strategy=)`, otherwise the cluster's first capacity.
            placement: The placement of tasks on the instances of an Auto Scaling group. Default: any instance.
            vpc_subnets: The subnets of the tasks, up to 16. Default: the private subnets, or the public subnets if
                `assign_public_ip`.
            assign_public_ip: Whether to assign a public address to each task. A task in a public subnet needs a public
                address to reach the internet. Supported only on Fargate. Default: False.
            security_groups: The security groups of the tasks, 1 to 5. Default: a new security group.
            egress: The TCP ports through which tasks may connect to any address. Use `connections` for other ports and
                peers. Default: HTTPS (443), through which a task on Fargate pulls images, writes logs and calls AWS.
            log_group: The log group of the containers. Default: a new log group.
            log_retention: The time for which new log groups keep logs. Default: a year.
            removal_policy: The removal policy of new log groups and queues. Default: `RETAIN`.

        Raises:
            ValueError: If the task, cluster, trigger and other arguments do not work together. The error lists all
                problems.
        """
        triggers = _triggers(schedule, event)
        run = _Run(overlap, optional_seconds(timeout), retries, optional_seconds(retry_interval), bool(triggers))
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
        task_logs = TaskLogs(log_group, log_retention, removal_policy)
        task_logs.check(problems, scope)
        _check(launch, triggers, run, placement, scope, problems)
        problems.raise_any()

        super().__init__(scope, construct_id)
        warn_of_launch(self, launch)
        self._launch = launch
        self._trigger = trigger = triggers[0] if triggers else None
        resources = launch.define(self, task_logs=task_logs)
        self.log_group = resources.log_group
        self.security_groups = resources.security_groups
        self.task_definition = resources.task_definition
        self._task_run = TaskRun(resources=resources, cluster=launch.cluster_view.with_capacity, placement=placement)
        self.state_machine = self._define_machine(trigger, run)
        self.dead_letter_queue = self._define_dead_letters(trigger, removal_policy) if trigger else None
        self.schedule, self.rule = self._define_start(trigger)
        if task.volumes:
            open_file_systems(self, [task], self, self.connections if launch.has_own_interface else None)
        self.alarm = self._define_alarm(trigger)
        keep_vpc_exported(launch.reach.vpc, stack_of(scope))
        launch.cluster_view._add_member(self, self._placed)

    def _define_start(
        self, trigger: Schedule | EventRule | None
    ) -> tuple[scheduler.CfnSchedule | None, events.CfnRule | None]:
        """Define the schedule or the rule that starts the job. Return both, None for what the job does not have."""
        if trigger is None or self.dead_letter_queue is None:
            self.node.default_child = self.task_definition.node.default_child
            return None, None
        start = JobStarter(self._task_run, self.state_machine, self.dead_letter_queue)
        if isinstance(trigger, Schedule):
            return start.define_schedule(self, trigger), None
        return None, start.define_rule(self, trigger)

    def _define_machine(self, trigger: Schedule | EventRule | None, run: _Run) -> sfn.StateMachine | None:
        """Define the state machine that runs the task, or return None if EventBridge can start the task directly."""
        if not run.needs_machine:
            return None
        return self._task_run.define_machine(
            self,
            overlap=run.overlap,
            timeout=run.timeout,
            retries=run.retries,
            retry_interval=run.retry_interval,
            pass_input=bool(trigger and trigger.environment),
        )

    def _define_dead_letters(self, trigger: Schedule | EventRule, removal_policy: cdk.RemovalPolicy) -> sqs.IQueue:
        """Define the dead-letter queue, unless it is given.

        The AWS managed key for SQS encrypts the queue of a schedule. This key lets roles of its account send, such as
        the role of a schedule, but no AWS service, such as EventBridge for a rule (SQS developer guide, key
        management).
        """
        if trigger.dead_letter_queue is not None:
            worker, _ = add_use(self, trigger.dead_letter_queue, drains=False)
            add_warning(self, "@moorage/ecs:drained-dead-letters", worker and _drained_letters_warning(worker))
            return trigger.dead_letter_queue
        sent_by_role = isinstance(trigger, Schedule)
        encryption = sqs.QueueEncryption.KMS_MANAGED if sent_by_role else sqs.QueueEncryption.SQS_MANAGED
        return define_dead_letters(self, "DeadLetters", encryption=encryption, removal_policy=removal_policy)

    def _define_alarm(self, trigger: Schedule | EventRule | None) -> cloudwatch.Alarm | None:
        if trigger is None or self.dead_letter_queue is None:
            return None
        if trigger.alarm_actions is None and trigger.topic is None:
            return None
        description = "The job could not be started; the failed start is in its dead-letter queue"
        actions = trigger.alarm_actions or ()
        return define_alarm(self, "NotStarted", self.dead_letter_queue, actions, description, topic=trigger.topic)

    @property
    def connections(self) -> ec2.Connections:
        """The connections of the task, to allow traffic from and to it."""
        return self._connections  # jsii does not see a cached_property

    @functools.cached_property
    def _connections(self) -> ec2.Connections:
        return connections_of(self, self.security_groups)

    @property
    def grant_principal(self) -> iam.IPrincipal:
        """The task role, with which the application calls AWS."""
        return self.task_definition.task_role.grant_principal

    def grant_run(self, grantee: iam.IGrantable) -> iam.Grant:
        """Grant the permission to start the job manually: to start its state machine if it has one, otherwise its task.

        Args:
            grantee: The principal that gets the permission.
        """
        if self.state_machine is not None:
            return self.state_machine.grant_start_execution(grantee)
        return self._task_run.grant(grantee)

    def metric(
        self, metric_name: str, *, statistic: str | None = None, period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """Return a Container Insights metric of the task, such as `CpuUtilized` (CPU units) or `MemoryUtilized` (MiB).

        Args:
            metric_name: The name of the metric in the namespace `ECS/ContainerInsights`.
            statistic: The statistic. Default: the average.
            period: The period over which the statistic is computed. Default: five minutes.
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
        """Return the metric for the number of failed starts in the dead-letter queue, with the statistic Maximum.

        Args:
            period: The period over which the statistic is computed. Default: five minutes.

        Raises:
            ValueError: If the job has neither a schedule nor an event, and therefore no dead-letter queue.
        """
        if self.dead_letter_queue is None:
            raise ValidationError(
                f"{self.node.path}: metric_not_started requires a schedule or an event, whose failed starts it counts; "
                "use state_machine.metric_failed()"
            )
        return self.dead_letter_queue.metric_approximate_number_of_messages_visible(statistic="Maximum", period=period)


def _drained_letters_warning(worker: str) -> str:
    return (
        f"dead_letter_queue of this job is the queue of {worker}, which would process failed starts as messages; use "
        "another queue, or leave dead_letter_queue= out"
    )


def _check(
    launch: Launch,
    triggers: Sequence[Schedule | EventRule],
    run: _Run,
    placement: Placement | None,
    scope: Construct,
    problems: Problems,
) -> None:
    """Check that the task, cluster, trigger and placement work together."""
    check_place(problems, "cluster", launch.cluster, scope)
    _check_triggers(triggers, launch, run, scope, problems)
    launch.check(problems)
    _check_placement(launch, placement, problems)
    launch.task._check_without_service(problems)
    problems.check(job_limits.TASK_TIMEOUT, "timeout", run.timeout)
    problems.check(job_limits.TASK_RETRIES, "retries", run.retries)
    problems.check(job_limits.TASK_RETRY_INTERVAL, "retry_interval", run.retry_interval)
    if not run.overlap and not run.has_trigger:
        problems.add(
            "overlap must not be False without schedule or event, since whoever starts the job decides when (got "
            "False); leave overlap= out, or use schedule= or event="
        )
    if run.retry_interval is not None and run.retries == 0:
        problems.add("retry_interval must not be given without retries; use retries=, or leave retry_interval= out")
    if not run.needs_machine:
        _check_target(launch, problems)


def _triggers(
    schedule: scheduler.ScheduleExpression | Schedule | None, event: events.EventPattern | EventRule | None
) -> list[Schedule | EventRule]:
    """Return the given triggers; a job has at most one."""
    triggers: list[Schedule | EventRule] = [] if schedule is None else [Schedule._of(schedule)]
    return triggers if event is None else [*triggers, EventRule._of(event)]


def _check_triggers(
    triggers: Sequence[Schedule | EventRule], launch: Launch, run: _Run, scope: Construct, problems: Problems
) -> None:
    if len(triggers) > 1:
        problems.add(
            "schedule and event must not be given together, since a job has one trigger; leave one of them out, or "
            "define a second Job"
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
    """Check that the instances hold the task, and that the placement is possible for a job."""
    if launch.strategy._kind is not CapacityKind.FARGATE:
        from moorage.ecs.capacity import fit_checks  # noqa: PLC0415  # Fargate needs no instance types

        fit_checks.check_fit(launch.task, launch.strategy, problems)
    if placement is not None and placement.daemon:
        problems.add(
            "placement of a job must not have daemon=True, since a job runs once for each start; use a Service for a "
            "daemon"
        )
    elif placement is not None:
        placement._check(launch.strategy, launch.cluster_view.capacities, launch.task, problems)


def _check_target(launch: Launch, problems: Problems) -> None:
    """Check the task as a target of EventBridge, for a job without a state machine."""
    strategy = launch.strategy
    providers = "the number of capacity providers in capacity"
    problems.check(job_limits.TARGET_STRATEGY_ITEMS, providers, len(strategy.weights))
    on_demand = [each.name for each in strategy._used_capacities] == ["FARGATE"] and not strategy._follows_cluster
    if launch.assign_public_ip and strategy._kind is CapacityKind.FARGATE and not on_demand:
        problems.add(
            "assign_public_ip=True is not possible on Fargate Spot or with the cluster's default strategy if "
            "EventBridge starts the task; use capacity=Capacity.fargate(), or overlap=False, with which Step "
            "Functions starts the task"
        )
