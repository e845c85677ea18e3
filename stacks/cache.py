"""The cache of a service."""

from __future__ import annotations

import aws_cdk as cdk
import jsii
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from stacks.settings import DataSettings


@jsii.implements(ec2.IConnectable)
class Cache(Construct):
    """A Valkey cache with one primary node, which clients reach with TLS and a token.

    Args:
        scope: The stack.
        construct_id: The name of the service that the cache belongs to.
        data: The settings of the data stores.
        protected: Whether to take snapshots, the last one before the cache is deleted.
        vpc: The VPC.
        key: The key of the data and the secrets.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        data: DataSettings,
        protected: bool,
        vpc: ec2.IVpc,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, construct_id)
        self.port, self.key = 6379, key
        subnets = vpc.isolated_subnets or vpc.private_subnets
        security_group = ec2.SecurityGroup(self, "SecurityGroup", vpc=vpc, allow_all_outbound=False)
        self._connections = ec2.Connections(security_groups=[security_group])
        token = secretsmanager.Secret(
            self,
            "Token",
            encryption_key=key,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                password_length=64,
                exclude_punctuation=True,  # most of it is not allowed in a token, or not in a URL
            ),
        )
        group = elasticache.CfnReplicationGroup(
            self,
            "Group",
            replication_group_description=f"Cache of {construct_id}",
            engine="valkey",
            engine_version="8.2",
            cache_node_type=data.cache_node_type,
            num_cache_clusters=data.cache_nodes,
            automatic_failover_enabled=data.cache_nodes > 1,
            multi_az_enabled=data.cache_nodes > 1,
            auto_minor_version_upgrade=True,
            port=self.port,
            cache_subnet_group_name=elasticache.CfnSubnetGroup(
                self,
                "Subnets",
                description=f"Subnets of the cache of {construct_id}",
                subnet_ids=[each.subnet_id for each in subnets],
            ).ref,
            security_group_ids=[security_group.security_group_id],
            at_rest_encryption_enabled=True,
            kms_key_id=key.key_arn,
            transit_encryption_enabled=True,
            transit_encryption_mode="required",
            auth_token=token.secret_value.unsafe_unwrap(),  # a dynamic reference, which CloudFormation resolves
            snapshot_retention_limit=data.backup_days if protected else 0,
        )
        group.apply_removal_policy(cdk.RemovalPolicy.SNAPSHOT if protected else cdk.RemovalPolicy.DESTROY)
        # ElastiCache appends these numbers to the name of the group; each metric is that of one node
        self.nodes = [f"{group.ref}-{number:03}" for number in range(1, data.cache_nodes + 1)]
        self.url = secretsmanager.Secret(
            self,
            "Url",
            encryption_key=key,
            # the application takes only a complete URL, and ECS passes a secret as it is
            secret_string_value=cdk.SecretValue.unsafe_plain_text(
                f"rediss://:{token.secret_value.unsafe_unwrap()}@{group.attr_primary_end_point_address}:{self.port}"
            ),
        )

    @property
    def connections(self) -> ec2.Connections:
        """The connections of the nodes."""
        return self._connections
