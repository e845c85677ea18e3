"""The normal forms of the arguments of a container."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from moorage.workload.container_checks import clean_path, clean_paths

if TYPE_CHECKING:
    from aws_cdk import aws_ecs as ecs

    from moorage.workload.container_lifecycle import ContainerCondition, EnvironmentFile
    from moorage.workload.volumes import Mount

DEFAULT_WRITABLE_MIB = 64
"""The default size of a writable path, in MiB."""


def as_arguments(arguments: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """Return the words of a command as a tuple, or None for no words."""
    if arguments is None:
        return None
    return (arguments,) if isinstance(arguments, str) else tuple(arguments) or None


def as_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return names as a tuple; a string is one name."""
    return (names,) if isinstance(names, str) else tuple(names)


def as_paths(paths: Iterable[str]) -> tuple[str, ...]:
    """Return normalized paths as a tuple; a string is one path."""
    return tuple(map(clean_path, as_names(paths)))


def frozen(mapping: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return a mapping that cannot change."""
    return MappingProxyType(dict(mapping or {}))


if TYPE_CHECKING:  # the container refuses other values with a better message than the door, which would read this type

    def frozen_environment(mapping: Mapping[str, str] | None) -> Mapping[str, str]:
        """Return environment variables that cannot change."""
        return frozen(mapping)

else:
    frozen_environment = frozen


def frozen_texts(mapping: Mapping[str, str] | None) -> Mapping[str, str]:
    """Return a mapping of texts that cannot change."""
    return MappingProxyType(dict(mapping or {}))


def frozen_ports(mapping: Mapping[str, int] | None) -> Mapping[str, int]:
    """Return a mapping of ports that cannot change."""
    return MappingProxyType(dict(mapping or {}))


def writable_sizes(paths: Mapping[str, int] | Sequence[str]) -> Mapping[str, int]:
    """Return the size in MiB of each writable path."""
    return clean_paths(paths if isinstance(paths, Mapping) else dict.fromkeys(as_names(paths), DEFAULT_WRITABLE_MIB))


def dependency_conditions(
    dependencies: str | Iterable[str] | Mapping[str, ContainerCondition | None],
) -> Mapping[str, ContainerCondition | None]:
    """Return the condition of each dependency, or None for the default condition."""
    return MappingProxyType(
        dict(dependencies) if isinstance(dependencies, Mapping) else dict.fromkeys(as_names(dependencies))
    )


def as_files(files: EnvironmentFile | Iterable[EnvironmentFile]) -> tuple[EnvironmentFile, ...]:
    """Return environment files as a tuple."""
    return tuple(files) if isinstance(files, Iterable) else (files,)


def as_mounts(mounts: Mapping[str, str | Mount] | None) -> Mapping[str, Mount]:
    """Return the mounts by normalized path."""
    if not mounts:
        return MappingProxyType({})
    from moorage.workload.volumes import Mount  # noqa: PLC0415  # needed only by volumes

    return clean_paths({path: Mount(mount) if isinstance(mount, str) else mount for path, mount in mounts.items()})


def as_ranges(ranges: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return port ranges as a tuple of pairs."""
    return tuple(tuple(pair) for pair in ranges)  # type: ignore[misc]  # PORT_RANGE checks that they are pairs


def as_volumes_from(
    containers: str | ecs.VolumeFrom | Iterable[str | ecs.VolumeFrom],
) -> tuple[str | ecs.VolumeFrom, ...]:
    """Return the containers whose volumes are mounted as a tuple; a string is the name of one container."""
    return tuple(containers) if isinstance(containers, Iterable) and not isinstance(containers, str) else (containers,)


def as_system_controls(parameters: Mapping[str, str | int] | None) -> Mapping[str, str]:
    """Return kernel parameters by name, with their values as texts."""
    return MappingProxyType({name: str(value) for name, value in (parameters or {}).items()})
