"""The AWS SDK for JavaScript v3, which Lambda's Node.js runtimes include.

The source is the Lambda developer guide, "Building Lambda functions with Node.js". The functions that CDK itself
defines need the SDK. A package in the function's code or in the folder of the app has priority.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from moorage.local.server.core.adapter import lambda_runtime

_FOLDER = Path(__file__).parent


def install() -> None:
    """Make the SDK available to Node.js functions, with code that runs before ministack's loader."""
    calls = str(_FOLDER / "javascript_sdk_calls.py")
    script = (_FOLDER / "javascript_sdk.js").read_text("utf-8")
    for mark, value in (("__PYTHON__", sys.executable), ("__CALLS__", calls)):
        script = script.replace(mark, json.dumps(value))
    lambda_runtime.NODEJS_WORKER_SCRIPT = script + lambda_runtime.NODEJS_WORKER_SCRIPT
