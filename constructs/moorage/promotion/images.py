"""The images of a stage that can be promoted: those of task definitions whose digest an SSM parameter holds.

The unit is a container of a task definition, not an ECS service, so that jobs, workers and pre-deployment tasks count.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence

import attrs

from moorage.assembly.cloud_assembly import Resource, Stack, mapping
from moorage.assembly.image_references import Reference, References
from moorage.promotion.problems import RequestError

_TASK_DEFINITION = "AWS::ECS::TaskDefinition"
_CDK_PARTS = {"Resource", "TaskDefinition", "TaskDef"}
"""The last parts of the path of a task definition that the constructs of CDK and of moorage add to their own path."""


@attrs.frozen
class StagedImage:
    """The image of a container in a stage.

    Args:
        service: The path below the stage of the construct with the task definition.
        container: The name of the container.
        stack: The path of the stack, by which the CLI selects the stack.
        account: The account of the stack; None if the app does not specify an account.
        region: The region of the stack; None if the app does not specify a region.
        reference: The repository and the SSM parameter of the image.
    """

    service: str
    container: str
    stack: str
    account: str | None
    region: str | None
    reference: Reference

    @property
    def parameter(self) -> tuple[str | None, str | None, str]:
        """The account, the region and the name of the SSM parameter, which containers can share."""
        return self.account, self.region, self.reference.parameter


@attrs.frozen
class Stage:
    """A stage of an app, or one stack of it.

    Args:
        name: The name that the user gave.
        images: The images that can be promoted.
        others: The paths below the stage of the other constructs with a task definition.
    """

    name: str
    images: tuple[StagedImage, ...]
    others: tuple[str, ...]

    def chosen(self, patterns: Sequence[str]) -> tuple[StagedImage, ...]:
        """Return the images of the services that the user named, each once.

        Args:
            patterns: The names: a path below the stage, in which `*` is a wildcard, or the last part of one in any
                case.

        Raises:
            RequestError: A name matches no image that can be promoted.
        """
        found: dict[tuple[str, str], StagedImage] = {}
        unknown = []
        for pattern in patterns:
            matching = [image for image in self.images if _matches(image.service, pattern)]
            found |= {(image.service, image.container): image for image in matching}
            if not matching:
                unknown.append(self._unknown(pattern))
        if unknown:
            raise RequestError("; ".join(unknown))
        return tuple(found.values())

    def _unknown(self, pattern: str) -> str:
        tagged = [service for service in self.others if _matches(service, pattern)]
        if tagged or not self.images:
            said = f"{', '.join(tagged)} of {self.name} has" if tagged else f"{self.name} has"
            return (
                f"{said} no image whose digest an SSM parameter holds; define the image with "
                "Image.from_repository(..., digest_parameter=...)"
            )
        known = ", ".join(dict.fromkeys(image.service for image in self.images))
        return f"{self.name} has no service {pattern}; its services with images that can be promoted are {known}"


def stage_of(name: str, stacks: Sequence[Stack], references: References) -> Stage:
    """Return a stage of an app.

    Args:
        name: The name of the stage, which is the first part of the paths of its stacks, or the path of a stack.
        stacks: The stacks of the app.
        references: The image references of the app.

    Raises:
        RequestError: The app has no such stage and no such stack.
    """
    inside = [stack for stack in stacks if stack.path == name or stack.path.startswith(f"{name}/")]
    if not inside:
        stages = ", ".join(dict.fromkeys(stack.path.split("/")[0] for stack in stacks))
        raise RequestError(f"the app has no stage or stack {name}; its stages are {stages}")
    is_stack = any(stack.path == name for stack in inside)
    prefix = name.rpartition("/")[0] if is_stack and "/" in name else name
    images: list[StagedImage] = []
    others: list[str] = []
    for top in inside:
        for stack in top.walk():
            for resource in stack.resources:
                if resource.type == _TASK_DEFINITION:
                    service = _service(resource, prefix)
                    found = [
                        StagedImage(service, container, top.path, stack.account, stack.region, reference)
                        for container, reference in _containers(resource, stack, references)
                    ]
                    images += found
                    others += [] if found else [service]
    return Stage(name, tuple(images), tuple(others))


def _containers(resource: Resource, stack: Stack, references: References) -> Iterator[tuple[str, Reference]]:
    containers = resource.properties.get("ContainerDefinitions")
    for container in containers if isinstance(containers, Sequence) else ():
        reference = references.read(mapping(container).get("Image"), stack)
        if reference:
            yield str(mapping(container).get("Name")), reference


def _service(resource: Resource, stage: str) -> str:
    parts = resource.path.removeprefix(f"{stage}/").split("/")
    while len(parts) > 1 and parts[-1] in _CDK_PARTS:
        parts.pop()
    return "/".join(parts)


def _matches(service: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(service, pattern) or service.rsplit("/", maxsplit=1)[-1].lower() == pattern.lower()
