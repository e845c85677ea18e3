"""The command `moorage policy`: findings of one app, acknowledgements, exit codes and forms."""

from __future__ import annotations

import json
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_logs as logs
from click.testing import CliRunner, Result

from moorage.review.command import policy_command, review_command

ENTRY = '[[acknowledged]]\nid = "log-kms"\npath = "Shop/Logs"\nreason = "no personal data"\n'
STALE = ENTRY.replace("Shop/Logs", "Shop/Gone")
EXPIRED = f"{ENTRY}until = 2020-01-31\n"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(policy_command, arguments)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of an assembly with one log group, which is the current folder's `cdk.out`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("shutil.which", lambda _: None)  # checkov takes seconds
    app = cdk.App(outdir=str(tmp_path / "cdk.out"))
    stack = cdk.Stack(app, "Shop")
    logs.LogGroup(stack, "Logs", retention=logs.RetentionDays.TWO_YEARS)
    app.synth()
    return tmp_path


@pytest.mark.usefixtures("shop")
def test_a_finding_that_nothing_acknowledges_fails() -> None:
    done = run()
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "Policy of cdk.out: 1 finding",
        "Policy",
        "  Shop/Logs/Resource violates a policy rule: Require an Amazon CloudWatch log group to be encrypted at rest "
        "with an AWS KMS key (CT.CLOUDWATCH.PR.3).",
        "    Shop/Logs/Resource",
        "    To fix it, set `KmsKeyId` of the log group to a key of your own, which AWS bills.",
        "    Rules: guard:cloudwatch_log_group_encrypted_check (issue log-kms).",
    ]


def test_the_file_of_the_current_folder_is_read_by_default(shop: Path) -> None:
    (shop / "acknowledged.toml").write_text(ENTRY)
    done = run("cdk.out")
    assert (done.exit_code, done.stdout) == (
        0,
        "Policy of cdk.out: 0 findings\n1 policy finding is acknowledged; it is not shown.\n",
    )
    assert run("--acknowledged", "acknowledged.toml").exit_code == 0


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        (ENTRY + STALE, "The acknowledgement of log-kms for Shop/Gone matches no finding; remove it."),
        (EXPIRED, "The acknowledgement of log-kms for Shop/Logs expired on 2020-01-31; renew it or fix the finding."),
    ],
)
def test_an_acknowledgement_of_no_use_fails(shop: Path, entries: str, said: str) -> None:
    file = shop / "given.toml"
    file.write_text(entries)
    done = run("cdk.out", "--acknowledged", "given.toml", "--sarif", "found.sarif", "--junit", "found.xml")
    assert done.exit_code == 1
    assert f"  {said}\n" in done.stdout
    (sarif,) = json.loads((shop / "found.sarif").read_text())["runs"]
    places = {
        result["message"]["text"]: result["locations"][0]["physicalLocation"]
        for result in sarif["results"]
        if result["ruleId"].startswith("policy/acknowledgement-")
    }
    line = entries.splitlines().index("[[acknowledged]]", 1 if "Gone" in entries else 0) + 1
    assert places == {said: {"artifactLocation": {"uri": "given.toml"}, "region": {"startLine": line}}}
    assert said in (shop / "found.xml").read_text()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[acknowledged]]\nid = "no"\npath = "*"\nreason = "x"\n', "moorage policy: bad.toml:1: no is not a known"),
        (
            "a = 1\n",
            "moorage policy: bad.toml must contain only tables [[acknowledged]] (got a); remove everything else\n",
        ),
    ],
)
def test_a_wrong_file_is_named_and_nothing_is_written(shop: Path, text: str, said: str) -> None:
    (shop / "bad.toml").write_text(text)
    done = run("--acknowledged", "bad.toml", "--json", "found.json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(said)
    assert not (shop / "found.json").exists()


@pytest.mark.usefixtures("shop")
def test_what_is_not_an_assembly_is_refused() -> None:
    done = run("missing")
    assert done.exit_code == 2
    assert done.stderr.startswith("moorage policy: there is no folder missing, and the current folder is not in a git")
    assert len(done.stderr.splitlines()) == 1
    done = run("cdk.out", "--acknowledged", "missing.toml")
    assert done.exit_code == 2
    assert "missing.toml cannot be read (No such file or directory)" in done.stderr


def test_a_review_does_not_show_what_is_acknowledged(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shop)
    arguments = ["--new", "cdk.out", "--fail-on", "policy"]
    assert CliRunner().invoke(review_command, arguments).exit_code == 1
    (shop / "acknowledged.toml").write_text(ENTRY)
    assert CliRunner().invoke(review_command, arguments).exit_code == 0
