"""The settings of deployments from GitHub Actions: what they accept, and one error with the line for all else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stacks.settings import Description
from stacks.settings.toml_file import SettingsFileError

ROOT = Path(__file__).resolve().parents[2]
CAPACITY = '[{name}.capacity.fargate]\nkind = "fargate"\n'
ENVIRONMENT = '[{name}]\naccount = "{account}"\nregion = "eu-west-1"\nremovable = true\n[{name}.github]\n{settings}'
TOOLING = '[tooling]\naccount = "1111{rest}"\nregion = "eu-west-1"\n[tooling.registry]\n'.format(rest=8 * "1")
REPOSITORY = '[tooling.github]\nrepository = "my-organization@1234567/shop@7654321"\n'


def environment(name: str, settings: str = "", account: str = 12 * "2") -> str:
    text = ENVIRONMENT.format(name=name, account=account, settings=f"{settings}\n" if settings else "")
    return text + CAPACITY.format(name=name)


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


def test_an_empty_table_deploys_an_environment_from_github(file: Path) -> None:
    description = read(file, environment("staging") + TOOLING + REPOSITORY)
    github = description.environments["staging"].github
    assert github
    assert (github.provider, github.promotes_from) == ("new", None)
    assert description.tooling
    assert description.tooling.github
    assert (description.tooling.github.branch, description.tooling.github.provider) == ("main", "new")


REPOSITORIES = {
    "my-organization/shop": None,
    "my_users_short-code/shop.infra_2": None,
    "my-organization@1234567/shop@7654321": None,
    "shop": 'must be a repository with its owner (got "shop"); for example "my-organization@1234567/shop@7654321"',
    "my-organization/*": "must be a repository with its owner",
    "my-organization/shop:ref:refs/heads/x": "must be a repository with its owner",
    "${aws:username}/shop": "must be a repository with its owner",
    "https://github.com/my-organization/shop": "must be a repository with its owner",
    "my-organization/shop@7654321": (
        'must have both IDs or none of them (got "my-organization/shop@7654321"); GitHub writes them as '
        "my-organization@1234567/shop@7654321"
    ),
}


@pytest.mark.parametrize("name", REPOSITORIES)
def test_a_repository_has_an_owner_and_no_wildcard(file: Path, name: str) -> None:
    text = environment("staging") + TOOLING + f'[tooling.github]\nrepository = "{name}"\n'
    if expected := REPOSITORIES[name]:
        (problem,) = problems(file, text)
        assert problem.startswith(f"environments.toml:{text.count(chr(10))}: tooling.github.repository {expected}")
    else:
        read(file, text)


BRANCHES = {"main": True, "release/2.x": True, "refs/heads/main": False, "*": False, "a b": False, "": False}


@pytest.mark.parametrize("branch", BRANCHES)
def test_a_branch_is_a_name_without_a_wildcard(file: Path, branch: str) -> None:
    text = environment("staging") + TOOLING + REPOSITORY + f'branch = "{branch}"\n'
    if BRANCHES[branch]:
        read(file, text)
    else:
        (problem,) = problems(file, text)
        assert "tooling.github.branch must be the name of a branch, without refs/heads/ (got " in problem


WRONG = {
    'provider = "old"': '6: staging.github.provider must be one of new, existing (got "old")',
    'promotes_from = "staging"': (
        '6: staging.github.promotes_from must be another environment (got "staging"); the others are dev'
    ),
    'promotes_from = "qa"': (
        '6: staging.github.promotes_from must be another environment (got "qa"); the others are dev'
    ),
    'promotes_from = "dev"': (
        "6: staging.github.promotes_from must be an environment with a table of its own for GitHub Actions; add "
        "[dev.github]"
    ),
    "branch = 3": "6: staging.github.branch is not a setting; ",
}


@pytest.mark.parametrize("setting", WRONG)
def test_a_wrong_setting_is_named_with_its_line(file: Path, setting: str) -> None:
    dev = "[dev]\nremovable = true\n" + CAPACITY.format(name="dev")
    (problem,) = problems(file, environment("staging", setting) + dev + TOOLING + REPOSITORY)
    assert problem.startswith(f"environments.toml:{WRONG[setting]}")


def test_the_only_environment_has_no_other_to_promote_from(file: Path) -> None:
    (problem,) = problems(file, environment("staging", 'promotes_from = "qa"') + TOOLING + REPOSITORY)
    assert problem.endswith('must be another environment (got "qa"); remove the setting')


@pytest.mark.parametrize("tooling", ["", TOOLING])
def test_a_deployment_needs_a_repository(file: Path, tooling: str) -> None:
    assert problems(file, environment("staging") + tooling) == [
        "environments.toml:5: staging.github needs the repository whose workflows deploy; add it in [tooling.github], "
        "or remove this table"
    ]


def test_a_repository_is_required_in_its_table(file: Path) -> None:
    (problem,) = problems(file, environment("staging") + TOOLING + "[tooling.github]\n")
    assert problem.startswith("environments.toml:12: tooling.github.repository is missing; add it")


def test_an_account_has_one_provider(file: Path) -> None:
    shared = environment("staging") + environment("production") + TOOLING + REPOSITORY
    said = (
        "must not define GitHub's identity provider in account 222222222222, since staging defines it, and an account "
        'has only one; set provider = "existing"'
    )
    assert problems(file, shared) == [f"environments.toml:12: production.github.provider {said}"]
    existing = environment("production", 'provider = "existing"')
    read(file, environment("staging") + existing + TOOLING + REPOSITORY)
    read(file, environment("staging") + environment("production", account=12 * "3") + TOOLING + REPOSITORY)


def test_the_provider_of_the_tooling_is_the_one_of_its_account(file: Path) -> None:
    both = environment("staging", account=12 * "1") + TOOLING + REPOSITORY
    (problem,) = problems(file, both)
    assert (
        "staging.github.provider must not define GitHub's identity provider in account 111111111111, since tooling"
        in (problem)
    )
    read(file, both + 'provider = "existing"\n')


def test_providers_of_accounts_that_are_not_set_are_not_compared(file: Path) -> None:
    texts = [environment(name).replace('account = "222222222222"\n', "") for name in ("staging", "production")]
    read(file, "".join(texts) + TOOLING + REPOSITORY)


def test_the_targets_of_a_promotion_are_those_that_name_it(file: Path) -> None:
    text = environment("staging") + environment("production", 'promotes_from = "staging"', 12 * "3")
    description = read(file, text + TOOLING + REPOSITORY)
    assert description.promotion_targets("staging") == ("production",)
    assert description.promotion_targets("production") == ()


def test_the_example_in_the_file_of_this_repository_is_valid(file: Path) -> None:
    commented = (ROOT / "environments.toml").read_text()
    names = r"account|region|recovery_region|repository|promotes_from|domain"
    description = read(file, re.sub(rf"(?m)^# (?=\[|({names}) = )", "", commented))
    assert description.tooling
    assert description.tooling.github
    deployed = [name for name, each in description.environments.items() if each.github]
    assert (deployed, description.promotion_targets("staging")) == (["dev", "staging", "production"], ("production",))


@pytest.mark.parametrize(("own", "owner"), [("222222222222", "tooling"), ("333333333333", "production")])
def test_previews_never_share_an_account_with_what_must_stay(file: Path, own: str, owner: str) -> None:
    spot = '[dev.capacity.spot]\nkind = "fargate-spot"\n[dev.previews]\ndomain = "preview.example.com"\n'
    production = environment("production", account=12 * "3").replace(
        "removable = true\n", 'entrance = { certificate_parameter = "/shop/certificate" }\n'
    )
    tooling = '[tooling]\naccount = "222222222222"\nregion = "eu-west-1"\n[tooling.registry]\n'
    host = environment("dev", account=own) + spot
    (problem,) = [each for each in problems(file, host + production + tooling + REPOSITORY) if "previews" in each]
    assert f"dev.previews must not be in the account of {owner}, {own}, since the code of a pull request" in problem
