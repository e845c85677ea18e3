"""The template of a worker."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Match

from moorage import (
    Cluster,
    Container,
    Endpoints,
    Image,
    Job,
    Network,
    Placement,
    Repository,
    Rollout,
    Scaling,
    Schedule,
    ScheduledAction,
    Task,
    Worker,
    WorkQueue,
)
from moorage.testing import readable_template
from tests.conftest import template, warnings_of

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

MAILER = Task(Container("public.ecr.aws/docker/library/mailer:1.0", name="mailer"))
BACKLOG = Scaling(0, 50, backlog_per_task=100)
NIGHT = ScheduledAction("night", scheduler.ScheduleExpression.cron(hour="22", minute="0"), minimum=0, maximum=4)


@pytest.fixture
def cluster(stack: cdk.Stack, vpc: ec2.IVpc) -> Cluster:
    return Cluster(stack, "Cluster", vpc=vpc, failure_events=False)


def queues(stack: cdk.Stack) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return the logical id and the properties of the queue, and the properties of its dead-letter queue."""
    found = template(stack).find_resources("AWS::SQS::Queue")
    (name,) = [each for each, queue in found.items() if "RedrivePolicy" in queue["Properties"]]
    (dead,) = [queue["Properties"] for each, queue in found.items() if each != name]
    return name, found[name]["Properties"], dead


def containers(stack: cdk.Stack) -> list[dict[str, Any]]:
    (definition,) = template(stack).find_resources("AWS::ECS::TaskDefinition").values()
    found: list[dict[str, Any]] = definition["Properties"]["ContainerDefinitions"]
    return found


def test_whole_template(stack: cdk.Stack, cluster: Cluster, template_snapshot: SnapshotAssertion) -> None:
    topic = sns.Topic.from_topic_arn(stack, "Topic", "arn:aws:sns:eu-west-1:111111111111:alarms")
    Worker(
        stack,
        "Mailer",
        cluster=cluster,
        task=MAILER,
        scaling=BACKLOG,
        alarm_actions=[actions.SnsAction(topic)],
    )
    assert readable_template(stack) == template_snapshot


def test_both_queues_are_encrypted_and_require_tls(stack: cdk.Stack, cluster: Cluster) -> None:
    Worker(stack, "Mailer", cluster=cluster, task=MAILER, scaling=BACKLOG)
    _, queue, dead = queues(stack)
    assert queue["SqsManagedSseEnabled"] is dead["SqsManagedSseEnabled"] is True
    policies = template(stack).find_resources("AWS::SQS::QueuePolicy").values()
    assert len(policies) == 2
    for policy in policies:
        (denied,) = policy["Properties"]["PolicyDocument"]["Statement"]
        assert (denied["Effect"], denied["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_the_task_size_is_computed_for_a_worker_as_well(stack: cdk.Stack, cluster: Cluster) -> None:
    task = Task(Container("mailer:1", memory_mib=1500), cpu=None, memory_mib=None)
    Worker(stack, "Mailer", cluster=cluster, task=task, scaling=BACKLOG)
    template(stack).has_resource_properties("AWS::ECS::TaskDefinition", {"Cpu": "256", "Memory": "2048"})


def test_messages_that_fail_too_often_go_to_a_queue_with_an_alarm(stack: cdk.Stack, cluster: Cluster) -> None:
    topic = sns.Topic(stack, "Topic")
    worker = Worker(
        stack, "Mailer", cluster=cluster, task=MAILER, scaling=BACKLOG, alarm_actions=[actions.SnsAction(topic)]
    )
    _, queue, dead = queues(stack)
    assert queue["RedrivePolicy"]["maxReceiveCount"] == 5
    assert dead["MessageRetentionPeriod"] == 14 * 24 * 3600 > queue["MessageRetentionPeriod"]
    assert dead["RedriveAllowPolicy"] == {"redrivePermission": "allowAll"}
    (alarm,) = (
        template(stack)
        .find_resources(
            "AWS::CloudWatch::Alarm",
            {"Properties": {"Threshold": 1, "MetricName": "ApproximateNumberOfMessagesVisible"}},
        )
        .values()
    )
    assert alarm["Properties"]["AlarmActions"]
    assert (
        alarm["Properties"]["Dimensions"][0]["Value"]["Fn::GetAtt"][0]
        == queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
    )
    assert worker.alarm is not None


def test_the_alarm_can_be_left_out(stack: cdk.Stack, cluster: Cluster) -> None:
    worker = Worker(stack, "Mailer", cluster=cluster, task=MAILER, scaling=BACKLOG, alarm_actions=None)
    assert worker.alarm is None


def test_every_container_has_the_queue_url_and_the_task_may_consume_messages(
    stack: cdk.Stack, cluster: Cluster
) -> None:
    task = Task(Container("mailer:1", name="mailer", environment={"MODE": "fast"}), Container("otel:1", name="otel"))
    Worker(stack, "Mailer", cluster=cluster, task=task, scaling=BACKLOG)
    name, _, _ = queues(stack)
    variables = {each["Name"]: {one["Name"]: one["Value"] for one in each["Environment"]} for each in containers(stack)}
    assert variables == {"mailer": {"MODE": "fast", "QUEUE_URL": {"Ref": name}}, "otel": {"QUEUE_URL": {"Ref": name}}}
    (policy,) = [each for key, each in template(stack).find_resources("AWS::IAM::Policy").items() if "TaskRole" in key]
    (may,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"} <= set(may["Action"])
    assert may["Resource"] == {"Fn::GetAtt": [name, "Arn"]}


def test_the_backlog_of_its_own_queue_scales_the_worker_from_zero(stack: cdk.Stack, cluster: Cluster) -> None:
    Worker(stack, "Mailer", cluster=cluster, task=MAILER, scaling=BACKLOG)
    name, _, _ = queues(stack)
    template(stack).has_resource_properties("AWS::ECS::Service", {"DesiredCount": Match.absent()})
    template(stack).has_resource_properties(
        "AWS::ApplicationAutoScaling::ScalableTarget", {"MinCapacity": 0, "MaxCapacity": 50}
    )
    kinds = {
        each["Properties"]["PolicyType"]: json.dumps(each)
        for each in template(stack).find_resources("AWS::ApplicationAutoScaling::ScalingPolicy").values()
    }
    assert set(kinds) == {"TargetTrackingScaling", "StepScaling"}
    assert f'"Fn::GetAtt": ["{name}", "QueueName"]' in kinds["TargetTrackingScaling"]


@pytest.mark.parametrize(("stop", "visible"), [(None, 180), (120, 720)])
def test_a_message_is_hidden_longer_than_a_task_takes_to_stop(
    stack: cdk.Stack, cluster: Cluster, stop: int | None, visible: int
) -> None:
    timeout = None if stop is None else dt.timedelta(seconds=stop)
    Worker(stack, "Mailer", cluster=cluster, task=Task(Container("mailer:1", stop_timeout=timeout)), scaling=BACKLOG)
    assert queues(stack)[1]["VisibilityTimeout"] == visible


@pytest.mark.parametrize("timeout", [None, 90])
def test_the_timeout_of_a_given_queue_is_checked_as_far_as_it_is_known(
    stack: cdk.Stack, cluster: Cluster, timeout: int | None
) -> None:
    queue = sqs.Queue(stack, "Queue", visibility_timeout=cdk.Duration.seconds(timeout) if timeout else None)
    task = Task(Container("mailer:1", stop_timeout=dt.timedelta(seconds=90)))
    with pytest.raises(ValueError, match=rf"\(got {timeout or 30} with stop_timeout=90, in seconds\)"):
        Worker(stack, "Mailer", cluster=cluster, task=task, scaling=BACKLOG, queue=queue)
    elsewhere = sqs.Queue.from_queue_arn(stack, "Elsewhere", "arn:aws:sqs:eu-west-1:111111111111:mails")
    Worker(stack, "Other", cluster=cluster, task=task, scaling=BACKLOG, queue=elsewhere)


def test_a_given_queue_is_used_and_its_dead_letter_queue_has_an_alarm(stack: cdk.Stack, cluster: Cluster) -> None:
    dead = sqs.Queue(stack, "Dead")
    queue = sqs.Queue(
        stack,
        "Mails",
        visibility_timeout=cdk.Duration.minutes(5),
        dead_letter_queue=sqs.DeadLetterQueue(queue=dead, max_receive_count=3),
    )
    worker = Worker(stack, "Mailer", cluster=cluster, task=MAILER, scaling=BACKLOG, queue=queue)
    template(stack).resource_count_is("AWS::SQS::Queue", 2)
    assert (worker.queue, worker.dead_letter_queue) == (queue, dead)
    assert worker.alarm is not None


def test_a_given_queue_without_a_dead_letter_queue_warns(app: cdk.App, stack: cdk.Stack, cluster: Cluster) -> None:
    queue = sqs.Queue(stack, "Mails", visibility_timeout=cdk.Duration.minutes(5))
    Worker(stack, "Mailer", cluster=cluster, task=MAILER, scaling=BACKLOG, queue=queue)
    (warning,) = warnings_of(app, "Shop")
    assert "the queue of this worker has no dead-letter queue" in warning


def test_a_fifo_queue_has_a_fifo_dead_letter_queue(stack: cdk.Stack, cluster: Cluster) -> None:
    queue = WorkQueue(fifo=True, content_based_deduplication=True, max_receives=3, retention=dt.timedelta(days=1))
    Worker(stack, "Mailer", cluster=cluster, task=MAILER, scaling=BACKLOG, queue=queue)
    _, made, dead = queues(stack)
    assert made["FifoQueue"] is dead["FifoQueue"] is True
    assert made["ContentBasedDeduplication"] is True
    assert made["MessageRetentionPeriod"] == 24 * 3600


def test_a_given_key_encrypts_both_queues_and_tasks_may_use_it(stack: cdk.Stack, cluster: Cluster) -> None:
    key = kms.Key(stack, "Key")
    Worker(stack, "Mailer", cluster=cluster, task=MAILER, scaling=BACKLOG, queue=WorkQueue(encryption_key=key))
    _, queue, dead = queues(stack)
    assert queue["KmsMasterKeyId"] == dead["KmsMasterKeyId"]
    (policy,) = [each for key, each in template(stack).find_resources("AWS::IAM::Policy").items() if "TaskRole" in key]
    assert "kms:Decrypt" in json.dumps(policy)


def test_a_worker_is_a_grantee_and_connectable_and_has_its_parts_as_attributes(
    stack: cdk.Stack, cluster: Cluster
) -> None:
    worker = Worker(stack, "Mailer", cluster=cluster, task=MAILER, scaling=BACKLOG, rollout=Rollout.rolling())
    table = dynamodb.Table(
        stack, "Table", partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING)
    )
    table.grant_write_data(worker)
    worker.connections.allow_to(ec2.Peer.ipv4("10.1.0.0/16"), ec2.Port.tcp(5432))
    (policy,) = [each for key, each in template(stack).find_resources("AWS::IAM::Policy").items() if "TaskRole" in key]
    assert "dynamodb:PutItem" in json.dumps(policy)
    (group,) = template(stack).find_resources("AWS::EC2::SecurityGroup").values()
    assert {rule["FromPort"] for rule in group["Properties"]["SecurityGroupEgress"]} == {443, 5432}
    assert worker.node.default_child is worker.service.service


def test_queues_are_retained_by_default(stack: cdk.Stack, cluster: Cluster) -> None:
    Worker(stack, "Mailer", cluster=cluster, task=MAILER, scaling=BACKLOG)
    gone = cdk.RemovalPolicy.DESTROY
    Worker(stack, "Trial", cluster=cluster, task=MAILER, scaling=BACKLOG, removal_policy=gone)
    found = template(stack).find_resources("AWS::SQS::Queue")
    assert {(name[:5], queue["DeletionPolicy"]) for name, queue in found.items()} == {
        ("Maile", "RetainExceptOnCreate"),  # a failed first deployment leaves none
        ("Trial", "Delete"),
    }


def test_a_worker_that_cannot_reach_sqs_is_refused(stack: cdk.Stack) -> None:
    images = Repository(stack, "Images")
    task = Task(Container(Image.from_repository(images, tag="1")))
    closed = Network(stack, "Closed", nat_gateways=0, endpoints=Endpoints.for_tasks(task))
    with pytest.raises(ValueError, match="its subnets cannot reach 'sqs'"):
        Worker(stack, "Mailer", cluster=Cluster(stack, "A", vpc=closed.vpc), task=task, scaling=BACKLOG)
    calling = Task(Container(Image.from_repository(images, tag="1")), called_services="sqs")
    enough = Network(stack, "Enough", nat_gateways=0, endpoints=Endpoints.for_tasks(calling))
    Worker(stack, "Mailer", cluster=Cluster(stack, "B", vpc=enough.vpc), task=task, scaling=BACKLOG)


def test_a_worker_reports_all_problems_together_with_its_path(stack: cdk.Stack, cluster: Cluster) -> None:
    with pytest.raises(ValueError, match="Shop/Mailer: 5 problems") as raised:
        Worker(
            stack,
            "Mailer",
            cluster=cluster,
            task=Task(Container("a:1", environment={"QUEUE_URL": "https://x"}, stop_timeout=dt.timedelta(seconds=121))),
            scaling=Scaling(1, 5, cpu_percent=60),
            queue=WorkQueue(visibility_timeout=dt.timedelta(seconds=60)),
            placement=Placement.on_each_instance(),
        )
    for said in (
        "stop_timeout of container 'app' must be between 2 and 120 seconds on Fargate (got 121)",
        "container 'app' must not have the variable 'QUEUE_URL'",
        "(got 60 with stop_timeout=121, in seconds)",
        "scaling must have backlog_per_task",
        "placement of a worker must not have daemon=True",
    ):
        assert said in str(raised.value)
    assert stack.node.try_find_child("Mailer") is None


@pytest.mark.parametrize("count", [0, 2])
def test_a_worker_may_have_a_fixed_number_of_copies(stack: cdk.Stack, cluster: Cluster, count: int) -> None:
    worker = Worker(stack, "Mailer", cluster=cluster, task=MAILER, scaling=Scaling(count))
    template(stack).has_resource_properties("AWS::ECS::Service", {"DesiredCount": count})
    template(stack).resource_count_is("AWS::ApplicationAutoScaling::ScalableTarget", 0)
    template(stack).resource_count_is("AWS::ApplicationAutoScaling::ScalingPolicy", 0)
    template(stack).resource_count_is("AWS::SQS::Queue", 2)
    assert worker.dead_letter_queue is not None
    assert worker.alarm is not None


@pytest.mark.parametrize("scaling", [Scaling(1, 5, cpu_percent=60), Scaling(2, schedules=[NIGHT])])
def test_a_worker_whose_number_changes_follows_its_backlog(
    stack: cdk.Stack, cluster: Cluster, scaling: Scaling
) -> None:
    with pytest.raises(ValueError, match=r"scaling must have backlog_per_task, .* a fixed number such as Scaling\(2\)"):
        Worker(stack, "Mailer", cluster=cluster, task=MAILER, scaling=scaling)


def test_a_fixed_number_does_not_follow_a_backlog() -> None:
    with pytest.raises(ValueError, match=r"with a target, maximum must be above minimum \(got 2 for both\)"):
        Scaling(2, backlog_per_task=100)


def test_a_refused_worker_leaves_no_queue_behind(stack: cdk.Stack, cluster: Cluster) -> None:
    scaling = Scaling(0, 5, backlog_per_task=10, requests_per_task=10)
    with pytest.raises(
        ValueError, match="Shop/Mailer/Service: requests_per_task requires a Route, since only routes count requests"
    ):
        Worker(stack, "Mailer", cluster=cluster, task=MAILER, scaling=scaling)
    assert stack.node.try_find_child("Mailer") is None


def test_a_queue_in_scaling_is_refused(stack: cdk.Stack, cluster: Cluster) -> None:
    queue = sqs.Queue(stack, "Queue")
    scaling = Scaling(0, 5, backlog_per_task=10, queue=queue)
    with pytest.raises(
        ValueError,
        match="scaling must not have a queue, since the worker has its own queue; pass the queue to Worker.queue=...",
    ):
        Worker(stack, "Mailer", cluster=cluster, task=MAILER, scaling=scaling)


def test_deduplication_needs_a_fifo_queue() -> None:
    with pytest.raises(ValueError, match="requires a FIFO queue; use fifo=True"):
        WorkQueue(content_based_deduplication=True)


@pytest.mark.parametrize("by_action", [True, False])
def test_a_topic_is_notified_of_dead_letters_and_allows_cloudwatch(
    stack: cdk.Stack, cluster: Cluster, *, by_action: bool
) -> None:
    key = kms.Key(stack, "Key")
    topic = sns.Topic(stack, "Operators", enforce_ssl=True, master_key=key)
    told: dict[str, Any] = {"topic": topic, "alarm_actions": None}
    if by_action:
        told = {"alarm_actions": [actions.SnsAction(topic)]}
    Worker(stack, "Mailer", cluster=cluster, task=MAILER, scaling=BACKLOG, **told)
    of = template(stack)
    (alarm,) = of.find_resources("AWS::CloudWatch::Alarm", {"Properties": {"Threshold": 1, "Period": 60}}).values()
    assert alarm["Properties"]["AlarmActions"] == [stack.resolve(topic.topic_arn)]
    assert alarm["Properties"]["TreatMissingData"] == "ignore"
    for policy, action in (("AWS::SNS::TopicPolicy", "sns:Publish"), ("AWS::KMS::Key", "kms:GenerateDataKey*")):
        (found,) = of.find_resources(policy).values()
        document = found["Properties"].get("PolicyDocument") or found["Properties"]["KeyPolicy"]
        assert [
            action in str(each["Action"])
            for each in document["Statement"]
            if each["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        ] == [True]


@pytest.mark.parametrize("given", ["topic", "alarm_actions"])
def test_an_alarm_without_a_dead_letter_queue_is_refused(stack: cdk.Stack, cluster: Cluster, given: str) -> None:
    topic = sns.Topic(stack, "Operators")
    told: dict[str, Any] = {"topic": topic} if given == "topic" else {"alarm_actions": [actions.SnsAction(topic)]}
    queue = sqs.Queue.from_queue_arn(stack, "Mails", "arn:aws:sqs:eu-west-1:111111111111:mails")
    with pytest.raises(ValueError, match=f"Shop/Mailer: {given} requires a queue with a dead-letter queue"):
        Worker(stack, "Mailer", cluster=cluster, task=MAILER, scaling=BACKLOG, queue=queue, **told)


@pytest.fixture
def placed(app: cdk.App) -> cdk.Stack:
    return cdk.Stack(app, "Placed", env=cdk.Environment(account="111111111111", region="eu-west-1"))


def elsewhere(stack: cdk.Stack, thing: str, place: str) -> dict[str, Any]:
    """Return an argument that belongs to another place than a stack."""
    if thing == "queue":
        return {"queue": sqs.Queue.from_queue_arn(stack, "Else", f"arn:aws:sqs:{place}:mails")}
    if thing in {"topic", "action"}:
        topic = sns.Topic.from_topic_arn(stack, "Else", f"arn:aws:sns:{place}:alarms")
        return {"topic": topic} if thing == "topic" else {"alarm_actions": [actions.SnsAction(topic)]}
    key = kms.Key.from_key_arn(stack, "Else", f"arn:aws:kms:{place}:key/0a1b2c3d-1111-2222-3333-444455556666")
    return {"queue": WorkQueue(encryption_key=key)}


@pytest.mark.parametrize(
    ("thing", "place"),
    [
        ("queue", "eu-central-1:111111111111"),
        ("queue", "eu-west-1:222222222222"),
        ("topic", "eu-central-1:111111111111"),
        ("action", "eu-central-1:111111111111"),
        ("key", "eu-central-1:111111111111"),
    ],
)
def test_resources_of_another_place_are_refused(placed: cdk.Stack, thing: str, place: str) -> None:
    cluster = Cluster(placed, "Cluster", vpc=ec2.Vpc(placed, "Vpc"), failure_events=False)
    with pytest.raises(ValueError, match=r"Placed/Mailer: .*must be in (region eu-west-1|account 111111111111), the"):
        Worker(placed, "Mailer", cluster=cluster, task=MAILER, scaling=BACKLOG, **elsewhere(placed, thing, place))


@pytest.mark.parametrize("thing", ["topic", "action", "key"])
def test_resources_that_aws_accepts_from_another_account_are_accepted(placed: cdk.Stack, thing: str) -> None:
    cluster = Cluster(placed, "Cluster", vpc=ec2.Vpc(placed, "Vpc"), failure_events=False)
    given = elsewhere(placed, thing, "eu-west-1:222222222222")
    Worker(placed, "Mailer", cluster=cluster, task=MAILER, scaling=BACKLOG, **given)


def test_a_cluster_of_another_region_is_refused(app: cdk.App, placed: cdk.Stack) -> None:
    other = cdk.Stack(app, "Other", env=cdk.Environment(account="111111111111", region="eu-central-1"))
    cluster = Cluster(other, "Cluster", vpc=ec2.Vpc(other, "Vpc"), failure_events=False)
    with pytest.raises(ValueError, match="cluster must be in region eu-west-1"):
        Worker(placed, "Mailer", cluster=cluster, task=MAILER, scaling=BACKLOG)


@pytest.mark.parametrize("own", [True, False])
def test_two_workers_of_one_queue_warn(app: cdk.App, stack: cdk.Stack, cluster: Cluster, *, own: bool) -> None:
    arn = "arn:aws:sqs:eu-west-1:111111111111:mails"
    queue = None if own else sqs.Queue.from_queue_arn(stack, "Mails", arn)
    first = Worker(stack, "First", cluster=cluster, task=MAILER, scaling=BACKLOG, queue=queue)
    Worker(stack, "Alone", cluster=cluster, task=MAILER, scaling=BACKLOG)
    again = first.queue if own else sqs.Queue.from_queue_arn(stack, "Again", arn)
    Worker(stack, "Second", cluster=cluster, task=MAILER, scaling=BACKLOG, queue=again)
    (warning,) = [each for each in warnings_of(app, "Shop") if "processed by" in each]
    assert "the queue of this worker is also processed by Shop/First" in warning


def test_the_queue_of_a_removed_worker_can_be_used_again(app: cdk.App, stack: cdk.Stack, cluster: Cluster) -> None:
    queue = sqs.Queue(stack, "Mails", visibility_timeout=cdk.Duration.hours(1))
    Worker(stack, "First", cluster=cluster, task=MAILER, scaling=BACKLOG, queue=queue)
    stack.node.try_remove_child("First")
    Worker(stack, "Second", cluster=cluster, task=MAILER, scaling=BACKLOG, queue=queue)
    assert not [each for each in warnings_of(app, "Shop") if "processed by" in each]


@pytest.mark.parametrize("job_first", [True, False])
def test_dead_letters_of_a_job_in_the_queue_of_a_worker_warn(
    app: cdk.App, stack: cdk.Stack, cluster: Cluster, *, job_first: bool
) -> None:
    queue = sqs.Queue(stack, "Mails", visibility_timeout=cdk.Duration.hours(1))
    start = Schedule(scheduler.ScheduleExpression.rate(cdk.Duration.hours(1)), dead_letter_queue=queue)
    for defines_job in (job_first, not job_first):
        if defines_job:
            Job(stack, "Nightly", cluster=cluster, task=MAILER, schedule=start)
        else:
            Worker(stack, "Mailer", cluster=cluster, task=MAILER, scaling=BACKLOG, queue=queue)
    (warning,) = [each for each in warnings_of(app, "Shop") if "drained-dead-letters" in each]
    assert (
        "Shop/Nightly, so the worker would process failed starts" if job_first else "is the queue of Shop/Mailer"
    ) in warning


def test_jobs_may_share_a_dead_letter_queue(app: cdk.App, stack: cdk.Stack, cluster: Cluster) -> None:
    letters = sqs.Queue(stack, "Letters")
    start = Schedule(scheduler.ScheduleExpression.rate(cdk.Duration.hours(1)), dead_letter_queue=letters)
    for name in ("One", "Other"):
        Job(stack, name, cluster=cluster, task=MAILER, schedule=start)
    Worker(stack, "Mailer", cluster=cluster, task=MAILER, scaling=BACKLOG)
    assert [each for each in warnings_of(app, "Shop") if "drained" in each] == []


@pytest.mark.parametrize("by_action", [True, False])
def test_a_topic_with_the_key_that_aws_manages_is_refused(
    stack: cdk.Stack, cluster: Cluster, *, by_action: bool
) -> None:
    key = kms.Alias.from_alias_name(stack, "Key", "alias/aws/sns")
    topic = sns.Topic(stack, "Operators", master_key=key)
    told: dict[str, Any] = {"alarm_actions": [actions.SnsAction(topic)]} if by_action else {"topic": topic}
    with pytest.raises(
        ValueError,
        match="must not be encrypted with alias/aws/sns, which CloudWatch cannot use",
    ):
        Worker(stack, "Mailer", cluster=cluster, task=MAILER, scaling=BACKLOG, **told)
