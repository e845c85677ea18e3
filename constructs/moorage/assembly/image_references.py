"""The values of image references in templates, as far as a template and the other stacks of the app show them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from moorage.assembly.cloud_assembly import Stack, mapping

_PARAMETER = "AWS::SSM::Parameter::Value<String>"
_REPOSITORY = "AWS::ECR::Repository"
_MARK = re.compile("\0(\\d+)\0")
_VARIABLE = re.compile(r"\$\{([^!}][^}]*)\}")
_IMAGE = re.compile("(?P<repository>[^@]*)@\0(?P<mark>\\d+)\0")
_FIXED = re.compile(r"(?P<repository>.*?)(?::(?P<tag>\w[\w.-]{0,127})|@(?P<digest>sha256:[0-9a-f]{64}))?", re.ASCII)
_REGISTRY = re.compile(r"(?P<account>\d{12}|)\.dkr[.-]ecr\.(?P<region>[a-z0-9-]*)\.[^/\0]+/(?P<name>.+)")
"""The URI of a repository (ECR guide, "Amazon ECR private registry"). The account and the region are empty if the
stack does not specify them.
"""


@attrs.frozen
class GeneratedName:
    """A repository whose name CloudFormation generates.

    Args:
        stack: The name of the stack.
        logical_id: The logical ID of the repository.
    """

    stack: str
    logical_id: str


@attrs.frozen
class Repository:
    """A private repository.

    Args:
        account: The account of the registry; None for the account of the credentials.
        region: The region; None for the region of the stack.
        name: The name, or the resource if CloudFormation generates the name.
    """

    account: str | None
    region: str | None
    name: str | GeneratedName


@attrs.frozen
class Reference:
    """An image by a digest that an SSM parameter holds.

    Args:
        parameter: The name of the SSM parameter.
        repository: The repository; None if the template does not show a private repository.
    """

    parameter: str
    repository: Repository | None


@attrs.frozen
class FixedReference:
    """An image by a tag or a digest that is in the template.

    Args:
        repository: The repository.
        tag: The tag; None for an image by digest.
        digest: The digest; None for an image by tag.
    """

    repository: Repository
    tag: str | None
    digest: str | None


@attrs.frozen
class _Parameter:
    name: str


class References:
    """The image references of an app.

    Args:
        stacks: All stacks of the app, since a repository can be in another stack.
    """

    def __init__(self, stacks: Sequence[Stack]) -> None:
        self._marks: list[_Parameter | GeneratedName | None] = []
        everything = [stack for top in stacks for stack in top.walk()]
        self._parents = {inner: (stack, key) for stack in everything for key, inner in stack.nested.items()}
        self._functions: Mapping[str, Callable[[Any, Stack], str | list[str]]] = {
            "Ref": self._referred,
            "Fn::GetAtt": self._attribute,
            "Fn::ImportValue": self._import,
            "Fn::Join": self._join,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::Sub": self._substitute,
        }
        self._exports: dict[tuple[str | None, str | None, str], tuple[Stack, Any]] = {}
        for stack in everything:
            for output in mapping(stack.template.get("Outputs")).values():
                if name := mapping(mapping(output).get("Export")).get("Name"):
                    place = stack.account, stack.region, self._text(name, stack)
                    self._exports[place] = stack, mapping(output).get("Value")

    def read(self, image: Any, stack: Stack) -> Reference | None:
        """Return the reference of an image by digest, also if a condition chooses between the image and a placeholder.

        Args:
            image: The property `Image` of a container definition.
            stack: The stack of the task definition.

        Returns:
            The reference; None if no SSM parameter holds the digest of the image.
        """
        choice = mapping(image).get("Fn::If")
        if isinstance(choice, Sequence):
            branches = (self.read(branch, stack) for branch in choice[1:])
            return next(filter(None, branches), None)
        found = _IMAGE.fullmatch(self._text(image, stack))
        parameter = self._marks[int(found["mark"])] if found else None
        if found is None or not isinstance(parameter, _Parameter):
            return None
        return Reference(parameter.name, self._repository(found["repository"]))

    def read_fixed(self, image: Any, stack: Stack) -> FixedReference | None:
        """Return the reference of an image by a tag or a digest.

        Args:
            image: The property `Image` of a container definition.
            stack: The stack of the task definition.

        Returns:
            The reference; None if the image is not in a private repository, or if only AWS knows its tag or digest.
        """
        found = _FIXED.fullmatch(self._text(image, stack))
        repository = self._repository(found["repository"]) if found else None
        if found is None or repository is None:
            return None
        return FixedReference(repository, found["tag"] or (None if found["digest"] else "latest"), found["digest"])

    def _repository(self, uri: str) -> Repository | None:
        found = _REGISTRY.fullmatch(uri)
        if found is None:
            return None
        account, region, name = found["account"] or None, found["region"] or None, found["name"]
        if "\0" not in name:
            return Repository(account, region, name)
        mark = _MARK.fullmatch(name)
        generated = self._marks[int(mark[1])] if mark else None
        return Repository(account, region, generated) if isinstance(generated, GeneratedName) else None

    def _mark(self, value: _Parameter | GeneratedName | None = None) -> str:
        """Return a text that stands for a value that only AWS knows. It survives `Fn::Split` of an ARN."""
        self._marks.append(value)
        return f"\0{len(self._marks) - 1}\0"

    def _text(self, value: Any, stack: Stack) -> str:
        found = self._value(value, stack)
        return found if isinstance(found, str) else self._mark()

    def _value(self, value: Any, stack: Stack) -> str | list[str]:
        """Return a text or a list of a template, with marks in place of what is unknown."""
        if isinstance(value, str | int):
            return str(value)
        if isinstance(value, list):
            return [self._text(item, stack) for item in value]
        function, argument = next(iter(mapping(value).items()), ("", None))
        try:
            read = self._functions[function]
            return read(argument, stack)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):  # another function, or a wrong argument
            return self._mark()

    def _list(self, value: Any, stack: Stack) -> list[str]:
        found = self._value(value, stack)
        if isinstance(found, str):
            raise TypeError(f"{value} is not a list")
        return found

    def _join(self, argument: Any, stack: Stack) -> str:
        separator, items = argument
        return str(separator).join(self._list(items, stack))

    def _split(self, argument: Any, stack: Stack) -> list[str]:
        separator, text = argument
        return self._text(text, stack).split(separator)

    def _select(self, argument: Any, stack: Stack) -> str:
        index, items = argument
        return self._list(items, stack)[int(index)]

    def _substitute(self, argument: Any, stack: Stack) -> str:
        text, variables = (argument, {}) if isinstance(argument, str) else argument

        def replaced(variable: re.Match[str]) -> str:
            name = variable[1]
            if name in variables:
                return self._text(variables[name], stack)
            return self._attribute(name.split(".", 1), stack) if "." in name else self._referred(name, stack)

        return _VARIABLE.sub(replaced, text)

    def _import(self, argument: Any, stack: Stack) -> str:
        exporter, value = self._exports[stack.account, stack.region, self._text(argument, stack)]
        return self._text(value, exporter)

    def _referred(self, name: str, stack: Stack) -> str:
        pseudo = {
            "AWS::AccountId": stack.account or "",
            "AWS::Region": stack.region or "",
            "AWS::Partition": "aws",  # only part of ARNs, from which other parts are taken
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": stack.name,
        }
        if name in pseudo:
            return pseudo[name]
        declared = mapping(mapping(stack.template.get("Parameters")).get(name))
        if declared:
            return self._parameter(name, declared, stack)
        resource = mapping(mapping(stack.template.get("Resources")).get(name))
        return self._name(name, resource, stack) if resource.get("Type") == _REPOSITORY else self._mark()

    def _parameter(self, name: str, declared: Mapping[str, Any], stack: Stack) -> str:
        """Return the value of a parameter of a template: of a nested stack, what its parent gives to it."""
        if stack in self._parents:
            parent, key = self._parents[stack]
            given = mapping(parent.template["Resources"][key].get("Properties")).get("Parameters")
            if name in mapping(given):
                return self._text(mapping(given)[name], parent)
        default = declared.get("Default")
        if not isinstance(default, str):
            return self._mark()
        return self._mark(_Parameter(default)) if declared.get("Type") == _PARAMETER else default

    def _name(self, logical_id: str, resource: Mapping[str, Any], stack: Stack) -> str:
        stated = mapping(resource.get("Properties")).get("RepositoryName")
        if stated is not None:
            return self._text(stated, stack)
        return self._mark(GeneratedName(stack.name, logical_id) if stack.root is None else None)

    def _attribute(self, argument: Any, stack: Stack) -> str:
        name, attribute = argument
        if name in stack.nested:
            nested = stack.nested[name]
            output = mapping(mapping(nested.template.get("Outputs")).get(attribute.removeprefix("Outputs.")))
            return self._text(output.get("Value"), nested)
        resource = mapping(mapping(stack.template.get("Resources")).get(name))
        if resource.get("Type") != _REPOSITORY or attribute not in {"Arn", "RepositoryUri"}:
            return self._mark()
        account, region, own = stack.account or "", stack.region or "", self._name(name, resource, stack)
        if attribute == "Arn":
            return f"arn:aws:ecr:{region}:{account}:repository/{own}"
        return f"{account}.dkr.ecr.{region}.amazonaws.com/{own}"
