"""The permissions and creation templates of a registry for images from other registries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from moorage.ecr.registry.app_checks import RegistryRecord
from moorage.ecr.registry.replication import Replication, ReplicationSource, rules_for_destination
from moorage.ecr.registry.repository_templates import REPLICATION, RepositoryTemplate

if TYPE_CHECKING:
    from moorage.scope.place import Place
    from moorage.workload.problems import Problems

OriginRecord: TypeAlias = RegistryRecord | ReplicationSource
"""A source of replicated images, without constructs: a registry of this app, or of another app."""


def copy_statement(rule: Replication, account: str, registry: str) -> iam.PolicyStatement:
    """Return the statement that allows an account to replicate to a registry, and to tag repositories if needed.

    Args:
        rule: The rule by which the account replicates.
        account: The account of the source.
        registry: The beginning of the ARNs of the registry's repositories, up to the account ID.
    """
    actions = ["ecr:ReplicateImage", "ecr:CreateRepository", *(["ecr:TagResource"] if rule.settings.tags else [])]
    return iam.PolicyStatement(
        principals=[iam.AccountPrincipal(account)],
        actions=actions,
        resources=[f"{registry}:repository/{prefix}*" for prefix in rule.prefix or ("",)],
    )


def copy_statements(
    origins: Sequence[OriginRecord], stack: cdk.Stack, place: Place, problems: Problems
) -> list[iam.PolicyStatement]:
    """Return the statements that allow each origin in another account to replicate to the registry of `stack`.

    Add a problem for each origin that does not replicate to `place`, or whose account must be known but is not.
    """
    registry = f"arn:{stack.partition}:ecr:{stack.region}:{stack.account}"
    statements = []
    for origin in origins:
        source = _place_of(origin)
        name = origin.account if isinstance(origin, ReplicationSource) else origin.path
        rules = rules_for_destination(origin.replication, source, place)
        if not rules:
            problems.add(
                f"replicates_from must name registries that replicate to this registry (got {name}); add this region "
                f"(and account) to Replication(to=[...]) of {name}"
            )
        if source[0] is None and place[0] is not None:
            problems.add(
                f"replicates_from must name registries whose account is known, since the policy names the account "
                f"(got {name}); use env= for the stack of {name}"
            )
        elif source[0] is not None and source[0] != place[0]:
            statements += [copy_statement(rule, source[0], registry) for rule in rules]
    return statements


def copy_templates(origins: Sequence[OriginRecord], place: Place) -> list[RepositoryTemplate]:
    """Return the creation templates for the repositories that the origins replicate."""
    return [
        RepositoryTemplate(prefix, rule.settings, applied_for=REPLICATION)
        for origin in origins
        for rule in rules_for_destination(origin.replication, _place_of(origin), place)
        for prefix in rule._template_prefixes
    ]


def _place_of(origin: OriginRecord) -> Place:
    """Return the account and region of an origin. The region of a registry of another app is unknown."""
    return (origin.account, None) if isinstance(origin, ReplicationSource) else origin.place
