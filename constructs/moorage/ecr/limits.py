"""What Amazon ECR accepts, a row each, with where it says so.

As `moorage.workload.limits`, whose `image_limits` have what tasks need of ECR: the name of a repository, a tag, a
digest.
`ECR guide` is the Amazon ECR user guide, `ECR quotas` its page of service quotas.
"""

from __future__ import annotations

import re

from moorage.workload.limit import Limit, at_least, at_most, characters, in_range, matching, unique

_NAME_PART_PATTERN = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*"
_POLICY_SCOPE_V1_ACTIONS = {"ecr:ReplicateImage", "ecr:CreateRepository", "ecr:BatchImportUpstreamImage"}

PUBLIC_REGIONS = frozenset(
    {
        "eu-isoe-west-1",
        "eusc-de-east-1",
        "us-east-1",
        "us-iso-east-1",
        "us-iso-west-1",
        "us-isob-east-1",
        "us-isob-west-1",
        "us-isof-east-1",
        "us-isof-south-1",
    }
)
"""The regions whose CloudFormation has AWS::ECR::PublicRepository (CFN)."""

REGIONS_WITHOUT_SIGNING = frozenset(
    {
        "ap-east-2",
        "ap-northeast-3",
        "ap-south-2",
        "ap-southeast-3",
        "ap-southeast-4",
        "ap-southeast-5",
        "ap-southeast-6",
        "ap-southeast-7",
        "ca-west-1",
        "cn-north-1",
        "cn-northwest-1",
        "eu-central-2",
        "eu-south-2",
        "il-central-1",
        "me-central-1",
        "mx-central-1",
    }
)
"""The regions whose CloudFormation has AWS::ECR::Repository and no AWS::ECR::SigningConfiguration (CFN)."""


EXCLUSION_FILTERS = at_most(
    "tag-exclusion-filters",
    5,
    hint="join some with '*', as in 'dev-*'",
    source="botocore ecr ImageTagMutabilityExclusionFilters; CDK aws-ecr Repository",
)
EXCLUSION_FILTER = matching(
    "tag-exclusion-filter",
    r"[0-9A-Za-z._*-]{1,128}",
    rule="must be 1 to 128 letters, digits, '.', '_', '-' and '*'",
    hint="write it as in 'latest' or 'dev-*'",
    source="botocore ecr ImageTagMutabilityExclusionFilterValue",
)
LIFECYCLE_TEXT = Limit(
    id="lifecycle-text",
    accepts=lambda text: 100 <= len(text) <= 30720,
    rule="must be between 100 and 30720 characters",
    hint="use at least one rule, and fewer or shorter tag patterns",
    source="botocore ecr LifecyclePolicyText",
    format=lambda text: str(len(text)),
)
LIFECYCLE_RULES = at_most(
    "lifecycle-rules",
    50,
    hint="join tags that share a beginning, as in 'v*'",
    source="ECR quotas: rules per lifecycle policy",
)
LIFECYCLE_PRIORITY = at_least(
    "lifecycle-priority",
    1,
    hint="leave it out to apply rules in the order in which they are written",
    source="ECR guide: lifecycle policy properties; CDK aws-ecr LifecycleRule.rulePriority",
)
LIFECYCLE_PRIORITIES = unique(
    "lifecycle-priorities-unique",
    rule="must differ between rules",
    hint="leave priority= out to apply rules in the order in which they are written",
    source="ECR guide: lifecycle policy properties, rule priority",
)
LIFECYCLE_ANY_LAST = Limit(
    id="lifecycle-any-last",
    accepts=lambda kinds: "any" not in kinds[:-1],
    rule="must have at most one rule for images of any tag, and that one last",
    hint="keep one, after the others and with the highest priority=",
    source="ECR guide: lifecycle policy properties, rule priority; CDK aws-ecr Repository",
    format=" before ".join,
)
LIFECYCLE_UNTAGGED_ONCE = at_most(
    "lifecycle-untagged-once",
    1,
    unit="for a storage class",
    hint="keep the one that you mean",
    source="ECR guide: lifecycle policy evaluation rules",
)
LIFECYCLE_TAGS_ONCE = unique(
    "lifecycle-tags-once",
    rule="must differ between rules, since an earlier rule takes the images of a later one",
    hint="keep the rule that you mean",
    source="ECR guide: lifecycle policy evaluation rules",
)
LIFECYCLE_SELECTION = Limit(
    id="lifecycle-selection",
    accepts=lambda names: len(names) <= 1,
    rule="must be at most one of tags, prefixes and untagged",
    hint="write a rule for each",
    source="ECR guide: lifecycle policy properties, tag status; CDK aws-ecr Repository",
    format=" and ".join,
)
LIFECYCLE_COUNT = at_least(
    "lifecycle-count",
    1,
    hint="use 1 or more; an empty repository deploys nothing",
    source="ECR guide: lifecycle policy properties, count number",
)
IMAGES = Limit(
    id="images-per-repository",
    accepts=lambda count: count <= 100_000,
    rule="should be at most 100000, the default quota of a repository",
    hint="keep fewer, or make sure that the quota was raised",
    source="ECR quotas: images per repository, which can be raised",
    format=str,
    confirmed=False,
)
LIFECYCLE_DAYS = Limit(
    id="lifecycle-days",
    accepts=lambda seconds: seconds >= 86400 and seconds % 86400 == 0,
    rule="must be a whole number of days, 1 or more",
    hint="use cdk.Duration.days(1) or more",
    source="ECR guide: lifecycle policy properties, count unit and count number",
    format=lambda seconds: f"{seconds / 86400:g}",
)
LIFECYCLE_ONE_COUNT = Limit(
    id="lifecycle-count-or-age",
    accepts=lambda names: len(names) == 1,
    rule="must be exactly one of keep, older_than, unpulled_for and archived_for",
    hint="give one of them, and write another rule for another count",
    source="ECR guide: lifecycle policy properties, count type; CDK aws-ecr Repository",
    format=lambda names: " and ".join(names) or "none",
)
LIFECYCLE_WILDCARDS = Limit(
    id="lifecycle-wildcards",
    accepts=lambda pattern: pattern.count("*") <= 4,
    rule="must have at most 4 '*'",
    hint="use a shorter pattern",
    source="ECR guide: lifecycle policy properties, tag pattern list; CDK aws-ecr Repository",
)
LIFECYCLE_ROLLBACK = at_least(
    "lifecycle-rollback",
    2,
    unit="for images of any tag, so that a rollback finds its image",
    hint="keep 2 or more",
    source="containers-roadmap #1078: images in use expire; ECS rolls back to the one before",
)
ARCHIVED_DAYS = Limit(
    id="lifecycle-archived-days",
    accepts=lambda seconds: seconds >= 90 * 86400,
    rule="should be at least 90 days, for which archived images are billed",
    hint="use cdk.Duration.days(90) or more",
    source="no text of the ECR guide was found that refuses it; its pricing has a minimum duration of 90 days",
    format=lambda seconds: f"{seconds / 86400:g}",
    confirmed=False,
)
REPLICATION_RULES = at_most(
    "replication-rules",
    25,
    hint="give one rule several prefixes or destinations",
    source="botocore ecr ReplicationRuleList; CFN (older pages of the ECR guide say 10)",
)
REPLICATION_DESTINATIONS = in_range(
    "replication-destinations",
    1,
    100,
    hint="use at least one region, and a second rule for more than 100",
    source="botocore ecr ReplicationDestinationList; CFN",
)
REPLICATION_FILTERS = at_most(
    "replication-filters",
    100,
    hint="use a shorter prefix, as in 'prod/', or a second rule",
    source="botocore ecr RepositoryFilterList; CFN",
)
REPLICATION_FILTER = matching(
    "replication-filter",
    r"(?=.{2,256}$)(?:[a-z0-9]+(?:[._-][a-z0-9]*)*/)*[a-z0-9]*(?:[._-][a-z0-9]*)*",
    rule="must be 2 to 256 lower-case letters, digits, '.', '_', '-' and '/', where each part before a '/' starts with "
    "a letter or digit",
    hint="write it as in 'prod/', without a '*'",
    source="botocore ecr RepositoryFilterValue; CFN",
)
REGION = matching(
    "replication-region",
    r"[a-z]{2}(-[a-z]+)+-\d",
    rule="must be the name of a region",
    hint="write it as in 'eu-central-1'",
    source="botocore ecr Region; AWS general reference",
)
ACCOUNT = matching(
    "account-id",
    r"[0-9]{12}",
    rule="must be a string of 12 digits",
    hint="write it as in '111111111111'",
    source="botocore ecr RegistryId",
)
SCANNING_RULES = at_most(
    "scanning-rules",
    2,
    hint="put all filters of one frequency into one rule",
    source="botocore ecr RegistryScanningRuleList; CFN",
)
SCANNING_FREQUENCIES = unique(
    "scanning-frequencies",
    rule="must differ between rules",
    hint="put all filters of one frequency into one rule",
    source="ECR guide: filters of scanning; botocore ecr RegistryScanningRule.scanFrequency",
)
SCANNING_BASIC = Limit(
    id="scanning-basic-frequency",
    accepts=lambda frequencies: "CONTINUOUS_SCAN" not in frequencies,
    rule="must not be CONTINUOUS_SCAN, which only enhanced scanning has",
    hint="use Scanning.enhanced(continuous=...), or on_push=",
    source="botocore ecr RegistryScanningRule.scanFrequency",
    format=", ".join,
)
SCANNING_FILTERS = at_most(
    "scanning-filters",
    100,
    hint="join some with '*', as in 'prod/*'",
    source="botocore ecr ScanningRepositoryFilterList; CFN",
)
SCANNING_FILTER = matching(
    "scanning-filter",
    r"(?=.{1,255}$)[a-z0-9*](?:[._\-/a-z0-9*]?[a-z0-9*]+)*",
    rule="must be 1 to 255 lower-case letters, digits and '*', joined by single '.', '_', '-' or '/'",
    hint="write it as in 'prod/*'",
    source="botocore ecr ScanningRepositoryFilterValue; CFN",
)
REGISTRY_POLICY_ACTIONS = Limit(
    id="registry-policy-actions",
    accepts=lambda actions: set(actions) <= _POLICY_SCOPE_V1_ACTIONS,
    rule="should only allow ecr:ReplicateImage, ecr:CreateRepository and ecr:BatchImportUpstreamImage, "
    "unless the account setting REGISTRY_POLICY_SCOPE is V2",
    hint="set it (aws ecr put-account-setting --name REGISTRY_POLICY_SCOPE --value V2), "
    "or allow other actions on repositories",
    source="a re:Post answer that cites the ECR guide; botocore ecr PutAccountSetting, which no template can call",
    format=lambda actions: ", ".join(sorted(set(actions) - _POLICY_SCOPE_V1_ACTIONS)),
    confirmed=False,
)
REGISTRY_POLICY = characters(
    "registry-policy-length",
    10240,
    hint="use fewer statements, or shorter prefixes",
    source="botocore ecr RegistryPolicyText",
)
CACHE_PREFIX = matching(
    "pull-through-prefix",
    rf"(?=.{{2,30}}$)({_NAME_PART_PATTERN}(/{_NAME_PART_PATTERN})*/?|ROOT)",
    rule="must be 2 to 30 lower-case letters and digits, joined by . _ - and /, or ROOT",
    hint="write it as in 'docker-hub' or 'team/base'",
    source="botocore ecr PullThroughCacheRuleRepositoryPrefix; CFN",
)
CACHE_RULES = at_most(
    "pull-through-rules",
    50,
    hint="use fewer",
    source="CFN AWS::ECR::PullThroughCacheRule; ECR quotas",
)
CACHE_PREFIXES = unique(
    "pull-through-prefixes-unique",
    rule="must have different prefixes",
    hint="give one of them another prefix=",
    source="CFN AWS::ECR::PullThroughCacheRule primaryIdentifier",
)
CACHE_UPSTREAM = Limit(
    id="pull-through-upstream",
    accepts=lambda upstream: (
        upstream
        in {
            "azure-container-registry",
            "chainguard",
            "docker-hub",
            "ecr",
            "ecr-public",
            "github-container-registry",
            "gitlab-container-registry",
            "k8s",
            "quay",
        }
    ),
    rule="must be a registry that ECR caches",
    hint="use one of the PullThrough.* methods",
    source="botocore ecr UpstreamRegistry; CFN",
)
CACHE_SECRET = Limit(
    id="pull-through-secret",
    accepts=lambda name: re.fullmatch(r"ecr-pullthroughcache/[a-zA-Z0-9/_+=.@-]+", name) is not None,
    rule="must be 'ecr-pullthroughcache/', which ECR requires, followed by letters, digits and / _ + = . @ -",
    hint="give the secret secret_name='ecr-pullthroughcache/...'",
    source="botocore ecr CredentialArn; ECR guide: creating a pull through cache rule",
)
TEMPLATE_PREFIX = matching(
    "template-prefix",
    rf"(?=.{{1,256}}$)({_NAME_PART_PATTERN}(/{_NAME_PART_PATTERN})*/?|ROOT)",
    rule="must be 1 to 256 lower-case letters and digits, joined by . _ - and /, or ROOT",
    hint="write it as in 'prod', which stands for 'prod/'",
    source="botocore ecr Prefix; CFN",
)
TEMPLATE_PREFIXES = unique(
    "template-prefixes-unique",
    rule="must differ",
    hint="give the templates the same settings=, or another prefix",
    source="CFN AWS::ECR::RepositoryCreationTemplate primaryIdentifier",
)
TEMPLATE_USES = Limit(
    id="template-applied-for",
    accepts=lambda uses: uses and set(uses) <= {"REPLICATION", "PULL_THROUGH_CACHE", "CREATE_ON_PUSH"},
    rule="must be REPLICATION, PULL_THROUGH_CACHE, CREATE_ON_PUSH or several of them",
    hint="use at least one of them",
    source="botocore ecr RCTAppliedFor; CFN",
    format=lambda uses: ", ".join(uses) or "empty",
)
TEMPLATE_DESCRIPTION = characters(
    "template-description",
    256,
    hint="write a shorter one",
    source="botocore ecr RepositoryTemplateDescription",
)
SIGNING_RULES = at_most(
    "signing-rules",
    10,
    hint="give one rule several filters",
    source="botocore ecr SigningRuleList (CFN says 50, and the API is what is asked)",
)
SIGNING_FILTERS = at_most(
    "signing-filters",
    100,
    hint="join some with '*', as in 'prod/*'",
    source="botocore ecr SigningRepositoryFilterList; CFN",
)
SIGNING_FILTER = matching(
    "signing-filter",
    r"(?=.{1,256}$)(?:[a-z0-9*]+(?:[._-][a-z0-9*]+)*/)*[a-z0-9*]+(?:[._-][a-z0-9*]+)*",
    rule="must be 1 to 256 lower-case letters, digits and '*', joined by single '.', '_', '-' or '/'",
    hint="write it as in 'prod/*'",
    source="botocore ecr SigningRepositoryFilterValue; CFN",
)
SIGNING_PROFILE = matching(
    "signing-profile",
    r"(?=.{1,200}$)arn:aws(-[a-z]+)*:signer:[a-z0-9-]+:[0-9]{12}:/signing-profiles/[a-zA-Z0-9_]{2,}",
    rule="must be the ARN of a signing profile",
    hint="use signing_profile_arn of a signer.SigningProfile",
    source="botocore ecr SigningProfileArn; CFN",
)
SIGNING_REGION = Limit(
    id="signing-region",
    accepts=lambda region: region not in REGIONS_WITHOUT_SIGNING,
    rule="must be one in which ECR signs images",
    hint="leave signing= out of this region's registry, and sign where the images are pushed",
    source="CFN: the region has no AWS::ECR::SigningConfiguration",
)
EXCLUDED_PULLER = matching(
    "pull-time-exclusion",
    r"(?=.{1,200}$)arn:aws(-[a-z]+)*:iam::[0-9]{12}:(role|user)/[\w+=,.@-]+(/[\w+=,.@-]+)*",
    rule="must be the ARN of a role or user, at most 200 characters",
    hint="use role_arn of an iam.Role",
    source="botocore ecr PrincipalArn; CFN",
)
PUBLIC_NAME = matching(
    "public-repository-name",
    r"(?=.{2,205}$)(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*",
    rule="must be 2 to 205 lower-case letters and digits, joined by . _ - and /",
    hint="use another name=",
    source="botocore ecr-public RepositoryName",
)
PUBLIC_REGION = Limit(
    id="public-repository-region",
    accepts=lambda region: region in PUBLIC_REGIONS,
    rule="must be one of Amazon ECR Public: us-east-1 in the partition aws",
    hint="define it in a stack with env=cdk.Environment(region='us-east-1'), which serves all regions",
    source="CFN: no other commercial region has AWS::ECR::PublicRepository; AWS general reference",
)
PUBLIC_DESCRIPTION = characters(
    "public-description",
    1024,
    hint="put the rest into about=",
    source="botocore ecr-public RepositoryDescription; CFN",
)
PUBLIC_TEXT = characters(
    "public-text",
    10240,
    hint="write a shorter one, with a link to the rest; CloudFormation takes no more",
    source="CFN AWS::ECR::PublicRepository (the API takes 25,600)",
)
PUBLIC_PLATFORM = Limit(
    id="public-platform",
    accepts=lambda name: 1 <= len(name) <= 50,
    rule="must be 1 to 50 characters",
    hint="write it as in 'ARM 64' or 'Linux'",
    source="botocore ecr-public Architecture, OperatingSystem; CFN",
)
PUBLIC_PLATFORMS = at_most(
    "public-platforms",
    50,
    hint="use fewer",
    source="botocore ecr-public ArchitectureList, OperatingSystemList; CFN",
)
PUBLIC_LOGO = at_most(
    "public-logo",
    512000,
    unit="bytes",
    hint="use a smaller picture",
    source="botocore ecr-public LogoImageBlob",
)
KEY_REGION = Limit(
    id="key-region",
    accepts=lambda regions: regions[0] == regions[1],
    rule="must use a key of the repository's region",
    hint="pass a key of that region, or use Encryption.own_key(), which defines one",
    source="botocore ecr EncryptionConfiguration.kmsKey",
    format=lambda regions: f"one of {regions[0]} for {regions[1]}",
)

TABLE: tuple[Limit, ...] = tuple(row for row in list(globals().values()) if isinstance(row, Limit))
