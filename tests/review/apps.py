"""Apps in git repositories that write an assembly without CDK, in milliseconds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

PROGRAM = """
import json, os, sys
from pathlib import Path

here = Path(__file__).resolve().parent
out = Path(os.environ["CDK_OUTDIR"])
settings = json.loads((here / "settings.json").read_text())
print(settings.get("print", ""))
if "exit" in settings:
    sys.exit(settings["exit"])
stack = {
    "type": "aws:cloudformation:stack",
    "environment": "aws://unknown-account/unknown-region",
    "properties": {"templateFile": "Shop.template.json"},
    "metadata": {
        "/Shop/Topic": [
            {"type": "aws:cdk:logicalId", "data": "Topic", "trace": [f"<module> ({here / 'app.py'}:7)"]},
            *settings.get("metadata", []),
        ]
    },
}
resource = {
    "Type": "AWS::SNS::Topic",
    "Properties": {"TopicName": settings.get("name", "orders")},
    "Metadata": {"aws:cdk:path": "Shop/Topic"},
}
(out / "Shop.template.json").write_text(json.dumps({"Resources": {"Topic": resource}}))
(out / "environment.json").write_text(json.dumps(dict(os.environ)))
(out / "manifest.json").write_text(
    json.dumps({"version": "55.0.0", "artifacts": {"Shop": stack}, "missing": settings.get("missing", [])})
)
"""
"""A program that writes one stack with one topic, whose name is in a file beside it."""


class App:
    """An app in a git repository.

    Args:
        root: The root of the repository, which is made.
        folder: The folder of the app in it.
    """

    def __init__(self, root: Path, folder: str = ".") -> None:
        self.root = root
        self.folder = root / folder
        self.folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch", "main")
        (self.folder / "app.py").write_text(PROGRAM)
        (self.folder / "cdk.json").write_text(json.dumps({"app": f"{sys.executable} app.py"}))
        (root / ".gitignore").write_text("node_modules\n.venv\ncdk.out\n")
        self.set()

    def set(self, **settings: Any) -> None:
        """Write the settings of the app, such as the `name` of its topic."""
        (self.folder / "settings.json").write_text(json.dumps(settings))

    def commit(self) -> None:
        """Commit all files."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "a change")

    def git(self, *arguments: str) -> str:
        """Run git in the repository, and return what it prints."""
        identity = {
            "GIT_AUTHOR_NAME": "a",
            "GIT_AUTHOR_EMAIL": "a@b",
            "GIT_COMMITTER_NAME": "a",
            "GIT_COMMITTER_EMAIL": "a@b",
        }
        environment = {**os.environ, **identity}
        command = ["git", *arguments]
        return subprocess.run(
            command, cwd=self.root, env=environment, capture_output=True, text=True, check=True
        ).stdout

    @property
    def worktrees(self) -> list[str]:
        """The folders of all worktrees of the repository, its checkout included."""
        return [line.split()[0] for line in self.git("worktree", "list").splitlines()]

    @property
    def state(self) -> dict[str, Any]:
        """The files of the checkout, its index and its worktrees."""
        files = [
            path for path in self.root.rglob("*") if path.is_file() and ".git" not in path.relative_to(self.root).parts
        ]
        return {
            "files": {path: path.read_bytes() for path in files},
            "status": self.git("status", "--porcelain", "--ignored"),
            "index": (self.root / ".git" / "index").read_bytes(),
            "worktrees": self.worktrees,
        }
