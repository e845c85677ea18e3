"""The app that the user states: with `--app`, or in the settings of the CDK CLI.

The CLI takes the option `--app`, or else the variable `CDK_APP`, or else the `app` of `cdk.json`, or else that of
`~/.cdk.json`. It would run the last one in the folder of `moorage.local.lookups`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

SETTINGS = Path("cdk.json")


def stated_app(app: str | None) -> str | None:
    """Return the app, unless it is that of `cdk.json`. Then return None.

    Args:
        app: The option `--app`; None without the option.
    """
    return app or os.environ.get("CDK_APP") or (None if _app(SETTINGS) else _text(_app(Path.home() / ".cdk.json")))


def settings_app() -> Any:
    """Return the `app` of `cdk.json`: a command, a list of its words, or None."""
    return _app(SETTINGS)


def app_problem(app: str | None) -> str | None:
    """Return a sentence if the current folder has no app and the user states no other.

    Args:
        app: The option `--app`; None without the option.
    """
    if stated_app(app) or SETTINGS.exists():
        return None
    return (
        f"there is no cdk.json in {Path.cwd()}; run this in the folder of the app, use --app, or make an app with "
        "`moorage init`"
    )


def _app(settings: Path) -> Any:
    try:
        return json.loads(settings.read_text("utf-8")).get("app")
    except (OSError, ValueError, AttributeError):
        return None


def _text(app: Any) -> str | None:
    return app if isinstance(app, str) else None
