"""Context lookups of an app are answered by the local AWS in a folder of the home, or reported in a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from moorage.assembly.cloud_assembly import Stack
from moorage.local import lookups
from moorage.local.account import by_account
from moorage.local.environment import Access
from moorage.local.lookups import UnansweredError
from moorage.local.next_steps import call, shell_lines


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "a project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize(
    ("app", "command"),
    [
        ("python app.py", "cd '{project}' && python app.py"),
        ("npx ts-node --prefer-ts-exts bin/app.ts", "cd '{project}' && npx ts-node --prefer-ts-exts bin/app.ts"),
        ("app.js", "cd '{project}' && node '{project}/app.js'"),
        ("run.sh", "cd '{project}' && '{project}/run.sh'"),
        ("made", "{project}/made"),
    ],
)
def test_an_app_runs_in_its_own_folder(app: str, command: str, project: Path) -> None:
    (project / "app.js").write_text("")
    (project / "run.sh").write_text("")
    (project / "run.sh").chmod(0o700)
    (project / "made").mkdir()
    assert lookups.command(app) == command.format(project=project)


def test_the_cli_synthesizes_in_a_folder_with_copies_of_its_files(project: Path, tmp_path: Path) -> None:
    settings = {"app": "python app.py", "build": "make", "plugin": ["./own", "cdk-plugin"], "context": {"a": 1}}
    (project / "cdk.json").write_text(json.dumps(settings))
    (project / "cdk.context.json").write_text('{"stated": "by the user"}')
    folder = lookups.prepared(tmp_path)
    moved = json.loads((folder / "cdk.json").read_text())
    assert moved["build"] == f"cd '{project}' && make"
    assert moved["plugin"] == [str(project / "own"), "cdk-plugin"]
    assert moved["context"] == {"a": 1}
    (folder / "cdk.context.json").write_text('{"answered": "here"}')
    (project / "cdk.json").unlink()
    folder = lookups.prepared(tmp_path)
    assert json.loads((folder / "cdk.context.json").read_text()) == {"stated": "by the user"}
    assert not (folder / "cdk.json").exists()


def test_a_lookup_without_an_answer_is_named(tmp_path: Path) -> None:
    asked = {"account": "111111111111", "region": "eu-west-1", "filter": {"tag:Name": "shared"}, "dummyValue": 1}
    missing = [{"key": str(number), "provider": "vpc-provider", "props": asked} for number in range(5)]
    (tmp_path / "manifest.json").write_text(json.dumps({"missing": missing}))
    with pytest.raises(UnansweredError, match="the local AWS: vpc-provider in 111111111111 eu-west-1 with") as found:
        lookups.require_answered(tmp_path)
    assert '{"filter": {"tag:Name": "shared"}}' in str(found.value)
    assert "; 2 more. " in str(found.value)
    assert set(found.value.places) == {("111111111111", "eu-west-1")}


@pytest.mark.parametrize("manifest", ["{}", "[]", "{", '{"missing": []}'])
def test_other_errors_of_an_app_are_not_reported_as_lookups(manifest: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(manifest)
    lookups.require_answered(tmp_path)
    lookups.require_answered(tmp_path / "nowhere")


def test_shell_commands_name_the_deployed_accounts_and_regions() -> None:
    reached, places = Access("http://127.0.0.1:4566", "secret"), [("111111111111", "eu-west-1")] * 2
    *_, line, command = shell_lines(reached, Path("a home/secret"), places)
    assert line.startswith("export AWS_ACCESS_KEY_ID=111111111111 AWS_SECRET_ACCESS_KEY=\"$(cat 'a home/secret')\" ")
    assert "AWS_REGION=eu-west-1 AWS_DEFAULT_REGION=eu-west-1 AWS_ENDPOINT_URL=http://127.0.0.1:4566" in line
    assert command == call("ecs", "list-clusters")
    assert "=000000000000 " in shell_lines(reached, Path("secret"), [])[-2]


def _stack(name: str, account: str | None, qualifier: str | None = None) -> Stack:
    version = {"Default": f"/cdk-bootstrap/{qualifier}/version"} if qualifier else None
    template = {"Parameters": {"BootstrapVersion": version}} if version else {}
    return Stack(name, name, account, None, template, ())


def test_consecutive_stacks_of_one_account_are_deployed_together() -> None:
    stacks = [_stack("A", None), _stack("B", "1" * 12), _stack("C", "1" * 12), _stack("D", None)]
    groups = [(account, [stack.name for stack in group]) for account, group in by_account(stacks)]
    assert groups == [("0" * 12, ["A"]), ("1" * 12, ["B", "C"]), ("0" * 12, ["D"])]


def test_only_a_qualifier_other_than_the_default_is_reported() -> None:
    assert _stack("A", None, "shop").qualifier == "shop"
    assert _stack("A", None, "hnb659fds").qualifier is None
    assert _stack("A", None).qualifier is None
