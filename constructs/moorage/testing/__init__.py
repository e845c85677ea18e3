"""Tests of CDK apps with pytest: snapshots of templates, and policy findings that nothing acknowledges.

`pip install "moorage[testing]"` installs pytest and syrupy. To use `template_snapshot`, add `pytest_plugins =
["moorage.testing"]` to the `conftest.py` of the project's root folder.

PYTEST_DONT_REWRITE: pytest would warn if a conftest.py imports this module and names it as a plugin.
"""

from __future__ import annotations

from moorage.testing.findings import assert_no_new_findings
from moorage.testing.templates import readable_template

try:
    from moorage.testing.snapshots import template_snapshot
except ModuleNotFoundError as error:
    if error.name != "pytest":
        raise
    raise ModuleNotFoundError(
        'moorage.testing needs moorage[testing], which installs pytest: pip install "moorage[testing]"', name="pytest"
    ) from error

__all__ = ["assert_no_new_findings", "readable_template", "template_snapshot"]
