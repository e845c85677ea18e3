"""The places of constructs: their account, region, stage and VPC, if these are known at synthesis."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import aws_cdk as cdk
from constructs import Construct, IConstruct

from moorage.scope.per_construct import PerConstruct
from moorage.workload.look_ups import is_looked_up_later
from moorage.workload.problems import Problems, is_token

if TYPE_CHECKING:
    from aws_cdk import aws_ec2 as ec2

Place: TypeAlias = tuple[str | None, str | None]
"""An account and a region, each None if it is not known before deployment."""


class _StackPlace(NamedTuple):
    """The place of a stack, with the path of its stage."""

    account: str | None
    region: str | None
    stage: str | None


_stack_places: PerConstruct[cdk.Stack, _StackPlace] = PerConstruct()
_places: PerConstruct[Any, _StackPlace] = PerConstruct()
_vpc_ids: PerConstruct[ec2.IVpc, str] = PerConstruct()
_ARN = re.compile(r"arn:[^:]*:[^:]*:(?P<region>[^:]*):(?P<account>[^:]*):.")


def place_of(construct: IConstruct) -> Place:
    """Return the account and region of a construct's stack. Each is None if it is not known at synthesis."""
    account, region, _ = _place_of_stack(_stack_of(construct))
    return account, region


def stage_path(construct: IConstruct) -> str | None:
    """Return the path of a construct's stage, or None if it has no stage."""
    return _place_of_stack(_stack_of(construct)).stage


def has_stack(construct: Construct, place: Place) -> bool:
    """Return whether the app of `construct` has a stack in an account and region."""
    return any(isinstance(each, cdk.Stack) and place_of(each) == place for each in construct.node.root.node.find_all())


def check_place(
    problems: Problems,
    argument: str,
    thing: IConstruct | str | None,
    scope: IConstruct,
    *,
    across_accounts: bool = False,
    across_regions: bool = False,
) -> None:
    """Add a problem if a thing is known to be in another account, region or stage than the construct that uses it.

    Unknown places are accepted: tokens, stacks without an environment, and values that CDK has not looked up yet.

    Args:
        problems: The problems to add to.
        argument: The name of the argument.
        thing: The resource or other construct, or an ARN. `None` is accepted.
        scope: The construct that uses the thing, or the scope of that construct.
        across_accounts: Whether to accept a thing in another account. Default: False.
        across_regions: Whether to accept a thing in another region. Default: False.
    """
    if thing is None:
        return
    own_place, place = _place_of_stack(_stack_of(scope)), _place_of_thing(thing)
    for kind, allowed, own, other in (
        ("account", across_accounts, own_place.account, place.account),
        ("region", across_regions, own_place.region, place.region),
    ):
        if not allowed and own and other and own != other:
            problems.add(
                f"{argument} must be in {kind} {own}, the {kind} of the stack that uses it (got {kind} {other}); "
                f"use a resource in {kind} {own}"
            )
    if own_place.stage is not None and place.stage not in {None, own_place.stage}:
        problems.add(
            f"{argument} must be in the stage {own_place.stage!r}, the stage of the construct that uses it (got stage "
            f"{place.stage!r}); define the resource in each stage, or import it by its name or ARN"
        )


def check_in_vpc(
    problems: Problems, argument: str, things: Iterable[ec2.ISubnet | ec2.ISecurityGroup], vpc: ec2.IVpc
) -> None:
    """Add a problem for each subnet or security group that is known to be in another VPC.

    Args:
        problems: The problems to add to.
        argument: The name of the argument.
        things: The subnets or security groups. A thing that is imported only by its ID is accepted, since its VPC is
            unknown.
        vpc: The VPC that must contain the subnets and security groups.
    """
    for thing in things:
        vpc_id = getattr(thing.node.default_child, "vpc_id", None) or getattr(thing.node.scope, "vpc_id", None)
        if isinstance(vpc_id, str) and _differ(vpc_id, _vpc_id(vpc)):
            problems.add(
                f"{argument} must be in the VPC {vpc.node.path} (got {thing.node.path} in another VPC); "
                "use a resource in that VPC"
            )


def are_different_vpcs(first_vpc: ec2.IVpc, second_vpc: ec2.IVpc) -> bool:
    """Return whether two VPCs are known to be different."""
    return first_vpc is not second_vpc and _differ(_vpc_id(first_vpc), _vpc_id(second_vpc))


def _vpc_id(vpc: ec2.IVpc) -> str:
    vpc_id = _vpc_ids.get(vpc)
    if vpc_id is None:
        vpc_id = vpc.vpc_id
        _vpc_ids.set(vpc, vpc_id)
    return vpc_id


def _differ(first_id: str, second_id: str) -> bool:
    """Return whether two VPC IDs are known to differ: each is a literal, or the ID of a VPC that this app defines."""
    return first_id != second_id and _is_known(first_id) and _is_known(second_id)


def _is_known(vpc_id: str) -> bool:
    if not is_token(vpc_id):
        return True
    targets = [
        each.target for each in cdk.Tokenization.reverse_string(vpc_id).tokens if isinstance(each, cdk.Reference)
    ]
    return any(isinstance(each, cdk.CfnResource) and each.cfn_resource_type == "AWS::EC2::VPC" for each in targets)


def _stack_of(construct: IConstruct) -> cdk.Stack:
    return construct if isinstance(construct, cdk.Stack) else cdk.Stack.of(construct)


def _place_of_stack(stack: cdk.Stack) -> _StackPlace:
    """Return the place of a stack. CDK is asked only once, since each part of a place costs a round trip to Node.js."""
    place = _stack_places.get(stack)
    if place is None:
        account, region = (None if is_token(each) else each for each in (stack.account, stack.region))
        stage = cdk.Stage.of(stack)
        place = _StackPlace(account, region, None if stage is None else stage.node.path)
        _stack_places.set(stack, place)
    return place


def _place_of_thing(thing: IConstruct | str) -> _StackPlace:
    if isinstance(thing, str):
        return _place_in_arn(thing)
    place = _places.get(thing)
    if place is None:
        place = _find_place(thing)
        _places.set(thing, place)
    return place


def _find_place(thing: IConstruct) -> _StackPlace:
    """Return the place of a construct's stack, or for an imported resource, the place in its ARN or in CDK's `env`.

    For a resource that is imported by its ARN, CDK's `env` is the place in the ARN for some types, and the place of the
    stack for other types. An imported resource belongs to no stage, since it is referred to by plain strings.
    """
    if not _is_imported(thing):
        return _place_of_stack(_stack_of(thing))
    arn = _arn_of(thing)
    if is_looked_up_later(arn):
        return _StackPlace(None, None, None)
    arn_place = _place_in_arn(arn)
    if arn_place.region or arn_place.account:
        return arn_place
    environment = getattr(thing, "env", None)
    if environment is None:
        return _StackPlace(None, None, None)
    account, region = (None if is_token(each) else each for each in (environment.account, environment.region))
    return _StackPlace(account, region, None)


def _is_imported(thing: IConstruct) -> bool:
    """Return whether jsii knows a construct only by its interfaces, like the results of CDK's `from_*` methods."""
    return type(thing).__name__.endswith("Proxy")


def _place_in_arn(arn: str) -> _StackPlace:
    """Return the place in an ARN, or an unknown place for tokens and for other strings."""
    parts = None if is_token(arn) else _ARN.match(arn)
    if not parts:
        return _StackPlace(None, None, None)
    return _StackPlace(parts["account"] or None, parts["region"] or None, None)


def _arn_of(thing: IConstruct) -> str:
    """Return the ARN of an imported resource from the attribute named after its interface, or an empty string."""
    for interface in _interfaces_of(thing):
        attribute = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", interface.__name__.removeprefix("_").removeprefix("I"))
        attribute = f"{attribute.removesuffix('Proxy').rstrip('_').removesuffix('_Base').lower()}_arn"
        if hasattr(interface, attribute):
            return str(getattr(thing, attribute))
    return ""


def _interfaces_of(thing: IConstruct) -> list[type]:
    delegates = getattr(thing, "_delegates", (thing,))
    return [each for delegate in delegates for each in type(delegate).__mro__]
