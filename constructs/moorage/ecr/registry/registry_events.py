"""The events of images that ECR and Amazon Inspector send to EventBridge, and the rules that deliver them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import aws_cdk as cdk
import jsii
from aws_cdk import aws_events as events
from constructs import Construct

from moorage.delivery.keys import EVENTBRIDGE, allow_use
from moorage.delivery.topics import check_topic
from moorage.ecr import registry_limits
from moorage.ecr.registry.scanning import Severity
from moorage.scope.place import check_place
from moorage.workload.door import door
from moorage.workload.event_patterns import check_length
from moorage.workload.problems import Problems

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_sqs as sqs
    from aws_cdk.interfaces.aws_events import IRuleRef

    from moorage.ecr.registry.scanning import Scanning

Pattern: TypeAlias = Mapping[str, Any]
"""An event pattern as EventBridge writes it."""

_ECR, _INSPECTOR = "aws.ecr", "aws.inspector2"
_READING_PREFIXES = ("BatchCheck", "BatchGet", "Describe", "Get", "List", "Validate")


def push_pattern(repositories: Sequence[str] | None = None, tags: Sequence[str] | None = None) -> Pattern:
    """Return the pattern of pushed images (ECR guide: event for a completed image push)."""
    return _image_action_pattern("PUSH", repositories, tags)


def deletion_pattern(repositories: Sequence[str] | None = None) -> Pattern:
    """Return the pattern of images deleted by a user or a lifecycle (ECR guide: event for an image deletion)."""
    return _image_action_pattern("DELETE", repositories, None)


def archive_pattern(repositories: Sequence[str] | None = None) -> Pattern:
    """Return the pattern of archived images (ECR guide: event for an image archival action)."""
    pattern = _image_action_pattern("UPDATE_STORAGE_CLASS", repositories, None)
    return {**pattern, "detail": {**pattern["detail"], "target-storage-class": ["ARCHIVE"]}}


def replication_pattern(repositories: Sequence[str] | None = None, *, result: str = "SUCCESS") -> Pattern:
    """Return the pattern of replicated images, sent at the destination (ECR guide: completed, failed replication)."""
    detail = {"action-type": ["REPLICATE"], "result": [result], **_repository_detail(repositories)}
    return {"source": [_ECR], "detail-type": ["ECR Replication Action"], "detail": detail}


def pull_through_pattern(repositories: Sequence[str] | None = None, *, status: str | None = None) -> Pattern:
    """Return the pattern of cached images, also failed ones (ECR guide: event for a pull through cache action)."""
    detail = {**({"sync-status": [status]} if status else {}), **_repository_detail(repositories)}
    pattern = {"source": [_ECR], "detail-type": ["ECR Pull Through Cache Action"]}
    return {**pattern, "detail": detail} if detail else pattern


def scan_pattern(repositories: Sequence[str] | None = None, *, by_inspector: bool = False) -> Pattern:
    """Return the pattern of scans: sent by ECR for basic scanning, by Inspector for an image's first enhanced scan."""
    if by_inspector:
        detail = {"scan-status": ["INITIAL_SCAN_COMPLETE"], **_repository_detail(repositories, in_arn=True)}
        return {"source": [_INSPECTOR], "detail-type": ["Inspector2 Scan"], "detail": detail}
    detail = {"scan-status": ["COMPLETE"], **_repository_detail(repositories)}
    return {"source": [_ECR], "detail-type": ["ECR Image Scan"], "detail": detail}


def finding_pattern(
    severity: Severity, repositories: Sequence[str] | None = None, *, by_inspector: bool = False
) -> Pattern:
    """Return the pattern of findings of this severity or a graver one.

    Basic scanning sends an event for each scan, with the number of findings of each severity; Inspector sends an event
    for each finding, when it is found and when it changes.
    """
    if by_inspector:
        image: dict[str, Any] = {"type": ["AWS_ECR_CONTAINER_IMAGE"]}
        if repositories:
            image["details"] = {"awsEcrContainerImage": {"repositoryName": _name_patterns(repositories)}}
        detail: dict[str, Any] = {"severity": list(severity._and_graver), "status": ["ACTIVE"], "resources": image}
        return {"source": [_INSPECTOR], "detail-type": ["Inspector2 Finding"], "detail": detail}
    counts = [{name: [{"numeric": [">", 0]}]} for name in severity._and_graver]
    any_of_them = (
        counts[0] if len(counts) == 1 else {"$or": counts}
    )  # beside no other key: PutRule was seen to refuse it
    return {
        "source": [_ECR],
        "detail-type": ["ECR Image Scan"],
        "detail": {
            "scan-status": ["COMPLETE"],
            **_repository_detail(repositories),
            "finding-severity-counts": any_of_them,
        },
    }


def api_call_pattern(calls: Sequence[str]) -> Pattern:
    """Return the pattern of calls of ECR's API that a trail records (ECR guide: logging with CloudTrail)."""
    detail = {"eventSource": ["ecr.amazonaws.com"], "eventName": _name_patterns(calls)}
    return {"source": [_ECR], "detail-type": ["AWS API Call via CloudTrail"], "detail": detail}


def _image_action_pattern(action: str, repositories: Sequence[str] | None, tags: Sequence[str] | None) -> Pattern:
    detail = {"action-type": [action], "result": ["SUCCESS"], **_repository_detail(repositories)}
    if tags:
        detail["image-tag"] = _name_patterns(tags)
    return {"source": [_ECR], "detail-type": ["ECR Image Action"], "detail": detail}


def _repository_detail(repositories: Sequence[str] | None, *, in_arn: bool = False) -> dict[str, Any]:
    if not repositories:
        return {}
    names = [f"*:repository/{name}" for name in repositories] if in_arn else repositories
    return {"repository-name": _name_patterns(names)}


def _name_patterns(names: Sequence[str]) -> list[Any]:
    return [{"wildcard": name} if "*" in name else name for name in names]


def _reads(call: str) -> bool:
    """Return whether a call may be one that only reads, which a rule hears only in one state.

    EventBridge leaves management events that read out unless the rule's state says otherwise (botocore events
    RuleState; EventBridge guide, filtering management events). The prefixes are those of ECR's read and list actions
    (service authorization reference).
    """
    return call.startswith(_READING_PREFIXES) or "*" in call


def check_event_key(key: kms.IKey | None, scope: Construct, problems: Problems) -> None:
    """Note a key that EventBridge cannot use for a registry's dead letters: of another region, or AWS's own for SQS."""
    check_place(problems, "event_key", key, scope, across_accounts=True)
    if key is not None and key.key_arn.endswith("alias/aws/sqs"):
        problems.add(
            f"event_key must not be alias/aws/sqs, which does not let EventBridge in (got {key.node.path}); leave it "
            "out, or use a key of your own"
        )


@door
class RegistryEvents(Construct):
    """What a `Registry` tells of itself; each rule has a dead-letter queue, and a key that EventBridge may use.

    The key and the queue are defined with the first event, once a registry: AWS bills the key by the month. A target
    that comes with a `dead_letter_queue` of its own needs neither. `repositories` are names or patterns with `*`; all
    of the account and region without them. More of them than an event pattern holds are an error, as is a topic or
    queue that EventBridge cannot reach: of another region, or encrypted by the key that AWS manages for it.
    """

    _scanning: Scanning
    _event_key: kms.IKey | None
    _dead_letters: sqs.Queue | None = None

    @property
    def event_key(self) -> kms.IKey:
        """The key of the dead-letter queue, which EventBridge may use: for a topic or queue that events go to, too.

        It is deleted with the registry, so what is retained needs a key of its own.
        """
        if self._event_key is None:
            from aws_cdk import aws_kms as kms  # noqa: PLC0415  # loads aws_cdk.aws_kms

            key = kms.Key(
                self,
                "EventKey",
                enable_key_rotation=True,
                description="Events of Amazon ECR on their way",
                removal_policy=cdk.RemovalPolicy.DESTROY,  # what it encrypts is gone in 14 days
            )
            self._event_key = cast("kms.IKey", key)
            allow_use(self._event_key, EVENTBRIDGE)
        return self._event_key

    @property
    def dead_letter_queue(self) -> sqs.Queue:
        """Where events go that a target did not take for a day; kept for 14 days, and encrypted."""
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
        """Tell `target` of each image that is pushed; `tags` are names or patterns with `*`."""
        return self._add_rule(construct_id, push_pattern(repositories, tags), target, repositories, tags)

    def on_delete(
        self, construct_id: str, *, target: events.IRuleTarget | None = None, repositories: Sequence[str] | None = None
    ) -> events.Rule:
        """Tell `target` of each image that is deleted, by hand or by a lifecycle."""
        return self._add_rule(construct_id, deletion_pattern(repositories), target, repositories)

    def on_archive(
        self, construct_id: str, *, target: events.IRuleTarget | None = None, repositories: Sequence[str] | None = None
    ) -> events.Rule:
        """Tell `target` of each image that is archived."""
        return self._add_rule(construct_id, archive_pattern(repositories), target, repositories)

    def on_scan_completed(
        self, construct_id: str, *, target: events.IRuleTarget | None = None, repositories: Sequence[str] | None = None
    ) -> events.Rule:
        """Tell `target` of each scan that is complete; with enhanced scanning, of the first of an image."""
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
        """Tell `target` of findings of this severity or a graver one.

        With basic scanning that is one event a scan, with enhanced scanning one a finding.
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
        """Tell `target` of each image that arrives here from another registry; with `failed`, of those that do not."""
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
        """Tell `target` of each image that is cached or was tried to be; with `failed`, of those that could not be."""
        pattern = pull_through_pattern(repositories, status="FAILED" if failed else None)
        return self._add_rule(construct_id, pattern, target, repositories)

    def on_api_call(
        self,
        construct_id: str,
        *,
        calls: Sequence[str],
        target: events.IRuleTarget | None = None,
    ) -> events.Rule:
        """Tell `target` of calls of ECR's API that a CloudTrail trail of the account records.

        Args:
            construct_id: The id of the rule in the registry.
            calls: The names of the calls, as `DeleteRepository`, or patterns with `*`. Calls that only read, as
                `DescribeRepositories`, come to the rule too if the trail records them.
            target: What is told.
        """
        problems = Problems(lambda: f"{self.node.path}/{construct_id}")
        problems.check(registry_limits.API_CALLS, "the number of calls", len(calls))
        for call in calls:
            is_call = registry_limits.API_CALL.accepts(call)
            limit = registry_limits.KNOWN_API_CALL if is_call else registry_limits.API_CALL
            problems.check(limit, "each of calls", call)
        problems.raise_any()
        rule = self._add_rule(construct_id, api_call_pattern(calls), target)
        if any(map(_reads, calls)):
            resource: events.CfnRule = rule.node.default_child  # type: ignore[assignment]  # as CDK names it
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
            problems.check(registry_limits.EVENT_REPOSITORY, "each of repositories", name)
        for tag in tags or ():
            problems.check(registry_limits.EVENT_TAG, "each of tags", tag)
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
        if target is not None:
            rule.add_target(_TargetWithDeadLetters(target, lambda: self.dead_letter_queue))
        return rule


@jsii.implements(events.IRuleTarget)
class _TargetWithDeadLetters:
    """A target that has a dead-letter queue, unless it came with one; asked once, when it is added to its rule."""

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
    """Note a topic or queue that EventBridge cannot reach, as far as a target of CDK's says what it is."""
    topic, queue = getattr(target, "topic", None), getattr(target, "queue", None)
    if topic is not None:
        check_topic(problems, "the topic of target", topic, scope)
    if queue is not None:
        from moorage.delivery.dead_letters import check_queue  # noqa: PLC0415  # loads aws_cdk.aws_sqs

        check_queue(problems, "the queue of target", queue, scope, across_accounts=False)


def _define_dead_letters(scope: Construct, key: kms.IKey) -> sqs.Queue:
    """Define a dead-letter queue to which the rules of the account may send."""
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
