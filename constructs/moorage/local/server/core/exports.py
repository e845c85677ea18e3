"""The exports of stacks: export names are unique, and an imported export is neither changed nor deleted.

CloudFormation checks a stack's exports after it has created and updated resources and before it deletes resources (AWS
CloudFormation user guide, "Get exported outputs from a deployed CloudFormation stack"). The messages are those that
users report from AWS: aws-cdk issues 604 and 7602, aws-amplify/amplify-js issue 5811.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from moorage.local.server.core.adapter import cloudformation, handlers, stacks

Answer = tuple[int, dict[str, str], bytes]
Resolved = tuple[list[dict[str, Any]], dict[str, dict[str, str]]]

_IMPORTS_NOTHING = ("DELETE_COMPLETE", "REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE")


def install() -> None:
    """Check exports when ministack resolves the outputs of a stack, and when it deletes a stack."""
    stacks.resolve_stack_outputs = _checked(stacks.resolve_stack_outputs)
    handlers.ACTION_HANDLERS["DeleteStack"] = _keeping(handlers.delete_stack)


def _checked(resolve: Callable[..., Resolved]) -> Callable[..., Resolved]:
    """Refuse exports that another stack has, and the change or removal of exports that another stack imports."""

    def resolved(*arguments: Any) -> Resolved:
        outputs, wanted = resolve(*arguments)
        stack_name, stack_id = arguments[-2:]
        for name in wanted:
            exporting = cloudformation.exports.get(name, {}).get("StackId", stack_id)
            if exporting != stack_id:
                raise ValueError(f"Export with name {name} is already exported by stack {exporting.split('/')[1]}")
        known = {name: each for name, each in cloudformation.exports.items() if each["StackId"] == stack_id}
        for name, importers in _imported(known, stack_name):
            if name not in wanted:
                raise ValueError(f"Export {name} cannot be deleted as it is in use by {importers}")
            if wanted[name]["Value"] != known[name]["Value"]:
                raise ValueError(f"Cannot update export {name} as it is in use by {importers}")
        for name in known.keys() - wanted.keys():
            cloudformation.exports.pop(name)
        return outputs, wanted

    return resolved


def _imported(exports: Iterable[str], stack_name: str) -> Iterator[tuple[str, str]]:
    """Yield each export that other stacks import, with the names of those stacks."""
    importing = {
        other: handlers.imported_export_names(stack, other)
        for other, stack in cloudformation.stacks.items()
        if other != stack_name and stack.get("StackStatus") not in _IMPORTS_NOTHING
    }
    for name in exports:
        users = [other for other, names in importing.items() if name in names]
        if users:
            yield name, " and ".join(sorted(users))


def _keeping(delete: Callable[[dict[str, Any]], Answer]) -> Callable[[dict[str, Any]], Answer]:
    """Refuse to delete a stack whose exports another stack imports, and report the reason in an event, as on AWS."""

    def deleted(parameters: dict[str, Any]) -> Answer:
        stack = handlers.resolve_stack(handlers.p(parameters, "StackName"))
        if not stack or stack["StackStatus"] in _IMPORTS_NOTHING or stack.get("EnableTerminationProtection"):
            return delete(parameters)
        found = next(_imported(_exported(stack), stack["StackName"]), None)
        if found is None:
            return delete(parameters)
        reason = f"Export {found[0]} cannot be deleted as it is in use by {found[1]}"
        name, identifier = stack["StackName"], stack["StackId"]
        stack["StackStatusReason"] = reason
        stacks.add_event(identifier, name, name, "AWS::CloudFormation::Stack", stack["StackStatus"], reason, identifier)
        answer: Answer = handlers.xml(200, "DeleteStackResponse", "")
        return answer

    return deleted


def _exported(stack: Mapping[str, Any]) -> list[str]:
    return [each["ExportName"] for each in stack.get("Outputs", ()) if each.get("ExportName")]
