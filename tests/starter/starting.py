"""The command `moorage init` in tests, and readers of the folder that it filled."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from moorage.cli.commands import moorage


def init(*arguments: str) -> Result:
    return CliRunner().invoke(moorage, ["init", *arguments])


def fill(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"mine: {name}")


def contents(folder: Path) -> dict[str, str]:
    """Return the text of each file; a folder ends with a slash."""
    return {
        f"{path.relative_to(folder)}{'/' * path.is_dir()}": "" if path.is_dir() else path.read_text()
        for path in folder.rglob("*")
    }


def refused(result: Result, sentence: str, code: int = 1) -> None:
    assert (result.exit_code, " ".join(result.output.split())) == (code, f"moorage init: {sentence}")
