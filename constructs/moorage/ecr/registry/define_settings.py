"""The CloudFormation resources of a registry's settings: scanning, replication, signing and pull time exclusions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias, cast

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from constructs import Construct

from moorage.scope.place import stage_path
from moorage.workload.problems import is_token

if TYPE_CHECKING:
    from aws_cdk import aws_iam as iam

    from moorage.ecr.registry.replication import Replication
    from moorage.ecr.registry.repository_templates import SigningRule
    from moorage.ecr.registry.scanning import Scanning

    Puller: TypeAlias = iam.IRole | iam.IUser | str
    """A role or user whose pulls do not count for `unpulled_for`, or its ARN."""


def define_scanning(scope: Construct, scanning: Scanning) -> ecr.CfnRegistryScanningConfiguration:
    """Define the scanning configuration."""
    cfn = ecr.CfnRegistryScanningConfiguration
    return cfn(
        scope,
        "Scanning",
        scan_type=scanning.kind,
        rules=[
            cfn.ScanningRuleProperty(
                scan_frequency=rule.frequency,
                repository_filters=[
                    cfn.RepositoryFilterProperty(filter=pattern, filter_type="WILDCARD") for pattern in rule.filters
                ],
            )
            for rule in scanning.rules
        ],
    )


def define_replication(scope: Construct, replication: Sequence[Replication]) -> None:
    """Define the replication configuration, if there are rules."""
    cfn, own_account = ecr.CfnReplicationConfiguration, cdk.Stack.of(scope).account
    rules = [
        cfn.ReplicationRuleProperty(
            destinations=[
                cfn.ReplicationDestinationProperty(region=replica.region, registry_id=replica.account or own_account)
                for replica in rule.to
            ],
            repository_filters=[
                cfn.RepositoryFilterProperty(filter=prefix, filter_type="PREFIX_MATCH") for prefix in rule._prefixes
            ]
            or None,
        )
        for rule in replication
    ]
    if rules:
        cfn(scope, "Replication", replication_configuration={"rules": rules})


def define_signing(scope: Construct, signing: Sequence[SigningRule]) -> None:
    """Define the signing configuration, if there are rules."""
    cfn = ecr.CfnSigningConfiguration
    rules = [
        cfn.RuleProperty(
            signing_profile_arn=each.profile,
            repository_filters=[
                cfn.RepositoryFilterProperty(filter=pattern, filter_type="WILDCARD_MATCH")
                for pattern in each.repositories or ()
            ]
            or None,
        )
        for each in signing
    ]
    if rules:
        cfn(scope, "Signing", rules=rules)


def define_exclusions(scope: Construct, pullers: Sequence[Puller]) -> None:
    """Define the pull time exclusions: the roles and users whose pulls do not count for `unpulled_for`.

    The construct ID of each exclusion is derived from its role or user. With numbers as IDs, removing one exclusion
    would assign another role to each later exclusion, while ECR still has an exclusion for this role.
    """
    for puller in pullers:
        ecr.CfnPullTimeUpdateExclusion(
            scope, f"PullTimeExclusion {puller_name(scope, puller)}", principal_arn=principal_arn(puller)
        )


def principal_arn(puller: Puller) -> str:
    """Return the ARN of a role or user."""
    if isinstance(puller, str):
        return puller
    arn: str = getattr(puller, "role_arn", None) or cast("iam.IUser", puller).user_arn
    return arn


def puller_name(scope: Construct, puller: Puller) -> str:
    """Return a unique name of a role or user: its ARN if known, otherwise its path in the stage or its token."""
    arn = principal_arn(puller)
    if not is_token(arn):
        return arn
    if isinstance(puller, str):
        return json.dumps(cdk.Stack.of(scope).resolve(arn), sort_keys=True)
    return puller.node.path.removeprefix(f"{stage_path(scope) or ''}/")
