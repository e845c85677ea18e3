"""The acknowledgements of moorage's constructs, handed over to CDK for cdk-nag and for `moorage policy`."""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import aws_cdk as cdk

from moorage.assembly.cloud_assembly import OWN_ACKNOWLEDGED
from moorage.policy.issues import NAG_PACKS, issues
from moorage.policy.judged import digest, is_judged
from moorage.policy.own_resources import JUDGES
from moorage.scope.acknowledgements import OwnAcknowledgement, receive
from moorage.scope.per_construct import PerConstruct
from moorage.scope.stage_validation import add_stage_check
from moorage.workload.errors import ArgumentTypeError

if TYPE_CHECKING:
    from constructs import Construct, IConstruct

_SOLUTIONS, *_OTHER_PACKS = NAG_PACKS
"""cdk-nag's packs. Rules of `AwsSolutions` have names such as `ECS4`, and all other rules are named in words."""
_OF_SOLUTIONS = re.compile(r"[A-Z]+\d+")
_NAG = "nag:"
_OF_CDK = re.compile(
    r"((ExecutionRole|TaskRole|EventsRole|IAMRole|EBSRole|ProviderRole)/)?(DefaultPolicy/)?Resource|FlowLog|ASG|Handler|"
)
"""The paths of the resources that CDK defines below its constructs. Users can define others there."""

_checked: PerConstruct[IConstruct, list[OwnAcknowledgement]] = PerConstruct()
"""A mapping from construct to the acknowledgements for its resources."""


def hand_over(app: cdk.App) -> None:
    """Pass the acknowledgements of an app's constructs to CDK, after everything is defined.

    Args:
        app: The app.

    Raises:
        TypeError: `app` is not a `cdk.App`.
    """
    if not isinstance(app, cdk.Stage) or app.node.scope:
        raise ArgumentTypeError(f"app must be a cdk.App (got {type(app).__name__}); pass the app that you synthesize")
    receive(app, _receive)


def _receive(own: OwnAcknowledgement) -> None:
    owns = _checked.get_or_make(own.construct, list)
    if not owns:
        add_stage_check(cast("Construct", own.construct), functools.partial(_check, owns))
    owns.append(own)


def _check(owns: Sequence[OwnAcknowledgement]) -> list[str]:
    """Acknowledge the issues that are only in moorage's own definitions. Return an empty list of errors."""
    for issue in dict.fromkeys(own.issue for own in owns):
        group = [own for own in owns if own.issue == issue]
        for resource in {resource.node.path: resource for own in group for resource in _resources(own)}.values():
            _judge(resource, group)
    return []


def _resources(own: OwnAcknowledgement) -> Iterator[cdk.CfnResource]:
    """Yield the resources that an acknowledgement is about: those of CDK's construct, not those that users add."""
    roots: list[IConstruct] = [own.construct]
    if own.in_stack:
        children = [cdk.Stack.of(own.construct).node.try_find_child(each) for each in own.ids]
        roots = [child for child in children if child]
    for root in roots:
        start = len(root.node.path) + 1
        for resource in root.node.find_all():
            if isinstance(resource, cdk.CfnResource):
                path = resource.node.path[start:]
                if _is_limited_to(path, own) if own.ids and not own.in_stack else _OF_CDK.fullmatch(path):
                    yield resource


def _is_limited_to(path: str, own: OwnAcknowledgement) -> bool:
    """Return whether a path matches one of an acknowledgement, where `*` matches one ID."""
    return any(path.count("/") == each.count("/") and fnmatch.fnmatchcase(path, each) for each in own.ids)


def _judge(resource: cdk.CfnResource, owns: Sequence[OwnAcknowledgement]) -> None:
    issue = owns[0].issue
    properties: Mapping[str, Any] = {}
    if is_judged(issue) or issue in JUDGES:
        properties = _properties(resource)
    if issue in JUDGES:
        reasons, accepted = JUDGES[issue](resource, properties, owns)
    else:
        reasons, accepted = {}, owns[0].reason
    if accepted:
        # not a CDK acknowledgement, which counts even if the template has other properties
        resource.node.add_metadata(OWN_ACKNOWLEDGED, {issue: [accepted, digest(issue, properties)]})
        reasons = dict.fromkeys(_nag_ids(issue), accepted) | reasons
    if reasons:
        cdk.Validations.of(resource).acknowledge(
            *(cdk.Acknowledgment(id=each, reason=reason) for each, reason in reasons.items())
        )


def _properties(resource: cdk.CfnResource) -> Mapping[str, Any]:
    """Return the properties of a resource as in the template, but without the changes of overrides."""
    found = cdk.Stack.of(resource).resolve(resource._cfn_properties)
    rendered: Mapping[str, Any] = resource._render_properties(found)
    return rendered


def _nag_ids(issue: str) -> Iterator[str]:
    """Yield the IDs under which cdk-nag's rules about an issue are acknowledged."""
    for rule in issues()[issue].rules:
        if rule.startswith(_NAG):
            name = rule.removeprefix(_NAG)
            for pack in (_SOLUTIONS,) if _OF_SOLUTIONS.fullmatch(name) else _OTHER_PACKS:
                yield f"{pack}::{pack}-{name}"
