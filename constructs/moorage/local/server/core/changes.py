"""The updates of a stack that change something: a resource, an output or a tag of the stack.

CloudFormation executes a change set without resource changes if an output differs (aws/aws-cdk pull request 2029), and
so if a tag of the stack differs (envato/stack_master issue 302). Without such a change, none of these is a change:

- the description (aws/aws-cdk issue 4701, boto/boto3 issue 1609);
- the `Metadata` section (user guide, "CloudFormation template Metadata syntax");
- the `Conditions` section (user guide, "CloudFormation template Conditions syntax"), and a resource whose condition is
  false (aws-cloudformation/cloudformation-coverage-roadmap issue 2027);
- parameters that no resource or output uses (the same issue, cloudtools/stacker issue 53).

A change set is then FAILED, and UpdateStack refuses the update; the cdk CLI reports "no changes" and keeps the stack.
Termination protection is not part of an update: UpdateTerminationProtection sets it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from moorage.local.server.core import template
from moorage.local.server.core.adapter import changesets, cloudformation, engine, handlers, stacks

_NO_CHANGES = "The submitted information didn't contain changes."

Answer = tuple[int, dict[str, str], bytes]
Stack = dict[str, Any]


def install() -> None:
    """Make ministack execute changes of outputs and tags, and refuse updates that change nothing."""
    handlers.ACTION_HANDLERS["CreateChangeSet"] = _executable(handlers.ACTION_HANDLERS["CreateChangeSet"])
    handlers.ACTION_HANDLERS["DescribeStacks"] = _describing(handlers.ACTION_HANDLERS["DescribeStacks"])
    handlers.stack_has_no_updates = _unchanged(handlers.stack_has_no_updates)


def _executable(create: Callable[[dict[str, Any]], Answer]) -> Callable[[dict[str, Any]], Answer]:
    """Make change sets executable that change only outputs or tags; ministack compares only resources."""

    def created(parameters: dict[str, Any]) -> Answer:
        known = set(cloudformation.change_sets)
        answer = create(parameters)
        for identifier in set(cloudformation.change_sets) - known:
            change_set = cloudformation.change_sets[identifier]
            stack = cloudformation.stacks.get(change_set["StackName"])
            if change_set["StatusReason"].startswith(_NO_CHANGES) and _differs(
                stack, change_set["_template"], change_set["_resolved_params"], change_set["Tags"],
                tags_given=change_set["_tags_given"],
            ):  # fmt: skip
                change_set.update(Status="CREATE_COMPLETE", ExecutionStatus="AVAILABLE", StatusReason="")
        return answer

    return created


def _unchanged(is_equal: Callable[..., bool]) -> Callable[..., bool]:
    """Refuse updates that change no resource, output or tag; ministack accepts any difference between templates."""

    def unchanged(
        stack: Stack,
        wanted: Mapping[str, Any],
        values: dict[str, Any],
        tags: list[dict[str, Any]],
        use_previous_template: bool = False,  # noqa: FBT001, FBT002  # the signature is ministack's
        tags_given: bool = False,  # noqa: FBT001, FBT002  # as above
    ) -> bool:
        if is_equal(stack, wanted, values, tags, use_previous_template, tags_given):
            return True
        if not use_previous_template and handlers.has_dynamic_references(wanted):
            return False  # AWS accepts these updates, according to ministack
        return not _differs(stack, wanted, values, tags, tags_given=tags_given) and not _changes(stack, wanted, values)

    return unchanged


def _describing(describe: Callable[[dict[str, Any]], Answer]) -> Callable[[dict[str, Any]], Answer]:
    """Return the description in the deployed template; ministack keeps the first, and none of a change set."""

    def described(parameters: dict[str, Any]) -> Answer:
        for stack in cloudformation.stacks.values():
            stack["Description"] = stack.get("_template", {}).get("Description", "")
        return describe(parameters)

    return described


def _changes(stack: Stack, wanted: Mapping[str, Any], values: dict[str, Any]) -> list[Any]:
    """Return the changes of resources, as in a change set."""
    name, identifier = stack["StackName"], stack["StackId"]
    before = stack.get("_resolved_params", {})
    changed = {key for key, each in values.items() if before.get(key, {}).get("Value") != each.get("Value")}
    old = changesets.resolve_props_for_diff(stack.get("_template", {}), before, name, identifier)
    new = changesets.resolve_props_for_diff(wanted, values, name, identifier)
    found: list[Any] = stacks.diff_resources(old, new, stack.get("_resources"), wanted, changed)
    return found


def _differs(
    stack: Stack, wanted: Mapping[str, Any], values: dict[str, Any], tags: list[dict[str, Any]], *, tags_given: bool
) -> bool:
    """Return whether an update changes the outputs or the tags of a stack."""
    before = _outputs(stack, stack.get("_template", {}), stack.get("_resolved_params", {}))
    return before != _outputs(stack, wanted, values) or stacks.stack_tags_changed(stack, tags, tags_given)


def _outputs(stack: Stack, stated: Mapping[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Return the resolved outputs of a template, except those with a false condition."""
    conditions = template.evaluate(stated, values)
    return {
        name: _resolved(stack, output, values, conditions, stated.get("Mappings") or {})
        for name, output in (stated.get("Outputs") or {}).items()
        if conditions.get(output.get("Condition"), True)
    }


def _resolved(
    stack: Stack, output: Mapping[str, Any], values: dict[str, Any], conditions: dict[str, bool], mappings: Any
) -> Any:
    stated = {name: copy.deepcopy(each) for name, each in output.items() if name != "Condition"}
    known = stack.get("_resources", {})
    try:
        return engine.resolve_refs(stated, known, values, conditions, mappings, stack["StackName"], stack["StackId"])
    except (KeyError, TypeError, ValueError):  # what does not resolve is compared as it is written
        return stated
