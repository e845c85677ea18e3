"""The selection of mutations by `make mutate`, and its result."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from tools.mutate import __main__ as mutate
from tools.mutate import order
from tools.mutate.__main__ import Mutation, Result

DIFF = """--- mutation diff ---
--- a/constructs/moorage/workload/fit.py
+++ b/constructs/moorage/workload/fit.py
@@ -1,3 +1,3 @@
 def first(slots, least):
-    if slots >= 2 * least:
+    if slots > 2 * least:
         return None"""
SURVIVOR = Mutation("workload/fit.py", "if slots >= 2 * least:", "if slots > 2 * least:")


SOURCE = "if TYPE_CHECKING:\npairs = zip(ones, others, strict=True)\npart = evolve(part, strict=True, kw_only=True)\n"


def session(path: Path, *mutations: str | tuple[str, int, int]) -> Path:
    """Write a session of cosmic-ray with mutations and no results; a plain name is at the start of the source."""
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE work_items (job_id)")
        database.execute(
            "CREATE TABLE mutation_specs (job_id, operator_name, occurrence, start_pos_row, start_pos_col)"
        )
        database.execute("CREATE TABLE work_results (job_id, test_outcome, diff, output)")
        for job, mutation in enumerate(mutations):
            operator, row, column = (mutation, 1, 0) if isinstance(mutation, str) else mutation
            database.execute("INSERT INTO work_items VALUES (?)", (job,))
            database.execute(
                "INSERT INTO mutation_specs VALUES (?, ?, 0, ?, ?)", (job, f"core/{operator}", row, column)
            )
    return path


def left(path: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(path)) as database:
        return [name for (name,) in database.execute("SELECT operator_name FROM mutation_specs ORDER BY job_id")]


def test_every_module_and_test_that_is_named_exists() -> None:
    for module, tests in mutate.chosen([]).items():
        assert (mutate.ROOT / mutate.PACKAGE / module).is_file(), module
        assert tests
        assert [test for test in tests if not (mutate.ROOT / test.partition("::")[0]).is_file()] == []


def test_every_module_of_the_values_is_mutated() -> None:
    values = (mutate.ROOT / mutate.PACKAGE / "workload").glob("*.py")
    assert {f"workload/{path.name}" for path in values} - mutate.chosen([]).keys() == {
        "workload/__init__.py",
        "workload/limits.py",  # a list of those tables
    }


def test_only_the_operators_that_were_chosen_run(tmp_path: Path) -> None:
    path = session(
        tmp_path / "session",
        "ReplaceComparisonOperator_Lt_LtE",
        "ReplaceComparisonOperator_Lt_Gt",
        "ReplaceBinaryOperator_BitOr_Add",
        "AddNot",
        "RemoveDecorator",
    )
    assert mutate.narrow(path, SOURCE, None) == 2
    assert left(path) == ["core/ReplaceComparisonOperator_Lt_LtE", "core/AddNot"]


def test_imports_for_type_checkers_and_checks_of_zip_stay(tmp_path: Path) -> None:
    changes_truth = "ReplaceTrueWithFalse"
    path = session(
        tmp_path / "session",
        ("AddNot", 1, SOURCE.splitlines()[0].index("TYPE")),
        (changes_truth, 2, SOURCE.splitlines()[1].index("True")),
        (changes_truth, 3, SOURCE.splitlines()[2].rindex("True")),
    )
    assert mutate.narrow(path, SOURCE, None) == 1
    assert left(path) == [f"core/{changes_truth}"]


def test_a_sample_is_the_same_each_time(tmp_path: Path) -> None:
    operators = ["AddNot", "NumberReplacer", "ReplaceAndWithOr", "ReplaceOrWithAnd", "ZeroIterationForLoop"]
    first, second = (session(tmp_path / name, *operators) for name in ("first", "second"))
    assert [mutate.narrow(each, SOURCE, 3) for each in (first, second)] == [5, 5]
    assert left(first) == left(second)
    assert len(left(first)) == 3


def test_a_survivor_is_known_by_its_lines() -> None:
    assert mutate.mutation("workload/fit.py", DIFF) == SURVIVOR


@pytest.mark.parametrize(("ran", "known", "status"), [(20, True, 0), (19, True, 1), (20, False, 1), (0, True, 1)])
def test_a_survivor_is_accounted_for_and_one_of_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, ran: int, known: bool, status: int
) -> None:
    listed = (
        f'[[mutation]]\nmodule = "workload/fit.py"\noriginal = "{SURVIVOR.original}"\nmutated = "{SURVIVOR.mutated}"'
    )
    (tmp_path / "equivalent.toml").write_text(listed if known else "")
    monkeypatch.setattr(mutate, "HERE", tmp_path)
    assert mutate.report([Result("workload/fit.py", 99, ran, (SURVIVOR,))]) == status


MODULE = """
PORT = at_most("port", 65535)
NAME = matching("name", "a+")

def first(count=1):
    return count > 2

class Second:
    def third(self):
        return sorted(self.parts, key=lambda part: part.size + 1)
"""
TESTS = {
    "test_a[port]": (1.0, []),
    "test_a[name]": (2.0, ["third:9"]),
    "test_slow": (9.0, ["first:5"]),
    "test_quick": (3.0, ["first:5", "<lambda>:10"]),
}


@pytest.mark.parametrize(
    ("original", "mutated", "sorted_tests"),
    [
        ("65535", "65536", ["test_a[port]", "test_a[name]", "test_quick", "test_slow"]),
        ('"a+"', '"b+"', ["test_a[name]", "test_a[port]", "test_quick", "test_slow"]),
        ("count > 2", "count >= 2", ["test_quick", "test_slow", "test_a[port]", "test_a[name]"]),
        ("size + 1", "size - 1", ["test_quick", "test_a[port]", "test_a[name]", "test_slow"]),
        ("sorted(", "reversed(", ["test_a[name]", "test_a[port]", "test_quick", "test_slow"]),
    ],
    ids=["a limit", "a string of a limit", "a function", "a lambda", "beside a lambda"],
)
def test_the_tests_of_what_is_changed_run_first(original: str, mutated: str, sorted_tests: list[str]) -> None:
    key = order.order(MODULE, MODULE.replace(original, mutated), TESTS)
    assert sorted(TESTS, key=key) == sorted_tests
