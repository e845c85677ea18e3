"""The files of a new app, as texts."""

from __future__ import annotations

import json
import tarfile
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from moorage.starter.refusals import StarterError

WRITTEN = {
    "app.py": "which stacks exist",
    "web_stack.py": "the stack: a network, a cluster, a load balancer and a service",
    "cdk.json": "how the CDK CLI runs the app, and all recommended feature flags",
    "requirements.txt": "the Python packages, at the installed versions",
    "package.json": "the CDK CLI",
    "package-lock.json": "its version, with a hash",
    "tests/test_web_stack.py": "a snapshot of the template, and policy engines",
    "conftest.py": "settings of the tests",
    "pyproject.toml": "settings of pytest, mypy and pyright",
    ".github/workflows/check.yml": "tests each change, and reviews each pull request",
    ".gitignore": "what is not committed",
    "README.md": "the commands",
}
"""The path of each file, and what is in it."""
_NAME = "Starter"
"""The name of the app in the files."""
_FLAGS = "package/recommended-feature-flags.json"


def app_files(name: str, requirements: str) -> dict[str, str]:
    """Return the text of each file by its path.

    Args:
        name: The name of the app, which becomes the name of its stack.
        requirements: The text of `requirements.txt`.

    Raises:
        StarterError: The installed `aws-cdk-lib` lists no feature flags.
    """
    made = {"cdk.json": _cdk_json(), "requirements.txt": requirements}
    files = resources.files("moorage.starter") / "files"
    return {path: made.get(path) or _named(files.joinpath(path), name) for path in WRITTEN}


def recommended_flags() -> dict[str, Any]:
    """Return the feature flags that the installed `aws-cdk-lib` recommends for new apps, as `cdk init` writes them.

    Raises:
        StarterError: There is no list in the package.
    """
    library = metadata.distribution("aws-cdk-lib")
    for path in library.files or ():
        if path.name.endswith(".jsii.tgz"):
            with tarfile.open(str(library.locate_file(path))) as package:
                for member in package:
                    if member.name == _FLAGS and (file := package.extractfile(member)):
                        flags: dict[str, Any] = json.load(file)
                        return dict(sorted(flags.items()))
    raise StarterError(
        f"aws-cdk-lib {library.version} has no {Path(_FLAGS).name}; install the newest moorage, and run the command "
        "again"
    )


def _cdk_json() -> str:
    watched = {"include": ["**"], "exclude": ["README.md", "cdk*.json", "requirements*.txt", "**/__pycache__", "tests"]}
    content = {"app": "python app.py", "watch": watched, "context": recommended_flags()}
    return f"{json.dumps(content, indent=2)}\n"


def _named(file: Traversable, name: str) -> str:
    """Return the text of a file with the name of the app. npm permits no capital letters in a name."""
    return file.read_text(encoding="utf-8").replace(_NAME, name).replace(f'"{_NAME.lower()}"', f'"{name.lower()}"')
