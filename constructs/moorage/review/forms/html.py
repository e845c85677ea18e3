"""A review as one HTML page that needs no network."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from moorage.review.forms.cost_section import cost_notes, cost_table
from moorage.review.forms.page import diagrams, headlines, order_line, rows, sections, verdict
from moorage.review.review import Review

_STYLE = """
:root { color-scheme: light dark; --line: light-dark(#d0d7de, #30363d); --dim: light-dark(#57606a, #8b949e);
  --bad: light-dark(#b42318, #ff7b72); --warn: light-dark(#8a5300, #e3b341); }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem;
  background: light-dark(#fff, #0d1117); color: light-dark(#1f2328, #e6edf3); }
h1 { font-size: 1.4rem; margin-bottom: 0; } h2 { font-size: 1.1rem; border-bottom: 1px solid var(--line); }
h2.lost, h2.refused { color: var(--bad); } h2.interrupted, h2.opened { color: var(--warn); }
li { margin: .4rem 0; overflow-wrap: anywhere; }
pre, small { font-family: ui-monospace, monospace; font-size: .85em; }
small, li li { color: var(--dim); } .scroll { overflow-x: auto; }
table { border-collapse: collapse; } td, th { border: 1px solid var(--line); padding: .2rem .5rem; text-align: left;
  vertical-align: top; font-size: .9rem; overflow-wrap: anywhere; }
"""


def render(review: Review) -> str:
    """Render a review as an HTML page, light or dark like the reader's system.

    Args:
        review: The review to render.
    """
    return "".join(_parts(review))


def _parts(review: Review) -> Iterator[str]:
    yield '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{escape(review.title)}</title><style>{_STYLE}</style></head><body>\n"
    yield f"<h1>{escape(review.title)}</h1>\n<p><strong>{escape(verdict(review))}</strong></p>\n"
    yield from (f"<p>{escape(line)}</p>\n" for line in (*headlines(review), *review.notes))
    for heading, entries in sections(review):
        yield f'<h2 class="{escape(heading.lower())}">{escape(heading)}</h2>\n<ul>\n'
        for entry in entries:
            details = "".join(f"<li>{escape(detail)}</li>" for detail in entry.details)
            nested = f"<ul>{details}</ul>" if details else ""
            yield f"<li>{escape(entry.sentence)}<br><small>{escape(entry.place)}</small>{nested}</li>\n"
        yield "</ul>\n"
    yield from _cost(review)
    yield from _rest(review)
    yield "</body></html>\n"


def _cost(review: Review) -> Iterator[str]:
    notes = cost_notes(review.cost)
    if not notes:
        return
    yield "<h2>Cost</h2>\n"
    table = cost_table(review.cost)
    if table.rows:
        yield '<div class="scroll"><table>\n'
        headings = ("component", "resources", *table.headings)
        yield "<tr>" + "".join(f"<th>{escape(heading)}</th>" for heading in headings) + "</tr>\n"
    for cells in table.rows:
        yield "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>\n"
    yield "</table></div>\n<ul>\n" if table.rows else "<ul>\n"
    yield from (f"<li>{escape(note)}</li>\n" for note in notes)
    yield "</ul>\n"


def _rest(review: Review) -> Iterator[str]:
    differences = rows(review.comparison)
    if differences:
        yield f'<details><summary>All differences ({len(differences)})</summary><div class="scroll"><table>\n'
        yield "<tr><th>resource</th><th></th><th>property</th><th>before</th><th>after</th></tr>\n"
        for row in differences:
            cells = (f"{row.type} {row.subject}", row.action, row.name, row.before, row.after)
            yield "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>\n"
        yield "</table></div></details>\n"
    if order := order_line(review.comparison):
        yield f"<p>{escape(order)}</p>\n"
    _, difference = diagrams(review)
    if difference:
        yield f"<details><summary>The diagram changes</summary><pre>{escape(difference)}</pre></details>\n"
