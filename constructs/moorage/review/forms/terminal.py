"""A review as a page for a terminal."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping

from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from moorage.review.finding import Kind
from moorage.review.forms.cost_section import cost_notes, cost_table
from moorage.review.forms.page import HEADINGS, diagrams, headlines, order_line, rows, sections, verdict
from moorage.review.review import Review

_TRAILING = re.compile(r" +((?:\x1b\[[0-9;]*m)*)$", re.MULTILINE)
"""The blanks with which rich fills the last cell of a row, and the escape sequences after them."""
_STYLES: Mapping[str, str] = {
    HEADINGS[Kind.LOST]: "bold red",
    HEADINGS[Kind.REFUSED]: "bold red",
    HEADINGS[Kind.INTERRUPTED]: "bold yellow",
    HEADINGS[Kind.OPENED]: "bold yellow",
}


def render(review: Review, *, width: int = 100, color: bool = False) -> str:
    """Render a review for a terminal.

    Args:
        review: The review to render.
        width: The number of columns. Default: 100.
        color: Whether to add the escape sequences of colors. Default: False.
    """
    written = io.StringIO()
    console = Console(file=written, width=width, force_terminal=color, no_color=not color, highlight=False)
    console.print(Text(f"{review.title}: {verdict(review)}", style="bold"))
    for line in headlines(review):
        console.print(Text(line), soft_wrap=True)
    for note in review.notes:
        console.print(Text(note), soft_wrap=True)
    for heading, found in sections(review):
        console.print(Text(heading, style=_STYLES.get(heading, "bold")))
        for entry in found:
            console.print(Text(f"  {entry.sentence}"), soft_wrap=True)
            console.print(Text(f"    {entry.place}", style="dim"), soft_wrap=True)
            for detail in entry.details:
                console.print(Text(f"    {detail}", style="dim"), soft_wrap=True)
    _print_cost(console, review)
    _print_rest(console, review)
    return _TRAILING.sub(r"\1", written.getvalue())


def _print_cost(console: Console, review: Review) -> None:
    notes = cost_notes(review.cost)
    if not notes:
        return
    console.print(Text("Cost", style="bold"))
    texts = cost_table(review.cost)
    table = Table("component", box=None, pad_edge=False)
    for heading in texts.headings:
        table.add_column(heading.replace(", ", "\n"), justify="right")
    for component, resources, *amounts in texts.rows:
        first = Group(Text(component), *([Padding(Text(resources), (0, 0, 0, 2))] if resources else []))
        table.add_row(first, *(Text(amount) for amount in amounts))
    if table.row_count:
        console.print(table)
    for note in notes:
        console.print(Text(f"  {note}", style="dim"), soft_wrap=True)


def _print_rest(console: Console, review: Review) -> None:
    differences, order = rows(review.comparison), order_line(review.comparison)
    if not differences and not order:
        return
    table = Table("resource", "", "property", "before", "after", box=None, pad_edge=False, title_justify="left")
    for row in differences:
        table.add_row(
            *(Text(cell) for cell in (f"{row.type} {row.subject}", row.action, row.name, row.before, row.after))
        )
    console.print(Text("All differences", style="bold"))
    if differences:
        console.print(table)
    if order:
        console.print(Text(f"  {order}"), soft_wrap=True)
    _, difference = diagrams(review)
    if difference:
        console.print(Text("The diagram changes", style="bold"))
        console.print(Text(difference), soft_wrap=True)
