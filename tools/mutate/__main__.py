"""Mutate the modules of `modules.toml`, and check that a test fails for each mutation.

`make mutate` runs all mutations; `make mutate SAMPLE=20` runs at most 20 of each module, always the same ones. A
mutation that survives must be in `equivalent.toml`, with the reason why no test can notice the difference.
"""

from __future__ import annotations

import argparse
import compileall
import contextlib
import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import attrs

from tools.mutate.warm import FIRST_LIMIT

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / ".cache" / "mutate"
TOOL = ROOT / ".venv" / "tools" / "mutate" / "bin" / "cosmic-ray"
HERE = Path(__file__).resolve().parent
PACKAGE = "constructs/moorage/"
ALLOWED_SHARE = 0.05
OPERATORS = {
    # a boundary, from both sides, and the opposite; of other comparisons these are the hardest to notice
    *("Lt_LtE", "LtE_Lt", "Gt_GtE", "GtE_Gt", "Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is"),
    # one other operator for each; `|` is left out, which is mostly in types
    *("Add_Sub", "Sub_Add", "Mul_Add", "Div_Mul", "FloorDiv_Mul", "Mod_Mul", "BitAnd_BitOr"),
    # conditions, loops, errors, and numbers by one more and one less
    *("AddNot", "Delete_Not", "USub_UAdd", "ReplaceAndWithOr", "ReplaceOrWithAnd"),
    *("ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceBreakWithContinue", "ReplaceContinueWithBreak"),
    *("ExceptionReplacer", "NumberReplacer", "ZeroIterationForLoop"),
}
"""The operators of cosmic-ray. No decorator is removed: a removed cache is only slower, or the import fails."""
UNCHANGED = re.compile(r"TYPE_CHECKING:|(?<=strict=)True\)")
"""Code that no mutation changes: imports for type checkers, and the check of lengths by `zip`, which never fails."""


@attrs.frozen
class Mutation:
    """A mutation that survived: the module, and the lines before and after the change."""

    module: str
    original: str
    mutated: str


@attrs.frozen
class Result:
    """The outcome for one module: the numbers of possible and of run mutations, and the mutations that survived."""

    module: str
    possible: int
    ran: int
    survivors: tuple[Mutation, ...]


def main() -> int:
    """Mutate the named modules, or all; return 1 if a survivor is not in `equivalent.toml`, or if over 5% survive."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutate", description=__doc__)
    parser.add_argument("modules", nargs="*", help="modules such as workload/fit.py; default: all of modules.toml")
    parser.add_argument("--sample", type=int, help="the maximum number of mutations of a module; default: all")
    parser.add_argument("--cosmic-ray", type=Path, default=TOOL, help="the program; default: that of `make mutate`")
    arguments = parser.parse_args()
    results = []
    with copied_tree() as tree:
        for module, tests in chosen(arguments.modules).items():
            result = mutate(tree, module, tests, arguments)
            results.append(result)
            print(
                f"{module}: {len(result.survivors)} of {result.ran} survived ({result.possible} possible)", flush=True
            )
            for survivor in result.survivors:
                print(f"    - {survivor.original}\n    + {survivor.mutated}", flush=True)
    return report(results)


def chosen(names: list[str]) -> dict[str, list[str]]:
    """Return the modules to mutate, each with its tests."""
    table = tomllib.loads((HERE / "modules.toml").read_text())
    limits = {
        str(path.relative_to(ROOT / PACKAGE)): table["limits"]["tests"]
        for path in sorted((ROOT / PACKAGE / "workload").glob("*_limits.py"))
    }
    modules: dict[str, list[str]] = {**table["modules"], **limits}
    return {name: modules[name] for name in names} if names else modules


@contextlib.contextmanager
def copied_tree() -> Iterator[Path]:
    """Copy the tracked files, so that an interrupted run leaves them unchanged."""
    tree = WORK / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in tracked.splitlines():
        source, target = ROOT / name, tree / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    (tree / "node_modules").symlink_to(ROOT / "node_modules")
    for folder in ("constructs", "tests"):  # a mutated module is compiled again, without a file
        compileall.compile_dir(tree / folder, quiet=1)
    yield tree
    shutil.rmtree(tree, ignore_errors=True)


def mutate(tree: Path, module: str, tests: list[str], arguments: argparse.Namespace) -> Result:
    """Run the tests of one module against its mutations, and return the outcome.

    Tests that fail without a mutation, and a mutation that cannot be run, end the program.
    """
    session = WORK / "sessions" / f"{module.replace('/', '.')}.sqlite"
    session.parent.mkdir(parents=True, exist_ok=True)
    session.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder, warm(tree, f"{folder}/socket", module, tests) as command:
        for _ in range(2):  # in the order of the files, and in that of their times
            before = subprocess.run(command, cwd=tree, stdout=subprocess.PIPE, text=True, check=False)
            if before.returncode:
                raise SystemExit(f"{before.stdout}{module}: tests fail before anything is changed: {' '.join(tests)}")
        configuration = Path(folder) / "cosmic-ray.toml"
        configuration.write_text(
            "[cosmic-ray]\n"
            f"module-path = {json.dumps(PACKAGE + module)}\n"
            f"timeout = {2 * FIRST_LIMIT}\n"  # the warm process has a limit of its own
            "excluded-modules = []\n"
            f"test-command = {json.dumps(' '.join(command))}\n"
            '[cosmic-ray.distributor]\nname = "local"\n'
        )
        subprocess.run([arguments.cosmic_ray, "init", configuration, session], cwd=tree, check=True)
        possible = narrow(session, (tree / PACKAGE / module).read_text(), arguments.sample)
        subprocess.run([arguments.cosmic_ray, "exec", configuration, session], cwd=tree, check=True)
    return outcome(module, session, possible)


@contextlib.contextmanager
def warm(tree: Path, address: str, module: str, tests: list[str]) -> Iterator[list[str]]:
    """Start a process that has loaded everything except moorage, and yield the command that makes it run the tests."""
    temporary = Path(address).with_name("temporary")
    temporary.mkdir()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        "PYTHONPATH": f"{tree / 'constructs'}:{tree}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(temporary),
    }
    command = [sys.executable, "-m", "tools.mutate.warm", address, str(FIRST_LIMIT), PACKAGE + module, *tests]
    process = subprocess.Popen(command, cwd=tree, env=environment, stdout=subprocess.DEVNULL)
    try:
        yield [sys.executable, "-S", str(HERE / "ask.py"), address]
    finally:
        process.kill()
        process.wait()


def narrow(session: Path, source: str, sample: int | None) -> int:
    """Delete the unwanted mutations and those beyond the sample from a session.

    Return the number of wanted mutations, regardless of the sample.
    """
    lines = source.splitlines()
    with contextlib.closing(sqlite3.connect(session)) as database, database:
        rows = database.execute(
            "SELECT job_id, operator_name, occurrence, start_pos_row, start_pos_col FROM mutation_specs"
        ).fetchall()
        wanted = [
            (job, operator, occurrence)
            for job, operator, occurrence, row, column in rows
            if operator.removeprefix("core/").split("Operator_")[-1] in OPERATORS
            and not UNCHANGED.match(lines[row - 1], column)
        ]
        ordered = sorted(wanted, key=lambda row: hashlib.sha256(f"{row[1]} {row[2]}".encode()).digest())
        kept = {job for job, *_ in (ordered if sample is None else ordered[:sample])}
        for job in {job for job, *_ in rows} - kept:
            database.execute("DELETE FROM mutation_specs WHERE job_id = ?", (job,))
            database.execute("DELETE FROM work_items WHERE job_id = ?", (job,))
    return len(wanted)


def outcome(module: str, session: Path, possible: int) -> Result:
    """Return the outcome of a module's mutations. A mutation that could not be run ends the program."""
    with contextlib.closing(sqlite3.connect(session)) as database:
        rows = database.execute("SELECT test_outcome, diff, output FROM work_results").fetchall()
    broken = [output for outcome, _, output in rows if outcome not in {"KILLED", "SURVIVED"}]
    if broken:
        raise SystemExit(f"{module}: cosmic-ray could not run a mutation: {broken[0]}")
    survivors = [mutation(module, diff) for outcome, diff, _ in rows if outcome == "SURVIVED"]
    return Result(module, possible, len(rows), tuple(survivors))


def mutation(module: str, diff: str) -> Mutation:
    """Return the mutation in a diff, with the lines of each side joined to one line."""
    lines = [line for line in diff.splitlines() if not line.startswith(("---", "+++", "@@"))]
    original, mutated = (" ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+")
    return Mutation(module, original, mutated)


def report(results: list[Result]) -> int:
    """Print the survivors that are not in `equivalent.toml`. Return 1 if there are any, or if over 5% survive."""
    known = {
        Mutation(each["module"], each["original"], each["mutated"])
        for each in tomllib.loads((HERE / "equivalent.toml").read_text()).get("mutation", ())
    }
    ran = sum(result.ran for result in results)
    survivors = [survivor for result in results for survivor in result.survivors]
    unknown = [survivor for survivor in survivors if survivor not in known]
    share = len(survivors) / max(1, ran)
    print(f"{len(survivors)} of {ran} mutations survived ({share:.1%}), {len(unknown)} of them not in equivalent.toml")
    for survivor in unknown:
        print(f"{survivor.module}\n    - {survivor.original}\n    + {survivor.mutated}")
    return int(bool(unknown) or share > ALLOWED_SHARE)


if __name__ == "__main__":
    sys.exit(main())
