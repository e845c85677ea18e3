"""The checks of the settings of a registry."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from moorage.ecr import registry_limits
from moorage.ecr.registry.define_settings import principal_arn, puller_name
from moorage.ecr.registry.repository_templates import RepositoryTemplate, SigningRule, merge_templates
from moorage.scope.place import check_place, place_of

if TYPE_CHECKING:
    from constructs import Construct

    from moorage.ecr.registry.define_settings import Puller
    from moorage.ecr.registry.pull_through import PullThrough
    from moorage.workload.problems import Problems


def check_templates(
    templates: Sequence[RepositoryTemplate], scope: Construct, problems: Problems
) -> tuple[RepositoryTemplate, ...]:
    """Merge the templates of each prefix into one template, and check the settings and keys."""
    merged_templates = merge_templates(templates, problems)
    for template in merged_templates:
        key = template.settings.encryption.given_key
        check_place(problems, f"encryption of {template._bare_prefix!r}", key, scope, across_accounts=True)
    return merged_templates


def check_policy(statements: Sequence[iam.PolicyStatement], scope: Construct, problems: Problems) -> None:
    if statements:
        tagging = {"ecr:TagResource"}
        actions = [action for each in statements for action in each.actions if action not in tagging]
        problems.check(registry_limits.REGISTRY_POLICY_ACTIONS, "policy", actions)
        document = cdk.Stack.of(scope).resolve(iam.PolicyDocument(statements=list(statements)))
        problems.check(registry_limits.REGISTRY_POLICY, "policy", json.dumps(document, separators=(",", ":")))
    if not all(each.has_principal for each in statements):
        problems.add("policy must name a principal in each statement; use PolicyStatement(principals=[...])")


def check_caches(caches: Sequence[PullThrough], scope: Construct, problems: Problems) -> None:
    problems.check(registry_limits.CACHE_RULES, "the number of caches in pull_through", len(caches))
    problems.check(registry_limits.CACHE_PREFIXES, "pull_through", [each.prefix.rstrip("/") for each in caches])
    for cache in caches:
        check_place(problems, f"the secret of the cache {cache.prefix!r}", cache.secret, scope)


def check_signing(signing: Sequence[SigningRule], scope: Construct, problems: Problems) -> None:
    problems.check(registry_limits.SIGNING_RULES, "the number of rules in signing", len(signing))
    if signing:
        problems.check(registry_limits.SIGNING_REGION, "signing", place_of(scope)[1])
    for rule in signing:  # AWS Signer developer guide: containers support cross-account signing
        check_place(problems, "profile of signing", rule.profile, scope, across_accounts=True)


def check_exclusions(pullers: Sequence[Puller], scope: Construct, problems: Problems) -> None:
    for puller in pullers:
        problems.check(registry_limits.EXCLUDED_PULLER, "each item of pull_time_exclusions", principal_arn(puller))
        if not isinstance(puller, str):
            check_place(
                problems, "each item of pull_time_exclusions", puller, scope, across_accounts=True, across_regions=True
            )
    names = [puller_name(scope, puller) for puller in pullers]
    problems.check(registry_limits.EXCLUDED_PULLERS, "the items of pull_time_exclusions", names)
