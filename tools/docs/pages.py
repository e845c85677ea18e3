"""The pages of the site, which GitHub shows too: collect the pages and the files they link to, and build the site.

The sources link to the repository's files (`../../examples/canary.py`), which GitHub shows. The site has a separate
page for each file that a page links to, so that no link to a file leads to GitHub.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "site"
CONFIGURATION = Path(__file__).with_name("zensical.toml")
ROOT_PAGES = ("CHANGELOG.md", "CONTRIBUTING.md", "RELEASING.md", "SECURITY.md")
FENCE = re.compile(r"^( *)(`{3,})[^\n]*\n.*?^\1\2 *$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)\s#]+)(#[^)\s]*)?(?=\))")
"""The target and the anchor of a link that is relative."""
_COLOR = re.compile("\x1b\\[[0-9;]*m")
_NOT_SEARCHED = "---\nsearch:\n  exclude: true\n---\n\n"
_LANGUAGES = {"": "text", ".py": "python", ".toml": "toml", ".yml": "yaml", ".yaml": "yaml", ".json": "json"}


def sources() -> list[Path]:
    """Return the Markdown files that are pages of the site."""
    return [*sorted((ROOT / "docs").rglob("*.md")), *(ROOT / name for name in ROOT_PAGES if (ROOT / name).is_file())]


def navigation() -> list[str]:
    """Return the pages of the navigation, in order."""
    found: list[str] = []

    def walk(entry: Any) -> None:
        if isinstance(entry, str):
            found.append(entry)
        else:
            for each in entry.values() if isinstance(entry, dict) else entry:
                walk(each)

    walk(tomllib.loads(CONFIGURATION.read_text())["project"]["nav"])
    return found


def zensical() -> str | None:
    """Return the path of the site builder, from its own environment or the PATH; None if it is not installed."""
    own = Path(sys.prefix) / "tools" / "docs" / "bin"
    return shutil.which("zensical", path=f"{own}{os.pathsep}{os.environ['PATH']}")


def build(into: Path = SITE, stage: Path = ROOT / ".cache" / "docs") -> None:
    """Build the site from a folder that the pages are copied to.

    Args:
        into: The folder of the site. Default: `SITE`.
        stage: The folder that the pages are copied to. Default: `.cache/docs`.

    Raises:
        SystemExit: The builder fails or warns, or is not installed.
    """
    program = zensical()
    if program is None:
        raise SystemExit("zensical is not installed; run `make docs`")
    shutil.rmtree(stage, ignore_errors=True)
    collect(stage / "docs")
    shutil.copy(CONFIGURATION, stage)
    done = subprocess.run(
        [program, "build", "--strict", "--config-file", CONFIGURATION.name],
        cwd=stage,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    printed = _COLOR.sub("", done.stdout + done.stderr.partition("Traceback")[0])
    if done.returncode or "Warning" in printed:
        raise SystemExit(printed)
    shutil.rmtree(into, ignore_errors=True)
    shutil.move(stage / "site", into)


def collect(into: Path) -> None:
    """Write the pages, and a page for each other file of the repository that the pages link to.

    Args:
        into: The folder to write to.
    """
    linked: set[Path] = set()
    for source in sources():
        page = into / page_of(source)
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(_with_links_of_the_site(source, linked))
    for file in linked:
        page = into / page_of(file)
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(
            f"{_NOT_SEARCHED}# {file.name}\n\n````{_LANGUAGES.get(file.suffix, 'text')}\n{file.read_text()}````\n"
        )


def page_of(source: Path) -> str:
    """Return the page that shows a file of the repository: a Markdown page itself, or a page with the file's code."""
    if source.is_relative_to(ROOT / "docs"):
        return str(source.relative_to(ROOT / "docs"))
    path = str(source.relative_to(ROOT))
    return path if path in ROOT_PAGES else f"repository/{path}.md"


def _with_links_of_the_site(source: Path, linked: set[Path]) -> str:
    """Return the text of a page whose links lead to the site's pages, and add the files that need a page."""
    here = Path(page_of(source)).parent

    def led(link: re.Match[str]) -> str:
        target = (source.parent / link[1]).resolve()
        if not target.is_relative_to(ROOT):
            return link[0]
        page = page_of(target)
        if page.startswith("repository/"):
            if not target.is_file():
                return link[0]
            linked.add(target)
        return os.path.relpath(page, here) + (link[2] or "")

    text, parts, end = source.read_text(), [], 0
    for fence in FENCE.finditer(text):
        parts += [LINK.sub(led, text[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, LINK.sub(led, text[end:])])
