"""The components of ECS services, clusters and daemons."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal

from moorage.assembly.values import Joined, Value
from moorage.cost.amounts import Range
from moorage.cost.parts import NotInTemplateError, Part, free, hourly, unknown, used
from moorage.cost.resources import Item, number_of, tables
from moorage.cost.rules.insights import cluster_metrics, level_of, service_metrics
from moorage.cost.rules.tasks import FARGATE, always, on_fargate, on_provider, task_volumes
from moorage.cost.usage import Use

CLUSTER, SERVICE = "AWS::ECS::Cluster", "AWS::ECS::Service"
TASK_DEFINITION = "AWS::ECS::TaskDefinition"
_ASSOCIATIONS = "AWS::ECS::ClusterCapacityProviderAssociations"
COPIES = "from the least to the most copies of the scaling"
"""The assumption about the number of copies of a service that scales."""
_TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"


def service(item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::ECS::Service`: its tasks, their volumes and addresses."""
    definition = item.target("TaskDefinition")
    if definition is None or definition.type != TASK_DEFINITION:
        yield unknown("Tasks", "the task definition of the service is not in the app")
        return
    if item.text("SchedulingStrategy", default="REPLICA") == "DAEMON":
        yield free("Tasks on EC2 instances", "a daemon runs once on each instance, which is billed by itself")
        return
    copies, assumptions = copies_of(item, use)
    cluster = cluster_of(item.target("Cluster"))
    launch = item.text("LaunchType", default=None)
    strategy = strategy_of(item.list("CapacityProviderStrategy"), cluster) if not launch else ()
    if launch == "FARGATE":
        yield from on_fargate(definition, always(copies, *assumptions), spot=False)
        yield from _addresses(item, copies)
    elif launch or not strategy:
        yield from _without_provider(str(launch or "EC2"))
    else:
        for provider, count in shares(strategy, copies):
            yield from on_provider(provider, definition, always(count, *assumptions))
            if provider in FARGATE:
                yield from _addresses(item, count)
    yield from task_volumes(item.list("VolumeConfigurations"), copies)
    fargate = _is_on_fargate(launch, strategy)
    yield from service_metrics(item, definition, cluster, copies, fargate=fargate)


def _is_on_fargate(launch: str | None, strategy: Sequence[Value]) -> bool:
    providers = {each.get("CapacityProvider") for each in tables(strategy)}
    return launch == "FARGATE" or (bool(providers) and providers <= FARGATE)


def _without_provider(launch: str) -> Iterator[Part]:
    if launch == "EC2":
        yield free("Tasks on EC2 instances", "billed as the instances of the cluster")
    elif launch == "EXTERNAL":
        yield unknown("Tasks on external instances", "AWS bills each external instance, and their number is not known")
    else:
        yield unknown("Tasks", f"the launch type {launch} starts instances that the template does not contain")


def _addresses(item: Item, copies: Range) -> Iterator[Part]:
    assigned = item.text("NetworkConfiguration", "AwsvpcConfiguration", "AssignPublicIp", default="DISABLED")
    if assigned == "ENABLED":
        yield hourly("Public IPv4 address", "ipv4.hour", copies, "one for each task")


def copies_of(item: Item, use: Use) -> tuple[Range, tuple[str, ...]]:
    """Return the number of copies of a service, and the assumptions.

    Args:
        item: The service.
        use: Its use.

    Raises:
        NotInTemplateError: The number of copies is not in the templates.
    """
    average = use.get("average_copies")
    if average is None:
        return _scaled(item)
    beyond = beyond_scaling(item, use)
    return Range.of(average), (f"average_copies of the usage file{beyond and f', which {beyond}'}",)


def beyond_scaling(item: Item, use: Use) -> str:
    """Return a clause about an average that the scaling of a service cannot give; empty for any other average.

    Args:
        item: The service.
        use: Its use.
    """
    average = use.get("average_copies")
    if average is None or not _targets(item):  # without scaling, people can change the number
        return ""
    try:
        copies, _ = _scaled(item)
    except NotInTemplateError:
        return ""
    if copies.least <= average <= copies.most:
        return ""
    word, limit = ("most", copies.most) if average > copies.most else ("least", copies.least)
    return f"is {average:f}, although its scaling has at {word} {limit:f} {'copy' if limit == 1 else 'copies'}"


def _scaled(item: Item) -> tuple[Range, tuple[str, ...]]:
    """Return the number of copies of a service that its templates state, and the assumptions."""
    least: list[Decimal] = []
    most: list[Decimal] = []
    for target in _targets(item):
        least.append(target.number("MinCapacity"))
        most.append(target.number("MaxCapacity"))
        for action in tables(target.list("ScheduledActions")):
            stated = action.get("ScalableTargetAction")
            bounds: Mapping[str, Value] = stated if isinstance(stated, dict) else {}
            least.extend(_given(bounds, "MinCapacity"))
            most.extend(_given(bounds, "MaxCapacity"))
    if not least:
        count = item.number("DesiredCount", default=Decimal(1))
        return Range.of(count), ()
    found = Range(min(least), max(most))
    reason = COPIES + (", with its schedule" if len(least) > 1 else "")
    return found, () if found.is_one else (reason,)


def _targets(item: Item) -> Sequence[Item]:
    return item.by(_TARGET, "ResourceId") or _named_targets(item)


def _named_targets(item: Item) -> Sequence[Item]:
    """Return the scalable targets of the same stack that name a service in their resource ID, without a reference."""
    name = item.at("ServiceName")
    if not isinstance(name, str):
        return ()
    targets = (target for target in item.all.of_type(_TARGET) if target.place.stack == item.place.stack)
    return [target for target in targets if _last(target.at("ResourceId")).endswith(f"/{name}")]


def _last(value: Value) -> str:
    return str(value.parts[-1] if isinstance(value, Joined) else value)


def _given(bounds: Mapping[str, Value], name: str) -> Iterator[Decimal]:
    if name in bounds:
        yield number_of(bounds[name], name)


def cluster_of(found: Item | None) -> Item | None:
    """Return the cluster that a property refers to, itself or through its capacity providers.

    Args:
        found: The resource that the property refers to.
    """
    return found.target("Cluster") if found is not None and found.type == _ASSOCIATIONS else found


def strategy_of(stated: Sequence[Value], cluster: Item | None) -> Sequence[Value]:
    """Return the capacity provider strategy of a service or a run, by default that of its cluster.

    Args:
        stated: The resolved strategy.
        cluster: The cluster; None if it is not in the app.

    Raises:
        NotInTemplateError: The strategy is that of a cluster that is not in the app.
    """
    if stated:
        return stated
    if cluster is None:
        raise NotInTemplateError("the cluster, whose default strategy decides what the tasks run on, is not in the app")
    for associations in cluster.by(_ASSOCIATIONS, "Cluster"):
        if found := associations.list("DefaultCapacityProviderStrategy"):
            return found
    return cluster.list("DefaultCapacityProviderStrategy")


def providers_of(cluster: Item) -> tuple[Value, ...]:
    """Return the capacity providers of a cluster.

    Args:
        cluster: The cluster.
    """
    associated = [each.list("CapacityProviders") for each in cluster.by(_ASSOCIATIONS, "Cluster")]
    return (*cluster.list("CapacityProviders"), *itertools.chain.from_iterable(associated))


def shares(strategy: Sequence[Value], copies: Range) -> Iterator[tuple[Value, Range]]:
    """Yield each capacity provider of a strategy with its copies. Those without a copy are left out.

    Args:
        strategy: The resolved strategy: the providers with their bases and weights.
        copies: The number of copies.
    """
    entries = list(tables(strategy))
    bases = [number_of(each.get("Base"), "Base", Decimal(0)) for each in entries]
    weights = [number_of(each.get("Weight"), "Weight", Decimal(0)) for each in entries]
    if not sum(weights):  # as a service with a single provider, whose weight can be left out
        weights = [Decimal(1)] * len(entries)
    least, most = (_average(bases, weights, count) for count in (copies.least, copies.most))
    for entry, first, last in zip(entries, least, most, strict=True):
        if first or last:
            yield entry.get("CapacityProvider"), Range(first, last)


def _average(bases: Sequence[Decimal], weights: Sequence[Decimal], count: Decimal) -> list[Decimal]:
    """Return the copies of each provider. An average between two numbers of copies is between their shares."""
    below = count.to_integral_value(ROUND_FLOOR)
    part = count - below
    found = _placed(bases, weights, int(below))
    if not part:
        return found
    above = _placed(bases, weights, int(below) + 1)
    return [one + (other - one) * part for one, other in zip(found, above, strict=True)]


def _placed(bases: Sequence[Decimal], weights: Sequence[Decimal], count: int) -> list[Decimal]:
    """Return the copies of each provider: first the bases, then the rest by the weights."""
    found = [Decimal(0)] * len(bases)
    for position, base in enumerate(bases):
        found[position] = min(base, count - sum(found, Decimal(0)))
    rest = int(count - sum(found, Decimal(0)))
    rounds = rest // sum(weights)
    by_weight = [rounds * weight for weight in weights]
    for _ in range(int(rest - sum(by_weight))):
        open_ = [position for position, weight in enumerate(weights) if weight]
        chosen = min(open_, key=lambda position: ((by_weight[position] + 1) / weights[position], position))
        by_weight[chosen] += 1
    return [one + other for one, other in zip(found, by_weight, strict=True)]


def cluster(item: Item, use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::ECS::Cluster`: the metrics of Container Insights, without those of services."""
    level = level_of(item)
    if level is None:
        yield free("Cluster", "AWS bills what runs in it")
        return
    yield from cluster_metrics(item, list(_services_in(item)))
    metric = "cloudwatch.enhanced_metric_month" if level == "enhanced" else "cloudwatch.metric_month"
    said = "the metrics of jobs, daemons and other tasks that are not those of a service in the app"
    yield used("Container Insights of other tasks", metric, use, "insights_metrics", said)


def _services_in(found: Item) -> Iterator[tuple[Item, Item, bool]]:
    """Yield the services in a cluster, each with its task definition, and True if Fargate runs it."""
    clusters = (found, *found.by(_ASSOCIATIONS, "Cluster"))
    for each in dict.fromkeys(service for named in clusters for service in named.by(SERVICE, "Cluster")):
        definition = each.target("TaskDefinition")
        is_daemon = each.text("SchedulingStrategy", default="REPLICA") == "DAEMON"
        if definition is not None and definition.type == TASK_DEFINITION and not is_daemon:
            launch = each.text("LaunchType", default=None)
            strategy = () if launch else strategy_of(each.list("CapacityProviderStrategy"), found)
            yield each, definition, _is_on_fargate(launch, strategy)


def capacity_provider(item: Item, _use: Use) -> Iterator[Part]:
    """Yield the components of `AWS::ECS::CapacityProvider`."""
    if item.at("ManagedInstancesProvider"):
        yield unknown(
            "Managed Instances",
            "ECS starts instances as tasks need them: their types, their number and the fee are not in the template",
        )
    else:
        yield free("Capacity provider", "AWS bills the instances of its Auto Scaling group")
