"""The app that `moorage init` makes works as it is: it synthesizes, tests itself, deploys, and reviews its changes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import syrupy
from click.testing import CliRunner

from moorage.cli.commands import moorage
from moorage.local.process import Home
from tests.ci.runner import Runner, load

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(sys.executable).parent
Pytest = Callable[..., pytest.RunResult]


def run(folder: Path, *command: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the folder of the app, without the variable that turns CDK's validation off in tests."""
    environment = {name: value for name, value in os.environ.items() if name != "CDK_VALIDATION"}
    environment |= {"PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}", **more}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield the folder of an app, synthesized to cdk.out."""
    folder = tmp_path_factory.mktemp("made") / "Shop"
    done = CliRunner().invoke(moorage, ["init", str(folder)])
    assert done.exit_code == 0, done.output
    synthesized = run(folder, "cdk", "synth", "--strict", "--quiet")
    assert (synthesized.returncode, synthesized.stdout, synthesized.stderr) == (0, "", ""), "it warns of nothing"
    yield folder
    Home(folder / ".moorage").stop()


@pytest.fixture
def run_pytest(made: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Pytest:
    """Return a function that runs pytest on a copy of the app, in this process, since jsii takes seconds to start."""
    shutil.copytree(made, pytester.path, dirs_exist_ok=True)
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("CDK_VALIDATION", "false")  # restored after the app's conftest.py sets it
    monkeypatch.setattr("shutil.which", lambda _: None)  # checkov takes seconds

    def runs(*arguments: str) -> pytest.RunResult:
        with monkeypatch.context() as patched:
            patched.setattr(syrupy, "_syrupy", None)  # the session of this run, which syrupy keeps there
            return pytester.runpytest_inprocess("-p", "no:cacheprovider", *arguments)

    return runs


@pytest.mark.slow
def test_the_first_run_of_its_tests_passes_and_later_ones_compare(
    run_pytest: Pytest, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_pytest().assert_outcomes(passed=2)
    folder = pytester.path / "tests" / "__snapshots__" / "test_web_stack"
    snapshot = folder / "test_the_template_is_that_of_the_snapshot.json"
    assert "AWS::ECS::Service" in snapshot.read_text()
    template = ("-k", "snapshot")
    run_pytest(*template).assert_outcomes(passed=1, deselected=1)
    snapshot.write_text(snapshot.read_text().replace('"MaxCapacity": 10', '"MaxCapacity": 9'))
    run_pytest(*template).assert_outcomes(failed=1, deselected=1)
    shutil.rmtree(folder.parent)
    monkeypatch.setenv("CI", "true")
    run_pytest(*template).assert_outcomes(failed=1, deselected=1)
    assert not snapshot.exists()


@pytest.mark.slow
def test_a_new_policy_finding_fails_its_tests(run_pytest: Pytest, pytester: pytest.Pytester) -> None:
    program = pytester.path / "web_stack.py"
    open_disk = 'cdk.CfnResource(self, "Disk", type="AWS::EFS::FileSystem", properties={"Encrypted": False})'
    program.write_text(f"{program.read_text()}        {open_disk}\n")
    found = run_pytest("-k", "policy")
    found.assert_outcomes(failed=1, deselected=1)
    found.stdout.fnmatch_lines(["*Resources: Shop/Disk.*"])


@pytest.mark.slow
def test_its_types_are_strict(made: Path) -> None:
    """The options are those of this repository, whose cache mypy reads. tools/pyright.py checks the same files."""
    settings = ("--config-file", ROOT / "pyproject.toml", "--cache-dir", ROOT / ".mypy_cache", "--num-workers", "0")
    files = ("app.py", "web_stack.py", "conftest.py", "tests")
    checked = ("mypy", *settings, "--strict", *files)
    done = run(made, *checked, MYPYPATH=str(ROOT / "constructs"))
    assert done.stdout == "Success: no issues found in 4 source files\n", done.stdout + done.stderr


@pytest.mark.slow
def test_it_is_deployed_to_the_local_aws_and_deleted(made: Path) -> None:
    up = run(made, sys.executable, "-m", "moorage.local", "up", "--app", "cdk.out")
    assert up.returncode == 0, up.stdout + up.stderr
    assert "2 of 2 tasks running" in up.stdout
    down = run(made, sys.executable, "-m", "moorage.local", "down")
    assert "All stacks are deleted; the local AWS is stopped." in down.stdout, down.stdout + down.stderr


def test_a_trial_is_deleted_with_its_stack(made: Path) -> None:
    resources = json.loads((made / "cdk.out" / "Shop.template.json").read_text())["Resources"]
    kept = {name for name, each in resources.items() if each.get("DeletionPolicy", "Delete") != "Delete"}
    assert kept == set()
    assert protection(resources) == "false"


def protection(resources: dict[str, Any]) -> str | None:
    (balancer,) = (each for each in resources.values() if each["Type"].endswith("::LoadBalancer"))
    attributes = {each["Key"]: each["Value"] for each in balancer["Properties"]["LoadBalancerAttributes"]}
    return attributes.get("deletion_protection.enabled")


@pytest.mark.slow
def test_with_a_certificate_it_is_protected_and_no_finding_needs_a_reason(made: Path, tmp_path: Path) -> None:
    arn = "arn:aws:acm:eu-west-1:111111111111:certificate/1a2b"
    context = {"certificate_arn": arn, **json.loads((made / "cdk.json").read_text())["context"]}
    out = tmp_path / "cdk.out"
    variables = {"CDK_OUTDIR": str(out), "CDK_CONTEXT_JSON": json.dumps(context), "CDK_VALIDATION": "false"}
    assert run(made, sys.executable, "app.py", **variables).returncode == 0
    resources = json.loads((out / "Shop.template.json").read_text())["Resources"]
    assert protection(resources) == "true"
    assert {"CertificateArn": arn} in [
        certificate for each in resources.values() for certificate in each.get("Properties", {}).get("Certificates", ())
    ]
    assert "moorage::" not in (out / "manifest.json").read_text()


def test_its_workflow_keeps_the_schema_and_zizmor_finds_nothing(made: Path) -> None:
    workflow = made / ".github" / "workflows" / "check.yml"
    for check in (
        ("check-jsonschema", "--builtin-schema", "vendor.github-workflows"),
        ("zizmor", "--offline", "--quiet"),
    ):
        done = run(made, *check, workflow)
        assert done.returncode == 0, done.stdout + done.stderr


def test_its_workflow_uses_the_commits_of_our_own_workflows(made: Path) -> None:
    ours = "".join(path.read_text() for path in (ROOT / ".github").rglob("*.yml"))
    jobs: dict[str, Any] = load(made / ".github" / "workflows" / "check.yml")["jobs"]
    used = {step["uses"] for job in jobs.values() for step in job["steps"] if "uses" in step}
    assert {each.partition("@")[0] for each in used} == {
        "actions/checkout",
        "actions/setup-python",
        "actions/setup-node",
    }
    assert [each for each in used if each not in ours and "setup-node" not in each] == []
    assert [each for each in used if each not in (ROOT / "docs" / "guides" / "github-actions.md").read_text()] == []


@pytest.mark.slow
def test_its_workflow_reviews_the_pull_request_that_adds_the_app(made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "checkout"
    shutil.copytree(made, folder, ignore=shutil.ignore_patterns("cdk.out", ".moorage"))

    def git(*arguments: str) -> str:
        own = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
        return subprocess.run(
            ["git", *own, *arguments], cwd=folder, capture_output=True, text=True, check=True
        ).stdout.strip()

    git("init", "--quiet")
    git("commit", "--quiet", "--allow-empty", "--message", "begin")
    base = git("rev-parse", "HEAD")
    git("add", ".")
    git("commit", "--quiet", "--message", "add the app")
    event = {"pull_request": {"base": {"sha": base}, "number": 1}}
    runner = Runner(folder, tmp_path, event, environment={"XDG_CACHE_HOME": str(tmp_path / "cache")})
    review = load(folder / ".github" / "workflows" / "check.yml")["jobs"]["review"]
    steps = [step for step in review["steps"] if step.get("run") != "pip install -r requirements.txt"]
    assert runner.job({"steps": steps}), runner.log
    assert "Shop/Web" in (tmp_path / "GITHUB_STEP_SUMMARY").read_text()
