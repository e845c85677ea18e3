"""The loading of modules that need the libraries of an extra, such as `moorage[review]`."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import IO, Any

import click

from moorage.installation.commands import install_moorage


class _MissingError(click.ClickException):
    """The error for a library that is not installed."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the sentence, which begins with the command like the other errors."""
        click.echo(self.format_message(), file=file, err=True)


def load(command: str, module: str, extra: str) -> ModuleType:
    """Import and return a module of this package. The error for a missing library names the extra that installs it.

    Args:
        command: The command that needs the module.
        module: The name of the module.
        extra: The name of the extra.

    Raises:
        click.ClickException: A library is missing.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if str(error.name).startswith("moorage"):
            raise
        raise _MissingError(
            f"{command} needs moorage[{extra}], which installs {error.name}: {install_moorage(extra)}"
        ) from error
