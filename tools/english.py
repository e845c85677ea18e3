"""Check docstrings, comments, messages and pages for openings and phrases that must be read twice.

`python -m tools.english` prints one line for each finding and exits with 1 if there is one.
"""

from __future__ import annotations

import ast
import io
import itertools
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import attrs

PHRASES = {
    r"\balone\b": "only",
    r"\bunasked\b|\bwithout being asked\b": "by default",
    r"\bwithout it\b": "by default, or if there is none",
    r"\bunless told otherwise\b": "by default",
    r"\bstands\b(?! for\b)|\bstood\b(?! for\b)": "exists, or is",
    r"\b(?-i:none) (?:is|are)\b(?! given\b)|\b(?:is|are) (?-i:none)\b": "there is no …",
    r"\bwhole\b(?!\s+(?:number|percent|millisecond|second|minute|hour|day|GiB|MiB)s?\b)": "complete, or all of",
    r"\b(?:is|are) told\b|\btells? (?:somebody|nobody)\b": "notify, report or warn",
    r"\b(?:is|are) said\b|\b(?:says|said) (?:so|of)\b": "name the subject and what it does",
    r"\bof which\b|\bof whose\b": "a sentence of its own",
    r"\banew\b": "again",
    r"\bby itself\b": "name the cause, or automatically",
    r"\bwhere not\b|\bwhere none\b": "if not",
}
"""The replacement of each phrase."""
OPENING = re.compile(r"(?:What|Whether(?! to\b)|That|Which|Who|Whose|How|Where|As|Of)\b")
_QUOTED = re.compile(r"``?[^`]*``?|\"[^\"\n]*\"")
_FENCE = re.compile(r"^(`{3,}).*?^\1$", re.MULTILINE | re.DOTALL)
_ARGUMENT = re.compile(r"^ {4,}\*{0,2}\w+(?: \([^)]*\))?: (?P<text>.*)$")
_SECTIONS = ("Args:", "Attributes:", "Returns:", "Yields:", "Raises:")
_SERVER = "constructs/moorage/local/server/"
"""The folder whose errors are AWS's messages."""
_INLINE_CODE = Path("constructs/moorage/ecs/service/pre_deployment_function.py")
"""Its text is in templates: another comment would update the function of each pre-deployment task."""


@attrs.frozen
class Finding:
    """A phrase in a file, and its replacement."""

    path: Path
    line: int
    found: str
    instead: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.found!r}; write {self.instead}"


def python_findings(path: Path, source: str) -> Iterator[Finding]:
    """Yield the phrases to reword in the docstrings, comments and messages of a module."""
    tree = ast.parse(source)
    for docstring in _docstrings(tree):
        yield from _opening_findings(path, docstring.lineno, str(docstring.value))
        yield from _phrase_findings(path, docstring.lineno, str(docstring.value))
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield from _phrase_findings(path, token.start[0], token.string)
    if path.is_relative_to("constructs") and not path.is_relative_to(_SERVER):
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "; " in node.value:
                yield from _phrase_findings(path, node.lineno, node.value)


def _docstrings(tree: ast.Module) -> Iterator[ast.Constant]:
    """Yield the docstrings of modules, classes, functions and attributes."""
    for parent in ast.walk(tree):
        if isinstance(parent, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            for before, node in itertools.pairwise([None, *parent.body]):
                follows_name = before is None or isinstance(before, ast.Assign | ast.AnnAssign)
                if follows_name and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                    yield node.value


def markdown_findings(path: Path, text: str) -> Iterator[Finding]:
    """Yield the phrases to reword in a page, outside of code."""
    prose = _FENCE.sub(lambda fence: "\n" * fence[0].count("\n"), text)
    yield from _phrase_findings(path, 1, prose)


def _opening_findings(path: Path, line: int, docstring: str) -> Iterator[Finding]:
    texts = [(0, docstring.lstrip())]
    section = ""
    for offset, text in enumerate(docstring.splitlines()):
        if text.strip() in _SECTIONS:
            section = text.strip()
        elif section and (argument := _ARGUMENT.match(text)):
            texts.append((offset, argument["text"]))
    for offset, text in texts:
        if opening := OPENING.match(text):
            yield Finding(path, line + offset, opening[0], "a verb for a function, a noun for anything else")


def _phrase_findings(path: Path, line: int, text: str) -> Iterator[Finding]:
    prose = _QUOTED.sub(lambda quoted: " " * len(quoted[0]), text)
    for phrase, instead in PHRASES.items():
        for found in re.finditer(phrase, prose, re.IGNORECASE):
            yield Finding(path, line + prose.count("\n", 0, found.start()), found[0], instead)


def findings(root: Path) -> Iterator[Finding]:
    """Yield the phrases to reword in each Python and Markdown file that git does not ignore."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py", "*.md"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    for path in map(Path, listed.splitlines()):
        if not (root / path).exists() or path in {Path("tools/english.py"), _INLINE_CODE}:
            continue
        text = (root / path).read_text(encoding="utf-8")
        yield from python_findings(path, text) if path.suffix == ".py" else markdown_findings(path, text)


def main() -> int:
    """Print each finding, and return 1 if there is one."""
    found = sorted(set(findings(Path.cwd())), key=lambda each: (each.path, each.line))
    sys.stdout.writelines(f"{each}\n" for each in found)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
