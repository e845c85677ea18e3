"""The images of services that were not pushed to the local AWS, so that no task could start.

Only what fails in the local AWS is reported: an image by a tag or a digest in the template, of a service that starts
tasks. An image of a parameter is known only at the deployment.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from moorage.assembly.cloud_assembly import Resource, Stack, mapping
from moorage.assembly.image_references import FixedReference, GeneratedName, References
from moorage.local.account import Account
from moorage.local.environment import ACCOUNT, REGION, Access
from moorage.local.next_steps import call

_REPOSITORY, _CACHE = "AWS::ECR::Repository", "AWS::ECR::PullThroughCacheRule"
_DEFINITION, _SERVICE = "AWS::ECS::TaskDefinition", "AWS::ECS::Service"
_STAND_IN = '{"schemaVersion": 2}'
"""A manifest for an image. No container runs, so it needs no layers."""


@attrs.frozen
class _Defined:
    """A repository that the app defines: the top-level stack, and the resource."""

    stack: Stack
    resource: Resource


class Unpushed:
    """The images that the services of an app need and that the local AWS does not have.

    Args:
        access: The local AWS.
        stacks: All stacks of the app, since a repository can be in another stack.
        deploy: The command that deploys the app, to which the paths of stacks can be added.
    """

    def __init__(self, access: Access, stacks: Sequence[Stack], deploy: str) -> None:
        self._access = access
        self._deploy = deploy
        self._references = References(stacks)
        self._resources = [(top, each) for top in stacks for inner in top.walk() for each in inner.resources]
        self._assets = {image.tag for stack in stacks for image in stack.images}

    def problems(self, waiting: Sequence[Stack]) -> Iterator[str]:
        """Yield a sentence about each missing image, with the command that gets the image.

        Args:
            waiting: The top-level stacks that are about to be deployed.
        """
        told = set()
        for top in waiting:
            for stack in top.walk():
                for definition in self._changed(stack):
                    for container in definition.properties.get("ContainerDefinitions") or ():
                        found = self._references.read_fixed(mapping(container).get("Image"), stack)
                        sentence = self._problem(top, definition, found) if found else None
                        if sentence and found not in told:
                            told.add(found)
                            yield sentence

    def _changed(self, stack: Stack) -> Iterator[Resource]:
        """Yield the task definitions of a stack whose tasks a service is about to start."""
        account = Account(self._access, stack.account, stack.region)
        deployed = account.template(stack.name) if stack.root is None and account.stack(stack.name) else {}
        before = mapping(deployed.get("Resources"))
        started = {
            mapping(each.properties.get("TaskDefinition")).get("Ref")
            for each in stack.resources
            if each.type == _SERVICE and each.properties.get("DesiredCount", 1) not in (0, "0")
        }
        for each in stack.resources:
            if (
                each.type == _DEFINITION
                and each.logical_id in started
                and each.definition != before.get(each.logical_id)
            ):
                yield each

    def _problem(self, top: Stack, definition: Resource, image: FixedReference) -> str | None:
        """Return a sentence about a missing image; None if the local AWS has it, or gets it during the deployment."""
        place, name = self._found(top, image)
        version = image.digest or image.tag or ""
        account = Account(self._access, image.repository.account or top.account, image.repository.region or top.region)
        stated = name or (place.resource.name if place else "")
        if version in self._assets or self._is_filled(stated, place) or (name and _has(account, name, image)):
            return None
        service = definition.path.removesuffix("/Resource").removesuffix("/TaskDefinition")
        needs = f"{service} needs the image {stated}{'@' if image.digest else ':'}{version}, which was never pushed"
        if name is None or not _exists(account, name):
            return self._without_repository(needs, top, place, name, account)
        if image.digest:
            return f"{needs}; push it with docker to {self._access.endpoint.removeprefix('http://')}/{name}"
        line = call("ecr", "put-image", repositoryName=name, imageTag=version, imageManifest=_STAND_IN)
        return f"{needs}; push a stand-in for it with the variables above and `{line}`"

    def _without_repository(
        self, needs: str, top: Stack, place: _Defined | None, name: str | None, account: Account
    ) -> str | None:
        if place and place.stack is top:
            return f"{needs}, and its own stack creates the repository; move the repository to an earlier stack"
        if place:
            return f"{needs}; create its repository first with `{self._deploy} {place.stack.path}`"
        if name is None or (account.account != (top.account or ACCOUNT) and not _registry(account)):
            return None  # ECR of an account that is not in the local AWS
        line = call("ecr", "create-repository", repositoryName=name)
        return f"{needs}; create its repository first with the variables above and `{line}`"

    def _found(self, top: Stack, image: FixedReference) -> tuple[_Defined | None, str | None]:
        """Return where the app defines the repository of an image, and its name if it is known."""
        wanted = image.repository.name
        there = _place(image.repository.account or top.account, image.repository.region or top.region)
        for stack, resource in self._resources:
            if resource.type != _REPOSITORY:
                continue
            if isinstance(wanted, GeneratedName):
                if (resource.stack, resource.logical_id) == (wanted.stack, wanted.logical_id):
                    return _Defined(stack, resource), self._generated(stack, resource)
            elif resource.properties.get("RepositoryName") == wanted and there == _place(stack.account, stack.region):
                return _Defined(stack, resource), wanted
        return None, wanted if isinstance(wanted, str) else None

    def _generated(self, stack: Stack, resource: Resource) -> str | None:
        account = Account(self._access, stack.account, stack.region)
        if account.stack(stack.name) is None:
            return None
        resources = account.resources(stack.name)
        return next(
            (each.get("PhysicalResourceId") for each in resources if each["LogicalResourceId"] == resource.logical_id),
            None,
        )

    def _is_filled(self, name: str, place: _Defined | None) -> bool:
        """Return whether a cache rule or a custom resource of the app can put images into a repository."""
        own = {name, place.resource.logical_id} if place else {name}
        for _, resource in self._resources:
            prefix = resource.properties.get("EcrRepositoryPrefix")
            if resource.type == _CACHE and (not isinstance(prefix, str) or f"{name}/".startswith(f"{prefix}/")):
                return True
            if resource.type.startswith(("Custom::", "AWS::CloudFormation::CustomResource")):
                text = json.dumps(resource.properties)
                if any(each and each in text for each in own):
                    return True
        return False


def _place(account: str | None, region: str | None) -> tuple[str, str]:
    return account or ACCOUNT, region or REGION


def _has(account: Account, name: str, image: FixedReference) -> bool:
    wanted = {"imageDigest": image.digest} if image.digest else {"imageTag": image.tag}
    ecr: Any = account.client("ecr")
    try:
        return bool(ecr.batch_get_image(repositoryName=name, imageIds=[wanted])["images"])
    except ecr.exceptions.RepositoryNotFoundException:
        return False


def _exists(account: Account, name: str) -> bool:
    ecr = account.client("ecr")
    try:
        return bool(ecr.describe_repositories(repositoryNames=[name])["repositories"])
    except ecr.exceptions.RepositoryNotFoundException:
        return False


def _registry(account: Account) -> bool:
    """Return whether an account has a repository in the local AWS."""
    return bool(account.client("ecr").describe_repositories()["repositories"])
