"""Stacks with images by digest, and an AWS in memory that the promotion reads and writes."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable
from typing import Any

import attrs
from botocore.exceptions import ClientError

from moorage.assembly.cloud_assembly import Stack

STAGING, PRODUCTION = "111111111111", "222222222222"
REGION = "eu-west-1"
OLD, NEW, OTHER = (f"sha256:{digit * 64}" for digit in "abc")
PUSHED = dt.datetime(2026, 11, 30, 10, 0, tzinfo=dt.UTC)
PARAMETER_TYPE = "AWS::SSM::Parameter::Value<String>"


def image_of(parameter: str, repository: Any, placeholder: str | None = None) -> dict[str, Any]:
    """Return an image by digest as `Image.from_repository(digest_parameter=)` renders it."""
    image = {
        "Fn::Join": ["", [*(repository if isinstance(repository, list) else [repository]), "@", {"Ref": parameter}]]
    }
    return {"Fn::If": ["Pushed", image, placeholder]} if placeholder else image


def uri(account: str, name: str) -> list[Any]:
    """Return the URI of a repository as CDK renders that of an imported one."""
    return [f"{account}.dkr.ecr.{REGION}.", {"Ref": "AWS::URLSuffix"}, f"/{name}"]


def task_definition(path: str, **images: Any) -> dict[str, Any]:
    containers = [{"Name": name, "Image": image} for name, image in images.items()]
    return {
        "Type": "AWS::ECS::TaskDefinition",
        "Properties": {"ContainerDefinitions": containers},
        "Metadata": {"aws:cdk:path": path},
    }


def stack(
    path: str, account: str | None, resources: dict[str, Any], *, region: str | None = REGION, **parameters: str
) -> Stack:
    """Return a stack whose SSM parameters are given by the names of the template's parameters."""
    declared = {name: {"Type": PARAMETER_TYPE, "Default": default} for name, default in parameters.items()}
    template = {"Parameters": declared, "Resources": resources}
    return Stack(path.replace("/", "-"), path, account, region, template, ())


def shop(name: str, account: str | None, *services: str, region: str | None = REGION) -> Stack:
    """Return the stack `Services` of a stage, with services whose images are in repositories of their names."""
    resources = {
        service: task_definition(
            f"{name}/Services/{service}/TaskDefinition/Resource",
            app=image_of(f"{service}Digest", uri(account or "", f"retail/{service.lower()}")),
        )
        for service in services
    }
    parameters = {f"{service}Digest": f"/retail/{name}/{service.lower()}/digest" for service in services}
    return stack(f"{name}/Services", account, resources, region=region, **parameters)


@attrs.define
class Aws:
    """The accounts of an AWS, and the credentials for them.

    Args:
        identity: The account of the credentials; None for the account that is asked for.
        parameters: The SSM parameters, by account and name.
        images: The images, by account and repository.
        scans: The answers of `DescribeImageScanFindings`, by digest.
        refused: The error codes of calls, by operation and what the call is about; "*" for all.
        once: The calls in `refused` that fail only once.
        failing_after: The number of writes after which a parameter cannot be written, by name.
        late: The error of the next write, which is made all the same.
        calls: The operations that were called, with what they were about.
    """

    identity: str | None = None
    parameters: dict[tuple[str, str], str] = attrs.field(factory=dict)
    images: dict[tuple[str, str], list[dict[str, Any]]] = attrs.field(factory=dict)
    scans: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    refused: dict[tuple[str, str], BaseException | str] = attrs.field(factory=dict)
    once: set[tuple[str, str]] = attrs.field(factory=set)
    failing_after: dict[str, int] = attrs.field(factory=dict)
    late: Exception | None = None
    calls: list[tuple[str, str]] = attrs.field(factory=list)

    def clients(self, _service: str, account: str | None, region: str | None) -> _Client:
        return _Client(self, account or self.identity or PRODUCTION, region)

    def push(self, account: str, repository: str, digest: str, *tags: str, **more: Any) -> None:
        image = {"imageDigest": digest, "imagePushedAt": PUSHED, "imageTags": list(tags), **more}
        self.images.setdefault((account, repository), []).append(image)

    def hold(self, stage: str, account: str, service: str, digest: str) -> None:
        self.parameters[account, f"/retail/{stage}/{service}/digest"] = digest

    def value(self, stage: str, service: str) -> str | None:
        return self.parameters.get((PRODUCTION, f"/retail/{stage}/{service}/digest"))

    @property
    def writes(self) -> list[str]:
        return [on for operation, on in self.calls if operation == "put_parameter"]


@attrs.frozen
class _Client:
    aws: Aws
    account: str
    region: str | None

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        return functools.partial(self._call, operation)

    def _call(self, operation: str, **given: Any) -> dict[str, Any]:
        on = str(given.get("Name") or given.get("repositoryName") or given.get("StackName") or "")
        self.aws.calls.append((operation, on))
        for key in ((operation, on), (operation, "*")):
            if key in self.aws.refused:
                fault = self.aws.refused.pop(key) if key in self.aws.once else self.aws.refused[key]
                raise error(fault, operation) if isinstance(fault, str) else fault
        answer: dict[str, Any] = getattr(self, f"_{operation}")(operation, **given)
        return answer

    def _get_caller_identity(self, _: str) -> dict[str, Any]:
        return {"Account": self.aws.identity or self.account}

    def _get_parameter(self, operation: str, Name: str) -> dict[str, Any]:  # noqa: N803  # the API's name
        if (self.account, Name) not in self.aws.parameters:
            raise error("ParameterNotFound", operation)
        value = self.aws.parameters[self.account, Name]
        return {"Parameter": {"Value": value, "Type": "SecureString" if value == "secret" else "String"}}

    def _put_parameter(self, operation: str, Name: str, Value: str, Type: str, Overwrite: bool) -> dict[str, Any]:  # noqa: N803, FBT001  # the API's names
        assert (Type, Overwrite) == ("String", True)
        if self.aws.writes.count(Name) > self.aws.failing_after.get(Name, 99):
            raise error("AccessDeniedException", operation)
        self.aws.parameters[self.account, Name] = Value
        if self.aws.late:
            late, self.aws.late = self.aws.late, None
            raise late
        return {"Version": 1}

    def _describe_images(self, operation: str, **given: Any) -> dict[str, Any]:
        ((kind, wanted),) = given["imageIds"][0].items()
        images = self.aws.images.get((given.get("registryId", self.account), given["repositoryName"]))
        if images is None:
            raise error("RepositoryNotFoundException", operation)
        found = [
            image
            for image in images
            if wanted == image["imageDigest"] or (kind == "imageTag" and wanted in image["imageTags"])
        ]
        if not found:
            raise error("ImageNotFoundException", operation)
        return {"imageDetails": found}

    def _describe_image_scan_findings(self, operation: str, **given: Any) -> dict[str, Any]:
        digest = given["imageId"]["imageDigest"]
        if digest not in self.aws.scans:
            raise error("ScanNotFoundException", operation)
        return self.aws.scans[digest]

    def _describe_stack_resource(self, operation: str, **given: Any) -> dict[str, Any]:
        if given["StackName"] != "production-Images":
            raise error("ValidationError", operation)
        return {"StackResourceDetail": {"PhysicalResourceId": f"generated-{given['LogicalResourceId'].lower()}"}}


def error(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": f"{code} it is."}}, operation)


def promotable() -> Aws:
    """Return an AWS whose staging has a new image of two services, which is replicated to production."""
    aws = Aws()
    for service in ("ui", "orders"):
        aws.hold("staging", STAGING, service, NEW)
        aws.hold("production", PRODUCTION, service, OLD)
        aws.push(PRODUCTION, f"retail/{service}", OLD, "1.6.0")
        aws.push(PRODUCTION, f"retail/{service}", NEW, "1.7.0", "stable")
    return aws


def stages() -> tuple[Stack, ...]:
    return shop("staging", STAGING, "Ui", "Orders"), shop("production", PRODUCTION, "Ui", "Orders")
