"""Registries, separately and with the other registries of their app."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_signer as signer
from aws_cdk.assertions import Match

from moorage import (
    AuditTrail,
    Encryption,
    LifecyclePolicy,
    PullThrough,
    Registry,
    Replication,
    ReplicationDestination,
    ReplicationSource,
    Repository,
    RepositorySettings,
    RepositoryTemplate,
    Scanning,
    SigningRule,
)
from moorage.testing import readable_template
from tests.conftest import template, warnings_of

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

OURS, THEIRS = "111111111111", "222222222222"
PROFILE = f"arn:aws:signer:eu-west-1:{OURS}:/signing-profiles/shop"
SCANNER = f"arn:aws:iam::{OURS}:role/scanner"
TEMPLATE = "AWS::ECR::RepositoryCreationTemplate"


def stack_in(scope: Any, region: str, account: str = OURS, name: str | None = None) -> cdk.Stack:
    return cdk.Stack(scope, name or f"{region}-{account}", env=cdk.Environment(account=account, region=region))


def test_whole_template(app: cdk.App, template_snapshot: SnapshotAssertion) -> None:
    stack = stack_in(app, "eu-west-1")
    secret = secretsmanager.Secret.from_secret_name_v2(stack, "Secret", "ecr-pullthroughcache/hub")
    Registry(
        stack,
        "Registry",
        scanning=Scanning.enhanced(continuous=["prod/*"], on_push=["*"]),
        replication=[
            Replication(prefix="prod/", to=["eu-central-1", ReplicationDestination("us-east-1", account=THEIRS)])
        ],
        pull_through=[
            PullThrough.ecr_public(),
            PullThrough.docker_hub(secret),
            PullThrough.ecr(account=THEIRS, region="us-east-1", prefix="base"),
        ],
        templates=[RepositoryTemplate("ROOT")],
        signing=[SigningRule(PROFILE, "prod/*")],
        pull_time_exclusions=[SCANNER],
    )
    assert readable_template(stack) == template_snapshot


def test_whole_template_of_a_destination(app: cdk.App, template_snapshot: SnapshotAssertion) -> None:
    settings = RepositorySettings(
        mutable_tags=["latest"],
        encryption=Encryption.own_key(),
        lifecycle=LifecyclePolicy.releases(10),
        policy=[
            iam.PolicyStatement(actions=["ecr:BatchGetImage"], principals=[iam.OrganizationPrincipal("o-1234567890")])
        ],
        tags={"owner": "shop"},
    )
    replication = Replication(prefix="prod/", to=ReplicationDestination("us-east-1", account=THEIRS), settings=settings)
    source = Registry(stack_in(app, "eu-west-1"), "Registry", replication=[replication])
    there = stack_in(app, "us-east-1", THEIRS)
    Registry(there, "Registry", replicates_from=[source])
    app.synth()
    assert readable_template(there) == template_snapshot


def test_images_are_scanned_on_push_by_default(stack: cdk.Stack) -> None:
    registry = Registry(stack, "Registry")
    template(stack).has_resource_properties(
        "AWS::ECR::RegistryScanningConfiguration",
        {
            "ScanType": "BASIC",
            "Rules": [
                {"ScanFrequency": "SCAN_ON_PUSH", "RepositoryFilters": [{"Filter": "*", "FilterType": "WILDCARD"}]}
            ],
        },
    )
    assert registry.node.default_child


def test_replication_without_a_prefix_has_no_filter(stack: cdk.Stack) -> None:
    Registry(stack, "Registry", replication=[Replication(to="eu-central-1")])
    template(stack).has_resource_properties(
        "AWS::ECR::ReplicationConfiguration",
        {
            "ReplicationConfiguration": {
                "Rules": [
                    {
                        "Destinations": [{"Region": "eu-central-1", "RegistryId": {"Ref": "AWS::AccountId"}}],
                        "RepositoryFilters": Match.absent(),
                    }
                ]
            }
        },
    )


def test_a_cache_has_its_template_and_its_secret(stack: cdk.Stack) -> None:
    secret = secretsmanager.Secret(stack, "Hub", secret_name="ecr-pullthroughcache/hub")  # noqa: S106  # a name
    Registry(stack, "Registry", pull_through=[PullThrough.docker_hub(secret)])
    template(stack).has_resource_properties(
        "AWS::ECR::PullThroughCacheRule", {"CredentialArn": {"Ref": Match.string_like_regexp("^Hub")}}
    )
    template(stack).has_resource_properties(
        TEMPLATE, {"Prefix": "docker-hub", "AppliedFor": ["PULL_THROUGH_CACHE"], "ImageTagMutability": "MUTABLE"}
    )


def test_a_secret_that_is_named_by_cloudformation_or_elsewhere_is_refused(app: cdk.App) -> None:
    stack = stack_in(app, "eu-west-1")
    with pytest.raises(ValueError, match="the name of secret must be 'ecr-pullthroughcache/'"):
        PullThrough.docker_hub(secretsmanager.Secret(stack, "Hub"))
    arn = f"arn:aws:secretsmanager:us-east-1:{OURS}:secret:ecr-pullthroughcache/hub-AbCdEf"
    elsewhere = secretsmanager.Secret.from_secret_complete_arn(stack, "Elsewhere", arn)
    with pytest.raises(
        ValueError, match="secret of the cache 'docker-hub' must be in region eu-west-1.*got region us-east-1"
    ):
        Registry(stack, "Registry", pull_through=[PullThrough.docker_hub(elsewhere)])


def test_a_grant_to_pull_through_a_cache_includes_creating_repositories(stack: cdk.Stack) -> None:
    cache = PullThrough.quay()
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
    Registry(stack, "Registry", pull_through=[cache]).grant_pull_through(role, cache)
    policies = template(stack).find_resources("AWS::IAM::Policy").items()
    (policy,) = (each for logical_id, each in policies if logical_id.startswith("RoleDefaultPolicy"))
    said = json.dumps(policy)
    assert "ecr:BatchImportUpstreamImage" in said
    assert "ecr:CreateRepository" in said
    assert ":repository/quay/*" in said


def test_other_accounts_are_granted_to_pull_through_a_cache_by_the_registry_policy(app: cdk.App) -> None:
    stack, cache = stack_in(app, "eu-west-1"), PullThrough.quay()
    accounts = iam.CompositePrincipal(iam.AccountPrincipal(THEIRS), iam.AccountPrincipal("333333333333"))
    Registry(stack, "Registry", pull_through=[cache]).grant_pull_through(accounts, cache)
    (policy,) = template(stack).find_resources("AWS::ECR::RegistryPolicy").values()
    (statement,) = policy["Properties"]["PolicyText"]["Statement"]
    assert statement["Action"] == ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"]
    assert [json.dumps(each)[-20:-9] for each in statement["Principal"]["AWS"]] == [THEIRS[1:], "33333333333"]
    assert ":repository/quay/*" in json.dumps(statement["Resource"])


def test_a_role_that_is_granted_to_pull_through_a_cache_is_not_in_the_registry_policy(stack: cdk.Stack) -> None:
    cache = PullThrough.quay()
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
    Registry(stack, "Registry", pull_through=[cache]).grant_pull_through(role, cache)
    template(stack).resource_count_is("AWS::ECR::RegistryPolicy", 0)


def test_a_principal_can_be_granted_to_sign(stack: cdk.Stack) -> None:
    role = iam.Role(stack, "Ci", assumed_by=iam.ServicePrincipal("codebuild.amazonaws.com"))
    Registry(stack, "Registry", signing=[SigningRule(PROFILE)]).grant_sign(role)
    template(stack).has_resource_properties(
        "AWS::IAM::Policy",
        {
            "PolicyDocument": {
                "Statement": [{"Action": "signer:SignPayload", "Effect": "Allow", "Resource": PROFILE}],
                "Version": "2012-10-17",
            }
        },
    )


def test_a_profile_by_its_attributes_is_refused_for_its_wrong_arn(stack: cdk.Stack) -> None:
    of = signer.SigningProfile.from_signing_profile_attributes
    profile = of(stack, "Profile", signing_profile_name="shop", signing_profile_version="1a2b")
    assert "://signing-profiles/" in profile.signing_profile_arn  # if CDK fixes this, the check can be removed
    with pytest.raises(ValueError, match="SigningRule: profile must not be from CDK's from_signing_profile_attributes"):
        SigningRule(profile.signing_profile_arn)
    SigningRule(signer.SigningProfile(stack, "Own", platform=signer.Platform.of("Notation")).signing_profile_arn)


def test_a_role_is_excluded_from_pull_times_by_its_arn(stack: cdk.Stack) -> None:
    role = iam.Role.from_role_arn(stack, "Scanner", SCANNER)
    Registry(stack, "Registry", pull_time_exclusions=[role])
    template(stack).has_resource_properties("AWS::ECR::PullTimeUpdateExclusion", {"PrincipalArn": SCANNER})


def exclusions(stack: cdk.Stack) -> dict[str, Any]:
    found = template(stack).find_resources("AWS::ECR::PullTimeUpdateExclusion")
    return {logical_id: each["Properties"]["PrincipalArn"] for logical_id, each in found.items()}


def test_an_exclusion_keeps_its_id_when_an_earlier_one_is_removed(app: cdk.App) -> None:
    """CloudFormation creates before it deletes, and ECR refuses an existing exclusion."""
    by_name = {}
    for name, others in {"Before": [f"arn:aws:iam::{OURS}:user/ci"], "After": []}.items():
        stack = cdk.Stack(cdk.Stage(app, name), "Shop")
        role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
        theirs = cdk.Fn.import_value("scanner-arn")
        Registry(stack, "Registry", pull_time_exclusions=[*others, SCANNER, role, theirs])
        by_name[name] = exclusions(stack)
    kept = by_name["After"].items()
    assert len(kept) == 3
    assert kept < by_name["Before"].items()


def test_a_repeated_exclusion_is_refused(stack: cdk.Stack) -> None:
    role = iam.Role.from_role_arn(stack, "Scanner", SCANNER)
    own = iam.Role(stack, "Own", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
    pairs: list[list[Any]] = [[role, SCANNER], [own, own]]
    for twice in pairs:
        with pytest.raises(ValueError, match="pull_time_exclusions must be unique"):
            Registry(stack, "Registry", pull_time_exclusions=twice)


@pytest.mark.parametrize(
    ("encryption", "has_role"),
    [(Encryption.aws_key(), True), (Encryption.own_key(), True), (Encryption.aes256(), False)],
)
def test_a_template_with_kms_encryption_has_a_role(stack: cdk.Stack, encryption: Encryption, *, has_role: bool) -> None:
    Registry(stack, "Registry", templates=[RepositoryTemplate("team", RepositorySettings(encryption=encryption))])
    (made,) = template(stack).find_resources(TEMPLATE).values()
    assert ("CustomRoleArn" in made["Properties"]) == has_role
    template(stack).resource_count_is("AWS::IAM::Role", int(has_role))


def test_the_role_of_a_template_has_the_key_permissions_of_the_guide(stack: cdk.Stack) -> None:
    settings = RepositorySettings(encryption=Encryption.own_key())
    Registry(stack, "Registry", templates=[RepositoryTemplate("team", settings)])
    (policy,) = template(stack).find_resources("AWS::IAM::Policy").values()
    (used,) = (
        each["Action"]
        for each in policy["Properties"]["PolicyDocument"]["Statement"]
        if "kms:CreateGrant" in each["Action"]
    )
    assert sorted(used) == ["kms:CreateGrant", "kms:DescribeKey", "kms:RetireGrant"]
    template(stack).has_resource(
        "AWS::KMS::Key", {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
    )


def test_a_secret_of_a_cache_has_a_key_that_ecr_can_use(stack: cdk.Stack) -> None:
    name = "ecr-pullthroughcache/hub"
    key = kms.Key(stack, "Key")
    defined = secretsmanager.Secret(stack, "Hub", secret_name=name, encryption_key=key)
    arn = f"arn:aws:secretsmanager:eu-west-1:{OURS}:secret:{name}-AbCdEf"
    imported = secretsmanager.Secret.from_secret_attributes(
        stack, "Imported", secret_complete_arn=arn, encryption_key=key
    )
    for secret in (defined, imported):
        with pytest.raises(ValueError, match=r"the key of secret must be aws/secretsmanager.*\(got 'Shop/Key'\)"):
            PullThrough.docker_hub(secret)
    managed = kms.Alias.from_alias_name(stack, "Managed", "alias/aws/secretsmanager")
    assert PullThrough.docker_hub(secretsmanager.Secret(stack, "Own", secret_name=name, encryption_key=managed))


def test_a_signing_profile_is_in_the_region_and_in_any_account(app: cdk.App) -> None:
    there = "arn:aws:signer:us-east-1:111111111111:/signing-profiles/shop"
    with pytest.raises(ValueError, match="profile of signing must be in region eu-west-1"):
        Registry(stack_in(app, "eu-west-1"), "Registry", signing=[SigningRule(there)])
    theirs = f"arn:aws:signer:us-east-1:{THEIRS}:/signing-profiles/shop"
    assert Registry(stack_in(app, "us-east-1"), "Registry", signing=[SigningRule(theirs)])


def test_the_key_policy_of_the_trail_is_that_of_the_guide(stack: cdk.Stack) -> None:
    Registry(stack, "Registry", audit=AuditTrail.own())
    (key,) = template(stack).find_resources("AWS::KMS::Key").values()
    by_action = {
        each["Action"]: each.get("Condition", {})
        for each in key["Properties"]["KeyPolicy"]["Statement"]
        if each["Principal"] == {"Service": "cloudtrail.amazonaws.com"}
    }
    assert by_action.keys() == {"kms:GenerateDataKey*", "kms:Decrypt", "kms:DescribeKey"}
    assert by_action["kms:GenerateDataKey*"].keys() == {"StringLike", "ArnLike"}
    assert by_action["kms:GenerateDataKey*"]["StringLike"].keys() == {"kms:EncryptionContext:aws:cloudtrail:arn"}
    assert by_action["kms:GenerateDataKey*"]["ArnLike"].keys() == {"aws:SourceArn"}
    assert by_action["kms:DescribeKey"].keys() == {"ArnLike"}  # this call has no encryption context
    assert by_action["kms:Decrypt"] == {}


def test_no_trail_is_defined_by_default(stack: cdk.Stack) -> None:
    registry = Registry(stack, "Registry")
    assert registry.trail is None
    assert registry.trail_arn is None
    template(stack).resource_count_is("AWS::CloudTrail::Trail", 0)


def test_an_existing_trail_is_given_by_name_or_arn(app: cdk.App) -> None:
    arn = f"arn:aws:cloudtrail:eu-west-1:{OURS}:trail/all"
    by_name = Registry(stack_in(app, "eu-west-1"), "Registry", audit=AuditTrail.existing("all"))
    by_arn = Registry(stack_in(app, "us-east-1"), "Registry", audit=AuditTrail.existing(arn))
    assert by_name.trail_arn
    assert by_name.trail_arn.endswith(f":cloudtrail:eu-west-1:{OURS}:trail/all")
    assert by_arn.trail_arn == arn


def test_an_own_trail_is_encrypted_and_versioned_and_expires(stack: cdk.Stack) -> None:
    registry = Registry(stack, "Registry", audit=AuditTrail.own(kept=cdk.Duration.days(90)))
    assert registry.trail
    assert registry.trail_arn == registry.trail.trail_arn
    made = template(stack)
    made.has_resource_properties(
        "AWS::CloudTrail::Trail",
        {
            "EnableLogFileValidation": True,
            "KMSKeyId": Match.any_value(),
            "EventSelectors": [{"IncludeManagementEvents": True, "ReadWriteType": "All"}],
        },
    )
    made.has_resource(
        "AWS::S3::Bucket",
        {
            "DeletionPolicy": "Retain",
            "Properties": {
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [
                        {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": True}
                    ]
                },
                "VersioningConfiguration": {"Status": "Enabled"},
                "LifecycleConfiguration": {"Rules": [Match.object_like({"ExpirationInDays": 90})]},
            },
        },
    )
    assert "record" in (AuditTrail.own.__doc__ or "")
    assert "bills" in (AuditTrail.own.__doc__ or "")
    with pytest.raises(ValueError, match=r"kept must be at least 1 day \(got 3600 s\)"):
        AuditTrail.own(kept=cdk.Duration.hours(1))


def test_a_trail_is_deleted_before_its_bucket_is_emptied(stack: cdk.Stack) -> None:
    audit = AuditTrail.own(auto_delete_objects=True)
    registry = Registry(stack, "Registry", audit=audit, removal_policy=cdk.RemovalPolicy.DESTROY)
    made = template(stack)
    (emptying,) = made.find_resources("Custom::S3AutoDeleteObjects")
    (trail,) = made.find_resources("AWS::CloudTrail::Trail").values()
    assert emptying in trail["DependsOn"]  # so that it stops writing before the bucket is emptied
    assert registry.trail


def test_a_trail_whose_bucket_could_not_be_deleted_is_refused(stack: cdk.Stack) -> None:
    with pytest.raises(ValueError, match="Shop/Registry: removal_policy must not be DESTROY with a trail whose"):
        Registry(stack, "Registry", audit=AuditTrail.own(), removal_policy=cdk.RemovalPolicy.DESTROY)
    with pytest.raises(
        ValueError, match="Shop/Registry: auto_delete_objects of audit must be used only with removal_policy"
    ):
        Registry(stack, "Registry", audit=AuditTrail.own(auto_delete_objects=True))
    Registry(stack, "Registry", removal_policy=cdk.RemovalPolicy.DESTROY)


def test_a_second_registry_in_a_stack_is_an_error_that_names_both(stack: cdk.Stack) -> None:
    Registry(stack, "One")
    with pytest.raises(ValueError, match=r"Shop/Two: an account and region must have .*got Shop/One already"):
        Registry(stack, "Two")


def test_a_removed_registry_can_be_replaced_by_another(app: cdk.App, stack: cdk.Stack) -> None:
    elsewhere = [Replication(to=["eu-central-1"])]
    Registry(stack, "One", replication=elsewhere)
    stack.node.try_remove_child("One")
    Registry(stack, "Two", replication=elsewhere)
    app.synth()


def test_a_second_registry_in_an_environment_is_an_error_across_stages(app: cdk.App) -> None:
    Registry(stack_in(app, "eu-west-1", name="Shop"), "Registry")
    with pytest.raises(ValueError, match=r"Test/Shop/Registry: .* only one Registry \(got Shop/Registry already"):
        Registry(stack_in(cdk.Stage(app, "Test"), "eu-west-1", name="Shop"), "Registry")
    Registry(stack_in(app, "us-east-1"), "Registry")
    Registry(stack_in(app, "eu-west-1", THEIRS), "Registry")
    app.synth()


def test_a_second_registry_in_stacks_without_an_account_warns(app: cdk.App) -> None:
    Registry(cdk.Stack(app, "One"), "Registry")
    Registry(cdk.Stack(app, "Two"), "Registry")
    (warning,) = warnings_of(app, "Two")
    assert "One/Registry may be in the same account and region" in warning


def test_registries_in_different_regions_do_not_warn(app: cdk.App) -> None:
    for region in ("eu-west-1", "us-east-1"):
        Registry(cdk.Stack(app, region, env=cdk.Environment(region=region)), "Registry")
    assert warnings_of(app, "us-east-1") == []


def test_a_filter_that_matches_no_repository_is_a_warning(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Shop")
    Registry(
        stack,
        "Registry",
        scanning=Scanning.enhanced(continuous=["prod/*", "web"]),
        replication=[Replication(prefix=["prod/", "dev/"], to="eu-central-1")],
        signing=[SigningRule(PROFILE, "test/*")],
    )
    Repository(stack, "Web", name="prod/web")
    (warning,) = warnings_of(app, "Shop")
    assert "(got 'test/*' in signing, 'dev/' in replication)" in warning
    assert "use a filter that matches a repository such as prod/web" in warning


def test_filters_do_not_warn_if_the_app_has_no_repositories(app: cdk.App) -> None:
    Registry(cdk.Stack(app, "Shop"), "Registry", scanning=Scanning.enhanced(continuous=["prod/*"]))
    assert warnings_of(app, "Shop") == []


def test_a_destination_allows_only_the_account_that_replicates(app: cdk.App) -> None:
    replication = Replication(prefix="prod/", to=["us-east-1", ReplicationDestination("us-east-1", account=THEIRS)])
    source = Registry(stack_in(app, "eu-west-1"), "Registry", replication=[replication])
    same, other = stack_in(app, "us-east-1"), stack_in(app, "us-east-1", THEIRS)
    for there in (same, other):
        Registry(there, "Registry", replicates_from=[source])
    app.synth()
    template(same).resource_count_is("AWS::ECR::RegistryPolicy", 0)
    (policy,) = template(other).find_resources("AWS::ECR::RegistryPolicy").values()
    (statement,) = policy["Properties"]["PolicyText"]["Statement"]
    assert statement["Action"] == ["ecr:ReplicateImage", "ecr:CreateRepository"]
    assert f"iam::{OURS}:root" in json.dumps(statement["Principal"])
    assert f"ecr:us-east-1:{THEIRS}:repository/prod/*" in json.dumps(statement["Resource"])
    for there in (same, other):
        template(there).has_resource_properties(
            TEMPLATE,
            {
                "Prefix": "prod",
                "AppliedFor": ["REPLICATION"],
                "ImageTagMutability": "IMMUTABLE",
                "EncryptionConfiguration": {"EncryptionType": "KMS"},
                "LifecyclePolicy": LifecyclePolicy.releases().text,
            },
        )


def test_a_prefix_that_is_not_a_namespace_warns_about_missing_templates(app: cdk.App) -> None:
    replication = Replication(prefix=["prod/", "web-"], to=ReplicationDestination("us-east-1", account=THEIRS))
    there = stack_in(app, "us-east-1", THEIRS, "There")
    Registry(there, "Registry", replicates_from=[ReplicationSource(OURS, replication)])
    (warning,) = warnings_of(app, "There")
    assert "replication of 'web-' also creates repositories with mutable tags" in warning
    template(there).resource_count_is(TEMPLATE, 1)


def test_a_source_of_another_app_is_configured_by_its_replication(app: cdk.App) -> None:
    replication = Replication(to=ReplicationDestination("us-east-1", account=THEIRS))
    there = stack_in(app, "us-east-1", THEIRS)
    Registry(there, "Registry", replicates_from=[ReplicationSource(OURS, replication)])
    template(there).has_resource_properties(TEMPLATE, {"Prefix": "ROOT"})
    template(there).resource_count_is("AWS::ECR::RegistryPolicy", 1)


def test_tags_and_own_keys_need_a_role_that_ecr_assumes(app: cdk.App) -> None:
    settings = RepositorySettings(encryption=Encryption.own_key(), tags={"owner": "shop"})
    there = stack_in(app, "us-east-1", THEIRS)
    replication = Replication(to=ReplicationDestination("us-east-1", account=THEIRS), settings=settings)
    Registry(there, "Registry", replicates_from=[ReplicationSource(OURS, replication)])
    made = template(there)
    made.has_resource_properties(
        TEMPLATE, {"CustomRoleArn": Match.any_value(), "ResourceTags": [{"Key": "owner", "Value": "shop"}]}
    )
    made.has_resource_properties(
        "AWS::IAM::Role",
        {
            "AssumeRolePolicyDocument": {
                "Statement": [Match.object_like({"Principal": {"Service": "ecr.amazonaws.com"}})],
                "Version": "2012-10-17",
            }
        },
    )
    (policy,) = made.find_resources("AWS::ECR::RegistryPolicy").values()
    assert "ecr:TagResource" in policy["Properties"]["PolicyText"]["Statement"][0]["Action"]


def test_a_key_of_another_region_is_refused_for_created_repositories(app: cdk.App) -> None:
    there = stack_in(app, "us-east-1", THEIRS, "There")
    key = kms.Key.from_key_arn(there, "Key", f"arn:aws:kms:eu-west-1:{THEIRS}:key/1a2b")
    settings = RepositorySettings(encryption=Encryption.with_key(key))
    replication = Replication(to=ReplicationDestination("us-east-1", account=THEIRS), settings=settings)
    with pytest.raises(
        ValueError,
        match=r"There/Registry: encryption of 'ROOT' must be in region us-east-1.*\(got region eu-west-1\)",
    ):
        Registry(there, "Registry", replicates_from=[ReplicationSource(OURS, replication)])


def test_an_output_has_the_requirements_of_a_destination_outside_the_app(app: cdk.App) -> None:
    stack = stack_in(app, "eu-west-1")
    Registry(
        stack,
        "Registry",
        replication=[
            Replication(prefix="prod/", to=["eu-central-1", ReplicationDestination("us-east-1", account=THEIRS)])
        ],
    )
    app.synth()
    near, far = template(stack).find_outputs("*").values()
    assert "ECR in eu-central-1 must have creation templates (IMMUTABLE, KMS, 2 lifecycle rules)" in near["Description"]
    assert "registryPolicy" not in json.dumps(near["Value"])
    assert f"ECR in us-east-1 of account {THEIRS} must let this account in" in far["Description"]
    assert "ecr:ReplicateImage" in json.dumps(far["Value"])


def test_a_destination_in_the_app_has_no_output(app: cdk.App) -> None:
    stack = stack_in(app, "eu-west-1")
    source = Registry(stack, "Registry", replication=[Replication(to="us-east-1")])
    Registry(stack_in(app, "us-east-1"), "Registry", replicates_from=[source])
    app.synth()
    assert template(stack).find_outputs("*") == {}


def test_a_missing_destination_is_an_error_if_the_app_has_stacks_there(app: cdk.App) -> None:
    Registry(stack_in(app, "eu-west-1", name="Shop"), "Registry", replication=[Replication(to="us-east-1")])
    stack_in(app, "us-east-1")
    with pytest.raises(RuntimeError, match="Shop/Registry replicates all repositories to us-east-1, where this app"):
        app.synth()


def test_a_destination_of_another_app_is_not_an_error(app: cdk.App) -> None:
    replication = Replication(to=ReplicationDestination("us-east-1", managed_elsewhere=True))
    Registry(stack_in(app, "eu-west-1"), "Registry", replication=[replication])
    stack_in(app, "us-east-1")
    app.synth()


def test_a_destination_with_other_settings_is_an_error(app: cdk.App) -> None:
    given = Replication(
        to=ReplicationDestination("us-east-1", account=THEIRS), settings=RepositorySettings(mutable_tags=["latest"])
    )
    told = Replication(to=ReplicationDestination("us-east-1", account=THEIRS))
    Registry(stack_in(app, "eu-west-1", name="Shop"), "Registry", replication=[given])
    Registry(stack_in(app, "us-east-1", THEIRS, "There"), "Registry", replicates_from=[ReplicationSource(OURS, told)])
    with pytest.raises(RuntimeError, match="replicates_from of There/Registry has no entry"):
        app.synth()


def test_a_circle_is_an_error_that_names_its_registries(app: cdk.App) -> None:
    one = Registry(stack_in(app, "eu-west-1", name="One"), "Registry", replication=[Replication(to="us-east-1")])
    Registry(
        stack_in(app, "us-east-1", name="Two"),
        "Registry",
        replication=[Replication(to=ReplicationDestination("eu-west-1", managed_elsewhere=True))],
        replicates_from=[one],
    )
    with pytest.raises(RuntimeError, match="One/Registry -> Two/Registry -> One/Registry is a replication cycle"):
        app.synth()


def test_tags_that_are_mutable_only_at_the_source_fail_the_synthesis(app: cdk.App) -> None:
    stack = stack_in(app, "eu-west-1", name="Shop")
    Registry(stack, "Registry", replication=[Replication(prefix="prod/", to="us-east-1")])
    Repository(stack, "Web", name="prod/web", mutable_tags=["latest"])
    Repository(stack, "Other", name="dev/web", mutable_tags=["latest"])
    with pytest.raises(RuntimeError, match=r"Shop/Web has mutable tags \('latest'\)") as raised:
        app.synth()
    assert "Shop/Other" not in str(raised.value)


def test_tags_that_are_mutable_at_both_ends_pass(app: cdk.App) -> None:
    stack = stack_in(app, "eu-west-1")
    settings = RepositorySettings(mutable_tags=["latest"])
    Registry(stack, "Registry", replication=[Replication(to="us-east-1", settings=settings)])
    Repository(stack, "Web", name="prod/web", mutable_tags=["latest"])
    app.synth()


def test_a_source_that_replicates_nothing_here_is_refused(app: cdk.App) -> None:
    source = Registry(stack_in(app, "eu-west-1", name="Shop"), "Registry", replication=[Replication(to="us-east-1")])
    with pytest.raises(ValueError, match=r"must name registries that replicate to this registry \(got Shop/Registry\)"):
        Registry(stack_in(app, "ap-south-1"), "Registry", replicates_from=[source])


def test_a_source_of_an_unknown_account_is_refused(app: cdk.App) -> None:
    replication = Replication(to=ReplicationDestination("us-east-1", account=THEIRS))
    source = Registry(cdk.Stack(app, "Shop"), "Registry", replication=[replication])
    with pytest.raises(ValueError, match=r"must name registries whose account is known, .*\(got Shop/Registry\)"):
        Registry(stack_in(app, "us-east-1", THEIRS), "Registry", replicates_from=[source])


def test_all_problems_are_reported_together_and_nothing_is_defined(app: cdk.App) -> None:
    stack = stack_in(app, "eu-west-1")
    with pytest.raises(ValueError, match="3 problems") as raised:
        Registry(
            stack,
            "Registry",
            replication=[Replication(to="eu-west-1")],
            pull_through=[PullThrough.quay(), PullThrough.kubernetes(prefix="quay")],
            pull_time_exclusions=["scanner"],
        )
    for says in ("this registry itself", "pull_through must have unique prefixes", "a role or user"):
        assert says in str(raised.value)
    assert stack.node.try_find_child("Registry") is None


def test_a_secret_whose_name_only_deployment_knows_is_taken(stack: cdk.Stack) -> None:
    secret = secretsmanager.Secret.from_secret_complete_arn(stack, "Hub", cdk.Fn.import_value("HubSecret"))
    Registry(stack, "Registry", pull_through=[PullThrough.docker_hub(secret)])
    template(stack).has_resource_properties(
        "AWS::ECR::PullThroughCacheRule", {"CredentialArn": {"Fn::ImportValue": "HubSecret"}}
    )


def test_a_registry_has_one_policy_for_all_its_statements(stack: cdk.Stack) -> None:
    registry = Registry(stack, "Registry")
    for action in ("ecr:CreateRepository", "ecr:BatchImportUpstreamImage"):
        registry.add_to_resource_policy(
            iam.PolicyStatement(actions=[action], principals=[iam.AccountPrincipal(THEIRS)], resources=["*"])
        )
    (policy,) = template(stack).find_resources("AWS::ECR::RegistryPolicy").values()
    actions = [each["Action"] for each in policy["Properties"]["PolicyText"]["Statement"]]
    assert actions == ["ecr:CreateRepository", "ecr:BatchImportUpstreamImage"]
