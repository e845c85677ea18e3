"""The registry of the company, and its replicas in the accounts and regions of environments."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs
import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from moorage import Cluster, Container, Service, Task
from moorage.testing import readable_template
from moorage.workload.image import RegistryImage
from stacks.images import Images
from stacks.registry import RegistryStack
from stacks.replica_registry import define_replicas
from stacks.settings import Description, EnvironmentSettings, ToolingSettings
from stacks.settings.capacities import FargateSettings
from stacks.settings.environments import RegistrySettings
from stacks.settings.services import AllServiceSettings, ImageSettings, ServiceOverrides
from stacks.tooling import Tooling
from tests.conftest import imported_vpc, template

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

TOOLING, DEV, STAGING, PRODUCTION = "111111111111", "222222222222", "333333333333", "444444444444"
IRELAND, FRANKFURT, PARIS = "eu-west-1", "eu-central-1", "eu-west-3"
IMAGES = {"ui", "catalog", "cart", "orders", "checkout"}
DIGEST = f"sha256:{'0a' * 32}"


def environment(**settings: Any) -> EnvironmentSettings:
    return EnvironmentSettings(removable=True, capacity={"fargate": FargateSettings(kind="fargate")}, **settings)


def tooling(**settings: Any) -> ToolingSettings:
    registry = RegistrySettings(caches=("ecr-public",), replicates_to=("production",))
    return ToolingSettings(registry=settings.pop("registry", registry), **settings)


def description(
    places: Mapping[str, tuple[str | None, str | None]], recovery_region: str | None = None, **settings: Any
) -> Description:
    """Return a description with the account and region of each environment, and the settings of the tooling."""
    own = dict(zip(("account", "region"), places["tooling"], strict=True))
    return Description(
        environments={
            name: environment(
                account=places[name][0],
                region=places[name][1],
                recovery_region=recovery_region if name == "production" else None,
                images=ImageSettings() if recovery_region and name == "production" else None,
            )
            for name in ("dev", "staging", "production")
        },
        tooling=tooling(**own, **settings),
    )


NO_ACCOUNT = description(dict.fromkeys(("tooling", "dev", "staging", "production"), (None, None)))
ONE_ACCOUNT = description(dict.fromkeys(("tooling", "dev", "staging", "production"), (TOOLING, IRELAND)))
FOUR_PLACES = {
    "tooling": (TOOLING, IRELAND),
    "dev": (DEV, IRELAND),
    "staging": (STAGING, FRANKFURT),
    "production": (PRODUCTION, IRELAND),
}
FOUR_ACCOUNTS = description(FOUR_PLACES, FRANKFURT, operators=("operators@example.com",))
DESCRIPTIONS = {"no-account": NO_ACCOUNT, "one-account": ONE_ACCOUNT, "four-accounts": FOUR_ACCOUNTS}


class Stages:
    """The stages of a description, each environment with its replicas and the repositories that it has already."""

    def __init__(self, of: Description) -> None:
        self.app = cdk.App(analytics_reporting=False)
        self.tooling = Tooling(self.app, description=of)
        for name, settings in of.environments.items():
            stage = cdk.Stage(self.app, name, env=settings.env)
            RegistryStack(stage, "Registry", settings=settings)
            define_replicas(stage, name, description=of, source=self.tooling.registry)

    def stack(self, path: str) -> cdk.Stack:
        stage, stack = path.split("/")
        found: cdk.Stack = self.app.node.find_child(stage).node.find_child(stack)  # type: ignore[assignment]  # a stack
        return found

    def template(self, path: str) -> Template:
        return template(self.stack(path))

    @property
    def replicas(self) -> list[str]:
        return [
            each.node.path
            for each in self.app.node.find_all()
            if isinstance(each, cdk.Stack) and each.node.id.endswith("Replica")
        ]

    @property
    def warnings(self) -> list[str]:
        return [
            f"{each.node.path}: {entry.data}"
            for each in self.app.node.find_all()
            for entry in each.node.metadata
            if entry.type == "aws:cdk:warning"
        ]


@pytest.fixture(scope="module")
def made() -> dict[str, Stages]:
    return {name: Stages(each) for name, each in DESCRIPTIONS.items()}


@pytest.fixture(scope="module")
def four(made: dict[str, Stages]) -> Stages:
    return made["four-accounts"]


def of_type(template: Template, kind: str) -> list[dict[str, Any]]:
    return [each["Properties"] for each in template.find_resources(kind).values()]


def accounts_of(principal: Any) -> list[str]:
    """Return the accounts of a statement's principals."""
    return re.findall(r"iam::(\d{12}):root", json.dumps(principal["AWS"]))


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_whole_template_of_the_company_registry(
    made: dict[str, Stages], name: str, template_snapshot: SnapshotAssertion
) -> None:
    assert readable_template(made[name].template("tooling/Registry")) == template_snapshot


@pytest.mark.parametrize("stack", ["Replica", "RecoveryReplica"])
def test_whole_template_of_a_replica(four: Stages, stack: str, template_snapshot: SnapshotAssertion) -> None:
    assert readable_template(four.template(f"production/{stack}")) == template_snapshot


def test_images_are_replicated_to_production_and_its_recovery_region(four: Stages) -> None:
    (replication,) = of_type(four.template("tooling/Registry"), "AWS::ECR::ReplicationConfiguration")
    assert replication["ReplicationConfiguration"]["Rules"] == [
        {
            "Destinations": [
                {"Region": IRELAND, "RegistryId": PRODUCTION},
                {"Region": FRANKFURT, "RegistryId": PRODUCTION},
            ],
            "RepositoryFilters": [{"Filter": "retail/", "FilterType": "PREFIX_MATCH"}],
        }
    ]
    assert four.replicas == ["production/Replica", "production/RecoveryReplica"]
    places = [(each.account, each.region) for each in map(four.stack, four.replicas)]
    assert places == [(PRODUCTION, IRELAND), (PRODUCTION, FRANKFURT)]


def test_a_replica_accepts_copies_only_from_the_account_of_the_tooling(four: Stages) -> None:
    for path, region in zip(four.replicas, (IRELAND, FRANKFURT), strict=True):
        (policy,) = of_type(four.template(path), "AWS::ECR::RegistryPolicy")
        (statement,) = policy["PolicyText"]["Statement"]
        assert accounts_of(statement["Principal"]) == [TOOLING]
        assert statement["Action"] == ["ecr:ReplicateImage", "ecr:CreateRepository"]
        assert json.dumps(statement["Resource"]).endswith(f':ecr:{region}:{PRODUCTION}:repository/retail/*"]]}}')
        (creation,) = of_type(four.template(path), "AWS::ECR::RepositoryCreationTemplate")
        assert (creation["Prefix"], creation["AppliedFor"]) == ("retail", ["REPLICATION"])
        assert creation["ImageTagMutability"] == "IMMUTABLE"
        assert json.loads(creation["LifecyclePolicy"])["rules"]


def test_the_images_that_run_are_scanned_continuously_and_all_others_on_push(four: Stages) -> None:
    for path in ("tooling/Registry", *four.replicas):
        (scanning,) = of_type(four.template(path), "AWS::ECR::RegistryScanningConfiguration")
        assert scanning["ScanType"] == "ENHANCED"
        filters = {
            rule["ScanFrequency"]: [each["Filter"] for each in rule["RepositoryFilters"]] for rule in scanning["Rules"]
        }
        assert filters == {"CONTINUOUS_SCAN": ["retail/*", "ecr-public/*"], "SCAN_ON_PUSH": ["*"]}


def test_each_image_has_a_repository_with_immutable_tags_and_one_in_the_cache(made: dict[str, Stages]) -> None:
    for stages in made.values():
        repositories = of_type(stages.template("tooling/Registry"), "AWS::ECR::Repository")
        assert {each["RepositoryName"] for each in repositories} == {
            f"{prefix}{image}"
            for prefix in ("retail/", "ecr-public/aws-containers/retail-store-sample-")
            for image in IMAGES
        }
        assert {each["ImageTagMutability"] for each in repositories} == {"IMMUTABLE"}


def test_repositories_that_ecr_creates_expire_images_and_let_the_other_accounts_pull(four: Stages) -> None:
    templates = {
        each["Prefix"]: each
        for each in of_type(four.template("tooling/Registry"), "AWS::ECR::RepositoryCreationTemplate")
    }
    assert {prefix: each["AppliedFor"] for prefix, each in templates.items()} == {
        "retail": ["CREATE_ON_PUSH"],
        "ecr-public": ["PULL_THROUGH_CACHE"],
    }
    assert templates["retail"]["ImageTagMutability"] == "IMMUTABLE"
    assert templates["ecr-public"]["ImageTagMutability"] == "MUTABLE", "tags such as latest move upstream"
    for each in templates.values():
        assert json.loads(each["LifecyclePolicy"])["rules"]
        text = json.dumps(each["RepositoryPolicy"])
        assert all(account in text for account in (DEV, STAGING, PRODUCTION))
        assert TOOLING not in text


def test_other_accounts_pull_and_fill_the_cache_and_no_account_pushes(four: Stages) -> None:
    pulls = {"ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"}
    stack = four.template("tooling/Registry")
    for repository in of_type(stack, "AWS::ECR::Repository"):
        (statement,) = repository["RepositoryPolicyText"]["Statement"]
        assert accounts_of(statement["Principal"]) == [DEV, STAGING, PRODUCTION]
        is_cached = repository["RepositoryName"].startswith("ecr-public/")
        assert set(statement["Action"]) == pulls | ({"ecr:BatchImportUpstreamImage"} if is_cached else set())
    (policy,) = of_type(stack, "AWS::ECR::RegistryPolicy")
    (statement,) = policy["PolicyText"]["Statement"]
    assert accounts_of(statement["Principal"]) == [DEV, STAGING, PRODUCTION]
    assert statement["Action"] == ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"]
    assert json.dumps(statement["Resource"]).endswith(f':ecr:{IRELAND}:{TOOLING}:repository/ecr-public/*"]]}}')


def test_a_task_of_another_account_may_pull_from_the_cache_and_fill_it(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Shop", env=cdk.Environment(account=DEV, region=IRELAND))
    task = Task(Container(Images(FOUR_ACCOUNTS, "dev").of(stack, "carts"), port=8080))
    Service(stack, "Web", cluster=Cluster(stack, "Cluster", vpc=imported_vpc(stack)), task=task)
    shop = template(stack)
    name = "ecr-public/aws-containers/retail-store-sample-cart"
    (definition,) = of_type(shop, "AWS::ECS::TaskDefinition")
    image = definition["ContainerDefinitions"][0]["Image"]["Fn::Join"][1]
    assert (image[0], image[2]) == (f"{TOOLING}.dkr.ecr.{IRELAND}.", f"/{name}:1.6.2")
    granted = {
        action
        for policy in of_type(shop, "AWS::IAM::Policy")
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Resource"] == f"arn:aws:ecr:{IRELAND}:{TOOLING}:repository/{name}"
        for action in statement["Action"]
    }
    assert granted == {
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:BatchImportUpstreamImage",
        "ecr:CreateRepository",
        "ecr:GetDownloadUrlForLayer",
    }


@pytest.mark.parametrize(
    "without",
    [
        NO_ACCOUNT,
        attrs.evolve(description(FOUR_PLACES), tooling=None),
        description(FOUR_PLACES, registry=RegistrySettings()),
        description({**FOUR_PLACES, "production": (None, None)}),
    ],
    ids=["no-account", "no-tooling", "no-cache", "unknown-account"],
)
def test_images_come_from_ecr_public_unless_the_cache_and_the_account_are_known(
    stack: cdk.Stack, without: Description
) -> None:
    image = Images(without, "production").of(stack, "ui")
    assert image == RegistryImage("public.ecr.aws/aws-containers/retail-store-sample-ui:1.6.2")


@pytest.mark.parametrize("place", [(None, None), (TOOLING, IRELAND)])
def test_a_digest_pins_the_image_of_one_service(stack: cdk.Stack, place: tuple[str | None, str | None]) -> None:
    services = AllServiceSettings(ui=ServiceOverrides(digest=DIGEST))
    account, region = place
    pinned = Description(
        environments={"production": environment(account=account, region=region, services=services)},
        tooling=tooling(account=account, region=region),
    )
    images = {service: Images(pinned, "production").of(stack, service) for service in ("ui", "carts")}
    if account:
        versions = {service: (each.tag, each.digest) for service, each in images.items()}  # type: ignore[attr-defined]  # of a repository
        assert versions == {"ui": (None, DIGEST), "carts": ("1.6.2", None)}
    else:
        assert images["ui"] == RegistryImage(f"public.ecr.aws/aws-containers/retail-store-sample-ui@{DIGEST}")
        assert images["carts"] == RegistryImage("public.ecr.aws/aws-containers/retail-store-sample-cart:1.6.2")


def test_a_digest_is_that_of_one_service() -> None:
    with pytest.raises(ExceptionGroup) as raised:
        AllServiceSettings(digest=DIGEST)
    assert [str(each) for each in raised.value.exceptions] == [
        "must be set for a single service, not for all; set it in a table such as [dev.services.ui]"
    ]
    with pytest.raises(ExceptionGroup) as raised:
        AllServiceSettings(ui=ServiceOverrides(digest="latest"))
    (problem,) = raised.value.exceptions
    assert str(problem) == f'must be the digest of an image (got "latest"); for example "{DIGEST}"'
    assert getattr(problem, "setting", None) == ("ui", "digest")


def rules(template: Template) -> Iterator[tuple[str, dict[str, Any], list[Any]]]:
    for rule in of_type(template, "AWS::Events::Rule"):
        pattern = rule["EventPattern"]
        kinds = [
            *pattern["detail-type"],
            *pattern["detail"].get("action-type", ()),
            *pattern["detail"].get("result", ()),
        ]
        yield " ".join(kinds), pattern["detail"], [each["Arn"]["Ref"] for each in rule["Targets"]]


def test_events_of_the_registry_reach_the_operators(four: Stages) -> None:
    """Replications are not among them, since ECR sends their events in the account and region of the copy."""
    stack = four.template("tooling/Registry")
    (topic,) = stack.find_resources("AWS::SNS::Topic")
    found = {kind: targets for kind, _, targets in rules(stack)}
    assert found == {
        "ECR Image Action PUSH SUCCESS": [topic],
        "Inspector2 Finding": [topic],
        "AWS API Call via CloudTrail": [topic],
    }
    details = {kind: detail for kind, detail, _ in rules(stack)}
    assert details["Inspector2 Finding"]["severity"] == ["CRITICAL"]
    assert details["AWS API Call via CloudTrail"]["eventName"] == ["DeleteRepository"]
    assert details["ECR Image Action PUSH SUCCESS"]["repository-name"] == [{"wildcard": "retail/*"}]
    (subscription,) = of_type(stack, "AWS::SNS::Subscription")
    assert (subscription["Endpoint"], subscription["Protocol"]) == ("operators@example.com", "email")
    assert subscription["TopicArn"] == {"Ref": topic}


def test_arrived_copies_and_critical_findings_reach_the_operators_of_production(four: Stages) -> None:
    for path in four.replicas:
        stack = four.template(path)
        (topic,) = stack.find_resources("AWS::SNS::Topic")
        assert {kind: targets for kind, _, targets in rules(stack)} == {
            "ECR Replication Action REPLICATE SUCCESS": [topic],
            "ECR Replication Action REPLICATE FAILED": [topic],
            "Inspector2 Finding": [topic],
        }


def test_topics_are_encrypted_and_refuse_plain_http(made: dict[str, Stages]) -> None:
    for stages in made.values():
        for path in ("tooling/Registry", *stages.replicas):
            stack = stages.template(path)
            (topic,) = of_type(stack, "AWS::SNS::Topic")
            assert "KmsMasterKeyId" in topic
            (policy,) = of_type(stack, "AWS::SNS::TopicPolicy")
            denied = [each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Deny"]
            assert [each["Condition"] for each in denied] == [{"Bool": {"aws:SecureTransport": "false"}}]


def test_alarms_near_the_quotas_of_pulls_and_pushes_reach_the_operators(four: Stages) -> None:
    stack = four.template("tooling/Registry")
    (topic,) = stack.find_resources("AWS::SNS::Topic")
    alarms = of_type(stack, "AWS::CloudWatch::Alarm")
    assert [each["AlarmActions"] for each in alarms] == [[{"Ref": topic}]] * 3
    assert {
        dimension["Value"]
        for each in alarms
        for metric in each["Metrics"]
        for dimension in metric.get("MetricStat", {}).get("Metric", {}).get("Dimensions", ())
        if dimension["Name"] == "Resource"
    } == {"BatchGetImage", "GetDownloadUrlForLayer", "PutImage"}


def test_an_audit_trail_is_kept_unless_the_tooling_is_removable(made: dict[str, Stages]) -> None:
    for stages in made.values():
        stack = stages.template("tooling/Registry")
        stack.resource_count_is("AWS::CloudTrail::Trail", 1)
        (bucket,) = stack.find_resources("AWS::S3::Bucket").values()
        assert bucket["DeletionPolicy"] == "Retain"
        for repository in stack.find_resources("AWS::ECR::Repository").values():
            is_cached = repository["Properties"]["RepositoryName"].startswith("ecr-public/")
            assert repository["DeletionPolicy"] == ("Delete" if is_cached else "RetainExceptOnCreate")
        assert stages.stack("tooling/Registry").termination_protection


def test_removable_tooling_can_be_destroyed_completely() -> None:
    stages = Stages(description(FOUR_PLACES, removable=True))
    stack = stages.template("tooling/Registry")
    for name, resource in stack.to_json()["Resources"].items():
        assert resource.get("DeletionPolicy", "Delete") == "Delete", name
    for repository in of_type(stack, "AWS::ECR::Repository"):
        assert repository["EmptyOnDelete"]
    stack.resource_count_is("Custom::S3AutoDeleteObjects", 1)
    assert not stages.stack("tooling/Registry").termination_protection


@pytest.mark.parametrize("recovery_region", [None, FRANKFURT])
def test_one_account_and_region_has_one_registry(recovery_region: str | None) -> None:
    stages = Stages(
        description(dict.fromkeys(("tooling", "dev", "staging", "production"), (TOOLING, IRELAND)), recovery_region)
    )
    assert stages.replicas == (["production/RecoveryReplica"] if recovery_region else [])
    stack = stages.template("tooling/Registry")
    stack.resource_count_is("AWS::ECR::ReplicationConfiguration", 1 if recovery_region else 0)
    stack.resource_count_is("AWS::ECR::RegistryPolicy", 0)
    stages.app.synth()


def test_a_recovery_region_that_is_the_region_of_another_replica_has_one_registry() -> None:
    places = {**FOUR_PLACES, "staging": (PRODUCTION, FRANKFURT)}
    both = RegistrySettings(caches=("ecr-public",), replicates_to=("production", "staging"))
    assert Stages(description(places, FRANKFURT, registry=both)).replicas == ["staging/Replica", "production/Replica"]
    assert Stages(description(places, PARIS, registry=both)).replicas == [
        "staging/Replica",
        "production/Replica",
        "production/RecoveryReplica",
    ]


def test_each_missing_account_has_one_warning(made: dict[str, Stages]) -> None:
    assert made["one-account"].warnings == []
    assert made["four-accounts"].warnings == []
    partial = description({**FOUR_PLACES, "dev": (None, IRELAND), "production": (PRODUCTION, None)})
    assert Stages(partial).warnings == [
        "tooling/Registry: environments.toml: dev.account is not set, so its tasks pull from Amazon ECR Public; set it "
        "[ack: retail:dev-account]",
        "tooling/Registry: environments.toml: production.region is not set, so images are not replicated there; set it "
        "[ack: retail:production-account]",
    ]


def test_no_account_has_a_warning_while_no_place_is_set(made: dict[str, Stages]) -> None:
    assert made["no-account"].warnings == []
    one = description({**dict.fromkeys(FOUR_PLACES, (None, None)), "dev": (DEV, None)})
    assert Stages(one).warnings == [
        "tooling/Registry: environments.toml: tooling.account and tooling.region are not set, so no image is "
        "replicated, and all tasks pull from Amazon ECR Public; set both [ack: retail:tooling-account]",
        "tooling/Registry: environments.toml: production.account and production.region are not set, so images are not "
        "replicated there; set both [ack: retail:production-account]",
    ]


def test_every_description_is_valid_as_an_app(made: dict[str, Stages]) -> None:
    for stages in made.values():
        stages.app.synth()


def test_every_cache_can_be_used_without_a_warning() -> None:
    caches = RegistrySettings(caches=("ecr-public", "quay", "kubernetes"), replicates_to=("production",))
    stages = Stages(description(FOUR_PLACES, registry=caches))
    stages.app.synth()
    assert stages.warnings == []
    upstreams = of_type(stages.template("tooling/Registry"), "AWS::ECR::PullThroughCacheRule")
    assert {each["EcrRepositoryPrefix"]: each["UpstreamRegistryUrl"] for each in upstreams} == {
        "ecr-public": "public.ecr.aws",
        "quay": "quay.io",
        "kubernetes": "registry.k8s.io",
    }


def test_tags_and_the_permissions_boundary_apply_to_the_tooling() -> None:
    stages = Stages(description(FOUR_PLACES, tags={"owner": "tools"}, permissions_boundary="limit"))
    stack = stages.template("tooling/Registry")
    for role in of_type(stack, "AWS::IAM::Role"):
        assert json.dumps(role["PermissionsBoundary"]).endswith(':policy/limit"]]}')
    assert all({"Key": "owner", "Value": "tools"} in each["Tags"] for each in of_type(stack, "AWS::ECR::Repository"))


def test_a_description_without_tooling_has_no_stage_for_it() -> None:
    with pytest.raises(ValueError, match=r"add the table \[tooling\]"):
        Tooling(cdk.App(), description=attrs.evolve(description(FOUR_PLACES), tooling=None))
