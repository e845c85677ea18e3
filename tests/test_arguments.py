"""Shared arguments of related constructs have the same annotation, default and documentation."""

from __future__ import annotations

import inspect
import itertools
import re
from typing import Any

import pytest

from moorage import Job, LoadBalancer, NetworkLoadBalancer, Service, Worker

FAMILIES: list[tuple[type, ...]] = [
    (LoadBalancer, NetworkLoadBalancer),
    (Service, Worker, Job),
]
"""Constructs whose shared arguments mean the same."""
TEXTS_APART = {
    ("LoadBalancer", "NetworkLoadBalancer", "vpc"): "only one of them needs two zones",
    ("LoadBalancer", "NetworkLoadBalancer", "vpc_subnets"): "only one of them needs two subnets",
    ("LoadBalancer", "NetworkLoadBalancer", "certificate"): "one listens for HTTPS, the other for TLS",
    ("Service", "Worker", "rollout"): "a worker cannot be a daemon",
    ("Service", "Worker", "egress"): "a worker reaches SQS through HTTPS",
    ("Worker", "Job", "egress"): "a worker reaches SQS through HTTPS",
    ("LoadBalancer", "NetworkLoadBalancer", "zone"): "one gets its names from routes, the other from host",
    ("LoadBalancer", "NetworkLoadBalancer", "test_ingress"): "one has a test listener, the other one for each listener",
    ("LoadBalancer", "NetworkLoadBalancer", "ip_address_type"): "one supports a type that the other does not",
    ("LoadBalancer", "NetworkLoadBalancer", "zonal_shift"): "the text gives the reason for each default",
    ("Service", "Worker", "task"): "the task of a worker must reach SQS",
    ("Worker", "Job", "task"): "the task of a worker must reach SQS",
    ("Service", "Worker", "scaling"): "a worker is scaled by its backlog",
    ("Service", "Job", "placement"): "the default of a job is any instance",
    ("Worker", "Job", "placement"): "the default of a job is any instance",
    ("Service", "Worker", "removal_policy"): "a service has no queue that is retained",
    ("Service", "Job", "removal_policy"): "a service has no queue that is retained",
}
"""Arguments that two constructs document differently, each with its reason."""
DEFAULTS_APART = {
    (
        "LoadBalancer",
        "NetworkLoadBalancer",
        "zonal_shift",
    ): "it has drawbacks only with UDP and cross-zone load balancing",
    ("Service", "Worker", "scaling"): "a worker needs a backlog for each copy",
    ("Service", "Job", "placement"): "a single copy is not spread",
    ("Worker", "Job", "placement"): "a single copy is not spread",
}
"""Arguments whose defaults differ between two constructs, each with its reason."""

Pair = tuple[type, type, str]


def shared_arguments() -> list[Pair]:
    """Return every two constructs of a family, with each argument that they share."""
    return [
        (one, other, argument)
        for family in FAMILIES
        for one, other in itertools.combinations(family, 2)
        for argument in parameters(one)
        if argument in parameters(other)
    ]


def parameters(construct: type) -> dict[str, inspect.Parameter]:
    found = dict(inspect.signature(construct.__init__).parameters)  # type: ignore[misc]  # the constructor of the class itself
    del found["self"]
    return found


def texts(construct: type) -> dict[str, str]:
    """Return the text of each argument in the `Args:` section of a constructor, on one line."""
    documented = inspect.getdoc(construct.__init__) or ""  # type: ignore[misc]  # the constructor of the class itself
    (section,) = re.findall(r"^Args:\n((?:    .*\n|\n)+)", documented, re.MULTILINE)
    entries = re.findall(r"^    (\w+): (.*(?:\n     +.*)*)", section, re.MULTILINE)
    return {argument: " ".join(text.split()) for argument, text in entries}


def named(pair: Pair) -> tuple[str, str, str]:
    one, other, argument = pair
    return one.__name__, other.__name__, argument


SHARED = pytest.mark.parametrize("pair", shared_arguments(), ids=lambda pair: "-".join(named(pair)))


@SHARED
def test_a_shared_argument_has_the_same_annotation(pair: Pair) -> None:
    one, other, argument = pair
    same = parameters(one)[argument].annotation == parameters(other)[argument].annotation
    assert same or named(pair) in DEFAULTS_APART  # a default of None changes the annotation


@SHARED
def test_a_shared_argument_has_the_same_default(pair: Pair) -> None:
    one, other, argument = pair
    same = parameters(one)[argument].default == parameters(other)[argument].default
    assert same is (named(pair) not in DEFAULTS_APART)


@SHARED
def test_a_shared_argument_has_the_same_text(pair: Pair) -> None:
    one, other, argument = pair
    if named(pair) in TEXTS_APART:
        assert texts(one)[argument] != texts(other)[argument]
    else:
        assert texts(one)[argument] == texts(other)[argument]


@pytest.mark.parametrize("construct", list(itertools.chain(*FAMILIES)))
def test_every_argument_has_a_text(construct: Any) -> None:
    assert list(texts(construct)) == list(parameters(construct))


def test_every_exception_is_a_shared_argument() -> None:
    assert (TEXTS_APART.keys() | DEFAULTS_APART.keys()) <= set(map(named, shared_arguments()))
