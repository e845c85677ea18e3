"""The log groups of a database."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds

_PREFIX = "/aws/rds/cluster/"
_KEY_ACTIONS = ("Decrypt*", "Describe*", "Encrypt*", "GenerateDataKey*", "ReEncrypt*")  # CloudWatch Logs user guide


def define_log_groups(
    cluster: rds.DatabaseCluster, names: Sequence[str], *, key: kms.IKey, removal_policy: cdk.RemovalPolicy
) -> None:
    """Define the log groups of a cluster, before its instances write to them.

    RDS would create them, without an end of the retention and outside the stack, so that they would stay.

    Args:
        cluster: The cluster.
        names: The logs that the cluster sends to CloudWatch.
        key: The key of the logs.
        removal_policy: The removal policy of the log groups.
    """
    place = f"arn:{cdk.Aws.PARTITION}:logs:{cdk.Aws.REGION}:{cdk.Aws.ACCOUNT_ID}"
    key.add_to_resource_policy(
        iam.PolicyStatement(
            actions=[f"kms:{each}" for each in _KEY_ACTIONS],
            principals=[iam.ServicePrincipal(f"logs.{cdk.Aws.REGION}.amazonaws.com")],
            resources=["*"],
            conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"{place}:log-group:{_PREFIX}*"}},
        )
    )
    instances = [each for each in cluster.node.find_all() if isinstance(each, rds.CfnDBInstance)]
    for name in names:
        group = logs.LogGroup(
            cluster,
            f"{name.title()}Logs",
            log_group_name=f"{_PREFIX}{cluster.cluster_identifier}/{name}",
            encryption_key=key,
            retention=logs.RetentionDays.ONE_YEAR,
            removal_policy=removal_policy,
        )
        for instance in instances:
            instance.node.add_dependency(group)
