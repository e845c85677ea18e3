"""The values of a registry: scanning, replication, caches, templates and signing."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import attrs
import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam

from moorage import (
    Encryption,
    PublicRepository,
    PullThrough,
    Registry,
    Replication,
    ReplicationDestination,
    ReplicationSource,
    RepositorySettings,
    Scanning,
    ScanningRule,
    Severity,
    SigningRule,
)
from moorage.ecr.registry.replication import check_rules, replication_cycles, rules_for_destination
from moorage.ecr.registry.repository_templates import RepositoryTemplate, merge_templates
from moorage.ecr.repository.repository_settings import TagMutability
from moorage.scope.place import Place
from moorage.workload.problems import Problems
from tests.stand_ins import stand_in

HERE: Place = ("111111111111", "eu-west-1")
ARN = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:ecr-pullthroughcache/hub-AbCdEf"
SECRET = stand_in("aws_secretsmanager.ISecret", secret_arn=ARN)
PROFILE = "arn:aws:signer:eu-west-1:111111111111:/signing-profiles/shop"


@pytest.mark.parametrize("values", [[], (), iter([])])
def test_an_empty_filter_is_refused(values: Any) -> None:
    with pytest.raises(
        ValueError, match=r"prefix must not be empty \(got \[\]\); leave prefix= out for all repositories"
    ):
        Replication(prefix=values, to="us-east-1")
    with pytest.raises(
        ValueError, match=r"repositories must not be empty \(got \[\]\); leave repositories= out for all"
    ):
        SigningRule(PROFILE, values)


def test_a_rule_for_all_repositories_can_be_evolved() -> None:
    everything = attrs.evolve(Replication(to="us-east-1"), to="us-east-2")
    assert everything == Replication(prefix=None, to="us-east-2")
    assert everything._copies("any")
    assert attrs.evolve(SigningRule(PROFILE), repositories="prod/*") == SigningRule(PROFILE, ["prod/*"])


def test_basic_scanning_scans_all_images_on_push() -> None:
    assert Scanning.basic().rules == (ScanningRule("SCAN_ON_PUSH", "*"),)
    assert Scanning.basic(on_push=()).rules == ()
    assert not Scanning.basic()._by_inspector


def test_enhanced_scanning_is_continuous_by_default() -> None:
    assert Scanning.enhanced().rules == (ScanningRule("CONTINUOUS_SCAN", "*"),)
    both = Scanning.enhanced(continuous=["prod/*"], on_push=["*"])
    assert [rule.frequency for rule in both.rules] == ["CONTINUOUS_SCAN", "SCAN_ON_PUSH"]
    assert both._by_inspector


def test_a_filter_without_a_wildcard_matches_names_that_contain_it() -> None:
    scanning = Scanning.enhanced(continuous=["prod", "dev/*", "*/web"])
    assert scanning._unmatched_filters(["my-prod-images", "test/web"]) == ["dev/*"]


def test_unknown_scan_types_and_frequencies_are_refused() -> None:
    with pytest.raises(ValueError, match=r"kind must be 'BASIC' or 'ENHANCED' \(got 'INSPECTOR'\)"):
        Scanning("INSPECTOR", ())
    with pytest.raises(ValueError, match=r"frequency must be 'SCAN_ON_PUSH' or 'CONTINUOUS_SCAN' \(got 'DAILY'\)"):
        ScanningRule("DAILY", "*")


def test_a_severity_includes_higher_ones() -> None:
    assert Severity.CRITICAL._and_graver == ("CRITICAL",)
    assert Severity.MEDIUM._and_graver == ("CRITICAL", "HIGH", "MEDIUM")


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ([Replication(to="eu-west-1")], "must not go to this registry itself (got eu-west-1)"),
        (
            [Replication(prefix="prod/", to=[ReplicationDestination("eu-west-1", account=HERE[0])])],
            "must not go to this registry itself",
        ),
        ([Replication(to="us-east-1"), Replication(to=["us-east-1"])], "all repositories must not be given twice"),
        (
            [Replication(prefix=["a/", "b/"], to="us-east-1"), Replication(prefix=["b/", "a/"], to="us-east-1")],
            "prefix 'b/', 'a/' must not be given twice",
        ),
        (
            [Replication(to=["us-east-1", ReplicationDestination("us-east-1", account=HERE[0])])],
            "without an account, which is the same",
        ),
    ],
)
def test_contradicting_replication_rules_are_refused(rules: list[Replication], says: str) -> None:
    problems = Problems("Registry")
    check_rules(rules, HERE, problems)
    assert any(says in problem for problem in problems.messages), problems.messages


def test_the_same_region_of_another_account_is_a_valid_destination() -> None:
    problems = Problems("Registry")
    check_rules([Replication(to=ReplicationDestination("eu-west-1", account="222222222222"))], HERE, problems)
    assert not problems.messages


def test_a_repeated_destination_is_refused() -> None:
    with pytest.raises(ValueError, match=r"to must name each destination once \(got us-east-1 more than once\)"):
        Replication(to=["us-east-1", "us-east-1"])


def test_a_source_needs_a_replication() -> None:
    with pytest.raises(ValueError, match="ReplicationSource: 2 problems"):
        ReplicationSource("1", [])


def test_only_rules_for_the_destination_apply() -> None:
    here = Replication(prefix="a/", to=["eu-west-1"])
    account = Replication(prefix="b/", to=[ReplicationDestination("eu-west-1", account="333333333333")])
    assert rules_for_destination([here, account], ("222222222222", "us-east-1"), ("222222222222", "eu-west-1")) == (
        here,
    )
    assert rules_for_destination([here, account], ("222222222222", "us-east-1"), (None, None)) == (here, account)


def test_a_circle_needs_overlapping_prefixes() -> None:
    there: Place = ("111111111111", "us-east-1")
    to_there, back = Replication(prefix="prod/", to="us-east-1"), Replication(prefix="prod/web", to="eu-west-1")
    assert list(replication_cycles([(HERE, [to_there]), (there, [back])])) == [(HERE, there)]
    other = Replication(prefix="dev/", to="eu-west-1")
    assert not list(replication_cycles([(HERE, [to_there]), (there, [other])]))


def test_a_long_circle_is_found_and_a_star_is_not_a_circle() -> None:
    regions = ["eu-west-1", "us-east-1", "ap-south-1"]
    places: list[Place] = [("111111111111", region) for region in regions]
    around = [(places[n], [Replication(to=regions[(n + 1) % 3])]) for n in range(3)]
    assert list(replication_cycles(around)) == [tuple(places)]
    assert not list(replication_cycles([(places[0], [Replication(to=regions[1:])]), (places[1], []), (places[2], [])]))


@pytest.mark.parametrize(
    ("make", "upstream", "url"),
    [
        (PullThrough.ecr_public, "ecr-public", "public.ecr.aws"),
        (PullThrough.quay, "quay", "quay.io"),
        (PullThrough.kubernetes, "k8s", "registry.k8s.io"),
        (lambda: PullThrough.docker_hub(SECRET), "docker-hub", "registry-1.docker.io"),
        (lambda: PullThrough.github(SECRET), "github-container-registry", "ghcr.io"),
        (lambda: PullThrough.gitlab(SECRET), "gitlab-container-registry", "registry.gitlab.com"),
        (lambda: PullThrough.azure("shop", SECRET), "azure-container-registry", "shop.azurecr.io"),
        (lambda: PullThrough.chainguard(SECRET), "chainguard", "cgr.dev"),
        (
            lambda: PullThrough.ecr(account="222222222222", region="us-east-1", prefix="base"),
            "ecr",
            "222222222222.dkr.ecr.us-east-1.amazonaws.com",
        ),
    ],
)
def test_every_upstream_registry_has_a_method(make: Any, upstream: str, url: str) -> None:
    cache = make()
    assert (cache.upstream, cache.url) == (upstream, url)
    assert cache.settings._tag_mutability.setting == "MUTABLE"


@pytest.mark.parametrize(
    "make", [PullThrough.docker_hub, PullThrough.github, PullThrough.gitlab, PullThrough.chainguard]
)
def test_a_registry_with_authentication_needs_a_secret(make: Any) -> None:
    with pytest.raises(ValueError, match="secret must be given for .*, which requires authentication"):
        make()


def test_a_secret_that_cloudformation_names_is_refused() -> None:
    named, stack = SimpleNamespace(name=None), SimpleNamespace(resolve=lambda value: value)
    node = SimpleNamespace(default_child=named)
    secret = stand_in("aws_secretsmanager.ISecret", secret_arn="${Token[A.1]}", node=node, stack=stack)  # noqa: S106  # a token
    with pytest.raises(ValueError, match="must be 'ecr-pullthroughcache/'"):
        PullThrough.docker_hub(secret)
    named.name = "ecr-pullthroughcache/hub"
    assert PullThrough.docker_hub(secret)


def test_tag_mutability_follows_from_the_filters() -> None:
    problems = Problems("Repository")
    fixed = TagMutability.from_arguments(problems, immutable_tags=True, mutable_tags=["latest", "dev-*"])
    assert fixed.setting == "IMMUTABLE_WITH_EXCLUSION"
    assert [fixed.is_immutable(tag) for tag in ("1.0", "latest", "dev-7")] == [True, False, False]
    moving = TagMutability.from_arguments(problems, immutable_tags=["v*"], mutable_tags=())
    assert moving.setting == "MUTABLE_WITH_EXCLUSION"
    assert [moving.is_immutable(tag) for tag in ("v1", "latest")] == [True, False]
    assert TagMutability.from_arguments(problems, immutable_tags=False, mutable_tags=()).setting == "MUTABLE"
    assert not problems.messages


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"immutable_tags": False, "mutable_tags": ["latest"]}, "which makes every tag mutable"),
        ({"immutable_tags": ["v*"], "mutable_tags": ["latest"]}, "must not both name tags"),
        ({"mutable_tags": ["a b"]}, "mutable_tags must be 1 to 128 letters"),
    ],
)
def test_contradicting_settings_are_refused(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        RepositorySettings(**arguments)


def test_settings_and_encryption_are_equal_by_value() -> None:
    assert RepositorySettings(mutable_tags=["latest"]) == RepositorySettings(mutable_tags=("latest",))
    assert Encryption.own_key()._uses_customer_key
    assert not Encryption.aws_key()._uses_customer_key


def test_templates_of_one_prefix_with_equal_settings_are_merged() -> None:
    problems = Problems("Registry")
    (one,) = merge_templates(
        [RepositoryTemplate("prod"), RepositoryTemplate("prod/", applied_for="REPLICATION")], problems
    )
    assert one.applied_for == ("CREATE_ON_PUSH", "REPLICATION")
    assert not problems.messages
    merge_templates(
        [RepositoryTemplate("prod"), RepositoryTemplate("prod", RepositorySettings(immutable_tags=False))], problems
    )
    assert (
        "the prefixes of creation templates must be unique unless the settings are the same (got 'prod' more than once)"
        in problems.messages[0]
    )


def test_signing_filters_match_by_their_wildcards() -> None:
    assert SigningRule(PROFILE, ["prod/*", "dev"])._unmatched_filters(["prod/web", "dev-web"]) == ["dev"]


def test_values_do_not_import_cdk() -> None:
    code = (
        "import sys; from moorage import LifecyclePolicy, Replication, Scanning, PullThrough, RepositoryTemplate;"
        "from moorage import Severity;"
        "LifecyclePolicy.releases(); Replication(to='eu-west-1'); Scanning.enhanced(); PullThrough.quay();"
        "print([name for name in sys.modules if name.startswith(('aws_cdk', 'jsii', 'constructs'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(("region", "count"), [("us-east-1", 0), ("cn-north-1", 1), ("us-gov-west-1", 1)])
def test_images_are_not_replicated_to_another_partition(region: str, count: int) -> None:
    problems = Problems("Shop/Registry")
    check_rules([Replication(to=region)], HERE, problems)
    assert sum(f"must stay in the partition of eu-west-1 (got {region})" in each for each in problems.messages) == count


def test_a_statement_of_a_policy_names_a_principal(stack: cdk.Stack) -> None:
    statement = iam.PolicyStatement(actions=["ecr:ReplicateImage"], resources=["*"])
    message = r"policy must name a principal in each statement; use PolicyStatement\(principals=\[...\]\)"
    with pytest.raises(ValueError, match=message):
        Registry(stack, "Registry", policy=[statement])
    with pytest.raises(ValueError, match=message):
        RepositorySettings(policy=[statement])


def test_a_policy_of_a_repository_names_no_resource(app: cdk.App) -> None:
    of_all = iam.PolicyStatement(actions=["ecr:BatchGetImage"], principals=[iam.AnyPrincipal()], resources=["*"])
    with pytest.raises(ValueError, match="policy must not name a resource .*; leave resources= out"):
        RepositorySettings(policy=[of_all])
    stack = cdk.Stack(app, "Gallery", env=cdk.Environment(account="111111111111", region="us-east-1"))
    public = PublicRepository(stack, "Web")
    with pytest.raises(ValueError, match="Gallery/Web: statement must not name a resource .*; leave resources= out"):
        public.add_to_resource_policy(of_all)
    with pytest.raises(ValueError, match="Gallery/Web: statement must name a principal"):
        public.add_to_resource_policy(iam.PolicyStatement(actions=["ecr-public:BatchGetImage"]))
    everyone = iam.PolicyStatement(actions=["ecr-public:BatchGetImage"], principals=[iam.AnyPrincipal()])
    RepositorySettings(policy=[everyone])
    public.add_to_resource_policy(everyone)
