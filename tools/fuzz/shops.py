"""Random shops: services behind a load balancer, on a platform in the same stack or in another."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

import attrs

from tools.fuzz.program import Code, call

ROLLOUTS = ("Rollout.rolling()", "Rollout.blue_green()", "Rollout.canary(percent=10)", "Rollout.linear(percent=20)")
SCALINGS = (
    "Scaling(2)",
    "Scaling(2, 4, cpu_percent=60)",
    "Scaling(2, 6, memory_percent=70)",
    "Scaling(1, 8, cpu_percent=50, schedules=[ScheduledAction('morning', "
    "ScheduleExpression.cron(hour='8', minute='0'), minimum=2)])",
)
CAPACITIES = ("Capacity.fargate()", "Capacity.fargate_spot()", "general", "batch")
ON_FARGATE = CAPACITIES[:2]
_DEFINED_CAPACITIES = {
    name: f"Capacity.ec2('{name}', instance_types=['m7g.2xlarge'], max_instances=40)" for name in ("general", "batch")
}


@attrs.frozen
class Entry:
    """A route of a service; with a network load balancer, a listener.

    Args:
        path: The path of a route.
        host: The host of a route.
        port: The port of a listener.
        health: The path of the health check.
    """

    path: str | None = None
    host: str | None = None
    port: int | None = None
    health: str | None = None


@attrs.frozen
class Sketch:
    """A service of a shop.

    Args:
        name: The construct ID of the service.
        container: The name of the container.
        port: The port of the container.
        entries: The routes or listeners of the service.
        rollout: The rollout of a new version.
        scaling: The number of copies.
        capacity: The capacity that the service runs on.
        connect: The Service Connect name of the service; None for no name.
    """

    name: str
    container: str
    port: int
    entries: tuple[Entry, ...]
    rollout: str
    scaling: str
    capacity: str
    connect: str | None


@attrs.frozen
class Shop:
    """A platform and the services on it.

    Args:
        stacks: `one` for a single stack; `strong` or `weak` for two stacks with such references.
        connections: True if the load balancer is a network load balancer.
        public: True if the load balancer is reachable from the internet.
        certificate: True if the load balancer has a certificate.
        services: The services behind the load balancer.
    """

    stacks: str
    connections: bool
    public: bool
    certificate: bool
    services: tuple[Sketch, ...]

    @property
    def source(self) -> str:
        """The program, whose stacks are `platform` and `shop`."""
        own = [f"{name} = {made}" for name, made in _DEFINED_CAPACITIES.items()]
        capacities = [Code(each) for each in (*CAPACITIES[:2], *_DEFINED_CAPACITIES)]
        cluster = call("Cluster", Code("platform"), "Cluster", vpc=Code("vpc"), capacity=capacities, namespace="shop")
        edge = call(
            "NetworkLoadBalancer" if self.connections else "LoadBalancer",
            Code("platform"),
            "Edge",
            vpc=Code("vpc"),
            public=self.public or None,
            certificate=Code("issued") if self.certificate else None,
            **self._unencrypted,
        )
        return "\n".join([*own, f"cluster = {cluster}", f"edge = {edge}", *map(self._service, self.services)])

    @property
    def _unencrypted(self) -> dict[str, str]:
        if self.connections:
            return {"without_tls": "its tasks end TLS"} if self.public else {}
        return {} if self.certificate or not self.public else {"plain_http": "a test"}

    def _service(self, sketch: Sketch) -> str:
        container = call("Container", "nginx:1.29", name=sketch.container, port=sketch.port, memory_mib=128)
        task = call("Task", container, cpu=256, memory_mib=512, architecture=Code("Architecture.ARM64"))
        entries = [self._entry(each) for each in sketch.entries]
        return call(
            "Service",
            Code("shop"),
            sketch.name,
            cluster=Code("cluster"),
            task=task,
            route=entries or None,
            rollout=Code(sketch.rollout),
            scaling=Code(sketch.scaling),
            capacity=Code(sketch.capacity),
            connect=call("ServiceConnect", name=sketch.connect) if sketch.connect else None,
        )

    def _entry(self, entry: Entry) -> Code:
        if self.connections:
            return call("Listener", Code("edge"), entry.port)
        health = call("TargetHealth", entry.health) if entry.health else None
        return call("Route", Code("edge"), path=entry.path, host=entry.host, health=health)


def draw_shop(drawn: random.Random) -> Shop:
    connections = drawn.random() < 1 / 4
    entries = draw_entries(drawn, connections=connections)
    services = tuple(_sketch(name, entries, drawn) for name in ("Web", "Api", "Admin")[: drawn.choice((1, 2, 3))])
    stacks = drawn.choice(("one", "strong", "weak"))
    certificate = connections or drawn.random() < 3 / 4
    return Shop(stacks, connections, public=drawn.random() < 1 / 2, certificate=certificate, services=services)


def draw_entries(drawn: random.Random, *, connections: bool) -> Iterator[Entry]:
    """Yield distinct routes or listeners for services."""
    if connections:
        return (Entry(port=port) for port in drawn.sample(range(1024, 65536), 50))
    pairs = list(itertools.product(_PATHS, _HOSTS))[1:]
    drawn.shuffle(pairs)
    return (Entry(path, host, health=drawn.choice((None, "/healthz"))) for path, host in pairs)


_PATHS = (None, "/api/*", "/api/v2/*", "/shop/*", "/basket", "/admin/*", "/static/*", "/*/report")
_HOSTS = (None, "api.example.com", "*.example.com", "shop.example.com")


def _sketch(name: str, entries: Iterator[Entry], drawn: random.Random) -> Sketch:
    led = tuple(itertools.islice(entries, drawn.choice((0, 1, 2, 3))))
    return Sketch(
        name=name,
        container=drawn.choice(("web", "app")),
        port=drawn.choice((80, 3000, 8080)),
        entries=led,
        rollout=drawn.choice(ROLLOUTS) if led else ROLLOUTS[0],
        scaling=drawn.choice(SCALINGS),
        capacity=drawn.choice(CAPACITIES),
        connect=drawn.choice((None, name.lower())),
    )
