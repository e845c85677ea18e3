"""The shell commands of the documentation run, in the folder that the page itself fills."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from tests.docs.fences import PAGES, Fence, fences_of
from tools.docs.pages import ROOT

NOT_RUN = tomllib.loads(Path(__file__).with_name("shell_not_run.toml").read_text())["command"]
MOST_PATTERNS = 10
PAGES_WITH_COMMANDS = [page for page in PAGES if any(fence.language == "sh" for fence in fences_of(page))]
_OTHER_SHELLS = {"bash", "console", "shell", "zsh", "shell-session"}


@attrs.frozen
class Command:
    """A command of a page, and the line on which it begins."""

    fence: Fence
    line: int
    text: str

    @property
    def place(self) -> str:
        """The file and the line."""
        return f"{self.fence.page.relative_to(ROOT)}:{self.line}"

    @property
    def pattern(self) -> str | None:
        """The pattern by which it is not run."""
        return next((each["pattern"] for each in NOT_RUN if re.match(each["pattern"], f"{self.text} ")), None)


def commands(page: Path) -> Iterator[Command]:
    """Yield the commands of a page: a line each, without comments, and with the lines that it is continued on."""
    for fence in fences_of(page):
        if fence.language == "sh":
            for match in re.finditer(r"^(?!#).*?(?<!\\)$", fence.text, re.MULTILINE | re.DOTALL):
                if match[0].strip():
                    line = fence.line + fence.text.count("\n", 0, match.start())
                    yield Command(fence, line, re.sub(r"\s+#\s.*", "", match[0]).strip())


def test_shell_fences_say_sh() -> None:
    assert [fence.place for page in PAGES for fence in fences_of(page) if fence.language in _OTHER_SHELLS] == []


def test_each_command_that_is_not_run_has_a_reason_and_is_used() -> None:
    assert len(NOT_RUN) <= MOST_PATTERNS
    assert all(each["reason"] for each in NOT_RUN)
    used = {command.pattern for page in PAGES_WITH_COMMANDS for command in commands(page)}
    assert {each["pattern"] for each in NOT_RUN} - used == set()


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES_WITH_COMMANDS, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_shell_fence_runs(page: Path, tmp_path: Path) -> None:
    folder = tmp_path
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for command in commands(page):
        if command.pattern:
            continue
        write_files(command.fence, folder)
        done = subprocess.run(
            ["sh", "-ec", f'{command.text}\npwd >"$FOLDER_FILE"'],
            cwd=folder,
            env={**environment, "FOLDER_FILE": str(tmp_path / ".folder")},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.fail(f"{command.place}: {command.text}\n{done.stdout}{done.stderr}", pytrace=False)
        folder = Path((tmp_path / ".folder").read_text().strip())


def write_files(last: Fence, folder: Path) -> None:
    """Write the files that the page shows above a fence, as its reader has them by then."""
    for fence in fences_of(last.page):
        if fence.title and fence.line < last.line:
            path = folder / fence.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(fence.text, encoding="utf-8")
