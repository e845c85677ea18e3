"""The command `moorage`."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main() -> None:
    """Run the command `moorage`. If click is missing, print how to install the command, and exit with 2."""
    start("moorage")


def start(group: str, arguments: Sequence[str] | None = None, name: str | None = None) -> None:
    """Run a group of commands. If click is missing, print how to install the command, and exit with 2.

    Args:
        group: The name of the group in `moorage.cli.commands`.
        arguments: The arguments. Default: those of this process.
        name: The beginning of the command, as the help shows it. Default: the name of the program.
    """
    try:
        from moorage.cli import commands  # noqa: PLC0415  # needs click, which the extras install
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        sys.stderr.write(
            'moorage: install the command with `pip install "moorage[review]"`, "moorage[local]", '
            '"moorage[prices]" or "moorage[promotion]"\n'
        )
        raise SystemExit(2) from error
    getattr(commands, group)(arguments, name)
