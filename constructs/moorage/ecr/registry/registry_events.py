"""The rules that deliver the events of ECR and Amazon Inspector to targets."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

import aws_cdk as cdk
import jsii
from aws_cdk import aws_events as events
from constructs import Construct

from moorage.delivery.keys import EVENTBRIDGE, allow_use
from moorage.delivery.topics import check_topic
from moorage.ecr import registry_limits
from moorage.ecr.registry.registry_patterns import (
    Pattern,
    api_call_pattern,
    archive_pattern,
    deletion_pattern,
    finding_pattern,
    pull_through_pattern,
    push_pattern,
    reads,
    replication_pattern,
    scan_pattern,
)
from moorage.scope.acknowledgements import POLICY_OF_KEY, POLICY_OF_ONE_ROLE, acknowledge
from moorage.scope.place import check_place
from moorage.workload.door import door
from moorage.workload.event_patterns import check_length
from moorage.workload.problems import Problems

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_sqs as sqs
    from aws_cdk.interfaces.aws_events import IRuleRef

    from moorage.ecr.registry.scanning import Scanning
    from moorage.workload.severity import Severity


def check_event_key(key: kms.IKey | None, scope: Construct, problems: Problems) -> None:
    """Check that EventBridge can use a key for dead letters.

    The key must be in the region of `scope`, and must not be the AWS managed key for SQS.
    """
    check_place(problems, "event_key", key, scope, across_accounts=True)
    if key is not None and key.key_arn.endswith("alias/aws/sqs"):
        problems.add(
            f"event_key must not be alias/aws/sqs, which EventBridge cannot use (got {key.node.path}); leave "
            "event_key= out, or use a key of your own"
        )


@door
class RegistryEvents(Construct):
    """The events of a `Registry`. Targets get a dead-letter queue, with a KMS key that EventBridge can use.

    The key and the queue are defined once per registry, when the first target without a `dead_letter_queue` of its own
    is added. AWS bills the key by the month.

    More `repositories` or `tags` than fit into an event pattern are an error. So is a topic or queue that is in another
    region or encrypted with an AWS managed key, because EventBridge cannot reach it.
    """

    _scanning: Scanning
    _event_key: kms.IKey | None
    _dead_letters: sqs.Queue | None = None

    @property
    def event_key(self) -> kms.IKey:
        """The KMS key of the dead-letter queue, which EventBridge can use.

        Use the key also for encrypted topics and queues that are targets. A key that the registry defines is deleted
        with the registry, so a topic or queue that is retained needs another key.
        """
        if self._event_key is None:
            from aws_cdk import aws_kms as kms  # noqa: PLC0415  # loads aws_cdk.aws_kms

            key = kms.Key(
                self,
                "EventKey",
                enable_key_rotation=True,
                description="Events of Amazon ECR on their way",
                removal_policy=cdk.RemovalPolicy.DESTROY,  # the queue keeps messages for 14 days
            )
            acknowledge(key, *POLICY_OF_KEY)
            self._event_key = cast("kms.IKey", key)
            allow_use(self._event_key, EVENTBRIDGE)
        return self._event_key

    @property
    def dead_letter_queue(self) -> sqs.Queue:
        """The encrypted queue that keeps events for 14 days if they could not be delivered within a day."""
        if self._dead_letters is None:
            self._dead_letters = _define_dead_letters(self, self.event_key)
        return self._dead_letters

    def on_push(
        self,
        construct_id: str,
        *,
        target: events.IRuleTarget | None = None,
        repositories: Sequence[str] | None = None,
        tags: Sequence[str] | None = None,
    ) -> events.Rule:
        """Define a rule for images that are pushed.

        Args:
            construct_id: The ID of the rule in the registry.
            target: The target of the rule. Default: none.
            repositories: The names of repositories, or patterns with `*`. Default: all repositories in the account
                and region.
            tags: The tags of images, or patterns with `*`. Default: all tags.

        Raises:
            ValueError: If `repositories` or `tags` is empty, invalid or too long, or EventBridge cannot reach the
                target.
        """
        return self._add_rule(construct_id, push_pattern(repositories, tags), target, repositories, tags)

    def on_delete(
        self, construct_id: str, *, target: events.IRuleTarget | None = None, repositories: Sequence[str] | None = None
    ) -> events.Rule:
        """Define a rule for images that are deleted by a user or by a lifecycle policy.

        Args:
            construct_id: The ID of the rule in the registry.
            target: The target of the rule. Default: none.
            repositories: The names of repositories, or patterns with `*`. Default: all repositories in the account
                and region.

        Raises:
            ValueError: If `repositories` is empty, invalid or too long, or EventBridge cannot reach the target.
        """
        return self._add_rule(construct_id, deletion_pattern(repositories), target, repositories)

    def on_archive(
        self, construct_id: str, *, target: events.IRuleTarget | None = None, repositories: Sequence[str] | None = None
    ) -> events.Rule:
        """Define a rule for images that are archived.

        Args:
            construct_id: The ID of the rule in the registry.
            target: The target of the rule. Default: none.
            repositories: The names of repositories, or patterns with `*`. Default: all repositories in the account
                and region.

        Raises:
            ValueError: If `repositories` is empty, invalid or too long, or EventBridge cannot reach the target.
        """
        return self._add_rule(construct_id, archive_pattern(repositories), target, repositories)

    def on_scan_completed(
        self, construct_id: str, *, target: events.IRuleTarget | None = None, repositories: Sequence[str] | None = None
    ) -> events.Rule:
        """Define a rule for completed scans. With enhanced scanning, only the first scan of an image sends an event.

        Args:
            construct_id: The ID of the rule in the registry.
            target: The target of the rule. Default: none.
            repositories: The names of repositories, or patterns with `*`. Default: all repositories in the account
                and region.

        Raises:
            ValueError: If `repositories` is empty, invalid or too long, or EventBridge cannot reach the target.
        """
        pattern = scan_pattern(repositories, by_inspector=self._scanning._by_inspector)
        return self._add_rule(construct_id, pattern, target, repositories)

    def on_scan_finding(
        self,
        construct_id: str,
        *,
        severity: Severity,
        target: events.IRuleTarget | None = None,
        repositories: Sequence[str] | None = None,
    ) -> events.Rule:
        """Define a rule for findings with `severity` or a higher severity.

        Basic scanning sends one event for each scan. Enhanced scanning sends an event when a finding is created, and
        whenever it changes.

        Args:
            construct_id: The ID of the rule in the registry.
            severity: The lowest severity.
            target: The target of the rule. Default: none.
            repositories: The names of repositories, or patterns with `*`. Default: all repositories in the account
                and region.

        Raises:
            ValueError: If `repositories` is empty, invalid or too long, or EventBridge cannot reach the target.
        """
        pattern = finding_pattern(severity, repositories, by_inspector=self._scanning._by_inspector)
        return self._add_rule(construct_id, pattern, target, repositories)

    def on_replicated(
        self,
        construct_id: str,
        *,
        target: events.IRuleTarget | None = None,
        repositories: Sequence[str] | None = None,
        failed: bool = False,
    ) -> events.Rule:
        """Define a rule for images that are replicated to this registry.

        Args:
            construct_id: The ID of the rule in the registry.
            target: The target of the rule. Default: none.
            repositories: The names of repositories, or patterns with `*`. Default: all repositories in the account
                and region.
            failed: Whether to match failed replications instead of successful ones. Default: False.

        Raises:
            ValueError: If `repositories` is empty, invalid or too long, or EventBridge cannot reach the target.
        """
        pattern = replication_pattern(repositories, result="FAILED" if failed else "SUCCESS")
        return self._add_rule(construct_id, pattern, target, repositories)

    def on_pull_through(
        self,
        construct_id: str,
        *,
        target: events.IRuleTarget | None = None,
        repositories: Sequence[str] | None = None,
        failed: bool = False,
    ) -> events.Rule:
        """Define a rule for images that a pull through cache synchronizes, successfully or not.

        Args:
            construct_id: The ID of the rule in the registry.
            target: The target of the rule. Default: none.
            repositories: The names of repositories, or patterns with `*`. Default: all repositories in the account
                and region.
            failed: Whether to match only failed synchronizations. Default: False.

        Raises:
            ValueError: If `repositories` is empty, invalid or too long, or EventBridge cannot reach the target.
        """
        pattern = pull_through_pattern(repositories, status="FAILED" if failed else None)
        return self._add_rule(construct_id, pattern, target, repositories)

    def on_api_call(
        self,
        construct_id: str,
        *,
        calls: Sequence[str],
        target: events.IRuleTarget | None = None,
    ) -> events.Rule:
        """Define a rule for ECR API calls that a CloudTrail trail of the account records.

        Args:
            construct_id: The ID of the rule in the registry.
            calls: The names of API operations, such as `DeleteRepository`, or patterns with `*`. Read-only operations,
                such as `DescribeRepositories`, match only if the trail records them.
            target: The target of the rule. Default: none.

        Raises:
            ValueError: If `calls` is empty, invalid or too long, or EventBridge cannot reach the target.
        """
        problems = Problems(lambda: f"{self.node.path}/{construct_id}")
        problems.check(registry_limits.API_CALLS, "the number of calls", len(calls))
        for call in calls:
            is_call = registry_limits.API_CALL.accepts(call)
            limit = registry_limits.KNOWN_API_CALL if is_call else registry_limits.API_CALL
            problems.check(limit, "each item of calls", call)
        problems.raise_any()
        rule = self._add_rule(construct_id, api_call_pattern(calls), target)
        if any(map(reads, calls)):
            resource: events.CfnRule = rule.node.default_child  # type: ignore[assignment]  # the default child of CDK's Rule
            resource.state = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
        return rule

    def _add_rule(
        self,
        construct_id: str,
        pattern: Pattern,
        target: events.IRuleTarget | None,
        repositories: Sequence[str] | None = None,
        tags: Sequence[str] | None = None,
    ) -> events.Rule:
        problems = Problems(lambda: f"{self.node.path}/{construct_id}")
        problems.check_filter("repositories", repositories, "all repositories")
        problems.check_filter("tags", tags, "all tags")
        for name in repositories or ():
            problems.check(registry_limits.EVENT_REPOSITORY, "each item of repositories", name)
        for tag in tags or ():
            problems.check(registry_limits.EVENT_TAG, "each item of tags", tag)
        check_length(pattern, problems)
        _check_target(problems, target, self)
        problems.raise_any()
        rule = events.Rule(
            self,
            construct_id,
            event_pattern=events.EventPattern(
                source=pattern["source"], detail_type=pattern["detail-type"], detail=pattern.get("detail")
            ),
        )
        acknowledge(rule, *POLICY_OF_ONE_ROLE)  # of a role that CDK defines for the target
        if target is not None:
            rule.add_target(_TargetWithDeadLetters(target, lambda: self.dead_letter_queue))
        return rule


@jsii.implements(events.IRuleTarget)
class _TargetWithDeadLetters:
    """A target with a dead-letter queue, which is added unless the target has its own queue.

    CDK binds a target once, when the target is added to a rule.
    """

    def __init__(self, target: events.IRuleTarget, dead_letters: Callable[[], sqs.IQueue]) -> None:
        self._target = target
        self._dead_letters = dead_letters

    def bind(self, rule: IRuleRef, id: str | None = None) -> events.RuleTargetConfig:  # noqa: A002  # CDK's name
        config = self._target.bind(rule, id)
        if config.dead_letter_config is not None:
            return config
        properties = {name: getattr(config, name) for name in inspect.signature(events.RuleTargetConfig).parameters}
        return events.RuleTargetConfig(**{**properties, "dead_letter_config": {"arn": self._dead_letters().queue_arn}})


def _check_target(problems: Problems, target: events.IRuleTarget | None, scope: Construct) -> None:
    """Check that EventBridge can reach the attribute `topic` or `queue` of a target, if the target has one."""
    topic, queue = getattr(target, "topic", None), getattr(target, "queue", None)
    if topic is not None:
        check_topic(problems, "the topic of target", topic, scope)
    if queue is not None:
        from moorage.delivery.dead_letters import check_queue  # noqa: PLC0415  # loads aws_cdk.aws_sqs

        check_queue(problems, "the queue of target", queue, scope, across_accounts=False)


def _define_dead_letters(scope: Construct, key: kms.IKey) -> sqs.Queue:
    """Define a dead-letter queue to which all EventBridge rules of the account and region can send."""
    from aws_cdk import aws_sqs as sqs  # noqa: PLC0415  # loads aws_cdk.aws_sqs

    from moorage.delivery.dead_letters import (  # noqa: PLC0415  # loads aws_cdk.aws_sqs
        allow_any_rule,
        define_dead_letters,
    )

    queue = define_dead_letters(
        scope,
        "DeadLetters",
        encryption=sqs.QueueEncryption.KMS,
        encryption_key=key,
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )
    allow_any_rule(queue, scope)
    return queue
