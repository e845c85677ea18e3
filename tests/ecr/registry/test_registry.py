"""What a registry promises, alone and beside the others of its app."""

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
from tests.conftest import readable, template, warnings_of

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
    assert readable(template(stack).to_json()) == template_snapshot


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
    assert readable(template(there).to_json()) == template_snapshot


def test_images_are_scanned_on_push_unless_told_otherwise(stack: cdk.Stack) -> None:
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


def test_replication_without_a_prefix_is_of_everything(stack: cdk.Stack) -> None:
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


def test_a_cache_comes_with_its_template_and_its_secret(stack: cdk.Stack) -> None:
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
        ValueError, match="secret of the cache 'docker-hub' must be of region eu-west-1.*got region us-east-1"
    ):
        Registry(stack, "Registry", pull_through=[PullThrough.docker_hub(elsewhere)])


def test_who_may_pull_through_a_cache_may_make_its_repositories(stack: cdk.Stack) -> None:
    cache = PullThrough.quay()
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
    Registry(stack, "Registry", pull_through=[cache]).grant_pull_through(role, cache)
    policies = template(stack).find_resources("AWS::IAM::Policy").items()
    (policy,) = (each for logical_id, each in policies if logical_id.startswith("RoleDefaultPolicy"))
    said = json.dumps(policy)
    assert "ecr:BatchImportUpstreamImage" in said
    assert "ecr:CreateRepository" in said
    assert ":repository/quay/*" in said


def test_who_pushes_may_be_let_sign(stack: cdk.Stack) -> None:
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


def test_fails_with_the_arn_that_cdk_gives_a_profile_by_its_attributes(stack: cdk.Stack) -> None:
    of = signer.SigningProfile.from_signing_profile_attributes
    profile = of(stack, "Profile", signing_profile_name="shop", signing_profile_version="1a2b")
    assert "://signing-profiles/" in profile.signing_profile_arn  # or CDK has mended it, and the check can go
    with pytest.raises(
        ValueError, match="SigningRule: profile is one of CDK's from_signing_profile_attributes, but its"
    ):
        SigningRule(profile.signing_profile_arn)
    SigningRule(signer.SigningProfile(stack, "Own", platform=signer.Platform.of("Notation")).signing_profile_arn)


def test_a_role_is_left_out_of_pull_times_by_its_arn(stack: cdk.Stack) -> None:
    role = iam.Role.from_role_arn(stack, "Scanner", SCANNER)
    Registry(stack, "Registry", pull_time_exclusions=[role])
    template(stack).has_resource_properties("AWS::ECR::PullTimeUpdateExclusion", {"PrincipalArn": SCANNER})


def exclusions(stack: cdk.Stack) -> dict[str, Any]:
    found = template(stack).find_resources("AWS::ECR::PullTimeUpdateExclusion")
    return {logical_id: each["Properties"]["PrincipalArn"] for logical_id, each in found.items()}


def test_what_is_left_out_keeps_its_id_when_an_earlier_one_goes(app: cdk.App) -> None:
    """CloudFormation creates before it deletes, and ECR refuses an exclusion that it has."""
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


def test_one_exclusion_twice_is_refused(stack: cdk.Stack) -> None:
    role = iam.Role.from_role_arn(stack, "Scanner", SCANNER)
    own = iam.Role(stack, "Own", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
    pairs: list[list[Any]] = [[role, SCANNER], [own, own]]
    for twice in pairs:
        with pytest.raises(ValueError, match="pull_time_exclusions must differ"):
            Registry(stack, "Registry", pull_time_exclusions=twice)


@pytest.mark.parametrize(
    ("encryption", "has_role"),
    [(Encryption.aws_key(), True), (Encryption.own_key(), True), (Encryption.aes256(), False)],
)
def test_a_template_has_a_role_wherever_kms_encrypts(
    stack: cdk.Stack, encryption: Encryption, *, has_role: bool
) -> None:
    Registry(stack, "Registry", templates=[RepositoryTemplate("team", RepositorySettings(encryption=encryption))])
    (made,) = template(stack).find_resources(TEMPLATE).values()
    assert ("CustomRoleArn" in made["Properties"]) == has_role
    template(stack).resource_count_is("AWS::IAM::Role", int(has_role))


def test_the_role_of_a_template_has_of_the_key_what_the_guide_says(stack: cdk.Stack) -> None:
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


def test_a_secret_of_a_cache_has_the_key_that_ecr_may_use(stack: cdk.Stack) -> None:
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


def test_a_signing_profile_is_of_the_region_and_of_any_account(app: cdk.App) -> None:
    there = "arn:aws:signer:us-east-1:111111111111:/signing-profiles/shop"
    with pytest.raises(ValueError, match="profile of signing must be of region eu-west-1"):
        Registry(stack_in(app, "eu-west-1"), "Registry", signing=[SigningRule(there)])
    theirs = f"arn:aws:signer:us-east-1:{THEIRS}:/signing-profiles/shop"
    assert Registry(stack_in(app, "us-east-1"), "Registry", signing=[SigningRule(theirs)])


def test_cloudtrail_may_use_the_key_as_its_guide_says(stack: cdk.Stack) -> None:
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
    assert by_action["kms:DescribeKey"].keys() == {"ArnLike"}  # a call that has no encryption context
    assert by_action["kms:Decrypt"] == {}


def test_the_accounts_trail_is_used_unless_one_is_asked_for(stack: cdk.Stack) -> None:
    registry = Registry(stack, "Registry")
    assert registry.trail is None
    assert registry.trail_arn is None
    template(stack).resource_count_is("AWS::CloudTrail::Trail", 0)


def test_a_trail_is_named_by_name_or_arn(app: cdk.App) -> None:
    arn = f"arn:aws:cloudtrail:eu-west-1:{OURS}:trail/all"
    by_name = Registry(stack_in(app, "eu-west-1"), "Registry", audit=AuditTrail.existing("all"))
    by_arn = Registry(stack_in(app, "us-east-1"), "Registry", audit=AuditTrail.existing(arn))
    assert by_name.trail_arn
    assert by_name.trail_arn.endswith(f":cloudtrail:eu-west-1:{OURS}:trail/all")
    assert by_arn.trail_arn == arn


def test_a_trail_of_its_own_is_encrypted_versioned_and_bounded(stack: cdk.Stack) -> None:
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
    with pytest.raises(ValueError, match="a bucket counts days, from 1"):
        AuditTrail.own(kept=cdk.Duration.hours(1))


def test_a_trail_that_goes_empties_its_bucket_first(stack: cdk.Stack) -> None:
    audit = AuditTrail.own(auto_delete_objects=True)
    registry = Registry(stack, "Registry", audit=audit, removal_policy=cdk.RemovalPolicy.DESTROY)
    made = template(stack)
    (emptying,) = made.find_resources("Custom::S3AutoDeleteObjects")
    (trail,) = made.find_resources("AWS::CloudTrail::Trail").values()
    assert emptying in trail["DependsOn"]  # so that it writes no more when the bucket is emptied
    assert registry.trail


def test_a_trail_whose_bucket_could_not_be_deleted_is_refused(stack: cdk.Stack) -> None:
    with pytest.raises(ValueError, match="Shop/Registry: removal_policy is DESTROY, but the bucket of its trail is"):
        Registry(stack, "Registry", audit=AuditTrail.own(), removal_policy=cdk.RemovalPolicy.DESTROY)
    with pytest.raises(ValueError, match="Shop/Registry: audit has auto_delete_objects=True, but no bucket of a"):
        Registry(stack, "Registry", audit=AuditTrail.own(auto_delete_objects=True))
    Registry(stack, "Registry", removal_policy=cdk.RemovalPolicy.DESTROY)


def test_a_second_registry_of_a_stack_is_an_error_that_names_both(stack: cdk.Stack) -> None:
    Registry(stack, "One")
    with pytest.raises(ValueError, match="Shop/Two: its account and region have a registry already, Shop/One"):
        Registry(stack, "Two")


def test_a_registry_that_was_removed_leaves_its_place_to_another(app: cdk.App, stack: cdk.Stack) -> None:
    elsewhere = [Replication(to=["eu-central-1"])]
    Registry(stack, "One", replication=elsewhere)
    stack.node.try_remove_child("One")
    Registry(stack, "Two", replication=elsewhere)
    app.synth()


def test_a_second_registry_of_an_environment_is_one_across_stages_too(app: cdk.App) -> None:
    Registry(stack_in(app, "eu-west-1", name="Shop"), "Registry")
    with pytest.raises(ValueError, match=r"Test/Shop/Registry: .* have a registry already, Shop/Registry"):
        Registry(stack_in(cdk.Stage(app, "Test"), "eu-west-1", name="Shop"), "Registry")
    Registry(stack_in(app, "us-east-1"), "Registry")
    Registry(stack_in(app, "eu-west-1", THEIRS), "Registry")
    app.synth()


def test_between_stacks_without_an_account_it_is_a_warning(app: cdk.App) -> None:
    Registry(cdk.Stack(app, "One"), "Registry")
    Registry(cdk.Stack(app, "Two"), "Registry")
    (warning,) = warnings_of(app, "Two")
    assert "One/Registry is a registry too" in warning


def test_stacks_of_different_regions_without_an_account_are_no_two(app: cdk.App) -> None:
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
    assert "'test/*', 'dev/' matches no repository that is defined here (prod/web)" in warning


def test_a_registry_without_repositories_beside_it_warns_of_no_filter(app: cdk.App) -> None:
    Registry(cdk.Stack(app, "Shop"), "Registry", scanning=Scanning.enhanced(continuous=["prod/*"]))
    assert warnings_of(app, "Shop") == []


def test_a_destination_lets_in_the_account_that_copies_and_no_other(app: cdk.App) -> None:
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


def test_a_prefix_that_is_no_namespace_is_out_of_a_templates_reach(app: cdk.App) -> None:
    replication = Replication(prefix=["prod/", "web-"], to=ReplicationDestination("us-east-1", account=THEIRS))
    there = stack_in(app, "us-east-1", THEIRS, "There")
    Registry(there, "Registry", replicates_from=[ReplicationSource(OURS, replication)])
    (warning,) = warnings_of(app, "There")
    assert "copies of 'web-' go to repositories too that no creation template reaches" in warning
    template(there).resource_count_is(TEMPLATE, 1)


def test_a_source_of_another_app_is_taken_as_it_says(app: cdk.App) -> None:
    replication = Replication(to=ReplicationDestination("us-east-1", account=THEIRS))
    there = stack_in(app, "us-east-1", THEIRS)
    Registry(there, "Registry", replicates_from=[ReplicationSource(OURS, replication)])
    template(there).has_resource_properties(TEMPLATE, {"Prefix": "ROOT"})
    template(there).resource_count_is("AWS::ECR::RegistryPolicy", 1)


def test_tags_and_keys_of_the_account_need_a_role_that_ecr_assumes(app: cdk.App) -> None:
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


def test_a_key_of_another_region_is_refused_for_what_ecr_makes_too(app: cdk.App) -> None:
    there = stack_in(app, "us-east-1", THEIRS, "There")
    key = kms.Key.from_key_arn(there, "Key", f"arn:aws:kms:eu-west-1:{THEIRS}:key/1a2b")
    settings = RepositorySettings(encryption=Encryption.with_key(key))
    replication = Replication(to=ReplicationDestination("us-east-1", account=THEIRS), settings=settings)
    with pytest.raises(
        ValueError,
        match=r"There/Registry: encryption of 'ROOT' must be of region us-east-1.*\(got region eu-west-1\)",
    ):
        Registry(there, "Registry", replicates_from=[ReplicationSource(OURS, replication)])


def test_a_destination_out_of_sight_is_told_what_it_must_have(app: cdk.App) -> None:
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


def test_a_destination_in_sight_needs_no_such_output(app: cdk.App) -> None:
    stack = stack_in(app, "eu-west-1")
    source = Registry(stack, "Registry", replication=[Replication(to="us-east-1")])
    Registry(stack_in(app, "us-east-1"), "Registry", replicates_from=[source])
    app.synth()
    assert template(stack).find_outputs("*") == {}


def test_a_missing_destination_is_an_error_where_the_app_has_stacks(app: cdk.App) -> None:
    Registry(stack_in(app, "eu-west-1", name="Shop"), "Registry", replication=[Replication(to="us-east-1")])
    stack_in(app, "us-east-1")
    with pytest.raises(RuntimeError, match="Shop/Registry copies all repositories to us-east-1, where this app has"):
        app.synth()


def test_another_apps_destination_is_none(app: cdk.App) -> None:
    replication = Replication(to=ReplicationDestination("us-east-1", managed_elsewhere=True))
    Registry(stack_in(app, "eu-west-1"), "Registry", replication=[replication])
    stack_in(app, "us-east-1")
    app.synth()


def test_a_destination_out_of_step_is_an_error(app: cdk.App) -> None:
    given = Replication(
        to=ReplicationDestination("us-east-1", account=THEIRS), settings=RepositorySettings(mutable_tags=["latest"])
    )
    told = Replication(to=ReplicationDestination("us-east-1", account=THEIRS))
    Registry(stack_in(app, "eu-west-1", name="Shop"), "Registry", replication=[given])
    Registry(stack_in(app, "us-east-1", THEIRS, "There"), "Registry", replicates_from=[ReplicationSource(OURS, told)])
    with pytest.raises(RuntimeError, match="There/Registry is not told of it, or of other settings"):
        app.synth()


def test_a_circle_is_an_error_that_names_its_registries(app: cdk.App) -> None:
    one = Registry(stack_in(app, "eu-west-1", name="One"), "Registry", replication=[Replication(to="us-east-1")])
    Registry(
        stack_in(app, "us-east-1", name="Two"),
        "Registry",
        replication=[Replication(to=ReplicationDestination("eu-west-1", managed_elsewhere=True))],
        replicates_from=[one],
    )
    with pytest.raises(RuntimeError, match="One/Registry copies to Two/Registry copies to One/Registry"):
        app.synth()


def test_tags_that_move_here_and_not_there_are_an_error(app: cdk.App) -> None:
    stack = stack_in(app, "eu-west-1", name="Shop")
    Registry(stack, "Registry", replication=[Replication(prefix="prod/", to="us-east-1")])
    Repository(stack, "Web", name="prod/web", mutable_tags=["latest"])
    Repository(stack, "Other", name="dev/web", mutable_tags=["latest"])
    with pytest.raises(RuntimeError, match=r"Shop/Web has tags that move \('latest'\)") as raised:
        app.synth()
    assert "Shop/Other" not in str(raised.value)


def test_the_same_tags_that_move_at_both_ends_are_none(app: cdk.App) -> None:
    stack = stack_in(app, "eu-west-1")
    settings = RepositorySettings(mutable_tags=["latest"])
    Registry(stack, "Registry", replication=[Replication(to="us-east-1", settings=settings)])
    Repository(stack, "Web", name="prod/web", mutable_tags=["latest"])
    app.synth()


def test_a_source_that_copies_nothing_here_is_refused(app: cdk.App) -> None:
    source = Registry(stack_in(app, "eu-west-1", name="Shop"), "Registry", replication=[Replication(to="us-east-1")])
    with pytest.raises(ValueError, match="replicates_from has Shop/Registry, which copies nothing here"):
        Registry(stack_in(app, "ap-south-1"), "Registry", replicates_from=[source])


def test_a_source_whose_account_is_not_known_cannot_be_let_in(app: cdk.App) -> None:
    replication = Replication(to=ReplicationDestination("us-east-1", account=THEIRS))
    source = Registry(cdk.Stack(app, "Shop"), "Registry", replication=[replication])
    with pytest.raises(ValueError, match="replicates_from has Shop/Registry, whose account is not known"):
        Registry(stack_in(app, "us-east-1", THEIRS), "Registry", replicates_from=[source])


def test_all_faults_are_told_together_and_nothing_is_left_behind(app: cdk.App) -> None:
    stack = stack_in(app, "eu-west-1")
    with pytest.raises(ValueError, match="3 problems") as raised:
        Registry(
            stack,
            "Registry",
            replication=[Replication(to="eu-west-1")],
            pull_through=[PullThrough.quay(), PullThrough.kubernetes(prefix="quay")],
            pull_time_exclusions=["scanner"],
        )
    for says in ("this registry itself", "pull_through must have different prefixes", "a role or user"):
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
