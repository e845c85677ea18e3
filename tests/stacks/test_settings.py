"""The file of the environments: what it accepts, and one clear error with the line for everything else."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest

from moorage.workload.fargate_sizes import FARGATE_MEMORY
from stacks.settings import Description
from stacks.settings.description import WITHOUT_INSPECTOR
from stacks.settings.services import FARGATE_MEMORY_GIB
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


ARABIC_ONE = "\u0661"
WEB_ACL = 'entrance = { web_acl = "arn:aws:wafv2:eu-west-1:111111111111:regional/webacl/shop/1" }'
WRONG = {
    'colour = "red"': "3: dev.colour is not a setting; the settings are account, ",
    'tag = "shop"': "3: dev.tag is not a setting; did you mean tags?",
    "account = 111111111111": "3: dev.account must be a text (got 111111111111); write it in quotes",
    'account = "1111"': '3: dev.account must be an account of 12 digits (got "1111"); for example "111111111111"',
    f'account = "{12 * ARABIC_ONE}"': f'3: dev.account must be an account of 12 digits (got "{12 * ARABIC_ONE}"); for ',
    'region = "Ireland"': '3: dev.region must be the name of a region (got "Ireland"); for example "eu-west-1"',
    'region = "eu-wets-1"': '3: dev.region must be the name of a region (got "eu-wets-1"); for example "eu-west-1"',
    'permissions_boundary = "arn:aws:iam::111111111111:policy/x"': (
        "3: dev.permissions_boundary must be the name of an IAM policy, not its ARN (got "
    ),
    'removable = "yes"': '3: dev.removable must be true or false (got "yes")',
    'operators = "me@example.com"': '3: dev.operators must be a list (got "me@example.com")',
    'operators = ["me"]': '3: dev.operators must be a list of email addresses (got "me"); for example "operators@',
    'operators = ["a@b.c", "a@b.c"]': '3: dev.operators must have each item only once (got "a@b.c" again); remove one ',
    'operators = ["a@b.c\\n"]': '3: dev.operators must be a list of email addresses (got "a@b.c\\n"); for example ',
    "operators = [4]": "3: dev.operators must be a text (got 4); write it in quotes",
    "tags = { team = 3 }": "3: dev.tags.team must be a text (got 3); write it in quotes",
    "tags = { team = 2026-01-01 }": "3: dev.tags.team must be a text (got 2026-01-01); write it in quotes",
    'tags = { "AWS:team" = "" }': '3: dev.tags."AWS:team" must have a name of 1 to 128 letters, digits, spaces and _ ',
    'tags = { "" = "" }': '3: dev.tags."" must have a name of 1 to 128 letters',
    'tags = { team = "a|b" }': "3: dev.tags.team must have a value of at most 256 letters, digits, spaces and _ . : ",
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
    'network = { vpc_id = ["vpc-1"] }': '3: dev.network.vpc_id must be a text (got ["vpc-1"])',
    "network = [{ zones = 2 }]": '3: dev.network must be a table (got [{"zones": 2}]); write the name of a table in si',
    "services = { min_tasks = 0 }": "3: dev.services.min_tasks must be between 1 and 5000 (got 0)",
    "services = { max_tasks = 1 }": "3: dev.services.max_tasks must be at least min_tasks, 2 (got 1)",
    "services = { ui = { max_tasks = 1 } }": "3: dev.services.ui.max_tasks must be at least min_tasks, 2 (got 1)",
    "services = { shop = {} }": "3: dev.services.shop is not a setting; ",
    "services = { capacity = { spot = 1 } }": (
        '3: dev.services.capacity must have names of capacities (got "spot"); the names are fargate'
    ),
    "services = { ui = { capacity = { spot = 1 } } }": "3: dev.services.ui.capacity must have names of capacities",
    "services = { capacity = { fargate = 0 } }": "3: dev.services.capacity must have a weight of 1 or more; raise the ",
    "services = { capacity = { fargate = -1 } }": (
        "3: dev.services.capacity cannot be used: the weight of capacity 'FARGATE' must be between 0 and 1,000 (got -"
    ),
    "services = { capacity = { fargate = 1.5 } }": "3: dev.services.capacity.fargate must be a whole number (got 1.5)",
    "services = { cpu = 127 }": "3: dev.services.cpu must be between 128 and 196608 (got 127)",
    "services = { cpu = 1000 }": "3: dev.services.cpu must be a size that Fargate offers (got 1000); use 1024",
    "services = { memory_mib = 1024 }": (
        "3: dev.services.memory_mib must be a size that Fargate offers with cpu = 1024 (got 1024); use 2048, or another"
    ),
    "services = { ui = { cpu = 256, memory_mib = 4096 } }": (
        "3: dev.services.ui.memory_mib must be a size that Fargate offers with cpu = 256 (got 4096); use 2048, or ano"
    ),
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
    'recovery_region = "cn-north-1"\nregion = "eu-west-1"': (
        '3: dev.recovery_region must be in the partition of eu-west-1 (got "cn-north-1"), since images cannot be '
    ),
    'entrance = { domain = "Shop.b.com" }': '3: dev.entrance.domain must be a host name in lower case (got "Shop.b.c',
    'entrance = { hosted_zone = "b.com." }': '3: dev.entrance.hosted_zone must be a host name in lower case (got "b.',
    'entrance = { hosted_zone_id = "/hostedzone/Z" }': "3: dev.entrance.hosted_zone_id must be the ID of a hosted zo",
    'entrance = { certificate_parameter = "/shop/" }': "3: dev.entrance.certificate_parameter must be the name of a ",
    'entrance = { hosted_zone = "b.com" }': "3: dev.entrance.hosted_zone needs domain and hosted_zone_id, too",
    'entrance = { hosted_zone_id = "Z" }': "3: dev.entrance.hosted_zone_id needs hosted_zone, the name of",
    'entrance = { web_acl = "arn:aws:waf" }': "3: dev.entrance.web_acl must be the ARN of a regional web ACL (got ",
    f'account = "222222222222"\n{WEB_ACL}': (
        "4: dev.entrance.web_acl must be in the account of the environment, 222222222222 (got 111111111111); use a web "
    ),
    f'region = "eu-west-2"\n{WEB_ACL}': (
        "4: dev.entrance.web_acl must be in the region of the environment, eu-west-2 (got eu-west-1); use a web ACL of "
    ),
    'entrance = { recovery_web_acl = "arn:aws:wafv2:eu-west-1:111111111111:regional/webacl/shop/1" }': (
        "3: dev.entrance.recovery_web_acl needs recovery_region, too; set it"
    ),
    f'recovery_region = "eu-west-2"\n{WEB_ACL}': (
        "4: dev.entrance.web_acl exists only in the region of the environment; set recovery_web_acl, too, or remove "
    ),
    'account = "222222222222"\nregion = "eu-west-1"\nrecovery_region = "eu-west-2"\nnetwork.vpc_id = "vpc-11111111"': (
        "6: dev.network.vpc_id exists only in the region of the environment; set recovery_vpc_id, too, or remove recov"
    ),
    "images = { severity = 3 }": "3: dev.images.severity is not a setting; ",
    'images = { refused_severity = "grave" }': (
        '3: dev.images.refused_severity must be one of critical, high, medium, low, informational (got "grave")'
    ),
    f'images = {{}}\nservices.ui.digest = "sha256:{"0a" * 32}"': (
        "4: dev.services.ui.digest has no effect, since the images are promoted; remove it, or the settings of images"
    ),
    "previews = {}": "3: dev.previews.domain is missing; add it",
    'previews = { domain = "Preview.b.com" }': '3: dev.previews.domain must be a host name in lower case (got "Prev',
    'previews = { domain = "preview" }': '3: dev.previews.domain must be a host name in lower case (got "preview")',
    f'previews = {{ domain = "{57 * "a."}abcde" }}': "3: dev.previews.domain must have at most 118 characters, since",
    'previews = { domain = "b.com", hours = 0 }': "3: dev.previews.hours must be between 1 and 720 (got 0)",
    'previews = { domain = "b.com", hours = 721 }': "3: dev.previews.hours must be between 1 and 720 (got 721)",
    'previews = { domain = "b.com" }': (
        "3: dev.previews needs a capacity whose kind is fargate-spot, on which previews run; add a table such as [dev."
    ),
    'removable = false\npreviews = { domain = "b.com" }': (
        "4: dev.previews must be absent unless removable is true, since the code of a pull request can change everythi"
    ),
    'previews = { domain = "b.com" }\nentrance = { domain = "a.a.com", hosted_zone = "a.com", hosted_zone_id = "Z" }': (
        '3: dev.previews.domain must be in the hosted zone of the entrance, a.com (got "b.com"); use "preview.a.com"'
    ),
    'capacity.pool = { kind = ["ec2"] }': "3: dev.capacity.pool.kind must be one of fargate, fargate-spot, ec2, mana",
    'capacity.pool = { kind = "fargate" }': '5: dev.capacity.fargate.kind must not be "fargate" again, which is the ca',
    'capacity."my pool" = { kind = "ec2", instance_types = ["m7i.large"], max_instances = 1 }': (
        '3: dev.capacity."my pool" cannot be used: name must be 1 to 128 letters'
    ),
    'capacity.pool = { kind = "ec2", instance_types = [], max_instances = 1 }': (
        '3: dev.capacity.pool.instance_types must have at least one instance type, such as "m7i.large"'
    ),
    'capacity.pool = { kind = "managed-instances", vcpus = [4, 2], memory_mib = [0, 0] }': (
        "3: dev.capacity.pool.vcpus must be the least, 0 or more, and the most, which is not lower (got [4, 2]); use a "
    ),
    'capacity.pool = { kind = "managed-instances", vcpus = [0, 2], memory_mib = [0, 0] }': (
        "3: dev.capacity.pool.memory_mib must be the least, 0 or more, and the most, which is not lower (got [0, 0]); "
    ),
    "capacity.queue = {}": "3: dev.capacity.queue.kind must be one of fargate, fargate-spot, ec2, managed-",
    'capacity.pool = { kind = "ec2" }': "3: dev.capacity.pool.instance_types is missing; add it",
    'capacity.pool = { kind = "ec2", instance_types = ["m7i.large"], max_instances = 0 }': (
        "3: dev.capacity.pool cannot be used: min_instances and max_instances must be at l"
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
    settings = 'region = "ap-southeast-6"\nrecovery_region = "eu-west-1"\nimages = {}\n'
    dev = DEV.replace("[dev]\n", f"[dev]\n{settings}")
    assert [each.split(" must be")[0] for each in problems(file, dev + tooling)] == [
        "environments.toml:2: dev.region",
        "environments.toml:9: tooling.region",
    ]
    read(file, dev.replace("images = {}\n", ""))  # nothing is scanned there


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


PREVIEWS = """\
[{0}.capacity.spot]
kind = "fargate-spot"
[{0}.previews]
domain = "{1}"
"""


def test_previews_need_a_host_name_and_a_short_one(file: Path) -> None:
    missing = DEV + PREVIEWS.format("dev", "b.com").replace('domain = "b.com"\n', "")
    assert problems(file, missing) == ["environments.toml:7: dev.previews.domain is missing; add it"]
    longest = f"{56 * 'a.'}abcdef"
    previews = read(file, DEV + PREVIEWS.format("dev", longest)).environments["dev"].previews
    assert previews
    assert (previews.hours, len(previews.host(999_999))) == (72, 128)


def test_only_one_environment_hosts_previews(file: Path) -> None:
    text = DEV + PREVIEWS.format("dev", "b.com") + TEST + PREVIEWS.format("test", "c.com")
    assert problems(file, text) == [
        "environments.toml:15: test.previews must be absent, since dev hosts the previews; remove one of the two tables"
    ]
    assert read(file, DEV + TEST + PREVIEWS.format("test", "c.com")).preview_host == "test"
    assert read(file, DEV).preview_host is None


def test_no_environment_has_the_name_of_a_preview(file: Path) -> None:
    assert problems(file, DEV.replace("dev", "Preview-1")) == [
        "environments.toml:1: Preview-1 must not have the name of the preview of a pull request; rename the table"
    ]
    read(file, DEV.replace("dev", "preview-one"))


def test_services_of_a_host_of_previews_have_a_size_of_fargate(file: Path) -> None:
    pool = 'kind = "ec2"\ninstance_types = ["m7i.large"]\nmax_instances = 1\n'
    text = DEV.replace('kind = "fargate"\n', pool) + "[dev.services]\ncpu = 1000\n"
    read(file, text)
    assert problems(file, text + PREVIEWS.format("dev", "b.com")) == [
        "environments.toml:8: dev.services.cpu must be a size that Fargate offers (got 1000); use 1024"
    ]


def test_as_many_copies_as_the_maximum_do_not_scale(file: Path) -> None:
    sizes = "[dev.services]\nmin_tasks = 2\nmax_tasks = 2\n"
    scaling = read(file, DEV + sizes).environments["dev"].services.scaling
    assert (scaling.minimum, scaling.maximum, scaling.cpu_percent) == (2, 2, None)


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
        (
            DEV.replace("dev", '"my dev"'),
            '"my dev" must have a name of letters, digits and hyphens that begins with a ',
        ),
        (
            "dev = 3",
            "environments.toml:1: dev must be a table (got 3); write settings below the name of a table, such as",
        ),
        (
            f"removable = true\n{DEV}",
            "environments.toml:1: removable must be a table (got true); write settings below ",
        ),
        (
            f"{DEV}[dev]",
            "environments.toml:5: is not valid TOML: Cannot declare ('dev',) twice (column 5); write each ",
        ),
        (
            f"{DEV}spot = True",
            "environments.toml:5: is not valid TOML: Invalid value (column 8); write texts in quotes,",
        ),
        (f"{DEV}spot = [", "environments.toml:5: is not valid TOML: "),
        (
            f"{DEV}a = {'9' * 5000}",
            "environments.toml has a value that cannot be read (Exceeds the limit (4300 digits) ",
        ),
        (f"{DEV}a = {'[' * 5000}", "environments.toml has too many nested values; write each setting into its table"),
        (
            DEV + DEV.replace("dev", "Dev"),
            "environments.toml:5: Dev must differ from dev in more than upper and lower ",
        ),
        (DEV.replace("dev", "Tooling"), "environments.toml:1: Tooling must differ from tooling in more than upper and"),
        (DEV.replace("dev", '"a\\nb"'), 'environments.toml:1: "a\\nb" must have a name of letters'),
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
    assert list(description.destinations) == ["staging", "production"]


@pytest.mark.parametrize(
    "text",
    [
        "[ dev . network ]\nzones = 9",
        "[dev.'network'] # [dev]\n\"zones\" = 9 # zones = 3",
        "[dev]\nnetwork.zones = 9",
        "[dev]\nnetwork = { egress = 'one-nat-gateway', zones = 9 }",
        '[dev.tags]\nteam = """\n[dev.network]\nzones = 4\n"""\n[dev.network]\nzones = 9',
        "[dev.tags]\n'cost.center' = 'a\u2028b\x85c'\n[dev.network]\nzones = 9",
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_line_is_found_however_it_is_written(file: Path, text: str, line_end: str) -> None:
    capacity = "[dev.capacity.fargate]\nkind = 'fargate'\n"
    content = f"{capacity}{text}\n"
    file.write_bytes(content.replace("\n", line_end).encode())
    with pytest.raises(SettingsFileError) as raised:
        Description.read(str(file))
    line = content.count("\n")
    assert f"environments.toml:{line}: dev.network.zones must be between 2 and 6 (got 9)" in str(raised.value)


def test_each_name_that_is_not_bare_is_quoted_and_found(file: Path) -> None:
    tags = "[dev.tags]\n'cost center' = 1\n'cost.center' = 2\n\"gr\u00f6\u00dfe\" = 3\n"
    assert [each.split(" must")[0] for each in problems(file, DEV + tags)] == [
        'environments.toml:6: dev.tags."cost center"',
        'environments.toml:7: dev.tags."cost.center"',
        'environments.toml:8: dev.tags."gr\u00f6\u00dfe"',
    ]


def test_a_missing_setting_is_at_its_table(file: Path) -> None:
    (problem,) = problems(file, "[dev.capacity.fargate]\nkind = 'fargate'\n\n[dev]\n")
    assert problem.startswith("environments.toml:4: dev.entrance must have a certificate")
    assert problems(file, DEV + "[qa.network]\nzones = 2\n") == ["environments.toml:5: qa.capacity is missing; add it"]


def test_a_text_in_another_encoding_is_one_sentence(file: Path) -> None:
    for content, line in ((DEV.encode("utf-16"), 1), ((DEV + "# \u00e4").encode("latin-1"), 5)):
        file.write_bytes(content)
        with pytest.raises(
            SettingsFileError, match=rf"^environments.toml:{line}: is not a text in UTF-8; save the file"
        ):
            Description.read(str(file))


POOL = '[dev.capacity.pool]\nkind = "ec2"\ninstance_types = ["m7i.large"]\nmax_instances = 4\n'


def test_the_capacities_of_a_service_are_of_one_kind(file: Path) -> None:
    for table in ("services", "services.ui", "jobs"):
        (problem,) = problems(file, f"{DEV}{POOL}[dev.{table}]\ncapacity = {{ fargate = 1, pool = 1 }}\n")
        assert problem.startswith(
            f"environments.toml:10: dev.{table}.capacity cannot be used: the capacities must all "
        )


def test_all_problems_of_a_capacity_have_a_line_of_their_own(file: Path) -> None:
    found = problems(file, DEV + POOL.replace("pool", '"my pool"').replace("= 4", "= 0"))
    assert [each.split("cannot be used: ")[1].split(" ")[0] for each in found] == ["min_instances", "name"]


def test_sizes_are_those_of_fargate_only_on_fargate(file: Path) -> None:
    offered = {cpu: tuple(int(1024 * each) for each in gib) for cpu, gib in FARGATE_MEMORY_GIB.items()}
    assert offered == {cpu: tuple(sizes) for cpu, sizes in FARGATE_MEMORY.items()}
    read(file, f"{DEV}{POOL}[dev.services]\ncpu = 1000\nmemory_mib = 3000\ncapacity = {{ pool = 1 }}\n")
    (problem,) = problems(
        file,
        f"{DEV}{POOL}[dev.services]\ncpu = 1000\ncapacity = {{ pool = 1 }}\n[dev.services.ui]\n"
        "capacity = { fargate = 1 }\n",
    )
    assert problem.startswith(
        "environments.toml:12: dev.services.ui.cpu must be a size that Fargate offers (got 1000); "
    )


def test_a_recovery_region_needs_its_images(file: Path) -> None:
    dev = DEV.replace("[dev]\n", f"[dev]\n{place('1' * 12, 'eu-west-1')}recovery_region = 'eu-west-2'\n")
    tooling = f"[tooling]\n{place('2' * 12, 'eu-west-1')}[tooling.registry]\n"
    assert problems(file, dev + tooling) == [
        "environments.toml:4: dev.recovery_region needs promoted images, since only these are replicated to that "
        "region; add the table [dev.images]",
        'environments.toml:4: dev.recovery_region needs the images in that region; add "dev" to replicates_to of '
        "[tooling.registry]",
    ]
    read(file, f"{dev}[dev.images]\n{tooling}replicates_to = ['dev']\n")


def test_promoted_images_are_in_the_place_of_their_environment(file: Path) -> None:
    images, here, there = "[{}.images]\n", place("1" * 12, "eu-west-1"), place("2" * 12, "eu-west-1")
    needs = "environments.toml:5: dev.images needs "
    assert problems(file, DEV + images.format("dev")) == [
        f"{needs}the registry of the company; add the table [tooling.registry]"
    ]
    registry = "[tooling]\n{}[tooling.registry]\n"
    assert problems(file, DEV + images.format("dev") + registry.format("")) == [
        f'{needs}the images in its account and region; add "dev" to replicates_to of [tooling.registry]'
    ]
    own = DEV.replace("[dev]\n", f"[dev]\n{there}") + images.format("dev")
    assert problems(file, own + registry.format(here))
    read(file, own + registry.format(there))  # the registry of the company itself
    other = TEST.replace("[test]\n", f"[test]\n{there}")
    read(file, f'{own}{other}{registry.format(here)}replicates_to = ["test"]\n')  # the replica of the other one


def test_the_stage_of_a_recovery_region_has_a_name_of_its_own(file: Path) -> None:
    assert problems(file, DEV + DEV.replace("dev", "dev-recovery")) == [
        "environments.toml:5: dev-recovery must not have a name that ends with -recovery, which is the name of dev in "
        "its recovery region; rename the table"
    ]
    read(file, DEV.replace("dev", "dev-recovery"))


def test_images_are_not_replicated_to_another_partition(file: Path) -> None:
    dev = DEV.replace("[dev]\n", f"[dev]\n{place('1' * 12, 'us-gov-west-1')}")
    (problem,) = problems(file, dev + TOOLING.format(place("2" * 12, "eu-west-1")).replace(', "test"', ""))
    assert problem.startswith(
        "environments.toml:11: tooling.registry.replicates_to must have environments in the partition"
    )
