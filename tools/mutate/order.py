"""The order of tests: first the tests that run the mutated functions, and quick tests before slow tests.

All tests run until one fails, so the order decides only how soon a mutation is noticed.
"""

from __future__ import annotations

import ast
import itertools
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType

import attrs
import pytest

Key = Callable[[str], tuple[bool, float]]


@attrs.define
class Recorder:
    """A pytest plugin that records the functions of a module that each test runs, and the time that the test takes.

    Args:
        module: The path of the module.
        record: The path of the file to write.
    """

    module: Path
    record: Path
    tests: dict[str, tuple[float, list[str]]] = attrs.field(factory=dict, init=False)
    start: float = attrs.field(default=0.0, init=False)
    functions: set[str] = attrs.field(factory=set, init=False)

    def pytest_runtest_logstart(self) -> None:
        self.start, self.functions = time.monotonic(), set()
        sys.settrace(self._trace)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        sys.settrace(None)
        self.tests[nodeid] = (time.monotonic() - self.start, sorted(self.functions))

    def pytest_sessionfinish(self) -> None:
        self.record.write_text(json.dumps({"source": self.module.read_text(), "tests": self.tests}))

    def _trace(self, frame: FrameType, event: str, argument: object) -> None:  # noqa: ARG002  # as Python calls it
        if frame.f_code.co_filename == str(self.module):
            self.functions.add(_name(frame.f_code))


@attrs.frozen
class Sorter:
    """A pytest plugin that sorts the tests.

    Args:
        module: The path of the mutated module.
        record: The path of the file that `Recorder` wrote.
    """

    module: Path
    record: Path

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        record = json.loads(self.record.read_text())
        key = order(record["source"], self.module.read_text(), record["tests"])
        items.sort(key=lambda item: key(item.nodeid))


def order(before: str, after: str, tests: dict[str, tuple[float, list[str]]]) -> Key:
    """Return the key by which to sort the names of tests.

    Args:
        before: The source of the module.
        after: The mutated source.
        tests: For each test the seconds that it takes, and the functions that it runs.
    """
    functions = changed_functions(compile(before, "", "exec"), compile(after, "", "exec"))
    strings = strings_beside(before, after)

    def key(name: str) -> tuple[bool, float]:
        seconds, reached = tests.get(name, (0.0, []))
        parameter = name.partition("[")[2].removesuffix("]")
        return functions.isdisjoint(reached) and parameter not in strings, seconds

    return key


def changed_functions(before: CodeType, after: CodeType) -> set[str]:
    """Return the functions, lambdas and classes whose own code differs, regardless of the functions in them."""
    inner = [[each for each in code.co_consts if isinstance(each, CodeType)] for code in (before, after)]
    changed = set().union(*itertools.starmap(changed_functions, zip(*inner, strict=False)))
    return changed if _own(before) == _own(after) else changed | {_name(before)}


def strings_beside(before: str, after: str) -> set[str]:
    """Return the strings in the statement of the module that differs, such as the id of a limit."""
    lines = zip(before.splitlines(), after.splitlines(), strict=False)
    number = next((number for number, (one, other) in enumerate(lines, 1) if one != other), 0)
    return {
        node.value
        for statement in ast.parse(before).body
        if statement.lineno <= number <= (statement.end_lineno or 0)
        for node in ast.walk(statement)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def _own(code: CodeType) -> tuple[object, ...]:
    constants = [repr(each) for each in code.co_consts if not isinstance(each, CodeType)]
    return code.co_code, constants, code.co_names, code.co_varnames


def _name(code: CodeType) -> str:
    return f"{code.co_name}:{code.co_firstlineno}"
