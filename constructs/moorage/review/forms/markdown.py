"""A review as Markdown for a comment in a pull request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from moorage.review.forms.page import Entry, Row, diagrams, headlines, rows, sections, verdict
from moorage.review.review import Review

MARKER = "<!-- moorage review -->"
"""The first line of the comment. A workflow finds the comment to update by this line."""
LONGEST = 65_536
"""The maximum length of a GitHub comment, in characters."""
_CUT = "\n_The comment is cut to the length that GitHub permits; the other forms are complete._\n"


def render(review: Review) -> str:
    """Render a review as Markdown of at most 65,536 characters.

    If the text is longer, the table of all differences and the diagram are left out, then the last findings.

    Args:
        review: The review.
    """
    differences = rows(review.comparison)
    top = _top(review)
    findings = [line for heading, found in sections(review) for line in _section(heading, found)]
    rest = "".join(_table(differences)) + "".join(_diagram(review))
    whole = top + "".join(findings)
    if len(whole) + len(rest) <= LONGEST:
        return whole + rest
    text = top
    for line in findings:
        if len(text) + len(line) + len(_CUT) > LONGEST:
            break
        text += line
    return text + _CUT


def _top(review: Review) -> str:
    notes = "".join(f"> {_escaped(note)}\n" for note in review.notes)
    lines = "".join(f"- {_escaped(line)}\n" for line in headlines(review))
    return f"{MARKER}\n## {_escaped(review.title)}: {verdict(review)}\n{lines}{notes}"


def _section(heading: str, entries: Sequence[Entry]) -> Iterator[str]:
    yield f"### {heading}\n"
    for entry in entries:
        details = "".join(f"  - {_escaped(detail)}\n" for detail in entry.details)
        yield f"- {_escaped(entry.sentence)} `{entry.place}`\n{details}"


def _table(differences: Sequence[Row]) -> Iterator[str]:
    if not differences:
        return
    yield f"\n<details><summary>All differences ({len(differences)})</summary>\n\n"
    yield "| resource | | property | before | after |\n|---|---|---|---|---|\n"
    for row in differences:
        cells = (f"{row.type} {row.subject}", row.action, row.name, row.before, row.after)
        yield "| " + " | ".join(_cell(cell) for cell in cells) + " |\n"
    yield "\n</details>\n"


def _diagram(review: Review) -> Iterator[str]:
    head, difference = diagrams(review)
    if head:
        yield f"\n<details><summary>The diagram changes</summary>\n\n```diff\n{difference}\n```\n\n"
        yield f"```mermaid\n{head}```\n\n</details>\n"


def _cell(text: str) -> str:
    return _escaped(text).replace("|", "\\|")


def _escaped(text: str) -> str:
    """Return a text that Markdown shows as it is: no tags, no emphasis, no mentions of users."""
    for character in "\\`*_[]":
        text = text.replace(character, f"\\{character}")
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("@", "@\u200b")
