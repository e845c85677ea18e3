"""The difference between a worker, which only drains a queue, and a service, which others connect to."""

from __future__ import annotations

import fnmatch
import itertools
from collections.abc import Iterator

from moorage.assembly.values import Value, places
from moorage.cost.resources import Item, tables

_RECEIVE = "sqs:receivemessage"
_DOORS = (
    ("LoadBalancers",),
    ("ServiceConnectConfiguration", "Services"),
    ("ServiceRegistries",),
    ("VpcLatticeConfigurations",),
)
"""The properties of a service through which others connect to its tasks."""
_ATTACHED = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")


def is_worker(service: Item, definition: Item) -> bool:
    """Return whether nothing connects to the tasks of a service, and the tasks receive the messages of a queue.

    The policies of the task role decide. If the role is not in the app, a queue in the environment of a container
    decides, because both a sender and a receiver have its URL there.

    Args:
        service: The service.
        definition: Its task definition.
    """
    if any(service.at(*door) for door in _DOORS):
        return False
    role = definition.target("TaskRoleArn")
    if role is None or role.type != "AWS::IAM::Role":
        return _names_queue(definition)
    return any(_receives(each) for each in _statements(role))


def _statements(role: Item) -> Iterator[Value]:
    """Yield the statements of the policies in a role, and of those in the app that are attached to it."""
    attached = itertools.chain.from_iterable(role.by(type_, "Roles") for type_ in _ATTACHED)
    named = (role.all.items.get(place) for place in places(role.at("ManagedPolicyArns")))
    documents = [each.at("PolicyDocument") for each in (*attached, *named) if each is not None]
    documents += [each.get("PolicyDocument") for each in _listed(role.at("Policies")) if isinstance(each, dict)]
    for document in documents:
        if isinstance(document, dict):
            yield from _listed(document.get("Statement"))


def _receives(statement: Value) -> bool:
    if not isinstance(statement, dict) or statement.get("Effect") != "Allow":
        return False
    actions = [each.lower() for each in _listed(statement.get("Action")) if isinstance(each, str)]
    return any(fnmatch.fnmatchcase(_RECEIVE, action) for action in actions)


def _listed(value: Value) -> tuple[Value, ...]:
    """Return a value of a policy as a tuple: IAM takes one statement or action also without a list."""
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


def _names_queue(definition: Item) -> bool:
    """Return whether a container has the URL or the name of a queue of the app in its environment."""
    for each in tables(definition.list("ContainerDefinitions")):
        named = (definition.all.items.get(place) for place in places(each.get("Environment")))
        if any(target is not None and target.type == "AWS::SQS::Queue" for target in named):
            return True
    return False
