"""The commands `up`, `diff`, `status` and `down`, as `python -m moorage.local`."""

from __future__ import annotations

from collections.abc import Sequence

from moorage.cli import start


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the arguments, run the command, and return its exit code.

    Args:
        arguments: The arguments. Default: the command-line arguments of this process.
    """
    try:
        start("local_aws", arguments, "python -m moorage.local")
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
