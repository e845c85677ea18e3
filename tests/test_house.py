"""The structure of the repository: the places of files, their imports, and the contents of the wheel."""

from __future__ import annotations

import ast
import graphlib
import inspect
import json
import os
import pydoc
import re
import subprocess
import sys
import tokenize
import tomllib
import zipfile
from pathlib import Path

import aws_cdk as cdk
import pytest

import moorage
from moorage import Architecture

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "constructs" / "moorage"
DRAWING = ROOT / "docs" / "internals" / "architecture.md"
NAMELESS = {"base", "common", "helpers", "manager", "misc", "shared", "util", "utils", "whole"}
"""Names of files that do not describe their contents."""
CONSTRUCTOR_LINES = 40
MODULE_LINES = 400
ENTRANCES = "cli"
READERS = {"review", "testing", "local", "promotion", "cost", "advice/assembly", "assembly"}
"""The rooms that read the cloud assembly of any CDK app, and so import none of the constructs."""
READ_BY = {"assembly", "installation", "policy", "cost", "workload", "prices", "advice"}
SUPPRESSION = re.compile(r"#\s*(noqa|ruff:|type:\s*ignore|mypy:|pyright:|pragma\b|nosec\b)")
"""A comment that turns a check off."""


def floors() -> list[list[str]]:
    """Return the rooms of the drawing, floor by floor from the top."""
    (drawing,) = re.findall(r"```rooms\n(.*?)```", DRAWING.read_text(), re.DOTALL)
    return [line[:38].split() for line in drawing.splitlines()]


LEVEL = {room: level for level, rooms in enumerate(floors()) for room in rooms}


def room_of(module: str) -> str | None:
    """Return the room of a module, as `ecs/task` for `moorage.ecs.task.volumes`; None for `moorage` itself.

    What `python -m` runs is an entrance like the command `moorage`, so it belongs to the room of that command.
    """
    if module.endswith(".__main__"):
        return ENTRANCES
    _, *folders = module.split(".")[: None if is_package(module) else -1]
    if not folders:
        return None
    inner = "/".join(folders[:2])
    return inner if inner in LEVEL else folders[0]


def is_package(module: str) -> bool:
    return (PACKAGE.parent / module.replace(".", "/")).is_dir()


def modules() -> dict[str, set[str]]:
    """Return each module of the package with the modules that it imports, including imports for types."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        found[module.removesuffix(".__init__")] = {name for name in imported(path) if name.startswith("moorage")}
    return found


def test_constructs_is_a_source_root_and_not_a_package() -> None:
    assert not (ROOT / "constructs" / "__init__.py").exists(), "it would shadow PyPI's constructs"
    assert not [path for path in (ROOT / "tests").rglob("constructs") if path.is_dir()]


def test_every_file_is_in_a_room_of_the_drawing() -> None:
    rooms = {room_of(module) for module in modules()} - {None}
    assert rooms == set(LEVEL)


def test_the_name_of_every_file_describes_its_contents() -> None:
    tracked = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not {name for name in tracked.split() if Path(name).stem in NAMELESS}


def test_every_suppression_gives_its_reason() -> None:
    tracked = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    wrong = []
    for name in tracked.split():
        with tokenize.open(ROOT / name) as file:
            for token in tokenize.generate_tokens(file.readline):
                if token.type != tokenize.COMMENT or not SUPPRESSION.match(token.string):
                    continue
                reason = token.string.rpartition("  # ")[2]
                if SUPPRESSION.match(f"# {reason.removeprefix('# ')}"):
                    wrong.append(f"{name}:{token.start[0]}: {token.line.strip()}")
    assert wrong == []


def test_imports_run_downwards() -> None:
    wrong = []
    for module, imports in modules().items():
        room = room_of(module)
        for other in imports:
            there = room_of(other)
            if room is None or there is None or room == there:
                continue
            apart = {"ecs", "ecr"} <= {room.split("/")[0], there.split("/")[0]}
            if LEVEL[there] <= LEVEL[room] or apart or (room in READERS and there not in READ_BY):
                wrong.append(f"{module} imports {other}")
    assert wrong == []


def test_the_local_server_has_its_own_numbers() -> None:
    """A shared number would confirm itself if it is wrong, so the server shares only the instance types."""
    taken = {
        name
        for module, imports in modules().items()
        if module.startswith("moorage.local.server")
        for name in imports
        if room_of(name) == "workload"
    }
    assert taken == {"moorage.workload.ec2_instances"}


def test_no_two_files_import_each_other() -> None:
    graphlib.TopologicalSorter(modules()).prepare()  # raises CycleError, which names a cycle


def test_a_constructor_fits_on_a_screen() -> None:
    """A constructor normalizes, checks and defines; a longer one does the work of its steps itself."""
    too_long = {
        f"{path.relative_to(PACKAGE)}: {name} has {lines} lines"
        for path in PACKAGE.rglob("*.py")
        if not path.is_relative_to(PACKAGE / "local" / "server")
        for name, lines in constructors(path)
        if lines > CONSTRUCTOR_LINES
    }
    assert too_long == set()


def test_a_module_has_one_job() -> None:
    """A longer module holds a second noun, which gets a module of its own."""
    lines = {path.relative_to(PACKAGE): len(path.read_text().splitlines()) for path in PACKAGE.rglob("*.py")}
    assert {path: count for path, count in lines.items() if count > MODULE_LINES} == {}


def test_values_import_no_cdk_at_run_time() -> None:
    for path in [path for room in ("workload", "prices", "advice") for path in (PACKAGE / room).rglob("*.py")]:
        assert not [module for module in imported(path, typing=False) if module.startswith(("aws_cdk", "constructs"))]


def test_the_public_names_are_all_importable_and_typed() -> None:
    for name in moorage.__all__:
        assert getattr(moorage, name).__name__ == name
    typed = re.findall(r"import (\w+) as \1", (PACKAGE / "__init__.pyi").read_text())
    assert sorted(typed) == list(moorage.__all__)
    assert set(moorage.__all__) <= set(dir(moorage))
    with pytest.raises(AttributeError, match="module 'moorage' has no attribute 'Nothing'"):
        _ = moorage.Nothing  # type: ignore[attr-defined]  # the test needs it


@pytest.mark.parametrize(
    ("code", "unwanted"),
    [
        ("import moorage", "aws_cdk.aws_"),
        ("import moorage.ecr; from moorage import Repository", "aws_cdk.aws_ecs"),
        ("import moorage.ecr; from moorage import Repository", "aws_cdk.aws_ec2"),
        ("from moorage import PublicRepository, Registry", "aws_cdk.aws_ecs"),
        ("from moorage import PublicRepository, Registry", "aws_cdk.aws_ec2"),
        ("from moorage import Cluster, LoadBalancer, Service", "aws_cdk.aws_cloudwatch"),
        ("from moorage import Cluster, Container, LoadBalancer, Service, Task", "moorage.workload.volumes"),
        ("from moorage import Cluster, Container, LoadBalancer, Service, Task", "moorage.workload.sidecars"),
        ("from moorage import Cluster, Container, LoadBalancer, Service, Task", "moorage.ecs.volumes"),
    ],
)
def test_an_import_loads_no_unneeded_modules(code: str, unwanted: str) -> None:
    code += f"; import sys; print([name for name in sys.modules if name.startswith({unwanted!r})])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("before", "outdir", "after"),
    [("pass", "cdk.out", "True True"), ("gc.disable()", "cdk.out", "False False"), ("pass", "", "True False")],
    ids=["by the cdk CLI", "by the cdk CLI, collector off", "in another process"],
)
def test_the_garbage_collector_is_paused_only_if_the_cdk_cli_runs_the_program(
    before: str, outdir: str, after: str
) -> None:
    code = f"import gc; {before}; from moorage import Task; print(gc.isenabled(), gc.get_freeze_count() > 0)"
    environment = {name: value for name, value in os.environ.items() if name != "CDK_OUTDIR"}
    environment |= {"CDK_OUTDIR": outdir} if outdir else {}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == after


@pytest.mark.parametrize("name", ["Service", "Cluster", "Job", "LoadBalancer", "Registry", "Repository"])
def test_the_signature_and_the_help_of_a_construct_show_its_arguments(name: str) -> None:
    construct = getattr(moorage, name)
    arguments = [each for each in inspect.signature(construct.__init__).parameters if each != "self"]
    assert list(inspect.signature(construct).parameters) == arguments
    shown = pydoc.plain(pydoc.render_doc(construct))
    assert arguments[:2] == ["scope", "construct_id"]
    assert all(f"{each}: " in shown for each in arguments)
    assert construct.__init__.__doc__.startswith("Define ")


def test_mypy_follows_all_imports_of_the_cdk_modules_that_it_follows() -> None:
    """The types of a module that mypy does not follow are `Any`, without a message."""
    overrides = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["overrides"]
    (read,) = [set(each["module"]) for each in overrides if each.get("follow_imports") == "normal"]
    for module in read:
        source = Path(cdk.__file__).parent.parent / module.removesuffix(".*").replace(".", "/") / "__init__.py"
        imports = source.read_text().partition("\n@jsii.")[0]
        assert {f"{name}.*" for name in re.findall(r"\n    import (aws_cdk\.\w+)\S* as _", imports)} <= read, module


def test_a_service_behind_a_load_balancer_loads_no_modules_of_other_load_balancers(tmp_path: Path) -> None:
    unwanted = {
        "moorage.ecs.load_balancing.connection_load_balancer",
        "moorage.ecs.load_balancing.define_listener",
        "moorage.ecs.load_balancing.imported_load_balancer",
        "moorage.ecs.load_balancing.listener",
        "moorage.ecs.load_balancing.network_load_balancer",
        "moorage.ecs.load_balancing.web_acl",
        "moorage.workload.load_balancing_limits",
    }
    assert unwanted <= modules().keys(), "a removed module is never loaded"
    code = (
        f"import runpy, sys; runpy.run_path({str(ROOT / 'examples' / 'service.py')!r}); "
        "assert 'moorage.ecs.load_balancing.load_balancer' in sys.modules; "
        f"print([name for name in sys.modules if name.startswith('aws_cdk.aws_waf') or name in {unwanted}])"
    )
    environment = {**os.environ, "CDK_OUTDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_class_is_documented() -> None:
    for name in moorage.__all__:
        word = getattr(moorage, name)
        assert word.__doc__, name
        for argument in inspect.signature(word.__init__).parameters.keys() - {"self", "args", "kwds"}:
            documented = f"{word.__doc__} {word.__init__.__doc__}"
            assert re.search(rf"\b{argument}\b", documented) or word is Architecture, (
                f"{name} does not document {argument}"
            )


def test_no_file_names_a_registry_host_or_a_path_of_a_machine() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for name in tracked:
        if name.endswith((".json", ".txt", ".toml", ".lock", ".in")) and "__snapshots__" not in name:
            text = (ROOT / name).read_text()
            assert not re.search(r'"resolved": *"http|index-url|find-links|file://', text), name


@pytest.mark.slow
def test_the_wheel_works_for_an_app_outside_the_repository(tmp_path: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)], cwd=ROOT, check=True
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"moorage"}
    assert "moorage/py.typed" in names
    listed = ["git", "ls-files", "constructs/moorage/starter/files"]
    starter = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert {name.removeprefix("constructs/") for name in starter} <= set(names)

    environment = tmp_path / "venv"
    subprocess.run([str(uv), "venv", "--quiet", "--python", sys.executable, str(environment)], check=True)
    python = environment / "bin" / "python"
    # without --upgrade, with which uv would download everything again, and keep each download
    install = [str(uv), "pip", "install", "--quiet", "--python", str(python)]
    subprocess.run([*install, str(wheel), "aws-cdk-lib"], check=True, cwd=tmp_path)
    program = tmp_path / "elsewhere" / "app.py"
    program.parent.mkdir()
    program.write_text((ROOT / "examples" / "service.py").read_text())
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    out = {"CDK_OUTDIR": str(tmp_path / "cdk.out"), "CDK_VALIDATION": "false"}
    subprocess.run([str(python), str(program)], check=True, cwd=program.parent, env={**clean, **out})
    template = json.loads((tmp_path / "cdk.out" / "Shop.template.json").read_text())
    assert "AWS::ECS::Service" in {resource["Type"] for resource in template["Resources"].values()}


def constructors(path: Path) -> list[tuple[str, int]]:
    """Return the classes of a file that have a constructor, with the number of lines after its docstring."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.ClassDef):
            continue
        for method in node.body:
            if isinstance(method, ast.FunctionDef) and method.name == "__init__":
                body = method.body[1:] if ast.get_docstring(method) is not None else method.body
                lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
                found.append((node.name, lines))
    return found


def imported(path: Path, *, typing: bool = True) -> list[str]:
    """Return the modules that a file imports; without `typing`, only those at run time."""
    tree = ast.parse(path.read_text())
    hidden = {
        child
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for child in ast.walk(node)
    }
    found: list[str] = []
    for node in ast.walk(tree):
        if node in hidden and not typing:
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, f"{path} imports relatively; name the module in full"
            found.extend(_named(node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            found.extend(alias.name for alias in node.names)
    return found


def _named(module: str, name: str) -> str:
    """Return the module that `from module import name` loads: a submodule of this name, or `module` itself."""
    inner = PACKAGE.parent / module.replace(".", "/") / f"{name}.py"
    return f"{module}.{name}" if inner.exists() else module
