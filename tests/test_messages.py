"""Every message in one file, `__snapshots__/test_messages.ambr`, so that a reviewer reads them all.

`pytest -n 0 tests/test_messages.py --snapshot-update` writes it again.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import aws_cdk as cdk
import pytest

import moorage
from moorage.workload.limit import Limit
from tests.workload.test_limits import TABLE, message_of

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

PACKAGE = Path(moorage.__file__).parent


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.id)
def test_message_of_a_limit(row: Limit, stack: cdk.Stack, snapshot: SnapshotAssertion) -> None:
    message = message_of(row, stack)
    assert f" {row.rule} (got " in message
    assert message == snapshot


def test_other_messages(snapshot: SnapshotAssertion) -> None:
    rooms = [path for path in PACKAGE.iterdir() if path.is_dir() and path.name != "local"]
    modules = sorted(module for room in rooms for module in room.rglob("*.py") if not module.stem.endswith("limits"))
    written = {str(module.relative_to(PACKAGE)): list(messages(module)) for module in modules}
    assert {module: texts for module, texts in written.items() if texts} == snapshot


def messages(module: Path) -> Iterator[str]:
    """Yield the messages in a module: the strings with a way out after "; ", with names in place of values."""
    tree = ast.parse(module.read_text())
    unread = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            unread |= {id(part) for part in ast.walk(node)} - {id(node)}
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant | ast.JoinedStr)]
    for node in sorted(texts, key=lambda node: node.lineno):
        if id(node) not in unread and "; " in filled_in(node):
            yield filled_in(node)


def filled_in(text: ast.Constant | ast.JoinedStr) -> str:
    """Return a string with the names of its variables, and "..." for other expressions."""
    if isinstance(text, ast.Constant):
        return str(text.value)
    return "".join(
        f"{{{name_of(part.value)}}}" if isinstance(part, ast.FormattedValue) else filled_in(part)
        for part in text.values
        if isinstance(part, ast.FormattedValue | ast.Constant)
    )


def name_of(expression: ast.expr) -> str:
    return ast.unparse(expression) if isinstance(expression, ast.Name | ast.Attribute) else "..."
