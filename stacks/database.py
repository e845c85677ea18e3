"""A relational database of a service."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import aws_cdk as cdk
import jsii
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rds as rds
from constructs import Construct

from stacks.settings import DataSettings


@jsii.implements(ec2.IConnectable)
class Database(Construct):
    """An Aurora cluster of serverless instances. RDS keeps the password in a secret, and rotates it.

    Args:
        scope: The stack.
        construct_id: The name of the service that the database belongs to.
        engine: The database engine and its version.
        port: The TCP port.
        name: The name of the database.
        logs: The logs to send to CloudWatch.
        parameters: The parameters of the engine.
        data: The settings of the data stores.
        protected: Whether to protect the cluster from deletion.
        vpc: The VPC.
        key: The key of the data, the password and the insights.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        engine: rds.IClusterEngine,
        port: int,
        name: str,
        logs: Sequence[str],
        parameters: Mapping[str, str],
        data: DataSettings,
        protected: bool,
        vpc: ec2.IVpc,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, construct_id)
        self.port, self.name, self.key, self.logs = port, name, key, logs
        least, most = data.database_capacity
        instance = functools.partial(  # the insights of 7 days, which are the default, are free
            rds.ClusterInstance.serverless_v2, enable_performance_insights=True, performance_insight_encryption_key=key
        )
        self.cluster = rds.DatabaseCluster(
            self,
            "Cluster",
            engine=engine,
            port=port,
            default_database_name=name,
            parameters=dict(parameters),
            writer=instance("Writer"),
            readers=[  # the first has the capacity of the writer, which it replaces if the writer fails
                instance(f"Reader{each}", scale_with_writer=each == 1) for each in range(1, data.database_readers + 1)
            ],
            serverless_v2_min_capacity=least,
            serverless_v2_max_capacity=most,
            serverless_v2_auto_pause_duration=None if least else cdk.Duration.minutes(30),
            vpc=vpc,
            vpc_subnets=ec2.SubnetSelection(subnets=vpc.isolated_subnets or vpc.private_subnets),
            security_groups=[ec2.SecurityGroup(self, "SecurityGroup", vpc=vpc, allow_all_outbound=False)],
            storage_encryption_key=key,
            manage_master_user_password=True,
            credentials=rds.Credentials.from_username("store", encryption_key=key),
            iam_authentication=True,
            backup=rds.BackupProps(retention=cdk.Duration.days(data.backup_days)),
            copy_tags_to_snapshot=True,
            cloudwatch_logs_exports=list(logs),
            auto_minor_version_upgrade=True,
            deletion_protection=protected,
            removal_policy=cdk.RemovalPolicy.SNAPSHOT if protected else cdk.RemovalPolicy.DESTROY,
        )

    @property
    def connections(self) -> ec2.Connections:
        """The connections of the cluster."""
        return self.cluster.connections

    @property
    def address(self) -> str:
        """The host and the port of the writer."""
        return f"{self.cluster.cluster_endpoint.hostname}:{self.port}"

    def secret(self, field: str) -> ecs.Secret:
        """Return the field `username` or `password` of the secret that RDS manages."""
        assert self.cluster.secret is not None  # noqa: S101  # the cluster has a managed password
        return ecs.Secret.from_secrets_manager(self.cluster.secret, field)
