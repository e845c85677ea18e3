"""The fixture `template_snapshot` in a project of a user."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest
import syrupy

Run = Callable[..., pytest.RunResult]
CONFTEST = 'pytest_plugins = ["moorage.testing"]\n'
TEST = """
import aws_cdk as cdk
from aws_cdk import aws_sqs as sqs

from moorage.testing import readable_template


def test_orders(template_snapshot):
    stack = cdk.Stack(cdk.App(analytics_reporting=False), "Shop")
    sqs.Queue(stack, "Orders", fifo=True, visibility_timeout=cdk.Duration.seconds(SECONDS))
    assert readable_template(stack) == template_snapshot
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs pytest in the project, in this process, since jsii takes seconds to start."""

    def runs(*arguments: str, seconds: int = 30, test: str = TEST) -> pytest.RunResult:
        pytester.makeconftest(CONFTEST)
        pytester.makepyfile(test_shop=test.replace("SECONDS", str(seconds)))
        with monkeypatch.context() as patched:
            patched.setattr(syrupy, "_syrupy", None)  # the session of this run, which syrupy keeps there
            return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-W", "error", *arguments)

    return runs


def test_a_snapshot_is_written_kept_and_compared(run: Run, pytester: pytest.Pytester) -> None:
    run("--snapshot-update").assert_outcomes(passed=1)
    file = pytester.path / "__snapshots__" / "test_shop" / "test_orders.json"
    (queue,) = json.loads(file.read_text())["Resources"].values()
    assert queue["Properties"] == {"FifoQueue": True, "VisibilityTimeout": 30}
    assert file.read_text() == json.dumps(json.loads(file.read_text()), indent=2, sort_keys=True) + "\n"
    run().assert_outcomes(passed=1)
    changed = run(seconds=60)
    changed.assert_outcomes(failed=1)
    changed.stdout.fnmatch_lines(
        [
            "E         Orders* (AWS::SQS::Queue)",
            "E           - VisibilityTimeout: 30",
            "E           + VisibilityTimeout: 60",
            "E         If this is intended, run `pytest --snapshot-update`, and review the difference of the file.",
        ],
        consecutive=True,
    )
    changed.stdout.no_fnmatch_line("E *FifoQueue*")


def test_a_snapshot_that_does_not_exist_lists_the_resources(run: Run) -> None:
    missing = run()
    missing.assert_outcomes(failed=1)
    missing.stdout.fnmatch_lines(
        ["*Snapshot 'test_orders' does not exist!", "E         + Orders* (AWS::SQS::Queue)", "*--snapshot-update*"]
    )


def test_a_snapshot_that_is_no_json_is_compared_by_lines(run: Run, pytester: pytest.Pytester) -> None:
    file = pytester.path / "__snapshots__" / "test_shop" / "test_orders.json"
    file.parent.mkdir(parents=True)
    file.write_text("{\n<<<<<<< HEAD\n")
    changed = run()
    changed.assert_outcomes(failed=1)
    changed.stdout.fnmatch_lines(["*- <<<<<<< HEAD"])


def test_only_a_template_is_compared(run: Run) -> None:
    """syrupy would write only the type of a stack, and compare that."""
    refused = run("--snapshot-update", test=TEST.replace("readable_template(stack) ==", "stack =="))
    refused.assert_outcomes(failed=1)
    refused.stdout.fnmatch_lines(
        [
            "E*TypeError: template_snapshot must be compared with a template (got a value of type Stack); use "
            "readable_template(...) == template_snapshot"
        ]
    )


def test_without_syrupy_a_sentence_says_what_to_install(pytester: pytest.Pytester) -> None:
    """The rest of the module works, and so do the tests that do not use the fixture."""
    pytester.makeconftest(f"import sys\nsys.modules['syrupy'] = None\n{CONFTEST}")
    pytester.makepyfile(
        "from moorage.testing import readable_template\n"
        "def test_snapshot(template_snapshot): pass\n"
        "def test_other(): assert readable_template\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "error", "."],
        cwd=pytester.path,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed, 1 error" in done.stdout
    assert (
        "template_snapshot needs the pytest plugin syrupy, which moorage[testing] installs: "
        'pip install "moorage[testing]"; if it is installed, remove `-p no:syrupy`\n'
    ) in done.stdout
    assert "Traceback" not in done.stdout


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_without_pytest_a_sentence_says_what_to_install() -> None:
    done = python("import sys; sys.modules['pytest'] = None; import moorage.testing")
    assert done.stderr.endswith(
        'moorage.testing needs moorage[testing], which installs pytest: pip install "moorage[testing]"\n'
    )


def test_naming_the_plugin_loads_no_cdk_and_no_engine() -> None:
    loaded = set(python("import moorage.testing, sys; print(*sys.modules)").stdout.split())
    assert "moorage.testing.snapshots" in loaded
    assert not loaded & {"aws_cdk", "jsii", "syrupy", "cfnlint", "cloudformation_validate", "moorage.policy.engines"}


def test_a_conftest_can_import_what_it_names_as_a_plugin(pytester: pytest.Pytester) -> None:
    """pytest would warn that it cannot rewrite the assertions of a module that is imported already."""
    pytester.makeconftest(f"from moorage.testing import readable_template\n{CONFTEST}")
    pytester.makepyfile("def test_nothing(): pass")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "error"],
        cwd=pytester.path,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_the_users_tests_import_the_module() -> None:
    code = "import moorage, sys; [getattr(moorage, name) for name in moorage.__all__]; print(*sys.modules)"
    assert not {name for name in python(code).stdout.split() if name.startswith(("moorage.testing", "pytest"))}
