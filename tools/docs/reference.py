"""`make reference`: write the pages of docs/reference that are generated from code.

The pages are committed, so that GitHub shows them, and so that a changed sentence is in the diff. A test checks that
the committed pages are up to date.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tools.docs import api
from tools.docs.pages import ROOT
from tools.docs.prices import prices_page
from tools.docs.review_rules import review_rules_page
from tools.docs.tables import index_page, limits_page, warnings_page

REFERENCE = ROOT / "docs" / "reference"


def generated() -> Iterator[tuple[Path, str]]:
    """Yield each page that is generated, and its text."""
    yield REFERENCE / "index.md", index_page()
    yield REFERENCE / "limits.md", limits_page()
    yield REFERENCE / "warnings.md", warnings_page()
    yield REFERENCE / "review-rules.md", review_rules_page()
    yield REFERENCE / "prices.md", prices_page()
    for name in api.GROUPS:
        yield REFERENCE / "api" / f"{name}.md", api.page(name)
    for module in api.MODULES:
        yield REFERENCE / "api" / f"{module}.md", api.module_page(module)


if __name__ == "__main__":
    for path, text in generated():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
