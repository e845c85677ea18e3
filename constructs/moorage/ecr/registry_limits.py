"""The limits of a registry; rows of the table in `limits`.

`ECR guide` is the Amazon ECR user guide, and `ECR quotas` is its page of service quotas.
"""

from __future__ import annotations

import difflib
import fnmatch
import re

from moorage.ecr.api_operations import OPERATIONS
from moorage.workload.limit import (
    BelowOrAbove,
    Botocore,
    Limit,
    at_least,
    at_most,
    characters,
    in_range,
    matching,
    unique,
)

_NAME_PART_PATTERN = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*"
_POLICY_SCOPE_V1_ACTIONS = {"ecr:ReplicateImage", "ecr:CreateRepository", "ecr:BatchImportUpstreamImage"}
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
"""The regions whose CloudFormation has AWS::ECR::Repository but not AWS::ECR::SigningConfiguration (CFN)."""
REPLICATION_RULES = at_most(
    "replication-rules",
    25,
    hint="use several prefixes or destinations in one rule",
    source=Botocore("ecr", "ReplicationRuleList", also="CFN (older pages of the ECR guide say 10)"),
)
REPLICATION_DESTINATIONS = in_range(
    "replication-destinations",
    1,
    100,
    hint=BelowOrAbove(below="use at least one destination", above="replicate to fewer regions and accounts"),
    source=Botocore("ecr", "ReplicationDestinationList", also="CFN"),
)
REPLICATION_UNIQUE_DESTINATIONS = at_most(
    "replication-unique-destinations",
    25,
    hint="replicate to fewer regions and accounts",
    source="ECR quotas: unique destinations across all rules in a replication configuration, which cannot be raised",
)
REPLICATION_FILTERS = at_most(
    "replication-filters",
    100,
    hint="replace several prefixes with one, such as 'prod/', or use a second rule",
    source=Botocore("ecr", "RepositoryFilterList", also="CFN"),
)
REPLICATION_FILTER = matching(
    "replication-filter",
    r"(?=.{2,256}$)(?:[a-z0-9]+(?:[._-][a-z0-9]*)*/)*[a-z0-9]*(?:[._-][a-z0-9]*)*",
    rule="must be 2 to 256 lowercase letters, digits, '.', '_', '-' and '/', and each part before a '/' must start "
    "with a letter or digit",
    hint="use a prefix such as 'prod/', without a '*'",
    source=Botocore("ecr", "RepositoryFilterValue", also="CFN"),
)
REGION = matching(
    "replication-region",
    r"[a-z]{2}(-[a-z]+)+-\d",
    rule="must be a region code",
    hint="use a code such as 'eu-central-1'",
    source=Botocore("ecr", "Region", also="AWS general reference"),
)
ACCOUNT = matching(
    "account-id",
    r"[0-9]{12}",
    rule="must be a string of 12 digits",
    hint="use an account ID such as '111111111111'",
    source=Botocore("ecr", "RegistryId"),
)
SCANNING_RULES = at_most(
    "scanning-rules",
    2,
    hint="put all filters of one frequency into one rule",
    source=Botocore("ecr", "RegistryScanningRuleList", also="CFN"),
)
SCANNING_FREQUENCIES = unique(
    "scanning-frequencies",
    rule="must be unique",
    hint="put all filters of one frequency into one rule",
    source="ECR guide: filters of scanning; botocore ecr RegistryScanningRule.scanFrequency",
)
SCANNING_BASIC = Limit(
    id="scanning-basic-frequency",
    accepts=lambda frequencies: "CONTINUOUS_SCAN" not in frequencies,
    rule="must not be CONTINUOUS_SCAN, which only enhanced scanning has",
    hint="use Scanning.enhanced(continuous=...), or Scanning.basic(on_push=...)",
    source=Botocore(
        "ecr",
        "RegistryScanningRule",
        "scanFrequency",
        "When the BASIC scan type is specified, the SCAN_ON_PUSH scan frequency is supported.",
    ),
    format=", ".join,
)
SCANNING_FILTERS = at_most(
    "scanning-filters",
    100,
    hint="replace several filters with one, such as 'prod/*'",
    source=Botocore("ecr", "ScanningRepositoryFilterList", also="CFN"),
)
SCANNING_FILTER = matching(
    "scanning-filter",
    r"(?=.{1,255}$)[a-z0-9*](?:[._\-/a-z0-9*]?[a-z0-9*]+)*",
    rule="must be 1 to 255 characters: lowercase letters, digits and '*', joined by single '.', '_', '-' or '/'",
    hint="use a filter such as 'prod/*'",
    source=Botocore("ecr", "ScanningRepositoryFilterValue", also="CFN"),
)
REGISTRY_POLICY_ACTIONS = Limit(
    id="registry-policy-actions",
    accepts=lambda actions: set(actions) <= _POLICY_SCOPE_V1_ACTIONS,
    rule="should only allow ecr:ReplicateImage, ecr:CreateRepository and ecr:BatchImportUpstreamImage, "
    "unless the account setting REGISTRY_POLICY_SCOPE is V2",
    hint="set REGISTRY_POLICY_SCOPE to V2 (aws ecr put-account-setting --name REGISTRY_POLICY_SCOPE --value V2), "
    "or allow the other actions in repository policies",
    source="a re:Post answer that cites the ECR guide; botocore ecr PutAccountSetting, which no template can call",
    format=lambda actions: ", ".join(sorted(set(actions) - _POLICY_SCOPE_V1_ACTIONS)),
    confirmed=False,
)
REGISTRY_POLICY = characters(
    "registry-policy-length",
    10240,
    hint="use fewer statements, or shorter prefixes",
    source=Botocore("ecr", "RegistryPolicyText"),
)
CACHE_PREFIX = matching(
    "pull-through-prefix",
    rf"(?=.{{2,30}}$)({_NAME_PART_PATTERN}(/{_NAME_PART_PATTERN})*/?|ROOT)",
    rule="must be ROOT, or 2 to 30 characters: lowercase letters and digits, joined by '.', '_', '__', '-' or '/'",
    hint="use a prefix such as 'docker-hub' or 'team/base'",
    source=Botocore("ecr", "PullThroughCacheRuleRepositoryPrefix", also="CFN"),
)
CACHE_RULES = at_most(
    "pull-through-rules",
    50,
    hint="use fewer caches",
    source="CFN AWS::ECR::PullThroughCacheRule; ECR quotas",
)
CACHE_PREFIXES = unique(
    "pull-through-prefixes-unique",
    rule="must have unique prefixes",
    hint="use another prefix= for one of the caches",
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
    rule="must be an upstream registry that ECR supports",
    hint="use one of the PullThrough.* methods",
    source=Botocore("ecr", "UpstreamRegistry", also="CFN"),
)
CACHE_SECRET = Limit(
    id="pull-through-secret",
    accepts=lambda name: re.fullmatch(r"ecr-pullthroughcache/[a-zA-Z0-9/_+=.@-]+", name) is not None,
    rule="must be 'ecr-pullthroughcache/' followed by letters, digits, '/', '_', '+', '=', '.', '@' and '-'",
    hint="use a Secret with secret_name='ecr-pullthroughcache/...'",
    source=Botocore("ecr", "CredentialArn", also="ECR guide: creating a pull through cache rule"),
)
CACHE_SECRET_KEY = Limit(
    id="pull-through-secret-key",
    accepts=lambda key: key.endswith("alias/aws/secretsmanager"),
    rule="must be aws/secretsmanager, since ECR's service-linked role cannot use another key",
    hint="leave encryption_key= out of the Secret",
    source="ECR guide: service-linked role for pull through cache, which has secretsmanager:GetSecretValue and no kms: "
    "action; creating a pull through cache rule",
)
TEMPLATE_PREFIX = matching(
    "template-prefix",
    rf"(?=.{{1,256}}$)({_NAME_PART_PATTERN}(/{_NAME_PART_PATTERN})*/?|ROOT)",
    rule="must be ROOT, or 1 to 256 characters: lowercase letters and digits, joined by '.', '_', '__', '-' or '/'",
    hint="use a prefix such as 'prod', which means 'prod/'",
    source=Botocore("ecr", "Prefix", also="CFN"),
)
TEMPLATE_PREFIXES = unique(
    "template-prefixes-unique",
    rule="must be unique unless the settings are the same",
    hint="use the same settings= for templates with the same prefix, or another prefix for one of the templates",
    source="CFN AWS::ECR::RepositoryCreationTemplate primaryIdentifier",
)
TEMPLATE_USES = Limit(
    id="template-applied-for",
    accepts=lambda uses: uses and set(uses) <= {"REPLICATION", "PULL_THROUGH_CACHE", "CREATE_ON_PUSH"},
    rule="must be one or more of REPLICATION, PULL_THROUGH_CACHE and CREATE_ON_PUSH",
    hint="use a list such as ['REPLICATION']",
    source=Botocore("ecr", "RCTAppliedFor", also="CFN"),
    format=lambda uses: ", ".join(uses) or "empty",
)
TEMPLATE_DESCRIPTION = characters(
    "template-description",
    256,
    hint="write a shorter description",
    source=Botocore("ecr", "RepositoryTemplateDescription"),
)
SIGNING_RULES = at_most(
    "signing-rules",
    10,
    hint="use several repositories or patterns in one rule",
    source=Botocore("ecr", "SigningRuleList", also="CFN says 50, but CloudFormation calls the API"),
)
SIGNING_FILTERS = at_most(
    "signing-filters",
    100,
    hint="replace several filters with one, such as 'prod/*'",
    source=Botocore("ecr", "SigningRepositoryFilterList", also="CFN"),
)
SIGNING_FILTER = matching(
    "signing-filter",
    r"(?=.{1,256}$)(?:[a-z0-9*]+(?:[._-][a-z0-9*]+)*/)*[a-z0-9*]+(?:[._-][a-z0-9*]+)*",
    rule="must be 1 to 256 characters: lowercase letters, digits and '*', joined by single '.', '_', '-' or '/'",
    hint="use a filter such as 'prod/*'",
    source=Botocore("ecr", "SigningRepositoryFilterValue", also="CFN"),
)
SIGNING_PROFILE = matching(
    "signing-profile",
    r"(?=.{1,200}$)arn:aws(-[a-z]+)*:signer:[a-z0-9-]+:[0-9]{12}:/signing-profiles/[a-zA-Z0-9_]{2,}",
    rule="must be the ARN of a signing profile",
    hint="use the signing_profile_arn of a signer.SigningProfile",
    source=Botocore(
        "ecr",
        "SigningProfileArn",
        "",
        "The ARN contains the arn:aws:signer namespace, followed by the region",
        also="CFN",
    ),
)
SIGNING_REGION = Limit(
    id="signing-region",
    accepts=lambda region: region not in REGIONS_WITHOUT_SIGNING,
    rule="must be used only in a region in which ECR can sign images",
    hint="leave signing= out, and use signing= in the registry to which the images are pushed",
    source="CFN: the region has no AWS::ECR::SigningConfiguration",
)
EXCLUDED_PULLERS = unique(
    "pull-time-exclusions-unique",
    rule="must be unique",
    hint="name each role and user once",
    source="CFN AWS::ECR::PullTimeUpdateExclusion primaryIdentifier",
)
EXCLUDED_PULLER = matching(
    "pull-time-exclusion",
    r"(?=.{1,200}$)arn:aws(-[a-z]+)*:iam::[0-9]{12}:(role|user)/[\w+=,.@-]+(/[\w+=,.@-]+)*",
    rule="must be the ARN of a role or user, with at most 200 characters",
    hint="use the role_arn of an iam.Role, or the user_arn of an iam.User",
    source=Botocore("ecr", "PrincipalArn", also="CFN"),
)
API_CALLS = at_least(
    "api-calls",
    1,
    hint="name at least one operation, or '*' for all",
    source="aws/event-ruler RuleCompiler: empty arrays are not allowed",
)
EVENT_REPOSITORY = matching(
    "event-repository",
    r"(?!.*\*\*)[a-z0-9._/*-]{1,256}",
    rule="must be the name of a repository, or a pattern without consecutive '*'",
    hint="use a form such as 'prod/web' or 'prod/*'",
    source="botocore ecr RepositoryName; aws/event-ruler WildcardParser: no consecutive wildcards",
)
EVENT_TAG = matching(
    "event-tag",
    r"(?!.*\*\*)[\w.*-]{1,300}",
    rule="must be a tag, or a pattern without consecutive '*'",
    hint="use a form such as 'latest' or 'v*'",
    source="botocore ecr ImageTag; aws/event-ruler WildcardParser: no consecutive wildcards",
)
API_CALL = matching(
    "api-call",
    r"(?!.*\*\*)[A-Z*][A-Za-z*]*",
    rule="must be the name of an API operation, spelled as in the API, or a pattern with '*'",
    hint="use a form such as 'DeleteRepository' or 'Put*'",
    source="botocore ecr operation names, as CloudTrail records them (ECR guide: logging with CloudTrail)",
)
KNOWN_API_CALL = Limit(
    id="known-api-call",
    accepts=lambda call: bool(fnmatch.filter(OPERATIONS, call)),
    rule="should be an API operation of private registries, or a pattern that matches one",
    hint=lambda call: (
        f"use {next(map(repr, difflib.get_close_matches(call, OPERATIONS)), 'an operation of the ECR API')}"
    ),
    source="botocore ecr operation names; there may be new ones",
    confirmed=False,
)
