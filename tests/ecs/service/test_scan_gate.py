"""A gate that refuses images with findings, and images without a scan."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import boto3
import pytest
from aws_cdk import aws_ec2 as ec2
from botocore.stub import Stubber

from moorage import Cluster, Container, Rollout, ScanGate, Service, Severity, Task
from moorage.ecs.service import scan_gate_function
from moorage.testing import readable_template
from tests.conftest import template

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

WEB = Task(Container("public.ecr.aws/nginx/nginx:1.29", name="web", port=8080))


def test_ecs_asks_the_gate_before_it_starts_tasks(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    gate = ScanGate(stack, "ScanGate", severity=Severity.HIGH, timeout=cdk.Duration.minutes(5))
    cluster, rollout = Cluster(stack, "Cluster", vpc=vpc), Rollout.rolling(hooks=[gate.hook])
    for name in ("Web", "Api"):
        Service(stack, name, cluster=cluster, task=WEB, rollout=rollout)
    of = template(stack)
    ((name, function),) = of.find_resources("AWS::Lambda::Function").items()
    for service in of.find_resources("AWS::ECS::Service").values():
        (hook,) = service["Properties"]["DeploymentConfiguration"]["LifecycleHooks"]
        assert hook["HookTargetArn"] == {"Fn::GetAtt": [name, "Arn"]}
        assert hook["LifecycleStages"] == ["PRE_SCALE_UP"]
        assert hook["TimeoutConfiguration"] == {"TimeoutInMinutes": 5, "Action": "ROLLBACK"}
    variables = function["Properties"]["Environment"]["Variables"]
    assert (variables["SEVERITIES"], variables["STOP_AFTER"], variables["UNSCANNED"]) == ("CRITICAL HIGH", "280", "")
    assert len(function["Properties"]["Code"]["ZipFile"]) <= 4096


def test_the_function_is_exported_even_if_no_other_stack_imports_it(stack: cdk.Stack) -> None:
    ScanGate(stack, "ScanGate", severity=Severity.CRITICAL)
    of = template(stack)
    (name,) = of.find_resources("AWS::Lambda::Function")
    (output,) = of.to_json()["Outputs"].values()
    assert output["Value"] == {"Fn::GetAtt": [name, "Arn"]}


def test_the_function_may_only_read(stack: cdk.Stack) -> None:
    ScanGate(stack, "ScanGate", severity=Severity.CRITICAL)
    (policy,) = template(stack).find_resources("AWS::IAM::Policy").values()
    statements = policy["Properties"]["PolicyDocument"]["Statement"]
    scopes = {str(each["Action"]): each["Resource"] for each in statements}
    assert scopes["ecs:DescribeServiceRevisions"]["Fn::Join"][1][-1] == ":service-revision/*"
    images = "['ecr:BatchGetImage', 'ecr:DescribeImageScanFindings', 'ecr:DescribeImages']"
    assert scopes[images]["Fn::Join"][1][-1] == ":repository/*"
    assert scopes["['inspector2:ListCoverage', 'inspector2:ListFindings']"] == "*"
    assert scopes.keys() - {images} == {
        "ecs:DescribeServiceRevisions",
        "['inspector2:ListCoverage', 'inspector2:ListFindings']",
        "['logs:CreateLogStream', 'logs:PutLogEvents']",
    }


def test_the_logs_are_kept_for_a_year_and_can_be_removed_with_the_stack(stack: cdk.Stack) -> None:
    ScanGate(stack, "ScanGate", severity=Severity.CRITICAL, removal_policy=cdk.RemovalPolicy.DESTROY)
    (group,) = template(stack).find_resources("AWS::Logs::LogGroup").values()
    assert (group["Properties"]["RetentionInDays"], group["DeletionPolicy"]) == (365, "Delete")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"unscanned_images": ["a/*", "a b"]}, r"Shop/ScanGate: each item of unscanned_images must .*\(got 'a b'\)"),
        ({"unscanned_images": ""}, r"must be a pattern without spaces \(got ''\)"),
        ({"timeout": cdk.Duration.seconds(90)}, "timeout must be a whole number of minutes between 1 and"),
    ],
)
def test_a_gate_that_cannot_work_is_refused(stack: cdk.Stack, arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        ScanGate(stack, "ScanGate", severity=Severity.CRITICAL, **arguments)


def test_the_severity_is_one_of_those_of_ecr(stack: cdk.Stack) -> None:
    with pytest.raises(TypeError, match="severity must be of type Severity"):
        ScanGate(stack, "ScanGate", severity="CRITICAL")  # type: ignore[arg-type]  # wrong on purpose


def test_whole_template(stack: cdk.Stack, template_snapshot: SnapshotAssertion) -> None:
    ScanGate(stack, "ScanGate", severity=Severity.CRITICAL, unscanned_images="public.ecr.aws/aws-observability/*")
    assert readable_template(stack) == template_snapshot


REGISTRY = "111111111111.dkr.ecr.eu-west-1.amazonaws.com"
REVISION = "arn:aws:ecs:eu-west-1:111111111111:service-revision/c/s/1"
EVENT = {"executionDetails": {"targetServiceRevisionArn": REVISION}}
DIGEST, AMD, ARM, ATTESTATION = (f"sha256:{number:064}" for number in range(4))
NOW = 1_800_000_000
SCANNED = {"findingSeverityCounts": {"HIGH": 0, "LOW": 3}}
Answers = Mapping[str, Any]


class Asked:
    """The function, with stubs of ECS and ECR that accept only calls that AWS accepts."""

    def __init__(self) -> None:
        session = boto3.Session("id", "secret", region_name="eu-west-1")
        self.clients = {name: session.client(name) for name in ("ecs", "ecr")}
        self.ecs, self.ecr = (Stubber(client) for client in self.clients.values())

    def revision(self, *images: Mapping[str, str]) -> None:
        found = [{"serviceRevisionArn": REVISION, "containerImages": list(images)}]
        self.ecs.add_response(
            "describe_service_revisions", {"serviceRevisions": found}, {"serviceRevisionArns": [REVISION]}
        )

    def image(self, image_id: Mapping[str, str], digest: str = DIGEST, **manifest: Any) -> None:
        found = [{"imageId": {"imageDigest": digest}, "imageManifest": json.dumps({"schemaVersion": 2, **manifest})}]
        wanted = {"repositoryName": "shop/web", "imageIds": [image_id]}
        self.ecr.add_response("batch_get_image", {"images": found}, wanted)

    def scan(self, status: str, findings: Answers = SCANNED, digest: str = DIGEST, **more: str) -> None:
        answer = {"imageScanStatus": {"status": status}, "imageScanFindings": findings, **more}
        wanted = {"repositoryName": "shop/web", "imageId": {"imageDigest": digest}}
        if "of" in more:
            wanted["nextToken"] = answer.pop("of")
        self.ecr.add_response("describe_image_scan_findings", answer, wanted)

    def answer(self, details: Mapping[str, int] | None = None) -> dict[str, Any]:
        with self.ecs, self.ecr:
            answer = scan_gate_function.handler({**EVENT, "hookDetails": details}, None)
            self.ecs.assert_no_pending_responses()
            self.ecr.assert_no_pending_responses()
        return answer


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    monkeypatch.setenv("SEVERITIES", "CRITICAL HIGH")
    monkeypatch.setenv("REGISTRIES", f"{REGISTRY} 111111111111.dkr-ecr.eu-west-1.on.aws")
    monkeypatch.setenv("UNSCANNED", "public.ecr.aws/aws-observability/* redis:8")
    monkeypatch.setenv("STOP_AFTER", "880")
    asked, module = Asked(), sys.modules[scan_gate_function.__name__]
    clients: Callable[..., Any] = lambda name, config: asked.clients[name]  # noqa: ARG005, E731  # the name in boto3
    monkeypatch.setattr(module, "boto3", SimpleNamespace(client=clients))
    monkeypatch.setattr(module, "time", SimpleNamespace(time=lambda: NOW))
    return asked


PINNED = {"containerName": "web", "image": f"{REGISTRY}/shop/web@{DIGEST}"}
ACCEPTED, REFUSED = {"hookStatus": "SUCCEEDED"}, {"hookStatus": "FAILED"}
WAITING = {"hookStatus": "IN_PROGRESS", "callBackDelay": 10, "hookDetails": {"stopAt": NOW + 880}}


@pytest.mark.parametrize("status", ["COMPLETE", "ACTIVE"])
def test_a_scanned_image_without_grave_findings_is_accepted(
    asked: Asked, status: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked.revision(PINNED)
    asked.image({"imageDigest": DIGEST})
    asked.scan(status)
    assert asked.answer() == ACCEPTED
    assert capsys.readouterr().out == f"SUCCEEDED: {PINNED['image']} ({DIGEST}) has refused findings: none.\n"


@pytest.mark.parametrize("status", ["COMPLETE", "ACTIVE"])
def test_an_image_with_a_grave_finding_is_refused(
    asked: Asked, status: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked.revision(PINNED)
    asked.image({"imageDigest": DIGEST})
    asked.scan(status, {"findingSeverityCounts": {"HIGH": 2, "LOW": 1}})
    assert asked.answer() == REFUSED
    assert "FAILED: " in (said := capsys.readouterr().out)
    assert said.endswith("has refused findings: 2 HIGH.\n")


def test_each_page_of_findings_counts(asked: Asked) -> None:
    asked.revision(PINNED)
    asked.image({"imageDigest": DIGEST})
    asked.scan("ACTIVE", {"findingSeverityCounts": {"CRITICAL": 1}}, nextToken="2")
    asked.scan("ACTIVE", {"findingSeverityCounts": {"CRITICAL": 0}}, of="2")
    assert asked.answer() == REFUSED


@pytest.mark.parametrize("status", ["IN_PROGRESS", "PENDING"])
def test_the_gate_waits_for_a_scan_until_its_deadline(asked: Asked, status: str) -> None:
    for details, answer in ((None, WAITING), ({"stopAt": NOW + 1}, None), ({"stopAt": NOW}, REFUSED)):
        asked.revision(PINNED)
        asked.image({"imageDigest": DIGEST})
        asked.scan(status, {})
        assert asked.answer(details) == (answer or {**WAITING, "hookDetails": details})


@pytest.mark.parametrize(
    "status",
    [
        "FAILED",
        "UNSUPPORTED_IMAGE",
        "SCAN_ELIGIBILITY_EXPIRED",
        "FINDINGS_UNAVAILABLE",
        "LIMIT_EXCEEDED",
        "IMAGE_ARCHIVED",
    ],
)
def test_an_image_that_was_not_scanned_is_refused(asked: Asked, status: str) -> None:
    asked.revision(PINNED)
    asked.image({"imageDigest": DIGEST})
    asked.scan(status, {})
    assert asked.answer() == REFUSED


@pytest.mark.parametrize(("age", "answer"), [(880, WAITING), (881, REFUSED)])
def test_the_gate_waits_for_the_scan_of_a_new_image_only(asked: Asked, age: int, answer: dict[str, Any]) -> None:
    asked.revision(PINNED)
    asked.image({"imageDigest": DIGEST})
    asked.ecr.add_client_error("describe_image_scan_findings", "ScanNotFoundException")
    pushed = dt.datetime.fromtimestamp(NOW - age, dt.UTC)
    asked.ecr.add_response(
        "describe_images",
        {"imageDetails": [{"imagePushedAt": pushed}]},
        {"repositoryName": "shop/web", "imageIds": [{"imageDigest": DIGEST}]},
    )
    assert asked.answer() == answer


@pytest.mark.parametrize(
    ("image", "more", "wanted"),
    [
        (f"{REGISTRY}/shop/web:1.4.2", {}, {"imageTag": "1.4.2"}),
        (f"{REGISTRY}/shop/web", {}, {"imageTag": "latest"}),
        (f"{REGISTRY}/shop/web:1.4.2", {"imageDigest": DIGEST}, {"imageDigest": DIGEST}),
        (f"{REGISTRY}/shop/web:1.4.2@{DIGEST}", {}, {"imageDigest": DIGEST}),
        (f"111111111111.dkr-ecr.eu-west-1.on.aws/shop/web@{DIGEST}", {}, {"imageDigest": DIGEST}),
    ],
)
def test_the_image_of_a_reference_is_checked(
    asked: Asked, image: str, more: Mapping[str, str], wanted: Mapping[str, str]
) -> None:
    asked.revision({"image": image, **more})
    asked.image(wanted)
    asked.scan("COMPLETE")
    assert asked.answer() == ACCEPTED


@pytest.mark.parametrize("code", ["RepositoryNotFoundException", None])
def test_an_image_that_does_not_exist_is_refused(asked: Asked, code: str | None) -> None:
    asked.revision(PINNED)
    if code:
        asked.ecr.add_client_error("batch_get_image", code)
    else:
        asked.ecr.add_response("batch_get_image", {"images": []})
    assert asked.answer() == REFUSED


@pytest.mark.parametrize(
    ("image", "answer"),
    [
        ("public.ecr.aws/nginx/nginx:1.29", REFUSED),
        ("redis:8.2", REFUSED),
        ("222222222222.dkr.ecr.eu-west-1.amazonaws.com/shop/web:1", REFUSED),
        ("111111111111.dkr.ecr.us-east-1.amazonaws.com/shop/web:1", REFUSED),
        (f"{REGISTRY}.example.com/shop/web:1", REFUSED),
        ("public.ecr.aws/aws-observability/aws-otel-collector:v1", ACCEPTED),
        ("redis:8", ACCEPTED),
    ],
)
def test_an_image_that_ecr_does_not_scan_here_is_refused_unless_its_pattern_is_given(
    asked: Asked, image: str, answer: dict[str, Any]
) -> None:
    asked.revision({"image": image})
    assert asked.answer() == answer


PLATFORMS: list[dict[str, Any]] = [
    {"digest": AMD, "platform": {"architecture": "amd64", "os": "linux"}},
    {"digest": ARM},
    {
        "digest": ATTESTATION,
        "platform": {"architecture": "unknown", "os": "unknown"},
        "annotations": {"vnd.docker.reference.type": "attestation-manifest"},
    },
]


@pytest.mark.parametrize(("counts", "answer"), [({}, ACCEPTED), ({"CRITICAL": 1}, REFUSED)])
def test_each_platform_of_an_index_is_checked(asked: Asked, counts: Mapping[str, int], answer: dict[str, Any]) -> None:
    asked.revision(PINNED)
    asked.image({"imageDigest": DIGEST}, manifests=PLATFORMS)
    asked.scan("COMPLETE", digest=AMD)
    asked.scan("COMPLETE", {"findingSeverityCounts": counts}, digest=ARM)
    assert asked.answer() == answer


def test_an_annotation_does_not_exempt_a_platform_from_the_check(asked: Asked) -> None:
    disguised = {**PLATFORMS[0], "annotations": {"vnd.docker.reference.type": "attestation-manifest"}}
    asked.revision(PINNED)
    asked.image({"imageDigest": DIGEST}, manifests=[disguised])
    asked.scan("COMPLETE", {"findingSeverityCounts": {"CRITICAL": 1}}, digest=AMD)
    assert asked.answer() == REFUSED


def test_an_index_without_an_image_is_refused(asked: Asked) -> None:
    asked.revision(PINNED)
    asked.image({"imageDigest": DIGEST}, manifests=PLATFORMS[2:])
    assert asked.answer() == REFUSED


def test_one_refused_image_is_enough(asked: Asked) -> None:
    asked.revision({"image": "public.ecr.aws/nginx/nginx:1.29"}, PINNED, {"image": "redis:8"})
    asked.image({"imageDigest": DIGEST})
    asked.scan("PENDING", {})
    assert asked.answer() == REFUSED


def test_a_revision_without_images_is_not_accepted(asked: Asked) -> None:
    asked.revision()
    assert asked.answer() == WAITING
    asked.ecs.add_response("describe_service_revisions", {"failures": [{"arn": REVISION, "reason": "MISSING"}]})
    assert asked.answer({"stopAt": NOW}) == REFUSED


def test_a_call_that_fails_is_retried_until_the_deadline(asked: Asked) -> None:
    for details, answer in ((None, WAITING), ({"stopAt": NOW}, REFUSED)):
        asked.revision(PINNED)
        asked.ecr.add_client_error("batch_get_image", "ThrottlingException")
        assert asked.answer(details) == answer
