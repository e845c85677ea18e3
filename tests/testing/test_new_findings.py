"""`assert_no_new_findings` in the tests of users: what it says, and what it takes."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import cdk_nag
import pytest
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs

from moorage.assembly.cloud_assembly import Stack
from moorage.policy.acknowledgements import Verdict
from moorage.policy.violation import PolicyError, Violation
from moorage.testing import assert_no_new_findings, findings, readable_template

PATHS = {"aws:cdk:enable-path-metadata": True}
ENCRYPTED = "guard:cloudwatch_log_group_encrypted_check"
KEY = "To fix it, set `KmsKeyId` of the log group to a key of your own, which AWS bills."


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # not the file of this repository
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("shutil.which", lambda _: None)  # checkov takes seconds


def left(monkeypatch: pytest.MonkeyPatch, *found: Violation) -> list[Any]:
    """Let the engines find violations. Return what they are given: the paths of the stacks, and the file."""
    given: list[Any] = []

    def finds(stacks: Sequence[Stack], file: Path) -> Verdict:
        given.extend(([stack.path for stack in stacks], file))
        return Verdict(frozenset(found), 0, (), ())

    monkeypatch.setattr(findings, "_judged", finds)
    return given


def message_of(app: Any, **given: Any) -> str:
    with pytest.raises(AssertionError) as raised:
        assert_no_new_findings(app, **given)
    return str(raised.value)


def test_the_engines_run_over_an_app(app: cdk.App, stack: cdk.Stack) -> None:
    logs.LogGroup(stack, "Orders", retention=logs.RetentionDays.ONE_YEAR)
    (line,) = (
        each for each in message_of(app).splitlines() if each.startswith("log-kms: Require an Amazon CloudWatch ")
    )
    assert line.endswith(f" {KEY} Resources: Shop/Orders/Resource. Rules: {ENCRYPTED}.")


def test_a_line_has_the_issue_its_meaning_the_resources_and_the_rules(
    app: cdk.App, monkeypatch: pytest.MonkeyPatch
) -> None:
    left(
        monkeypatch,
        *(Violation(ENCRYPTED, f"Shop/{name}", "Require encryption.") for name in "ABCDEF"),
        Violation("guard:unknown", "Shop/G", "Require it (CT.X.PR.1)."),
        Violation("guard:silent", "Shop/G"),
    )
    assert message_of(app, acknowledged="policy/known.toml").splitlines() == [
        "3 policy issues are not acknowledged in policy/known.toml; fix or acknowledge each:",
        f"log-kms: Require encryption. {KEY} Resources: Shop/A, Shop/B, Shop/C, Shop/D and 2 more. Rules: {ENCRYPTED}.",
        "guard:silent: guard:silent. Resources: Shop/G. Rules: guard:silent.",
        "guard:unknown: Require it (CT.X.PR.1). Resources: Shop/G. Rules: guard:unknown.",
        "To acknowledge one, add an entry to policy/known.toml, such as:",
        "[[acknowledged]]",
        'id = "log-kms"',
        'path = "Shop/A"',
        'reason = "..."',
    ]


def test_one_issue_is_in_the_singular(app: cdk.App, monkeypatch: pytest.MonkeyPatch) -> None:
    given = left(monkeypatch, Violation(ENCRYPTED, "Shop/A"))
    first, *_ = message_of(app).splitlines()
    assert first == "1 policy issue is not acknowledged in acknowledged.toml; fix or acknowledge each:"
    assert given == [[], Path("acknowledged.toml")]


def test_nested_stacks_are_checked(app: cdk.App, stack: cdk.Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    sqs.Queue(cdk.NestedStack(stack, "Inner"), "Orders")
    given = left(monkeypatch)
    assert_no_new_findings(app)
    assert given[0] == ["Shop", "Shop/Inner"]


def test_no_finding_is_no_error(app: cdk.App, monkeypatch: pytest.MonkeyPatch) -> None:
    left(monkeypatch)
    assert_no_new_findings(app)


def nag(app: cdk.App) -> None:
    cdk.Validations.of(app).add_plugins(cdk_nag.AwsSolutionsChecks(app))


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> cdk.App:
    """Return an app that cdk-nag checks, with a stack and with a stage, each with a queue that fails."""
    monkeypatch.setattr("moorage.policy.engines.violations", lambda *_: frozenset())
    app = cdk.App(context=PATHS, analytics_reporting=False)
    nag(app)
    sqs.Queue(cdk.Stack(app, "Shop"), "Orders")
    stage = cdk.Stage(app, "production")
    web = cdk.Stack(stage, "Web")
    sqs.Queue(web, "Visits")
    sqs.Queue(cdk.NestedStack(web, "Inner"), "Clicks")
    return app


def test_the_findings_of_validation_plugins_are_in_the_message(checked: cdk.App) -> None:
    """CDK ends the synthesis with an error, and the test has a line for each issue instead."""
    said = message_of(checked)
    assert "nag:SQS" in said
    assert {"Shop/Orders/Resource", "production/Web/Visits/Resource"} <= set(re.findall(r"[\w/]+/Resource", said))


def test_only_the_findings_in_a_stage_or_a_stack_are_in_its_message(checked: cdk.App) -> None:
    stage: Any = checked.node.find_child("production")
    readable_template(stage)  # the stage is synthesized before the plugins of the app run
    assert set(re.findall(r"[\w/]+/Resource", message_of(stage))) == {
        "production/Web/Visits/Resource",
        "production/Web/Inner/Clicks/Resource",
    }
    inner: Any = stage.node.find_child("Web").node.find_child("Inner")
    assert set(re.findall(r"[\w/]+/Resource", message_of(inner))) == {"production/Web/Inner/Clicks/Resource"}


def test_acknowledgements_on_an_app_or_a_stage_are_named(checked: cdk.App) -> None:
    """CDK does not write them."""
    stage: Any = checked.node.find_child("production")
    given = cdk.Acknowledgment(id="moorage::sqs-dlq", reason="a test")
    for each in (checked, stage):
        cdk.Validations.of(each).acknowledge(given)
    for each, names in ((checked, "the app and production"), (stage.node.find_child("Web"), "the app and production")):
        assert message_of(each).splitlines()[-1].startswith(f"acknowledgements on {names} have no effect, since CDK")


def test_the_folder_of_an_assembly_is_read(checked: cdk.App) -> None:
    said = message_of(checked)
    assert message_of(Path(checked.outdir)) == message_of(checked.outdir) == said


@pytest.mark.parametrize("module", ["cfnlint", "cloudformation_validate", "cdklabs.cdk_validator_cfnguard"])
def test_without_the_engines_a_sentence_says_what_to_install(
    app: cdk.App, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> frozenset[Violation]:
        raise ModuleNotFoundError(f"No module named '{module}'", name=module)

    monkeypatch.setattr(findings, "_judged", fails)
    with pytest.raises(ModuleNotFoundError) as raised:
        assert_no_new_findings(app)
    assert str(raised.value) == (
        f'assert_no_new_findings needs moorage[review], which installs {module}: pip install "moorage[review]"'
    )
    assert raised.value.name == module


def test_a_missing_engine_is_found(app: cdk.App, stack: cdk.Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    sqs.Queue(stack, "Orders")
    monkeypatch.setitem(sys.modules, "cfnlint", None)
    for name in [name for name in sys.modules if name.startswith(("cfnlint.", "moorage.policy.cloudformation_lint"))]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ModuleNotFoundError, match=r"needs moorage\[review\], which installs cfnlint"):
        assert_no_new_findings(app)


ENTRY = '[[acknowledged]]\nid = "log-kms"\npath = "Shop/{path}"\nreason = "no personal data"\n{more}'


def test_what_the_file_acknowledges_is_no_error(
    app: cdk.App, stack: cdk.Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    logs.LogGroup(stack, "Orders", retention=logs.RetentionDays.ONE_YEAR)
    file = tmp_path / "acknowledged.toml"
    file.write_text(ENTRY.format(path="Orders", more=""))
    assert_no_new_findings(app)
    assert_no_new_findings(app, acknowledged=file)


def test_what_the_app_acknowledges_is_no_error(app: cdk.App, stack: cdk.Stack) -> None:
    group = logs.LogGroup(stack, "Orders", retention=logs.RetentionDays.ONE_YEAR)
    cdk.Validations.of(group).acknowledge(cdk.Acknowledgment(id="moorage::log-kms", reason="no personal data"))
    assert_no_new_findings(app)


def test_an_acknowledgement_of_no_use_is_an_error(app: cdk.App, stack: cdk.Stack, tmp_path: Path) -> None:
    sqs.Queue(stack, "Orders")
    file = tmp_path / "given.toml"
    old = ENTRY.format(path="*", more="until = 2020-01-31\n")
    file.write_text(f"{old}\n{ENTRY.format(path='Gone', more='')}")
    said = message_of(app, acknowledged=file).splitlines()[-2:]
    assert said == [
        f"{file}:1: the acknowledgement of log-kms for Shop/* expired on 2020-01-31; renew it or fix the finding",
        f"{file}:7: the acknowledgement of log-kms for Shop/Gone matches no finding; remove it",
    ]
    assert "Shop/Gone" not in message_of(stack, acknowledged=file), "the file is about the complete app"


def test_a_wrong_file_is_an_error(app: cdk.App, tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="missing.toml cannot be read"):
        assert_no_new_findings(app, acknowledged=tmp_path / "missing.toml")
