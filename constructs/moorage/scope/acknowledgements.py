"""The policy issues that constructs acknowledge in their own resources, each with the reason.

Nothing is sent to CDK unless the app asks for it with `moorage.policy.acknowledge`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from moorage.scope.per_construct import PerConstruct

if TYPE_CHECKING:
    from aws_cdk import aws_ec2 as ec2
    from constructs import IConstruct

    GroupRule: TypeAlias = tuple[ec2.IPeer, str, Any]


@attrs.frozen(eq=False)
class OwnAcknowledgement:
    """A policy issue that a construct acknowledges in the resources below another construct.

    Args:
        construct: The construct whose resources have the issue.
        issue: The name of the issue in `moorage/policy/issues.toml`.
        reason: The reason why the construct does not avoid the issue.
        actions: For wildcards in IAM policies: the actions of moorage's own statements that have `*` as their resource
            and no condition.
        statements: For wildcards in IAM policies: moorage's other own statements. A wildcard in a statement with
            another action, resource or condition is not acknowledged.
        rules: For security groups: the peer, the protocol and the port of each of moorage's own rules. Another rule
            that lets everybody connect is not acknowledged.
        ports: For security groups that CDK defines: the ports that are open to the CIDR block of the VPC.
        variables: For task definitions: the names of the environment variables that are not the user's.
        containers: For task definitions: the names of the containers that are not the user's.
        policies: For roles: the names of AWS managed policies. Another policy is not acknowledged.
        ids: The paths, relative to `construct`, of the resources to which the acknowledgement is limited; `*` matches
            one ID. If empty, it applies to all resources that CDK defines below `construct`. With `in_stack`, the IDs
            of constructs directly below the stack.
        in_stack: True if the acknowledgement applies to the resources that CDK defines below the constructs `ids` of
            the stack, and not below `construct`.
    """

    construct: IConstruct
    issue: str
    reason: str
    actions: frozenset[str]
    statements: tuple[Mapping[str, Any], ...]
    rules: tuple[GroupRule, ...]
    ports: frozenset[int]
    variables: frozenset[str]
    containers: frozenset[str]
    policies: frozenset[str]
    ids: frozenset[str]
    in_stack: bool


LOG_GROUP_WITHOUT_KEY = (
    "log-kms",
    "CloudWatch Logs encrypts the log group with a key that AWS owns; a customer managed key costs money",
)
POLICY_OF_ONE_ROLE = (
    "iam-inline",
    "the policy belongs to one role; a managed policy would have the same statements",
)
POLICY_OF_KEY = (
    "kms-grants",
    "CDK's key policy lets the administrators of the account manage the key, including its grants",
)
AWS_MANAGED_POLICY = (
    "managed-policy",
    "AWS maintains this policy for the service that assumes the role",
)
"""Issues that several constructs acknowledge, each with the reason."""

Receiver = Callable[[OwnAcknowledgement], None]

_new: list[OwnAcknowledgement] = []
_by_root: PerConstruct[IConstruct, list[OwnAcknowledgement]] = PerConstruct()
"""A mapping from the root of a construct tree to its acknowledgements. `acknowledged` moves the acknowledgements in
`_new` to this mapping, so that the root of each construct is determined only once."""
_receivers: PerConstruct[IConstruct, Receiver] = PerConstruct()


def acknowledge(
    construct: IConstruct,
    issue: str,
    reason: str,
    *,
    actions: Iterable[str] = (),
    statements: Iterable[Mapping[str, Any]] = (),
    rules: Iterable[GroupRule] = (),
    ports: Iterable[int] = (),
    variables: Iterable[str] = (),
    containers: Iterable[str] = (),
    policies: Iterable[str] = (),
    ids: Iterable[str] = (),
    in_stack: bool = False,
) -> None:
    """Record that a construct of this library acknowledges a policy issue in its own resources.

    Args:
        construct: The construct whose resources have the issue.
        issue: The name of the issue.
        reason: The reason, as a clause without a period.
        actions: For wildcards in IAM policies: the actions of moorage's own statements that have `*` as their resource
            and no condition.
        statements: For wildcards in IAM policies: moorage's other own statements, as JSON.
        rules: For security groups: the peer, the protocol and the port of each of moorage's own rules.
        ports: For security groups that CDK defines: the ports that are open to the CIDR block of the VPC.
        variables: For task definitions: the names of the environment variables that are not the user's.
        containers: For task definitions: the names of the containers that are not the user's.
        policies: For roles: the names of AWS managed policies.
        ids: The paths, relative to `construct`, of the resources to which the acknowledgement is limited; `*` matches
            one ID. With `in_stack`, the IDs of constructs directly below the stack. Default: all resources that CDK
            defines below `construct`.
        in_stack: Whether to acknowledge the issue below the constructs `ids` of the stack, as for a singleton of CDK.
            Default: False.
    """
    own = OwnAcknowledgement(
        construct,
        issue,
        reason,
        actions=frozenset(actions),
        statements=tuple(statements),
        rules=tuple(rules),
        ports=frozenset(ports),
        variables=frozenset(variables),
        containers=frozenset(containers),
        policies=frozenset(policies),
        ids=frozenset(ids),
        in_stack=in_stack,
    )
    _new.append(own)
    if _receivers.items():  # only then, since asking for the root costs a round trip to Node.js
        receiver = _receivers.get(construct.node.root)
        if receiver:
            receiver(own)


def as_list(value: Any) -> list[Any]:
    """Return a value of an IAM policy as a list. IAM also accepts a single value instead of a list."""
    return value if isinstance(value, list) else [value]


def receive(app: IConstruct, receiver: Receiver) -> None:
    """Pass each acknowledgement of an app to a function, including acknowledgements that are made later.

    Args:
        app: The root of the construct tree. A second call for the same app does nothing.
        receiver: The function.
    """
    if _receivers.get(app):
        return
    _receivers.set(app, receiver)
    for own in acknowledged(app):
        receiver(own)


def acknowledged(app: IConstruct) -> tuple[OwnAcknowledgement, ...]:
    """Return the acknowledgements of an app.

    Args:
        app: The root of the construct tree.
    """
    for own in _new:
        _by_root.get_or_make(own.construct.node.root, list).append(own)
    _new.clear()
    return tuple(_by_root.get(app) or ())
