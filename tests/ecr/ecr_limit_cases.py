"""For each row of ECR's limits, a definition within it and one beyond it, which `test_limits.py` runs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from moorage import (
    LifecyclePolicy,
    LifecycleRule,
    PublicRepository,
    PullThrough,
    Registry,
    Replication,
    ReplicationDestination,
    Repository,
    RepositorySettings,
    RepositoryTemplate,
    Scanning,
    ScanningRule,
    SigningRule,
)
from tests.stand_ins import stand_in

Define = Callable[[cdk.Stack], object]
PROFILE = "arn:aws:signer:eu-west-1:111111111111:/signing-profiles/shop"


def days(count: float) -> dt.timedelta:
    return dt.timedelta(days=count)


def rule(**arguments: Any) -> Define:
    return lambda _: LifecycleRule(**arguments)


def lifecycle(*rules: dict[str, Any]) -> Define:
    return lambda _: LifecyclePolicy(*(LifecycleRule(**each) for each in rules))


def repository(**arguments: Any) -> Define:
    return lambda stack: Repository(stack, "Images", **arguments)


def registry(**arguments: Any) -> Define:
    return lambda stack: Registry(stack, "Registry", **arguments)


def in_region(region: str, define: Callable[[cdk.Stack], object]) -> Define:
    return lambda stack: define(cdk.Stack(stack.node.root, "There", env=cdk.Environment(region=region)))  # type: ignore[arg-type]  # an app is a construct


def public(**arguments: Any) -> Define:
    return lambda stack: PublicRepository(stack, "Cli", **arguments)


def replication(**arguments: Any) -> Define:
    return lambda _: Replication(**{"to": ["eu-central-1"], **arguments})


def replications(count: int) -> Define:
    return registry(replication=[Replication(prefix=f"p{number}/", to="eu-central-1") for number in range(count)])


def replicated_to(count: int) -> Define:
    """Define two rules with `count` destination accounts in total."""
    accounts = [ReplicationDestination("eu-central-1", account=f"{number:012}") for number in range(count)]
    return registry(
        replication=[Replication(prefix="a/", to=accounts[:20]), Replication(prefix="b/", to=accounts[10:])]
    )


def scanning(*frequencies: str, kind: str = "ENHANCED") -> Define:
    return lambda _: Scanning(kind, tuple(ScanningRule(each, "*") for each in frequencies))


def scanned(*filters: str) -> Define:
    return lambda _: Scanning.basic(on_push=filters)


def cache(**arguments: Any) -> Define:
    return lambda _: PullThrough(**{"upstream": "quay", "url": "quay.io", "prefix": "quay", **arguments})


def caches(*prefixes: str) -> Define:
    return registry(pull_through=[PullThrough.quay(prefix=each) for each in prefixes])


def secret(name: str, key_arn: str | None = None) -> Any:
    return stand_in(
        "aws_secretsmanager.ISecret",
        secret_arn=f"arn:aws:secretsmanager:eu-west-1:111111111111:secret:{name}",
        secret_name=name,
        encryption_key=key_arn and stand_in("aws_kms.IKey", key_arn=key_arn),
    )


def called(call: str) -> Define:
    return lambda stack: Registry(stack, "Registry").on_api_call("Rule", calls=[call])


def pushed(**arguments: Any) -> Define:
    return lambda stack: Registry(stack, "Registry").on_push("Rule", **arguments)


def settings(**tags: str) -> Define:
    return lambda _: RepositorySettings(tags=tags)


def template(prefix: str = "prod", **arguments: Any) -> Define:
    return lambda _: RepositoryTemplate(prefix, **arguments)


def allowed(action: str, resources: int = 1) -> Define:
    def define(stack: cdk.Stack) -> object:
        statement = iam.PolicyStatement(
            actions=[action],
            principals=[iam.AccountPrincipal("222222222222")],
            resources=[f"*{number}" for number in range(resources)],
        )
        return Registry(stack, "Registry", policy=[statement])

    return define


def logo(size: int) -> Define:
    def define(stack: cdk.Stack) -> object:
        picture = Path(cdk.App.of(stack).outdir) / "logo.png"  # type: ignore[union-attr]  # it has one
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_bytes(bytes(size))
        return PublicRepository(stack, "Cli", logo=picture)

    return define


CASES: dict[str, tuple[Define, Define]] = {
    "tag-exclusion-filters": (repository(mutable_tags=["a"] * 5), repository(mutable_tags=["a"] * 6)),
    "tag-exclusion-filter": (repository(mutable_tags=["dev-*"]), repository(immutable_tags=["v+"])),
    "tag-exclusion-wildcards": (repository(mutable_tags=["*-dev-*"]), repository(immutable_tags=["*-v*-*"])),
    "lifecycle-text": (lifecycle({"keep": 10}), lambda _: LifecyclePolicy()),
    "lifecycle-rules": (
        lifecycle(*({"tags": f"v{number}.*", "keep": 1} for number in range(50))),
        lifecycle(*({"tags": f"v{number}.*", "keep": 1} for number in range(51))),
    ),
    "lifecycle-priority": (rule(keep=2, priority=1), rule(keep=2, priority=0)),
    "lifecycle-priorities-unique": (
        lifecycle({"tags": "v*", "keep": 2, "priority": 7}, {"tags": "w*", "keep": 2}),
        lifecycle({"tags": "v*", "keep": 2, "priority": 2}, {"tags": "w*", "keep": 2, "priority": 2}),
    ),
    "lifecycle-any-last": (
        lifecycle({"tags": "v*", "keep": 2}, {"keep": 2}),
        lifecycle({"keep": 2}, {"tags": "v*", "keep": 2}),
    ),
    "lifecycle-untagged-once": (
        lifecycle(
            {"untagged": True, "older_than": days(1), "archive": True}, {"untagged": True, "archived_for": days(90)}
        ),
        lifecycle({"untagged": True, "keep": 2}, {"untagged": True, "older_than": days(1)}),
    ),
    "lifecycle-tags-once": (
        lifecycle({"tags": "v*", "keep": 2}, {"prefixes": "w", "keep": 2}),
        lifecycle({"tags": "v*", "keep": 2}, {"prefixes": "v", "keep": 2}),
    ),
    "lifecycle-selection": (rule(tags="v*", keep=2), rule(tags="v*", prefixes="v", keep=2)),
    "lifecycle-count": (rule(tags="v*", keep=1), rule(tags="v*", keep=0)),
    "images-per-repository": (rule(tags="v*", keep=100_000), rule(tags="v*", keep=100_001)),
    "lifecycle-days": (rule(older_than=days(1)), rule(older_than=days(1.5))),
    "lifecycle-count-or-age": (rule(keep=2), rule(keep=2, older_than=days(1))),
    "lifecycle-wildcards": (rule(tags="*a*b*c*", keep=2), repository(release_tags="*a*b*c*d*")),
    "lifecycle-rollback": (repository(keep_releases=2), repository(keep_releases=1)),
    "lifecycle-archived-days": (rule(archived_for=days(90)), rule(archived_for=days(89))),
    "replication-rules": (replications(25), replications(26)),
    "replication-destinations": (
        replication(to=[ReplicationDestination("eu-central-1", account=f"{n:012}") for n in range(100)]),
        replication(to=[]),
    ),
    "replication-unique-destinations": (replicated_to(25), replicated_to(26)),
    "replication-filters": (
        replication(prefix=[f"p{number}/" for number in range(100)]),
        replication(prefix=[f"p{number}/" for number in range(101)]),
    ),
    "replication-filter": (replication(prefix="prod/"), replication(prefix="prod/*")),
    "replication-region": (replication(to="us-gov-east-1"), replication(to="Frankfurt")),
    "account-id": (
        lambda _: ReplicationDestination("eu-central-1", account="222222222222"),
        lambda _: ReplicationDestination("eu-central-1", account="22222222222"),
    ),
    "scanning-rules": (
        scanning("CONTINUOUS_SCAN", "SCAN_ON_PUSH"),
        scanning("CONTINUOUS_SCAN", "SCAN_ON_PUSH", "SCAN_ON_PUSH"),
    ),
    "scanning-frequencies": (scanning("SCAN_ON_PUSH"), scanning("SCAN_ON_PUSH", "SCAN_ON_PUSH")),
    "scanning-basic-frequency": (
        scanning("SCAN_ON_PUSH", kind="BASIC"),
        scanning("CONTINUOUS_SCAN", kind="BASIC"),
    ),
    "scanning-filters": (scanned(*["prod/*"] * 100), scanned(*["prod/*"] * 101)),
    "scanning-filter": (scanned("*/web"), scanned("prod/")),
    "registry-policy-actions": (allowed("ecr:ReplicateImage"), allowed("ecr:BatchGetImage")),
    "registry-policy-length": (
        allowed("ecr:ReplicateImage", resources=10),
        allowed("ecr:ReplicateImage", resources=2000),
    ),
    "pull-through-prefix": (cache(prefix="ROOT"), cache(prefix="q")),
    "pull-through-rules": (
        caches(*(f"quay{number}" for number in range(50))),
        caches(*(f"quay{number}" for number in range(51))),
    ),
    "pull-through-prefixes-unique": (caches("one", "two"), caches("one", "one/")),
    "pull-through-upstream": (cache(), cache(upstream="nexus")),
    "pull-through-secret": (cache(secret=secret("ecr-pullthroughcache/quay")), cache(secret=secret("quay"))),
    "pull-through-secret-key": (
        cache(
            secret=secret("ecr-pullthroughcache/quay", "arn:aws:kms:eu-west-1:111111111111:alias/aws/secretsmanager")
        ),
        cache(secret=secret("ecr-pullthroughcache/quay", "arn:aws:kms:eu-west-1:111111111111:key/1a2b")),
    ),
    "template-prefix": (template("prod"), template("Prod")),
    "template-prefixes-unique": (
        registry(templates=[RepositoryTemplate("prod"), RepositoryTemplate("dev")]),
        registry(templates=[RepositoryTemplate("quay")], pull_through=[PullThrough.quay()]),
    ),
    "template-applied-for": (template(applied_for="REPLICATION"), template(applied_for=[])),
    "template-description": (template(description="x" * 256), template(description="x" * 257)),
    "signing-rules": (registry(signing=[SigningRule(PROFILE)] * 10), registry(signing=[SigningRule(PROFILE)] * 11)),
    "signing-filters": (
        lambda _: SigningRule(PROFILE, ["prod/*"] * 100),
        lambda _: SigningRule(PROFILE, ["prod/*"] * 101),
    ),
    "signing-filter": (lambda _: SigningRule(PROFILE, "prod/*"), lambda _: SigningRule(PROFILE, "prod/")),
    "signing-profile": (lambda _: SigningRule(PROFILE), lambda _: SigningRule("shop")),
    "signing-region": (
        in_region("eu-west-1", registry(signing=[SigningRule(PROFILE)])),
        in_region("eu-south-2", registry(signing=[SigningRule(PROFILE.replace("eu-west-1", "eu-south-2"))])),
    ),
    "pull-time-exclusion": (
        registry(pull_time_exclusions=["arn:aws:iam::111111111111:role/scanner"]),
        registry(pull_time_exclusions=["scanner"]),
    ),
    "pull-time-exclusions-unique": (
        registry(pull_time_exclusions=[f"arn:aws:iam::111111111111:role/{name}" for name in ("one", "two")]),
        registry(pull_time_exclusions=["arn:aws:iam::111111111111:role/one"] * 2),
    ),
    "api-calls": (called("PutImage"), lambda stack: Registry(stack, "Registry").on_api_call("Rule", calls=[])),
    "event-repository": (pushed(repositories=["prod/*"]), pushed(repositories=["prod/**"])),
    "event-tag": (pushed(tags=["v*"]), pushed(tags=["v**"])),
    "api-call": (called("DeleteRepository"), called("ecr:DeleteRepository")),
    "known-api-call": (called("Delete*"), called("RunTask")),
    "repository-tags": (
        settings(**{f"t{number}": "" for number in range(50)}),
        settings(**{f"t{number}": "" for number in range(51)}),
    ),
    "repository-tag-key": (settings(**{"t" * 128: ""}), settings(**{"t" * 129: ""})),
    "repository-tag-value": (settings(owner="x" * 256), settings(owner="x" * 257)),
    "public-repository-name": (public(name="shop-cli"), public(name="x" * 206)),
    "public-repository-region": (in_region("us-east-1", public()), in_region("eu-west-1", public())),
    "public-description": (public(description="x" * 1024), public(description="x" * 1025)),
    "public-text": (public(about="x" * 10240), public(usage="x" * 10241)),
    "public-platform": (public(architectures=["ARM 64"]), public(operating_systems=["x" * 51])),
    "public-platforms": (public(architectures=["ARM"] * 50), public(architectures=["ARM"] * 51)),
    "public-logo": (logo(512_000), logo(512_001)),
}
