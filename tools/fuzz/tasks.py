"""Random tasks, within their limits or just beyond."""

from __future__ import annotations

from typing import Any

import attrs

from moorage.workload.fargate_sizes import FARGATE_MEMORY
from moorage.workload.port_limits import RESERVED_PORTS
from tools.fuzz.features import drawn
from tools.fuzz.program import NONE, Code, Pick, call, seconds

IMAGES = ("image-reference", "image-tag", "image-digest", "parameter-name")
HEALTH = (
    "health-command",
    "health-interval",
    "health-timeout",
    "health-timeout-shorter",
    "health-retries",
    "health-start-period",
)
WRITABLE = ("writable-least", "writable-size", "writable-path")
PORTS = (
    *("port", "container-ports-unique", "host-port", "host-port-ephemeral", "host-ports-unique"),
    "host-port-same",
)
_SEVERAL = ("container-names-unique", "container-ports-unique", "host-ports-unique", "container-memory-least")
_ROOM = 64
_SHA = "sha256:" + "0a" * 32
_HOST_PORTS = range(1024, 32000)


@attrs.frozen
class TaskOf:
    """A task that a kind of capacity can run, except for the limits to be broken.

    Args:
        pick: The source of random values.
        kind: `fargate`, `ec2` or `managed`.
        mode: The network mode.
        architecture: The CPU architecture.
        gpus: The GPUs of the first container.
        served: True if the first container has a port.
        of_service: True if the task belongs to a service.
    """

    pick: Pick
    kind: str
    mode: str = "awsvpc"
    architecture: str = "X86_64"
    gpus: int = 0
    served: bool = False
    of_service: bool = True

    def code(self) -> Code:
        pick = self.pick
        feature = drawn(pick, self.kind, self.mode, of_service=self.of_service)
        if feature.complete and not self.served:
            return feature.complete
        cpu, memory = self._size()
        count = 1 if feature.container or feature.beside else self._count(memory)
        ports = self._ports(count)
        names = [pick.one_of(f"c{index}", f"C_{index}-x") for index in range(count)]
        if pick.breaks("container-name"):
            names = [pick.one_of("a b", "", "x" * 256, "ä"), *names[1:]]
        if pick.breaks("container-names-unique"):
            names = ["same"] * count
        containers = [
            self._container(
                name,
                port,
                cpu,
                memory,
                share=int(memory) // (count + len(feature.beside)),
                after=names[:index],
                more={} if index else feature.container,
            )
            for index, (name, port) in enumerate(zip(names, ports, strict=True))
        ]
        return call(
            "Task",
            *containers,
            *feature.beside,
            cpu=NONE if cpu is None else cpu,
            memory_mib=memory,
            architecture=None if self.architecture == "X86_64" else Code(f"Architecture.{self.architecture}"),
            ephemeral_storage_gib=self._disk(),
            **{
                "permissions": [Code("permission")] if pick.seldom() else None,
                "network_mode": None if self.mode == "awsvpc" else Code(f"NetworkMode.{self.mode.upper()}"),
                **feature.task,
            },
        )

    def _size(self) -> tuple[Any, Any]:
        pick = self.pick
        cpu: Any = pick.one_of(None, 128, 256, 512)
        memory: Any = pick.one_of(6, 128, 512, 1000)
        if pick.breaks(*WRITABLE, *_SEVERAL, "container-cpu"):
            cpu, memory = 256, 512
        if self.kind == "fargate":
            cpu = pick.one_of(*FARGATE_MEMORY)
            memory = pick.one_of(*FARGATE_MEMORY[cpu])
            cpu = cpu if pick.breaks("container-cpu") else pick.one_of(cpu, cpu, None)
        if pick.breaks("fargate-size"):
            cpu, memory = pick.one_of(
                (cpu, memory + 1), ((cpu or 256) + 1, memory), (1024, 9216), (None, 513), (256, 4096)
            )
        if pick.breaks("task-cpu"):
            cpu = pick.one_of(127, 196609, 0)
        if pick.breaks("task-memory"):
            memory = pick.one_of(5, -512)
        return cpu, memory

    def _count(self, memory: float) -> int:
        if self.pick.breaks("containers-per-task"):
            return 11
        count = self.pick.one_of(1, 1, 1, 2, 3, 10)
        if self.pick.breaks(*_SEVERAL):
            return max(count, 2)
        return count if memory >= _ROOM * count else 1

    def _disk(self) -> Any:
        row = "ephemeral-storage"
        if self.kind != "fargate":
            return None
        return self.pick.maybe(lambda: self.pick.within(row, 21, 200), row)

    def _ports(self, count: int) -> list[Any]:
        """Return the port of each container, or None."""
        pick = self.pick
        low, high = (_HOST_PORTS.start, _HOST_PORTS.stop) if self.mode == "host" else (1, 65535 - count)
        first = pick.within("port", low, high, 0, 65536, -1)
        if pick.breaks("host-port") and self.mode == "host":
            first = pick.one_of(*sorted(RESERVED_PORTS))
        step = 0 if pick.breaks("container-ports-unique") else 1
        ports = [first + step * index for index in range(count)]
        if pick.breaks(*PORTS):
            return ports
        return [port if (index == 0 and self.served) or pick.seldom() else None for index, port in enumerate(ports)]

    def _host_port(self, port: Any) -> Any:
        pick = self.pick
        if pick.breaks("host-port-same"):
            return 8081
        if self.mode != "bridge":
            return pick.one_of(None, None, 0, port)
        if pick.breaks("host-ports-unique"):
            return 8080
        if pick.breaks("host-port"):
            return pick.one_of(*sorted(RESERVED_PORTS))
        if pick.breaks("host-port-ephemeral"):
            return pick.one_of(32768, 65535)
        return pick.one_of(None, 0, _HOST_PORTS[int(port) % len(_HOST_PORTS)])

    def _container(
        self, name: str, port: Any, cpu: Any, memory: Any, *, share: int, after: list[str], more: dict[str, Code]
    ) -> Code:
        pick = self.pick
        own_memory = pick.one_of(None, None, max(6, share), 6 if share < _ROOM else _ROOM)
        if pick.breaks("container-memory"):
            own_memory = int(memory) + 1
        elif pick.breaks("container-memory-least"):
            own_memory = pick.one_of(5, 0, -1)
        elif pick.breaks("writable-size"):
            own_memory = _ROOM
        own_cpu: Any = pick.one_of(None, None, 0, int(cpu or 0) // 16)
        if pick.breaks("container-cpu"):
            own_cpu = int(cpu or 0) + 1
        elif pick.breaks("container-cpu-least"):
            own_cpu = -1
        privileged = pick.breaks("fargate-privileged") or (self.kind == "ec2" and pick.seldom())
        said = {
            "name": name,
            "port": port,
            "host_port": None if port is None or "port" in more else self._host_port(port),
            "cpu": own_cpu,
            "memory_mib": own_memory,
            "environment": self._environment(),
            "secrets": pick.one_of(
                None, None, {"DATABASE": Code("secret")}, {"A": Code("field"), "B": Code("parameter")}
            ),
            "command": pick.one_of(None, "serve", ["serve", "--all"]),
            "entry_point": pick.one_of(None, ["/bin/app"]),
            "working_directory": pick.one_of(None, "/srv"),
            "health_check": pick.maybe(lambda: health_check(pick), *HEALTH),
            "stop_timeout": pick.maybe(lambda: seconds(pick.within("stop-timeout", 2, 120)), "stop-timeout"),
            "user": pick.one_of(None, "1000", "1000:1000", "app"),
            "writable": self._writable(own_memory or share),
            "read_only": pick.off(),
            "essential": False if pick.breaks("essential-container") or (after and pick.seldom()) else None,
            "depends_on": after[0] if after and after[0] != name and pick.seldom() else None,
            "gpus": self._gpus(first=not after),
            "dns_servers": self._of_shared_network(["10.0.0.2", "fd00::2"]),
            "extra_hosts": self._of_shared_network({"db.shop_1": "10.0.0.1"}),
            "privileged": privileged or None,
        }
        return call("Container", image(pick), **{**said, **more})

    def _of_shared_network(self, value: Any) -> Any:
        """Return a setting that tasks with their own network interface cannot have, or None."""
        return value if self.mode != "awsvpc" and self.pick.seldom() else None

    def _gpus(self, *, first: bool) -> int | None:
        if self.pick.breaks("instance-gpus"):
            return -1
        if self.pick.breaks("fargate-gpus"):
            return 1
        return self.gpus if self.gpus and first else None

    def _environment(self) -> Any:
        if self.pick.breaks("task-definition-size"):
            return Code('{"TEXT": "x" * 66000}')
        return self.pick.one_of(None, None, {"MODE": "fast"}, {"EMPTY": "", "TEXT": 'ä "quoted" ${not} %s\n'})

    def _writable(self, memory: int) -> Any:
        pick = self.pick
        if pick.breaks("writable-path"):
            return pick.one_of(["tmp"], ["/"], ["/a:b"], ["/tmp/.."], "")
        if pick.breaks("writable-least"):
            return {"/tmp": pick.one_of(0, -1)}
        if pick.breaks("writable-size"):
            return {"/tmp": memory, "/run": 1}
        return {"/tmp": 1, "/var/run": 2} if memory >= _ROOM and pick.seldom() else None


def image(pick: Pick) -> Code | str:
    if pick.breaks("image-reference"):
        return pick.one_of("https://ghcr.io/org/web:1", "Redis:8", "redis:", "", "redis:-1")
    of = "Image.from_repository"
    secured = {"credentials": Code("secret")}
    if pick.breaks("registry-credentials"):
        return call("Image.from_registry", "public.ecr.aws/shop/web:1.4", **secured)
    if pick.breaks("image-tag"):
        return call(of, Code("repository"), tag=pick.one_of("-v1", "", "a b", "x" * 301))
    if pick.breaks("image-digest"):
        return call(of, Code("repository"), digest=pick.one_of(_SHA[:-1], _SHA.upper(), ""))
    if pick.breaks("parameter-name"):
        return call(of, Code("repository"), parameter=pick.one_of("a b", "shop/tag", "/shop/", ""))
    return pick.one_of(
        "redis:8",
        "public.ecr.aws/nginx/nginx:1.29",
        call("Image.from_registry", "ghcr.io/shop/web:1.4", **secured),
        call(of, Code("repository"), tag="1.4.2"),
        call(of, Code("repository"), digest=_SHA),
    )


def health_check(pick: Pick) -> Code:
    command = pick.keeping(
        "health-command",
        ("curl -f localhost", ["CMD", "true"], ["CMD-SHELL", "exit 0"]),
        (["true"], ["CMD"], ["CMD-SHELL", ""], []),
    )
    start = "health-start-period"
    interval = pick.within("health-interval", 5, 300)
    timeout = pick.within("health-timeout", 2, 60)
    if pick.breaks("health-timeout-shorter"):
        interval, timeout = 5, 6
    elif not pick.breaks("health-timeout"):
        timeout = max(2, min(timeout, interval))
    return call(
        "HealthCheck",
        command,
        interval=seconds(interval),
        timeout=seconds(timeout),
        retries=pick.within("health-retries", 1, 10, 0, 11),
        start_period=pick.maybe(lambda: seconds(pick.within(start, 0, 300)), start),
    )
