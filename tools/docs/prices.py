"""The page of the reference about the price book: prices, sources, and what has no sourced price."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from moorage.prices import Price, PriceBook
from moorage.prices.book import DAYS_UNTIL_OLD
from moorage.prices.price import FALLBACK_REGION, Row
from moorage.prices.price_file import PriceFile
from moorage.prices.rules import LEAST, MOST
from tools.docs.tables import table

_INSTANCES = "ec2"
_SHOWN = (FALLBACK_REGION, "eu-west-1")
_INTRODUCTION = """# Prices

moorage contains a price book: list prices in USD, without taxes, discounts and free tiers, each with its source and
dates. This is the book of {version}. It has {count} items, and prices of {regions} regions: {names}.

Prices change. AWS's own pages are the reference, and `moorage prices refresh` writes a new book from them:

```sh
moorage prices refresh --region eu-west-1 --into prices.json
```

The command asks the Price List of AWS for exact usage types, one region after another, and prints the prices that
differ. It needs `moorage[prices]` and the permission `pricing:GetProducts`. Items that the Price List does not price in
the unit of the book keep their old price, and the command lists them. `moorage cost`, `moorage advise` and
`moorage review` use the new book with `--prices prices.json`.

AWS documents the
[codes of regions](https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-region-billing-codes.html) with
which usage types begin, but not the usage types. Those of the command agree with public copies of the Price List and
with tools that read it, such as Infracost. Only that of `gwlb.lcu_hour` was found in no such source. The tests of the
command read the answer that AWS documents for `GetProducts`, and answers of that form. They call no AWS.

- An item without a price for a region has the price in {fallback}; the answer has `fallback` set.
- An item without a sourced price is [unknown](#unknown): the answer is an assumption that you have to make, never 0.
- A book is refused if a price is missing, 0 or not a number; if Fargate on ARM costs more than on x86; if a price is
  not {least} to {most} times that in {fallback}; if a unit is not known; or if a source has no address or date.
- A book is old if one of its prices was read more than {days} days ago.

In the tables, a price is for one unit: a request and not a million. If the book has no price for a region, the cell is
empty.
"""
_UNKNOWN = """## Unknown

No source states these prices for your case. In `moorage cost`, their components are in no sum: add their cost by hand.
Spot is the exception: its components have an [assumed discount](../guides/cost.md#what-is-estimated).
"""
_SOURCES = """## Sources

"Third party" is everybody except AWS, also if the numbers are AWS's. The date is the day for which the document states
the prices. All sources were read on {fetched}.
"""


def prices_page() -> str:
    """Return the page of the prices that moorage contains."""
    book = PriceBook.load()
    contents = book.contents
    parts = [
        _INTRODUCTION.format(
            version=book.version,
            count=len(book.items),
            regions=len(book.regions),
            names=", ".join(f"`{region}`" for region in book.regions),
            fallback=f"`{FALLBACK_REGION}`",
            least=LEAST,
            most=MOST,
            days=DAYS_UNTIL_OLD,
        )
    ]
    services = sorted({item.partition(".")[0] for item in book.items})
    for service in services:
        rows = [row for row in contents.rows if row.item.partition(".")[0] == service]
        parts.append(_instances(rows) if service == _INSTANCES else _service(book, service, rows))
    unknown = [(f"`{item}`", assumption) for item, assumption in sorted(contents.unknown.items())]
    parts += [_UNKNOWN, table(("item", "assumption"), unknown), *_sources(contents)]
    return "\n".join(parts)


def _service(book: PriceBook, service: str, rows: Sequence[Row]) -> str:
    names = sorted({(row.name, row.item, row.architecture, row.unit) for row in rows}, key=lambda each: each[0])
    lines = [
        (f"`{name}`", unit, *(_cell(book, item, architecture, region) for region in _SHOWN), _source_of(rows, name))
        for name, item, architecture, unit in names
    ]
    return f"## {service}\n\n{table(('item', 'unit', *_SHOWN, 'source'), lines)}"


def _cell(book: PriceBook, item: str, architecture: str | None, region: str) -> str:
    price = book.price(item, region, architecture)
    return format(price.usd, "f") if isinstance(price, Price) and not price.fallback else ""


def _source_of(rows: Sequence[Row], name: str) -> str:
    return ", ".join(f"[{source}](#{source})" for source in sorted({row.source for row in rows if row.name == name}))


def _instances(rows: Sequence[Row]) -> str:
    """Return the section of the instance types, which are too many to list."""
    regions = {region: sum(row.region == region for row in rows) for region in sorted({row.region for row in rows})}
    lines = [(f"`{region}`", str(count)) for region, count in regions.items()]
    sources = " or ".join(f"[{source}](#{source})" for source in sorted({row.source for row in rows}))
    meaning = "On-Demand Instances with Linux, each an item such as `ec2.m7g.large`, per hour."
    return f"## {_INSTANCES}\n\n{meaning} The source is {sources}.\n\n{table(('region', 'types'), lines)}"


def _sources(contents: PriceFile) -> Iterator[str]:
    fetched = ", ".join(sorted({str(source.fetched) for source in contents.sources.values()}))
    yield _SOURCES.format(fetched=fetched)
    lines = [
        (
            f'<a id="{name}"></a>{name}',
            f"[{source.name}]({source.url})",
            str(source.effective),
            "yes" if source.third_party else "no",
        )
        for name, source in sorted(contents.sources.items())
    ]
    yield table(("source", "document", "date", "third party"), lines).replace("&lt;a", "<a").replace("&lt;/a", "</a")
