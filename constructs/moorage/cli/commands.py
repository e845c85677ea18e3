"""The subcommands of `moorage`. Each only passes its arguments on."""

from __future__ import annotations

import argparse
from pathlib import Path

import click

from moorage.assembly.cloud_assembly import AssemblyError
from moorage.assembly.diagram import BEGIN, END, show
from moorage.review.command import review_command
from moorage.review.extras import load


@click.group()
@click.version_option(package_name="moorage")
def moorage() -> None:
    """Review changes to CDK apps, and deploy the apps into a local AWS on this machine."""


moorage.add_command(review_command)

_stacks = click.argument("stacks", nargs=-1)
_home = click.option(
    "--home", type=Path, default=Path(".moorage"), show_default=True, help="The folder for the state of the local AWS."
)


@moorage.command()
@_stacks
@click.option("--app", help="The command that synthesizes the app, or a cloud assembly. Default: app in cdk.json.")
@click.option("--port", type=int, help="The port on 127.0.0.1 to listen on. Default: a free port.")
@_home
def up(stacks: tuple[str, ...], app: str | None, port: int | None, home: Path) -> None:
    """Deploy STACKS of an app into the local AWS.

    STACKS are paths, with '*' as a wildcard. By default, all stacks are deployed.
    """
    _run_local("up", stacks, home, app=app, port=port)


@moorage.command()
@_stacks
@click.option("--discard", is_flag=True, help="Stop the local AWS without deleting its stacks first.")
@_home
def down(stacks: tuple[str, ...], home: Path, *, discard: bool) -> None:
    """Delete STACKS, and the stacks that depend on them, from the local AWS.

    STACKS are paths, with '*' as a wildcard. By default, all stacks are deleted. The local AWS stops after the last
    one.
    """
    _run_local("down", stacks, home, discard=discard)


@moorage.command()
@_stacks
@_home
def status(stacks: tuple[str, ...], home: Path) -> None:
    """Show what is deployed in the local AWS."""
    _run_local("status", stacks, home)


@moorage.command()
@click.argument("assembly", type=Path)
@click.argument("stage", default="")
@click.option("--into", type=Path, metavar="FILE", help=f"Write the diagram into FILE, between {BEGIN} and {END}.")
def diagram(assembly: Path, stage: str, into: Path | None) -> None:
    """Draw an ASSEMBLY as a Mermaid diagram, which GitHub renders.

    With STAGE, only the stacks whose paths start with this text are drawn.
    """
    try:
        show(assembly, stage, into)
    except (AssemblyError, ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error


def _run_local(
    command: str,
    stacks: tuple[str, ...],
    home: Path,
    *,
    app: str | None = None,
    port: int | None = None,
    discard: bool = False,
) -> None:
    given = argparse.Namespace(command=command, stacks=list(stacks), app=app, port=port, discard=discard, home=home)
    raise SystemExit(load(f"moorage {command}", "moorage.local.__main__", "local").run(given))
