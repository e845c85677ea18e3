"""The data stores as the services know them, in the variables of release 1.6.2 of the retail store sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import attrs
import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam

from moorage import Service
from stacks.cache import Cache
from stacks.database import Database

if TYPE_CHECKING:
    from aws_cdk import aws_dynamodb as dynamodb
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_sqs as sqs

IN_REGION: Mapping[str, str] = {"AWS_REGION": cdk.Aws.REGION}
"""The region of a container that calls AWS.

Fargate sets it, but agents of ECS on instances only since May 2026, and the metadata of the instance is blocked.
"""

CARTS_INDEX = "idx_global_customerId"
"""The index of the table that the carts service queries."""


@attrs.frozen(kw_only=True)
class Store:
    """A data store, as its service needs it.

    Args:
        environment: The variables of the container. Default: none.
        secrets: The secret variables of the container. Default: none.
        server: The database or cache that the tasks connect to. Default: none.
        permissions: The permissions of the task role. Default: none.
        called_services: The services of AWS that the application calls, for `Task(called_services=)`. Default: none.
    """

    environment: Mapping[str, str] = attrs.field(factory=dict)
    secrets: Mapping[str, ecs.Secret] = attrs.field(factory=dict)
    server: Database | Cache | None = None
    permissions: Sequence[iam.PolicyStatement] = ()
    called_services: Sequence[str] = ()

    def open_to(self, service: Service) -> None:
        """Let a service use the store. All rules and permissions are in the stack of the service.

        A service with secrets of a database or cache is redeployed when they change.

        Args:
            service: The service, whose container has the variables.
        """
        for statement in self.permissions:
            service.grant_principal.add_to_principal_policy(statement)
        if self.server:
            port = self.server.port
            description = f"{service.node.id} to its data on port {port}"
            service.connections.allow_to(self.server, ec2.Port.tcp(port), description)
            # tasks read secrets once, and RDS changes a password every 7 days
            service.redeploy_on_rotation(encryption_key=self.server.key)

    def keep_exported(self, stack: cdk.Stack) -> None:
        """Export what the service uses of a stack, also after the service is removed.

        CloudFormation refuses to remove an export that another stack still imports, and CDK deploys the stack with the
        data first.

        Args:
            stack: The stack with the data.
        """
        groups = self.server.connections.security_groups if self.server else ()
        used = [*self.environment.values(), *(each.arn for each in self.secrets.values())]
        used += [each.security_group_id for each in groups]
        used += [resource for statement in self.permissions for resource in statement.resources]
        for text in used:
            for token in cdk.Tokenization.reverse_string(text).tokens:
                if cdk.Reference.is_reference(token):
                    stack.export_value(token)


BUILT_IN: Mapping[str, Store] = {
    "catalog": Store(environment={"RETAIL_CATALOG_PERSISTENCE_PROVIDER": "in-memory"}),
    "carts": Store(environment={"RETAIL_CART_PERSISTENCE_PROVIDER": "in-memory"}),
    "orders": Store(
        environment={
            "RETAIL_ORDERS_PERSISTENCE_PROVIDER": "in-memory",
            "RETAIL_ORDERS_MESSAGING_PROVIDER": "in-memory",
        }
    ),
    "checkout": Store(environment={"RETAIL_CHECKOUT_PERSISTENCE_PROVIDER": "in-memory"}),
}
"""The stores in the memory of the services, by the name of the service."""


def catalog_store(database: Database) -> Store:
    """Return the store of the catalog service."""
    return Store(
        environment={
            "RETAIL_CATALOG_PERSISTENCE_PROVIDER": "mysql",
            "RETAIL_CATALOG_PERSISTENCE_ENDPOINT": database.address,
            "RETAIL_CATALOG_PERSISTENCE_DB_NAME": database.name,
        },
        secrets={
            "RETAIL_CATALOG_PERSISTENCE_USER": database.secret("username"),
            "RETAIL_CATALOG_PERSISTENCE_PASSWORD": database.secret("password"),
        },
        server=database,
    )


def carts_store(table: dynamodb.ITable, key: kms.IKey) -> Store:
    """Return the store of the carts service, which reads and writes items, and neither scans nor deletes the table."""
    operations = ("DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem")
    key_operations = ("Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo")
    return Store(
        environment={
            **IN_REGION,
            "RETAIL_CART_PERSISTENCE_PROVIDER": "dynamodb",
            "RETAIL_CART_PERSISTENCE_DYNAMODB_TABLE_NAME": table.table_name,
        },
        permissions=[
            iam.PolicyStatement(
                actions=[f"dynamodb:{each}" for each in operations],
                resources=[table.table_arn, f"{table.table_arn}/index/{CARTS_INDEX}"],
            ),
            use_of_key(key, "dynamodb", *key_operations),
        ],
        called_services=["dynamodb"],
    )


def orders_store(database: Database, messages: sqs.IQueue, key: kms.IKey) -> Store:
    """Return the store of the orders service: a database, and the queue of new orders."""
    return Store(
        environment={
            **IN_REGION,
            "RETAIL_ORDERS_PERSISTENCE_PROVIDER": "postgres",
            "RETAIL_ORDERS_PERSISTENCE_ENDPOINT": database.address,
            "RETAIL_ORDERS_PERSISTENCE_NAME": database.name,
            "RETAIL_ORDERS_MESSAGING_PROVIDER": "sqs",
            # a URL, since the service looks for a queue by its name, and creates one if it finds none
            "RETAIL_ORDERS_MESSAGING_SQS_TOPIC": messages.queue_url,
        },
        secrets={
            "RETAIL_ORDERS_PERSISTENCE_USERNAME": database.secret("username"),
            "RETAIL_ORDERS_PERSISTENCE_PASSWORD": database.secret("password"),
        },
        server=database,
        permissions=[
            iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[messages.queue_arn]),
            use_of_key(key, "sqs", "Decrypt", "GenerateDataKey"),
        ],
        called_services=["sqs"],
    )


def checkout_store(cache: Cache) -> Store:
    """Return the store of the checkout service, which gets no separate URL for reading, so it reads its last writes."""
    return Store(
        environment={"RETAIL_CHECKOUT_PERSISTENCE_PROVIDER": "redis"},
        secrets={"RETAIL_CHECKOUT_PERSISTENCE_REDIS_URL": ecs.Secret.from_secrets_manager(cache.url)},
        server=cache,
    )


def use_of_key(key: kms.IKey, service: str, *operations: str) -> iam.PolicyStatement:
    """Return the permission to use a key, but only through one service of AWS.

    Args:
        key: The key.
        service: The service, such as `sqs`.
        operations: The operations of KMS.
    """
    return iam.PolicyStatement(
        actions=[f"kms:{each}" for each in operations],
        resources=[key.key_arn],
        conditions={"StringEquals": {"kms:ViaService": f"{service}.{cdk.Aws.REGION}.amazonaws.com"}},
    )
