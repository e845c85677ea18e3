"""Advice as tables for a terminal."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from moorage.advice.advice import HEADINGS, Advice, cells


def render(
    advice: Sequence[Advice], notes: Sequence[str] = (), *, origin: str = "", width: int = 160, color: bool = False
) -> str:
    """Render advice for a terminal.

    Args:
        advice: The advice.
        notes: Further sentences. Default: none.
        origin: The sentence about the folder that was read. Default: none.
        width: The number of columns. Default: 160.
        color: Whether to add the escape sequences of colors. Default: False.
    """
    written = io.StringIO()
    console = Console(file=written, width=width, force_terminal=color, no_color=not color, highlight=False)
    for each in advice:
        console.print(Text(each.heading, style="bold"))
        console.print(_table(each))
        console.print(Text(each.reason, style="bold green"), soft_wrap=True)
        for flip in each.flips:
            console.print(Text(f"  - {flip}"), soft_wrap=True)
        console.print()
    for title, sentences in (("Assumptions", _unique(advice, "assumptions")), ("Sources", _unique(advice, "sources"))):
        if sentences:
            console.print(Text(title, style="bold"))
            for number, sentence in enumerate(sentences, 1):
                console.print(Text(f"  {number}. {sentence}"), soft_wrap=True)
    if origin:
        console.print(Text(origin), soft_wrap=True)
    for note in notes:
        console.print(Text(f"Note: {note}"), soft_wrap=True)
    return "".join(f"{line.rstrip()}\n" for line in written.getvalue().splitlines())


def _table(advice: Advice) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in HEADINGS:
        table.add_column(heading, justify="right" if heading in {"USD a month", "upkeep"} else "left")
    for offer in advice.shown:
        style = "bold" if offer is advice.advised else ""
        table.add_row(*(Text(cell, style=style) for cell in cells(offer)))
    return table


def _unique(advice: Sequence[Advice], name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(sentence for each in advice for sentence in getattr(each, name)))
