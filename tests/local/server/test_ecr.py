"""ECR in the local AWS: registries, replication, scans, caches and their events, through ECR's own API."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.local.local_aws import (
    ACCOUNT,
    NETWORK,
    REGION,
    Client,
    Deploy,
    attribute,
    listening,
    received,
    ref,
    resource,
    role,
    signed,
)

OTHER = "222222222222"
AFAR = "eu-central-1"
HOME = "us-east-1"
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
PUSHED = {"ScanFrequency": "SCAN_ON_PUSH", "RepositoryFilters": [{"Filter": "*", "FilterType": "WILDCARD"}]}
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


def test_repository_has_the_properties_of_its_template_and_is_updated_in_place(client: Client, deploy: Deploy) -> None:
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


def test_repository_with_images_is_deleted_only_with_empty_on_delete(client: Client, deploy: Deploy) -> None:
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
        (
            "Repository",
            {"ImageTagMutability": "IMMUTABLE_WITH_EXCLUSION"},
            "ImageTagMutabilityExclusionFilters can't be null when imageTagMutability is set to IMMUTABLE_WITH_EXCL",
        ),
        ("Repository", {"LifecyclePolicy": {"LifecyclePolicyText": "{}"}}, "at least 100 characters"),
        (
            "PullThroughCacheRule",
            {"EcrRepositoryPrefix": "hub", "UpstreamRegistryUrl": "registry-1.docker.io"},
            "The specified upstream registry requires authentication",
        ),
        (
            "PullThroughCacheRule",
            {"EcrRepositoryPrefix": "x", "UpstreamRegistryUrl": "quay.io"},
            "at least 2 characters",
        ),
        (
            "PullThroughCacheRule",
            {"EcrRepositoryPrefix": "own", "UpstreamRegistryUrl": "images.example.com"},
            "UnsupportedUpstreamRegistryException",
        ),
        (
            "RegistryPolicy",
            {"PolicyText": {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*"}]}},
            "Invalid registry policy provided",
        ),
        (
            "RegistryScanningConfiguration",
            {"ScanType": "BASIC", "Rules": [PUSHED, PUSHED]},
            "Contains duplicate scan frequencies: [SCAN_ON_PUSH]",
        ),
        ("RepositoryCreationTemplate", {"Prefix": "a", "AppliedFor": ["PULL"]}, "must be one of"),
        ("PullTimeUpdateExclusion", {"PrincipalArn": "scanner"}, "must match"),
    ],
)
def test_template_that_ecr_refuses_is_refused(
    deploy: Deploy, kind: str, properties: dict[str, Any], fault: str
) -> None:
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


def test_registry_has_each_setting_once_and_returns_to_its_default(
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
    for name in ("Policy", "Scanning", "Replication", "Signing"):
        second = deploy({name: settings[name], "Profile": settings["Profile"]}, f"-{name}")
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
    assert "Replication destination cannot be the same as the source registry" in stack["Reason"]


def test_registry_policy_can_deny_to_all_but_a_principal(deploy: Deploy) -> None:
    statement = {
        "Effect": "Deny",
        "NotPrincipal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "NotAction": "ECR:ReplicateImage",
        "Resource": "*",
    }
    policy = resource("AWS::ECR::RegistryPolicy", PolicyText={"Version": "2012-10-17", "Statement": statement})
    stack = deploy({"Policy": policy})
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]


def test_cache_rules_templates_and_exclusions_are_described_and_can_be_deleted(
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


def test_public_repository_is_only_in_its_home_region(deploy: Deploy) -> None:
    public = resource("AWS::ECR::PublicRepository", RepositoryName="shop-cli")
    stack = deploy({"Cli": public})
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "PublicRepository" in stack["Reason"]
    assert "us-east-1" in stack["Reason"]


def test_public_repository_has_its_catalog_data_and_can_be_deleted(client: Client) -> None:
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


@pytest.fixture
def elsewhere(client: Client) -> Iterator[Callable[..., dict[str, str]]]:
    """Yield a function that deploys a stack into another account or region until the test ends."""
    made: list[Any] = []

    def deployed(account: str, region: str, resources: dict[str, Any], **outputs: Any) -> dict[str, str]:
        cloudformation = client("cloudformation", account, region)
        body = {"Resources": resources}
        if outputs:
            body["Outputs"] = {key: {"Value": value} for key, value in outputs.items()}
        cloudformation.create_stack(StackName="elsewhere", TemplateBody=json.dumps(body))
        made.append(cloudformation)
        (stack,) = cloudformation.describe_stacks(StackName="elsewhere")["Stacks"]
        assert stack["StackStatus"] == "CREATE_COMPLETE"
        return {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", ())}

    yield deployed
    for cloudformation in made:
        cloudformation.delete_stack(StackName="elsewhere")


def _replicating(*destinations: tuple[str, str], prefix: str | None = "prod/") -> dict[str, Any]:
    rule: dict[str, Any] = {
        "Destinations": [{"RegistryId": account, "Region": region} for account, region in destinations]
    }
    if prefix:
        rule["RepositoryFilters"] = _wildcards(prefix, kind="PREFIX_MATCH")
    return {"Replication": resource("AWS::ECR::ReplicationConfiguration", ReplicationConfiguration={"Rules": [rule]})}


def _permitting(*actions: str) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": list(actions),
        "Resource": f"arn:aws:ecr:{AFAR}:{OTHER}:repository/prod/*",
    }
    return resource("AWS::ECR::RegistryPolicy", PolicyText={"Version": "2012-10-17", "Statement": [statement]})


def _emptied(ecr: Any, *names: str) -> None:
    for name in names:
        ecr.delete_repository(repositoryName=name, force=True)


def test_pushed_image_arrives_at_both_replicas_with_its_layers_and_events(
    client: Client, deploy: Deploy, elsewhere: Callable[..., dict[str, str]]
) -> None:
    template = resource(
        "AWS::ECR::RepositoryCreationTemplate",
        Prefix="prod",
        AppliedFor=["REPLICATION"],
        EncryptionConfiguration={"EncryptionType": "KMS"},
        ImageTagMutability="IMMUTABLE",
        LifecyclePolicy=LIFECYCLE,
        RepositoryPolicy=json.dumps(PULL),
    )
    there = {
        "Policy": _permitting("ecr:ReplicateImage", "ecr:CreateRepository"),
        "Template": template,
        **listening("ECR Replication Action"),
    }
    across = elsewhere(OTHER, AFAR, there, queue=ref("Queue"))
    beside = elsewhere(ACCOUNT, AFAR, listening("ECR Replication Action"), queue=ref("Queue"))
    images = {
        name: resource("AWS::ECR::Repository", RepositoryName=name, EmptyOnDelete=True)
        for name in ("prod/web", "dev/web")
    }
    repositories = {f"Images{number}": each for number, each in enumerate(images.values())}
    stack = deploy(
        repositories | _replicating((OTHER, AFAR), (ACCOUNT, AFAR)) | listening("ECR Image Action"), queue=ref("Queue")
    )
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    ecr = client("ecr")
    upload = ecr.initiate_layer_upload(repositoryName="prod/web")["uploadId"]
    ecr.upload_layer_part(
        repositoryName="prod/web", uploadId=upload, partFirstByte=0, partLastByte=4, layerPartBlob=b"layer"
    )
    layer = f"sha256:{hashlib.sha256(b'layer').hexdigest()}"
    ecr.complete_layer_upload(repositoryName="prod/web", uploadId=upload, layerDigests=[layer])
    digest = _push(ecr, "prod/web", "1", layers=[{"digest": layer, "size": 5}])
    _push(ecr, "dev/web", "1")

    for account, values in ((OTHER, across), (ACCOUNT, beside)):
        replica = client("ecr", account, AFAR)
        (copied,) = replica.describe_images(repositoryName="prod/web")["imageDetails"]
        assert (copied["imageDigest"], copied["imageTags"], copied["registryId"]) == (digest, ["1"], account)
        checked = replica.batch_check_layer_availability(repositoryName="prod/web", layerDigests=[layer])["layers"][0]
        assert (checked["layerAvailability"], checked["layerSize"]) == ("AVAILABLE", 5)
        (repository,) = replica.describe_repositories()["repositories"]
        assert repository["imageTagMutability"] == ("IMMUTABLE" if account == OTHER else "MUTABLE")
        assert repository["encryptionConfiguration"]["encryptionType"] == ("KMS" if account == OTHER else "AES256")
        (event,) = received(client("sqs", account, AFAR), values["queue"])
        assert (event["source"], event["account"], event["region"]) == ("aws.ecr", account, AFAR)
        assert event["resources"] == [f"arn:aws:ecr:{AFAR}:{account}:repository/prod/web"]
        assert event["detail"] == {
            "result": "SUCCESS",
            "repository-name": "prod/web",
            "image-digest": digest,
            "source-account": ACCOUNT,
            "action-type": "REPLICATE",
            "source-region": REGION,
            "image-tag": "1",
        }
    replica = client("ecr", OTHER, AFAR)
    assert replica.get_lifecycle_policy(repositoryName="prod/web")["lifecyclePolicyText"] == LIFECYCLE
    assert json.loads(replica.get_repository_policy(repositoryName="prod/web")["policyText"]) == PULL
    status = ecr.describe_image_replication_status(repositoryName="prod/web", imageId={"imageTag": "1"})
    assert [(each["registryId"], each["region"], each["status"]) for each in status["replicationStatuses"]] == [
        (OTHER, AFAR, "COMPLETE"),
        (ACCOUNT, AFAR, "COMPLETE"),
    ]

    # a tag that is immutable at the destination stays on the older image
    moved = _push(ecr, "prod/web", "1", number=2)
    newest = replica.describe_images(repositoryName="prod/web", imageIds=[{"imageDigest": moved}])["imageDetails"][0]
    assert "imageTags" not in newest
    assert (
        client("ecr", region=AFAR).describe_images(repositoryName="prod/web", imageIds=[{"imageTag": "1"}])[
            "imageDetails"
        ][0]["imageDigest"]
        == moved
    )

    # deletions are not replicated
    ecr.batch_delete_image(repositoryName="prod/web", imageIds=[{"imageDigest": digest}])
    assert len(replica.describe_images(repositoryName="prod/web")["imageDetails"]) == 2
    actions = [
        (each["detail"]["action-type"], each["detail"]["repository-name"], each["detail"].get("image-tag"))
        for each in received(client("sqs"), stack["Values"]["queue"])
    ]
    assert actions == [
        ("PUSH", "prod/web", "1"),
        ("PUSH", "dev/web", "1"),
        ("PUSH", "prod/web", "1"),
        ("DELETE", "prod/web", None),
    ]
    _emptied(replica, "prod/web")
    _emptied(client("ecr", region=AFAR), "prod/web")


@pytest.mark.parametrize("allowed", [(), ("ecr:ReplicateImage",), ("ecr:CreateRepository",)])
def test_account_without_a_policy_gets_no_replicated_images(
    client: Client, deploy: Deploy, elsewhere: Callable[..., dict[str, str]], allowed: tuple[str, ...]
) -> None:
    if allowed:
        elsewhere(OTHER, AFAR, {"Policy": _permitting(*allowed)})
    images = {"Images": resource("AWS::ECR::Repository", RepositoryName="prod/web", EmptyOnDelete=True)}
    deploy(images | _replicating((OTHER, AFAR)))
    ecr, replica = client("ecr"), client("ecr", OTHER, AFAR)
    _push(ecr, "prod/web", "1")
    (status,) = ecr.describe_image_replication_status(repositoryName="prod/web", imageId={"imageTag": "1"})[
        "replicationStatuses"
    ]
    assert (status["status"], status["failureCode"]) == ("FAILED", "AccessDenied")
    assert replica.describe_repositories()["repositories"] == []
    if allowed == ("ecr:ReplicateImage",):
        # an existing repository need not be created
        replica.create_repository(repositoryName="prod/web")
        _push(ecr, "prod/web", "2")
        (copied,) = replica.describe_images(repositoryName="prod/web")["imageDetails"]
        assert copied["imageTags"] == ["2"]
        _emptied(replica, "prod/web")


def test_copy_is_not_replicated_again(client: Client, deploy: Deploy, elsewhere: Callable[..., dict[str, str]]) -> None:
    elsewhere(ACCOUNT, AFAR, _replicating((ACCOUNT, HOME), prefix=None))
    images = {"Images": resource("AWS::ECR::Repository", RepositoryName="prod/web", EmptyOnDelete=True)}
    deploy(images | _replicating((ACCOUNT, AFAR)))
    _push(client("ecr"), "prod/web", "1")
    assert client("ecr", region=AFAR).describe_images(repositoryName="prod/web")["imageDetails"]
    assert client("ecr", region=HOME).describe_repositories()["repositories"] == []
    _emptied(client("ecr", region=AFAR), "prod/web")


FOUND = {"annotations": {"moorage.local/findings": json.dumps([{"name": "CVE-2021-44228", "severity": "CRITICAL"}])}}


def _scanned(scan_type: str, frequency: str, *filters: str) -> dict[str, Any]:
    rule = {"ScanFrequency": frequency, "RepositoryFilters": _wildcards(*filters)}
    return {
        "Images": resource("AWS::ECR::Repository", RepositoryName="prod/web", EmptyOnDelete=True),
        "Scanning": resource("AWS::ECR::RegistryScanningConfiguration", ScanType=scan_type, Rules=[rule]),
    }


def test_basic_scan_on_push_sends_the_findings_of_the_image(client: Client, deploy: Deploy) -> None:
    resources = _scanned("BASIC", "SCAN_ON_PUSH", "prod/*") | listening("ECR Image Scan")
    values = deploy(resources, queue=ref("Queue"))["Values"]
    ecr = client("ecr")
    digest = _push(ecr, "prod/web", "1", **FOUND)
    (event,) = received(client("sqs"), values["queue"])
    assert event["resources"] == [f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/prod/web"]
    assert event["detail"] == {
        "scan-status": "COMPLETE",
        "repository-name": "prod/web",
        "finding-severity-counts": {"CRITICAL": 1},
        "image-digest": digest,
        "image-tags": ["1"],
    }
    found = ecr.describe_image_scan_findings(repositoryName="prod/web", imageId={"imageTag": "1"})
    assert found["imageScanStatus"]["status"] == "COMPLETE"
    assert found["imageScanFindings"]["findings"] == [{"name": "CVE-2021-44228", "severity": "CRITICAL"}]
    (image,) = ecr.describe_images(repositoryName="prod/web")["imageDetails"]
    assert image["imageScanFindingsSummary"]["findingSeverityCounts"] == {"CRITICAL": 1}

    deploy(_scanned("BASIC", "SCAN_ON_PUSH", "dev/*") | listening("ECR Image Scan"))
    _push(ecr, "prod/web", "2")
    assert received(client("sqs"), values["queue"]) == []
    missing = {"repositoryName": "prod/web", "imageId": {"imageTag": "2"}}
    assert _code(ecr.describe_image_scan_findings, **missing) == "ScanNotFoundException"
    ecr.start_image_scan(**missing)
    (event,) = received(client("sqs"), values["queue"])
    assert event["detail"]["finding-severity-counts"] == {}


def test_enhanced_scan_sends_the_events_of_inspector(client: Client, deploy: Deploy) -> None:
    heard = listening("Inspector2 Scan", "Inspector2 Finding", source="aws.inspector2")
    values = deploy(_scanned("ENHANCED", "CONTINUOUS_SCAN", "prod/*") | heard, queue=ref("Queue"))["Values"]
    ecr = client("ecr")
    digest = _push(ecr, "prod/web", "1", **FOUND)
    repository = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/prod/web"
    scan, finding = received(client("sqs"), values["queue"])
    assert (scan["detail-type"], scan["resources"]) == ("Inspector2 Scan", [repository])
    assert scan["detail"] == {
        "version": "1.0",
        "scan-status": "INITIAL_SCAN_COMPLETE",
        "repository-name": repository,
        "finding-severity-counts": {"CRITICAL": 1, "TOTAL": 1},
        "image-digest": digest,
        "image-tags": ["1"],
    }
    assert (finding["detail-type"], finding["resources"]) == ("Inspector2 Finding", [f"{repository}/{digest}"])
    assert (finding["detail"]["severity"], finding["detail"]["status"]) == ("CRITICAL", "ACTIVE")
    assert finding["detail"]["packageVulnerabilityDetails"]["vulnerabilityId"] == "CVE-2021-44228"
    container = finding["detail"]["resources"][0]["details"]["awsEcrContainerImage"]
    assert (container["repositoryName"], container["imageTags"]) == ("prod/web", ["1"])
    found = ecr.describe_image_scan_findings(repositoryName="prod/web", imageId={"imageTag": "1"})
    assert found["imageScanFindings"]["enhancedFindings"][0]["title"] == "CVE-2021-44228"
    start = {"repositoryName": "prod/web", "imageId": {"imageTag": "1"}}
    assert _code(ecr.start_image_scan, **start) == "ValidationException"


def test_first_pull_through_a_cache_keeps_the_image_and_sends_an_event(client: Client, deploy: Deploy) -> None:
    template = resource(
        "AWS::ECR::RepositoryCreationTemplate",
        Prefix="ROOT",
        AppliedFor=["PULL_THROUGH_CACHE"],
        ImageTagMutability="IMMUTABLE",
    )
    rule = resource("AWS::ECR::PullThroughCacheRule", EcrRepositoryPrefix="quay", UpstreamRegistryUrl="quay.io")
    heard = listening("ECR Pull Through Cache Action")
    values = deploy({"Template": template, "Cache": rule} | heard, queue=ref("Queue"))["Values"]
    ecr = client("ecr")
    for _ in range(2):
        (image,) = ecr.batch_get_image(repositoryName="quay/org/app", imageIds=[{"imageTag": "1"}])["images"]
    (event,) = received(client("sqs"), values["queue"])
    assert event["resources"] == [f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/quay/org/app"]
    assert event["detail"] == {
        "rule-version": "1",
        "sync-status": "SUCCESS",
        "ecr-repository-prefix": "quay",
        "repository-name": "quay/org/app",
        "upstream-registry-url": "quay.io",
        "image-tag": "1",
        "image-digest": image["imageId"]["imageDigest"],
    }
    (repository,) = ecr.describe_repositories(repositoryNames=["quay/org/app"])["repositories"]
    assert repository["imageTagMutability"] == "IMMUTABLE"
    (details,) = ecr.describe_images(repositoryName="quay/org/app")["imageDetails"]
    assert "lastRecordedPullTime" in details
    _emptied(ecr, "quay/org/app")


def test_image_of_a_task_is_pulled_through_a_cache(client: Client, deploy: Deploy) -> None:
    rule = resource("AWS::ECR::PullThroughCacheRule", EcrRepositoryPrefix="quay", UpstreamRegistryUrl="quay.io")
    deploy({"Cache": rule}, "-cache")
    image = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/quay/org/app:1"
    container = {"Name": "web", "Image": image, "Memory": "512"}
    task: dict[str, Any] = {"Cpu": "256", "Memory": "512", "NetworkMode": "awsvpc"}
    task |= {"RequiresCompatibilities": ["FARGATE"], "ExecutionRoleArn": attribute("Execution", "Arn")}
    service = {
        "Cluster": resource("AWS::ECS::Cluster"),
        "Execution": role("ecs-tasks.amazonaws.com"),
        "Task": resource("AWS::ECS::TaskDefinition", ContainerDefinitions=[container], **task),
        "Service": resource(
            "AWS::ECS::Service",
            Cluster=ref("Cluster"),
            LaunchType="FARGATE",
            TaskDefinition=ref("Task"),
            NetworkConfiguration={"AwsvpcConfiguration": {"Subnets": [ref("Subnet")]}},
        ),
    }
    stack = deploy(NETWORK | service)
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    assert client("ecr").list_images(repositoryName="quay/org/app")["imageIds"][0]["imageTag"] == "1"
    _emptied(client("ecr"), "quay/org/app")


def test_cache_of_a_private_registry_has_only_its_images(client: Client, deploy: Deploy) -> None:
    upstream = client("ecr", OTHER, AFAR)
    upstream.create_repository(repositoryName="base/app")
    digest = _push(upstream, "base/app", "1")
    rule = resource(
        "AWS::ECR::PullThroughCacheRule",
        EcrRepositoryPrefix="theirs",
        UpstreamRegistryUrl=f"{OTHER}.dkr.ecr.{AFAR}.amazonaws.com",
        UpstreamRepositoryPrefix="base",
        CustomRoleArn=f"arn:aws:iam::{ACCOUNT}:role/pull",
    )
    values = deploy({"Cache": rule} | listening("ECR Pull Through Cache Action"), queue=ref("Queue"))["Values"]
    ecr = client("ecr")
    (image,) = ecr.batch_get_image(repositoryName="theirs/app", imageIds=[{"imageTag": "1"}])["images"]
    assert image["imageId"]["imageDigest"] == digest
    missing = ecr.batch_get_image(repositoryName="theirs/app", imageIds=[{"imageTag": "2"}])
    assert missing["failures"][0]["failureCode"] == "ImageNotFound"
    statuses = [each["detail"]["sync-status"] for each in received(client("sqs"), values["queue"])]
    assert statuses == ["SUCCESS", "FAILURE"]
    _emptied(ecr, "theirs/app")
    _emptied(upstream, "base/app")


def test_docker_push_has_the_same_consequences_as_put_image(
    client: Client, deploy: Deploy, server: tuple[int, int]
) -> None:
    template = resource(
        "AWS::ECR::RepositoryCreationTemplate",
        Prefix="prod",
        AppliedFor=["CREATE_ON_PUSH"],
        ImageTagMutability="IMMUTABLE",
    )
    values = deploy({"Template": template} | listening("ECR Image Action"), queue=ref("Queue"))["Values"]

    def push(number: int) -> int:
        manifest = json.dumps({"number": number})
        return signed(server[1], "ecr", "PUT", "/v2/prod/api/manifests/1", manifest).status

    assert (push(1), push(2)) == (201, 400)
    (event,) = received(client("sqs"), values["queue"])
    assert (event["account"], event["region"]) == (ACCOUNT, REGION)
    assert (event["detail"]["repository-name"], event["detail"]["image-tag"]) == ("prod/api", "1")
    _emptied(client("ecr"), "prod/api")


def test_pushed_image_is_signed_with_the_profile_of_its_rule(client: Client, deploy: Deploy) -> None:
    names = {"Api": "prod/api", "Dev": "dev/api"}
    images = {
        key: resource("AWS::ECR::Repository", RepositoryName=name, EmptyOnDelete=True) for key, name in names.items()
    }
    signing = {name: _settings()[name] for name in ("Profile", "Signing")}
    stack = deploy(images | signing, profile=attribute("Profile", "Arn"))
    ecr = client("ecr")
    signed = {}
    for name in names.values():
        _push(ecr, name, "1")
        answer = ecr.describe_image_signing_status(repositoryName=name, imageId={"imageTag": "1"})
        signed[name] = [(each["signingProfileArn"], each["status"]) for each in answer["signingStatuses"]]
    assert signed == {"prod/api": [(stack["Values"]["profile"], "COMPLETE")], "dev/api": []}


def test_change_of_enhanced_scans_sends_an_event(client: Client, deploy: Deploy) -> None:
    heard = listening("ECR Scan Resource Change")
    images = {"Images": resource("AWS::ECR::Repository", RepositoryName="prod/web")}
    values = deploy(images | heard, queue=ref("Queue"))["Values"]
    scanned = {"Scanning": _scanned("ENHANCED", "CONTINUOUS_SCAN", "prod/*")["Scanning"]}
    deploy(scanned, "-scanning")
    (event,) = received(client("sqs"), values["queue"])
    arn = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/prod/web"
    assert event["resources"] == [arn]
    assert event["detail"] == {
        "action-type": "SCAN_FREQUENCY_CHANGE",
        "repositories": [
            {
                "repository-name": "prod/web",
                "repository-arn": arn,
                "scan-frequency": "CONTINUOUS_SCAN",
                "previous-scan-frequency": "MANUAL",
            }
        ],
        "resource-type": "REPOSITORY",
        "scan-type": "ENHANCED",
    }
    (found,) = client("ecr").batch_get_repository_scanning_configuration(repositoryNames=["prod/web"])[
        "scanningConfigurations"
    ]
    assert (found["scanFrequency"], found["appliedScanFilters"][0]["filter"]) == ("CONTINUOUS_SCAN", "prod/*")


def test_pulls_of_an_excluded_role_do_not_change_the_time_of_the_last_pull(
    client: Client, deploy: Deploy, server: tuple[int, int]
) -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    stack = deploy(
        {
            "Images": resource("AWS::ECR::Repository", RepositoryName="prod/web", EmptyOnDelete=True),
            "Role": resource("AWS::IAM::Role", AssumeRolePolicyDocument={"Statement": [trust]}),
            "Exclusion": resource("AWS::ECR::PullTimeUpdateExclusion", PrincipalArn=attribute("Role", "Arn")),
        },
        role=attribute("Role", "Arn"),
    )
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Reason"]
    ecr = client("ecr")
    _push(ecr, "prod/web", "1")
    keys = client("sts").assume_role(RoleArn=stack["Values"]["role"], RoleSessionName="scan")["Credentials"]
    session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], region_name=REGION)
    scanner = session.client("ecr", endpoint_url=f"http://127.0.0.1:{server[1]}")
    wanted = {"repositoryName": "prod/web", "imageIds": [{"imageTag": "1"}]}
    assert scanner.batch_get_image(**wanted)["images"]
    assert "lastRecordedPullTime" not in ecr.describe_images(repositoryName="prod/web")["imageDetails"][0]
    ecr.batch_get_image(**wanted)
    assert "lastRecordedPullTime" in ecr.describe_images(repositoryName="prod/web")["imageDetails"][0]
