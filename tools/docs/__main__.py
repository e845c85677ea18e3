"""`make docs`: build the site."""

from __future__ import annotations

import sys

from tools.docs.pages import SITE, build

if __name__ == "__main__":
    build()
    sys.stdout.write(f"The site is in {SITE}.\n")
