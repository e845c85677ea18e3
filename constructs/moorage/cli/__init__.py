"""The command `moorage`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command `moorage`. If click is missing, print how to install it."""
    try:
        from moorage.cli.commands import moorage  # noqa: PLC0415  # needs click, which the extras install
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        sys.stderr.write('moorage: install the command with `pip install "moorage[review]"` or "moorage[local]"\n')
        raise SystemExit(2) from error
    moorage()
