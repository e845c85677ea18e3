"""A gate lets the local ECS deploy only images that the local ECR scanned without grave findings."""

from __future__ import annotations

import json
from typing import Any

import aws_cdk as cdk
import pytest

from moorage import ScanGate, Severity
from tests.conftest import template
from tests.local.local_aws import NETWORK, Client, Deploy, attribute, fargate, ref, resource, role

REGISTRY = "111111111111.dkr.ecr.eu-west-1.amazonaws.com"
FILTER = [{"Filter": "prod/*", "FilterType": "WILDCARD"}]
IMAGES = {
    "Scanned": resource("AWS::ECR::Repository", RepositoryName="prod/web", EmptyOnDelete=True),
    "NotScanned": resource("AWS::ECR::Repository", RepositoryName="dev/web", EmptyOnDelete=True),
    "Scanning": resource(
        "AWS::ECR::RegistryScanningConfiguration",
        ScanType="BASIC",
        Rules=[{"ScanFrequency": "SCAN_ON_PUSH", "RepositoryFilters": FILTER}],
    ),
}


def gate() -> dict[str, Any]:
    """Return the resources of a gate, and the role with which ECS invokes its function."""
    stack = cdk.Stack(cdk.App(), "Gate")
    made = ScanGate(stack, "ScanGate", severity=Severity.CRITICAL, timeout=cdk.Duration.minutes(1))
    made.log_group.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
    resources: dict[str, Any] = template(stack).to_json()["Resources"]
    (function,) = (name for name, each in resources.items() if each["Type"] == "AWS::Lambda::Function")
    resources[function]["Properties"]["FunctionName"] = "gate"
    invoke = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": attribute(function, "Arn")}
    return {**resources, "HookRole": role("ecs.amazonaws.com", invoke)}


GATE = gate()


def service(image: str) -> dict[str, Any]:
    (function,) = (name for name, each in GATE.items() if each["Type"] == "AWS::Lambda::Function")
    hook = {
        "HookTargetArn": attribute(function, "Arn"),
        "RoleArn": attribute("HookRole", "Arn"),
        "LifecycleStages": ["PRE_SCALE_UP"],
        "TimeoutConfiguration": {"TimeoutInMinutes": 1},
    }
    pull = {"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}
    execution = {"ExecutionRoleArn": attribute("Execution", "Arn")}
    return {
        **NETWORK,
        **GATE,
        "Cluster": resource("AWS::ECS::Cluster"),
        "Execution": role("ecs-tasks.amazonaws.com", pull),
        "Task": fargate("web", Image=image, task=execution),
        "Service": resource(
            "AWS::ECS::Service",
            Cluster=ref("Cluster"),
            TaskDefinition=ref("Task"),
            LaunchType="FARGATE",
            DesiredCount=1,
            DeploymentConfiguration={"LifecycleHooks": [hook]},
            NetworkConfiguration={"AwsvpcConfiguration": {"Subnets": [ref("Subnet")]}},
        ),
    }


def pushed(ecr: Any, repository: str, *findings: str, tag: str = "1", **manifest: Any) -> str:
    """Push an image with findings of these severities, and return its digest."""
    found = json.dumps([{"name": "CVE-2021-44228", "severity": each} for each in findings])
    text = json.dumps({"schemaVersion": 2, "annotations": {"moorage.local/findings": found, "tag": tag}, **manifest})
    image = ecr.put_image(repositoryName=repository, imageManifest=text, imageTag=tag)["image"]
    return str(image["imageId"]["imageDigest"])


def running(client: Client, values: dict[str, str]) -> dict[str, Any]:
    """Return the image that the service runs, as its current revision shows it."""
    ecs = client("ecs")
    (found,) = ecs.describe_services(cluster=values["cluster"], services=[values["service"]])["services"]
    (current,) = found["currentServiceRevisions"]
    assert current["runningTaskCount"] == 1
    (revision,) = ecs.describe_service_revisions(serviceRevisionArns=[current["arn"]])["serviceRevisions"]
    (image,) = revision["containerImages"]
    return dict(image)


def logged(client: Client) -> str:
    events = client("logs").filter_log_events(logGroupName=log_group(client))["events"]
    return "\n".join(each["message"] for each in events)


def log_group(client: Client) -> str:
    name: str = client("lambda").get_function(FunctionName="gate")["Configuration"]["LoggingConfig"]["LogGroup"]
    return name


def test_only_scanned_images_without_grave_findings_are_deployed(client: Client, deploy: Deploy) -> None:
    assert deploy(IMAGES, "-images")["StackStatus"] == "CREATE_COMPLETE"
    ecr, outputs = client("ecr"), {"cluster": ref("Cluster"), "service": ref("Service")}
    clean = pushed(ecr, "prod/web", "LOW")
    first = deploy(service(f"{REGISTRY}/prod/web@{clean}"), **outputs)
    assert first["StackStatus"] == "CREATE_COMPLETE", first["Reason"]
    assert running(client, first["Values"])["imageDigest"] == clean

    tagged = deploy(service(f"{REGISTRY}/prod/web:1"), **outputs)
    assert tagged["StackStatus"] == "UPDATE_COMPLETE", tagged["Reason"]
    image = running(client, first["Values"])
    assert (image["image"], image["imageDigest"]) == (f"{REGISTRY}/prod/web:1", clean)

    grave, unscanned = pushed(ecr, "prod/web", "CRITICAL", tag="2"), pushed(ecr, "dev/web")
    for name, digest in (("prod/web", grave), ("dev/web", unscanned)):
        refused = deploy(service(f"{REGISTRY}/{name}@{digest}"), **outputs)
        assert refused["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
        assert "PRE_SCALE_UP" in refused["Reason"]
        assert running(client, first["Values"])["imageDigest"] == clean

    parts = [{"digest": each, "platform": {"os": "linux"}} for each in (clean, grave)]
    index = pushed(ecr, "prod/web", tag="3", manifests=parts)
    refused = deploy(service(f"{REGISTRY}/prod/web@{index}"), **outputs)
    assert refused["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    said = logged(client)
    assert f"SUCCEEDED: {REGISTRY}/prod/web:1 ({clean}) has refused findings: none." in said
    for digest in (grave, index):
        assert f"FAILED: {REGISTRY}/prod/web@{digest} ({grave}) has refused findings: 1 CRITICAL." in said
    assert f"IN_PROGRESS: {REGISTRY}/dev/web@{unscanned} ({unscanned}) has no scan." in said


def test_ecr_scans_the_images_of_an_index_and_not_the_index(client: Client, deploy: Deploy) -> None:
    deploy(IMAGES, "-images")
    ecr = client("ecr")
    index = {"repositoryName": "prod/web", "imageId": {"imageDigest": pushed(ecr, "prod/web", manifests=[])}}
    with pytest.raises(ecr.exceptions.ScanNotFoundException):
        ecr.describe_image_scan_findings(**index)
    with pytest.raises(ecr.exceptions.UnsupportedImageTypeException, match="oci.image.index.*cannot be scanned"):
        ecr.start_image_scan(**index)
