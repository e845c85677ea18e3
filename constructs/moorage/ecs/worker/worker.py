"""A worker: a task that processes the messages of a queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import attrs
import aws_cdk as cdk
import jsii
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from moorage.delivery.alarm_actions import check_alarm_actions
from moorage.delivery.dead_letters import define_alarm
from moorage.delivery.queue_uses import add_use
from moorage.ecs.capacity.placement import EVEN_PLACEMENT, Placement
from moorage.ecs.service.service import Service
from moorage.ecs.task.advised import Advised
from moorage.ecs.task.launch_warnings import add_warning
from moorage.ecs.task.task_launch import DEFAULT_EGRESS, Launch
from moorage.ecs.worker.work_queue import WorkQueue
from moorage.scope.acknowledgements import acknowledge
from moorage.scope.place import check_place
from moorage.workload import job_limits
from moorage.workload.door import door
from moorage.workload.problems import Problems
from moorage.workload.task import Task

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_logs as logs
    from aws_cdk import aws_sns as sns

    from moorage.advice.monthly_cost import MonthlyCost
    from moorage.advice.placed import Placed
    from moorage.ecs.capacity.capacity import Capacity
    from moorage.ecs.capacity.strategy import Strategy
    from moorage.ecs.service.service_connect import ServiceConnect
    from moorage.workload.rollout import Rollout
    from moorage.workload.scaling import Scaling

QUEUE_URL_VARIABLE = "QUEUE_URL"
_DEFAULT_STOP_SECONDS = 30
"""ECS's default time between SIGTERM and SIGKILL (botocore ContainerDefinition.stopTimeout)."""
_DEFAULT_VISIBILITY_SECONDS = 30
"""SQS's default visibility timeout (botocore sqs SetQueueAttributes, VisibilityTimeout)."""


class _Alarm(NamedTuple):
    """The actions of the alarm on dead letters, and the topic that the alarm notifies."""

    actions: Sequence[cloudwatch.IAlarmAction] | None
    topic: sns.ITopic | None


@door
@jsii.implements(ec2.IConnectable, iam.IGrantable)
class Worker(Construct, Advised):
    """A task that processes the messages of a queue, in a fixed number of copies or as many as the backlog needs.

    Each container has the URL of the queue in the variable `QUEUE_URL`, and the task may receive and delete messages.
    Messages that fail too often go to a dead-letter queue with an alarm. A worker is an `IGrantable` (the task role)
    and an `IConnectable` (the security group of the tasks or instances).
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cluster: ecs.ICluster,
        task: Task,
        scaling: Scaling,
        queue: sqs.IQueue | WorkQueue | None = None,
        alarm_actions: Sequence[cloudwatch.IAlarmAction] | None = (),
        topic: sns.ITopic | None = None,
        rollout: Rollout | None = None,
        connect: ServiceConnect | None = None,
        capacity: Capacity | Mapping[Capacity, int] | Strategy | None = None,
        placement: Placement = EVEN_PLACEMENT,
        vpc_subnets: ec2.SubnetSelection | None = None,
        assign_public_ip: bool = False,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
        egress: Sequence[int] = DEFAULT_EGRESS,
        log_group: logs.ILogGroup | None = None,
        log_retention: logs.RetentionDays | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN,
        service_name: str | None = None,
    ) -> None:
        """Define a worker: a task that processes the messages of a queue, in a fixed or scaled number of copies.

        Messages that fail too often go to a dead-letter queue with an alarm. By default, tasks have no public address,
        a read-only root file system and a log group, and may connect only to TCP 443.

        Args:
            scope: The scope in which to define this construct.
            construct_id: The ID of this construct in its scope.
            cluster: The cluster that runs the tasks: a `Cluster`, a cluster that `Cluster.from_attributes` returned, or
                any other `ecs.ICluster`.
            task: The task to run. The task must reach SQS. In a network without NAT gateways, pass
                `Task(called_services="sqs")` to `Endpoints.for_tasks`.
            scaling: The number of copies: a fixed number, such as `Scaling(2)`, or a range within which the backlog
                scales the number, such as `Scaling(0, 50, backlog_per_task=100)`. From 0 copies, the first message
                starts a task within minutes. After six hours without messages, SQS may need up to 15 minutes to count
                new messages.
            queue: A queue that no other worker processes, or a `WorkQueue` for a new queue. The visibility timeout of a
                queue that this app defines is checked. Default: a new queue, `WorkQueue()`.
            alarm_actions: The actions of the alarm on messages in the dead-letter queue. None defines no alarm, but
                with a topic there is always one. Default: an alarm without actions.
            topic: The topic that this alarm notifies. CloudWatch is allowed to publish to the topic. Default: none.
            rollout: The way in which a new version replaces the old one. Default: a rolling deployment with a circuit
                breaker, in which all copies keep working.
            connect: The name of the service in the cluster's Service Connect namespace. With a name,
                `Service.connect_to` can open a path to another service. Default: no name.
            capacity: The capacity of the tasks: one capacity of the cluster, several capacities with weights, or a
                `Strategy` with a base. `cluster.default_strategy` follows the cluster's default, even if the default
                changes. Default: `Cluster(default_strategy=)`, otherwise the cluster's first capacity.
            placement: The placement of tasks on the instances of an Auto Scaling group. Default: spread evenly over
                zones, then over instances.
            vpc_subnets: The subnets of the tasks, up to 16. Default: the private subnets, or the public subnets if
                `assign_public_ip`.
            assign_public_ip: Whether to assign a public address to each task. A task in a public subnet needs a public
                address to reach the internet. Supported only on Fargate. Default: False.
            security_groups: The security groups of the tasks, 1 to 5. Default: a new security group.
            egress: The TCP ports through which tasks may connect to any address. Use `connections` for other ports and
                peers. Default: HTTPS (443), through which every task reaches SQS, and a task on Fargate pulls images.
            log_group: The log group of the containers. Default: a new log group.
            log_retention: The time for which new log groups keep logs. Default: a year.
            removal_policy: The removal policy of new log groups and queues. Default: `RETAIN`.
            service_name: The name of the service, by which scripts and metrics find it: 1 to 255 letters, digits,
                hyphens and underscores, unique in the cluster. moorage does not add the name of the stack. A change
                that replaces the service in its cluster must also change the name. Default: CloudFormation generates a
                name.

        Raises:
            ValueError: If the task, queue, cluster, network and other arguments do not work together. The error lists
                all problems.
        """
        queue_choice = WorkQueue() if queue is None else queue
        launch = Launch.of(
            _with_sqs(task),
            cluster,
            capacity,
            vpc_subnets=vpc_subnets,
            assign_public_ip=assign_public_ip,
            security_groups=security_groups,
            egress=egress,
        )
        _check(launch, queue_choice, scaling, placement, _Alarm(alarm_actions, topic), scope, construct_id)

        super().__init__(scope, construct_id)
        self.queue, self.dead_letter_queue = self._define_queues(queue_choice, task, removal_policy)
        try:
            self.service = Service(
                self,
                "Service",
                cluster=cluster,
                task=_with_queue_url(launch.task, self.queue.queue_url),
                scaling=scaling if scaling.backlog_per_task is None else attrs.evolve(scaling, queue=self.queue),
                rollout=rollout,
                connect=connect and connect._named_after(construct_id, task),
                capacity=capacity,
                placement=placement,
                vpc_subnets=vpc_subnets,
                assign_public_ip=assign_public_ip,
                security_groups=security_groups,
                egress=egress,
                log_group=log_group,
                log_retention=log_retention,
                removal_policy=removal_policy,
                service_name=service_name,
            )
        except ValueError:
            scope.node.try_remove_child(construct_id)  # so that a rejected worker leaves no queue behind
            raise
        self._connect_queue()
        self.node.default_child = self.service.service
        self.alarm = self._define_alarm(_Alarm(alarm_actions, topic))

    def _connect_queue(self) -> None:
        """Let the tasks receive messages, and acknowledge the variable with the URL of the queue."""
        self.service._worker = self
        self.queue.grant_consume_messages(self.service)
        acknowledge(
            self.service.task_definition,
            "task-env-vars",
            "the URL of the queue is not a secret",
            variables=[QUEUE_URL_VARIABLE],
        )

    def _define_queues(
        self, queue: sqs.IQueue | WorkQueue, task: Task, removal_policy: cdk.RemovalPolicy
    ) -> tuple[sqs.IQueue, sqs.IQueue | None]:
        """Define the queue and its dead-letter queue, or find the dead-letter queue of a given queue.

        Return both. The dead-letter queue is None if CDK does not know it.
        """
        if isinstance(queue, WorkQueue):
            own_queue, dead_letters = queue._define(self, _longest_stop_timeout(task), removal_policy)
            add_use(self, own_queue, drains=True)
            return own_queue, dead_letters
        add_warning(self, "@moorage/ecs:dead-letters", _missing_dead_letters_warning(queue))
        worker, job = add_use(self, queue, drains=True)
        add_warning(self, "@moorage/ecs:shared-queue", worker and _shared_queue_warning(worker))
        add_warning(self, "@moorage/ecs:drained-dead-letters", job and _drained_letters_warning(job))
        return queue, _dead_letter_queue_of(queue)

    def _define_alarm(self, alarm: _Alarm) -> cloudwatch.Alarm | None:
        actions, topic = alarm
        if (actions is None and topic is None) or self.dead_letter_queue is None:
            return None
        description = "Messages that failed too often are in the worker's dead-letter queue"
        return define_alarm(self, "Failed", self.dead_letter_queue, actions or (), description, topic=topic)

    def _monthly_cost(self, region: str | None) -> MonthlyCost | None:
        return self.service._monthly_cost(region)

    def _placed(self) -> Placed | None:
        return self.service._placed()

    @property
    def connections(self) -> ec2.Connections:
        """The connections of the tasks, to allow traffic from and to the tasks."""
        return self.service.connections

    @property
    def grant_principal(self) -> iam.IPrincipal:
        """The task role, with which the application calls AWS."""
        return self.service.grant_principal


def _with_sqs(task: Task) -> Task:
    """Return the task with SQS among the services that it calls."""
    return task if "sqs" in task.called_services else attrs.evolve(task, called_services=(*task.called_services, "sqs"))


def _with_queue_url(task: Task, url: str) -> Task:
    """Return the task with the URL of the queue in the environment of each container."""
    containers = [
        attrs.evolve(each, environment={**each.environment, QUEUE_URL_VARIABLE: url}) for each in task.containers
    ]
    return attrs.evolve(task, containers=containers)  # type: ignore[arg-type]  # the constructor takes `*containers`


def _longest_stop_timeout(task: Task) -> int:
    """Return the longest stop timeout of a task's containers, in seconds."""
    return max(_DEFAULT_STOP_SECONDS if each.stop_timeout is None else each.stop_timeout for each in task.containers)


def _check(
    launch: Launch,
    queue: sqs.IQueue | WorkQueue,
    scaling: Scaling,
    placement: Placement,
    alarm: _Alarm,
    scope: Construct,
    construct_id: str,
) -> None:
    """Check that the task, queue, scaling, placement and alarm work together, or raise a `ValueError`."""
    problems = Problems(lambda: f"{scope.node.path}/{construct_id}")
    check_place(problems, "cluster", launch.cluster, scope)
    if isinstance(queue, WorkQueue):
        check_place(problems, "encryption_key of queue", queue.encryption_key, scope, across_accounts=True)
    else:  # CloudWatch reads the metrics of the queue in the account and region of the worker
        check_place(problems, "queue", queue, scope)
    _check_alarm(queue, alarm, scope, problems)
    launch.check(problems)
    _check_queue(queue, launch.task, problems)
    _check_scaling(scaling, placement, problems)
    problems.raise_any()


def _check_alarm(queue: sqs.IQueue | WorkQueue, alarm: _Alarm, scope: Construct, problems: Problems) -> None:
    """Check that the alarm can notify its topic, and that there is a dead-letter queue to watch."""
    check_alarm_actions(problems, "alarm_actions", alarm.actions or (), scope, topic=alarm.topic)
    watched = isinstance(queue, WorkQueue) or _dead_letter_queue_of(queue) is not None
    if (alarm.topic is not None or alarm.actions) and not watched:
        given = "alarm_actions" if alarm.topic is None else "topic"
        problems.add(
            f"{given} requires a queue with a dead-letter queue that CDK knows; give the queue a dead_letter_queue=, "
            f"use WorkQueue(...), or leave {given}= out"
        )


def _check_queue(queue: sqs.IQueue | WorkQueue, task: Task, problems: Problems) -> None:
    for container in task.containers:
        if QUEUE_URL_VARIABLE in {*container.environment, *container.secrets}:
            problems.add(
                f"container {container.name!r} must not have the variable {QUEUE_URL_VARIABLE!r}, which the worker "
                "sets to the URL of its queue; leave the variable out, and pass the queue as queue="
            )
    timeout = (
        queue._visibility_seconds(_longest_stop_timeout(task))
        if isinstance(queue, WorkQueue)
        else _visibility_of(queue)
    )
    if timeout is not None:
        problems.check(
            job_limits.VISIBLE_AFTER_STOP, "visibility_timeout of queue", (timeout, _longest_stop_timeout(task))
        )


def _check_scaling(scaling: Scaling, placement: Placement, problems: Problems) -> None:
    if scaling.backlog_per_task is None and scaling._changes_count:
        problems.add(
            "scaling must have backlog_per_task, or messages would not change the number of tasks; use Scaling(0, 50, "
            "backlog_per_task=100), where 100 is the number of messages for each task, a fixed number such as "
            "Scaling(2), or a Service"
        )
    if scaling.queue is not None:
        problems.add(
            "scaling must not have a queue, since the worker has its own queue; pass the queue to Worker(queue=...) "
            "instead"
        )
    if placement.daemon:
        problems.add(
            "placement of a worker must not have daemon=True, since a daemon does not scale with the backlog; leave "
            "placement= out, or use a Service"
        )


def _visibility_of(queue: sqs.IQueue) -> float | None:
    """Return the visibility timeout of a queue in seconds, or None if CDK does not know it."""
    resource = queue.node.default_child
    if not isinstance(resource, sqs.CfnQueue):
        return None
    return _DEFAULT_VISIBILITY_SECONDS if resource.visibility_timeout is None else resource.visibility_timeout


def _dead_letter_queue_of(queue: sqs.IQueue) -> sqs.IQueue | None:
    dead_letters = queue.dead_letter_queue if isinstance(queue, sqs.Queue) else None
    return dead_letters.queue if dead_letters else None


def _shared_queue_warning(worker: str) -> str:
    return (
        f"the queue of this worker is also processed by {worker}, so each worker starts tasks for all messages; use "
        "another queue for one of the workers, or define only one worker"
    )


def _drained_letters_warning(job: str) -> str:
    return (
        f"the queue of this worker is the dead_letter_queue of {job}, so the worker would process failed starts as "
        "messages; give the job another queue"
    )


def _missing_dead_letters_warning(queue: sqs.IQueue) -> str | None:
    if not isinstance(queue, sqs.Queue) or queue.dead_letter_queue:
        return None
    return (
        "the queue of this worker has no dead-letter queue, so a message that always fails is retried until it "
        "expires; give the queue a dead_letter_queue=, or use WorkQueue(...)"
    )
