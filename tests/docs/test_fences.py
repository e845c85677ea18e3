"""The programs of the documentation run, and give the errors and warnings that it shows."""

from __future__ import annotations

import ast
import builtins
import functools
import inspect
import json
import re
import traceback
import warnings
from pathlib import Path
from typing import Any
from unittest import mock

import aws_cdk as cdk
import pytest

import moorage
from moorage.workload.excepthook import text_of
from tests.docs.fences import MODIFIERS, PAGES, Case, Fence, cases, fences_of
from tests.docs.prepared import Prepared, names_for
from tools.docs.pages import ROOT

CASES = [case for page in PAGES for case in cases(page)]


def test_the_modifiers_of_fences_are_known() -> None:
    wrong = [fence.place for page in PAGES for fence in fences_of(page) if not fence.modifiers <= MODIFIERS]
    assert wrong == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.last.place)
def test_a_python_fence_runs(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(case, tmp_path, monkeypatch)


def check(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a case in a folder, and fail with its file and line."""
    monkeypatch.chdir(tmp_path)
    if "sketch" in case.last.modifiers:
        check_sketch(case)
        return
    try:
        given = error_of(case, monkeypatch) if "raises" in case.last.modifiers else run(case, monkeypatch)
    except Exception as error:
        pytest.fail(f"{place_of(error, case)}: {type(error).__name__}: {error}", pytrace=False)
    assert case.expected != "", f"{case.last.place}: no text fence with the message follows"
    for expected in paragraphs(case.expected or ""):
        assert any(expected in each for each in given), f"{case.last.place} gives {given}"


@pytest.mark.parametrize(
    ("text", "modifiers", "says"),
    [
        ("network = Network(stack, 'Network')\nnothing(network)", "", "docs/internals/testing.md:9: NameError"),
        ("def broken(:", "", "docs/internals/testing.md:8: SyntaxError"),
        ("import aws_cdk as cdk\napp = cdk.App()", "", "docs/internals/testing.md:8: AssertionError: call app.synth()"),
        (
            "Service(stack, 'Web', cluster=cluster, tasks=task)",
            "sketch",
            "docs/internals/testing.md:8: Service has no tasks",
        ),
        ("Service(stack, 'Web', cluster=nothing)", "sketch", "docs/internals/testing.md:8: nothing is not known"),
        ("Scaling(1, 5, cpu_percent=60)", "raises", "docs/internals/testing.md:8 raises nothing"),
        ("Scaling(5, 1)", "raises", "docs/internals/testing.md:8 gives"),
    ],
    ids=["name", "syntax", "synth", "keyword", "sketch", "no error", "message"],
)
def test_a_fence_that_fails_is_found_with_its_line(
    text: str, modifiers: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fence = Fence(ROOT / "docs" / "internals" / "testing.md", 8, "python", None, frozenset(modifiers.split()), text)
    case = Case((fence,), "ValueError: another message" if modifiers == "raises" else None)
    with pytest.raises((AssertionError, pytest.fail.Exception), match=re.escape(says)):
        check(case, tmp_path, monkeypatch)


def place_of(error: Exception, case: Case) -> str:
    """Return the line of the page that raised an error."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(case.last.page)]
    return f"{case.last.page.relative_to(ROOT)}:{frames[-1].lineno}" if frames else case.last.place


def run(case: Case, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Run the fences in one app, synthesize it, and return the warnings."""
    with warnings.catch_warnings(record="warns" in case.last.modifiers) as caught:
        if caught is not None:
            warnings.simplefilter("always")
        if case.last.is_program:
            out = run_program(case, monkeypatch)
        else:
            app = run_fragments(case.fences).app
            out = Path(app.synth().directory)
    return [joined(str(each.message)) for each in caught or ()] + annotated(out)


def run_program(case: Case, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run a program, or the tests that a file defines, and return the directory that it synthesized into."""
    out = Path.cwd() / "cdk.out"
    write_files(case.last)
    monkeypatch.syspath_prepend(Path.cwd())
    names: dict[str, Any] = {"__name__": "__main__", "__file__": str(Path.cwd() / (case.last.title or "app.py"))}
    with mock.patch.object(cdk, "App", functools.partial(cdk.App, outdir=str(out), analytics_reporting=False)):
        for fence in case.fences:
            execute(fence, names)
        for name in [name for name in names if name.startswith("test_")]:
            names[name]()
    assert any(name.startswith("test_") for name in names) or (out / "manifest.json").is_file(), "call app.synth()"
    return out


def write_files(last: Fence) -> None:
    """Write each file that the page shows, up to a fence, into the current directory."""
    for fence in fences_of(last.page):
        if fence.title and fence.line <= last.line:
            path = Path(fence.title)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(fence.text, encoding="utf-8")


def run_fragments(fences: tuple[Fence, ...]) -> Prepared:
    prepared = Prepared()
    names = names_for([ast.parse(fence.text, fence.place) for fence in fences], prepared)
    for fence in fences:
        execute(fence, names)
    return prepared


def execute(fence: Fence, names: dict[str, Any]) -> None:
    exec(compile(fence.numbered, str(fence.page), "exec"), names)  # noqa: S102  # that is the test


def error_of(case: Case, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the error that the last fence raises, as Python and as the CDK CLI print it.

    Only readers know the line and the file for a fence, so the line is the one that the page shows.
    """
    try:
        run(case, monkeypatch)
    except (ValueError, TypeError, RuntimeError) as error:
        line = re.match(r"\w+\.py:\d+", case.expected or "")
        return [
            joined("".join(traceback.format_exception_only(error))),
            joined(text_of(error, line[0] if line else "app.py:1")),
        ]
    return pytest.fail(f"{case.last.place} raises nothing", pytrace=False)


def annotated(out: Path) -> list[str]:
    """Return the warnings in an assembly."""
    found = []
    for path in [*out.rglob("manifest.json"), *out.rglob("*.metadata.json")]:
        content = json.loads(path.read_text(encoding="utf-8"))
        artifacts = content.get("artifacts", {"": {"metadata": content}}).values()
        entries = [each for artifact in artifacts for of in artifact.get("metadata", {}).values() for each in of]
        found += [joined(each["data"]) for each in entries if each["type"] == "aws:cdk:warning"]
    return found


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a text, without the callers in an error of ours, since a fence has no other files."""
    return [re.sub(r", called from \S+", "", joined(each)) for each in text.split("\n\n") if each.strip()]


def joined(text: str) -> str:
    """Return a text on one line, so that a page may wrap it."""
    return " ".join(text.split())


def check_sketch(case: Case) -> None:
    """Compile a fence, and look up its names and the keyword arguments of public names."""
    trees = [ast.parse(fence.numbered, str(fence.page)) for fence in case.fences]
    known = names_for(trees, Prepared) | vars(builtins)
    defined = {name for tree in trees for node in ast.walk(tree) for name in defined_by(node)}
    for node in ast.walk(trees[-1]):
        where = f"{case.last.page.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Name):
            assert node.id in {*known, *defined}, f"{where}: {node.id} is not known"
        if isinstance(node, ast.Call) and ast.unparse(node.func).partition(".")[0] in moorage.__all__:
            called = eval(ast.unparse(node.func), {}, known)  # noqa: S307  # a public name of ours
            unknown = {each.arg for each in node.keywords if each.arg} - set(inspect.signature(called).parameters)
            assert not unknown, f"{where}: {ast.unparse(node.func)} has no {', '.join(sorted(unknown))}"


def defined_by(node: ast.AST) -> list[str]:
    """Return the names that a part of a program defines."""
    if isinstance(node, ast.Name):
        return [node.id] if isinstance(node.ctx, ast.Store) else []
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [(alias.asname or alias.name).partition(".")[0] for alias in node.names]
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    return [node.arg] if isinstance(node, ast.arg) else []
