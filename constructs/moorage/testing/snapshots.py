"""The fixture `template_snapshot`. Tests that do not use the fixture run without syrupy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

_NEEDS_SYRUPY = (
    "template_snapshot needs the pytest plugin syrupy, which moorage[testing] installs: "
    'pip install "moorage[testing]"; if it is installed, remove `-p no:syrupy`'
)


@pytest.fixture
def template_snapshot(request: pytest.FixtureRequest) -> SnapshotAssertion:
    """Return the snapshot of a template, to compare with `readable_template(...)`.

    Each snapshot is a JSON file in the folder `__snapshots__` beside the test. `pytest --snapshot-update` writes it.

    Args:
        request: The test, which pytest passes.
    """
    if not request.config.pluginmanager.hasplugin("syrupy"):
        pytest.fail(_NEEDS_SYRUPY, pytrace=False)
    from moorage.testing.template_extension import TemplateExtension  # noqa: PLC0415  # needs syrupy

    snapshot: SnapshotAssertion = request.getfixturevalue("snapshot")
    return snapshot.use_extension(TemplateExtension)
