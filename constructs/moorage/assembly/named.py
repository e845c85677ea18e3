"""The folder and the stacks of an assembly that a user names in a command, and the age of what is in the folder."""

from __future__ import annotations

import datetime as dt
import difflib
import fnmatch
import shlex
from collections.abc import Sequence
from pathlib import Path

from moorage.assembly.cloud_assembly import AssemblyError, Stack

_MANIFEST = "manifest.json"
_DEFAULT = Path("cdk.out")
_OF_UP = Path(".moorage", "cdk.out")
"""The folder that `moorage up` synthesizes into by default."""
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


def require_folder(assembly: Path, command: str) -> None:
    """Raise an error if a user named something else in place of the folder that `cdk synth` writes.

    Args:
        assembly: The path that the user named first.
        command: The command that the user typed, without its arguments, such as `moorage cost`.

    Raises:
        AssemblyError: The path is no folder, or a folder without an assembly.
    """
    if assembly.name == _DEFAULT.name:
        if not assembly.is_dir():
            raise AssemblyError(f"there is no folder {assembly}; run `cdk synth`, or name the folder that it wrote")
        return  # an assembly that cannot be read has an error of its own
    if assembly.is_file():
        raise AssemblyError(f"{assembly} is a file; name the folder that `cdk synth` wrote, such as {_DEFAULT}")
    if not assembly.is_dir():
        if near := _near_folder(assembly):
            raise AssemblyError(f"there is no folder {assembly}; did you mean {near}?")
        raise AssemblyError(
            f"{assembly} is not a folder; the assembly comes first: {command} {_DEFAULT} {shlex.quote(str(assembly))}"
        )
    if not (assembly / _MANIFEST).exists():
        raise AssemblyError(
            f"{assembly} is not a CDK cloud assembly, since it has no {_MANIFEST}; name the folder that `cdk synth` "
            f"wrote, such as {_DEFAULT}"
        )


def _near_folder(assembly: Path) -> Path | None:
    """Return the folder of an assembly whose name is close to a path that does not exist."""
    try:
        folders = [each.parent.name for each in assembly.parent.glob(f"*/{_MANIFEST}")]
    except OSError:
        return None
    near = difflib.get_close_matches(assembly.name, folders, n=1)
    return assembly.with_name(near[0]) if near else None


def named_stacks(stacks: Sequence[Stack], patterns: Sequence[str]) -> tuple[Stack, ...]:
    """Return the stacks that a user named; all stacks without a name.

    Args:
        stacks: The stacks of the assembly.
        patterns: The construct paths of stacks, in which `*` is any text.

    Raises:
        AssemblyError: A pattern matches no stack.
    """
    for pattern in patterns:
        if not any(fnmatch.fnmatchcase(stack.path, pattern) for stack in stacks):
            paths = ", ".join(stack.path for stack in stacks) or "none"
            below = any(stack.path.startswith(f"{pattern}/") for stack in stacks)
            meant = f"did you mean '{pattern}/*'? The stacks are {paths}" if below else f"the stacks are {paths}"
            raise AssemblyError(f"no stack matches {pattern}; {meant}")
    return tuple(
        stack
        for stack in stacks
        if not patterns or any(fnmatch.fnmatchcase(stack.path, pattern) for pattern in patterns)
    )


def origin(assembly: Path) -> str:
    """Return a sentence with the folder of an assembly and the time since its synthesis.

    Args:
        assembly: The folder, whose manifest `cdk synth` writes each time.
    """
    seconds = int(dt.datetime.now(dt.UTC).timestamp() - (assembly / _MANIFEST).stat().st_mtime)
    for size, unit in _UNITS:
        if seconds >= size:
            count = seconds // size
            return f"Read from {assembly}, synthesized {count} {unit}{'' if count == 1 else 's'} ago."
    return f"Read from {assembly}, synthesized less than a minute ago."


def ineffective_region(region: str | None, stacks: Sequence[Stack]) -> str | None:
    """Return a sentence if `--region` changes nothing, since all stacks state a region, or None.

    Args:
        region: The region of `--region`; None without the option.
        stacks: The stacks that the user named.
    """
    own = list(dict.fromkeys(stack.region for stack in stacks))
    if region is None or not own or not all(own) or own == [region]:
        return None
    return f"--region {region} changes nothing, since every stack states its region ({', '.join(map(str, own))})"


def newer_elsewhere(assembly: Path) -> str | None:
    """Return a sentence if `moorage up` synthesized after the default assembly, or None.

    Args:
        assembly: The folder that was read. Only the default folder is compared.
    """
    of_up = _OF_UP / _MANIFEST
    if assembly != _DEFAULT or not of_up.exists() or of_up.stat().st_mtime <= (assembly / _MANIFEST).stat().st_mtime:
        return None
    return f"{assembly} is older than {_OF_UP}, which the last `up` synthesized; run `cdk synth`, or name {_OF_UP}"
