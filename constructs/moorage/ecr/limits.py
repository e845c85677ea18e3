"""What Amazon ECR accepts, a row each, with where it says so.

As `moorage.workload.limits`, which has the rows of what tasks need of ECR: a repository's name, a tag, a digest.
`ECR guide` is the Amazon ECR user guide, `ECR quotas` its page of service quotas.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from moorage.workload.limit import Limit, matching

_PART = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*"
_V1_ACTIONS = {"ecr:ReplicateImage", "ecr:CreateRepository", "ecr:BatchImportUpstreamImage"}

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

WITHOUT_SIGNING = frozenset(
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


def _at_most(row: str, most: int, *, of: str, hint: str, source: str) -> Limit:
    return Limit(
        id=row,
        accepts=lambda count: count <= most,
        rule=f"{of} at most {most:,}",
        hint=hint,
        source=source,
    )


def _unlike(values: Sequence[Any]) -> bool:
    return len(set(values)) == len(values)


def _twice(values: Sequence[Any]) -> str:
    return ", ".join(sorted({repr(value) for value in values if values.count(value) > 1}))


EXCLUSION_FILTERS = Limit(
    id="tag-exclusion-filters",
    accepts=lambda count: count <= 5,
    rule="a repository has 5 of these filters at most",
    hint="join some with '*', as in 'dev-*'",
    source="botocore ecr ImageTagMutabilityExclusionFilters; CDK aws-ecr Repository",
)
EXCLUSION_FILTER = matching(
    "tag-exclusion-filter", r"[0-9A-Za-z._*-]{1,128}",
    rule="a filter is 1 to 128 letters, digits, '.', '_', '-' and '*'",
    hint="write it as in 'latest' or 'dev-*'",
    source="botocore ecr ImageTagMutabilityExclusionFilterValue",
)  # fmt: skip
LIFECYCLE_TEXT = Limit(
    id="lifecycle-text",
    accepts=lambda text: 100 <= len(text) <= 30720,
    rule="a lifecycle policy is 100 to 30,720 characters",
    hint="give it at least one rule, and fewer or shorter tag patterns",
    source="botocore ecr LifecyclePolicyText",
    format=lambda text: f"{len(text):,} characters",
)
LIFECYCLE_RULES = _at_most(
    "lifecycle-rules", 50, of="a lifecycle policy has rules,",
    hint="join tags that share a beginning, as in 'v*'",
    source="ECR quotas: rules per lifecycle policy",
)  # fmt: skip
LIFECYCLE_PRIORITY = Limit(
    id="lifecycle-priority",
    accepts=lambda priority: priority >= 1,
    rule="a priority is 1 or more",
    hint="leave it out, and rules apply in the order in which they are written",
    source="ECR guide: lifecycle policy properties; CDK aws-ecr LifecycleRule.rulePriority",
)
LIFECYCLE_PRIORITIES = Limit(
    id="lifecycle-priorities-unique",
    accepts=_unlike,
    rule="each rule has a priority of its own",
    hint="leave priority= out, and rules apply in the order in which they are written",
    source="ECR guide: lifecycle policy properties, rule priority",
    format=_twice,
)
LIFECYCLE_ANY_LAST = Limit(
    id="lifecycle-any-last",
    accepts=lambda kinds: "any" not in kinds[:-1],
    rule="a rule for images with any tag or none is one, and the last",
    hint="write it after the others, with the highest priority=",
    source="ECR guide: lifecycle policy properties, rule priority; CDK aws-ecr Repository",
    format=" before ".join,
)
LIFECYCLE_UNTAGGED_ONCE = Limit(
    id="lifecycle-untagged-once",
    accepts=lambda count: count <= 1,
    rule="one rule of a storage class is for images without a tag",
    hint="keep the one that is meant",
    source="ECR guide: lifecycle policy evaluation rules",
)
LIFECYCLE_TAGS_ONCE = Limit(
    id="lifecycle-tags-once",
    accepts=_unlike,
    rule="what an earlier rule selects is out of reach of a later one, so the second would never act",
    hint="keep the one that is meant",
    source="ECR guide: lifecycle policy evaluation rules",
    format=_twice,
)
LIFECYCLE_SELECTION = Limit(
    id="lifecycle-selection",
    accepts=lambda names: len(names) <= 1,
    rule="a rule selects images by one of these",
    hint="write a rule for each",
    source="ECR guide: lifecycle policy properties, tag status; CDK aws-ecr Repository",
    format=" and ".join,
)
LIFECYCLE_COUNT = Limit(
    id="lifecycle-count",
    accepts=lambda count: count >= 1,
    rule="a lifecycle rule counts from 1",
    hint="use 1 or more; an empty repository deploys nothing",
    source="ECR guide: lifecycle policy properties, count number",
)
IMAGES = Limit(
    id="images-per-repository",
    accepts=lambda count: count <= 100_000,
    rule="a repository holds 100,000 images, unless AWS was asked for more",
    hint="keep fewer, or see that the quota was raised",
    source="ECR quotas: images per repository, which can be raised",
    format=lambda count: f"{count:,}",
    confirmed=False,
)
LIFECYCLE_DAYS = Limit(
    id="lifecycle-days",
    accepts=lambda seconds: seconds >= 86400 and seconds % 86400 == 0,
    rule="a lifecycle rule counts whole days, from 1",
    hint="use cdk.Duration.days(...)",
    source="ECR guide: lifecycle policy properties, count unit and count number",
    format=lambda seconds: f"{seconds / 86400:g} days",
)
LIFECYCLE_ONE_COUNT = Limit(
    id="lifecycle-count-or-age",
    accepts=lambda names: len(names) == 1,
    rule="a rule has exactly one of keep, older_than, unpulled_for and archived_for",
    hint="write a rule for each",
    source="ECR guide: lifecycle policy properties, count type; CDK aws-ecr Repository",
    format=lambda names: " and ".join(names) or "none",
)
LIFECYCLE_WILDCARDS = Limit(
    id="lifecycle-wildcards",
    accepts=lambda pattern: pattern.count("*") <= 4,
    rule="a tag pattern has 4 '*' at most",
    hint="use a shorter one",
    source="ECR guide: lifecycle policy properties, tag pattern list; CDK aws-ecr Repository",
)
LIFECYCLE_ROLLBACK = Limit(
    id="lifecycle-rollback",
    accepts=lambda count: count >= 2,
    rule="the image that a rollback needs would expire with the next push",
    hint="keep 2 or more",
    source="containers-roadmap #1078: images in use expire; ECS rolls back to the one before",
    format=lambda count: f"{count} image of any tag",
)
ARCHIVED_DAYS = Limit(
    id="lifecycle-archived-days",
    accepts=lambda seconds: seconds >= 90 * 86400,
    rule="archived images are said to stay, and to cost, 90 days at least",
    hint="use cdk.Duration.days(90) or more",
    source="no text of the ECR guide was found that refuses it; its pricing has a minimum duration of 90 days",
    format=lambda seconds: f"{seconds / 86400:g} days",
    confirmed=False,
)
REPLICATION_RULES = _at_most(
    "replication-rules", 25, of="a registry has replication rules,",
    hint="give one rule several prefixes or destinations",
    source="botocore ecr ReplicationRuleList; CFN (older pages of the ECR guide say 10)",
)  # fmt: skip
REPLICATION_DESTINATIONS = Limit(
    id="replication-destinations",
    accepts=lambda count: 1 <= count <= 100,
    rule="a rule has 1 to 100 destinations",
    hint="name at least one region, and use a second rule for the rest",
    source="botocore ecr ReplicationDestinationList; CFN",
)
REPLICATION_FILTERS = _at_most(
    "replication-filters", 100, of="a replication rule has prefixes,",
    hint="use a shorter prefix, as in 'prod/', or a second rule",
    source="botocore ecr RepositoryFilterList; CFN",
)  # fmt: skip
REPLICATION_FILTER = matching(
    "replication-filter",
    r"(?=.{2,256}$)(?:[a-z0-9]+(?:[._-][a-z0-9]*)*/)*[a-z0-9]*(?:[._-][a-z0-9]*)*",
    rule="a prefix is 2 to 256 lower-case letters, digits, '.', '_', '-' and '/'",
    hint="write it as in 'prod/', without a '*'",
    source="botocore ecr RepositoryFilterValue; CFN",
)  # fmt: skip
REGION = matching(
    "replication-region", r"[a-z]{2}(-[a-z]+)+-\d",
    rule="a region is written as AWS does", hint="write it as in 'eu-central-1'",
    source="botocore ecr Region; AWS general reference",
)  # fmt: skip
ACCOUNT = matching(
    "account-id", r"[0-9]{12}", rule="an account is 12 digits", hint="write it as a text, as in '111111111111'",
    source="botocore ecr RegistryId",
)  # fmt: skip
SCANNING_RULES = _at_most(
    "scanning-rules", 2, of="a registry has scanning rules,",
    hint="name all filters of one frequency in one rule",
    source="botocore ecr RegistryScanningRuleList; CFN",
)  # fmt: skip
SCANNING_FREQUENCIES = Limit(
    id="scanning-frequencies",
    accepts=_unlike,
    rule="each frequency has one rule",
    hint="name all its filters in that one",
    source="ECR guide: filters of scanning; botocore ecr RegistryScanningRule.scanFrequency",
    format=_twice,
)
SCANNING_BASIC = Limit(
    id="scanning-basic-frequency",
    accepts=lambda frequencies: "CONTINUOUS_SCAN" not in frequencies,
    rule="basic scanning scans on push, or when it is asked to",
    hint="use Scanning.enhanced(continuous=...), or on_push=",
    source="botocore ecr RegistryScanningRule.scanFrequency",
    format=", ".join,
)
SCANNING_FILTERS = _at_most(
    "scanning-filters", 100, of="a scanning rule has filters,",
    hint="join some with '*', as in 'prod/*'",
    source="botocore ecr ScanningRepositoryFilterList; CFN",
)  # fmt: skip
SCANNING_FILTER = matching(
    "scanning-filter", r"(?=.{1,255}$)[a-z0-9*](?:[._\-/a-z0-9*]?[a-z0-9*]+)*",
    rule="a filter is 1 to 255 lower-case letters, digits, '.', '_', '-', '/' and '*', "
    "the first and last a letter, a digit or '*'",
    hint="write it as in 'prod/*'",
    source="botocore ecr ScanningRepositoryFilterValue; CFN",
)  # fmt: skip
REGISTRY_POLICY_ACTIONS = Limit(
    id="registry-policy-actions",
    accepts=lambda actions: set(actions) <= _V1_ACTIONS,
    rule="a registry's policy is said to take ecr:ReplicateImage, ecr:CreateRepository and "
    "ecr:BatchImportUpstreamImage alone, unless the account setting REGISTRY_POLICY_SCOPE is V2",
    hint="set it (aws ecr put-account-setting --name REGISTRY_POLICY_SCOPE --value V2), "
    "or give other actions to repositories",
    source="a re:Post answer that cites the ECR guide; botocore ecr PutAccountSetting, which no template can call",
    format=lambda actions: ", ".join(sorted(set(actions) - _V1_ACTIONS)),
    confirmed=False,
)
REGISTRY_POLICY = Limit(
    id="registry-policy-length",
    accepts=lambda text: len(text) <= 10240,
    rule="a registry's policy is 10,240 characters at most",
    hint="use fewer statements, or shorter prefixes",
    source="botocore ecr RegistryPolicyText",
    format=lambda text: f"{len(text):,} characters",
)
CACHE_PREFIX = matching(
    "pull-through-prefix", rf"(?=.{{2,30}}$)({_PART}(/{_PART})*/?|ROOT)",
    rule="a prefix is 2 to 30 lower-case letters and digits, joined by . _ - and /, or ROOT",
    hint="use another prefix=", source="botocore ecr PullThroughCacheRuleRepositoryPrefix; CFN",
)  # fmt: skip
CACHE_RULES = _at_most(
    "pull-through-rules", 50, of="a registry has pull-through caches,",
    hint="name fewer", source="CFN AWS::ECR::PullThroughCacheRule; ECR quotas",
)  # fmt: skip
CACHE_PREFIXES = Limit(
    id="pull-through-prefixes-unique",
    accepts=_unlike,
    rule="each cache has a prefix of its own",
    hint="give one of them another prefix=",
    source="CFN AWS::ECR::PullThroughCacheRule primaryIdentifier",
    format=_twice,
)
CACHE_UPSTREAM = Limit(
    id="pull-through-upstream",
    accepts=lambda upstream: upstream in {
        "azure-container-registry", "chainguard", "docker-hub", "ecr", "ecr-public", "github-container-registry",
        "gitlab-container-registry", "k8s", "quay",
    },
    rule="ECR caches nine registries, and this is none of them",
    hint="use one of the PullThrough.* methods",
    source="botocore ecr UpstreamRegistry; CFN",
)  # fmt: skip
CACHE_SECRET = Limit(
    id="pull-through-secret",
    accepts=lambda name: re.fullmatch(r"ecr-pullthroughcache/[a-zA-Z0-9/_+=.@-]+", name) is not None,
    rule="ECR reads secrets whose name starts with 'ecr-pullthroughcache/' alone",
    hint="give the secret secret_name='ecr-pullthroughcache/...'",
    source="botocore ecr CredentialArn; ECR guide: creating a pull through cache rule",
)
TEMPLATE_PREFIX = matching(
    "template-prefix", rf"(?=.{{1,256}}$)({_PART}(/{_PART})*/?|ROOT)",
    rule="a creation template's prefix is 1 to 256 lower-case letters and digits, joined by . _ - and /, or ROOT",
    hint="write it as in 'prod', which stands for 'prod/'", source="botocore ecr Prefix; CFN",
)  # fmt: skip
TEMPLATE_PREFIXES = Limit(
    id="template-prefixes-unique",
    accepts=_unlike,
    rule="a prefix has one creation template",
    hint="give them the same settings=, or another prefix",
    source="CFN AWS::ECR::RepositoryCreationTemplate primaryIdentifier",
    format=_twice,
)
TEMPLATE_USES = Limit(
    id="template-applied-for",
    accepts=lambda uses: uses and set(uses) <= {"REPLICATION", "PULL_THROUGH_CACHE", "CREATE_ON_PUSH"},
    rule="a creation template is for REPLICATION, PULL_THROUGH_CACHE, CREATE_ON_PUSH, or several of them",
    hint="name at least one of them",
    source="botocore ecr RCTAppliedFor; CFN",
    format=lambda uses: ", ".join(uses) or "empty",
)
TEMPLATE_DESCRIPTION = Limit(
    id="template-description",
    accepts=lambda text: len(text) <= 256,
    rule="a creation template's description is 256 characters at most",
    hint="write a shorter one",
    source="botocore ecr RepositoryTemplateDescription",
    format=lambda text: f"{len(text)} characters",
)
SIGNING_RULES = _at_most(
    "signing-rules", 10, of="a registry has signing rules,",
    hint="give one rule several filters",
    source="botocore ecr SigningRuleList (CFN says 50, and the API is what is asked)",
)  # fmt: skip
SIGNING_FILTERS = _at_most(
    "signing-filters", 100, of="a signing rule has filters,",
    hint="join some with '*', as in 'prod/*'",
    source="botocore ecr SigningRepositoryFilterList; CFN",
)  # fmt: skip
SIGNING_FILTER = matching(
    "signing-filter",
    r"(?=.{1,256}$)(?:[a-z0-9*]+(?:[._-][a-z0-9*]+)*/)*[a-z0-9*]+(?:[._-][a-z0-9*]+)*",
    rule="a filter is 1 to 256 lower-case letters, digits, '.', '_', '-', '/' and '*'",
    hint="write it as in 'prod/*'",
    source="botocore ecr SigningRepositoryFilterValue; CFN",
)  # fmt: skip
SIGNING_PROFILE = matching(
    "signing-profile", r"(?=.{1,200}$)arn:aws(-[a-z]+)*:signer:[a-z0-9-]+:[0-9]{12}:/signing-profiles/[a-zA-Z0-9_]{2,}",
    rule="a signing profile is named by its ARN", hint="use signing_profile_arn of a signer.SigningProfile",
    source="botocore ecr SigningProfileArn; CFN",
)  # fmt: skip
SIGNING_REGION = Limit(
    id="signing-region",
    accepts=lambda region: region not in WITHOUT_SIGNING,
    rule="ECR signs no images there",
    hint="leave signing= out of this region's registry, and sign where the images are pushed",
    source="CFN: the region has no AWS::ECR::SigningConfiguration",
)
EXCLUDED_PULLER = matching(
    "pull-time-exclusion",
    r"(?=.{1,200}$)arn:aws(-[a-z]+)*:iam::[0-9]{12}:(role|user)/[\w+=,.@-]+(/[\w+=,.@-]+)*",
    rule="who is left out is a role or a user, by its ARN of 200 characters at most",
    hint="use role_arn of an iam.Role", source="botocore ecr PrincipalArn; CFN",
)  # fmt: skip
PUBLIC_NAME = matching(
    "public-repository-name", r"(?=.{2,205}$)(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*",
    rule="a public repository's name is 2 to 205 lower-case letters and digits, joined by . _ - and /",
    hint="use another name=", source="botocore ecr-public RepositoryName",
)  # fmt: skip
PUBLIC_REGION = Limit(
    id="public-repository-region",
    accepts=lambda region: region in PUBLIC_REGIONS,
    rule="Amazon ECR Public stands in us-east-1 alone, and serves the world from there",
    hint="define it in a stack with env=cdk.Environment(region='us-east-1')",
    source="CFN: no other commercial region has AWS::ECR::PublicRepository; AWS general reference",
)
PUBLIC_DESCRIPTION = Limit(
    id="public-description",
    accepts=lambda text: len(text) <= 1024,
    rule="a description is 1,024 characters at most",
    hint="say the rest in about=",
    source="botocore ecr-public RepositoryDescription; CFN",
    format=lambda text: f"{len(text):,} characters",
)
PUBLIC_TEXT = Limit(
    id="public-text",
    accepts=lambda text: len(text) <= 10240,
    rule="CloudFormation takes 10,240 characters at most",
    hint="write a shorter one, with a link to the rest",
    source="CFN AWS::ECR::PublicRepository (the API takes 25,600)",
    format=lambda text: f"{len(text):,} characters",
)
PUBLIC_PLATFORM = Limit(
    id="public-platform",
    accepts=lambda name: 1 <= len(name) <= 50,
    rule="an architecture or operating system is 1 to 50 characters",
    hint="write it as in 'ARM 64' or 'Linux'",
    source="botocore ecr-public Architecture, OperatingSystem; CFN",
)
PUBLIC_PLATFORMS = _at_most(
    "public-platforms", 50, of="a public repository names architectures, or operating systems,",
    hint="name fewer", source="botocore ecr-public ArchitectureList, OperatingSystemList; CFN",
)  # fmt: skip
PUBLIC_LOGO = Limit(
    id="public-logo",
    accepts=lambda size: size <= 512000,
    rule="a logo is 512,000 bytes at most",
    hint="use a smaller picture",
    source="botocore ecr-public LogoImageBlob",
    format=lambda size: f"{size:,} bytes",
)
KEY_REGION = Limit(
    id="key-region",
    accepts=lambda regions: regions[0] == regions[1],
    rule="a repository is encrypted with a key of its own region",
    hint="give a key of that region, or Encryption.own_key(), which defines one",
    source="botocore ecr EncryptionConfiguration.kmsKey",
    format=lambda regions: f"one of {regions[0]} for {regions[1]}",
)

TABLE: tuple[Limit, ...] = tuple(row for row in list(globals().values()) if isinstance(row, Limit))
