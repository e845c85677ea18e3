"""The AWS CLI for CDK's functions that get it from a layer, such as the function for bucket deployments."""

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
"""The code that runs before a Python function: it starts this package's file in place of the layer's command."""


def install() -> None:
    """Make Python functions run `deployment_cli.py` when they start the layer's AWS CLI."""
    path = Path(__file__).parent / "deployment_cli.py"
    before = _SCRIPT.replace("CLI", repr(str(path)))
    lambda_runtime.PYTHON_WORKER_SCRIPT = before + lambda_runtime.PYTHON_WORKER_SCRIPT
