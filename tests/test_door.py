"""Arguments of a wrong type are refused with the name of the argument."""

from __future__ import annotations

import copy
import datetime as dt
import enum
import inspect
import pickle
import re
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs
import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns

import moorage
from moorage import (
    Capacity,
    Cluster,
    Container,
    HealthCheck,
    LifecycleHook,
    LoadBalancer,
    Network,
    NetworkLoadBalancer,
    Registry,
    Repository,
    Rollout,
    Route,
    Scaling,
    Service,
    Severity,
    Strategy,
    Task,
    Volume,
)
from moorage.workload.door import door
from tests.conftest import imported_vpc, template
from tests.workload.load_balancing_limit_cases import ARN, NETWORK_ARN

WEB = Task(Container("public.ecr.aws/docker/library/nginx:1.29", port=8080))


def callables() -> Iterator[tuple[str, Callable[..., Any], bool]]:
    """Yield the constructors and public methods of public classes, with True for those of an instance."""
    for name in moorage.__all__:
        public = getattr(moorage, name)
        if issubclass(public, (enum.Enum, Exception)):
            continue
        yield name, public.__init__, True
        members_by_name = {
            member: function
            for owner in reversed(public.__mro__)
            if owner.__module__.startswith("moorage")
            for member, function in vars(owner).items()
        }
        for member, function in members_by_name.items():
            if isinstance(function, (classmethod, staticmethod)) and not member.startswith("_"):
                yield f"{name}.{member}", getattr(public, member), False
            elif inspect.isfunction(function) and not member.startswith("_"):
                yield f"{name}.{member}", function, True


def a_generator() -> Iterator[object]:
    yield object()


def members(annotation: str) -> set[str]:
    """Return the members of a union, and the elements of its sequences."""
    parts = re.split(r" \| (?![^\[]*\])", annotation)
    elements = [match[1] for part in parts if (match := re.fullmatch(r"(?:Sequence|Iterable)\[(.*)\]", part))]
    return set(parts).union(*map(members, elements))


def wrong_kinds(annotation: str, scope: cdk.Stack) -> list[Any]:
    """Return a value of each kind that an annotation does not allow."""
    allowed = members(annotation)
    kinds: dict[str, Any] = {
        "str": "nothing",
        "int": 7,
        "bool": True,
        "None": None,
        "HealthCheck": HealthCheck("true"),
        "Construct": cdk.CfnMapping(scope, f"Mapping{len(scope.node.children)}"),
        "list": [object()],
        "dict": {1.5: object()},
        "generator": a_generator(),
        "class": Task,
        "NaN": float("nan"),
        "bytes": b"nothing",
    }
    if "float" in allowed:
        del kinds["int"]
    if "Any" in allowed:
        return []
    return [value for kind, value in kinds.items() if kind not in allowed]


@pytest.mark.parametrize(("function", "has_self"), [pytest.param(*rest, id=name) for name, *rest in callables()])
def test_an_argument_of_a_wrong_type_is_refused_with_its_name(
    stack: cdk.Stack, function: Callable[..., Any], *, has_self: bool
) -> None:
    parameters = list(inspect.signature(function).parameters.values())[int(has_self) :]
    positional = sum(each.kind is each.POSITIONAL_OR_KEYWORD for each in parameters)
    for parameter in parameters:
        for wrong in wrong_kinds(str(parameter.annotation), stack):
            instance: list[Any] = [object()] if has_self else []
            arguments: dict[str, Any] = {parameter.name: wrong}
            if parameter.kind is parameter.VAR_POSITIONAL:
                arguments = {}
                instance += [None] * positional + [wrong]
            with pytest.raises((TypeError, ValueError)) as raised:
                function(*instance, **arguments)
            assert f"{parameter.name} must be of type " in str(raised.value), repr(wrong)
            files = [frame.filename for frame in traceback.extract_tb(raised.tb)]
            assert not [file for file in files if "typeguard" in file or "jsii" in file]


def constructs() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the public classes and methods that define a construct in a scope."""
    for name, function, has_self in callables():
        if "scope" in inspect.signature(function).parameters:
            yield name, getattr(moorage, name) if has_self else function


def arguments_for(function: Callable[..., Any], stack: cdk.Stack) -> dict[str, Any]:
    """Return the required arguments of a construct except for its scope and id, all of `stack`."""
    least: dict[str, Callable[[], Any]] = {
        "vpc": lambda: imported_vpc(stack),
        "cluster": lambda: Cluster(stack, "Cluster", vpc=imported_vpc(stack)),
        "clusters": lambda: (least["cluster"](),),
        "task": lambda: WEB,
        "scaling": lambda: Scaling(0, 2, backlog_per_task=10),
        "service": lambda: Service(stack, "Web", task=WEB, cluster=least["cluster"]()),
        "services": lambda: [least["service"]()],
        "topic": lambda: sns.Topic(stack, "Topic"),
        "schedule": lambda: scheduler.ScheduleExpression.rate(cdk.Duration.days(1)),
        "listener_arn": lambda: ARN,
        "load_balancer_arn": lambda: NETWORK_ARN,
        "security_group_id": lambda: "sg-0a1b2c3d",
        "cluster_name": lambda: "shop",
        "severity": lambda: Severity.CRITICAL,
        "service_name": lambda: "web",
    }
    if function is moorage.Daemon:
        agent, managed = Task(Container("redis:8")), Capacity.managed_instances("managed")
        least |= {
            "cluster": lambda: Cluster(stack, "Cluster", vpc=imported_vpc(stack), capacity=[managed]),
            "task": lambda: agent,
            "capacity": lambda: managed,
        }
    parameters = inspect.signature(function).parameters.values()
    optional = {"schedule", "cluster_name", "service_name"}
    return {
        each.name: least[each.name]()
        for each in parameters
        if each.name in least and (each.default is each.empty or each.name in optional)
    }


@pytest.mark.parametrize("function", [pytest.param(function, id=name) for name, function in constructs()])
def test_a_construct_outside_a_stack_is_refused(app: cdk.App, function: Callable[..., Any]) -> None:
    stack = cdk.Stack(app, "Shop")
    arguments = arguments_for(function, stack)
    stage = cdk.Stage(app, "Stage")
    for scope, got, path in ((app, "App ''", "/Here"), (stage, "Stage 'Stage'", "Stage/Here")):
        with pytest.raises(ValueError) as raised:  # noqa: PT011  # the complete message is compared
            function(scope, "Here", **arguments)
        way_out = "use a cdk.Stack, or a construct in a stack"
        assert str(raised.value) == f"{path}: scope must be in a stack (got {got}); {way_out}"
        assert not [frame for frame in traceback.extract_tb(raised.tb) if "_kernel" in frame.filename]
    function(stack, "Here", **arguments)


def test_all_wrong_types_are_reported_together(stack: cdk.Stack) -> None:
    wrong: Any = "nothing"
    with pytest.raises(TypeError) as raised:
        Service(stack, "Web", cluster=wrong, task=wrong, assign_public_ip=wrong)
    assert str(raised.value) == (
        "Shop/Web: 3 problems\n"
        "  - cluster must be of type ecs.ICluster (got 'nothing' of type str); use a Cluster or "
        "Cluster.from_attributes(...)\n"
        "  - task must be of type Task (got 'nothing' of type str); use Task(container)\n"
        "  - assign_public_ip must be of type bool (got 'nothing' of type str); use True or False"
    )


def test_unknown_missing_and_wrong_arguments_are_reported_together(stack: cdk.Stack) -> None:
    make: Any = Service
    with pytest.raises(moorage.ArgumentTypeError) as raised:
        make(stack, "Web", desired_count=2, image="nginx:1.29", vpc_subnet=None, colour="red", assign_public_ip="no")
    assert str(raised.value) == (
        "Shop/Web: 6 problems\n"
        "  - Service() takes no desired_count; use scaling=Scaling(2)\n"
        "  - Service() takes no image; use task=Task(Container(...))\n"
        "  - Service() takes no vpc_subnet; did you mean vpc_subnets=?\n"
        "  - Service() takes no colour; see help(moorage.Service)\n"
        "  - assign_public_ip must be of type bool (got 'no' of type str); use True or False\n"
        "  - cluster= is required; use a Cluster or Cluster.from_attributes(...)"
    )


def test_a_missing_argument_is_named(stack: cdk.Stack) -> None:
    make: Any = Service
    with pytest.raises(TypeError, match="^Shop/Web: cluster= is required; use a Cluster or Cluster.from_attributes"):
        make(stack, "Web", task=WEB)
    with pytest.raises(
        TypeError, match="^Service: 4 problems\n  - scope= is required; use a stack or another construct"
    ):
        make()
    container: Any = Container
    with pytest.raises(TypeError, match="^Container: image= is required; use an Image such as .* or a string$"):
        container()


def test_too_many_arguments_are_counted(stack: cdk.Stack) -> None:
    make: Any = Service
    with pytest.raises(TypeError) as raised:
        make(stack, "Web", 1, WEB)
    assert str(raised.value) == (
        "Shop/Web: 3 problems\n"
        "  - Service() takes 2 arguments by position (got 4); use names for the others\n"
        "  - cluster= is required; use a Cluster or Cluster.from_attributes(...)\n"
        "  - task= is required; use Task(container)"
    )
    container: Any = Container
    with pytest.raises(TypeError, match="^Container: image is given twice, by position and by name; use it once$"):
        container("redis:8", image="redis:8")
    fargate: Any = Capacity.fargate
    with pytest.raises(TypeError, match=r"^Capacity.fargate\(\) takes 0 arguments by position \(got 1\)"):
        fargate("a")


def test_an_error_of_the_body_is_not_taken_for_a_wrong_call() -> None:
    @door
    class Failing:
        def __init__(self, name: str) -> None:
            raise TypeError(f"{name} fails")

    with pytest.raises(TypeError, match="^a fails$") as raised:
        Failing("a")
    assert type(raised.value) is TypeError


def test_a_method_that_takes_any_name_takes_any_name(stack: cdk.Stack) -> None:
    repository: Any = Repository(stack, "Images")
    with pytest.raises(ValueError, match="add_lifecycle_rule is not supported"):
        repository.add_lifecycle_rule(max_image_count=5)


def test_equivalent_arguments_are_accepted(stack: cdk.Stack) -> None:
    one: Any = Capacity.fargate()
    cluster = Cluster(stack, "Cluster", vpc=ec2.Vpc(stack, "Vpc"), capacity=one, failure_events=False)
    assert [capacity.name for capacity in cluster.capacities] == ["FARGATE"]
    read_once: Any = (port for port in (443, 5432))
    service = Service(stack, "Web", cluster=cluster, task=WEB, route=None, egress=read_once)
    assert not service.target_groups
    assert Container("redis:8", port_ranges=((first, first + 1) for first in (1, 5))).port_ranges == ((1, 2), (5, 6))
    one_text: Any = "dev*"
    Repository(stack, "Images", mutable_tags=one_text)
    (repository,) = template(stack).find_resources("AWS::ECR::Repository").values()
    assert repository["Properties"]["ImageTagMutabilityExclusionFilters"] == [
        {"ImageTagMutabilityExclusionFilterType": "WILDCARD", "ImageTagMutabilityExclusionFilterValue": "dev*"}
    ]


def test_a_network_is_accepted_as_a_vpc(stack: cdk.Stack) -> None:
    network = Network(stack, "Network")
    cluster = Cluster(stack, "Cluster", vpc=network, failure_events=False)
    existing = Cluster.from_attributes(stack, "Existing", cluster_name="shop", vpc=network)
    edge = LoadBalancer(stack, "Edge", vpc=network)
    gate = NetworkLoadBalancer(stack, "Gate", vpc=network)
    assert all(each.vpc is network.vpc for each in (cluster, edge, gate))
    assert existing.vpc is network.vpc


def test_a_cdk_class_with_the_same_name_is_refused(stack: cdk.Stack) -> None:
    disk: Any = ec2.Volume(stack, "Disk", availability_zone="eu-west-1a", size=cdk.Size.gibibytes(1))
    with pytest.raises(TypeError, match="volumes must be of type Volume"):
        Task(Container("redis:8"), volumes=disk)


def test_imported_resources_and_cdk_classes_are_accepted_by_their_interfaces(stack: cdk.Stack) -> None:
    looked_up = ec2.Vpc.from_vpc_attributes(
        stack, "Vpc", vpc_id="vpc-1", availability_zones=["a", "b"], private_subnet_ids=["subnet-1", "subnet-2"]
    )
    assert LoadBalancer(stack, "Edge", vpc=looked_up, ingress=[ec2.Peer.ipv4("10.0.0.0/8")])


VALUES = [
    WEB,
    Container("redis:8", environment={"A": "b"}, writable=["/tmp"], depends_on={}),
    Scaling(2, 4, cpu_percent=60),
    Rollout.canary(),
    HealthCheck("true"),
    Volume.bind_mount("files"),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_values_can_be_copied_pickled_and_evolved(value: Any) -> None:
    for other in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value)), attrs.evolve(value)):  # noqa: S301  # pickled in the same line
        assert other == value
        assert repr(other) == repr(value)


def test_a_value_with_a_construct_keeps_it_when_copied_and_cannot_be_pickled(stack: cdk.Stack) -> None:
    secret = secretsmanager.Secret(stack, "Secret")
    container = Container("redis:8", secrets={"PASSWORD": secret})
    assert copy.deepcopy(container).secrets["PASSWORD"] is secret
    with pytest.raises(
        TypeError, match="Container cannot be pickled, since secrets holds an object of type secretsmanager.Secret"
    ):
        pickle.dumps(container)
    edge = LoadBalancer(stack, "Edge", vpc=Network(stack, "Network").vpc)
    with pytest.raises(
        TypeError, match="Route cannot be pickled, since load_balancer holds an object of type LoadBalancer"
    ):
        pickle.dumps(Route(edge))


def test_a_copy_of_a_capacity_is_the_capacity() -> None:
    spot = Capacity.fargate_spot()
    assert copy.copy(spot) is spot
    assert copy.deepcopy({spot: 1}) == {spot: 1}
    assert pickle.loads(pickle.dumps(Strategy({spot: 3}))).weights  # noqa: S301  # pickled in the same line


def test_an_evolved_task_keeps_its_containers() -> None:
    larger = attrs.evolve(WEB, cpu=1024, memory_mib=2048)
    assert (larger.cpu, larger.memory_mib, larger.containers) == (1024, 2048, WEB.containers)


def lists_of_one(stack: cdk.Stack, kind: type[Any]) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield a call for each kind of argument that takes a single value, with the value in a list of a kind."""
    cluster, vpc = Cluster(stack, "Cluster", vpc=imported_vpc(stack)), Network(stack, "Network").vpc
    duration = cdk.Duration.seconds(30)
    image = "redis:8"
    calls: dict[str, Callable[[Any], object]] = {
        "task": lambda value: Service(stack, "A", cluster=cluster, task=value([WEB])),
        "cluster": lambda value: Service(stack, "B", cluster=value([cluster]), task=WEB),
        "vpc": lambda value: Cluster(stack, "C", vpc=value([vpc])),
        "image": lambda value: Container(value([image])),
        "port": lambda value: Container(image, port=value([8080])),
        "user": lambda value: Container(image, user=value(["root"])),
        "stop_timeout": lambda value: Container(image, stop_timeout=value([duration])),
        "read_only": lambda value: Container(image, read_only=value([True])),
        "health_check": lambda value: Container(image, health_check=value([HealthCheck("true")])),
        "scaling": lambda value: Service(stack, "D", cluster=cluster, task=WEB, scaling=value([Scaling(2)])),
    }
    for name, call in calls.items():
        yield name, lambda call=call: call(kind)  # type: ignore[misc]  # mypy does not type defaults of a lambda


def test_a_comma_at_the_end_of_a_line_is_asked_about(stack: cdk.Stack) -> None:
    for name, call in lists_of_one(stack, tuple):
        with pytest.raises(TypeError) as raised:
            call()
        assert re.search(rf"(^|: ){name} must be of type ", str(raised.value))
        answer = "(got a tuple of one such value); is there a comma at the end of the line that defines it?"
        assert str(raised.value).endswith(answer)
    wrong: Any = (Container("redis:8"),)
    with pytest.raises(TypeError, match="; is there a comma at the end"):
        Task(wrong)


def test_a_list_of_one_value_is_answered_with_the_value(stack: cdk.Stack) -> None:
    for _, call in lists_of_one(stack, list):
        with pytest.raises(TypeError) as raised:
            call()
        assert str(raised.value).endswith("(got a list of one such value); use the value without the list")
    wrong: Any = [8080, 8081]
    with pytest.raises(TypeError, match=r"\(got \[8080, 8081\] of type list\); use a whole number$"):
        Container("redis:8", port=wrong)


def test_a_list_in_place_of_several_arguments_is_answered_with_the_call() -> None:
    one, other = Container("redis:8", name="one"), Container("redis:8", name="other")
    for wrong in ([one, other], (one, other)):
        with pytest.raises(TypeError) as raised:
            Task(wrong)  # type: ignore[arg-type]  # wrong on purpose
        kind = type(wrong).__name__
        assert str(raised.value) == (
            f"Task: containers must be of type Container (got a {kind} of 2 such values); pass them one by one, as in "
            "Task(a, b)"
        )
    wrong_stages: Any = [moorage.LifecycleStage.PRE_SCALE_UP]
    with pytest.raises(TypeError, match=r"; use the value without the list$"):
        LifecycleHook.pause(wrong_stages)


@pytest.mark.parametrize("name", ["container", "containers_"])
def test_arguments_by_position_are_not_asked_for_by_name(name: str) -> None:
    make: Any = Task
    with pytest.raises(TypeError) as raised:
        make(**{name: Container("redis:8")})
    assert str(raised.value) == f"Task() takes no {name}; use Task(container, ...)"


def test_arguments_by_position_that_are_given_by_name_are_read_like_a_list() -> None:
    make: Any = Task
    one, other = Container("redis:8", name="one"), Container("redis:8", name="other")
    assert make(containers=one).containers == (one,)
    assert make(containers=[one, other]).containers == (one, other)
    for wrong in (5, "redis:8", {"redis": one}, Task, None):
        with pytest.raises(moorage.ArgumentTypeError, match=r"^Task: containers must be of type Container \(got "):
            make(containers=wrong)
    endpoints: Any = moorage.Endpoints
    assert endpoints(services="logs") == endpoints("logs")


def test_arguments_by_position_before_others_that_are_missing_are_asked_for() -> None:
    make: Any = LifecycleHook.function
    with pytest.raises(moorage.ArgumentTypeError) as raised:
        make(stages=moorage.LifecycleStage.PRE_SCALE_UP)
    assert str(raised.value) == (
        "LifecycleHook.function: 2 problems\n"
        "  - LifecycleHook.function() takes no stages; use LifecycleHook.function(handler, stage, ...)\n"
        "  - handler= is required; use a lambda_.Function"
    )


def test_a_method_that_is_called_on_the_class_has_the_error_of_python() -> None:
    make: Any = Service.advise
    with pytest.raises(TypeError, match=r"missing 1 required positional argument: 'self'$"):
        make()


def test_one_argument_by_position_is_counted_in_words() -> None:
    make: Any = Container
    with pytest.raises(TypeError, match=r"^Container\(\) takes 1 argument by position \(got 2\);"):
        make("redis:8", 8080)


def test_the_text_of_an_object_in_a_list_is_not_shown() -> None:
    wrong: Any = [Container("redis:8"), 5]
    with pytest.raises(TypeError, match=r"\(got a value of type list\); use Container\(image\)$"):
        Task(wrong)


@door
class Box:
    """A class with an argument of each kind."""

    def __init__(
        self,
        name: str,
        *sizes: int,
        span: tuple[int, int | None] = (0, None),
        labels: tuple[str, ...] = (),
        weights: Mapping[str, int] | None = None,
        text: str | Sequence[str] = "",
    ) -> None:
        self.given = (name, sizes, span, labels, weights)
        self.text = text


def test_arguments_of_each_kind_reach_the_class() -> None:
    make: Any = Box
    assert make("a").given == ("a", (), (0, None), (), None)
    assert make("a", 1, 2, span=[3, 4], labels={"c", "b"}, weights={"d": 5}).given == (
        *("a", (1, 2), (3, 4), ("b", "c"), {"d": 5}),
    )
    assert make(name="a", labels="bc").given == ("a", (), (0, None), ("bc",), None)
    assert make("a", labels=["c", "b", "d"]).given[3] == ("c", "b", "d")
    assert make("a", labels=set("gfedcba")).given[3] == tuple("abcdefg")
    with pytest.raises(TypeError, match="^Box: name= is required; use a string$"):
        make()


@pytest.mark.parametrize(
    ("arguments", "problem", "way_out"),
    [
        ({"name": 1}, "name must be of type str (got 1 of type int)", "a string"),
        ({"sizes": [1, "2"]}, "sizes must be of type int (got '2' of type str)", "a whole number"),
        ({"sizes": [True]}, "sizes must be of type int (got True of type bool)", "a whole number"),
        ({"span": (1,)}, "span must be of type tuple[int, int | None] (got (1,) of type tuple)", "a tuple"),
        ({"span": (1, "2")}, "span must be of type tuple[int, int | None] (got (1, '2') of type tuple)", "a tuple"),
        ({"labels": [b"b"]}, "labels must be of type tuple[str, ...] (got a list with b'b' of type bytes)", "a tuple"),
        (
            {"weights": {"b": "c"}},
            "weights must be of type Mapping[str, int] or None (got a dict with a value of type str for 'b')",
            "a dict",
        ),
        (
            {"weights": {b"b": 1}},
            "weights must be of type Mapping[str, int] or None (got a dict with the key b'b' of type bytes)",
            "a dict",
        ),
    ],
)
def test_a_wrong_argument_is_described(arguments: dict[str, Any], problem: str, way_out: str) -> None:
    named = {name: value for name, value in arguments.items() if name not in {"name", "sizes"}}
    with pytest.raises(TypeError) as raised:
        Box(arguments.get("name", "a"), *arguments.get("sizes", ()), **named)
    assert str(raised.value) == f"Box: {problem}; use {way_out}"


@pytest.mark.parametrize(
    ("define", "says"),
    [
        (
            lambda wrong: HealthCheck("true", interval=wrong),
            "interval must be of type cdk.Duration or datetime.timedelta (got 7 of type int); "
            "use cdk.Duration.seconds(7) or datetime.timedelta(seconds=7)",
        ),
        (Route, "use a LoadBalancer, or Listener(...) for a NetworkLoadBalancer"),
        (lambda wrong: Rollout.rolling(early_success=wrong), "use an EarlySuccess"),
        (LifecycleHook.pause, "use a LifecycleStage such as LifecycleStage.PRE_SCALE_UP"),
    ],
)
def test_a_type_has_its_public_name(define: Callable[[Any], object], says: str) -> None:
    with pytest.raises(TypeError, match=f"{re.escape(says)}$"):
        define(7)


def test_a_construct_without_a_scope_or_an_id_is_named_by_its_class(stack: cdk.Stack) -> None:
    make: Any = Service
    for scope, construct_id in (("Shop", "Web"), (stack, 7)):
        with pytest.raises(TypeError, match="^Service: "):
            make(scope, construct_id)


@pytest.mark.parametrize(("length", "shown"), [(57, f"b'{'x' * 57}'"), (58, f"b'{'x' * 58}...")])
def test_a_long_value_is_cut_after_60_characters(length: int, shown: str) -> None:
    make: Any = Box
    with pytest.raises(TypeError) as raised:
        make(b"x" * length)
    assert f"(got {shown} of type bytes)" in str(raised.value)


def test_a_fraction_of_a_second_is_refused_with_its_argument() -> None:
    message = r"HealthCheck: timeout must be a whole number of seconds \(got 1.5 s\); use cdk.Duration.seconds\(...\)"
    with pytest.raises(ValueError, match=message):
        HealthCheck("true", timeout=dt.timedelta(seconds=1.5))
    with pytest.raises(ValueError, match="HealthCheck: interval must be a whole number of seconds"):
        HealthCheck("true", interval=cdk.Duration.millis(1500))


def test_members_of_int_and_str_enums_are_converted() -> None:
    class Port(enum.IntEnum):
        WEB = 8080

    class Name(enum.StrEnum):
        WEB = "web"

    container = Container("redis:8", name=Name.WEB, port=Port.WEB)
    assert (type(container.name), type(container.port)) == (str, int)
    assert Box("a", text=Name.WEB).text == "web"


def test_what_cdk_refuses_for_other_reasons_is_told_in_its_words(stack: cdk.Stack) -> None:
    Repository(stack, "Images")
    with pytest.raises(RuntimeError, match="There is already a Construct with name 'Images' in Stack"):
        Repository(stack, "Images")


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda registry: registry.on_push("Pushed", tags=5), "Registry.on_push"),
        (lambda registry: registry.on_push("Pushed", tag="v1"), "Registry.on_push"),
    ],
)
def test_an_inherited_method_is_named_with_the_public_class(
    stack: cdk.Stack, call: Callable[[Any], object], name: str
) -> None:
    class Own(Registry):
        """A class of the user."""

    with pytest.raises(TypeError, match=re.escape(name)):
        call(Own(stack, "Registry"))
