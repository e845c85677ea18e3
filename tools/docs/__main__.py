"""`make docs`: build the site."""

from __future__ import annotations

from tools.docs.pages import SITE, build

if __name__ == "__main__":
    build()
    print(f"The site is in {SITE}.")
