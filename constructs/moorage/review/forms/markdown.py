"""A review as Markdown for a comment in a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from moorage.review.forms.cost_section import cost_notes, cost_table
from moorage.review.forms.page import Entry, Row, diagrams, headlines, order_line, rows, sections, verdict
from moorage.review.review import Review

MARKER = "<!-- moorage review -->"
"""The first line of the comment. A workflow finds the comment to update by this line."""
LONGEST = 65_000
"""The maximum length in UTF-16 units: that of a GitHub comment, 65,536, without the line that the workflow adds."""
_CUT = "\n_The comment is cut to the length that GitHub permits; the other forms are complete._\n"


def render(review: Review) -> str:
    """Render a review as Markdown of at most 65,000 characters. A longer text is cut at its end.

    Args:
        review: The review to render.
    """
    differences = rows(review.comparison)
    top = _top(review)
    findings = [line for heading, found in sections(review) for line in _section(heading, found)]
    findings += _cost(review)
    order = order_line(review.comparison)
    rest = "".join(_table(differences)) + (f"\n{_escaped(order)}\n" if order else "") + "".join(_diagram(review))
    whole = top + "".join(findings)
    if _units(whole) + _units(rest) <= LONGEST:
        return whole + rest
    text, length = top, _units(top) + _units(_CUT)
    for line in findings:
        length += _units(line)
        if length > LONGEST:
            break
        text += line
    return text + _CUT


def _units(text: str) -> int:
    """Return the length of a text as GitHub counts it, with 2 for each character outside the basic plane."""
    return len(text) + sum(character > "\uffff" for character in text)


def _top(review: Review) -> str:
    notes = "".join(f"> {_escaped(note)}\n" for note in review.notes)
    lines = "".join(f"- {_escaped(line)}\n" for line in headlines(review))
    return f"{MARKER}\n## {_escaped(review.title)}: {verdict(review)}\n{lines}{notes}"


def _section(heading: str, entries: Sequence[Entry]) -> Iterator[str]:
    yield f"### {heading}\n"
    for entry in entries:
        details = "".join(f"  - {_escaped(detail)}\n" for detail in entry.details)
        yield f"- {_escaped(entry.sentence)} {_code(entry.place)}\n{details}"


def _cost(review: Review) -> Iterator[str]:
    """Yield the section of the cost. Its table is one piece, which a cut leaves out or keeps."""
    notes = cost_notes(review.cost)
    if notes:
        lines = ["### Cost\n"]
        table = cost_table(review.cost)
        if table.rows:
            columns = "--:|" * len(table.headings)
            lines.append(f"\n| component | resources | {' | '.join(table.headings)} |\n|---|---|{columns}\n")
            for cells in table.rows:
                lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |\n")
            lines.append("\n")
        yield "".join(lines)
        yield from (f"- {_escaped(note)}\n" for note in notes)


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


def _code(text: str) -> str:
    """Return a text as a code span, in which Markdown reads no entity and no escape."""
    shown = " ".join(text.split()).replace("@", "@\u200b")
    fence = "`" * (max(map(len, re.findall("`+", shown)), default=0) + 1)
    space = " " if "`" in shown else ""
    return f"{fence}{space}{shown}{space}{fence}"


def _escaped(text: str) -> str:
    """Return a text that Markdown shows as it is, in one line: no tags, no emphasis, no mentions of users."""
    text = " ".join(text.split())
    for character in "\\`*_[]":
        text = text.replace(character, f"\\{character}")
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("@", "@\u200b")
