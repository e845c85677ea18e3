"""`make links`: request each external link of the documentation. No test does so, since tests have no internet."""

from __future__ import annotations

import re
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

from tools.docs.pages import FENCE, ROOT, sources

_LINK = re.compile(r"(?<=\]\()(https?://[^)\s#]+)")
_SECONDS = 20
_REFUSED = {HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS}
"""The statuses with which servers refuse programs, although the page may exist."""


def links() -> dict[str, list[str]]:
    """Return the places of each external link."""
    found: dict[str, list[str]] = {}
    for page in (ROOT / "README.md", *sources()):
        text = FENCE.sub(lambda fence: "\n" * fence[0].count("\n"), page.read_text(encoding="utf-8"))
        for link in _LINK.finditer(text):
            place = f"{page.relative_to(ROOT)}:{text.count(chr(10), 0, link.start()) + 1}"
            found.setdefault(link[1], []).append(place)
    return found


def problem(url: str) -> str | None:
    """Return why a page cannot be read; None if it can be read, or if the server refuses programs."""
    request = urllib.request.Request(url, headers={"User-Agent": "Mozilla/5.0"})  # noqa: S310  # only http and https
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS):  # noqa: S310  # only http and https
            return None
    except urllib.error.HTTPError as error:
        return None if error.code in _REFUSED else str(error)
    except OSError as error:
        return str(error)


def main() -> int:
    """Print the broken links, and return their number."""
    found = links()
    with ThreadPoolExecutor(8) as pool:
        problems = dict(zip(found, pool.map(problem, found), strict=True))
    broken = {url: why for url, why in problems.items() if why}
    for url, why in broken.items():
        sys.stdout.write(f"{', '.join(found[url])}: {url}: {why}\n")
    sys.stdout.write(f"{len(found)} links, {len(broken)} broken\n")
    return len(broken)


if __name__ == "__main__":
    sys.exit(min(main(), 1))
