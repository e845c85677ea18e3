"""AWS's command line for the functions of CDK that have it from a layer, as the one that fills a bucket."""

from __future__ import annotations

from pathlib import Path

from moorage.local.server.core.adapter import lambda_runtime

_SCRIPT = """
import os as _os, subprocess as _subprocess, sys as _sys

class _Popen(_subprocess.Popen):
    def __init__(self, args, *rest, **named):
        if isinstance(args, list) and args[:1] == ["/opt/awscli/aws"] and not _os.path.exists(args[0]):
            args = [_sys.executable, CLI, *args[1:]]
        super().__init__(args, *rest, **named)

_subprocess.Popen = _Popen
"""
"""The code before a function in Python: a command that the layer would bring runs this package's file."""


def install() -> None:
    """Put the command line before what loads a function in Python."""
    path = Path(__file__).parent / "deployment_cli.py"
    before = _SCRIPT.replace("CLI", repr(str(path)))
    lambda_runtime.PYTHON_WORKER_SCRIPT = before + lambda_runtime.PYTHON_WORKER_SCRIPT
