"""The updates of databases and of their subnets that are refused."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.review.refused import refused
from moorage.review.replacement.replacement import replaced
from tests.review.templates import compared

INSTANCE = "AWS::RDS::DBInstance"


def of(type_: str, **properties: Any) -> dict[str, Any]:
    return {"Type": type_, "Properties": properties}


def sentences(base: dict[str, Any], head: dict[str, Any]) -> list[str]:
    return [finding.sentence for finding in refused(replaced(compared({"Shop": base}, {"Shop": head})))]


def versions(engine: str, old: Any, new: Any, type_: str = INSTANCE, **properties: Any) -> list[str]:
    base, head = ({"Db": of(type_, Engine=engine, EngineVersion=each, **properties)} for each in (old, new))
    return sentences(base, head)


@pytest.mark.parametrize(
    ("engine", "old", "new"),
    [
        ("postgres", "15", "16"),
        ("postgres", "15.4", "16.1"),
        ("postgres", "9.5", "9.6"),
        ("mysql", "5.7", "8.0"),
        ("mysql", "8.0.35", "8.4.1"),
        ("mariadb", "10.6", "10.11"),
    ],
)
def test_another_major_version_must_be_allowed(engine: str, old: str, new: str) -> None:
    (said,) = versions(engine, old, new)
    assert said == (
        f"The update of the RDS DB instance Shop/Db is refused: its EngineVersion changes from {old} to {new}, another "
        "major version, without AllowMajorVersionUpgrade."
    )
    assert versions(engine, old, new, AllowMajorVersionUpgrade=True) == []
    assert versions(engine, old, new, AllowMajorVersionUpgrade={"Ref": "Allow"}) == []


@pytest.mark.parametrize(
    ("engine", "old", "new"),
    [
        ("postgres", "15.4", "15.5"),
        ("postgres", "15", "15.5"),
        ("mysql", "8.0.35", "8.0.36"),
        ("mysql", "8", "8.4"),
        ("other", "1", "2"),
        ("postgres", {"Ref": "Version"}, "16"),
    ],
)
def test_a_minor_or_unknown_version_is_no_matter(engine: str, old: Any, new: Any) -> None:
    assert versions(engine, old, new) == []


@pytest.mark.parametrize("type_", [INSTANCE, "AWS::RDS::DBCluster", "AWS::DocDB::DBCluster", "AWS::Neptune::DBCluster"])
def test_a_database_cannot_return_to_an_earlier_version(type_: str) -> None:
    (said,) = versions("postgres", "16.2", "16.1", type_)
    assert said.endswith("and a database cannot return to an earlier version.")
    assert versions("postgres", "16.2", "16", type_) == []


@pytest.mark.parametrize(("old", "new", "count"), [("100", "50", 1), (100, 99, 1), (100, "100", 0), ("50", "100", 0)])
def test_the_storage_of_a_database_can_only_grow(old: Any, new: Any, count: int) -> None:
    base, head = ({"Db": of(INSTANCE, AllocatedStorage=each)} for each in (old, new))
    assert len(sentences(base, head)) == count


@pytest.mark.parametrize("type_", ["AWS::RDS::DBSubnetGroup", "AWS::ElastiCache::SubnetGroup"])
def test_a_subnet_group_stays_in_its_network(type_: str) -> None:
    def shop(name: str, *, cidr: str = "10.0.0.0/16", subnets: int = 1) -> dict[str, Any]:
        parts = {
            f"{name}{number}": of("AWS::EC2::Subnet", VpcId={"Ref": name}, CidrBlock=f"10.0.{number}.0/24")
            for number in range(subnets)
        }
        group = of(type_, SubnetIds=[{"Ref": each} for each in parts], Description="d")
        return {name: of("AWS::EC2::VPC", CidrBlock=cidr), **parts, "Group": group}

    def said(base: dict[str, Any], head: dict[str, Any]) -> bool:
        return any("a subnet group cannot move to one" in each for each in sentences(base, head))

    assert said(shop("Old"), shop("New"))
    assert said(shop("Old"), shop("Old", cidr="10.1.0.0/16"))
    assert not said(shop("Old"), shop("Old", subnets=2))


def test_an_index_keeps_its_key_and_its_projection() -> None:
    def table(key: Any, projection: str = "ALL", name: str = "by") -> dict[str, Any]:
        index = {"IndexName": name, "KeySchema": key, "Projection": {"ProjectionType": projection}}
        return {"T": of("AWS::DynamoDB::Table", GlobalSecondaryIndexes=[index])}

    one, other = ([{"AttributeName": each, "KeyType": "HASH"}] for each in ("customer", "day"))
    (said,) = sentences(table(one), table(other))
    assert said == (
        "The update of the DynamoDB table Shop/T is refused: the KeySchema of its global secondary index by changes, "
        "and an index cannot change."
    )
    assert len(sentences(table(one), table(one, "KEYS_ONLY"))) == 1
    assert sentences(table(one), table(one)) == []
    assert sentences(table(one), table({"Ref": "Keys"})) == []


def key(actions: Any, effect: str = "Allow", **properties: Any) -> dict[str, Any]:
    statement = {"Effect": effect, "Action": actions, "Principal": {"AWS": "arn:aws:iam::111111111111:role/app"}}
    return {"Key": of("AWS::KMS::Key", KeyPolicy={"Statement": [statement]}, **properties)}


@pytest.mark.parametrize(
    ("after", "count"),
    [
        (key(["kms:Decrypt"]), 1),
        (key("kms:*", "Deny"), 1),
        (key("kms:*"), 0),
        (key(["kms:Put*"]), 0),
        (key("kms:PutKeyPolicy"), 0),
        (key({"Ref": "Actions"}), 0),
        (key(["kms:Decrypt"], BypassPolicyLockoutSafetyCheck=True), 0),
        ({"Key": of("AWS::KMS::Key", Description="d")}, 0),
    ],
)
def test_somebody_can_change_the_policy_of_a_key(after: dict[str, Any], count: int) -> None:
    assert len(sentences(key("kms:*"), after)) == count
    assert len(sentences({}, after)) == count
    assert sentences(after, {**after, "Other": of("AWS::SNS::Topic")}) == []


def test_an_address_and_a_gateway_have_one_user() -> None:
    def network(cidr: str, address: str = "Ip") -> dict[str, Any]:
        return {
            "Vpc": of("AWS::EC2::VPC", CidrBlock=cidr),
            "Subnet": of("AWS::EC2::Subnet", VpcId={"Ref": "Vpc"}, CidrBlock=cidr.replace("/16", "/24")),
            address: of("AWS::EC2::EIP"),
            "Nat": of("AWS::EC2::NatGateway", SubnetId={"Ref": "Subnet"}, AllocationId={"Fn::GetAtt": [address, "Id"]}),
            "Gateway": of("AWS::EC2::InternetGateway"),
            "Attached": of(
                "AWS::EC2::VPCGatewayAttachment", VpcId={"Ref": "Vpc"}, InternetGatewayId={"Ref": "Gateway"}
            ),
        }

    def said(base: dict[str, Any], head: dict[str, Any]) -> list[str]:
        return [each for each in sentences(base, head) if "the old one still has its" in each]

    base = network("10.0.0.0/16")
    found = said(base, network("10.1.0.0/16"))
    assert [each.rpartition(" still has ")[2] for each in found] == ["its Elastic IP address.", "its internet gateway."]
    assert len(said(base, network("10.1.0.0/16", "Other"))) == 1  # only the internet gateway stays
    assert said(base, network("10.0.0.0/16", "Other")) == []
