"""The pages of the reference that are tables: all public names, limits and warnings."""

from __future__ import annotations

import ast
import functools
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import moorage
from moorage.ecr import limits as ecr_limits
from moorage.workload import limits as workload_limits
from moorage.workload.limit import BelowOrAbove, Botocore, Limit
from tools.docs import api

PACKAGE = Path(moorage.__file__).parent
WARNING_CALLS = ("add_warning", "add_warning_v2")
"""The functions that add a warning with an ID; the ID and the text are their last two arguments."""
_FILLED_IN = "…"
_MESSAGE = re.compile(r"[a-z]{3}.*[a-z]{3}.*; .*[a-z]{3}")
"""A problem and its way out, behind a semicolon."""
_INDEX = """# Reference

Every public name is importable from `moorage`. **Values** say what you want (`Task`, `Scaling`, `Route`): they are
frozen and check themselves when they are made. **Constructs** define resources (`Cluster`, `Service`, `Repository`):
they check everything that they are given together, before they define anything. Both report all problems at once.

The other pages of the reference are generated from the code too: [limits](limits.md), the limits of AWS that moorage
checks, [warnings](warnings.md), with the ids that acknowledge them, the [rules](review-rules.md) of `moorage review`,
and the [prices](prices.md) that moorage contains. [Features](features.md) compares moorage with other libraries.
[`moorage.testing`](api/testing.md) has what tests of your own app use, and [`moorage.policy`](api/policy.md) what
acknowledges findings.
"""
_LIMITS = """# Limits

moorage checks these limits of AWS when a value or a construct is made. A value that breaks one is a `ValidationError`,
which names the argument, the value, the limit and the way out. A limit that no source confirms, or that AWS can raise,
is a warning: it says "should" in place of "must". Values that only CloudFormation knows (tokens) are not checked.
"""
_WARNINGS = """# Warnings

Below each warning, `cdk synth` prints `Acknowledge with 'Annotation::ID'`. To silence a warning, pass the id without
`Annotation::`, on the construct that the warning names or on one above it:

```python
cdk.Annotations.of(web).acknowledge_warning("@moorage/ecs:latest", "Rebuilt daily.")
```

In the texts, `…` is a placeholder for a value of your app.
"""
_UNNAMED = """## Warnings of Python

Values are made before there is a construct, so they warn with Python's `warnings`, at the line of your program. These
warnings have no id. To silence one, use
[`warnings.filterwarnings`](https://docs.python.org/3/library/warnings.html#warnings.filterwarnings) with a part of its
text. A [limit](limits.md) that says "should" warns in the same way.
"""


def index_page() -> str:
    """Return the page that lists all public names by topic."""
    parts = [_INDEX]
    for page, group in api.GROUPS.items():
        parts += [f"## {group.title}\n", f"{group.introduction} [All arguments](api/{page}.md).\n"]
        parts += [*(_entry(name, page) for name in group.names), ""]
    return "\n".join(parts)


def _entry(name: str, page: str) -> str:
    """Return a name's entry, with its own anchor, so that other pages can link to the name wherever it is described."""
    anchor = name.lower()
    return f'- <a id="{anchor}"></a>[`{name}`](api/{page}.md#{anchor}): {_plain(_summary(name))}'


def _summary(name: str) -> str:
    """Return the first sentence of a class's docstring."""
    text = " ".join(api.doc_of(getattr(moorage, name)).text.split("\n\n")[0].split())
    return text.split(". ")[0].removesuffix(".") + "."


def limits_page() -> str:
    """Return the page of the limits, one list for each module with limits."""
    parts = [_LIMITS]
    for title, table in (("Amazon ECS and load balancing", workload_limits.TABLE), ("Amazon ECR", ecr_limits.TABLE)):
        parts.append(f"## {title}\n")
        for module, rows in _by_module(table):
            parts += [f"### {module}\n", *rows, ""]
    return "\n".join(parts)


def _by_module(table: tuple[Limit, ...]) -> Iterator[tuple[str, list[str]]]:
    """Yield the name of each module of limits, as a heading, and an entry for each of its rows."""
    homes = {
        id(row): name for name, module in sys.modules.items() if name.endswith("limits") for row in _limits_of(module)
    }
    found: dict[str, list[str]] = {}
    for row in table:
        title = homes[id(row)].rpartition(".")[2].removesuffix("_limits").replace("_", " ").capitalize()
        entry = f"- `{row.id}`: {_plain(row.rule)}. Way out: {_plain(_hint(row))}. Source: {_plain(_source(row))}"
        found.setdefault(title, []).append(entry if entry.endswith((".", '."')) else f"{entry}.")
    yield from found.items()


def _limits_of(module: object) -> list[Limit]:
    return [value for value in vars(module).values() if isinstance(value, Limit)]


def _hint(row: Limit) -> str:
    """Return the hint of a limit, for both sides of a range if they differ."""
    if isinstance(row.hint, BelowOrAbove):
        return f"below the range, {row.hint.below}; above it, {row.hint.above}"
    return row.hint if isinstance(row.hint, str) else "depends on the value"


def _source(row: Limit) -> str:
    """Return the source of a limit, in a form that a reader can look up."""
    if not isinstance(row.source, Botocore):
        return row.source
    shape = ".".join(part for part in (row.source.shape, row.source.member) if part)
    quote = f', "{row.source.quote}"' if row.source.quote else ""
    return f"botocore {row.source.service} {shape}{quote}" + (f"; {row.source.also}" if row.source.also else "")


def warnings_page() -> str:
    """Return the page of the warnings with IDs, and of Python's warnings, which have no ID."""
    named = sorted({(f"`{name}`", text) for name, texts in warnings().items() for text in texts})
    unnamed = sorted({(text,) for text in python_warnings()})
    return "\n".join([_WARNINGS, table(("id", "warning"), named), _UNNAMED, table(("warning",), unnamed)])


@functools.cache
def _trees() -> dict[Path, ast.Module]:
    local = PACKAGE / "local"
    return {path: ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py")) if local not in path.parents}


@functools.cache
def _functions() -> dict[str, list[ast.FunctionDef]]:
    found: dict[str, list[ast.FunctionDef]] = {}
    for tree in _trees().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                found.setdefault(node.name, []).append(node)
    return found


@functools.cache
def _constants() -> dict[str, str]:
    """Return the string constants of all modules, by name."""
    return {
        target.id: node.value.value
        for tree in _trees().values()
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def warnings() -> dict[str, set[str]]:
    """Return the ID of each warning that CDK prints, and its texts, as the code defines them."""
    found: dict[str, set[str]] = {}
    for function, call in _calls(WARNING_CALLS):
        name, text = call.args[-2:]
        identifier = _constants().get(name.id) if isinstance(name, ast.Name) else _filled(name)
        if identifier and identifier.startswith("@moorage/"):
            found.setdefault(identifier, set()).update(_texts(text, function))
    return found


def python_warnings() -> set[str]:
    """Return the texts of the warnings without an ID."""
    return {text for function, call in _calls(("warn",)) if call.args for text in _texts(call.args[0], function)}


def _calls(names: tuple[str, ...]) -> Iterator[tuple[ast.FunctionDef, ast.Call]]:
    for function in (each for functions in _functions().values() for each in functions):
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and _name(node.func) in names:
                yield function, node


def _texts(node: ast.expr, function: ast.FunctionDef) -> set[str]:
    """Return the texts that an expression in a function can have, also through its variables and calls."""
    if isinstance(node, ast.Constant | ast.JoinedStr):
        text = _filled(node)
        return {text} if _MESSAGE.search(text) else set()
    if isinstance(node, ast.BoolOp):
        return {text for value in node.values for text in _texts(value, function)}
    if isinstance(node, ast.IfExp):
        return _texts(node.body, function) | _texts(node.orelse, function)
    if isinstance(node, ast.Name):
        assigned = [
            each.value for each in ast.walk(function) if isinstance(each, ast.Assign) and _assigns(each, node.id)
        ]
        return {text for value in assigned for text in _texts(value, function)}
    name = _name(node.func if isinstance(node, ast.Call) else node)
    returned = [(each.value, definition) for definition in _functions().get(name, []) for each in _returns(definition)]
    return {text for value, definition in returned if value for text in _texts(value, definition)}


def _returns(function: ast.FunctionDef) -> list[ast.Return]:
    return [node for node in ast.walk(function) if isinstance(node, ast.Return)]


def _assigns(node: ast.Assign, name: str) -> bool:
    return any(isinstance(target, ast.Name) and target.id == name for target in node.targets)


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _filled(node: ast.expr) -> str:
    """Return a text with a placeholder for each inserted value."""
    if isinstance(node, ast.Constant):
        return str(node.value or "")
    values = node.values if isinstance(node, ast.JoinedStr) else []
    return "".join(_FILLED_IN if isinstance(part, ast.FormattedValue) else _filled(part) for part in values)


def table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return a table in Markdown.

    Args:
        heads: The headings of the columns.
        rows: The texts of the cells.
    """
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(text: str) -> str:
    return _plain(text).replace("|", "\\|")


def _plain(text: str) -> str:
    """Return a text with the special characters of Markdown and HTML escaped, except in code."""
    parts = text.split("`")
    for index in range(0, len(parts), 2):
        for sign, written in (("<", "&lt;"), ("*", "\\*"), ("_", "\\_"), ("{", "&#123;"), ("$", "&#36;")):
            parts[index] = parts[index].replace(sign, written)
    return "`".join(parts)
