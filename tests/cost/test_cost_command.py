"""The command `moorage cost`."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import attrs
import aws_cdk as cdk
import pytest
from click.testing import CliRunner

from moorage.assembly.cloud_assembly import AssemblyError
from moorage.assembly.named import named_stacks
from moorage.cli.commands import moorage
from moorage.cost import command, json_form, terminal
from moorage.prices.book import PriceBook
from tests.cost.cost_rows import BOOK, Resource, estimated, stack_of

SERVICE = {
    "Task": {"Type": "AWS::ECS::TaskDefinition", "Properties": {"Cpu": "512", "Memory": "1024"}},
    "Web": {
        "Type": "AWS::ECS::Service",
        "Properties": {"TaskDefinition": {"Ref": "Task"}, "LaunchType": "FARGATE", "DesiredCount": 2},
    },
    "Nat": {"Type": "AWS::EC2::NatGateway", "Properties": {"SubnetId": "subnet-1"}},
    "Thing": {"Type": "AWS::Fantasy::Thing"},
    "Role": {"Type": "AWS::IAM::Role"},
}


@pytest.fixture
def assembly(tmp_path: Path) -> Path:
    folder = tmp_path / "cdk.out"
    folder.mkdir()
    artifacts = {}
    for name in ("Shop", "Other"):
        (folder / f"{name}.template.json").write_text(json.dumps({"Resources": SERVICE}))
        artifacts[name] = {
            "type": "aws:cloudformation:stack",
            "environment": "aws://unknown-account/unknown-region",
            "properties": {"templateFile": f"{name}.template.json"},
        }
    (folder / "manifest.json").write_text(json.dumps({"version": "55.0.0", "artifacts": artifacts}))
    return folder


def run(*arguments: Any) -> Any:
    return CliRunner().invoke(moorage, ["cost", *map(str, arguments)])


def test_the_table_shows_sums_assumptions_and_what_is_unknown(assembly: Path) -> None:
    done = run(assembly, "Shop")
    assert done.exit_code == 0
    page = done.output
    assert page.startswith("Shop: $68.89 a month\n")
    assert "In all: $68.89 a month" in page
    assert {"0.04048", "29.55", "730", "vCPU-hour"} <= set(page.split())
    assert "Unknown, and in no sum: 1 AWS::Fantasy::Thing." in page
    assert "2 resources are free." in page
    assert "1 component has no known cost, and is in no sum: add its cost by hand." in page
    assert "A range is" not in page
    assert "What is 'by use' is in no sum until a usage file (--usage) states it." in page
    assert "  1. " in page
    assert "Note: stacks without a region have the prices of us-east-1; --region changes it" in page


def test_the_most_expensive_comes_first() -> None:
    nat, key = Resource("EC2::NatGateway"), Resource("KMS::Key")
    found = estimated(stack_of({"Key": key}, name="Cheap"), stack_of({"Key": key, "Nat": nat}, name="Dear"))
    page = terminal.render(found)
    assert page.index("Dear: $33.85") < page.index("Cheap: $1.00")
    assert page.index("NAT gateway  ") < page.index("KMS key  ")


def test_amounts_are_rounded_only_when_they_are_shown() -> None:
    thirds = {f"Web{number}": Resource("EC2::EIP") for number in range(3)}
    balancer = Resource("ElasticLoadBalancingV2::LoadBalancer", {"Scheme": "internal"})
    page = terminal.render(estimated(stack_of({**thirds, "Alb": balancer})))
    assert "16.43" in page  # 16.425
    assert "In all: $27.38 a month" in page  # 16.425 and 10.95


def test_json_has_every_row_with_texts_for_amounts(assembly: Path) -> None:
    done = run(assembly, "--json", "-")
    content = json.loads(done.output)
    assert content["currency"] == "USD"
    assert content["total"]["fixed"]["least"] == "137.7802"
    row = next(row for row in content["rows"] if row["component"] == "Fargate vCPU")
    assert row["quantity"] == {"least": "730", "most": "730"}
    assert (row["unit"], row["price"], row["kind"]) == ("vCPU-hour", "0.04048", "fixed")
    assert content["unknown_types"] == {"AWS::Fantasy::Thing": 2}


def test_json_in_a_file_leaves_the_table(assembly: Path, tmp_path: Path) -> None:
    done = run(assembly, "--json", tmp_path / "cost.json")
    assert "In all: " in done.output
    assert json.loads((tmp_path / "cost.json").read_text())["hours"] == 730


@pytest.mark.parametrize(("budget", "code"), [("68.88", 1), ("68.8901", 0), ("1000", 0), ("0", 1)])
def test_a_budget_is_compared_with_the_least_cost(assembly: Path, budget: str, code: int) -> None:
    done = run(assembly, "Shop", "--budget", budget)
    assert done.exit_code == code
    assert f" a month is {'over' if code else 'within'} the budget of $" in done.output


@pytest.mark.parametrize(
    ("budget", "meant"),
    [
        ("125 EUR", "125"),
        ("much", "125"),
        ("NaN", "125"),
        ("-5", "125"),
        ("12,50", "125"),  # a decimal comma, or a comma of thousands
        ("$5", "5"),
        ("1,250", "1250"),
        ("1,250.75 USD", "1250.75"),
    ],
)
def test_a_budget_that_is_no_amount_is_a_sentence(assembly: Path, budget: str, meant: str) -> None:
    done = run(assembly, f"--budget={budget}")
    assert done.exit_code == 2
    said = f"--budget must be an amount in USD, without $ and commas, of at least 0 (got {budget!r}); write --budget "
    assert f"{said}{meant}\n" in done.output


def test_a_usage_file_adds_what_depends_on_use(assembly: Path, tmp_path: Path) -> None:
    usage = tmp_path / "usage.toml"
    usage.write_text('[constructs."Shop"]\nnat_gb = 100\n')
    page = run(assembly, "--usage", usage).output
    assert "Shop: $68.89 a month, and $4.50 by use" in page
    assert "What is 'by use' is in no sum" in page  # that of the other stack
    assert "What is 'by use'" not in run(assembly, "Shop", "--usage", usage).output
    assert run(assembly, "Shop", "--usage", usage, "--budget", "70").exit_code == 1
    usage.write_text("[defaults]\nnat_gbs = 100\n")
    done = run(assembly, "--usage", usage)
    assert (done.exit_code, "did you mean nat_gb?" in done.output) == (2, True)


def test_a_region_is_that_of_stacks_without_one(assembly: Path) -> None:
    assert "0.048" in run(assembly, "--region", "eu-west-1").output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nothing*"], "no stack matches nothing*; the stacks are Shop, Other"),
        (["--json", "no/such/folder"], "no/such"),
    ],
)
def test_wrong_arguments_are_sentences(assembly: Path, arguments: list[str], says: str) -> None:
    done = run(assembly, *arguments)
    assert done.exit_code == 2
    assert says in done.output


def test_a_folder_without_an_assembly_is_a_sentence(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.exit_code == 2
    assert done.output == (
        f"moorage cost: {tmp_path} is not a CDK cloud assembly, since it has no manifest.json; name the folder that "
        "`cdk synth` wrote, such as cdk.out\n"
    )


@pytest.mark.parametrize("command", ["cost", "advise", "diagram"])
@pytest.mark.parametrize(("stack", "shown"), [("ShopDev", "ShopDev"), ("Shop*", "'Shop*'")])
def test_a_stack_in_place_of_the_assembly_is_a_sentence(
    command: str, stack: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(moorage, [command, stack])
    assert done.exit_code == (1 if command == "diagram" else 2)
    assert done.output.endswith(
        f"{command}: {stack} is not a folder; the assembly comes first: moorage {command} cdk.out {shown}\n"
    )


@pytest.mark.parametrize("command", ["cost", "advise", "diagram"])
def test_a_mistyped_folder_and_a_file_are_sentences(
    command: str, assembly: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(assembly.parent)
    Path("app.py").touch()
    done = CliRunner().invoke(moorage, [command, "cdk.ou"])
    assert done.output.endswith(f"{command}: there is no folder cdk.ou; did you mean cdk.out?\n")
    done = CliRunner().invoke(moorage, [command, "app.py"])
    assert done.output.endswith(
        f"{command}: app.py is a file; name the folder that `cdk synth` wrote, such as cdk.out\n"
    )


@pytest.mark.parametrize("command", ["cost", "advise", "diagram"])
def test_an_app_that_is_not_synthesized_is_a_sentence(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(moorage, [command])
    assert done.output.endswith("there is no folder cdk.out; run `cdk synth`, or name the folder that it wrote\n")
    Path("cdk.out").mkdir()
    done = CliRunner().invoke(moorage, [command])
    assert done.output.endswith("(cdk.out/manifest.json is missing); synthesize it again\n")


@pytest.mark.parametrize("command", ["cost", "advise"])
@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-60, "less than a minute"),
        (59, "less than a minute"),
        (60, "1 minute"),
        (8 * 60 + 59, "8 minutes"),
        (3_600, "1 hour"),
        (2 * 86_400, "2 days"),
    ],
)
def test_the_output_names_the_folder_and_its_age(
    command: str, seconds: int, said: str, assembly: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(assembly.parent)
    aged(assembly, seconds)
    done = CliRunner().invoke(moorage, [command])
    assert f"\nRead from cdk.out, synthesized {said} ago.\n" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("command", ["cost", "advise"])
def test_an_assembly_that_is_older_than_the_last_up_is_a_sentence(
    command: str, assembly: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(assembly.parent)
    of_up = Path(".moorage", "cdk.out")
    shutil.copytree(assembly, of_up)
    aged(of_up, 100)
    for older, folder, warns in ((101, "cdk.out", True), (99, "cdk.out", False), (101, str(of_up), False)):
        aged(assembly, older)
        done = CliRunner().invoke(moorage, [command, folder])
        assert done.exit_code == 0
        said = (
            f"moorage {command}: cdk.out is older than .moorage/cdk.out, which the last `up` synthesized; run "
            "`cdk synth`, or name .moorage/cdk.out\n"
        )
        assert done.stderr == (said if warns else "")


def aged(assembly: Path, seconds: int) -> None:
    """Make an assembly look as if it was synthesized some seconds ago."""
    then = dt.datetime.now(dt.UTC).timestamp() - seconds
    os.utime(assembly / "manifest.json", (then, then))


def test_another_price_book_can_be_used(assembly: Path, tmp_path: Path) -> None:
    content = BOOK.file.read_text().replace('"nat.hour":["0.045"', '"nat.hour":["0.046"')
    assert content != BOOK.file.read_text()
    (tmp_path / "prices.json").write_text(content)
    assert "33.58" in run(assembly, "--prices", tmp_path / "prices.json").output
    done = run(assembly, "--prices", tmp_path / "missing.json")
    assert (done.exit_code, "missing.json" in done.output) == (2, True)


def test_old_prices_are_a_warning(assembly: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PriceBook, "warning", lambda _self, _today: "the prices are old")
    assert "Note: the prices are old" in run(assembly).output
    assert "the prices are old" in json_form.render(estimated(stack_of({})), BOOK, ["the prices are old"])


def test_the_prices_of_the_package_are_not_old_today() -> None:
    assert BOOK.warning(BOOK.version + dt.timedelta(days=1)) is None


def test_a_budget_can_have_cents() -> None:
    assert str(command.budget_of("125.50")) == "125.50"


def test_each_pattern_of_stacks_must_match(assembly: Path) -> None:
    done = run(assembly, "Shop", "Nope")
    assert done.exit_code == 2
    assert "no stack matches Nope; the stacks are Shop, Other" in done.output


def test_a_pattern_without_a_star_has_the_pattern_with_it() -> None:
    stages = [attrs.evolve(stack_of({}), path=f"dev/{name}") for name in ("Platform", "Services")]
    with pytest.raises(
        AssemblyError, match=re.escape("no stack matches dev; did you mean 'dev/*'? The stacks are dev/P")
    ):
        named_stacks(stages, ["dev"])


@pytest.mark.parametrize(
    ("region", "said"),
    [
        ("Frankfurt", "--region must be the code of a region (got 'Frankfurt'); write one, such as --region eu-west-1"),
        ("EU-Central-1", "--region must be the code of a region (got 'EU-Central-1'); write --region eu-central-1"),
        (
            "eu-central-1a",
            "--region must be the code of a region, and eu-central-1a is a zone; write --region eu-central-1",
        ),
    ],
)
def test_a_region_has_the_form_of_a_code(assembly: Path, region: str, said: str) -> None:
    done = run(assembly, "--region", region)
    assert (done.exit_code, done.stderr) == (2, f"moorage cost: {said}\n")


@pytest.mark.parametrize("name", ["cost", "advise"])
@pytest.mark.parametrize(
    ("region", "said"),
    [
        ("eu-west-1", None),
        ("ap-northeast-3", None),  # the book has no prices of it, which a note says
        ("eu-wset-1", "moorage knows no region eu-wset-1; did you mean eu-west-1?"),
        ("xx-nowhere-1", "moorage knows no region xx-nowhere-1"),
        ("us-gov-west-1", "the price book has no prices of us-gov-west-1: the amounts are those of us-east-1"),
        (
            "cn-north-1",
            "the price book has no prices of cn-north-1, where AWS bills in CNY: the amounts are those of us-east-1",
        ),
    ],
)
def test_a_doubtful_region_is_told(name: str, region: str, said: str | None, assembly: Path) -> None:
    done = CliRunner().invoke(moorage, [name, str(assembly), "--region", region])
    assert done.exit_code == 0
    assert said is None or done.stderr.startswith(f"moorage {name}: {said}\n")


@pytest.mark.parametrize("name", ["cost", "advise"])
def test_a_region_that_changes_nothing_is_told(name: str, tmp_path: Path) -> None:
    app = cdk.App(outdir=str(tmp_path / "cdk.out"))
    cdk.Stack(app, "Shop", env=cdk.Environment(region="us-west-2"))
    assembly = Path(app.synth().directory)
    said = f"moorage {name}: --region eu-west-1 changes nothing, since every stack states its region (us-west-2)\n"
    assert CliRunner().invoke(moorage, [name, str(assembly), "--region", "eu-west-1"]).stderr == said
    assert CliRunner().invoke(moorage, [name, str(assembly), "--region", "us-west-2"]).stderr == ""
    assert CliRunner().invoke(moorage, [name, str(assembly)]).stderr == ""


def test_json_that_cannot_be_written_is_a_sentence(assembly: Path, tmp_path: Path) -> None:
    file = tmp_path / "nowhere" / "cost.json"
    done = run(assembly, "--json", file)
    assert done.exit_code == 2
    assert f"--json {file} cannot be written (No such file or directory); name a file in a folder" in done.output
