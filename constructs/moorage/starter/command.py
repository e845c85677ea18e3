"""The command `moorage init`: its arguments, and what it prints."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path

import click

from moorage.starter.app_files import WRITTEN, app_files
from moorage.starter.next_steps import next_steps
from moorage.starter.refusals import KEPT, StarterError, require_free, require_name
from moorage.starter.requirement import Requirements, requirements
from moorage.starter.writing import write


@click.command(name="init", short_help="Make a new CDK app in FOLDER.")
@click.argument("folder", type=Path, default=Path())
@click.option("--name", help="The name of the app and of its stack. Default: the name of the folder.")
def init_command(folder: Path, name: str | None) -> None:
    """Make a new CDK app in FOLDER: a web service, its tests, and a workflow that reviews pull requests.

    The default for FOLDER is the current folder. A file that exists is never overwritten.

    The exit code is 1 if the app cannot be made, and nothing is written then; 2 if an argument is wrong; 0 otherwise.
    """
    try:
        named = "--name" if name is not None else "the name of the folder"
        name = folder.resolve().name if name is None else name
        require_name(name, named)
        require_free(folder, WRITTEN)
        needed = requirements(folder)
        files = app_files(name, needed.text)
        kept = {path: text for path, text in files.items() if path in KEPT and (folder / path).exists()}
        written = [path for path in files if path not in kept]
        write(folder, {path: files[path] for path in written})
    except StarterError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        where, reason = error.filename or folder, error.strerror or error
        raise click.ClickException(
            f"{where}: {reason}; nothing was written; fix it or choose another folder"
        ) from error
    click.echo(f"The app {name} is in {folder.resolve()}:\n{_columns((path, WRITTEN[path]) for path in written)}")
    for sentence in (*_about_kept(folder, kept), *_about_path(needed)):
        click.echo(f"{sentence}\n")
    # the explanation is in a line of its own, since not every shell accepts a comment after a command
    steps = "".join(f"- {says}:\n  {command}\n" for command, says in next_steps(folder))
    click.echo(f"Next:\n{steps}", nl=False)


def _columns(rows: Iterable[tuple[str, str]]) -> str:
    rows = list(rows)
    width = max(len(left) for left, _ in rows)
    return "".join(f"  {left:{width}}  {right}\n" for left, right in rows)


def _about_kept(folder: Path, kept: dict[str, str]) -> Iterable[str]:
    """Yield a sentence for each file that existed."""
    for path, text in kept.items():
        if path != ".gitignore":
            yield f"{path} existed and is not changed."
        else:
            ignored = (folder / path).read_text(encoding="utf-8", errors="replace").splitlines()
            missing = [line for line in text.splitlines() if not {line, line.rstrip("/")} & {*ignored}]
            yield f"{path} existed and is not changed{'; add ' + ', '.join(missing) if missing else ''}."


def _about_path(needed: Requirements) -> Iterable[str]:
    """Yield a sentence if no other machine can install moorage from the requirements."""
    if needed.path:
        path = shlex.quote(str(needed.path))
        make = (
            f"mkdir wheels && cp {path} wheels/" if needed.path.is_file() else f"pip wheel --no-deps -w wheels {path}"
        )
        yield (
            f"requirements.txt names moorage by {needed.path}, which only this machine has. Before you push, run "
            f"`{make}`, and name the wheel instead, as ./wheels/FILE.whl[local,review,testing]."
        )
