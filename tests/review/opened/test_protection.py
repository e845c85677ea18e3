"""Protection that a change removes: encryption in transit, web ACLs, S3's block of public access."""

from __future__ import annotations

from typing import Any

import pytest

from tests.review.opened.openings import findings, sentences

FRONT = {"Front": {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer", "Properties": {"Scheme": "internal"}}}
EVERY_BLOCK = dict.fromkeys(("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True)


def listener(**properties: Any) -> dict[str, Any]:
    stated = {"Port": 443, "Protocol": "HTTPS", "LoadBalancerArn": {"Ref": "Front"}, **properties}
    return {**FRONT, "Listener": {"Type": "AWS::ElasticLoadBalancingV2::Listener", "Properties": stated}}


def bucket(**blocks: Any) -> dict[str, Any]:
    properties = {"PublicAccessBlockConfiguration": blocks} if blocks else {}
    return {"Images": {"Type": "AWS::S3::Bucket", "Properties": properties}}


@pytest.mark.parametrize(
    ("before", "after", "versions"),
    [
        ("ELBSecurityPolicy-TLS13-1-2-2021-06", "ELBSecurityPolicy-2016-08", (2, 0)),
        ("ELBSecurityPolicy-TLS13-1-3-2021-06", "ELBSecurityPolicy-TLS13-1-2-Res-2021-06", (3, 2)),
        ("ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09", "ELBSecurityPolicy-TLS-1-1-2017-01", (2, 1)),
        ("ELBSecurityPolicy-FS-1-2-Res-2020-10", "ELBSecurityPolicy-FS-2018-06", (2, 0)),
        ("ELBSecurityPolicy-TLS-1-2-Ext-2018-06", None, (2, 0)),
    ],
)
def test_a_weaker_policy_of_a_listener_names_the_versions(before: Any, after: Any, versions: Any) -> None:
    base, head = listener(SslPolicy=before), listener(**({"SslPolicy": after} if after else {}))
    said = f"The listener Shop/Listener now accepts TLS 1.{versions[1]} (before: at least TLS 1.{versions[0]})."
    assert sentences(base, head) == [("encryption", said)]
    assert sentences(head, base) == []


@pytest.mark.parametrize("after", ["ELBSecurityPolicy-TLS13-1-2-Ext1-2021-06", {"Ref": "Policy"}, "Policy-of-tomorrow"])
def test_a_policy_of_the_same_version_or_one_that_is_not_known_is_no_opening(after: Any) -> None:
    assert sentences(listener(SslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06"), listener(SslPolicy=after)) == []


def test_a_listener_that_no_longer_encrypts_is_an_opening() -> None:
    said = "Traffic to port 443 of the load balancer Shop/Front is no longer encrypted (HTTPS before, HTTP now)."
    assert sentences(listener(), listener(Protocol="HTTP")) == [("encryption", said)]
    assert sentences(listener(Protocol="HTTP"), listener()) == []
    assert sentences(listener(), listener(Protocol={"Ref": "Protocol"})) == []


def test_a_listener_that_no_longer_redirects_to_https_is_an_opening() -> None:
    redirect = [{"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "StatusCode": "HTTP_301"}}]
    base = listener(Port=80, Protocol="HTTP", DefaultActions=redirect)
    head = listener(Port=80, Protocol="HTTP", DefaultActions=[{"Type": "forward"}])
    said = "Port 80 of the load balancer Shop/Front no longer redirects to HTTPS."
    assert sentences(base, head) == [("encryption", said)]
    assert sentences(head, base) == []


def test_a_distribution_that_answers_by_http_is_an_opening() -> None:
    def distribution(viewers: str, version: str) -> dict[str, Any]:
        behavior = {"ViewerProtocolPolicy": viewers}
        config = {"DefaultCacheBehavior": behavior, "ViewerCertificate": {"MinimumProtocolVersion": version}}
        return {"Cdn": {"Type": "AWS::CloudFront::Distribution", "Properties": {"DistributionConfig": config}}}

    closed = distribution("redirect-to-https", "TLSv1.2_2021")
    said = "The CloudFront distribution Shop/Cdn now answers requests by HTTP, which is not encrypted."
    assert sentences(closed, distribution("allow-all", "TLSv1.2_2021")) == [("encryption", said)]
    weaker = "The CloudFront distribution Shop/Cdn now accepts TLS 1.0 (before: at least TLS 1.2)."
    assert sentences(closed, distribution("https-only", "TLSv1")) == [("encryption", weaker)]
    assert sentences(closed, distribution("https-only", "TLSv1.3_2025")) == []


def test_a_domain_that_no_longer_requires_https_is_an_opening() -> None:
    def domain(**options: Any) -> dict[str, Any]:
        properties = {"DomainEndpointOptions": options}
        return {"Search": {"Type": "AWS::OpenSearchService::Domain", "Properties": properties}}

    said = "The OpenSearchService domain Shop/Search no longer requires HTTPS."
    assert sentences(domain(EnforceHTTPS=True), domain(EnforceHTTPS=False)) == [("encryption", said)]
    assert sentences(domain(EnforceHTTPS=True), domain(Other=1)) == [("encryption", said)]
    assert sentences(domain(EnforceHTTPS=False), domain(EnforceHTTPS=True)) == []


def test_a_web_acl_that_is_no_longer_associated_is_an_opening() -> None:
    properties = {"ResourceArn": {"Ref": "Front"}, "WebACLArn": "acl"}
    association = {"Type": "AWS::WAFv2::WebACLAssociation", "Properties": properties}
    protected = {**FRONT, "Association": association}
    said = "No web ACL protects the load balancer Shop/Front any more."
    assert sentences(protected, FRONT) == [("firewall", said)]
    assert sentences(protected, {**FRONT, "Moved": association}) == []
    assert sentences(protected, {}) == [], "the load balancer is removed, too"
    assert sentences(FRONT, protected) == []


@pytest.mark.parametrize("after", [{}, {**EVERY_BLOCK, "BlockPublicPolicy": False}])
def test_a_bucket_that_no_longer_blocks_public_access_names_the_blocks(after: Any) -> None:
    (found,) = findings(bucket(**EVERY_BLOCK), bucket(**after))
    assert found.rule == "opened/public-access-block"
    lost = "BlockPublicPolicy" if after else "BlockPublicAcls, BlockPublicPolicy, IgnorePublicAcls and Restrict"
    assert found.sentence.startswith(f"The S3 bucket Shop/Images no longer blocks public access ({lost}")
    assert findings(bucket(**after), bucket(**EVERY_BLOCK)) == []


def test_a_new_bucket_is_an_opening_only_if_it_turns_a_block_off() -> None:
    said = "The new S3 bucket Shop/Images does not block public access (BlockPublicPolicy)."
    assert sentences({}, bucket(BlockPublicPolicy=False)) == [("public-access-block", said)]
    assert sentences({}, bucket()) == sentences({}, bucket(BlockPublicAcls=True)) == []


def test_an_identity_without_its_permissions_boundary_is_an_opening() -> None:
    def role(**properties: Any) -> dict[str, Any]:
        return {"Role": {"Type": "AWS::IAM::Role", "Properties": properties}}

    bounded = role(PermissionsBoundary="arn:aws:iam::aws:policy/ReadOnlyAccess")
    said = "No permissions boundary limits the IAM role Shop/Role any more."
    assert sentences(bounded, role(Path="/")) == [("deny-removed", said)]
    assert sentences(role(Path="/"), bounded) == []
    assert sentences(bounded, role(PermissionsBoundary={"Ref": "Boundary"})) == []


def test_traffic_that_is_no_longer_encrypted_is_an_opening() -> None:
    def group(**properties: Any) -> dict[str, Any]:
        return {"Cache": {"Type": "AWS::ElastiCache::ReplicationGroup", "Properties": properties}}

    on, off = (group(TransitEncryptionEnabled=value) for value in (True, "false"))

    said = "The ElastiCache replication group Shop/Cache no longer encrypts its traffic."
    assert sentences(on, off) == [("encryption", said)]
    assert sentences(off, on) == []
    assert sentences(on, group()) == [], "the default depends on the engine"
    assert sentences(on, group(TransitEncryptionEnabled={"Ref": "Encrypted"})) == []


def test_a_volume_whose_traffic_is_no_longer_encrypted_is_an_opening() -> None:
    def task(*values: str) -> dict[str, Any]:
        volumes = [{"EFSVolumeConfiguration": {"FilesystemId": "fs", "TransitEncryption": value}} for value in values]
        return {"Task": {"Type": "AWS::ECS::TaskDefinition", "Properties": {"Volumes": volumes}}}

    said = "The ECS task definition Shop/Task no longer encrypts the traffic to its file systems."
    assert sentences(task("ENABLED"), task("DISABLED")) == [("encryption", said)]
    assert sentences(task("ENABLED"), task()) == []
    assert sentences(task("DISABLED"), task("ENABLED")) == []


@pytest.mark.parametrize(
    ("kind", "name", "on", "off", "said"),
    [
        ("RDS::DBParameterGroup", "rds.force_ssl", "1", 0, "RDS DB parameter group Shop/It no longer requires TLS"),
        (
            "RDS::DBClusterParameterGroup",
            "require_secure_transport",
            "ON",
            "0",
            "RDS DB cluster parameter group Shop/It no longer requires TLS",
        ),
        (
            "CloudFront::Distribution",
            "OriginProtocolPolicy",
            "https-only",
            "http-only",
            "CloudFront distribution Shop/It no longer encrypts the traffic to its origins",
        ),
    ],
)
def test_other_settings_that_turn_encryption_off_are_openings(
    kind: str, name: str, on: Any, off: Any, said: str
) -> None:
    closed, opened = (
        {"It": {"Type": f"AWS::{kind}", "Properties": {"Parameters": {name: value}}}} for value in (on, off)
    )
    assert sentences(closed, opened) == [("encryption", f"The {said}.")]
    assert sentences(opened, closed) == []


def test_an_api_without_its_policy_is_an_opening() -> None:
    def api(*, policy: bool, kind: str = "REGIONAL") -> dict[str, Any]:
        statement = {"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "execute-api:Invoke"}
        properties: dict[str, Any] = {"EndpointConfiguration": {"Types": [kind]}}
        if policy:
            properties["Policy"] = {"Statement": [{**statement, "Resource": "*"}]}
        return {"It": {"Type": "AWS::ApiGateway::RestApi", "Properties": properties}}

    said = "No resource policy limits who may call the REST API Shop/It any more."
    assert sentences(api(policy=True), api(policy=False)) == [("deny-removed", said)]
    assert "deny-removed" not in [rule for rule, _ in sentences(api(policy=False), api(policy=True))]
    assert sentences(api(policy=True, kind="PRIVATE"), api(policy=False, kind="PRIVATE")) == []


def test_a_file_system_without_its_policy_is_an_opening() -> None:
    def files(*actions: str) -> dict[str, Any]:
        condition = {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}}
        statement = {"Effect": "Allow", "Principal": "*", "Action": list(actions), "Condition": condition}
        properties = {"FileSystemPolicy": {"Statement": [statement]}} if actions else {}
        return {"It": {"Type": "AWS::EFS::FileSystem", "Properties": properties}}

    ((rule, said),) = sentences(files("elasticfilesystem:ClientMount"), files())
    assert rule == "resource-policy"
    assert said.startswith("Anyone who meets its conditions may now call elasticfilesystem:ClientRootAccess")
    assert sentences(files(), files("elasticfilesystem:ClientMount")) == []
    assert sentences({}, files()) == [], "a new file system"
    assert sentences(None, files()) == []
