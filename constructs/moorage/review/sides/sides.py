"""The base and the head of a review: each is a cloud assembly, a git revision, or the working tree."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs

from moorage.assembly.cloud_assembly import NEWEST_SCHEMA, Stack, schema_of, stacks_of
from moorage.assembly.synthesis import SETTINGS, Program, Synthesis, synthesis_variables, synthesizing
from moorage.policy import acknowledgement_file
from moorage.policy.acknowledgements import Acknowledgement
from moorage.policy.violation import PolicyError
from moorage.review.sides.dependencies import link, python_path
from moorage.review.sides.revisions import Repository, ReviewError

WORKING_TREE = "."
"""The name of the side that is the working tree."""


@attrs.frozen(eq=False)
class Side:
    """The base or the head of a review.

    Args:
        name: The name on the page.
        stacks: The stacks; None for a base that has no app yet.
        acknowledged: The acknowledgements of policy findings in its `acknowledged.toml`. Default: none.
    """

    name: str
    stacks: tuple[Stack, ...] | None
    acknowledged: tuple[Acknowledgement, ...] = ()


@attrs.frozen
class _Source:
    """The source of a base or a head that is not read yet.

    Args:
        name: The name on the page.
        assembly: The folder of an assembly; None to synthesize the side.
        commit: The commit to synthesize; None for the working tree.
    """

    name: str
    assembly: Path | None = None
    commit: str | None = None


@contextlib.contextmanager
def read(
    base: str | None, head: str, app: str | None = None, acknowledged: Path | None = None
) -> Iterator[tuple[Side | None, Side]]:
    """Read both sides, and yield the base (None for a new app) and the head.

    If neither side is an assembly, both are synthesized at the same time.

    The assemblies exist until the end of the `with` statement, the worktrees only until all sides are synthesized.

    Args:
        base: The assembly or the revision before the change; None to review the head as a new app.
        head: The assembly or the revision after the change; `.` for the working tree.
        app: The command that synthesizes the app. Default: None; the `app` of `cdk.json` on each side.
        acknowledged: The file of acknowledged policy findings. Default: `acknowledged.toml` if it exists. For a commit,
            the file at this path in the commit is read; for an assembly, the file in the working tree.

    Raises:
        ReviewError: A side cannot be found.
        SynthesisError: A side cannot be synthesized.
        AssemblyError: An assembly cannot be read.
        PolicyError: The file of acknowledgements of the head cannot be read, or is wrong.
    """
    repository = Repository.of(Path.cwd())
    sources = [_source(name, repository) for name in (base, head) if name is not None]
    given = {source: _stacks(source.assembly, Path.cwd()) for source in sources if source.assembly}
    with tempfile.TemporaryDirectory(prefix="moorage-review-") as folder:
        temporary = Path(folder).resolve()
        own = () if all(source.commit for source in sources) else _own(acknowledged, repository)
        found = [Side(source.name, given.get(source), own) for source in sources]
        with _running(sources, repository, temporary, app) as running:
            for index, synthesis in running.items():
                assembly = synthesis.finish()
                found[index] = attrs.evolve(found[index], stacks=_stacks(assembly, synthesis.root))
                if sources[index].commit:
                    is_base = index < len(sources) - 1
                    accepted = _acknowledged(acknowledged, synthesis, sources[index].name, is_base=is_base)
                    found[index] = attrs.evolve(found[index], acknowledged=accepted)
        yield (found[0] if base is not None else None), found[-1]


@contextlib.contextmanager
def _running(
    sources: Sequence[_Source], repository: Repository | None, temporary: Path, app: str | None
) -> Iterator[dict[int, Synthesis]]:
    """Start the syntheses, and yield a mapping from the index of a source to its synthesis.

    An assembly is not synthesized, and neither is a base that has no app.
    """
    with contextlib.ExitStack() as stack:
        running = {}
        for index, source in enumerate(sources):
            if source.assembly:
                continue
            own = temporary / str(index)
            own.mkdir()
            root, python = Path.cwd(), None
            if repository:
                root = repository.root
            if repository and source.commit:
                # some apps name their stacks after their folder
                root = own / repository.root.name
                stack.enter_context(repository.worktree(source.commit, root))
                link(repository, root)
            folder = root / repository.folder if repository else root
            program = Program.of(source.name, folder, app)
            if program is None:
                if index < len(sources) - 1:
                    continue
                raise ReviewError(
                    f"{source.name} has no {SETTINGS} that defines an app{_in(repository)}; run moorage in the folder "
                    "of the app, or use --app to give the command that synthesizes the app"
                )
            if repository and source.commit:
                python = python_path(repository, root, program.command, synthesis_variables(program.command))
            _tell(f"synthesizing {source.name} ...")
            running[index] = stack.enter_context(synthesizing(program, root, own / "cdk.out", own / "log", python))
        yield running


def _source(name: str, repository: Repository | None) -> _Source:
    """Return the source that a name means: a folder with a manifest, the working tree, or else a revision."""
    path = Path(name or "''")
    if (path / "manifest.json").exists():
        return _Source(name, assembly=path)
    if name == WORKING_TREE:
        return _Source("the working tree")
    if repository and (commit := repository.commit(name)):
        return _Source(name, commit=commit)
    if path.is_dir():
        raise ReviewError(f"{path} is not a cloud assembly: it has no manifest.json; synthesize it with `cdk synth`")
    if path.is_file():
        raise ReviewError(f"{path} is a file; give the folder that `cdk synth` wrote, such as cdk.out")
    if repository is None:
        raise ReviewError(
            f"there is no folder {path}, and the current folder is not in a git repository; give the folder that "
            "`cdk synth` wrote, or run moorage in the repository of the app"
        )
    raise ReviewError(
        f"{path} is neither a folder nor a revision of this repository; write the folder with `cdk synth`, or fetch "
        "the revision with `git fetch`"
    )


def _own(file: Path | None, repository: Repository | None) -> tuple[Acknowledgement, ...]:
    """Return the acknowledgements in the working tree. The path of the file becomes relative to the repository."""
    return acknowledgement_file.read(file, repository.root if repository else None)


def _acknowledged(file: Path | None, synthesis: Synthesis, side: str, *, is_base: bool) -> tuple[Acknowledgement, ...]:
    """Return the acknowledgements in a commit. A wrong or missing file of a base acknowledges nothing."""
    own = synthesis.folder / (file or acknowledgement_file.FILE)
    if not own.exists() and (file is None or is_base):
        return ()
    try:
        place = own.relative_to(synthesis.root).as_posix() if own.is_relative_to(synthesis.root) else str(file)
        return acknowledgement_file.parse(own, f"{file or acknowledgement_file.FILE} of {side}", place)
    except PolicyError:
        if not is_base:
            raise
    return ()


def _stacks(assembly: Path, root: Path) -> tuple[Stack, ...]:
    """Return the stacks of an assembly. Raise an error if the version of its schema is not supported."""
    schema = schema_of(assembly)
    if schema > NEWEST_SCHEMA:
        raise ReviewError(
            f"{assembly} has version {schema} of the cloud assembly schema, and this version of moorage reads up to "
            f"version {NEWEST_SCHEMA}; install a newer version of moorage"
        )
    return stacks_of(assembly, root)


def _in(repository: Repository | None) -> str:
    return f" in {repository.folder}" if repository and repository.folder.parts else ""


def _tell(text: str) -> None:
    """Print progress if the standard error stream is a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"{text}\n")
