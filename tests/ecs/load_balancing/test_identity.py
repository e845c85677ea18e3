"""The ids, numbers and exports that stay when routes, names and load balancers change."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, cast

import aws_cdk as cdk
import pytest
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from moorage import Cluster, Container, Listener, LoadBalancer, NetworkLoadBalancer, Rollout, Route, Service, Task
from tests.conftest import imported_vpc, template
from tests.stand_ins import stand_in

WEB = Task(Container("public.ecr.aws/nginx/nginx-unprivileged:1.29", name="web", port=8080))
GROUP, RULE, LISTENER = (f"AWS::ElasticLoadBalancingV2::{kind}" for kind in ("TargetGroup", "ListenerRule", "Listener"))
STRENGTH = "@aws-cdk/core:defaultCrossStackReferences"
Routes = Callable[[LoadBalancer, NetworkLoadBalancer], list[Any]]


def resources(
    routes: Routes,
    *,
    rollout: Rollout | None = None,
    public: bool = False,
    name: str = "Web",
    edge_id: str = "Edge",
    task: Task = WEB,
) -> dict[str, Any]:
    """Return the resources of a service with these routes, behind load balancers of another stack."""
    app = cdk.App()
    platform, shop = cdk.Stack(app, "Platform"), cdk.Stack(app, "Shop")
    vpc = imported_vpc(platform)
    edge = LoadBalancer(platform, edge_id, vpc=vpc, public=public, plain_http="a test" if public else None)
    gate = NetworkLoadBalancer(platform, "Gate", vpc=vpc, public=public, without_tls="a test" if public else None)
    cluster = Cluster(platform, "Cluster", vpc=vpc)
    Service(shop, name, cluster=cluster, task=task, route=routes(edge, gate), rollout=rollout)
    found: dict[str, Any] = template(shop).to_json()["Resources"]
    return found


def of(found: dict[str, Any], *kinds: str) -> dict[str, Any]:
    return {name: each["Properties"] for name, each in found.items() if each["Type"] in kinds}


def kept(before: dict[str, Any], after: dict[str, Any], *kinds: str) -> set[str]:
    return set(of(before, *kinds)) & set(of(after, *kinds))


SETS: list[list[Callable[[LoadBalancer, NetworkLoadBalancer], Any]]] = [
    [lambda edge, _: Route(edge, path="/a"), lambda edge, _: Route(edge, path="/b")],
    [lambda edge, _: Route(edge, host="a.example.com"), lambda edge, _: Route(edge, host="b.example.com")],
    [lambda edge, _: Route(edge), lambda edge, _: Route(edge, path="/b", priority=7)],
    [lambda _, gate: Listener(gate, 8883), lambda _, gate: Listener(gate, 9000)],
    [lambda edge, _: Route(edge, path="/a"), lambda _, gate: Listener(gate, 9000)],
]


@pytest.mark.parametrize("rollout", [None, Rollout.canary()])
@pytest.mark.parametrize("routes", SETS)
def test_reordering_or_removing_a_route_changes_no_other_route(routes: list[Any], rollout: Rollout | None) -> None:
    """A rule or a listener with another id would be created while the old one still has its number or port."""
    if rollout and routes is SETS[1]:
        routes = [routes[0], lambda edge, _: Route(edge, host="b.example.com", name="beta")]
    both = resources(lambda *edges: [route(*edges) for route in routes], rollout=rollout)
    assert resources(lambda *edges: [route(*edges) for route in reversed(routes)], rollout=rollout) == both
    for route in routes:
        only = resources(lambda *edges, route=route: [route(*edges)], rollout=rollout)
        for kind in (GROUP, RULE, LISTENER):
            assert of(only, kind).items() <= of(both, kind).items()


@pytest.mark.parametrize(
    "routes",
    [lambda edge, host: [Route(edge, host=host)], lambda edge, host: [Route(edge), Route(edge, host=host, priority=7)]],
)
def test_another_host_replaces_no_target_group(routes: Any) -> None:
    before, after = (resources(lambda edge, _, host=host: routes(edge, host)) for host in ("a.com", "b.com"))  # type: ignore[misc]  # mypy infers no type of a bound lambda
    assert of(before, GROUP) == of(after, GROUP)
    rules = [{each["Priority"]: name for name, each in of(found, RULE).items()} for found in (before, after)]
    assert all(rules[0][number] == rules[1][number] for number in rules[0].keys() & rules[1].keys())


@pytest.mark.parametrize("numbers", [(None, None), (1, 2)])
def test_the_id_of_a_rule_follows_from_its_number(numbers: tuple[Any, Any]) -> None:
    """Two rules that swap their conditions or their numbers are updated in place."""
    explicit = [{} if number is None else {"priority": number} for number in numbers]

    def ordered(*paths: str) -> dict[str, Any]:
        pairs = list(zip(paths, explicit, strict=True))
        return resources(lambda edge, _: [Route(edge, path=path, **each) for path, each in pairs])

    before, after = ordered("/a", "/b"), ordered("/b", "/a")
    ids = [{each["Priority"]: name for name, each in of(found, RULE).items()} for found in (before, after)]
    assert ids[0] == ids[1]


def test_routes_that_differ_only_by_host_share_a_target_group() -> None:
    found = resources(lambda edge, _: [Route(edge, host="a.com"), Route(edge, host="b.com")])
    (group,) = of(found, GROUP)
    assert [each["Actions"][0]["TargetGroupArn"] for each in of(found, RULE).values()] == [{"Ref": group}] * 2
    (service,) = of(found, "AWS::ECS::Service").values()
    assert len(service["LoadBalancers"]) == 1


CONTAINERS = Task(*(Container("nginx:1.29", name=name, port=port) for name, port in (("web", 8080), ("admin", 9090))))


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ({}, {"health": "/healthz"}, "differ in their health"),
        ({}, {"deregistration_delay": cdk.Duration.seconds(5)}, "deregistration_delay"),
        ({"path": "/a"}, {"path": "/a", "container": "admin"}, "lead to containers 'web' and 'admin'"),
        ({"path": ["/a", "/b"]}, {"path": ["/c", "/a"], "health": "/healthz"}, "follows from the path '/a'"),
    ],
)
@pytest.mark.parametrize("rollout", [None, Rollout.canary()])
def test_routes_that_differ_only_by_host_need_names_for_their_own_target_groups(
    first: dict[str, Any], second: dict[str, Any], reason: str, rollout: Rollout | None
) -> None:
    def differing(edge: LoadBalancer, *_: object, name: str | None = None) -> list[Route]:
        return [Route(edge, host="a.com", **first), Route(edge, host="b.com", name=name, **second)]

    with pytest.raises(ValueError, match=f"for host 'a.com'.* and for host 'b.com'.*{reason}.*give one route a name="):
        resources(differing, rollout=rollout, task=CONTAINERS)
    alone = resources(lambda *edges: differing(*edges)[:1], rollout=rollout, task=CONTAINERS)
    named = resources(lambda *edges: differing(*edges, name="beta"), rollout=rollout, task=CONTAINERS)
    assert len(of(named, GROUP)) == (4 if rollout else 2)
    assert of(alone, GROUP).items() < of(named, GROUP).items()


def test_routes_that_differ_only_by_host_are_refused_if_rollouts_shift_traffic() -> None:
    with pytest.raises(
        ValueError, match="ECS changes only one rule for each pair.*use one Route with the hosts and paths of both"
    ):
        resources(lambda edge, _: [Route(edge, host="a.com"), Route(edge, host="b.com")], rollout=Rollout.canary())


@pytest.mark.parametrize("rollout", [None, Rollout.canary()])
@pytest.mark.parametrize("first", [None, "web"])
def test_hosts_may_lead_to_different_containers(first: str | None, rollout: Rollout | None) -> None:
    def routes(edge: LoadBalancer, *_: object) -> list[Route]:
        return [Route(edge, host="a.com", container=first), Route(edge, host="b.com", container="admin")]

    both = resources(routes, rollout=rollout, task=CONTAINERS)
    (service,) = of(both, "AWS::ECS::Service").values()
    ports = {each["ContainerName"]: each["ContainerPort"] for each in service["LoadBalancers"]}
    assert ports == {"web": 8080, "admin": 9090}
    for index in range(2):  # each has the same id as it has without the other
        alone = resources(
            lambda *edges, index=index: routes(*edges)[index : index + 1], rollout=rollout, task=CONTAINERS
        )
        assert of(alone, GROUP).items() < of(both, GROUP).items()


@pytest.mark.parametrize("rollout", [None, Rollout.canary()])
@pytest.mark.parametrize(
    ("paths", "more_paths"),
    [
        ("/a", ["/a", "/a/*"]),
        (["/a", "/b"], ["/c", "/b", "/a"]),
        ("/v1/*", ["/v2/*", "/v1/*"]),
        (["/api", "/api/*"], ["/api", "/static/*"]),
    ],
)
def test_more_paths_replace_no_target_group(paths: Any, more_paths: Any, rollout: Rollout | None) -> None:
    """A new target group has no targets until the tasks are replaced, but its rule exists earlier (503)."""
    before = resources(lambda edge, _: [Route(edge, path=paths)], rollout=rollout)
    after = resources(lambda edge, _: [Route(edge, path=more_paths)], rollout=rollout)
    assert of(before, GROUP) == of(after, GROUP)
    for rule, later in zip(of(before, RULE).values(), of(after, RULE).values(), strict=True):
        assert rule["Actions"] == later["Actions"]
        assert rule["Conditions"] != later["Conditions"]


def test_a_second_route_replaces_the_first_without_an_empty_target_group() -> None:
    """The procedure in `Route` and `Listener`: the target group exists before the rule forwards to it."""

    def changed(edge: LoadBalancer, gate: NetworkLoadBalancer, path: str, port: int) -> list[Any]:
        udp = elbv2.Protocol.UDP
        return [
            Route(edge, path=path, name="new"),
            Listener(gate, port, protocol=udp, health_port=8081, name="new-port"),
        ]

    both = resources(lambda edge, gate: [Route(edge), Listener(gate, 9000), *changed(edge, gate, "/new", 9001)])
    after = resources(lambda edge, gate: changed(edge, gate, "/a/*", 9000))
    assert of(after, GROUP).items() < of(both, GROUP).items()


@pytest.mark.parametrize("rollout", [None, Rollout.canary()])
def test_a_path_and_those_below_it_can_be_two_routes(rollout: Rollout | None) -> None:
    """Both have target groups of their own, as ECS needs for a rollout that shifts traffic."""
    found = resources(lambda edge, _: [Route(edge, path="/a"), Route(edge, path="/a/*", health="/h")], rollout=rollout)
    assert len(of(found, GROUP)) == (4 if rollout else 2)


def test_routes_with_the_same_shortest_path_share_a_target_group() -> None:
    found = resources(
        lambda edge, _: [Route(edge, host="a.com", path=["/a", "/b"]), Route(edge, host="b.com", path=["/c", "/a"])]
    )
    assert len(of(found, GROUP)) == 1


def test_routes_after_one_without_an_id_are_checked_too() -> None:
    unknown = cdk.Token.as_string({"Ref": "Host"})
    with pytest.raises(ValueError, match=r"(?s)is known only at deployment.*differ in their health"):
        resources(
            lambda edge, _: [
                Route(edge, host=unknown, priority=5),
                Route(edge, host="a.com", path="/a"),
                Route(edge, host="b.com", path="/a", health="/h"),
            ]
        )


def test_routes_that_differ_only_by_a_token_need_names() -> None:
    host = cdk.Token.as_string({"Ref": "Host"})
    port: Any = cdk.Token.as_number({"Ref": "Port"})
    alone = resources(lambda edge, _: [Route(edge, host=host, priority=5)])
    with pytest.raises(
        ValueError, match="is known only at deployment, so moorage cannot derive a unique ID.*give this route a name="
    ):
        resources(lambda edge, _: [Route(edge, path="/a"), Route(edge, host=host, priority=5)])
    with pytest.raises(ValueError, match="is known only at deployment"):
        resources(lambda _, gate: [Listener(gate, 9000), Listener(gate, port)])
    both = resources(lambda edge, _: [Route(edge, path="/a"), Route(edge, host=host, priority=5, name="beta")])
    assert kept(alone, both, RULE)
    cdk.Token.as_string({"Ref": "Unrelated"})
    again = resources(lambda edge, _: [Route(edge, path="/a"), Route(edge, host=host, priority=5, name="beta")])
    assert set(again) == set(both)
    resources(lambda _, gate: [Listener(gate, 9000), Listener(gate, port, name="beta")])


def test_rules_whose_priority_is_a_token_have_the_names_of_their_routes() -> None:
    first, second = (cast("int", cdk.Token.as_number({"Ref": name})) for name in ("First", "Second"))
    found = resources(
        lambda edge, _: [
            Route(edge, path="/a", priority=first, name="a"),
            Route(edge, path="/b", priority=second, name="b"),
        ]
    )
    assert len(of(found, RULE)) == 2


@pytest.mark.parametrize("name", ["", "a b", "a/b", "ä", "x" * 65])
def test_an_invalid_name_is_refused(name: str) -> None:
    edge = stand_in("RequestLoadBalancer")
    with pytest.raises(ValueError, match="name must be 1 to 64 letters, digits and '-'"):
        Route(edge, name=name)


def test_a_name_that_is_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match=r"name of each route must be unique \(got 'a' more than once\)"):
        resources(lambda edge, _: [Route(edge, path="/a", name="a"), Route(edge, path="/b", name="a")])


@pytest.mark.parametrize("change", [{"public": True}, {"edge_id": "Door"}])
def test_a_replaced_load_balancer_gets_new_target_groups(change: dict[str, Any]) -> None:
    """A kept target group would belong to two load balancers for a while, which ELB refuses (aws-cdk #33253)."""
    before, after = (resources(lambda edge, _: [Route(edge, path="/a")], **each) for each in ({}, change))
    assert not kept(before, after, GROUP)


def test_two_load_balancers_may_forward_to_one_service_with_the_same_path_and_port() -> None:
    app = cdk.App()
    stack = cdk.Stack(app, "Shop")
    vpc = imported_vpc(stack)
    edges = [LoadBalancer(stack, name, vpc=vpc) for name in ("Edge", "Inner")]
    gates = [NetworkLoadBalancer(stack, name, vpc=vpc) for name in ("Gate", "Door")]
    routes: list[Route | Listener] = [*(Route(edge) for edge in edges), *(Listener(gate, 9000) for gate in gates)]
    service = Service(stack, "Web", cluster=Cluster(stack, "Cluster", vpc=vpc), task=WEB, route=routes)
    assert len(service.target_groups) == 4


def test_a_target_group_keeps_its_port_when_the_container_port_changes() -> None:
    """Port is create-only: the rule would forward to a new target group without targets (aws-cdk #19411)."""
    found = resources(lambda edge, gate: [Route(edge), Listener(gate, 9000)])
    assert {each["Port"] for each in of(found, GROUP).values()} == {80}
    assert {each["ContainerPort"] for each in of(found, "AWS::ECS::Service").popitem()[1]["LoadBalancers"]} == {8080}


@pytest.mark.parametrize("rollout", [None, Rollout.canary()])
def test_the_rollout_changes_no_id(rollout: Rollout | None) -> None:
    rolling = resources(lambda edge, gate: [Route(edge, path="/a"), Listener(gate, 9000)])
    other = resources(lambda edge, gate: [Route(edge, path="/a"), Listener(gate, 9000)], rollout=rollout)
    assert set(of(rolling, GROUP, RULE, LISTENER)) <= set(of(other, GROUP, RULE, LISTENER))


def exports(
    *, https: bool, rollout: Rollout | None, route: bool, strength: str | None = "strong"
) -> tuple[set[str], str]:
    """Return the names that a platform exports, and the template of a stack that uses it."""
    app = cdk.App(context={} if strength is None else {STRENGTH: strength})
    platform, shop = cdk.Stack(app, "Platform"), cdk.Stack(app, "Shop")
    vpc = imported_vpc(platform)
    arn = "arn:aws:acm:eu-west-1:111111111111:certificate/1a2b"
    certificate = acm.Certificate.from_certificate_arn(platform, "Certificate", arn) if https else None
    edge, gate = (
        LoadBalancer(platform, "Edge", vpc=vpc, certificate=certificate),
        NetworkLoadBalancer(platform, "Gate", vpc=vpc),
    )
    routes: list[Route | Listener] = [Route(edge), Listener(gate, 9000)] if route else []
    Service(shop, "Web", cluster=Cluster(shop, "Cluster", vpc=vpc), task=WEB, route=routes, rollout=rollout)
    result = app.synth()
    outputs = result.get_stack_by_name("Platform").template.get("Outputs", {})
    names = {str(each["Export"]["Name"]) for each in outputs.values() if "Export" in each}
    return names, str(result.get_stack_by_name("Shop").template)


@pytest.mark.parametrize("strength", ["strong", None])
def test_exports_stay_when_certificates_rollouts_and_routes_change(strength: str | None) -> None:
    """A platform is deployed before the services that stop importing from it (aws-cdk #7602)."""
    platforms = [
        exports(https=https, rollout=rollout, route=route, strength=strength)
        for https, (rollout, route) in itertools.product(
            (False, True), ((None, False), (None, True), (Rollout.canary(), True))
        )
    ]
    names = set().union(*(exported for exported, _ in platforms))
    for (_, shop), (later, _) in itertools.permutations(platforms, 2):
        assert {name for name in names if name in shop} <= later
    assert all("Fn::ImportValue" in shop for exported, shop in platforms if "TargetGroup" in shop)


def test_weak_references_export_nothing() -> None:
    names, shop = exports(https=True, rollout=Rollout.canary(), route=True, strength="weak")
    assert not names
    assert "Fn::GetStackOutput" in shop
