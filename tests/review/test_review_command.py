"""The command `moorage review`: options, pages, exit codes, and what it neither imports nor connects to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest
from click.testing import CliRunner, Result

from moorage.installation.commands import install_moorage
from moorage.policy.acknowledgements import Acknowledgement
from moorage.review import review as reviewing
from moorage.review.command import FORMS, review_command
from moorage.review.comparison import Comparison
from moorage.review.extras import load
from moorage.review.finding import Finding, Kind
from moorage.review.review import Review
from moorage.review.run import Options, show
from tests.review.apps import App
from tests.review.templates import stacks

ROOT = Path(__file__).resolve().parents[2]


def lost(comparison: Comparison) -> Iterator[Finding]:
    for change in comparison.changes:
        yield Finding(Kind.LOST, "lost/test", change.stack.path, change.resource, "The topic is lost.")


def engine(comparison: Comparison, *_: object, **__: object) -> tuple[list[Finding], int]:
    found = Finding(Kind.POLICY, "policy/test", comparison.stacks[0].path, None, "The topic has no key.")
    return [found], 0


@pytest.fixture(autouse=True)
def forms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the forms by one line each, and the judges by two."""
    for name in ("terminal", "markdown", "sarif", "junit", "json", "html"):
        form = ModuleType(f"moorage.review.forms.{name}")

        def render(review: Review, name: str = name, **_: object) -> str:
            return f"{name}: {review.title}, {', '.join(finding.rule for finding in review.findings)}"

        form.render = render  # type: ignore[attr-defined]  # a module of the test
        monkeypatch.setitem(sys.modules, form.__name__, form)
    monkeypatch.setattr(reviewing, "_JUDGES", (lost,))
    monkeypatch.setattr(reviewing, "policy_findings", engine)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> App:
    """Return an app with one commit, whose topic has another name in the working tree."""
    app = App(tmp_path / "shop")
    app.commit()
    app.set(name="new")
    monkeypatch.chdir(app.folder)
    return app


def run(*arguments: str) -> Result:
    return CliRunner().invoke(review_command, arguments)


@pytest.mark.usefixtures("shop")
def test_the_page_is_printed_and_the_exit_code_is_0_unless_kinds_are_named() -> None:
    done = run("HEAD")
    assert (done.output, done.exit_code) == (
        "terminal: Review of the working tree against HEAD, lost/test, policy/test\n",
        0,
    )


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("kinds", "code"), [("lost", 1), ("refused,lost", 1), (" lost, opened,", 1), ("refused", 0), ("policy", 1)]
)
def test_a_finding_of_a_named_kind_gives_exit_code_1(kinds: str, code: int) -> None:
    done = run("HEAD", "--fail-on", kinds)
    assert (done.exit_code, "terminal: " in done.output) == (code, True)


@pytest.mark.usefixtures("shop")
def test_the_log_names_the_kinds_that_fail() -> None:
    assert run("HEAD", "--fail-on", "lost").stderr == "moorage review: 1 finding of kind lost (--fail-on)\n"
    both = "moorage review: 1 finding of kind lost, 1 of kind policy (--fail-on)\n"
    assert run("HEAD", "--fail-on", "policy,refused,lost").stderr == both
    assert run("HEAD", "--fail-on", "refused").stderr == ""


def test_several_findings_of_a_kind_are_counted(shop: App, capsys: pytest.CaptureFixture[str]) -> None:
    shop.commit()
    (old,), (new,) = (stacks({"Shop": {key: {"Type": type_} for key in "ab"}}) for type_ in ("A::B::C", "A::B::D"))
    options = Options(fail_on=[Kind.LOST], policy=False)
    assert show([old], [new], options, command="moorage diff", names=("one", "other"), notes=["A note."]) == 1
    assert capsys.readouterr().err == "moorage diff: 2 findings of kind lost (--fail-on)\n"


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("kinds", ["", " ", ","])
def test_no_kind_is_refused(kinds: str) -> None:
    done = run("HEAD", "--fail-on", kinds)
    assert done.exit_code == 2
    said = f"{kinds!r} has no kind of finding; leave out the option, or name some of lost, refused, interrupted"
    assert said in done.output


@pytest.mark.usefixtures("shop")
def test_policy_engines_can_be_left_out() -> None:
    done = run("HEAD", "--no-policy", "--fail-on", "refused")
    assert (done.output.strip().rpartition(", ")[2], done.exit_code) == ("lost/test", 0)


@pytest.mark.usefixtures("shop")
def test_engines_that_do_not_run_cannot_fail_the_review() -> None:
    done = run("HEAD", "--no-policy", "--fail-on", "lost,policy")
    assert done.exit_code == 2
    assert "--fail-on policy needs the policy engines; leave out --no-policy." in done.output


@pytest.mark.usefixtures("shop")
def test_an_unknown_kind_is_named_with_those_that_exist() -> None:
    done = run("HEAD", "--fail-on", "lost,broken")
    assert done.exit_code == 2
    assert "'broken' is not a kind of finding; the kinds are lost, refused, interrupted, opened" in done.output


def test_each_form_is_written_to_its_file(shop: App) -> None:
    done = run("HEAD", "--markdown", "page.md", "--sarif", "found.sarif", "--html", "page.html", "--no-policy")
    assert (done.exit_code, done.output.split(":")[0]) == (0, "terminal")
    assert (shop.folder / "page.md").read_text() == "markdown: Review of the working tree against HEAD, lost/test\n"
    assert (shop.folder / "found.sarif").read_text().startswith("sarif: ")
    assert (shop.folder / "page.html").read_text().startswith("html: ")
    assert sorted(path.name for path in shop.folder.iterdir() if path.name[0] != ".") == [
        *("app.py", "cdk.json", "found.sarif", "page.html", "page.md", "settings.json")
    ]


def test_a_printed_form_takes_the_place_of_the_page(shop: App) -> None:
    done = run("HEAD", "--json", "-", "--junit", "tests.xml")
    assert done.output.startswith("json: ")
    assert "terminal" not in done.output
    assert (shop.folder / "tests.xml").read_text().startswith("junit: ")


def test_a_file_is_replaced_only_if_every_form_can_be_rendered(shop: App, monkeypatch: pytest.MonkeyPatch) -> None:
    (shop.folder / "page.md").write_text("before")

    def fail(_: Review) -> str:
        raise RuntimeError("a mistake in a form")

    monkeypatch.setattr(sys.modules["moorage.review.forms.html"], "render", fail)
    done = run("HEAD", "--markdown", "page.md", "--html", "page.html")
    assert done.exit_code == 2, "exit code 1 means that something was found"
    assert "a mistake in a form" in done.output
    assert (shop.folder / "page.md").read_text() == "before"
    assert not list(shop.folder.glob("*.html"))


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--html", "no/page.html"), "moorage review: --html no/page.html: there is no folder no; create it first\n"),
        (
            ("--json", "a", "--html", "a"),
            "moorage review: --json and --html both write a; give each form a different file\n",
        ),
        (("--html", "."), "moorage review: --html .: this is a folder; give the path of a file\n"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before_the_synthesis(options: tuple[str, ...], said: str) -> None:
    done = run("HEAD", "--app", "touch ran", *options)
    assert (done.output, done.exit_code) == (said, 2)
    assert not Path("ran").exists()


def test_a_new_app_is_reviewed_against_nothing(shop: App) -> None:
    assert run("--new").output == "terminal: Review of the working tree, lost/test, policy/test\n"
    assert run("--new", "HEAD").output.startswith("terminal: Review of HEAD,")
    shop.git("rm", "--quiet", "--cached", "cdk.json")
    shop.git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--message", "no app")
    assert run("HEAD").output.startswith("terminal: Review of the working tree,")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Missing argument 'BASE'; to review a new app, use --new."),
        (("--new", "HEAD", "HEAD"), "--new takes only one side, which is HEAD; leave out BASE."),
        (("HEAD", "HEAD", "HEAD"), "unexpected extra argument"),
    ],
)
def test_wrong_arguments_are_refused(arguments: tuple[str, ...], said: str) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert said in done.output


def test_the_output_of_an_app_that_fails_is_shown_above_the_sentence(shop: App) -> None:
    shop.set(exit="the stack is wrong")
    done = run("HEAD", "--app", f"{sys.executable} app.py")
    assert done.exit_code == 2
    assert done.output == (
        "the stack is wrong\n\nmoorage review: the working tree does not synthesize: "
        f"`{sys.executable} app.py` ended with exit code 1\n"
    )


def test_a_missing_node_is_said_instead_of_the_traceback_of_jsii(shop: App, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.set(exit="'_NodeProcess' object has no attribute '_process'")
    monkeypatch.setattr("moorage.installation.programs.node", lambda: None)
    done = run("HEAD", "--app", f"{sys.executable} app.py")
    sentence = (
        "moorage review: the working tree does not synthesize: Node.js, which runs the CDK CLI, is not installed; "
    )
    assert (done.exit_code, done.output.count("\n"), done.output.partition("install Node")[0]) == (2, 1, sentence)
    shop.set(exit="the stack is wrong")
    assert run("HEAD", "--app", f"{sys.executable} app.py").output.startswith("the stack is wrong\n")


@pytest.mark.usefixtures("shop")
def test_a_side_that_does_not_exist_is_one_sentence_with_exit_code_2() -> None:
    done = run("HEAD", "origin/main")
    assert done.exit_code == 2
    assert done.output.startswith("moorage review: origin/main is neither a folder nor a revision of this repository;")
    assert done.output.count("\n") == 1


def test_a_library_that_is_missing_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "moorage.local.commands", None)
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ModuleNotFoundError):
        load("moorage up", "moorage.local.commands", "local")  # the module itself is missing, and that is a mistake
    with pytest.raises(click.ClickException) as error:
        load("moorage up", "boto3", "local")
    assert error.value.message == f"moorage up needs moorage[local], which installs boto3: {install_moorage('local')}"
    assert error.value.exit_code == 2


OFFLINE = """
import socket, sys
def refuse(*_):
    raise AssertionError("a connection")
for name in ("connect", "connect_ex", "sendto", "bind"):
    setattr(socket.socket, name, refuse)
socket.getaddrinfo = refuse
from moorage.review.run import Options, run
from moorage.review.command import FORMS
from pathlib import Path
code = run(*sys.argv[1:3], Options({form: Path(form) for form in FORMS}))
loaded = {"aws_cdk", "constructs", "jsii", "boto3", "botocore", "ministack"} & set(sys.modules)
assert not loaded, loaded
sys.exit(code)
"""


@pytest.mark.usefixtures("shop")
def test_a_library_that_only_an_engine_needs_is_named_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> tuple[list[Finding], int]:
        raise ModuleNotFoundError(name="rich")

    monkeypatch.setattr(reviewing, "policy_findings", missing)
    done = run("HEAD", ".")
    assert done.exit_code == 2
    said = f"moorage review needs moorage[review], which installs rich: {install_moorage('review')}\n"
    assert done.output.endswith(said)


def test_two_assemblies_are_reviewed_without_a_connection_a_credential_or_cdk(shop: App, tmp_path: Path) -> None:
    for side in ("base", "head"):
        shop.set(name=side)
        out = tmp_path / side
        out.mkdir()
        environment = {**os.environ, "CDK_OUTDIR": str(out)}
        subprocess.run([sys.executable, "app.py"], cwd=shop.folder, env=environment, check=True)
    home = tmp_path / "home"
    home.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE, str(tmp_path / "base"), str(tmp_path / "head")],
        cwd=tmp_path,
        env={"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "constructs")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "TopicName" in done.stdout
    for form in FORMS:
        assert "TopicName" in (tmp_path / form).read_text() or form in {"sarif", "junit"}, form
    assert [path.name for path in home.iterdir()] in ([], [".cache"]), "only what policy engines found may be kept"


def test_importing_the_review_loads_neither_cdk_nor_boto3() -> None:
    code = (
        "import pkgutil, importlib, json, sys, moorage.review\n"
        "for each in pkgutil.walk_packages(moorage.review.__path__, 'moorage.review.'):\n"
        "    if not each.name.endswith('__main__'): importlib.import_module(each.name)\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"aws_cdk", "constructs", "jsii", "boto3", "botocore", "ministack"} & set(json.loads(done.stdout))


def test_the_acknowledgements_of_both_sides_reach_the_findings(shop: App, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = '[[acknowledged]]\nid = "sns-encryption"\npath = "{path}"\nreason = "public"\n'
    (shop.folder / "acknowledged.toml").write_text(entry.format(path="Old"))
    shop.commit()
    (shop.folder / "acknowledged.toml").write_text(entry.format(path="New"))
    given: list[str] = []

    def record(_: Comparison, *files: tuple[Acknowledgement, ...], **__: object) -> tuple[list[Finding], int]:
        given.extend(each.path for file in files for each in file)
        return [], 0

    monkeypatch.setattr(reviewing, "policy_findings", record)
    assert run("HEAD", ".").exit_code == 0
    assert given == ["New", "Old"]
