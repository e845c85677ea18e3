"""Settings of the tests."""

import os
from pathlib import Path

import pytest

SNAPSHOTS = Path(__file__).parent / "tests" / "__snapshots__"

os.environ["CDK_VALIDATION"] = "false"  # it takes seconds; cdk synth and cdk deploy still validate the templates
pytest_plugins = ["moorage.testing"]


def pytest_configure(config: pytest.Config) -> None:
    """Write the snapshot in the first run. In CI, a snapshot that nobody committed fails the tests."""
    if not SNAPSHOTS.exists() and not os.environ.get("CI"):
        config.option.update_snapshots = True
