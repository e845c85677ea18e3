"""One file lists all names of ministack that are used, so that an upgrade of ministack changes only that file."""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from moorage.local import server
from moorage.local.server.core import adapter

_SERVER = Path(server.__file__).parent
_MODULES = {name: value for name, value in vars(adapter).items() if isinstance(value, adapter.Module)}


def _imports(source: str) -> Iterator[tuple[str, str]]:
    """Yield the modules and names that a file imports."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", each.name) for each in node.names)
        elif isinstance(node, ast.Import):
            yield from ((each.name, "") for each in node.names)


@pytest.mark.parametrize("name", _MODULES)
def test_each_listed_name_exists_in_ministack(name: str) -> None:
    module, names = _MODULES[name].listed
    found = importlib.import_module(module)
    assert [each for each in names.values() if not hasattr(found, each)] == []


def test_each_listed_name_is_used() -> None:
    used: set[str] = set()
    for file in _SERVER.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        used |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    listed = {name for module in _MODULES.values() for name in module.listed[1]}
    assert sorted(listed - used) == []


def test_a_name_that_is_not_listed_cannot_be_read_or_set() -> None:
    with pytest.raises(
        AttributeError, match=r"the list of ministack\.services\.ecs in [\w.]+\.adapter does not contain task_sets"
    ):
        adapter.ecs.task_sets  # noqa: B018  # the test is that reading it fails
    with pytest.raises(AttributeError, match="add task_sets to the list"):
        adapter.ecs.task_sets = {}


def test_no_other_file_imports_a_module_or_a_private_name_of_ministack() -> None:
    found = []
    for file in sorted(_SERVER.parent.rglob("*.py")):
        for module, name in _imports(file.read_text(encoding="utf-8")):
            if module.split(".")[0] != "ministack" or file.name == "adapter.py":
                continue
            is_module = importlib.util.find_spec(module) and hasattr(importlib.import_module(module), "__path__")
            if name.startswith("_") or not name or is_module:
                found.append(f"{file.relative_to(_SERVER)}: {module} {name}")
    assert found == []


def test_the_adapter_imports_ministack_only_when_it_is_used() -> None:
    asked = "import sys, moorage.local.server.core.adapter; sys.exit('ministack.app' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], check=False, env=os.environ).returncode == 0
