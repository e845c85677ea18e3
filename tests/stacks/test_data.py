"""The data stores of an environment, and the way of each service to its store."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from moorage.testing import readable_template
from tests.conftest import all_warnings_of
from tests.stacks import small_shop
from tests.stacks.small_shop import Shop, statements_of

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

SERVICES = ("Catalog", "Carts", "Orders", "Checkout", "Ui")


def only(shop: Shop, kind: str, stack: str = "Data") -> dict[str, Any]:
    (found,) = shop.resources(stack, kind).values()
    return found


def text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def test_whole_template(shop: Shop, template_snapshot: SnapshotAssertion) -> None:
    assert readable_template(shop.templates["Data"]) == template_snapshot


def test_one_rotated_key_encrypts_everything(shop: Shop) -> None:
    assert only(shop, "KMS::Key")["EnableKeyRotation"] is True
    (key,) = shop.resources("Data", "KMS::Key")
    arn, reference = {"Fn::GetAtt": [key, "Arn"]}, {"Ref": key}
    for cluster in shop.resources("Data", "RDS::DBCluster").values():
        assert (cluster["StorageEncrypted"], cluster["KmsKeyId"]) == (True, arn)
        assert cluster["MasterUserSecret"] == {"KmsKeyId": arn}
    for instance in shop.resources("Data", "RDS::DBInstance").values():
        assert instance["PerformanceInsightsKMSKeyId"] == arn
    table = only(shop, "DynamoDB::Table")
    assert table["SSESpecification"] == {"KMSMasterKeyId": arn, "SSEEnabled": True, "SSEType": "KMS"}
    cache = only(shop, "ElastiCache::ReplicationGroup")
    assert (cache["AtRestEncryptionEnabled"], cache["KmsKeyId"]) == (True, arn)
    assert [each["KmsKeyId"] for each in shop.resources("Data", "SecretsManager::Secret").values()] == [arn, arn]
    keys = [each["KmsMasterKeyId"] for each in shop.resources("Data", "SQS::Queue").values()]
    assert all(each in (arn, reference) for each in keys)
    assert len(keys) == 2


def test_a_removable_environment_leaves_nothing(removable: Shop) -> None:
    for name, resource in removable.whole("Data").items():
        assert resource.get("DeletionPolicy", "Delete") == "Delete", name
    for cluster in removable.resources("Data", "RDS::DBCluster").values():
        assert cluster["DeletionProtection"] is False
    assert only(removable, "DynamoDB::Table")["DeletionProtectionEnabled"] is False
    assert only(removable, "ElastiCache::ReplicationGroup")["SnapshotRetentionLimit"] == 0


def test_data_survive_the_deletion_of_any_other_environment(protected: Shop) -> None:
    policies = {
        "AWS::DynamoDB::Table": "Retain",
        "AWS::ElastiCache::ReplicationGroup": "Snapshot",
        "AWS::KMS::Key": "Retain",
        "AWS::RDS::DBCluster": "Snapshot",
        "AWS::SQS::Queue": "Retain",
    }
    found = [each for each in protected.whole("Data").values() if each["Type"] in policies]
    assert {each["Type"] for each in found} == policies.keys()
    for each in found:
        assert each["DeletionPolicy"] == each["UpdateReplacePolicy"] == policies[each["Type"]]
    for cluster in protected.resources("Data", "RDS::DBCluster").values():
        assert cluster["DeletionProtection"] is True
    assert only(protected, "DynamoDB::Table")["DeletionProtectionEnabled"] is True


@pytest.mark.parametrize(("name", "days"), [("removable", 7), ("protected", 35)])
def test_backups_are_kept_for_the_days_of_the_settings(name: str, days: int, request: pytest.FixtureRequest) -> None:
    shop: Shop = request.getfixturevalue(name)
    for cluster in shop.resources("Data", "RDS::DBCluster").values():
        assert cluster["BackupRetentionPeriod"] == days
        assert cluster["CopyTagsToSnapshot"] is True
    recovery = only(shop, "DynamoDB::Table")["PointInTimeRecoverySpecification"]
    assert recovery == {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": days}
    assert only(shop, "ElastiCache::ReplicationGroup")["SnapshotRetentionLimit"] == (days if name == "protected" else 0)


def test_databases_have_the_capacity_and_the_readers_of_the_settings(removable: Shop, protected: Shop) -> None:
    for cluster in removable.resources("Data", "RDS::DBCluster").values():
        scaling = {"MaxCapacity": 2, "MinCapacity": 0, "SecondsUntilAutoPause": 1800}
        assert cluster["ServerlessV2ScalingConfiguration"] == scaling
    for cluster in protected.resources("Data", "RDS::DBCluster").values():
        assert cluster["ServerlessV2ScalingConfiguration"] == {"MaxCapacity": 8, "MinCapacity": 0.5}
    tiers = [each["PromotionTier"] for each in protected.resources("Data", "RDS::DBInstance").values()]
    assert sorted(tiers) == [0, 0, 1, 1, 2, 2]
    assert [each["PromotionTier"] for each in removable.resources("Data", "RDS::DBInstance").values()] == [0, 0]


def test_only_a_cache_of_several_nodes_fails_over(removable: Shop, protected: Shop) -> None:
    for shop, nodes in ((removable, 1), (protected, 2)):
        cache = only(shop, "ElastiCache::ReplicationGroup")
        assert cache["NumCacheClusters"] == nodes
        assert cache["AutomaticFailoverEnabled"] is cache["MultiAZEnabled"] is (nodes > 1)


def test_nothing_is_public(shop: Shop) -> None:
    for instance in shop.resources("Data", "RDS::DBInstance").values():
        assert instance["PubliclyAccessible"] is False
    for kind in ("RDS::DBSubnetGroup", "ElastiCache::SubnetGroup"):
        for group in shop.resources("Data", kind).values():
            assert all("PrivateSubnet" in text(each) for each in group["SubnetIds"])
            assert len(group["SubnetIds"]) == 2
    for group in shop.resources("Data", "EC2::SecurityGroup").values():
        assert group.get("SecurityGroupIngress", []) == []
        assert [each["Description"] for each in group["SecurityGroupEgress"]] == ["Disallow all traffic"]
    assert shop.resources("Data", "EC2::SecurityGroupIngress") == {}


@pytest.mark.parametrize(
    ("subnets", "used"),
    [
        ({"private_subnet_ids": ["p-1", "p-2"]}, ["p-1", "p-2"]),
        ({"isolated_subnet_ids": ["i-1", "i-2"]}, ["i-1", "i-2"]),
        ({"private_subnet_ids": ["p-1", "p-2"], "isolated_subnet_ids": ["i-1", "i-2"]}, ["i-1", "i-2"]),
    ],
)
def test_stores_are_in_isolated_subnets_if_there_are_any(subnets: dict[str, list[str]], used: list[str]) -> None:
    data = small_shop.data_in(**subnets)
    groups = [*data.find_resources("AWS::RDS::DBSubnetGroup").values()]
    groups += data.find_resources("AWS::ElastiCache::SubnetGroup").values()
    assert [each["Properties"]["SubnetIds"] for each in groups] == [used] * 3


def test_only_its_own_service_reaches_a_store(shop: Shop) -> None:
    for way in ("Ingress", "Egress"):
        rules = shop.resources("Services", f"EC2::SecurityGroup{way}").values()
        assert sorted(each["Description"] for each in rules) == [
            "Catalog to its data on port 3306",
            "Checkout to its data on port 6379",
            "Orders to its data on port 5432",
        ]
        for rule in rules:
            service, port = rule["Description"].split()[0], int(rule["Description"].split()[-1])
            assert (rule["FromPort"], rule["ToPort"], rule["IpProtocol"]) == (port, port, "tcp")
            own, other = (
                ("SourceSecurityGroupId", "GroupId") if way == "Ingress" else ("GroupId", "DestinationSecurityGroupId")
            )
            assert rule[own]["Fn::GetAtt"][0].startswith(f"{service}SecurityGroup")
            assert f"GetAtt{service}SecurityGroup" in text(rule[other])


def test_clients_must_use_encryption_in_transit_except_for_the_catalog(shop: Shop) -> None:
    by_family = {
        each["Family"].split("-")[1]: each["Parameters"]
        for each in shop.resources("Data", "RDS::DBClusterParameterGroup").values()
    }
    assert by_family["postgresql17"]["rds.force_ssl"] == "1"
    assert "require_secure_transport" not in by_family["mysql8.0"]
    cache = only(shop, "ElastiCache::ReplicationGroup")
    assert (cache["TransitEncryptionEnabled"], cache["TransitEncryptionMode"]) == (True, "required")
    policies = shop.resources("Data", "SQS::QueuePolicy").values()
    assert len(policies) == 2
    for policy in policies:
        (statement,) = policy["PolicyDocument"]["Statement"]
        assert statement["Effect"] == "Deny"
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_databases_log_what_they_do_and_take_identities_of_iam(shop: Shop) -> None:
    by_engine = {each["Engine"]: each for each in shop.resources("Data", "RDS::DBCluster").values()}
    assert by_engine["aurora-mysql"]["EnableCloudwatchLogsExports"] == ["audit", "error", "general", "slowquery"]
    assert by_engine["aurora-postgresql"]["EnableCloudwatchLogsExports"] == ["postgresql"]
    for cluster in by_engine.values():
        assert cluster["EnableIAMDatabaseAuthentication"] is True
        assert cluster["AutoMinorVersionUpgrade"] is True
    for instance in shop.resources("Data", "RDS::DBInstance").values():
        assert (instance["EnablePerformanceInsights"], instance["PerformanceInsightsRetentionPeriod"]) == (True, 7)


def test_logs_of_databases_end_with_the_stack_or_after_a_year(shop: Shop, request: pytest.FixtureRequest) -> None:
    resources = shop.whole("Data")
    groups = {name: each for name, each in resources.items() if each["Type"] == "AWS::Logs::LogGroup"}
    (key,) = shop.resources("Data", "KMS::Key")
    policy = "Delete" if "removable" in request.node.name else "Retain"
    named = set()
    for group in groups.values():
        prefix, cluster, name = group["Properties"]["LogGroupName"]["Fn::Join"][1]
        assert prefix == "/aws/rds/cluster/"  # RDS writes only to this name
        named.add((cluster["Ref"], name.removeprefix("/")))
        assert group["Properties"]["RetentionInDays"] == 365
        assert group["Properties"]["KmsKeyId"] == {"Fn::GetAtt": [key, "Arn"]}
        assert group["DeletionPolicy"] == policy
    clusters = shop.resources("Data", "RDS::DBCluster")
    assert named == {(name, log) for name, each in clusters.items() for log in each["EnableCloudwatchLogsExports"]}
    for instance in (each for each in resources.values() if each["Type"] == "AWS::RDS::DBInstance"):
        cluster = instance["Properties"]["DBClusterIdentifier"]["Ref"]
        own = {name for name, each in groups.items() if cluster in text(each)}
        assert own <= set(instance["DependsOn"])  # RDS would create a missing group itself, and the stack would fail
    statements = only(shop, "KMS::Key")["KeyPolicy"]["Statement"]
    (allowed,) = (each for each in statements if "logs." in text(each["Principal"]))
    assert "log-group:/aws/rds/cluster/*" in text(allowed["Condition"])


def test_carts_are_found_by_their_customer(shop: Shop) -> None:
    table = only(shop, "DynamoDB::Table")
    assert table["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
    (index,) = table["GlobalSecondaryIndexes"]
    assert index == {
        "IndexName": "idx_global_customerId",
        "KeySchema": [{"AttributeName": "customerId", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    assert table["BillingMode"] == "PAY_PER_REQUEST"


def test_no_template_contains_a_password(shop: Shop) -> None:
    for cluster in shop.resources("Data", "RDS::DBCluster").values():
        assert cluster["ManageMasterUserPassword"] is True
        assert "MasterUserPassword" not in cluster
    token = next(name for name in shop.resources("Data", "SecretsManager::Secret") if "Token" in name)
    reference = ["{{resolve:secretsmanager:", {"Ref": token}, ":SecretString:::}}"]
    assert only(shop, "ElastiCache::ReplicationGroup")["AuthToken"] == {"Fn::Join": ["", reference]}
    url = next(each for name, each in shop.resources("Data", "SecretsManager::Secret").items() if "Url" in name)
    (cache,) = shop.resources("Data", "ElastiCache::ReplicationGroup")
    assert url["SecretString"]["Fn::Join"][1] == [
        f"rediss://:{reference[0]}", reference[1], f"{reference[2]}@",
        {"Fn::GetAtt": [cache, "PrimaryEndPoint.Address"]}, ":6379",
    ]  # fmt: skip


def test_the_token_has_only_characters_that_elasticache_and_urls_take(shop: Shop) -> None:
    token = next(each for name, each in shop.resources("Data", "SecretsManager::Secret").items() if "Token" in name)
    assert token["GenerateSecretString"] == {"ExcludePunctuation": True, "PasswordLength": 64}


def test_each_container_has_the_variables_of_its_application(shop: Shop) -> None:
    found = {}
    for task in shop.resources("Services", "ECS::TaskDefinition").values():
        (container,) = task["ContainerDefinitions"]
        plain = {each["Name"]: each["Value"] for each in container.get("Environment", ())}
        found[container["Name"]] = (plain, {each["Name"] for each in container.get("Secrets", ())})
    assert found["ui"] == ({}, set())
    catalog, carts, orders, checkout = (found[name] for name in ("catalog", "carts", "orders", "checkout"))
    assert catalog[1] == {"RETAIL_CATALOG_PERSISTENCE_USER", "RETAIL_CATALOG_PERSISTENCE_PASSWORD"}
    assert catalog[0]["RETAIL_CATALOG_PERSISTENCE_PROVIDER"] == "mysql"
    assert catalog[0]["RETAIL_CATALOG_PERSISTENCE_DB_NAME"] == "catalogdb"
    assert text(catalog[0]["RETAIL_CATALOG_PERSISTENCE_ENDPOINT"]).endswith('":3306"]]}')
    for calls_aws in (carts, orders):  # not every agent of ECS on instances sets the region
        assert calls_aws[0]["AWS_REGION"] == {"Ref": "AWS::Region"}
    assert carts[1] == set()
    assert carts[0]["RETAIL_CART_PERSISTENCE_PROVIDER"] == "dynamodb"
    assert "RefCarts" in text(carts[0]["RETAIL_CART_PERSISTENCE_DYNAMODB_TABLE_NAME"])
    assert orders[1] == {"RETAIL_ORDERS_PERSISTENCE_USERNAME", "RETAIL_ORDERS_PERSISTENCE_PASSWORD"}
    assert orders[0]["RETAIL_ORDERS_PERSISTENCE_PROVIDER"] == "postgres"
    assert orders[0]["RETAIL_ORDERS_PERSISTENCE_NAME"] == "orders"
    assert text(orders[0]["RETAIL_ORDERS_PERSISTENCE_ENDPOINT"]).endswith('":5432"]]}')
    assert orders[0]["RETAIL_ORDERS_MESSAGING_PROVIDER"] == "sqs"
    assert "RefOrderMessages" in text(orders[0]["RETAIL_ORDERS_MESSAGING_SQS_TOPIC"])
    assert checkout == (
        {"RETAIL_CHECKOUT_PERSISTENCE_PROVIDER": "redis"}, {"RETAIL_CHECKOUT_PERSISTENCE_REDIS_URL"},
    )  # fmt: skip


def test_each_service_may_do_only_what_its_application_does(shop: Shop) -> None:
    allowed = {
        name: {
            action
            for statement in statements_of(shop, "Services", f"{name}TaskDefinitionTaskRole")
            for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        }
        for name in SERVICES
    }
    assert allowed == {
        "Catalog": set(),
        "Checkout": set(),
        "Ui": set(),
        "Orders": {"kms:Decrypt", "kms:GenerateDataKey", "sqs:SendMessage"},
        "Carts": {
            *(f"dynamodb:{each}" for each in ("DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem")),
            *("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom"),
            "kms:ReEncryptTo",
        },
    }
    for name in SERVICES:
        for statement in statements_of(shop, "Services", f"{name}TaskDefinitionTaskRole"):
            assert "*" not in text(statement["Resource"])
            if "kms:Decrypt" in statement["Action"]:
                assert "kms:ViaService" in statement["Condition"]["StringEquals"]


def test_a_service_is_deployed_again_when_its_secret_changes(shop: Shop) -> None:
    rules = {name: each["EventPattern"] for name, each in shop.resources("Services", "Events::Rule").items()}
    assert sorted(name.split("Rotation")[0] for name in rules) == ["Catalog", "Checkout", "Orders"]
    assert all(each["detail-type"] == ["Secret Label Updated"] for each in rules.values())


def test_the_data_stores_depend_only_on_the_network(shop: Shop) -> None:
    assert [each.stack_name for each in shop.data.dependencies] == ["Platform"]
    assert {each.stack_name for each in shop.services.dependencies} == {"Platform", "Data"}


def test_cdk_warns_of_nothing(shop: Shop) -> None:
    for stack in ("Data", "Services"):
        warnings = all_warnings_of(shop.data.node.root, stack)  # type: ignore[arg-type]  # the root is an app
        assert [each for each in warnings if "crossStackReferences" not in each] == []  # which cdk.json sets


def test_order_messages_that_fail_are_kept_for_two_weeks(shop: Shop) -> None:
    queues = shop.resources("Data", "SQS::Queue")
    dead = next(name for name in queues if name.startswith("DeadLetters"))
    messages = next(each for name, each in queues.items() if name.startswith("OrderMessages"))
    assert messages["RedrivePolicy"] == {"deadLetterTargetArn": {"Fn::GetAtt": [dead, "Arn"]}, "maxReceiveCount": 5}
    assert queues[dead]["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_what_a_service_uses_stays_exported_after_the_service_is_removed(removable: Shop) -> None:
    subnets = {"private_subnet_ids": ["subnet-1", "subnet-2"]}
    without_services = small_shop.data_in(**subnets).to_json()["Outputs"].keys()
    used = str(removable.templates["Services"].to_json())
    imported = {name for name in removable.templates["Data"].to_json()["Outputs"] if f"Data:{name}" in used}
    assert len(imported) > 10
    assert imported <= without_services
