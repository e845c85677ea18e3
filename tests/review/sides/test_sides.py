"""The sides of a review: assemblies, revisions in worktrees of their own, and the working tree."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from moorage.assembly.cloud_assembly import NEWEST_SCHEMA, AssemblyError, Stack
from moorage.assembly.stack_traces import Line
from moorage.assembly.synthesis import Program, Synthesis, SynthesisError, synthesizing
from moorage.policy.violation import PolicyError
from moorage.review.sides.revisions import ReviewError
from moorage.review.sides.sides import Side, read
from tests.review.apps import App


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> App:
    """Return an app with two commits: the topic is named `old`, then `new`."""
    app = App(tmp_path / "shop")
    app.set(name="old")
    app.commit()
    app.set(name="new")
    app.commit()
    monkeypatch.chdir(app.folder)
    return app


def topic(side: Side | None) -> Any:
    """Return the name of the topic of a side."""
    assert side is not None
    assert side.stacks is not None
    (stack,) = side.stacks
    (resource,) = stack.resources
    return resource.properties["TopicName"]


def topics(base: str, head: str, app: str | None = None) -> tuple[Any, Any]:
    with read(base, head, app) as (before, after):
        return topic(before), topic(after)


def environment(side: Side | None) -> dict[str, str]:
    """Return the variables with which a side was synthesized."""
    assert side is not None
    assert side.stacks is not None
    file = side.stacks[0].template_file
    assert file is not None
    found: dict[str, str] = json.loads((file.parent / "environment.json").read_text())
    return found


@pytest.mark.parametrize("base", ["HEAD~1", "v1", "main~1", "hash"])
def test_a_revision_is_synthesized_as_it_is_committed(shop: App, base: str) -> None:
    shop.git("tag", "v1", "HEAD~1")
    shop.set(name="not committed")
    name = shop.git("rev-parse", "HEAD~1").strip()[:10] if base == "hash" else base
    assert topics(name, "HEAD") == ("old", "new")


def test_the_working_tree_is_synthesized_as_it_is(shop: App) -> None:
    shop.set(name="not committed")
    assert topics("HEAD", ".") == ("new", "not committed")


def test_the_users_files_index_and_assembly_are_not_touched(shop: App) -> None:
    (shop.folder / "cdk.out").mkdir()
    (shop.folder / "cdk.out" / "manifest.json").write_text("the user's")
    shop.set(name="staged")
    shop.git("add", "--all")
    shop.set(name="not staged")
    before = shop.state
    assert topics("HEAD~1", ".") == ("old", "not staged")
    assert shop.state == before


def test_no_hook_of_the_user_is_run(shop: App, tmp_path: Path) -> None:
    hook = shop.root / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    topics("HEAD~1", "HEAD")
    assert not (tmp_path / "ran").exists()


def test_a_review_in_a_hook_does_not_touch_the_index_of_the_commit(shop: App, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"GIT_DIR": ".git", "GIT_INDEX_FILE": ".git/index"}.items():
        monkeypatch.setenv(name, value)
    index = (shop.root / ".git" / "index").read_bytes()
    with read("HEAD~1", "HEAD") as (before, after):
        assert (topic(before), topic(after)) == ("old", "new")
        assert not {"GIT_DIR", "GIT_INDEX_FILE"} & set(environment(after))
    assert (shop.root / ".git" / "index").read_bytes() == index


def test_an_app_in_a_folder_of_the_repository_is_run_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = App(tmp_path / "shop", folder="infrastructure/app")
    app.set(name="old")
    app.commit()
    app.set(name="new")
    monkeypatch.chdir(app.folder)
    with read("HEAD", ".") as (before, after):
        assert (topic(before), topic(after)) == ("old", "new")
        assert before is not None
        assert [str(stack.resources[0].line) for stack in (*(before.stacks or ()), *(after.stacks or ()))] == [
            "infrastructure/app/app.py:7"
        ] * 2


def test_a_base_that_has_no_app_yet_has_no_stacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = App(tmp_path / "shop", folder="app")
    app.git("add", ".gitignore")
    app.git("commit", "--quiet", "--message", "first")
    app.commit()
    monkeypatch.chdir(app.folder)
    with read("HEAD~1", "HEAD") as (before, after):
        assert before == Side("HEAD~1", None) or (before and before.stacks is None)
        assert topic(after) == "orders"


ENTRY = '[[acknowledged]]\nid = "sns-encryption"\npath = "Shop/{path}"\nreason = "public"\n'


def accepted(base: str, head: str, file: Path | None = None) -> tuple[list[str], list[str]]:
    """Return the paths of the acknowledgements in the files of both sides."""
    with read(base, head, None, file) as (before, after):
        assert before
        return [each.path for each in before.acknowledged], [each.path for each in after.acknowledged]


def test_each_commit_has_its_own_file_of_acknowledgements(shop: App) -> None:
    file = shop.folder / "acknowledged.toml"
    for path in ("Old", "New"):
        file.write_text(ENTRY.format(path=path))
        shop.commit()
    file.write_text(ENTRY.format(path="Now"))
    assert accepted("HEAD~1", "HEAD") == (["Shop/Old"], ["Shop/New"])
    assert accepted("HEAD", ".") == (["Shop/New"], ["Shop/Now"])
    assert accepted("HEAD~2", "HEAD") == ([], ["Shop/New"]), "the first commit has no file"
    (shop.folder / "other.toml").write_text(ENTRY.format(path="Other"))
    shop.commit()
    assert accepted("HEAD~1", "HEAD", Path("other.toml")) == ([], ["Shop/Other"])


def test_the_lines_of_a_file_are_relative_to_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = App(tmp_path / "mono", "infra")
    app.commit()
    (app.folder / "acknowledged.toml").write_text(ENTRY.format(path="Old"))
    app.commit()
    monkeypatch.chdir(app.folder)
    with read("HEAD", ".", None, None) as (before, after):
        assert before
        places = {each.place for side in (before, after) for each in side.acknowledged}
    assert places == {Line("infra/acknowledged.toml", 1)}


def test_a_wrong_file_is_an_error_only_in_the_head(shop: App) -> None:
    file = shop.folder / "acknowledged.toml"
    file.write_text("[[")
    shop.commit()
    with pytest.raises(PolicyError, match=r"^acknowledged\.toml of HEAD is not valid TOML"):
        accepted("HEAD~1", "HEAD")
    file.write_text(ENTRY.format(path="New"))
    shop.commit()
    assert accepted("HEAD~1", "HEAD") == ([], ["Shop/New"])
    with pytest.raises(PolicyError, match=r"^missing\.toml of HEAD cannot be read"):
        accepted("HEAD~1", "HEAD", Path("missing.toml"))


def test_a_head_without_an_app_is_an_error(shop: App) -> None:
    (shop.folder / "cdk.json").unlink()
    with pytest.raises(
        ReviewError, match=r"^the working tree has no cdk.json that defines an app; run moorage in the folder of"
    ):
        topics("HEAD", ".")
    shop.commit()
    (shop.root / "other").mkdir()
    os.chdir(shop.root / "other")
    with pytest.raises(ReviewError, match=r"^HEAD has no cdk.json that defines an app in other; run moorage"):
        topics("HEAD~1", "HEAD")


def test_a_command_takes_the_place_of_the_app_in_cdk_json(shop: App) -> None:
    (shop.folder / "cdk.json").write_text('{"app": "exit 9"}')
    shop.commit()
    assert topics("HEAD", ".", f"{sys.executable} app.py") == ("new", "new")


def test_the_build_of_cdk_json_runs_before_the_app(shop: App) -> None:
    build = """echo '{"name": "built"}' > settings.json"""
    (shop.folder / "cdk.json").write_text(json.dumps({"app": f"{sys.executable} app.py", "build": build}))
    shop.commit()
    assert topics("HEAD~1", "HEAD") == ("new", "built")


@pytest.mark.usefixtures("shop")
def test_an_assembly_is_read_where_it_is(tmp_path: Path) -> None:
    assembly = written(tmp_path / "cdk.out")
    before = {path: path.read_bytes() for path in assembly.iterdir()}
    assert topics(str(assembly), "HEAD") == ("from a file", "new")
    assert {path: path.read_bytes() for path in assembly.iterdir()} == before


def test_a_folder_that_is_an_assembly_goes_before_a_branch_of_its_name(shop: App) -> None:
    written(shop.folder / "same")
    shop.git("branch", "same")
    assert topics("same", "refs/heads/same") == ("from a file", "new")


def test_a_branch_goes_before_a_folder_that_is_no_assembly(shop: App) -> None:
    (shop.folder / "docs").mkdir()
    shop.git("branch", "docs", "HEAD~1")
    assert topics("docs", "HEAD") == ("old", "new")


def test_the_files_of_an_assembly_are_relative_to_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assembly = written(tmp_path / "cdk.out", trace=f"<module> ({tmp_path}/app.py:5)")
    monkeypatch.chdir(tmp_path)
    with read(None, str(assembly)) as (_, after):
        assert str((after.stacks or ())[0].resources[0].line) == "app.py:5"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with read(None, str(assembly)) as (_, after):
        assert str((after.stacks or ())[0].resources[0].line) == f"{tmp_path}/app.py:5"


# ---- what is not a side


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "nothing",
            r"^nothing is neither a folder nor a revision of this repository; write the folder with `cdk synth`",
        ),
        ("--upload-pack", r"^--upload-pack is neither a folder nor a revision"),
        ("", r"^'' is neither a folder nor a revision"),
        ("app.py", r"^app.py is a file; give the folder that `cdk synth` wrote"),
        ("empty", r"^empty is not a cloud assembly: it has no manifest.json; synthesize it"),
        ("HEAD:app.py", "neither a folder nor a revision"),
    ],
)
def test_what_is_no_side_is_named(shop: App, name: str, said: str) -> None:
    (shop.folder / "empty").mkdir()
    with pytest.raises(ReviewError, match=said):
        topics(name, "HEAD")


def test_a_revision_without_a_repository_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ReviewError, match="there is no folder main, and the current folder is not in a git repository"):
        topics("main", ".")


def test_a_working_tree_needs_no_repository(shop: App, tmp_path: Path) -> None:
    (shop.root / ".git").rename(tmp_path / "no-git")
    assembly = written(tmp_path / "cdk.out")
    assert topics(str(assembly), ".") == ("from a file", "new")


# ---- bad assemblies


def test_an_assembly_of_a_newer_schema_is_an_error(tmp_path: Path) -> None:
    newest, newer = (written(tmp_path / str(number), version=NEWEST_SCHEMA + number) for number in (0, 1))
    assert topics(str(newest), str(newest)) == ("from a file", "from a file")
    said = (
        f"^{newer} has version {NEWEST_SCHEMA + 1} of the cloud assembly schema, and this version of moorage reads up "
        f"to version {NEWEST_SCHEMA}; install a newer version of moorage$"
    )
    with pytest.raises(ReviewError, match=said):
        topics(str(newest), str(newer))


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("Shop.template.json", '{\n"Resources": ', r"\(Shop.template.json is not valid JSON: .*line 2 column 14"),
        ("Shop.template.json", "Resources:\n  Topic:\n", r"\(Shop.template.json is not valid JSON: .*line 1 column 1 "),
        ("Shop.template.json", "[]", r"\(Shop.template.json is not a JSON object\)"),
        ("Shop.template.json", '{"Resources": []}', r"\(the Resources of Shop.template.json are not a JSON object\)"),
        ("Shop.template.json", None, r"Shop.template.json is missing\)"),
        ("manifest.json", '{\n"version":', r"\(manifest.json is not valid JSON: .*line 2"),
        ("manifest.json", "{}", r"\(it has no artifacts\)"),
        ("manifest.json", '{"artifacts": []}', "is not a readable CDK cloud assembly"),
        ("manifest.json", '{"version": {}, "artifacts": {"Shop": null}}', "is not a readable CDK cloud assembly"),
    ],
)
def test_a_broken_assembly_is_said_in_one_sentence(tmp_path: Path, file: str, text: str | None, said: str) -> None:
    assembly = written(tmp_path / "cdk.out")
    (assembly / file).unlink()
    if text is not None:
        (assembly / file).write_text(text)
    with pytest.raises(AssemblyError, match=said) as error:
        topics(str(assembly), str(assembly))
    assert "\n" not in str(error.value)


# ---- apps that do not synthesize


def test_the_output_of_an_app_that_fails_is_kept(shop: App) -> None:
    shop.set(exit="the stack is wrong", print="synthesizing")
    shop.commit()
    said = rf"^HEAD does not synthesize: `{re.escape(sys.executable)} app.py` ended with exit code 1$"
    with pytest.raises(SynthesisError, match=said) as error:
        topics("HEAD~1", "HEAD")
    assert error.value.output == "synthesizing\nthe stack is wrong"
    assert shop.worktrees == [str(shop.root)]


def test_an_app_that_needs_an_account_is_told_how_to_give_it(shop: App, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.set(exit="KeyError: 'CDK_DEFAULT_ACCOUNT'")
    monkeypatch.delenv("CDK_DEFAULT_ACCOUNT", raising=False)
    with pytest.raises(
        SynthesisError, match="the app gets no credentials: set CDK_DEFAULT_ACCOUNT and CDK_DEFAULT_REGION"
    ):
        topics("HEAD", ".")
    monkeypatch.setenv("CDK_DEFAULT_ACCOUNT", "111111111111")
    with pytest.raises(SynthesisError, match="ended with exit code 1$"):
        topics("HEAD", ".")


@pytest.mark.usefixtures("shop")
def test_an_app_that_writes_no_assembly_is_an_error() -> None:
    said = "^HEAD does not synthesize: `true` wrote no assembly to the folder in CDK_OUTDIR; the app must call"
    with pytest.raises(SynthesisError, match=said):
        topics("HEAD", ".", "true")


def test_a_missing_context_value_is_named(shop: App) -> None:
    shop.set(missing=[{"key": f"vpc-provider:{number}"} for number in range(4)])
    said = (
        "^the working tree does not synthesize: cdk.context.json has no value for vpc-provider:0, vpc-provider:1, "
        "vpc-provider:2 and 1 more, and the app gets no credentials for lookups; run `cdk synth` once with "
        "credentials, and commit cdk.context.json$"
    )
    with pytest.raises(SynthesisError, match=said):
        topics("HEAD", ".")


def test_an_error_of_a_construct_is_an_error_as_in_the_cdk_cli(shop: App) -> None:
    shop.set(metadata=[{"type": "aws:cdk:error", "data": "a topic needs a key"}])
    with pytest.raises(SynthesisError, match="^the working tree does not synthesize: Shop/Topic: a topic needs a key$"):
        topics("HEAD", ".")
    shop.set(metadata=[{"type": "aws:cdk:warning", "data": "a topic should have a key"}])
    assert topics("HEAD", ".") == ("new", "orders")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{\n"app": }', r"^the working tree: cdk.json:2 is not valid JSON \(Expecting value\)$"),
        ("[]", "^the working tree: cdk.json is not a JSON object$"),
    ],
)
def test_a_broken_cdk_json_is_named_with_its_line(shop: App, text: str, said: str) -> None:
    (shop.folder / "cdk.json").write_text(text)
    with pytest.raises(SynthesisError, match=said):
        topics("HEAD", ".")


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(("conclusion", "fails"), [("failure", False), ("success", True)])
def test_violations_that_plugins_report_are_no_error(conclusion: str, *, fails: bool) -> None:
    report = f"""'{{"conclusion": "{conclusion}"}}' > $CDK_OUTDIR/policy-validation-report.json"""
    app = f"{sys.executable} app.py && echo {report}; exit 1"
    if fails:
        with pytest.raises(SynthesisError, match="ended with exit code 1"):
            topics("HEAD", ".", app)
    else:
        assert topics("HEAD", ".", app) == ("new", "new")


# ---- the environment of an app


def test_an_app_gets_no_credentials_and_records_its_lines(shop: App, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = {
        "AWS_ACCESS_KEY_ID": "AKIA",
        "AWS_PROFILE": "production",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.2",
        "AWS_REGION": "eu-west-1",
        "CDK_CONTEXT_JSON": "{}",
        "CDK_OUTDIR": "/elsewhere",
    }
    for name, value in foreign.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("CDK_DEFAULT_REGION", raising=False)
    with read("HEAD~1", ".") as sides:
        for side in sides:
            found = environment(side)
            stated = {name: value for name, value in found.items() if name.startswith("AWS_")}
            assert stated == {
                "AWS_CONFIG_FILE": os.devnull,
                "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
                "AWS_EC2_METADATA_DISABLED": "true",
            }
            assert found["CDK_DEFAULT_REGION"] == "eu-west-1"
            assert found["CDK_OUTDIR"] not in {"/elsewhere", str(shop.folder / "cdk.out")}
            assert (found["CDK_DEBUG"], found["JSII_HOST_STACK_TRACES"], found["CDK_VALIDATION"]) == ("1", "1", "false")


@pytest.mark.usefixtures("shop")
def test_the_default_region_is_that_of_the_cdk_cli_or_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "CDK_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    with read("HEAD", ".") as (before, _):
        assert environment(before)["CDK_DEFAULT_REGION"] == "us-east-1"
    monkeypatch.setenv("CDK_DEFAULT_REGION", "ap-south-1")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    with read("HEAD", ".") as (before, _):
        assert environment(before)["CDK_DEFAULT_REGION"] == "ap-south-1"


def test_the_context_is_that_of_the_revision(shop: App) -> None:
    def context(side: Side | None) -> Any:
        return json.loads(environment(side)["CDK_CONTEXT_JSON"])

    settings = {"app": f"{sys.executable} app.py", "context": {"in both": "cdk.json", "flag": True}}
    (shop.folder / "cdk.json").write_text(json.dumps(settings))
    (shop.folder / "cdk.context.json").write_text('{"in both": "cdk.context.json", "vpc": "vpc-1"}')
    shop.commit()
    with read("HEAD~1", "HEAD") as (before, after):
        assert "vpc" not in context(before)
        found = context(after)
        assert (found["in both"], found["vpc"], found["flag"]) == ("cdk.json", "vpc-1", True)
        assert found["aws:cdk:enable-path-metadata"] is True
        assert found["@aws-cdk/core:failSynthOnValidationErrors"] is False


def test_a_context_file_that_no_commit_has_is_taken_for_both_sides(shop: App) -> None:
    (shop.folder / "cdk.context.json").write_text('{"vpc": "vpc-1"}')
    with read("HEAD", ".") as sides:
        for side in sides:
            assert json.loads(environment(side)["CDK_CONTEXT_JSON"])["vpc"] == "vpc-1"


@pytest.mark.parametrize(("size", "aside"), [(90_000, False), (200_000, True)])
def test_a_large_context_is_handed_over_in_a_file(shop: App, size: int, *, aside: bool) -> None:
    (shop.folder / "cdk.context.json").write_text(json.dumps({"large": "x" * size}))
    with read("HEAD", ".") as (_, after):
        found = environment(after)
        text = Path(found["CONTEXT_OVERFLOW_LOCATION_ENV"]).read_text() if aside else found["CDK_CONTEXT_JSON"]
        assert len(json.loads(text)["large"]) == size


# ---- dependencies


def test_node_modules_are_found_in_a_worktree(shop: App) -> None:
    for name in ("aws-cdk-lib", "@types/node"):
        (shop.root / "node_modules" / name).mkdir(parents=True)
        (shop.root / "node_modules" / name / "index.js").write_text(name)
    app = "cat node_modules/aws-cdk-lib/index.js node_modules/@types/node/index.js && exit 3"
    before = shop.state
    with pytest.raises(SynthesisError) as error:
        topics("HEAD~1", "HEAD", app)
    assert error.value.output == "aws-cdk-lib@types/node"
    assert shop.state == before


def test_programs_of_node_modules_are_on_the_path(shop: App) -> None:
    program = shop.root / "node_modules" / ".bin" / "synthesize"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\n{sys.executable} app.py\n")
    program.chmod(0o755)
    assert topics("HEAD~1", "HEAD", "synthesize") == ("old", "new")


def test_packages_of_the_repository_are_taken_from_the_worktree(shop: App) -> None:
    """npm links the packages of a workspace into node_modules, relative to the user's checkout."""
    package = shop.root / "packages" / "library"
    package.mkdir(parents=True)
    (package / "index.js").write_text("old")
    shop.commit()
    (package / "index.js").write_text("new")
    for name, target in {"library": "../packages/library", "@shop/library": "../../packages/library"}.items():
        link = shop.root / "node_modules" / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target)
    app = "cat node_modules/library/index.js node_modules/@shop/library/index.js && exit 3"
    with pytest.raises(SynthesisError) as error:
        topics("HEAD", "HEAD", app)
    assert error.value.output == "oldold"


@pytest.mark.parametrize("how", ["pth", "PYTHONPATH"])
@pytest.mark.parametrize("python", [".venv/bin/python", "python3"])
def test_editable_packages_of_the_repository_are_imported_from_the_worktree(
    shop: App, monkeypatch: pytest.MonkeyPatch, how: str, python: str
) -> None:
    package = shop.root / "src" / "library"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("name = 'old'")
    (shop.folder / "main.py").write_text(
        "import json, library, runpy\n"
        "open('settings.json', 'w').write(json.dumps({'name': library.name}))\n"
        "runpy.run_path('app.py')\n"
    )
    shop.commit()
    (package / "__init__.py").write_text("name = 'new'")
    shop.commit()
    (shop.root / ".venv").mkdir()
    virtual = [sys.executable, "-m", "venv", "--without-pip", str(shop.root / ".venv")]
    subprocess.run(virtual, check=True)
    if how == "pth":
        (packages,) = (shop.root / ".venv" / "lib").glob("python3*/site-packages")
        (packages / "shop.pth").write_text(str(shop.root / "src"))
        monkeypatch.delenv("PYTHONPATH", raising=False)
    else:
        monkeypatch.setenv("PYTHONPATH", f"{shop.root / 'src'}{os.pathsep}/elsewhere")
    monkeypatch.setenv("PATH", f"{shop.root / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}")
    before = shop.state
    with read("HEAD~1", "HEAD", f"{python} main.py") as (one, other):
        assert (topic(one), topic(other)) == ("old", "new")
        assert ("/elsewhere" in environment(one)["PYTHONPATH"]) == (how == "PYTHONPATH")
    assert shop.state == before


def test_editable_packages_of_setuptools_are_imported_from_the_worktree(shop: App) -> None:
    """setuptools installs a finder with a MAPPING of packages to folders, instead of a path."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(shop.root / ".venv")], check=True)
    (packages,) = (shop.root / ".venv" / "lib").glob("python3*/site-packages")
    (shop.root / "src" / "library").mkdir(parents=True)
    (shop.root / "src" / "library" / "__init__.py").write_text("")
    shop.commit()
    (packages / "finder.py").write_text(
        f"import sys\nMAPPING = {{'library': {str(shop.root / 'src' / 'library')!r}}}\n"
        "class Finder:\n    @classmethod\n    def find_spec(cls, name, path=None, target=None):\n        return None\n"
        "sys.meta_path.append(Finder)\n"
    )
    (packages / "shop.pth").write_text("import finder")
    app = ".venv/bin/python -c 'import library; print(library.__file__); exit(3)'"
    with pytest.raises(SynthesisError) as error:
        topics("HEAD", "HEAD", app)
    assert error.value.output.endswith("/shop/src/library/__init__.py")
    assert not error.value.output.startswith(str(shop.root))


# ---- interruptions


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_no_worktree_and_no_program(shop: App, tmp_path: Path, number: signal.Signals) -> None:
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip("a shell that runs the tests in the background lets no process be interrupted")
    started = tmp_path / "started"
    app = f"sleep 60 & echo $! >> {started}; wait"
    command = [sys.executable, "-m", "moorage.review", "HEAD~1", "HEAD", "--app", app]
    variables = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, env=variables, stderr=subprocess.PIPE, text=True) as review:
        assert within(60, lambda: started.exists() and len(shop.worktrees) == 3)
        review.send_signal(number)
        _, said = review.communicate(timeout=60)
    assert said == "\nmoorage review: interrupted; no worktree is left\n"
    assert review.returncode == 130
    assert shop.worktrees == [str(shop.root)]
    assert not list(tmp_path.glob("moorage-review-*"))
    # a busy machine ends a killed process some time later
    assert within(20, lambda: not any(runs(int(process)) for process in started.read_text().split()))


def test_an_interruption_waits_until_a_started_app_can_be_ended(tmp_path: Path) -> None:
    """An interruption while the program is started would lose the program."""
    made: list[Synthesis] = []

    def interrupted(own: Synthesis, *_: object) -> None:
        signal.raise_signal(signal.SIGTERM)
        made.append(own)

    ended: list[Synthesis] = []
    program = Program("head", tmp_path, {}, "true")

    def raising(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, raising)
    with (
        mock.patch.object(Synthesis, "__init__", interrupted),
        mock.patch.object(Synthesis, "stop", lambda own: ended.append(own)),  # noqa: PLW0108  # a method
        pytest.raises(KeyboardInterrupt),
        synthesizing(program, tmp_path, tmp_path / "out", tmp_path / "log"),
    ):
        pytest.fail("the interruption is lost")
    assert ended == made != []
    assert signal.signal(signal.SIGTERM, before) is raising


def within(seconds: float, is_so: Callable[[], bool]) -> bool:
    """Wait until something is so, at most some seconds. Return whether it is."""
    until = time.monotonic() + seconds
    while not is_so() and time.monotonic() < until:
        time.sleep(0.05)
    return is_so()


def runs(process: int) -> bool:
    """Return whether a process runs; one that has ended and that nobody has waited for does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return False
    return state.rpartition(")")[2].split()[0] != "Z"


def written(assembly: Path, *, version: int = 36, trace: str = "<module> (/app/app.py:1)") -> Path:
    """Write an assembly with one stack, and return its folder."""
    assembly.mkdir()
    stack = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://unknown-account/unknown-region",
        "properties": {"templateFile": "Shop.template.json"},
        "metadata": {"/Shop/Topic": [{"type": "aws:cdk:logicalId", "data": "Topic", "trace": [trace]}]},
    }
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "from a file"}}
    (assembly / "manifest.json").write_text(json.dumps({"version": f"{version}.0.0", "artifacts": {"Shop": stack}}))
    (assembly / "Shop.template.json").write_text(json.dumps({"Resources": {"Topic": topic}}))
    return assembly


def test_stacks_of_an_assembly_are_read_from_its_files(tmp_path: Path) -> None:
    assembly = written(tmp_path / "cdk.out")
    with read(str(assembly), str(assembly)) as (before, after):
        assert before is not None
        for stack in (*(before.stacks or ()), *(after.stacks or ())):
            assert isinstance(stack, Stack)
            assert stack.template_file == assembly / "Shop.template.json"
