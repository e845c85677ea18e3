"""The priorities of rules, and how often two rules have the same one."""

from __future__ import annotations

import hashlib
import math
import random
from collections import Counter
from collections.abc import Callable

import aws_cdk as cdk
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage import Cluster, Container, LoadBalancer, Route, Service, Task
from moorage.ecs.load_balancing.priorities import default_priority
from tests.conftest import SUMMARY_PROPERTY, imported_vpc

WORDS = st.text("abcdefghij", min_size=1, max_size=8)
DRAWS = 4000
Rule = tuple[tuple[str, ...], tuple[str, ...]]
"""The hosts and the paths of a rule."""


def draws() -> random.Random:
    return random.Random(1)  # noqa: S311  # not used for secrets


def word(drawn: random.Random) -> str:
    return "".join(drawn.choices("abcdefghijklmnop", k=8))


def paths(drawn: random.Random) -> dict[str, str]:
    """Return an unrelated path of each kind."""
    a, b = word(drawn), word(drawn)
    return {"directory": f"/{a}/*", "exact": f"/{a}", "below": f"/{a}/{b}/*", "page": f"/{a}/{b}", "prefix": f"/{a}*"}


def pairs(drawn: random.Random) -> dict[str, tuple[Rule, Rule]]:
    """Return a pair of rules of each kind, in which the first covers the second."""
    a, b, c = word(drawn), word(drawn), word(drawn)
    host = (f"{c}.example.com",)
    return {
        "below": (((), (f"/{a}/*",)), ((), (f"/{a}/{b}/*",))),
        "page": (((), (f"/{a}/*",)), ((), (f"/{a}/{b}",))),
        "far below": (((), (f"/{a}/*",)), ((), (f"/{a}/{b}/{c}/*",))),
        "list": (((), (f"/{a}", f"/{a}/*")), ((), (f"/{a}/{b}", f"/{a}/{b}/*"))),
        "list and below": (((), (f"/{a}", f"/{a}/*")), ((), (f"/{a}/{b}/*",))),
        "prefix": (((), (f"/{a}*",)), ((), (f"/{a}/*",))),
        "all paths": (((), ("/*",)), ((), (f"/{a}/*",))),
        "suffix": (((), ("/*",)), ((), (f"/*.{a}",))),
        "host": (((f"*.{a}.com",), ()), ((f"{b}.{a}.com",), ())),
        "hosts": (((f"*.{a}.com",), ()), ((f"*.{b}.{a}.com",), ())),
        "host of hosts": (((f"*.{b}.{a}.com",), ()), ((f"{c}.{b}.{a}.com",), ())),
        "below of a host": ((host, (f"/{a}/*",)), (host, (f"/{a}/{b}/*",))),
        "all paths of a host": ((host, ("/*",)), (host, (f"/{a}/*",))),
        "path of hosts": ((("*.example.com",), (f"/{a}/*",)), (host, (f"/{a}/*",))),
        "below of hosts": ((("*.example.com",), (f"/{a}/*",)), (("*.example.com",), (f"/{a}/{b}",))),
    }


def test_a_rule_that_covers_another_comes_after_it(record_property: Callable[[str, object], None]) -> None:
    drawn = draws()
    refused: Counter[str] = Counter()
    for _ in range(DRAWS // 10):
        for kind, (wide, narrow) in pairs(drawn).items():
            refused[kind] += default_priority(*narrow) >= default_priority(*wide)
    shares = {kind: refused[kind] / (DRAWS // 10) for kind in pairs(drawn)}
    record_property(SUMMARY_PROPERTY, f"of overlapping pairs {sum(shares.values()) / len(shares):.1%} are refused")
    assert max(shares.values()) <= 0.05, shares


@pytest.mark.parametrize("kind", [*paths(draws()), None])
def test_100_unrelated_paths_rarely_get_the_same_number(
    kind: str | None, record_property: Callable[[str, object], None]
) -> None:
    """The chance follows from that of two paths: 100 paths have 4,950 pairs."""
    drawn = draws()
    numbers: Counter[int] = Counter()
    for _ in range(DRAWS * 5):
        path = paths(drawn)[kind or drawn.choice([*paths(drawn)])]
        numbers[default_priority((), (path,))] += 1
    equal = sum(count * (count - 1) for count in numbers.values()) / (DRAWS * 5 * (DRAWS * 5 - 1))
    clash = 1 - math.exp(-4950 * equal)
    record_property(SUMMARY_PROPERTY, f"100 unrelated paths ({kind or 'mixed'}) clash on {clash:.0%} of load balancers")
    assert clash <= 0.4


def hashed(hosts: tuple[str, ...], paths: tuple[str, ...]) -> int:
    """Return the number that each rule had before rules were ordered: a hash within its band."""
    first, last = {(1, 1): (1, 20_000), (1, 0): (20_001, 35_000), (0, 1): (35_001, 49_999), (0, 0): (50_000, 50_000)}[
        bool(hosts), bool(paths)
    ]
    digest = hashlib.sha256("\n".join([*sorted(hosts), "", *sorted(paths)]).encode()).digest()
    return first + int.from_bytes(digest[:8]) % (last - first + 1)


@given(WORDS, st.sampled_from(["/{}", "/{}/*", None]), st.booleans())
def test_deployed_rules_keep_their_numbers(name: str, path: str | None, with_host: bool) -> None:  # noqa: FBT001  # drawn
    asked = ((f"{name}.example.com",) if with_host else (), () if path is None else (path.format(name),))
    assert default_priority(*asked) == hashed(*asked)


def test_the_numbers_of_some_rules_never_change() -> None:
    """Another number would replace the rule, in an upgrade that nobody expects to change it."""
    pinned: dict[Rule, int] = {
        ((), ()): 50000,
        ((), ("/a",)): 40326,
        ((), ("/api/*",)): 35646,
        ((), ("/api/v2/*",)): 35579,
        ((), ("/api", "/api/*")): 46496,
        ((), ("/*",)): 49973,
        (("shop.example.com",), ()): 23595,
        (("*.example.com",), ()): 34853,
        (("shop.example.com",), ("/api/*",)): 8571,
        (("shop.example.com",), ("/api/v2/*",)): 1970,
        (("*.example.com",), ("/api/*",)): 19393,
        ((), ("/a*",)): 45927,
        ((), ("/v?*",)): 35339,
        ((), ("/a/*/b*",)): 35124,
        ((), ("/a/b*",)): 35173,
        ((), ("/a/?/c",)): 35138,
        ((), ("/a/*.png",)): 35135,
        ((), ("/*.png",)): 49840,
        ((), ("?",)): 49901,
        ((), ("*",)): 49934,
        ((), ("/a/b/c", "/a/d")): 35149,
        ((), ("/a/b/*", "/a/c/*")): 35174,
        ((), ("/a/*", "/a/b/*")): 46087,
        ((), ("/a/*", "/b/*")): 49993,
        ((), ("/a/*", "/*")): 49977,
        ((), ("/*", "/a*")): 49981,
        ((), ("/a", "/b/*")): 49979,
        (("*.com",), ()): 34923,
        (("*.shop.example.com",), ()): 34667,
        (("*",), ()): 34865,
        (("*.com", "shop.example.com"), ()): 34953,
        (("*.com",), ("/*",)): 19944,
        (("*.example.com",), ("/*",)): 19801,
        (("*.example.com",), ("/*.png",)): 19849,
        (("shop.example.com",), ("/*",)): 19545,
        (("shop.example.com",), ("/*.png",)): 19478,
        (("shop.example.com",), ("/a", "/a/*")): 13624,
        (("*.com",), ("/a/*",)): 19234,
        (("*.com",), ("/a/b",)): 19232,
        (("shop.example.com",), ("/a/b/c",)): 2588,
    }
    assert {asked: default_priority(*asked) for asked in pinned} == pinned


def test_a_rule_does_not_share_its_number_with_one_that_its_hash_equals() -> None:
    assert default_priority((), ("/ryf*",)) > default_priority((), ("/ryf/*",))
    assert default_priority((), ("/api/pcq",)) < default_priority((), ("/api/*",))


@given(
    st.lists(st.sampled_from(["/a", "/a/*", "/a/b*", "/*", "*", "/*.png", "/a/?/c", "/b/*"]), max_size=4, unique=True)
)
def test_a_number_is_in_its_band(chosen: list[str]) -> None:
    for hosts, (first, last) in {(): (35_001, 49_999), ("*.a.com",): (1, 20_000)}.items():
        if chosen:
            assert first <= default_priority(hosts, tuple(chosen)) <= last


def test_a_clash_suggests_a_number_that_is_free_and_in_order() -> None:
    stack = cdk.Stack(cdk.App(), "Shop")
    vpc = imported_vpc(stack)
    edge, cluster = LoadBalancer(stack, "Edge", vpc=vpc), Cluster(stack, "Cluster", vpc=vpc)
    task = Task(Container("public.ecr.aws/nginx/nginx-unprivileged:1.29", name="web", port=8080))
    taken = [Route(edge, path=f"/{name}", priority=number) for name, number in (("a", 7), ("b", 6), ("c", 8))]
    Service(stack, "Web", cluster=cluster, task=task, route=taken)
    with pytest.raises(
        ValueError, match="have the same priority 7; set priority= on one of the routes: priority=5 is free"
    ):
        Service(stack, "Api", cluster=cluster, task=task, route=Route(edge, path="/d", priority=7))
    with pytest.raises(ValueError, match="set priority= on one of the routes: priority=9 is free for the new route"):
        Service(stack, "All", cluster=cluster, task=task, route=Route(edge, path="/*", priority=7))
    Service(stack, "All", cluster=cluster, task=task, route=Route(edge, path="/*", priority=9))


def test_a_suggested_priority_is_at_least_one() -> None:
    stack = cdk.Stack(cdk.App(), "Shop")
    vpc = imported_vpc(stack)
    edge, cluster = LoadBalancer(stack, "Edge", vpc=vpc), Cluster(stack, "Cluster", vpc=vpc)
    task = Task(Container("public.ecr.aws/nginx/nginx-unprivileged:1.29", name="web", port=8080))
    Service(stack, "Web", cluster=cluster, task=task, route=Route(edge, path="/a", priority=1))
    with pytest.raises(ValueError, match="have the same priority 1; .*: priority=2 is free"):
        Service(stack, "Api", cluster=cluster, task=task, route=Route(edge, path="/b", priority=1))


def test_both_wildcards_count() -> None:
    stack = cdk.Stack(cdk.App(), "Shop")
    edge = LoadBalancer(stack, "Edge", vpc=imported_vpc(stack))
    with pytest.raises(ValueError, match="the number of wildcards must be at most 6 .got 7."):
        Route(edge, path="/*/?/*/?/*/?/*", priority=1)
