"""The normalization and the checks of the paths of a container, and the checks of its ports and its command."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from moorage.workload import command_limits, container_limits, docker_option_limits, port_limits

if TYPE_CHECKING:
    from moorage.workload.problems import Problems

T = TypeVar("T")


def clean_path(path: str) -> str:
    r"""Normalize a path as Docker does: remove `//`, `..` and a trailing `/`, or a trailing `\` on Windows."""
    if path.startswith("/"):
        return f"/{posixpath.normpath(path).lstrip('/')}"
    return re.sub(r"(?<=[^:\\])\\+$", "", path)


def clean_paths(by_path: Mapping[str, T]) -> Mapping[str, T]:
    """Normalize the paths of a mapping. If two paths become equal, change no path, so that a check can refuse both."""
    cleaned = {clean_path(path): entry for path, entry in by_path.items()}
    return MappingProxyType(cleaned if len(cleaned) == len(by_path) else dict(by_path))


def is_below(path: str, parent: str) -> bool:
    return path.startswith(f"{parent}/")


def check_paths(
    writable: Mapping[str, int], mounts: Mapping[str, object], executable: Iterable[str], problems: Problems
) -> None:
    """Check that the paths are valid and unique, and that no writable path is at or below another path.

    Executable paths must be writable.
    """
    swapped = {path: volume for path, volume in _volumes_of(mounts) if "/" in volume and "/" not in path}
    if swapped:
        path, volume = next(iter(swapped.items()))
        problems.add(
            f"mounts must name each volume by its path (got the path {volume!r} by the volume {path!r}); use "
            f"mounts={{{volume!r}: {path!r}}}"
        )
    for argument, paths in (("writable", writable), ("mounts", mounts)):
        for path in (each for each in paths if argument == "writable" or each not in swapped):
            limit = container_limits.MOUNT_PATH if argument == "mounts" else container_limits.LINUX_MOUNT_PATH
            problems.check(limit, f"each path of {argument}", path)
        problems.check(container_limits.MOUNT_PATHS, f"paths of {argument}", tuple(map(clean_path, paths)))
    for path in writable:
        if path in mounts:
            problems.add(
                f"writable and mounts must not have the same path (got {path!r}); remove the path from one of them"
            )
        for parent in (each for each in (*writable, *mounts) if is_below(clean_path(path), clean_path(each))):
            argument = "mounts" if parent in mounts else "writable"
            problems.add(
                f"writable must not have a path below {parent!r} of {argument}, which already contains the path "
                f"(got {path!r}); remove the path from writable="
            )
    for path in (each for each in executable if each not in writable):
        problems.add(
            f"executable must name only paths of writable (got {path!r}); add the path to writable=, or remove "
            "the path from executable="
        )


def _volumes_of(mounts: Mapping[str, object]) -> list[tuple[str, str]]:
    """Return the name of the volume at each path."""
    return [(path, str(getattr(mount, "volume", ""))) for path, mount in mounts.items()]


def check_ports(
    name: str,
    port: int | None,
    ports: Mapping[str, int],
    port_ranges: Sequence[tuple[int, int]],
    problems: Problems,
) -> None:
    """Check the numbers and names of ports, and that ECS maps each port only once."""
    problems.check(port_limits.PORT, "port", port)
    for port_name, number in ports.items():
        problems.check_known("each name of ports", port_name)
        problems.check(port_limits.PORT_NAME, "each name of ports", port_name)
        problems.check(port_limits.PORT, f"ports[{port_name!r}]", number)
    if port is not None and name.lower() in ports:
        problems.add(
            f"ports must not have the name of the container (got {name.lower()!r}), which is the name of the port in "
            "port=; use another name in ports=, or leave port= out"
        )
    numbers = [*([] if port is None else [port]), *ports.values()]
    problems.check(port_limits.PORTS_ONCE, "port and ports", numbers)
    problems.check(port_limits.PORT_RANGES, "the number of port_ranges", len(port_ranges))
    for port_range in port_ranges:
        problems.check(port_limits.PORT_RANGE, "each item of port_ranges", port_range)
        for each in port_range:
            problems.check_known("each port of port_ranges", each)
    if port_ranges and not problems.messages:
        single_ports = ((number, number) for number in numbers)
        problems.check(port_limits.PORT_RANGES_APART, "port_ranges", (*single_ports, *port_ranges))


def check_docker_options(
    system_controls: Mapping[str, str],
    security_options: Iterable[str],
    dns_servers: Iterable[str],
    extra_hosts: Mapping[str, str],
    problems: Problems,
) -> None:
    """Check kernel parameters, security options, and the addresses of DNS servers and extra hosts."""
    for name, value in system_controls.items():
        problems.check_known("each name of system_controls", name)
        problems.check(docker_option_limits.SYSTEM_CONTROL, "each name of system_controls", name)
        if not value.strip():
            problems.add(
                f"system_controls[{name!r}] must not be empty (got {value!r}); use a value as for `sysctl`, such as "
                "'1' or '1024 65535'"
            )
    for option in security_options:
        problems.check(docker_option_limits.DOCKER_SECURITY_OPTION, "each item of docker_security_options", option)
    for server in dns_servers:
        problems.check(docker_option_limits.IP_ADDRESS, "each item of dns_servers", server)
    for host, address in extra_hosts.items():
        problems.check_known("each name of extra_hosts", host)
        problems.check(docker_option_limits.EXTRA_HOST, "each name of extra_hosts", host)
        problems.check(docker_option_limits.IP_ADDRESS, f"extra_hosts[{host!r}]", address)


def check_command(entry_point: Sequence[str] | None, command: Sequence[str] | None, problems: Problems) -> None:
    """Check that the command can start and runs as written."""
    if entry_point is None:
        problems.check(command_limits.COMMAND_WORDS, "command", command)
    elif "\\" not in "".join(entry_point):  # a Windows path may contain spaces
        problems.check(command_limits.COMMAND_WORDS, "entry_point", entry_point)
    problems.check(command_limits.COMMAND_FORM, "command", command)
    argument = "entry_point and command" if entry_point else "command"
    # the entry point "" removes the image's own (moby daemon/create.go: Reset the Entrypoint)
    words = (*(() if entry_point == ("",) else entry_point or ()), *(command or ()))
    problems.check(command_limits.COMMAND_SHELL, argument, words)
    if words:
        problems.check(command_limits.COMMAND_OPERATOR, argument, words)
    problems.check(command_limits.COMMAND_VARIABLE, argument, words)
    if entry_point is None:
        problems.check(command_limits.COMMAND_BLANK, "command", command)
    else:
        problems.check(command_limits.PROGRAM, "entry_point", words or entry_point)
