"""The registry of the company: its repositories, caches, scanning, replication, events, alarms and audit trail."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from moorage import ApiCall, AuditTrail, PullThrough, Registry, RepositoryTemplate, Severity
from stacks.images import PREFIX, has_cache
from stacks.notifications import define_topic
from stacks.replication import pulling_accounts, replications
from stacks.repositories import define_cached_repositories, define_repositories, shared_settings
from stacks.scanning import scanning
from stacks.settings import Description, ToolingSettings

_CACHES = {
    "ecr-public": PullThrough.ecr_public,
    "quay": PullThrough.quay,
    "kubernetes": PullThrough.kubernetes,
}
_WATCHED_CALLS = (ApiCall.BATCH_GET_IMAGE, ApiCall.GET_DOWNLOAD_URL_FOR_LAYER, ApiCall.PUT_IMAGE)


class CompanyRegistryStack(cdk.Stack):
    """The registry of the account of the company's tools.

    Args:
        scope: The stage.
        construct_id: The ID of the stack in the stage.
        description: The description of all environments.
        settings: The settings of the tooling.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, description: Description, settings: ToolingSettings
    ) -> None:
        super().__init__(scope, construct_id, termination_protection=not settings.removable)
        principals = [iam.AccountPrincipal(account) for account in pulling_accounts(description)]
        accounts = iam.CompositePrincipal(*principals) if principals else None
        caches = [_CACHES[name](settings=shared_settings(accounts, is_cache=True)) for name in settings.registry.caches]
        self.registry = Registry(
            self,
            "Registry",
            scanning=scanning(description),
            replication=replications(description),
            pull_through=caches,
            templates=[RepositoryTemplate(PREFIX, shared_settings(accounts))],
            audit=AuditTrail.own(auto_delete_objects=settings.removable),
            removal_policy=settings.removal_policy,
        )
        cdk.Annotations.of(self.registry).acknowledge_warning(
            "@moorage/ecr:filter-unmatched", "ECR creates the repositories of a cache with the first pull of each image"
        )
        if accounts:
            for cache in caches:
                self.registry.grant_pull_through(accounts, cache)
        repositories = define_repositories(self, accounts=accounts, removable=settings.removable)
        if has_cache(description):
            repositories += define_cached_repositories(self, accounts=accounts)
        self.registry.add_dashboard("Dashboard", repositories=repositories)
        self._notify(define_topic(self, key=self.registry.event_key, operators=settings.operators))

    def _notify(self, topic: sns.ITopic) -> None:
        """Notify the operators of pushes, failed replications, critical findings, deleted repositories and quotas."""
        target = targets.SnsTopic(topic)
        self.registry.on_push("Pushed", target=target, repositories=[f"{PREFIX}/*"])
        self.registry.on_scan_finding("Critical", severity=Severity.CRITICAL, target=target)
        self.registry.on_api_call("RepositoryDeleted", calls=["DeleteRepository"], target=target)
        for call in _WATCHED_CALLS:
            self.registry.alarm_near_quota(f"{call.value}NearQuota", call=call, topic=topic)
