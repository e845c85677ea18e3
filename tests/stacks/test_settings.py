"""The file of the environments: what it accepts, and one clear error with the line for everything else."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest

from stacks.settings import Description
from stacks.settings.description import WITHOUT_INSPECTOR
from stacks.settings.toml_file import SettingsFileError

ROOT = Path(__file__).resolve().parents[2]
DEV = """\
[dev]
removable = true
[dev.capacity.fargate]
kind = "fargate"
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path("environments.toml")


def read(file: Path, text: str) -> Description:
    file.write_text(text)
    return Description.read(str(file))


def problems(file: Path, text: str) -> list[str]:
    with pytest.raises(SettingsFileError) as raised:
        read(file, text)
    return str(raised.value).splitlines()


def test_the_settings_of_one_service_replace_those_of_all(file: Path) -> None:
    sizes = "[dev.services]\ncpu = 512\nmin_tasks = 1\n[dev.services.ui]\nmin_tasks = 3\n"
    services = read(file, DEV + sizes).environments["dev"].services
    assert (services.of("ui").cpu, services.of("ui").min_tasks) == (512, 3)
    assert (services.of("carts").cpu, services.of("carts").min_tasks) == (512, 1)


def test_an_environment_needs_only_a_capacity(file: Path) -> None:
    settings = read(file, DEV).environments["dev"]
    assert (settings.network.zones, settings.network.egress) == (2, "nat-gateway-per-zone")
    assert (settings.place, settings.data, settings.exec_sessions) == (None, None, False)


def test_values_never_change(file: Path) -> None:
    settings = read(file, DEV).environments["dev"]
    with pytest.raises(AttributeError):
        settings.removable = False  # type: ignore[misc]  # it is frozen
    with pytest.raises(TypeError):
        settings.capacity["spot"] = settings.capacity["fargate"]  # type: ignore[index]  # the mapping is read-only


WRONG = {
    'colour = "red"': "3: dev.colour is not a setting; the settings are account, ",
    'tag = "shop"': "3: dev.tag is not a setting; did you mean tags?",
    "account = 111111111111": "3: dev.account must be a text (got 111111111111); write it in quotes",
    'account = "1111"': '3: dev.account must be an account of 12 digits (got "1111"); for example "111111111111"',
    'region = "Ireland"': '3: dev.region must be the name of a region (got "Ireland"); for example "eu-west-1"',
    'removable = "yes"': '3: dev.removable must be true or false (got "yes")',
    'operators = "me@example.com"': '3: dev.operators must be a list (got "me@example.com")',
    'operators = ["me"]': '3: dev.operators must be a list of email addresses (got "me"); for example "operators@',
    "operators = [4]": "3: dev.operators must be a text (got 4); write it in quotes",
    "tags = { team = 3 }": "3: dev.tags.team must be a text (got 3); write it in quotes",
    "network = 3": "3: dev.network must be a table (got 3)",
    "network = { zones = 1 }": "3: dev.network.zones must be between 2 and 6 (got 1)",
    "network = { zones = 7 }": "3: dev.network.zones must be between 2 and 6 (got 7)",
    "network = { zones = true }": "3: dev.network.zones must be a whole number (got true)",
    'network = { egress = "nat" }': (
        '3: dev.network.egress must be one of nat-gateway-per-zone, one-nat-gateway, endpoints (got "nat")'
    ),
    'network = { egress = "endpoints" }': '3: dev.network.egress must not be "endpoints", since without a NAT gateway',
    'network = { vpc_id = "vpc-1" }': '3: dev.network.vpc_id must be the ID of a VPC (got "vpc-1"); for example "vpc-',
    'network = { vpc_id = "vpc-0a1b2c3d" }': "3: dev.network.vpc_id needs account and region, in which the VPC is ",
    "services = { min_tasks = 0 }": "3: dev.services.min_tasks must be between 1 and 5000 (got 0)",
    "services = { max_tasks = 1 }": "3: dev.services.max_tasks must be at least min_tasks, 2 (got 1)",
    "services = { ui = { max_tasks = 1 } }": "3: dev.services.ui.max_tasks must be at least min_tasks, 2 (got 1)",
    "services = { shop = {} }": "3: dev.services.shop is not a setting; ",
    "services = { capacity = { spot = 1 } }": (
        '3: dev.services.capacity must have names of capacities (got "spot"); the names are fargate'
    ),
    "services = { ui = { capacity = { spot = 1 } } }": "3: dev.services.ui.capacity must have names of capacities",
    "jobs = { capacity = { spot = 1 } }": "3: dev.jobs.capacity must have names of capacities",
    "data = {}": "3: dev.data.database_capacity is missing; add it",
    "data = { database_capacity = 1 }": "3: dev.data.database_capacity must be a list of 2 items (got 1)",
    "data = { database_capacity = [1] }": "3: dev.data.database_capacity must be a list of 2 items (got [1])",
    "data = { database_capacity = [0, 0.5] }": (
        "3: dev.data.database_capacity must end with at least 1 (got 0.5); use [0, 1]"
    ),
    "data = { database_capacity = [2, 1] }": "3: dev.data.database_capacity must end with at least 2 (got 1)",
    "data = { database_capacity = [0.3, 2] }": (
        "3: dev.data.database_capacity must be in steps of 0.5 (got [0.3, 2]); round both to a multiple of 0.5"
    ),
    "data = { database_capacity = [0, 256.5] }": "3: dev.data.database_capacity must be between 0 and 256 (got [0, ",
    "data = { database_capacity = [0, 1], backup_days = 36 }": "3: dev.data.backup_days must be between 1 and 35 (got ",
    "data = { database_capacity = [0, 1], cache_nodes = 0 }": "3: dev.data.cache_nodes must be between 1 and 6 (got 0)",
    'recovery_region = "eu-west-1"\nregion = "eu-west-1"': (
        '3: dev.recovery_region must differ from the region of the environment (got "eu-west-1"); use another region'
    ),
    'entrance = { domain = "a.com", hosted_zone = "b.com", hosted_zone_id = "Z" }': (
        '3: dev.entrance.domain must be in the hosted zone b.com (got "a.com"); use "shop.b.com"'
    ),
    'entrance = { hosted_zone = "b.com" }': "3: dev.entrance.hosted_zone needs domain and hosted_zone_id, too",
    'entrance = { hosted_zone_id = "Z" }': "3: dev.entrance.hosted_zone_id needs hosted_zone, the name of",
    'entrance = { web_acl = "arn:aws:waf" }': "3: dev.entrance.web_acl must be the ARN of a regional web ACL (got ",
    "capacity.queue = {}": "3: dev.capacity.queue.kind must be one of fargate, fargate-spot, ec2, managed-",
    'capacity.pool = { kind = "ec2" }': "3: dev.capacity.pool.instance_types is missing; add it",
    'capacity.pool = { kind = "ec2", instance_types = ["m7i.large"], max_instances = 0 }': (
        "3: dev.capacity.pool cannot be used: Capacity 'pool': min_instances and max_instances must be at l"
    ),
}


@pytest.mark.parametrize("setting", WRONG)
def test_a_wrong_setting_is_named_with_its_line(file: Path, setting: str) -> None:
    head, _, rest = DEV.partition("removable = true\n")
    removable = "" if "removable" in setting else "removable = true\n"
    text = head + (removable or "# removable\n") + setting + "\n" + rest
    found = problems(file, text)
    assert any(each.startswith(f"environments.toml:{WRONG[setting]}") for each in found), found


def test_all_problems_are_reported_in_the_order_of_their_lines(file: Path) -> None:
    text = DEV + '[dev.network]\nzones = 9\n[prod]\ntags = 3\n[prod.capacity.f]\nkind = "f"\n'
    assert [each.split(" ")[0] for each in problems(file, text)] == [
        "environments.toml:6:",
        "environments.toml:8:",
        "environments.toml:10:",
    ]


def test_production_needs_a_certificate_and_two_zones(file: Path) -> None:
    text = '[production.network]\nzones = 1\n[production.capacity.fargate]\nkind = "fargate"\n'
    assert problems(file, text) == ["environments.toml:2: production.network.zones must be between 2 and 6 (got 1)"]
    (problem,) = problems(file, text.replace("1", "2"))
    assert "production.entrance must have a certificate unless removable is true; set certificate_parameter" in problem


def place(account: str, region: str) -> str:
    return f'account = "{account}"\nregion = "{region}"\n'


TOOLING = '[tooling]\n{}[tooling.registry]\nreplicates_to = ["dev", "test"]\n'
TEST = DEV.replace("dev", "test")


def test_two_environments_must_not_define_one_registry(file: Path) -> None:
    here, there = place("1" * 12, "eu-west-1"), place("2" * 12, "eu-west-1")
    both = DEV.replace("[dev]\n", f"[dev]\n{there}") + TEST.replace("[test]\n", f"[test]\n{there}")
    assert problems(file, both + TOOLING.format(here)) == [
        'environments.toml:17: tooling.registry.replicates_to must not have both "dev" and "test", which are in one '
        "account and region and would both define its registry; remove one of them"
    ]
    assert read(file, both + TOOLING.format(there)).destinations.keys() == {"dev", "test"}  # they use that of tooling
    assert read(file, DEV + TEST + TOOLING.format("")).destinations.keys() == {"dev", "test"}  # unknown accounts


def test_a_destination_must_be_an_environment(file: Path) -> None:
    assert problems(file, DEV + TOOLING.format("")) == [
        'environments.toml:7: tooling.registry.replicates_to must have names of environments (got "test"); the names '
        "are dev"
    ]


def test_a_scanned_registry_needs_a_region_with_inspector(file: Path) -> None:
    tooling = '[tooling]\nregion = "ap-southeast-6"\n[tooling.registry]\nreplicates_to = ["dev"]\n'
    dev = DEV.replace("[dev]\n", '[dev]\nregion = "ap-southeast-6"\nrecovery_region = "eu-west-1"\n')
    assert [each.split(" must be")[0] for each in problems(file, dev + tooling)] == [
        "environments.toml:2: dev.region",
        "environments.toml:8: tooling.region",
    ]
    read(file, dev)  # nothing is scanned there


def test_these_regions_have_no_inspector() -> None:
    regions = {name: set(boto3.Session().get_available_regions(name)) for name in ("ecr", "inspector2")}
    assert regions["ecr"] - regions["inspector2"] == WITHOUT_INSPECTOR


def test_two_environments_must_not_have_one_domain(file: Path) -> None:
    entrance = '[{}.entrance]\ndomain = "shop.example.com"\n'
    text = DEV + entrance.format("dev") + TEST + entrance.format("test")
    assert problems(file, text) == [
        'environments.toml:12: test.entrance.domain must differ from the domain of dev (got "shop.example.com"); '
        "use a subdomain"
    ]


def test_a_network_without_nat_gateways_needs_the_registry_in_its_region(file: Path) -> None:
    endpoints = '[dev.network]\negress = "endpoints"\n'
    dev = DEV.replace("[dev]\n", "[dev]\n" + place("1" * 12, "eu-west-1")) + endpoints
    registry = '[tooling]\n{}[tooling.registry]\ncaches = ["ecr-public"]\n'
    assert len(problems(file, dev)) == 1
    assert len(problems(file, dev + registry.format(""))) == 1
    assert len(problems(file, dev + registry.format(place("2" * 12, "eu-central-1")))) == 1
    complete = registry.format(place("2" * 12, "eu-west-1"))
    read(file, dev + complete)
    assert len(problems(file, dev.replace('account = "111111111111"', "") + complete)) == 1  # it pulls from ECR Public
    assert len(problems(file, dev + complete.replace("ecr-public", "quay"))) == 1
    (problem,) = problems(file, dev + "[dev.data]\ndatabase_capacity = [0, 2]\n" + complete)
    assert 'must not be "endpoints", since the image of the jobs is in a public registry; ' in problem


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "at least one table must describe an environment; add a table such as [dev]"),
        ("[dev", "is not valid TOML: "),
        (DEV.replace("dev", '"my dev"'), "my dev must have a name of letters, digits and hyphens that begins with a "),
        ("dev = 3", "dev must be a table (got 3)"),
    ],
)
def test_a_malformed_file_is_one_sentence(file: Path, text: str, said: str) -> None:
    (problem,) = problems(file, text)
    assert said in problem


def test_a_missing_file_is_one_sentence(file: Path) -> None:
    with pytest.raises(SettingsFileError, match=r"environments.toml cannot be read \(No such file or directory\); "):
        Description.read(str(file))


def test_a_byte_order_mark_is_ignored(file: Path) -> None:
    file.write_text("\ufeff" + DEV, "utf-8")
    assert list(Description.read(str(file)).environments) == ["dev"]


def test_the_file_of_this_repository_has_its_environments() -> None:
    description = Description.read(str(ROOT / "environments.toml"))
    assert list(description.environments) == ["dev", "staging", "production"]
    assert list(description.destinations) == ["production"]
