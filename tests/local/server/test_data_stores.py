"""Databases, caches and their secrets in the local AWS."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.local.local_aws import NETWORK, Client, Deploy, attribute, check_pair, ref, resource

Resources = dict[str, Any]

GROUP = {
    "ReplicationGroupDescription": "Checkouts",
    "Engine": "valkey",
    "CacheNodeType": "cache.t4g.micro",
    "TransitEncryptionEnabled": True,
    "AtRestEncryptionEnabled": True,
}
TOKEN = "a-token-of-the-tests"  # noqa: S105  # not the token of any cache
PASSWORD = "{{resolve:secretsmanager:${Token}:SecretString:::}}"  # noqa: S105  # a dynamic reference


def cache(**properties: Any) -> Resources:
    return {"Cache": resource("AWS::ElastiCache::ReplicationGroup", **GROUP, **properties)}


def generated(**options: Any) -> Resources:
    return {"Token": resource("AWS::SecretsManager::Secret", GenerateSecretString=options)}


def nodes_of(client: Client, group: str) -> dict[str, str]:
    """Return the address of each node of a group."""
    return {
        each["CacheClusterId"]: each["CacheNodes"][0]["Endpoint"]["Address"]
        for each in client("elasticache").describe_cache_clusters(ShowCacheNodeInfo=True)["CacheClusters"]
        if each["ReplicationGroupId"] == group
    }


@pytest.mark.parametrize(
    ("faulty", "says", "mended"),
    [
        (cache(AuthToken="short"), "Invalid AuthToken provided", cache(AuthToken=TOKEN)),
        (cache(AuthToken=f"{TOKEN}?"), "Invalid AuthToken provided", cache(AuthToken=f"{TOKEN}!")),
        (cache(AuthToken="a" * 129), "Invalid AuthToken provided", cache(AuthToken="a" * 128)),
        (cache(AuthToken="a" * 15), "Invalid AuthToken provided", cache(AuthToken="a" * 16)),
        (
            cache(AutomaticFailoverEnabled=True, NumCacheClusters=1),
            "When using automatic failover, there must be at least 2 cache clusters in the replication group.",
            cache(AutomaticFailoverEnabled=True, NumCacheClusters=2),
        ),
        (
            cache(AutomaticFailoverEnabled=True),
            "there must be at least 2 cache clusters",
            cache(AutomaticFailoverEnabled=True, NumNodeGroups=1, ReplicasPerNodeGroup=1),
        ),
    ],
)
def test_a_faulty_cache_is_refused_and_the_corrected_one_deploys(
    deploy: Deploy, faulty: Resources, says: str, mended: Resources
) -> None:
    check_pair(deploy, faulty, says, mended)


@pytest.mark.parametrize(
    ("properties", "primary", "reader"),
    [
        ({}, r"master\.{}\.\w+\.euw1\.cache\.amazonaws\.com", r"replica\.{}\.\w+\.euw1\.cache\.amazonaws\.com"),
        (
            {"TransitEncryptionEnabled": False},
            r"{}\.\w+\.ng\.0001\.euw1\.cache\.amazonaws\.com",
            r"{}-ro\.\w+\.ng\.0001\.euw1\.cache\.amazonaws\.com",
        ),
    ],
)
def test_a_cache_has_addresses_of_its_own(
    deploy: Deploy, client: Client, properties: Resources, primary: str, reader: str
) -> None:
    resources = {"Cache": resource("AWS::ElastiCache::ReplicationGroup", **(GROUP | properties | {"Port": 6380}))}
    values = deploy(
        resources,
        Name=ref("Cache"),
        Primary=attribute("Cache", "PrimaryEndPoint.Address"),
        Port=attribute("Cache", "PrimaryEndPoint.Port"),
        Reader=attribute("Cache", "ReaderEndPoint.Address"),
    )["Values"]
    assert re.fullmatch(primary.format(values["Name"]), values["Primary"])
    assert re.fullmatch(reader.format(values["Name"]), values["Reader"])
    assert values["Port"] == "6380"
    (group,) = client("elasticache").describe_replication_groups(ReplicationGroupId=values["Name"])["ReplicationGroups"]
    assert group["NodeGroups"][0]["PrimaryEndpoint"] == {"Address": values["Primary"], "Port": 6380}


def test_a_cache_can_get_and_lose_nodes(deploy: Deploy, client: Client) -> None:
    def with_nodes(number: int) -> dict[str, str]:
        made = deploy(
            cache(NumCacheClusters=number, AutomaticFailoverEnabled=True),
            Name=ref("Cache"),
            Replicas=attribute("Cache", "ReadEndPoint.Addresses"),
        )
        assert made["Reason"] == ""
        nodes = nodes_of(client, made["Values"]["Name"])
        assert sorted(nodes)[1:] == [each.split(".")[0] for each in made["Values"]["Replicas"].split(",")]
        assert all(address.startswith(f"{name}.") for name, address in nodes.items())
        return nodes

    two, three = with_nodes(2), with_nodes(3)
    assert two.items() < three.items()
    assert with_nodes(2) == two


def test_a_secret_can_contain_the_value_of_another_secret(deploy: Deploy, client: Client) -> None:
    """The URL of a cache, with a token that only Secrets Manager knows."""
    resources = {
        **generated(PasswordLength=64, ExcludePunctuation=True),
        **cache(AuthToken={"Fn::Sub": PASSWORD}),
        "Url": resource(
            "AWS::SecretsManager::Secret",
            SecretString={"Fn::Sub": f"rediss://:{PASSWORD}@${{Cache.PrimaryEndPoint.Address}}:6379"},
        ),
    }
    made = deploy(resources, Token=ref("Token"), Url=ref("Url"), Address=attribute("Cache", "PrimaryEndPoint.Address"))
    assert made["Reason"] == ""
    values = made["Values"]
    token, url = (client("secretsmanager").get_secret_value(SecretId=values[name]) for name in ("Token", "Url"))
    assert url["SecretString"] == f"rediss://:{token['SecretString']}@{values['Address']}:6379"
    template = client("cloudformation").get_template(StackName=made["StackName"])["TemplateBody"]
    assert token["SecretString"] not in json.dumps(template)


def test_a_generated_secret_has_the_characters_that_its_options_allow(deploy: Deploy, client: Client) -> None:
    def value_of(description: str, **options: Any) -> str:
        secret = resource("AWS::SecretsManager::Secret", Description=description, GenerateSecretString=options)
        values = deploy({"Token": secret}, Token=ref("Token"))["Values"]
        value: str = client("secretsmanager").get_secret_value(SecretId=values["Token"])["SecretString"]
        return value

    options = {"PasswordLength": 200, "ExcludePunctuation": True, "ExcludeUppercase": True}
    value = value_of("the first", **options)
    assert re.fullmatch("[a-z0-9]{200}", value)
    assert value_of("the same value", **options) == value
    template = {"GenerateStringKey": "password", "SecretStringTemplate": '{"username": "shop"}'}
    changed = json.loads(value_of("another", PasswordLength="20", ExcludePunctuation="true", **template))
    assert changed["username"] == "shop"
    assert re.fullmatch("[A-Za-z0-9]{20}", changed["password"])


def test_the_instances_of_a_cluster_have_what_the_cluster_manages(deploy: Deploy, client: Client) -> None:
    resources = {
        **NETWORK,
        "Key": resource("AWS::KMS::Key", KeyPolicy={"Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}]}),
        "Cluster": resource(
            "AWS::RDS::DBCluster", Engine="aurora-mysql", MasterUsername="shop", ManageMasterUserPassword=True,
            StorageEncrypted=True, KmsKeyId=attribute("Key", "Arn"), PerformanceInsightsEnabled=True,
            MasterUserSecret={"KmsKeyId": attribute("Key", "Arn")}, EnableIAMDatabaseAuthentication=True,
            ServerlessV2ScalingConfiguration={"MinCapacity": 0.5, "MaxCapacity": 1},
        ),
        "Writer": resource(
            "AWS::RDS::DBInstance", Engine="aurora-mysql", DBInstanceClass="db.serverless",
            DBClusterIdentifier=ref("Cluster"),
        ),
    }  # fmt: skip
    made = deploy(
        resources, Key=attribute("Key", "Arn"), Writer=ref("Writer"),
        Secret=attribute("Cluster", "MasterUserSecret.SecretArn"),
    )  # fmt: skip
    assert made["Reason"] == ""
    values = made["Values"]
    (writer,) = client("rds").describe_db_instances(DBInstanceIdentifier=values["Writer"])["DBInstances"]
    assert (writer["StorageEncrypted"], writer["KmsKeyId"]) == (True, values["Key"])
    assert writer["PerformanceInsightsEnabled"] is True
    assert writer["IAMDatabaseAuthenticationEnabled"] is True
    secret = client("secretsmanager").describe_secret(SecretId=values["Secret"])
    assert secret["KmsKeyId"] == values["Key"]
    assert (secret["RotationEnabled"], secret["RotationRules"]) == (True, {"AutomaticallyAfterDays": 7})
