"""The stacks as they exist in the local AWS, so that an app can be compared with them before `up` changes them."""

from __future__ import annotations

import json
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from moorage.assembly.cloud_assembly import NESTED, VALIDATION_REPORT, Stack, nested_stack
from moorage.local import private
from moorage.local.account import Account
from moorage.local.environment import ACCOUNT, REGION, Access
from moorage.local.imports import STACK
from moorage.local.report.readback import TOOLKIT, changed_parameters, why_not_standing

_WITHOUT_RESOURCES = ("CREATE_FAILED", "CREATE_IN_PROGRESS", "DELETE_", "REVIEW_", "ROLLBACK_")
"""The beginnings of the statuses of stacks that `up` creates again."""

_NAMED = 5
"""The largest number of stacks that the note about stacks that are not deployed names."""

_Place = tuple[str, str]
_Identity = tuple[str, str, str]


@attrs.frozen(eq=False)
class Difference:
    """The stacks of an app in the local AWS, and the stacks that the app defines now.

    Args:
        standing: The stacks in the local AWS.
        defined: The stacks that the app defines.
        notes: Sentences about changes that `up` makes and the templates do not show.
    """

    standing: tuple[Stack, ...]
    defined: tuple[Stack, ...]
    notes: tuple[str, ...]


def identity(stack: Stack) -> _Identity:
    """Return the account, region and name of a stack, which identify the stack in CloudFormation.

    Args:
        stack: A stack. If its account or region is None, that of the local AWS is used.
    """
    return stack.account or ACCOUNT, stack.region or REGION, stack.name


def standing_stacks(access: Access, defined: Sequence[Stack], last: Sequence[Stack], folder: Path) -> tuple[Stack, ...]:
    """Return the stacks that exist in the accounts and regions of an app and of its last deployment.

    A stack has the path, account and region that the app gives it. Bootstrap stacks, the stack of imports, stacks that
    CDK did not write and stacks whose creation failed are left out.

    Args:
        access: The local AWS.
        defined: The stacks that the app defines.
        last: The stacks of the assembly that `up` deployed last.
        folder: A folder for templates that are not in that assembly.
    """
    places: dict[_Place, tuple[str | None, str | None]] = {(ACCOUNT, REGION): (None, None)}
    places |= {identity(stack)[:2]: (stack.account, stack.region) for stack in (*last, *defined)}
    now, before = ({identity(stack): stack for stack in stacks} for stacks in (defined, last))
    found: list[Stack] = []
    for (account, region), stated in places.items():
        reader = _Reader(Account(access, account, region), folder)
        for described in reader.stacks():
            own = account, region, str(described["StackName"])
            if stack := reader.read(described, now.get(own), before.get(own), stated):
                found.append(stack)
    order = {own: number for number, own in enumerate(before)}
    return tuple(sorted(found, key=lambda stack: order.get(identity(stack), len(order))))


def undefined_stacks(access: Access, last: Sequence[Stack]) -> tuple[Stack, ...]:
    """Return the stacks of earlier deployments that the app of the last deployment did not define.

    Args:
        access: The local AWS.
        last: The stacks of the assembly that `up` deployed last.
    """
    defined = {identity(stack) for stack in last}
    for account, region in {(ACCOUNT, REGION), *(own[:2] for own in defined)}:
        described = _Reader(Account(access, account, region), Path()).described()
        if any((account, region, each["StackName"]) not in defined for each in described):
            break
    else:  # the usual case, which needs no templates
        return ()
    with tempfile.TemporaryDirectory() as folder:
        standing = standing_stacks(access, (), last, Path(folder))
    return tuple(attrs.evolve(each, template_file=None) for each in standing if identity(each) not in defined)


def undefined_notes(stacks: Sequence[Stack], down: str) -> Iterator[str]:
    """Yield a sentence about each deployed stack that the app no longer defines, as `up` does not delete it.

    Args:
        stacks: The stacks.
        down: The beginning of the command that deletes them.
    """
    for stack in stacks:
        command = f"{down} {shlex.quote(stack.path)}"
        yield f"{stack.path} is deployed, but no longer in the app; to delete it, run {command}"


def checkout(folder: Path) -> Path:
    """Return the root of the checkout that contains a folder, or else the folder itself.

    Args:
        folder: The folder.
    """
    return next((each for each in (folder, *folder.parents) if (each / ".git").exists()), folder)


def keep_report(assembly: Path, folder: Path) -> None:
    """Copy the validation report of the last deployment, if it exists, into the folder of the deployed templates.

    Args:
        assembly: The assembly that `up` deployed last.
        folder: The folder of the templates.
    """
    if (assembly / VALIDATION_REPORT).is_file():
        shutil.copy(assembly / VALIDATION_REPORT, folder / VALIDATION_REPORT)


def deployment_notes(access: Access, defined: Sequence[Stack]) -> Iterator[str]:
    """Yield a sentence about each stack that `up` changes for a reason that its template does not show.

    Args:
        access: The local AWS.
        defined: The stacks that the app defines.
    """
    for stack in defined:
        account = Account(access, stack.account, stack.region)
        if reason := why_not_standing(access, stack):
            yield f"{reason}: `up` deletes and redeploys this stack."
        elif found := account.stack(stack.name):
            for name in changed_parameters(account, stack, found):
                yield f"{stack.path} reads the parameter {name}, whose value has changed: `up` updates this stack."


def undeployed_note(standing: Sequence[Stack], defined: Sequence[Stack]) -> Iterator[str]:
    """Yield a sentence about the stacks that are not deployed, since the page shows all of their resources as added.

    Args:
        standing: The deployed stacks.
        defined: The stacks that the app defines.
    """
    deployed = {identity(stack) for stack in standing}
    paths = [stack.path for stack in defined if identity(stack) not in deployed]
    if paths:
        named = ", ".join(paths[:_NAMED]) + (f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else "")
        common = next((stack.path for stack in defined if identity(stack) in deployed), None)
        example = f", such as {shlex.quote(common)}" if common else ""
        yield f"Not deployed, and shown as added: {named}. To leave them out, name deployed stacks{example}."


@attrs.frozen
class _Reader:
    """A reader of the stacks in an account and region.

    Args:
        account: The account and region.
        folder: The folder for templates.
    """

    account: Account
    folder: Path

    def described(self) -> list[Mapping[str, Any]]:
        """Return the stacks as DescribeStacks shows them, without bootstrap stacks and the stack of imports."""
        pages = self.account.client("cloudformation").get_paginator("describe_stacks").paginate()
        found = [each for page in pages for each in page["Stacks"] if each["StackStatus"] != "DELETE_COMPLETE"]
        return [
            each
            for each in found
            if each["StackName"] not in {TOOLKIT, STACK} and not each["StackName"].startswith(f"{TOOLKIT}-")
        ]

    def stacks(self) -> Iterator[Mapping[str, Any]]:
        """Yield the stacks that were deployed, as DescribeStacks shows them.

        Nested stacks, bootstrap stacks and the stack of imports are left out.
        """
        found = self.described()
        resources = [resource for each in found for resource in self.account.resources(each["StackId"])]
        # the local AWS does not state a ParentId
        nested = {each.get("PhysicalResourceId") for each in resources if each["ResourceType"] == NESTED}
        for each in found:
            if not (each["StackId"] in nested or each["StackStatus"].startswith(_WITHOUT_RESOURCES)):
                yield each

    def read(
        self,
        described: Mapping[str, Any],
        now: Stack | None,
        before: Stack | None,
        stated: tuple[str | None, str | None],
    ) -> Stack | None:
        """Return a stack with its nested stacks; None for an unknown stack whose template CDK did not write.

        Args:
            described: The stack as DescribeStacks shows it.
            now: The stack as the app defines it; None if the app does not define it.
            before: The stack in the assembly that was deployed last; None if that assembly does not have it.
            stated: The account and the region, as the stacks of the app state them.
        """
        name = str(described["StackName"])
        template, file = self._template(str(described["StackId"]), before)
        path = _path(name, template)
        known = before or now or (Stack(name, path, *stated, {}, ()) if path else None)
        if known is None:
            return None
        place = now or known
        stack = attrs.evolve(
            known,
            path=place.path,
            account=place.account,
            region=place.region,
            template=template,
            template_file=file,
            termination_protection=bool(described.get("EnableTerminationProtection")),
            nested={},
        )
        return self._with_nested(stack, str(described["StackId"]), before)

    def _with_nested(self, stack: Stack, stack_id: str, before: Stack | None) -> Stack:
        nested = {}
        if any(resource.type == NESTED for resource in stack.resources):
            resources = self.account.resources(stack_id)
            ids = {each["LogicalResourceId"]: each.get("PhysicalResourceId") for each in resources}
            for resource in stack.resources:
                own_id = ids.get(resource.logical_id)
                if resource.type == NESTED and own_id:
                    known = before.nested.get(resource.logical_id) if before else None
                    inner = nested_stack(stack, resource, *self._template(own_id, known))
                    nested[resource.logical_id] = self._with_nested(inner, own_id, known)
        return attrs.evolve(stack, nested=nested)

    def _template(self, stack_id: str, before: Stack | None) -> tuple[dict[str, Any], Path]:
        """Return the template of a stack, and a file with the template, which checkov and plugin reports need."""
        template = self.account.template(stack_id)
        if before and before.template_file and before.template == template:
            return template, before.template_file
        file = self.folder / f"{len(list(self.folder.iterdir()))}.template.json"
        private.write(file, json.dumps(template, indent=1))
        return template, file


def _path(name: str, template: Mapping[str, Any]) -> str | None:
    """Return the construct path of a stack, or its name if the path is not known.

    Return None if CDK did not write the template.
    """
    resources = [each for each in (template.get("Resources") or {}).values() if isinstance(each, Mapping)]
    paths = [str((each.get("Metadata") or {}).get("aws:cdk:path", "")).split("/") for each in resources]
    for parts in paths:
        for number in range(1, len(parts)):
            if "-".join(parts[:number]) == name:  # CDK's default name of a stack
                return "/".join(parts[:number])
    return name if any(parts != [""] for parts in paths) else None
