"""The run of `moorage prices refresh`: ask the Price List, check the new book, show what differs, and write."""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs

from moorage.prices.book import PriceBook, shipped_file
from moorage.prices.price import FALLBACK_REGION, PriceBookError
from moorage.prices.price_file import PriceFile, parse, written
from moorage.prices.refresh import changes
from moorage.prices.refresh.changes import Answer
from moorage.prices.refresh.price_list import PriceList, PriceListError, SeveralPricesError, client_for
from moorage.prices.refresh.queries import PREFIXES, QUERIES

REFUSED, USAGE = 1, 2
"""The exit codes: 1 if the new book is refused or AWS cannot be asked, 2 for a wrong argument."""
_INTERRUPTED = 130


@attrs.frozen
class Request:
    """The arguments of the command.

    Args:
        regions: The regions. Default: those of the book.
        into: The file to write. Default: `prices-DATE.json` in the current folder.
        profile: The AWS profile. Default: the credentials of boto3.
    """

    regions: tuple[str, ...] = ()
    into: Path | None = None
    profile: str | None = None


def run(request: Request, client: Any = None, today: dt.date | None = None) -> int:
    """Write a new price book, and return the exit code: 0, 1 if it is refused, 2 for a wrong argument, or 130.

    Args:
        request: The arguments.
        client: The boto3 client of the service `pricing`. Default: one for the profile.
        today: The current day. Default: today in UTC.
    """
    day = today or dt.datetime.now(dt.UTC).date()
    into = request.into or Path(f"prices-{day}.json")
    unknown = [region for region in request.regions if region not in PREFIXES]
    if unknown:
        _say(f"--region must be a region with prices in USD (got {', '.join(unknown)}); use one such as eu-west-1")
        return USAGE
    if not into.absolute().parent.is_dir():
        _say(f"--into {into} is in a folder that does not exist; create {into.parent}, or name another file")
        return USAGE
    try:
        base = PriceBook.load(into if into.exists() else shipped_file(), today=day)
        regions = request.regions or base.regions
        price_list = PriceList(client or client_for(request.profile))
        return _refresh(base, price_list, regions, into, day)
    except (PriceBookError, PriceListError) as error:
        _say(f"{error}\nNothing was written.")
    except BrokenPipeError:  # the command ends quietly
        raise
    except OSError as error:
        _say(f"{into} cannot be written ({error.strerror}); name another file with --into")
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        _say("interrupted; nothing was written")
        return _INTERRUPTED
    return REFUSED


def _refresh(base: PriceBook, price_list: PriceList, regions: Sequence[str], into: Path, today: dt.date) -> int:
    asked = [answer for region in regions for answer in _asked(price_list, region)]
    answers = changes.comparable(asked, base.contents)
    new = changes.refreshed(base.contents, answers, today)
    found = changes.changes(base.contents, new)
    text = written(new)
    parse(json.loads(text), f"the new prices for {into}", today)
    problems = list(changes.problems(found))
    if problems:
        raise PriceBookError(f"the new prices for {into}", problems)
    _write(into, text)
    sys.stdout.write(changes.table(found))
    sys.stdout.write(f"\n{into}: {len(answers)} prices of {', '.join(regions)} read from the Price List\n")
    _show_missing(base.contents, answers, regions)
    return 0


def _asked(price_list: PriceList, region: str) -> Iterator[Answer]:
    """Yield the prices of a region that the Price List has."""
    sys.stderr.write(f"{region}: reading the Price List\n")
    for query in QUERIES:
        if query.everywhere and region != FALLBACK_REGION:
            continue
        try:
            listed = price_list.price(query, region)
        except SeveralPricesError as error:
            sys.stderr.write(f"{error}; the old price is kept\n")
            continue
        if listed:
            yield Answer(query.item, region, query.unit, listed)
    for name, listed in price_list.instance_prices(region).items():
        yield Answer(f"ec2.{name}", region, "hour", listed)


def _show_missing(base: PriceFile, answers: Sequence[Answer], regions: Sequence[str]) -> None:
    """Say which prices of the regions are still the old ones, so that nobody takes them for new."""
    read = {(answer.item, answer.region) for answer in answers}
    kept = sorted({row.name for row in base.rows if row.region in regions and (row.name, row.region) not in read})
    if kept:
        sys.stdout.write(f"{len(kept)} items keep a price that was not read: {', '.join(kept)}\n")


def _write(path: Path, text: str) -> None:
    """Write a file at once, so that an error never leaves a half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, "utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _say(problem: str) -> None:
    sys.stderr.write(f"moorage prices refresh: {problem}\n")
