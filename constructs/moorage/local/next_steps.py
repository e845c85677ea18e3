"""The commands to run after a command of the local AWS, which work as they are in the same shell."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from moorage.installation.commands import shell_path
from moorage.local.environment import ACCOUNT, REGION, Access
from moorage.local.ports import HOST
from moorage.local.process import Home

_REVIEW = ("rich", "cfnlint", "cloudformation_validate")
"""The modules that `diff` needs besides those of the local AWS."""


def next_steps(
    program: str,
    app: str | None,
    folder: Path | None,
    stacks: Sequence[str],
    home: Home,
    access: Access,
    places: Sequence[tuple[str, str]],
) -> Iterator[str]:
    """Yield the lines that name the next commands: for each command a line that explains it, then the command.

    The explanation is in a line of its own, since not every shell accepts a comment after a command.

    Args:
        program: The beginning of the commands, such as `moorage`.
        app: The option `--app` of the user, if it was given.
        folder: The option `--home` of the user, if it was given.
        stacks: The stacks that the user named.
        home: The home of the local AWS.
        access: The local AWS.
        places: The deployed accounts and regions.
    """
    given, own = options(app, folder)
    named = "".join(f" {shlex.quote(pattern)}" for pattern in stacks)
    yield "\nNext:\n"
    yield from _step("show what is deployed", f"{program} status{own}{named}")
    if all(importlib.util.find_spec(name) for name in _REVIEW):
        yield from _step("show what up would change", f"{program} diff{given}{own}{named}")
    if (home.assembly / "manifest.json").exists():
        yield from _step("draw the stacks for Markdown", f"{program} diagram {shlex.quote(str(home.assembly))}{named}")
    yield from _step("deploy changes to the app", f"{program} up{given}{own}{named}")
    one = ", with the line of one account and region" if len(set(places)) > 1 else ""
    yield from _step(f"call the local AWS from this shell{one}", *shell_lines(access, home.folder / "secret", places))
    yield from _step("delete the stacks", f"{program} down{own}{named}")


def options(app: str | None, folder: Path | None) -> tuple[str, str]:
    """Return the options `--app` and `--home` of a suggested command, as the user gave them.

    Args:
        app: The option `--app` of the user, if it was given.
        folder: The option `--home` of the user, if it was given.
    """
    given = f" --app {shlex.quote(app)}" if app else ""
    return given, f" --home {shlex.quote(str(folder))}" if folder else ""


def _step(says: str, *commands: str) -> Iterator[str]:
    yield f"- {says}:\n"
    yield from (f"  {command}\n" for command in commands)


def shell_lines(access: Access, secret: Path, places: Sequence[tuple[str, str]]) -> list[str]:
    """Return the commands that make a shell use the local AWS: one for each account and region, then an example.

    Version 1 of the CLI and boto3 read `AWS_DEFAULT_REGION`; version 2 prefers `AWS_REGION` (their user guides,
    "Environment variables"). The session token is emptied; otherwise, a token of other credentials would be sent.

    Args:
        access: The local AWS.
        secret: The file that contains the secret of the local AWS.
        places: The deployed accounts and regions.
    """
    read = f'"$(cat {shlex.quote(str(secret))})"'
    direct = "".join(f" {name}={value}" for name, value in _direct(os.environ).items())
    lines = [
        f"export AWS_ACCESS_KEY_ID={account} AWS_SECRET_ACCESS_KEY={read} AWS_SESSION_TOKEN= AWS_REGION={region} "
        f"AWS_DEFAULT_REGION={region} AWS_ENDPOINT_URL={access.endpoint}{direct}"
        for account, region in dict.fromkeys(places) or {(ACCOUNT, REGION): None}
    ]
    redirecting = sorted(name for name in os.environ if _redirects(name))
    return [*([f"unset {' '.join(redirecting)}"] if redirecting else []), *lines, call("ecs", "list-clusters")]


def call(service: str, operation: str, **arguments: str) -> str:
    """Return a command that calls the local AWS from a shell with its variables.

    Without the AWS CLI, the command uses boto3, which the local AWS itself needs.

    Args:
        service: The name of the service, such as `ecs`.
        operation: The operation, as the AWS CLI names it.
        **arguments: The arguments, as boto3 names them.
    """
    if shutil.which("aws"):
        options = (f" --{_kebab(name)} {shlex.quote(value)}" for name, value in arguments.items())
        return f"aws {service} {operation}{''.join(options)}"
    values = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    code = f'import boto3; print(boto3.client("{service}").{operation.replace("-", "_")}({values}))'
    return f"{shell_path(sys.executable)} -c {shlex.quote(code)}"


def _kebab(name: str) -> str:
    """Return the name of an option of the AWS CLI, such as `image-tag` for `imageTag`."""
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name)


def _redirects(name: str) -> bool:
    """Return whether a variable of this shell has precedence over those of `export`, or makes a client fail."""
    return name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE") or name.startswith("AWS_ENDPOINT_URL_")


def _direct(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that keep requests to this machine away from a proxy of the user."""
    if not urllib.request.getproxies_environment().keys() - {"no"}:
        return {}
    found = {}
    for name in ("no_proxy", "NO_PROXY"):
        stated = environment.get(name, "")
        if HOST not in stated and stated != "*":
            found[name] = shlex.quote(f"{stated},{HOST}" if stated else HOST)
    return found
