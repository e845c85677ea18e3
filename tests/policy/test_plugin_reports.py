"""The report of validation plugins: which one is read, and what counts as a finding."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import cdk_nag
import jsii
import pytest
from aws_cdk import aws_sqs as sqs

from moorage.assembly.cloud_assembly import Stack
from moorage.policy.plugin_reports import plugins_of, reported
from moorage.policy.violation import APP
from moorage.review import policy
from moorage.review.comparison import compare
from moorage.review.review import policy_review
from moorage.testing import assert_no_new_findings

UP = {"pluginName": "cdk-owner", "conclusion": "success", "violations": []}
VIOLATED = {"ruleName": "owner", "description": "There is no owner.", "violatingConstructs": []}


def assembly(folder: Path, *plugins: dict[str, Any], stage: str = "") -> Stack:
    """Write the report of an assembly, and return a stack of the assembly or of a stage inside it."""
    inner = folder / stage
    inner.mkdir(parents=True)
    (folder / "validation-report.json").write_text(json.dumps({"pluginReports": plugins}))
    (inner / "Shop.template.json").write_text("{}")
    return Stack("Shop", "Shop", None, None, {}, (), template_file=inner / "Shop.template.json")


@pytest.mark.parametrize(
    ("plugin", "rule", "message"),
    [
        ({**UP, "violations": [VIOLATED]}, "owner", "There is no owner."),
        ({**UP, "violations": [{**VIOLATED, "violatingConstructs": [{"constructPath": ""}]}]}, "owner", "There is no"),
        ({**UP, "violations": [{**VIOLATED, "description": None}]}, "owner", ""),
        ({**UP, "conclusion": "failure"}, "failed", "the plugin cdk-owner failed and reported no violation"),
        ({**UP, "conclusion": "failure", "metadata": {"error": "no server"}}, "failed", "no server"),
    ],
)
def test_what_names_no_construct_is_a_finding_about_the_app(
    tmp_path: Path, plugin: dict[str, Any], rule: str, message: str
) -> None:
    (found,) = reported([assembly(tmp_path / "cdk.out", plugin)])
    assert (found.rule, found.path) == (f"cdk-owner:{rule}", APP)
    assert found.message.startswith(message)


def test_a_plugin_without_violations_ran(tmp_path: Path) -> None:
    stack = assembly(tmp_path / "cdk.out", UP, {**UP, "pluginName": "AwsSolutions"})
    assert not reported([stack])
    assert plugins_of([stack]) == {"cdk-owner", "nag"}


def test_a_report_beside_the_assembly_belongs_to_another_one(tmp_path: Path) -> None:
    assembly(tmp_path / "other", {**UP, "violations": [VIOLATED]})
    (tmp_path / "other" / "manifest.json").write_text(json.dumps({"artifacts": {}}))
    assert reported([assembly(tmp_path / "other" / "cdk.out")]) == frozenset()


def test_the_app_is_the_subject_of_the_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("moorage.policy.engines.violations", lambda *_: frozenset())
    (finding,) = policy_review([assembly(tmp_path / "cdk.out", {**UP, "violations": [VIOLATED]})], (), "x").findings
    assert finding.sentence == "The app violates a policy rule: There is no owner."


def test_a_plugin_that_fails_on_both_sides_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its findings are unknown, so the change may add some."""
    monkeypatch.setattr("moorage.policy.engines.violations", lambda *_: frozenset())
    sides = [assembly(tmp_path / name, {**UP, "conclusion": "failure"}) for name in ("base", "head")]
    found, _ = policy.policy_findings(compare(sides[:1], sides[1:]))
    assert [finding.rule for finding in found] == ["policy/cdk-owner:failed"]


@jsii.implements(cdk.IPolicyValidationPlugin)
class _Crashing:
    @property
    def name(self) -> str:
        return "crashing"

    def validate(self, _: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        raise RuntimeError("there is no server")


def test_a_plugin_that_crashes_fails_the_assertion(
    app: cdk.App, stack: cdk.Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("moorage.policy.engines.violations", lambda *_: frozenset())
    cdk.CfnWaitConditionHandle(stack, "Handle")
    cdk.Validations.of(app).add_plugins(_Crashing())  # type: ignore[arg-type]  # the other members are optional
    for each in (app, stack):
        with pytest.raises(AssertionError, match="there is no server"):
            assert_no_new_findings(each)


def test_the_findings_in_a_stage_inside_a_stage_are_read(app: cdk.App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("moorage.policy.engines.violations", lambda *_: frozenset())
    cdk.Validations.of(app).add_plugins(cdk_nag.AwsSolutionsChecks())
    inner = cdk.Stage(cdk.Stage(app, "one"), "two")
    sqs.Queue(cdk.Stack(inner, "Shop"), "Orders")
    for each in (app, inner):
        with pytest.raises(AssertionError, match="nag:SQS4"):
            assert_no_new_findings(each)


def test_an_acknowledgement_on_a_nested_stack_counts_in_its_own_check(
    app: cdk.App, stack: cdk.Stack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("shutil.which", lambda _: None)
    inner = cdk.NestedStack(stack, "Inner")
    sqs.Queue(inner, "Orders", enforce_ssl=True)
    given = [cdk.Acknowledgment(id=f"moorage::{each}", reason="a test") for each in ("sqs-dlq", "sqs-kms")]
    cdk.Validations.of(inner).acknowledge(*given)
    (tmp_path / "none.toml").touch()
    for each in (app, stack, inner):
        assert_no_new_findings(each, acknowledged=tmp_path / "none.toml")
