"""Revisions of a git repository, each checked out into a separate worktree."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs

from moorage.assembly.synthesis import program_variables

_QUIET = ("-c", f"core.hooksPath={os.devnull}", "-c", "core.fsmonitor=false")
"""Settings without which `git worktree add` runs the user's `post-checkout` hook, and starts a daemon."""


class ReviewError(Exception):
    """The error for a review that cannot be made, for example if a side cannot be found. Its message is a sentence."""


@attrs.frozen
class Repository:
    """The git repository of a folder.

    Args:
        root: The root of the checkout, without symbolic links.
        folder: The folder relative to the root.
    """

    root: Path
    folder: Path

    @classmethod
    def of(cls, folder: Path) -> Repository | None:
        """Return the repository that contains a folder; None if there is no repository, or if git is not installed.

        Args:
            folder: A folder in the checkout.

        Raises:
            ReviewError: git refuses to read the repository.
        """
        if shutil.which("git") is None:
            return None
        done = _git(("rev-parse", "--show-toplevel"), folder)
        if done.returncode:
            if "not a git repository" in done.stderr:
                return None
            raise ReviewError(f"git cannot read the repository of {folder}: {_reason(done)}")
        root = Path(done.stdout.rstrip("\n")).resolve()
        return cls(root, folder.resolve().relative_to(root))

    def commit(self, revision: str) -> str | None:
        """Return the hash of the commit that a revision names; None if there is no such commit.

        Args:
            revision: A branch, a tag, a hash, or an expression such as `HEAD~1`.
        """
        arguments = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        done = _git(arguments, self.root)
        return None if done.returncode else done.stdout.strip()

    @contextlib.contextmanager
    def worktree(self, commit: str, path: Path) -> Iterator[None]:
        """Check out a commit into a folder, and remove the folder at the end. The user's files and index do not change.

        Args:
            commit: The hash of the commit.
            path: The folder, which does not exist.

        Raises:
            ReviewError: git cannot check out the commit.
        """
        try:
            done = _git((*_QUIET, "worktree", "add", "--quiet", "--detach", str(path), commit), self.root)
            if done.returncode:
                raise ReviewError(f"git cannot check out {commit[:12]} into a worktree: {_reason(done)}")
            yield
        finally:
            # twice --force: a worktree that git was still making is locked
            _git(("worktree", "remove", "--force", "--force", str(path)), self.root)

    def untracked(self) -> tuple[Path, ...]:
        """Return the untracked files and folders of the checkout, including ignored ones, relative to the root.

        A folder that contains only untracked files is one entry.
        """
        done = _git(("ls-files", "-z", "--others", "--directory"), self.root)
        return tuple(Path(name) for name in done.stdout.split("\0") if name)


def _git(arguments: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run git to its end, even after Ctrl-C, because git cannot remove an incomplete worktree."""
    command = ["git", *arguments]
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**program_variables(), "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
        errors="replace",
    ) as git:
        try:
            output, errors = git.communicate()
        except BaseException:
            git.wait()
            raise
    return subprocess.CompletedProcess(command, git.returncode, output, errors)


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    """Return the first line that git printed about an error, or the exit code if git printed nothing."""
    return next((line.removeprefix("fatal: ") for line in done.stderr.splitlines()), f"exit code {done.returncode}")
