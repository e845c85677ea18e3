"""A task that drains a queue."""

from __future__ import annotations

from collections.abc import Sequence
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
from moorage.ecs.task.task_launch import DEFAULT_EGRESS, Launch, add_warning
from moorage.ecs.worker.work_queue import WorkQueue
from moorage.scope.place import check_place
from moorage.workload import job_limits
from moorage.workload.door import door
from moorage.workload.problems import Problems
from moorage.workload.task import Task

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_logs as logs
    from aws_cdk import aws_sns as sns

    from moorage.ecs.capacity.strategy import CapacityChoice
    from moorage.ecs.service.service_connect import ServiceConnect
    from moorage.workload.rollout import Rollout
    from moorage.workload.scaling import Scaling

QUEUE_URL_VARIABLE = "QUEUE_URL"
_DEFAULT_STOP_SECONDS = 30
"""The time between SIGTERM and SIGKILL by default (botocore ContainerDefinition.stopTimeout)."""
_DEFAULT_VISIBILITY_SECONDS = 30
"""The time for which SQS hides a message by default (botocore sqs SetQueueAttributes, VisibilityTimeout)."""


class _Alarm(NamedTuple):
    """The actions of the alarm on dead letters, and the topic that it tells."""

    actions: Sequence[cloudwatch.IAlarmAction] | None
    topic: sns.ITopic | None


@door
@jsii.implements(ec2.IConnectable, iam.IGrantable)
class Worker(Construct):
    """A task that drains a queue: as many copies as its backlog needs, none where there is nothing to do.

    Each container finds the queue in its variable `QUEUE_URL`, and the task may receive and delete messages. What
    fails too often goes to a dead-letter queue with an alarm. It is a grantee (the task role) and a connectable, as
    its `service` is.
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
        capacity: CapacityChoice | None = None,
        placement: Placement = EVEN_PLACEMENT,
        vpc_subnets: ec2.SubnetSelection | None = None,
        assign_public_ip: bool = False,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
        egress: Sequence[int] = DEFAULT_EGRESS,
        log_group: logs.ILogGroup | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN,
    ) -> None:
        """Define a worker.

        Args:
            scope: The scope in which to define it.
            construct_id: Its id in this scope.
            cluster: The cluster that runs the tasks: a `Cluster`, one of `Cluster.from_attributes`, or any other of
                CDK's.
            task: The task to run. It must reach SQS: in a network without NAT, `Task(called_services="sqs")` tells
                `Endpoints.for_tasks`.
            scaling: The number of copies by the messages for each: `Scaling(0, 50, backlog_per_task=100)`. From 0, the
                first message starts a task within minutes; after six hours without one SQS needs up to 15 minutes to
                count again.
            queue: The queue to drain, of no other worker, or a `WorkQueue` that describes a new one. The visibility
                timeout of a queue that CDK defines is checked. Default: a new queue, `WorkQueue()`.
            alarm_actions: The actions of the alarm on messages in the dead-letter queue; None for no alarm, unless a
                topic is given. Default: an alarm without actions.
            topic: The topic that this alarm tells, which CloudWatch is let into. Default: none.
            rollout: How a new version replaces the old one. Default: a rolling deployment with a circuit breaker, in
                which all copies keep working.
            connect: The name in the cluster's namespace. With it, `connect_to` of the service opens a path to another
                service. Default: no name.
            capacity: The capacity of the tasks: one capacity of the cluster, weights over several, or a `Strategy` with
                a base. `cluster.default_strategy` follows the cluster's default, whatever it becomes. Default: the
                cluster's first capacity.
            placement: The instances of an Auto Scaling group that tasks go to. Default: spread evenly over zones, then
                over instances.
            vpc_subnets: The subnets of the tasks, up to 16. Default: the private subnets.
            assign_public_ip: Whether to give each task a public address, which a public subnet without NAT needs. Only
                on Fargate. Default: False.
            security_groups: The security groups of the tasks, 1 to 5. Default: a new one.
            egress: The TCP ports through which tasks may connect to any address. `connections` opens others to one peer
                each. Default: HTTPS (443), through which a task on Fargate pulls images and every task
                reaches SQS.
            log_group: The log group of the containers. Default: a new one, which keeps logs for a year.
            removal_policy: What to do with the log group and the queues that are defined here when the stack is
                deleted. Default: RETAIN.

        Raises:
            ValueError: with everything that this task, queue, cluster and network cannot do together.
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
        problems = Problems(lambda: f"{scope.node.path}/{construct_id}")
        _check(launch, queue_choice, scaling, placement, _Alarm(alarm_actions, topic), scope, problems)
        problems.raise_any()

        super().__init__(scope, construct_id)
        self.queue, self.dead_letter_queue = self._define_queues(queue_choice, task, removal_policy)
        try:
            self.service = Service(
                self,
                "Service",
                cluster=cluster,
                task=_with_queue_url(launch.task, self.queue.queue_url),
                scaling=attrs.evolve(scaling, queue=self.queue),
                rollout=rollout,
                connect=connect,
                capacity=capacity,
                placement=placement,
                vpc_subnets=vpc_subnets,
                assign_public_ip=assign_public_ip,
                security_groups=security_groups,
                egress=egress,
                log_group=log_group,
                removal_policy=removal_policy,
            )
        except ValueError:
            scope.node.try_remove_child(construct_id)  # what is refused leaves no queue behind
            raise
        self.queue.grant_consume_messages(self.service)
        self.node.default_child = self.service.service
        self.alarm = self._define_alarm(_Alarm(alarm_actions, topic))

    def _define_queues(
        self, queue: sqs.IQueue | WorkQueue, task: Task, removal_policy: cdk.RemovalPolicy
    ) -> tuple[sqs.IQueue, sqs.IQueue | None]:
        """Define the queue and its dead-letter queue, or find that of a given queue."""
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

    @property
    def connections(self) -> ec2.Connections:
        """Whom its tasks may connect to, and who may connect to them."""
        return self.service.connections

    @property
    def grant_principal(self) -> iam.IPrincipal:
        """The task role, which the application in the task acts as."""
        return self.service.grant_principal


def _with_sqs(task: Task) -> Task:
    """Add SQS to the services that a task calls."""
    return task if "sqs" in task.called_services else attrs.evolve(task, called_services=(*task.called_services, "sqs"))


def _with_queue_url(task: Task, url: str) -> Task:
    """Add the queue's URL to the environment of each container of a task."""
    containers = [
        attrs.evolve(each, environment={**each.environment, QUEUE_URL_VARIABLE: url}) for each in task.containers
    ]
    return attrs.evolve(task, containers=containers)  # type: ignore[arg-type]  # its constructor takes each by itself


def _longest_stop_timeout(task: Task) -> int:
    """Return the longest stop timeout of its containers."""
    return max(_DEFAULT_STOP_SECONDS if each.stop_timeout is None else each.stop_timeout for each in task.containers)


def _check(
    launch: Launch,
    queue: sqs.IQueue | WorkQueue,
    scaling: Scaling,
    placement: Placement,
    alarm: _Alarm,
    scope: Construct,
    problems: Problems,
) -> None:
    """Note what its task, queue, scaling, placement and alarm cannot do together."""
    check_place(problems, "cluster", launch.cluster, scope)
    if isinstance(queue, WorkQueue):
        check_place(problems, "encryption_key of queue", queue.encryption_key, scope, across_accounts=True)
    else:  # whose metrics are read where the worker is
        check_place(problems, "queue", queue, scope)
    _check_alarm(queue, alarm, scope, problems)
    launch.check(problems)
    _check_queue(queue, launch.task, problems)
    _check_scaling(scaling, placement, problems)


def _check_alarm(queue: sqs.IQueue | WorkQueue, alarm: _Alarm, scope: Construct, problems: Problems) -> None:
    """Note a topic that no alarm reaches, and an alarm that would watch nothing."""
    check_alarm_actions(problems, "alarm_actions", alarm.actions or (), scope, topic=alarm.topic)
    watched = isinstance(queue, WorkQueue) or _dead_letter_queue_of(queue) is not None
    if (alarm.topic is not None or alarm.actions) and not watched:
        given = "alarm_actions" if alarm.topic is None else "topic"
        problems.add(
            f"{given} is given, but no dead-letter queue of queue is known, so there is no alarm; give the queue one, "
            "use WorkQueue(...), or leave it out"
        )


def _check_queue(queue: sqs.IQueue | WorkQueue, task: Task, problems: Problems) -> None:
    for container in task.containers:
        if QUEUE_URL_VARIABLE in {*container.environment, *container.secrets}:
            problems.add(
                f"container {container.name!r} has a variable {QUEUE_URL_VARIABLE!r}, which a worker sets to the URL "
                "of its queue; leave it out, and give the queue as queue="
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
    if scaling.backlog_per_task is None:
        problems.add(
            "scaling has no backlog_per_task, so messages would move nothing; "
            "use Scaling(0, 50, backlog_per_task=100) with as many as a task may have before it, or a Service"
        )
    if scaling.queue is not None:
        problems.add("scaling names a queue, and a worker has one; give it as queue=, and leave it out of scaling")
    if placement.daemon:
        problems.add("placement is a daemon's, of which no backlog moves the number; leave it out, or use a Service")


def _visibility_of(queue: sqs.IQueue) -> float | None:
    """Return the visibility timeout of a queue, as far as CDK says."""
    resource = queue.node.default_child
    if not isinstance(resource, sqs.CfnQueue):
        return None
    return _DEFAULT_VISIBILITY_SECONDS if resource.visibility_timeout is None else resource.visibility_timeout


def _dead_letter_queue_of(queue: sqs.IQueue) -> sqs.IQueue | None:
    dead_letters = queue.dead_letter_queue if isinstance(queue, sqs.Queue) else None
    return dead_letters.queue if dead_letters else None


def _shared_queue_warning(worker: str) -> str:
    return (
        f"its queue is drained by {worker} too, and each worker starts tasks for all of its messages; give each "
        "a queue of its own, or define one worker"
    )


def _drained_letters_warning(job: str) -> str:
    return (
        f"its queue is the dead_letter_queue of {job}, whose starts that failed it gets as work; give the job another "
        "one"
    )


def _missing_dead_letters_warning(queue: sqs.IQueue) -> str | None:
    if not isinstance(queue, sqs.Queue) or queue.dead_letter_queue:
        return None
    return (
        "its queue has no dead-letter queue, so a message that always fails is tried until it is too old; "
        "give it one, or use WorkQueue(...), which has one"
    )
