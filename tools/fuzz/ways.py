"""Ways to keep or break a limit of a container or a task."""

from __future__ import annotations

import attrs

from tools.fuzz.program import Code, call

EVERYWHERE = frozenset({"fargate", "ec2", "managed"})
FARGATE = frozenset({"fargate"})
INSTANCES = frozenset({"ec2"})
MANAGED = frozenset({"managed"})


@attrs.frozen(kw_only=True)
class Way:
    """The arguments that a setting adds, or a complete task with the setting.

    Args:
        container: Arguments of the first container, as source text.
        task: Arguments of the task, as source text.
        beside: Additional containers.
        complete: A complete task, which replaces any other.
    """

    container: dict[str, Code] = attrs.field(factory=dict)
    task: dict[str, Code] = attrs.field(factory=dict)
    beside: tuple[Code, ...] = ()
    complete: Code | None = None

    @property
    def is_of_service(self) -> bool:
        """True if only the tasks of a service can have the setting, since ECS makes the volumes for the service."""
        return "Volume.ebs(" in self.task.get("volumes", "")


NOTHING = Way()


def container(**said: str) -> Way:
    return Way(container={name: Code(value) for name, value in said.items()})


def task(**said: str) -> Way:
    return Way(task={name: Code(value) for name, value in said.items()})


def linux(said: str) -> Way:
    return container(linux_parameters=f"LinuxParameters({said})")


def stored(*volumes: str) -> Way:
    paths = ", ".join(f"'/data{index}': {volume.split(chr(39))[1]!r}" for index, volume in enumerate(volumes))
    return Way(
        container={"mounts": Code(f"{{{paths}}}")},
        task={"volumes": Code(f"[{', '.join(f'Volume.{volume}' for volume in volumes)}]")},
    )


def beside(*containers: str) -> Way:
    return Way(beside=tuple(map(Code, containers)))


def whole(containers: str, **said: str) -> Way:
    return Way(complete=call("Task", Code(containers), **{name: Code(value) for name, value in said.items()}))


def windows(containers: str = "Container('iis:1')", **said: str) -> Way:
    sized = {"cpu": "1024", "memory_mib": "2048", **said}
    return whole(containers, operating_system_family="OperatingSystemFamily.WINDOWS_SERVER_2022_CORE", **sized)


def waiting(condition: str, first: str = "") -> Way:
    waits = f"Container('b:1', name='b', depends_on={{'a': ContainerCondition.{condition}}})"
    return whole(f"Container('a:1', name='a'{first}), {waits}")


ROUTER = "Container.log_router({'Name': 'http', 'host': 'logs.example.com'}"
EBS = "ebs('data', "
SNAPSHOT = "snapshot_id='snap-05abe246af'"
