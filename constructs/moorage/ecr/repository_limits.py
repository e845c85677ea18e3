"""The limits of private and public repositories; rows of the table in `limits`.

`ECR guide` is the Amazon ECR user guide, and `ECR quotas` is its page of service quotas.
"""

from __future__ import annotations

from moorage.workload.limit import Botocore, Limit, at_least, at_most, characters, matching, unique, with_commas

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
EXCLUSION_FILTERS = at_most(
    "tag-exclusion-filters",
    5,
    hint="replace several patterns with one, such as 'dev-*'",
    source=Botocore("ecr", "ImageTagMutabilityExclusionFilters", also="CDK aws-ecr Repository"),
)
EXCLUSION_FILTER = matching(
    "tag-exclusion-filter",
    r"[0-9A-Za-z._*-]{1,128}",
    rule="must be 1 to 128 letters, digits, '.', '_', '-' and '*'",
    hint="use a form such as 'latest' or 'dev-*'",
    source=Botocore("ecr", "ImageTagMutabilityExclusionFilterValue"),
)
EXCLUSION_WILDCARDS = Limit(
    id="tag-exclusion-wildcards",
    accepts=lambda pattern: pattern.count("*") <= 2,
    rule="should have at most 2 '*'",
    hint="use a pattern such as 'dev-*'",
    source="the validator of terraform-provider-aws, aws_ecr_repository; botocore has no such limit",
    confirmed=False,
)
REPOSITORY_TAGS = at_most(
    "repository-tags",
    50,
    hint="use fewer tags",
    source="CFN AWS::ECR::RepositoryCreationTemplate.ResourceTags",
)
REPOSITORY_TAG_KEY = Limit(
    id="repository-tag-key",
    accepts=lambda key: 1 <= len(key) <= 128 and not key.lower().startswith("aws:"),
    rule="must be 1 to 128 characters, and not start with 'aws:'",
    hint="use a key such as 'owner'",
    source="CFN AWS::ECR::RepositoryCreationTemplate Tag.Key; ECR guide: tagging a repository",
)
REPOSITORY_TAG_VALUE = characters(
    "repository-tag-value",
    256,
    hint="use a shorter value",
    source="CFN AWS::ECR::RepositoryCreationTemplate Tag.Value",
)
LIFECYCLE_TEXT = Limit(
    id="lifecycle-text",
    accepts=lambda text: 100 <= len(text) <= 30720,
    rule="must be between 100 and 30,720 characters",
    hint=lambda text: (
        "add at least one rule" if len(text) < 100 else "use fewer rules, or fewer or shorter tag patterns"
    ),
    source=Botocore("ecr", "LifecyclePolicyText"),
    format=lambda text: f"{len(text):,}",
)
LIFECYCLE_RULES = at_most(
    "lifecycle-rules",
    50,
    hint="replace several rules with one rule whose tags= has a pattern such as 'v*'",
    source="ECR quotas: rules per lifecycle policy",
)
LIFECYCLE_PRIORITY = at_least(
    "lifecycle-priority",
    1,
    hint="leave priority= out to apply rules in the order in which they are written",
    source="ECR guide: lifecycle policy properties; CDK aws-ecr LifecycleRule.rulePriority",
)
LIFECYCLE_PRIORITIES = unique(
    "lifecycle-priorities-unique",
    rule="must be unique in a policy",
    hint="leave priority= out to apply rules in the order in which they are written",
    source="ECR guide: lifecycle policy properties, rule priority",
)
LIFECYCLE_ANY_LAST = Limit(
    id="lifecycle-any-last",
    accepts=lambda kinds: "any" not in kinds[:-1],
    rule="must have at most one rule for images with any tag status, and this rule must be the last",
    hint="keep only one rule for all images, after the other rules and with the largest number as priority=",
    source="ECR guide: lifecycle policy properties, rule priority; CDK aws-ecr Repository",
    format=lambda kinds: " before ".join(map(repr, kinds)),
)
LIFECYCLE_UNTAGGED_ONCE = at_most(
    "lifecycle-untagged-once",
    1,
    unit="for each storage class",
    hint="keep only one of the rules",
    source="ECR guide: lifecycle policy evaluation rules",
)
LIFECYCLE_TAGS_ONCE = unique(
    "lifecycle-tags-once",
    rule="must not be the same in two rules, since only the first rule applies to an image",
    hint="keep only one of the rules",
    source="ECR guide: lifecycle policy evaluation rules",
)
LIFECYCLE_SELECTION = Limit(
    id="lifecycle-selection",
    accepts=lambda names: len(names) <= 1,
    rule="must be at most one of tags, prefixes and untagged",
    hint="use a separate rule for each of these arguments",
    source="ECR guide: lifecycle policy properties, tag status; CDK aws-ecr Repository",
    format=" and ".join,
)
LIFECYCLE_COUNT = at_least(
    "lifecycle-count",
    1,
    hint="use keep=1 or more, since nothing can be deployed from an empty repository",
    source="ECR guide: lifecycle policy properties, count number",
)
IMAGES = Limit(
    id="images-per-repository",
    accepts=lambda count: count <= 100_000,
    rule="should be at most 100,000, the default quota of a repository",
    hint="keep fewer images, or request a higher quota",
    source="ECR quotas: images per repository, which can be raised",
    format=with_commas,
    confirmed=False,
)
LIFECYCLE_DAYS = Limit(
    id="lifecycle-days",
    accepts=lambda seconds: seconds >= 86400 and seconds % 86400 == 0,
    rule="must be a whole number of days, 1 or more",
    hint="use a duration such as cdk.Duration.days(14)",
    source="ECR guide: lifecycle policy properties, count unit and count number",
    format=lambda seconds: f"{seconds / 86400:g}",
)
LIFECYCLE_ONE_COUNT = Limit(
    id="lifecycle-count-or-age",
    accepts=lambda names: len(names) == 1,
    rule="must be exactly one of keep, older_than, unpulled_for and archived_for",
    hint="use only one of these arguments, and a separate rule for each other argument",
    source="ECR guide: lifecycle policy properties, count type; CDK aws-ecr Repository",
    format=lambda names: " and ".join(names) or "none",
)
LIFECYCLE_WILDCARDS = Limit(
    id="lifecycle-wildcards",
    accepts=lambda pattern: pattern.count("*") <= 4,
    rule="must have at most 4 '*'",
    hint="use a pattern such as 'v*'",
    source="ECR guide: lifecycle policy properties, tag pattern list; CDK aws-ecr Repository",
)
LIFECYCLE_ROLLBACK = at_least(
    "lifecycle-rollback",
    2,
    unit="for releases and for images with any tag, so that a rollback finds the previous image",
    hint="keep at least the current release and the previous release",
    source="containers-roadmap #1078: images in use expire; ECS rolls back to the previous image",
)
ARCHIVED_DAYS = Limit(
    id="lifecycle-archived-days",
    accepts=lambda seconds: seconds >= 90 * 86400,
    rule="should be at least 90 days, since an archived image is billed for at least 90 days",
    hint="use cdk.Duration.days(90) or more",
    source="no text of the ECR guide was found that refuses it; its pricing has a minimum duration of 90 days",
    format=lambda seconds: f"{seconds / 86400:g}",
    confirmed=False,
)
PUBLIC_NAME = matching(
    "public-repository-name",
    r"(?=.{2,205}$)(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*",
    rule="must be 2 to 205 characters: lowercase letters and digits, joined by single '.', '_', '-' or '/'",
    hint="use a name such as 'shop/cli'",
    source=Botocore("ecr-public", "RepositoryName"),
)
PUBLIC_REGION = Limit(
    id="public-repository-region",
    accepts=lambda region: region in PUBLIC_REGIONS,
    rule="must be us-east-1, the region of Amazon ECR Public in the partition aws",
    hint="define the repository in a stack with env=cdk.Environment(region='us-east-1'); its images can be pulled from "
    "every region",
    source="CFN: no other commercial region has AWS::ECR::PublicRepository; AWS general reference",
)
PUBLIC_DESCRIPTION = characters(
    "public-description",
    1024,
    hint="put the rest into about=",
    source=Botocore("ecr-public", "RepositoryDescription", also="CFN"),
)
PUBLIC_TEXT = characters(
    "public-text",
    10240,
    hint="write a shorter text with a link to the rest",
    source="CFN AWS::ECR::PublicRepository (the API takes 25,600)",
)
PUBLIC_PLATFORM = Limit(
    id="public-platform",
    accepts=lambda name: 1 <= len(name) <= 50,
    rule="must be 1 to 50 characters",
    hint="use a name such as 'ARM 64' or 'Linux'",
    source=Botocore("ecr-public", "Architecture", also="OperatingSystem alike; CFN"),
)
PUBLIC_PLATFORMS = at_most(
    "public-platforms",
    50,
    hint="use fewer architectures or operating systems",
    source=Botocore("ecr-public", "ArchitectureList", also="OperatingSystemList alike; CFN"),
)
PUBLIC_LOGO = at_most(
    "public-logo",
    512000,
    unit="bytes",
    hint="use a smaller picture",
    source=Botocore("ecr-public", "LogoImageBlob"),
)
