"""The stacks of an app and the clients of the local AWS, for a command that deploys nothing."""

from __future__ import annotations

import contextlib
import functools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from moorage.assembly.cloud_assembly import Stack, stacks_of
from moorage.local.account import Account
from moorage.local.process import Home, LocalError
from moorage.local.toolkit import Toolkit

Clients = Callable[[str, str | None, str | None], Any]
"""A function that returns the boto3 client of a service, an account and a region; None for those of the local AWS."""


@contextlib.contextmanager
def opened(folder: Path, app: str | None) -> Iterator[tuple[tuple[Stack, ...], Clients]]:
    """Yield the stacks of an app and the clients of the local AWS, while no other command changes the local AWS.

    Args:
        folder: The home of the local AWS.
        app: The command that synthesizes the app, or the folder of a cloud assembly; None for the `app` of `cdk.json`.

    Raises:
        LocalError: The local AWS is not running, or the app cannot be synthesized.
        AssemblyError: The assembly is invalid.
    """
    home = Home(folder)
    server = home.running()
    if server is None:
        raise LocalError("the local AWS is not running; deploy the app with up")
    toolkit = Toolkit(home, app)
    with home.exclusive():
        synthesized = folder / "promotion"
        shutil.rmtree(synthesized, ignore_errors=True)  # left by a command that was killed
        synthesized.mkdir(mode=0o700)
        try:
            stacks = stacks_of(toolkit.preview(server, synthesized / "cdk.out"))
        finally:
            shutil.rmtree(synthesized, ignore_errors=True)
        account = functools.cache(functools.partial(Account, server.access))
        yield stacks, lambda service, owner, region: account(owner, region).client(service)
