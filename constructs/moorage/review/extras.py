"""The modules that need libraries of an extra of this package."""

from __future__ import annotations

import importlib
from types import ModuleType

import click


class _MissingError(click.ClickException):
    """The error of a library that is not installed."""

    exit_code = 2


def load(command: str, module: str, extra: str) -> ModuleType:
    """Return a module of this package, or end with the name of the extra that installs what it imports.

    Args:
        command: The command that needs the module.
        module: The name of the module.
        extra: The extra.

    Raises:
        click.ClickException: A library is missing.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if str(error.name).startswith("moorage"):
            raise
        raise _MissingError(
            f'{command} needs moorage[{extra}], which installs {error.name}: pip install "moorage[{extra}]"'
        ) from error
