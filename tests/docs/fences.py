"""The fenced blocks of the documentation: what runs of them, and in what order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import attrs

from tools.docs.pages import ROOT, sources

PAGES = [ROOT / "README.md", *sources()]
MODIFIERS = {"continued", "raises", "warns", "sketch"}
_FENCE = re.compile(
    r"(?:^ *<!-- fence: (?P<modifiers>.*?) -->\n)?"
    r"^(?P<indent> *)(?P<marks>`{3,})(?P<language>\w*)(?P<options>[^\n`]*)\n"
    r"(?P<text>.*?)^(?P=indent)(?P=marks) *$",
    re.MULTILINE | re.DOTALL,
)


@attrs.frozen
class Fence:
    """A fenced block of a page.

    Args:
        page: The file.
        line: The line of the file on which its text begins.
        language: The language behind its marks.
        title: The file that it is, in the folder of the page. Default: none.
        modifiers: The modifiers in the comment above it.
        text: Its text, without the indentation of a list.
    """

    page: Path
    line: int
    language: str
    title: str | None
    modifiers: frozenset[str]
    text: str

    @property
    def place(self) -> str:
        """The file and the line."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def is_program(self) -> bool:
        """True if it makes an app of its own."""
        return "cdk.App(" in self.text or "def test_" in self.text

    @cached_property
    def numbered(self) -> str:
        """Its text, on the lines that it has in the file, so that a traceback names them."""
        return "\n" * (self.line - 1) + self.text


def fences_of(page: Path) -> list[Fence]:
    """Return the fenced blocks of a page, in order."""
    content = page.read_text(encoding="utf-8")
    return [_fence(page, content, match) for match in _FENCE.finditer(content)]


def _fence(page: Path, content: str, match: re.Match[str]) -> Fence:
    title = re.search(r'title="([^"]+)"', match["options"])
    return Fence(
        page,
        content.count("\n", 0, match.start("text")) + 1,
        match["language"],
        title[1] if title else None,
        frozenset((match["modifiers"] or "").split()),
        re.sub(rf"^{match['indent']}", "", match["text"], flags=re.MULTILINE),
    )


@attrs.frozen
class Case:
    """Python fences that run one after the other, and the text that the last one is expected to give."""

    fences: tuple[Fence, ...]
    expected: str | None

    @property
    def last(self) -> Fence:
        """The fence that the modifiers are of."""
        return self.fences[-1]


def cases(page: Path) -> Iterator[Case]:
    """Yield what runs of a page: each Python fence, behind those that it continues."""
    fences = fences_of(page)
    before: tuple[Fence, ...] = ()
    for index, fence in enumerate(fences):
        if fence.language == "python":
            before = (*before, fence) if "continued" in fence.modifiers else (fence,)
            text = next((each.text for each in fences[index + 1 :] if each.language == "text"), "")
            yield Case(before, text if fence.modifiers & {"raises", "warns"} else None)
