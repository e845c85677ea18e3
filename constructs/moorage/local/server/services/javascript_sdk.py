"""The AWS SDK for JavaScript v3, which Lambda's Node.js runtimes have built in.

Lambda's runtimes include it (Lambda developer guide, "Building Lambda functions with Node.js"), and the functions that
CDK itself defines count on it. Here a function that brings a package, or finds it in the folder of the app, uses that.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from moorage.local.server.core.adapter import lambda_runtime

_FOLDER = Path(__file__).parent


def install() -> None:
    """Put the SDK before what loads a function in Node.js."""
    calls = str(_FOLDER / "javascript_sdk_calls.py")
    script = (_FOLDER / "javascript_sdk.js").read_text("utf-8")
    for mark, value in (("__PYTHON__", sys.executable), ("__CALLS__", calls)):
        script = script.replace(mark, json.dumps(value))
    lambda_runtime.NODEJS_WORKER_SCRIPT = script + lambda_runtime.NODEJS_WORKER_SCRIPT
