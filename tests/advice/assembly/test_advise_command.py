"""The command `moorage advise`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from moorage.advice.monthly_cost import monthly_cost
from moorage.cli.commands import moorage
from moorage.prices.book import PriceBook, shipped_file


def task(cpu: int, memory: int, **properties: Any) -> dict[str, Any]:
    stated = {"Cpu": str(cpu), "Memory": str(memory), "NetworkMode": "awsvpc", **properties}
    return {"Type": "AWS::ECS::TaskDefinition", "Properties": stated}


def service(name: str, count: int) -> dict[str, Any]:
    stated = {"TaskDefinition": {"Ref": name}, "Cluster": {"Ref": "Cluster"}, "DesiredCount": count}
    return {"Type": "AWS::ECS::Service", "Properties": {**stated, "LaunchType": "FARGATE"}}


RESOURCES = {
    "Cluster": {"Type": "AWS::ECS::Cluster"},
    "Small": task(256, 512),
    "Large": task(1024, 2048),
    "Web": service("Small", 2),
    "Api": service("Large", 60),
    "Unread": service("Missing", 1),
}


@pytest.fixture
def assembly(tmp_path: Path) -> Path:
    folder = tmp_path / "cdk.out"
    folder.mkdir()
    (folder / "Shop.template.json").write_text(json.dumps({"Resources": RESOURCES}))
    artifact = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://unknown-account/unknown-region",
        "properties": {"templateFile": "Shop.template.json"},
    }
    (folder / "manifest.json").write_text(json.dumps({"version": "55.0.0", "artifacts": {"Shop": artifact}}))
    return folder


def run(*arguments: Any) -> Result:
    return CliRunner().invoke(moorage, ["advise", *map(str, arguments)])


def test_each_workload_has_a_table_and_a_sentence(assembly: Path) -> None:
    done = run(assembly)
    assert done.exit_code == 0
    page = done.output
    assert "Shop/Web (service on Fargate, 2 copies of 0.25 vCPU and 0.5 GiB)\n" in page
    assert "Shop/Api (service on Fargate, 60 copies of 1 vCPU and 2 GiB)\n" in page
    assert "Shop/Cluster, 2 workloads together\n" in page
    assert "Advised: Fargate. Fargate costs $18.02 a month, and EC2 on demand" in page
    assert "Advised: Fargate. Fargate costs $2,162 a month, and EC2 on demand" in page
    assert "EC2 on demand wins with a Savings Plan of" in page
    assert "Note: no advice for Shop/Unread: its task definition is not in the app.\n" in page
    assert (
        page.index("Assumptions\n") < page.index("Sources\n") < page.index("botocore ecs CapacityProviderStrategyItem")
    )


def test_workloads_without_a_choice_are_not_compared_together(assembly: Path) -> None:
    file = assembly / "Shop.template.json"
    gpu = [{"Name": "model", "ResourceRequirements": [{"Type": "GPU", "Value": "1"}]}]
    arm = {"RuntimePlatform": {"CpuArchitecture": "ARM64"}}
    more = {
        "GpuTask": task(2048, 8192, ContainerDefinitions=gpu),
        "ArmTask": task(256, 512, **arm),
        "Model": service("GpuTask", 1),
        "Arm": service("ArmTask", 1),
    }
    file.write_text(json.dumps({"Resources": {**RESOURCES, **more}}))
    content = json.loads(run(assembly, "--json", "-").output)
    (together,) = [each["workloads"] for each in content["advice"] if "together" in each["subject"]]
    assert together == ["Shop/Api", "Shop/Web"]
    (model,) = [each for each in content["advice"] if each["subject"] == "Shop/Model"]
    assert model["advised"]["launch_type"] == "EC2 on demand"


def test_a_pattern_selects_workloads(assembly: Path) -> None:
    page = run(assembly, "*/Web").output
    assert "Shop/Web (service" in page
    assert "Shop/Api" not in page
    assert "together" not in page


@pytest.mark.parametrize(
    ("options", "advised"),
    [
        ((), "Fargate"),
        (("--savings-plan-percent", "20"), "Fargate"),
        (("--ec2-savings-plan-percent", "40"), "EC2 on demand"),
        (("--ec2-savings-plan-percent", "40", "--upkeep-hours", "20"), "Fargate"),
        (("--ec2-savings-plan-percent", "40", "--upkeep-hours", "20", "--hourly-rate", "1"), "EC2 on demand"),
        (("--interruptible",), "Fargate Spot"),
        (("--interruptible", "--fargate-spot-percent", "60", "--ec2-spot-percent", "50"), "Fargate Spot"),
        (("--interruptible", "--fargate-spot-percent", "0", "--ec2-spot-percent", "60"), "EC2 Spot"),
        (("--managed-instances-fee-percent", "0"), "Fargate"),
        (("--managed-instances-fee-percent", "0", "--ec2-savings-plan-percent", "30"), "ECS Managed Instances"),
    ],
)
def test_the_options_change_the_advice(assembly: Path, options: tuple[str, ...], advised: str) -> None:
    content = json.loads(run(assembly, "Shop/Api", "--json", "-", *options).output)
    assert content["advice"][0]["advised"]["launch_type"] == advised


def test_trunking_places_more_copies_on_an_instance(assembly: Path) -> None:
    def copies(*options: str) -> int:
        (web,) = json.loads(run(assembly, "Shop/Web", "--json", "-", *options).output)["advice"]
        (found,) = [
            each["instances"]
            for each in web["options"]
            if (each["launch_type"], each["architecture"]) == ("EC2 on demand", "X86_64")
        ]
        return int(found["copies_each"])

    assert copies() == 2
    assert copies("--trunking") > 2


def test_the_region_decides_the_prices(assembly: Path) -> None:
    def month(*options: str) -> str:
        (web,) = json.loads(run(assembly, "Shop/Web", "--json", "-", *options).output)["advice"]
        return str(web["options"][0]["usd_a_month"]["least"])

    assert month() == month("--region", "us-east-1") == "18.02"
    assert month("--region", "sa-east-1") != "18.02"


def test_a_price_book_of_the_user_decides_the_prices(assembly: Path, tmp_path: Path) -> None:
    contents = json.loads(shipped_file().read_text())
    (table,) = (each for each in contents["tables"] if "fargate.vcpu_hour.x86_64" in each["prices"])
    place = table["regions"].index("us-east-1")
    table["prices"]["fargate.vcpu_hour.x86_64"][place] = "0.05"
    own = tmp_path / "prices.json"
    own.write_text(json.dumps(contents))
    assert "Fargate costs $21.49 a month" in run(assembly, "Shop/Web", "--prices", own).output
    done = run(assembly, "--prices", tmp_path / "nothing.json")
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert "nothing.json: cannot be read" in done.stderr


def test_old_prices_are_a_sentence(assembly: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PriceBook, "warning", lambda _self, _today: "the price book is old")
    assert run(assembly).output.count("The price book is old.") == 1
    cost = monthly_cost("Web", [], "us-east-1")
    assert cost.assumptions[0].endswith(" a month has 730 hours. The price book is old.")


def test_json_is_written_beside_the_tables(assembly: Path, tmp_path: Path) -> None:
    file = tmp_path / "advice.json"
    done = run(assembly, "--json", file)
    assert "Advised: " in done.output
    content = json.loads(file.read_text())
    assert [each["subject"] for each in content["advice"]] == [
        "Shop/Web",
        "Shop/Api",
        "Shop/Cluster, 2 workloads together",
    ]
    spot = content["advice"][0]["options"][1]
    assert spot["launch_type"] == "Fargate Spot"
    assert not spot["fits"]
    assert spot["refusals"][0]["source"].startswith("botocore ecs")
    assert content["notes"] == ["no advice for Shop/Unread: its task definition is not in the app."]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--savings-plan-percent", "101"), "--savings-plan-percent must be between 0 and 100 (got 101); use"),
        (("--savings-plan-percent", "-1"), "--savings-plan-percent must be between 0 and 100 (got -1); use"),
        (("--upkeep-hours", "-1"), "--upkeep-hours must be at least 0 (got -1); use 0 or more"),
        (("--hourly-rate", "nan"), "--hourly-rate must be at least 0 (got NaN); use 0 or more"),
        (
            ("--region", "nowhere"),
            "--region must be the code of a region (got 'nowhere'); write one, such as --region eu-west-1",
        ),
        (("--usage", "absent.toml"), "absent.toml cannot be read"),
        (("Shop/Nothing",), "no service, worker or job matches Shop/Nothing; those of the app are Shop/Web, Shop/Api,"),
        (("--json", "no/such/folder.json"), "no/such/folder.json: No such file or directory"),
    ],
)
def test_wrong_arguments_are_one_sentence(assembly: Path, options: tuple[str, ...], sentence: str) -> None:
    done = run(assembly, *options)
    assert done.exit_code == 2
    assert done.stderr.startswith("moorage advise: ")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_error_names_ten_workloads(assembly: Path) -> None:
    services = {f"Web{number}": service("Small", 1) for number in range(12)}
    (assembly / "Shop.template.json").write_text(json.dumps({"Resources": {"Small": task(256, 512), **services}}))
    error = run(assembly, "Shop/Nothing").stderr
    assert error.endswith("Shop/Web8, Shop/Web9 and 2 more\n")
    assert "Shop/Web10" not in error


def test_a_pattern_also_matches_the_resource(assembly: Path) -> None:
    file = assembly / "Shop.template.json"
    named = {**service("Small", 1), "Metadata": {"aws:cdk:path": "Shop/Web/Service/Service/Service"}}
    file.write_text(json.dumps({"Resources": {"Small": task(256, 512), "Web": named}}))
    for pattern in ("Shop/Web", "Shop/Web/Service", "Shop/Web/Service/*"):
        assert "Shop/Web (service on Fargate" in run(assembly, pattern).output


def test_an_average_that_the_scaling_cannot_give_is_a_note(assembly: Path, tmp_path: Path) -> None:
    name = {"Fn::Join": ["/", ["service", {"Ref": "Cluster"}, {"Fn::GetAtt": ["Web", "Name"]}]]}
    scaling = {"ResourceId": name, "MinCapacity": 2, "MaxCapacity": 8}
    target = {"Type": "AWS::ApplicationAutoScaling::ScalableTarget", "Properties": scaling}
    (assembly / "Shop.template.json").write_text(json.dumps({"Resources": {**RESOURCES, "Target": target}}))
    usage = tmp_path / "usage.toml"
    for average, is_said in ((20, True), (8, False)):
        usage.write_text(f'[constructs."Shop/Web"]\naverage_copies = {average}\n')
        page = run(assembly, "Shop/Web", "--usage", usage).output
        assert "matches no construct" not in page
        said = "Note: average_copies of Shop/Web in the usage file is 20, although its scaling has at most 8 copies.\n"
        assert (said in page) is is_said


def test_lines_have_no_spaces_at_their_ends(assembly: Path) -> None:
    assert not any(line.endswith(" ") for line in run(assembly).output.splitlines())


def test_a_folder_that_is_no_assembly_is_refused(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.exit_code == 2
    assert "is not a CDK cloud assembly, since it has no manifest.json; name the folder" in done.stderr


def test_a_number_that_is_no_number_is_refused(assembly: Path) -> None:
    for option, said in (
        ("--savings-plan-percent", "a percentage such as 20"),
        ("--upkeep-hours", "a number of hours such as 2"),
        ("--hourly-rate", "an amount in USD such as 50"),
    ):
        done = run(assembly, option, "many")
        assert done.exit_code == 2
        assert f"Invalid value for '{option}': must be {said} (got 'many')" in done.stderr


def test_an_app_without_workloads_has_a_note(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"version": "55.0.0", "artifacts": {}}')
    done = run(tmp_path)
    assert done.exit_code == 0
    assert "Note: the app has no ECS service, worker or job." in done.output


def test_a_table_of_the_usage_file_without_a_construct_is_noted(assembly: Path, tmp_path: Path) -> None:
    usage = tmp_path / "usage.toml"
    usage.write_text('[constructs."Store/Web"]\naverage_copies = 2\n')
    page = run(assembly, "Shop/Web", "--usage", usage).output
    assert 'Note: [constructs."Store/Web"] of the usage file matches no construct.\n' in page
