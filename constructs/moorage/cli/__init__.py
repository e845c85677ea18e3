"""The command `moorage`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from moorage.cli.output import end_quietly
from moorage.installation.commands import install_moorage


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
            f"moorage: install the command with `{install_moorage('local')}`, "
            "or with the extra review, prices or promotion\n"
        )
        raise SystemExit(2) from error
    try:
        getattr(commands, group)(arguments, name)
    finally:
        _flush()


def _flush() -> None:
    """Write what is still in the buffer. A reader that closed the output, such as `head`, ends the command quietly."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        end_quietly()
