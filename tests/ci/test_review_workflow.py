"""The commands of the workflow and of the action that review a pull request."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.ci.runner import ROOT, Runner, workflow
from tests.review.apps import App

PAGES = ["pull-request", "review.html", "review.json", "review.md", "review.sarif", "review.xml"]


@pytest.fixture
def shop(tmp_path: Path) -> App:
    """Return an app on the branch `main`, and a branch `change` that renames its table."""
    app = App(tmp_path / "shop")
    program = app.folder / "app.py"
    table = {"AWS::SNS::Topic": "AWS::DynamoDB::Table", "TopicName": "TableName", "Topic": "Table"}
    program.write_text(functools.reduce(lambda text, each: text.replace(*each), table.items(), program.read_text()))
    return changed(app)


def changed(app: App) -> App:
    app.commit()
    app.git("switch", "--quiet", "--create", "change")
    app.set(name="new")
    app.commit()
    return app


def runner(app: App, tmp_path: Path) -> Runner:
    temp = tmp_path / "temp"
    temp.mkdir()
    revisions = {"base": "main", "head": "change"}
    event = {
        "pull_request": {"number": 5}
        | {each: {"sha": app.git("rev-parse", of).strip()} for each, of in revisions.items()}
    }
    kept: dict[str, Path] = {}

    def upload(given: Mapping[str, str]) -> Mapping[str, str]:
        kept[given["name"]] = shutil.copytree(given["path"], tmp_path / "artifacts" / given["name"])
        return {}

    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return Runner(app.root, temp, event, uses={"actions/upload-artifact": upload}, environment={"PATH": path})


def artifact(tmp_path: Path, name: str = "moorage-review") -> Path:
    return tmp_path / "artifacts" / name


def test_a_change_is_reviewed_in_all_forms(shop: App, tmp_path: Path) -> None:
    passed, outputs = runner(shop, tmp_path).action("review", install="", policy="false")
    assert (passed, outputs["found"]) == (True, "false")
    assert sorted(path.name for path in artifact(tmp_path).iterdir()) == PAGES
    assert "Shop/Table" in Path(outputs["markdown"]).read_text()
    for output, name in [("sarif", "sarif"), ("junit", "xml"), ("json", "json"), ("html", "html")]:
        assert Path(outputs[output]) == Path(outputs["markdown"]).with_suffix(f".{name}")


def test_a_finding_of_a_named_kind_fails_the_job_after_the_pages_are_kept(shop: App, tmp_path: Path) -> None:
    passed, outputs = runner(shop, tmp_path).action("review", install="", policy="false", fail_on="refused,lost")
    assert (passed, outputs["found"]) == (False, "true")
    found = json.loads((artifact(tmp_path) / "review.json").read_text())["findings"]
    assert [each["kind"] for each in found] == ["lost"]


def test_a_page_says_that_there_is_no_review(shop: App, tmp_path: Path) -> None:
    shop.set(exit=3)
    shop.commit()
    run = runner(shop, tmp_path)
    passed, outputs = run.action("review", install="", policy="false")
    assert (passed, outputs["found"]) == (False, "false")
    assert "does not synthesize" in run.log
    page = (artifact(tmp_path) / "review.md").read_text()
    assert page.startswith("<!-- moorage review -->\n## There is no review\n")
    assert "exit code 2" in page


def test_a_base_that_is_not_fetched_is_no_review(shop: App, tmp_path: Path) -> None:
    passed, _ = runner(shop, tmp_path).action("review", install="", policy="false", base="0" * 40)
    assert not passed
    assert "exit code 2" in (artifact(tmp_path) / "review.md").read_text()


def test_later_changes_of_the_base_are_not_in_the_review(shop: App, tmp_path: Path) -> None:
    shop.git("switch", "--quiet", "main")
    shop.set(name="of-main")
    shop.commit()
    passed, outputs = runner(shop, tmp_path).action("review", install="", policy="false")
    page = Path(outputs["markdown"]).read_text()
    assert passed
    assert "of-main" not in page
    assert "orders" in page


def test_a_revision_is_compared_with_a_folder(shop: App, tmp_path: Path) -> None:
    folder = tmp_path / "head"
    folder.mkdir()
    run = runner(shop, tmp_path)
    variables = {**os.environ, "CDK_OUTDIR": str(folder)}
    subprocess.run([sys.executable, "app.py"], cwd=shop.folder, env=variables, check=True, capture_output=True)
    passed, outputs = run.action("review", install="", policy="false", base="main", head=str(folder))
    assert passed, run.log
    assert "Shop/Table" in Path(outputs["markdown"]).read_text()


def test_an_app_in_a_folder_and_with_a_command_of_its_own(tmp_path: Path) -> None:
    app = changed(App(tmp_path / "mono", "infra"))
    settings = app.folder / "cdk.json"
    command = json.loads(settings.read_text())["app"]
    app.git("rm", "--quiet", str(settings))
    app.git("commit", "--quiet", "--message", "without cdk.json")
    app.git("branch", "--force", "main", "change")
    app.set(name="newer")
    app.commit()
    passed, outputs = runner(app, tmp_path).action(
        "review", install="", policy="false", app=command, working_directory="infra"
    )
    assert passed
    assert "newer" in Path(outputs["markdown"]).read_text()


@pytest.mark.parametrize(
    "attacked",
    [
        ("fail_on", "policy"),
        ("base", "head", "install", "working_directory"),
        ("max_monthly",),
        ("max_increase_percent",),
        ("usage",),
        ("prices",),
    ],
)
def test_inputs_are_never_run_as_commands(attacked: tuple[str, ...], shop: App, tmp_path: Path) -> None:
    pwned = tmp_path / "pwned"
    attack = f'"; touch {pwned}; $(touch {pwned}) `touch {pwned}` #'
    (shop.root / attack).mkdir(parents=True)
    run = runner(shop, tmp_path)
    run.environment["PATH"] = f"{stub(tmp_path / 'bin', 'python', 'exit 0')}{os.pathsep}{run.environment['PATH']}"
    passed, _ = run.action("review", **{"install": "", "policy": "false", **dict.fromkeys(attacked, attack)})
    assert not passed
    assert not pwned.exists()


def test_the_requirement_is_installed_before_the_review(shop: App, tmp_path: Path) -> None:
    run = runner(shop, tmp_path)
    stub(tmp_path / "bin", "python", f'printf "%s\\n" "$@" > {tmp_path / "installed"}')
    run.environment["PATH"] = f"{tmp_path / 'bin'}{os.pathsep}{run.environment['PATH']}"
    passed, _ = run.action("review", policy="false")
    assert passed
    assert (tmp_path / "installed").read_text().split()[-1] == "moorage[review]"


def test_no_artifact_is_kept_if_it_has_no_name(shop: App, tmp_path: Path) -> None:
    passed, outputs = runner(shop, tmp_path).action("review", install="", policy="false", artifact="")
    assert passed
    assert Path(outputs["markdown"]).is_file()
    assert not (tmp_path / "artifacts").exists()


@pytest.fixture
def keys(tmp_path: Path) -> App:
    """Return an app in a folder with 1 KMS key for $1 a month on `main`, and with 3 keys on the branch `change`."""
    app = App(tmp_path / "mono", "infra")
    program = app.folder / "app.py"
    several = '{f"Topic{number}": resource for number in range(settings["keys"])}'
    text = program.read_text().replace("AWS::SNS::Topic", "AWS::KMS::Key").replace('{"Topic": resource}', several)
    program.write_text(text)
    (app.folder / "usage.toml").write_text("[defaults]\nkey_requests = 10_000\n")  # $0.03 for each key
    app.set(keys=1)
    app.commit()
    app.git("switch", "--quiet", "--create", "change")
    app.set(keys=3)
    app.commit()
    return app


MONTHLY = "the cost of $3.00 a month with the least copies is over --max-monthly 2.99"
PERCENT = (
    "the cost rises by 200.0 percent with the least copies ($1.00 → $3.00 a month), over --max-increase-percent 199"
)


@pytest.mark.parametrize(
    ("limits", "exceeded"),
    [
        ({}, []),
        ({"max_monthly": "3", "max_increase_percent": "200"}, []),
        ({"max_monthly": "2.99"}, [MONTHLY]),
        ({"max_increase_percent": "199"}, [PERCENT]),
        ({"max_monthly": "2.99", "max_increase_percent": "199", "fail_on": "lost"}, [MONTHLY, PERCENT]),
        ({"max_monthly": "3.08", "usage": "usage.toml"}, ["the cost of $3.09 a month with the least copies is over"]),
        ({"max_monthly": "3.09", "usage": "usage.toml"}, []),
    ],
)
def test_a_cost_over_a_limit_fails_the_job(
    limits: dict[str, str], exceeded: list[str], keys: App, tmp_path: Path
) -> None:
    run = runner(keys, tmp_path)
    passed, outputs = run.action("review", install="", policy="false", working_directory="infra", **limits)
    assert (passed, outputs["found"]) == ((False, "true") if exceeded else (True, "false")), run.log
    written = json.loads((artifact(tmp_path) / "review.json").read_text())["cost"]["exceeded"]
    assert len(written) == len(exceeded)
    for said, sentence in zip(exceeded, written, strict=True):
        assert sentence.startswith(said)
        assert f"moorage review: {sentence}\n" in run.log
        assert f"Over a limit: {sentence}." in Path(outputs["markdown"]).read_text()


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"max_monthly": "-1"}, "--max-monthly must be an amount in USD, without $ and commas, of at least 0"),
        ({"max_increase_percent": "10%"}, "--max-increase-percent must be a percentage, without %, of at least 0"),
        ({"usage": "nothing.toml"}, "nothing.toml cannot be read"),
        ({"prices": "nothing.json"}, "nothing.json: cannot be read"),
    ],
)
def test_a_wrong_limit_is_no_review(limits: dict[str, str], said: str, keys: App, tmp_path: Path) -> None:
    run = runner(keys, tmp_path)
    passed, outputs = run.action("review", install="", policy="false", working_directory="infra", **limits)
    assert (passed, outputs["found"]) == (False, "false")
    assert said in run.log
    assert "Traceback" not in run.log
    assert "exit code 2" in (artifact(tmp_path) / "review.md").read_text()


@pytest.mark.slow
def test_a_change_in_this_repository_is_reviewed_by_its_own_workflow(tmp_path: Path) -> None:
    """Run `review.yml` on a clone in which a pull request renames the repository of images of `dev`."""
    clone = tmp_path / "moorage"
    git(ROOT, "clone", "--quiet", "--shared", "--no-tags", ".", str(clone))
    git(clone, "switch", "--quiet", "--create", "main-of-the-test")
    description = clone / "environments.toml"  # one environment, which takes less time
    text = description.read_text()
    description.write_text(text[text.index("[dev]") : text.index("[staging]")])
    git(clone, "commit", "--quiet", "--all", "--message", "Leave all but dev out")
    base = git(clone, "rev-parse", "HEAD")
    registry = clone / "stacks" / "registry.py"
    registry.write_text(registry.read_text().replace('"Ui",', '"FrontEnd",'))
    git(clone, "commit", "--quiet", "--all", "--message", "Rename the repository")
    head = git(clone, "rev-parse", "HEAD")
    git(clone, "switch", "--quiet", "--detach", base)

    def checkout(given: Mapping[str, str]) -> Mapping[str, str]:
        assert given == {"ref": head, "fetch-depth": "0", "persist-credentials": "false"}
        git(clone, "switch", "--quiet", "--detach", given["ref"])
        return {}

    kept: dict[str, str] = {}
    temp = tmp_path / "temp"
    temp.mkdir()
    made = f"""test "$*" = setup-review; ln -s {sys.prefix} .venv; ln -s {ROOT / "node_modules"} node_modules"""
    run = Runner(
        clone,
        temp,
        {"pull_request": {"number": 1, "base": {"sha": base}, "head": {"sha": head}}},
        uses={"actions/checkout": checkout, "actions/upload-artifact": lambda given: kept.update(given) or {}},
        environment={
            "PATH": f"{stub(tmp_path / 'bin', 'make', made)}{os.pathsep}{os.environ['PATH']}",
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
        },
    )
    passed = run.job(workflow("review")["jobs"]["review"])
    page = Path(kept["path"], "review.md").read_text()
    assert not passed, run.log
    assert "lost" in page.splitlines()[1]
    assert "dev/Registry/Ui" in page
    assert "stacks/registry.py:" in page
    assert git(clone, "status", "--porcelain", "--untracked-files=no") == ""
    assert len(git(clone, "worktree", "list").splitlines()) == 1


def stub(folder: Path, name: str, script: str) -> Path:
    """Write a program into a folder for the PATH, and return the folder."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    return folder


def git(folder: Path, *arguments: str) -> str:
    author = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    done = subprocess.run(["git", *author, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()
