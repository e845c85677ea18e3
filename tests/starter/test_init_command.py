"""`moorage init`: what it writes and says, and when it refuses."""

from __future__ import annotations

import contextlib
import json
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from moorage.local.process import Home
from moorage.starter import app_files
from moorage.starter.app_files import WRITTEN
from moorage.starter.refusals import StarterError
from tests.starter.starting import contents, fill, init, refused

pytestmark = pytest.mark.usefixtures("folder")
ROOT = Path(__file__).resolve().parents[2]
SUITABLE = (
    ".git/HEAD",
    ".venv/pyvenv.cfg",
    "LICENSE",
    "README.md",
    ".gitignore",
    ".github/dependabot.yml",
    "wheels/x.whl",
)


def test_all_files_are_written_and_listed(folder: Path) -> None:
    result = init()
    assert result.exit_code == 0, result.output
    assert {name for name in contents(folder) if not name.endswith("/")} == set(WRITTEN)
    listed = result.output.partition(":\n")[2].partition("\n\n")[0].splitlines()
    assert [line.split()[0] for line in listed] == list(WRITTEN)


def test_a_folder_that_does_not_exist_is_made_and_names_the_app(folder: Path) -> None:
    assert init("apps/my-shop").exit_code == 0
    made = folder / "apps" / "my-shop"
    assert 'WebStack(app, "my-shop"' in (made / "app.py").read_text()
    assert (made / "README.md").read_text().startswith("# my-shop\n")
    assert {json.loads((made / name).read_text())["name"] for name in ("package.json", "package-lock.json")} == {
        "my-shop"
    }
    assert not [name for name, text in contents(made).items() if "Starter" in text or '"starter"' in text]


def test_npm_gets_a_name_without_capitals(folder: Path) -> None:
    init("--name", "Shop")
    assert json.loads((folder / "package.json").read_text())["name"] == "shop"


@pytest.mark.parametrize("name", ["a", "Shop", "my-shop-2", "a" * 128])
def test_a_name_that_cloudformation_permits_is_the_name_of_the_stack(folder: Path, name: str) -> None:
    assert init("--name", name).exit_code == 0
    assert f'WebStack(app, "{name}"' in (folder / "app.py").read_text()


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("my_shop", "my-shop"),
        ("2shop", "shop"),
        ("-shop", "shop"),
        ("Läden", "L-den"),
        ("my shop.", "my-shop"),
        ("a" * 129, "a" * 128),
        ("42", "Shop"),
        ("", "Shop"),
        ("shop\n", "shop"),
    ],
)
def test_another_name_is_refused_with_one_that_is_permitted(folder: Path, name: str, near: str) -> None:
    refused(
        init("--name", name),
        "--name must begin with a letter and have at most 128 letters, digits and hyphens, since it becomes the name "
        f"of a CloudFormation stack (got {name!r}); choose another with --name {near}",
    )
    assert contents(folder) == {}
    assert init("--name", near).exit_code == 0


def test_the_name_of_a_folder_is_checked_too() -> None:
    result = init("my_shop")
    assert "the name of the folder must begin with a letter" in result.output
    assert "--name my-shop" in result.output
    assert not Path("my_shop").exists()


def test_files_of_a_new_repository_stay_as_they_are(folder: Path) -> None:
    fill(folder, *SUITABLE)
    result = init()
    assert result.exit_code == 0, result.output
    assert {name: contents(folder)[name] for name in SUITABLE} == {name: f"mine: {name}" for name in SUITABLE}
    assert "README.md existed and is not changed." in result.output
    assert ".gitignore existed and is not changed; add .venv/, node_modules/, cdk.out/," in result.output


def test_a_gitignore_that_is_complete_needs_no_addition(folder: Path) -> None:
    text = (ROOT / "constructs" / "moorage" / "starter" / "files" / ".gitignore").read_text()
    (folder / ".gitignore").write_text(text.replace(".venv/", ".venv"))
    assert ".gitignore existed and is not changed.\n" in init().output


@pytest.mark.parametrize("name", [name for name in WRITTEN if name not in {"README.md", ".gitignore"}])
def test_no_file_is_overwritten(folder: Path, name: str) -> None:
    fill(folder, name)
    before = contents(folder)
    result = init()
    assert result.exit_code == 1
    assert f"{folder} {'is in a CDK app' if name == 'cdk.json' else 'has'}" in result.output
    assert contents(folder) == before


def test_a_link_that_leads_nowhere_is_not_written_through(folder: Path) -> None:
    (folder / ".github" / "workflows").mkdir(parents=True)
    (folder / ".github" / "workflows" / "check.yml").symlink_to(folder.parent / "elsewhere")
    assert f"{folder} has .github/workflows/check.yml" in init().output
    assert not (folder.parent / "elsewhere").exists()


def test_a_folder_with_other_files_is_refused_and_named(folder: Path) -> None:
    fill(folder, "main.tf", "LICENSE", "tests/test_shop.py", *"abcd")
    before = contents(folder)
    refused(
        init(),
        "FOLDER must be empty, apart from files such as .git, .venv, LICENSE and README.md "
        f"({folder} has a, b, c, d, main.tf and 1 more); choose another folder, or move them away",
    )
    assert contents(folder) == before


def test_a_folder_with_the_state_of_a_local_aws_is_free(folder: Path) -> None:
    with Home(folder / ".moorage").exclusive():
        pass
    assert init().exit_code == 0


def test_a_folder_of_the_same_name_that_the_local_aws_did_not_create_is_in_the_way(folder: Path) -> None:
    fill(folder, ".moorage/.gitignore")
    assert f"{folder} has .moorage)" in " ".join(init().output.split())


def test_a_file_is_no_folder(folder: Path) -> None:
    fill(folder, "shop")
    refused(init("shop"), f"FOLDER must be a folder (got the file {folder / 'shop'}); choose another")


@pytest.mark.parametrize("given", [".", "inner", "inner/shop"])
def test_an_app_in_a_cdk_app_is_refused(folder: Path, given: str) -> None:
    fill(folder, "cdk.json")
    place = folder if given == "." else folder / given
    refused(
        init(given),
        f"{place} is in a CDK app ({folder / 'cdk.json'} exists); choose a folder outside {folder}, or import moorage "
        "in that app",
    )
    assert list(contents(folder)) == ["cdk.json"]


@contextlib.contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let this process write no file above a size, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_nothing_stays_of_a_file_that_does_not_fit(folder: Path) -> None:
    fill(folder, "LICENSE")
    with largest_file(4000):  # cdk.json has more bytes, and two files come before it
        result = init("--name", "Shop")
    assert result.exit_code == 1
    assert "File too large; nothing was written; fix it or choose another folder" in result.output
    assert list(contents(folder)) == ["LICENSE"]


def test_nothing_stays_if_a_folder_cannot_be_made(folder: Path) -> None:
    fill(folder, "apps/shop/.github")
    result = init("apps/shop")
    assert result.exit_code == 1
    assert "nothing was written" in result.output
    assert list(contents(folder / "apps" / "shop")) == [".github"]


def test_a_new_folder_does_not_stay_either(folder: Path) -> None:
    with largest_file(4000):
        assert init("apps/shop").exit_code == 1
    assert contents(folder) == {}


def test_a_library_without_flags_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_files, "_FLAGS", "package/nothing.json")
    with pytest.raises(StarterError, match=r"aws-cdk-lib 2\.\S+ has no nothing.json; install the newest moorage"):
        app_files.recommended_flags()


def test_cdk_json_has_the_flags_that_cdk_recommends(folder: Path) -> None:
    """This repository sets the same flags and others. Of two flags, it sets one to another value and one not at all."""
    init()
    made = json.loads((folder / "cdk.json").read_text())
    ours = json.loads((ROOT / "cdk.json").read_text())["context"]
    others = {name: value for name, value in made["context"].items() if ours.get(name) != value}
    assert others == {
        "@aws-cdk/core:defaultCrossStackReferences": "weak",
        "@aws-cdk/core:target-partitions": ["aws", "aws-cn"],
    }
    assert len(made["context"]) > 80
    assert made["app"] == "python app.py"


def test_the_cdk_cli_is_that_of_this_repository(folder: Path) -> None:
    init()
    package, lock = (json.loads((folder / name).read_text()) for name in ("package.json", "package-lock.json"))
    ours = json.loads((ROOT / "package.json").read_text())["dependencies"]["aws-cdk"]
    locked = json.loads((ROOT / "package-lock.json").read_text())["packages"]["node_modules/aws-cdk"]
    assert package["dependencies"] == lock["packages"][""]["dependencies"] == {"aws-cdk": ours}
    assert lock["packages"]["node_modules/aws-cdk"] == locked
