"""Two revisions have the same templates, or each different value is reported with its resource."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tools.same_templates.__main__ import main
from tools.same_templates.assemblies import content_digest, read_programs, without_unused_metadata
from tools.same_templates.comparison import Difference, differences, report

TEMPLATE: dict[str, dict[str, Any]] = {
    "Parameters": {"Port": {"Type": "Number", "Default": 80}},
    "Resources": {
        "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 365}, "DeletionPolicy": "Retain"},
        "Rule": {"Type": "AWS::Events::Rule", "Properties": {"Targets": [{"Id": "1"}]}, "DependsOn": ["Logs"]},
        "Code": {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"S3Key": "<asset 1a>.zip"}}},
        "Inline": {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"ZipFile": "pass  # old"}}},
    },
    "Outputs": {"Name": {"Value": {"Ref": "Logs"}}},
}

IMPORTS = "import aws_cdk as cdk\nfrom moorage import HTTP, PORT\n"
DEFINE = "cdk.CfnResource(cdk.Stack(app, 'Shop'), 'Port', type='AWS::SSM::Parameter', properties=dict(Value=str({})))"


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        ("Resources.Logs.Properties.RetentionInDays", 30, "changed {}: 365 -> 30"),
        ("Resources.Logs.Properties.RetentionInDays", "365", 'changed {}: 365 -> "365"'),
        ("Resources.Logs.Properties.RetentionInDays", None, "removed {}: 365"),
        ("Resources.Logs.Properties.KmsKeyId", "key", 'added   {}: "key"'),
        ("Resources.Logs.DeletionPolicy", "Delete", 'changed {}: "Retain" -> "Delete"'),
        ("Resources.Logs.Type", "AWS::SQS::Queue", 'changed {}: "AWS::Logs::LogGroup" -> "AWS::SQS::Queue"'),
        (
            "Resources.Logs.Metadata",
            {"AWS::CloudFormation::Init": {}},
            'added   {}: {{"AWS::CloudFormation::Init": {{}}}}',
        ),
        ("Resources.Rule.DependsOn", None, 'removed {}: ["Logs"]'),
        ("Resources.Rule.DependsOn", ["Logs", "Code"], 'added   {}[1]: "Code"'),
        ("Resources.Rule.Properties.Targets", [{"Id": "2"}], 'changed {}[0].Id: "1" -> "2"'),
        ("Resources.Rule.Properties.Targets", [], 'removed {}[0]: {{"Id": "1"}}'),
        ("Resources.Queue", {"Type": "AWS::SQS::Queue"}, 'added   {}: {{"Type": "AWS::SQS::Queue"}}'),
        ("Resources.Code.Properties.Code.S3Key", "<asset 2b>.zip", 'asset   {}: "<asset 1a>.zip" -> "<asset 2b>.zip"'),
        ("Resources.Code.Properties.Code.S3Key", "<asset 1a>.jar", 'changed {}: "<asset 1a>.zip" -> "<asset 1a>.jar"'),
        ("Resources.Inline.Properties.Code.ZipFile", "pass  # new", 'asset   {}: "pass  # old" -> "pass  # new"'),
        ("Outputs.Name.Value.Ref", "Rule", 'changed {}: "Logs" -> "Rule"'),
        ("Parameters.Port.Default", 443, "changed {}: 80 -> 443"),
        ("Conditions", {"Is": True}, 'added   {}: {{"Is": true}}'),
    ],
)
def test_a_difference_is_shown_with_its_path_and_both_values(path: str, value: Any, line: str) -> None:
    assert [str(each) for each in compared(TEMPLATE, with_value(path, value))] == [line.format(path)]


def test_templates_that_differ_only_in_the_order_of_keys_are_equal() -> None:
    assert compared(TEMPLATE, dict(reversed(TEMPLATE.items()))) == []


def test_a_renamed_logical_id_is_one_removed_and_one_added_resource() -> None:
    renamed = {name.replace("Logs", "NewLogs"): resource for name, resource in TEMPLATE["Resources"].items()}
    found = compared(TEMPLATE, {**TEMPLATE, "Resources": renamed})
    assert {(each.kind, each.path[-1]) for each in found} == {("removed", "Logs"), ("added", "NewLogs")}


def test_a_long_value_is_shown_from_its_first_difference() -> None:
    shown = str(Difference(("app", "Shop", "Body"), "a" * 500 + "old" + "b" * 500, "a" * 500 + "new" + "b" * 500))
    assert "aaaold" in shown
    assert "aaanew" in shown
    assert len(shown) < 400


def test_the_report_names_program_and_stack_and_ends_with_the_counts() -> None:
    base = {"app": {"Shop": TEMPLATE}, "example old": {"Shop": TEMPLATE}}
    head = {"app": {"Shop": with_value("Parameters.Port.Default", 443), "More": TEMPLATE}}
    assert report(base, head, list(differences(base, head))).splitlines() == [
        "app, stack Shop:",
        "  changed Parameters.Port.Default: 80 -> 443",
        "app, stack More:",
        "  added   the stack",
        "example old:",
        "  removed the program",
        "2 programs, 3 stacks, 12 resources compared: 3 differences (1 added, 1 removed, 1 changed, 0 asset)",
    ]


def test_only_metadata_that_cloudformation_reads_is_compared() -> None:
    used: dict[str, Any] = {"AWS::CloudFormation::Init": {"config": {}}}
    template = {
        "Metadata": {"cfn-lint": {}},
        "Resources": {
            "Group": {"Metadata": {"aws:cdk:path": "/tmp/1", **used}, "Properties": {"Metadata": {"own": 1}}},
            "Logs": {"Metadata": {"aws:asset:path": "/tmp/1"}},
        },
    }
    assert without_unused_metadata(template) == {
        "Resources": {"Group": {"Metadata": used, "Properties": {"Metadata": {"own": 1}}}, "Logs": {}}
    }


def test_an_asset_is_compared_by_its_content_and_not_by_its_hash(tmp_path: Path) -> None:
    for side, digit, code in (("base", "a", "pass"), ("head", "b", "pass"), ("other", "c", "return")):
        write_assembly(tmp_path / side / "app", digit * 64, code)
    base, head, other = (read_programs(tmp_path / side) for side in ("base", "head", "other"))
    assert list(differences(base, head)) == []
    assert [each.kind for each in differences(base, other)] == ["asset"]


def test_the_content_of_a_folder_includes_the_names_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("pass")
    before = content_digest(tmp_path)
    (tmp_path / "one.py").rename(tmp_path / "two.py")
    assert content_digest(tmp_path) != before


@pytest.mark.slow
def test_each_revision_runs_its_own_programs_with_its_own_moorage(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs = repository / "tests" / "policy" / "jobs.py"
    jobs.parent.mkdir()
    (repository / "tests" / "test_policy.py").rename(jobs)
    write(repository / "constructs" / "moorage" / "__init__.py", "HTTP = 80\nPORT = 443")
    assert main(["v1", "."]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "app, stack Shop:",
        '  changed Resources.Port.Properties.Value: "80" -> "443"',
        "job web, stack Shop:",
        '  changed Resources.Port.Properties.Value: "80" -> "443"',
        "3 programs, 3 stacks, 3 resources compared: 2 differences (0 added, 0 removed, 2 changed, 0 asset)",
    ]


def test_a_moorage_of_another_tree_is_refused(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / "constructs" / "moorage" / "__init__.py").unlink()
    assert main([".", "."]) == 2
    assert "moorage must come from" in capsys.readouterr().err


@pytest.mark.usefixtures("repository")
def test_an_unknown_revision_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["v1", "v9"]) == 2
    assert capsys.readouterr().err == "v9 must be a git revision, or . for the working tree\n"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository with an app, an example and a policy job.

    Its moorage is two numbers; v1 is its only commit.
    """
    write(tmp_path / "cdk.json", '{"context": {}}')
    write(tmp_path / "app.py", f"{IMPORTS}app = cdk.App()\n{DEFINE.format('PORT')}\napp.synth()\n")
    write(tmp_path / "examples" / "web.py", f"{IMPORTS}app = cdk.App()\n{DEFINE.format('HTTP')}\napp.synth()\n")
    job = f"def web(app):\n    {DEFINE.format('PORT')}\n\nJOBS = {{'web': web}}\n"
    write(tmp_path / "tests" / "test_policy.py", f"{IMPORTS}{job}")
    write(tmp_path / "constructs" / "moorage" / "__init__.py", "HTTP = PORT = 80")
    for command in ("init", "add .", "-c user.name=a -c user.email=a@example.com commit --message v1", "tag v1"):
        subprocess.run(["git", *command.split()], cwd=tmp_path, check=True, capture_output=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def compared(base: dict[str, Any], head: dict[str, Any]) -> list[Difference]:
    return list(differences({"app": {"Shop": base}}, {"app": {"Shop": head}}))


def with_value(path: str, value: Any) -> dict[str, Any]:
    """Return the template with one value set, or removed if the value is None."""
    template: dict[str, Any] = json.loads(json.dumps(TEMPLATE))
    *parents, last = path.split(".")
    holder = template
    for parent in parents:
        holder = holder[parent]
    holder[last] = value
    if value is None:
        del holder[last]
    return template


def write_assembly(assembly: Path, asset: str, code: str) -> None:
    artifact = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://unknown-account/unknown-region",
        "properties": {"templateFile": "Shop.template.json"},
    }
    template = {"Resources": {"Code": {"Properties": {"Code": {"S3Key": f"{asset}.zip"}}}}}
    source = {"path": f"asset.{asset}", "packaging": "zip"}
    write(assembly / "manifest.json", json.dumps({"artifacts": {"Shop": artifact}}))
    write(assembly / "Shop.template.json", json.dumps(template))
    write(assembly / "Shop.assets.json", json.dumps({"files": {asset: {"source": source}}}))
    write(assembly / f"asset.{asset}" / "index.py", code)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
