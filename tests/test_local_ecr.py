"""ECR in the local AWS: registries, replication, scans, caches and their events, over ECR's own API."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws import ACCOUNT, REGION, Client, Deploy, attribute, ref, resource

OTHER = "222222222222"
AFAR = "eu-central-1"
LIFECYCLE = json.dumps(
    {
        "rules": [
            {
                "rulePriority": 1,
                "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 3},
                "action": {"type": "expire"},
            }
        ]
    }
)
PULL = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": ["ecr:BatchGetImage"]}],
}
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:ecr-pullthroughcache/docker-hub-a1b2c3"


def _wildcards(*names: str, kind: str = "WILDCARD") -> list[dict[str, str]]:
    return [{"Filter": name, "FilterType": kind} for name in names]


def _push(ecr: Any, repository: str, tag: str | None = None, **content: Any) -> str:
    manifest = json.dumps({"schemaVersion": 2, **content})
    tagged = {"imageTag": tag} if tag else {}
    pushed = ecr.put_image(repositoryName=repository, imageManifest=manifest, **tagged)
    digest: str = pushed["image"]["imageId"]["imageDigest"]
    return digest


def _code(call: Callable[..., Any], **parameters: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    code: str = caught.value.response["Error"]["Code"]
    return code


def test_repository_is_shown_as_its_template_says_and_changes_in_place(client: Client, deploy: Deploy) -> None:
    filters = [{"ImageTagMutabilityExclusionFilterType": "WILDCARD", "ImageTagMutabilityExclusionFilterValue": "dev-*"}]

    def repository(**properties: Any) -> dict[str, Any]:
        return {
            "Images": resource("AWS::ECR::Repository", RepositoryName="shop/shown", EmptyOnDelete=True, **properties)
        }

    stack = deploy(
        repository(
            EncryptionConfiguration={"EncryptionType": "KMS"},
            ImageScanningConfiguration={"ScanOnPush": True},
            ImageTagMutability="IMMUTABLE_WITH_EXCLUSION",
            ImageTagMutabilityExclusionFilters=filters,
            LifecyclePolicy={"LifecyclePolicyText": LIFECYCLE},
            RepositoryPolicyText=PULL,
            Tags=[{"Key": "team", "Value": "shop"}],
        ),
        arn=attribute("Images", "Arn"),
        uri=attribute("Images", "RepositoryUri"),
    )
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    ecr = client("ecr")
    (shown,) = ecr.describe_repositories(repositoryNames=["shop/shown"])["repositories"]
    assert (shown["repositoryArn"], shown["repositoryUri"]) == (stack["Values"]["arn"], stack["Values"]["uri"])
    assert shown["encryptionConfiguration"]["encryptionType"] == "KMS"
    assert shown["imageScanningConfiguration"] == {"scanOnPush": True}
    assert shown["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
    assert shown["imageTagMutabilityExclusionFilters"] == [{"filterType": "WILDCARD", "filter": "dev-*"}]
    assert ecr.get_lifecycle_policy(repositoryName="shop/shown")["lifecyclePolicyText"] == LIFECYCLE
    assert json.loads(ecr.get_repository_policy(repositoryName="shop/shown")["policyText"]) == PULL
    assert {"Key": "team", "Value": "shop"} in ecr.list_tags_for_resource(resourceArn=shown["repositoryArn"])["tags"]

    _push(ecr, "shop/shown", "1", number=1)
    _push(ecr, "shop/shown", "dev-1", number=1)
    assert _code(_push, ecr=ecr, repository="shop/shown", tag="1", number=2) == "ImageTagAlreadyExistsException"
    _push(ecr, "shop/shown", "dev-1", number=2)

    changed = deploy(repository(EncryptionConfiguration={"EncryptionType": "KMS"}))
    assert changed["StackStatus"] == "UPDATE_COMPLETE", changed["Reason"]
    (shown,) = ecr.describe_repositories(repositoryNames=["shop/shown"])["repositories"]
    assert shown["imageTagMutability"] == "MUTABLE"
    assert "imageTagMutabilityExclusionFilters" not in shown
    assert _code(ecr.get_lifecycle_policy, repositoryName="shop/shown") == "LifecyclePolicyNotFoundException"
    assert _code(ecr.get_repository_policy, repositoryName="shop/shown") == "RepositoryPolicyNotFoundException"
    assert len(ecr.describe_images(repositoryName="shop/shown")["imageDetails"]) == 2


def test_repository_with_images_is_not_deleted_unless_told(client: Client, deploy: Deploy) -> None:
    ecr = client("ecr")
    kept = {"Images": resource("AWS::ECR::Repository", RepositoryName="shop/kept")}
    other = {"Topic": resource("AWS::SNS::Topic")}
    deploy(kept | other)
    _push(ecr, "shop/kept", "1")
    stack = deploy(other)
    assert "RepositoryNotEmptyException" in stack["Reason"]
    assert ecr.describe_images(repositoryName="shop/kept")["imageDetails"]
    ecr.delete_repository(repositoryName="shop/kept", force=True)


@pytest.mark.parametrize(
    ("kind", "properties", "fault"),
    [
        ("Repository", {"RepositoryName": "Shop"}, "must match"),
        ("Repository", {"ImageTagMutability": "IMMUTABLE_WITH_EXCLUSION"}, "imageTagMutabilityExclusionFilters"),
        ("Repository", {"LifecyclePolicy": {"LifecyclePolicyText": "{}"}}, "fewer than, 100"),
        (
            "PullThroughCacheRule",
            {"EcrRepositoryPrefix": "hub", "UpstreamRegistryUrl": "registry-1.docker.io"},
            "needs a credential",
        ),
        ("PullThroughCacheRule", {"EcrRepositoryPrefix": "x", "UpstreamRegistryUrl": "quay.io"}, "fewer than, 2"),
        (
            "PullThroughCacheRule",
            {"EcrRepositoryPrefix": "own", "UpstreamRegistryUrl": "images.example.com"},
            "UnsupportedUpstreamRegistryException",
        ),
        (
            "RegistryPolicy",
            {"PolicyText": {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*"}]}},
            "not an action of ECR",
        ),
        ("RepositoryCreationTemplate", {"Prefix": "a", "AppliedFor": ["PULL"]}, "must be one of"),
        ("PullTimeUpdateExclusion", {"PrincipalArn": "scanner"}, "must match"),
    ],
)
def test_what_ecr_refuses_is_refused(deploy: Deploy, kind: str, properties: dict[str, Any], fault: str) -> None:
    stack = deploy({"Faulty": resource(f"AWS::ECR::{kind}", **properties)})
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert fault in stack["Reason"]


def _settings() -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"},
        "Action": ["ecr:ReplicateImage", "ecr:CreateRepository"],
        "Resource": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/*",
    }
    return {
        "Policy": resource("AWS::ECR::RegistryPolicy", PolicyText={"Version": "2012-10-17", "Statement": [statement]}),
        "Scanning": resource(
            "AWS::ECR::RegistryScanningConfiguration",
            ScanType="ENHANCED",
            Rules=[{"ScanFrequency": "CONTINUOUS_SCAN", "RepositoryFilters": _wildcards("prod/*")}],
        ),
        "Replication": resource(
            "AWS::ECR::ReplicationConfiguration",
            ReplicationConfiguration={
                "Rules": [
                    {
                        "Destinations": [{"Region": AFAR, "RegistryId": ACCOUNT}],
                        "RepositoryFilters": _wildcards("prod/", kind="PREFIX_MATCH"),
                    }
                ]
            },
        ),
        "Profile": resource("AWS::Signer::SigningProfile", PlatformId="Notation-OCI-SHA384-ECDSA"),
        "Signing": resource(
            "AWS::ECR::SigningConfiguration",
            Rules=[
                {
                    "SigningProfileArn": attribute("Profile", "Arn"),
                    "RepositoryFilters": _wildcards("prod/*", kind="WILDCARD_MATCH"),
                }
            ],
        ),
    }


def test_registry_has_each_setting_once_and_its_default_when_it_is_deleted(
    client: Client, deploy: Deploy, remove: Callable[[str], None]
) -> None:
    settings = _settings()
    stack = deploy(settings, profile=attribute("Profile", "Arn"), registry=attribute("Policy", "RegistryId"))
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    assert stack["Values"]["registry"] == ACCOUNT
    ecr = client("ecr")
    policy = json.loads(ecr.get_registry_policy()["policyText"])
    assert policy["Statement"][0]["Principal"] == {"AWS": f"arn:aws:iam::{OTHER}:root"}
    assert ecr.get_registry_scanning_configuration()["scanningConfiguration"] == {
        "scanType": "ENHANCED",
        "rules": [
            {
                "scanFrequency": "CONTINUOUS_SCAN",
                "repositoryFilters": [{"filter": "prod/*", "filterType": "WILDCARD"}],
            }
        ],
    }
    assert ecr.describe_registry()["replicationConfiguration"]["rules"] == [
        {
            "destinations": [{"region": AFAR, "registryId": ACCOUNT}],
            "repositoryFilters": [{"filter": "prod/", "filterType": "PREFIX_MATCH"}],
        }
    ]
    assert ecr.get_signing_configuration()["signingConfiguration"]["rules"] == [
        {
            "signingProfileArn": stack["Values"]["profile"],
            "repositoryFilters": [{"filter": "prod/*", "filterType": "WILDCARD_MATCH"}],
        }
    ]
    for name in ("Policy", "Scanning", "Replication"):
        second = deploy({name: settings[name]}, f"-{name}")
        assert second["StackStatus"] == "ROLLBACK_COMPLETE"
        assert "AlreadyExists" in second["Reason"]
    assert client("ecr", region=AFAR).describe_registry()["replicationConfiguration"]["rules"] == []

    basic = resource(
        "AWS::ECR::RegistryScanningConfiguration",
        ScanType="BASIC",
        Rules=[{"ScanFrequency": "SCAN_ON_PUSH", "RepositoryFilters": _wildcards("*")}],
    )
    changed = deploy(settings | {"Scanning": basic})
    assert changed["StackStatus"] == "UPDATE_COMPLETE", changed["Reason"]
    assert ecr.get_registry_scanning_configuration()["scanningConfiguration"]["scanType"] == "BASIC"

    remove(stack["StackName"])
    assert _code(ecr.get_registry_policy) == "RegistryPolicyNotFoundException"
    assert ecr.get_registry_scanning_configuration()["scanningConfiguration"] == {"scanType": "BASIC", "rules": []}
    assert ecr.describe_registry()["replicationConfiguration"]["rules"] == []
    assert _code(ecr.get_signing_configuration) == "SigningConfigurationNotFoundException"


def test_registry_does_not_replicate_to_itself(deploy: Deploy) -> None:
    rule = {"Destinations": [{"Region": REGION, "RegistryId": ACCOUNT}]}
    own = resource("AWS::ECR::ReplicationConfiguration", ReplicationConfiguration={"Rules": [rule]})
    stack = deploy({"Replication": own})
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "the source registry itself" in stack["Reason"]


def test_cache_rules_templates_and_exclusions_are_shown_and_go(
    client: Client, deploy: Deploy, remove: Callable[[str], None]
) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/ecr-template"
    scanner = f"arn:aws:iam::{ACCOUNT}:role/scanner"
    template: dict[str, Any] = {
        "Prefix": "hub",
        "AppliedFor": ["PULL_THROUGH_CACHE", "REPLICATION"],
        "ImageTagMutability": "IMMUTABLE",
    }
    resources = {
        "Hub": resource(
            "AWS::ECR::PullThroughCacheRule",
            EcrRepositoryPrefix="hub",
            UpstreamRegistry="docker-hub",
            UpstreamRegistryUrl="registry-1.docker.io",
            CredentialArn=SECRET,
        ),
        "Exclusion": resource("AWS::ECR::PullTimeUpdateExclusion", PrincipalArn=scanner),
    }
    full = template | {
        "CustomRoleArn": role,
        "Description": "what Docker Hub gives",
        "EncryptionConfiguration": {"EncryptionType": "KMS", "KmsKey": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"},
        "LifecyclePolicy": LIFECYCLE,
        "RepositoryPolicy": json.dumps(PULL),
        "ResourceTags": [{"Key": "from", "Value": "hub"}],
    }
    stack = deploy(
        resources | {"Template": resource("AWS::ECR::RepositoryCreationTemplate", **full)},
        made=attribute("Template", "CreatedAt"),
        rule=ref("Hub"),
    )
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    assert stack["Values"]["rule"] == "hub"
    ecr = client("ecr")
    (rule,) = ecr.describe_pull_through_cache_rules(ecrRepositoryPrefixes=["hub"])["pullThroughCacheRules"]
    assert (rule["upstreamRegistry"], rule["upstreamRegistryUrl"]) == ("docker-hub", "registry-1.docker.io")
    assert (rule["credentialArn"], rule["upstreamRepositoryPrefix"]) == (SECRET, "ROOT")
    (shown,) = ecr.describe_repository_creation_templates(prefixes=["hub"])["repositoryCreationTemplates"]
    assert shown["appliedFor"] == ["PULL_THROUGH_CACHE", "REPLICATION"]
    assert (shown["customRoleArn"], shown["description"]) == (role, "what Docker Hub gives")
    assert shown["encryptionConfiguration"]["encryptionType"] == "KMS"
    assert (shown["lifecyclePolicy"], json.loads(shown["repositoryPolicy"])) == (LIFECYCLE, PULL)
    assert shown["resourceTags"] == [{"Key": "from", "Value": "hub"}]
    assert ecr.list_pull_time_update_exclusions()["pullTimeUpdateExclusions"] == [scanner]

    changed = deploy(resources | {"Template": resource("AWS::ECR::RepositoryCreationTemplate", **template)})
    assert changed["StackStatus"] == "UPDATE_COMPLETE", changed["Reason"]
    (shown,) = ecr.describe_repository_creation_templates(prefixes=["hub"])["repositoryCreationTemplates"]
    assert not {"lifecyclePolicy", "description", "customRoleArn"} & shown.keys()

    remove(stack["StackName"])
    assert ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"] == []
    assert ecr.describe_repository_creation_templates()["repositoryCreationTemplates"] == []
    assert ecr.list_pull_time_update_exclusions()["pullTimeUpdateExclusions"] == []


HOME = "us-east-1"


def test_public_repository_is_in_its_home_region_alone(deploy: Deploy) -> None:
    public = resource("AWS::ECR::PublicRepository", RepositoryName="shop-cli")
    stack = deploy({"Cli": public})
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "PublicRepository" in stack["Reason"]
    assert "us-east-1" in stack["Reason"]


def test_public_repository_shows_its_catalog_and_goes(client: Client) -> None:
    cloudformation, public = client("cloudformation", region=HOME), client("ecr-public", region=HOME)
    statement = {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "ecr-public:PutImage"}
    catalog = {
        "RepositoryDescription": "the shop's command line",
        "AboutText": "about",
        "UsageText": "usage",
        "Architectures": ["ARM 64", "x86-64"],
        "OperatingSystems": ["Linux"],
    }

    def template(**properties: Any) -> str:
        repository = resource("AWS::ECR::PublicRepository", RepositoryName="shop-cli", **properties)
        return json.dumps({"Resources": {"Cli": repository}})

    def status() -> str:
        found: str = cloudformation.describe_stacks(StackName="public")["Stacks"][0]["StackStatus"]
        return found

    policy = {"Version": "2008-10-17", "Statement": [statement]}
    body = template(RepositoryCatalogData=catalog, RepositoryPolicyText=policy, Tags=[{"Key": "a", "Value": "b"}])
    cloudformation.create_stack(StackName="public", TemplateBody=body)
    assert status() == "CREATE_COMPLETE"
    (shown,) = public.describe_repositories(repositoryNames=["shop-cli"])["repositories"]
    assert shown["repositoryArn"] == f"arn:aws:ecr-public::{ACCOUNT}:repository/shop-cli"
    registry = public.describe_registries()["registries"][0]
    assert shown["repositoryUri"] == f"{registry['registryUri']}/shop-cli"
    data = public.get_repository_catalog_data(repositoryName="shop-cli")["catalogData"]
    assert (data["description"], data["aboutText"], data["usageText"]) == ("the shop's command line", "about", "usage")
    assert (data["architectures"], data["operatingSystems"]) == (["ARM 64", "x86-64"], ["Linux"])
    assert json.loads(public.get_repository_policy(repositoryName="shop-cli")["policyText"]) == policy
    assert {"Key": "a", "Value": "b"} in public.list_tags_for_resource(resourceArn=shown["repositoryArn"])["tags"]

    cloudformation.update_stack(StackName="public", TemplateBody=template())
    assert status() == "UPDATE_COMPLETE"
    assert public.get_repository_catalog_data(repositoryName="shop-cli")["catalogData"] == {}
    assert _code(public.get_repository_policy, repositoryName="shop-cli") == "RepositoryPolicyNotFoundException"
    cloudformation.delete_stack(StackName="public")
    assert _code(public.describe_repositories, repositoryNames=["shop-cli"]) == "RepositoryNotFoundException"
