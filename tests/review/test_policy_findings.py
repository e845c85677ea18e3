"""The findings of policy engines that the head has and the base has not."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import attrs
import pytest

from moorage.assembly.cloud_assembly import AssemblyError, Stack
from moorage.assembly.stack_traces import Line
from moorage.policy import cloudformation_lint, engines, plugin_reports
from moorage.policy.acknowledgements import Acknowledgement
from moorage.policy.violation import PolicyError, Violation
from moorage.review import policy
from moorage.review.comparison import compare
from moorage.review.finding import Kind
from tests.review.templates import compared

LOGS = {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 400}}
BUCKET = {"Type": "AWS::S3::Bucket"}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("shutil.which", lambda _: None)  # checkov takes seconds
    return tmp_path / "cache" / "moorage" / "policy"


def test_only_new_violations_are_found() -> None:
    found, old = policy.policy_findings(compared({"Shop": {"A": LOGS}}, {"Shop": {"A": LOGS, "B": LOGS}}))
    (finding,) = found
    assert (finding.kind, finding.rule, finding.path) == (Kind.POLICY, "policy/log-kms", "Shop/B")
    assert finding.sentence == (
        "Shop/B newly violates a policy rule: Require an Amazon CloudWatch log group to be encrypted at rest with an "
        "AWS KMS key (CT.CLOUDWATCH.PR.3)."
    )
    assert finding.details[0] == "To fix it, set `KmsKeyId` of the log group to a key of your own, which AWS bills."
    assert finding.details[1] == "Rules: guard:cloudwatch_log_group_encrypted_check (issue log-kms)."
    assert old == 1


def test_a_renamed_construct_keeps_its_violations() -> None:
    properties = {"RetentionInDays": 400, "LogGroupClass": "STANDARD", "DataProtectionPolicy": {}}
    one, other = {"A": {**LOGS, "Properties": properties}}, {"B": {**LOGS, "Properties": properties}}
    assert policy.policy_findings(compared({"Shop": one}, {"Shop": other})) == ([], 1)


def test_the_results_are_kept_by_template(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    comparison = compared({}, {"Shop": {"A": LOGS}})
    once = policy.policy_findings(comparison)
    assert len(list(cache.iterdir())) == 1
    monkeypatch.setattr(engines, "_guard", lambda _: pytest.fail("the engine runs again"))
    assert [each.sentence for each in policy.policy_findings(comparison)[0]] == [each.sentence for each in once[0]]


def test_a_result_that_cannot_be_read_is_made_again(cache: Path) -> None:
    comparison = compared({}, {"Shop": {"A": LOGS}})
    policy.policy_findings(comparison)
    (file,) = cache.iterdir()
    file.write_text("[[")
    assert len(policy.policy_findings(comparison)[0]) == 1


def test_nothing_is_kept_without_a_home(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CACHE_HOME", "HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    assert len(policy.policy_findings(compared({}, {"Shop": {"A": LOGS}}))[0]) == 1
    assert not cache.exists()


def report(folder: Path, *rules: str) -> Stack:
    folder.mkdir()
    constructs = [{"constructPath": "Shop/Data/Resource"}]
    violations = [
        {"ruleName": f"AwsSolutions-{rule}", "description": "Why.", "violatingConstructs": constructs} for rule in rules
    ]
    (folder / "validation-report.json").write_text(
        json.dumps({"pluginReports": [{"pluginName": "AwsSolutions", "violations": violations}]})
    )
    template = {"Resources": {"Data": {**BUCKET, "Metadata": {"aws:cdk:path": "Shop/Data/Resource"}}}}
    (folder / "Shop.template.json").write_text(json.dumps(template))
    return Stack("Shop", "Shop", None, None, template, (), template_file=folder / "Shop.template.json")


def test_the_reports_of_both_sides_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "violations", lambda *_: frozenset())
    base, head = report(tmp_path / "base", "S1"), report(tmp_path / "head", "S1", "S99")
    found, old = policy.policy_findings(compare([base], [head]))
    assert [finding.rule for finding in found] == ["policy/nag:S99"]
    assert old == 1


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"pluginReports": [{}]}'])
def test_a_broken_report_is_a_sentence(tmp_path: Path, text: str) -> None:
    stack = report(tmp_path / "base")
    (tmp_path / "base" / "validation-report.json").write_text(text)
    with pytest.raises(AssemblyError, match="is not a validation report of CDK"):
        plugin_reports.reported([stack])


@pytest.mark.parametrize(
    ("script", "said"),
    [("echo no room >&2; exit 3", "no room"), ("echo '{'", "it printed no JSON"), ("echo []", "it printed no JSON")],
)
def test_a_checkov_that_fails_is_a_sentence(tmp_path: Path, script: str, said: str) -> None:
    program = tmp_path / "checkov"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    with pytest.raises(PolicyError, match=rf"checkov failed \({said}\); repair checkov, or remove it from the PATH"):
        list(engines.checkov([report(tmp_path / "base")], str(program)))


@pytest.mark.parametrize("value", [None, [], "x", {"Fn::If": ["A", {}, {}]}])
def test_strange_templates_are_checked(value: Any) -> None:
    engines.violations([Stack("S", "S", None, None, {"Resources": {"A": {**BUCKET, "Properties": value}}}, ())])


@pytest.mark.parametrize("metadata", ["x", ["x"], 3])
def test_a_template_that_breaks_cfn_lint_has_a_finding(metadata: Any) -> None:
    found = engines.violations(
        [Stack("S", "Shop", None, None, {"Resources": {"A": {**BUCKET, "Metadata": metadata}}}, ())]
    )
    assert {each.path for each in found if each.rule.startswith("cfn-lint:E0")} <= {"Shop"}
    assert [each for each in found if each.rule.startswith("guard:")]


def test_a_configuration_of_cfn_lint_hides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither does a broken one end the check."""
    monkeypatch.chdir(tmp_path)
    stack = Stack("S", "Shop", None, "eu-west-1", {"Resources": {"A": {**BUCKET, "Properties": {"Unknown": "x"}}}}, ())
    for text in ("ignore_checks: [E, W]\n", "ignore_checks: [\n"):
        (tmp_path / ".cfnlintrc").write_text(text)
        cloudformation_lint._runner.cache_clear()
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / str(len(text))))
        assert "cfn-lint:E3002" in {each.rule for each in engines.violations([stack])}


@pytest.mark.parametrize("text", ["[[1, 2, 3]]", '[["a", "b"]]', "[3]", "{}x"])
def test_a_strange_cache_is_made_again(cache: Path, text: str) -> None:
    stack = Stack("S", "Shop", None, None, {"Resources": {"A": BUCKET}}, ())
    before = engines.violations([stack])
    (file,) = cache.iterdir()
    file.write_text(text)
    assert engines.violations([stack]) == before


def test_an_entry_of_the_head_that_is_of_no_use_is_a_finding() -> None:
    place = Line("acknowledged.toml", 4)
    stale = Acknowledgement("log-kms", "Shop/Gone", "a test", place=place)
    expired = attrs.evolve(stale, path="Shop/A", until=datetime.date(2020, 1, 1))
    comparison = compared({"Shop": {"A": LOGS}}, {"Shop": {"A": LOGS}})
    found, _ = policy.policy_findings(comparison, [stale, expired], [expired])
    assert {each.rule for each in found} == {"policy/acknowledgement-stale", "policy/acknowledgement-expired"}
    assert {each.line for each in found} == {place}
    assert policy.policy_findings(comparison, [], [stale, expired])[0] == []
    assert policy.policy_findings(comparison, [stale, expired], [], complete=False)[0] == []


@pytest.mark.parametrize("resource", [None, 3, {"Type": 5}])
def test_templates_that_cfn_lint_refuses_have_findings(resource: Any) -> None:
    found = engines.violations([Stack("S", "Shop", None, None, {"Resources": {"A": resource}}, ())])
    assert {each.path for each in found if each.rule.startswith("cfn-lint:")} == {"Shop"}


def test_the_same_violation_with_another_message_is_the_same() -> None:
    assert Violation("nag:S1", "Shop", "one") == Violation("nag:S1", "Shop", "other")


def accepts(path: str) -> Acknowledgement:
    return Acknowledgement("log-kms", path, "no personal data", place=Line("acknowledged.toml", 1))


def test_a_finding_that_the_head_no_longer_acknowledges_is_new() -> None:
    comparison = compared({"Shop": {"A": LOGS}}, {"Shop": {"A": LOGS}})
    found, old = policy.policy_findings(comparison, (), [accepts("Shop/A")])
    assert [finding.rule for finding in found] == ["policy/log-kms"]
    assert old == 0
    assert policy.policy_findings(comparison, [accepts("Shop/A")], [accepts("Shop/A")]) == ([], 0)
    assert policy.policy_findings(comparison, [accepts("Shop/A")]) == ([], 0)
