"""Images that are pushed to one registry are replicated to registries of two accounts in three regions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from moorage.local.account import Account
from tests.local.test_local_lifecycle import Project

OURS, THEIRS = "111111111111", "222222222222"
PROFILE = f"arn:aws:signer:eu-west-1:{OURS}:/signing-profiles/shop"
SCANNER = f"arn:aws:iam::{OURS}:role/scanner"
APP = f"""
import json, pathlib
import aws_cdk as cdk
from aws_cdk import aws_events_targets as targets, aws_iam as iam, aws_secretsmanager as secretsmanager, aws_sqs as sqs
from moorage import (
    ApiCall, AuditTrail, Encryption, LifecyclePolicy, PublicRepository, PullThrough, Registry, Replication,
    ReplicationDestination, Repository, RepositorySettings, RepositoryTemplate, Scanning, Severity, SigningRule,
)

said = json.loads(pathlib.Path("said.json").read_text())
app = cdk.App()
GONE = cdk.RemovalPolicy.DESTROY
ireland, frankfurt, virginia = (
    cdk.Stack(app, name, env=cdk.Environment(account=account, region=region))
    for name, account, region in (
        ("Ireland", "{OURS}", "eu-west-1"),
        ("Frankfurt", "{OURS}", "eu-central-1"),
        ("Virginia", "{THEIRS}", "us-east-1"),
    )
)
replication = [
    Replication(
        prefix=prefix,
        to=["eu-central-1", ReplicationDestination("us-east-1", account="{THEIRS}")],
        settings=RepositorySettings(
            mutable_tags=["latest"],
            lifecycle=LifecyclePolicy.releases(said["keep"]),
            policy=[iam.PolicyStatement(actions=["ecr:BatchGetImage"], principals=[iam.AccountPrincipal("{THEIRS}")])],
            tags={{"owner": "shop"}},
        ),
    )
    for prefix in said["prefixes"]
]
hub = secretsmanager.Secret.from_secret_name_v2(ireland, "Hub", "ecr-pullthroughcache/hub")
scanning = Scanning.enhanced(continuous=["prod/*"], on_push=["*"]) if said["enhanced"] else Scanning.basic()
source = Registry(
    ireland,
    "Registry",
    scanning=scanning,
    replication=replication,
    pull_through=[PullThrough.ecr_public(), PullThrough.docker_hub(hub)],
    templates=[RepositoryTemplate("team", description="the team's")],
    signing=[SigningRule("{PROFILE}", "prod/*")] if said["signed"] else [],
    pull_time_exclusions=["{SCANNER}"],
    audit=AuditTrail.own(),
)
images = Repository(
    ireland, "Web", name="prod/web", mutable_tags=["latest"], keep_releases=said["keep"],
    encryption=Encryption.own_key(), removal_policy=GONE, empty_on_delete=True,
)
images.grant_pull(iam.AccountPrincipal("{THEIRS}"))
pushed = sqs.Queue(ireland, "Pushed")
source.on_push("Pushes", target=targets.SqsQueue(pushed), repositories=["prod/*"])
source.on_scan_finding("Findings", severity=Severity.HIGH, target=targets.SqsQueue(pushed))
source.alarm_near_quota("Quota", call=ApiCall.PUT_IMAGE)
source.add_dashboard("Dashboard", repositories=[images])
cdk.CfnOutput(ireland, "Queue", value=pushed.queue_url)

Registry(frankfurt, "Registry", replicates_from=[source])
there = Registry(virginia, "Registry", replicates_from=[source])
arrived = sqs.Queue(virginia, "Arrived")
there.on_replicated("Copies", target=targets.SqsQueue(arrived))
cdk.CfnOutput(virginia, "Queue", value=arrived.queue_url)
PublicRepository(
    virginia, "Cli", name="shop-cli", description=said["description"], about="# Shop", usage="run it",
    architectures=["ARM 64"], operating_systems=["Linux"], removal_policy=GONE,
)
app.synth()
"""
FIRST = {"keep": 30, "prefixes": ["prod/"], "enhanced": True, "signed": True, "description": "the shop's command line"}


class Shown:
    """The three registries, as ECR's API shows them."""

    def __init__(self, of: Project) -> None:
        access = of.server.access
        self.ireland = Account(access, OURS, "eu-west-1")
        self.frankfurt = Account(access, OURS, "eu-central-1")
        self.virginia = Account(access, THEIRS, "us-east-1")

    def push(self, tag: str, build: int = 1) -> str:
        manifest = json.dumps({"schemaVersion": 2, "config": {"of": tag, "build": build}})
        pushed = self.ireland.client("ecr").put_image(repositoryName="prod/web", imageManifest=manifest, imageTag=tag)
        digest: str = pushed["image"]["imageId"]["imageDigest"]
        return digest

    def told(self, account: Account, stack: str) -> list[dict[str, Any]]:
        """Return the events that arrived in the stack's queue since the last call."""
        outputs = (account.stack(stack) or {})["Outputs"]
        (queue,) = (each["OutputValue"] for each in outputs if each["OutputKey"] == "Queue")
        sqs = account.client("sqs")
        found = []
        while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return found

    def templates(self, account: Account) -> dict[str, dict[str, Any]]:
        found = account.client("ecr").describe_repository_creation_templates()["repositoryCreationTemplates"]
        return {each["prefix"]: each for each in found}


def up(project: Project, **said: Any) -> Shown:
    project.say(**{**FIRST, **said})
    done = project.up()
    assert done.returncode == 0, done.stdout + done.stderr
    return Shown(project)


def absent(call: Any, **arguments: Any) -> bool:
    try:
        call(**arguments)
    except ClientError as error:
        return "NotFound" in error.response["Error"]["Code"]
    return False


@pytest.mark.oracle
@pytest.mark.slow
def test_images_are_replicated_and_ecr_returns_every_setting(project: Project) -> None:
    (project.folder / "app.py").write_text(APP)
    shown = up(project)
    source_is_as_said(shown)
    destinations_are_as_said(shown)
    public_is_as_said(shown, FIRST["description"])
    what_tells_is_as_said(shown)

    digest = shown.push("1.0.0")
    (event,) = shown.told(shown.ireland, "Ireland")
    assert event["detail-type"] == "ECR Image Action"
    assert event["detail"]["image-tag"] == "1.0.0"
    for account in (shown.frankfurt, shown.virginia):
        ecr = account.client("ecr")
        (image,) = ecr.describe_images(repositoryName="prod/web")["imageDetails"]
        assert (image["imageDigest"], image["imageTags"]) == (digest, ["1.0.0"])
        (made,) = ecr.describe_repositories(repositoryNames=["prod/web"])["repositories"]
        assert made["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
        assert made["encryptionConfiguration"]["encryptionType"] == "KMS"
        rules = json.loads(ecr.get_lifecycle_policy(repositoryName="prod/web")["lifecyclePolicyText"])["rules"]
        assert rules[1]["selection"]["countNumber"] == 30
        assert THEIRS in ecr.get_repository_policy(repositoryName="prod/web")["policyText"]
        tags = ecr.list_tags_for_resource(resourceArn=made["repositoryArn"])["tags"]
        assert {"Key": "owner", "Value": "shop"} in tags
    (event,) = shown.told(shown.virginia, "Virginia")
    assert event["detail-type"] == "ECR Replication Action"
    assert event["detail"]["image-digest"] == digest
    assert event["detail"]["source-account"] == OURS

    shown = up(project, keep=5, prefixes=["prod/", "base/"], enhanced=False, signed=False, description="a shop")
    ecr = shown.ireland.client("ecr")
    assert ecr.get_registry_scanning_configuration()["scanningConfiguration"]["scanType"] == "BASIC"
    rules = ecr.describe_registry()["replicationConfiguration"]["rules"]
    assert [rule["repositoryFilters"][0]["filter"] for rule in rules] == ["prod/", "base/"]
    assert absent(ecr.get_signing_configuration)
    text = ecr.get_lifecycle_policy(repositoryName="prod/web")["lifecyclePolicyText"]
    assert json.loads(text)["rules"][1]["selection"]["countNumber"] == 5
    for account in (shown.frankfurt, shown.virginia):
        templates = shown.templates(account)
        assert templates.keys() == {"prod", "base"}
        kept = json.loads(templates["prod"]["lifecyclePolicy"])["rules"][1]["selection"]["countNumber"]
        assert kept == 5
    public_is_as_said(shown, "a shop")
    shown.push("latest")
    moved = shown.push("latest", build=2)
    for account in (shown.frankfurt, shown.virginia):
        latest = [{"imageTag": "latest"}]
        (image,) = account.client("ecr").describe_images(repositoryName="prod/web", imageIds=latest)["imageDetails"]
        assert image["imageDigest"] == moved
    assert len(shown.told(shown.virginia, "Virginia")) == 2

    for account in (shown.frankfurt, shown.virginia):  # the stack does not delete repositories that ECR created
        account.client("ecr").delete_repository(repositoryName="prod/web", force=True)
    down = project.run("down")
    assert down.stdout.endswith("All stacks are deleted; the local AWS is stopped.\n"), down.stdout + down.stderr


def source_is_as_said(shown: Shown) -> None:
    ecr = shown.ireland.client("ecr")
    scanning = ecr.get_registry_scanning_configuration()["scanningConfiguration"]
    assert scanning["scanType"] == "ENHANCED"
    assert {(rule["scanFrequency"], rule["repositoryFilters"][0]["filter"]) for rule in scanning["rules"]} == {
        ("CONTINUOUS_SCAN", "prod/*"),
        ("SCAN_ON_PUSH", "*"),
    }
    assert ecr.describe_registry()["replicationConfiguration"]["rules"] == [
        {
            "destinations": [
                {"region": "eu-central-1", "registryId": OURS},
                {"region": "us-east-1", "registryId": THEIRS},
            ],
            "repositoryFilters": [{"filter": "prod/", "filterType": "PREFIX_MATCH"}],
        }
    ]
    rules = ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"]
    caches = {each["ecrRepositoryPrefix"]: each for each in rules}
    assert caches["ecr-public"]["upstreamRegistryUrl"] == "public.ecr.aws"
    assert caches["docker-hub"]["upstreamRegistryUrl"] == "registry-1.docker.io"
    assert caches["docker-hub"]["credentialArn"].endswith(":secret:ecr-pullthroughcache/hub")
    templates = shown.templates(shown.ireland)
    assert {prefix: each["appliedFor"] for prefix, each in templates.items()} == {
        "ecr-public": ["PULL_THROUGH_CACHE"],
        "docker-hub": ["PULL_THROUGH_CACHE"],
        "team": ["CREATE_ON_PUSH"],
    }
    assert templates["team"]["description"] == "the team's"
    (rule,) = ecr.get_signing_configuration()["signingConfiguration"]["rules"]
    assert rule["signingProfileArn"] == PROFILE
    assert rule["repositoryFilters"] == [{"filter": "prod/*", "filterType": "WILDCARD_MATCH"}]
    (excluded,) = ecr.list_pull_time_update_exclusions()["pullTimeUpdateExclusions"]
    assert SCANNER in (excluded if isinstance(excluded, str) else excluded.values())
    (repository,) = ecr.describe_repositories(repositoryNames=["prod/web"])["repositories"]
    assert repository["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
    assert repository["imageTagMutabilityExclusionFilters"] == [{"filterType": "WILDCARD", "filter": "latest"}]
    assert repository["encryptionConfiguration"]["kmsKey"].startswith(f"arn:aws:kms:eu-west-1:{OURS}:key/")
    assert THEIRS in ecr.get_repository_policy(repositoryName="prod/web")["policyText"]


def destinations_are_as_said(shown: Shown) -> None:
    assert absent(shown.frankfurt.client("ecr").get_registry_policy)
    (statement,) = json.loads(shown.virginia.client("ecr").get_registry_policy()["policyText"])["Statement"]
    assert statement["Principal"] == {"AWS": f"arn:aws:iam::{OURS}:root"}
    assert statement["Action"] == ["ecr:ReplicateImage", "ecr:CreateRepository", "ecr:TagResource"]
    assert statement["Resource"] == f"arn:aws:ecr:us-east-1:{THEIRS}:repository/prod/*"
    for account in (shown.frankfurt, shown.virginia):
        ((prefix, template),) = shown.templates(account).items()
        assert (prefix, template["appliedFor"]) == ("prod", ["REPLICATION"])
        assert template["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
        assert template["encryptionConfiguration"]["encryptionType"] == "KMS"
        assert template["resourceTags"] == [{"Key": "owner", "Value": "shop"}]
        assert ":role/" in template["customRoleArn"]
        assert json.loads(template["lifecyclePolicy"])["rules"][1]["selection"]["countNumber"] == 30
        assert THEIRS in template["repositoryPolicy"]


def public_is_as_said(shown: Shown, description: object) -> None:
    public = shown.virginia.client("ecr-public")
    assert public.describe_repositories(repositoryNames=["shop-cli"])["repositories"]
    catalog = public.get_repository_catalog_data(repositoryName="shop-cli")["catalogData"]
    assert catalog["description"] == description
    assert (catalog["aboutText"], catalog["usageText"]) == ("# Shop", "run it")
    assert (catalog["architectures"], catalog["operatingSystems"]) == (["ARM 64"], ["Linux"])


def what_tells_is_as_said(shown: Shown) -> None:
    events, sqs = shown.ireland.client("events"), shown.ireland.client("sqs")
    rules = events.list_rules()["Rules"]
    assert len(rules) == 2
    for rule in rules:
        (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
        letters = target["DeadLetterConfig"]["Arn"].rpartition(":")[2]
        url = sqs.get_queue_url(QueueName=letters)["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        assert attributes["KmsMasterKeyId"].startswith("arn:aws:kms:")
        assert "events.amazonaws.com" in attributes["Policy"]
    (trail,) = shown.ireland.client("cloudtrail").describe_trails()["trailList"]
    assert trail["LogFileValidationEnabled"]
    (alarm,) = shown.ireland.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert "SERVICE_QUOTA" in json.dumps(alarm["Metrics"])
    (dashboard,) = shown.ireland.client("cloudwatch").list_dashboards()["DashboardEntries"]
    assert dashboard["DashboardName"]
