"""The data stores of the services: two databases, a table, a cache and a queue."""

from __future__ import annotations

import functools

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rds as rds
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks import store
from stacks.cache import Cache
from stacks.database import Database
from stacks.database_logs import define_log_groups
from stacks.settings import EnvironmentSettings


class DataStack(cdk.Stack):
    """The data stores, encrypted with one key. `stores` has the store of each service, by the name of the service.

    Args:
        scope: The environment.
        construct_id: The ID of the stack.
        settings: The settings of the environment, with those of the data stores.
        vpc: The VPC of the services.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: EnvironmentSettings, vpc: ec2.IVpc) -> None:
        super().__init__(scope, construct_id, termination_protection=not settings.removable)
        assert settings.data is not None  # noqa: S101  # an environment without data stores has no such stack
        days, protected = settings.data.backup_days, not settings.removable
        removal_policy = settings.removal_policy
        self.key = key = kms.Key(
            self, "Key", enable_key_rotation=True, removal_policy=removal_policy, description="Data of the services"
        )
        database = functools.partial(Database, self, data=settings.data, protected=protected, vpc=vpc, key=key)
        catalog = database(
            "Catalog",
            engine=rds.DatabaseClusterEngine.aurora_mysql(version=rds.AuroraMysqlEngineVersion.VER_3_12_0),
            port=3306,
            name="catalogdb",
            # TLS is possible, but not required, since the catalog service has no setting for it
            parameters={"server_audit_logging": "1", "server_audit_events": "CONNECT,QUERY_DCL", "slow_query_log": "1"},
            logs=["audit", "error", "general", "slowquery"],  # of queries, the engine writes only the slow ones
        )
        orders = database(
            "Orders",
            # the newest version that Flyway 11 knows, with which the orders service creates its tables
            engine=rds.DatabaseClusterEngine.aurora_postgres(version=rds.AuroraPostgresEngineVersion.VER_17_9),
            port=5432,
            name="orders",
            parameters={"rds.force_ssl": "1"},
            logs=["postgresql"],
        )
        self.databases = {"Catalog": catalog, "Orders": orders}
        for one in self.databases.values():
            define_log_groups(one.cluster, one.logs, key=key, removal_policy=removal_policy)
        self.cache = Cache(self, "Checkout", data=settings.data, protected=protected, vpc=vpc, key=key)
        self.carts = dynamodb.Table(  # not a TableV2, which cannot have a key in a stack without a region
            self,
            "Carts",
            partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption_key=key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True, recovery_period_in_days=days
            ),
            deletion_protection=protected,
            removal_policy=removal_policy,
        )
        self.carts.add_global_secondary_index(
            index_name=store.CARTS_INDEX,
            partition_key=dynamodb.Attribute(name="customerId", type=dynamodb.AttributeType.STRING),
        )
        queue = functools.partial(
            sqs.Queue, self, encryption_master_key=key, enforce_ssl=True, removal_policy=removal_policy
        )
        self.dead_letters = queue("DeadLetters", retention_period=cdk.Duration.days(14))
        self.order_messages = queue(
            "OrderMessages",
            visibility_timeout=cdk.Duration.minutes(3),  # longer than a task of the worker takes to stop
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=5),
        )
        self.stores = {
            "catalog": store.catalog_store(catalog),
            "carts": store.carts_store(self.carts, key),
            "orders": store.orders_store(orders, self.order_messages, key),
            "checkout": store.checkout_store(self.cache),
        }
        for each in self.stores.values():
            each.keep_exported(self)
