"""Every link of the documentation leads to a file that exists, and to a heading that is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.fences import PAGES
from tools.docs.pages import FENCE, LINK, ROOT, navigation, page_of, sources

_HEADING = re.compile(r"^#+ +(.*?) *$", re.MULTILINE)
_ANCHOR = re.compile(r'<a id="([^"]+)"></a>')
_CODE = re.compile(r"`[^`\n]*`")


def without_fences(content: str) -> str:
    """Return the text of a page without its fenced blocks, on the same lines."""
    return FENCE.sub(lambda fence: "\n" * fence[0].count("\n"), content)


def anchors_of(page: Path) -> set[str]:
    """Return the anchors that a page has on GitHub and on the site alike."""
    text = without_fences(page.read_text(encoding="utf-8"))
    headings = [heading.replace("`", "") for heading in _HEADING.findall(text)]
    alike = {github for heading in headings if (github := on_github(heading)) == on_the_site(heading)}
    return alike | set(_ANCHOR.findall(text))


def on_github(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-")


def on_the_site(heading: str) -> str:
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower())


def broken_links(page: Path, content: str) -> Iterator[str]:
    """Yield the links of a page that lead nowhere, each with its line."""
    text = _CODE.sub(lambda code: " " * len(code[0]), without_fences(content))
    for link in re.finditer(rf"{LINK.pattern}|(?<=\]\()(#[^)\s]+)(?=\))", text):
        place = f"{page.relative_to(ROOT)}:{text.count(chr(10), 0, link.start()) + 1}"
        target = (page.parent / link[1]).resolve() if link[1] else page
        anchor = (link[2] or link[3] or "").removeprefix("#")
        if not (target.is_file() or (target.is_dir() and page.name == "README.md")):  # which only GitHub shows
            yield f"{place}: there is no file {link[1]}"
        elif anchor and target.suffix == ".md" and anchor not in anchors_of(target):
            yield f"{place}: there is no heading #{anchor} in {target.relative_to(ROOT)}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(page: Path) -> None:
    assert list(broken_links(page, page.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        ("[x](nowhere.md)", "there is no file nowhere.md"),
        ("[x](testing.md#nothing)", "there is no heading #nothing in docs/internals/testing.md"),
        ("[x](#nothing)", "there is no heading #nothing in docs/internals/testing.md"),
    ],
)
def test_a_broken_link_is_found_with_its_line(link: str, problem: str) -> None:
    page = ROOT / "docs" / "internals" / "testing.md"
    content = f"# Title\n\n```text\n[x](y.md)\n```\n\n`[x](y.md)` and {link}\n"
    assert list(broken_links(page, content)) == [f"docs/internals/testing.md:7: {problem}"]


def test_every_page_is_in_the_navigation() -> None:
    assert {page_of(source) for source in sources()} == set(navigation())
